//! The lines of an issue's page: what happened when, who held it for how long, where it was sent and how that went.

use std::collections::BTreeMap;

use jiff::Timestamp;
use minijinja::context;
use serde::Serialize;

use super::words::{chinese_or, on_a_page};
use crate::clock::local_text;
use crate::db::{
    Context, Entry, IssueAnswer, IssueReferral, IssueSheet, MediationRow, Sending, StoreError,
    Timeline, What,
};
use crate::domain::campaign::from_date;
use crate::domain::holder::Holding;
use crate::domain::issue::{Event, by_whom};
use crate::domain::mask;
use crate::domain::reason::in_words;
use crate::domain::referral::{PlatformStatus, meaning};
use crate::domain::visit::{Satisfaction, VisitKind};

/// What is personal of an issue, as far as it's shown.
pub(super) struct Clear<'s> {
    pub all: bool,
    pub sheet: &'s IssueSheet,
}

impl Clear<'_> {
    pub fn text(&self) -> String {
        if self.all { self.sheet.text.clone() } else { mask::text(&self.sheet.text) }
    }

    pub fn resident(&self) -> String {
        if self.all { self.sheet.resident.clone() } else { mask::name(&self.sheet.resident) }
    }

    pub fn contact(&self) -> String {
        let contact = self.sheet.contact.as_deref().unwrap_or_default();
        if self.all { contact.to_owned() } else { mask::contact(contact) }
    }

    /// What was said by or about the resident.
    fn said(&self, text: &str) -> String {
        let IssueSheet { resident, subject_name, .. } = self.sheet;
        if self.all { text.to_owned() } else { mask::said(text, &[resident, subject_name]) }
    }
}

/// A line of the timeline.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    at: String,
    what: String,
    who: String,
    said: String,
}

/// What happened, what was told to whom and what the platform answered, the newest first.
pub(super) fn lines(
    timeline: &Timeline,
    answers: &[IssueAnswer],
    clear: &Clear<'_>,
    statuses: &BTreeMap<String, PlatformStatus>,
) -> Vec<Line> {
    let mut lines: Vec<(Timestamp, Line)> = Vec::new();
    let line = |at, what: String, who: String, said: String| {
        (at, Line { at: local_text(at), what, who, said })
    };
    let registered = timeline.registered_at;
    lines.push(line(registered, "登记".to_owned(), "走访人员".to_owned(), String::new()));
    for Entry { at, what } in &timeline.entries {
        lines.push(match what {
            What::Happened { event, actor } => {
                line(*at, happened(event, actor), by_whom(actor).to_owned(), said(event, clear))
            }
            What::Told { kind, person, instead_of, days } => {
                let instead =
                    instead_of.as_ref().map(|of| format!("（代{of}）")).unwrap_or_default();
                line(*at, format!("提醒{kind}"), format!("{person}{instead}"), from_date(*days))
            }
        });
    }
    for answer in answers {
        let means = meaning(statuses, &answer.word).map_or("已答复", PlatformStatus::chinese);
        let said = format!("「{}」{}", chinese_or(&answer.word, means), clear.said(&answer.text));
        lines.push(line(answer.at, "平台答复".to_owned(), answer.number.clone(), said));
    }
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// What happened, as people call it: one of ours may give back what the platform never had.
fn happened(event: &Event, actor: &str) -> String {
    match event {
        Event::Refused { .. } if actor != "platform" => "审核退回，没有上报".to_owned(),
        Event::Refused { .. } => "平台退回".to_owned(),
        event => event.kind().chinese().to_owned(),
    }
}

/// What was said with it, and how it was classified.
fn said(event: &Event, clear: &Clear<'_>) -> String {
    match event {
        Event::Classified { level, category, urgency } => format!("{level}，{category}，{urgency}"),
        event => event.said().map(|said| clear.said(said)).unwrap_or_default(),
    }
}

/// How it was tried to send it, as it was.
pub(super) fn attempts(referral: &IssueReferral, clear: &Clear<'_>) -> Vec<String> {
    let Some(sending) = &referral.sending else { return Vec::new() };
    let Sending { attempts, first_at, last_at, next_at, error, doubt, state } = sending;
    let at = |at: &Option<Timestamp>| at.map(local_text).unwrap_or_default();
    let mut said = Vec::new();
    match attempts {
        0 => {}
        1 => said.push(format!("尝试 1 次：{}", at(last_at))),
        many => said.push(format!("尝试 {many} 次：第一次 {}，最近 {}", at(first_at), at(last_at))),
    }
    if let Some(error) = error {
        // The other side's own words may be anybody's name.
        let why = in_words(error);
        let why = on_a_page(&if clear.all { why.said } else { why.plain });
        said.push(format!("最近一次没有成功的原因：{why}"));
    }
    if *doubt {
        said.push("可能已经送达：核实以前不会重发".to_owned());
    }
    match (state.as_str(), next_at) {
        ("review", Some(next)) => {
            said.push(format!("等服务中心审核，到 {} 自动上报", local_text(*next)));
        }
        ("ready", Some(next)) => said.push(format!("下一次尝试 {}", local_text(*next))),
        ("held", _) => said.push("已停下，等人处理：请告诉系统管理员".to_owned()),
        _ => {}
    }
    said
}

/// Who held it for how long.
pub(super) fn holdings(holdings: &[Holding], now: Timestamp) -> Vec<String> {
    let holding = |holding: &Holding| {
        let hours = holding.span(now).as_hours();
        let still = if holding.until.is_none() { "，现在仍在" } else { "" };
        format!("在{}手里 {} 天 {} 小时{still}", holding.holder, hours / 24, hours % 24)
    };
    holdings.iter().map(holding).collect()
}

/// The visits of its resident: day, kind, answer.
pub(super) fn visits(visits: &[(String, String, Option<String>)]) -> Vec<String> {
    let visit = |(on, kind, answer): &(String, String, Option<String>)| {
        let kind = VisitKind::read(kind).map_or("", VisitKind::chinese);
        let answer = answer.as_deref().and_then(Satisfaction::read).map(Satisfaction::chinese);
        let answer = answer.map(|answer| format!("，{answer}")).unwrap_or_default();
        format!("{on} {kind}{answer}")
    };
    visits.iter().map(visit).collect()
}

/// Its mediations: who was heard and what they agreed on only where that is shown.
pub(super) fn mediations(
    rows: &[MediationRow],
    context: &Context,
    clear: &Clear<'_>,
) -> Result<Vec<minijinja::Value>, StoreError> {
    let mediation = |row: &MediationRow| {
        let said = row.open(context)?;
        let agreed = if row.is_agreed() { "达成协议" } else { "没有达成协议" };
        let follow_up = row.follow_up_on()?.map(|on| on.to_string());
        let kept = row.kept.map(|kept| if kept == 1 { "履行" } else { "没有履行" });
        Ok(context! {
            on => row.mediated_on, agreed, follow_up, followed => row.followed_on, kept,
            mediator => clear.all.then_some(said.mediator), parties => clear.all.then_some(said.parties),
            agreement => said.agreement.filter(|_| clear.all),
        })
    };
    rows.iter().map(mediation).collect()
}
