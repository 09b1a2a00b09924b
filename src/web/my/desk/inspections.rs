//! Spot checks (入户抽查): drawn in the open, recorded by the inspection group, answered by whoever stands above the visitor; and a
//! day's inspection. As `zoufang inspect` has it.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use minijinja::{Value, context};
use serde::Deserialize;
use serde_json::json;

use super::once::{is_first, version};
use crate::app::draws::{NewDraw, draw_sample};
use crate::app::household::{ResidentSheet, answer_to, household};
use crate::app::inspections::{self, Answer, Check, Inspected};
use crate::app::problem::only;
use crate::clock::Chance;
use crate::daemon::Daemon;
use crate::db::{
    AreaTree, Holders, InspectionLine, InspectionStanding, IssueMatter, StaffMember, StoreError,
};
use crate::domain::inspection::{Finding, may_answer};
use crate::domain::rights::Right;
use crate::domain::sampling::Size;
use crate::web::my::frame::{apart, not_theirs, page};
use crate::web::my::links::{after, of, with};
use crate::web::my::routes::INSPECTIONS;
use crate::web::my::who::{Fields, Posted, Who};
use crate::web::my::words::{NOTED, on_a_page};
use crate::web::templates::{INSPECTION, INSPECTIONS as LIST};
use crate::web::unavailable::unavailable;

/// So many workdays are left for a check where nothing else is said.
const WITHIN: i64 = 5;
/// Nobody draws more at once.
const MOST: usize = 2_000;

/// So many are on a page; of more than so many it's only said that there are more.
const SHOWN: i64 = 100;
const COUNTED: i64 = 1_000;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// `open`, `differ`, or all.
    #[serde(default)]
    which: String,
    /// Those after this one.
    #[serde(default)]
    after: String,
}

/// GET /my/inspections
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(asked): Query<Asked>,
) -> Response {
    shown(&daemon, &who, &asked, StatusCode::OK, &Fields::default(), "").await
}

async fn shown(
    daemon: &Daemon,
    who: &Who,
    asked: &Asked,
    status: StatusCode,
    fields: &Fields,
    wrong: &str,
) -> Response {
    let listed = match listed(daemon, who, asked).await {
        Ok(listed) => listed,
        Err(error) => return unavailable(&error),
    };
    let context = daemon.store.context();
    let (today, may) = (context.clock.today(), |right: Right| right.is_held_by(&who.person));
    let values = context! {
        which => asked.which, wrong, f => fields.0, form => context.secret(), other_form => context.secret(),
        draws => may(Right::Draw), notes => may(Right::InspectDaily), today => today.to_string(),
        until => context.workdays.plus(today, WITHIN).to_string(), place => "inspections", ..listed
    };
    page(&who.frame(daemon), LIST, status, values)
}

/// A page of what was drawn in this campaign, stands as it's asked for and is a person's to see; and how much there is.
async fn listed(daemon: &Daemon, who: &Who, asked: &Asked) -> Result<Value, StoreError> {
    let standing = match asked.which.as_str() {
        "open" => InspectionStanding::Open,
        "differ" => InspectionStanding::Differs,
        _ => InspectionStanding::Any,
    };
    let mut record = daemon.pages.snapshot().await?;
    let (began, today) = (record.plans().began(), record.today());
    let (tree, holders) = (record.area_tree().await?, Holders::new(record.staff().await?));
    let areas = right_areas(&tree, &who.person);
    let within = (&areas[..], began);
    let mut found = record.inspections_standing(within, standing, &asked.after, SHOWN + 1).await?;
    let mut counts = Vec::new();
    for one in [InspectionStanding::Any, InspectionStanding::Open, InspectionStanding::Differs] {
        let count = record.inspections_count(within, one, COUNTED + 1).await?;
        let many = || format!("{COUNTED} 以上");
        counts.push(if count > COUNTED { many() } else { count.to_string() });
    }
    record.end().await?;
    let is_more = found.len() > SHOWN as usize;
    found.truncate(SHOWN as usize);
    let next = found
        .last()
        .filter(|_| is_more)
        .map(|last| with(INSPECTIONS, &[("which", &asked.which), ("after", &last.row.number)]));
    let lines: Result<Vec<Value>, StoreError> =
        found.iter().map(|one| line(one, &tree, &holders, today)).collect();
    Ok(
        context! { lines => lines?, whole => counts[0], open => counts[1], differ => counts[2], next },
    )
}

