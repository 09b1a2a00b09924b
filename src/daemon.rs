//! The whole put together by configuration: record, lanes, platform, channels, schedule.
//!
//! Stands above every room but the command line, the pages and the demo. It holds no rule of its own.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock::{Chance, Clock};
use crate::domain::campaign::{Campaign, plus};
use crate::domain::workdays::Workdays;
use crate::notify::{LogChannel, ReminderRules, WebhookChannel, remind};
use crate::outbox::{Carrier, GateState, Lane, LaneRules};
use crate::referral::open311::Open311;
use crate::referral::rest::Rest;
use crate::referral::workbook::{self, HandoffRules};
use crate::referral::{Platform, ReferralCarrier, ServiceGap, poll, sweep};
use crate::schedule::{Job, Schedule, When, Work};
use crate::seal::{SealError, Sealer};
use crate::settings::{
    Adapter, ChannelKind, PlatformSettings, Review, Settings, SettingsError, WebhookSettings,
};
use crate::store::{Store, StoreError, Surroundings};

const CAMPAIGN: &str = include_str!("../config/campaign.toml");
const CALENDAR: &str = include_str!("../config/calendar/cn-workdays.csv");

/// Why the program can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("campaign.file：{file}：{why}")]
    Campaign { file: String, why: String },
    #[error("campaign.calendar_file：{file}：{why}")]
    Calendar { file: String, why: String },
}

/// The plan: the operator's file, or the built-in one.
pub fn load_campaign(file: &Path) -> Result<Campaign, AssembleError> {
    let wrong = |why: String| AssembleError::Campaign { file: file.display().to_string(), why };
    let text = read_or(file, CAMPAIGN).map_err(wrong)?;
    let campaign: Campaign = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    campaign.check().map_err(|error| wrong(error.to_string()))?;
    Ok(campaign)
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
    std::fs::read_to_string(file).map_err(|why| why.to_string())
}

