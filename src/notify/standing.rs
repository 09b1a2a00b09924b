//! What digests say besides their readers' duties: each week how the campaign stands, to the leading group; what was handed in
//! to the organisation office and what is missing, by name; and what nobody holds or visits.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::app::hand_ins::{Owed, owed_of_kind};
use crate::app::standing::{tell_once, untold};
use crate::app::vacant::vacant;
use crate::db::{Store, StoreError, Word};
use crate::domain::area::AreaKind;
use crate::domain::campaign::{Campaign, Phase, plus};
use crate::domain::duty::DutyKind;
use crate::domain::figures::percent;
use crate::domain::staff::Role;
use crate::domain::workdays::{Workdays, WorkingTime, month_and_day};

/// Who hears how it stands, and who hears of what is handed in: the first that anybody holds.
const LEADERS: &[Role] = &[Role::LeadingGroup];
const OFFICE: &[Role] = &[Role::OrganisationOffice, Role::SupervisingLeader, Role::LeadingGroup];

/// What is handed in to the organisation office (三(二), 三(三), 三(四)).
const HANDED_IN: [DutyKind; 4] =
    [DutyKind::Summary, DutyKind::Report, DutyKind::SelfCheck, DutyKind::LookBack];

/// Puts what is due to be told by today into the day's digests, each once. For how many readers that was.
///
/// # Errors
/// Where the record can't be read or written: what wasn't told is told by the next run.
pub async fn tell_standing(store: &Store, hours: &WorkingTime) -> Result<usize, StoreError> {
    let now = store.context().clock.local();
    if !hours.contains(now) {
        return Ok(0);
    }
    let mut told = 0;
    for (roles, word, since) in due(store, now.date(), &hours.workdays).await? {
        told += tell_once(store, roles, &word, since).await?;
    }
    Ok(told)
}

/// What would be put into the digests of a day as things stand now, by whoever would hear it.
///
/// # Errors
/// Where the record can't be read.
pub(super) async fn words_on(
    store: &Store,
    day: Date,
) -> Result<HashMap<String, Vec<Word>>, StoreError> {
    let (today, workdays) = (store.context().clock.today(), &store.context().workdays);
    let mut words: HashMap<String, Vec<Word>> = HashMap::new();
    for (roles, word, since) in due(store, day, workdays).await? {
        // Any other day comes after the one on which it will have been told.
        if workdays.on_or_after(since.max(today)) != day {
            continue;
        }
        for person in untold(store, roles, &word, since).await? {
            words.entry(person).or_default().push(word.clone());
        }
    }
    Ok(words)
}

