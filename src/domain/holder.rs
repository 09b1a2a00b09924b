//! Who has the ball: which side an issue waits for, and for how long each has held it.

use jiff::{SignedDuration, Timestamp};

use super::issue::{Event, Issue, Level, Refusal, State};
use crate::words;

words! {
    /// Who can act on an issue now; lateness is counted against whoever holds it.
    Holder {
        Village = "village", "村";
        Department = "department", "镇直部门";
        Centre = "centre", "服务中心";
        Platform = "platform", "平台";
        Resident = "resident", "群众";
    }
}

/// A stretch of time for which one side held an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    pub holder: Holder,
    pub from: Timestamp,
    /// `None`: it still does.
    pub until: Option<Timestamp>,
}

impl Holding {
    /// For how long, where it still does until `now`.
    pub fn span(&self, now: Timestamp) -> SignedDuration {
        self.until.unwrap_or(now).duration_since(self.from)
    }
}

/// Who can act on `issue`. A joint issue is the town's until its own part is done, then the platform's. The town's
/// own issues of a category that a department answers for are that department's.
///
/// ```
/// use zoufang::domain::{holder::*, issue::*};
/// let class = Class { level: Level::City, category: Category::Other, urgency: Urgency::Normal };
/// let sent = Issue { state: State::Referred, class: Some(class), ..Issue::default() };
/// assert_eq!(holder(&sent, false), Some(Holder::Platform));
/// assert_eq!(holder(&Issue { state: State::Closed, ..sent }, false), None);
/// ```
pub fn holder(issue: &Issue, has_department: bool) -> Option<Holder> {
    let town = if has_department { Holder::Department } else { Holder::Village };
    match issue.state {
        State::Closed | State::Void => None,
        State::Resolved => Some(Holder::Resident),
        State::Registered => Some(Holder::Village),
        State::Queued | State::Returned => Some(Holder::Centre),
        State::Classified
        | State::Referred
        | State::Accepted
        | State::InProgress
        | State::Reopened => match issue.level() {
            None => Some(Holder::Village),
            Some(Level::Town) => Some(town),
            Some(Level::Joint) if !issue.town_finished => Some(town),
            Some(_) => Some(Holder::Platform),
        },
    }
}

/// Who held an issue when, from its registration on; neighbours that are the same are one.
///
/// # Errors
/// [`Refusal`] where the events aren't a history of one issue.
pub fn holdings<'e>(
    registered: Timestamp,
    events: impl IntoIterator<Item = (&'e Event, Timestamp)>,
    has_department: impl Fn(&Issue) -> bool,
) -> Result<Vec<Holding>, Refusal> {
    let mut issue = Issue::default();
    let mut holdings: Vec<Holding> = Vec::new();
    pass(&mut holdings, holder(&issue, has_department(&issue)), registered);
    for (event, at) in events {
        issue = issue.apply(event)?;
        pass(&mut holdings, holder(&issue, has_department(&issue)), at);
    }
    Ok(holdings)
}

/// The ball goes to `to` at `at`.
fn pass(holdings: &mut Vec<Holding>, to: Option<Holder>, at: Timestamp) {
    let last = holdings.last_mut().filter(|holding| holding.until.is_none());
    if let Some(last) = last {
        if Some(last.holder) == to {
            return;
        }
        last.until = Some(at);
    }
    holdings.extend(to.map(|holder| Holding { holder, from: at, until: None }));
    // What was held for no time at all, such as between two events of one transaction, wasn't held.
    holdings.retain(|holding| holding.until != Some(holding.from));
}
