//! Workbooks cell by cell, so that a far cell costs nothing; numbers are read as they are shown.

use std::collections::HashMap;
use std::io::Cursor;

use calamine::{
    Data, DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Sheets, Xls, Xlsb, Xlsx,
};

use super::assemble::Rows;
use super::bounds::MIB;
use super::compound::chains_end;
use super::original::{Form, Original};
use super::refusal::ImportError;
use super::row::{Cell, Take};
use super::scan::{Region, SheetInfo, look_through, within_bounds};

type Bytes<'b> = Cursor<&'b [u8]>;

/// What sheets a workbook has, and whether its days are counted from 1904.
pub(super) fn sheets(original: &Original) -> Result<(Vec<SheetInfo>, bool), ImportError> {
    let mut facts = HashMap::new();
    let (sheets, is_1904) = match original.form {
        Form::Xlsx => {
            facts = look_through(original)?;
            let book = open::<Xlsx<_>>(original)?;
            (book.sheets_metadata().to_vec(), book.has_1904_epoch())
        }
        Form::Xlsb => {
            within_bounds(original)?;
            let book = open::<Xlsb<_>>(original)?;
            (book.sheets_metadata().to_vec(), book.has_1904_epoch())
        }
        _ => {
            let book = open_old(original)?;
            (book.sheets_metadata().to_vec(), book.has_1904_epoch())
        }
    };
    let info = |sheet: calamine::Sheet| SheetInfo {
        is_hidden: sheet.visible != SheetVisible::Visible,
        is_table: sheet.typ == SheetType::WorkSheet,
        facts: facts.remove(&sheet.name).unwrap_or_default(),
        name: sheet.name,
    };
    Ok((sheets.into_iter().map(info).collect(), is_1904))
}

fn open<'b, W: Reader<Bytes<'b>>>(original: &'b Original) -> Result<W, ImportError>
where
    W::Error: std::fmt::Display,
{
    W::new(Cursor::new(original.bytes.as_slice()))
        .map_err(|error| ImportError::broken(&original.file, error))
}

/// The older form is held as a whole: what it says of its size is asked first.
fn open_old(original: &Original) -> Result<Xls<Bytes<'_>>, ImportError> {
    if !chains_end(&original.bytes) {
        return Err(ImportError::broken(&original.file, "a chain of sectors has no end"));
    }
    // The record DIMENSIONS of each sheet: 14 bytes of first and last row, first and last column.
    let marks =
        original.bytes.windows(18).filter(|bytes| bytes.starts_with(&[0x00, 0x02, 0x0e, 0x00]));
    for mark in marks {
        let rows = u64::from(u32::from_le_bytes([mark[8], mark[9], mark[10], mark[11]]));
        let columns = u64::from(u16::from_le_bytes([mark[14], mark[15]]));
        let plausible = rows <= 65_536 && columns <= 256 && mark[16..18] == [0, 0];
        let size = rows * columns * size_of::<Data>() as u64 / MIB;
        let limit = original.bounds.held_mib;
        if plausible && size > limit {
            let (file, what) = (original.file.clone(), "里面的表展开后");
            return Err(ImportError::TooBig { file, what, size, limit });
        }
    }
    open::<Xls<_>>(original)
}

/// A sheet as it's read.
struct OfWorkbook<'r> {
    sheet: &'r SheetInfo,
}

