//! 上报: one submission of one issue to the platform, in one round, and what the platform answers.

use jiff::Timestamp;

use super::issue::{Event, Issue, State};
use crate::words;

words! {
    /// What a platform's own status means to us; configuration maps its words to these.
    PlatformStatus {
        Received = "received", "已收到";
        Accepted = "accepted", "已受理";
        InProgress = "in_progress", "办理中";
        Resolved = "resolved", "已办结";
        Refused = "refused", "退回";
    }
}

/// One answer of the platform about one of its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformUpdate {
    /// The platform's own number.
    pub remote_id: String,
    /// The platform's own word.
    pub word: String,
    /// What the word means, where configuration knows it.
    pub status: Option<PlatformStatus>,
    /// What it tells the resident.
    pub text: String,
    /// When it happened, by the platform's clock, where it says so.
    pub at: Option<Timestamp>,
}

/// The text by which a referral is found again on any platform: it stands in every description.
///
/// ```
/// assert_eq!(zoufang::domain::referral::reference("CHD2022-000007", 2), "CHD2022-000007-R2");
/// ```
pub fn reference(issue_number: &str, round: i64) -> String {
    format!("{issue_number}-R{round}")
}

/// The reference as it stands in a description: brackets keep `R1` from matching `R12`.
pub fn marked(reference: &str) -> String {
    format!("[{reference}]")
}

/// The event that brings `issue` to where the platform says it is, if that is further on.
pub fn event_for(issue: &Issue, status: PlatformStatus, text: &str) -> Option<Event> {
    let with_platform =
        matches!(issue.state, State::Referred | State::Accepted | State::InProgress)
            && !issue.platform_finished;
    if !with_platform {
        return None;
    }
    match status {
        PlatformStatus::Received => None,
        PlatformStatus::Accepted => (issue.state == State::Referred).then_some(Event::Accepted),
        PlatformStatus::InProgress => (issue.state != State::InProgress).then_some(Event::Started),
        PlatformStatus::Resolved => Some(Event::PlatformFinished { reply: text.to_owned() }),
        PlatformStatus::Refused => Some(Event::Refused { reason: text.to_owned() }),
    }
}
