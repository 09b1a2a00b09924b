//! The stand-in platform itself: its habits, its clock, and what it has written down.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::behaviour::{Behaviour, Course, Numbers, Receipt, RetryAfter};
use super::faults::{Fault, Faults};
use super::ledger::{Fields, Ledger, Rules, Stored};
use crate::clock::{Chance, Clock};

/// A running stand-in platform.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    clock: Clock,
    chance: Chance,
    seed: u64,
    faults: Faults,
    behaviour: Behaviour,
    calm: AtomicBool,
    ledger: Mutex<Ledger>,
}

/// A number that a token stands for is there so much later, where the kind of platform says nothing else.
const NUMBERED_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// What one is told who comes while it's busy, where the kind says nothing else: real seconds, also in a rehearsal.
const COME_AGAIN: RetryAfter = RetryAfter::Seconds(3);

impl Sandbox {
    /// A platform as GeoReport v2 describes it, with an empty ledger.
    pub fn new(clock: Clock, seed: u64, faults: Faults) -> Sandbox {
        Sandbox::like(clock, seed, faults, Behaviour::default())
    }

    /// A platform with habits of its own.
    pub fn like(clock: Clock, seed: u64, faults: Faults, behaviour: Behaviour) -> Sandbox {
        let (chance, ledger) = (Chance::seeded(seed), Mutex::default());
        let calm = AtomicBool::new(false);
        Sandbox(Arc::new(Inner { clock, chance, seed, faults, behaviour, calm, ledger }))
    }

    /// From now on nothing goes wrong by chance, or does again. What its kind does it goes on doing.
    pub fn calm(&self, calm: bool) {
        self.0.calm.store(calm, Ordering::Relaxed);
    }

    /// Everything received so far.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn behaviour(&self) -> &Behaviour {
        &self.0.behaviour
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(super) fn happens(&self, fault: Fault) -> bool {
        !self.0.calm.load(Ordering::Relaxed) && self.0.faults.happens(fault, &self.0.chance)
    }

    pub(super) fn tossed(&self) -> bool {
        self.0.chance.fraction() < 0.5
    }

    pub(super) fn store(&self, form: Fields) -> Stored {
        let behaviour = self.behaviour();
        let always_token =
            matches!(behaviour.receipt, Some(Receipt::Token(_) | Receipt::ZeroToken(_)));
        let rules = Rules {
            seed: self.0.seed,
            faults: &self.0.faults,
            always_token,
            reopens: behaviour.course == Some(Course::Reopened),
            number: number_of(behaviour.numbers),
        };
        self.ledger().store(form, self.now(), &rules)
    }

    /// Whether the number that follows a token is there yet.
    pub(super) fn is_numbered(&self, stored: &Stored) -> bool {
        let after = match self.behaviour().receipt {
            Some(Receipt::Token(after) | Receipt::ZeroToken(after)) => {
                SignedDuration::try_from(after).unwrap_or_default()
            }
            _ => NUMBERED_AFTER,
        };
        self.now() >= stored.requested_datetime + after
    }

    /// What one is told who comes while it's busy.
    pub(super) fn retry_after(&self) -> String {
        match self.behaviour().busy.map_or(COME_AGAIN, |busy| busy.retry_after) {
            RetryAfter::Seconds(seconds) => seconds.to_string(),
            RetryAfter::Date(seconds) => {
                // Whoever waits does so by the real clock.
                let at = Clock::system().now() + SignedDuration::from_secs(seconds.into());
                at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
            }
        }
    }
}

/// How the kind of platform writes the number of the so manieth request.
fn number_of(numbers: Option<Numbers>) -> fn(usize) -> String {
    match numbers {
        None => |place| format!("{place:07}"),
        // More than a double can tell apart, less than 2^64.
        Some(Numbers::Long) => |place| format!("1844674407370{place:07}"),
        Some(Numbers::Slashed) => |place| format!("CHD/22/{place:07}"),
        Some(Numbers::Lettered) => |place| format!("ISLANDTON-14CAP-00000-{place:05}"),
    }
}
