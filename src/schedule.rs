//! Which reconciler wakes when. `tokio-cron-scheduler` only ticks; a job's slot is worked out from the
//! clock and claimed in the record, so a missed slot is made up once and two replicas run it once.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use tokio::task::JoinHandle;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler, JobSchedulerError};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{debug, error, info, warn};

use crate::clock::{Clock, pause, span_millis};
use crate::db::{CLOCKS_APART, Ended, JobRun, Store, StoreError};

/// How a job went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub text: String,
    /// Whether anything came of it: where nothing did, a job of every minute isn't logged.
    pub news: bool,
}

impl From<String> for Done {
    fn from(text: String) -> Done {
        Done { text, news: true }
    }
}

/// What a job does.
pub type Work =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Done, StoreError>> + Send>> + Send + Sync>;

/// When a job's slots lie.
#[derive(Debug, Clone, Copy)]
pub enum When {
    Every(Duration),
    DailyAt(Time),
}

impl When {
    /// The latest slot that is not after now.
    pub fn slot(self, clock: &Clock) -> Timestamp {
        match self {
            When::Every(span) => {
                let (span, now) = (millis(span), clock.millis());
                Timestamp::from_millisecond(now - now.rem_euclid(span)).unwrap_or(Timestamp::MIN)
            }
            When::DailyAt(time) => {
                let today = clock.today();
                let slot = clock.instant(today.to_datetime(time));
                if slot <= clock.now() {
                    return slot;
                }
                clock.instant(today.yesterday().unwrap_or(today).to_datetime(time))
            }
        }
    }

    /// The first slot that is after now.
    pub fn next_slot(self, clock: &Clock) -> Timestamp {
        match self {
            When::Every(span) => self.slot(clock).checked_add(span).unwrap_or(Timestamp::MAX),
            When::DailyAt(time) => {
                let today = clock.today();
                let slot = clock.instant(today.to_datetime(time));
                if slot > clock.now() {
                    return slot;
                }
                clock.instant(today.tomorrow().unwrap_or(today).to_datetime(time))
            }
        }
    }
}

/// A reconciler and when it wakes.
#[derive(Clone)]
pub struct Job {
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    pub when: When,
    /// For how long a run may last, in real time: one that lasts longer waits for something that will never come, as where the
    /// network swallowed the database's answer. It's given up, so that the next one comes.
    pub longest: Duration,
    pub work: Work,
}

/// What is done in minutes, if not at once.
pub const USUAL: Duration = Duration::from_secs(900);
/// What reads a whole county's record, or asks about all of it.
pub const NIGHT: Duration = Duration::from_secs(6 * 3600);

impl Job {
    /// When it's tried again after it failed; a job of each minute or hour simply has its next slot.
    fn retry(&self, run: &JobRun) -> Option<i64> {
        let failed = matches!(run.ended, Some(Ended::Failed(_))) && self.is_daily();
        run.finished_at.filter(|_| failed).map(|at| at.saturating_add(millis(RETRY_AFTER)))
    }

    fn is_daily(&self) -> bool {
        matches!(self.when, When::DailyAt(_))
    }

    /// When it wakes next.
    pub fn next(&self, run: Option<&JobRun>, clock: &Clock) -> Timestamp {
        let next = self.when.next_slot(clock);
        let retry = run.and_then(|run| self.retry(run));
        let retry = retry.and_then(|at| Timestamp::from_millisecond(at).ok());
        retry.map_or(next, |retry| retry.min(next))
    }
}

/// All the jobs of a daemon.
pub struct Schedule {
    store: Store,
    jobs: Vec<Job>,
    running: Arc<Mutex<HashSet<&'static str>>>,
    unnoted: Unnoted,
    tasks: TaskTracker,
}

/// Jobs whose turn couldn't be noted in the record, and why.
type Unnoted = Arc<Mutex<BTreeMap<&'static str, String>>>;

/// A daily job that failed is tried again that day, after so long each time.
const RETRY_AFTER: Duration = Duration::from_secs(600);

/// A run whose process hasn't said for so long that it's at it, because it was killed, may be taken over; it says so a few times
/// in that.
const STALE_AFTER: Duration = Duration::from_secs(600);
const SAID_EACH: Duration = Duration::from_secs(120);

impl Schedule {
    /// A schedule over these jobs.
    pub fn new(store: Store, jobs: Vec<Job>) -> Schedule {
        let (running, unnoted) = Default::default();
        Schedule { store, jobs, running, unnoted, tasks: TaskTracker::new() }
    }

    /// What people call the jobs whose turns can't be noted in the record, and why they can't.
    pub fn unnoted(&self) -> Vec<(String, String)> {
        let unnoted = self.unnoted.lock().unwrap_or_else(PoisonError::into_inner);
        let titled = self.jobs.iter().filter_map(|job| Some((job.title, unnoted.get(job.name)?)));
        titled.map(|(title, why)| (title.to_owned(), why.clone())).collect()
    }

