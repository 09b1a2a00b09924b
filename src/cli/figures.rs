//! `zoufang figures`: visit, response, resolution and satisfaction rates, as docs/figures.md defines them.

use std::process::ExitCode;

use clap::Args;

use super::ConfigFile;
use super::table::Table;
use crate::db::{By, FiguresLine, Store};
use crate::domain::figures::{Counts, percent};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 按什么分列：村、总支、部门、走访人
    #[arg(long, default_value = "村")]
    by: By,
    /// 改为列出问题在谁手里：村、镇直部门、服务中心、平台、群众，各多久、超期多久
    #[arg(long, conflicts_with = "by")]
    held: bool,
    /// 以 JSON 输出
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    if arguments.held {
        return held(&store, arguments.json).await;
    }
    let lines = store.figures_by(arguments.by).await?;
    let total = FiguresLine { name: "合计".to_owned(), counts: store.counts().await? };
    if arguments.json {
        let all: Vec<_> = lines.iter().chain([&total]).collect();
        say!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    let by = arguments.by.chinese();
    let mut table = Table::new([
        by,
        "走访率",
        "响应率",
        "解决率",
        "满意率",
        "对象",
        "已走访",
        "问题",
        "已解决",
        "已回访群众",
        "满意",
    ])?;
    for FiguresLine { name, counts } in lines.iter().chain([&total]) {
        let rates = counts.rates();
        let Counts { subjects, visited, issues, resolved, asked, satisfied, .. } = counts;
        let rates =
            [rates.visit, rates.response, rates.resolution, rates.satisfaction].map(percent);
        let counts = [subjects, visited, issues, resolved, asked, satisfied].map(i64::to_string);
        table.row([name.clone()].into_iter().chain(rates).chain(counts))?;
    }
    table.end()?;
    Ok(ExitCode::SUCCESS)
}

async fn held(store: &Store, json: bool) -> anyhow::Result<ExitCode> {
    let held = store.held().await?;
    if json {
        say!("{}", serde_json::to_string_pretty(&held)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["环节", "现在手里", "其中超期", "累计天数", "其中超期天数"])?;
    for line in held {
        table.row([
            line.holder.to_string(),
            line.now.to_string(),
            line.late_now.to_string(),
            format!("{:.1}", line.days),
            format!("{:.1}", line.days_late),
        ])?;
    }
    table.end()?;
    Ok(ExitCode::SUCCESS)
}
