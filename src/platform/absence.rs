//! Whether whoever runs this was away for so long that the whole machine may have been put back to how it was before, its
//! record and what is remembered of it alike. Then only the platform knows what has been sent since.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;

/// Of so many in a row nothing is found: then the record is no older memory.
const ENOUGH: usize = 3;
/// Where nothing can be learnt of the platform for so long, what is new goes all the same.
const PATIENCE: Duration = Duration::from_secs(3600);

/// An absence, as far as it's in doubt.
#[derive(Debug, Clone, Default)]
pub struct Absence(Arc<Mutex<Option<Doubt>>>);

#[derive(Debug)]
struct Doubt {
    /// When the record was last written before it, in epoch milliseconds.
    since: i64,
    left: usize,
    began: Stopwatch,
}

impl Absence {
    /// There was one, since then.
    pub fn began(&self, since: i64) {
        *self.doubt() = Some(Doubt { since, left: ENOUGH, began: Stopwatch::start() });
    }

    /// Since when something may have been sent that the record doesn't know of.
    pub(super) fn doubted_since(&self) -> Option<i64> {
        self.doubt().as_ref().map(|doubt| doubt.since)
    }

    /// Whether what is new waits until the platform answers whether it has it.
    pub(super) fn waits_for_an_answer(&self) -> bool {
        self.doubt().as_ref().is_some_and(|doubt| doubt.began.elapsed() < PATIENCE)
    }

    /// Whether one that was asked for was found.
    pub(super) fn told(&self, found: bool) {
        let mut known = self.doubt();
        if let Some(doubt) = known.as_mut() {
            doubt.left = if found { ENOUGH } else { doubt.left - 1 };
        }
        *known = known.take().filter(|doubt| doubt.left > 0);
    }

    fn doubt(&self) -> std::sync::MutexGuard<'_, Option<Doubt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_in_doubt_until_enough_in_a_row_arent_found() {
        let absence = Absence::default();
        absence.told(false);
        assert_eq!(absence.doubted_since(), None);
        absence.began(7);
        for found in [false, false, true, false, false] {
            absence.told(found);
            assert_eq!(absence.doubted_since(), Some(7));
        }
        absence.told(false);
        assert_eq!(absence.doubted_since(), None);
    }
}
