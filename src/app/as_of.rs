//! Issues as they stood at the end of a day: the fold of their events up to then.

use std::collections::HashMap;

use jiff::civil::Date;

use super::casework::RuleBook;
use crate::clock::township_date;
use crate::db::{Result, Session};
use crate::domain::issue::{Event, Issue, State};
use crate::domain::obligations::issue::{DatedEvent, IssueFacts, IssueObligations};

/// What derives them.
#[derive(Debug)]
pub struct AsOf {
    book: RuleBook,
    before: i64,
}

/// An issue as it stood, with what was owed for it, and its course until then.
#[derive(Debug, Clone)]
pub struct Stood {
    pub owed: IssueObligations,
    pub course: Course,
    pub events: Vec<DatedEvent>,
}

/// When each of its steps was taken, since it was last classified; and what was last said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    pub noted_on: Option<Date>,
    pub classified_on: Option<Date>,
    pub begun_on: Option<Date>,
    pub referred_on: Option<Date>,
    pub resolved_on: Option<Date>,
    pub closed_on: Option<Date>,
    /// What the town said came of its work, what the platform answered, and why it refused.
    pub result: Option<String>,
    pub reply: Option<String>,
    pub refused: Option<String>,
}

impl AsOf {
    /// What had happened before an instant, in milliseconds.
    ///
    /// # Errors
    /// Where the record can't be read.
    pub async fn before(session: &mut Session, before: i64) -> Result<AsOf> {
        Ok(AsOf { book: RuleBook::read(session).await?, before })
    }

    /// How these issues stood, by their ids.
    ///
    /// # Errors
    /// Where the record can't be read.
    pub async fn stood(
        &self,
        session: &mut Session,
        issues: &[IssueFacts],
    ) -> Result<HashMap<String, Stood>> {
        let ids: Vec<&str> = issues.iter().map(|facts| facts.id.as_str()).collect();
        let mut events: HashMap<String, Vec<DatedEvent>> = HashMap::new();
        for row in session.events_of(&ids).await? {
            // What can't be read is the doctor's to say.
            if let Some(event) = row.event().filter(|_| row.at < self.before) {
                let on = township_date(row.at);
                let dated = DatedEvent { sequence: row.sequence, at: row.at, on, event };
                events.entry(row.issue_id).or_default().push(dated);
            }
        }
        let stood = |facts: &IssueFacts| {
            let events = events.remove(&facts.id).unwrap_or_default();
            (facts.id.clone(), self.fold(facts, events))
        };
        Ok(issues.iter().map(stood).collect())
    }

    fn fold(&self, facts: &IssueFacts, events: Vec<DatedEvent>) -> Stood {
        let rules = self.book.rules();
        let mut owed = IssueObligations::registered(facts, &rules);
        let mut course = Course::default();
        for dated in &events {
            // One that can't have happened changes nothing: the doctor names it.
            if owed.step(facts, dated, &rules).is_ok() {
                course.take(dated, &owed.issue);
            }
        }
        Stood { owed, course, events }
    }
}

impl Course {
    /// Goes on by what happened, after which the issue stands so.
    fn take(&mut self, dated: &DatedEvent, after: &Issue) {
        let on = Some(dated.on);
        match &dated.event {
            Event::Acknowledged { .. } => self.noted_on = self.noted_on.or(on),
            Event::Classified { .. } => {
                let noted_on = self.noted_on;
                *self = Course { noted_on, classified_on: on, ..Course::default() };
            }
            Event::Reopened { .. } => {
                let Course { noted_on, classified_on, .. } = *self;
                *self = Course { noted_on, classified_on, ..Course::default() };
            }
            Event::Referred => self.referred_on = on,
            Event::Started => self.begun_on = self.begun_on.or(on),
            Event::TownFinished { result } => {
                self.begun_on = self.begun_on.or(on);
                self.result = Some(result.clone());
            }
            Event::PlatformFinished { reply } => self.reply = Some(reply.clone()),
            Event::PlatformOverridden { reason, .. } => self.reply = Some(reason.clone()),
            Event::Refused { reason } => self.refused = Some(reason.clone()),
            Event::Satisfied => self.closed_on = on,
            _ => {}
        }
        match after.state {
            State::Resolved => self.resolved_on = self.resolved_on.or(on),
            State::Closed => {}
            _ => (self.resolved_on, self.closed_on) = (None, None),
        }
    }
}
