//! The state of the service on one page: what is owed, late, queued, in flight, unknown and stuck, and
//! whether that is well, with the reasons.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::clock::{span_millis, township_zone};
use crate::daemon::Daemon;
use crate::db::{Dialect, Figures, LaneFigures, StoreError};
use crate::delivery::GateState;
use crate::domain::campaign::Campaign;
use crate::domain::duty::DutyKind;
use crate::domain::holder::Holder;
use crate::domain::issue::State;
use crate::domain::rates::{Counts, Rates, percent};
use crate::schedule::Job;
use crate::settings::Adapter;

/// Whether somebody must do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Green,
    Yellow,
    Red,
}

/// The whole status, as `/status` gives it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub verdict: Verdict,
    /// Why it isn't green; what to do stands in each.
    pub reasons: Vec<String>,
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
    pub unreachable: usize,
    /// What the platform closed without a word for the resident, where it needs one.
    pub closed_without_answer: i64,
    /// The platform's words that configuration doesn't know, and how often each came.
    pub unknown_statuses: BTreeMap<String, i64>,
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
    pub next_slot: Timestamp,
}

fn instant(millis: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis?).ok()
}

impl Status {
    /// Reads it from the record.
    pub async fn read(daemon: &Daemon) -> Result<Status, StoreError> {
        let store = &daemon.store;
        let context = store.context();
        let (now, today) = (context.clock.now(), context.clock.today());
        let duties = store.open_duties(today).await?.into_iter();
        let duty = |(kind, open, late): (DutyKind, i64, i64)| DutyStatus {
            kind: kind.code().to_owned(),
            open,
            late,
        };
        let mut status = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: Verdict::Green,
            reasons: Vec::new(),
            rehearsal: context.clock.is_rehearsal(),
            now,
            database: match store.dialect() {
                Dialect::Sqlite => "sqlite".to_owned(),
                Dialect::Postgres => "postgres".to_owned(),
            },
            campaign: CampaignStatus::on(&store.campaign(), today),
            figures: FiguresStatus::new(store.figures().await?, &store.counts().await?),
            duties: duties.map(duty).collect(),
            lanes: lanes(daemon, now).await?,
            jobs: jobs(daemon).await?,
            late_issues: store
                .late_by_holder()
                .await?
                .into_iter()
                .map(|(holder, count)| (holder.code().to_owned(), count))
                .collect(),
            unreachable: store.unreachable().await?.len() + store.without_channel().await?.len(),
            closed_without_answer: store.closed_without_answer().await?,
            unknown_statuses: store.unknown_words().await?.into_iter().collect(),
        };
        status.judge(daemon);
        Ok(status)
    }

    fn judge(&mut self, daemon: &Daemon) {
        let mut judged = Vec::new();
        for lane in &self.lanes {
            judged.extend(judge_lane(lane, self.now));
        }
        let settings = &daemon.settings.platform;
        let waits = |lane: &LaneStatus| lane.name == settings.name && lane.queued > 0;
        if settings.adapter == Adapter::None && self.lanes.iter().any(waits) {
            judged.push((
                Verdict::Red,
                "有问题等待上报，但没有配置平台：请设 platform.adapter 和 platform.endpoint"
                    .to_owned(),
            ));
        }
        for gap in daemon.service_gaps() {
            judged.push((Verdict::Red, gap.to_string()));
        }
        for job in &self.jobs {
            if let Some(failure) =
                job.last_outcome.as_deref().and_then(|o| o.strip_prefix("failed: "))
            {
                judged.push((Verdict::Red, format!("定时任务 {} 上次失败：{failure}", job.name)));
            }
        }
        for (word, count) in &self.unknown_statuses {
            judged.push((
                Verdict::Yellow,
                format!("平台的状态「{word}」不认识（{count} 次）：请加进 platform.statuses"),
            ));
        }
        if self.closed_without_answer > 0 {
            judged.push((
                Verdict::Yellow,
                format!(
                    "平台办结却没有答复的有 {} 件，暂不算办结：请向平台催要答复",
                    self.closed_without_answer
                ),
            ));
        }
        if self.unreachable > 0 {
            judged.push((
                Verdict::Yellow,
                format!(
                    "有 {} 人收不到提醒，已转给代办人或上一级：请用 zoufang notify unreachable 查看",
                    self.unreachable
                ),
            ));
        }
        if daemon.store.plan_differs() {
            judged.push((
                Verdict::Yellow,
                "方案文件与生效的方案不同：请用 zoufang campaign plan 查看变化，用 zoufang campaign apply 使它生效"
                    .to_owned(),
            ));
        }
        let late: i64 = self.duties.iter().map(|duty| duty.late).sum();
        if late > 0 {
            judged.push((Verdict::Yellow, format!("有 {late} 项任务超期")));
        }
        let context = daemon.store.context();
        if !context.workdays.knows(context.clock.today()) {
            let year = context.clock.today().year();
            judged.push((
                Verdict::Yellow,
                format!("日历里没有 {year} 年的节假日，暂按周末计算：请设 campaign.calendar_file"),
            ));
        }
        self.verdict = judged.iter().map(|(verdict, _)| *verdict).max().unwrap_or(Verdict::Green);
        self.reasons = judged.into_iter().map(|(_, reason)| reason).collect();
    }
}

