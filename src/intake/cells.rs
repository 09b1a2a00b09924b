//! One row's cells as typed values; what can't be understood is collected with its place.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

use super::claims::Beside;
use super::codes::{as_code, kept_phone, taken_for_another};
use super::dates::{DAYS_TO_1904, read_time};
use super::header::{NOTES, Table};
use super::kinds::{Field, Kind};
use super::met::not_one_person;
use super::refusal::RowError;
use super::row::{Cell, Held, Row, letters};
use super::text::{Sort, clean, short, whole};
use crate::app::told::Told;
use crate::domain::area::kind_of_name;
use crate::domain::mask;
use crate::domain::phone;
use crate::domain::referral::{as_given, reference_in};
use crate::domain::saying::is_nothing;
use crate::domain::staff::Role;

/// The days that make sense in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    pub first: Date,
    pub last: Date,
    pub today: Date,
    /// What lies behind it hasn't happened, or isn't planned so far ahead.
    pub latest: Date,
    pub campaign_starts: Date,
    pub campaign_ends: Date,
}

/// A row being read.
pub(super) struct Cells<'t> {
    table: &'t Table,
    row: &'t Row,
    pub errors: Vec<RowError>,
    /// What is worth a word, though the row is taken.
    pub remarks: Vec<RowError>,
}

/// Cleans the cells of the columns that are used, once for all who read them. `code`: how our own numbers begin.
pub(super) fn tidy(table: &Table, row: &mut Row, code: &str) {
    for (column, _) in table.beside.iter().filter(|(_, beside)| *beside == Beside::Issue) {
        if let Some(cell) = row.cells.get_mut(*column) {
            cell.text = as_given(&cell.text, code);
        }
    }
    for (field, column) in &table.columns {
        let Some(cell) = row.cells.get_mut(*column).filter(|cell| cell.flaw.is_none()) else {
            continue;
        };
        let met = || (*field == Field::Resident).then(|| not_one_person(&cell.text)).flatten();
        if let Some(flaw) = taken_for_another(cell, *field).or_else(met) {
            cell.flaw = Some(flaw);
            continue;
        }
        if let (Held::Number(number), Field::Contact | Field::StaffPhone) = (cell.held, field) {
            cell.text = kept_phone(&cell.text, number);
        }
        if matches!(field, Field::Contact | Field::StaffPhone) {
            cell.text = phone::parted(&cell.text).into_owned();
        }
        if let Some(values) = values_on_lines(&cell.text, *field) {
            cell.text = values;
        }
        let cleaned = clean(&cell.text, field.sort());
        match cleaned
            .and_then(|text| whole(text, field.sort()))
            .and_then(|text| as_code(text, *field))
        {
            Ok(text) if is_unsaid(&text, *field, table.kind) => cell.text = String::new(),
            Ok(text) if field.is_personal() && is_masked(&text, *field) => {
                cell.flaw = Some(masked(&text));
            }
            Ok(text) if matches!(field, Field::Issue | Field::Inspection | Field::Reference) => {
                cell.text = as_given(&text, code);
            }
            Ok(text) => cell.text = text,
            Err(flaw) => cell.flaw = Some(flaw),
        }
    }
}

/// What stands in our own lists where an issue has no class yet, and where a subject has no visitor.
pub(super) const UNCLASSIFIED: &str = "待分类";
pub(super) const NOBODY: &str = "(没有)";

/// Whether it stands for a blank. Of a row that would be about nothing else, our own word for that says so.
fn is_unsaid(text: &str, field: Field, kind: Kind) -> bool {
    match (field, kind) {
        (Field::Level, Kind::Classifications) | (Field::Visitor, Kind::Assignments)
            if text == UNCLASSIFIED || text == NOBODY =>
        {
            false
        }
        (Field::Level | Field::Category | Field::Urgency, _) if text == UNCLASSIFIED => true,
        _ => field.takes_placeholders() && is_nothing(text),
    }
}

/// Several values in one cell, each on a line of its own, as a list of them.
fn values_on_lines(text: &str, field: Field) -> Option<String> {
    let is_value = |line: &str| match field {
        Field::StaffRoles => Role::read(line).is_some(),
        Field::Area | Field::AreaParent => kind_of_name(line).is_some(),
        _ => false,
    };
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    (lines.len() > 1 && lines.iter().all(|line| is_value(line))).then(|| lines.join("、"))
}

