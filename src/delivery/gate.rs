//! A lane's gate: how fast it may send (rate limit), and whether it may send at all (circuit breaker).

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use jiff::Timestamp;

use super::LaneRules;
use super::delay::delay;
use crate::clock::{Clock, span_millis};
use crate::domain::workdays::WorkingTime;

/// The longest that a receiver may ask us to wait.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What the gate shows to an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// Attempts go through.
    Closed,
    /// Too many failures in a row: nothing goes until `until`.
    Open { until: Timestamp },
    /// The pause is over, or nothing was tried yet: one attempt shows whether the receiver is there.
    HalfOpen,
}

/// One lane's rate limit and circuit breaker, by a clock that only goes on; its hours are by the program's.
pub(super) struct Gate {
    clock: Clock,
    limiter: Option<Limiter>,
    breaker: Mutex<Breaker>,
    failures_to_open: u32,
    retry_first: Duration,
    pause_first: Duration,
    pause_cap: Duration,
    hours: Option<WorkingTime>,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, PacedBy, NoOpMiddleware<Nanos>>;

/// How an attempt failed, for the breaker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure<'f> {
    /// Whose attempt it was.
    pub debt: &'f str,
    pub retry_after: Option<Duration>,
    /// The receiver says that we are too fast.
    pub too_many: bool,
}

#[derive(Debug, Default)]
struct Breaker {
    /// The debts that failed since the last success. One that fails again and again says nothing of the receiver.
    failed: HashSet<String>,
    /// How often it opened since the last success.
    trips: i64,
    open_until: Option<i64>,
    /// Whether the receiver was there since we began. Until then attempts go one after the other, so that one that isn't
    /// leaves few debts in doubt and not as many as go at once.
    met: bool,
    /// Permits that were drawn and not used.
    spare: usize,
}

/// A clock that only goes on, as governor reads it.
#[derive(Debug, Clone)]
struct PacedBy(Clock);

impl GovernorClock for PacedBy {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(Duration::from_millis(
            u64::try_from(self.0.steady_millis()).unwrap_or_default(),
        ))
    }
}

impl Gate {
    pub fn new(clock: Clock, rules: &LaneRules) -> Gate {
        let limiter = rules.rate_per_minute.map(|rate| {
            // A second's worth at once, at the least one: a rate is not a burst.
            let burst = rate.div_ceil(60).max(1);
            let burst = std::num::NonZeroU32::new(burst).unwrap_or(std::num::NonZeroU32::MIN);
            let quota = Quota::per_minute(
                std::num::NonZeroU32::new(rate).unwrap_or(std::num::NonZeroU32::MIN),
            );
            RateLimiter::direct_with_clock(quota.allow_burst(burst), PacedBy(clock.clone()))
        });
        Gate {
            clock,
            limiter,
            breaker: Mutex::default(),
            failures_to_open: rules.breaker_failures,
            retry_first: rules.retry_first,
            pause_first: rules.breaker_pause,
            pause_cap: rules.retry_cap,
            hours: rules.hours.clone(),
        }
    }

    /// How many of `wanted` attempts may begin now. What is then not begun is given back by
    /// [`Gate::unused`].
    pub fn admit(&self, wanted: usize, in_flight: usize) -> usize {
        if self.is_resting() {
            return 0;
        }
        let mut breaker = self.breaker();
        let wanted = match breaker.state(self.clock.steady_millis()) {
            GateState::Closed => wanted,
            GateState::Open { .. } => 0,
            GateState::HalfOpen => usize::from(in_flight == 0).min(wanted),
        };
        let Some(limiter) = &self.limiter else {
            return wanted;
        };
        let spared = breaker.spare.min(wanted);
        breaker.spare -= spared;
        spared + (spared..wanted).take_while(|_| limiter.check().is_ok()).count()
    }

    /// Whether the receiver mustn't be disturbed now.
    pub fn is_resting(&self) -> bool {
        self.hours.as_ref().is_some_and(|hours| !hours.contains(self.clock.local()))
    }

    /// Gives back permits.
    pub fn unused(&self, permits: usize) {
        if self.limiter.is_some() {
            self.breaker().spare += permits;
        }
    }

    /// The receiver answered in a way that shows it is there.
    pub fn succeeded(&self) {
        let mut breaker = self.breaker();
        breaker.failed.clear();
        (breaker.trips, breaker.open_until, breaker.met) = (0, None, true);
    }

    /// The receiver didn't answer, or couldn't serve: so many debts in a row open the breaker. One that says when to come
    /// back is left alone until then as soon as it opens; one that says "too many" opens it at once.
    pub fn failed(&self, failure: &Failure<'_>) {
        let now = self.clock.steady_millis();
        let mut breaker = self.breaker();
        if matches!(breaker.state(now), GateState::Open { .. }) {
            return;
        }
        breaker.failed.insert(failure.debt.to_owned());
        let probing = breaker.open_until.is_some();
        let few = breaker.failed.len() < usize::try_from(self.failures_to_open).unwrap_or(1);
        if few && !probing && !failure.too_many {
            return;
        }
        let pause = match failure.retry_after {
            None => delay(breaker.trips, self.pause_first, self.pause_cap),
            // Who asks for no time at all isn't taken at their word.
            Some(asked) => delay(breaker.trips, self.retry_first, self.pause_cap)
                .max(asked.min(LONGEST_RETRY_AFTER)),
        };
        breaker.trips += 1;
        breaker.open_until = Some(now.saturating_add(span_millis(pause)));
    }

