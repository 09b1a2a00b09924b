//! 送达: what an attempt or a look makes of an outbox entry.
//!
//! The whole of "exactly once" is here: what is done with an entry that was claimed ([`first_step`]), what a look allows ([`after_look`]),
//! how an attempt ended ([`after_attempt`]), and what is kept of it ([`keep`]). The engine carries it out; the outbox writes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub mod answer;
mod looked;
mod rate;
mod reasons;
pub mod search;
mod withdrawal;

pub use looked::{AfterLook, Known, after_look};
pub use rate::Rate;
pub use reasons::{BROKEN_OFF, LEASE_EXPIRED, MAY_HAVE_ARRIVED, NO_CONTROL, UNREADABLE};
use reasons::{NOT_ANSWERED, NOT_UNDERSTOOD};
pub use search::SearchResult;
pub use withdrawal::Withdrawal;

/// An outbox entry that was taken to be delivered now.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    pub id: String,
    pub kind: String,
    pub debt_key: String,
    pub target_id: String,
    /// How often it was tried before this claim.
    pub attempts: i64,
    /// Set where an earlier attempt may have arrived: look before sending.
    pub unknown_since: Option<i64>,
    /// When the receiver said that it has it, and named no number: it's never sent again but by a person's word.
    pub accepted_at: Option<i64>,
    /// The shortest time, in milliseconds, after which the receiver's list has shown something of ours to a look for this one.
    pub list_lag: Option<i64>,
    pub first_attempt_at: Option<i64>,
    pub last_attempt_at: Option<i64>,
    /// Until when nobody else takes it.
    pub lease_until: i64,
    /// Why it isn't owed any more, where it isn't.
    pub withdrawn: Option<Withdrawal>,
}

/// Who takes how many entries of which lane, and for how long; spans in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'c> {
    pub lane: &'c str,
    pub owner: &'c str,
    pub limit: i64,
    pub lease: i64,
    pub settle_after: i64,
    /// At most so many in a minute, by all who claim from the lane together, in real time.
    pub rate_per_minute: Option<Rate>,
    /// Whether this is to show if the receiver is back: then the least tried goes first, not the most urgent.
    pub probes: bool,
    /// After a turn of which it isn't known whether it was kept: what the owner holds. What it may have taken besides was
    /// never tried and is let go.
    pub holds: Option<&'c [String]>,
}

/// What the receiver gave for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    pub remote_id: Option<String>,
    pub token: Option<String>,
}

/// How an attempt to send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Delivered(Receipt),
    /// It's there, or will be, as the receiver says, and by which number it doesn't say.
    Accepted {
        reason: String,
    },
    /// The receiver's own no.
    Refused {
        reason: String,
    },
    /// It certainly did not arrive.
    NotSent {
        reason: String,
        retry_after: Option<Duration>,
        cause: Cause,
    },
    /// It may have arrived.
    Unknown {
        reason: String,
    },
    /// It may have arrived, and the receiver has ended with it: it answered that it failed.
    Errored {
        reason: String,
    },
    /// It may have arrived: the receiver answered by a success whose own words can't be read. It would again.
    Unread {
        reason: String,
    },
}

impl Outcome {
    /// When the receiver asked to be tried again.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Outcome::NotSent { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Whose affair it is that something wasn't taken, or not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// This one thing's, as far as is known.
    Thing,
    /// This one thing's alone, as the receiver says.
    Alone,
    /// The receiver's as a whole: it can't be reached, or doesn't know us.
    Receiver,
    /// The receiver says that we are too fast.
    TooMany,
    /// Ours: only configuration can mend it, and it shows nothing of the receiver.
    Ours,
}

/// What a look for an earlier attempt showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUp {
    Found(Receipt),
    /// Proved: it isn't there.
    Absent,
    /// It wasn't seen, which proves nothing.
    Unproven {
        reason: String,
        /// Nothing is known to be there by which one could tell: the next that arrives will show.
        for_want_of_a_control: bool,
        /// How old what it showed of ours was, in milliseconds, at the least: its list is no further behind than that.
        lag: Option<i64>,
    },
    /// The receiver refuses to answer looks.
    Mute {
        reason: String,
        /// The interface itself says so, and not whatever stands between, as while it's being changed.
        by_itself: bool,
    },
    /// The receiver knows a repeated key: sending again is safe.
    Repeatable,
    /// The receiver can neither be looked at nor knows a repeated key.
    Blind,
    /// The look itself failed.
    Failed {
        reason: String,
        retry_after: Option<Duration>,
        cause: Cause,
    },
}

