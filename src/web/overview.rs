//! The campaign at a glance, for the leading group: on a wall, a desk or a telephone. Counts only, never a person.

use std::collections::BTreeMap;

use minijinja::context;
use serde::Serialize;

use super::my::words::{chinese_or, lane_name, on_a_page};
use super::status::{DutyStatus, LaneStatus, Status, township_time};
use super::templates;
use crate::daemon::Daemon;
use crate::db::{FiguresLine, StoreError};
use crate::domain::area::AreaKind;
use crate::domain::duty::DutyKind;
use crate::domain::figures::{Counts, Order, Rates, percent};
use crate::domain::health::Verdict;
use crate::domain::holder::Holder;
use crate::domain::issue::State;

/// A rate, with what it's made of.
#[derive(Serialize)]
struct BigRate {
    title: &'static str,
    rate: String,
    of: &'static str,
    whole: i64,
    done: &'static str,
    part: i64,
}

#[derive(Serialize)]
struct Line {
    name: String,
    rates: [String; 4],
    unvisited: i64,
    unresolved: i64,
    late: i64,
}

#[derive(Serialize)]
struct Count {
    title: &'static str,
    count: i64,
}

#[derive(Serialize)]
struct Owed {
    title: &'static str,
    open: i64,
    late: i64,
}

/// A lane of the outbox.
#[derive(Serialize)]
struct Row {
    title: String,
    waiting: i64,
    unknown: i64,
    held: i64,
    refused: i64,
    delivered: i64,
}

/// The page as it stands now.
pub(super) async fn page(daemon: &Daemon) -> Result<String, StoreError> {
    // A wall shows it to everybody.
    let mut status = Status::read(daemon).await?.for_everybody();
    let platform = daemon.settings.platform.name.as_str();
    // Whoever reads it has no server to type at.
    for reason in &mut status.reasons {
        *reason = plainly(reason, platform);
    }
    let areas = daemon.pages.figures_by_area().await?;
    let store = &daemon.pages;
    let visits_due = store.campaign().due_on(DutyKind::Visit) < store.context().clock.today();
    let values = context! {
        now => township_time(status.now),
        verdict => match status.verdict {
            Verdict::Green => "一切正常",
            Verdict::Yellow => "需要注意",
            Verdict::Red => "需要马上处理",
        },
        rates => big_rates(&status.figures.counts),
        ended => status.figures.ended,
        mediated => status.figures.counts.mediated,
        agreed => status.figures.counts.agreed,
        duties => DutyKind::ALL.iter().filter_map(|kind| owed(&status.duties, *kind)).collect::<Vec<_>>(),
        issues => counted(&status.figures.issues, State::ALL, State::code, State::chinese),
        earlier => status.figures.earlier_open.iter().map(|(code, count)| (code.clone(), *count)).collect::<Vec<_>>(),
        late_issues => counted(&status.late_issues, Holder::ALL, Holder::code, Holder::chinese),
        lanes => status.lanes.iter().map(|lane| row(lane, platform)).collect::<Vec<_>>(),
        branches => match areas.has(AreaKind::Branch, None) {
            true => lines(areas.under(AreaKind::Branch), visits_due),
            false => Vec::new(),
        },
        villages => lines(areas.under(AreaKind::Village), visits_due),
        status,
    };
    // A county has hundreds of lines: they are written beside what else is answered.
    let written = tokio::task::spawn_blocking(|| templates::render(templates::OVERVIEW, values));
    written.await.map_err(|panic| panic.to_string()).flatten().map_err(StoreError::Rule)
}

fn percents(rates: Rates) -> [String; 4] {
    [rates.visit, rates.response, rates.resolution, rates.satisfaction].map(percent)
}

fn big_rates(counts: &Counts) -> [BigRate; 4] {
    let [visit, response, resolution, satisfaction] = percents(counts.rates());
    let big =
        |title, rate, (of, whole), (done, part)| BigRate { title, rate, of, whole, done, part };
    [
        big("走访率", visit, ("对象", counts.subjects), ("已走访", counts.visited)),
        big("响应率", response, ("应签收", counts.to_respond), ("按期签收", counts.responded)),
        big("解决率", resolution, ("问题", counts.issues), ("已解决", counts.resolved)),
        big("满意率", satisfaction, ("已回访", counts.asked), ("满意", counts.satisfied)),
    ]
}

/// Whoever is furthest behind comes first, whatever their size.
fn lines(mut figures: Vec<FiguresLine>, visits_due: bool) -> Vec<Line> {
    figures.sort_by(|one, two| one.counts.worse(&two.counts, Order::Lateness, visits_due));
    figures.into_iter().map(line).collect()
}

fn line(FiguresLine { name, counts }: FiguresLine) -> Line {
    Line {
        name,
        rates: percents(counts.rates()),
        unvisited: counts.subjects - counts.visited,
        unresolved: counts.issues - counts.resolved,
        late: counts.late,
    }
}

fn owed(duties: &[DutyStatus], kind: DutyKind) -> Option<Owed> {
    let duty = duties.iter().find(|duty| duty.kind == kind.code())?;
    Some(Owed { title: kind.chinese(), open: duty.open, late: duty.late })
}

fn row(lane: &LaneStatus, platform: &str) -> Row {
    let title = match lane.name == platform {
        true => chinese_or(platform, "上报平台").to_owned(),
        false => format!("通知（{}）", lane_name(&lane.name)),
    };
    Row {
        title,
        waiting: lane.queued + lane.in_flight + lane.handed,
        unknown: lane.unknown,
        held: lane.held,
        refused: lane.refused,
        delivered: lane.delivered,
    }
}

/// A reason for whoever reads it on a page: what to open and whom to tell, and lanes by what people call them.
fn plainly(reason: &str, platform: &str) -> String {
    let said = on_a_page(reason);
    let lane = said.split(['：', ' ', '（']).next().unwrap_or_default();
    let title =
        if lane == platform { chinese_or(platform, "上报平台") } else { lane_name(lane) };
    format!("{title}{}", &said[lane.len()..])
}

/// What there is of each, in the order in which it comes about.
fn counted<T: Copy>(
    counts: &BTreeMap<String, i64>,
    all: &[T],
    code: fn(T) -> &'static str,
    chinese: fn(T) -> &'static str,
) -> Vec<Count> {
    let count = |of: &T| Some(Count { title: chinese(*of), count: *counts.get(code(*of))? });
    all.iter().filter_map(count).collect()
}
