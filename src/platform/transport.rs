//! Pays the debts to the platform: the outbox's transport for referrals.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Looks, Platform};
use crate::clock::Clock;
use crate::db::{Content, OutboxEntry};
use crate::delivery::{LookUp, Outcome, Transport};

/// Takes referrals to one platform.
pub struct PlatformTransport {
    clock: Clock,
    platform: Arc<dyn Platform>,
    clock_skew: Duration,
}

impl PlatformTransport {
    /// `clock_skew` is how far the platform's clock may be from ours.
    pub fn new(
        clock: Clock,
        platform: Arc<dyn Platform>,
        clock_skew: Duration,
    ) -> PlatformTransport {
        PlatformTransport { clock, platform, clock_skew }
    }

    /// The time in which an unknown attempt can have arrived, by the platform's clock.
    fn window(&self, entry: &OutboxEntry) -> (Timestamp, Timestamp) {
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
impl Transport for PlatformTransport {
    async fn send(&self, content: &Content) -> Outcome {
        match content {
            Content::Referral(dispatch) => self.platform.submit(dispatch).await,
            Content::Message(message) => self.platform.append(message).await,
            Content::Photo(photo) => self.platform.upload(photo).await,
            Content::Notice(_) => Outcome::not_for_this_lane(),
        }
    }

    async fn look(&self, entry: &OutboxEntry, content: &Content) -> LookUp {
        let looks = match content {
            Content::Referral(_) => self.platform.looks(),
            Content::Photo(_) => self.platform.looks_for_photos().unwrap_or(Looks::Nothing),
            _ => self.platform.looks_for_messages().unwrap_or(Looks::Nothing),
        };
        match looks {
            Looks::RepeatedKey => return LookUp::Repeatable,
            Looks::Nothing => return LookUp::Blind,
            Looks::Search => {}
        }
        let (from, to) = self.window(entry);
        let found = match content {
            Content::Referral(dispatch) => self.platform.find(&dispatch.reference, from, to).await,
            Content::Message(message) => self.platform.find_message(message, from, to).await,
            Content::Photo(photo) => self.platform.find_photo(photo, from, to).await,
            Content::Notice(_) => Ok(None),
        };
        match found {
            Ok(Some(receipt)) => LookUp::Found(receipt),
            Ok(None) => LookUp::Absent,
            Err(none) => LookUp::Failed { reason: none.reason, retry_after: none.retry_after },
        }
    }
}