impl LookUp {
    /// When the receiver asked to be looked at again.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            LookUp::Failed { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What is done with an entry of unknown fate where the receiver can't be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// It waits for a person: never twice, perhaps late.
    Hold,
    /// It is sent again: never lost, perhaps twice.
    Resend,
}

/// How a claim ended, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Arrived.
    Delivered(Receipt),
    /// The receiver has it, as it says; from `not_before` its number is looked for.
    Accepted { reason: String, not_before: i64 },
    /// The receiver's own no.
    Refused { reason: String },
    /// The same to what was sent again though nobody knows what became of the attempt before, as the lane is told to.
    RefusedAgain { reason: String },
    /// It did not arrive; try again from `not_before`.
    NotSent { reason: String, not_before: i64 },
    /// It may have arrived; look from `not_before`.
    Unknown { reason: String, not_before: i64 },
    /// Neither sent nor seen; take it again from `not_before`. What was unknown still is.
    NotSeen {
        reason: String,
        not_before: i64,
        /// The receiver did answer; what it showed proves nothing.
        answered: bool,
        /// As [`LookUp::Unproven`] has it.
        lag: Option<i64>,
    },
    /// Looked, and it isn't there: it may be sent again.
    Absent,
    /// It can't be known and mustn't be sent blindly: a person decides.
    Held { reason: String },
    /// Not tried after all.
    Released,
    /// Not owed any more, and certainly not there.
    Cancelled { reason: String },
}

impl Settlement {
    /// Its name, as logs and metrics show it.
    pub const fn code(&self) -> &'static str {
        match self {
            Settlement::Delivered(_) => "delivered",
            Settlement::Accepted { .. } => "accepted",
            Settlement::Refused { .. } | Settlement::RefusedAgain { .. } => "refused",
            Settlement::NotSent { .. } => "not_sent",
            Settlement::Unknown { .. } => "unknown",
            Settlement::NotSeen { .. } => "not_seen",
            Settlement::Absent => "absent",
            Settlement::Held { .. } => "held",
            Settlement::Released => "released",
            Settlement::Cancelled { .. } => "cancelled",
        }
    }

    /// Why it isn't delivered, where something stands in the way.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Settlement::Refused { reason }
            | Settlement::RefusedAgain { reason }
            | Settlement::Accepted { reason, .. }
            | Settlement::NotSent { reason, .. }
            | Settlement::Unknown { reason, .. }
            | Settlement::NotSeen { reason, .. }
            | Settlement::Held { reason }
            | Settlement::Cancelled { reason } => Some(reason),
            Settlement::Delivered(_) | Settlement::Absent | Settlement::Released => None,
        }
    }

    /// Whether something was sent.
    pub const fn is_attempt(&self) -> bool {
        matches!(
            self,
            Settlement::Delivered(_)
                | Settlement::Accepted { .. }
                | Settlement::Refused { .. }
                | Settlement::RefusedAgain { .. }
                | Settlement::NotSent { .. }
                | Settlement::Unknown { .. }
        )
    }
}

/// When an entry may be taken again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// After a failure.
    pub retry_at: i64,
    /// After an attempt that may have arrived or be about to, to look for it.
    pub look_at: i64,
    /// The same where the receiver has ended with it.
    pub look_soon_at: i64,
    /// Whether it has been looked for in vain for so long that a person is asked.
    pub asks_a_person: bool,
    /// Whether nobody can be asked about it, so that it goes twice at most where no answer comes: a notice.
    pub at_most_twice: bool,
}

/// What is done with a claimed entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Send,
    Look,
    /// Nothing: it isn't owed any more and was never sent.
    Cancel,
}

/// What may have arrived is looked for, whether or not it's still owed; what isn't owed any more is never sent.
pub const fn first_step(entry: &Entry) -> Step {
    match (entry.unknown_since, entry.withdrawn) {
        _ if entry.accepted_at.is_some() => Step::Look,
        (Some(_), _) => Step::Look,
        (None, None) => Step::Send,
        (None, Some(_)) => Step::Cancel,
    }
}

