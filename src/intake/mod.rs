//! What comes in: workbooks and csv files, recognised by their header, all of a file or nothing of it.
//!
//! Knows the record and the domain. Every row ends in the same commands of the record that any other
//! way in would use; nothing here decides what follows from a visit.

mod cells;
mod columns;
mod pipeline;
mod returns;
mod rows;
mod sheet;

use std::path::{Path, PathBuf};

pub use cells::{RowError, read_date};
pub use columns::{Field, Kind};
pub use sheet::Sheet;

use crate::db::{Store, StoreError};

/// What an import did, or would do.
#[derive(Debug, Clone)]
pub struct Report {
    pub kind: Kind,
    pub rows: usize,
    pub added: usize,
    pub changed: usize,
    pub same: usize,
    /// What had become wrong while a long file was applied, and was left out; the log names each.
    pub skipped: usize,
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
    let sheet = read_sheet(name, bytes).await?;
    pipeline::import_sheet(store, name, bytes, sheet, dry_run, progress).await
}

/// Reads a file beside whoever else runs.
async fn read_sheet(name: &str, bytes: &[u8]) -> Result<Sheet, ImportError> {
    let (name, bytes) = (name.to_owned(), bytes.to_vec());
    let file = name.clone();
    let read = tokio::task::spawn_blocking(move || Sheet::read(&name, &bytes)).await;
    read.unwrap_or_else(|panic| Err(ImportError::Unreadable { file, why: panic.to_string() }))
}

/// Imports what came back from a portal, and no other kind of file.
pub async fn import_returns(
    store: &Store,
    name: &str,
    bytes: &[u8],
) -> Result<Report, ImportError> {
    let sheet = read_sheet(name, bytes).await?;
    let (kind, only) = (columns::recognise(&sheet)?.kind, Kind::Returns);
    if kind != only {
        return Err(ImportError::OtherKind { file: name.to_owned(), kind, only });
    }
    pipeline::import_sheet(store, name, bytes, sheet, false, &|_, _| {}).await
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
