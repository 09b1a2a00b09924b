//! The way to the platform: what the outbox carries there, sent and looked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::NoContact;
use super::{Looks, Platform};
use crate::db::{Content, Store, StoreError};
use crate::delivery::{Attempt, Entry, LookUp, Outcome, Transport};
use crate::domain::delivery::search::{SearchResult, Sought, Subject, ZONES};
use crate::domain::referral::PHOTO;

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
                store: self.store.clone(),
                platform: Arc::clone(&self.platform),
                clock_skew: self.clock_skew,
                content,
            };
            (target, Box::new(attempt) as Box<dyn Attempt>)
        };
        Ok(contents.into_iter().map(attempt).collect())
    }
}

/// For so long, in milliseconds, a platform that knows repetitions is trusted to know one.
const KEYS_LAST: i64 = 20 * 3_600_000;

struct PlatformAttempt {
    store: Store,
    platform: Arc<dyn Platform>,
    clock_skew: Duration,
    content: Content,
}

impl PlatformAttempt {
    /// What is looked for, with the time in which it can have arrived, by the platform's clock in whatever zone, and what
    /// is known to be there.
    async fn sought(&self, entry: &Entry) -> Result<Sought, StoreError> {
        let now = self.store.context().clock.now();
        let at = |millis: Option<i64>| {
            millis.and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or(now)
        };
        let (first, around) = (at(entry.first_attempt_at), self.clock_skew + ZONES);
        let (subject, words) = match &self.content {
            Content::Referral(dispatch) => (
                Subject { reference: dispatch.reference.clone(), ..Subject::default() },
                &*dispatch.text,
            ),
            Content::Message(message) => {
                let (reference, remote_id) = (message.reference.clone(), message.remote_id.clone());
                (Subject { reference, remote_id }, &*message.text)
            }
            Content::Photo(photo) => {
                let (reference, remote_id) = (photo.reference.clone(), photo.remote_id.clone());
                (Subject { reference, remote_id }, PHOTO)
            }
        };
        Ok(Sought {
            subject,
            words: words.to_owned(),
            from: first.checked_sub(around).unwrap_or(Timestamp::MIN),
            to: now.checked_add(around).unwrap_or(Timestamp::MAX),
            sent: at(entry.last_attempt_at),
            controls: self.store.controls(entry).await?,
        })
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
        let since = entry.first_attempt_at.unwrap_or_default();
        let age = self.store.context().clock.millis().saturating_sub(since);
        match looks {
            Looks::RepeatedKey if age < KEYS_LAST => return LookUp::Repeatable,
            // Whoever knows a repetition forgets the key, as a rule within a day.
            Looks::RepeatedKey => {}
            Looks::Nothing => return LookUp::Blind,
            Looks::Search => {}
        }
        let sought = match self.sought(entry).await {
            Ok(sought) => sought,
            Err(error) => {
                return NoContact::because(error.to_string()).into();
            }
        };
        let seen = match &self.content {
            Content::Referral(_) => platform.find(&sought).await,
            Content::Message(message) => platform.find_message(message, &sought).await,
            Content::Photo(photo) => platform.find_photo(photo, &sought).await,
        };
        match seen {
            Ok(SearchResult::Found(receipt)) => LookUp::Found(receipt),
            Ok(SearchResult::Absent) => LookUp::Absent,
            Ok(SearchResult::Unproven(reason)) => {
                let for_want_of_a_control = sought.controls.is_empty();
                LookUp::Unproven { reason, for_want_of_a_control }
            }
            Ok(SearchResult::Mute(reason)) => LookUp::Mute { reason },
            Err(none) => none.into(),
        }
    }
}
