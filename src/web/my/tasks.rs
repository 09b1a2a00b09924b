//! What I owe, the nearest first; each line leads to where it's done.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use minijinja::context;
use serde::Serialize;

use super::frame::page;
use super::links::{households, issue, with};
use super::routes::{HAND_INS, INSPECTIONS, PEOPLE};
use super::who::Who;
use crate::app::absences::stood_in_for;
use crate::app::hand_ins;
use crate::app::owed::{Owed, OwedBy, Pressed, owed_by, pressed_by};
use crate::app::owners::everybody;
use crate::daemon::Daemon;
use crate::db::{AreaTree, StoreError};
use crate::domain::duty::{DutyKind, Warning};
use crate::domain::escalation::DueGroup;
use crate::domain::rights::Right;
use crate::domain::staff::StaffMember;
use crate::domain::workdays::month_and_day;
use crate::web::templates::TASKS;
use crate::web::unavailable::unavailable;

/// A line, as it's shown.
#[derive(Debug, Serialize)]
struct Line {
    warning: Warning,
    /// 正常、临近、超期
    word: &'static str,
    /// Such as 还有 3 天.
    left: String,
    due: String,
    what: &'static str,
    area: String,
    count: i64,
    about: String,
    to_do: &'static str,
    /// Why what was handed in was sent back; nothing where it wasn't.
    back: Option<String>,
    /// Where it's done; nothing where that isn't on a page.
    to: Option<String>,
}

/// GET /my
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
) -> Response {
    match read(&daemon, &who).await {
        Ok(values) => page(&who.frame(&daemon), TASKS, StatusCode::OK, values),
        Err(error) => unavailable(&error),
    }
}

async fn read(daemon: &Daemon, who: &Who) -> Result<minijinja::Value, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let (today, tree) = (record.today(), record.area_tree().await?);
    let roster = everybody(&mut record).await?;
    let OwedBy { named, more } = owed_by(&mut record, &roster, &who.person).await?;
    let backs = match named.iter().any(|owed| owed.group.kind.is_confirmed()) {
        true => hand_ins::owed(&mut record, &who.person).await?,
        false => Vec::new(),
    };
    let away = match who.person.stood_in_by {
        None => stood_in_for(&mut record, &who.person).await?,
        Some(_) => Vec::new(),
    };
    let away: Vec<_> = away
        .iter()
        .map(|(absent, until)| {
            context! { number => absent.number, name => absent.name, until => month_and_day(*until) }
        })
        .collect();
    let (pressed, more_pressed) = pressed_by(&mut record, &roster, &who.person).await?;
    let visits = record.assigned_to(&who.person.id).await?.len();
    record.end().await?;
    let pressed: Vec<Push> = pressed.into_iter().map(|one| push(one, &tree, today)).collect();
    let lines: Vec<Line> =
        named.into_iter().map(|owed| line(owed, &tree, (today, &who.person), &backs)).collect();
    let late = lines.iter().filter(|line| line.warning == Warning::Red).count();
    let near = lines.iter().filter(|line| line.warning == Warning::Yellow).count();
    Ok(context! { lines, more, late, near, visits, away, pressed, more_pressed, place => "tasks" })
}

/// What others are late with, as it's shown to whoever presses them.
#[derive(Debug, Serialize)]
struct Push {
    owner: String,
    what: &'static str,
    count: i64,
    area: String,
    issue: Option<String>,
    due: String,
    days: i32,
    to: Option<String>,
}

fn push(one: Pressed, tree: &AreaTree, today: Date) -> Push {
    let Pressed { group, owner, issue: number } = one;
    Push {
        owner: owner.unwrap_or_else(|| format!("没有人担任{}", group.role)),
        what: group.kind.chinese(),
        count: group.open,
        area: tree.get(&group.area_id).map(|area| area.name.clone()).unwrap_or_default(),
        due: month_and_day(group.due_on),
        days: (today - group.due_on).get_days(),
        to: number.as_deref().map(issue),
        issue: number,
    }
}

/// The page on which a kind of duty is met that no issue is about, where this person may open it.
fn page_of(kind: DutyKind, person: &StaffMember) -> Option<String> {
    let (page, right) = match kind {
        kind if kind.is_confirmed() => {
            (with(HAND_INS, &[("what", kind.chinese())]), Right::SeeHandIns)
        }
        DutyKind::SpotCheck | DutyKind::Inspection | DutyKind::Finding => {
            (INSPECTIONS.to_owned(), Right::SeeInspections)
        }
        _ => return None,
    };
    right.is_held_by(person).then_some(page)
}

/// Why the paper of this group was sent back, where that's how it stands.
fn sent_back(group: &DueGroup, person: &StaffMember, papers: &[hand_ins::Owed]) -> Option<String> {
    let is_it = |paper: &&hand_ins::Owed| {
        paper.kind == group.kind
            && paper.area_id == group.area_id
            && paper.due_on == group.due_on
            && !paper.is_in
            && paper.who.contains(&person.name)
    };
    let last = papers
        .iter()
        .filter(is_it)
        .find_map(|paper| paper.times.first().filter(|last| last.returned_at.is_some()));
    last.map(|last| last.word.clone().unwrap_or_default())
}

fn line(
    owed: Owed,
    tree: &AreaTree,
    (today, person): (Date, &StaffMember),
    papers: &[hand_ins::Owed],
) -> Line {
    let Owed { group, warning, issue: number, about } = owed;
    let (days, is_own) = ((group.due_on - today).get_days(), group.staff_id.is_some());
    Line {
        warning,
        word: match warning {
            Warning::Red => "超期",
            Warning::Yellow => "临近",
            Warning::Green => "正常",
        },
        left: match days {
            0 => "今天到期".to_owned(),
            1.. => format!("还有 {days} 天"),
            _ => format!("已超 {} 天", -days),
        },
        due: month_and_day(group.due_on),
        what: group.kind.chinese(),
        area: tree.get(&group.area_id).map(|area| area.name.clone()).unwrap_or_default(),
        count: group.open,
        about: about.join("、"),
        to_do: group.what_to_do_here(),
        back: sent_back(&group, person, papers),
        to: match group.kind {
            // Where nobody is assigned yet, somebody else will record it.
            DutyKind::Visit if is_own => Some(households("visit")),
            DutyKind::Classify if is_own => Some(households("classify")),
            DutyKind::Revisit if is_own => Some(households("revisit")),
            kind if kind.lacks_visitor(group.role) => {
                Right::SeePeople.is_held_by(person).then(|| PEOPLE.to_owned())
            }
            kind => number.map(|number| issue(&number)).or_else(|| page_of(kind, person)),
        },
    }
}
