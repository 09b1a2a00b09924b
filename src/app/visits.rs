//! Visits 走访 are recorded: what was heard, and all that follows from it.

use std::collections::{HashMap, HashSet};

use super::answered_before::AnswerPutRight;
use super::casework::{Files, From, RuleBook};
use super::choices::Alike;
use super::endings::keeps_from_visit;
use super::met_before::{ask_of_elsewhere, told_of_elsewhere, told_of_renamed};
use super::near::{hint_near, no_subject};
use super::problem::{About, Did, Outcome, Outcomes, Problem, all_well};
use super::subjects::places;
pub use super::visit_answers::said_at_revisits;
use super::visit_desk::{Decided, Desk};
use super::visit_rows::may_visit;
pub use super::visit_rows::{Heard, NewIssue, NewVisit};
use crate::db::{
    Act, CorrectedIssue, CorrectedVisit, NumberOf, RenamedResident, Result, Session, SubjectPlace,
    Tx, Upsert,
};
use crate::domain::visit::VisitKind;

/// What these visits would do.
pub async fn check(session: &mut Session, rows: &[NewVisit]) -> Result<Outcomes> {
    let book = RuleBook::read(session).await?;
    Ok(decide(session, rows, &book).await?.outcomes)
}

/// Records visits with what follows: duties met and owed, an issue, its referral, its end. Nothing where any is wrong.
pub async fn record(tx: &mut Tx, rows: &[NewVisit]) -> Result<Outcomes> {
    let book = RuleBook::read(tx).await?;
    let mut decided = decide(tx, rows, &book).await?;
    if all_well(&decided.outcomes) {
        number_issues(tx, &mut decided).await?;
        write(tx, &decided, &book).await?;
    }
    Ok(decided.outcomes)
}

/// Gives new issues their numbers, in the order in which they came; those that come in again after a backup was restored
/// get the ones that they had.
async fn number_issues(tx: &mut Tx, decided: &mut Decided) -> Result<()> {
    if decided.issues.is_empty() {
        return Ok(());
    }
    let identities: Vec<&str> = decided.issues.iter().map(|i| i.identity.as_str()).collect();
    let mut lost = tx.lost_numbers(&identities).await?;
    let mut taken = HashSet::new();
    let had = identities.iter().map(|identity| {
        lost.get_mut(*identity)?.extract_if(.., |had| taken.insert(had.clone())).next()
    });
    let had: Vec<Option<String>> = had.collect();
    let new = had.iter().filter(|had| had.is_none()).count();
    let first = tx.next_values("issue", i64::try_from(new).unwrap_or(i64::MAX)).await?;
    let (mut fresh, mut numbers) = (first.., HashMap::new());
    for (issue, had) in decided.issues.iter_mut().zip(had) {
        issue.number = match had {
            Some(had) => had,
            None => format!("{}{:06}", issue.number, fresh.next().unwrap_or(first)),
        };
        numbers.insert(issue.id.clone(), issue.number.clone());
    }
    for referral in &mut decided.wanted.referrals {
        if let Some(number) = numbers.get(&referral.issue_id) {
            referral.number.clone_from(number);
        }
    }
    for change in &mut decided.wanted.changes {
        if let Some(number) = numbers.get(&change.id) {
            change.number.clone_from(number);
        }
    }
    Ok(())
}

/// By what issues are known again that are new, or whose words were put right.
fn identities(decided: &Decided) -> Vec<NumberOf> {
    let of = |number: &str, identity: &str, place: &str| NumberOf {
        number: number.to_owned(),
        identity: identity.to_owned(),
        place: place.to_owned(),
    };
    let new = decided.issues.iter().map(|new| of(&new.number, &new.identity, &new.place));
    let corrected = decided.corrected.iter().map(|did| of(&did.number, &did.identity, &did.place));
    new.chain(corrected).collect()
}

