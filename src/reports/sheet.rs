//! The form of a table that is handed in: title, unit and date, repeated heads, borders, page numbers and a line to sign on,
//! written row by row in constant memory.

use std::path::Path;

use jiff::civil::Date;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet,
};

use super::until_full::UntilFull;
use super::{ReportError, Result};
use crate::cell_text::fitted;
use crate::domain::duty::Warning;

/// So many rows stand on one sheet, of the million and some that a sheet holds.
const ROWS: u32 = 1_000_000;
/// So many of a sheet's rows are made as high as their words: the writer keeps each such height, half a KiB, until the end. Below
/// them whatever opens the table does it.
const HIGH: u32 = 20_000;
const FONT: &str = "仿宋";

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    /// In characters of the narrow kind.
    pub width: f64,
    pub kind: Set,
}

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// What people wrote: from the left, over several lines.
    Words,
    /// Short words, numbers and days: in the middle.
    Middle,
}

/// A column of what people wrote.
pub const fn words(name: &'static str, width: f64) -> Column {
    Column { name, width, kind: Set::Words }
}

/// A column of short words, numbers or days.
pub const fn middle(name: &'static str, width: f64) -> Column {
    Column { name, width, kind: Set::Middle }
}

/// Which paper it's printed on, across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {
    A4,
    A3,
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    Number(i64),
    Share(Option<f64>),
    Day(Option<Date>),
    Warning(Warning, &'static str),
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Cell {
        Cell::Number(number)
    }
}

impl From<Date> for Cell {
    fn from(day: Date) -> Cell {
        Cell::Day(Some(day))
    }
}

impl From<Option<Date>> for Cell {
    fn from(day: Option<Date>) -> Cell {
        Cell::Day(day)
    }
}

/// What stands around a table.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The sheet's name, at most 25 characters.
    pub name: &'static str,
    pub title: String,
    /// Above the head: whose it is, and of which day.
    pub left: String,
    pub right: String,
    pub paper: Paper,
    pub columns: &'static [Column],
}

/// A workbook as it's written.
pub struct Book {
    workbook: Workbook,
    forms: Forms,
}

/// The forms of cells.
struct Forms {
    title: Format,
    left: Format,
    right: Format,
    head: Format,
    words: Format,
    middle: Format,
    day: Format,
    share: Format,
    total: Format,
    green: Format,
    yellow: Format,
    red: Format,
}

impl Forms {
    fn new() -> Forms {
        let plain = || Format::new().set_font_name(FONT).set_font_size(11);
        let boxed = || {
            plain()
                .set_border(FormatBorder::Thin)
                .set_text_wrap()
                .set_align(FormatAlign::VerticalCenter)
        };
        let middle = || boxed().set_align(FormatAlign::Center);
        let coloured = |colour: u32| middle().set_background_color(Color::RGB(colour));
        Forms {
            title: Format::new()
                .set_font_name("方正小标宋简体")
                .set_font_size(22)
                .set_align(FormatAlign::Center)
                .set_align(FormatAlign::VerticalCenter)
                .set_text_wrap(),
            left: plain().set_align(FormatAlign::VerticalCenter),
            right: plain().set_align(FormatAlign::Right).set_align(FormatAlign::VerticalCenter),
            head: middle().set_font_name("黑体").set_background_color(Color::RGB(0x00F2_F2F2)),
            words: boxed().set_align(FormatAlign::Left).set_indent(1),
            day: middle().set_num_format("yyyy-mm-dd"),
            share: middle().set_num_format("0.0%"),
            total: boxed().set_font_name("黑体").set_align(FormatAlign::Left),
            green: coloured(0x00C6_EFCE),
            yellow: coloured(0x00FF_EB9C),
            red: coloured(0x00FF_C7CE),
            middle: middle(),
        }
    }

    const fn of(&self, warning: Warning) -> &Format {
        match warning {
            Warning::Green => &self.green,
            Warning::Yellow => &self.yellow,
            Warning::Red => &self.red,
        }
    }
}

impl Book {
    /// An empty one, made on that day.
    pub fn new(title: &str, on: Date) -> Result<Book> {
        let mut workbook = Workbook::new();
        let properties = DocProperties::new().set_title(title).set_creation_datetime(&excel(on)?);
        workbook.set_properties(&properties);
        Ok(Book { workbook, forms: Forms::new() })
    }

