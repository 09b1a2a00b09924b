//! The jobs: each wakes a reconciler, which looks at what is owed now.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tracing::warn;

use super::backups::{backing_up, backups};
use super::memory::remembered_anchor;
use super::watch::damage;
use super::{Daemon, Gaps, handoff_rules};
use crate::app::cards::forget_guesses;
use crate::app::erase::erase_old;
use crate::app::files::forget_old;
use crate::app::recording::forget_receipts;
use crate::db::{Store, StoreError};
use crate::delivery::Lane;
use crate::domain::campaign::plus;
use crate::domain::health::Fault;
use crate::domain::reason::in_words;
use crate::notify::{ReminderRules, WAITED, remind, reword, tell_standing};
use crate::platform::workbook::{self, HandoffRules};
use crate::platform::{Platform, poll, sweep};
use crate::schedule::{Done, Job, NIGHT, USUAL, When, Work};
use crate::settings::{Adapter, Settings};

/// How often the platform's service list is compared with the configuration.
const SERVICES_EVERY: Duration = Duration::from_secs(3600);

/// Compares the configured service codes with the platform's list.
pub(super) fn checking_services(work: Work) -> Job {
    Job {
        name: "services",
        title: "核对服务代码",
        when: When::Every(SERVICES_EVERY),
        longest: USUAL,
        work,
    }
}

/// Every job but the check of services.
pub(super) fn jobs(
    settings: &Settings,
    store: &Store,
    lanes: &[Arc<Lane>],
    platform: Option<&Arc<dyn Platform>>,
    rules: &ReminderRules,
) -> Vec<Job> {
    let notify = &settings.notify;
    let mut jobs = of_reminders(settings, store, lanes, rules);
    jobs.extend(of_trust(settings, store));
    let upgrade_after = settings.platform.upgrade_after;
    if !upgrade_after.is_zero() {
        jobs.push(Job {
            name: "upgrade",
            title: "超期问题转镇市联动",
            when: When::DailyAt(notify.from),
            longest: NIGHT,
            work: upgrades(
                store.coming_from("定时任务 超期问题转镇市联动"),
                upgrade_after,
                lanes.to_vec(),
            ),
        });
    }
    jobs.extend(of_files(settings, store));
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
            longest: USUAL,
            work: following(store, platform, batch, false),
        });
        jobs.push(Job {
            name: "sweep",
            title: "夜间全面核对",
            when: When::DailyAt(schedule.sweep_at),
            longest: NIGHT,
            work: following(store, platform, batch, true),
        });
    }
    jobs
}

/// What people are told, and what of that still waits.
fn of_reminders(
    settings: &Settings,
    store: &Store,
    lanes: &[Arc<Lane>],
    rules: &ReminderRules,
) -> Vec<Job> {
    vec![
        Job {
            name: "reminders",
            title: "到期提醒",
            when: When::DailyAt(settings.notify.from),
            longest: USUAL,
            work: reminders(store.clone(), rules.clone(), lanes.to_vec()),
        },
        Job {
            name: "waiting",
            title: "更新等着发出的提醒",
            when: When::Every(WAITED),
            longest: USUAL,
            work: rewording(store.clone(), rules.clone()),
        },
    ]
}

/// What is looked after each night for whoever trusts the record.
fn of_trust(settings: &Settings, store: &Store) -> Vec<Job> {
    let mut jobs = vec![Job {
        name: "audit",
        title: "核对审计记录",
        when: When::DailyAt(settings.schedule.sweep_at),
        longest: NIGHT,
        work: verifying(store.clone(), settings.clone()),
    }];
    jobs.push(Job {
        name: "uploads",
        title: "清理上传后没有用的文件和过期的表单回执",
        when: When::DailyAt(settings.schedule.sweep_at),
        longest: NIGHT,
        work: forgetting(store.coming_from("定时任务 清理上传的文件")),
    });
    let erase_after = settings.privacy.erase_after;
    if !erase_after.is_zero() {
        jobs.push(Job {
            name: "retention",
            title: "删除过了保存期限的个人信息",
            when: When::DailyAt(settings.schedule.sweep_at),
            longest: NIGHT,
            work: erasing(store.coming_from("定时任务 保存期限"), erase_after),
        });
    }
    jobs
}

