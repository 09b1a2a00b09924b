//! What a sheet is, by the row that names its columns: its kind and why, which columns are used and which aren't. What
//! isn't sure is asked, never guessed.

use std::collections::HashMap;

use super::claims::Beside;
use super::kinds::{Field, Kind};
use super::names::{could_be_names, is_garbled, is_like, plain, settled, unchanged};
use super::refusal::Place;
use super::row::{Row, all_are};
use super::scan::Region;
use super::text::{is_invisible, short};
use crate::domain::area::kind_of_code;

/// A sheet whose columns are understood.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub kind: Kind,
    pub place: Place,
    /// The sheet's name, where the file has several.
    pub sheet: Option<String>,
    pub names: Vec<String>,
    pub columns: HashMap<Field, usize>,
    /// Columns with a name that aren't used: their places and names.
    pub unused: Vec<(usize, String)>,
    /// Of these, those of which somebody said that they're meant for people.
    pub ignored: Vec<usize>,
    /// Of the columns that aren't used, those that nobody said are meant for people alone, and that aren't of the tables that the program writes.
    pub doubtful: Vec<usize>,
    /// The columns without a name of which somebody said that they are meant for people, by their letters.
    pub unread: Vec<String>,
    /// Of the columns that aren't used, those that say something of what a row is about.
    pub beside: Vec<(usize, Beside)>,
    /// The rows above its header: a title may stand on each page.
    pub above: Vec<Vec<String>>,
    /// Whether its days are counted from 1904.
    pub is_1904: bool,
    /// Whether a mark parts its cells, which may stand within one too.
    pub is_delimited: bool,
}

/// What a sheet's first rows make of it.
pub(super) enum Understood {
    Table(Box<Table>),
    /// No row names columns: a cover, instructions.
    Cover,
    /// It should be a table, and isn't understood: why, and what to do.
    Unclear(String),
    /// It may be one that isn't known.
    Unknown(String),
}

/// What the program's own column of what is wrong is called, in the copy of a file that was refused.
pub(super) const NOTES: &str = "问题说明";

/// How far down a title, a unit and a date may stand above the header.
pub(super) const HEADER_WITHIN: usize = 40;

/// Finds the header among the first rows and what it makes of the sheet. `ignored`: columns of which somebody said that
/// they're meant for people.
pub(super) fn understand(head: &[Row], merged: &[Region], ignored: &[String]) -> Understood {
    for (index, row) in head.iter().enumerate() {
        let above = index.checked_sub(1).map(|above| &head[above]);
        let header = Header::of(row, above, merged, ignored);
        if let Some(found) = header.kind() {
            return match header.table(found, ignored, &head[index + 1..]) {
                Ok(table) => Understood::Table(Box::new(table)),
                Err(text) => {
                    let below = head.get(index + 1);
                    let hint = below.and_then(|below| over_two_rows(row, below, merged));
                    Understood::Unclear(hint.unwrap_or(text))
                }
            };
        }
    }
    let headers = head.iter().enumerate().map(|(index, row)| {
        Header::of(row, index.checked_sub(1).map(|above| &head[above]), merged, ignored)
    });
    if let Some(hint) = head.windows(2).find_map(|rows| over_two_rows(&rows[0], &rows[1], merged)) {
        return Understood::Unclear(hint);
    }
    let best = headers.max_by_key(|header| (header.known(), std::cmp::Reverse(header.row)));
    match best {
        Some(header) if header.known() >= 2 => Understood::Unknown(header.unknown()),
        _ => Understood::Cover,
    }
}

/// What to do with a header that two rows make together.
fn over_two_rows(upper: &Row, lower: &Row, merged: &[Region]) -> Option<String> {
    if upper.number + 1 != lower.number {
        return None;
    }
    let mut header = Header::of(lower, Some(upper), merged, &[]);
    let width = upper.cells.len().max(lower.cells.len());
    let mut group = String::new();
    header.names = (0..width)
        .map(|column| {
            let (above, own) = (plain(upper.text(column)), plain(lower.text(column)));
            if !above.is_empty() {
                group.clone_from(&above);
            }
            match own.is_empty() {
                true => [above.clone(), above],
                false => [format!("{group}{own}"), own],
            }
        })
        .collect();
    let kind = header.kind()?;
    Some(two_rows_hint(kind, upper.number))
}

pub(super) fn two_rows_hint(kind: Kind, row: usize) -> String {
    format!(
        "第 {row}、{} 行像是分成两行写的表头（{kind}）：请把每一列的名字完整地写在同一行里（如「群众姓名」），删掉另一行，再导入",
        row + 1
    )
}

/// The kind of table whose columns a row names, if it names those of one.
pub(super) fn kind_named_by(row: &Row) -> Option<Kind> {
    Header::of(row, None, &[], &[]).kind()
}

