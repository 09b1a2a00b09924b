//! A table that came by a browser: looked through beside everything else, told what it would do, and taken once its person has
//! seen that. The same way in as a command's.

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tracing::warn;

use super::copy::error_copy;
use super::{
    Bounds, ImportError, Incoming, Kind, Options, Original, Report, RowError, TableReport,
};
use crate::app::choices::Choices;
use crate::app::files;
use crate::app::uploads::{LEASE, Settled, claim, left, renew, settle};
use crate::clock::pause;
use crate::db::{Result, Store, Upload, UploadState};
use crate::domain::rights::Right;
use crate::domain::staff::StaffMember;

/// What whoever brings it has decided of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chosen {
    pub clear: bool,
    pub choices: Choices,
    /// Columns that are meant for people.
    pub ignored: Vec<String>,
}

/// What was understood of a table, and what it did or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// What kind of table it is.
    pub kind: String,
    pub rows: usize,
    pub added: usize,
    pub changed: usize,
    pub same: usize,
    pub idle: usize,
    pub skipped: usize,
    /// What was understood, a line each.
    pub lines: Vec<String>,
    /// What each row does, in ranges.
    pub each: String,
    /// When the very same file came in before.
    pub before: Option<i64>,
    /// What is wrong, the first of it, and how much there is in all.
    pub wrongs: Vec<Wrong>,
    pub wrong: usize,
    /// Rows that are about nothing known here.
    pub unmatched: Vec<Wrong>,
    /// Why the file as a whole isn't taken.
    pub problem: String,
}

/// What is wrong in one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    pub sheet: String,
    pub row: usize,
    /// 0 where the file has no such column.
    pub column: usize,
    pub name: String,
    pub text: String,
}

/// So much of what is wrong is shown; the copy has all of it.
const SHOWN: usize = 50;

/// Does what is to be done with one, and says where that can't be now: whoever looks at it next begins again.
pub async fn work(store: &Store, id: &str, bounds: Bounds) {
    if let Err(error) = work_at(store, id, bounds).await {
        let error = error.for_log();
        warn!(event = "upload.unfinished", error, "a table can't be worked at now");
    }
}

/// Looks one through, or takes it. Nothing where another process is at it.
async fn work_at(store: &Store, id: &str, bounds: Bounds) -> Result<()> {
    let Some(upload) = claim(store, id).await? else { return Ok(()) };
    let renewing = Renewing(tokio::spawn(keep_renewing(store.clone(), id.to_owned())));
    let settled = match upload.attempts > MOST_ATTEMPTS {
        true => given_up(&upload),
        false => step(store, &upload, bounds).await,
    };
    drop(renewing);
    settle(store, &upload, settled?).await
}

/// The record as it's changed by what somebody brought by a browser.
pub fn brought_by(store: &Store, person: &StaffMember) -> Store {
    let from = format!("网页上传 {}", person.number);
    store.coming_from(&from).done_by(Some(person.signed()))
}

/// Goes on with what a process that was killed left half done.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn go_on(store: &Store, bounds: Bounds) -> Result<()> {
    let left = left(store).await?;
    if left.is_empty() {
        return Ok(());
    }
    let staff = store.staff().await?;
    for upload in left {
        if let Some(person) = staff.iter().find(|person| person.id == upload.staff_id) {
            work(&brought_by(store, person), &upload.id, bounds).await;
        }
    }
    Ok(())
}

/// A process that was killed at a table so often was killed by it.
const MOST_ATTEMPTS: i64 = 2;

/// What is told of a table that nobody comes to the end of.
fn given_up(upload: &Upload) -> Result<Settled> {
    let taking = upload.state == UploadState::Taking;
    let problem = if taking {
        "两次没有导入完，程序中途停了：请把文件拆成几份，分别再传；已经写入的不会重复"
    } else {
        "两次没有核对完，程序中途停了：请把文件拆成几份，分别再传"
    };
    let told = Told { problem: problem.to_owned(), ..Told::default() };
    settled(UploadState::Wrong, &told, None)
}

/// Ends with what it's renewed for.
struct Renewing(JoinHandle<()>);

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep_renewing(store: Store, id: String) {
    loop {
        pause(LEASE / 3).await;
        if let Err(error) = renew(&store, &id).await {
            warn!(
                event = "upload.unnoted",
                error = error.for_log(),
                "that a file is worked at can't be noted"
            );
        }
    }
}

