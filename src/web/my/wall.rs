//! 挂图作战 for whoever signs in: from the town down to the branch, the village, its visitors, and the issues behind each figure.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::{Deserialize, Serialize};

use super::frame::{not_theirs, page, say_in};
use super::ledger_wanted::Wanted;
use super::links;
use super::routes::PEOPLE;
use super::unvisited::unvisited;
use super::who::Who;
use crate::app::owners::everybody;
use crate::app::without_visitor::without_visitor;
use crate::daemon::Daemon;
use crate::db::{Area, AreaFigures, AreaTree, Assigned, PersonLine, StoreError};
use crate::domain::area::AreaKind;
use crate::domain::mask;
use crate::domain::rights::Right;
use crate::web::status::township_time;
use crate::web::templates::{WALL, WALL_PERSON};
use crate::web::unavailable::unavailable;
use crate::web::wall::{Seen, WallLine};

/// So many lines stand on a page.
const LONGEST: usize = 200;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    /// The area; empty for all.
    #[serde(default)]
    area: String,
    /// The paper on which the chart is printed; empty for whatever the printer has.
    #[serde(default)]
    paper: String,
}

/// A paper for the wall.
#[derive(Debug, Serialize)]
struct Paper {
    code: &'static str,
    name: &'static str,
    to: String,
}

const PAPERS: [(&str, &str); 4] = [("a0", "A0"), ("a1", "A1"), ("a2", "A2"), ("a3", "A3")];

/// The paper that is asked for; an unknown one is the smallest.
fn paper(asked: &str) -> &'static str {
    let known = PAPERS.iter().find(|(code, _)| code.eq_ignore_ascii_case(asked.trim()));
    match known {
        _ if asked.trim().is_empty() => "",
        Some((code, _)) => code,
        None => "a3",
    }
}

/// How long a chart of so many lines is: the longer, the smaller its type in print.
const fn length(lines: usize) -> &'static str {
    match lines {
        0..=12 => "few",
        13..=20 => "some",
        21..=28 => "many",
        29..=44 => "most",
        _ => "all",
    }
}

/// Lines of one kind.
#[derive(Debug, Serialize)]
struct Table {
    title: &'static str,
    lines: Vec<Drawn>,
    more: usize,
}

/// A line with where it leads.
#[derive(Debug, Serialize)]
struct Drawn {
    #[serde(flatten)]
    line: WallLine,
    to: String,
    /// The issues behind it that aren't classified, and those that aren't resolved.
    classify: String,
    resolve: String,
}

/// Of the way down to here.
#[derive(Debug, Serialize)]
struct Step {
    name: String,
    to: String,
}

/// GET /my/wall
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(which): Query<Which>,
) -> Response {
    match read(&daemon, &who, &which).await {
        Ok(Some(values)) => page(&who.frame(&daemon), WALL, StatusCode::OK, values),
        Ok(None) => {
            let said = "没有这个区划：可能已经改过。请从挂图的第一页重新点开";
            say_in(&who.frame(&daemon), StatusCode::NOT_FOUND, said)
        }
        Err(error) => unavailable(&error),
    }
}

async fn read(
    daemon: &Daemon,
    who: &Who,
    which: &Which,
) -> Result<Option<minijinja::Value>, StoreError> {
    let (store, area) = (&daemon.pages, which.area.as_str());
    let figures = store.figures_by_area().await?;
    let tree = figures.tree();
    let within = (!area.is_empty()).then_some(area);
    let here = within.and_then(|id| tree.get(id));
    if within.is_some() && here.is_none() {
        return Ok(None);
    }
    let (plan, clock) = (store.campaign(), &store.context().clock);
    let seen = Seen { plan: &plan, today: clock.today() };
    let counts = figures.whole(within);
    let earlier: i64 = store.earlier_open().await?.values().sum();
    let may_people = Right::SeeProgress.is_of(&who.person, tree, within);
    let (people, without) = match here {
        Some(here) if here.kind == AreaKind::Village && may_people => {
            let village = [here.id.as_str()].into();
            let areas: Vec<&str> = tree.below(&village).map(|area| area.id.as_str()).collect();
            let mut record = store.snapshot().await?;
            let roster = everybody(&mut record).await?;
            let without = without_visitor(&mut record, &roster, &areas).await?;
            record.end().await?;
            (store.figures_of_people(&areas).await?, without)
        }
        _ => (Vec::new(), Vec::new()),
    };
    let tables = tables(seen, &figures, here);
    let lines = tables.iter().map(|table| table.lines.len()).sum::<usize>() + people.len();
    let papers = PAPERS.map(|(code, name)| {
        let to = links::with("/my/wall", &[("area", area), ("paper", code)]);
        Paper { code, name, to }
    });
    Ok(Some(context! {
        paper => paper(&which.paper), papers, length => length(lines),
        without => unvisited(&without, &who.person), imports => Right::Import.is_held_by(&who.person),
        gives => Right::EndSubject.is_held_by(&who.person),
        title => here.map_or_else(|| plan.name.clone(), |here| here.name.clone()),
        way => way(tree, within), now => township_time(clock.now()),
        cells => seen.cells(&counts), late => counts.late, ended => counts.ended, earlier => if within.is_none() { earlier } else { 0 }, mediated => counts.mediated, agreed => counts.agreed,
        tables,
        people => people.into_iter().map(|person| drawn_person(seen, person)).collect::<Vec<_>>(),
        is_village => here.is_some_and(|here| here.kind == AreaKind::Village),
        ledger => ledger(area, "", ""), may_screens => Right::Screen.is_held_by(&who.person), place => "wall",
    }))
}

