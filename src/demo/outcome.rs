//! What came of a demo: the record's debts held against the platform's own ledger.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Serialize;

use crate::db::{Store, StoreError};
use crate::domain::referral::marked;
use crate::sandbox::Sandbox;

/// The demo in numbers, in the order in which they are printed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    pub subjects: i64,
    pub visited: i64,
    pub residents: i64,
    pub issues: IssuesByLevel,
    /// Debts to the platform: one for each joint or city issue and round.
    pub owed: usize,
    /// Of those, how many the platform has at least once.
    pub on_platform: usize,
    pub lost: usize,
    /// How many requests the platform has beyond one for each debt.
    pub duplicated: usize,
    pub resolved: i64,
    pub closed: i64,
    pub reopened: i64,
    pub notices: usize,
    /// Digests that one person got beyond one on one day.
    pub notices_duplicated: usize,
    pub duties_open: i64,
    pub seconds: f64,
    #[serde(skip)]
    waiting: i64,
}

/// How many issues of each level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssuesByLevel {
    pub town: i64,
    pub joint: i64,
    pub city: i64,
}

impl Outcome {
    /// Counts.
    pub async fn read(
        store: &Store,
        sandbox: &Sandbox,
        took: Duration,
    ) -> Result<Outcome, StoreError> {
        let figures = store.figures().await?;
        let debts = store.platform_debts().await?;
        let lanes = store.lane_figures(i64::MAX).await?;
        let today = store.context().clock.today();
        let duties = store.open_duties(today).await?;
        let count = |map: &BTreeMap<String, i64>, name: &str| map.get(name).copied().unwrap_or(0);
        let arrived = arrivals(sandbox);
        let times = |reference: &String| arrived.get(&marked(reference)).copied().unwrap_or(0);
        let told = reminders(sandbox);
        let (by_level, by_state) = (&figures.issues_by_level, &figures.issues_by_state);
        let closed = count(by_state, "closed");
        Ok(Outcome {
            subjects: figures.counts.subjects,
            visited: figures.counts.visited,
            residents: figures.residents,
            issues: IssuesByLevel {
                town: count(by_level, "town"),
                joint: count(by_level, "joint"),
                city: count(by_level, "city"),
            },
            owed: debts.len(),
            on_platform: debts.iter().filter(|(reference, _)| times(reference) > 0).count(),
            lost: debts.iter().filter(|(reference, _)| times(reference) == 0).count(),
            duplicated: arrived.values().map(|times| times - 1).sum(),
            // What is closed was resolved before.
            resolved: closed + count(by_state, "resolved"),
            closed,
            reopened: figures.reopened,
            notices: told.len(),
            notices_duplicated: told.values().map(|times| times - 1).sum(),
            duties_open: duties.iter().map(|(_, open, _)| open).sum(),
            seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
            waiting: lanes.iter().map(|lane| lane.queued + lane.in_flight + lane.unknown).sum(),
        })
    }

    /// Whether nothing is under way.
    pub fn has_settled(&self) -> bool {
        self.waiting == 0
    }

    /// Whether nothing is under way and nothing is owed any more.
    pub fn is_quiet(&self) -> bool {
        self.has_settled() && self.duties_open == 0
    }

    /// Whether every debt was paid exactly once.
    pub fn is_exact(&self) -> bool {
        self.lost == 0 && !self.is_doubled()
    }

    /// Whether anything came twice.
    pub fn is_doubled(&self) -> bool {
        self.duplicated > 0 || self.notices_duplicated > 0
    }
}

/// How often each reference arrived: the mark at the end of every description.
fn arrivals(sandbox: &Sandbox) -> HashMap<String, usize> {
    let mut arrived = HashMap::new();
    for request in &sandbox.ledger().requests {
        let description = request.form.get("description").map(String::as_str).unwrap_or_default();
        let mark = description.rfind('[').map(|at| description[at..].trim_end().to_owned());
        *arrived.entry(mark.unwrap_or_else(|| description.to_owned())).or_default() += 1;
    }
    arrived
}

/// How often each person got a digest of each day, or a word of another kind.
fn reminders(sandbox: &Sandbox) -> HashMap<[String; 3], usize> {
    let mut told = HashMap::new();
    for notice in &sandbox.ledger().notices {
        let field = |name: &str| notice.body["data"][name].as_str().unwrap_or_default().to_owned();
        let topic = notice.body["type"].as_str().unwrap_or_default().to_owned();
        *told.entry([field("to"), field("date"), topic]).or_default() += 1;
    }
    told
}

impl std::fmt::Display for Outcome {
    /// A table for a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let IssuesByLevel { town, joint, city } = &self.issues;
        let rows = [
            ("走访对象", format!("{}，已走访 {}", self.subjects, self.visited)),
            ("群众", self.residents.to_string()),
            ("问题", format!("镇村自办 {town}，镇市联动 {joint}，市直单办 {city}")),
            (
                "应上报平台",
                format!(
                    "{}，平台上有 {}，{} {}，重复 {}",
                    self.owed,
                    self.on_platform,
                    if self.has_settled() { "丢失" } else { "还没有到" },
                    self.lost,
                    self.duplicated
                ),
            ),
            (
                "办结",
                format!(
                    "{}，已销号 {}，群众不满意重新办理 {}",
                    self.resolved, self.closed, self.reopened
                ),
            ),
            ("提醒", format!("{}，重复 {}", self.notices, self.notices_duplicated)),
            ("未完成任务", self.duties_open.to_string()),
            ("用时", format!("{} 秒", self.seconds)),
        ];
        for (name, value) in rows {
            // Chinese characters are two columns wide.
            let pad = 12usize.saturating_sub(name.chars().count() * 2);
            writeln!(f, "{name}{}  {value}", " ".repeat(pad))?;
        }
        Ok(())
    }
}
