//! What residents ask for at visits: known, the same as was asked for before, or new.

use super::casework::IssueFile;
use super::choices::Alike;
use super::issues::changed;
use super::problem::{About, Did, Outcome, Problem};
use super::said_before::{Said, ask_of_alike, ask_of_twin};
use super::visit_desk::Desk;
use super::visit_rows::{NewIssue, NewVisit, visit_key};
use crate::clock::township_date;
use crate::db::personal;
use crate::db::{Context, CorrectedIssue, CorrectedVisit, NewIssueRow, Result, Upsert, place};
use crate::domain::issue::{Class, Event, State};
use crate::domain::obligations::issue::{IssueFacts, IssueObligations};
use crate::domain::visit::VisitKind;

impl Desk<'_> {
    /// What a resident asked for: known, the same as was asked for before, or new.
    pub(super) fn demand(
        &mut self,
        at: usize,
        resident: usize,
        row: &NewVisit,
        new: &NewIssue,
    ) -> Result<Outcome> {
        let resident_id = self.decided.files.subjects[at].residents[resident].row.id.clone();
        let visit = self.visits.get(&visit_key(&self.context, row, &resident_id)).cloned();
        if let Some(visit) = &visit {
            let natural_key = self.context.sealer.index(&[&resident_id, visit, &new.text]);
            if let Some(id) = self.issues.get(&natural_key).cloned() {
                return Ok(self.class_of_known(at, &id, new.class));
            }
        }
        let said = self.known.may_be(&resident_id, visit.as_deref(), &new.text);
        match (row.choices.alike, said, &new.twin) {
            // The visit itself was put right with another of its issues.
            (_, Some(said), _)
                if visit.as_ref() == Some(&said.issue.visit_id) && said.text == new.text =>
            {
                Ok(self.class_of_known(at, &said.issue.id, new.class))
            }
            (Alike::Ask, Some(said), _) => Ok(Err(ask_of_alike(&said, visit.as_deref()))),
            (Alike::Ask, None, Some(twin)) => Ok(Err(ask_of_twin(twin))),
            (Alike::Correction, Some(said), _) => self.put_right(at, resident, row, &said, new),
            (Alike::Correction, None, Some(_)) => Ok(Ok(self.visit(at, row, resident).1.into())),
            _ => {
                let (visit, _) = self.visit(at, row, resident);
                self.register(at, resident, &visit, (row, new))
            }
        }
    }

    /// Registers what a resident asked for, and classifies it where the visitor already did.
    fn register(
        &mut self,
        at: usize,
        resident: usize,
        visit: &str,
        (row, new): (&NewVisit, &NewIssue),
    ) -> Result<Outcome> {
        let file = &mut self.decided.files.subjects[at];
        let resident_id = file.residents[resident].row.id.clone();
        let natural_key = self.context.sealer.index(&[&resident_id, visit, &new.text]);
        let id = self.context.id();
        self.issues.insert(natural_key.clone(), id.clone());
        self.asked_at.insert(visit.to_owned());
        // Its number follows when it's written.
        let number = format!("{}-", self.book.plans.now().code);
        let facts = IssueFacts {
            id: id.clone(),
            number: number.clone(),
            subject_id: file.place.id.clone(),
            area_id: file.place.area_id.clone(),
            registered_on: township_date(self.now),
        };
        let owed = IssueObligations::registered(&facts, &self.book.rules());
        let mut issue = IssueFile { facts, resident_id, dated: None, owed };
        self.decided.issues.push(new_issue_row(
            &self.context,
            &issue,
            natural_key,
            visit,
            (row, new),
            self.now,
        )?);
        self.decided.wanted.changes.push(changed(&issue, "registered", "visitor"));
        if let Some(Class { level, category, urgency }) = new.class {
            let event = Event::Classified { level, category, urgency };
            let wanted = &mut self.decided.wanted;
            if let Err(refusal) = wanted.step(&mut issue, event, "visitor", self.now, self.book) {
                return Ok(Err(Problem::new(About::Issue, refusal.to_string())));
            }
        }
        file.issues.push(issue);
        Ok(Ok(Did::from(Upsert::Added).of_issue(&id)))
    }

    /// The same matter as was recorded: its words are put right, or the visit at which it was told; where both visits were
    /// made, it's only said once.
    fn put_right(
        &mut self,
        at: usize,
        resident: usize,
        row: &NewVisit,
        said: &Said,
        new: &NewIssue,
    ) -> Result<Outcome> {
        let resident_id = self.decided.files.subjects[at].residents[resident].row.id.clone();
        let natural_key = visit_key(&self.context, row, &resident_id);
        let told_at = &said.issue.visit_id;
        let is_here = self.visits.get(&natural_key) == Some(told_at);
        let is_moved = !is_here
            && !self.visits.contains_key(&natural_key)
            && !self.known.tells_of(told_at)
            && said.issue.visit_kind == row.kind.code();
        if !is_here && !is_moved {
            let (_, upsert) = self.visit(at, row, resident);
            let text = format!("就是已登记的 {}，没有再登记一次", said.issue.number);
            return Ok(Ok(Did::noted(upsert, About::Text, text).of_issue(&said.issue.id)));
        }
        if is_moved {
            self.move_visit(at, resident, row, said, natural_key);
        }
        if said.text != new.text {
            return self.correct(at, &resident_id, said, (row, new));
        }
        let classified = self.class_of_known(at, &said.issue.id, new.class);
        Ok(classified.map(|did| Did { upsert: Upsert::Changed, ..did }))
    }

    /// The visit was on another day, or somebody else's.
    fn move_visit(
        &mut self,
        at: usize,
        resident: usize,
        row: &NewVisit,
        said: &Said,
        natural_key: String,
    ) {
        let starts = self.book.plans.now().starts_on();
        let id = said.issue.visit_id.clone();
        let counts = &mut self.decided.files.subjects[at].residents[resident].visits;
        if row.kind == VisitKind::First {
            let counted = said.issue.visited_on >= starts.to_string();
            counts.heard += i64::from(row.visited_on >= starts) - i64::from(counted);
        }
        self.visits.insert(natural_key.clone(), id.clone());
        self.known.tell(id.clone(), None);
        self.decided.moved.push(CorrectedVisit {
            id,
            natural_key,
            visited_on: row.visited_on.to_string(),
            staff_id: row.staff_id.clone(),
            was_on: said.issue.visited_on.clone(),
        });
    }

    /// Classifies an issue that is known, where a level was filled in since.
    fn class_of_known(&mut self, at: usize, id: &str, class: Option<Class>) -> Outcome {
        self.classified(at, id, class).map(|did| did.of_issue(id))
    }

    fn classified(&mut self, at: usize, id: &str, class: Option<Class>) -> Outcome {
        let issues = &mut self.decided.files.subjects[at].issues;
        let issue = issues.iter_mut().find(|issue| issue.facts.id == id);
        let Some(issue) = issue else { return Ok(Upsert::Same.into()) };
        let number = &issue.facts.number;
        if issue.owed.issue.state == State::Void {
            let text = format!(
                "{number} 已作废，没有改动；要重新办理请用 zoufang issue reopen {number} --by 责任人编号 --reason 原因"
            );
            return Ok(Did::noted(Upsert::Same, About::Text, text));
        }
        let Some(class) = class else { return Ok(Upsert::Same.into()) };
        match issue.owed.issue.class {
            Some(known) if known == class => return Ok(Upsert::Same.into()),
            None if issue.owed.issue.state == State::Registered => {}
            known => return Ok(left(number, known)),
        }
        let Class { level, category, urgency } = class;
        let event = Event::Classified { level, category, urgency };
        let wanted = &mut self.decided.wanted;
        match wanted.step(issue, event, "visitor", self.now, self.book) {
            Ok(()) => {
                self.decided.stepped.insert(id.to_owned());
                Ok(Upsert::Changed.into())
            }
            Err(refusal) => Err(Problem::new(About::Level, refusal.to_string())),
        }
    }

    /// Puts the words of an issue right.
    fn correct(
        &mut self,
        at: usize,
        resident: &str,
        said: &Said,
        (row, new): (&NewVisit, &NewIssue),
    ) -> Result<Outcome> {
        let id = said.issue.id.clone();
        let text_sealed = self.context.seal(personal::ISSUE_TEXT, &id, &new.text)?;
        let natural_key = self.context.sealer.index(&[resident, &said.issue.visit_id, &new.text]);
        self.issues.insert(natural_key.clone(), id.clone());
        let (number, identity) = (said.issue.number.clone(), identity(&self.context, row, new));
        let place = place(&self.context.sealer, &row.subject_number);
        let (was, became) = (said.text.clone(), new.text.clone());
        self.decided.corrected.push(CorrectedIssue {
            id,
            number,
            identity,
            place,
            natural_key,
            text_sealed,
            was,
            became,
        });
        let classified = self.class_of_known(at, &said.issue.id, new.class);
        Ok(classified.map(|did| Did { upsert: Upsert::Changed, ..did }))
    }
}

