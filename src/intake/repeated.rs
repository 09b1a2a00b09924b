//! The same thing twice in one file.

use std::collections::HashMap;

use super::cells::Cells;
use super::kinds::{Field, Kind};
use super::row::Row;
use super::text::short;

/// What was seen before of each kind, so that the same twice is found: in which sheet and row.
pub(super) type Seen = HashMap<(Kind, u64), (Option<String>, usize)>;

/// The same thing twice in one file is a mistake of whoever made the file.
pub(super) fn note_repeated(cells: &mut Cells<'_>, row: &Row, seen: &mut Seen) {
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
        Kind::Areas => (Field::AreaName, of(cells, &[Field::AreaName, Field::AreaKind])),
        Kind::Staff => (Field::StaffNumber, of(cells, &[Field::StaffNumber])),
        Kind::Subjects | Kind::Assignments => (Field::Subject, of(cells, &[Field::Subject])),
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
    };
    if key.chars().all(|c| c == '\u{1}') {
        return;
    }
    let sheet = cells.sheet().map(str::to_owned);
    match seen.get(&(kind, digest(&key))) {
        Some((first, number)) => {
            let text = cells.optional(field).unwrap_or_default();
            let other = first.as_deref().filter(|first| Some(*first) != sheet.as_deref());
            let place = super::refusal::sheet_text(other);
            cells.wrong(field, format!("「{}」与{place}第 {number} 行重复", short(text)));
        }
        None => drop(seen.insert((kind, digest(&key)), (sheet, row.number))),
    }
}

/// A hundred thousand rows are remembered in a few megabytes.
fn digest(key: &str) -> u64 {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    BuildHasherDefault::<DefaultHasher>::default().hash_one(key)
}
