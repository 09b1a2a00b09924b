//! Somebody else's matter under a number of ours: a platform that was restored itself may give its numbers away anew.

use crate::db::{OpenReferral, Store, StoreError};
use crate::domain::recognition::{Sent, Shown};

/// What is said of one under whose number another's matter stands.
pub(super) const OF_OTHERS: &str = "这个编号下现在是别人的事，不是我们报的：平台可能恢复过数据或改过编号，进展不算我们的。请到平台按上报编号找到这一件，没有了的请重新上报";

/// Of the numbers under which something stands without a mark of ours, those under which it has nothing of what was sent,
/// with the referrals that go by each.
pub(super) async fn of_others<'d>(
    store: &Store,
    due: &'d [OpenReferral],
    unmarked: Vec<(String, String)>,
) -> Result<Vec<(String, Vec<&'d OpenReferral>)>, StoreError> {
    let mut others = Vec::new();
    for (number, text) in unmarked {
        let goes_by = |open: &&OpenReferral| open.remote_id.as_ref() == Some(&number);
        let opens: Vec<&OpenReferral> = due.iter().filter(goes_by).collect();
        let ids: Vec<&str> = opens.iter().map(|open| open.id.as_str()).collect();
        let sent = store.sent_words(&ids).await?;
        let shown = Shown::of(&text);
        let is_ours =
            |(reference, words): &(String, String)| shown.has_of(&Sent::new(reference, words));
        if !sent.is_empty() && !sent.iter().any(is_ours) {
            others.push((number, opens));
        }
    }
    Ok(others)
}
