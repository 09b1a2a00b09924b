//! A portal that only people can use: what is owed goes to it in a workbook a day, and comes back in one.
//!
//! The record decides what stands in which workbook; the file is written after that, from the record, as often as
//! it takes: a crash in between costs nothing and doubles nothing.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rust_xlsxwriter::{DataValidation, Format, Workbook, XlsxError};
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use crate::app::hand_off::{self as app, Word};
use crate::cell_text::fitted;
use crate::clock;
use crate::db::{Dispatch, Handoff, Store, StoreError};
use crate::domain::issue::{Category, Urgency};
use crate::domain::reason::of_system;
use crate::domain::referral::described;
use crate::intake::{Bounds, ImportError, RowError, import_returns, read_file, write_error_copy};
use crate::private_file::{self, Existing};
use crate::seal::hex;

/// How hand-offs are made.
#[derive(Debug, Clone)]
pub struct HandoffRules {
    /// Where workbooks are put; what comes back is looked for in its subfolder `returns`.
    pub folder: PathBuf,
    /// The portal's words and codes, to choose from.
    pub statuses: Vec<String>,
    pub services: BTreeMap<Category, String>,
    /// How much of a file that comes back is read.
    pub bounds: Bounds,
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
        info!(
            event = "handoff.written",
            number = handoff.number,
            referrals,
            "a hand-off was written"
        );
    }
    Ok(())
}

/// Takes every workbook that lies in `returns`: one that was taken goes to `returns/done`, one that can't be goes to
/// `returns/failed` with a copy that says why. Each is moved aside before it's read, so that one at which the program dies
/// stops none behind it; it's tried once more, after the others. All that is wrong is one notice.
pub async fn take_returns(store: &Store, rules: &HandoffRules) -> Result<Returned, StoreError> {
    let folder = rules.folder.join("returns");
    make_folder(&folder, BY_GROUP)?;
    let list =
        |folder: &Path| waiting(folder).map_err(|why| unusable(folder, of_system(why.kind())));
    let [reading, again, failed] = ["reading", "reading-again", "failed"];
    let mut pass = Pass {
        folder: folder.clone(),
        bounds: rules.bounds,
        returned: Returned::default(),
        wrong: Vec::new(),
    };
    let (mut new, stuck) = (list(&folder)?, list(&folder.join(reading))?);
    let done = list(&folder_in(&folder, "done")?)?;
    new.extend(grown(store, done, &rules.bounds).await?);
    new.retain(|file| is_at_rest(file));
    tell_of_folders(store, &folder).await?;
    for file in list(&folder.join(again))? {
        let text = "读到它时程序两次中断，没有再读；请用 Excel 或 WPS 打开，另存为 .xlsx，再放回来";
        pass.returned.workbooks += 1;
        pass.refuse(&file, text.to_owned(), failed);
    }
    for (file, aside) in
        new.iter().map(|file| (file, reading)).chain(stuck.iter().map(|file| (file, again)))
    {
        pass.returned.workbooks += 1;
        let aside = put_away(file, &folder_in(&folder, aside)?)?;
        if let Err(error) = pass.take(store, &aside).await {
            // The record can't be reached: it's as if nobody had looked.
            put_away(&aside, &folder)?;
            return Err(error);
        }
    }
    pass.tell(store).await
}

/// Tells of folders that somebody put there: what lies in them isn't looked for.
async fn tell_of_folders(store: &Store, folder: &Path) -> Result<(), StoreError> {
    const OWN: [&str; 4] = ["reading", "reading-again", "failed", "done"];
    let entries = fs::read_dir(folder).map_err(|why| unusable(folder, of_system(why.kind())))?;
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|of| of.is_dir()));
    let mut names: Vec<String> = folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !OWN.contains(&name.as_str()))
        .map(|name| name_of(Path::new(&name)))
        .collect();
    names.sort();
    let Some(first) = names.first() else { return Ok(()) };
    let named = names.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("」「");
    let word = Word {
        topic: format!("return-folders-{}", hex(&Sha256::digest(names.join("\n"))[..4])),
        title: format!("平台回执里的文件夹「{first}」没有读"),
        body: format!(
            "{} 里有文件夹「{named}」：文件夹里的文件不读。是平台回执的，请把文件本身移到 returns 里；不是的请移走。",
            folder.display()
        ),
    };
    app::tell_uploader(store, &word).await
}

