//! `zoufang import FILE…`: all of a file or nothing of it.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{ConfigFile, shown, wrong_input};
use crate::db::Store;
use crate::intake::{ImportError, Kind, Report, import_file, kind_of_file, write_error_copy};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// .xlsx 或 .csv；按表头识别是哪种表，先后次序不限
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// 只检查，不写入
    #[arg(long)]
    dry_run: bool,
    /// 标明错误的副本放在哪里；不写则与原文件放在一起
    #[arg(long, value_name = "DIR")]
    errors_to: Option<PathBuf>,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut files: Vec<(Kind, PathBuf)> = Vec::new();
    for file in arguments.files {
        files.push((kind_of_file(&file).map_err(wrong_input)?, file));
    }
    // Areas before staff, staff before assignments: what others build on comes first.
    files.sort_by_key(|(kind, _)| *kind);
    let store = arguments.config.store().await?;
    for (_, file) in &files {
        match import_one(&store, file, arguments.dry_run).await {
            Ok(report) => say!("{}", summary(file, &report, arguments.dry_run)),
            Err(error) => return Err(explain(&error, file, arguments.errors_to.as_deref())),
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn import_one(store: &Store, file: &Path, dry_run: bool) -> Result<Report, ImportError> {
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len}") {
        bar.set_style(style);
    }
    bar.set_message(shown(file));
    let progress = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let report = import_file(store, file, dry_run, &progress).await;
    bar.finish_and_clear();
    report
}

fn summary(file: &Path, report: &Report, dry_run: bool) -> String {
    let file = shown(file);
    if report.imported_before.is_some() {
        return format!("{file}：{}，以前导入过同一个文件，没有改动", report.kind);
    }
    let tense = if dry_run { "检查通过，未写入；导入后将" } else { "已导入：" };
    let Report { kind, rows, added, changed, same, .. } = report;
    let unmatched: String =
        report.unmatched.iter().take(20).map(|row| format!("\n  {row}")).collect();
    let unmatched = match report.unmatched.len() {
        0 => String::new(),
        count => format!("；对不上 {count} 行，没有处理：{unmatched}"),
    };
    format!("{file}：{kind} {rows} 行，{tense}新增 {added}，更新 {changed}，不变 {same}{unmatched}")
}

fn explain(error: &ImportError, file: &Path, folder: Option<&Path>) -> anyhow::Error {
    let ImportError::Rows { errors, sheet, .. } = error else {
        return match error {
            ImportError::Store { .. } => anyhow::anyhow!("{error}"),
            _ => wrong_input(error),
        };
    };
    match write_error_copy(file, folder, sheet, errors) {
        Ok(copy) => wrong_input(format!(
            "{error}\n每行的问题写在 {} 的最后一列，改好后重新导入",
            shown(&copy)
        )),
        Err(why) => wrong_input(format!("{error}\n标明错误的副本写不出来：{why}")),
    }
}