/// The record has another class, and keeps it.
fn left(number: &str, known: Option<Class>) -> Did {
    let stands = known.map_or("还没有分类".to_owned(), |class| {
        format!("登记的是{}、{}、{}", class.level, class.category, class.urgency)
    });
    let text = format!("{number} {stands}，与这里不同，没有改动；要改请用问题分类表（附件6）");
    Did::noted(Upsert::Same, About::Level, text)
}

/// By what an issue is known again in a record that knows neither its resident nor its visit: where it was told, by whom, and
/// what was said.
fn identity(context: &Context, row: &NewVisit, new: &NewIssue) -> String {
    context.sealer.index(&["issue", &row.subject_number, &row.resident, &new.text])
}

/// An issue as it's registered.
fn new_issue_row(
    context: &Context,
    issue: &IssueFile,
    natural_key: String,
    visit: &str,
    (row, new): (&NewVisit, &NewIssue),
    now: i64,
) -> Result<NewIssueRow> {
    let (facts, start) = (issue.facts.clone(), &issue.owed.issue);
    Ok(NewIssueRow {
        text_sealed: context.seal(personal::ISSUE_TEXT, &facts.id, &new.text)?,
        id: facts.id,
        number: facts.number,
        natural_key,
        identity: identity(context, row, new),
        place: place(&context.sealer, &row.subject_number),
        visit_id: visit.to_owned(),
        resident_id: issue.resident_id.clone(),
        subject_id: facts.subject_id,
        area_id: facts.area_id,
        state: start.state.code(),
        round: start.round,
        town_finished: 0,
        platform_finished: 0,
        version: 0,
        created_at: now,
        updated_at: now,
    })
}
