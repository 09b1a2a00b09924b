//! `zoufang doctor`: recomputes from the record everything that is owed, and says what differs.

use std::process::ExitCode;

use clap::Args;

use super::ConfigFile;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 按记录改正任务（记入审计）；不写则只报告
    #[arg(long, requires = "by")]
    repair: bool,
    /// 责任人
    #[arg(long)]
    by: Option<String>,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.config.store().await?;
    let by = arguments.by.as_deref().filter(|_| arguments.repair);
    let differences = crate::app::doctor::examine(&store, by).await?;
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
        return Ok(ExitCode::SUCCESS);
    }
    let done = if by.is_some() {
        "，任务已按记录改正"
    } else {
        "；加 --repair --by 姓名 可按记录改正任务"
    };
    say!("有 {} 处与记录不一致{done}", differences.len());
    Ok(ExitCode::FAILURE)
}
