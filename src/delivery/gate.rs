//! A lane's gate: how fast it may send (rate limit), and whether it may send at all (circuit breaker).

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
    /// The pause is over: one attempt shows whether the receiver is back.
    HalfOpen,
}

/// One lane's rate limit and circuit breaker, by the program's clock.
pub(super) struct Gate {
    clock: Clock,
    limiter: Option<Limiter>,
    breaker: Mutex<Breaker>,
    failures_to_open: u32,
    pause_first: Duration,
    pause_cap: Duration,
    hours: Option<WorkingTime>,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, PacedBy, NoOpMiddleware<Nanos>>;

#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    /// How often it opened since the last success.
    trips: i64,
    open_until: Option<i64>,
    /// Permits that were drawn and not used.
    spare: usize,
}

/// The program's clock as governor reads it.
#[derive(Debug, Clone)]
struct PacedBy(Clock);

impl GovernorClock for PacedBy {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(Duration::from_millis(u64::try_from(self.0.millis()).unwrap_or_default()))
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
        let wanted = match breaker.state(self.clock.millis()) {
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
        (breaker.failures, breaker.trips, breaker.open_until) = (0, 0, None);
    }

    /// The receiver didn't answer, or couldn't serve. One that says when to come back is left alone until
    /// then as soon as the breaker opens; one that says "too many" opens it at once.
    pub fn failed(&self, retry_after: Option<Duration>, too_many: bool) {
        let now = self.clock.millis();
        let mut breaker = self.breaker();
        if matches!(breaker.state(now), GateState::Open { .. }) {
            return;
        }
        breaker.failures += 1;
        let probing = breaker.open_until.is_some();
        if breaker.failures < self.failures_to_open && !probing && !too_many {
            return;
        }
        let pause = delay(breaker.trips, self.pause_first, self.pause_cap);
        let pause = retry_after.map_or(pause, |asked| asked.min(LONGEST_RETRY_AFTER));
        breaker.trips += 1;
        breaker.open_until = Some(now.saturating_add(span_millis(pause)));
    }

    /// What it shows.
    pub fn state(&self) -> GateState {
        self.breaker().state(self.clock.millis())
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Breaker {
    fn state(&self, now: i64) -> GateState {
        match self.open_until {
            None => GateState::Closed,
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
            hours: None,
            recheck_after: Duration::ZERO,
        };
        (clock.clone(), Gate::new(clock, &rules))
    }

    fn pass(clock: &Clock, seconds: u64) {
        clock.set(clock.now() + Duration::from_secs(seconds));
    }

    #[test]
    fn it_opens_after_failures_in_a_row_lets_one_through_and_pauses_longer_each_time() {
        let (clock, gate) = gate(None);
        gate.failed(None, false);
        gate.failed(None, false);
        gate.succeeded();
        (0..3).for_each(|_| gate.failed(None, false));
        assert_eq!(gate.admit(4, 0), 0);
        pass(&clock, 10);
        assert_eq!((gate.admit(4, 1), gate.admit(4, 0)), (0, 1));
        gate.failed(None, false);
        pass(&clock, 10);
        assert_eq!(gate.admit(4, 0), 0, "the second pause is longer");
        pass(&clock, 10);
        assert_eq!(gate.state(), GateState::HalfOpen);
        gate.succeeded();
        assert_eq!(gate.admit(4, 0), 4);
    }

    #[test]
    fn too_many_opens_it_at_once_for_as_long_as_was_asked() {
        let (clock, gate) = gate(None);
        gate.failed(Some(Duration::from_secs(30)), true);
        pass(&clock, 29);
        assert_eq!(gate.admit(1, 0), 0);
        pass(&clock, 1);
        assert_eq!(gate.admit(1, 0), 1);
    }

    #[test]
    fn the_rate_holds_and_unused_permits_are_kept() {
        let (clock, gate) = gate(Some(60));
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
