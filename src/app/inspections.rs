//! 入户抽查 (四(三)): of what was drawn (`draws`), what an inspector finds stands beside what the visitor wrote; what differs
//! is the affair of whoever stands above the visitor.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::casework::{self, From};
use super::problem::{About, Outcome, Outcomes, Problem, all_well};
use crate::db::personal;
use crate::db::{
    AreaTree, InspectionCheck, InspectionRow, Result, Session, StaffMember, StoreError,
    SubjectPlace, Tx, Upsert,
};
use crate::domain::inspection::{Finding, answers_for, may_answer};
use crate::domain::rights::Right;
use crate::domain::staff::Role;

/// What a row tells of something that was drawn: what was found, or what came of that.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Inspected {
    pub number: String,
    pub check: Option<Check>,
    pub answer: Option<Answer>,
}

/// What was found, by whom and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    pub on: Date,
    pub by: String,
    pub finding: Finding,
    pub text: Option<String>,
}

/// What came of a difference.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    pub by: String,
    pub text: String,
}

/// What these rows would do.
pub async fn check(session: &mut Session, rows: &[Inspected]) -> Result<Outcomes> {
    Ok(decide(session, rows).await?.outcomes)
}

/// Records what was found and what came of it. Nothing where any is wrong.
pub async fn put(tx: &mut Tx, rows: &[Inspected]) -> Result<Outcomes> {
    let decided = decide(tx, rows).await?;
    if !all_well(&decided.outcomes) || decided.checks.is_empty() {
        return Ok(decided.outcomes);
    }
    tx.put_checks(&decided.checks).await?;
    for (act, number, by) in &decided.acts {
        tx.audit(by, act, number, &serde_json::json!({})).await?;
    }
    let subjects: Vec<&str> = decided.subjects.iter().map(String::as_str).collect();
    let places = tx.subject_places(&subjects).await?;
    rederive(tx, &subjects).await?;
    super::areas::inspected(tx, places.into_iter().map(|place| place.area_id)).await?;
    Ok(decided.outcomes)
}

/// What is owed at these subjects follows.
pub(super) async fn rederive(tx: &mut Tx, subjects: &[&str]) -> Result<()> {
    casework::rederive(tx, subjects, From::Row, "inspection").await
}

/// What rows would do.
#[derive(Default)]
struct Decided {
    outcomes: Outcomes,
    checks: Vec<InspectionCheck>,
    /// What is audited: the act, the number, and who did it.
    acts: Vec<(&'static str, String, String)>,
    subjects: HashSet<String>,
}

async fn decide(session: &mut Session, rows: &[Inspected]) -> Result<Decided> {
    let numbers: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    let known = session.inspections_numbered(&numbers).await?;
    let known: HashMap<&str, &InspectionRow> =
        known.iter().map(|row| (row.number.as_str(), row)).collect();
    let subjects: Vec<&str> = known.values().map(|row| row.subject_id.as_str()).collect();
    let places: HashMap<String, SubjectPlace> = session
        .subject_places(&subjects)
        .await?
        .into_iter()
        .map(|place| (place.id.clone(), place))
        .collect();
    let staff: HashMap<String, StaffMember> =
        session.staff().await?.into_iter().map(|person| (person.id.clone(), person)).collect();
    let tree = session.area_tree().await?;
    let mut decided = Decided::default();
    for row in rows {
        let Some(of) = known.get(row.number.as_str()) else {
            let text = format!(
                "没有编号「{}」的抽查；要登记没有抽到的，请用走访记录表（走访类型填入户抽查）",
                row.number
            );
            decided.outcomes.push(Err(Problem::new(About::Inspection, text)));
            continue;
        };
        let place = places.get(&of.subject_id);
        let case = Case {
            of,
            area: place.map_or("", |place| &place.area_id),
            visitor: place.and_then(|place| place.visitor.as_ref()).and_then(|id| staff.get(id)),
            staff: &staff,
            tree: &tree,
            now: session.now(),
            today: session.today(),
        };
        let outcome = case.take(session, row, &mut decided)?;
        decided.outcomes.push(outcome);
    }
    Ok(decided)
}

/// One that was drawn, and what its row is judged by.
struct Case<'c> {
    of: &'c InspectionRow,
    /// Where it is.
    area: &'c str,
    visitor: Option<&'c StaffMember>,
    staff: &'c HashMap<String, StaffMember>,
    tree: &'c AreaTree,
    now: i64,
    today: Date,
}

