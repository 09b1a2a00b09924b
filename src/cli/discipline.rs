//! `zoufang discipline`: reports of a breach of discipline, for the inspection group only.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::json;

use super::record::ConfigFile;
use super::{acting, read_date, refused, required_text};
use crate::app::breaches;
use crate::db::{NewBreach, Store};
use crate::domain::breach::BreachKind;
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
    /// 记录一件违纪反映（热线、来信），只通知督导组；内容从标准输入读
    Record {
        /// 就餐、收礼、其他
        #[arg(long)]
        kind: BreachKind,
        /// 发生日期
        #[arg(long, value_parser = read_date)]
        on: Date,
        /// 所属村（名称或代码）
        #[arg(long)]
        area: String,
        /// 反映的是谁
        #[arg(long)]
        about: Option<String>,
        /// 反映人（可以匿名）
        #[arg(long)]
        reporter: Option<String>,
        /// 经办人编号
        #[arg(long)]
        by: String,
    },
    /// 列出违纪反映：只给督导组人员（记入审计）
    List {
        /// 督导组人员编号
        #[arg(long, alias = "inspector")]
        by: String,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 登记核实结果（记入审计）；结果从标准输入读
    Close {
        /// 违纪反映的编号
        number: String,
        /// 督导组人员编号
        #[arg(long, alias = "inspector")]
        by: String,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    match arguments.action {
        Action::Record { kind, on, area, about, reporter, by } => {
            let text = required_text()?;
            let new = NewBreach { kind, happened_on: on, area, text, about, reporter };
            let mut tx = store.begin().await?;
            let person = acting(&mut tx, &by, Right::ReportBreach, None).await?;
            let (number, told) =
                breaches::record(&mut tx, &new, &person.number).await.map_err(refused)?;
            tx.commit().await?;
            say!("已记录 {number}，通知督导组 {told} 人");
        }
        Action::List { by, json } => list(&store, &by, json).await?,
        Action::Close { number, by } => {
            let result = required_text()?;
            let mut tx = store.begin().await?;
            let person = acting(&mut tx, &by, Right::Inspect, None).await?;
            breaches::close(&mut tx, &number, &result, &person.number).await.map_err(refused)?;
            tx.commit().await?;
            say!("{number}：已登记核实结果");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(store: &Store, by: &str, json: bool) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let person = acting(&mut tx, by, Right::Inspect, None).await?;
    tx.audit(&person.number, "read_breaches", "breaches", &json!({})).await?;
    tx.commit().await?;
    let breaches = store.breaches().await?;
    if json {
        let each = breaches.iter().map(|breach| {
            json!({
                "number": breach.number, "closed": breach.closed, "on": breach.happened_on,
                "area": breach.area, "kind": breach.kind.to_string(), "text": breach.text,
                "about": breach.about, "reporter": breach.reporter, "result": breach.result,
            })
        });
        say!("{}", serde_json::to_string_pretty(&each.collect::<Vec<_>>())?);
        return Ok(());
    }
    for breach in breaches {
        let state = if breach.closed { "已核实" } else { "待核实" };
        say!(
            "{}　{state}　{}　{}　{}",
            breach.number,
            breach.happened_on,
            breach.area,
            breach.kind
        );
        say!("  {}", breach.text);
        for (what, text) in [
            ("反映对象", &breach.about),
            ("反映人", &breach.reporter),
            ("核实结果", &breach.result),
        ] {
            if let Some(text) = text {
                say!("  {what}：{text}");
            }
        }
    }
    Ok(())
}
