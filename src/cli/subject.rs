//! `zoufang subject`: a subject ends, or comes back; and which have ended.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::record::ConfigFile;
use super::table::Table;
use super::{Approval, read_date, refused, wrong_input};
use crate::app::endings::{self, StateOf, ToldState, put_one};
use crate::app::subjects::area_of_known;
use crate::app::told::Told;
use crate::db::Store;
use crate::domain::rights::Right;
use crate::domain::staff::Holders;
use crate::domain::subject::{Endings, SubjectState};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 登记不再走访：迁出、去世（整户无人）、停业、重复、其他
    End {
        /// 对象编号
        subject: String,
        /// 为什么：迁出、去世、停业、重复、其他
        #[arg(long, value_parser = read_ending)]
        why: SubjectState,
        /// 自哪天起；不写为今天
        #[arg(long, value_parser = read_date)]
        since: Option<Date>,
        #[command(flatten)]
        approval: Approval,
    },
    /// 恢复走访：没有完成的走访、回访重新要求
    Resume {
        /// 对象编号
        subject: String,
        #[command(flatten)]
        approval: Approval,
    },
    /// 列出不再走访的对象和原因
    Ended {
        /// 只列这个镇、总支或村的（名称或代码）；写「某镇直属」，只列不在哪个村的
        #[arg(long)]
        area: Option<String>,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    match arguments.action {
        Action::End { subject, why, since, approval } => {
            put(&store, &subject, (why, since), &approval).await?;
        }
        Action::Resume { subject, approval } => {
            put(&store, &subject, (SubjectState::InPlace, None), &approval).await?;
        }
        Action::Ended { area, json } => list(&store, area.as_deref(), json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn read_ending(text: &str) -> Result<SubjectState, String> {
    let read = SubjectState::read(text).filter(|state| state.is_ended());
    read.ok_or_else(|| format!("应为：{}", endings::choices()))
}

async fn put(
    store: &Store,
    subject: &str,
    (state, on): (SubjectState, Option<Date>),
    approval: &Approval,
) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let area = area_of_known(&mut tx, subject).await.map_err(refused)?;
    let (by, reason) = approval.given(&mut tx, Right::EndSubject, Some(&area)).await?;
    let words = Told::Is(reason.to_owned());
    let told = ToldState { state: Told::Is(state), on, words };
    let row = StateOf { subject_number: subject.to_owned(), told };
    let said = put_one(&mut tx, row, (&by, &by.number)).await.map_err(refused)?;
    tx.commit().await?;
    say!("{}", said.unwrap_or_else(|| format!("「{subject}」本来就是这样，没有改动")));
    Ok(())
}

async fn list(store: &Store, area: Option<&str>, json: bool) -> anyhow::Result<()> {
    let tree = store.area_tree().await?;
    let within = area.map(|name| tree.find_part(name).map_err(wrong_input)).transpose()?;
    let is_in = |id: &str| within.is_none_or(|(within, own)| tree.is_in(id, &within.id, own));
    let areas: Vec<&str> = tree.all().map(|area| area.id.as_str()).filter(|id| is_in(id)).collect();
    let mut record = store.snapshot().await?;
    let ended = record.ended_in(&areas).await?;
    let holders = Holders::new(record.staff().await?);
    record.end().await?;
    let names =
        ["村", "对象编号", "对象类型", "对象名称", "走访人员", "状态", "状态日期", "走访情况"];
    let mut table = Table::new(names, json)?;
    let (mut endings, mut dropped) = (Endings::default(), Endings::default());
    let starts_on = store.campaign().starts_on();
    for one in &ended {
        endings.add(one.ended.why);
        if one.is_dropped(starts_on) {
            dropped.add(one.ended.why);
        }
        let visitor = one.visitor.as_deref().and_then(|id| holders.person(id));
        table.row([
            tree.get(&one.area_id).map_or("", |area| area.name.as_str()),
            &one.number,
            one.kind.map_or("", |kind| kind.chinese()),
            &one.name,
            visitor.map_or("", |person| person.name.as_str()),
            one.ended.why.chinese(),
            &one.ended.on.to_string(),
            one.seen.chinese(),
        ])?;
    }
    table.end()?;
    match endings.count() {
        0 => eprintln!("没有不再走访的对象"),
        count => {
            let of_now = match dropped.count() {
                0 => String::new(),
                count => format!("；其中本次活动没走访就不再走访的 {count} 个（{dropped}）"),
            };
            eprintln!("不再走访的共 {count} 个：{endings}{of_now}");
        }
    }
    Ok(())
}