/// Reads the rows of these sheets, one sheet after the other.
pub(super) fn read(
    original: &Original,
    sheets: &[SheetInfo],
    wanted: &[usize],
    take: &mut Take<'_>,
) -> Result<(), ImportError> {
    let mut book = match original.form {
        Form::Xlsx => Sheets::Xlsx(open(original)?),
        Form::Xlsb => Sheets::Xlsb(open(original)?),
        _ => Sheets::Xls(open_old(original)?),
    };
    for index in wanted {
        let sheet = &sheets[*index];
        let mut rows = Rows::of(original, sheets, *index, take);
        rows.merge(sheet.facts.merged.iter().copied());
        let reading = OfWorkbook { sheet };
        match &mut book {
            Sheets::Xlsx(book) => reading.of_xlsx(book, &mut rows),
            Sheets::Xlsb(book) => reading.of_xlsb(book, &mut rows),
            Sheets::Xls(book) => reading.of_xls(book, &mut rows),
            Sheets::Ods(_) => Ok(()),
        }?;
        rows.flush()?;
    }
    Ok(())
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
        let zeros: Vec<usize> = cells.styles().iter().map(leading_zeros).collect();
        while !rows.is_enough() {
            match cells.next_cell_with_style_id() {
                Ok(None) => break,
                Ok(Some((cell, style))) => {
                    self.put(rows, cell.get_position(), cell.get_value(), zeros.get(style))?;
                }
                Err(error) => return Err(rows.broken(error)),
            }
        }
        Ok(())
    }

    fn of_xlsb(
        &self,
        book: &mut Xlsb<Bytes<'_>>,
        rows: &mut Rows<'_, '_>,
    ) -> Result<(), ImportError> {
        let mut cells = match book.worksheet_cells_reader(&self.sheet.name) {
            Ok(cells) => cells,
            Err(error) => return Err(rows.broken(error)),
        };
        while !rows.is_enough() {
            match cells.next_cell() {
                Ok(None) => break,
                Ok(Some(cell)) => self.put(rows, cell.get_position(), cell.get_value(), None)?,
                Err(error) => return Err(rows.broken(error)),
            }
        }
        Ok(())
    }

    fn of_xls(
        &self,
        book: &mut Xls<Bytes<'_>>,
        rows: &mut Rows<'_, '_>,
    ) -> Result<(), ImportError> {
        let merged = book.merge_cells_by_sheet_name(&self.sheet.name).unwrap_or_default();
        rows.merge(merged.iter().map(region));
        let range = book.worksheet_range(&self.sheet.name).map_err(|error| rows.broken(error))?;
        let (top, left) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let place = (top + row as u32, left + column as u32);
            self.put(rows, place, &as_ref(value), None)?;
            if rows.is_enough() {
                break;
            }
        }
        Ok(())
    }

    /// One cell; `zeros`: with how many digits its number is shown at least.
    fn put(
        &self,
        rows: &mut Rows<'_, '_>,
        (row, column): (u32, u32),
        value: &DataRef<'_>,
        zeros: Option<&usize>,
    ) -> Result<(), ImportError> {
        let (row, column) = (row as usize + 1, column as usize + 1);
        let cell = if self.sheet.facts.uncomputed.contains(&(row, column)) {
            Cell::flawed("", UNCOMPUTED)
        } else {
            cell_of(value, zeros.copied().unwrap_or(0))
        };
        rows.put(row, column, cell)
    }
}

pub(super) const UNCOMPUTED: &str = "公式还没有算出结果；请用 Excel 或 WPS 打开，保存一次，再导入";

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

/// With how many digits a number is shown at least: 00051 is five.
fn leading_zeros(style: &calamine::Style) -> usize {
    let Some(format) = &style.number_format else { return 0 };
    let code = format.format_code.split(';').next().unwrap_or_default();
    let digits = code.trim_matches('"').replace(['\\', '-', ' '], "");
    if digits.len() > 1 && digits.bytes().all(|byte| byte == b'0') { digits.len() } else { 0 }
}

fn cell_of(value: &DataRef<'_>, zeros: usize) -> Cell {
    match value {
        DataRef::Empty => Cell::default(),
        DataRef::String(text) => Cell::of(text.as_str()),
        DataRef::SharedString(text) => Cell::of(*text),
        DataRef::Int(number) => number_cell(*number as f64, zeros),
        DataRef::Float(number) => number_cell(*number, zeros),
        DataRef::Bool(true) => Cell::of("是"),
        DataRef::Bool(false) => Cell::of("否"),
        DataRef::DateTime(at) => time_cell(at, zeros),
        DataRef::DateTimeIso(text) => Cell::of(text.replace('T', " ")),
        DataRef::DurationIso(text) => Cell::of(text.as_str()),
        DataRef::Error(error) => Cell::flawed(
            error.to_string(),
            format!("「{error}」是公式出错的标记，请填上真正的内容"),
        ),
    }
}

/// So large numbers lose their last digits in a workbook.
const EXACT: f64 = 1e15;

pub(super) fn number_cell(number: f64, zeros: usize) -> Cell {
    if number.abs() >= EXACT {
        let text = format!("{number:.0}");
        let digits = text.trim_start_matches('-').len();
        let flaw = format!(
            "这个数字有 {digits} 位，表格里的数字只存得下 15 位，末尾的已经丢了；请把这一列设成文本格式，重新填写"
        );
        return Cell::flawed(text, flaw);
    }
    if number.fract() == 0.0 {
        return Cell::of(format!("{number:0zeros$.0}"));
    }
    Cell::of(number.to_string())
}

fn time_cell(at: &ExcelDateTime, zeros: usize) -> Cell {
    if at.is_duration() || !(0.0..2_958_466.0).contains(&at.as_f64()) {
        return number_cell(at.as_f64(), zeros);
    }
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    if at.as_f64() < 1.0 {
        return Cell::of(time);
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    Cell::of(if time == "00:00:00" { date } else { format!("{date} {time}") })
}
