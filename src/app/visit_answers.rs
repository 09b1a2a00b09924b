//! What residents answer at revisits: what it closes, what is done anew because of it, and an answer that was heard by mistake.

use std::collections::{HashMap, HashSet};

use super::answered_before::{AnswerPutRight, Answers, LastAnswer, RESIDENT};
use super::problem::{About, Did, Outcome, Problem};
use super::visit_desk::Desk;
use super::visit_rows::{NewVisit, answer_of, answered_key, visit_key};
use crate::db::{Result, Session, Upsert};
use crate::domain::issue::{Event, State};
use crate::domain::saying;
use crate::domain::visit::Satisfaction;

impl Desk<'_> {
    /// What was answered before, and what it did, where these rows say otherwise.
    pub(super) async fn read_answers(
        &mut self,
        session: &mut Session,
        rows: &[NewVisit],
    ) -> Result<()> {
        let (mut visits, mut residents) = (HashSet::new(), HashSet::new());
        for row in rows.iter().filter(|row| answer_of(row).is_some()) {
            let Some(resident) = self.known_resident(row) else { continue };
            let own = self.known_visit(row);
            let keys = self.keys_of_known(row);
            let known: Vec<&String> = keys.iter().filter_map(|key| self.visits.get(key)).collect();
            if known.iter().any(|id| own != Some(id.as_str())) {
                visits.extend(known.into_iter().cloned());
                residents.insert(resident.to_owned());
            }
        }
        if visits.is_empty() {
            return Ok(());
        }
        let issues = self.decided.files.subjects.iter().flat_map(|file| &file.issues);
        let issues = issues.filter(|issue| residents.contains(&issue.resident_id));
        self.answers = Answers::read(session, &visits, issues).await?;
        Ok(())
    }

    /// The answers that are known of the same visit but for this one, each with when it was recorded, the last one first.
    fn answered_otherwise(
        &self,
        row: &NewVisit,
        resident: &str,
        answer: Satisfaction,
    ) -> Option<(Satisfaction, i64)> {
        let others = Satisfaction::ALL.iter().copied().filter(|other| *other != answer);
        let known = others.filter_map(|other| {
            let key = answered_key(&self.context, row, resident, Some(other));
            let visit = self.visits.get(&key)?;
            Some((other, self.answers.recorded.get(visit).copied().unwrap_or(self.now), visit))
        });
        let last = known.max_by(|one, other| (one.1, one.2).cmp(&(other.1, other.2)));
        last.map(|(other, at, _)| (other, at))
    }

    /// Whether a row says otherwise of an answer that is known.
    pub(super) fn puts_answer_right(&self, row: &NewVisit) -> bool {
        let known = self.known_resident(row).zip(answer_of(row));
        known.is_some_and(|(resident, answer)| {
            self.answered_otherwise(row, resident, answer).is_some()
        })
    }

    /// A resident's answer at a revisit. What isn't good enough for them is done anew, for what they say; another answer of the
    /// same day puts the one before right, for a reason.
    pub(super) fn hear(
        &mut self,
        at: usize,
        resident: usize,
        row: &NewVisit,
        answer: Satisfaction,
    ) -> Outcome {
        let id = self.decided.files.subjects[at].residents[resident].row.id.clone();
        let before = self.answered_otherwise(row, &id, answer);
        if let Some(visit) = self.visits.get(&visit_key(&self.context, row, &id)) {
            let recorded = self.answers.recorded.get(visit).copied().unwrap_or(self.now);
            let later = before.filter(|(_, later)| *later > recorded);
            return Ok(later.map_or(Upsert::Same.into(), |(later, _)| {
                Did::noted(Upsert::Same, About::Satisfaction, corrected_since(row, answer, later))
            }));
        }
        let why = row.why.clone().filter(|why| !saying::is_nothing(why));
        if let Some((was, recorded)) = before {
            let Some(why) = &why else {
                return Err(Problem::new(About::Text, no_reason(row, was, answer)));
            };
            self.put_answer_right((at, resident), (was, recorded), (row, answer), why)?;
        }
        let open = self.answer((at, resident), row, answer, why.as_deref())?;
        self.visit(at, row, resident);
        self.remember_answer(at, resident, row, answer);
        let mut said = Vec::new();
        if let Some((was, _)) = before {
            said.push(format!("{} 的回访登记过「{was}」，已更正为「{answer}」", row.visited_on));
        } else if open == Some(0) && self.was_never_heard(at, resident) {
            said.push(NEVER_HEARD.to_owned());
        } else if let Some(open) = open.filter(|open| *open > 0) {
            said.push(too_early(open));
        } else if open.is_none() && !answer.closes() && why.is_none() {
            said.push(WORDLESS.to_owned());
        }
        let unused = why.filter(|_| before.is_none() && (answer.closes() || open.is_some()));
        said.extend(unused.map(|words| not_kept(&words)));
        Ok(match said.is_empty() {
            true => Upsert::Added.into(),
            false => Did::noted(Upsert::Added, About::Satisfaction, said.join("；")),
        })
    }

    /// What they answered last, for the figures.
    fn remember_answer(&mut self, at: usize, resident: usize, row: &NewVisit, said: Satisfaction) {
        let starts = self.book.plans.now().starts_on();
        let resident = &mut self.decided.files.subjects[at].residents[resident].row;
        let on = row.visited_on.to_string();
        let is_last = resident.answered_on.as_ref().is_none_or(|last| *last <= on);
        if row.visited_on >= starts && is_last {
            resident.answer = Some(said.code().to_owned());
            resident.answered_on = Some(on);
        }
    }

    /// What the answer before did is taken back where it can be; what the right one asks for is done.
    fn put_answer_right(
        &mut self,
        (at, resident): (usize, usize),
        (was, recorded): (Satisfaction, i64),
        (row, answer): (&NewVisit, Satisfaction),
        why: &str,
    ) -> std::result::Result<(), Problem> {
        let file = &self.decided.files.subjects[at];
        let id = &file.residents[resident].row.id;
        let own = file.issues.iter().filter(|issue| issue.resident_id == *id);
        let of_it: Vec<String> = own
            .filter(|issue| {
                let did = self.answers.did.get(&issue.facts.id);
                did.is_some_and(|did| did.at == recorded && did.closed == was.closes())
            })
            .map(|issue| issue.facts.id.clone())
            .collect();
        if was.closes() != answer.closes() {
            for issue in &of_it {
                if let Some(gone) = self.answers.did.get(issue).and_then(|did| did.gone.clone()) {
                    return Err(Problem::new(About::Satisfaction, gone));
                }
                let by = row.by.as_deref().unwrap_or("visitor");
                let events = match answer.closes() {
                    true => vec![
                        (Event::AnswerCorrected { reason: why.to_owned() }, by),
                        (Event::Satisfied, RESIDENT),
                    ],
                    false => vec![(not_satisfied(why), RESIDENT)],
                };
                for (event, by) in events {
                    self.step(at, issue, event, by)?;
                }
            }
        }
        for issue in of_it {
            let did = LastAnswer { at: self.now, closed: answer.closes(), gone: None };
            self.answers.did.insert(issue, did);
        }
        self.decided.put_right.push(AnswerPutRight {
            subject: row.subject_number.clone(),
            on: row.visited_on.to_string(),
            was,
            became: answer,
            why: why.to_owned(),
            by: row.by.clone(),
        });
        Ok(())
    }

    fn step(
        &mut self,
        at: usize,
        id: &str,
        event: Event,
        by: &str,
    ) -> std::result::Result<(), Problem> {
        let issues = &mut self.decided.files.subjects[at].issues;
        let Some(issue) = issues.iter_mut().find(|issue| issue.facts.id == id) else {
            return Ok(());
        };
        let stepped = self.decided.wanted.step(issue, event, by, self.now, self.book);
        stepped.map_err(|refusal| Problem::new(About::Satisfaction, refusal.to_string()))?;
        self.decided.stepped.insert(id.to_owned());
        Ok(())
    }

    /// Closes or reopens what was resolved for the resident, by their answer. Where nothing was, gives how many of their issues
    /// nobody has resolved yet. Whoever records it themselves says why; a table of answers may have no words.
    fn answer(
        &mut self,
        (at, resident): (usize, usize),
        row: &NewVisit,
        answer: Satisfaction,
        why: Option<&str>,
    ) -> std::result::Result<Option<usize>, Problem> {
        let file = &self.decided.files.subjects[at];
        let id = &file.residents[resident].row.id;
        let own = || file.issues.iter().filter(|issue| issue.resident_id == *id);
        let resolved: Vec<(String, String)> = own()
            .filter(|issue| issue.owed.issue.state == State::Resolved)
            .map(|issue| (issue.facts.id.clone(), issue.facts.number.clone()))
            .collect();
        if resolved.is_empty() {
            return Ok(Some(own().filter(|issue| !issue.owed.issue.needs_no_work()).count()));
        }
        let event = match (answer.closes(), why) {
            (true, _) => Event::Satisfied,
            (false, Some(why)) => not_satisfied(why),
            (false, None) if row.by.is_none() => {
                Event::Reopened { reason: NOT_SATISFIED.to_owned() }
            }
            (false, None) => {
                let numbers: Vec<&str> = resolved.iter().map(|(_, number)| &**number).collect();
                return Err(Problem::new(About::Text, no_words(&numbers)));
            }
        };
        for (issue, _) in resolved {
            self.step(at, &issue, event.clone(), RESIDENT)?;
            let did = LastAnswer { at: self.now, closed: answer.closes(), gone: None };
            self.answers.did.insert(issue, did);
        }
        Ok(None)
    }

    /// Whether nothing is recorded of a resident but that they were asked again.
    fn was_never_heard(&self, at: usize, resident: usize) -> bool {
        let file = &self.decided.files.subjects[at];
        let resident = &file.residents[resident];
        resident.visits.heard == 0
            && file.issues.iter().all(|issue| issue.resident_id != resident.row.id)
    }
}

