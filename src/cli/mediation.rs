//! `zoufang mediation`: mediations of issues (三(三)), their agreements, and whether these are kept.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::json;

use super::record::ConfigFile;
use super::table::Table;
use super::{Reveal, acting, read_date, read_text, refused, required_text, wrong_input};
use crate::app::mediations::{self, Followed, Mediation};
use crate::app::problem::only;
use crate::db::Store;
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
    /// 登记一次调解；达成的协议从标准输入读，没有达成的不写
    Record {
        /// 问题编号
        issue: String,
        /// 调解日期
        #[arg(long, value_parser = read_date)]
        on: Date,
        /// 调解人
        #[arg(long)]
        mediator: String,
        /// 当事人，可写几次
        #[arg(long, required = true)]
        party: Vec<String>,
        /// 约定哪天回访（达成协议的必须写）
        #[arg(long, value_parser = read_date)]
        follow_up: Option<Date>,
        /// 登记人编号
        #[arg(long)]
        by: String,
    },
    /// 登记调解以后的回访；履行情况从标准输入读
    Follow {
        /// 问题编号
        issue: String,
        /// 哪一天的调解；只有一次的不用写
        #[arg(long, value_parser = read_date)]
        mediated: Option<Date>,
        /// 回访日期
        #[arg(long, value_parser = read_date)]
        on: Date,
        /// 协议没有履行
        #[arg(long)]
        broken: bool,
        /// 回访人编号
        #[arg(long)]
        by: String,
    },
    /// 列出活动开始以来的调解
    List {
        #[command(flatten)]
        reveal: Reveal,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    match arguments.action {
        Action::Record { issue, on, mediator, party, follow_up, by } => {
            let agreement = Some(read_text()?).filter(|text| !text.is_empty());
            let agreed = agreement.is_some();
            let row = Mediation {
                issue: issue.clone(),
                on,
                mediator,
                parties: party.join("、"),
                agreement,
                follow_up_on: follow_up,
                followed: None,
                by: String::new(),
            };
            put(&store, row, &by).await?;
            let what = if agreed { "达成协议" } else { "没有达成协议" };
            let then = follow_up.map(|on| format!("，{on} 回访")).unwrap_or_default();
            say!("{issue}：已登记 {on} 的调解，{what}{then}");
        }
        Action::Follow { issue, mediated, on, broken, by } => {
            follow(&store, &issue, mediated, (on, !broken), &by).await?;
            say!("{issue}：已登记调解回访");
        }
        Action::List { reveal, json } => {
            let seen = ("reveal", "mediations", json!({}));
            let reveals = reveal.allow(&store, (Right::Reveal, None), seen).await?;
            list(&store, reveals, json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Records it in somebody's name, who may do so over the issue's village.
async fn put(store: &Store, mut row: Mediation, by: &str) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let issue = tx.issues_numbered(&[row.issue.as_str()]).await?.pop();
    let area = issue.map(|issue| issue.area_id);
    let person = acting(&mut tx, by, Right::Mediate, area.as_deref()).await?;
    row.by = person.signed();
    if let Some(followed) = &mut row.followed {
        followed.by = person.signed();
    }
    only(mediations::put(&mut tx, &[row]).await?).map_err(refused)?;
    Ok(tx.commit().await?)
}

async fn follow(
    store: &Store,
    issue: &str,
    mediated: Option<Date>,
    (on, kept): (Date, bool),
    by: &str,
) -> anyhow::Result<()> {
    let text = required_text()?;
    let mut record = store.snapshot().await?;
    let known = record.issues_numbered(&[issue]).await?;
    let ids: Vec<&str> = known.iter().map(|row| row.id.as_str()).collect();
    let rows = record.mediations_of_issues(&ids).await?;
    let context = record.shared_context();
    record.end().await?;
    let mut of = rows
        .iter()
        .filter(|row| mediated.is_none_or(|mediated| mediated.to_string() == row.mediated_on));
    let row = match (of.next(), of.next()) {
        (Some(row), None) => row,
        (None, _) => return Err(wrong_input(format!("「{issue}」没有登记过这样的调解"))),
        _ => {
            return Err(wrong_input(format!(
                "「{issue}」调解过几次，请用 --mediated 写明哪一天的"
            )));
        }
    };
    let said = row.open(&context)?;
    let again = Mediation {
        issue: issue.to_owned(),
        on: row.mediated_on.parse()?,
        mediator: said.mediator,
        parties: said.parties,
        agreement: said.agreement,
        follow_up_on: row.follow_up_on()?,
        followed: Some(Followed { on, by: String::new(), kept, text }),
        by: String::new(),
    };
    put(store, again, by).await
}

async fn list(store: &Store, reveals: bool, json: bool) -> anyhow::Result<()> {
    let mut record = store.snapshot().await?;
    let rows = record.mediations_since(store.campaign().starts_on()).await?;
    let context = record.shared_context();
    record.end().await?;
    let names = [
        "问题编号",
        "调解日期",
        "调解人",
        "当事人",
        "是否达成协议",
        "调解协议",
        "约定回访日期",
        "实际回访日期",
        "是否履行",
        "履行情况",
        "回访人",
    ];
    let mut table = Table::new(names, json)?;
    let shown = |text: String| match (reveals, text.is_empty()) {
        (true, _) | (_, true) => text,
        (false, false) => "***".to_owned(),
    };
    for (number, row) in &rows {
        let said = row.open(&context)?;
        // Signed with their number before their name.
        let by = row.followed_by(&context)?.unwrap_or_default();
        let by = by.split(' ').next().unwrap_or_default();
        let kept = row.kept.map_or("", |kept| if kept == 1 { "履行" } else { "没有履行" });
        table.row([
            number.clone(),
            row.mediated_on.clone(),
            shown(said.mediator),
            shown(said.parties),
            if row.is_agreed() { "是" } else { "否" }.to_owned(),
            shown(said.agreement.unwrap_or_default()),
            row.follow_up_on()?.map(|on| on.to_string()).unwrap_or_default(),
            row.followed_on.clone().unwrap_or_default(),
            kept.to_owned(),
            shown(said.followed.unwrap_or_default()),
            by.to_owned(),
        ])?;
    }
    table.end()?;
    eprintln!("共 {} 次", rows.len());
    Ok(())
}
