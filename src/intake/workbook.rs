//! Workbooks cell by cell, so that a far cell costs nothing; numbers are read as they are shown.

use std::io::Cursor;

use calamine::{
    Data, DataRef, ExcelDateTime, ExcelDateTimeType, Reader, SheetType, SheetVisible, Xls, Xlsx,
    XlsxError,
};

use super::assemble::Rows;
use super::number_format::{NumberFormat, Shown};
use super::original::{Form, Original};
use super::refusal::ImportError;
use super::row::{Cell, Held, Take};
use super::scan::{Facts, PassedOver, Region, SheetInfo, look_through};
use super::xls;
use super::xlsb::{Binary, Value};

type Bytes<'b> = Cursor<&'b [u8]>;

/// What sheets a workbook has, and whether its days are counted from 1904.
pub(super) fn sheets(original: &Original) -> Result<(Vec<SheetInfo>, bool), ImportError> {
    match original.form {
        Form::Xlsx => {
            let facts = look_through(original)?;
            let book = open::<Xlsx<_>>(original)?;
            let named = book.sheets_metadata().iter().map(|sheet| &sheet.name);
            if !named.eq(facts.iter().map(|(name, _)| name)) {
                return Err(ImportError::broken(&original.file, "sheets that weren't looked at"));
            }
            let facts = facts.into_iter().map(|(_, facts)| facts).collect();
            Ok((with_facts(book.sheets_metadata(), facts), book.has_1904_epoch()))
        }
        Form::Xlsb => {
            let mut book = Binary::open(original)?;
            Ok((book.sheets()?, book.is_1904))
        }
        _ => {
            let walked = xls::walk(original)?;
            let book = open::<Xls<_>>(original)?;
            Ok((with_facts(book.sheets_metadata(), walked.sheets), book.has_1904_epoch()))
        }
    }
}

fn with_facts(sheets: &[calamine::Sheet], facts: Vec<Facts>) -> Vec<SheetInfo> {
    let mut facts = facts.into_iter();
    let info = |sheet: &calamine::Sheet| SheetInfo {
        is_hidden: sheet.visible != SheetVisible::Visible,
        is_table: sheet.typ == SheetType::WorkSheet,
        facts: facts.next().unwrap_or_default(),
        name: sheet.name.clone(),
    };
    sheets.iter().map(info).collect()
}

fn open<'b, W: Reader<Bytes<'b>>>(original: &'b Original) -> Result<W, ImportError>
where
    W::Error: std::fmt::Display,
{
    W::new(Cursor::new(original.bytes.as_slice()))
        .map_err(|error| ImportError::broken(&original.file, error))
}

/// A sheet as it's read.
struct OfWorkbook<'r> {
    sheet: &'r SheetInfo,
    is_1904: bool,
}

/// Reads the rows of these sheets, one sheet after the other.
pub(super) fn read(
    original: &Original,
    sheets: &[SheetInfo],
    wanted: &[usize],
    take: &mut Take<'_>,
) -> Result<(), ImportError> {
    let mut book = match original.form {
        Form::Xlsx => Open::Xlsx(open(original)?),
        Form::Xlsb => Open::Xlsb(Binary::open(original)?),
        _ => Open::Xls(open(original)?, xls::walk(original)?.formats),
    };
    let is_1904 = match &book {
        Open::Xlsx(book) => book.has_1904_epoch(),
        _ => false,
    };
    let Some(first) = wanted.first() else { return Ok(()) };
    let mut rows = Rows::of(original, sheets, *first, take);
    for index in wanted {
        rows.turn_to(sheets, *index)?;
        if rows.is_enough() {
            break;
        }
        let sheet = &sheets[*index];
        rows.merge(sheet.facts.merged.iter().copied());
        let reading = OfWorkbook { sheet, is_1904 };
        match &mut book {
            Open::Xlsx(book) => reading.of_xlsx(book, &mut rows),
            Open::Xlsb(book) => reading.of_xlsb(book, *index, &mut rows),
            Open::Xls(book, formats) => reading.of_xls(book, formats, &mut rows),
        }?;
    }
    rows.flush()
}

