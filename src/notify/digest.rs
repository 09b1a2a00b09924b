//! A digest as data: what is owed, where, by when, whether it's late, and what to do about it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use serde::Serialize;

use super::recipients::Recipients;
use crate::db::{Session, StoreError, ToldGroup, Word};
use crate::domain::campaign::{Campaign, EscalationStep};
use crate::domain::duty::{DutyKind, Warning};
use crate::domain::escalation::DueGroup;
use crate::domain::holder::Holder;
use crate::domain::workdays::month_and_day;

/// As what somebody is told of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// They owe it.
    Own,
    /// Another is late with it, and they press them.
    Push,
    /// It's another's, and it isn't late: they know of it.
    Know,
}

impl Part {
    fn of(step: Option<&EscalationStep>) -> Part {
        match step {
            Some(step) if step.tells_the_owner() => Part::Own,
            Some(step) if step.days <= 0 => Part::Know,
            _ => Part::Push,
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Part::Own => "需要您办理：",
            Part::Push => "需要您督办：",
            Part::Know => "请您知悉：",
        }
    }
}

/// One thing that a person is told of: a group.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub group: String,
    pub kind: DutyKind,
    pub area_id: String,
    pub due_on: Date,
    pub part: Part,
    /// How many duties.
    pub count: i64,
    /// Whom the reader stands in for.
    pub instead_of: Option<String>,
    /// Why it's the reader's, where whoever should have it isn't there at all.
    pub for_want_of: String,
    /// Who has the issue that it's about.
    pub holder: Option<Holder>,
    /// What whoever owes it is to do.
    pub own: &'static str,
    /// Who owes it.
    pub owner: Option<String>,
}

/// What somebody was told, of which anything is still open; it comes by group. What they owe and also watch over is mentioned
/// once, as their own.
pub(super) fn items(recipients: &Recipients, told: Vec<ToldGroup>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for told in told.into_iter().filter(|told| told.group.open > 0) {
        let part = Part::of(step_of(&recipients.plan, &told));
        let ToldGroup { group, instead_of, .. } = told;
        if let Some(item) = items.last_mut().filter(|item| item.group == group.id) {
            item.part = item.part.min(part);
            continue;
        }
        items.push(Item {
            owner: recipients.owner(&group).map(|owner| owner.id.clone()),
            for_want_of: match part {
                Part::Own => for_want_of(recipients, &group),
                Part::Push | Part::Know => String::new(),
            },
            own: group.what_to_do(),
            group: group.id,
            kind: group.kind,
            area_id: group.area_id,
            due_on: group.due_on,
            part,
            count: group.open,
            instead_of,
            holder: group.holder,
        });
    }
    items
}

/// The step at which somebody was told; nothing where the ladder has become shorter.
fn step_of<'c>(campaign: &'c Campaign, told: &ToldGroup) -> Option<&'c EscalationStep> {
    campaign.steps(told.group.kind).get(usize::try_from(told.step).ok()?)
}

impl Item {
    /// What its reader is to do.
    fn to_do(&self) -> &'static str {
        match self.part {
            Part::Own => self.own,
            Part::Push if self.kind == DutyKind::Returned => "请督促处理退回的问题",
            Part::Push => match self.holder.filter(|_| self.kind.follows_the_ball()) {
                Some(Holder::Platform) => "请督促向平台催办",
                _ => "请督促办理",
            },
            Part::Know if self.kind == DutyKind::Returned => {
                "这里上报的问题被退回，请看平台的原话，协助服务中心弄清情况，必要时重新分类"
            }
            Part::Know => "请知悉",
        }
    }
}

/// Why a group is its reader's, where nobody is assigned to it, or nobody holds the role.
fn for_want_of(recipients: &Recipients, group: &DueGroup) -> String {
    if group.kind.lacks_visitor(group.role) {
        return "没有走访人".to_owned();
    }
    match recipients.roster.is_vacant(group, &recipients.plan) {
        true => format!("没有{}，请代办或指定人员", group.role),
        false => String::new(),
    }
}

/// A digest, as its template gets it.
#[derive(Debug, Clone, Serialize)]
pub struct Digest {
    pub title: String,
    pub date: Date,
    pub name: String,
    pub sections: Vec<Section>,
    /// What its reader hears besides.
    pub words: Vec<WordText>,
    /// The page that shows it and takes the reader's acknowledgement; empty where there is none.
    pub link: String,
    /// What the reader is asked for: 签收 where somebody's demand waits for that, else 已阅.
    pub ask: &'static str,
    /// Where the details are, for whom several read with.
    pub where_to: &'static str,
}

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Its reader alone.
    Reader,
    /// Others too, as in a group: neither a link of the reader's nor anybody's telephone.
    Several,
}