    /// The jobs.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// Ticks every second until the returned scheduler is shut down.
    pub async fn tick(self: &Arc<Self>) -> Result<JobScheduler, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        let schedule = Arc::clone(self);
        let tick = CronJob::new_async("* * * * * *", move |_, _| {
            let schedule = Arc::clone(&schedule);
            Box::pin(async move { drop(schedule.run_due().await) })
        })?;
        scheduler.add(tick).await?;
        scheduler.start().await?;
        Ok(scheduler)
    }

    /// Waits for the jobs that run; their own time limits bound it.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Starts every job whose present slot hasn't been taken.
    pub async fn run_due(&self) -> Vec<JoinHandle<()>> {
        let mut started = Vec::new();
        if let Err(error) = self.store.refresh_plan().await {
            error!(
                event = "record.unavailable",
                error = error.for_log(),
                "the plan in effect can't be read"
            );
            return started;
        }
        let runs = match self.store.last_runs().await {
            Ok(runs) => runs,
            Err(error) => {
                error!(
                    event = "record.unavailable",
                    error = error.for_log(),
                    "the schedule can't be read"
                );
                return started;
            }
        };
        let clock = &self.store.context().clock;
        for job in &self.jobs {
            let slot = job.when.slot(clock).as_millisecond();
            let stale = clock.millis() - millis(STALE_AFTER);
            // A run of a later slot was made when the clock was ahead: whether this one was taken is asked of the
            // record.
            let taken = runs.get(job.name).is_some_and(|run| {
                let done = match job.retry(run) {
                    Some(again) => again > clock.millis(),
                    None => run.finished_at.is_some() || run.alive_at > stale,
                };
                let ahead = clock.millis() + CLOCKS_APART;
                run.slot == slot && run.started_at.max(run.alive_at) <= ahead && done
            });
            if !taken && self.running().insert(job.name) {
                started.push(self.tasks.spawn(self.run(job.clone(), slot)));
            }
        }
        started
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashSet<&'static str>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One run; a panic in it ends this run and nothing else.
    fn run(&self, job: Job, slot: i64) -> impl Future<Output = ()> + Send + use<> {
        let (store, running) = (self.store.clone(), Arc::clone(&self.running));
        let unnoted = Arc::clone(&self.unnoted);
        async move {
            let noted = tokio::time::timeout(job.longest, run_claimed(&store, &job, slot)).await;
            let given_up = format!("{} 分钟没有做完，已放弃，到时再做", job.longest.as_secs() / 60);
            let noted = noted.unwrap_or_else(|_| Err(StoreError::Rule(given_up)));
            let mut unnoted = unnoted.lock().unwrap_or_else(PoisonError::into_inner);
            match noted {
                Ok(()) => drop(unnoted.remove(job.name)),
                Err(error) => {
                    error!(
                        event = "job.unclaimed",
                        job = job.name,
                        error = error.for_log(),
                        "the job's slot can't be claimed or finished"
                    );
                    unnoted.insert(job.name, error.to_string());
                }
            }
            drop(unnoted);
            running.lock().unwrap_or_else(PoisonError::into_inner).remove(job.name);
        }
    }
}

async fn run_claimed(store: &Store, job: &Job, slot: i64) -> Result<(), StoreError> {
    let retry = job.is_daily().then(|| millis(RETRY_AFTER));
    if !store.claim_slot(job.name, slot, millis(STALE_AFTER), retry).await? {
        return Ok(());
    }
    let when = job.when;
    // Where the run is given up, its work ends with it.
    let work = AbortOnDropHandle::new(tokio::spawn((job.work)()));
    let worked = tokio::select! {
        worked = work => worked,
        never = keep_claimed(store, job.name, slot) => match never {},
    };
    let ended = match worked {
        Ok(Ok(Done { text, news })) => {
            let job = job.name;
            if news || matches!(when, When::DailyAt(_)) {
                info!(event = "job.done", job, outcome = text, "job done");
            } else {
                debug!(event = "job.done", job, outcome = text, "job done, without news");
            }
            Ended::Done(text)
        }
        Ok(Err(error)) => {
            error!(event = "job.failed", job = job.name, error = error.for_log(), "job failed");
            Ended::Failed(error.to_string())
        }
        Err(panic) => {
            error!(event = "job.panicked", job = job.name, "job panicked");
            Ended::Failed(panic.to_string())
        }
    };
    store.finish_slot(job.name, slot, &ended).await
}

/// Says that this process is at the run, again and again.
async fn keep_claimed(store: &Store, job: &'static str, slot: i64) -> Infallible {
    let each = store.context().clock.real_time_of(SAID_EACH).max(Duration::from_secs(1));
    loop {
        pause(each).await;
        if let Err(error) = store.keep_slot(job, slot).await {
            let error = error.for_log();
            warn!(event = "job.unkept", job, error, "that the job is still run can't be noted");
        }
    }
}

fn millis(span: Duration) -> i64 {
    span_millis(span).max(1)
}
