//! The one place that reads the system's time and draws chance; everything else is handed these.

#![allow(clippy::disallowed_methods, reason = "this is the place")]

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// China's time zone, also where the machine has no table of zones.
pub fn township_zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(8)))
}

/// An instant as a Chinese system writes it: 2022-04-20 09:00:00.
pub fn local_text(at: Timestamp) -> String {
    township_zone().to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The real time as logs have it: 2022-04-20T09:00:00.123+08:00.
pub fn township_stamp() -> String {
    let (zone, now) = (township_zone(), Timestamp::now());
    let minutes = zone.to_offset(now).seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    let local = zone.to_datetime(now).strftime("%Y-%m-%dT%H:%M:%S%.3f");
    format!("{local}{sign}{hours:02}:{minutes:02}")
}

/// The township's date of an instant in epoch milliseconds.
pub fn township_date(millis: i64) -> jiff::civil::Date {
    let at = Timestamp::from_millisecond(millis).unwrap_or_default();
    township_zone().to_datetime(at).date()
}

/// The system's time in epoch milliseconds, whatever a rehearsal's clock says: for leases between processes.
pub fn real_millis() -> i64 {
    Timestamp::now().as_millisecond()
}

/// How long ago that was by the system's clock, as of a file; nothing where it lies ahead.
pub fn since(at: std::time::SystemTime) -> Option<Duration> {
    let at = Timestamp::try_from(at).ok()?;
    Duration::try_from(Timestamp::now().duration_since(at)).ok()
}

/// A span in milliseconds, as the database counts.
pub fn span_millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// What a rehearsal's service said of its clock, and when, in epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LastBeat {
    /// The campaign's time, and the system's at that instant.
    pub at: i64,
    pub real: i64,
    pub pace: f64,
}

/// A service that hasn't said anything for so many milliseconds isn't running.
const STOPPED_AFTER: i64 = 15_000;

/// The time: the system's, a rehearsal's faster one, or one that a test or the demo moves by hand.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    zone: TimeZone,
}

