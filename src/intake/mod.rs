//! What comes in: workbooks and csv files, recognised by their header, all of a file or nothing of it.
//!
//! Knows the record and the domain. Every row ends in the same commands of the record that any other
//! way in would use; nothing here decides what follows from a visit.

mod apply;
mod cells;
mod columns;
mod sheet;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use cells::{RowError, read_date};
pub use columns::{Field, Kind};
pub use sheet::Sheet;

use crate::db::{Store, StoreError, Upsert};
use crate::seal::hex;

/// What an import did, or would do.
#[derive(Debug, Clone)]
pub struct Report {
    pub kind: Kind,
    pub rows: usize,
    pub added: usize,
    pub changed: usize,
    pub same: usize,
    /// When the very same file was imported before; nothing is done then.
    pub imported_before: Option<i64>,
    /// Rows of a return that are about nothing known here; the others were taken.
    pub unmatched: Vec<RowError>,
    /// The file's rows, to be written back with a note, where any is unmatched.
    pub sheet: Option<Sheet>,
}

/// Why a file didn't come in. Nothing of it did.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{file}：读不出来：{why}")]
    Unreadable { file: String, why: String },
    #[error("{file}：文件是空的，第 1 行应当是表头")]
    Empty { file: String },
    #[error("{file}：有 {size} MB，太大了（上限 {limit} MB）。请拆成几个文件")]
    TooBig { file: String, size: u64, limit: u64 },
    #[error(
        "{file}：这是旧的 .xls 格式（只是改了扩展名）。请在 Excel 或 WPS 里另存为 .xlsx，再导入"
    )]
    OldWorkbook { file: String },
    #[error("{file}：工作簿损坏或不完整（{why}）。请重新下载或另存后再导入")]
    BrokenWorkbook { file: String, why: String },
    #[error("{file}：第 {row} 行第 {column} 列的内容有 {length} 个字，太长了（上限 {limit}）")]
    LongCell { file: String, row: usize, column: usize, length: usize, limit: usize },
    #[error("{file}：第 {row} 行引号没有配对，或这一行读不出来：{why}")]
    BrokenLine { file: String, row: u64, why: String },
    #[error("{file}：第 {row} 行的表头认不出来：{found}。最接近的是「{nearest}」，还缺：{missing}")]
    UnknownHeader {
        file: String,
        row: usize,
        found: String,
        nearest: &'static str,
        missing: String,
    },
    #[error("{file}：这里只收{only}，这是{kind}；请用 zoufang import 导入")]
    OtherKind { file: String, kind: Kind, only: Kind },
    #[error("{file}：第 {row} 行第 {column} 列「{name}」与第 {first} 列重复")]
    TwiceInHeader { file: String, row: usize, column: usize, first: usize, name: String },
    #[error("{file}：{} 处错误，整个文件都没有导入。{}", errors.len(), first_lines(file, errors))]
    Rows { file: String, errors: Vec<RowError>, sheet: Box<Sheet> },
    #[error("{file}：{error}")]
    Store { file: String, error: StoreError },
}

fn first_lines(file: &str, errors: &[RowError]) -> String {
    let shown = errors.iter().take(20).map(|error| format!("\n  {file} {error}"));
    let more = (errors.len() > 20).then(|| format!("\n  ……还有 {} 处", errors.len() - 20));
    shown.chain(more).collect()
}

/// So many rows change what the database should know of its tables.
const MANY: usize = 500;

/// How far an import has come, told to whoever shows it.
pub type Progress<'p> = &'p (dyn Fn(usize, usize) + Send + Sync);

/// Imports a file.
pub async fn import_file(
    store: &Store,
    file: &Path,
    dry_run: bool,
    progress: Progress<'_>,
) -> Result<Report, ImportError> {
    let (name, bytes) = read_file(file)?;
    import(store, &name, &bytes, dry_run, progress).await
}

/// A file's name for messages, and its bytes.
pub fn read_file(file: &Path) -> Result<(String, Vec<u8>), ImportError> {
    let name = file.display().to_string();
    let bytes = sheet::read_bounded(file, &name)?;
    Ok((name, bytes))
}

