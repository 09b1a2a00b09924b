//! Assignments 责任田: one visitor for each subject, fixed (一访到底, plan 二(三)).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::casework::{Files, From, RuleBook};
use super::problem::{About, Outcomes, Problem, all_well};
use super::subjects::{no_subject, places};
use crate::db::{NewAssignment, Result, Session, StoreError, SubjectPlace, Tx, Upsert};

/// That somebody visits a subject.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Assign {
    pub subject_number: String,
    pub staff_id: String,
}

struct Decided {
    outcomes: Outcomes,
    /// The subjects that get their visitor, as they are with it.
    assigned: Vec<SubjectPlace>,
}

/// What these assignments would do.
pub async fn check(session: &mut Session, rows: &[Assign]) -> Result<Outcomes> {
    Ok(decide(session, rows).await?.outcomes)
}

/// Gives subjects their visitors. The same pair again changes nothing; another visitor is refused. Nothing where any is
/// wrong.
pub async fn put(tx: &mut Tx, rows: &[Assign]) -> Result<Outcomes> {
    let Decided { outcomes, assigned } = decide(tx, rows).await?;
    if !all_well(&outcomes) || assigned.is_empty() {
        return Ok(outcomes);
    }
    let (now, context) = (tx.now(), tx.context());
    let new = |place: &SubjectPlace| NewAssignment {
        id: context.id(),
        subject_id: place.id.clone(),
        staff_id: place.visitor.clone().unwrap_or_default(),
        created_at: now,
    };
    let new: Vec<NewAssignment> = assigned.iter().map(new).collect();
    tx.add_assignments(&new).await?;
    let book = RuleBook::read(tx).await?;
    let files = Files::of(tx, assigned, From::Row, &book).await?;
    files.write(tx, &book, "record").await?;
    Ok(outcomes)
}

async fn decide(session: &mut Session, rows: &[Assign]) -> Result<Decided> {
    let numbers: Vec<&str> = rows.iter().map(|row| row.subject_number.as_str()).collect();
    let mut known = places(session, &numbers).await?;
    let others = known.values().filter_map(|place| place.visitor.clone()).collect::<Vec<_>>();
    let names: HashMap<String, String> = if others.is_empty() {
        HashMap::new()
    } else {
        session.staff().await?.into_iter().map(|person| (person.id, person.name)).collect()
    };
    let mut decided = Decided { outcomes: Vec::new(), assigned: Vec::new() };
    for row in rows {
        let outcome = match known.get_mut(&row.subject_number) {
            None => Err(no_subject(&row.subject_number)),
            Some(place) => match &place.visitor {
                Some(visitor) if *visitor == row.staff_id => Ok(Upsert::Same),
                Some(visitor) => Err(Problem::new(
                    About::Subject,
                    format!(
                        "「{}」已固定由「{}」走访，一访到底，中途不得更换；确需更换请用 `zoufang reassign`，写明批准人和原因",
                        row.subject_number,
                        names.get(visitor).map(String::as_str).unwrap_or_default()
                    ),
                )),
                None => {
                    place.visitor = Some(row.staff_id.clone());
                    decided.assigned.push(place.clone());
                    Ok(Upsert::Added)
                }
            },
        };
        decided.outcomes.push(outcome);
    }
    Ok(decided)
}

/// Gives the subject another visitor on a named person's word; what is still owed goes with it.
///
/// # Errors
/// [`StoreError::Rule`] without a name or a reason, or where nobody visits it yet.
pub async fn reassign(
    tx: &mut Tx,
    subject_number: &str,
    staff_id: &str,
    by: &str,
    reason: &str,
) -> Result<()> {
    if by.trim().is_empty() || reason.trim().is_empty() {
        return Err(StoreError::Rule("更换走访人必须写明批准人和原因".to_owned()));
    }
    let place = places(tx, &[subject_number]).await?.remove(subject_number);
    let place = place.ok_or_else(|| no_subject(subject_number))?;
    let before = place.visitor.ok_or_else(|| {
        StoreError::Rule(format!("「{subject_number}」还没有走访人，请先导入走访安排表"))
    })?;
    tx.override_assignment(&place.id, staff_id, by, reason).await?;
    super::subjects::rederive(tx, &[&place.id]).await?;
    let detail = serde_json::json!({"from": before, "to": staff_id, "reason": reason});
    tx.audit(by, "override_assignment", subject_number, &detail).await
}
