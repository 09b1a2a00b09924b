//! Why a file doesn't come in, in words for whoever made it: where, what stood there, and what to do.

use super::bounds::Bounds;
use super::kinds::Kind;
use super::original::Original;
use super::row::letters;
use crate::db::StoreError;

/// What is wrong, or worth a word, in one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The sheet's name, where a file has several.
    pub sheet: Option<String>,
    pub row: usize,
    /// 0 where the file has no such column.
    pub column: usize,
    pub name: String,
    pub message: String,
    pub(super) place: Place,
}

/// Where a table stands in its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The sheet's place in the file, from 0.
    pub sheet: usize,
    pub header_row: usize,
}

impl RowError {
    pub(super) fn in_row(&self) -> String {
        format!("「{}」{}", self.name, self.message)
    }
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(sheet) = &self.sheet {
            write!(f, "工作表「{sheet}」")?;
        }
        write!(f, "第 {} 行", self.row)?;
        if self.column > 0 {
            write!(f, "第 {} 列", self.column)?;
        }
        write!(f, "「{}」：{}", self.name, self.message)
    }
}

/// Why a file didn't come in. Nothing of it did.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{file}：{why}")]
    Unreadable { file: String, why: String },
    #[error("{file}：文件是空的，第 1 行应当是表头")]
    Empty { file: String },
    #[error("{file}：{what}有 {size} MB，太大了（上限 {limit} MB）。请拆成几个文件")]
    TooBig { file: String, what: &'static str, size: u64, limit: u64 },
    #[error("{file}：{sheet}超过 {limit} 行，太长了。请拆成几个文件")]
    TooLong { file: String, sheet: String, limit: usize },
    #[error(
        "{file}：{what}超过 {limit} 个，太多了，不像是人填的表。请把要导入的表复制到新的工作簿，存为 .xlsx，再导入"
    )]
    TooMany { file: String, what: &'static str, limit: usize },
    #[error(
        "{file}：工作簿里写的文字条数不对（实有 {count} 条），读不了。请用 Excel 或 WPS 打开，另存为 .xlsx，再导入"
    )]
    FalseCount { file: String, count: u64 },
    #[error("{file}：这是{what}，读不了。{cure}")]
    NotATable { file: String, what: &'static str, cure: &'static str },
    #[error(
        "{file}：工作簿读不出来，可能损坏或不完整。请用 Excel 或 WPS 打开，另存为 .xlsx，再导入"
    )]
    BrokenWorkbook { file: String, why: String },
    #[error(
        "{file}：{sheet}第 {row} 行第 {column} 列的内容太长了（上限 {limit} 个字），请缩短或分成几行"
    )]
    LongCell { file: String, sheet: String, row: usize, column: usize, limit: usize },
    #[error("{file}：{sheet}第 {row} 行第 {column} 列（单元格 {}{row}）有内容「{text}」，离表格太远（只读 {limit} 列）。请删掉它，或选中多余的列删除后保存，再导入", letters(column - 1))]
    FarCell { file: String, sheet: String, row: usize, column: usize, text: String, limit: usize },
    #[error("{file}：{sheet}第 {row} 行第 {column} 列（单元格 {}{row}）有内容，离表格太远，读起来太占地方。请选中多余的行或列删除后保存，或另存为 .xlsx，再导入", letters(column - 1))]
    StrayCell { file: String, sheet: String, row: usize, column: usize },
    #[error(
        "{file}：{sheet}从第 {row} 行起有 {rows} 行内容一模一样，不像是人填的表。请删掉多余的行后保存，再导入"
    )]
    SameAgain { file: String, sheet: String, row: usize, rows: usize },
    #[error(
        "{file}：第 {row} 行第 {column} 列有一个引号没有配对，后面的行会被当成它的内容。请把这个引号删掉或补上另一半，再导入"
    )]
    OpenQuote { file: String, row: usize, column: usize },
    #[error(
        "{file}：第 {row} 行和前面各行的文字编码不一样，读出来是乱码，像是两个文件接在一起的。请把它们分开，各自用 Excel 或 WPS 打开，另存为 .xlsx，再导入"
    )]
    Encodings { file: String, row: usize },
    #[error("{file}：{text}")]
    Header { file: String, text: String },
    #[error("{file}：这里只收{only}，这是{kind}；请用 zoufang import 导入")]
    OtherKind { file: String, kind: Kind, only: Kind },
    #[error(
        "{file}：里面有{kinds}，共 {rows} 行，太长了，不能一次核对。请把每种表存成单独的文件，按这个次序导入"
    )]
    TooMixed { file: String, kinds: String, rows: usize },
    #[error("{file}：{}，整个文件都没有导入。{}", count(errors), first_lines(file, errors))]
    Rows { file: String, errors: Vec<RowError>, sheet: Box<Original> },
    #[error("{file}：{error}")]
    Store { file: String, error: StoreError },
}

/// So many mistakes are looked for, and no more.
pub(super) const MOST_ERRORS: usize = 10_000;

fn count(errors: &[RowError]) -> String {
    let more = if errors.len() >= MOST_ERRORS { "至少 " } else { "" };
    format!("{more}{} 处错误", errors.len())
}

fn first_lines(file: &str, errors: &[RowError]) -> String {
    let shown = errors.iter().take(20).map(|error| format!("\n  {file} {error}"));
    let more = (errors.len() > 20).then(|| format!("\n  ……还有 {} 处", errors.len() - 20));
    shown.chain(more).collect()
}

impl ImportError {
    /// A file that can't be opened.
    pub(super) fn io(file: &str, error: &std::io::Error) -> ImportError {
        use std::io::ErrorKind::*;
        let why = match error.kind() {
            NotFound => "没有这个文件，请看看名字和所在的文件夹",
            PermissionDenied => "没有权限读这个文件",
            IsADirectory => "这是文件夹，请写出里面的文件",
            _ => "文件读不出来，请看看磁盘或网络",
        };
        ImportError::Unreadable { file: file.to_owned(), why: why.to_owned() }
    }

    pub(super) fn broken(file: &str, why: impl std::fmt::Display) -> ImportError {
        ImportError::BrokenWorkbook { file: file.to_owned(), why: why.to_string() }
    }

    pub(super) fn long_cell(at: &At<'_>, bounds: &Bounds) -> ImportError {
        ImportError::LongCell {
            file: at.file.to_owned(),
            sheet: at.sheet_text(),
            row: at.row,
            column: at.column,
            limit: bounds.text,
        }
    }

    pub(super) fn far_cell(at: &At<'_>, text: String, bounds: &Bounds) -> ImportError {
        ImportError::FarCell {
            file: at.file.to_owned(),
            sheet: at.sheet_text(),
            row: at.row,
            column: at.column,
            text,
            limit: bounds.columns,
        }
    }
}

/// A cell's place, from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub file: &'a str,
    pub sheet: Option<&'a str>,
    pub row: usize,
    pub column: usize,
}

impl At<'_> {
    fn sheet_text(&self) -> String {
        sheet_text(self.sheet)
    }
}

pub(super) fn sheet_text(sheet: Option<&str>) -> String {
    sheet.map(|sheet| format!("工作表「{sheet}」")).unwrap_or_default()
}

/// Why a file goes no further.
pub(super) enum Stop {
    File(ImportError),
    Store(StoreError),
    Rows(Vec<RowError>),
}

impl From<ImportError> for Stop {
    fn from(error: ImportError) -> Stop {
        Stop::File(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Store(error)
    }
}
