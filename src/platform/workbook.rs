//! A portal that only people can use: what is owed goes to it in a workbook a day, and comes back in one.
//!
//! The record decides what stands in which workbook; the file is written after that, from the record, as often as
//! it takes: a crash in between costs nothing and doubles nothing.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{DataValidation, Format, Workbook, XlsxError};
use tracing::{info, warn};

use crate::app::hand_off::{self as app, Word};
use crate::db::{Dispatch, Handoff, Store, StoreError};
use crate::domain::issue::{Category, Urgency};
use crate::domain::referral::described;
use crate::intake::{ImportError, RowError, import_returns, read_file, write_error_copy};

/// How hand-offs are made.
#[derive(Debug, Clone)]
pub struct HandoffRules {
    /// Where workbooks are put; what comes back is looked for in its subfolder `returns`.
    pub folder: PathBuf,
    /// The portal's words and codes, to choose from.
    pub statuses: Vec<String>,
    pub services: BTreeMap<Category, String>,
}

/// What was handed off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HandedOff {
    pub workbooks: usize,
    pub referrals: i64,
}

/// What came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Returned {
    pub workbooks: usize,
    pub changed: usize,
    /// Rows that are about nothing known here, and files that couldn't be taken.
    pub unmatched: usize,
    pub refused: usize,
}

/// The most that one workbook holds.
const LARGEST: i64 = 500;

/// Makes the workbooks of what is owed now, writes each, and tells the one who uploads.
pub async fn hand_off(store: &Store, rules: &HandoffRules) -> Result<HandedOff, StoreError> {
    let mut handed = HandedOff::default();
    let words = |handoff: &Handoff| Word {
        topic: format!("handoff-{}", handoff.number),
        title: title(handoff),
        body: body(handoff, rules),
    };
    while let Some(handoff) = app::hand_off(store, LARGEST, words).await? {
        handed.workbooks += 1;
        handed.referrals += handoff.row_count;
    }
    write_missing(store, rules).await?;
    Ok(handed)
}

/// Writes what was handed off and has no file yet.
pub async fn write_missing(store: &Store, rules: &HandoffRules) -> Result<(), StoreError> {
    for handoff in store.unwritten_handoffs().await? {
        let file = rules.folder.join(file_name(&handoff));
        let rows = store.handoff_dispatches(handoff.number).await?;
        let (to, rules, referrals) = (file.clone(), rules.clone(), rows.len());
        let written = tokio::task::spawn_blocking(move || write(&to, &rows, &rules)).await;
        written.map_err(|why| why.to_string()).flatten().map_err(|why| unusable(&file, &why))?;
        store.handoff_written(handoff.number).await?;
        info!(file = %file.display(), referrals, "a hand-off was written");
    }
    Ok(())
}

/// Takes every workbook that lies in `returns`: one that was taken goes to `returns/done`, one that can't be goes to
/// `returns/failed` with a copy that says why.
pub async fn take_returns(store: &Store, rules: &HandoffRules) -> Result<Returned, StoreError> {
    let folder = rules.folder.join("returns");
    make_folder(&folder)?;
    let mut returned = Returned::default();
    for file in waiting(&folder).map_err(|why| unusable(&folder, &why.to_string()))? {
        returned.workbooks += 1;
        take_return(store, &folder, &file, &mut returned).await?;
    }
    Ok(returned)
}

async fn take_return(
    store: &Store,
    folder: &Path,
    file: &Path,
    returned: &mut Returned,
) -> Result<(), StoreError> {
    let taken = match read_file(file) {
        Ok((name, bytes)) => import_returns(store, &name, &bytes).await,
        Err(error) => Err(error),
    };
    match taken {
        Ok(report) => {
            returned.changed += report.added + report.changed;
            returned.unmatched += report.unmatched.len();
            let done = folder_in(folder, "done")?;
            if let Some(sheet) = &report.sheet {
                let noted = write_error_copy(file, Some(&done), sheet, &report.unmatched);
                warn!(file = %file.display(), rows = report.unmatched.len(), copy = ?noted.ok(),
                    "rows of a return are about nothing known here");
                tell(store, file, &unmatched_text(&report.unmatched)).await?;
            }
            put_away(file, &done)
        }
        Err(ImportError::Store { error, .. }) => Err(error),
        Err(error) => {
            returned.refused += 1;
            warn!(file = %file.display(), %error, "a return can't be taken");
            let failed = folder_in(folder, "failed")?;
            if let ImportError::Rows { errors, sheet, .. } = &error {
                let noted = write_error_copy(file, Some(&failed), sheet, errors);
                noted.map_err(|error| StoreError::Rule(error.to_string()))?;
            }
            tell(store, file, &format!("{error}")).await?;
            put_away(file, &failed)
        }
    }
}

fn unmatched_text(rows: &[RowError]) -> String {
    let lines = rows.iter().take(20).map(|row| format!("\n- {row}"));
    format!("{} 行对不上，没有处理，其余各行已收下：{}", rows.len(), lines.collect::<String>())
}

async fn tell(store: &Store, file: &Path, text: &str) -> Result<(), StoreError> {
    let name = file.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    let (topic, title) = (format!("return-{name}"), format!("平台回执「{name}」有问题"));
    app::tell_uploader(store, &Word { topic, title, body: text.to_owned() }).await
}

fn title(handoff: &Handoff) -> String {
    format!("上报交接单第 {} 号：{} 件请录入平台", handoff.number, handoff.row_count)
}

