//! The whole put together by configuration: record, lanes, platform, channels, schedule.
//!
//! Stands above every room but the command line, the pages and the demo. It holds no rule of its own.

mod backups;
mod certificates;
mod heartbeat;
mod jobs;
mod lanes;
mod lasting;
mod memory;
mod numbers_file;
mod origin;
mod plan_file;
mod unfinished;
mod watch;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock::{Chance, Clock};
use crate::db::{Context, Looked, Store, StoreError};
use crate::delivery::{GateState, Lane};
use crate::domain::audit::{Flaw, Origin};
use crate::domain::campaign::Campaign;
use crate::domain::reason::of_system;
use crate::domain::referral::meaning;
use crate::domain::workdays::{Workdays, WorkingTime};
use crate::identity::Providers;
use crate::notify::{MessageError, Messages, ReminderRules, reword};
use crate::platform::open311::Open311;
use crate::platform::rest::Rest;
use crate::platform::workbook::HandoffRules;
use crate::platform::{Absence, Platform, ServiceGap};
use crate::private_file::tighten;
use crate::schedule::{Schedule, Work};
use crate::seal::{SealError, Sealer};
use crate::settings::channels::NotifySettings;
use crate::settings::{Adapter, Review, Secrets, Settings, SettingsError};
use crate::tls::OwnCertificate;

pub use backups::{
    Drill, RestoreError, TakenBack, backups, drill, made_at, make_backup, restore, told,
};
pub use certificates::{
    end as certificate_end, ends as certificate_ends, in_file as certificates_in,
};
pub use heartbeat::{Heartbeat, Pulse};
pub use lanes::open as open_channel;
pub use memory::{MemoryFile, remembered_anchor};
pub use plan_file::PlanNow;
pub use watch::{Watch, Watched, damage};

/// Nobody puts a whole machine back to a state of before, and starts it, in less.
const ABSENT: Duration = Duration::from_secs(60);

/// For so long what is in flight may finish once the service is told to stop: attempts have shorter limits.
const GOODBYE: Duration = Duration::from_secs(40);

/// From where the service itself changes the record.
const SERVICE: &str = "服务";

const CALENDAR: &str = include_str!("../../config/calendar/cn-workdays.csv");

/// Why the program can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(
        "{0}。数据库里的个人信息是用指纹 {1} 的密钥加密的：请把另存的那一份密钥放到这个位置，或把 privacy.key_file 改成它的位置；不要生成新密钥，新密钥打不开已有的数据"
    )]
    KeyOfRecord(String, String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("notify.templates：{0}")]
    Messages(#[from] MessageError),
    #[error("campaign.file：{file}：{why}")]
    Campaign { file: String, why: String },
    #[error("campaign.calendar_file：{file}：{why}")]
    Calendar { file: String, why: String },
}

/// The plan: the operator's file over the built-in one's shape, or the built-in one.
pub fn load_campaign(file: &Path) -> Result<Campaign, AssembleError> {
    let wrong = |why: String| AssembleError::Campaign { file: file.display().to_string(), why };
    if file.as_os_str().is_empty() {
        return plan_file::built_in().map_err(wrong);
    }
    let text = read_or(file, "").map_err(wrong)?;
    plan_file::read(&text).map_err(wrong)
}

/// The calendar: the operator's file, or the built-in one.
pub fn load_workdays(file: &Path) -> Result<Workdays, AssembleError> {
    let wrong = |why: String| AssembleError::Calendar { file: file.display().to_string(), why };
    let text = read_or(file, CALENDAR).map_err(wrong)?;
    Workdays::read(&text).map_err(|error| wrong(error.to_string()))
}

fn read_or(file: &Path, built_in: &str) -> Result<String, String> {
    if file.as_os_str().is_empty() {
        return Ok(built_in.to_owned());
    }
    std::fs::read_to_string(file).map_err(|why| of_system(why.kind()).to_owned())
}

/// The key that seals personal data.
///
/// # Errors
/// Where its file can't be used; for a record whose data is sealed already, only the key that sealed it helps.
pub async fn load_key(settings: &Settings) -> Result<Sealer, AssembleError> {
    let why = match Sealer::from_file(&settings.privacy.key_file) {
        Ok(sealer) => return Ok(sealer.with(settings.privacy.suite())),
        Err(why) => why,
    };
    match Store::look(&settings.database.url).await {
        Ok(Looked { key: Some(key), .. }) => Err(AssembleError::KeyOfRecord(why.what(), key)),
        _ => Err(why.into()),
    }
}

