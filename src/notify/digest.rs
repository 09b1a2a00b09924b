//! A digest as data: what is owed, where, by when, whether it's late, and what to do about it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::domain::campaign::Campaign;
use crate::domain::duty::{DutyKind, Warning};

/// One thing that a digest speaks of: a bundle.
#[derive(Debug, Clone)]
pub struct Item {
    pub kind: DutyKind,
    pub area: String,
    pub due_on: Date,
    /// Whether the reader owes it, or is told because another is late with it.
    pub own: bool,
    /// How many duties.
    pub count: i64,
    /// What they are about, where it's a few: masked names, numbers of issues.
    pub labels: Vec<String>,
    /// Whom the reader stands in for.
    pub instead_of: Option<String>,
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
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// 红, 黄 or 绿.
    pub colour: &'static str,
    pub kind: &'static str,
    pub count: i64,
    pub when: String,
    pub names: String,
    pub instead_of: String,
    pub to_do: &'static str,
}

/// How many are named on one line.
pub const NAMED: usize = 5;

/// What makes one line: kind, date, and whom the reader stands in for.
type LineKey<'i> = (DutyKind, Date, &'i str);

impl Digest {
    /// Own things first, then what others are late with; by area, kind and date.
    pub fn new(
        campaign: &Campaign,
        today: Date,
        name: &str,
        link: String,
        items: &[Item],
    ) -> Digest {
        let own: Vec<&Item> = items.iter().filter(|item| item.own).collect();
        let others: Vec<&Item> = items.iter().filter(|item| !item.own).collect();
        let section = |heading, items: Vec<&Item>, own| {
            (!items.is_empty())
                .then(|| Section { heading, areas: areas(campaign, today, &items, own) })
        };
        let sections = [section("需要您办理：", own, true), section("需要您督办：", others, false)];
        Digest {
            title: title(campaign, today, items),
            date: today,
            name: name.to_owned(),
            sections: sections.into_iter().flatten().collect(),
            link,
        }
    }
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

fn areas(campaign: &Campaign, today: Date, items: &[&Item], own: bool) -> Vec<AreaLines> {
    let mut areas: BTreeMap<&str, BTreeMap<LineKey<'_>, Vec<&Item>>> = BTreeMap::new();
    for item in items {
        let instead_of = item.instead_of.as_deref().unwrap_or_default();
        let lines = areas.entry(&item.area).or_default();
        lines.entry((item.kind, item.due_on, instead_of)).or_default().push(item);
    }
    let line = |((kind, due_on, instead_of), items): (LineKey<'_>, Vec<&Item>)| Line {
        colour: match campaign.warning(due_on, today) {
            Warning::Red => "[红]",
            Warning::Yellow => "[黄]",
            Warning::Green => "[绿]",
        },
        kind: kind.chinese(),
        count: items.iter().map(|item| item.count).sum(),
        when: when(today, due_on),
        names: names(&items),
        instead_of: instead_of.to_owned(),
        to_do: if own { kind.what_to_do() } else { "请督促办理" },
    };
    areas
        .into_iter()
        .map(|(name, lines)| AreaLines {
            name: name.to_owned(),
            lines: lines.into_iter().map(line).collect(),
        })
        .collect()
}

fn when(today: Date, due_on: Date) -> String {
    let days = (due_on - today).get_days();
    let by = format!("{}月{}日", due_on.month(), due_on.day());
    match days {
        0 => format!("今天（{by}）到期"),
        1.. => format!("{by}前完成，还有{days}天"),
        _ => format!("{by}已到期，超期{}天", -days),
    }
}

fn names(items: &[&Item]) -> String {
    let count: i64 = items.iter().map(|item| item.count).sum();
    let mut names: Vec<&str> =
        items.iter().flat_map(|item| &item.labels).map(String::as_str).collect();
    names.sort_unstable();
    names.truncate(NAMED);
    match names.len() {
        0 => String::new(),
        shown if i64::try_from(shown).is_ok_and(|shown| shown < count) => {
            format!("{}等", names.join("、"))
        }
        _ => names.join("、"),
    }
}