/// A workbook that is read.
enum Open<'b> {
    Xlsx(Xlsx<Bytes<'b>>),
    Xlsb(Binary<'b>),
    Xls(Xls<Bytes<'b>>, Vec<NumberFormat>),
}

impl<'r> OfWorkbook<'r> {
    fn of_xlsx(
        &self,
        book: &mut Xlsx<Bytes<'_>>,
        rows: &mut Rows<'_, '_>,
    ) -> Result<(), ImportError> {
        let mut cells = match book.worksheet_cells_reader(&self.sheet.name) {
            Ok(cells) => cells,
            Err(error) => return Err(rows.broken(error)),
        };
        let formats: Vec<NumberFormat> = cells.styles().iter().map(format_of).collect();
        let mut errors = self.sheet.facts.errors.iter();
        while !rows.is_enough() {
            match cells.next_cell_with_style_id() {
                Ok(None) => break,
                Ok(Some((cell, style))) => {
                    self.put(rows, cell.get_position(), cell.get_value(), formats.get(style))?;
                }
                // A mark of an error that the library doesn't know: it reads on behind it.
                Err(XlsxError::CellError(mark)) if !self.sheet.facts.is_placeless => {
                    match errors.next() {
                        Some(((row, column), known)) if *known == mark.trim() => {
                            rows.put(*row, *column, Cell::error(known))?;
                        }
                        _ => return Err(rows.broken(mark)),
                    }
                }
                Err(error) => return Err(rows.broken(error)),
            }
        }
        Ok(())
    }

    fn of_xlsb(
        &self,
        book: &mut Binary<'_>,
        index: usize,
        rows: &mut Rows<'_, '_>,
    ) -> Result<(), ImportError> {
        let is_1904 = book.is_1904;
        book.cells(index, &mut |row, column, value| {
            let cell = match value {
                Value::Number(number, Some(format)) if format.is_time() => {
                    let kind = ExcelDateTimeType::DateTime;
                    time_cell(&ExcelDateTime::new(number, kind, is_1904))
                }
                Value::Number(number, format) => number_cell(number, format),
                Value::Truth(is) => truth_cell(is),
                Value::Text(text) => Cell::of(text),
                Value::Error(mark) => Cell::error(mark),
            };
            rows.put(row, column, cell)?;
            Ok(!rows.is_enough())
        })
    }

    fn of_xls(
        &self,
        book: &mut Xls<Bytes<'_>>,
        formats: &[NumberFormat],
        rows: &mut Rows<'_, '_>,
    ) -> Result<(), ImportError> {
        let merged = book.merge_cells_by_sheet_name(&self.sheet.name).unwrap_or_default();
        rows.merge(merged.iter().map(region));
        let range = book.worksheet_range(&self.sheet.name).map_err(|error| rows.broken(error))?;
        let (top, left) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let place = (top + row as u32, left + column as u32);
            let style = self.sheet.facts.formats.get(&(place.0 as usize + 1, place.1 as usize + 1));
            let format = style.and_then(|style| formats.get(*style));
            self.put(rows, place, &as_ref(value), format)?;
            if rows.is_enough() {
                break;
            }
        }
        Ok(())
    }

    fn put(
        &self,
        rows: &mut Rows<'_, '_>,
        (row, column): (u32, u32),
        value: &DataRef<'_>,
        format: Option<&NumberFormat>,
    ) -> Result<(), ImportError> {
        let (row, column) = (row as usize + 1, column as usize + 1);
        let facts = &self.sheet.facts;
        let cell = if facts.uncomputed.contains(&(row, column)) {
            Cell::flawed("", UNCOMPUTED)
        } else {
            match facts.passed_over.get(&(row, column)) {
                Some(kept) => passed_over(kept, format, self.is_1904),
                None => cell_of(value, format),
            }
        };
        rows.put(row, column, struck(cell, facts.struck.contains(&(row, column))))
    }
}

/// A cell in which something may be struck through: what is meant of it can't be told.
pub(super) fn struck(cell: Cell, is_struck: bool) -> Cell {
    match is_struck && cell.flaw.is_none() && !cell.is_blank() {
        true => Cell::flawed(cell.text, STRUCK),
        false => cell,
    }
}

const STRUCK: &str = "这一格里有划掉的字（删除线）：不要了的请真的删掉（整行不要的删掉整行），还要的请去掉删除线，再导入";

pub(super) const UNCOMPUTED: &str = "公式还没有算出结果；请用 Excel 或 WPS 打开，保存一次，再导入";

/// A value that the library passed over.
fn passed_over(kept: &PassedOver, format: Option<&NumberFormat>, is_1904: bool) -> Cell {
    match kept {
        PassedOver::Text(text) => Cell::of(text.as_str()),
        PassedOver::Number(number) if format.is_some_and(NumberFormat::is_time) => {
            let kind = ExcelDateTimeType::DateTime;
            time_cell(&ExcelDateTime::new(*number, kind, is_1904))
        }
        PassedOver::Number(number) => number_cell(*number, format),
        PassedOver::Other => Cell::flawed("", UNUSUAL),
    }
}

const UNUSUAL: &str =
    "这一格的写法不合规矩，读不出来；请用 Excel 或 WPS 打开，另存为 .xlsx，再导入";

fn region(of: &calamine::Dimensions) -> Region {
    Region {
        top: of.start.0 as usize + 1,
        bottom: of.end.0 as usize + 1,
        left: of.start.1 as usize + 1,
        right: of.end.1 as usize + 1,
    }
}

fn as_ref(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(is) => DataRef::Bool(*is),
        Data::DateTime(at) => DataRef::DateTime(*at),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

fn format_of(style: &calamine::Style) -> NumberFormat {
    let code = style.number_format.as_ref().map(|format| format.format_code.as_str());
    NumberFormat::of(code.unwrap_or("General"))
}

fn cell_of(value: &DataRef<'_>, format: Option<&NumberFormat>) -> Cell {
    match value {
        DataRef::Empty => Cell::default(),
        DataRef::String(text) => text_cell(text, format),
        DataRef::SharedString(text) => text_cell(text, format),
        DataRef::Int(number) => number_cell(*number as f64, format),
        DataRef::Float(number) => number_cell(*number, format),
        DataRef::Bool(is) => truth_cell(*is),
        DataRef::DateTime(at) => time_cell(at),
        DataRef::DateTimeIso(text) => Cell::of(text.replace('T', " ")).held(Held::Time),
        DataRef::DurationIso(text) => Cell::of(text.as_str()).held(Held::Time),
        DataRef::Error(error) => Cell::error(&error.to_string()),
    }
}

const HIDDEN_TEXT: &str = "这一格的格式把里面的文字显示成了别的样子（或藏了起来），照哪个算看不出来；请把这一列设成文本格式，照该有的样子填写";

fn text_cell(text: &str, format: Option<&NumberFormat>) -> Cell {
    match format.map_or(Shown::Plain, |format| format.show_text(text)) {
        Shown::Plain => Cell::of(text),
        Shown::As(shown) => Cell::of(shown),
        Shown::Unclear if text.trim().is_empty() => Cell::of(text),
        Shown::Unclear => Cell::flawed(text, HIDDEN_TEXT),
    }
}

pub(super) fn truth_cell(is: bool) -> Cell {
    Cell::of(if is { "是" } else { "否" }).held(Held::Truth)
}

/// So large numbers lose their last digits in a workbook.
const EXACT: f64 = 1e15;

pub(super) fn number_cell(number: f64, format: Option<&NumberFormat>) -> Cell {
    if number.abs() >= EXACT {
        let text = format!("{number:.0}");
        let digits = text.trim_start_matches('-').len();
        let flaw = format!(
            "这个数字有 {digits} 位，表格里的数字只存得下 15 位，末尾的已经丢了；请把这一列设成文本格式，重新填写"
        );
        return Cell::flawed(text, flaw);
    }
    match format.map_or(Shown::Plain, |format| format.show(number)) {
        Shown::Plain => Cell::of(number.to_string()).held(Held::Number(number)),
        Shown::As(text) => Cell::of(text).held(Held::Number(number)),
        Shown::Unclear => Cell::of(number.to_string()).held(Held::Disguised(number)),
    }
}

fn time_cell(at: &ExcelDateTime) -> Cell {
    if at.is_duration() || !(0.0..2_958_466.0).contains(&at.as_f64()) {
        return number_cell(at.as_f64(), None);
    }
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let date = format!("{year:04}-{month:02}-{day:02}");
    let text = match (at.as_f64() < 1.0, time.as_str()) {
        (true, _) => time,
        (_, "00:00:00") => date,
        _ => format!("{date} {time}"),
    };
    Cell::of(text).held(Held::Time)
}