/// The areas above this one, the highest first.
fn way(tree: &AreaTree, within: Option<&str>) -> Vec<Step> {
    let Some(within) = within else { return Vec::new() };
    let above = tree.upward(within).skip(1);
    let mut way: Vec<Step> =
        above.map(|area| Step { name: area.name.clone(), to: links::wall(&area.id) }).collect();
    way.push(Step { name: "全部".to_owned(), to: links::wall("") });
    way.reverse();
    way
}

/// What lies in an area: its towns where there are several, its branches, its villages.
fn tables(seen: Seen<'_>, figures: &AreaFigures, here: Option<&Area>) -> Vec<Table> {
    let kinds =
        [(AreaKind::Town, "各镇街"), (AreaKind::Branch, "各总支"), (AreaKind::Village, "各村")];
    let lies_here = |kind: AreaKind| here.is_none_or(|here| here.kind < kind);
    let table = |(kind, title)| {
        let within = here.map(|here| here.id.as_str());
        let lines = seen.worst_first(figures.within(kind, within));
        let says_something = lines.len() > 1 && figures.has(kind, within)
            || kind == AreaKind::Village && !lines.is_empty();
        let more = lines.len().saturating_sub(LONGEST);
        let is_own =
            |line: &WallLine| figures.tree().get(&line.id).is_some_and(|of| of.kind < kind);
        let lines = lines.into_iter().take(LONGEST);
        let lines: Vec<Drawn> =
            lines.map(|line| if is_own(&line) { unlinked(line) } else { drawn(line) }).collect();
        says_something.then_some(Table { title, lines, more })
    };
    kinds.into_iter().filter(|(kind, _)| lies_here(*kind)).filter_map(table).collect()
}

fn drawn(line: WallLine) -> Drawn {
    let (classify, resolve) =
        (ledger(&line.id, "classify", ""), ledger(&line.id, "resolve", late(&line)));
    Drawn { to: links::wall(&line.id), classify, resolve, line }
}

/// What is an area's own, in no village: no page shows only that, and one of the whole area would show another number.
fn unlinked(line: WallLine) -> Drawn {
    Drawn { to: String::new(), classify: String::new(), resolve: String::new(), line }
}

/// A person's line leads to what they visit.
fn drawn_person(seen: Seen<'_>, person: PersonLine) -> Drawn {
    let PersonLine { number, name, counts } = person;
    let to = links::wall_person(&number);
    let line = seen.line(String::new(), format!("{name}（{number}）"), &counts);
    Drawn { classify: to.clone(), resolve: to.clone(), to, line }
}

const fn late(line: &WallLine) -> &'static str {
    if line.late > 0 { "yes" } else { "" }
}

fn ledger(area: &str, phase: &str, late: &str) -> String {
    let (area, phase, late) = (area.to_owned(), phase.to_owned(), late.to_owned());
    Wanted { area, phase, late, ..Wanted::default() }.address()
}

/// A subject, as it's shown.
#[derive(Debug, Serialize)]
struct Household {
    to: String,
    number: String,
    kind: String,
    name: String,
    visits: i64,
    unclassified: i64,
    revisits: i64,
    ended: Option<String>,
}

/// GET /my/wall/people/{number}: what one person visits, and how far they have come.
pub(super) async fn person(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Response {
    match read_person(&daemon, &who, &number).await {
        Ok(Some(values)) => page(&who.frame(&daemon), WALL_PERSON, StatusCode::OK, values),
        Ok(None) => not_theirs(&who.frame(&daemon), "走访人员", &number),
        Err(error) => unavailable(&error),
    }
}

async fn read_person(
    daemon: &Daemon,
    who: &Who,
    number: &str,
) -> Result<Option<minijinja::Value>, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let (tree, found) = (record.area_tree().await?, record.staff_numbered(number).await?);
    let may = |area: &str| Right::SeeProgress.is_of(&who.person, &tree, Some(area));
    let found = found.filter(|person| person.id == who.person.id || may(&person.area_id));
    let Some(person) = found else {
        record.end().await?;
        return Ok(None);
    };
    let all = record.assigned_to(&person.id).await?;
    record.end().await?;
    let store = &daemon.pages;
    let counts = store.counts_of_people(&[person.id.as_str()]).await?;
    let counts = counts.get(&person.id).copied().unwrap_or_default();
    let (plan, today) = (store.campaign(), store.context().clock.today());
    let more = all.len().saturating_sub(LONGEST);
    let ended = all.iter().filter(|one| one.ended_on.is_some()).count();
    let area = tree.get(&person.area_id);
    Ok(Some(context! {
        number => person.number, name => person.name,
        area => area.map(|area| area.name.clone()), to_area => area.map(|area| links::wall(&area.id)),
        cells => Seen { plan: &plan, today }.cells(&counts), more,
        here => all.len() - ended, ended,
        hands_over => all.iter().any(|one| Right::Reassign.is_of(&who.person, &tree, Some(&one.area_id)))
            .then(|| links::of(PEOPLE, number)),
        households => all.iter().take(LONGEST).map(household).collect::<Vec<_>>(), place => "wall",
    }))
}

fn household(subject: &Assigned) -> Household {
    let of = Wanted { subject: subject.number.clone(), ..Wanted::default() };
    Household {
        to: of.address(),
        number: subject.number.clone(),
        kind: subject.kind.clone(),
        name: mask::name(&subject.name),
        visits: subject.visits,
        unclassified: subject.unclassified,
        revisits: subject.revisits,
        ended: subject.ended_on.clone(),
    }
}
