//! Assignments 责任田: one visitor for each subject, fixed (一访到底, plan 二(三)).

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::casework::{Files, From, RuleBook, rederive};
use super::near::{hint_near, no_subject};
use super::problem::{About, Did, Outcome, Outcomes, Problem, all_well, only};
use super::subjects::{area_of, places};
use crate::db::{
    Act, NewAssignment, Result, Session, StoreError, SubjectIn, SubjectPlace, Tx, Upsert,
};
use crate::domain::staff::StaffMember;
use crate::domain::subject::SubjectKind;

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
    write(tx, outcomes, assigned).await
}

async fn write(tx: &mut Tx, outcomes: Outcomes, assigned: Vec<SubjectPlace>) -> Result<Outcomes> {
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
    let left = left_of(session, rows.iter().map(|row| &row.staff_id)).await?;
    let mut decided = Decided { outcomes: Vec::new(), assigned: Vec::new() };
    for row in rows {
        let outcome = match known.get_mut(&row.subject_number) {
            None => Err(no_subject(&row.subject_number)),
            Some(place) => match &place.visitor {
                Some(visitor) if *visitor == row.staff_id => Ok(Upsert::Same.into()),
                Some(visitor) => Err(Problem::new(
                    About::Subject,
                    format!(
                        "「{}」已固定由「{}」走访，一访到底，中途不得更换；确需更换请用 `zoufang reassign`，写明批准人和原因",
                        row.subject_number,
                        names.get(visitor).map(String::as_str).unwrap_or_default()
                    ),
                )),
                None if left.contains(&row.staff_id) => Err(has_left()),
                None => {
                    place.visitor = Some(row.staff_id.clone());
                    decided.assigned.push(place.clone());
                    Ok(Upsert::Added.into())
                }
            },
        };
        decided.outcomes.push(outcome);
    }
    hint_near(session, &numbers, &mut decided.outcomes).await?;
    Ok(decided)
}

/// Who of these left: nobody is given to them.
async fn left_of(
    session: &mut Session,
    people: impl Iterator<Item = &String>,
) -> Result<HashSet<String>> {
    let people: HashSet<&str> = people.map(String::as_str).collect();
    session.left_among(&people.into_iter().collect::<Vec<_>>()).await
}

fn has_left() -> Problem {
    Problem::new(
        About::Visitor,
        "已经离岗，不能再走访：请写在岗的人；又回来的，先在走访人员表里填上角色再导入",
    )
}

/// That somebody visits all subjects of an area and of those below it, or those of a kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AssignArea {
    pub area: String,
    pub kind: Option<SubjectKind>,
    pub staff_id: String,
}

/// What these assignments would do.
pub async fn check_areas(session: &mut Session, rows: &[AssignArea]) -> Result<Outcomes> {
    Ok(decide_areas(session, rows).await?.outcomes)
}

/// Gives every subject of the areas that has no visitor yet the one of its area; who is fixed stays. Nothing where any is
/// wrong.
pub async fn put_areas(tx: &mut Tx, rows: &[AssignArea]) -> Result<Outcomes> {
    let Decided { outcomes, assigned } = decide_areas(tx, rows).await?;
    write(tx, outcomes, assigned).await
}

async fn decide_areas(session: &mut Session, rows: &[AssignArea]) -> Result<Decided> {
    let tree = session.area_tree().await?;
    let mut decided =
        Decided { outcomes: vec![Ok(Upsert::Same.into()); rows.len()], assigned: Vec::new() };
    // The nearer an area, and the more is said of what is visited there, the sooner it counts.
    let mut claims = Vec::new();
    let left = left_of(session, rows.iter().map(|row| &row.staff_id)).await?;
    for (at, row) in rows.iter().enumerate() {
        match area_of(&tree, &row.area) {
            Ok(_) if left.contains(&row.staff_id) => decided.outcomes[at] = Err(has_left()),
            Ok(area) => {
                let depth = tree.upward(&area).count();
                claims.push((std::cmp::Reverse((row.kind.is_some(), depth)), at, area));
            }
            Err(problem) => decided.outcomes[at] = Err(problem),
        }
    }
    claims.sort();
    let (mut claimed, mut seen) = (HashSet::new(), HashMap::new());
    for (_, at, area) in claims {
        let row = &rows[at];
        let first = *seen.entry((area.clone(), row.kind)).or_insert(at);
        // The same person once more, of the same area by another name.
        if first != at && rows[first].staff_id == row.staff_id {
            continue;
        }
        if first != at {
            let text = format!(
                "「{}」已经给了别人：一个区域只能有一个走访人，要分给几个人请逐户写明（对象编号、走访人员）",
                row.area
            );
            decided.outcomes[at] = Err(Problem::new(About::Area, text));
            continue;
        }
        let of = HashSet::from([area.as_str()]);
        let areas: Vec<&str> = tree.below(&of).map(|area| area.id.as_str()).collect();
        let mut subjects = session.subjects_in(&areas).await?;
        subjects.retain(|subject| row.kind.is_none_or(|kind| kind.code() == subject.kind));
        decided.outcomes[at] = decided.claim(row, subjects, &mut claimed);
    }
    Ok(decided)
}

