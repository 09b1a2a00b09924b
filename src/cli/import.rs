//! `zoufang import FILE…`: all of a file or nothing of it, and what was understood of it.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::record::{ConfigFile, Used};
use super::{shown, wrong_input};
use crate::app::choices::{Alike, Choices};
use crate::clock::local_text;
use crate::db::Store;
use crate::intake::{
    Bounds, ImportError, Incoming, Kind, Options, Order, Report, RowError, try_together,
    write_error_copy,
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
    /// 对象编号相同而名称、类型、村不同的，是同一个对象改了
    #[arg(long)]
    same_subject: bool,
    /// 区划代码相同而名称不同的，或同名而上级不同的，是同一个区划改了
    #[arg(long)]
    same_area: bool,
    /// 与这位群众已登记的问题一样或很像的，是同一件（改了字、日期或走访人员）还是另一件
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
    /// 同一件
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
            choices: Choices {
                same_person: self.same_person,
                same_subject: self.same_subject,
                same_area: self.same_area,
                alike,
            },
            ignored: self.ignore_column.clone(),
            bounds,
        }
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let options = arguments.options(settings.intake);
    let mut files: Vec<(Incoming, PathBuf)> = Vec::new();
    let used = arguments.config.used(&settings);
    for file in &arguments.files {
        let looked = Incoming::open(file, &options).await;
        if let Err(error) = &looked {
            tell_refusal(&arguments, &used, file, error);
        }
        files.push((looked.map_err(wrong_input)?, file.clone()));
    }
    let store = arguments.config.open_or_make(&settings).await?;
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
    let all: Vec<&Incoming> = files.iter().map(|(file, _)| file).collect();
    if options.dry_run && files.len() > 1 {
        if let Some(tried) = try_together(store, &all, options).await? {
            let is_tried = |other: &usize| tried.iter().any(|(at, _)| at == other);
            let rest: Vec<usize> = (0..files.len()).filter(|other| !is_tried(other)).collect();
            for (at, taken) in tried {
                tell(arguments, used, files, at, taken, &rest)?;
            }
            return Ok(());
        }
        let text = "这些文件太长，不能放在一起试：下面逐个检查，依赖前面文件的会说还没有";
        eprintln!("{text}");
    }
    let mut order = Order::of(&all);
    while let Some(at) = order.next_file() {
        let (file, path) = &files[at];
        let taken = import_one(store, file, path, options).await;
        match &taken {
            Ok(_) => order.came_in(),
            Err(ImportError::Rows { .. }) if order.waits(at) => continue,
            Err(_) => {}
        }
        tell(arguments, used, files, at, taken, &order.rest())?;
    }
    Ok(())
}

/// Tells what became of a file; where it was refused, which others haven't come in.
fn tell(
    arguments: &Arguments,
    used: &Used,
    files: &[(Incoming, PathBuf)],
    at: usize,
    taken: Result<Report, ImportError>,
    rest: &[usize],
) -> anyhow::Result<()> {
    let path = &files[at].1;
    match taken {
        Ok(report) if arguments.json => say!("{}", as_json(path, used, &report)),
        Ok(report) => say!("{}", summary(path, &report, arguments.dry_run)),
        Err(error) => {
            tell_refusal(arguments, used, path, &error);
            let folder = arguments.errors_to.as_deref();
            let left: Vec<String> = rest.iter().map(|other| shown(&files[*other].1)).collect();
            return Err(explain(&error, path, folder, &left, arguments.dry_run));
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

/// What its tables are.
fn kinds(report: &Report) -> String {
    let mut kinds: Vec<&str> =
        report.tables.iter().filter_map(|of| Kind::read(of.kind)).map(Kind::chinese).collect();
    kinds.dedup();
    match kinds.as_slice() {
        [] => report.kind.chinese().to_owned(),
        kinds => kinds.join("、"),
    }
}

fn summary(file: &Path, report: &Report, dry_run: bool) -> String {
    let file = shown(file);
    if let Some(at) = report.imported_before {
        let when = if report.resumed { "刚才已由另一个进程" } else { "以前" };
        let at = Timestamp::from_millisecond(at).map(local_text).unwrap_or_default();
        return format!("{file}：{}，{when}导入过同一个文件（{at}），没有改动", report.kind);
    }
    let tense = match (dry_run, report.resumed) {
        (true, _) => "检查通过，未写入；导入后将",
        (_, true) => "上次导入到一半中断了，这次接着写完，两次一共：",
        _ => "已导入：",
    };
    let Report { rows, added, changed, same, .. } = report;
    let kind = kinds(report);
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
    let idle = match report.idle {
        0 => String::new(),
        count => format!("，没有采用 {count}"),
    };
    format!(
        "{file}：{kind} {rows} 行，{tense}新增 {added}，更新 {changed}，不变 {same}{idle}{skipped}{unmatched}{understood}"
    )
}

/// What was refused, for a program; a person reads it where errors are told.
fn tell_refusal(arguments: &Arguments, used: &Used, file: &Path, error: &ImportError) {
    if !arguments.json || matches!(error, ImportError::Store { .. }) {
        return;
    }
    let errors = match error {
        ImportError::Rows { errors, .. } => rows(errors),
        _ => Vec::new(),
    };
    say!(
        "{}",
        json!({
            "config": used.config, "database": used.database, "file": shown(file),
            "refused": true, "message": error.to_string(), "errors": errors,
        })
    );
}

fn rows(rows: &[RowError]) -> Vec<Value> {
    let row = |row: &RowError| {
        json!({
            "sheet": row.sheet, "row": row.row, "column": row.column, "name": row.name,
            "message": row.message,
        })
    };
    rows.iter().map(row).collect()
}

fn as_json(file: &Path, used: &Used, report: &Report) -> Value {
    json!({
        "config": used.config, "database": used.database,
        "file": shown(file), "kind": report.kind.code(), "rows": report.rows, "added": report.added,
        "changed": report.changed, "same": report.same, "skipped": report.skipped,
        "idle": report.idle, "each": report.each, "resumed": report.resumed,
        "unassigned": report.unassigned,
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