    /// Begins a sheet.
    pub fn sheet(&mut self, layout: Layout) -> Result<Sheet<'_>> {
        let sheet = self.blank(&layout, 1)?;
        Ok(Sheet { book: self, layout, sheet, row: FIRST, part: 1, serial: 0 })
    }

    /// Writes it all to a file.
    pub fn save(mut self, to: &Path) -> Result<()> {
        let unwritten = |kind| ReportError::of_file(to, kind);
        let file = std::fs::File::create(to).map_err(|why| unwritten(why.kind()))?;
        let mut file = UntilFull::new(file);
        let saved = self.workbook.save_to_writer(&mut file);
        match file.failed {
            Some(kind) => Err(unwritten(kind)),
            None => Ok(saved?),
        }
    }

    /// The same as bytes.
    pub fn bytes(mut self) -> Result<Vec<u8>> {
        Ok(self.workbook.save_to_buffer()?)
    }

    /// A sheet with everything above its rows.
    fn blank(&mut self, layout: &Layout, part: u32) -> Result<Worksheet> {
        let mut sheet = self.workbook.new_worksheet_with_constant_memory()?;
        let name =
            if part == 1 { layout.name.to_owned() } else { format!("{}续{part}", layout.name) };
        sheet.set_name(name)?;
        for (column, of) in (0_u16..).zip(layout.columns) {
            sheet.set_column_width(column, of.width)?;
        }
        let last = last(layout);
        let Forms { title, left, right, head, .. } = &self.forms;
        sheet.set_row_height(0, 42)?;
        across(&mut sheet, 0, (0, last), &layout.title, title)?;
        sheet.set_row_height(1, 22)?;
        let middle = last / 2;
        across(&mut sheet, 1, (0, middle), &layout.left, left)?;
        across(&mut sheet, 1, (middle + 1, last), &layout.right, right)?;
        sheet.set_row_height(2, 34)?;
        for (column, of) in (0_u16..).zip(layout.columns) {
            sheet.write_string_with_format(2, column, of.name, head)?;
        }
        sheet.set_repeat_rows(2, 2)?;
        sheet.set_freeze_panes(3, 0)?;
        sheet.set_landscape().set_print_fit_to_pages(1, 0);
        sheet.set_paper_size(if layout.paper == Paper::A3 { 8 } else { 9 });
        sheet.set_print_center_horizontally(true);
        // In inches: from left, right, top, bottom, to the header and the footer.
        sheet.set_margins(0.6, 0.6, 0.7, 0.75, 0.3, 0.35);
        sheet.set_footer("&C&\"仿宋\"第 &P 页，共 &N 页");
        Ok(sheet)
    }
}

/// The row at which the table's own rows begin.
const FIRST: u32 = 3;

/// The last column's number.
fn last(layout: &Layout) -> u16 {
    u16::try_from(layout.columns.len().saturating_sub(1)).unwrap_or(u16::MAX)
}

/// As the workbook keeps a day.
fn excel(day: Date) -> Result<ExcelDateTime> {
    let [month, day_of] = [day.month(), day.day()].map(|part| u8::try_from(part).unwrap_or(1));
    Ok(ExcelDateTime::from_ymd(u16::try_from(day.year()).unwrap_or(1900), month, day_of)?)
}

/// A table as it's written.
pub struct Sheet<'b> {
    book: &'b mut Book,
    layout: Layout,
    sheet: Worksheet,
    row: u32,
    part: u32,
    serial: i64,
}

