//! The state of the service as a page and a program see it: what is owed, late, queued, in flight, unknown and stuck, and
//! whether that is well, with the reasons.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use crate::clock::township_zone;
use crate::daemon::Watched;
use crate::db::{Figures, LaneFigures};
use crate::delivery::GateState;
use crate::domain::campaign::Campaign;
use crate::domain::duty::DutyKind;
use crate::domain::figures::{Counts, Rates};
use crate::domain::health::{CertificateFacts, DiskFacts, Verdict};
use crate::domain::reason::in_words;

/// The whole status, as `/status` gives it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub verdict: Verdict,
    /// Why it isn't green; what to do stands in each.
    pub reasons: Vec<String>,
    /// The reasons without anything that the other side wrote.
    #[serde(skip)]
    pub(super) public_reasons: Vec<String>,
    /// Whether all of it is here: whoever isn't the operator gets nothing that the platform or another receiver wrote.
    #[serde(default)]
    pub whole: bool,
    /// The technical text behind a reason, for whoever looks after the machine; empty where there is none.
    pub details: Vec<String>,
    /// Set where the clock isn't the real one.
    pub rehearsal: bool,
    pub now: Timestamp,
    pub database: String,
    pub campaign: CampaignStatus,
    pub figures: FiguresStatus,
    pub duties: Vec<DutyStatus>,
    pub lanes: Vec<LaneStatus>,
    pub jobs: Vec<JobStatus>,
    /// Issues past their date, by who holds them: lateness is counted against whoever has the ball.
    pub late_issues: BTreeMap<String, i64>,
    /// How many people no channel reaches, or one doesn't any more.
    pub unreachable: i64,
    /// What the platform closed without a word for the resident, where it needs one.
    pub closed_without_answer: i64,
    /// The platform's words that configuration doesn't know, and how often each came.
    pub unknown_statuses: BTreeMap<String, i64>,
    /// The file that is on its way in.
    pub importing: Option<ImportStatus>,
    /// The files that came in last, the newest first.
    #[serde(default)]
    pub imports: Vec<ImportedStatus>,
    /// When the certificate ends that the service shows, where it speaks TLS itself.
    #[serde(default)]
    pub certificate_ends: Option<Timestamp>,
    /// How long ago the record was last written to see whether it can be.
    pub heartbeat_seconds: Option<f64>,
    /// How long the longest turn was that this process held the writer.
    pub longest_turn_ms: u64,
    #[serde(default)]
    pub machine: MachineStatus,
}

/// The machine and the files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MachineStatus {
    pub disks: Vec<DiskStatus>,
    /// Whether pages of the record were found damaged, and whether its file or its lock was taken away.
    pub damaged: bool,
    pub lost: bool,
    /// By how many seconds the machine's clock was put.
    pub clock_step_seconds: i64,
    pub certificates: Vec<CertificateStatus>,
    /// Where backups are put; nothing where none are planned.
    pub backup_folder: Option<String>,
    /// The newest.
    pub backup: Option<BackupStatus>,
}

/// The disk on which something of ours lies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DiskStatus {
    pub what: String,
    pub place: String,
    pub free_bytes: u64,
}

/// A certificate's end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificateStatus {
    pub key: String,
    pub until: String,
    pub days_left: i64,
}

/// A backup that was made, opened again and looked through.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupStatus {
    pub file: String,
    /// On the township's clock.
    pub made_at: String,
    pub age_seconds: i64,
    pub bytes: u64,
}

impl MachineStatus {
    pub(super) fn new(watched: Watched, folder: &Path, now: DateTime) -> MachineStatus {
        let minute = |at: DateTime| at.strftime("%Y-%m-%d %H:%M").to_string();
        let disk = |disk: DiskFacts| DiskStatus {
            what: disk.what,
            place: disk.place,
            free_bytes: disk.free,
        };
        let certificate = |ends: CertificateFacts| CertificateStatus {
            key: ends.key,
            until: minute(ends.until),
            days_left: ends.days_left,
        };
        let planned = !folder.as_os_str().is_empty();
        MachineStatus {
            disks: watched.disks.into_iter().map(disk).collect(),
            damaged: watched.damage.is_some(),
            lost: watched.lost.is_some(),
            clock_step_seconds: watched.clock.map_or(0, |clock| clock.seconds),
            certificates: watched.certificates.into_iter().map(certificate).collect(),
            backup_folder: planned.then(|| folder.display().to_string()),
            backup: watched.backup.map(|kept| BackupStatus {
                file: kept.file.display().to_string(),
                made_at: minute(kept.made_at),
                age_seconds: now.duration_since(kept.made_at).as_secs(),
                bytes: kept.bytes,
            }),
        }
    }
}