async fn write(tx: &mut Tx, decided: &Decided, book: &RuleBook) -> Result<()> {
    let now = tx.now();
    tx.add_residents(&decided.residents).await?;
    tx.change_residents(&decided.contacts).await?;
    tx.add_visits(&decided.visits).await?;
    tx.add_issues(&decided.issues).await?;
    tx.note_numbers(&identities(decided)).await?;
    tx.correct_visits(&decided.moved).await?;
    tx.correct_issues(&decided.corrected).await?;
    rename(tx, &decided.renamed).await?;
    for CorrectedVisit { id, visited_on, staff_id, was_on, .. } in &decided.moved {
        let (visitor, _) = tx.staff_called(staff_id).await?;
        tx.audit_act(Act {
            by: "import",
            action: "correct_visit",
            target: id,
            detail: &serde_json::json!({}),
            was: Some(&serde_json::json!({"on": was_on})),
            became: Some(&serde_json::json!({"on": visited_on, "visitor": visitor})),
        })
        .await?;
    }
    for CorrectedIssue { id, was, became, .. } in &decided.corrected {
        tx.audit_act(Act {
            by: "import",
            action: "correct",
            target: id,
            detail: &serde_json::json!({}),
            was: Some(&serde_json::json!({"text": was})),
            became: Some(&serde_json::json!({"text": became})),
        })
        .await?;
    }
    audit_answers(tx, &decided.put_right).await?;
    let new: HashSet<&str> = decided.issues.iter().map(|issue| issue.id.as_str()).collect();
    let issues = decided.files.subjects.iter().flat_map(|file| &file.issues);
    let moved = issues.filter(|issue| {
        let id = issue.facts.id.as_str();
        issue.owed.sequence > 0 && (decided.stepped.contains(id) || new.contains(id))
    });
    let projections: Vec<_> = moved.map(|issue| issue.projection(now)).collect();
    tx.project_issues(&projections).await?;
    decided.wanted.write(tx).await?;
    decided.files.write(tx, book, "record").await?;
    decided.wanted.owe_reports(tx).await?;
    if !decided.checked_areas.is_empty() {
        super::areas::inspected(tx, decided.checked_areas.iter().cloned()).await?;
    }
    Ok(())
}

/// Who put which answer right, and why.
async fn audit_answers(tx: &mut Tx, put_right: &[AnswerPutRight]) -> Result<()> {
    for right in put_right {
        let AnswerPutRight { subject, on, was, became, why, by } = right;
        tx.audit_act(Act {
            by: by.as_deref().unwrap_or("import"),
            action: "correct_answer",
            target: subject,
            detail: &serde_json::json!({"on": on, "reason": why}),
            was: Some(&serde_json::json!({"answer": was})),
            became: Some(&serde_json::json!({"answer": became})),
        })
        .await?;
    }
    Ok(())
}

/// Names of residents are put right, and what they asked for is known again by them.
async fn rename(tx: &mut Tx, renamed: &[RenamedResident]) -> Result<()> {
    tx.rename_residents(renamed).await?;
    for RenamedResident { id, issues, was, became, .. } in renamed {
        tx.note_numbers(issues).await?;
        tx.audit_act(Act {
            by: "import",
            action: "correct_name",
            target: id,
            detail: &serde_json::json!({}),
            was: Some(&serde_json::json!({"name": was})),
            became: Some(&serde_json::json!({"name": became})),
        })
        .await?;
    }
    Ok(())
}

async fn decide(session: &mut Session, rows: &[NewVisit], book: &RuleBook) -> Result<Decided> {
    let numbers: HashSet<&str> = rows.iter().map(|row| row.subject_number.as_str()).collect();
    let known = places(session, &numbers.into_iter().collect::<Vec<_>>()).await?;
    let of: Vec<SubjectPlace> = known.into_values().collect();
    let files = Files::of(session, of, From::Row, book).await?;
    let mut desk = Desk::new(session, files, rows, book).await?;
    desk.read_answers(session, rows).await?;
    for row in rows {
        let outcome = desk.take(row)?;
        desk.decided.outcomes.push(outcome);
    }
    let mut decided = desk.decided;
    let numbers: Vec<&str> = rows.iter().map(|row| row.subject_number.as_str()).collect();
    hint_near(session, &numbers, &mut decided.outcomes).await?;
    Ok(decided)
}

