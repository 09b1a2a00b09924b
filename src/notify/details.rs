//! What a digest's own matters are about, as their page shows it behind a person's own link: who asked for what, how to reach
//! them, what happened so far; which households; which answer to bring.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use super::digest::{Item, Part};
use crate::clock::{local_text, township_zone};
use crate::db::{
    Context, Household, IssueMatter, Matter, MediationLine, MediationRow, Person, Session,
    StoreError,
};
use crate::domain::duty::DutyKind;
use crate::domain::holder::holder;
use crate::domain::issue::{Event, by_whom};

/// A page names so many matters; more are counted.
const LONGEST: usize = 300;

/// What the page shows of what its reader owes.
#[derive(Debug, Default, Serialize)]
pub(super) struct Details {
    pub issues: Vec<IssueDetail>,
    pub visits: Vec<Place>,
    pub revisits: Vec<Visitee>,
    pub checks: Vec<Check>,
    /// How many more there are.
    pub more: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct IssueDetail {
    number: String,
    text: String,
    /// 类别、责任层级、轻重缓急, once it's classified.
    class: String,
    state: &'static str,
    /// 责任方
    holder: &'static str,
    asked_by: String,
    contact: String,
    household: Place,
    registered: String,
    due: String,
    history: Vec<Line>,
    mediations: Vec<String>,
}

/// Something that was drawn for a check, with what an inspector found there.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    number: String,
    household: Place,
    due: String,
    /// The conclusion and the words, once it was checked.
    finding: &'static str,
    found: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Place {
    number: String,
    kind: String,
    name: String,
    address: String,
}

/// Somebody to be visited again, with what to tell them.
#[derive(Debug, Serialize)]
pub(super) struct Visitee {
    name: String,
    contact: String,
    household: Place,
    answers: Vec<Answer>,
}

#[derive(Debug, Serialize)]
struct Answer {
    number: String,
    text: String,
    state: &'static str,
    /// What came of it, by whoever worked on it.
    said: String,
}

#[derive(Debug, Serialize)]
struct Line {
    at: String,
    what: &'static str,
    who: String,
    said: String,
}

/// Opens what these items are about, as far as their reader acts on it.
pub(super) async fn details(record: &mut Session, items: &[Item]) -> Result<Details, StoreError> {
    let acts = |item: &&Item| {
        item.part == Part::Own || item.part == Part::Know && item.kind == DutyKind::Returned
    };
    let own: Vec<&Item> = items.iter().filter(acts).collect();
    let groups: Vec<&str> = own.iter().map(|item| item.group.as_str()).collect();
    let kinds: HashMap<&str, DutyKind> =
        own.iter().map(|item| (item.group.as_str(), item.kind)).collect();
    let matters = record.matters(&groups, LONGEST).await?;
    let total: i64 = own.iter().map(|item| item.count).sum();
    let named = i64::try_from(matters.len()).unwrap_or(i64::MAX);
    let kind_of = |matter: &Matter| kinds.get(matter.group_id.as_str()).copied();
    let is = |matter: &Matter, kind| kind_of(matter) == Some(kind);
    Ok(Details {
        issues: issues(record, &matters).await?,
        visits: visits(record, matters.iter().filter(|matter| is(matter, DutyKind::Visit))).await?,
        revisits: visitees(
            record,
            matters.iter().filter(|m| is(m, DutyKind::Revisit) || is(m, DutyKind::Classify)),
        )
        .await?,
        checks: checks(
            record,
            matters.iter().filter(|m| is(m, DutyKind::SpotCheck) || is(m, DutyKind::Finding)),
        )
        .await?,
        more: if matters.len() < LONGEST { 0 } else { total - named },
    })
}

async fn issues(record: &mut Session, matters: &[Matter]) -> Result<Vec<IssueDetail>, StoreError> {
    let ids: BTreeSet<&str> =
        matters.iter().filter_map(|matter| matter.issue_id.as_deref()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let plan = std::sync::Arc::clone(record.plans().now());
    let found = record.issue_matters(&ids).await?;
    let mut mediations: HashMap<String, Vec<String>> = HashMap::new();
    for row in record.mediations_of_issues(&ids).await? {
        let said = mediation(&row, record.context())?;
        mediations.entry(row.issue_id).or_default().push(said);
    }
    let has = |issue: &IssueMatter| plan.unit_of(&issue.issue).is_some();
    Ok(found
        .into_iter()
        .map(|issue| {
            let has = has(&issue);
            let mediations = mediations.remove(&issue.id).unwrap_or_default();
            IssueDetail { mediations, ..detail(issue, has) }
        })
        .collect())
}

fn detail(matter: IssueMatter, has_department: bool) -> IssueDetail {
    let IssueMatter { number, text, issue, due_on, registered_at, person, history, .. } = matter;
    let class =
        issue.class.map(|class| format!("{}，{}，{}", class.category, class.level, class.urgency));
    IssueDetail {
        class: class.unwrap_or_else(|| "还没有分类".to_owned()),
        state: issue.state.chinese(),
        holder: holder(&issue, has_department).map_or("", |holder| holder.chinese()),
        asked_by: person.name,
        contact: person.contact.unwrap_or_default(),
        household: place(person.household),
        registered: day(registered_at),
        due: due_on.map(|on| on.to_string()).unwrap_or_default(),
        history: history.into_iter().map(line).collect(),
        mediations: Vec::new(),
        number,
        text,
    }
}

fn line((at, event, actor): (Timestamp, Event, String)) -> Line {
    let who = by_whom(&actor).to_owned();
    let said = event.said().unwrap_or_default().to_owned();
    Line { at: local_text(at), what: event.kind().chinese(), who, said }
}

/// What was agreed on, by whom and when, and when it's seen to again.
fn mediation(row: &MediationRow, context: &Context) -> Result<String, StoreError> {
    let MediationLine { mediator, parties, agreement, followed } = row.open(context)?;
    let on = &row.mediated_on;
    let agreement = agreement.unwrap_or_else(|| "没有达成协议".to_owned());
    let mut text = format!("{on} {mediator} 调解（{parties}）：{agreement}");
    if let Some(by) = row.follow_up_on()? {
        text.push_str(&format!("；约定 {by} 回访"));
    }
    if let Some(followed) = followed {
        text.push_str(&format!("；回访：{followed}"));
    }
    Ok(text)
}

/// What is still to be checked, and what of what was found is still to be answered.
async fn checks(
    record: &mut Session,
    matters: impl Iterator<Item = &Matter>,
) -> Result<Vec<Check>, StoreError> {
    let subjects: BTreeSet<&str> =
        matters.filter_map(|matter| matter.subject_id.as_deref()).collect();
    let subjects: Vec<&str> = subjects.into_iter().collect();
    let households = record.households(&subjects).await?;
    let began = record.plans().began();
    let mut checks = Vec::new();
    for row in record.inspections_of(&subjects, began).await? {
        let is_answered = row.difference()?.is_none() || row.answered_at.is_some();
        let Some(household) = households.get(&row.subject_id) else { continue };
        if row.checked_on.is_some() && is_answered {
            continue;
        }
        let (found, _) = row.open(record.context())?;
        checks.push(Check {
            number: row.number.clone(),
            household: place(household.clone()),
            due: row.due_on()?.to_string(),
            finding: row.finding()?.map_or("", |finding| finding.chinese()),
            found: found.unwrap_or_default(),
        });
    }
    Ok(checks)
}

async fn visits(
    record: &mut Session,
    matters: impl Iterator<Item = &Matter>,
) -> Result<Vec<Place>, StoreError> {
    let ids: BTreeSet<&str> = matters.filter_map(|matter| matter.subject_id.as_deref()).collect();
    let found = record.households(&ids.into_iter().collect::<Vec<_>>()).await?;
    let mut places: Vec<Place> = found.into_values().map(place).collect();
    places.sort_by(|a, b| a.number.cmp(&b.number));
    Ok(places)
}

async fn visitees(
    record: &mut Session,
    matters: impl Iterator<Item = &Matter>,
) -> Result<Vec<Visitee>, StoreError> {
    let (mut residents, mut subjects) = (BTreeSet::new(), BTreeSet::new());
    for matter in matters {
        residents.extend(matter.resident_id.as_deref());
        subjects.extend(matter.subject_id.as_deref());
    }
    let residents: Vec<&str> = residents.into_iter().collect();
    let people = record.people(&residents).await?;
    let rows = record.issues_of(&subjects.into_iter().collect::<Vec<_>>()).await?;
    let theirs = rows.iter().filter(|row| people.contains_key(&row.resident_id));
    let ids: Vec<&str> = theirs.map(|row| row.id.as_str()).collect();
    let mut answers: HashMap<String, Vec<Answer>> = HashMap::new();
    for issue in record.issue_matters(&ids).await? {
        answers.entry(issue.resident_id.clone()).or_default().push(answer(issue));
    }
    let visitee = |(id, person): (String, Person)| Visitee {
        answers: answers.remove(&id).unwrap_or_default(),
        name: person.name,
        contact: person.contact.unwrap_or_default(),
        household: place(person.household),
    };
    let mut visitees: Vec<Visitee> = people.into_iter().map(visitee).collect();
    visitees.sort_by(|a, b| (&a.household.number, &a.name).cmp(&(&b.household.number, &b.name)));
    Ok(visitees)
}

/// What the resident asked for, how it stands, and the last word on it.
fn answer(issue: IssueMatter) -> Answer {
    let finished = issue.history.iter().filter_map(|(_, event, _)| match event {
        Event::TownFinished { .. } | Event::PlatformFinished { .. } => event.said(),
        _ => None,
    });
    let said = finished.collect::<Vec<_>>().join("；");
    Answer { number: issue.number, text: issue.text, state: issue.issue.state.chinese(), said }
}

fn place(household: Household) -> Place {
    let Household { number, kind, name, address } = household;
    Place { number, kind, name, address: address.unwrap_or_default() }
}

fn day(at: Timestamp) -> String {
    township_zone().to_datetime(at).date().to_string()
}