    /// What it shows; its times as the program's clock will have them.
    pub fn state(&self) -> GateState {
        let wire = self.clock.steady_millis();
        match self.breaker().state(wire) {
            GateState::Open { until } => {
                let left = until.as_millisecond().saturating_sub(wire).unsigned_abs();
                let left = self.clock.in_real_time(Duration::from_millis(left));
                GateState::Open { until: self.clock.now().checked_add(left).unwrap_or(until) }
            }
            state => state,
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Breaker {
    fn state(&self, now: i64) -> GateState {
        match self.open_until {
            None if self.met => GateState::Closed,
            None => GateState::HalfOpen,
            Some(until) if until <= now => GateState::HalfOpen,
            Some(until) => GateState::Open {
                until: Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::OnUnknown;

    fn gate(rate_per_minute: Option<u32>) -> (Clock, Gate) {
        let clock = Clock::manual(Timestamp::from_second(1_650_000_000).unwrap_or_default());
        let rules = LaneRules {
            concurrency: 4,
            lease: Duration::from_secs(60),
            settle_after: Duration::ZERO,
            retry_first: Duration::from_secs(1),
            retry_cap: Duration::from_secs(40),
            rate_per_minute,
            breaker_failures: 3,
            breaker_pause: Duration::from_secs(10),
            on_unknown: OnUnknown::Hold,
            prove_within: Duration::from_secs(3600),
            hours: None,
            recheck_after: Duration::ZERO,
        };
        (clock.clone(), Gate::new(clock, &rules))
    }

    /// A gate whose receiver has shown that it's there.
    fn tried(rate_per_minute: Option<u32>) -> (Clock, Gate) {
        let (clock, gate) = gate(rate_per_minute);
        gate.succeeded();
        (clock, gate)
    }

    fn pass(clock: &Clock, seconds: u64) {
        clock.set(clock.now() + Duration::from_secs(seconds));
    }

    fn failure(debt: &str) -> Failure<'_> {
        Failure { debt, retry_after: None, too_many: false }
    }

    #[test]
    fn it_opens_after_debts_in_a_row_lets_one_through_and_pauses_longer_each_time() {
        let (clock, gate) = tried(None);
        gate.failed(&failure("a"));
        gate.failed(&failure("b"));
        gate.succeeded();
        ["a", "b", "c"].iter().for_each(|debt| gate.failed(&failure(debt)));
        assert_eq!(gate.admit(4, 0), 0);
        pass(&clock, 10);
        assert_eq!((gate.admit(4, 1), gate.admit(4, 0)), (0, 1));
        gate.failed(&failure("d"));
        pass(&clock, 10);
        assert_eq!(gate.admit(4, 0), 0, "the second pause is longer");
        pass(&clock, 10);
        assert_eq!(gate.state(), GateState::HalfOpen);
        gate.succeeded();
        assert_eq!(gate.admit(4, 0), 4);
    }

    #[test]
    fn the_first_attempts_of_all_go_one_by_one_until_somebody_is_there() {
        let (clock, gate) = gate(None);
        assert_eq!((gate.admit(4, 0), gate.admit(4, 1)), (1, 0));
        gate.failed(&failure("a"));
        assert_eq!(gate.admit(4, 0), 1, "one may fail for itself");
        ["b", "c"].iter().for_each(|debt| gate.failed(&failure(debt)));
        assert_eq!(gate.admit(4, 0), 0);
        pass(&clock, 10);
        assert_eq!(gate.admit(4, 0), 1);
        gate.succeeded();
        assert_eq!(gate.admit(4, 0), 4);
    }

    #[test]
    fn one_debt_that_always_fails_leaves_it_closed() {
        let (_, gate) = tried(None);
        (0..100).for_each(|_| gate.failed(&failure("a")));
        assert_eq!(gate.state(), GateState::Closed);
    }

    #[test]
    fn too_many_opens_it_at_once_for_as_long_as_was_asked_and_never_for_no_time() {
        let (clock, gate) = tried(None);
        let too_many = |seconds| Failure {
            debt: "a",
            retry_after: Some(Duration::from_secs(seconds)),
            too_many: true,
        };
        gate.failed(&too_many(30));
        pass(&clock, 29);
        assert_eq!(gate.admit(1, 0), 0);
        pass(&clock, 1);
        assert_eq!(gate.admit(1, 0), 1);
        let mut refused = 0;
        for _ in 0..60 {
            refused += gate.admit(1, 0);
            gate.failed(&too_many(0));
            pass(&clock, 1);
        }
        assert!(refused < 8, "{refused} attempts in a minute at one who says: at once");
    }

    #[test]
    fn the_rate_holds_and_unused_permits_are_kept() {
        let (clock, gate) = tried(Some(60));
        assert_eq!(gate.admit(10, 0), 1);
        gate.unused(1);
        assert_eq!(gate.admit(10, 0), 1);
        assert_eq!(gate.admit(10, 0), 0);
        let sent: usize = (0..60)
            .map(|_| {
                pass(&clock, 1);
                gate.admit(10, 0)
            })
            .sum();
        assert_eq!(sent, 60);
    }
}
