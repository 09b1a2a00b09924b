//! Which subjects aren't to be visited any more, and one subject: it ends, comes back, or gets its visitor. As `zoufang subject` and
//! `zoufang reassign` have it. A household's name is masked.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use serde::Deserialize;

use super::once::{is_first, version};
use super::scope::{below, chosen, ways};
use crate::app::assignments::{give, visitor_of};
use crate::app::endings::{StateOf, ToldState, put_one};
use crate::app::people::People;
use crate::app::told::Told;
use crate::daemon::Daemon;
use crate::db::{Area, EndedSubject, Session, StoreError, SubjectSheet};
use crate::domain::area::AreaKind;
use crate::domain::rights::Right;
use crate::domain::staff::StaffMember;
use crate::domain::subject::{Endings, SubjectState};
use crate::web::my::frame::{not_theirs, page, say_in};
use crate::web::my::links::{self, after, of};
use crate::web::my::routes::{PEOPLE, SUBJECTS};
use crate::web::my::who::{Fields, Posted, Who};
use crate::web::my::words::{NOTED, on_a_page};
use crate::web::templates::{SUBJECT as PAGE, SUBJECTS as LIST};
use crate::web::unavailable::unavailable;

/// So many are shown.
const SHOWN: usize = 500;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    area: String,
    /// Only what is that area's own.
    #[serde(default)]
    own: String,
    /// A subject's number, to go there.
    #[serde(default)]
    number: String,
}

/// GET /my/subjects
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(asked): Query<Asked>,
) -> Response {
    if !asked.number.trim().is_empty() {
        return Redirect::to(&of(SUBJECTS, asked.number.trim())).into_response();
    }
    match listed(&daemon, &who, &asked).await {
        Ok(Some(values)) => page(&who.frame(&daemon), LIST, StatusCode::OK, values),
        Ok(None) => say_in(&who.frame(&daemon), StatusCode::OK, "还没有区划：请先导入区划表"),
        Err(error) => unavailable(&error),
    }
}

async fn listed(daemon: &Daemon, who: &Who, asked: &Asked) -> Result<Option<Value>, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let tree = record.area_tree().await?;
    let Some(area) = chosen(&tree, Right::EndSubject, &who.person, &asked.area) else {
        record.end().await?;
        return Ok(None);
    };
    let own = asked.own == "yes";
    let areas = if own { vec![area.id.as_str()] } else { below(&tree, area) };
    let mut ended = record.ended_in(&areas).await?;
    record.end().await?;
    let (mut endings, mut dropped) = (Endings::default(), Endings::default());
    ended.iter().for_each(|one| endings.add(one.ended.why));
    let starts_on = daemon.pages.campaign().starts_on();
    let of_now = ended.iter().filter(|one| one.is_dropped(starts_on));
    of_now.for_each(|one| dropped.add(one.ended.why));
    ended.sort_by_key(|one| std::cmp::Reverse(one.ended.on));
    let more = ended.len().saturating_sub(SHOWN);
    let line = |one: &EndedSubject| {
        let area = tree.get(&one.area_id).map(|area| area.name.clone());
        context! {
            to => of(SUBJECTS, &one.number), number => one.number, name => one.name, area,
            why => one.ended.why.chinese(), on => one.ended.on.to_string(), seen => one.seen.chinese(),
        }
    };
    let lines: Vec<Value> = ended.iter().take(SHOWN).map(line).collect();
    Ok(Some(context! {
        area => ways(&tree, Right::EndSubject, &who.person, area, SUBJECTS, &[]), lines, more, endings => endings.to_string(),
        whole => endings.count(), dropped => dropped.count(), why_dropped => dropped.to_string(), own, place => "subjects",
    }))
}

/// One subject as whoever may change it sees it.
struct Own {
    sheet: SubjectSheet,
    /// How its area is called.
    area: String,
    /// Who visits it: their id.
    visitor: Option<String>,
    /// Whether this person may say who visits it: of one that nobody visits, whoever answers for it may.
    gives: bool,
}

impl Own {
    /// How it stands, as one mark.
    fn mark(&self) -> String {
        let ended = self.sheet.standing.ended.map(|ended| (ended.why.code(), ended.on));
        version(&(ended, &self.visitor))
    }
}

/// The one of that number, where it's theirs to change.
async fn own(session: &mut Session, who: &Who, number: &str) -> Result<Option<Own>, StoreError> {
    let tree = session.area_tree().await?;
    let Some(sheet) = session.subject_sheet(number).await? else { return Ok(None) };
    let may = |right: Right| right.is_of(&who.person, &tree, Some(&sheet.area_id));
    if !may(Right::EndSubject) {
        return Ok(None);
    }
    let village = |area: &&Area| matches!(area.kind, AreaKind::Village | AreaKind::Town);
    let area = tree.upward(&sheet.area_id).find(village).map(|area| area.name.clone());
    let visitor = visitor_of(session, number).await?;
    let gives = visitor.is_none() || may(Right::Reassign);
    Ok(Some(Own { sheet, area: area.unwrap_or_default(), visitor, gives }))
}

/// GET /my/subjects/{number}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Response {
    one(&daemon, &who, &number, StatusCode::OK, &Fields::default(), ("", false)).await
}

