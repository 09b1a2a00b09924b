//! `zoufang check`: everything that the service would need, before it's needed, as lines.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::record::{ConfigFile, Used};
use crate::check::findings;
use crate::platform::{Remark, Verdict};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 以 JSON 输出
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let name = arguments.config.name();
    let settings = match arguments.config.settings() {
        Ok(settings) => settings,
        Err(error) if arguments.json => {
            let finding = json!({"key": "config", "verdict": "wrong", "text": error.to_string()});
            say!("{}", json!({"config": name, "well": false, "findings": [finding]}));
            return Ok(ExitCode::from(2));
        }
        Err(error) => {
            say!("✗ {error}（用的是配置文件 {name}）");
            return Ok(ExitCode::from(2));
        }
    };
    let findings = findings(&settings).await;
    if arguments.json {
        return as_json(&arguments.config.used(&settings), &findings);
    }
    say!("✓ 配置文件 {name}：看得懂");
    for Remark { key, verdict, text } in &findings {
        let sign = match verdict {
            Verdict::Well => "✓",
            Verdict::Doubtful => "！",
            Verdict::Wrong => "✗",
        };
        say!("{sign} {key}：{text}");
    }
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    if count(Verdict::Doubtful) > 0 {
        say!("有 {} 处要留意（标「！」的）", count(Verdict::Doubtful));
    }
    if count(Verdict::Wrong) > 0 {
        say!("有 {} 处要改", count(Verdict::Wrong));
        return Ok(ExitCode::from(2));
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(used: &Used, findings: &[Remark]) -> anyhow::Result<ExitCode> {
    let each = findings.iter().map(|Remark { key, verdict, text }| {
        let verdict = match verdict {
            Verdict::Well => "well",
            Verdict::Doubtful => "doubtful",
            Verdict::Wrong => "wrong",
        };
        json!({"key": key, "verdict": verdict, "text": text})
    });
    let well = findings.iter().all(|finding| finding.verdict != Verdict::Wrong);
    let all = json!({
        "config": used.config, "database": used.database, "well": well,
        "findings": each.collect::<Vec<_>>(),
    });
    say!("{}", serde_json::to_string_pretty(&all)?);
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(2) })
}
