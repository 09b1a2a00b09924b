//! Somebody else's matter under a number of ours: a platform that was restored itself may give its numbers away anew, and so does
//! another one behind the same configuration.

use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::{Answers, Platform};
use crate::db::{OpenReferral, Store, StoreError};
use crate::domain::recognition::{Sent, Shown};
use crate::domain::referral::{is_marked, reference_in};

/// What is said of one under whose number another's matter stands.
pub(super) const OF_OTHERS: &str = "这个编号下现在是别人的事，不是我们报的：平台可能恢复过数据或改过编号，进展不算我们的。请到平台按上报编号找到这一件，没有了的请重新上报";

/// Whether a platform shows our marks: known of its address, and kept in the record, so that a restart forgets nothing.
#[derive(Debug)]
pub struct ShowsMarks {
    /// Stands for the address, which may hold what nobody is to read.
    place: String,
    known: AtomicBool,
    /// What the record has of it was read; it has it.
    recalled: AtomicBool,
    kept: AtomicBool,
}

impl ShowsMarks {
    /// Of the platform at that address.
    pub fn at(endpoint: &str) -> ShowsMarks {
        let place = Sha256::digest(endpoint).iter().map(|byte| format!("{byte:02x}")).collect();
        let [known, recalled, kept] = [false; 3].map(AtomicBool::new);
        ShowsMarks { place, known, recalled, kept }
    }
}

impl Answers {
    /// Notes what stands under numbers in the place of what we wrote: with somebody's mark, or without one where this platform
    /// is known to show ours.
    pub fn note_shown(
        &mut self,
        shown: impl Iterator<Item = (String, String)>,
        marks: &ShowsMarks,
    ) {
        let (marked, unmarked): (Vec<_>, Vec<_>) =
            shown.partition(|(_, text)| reference_in(text).is_some());
        if !marked.is_empty() {
            marks.known.store(true, Ordering::Relaxed);
        }
        self.shown.extend(marked);
        if marks.known.load(Ordering::Relaxed) {
            let said = |(_, text): &(String, String)| !text.trim().is_empty();
            self.shown.extend(unmarked.into_iter().filter(said));
        }
    }
}

/// Before a platform is asked: what the record has of its marks.
pub(super) async fn recall(store: &Store, platform: &dyn Platform) -> Result<(), StoreError> {
    let Some(marks) = platform.shows_marks() else { return Ok(()) };
    if marks.recalled.load(Ordering::Relaxed) {
        return Ok(());
    }
    if store.marks_shown_at().await?.as_ref() == Some(&marks.place) {
        marks.known.store(true, Ordering::Relaxed);
        marks.kept.store(true, Ordering::Relaxed);
    }
    marks.recalled.store(true, Ordering::Relaxed);
    Ok(())
}

/// After it answered: what it's now known to show.
pub(super) async fn keep(store: &Store, platform: &dyn Platform) -> Result<(), StoreError> {
    let Some(marks) = platform.shows_marks() else { return Ok(()) };
    if !marks.known.load(Ordering::Relaxed) || marks.kept.load(Ordering::Relaxed) {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    tx.note_marks_shown_at(&marks.place).await?;
    tx.commit().await?;
    marks.kept.store(true, Ordering::Relaxed);
    Ok(())
}

/// Of the numbers under which something is shown, those under which it's nothing of what was sent, with the referrals that go by
/// each. What bears a mark is whose mark it is, unless the platform itself led from the number of ours to that one; what bears
/// none is known by its words.
pub(super) async fn of_others<'d>(
    store: &Store,
    due: &'d [OpenReferral],
    shown: Vec<(String, String)>,
) -> Result<Vec<(String, Vec<&'d OpenReferral>)>, StoreError> {
    let mut others = Vec::new();
    for (number, text) in shown {
        let goes_by = |open: &&OpenReferral| open.remote_id.as_ref() == Some(&number);
        let opens: Vec<&OpenReferral> = due.iter().filter(goes_by).collect();
        if opens.is_empty() || opens.iter().any(|open| is_marked(&text, &open.reference)) {
            continue;
        }
        let is_ours = match reference_in(&text) {
            Some(_) => store.is_led_to(&number).await?,
            None => has_words(store, &opens, &text).await?,
        };
        if !is_ours {
            others.push((number, opens));
        }
    }
    Ok(others)
}

/// Whether what is shown has anything of what was sent; what can't be read any more is taken to.
async fn has_words(store: &Store, opens: &[&OpenReferral], text: &str) -> Result<bool, StoreError> {
    let ids: Vec<&str> = opens.iter().map(|open| open.id.as_str()).collect();
    let sent = store.sent_words(&ids).await?;
    let shown = Shown::of(text);
    let has = |(reference, words): &(String, String)| shown.has_of(&Sent::new(reference, words));
    Ok(sent.is_empty() || sent.iter().any(has))
}
