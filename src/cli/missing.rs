//! `zoufang missing`: what is missing, by name (镇不漏村、村不漏户、户不漏人): branch, village, household, resident, and who
//! answers for it.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::record::ConfigFile;
use super::table::Table;
use super::{Reveal, wrong_input};
use crate::domain::duty::DutyKind;
use crate::domain::rights::Right;
use crate::reports::missing::{NAMES, Wanted, ended, lines, sums};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 只列这种任务缺的，如 入户走访
    #[arg(long)]
    kind: Option<DutyKind>,
    /// 只列这个镇、总支或村的（名称或代码）；写「某镇直属」，只列不在哪个村的
    #[arg(long)]
    area: Option<String>,
    /// 只列超期的
    #[arg(long)]
    late: bool,
    #[command(flatten)]
    reveal: Reveal,
    /// 以 JSON 输出
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    let tree = store.area_tree().await?;
    let within = match &arguments.area {
        Some(name) => Some(tree.find_part(name).map_err(wrong_input)?),
        None => None,
    };
    let own = within.is_some_and(|(_, own)| own);
    let within = within.map(|(area, _)| area.id.clone());
    let seen = ("reveal", "missing", json!({"area": arguments.area}));
    let right = (Right::RevealIssue, within.as_deref());
    let reveals = arguments.reveal.allow(&store, right, seen).await?;
    let Arguments { kind, late, .. } = arguments;
    let wanted = Wanted { kind, within, own, late, reveals };
    let (ended, lines) = (ended(&store, &wanted).await?, lines(&store, &wanted).await?);
    let mut table = Table::new(NAMES, arguments.json)?;
    let (count, sums) = (lines.len(), sums(&lines));
    for (_, cells, _) in lines {
        table.row(cells)?;
    }
    table.end()?;
    eprintln!("{sums}；列成 {count} 行");
    if ended.count() > 0 {
        let count = ended.count();
        eprintln!(
            "另有没走访就不再走访的 {count} 个（{ended}），不算缺：名单用 zoufang subject ended"
        );
    }
    Ok(ExitCode::SUCCESS)
}
