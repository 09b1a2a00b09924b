//! What residents answered before, what it did to their issues, and whether that can still be taken back.

use std::collections::{HashMap, HashSet};

use super::casework::IssueFile;
use super::issue_debt::debt_of;
use crate::db::{EventRow, Result, Session};
use crate::domain::issue::{Event, EventKind, Level};
use crate::domain::visit::Satisfaction;

/// What is known of answers that rows may put right.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// When each visit was recorded that has another answer, by its id.
    pub recorded: HashMap<String, i64>,
    /// What the last answer did to an issue, by the issue's id.
    pub did: HashMap<String, LastAnswer>,
}

/// What the last answer did to an issue.
#[derive(Debug)]
pub(super) struct LastAnswer {
    /// When it was recorded, with its visit.
    pub at: i64,
    pub closed: bool,
    /// Why what it asked anew can't be taken back any more.
    pub gone: Option<String>,
}

/// An answer that was put right.
#[derive(Debug)]
pub(super) struct AnswerPutRight {
    pub subject: String,
    pub on: String,
    pub was: Satisfaction,
    pub became: Satisfaction,
    pub why: String,
    pub by: Option<String>,
}

/// By whom an answer is given.
pub(super) const RESIDENT: &str = "resident";

impl Answers {
    /// When these visits were recorded, and what the last answer did to each of these issues.
    pub async fn read<'f>(
        session: &mut Session,
        visits: &HashSet<String>,
        issues: impl Iterator<Item = &'f IssueFile>,
    ) -> Result<Answers> {
        let ids: Vec<&str> = visits.iter().map(String::as_str).collect();
        let recorded = session.visits_recorded_at(&ids).await?.into_iter().collect();
        let mut answers = Answers { recorded, did: HashMap::new() };
        for issue in issues {
            let (id, owed) = (&issue.facts.id, &issue.owed.issue);
            let debt = debt_of(session, id, owed.round).await?;
            let unsent = debt.is_none_or(|debt| debt.is_unsent());
            let events = session.events_of(&[id.as_str()]).await?;
            if let Some(did) = last_answer(&events, &issue.facts.number, owed.level(), unsent) {
                answers.did.insert(id.clone(), did);
            }
        }
        Ok(answers)
    }
}

/// What an issue's last answer did, by its events; and whether what it asked for is still here.
fn last_answer(
    events: &[EventRow],
    number: &str,
    level: Option<Level>,
    unsent: bool,
) -> Option<LastAnswer> {
    let answers = |event: &EventRow| {
        let kind = event.event().map(|event| event.kind());
        event.actor == RESIDENT && matches!(kind, Some(EventKind::Satisfied | EventKind::Reopened))
    };
    let place = events.iter().rposition(answers)?;
    let closed = matches!(events[place].event(), Some(Event::Satisfied));
    let is_town = !level.is_some_and(Level::is_referred);
    let rest = events[place + 1..].iter().filter_map(EventRow::event);
    let mut moved = rest.filter(|event| match event.kind() {
        EventKind::Queued | EventKind::Acknowledged => false,
        EventKind::Started => !is_town,
        _ => true,
    });
    let gone = match (moved.next(), closed || unsent) {
        (None, true) => None,
        (None, false) => Some(format!(
            "{number} 已经重新上报平台，或者正在上报，收不回来，没有更正：请等平台办结以后再回访一次，登记群众那时的答复"
        )),
        (Some(event), _) => Some(format!(
            "{number} 登记以后又有了「{}」，收不回来，没有更正：请等办结以后再回访一次，登记群众那时的答复",
            event.kind()
        )),
    };
    Some(LastAnswer { at: events[place].at, closed, gone })
}
