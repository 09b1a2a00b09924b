//! What a look for an earlier attempt allows.

use super::reasons::{CANT_BE_ASKED, MAY_HAVE_ARRIVED, NO_NUMBER, NOT_LISTED, NOT_PROVED};
use super::{Again, LookUp, OnUnknown, Settlement, Withdrawal};

/// What follows from a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterLook {
    /// Sending is safe, or wanted all the same.
    Send,
    Settle(Settlement),
}

/// What is known of an entry that is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// Why it isn't owed any more, where it isn't.
    pub withdrawn: Option<Withdrawal>,
    /// Its receiver has said that it has it.
    pub accepted: bool,
}

/// What a look allows. An entry that isn't owed any more is never sent again, not even where that would be safe; and never
/// one whose receiver has said that it has it, whatever its list shows.
pub fn after_look(look: LookUp, known: Known, on_unknown: OnUnknown, again: Again) -> AfterLook {
    let Known { withdrawn, accepted } = known;
    let held = |reason: String| AfterLook::Settle(Settlement::Held { reason });
    let unseen = |reason, answered, lag| {
        AfterLook::Settle(Settlement::NotSeen { reason, not_before: again.retry_at, answered, lag })
    };
    if accepted {
        return AfterLook::Settle(in_search_of_its_number(look, again));
    }
    match (look, withdrawn) {
        (LookUp::Found(receipt), _) => AfterLook::Settle(Settlement::Delivered(receipt)),
        (LookUp::Absent, _) => AfterLook::Settle(Settlement::Absent),
        (LookUp::Unproven { reason, for_want_of_a_control: false, .. }, _)
            if again.asks_a_person =>
        {
            held(format!("{NOT_PROVED}（{reason}）"))
        }
        (LookUp::Unproven { reason, lag, .. }, _) => unseen(reason, true, lag),
        (LookUp::Failed { reason, .. }, _) => unseen(reason, false, None),
        // Whatever stands between says so while the receiver is being changed.
        (LookUp::Mute { reason, by_itself: false }, _) if !again.asks_a_person => {
            unseen(reason, false, None)
        }
        (LookUp::Repeatable | LookUp::Blind, Some(_)) => held(CANT_BE_ASKED.to_owned()),
        (LookUp::Mute { reason, .. }, Some(_)) => held(format!("{CANT_BE_ASKED}（{reason}）")),
        (LookUp::Repeatable, None) => AfterLook::Send,
        (LookUp::Blind | LookUp::Mute { .. }, None) if on_unknown == OnUnknown::Resend => {
            AfterLook::Send
        }
        (LookUp::Blind, None) => held(MAY_HAVE_ARRIVED.to_owned()),
        (LookUp::Mute { reason, .. }, None) => held(format!("{MAY_HAVE_ARRIVED}（{reason}）")),
    }
}

/// What a look makes of what its receiver has, as it has said: it's looked for by its mark until it's listed with its number,
/// and after long a person is asked. Not seeing it, however often, doesn't take back what was said.
fn in_search_of_its_number(look: LookUp, again: Again) -> Settlement {
    let held = |reason: &str| Settlement::Held { reason: format!("{NO_NUMBER}{reason}") };
    let (reason, answered, lag) = match look {
        LookUp::Found(receipt) => return Settlement::Delivered(receipt),
        LookUp::Repeatable | LookUp::Blind => return held(""),
        LookUp::Mute { reason, by_itself: true } => return held(&format!("（{reason}）")),
        LookUp::Mute { reason, .. } | LookUp::Failed { reason, .. } => (reason, false, None),
        LookUp::Absent => (NOT_LISTED.to_owned(), true, None),
        LookUp::Unproven { reason, lag, .. } => (reason, true, lag),
    };
    match again.asks_a_person {
        true => held(&format!("（{reason}）")),
        false => Settlement::NotSeen {
            reason: format!("accepted: {reason}"),
            not_before: again.retry_at,
            answered,
            lag,
        },
    }
}