/// Where a person sees what was drawn.
fn right_areas<'t>(tree: &'t AreaTree, person: &StaffMember) -> Vec<&'t str> {
    let sees = |area: &&str| Right::SeeInspections.is_of(person, tree, Some(area));
    tree.all().map(|area| area.id.as_str()).filter(sees).collect()
}

/// The one of that number, where it's a person's to see.
async fn seen(
    daemon: &Daemon,
    who: &Who,
    number: &str,
) -> Result<Option<(InspectionLine, Arc<AreaTree>, Holders)>, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let (tree, found) = (record.area_tree().await?, record.inspection_line(number).await?);
    let staff = record.staff().await?;
    record.end().await?;
    let sees = |line: &InspectionLine| {
        Right::SeeInspections.is_of(&who.person, &tree, Some(&line.area_id))
    };
    Ok(found.filter(sees).map(|line| (line, tree, Holders::new(staff))))
}

fn line(
    one: &InspectionLine,
    tree: &AreaTree,
    holders: &Holders,
    today: Date,
) -> Result<Value, StoreError> {
    let InspectionLine { row, .. } = one;
    let signed = |id: &String| holders.person(id).map(StaffMember::signed);
    let (finding, due_on) = (row.finding()?, row.due_on()?);
    let (mark, word) = match finding {
        None if row.is_dropped_by(today) => ("green", "○ 不再走访，不用查".to_owned()),
        None if due_on < today => ("red", "▲ 超期没有查".to_owned()),
        None => ("yellow", "● 还没有查".to_owned()),
        Some(finding) if !finding.is_difference() => ("green", format!("■ {finding}")),
        Some(finding) if row.answered_at.is_none() => ("red", format!("▲ {finding}，等核实")),
        Some(finding) => ("green", format!("■ {finding}，已核实")),
    };
    Ok(context! {
        to => of(INSPECTIONS, &row.number), number => row.number, subject => one.subject, name => one.subject_name,
        area => tree.get(&one.area_id).map(|area| area.name.clone()), mark, word, due => due_on.to_string(),
        inspector => signed(row.checked_by.as_ref().unwrap_or(&row.inspector_id)), checked => row.checked_on,
        dropped => row.is_dropped_by(today), ended => row.ended_on(),
        visitor => one.visitor.as_ref().and_then(signed), visited => one.visited_on, demands => one.demands,
    })
}

/// POST /my/inspections: a draw, or the note of a day.
pub(super) async fn draw(
    State(daemon): State<Arc<Daemon>>,
    Posted { who, fields }: Posted,
) -> Response {
    let act = fields.text("act");
    let right = if act == "note" { Right::InspectDaily } else { Right::Draw };
    if !right.is_held_by(&who.person) {
        return apart(&who.frame(&daemon), right);
    }
    let done = match act {
        "note" => note(&daemon, &who, &fields).await,
        "draw" => drawn(&daemon, &who, &fields).await,
        _ => Err(StoreError::Rule("请从页面上的按钮选择要做什么".to_owned())),
    };
    match done {
        Ok(()) => Redirect::to(&after(&format!("{INSPECTIONS}?which=open"), NOTED)).into_response(),
        Err(StoreError::Rule(wrong)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            shown(&daemon, &who, &Asked::default(), status, &fields, &on_a_page(&wrong)).await
        }
        Err(error) => unavailable(&error),
    }
}

fn day(text: &str) -> Result<Date, StoreError> {
    text.parse().map_err(|_| StoreError::Rule("请选日期".to_owned()))
}