const NOT_HERE: &str = "详情涉及群众个人信息，不在这里显示：请看发给本人的消息，没有的请向镇组织人事办公室索取本人链接";

#[derive(Debug, Clone, Serialize)]
pub struct WordText {
    pub title: String,
    pub body: String,
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
    /// Why it's the reader's, where whoever should have it isn't there at all.
    pub for_want_of: String,
    pub to_do: &'static str,
    /// 责任方: which side has the issue; where that says something.
    pub holder: &'static str,
    /// Who owes it, for whoever presses them, with their telephone where only the reader sees it.
    pub responsible: String,
}

/// How many are named on one line; more than that are only counted.
const NAMED: i64 = 5;
/// So many who owe it are named on a line.
const RESPONSIBLE: usize = 3;
/// A telephone shows so many lines before its reader stops reading: more are summed up by the next larger areas.
const LONGEST: usize = 30;

/// What makes one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LineKey {
    /// Own things come first.
    part: Part,
    area: String,
    kind: DutyKind,
    /// Its date; where lines are summed up, none: the earliest is named.
    due_on: Option<Date>,
    instead_of: String,
    for_want_of: String,
    to_do: &'static str,
    holder: Option<Holder>,
}

#[derive(Debug, Default)]
struct Line {
    owners: BTreeSet<String>,
    count: i64,
    earliest: Date,
    several_dates: bool,
    groups: Vec<String>,
    names: Vec<String>,
}

/// A digest on the way to its words.
pub(super) struct Draft {
    reader: String,
    names: HashMap<String, String>,
    phones: HashMap<String, String>,
    items: Vec<Item>,
    lines: BTreeMap<LineKey, Line>,
    words: Vec<Word>,
}

impl Draft {
    /// Own things first, then what others are late with; by area, kind and date. What would be too long to read is summed
    /// up by the areas right below the reader's own.
    pub fn new(
        recipients: &Recipients,
        staff_id: &str,
        items: Vec<Item>,
        words: Vec<Word>,
    ) -> Draft {
        let area = |item: &Item| recipients.area_name(&item.area_id);
        let mut lines = grouped(recipients, &items, area, true);
        if lines.len() > LONGEST {
            let above = |item: &Item| recipients.area_below(staff_id, &item.area_id);
            lines = grouped(recipients, &items, above, false);
        }
        let owners = lines.values().flat_map(|line| line.owners.iter());
        let names = owners.map(|owner| (owner.clone(), recipients.name(owner).to_owned()));
        let (names, reader) = (names.collect(), recipients.name(staff_id).to_owned());
        Draft { reader, names, phones: HashMap::new(), items, lines, words }
    }

    /// Whom its reader may have to telephone.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Gives their telephones.
    pub fn put_phones(&mut self, phones: &HashMap<String, String>) {
        let own = self.names.keys().filter_map(|id| Some((id.clone(), phones.get(id)?.clone())));
        self.phones = own.collect();
    }

    /// Who owes what stands on a line, a few of them.
    fn responsible(&self, line: &Line, audience: Audience) -> String {
        let said = |id: &String| {
            let name = self.names.get(id).cloned().unwrap_or_default();
            match self.phones.get(id).filter(|_| audience == Audience::Reader) {
                Some(phone) => format!("{name} {phone}"),
                None => name,
            }
        };
        let mut few: Vec<String> = line.owners.iter().map(said).collect();
        few.sort_unstable();
        few.truncate(RESPONSIBLE);
        let more = if line.owners.len() > few.len() { "等" } else { "" };
        format!("{}{more}", few.join("、"))
    }

