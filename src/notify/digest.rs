//! A digest as data: what is owed, where, by when, whether it's late, and what to do about it.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use serde::Serialize;

use super::recipients::Recipients;
use crate::db::{Session, StoreError, ToldGroup};
use crate::domain::campaign::{Campaign, EscalationStep, Recipient};
use crate::domain::duty::{DutyKind, Warning};
use crate::domain::escalation::DueGroup;

/// One thing that a person is told of: a group.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub group: String,
    pub kind: DutyKind,
    pub area_id: String,
    pub due_on: Date,
    /// Whether the reader owes it, or is told because another is late with it.
    pub own: bool,
    /// How many duties.
    pub count: i64,
    /// Whom the reader stands in for.
    pub instead_of: Option<String>,
}

impl Item {
    /// Adds a group to what somebody is told, group by group: what they owe and also watch over is mentioned once, as
    /// their own.
    pub fn mention(items: &mut Vec<Item>, group: &DueGroup, own: bool, instead_of: Option<String>) {
        match items.last_mut().filter(|item| item.group == group.id) {
            Some(item) => item.own |= own,
            None => items.push(Item {
                group: group.id.clone(),
                kind: group.kind,
                area_id: group.area_id.clone(),
                due_on: group.due_on,
                own,
                count: group.open,
                instead_of,
            }),
        }
    }
}

/// What somebody was told, of which anything is still open; it comes by group.
pub(super) fn items(campaign: &Campaign, told: Vec<ToldGroup>) -> Vec<Item> {
    let mut items = Vec::new();
    for told in told.into_iter().filter(|told| told.group.open > 0) {
        let own = step_of(campaign, &told).is_some_and(|step| step.who == Recipient::Owner);
        Item::mention(&mut items, &told.group, own, told.instead_of);
    }
    items
}

/// The step at which somebody was told; nothing where the ladder has become shorter.
pub(super) fn step_of<'c>(campaign: &'c Campaign, told: &ToldGroup) -> Option<&'c EscalationStep> {
    campaign.steps(told.group.kind).get(usize::try_from(told.step).ok()?)
}

/// A digest, as its template gets it.
#[derive(Debug, Clone, Serialize)]
pub struct Digest {
    pub title: String,
    pub date: Date,
    pub name: String,
    pub sections: Vec<Section>,
    /// The page that shows it and takes the reader's acknowledgement; empty where there is none.
    pub link: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Section {
    pub heading: &'static str,
    pub areas: Vec<AreaLines>,
}

#[derive(Debug, Clone, Serialize)]
pub struct AreaLines {
    pub name: String,
    pub lines: Vec<LineText>,
}

#[derive(Debug, Clone, Serialize)]
pub struct LineText {
    /// 红, 黄 or 绿.
    pub colour: &'static str,
    pub kind: &'static str,
    pub count: i64,
    pub when: String,
    pub names: String,
    pub instead_of: String,
    pub to_do: &'static str,
}

/// How many are named on one line; more than that are only counted.
const NAMED: i64 = 5;
/// A telephone shows so many lines before its reader stops reading: more are summed up by the next larger areas.
const LONGEST: usize = 30;

/// What makes one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LineKey {
    /// Own things come first.
    others: bool,
    area: String,
    kind: DutyKind,
    /// Its date; where lines are summed up, none: the earliest is named.
    due_on: Option<Date>,
    instead_of: String,
}

#[derive(Debug, Default)]
struct Line {
    count: i64,
    earliest: Date,
    several_dates: bool,
    groups: Vec<String>,
    names: Vec<String>,
}

/// A digest on the way to its words.
pub(super) struct Draft {
    reader: String,
    items: Vec<Item>,
    lines: BTreeMap<LineKey, Line>,
}

impl Draft {
    /// Own things first, then what others are late with; by area, kind and date. What would be too long to read is summed
    /// up by the areas right below the reader's own.
    pub fn new(recipients: &Recipients, staff_id: &str, items: Vec<Item>) -> Draft {
        let area = |item: &Item| recipients.area_name(&item.area_id);
        let mut lines = grouped(recipients, &items, area, true);
        if lines.len() > LONGEST {
            let above = |item: &Item| recipients.area_below(staff_id, &item.area_id);
            lines = grouped(recipients, &items, above, false);
        }
        Draft { reader: recipients.name(staff_id).to_owned(), items, lines }
    }

