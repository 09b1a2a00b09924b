//! What a row says beside the number that it's about: held against the record, so that a column that was sorted alone or a
//! row that slipped is asked about instead of believed.

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

/// A claim and the cell that makes it.
#[derive(Debug)]
pub(super) struct Claimed {
    claim: Claim,
    place: RowError,
    /// The column with the number.
    key: &'static str,
}

const fn sort_of(what: What) -> Sort {
    match what {
        What::Text | What::Address => Sort::Free,
        What::SubjectNumber | What::AreaCode => Sort::Code,
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
    let state = cells.optional(Field::State).and_then(State::read);
    let result = cells.optional(Field::Result).unwrap_or_default();
    let has_result = of_result(result) == Saying::Something && !result.is_empty();
    let claim =
        |what, told: String, on| Claim { of: of.clone(), what, told, on, state, has_result };
    let mut claims: Vec<(Claim, usize)> = Vec::new();
    for (column, beside, cell) in cells.claiming() {
        let Beside::Of(what) = beside else { continue };
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
    let key = kind.name_of(key);
    let claimed =
        |(claim, column)| Claimed { claim, place: cells.remark_at(column, String::new()), key };
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

/// What is wrong with what rows say beside their numbers, and what is only worth a word.
pub(super) async fn judge(
    claimed: Vec<Claimed>,
    session: &mut Session,
) -> Result<(Vec<RowError>, Vec<RowError>), StoreError> {
    let claims: Vec<Claim> = claimed.iter().map(|claimed| claimed.claim.clone()).collect();
    let found = disagreements(session, &claims).await?;
    let (mut errors, mut remarks) = (Vec::new(), Vec::new());
    for (Claimed { claim, mut place, key }, found) in claimed.into_iter().zip(found) {
        match found {
            None => {}
            Some(Disagrees::Remark(text)) => {
                place.message = text;
                remarks.push(place);
            }
            Some(Disagrees::Standing(text)) => {
                place.message = text;
                errors.push(place);
            }
            Some(Disagrees::Known(known)) => {
                place.message = other(&claim, &known, key, &place.name);
                errors.push(place);
            }
        }
    }
    Ok((errors, remarks))
}

fn other(claim: &Claim, known: &str, key: &str, column: &str) -> String {
    let (Whose::Subject(number)
    | Whose::Issue(number)
    | Whose::Drawn(number)
    | Whose::Area(number)) = &claim.of;
    format!(
        "写的是「{}」，而「{number}」登记的是「{}」：请核对这一行的「{key}」，像是有一列单独排过序或错了行；编号没有错、这一列只给人看的，请在导入命令后加 --ignore-column {column}",
        short(&claim.told),
        short(known)
    )
}