/// Opens the record as configured.
pub async fn open_store(
    settings: &Settings,
    clock: Clock,
    chance: Chance,
) -> Result<Store, AssembleError> {
    shut_keys(settings);
    let context = context(settings, clock, chance).await?;
    let store = Store::open(&settings.database.url, context).await?;
    let store =
        store.with_origin(Origin { via: SERVICE.to_owned(), os_user: origin::os_user(), by: None });
    MemoryFile::of(settings).compare(&store).await?;
    Ok(store)
}

/// A key of ours that others could read is made ours alone; one that isn't ours status shows.
fn shut_keys(settings: &Settings) {
    for file in [&settings.privacy.key_file, &settings.backup.key_file] {
        if let Ok(Some(mode)) = tighten(file) {
            warn!(
                event = "key.was_open",
                was = format!("{mode:04o}"),
                "others could read the key: it's its owner's alone now"
            );
        }
    }
}

/// Opens a record that is there already, to read it, or a copy of one: it isn't held against what is remembered of it.
pub async fn look_at_store(settings: &Settings, clock: Clock) -> Result<Store, AssembleError> {
    let context = context(settings, clock, Chance::system()).await?;
    Ok(Store::open(&settings.database.url, context).await?)
}

async fn context(
    settings: &Settings,
    clock: Clock,
    chance: Chance,
) -> Result<Context, AssembleError> {
    Ok(Context {
        clock,
        chance,
        sealer: load_key(settings).await?,
        campaign: load_campaign(&settings.campaign.file)?,
        workdays: load_workdays(&settings.campaign.calendar_file)?,
        platform_lane: settings.platform.name.clone(),
        by_people: settings.platform.adapter == Adapter::Workbook,
        channels: settings.notify.reach(),
        review_within: match settings.platform.review {
            Review::None => None,
            Review::Centre => Some(settings.platform.review_within),
        },
        messages: settings.platform.messages,
        photos: settings.platform.photos,
        close_needs_answer: settings.platform.close_needs_answer,
        platform_statuses: settings.platform.statuses.clone(),
    })
}

/// The certificate that the service shows, where it's to speak TLS itself.
pub fn own_certificate(settings: &Settings) -> Result<Option<OwnCertificate>, SettingsError> {
    let http = &settings.http;
    if !http.is_tls() {
        return Ok(None);
    }
    OwnCertificate::read(&http.tls_cert, &http.tls_key).map(Some).map_err(SettingsError::Wrong)
}

/// The configured platform, if there is one.
pub fn platform(
    settings: &Settings,
    clock: &Clock,
    chance: &Chance,
) -> Result<Option<Arc<dyn Platform>>, SettingsError> {
    match settings.platform.adapter {
        Adapter::None | Adapter::Workbook => Ok(None),
        Adapter::Open311 => Ok(Some(Arc::new(Open311::new(&settings.platform, clock.clone())?))),
        Adapter::Rest => {
            let rest = Rest::new(&settings.platform, clock.clone(), chance.clone())?;
            Ok(Some(Arc::new(rest)))
        }
    }
}

/// When and in which words people are told.
pub fn reminder_rules(settings: &Settings) -> Result<ReminderRules, AssembleError> {
    let NotifySettings { from, until, templates, public_url, .. } = &settings.notify;
    let workdays = load_workdays(&settings.campaign.calendar_file)?;
    Ok(ReminderRules {
        hours: WorkingTime { workdays, from: *from, until: *until },
        messages: Messages::read(templates)?,
        public_url: public_url.clone(),
    })
}

/// How hand-offs are made for a portal that only people can use.
pub fn handoff_rules(settings: &Settings) -> HandoffRules {
    let words: Vec<String> = settings.platform.statuses.keys().cloned().collect();
    // Where the portal's own words are configured, the built-in English ones are nobody's.
    let own: Vec<String> = words.iter().filter(|word| !word.is_ascii()).cloned().collect();
    HandoffRules {
        folder: settings.platform.folder.clone(),
        statuses: if own.is_empty() { words } else { own },
        services: settings.platform.services.clone(),
        bounds: settings.intake,
    }
}