/// One pass over what lies there.
struct Pass {
    folder: PathBuf,
    bounds: Bounds,
    returned: Returned,
    /// Files of which something must be told, what, and where they go then.
    wrong: Vec<(PathBuf, String, &'static str)>,
}

impl Pass {
    fn refuse(&mut self, file: &Path, text: String, to: &'static str) {
        self.returned.refused += usize::from(to == "failed");
        warn!(event = "returns.refused", to, "a return isn't all well");
        self.wrong.push((file.to_owned(), text, to));
    }

    async fn take(&mut self, store: &Store, file: &Path) -> Result<(), StoreError> {
        // Nobody else writes where it lies now: what it was when it was listed may have been changed.
        if file.is_symlink() {
            self.refuse(file, "这是一个链接，不是文件，没有读：请放文件本身".to_owned(), "failed");
            return Ok(());
        }
        let taken = match read_file(file, &self.bounds) {
            Ok((_, bytes)) => import_returns(store, &name_of(file), &bytes, self.bounds).await,
            Err(error) => Err(error),
        };
        match taken {
            Ok(report) => {
                self.returned.changed += report.added + report.changed;
                self.returned.unmatched += report.unmatched.len();
                let done = folder_in(&self.folder, "done")?;
                let Some(sheet) = &report.sheet else { return put_away(file, &done).map(drop) };
                if write_error_copy(file, Some(&done), sheet, &report.unmatched).is_err() {
                    warn!(event = "returns.no_copy", "no copy with notes");
                }
                self.refuse(file, unmatched_text(&report.unmatched), "done");
            }
            Err(ImportError::Store { error, .. }) => return Err(error),
            Err(error) => {
                let failed = folder_in(&self.folder, "failed")?;
                let mut text = error.to_string();
                if let ImportError::Rows { errors, sheet, .. } = &error
                    && let Err(none) = write_error_copy(file, Some(&failed), sheet, errors)
                {
                    // What is wrong stands in the notice; the files behind this one are taken.
                    text = format!("{text}\n{none}");
                }
                self.refuse(file, text, "failed");
            }
        }
        Ok(())
    }

    /// Tells of all that is wrong at once, and puts it away then.
    async fn tell(self, store: &Store) -> Result<Returned, StoreError> {
        if let Some((first, ..)) = self.wrong.first() {
            let name = name_of(first);
            // The same name may come again today, with other faults.
            let faults: Vec<&str> = self.wrong.iter().map(|(_, text, _)| text.as_str()).collect();
            let fault = hex(&Sha256::digest(faults.join("\n"))[..4]);
            let (topic, count) = (format!("return-{name}-{fault}"), self.wrong.len());
            let title = match count {
                1 => format!("平台回执「{name}」有问题"),
                _ => format!("平台回执「{name}」等 {count} 个文件有问题"),
            };
            let texts = self.wrong.iter().take(20).map(|(file, text, _)| match count {
                1 => text.clone(),
                _ => format!("「{}」：{text}", name_of(file)),
            });
            let body = texts.collect::<Vec<_>>().join("\n");
            app::tell_uploader(store, &Word { topic, title, body }).await?;
        }
        for (file, _, to) in &self.wrong {
            put_away(file, &folder_in(&self.folder, to)?)?;
        }
        Ok(self.returned)
    }
}

/// A file's name as it may be shown: without what nobody sees, and not too long.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().map(OsStr::to_string_lossy).unwrap_or_default();
    let extension = file.extension().map(OsStr::to_string_lossy).unwrap_or_default();
    let safe = |c: &char| !c.is_control() && !"<>:\"|?*[]`".contains(*c);
    let stem: String = stem.chars().filter(safe).take(60).collect();
    let extension: String = extension.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let stem = if stem.is_empty() { "回执" } else { &stem };
    match extension.is_empty() {
        true => stem.to_owned(),
        false => format!("{stem}.{}", extension.to_lowercase()),
    }
}