impl Status {
    /// As everybody may read it: without anything that the platform or another receiver wrote, which may be anybody's name.
    pub(super) fn for_everybody(&self) -> Status {
        let mut status = self.clone();
        status.whole = false;
        status.reasons.clone_from(&self.public_reasons);
        status.details.fill(String::new());
        status.unknown_statuses.clear();
        for lane in &mut status.lanes {
            lane.failure = lane.failure.as_deref().map(|why| in_words(why).plain);
        }
        for job in status.jobs.iter_mut().filter(|job| job.failed) {
            job.last_outcome = job.last_outcome.as_deref().map(|why| in_words(why).plain);
        }
        status
    }
}

/// A file that came in, and what its rows did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportedStatus {
    pub file: String,
    pub at: Timestamp,
    pub rows: i64,
    pub added: i64,
    pub changed: i64,
    pub same: i64,
    pub told: String,
}

/// A long file on its way in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportStatus {
    pub file: String,
    pub rows: i64,
    /// Of how many pieces how many are applied; nothing is applied before all of it is checked.
    pub pieces: i64,
    pub applied: i64,
    pub checking: bool,
}

/// What `/status` gives where the record can't be read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unreadable {
    pub version: String,
    pub verdict: Verdict,
    pub reasons: Vec<String>,
}

/// Where the campaign is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CampaignStatus {
    pub name: String,
    pub phase: Option<String>,
    pub phase_ends_on: Option<String>,
    pub days_left: Option<i32>,
}

/// The campaign in numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FiguresStatus {
    pub subjects: i64,
    pub visited: i64,
    /// Those that ended before they were visited: none of them.
    #[serde(default)]
    pub ended: i64,
    /// By the code of an earlier campaign, its issues that aren't resolved: none of those of `issues`.
    #[serde(default)]
    pub earlier_open: BTreeMap<String, i64>,
    pub residents: i64,
    pub revisited: i64,
    pub issues: BTreeMap<String, i64>,
    pub notices: i64,
    /// 走访率、响应率、解决率、满意率 (docs/figures.md)
    pub rates: Rates,
    /// What the rates are made of, for the page.
    #[serde(skip)]
    pub(super) counts: Counts,
}

/// What is owed of one kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DutyStatus {
    pub kind: String,
    pub open: i64,
    pub late: i64,
}

/// One lane of the outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LaneStatus {
    pub name: String,
    pub queued: i64,
    pub in_flight: i64,
    /// In a hand-off, waiting for the platform's number.
    pub handed: i64,
    pub unknown: i64,
    pub held: i64,
    pub stuck: i64,
    pub refused: i64,
    pub delivered: i64,
    pub oldest_seconds: Option<i64>,
    pub last_good_contact: Option<Timestamp>,
    pub last_failure_at: Option<Timestamp>,
    pub failure: Option<String>,
    /// The circuit breaker; absent where the lane isn't configured any more.
    pub breaker: Option<GateState>,
}

/// One job of the schedule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobStatus {
    pub name: String,
    pub title: String,
    pub last_slot: Option<Timestamp>,
    pub last_outcome: Option<String>,
    /// Whether that is why it failed.
    pub failed: bool,
    pub finished_at: Option<Timestamp>,
    pub next_slot: Timestamp,
}

pub(super) fn instant(millis: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis?).ok()
}

impl DutyStatus {
    pub(super) fn new((kind, open, late): &(DutyKind, i64, i64)) -> DutyStatus {
        DutyStatus { kind: kind.code().to_owned(), open: *open, late: *late }
    }
}

impl CampaignStatus {
    pub(super) fn on(campaign: &Campaign, today: Date) -> CampaignStatus {
        let phase = campaign.phase_on(today);
        CampaignStatus {
            name: campaign.name.clone(),
            phase: phase.map(|phase| phase.name.chinese().to_owned()),
            phase_ends_on: phase.map(|phase| phase.ends_on.to_string()),
            days_left: phase.map(|phase| (phase.ends_on - today).get_days()),
        }
    }
}

impl FiguresStatus {
    pub(super) fn new(figures: Figures) -> FiguresStatus {
        let counts = figures.counts;
        FiguresStatus {
            subjects: counts.subjects,
            visited: counts.visited,
            ended: counts.ended,
            earlier_open: figures.earlier_open,
            rates: counts.rates(),
            counts,
            residents: figures.residents,
            revisited: figures.revisited,
            issues: figures.issues_by_state.into_iter().collect(),
            notices: figures.notices,
        }
    }
}

impl LaneStatus {
    pub(super) fn new(lane: LaneFigures, breaker: Option<GateState>, now: Timestamp) -> LaneStatus {
        LaneStatus {
            oldest_seconds: instant(lane.oldest).map(|oldest| now.duration_since(oldest).as_secs()),
            last_good_contact: instant(lane.good_at),
            last_failure_at: instant(lane.failed_at),
            failure: lane.failure,
            breaker,
            name: lane.lane,
            queued: lane.queued,
            in_flight: lane.in_flight,
            handed: lane.handed,
            unknown: lane.unknown,
            held: lane.held,
            stuck: lane.stuck,
            refused: lane.refused,
            delivered: lane.delivered,
        }
    }
}

/// An instant as a clock on the township's wall shows it.
pub(super) fn township_time(at: Timestamp) -> String {
    township_zone().to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
}