/// The running service.
pub struct Daemon {
    pub settings: Settings,
    pub store: Store,
    /// The same record, as pages read it: nothing there is waited for longer than a reader waits.
    pub pages: Store,
    pub heartbeat: Arc<Heartbeat>,
    pub watch: Arc<Watch>,
    pub plan_now: PlanNow,
    memory: Arc<MemoryFile>,
    absence: Absence,
    pub schedule: Arc<Schedule>,
    pub reminder_rules: ReminderRules,
    lanes: Vec<Arc<Lane>>,
    /// Compares the configured service codes with the platform's list, and what that last showed.
    check_services: Option<Work>,
    gaps: Gaps,
    platform: Option<Arc<dyn Platform>>,
    secrets: Secrets,
    /// By whose word people sign in.
    pub providers: Providers,
    certificate: Option<Arc<OwnCertificate>>,
    shutdown: CancellationToken,
}

const NO_MESSAGES: &str = "platform.messages = true，但这个平台没有办法接收回告：rest 要在描述文件里写 [append]，open311 要 platform.service_request_updates = true";

const NO_PHOTOS: &str = "platform.photos = true，但这个平台没有办法接收照片：rest 要在描述文件里写 [photo]，open311 要 platform.service_request_updates = true 和 platform.media_url";

type Gaps = Arc<Mutex<Vec<ServiceGap>>>;

impl Daemon {
    /// Puts everything together; nothing runs yet.
    pub fn new(
        settings: Settings,
        store: Store,
        shutdown: CancellationToken,
    ) -> Result<Daemon, AssembleError> {
        Daemon::telling(lanes::To::People, settings, store, shutdown)
    }

    /// The same for a rehearsal: who is told by which channel is as it's configured, but all of it goes into the log and
    /// nowhere else.
    pub fn rehearsing(
        settings: Settings,
        store: Store,
        shutdown: CancellationToken,
    ) -> Result<Daemon, AssembleError> {
        Daemon::telling(lanes::To::Log, settings, store, shutdown)
    }

    fn telling(
        to: lanes::To,
        settings: Settings,
        store: Store,
        shutdown: CancellationToken,
    ) -> Result<Daemon, AssembleError> {
        let Context { clock, chance, .. } = store.context();
        let platform = platform(&settings, clock, chance)?;
        let (mut lanes, mut absence) = (Vec::new(), Absence::default());
        if let Some(platform) = &platform {
            if settings.platform.messages && platform.looks_for_messages().is_none() {
                return Err(SettingsError::Wrong(NO_MESSAGES.to_owned()).into());
            }
            if settings.platform.photos && platform.looks_for_photos().is_none() {
                return Err(SettingsError::Wrong(NO_PHOTOS.to_owned()).into());
            }
            let (lane, of_it) = lanes::platform(&settings, &store, platform, &shutdown);
            lanes.push(lane);
            absence = of_it;
        }
        for kind in settings.notify.all() {
            lanes.push(lanes::channel(kind, to, &settings, &store, &shutdown)?);
        }
        let gaps = Gaps::default();
        let check_services =
            platform.as_ref().map(|p| jobs::services(Arc::clone(p), Arc::clone(&gaps)));
        let rules = reminder_rules(&settings)?;
        let mut jobs = jobs::jobs(&settings, &store, &lanes, platform.as_ref(), &rules);
        jobs.extend(check_services.clone().map(jobs::checking_services));
        let schedule = Arc::new(Schedule::new(store.clone(), jobs));
        let secrets = settings.platform.secrets()?;
        let providers = Providers::open(&settings, &store.context().clock)?;
        let certificate = own_certificate(&settings)?.map(Arc::new);
        let memory = Arc::new(MemoryFile::of(&settings));
        Ok(Daemon {
            settings,
            pages: store.for_pages(),
            store,
            heartbeat: Arc::default(),
            watch: Arc::default(),
            plan_now: PlanNow::default(),
            memory,
            absence,
            schedule,
            reminder_rules: rules,
            lanes,
            check_services,
            gaps,
            platform,
            secrets,
            providers,
            certificate,
            shutdown,
        })
    }

    /// The configured lanes.
    pub fn lane_names(&self) -> impl Iterator<Item = &str> {
        self.lanes.iter().map(|lane| lane.name())
    }

    /// The configured platform.
    pub fn platform(&self) -> Option<&dyn Platform> {
        self.platform.as_deref()
    }

