//! `zoufang check`: everything that the service would need, before it's needed, as lines.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigFile, shown};
use crate::check::findings;
use crate::platform::{Remark, Verdict};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let name =
        arguments.config.config.as_deref().map_or_else(|| "（内置默认值）".to_owned(), shown);
    let settings = match arguments.config.settings() {
        Ok(settings) => settings,
        Err(error) => {
            say!("✗ 配置文件 {name}：{error}");
            return Ok(ExitCode::from(2));
        }
    };
    say!("✓ 配置文件 {name}：看得懂");
    let findings = findings(&settings).await;
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
