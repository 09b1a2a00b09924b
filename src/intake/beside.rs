//! What a row says beside the number that it's about: held against the record, so that a column that was sorted alone or a
//! row that slipped is asked about instead of believed.

use std::collections::HashMap;

use super::cells::Cells;
use super::claims::{Beside, key_of, person_of};
use super::dates::read_time;
use super::kinds::{Field, Kind};
use super::people::People;
use super::refusal::RowError;
use super::row::Held;
use super::text::{Sort, clean, short};
use crate::app::beside::{Claim, Disagrees, What, Whose, disagreements};
use crate::db::{Session, StoreError};
use crate::domain::issue::State;
use crate::domain::saying::{Saying, is_nothing, of_result};
use crate::domain::visit::VisitKind;

/// A claim and the cell that makes it.
#[derive(Debug)]
pub(super) struct Claimed {
    claim: Claim,
    place: RowError,
    kind: Kind,
    /// Whether the column is read besides.
    is_read: bool,
}

const fn sort_of(what: What) -> Sort {
    match what {
        What::Text | What::Address | What::Description | What::Title => Sort::Free,
        What::SubjectNumber | What::AreaCode | What::IssueNumber => Sort::Code,
        _ => Sort::Short,
    }
}

/// What a row says beside its number. What says nothing or was hidden from whoever made the table claims nothing.
pub(super) fn claims_of(cells: &mut Cells<'_>, people: &People) -> Vec<Claimed> {
    let kind = cells.kind();
    check_person(cells, people);
    let Some(key) = key_of(kind) else { return Vec::new() };
    let Some(number) = cells.optional(key).map(str::to_owned) else { return Vec::new() };
    let of = match key {
        Field::Subject => Whose::Subject(number),
        Field::Issue => Whose::Issue(number),
        Field::Inspection => Whose::Drawn(number),
        _ => Whose::Area(number),
    };
    let mut claims = claims_about(cells, &of);
    claims.extend(of_its_issue(cells));
    claims
}

/// What a visit with an issue's number says: it's the one at which the issue was heard, word for word. What is asked at a revisit
/// is how it was resolved.
fn of_its_issue(cells: &Cells<'_>) -> Vec<Claimed> {
    let own = |(column, beside, cell)| (beside == Beside::Issue).then_some((column, cell));
    let found = cells.claiming().find_map(own);
    let Some((column, cell)) = found else { return Vec::new() };
    let number = clean(&cell.text, Sort::Code).unwrap_or_else(|_| cell.text.trim().to_owned());
    if is_nothing(&number) {
        return Vec::new();
    }
    let of = Whose::Issue(number.clone());
    let is_revisit =
        cells.optional(Field::VisitKind).and_then(VisitKind::read) == Some(VisitKind::Revisit);
    let mut said = vec![
        (What::IssueNumber, number),
        (What::SubjectNumber, cells.optional(Field::Subject).unwrap_or_default().to_owned()),
        (What::Resident, cells.optional(Field::Resident).unwrap_or_default().to_owned()),
    ];
    let text = |field| cells.optional(field).unwrap_or_default().to_owned();
    if !is_revisit {
        said.extend([(What::VisitedOn, text(Field::Date)), (What::Text, text(Field::Text))]);
    }
    let claimed = |(what, told): (What, String)| {
        // A day as a program counts it is somebody else's to read.
        let is_day = what == What::VisitedOn && told.parse::<f64>().is_err();
        let on = read_time(&told).filter(|_| is_day).map(|at| at.date());
        let claim = Claim { of: of.clone(), what, told, on, state: None, has_result: false };
        let place = cells.remark_at(column, String::new());
        Claimed { claim, place, kind: cells.kind(), is_read: false }
    };
    said.into_iter().map(claimed).collect()
}

/// The same of what a row turned out to be about.
pub(super) fn claims_about(cells: &mut Cells<'_>, of: &Whose) -> Vec<Claimed> {
    let kind = cells.kind();
    let state = cells.optional(Field::State).and_then(State::read);
    let result = cells.optional(Field::Result).unwrap_or_default();
    let has_result = of_result(result) == Saying::Something && !result.is_empty();
    let claim =
        |what, told: String, on| Claim { of: of.clone(), what, told, on, state, has_result };
    let mut claims: Vec<(Claim, usize)> = Vec::new();
    let described = cells.described().map(|(column, cell)| (column, What::Description, cell));
    let beside = cells.claiming().filter_map(|(column, beside, cell)| match beside {
        Beside::Of(what) => Some((column, what, cell)),
        Beside::Person | Beside::Issue => None,
    });
    for (column, what, cell) in beside.chain(described) {
        let Ok(told) = clean(&cell.text, sort_of(what)) else { continue };
        let is_hidden = told.contains('*') || ["XX", "某某"].iter().any(|x| told.contains(x));
        if cell.flaw.is_some() || is_nothing(&told) || is_hidden {
            continue;
        }
        let is_number = matches!(cell.held, Held::Number(_) | Held::Disguised(_));
        let on = read_time(&told).filter(|_| !is_number).map(|at| at.date());
        claims.push((claim(what, told, on), column));
    }
    for (field, column) in cells.standing() {
        let told = cells.optional(field).unwrap_or_default();
        match (field, told.is_empty()) {
            (Field::State, false) => {
                let what = match kind {
                    Kind::IssueList => What::State,
                    _ => What::StateShown,
                };
                claims.push((claim(what, told.to_owned(), None), column));
            }
            (Field::State, true) => {}
            (_, true) => claims.push((claim(What::Class, String::new(), None), column)),
            (_, false) => {}
        }
    }
    for (field, column) in cells.done_on() {
        let told = cells.optional(field).unwrap_or_default().to_owned();
        let on = cells.day(field);
        claims.extend(on.map(|on| (claim(What::DoneOn, told, Some(on)), column)));
    }
    let claimed = |(claim, column): (Claim, usize)| {
        let place = cells.remark_at(column, String::new());
        let is_read = claim.what == What::Description && cells.reads(column);
        Claimed { claim, place, kind, is_read }
    };
    claims.into_iter().map(claimed).collect()
}

