//! Who is registered at a subject (群众名册), and why somebody there couldn't be heard.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::casework::{Files, From, ResidentFile, RuleBook};
use super::choices::Choices;
use super::near::{hint_near, no_subject};
use super::problem::{About, Outcome, Outcomes, Problem, all_well};
use super::subjects::places;
use super::told::{Told, blank_over};
use crate::db::personal;
use crate::db::{
    Context, NewResident, OpenWords, ResidentChange, ResidentRow, ResidentWords, Result, Session,
    Tx, Upsert, VisitCounts,
};

/// Somebody who is registered at a subject.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registered {
    pub subject_number: String,
    pub name: String,
    #[serde(default)]
    pub contact: Told<String>,
    /// Why they couldn't be heard.
    #[serde(default)]
    pub unheard: Told<String>,
    #[serde(default)]
    pub choices: Choices,
}

#[derive(Default)]
struct Registrations {
    outcomes: Outcomes,
    files: Files,
    added: Vec<NewResident>,
    changed: Vec<ResidentChange>,
}

/// What registering these people would do.
pub async fn check_registered(session: &mut Session, rows: &[Registered]) -> Result<Outcomes> {
    let book = RuleBook::read(session).await?;
    Ok(decide_registered(session, rows, &book).await?.outcomes)
}

/// Registers people at subjects, and why they couldn't be heard where that is known: a household counts as
/// visited when everybody registered there was heard, or it's recorded why not. Nothing where any is wrong.
pub async fn register(tx: &mut Tx, rows: &[Registered]) -> Result<Outcomes> {
    let book = RuleBook::read(tx).await?;
    let decided = decide_registered(tx, rows, &book).await?;
    if all_well(&decided.outcomes) {
        tx.add_residents(&decided.added).await?;
        tx.change_residents(&decided.changed).await?;
        decided.files.write(tx, &book, "record").await?;
    }
    Ok(decided.outcomes)
}

async fn decide_registered(
    session: &mut Session,
    rows: &[Registered],
    book: &RuleBook,
) -> Result<Registrations> {
    let numbers: Vec<&str> = rows.iter().map(|row| row.subject_number.as_str()).collect();
    let known = places(session, &numbers).await?;
    let known_of = session.told_at(&numbers).await?;
    let files = Files::of(session, known.into_values().collect(), From::Row, book).await?;
    let mut decided = Registrations { files, ..Registrations::default() };
    let (now, context) = (session.now(), session.shared_context());
    for row in rows {
        let place =
            decided.files.subjects.iter().position(|f| f.place.number == row.subject_number);
        let outcome = match place {
            None => Err(no_subject(&row.subject_number)),
            Some(at) => decided.register(at, row, &known_of, &context, now)?,
        };
        decided.outcomes.push(outcome);
    }
    hint_near(session, &numbers, &mut decided.outcomes).await?;
    Ok(decided)
}

impl Registrations {
    /// Registers somebody at the subject of this place among the files.
    fn register(
        &mut self,
        at: usize,
        row: &Registered,
        known_of: &HashMap<String, ResidentWords>,
        context: &Context,
        now: i64,
    ) -> Result<Outcome> {
        let file = &mut self.files.subjects[at];
        let natural_key = context.sealer.index(&[&file.place.id, &row.name]);
        let known = file.residents.iter_mut().find(|r| r.row.natural_key == natural_key);
        let Some(resident) = known else {
            let id = context.id();
            let (contact, unheard) = (row.contact.of_new(), row.unheard.of_new());
            let (contact_sealed, unheard_sealed) =
                sealed(context, &id, contact.as_deref(), unheard.as_deref())?;
            let new = NewResident {
                subject_id: file.place.id.clone(),
                natural_key,
                name_sealed: context.seal(personal::RESIDENT_NAME, &id, &row.name)?,
                name_key: context.name_key(&row.name),
                contact_sealed,
                contact_key: context.contact_key(contact.as_deref()),
                registered: 1,
                unheard_sealed,
                id,
                created_at: now,
            };
            file.residents.push(new_resident(&new, i64::from(new.unheard_sealed.is_some())));
            self.added.push(new);
            return Ok(Ok(Upsert::Added.into()));
        };
        let words = known_of.get(&resident.row.id).cloned().unwrap_or_default().open(context)?;
        let (contact, unheard) = match told_of(row, &words) {
            Ok(told) => told,
            Err(problem) => return Ok(Err(problem)),
        };
        let was = resident.row.registered != 0;
        let same = words.contact == contact && words.unheard == unheard;
        (resident.row.registered, resident.row.excused) = (1, i64::from(unheard.is_some()));
        if !(was && same) {
            let id = resident.row.id.clone();
            let (contact_sealed, unheard_sealed) =
                sealed(context, &id, contact.as_deref(), unheard.as_deref())?;
            self.changed.push(ResidentChange {
                id,
                clears_contact: i64::from(contact.is_none()),
                contact_sealed,
                contact_key: context.contact_key(contact.as_deref()),
                registered: Some(1),
                unheard_sealed,
            });
        }
        let upsert = match (was, same) {
            (true, true) => Upsert::Same,
            (false, _) => Upsert::Added,
            (true, false) => Upsert::Changed,
        };
        Ok(Ok(upsert.into()))
    }
}

/// A resident's contact and why they couldn't be heard, sealed.
fn sealed(
    context: &Context,
    id: &str,
    contact: Option<&str>,
    unheard: Option<&str>,
) -> Result<(Option<String>, Option<String>)> {
    Ok((
        context.seal_optional(personal::RESIDENT_CONTACT, id, contact)?,
        context.seal_optional(personal::RESIDENT_UNHEARD, id, unheard)?,
    ))
}

/// A resident's contact and excuse once the row is taken, or what is asked.
fn told_of(
    row: &Registered,
    known: &OpenWords,
) -> std::result::Result<(Option<String>, Option<String>), Problem> {
    if let (Told::Is(told), Some(known)) = (&row.contact, &known.contact) {
        row.choices.same_person(&row.name, known, told)?;
    }
    let blank = |about, what| move || Problem::new(about, blank_over(what));
    let contact = row.contact.over(known.contact.as_ref());
    let unheard = row.unheard.over(known.unheard.as_ref());
    Ok((
        contact.ok_or_else(blank(About::Contact, "联系方式"))?,
        unheard.ok_or_else(blank(About::Unheard, "未走访原因"))?,
    ))
}

/// Somebody who wasn't known yet, as they stand in their subject's file.
pub(super) fn new_resident(row: &NewResident, excused: i64) -> ResidentFile {
    ResidentFile {
        row: ResidentRow {
            id: row.id.clone(),
            subject_id: row.subject_id.clone(),
            natural_key: row.natural_key.clone(),
            registered: row.registered,
            excused,
            answer: None,
            answered_on: None,
        },
        visits: VisitCounts::default(),
    }
}