/// A word, whose it is, and since which day it's told once.
type Due = (&'static [Role], Word, Date);

async fn due(store: &Store, today: Date, workdays: &Workdays) -> Result<Vec<Due>, StoreError> {
    let plan = store.campaign();
    // The first working day of a week, or the first on which the service runs.
    let week = plus(today, -i64::from(today.weekday().to_monday_zero_offset()));
    let mut due = Vec::new();
    if let Some(phase) = plan.phase_on(today) {
        let standing = standing(store, &plan, phase, today).await?;
        due.push((LEADERS, standing, week.max(phase.starts_on)));
        due.extend(vacancies(store).await?.map(|word| (OFFICE, word, week)));
    }
    for kind in HANDED_IN {
        if is_told_on(today, plan.due_on(kind), workdays) {
            due.extend(handed(store, &plan, kind).await?.map(|word| (OFFICE, word, today)));
        }
    }
    Ok(due)
}

/// What is handed in is told before its date, on it, on the day after, and then each Monday until all of it is in.
fn is_told_on(today: Date, due_on: Date, workdays: &Workdays) -> bool {
    let before = [-3, 0].map(|days| workdays.on_or_before(plus(due_on, days)));
    let after = workdays.on_or_after(plus(due_on, 1));
    let week = plus(today, -i64::from(today.weekday().to_monday_zero_offset()));
    let is_weeks_first = workdays.on_or_after(week) == today;
    before.contains(&today) || after == today || today > after && is_weeks_first
}

async fn standing(
    store: &Store,
    plan: &Campaign,
    phase: &Phase,
    today: Date,
) -> Result<Word, StoreError> {
    let counts = store.counts().await?;
    let rates = counts.rates();
    let left = (phase.ends_on - today).get_days();
    let by = month_and_day(phase.ends_on);
    let mut lines = vec![format!(
        "走访率 {}（{}/{}），响应率 {}，解决率 {}（{}/{}），满意率 {}",
        percent(rates.visit),
        counts.visited,
        counts.subjects,
        percent(rates.response),
        percent(rates.resolution),
        counts.resolved,
        counts.issues,
        percent(rates.satisfaction),
    )];
    if counts.mediated > 0 {
        let (mediated, agreed) = (counts.mediated, counts.agreed);
        lines.push(format!("矛盾纠纷：调解 {mediated} 件，达成协议 {agreed} 件"));
    }
    lines.push("未完成的任务：".to_owned());
    let open = store.open_duties(today).await?;
    let begun = |kind: &DutyKind| match kind {
        DutyKind::Inspection => true,
        kind => plan.due_on(*kind) <= phase.ends_on,
    };
    for (kind, open, late) in open.iter().filter(|(kind, open, _)| *open > 0 && begun(kind)) {
        let late = if *late > 0 { format!("，其中超期 {late}项") } else { String::new() };
        lines.push(format!("· {kind} {open}项{late}"));
    }
    lines.extend(by_place(store).await?);
    Ok(Word {
        topic: "standing".to_owned(),
        title: format!("每周进展：{}阶段，到{by}还有{left}天", phase.name),
        body: lines.join("\n"),
    })
}

/// How each branch stands; of a township without any, each village.
async fn by_place(store: &Store) -> Result<Vec<String>, StoreError> {
    let areas = store.figures_by_area().await?;
    let (title, kind) = match areas.has(AreaKind::Branch, None) {
        true => ("各总支：", AreaKind::Branch),
        false => ("各村：", AreaKind::Village),
    };
    let mut lines = Vec::new();
    for line in areas.under(kind) {
        let rates = line.counts.rates();
        lines.push(format!(
            "· {}：走访率 {}，解决率 {}，满意率 {}",
            line.name,
            percent(rates.visit),
            percent(rates.resolution),
            percent(rates.satisfaction)
        ));
    }
    if !lines.is_empty() {
        lines.insert(0, title.to_owned());
    }
    Ok(lines)
}

async fn vacancies(store: &Store) -> Result<Option<Word>, StoreError> {
    let mut record = store.snapshot().await?;
    let found = vacant(&mut record).await?;
    record.end().await?;
    let mut lines: Vec<String> = found.roles.iter().map(|vacancy| format!("· {vacancy}")).collect();
    let unassigned = found.unassigned.iter();
    lines.extend(unassigned.map(|(area, count)| format!("· {area}有{count}个走访对象没有走访人")));
    if lines.is_empty() {
        return Ok(None);
    }
    let title = format!("有{}处没有人负责，请补齐", lines.len());
    lines.push("在补齐之前，由上一级代办。请在走访人员表、走访安排表里补上后导入。".to_owned());
    Ok(Some(Word { topic: "vacant".to_owned(), title, body: lines.join("\n") }))
}

/// What of a kind is in and what is missing; nothing where nothing is asked for, or nothing new is to be said.
async fn handed(
    store: &Store,
    plan: &Campaign,
    kind: DutyKind,
) -> Result<Option<Word>, StoreError> {
    let mut record = store.snapshot().await?;
    let all = owed_of_kind(&mut record, kind).await?;
    record.end().await?;
    let (missing, is_in): (Vec<&Owed>, Vec<&Owed>) = all.iter().partition(|owed| !owed.is_in);
    let late = store.context().clock.today() > plan.due_on(kind);
    if all.is_empty() || missing.is_empty() && late {
        return Ok(None);
    }
    let by = plan.due_on(kind);
    let title = format!(
        "{kind}（{}前）：已报{}份，还缺{}份",
        month_and_day(by),
        is_in.len(),
        missing.len()
    );
    let mut lines = Vec::new();
    if !missing.is_empty() {
        lines.push("还没有报的：".to_owned());
        lines.extend(missing.iter().map(|one| match one.who.as_slice() {
            [] => format!("· {}（没有人负责）", one.of),
            who => format!("· {}（{}）", one.of, who.join("、")),
        }));
    }
    if !is_in.is_empty() {
        let names: Vec<&str> = is_in.iter().map(|one| one.of.as_str()).collect();
        lines.push(format!("已报：{}", names.join("、")));
    }
    lines.push("收到后请报送任务确认表。".to_owned());
    Ok(Some(Word { topic: format!("handed-{}", kind.code()), title, body: lines.join("\n") }))
}