/// A person's number beside their name must be theirs.
fn check_person(cells: &mut Cells<'_>, people: &People) {
    let Some(field) = person_of(cells.kind()) else { return };
    let Some(person) = cells.optional(field).and_then(|text| people.known(text)) else { return };
    let wrong: Vec<(usize, String)> = cells
        .claiming()
        .filter(|(_, beside, _)| *beside == Beside::Person)
        .filter_map(|(column, _, cell)| {
            let told = clean(&cell.text, Sort::Code).ok()?;
            let is_theirs = told.eq_ignore_ascii_case(&person.number) || is_nothing(&told);
            (!is_theirs).then_some((column, told))
        })
        .collect();
    for (column, told) in wrong {
        let name = cells.kind().name_of(field);
        let column_name = cells.column_name(column).to_owned();
        let text = format!(
            "写的是「{}」，而「{}」的人员编号是「{}」：请核对这一行的「{name}」，像是有一列单独排过序或错了行；这一列确实不相干的，请在导入命令后加 --ignore-column {column_name}",
            short(&told),
            person.name,
            person.number
        );
        let error = cells.remark_at(column, text);
        cells.errors.push(error);
    }
}

impl Claimed {
    /// Puts subjects' own numbers in the place of those of their forms.
    pub fn by_own_number(&mut self, own: &HashMap<String, String>) {
        let Claim { of, what, told, .. } = &mut self.claim;
        if let Whose::Subject(number) = of
            && let Some(own) = own.get(number)
        {
            number.clone_from(own);
        }
        if *what == What::SubjectNumber
            && let Some(own) = own.get(told)
        {
            told.clone_from(own);
        }
    }
}

/// What is wrong with what rows say beside their numbers, and what is only worth a word.
pub(super) async fn judge(
    claimed: Vec<Claimed>,
    session: &mut Session,
) -> Result<(Vec<RowError>, Vec<RowError>), StoreError> {
    let claims: Vec<Claim> = claimed.iter().map(|claimed| claimed.claim.clone()).collect();
    let found = disagreements(session, &claims).await?;
    let (mut errors, mut remarks) = (Vec::new(), Vec::new());
    for (claimed, found) in claimed.into_iter().zip(found) {
        let mut place = claimed.place.clone();
        match found {
            None => {}
            Some(Disagrees::Remark(text)) => {
                place.message = text;
                remarks.push(place);
            }
            Some(Disagrees::Standing(text)) => {
                let own = match claimed.claim.what {
                    What::IssueNumber => format!(
                        "；这一列是本单位自己编的号的，请在导入命令后加 --ignore-column {}",
                        place.name
                    ),
                    _ => String::new(),
                };
                place.message = format!("{text}{own}");
                errors.push(place);
            }
            Some(Disagrees::Known(known)) => {
                place.message = other(&claimed, &known);
                errors.push(place);
            }
        }
    }
    Ok((errors, remarks))
}

fn other(claimed: &Claimed, known: &str) -> String {
    let Claimed { claim, place, kind, is_read } = claimed;
    if let (Kind::Visits, Whose::Issue(number)) = (kind, &claim.of) {
        let column = match claim.what {
            What::SubjectNumber => Field::Subject,
            What::Resident => Field::Resident,
            What::VisitedOn => Field::Date,
            _ => Field::Text,
        };
        let (told, known) = (short(&claim.told), short(known));
        return format!(
            "「{number}」登记的{column}是「{known}」，这一行写的是「{told}」：就是那一件的请照登记的写，是新反映的问题请清空这一格；整列只给人看的，请在导入命令后加 --ignore-column {}",
            place.name
        );
    }
    let (Whose::Subject(number)
    | Whose::Issue(number)
    | Whose::Drawn(number)
    | Whose::Area(number)) = &claim.of;
    let key = key_of(*kind).map(|key| kind.name_of(key)).unwrap_or_default();
    let cure = match is_read {
        true => "编号没有错的，请删掉这一列".to_owned(),
        false => {
            format!("编号没有错、这一列只给人看的，请在导入命令后加 --ignore-column {}", place.name)
        }
    };
    // What is wrong with a return is told in notices: who it's about and what they said isn't.
    let differs = match *kind == Kind::Returns && claim.what.is_personal() {
        true => format!("写的和「{number}」登记的不一样"),
        false => {
            let (told, known) = (short(&claim.told), short(known));
            format!("写的是「{told}」，而「{number}」登记的是「{known}」")
        }
    };
    format!("{differs}：请核对这一行的「{key}」，像是有一列单独排过序或错了行；{cure}")
}