async fn drawn(daemon: &Daemon, who: &Who, fields: &Fields) -> Result<(), StoreError> {
    let wrong = |said: String| StoreError::Rule(said);
    let count = fields.text("count").parse().ok().filter(|count| (1..=MOST).contains(count));
    let count: usize = count.ok_or_else(|| wrong(format!("请写抽多少个，1 到 {MOST}")))?;
    let size = if fields.text("by") == "village" { Size::Each(count) } else { Size::InAll(count) };
    let context = daemon.store.context();
    let due_on = day(fields.text("until"))?;
    if due_on < context.clock.today() {
        return Err(wrong(format!("{due_on} 已经过了，请选今天或以后")));
    }
    let any = || u64::try_from(context.chance.below(1 << 30)).unwrap_or_default();
    let seed = match fields.text("seed") {
        "" => any(),
        text => text.parse().map_err(|_| wrong("种子要写整数，不写就随机取一个".to_owned()))?,
    };
    let chance = Chance::seeded(seed);
    let store = who.store(daemon);
    let mut tx = store.begin().await?;
    if !is_first(&mut tx, &who.person, fields).await? {
        return tx.rollback().await;
    }
    let new = NewDraw { size, seed, due_on };
    let below = &mut |end| chance.below(end);
    let drawn = draw_sample(&mut tx, &new, &who.person, below).await?;
    tx.commit().await?;
    drawn.repeated(seed).map_or(Ok(()), |said| Err(wrong(said)))
}

async fn note(daemon: &Daemon, who: &Who, fields: &Fields) -> Result<(), StoreError> {
    let (on, text) = (day(fields.text("on"))?, fields.text("text"));
    if text.is_empty() {
        return Err(StoreError::Rule("请写督查到了什么".to_owned()));
    }
    let store = who.store(daemon);
    let mut tx = store.begin().await?;
    if !is_first(&mut tx, &who.person, fields).await? {
        return tx.rollback().await;
    }
    inspections::note(&mut tx, on, &who.person, text).await?;
    tx.commit().await
}

/// GET /my/inspections/{number}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Response {
    one(&daemon, &who, &number, StatusCode::OK, &Fields::default(), Told::default()).await
}

/// What a page says besides how it stands.
#[derive(Debug, Default)]
struct Told {
    wrong: String,
    stale: bool,
    /// Whom to ask there, and about what, in clear.
    clear: Option<Value>,
}

/// How one stands, as one mark.
fn mark(line: &InspectionLine) -> String {
    let row = &line.row;
    version(&(&row.checked_on, row.finding().ok(), &row.answered_at))
}

async fn one(
    daemon: &Daemon,
    who: &Who,
    number: &str,
    status: StatusCode,
    fields: &Fields,
    told: Told,
) -> Response {
    let today = daemon.store.context().clock.today();
    let read = async {
        let Some((found, tree, holders)) = seen(daemon, who, number).await? else {
            return Ok(None);
        };
        let (text, answer) = found.row.open(daemon.store.context())?;
        let person = &who.person;
        let differs = found.row.difference()?.is_some();
        let visitor = found.visitor.as_ref().and_then(|id| holders.person(id));
        let answers = may_answer(person, visitor, &tree, &found.area_id);
        // Once nobody is to be visited there, nobody is to be checked.
        let ended = found.row.ended_on().filter(|_| found.row.is_dropped_by(today));
        Ok::<_, StoreError>(Some(context! {
            until => ended.map_or_else(|| today.to_string(), str::to_owned),
            line => line(&found, &tree, &holders, today)?, found => text, answer, seen => mark(&found),
            answered_by => found.answered_by.as_ref().and_then(|id| holders.person(id)).map(StaffMember::signed),
            records => Right::Inspect.is_held_by(person) && found.row.finding()?.is_none(),
            answers => answers && differs && found.row.answered_at.is_none(),
            reveals => reveals(person, &tree, &found),
        }))
    };
    let values = match read.await {
        Ok(Some(values)) => values,
        Ok(None) => return not_theirs(&who.frame(daemon), "抽查", number),
        Err(error) => return unavailable(&error),
    };
    let findings: Vec<_> = Finding::ALL.iter().map(|one| (one.code(), one.chinese())).collect();
    let Told { wrong, stale, clear } = told;
    let values = context! {
        findings, wrong, stale, clear, f => fields.0, place => "inspections", ..values
    };
    page(&who.frame(daemon), INSPECTION, status, values)
}

