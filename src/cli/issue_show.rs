//! `zoufang issue show`: all of one issue. Who asked for what is masked, unless a named person asks to see it, which the
//! audit keeps.

use clap::Args;
use serde_json::{Value, json};

use super::{Reveal, refused};
use crate::clock::local_text;
use crate::db::{IssueAnswer, IssueReferral, IssueSheet, Store, Timeline, What};
use crate::domain::campaign::from_date;
use crate::domain::issue::{Event, by_whom};
use crate::domain::mask;
use crate::domain::rights::Right;

#[derive(Debug, Args)]
pub struct Arguments {
    /// 问题编号
    number: String,
    #[command(flatten)]
    reveal: Reveal,
    /// 以 JSON 输出
    #[arg(long)]
    json: bool,
}

/// All of one issue, as it's shown.
struct Shown<'s> {
    number: &'s str,
    area: String,
    sheet: IssueSheet,
    timeline: Timeline,
    referrals: Vec<IssueReferral>,
    answers: Vec<IssueAnswer>,
    reveals: bool,
}

pub async fn run(store: &Store, arguments: &Arguments) -> anyhow::Result<()> {
    let number = arguments.number.as_str();
    let timeline = store.timeline(number).await.map_err(refused)?;
    let mut snapshot = store.snapshot().await?;
    let sheet = snapshot.issue_sheet(number).await.map_err(refused)?;
    let referrals = snapshot.issue_referrals(&sheet.id).await?;
    let answers = snapshot.issue_answers(&sheet.id).await?;
    let tree = snapshot.area_tree().await?;
    snapshot.end().await?;
    let right = (Right::RevealIssue, Some(sheet.area_id.as_str()));
    let reveals = arguments.reveal.allow(store, right, ("reveal", number, json!({}))).await?;
    let area = tree.get(&sheet.area_id).map(|area| area.name.clone()).unwrap_or_default();
    let shown = Shown { number, area, sheet, timeline, referrals, answers, reveals };
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&shown.as_json(store))?);
    } else {
        shown.say(store);
    }
    Ok(())
}

/// What somebody said with an event.
fn words(event: &Event) -> Option<&str> {
    event.said().filter(|words| !words.trim().is_empty())
}

