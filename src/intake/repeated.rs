//! The same thing twice in one file.

use std::collections::{HashMap, VecDeque};

use super::cells::Cells;
use super::kinds::{Field, Kind};
use super::text::short;
use crate::app::choices::{Alike, are_alike};
use crate::app::visits::{Heard, NewVisit};
use crate::domain::issue::Class;

/// What was seen before in a file: in which sheet and row.
#[derive(Default)]
pub(super) struct Seen {
    /// Of each kind, so that the same twice is found.
    rows: HashMap<(Kind, u64), Spot>,
    /// What residents asked for: at which visit, and how it was classified there.
    matters: HashMap<u64, (u64, Option<Class>, Spot)>,
    /// How residents are reached.
    contacts: HashMap<u64, (u64, Spot)>,
    /// What residents asked for, in words, of those who came last.
    words: HashMap<u64, VecDeque<(String, Spot)>>,
}

/// Of so many residents the words are remembered: the rows of one stand near each other.
const MOST_WORDS: usize = 5_000;
/// And of each so many demands, the last ones: no resident has as many, and each is compared with all.
const MOST_OF_ONE: usize = 50;

/// A place in a file, to be named.
#[derive(Clone)]
struct Spot {
    sheet: Option<String>,
    row: usize,
}

impl Spot {
    fn of(cells: &Cells<'_>) -> Spot {
        Spot { sheet: cells.sheet().map(str::to_owned), row: cells.row() }
    }

    /// As it's named from there.
    fn from(&self, cells: &Cells<'_>) -> String {
        let other = self.sheet.as_deref().filter(|sheet| Some(*sheet) != cells.sheet());
        format!("{}第 {} 行", super::refusal::sheet_text(other), self.row)
    }
}

impl Seen {
    /// A visit that was read: what an earlier row says otherwise of it is refused, what it says again of the same matter is
    /// noted with it.
    pub fn note_visit(&mut self, cells: &mut Cells<'_>, visit: &mut NewVisit) {
        let who = [visit.subject_number.as_str(), visit.resident.as_str()];
        if let Some(contact) = visit.contact.as_deref().filter(|_| !visit.choices.same_person) {
            let reached = digest(&contact.chars().filter(char::is_ascii_digit).collect::<String>());
            let (first, spot) =
                self.contacts.entry(digest(&who)).or_insert_with(|| (reached, Spot::of(cells)));
            if *first != reached {
                let text = format!(
                    "与{}的「{}」联系方式不同：是两个人请在姓名后加以区别（如「{}甲」），是同一个人换了号码请在导入命令后加 --same-person",
                    spot.from(cells),
                    visit.resident,
                    visit.resident
                );
                cells.wrong(Field::Contact, text);
            }
        }
        let key = (visit.kind.code(), visit.visited_on, &visit.staff_id);
        let is_asked = visit.choices.alike != Alike::Another;
        let Heard::Issue(issue) = &mut visit.heard else { return };
        if is_asked {
            self.note_words(cells, digest(&who), &issue.text);
        }
        let at = digest(&key);
        let matter = digest(&(who, issue.text.as_str()));
        let (first, class, spot) =
            self.matters.entry(matter).or_insert_with(|| (at, issue.class, Spot::of(cells)));
        if *first != at {
            issue.twin = Some(spot.from(cells));
        } else if class.is_some() && issue.class.is_some() && *class != issue.class {
            let text = format!(
                "与{}是同一件事，责任层级、类别或轻重缓急却不同：请改成一样的，或只留一行",
                spot.from(cells)
            );
            cells.wrong(Field::Level, text);
        }
    }

    /// Two rows of one resident that say nearly the same, not the same: one of them may be a slip.
    fn note_words(&mut self, cells: &mut Cells<'_>, who: u64, text: &str) {
        if self.words.len() >= MOST_WORDS {
            self.words.clear();
        }
        let said = self.words.entry(who).or_default();
        let like = said.iter().find(|(other, _)| other != text && are_alike(other, text));
        if let Some((other, spot)) = like {
            let text = format!(
                "与{}同一位群众的「{}」很像：是同一件事请只留一行，是另一件事请在导入命令后加 --alike another",
                spot.from(cells),
                short(other)
            );
            cells.wrong(Field::Text, text);
        }
        if said.len() >= MOST_OF_ONE {
            said.pop_front();
        }
        said.push_back((text.to_owned(), Spot::of(cells)));
    }
}

/// The same thing twice in one file is a mistake of whoever made the file.
pub(super) fn note_repeated(cells: &mut Cells<'_>, seen: &mut Seen) {
    let kind = cells.kind();
    let of = |cells: &Cells<'_>, fields: &[Field]| -> String {
        let texts = fields.iter().map(|field| cells.optional(*field).unwrap_or_default());
        texts.collect::<Vec<_>>().join("\u{1}")
    };
    let whole = |cells: &Cells<'_>| of(cells, &kind.all_columns().collect::<Vec<_>>());
    let (field, key) = match kind {
        Kind::Areas if cells.optional(Field::AreaCode).is_some() => {
            (Field::AreaCode, of(cells, &[Field::AreaCode]))
        }
        Kind::Areas => {
            (Field::AreaName, of(cells, &[Field::AreaName, Field::AreaKind, Field::AreaParent]))
        }
        Kind::Staff => (Field::StaffNumber, of(cells, &[Field::StaffNumber])),
        Kind::Subjects | Kind::Assignments | Kind::States => {
            (Field::Subject, of(cells, &[Field::Subject]))
        }
        Kind::AreaAssignments => (Field::Area, of(cells, &[Field::Area, Field::SubjectKind])),
        Kind::Visits => (Field::Resident, whole(cells)),
        Kind::Classifications | Kind::Handlings | Kind::IssueList | Kind::Beginnings => {
            (Field::Issue, of(cells, &[Field::Issue]))
        }
        Kind::Confirmations => (Field::Duty, of(cells, &[Field::Duty, Field::Area])),
        Kind::Returns => (Field::RemoteNumber, whole(cells)),
        Kind::Residents => (Field::Resident, of(cells, &[Field::Subject, Field::Resident])),
        Kind::Acknowledgements => (Field::Issue, whole(cells)),
        Kind::Absences => (Field::Absentee, of(cells, &[Field::Absentee, Field::From])),
        Kind::Inspections => (Field::Inspection, of(cells, &[Field::Inspection])),
        Kind::Mediations => (Field::Issue, of(cells, &[Field::Issue, Field::MediatedOn])),
    };
    if key.chars().all(|c| c == '\u{1}') {
        return;
    }
    match seen.rows.get(&(kind, digest(&key))) {
        Some(first) => {
            let text = cells.optional(field).unwrap_or_default();
            let place = first.from(cells);
            cells.wrong(field, format!("「{}」与{place}重复", short(text)));
        }
        None => drop(seen.rows.insert((kind, digest(&key)), Spot::of(cells))),
    }
}

/// A hundred thousand rows are remembered in a few megabytes.
fn digest(key: &impl std::hash::Hash) -> u64 {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    BuildHasherDefault::<DefaultHasher>::default().hash_one(key)
}