/// Why the first row isn't a header, where no row is one.
pub(super) fn no_header(head: &[Row]) -> String {
    head.first().map(|row| Header::of(row, None, &[], &[]).unknown()).unwrap_or_default()
}

/// Where each column of a kind stands, and columns that mean the same: the field and both places.
type Columns = (HashMap<Field, usize>, Vec<(Field, usize, usize)>);

/// A row that may name columns.
struct Header {
    row: usize,
    /// As they stand there.
    shown: Vec<String>,
    /// As they are compared; below a cell over several columns also with what that says before it.
    names: Vec<[String; 2]>,
    /// The columns of which somebody said that they're meant for people.
    ignored: Vec<usize>,
}

impl Header {
    fn of(row: &Row, above: Option<&Row>, merged: &[Region], ignored: &[String]) -> Header {
        let group = |column: usize| -> String {
            let Some(above) = above.filter(|above| above.number + 1 == row.number) else {
                return String::new();
            };
            let wide = merged.iter().find(|region| {
                region.top <= above.number
                    && above.number <= region.bottom
                    && region.right > region.left
                    && (region.left..=region.right).contains(&(column + 1))
            });
            wide.map(|region| plain(above.text(region.left - 1))).unwrap_or_default()
        };
        let names = row.cells.iter().enumerate().map(|(column, cell)| {
            let own = plain(&cell.text);
            let whole =
                if own.is_empty() { String::new() } else { format!("{}{own}", group(column)) };
            [whole, own]
        });
        let mut names: Vec<[String; 2]> = names.collect();
        let is_ignored = |at: &usize| ignored.iter().any(|name| plain(name) == names[*at][1]);
        let ignored = (0..names.len()).filter(is_ignored).collect();
        settled(&mut names);
        Header {
            row: row.number,
            names,
            ignored,
            shown: row.cells.iter().map(|cell| shown(&cell.text)).collect(),
        }
    }

    /// The columns of a kind.
    fn find(&self, kind: Kind) -> Columns {
        let (mut found, mut twice): (HashMap<Field, usize>, Vec<_>) = (HashMap::new(), Vec::new());
        for (index, names) in self.names.iter().enumerate() {
            let field = names.iter().find_map(|name| kind.field(name));
            let Some(field) = field.filter(|_| !self.ignored.contains(&index)) else { continue };
            match found.get(&field) {
                None => drop(found.insert(field, index)),
                Some(first) if !field.may_stand_twice() => twice.push((field, *first, index)),
                // The one that is named by the usual name counts.
                Some(_) if names.iter().any(|name| name == field.chinese()) => {
                    found.insert(field, index);
                }
                Some(_) => {}
            }
        }
        (found, twice)
    }

    /// The kind that the row makes of the sheet: all that it needs is there, and nothing that it never has.
    fn kind(&self) -> Option<Kind> {
        let fits = Kind::ALL.iter().copied().filter_map(|kind| {
            let (found, _) = self.find(kind);
            let whole = kind.is_made_by(|field| found.contains_key(&field));
            (whole && self.others(kind).is_empty()).then_some((kind, found.len()))
        });
        let stays = |kind: Kind| !self.own_names().any(|(_, own)| kind.gives_way_to(own));
        fits.max_by_key(|(kind, columns)| (stays(*kind), *columns)).map(|(kind, _)| kind)
    }

    /// The names of the columns that nobody said are meant for people, and their places.
    fn own_names(&self) -> impl Iterator<Item = (usize, &str)> {
        let names = self.names.iter().enumerate().map(|(index, [_, own])| (index, own.as_str()));
        names.filter(|(index, _)| !self.ignored.contains(index))
    }

    /// The columns by which a table is known to be none of this kind.
    fn others(&self, kind: Kind) -> Vec<&str> {
        let others = self.own_names().filter(|(_, own)| kind.excluded_by(own));
        others.filter_map(|(index, _)| Some(self.shown.get(index)?.as_str())).collect()
    }

