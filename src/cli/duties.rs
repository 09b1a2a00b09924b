//! `zoufang duties`: everything that is owed, as csv.

use std::collections::HashMap;
use std::process::ExitCode;

use clap::Args;

use super::ConfigFile;
use super::table::Table;
use crate::db::DutyLine;
use crate::domain::duty::{DutyKind, Warning};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 只列这种任务，如 入户走访
    #[arg(long)]
    kind: Option<DutyKind>,
    /// 只列超期的
    #[arg(long)]
    late: bool,
}

/// How many are held at once.
const PAGE: i64 = 5_000;

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    let (tree, campaign) = (store.area_tree().await?, store.campaign());
    let staff =
        store.staff().await?.into_iter().map(|p| (p.id, format!("{} {}", p.number, p.name)));
    let staff: HashMap<String, String> = staff.collect();
    let today = store.context().clock.today();
    let mut table = Table::new(["任务", "区划", "责任人", "期限", "预警", "任务编号"])?;
    let mut page = store.duty_lines("", PAGE).await?;
    while let Some(last) = page.last().map(|line| line.key.clone()) {
        let wanted = |line: &&DutyLine| {
            line.state == "open"
                && arguments.kind.is_none_or(|kind| kind == line.kind)
                && (!arguments.late || line.due_on < today)
        };
        for line in page.iter().filter(wanted) {
            let area = tree.get(&line.area_id).map(|area| area.name.as_str()).unwrap_or_default();
            let owner = line.staff_id.as_ref().and_then(|id| staff.get(id)).map(String::as_str);
            let colour = match campaign.warning(line.due_on, today) {
                Warning::Red => "红",
                Warning::Yellow => "黄",
                Warning::Green => "绿",
            };
            let (kind, due_on) = (line.kind.chinese(), line.due_on.to_string());
            let owner = owner.unwrap_or(line.role.chinese());
            table.row([kind, area, owner, &due_on, colour, &line.key])?;
        }
        page = store.duty_lines(&last, PAGE).await?;
    }
    table.end()?;
    Ok(ExitCode::SUCCESS)
}