fn unmatched_text(rows: &[RowError]) -> String {
    let lines = rows.iter().take(20).map(|row| format!("\n- {row}"));
    format!("{} 行对不上，没有处理，其余各行已收下：{}", rows.len(), lines.collect::<String>())
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
/// The column of the portal's own codes, which stands there where somebody configured any.
const CODE: usize = 6;
/// Of the columns behind, those that are filled in, and which of these the status is.
const FILLED: u16 = 4;
const STATUS: u16 = 1;

/// Writes the workbook at once or not at all, over one that was written before.
pub fn write(file: &Path, rows: &[Dispatch], rules: &HandoffRules) -> Result<(), String> {
    put(file, rows, rules, Existing::Replace)
}

/// Writes the workbook where there's none: one that is there may be filled in.
pub fn write_new(file: &Path, rows: &[Dispatch], rules: &HandoffRules) -> Result<(), String> {
    put(file, rows, rules, Existing::Keep)
}

/// The workbook itself, for whoever takes it by a browser.
pub fn written(rows: &[Dispatch], rules: &HandoffRules) -> Result<Vec<u8>, String> {
    workbook(rows, rules).map_err(|error| error.to_string())
}

fn put(
    file: &Path,
    rows: &[Dispatch],
    rules: &HandoffRules,
    existing: Existing,
) -> Result<(), String> {
    let bytes = workbook(rows, rules).map_err(|error| error.to_string())?;
    let folder = file.parent().unwrap_or(Path::new("."));
    private_file::make_folder(folder, OF_GROUP).map_err(|error| error.to_string())?;
    private_file::write(file, &bytes, existing).map_err(|error| error.to_string())
}

fn workbook(rows: &[Dispatch], rules: &HandoffRules) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("上报交接单")?;
    let (head, wrapped) = (Format::new().set_bold(), Format::new().set_text_wrap());
    // As text, so that a number of 18 digits keeps its last ones.
    let fill = Format::new().set_background_color("FFF2CC").set_text_wrap().set_num_format("@");
    let has_codes = Category::ALL.iter().any(|of| !service_of(*of, rules).is_empty());
    let is_kept = |at: usize| has_codes || at != CODE;
    let header = HEADER.iter().enumerate().filter(|(at, _)| is_kept(*at));
    let width = if has_codes { HEADER.len() } else { HEADER.len() - 1 };
    let filled_from = u16::try_from(width).unwrap_or(u16::MAX) - FILLED;
    for (column, (_, (name, width))) in (0u16..).zip(header) {
        sheet.write_string_with_format(0, column, *name, &head)?;
        sheet.set_column_width(column, *width)?;
    }
    sheet.set_freeze_panes(1, 2)?;
    let choices = DataValidation::new().allow_list_strings(&rules.statuses);
    for (row, dispatch) in (1u32..).zip(rows) {
        let cells = cells(row, dispatch, rules);
        let cells = cells.iter().enumerate().filter(|(at, _)| is_kept(*at));
        for (column, (_, text)) in (0u16..).zip(cells) {
            sheet.write_string_with_format(row, column, fitted(text), &wrapped)?;
        }
        for column in filled_from..filled_from + FILLED {
            sheet.write_blank(row, column, &fill)?;
        }
    }
    // Excel takes a list of choices up to 255 characters.
    if let Ok(choices) = choices {
        let last = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let status = filled_from + STATUS;
        sheet.add_data_validation(1, status, last, status, &choices)?;
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
        service_of(dispatch.category, rules),
        urgency.to_owned(),
        dispatch.resident.clone(),
        optional(&dispatch.contact),
        optional(&dispatch.address),
        dispatch.area_name.clone(),
        optional(&dispatch.area_code),
        optional(&dispatch.uploader),
    ]
}

