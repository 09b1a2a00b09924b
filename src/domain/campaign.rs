//! The campaign as data: phases, dates, ladder. Read from campaign.toml.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::duty::{DutyKind, Warning};
use super::issue::{Category, Issue, Urgency};
use super::staff::Role;
use super::workdays::Workdays;
use crate::words;

words! {
    /// The plan's four phases (三).
    PhaseName {
        Visit = "visit", "走访排查";
        Classify = "classify", "问题分类";
        Resolve = "resolve", "集中办结";
        Feedback = "feedback", "回访反馈";
    }
}

/// One phase, both days included.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    pub name: PhaseName,
    pub starts_on: Date,
    pub ends_on: Date,
}

/// A phase that the leading group added: each village owes it by its last day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExtraPhase {
    /// Part of what names the duty; letters, digits and underscores.
    pub code: String,
    pub title: String,
    pub starts_on: Date,
    pub ends_on: Date,
    pub owed_by: Role,
}

/// Days by the urgency of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DaysByUrgency {
    pub urgent: i64,
    pub normal: i64,
    pub long_term: i64,
}

impl DaysByUrgency {
    const fn of(&self, urgency: Urgency) -> i64 {
        match urgency {
            Urgency::Urgent => self.urgent,
            Urgency::Normal => self.normal,
            Urgency::LongTerm => self.long_term,
        }
    }
}

/// Who hears of a duty, and when.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationStep {
    /// Days from the due date: negative before it, positive after it.
    pub days: i64,
    pub who: Recipient,
    /// Whether all hear who hold the role, or the first of them.
    #[serde(default, skip_serializing_if = "Reach::is_first")]
    pub tell: Reach,
}

impl EscalationStep {
    /// Whether it tells whoever is to do it, or who does it in their place; everybody else presses them or takes note.
    pub fn tells_the_owner(&self) -> bool {
        self.who == Recipient::Owner
    }
}

/// How a day stands to a date, so many days before it (negative) or after it.
///
/// ```
/// use zoufang::domain::campaign::from_date;
/// assert_eq!([-3, 0, 5].map(from_date), ["到期前 3 天", "到期日", "超期 5 天"]);
/// ```
pub fn from_date(days: i64) -> String {
    match days {
        0 => "到期日".to_owned(),
        1.. => format!("超期 {days} 天"),
        _ => format!("到期前 {} 天", -days),
    }
}

/// How many hear of those who hold a role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The first by number who is here and in reach.
    #[default]
    First,
    All,
}

impl Reach {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
    fn is_first(&self) -> bool {
        *self == Reach::First
    }
}

/// Who hears at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// Whoever owes the duty.
    Owner,
    #[serde(untagged)]
    Role(Role),
}

/// The steps of some kinds of duty.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    pub duties: Vec<DutyKind>,
    #[serde(alias = "rungs")]
    pub steps: Vec<EscalationStep>,
}

/// The whole plan.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Short code that opens every issue number, such as `CHD2022`.
    pub code: String,
    pub name: String,
    /// The town's twelve-digit area code.
    pub town: String,
    pub materials_due_on: Date,
    /// Within how many workdays the grid member and the department take note of what a resident asked for.
    pub acknowledge_within: i64,
    /// Within how many workdays of its classification a joint or city issue is on the platform.
    pub upload_within: i64,
    /// Within how many workdays it's settled what becomes of an issue that the platform refused.
    #[serde(default = "returned_within")]
    pub returned_within: i64,
    /// Within how many workdays somebody sees to what an inspector found that isn't as the visitor wrote it.
    #[serde(default = "finding_within")]
    pub finding_within: i64,
    /// Whether the inspection group owes something on each workday.
    #[serde(default)]
    pub daily_inspection: bool,
    /// So many days before its date a duty's warning turns from green to yellow.
    pub yellow_within: i64,
    /// For reports of a breach of discipline (四(二)); empty for none.
    #[serde(default)]
    pub hotline: String,
    pub phases: Vec<Phase>,
    /// Phases that were added to the plan's four.
    #[serde(default)]
    pub extra: Vec<ExtraPhase>,
    /// How many days an issue may take; never past the end of the resolve phase.
    pub resolve_within: DaysByUrgency,
    /// Planned backward from its date: so many days before it, work on an issue has begun.
    pub begin_before: DaysByUrgency,
    /// Which unit of the town (镇直部门) answers for a category; the others are the villages' own.
    #[serde(default)]
    pub departments: BTreeMap<Category, String>,
    #[serde(default)]
    pub ladder: Vec<Ladder>,
}

/// Of plans that were written before it could be said.
const fn returned_within() -> i64 {
    3
}

const fn finding_within() -> i64 {
    3
}