/// What was hidden from whoever made the table: 王**, 138****0001, 王XX, ***, 路…（4 字，已隐去）.
fn is_masked(text: &str, field: Field) -> bool {
    if field.sort() == Sort::Free {
        return mask::is_hidden_text(text)
            || text.len() >= 2 && text.bytes().all(|byte| byte == b'*');
    }
    // An account is called as its owner likes.
    let is_account = matches!(field, Field::StaffEmail | Field::StaffWecom | Field::StaffFeishu);
    text.contains('*')
        || !is_account
            && (is_crossed(text) || ["××", "某某"].iter().any(|mark| text.contains(mark)))
}

/// Whether several X stand by themselves, and aren't part of a word in letters: 王XX, 138xxxx0001, and not EXXON or zhangxx.
fn is_crossed(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_alphabetic());
    words
        .filter(|word| word.len() >= 2)
        .any(|word| word.bytes().all(|byte| matches!(byte, b'x' | b'X')))
}

fn masked(text: &str) -> String {
    format!(
        "「{}」用星号之类隐去了，看不出原来的内容：请填上完整的；从本系统导出时，在导出命令后加 --reveal --by 人员编号 就不会隐去",
        short(text)
    )
}

/// Midnight as a widely used library for workbooks writes it in Shanghai, 43 seconds early: by the sun's time there, as it was
/// before 1901.
fn is_of_the_next_day(at: DateTime) -> bool {
    (at.hour(), at.minute()) == (23, 59) && (16..=18).contains(&at.second())
}