    /// Names what is on lines of a few.
    pub async fn name(&mut self, session: &mut Session) -> Result<(), StoreError> {
        let few: Vec<&str> = self.few().collect();
        let labels = session.group_labels(&few).await?;
        self.put_names(&labels);
        Ok(())
    }

    /// The groups on lines of a few.
    pub fn few(&self) -> impl Iterator<Item = &str> {
        let few = self.lines.values().filter(|line| line.count <= NAMED);
        few.flat_map(|line| line.groups.iter().map(String::as_str))
    }

    /// Names what is on lines of a few, by what groups are about.
    pub fn put_names(&mut self, labels: &HashMap<String, Vec<String>>) {
        for line in self.lines.values_mut().filter(|line| line.count <= NAMED) {
            let names = line.groups.iter().filter_map(|group| labels.get(group)).flatten();
            line.names = names.cloned().collect();
            line.names.sort_unstable();
        }
    }

    /// The words.
    pub fn digest(&self, campaign: &Campaign, today: Date, link: String) -> Digest {
        let section = |heading, others| {
            let lines: Vec<_> = self.lines.iter().filter(|(key, _)| key.others == others).collect();
            (!lines.is_empty()).then(|| Section { heading, areas: areas(campaign, today, lines) })
        };
        let sections = [section("需要您办理：", false), section("需要您督办：", true)];
        Digest {
            title: title(campaign, today, &self.items),
            date: today,
            name: self.reader.clone(),
            sections: sections.into_iter().flatten().collect(),
            link,
        }
    }
}

fn grouped(
    recipients: &Recipients,
    items: &[Item],
    area: impl Fn(&Item) -> String,
    by_date: bool,
) -> BTreeMap<LineKey, Line> {
    let mut lines: BTreeMap<LineKey, Line> = BTreeMap::new();
    for item in items {
        let key = LineKey {
            others: !item.own,
            area: area(item),
            kind: item.kind,
            due_on: by_date.then_some(item.due_on),
            instead_of: item
                .instead_of
                .as_deref()
                .map(|of| recipients.name(of).to_owned())
                .unwrap_or_default(),
        };
        let new = Line { earliest: item.due_on, ..Line::default() };
        let line = lines.entry(key).or_insert(new);
        line.count += item.count;
        line.several_dates |= line.earliest != item.due_on;
        line.earliest = line.earliest.min(item.due_on);
        if line.count <= NAMED {
            line.groups.push(item.group.clone());
        }
    }
    lines
}

/// What the day asks for, and how much of it is late.
fn title(campaign: &Campaign, today: Date, items: &[Item]) -> String {
    let mut by_kind: BTreeMap<DutyKind, i64> = BTreeMap::new();
    for item in items {
        *by_kind.entry(item.kind).or_default() += item.count;
    }
    let kinds: Vec<String> =
        by_kind.iter().map(|(kind, count)| format!("{kind}{count}项")).collect();
    let late = items.iter().filter(|item| campaign.warning(item.due_on, today) == Warning::Red);
    let late: i64 = late.map(|item| item.count).sum();
    let late = if late > 0 { format!("（超期{late}项）") } else { String::new() };
    format!("【走访】{}月{}日：{}{late}", today.month(), today.day(), kinds.join("，"))
}

fn areas(campaign: &Campaign, today: Date, lines: Vec<(&LineKey, &Line)>) -> Vec<AreaLines> {
    let mut areas: Vec<AreaLines> = Vec::new();
    for (key, line) in lines {
        let text = LineText {
            colour: match campaign.warning(line.earliest, today) {
                Warning::Red => "[红]",
                Warning::Yellow => "[黄]",
                Warning::Green => "[绿]",
            },
            kind: key.kind.chinese(),
            count: line.count,
            when: when(today, line),
            names: line.names.join("、"),
            instead_of: key.instead_of.clone(),
            to_do: if key.others { "请督促办理" } else { key.kind.what_to_do() },
        };
        match areas.last_mut().filter(|area| area.name == key.area) {
            Some(area) => area.lines.push(text),
            None => areas.push(AreaLines { name: key.area.clone(), lines: vec![text] }),
        }
    }
    areas
}

fn when(today: Date, line: &Line) -> String {
    let days = (line.earliest - today).get_days();
    let by = format!("{}月{}日", line.earliest.month(), line.earliest.day());
    let first = if line.several_dates { "最早的" } else { "" };
    match days {
        0 => format!("{first}今天（{by}）到期"),
        1.. => format!("{first}{by}前完成，还有{days}天"),
        _ => format!("{first}{by}已到期，超期{}天", -days),
    }
}
