//! One attempt: whether it may begin, what is done, and how it ended.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::delay::delay;
use super::flow::Loaded;
use super::gate::{Failure, Gate, GateState, LONGEST_RETRY_AFTER};
use super::{Attempt, Outbox, Transport};
use crate::app::deliveries::Ended;
use crate::clock::{Chance, Clock, Stopwatch, span_millis};
use crate::domain::delivery::{
    AfterLook, Again, BROKEN_OFF, Cause, Entry, Known, LookUp, OnUnknown, Outcome, Settlement,
    Step, UNREADABLE, Withdrawal, after_attempt, after_look, first_step,
};
use crate::domain::reason::name_of;
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
    /// What was looked for in vain for so long, without proof that it isn't there, is held for a person.
    pub prove_within: Duration,
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
    /// Reads what entries carry. Where one can't be read, or its reading panics, the others still are.
    pub async fn load(&self, entries: &[Entry], known: Stopwatch) -> Vec<Loaded> {
        let reading = AssertUnwindSafe(self.transport.load(entries)).catch_unwind().await;
        let of_one = match &reading {
            Err(_) => true,
            Ok(Err(error)) => error.is_of_the_data(),
            Ok(Ok(_)) => false,
        };
        if of_one && entries.len() > 1 {
            let mut each = Vec::with_capacity(entries.len());
            for entry in entries {
                each.extend(Box::pin(self.load(std::slice::from_ref(entry), known)).await);
            }
            return each;
        }
        let debt = entries.first().map(|entry| entry.debt_key.as_str()).unwrap_or_default();
        let mut attempts = match reading {
            Ok(Ok(attempts)) => attempts,
            Ok(Err(error)) => {
                error!(event = "delivery.unread", lane = %self.name, %debt, error = error.for_log(), "what is owed can't be read");
                std::collections::HashMap::new()
            }
            Err(_) => {
                error!(event = "delivery.panicked", lane = %self.name, %debt, "the reading of what is owed panicked");
                std::collections::HashMap::new()
            }
        };
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
                answered: false,
                lag: None,
            },
            Some(attempt) => {
                let trying = AssertUnwindSafe(self.attempt(&entry, attempt.as_ref()));
                let broken_off = |_| (self.broken_off(&entry), false);
                let (settlement, as_told) = trying.catch_unwind().await.unwrap_or_else(broken_off);
                match settlement {
                    Settlement::Refused { reason } if as_told => {
                        Settlement::RefusedAgain { reason }
                    }
                    settlement => settlement,
                }
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
        error!(event = "delivery.panicked", lane = %self.name, debt = %entry.debt_key, "an attempt panicked");
        let not_before = self.again(entry, None).retry_at.max(self.after(self.rules.settle_after));
        Settlement::Unknown { reason: BROKEN_OFF.to_owned(), not_before }
    }

    /// Also whether it was sent again though nobody could say what had become of it, as the lane is told to.
    async fn attempt(&self, entry: &Entry, attempt: &dyn Attempt) -> (Settlement, bool) {
        if first_step(entry) == Step::Send {
            return (self.send(entry, attempt).await, false);
        }
        let look = attempt.look(entry).await;
        match &look {
            LookUp::Found(_) | LookUp::Absent | LookUp::Unproven { .. } => self.gate.succeeded(),
            LookUp::Failed { cause: Cause::Ours, .. } => {}
            LookUp::Failed { retry_after, .. } => self.gate.failed(&Failure {
                debt: &entry.id,
                retry_after: *retry_after,
                too_many: false,
            }),
            // That it won't say doesn't show that it can't take.
            LookUp::Repeatable | LookUp::Blind | LookUp::Mute { .. } => {}
        }
        let again = self.again(entry, look.retry_after());
        let known = known(entry, entry.withdrawn);
        match after_look(look.clone(), known, self.rules.on_unknown, again) {
            AfterLook::Settle(settlement) => (settlement, false),
            AfterLook::Send => {
                let as_told = look != LookUp::Repeatable;
                (self.send_if_owed(entry, attempt, look, again).await, as_told)
            }
        }
    }

    /// Sends what a look allowed, unless it has stopped being owed while it was looked for.
    async fn send_if_owed(
        &self,
        entry: &Entry,
        attempt: &dyn Attempt,
        look: LookUp,
        again: Again,
    ) -> Settlement {
        let withdrawn = match self.outbox.withdrawn(&[&entry.id]).await {
            Ok(withdrawn) => withdrawn.get(&entry.id).copied(),
            Err(error) => {
                let reason = error.to_string();
                let not_before = again.retry_at;
                return Settlement::NotSeen { reason, not_before, answered: false, lag: None };
            }
        };
        match after_look(look, known(entry, withdrawn), self.rules.on_unknown, again) {
            AfterLook::Settle(settlement) => settlement,
            AfterLook::Send => self.send(entry, attempt).await,
        }
    }

    async fn send(&self, entry: &Entry, attempt: &dyn Attempt) -> Settlement {
        let outcome = attempt.send().await;
        match &outcome {
            Outcome::Delivered(_)
            | Outcome::Accepted { .. }
            | Outcome::Refused { .. }
            | Outcome::NotSent { cause: Cause::Alone, .. } => self.gate.succeeded(),
            Outcome::NotSent { cause, retry_after, .. } => self.gate.failed(&Failure {
                debt: &entry.id,
                retry_after: *retry_after,
                too_many: *cause == Cause::TooMany,
            }),
            Outcome::Unknown { .. } | Outcome::Errored { .. } | Outcome::Unread { .. } => {
                self.gate.failed(&Failure { debt: &entry.id, retry_after: None, too_many: false });
            }
        }
        let again = self.again(entry, outcome.retry_after());
        after_attempt(outcome, entry.unknown_since.is_some(), again)
    }

    /// When to try again: later each time, spread by full jitter, and not before the receiver asked. One that asks for
    /// no time at all isn't taken at its word: half of the delay passes.
    fn again(&self, entry: &Entry, retry_after: Option<Duration>) -> Again {
        let rules = &self.rules;
        let longest = delay(entry.attempts, rules.retry_first, rules.retry_cap);
        // What is looked for in vain is looked for ever more seldom.
        let longest = longest.max((self.unknown_for(entry) / 8).min(rules.retry_cap));
        let at_least = longest.mul_f64(0.5 + self.chance.fraction() / 2.0);
        let wait = match retry_after {
            None => longest.mul_f64(self.chance.fraction()),
            Some(asked) => at_least.max(asked),
        };
        Again {
            retry_at: self.after(wait.min(LONGEST_RETRY_AFTER)),
            look_at: self.after(rules.settle_after.max(at_least)),
            look_soon_at: self.after(rules.settle_after.min(rules.retry_first).max(at_least)),
            at_most_twice: entry.kind == "notice",
            asks_a_person: entry.unknown_since.is_some()
                && self.unknown_for(entry) >= rules.prove_within,
        }
    }

    /// For how long it hasn't been known whether it arrived, in real time.
    fn unknown_for(&self, entry: &Entry) -> Duration {
        let now = self.clock.millis();
        let passed = now.saturating_sub(entry.unknown_since.unwrap_or(now)).max(0);
        self.clock.real_time_of(Duration::from_millis(passed.unsigned_abs()))
    }

    fn after(&self, wait: Duration) -> i64 {
        self.clock.millis().saturating_add(self.span(wait))
    }

    /// What concerns the wire takes real time: a span of it as the clock counts.
    pub fn span(&self, wait: Duration) -> i64 {
        span_millis(self.clock.in_real_time(wait))
    }

    pub fn report(&self, (entry, settlement): &Ended) {
        let (lane, debt, attempts) = (&self.name, &entry.debt_key, entry.attempts + 1);
        let outcome = settlement.code();
        metrics::counter!("zoufang_attempts_total", "lane" => lane.clone(), "outcome" => outcome)
            .increment(1);
        let why = settlement.reason().map(name_of).unwrap_or_default();
        match settlement {
            Settlement::Released => {
                debug!(event = "delivery.not_yet", %lane, %debt, attempts, outcome, "given back");
            }
            Settlement::Delivered(_) | Settlement::Cancelled { .. } => {
                info!(event = "delivery.ended", %lane, %debt, attempts, outcome, why, "settled");
            }
            Settlement::Refused { .. }
            | Settlement::RefusedAgain { .. }
            | Settlement::Held { .. } => {
                warn!(event = "delivery.ended", %lane, %debt, attempts, outcome, why, "a person must see to it");
            }
            _ => {
                info!(event = "delivery.not_yet", %lane, %debt, attempts, outcome, why, "not settled yet")
            }
        }
    }
}

/// What is known of it while it's looked for.
const fn known(entry: &Entry, withdrawn: Option<Withdrawal>) -> Known {
    Known { withdrawn, accepted: entry.accepted_at.is_some() }
}
