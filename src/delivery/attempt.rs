//! One attempt: whether it may begin, what is done, and how it ended.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::delay::delay;
use super::flow::Loaded;
use super::gate::{Gate, GateState, LONGEST_RETRY_AFTER};
use super::http::TOO_MANY;
use super::{Attempt, Outbox, Transport};
use crate::app::deliveries::Ended;
use crate::clock::{Chance, Clock, Stopwatch, span_millis};
use crate::domain::delivery::{
    AfterLook, Again, BROKEN_OFF, Entry, LookUp, OnUnknown, Outcome, Settlement, Step, UNREADABLE,
    after_attempt, after_look, first_step,
};
use crate::domain::workdays::WorkingTime;

/// How a lane behaves.
#[derive(Debug, Clone)]
pub struct LaneRules {
    /// Attempts at the same time.
    pub concurrency: usize,
    pub lease: Duration,
    pub settle_after: Duration,
    pub retry_first: Duration,
    pub retry_cap: Duration,
    /// Attempts in a minute at the most; without a number, as many as the receiver takes.
    pub rate_per_minute: Option<u32>,
    /// How many failures in a row open the circuit breaker.
    pub breaker_failures: u32,
    /// Its first pause; each further one is twice as long, up to `retry_cap`.
    pub breaker_pause: Duration,
    pub on_unknown: OnUnknown,
    /// When the receiver may be disturbed; at any time where nothing is said.
    pub hours: Option<WorkingTime>,
    /// What was read longer ago than this, in real time, is asked about again before it's sent: whether it's still owed.
    pub recheck_after: Duration,
}

/// What the attempts of a lane share.
pub(super) struct Parts {
    pub name: String,
    /// By which its leases are known as its own.
    pub owner: String,
    pub outbox: Arc<dyn Outbox>,
    pub transport: Arc<dyn Transport>,
    pub clock: Clock,
    pub chance: Chance,
    pub rules: LaneRules,
    pub gate: Gate,
    pub shutdown: CancellationToken,
}

impl Parts {
    /// Reads what entries carry. Where one can't be read, the others still are.
    pub async fn load(&self, entries: &[Entry], known: Stopwatch) -> Vec<Loaded> {
        let loaded = match self.transport.load(entries).await {
            Err(error) if error.is_of_the_data() && entries.len() > 1 => {
                let mut each = Vec::with_capacity(entries.len());
                for entry in entries {
                    each.extend(Box::pin(self.load(std::slice::from_ref(entry), known)).await);
                }
                return each;
            }
            loaded => loaded,
        };
        let mut attempts = loaded.unwrap_or_else(|error| {
            error!(lane = %self.name, %error, "what is owed can't be read");
            std::collections::HashMap::new()
        });
        let with = |entry: &Entry| Loaded {
            attempt: attempts.remove(&entry.target_id),
            entry: entry.clone(),
            known,
        };
        entries.iter().map(with).collect()
    }

    /// Takes an entry to its end. Whatever panics on the way leaves only this one unknown.
    pub async fn deliver(self: Arc<Self>, loaded: Loaded) -> Ended {
        let Loaded { entry, attempt, .. } = loaded;
        if !self.may_begin(&entry) {
            return (entry, Settlement::Released);
        }
        let settlement = match attempt {
            _ if first_step(&entry) == Step::Cancel => Settlement::Released,
            None => Settlement::NotSeen {
                reason: UNREADABLE.to_owned(),
                not_before: self.again(&entry, None).retry_at,
            },
            Some(attempt) => {
                let trying = AssertUnwindSafe(self.attempt(&entry, attempt.as_ref()));
                trying.catch_unwind().await.unwrap_or_else(|_| self.broken_off(&entry))
            }
        };
        (entry, settlement)
    }

    fn may_begin(&self, entry: &Entry) -> bool {
        // What waited here too long might be taken over while it's being sent.
        let late = self.after(self.rules.lease / 2) > entry.lease_until;
        let shut = matches!(self.gate.state(), GateState::Open { .. }) || self.gate.is_resting();
        !self.shutdown.is_cancelled() && !shut && !late
    }

    fn broken_off(&self, entry: &Entry) -> Settlement {
        error!(lane = %self.name, debt = %entry.debt_key, "an attempt panicked");
        let not_before = self.again(entry, None).retry_at.max(self.after(self.rules.settle_after));
        Settlement::Unknown { reason: BROKEN_OFF.to_owned(), not_before }
    }

    async fn attempt(&self, entry: &Entry, attempt: &dyn Attempt) -> Settlement {
        if first_step(entry) == Step::Send {
            return self.send(entry, attempt).await;
        }
        let look = attempt.look(entry).await;
        match &look {
            LookUp::Found(_) | LookUp::Absent => self.gate.succeeded(),
            LookUp::Failed { retry_after, .. } => self.gate.failed(*retry_after, false),
            LookUp::Repeatable | LookUp::Blind => {}
        }
        let again = self.again(entry, look.retry_after());
        match after_look(look, entry.withdrawn, self.rules.on_unknown, again) {
            AfterLook::Settle(settlement) => settlement,
            AfterLook::Send => self.send(entry, attempt).await,
        }
    }

    async fn send(&self, entry: &Entry, attempt: &dyn Attempt) -> Settlement {
        let outcome = attempt.send().await;
        match &outcome {
            Outcome::Delivered(_) | Outcome::Refused { .. } => self.gate.succeeded(),
            Outcome::NotSent { reason, retry_after } => {
                self.gate.failed(*retry_after, reason.starts_with(TOO_MANY));
            }
            Outcome::Unknown { .. } => self.gate.failed(None, false),
        }
        let again = self.again(entry, outcome.retry_after());
        after_attempt(outcome, again)
    }

    /// When to try again: as the receiver asked, else later each time, spread by full jitter.
    fn again(&self, entry: &Entry, retry_after: Option<Duration>) -> Again {
        let wait = retry_after.unwrap_or_else(|| {
            let longest = delay(entry.attempts, self.rules.retry_first, self.rules.retry_cap);
            longest.mul_f64(self.chance.fraction())
        });
        Again {
            retry_at: self.after(wait.min(LONGEST_RETRY_AFTER)),
            look_at: self.after(self.rules.settle_after),
        }
    }

    fn after(&self, wait: Duration) -> i64 {
        self.clock.millis().saturating_add(span_millis(wait))
    }

    pub fn report(&self, (entry, settlement): &Ended) {
        let (lane, debt, attempts) = (&self.name, &entry.debt_key, entry.attempts + 1);
        let outcome = settlement.code();
        metrics::counter!("zoufang_attempts_total", "lane" => lane.clone(), "outcome" => outcome)
            .increment(1);
        match settlement.reason() {
            None => info!(%lane, %debt, attempts, outcome, "settled"),
            Some(reason) => warn!(%lane, %debt, attempts, outcome, %reason, "not settled yet"),
        }
    }
}
