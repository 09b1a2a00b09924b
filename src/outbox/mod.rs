//! The delivery engine: claim, look, send, settle.
//!
//! Knows debts ([`Parcel`]), how to pay one ([`Carrier`]) and the record; not what is in a debt, nor
//! which platform or channel takes it. What may have arrived is never sent again before a look.

mod delay;
pub mod http;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::store::{Parcel, Receipt, Settlement, Store, StoreError};
use delay::delay;

/// How an attempt to send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Delivered(Receipt),
    /// The receiver's own no.
    Refused {
        reason: String,
    },
    /// It certainly did not arrive.
    NotSent {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// It may have arrived.
    Unknown {
        reason: String,
    },
}

/// What a look for an earlier attempt showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    Found(Receipt),
    Absent,
    /// The receiver can't be looked at, but knows a repeated key: sending again is safe.
    Repeatable,
    /// The look itself failed.
    Failed {
        reason: String,
        retry_after: Option<Duration>,
    },
}

/// Takes debts to one receiver.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Sends a debt that isn't there yet.
    async fn send(&self, parcel: &Parcel) -> Outcome;
    /// Looks whether an earlier attempt arrived.
    async fn look(&self, parcel: &Parcel) -> Sight;
}

/// How a lane behaves.
#[derive(Debug, Clone)]
pub struct LaneRules {
    pub concurrency: usize,
    pub lease: Duration,
    pub settle_after: Duration,
    pub retry_first: Duration,
    pub retry_cap: Duration,
}

/// One receiver's part of the outbox; a dead lane slows no other.
pub struct Lane {
    name: String,
    owner: String,
    store: Store,
    carrier: Arc<dyn Carrier>,
    rules: LaneRules,
    wake: Arc<Notify>,
    shutdown: CancellationToken,
}

/// How many settlements share one commit at the most.
const SETTLE_TOGETHER: usize = 64;
/// How long an idle lane waits before it looks at the outbox without having been woken: another
/// process, such as an import, may have written to it.
const IDLE: Duration = Duration::from_secs(1);

impl Lane {
    /// A lane that stops claiming when `shutdown` is given, and finishes what is in flight.
    pub fn new(
        name: &str,
        store: Store,
        carrier: Arc<dyn Carrier>,
        rules: LaneRules,
        shutdown: CancellationToken,
    ) -> Lane {
        let owner = store.around().id();
        Lane { name: name.to_owned(), owner, store, carrier, rules, wake: Arc::default(), shutdown }
    }

    /// The lane's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says that something was written to the outbox.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Delivers until told to stop.
    pub async fn run(self: &Arc<Self>) {
        while !self.shutdown.is_cancelled() {
            match self.deliver_batch().await {
                Ok(0) => self.idle().await,
                Ok(_) => {}
                Err(error) => {
                    error!(lane = %self.name, %error, "the outbox can't be read or written");
                    self.idle().await;
                }
            }
        }
    }

    /// Delivers all that is due now.
    pub async fn drain(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut delivered = 0;
        loop {
            match self.deliver_batch().await? {
                0 => return Ok(delivered),
                some => delivered += some,
            }
        }
    }

    /// Claims one batch, tries each, and writes how each ended. Returns how many were claimed.
    async fn deliver_batch(self: &Arc<Self>) -> Result<usize, StoreError> {
        let next = self.store.next_attempt(&self.name).await?;
        if next.is_none_or(|next| next > self.store.around().clock.millis()) {
            return Ok(0);
        }
        let limit = i64::try_from(self.rules.concurrency * 2).unwrap_or(i64::MAX);
        let (lease, settle_after) = (millis(self.rules.lease), millis(self.rules.settle_after));
        let parcels = self.store.claim(&self.name, &self.owner, limit, lease, settle_after).await?;
        let claimed = parcels.len();
        // Each attempt is a task of its own: it goes on while others are being settled, holds no
        // connection that the settling waits for, and its panic leaves only its own lease to expire.
        let mut settled = stream::iter(parcels)
            .map(|parcel| tokio::spawn(Arc::clone(self).pay(parcel)))
            .buffer_unordered(self.rules.concurrency)
            .filter_map(|paid| async {
                paid.inspect_err(|panic| error!(%panic, "an attempt panicked")).ok()
            })
            .ready_chunks(SETTLE_TOGETHER)
            .boxed();
        while let Some(batch) = settled.next().await {
            self.store.settle(&self.name, &self.owner, &batch).await?;
            batch.iter().for_each(|(parcel, settlement)| self.report(parcel, settlement));
        }
        Ok(claimed)
    }

