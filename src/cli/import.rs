//! `zoufang import FILE…`: all of a file or nothing of it, and what was understood of it.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::record::{ConfigFile, Used};
use super::{shown, wrong_input};
use crate::app::choices::{Alike, Choices};
use crate::db::Store;
use crate::intake::{
    Bounds, ImportError, Incoming, Options, Report, RowError, try_together, write_error_copy,
};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// .xlsx、.xls、.xlsb、.ods 或 .csv；按表头识别是哪种表，先后次序不限
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// 只检查，不写入
    #[arg(long)]
    dry_run: bool,
    /// 空白单元格是有意的：清掉原来登记的
    #[arg(long)]
    clear: bool,
    /// 同一对象里同名而联系方式不同的，是同一个人换了号码
    #[arg(long)]
    same_person: bool,
    /// 同一次走访里与已登记的问题很像的，是改字还是另一件
    #[arg(long, value_enum)]
    alike: Option<AlikeChoice>,
    /// 这一列只给人看，不要读（可以写几次）
    #[arg(long, value_name = "COLUMN")]
    ignore_column: Vec<String>,
    /// 标明错误的副本放在哪里；不写则与原文件放在一起
    #[arg(long, value_name = "DIR")]
    errors_to: Option<PathBuf>,
    /// 输出为 JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AlikeChoice {
    /// 改字
    Correction,
    /// 另一件
    Another,
}

impl Arguments {
    fn options(&self, bounds: Bounds) -> Options {
        let alike = match self.alike {
            None => Alike::Ask,
            Some(AlikeChoice::Correction) => Alike::Correction,
            Some(AlikeChoice::Another) => Alike::Another,
        };
        Options {
            dry_run: self.dry_run,
            clear: self.clear,
            choices: Choices { same_person: self.same_person, alike },
            ignored: self.ignore_column.clone(),
            bounds,
        }
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let options = arguments.options(settings.intake);
    let mut files: Vec<(Incoming, PathBuf)> = Vec::new();
    for file in &arguments.files {
        files.push((Incoming::open(file, &options).await.map_err(wrong_input)?, file.clone()));
    }
    // Areas before staff, staff before assignments: what others build on comes first.
    files.sort_by_key(|(file, _)| file.kind());
    let store = arguments.config.open_or_make(&settings).await?;
    let used = arguments.config.used(&settings);
    let outcome = import_all(&store, &arguments, &used, &options, &files).await;
    store.close().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn import_all(
    store: &Store,
    arguments: &Arguments,
    used: &Used,
    options: &Options,
    files: &[(Incoming, PathBuf)],
) -> anyhow::Result<()> {
    let mut together = Vec::new();
    if options.dry_run && files.len() > 1 {
        let all: Vec<&Incoming> = files.iter().map(|(file, _)| file).collect();
        together = try_together(store, &all, options).await?.unwrap_or_default();
        together.reverse();
    }
    for (at, (file, path)) in files.iter().enumerate() {
        let taken = match together.pop() {
            Some(tried) => tried,
            None => import_one(store, file, path, options).await,
        };
        match taken {
            Ok(report) if arguments.json => say!("{}", as_json(path, used, &report)),
            Ok(report) => say!("{}", summary(path, &report, options.dry_run)),
            Err(error) => {
                let folder = arguments.errors_to.as_deref();
                let left: Vec<String> =
                    files[at + 1..].iter().map(|(_, path)| shown(path)).collect();
                return Err(explain(&error, path, folder, &left, options.dry_run));
            }
        }
    }
    Ok(())
}

async fn import_one(
    store: &Store,
    file: &Incoming,
    path: &Path,
    options: &Options,
) -> Result<Report, ImportError> {
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len}") {
        bar.set_style(style);
    }
    bar.set_message(shown(path));
    let progress = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let report = file.import(store, options, &progress).await;
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
    let understood: String = report.understood().iter().map(|line| format!("\n  {line}")).collect();
    let unmatched: String =
        report.unmatched.iter().take(20).map(|row| format!("\n  {row}")).collect();
    let unmatched = match report.unmatched.len() {
        0 => String::new(),
        count => format!("；对不上 {count} 行，没有处理：{unmatched}"),
    };
    let skipped = match report.skipped {
        0 => String::new(),
        count => format!("；导入途中有 {count} 行已经不对，没有导入，见日志"),
    };
    format!(
        "{file}：{kind} {rows} 行，{tense}新增 {added}，更新 {changed}，不变 {same}{skipped}{unmatched}{understood}"
    )
}

fn as_json(file: &Path, used: &Used, report: &Report) -> Value {
    let rows = |rows: &[RowError]| -> Vec<Value> {
        let row = |row: &RowError| {
            json!({
                "sheet": row.sheet, "row": row.row, "column": row.column, "name": row.name,
                "message": row.message,
            })
        };
        rows.iter().map(row).collect()
    };
    json!({
        "config": used.config, "database": used.database,
        "file": shown(file), "kind": report.kind.code(), "rows": report.rows, "added": report.added,
        "changed": report.changed, "same": report.same, "skipped": report.skipped,
        "imported_before": report.imported_before.is_some(), "unmatched": rows(&report.unmatched),
        "remarks": rows(&report.remarks), "tables": report.tables, "sheets_not_read": report.not_read,
    })
}

fn explain(
    error: &ImportError,
    file: &Path,
    folder: Option<&Path>,
    left: &[String],
    dry_run: bool,
) -> anyhow::Error {
    let left = match (left, dry_run) {
        ([], _) => String::new(),
        (left, true) => format!("\n还没有检查：{}", left.join("、")),
        (left, false) => format!("\n后面的文件还没有导入：{}", left.join("、")),
    };
    let ImportError::Rows { errors, sheet, .. } = error else {
        return match error {
            ImportError::Store { .. } => anyhow::anyhow!("{error}{left}"),
            _ => wrong_input(format!("{error}{left}")),
        };
    };
    match write_error_copy(file, folder, sheet, errors) {
        Ok(copy) => wrong_input(format!(
            "{error}\n每行的问题写在 {} 的最后一列，改好后重新导入{left}",
            shown(&copy)
        )),
        Err(why) => wrong_input(format!("{error}\n标明错误的副本写不出来：{why}{left}")),
    }
}