async fn one(
    daemon: &Daemon,
    who: &Who,
    number: &str,
    status: StatusCode,
    fields: &Fields,
    (wrong, stale): (&str, bool),
) -> Response {
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let found = own(&mut record, who, number).await?;
        record.end().await?;
        Ok::<_, StoreError>((found, daemon.pages.staff().await?))
    };
    let (own, staff) = match read.await {
        Ok((Some(own), staff)) => (own, staff),
        Ok((None, _)) => return not_theirs(&who.frame(daemon), "走访对象", number),
        Err(error) => return unavailable(&error),
    };
    let context = daemon.store.context();
    let whys: Vec<_> = SubjectState::endings().map(|why| (why.code(), why.chinese())).collect();
    let sheet = &own.sheet;
    let ended = sheet.standing.ended.map(|ended| {
        context! { why => ended.why.chinese(), on => ended.on.to_string(), words => sheet.words }
    });
    let visitor = staff.iter().find(|person| own.visitor.as_ref() == Some(&person.id));
    let values = context! {
        number => sheet.number, kind => sheet.kind.map(|kind| kind.chinese()), name => sheet.name, area => own.area,
        ended, whys, open => sheet.open_issues, seen => own.mark(), wrong, stale, f => fields.0,
        visitor => visitor.map(StaffMember::signed), people => own.gives.then(|| here(&staff)),
        all_of_theirs => visitor.filter(|_| own.gives).map(|of| links::of(PEOPLE, &of.number)),
        form => context.secret(), today => context.clock.today().to_string(), place => "subjects",
    };
    page(&who.frame(daemon), PAGE, status, values)
}

/// Who may be given a subject: number and name.
pub(super) fn here(staff: &[StaffMember]) -> Vec<(&str, &str)> {
    let here = staff.iter().filter(|person| !person.has_left());
    here.map(|person| (person.number.as_str(), person.name.as_str())).collect()
}

/// POST /my/subjects/{number}: what is done stands in the field `act`.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    Posted { who, fields }: Posted,
) -> Response {
    let done = async {
        let told = told(&fields)?;
        let store = who.store(&daemon);
        let mut tx = store.begin().await?;
        let Some(own) = own(&mut tx, &who, &number).await? else {
            tx.rollback().await?;
            return Ok(None);
        };
        if !is_first(&mut tx, &who.person, &fields).await? {
            tx.rollback().await?;
            return Ok(Some(true));
        }
        if own.mark() != fields.text("seen") {
            tx.rollback().await?;
            return Ok(Some(false));
        }
        let by = who.person.signed();
        match told {
            Doing::State(told) => {
                let row = StateOf { subject_number: number.clone(), told };
                put_one(&mut tx, row, (&who.person, &by)).await?;
            }
            Doing::Give { visitor, reason } if own.gives => {
                let people = People::new(tx.staff().await?);
                let visitor = people.find_typed(&visitor).map_err(StoreError::Rule)?;
                give(&mut tx, &number, visitor, &by, &reason).await?;
            }
            Doing::Give { .. } => {
                let whose = Right::Reassign.roles_in_words();
                let text = format!("更换走访人要由{whose}来做，请向他们说明");
                return Err(StoreError::Rule(text));
            }
        }
        tx.commit().await?;
        Ok::<_, StoreError>(Some(true))
    };
    let (status, wrong, stale) = match done.await {
        Ok(Some(true)) => {
            return Redirect::to(&after(&of(SUBJECTS, &number), NOTED)).into_response();
        }
        Ok(Some(false)) => (StatusCode::CONFLICT, String::new(), true),
        Ok(None) => return not_theirs(&who.frame(&daemon), "走访对象", &number),
        Err(StoreError::Rule(wrong)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, on_a_page(&wrong), false)
        }
        Err(error) => return unavailable(&error),
    };
    one(&daemon, &who, &number, status, &fields, (&wrong, stale)).await
}

/// What is to be done with a subject.
enum Doing {
    State(ToldState),
    /// By number or name who visits it.
    Give {
        visitor: String,
        reason: String,
    },
}

fn told(fields: &Fields) -> Result<Doing, StoreError> {
    let wrong = |said: &str| StoreError::Rule(said.to_owned());
    let words = fields.text("words").to_owned();
    if fields.text("act") == "give" {
        return Ok(Doing::Give { visitor: fields.text("visitor").to_owned(), reason: words });
    }
    if words.is_empty() {
        return Err(wrong("请写明情况，会记入审计"));
    }
    let words = Told::Is(words);
    let told = match fields.text("act") {
        "end" => {
            let why = SubjectState::read(fields.text("why")).filter(|why| why.is_ended());
            let why = why.ok_or_else(|| wrong("请选为什么不再走访"))?;
            let on = fields.text("on").parse().map_err(|_| wrong("请选自哪天起不再走访"))?;
            ToldState { state: Told::Is(why), on: Some(on), words }
        }
        "resume" => ToldState { state: Told::Is(SubjectState::InPlace), on: None, words },
        _ => return Err(wrong("请从页面上的按钮选择要做什么")),
    };
    Ok(Doing::State(told))
}
