//! `zoufang handoff list|write`: the workbooks that went to the one who uploads.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::record::ConfigFile;
use super::table::Table;
use super::{noted, shown, wrong_input};
use crate::clock::local_text;
use crate::daemon::handoff_rules;
use crate::domain::rights::Right;
use crate::platform::workbook::{file_name, write_new};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 列出上报交接单，新的在前
    List {
        /// 最多列多少份
        #[arg(long, default_value_t = 50)]
        limit: i64,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 再写一次某号交接单（原文件丢了的时候）；内容与原来相同
    Write {
        /// 第几号
        number: i64,
        /// 经办人编号（记入审计）
        #[arg(long)]
        by: Option<String>,
        /// 写到哪里；不写则写回 platform.folder
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let store = arguments.config.open(&settings).await?;
    match arguments.action {
        Action::List { limit, json: true } => {
            let mut table = Table::new(["文件", "件数", "写出时间"], true)?;
            for handoff in store.handoffs(limit).await? {
                let at = handoff.written_at.and_then(|at| Timestamp::from_millisecond(at).ok());
                let at = at.map(local_text).unwrap_or_default();
                table.row([file_name(&handoff), handoff.row_count.to_string(), at])?;
            }
            table.end()?;
        }
        Action::List { limit, .. } => {
            for handoff in store.handoffs(limit).await? {
                let written =
                    if handoff.written_at.is_some() { "" } else { "（文件还没有写出）" };
                say!("{} {} 件{written}", file_name(&handoff), handoff.row_count);
            }
        }
        Action::Write { number, by, to } => {
            let handoffs = store.handoffs(i64::MAX).await?;
            let Some(handoff) = handoffs.into_iter().find(|handoff| handoff.number == number)
            else {
                return Err(wrong_input(format!(
                    "没有第 {number} 号交接单；用 zoufang handoff list 查看有哪些"
                )));
            };
            let file = to.unwrap_or_else(|| settings.platform.folder.join(file_name(&handoff)));
            let rows = store.handoff_dispatches(number).await?;
            let written = serde_json::json!({"rows": rows.len()});
            let (right, number_text) = ((Right::DecideDebt, None), number.to_string());
            let seen = ("write_handoff", number_text.as_str(), written);
            noted(&store, by.as_deref(), right, seen).await?;
            write_new(&file, &rows, &handoff_rules(&settings))
                .map_err(|why| wrong_input(format!("{}：{why}", shown(&file))))?;
            say!("已写出 {}：{} 件", shown(&file), rows.len());
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