    /// What the platform signs its calls with, where it is expected to call.
    pub fn push_secret(&self) -> Option<&[u8]> {
        self.secrets.push.as_deref()
    }

    /// What whoever uploads returns shows, where uploads are expected.
    pub fn upload_secret(&self) -> Option<&[u8]> {
        self.secrets.returns.as_deref()
    }

    /// The certificate that the service shows, where it speaks TLS itself.
    pub fn certificate(&self) -> Option<&Arc<OwnCertificate>> {
        self.certificate.as_ref()
    }

    /// Something may be owed or was decided: the lanes look now.
    pub fn wake_lanes(&self) {
        self.lanes.iter().for_each(|lane| lane.wake());
    }

    /// What a lane's circuit breaker shows.
    pub fn gate_of(&self, lane: &str) -> Option<GateState> {
        self.lanes.iter().find(|l| l.name() == lane).map(|lane| lane.gate())
    }

    /// Why what is remembered beside the record can't be written, where it can't.
    pub fn memory_trouble(&self) -> Option<String> {
        self.memory.trouble()
    }

    /// What is wrong with the audit trail, by what is remembered of it.
    pub fn audit_flaw(&self) -> Option<Flaw> {
        self.memory.flaw()
    }

    /// Whether a word of the platform's means something by now, to itself or in what comes by hand.
    pub fn knows_status(&self, word: &str) -> bool {
        meaning(&self.settings.platform.statuses, word).is_some()
            || self.platform.as_ref().is_some_and(|platform| platform.knows_status(word))
    }

    /// Configured service codes that the platform doesn't have.
    pub fn service_gaps(&self) -> Vec<ServiceGap> {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs until told to stop, then finishes or releases what is in flight.
    pub async fn run(&self) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        self.note_absence().await;
        // Before anything is sent: a backup of before is then known as one.
        self.heartbeat.first(&self.store, &self.pages, &self.memory).await;
        self.reword_waiting().await;
        for (name, work) in self.lasting() {
            tasks.spawn(lasting::keep_running(name, work, self.shutdown.clone(), lasting::PAUSE));
        }
        // At each start, whatever the schedule already has for this hour.
        if let Some(check) = &self.check_services {
            tokio::spawn(check());
        }
        let mut scheduler = self.schedule.tick().await?;
        self.shutdown.cancelled().await;
        info!(event = "service.stopping", "what is in flight is finished or released");
        if let Err(error) = scheduler.shutdown().await {
            let error = error.to_string();
            warn!(event = "service.unstopped", error, "the schedule's tick wasn't stopped");
        }
        let finishing = async {
            self.schedule.finish().await;
            while tasks.join_next().await.is_some() {}
        };
        if tokio::time::timeout(GOODBYE, finishing).await.is_err() {
            warn!(
                event = "service.abandoned",
                "what waits for an answer that doesn't come is given up"
            );
        }
        Ok(())
    }

    /// What waited while nobody was at work says no more than what is still open.
    async fn reword_waiting(&self) {
        if let Err(error) = reword(&self.store, &self.reminder_rules).await {
            let error = error.for_log();
            warn!(event = "remind.unworded", error, "what waits to be sent isn't worded anew");
        }
    }

    /// Notes that nobody was at work for some time before this start.
    async fn note_absence(&self) {
        let clock = &self.store.context().clock;
        let last = last_beat_at(&self.store).await;
        if let Err(error) = &last {
            let error = error.for_log();
            warn!(event = "absence.unread", error, "when this ran last can't be read");
        }
        if let Ok(Some(last)) = last {
            let away = u64::try_from(clock.millis().saturating_sub(last)).unwrap_or(0);
            if clock.real_time_of(Duration::from_millis(away)) >= ABSENT {
                self.absence.began(last);
            }
        }
    }

    /// Runs what is due at this instant and delivers what can be delivered: how a clock that is moved
    /// by hand goes on.
    pub async fn settle(&self) -> Result<(), StoreError> {
        for job in self.schedule.run_due().await {
            if job.await.is_err() {
                error!(event = "job.panicked", "a job panicked");
            }
        }
        for lane in &self.lanes {
            lane.drain().await?;
        }
        Ok(())
    }
}

/// When the service of before was last at work.
async fn last_beat_at(store: &Store) -> Result<Option<i64>, StoreError> {
    let mut record = store.snapshot().await?;
    let last = record.last_beat_at().await?;
    record.end().await?;
    Ok(last)
}