/// The backup, where one is planned, and the look through the record's pages and indexes.
fn of_files(settings: &Settings, store: &Store) -> Vec<Job> {
    let mut jobs = vec![Job {
        name: "examine",
        title: "检查数据库文件",
        when: When::DailyAt(settings.schedule.examine_at),
        longest: NIGHT,
        work: examining(settings.database.url.clone()),
    }];
    if !settings.backup.folder.as_os_str().is_empty() {
        jobs.push(Job {
            name: "backup",
            title: "备份",
            when: When::DailyAt(settings.backup.at),
            longest: NIGHT,
            work: backing_up(backups(settings), store.context().chance.clone()),
        });
    }
    jobs
}

fn examining(url: String) -> Work {
    Arc::new(move || {
        let url = url.clone();
        Box::pin(async move {
            match damage(&url, true).await?.into_iter().next() {
                None => Ok("没有损坏".to_owned().into()),
                Some(damage) => {
                    warn!(event = "record.damaged", %damage, "the record is damaged");
                    Err(StoreError::Rule(Fault::Corrupt.to_string()))
                }
            }
        })
    })
}

fn by_workbook(settings: &Settings, store: &Store, lanes: &[Arc<Lane>]) -> [Job; 2] {
    let rules = handoff_rules(settings);
    [
        Job {
            name: "handoff",
            title: "制作上报交接单",
            when: When::DailyAt(settings.platform.handoff_at),
            longest: USUAL,
            work: handoffs(store.clone(), rules.clone(), lanes.to_vec()),
        },
        Job {
            name: "returns",
            title: "接收平台回执",
            when: When::Every(settings.schedule.poll_every),
            longest: USUAL,
            work: returns(store.coming_from("回执文件夹"), rules, lanes.to_vec()),
        },
    ]
}

impl Daemon {
    /// How long ago, in milliseconds, the last hand-off was due, where what is owed to the platform is handed off by workbook.
    pub fn since_hand_off(&self) -> Option<i64> {
        let (platform, context) = (&self.settings.platform, self.store.context());
        if platform.adapter != Adapter::Workbook {
            return None;
        }
        let last = When::DailyAt(platform.handoff_at).slot(&context.clock);
        let last = context.workdays.on_or_before(context.clock.local_of(last).date());
        let last = context.clock.instant(last.to_datetime(platform.handoff_at));
        Some(context.clock.millis() - last.as_millisecond())
    }
}

fn handoffs(store: Store, rules: HandoffRules, lanes: Vec<Arc<Lane>>) -> Work {
    Arc::new(move || {
        let (store, rules, lanes) = (store.clone(), rules.clone(), lanes.clone());
        Box::pin(async move {
            let context = store.context();
            if !context.workdays.is_workday(context.clock.today()) {
                return Ok("今天不是工作日，没有人录入".to_owned().into());
            }
            let handed = workbook::hand_off(&store, &rules).await?;
            lanes.iter().for_each(|lane| lane.wake());
            Ok(format!("交接单 {} 份，共 {} 件", handed.workbooks, handed.referrals).into())
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
            let text = format!(
                "回执 {} 份，更新 {} 行，对不上 {} 行，收不下 {} 份",
                returned.workbooks, returned.changed, returned.unmatched, returned.refused
            );
            Ok(Done { text, news: returned.workbooks + returned.refused > 0 })
        })
    })
}

fn reminders(store: Store, rules: ReminderRules, lanes: Vec<Arc<Lane>>) -> Work {
    Arc::new(move || {
        let (store, rules, lanes) = (store.clone(), rules.clone(), lanes.clone());
        Box::pin(async move {
            if store.waits_for_word().await? {
                return Ok("方案还没有由人确认，先不提醒".to_owned().into());
            }
            tell_standing(&store, &rules.hours).await?;
            let reminded = remind(&store, &rules).await?;
            lanes.iter().for_each(|lane| lane.wake());
            Ok(format!(
                "提醒 {} 人、{} 项任务，由他人代为接收 {} 项，无人可提醒 {} 项",
                reminded.people, reminded.duties, reminded.stood_in, reminded.unheard
            )
            .into())
        })
    })
}