/// How an attempt's outcome is settled, where an earlier one may have arrived or not. Who can't be understood isn't sent the
/// same over and over.
pub fn after_attempt(outcome: Outcome, was_unknown: bool, again: Again) -> Settlement {
    match outcome {
        Outcome::Unknown { reason } if was_unknown && again.at_most_twice => {
            Settlement::Held { reason: format!("{NOT_ANSWERED}（{reason}）") }
        }
        Outcome::Unread { reason } if was_unknown => {
            Settlement::Held { reason: format!("{NOT_UNDERSTOOD}（{reason}）") }
        }
        Outcome::Unread { reason } => Settlement::Unknown { reason, not_before: again.look_at },
        Outcome::Delivered(receipt) => Settlement::Delivered(receipt),
        Outcome::Accepted { reason } => {
            Settlement::Accepted { reason, not_before: again.look_soon_at }
        }
        Outcome::Refused { reason } => Settlement::Refused { reason },
        Outcome::NotSent { reason, .. } => {
            Settlement::NotSent { reason, not_before: again.retry_at }
        }
        Outcome::Unknown { reason } => Settlement::Unknown { reason, not_before: again.look_at },
        Outcome::Errored { reason } => {
            Settlement::Unknown { reason, not_before: again.look_soon_at }
        }
    }
}

/// What a settlement says of the whole debt, an earlier attempt included that may have arrived.
pub fn of_the_debt(
    entry: &Entry,
    settlement: Settlement,
    withdrawn: Option<Withdrawal>,
    now: i64,
) -> Settlement {
    let was_unknown = entry.unknown_since.is_some();
    match settlement {
        // It's there, and nothing says by which number: a look may.
        Settlement::Delivered(receipt)
            if entry.kind == "referral" && receipt == Receipt::default() =>
        {
            Settlement::Accepted { reason: UNNAMED.to_owned(), not_before: now }
        }
        settlement => match withdrawn {
            Some(why) => unless_owed(settlement, was_unknown, why),
            None => match settlement {
                // A no to what was sent again says nothing of the attempt before. A notice's is about its address.
                Settlement::Refused { reason } if was_unknown && entry.kind != "notice" => {
                    Settlement::Held { reason: format!("{NOT_TWICE}（{reason}）") }
                }
                // Perhaps twice, as was chosen: then what comes of the last attempt is what came of it.
                Settlement::RefusedAgain { reason } => Settlement::Refused { reason },
                settlement => settlement,
            },
        },
    }
}

/// The receiver has it, as it says, and names no number.
const UNNAMED: &str = "unnamed: there already, the answer says";
const NOT_TWICE: &str = "重发时对方没有收，此前发出的那一次可能已收下：请到对方核实后认定下落";

/// What a settlement becomes where the entry has stopped being owed before it was written. What has arrived has; what
/// certainly hasn't is cancelled; what isn't known is still looked for. Each says that it wasn't owed any more.
pub fn unless_owed(settlement: Settlement, was_unknown: bool, why: Withdrawal) -> Settlement {
    let with = |reason: &str| format!("{why}；{reason}");
    match settlement {
        Settlement::Delivered(receipt) => Settlement::Delivered(receipt),
        Settlement::Absent => {
            Settlement::Cancelled { reason: with("已核实没有送达，不再发送") }
        }
        Settlement::Refused { reason } if !was_unknown => {
            Settlement::Cancelled { reason: with(&format!("对方也没有收下（{reason}）")) }
        }
        // A no to what was sent again says nothing of the attempt before.
        Settlement::Refused { reason } | Settlement::RefusedAgain { reason } => {
            Settlement::Held { reason: with(&format!("{NOT_TWICE}（{reason}）")) }
        }
        Settlement::NotSent { .. } | Settlement::NotSeen { .. } | Settlement::Released
            if !was_unknown =>
        {
            Settlement::Cancelled { reason: with("没有发出") }
        }
        Settlement::NotSent { reason, not_before } => {
            Settlement::NotSent { reason: with(&reason), not_before }
        }
        Settlement::Released => Settlement::Released,
        Settlement::Unknown { reason, not_before } => {
            Settlement::Unknown { reason: with(&reason), not_before }
        }
        Settlement::NotSeen { reason, not_before, answered, lag } => {
            Settlement::NotSeen { reason: with(&reason), not_before, answered, lag }
        }
        Settlement::Accepted { reason, not_before } => {
            Settlement::Accepted { reason: with(&reason), not_before }
        }
        Settlement::Held { reason } => Settlement::Held { reason: with(&reason) },
        Settlement::Cancelled { reason } => Settlement::Cancelled { reason },
    }
}

