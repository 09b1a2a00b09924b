//! What is missing, by name (镇不漏村、村不漏户、户不漏人): of a village each subject and issue with who answers for it; above that, the way
//! to each village. Names of residents are masked. As `zoufang missing` has it.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use minijinja::{Value, context};
use serde::Deserialize;

use super::scope::{below, chosen, ways};
use crate::app::owners::{Owners, everybody, owners_of, told};
use crate::app::without_subjects::{WithoutSubjects, without_subjects};
use crate::daemon::Daemon;
use crate::db::{Area, AreaTree, FiguresLine, Missing, StoreError};
use crate::domain::area::AreaKind;
use crate::domain::duty::DutyKind;
use crate::domain::figures::Counts;
use crate::domain::rights::Right;
use crate::web::my::frame::{page, say_in};
use crate::web::my::links::{issue, of, with};
use crate::web::my::routes::{MISSING, SUBJECTS};
use crate::web::my::who::Who;
use crate::web::templates::MISSING as PAGE;
use crate::web::unavailable::unavailable;

/// So many of a kind are shown.
const SHOWN: i64 = 200;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    area: String,
    /// What kind of duty.
    #[serde(default)]
    kind: String,
    /// Only what is past its date.
    #[serde(default)]
    late: String,
    /// Those after this duty.
    #[serde(default)]
    after: String,
}

/// GET /my/missing
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(asked): Query<Asked>,
) -> Response {
    match read(&daemon, &who, &asked).await {
        Ok(Some(values)) => page(&who.frame(&daemon), PAGE, StatusCode::OK, values),
        Ok(None) => {
            let said = "还没有区划：请先导入区划表";
            say_in(&who.frame(&daemon), StatusCode::OK, said)
        }
        Err(error) => unavailable(&error),
    }
}

async fn read(daemon: &Daemon, who: &Who, asked: &Asked) -> Result<Option<Value>, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let (tree, today) = (record.area_tree().await?, record.today());
    let roster = everybody(&mut record).await?;
    let right = Right::SeeMissing;
    let Some(area) = chosen(&tree, right, &who.person, &asked.area) else {
        record.end().await?;
        return Ok(None);
    };
    let kind = DutyKind::read(&asked.kind).unwrap_or(DutyKind::Visit);
    let inside = areas_of(&tree, area);
    let late = asked.late == "yes";
    let before = match kind.missing_by(today) {
        Some(day) if !late => day.tomorrow().ok(),
        _ => late.then_some(today),
    };
    let mut found = record.missing_in(&inside, kind, before, &asked.after, SHOWN + 1).await?;
    let more = i64::try_from(found.len()).is_ok_and(|count| count > SHOWN);
    found.truncate(SHOWN as usize);
    let groups: Vec<&str> = found.iter().map(|one| one.group_id.as_str()).collect();
    let owners = owners_of(&mut record, &roster, &groups).await?;
    let unassigned = found.iter().any(|one| one.kind.lacks_visitor(one.role));
    let endings = record.dropped_in(&inside).await?;
    record.end().await?;
    let of_kind = (!is_apart(area)).then_some(kind);
    let mut bare = without_subjects(&daemon.pages, &tree, of_kind, late).await?;
    bare.villages.retain(|village| tree.is_in(&village.id, &area.id, false));
    let villages = match is_apart(area) {
        true => villages(daemon, area, late, &bare).await?,
        false => Vec::new(),
    };
    if is_apart(area) || !asked.after.is_empty() {
        bare.villages.clear();
    }
    let rest = [("kind", kind.code()), ("late", asked.late.as_str())];
    let query = |more: &[(&str, &str)]| {
        let all = [&[("area", area.id.as_str())], &rest[..], more].concat();
        with(MISSING, &all)
    };
    let on = found.last().filter(|_| more).map(|last| query(&[("after", &last.key)]));
    let bare = of_bare(&tree, &bare);
    let lines: Vec<Value> =
        found.iter().map(|one| line(one, &tree, &owners, today)).chain(bare).collect();
    let kinds: Vec<_> = DutyKind::ALL.iter().map(|one| (one.code(), one.chinese())).collect();
    Ok(Some(context! {
        area => ways(&tree, right, &who.person, area, MISSING, &rest), here => area.id, kinds, kind => kind.code(),
        title => kind.chinese(), late, lines, on, unassigned, villages, apart => is_apart(area), place => "missing",
        imports => Right::Import.is_held_by(&who.person),
        ended => endings.count(), endings => endings.to_string(), ends => Right::EndSubject.is_held_by(&who.person),
    }))
}