fn body(handoff: &Handoff, rules: &HandoffRules) -> String {
    format!(
        "文件：{}\n1. 按表中次序（急的在前）逐件录入平台，「诉求内容」要连同方括号里的编号一起粘贴。\n\
         2. 把平台给的编号、状态填进最后四列，另存后放到 {}，或用 zoufang import 导入。\n\
         没有录入的留空，以后再填也可以；同一件不会出现在别的交接单里。",
        rules.folder.join(file_name(handoff)).display(),
        rules.folder.join("returns").display()
    )
}

/// The file's name, which sorts by number.
pub fn file_name(handoff: &Handoff) -> String {
    format!("上报交接单-{:04}-{}.xlsx", handoff.number, handoff.on_date)
}

const HEADER: [(&str, f64); 18] = [
    ("序号", 6.0),
    ("上报编号", 22.0),
    ("问题编号", 18.0),
    ("此前平台编号", 14.0),
    ("诉求内容", 60.0),
    ("类别", 12.0),
    ("平台类别代码", 14.0),
    ("轻重缓急", 10.0),
    ("群众姓名", 12.0),
    ("联系方式", 16.0),
    ("详细地址", 24.0),
    ("所属村", 16.0),
    ("区划代码", 16.0),
    ("上报网格员", 12.0),
    // What the one who uploads fills in.
    ("平台编号", 18.0),
    ("办理状态", 12.0),
    ("办理答复", 40.0),
    ("办理时间", 18.0),
];
/// Where what is filled in begins, and where the status stands.
const FILLED_FROM: u16 = 14;
const STATUS: u16 = 15;

/// Writes the workbook at once or not at all.
pub fn write(file: &Path, rows: &[Dispatch], rules: &HandoffRules) -> Result<(), String> {
    let bytes = workbook(rows, rules).map_err(|error| error.to_string())?;
    let text = |error: std::io::Error| error.to_string();
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(text)?;
    let beside = file.with_extension("part");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // Names and telephone numbers: for the service and its group, not for everyone.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let mut part = options.open(&beside).map_err(text)?;
    part.write_all(&bytes).map_err(text)?;
    part.sync_all().map_err(text)?;
    fs::rename(&beside, file).map_err(text)
}

fn workbook(rows: &[Dispatch], rules: &HandoffRules) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("上报交接单")?;
    let (head, wrapped) = (Format::new().set_bold(), Format::new().set_text_wrap());
    // As text, so that a number of 18 digits keeps its last ones.
    let fill = Format::new().set_background_color("FFF2CC").set_text_wrap().set_num_format("@");
    for (column, (name, width)) in (0u16..).zip(HEADER) {
        sheet.write_string_with_format(0, column, name, &head)?;
        sheet.set_column_width(column, width)?;
    }
    sheet.set_freeze_panes(1, 2)?;
    let choices = DataValidation::new().allow_list_strings(&rules.statuses);
    for (row, dispatch) in (1u32..).zip(rows) {
        for (column, text) in (0u16..).zip(cells(row, dispatch, rules)) {
            sheet.write_string_with_format(row, column, text, &wrapped)?;
        }
        for column in FILLED_FROM..HEADER.len() as u16 {
            sheet.write_blank(row, column, &fill)?;
        }
    }
    // Excel takes a list of choices up to 255 characters.
    if let Ok(choices) = choices {
        let last = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        sheet.add_data_validation(1, STATUS, last, STATUS, &choices)?;
    }
    workbook.save_to_buffer()
}

fn cells(row: u32, dispatch: &Dispatch, rules: &HandoffRules) -> [String; 14] {
    let urgency = match dispatch.urgency {
        Urgency::Urgent => "急",
        other => other.chinese(),
    };
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        row.to_string(),
        dispatch.reference.clone(),
        dispatch.issue_number.clone(),
        optional(&dispatch.previous),
        described(&dispatch.text, "", &dispatch.reference),
        dispatch.category.chinese().to_owned(),
        rules.services.get(&dispatch.category).cloned().unwrap_or_default(),
        urgency.to_owned(),
        dispatch.resident.clone(),
        optional(&dispatch.contact),
        optional(&dispatch.address),
        dispatch.area_name.clone(),
        optional(&dispatch.area_code),
        optional(&dispatch.uploader),
    ]
}

/// The workbooks that lie in a folder, by name.
fn waiting(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
        // Excel's and WPS's own lock files, and what is hidden.
        let own = name.starts_with('~') || name.starts_with('.');
        let is_table = name.ends_with(".xlsx") || name.ends_with(".csv");
        if path.is_file() && is_table && !own {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn folder_in(folder: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let inner = folder.join(name);
    make_folder(&inner)?;
    Ok(inner)
}

fn make_folder(folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder).map_err(|why| unusable(folder, &why.to_string()))
}

/// Moves a file; beside one of the same name it gets a number.
fn put_away(file: &Path, folder: &Path) -> Result<(), StoreError> {
    let stem = file.file_stem().map(OsStr::to_string_lossy).unwrap_or_default();
    let extension = file.extension().map(OsStr::to_string_lossy).unwrap_or_default();
    let names = std::iter::once(format!("{stem}.{extension}"))
        .chain((2..).map(|n| format!("{stem}.{n}.{extension}")));
    let free = names.map(|name| folder.join(name)).find(|to| !to.exists());
    match free {
        Some(to) => fs::rename(file, to).map_err(|why| unusable(file, &why.to_string())),
        None => Ok(()),
    }
}

fn unusable(file: &Path, why: &str) -> StoreError {
    StoreError::Rule(format!("platform.folder：{} 用不了：{why}", file.display()))
}
