//! The words of a digest: what is owed, where, by when, and whether it's late.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::domain::duty::DutyKind;

/// One thing that a digest speaks of.
#[derive(Debug, Clone)]
pub struct Item {
    pub kind: DutyKind,
    pub area: String,
    pub due_on: Date,
    /// Whether the reader owes it, or is told because another is late with it.
    pub own: bool,
    /// The subject that it is about, if it is about one.
    pub subject_id: Option<String>,
    /// The subject's name, masked where it is a person's.
    pub subject: Option<String>,
}

/// How many subjects of one village are named.
const NAMED: usize = 5;

/// The title: what the day asks for.
pub fn title(today: Date, items: &[Item]) -> String {
    let mut by_kind: BTreeMap<DutyKind, usize> = BTreeMap::new();
    for item in items {
        *by_kind.entry(item.kind).or_default() += 1;
    }
    let kinds: Vec<String> =
        by_kind.iter().map(|(kind, count)| format!("{kind}{count}项")).collect();
    format!("【走访】{}月{}日：{}", today.month(), today.day(), kinds.join("，"))
}

/// The text: own things first, then what others are late with; by kind, date and village.
pub fn body(today: Date, items: &[Item]) -> String {
    let mut groups: BTreeMap<(bool, DutyKind, Date, &str), Vec<&Item>> = BTreeMap::new();
    for item in items {
        groups.entry((!item.own, item.kind, item.due_on, &item.area)).or_default().push(item);
    }
    let mut lines = Vec::new();
    let mut heading = None;
    for ((others, kind, due_on, area), items) in groups {
        if heading != Some(others) {
            lines.push(if others { "需要您督办：" } else { "需要您办理：" }.to_owned());
            heading = Some(others);
        }
        lines.push(format!(
            "· {area} {kind} {}项，{}{}",
            items.len(),
            when(today, due_on),
            names(&items)
        ));
    }
    lines.join("\n")
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
    let mut names: Vec<String> = items.iter().filter_map(|item| item.subject.clone()).collect();
    names.sort();
    names.truncate(NAMED);
    match names.len() {
        0 => String::new(),
        shown if shown < items.len() => format!("（{}等）", names.join("、")),
        _ => format!("（{}）", names.join("、")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_digest_reads_well() {
        let item = |kind, area: &str, due_on, own, subject: Option<&str>| Item {
            kind,
            area: area.to_owned(),
            due_on,
            own,
            subject_id: None,
            subject: subject.map(str::to_owned),
        };
        let items = [
            item(DutyKind::Visit, "高桥村", date(2022, 3, 31), true, Some("王**")),
            item(DutyKind::Visit, "高桥村", date(2022, 3, 31), true, Some("李**")),
            item(DutyKind::Resolve, "杨桥村", date(2022, 3, 28), true, None),
            item(DutyKind::Materials, "刘村村", date(2022, 3, 10), false, None),
        ];
        let today = date(2022, 3, 28);
        insta::assert_snapshot!(format!("{}\n{}", title(today, &items), body(today, &items)), @r"
        【走访】3月28日：走访材料准备1项，入户走访2项，问题办结1项
        需要您办理：
        · 高桥村 入户走访 2项，3月31日前完成，还有3天（李**、王**）
        · 杨桥村 问题办结 1项，今天（3月28日）到期
        需要您督办：
        · 刘村村 走访材料准备 1项，3月10日已到期，超期18天
        ");
    }
}
