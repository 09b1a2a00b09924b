//! Printed visit forms bear a number that brings them back to their subjects: tables may have it in the place of the subject's own.

use std::collections::HashMap;

use super::batch::Batch;
use super::subjects::places;
use crate::db::{Result, Session};

/// Puts subjects' own numbers in the place of those of their forms, where no subject has that very number; gives the own numbers
/// by the forms'.
pub async fn put_own_numbers(
    session: &mut Session,
    batch: &mut Batch,
) -> Result<HashMap<String, String>> {
    let plan = session.campaign();
    let told: HashMap<String, String> = numbers(batch)
        .into_iter()
        .filter_map(|number| Some((number.clone(), plan.number_on_form(number)?.to_owned())))
        .collect();
    if told.is_empty() {
        return Ok(told);
    }
    let asked: Vec<&str> = told.iter().flat_map(|(form, own)| [&**form, &**own]).collect();
    let known = places(session, &asked).await?;
    let is_form =
        |form: &String, own: &String| !known.contains_key(form) && known.contains_key(own);
    let own: HashMap<String, String> =
        told.into_iter().filter(|(form, own)| is_form(form, own)).collect();
    for number in numbers(batch) {
        if let Some(own) = own.get(number) {
            number.clone_from(own);
        }
    }
    Ok(own)
}

/// The subjects' numbers in what may come from a form, or is about known subjects.
fn numbers(batch: &mut Batch) -> Vec<&mut String> {
    match batch {
        Batch::Assignments(rows) => rows.iter_mut().map(|row| &mut row.subject_number).collect(),
        Batch::Visits(rows) => rows.iter_mut().map(|row| &mut row.subject_number).collect(),
        Batch::Residents(rows) => rows.iter_mut().map(|row| &mut row.subject_number).collect(),
        Batch::States(rows) => rows.iter_mut().map(|row| &mut row.subject_number).collect(),
        _ => Vec::new(),
    }
}