async fn step(store: &Store, upload: &Upload, bounds: Bounds) -> Result<Settled> {
    let chosen: Chosen = serde_json::from_str(&upload.options).unwrap_or_default();
    let takes = upload.state == UploadState::Taking;
    let options = Options {
        dry_run: !takes,
        clear: chosen.clear,
        choices: chosen.choices,
        ignored: chosen.ignored,
        bounds,
    };
    match import(store, upload, &options).await? {
        Ok(report) => {
            let state = match (takes, report.imported_before) {
                (true, _) => UploadState::Taken,
                // There is nothing to be confirmed.
                (false, Some(_)) => UploadState::Wrong,
                (false, None) => UploadState::Well,
            };
            let copy = match &report.sheet {
                Some(sheet) => Some((sheet, &report.unmatched)),
                None => None,
            };
            let copy_id = kept_copy(store, &upload.file, copy).await?;
            settled(state, &told_of(&report), copy_id)
        }
        Err(ImportError::Rows { errors, sheet, .. }) => {
            let errors: Vec<RowError> = errors.into_iter().map(for_a_page).collect();
            let copy_id = kept_copy(store, &upload.file, Some((&sheet, &errors))).await?;
            let told = Told {
                wrong: errors.len(),
                wrongs: errors.iter().take(SHOWN).map(wrong).collect(),
                ..Told::default()
            };
            settled(UploadState::Wrong, &told, copy_id)
        }
        // Nothing was taken, or it goes on where it was: it may be confirmed again.
        Err(ImportError::Store { error, .. }) if takes => {
            let problem =
                format!("没有导入完：{error}。原因消除后请再确认一次，已经写入的不会重复");
            settled(UploadState::Well, &Told { problem, ..Told::default() }, None)
        }
        Err(error) => {
            let problem = in_a_browser(&error.to_string());
            settled(UploadState::Wrong, &Told { problem, ..Told::default() }, None)
        }
    }
}

async fn import(
    store: &Store,
    upload: &Upload,
    options: &Options,
) -> Result<std::result::Result<Report, ImportError>> {
    let mut record = store.snapshot().await?;
    let found = match &upload.file_id {
        Some(id) => files::read(&mut record, id).await?,
        None => None,
    };
    record.end().await?;
    let Some((_, bytes)) = found else {
        let (file, why) = (upload.file.clone(), "文件没有传完，请再传一次".to_owned());
        return Ok(Err(ImportError::Unreadable { file, why }));
    };
    Ok(match Incoming::look(&upload.file, bytes, options).await {
        Ok(incoming) => match not_theirs(store, upload, &incoming).await? {
            Some(text) => Err(ImportError::Header { file: upload.file.clone(), text }),
            None => incoming.import(store, options, &|_, _| {}).await,
        },
        Err(error) => Err(error),
    })
}

/// What a table takes besides the right to bring one: who is who gives rights itself, and an inspector's word is theirs.
const fn right_for(kind: Kind) -> Option<Right> {
    match kind {
        Kind::Staff => Some(Right::Account),
        Kind::Inspections => Some(Right::Draw),
        _ => None,
    }
}

/// Why what a file holds isn't whoever brought it to bring.
async fn not_theirs(store: &Store, upload: &Upload, incoming: &Incoming) -> Result<Option<String>> {
    let staff = store.staff().await?;
    let person = staff.iter().find(|person| person.id == upload.staff_id);
    let lacks = |kind: Kind| {
        let right = right_for(kind)?;
        let has = person.is_some_and(|person| right.is_held_by(person));
        (!has).then(|| format!("{kind}要由{}来导入，没有导入", right.roles_in_words()))
    };
    Ok(incoming.0.tables.iter().find_map(|table| lacks(table.table.kind)))
}

fn settled(state: UploadState, told: &Told, copy_id: Option<String>) -> Result<Settled> {
    let told = serde_json::to_string(told);
    let told = told.map_err(|error| crate::db::StoreError::of_json("uploads.told", &error))?;
    Ok(Settled { state, told, copy_id })
}