/// What was said at these revisits, by the visits' ids: why somebody wasn't satisfied, or why an answer was put right.
pub async fn said_at_revisits(
    session: &mut Session,
    visits: &[&str],
) -> Result<HashMap<String, String>> {
    let mut said = HashMap::new();
    for (visit, answer, row) in session.events_at_revisits(visits).await? {
        let words = match row.event() {
            Some(Event::Reopened { reason }) if !answer.closes() && row.actor == RESIDENT => reason
                .strip_prefix(NOT_SATISFIED)
                .and_then(|rest| rest.strip_prefix('：'))
                .map(str::to_owned),
            Some(Event::AnswerCorrected { reason }) if answer.closes() => Some(reason),
            _ => None,
        };
        if let Some(words) = words {
            said.entry(visit).or_insert(words);
        }
    }
    Ok(said)
}

/// That somebody isn't satisfied, with what they say.
fn not_satisfied(why: &str) -> Event {
    Event::Reopened { reason: format!("{NOT_SATISFIED}：{why}") }
}

const NOT_SATISFIED: &str = "群众回访时不满意";

/// A word about a table's answer that has none.
const WORDLESS: &str = "群众不满意，已重新办理，但没有写为什么，承办人看不到：请问清楚告诉承办人，下次把群众的原话写在「反映问题」列";

