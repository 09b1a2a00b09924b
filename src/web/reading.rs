//! Reads the status from the record.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::health;
use super::status::{
    CampaignStatus, DutyStatus, FiguresStatus, ImportStatus, ImportedStatus, JobStatus, LaneStatus,
    MachineStatus, Status, instant,
};
use crate::clock::{Clock, span_millis};
use crate::daemon::Daemon;
use crate::db::{Dialect, Ended, ImportUnderWay, Imported, LaneFigures, StoreError};
use crate::domain::health::{Verdict, verdict};
use crate::schedule::Job;

impl Status {
    /// Reads it from the record.
    ///
    /// # Errors
    /// Where the record can't be read within a reader's patience.
    pub async fn read(daemon: &Daemon) -> Result<Status, StoreError> {
        let store = &daemon.pages;
        let context = store.context();
        let (now, today) = (context.clock.now(), context.clock.today());
        let duties = store.open_duties(today).await?;
        let lanes = lanes(daemon, now).await?;
        let late = store.late_by_holder().await?.into_iter();
        let mut status = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: Verdict::Green,
            reasons: Vec::new(),
            public_reasons: Vec::new(),
            whole: true,
            details: Vec::new(),
            certificate_ends: daemon.certificate().and_then(|own| own.ends()),
            rehearsal: context.clock.is_rehearsal(),
            now,
            database: match store.dialect() {
                Dialect::Sqlite => "sqlite".to_owned(),
                Dialect::Postgres => "postgres".to_owned(),
            },
            campaign: CampaignStatus::on(&store.campaign(), today),
            figures: FiguresStatus::new(store.figures().await?),
            duties: duties.iter().map(DutyStatus::new).collect(),
            lanes,
            jobs: jobs(daemon).await?,
            late_issues: late.map(|(holder, count)| (holder.code().to_owned(), count)).collect(),
            unreachable: store.unreachable_count().await?,
            closed_without_answer: store.closed_without_answer().await?,
            unknown_statuses: unknown_statuses(daemon).await?,
            importing: store.import_under_way().await?.map(importing),
            imports: store.last_imports(LAST_IMPORTS).await?.into_iter().map(imported).collect(),
            heartbeat_seconds: daemon.heartbeat.age().map(|age| age.as_secs_f64()),
            longest_turn_ms: u64::try_from(store.longest_turn().as_millis()).unwrap_or(u64::MAX),
            machine: MachineStatus::new(
                daemon.watch.watched(),
                &daemon.settings.backup.folder,
                Clock::system().local(),
            ),
        };
        let findings = health::findings(daemon, &status, &duties).await?;
        status.verdict = verdict(&findings);
        status.public_reasons =
            findings.iter().map(|finding| finding.for_everybody().to_owned()).collect();
        let (reasons, details) = findings
            .into_iter()
            .map(|finding| (finding.reason, finding.detail.unwrap_or_default()))
            .unzip();
        (status.reasons, status.details) = (reasons, details);
        Ok(status)
    }
}

/// The platform's words that mean nothing yet, and how often each came.
async fn unknown_statuses(daemon: &Daemon) -> Result<BTreeMap<String, i64>, StoreError> {
    let words = daemon.pages.unknown_words().await?.into_iter();
    Ok(words.filter(|(word, _)| !daemon.knows_status(word)).collect())
}

/// So many files that came in are told of.
const LAST_IMPORTS: i64 = 5;

fn imported(import: Imported) -> ImportedStatus {
    ImportedStatus {
        at: Timestamp::from_millisecond(import.imported_at).unwrap_or_default(),
        file: import.file_name,
        rows: import.row_count,
        added: import.added,
        changed: import.changed,
        same: import.same,
        told: import.told,
    }
}

fn importing(import: ImportUnderWay) -> ImportStatus {
    ImportStatus {
        checking: import.is_being_checked(),
        file: import.file_name,
        rows: import.row_count,
        pieces: import.pieces,
        applied: import.applied,
    }
}

/// Every lane that is configured or holds something that wasn't sent.
async fn lanes(daemon: &Daemon, now: Timestamp) -> Result<Vec<LaneStatus>, StoreError> {
    let stuck = span_millis(daemon.settings.outbox.stuck_after);
    let mut lanes = daemon.pages.lane_figures(stuck).await?;
    if let Some(since) = daemon.since_hand_off().filter(|since| *since > stuck) {
        // Over a weekend nobody takes a hand-off: only what the last one left waits for too long.
        let of_workbook = daemon.pages.lane_figures(since).await?;
        let lane = |lane: &&mut LaneFigures| lane.lane == daemon.settings.platform.name;
        for lane in lanes.iter_mut().filter(lane) {
            let same = of_workbook.iter().find(|other| other.lane == lane.lane);
            lane.stuck = same.map_or(lane.stuck, |same| same.stuck);
        }
    }
    for name in daemon.lane_names() {
        if !lanes.iter().any(|lane| lane.lane == name) {
            lanes.push(LaneFigures { lane: name.to_owned(), ..LaneFigures::default() });
        }
    }
    let configured: Vec<&str> = daemon.lane_names().collect();
    let platform = daemon.settings.platform.name.as_str();
    let shown = |lane: &LaneFigures| {
        let open = lane.queued + lane.in_flight + lane.handed + lane.unknown + lane.held;
        open > 0 || lane.lane == platform || configured.contains(&lane.lane.as_str())
    };
    Ok(lanes
        .into_iter()
        .filter(shown)
        .map(|lane| {
            let breaker = daemon.gate_of(&lane.lane);
            LaneStatus::new(lane, breaker, now)
        })
        .collect())
}

async fn jobs(daemon: &Daemon) -> Result<Vec<JobStatus>, StoreError> {
    let runs = daemon.pages.last_runs().await?;
    let job_status = |job: &Job| {
        let run = runs.get(job.name);
        let ended = run.and_then(|run| run.ended.as_ref());
        JobStatus {
            name: job.name.to_owned(),
            title: job.title.to_owned(),
            last_slot: instant(run.map(|run| run.slot)),
            last_outcome: ended.map(|ended| ended.text().to_owned()),
            failed: matches!(ended, Some(Ended::Failed(_))),
            finished_at: instant(run.and_then(|run| run.finished_at)),
            next_slot: job.next(run, &daemon.store.context().clock),
        }
    };
    Ok(daemon.schedule.jobs().iter().map(job_status).collect())
}