    async fn pay(self: Arc<Self>, parcel: Parcel) -> (Parcel, Settlement) {
        if self.shutdown.is_cancelled() {
            return (parcel, Settlement::Released);
        }
        let settlement = if parcel.unknown_since.is_some() {
            self.look(&parcel).await
        } else {
            self.send(&parcel).await
        };
        (parcel, settlement)
    }

    async fn look(&self, parcel: &Parcel) -> Settlement {
        match self.carrier.look(parcel).await {
            Sight::Found(receipt) => Settlement::Delivered(receipt),
            Sight::Absent => Settlement::Absent,
            Sight::Repeatable => self.send(parcel).await,
            Sight::Failed { reason, retry_after } => {
                Settlement::NotSeen { reason, not_before: self.retry_at(parcel, retry_after) }
            }
        }
    }

    async fn send(&self, parcel: &Parcel) -> Settlement {
        match self.carrier.send(parcel).await {
            Outcome::Delivered(receipt) => Settlement::Delivered(receipt),
            Outcome::Refused { reason } => Settlement::Refused { reason },
            Outcome::NotSent { reason, retry_after } => {
                Settlement::NotSent { reason, not_before: self.retry_at(parcel, retry_after) }
            }
            Outcome::Unknown { reason } => {
                Settlement::Unknown { reason, not_before: self.after(self.rules.settle_after) }
            }
        }
    }

    /// When to try again: as the receiver asked, else later each time, spread by full jitter.
    fn retry_at(&self, parcel: &Parcel, retry_after: Option<Duration>) -> i64 {
        let chance = &self.store.around().chance;
        let wait = retry_after.unwrap_or_else(|| {
            let longest = delay(parcel.attempts, self.rules.retry_first, self.rules.retry_cap);
            longest.mul_f64(chance.fraction())
        });
        self.after(wait.min(self.rules.retry_cap.max(Duration::from_secs(3600))))
    }

    fn after(&self, wait: Duration) -> i64 {
        self.store.around().clock.millis().saturating_add(millis(wait))
    }

    async fn idle(&self) {
        let clock = &self.store.around().clock;
        let next = self.store.next_attempt(&self.name).await.ok().flatten();
        let wait = next.map_or(Duration::MAX, |next| {
            Duration::from_millis(u64::try_from(next - clock.millis()).unwrap_or(1).max(1))
        });
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            () = self.wake.notified() => {}
            () = clock.sleep(wait.min(Duration::from_secs(86_400))) => {}
            () = tokio::time::sleep(IDLE) => {}
        }
    }

    fn report(&self, parcel: &Parcel, settlement: &Settlement) {
        let (lane, debt, attempts) = (&self.name, &parcel.debt_key, parcel.attempts + 1);
        let outcome = match settlement {
            Settlement::Delivered(_) => "delivered",
            Settlement::Refused { .. } => "refused",
            Settlement::NotSent { .. } => "not_sent",
            Settlement::Unknown { .. } => "unknown",
            Settlement::NotSeen { .. } => "not_seen",
            Settlement::Absent => "absent",
            Settlement::Held { .. } => "held",
            Settlement::Released => "released",
        };
        metrics::counter!("zoufang_attempts_total", "lane" => lane.clone(), "outcome" => outcome)
            .increment(1);
        match settlement {
            Settlement::Delivered(_) | Settlement::Absent | Settlement::Released => {
                info!(%lane, %debt, attempts, outcome, "settled");
            }
            Settlement::Refused { reason }
            | Settlement::NotSent { reason, .. }
            | Settlement::Unknown { reason, .. }
            | Settlement::NotSeen { reason, .. }
            | Settlement::Held { reason } => {
                warn!(%lane, %debt, attempts, outcome, %reason, "not settled yet");
            }
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
