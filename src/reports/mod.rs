//! What is handed in, hung up and handed out: workbooks in the form of the notice's annexes, summaries as documents, and pages
//! that are printed; for any area and any day, filled from the record.
//!
//! Reads snapshots and writes files. Knows no platform, no channel and no page of the service; no rule of the plan stands here.
//!
//! - `kinds`: what there is. `asked`: for which area and day, and who may see names.
//! - `reading`: the record at that day, an area and a page of it at a time.
//! - `sheet`: the form of a workbook, written row by row in constant memory; `workbooks`: one file for each table.
//! - `until_full`: a workbook on a disk that has no more room.
//! - `docx`: the form of an official document; `summary`: what stands in it, by templates; `plain`: no value is more than words
//!   there; `trial`: whether a template can be filled in; `flaws`: which can't.
//! - `print`: pages.
//! - `folder`: all of it at once.

mod asked;
mod docx;
mod flaws;
mod folder;
mod kinds;
pub mod missing;
mod places;
mod plain;
pub mod print;
mod qr;
mod reading;
mod sheet;
mod summary;
mod templates;
mod tier;
mod trial;
mod until_full;
mod workbooks;

use std::path::Path;

use crate::db::StoreError;
use crate::domain::reason::of_system;

pub use asked::{Asked, allow};
pub use flaws::flaws;
pub use folder::{Written, into_file, safe, write_all};
pub use kinds::{Document, Table};
pub use sheet::{Book, Cell, Column, Layout, Paper, in_words, middle, words};
pub use summary::write_document;
pub use templates::Templates;
pub use workbooks::write_table;

/// Why something can't be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("工作簿写不出来，请看看磁盘满没满、文件夹有没有权限")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    #[error("{file}：{why}")]
    File { file: String, why: String },
    #[error("模板 {file} 不对：{why}")]
    Template { file: String, why: String },
}

impl ReportError {
    /// That a file or folder can't be read or written, by the system's reason.
    fn of_file(path: &Path, why: std::io::ErrorKind) -> ReportError {
        ReportError::File { file: path.display().to_string(), why: of_system(why).to_owned() }
    }
}

/// What is written here, or why it can't be.
pub type Result<T> = std::result::Result<T, ReportError>;