    /// The table, or what must be decided first.
    fn table(&self, kind: Kind, ignored: &[String], below: &[Row]) -> Result<Table, String> {
        if let Some(text) = self.weak_areas(kind, below) {
            return Err(text);
        }
        let (columns, twice) = self.find(kind);
        if let Some((field, first, second)) = twice.first() {
            return Err(self.two_of_one(kind.name_of(*field), *first, *second));
        }
        let is_ignored = |index: usize| self.ignored.contains(&index);
        let is_shown = |index: usize| {
            let name = self.names[index][1].as_str();
            kind.shown().contains(&name) || Beside::of(kind, name) == Some(Beside::Issue)
        };
        let unused: Vec<(usize, String)> = (0..self.names.len())
            .filter(|index| !columns.values().any(|used| used == index))
            .filter(|index| !self.names[*index][1].is_empty() && self.names[*index][1] != NOTES)
            .map(|index| (index, self.shown[index].clone()))
            .collect();
        let unsure = unused.iter().filter(|(index, _)| !is_ignored(*index) && !is_shown(*index));
        let is_state = |index: usize| matches!(self.names[index][1].as_str(), "状态" | "问题状态");
        let doubtful = unsure.clone().map(|(index, _)| *index);
        let doubtful = doubtful.chain(
            unused.iter().map(|(index, _)| *index).filter(|at| is_state(*at) && !is_ignored(*at)),
        );
        let doubtful: Vec<usize> = doubtful.collect();
        if let Some(text) = self.unsure(kind, &columns, unsure.map(|(index, _)| *index)) {
            return Err(text);
        }
        if let Some(text) = self.two_tables(kind, &unused, &is_ignored) {
            return Err(text);
        }
        let beside = unused.iter().filter(|(index, _)| !is_ignored(*index));
        let beside = beside
            .filter_map(|(index, _)| Some((*index, Beside::of(kind, &self.names[*index][1])?)));
        Ok(Table {
            kind,
            place: Place { sheet: 0, header_row: self.row },
            sheet: None,
            names: self.shown.clone(),
            beside: beside.collect(),
            ignored: unused.iter().map(|(at, _)| *at).filter(|at| is_ignored(*at)).collect(),
            unread: ignored.iter().map(|name| letter_of(name)).collect(),
            columns,
            unused,
            doubtful,
            above: Vec::new(),
            is_1904: false,
            is_delimited: false,
        })
    }

    /// What is asked of columns that aren't known, where they may be ones that are.
    fn unsure(
        &self,
        kind: Kind,
        columns: &HashMap<Field, usize>,
        unsure: impl Iterator<Item = usize>,
    ) -> Option<String> {
        let asked = unsure.filter_map(|index| {
            let missing = kind.all_columns().filter(|field| !columns.contains_key(field));
            match like(&self.names[index], missing) {
                Some(field) => Some(self.question(index, kind.name_of(field))),
                None => self.doubt(kind, index),
            }
        });
        let asked: Vec<String> = asked.collect();
        let row = self.row;
        (!asked.is_empty())
            .then(|| format!("第 {row} 行的表头（{kind}）有拿不准的列：{}", asked.join("；")))
    }

    /// What is asked where a table has nothing of a table of areas but names that any list has: 名称, 类型.
    fn weak_areas(&self, kind: Kind, below: &[Row]) -> Option<String> {
        const ANY: [&str; 7] = ["名称", "类型", "级别", "代码", "code", "name", "单位名称"];
        let own =
            |[_, name]: &&[String; 2]| kind.field(name).is_some() && !ANY.contains(&name.as_str());
        let codes = self.find(kind).0.get(&Field::AreaCode).copied();
        let is_sure =
            || codes.is_some_and(|at| all_are(below, at, |code| kind_of_code(code).is_some()));
        if kind != Kind::Areas || self.names.iter().any(|names| own(&names)) || is_sure() {
            return None;
        }
        Some(format!(
            "第 {} 行只有「名称」「类型」这样哪种表都有的列，看不出是不是区划表：是的话请把它们改成「区划名称」「区划类型」，不是的话本系统不收这种表",
            self.row
        ))
    }

    /// What is asked where columns that aren't used make a table of their own, of another kind.
    fn two_tables(
        &self,
        kind: Kind,
        unused: &[(usize, String)],
        is_ignored: &dyn Fn(usize) -> bool,
    ) -> Option<String> {
        let name = |index: usize| self.names[index][1].as_str();
        let own = |index: usize| {
            kind.shown().contains(&name(index)) || Beside::of(kind, name(index)).is_some()
        };
        let left: Vec<usize> = unused.iter().map(|(index, _)| *index).collect();
        let left: Vec<usize> =
            left.into_iter().filter(|at| !is_ignored(*at) && !own(*at)).collect();
        let is_there = |other: Kind, field: Field| {
            left.iter().any(|index| other.field(name(*index)) == Some(field))
        };
        let other = Kind::ALL.iter().copied().find(|other| {
            *other != kind && other.columns().0.iter().all(|field| is_there(*other, *field))
        })?;
        Some(format!(
            "第 {} 行像是并排的两张表：一张是{kind}，一张是{other}。请把它们分到两个工作表（或两个文件），再导入",
            self.row
        ))
    }

    fn two_of_one(&self, field: &str, first: usize, second: usize) -> String {
        let (one, two) = (&self.shown[first], &self.shown[second]);
        let (first, second, row) = (first + 1, second + 1, self.row);
        if one == two {
            return format!("第 {row} 行第 {second} 列「{two}」与第 {first} 列重复，请只留一列");
        }
        format!(
            "第 {row} 行第 {second} 列「{two}」与第 {first} 列「{one}」都会当作「{field}」：请只留一列，或在命令后加 --ignore-column 和不用的那一列的名字（如 --ignore-column {two}）"
        )
    }