fn rewording(store: Store, rules: ReminderRules) -> Work {
    Arc::new(move || {
        let (store, rules) = (store.clone(), rules.clone());
        Box::pin(async move {
            let done = reword(&store, &rules).await?;
            let text = format!("改写 {} 条，不再发出 {} 条", done.worded, done.dropped);
            Ok(Done { text, news: done.worded + done.dropped > 0 })
        })
    })
}

/// The whole trail, every night; what is remembered of its end is looked at with every heartbeat.
fn verifying(store: Store, settings: Settings) -> Work {
    Arc::new(move || {
        let (store, settings) = (store.clone(), settings.clone());
        Box::pin(async move {
            let remembered = remembered_anchor(&settings, &store).await?;
            let verdict = store.verify_audit(remembered).await?;
            match verdict.flaw {
                None => {
                    Ok(format!("{} 条都对得上", verdict.head.map_or(0, |head| head.sequence))
                        .into())
                }
                Some(flaw) => Err(StoreError::Rule(format!("审计记录{flaw}"))),
            }
        })
    })
}

fn erasing(store: Store, after: Duration) -> Work {
    Arc::new(move || {
        let store = store.clone();
        Box::pin(async move {
            let days = i64::try_from(after.as_secs() / 86_400).unwrap_or(i64::MAX);
            let before = plus(store.context().clock.today(), -days);
            Ok(format!("删除 {} 人", erase_old(&store, before).await?).into())
        })
    })
}

fn forgetting(store: Store) -> Work {
    Arc::new(move || {
        let store = store.clone();
        Box::pin(async move {
            forget_guesses(&store).await?;
            let (files, receipts) = (forget_old(&store).await?, forget_receipts(&store).await?);
            let text = format!("清理文件 {files} 份、表单回执 {receipts} 份");
            Ok(Done { text, news: files > 0 || receipts > 0 })
        })
    })
}

fn upgrades(store: Store, after: Duration, lanes: Vec<Arc<Lane>>) -> Work {
    Arc::new(move || {
        let (store, lanes) = (store.clone(), lanes.clone());
        Box::pin(async move {
            let days = i64::try_from(after.as_secs() / 86_400).unwrap_or(i64::MAX);
            let today = store.context().clock.today();
            let upgraded = crate::app::issues::upgrade_overdue(&store, plus(today, -days)).await?;
            for number in &upgraded {
                warn!(event = "issue.upgraded", issue = %number, "overdue and not begun: moved to joint handling");
            }
            lanes.iter().for_each(|lane| lane.wake());
            Ok(format!("转镇市联动 {} 件", upgraded.len()).into())
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
            let text = format!(
                "询问 {} 件，答复 {} 条，新消息 {} 条",
                polled.asked, polled.answers, polled.news
            );
            Ok(Done { text, news: polled.news > 0 })
        })
    })
}

pub(super) fn services(platform: Arc<dyn Platform>, gaps: Gaps) -> Work {
    Arc::new(move || {
        let (platform, gaps) = (Arc::clone(&platform), Arc::clone(&gaps));
        Box::pin(async move {
            let found = match platform.service_gaps().await {
                Ok(found) => found,
                // The lane's own contact says when the platform is out of reach; the list is asked again.
                Err(none) => {
                    let why = in_words(&none.reason).plain;
                    return Ok(Done { text: format!("平台没有回答：{why}"), news: false });
                }
            };
            for gap in &found {
                warn!(
                    event = "services.gap",
                    key = gap.key(),
                    "what the platform's services ask for isn't configured"
                );
            }
            let text = format!("平台没有的服务代码 {} 个", found.len());
            let news = !found.is_empty();
            *gaps.lock().unwrap_or_else(PoisonError::into_inner) = found;
            Ok(Done { text, news })
        })
    })
}
