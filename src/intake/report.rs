//! What was understood of a file and what became of it, for a person and for a program.

use serde::Serialize;

use super::kinds::{Field, Kind};
use super::original::Original;
use super::passed::HEADER_AGAIN;
use super::refusal::RowError;
use super::row::letters;
use super::survey::{Survey, Surveyed};
use crate::db::Upsert;

/// What an import did, or would do.
#[derive(Debug, Clone)]
pub struct Report {
    /// The kind of its (first) table.
    pub kind: Kind,
    pub rows: usize,
    pub added: usize,
    pub changed: usize,
    pub same: usize,
    /// Rows that are well and ask for nothing: the word about each says why.
    pub idle: usize,
    /// What each row did, in ranges.
    pub each: Vec<RowsDid>,
    /// Whether an earlier import of this very file had been interrupted, and was brought to its end now.
    pub resumed: bool,
    /// Who has no visitor after this, by village; told where it's about visitors.
    pub unassigned: Vec<Unassigned>,
    /// What had become wrong while a long file was applied, and was left out; the log names each.
    pub skipped: usize,
    /// When the very same file was imported before; nothing is done then.
    pub imported_before: Option<i64>,
    /// Rows of a return that are about nothing known here; the others were taken.
    pub unmatched: Vec<RowError>,
    /// Rows that were taken, and that are worth a word.
    pub remarks: Vec<RowError>,
    /// The file, to be written back with a note, where any row is unmatched.
    pub sheet: Option<Original>,
    pub tables: Vec<TableReport>,
    /// Sheets that weren't read, and why.
    pub not_read: Vec<NotRead>,
}

/// What rows one after the other did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowsDid {
    pub sheet: Option<String>,
    /// The first and the last.
    pub rows: (usize, usize),
    pub did: RowDid,
}

/// What a row did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowDid {
    Added,
    Changed,
    Same,
    /// It's well, and asks for nothing.
    Idle,
}

impl From<Upsert> for RowDid {
    fn from(upsert: Upsert) -> RowDid {
        match upsert {
            Upsert::Added => RowDid::Added,
            Upsert::Changed => RowDid::Changed,
            Upsert::Same => RowDid::Same,
        }
    }
}

impl RowDid {
    const fn chinese(self) -> &'static str {
        match self {
            RowDid::Added => "新增",
            RowDid::Changed => "更新",
            RowDid::Same => "不变",
            RowDid::Idle => "没有采用",
        }
    }
}

/// So many ranges of rows are told.
const MOST_RANGES: usize = 10_000;

/// Notes what a row did.
pub(super) fn note_did(each: &mut Vec<RowsDid>, sheet: Option<&str>, row: usize, did: RowDid) {
    let room = each.len() < MOST_RANGES;
    match each.last_mut() {
        Some(last)
            if last.did == did && last.sheet.as_deref() == sheet && last.rows.1 + 1 == row =>
        {
            last.rows.1 = row;
        }
        _ if room => {
            each.push(RowsDid { sheet: sheet.map(str::to_owned), rows: (row, row), did });
        }
        _ => {}
    }
}

/// The subjects of a village that nobody visits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unassigned {
    pub area: String,
    pub count: usize,
    /// The first of them: number and name, a household's masked.
    pub subjects: Vec<(String, String)>,
}

/// A sheet that isn't read.
#[derive(Debug, Clone, Serialize)]
pub struct NotRead {
    pub sheet: String,
    pub why: String,
}

/// What was understood of a table.
#[derive(Debug, Clone, Serialize)]
pub struct TableReport {
    pub sheet: Option<String>,
    pub kind: &'static str,
    pub header_row: usize,
    pub rows: usize,
    pub used: Vec<Column>,
    pub unused: Vec<String>,
    /// How many of their cells say something.
    pub unused_cells: Vec<usize>,
    pub hidden_columns: Vec<String>,
    pub hidden_rows: Vec<(usize, usize)>,
    pub not_read: Vec<RowsNotRead>,
}

/// A column and what it was taken for.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    pub column: usize,
    pub name: String,
    pub meaning: &'static str,
}

/// Rows that aren't read.
#[derive(Debug, Clone, Serialize)]
pub struct RowsNotRead {
    pub rows: (usize, usize),
    pub why: String,
}

/// So many remarks are kept.
pub(super) const MOST_REMARKS: usize = 1_000;

