//! Who is connected: never more than there is room for. Whoever waits without a request makes room for others; whoever takes
//! too long is let go.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::{Stopwatch, pause};

/// How long each may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub header: Duration,
    pub idle: Duration,
    pub request: Duration,
}

/// All who are connected.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    patience: Patience,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    next: u64,
    /// The oldest first.
    by_age: BTreeMap<u64, Arc<Place>>,
}

/// One who is connected.
#[derive(Debug)]
struct Place {
    peer: IpAddr,
    now: watch::Sender<Now>,
    made_room: CancellationToken,
}

/// What they're at, and since when.
#[derive(Debug, Clone, Copy)]
struct Now {
    at: At,
    since: Stopwatch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing was asked yet.
    Begun,
    /// Something is asked, or being answered.
    Work,
    /// What was asked is answered.
    Rest,
}

/// A place among those who are connected, until it's dropped.
#[derive(Debug)]
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    id: u64,
    place: Arc<Place>,
}

/// That something is asked or answered, until it's dropped.
#[derive(Debug)]
pub(super) struct Working(Arc<Place>);

impl Crowd {
    pub fn new(most: usize, patience: Patience) -> Arc<Crowd> {
        Arc::new(Crowd { most, patience, places: Mutex::default() })
    }

    /// A place for who just came. Where there's none left, whoever waits longest makes room, of the address that has most;
    /// nothing where all are at work.
    pub fn seat(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        let mut places = self.places();
        if places.by_age.len() >= self.most {
            let waits = places.waits_longest()?;
            let gone = places.by_age.remove(&waits)?;
            gone.made_room.cancel();
        }
        places.next += 1;
        let id = places.next;
        let (now, _) = watch::channel(Now::at(At::Begun));
        let place = Arc::new(Place { peer, now, made_room: CancellationToken::new() });
        places.by_age.insert(id, Arc::clone(&place));
        Some(Seat { crowd: Arc::clone(self), id, place })
    }

    /// Lets the one go who waits longest, whatever room there is: the system has none left.
    pub fn make_room(&self) {
        let mut places = self.places();
        let gone = places.waits_longest().and_then(|waits| places.by_age.remove(&waits));
        if let Some(gone) = gone {
            gone.made_room.cancel();
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn waits_longest(&self) -> Option<u64> {
        let waiting: Vec<(u64, IpAddr, Now)> = self
            .by_age
            .iter()
            .map(|(id, place)| (*id, place.peer, *place.now.borrow()))
            .filter(|(_, _, now)| now.at != At::Work)
            .collect();
        let mut each: HashMap<IpAddr, usize> = HashMap::new();
        for (_, peer, _) in &waiting {
            *each.entry(*peer).or_default() += 1;
        }
        let most = each.values().copied().max()?;
        let of_most = waiting.into_iter().filter(|(_, peer, _)| each[peer] == most);
        // Of those who came at once, the first.
        let waited = |(id, _, now): &(u64, IpAddr, Now)| {
            (now.since.elapsed().as_millis(), std::cmp::Reverse(*id))
        };
        of_most.max_by_key(waited).map(|(id, ..)| id)
    }
}

impl Now {
    fn at(at: At) -> Now {
        Now { at, since: Stopwatch::start() }
    }
}

impl Seat {
    /// Something is asked.
    pub fn work(&self) -> Working {
        self.place.now.send_replace(Now::at(At::Work));
        Working(Arc::clone(&self.place))
    }

    /// Ends when they must go: they made room, or took too long.
    pub async fn over(&self) {
        let mut now = self.place.now.subscribe();
        loop {
            let Now { at, since } = *now.borrow_and_update();
            let Some(left) = self.patience(at).checked_sub(since.elapsed()) else { return };
            tokio::select! {
                () = pause(left) => {}
                _ = now.changed() => {}
                () = self.place.made_room.cancelled() => return,
            }
        }
    }

    fn patience(&self, at: At) -> Duration {
        let Patience { header, idle, request } = self.crowd.patience;
        match at {
            At::Begun => header,
            // Its own answer says that it took too long, and takes a while to be read.
            At::Work => request + header,
            At::Rest => idle,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crowd.places().by_age.remove(&self.id);
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.now.send_replace(Now::at(At::Rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(most: usize) -> Arc<Crowd> {
        let long = Duration::from_secs(3_600);
        Crowd::new(most, Patience { header: long, idle: long, request: long })
    }

    fn made_room(seat: &Seat) -> bool {
        seat.place.made_room.is_cancelled()
    }

    const MANY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const FEW: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn who_waits_longest_of_the_address_with_most_makes_room() {
        let crowd = crowd(4);
        let few = crowd.seat(FEW).unwrap();
        let many = [(); 3].map(|()| crowd.seat(MANY).unwrap());
        let working = many[0].work();
        let next = crowd.seat(FEW).unwrap();
        assert!(made_room(&many[1]) && !made_room(&many[0]) && !made_room(&few));
        drop(working);
        // Two of each: the one that waits longest.
        let last = crowd.seat(FEW).unwrap();
        assert!(made_room(&few) && !made_room(&next) && !made_room(&last));
    }

    #[test]
    fn where_all_are_at_work_there_is_no_room_until_one_goes() {
        let crowd = crowd(2);
        let (one, other) = (crowd.seat(FEW).unwrap(), crowd.seat(MANY).unwrap());
        let _working = (one.work(), other.work());
        assert!(crowd.seat(FEW).is_none());
        drop(one);
        assert!(crowd.seat(FEW).is_some());
    }

    #[tokio::test]
    async fn who_takes_too_long_must_go() {
        let patience = Patience {
            header: Duration::from_millis(20),
            idle: Duration::from_millis(10),
            request: Duration::from_secs(3_600),
        };
        let crowd = Crowd::new(2, patience);
        let seat = crowd.seat(FEW).unwrap();
        seat.over().await;
        let working = seat.work();
        let still = tokio::time::timeout(Duration::from_millis(40), seat.over()).await;
        assert!(still.is_err(), "a request has longer");
        drop(working);
        seat.over().await;
    }
}