/// Why nothing is put right, nor done anew, without a word.
fn no_reason(row: &NewVisit, was: Satisfaction, answer: Satisfaction) -> String {
    format!(
        "{} 的回访登记过「{was}」，这里是「{answer}」：是更正的，请写明原因（表格里写在「反映问题」列）；不是同一次回访的，请核对日期",
        row.visited_on
    )
}

fn no_words(numbers: &[&str]) -> String {
    format!("群众不满意，{} 要重新办理：请写明群众为什么不满意，照他的原话", numbers.join("、"))
}

/// A word about an answer that was put right since.
fn corrected_since(row: &NewVisit, answer: Satisfaction, later: Satisfaction) -> String {
    format!(
        "{} 的回访先登记「{answer}」，后来更正为「{later}」，没有改动：还要改的，请按今天的日期再登记一次回访",
        row.visited_on
    )
}

/// A word about what was said where no issue is done anew by it.
fn not_kept(words: &str) -> String {
    let short: String = words.chars().take(20).collect();
    format!("这里的「{short}」没有登记：是新问题请另外登记一次走访")
}

/// A word about an answer of somebody of whom no first visit is recorded.
const NEVER_HEARD: &str = "这位群众在本次活动里还没有走访记录，先有了回访：请核对姓名，或者走访类型应是「走访」；走访确实在前的，请补上走访记录";

/// A word about an answer to what isn't resolved yet.
fn too_early(open: usize) -> String {
    format!(
        "这位群众的 {open} 件问题还没有办结，这次回访只记下满意度，没有销号：办结以后还要再回访"
    )
}