impl Report {
    /// Of a file of which nothing is done yet.
    pub(super) fn of(survey: &Survey) -> Report {
        let not_read = survey.passed.iter();
        Report {
            kind: survey.tables.first().map_or(Kind::Visits, |first| first.table.kind),
            rows: survey.rows(),
            added: 0,
            changed: 0,
            same: 0,
            idle: 0,
            each: Vec::new(),
            resumed: false,
            unassigned: Vec::new(),
            skipped: 0,
            imported_before: None,
            unmatched: Vec::new(),
            remarks: survey.tables.iter().flat_map(remarked_on).take(MOST_REMARKS).collect(),
            sheet: None,
            tables: survey.tables.iter().map(table_report).collect(),
            not_read: not_read
                .map(|(sheet, why)| NotRead { sheet: sheet.clone(), why: why.clone() })
                .collect(),
        }
    }

    /// What was understood, a line each, for a person.
    pub fn understood(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.rows == 0 && self.imported_before.is_none() {
            lines.push(
                "表头下面没有一行可以导入，什么也没有改动：请核对是不是导出或保存时漏了内容"
                    .to_owned(),
            );
        }
        for table in &self.tables {
            table.tell(self.tables.len() > 1, &mut lines);
        }
        let not_read = self.not_read.iter();
        lines.extend(not_read.map(|NotRead { sheet, why }| format!("工作表「{sheet}」{why}")));
        lines.extend(some(&self.remarks, "提醒"));
        lines.extend(self.left_without_visitor());
        lines
    }

    /// Who has no visitor yet, by village.
    fn left_without_visitor(&self) -> Vec<String> {
        const SHOWN: usize = 10;
        let all: usize = self.unassigned.iter().map(|of| of.count).sum();
        if all == 0 {
            return Vec::new();
        }
        let village = |of: &Unassigned| {
            let named = of.subjects.iter().take(SHOWN);
            let named: Vec<String> =
                named.map(|(number, name)| format!("{number} {name}")).collect();
            let more = if of.count > SHOWN { " 等" } else { "" };
            format!("  「{}」{} 个：{}{more}", of.area, of.count, named.join("、"))
        };
        let head = format!("还有 {all} 个走访对象没有走访人，请在走访安排表（附件2）里补上：");
        std::iter::once(head).chain(self.unassigned.iter().map(village)).collect()
    }

    /// What the rows did, in a line.
    pub fn rows_told(&self) -> String {
        const SHOWN: usize = 20;
        let mut told: Vec<String> = Vec::new();
        for RowsDid { sheet, rows, did } in self.each.iter().take(SHOWN) {
            let sheet = sheet.as_ref().map(|sheet| format!("「{sheet}」")).unwrap_or_default();
            told.push(format!("{sheet}{}{}", ranges([*rows]), did.chinese()));
        }
        if self.each.len() > SHOWN {
            told.push(format!("……还有 {} 段", self.each.len() - SHOWN));
        }
        told.join("，")
    }
}

/// The first of them, and how many more there are.
fn some(rows: &[RowError], what: &str) -> Vec<String> {
    const SHOWN: usize = 20;
    let mut lines: Vec<String> =
        rows.iter().take(SHOWN).map(|row| format!("{what}：{row}")).collect();
    if rows.len() > SHOWN {
        lines.push(format!("{what}：……还有 {} 处", rows.len() - SHOWN));
    }
    lines
}

fn table_report(surveyed: &Surveyed) -> TableReport {
    let table = &surveyed.table;
    let mut used: Vec<Column> = table
        .columns
        .iter()
        .map(|(field, column)| Column {
            column: column + 1,
            name: table.names.get(*column).cloned().unwrap_or_default(),
            meaning: table.kind.name_of(*field),
        })
        .collect();
    used.sort_by_key(|column| column.column);
    let not_read = surveyed.passed.iter();
    TableReport {
        sheet: table.sheet.clone(),
        kind: table.kind.code(),
        header_row: table.place.header_row,
        rows: surveyed.rows,
        used,
        unused: table.unused.iter().map(|(_, name)| name.clone()).collect(),
        unused_cells: table
            .unused
            .iter()
            .map(|(column, _)| surveyed.unused_cells.get(column).copied().unwrap_or(0))
            .collect(),
        hidden_columns: surveyed.hidden_columns.clone(),
        hidden_rows: surveyed.hidden_rows.clone(),
        not_read: not_read
            .map(|(rows, why)| RowsNotRead { rows: *rows, why: why.clone() })
            .collect(),
    }
}

