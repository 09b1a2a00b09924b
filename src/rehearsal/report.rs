//! What a rehearsal tells: as text for a person, or as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::{Date, Weekday};
use serde::Serialize;

/// Who would hear what when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    pub on: Date,
    pub number: String,
    pub name: String,
    pub roles: String,
    pub channel: String,
    pub topic: String,
    pub title: String,
    pub text: String,
}

/// What would be late: by whoever owes it, of one kind, by one date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Late {
    pub kind: &'static str,
    pub place: String,
    /// Who owes it.
    pub who: String,
    pub due_on: Date,
    /// How many, how many of these were done after all, and which they are, where they have a number.
    pub count: usize,
    pub done_late: usize,
    pub of: Vec<String>,
}

/// All that came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub campaign: String,
    pub from: Date,
    pub until: Date,
    pub visits: &'static str,
    /// What was taken for granted.
    pub assumed: Vec<String>,
    /// What people handed in that wasn't taken, with the reason.
    pub refused: Vec<String>,
    pub messages: Vec<Message>,
    pub late: Vec<Late>,
    /// Whom nobody reaches.
    pub unreachable: Vec<String>,
    /// What is owed and nobody was told of.
    pub unheard: Vec<String>,
    /// Who hears of nothing.
    pub silent: Vec<String>,
    /// What nobody can do.
    pub impossible: Vec<String>,
    pub seconds: f64,
}

/// So many names stand on a line; more are counted.
const NAMED: usize = 8;

fn some(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join("、");
    if names.len() > NAMED { format!("{shown} 等") } else { shown }
}

fn weekday(on: Date) -> &'static str {
    match on.weekday() {
        Weekday::Monday => "周一",
        Weekday::Tuesday => "周二",
        Weekday::Wednesday => "周三",
        Weekday::Thursday => "周四",
        Weekday::Friday => "周五",
        Weekday::Saturday => "周六",
        Weekday::Sunday => "周日",
    }
}

impl Report {
    /// How many different people hear anything.
    pub fn people(&self) -> usize {
        self.messages.iter().map(|message| &message.number).collect::<BTreeSet<_>>().len()
    }

    fn figures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "二、概况")?;
        writeln!(f, "· 共 {} 条消息，发给 {} 人", self.messages.len(), self.people())?;
        let (mut days, mut people) = (BTreeMap::new(), BTreeMap::new());
        for message in &self.messages {
            *days.entry(message.on).or_insert(0) += 1;
            *people.entry((&message.name, &message.number)).or_insert(0) += 1;
        }
        if let Some((on, count)) = days.iter().max_by_key(|(on, count)| (**count, **on)) {
            writeln!(f, "· 最多的一天是 {on}（{}），{count} 条", weekday(*on))?;
        }
        if let Some(((name, number), count)) = people.iter().max_by_key(|(_, count)| **count) {
            writeln!(f, "· 收到最多的是 {name}（{number}），{count} 条")?;
        }
        let late: usize = self.late.iter().map(|late| late.count).sum();
        let done: usize = self.late.iter().map(|late| late.done_late).sum();
        writeln!(f, "· 超期 {late} 项，其中后来完成 {done} 项")
    }

    fn lateness(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n三、会超期的")?;
        if self.late.is_empty() {
            writeln!(f, "没有")?;
        }
        for late in &self.late {
            let Late { kind, place, who, due_on, count, done_late, of } = late;
            let done = match done_late {
                0 => String::new(),
                done => format!("，其中 {done} 项后来完成"),
            };
            let named = if of.is_empty() { String::new() } else { format!("：{}", some(of)) };
            writeln!(f, "· {due_on} 到期　{kind} {count} 项{done}　{place}　{who}{named}")?;
        }
        Ok(())
    }

    fn told_by_day(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n八、逐日消息")?;
        let mut last = None;
        for message in &self.messages {
            let Message { on, number, name, roles, channel, title, text, .. } = message;
            if last.replace(*on) != Some(*on) {
                writeln!(f, "\n======== {on}（{}） ========", weekday(*on))?;
            }
            writeln!(f, "\n— {name}（{number}，{roles}），经 {channel}\n{title}\n{}", text.trim())?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { campaign, from, until, visits, .. } = self;
        writeln!(f, "演练：{campaign}，{from} 至 {until}，走访{visits}")?;
        writeln!(f, "在记录的副本上进行：没有发给任何人，没有改动记录。\n")?;
        writeln!(f, "一、假定")?;
        self.assumed.iter().try_for_each(|line| writeln!(f, "· {line}"))?;
        writeln!(f)?;
        self.figures(f)?;
        self.lateness(f)?;
        let lists = [
            ("四、没有人收得到的", &self.unreachable),
            ("五、谁也没有听到的任务", &self.unheard),
            ("六、什么也没有听到的人", &self.silent),
            ("七、谁也完成不了的", &self.impossible),
        ];
        for (title, lines) in lists {
            writeln!(f, "\n{title}")?;
            if lines.is_empty() {
                writeln!(f, "没有")?;
            }
            lines.iter().try_for_each(|line| writeln!(f, "· {line}"))?;
        }
        if !self.refused.is_empty() {
            writeln!(f, "\n演练中没有收下的表")?;
            self.refused.iter().try_for_each(|line| writeln!(f, "· {line}"))?;
        }
        self.told_by_day(f)
    }
}
