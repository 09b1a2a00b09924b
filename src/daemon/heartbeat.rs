//! The heartbeat: whether the record can be written, tried every few seconds of real time, whatever the campaign's clock
//! says. What is known of it stays in memory, so that it can be told while nothing can be read or written.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::memory::MemoryFile;
use crate::app::put_back::put_back_times;
use crate::clock::{Clock, Stopwatch, pause};
use crate::db::{Store, StoreError};
use crate::domain::health::{Fault, Unwritable};

const EVERY: Duration = Duration::from_secs(3);
/// No turn is as long: who waits longer for one waits for something that is wrong.
const WAIT: Duration = Duration::from_secs(5);
/// The last good one must be younger than this: one that went, one that waited, and some to spare.
const FRESH: Duration = Duration::from_secs(12);

/// What is known of whether the record can be written.
#[derive(Debug, Default)]
pub struct Heartbeat(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// When it began to try; nothing before the service runs.
    began: Option<Stopwatch>,
    /// When it last went well.
    last: Option<Stopwatch>,
    /// Why it didn't go well after that.
    fault: Option<Fault>,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pulse {
    /// The service hasn't written yet.
    Starting,
    /// The last write went well.
    Writing,
    /// It can't write.
    Stopped(Unwritable),
}

impl Heartbeat {
    /// How it stands now.
    pub fn pulse(&self) -> Pulse {
        let known = self.known();
        let Some(since) = known.last.or(known.began) else { return Pulse::Starting };
        let age = since.elapsed();
        let fault = match &known.fault {
            Some(fault) => fault.clone(),
            None if age < FRESH => {
                return if known.last.is_some() { Pulse::Writing } else { Pulse::Starting };
            }
            None => Fault::Locked,
        };
        let clock = Clock::system();
        let since = clock.local_of(before(clock.now(), age));
        Pulse::Stopped(Unwritable { fault, since, seconds: age.as_secs() })
    }

    /// How long ago the last write went well.
    pub fn age(&self) -> Option<Duration> {
        self.known().last.map(|last| last.elapsed())
    }

    /// The first beat.
    pub(super) async fn first(&self, store: &Store, pages: &Store, memory: &MemoryFile) {
        self.known().began = Some(Stopwatch::start());
        self.beat(store, pages, memory).await;
    }

    /// Beats until told to stop.
    pub(super) async fn run(
        &self,
        store: &Store,
        pages: &Store,
        memory: &MemoryFile,
        shutdown: &CancellationToken,
    ) {
        loop {
            tokio::select! {
                () = pause(EVERY) => {}
                () = shutdown.cancelled() => return memory.note(store).await,
            }
            self.beat(store, pages, memory).await;
            // systemd starts it anew where it hangs; a record that can't be written is no reason to.
            let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Watchdog]);
        }
    }

    /// One beat, which is remembered beside the record.
    async fn beat(&self, store: &Store, pages: &Store, memory: &MemoryFile) {
        let mut beaten = tokio::time::timeout(WAIT, store.beat()).await;
        if let Ok(Err(StoreError::Ahead { by })) = beaten {
            put_back(store, by).await;
            beaten = tokio::time::timeout(WAIT, store.beat()).await;
        }
        let fault = match beaten {
            Ok(Ok(())) => None,
            // Restored beneath us: what is unsure is marked before anything is sent again.
            Ok(Err(StoreError::Older)) => match memory.compare(store).await {
                Ok(()) => None,
                Err(error) => Some(error.fault()),
            },
            Ok(Err(error)) => Some(error.fault()),
            // Either there is no database, or another has it.
            Err(_) => {
                Some(pages.ping().await.map_or_else(|error| error.fault(), |()| Fault::Locked))
            }
        };
        if fault.is_none() {
            if let Err(error) = store.checkpoint().await {
                let error = error.for_log();
                debug!(
                    event = "record.not_checkpointed",
                    error, "the log wasn't carried into the database"
                );
            }
            memory.note(pages).await;
        }
        let mut known = self.known();
        match (&fault, &known.fault) {
            (None, before) => {
                if before.is_some() {
                    info!(event = "record.writable", "the record can be written again");
                }
                known.last = Some(Stopwatch::start());
            }
            (Some(now), before) if before.as_ref() != Some(now) => {
                error!(
                    event = "record.unwritable",
                    fault = now.code(),
                    "the record can't be written"
                );
            }
            _ => {}
        }
        known.fault = fault;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a clock wrote that was ahead is put back, before anything goes by it.
async fn put_back(store: &Store, ahead: i64) {
    if let Err(error) = put_back_times(store, ahead).await {
        let error = error.for_log();
        error!(
            event = "clock.not_put_back",
            error, "what waits by a clock that was ahead isn't put back yet"
        );
    }
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}
