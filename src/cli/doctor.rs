//! `zoufang doctor`: recomputes from the record everything that is owed, and says what differs.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::acting;
use super::record::ConfigFile;
use crate::app::doctor::Difference;
use crate::daemon::damage;
use crate::daemon::remembered_anchor;
use crate::db::{Looked, Standard, Store};
use crate::domain::audit::Flaw;
use crate::domain::health::Fault;
use crate::domain::rights::Right;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 按记录改正任务（记入审计）；不写则只报告
    #[arg(long, requires = "by")]
    repair: bool,
    /// 责任人编号
    #[arg(long, requires = "repair")]
    by: Option<String>,
    /// 以 JSON 输出
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let nothing = matches!(
        Store::look(&settings.database.url).await,
        Ok(Looked { standard: Standard::Absent | Standard::Empty, .. })
    );
    // A damaged one may not even open.
    if !nothing {
        let damage = damage(&settings.database.url, true).await?;
        if !damage.is_empty() {
            return Ok(say_damage(&damage, arguments.json));
        }
    }
    let store = arguments.config.open(&settings).await?;
    let by = match arguments.by.as_deref().filter(|_| arguments.repair) {
        Some(by) => {
            let mut snapshot = store.snapshot().await?;
            let person = acting(&mut snapshot, by, Right::Repair, None).await?;
            snapshot.end().await?;
            Some(person.number)
        }
        None => None,
    };
    let differences = crate::app::doctor::examine(&store, by.as_deref()).await?;
    let remembered = remembered_anchor(&settings, &store).await?;
    let flaw = store.verify_audit(remembered).await?.flaw;
    if arguments.json {
        return as_json(&differences, flaw, by.is_some());
    }
    if let Some(flaw) = flaw {
        say!("审计记录{flaw}");
    }
    for difference in &differences {
        let kind = difference.kind.map_or("问题".to_owned(), |kind| format!("任务「{kind}」"));
        say!(
            "{kind} {}：现在是「{}」，按记录应为「{}」（依据：{}）",
            difference.what,
            difference.found.as_deref().unwrap_or("没有这一项"),
            difference.expected.as_deref().unwrap_or("没有这一项"),
            difference.because
        );
    }
    if differences.is_empty() {
        say!("全部任务与记录一致");
        return Ok(if flaw.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let done = if by.is_some() {
        "，任务已按记录改正"
    } else {
        "；加 --repair --by 人员编号 可按记录改正任务"
    };
    say!("有 {} 处与记录不一致{done}", differences.len());
    Ok(ExitCode::FAILURE)
}

/// What is damaged is mended before anything is derived from it.
fn say_damage(damage: &[String], as_json: bool) -> ExitCode {
    if as_json {
        say!("{}", json!({"damaged": damage, "differences": [], "repaired": false}));
        return ExitCode::FAILURE;
    }
    say!("{}", Fault::Corrupt);
    for line in damage {
        say!("  {line}");
    }
    ExitCode::FAILURE
}

fn as_json(
    differences: &[Difference],
    flaw: Option<Flaw>,
    repaired: bool,
) -> anyhow::Result<ExitCode> {
    let each = differences.iter().map(|difference| {
        let Difference { what, kind, found, expected, because } = difference;
        json!({"what": what, "kind": kind, "found": found, "expected": expected, "because": because})
    });
    let all = json!({"differences": each.collect::<Vec<_>>(), "repaired": repaired,
        "audit": flaw.map(|flaw| flaw.to_string())});
    say!("{}", serde_json::to_string_pretty(&all)?);
    Ok(if differences.is_empty() && flaw.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