    fn question(&self, index: usize, field: &str) -> String {
        let name = &self.shown[index];
        format!(
            "第 {} 列「{name}」不认识，像是「{field}」：是的话请把表头改成「{field}」，不是的话请改个名字，或在命令后加 --ignore-column {name}",
            index + 1
        )
    }

    /// What is asked where a column that isn't used makes it doubtful whether the table is of that kind.
    fn doubt(&self, kind: Kind, index: usize) -> Option<String> {
        let name = &self.shown[index];
        let says = |words: &[&str]| words.iter().any(|word| self.names[index][1].contains(word));
        let (_, what) = kind.doubtful().iter().find(|(words, _)| says(words))?;
        Some(format!(
            "第 {} 列「{name}」像是{what}；这一列确实只给人看的，请在命令后加 --ignore-column {name}",
            index + 1
        ))
    }

    /// How many columns are known by the kind that knows most.
    fn known(&self) -> usize {
        Kind::ALL.iter().map(|kind| self.find(*kind).0.len()).max().unwrap_or(0)
    }

    /// Names the kind whose columns are nearest, and what it still lacks.
    fn unknown(&self) -> String {
        let nearest = Kind::ALL.iter().copied().max_by_key(|kind| {
            let (found, _) = self.find(*kind);
            let required = kind.columns().0;
            let lacking = required.iter().filter(|field| !found.contains_key(field)).count();
            let share = lacking * 100 / required.len();
            (found.len(), std::cmp::Reverse(share), std::cmp::Reverse(*kind))
        });
        let nearest = nearest.unwrap_or(Kind::Visits);
        let (found, _) = self.find(nearest);
        let missing: Vec<Field> = nearest
            .columns()
            .0
            .iter()
            .copied()
            .filter(|field| !found.contains_key(field))
            .collect();
        let columns: Vec<String> = self
            .shown
            .iter()
            .enumerate()
            .filter(|(_, name)| !name.is_empty())
            .map(|(index, name)| format!("第 {} 列「{name}」", index + 1))
            .collect();
        if self.shown.iter().filter(|name| is_garbled(name)).count() > 1 {
            let why =
                "行是乱码，像是存文件时选错了编码：请从原表用 Excel 或 WPS 另存为 .xlsx，再导入";
            return format!("第 {} {why}", self.row);
        }
        if found.is_empty() && !(columns.len() > 1 && could_be_names(&self.shown)) {
            let why = "行不像是表头，没有一列的名字认得出来：请核对是不是要导入的表";
            return format!("第 {} {why}", self.row);
        }
        let names: Vec<&str> = missing.iter().map(|field| nearest.name_of(*field)).collect();
        let mut text = format!("第 {} 行的表头认不出来：{}", self.row, columns.join("、"));
        text += &match (found.is_empty(), names.is_empty()) {
            (true, _) => "，没有一列是知道的：请核对是不是要导入的表".to_owned(),
            (false, false) => format!("。最接近的是「{nearest}」，还缺：{}", names.join("、")),
            (false, true) => {
                let others = self.others(nearest);
                format!(
                    "。最接近的是「{nearest}」，但它没有这样的列：「{}」。这几列不用导入的，请在命令后加 --ignore-column {}",
                    others.join("」「"),
                    others.join(" --ignore-column ")
                )
            }
        };
        let questions = (0..self.names.len()).filter_map(|index| {
            let used = found.values().any(|used| *used == index);
            let field = like(&self.names[index], missing.iter().copied()).filter(|_| !used)?;
            let field = nearest.name_of(field);
            Some(format!(
                "。第 {} 列「{}」像是「{field}」，是的话请改成这个名字",
                index + 1,
                self.shown[index]
            ))
        });
        text.extend(questions);
        text
    }
}

/// The field, of those that no column holds yet, whose name looks like this one.
fn like(names: &[String; 2], mut missing: impl Iterator<Item = Field>) -> Option<Field> {
    missing.find(|field| {
        let mut known = field.names().chain(field.also().iter().copied());
        known.any(|known| names.iter().any(|name| is_like(name, known) || unchanged(name) == known))
    })
}

/// K列 as the letter of a column without a name.
fn letter_of(name: &str) -> String {
    plain(name).trim_end_matches('列').to_uppercase()
}

/// A name as it's shown.
pub(super) fn shown(text: &str) -> String {
    let line: String = text.chars().filter(|c| !c.is_whitespace() && !is_invisible(*c)).collect();
    short(&line).into_owned()
}