#[derive(Debug, Clone)]
enum Source {
    System,
    Scaled { began: Instant, start: Timestamp, speed: f64 },
    Manual(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    /// The system's clock, told in China's time.
    pub fn system() -> Clock {
        Clock::with(Source::System)
    }

    /// A rehearsal: starts at `start` and runs `speed` times as fast as the system's.
    pub fn scaled(start: Timestamp, speed: f64) -> Clock {
        Clock::with(Source::Scaled { began: Instant::now(), start, speed })
    }

    /// Stands still at `start` until [`Clock::set`] moves it.
    pub fn manual(start: Timestamp) -> Clock {
        Clock::with(Source::Manual(Arc::new(watch::Sender::new(start))))
    }

    fn with(source: Source) -> Clock {
        Clock { source, zone: township_zone() }
    }

    /// Moves a manual clock; others keep their own time.
    pub fn set(&self, now: Timestamp) {
        if let Source::Manual(time) = &self.source {
            time.send_replace(now);
        }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &self.source {
            Source::System => Timestamp::now(),
            Source::Scaled { began, start, speed } => {
                let passed = SignedDuration::from_secs_f64(began.elapsed().as_secs_f64() * speed);
                start.checked_add(passed).unwrap_or(Timestamp::MAX)
            }
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// The present instant in epoch milliseconds, as the database keeps it.
    pub fn millis(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// The present civil date and time in the township.
    pub fn local(&self) -> DateTime {
        self.local_of(self.now())
    }

    /// The civil date and time of an instant in the township.
    pub fn local_of(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }

    /// The present date in the township.
    pub fn today(&self) -> Date {
        self.local().date()
    }

    /// The instant of a civil date and time in the township.
    pub fn instant(&self, local: DateTime) -> Timestamp {
        self.zone
            .to_ambiguous_zoned_datetime(local)
            .compatible()
            .map_or(Timestamp::MAX, |z| z.timestamp())
    }

    /// Whether this is not the real time.
    pub fn is_rehearsal(&self) -> bool {
        !matches!(self.source, Source::System)
    }

    /// How fast a rehearsal's clock runs, as multiples of the system's; nothing of the system's own.
    pub fn pace(&self) -> Option<f64> {
        match &self.source {
            Source::System => None,
            Source::Scaled { speed, .. } => Some(*speed),
            Source::Manual(_) => Some(0.0),
        }
    }

    /// The clock of the rehearsal whose service last said what time it was: it runs on beside that, and where the service
    /// has stopped, so has its time.
    pub fn beside(last: LastBeat) -> Clock {
        let passed = real_millis().saturating_sub(last.real);
        let runs = (0..=STOPPED_AFTER).contains(&passed);
        #[allow(clippy::cast_precision_loss, reason = "a few seconds")]
        let gone = if runs {
            SignedDuration::from_secs_f64(passed as f64 / 1e3 * last.pace)
        } else {
            SignedDuration::ZERO
        };
        let start = Timestamp::from_millisecond(last.at).unwrap_or_default();
        let start = start.checked_add(gone).unwrap_or(start);
        Clock::scaled(start, if runs && last.pace > 0.0 { last.pace } else { 1.0 })
    }

    /// How far this clock goes while `span` of real time passes: what concerns the wire takes as long in a rehearsal.
    pub fn in_real_time(&self, span: Duration) -> Duration {
        match &self.source {
            Source::Scaled { speed, .. } => {
                Duration::try_from_secs_f64(span.as_secs_f64() * speed).unwrap_or(Duration::MAX)
            }
            Source::System | Source::Manual(_) => span,
        }
    }

    /// How much real time passes while this clock goes on by `span`.
    pub fn real_time_of(&self, span: Duration) -> Duration {
        match &self.source {
            Source::Scaled { speed, .. } if *speed > 0.0 => {
                Duration::try_from_secs_f64(span.as_secs_f64() / speed).unwrap_or(Duration::MAX)
            }
            Source::Scaled { .. } | Source::System | Source::Manual(_) => span,
        }
    }

    /// The time of the wire in epoch milliseconds: real in a rehearsal too; a clock that is moved by hand is its own.
    pub fn wire_millis(&self) -> i64 {
        match &self.source {
            Source::Scaled { .. } => real_millis(),
            Source::System | Source::Manual(_) => self.millis(),
        }
    }

    /// Real time that only goes on, in milliseconds since the process began, wherever the system's clock is put; a clock that is
    /// moved by hand is its own.
    pub fn steady_millis(&self) -> i64 {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        match &self.source {
            Source::Scaled { .. } | Source::System => {
                span_millis(BEGAN.get_or_init(Instant::now).elapsed())
            }
            Source::Manual(_) => self.millis(),
        }
    }

    /// Waits until `span` of this clock's time has passed.
    pub async fn sleep(&self, span: Duration) {
        match &self.source {
            Source::System => tokio::time::sleep(span).await,
            Source::Scaled { speed, .. } => tokio::time::sleep(span.div_f64(speed.max(1e-9))).await,
            Source::Manual(time) => {
                let until = self.now().checked_add(span).unwrap_or(Timestamp::MAX);
                let mut watch = time.subscribe();
                // The sender lives as long as this clock does, so the wait ends only by the time.
                let _ = watch.wait_for(|now| *now >= until).await;
            }
        }
    }
}

/// Waits in real time whatever the clock says: for what concerns the wire, and for looking again.
pub async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

/// How long something takes, in real time whatever the clock says: for measuring, and for what concerns the wire.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// The time since.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The system's clock against the time that passes: whether it was put forward or back.
#[derive(Debug)]
pub struct Steadiness {
    wall: Timestamp,
    since: Instant,
    /// By how many milliseconds it was put, all in all.
    off: i64,
}

/// A clock that is kept in time goes a little faster or slower, and isn't put.
const PUT: i64 = 2_000;

impl Steadiness {
    /// From now on.
    pub fn start() -> Steadiness {
        Steadiness { wall: Timestamp::now(), since: Instant::now(), off: 0 }
    }

    /// By how many seconds the clock was put since the start; nothing where it wasn't, or was put back right. What a sleeping
    /// machine slept counts too.
    pub fn off(&mut self) -> Option<i64> {
        let (wall, passed) = (Timestamp::now(), self.since.elapsed());
        self.since = Instant::now();
        self.go_on(wall, passed)
    }

    fn go_on(&mut self, wall: Timestamp, passed: Duration) -> Option<i64> {
        let shown = wall.as_millisecond().saturating_sub(self.wall.as_millisecond());
        let put = shown.saturating_sub(span_millis(passed));
        self.wall = wall;
        if put.abs() >= PUT {
            self.off = self.off.saturating_add(put);
        }
        (self.off.abs() >= PUT).then_some(self.off / 1_000)
    }
}

/// Chance: the system's, or seeded so that a run can be repeated.
#[derive(Debug, Clone)]
pub struct Chance(Arc<Mutex<StdRng>>);

impl Chance {
    /// Unpredictable.
    pub fn system() -> Chance {
        Chance(Arc::new(Mutex::new(StdRng::from_os_rng())))
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Chance {
        Chance(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A number in 0..1.
    pub fn fraction(&self) -> f64 {
        self.with(|rng| rng.random::<f64>())
    }

    /// A number in `0..end`; 0 where `end` is 0.
    pub fn below(&self, end: usize) -> usize {
        if end == 0 { 0 } else { self.with(|rng| rng.random_range(0..end)) }
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.with(|rng| rng.fill_bytes(bytes));
    }

    /// A UUIDv7 (RFC 9562): sorts by the time at which it was made.
    pub fn id(&self, now: Timestamp) -> String {
        let mut random = [0; 10];
        self.fill(&mut random);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
    }

    fn with<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_put_is_noticed_and_one_that_is_kept_isnt() {
        let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap_or_default();
        let mut clock = Steadiness { wall: at(0), since: Instant::now(), off: 0 };
        let mut after = |second, passed| clock.go_on(at(second), Duration::from_secs(passed));
        assert_eq!(after(15, 15), None);
        assert_eq!(after(31, 15), None, "a second is kept time");
        assert_eq!(after(45, 15), None);
        assert_eq!(after(45 + 90, 30), Some(60));
        assert_eq!(after(45 + 105, 15), Some(60), "it's still off");
        assert_eq!(after(45 + 60, 15), None, "it was put back right");
        assert_eq!(after(-86_400, 15), Some(-86_400 - 105 - 15));
    }
}