impl<'t> Cells<'t> {
    pub fn new(table: &'t Table, row: &'t Row) -> Cells<'t> {
        let mut cells = Cells { table, row, errors: Vec::new(), remarks: Vec::new() };
        let flawed = table
            .columns
            .iter()
            .filter_map(|(field, column)| Some((*field, row.cells.get(*column)?.flaw.clone()?)));
        for (field, flaw) in flawed {
            cells.wrong(field, flaw);
        }
        cells.check_width();
        cells
    }

    /// In a text, a cell behind the header's last is most likely the rest of one that a mark within parted.
    fn check_width(&mut self) {
        if !self.table.is_delimited {
            return;
        }
        let mut beyond = self.row.cells.iter().enumerate().skip(self.table.width());
        let filled = beyond.find(|(at, cell)| self.column_name(*at) != NOTES && !cell.is_blank());
        let Some((column, cell)) = filled else { return };
        let name = letters(column);
        if self.table.unread.contains(&name) {
            return;
        }
        let text = format!(
            "这一行比表头多出「{}」：像是前面哪一格的内容里有逗号（或别的分隔符），被分成了几格。请把那一格的内容用英文双引号括起来；真是另一列的，请在表头写上列名，或在导入命令后加 --ignore-column {name}列",
            short(&cell.text)
        );
        let error = RowError { name: format!("{name}列"), ..self.remark_at(column, text) };
        self.errors.push(error);
    }

    /// The kind of table that it stands in.
    pub fn kind(&self) -> Kind {
        self.table.kind
    }

    /// The row's number in the file.
    pub fn row(&self) -> usize {
        self.row.number
    }

    /// The name of the sheet that it stands in, where the file has several.
    pub fn sheet(&self) -> Option<&'t str> {
        self.table.sheet.as_deref()
    }

    fn cell(&self, field: Field) -> Option<&'t Cell> {
        let row = self.row;
        row.cells.get(*self.table.columns.get(&field)?)
    }

    /// What stands in the columns that aren't used, with their names: of those that may mean something.
    pub fn beside(&self) -> impl Iterator<Item = (&'t str, &'t str)> {
        let (table, row) = (self.table, self.row);
        table.doubtful.iter().filter_map(move |column| {
            let text = row.cells.get(*column)?.text.trim();
            Some((table.names.get(*column)?.as_str(), text)).filter(|(_, text)| !text.is_empty())
        })
    }

    /// What stands in the columns with a name that aren't used, whoever they're for: their places, names and texts.
    pub fn unused(&self) -> impl Iterator<Item = (usize, &'t str, &'t str)> + use<'t> {
        let (table, row) = (self.table, self.row);
        table.unused.iter().filter_map(move |(column, name)| {
            let text = row.text(*column).trim();
            (!text.is_empty() && !table.ignored.contains(column)).then_some((
                *column,
                name.as_str(),
                text,
            ))
        })
    }

    /// The same of those that say nothing of what the row is about: what is said of that is held against the record.
    pub fn said_besides(&self) -> impl Iterator<Item = (usize, &'t str, &'t str)> + use<'t> {
        let table = self.table;
        let claims = move |column: usize| table.beside.iter().any(|(at, _)| *at == column);
        self.unused().filter(move |(column, ..)| !claims(*column))
    }

    /// Whether the table has such a column.
    pub fn has(&self, field: Field) -> bool {
        self.table.columns.contains_key(&field)
    }

    /// What stands in columns without a name, with their letters.
    pub fn unnamed(&self) -> impl Iterator<Item = (String, &'t str)> {
        let (table, row) = (self.table, self.row);
        let width = if table.is_delimited { table.width() } else { usize::MAX };
        row.cells.iter().enumerate().filter_map(move |(column, cell)| {
            let text = cell.text.trim();
            let is_read = table.columns.values().any(|used| *used == column);
            let has_name = table.names.get(column).is_some_and(|name| !name.is_empty());
            let is_beyond = column >= width;
            if text.is_empty() || is_read || has_name || is_beyond {
                return None;
            }
            let name = letters(column);
            (!table.unread.contains(&name)).then(|| (format!("{name}列"), text))
        })
    }

    /// Whether what stands there can't be used.
    pub fn is_flawed(&self, field: Field) -> bool {
        self.cell(field).is_some_and(|cell| cell.flaw.is_some())
    }

    /// The cell's text, where there is any that can be used.
    pub fn optional(&self, field: Field) -> Option<&'t str> {
        let cell = self.cell(field).filter(|cell| cell.flaw.is_none())?;
        Some(cell.text.as_str()).filter(|text| !text.is_empty())
    }

    /// What a cell says of something that is kept: a column that isn't there says nothing of it.
    pub fn told(&self, field: Field) -> Told<String> {
        match self.optional(field) {
            Some(text) => Told::Is(text.to_owned()),
            None if self.table.columns.contains_key(&field) => Told::Blank,
            None => Told::Nothing,
        }
    }

    /// The cell's text, which must be there.
    pub fn required(&mut self, field: Field) -> Option<&'t str> {
        let text = self.optional(field);
        if text.is_none() && self.cell(field).is_none_or(|cell| cell.flaw.is_none()) {
            let wrong = match self.has(field) {
                true => "不能为空".to_owned(),
                false => format!("没有「{}」这一列，请加上", self.kind().name_of(field)),
            };
            self.wrong(field, wrong);
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

    /// A day, where there is one that can be read.
    pub fn day(&self, field: Field) -> Option<Date> {
        self.optional(field).and_then(|text| self.read_time(field, text)).map(|at| at.date())
    }

    fn read_time(&self, field: Field, text: &str) -> Option<DateTime> {
        let kept = match self.cell(field).map(|cell| cell.held) {
            Some(Held::Number(days) | Held::Disguised(days)) => Some(days),
            _ => text.parse().ok(),
        };
        // Days that are kept as a number; what is larger is a date written without marks.
        let days = kept.filter(|days| (10_000.0..100_000.0).contains(days));
        match days {
            Some(days) if self.table.is_1904 => {
                read_time(&(days + DAYS_TO_1904 as f64).to_string())
            }
            Some(days) => read_time(&days.to_string()),
            None => read_time(text),
        }
    }

    /// A date and time, where there is one.
    pub fn time(&mut self, field: Field) -> Option<DateTime> {
        let text = self.optional(field)?;
        let read = self.read_time(field, text);
        if read.is_none() {
            let weekday = ["星期", "周", "礼拜"].iter().any(|word| text.contains(word));
            let weekday = if weekday {
                "；写了星期几的，请核对和日期对不对得上"
            } else {
                ""
            };
            let message = format!(
                "「{}」不是能认出的日期，请写成 2022-03-05 或 2022-03-05 08:30{weekday}",
                short(text)
            );
            self.wrong(field, message);
        }
        read
    }

    /// A date, which must be there and make sense: no later than today, unless what it's of lies ahead.
    pub fn date(&mut self, field: Field, days: &Days) -> Option<Date> {
        self.required(field)?;
        let at = self.time(field)?;
        let on = match is_of_the_next_day(at) {
            true => at.date().saturating_add(1.day()),
            false => at.date(),
        };
        self.is_likely(field, on, days).then_some(on)
    }

    /// When something happened elsewhere, where it's told: no later than today, nor long before the campaign.
    pub fn told_time(&mut self, field: Field, days: &Days) -> Option<DateTime> {
        let at = self.time(field)?;
        let days = Days { last: days.last.max(days.today), ..*days };
        self.is_likely(field, at.date(), &days).then_some(at)
    }

    /// Whether a day makes sense; notes why not.
    fn is_likely(&mut self, field: Field, on: Date, days: &Days) -> bool {
        let Days { first, last, today, latest, .. } = *days;
        let message = if on > latest && latest > today {
            format!("日期 {on} 太远了（今天是 {today}，最晚收到 {latest}），请核对年份")
        } else if on > latest {
            format!("日期 {on} 在将来（今天是 {today}），请核对")
        } else if on < first || on > last {
            format!("日期 {on} 离这次活动太远（只收 {first} 到 {last}），请核对年份")
        } else {
            return true;
        };
        self.wrong(field, message);
        false
    }

    /// Notes what is worth a word about a cell.
    pub fn note(&mut self, field: Field, message: String) {
        self.remarks.push(self.remark(field, message));
    }

    /// Notes what is wrong in a cell.
    pub fn wrong(&mut self, field: Field, message: String) {
        self.errors.push(self.remark(field, message));
    }

    /// A word about a cell.
    pub fn remark(&self, field: Field, message: String) -> RowError {
        match self.table.columns.get(&field) {
            Some(index) => self.remark_at(*index, message),
            None => RowError {
                column: 0,
                name: self.table.kind.name_of(field).to_owned(),
                ..self.remark_at(0, message)
            },
        }
    }

    /// The same of the cell of a column, read or not.
    pub fn remark_at(&self, column: usize, message: String) -> RowError {
        RowError {
            sheet: self.table.sheet.clone(),
            row: self.row.number,
            column: column + 1,
            name: self.column_name(column).to_owned(),
            message,
            place: self.table.place,
        }
    }

    /// What a column is called.
    pub fn column_name(&self, column: usize) -> &'t str {
        self.table.names.get(column).map_or("", String::as_str)
    }

    /// The cells of columns that aren't read and say something of what the row is about.
    pub fn claiming(&self) -> impl Iterator<Item = (usize, Beside, &'t Cell)> + use<'t> {
        let (table, row) = (self.table, self.row);
        let cell = move |(column, beside): &(usize, Beside)| {
            Some((*column, *beside, row.cells.get(*column)?))
        };
        table.beside.iter().filter_map(cell)
    }

    /// What a row that came back from a portal is called there, where that's more than a number of ours: the matter in words.
    pub fn described(&self) -> Option<(usize, &'t Cell)> {
        let column = *self.table.columns.get(&Field::Reference)?;
        let cell = self.row.cells.get(column)?;
        let is_number = cell.text.is_ascii() || reference_in(&cell.text).is_some();
        (!is_number).then_some((column, cell))
    }

    /// Whether a visit names the issue that was heard there: it's registered.
    pub fn names_its_issue(&self) -> bool {
        self.claiming().any(|(_, beside, cell)| beside == Beside::Issue && !cell.is_blank())
    }

    /// The columns that say when something was done of an issue.
    pub fn done_on(&self) -> Vec<(Field, usize)> {
        let fields = [Field::MediatedOn, Field::AnsweredAt];
        fields.iter().filter_map(|of| Some((*of, *self.table.columns.get(of)?))).collect()
    }

    /// Whether a column is read.
    pub fn reads(&self, column: usize) -> bool {
        self.table.columns.values().any(|used| *used == column)
    }

    /// The columns of a list of issues that say how each stands.
    pub fn standing(&self) -> Vec<(Field, usize)> {
        let fields: &[Field] = match self.table.kind {
            Kind::IssueList => &[Field::State, Field::Level, Field::Category, Field::Urgency],
            Kind::Classifications | Kind::Beginnings => &[Field::State],
            _ => &[],
        };
        fields.iter().filter_map(|of| Some((*of, *self.table.columns.get(of)?))).collect()
    }
}
