//! What a lane holds between its claims and their settlements. It outlives whatever goes wrong on the way: an end that
//! couldn't be written stays here until it is.

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle, JoinSet};
use tracing::error;

use super::Attempt;
use super::delay::delay;
use crate::app::deliveries::Ended;
use crate::clock::Stopwatch;
use crate::db::StoreError;
use crate::domain::delivery::{Entry, Withdrawal};

/// At most so many times as many entries are held as attempts are made at once.
const FARTHEST_REACH: usize = 16;
/// The first pause after something couldn't be written, and the longest: work goes on within seconds of the cause's end.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// An entry with what it carries; nothing where the record couldn't tell.
pub(super) struct Loaded {
    pub entry: Entry,
    pub attempt: Option<Box<dyn Attempt>>,
    /// Since when it's known to be owed.
    pub known: Stopwatch,
}

impl Loaded {
    /// One whose content can't be read.
    pub const fn unreadable(entry: Entry, known: Stopwatch) -> Loaded {
        Loaded { entry, attempt: None, known }
    }
}

/// The entries whose contents are being read.
pub(super) struct Reading {
    pub entries: Arc<Vec<Entry>>,
    pub known: Stopwatch,
    pub task: JoinHandle<Vec<Loaded>>,
}

/// A transaction under way: it writes ends and takes entries.
pub(super) struct Turn {
    pub began: Stopwatch,
    pub ended: Arc<Vec<Ended>>,
    pub wanted: usize,
    pub task: JoinHandle<Result<Vec<Entry>, StoreError>>,
}

/// Claimed, being read, waiting, under way, and ended but not written yet.
pub(super) struct Flow {
    /// And since when they are known to be owed.
    pub claimed: Option<(Vec<Entry>, Stopwatch)>,
    /// Contents are read while the next turn is taken.
    pub reading: Option<Reading>,
    pub waiting: VecDeque<Loaded>,
    pub under_way: JoinSet<Ended>,
    pub ended: Vec<Ended>,
    /// At most one at a time, while attempts go on.
    pub turn: Option<Turn>,
    /// All of them, by their ids, from the claim until the settlement is written.
    held: HashSet<String>,
    /// How often in a row the record couldn't be read or written; what the last turn did isn't known then.
    failures: u32,
    /// Until when it isn't tried again.
    pub pause: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Nothing more could be claimed when last asked.
    pub exhausted: bool,
    /// How many were claimed in all.
    pub total: usize,
    /// How many to hold, waiting and under way, so that no attempt waits for the database.
    pub reach: usize,
}

impl Flow {
    pub fn new(concurrency: usize) -> Flow {
        Flow {
            claimed: None,
            reading: None,
            waiting: VecDeque::new(),
            under_way: JoinSet::new(),
            ended: Vec::new(),
            turn: None,
            held: HashSet::new(),
            failures: 0,
            pause: None,
            exhausted: false,
            total: 0,
            reach: concurrency * 2,
        }
    }

    /// How many are on their way to their end.
    pub fn on_their_way(&self) -> usize {
        let claimed = self.claimed.as_ref().map_or(0, |(claimed, _)| claimed.len());
        let reading = self.reading.as_ref().map_or(0, |reading| reading.entries.len());
        claimed + reading + self.waiting.len() + self.under_way.len()
    }

    pub fn is_idle(&self) -> bool {
        self.on_their_way() == 0 && self.ended.is_empty() && self.turn.is_none() && !self.in_doubt()
    }

    /// Whether the record couldn't be read or written when last tried.
    pub const fn in_doubt(&self) -> bool {
        self.failures > 0
    }

    /// What is held, where a turn may have taken more than this.
    pub fn held_in_doubt(&self) -> Option<Vec<String>> {
        self.in_doubt().then(|| self.held.iter().cloned().collect())
    }

    /// Something couldn't be read or written: after a pause, longer each time, it's tried again.
    pub fn failed(&mut self) {
        let pause = delay(i64::from(self.failures), FIRST_PAUSE, LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.pause = Some(Box::pin(crate::clock::pause(pause)));
        self.exhausted = false;
    }

    /// Takes what a turn did. One that failed may have been kept or not: its ends are written again, which changes
    /// nothing where they were.
    pub fn turn_ended(
        &mut self,
        turn: Turn,
        done: Result<Result<Vec<Entry>, StoreError>, JoinError>,
        concurrency: usize,
    ) -> Result<usize, StoreError> {
        let claimed = match done {
            Ok(Ok(claimed)) => claimed,
            failed => {
                let mut ends = Arc::unwrap_or_clone(turn.ended);
                ends.append(&mut self.ended);
                self.ended = ends;
                return match failed {
                    Ok(Err(error)) => Err(error),
                    Err(panic) => Err(StoreError::Rule(format!("写入时程序出错：{panic}"))),
                    Ok(Ok(_)) => Ok(0),
                };
            }
        };
        self.failures = 0;
        for (entry, _) in turn.ended.iter() {
            self.held.remove(&entry.id);
        }
        let taken = claimed.len();
        if turn.wanted > 0 {
            self.adapt_reach(concurrency);
        }
        self.exhausted = taken < turn.wanted;
        self.total += taken;
        // One whose lease ended while its attempt goes on is this lane's still: it isn't tried twice.
        let new = claimed.into_iter().filter(|entry| self.held.insert(entry.id.clone()));
        let (entries, _) = self.claimed.get_or_insert_with(|| (Vec::new(), turn.began));
        entries.extend(new);
        self.claimed.take_if(|(entries, _)| entries.is_empty());
        Ok(turn.wanted - taken)
    }

    /// Takes what was read. Where the reading itself broke off, none of it could be read.
    pub fn read(&mut self, reading: &Reading, read: Result<Vec<Loaded>, JoinError>) {
        match read {
            Ok(loaded) => self.waiting.extend(loaded),
            Err(_) => {
                error!(event = "delivery.panicked", "the reading of what is owed panicked");
                let unreadable = |entry: &Entry| Loaded::unreadable(entry.clone(), reading.known);
                self.waiting.extend(reading.entries.iter().map(unreadable));
            }
        }
    }

    /// Notes what isn't owed any more of all that waits.
    pub fn withdraw(&mut self, withdrawn: &std::collections::HashMap<String, Withdrawal>) {
        let known = Stopwatch::start();
        for loaded in &mut self.waiting {
            loaded.known = known;
            let why = withdrawn.get(&loaded.entry.id).copied();
            loaded.entry.withdrawn = loaded.entry.withdrawn.or(why);
        }
    }

    /// Reaches further where attempts waited for a turn that claimed, and less far where hardly any of those that
    /// waited when it began were tried meanwhile.
    fn adapt_reach(&mut self, concurrency: usize) {
        if self.waiting.is_empty() && self.under_way.len() < concurrency {
            self.reach = (self.reach * 2).min(concurrency * FARTHEST_REACH);
        } else if self.waiting.len() > self.reach * 5 / 8 {
            self.reach = (self.reach / 2).max(concurrency * 2);
        }
    }
}
