//! Gathers what the rules of [`domain::health`](crate::domain::health) judge.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::status::{JobStatus, LaneStatus, Status};
use crate::app::vacant::{Vacant, vacant};
use crate::clock::{Clock, Stopwatch, real_millis, township_zone};
use crate::daemon::{Daemon, Pulse, Watched};
use crate::db::{NamedDebts, StoreError};
use crate::delivery::GateState;
use crate::domain::duty::DutyKind;
use crate::domain::health::{
    BackupFacts, Debts, Facts, FailedJob, Finding, LaneFacts, MachineFacts, Note, Owed,
    OwnCertificateFacts, PlatformFacts, RestoredFacts, StalledImport, Unasked, judge,
};
use crate::domain::obligations::PlanFile;
use crate::domain::reason::ASKING;
use crate::settings::Adapter;
use crate::tls::OwnCertificate;

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
    let context = daemon.store.context();
    let today = context.clock.today();
    let mut record = daemon.pages.snapshot().await?;
    let Vacant { roles, unassigned, left } = vacant(&mut record).await?;
    record.end().await?;
    Ok(judge(&Facts {
        now: civil(status.now),
        unwritable: match daemon.heartbeat.pulse() {
            Pulse::Stopped(unwritable) => Some(unwritable),
            Pulse::Starting | Pulse::Writing => None,
        },
        lanes,
        platform: platform_facts(daemon, status).await?,
        machine: machine_facts(daemon),
        failed_jobs: status.jobs.iter().filter_map(failed_job).collect(),
        stalled_import: stalled_import(daemon).await?,
        restored: restored(daemon).await?,
        memory_trouble: daemon.memory_trouble(),
        key_is_replaced: daemon.store.context().sealer.is_replacing(),
        audit_flaw: daemon.audit_flaw(),
        certificate: daemon.certificate().map(|own| certificate(own)),
        unreachable: status.unreachable,
        vacancies: roles,
        unassigned,
        left,
        plan_file: plan_file(daemon),
        plan_waits: daemon.pages.waits_for_word().await?,
        late: duties.iter().map(|(kind, _, late)| (*kind, *late)).collect(),
        year_without_holidays: (!context.workdays.knows(today)).then(|| today.year()),
    }))
}

/// The plan's file as it lies there now: whoever applies what they have just written needn't start the service again.
fn plan_file(daemon: &Daemon) -> PlanFile {
    let now = daemon.plan_now.of(&daemon.settings.campaign.file);
    now.map_or_else(|| daemon.store.plan_file(), |plan| daemon.store.plan_file_of(&plan))
}

fn machine_facts(daemon: &Daemon) -> MachineFacts {
    let Watched { disks, lost, damage, clock, certificates, open_keys, backup, since } =
        daemon.watch.watched();
    let folder = &daemon.settings.backup.folder;
    let planned = !folder.as_os_str().is_empty();
    let now = Clock::system().local();
    let hours = |since: Stopwatch| (since.elapsed().as_secs() / 3_600).try_into().unwrap_or(0);
    let last = backup.map(|kept| (kept.made_at, now.duration_since(kept.made_at).as_hours()));
    MachineFacts {
        disks,
        lost,
        damage,
        clock,
        certificates,
        open_keys,
        backup: planned.then(|| BackupFacts {
            folder: folder.display().to_string(),
            last,
            planned_for: since.map_or(0, hours),
        }),
        unnoted_jobs: daemon.schedule.unnoted(),
    }
}

async fn platform_facts(daemon: &Daemon, status: &Status) -> Result<PlatformFacts, StoreError> {
    let platform = &daemon.settings.platform;
    let day_ago = daemon.store.context().clock.millis() - DAY;
    let notes = daemon.pages.platform_notes(day_ago).await?;
    let unasked = daemon.pages.unasked().await?;
    Ok(PlatformFacts {
        missing: (platform.adapter == Adapter::None).then(|| platform.name.clone()),
        service_gaps: daemon.service_gaps().iter().map(ToString::to_string).collect(),
        unknown_words: status.unknown_statuses.clone().into_iter().collect(),
        closed_without_answer: status.closed_without_answer,
        unasked: unasked.map(|found| Unasked {
            count: found.count,
            reference: found.reference,
            number: found.number,
            since: local(found.since),
            why: found.why,
        }),
        notes: notes
            .into_iter()
            .map(|note| Note {
                what: note.what,
                sample: note.sample,
                times: note.times,
                since: local(note.first_at),
            })
            .collect(),
    })
}