impl Case<'_> {
    fn take(&self, session: &Session, row: &Inspected, decided: &mut Decided) -> Result<Outcome> {
        let mut change = InspectionCheck { id: self.of.id.clone(), ..InspectionCheck::default() };
        let mut difference = self.of.difference()?.is_some();
        let mut is_new = false;
        if let Some(check) = &row.check {
            match self.found(session, check, &mut change)? {
                Err(problem) => return Ok(Err(problem)),
                Ok(new) => is_new |= new,
            }
            difference |= change.answer_role.is_some();
            if is_new {
                decided.acts.push(("inspect", row.number.clone(), self.signed(&check.by)));
            }
        }
        if let Some(answer) = &row.answer {
            match self.answered(session, answer, difference, &mut change)? {
                Err(problem) => return Ok(Err(problem)),
                Ok(new) => {
                    is_new |= new;
                    if new {
                        let by = self.signed(&answer.by);
                        decided.acts.push(("answer_inspection", row.number.clone(), by));
                    }
                }
            }
        }
        if is_new {
            decided.checks.push(change);
            decided.subjects.insert(self.of.subject_id.clone());
        }
        Ok(Ok(if is_new { Upsert::Added.into() } else { Upsert::Same.into() }))
    }

    fn signed(&self, id: &str) -> String {
        self.staff.get(id).map(StaffMember::signed).unwrap_or_default()
    }

    /// What an inspector found: theirs alone counts, and it's told once.
    fn found(
        &self,
        session: &Session,
        check: &Check,
        change: &mut InspectionCheck,
    ) -> Result<std::result::Result<bool, Problem>> {
        let problem = |about, text: String| Ok(Err(Problem::new(about, text)));
        let number = &self.of.number;
        let person = self.staff.get(&check.by);
        if person.is_none_or(|person| !person.roles.contains(&Role::Inspector)) {
            let text =
                format!("抽查只能由督导组的人登记：{}不是督导组人员", self.signed(&check.by));
            return problem(About::Inspector, text);
        }
        if self.visitor.is_some_and(|visitor| visitor.id == check.by) {
            let text = format!("「{number}」是抽查人自己走访的，不能由本人抽查");
            return problem(About::Inspector, text);
        }
        if check.on > self.today || check.on < self.of.drawn_on()? {
            let text = format!("抽查日期 {} 早于抽样或晚于今天，请核对", check.on);
            return problem(About::Date, text);
        }
        if check.finding.is_difference() && check.text.is_none() {
            let text = format!("「{}」要写明抽查情况：在哪里与走访记录不一样", check.finding);
            return problem(About::Found, text);
        }
        if let Some(known) = self.of.finding()? {
            let (found, _) = self.of.open(session.context())?;
            let same = known == check.finding
                && self.of.checked_on.as_deref() == Some(&check.on.to_string())
                && (check.text.is_none() || check.text == found);
            if same {
                return Ok(Ok(false));
            }
            let on = self.of.checked_on.as_deref().unwrap_or_default();
            let text =
                format!("「{number}」{on} 已登记为「{known}」，不能改写：有出入请写进核实结果");
            return problem(About::Inspection, text);
        }
        change.checked_on = Some(check.on.to_string());
        change.checked_by = Some(check.by.clone());
        change.finding = Some(check.finding.code());
        change.found_sealed = session.context().seal_optional(
            personal::INSPECTION_FOUND,
            &self.of.id,
            check.text.as_deref(),
        )?;
        change.recorded_at = Some(self.now);
        let role = answers_for(self.visitor).code();
        change.answer_role = check.finding.is_difference().then_some(role);
        Ok(Ok(true))
    }

    /// What came of a difference, by somebody above the visitor.
    fn answered(
        &self,
        session: &Session,
        answer: &Answer,
        difference: bool,
        change: &mut InspectionCheck,
    ) -> Result<std::result::Result<bool, Problem>> {
        let problem = |about, text: String| Ok(Err(Problem::new(about, text)));
        let number = &self.of.number;
        if !difference {
            let text = format!("「{number}」没有登记与走访记录不符的，不用核实");
            return problem(About::Inspection, text);
        }
        if self.of.answered_at.is_some() {
            let (_, known) = self.of.open(session.context())?;
            if known.as_ref() == Some(&answer.text) {
                return Ok(Ok(false));
            }
            return problem(About::Inspection, format!("「{number}」已经核实过，不能改写"));
        }
        let may = |person| may_answer(person, self.visitor, self.tree, self.area);
        if !self.staff.get(&answer.by).is_some_and(may) {
            let text = format!(
                "{}不能核实这件：要由走访人的上级（{}）核实，不能由走访人本人核实",
                self.signed(&answer.by),
                Right::AnswerInspection.roles_in_words()
            );
            return problem(About::Answerer, text);
        }
        change.answered_by = Some(answer.by.clone());
        change.answer_sealed = session.context().seal_optional(
            personal::INSPECTION_ANSWER,
            &self.of.id,
            Some(&answer.text),
        )?;
        change.answered_at = Some(self.now);
        Ok(Ok(true))
    }
}

/// The inspection group, where there is one, was there on that day already: a rehearsal begins before the record did.
///
/// # Errors
/// Where the record can't be written.
pub async fn were_there(tx: &mut Tx, on: Date) -> Result<()> {
    if tx.inspectors_since().await?.is_none_or(|since| since <= on) {
        return Ok(());
    }
    tx.inspected_from(on).await?;
    super::areas::inspected(tx, std::iter::empty()).await
}

/// Notes what an inspector saw on a day: the day's inspection is done.
///
/// # Errors
/// [`StoreError::Rule`] where the day is still to come.
pub async fn note(tx: &mut Tx, on: Date, by: &StaffMember, text: &str) -> Result<()> {
    tx.campaign().has_been(on, tx.today()).map_err(StoreError::Rule)?;
    tx.add_inspection_note(on, &by.id, text).await?;
    tx.audit(&by.signed(), "note_inspection", &on.to_string(), &serde_json::json!({})).await?;
    super::areas::inspected(tx, std::iter::empty()).await
}