/// POST /my/inspections/{number}: what was found, or what came of it.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    Posted { who, fields }: Posted,
) -> Response {
    if fields.text("act") == "reveal" {
        return match clear(&daemon, &who, &number).await {
            Ok(Some(clear)) => {
                let told = Told { clear: Some(clear), ..Told::default() };
                one(&daemon, &who, &number, StatusCode::OK, &fields, told).await
            }
            Ok(None) => not_theirs(&who.frame(&daemon), "抽查", &number),
            Err(error) => unavailable(&error),
        };
    }
    let done = async {
        let Some((line, ..)) = seen(&daemon, &who, &number).await? else {
            return Ok(None);
        };
        if mark(&line) != fields.text("seen") {
            return Ok(Some(false));
        }
        let inspected = inspected(&who, &number, &fields)?;
        let store = who.store(&daemon);
        let mut tx = store.begin().await?;
        only(inspections::put(&mut tx, &[inspected]).await?)?;
        tx.commit().await?;
        Ok::<_, StoreError>(Some(true))
    };
    let (status, wrong, stale) = match done.await {
        Ok(Some(true)) => {
            return Redirect::to(&after(&of(INSPECTIONS, &number), NOTED)).into_response();
        }
        Ok(Some(false)) => (StatusCode::CONFLICT, String::new(), true),
        Ok(None) => return not_theirs(&who.frame(&daemon), "抽查", &number),
        Err(StoreError::Rule(wrong)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, on_a_page(&wrong), false)
        }
        Err(error) => return unavailable(&error),
    };
    let told = Told { wrong, stale, clear: None };
    one(&daemon, &who, &number, status, &fields, told).await
}

/// Whether whoever checks may see in clear where that is and what was said there.
fn reveals(person: &StaffMember, tree: &AreaTree, line: &InspectionLine) -> bool {
    Right::Inspect.is_held_by(person) && Right::RevealIssue.is_of(person, tree, Some(&line.area_id))
}

/// Whom to ask there and about what, in clear, which is noted in the audit; nothing where it isn't theirs to see.
async fn clear(daemon: &Daemon, who: &Who, number: &str) -> Result<Option<Value>, StoreError> {
    let store = who.store(daemon);
    let mut tx = store.begin().await?;
    let tree = tx.area_tree().await?;
    let found = tx.inspection_line(number).await?;
    let Some(line) = found.filter(|line| reveals(&who.person, &tree, line)) else {
        tx.rollback().await?;
        return Ok(None);
    };
    tx.audit(&who.person.signed(), "reveal", number, &json!({})).await?;
    let sheet = household(&mut tx, &line.subject).await?;
    tx.commit().await?;
    let issue = |issue: &IssueMatter| context! { number => issue.number, text => issue.text, answer => answer_to(issue) };
    let resident = |one: &ResidentSheet| {
        let issues: Vec<Value> = one.issues.iter().map(issue).collect();
        context! { name => one.name, contact => one.contact, heard => one.heard, issues }
    };
    Ok(sheet.map(|sheet| {
        let residents: Vec<Value> = sheet.residents.iter().map(resident).collect();
        context! { name => sheet.household.name, address => sheet.household.address, residents }
    }))
}

fn inspected(who: &Who, number: &str, fields: &Fields) -> Result<Inspected, StoreError> {
    let wrong = |said: &str| StoreError::Rule(said.to_owned());
    let text = Some(fields.text("text").to_owned()).filter(|text| !text.is_empty());
    let (by, number) = (who.person.id.clone(), number.to_owned());
    match fields.text("act") {
        "record" => {
            let finding =
                Finding::read(fields.text("finding")).ok_or_else(|| wrong("请选抽查结论"))?;
            let check = Some(Check { on: day(fields.text("on"))?, by, finding, text });
            Ok(Inspected { number, check, answer: None })
        }
        "answer" => {
            let text = text.ok_or_else(|| wrong("请写核实结果：是怎么回事、怎样整改了"))?;
            Ok(Inspected { number, check: None, answer: Some(Answer { by, text }) })
        }
        _ => Err(wrong("请从页面上的按钮选择要做什么")),
    }
}