    /// Names what is on lines of a few.
    pub async fn name(&mut self, session: &mut Session) -> Result<(), StoreError> {
        let few: Vec<&str> = self.few().collect();
        let labels = session.group_labels(&few).await?;
        self.put_names(&labels);
        let owners: Vec<String> = self.owners().map(str::to_owned).collect();
        let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
        let phones = session.phones(&owners).await?;
        self.put_phones(&phones);
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
    pub fn digest(
        &self,
        campaign: &Campaign,
        today: Date,
        link: String,
        audience: Audience,
    ) -> Digest {
        let section = |part: Part| {
            let lines: Vec<_> = self.lines.iter().filter(|(key, _)| key.part == part).collect();
            let heading = part.heading();
            let areas = || self.areas(campaign, today, lines.clone(), audience);
            (!lines.is_empty()).then(|| Section { heading, areas: areas() })
        };
        let signs = |item: &Item| item.part == Part::Own && item.kind == DutyKind::Acknowledge;
        let signs = self.items.iter().any(signs);
        let sections = [Part::Own, Part::Push, Part::Know].map(section);
        Digest {
            title: title(campaign, today, &self.items, &self.words),
            date: today,
            name: self.reader.clone(),
            sections: sections.into_iter().flatten().collect(),
            words: self.words.iter().map(WordText::of).collect(),
            link,
            ask: if signs { "签收" } else { "已阅" },
            where_to: if audience == Audience::Several { NOT_HERE } else { "" },
        }
    }

    fn areas(
        &self,
        campaign: &Campaign,
        today: Date,
        lines: Vec<(&LineKey, &Line)>,
        audience: Audience,
    ) -> Vec<AreaLines> {
        let mut areas: Vec<AreaLines> = Vec::new();
        for (key, line) in lines {
            let text = LineText {
                responsible: match key.part {
                    Part::Own => String::new(),
                    Part::Push | Part::Know => self.responsible(line, audience),
                },
                ..text(campaign, today, key, line)
            };
            match areas.last_mut().filter(|area| area.name == key.area) {
                Some(area) => area.lines.push(text),
                None => areas.push(AreaLines { name: key.area.clone(), lines: vec![text] }),
            }
        }
        areas
    }
}

impl WordText {
    fn of(word: &Word) -> WordText {
        WordText { title: word.title.clone(), body: word.body.clone() }
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
            part: item.part,
            area: area(item),
            kind: item.kind,
            due_on: by_date.then_some(item.due_on),
            instead_of: item
                .instead_of
                .as_deref()
                .map(|of| recipients.name(of).to_owned())
                .unwrap_or_default(),
            for_want_of: item.for_want_of.clone(),
            to_do: item.to_do(),
            holder: item.holder.filter(|_| item.kind.follows_the_ball() && item.part != Part::Own),
        };
        let new = Line { earliest: item.due_on, ..Line::default() };
        let line = lines.entry(key).or_insert(new);
        line.count += item.count;
        if item.part != Part::Own {
            line.owners.extend(item.owner.clone());
        }
        line.several_dates |= line.earliest != item.due_on;
        line.earliest = line.earliest.min(item.due_on);
        if line.count <= NAMED {
            line.groups.push(item.group.clone());
        }
    }
    lines
}

/// What the day asks for and how much of it is late, and what else is said.
fn title(campaign: &Campaign, today: Date, items: &[Item], words: &[Word]) -> String {
    let mut by_kind: BTreeMap<DutyKind, i64> = BTreeMap::new();
    for item in items {
        *by_kind.entry(item.kind).or_default() += item.count;
    }
    let kinds = by_kind.iter().map(|(kind, count)| format!("{kind}{count}项"));
    let kinds: Vec<String> = kinds.chain(words.iter().map(|word| word.title.clone())).collect();
    let late = items.iter().filter(|item| campaign.warning(item.due_on, today) == Warning::Red);
    let late: i64 = late.map(|item| item.count).sum();
    let late = if late > 0 { format!("（超期{late}项）") } else { String::new() };
    format!("【走访】{}：{}{late}", month_and_day(today), kinds.join("，"))
}

fn text(campaign: &Campaign, today: Date, key: &LineKey, line: &Line) -> LineText {
    LineText {
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
        for_want_of: key.for_want_of.clone(),
        to_do: key.to_do,
        holder: key.holder.map_or("", |holder| holder.chinese()),
        responsible: String::new(),
    }
}

fn when(today: Date, line: &Line) -> String {
    let days = (line.earliest - today).get_days();
    let by = month_and_day(line.earliest);
    let first = if line.several_dates { "最早的" } else { "" };
    match days {
        0 => format!("{first}今天（{by}）到期"),
        1.. => format!("{first}{by}前完成，还有{days}天"),
        _ => format!("{first}{by}已到期，超期{}天", -days),
    }
}