/// Imports the bytes of a file called `name`.
pub async fn import(
    store: &Store,
    name: &str,
    bytes: &[u8],
    dry_run: bool,
    progress: Progress<'_>,
) -> Result<Report, ImportError> {
    import_sheet(store, name, bytes, Sheet::read(name, bytes)?, dry_run, progress).await
}

/// Imports what came back from a portal, and no other kind of file.
pub async fn import_returns(
    store: &Store,
    name: &str,
    bytes: &[u8],
) -> Result<Report, ImportError> {
    let sheet = Sheet::read(name, bytes)?;
    let (kind, only) = (columns::recognise(&sheet)?.kind, Kind::Returns);
    if kind != only {
        return Err(ImportError::OtherKind { file: name.to_owned(), kind, only });
    }
    import_sheet(store, name, bytes, sheet, false, &|_, _| {}).await
}

async fn import_sheet(
    store: &Store,
    name: &str,
    bytes: &[u8],
    sheet: Sheet,
    dry_run: bool,
    progress: Progress<'_>,
) -> Result<Report, ImportError> {
    let table = columns::recognise(&sheet)?;
    let in_store = |error| ImportError::Store { file: name.to_owned(), error };
    let digest = hex(&Sha256::digest(bytes));
    let mut tx = store.begin().await.map_err(in_store)?;
    let mut report = Report {
        kind: table.kind,
        rows: table.rows.len(),
        added: 0,
        changed: 0,
        same: 0,
        imported_before: tx.imported_at(&digest).await.map_err(in_store)?,
        unmatched: Vec::new(),
        sheet: None,
    };
    if report.imported_before.is_some() {
        tx.rollback().await.map_err(in_store)?;
        return Ok(report);
    }
    let outcome = apply::apply(&mut tx, &table, progress).await.map_err(in_store)?;
    let apply::Applied { puts, unmatched } = match outcome {
        Ok(applied) => applied,
        Err(errors) => {
            tx.rollback().await.map_err(in_store)?;
            return Err(ImportError::Rows {
                file: name.to_owned(),
                errors,
                sheet: Box::new(sheet),
            });
        }
    };
    report.sheet = (!unmatched.is_empty()).then_some(sheet);
    report.unmatched = unmatched;
    let count = |what: Upsert| puts.iter().filter(|put| **put == what).count();
    (report.added, report.changed, report.same) =
        (count(Upsert::Added), count(Upsert::Changed), count(Upsert::Same));
    if dry_run {
        tx.rollback().await.map_err(in_store)?;
        return Ok(report);
    }
    let rows = i64::try_from(report.rows).unwrap_or(i64::MAX);
    let file =
        Path::new(name).file_name().map_or_else(|| name.into(), |file| file.to_string_lossy());
    tx.put_import(&digest, &file, report.kind.code(), rows).await.map_err(in_store)?;
    let detail =
        serde_json::json!({"added": report.added, "changed": report.changed, "digest": digest});
    tx.audit("import", report.kind.code(), &file, &detail).await.map_err(in_store)?;
    tx.commit().await.map_err(in_store)?;
    if report.rows >= MANY {
        store.analyze().await.map_err(in_store)?;
    }
    Ok(report)
}

/// Which kind of file this is, without importing it: files that others build on come first.
pub fn kind_of_file(file: &Path) -> Result<Kind, ImportError> {
    let (name, bytes) = read_file(file)?;
    let sheet = Sheet::read(&name, &bytes)?;
    Ok(columns::recognise(&sheet)?.kind)
}

/// Writes a copy of the file with a column that says what is wrong in each row; returns its path.
pub fn write_error_copy(
    file: &Path,
    folder: Option<&Path>,
    sheet: &Sheet,
    errors: &[RowError],
) -> Result<PathBuf, ImportError> {
    let stem = file.file_stem().map_or_else(|| "file".into(), |stem| stem.to_string_lossy());
    let folder = folder.or(file.parent()).unwrap_or(Path::new("."));
    let copy = folder.join(format!("{stem}.错误.{}", sheet.extension()));
    sheet
        .write_with_errors(&copy, errors)
        .map_err(|why| ImportError::Unreadable { file: copy.display().to_string(), why })?;
    Ok(copy)
}