/// Whether an area is too large to be listed as a whole: what is its own is, and the rest is a step away.
fn is_apart(area: &Area) -> bool {
    matches!(area.kind, AreaKind::County | AreaKind::Town)
}

/// Of a branch or a village all that lies in it; of a town only what is its own.
fn areas_of<'t>(tree: &'t AreaTree, area: &'t Area) -> Vec<&'t str> {
    if is_apart(area) { vec![area.id.as_str()] } else { below(tree, area) }
}

/// The villages of a town by what is missing there, as it's counted: those first in which nothing is registered, then the most.
/// What isn't due yet isn't late.
async fn villages(
    daemon: &Daemon,
    area: &Area,
    late: bool,
    bare: &WithoutSubjects<'_>,
) -> Result<Vec<Value>, StoreError> {
    let (plan, today) = (daemon.pages.campaign(), daemon.store.context().clock.today());
    let is_asked = |kind| !late || plan.due_on(kind) < today;
    let (visits, classes) = (is_asked(DutyKind::Visit), is_asked(DutyKind::Classify));
    let left = |counts: &Counts| if visits { counts.subjects - counts.visited } else { 0 };
    let unclassified = |counts: &Counts| if classes { counts.unclassified } else { 0 };
    let missing = |counts: &Counts| left(counts) + counts.late + unclassified(counts);
    let figures = daemon.pages.figures_by_area().await?;
    let mut villages = figures.within(AreaKind::Village, Some(&area.id));
    villages.retain(|(id, line)| *id != area.id && missing(&line.counts) > 0);
    villages.sort_by_key(|(_, line)| std::cmp::Reverse(missing(&line.counts)));
    let to = |id: &str| with(MISSING, &[("area", id), ("late", if late { "yes" } else { "" })]);
    let village = |(id, line): (String, FiguresLine)| {
        let FiguresLine { name, counts } = line;
        context! {
            to => to(&id), name, left => left(&counts), late => counts.late, unclassified => unclassified(&counts),
        }
    };
    let bare_one = |one: &&Area| {
        let name = figures.tree().distinct_name(one);
        context! { to => to(&one.id), name, bare => true, late => bare.is_late }
    };
    Ok(bare.villages.iter().map(bare_one).chain(villages.into_iter().map(village)).collect())
}

/// Villages in which nothing is registered, as lines.
fn of_bare(tree: &AreaTree, bare: &WithoutSubjects<'_>) -> Vec<Value> {
    let (mark, word) = marked(bare.is_late);
    let line = |one: &&Area| {
        context! { area => tree.distinct_name(one), bare => true, mark, word, due => bare.due_on.to_string() }
    };
    bare.villages.iter().map(line).collect()
}

const fn marked(late: bool) -> (&'static str, &'static str) {
    if late { ("red", "▲ 超期") } else { ("yellow", "● 未到期") }
}

fn line(one: &Missing, tree: &AreaTree, owners: &Owners, today: Date) -> Value {
    let owner = told(owners, &one.group_id, one.kind, one.role);
    let (mark, word) = marked(one.due_on < today);
    context! {
        area => tree.get(&one.area_id).map(|area| area.name.clone()), subject => one.subject, name => one.subject_name,
        resident => one.resident, owner, mark, word, due => one.due_on.to_string(),
        to => one.subject.as_ref().map(|number| of(SUBJECTS, number)), issue => one.issue.as_ref().map(|number| context! { number, to => issue(number) }),
    }
}
