//! `zoufang audit`: who changed or read what, and whether the trail is what it was.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::{Date, Time};
use serde_json::json;

use super::record::ConfigFile;
use super::table::Table;
use super::{Reveal, read_date, wrong_input};
use crate::clock::{Clock, local_text};
use crate::daemon::remembered_anchor;
use crate::db::{AuditEntry, AuditFilter, Store};
use crate::domain::audit::{Anchor, action_called};
use crate::domain::issue::EventKind;
use crate::domain::rights::Right;
use crate::intake::{Kind, done_in_words};
use crate::settings::Settings;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 列出谁在什么时候从哪里改了或看了什么
    List(List),
    /// 核对审计记录有没有被改动、删除（与另存的标记对照）
    Verify {
        /// 再与日志里的一个标记（audit_head）对照
        #[arg(long, value_name = "HEAD", value_parser = read_anchor)]
        head: Option<Anchor>,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct List {
    /// 只看这个人（人员编号）或程序的这一部分
    #[arg(long)]
    actor: Option<String>,
    /// 只看这种动作，如 更换走访人
    #[arg(long)]
    action: Option<String>,
    /// 只看关于它的，如问题编号、对象编号
    #[arg(long, value_name = "NUMBER")]
    target: Option<String>,
    /// 从这一天起
    #[arg(long, value_parser = read_date)]
    from: Option<Date>,
    /// 到这一天为止
    #[arg(long, value_parser = read_date)]
    until: Option<Date>,
    /// 最近多少条
    #[arg(long, default_value_t = 200)]
    limit: i64,
    #[command(flatten)]
    reveal: Reveal,
    /// 以 JSON 输出
    #[arg(long)]
    json: bool,
}

fn read_anchor(text: &str) -> Result<Anchor, String> {
    Anchor::read(text)
        .ok_or_else(|| format!("「{text}」不是标记，请把日志里 audit_head 一行的 head 照抄过来"))
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let store = arguments.config.open(&settings).await?;
    match arguments.action {
        Action::List(wanted) => list(&store, &wanted).await,
        Action::Verify { head, json } => verify(&settings, &store, head, json).await,
    }
}

async fn list(store: &Store, wanted: &List) -> anyhow::Result<ExitCode> {
    let seen = ("read_audit", "audit", json!({"target": wanted.target, "actor": wanted.actor}));
    let reveals = wanted.reveal.allow(store, (Right::Reveal, None), seen).await?;
    let mut names = vec!["序号", "时间", "谁", "系统用户", "来自", "动作", "对象"];
    if reveals {
        names.extend(["内容", "改前", "改后"]);
    }
    let mut table = Table::new(names, wanted.json)?;
    for entry in store.audit_list(&filter(wanted)?).await? {
        table.row(cells(&entry, reveals))?;
    }
    table.end()?;
    Ok(ExitCode::SUCCESS)
}

fn filter(wanted: &List) -> anyhow::Result<AuditFilter> {
    let clock = Clock::system();
    let begins = |day: Date| clock.instant(day.to_datetime(Time::midnight())).as_millisecond();
    let ends = |day: Date| begins(day.tomorrow().unwrap_or(day)) - 1;
    if wanted.limit < 1 {
        return Err(wrong_input("--limit 至少为 1"));
    }
    Ok(AuditFilter {
        actor: wanted.actor.clone().unwrap_or_default(),
        action: wanted.action.as_deref().map(code_of).unwrap_or_default(),
        target: wanted.target.clone().unwrap_or_default(),
        since: wanted.from.map_or(i64::MIN, begins),
        until: wanted.until.map_or(i64::MAX, ends),
        limit: wanted.limit,
    })
}

/// An action's code, by it or by what people call it.
fn code_of(text: &str) -> String {
    let called = action_called(text)
        .or_else(|| EventKind::ALL.iter().find(|kind| kind.chinese() == text).map(|k| k.code()))
        .or_else(|| Kind::ALL.iter().find(|kind| kind.chinese() == text).map(|k| k.code()));
    called.unwrap_or(text).to_owned()
}

fn cells(entry: &AuditEntry, reveals: bool) -> Vec<String> {
    let at = jiff::Timestamp::from_millisecond(entry.at).unwrap_or_default();
    let mut cells = vec![
        entry.sequence.to_string(),
        local_text(at),
        entry.actor.clone(),
        entry.os_user.clone(),
        entry.via.clone(),
        done_in_words(entry),
        entry.target.clone(),
    ];
    if reveals {
        cells.push(entry.detail.clone());
        cells.extend([&entry.was, &entry.became].map(|said| said.clone().unwrap_or_default()));
    }
    cells
}

async fn verify(
    settings: &Settings,
    store: &Store,
    head: Option<Anchor>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let remembered = remembered_anchor(settings, store).await?;
    let is_remembered = remembered.is_some();
    let mut verdict = store.verify_audit(remembered).await?;
    if head.is_some() && verdict.flaw.is_none() {
        verdict = store.verify_audit(head).await?;
    }
    let entries = verdict.head.as_ref().map_or(0, |head| head.sequence);
    let shown = verdict.head.as_ref().map(ToString::to_string);
    if as_json {
        let flaw = verdict.flaw.map(|flaw| flaw.to_string());
        let all = json!({"holds": flaw.is_none(), "entries": entries, "head": shown, "flaw": flaw,
            "remembered": is_remembered});
        say!("{}", serde_json::to_string_pretty(&all)?);
    } else if let Some(flaw) = verdict.flaw {
        say!("审计记录{flaw}");
    } else {
        say!("{entries} 条审计记录都对得上；标记：{}", shown.unwrap_or_default());
        if !is_remembered {
            say!("还没有另存的标记：服务运行过一次以后才有");
        }
    }
    Ok(if verdict.flaw.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