/// How an entry stands that nobody is at work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Ready,
    Held,
    Delivered,
    Refused,
    Cancelled,
}

impl Standing {
    /// As it's stored.
    pub const fn code(self) -> &'static str {
        match self {
            Standing::Ready => "ready",
            Standing::Held => "held",
            Standing::Delivered => "delivered",
            Standing::Refused => "refused",
            Standing::Cancelled => "cancelled",
        }
    }
}

/// What the outbox keeps of an entry once its claim has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub standing: Standing,
    pub unknown_since: Option<i64>,
    pub accepted_at: Option<i64>,
    pub list_lag: Option<i64>,
    /// The number that the receiver gave and that is another's.
    pub given_number: Option<String>,
    /// The last trouble; nothing leaves what stood there.
    pub error: Option<String>,
    pub not_before: i64,
    /// Whether one more attempt was made.
    pub tried: bool,
    pub first_attempt_at: Option<i64>,
}

/// What the outbox keeps of a settlement that is written at `now`.
pub fn keep(
    entry: &Entry,
    settlement: &Settlement,
    withdrawn: Option<Withdrawal>,
    now: i64,
) -> Kept {
    use Standing::*;
    let still = entry.unknown_since;
    let (standing, unknown_since, not_before) = match settlement {
        Settlement::Delivered(_) => (Delivered, None, now),
        Settlement::Refused { .. } | Settlement::RefusedAgain { .. } => (Refused, None, now),
        // What was sent again and didn't leave says nothing of the attempt before.
        Settlement::NotSent { not_before, .. } => (Ready, still, *not_before),
        Settlement::Unknown { not_before, .. } | Settlement::Accepted { not_before, .. } => {
            (Ready, still.or(Some(now)), *not_before)
        }
        Settlement::NotSeen { not_before, .. } => (Ready, still, *not_before),
        Settlement::Absent => (Ready, None, now),
        Settlement::Held { .. } => (Held, still, now),
        Settlement::Released => (Ready, still, now),
        Settlement::Cancelled { .. } => (Cancelled, None, now),
    };
    let tried = settlement.is_attempt();
    let accepted_at = match settlement {
        Settlement::Accepted { .. } => entry.accepted_at.or(Some(now)),
        _ => entry.accepted_at.filter(|_| unknown_since.is_some()),
    };
    let shown = match settlement {
        Settlement::NotSeen { lag, .. } => *lag,
        _ => None,
    };
    let late = withdrawn.filter(|_| standing == Delivered);
    Kept {
        standing,
        unknown_since,
        accepted_at,
        list_lag: entry.list_lag.into_iter().chain(shown).min().filter(|_| unknown_since.is_some()),
        given_number: None,
        error: settlement.reason().map(str::to_owned).or(late.map(arrived_late)),
        not_before,
        tried,
        first_attempt_at: entry.first_attempt_at.or(if tried {
            entry.last_attempt_at
        } else {
            None
        }),
    }
}

/// What becomes of an arrival under a number that the record knows as another's: one number is one referral's. That the
/// receiver has joined the two is for a person to say.
pub fn number_taken(number: &str, other: &str) -> Settlement {
    let reason = format!(
        "对方给的编号 {number} 已经是 {other} 的，不再重发：请到对方核实。对方把两件并成一件的，用 zoufang outbox resolve 写明 --arrived {number}；另有编号的，写明那个编号；没有收下的，写明 --absent"
    );
    Settlement::Held { reason }
}

/// What is said of an entry that arrived though it isn't owed any more.
pub fn arrived_late(why: Withdrawal) -> String {
    format!("{why}；但此前已经发出，对方已收到，应请对方撤销")
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