impl Sheet<'_> {
    /// How many rows were written.
    pub const fn count(&self) -> i64 {
        self.serial
    }

    /// Writes a row: its number in the series is put before these cells.
    pub fn row(&mut self, cells: &[Cell]) -> Result<()> {
        if self.row >= FIRST + ROWS {
            self.part += 1;
            let next = self.book.blank(&self.layout, self.part)?;
            self.filter()?;
            self.book.workbook.push_worksheet(std::mem::replace(&mut self.sheet, next));
            self.row = FIRST;
        }
        self.serial += 1;
        if self.row < FIRST + HIGH {
            // Not every program makes a row as high as its words.
            self.sheet.set_row_height(self.row, height(self.layout.columns, cells))?;
        }
        let forms = &self.book.forms;
        #[allow(clippy::cast_precision_loss, reason = "far fewer rows than that")]
        self.sheet.write_number_with_format(self.row, 0, self.serial as f64, &forms.middle)?;
        let columns = self.layout.columns.iter().skip(1);
        for ((column, of), cell) in (1_u16..).zip(columns).zip(cells) {
            put(&mut self.sheet, (self.row, column), cell, of.kind, forms)?;
        }
        self.row += 1;
        Ok(())
    }

    /// Lets whoever has it on a screen choose by the columns: not printed.
    fn filter(&mut self) -> Result<()> {
        if self.row > FIRST {
            self.sheet.autofilter(FIRST - 1, 0, self.row - 1, last(&self.layout))?;
        }
        Ok(())
    }

    /// Writes what it adds up to, and the line to sign on.
    pub fn end(mut self, totals: &[String], signs: &str) -> Result<()> {
        self.filter()?;
        let last = last(&self.layout);
        let (total, left) = (&self.book.forms.total, &self.book.forms.left);
        for line in totals {
            self.sheet.set_row_height(self.row, 22)?;
            across(&mut self.sheet, self.row, (0, last), line, total)?;
            self.row += 1;
        }
        self.row += 1;
        if !signs.is_empty() {
            self.sheet.set_row_height(self.row, 30)?;
            across(&mut self.sheet, self.row, (0, last), signs, left)?;
        }
        self.book.workbook.push_worksheet(self.sheet);
        Ok(())
    }
}

/// Writes a text across columns.
fn across(
    sheet: &mut Worksheet,
    row: u32,
    (from, to): (u16, u16),
    text: &str,
    form: &Format,
) -> Result<()> {
    match from < to {
        true => sheet.merge_range(row, from, row, to, &fitted(text), form)?,
        false => sheet.write_string_with_format(row, from, fitted(text), form)?,
    };
    Ok(())
}

/// How high a row is, in points, with its words over as many lines as they take.
fn height(columns: &[Column], cells: &[Cell]) -> f64 {
    const LINE: u32 = 15;
    let lines = columns.iter().skip(1).zip(cells).map(|(column, cell)| match cell {
        Cell::Text(text) => lines(text, column.width),
        _ => 1,
    });
    // As high as a row can be.
    f64::from((lines.max().unwrap_or(1) * LINE + 6).min(409))
}

/// Over how many lines a text goes in a column of that width.
fn lines(text: &str, width: f64) -> u32 {
    let mut lines = 0;
    for line in text.lines() {
        let mut at = 0.0;
        lines += 1;
        for character in line.chars() {
            let wide = if character.is_ascii() { 1.06 } else { 2.12 };
            if at + wide > width {
                (at, lines) = (0.0, lines + 1);
            }
            at += wide;
        }
    }
    lines
}

fn put(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Cell,
    kind: Set,
    forms: &Forms,
) -> Result<()> {
    let plain = if kind == Set::Words { &forms.words } else { &forms.middle };
    match cell {
        Cell::Text(text) if text.is_empty() => sheet.write_blank(row, column, plain)?,
        Cell::Text(text) => sheet.write_string_with_format(row, column, fitted(text), plain)?,
        #[allow(clippy::cast_precision_loss, reason = "counts of people and matters")]
        Cell::Number(number) => {
            sheet.write_number_with_format(row, column, *number as f64, plain)?
        }
        Cell::Share(Some(share)) => {
            sheet.write_number_with_format(row, column, *share, &forms.share)?
        }
        Cell::Share(None) => sheet.write_string_with_format(row, column, "—", plain)?,
        Cell::Day(Some(day)) => {
            sheet.write_datetime_with_format(row, column, &excel(*day)?, &forms.day)?
        }
        Cell::Day(None) => sheet.write_blank(row, column, plain)?,
        Cell::Warning(warning, words) => {
            sheet.write_string_with_format(row, column, *words, forms.of(*warning))?
        }
    };
    Ok(())
}

/// A day as official papers write it.
///
/// ```
/// use zoufang::reports::in_words;
/// assert_eq!(in_words(jiff::civil::date(2022, 4, 5)), "2022年4月5日");
/// ```
pub fn in_words(day: Date) -> String {
    format!("{}年{}月{}日", day.year(), day.month(), day.day())
}
