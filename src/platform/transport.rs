//! The way to the platform: what the outbox carries there, sent and looked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Looks, Platform};
use crate::clock::Clock;
use crate::db::{Content, Store, StoreError};
use crate::delivery::{Attempt, Entry, LookUp, Outcome, Transport};

/// Takes referrals, messages and photos to one platform.
pub struct PlatformTransport {
    store: Store,
    platform: Arc<dyn Platform>,
    clock_skew: Duration,
}

impl PlatformTransport {
    /// `clock_skew` is how far the platform's clock may be from ours.
    pub fn new(
        store: Store,
        platform: Arc<dyn Platform>,
        clock_skew: Duration,
    ) -> PlatformTransport {
        PlatformTransport { store, platform, clock_skew }
    }
}

#[async_trait]
impl Transport for PlatformTransport {
    async fn load(
        &self,
        entries: &[Entry],
    ) -> Result<HashMap<String, Box<dyn Attempt>>, StoreError> {
        let contents = self.store.contents(entries).await?;
        let attempt = |(target, content)| {
            let attempt = PlatformAttempt {
                clock: self.store.context().clock.clone(),
                platform: Arc::clone(&self.platform),
                clock_skew: self.clock_skew,
                content,
            };
            (target, Box::new(attempt) as Box<dyn Attempt>)
        };
        Ok(contents.into_iter().map(attempt).collect())
    }
}

struct PlatformAttempt {
    clock: Clock,
    platform: Arc<dyn Platform>,
    clock_skew: Duration,
    content: Content,
}

impl PlatformAttempt {
    /// The time in which an unknown attempt can have arrived, by the platform's clock.
    fn window(&self, entry: &Entry) -> (Timestamp, Timestamp) {
        let now = self.clock.now();
        let first = entry
            .first_attempt_at
            .and_then(|first| Timestamp::from_millisecond(first).ok())
            .unwrap_or(now);
        let from = first.checked_sub(self.clock_skew).unwrap_or(Timestamp::MIN);
        let to = now.checked_add(self.clock_skew).unwrap_or(Timestamp::MAX);
        (from, to)
    }
}

#[async_trait]
impl Attempt for PlatformAttempt {
    async fn send(&self) -> Outcome {
        match &self.content {
            Content::Referral(dispatch) => self.platform.submit(dispatch).await,
            Content::Message(message) => self.platform.append(message).await,
            Content::Photo(photo) => self.platform.upload(photo).await,
        }
    }

    async fn look(&self, entry: &Entry) -> LookUp {
        let platform = &self.platform;
        let looks = match self.content {
            Content::Referral(_) => platform.looks(),
            Content::Message(_) => platform.looks_for_messages().unwrap_or(Looks::Nothing),
            Content::Photo(_) => platform.looks_for_photos().unwrap_or(Looks::Nothing),
        };
        match looks {
            Looks::RepeatedKey => return LookUp::Repeatable,
            Looks::Nothing => return LookUp::Blind,
            Looks::Search => {}
        }
        let (from, to) = self.window(entry);
        let found = match &self.content {
            Content::Referral(dispatch) => platform.find(&dispatch.reference, from, to).await,
            Content::Message(message) => platform.find_message(message, from, to).await,
            Content::Photo(photo) => platform.find_photo(photo, from, to).await,
        };
        match found {
            Ok(Some(receipt)) => LookUp::Found(receipt),
            Ok(None) => LookUp::Absent,
            Err(none) => LookUp::Failed { reason: none.reason, retry_after: none.retry_after },
        }
    }
}