/// The copy with what is wrong beside each row, kept as a file; without one the page says what is wrong all the same.
async fn kept_copy(
    store: &Store,
    name: &str,
    of: Option<(&Original, &Vec<RowError>)>,
) -> Result<Option<String>> {
    let Some((original, errors)) = of.filter(|(_, errors)| !errors.is_empty()) else {
        return Ok(None);
    };
    let (file, original, errors) = (name.to_owned(), original.clone(), errors.clone());
    let made = tokio::task::spawn_blocking(move || error_copy(&file, &original, &errors)).await;
    match made {
        Ok(Ok((name, bytes))) => files::keep(store, &name, &bytes).await.map(Some),
        Ok(Err(_)) | Err(_) => {
            warn!(event = "upload.uncopied", "a copy with what is wrong can't be made");
            Ok(None)
        }
    }
}

fn told_of(report: &Report) -> Told {
    let mut lines: Vec<String> = report.tables.iter().map(columns).collect();
    lines.extend(report.understood().iter().map(|line| in_a_browser(line)));
    Told {
        kind: report.kind.chinese().to_owned(),
        rows: report.rows,
        added: report.added,
        changed: report.changed,
        same: report.same,
        idle: report.idle,
        skipped: report.skipped,
        lines,
        each: report.rows_told(),
        before: report.imported_before,
        unmatched: report.unmatched.iter().take(SHOWN).map(wrong).collect(),
        ..Told::default()
    }
}

/// Which columns of a table were read, as what they are.
fn columns(table: &TableReport) -> String {
    let sheet = table.sheet.as_ref().map(|sheet| format!("工作表「{sheet}」")).unwrap_or_default();
    let used: Vec<&str> = table.used.iter().map(|column| column.meaning).collect();
    format!("{sheet}读了这些列：{}", used.join("、"))
}

fn wrong(error: &RowError) -> Wrong {
    Wrong {
        sheet: error.sheet.clone().unwrap_or_default(),
        row: error.row,
        column: error.column,
        name: error.name.clone(),
        text: error.message.clone(),
    }
}

fn for_a_page(error: RowError) -> RowError {
    RowError { message: in_a_browser(&error.message), ..error }
}

/// What a command is told to write, as a page has it.
fn in_a_browser(text: &str) -> String {
    const INSTEAD: [(&str, &str); 11] = [
        ("请在导入命令后加 --clear", "请勾选「空白是有意的」，再核对一次"),
        ("请在导入命令后加 --same-person", "请勾选「是同一个人换了号码」，再核对一次"),
        ("请在导入命令后加 --same-subject", "请勾选「是同一个对象改了」，再核对一次"),
        ("请在导入命令后加 --same-area", "请勾选「是同一个区划改了」，再核对一次"),
        ("请在导入命令后加 --alike correction", "请选「是同一件」，再核对一次"),
        ("请在导入命令后加 --alike another", "请选「是另一件」，再核对一次"),
        ("请加 --alike another", "请选「是另一件」，再核对一次"),
        ("再在导入命令后加 --alike another", "再选「是另一件」，再核对一次"),
        ("请在导入命令后加 --ignore-column ", "请在「只给人看的列」里写上这一列，再核对一次："),
        ("在命令后加 --ignore-column ", "在「只给人看的列」里写上这一列，再核对一次："),
        ("；请用 zoufang import 导入", ""),
    ];
    INSTEAD.iter().fold(text.to_owned(), |said, (typed, instead)| said.replace(typed, instead))
}

#[cfg(test)]
mod tests {
    use super::in_a_browser;

    #[test]
    fn nobody_at_a_page_is_told_to_type_an_option() {
        for said in [
            "是改字请在导入命令后加 --alike correction，是另一件事请加 --alike another",
            "是同一个人换了号码请在导入命令后加 --same-person",
            "这一列只给人看的，请在导入命令后加 --ignore-column 户主",
            "原来登记错了，请作废，再在导入命令后加 --alike another",
            "第 3 列「备注」像是内容；这一列确实只给人看的，请在命令后加 --ignore-column 备注",
        ] {
            let shown = in_a_browser(said);
            assert!(!shown.contains("--") && shown.contains("再核对一次"), "{shown}");
        }
    }
}
