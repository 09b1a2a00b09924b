//! Gathers what the rules of [`domain::health`](crate::domain::health) judge.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::status::{JobStatus, LaneStatus, Status};
use crate::clock::township_zone;
use crate::daemon::{Daemon, Pulse};
use crate::db::{StoreError, Wants};
use crate::delivery::GateState;
use crate::domain::duty::DutyKind;
use crate::domain::health::{Facts, FailedJob, Finding, LaneFacts, Owed, judge};
use crate::settings::Adapter;

/// What isn't as it should be.
pub(super) async fn findings(
    daemon: &Daemon,
    status: &Status,
    duties: &[(DutyKind, i64, i64)],
) -> Result<Vec<Finding>, StoreError> {
    let mut lanes = Vec::new();
    for lane in &status.lanes {
        lanes.push(lane_facts(daemon, lane).await?);
    }
    let (context, platform) = (daemon.store.context(), &daemon.settings.platform);
    let today = context.clock.today();
    Ok(judge(&Facts {
        now: civil(status.now),
        unwritable: match daemon.heartbeat.pulse() {
            Pulse::Stopped(unwritable) => Some(unwritable),
            Pulse::Starting | Pulse::Writing => None,
        },
        lanes,
        missing_platform: (platform.adapter == Adapter::None).then(|| platform.name.clone()),
        service_gaps: daemon.service_gaps().iter().map(ToString::to_string).collect(),
        failed_jobs: status.jobs.iter().filter_map(failed_job).collect(),
        unknown_words: status.unknown_statuses.clone().into_iter().collect(),
        closed_without_answer: status.closed_without_answer,
        unreachable: status.unreachable,
        plan_differs: daemon.store.plan_differs(),
        late: duties.iter().map(|(kind, _, late)| (*kind, *late)).collect(),
        year_without_holidays: (!context.workdays.knows(today)).then(|| today.year()),
    }))
}

async fn lane_facts(daemon: &Daemon, lane: &LaneStatus) -> Result<LaneFacts, StoreError> {
    let platform = &daemon.settings.platform;
    let missing = platform.adapter == Adapter::None && platform.name == lane.name;
    let unsent = lane.stuck > 0 || missing && lane.queued > 0;
    let (failing, oldest_failing) = daemon.pages.failing_entries(&lane.name).await?;
    let named = |(key, since, why): (String, i64, String)| {
        let since = civil(Timestamp::from_millisecond(since).ok()?);
        Some((Owed { key, since }, why))
    };
    let oldest_unknown = match lane.unknown {
        0 => None,
        _ => daemon.pages.oldest_unknown(&lane.name).await?,
    };
    Ok(LaneFacts {
        failing,
        oldest_failing: oldest_failing.and_then(named),
        oldest_unknown: oldest_unknown.and_then(named),
        name: lane.name.clone(),
        queued: lane.queued,
        stuck: lane.stuck,
        oldest: oldest(daemon, lane, Wants::Sending, unsent).await?,
        held: lane.held,
        oldest_held: oldest(daemon, lane, Wants::Decision, lane.held > 0).await?,
        unknown: lane.unknown,
        last_good_contact: lane.last_good_contact.map(civil),
        failure: lane.failure.clone().map(|why| (why, lane.last_failure_at.map(civil))),
        paused_until: match lane.breaker {
            Some(GateState::Open { until }) => Some(civil(until)),
            _ => None,
        },
    })
}

/// The oldest debt, where a reason will name it.
async fn oldest(
    daemon: &Daemon,
    lane: &LaneStatus,
    wants: Wants,
    named: bool,
) -> Result<Option<Owed>, StoreError> {
    if !named {
        return Ok(None);
    }
    let found = daemon.pages.oldest_entry(&lane.name, wants).await?;
    Ok(found.and_then(|(key, since)| {
        let since = Timestamp::from_millisecond(since).ok()?;
        Some(Owed { key, since: civil(since) })
    }))
}

fn failed_job(job: &JobStatus) -> Option<FailedJob> {
    let why = job.last_outcome.clone().filter(|_| job.failed)?;
    let at = job.finished_at.map(civil);
    Some(FailedJob { title: job.title.clone(), why, at, next: civil(job.next_slot) })
}

fn civil(at: Timestamp) -> DateTime {
    township_zone().to_datetime(at)
}