/// What people remarked on cells, as far as there's room for it beside other words.
fn remarked_on(surveyed: &Surveyed) -> impl Iterator<Item = RowError> {
    const MOST: usize = 100;
    let table = &surveyed.table;
    // What our own templates remark on a column comes again with its header.
    let is_header = |row: usize| {
        let mut passed = surveyed.passed.iter();
        passed.any(|((first, last), why)| why == HEADER_AGAIN && (*first..=*last).contains(&row))
    };
    let own = surveyed.comments.iter().filter(move |comment| !is_header(comment.row));
    own.take(MOST).map(|comment| RowError {
        sheet: table.sheet.clone(),
        row: comment.row,
        column: comment.column,
        name: match table.names.get(comment.column - 1) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("{}列", letters(comment.column - 1)),
        },
        message: comment.told(),
        place: table.place,
    })
}

impl TableReport {
    /// Who is named as responsible for an issue has only told of it: whose it is follows from its class and place.
    fn not_assigned(&self) -> Option<String> {
        let of_issues = [Kind::Classifications.code(), Kind::IssueList.code()];
        let named = |column: &&Column| column.name.contains("责任人");
        let column = self.used.iter().filter(|_| of_issues.contains(&self.kind)).find(named)?;
        Some(format!(
            "「{}」只记作是谁填报的，不会把问题派给他：镇村自办的由方案里该类问题的镇直部门办，没有的由当地网格员办；上报平台的由服务中心跟踪",
            column.name
        ))
    }

    fn tell(&self, several: bool, lines: &mut Vec<String>) {
        let sheet =
            self.sheet.as_ref().map(|sheet| format!("工作表「{sheet}」：")).unwrap_or_default();
        let kind = Kind::read(self.kind).map_or(self.kind, Kind::chinese);
        if several || self.header_row > 1 {
            let (row, count) = (self.header_row, self.rows);
            lines.push(format!("{sheet}{kind} {count} 行，表头在第 {row} 行"));
        }
        // 所属村 and 所属区划 are both said.
        let areas = [Field::Area.chinese(), "所属区划"];
        let is_other =
            |column: &&Column| column.name != column.meaning && !areas.contains(&column.meaning);
        let renamed = self.used.iter().filter(is_other);
        let renamed: Vec<String> = renamed
            .map(|column| format!("「{}」当作「{}」", column.name, column.meaning))
            .collect();
        if !renamed.is_empty() {
            lines.push(format!("{sheet}{}", renamed.join("、")));
        }
        if let Some(text) = self.not_assigned() {
            lines.push(format!("{sheet}{text}"));
        }
        if !self.unused.is_empty() {
            let told = |(name, cells): (&String, &usize)| match cells {
                0 => format!("{name}（空的）"),
                cells => format!("{name}（{cells} 格有内容）"),
            };
            let told: Vec<String> = self.unused.iter().zip(&self.unused_cells).map(told).collect();
            lines.push(format!("{sheet}没有用到的列：{}", told.join("、")));
        }
        if !self.hidden_columns.is_empty() {
            lines.push(format!("{sheet}隐藏的列也在表里：{}", self.hidden_columns.join("、")));
        }
        if !self.hidden_rows.is_empty() {
            lines.push(format!(
                "{sheet}隐藏的行也读了：{}",
                ranges(self.hidden_rows.iter().copied())
            ));
        }
        for RowsNotRead { rows, why } in self.not_read.iter().take(20) {
            lines.push(format!("{sheet}{}没有读（{why}）", ranges([*rows])));
        }
        if self.not_read.len() > 20 {
            lines.push(format!("{sheet}……还有 {} 处没有读", self.not_read.len() - 20));
        }
    }
}

fn ranges(rows: impl IntoIterator<Item = (usize, usize)>) -> String {
    let mut texts: Vec<String> = rows
        .into_iter()
        .map(
            |(first, last)| {
                if first == last { first.to_string() } else { format!("{first}–{last}") }
            },
        )
        .collect();
    let more = texts.len().saturating_sub(10);
    texts.truncate(10);
    let and = if more > 0 { format!(" 等 {} 处", more + 10) } else { String::new() };
    format!("第 {} 行{and}", texts.join("、"))
}
