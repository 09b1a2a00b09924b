//! Who gave a wrong secret or password, and how often: counted by address, and slowed. After a few mistakes each next try waits
//! longer, so that nobody tries many.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;

/// Nobody waits longer: a proxy that isn't known as one has the mistakes of all.
const LONGEST: Duration = Duration::from_secs(60);
/// Mistakes are forgotten after so long without another.
const FORGOTTEN: Duration = Duration::from_secs(3_600);
/// Of so many addresses it's kept; beyond that the one is forgotten that was wrong the longest ago.
const ADDRESSES: usize = 4_096;

/// The mistakes of each address.
#[derive(Debug)]
pub(super) struct Guesses {
    /// So many cost nothing.
    free: u32,
    known: Mutex<HashMap<IpAddr, Mistakes>>,
}

#[derive(Debug, Clone, Copy)]
struct Mistakes {
    count: u32,
    last: Stopwatch,
}

impl Mistakes {
    /// How long the next try has to wait from the last mistake.
    fn penalty(self, free: u32) -> Duration {
        match self.count.checked_sub(free) {
            None => Duration::ZERO,
            Some(over) => LONGEST.min(Duration::from_secs(1 << over.min(6))),
        }
    }
}

impl Guesses {
    /// With so many mistakes that cost nothing.
    pub fn after(free: u32) -> Guesses {
        Guesses { free, known: Mutex::default() }
    }

    /// How long this address has to wait before it may try; nothing where it may.
    pub fn wait(&self, address: IpAddr) -> Option<Duration> {
        let mistakes = *self.known().get(&network(address))?;
        let left = mistakes.penalty(self.free).checked_sub(mistakes.last.elapsed())?;
        (!left.is_zero()).then_some(left)
    }

    /// This address was wrong.
    pub fn wrong(&self, address: IpAddr) {
        let address = network(address);
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

    /// This address tries. Whoever tries counts as wrong until they're known to be right, so that many tries at once are no
    /// way around the count.
    pub fn tries(&self, address: IpAddr) {
        self.wrong(address);
    }

    /// What this address tried wasn't wrong: that try alone is forgotten.
    pub fn was_no_mistake(&self, address: IpAddr) {
        if let Some(mistakes) = self.known().get_mut(&network(address)) {
            mistakes.count = mistakes.count.saturating_sub(1);
        }
    }

    /// This address knows it: its mistakes are forgotten.
    pub fn right(&self, address: IpAddr) {
        self.known().remove(&network(address));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<IpAddr, Mistakes>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever has one address of IPv6 has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: u32 = 5;

    #[test]
    fn after_a_few_mistakes_each_waits_longer_and_others_do_not() {
        let guesses = Guesses::after(FREE);
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 1..FREE {
            guesses.wrong(one);
            assert_eq!(guesses.wait(one), None);
        }
        let mut before = Duration::ZERO;
        for _ in 0..6 {
            guesses.wrong(one);
            let wait = guesses.wait(one).unwrap();
            assert!(wait > before && wait <= LONGEST, "{wait:?}");
            before = wait;
        }
        assert_eq!(guesses.wait(other), None);
        guesses.right(one);
        assert_eq!(guesses.wait(one), None);
        // What has many addresses of one network has one.
        let ours = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        for last in 0..20 {
            guesses.wrong(ours(last));
        }
        assert!(guesses.wait(ours(99)).is_some());
    }

    #[test]
    fn many_tries_at_once_are_counted_before_any_is_judged() {
        let guesses = Guesses::after(FREE);
        let one = IpAddr::from([10, 0, 0, 1]);
        let mut under_way = 0;
        while guesses.wait(one).is_none() {
            guesses.tries(one);
            under_way += 1;
        }
        assert_eq!(under_way, FREE);
        // Whoever is always right is never held up.
        for _ in 0..FREE {
            guesses.was_no_mistake(one);
        }
        for _ in 0..100 {
            assert_eq!(guesses.wait(one), None);
            guesses.tries(one);
            guesses.was_no_mistake(one);
        }
    }

    #[test]
    fn as_many_are_free_as_it_says() {
        const FREE: u32 = 20;
        let guesses = Guesses::after(FREE);
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

    #[test]
    fn of_many_addresses_the_oldest_is_forgotten() {
        let guesses = Guesses::after(FREE);
        for address in 0..10_000_u32 {
            guesses.wrong(IpAddr::from(address.to_be_bytes()));
        }
        assert_eq!(guesses.known().len(), ADDRESSES);
    }
}
