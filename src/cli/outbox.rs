//! `zoufang outbox`: what is owed and not delivered, and what a named person may decide of it.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::record::ConfigFile;
use super::table::Table;
use super::{Approval, refused};
use crate::clock::local_text;
use crate::db::{Debt, DebtState, Decision, Store};
use crate::domain::reason::{Reason, in_words};
use crate::domain::rights::Right;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 以 csv 列出没有送达的
    List {
        /// 只列这个通道
        #[arg(long)]
        lane: Option<String>,
        /// 只列这种状态，如 held 或 等人处理；不写则列出没有送达、没有撤回的
        #[arg(long)]
        state: Option<DebtState>,
        /// 最多列多少件
        #[arg(long, default_value_t = 1000)]
        limit: i64,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 显示一件
    Show {
        /// list 里的「key」
        key: String,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 马上再试；可能已经送达的先核实（记入审计）
    Retry(Move),
    /// 服务中心审核通过，马上上报（记入审计）
    Release(Move),
    /// 先不发，等人处理（记入审计）
    Hold(Move),
    /// 认定下落：到平台上看过以后，写明已送达（--arrived 编号）或没有送达（--absent）（记入审计）
    Resolve {
        #[command(flatten)]
        made: Move,
        /// 平台上有，编号是
        #[arg(long, value_name = "NUMBER", required_unless_present = "absent")]
        arrived: Option<String>,
        /// 平台上没有，重新发送
        #[arg(long, conflicts_with = "arrived")]
        absent: bool,
    },
}

#[derive(Debug, Args)]
struct Move {
    /// list 里的「key」
    key: String,
    #[command(flatten)]
    approval: Approval,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    match arguments.action {
        Action::List { lane, state, limit, json } => {
            let debts = store.debts(lane.as_deref(), state.map(DebtState::code), limit).await?;
            list(&debts, json)?;
        }
        Action::Show { key, json } => {
            let debt = store.debt(&key).await.map_err(refused)?;
            if json {
                list(&[debt], true)?;
            } else {
                show(&debt);
            }
        }
        Action::Retry(made) => decide(&store, &made, &Decision::Retry).await?,
        Action::Release(made) => decide(&store, &made, &Decision::Release).await?,
        Action::Hold(made) => decide(&store, &made, &Decision::Hold).await?,
        Action::Resolve { made, arrived, absent } => {
            let decision =
                if absent { Decision::Absent } else { Decision::Arrived { remote_id: arrived } };
            decide(&store, &made, &decision).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn decide(store: &Store, made: &Move, decision: &Decision) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let (by, reason) = made.approval.given(&mut tx, Right::DecideDebt, None).await?;
    tx.decide_debt(&made.key, decision, &by.number, reason).await.map_err(refused)?;
    tx.commit().await?;
    say!("{}：已处置，已记入审计", made.key);
    Ok(())
}

fn list(debts: &[Debt], json: bool) -> anyhow::Result<()> {
    let names = ["key", "通道", "状态", "下落不明自", "尝试次数", "下次", "最近的问题"];
    let mut table = Table::new(names, json)?;
    for debt in debts {
        table.row([
            &debt.debt_key,
            &debt.lane,
            debt.standing(),
            &shown(debt.unknown_since),
            &debt.attempts.to_string(),
            &next(debt),
            &debt.last_error.as_deref().map(in_words).map(|why| why.said).unwrap_or_default(),
        ])?;
    }
    Ok(table.end()?)
}

fn show(debt: &Debt) {
    say!("{}（{}）", debt.debt_key, debt.kind);
    say!("通道 {}，{}，已尝试 {} 次", debt.lane, debt.standing(), debt.attempts);
    say!("列入 {}", shown(Some(debt.created_at)));
    let next = next(debt);
    if !next.is_empty() {
        say!("下次 {next}");
    }
    if debt.unknown_since.is_some() {
        say!("{} 起下落不明：可能已经送达，核实以前不会重发", shown(debt.unknown_since));
    }
    if let Some(error) = &debt.last_error {
        let Reason { said, detail, .. } = in_words(error);
        say!("最近的问题：{said}");
        if said != detail {
            say!("技术细节：{detail}");
        }
    }
    if debt.settled_at.is_some() {
        say!("了结 {}", shown(debt.settled_at));
    }
}

/// When it's tried next, where it waits for a time.
fn next(debt: &Debt) -> String {
    let waits = matches!(DebtState::read(&debt.state), Some(DebtState::Ready | DebtState::Review));
    shown(waits.then_some(debt.not_before))
}

/// An instant as the township's clocks show it; nothing for one that never was.
fn shown(millis: Option<i64>) -> String {
    let at = millis.filter(|at| *at > 0).and_then(|at| Timestamp::from_millisecond(at).ok());
    at.map(local_text).unwrap_or_default()
}
