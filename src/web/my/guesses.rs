//! Who tried to sign in and couldn't, by address: after a few mistakes each next try waits longer. Behind one address a whole
//! office may sit, so that some cost nothing, and one who is right has the others' forgotten.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;

const FREE: u32 = 20;
const LONGEST: Duration = Duration::from_secs(60);
/// Mistakes are forgotten after so long without another.
const FORGOTTEN: Duration = Duration::from_secs(3_600);
/// Of so many addresses it's kept; beyond that the one is forgotten that was wrong the longest ago.
const ADDRESSES: usize = 4_096;

/// The mistakes of each address.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<IpAddr, Mistakes>>);

#[derive(Debug, Clone, Copy)]
struct Mistakes {
    count: u32,
    last: Stopwatch,
}

impl Guesses {
    /// How long this address has to wait before it may try; nothing where it may.
    pub fn wait(&self, address: IpAddr) -> Option<Duration> {
        let mistakes = *self.known().get(&address)?;
        let over = mistakes.count.checked_sub(FREE)?;
        let penalty = LONGEST.min(Duration::from_secs(1 << over.min(6)));
        penalty.checked_sub(mistakes.last.elapsed()).filter(|left| !left.is_zero())
    }

    /// This address was wrong.
    pub fn wrong(&self, address: IpAddr) {
        let mut known = self.known();
        if known.len() >= ADDRESSES && !known.contains_key(&address) {
            let oldest = known.iter().max_by_key(|(_, mistakes)| mistakes.last.elapsed());
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                known.remove(&oldest);
            }
        }
        let before = known.get(&address).filter(|before| before.last.elapsed() < FORGOTTEN);
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        known.insert(address, Mistakes { count, last: Stopwatch::start() });
    }

    /// This address was right: its mistakes are forgotten.
    pub fn right(&self, address: IpAddr) {
        self.known().remove(&address);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<IpAddr, Mistakes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_mistakes_are_free_and_then_each_waits_longer() {
        let guesses = Guesses::default();
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 1..FREE {
            guesses.wrong(one);
            assert_eq!(guesses.wait(one), None);
        }
        guesses.wrong(one);
        let first = guesses.wait(one).unwrap();
        guesses.wrong(one);
        assert!(guesses.wait(one).unwrap() > first && guesses.wait(other).is_none());
        guesses.right(one);
        assert_eq!(guesses.wait(one), None);
    }
}
