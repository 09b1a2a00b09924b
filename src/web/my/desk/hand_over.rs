//! What one person visits is given to another, several subjects at once and for one reason: somebody falls ill, moves away or
//! leaves. As `zoufang reassign` has it; each stands in the audit. A household's name is masked.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;

use super::once::{is_first, version};
use super::subjects::here;
use crate::app::assignments::reassign_all;
use crate::app::people::People;
use crate::daemon::Daemon;
use crate::db::{Assigned, Session, StoreError};
use crate::domain::mask;
use crate::domain::rights::Right;
use crate::domain::staff::StaffMember;
use crate::domain::subject::SubjectKind;
use crate::web::my::frame::{not_theirs, page};
use crate::web::my::links::{after, of};
use crate::web::my::routes::{PEOPLE, SUBJECTS};
use crate::web::my::who::{Fields, Posted, Who};
use crate::web::my::words::{NOTED, on_a_page};
use crate::web::templates::HAND_OVER as PAGE;
use crate::web::unavailable::unavailable;

/// So many are given at once: no turn is long.
const MOST: usize = 300;
/// How the field of a subject's tick begins.
const TICK: &str = "of:";

/// What somebody visits, as far as whoever asks may give it to somebody else.
struct Field {
    of: StaffMember,
    subjects: Vec<Assigned>,
    more: usize,
}

impl Field {
    /// Which they are, as one mark: what was ticked was ticked among these.
    fn mark(&self) -> String {
        version(&self.subjects.iter().map(|one| &one.number).collect::<Vec<_>>())
    }

    /// Those that were ticked, or all.
    fn chosen(&self, fields: &Fields) -> Vec<&str> {
        let is_ticked = |one: &&Assigned| {
            fields.text("which") == "all" || fields.text(&format!("{TICK}{}", one.number)) == "yes"
        };
        self.subjects.iter().filter(is_ticked).map(|one| one.number.as_str()).collect()
    }
}

/// Nothing where nobody has that number, or nothing of what they visit is in this person's hands.
async fn field(
    session: &mut Session,
    who: &Who,
    number: &str,
) -> Result<Option<Field>, StoreError> {
    let tree = session.area_tree().await?;
    let Some(of) = session.staff_numbered(number).await? else { return Ok(None) };
    let mut subjects = session.assigned_to(&of.id).await?;
    subjects.retain(|one| Right::Reassign.is_of(&who.person, &tree, Some(&one.area_id)));
    let more = subjects.len().saturating_sub(MOST);
    subjects.truncate(MOST);
    Ok((!subjects.is_empty()).then_some(Field { of, subjects, more }))
}

/// GET /my/people/{number}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Response {
    shown(&daemon, &who, &number, StatusCode::OK, &Fields::default(), ("", false)).await
}

async fn shown(
    daemon: &Daemon,
    who: &Who,
    number: &str,
    status: StatusCode,
    fields: &Fields,
    (wrong, stale): (&str, bool),
) -> Response {
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let (found, tree) = (field(&mut record, who, number).await?, record.area_tree().await?);
        record.end().await?;
        Ok::<_, StoreError>((found, tree, daemon.pages.staff().await?))
    };
    let (field, tree, mut staff) = match read.await {
        Ok((Some(field), tree, staff)) => (field, tree, staff),
        Ok((None, ..)) => return not_theirs(&who.frame(daemon), "走访人员", number),
        Err(error) => return unavailable(&error),
    };
    staff.retain(|person| person.id != field.of.id);
    let line = |one: &Assigned| {
        let is_household = one.kind == SubjectKind::Household.chinese();
        let tick = format!("{TICK}{}", one.number);
        context! {
            name => if is_household { mask::name(&one.name) } else { one.name.clone() }, number => one.number,
            to => of(SUBJECTS, &one.number), area => tree.get(&one.area_id).map(|area| area.name.clone()),
            left => one.is_left(), ended => one.ended_on, ticked => fields.text(&tick) == "yes", tick,
        }
    };
    let lines: Vec<_> = field.subjects.iter().map(line).collect();
    let values = context! {
        of => field.of.signed(), lines, more => field.more, most => MOST, people => here(&staff), wrong, stale,
        f => fields.0, seen => field.mark(), form => daemon.store.context().secret(), place => "people",
    };
    page(&who.frame(daemon), PAGE, status, values)
}

/// What became of a form.
enum Done {
    Yes,
    Stale,
    NotTheirs,
}

/// POST /my/people/{number}
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    Posted { who, fields }: Posted,
) -> Response {
    let (status, wrong, stale) = match give(&daemon, &who, &number, &fields).await {
        Ok(Done::Yes) => return Redirect::to(&after(PEOPLE, NOTED)).into_response(),
        Ok(Done::NotTheirs) => return not_theirs(&who.frame(&daemon), "走访人员", &number),
        Ok(Done::Stale) => (StatusCode::CONFLICT, String::new(), true),
        Err(StoreError::Rule(wrong)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, on_a_page(&wrong), false)
        }
        Err(error) => return unavailable(&error),
    };
    shown(&daemon, &who, &number, status, &fields, (&wrong, stale)).await
}

async fn give(
    daemon: &Daemon,
    who: &Who,
    number: &str,
    fields: &Fields,
) -> Result<Done, StoreError> {
    let mut tx = who.store(daemon).begin().await?;
    if !is_first(&mut tx, &who.person, fields).await? {
        tx.rollback().await?;
        return Ok(Done::Yes);
    }
    let Some(field) = field(&mut tx, who, number).await? else {
        tx.rollback().await?;
        return Ok(Done::NotTheirs);
    };
    if field.mark() != fields.text("seen") {
        tx.rollback().await?;
        return Ok(Done::Stale);
    }
    let chosen = field.chosen(fields);
    if chosen.is_empty() {
        let wrong = "请勾选要交给别人的走访对象，或者选「全部」";
        return Err(StoreError::Rule(wrong.to_owned()));
    }
    let people = People::new(tx.staff().await?);
    let to = people.find_typed(fields.text("visitor")).map_err(StoreError::Rule)?;
    let by = who.person.signed();
    reassign_all(&mut tx, &chosen, &to.id, &by, fields.text("words")).await?;
    tx.commit().await?;
    Ok(Done::Yes)
}