impl Desk<'_> {
    fn take(&mut self, row: &NewVisit) -> Result<Outcome> {
        let Some(&at) = self.files.get(&row.subject_number) else {
            return Ok(Err(no_subject(&row.subject_number)));
        };
        // What was recorded while somebody else was the visitor stays so.
        let is_new = self.known_visit(row).is_none() && !self.puts_answer_right(row);
        let place = &self.decided.files.subjects[at].place;
        if let Some(problem) = may_visit(row, place, &self.inspectors).filter(|_| is_new) {
            return Ok(Err(problem));
        }
        let ended_on = place.ended_on.as_deref().filter(|_| row.kind == VisitKind::First);
        if let Some(problem) = keeps_from_visit(&place.number, ended_on, row.visited_on) {
            return Ok(Err(problem));
        }
        let alike = row.choices.alike;
        if let Some(found) = self.suspects.elsewhere(row).filter(|_| alike != Alike::Another) {
            return Ok(match alike {
                Alike::Correction => Ok(told_of_elsewhere(found)),
                _ => Err(ask_of_elsewhere(found, row)),
            });
        }
        let (known, named) = (self.decided.contacts.len(), self.decided.renamed.len());
        let met = self.decided.residents.len();
        let resident = match self.meet(at, row)? {
            Ok(resident) => resident,
            Err(problem) => return Ok(Err(problem)),
        };
        let is_changed = self.decided.contacts.len() > known;
        let outcome = match &row.heard {
            Heard::Issue(issue) => self.demand(at, resident, row, issue)?,
            Heard::Nothing => {
                let (visit, upsert) = self.visit(at, row, resident);
                let id = &self.decided.files.subjects[at].residents[resident].row.id;
                let before = self.known.asked_before(id, &visit);
                let here = self.asked_at.contains(&visit).then(asked_in_this_table);
                Ok(before.or(here).unwrap_or_else(|| upsert.into()))
            }
            Heard::Answer(answer) => self.hear(at, resident, row, *answer),
        };
        let is_added = outcome.as_ref().is_ok_and(|did| did.upsert == Upsert::Added);
        if row.kind == VisitKind::SpotCheck && is_added {
            let area = self.decided.files.subjects[at].place.area_id.clone();
            self.decided.checked_areas.insert(area);
        }
        let renamed = self.suspects.renamed(row).filter(|_| self.decided.renamed.len() > named);
        let is_new = self.decided.residents.len() > met;
        let note = renamed
            .map(|renamed| told_of_renamed(renamed, &row.resident))
            .or_else(|| (is_new && self.has_register(at)).then(not_registered));
        let of_visit = |did: Did| match did.upsert {
            Upsert::Same if is_changed || note.is_some() => {
                Did { upsert: Upsert::Changed, note: note.or(did.note), ..did }
            }
            _ => Did { note: note.or(did.note), ..did },
        };
        Ok(outcome.map(of_visit))
    }

    /// Whether it was told who lives at a subject.
    fn has_register(&self, at: usize) -> bool {
        let residents = &self.decided.files.subjects[at].residents;
        residents.iter().any(|resident| resident.row.registered != 0)
    }
}

/// A word about a visit at which nothing was asked for, though a row before says that something was.
fn asked_in_this_table() -> Did {
    let text = "前面有一行登记了这次走访的问题，这里填的是无：没有改动，请核对是哪一行写错了";
    Did::noted(Upsert::Same, About::HasIssue, text)
}

/// A word about somebody whom the subject's register doesn't have.
fn not_registered() -> Problem {
    Problem::new(
        About::Resident,
        "群众名册里这一户没有这个人，已按名册以外的人登记：姓名写错的，请改正后再导入；确有其人的，请补进群众名册",
    )
}