impl Shown<'_> {
    fn text(&self) -> String {
        let text = &self.sheet.text;
        if self.reveals { text.clone() } else { mask::text(text) }
    }

    fn resident(&self) -> String {
        let name = &self.sheet.resident;
        if self.reveals { name.clone() } else { mask::name(name) }
    }

    fn contact(&self) -> String {
        let contact = self.sheet.contact.as_deref().unwrap_or_default();
        if self.reveals { contact.to_owned() } else { mask::contact(contact) }
    }

    /// What was said by or about the resident.
    fn said(&self, text: &str) -> String {
        let IssueSheet { resident, subject_name, .. } = &self.sheet;
        if self.reveals { text.to_owned() } else { mask::said(text, &[resident, subject_name]) }
    }

    fn class(&self) -> [(&'static str, String); 3] {
        let class = self.timeline.issue.class;
        [
            ("责任层级", class.map(|class| class.level.to_string()).unwrap_or_default()),
            ("类别", class.map(|class| class.category.to_string()).unwrap_or_default()),
            ("轻重缓急", class.map(|class| class.urgency.to_string()).unwrap_or_default()),
        ]
    }

    fn say(&self, store: &Store) {
        let (sheet, timeline) = (&self.sheet, &self.timeline);
        let or_not = |text: String| if text.is_empty() { "还没有".to_owned() } else { text };
        say!("{}　{}　第 {} 轮", self.number, timeline.issue.state, timeline.issue.round);
        say!("反映问题：{}", self.text());
        say!("群众：{}　{}", self.resident(), self.contact());
        let kind = sheet.subject_kind.map_or("", |kind| kind.chinese());
        say!(
            "走访对象：{}（{kind}，{}）　走访人：{}",
            sheet.subject_number,
            self.area,
            sheet.visitor
        );
        let class = self.class().map(|(name, value)| format!("{name}：{}", or_not(value)));
        say!("{}", class.join("　"));
        let due = sheet.due_on.map(|on| on.to_string()).unwrap_or_default();
        say!("走访日期：{}　办结期限：{}", sheet.visited_on, or_not(due));
        for referral in &self.referrals {
            let at = referral.delivered_at.map(local_text).unwrap_or_default();
            say!(
                "上报 {}：{}　{at}",
                referral.reference,
                referral.place.in_words(&referral.numbers)
            );
        }
        for answer in &self.answers {
            let text = self.said(&answer.text);
            say!(
                "{}　平台答复（{}）「{}」{text}",
                local_text(answer.at),
                answer.number,
                answer.word
            );
        }
        say!("{}　登记", local_text(timeline.registered_at));
        self.say_entries();
        let now = store.context().clock.now();
        for holding in &timeline.holdings {
            let hours = holding.span(now).as_hours();
            let still = if holding.until.is_none() { "，现在仍在" } else { "" };
            say!("在{}手里 {} 天 {} 小时{still}", holding.holder, hours / 24, hours % 24);
        }
        if !self.reveals {
            say!(
                "看全部内容：zoufang issue show {} --reveal --by 人员编号（记入审计）",
                self.number
            );
        }
    }

    fn say_entries(&self) {
        for entry in &self.timeline.entries {
            let at = local_text(entry.at);
            match &entry.what {
                What::Happened { event, actor } => {
                    let words = words(event).map(|words| format!("：{}", self.said(words)));
                    let words = words.unwrap_or_default();
                    say!("{at}　{}（{}）{words}", event.kind(), by_whom(actor));
                }
                What::Told { kind, person, instead_of, days } => {
                    let instead =
                        instead_of.as_ref().map(|of| format!("（代{of}）")).unwrap_or_default();
                    say!("{at}　提醒 {person}{instead}：{kind}，{}", from_date(*days));
                }
            }
        }
    }

    fn as_json(&self, store: &Store) -> Value {
        let (sheet, timeline) = (&self.sheet, &self.timeline);
        let now = store.context().clock.now();
        let class = timeline.issue.class;
        let entries = timeline.entries.iter().map(|entry| match &entry.what {
            What::Happened { event, actor } => json!({
                "at": entry.at, "event": event.kind(), "by": by_whom(actor),
                "words": words(event).map(|words| self.said(words)),
            }),
            What::Told { kind, person, instead_of, days } => json!({
                "at": entry.at, "reminded": person, "instead_of": instead_of, "duty": kind, "days": days,
            }),
        });
        let referrals = self.referrals.iter().map(|referral| {
            json!({
                "reference": referral.reference, "round": referral.round, "numbers": referral.numbers,
                "delivered_at": referral.delivered_at, "place": referral.place.in_words(&referral.numbers),
            })
        });
        let answers = self.answers.iter().map(|answer| {
            json!({
                "at": answer.at, "number": answer.number, "word": answer.word, "text": self.said(&answer.text),
            })
        });
        let held = timeline.holdings.iter().map(|holding| {
            json!({"holder": holding.holder, "hours": holding.span(now).as_hours(), "still": holding.until.is_none()})
        });
        json!({
            "number": self.number, "state": timeline.issue.state, "round": timeline.issue.round,
            "text": self.text(), "resident": self.resident(), "contact": self.contact(),
            "revealed": self.reveals, "area": self.area, "subject": sheet.subject_number,
            "visitor": sheet.visitor, "visited_on": sheet.visited_on, "due_on": sheet.due_on,
            "level": class.map(|class| class.level), "category": class.map(|class| class.category),
            "urgency": class.map(|class| class.urgency), "registered_at": timeline.registered_at,
            "referrals": referrals.collect::<Vec<_>>(), "answers": answers.collect::<Vec<_>>(),
            "entries": entries.collect::<Vec<_>>(), "held": held.collect::<Vec<_>>(),
        })
    }
}
