//! Follows what the platform has: by its feed of changes, else young referrals often and old ones seldom;
//! all of them each night.

use std::collections::HashMap;

use tracing::{debug, warn};

use super::{NoContact, Platform};
use crate::app::receive_updates::{End, ask_about_all, receive_all};
use crate::db::{OpenReferral, Store, StoreError};
use crate::domain::referral::PlatformUpdate;

/// What a poll did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Polled {
    pub asked: usize,
    pub answers: usize,
    pub news: usize,
}

/// What of a platform is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Referrals whose time it is.
    All,
    /// Of those, only the ones that have no number yet: a feed tells of the others.
    Numbers,
}

/// Learns what changed: by the platform's feed where it has one, so that the cost grows with what changed and
/// not with what is open; else by asking about every referral that is due, `batch` at a time. Stops at
/// the first question that gets no answer: what wasn't asked stays due.
pub async fn poll(
    store: &Store,
    platform: &dyn Platform,
    batch: usize,
) -> Result<Polled, StoreError> {
    let mut polled = Polled::default();
    let due = if platform.has_feed() {
        if !read_feed(store, platform, &mut polled).await? {
            return Ok(polled);
        }
        Due::Numbers
    } else {
        Due::All
    };
    ask_due(store, platform, batch, due, &mut polled).await?;
    Ok(polled)
}

/// Reads the feed to its end. What a page told and where the next one begins are kept together. False where
/// the platform didn't answer.
async fn read_feed(
    store: &Store,
    platform: &dyn Platform,
    polled: &mut Polled,
) -> Result<bool, StoreError> {
    let lane = store.context().platform_lane.clone();
    let mut cursor = store.feed_cursor().await?;
    loop {
        let changed = match platform.changes(cursor.as_deref()).await {
            Ok(changed) => changed,
            Err(none) => {
                silent(store, &lane, &none).await?;
                return Ok(false);
            }
        };
        polled.answers += changed.updates.len();
        warn_of_unknown(&changed.updates);
        let end = changed.cursor.as_deref().map_or(End::Nothing, End::Feed);
        polled.news += receive_all(store, &changed.updates, end).await?;
        store.mark_contact(&lane, None).await?;
        if !changed.more {
            return Ok(true);
        }
        cursor = changed.cursor;
    }
}

async fn silent(store: &Store, lane: &str, none: &NoContact) -> Result<(), StoreError> {
    warn!(%lane, reason = %none, "the platform didn't answer; asked again at the next poll");
    store.mark_contact(lane, Some(&none.reason)).await
}

fn warn_of_unknown(updates: &[PlatformUpdate]) {
    for update in updates.iter().filter(|update| update.status.is_none()) {
        warn!(remote_id = %update.remote_id, word = %update.word,
            "a status that configuration doesn't know; kept, not applied");
    }
}

async fn ask_due(
    store: &Store,
    platform: &dyn Platform,
    batch: usize,
    what: Due,
    polled: &mut Polled,
) -> Result<(), StoreError> {
    let lane = store.context().platform_lane.clone();
    let limit = i64::try_from(platform.batch().unwrap_or(batch).max(1)).unwrap_or(i64::MAX);
    loop {
        let due = match what {
            Due::All => store.due_polls(limit).await?,
            Due::Numbers => store.due_numbers(limit).await?,
        };
        if due.is_empty() {
            return Ok(());
        }
        match ask(store, platform, &due, polled).await? {
            Ok(()) => store.mark_contact(&lane, None).await?,
            Err(none) => {
                silent(store, &lane, &none).await?;
                return Ok(());
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
    ask_about_all(store).await?;
    let mut polled = Polled::default();
    ask_due(store, platform, batch, Due::All, &mut polled).await?;
    Ok(polled)
}

async fn ask(
    store: &Store,
    platform: &dyn Platform,
    due: &[OpenReferral],
    polled: &mut Polled,
) -> Result<Result<(), NoContact>, StoreError> {
    let mut numbers = HashMap::new();
    // One that a person says has arrived may have neither number nor token: there is nothing to ask by.
    let tokens = due.iter().filter(|open| open.remote_id.is_none());
    for (open, token) in tokens.filter_map(|open| Some((open, open.token.as_deref()?))) {
        match platform.number_of(token).await {
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
    warn_of_unknown(&updates);
    let end = End::Asked { referrals: due, numbers: &numbers };
    polled.news += receive_all(store, &updates, end).await?;
    debug!(asked = due.len(), answers = updates.len(), "polled");
    Ok(Ok(()))
}
