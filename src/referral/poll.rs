//! Follows what the platform has: young referrals often, old ones seldom, all of them each night.

use std::collections::HashMap;

use tracing::{debug, warn};

use super::{NoContact, Platform};
use crate::store::{OpenReferral, Store, StoreError};

/// What a poll did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Polled {
    pub asked: usize,
    pub answers: usize,
    pub news: usize,
}

/// Asks about every referral that is due, `batch` at a time, and stores the answers. Stops at the
/// first question that gets no answer: what wasn't asked stays due.
pub async fn poll(
    store: &Store,
    platform: &dyn Platform,
    batch: usize,
) -> Result<Polled, StoreError> {
    let lane = store.around().platform_lane.clone();
    let mut polled = Polled::default();
    loop {
        let due = store.due_polls(i64::try_from(batch).unwrap_or(i64::MAX)).await?;
        if due.is_empty() {
            return Ok(polled);
        }
        match ask(store, platform, &due, &mut polled).await? {
            Ok(()) => store.mark_contact(&lane, None).await?,
            Err(none) => {
                warn!(%lane, reason = %none, "the platform didn't answer; asked again at the next poll");
                store.mark_contact(&lane, Some(&none.reason)).await?;
                return Ok(polled);
            }
        }
    }
}

/// Makes every open referral due, then polls: what was missed for any reason is found within a day.
pub async fn sweep(
    store: &Store,
    platform: &dyn Platform,
    batch: usize,
) -> Result<Polled, StoreError> {
    let mut tx = store.begin().await?;
    tx.poll_all_now().await?;
    tx.commit().await?;
    poll(store, platform, batch).await
}

async fn ask(
    store: &Store,
    platform: &dyn Platform,
    due: &[OpenReferral],
    polled: &mut Polled,
) -> Result<Result<(), NoContact>, StoreError> {
    let mut numbers = HashMap::new();
    for open in due.iter().filter(|open| open.remote_id.is_none()) {
        match platform.number_of(open.token.as_deref().unwrap_or_default()).await {
            Ok(Some(number)) => drop(numbers.insert(open.id.as_str(), number)),
            Ok(None) => {}
            Err(none) => return Ok(Err(none)),
        }
    }
    let known: Vec<String> = due.iter().filter_map(|open| open.remote_id.clone()).collect();
    let updates = if known.is_empty() {
        Vec::new()
    } else {
        match platform.fetch(&known).await {
            Ok(updates) => updates,
            Err(none) => return Ok(Err(none)),
        }
    };
    polled.asked += due.len();
    polled.answers += updates.len();
    let mut tx = store.begin().await?;
    for update in &updates {
        if update.status.is_none() {
            warn!(remote_id = %update.remote_id, word = %update.word,
                "a status that configuration doesn't know (platform.statuses); kept, not applied");
        }
        polled.news += usize::from(tx.receive_update(update).await?);
    }
    for open in due {
        if let Some(number) = numbers.get(open.id.as_str()) {
            tx.referral_numbered(&open.id, number).await?;
        } else {
            tx.polled(open).await?;
        }
    }
    tx.commit().await?;
    debug!(asked = due.len(), answers = updates.len(), "polled");
    Ok(Ok(()))
}
