//! 上报: one submission of one issue to the platform, in one round, and what the platform answers.

use jiff::Timestamp;

use super::delivery::Withdrawal;
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
        Replaced = "replaced", "并入或拆分";
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
    /// The numbers under which the platform goes on with it, where this one was replaced: renumbered or joined to
    /// another (one), or split (several).
    pub successors: Vec<String>,
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

/// The reference that stands marked in a text, if one does.
///
/// ```
/// use zoufang::domain::referral::reference_in;
/// assert_eq!(reference_in("路灯不亮[CHD2022-000007-R1]"), Some("CHD2022-000007-R1"));
/// assert_eq!(reference_in("路灯不亮[急]"), None);
/// ```
pub fn reference_in(text: &str) -> Option<&str> {
    bracketed(text).find(|inside| {
        let round = inside.rsplit_once("-R").map(|(_, round)| round).unwrap_or_default();
        is_digits(round)
    })
}

fn bracketed(text: &str) -> impl Iterator<Item = &str> {
    text.split('[').skip(1).filter_map(|rest| Some(rest.split_once(']')?.0))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What the platform is told of an event, if it is told at all: the town's part of a joint matter, what the
/// resident says at the revisit (plan, 三(四)), and that a matter is withdrawn.
pub fn message(event: &Event) -> Option<String> {
    match event {
        Event::TownFinished { result } => Some(format!("镇村部分已办结：{result}")),
        Event::Satisfied => Some("回访：群众表示满意".to_owned()),
        Event::Reopened { reason } => Some(format!("重新办理：{reason}")),
        Event::Voided { reason } => Some(format!("不再需要办理：{reason}")),
        Event::PlatformOverridden { reason, .. } => Some(format!("不再需要平台办理：{reason}")),
        _ => None,
    }
}

/// Why an event, which brought the issue to `after`, leaves what wasn't delivered of it owed no longer.
pub fn withdrawal(event: &Event, after: &Issue) -> Option<Withdrawal> {
    match event {
        Event::Voided { .. } => Some(Withdrawal::Voided),
        Event::PlatformOverridden { .. } => Some(Withdrawal::Overridden),
        Event::Reopened { .. } => Some(Withdrawal::Superseded),
        // One in its first round was never referred.
        Event::Classified { level, .. } if after.round > 1 && !level.is_referred() => {
            Some(Withdrawal::Reclassified)
        }
        _ => None,
    }
}

/// The text by which a message is found again: that of its referral, and the event's sequence.
pub fn message_reference(reference: &str, sequence: i64) -> String {
    format!("{reference}-M{sequence}")
}

/// The text by which a photo is found again: that of its referral, and its place among the issue's.
pub fn photo_reference(reference: &str, place: i64) -> String {
    format!("{reference}-P{place}")
}

/// Whether a text of the platform is a message or photo of ours that comes back.
///
/// ```
/// use zoufang::domain::referral::is_own_message;
/// assert!(is_own_message("回访：群众表示满意 [CHD2022-000007-R1-M5]"));
/// assert!(is_own_message("照片[CHD2022-000007-R1-P1]"));
/// assert!(!is_own_message("已办结 [CHD2022-000007-R1]"));
/// ```
pub fn is_own_message(text: &str) -> bool {
    bracketed(text).any(|inside| {
        ["-M", "-P"]
            .iter()
            .filter_map(|kind| inside.rsplit_once(kind))
            .filter_map(|(reference, number)| Some((reference.rsplit_once("-R")?.1, number)))
            .any(|(round, number)| is_digits(round) && is_digits(number))
    })
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
        PlatformStatus::Received | PlatformStatus::Replaced => None,
        PlatformStatus::Accepted => (issue.state == State::Referred).then_some(Event::Accepted),
        PlatformStatus::InProgress => (issue.state != State::InProgress).then_some(Event::Started),
        PlatformStatus::Resolved => Some(Event::PlatformFinished { reply: text.to_owned() }),
        PlatformStatus::Refused => Some(Event::Refused { reason: text.to_owned() }),
    }
}
