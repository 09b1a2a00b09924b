//! One row's cells as typed values; what can't be understood is collected with its place.

use jiff::civil::{Date, DateTime};

use super::columns::{Field, Kind, Table};
use super::sheet::serial_date;

/// What is wrong in one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    pub row: usize,
    pub column: usize,
    pub name: String,
    pub message: String,
    pub(super) header_row: usize,
}

impl RowError {
    pub(super) fn in_row(&self) -> String {
        format!("「{}」{}", self.name, self.message)
    }
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "第 {} 行第 {} 列「{}」：{}", self.row, self.column, self.name, self.message)
    }
}

/// A row being read.
pub(super) struct Cells<'t> {
    table: &'t Table<'t>,
    row: usize,
    cells: &'t [String],
    pub errors: Vec<RowError>,
}

impl<'t> Cells<'t> {
    pub fn new(table: &'t Table<'t>, row: usize, cells: &'t [String]) -> Cells<'t> {
        Cells { table, row, cells, errors: Vec::new() }
    }

    /// The kind of file that it stands in.
    pub fn kind(&self) -> Kind {
        self.table.kind
    }

    /// The cell's text, where there is any.
    pub fn optional(&self, field: Field) -> Option<&'t str> {
        let cells = self.cells;
        let index = *self.table.columns.get(&field)?;
        cells.get(index).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The cell's text, which must be there.
    pub fn required(&mut self, field: Field) -> Option<&'t str> {
        let text = self.optional(field);
        if text.is_none() {
            self.wrong(field, "不能为空".to_owned());
        }
        text
    }

    /// A word of a closed set, which must be there.
    pub fn word<T>(
        &mut self,
        field: Field,
        read: fn(&str) -> Option<T>,
        choices: &str,
    ) -> Option<T> {
        let text = self.required(field)?;
        self.understand(field, text, read, choices)
    }

    /// A word of a closed set, or nothing.
    pub fn optional_word<T>(
        &mut self,
        field: Field,
        read: fn(&str) -> Option<T>,
        choices: &str,
    ) -> Option<T> {
        let text = self.optional(field)?;
        self.understand(field, text, read, choices)
    }

    fn understand<T>(
        &mut self,
        field: Field,
        text: &str,
        read: fn(&str) -> Option<T>,
        choices: &str,
    ) -> Option<T> {
        let understood = read(text);
        if understood.is_none() {
            self.wrong(field, format!("「{}」看不懂，应为：{choices}", short(text)));
        }
        understood
    }

    /// A date, which must be there and not be after `today`.
    pub fn date(&mut self, field: Field, today: Date) -> Option<Date> {
        let text = self.required(field)?;
        match read_date(text) {
            None => {
                let message = format!("日期「{}」看不懂，请写成 2022-03-05", short(text));
                self.wrong(field, message);
                None
            }
            Some(on) if on > today => {
                self.wrong(field, format!("日期 {on} 在将来（今天是 {today}）"));
                None
            }
            Some(on) => Some(on),
        }
    }

    /// Notes what is wrong in a cell.
    pub fn wrong(&mut self, field: Field, message: String) {
        let index = self.table.columns.get(&field).copied();
        let name = index.and_then(|index| self.table.names.get(index)).cloned();
        self.errors.push(RowError {
            row: self.row,
            column: index.map_or(0, |index| index + 1),
            name: name.unwrap_or_else(|| field.chinese().to_owned()),
            message,
            header_row: self.table.header_row,
        });
    }
}

fn short(text: &str) -> String {
    if text.chars().count() <= 20 {
        return text.to_owned();
    }
    text.chars().take(20).chain(['…']).collect()
}

/// Reads a date in the ways in which people write one that leaves no doubt: year first.
///
/// ```
/// use zoufang::intake::read_date;
/// use jiff::civil::date;
/// for text in ["2022-03-05", "2022/3/5", "2022.3.5", "2022年3月5日", "20220305", "44625"] {
///     assert_eq!(read_date(text), Some(date(2022, 3, 5)), "{text}");
/// }
/// assert_eq!(read_date("3/5/2022"), None); // 5 March or 3 May
/// ```
pub fn read_date(text: &str) -> Option<Date> {
    let text = text.split([' ', 'T']).next().unwrap_or(text);
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match (digits, text.len()) {
        (true, 8) => return text.parse().ok(),
        (true, 5) => return serial_date(text.parse().ok()?),
        _ => {}
    }
    let text = text.trim_end_matches('日');
    let parts: Vec<&str> = text.split(['-', '/', '.', '年', '月', '－', '．']).collect();
    let [year, month, day] = parts.as_slice() else {
        return None;
    };
    if year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// Reads a date, with or without a time of day.
pub(super) fn read_time(text: &str) -> Option<DateTime> {
    let on = read_date(text)?;
    match text.split_once([' ', 'T']) {
        None => Some(on.at(0, 0, 0, 0)),
        Some((_, time)) => Some(on.to_datetime(time.trim().parse().ok()?)),
    }
}