impl Decided {
    /// Gives subjects to whoever a row names, unless a nearer row has them, or they're fixed.
    fn claim(
        &mut self,
        row: &AssignArea,
        subjects: Vec<SubjectIn>,
        claimed: &mut HashSet<String>,
    ) -> Outcome {
        let area = &row.area;
        if subjects.is_empty() {
            let what = row.kind.map_or("走访对象", SubjectKind::chinese);
            let text = format!("「{area}」里还没有{what}，请先导入走访对象表");
            return Err(Problem::new(About::Area, text));
        }
        let (mut added, mut left) = (0, 0);
        let is_over = subjects.iter().all(|subject| subject.ended_on.is_some());
        for subject in subjects {
            // Nobody need be found for what isn't visited any more.
            if subject.ended_on.is_some() && subject.visitor.is_none() {
                continue;
            }
            if !claimed.insert(subject.id.clone()) {
                continue;
            }
            match &subject.visitor {
                Some(visitor) if *visitor == row.staff_id => {}
                Some(_) => left += 1,
                None => {
                    added += 1;
                    self.assigned.push(SubjectPlace {
                        id: subject.id,
                        number: subject.number,
                        area_id: subject.area_id,
                        visitor: Some(row.staff_id.clone()),
                        ended_on: None,
                    });
                }
            }
        }
        Ok(match (added, left) {
            (0, 0) if is_over => {
                let text = format!("「{area}」里的都已不再走访，没有要分的");
                Did::noted(Upsert::Same, About::Area, text)
            }
            (0, 0) => Upsert::Same.into(),
            (0, _) => {
                let text = "里面的对象都已固定由别人走访，一访到底，没有改动";
                Did::noted(Upsert::Same, About::Area, text)
            }
            (_, 0) => Upsert::Added.into(),
            (_, left) => {
                let text = format!("有 {left} 个对象已固定由别人走访，一访到底，没有改动");
                Did::noted(Upsert::Added, About::Area, text)
            }
        })
    }
}

/// Who visits a subject: their id.
///
/// # Errors
/// Where the record can't be read.
pub async fn visitor_of(session: &mut Session, subject_number: &str) -> Result<Option<String>> {
    let place = places(session, &[subject_number]).await?.remove(subject_number);
    Ok(place.and_then(|place| place.visitor))
}

/// Gives one subject its visitor on somebody's word: the first as an arrangement does, and another with why.
///
/// # Errors
/// As [`reassign`].
pub async fn give(
    tx: &mut Tx,
    subject_number: &str,
    visitor: &StaffMember,
    by: &str,
    reason: &str,
) -> Result<()> {
    if visitor_of(tx, subject_number).await?.is_some() {
        return reassign(tx, subject_number, &visitor.id, by, reason).await;
    }
    let staff_id = visitor.id.clone();
    only(put(tx, &[Assign { subject_number: subject_number.to_owned(), staff_id }]).await?)?;
    tx.audit(by, "assign_visitor", subject_number, &json!({ "visitor": visitor.number })).await
}

/// Gives the subject another visitor on a named person's word; what is still owed goes with it.
///
/// # Errors
/// As [`reassign_all`].
pub async fn reassign(
    tx: &mut Tx,
    subject_number: &str,
    staff_id: &str,
    by: &str,
    reason: &str,
) -> Result<()> {
    reassign_all(tx, &[subject_number], staff_id, by, reason).await
}

/// The same of several, for one reason: all of them or none, each with its entry in the audit.
///
/// # Errors
/// [`StoreError::Rule`] without a name or a reason, or where nobody visits one of them yet.
pub async fn reassign_all(
    tx: &mut Tx,
    numbers: &[&str],
    staff_id: &str,
    by: &str,
    reason: &str,
) -> Result<()> {
    if by.trim().is_empty() || reason.trim().is_empty() {
        return Err(StoreError::Rule("更换走访人必须写明批准人和原因".to_owned()));
    }
    let known = places(tx, numbers).await?;
    let numbers: BTreeSet<&str> = numbers.iter().copied().collect();
    let mut changes = Vec::new();
    for number in numbers {
        let place = known.get(number).ok_or_else(|| no_subject(number))?;
        let before = place.visitor.clone().ok_or_else(|| {
            StoreError::Rule(format!("「{number}」还没有走访人，请先导入走访安排表"))
        })?;
        if before == staff_id {
            return Err(StoreError::Rule(format!("「{number}」本来就由他走访，没有改动")));
        }
        changes.push((place, before));
    }
    if tx.left_among(&[staff_id]).await?.contains(staff_id) {
        return Err(has_left().into());
    }
    for (place, _) in &changes {
        tx.override_assignment(&place.id, staff_id, by, reason).await?;
    }
    let ids: Vec<&str> = changes.iter().map(|(place, _)| place.id.as_str()).collect();
    rederive(tx, &ids, From::Events, "record").await?;
    let after = tx.staff_called(staff_id).await?;
    for (place, before) in &changes {
        let before = tx.staff_called(before).await?;
        tx.audit_act(Act {
            by,
            action: "override_assignment",
            target: &place.number,
            detail: &json!({"reason": reason}),
            was: Some(&json!({"visitor": before.0})),
            became: Some(&json!({"visitor": after.0})),
        })
        .await?;
    }
    Ok(())
}