/// A file on its way in whose process has said nothing for longer than one at work does.
async fn stalled_import(daemon: &Daemon) -> Result<Option<StalledImport>, StoreError> {
    let import = daemon.pages.import_under_way().await?;
    let stalled = import.filter(|import| import.lease_until < real_millis());
    Ok(stalled.map(|import| StalledImport {
        checking: import.is_being_checked(),
        since: local(import.lease_until),
        file: import.file_name,
        rows: import.row_count,
    }))
}

fn certificate(own: &OwnCertificate) -> OwnCertificateFacts {
    let ends = own.ends().map(civil);
    OwnCertificateFacts { now: civil(Clock::system().now()), ends, trouble: own.trouble() }
}

/// For a week after a backup was restored it's said so.
async fn restored(daemon: &Daemon) -> Result<Option<RestoredFacts>, StoreError> {
    let now = daemon.store.context().clock.millis();
    let restored = daemon.pages.restored().await?.filter(|found| now < found.at + 7 * DAY);
    let missing = match restored {
        Some(_) => daemon.pages.missing_numbers().await?,
        None => 0,
    };
    Ok(restored.map(|found| RestoredFacts {
        missing,
        at: local(found.at),
        from: local(found.from),
        unsure: found.unsure,
        in_order: found.in_order,
    }))
}

/// In milliseconds.
const DAY: i64 = 24 * 3_600 * 1_000;

async fn lane_facts(daemon: &Daemon, lane: &LaneStatus) -> Result<LaneFacts, StoreError> {
    let platform = &daemon.settings.platform;
    let is_platform = platform.name == lane.name;
    let missing = platform.adapter == Adapter::None && is_platform;
    let removed = !is_platform && daemon.lane_names().all(|name| name != lane.name);
    let waits = lane.queued + lane.unknown + lane.held > 0;
    let unsent = lane.stuck > 0 || waits && (missing || removed || lane.failure.is_some());
    let context = daemon.store.context();
    let pages = &daemon.pages;
    let week_ago = context.clock.millis() - 7 * DAY;
    let refused = lane.refused > 0;
    // What it was sent and didn't take is over where nothing is owed; that it doesn't answer isn't.
    let failure = lane.failure.as_ref().filter(|why| waits || why.starts_with(ASKING));
    let (failing, oldest_failing) = pages.failing_entries(&lane.name).await?;
    let named = |(key, since, why): (String, i64, String)| {
        let since = civil(Timestamp::from_millisecond(since).ok()?);
        Some((Owed { key, since }, why))
    };
    let oldest_unknown = match lane.unknown {
        0 => None,
        _ => pages.oldest_unknown(&lane.name).await?,
    };
    Ok(LaneFacts {
        failing,
        oldest_failing: oldest_failing.and_then(named),
        oldest_unknown: oldest_unknown.and_then(named),
        name: lane.name.clone(),
        removed,
        queued: lane.queued,
        stuck: lane.stuck,
        oldest: oldest(daemon, lane, unsent).await?,
        held: lane.held,
        oldest_held: match lane.held {
            0 => None,
            _ => pages.oldest_held(&lane.name).await?.and_then(named),
        },
        unknown: lane.unknown,
        refused: match refused && is_platform {
            true => pages.refused_referrals(&lane.name).await?.map(debts),
            false => None,
        },
        refused_besides: match refused && !removed {
            true => pages.refused_besides(&lane.name, week_ago).await?.map(debts),
            false => None,
        },
        late: match is_platform && !context.messages {
            true => pages
                .arrived_late(&lane.name)
                .await?
                .map(|late| Debts { why: String::new(), ..debts(late) }),
            false => None,
        },
        last_good_contact: lane.last_good_contact.map(civil),
        failure: failure.map(|why| (why.clone(), lane.last_failure_at.map(civil))),
        paused_until: match lane.breaker {
            Some(GateState::Open { until }) => Some(civil(until)),
            _ => None,
        },
    })
}

fn debts(found: NamedDebts) -> Debts {
    let oldest = Owed { key: found.debt_key, since: local(found.since) };
    Debts { count: found.count, oldest, why: found.why }
}

fn local(millis: i64) -> DateTime {
    civil(Timestamp::from_millisecond(millis).unwrap_or_default())
}

/// The oldest debt, where a reason will name it.
async fn oldest(
    daemon: &Daemon,
    lane: &LaneStatus,
    named: bool,
) -> Result<Option<Owed>, StoreError> {
    if !named {
        return Ok(None);
    }
    let found = daemon.pages.oldest_entry(&lane.name).await?;
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
