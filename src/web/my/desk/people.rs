//! The people of a branch, a village or the town, and whoever visits there, and how far each of them is: who has most past its
//! date comes first; and who has nobody to visit them.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use serde::Deserialize;

use super::scope::{below, chosen, ways};
use crate::app::owners::everybody;
use crate::app::without_visitor::without_visitor;
use crate::daemon::Daemon;
use crate::db::{StaffMember, StoreError};
use crate::domain::area::AreaKind;
use crate::domain::duty::DutyKind;
use crate::domain::figures::{Counts, Order, Rates, percent};
use crate::domain::rights::Right;
use crate::web::my::frame::{page, say_in};
use crate::web::my::links::of;
use crate::web::my::routes::PEOPLE;
use crate::web::my::unvisited::unvisited;
use crate::web::my::who::Who;
use crate::web::templates::PEOPLE as PAGE;
use crate::web::unavailable::unavailable;

/// So many are shown.
const SHOWN: usize = 200;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    area: String,
}

/// GET /my/people
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(Asked { area }): Query<Asked>,
) -> Response {
    match read(&daemon, &who, &area).await {
        Ok(Some(values)) => page(&who.frame(&daemon), PAGE, StatusCode::OK, values),
        Ok(None) => {
            let said = "还没有区划：请先导入区划表";
            say_in(&who.frame(&daemon), StatusCode::OK, said)
        }
        Err(error) => unavailable(&error),
    }
}

async fn read(daemon: &Daemon, who: &Who, asked: &str) -> Result<Option<Value>, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let (roster, today) = (everybody(&mut record).await?, record.today());
    let tree = &roster.tree;
    let right = Right::SeePeople;
    let Some(area) = chosen(tree, right, &who.person, asked) else {
        record.end().await?;
        return Ok(None);
    };
    let inside = below(tree, area);
    let without = without_visitor(&mut record, &roster, &inside).await?;
    // Of a town all its people are there; into a branch or a village somebody may come from elsewhere.
    let visit_there = match area.kind >= AreaKind::Branch {
        true => record.visitors_in(&inside).await?,
        false => HashSet::new(),
    };
    record.end().await?;
    let inside: HashSet<&str> = inside.into_iter().collect();
    let is_theirs = |person: &&StaffMember| {
        inside.contains(person.area_id.as_str()) || visit_there.contains(&person.id)
    };
    let theirs: Vec<&StaffMember> = roster.holders.all().into_iter().filter(is_theirs).collect();
    let ids: Vec<&str> = theirs.iter().map(|person| person.id.as_str()).collect();
    let figures = daemon.pages.counts_of_people(&ids).await?;
    let counts = |person: &StaffMember| figures.get(&person.id).copied().unwrap_or_default();
    let mut people: Vec<(&StaffMember, Counts)> =
        theirs.into_iter().map(|person| (person, counts(person))).collect();
    let visits_due = daemon.pages.campaign().due_on(DutyKind::Visit) < today;
    people.sort_by(|(one, a), (other, b)| {
        a.worse(b, Order::Lateness, visits_due).then_with(|| one.number.cmp(&other.number))
    });
    // As the figures and the wall chart have it: also what nobody visits.
    let whole = daemon.pages.figures_by_area().await?.whole(Some(&area.id));
    let place_of = |person: &StaffMember| tree.get(&person.area_id).map(|area| area.name.clone());
    let gives = Right::Reassign.is_of(&who.person, tree, Some(&area.id));
    let lines = people.iter().take(SHOWN).map(|(person, counts)| {
        let roles: Vec<&str> = person.roles.iter().map(|role| role.chinese()).collect();
        context! {
            name => person.name, number => person.number, roles => roles.join("、"), area => place_of(person),
            counts => counted(counts, visits_due),
            hands_over => (gives && counts.subjects > 0).then(|| of(PEOPLE, &person.number)),
        }
    });
    let lines: Vec<Value> = lines.collect();
    Ok(Some(context! {
        area => ways(tree, right, &who.person, area, PEOPLE, &[]), lines, count => people.len(),
        more => people.len().saturating_sub(SHOWN), whole => counted(&whole, visits_due), place => "people",
        nobody => without.iter().map(|of| of.total).sum::<i64>(),
        without => unvisited(&without, &who.person), imports => Right::Import.is_held_by(&who.person),
        gives => Right::EndSubject.is_held_by(&who.person),
    }))
}

fn counted(counts: &Counts, visits_due: bool) -> Value {
    let Rates { visit, response, resolution, satisfaction } = counts.rates();
    let left = counts.subjects - counts.visited;
    let mark = match (counts.late > 0 || visits_due && left > 0, left > 0) {
        (true, _) => "red",
        (false, true) => "yellow",
        (false, false) => "green",
    };
    context! {
        subjects => counts.subjects, visited => counts.visited, left, issues => counts.issues, resolved => counts.resolved,
        late => counts.late, has => *counts != Counts::default(), mark,
        rates => [
            ("走访率", percent(visit)), ("响应率", percent(response)), ("解决率", percent(resolution)),
            ("满意率", percent(satisfaction)),
        ],
    }
}
