//! `zoufang duties`: everything that is owed, and by whom.

use std::process::ExitCode;

use clap::Args;

use super::record::ConfigFile;
use super::table::Table;
use crate::app::owners::{owners, told};
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
    /// 以 JSON 输出
    #[arg(long)]
    json: bool,
}

/// How many are held at once.
const PAGE: i64 = 5_000;

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    let (tree, campaign) = (store.area_tree().await?, store.campaign());
    let mut snapshot = store.snapshot().await?;
    let owners = owners(&mut snapshot).await?;
    snapshot.end().await?;
    let today = store.context().clock.today();
    let names = ["任务", "区划", "责任人", "期限", "预警", "任务编号"];
    let mut table = Table::new(names, arguments.json)?;
    let (mut unowned, mut page) = (0, store.duty_lines("", PAGE).await?);
    while let Some(last) = page.last().map(|line| line.key.clone()) {
        let wanted = |line: &&DutyLine| {
            line.state == "open"
                && line.kind.is_there(line.due_on, today)
                && arguments.kind.is_none_or(|kind| kind == line.kind)
                && (!arguments.late || line.due_on < today)
        };
        for line in page.iter().filter(wanted) {
            let area = tree.get(&line.area_id).map(|area| area.name.as_str()).unwrap_or_default();
            let colour = match campaign.warning(line.due_on, today) {
                Warning::Red => "红",
                Warning::Yellow => "黄",
                Warning::Green => "绿",
            };
            let (kind, due_on) = (line.kind.chinese(), line.due_on.to_string());
            unowned += i32::from(!owners.contains_key(&line.group_id));
            let owner = told(&owners, &line.group_id, line.kind, line.role);
            table.row([kind, area, &owner, &due_on, colour, &line.key])?;
        }
        page = store.duty_lines(&last, PAGE).await?;
    }
    table.end()?;
    if unowned > 0 {
        eprintln!("有 {unowned} 项任务没有人承担；缺哪些角色用 zoufang check 查看");
    }
    Ok(ExitCode::SUCCESS)
}
