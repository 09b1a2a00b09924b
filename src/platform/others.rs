//! Somebody else's matter under a number of ours: a platform that was restored itself may give its numbers away anew, and so does
//! another one behind the same configuration.

use super::Platform;
use crate::db::{OpenReferral, Store, StoreError};
use crate::domain::recognition::{Sent, Shown};

/// What is said of one under whose number another's matter stands.
pub(super) const OF_OTHERS: &str = "这个编号下现在是别人的事，不是我们报的：平台可能恢复过数据或改过编号，进展不算我们的。请到平台按上报编号找到这一件，没有了的请重新上报";

/// Before a platform is asked: what the record has of its marks.
pub(super) async fn recall(store: &Store, platform: &dyn Platform) -> Result<(), StoreError> {
    if let Some(marks) = platform.shows_marks().filter(|marks| !marks.is_recalled()) {
        marks.recall(store.marks_shown_at().await?.as_deref());
    }
    Ok(())
}

/// After it answered: what it's now known to show.
pub(super) async fn keep(store: &Store, platform: &dyn Platform) -> Result<(), StoreError> {
    let Some(marks) = platform.shows_marks().filter(|marks| marks.is_news()) else {
        return Ok(());
    };
    let mut tx = store.begin().await?;
    tx.note_marks_shown_at(marks.place()).await?;
    tx.commit().await?;
    marks.kept();
    Ok(())
}

/// Of the numbers under which something is shown, those under which it's nothing of what was sent, with the referrals that go by
/// each. What bears a mark is whose mark it is: also that of another referral which goes or went by that number, as where the
/// platform joined two, or took one up again; and what the platform itself led to is ours. What bears none is known by its words.
pub(super) async fn of_others<'d>(
    store: &Store,
    due: &'d [OpenReferral],
    shown: Vec<(String, String)>,
) -> Result<Vec<(String, Vec<&'d OpenReferral>)>, StoreError> {
    let mut others = Vec::new();
    for (number, text) in shown {
        let goes_by = |open: &&OpenReferral| open.remote_id.as_ref() == Some(&number);
        let opens: Vec<&OpenReferral> = due.iter().filter(goes_by).collect();
        let text = Shown::of(&text);
        if opens.is_empty() || opens.iter().any(|open| text.carries(&open.reference)) {
            continue;
        }
        let marks: Vec<&str> = text.marks().collect();
        let is_ours = match marks.as_slice() {
            [] => has_words(store, &opens, &text).await?,
            marks => store.goes_by(&number, marks).await?,
        };
        if !is_ours {
            others.push((number, opens));
        }
    }
    Ok(others)
}

/// Whether what is shown has anything of what was sent; what can't be read any more is taken to.
async fn has_words(
    store: &Store,
    opens: &[&OpenReferral],
    shown: &Shown<'_>,
) -> Result<bool, StoreError> {
    let ids: Vec<&str> = opens.iter().map(|open| open.id.as_str()).collect();
    let sent = store.sent_words(&ids).await?;
    let has = |(reference, words): &(String, String)| shown.has_of(&Sent::new(reference, words));
    Ok(sent.is_empty() || sent.iter().any(has))
}