impl CampaignStatus {
    fn on(campaign: &Campaign, today: Date) -> CampaignStatus {
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
    fn new(figures: Figures, counts: &Counts) -> FiguresStatus {
        FiguresStatus {
            subjects: counts.subjects,
            visited: counts.visited,
            rates: counts.rates(),
            counts: *counts,
            residents: figures.residents,
            revisited: figures.revisited,
            issues: figures.issues_by_state.into_iter().collect(),
            notices: figures.notices,
        }
    }
}

/// Every lane that is configured or holds anything.
async fn lanes(daemon: &Daemon, now: Timestamp) -> Result<Vec<LaneStatus>, StoreError> {
    let stuck = span_millis(daemon.settings.outbox.stuck_after);
    let mut lanes = daemon.store.lane_figures(stuck).await?;
    for name in daemon.lane_names() {
        if !lanes.iter().any(|lane| lane.lane == name) {
            lanes.push(LaneFigures { lane: name.to_owned(), ..LaneFigures::default() });
        }
    }
    Ok(lanes
        .into_iter()
        .map(|lane| {
            let breaker = daemon.gate_of(&lane.lane);
            lane_status(lane, breaker, now)
        })
        .collect())
}

async fn jobs(daemon: &Daemon) -> Result<Vec<JobStatus>, StoreError> {
    let runs = daemon.store.last_runs().await?;
    let job_status = |job: &Job| {
        let run = runs.get(job.name);
        JobStatus {
            name: job.name.to_owned(),
            title: job.title.to_owned(),
            last_slot: instant(run.map(|run| run.slot)),
            last_outcome: run.and_then(|run| run.outcome.clone()),
            next_slot: job.when.next_slot(&daemon.store.context().clock),
        }
    };
    Ok(daemon.schedule.jobs().iter().map(job_status).collect())
}

/// For how long a lane may hold debts without a good contact before that is an alarm.
const SILENT_SECONDS: i64 = 3600;

fn judge_lane(lane: &LaneStatus, now: Timestamp) -> Vec<(Verdict, String)> {
    let mut judged = Vec::new();
    let name = &lane.name;
    if lane.stuck > 0 {
        judged.push((Verdict::Red, format!("{name}：{} 件积压超过时限，仍在重试", lane.stuck)));
    }
    if let Some(GateState::Open { until }) = lane.breaker {
        let until = township_time(until);
        judged.push((Verdict::Yellow, format!("{name}：连续失败，暂停发送到 {until}")));
    }
    if lane.held > 0 {
        judged.push((
            Verdict::Red,
            format!(
                "{name}：{} 件下落不明，等人处理：请用 zoufang outbox list --state held 查看",
                lane.held
            ),
        ));
    }
    if let Some(failure) = &lane.failure {
        let silent = lane
            .last_good_contact
            .is_none_or(|good| now.duration_since(good).as_secs() > SILENT_SECONDS);
        let verdict = if silent { Verdict::Red } else { Verdict::Yellow };
        judged.push((verdict, format!("{name}：最近一次联系不成功（{failure}）")));
    }
    if lane.unknown > 0 {
        judged.push((
            Verdict::Yellow,
            format!("{name}：{} 件发出后没有回音，正在核实是否送达", lane.unknown),
        ));
    }
    judged
}

fn lane_status(lane: LaneFigures, breaker: Option<GateState>, now: Timestamp) -> LaneStatus {
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

/// An instant as a clock on the township's wall shows it.
pub(super) fn township_time(at: Timestamp) -> String {
    township_zone().to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
}

impl std::fmt::Display for Status {
    /// For a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = match self.verdict {
            Verdict::Green => "正常",
            Verdict::Yellow => "注意",
            Verdict::Red => "告警",
        };
        writeln!(f, "zoufang {}　{verdict}", self.version)?;
        if self.rehearsal {
            writeln!(f, "【演练】时钟不是真实时间，现在是 {}", township_time(self.now))?;
        }
        for reason in &self.reasons {
            writeln!(f, "  ! {reason}")?;
        }
        let campaign = &self.campaign;
        match (&campaign.phase, campaign.days_left) {
            (Some(phase), Some(days)) => {
                writeln!(f, "{}：{phase}阶段，还有 {days} 天", campaign.name)?
            }
            _ => writeln!(f, "{}：不在任何阶段内", campaign.name)?,
        }
        let figures = &self.figures;
        writeln!(
            f,
            "走访对象 {}，已走访 {}；群众 {}，已回访 {}；已送达通知 {}",
            figures.subjects,
            figures.visited,
            figures.residents,
            figures.revisited,
            figures.notices
        )?;
        let Rates { visit, response, resolution, satisfaction } = figures.rates;
        let [visit, response, resolution, satisfaction] =
            [visit, response, resolution, satisfaction].map(percent);
        writeln!(
            f,
            "走访率 {visit}，响应率 {response}，解决率 {resolution}，满意率 {satisfaction}"
        )?;
        let issues: Vec<String> = figures
            .issues
            .iter()
            .map(|(state, count)| {
                let state = State::read(state).map_or(state.as_str(), |s| s.chinese());
                format!("{state} {count}")
            })
            .collect();
        writeln!(
            f,
            "问题：{}",
            if issues.is_empty() { "无".to_owned() } else { issues.join("，") }
        )?;
        if !self.late_issues.is_empty() {
            let late = self.late_issues.iter().map(|(holder, count)| {
                let holder = Holder::read(holder).map_or(holder.as_str(), |h| h.chinese());
                format!("{holder} {count}")
            });
            writeln!(f, "超期问题在谁手里：{}", late.collect::<Vec<_>>().join("，"))?;
        }
        for duty in &self.duties {
            let kind = DutyKind::read(&duty.kind).map_or(duty.kind.as_str(), |k| k.chinese());
            writeln!(f, "任务 {kind}：未完成 {}，超期 {}", duty.open, duty.late)?;
        }
        for lane in &self.lanes {
            let handed = match lane.handed {
                0 => String::new(),
                count => format!("，已交接待录入 {count}"),
            };
            writeln!(
                f,
                "通道 {}：待发 {}，在途 {}{handed}，待核实 {}，待人工 {}，积压 {}，已送达 {}，被拒 {}",
                lane.name,
                lane.queued,
                lane.in_flight,
                lane.unknown,
                lane.held,
                lane.stuck,
                lane.delivered,
                lane.refused
            )?;
        }
        for job in &self.jobs {
            let last = job.last_outcome.as_deref().unwrap_or("还没有运行");
            let last = last.replace("ok: ", "").replace("failed: ", "失败，");
            writeln!(f, "定时任务 {}：{last}；下次 {}", job.title, township_time(job.next_slot))?;
        }
        Ok(())
    }
}