/// What the portal calls a category; where nobody configured that, it's only called by its own word, in the column beside.
fn service_of(category: Category, rules: &HandoffRules) -> String {
    let service = rules.services.get(&category).filter(|service| *service != category.code());
    service.cloned().unwrap_or_default()
}

/// How the names of tables end.
const TABLES: [&str; 14] = [
    "xlsx", "xlsm", "xls", "xlsb", "xltx", "xltm", "xlt", "et", "ett", "ods", "csv", "tsv", "txt",
    "dbf",
];
/// What people put there instead: it's refused by what it is, so that it doesn't lie there unread.
const OTHERS: [&str; 21] = [
    "zip", "rar", "7z", "gz", "tar", "pdf", "ofd", "doc", "docx", "wps", "ppt", "pptx", "numbers",
    "jpg", "jpeg", "png", "heic", "xml", "htm", "html", "mht",
];

/// The files that lie in a folder and that somebody meant for a return, by name; no links, nothing that is still being
/// written under another name, and nothing where there's no such folder.
fn waiting(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
        // Excel's and WPS's own lock files, and what is hidden.
        let own = name.starts_with('~') || name.starts_with('.');
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let is_meant = ending.is_none_or(|ending| {
            TABLES.contains(&ending.as_str()) || OTHERS.contains(&ending.as_str())
        });
        if entry.file_type()?.is_file() && is_meant && !own {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// For so long after it was last written to a file that is done may still have grown.
const GROWS: Duration = Duration::from_secs(3_600);

/// Those of the files that are done that were written to after they had been read: whoever still had one open went on.
async fn grown(
    store: &Store,
    done: Vec<PathBuf>,
    bounds: &Bounds,
) -> Result<Vec<PathBuf>, StoreError> {
    let written = |file: &PathBuf| fs::metadata(file).and_then(|about| about.modified()).ok();
    let is_young = |file: &PathBuf| {
        let since = written(file).and_then(clock::since);
        let is_ours = name_of(file).contains(".错误.");
        since.is_some_and(|since| since < GROWS) && !is_ours
    };
    let mut grown = Vec::new();
    for file in done.into_iter().filter(is_young) {
        let Ok((_, bytes)) = read_file(&file, bounds) else { continue };
        let mut snapshot = store.snapshot().await?;
        let before = snapshot.imported_at(&hex(&Sha256::digest(&bytes))).await?;
        snapshot.end().await?;
        grown.extend(before.is_none().then_some(file));
    }
    Ok(grown)
}

/// For so long nobody must have written to a file: one that is still being copied is taken by the next pass.
const RESTS: Duration = Duration::from_secs(3);

fn is_at_rest(file: &Path) -> bool {
    let changed = fs::metadata(file).and_then(|about| about.modified()).ok();
    // A time ahead of ours says nothing.
    changed.and_then(clock::since).is_none_or(|since| since >= RESTS)
}

fn folder_in(folder: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let inner = folder.join(name);
    make_folder(&inner, OF_GROUP)?;
    Ok(inner)
}

/// Whoever uploads reads what lies there; and puts there what comes back.
const OF_GROUP: u32 = 0o750;
const BY_GROUP: u32 = 0o770;

fn make_folder(folder: &Path, mode: u32) -> Result<(), StoreError> {
    private_file::make_folder(folder, mode).map_err(|why| unusable(folder, of_system(why.kind())))
}

/// Moves a file; beside one of the same name it gets a number. Gives back where it lies then.
fn put_away(file: &Path, folder: &Path) -> Result<PathBuf, StoreError> {
    let name = name_of(file);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    let names =
        std::iter::once(name.clone()).chain((2..).map(|n| format!("{stem}.{n}.{extension}")));
    let mut names = names.map(|name| folder.join(name));
    let free = names.find(|to| !to.exists()).unwrap_or_else(|| folder.join(&name));
    fs::rename(file, &free).map_err(|why| unusable(file, of_system(why.kind())))?;
    Ok(free)
}

fn unusable(file: &Path, why: &str) -> StoreError {
    StoreError::Rule(format!("platform.folder：{} 用不了：{why}", file.display()))
}