/// Opens the record as configured.
pub async fn open_store(
    settings: &Settings,
    clock: Clock,
    chance: Chance,
) -> Result<Store, AssembleError> {
    let around = Surroundings {
        clock,
        chance,
        sealer: Sealer::from_file(&settings.privacy.key_file)?,
        campaign: load_campaign(&settings.campaign.file)?,
        workdays: load_workdays(&settings.campaign.calendar_file)?,
        platform_lane: settings.platform.name.clone(),
        review_within: match settings.platform.review {
            Review::None => None,
            Review::Centre => Some(settings.platform.review_within),
        },
        messages: settings.platform.messages,
        photos: settings.platform.photos,
        close_needs_answer: settings.platform.close_needs_answer,
        platform_statuses: settings.platform.statuses.clone(),
    };
    Ok(Store::open(&settings.database.url, around).await?)
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

/// How hand-offs are made for a portal that only people can use.
pub fn handoff_rules(settings: &Settings) -> HandoffRules {
    HandoffRules {
        folder: settings.platform.folder.clone(),
        statuses: settings.platform.statuses.keys().cloned().collect(),
        services: settings.platform.services.clone(),
        channels: settings
            .notify
            .channels
            .iter()
            .map(|channel| channel.lane().to_owned())
            .collect(),
    }
}

/// The running service.
pub struct Daemon {
    pub settings: Settings,
    pub store: Store,
    pub schedule: Arc<Schedule>,
    lanes: Vec<Arc<Lane>>,
    /// Compares the configured service codes with the platform's list, and what that last showed.
    check_services: Option<Work>,
    gaps: Gaps,
    platform: Option<Arc<dyn Platform>>,
    push_secret: Option<Vec<u8>>,
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
        let Surroundings { clock, chance, .. } = store.around();
        let platform = platform(&settings, clock, chance)?;
        let mut lanes = Vec::new();
        if let Some(platform) = &platform {
            if settings.platform.messages && platform.looks_for_messages().is_none() {
                return Err(SettingsError::Wrong(NO_MESSAGES.to_owned()).into());
            }
            if settings.platform.photos && platform.looks_for_photos().is_none() {
                return Err(SettingsError::Wrong(NO_PHOTOS.to_owned()).into());
            }
            let skew = settings.platform.clock_skew;
            let carrier = ReferralCarrier::new(clock.clone(), Arc::clone(platform), skew);
            let PlatformSettings { concurrency, rate_per_minute, settle_after, .. } =
                settings.platform;
            let rules = rules(&settings, concurrency, rate_per_minute, settle_after);
            lanes.push(lane(&settings.platform.name, &store, carrier, rules, &shutdown));
        }
        for channel in &settings.notify.channels {
            lanes.push(match channel {
                ChannelKind::Log => {
                    let rules = rules(&settings, 1, 0, Duration::ZERO);
                    lane("log", &store, LogChannel, rules, &shutdown)
                }
                ChannelKind::Webhook => {
                    let carrier = WebhookChannel::new(clock.clone(), &settings.notify.webhook)?;
                    let WebhookSettings { concurrency, rate_per_minute, .. } =
                        settings.notify.webhook;
                    let rules = rules(&settings, concurrency, rate_per_minute, Duration::ZERO);
                    lane("webhook", &store, carrier, rules, &shutdown)
                }
            });
        }
        let gaps = Gaps::default();
        let check_services = platform.as_ref().map(|p| services(Arc::clone(p), Arc::clone(&gaps)));
        let mut jobs = jobs(&settings, &store, &lanes, platform.as_ref());
        jobs.extend(check_services.clone().map(|work| Job {
            name: "services",
            title: "核对服务代码",
            when: When::Every(SERVICES_EVERY),
            work,
        }));
        let schedule = Arc::new(Schedule::new(store.clone(), jobs));
        let push_secret = settings.platform.push.secret()?;
        Ok(Daemon {
            settings,
            store,
            schedule,
            lanes,
            check_services,
            gaps,
            platform,
            push_secret,
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
        self.push_secret.as_deref()
    }

    /// What a lane's circuit breaker shows.
    pub fn gate_of(&self, lane: &str) -> Option<GateState> {
        self.lanes.iter().find(|l| l.name() == lane).map(|lane| lane.gate())
    }

    /// Configured service codes that the platform doesn't have.
    pub fn service_gaps(&self) -> Vec<ServiceGap> {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs until told to stop, then finishes or releases what is in flight.
    pub async fn run(&self) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        for lane in &self.lanes {
            tasks.spawn(keep_running(Arc::clone(lane), self.shutdown.clone()));
        }
        // At each start, whatever the schedule already has for this hour.
        if let Some(check) = &self.check_services {
            tokio::spawn(check());
        }
        let mut scheduler = self.schedule.tick().await?;
        self.shutdown.cancelled().await;
        info!("stopping: what is in flight is finished or released");
        scheduler.shutdown().await?;
        self.schedule.finish().await;
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// Runs what is due at this instant and delivers what can be delivered: how a clock that is moved
    /// by hand goes on.
    pub async fn settle(&self) -> Result<(), StoreError> {
        for job in self.schedule.run_due().await {
            if let Err(panic) = job.await {
                error!(%panic, "a job panicked");
            }
        }
        for lane in &self.lanes {
            lane.drain().await?;
        }
        Ok(())
    }
}

/// A lane whose task panicked is started again; the others never notice.
async fn keep_running(lane: Arc<Lane>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let running = Arc::clone(&lane);
        if let Err(panic) = tokio::spawn(async move { running.run().await }).await {
            error!(lane = lane.name(), %panic, "the lane panicked and is started again");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// The outbox's rules, with a receiver's own limits.
fn rules(
    settings: &Settings,
    concurrency: usize,
    rate_per_minute: u32,
    settle_after: Duration,
) -> LaneRules {
    let outbox = &settings.outbox;
    LaneRules {
        concurrency,
        lease: outbox.lease,
        settle_after,
        retry_first: outbox.retry_first,
        retry_cap: outbox.retry_cap,
        rate_per_minute: (rate_per_minute > 0).then_some(rate_per_minute),
        breaker_failures: outbox.breaker_failures,
        breaker_pause: outbox.breaker_pause,
        on_unknown: settings.platform.on_unknown,
    }
}

fn lane(
    name: &str,
    store: &Store,
    carrier: impl Carrier + 'static,
    rules: LaneRules,
    shutdown: &CancellationToken,
) -> Arc<Lane> {
    Arc::new(Lane::new(name, store.clone(), Arc::new(carrier), rules, shutdown.clone()))
}

/// How often the platform's service list is compared with the configuration.
const SERVICES_EVERY: Duration = Duration::from_secs(3600);

fn jobs(
    settings: &Settings,
    store: &Store,
    lanes: &[Arc<Lane>],
    platform: Option<&Arc<dyn Platform>>,
) -> Vec<Job> {
    let notify = &settings.notify;
    let channels = notify.channels.iter().map(|channel| channel.lane().to_owned());
    let rules =
        ReminderRules { channels: channels.collect(), from: notify.from, until: notify.until };
    let mut jobs = vec![Job {
        name: "reminders",
        title: "到期提醒",
        when: When::DailyAt(notify.from),
        work: reminders(store.clone(), rules, lanes.to_vec()),
    }];
    let upgrade_after = settings.platform.upgrade_after;
    if !upgrade_after.is_zero() {
        jobs.push(Job {
            name: "upgrade",
            title: "超期问题转镇市联动",
            when: When::DailyAt(notify.from),
            work: upgrades(store.clone(), upgrade_after, lanes.to_vec()),
        });
    }
    if settings.platform.adapter == Adapter::Workbook {
        jobs.extend(by_workbook(settings, store, lanes));
    }
    if let Some(platform) = platform {
        let batch = settings.platform.poll_batch;
        let schedule = &settings.schedule;
        jobs.push(Job {
            name: "poll",
            title: "查询办理进度",
            when: When::Every(schedule.poll_every),
            work: following(store, platform, batch, false),
        });
        jobs.push(Job {
            name: "sweep",
            title: "夜间全面核对",
            when: When::DailyAt(schedule.sweep_at),
            work: following(store, platform, batch, true),
        });
    }
    jobs
}

fn by_workbook(settings: &Settings, store: &Store, lanes: &[Arc<Lane>]) -> [Job; 2] {
    let rules = handoff_rules(settings);
    [
        Job {
            name: "handoff",
            title: "制作上报交接单",
            when: When::DailyAt(settings.platform.handoff_at),
            work: handoffs(store.clone(), rules.clone(), lanes.to_vec()),
        },
        Job {
            name: "returns",
            title: "接收平台回执",
            when: When::Every(settings.schedule.poll_every),
            work: returns(store.clone(), rules, lanes.to_vec()),
        },
    ]
}

fn handoffs(store: Store, rules: HandoffRules, lanes: Vec<Arc<Lane>>) -> Work {
    Arc::new(move || {
        let (store, rules, lanes) = (store.clone(), rules.clone(), lanes.clone());
        Box::pin(async move {
            let around = store.around();
            if !around.workdays.is_workday(around.clock.today()) {
                return Ok("今天不是工作日，没有人录入".to_owned());
            }
            let handed = workbook::hand_off(&store, &rules).await?;
            lanes.iter().for_each(|lane| lane.wake());
            Ok(format!("交接单 {} 份，共 {} 件", handed.workbooks, handed.referrals))
        })
    })
}

fn returns(store: Store, rules: HandoffRules, lanes: Vec<Arc<Lane>>) -> Work {
    Arc::new(move || {
        let (store, rules, lanes) = (store.clone(), rules.clone(), lanes.clone());
        Box::pin(async move {
            workbook::write_missing(&store, &rules).await?;
            let returned = workbook::take_returns(&store, &rules).await?;
            lanes.iter().for_each(|lane| lane.wake());
            Ok(format!(
                "回执 {} 份，更新 {} 行，对不上 {} 行，收不下 {} 份",
                returned.workbooks, returned.changed, returned.unmatched, returned.refused
            ))
        })
    })
}

fn reminders(store: Store, rules: ReminderRules, lanes: Vec<Arc<Lane>>) -> Work {
    Arc::new(move || {
        let (store, rules, lanes) = (store.clone(), rules.clone(), lanes.clone());
        Box::pin(async move {
            let reminded = remind(&store, &rules).await?;
            lanes.iter().for_each(|lane| lane.wake());
            Ok(format!(
                "提醒 {} 人、{} 项任务，无人可提醒 {} 项",
                reminded.people, reminded.duties, reminded.unheard
            ))
        })
    })
}

fn upgrades(store: Store, after: Duration, lanes: Vec<Arc<Lane>>) -> Work {
    Arc::new(move || {
        let (store, lanes) = (store.clone(), lanes.clone());
        Box::pin(async move {
            let days = i64::try_from(after.as_secs() / 86_400).unwrap_or(i64::MAX);
            let today = store.around().clock.today();
            let upgraded = store.upgrade_overdue(plus(today, -days)).await?;
            for number in &upgraded {
                warn!(issue = %number, "overdue and not begun: moved to joint handling");
            }
            lanes.iter().for_each(|lane| lane.wake());
            Ok(format!("转镇市联动 {} 件", upgraded.len()))
        })
    })
}

fn following(store: &Store, platform: &Arc<dyn Platform>, batch: usize, all: bool) -> Work {
    let (store, platform) = (store.clone(), Arc::clone(platform));
    Arc::new(move || {
        let (store, platform) = (store.clone(), Arc::clone(&platform));
        Box::pin(async move {
            let polled = if all {
                sweep(&store, platform.as_ref(), batch).await?
            } else {
                poll(&store, platform.as_ref(), batch).await?
            };
            Ok(format!(
                "询问 {} 件，答复 {} 条，新消息 {} 条",
                polled.asked, polled.answers, polled.news
            ))
        })
    })
}

fn services(platform: Arc<dyn Platform>, gaps: Gaps) -> Work {
    Arc::new(move || {
        let (platform, gaps) = (Arc::clone(&platform), Arc::clone(&gaps));
        Box::pin(async move {
            let found = match platform.service_gaps().await {
                Ok(found) => found,
                // The lane's own contact says when the platform is out of reach; the list is asked again.
                Err(none) => return Ok(format!("平台没有回答：{none}")),
            };
            for gap in &found {
                warn!(%gap, "what the platform's services ask for isn't configured");
            }
            let outcome = format!("平台没有的服务代码 {} 个", found.len());
            *gaps.lock().unwrap_or_else(PoisonError::into_inner) = found;
            Ok(outcome)
        })
    })
}