/// What is wrong with a plan.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    #[error("{0} 不能小于 0")]
    Negative(&'static str),
    #[error("phases 缺少阶段「{0}」")]
    MissingPhase(PhaseName),
    #[error("extra 的 code「{0}」重复，或不只是字母、数字和下划线，或结束日期早于开始日期")]
    Extra(String),
    #[error("phases 阶段「{0}」的结束日期早于开始日期")]
    Backwards(PhaseName),
    #[error("phases 阶段「{0}」早于它前面的阶段")]
    OutOfOrder(PhaseName),
    #[error("code 只能用字母和数字，且不能为空：{0:?}")]
    Code(String),
    #[error("ladder 的 {0:?} 在两处都有，只能写一处")]
    TwoLadders(DutyKind),
    #[error("ladder 的 {0:?} 的 steps 要按 days 从小到大排列")]
    UnsortedLadder(DutyKind),
}

/// So many days something may lie before or after the campaign that it's about.
const A_YEAR: i64 = 366;

impl Campaign {
    /// Checks what the types can't say.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.code.is_empty() || !self.code.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(PlanError::Code(self.code.clone()));
        }
        let days = [
            ("acknowledge_within", self.acknowledge_within),
            ("upload_within", self.upload_within),
            ("returned_within", self.returned_within),
            ("finding_within", self.finding_within),
            ("yellow_within", self.yellow_within),
        ];
        if let Some((key, _)) = days.iter().find(|(_, days)| *days < 0) {
            return Err(PlanError::Negative(key));
        }
        let mut before: Option<Date> = None;
        for name in PhaseName::ALL {
            let phase = self.find(*name).ok_or(PlanError::MissingPhase(*name))?;
            if phase.ends_on < phase.starts_on {
                return Err(PlanError::Backwards(*name));
            }
            if before.is_some_and(|before| phase.ends_on < before) {
                return Err(PlanError::OutOfOrder(*name));
            }
            before = Some(phase.ends_on);
        }
        for (index, extra) in self.extra.iter().enumerate() {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            let twice = self.extra[..index].iter().any(|other| other.code == extra.code);
            let wrong = extra.code.is_empty() || !extra.code.bytes().all(plain);
            if wrong || twice || extra.ends_on < extra.starts_on {
                return Err(PlanError::Extra(extra.code.clone()));
            }
        }
        for kind in DutyKind::ALL {
            let ladders: Vec<_> = self.ladder.iter().filter(|l| l.duties.contains(kind)).collect();
            if ladders.len() > 1 {
                return Err(PlanError::TwoLadders(*kind));
            }
            if ladders.iter().any(|ladder| !ladder.steps.is_sorted_by_key(|step| step.days)) {
                return Err(PlanError::UnsortedLadder(*kind));
            }
        }
        Ok(())
    }

    /// The number on the visit form that is printed for the subject of that number.
    pub fn form_number(&self, number: &str) -> String {
        format!("{}-{number}", self.code)
    }

    /// The subject's number in the number of its form.
    pub fn number_on_form<'t>(&self, text: &'t str) -> Option<&'t str> {
        let rest = text.trim().strip_prefix(self.code.as_str())?.strip_prefix('-')?;
        Some(rest).filter(|rest| !rest.is_empty())
    }

    /// Which unit of the town answers for a category; nothing where the villages do.
    pub fn unit_of_category(&self, category: Category) -> Option<&str> {
        self.departments.get(&category).map(String::as_str)
    }

    /// The categories for which a unit of the town answers.
    pub fn categories_of(&self, unit: &str) -> Vec<Category> {
        let own = self.departments.iter().filter(|(_, of)| *of == unit);
        own.map(|(category, _)| *category).collect()
    }

    /// Which unit of the town answers for an issue, as it's classified.
    pub fn unit_of(&self, issue: &Issue) -> Option<&str> {
        issue.class.and_then(|class| self.unit_of_category(class.category))
    }

    /// The added phase that a duty's key names.
    pub fn extra_of(&self, duty_key: &str) -> Option<&ExtraPhase> {
        let code = duty_key.rsplit_once('/')?.1;
        self.extra.iter().find(|extra| extra.code == code)
    }

    /// The phase that `date` falls in.
    pub fn phase_on(&self, date: Date) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.starts_on <= date && date <= phase.ends_on)
    }

    /// The campaign's first day: what was recorded before it doesn't count.
    pub fn starts_on(&self) -> Date {
        self.starts_of(PhaseName::Visit)
    }

    /// What is wrong with a day on which something is said to have been done or found.
    ///
    /// # Errors
    /// That it's still to come, or has to do with no part of the campaign.
    pub fn has_been(&self, on: Date, today: Date) -> Result<(), String> {
        if on > today {
            return Err(format!("日期 {on} 在将来（今天是 {today}），请核对"));
        }
        let first = plus(self.starts_on(), -A_YEAR);
        if on < first {
            let began = self.starts_on();
            return Err(format!("日期 {on} 比这次活动（{began} 开始）早了一年以上，请核对"));
        }
        Ok(())
    }

    /// What is wrong with a day by which something is to be done.
    ///
    /// # Errors
    /// That it has to do with no part of the campaign.
    pub fn may_come(&self, on: Date) -> Result<(), String> {
        let ends = self.ends_on(PhaseName::Feedback);
        match on > plus(ends, A_YEAR) || on < plus(self.starts_on(), -A_YEAR) {
            true => Err(format!("日期 {on} 离这次活动（到 {ends} 结束）一年以上，请核对")),
            false => Ok(()),
        }
    }

    /// The first day of a phase.
    pub fn starts_of(&self, name: PhaseName) -> Date {
        self.find(name).map_or(Date::MIN, |phase| phase.starts_on)
    }

    /// The last day of a phase.
    pub fn ends_on(&self, name: PhaseName) -> Date {
        self.find(name).map_or(Date::MAX, |phase| phase.ends_on)
    }

    /// The last day of all: of the four phases and of those that were added.
    pub fn last_day(&self) -> Date {
        let added = self.extra.iter().map(|phase| phase.ends_on);
        let days = self.phases.iter().map(|phase| phase.ends_on).chain(added);
        days.max().unwrap_or(Date::MAX)
    }

    /// When an issue classified on `date` must be resolved: by its urgency, never after the resolve
    /// phase, and for one that comes later than that, never after the campaign.
    pub fn resolve_by(&self, urgency: Urgency, date: Date) -> Date {
        let by_urgency = plus(date, self.resolve_within.of(urgency));
        let resolve_end = self.ends_on(PhaseName::Resolve);
        let last =
            if date <= resolve_end { resolve_end } else { self.ends_on(PhaseName::Feedback) };
        by_urgency.min(last)
    }

    /// When work on an issue has begun that was classified on `date`: planned backward from its date, in proportion where the
    /// phase's end leaves less time; a workday, and never before what is more urgent (先急后缓).
    pub fn begin_by(&self, urgency: Urgency, date: Date, workdays: &Workdays) -> Date {
        let as_urgent = Urgency::ALL.iter().filter(|of| **of <= urgency);
        let begins = as_urgent.map(|of| self.begins_of(*of, date, workdays)).max();
        begins.map_or(date, |begins| begins.min(self.resolve_by(urgency, date)))
    }

    fn begins_of(&self, urgency: Urgency, date: Date, workdays: &Workdays) -> Date {
        let (within, due_on) = (self.resolve_within.of(urgency), self.resolve_by(urgency, date));
        let left = (due_on - date).get_days().into();
        let before = self.begin_before.of(urgency).clamp(0, within.max(0));
        let after =
            if within > 0 { (within - before) * i64::min(left, within) / within } else { 0 };
        let meant = plus(date, after.max(1)).min(due_on);
        let begins = workdays.on_or_after(meant);
        if begins <= due_on { begins } else { workdays.on_or_before(meant).max(date) }
    }

    /// The warning of what is due on `due_on`.
    pub fn warning(&self, due_on: Date, today: Date) -> Warning {
        if due_on < today {
            Warning::Red
        } else if due_on <= plus(today, self.yellow_within) {
            Warning::Yellow
        } else {
            Warning::Green
        }
    }

    /// When the plan wants a kind of duty met (三); an issue's own duties have dates of their own, never
    /// later than this.
    pub fn due_on(&self, kind: DutyKind) -> Date {
        match kind {
            DutyKind::Materials => self.materials_due_on,
            DutyKind::Visit => self.ends_on(PhaseName::Visit),
            DutyKind::Classify | DutyKind::Summary => self.ends_on(PhaseName::Classify),
            DutyKind::Acknowledge
            | DutyKind::Upload
            | DutyKind::Returned
            | DutyKind::Begin
            | DutyKind::Resolve
            | DutyKind::Report => self.ends_on(PhaseName::Resolve),
            DutyKind::Revisit
            | DutyKind::SelfCheck
            | DutyKind::LookBack
            | DutyKind::SpotCheck
            | DutyKind::Inspection
            | DutyKind::Finding
            | DutyKind::FollowUp
            | DutyKind::Extra => self.ends_on(PhaseName::Feedback),
        }
    }

    /// The steps of a kind of duty, earliest first.
    pub fn steps(&self, kind: DutyKind) -> &[EscalationStep] {
        let of = |kind| self.ladder.iter().find(|ladder| ladder.duties.contains(&kind));
        // A plan that was written before there was this kind says it of what is like it.
        let like = match kind {
            DutyKind::Returned => Some(DutyKind::Upload),
            DutyKind::Inspection => Some(DutyKind::SpotCheck),
            DutyKind::Finding | DutyKind::FollowUp => Some(DutyKind::Resolve),
            _ => None,
        };
        of(kind).or_else(|| like.and_then(of)).map_or(&[], |ladder| &ladder.steps)
    }

    fn find(&self, name: PhaseName) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.name == name)
    }
}

impl EscalationStep {
    /// The workday on which this step of a duty due on `due_on` is told: up to the due date never
    /// later than meant, after it never earlier.
    pub fn told_on(&self, due_on: Date, workdays: &Workdays) -> Date {
        let meant = plus(due_on, self.days);
        if self.days <= 0 { workdays.on_or_before(meant) } else { workdays.on_or_after(meant) }
    }
}

/// `date` and `days` more, held within the calendar.
pub fn plus(date: Date, days: i64) -> Date {
    date.saturating_add(days.days())
}
