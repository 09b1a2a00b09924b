//! One issue: what was asked for, what happened to it, what happens next and when; and what this person may do with it. Who asked
//! for what is hidden, but to whoever acts on it; to see it is an act of its own, which is written down.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

use super::frame::{not_theirs, page};
use super::issue_shown::{Said, values, whole};
use super::links::{after, issue as link};
use super::visit_form::Wrong;
use super::who::{Fields, Posted, Who};
use super::words::on_a_page;
use crate::app::issue_acts::{Act, Acted, Doing, Mediated, act, glance};
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::domain::issue::{Category, Class, Level, Urgency};
use crate::domain::visit::Satisfaction;
use crate::intake::{Sort, clean};
use crate::web::templates::ISSUE;
use crate::web::unavailable::unavailable;

/// GET /my/issues/{number}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Response {
    shown(&daemon, &who, &number, StatusCode::OK, &Fields::default(), Said::default()).await
}

async fn shown(
    daemon: &Daemon,
    who: &Who,
    number: &str,
    status: StatusCode,
    fields: &Fields,
    said: Said,
) -> Response {
    match whole(daemon, who, number).await {
        Ok(Some(whole)) => match values(daemon, &whole, fields, said) {
            Ok(values) => page(&who.frame(daemon), ISSUE, status, values),
            Err(error) => unavailable(&error),
        },
        Ok(None) => not_theirs(&who.frame(daemon), "问题", number),
        Err(error) => unavailable(&error),
    }
}

/// POST /my/issues/{number}: what is done stands in the field `act`.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    Posted { who, fields, .. }: Posted,
) -> Response {
    if fields.text("act") == "reveal" {
        return reveal(&daemon, &who, &number, &fields).await;
    }
    let doing = match doing(&fields) {
        Ok(doing) => doing,
        Err(wrongs) => {
            let named = wrongs.into_iter().find(|wrong| !matches!(wrong.field, "act" | "version"));
            let asked = "请从页面上的按钮选择要做什么".to_owned();
            let wrong = named.map_or(asked, |wrong| format!("{}，请重新选择", wrong.text));
            let (status, said) = (StatusCode::BAD_REQUEST, Said { wrong, ..Said::default() });
            return shown(&daemon, &who, &number, status, &fields, said).await;
        }
    };
    let (status, said) = match act(&who.store(&daemon), &who.person, &number, &doing).await {
        Ok(Acted::Done | Acted::Again) => {
            // What it made owed needn't wait.
            daemon.wake_lanes();
            return Redirect::to(&after(&link(&number), doing.act.code())).into_response();
        }
        Ok(Acted::Stale) => (StatusCode::CONFLICT, Said { stale: true, ..Said::default() }),
        Ok(Acted::NotYours) => {
            let wrong = format!("您不能对这个问题{}，或者它现在不用{}", doing.act, doing.act);
            (StatusCode::FORBIDDEN, Said { wrong, ..Said::default() })
        }
        Ok(Acted::Not(problem)) => {
            let wrong = on_a_page(&problem.text);
            (StatusCode::UNPROCESSABLE_ENTITY, Said { wrong, ..Said::default() })
        }
        Err(StoreError::Rule(wrong)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Said { wrong: on_a_page(&wrong), ..Said::default() })
        }
        Err(error) => return unavailable(&error),
    };
    shown(&daemon, &who, &number, status, &fields, said).await
}

/// What is to be done, as its form says it, or what of that can't be read.
pub(crate) fn doing(fields: &Fields) -> Result<Doing, Vec<Wrong>> {
    let mut wrongs = Vec::new();
    let level = chosen(fields, "level", Level::read, &mut wrongs);
    let category = chosen(fields, "category", Category::read, &mut wrongs);
    let urgency = chosen(fields, "urgency", Urgency::read, &mut wrongs);
    let class = || Some(Class { level: level?, category: category?, urgency: urgency? });
    let act = chosen(fields, "act", Act::read, &mut wrongs);
    let day = |text: &str| text.parse().ok();
    let (on, follow_up_on) =
        (chosen(fields, "on", day, &mut wrongs), chosen(fields, "follow_up_on", day, &mut wrongs));
    // As a table's cells are cleaned; of what can't be, at least nothing that a screen obeys.
    let text = |name: &str| {
        let obeyed = |c: &char| c.is_control() && *c != '\n';
        let told = fields.text(name);
        clean(told, Sort::Free).unwrap_or_else(|_| told.chars().filter(|c| !obeyed(c)).collect())
    };
    let mediated = Mediated {
        on,
        mediator: text("mediator"),
        parties: text("parties"),
        agreement: text("agreement"),
        follow_up_on,
        of: chosen(fields, "of", day, &mut wrongs),
        kept: chosen(fields, "kept", kept, &mut wrongs),
    };
    let heard = chosen(fields, "heard", |text| text.parse().ok(), &mut wrongs);
    let version = chosen(fields, "version", |text| text.parse().ok(), &mut wrongs);
    let (Some(act), Some(version), true) = (act, version, wrongs.is_empty()) else {
        wrongs.extend(act.is_none().then(|| Wrong::of("act", "请写要做什么")));
        return Err(wrongs);
    };
    Ok(Doing {
        act,
        version,
        class: class(),
        said: text("said"),
        other: text("other").to_uppercase(),
        answer: chosen(fields, "answer", Satisfaction::read, &mut Vec::new()),
        mediated: Some(mediated),
        heard,
        shown: text("shown"),
        confirmed: fields.text("confirmed") == "yes",
    })
}

/// Whether an agreement is kept.
fn kept(text: &str) -> Option<bool> {
    match text {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// So much of what can't be read is shown again.
const LONGEST_SHOWN: usize = 30;

/// What a field says, where it says anything; what can't be read is wrong.
fn chosen<T>(
    fields: &Fields,
    field: &'static str,
    read: impl Fn(&str) -> Option<T>,
    wrongs: &mut Vec<Wrong>,
) -> Option<T> {
    let text = Some(fields.text(field)).filter(|text| !text.is_empty())?;
    let found = read(text);
    if found.is_none() {
        let shown: String = text.chars().take(LONGEST_SHOWN).collect();
        wrongs.push(Wrong::of(field, format!("「{shown}」不是这里可以填的")));
    }
    found
}

/// Shows all of it once, which is written down first.
async fn reveal(daemon: &Arc<Daemon>, who: &Who, number: &str, fields: &Fields) -> Response {
    let noted = async {
        let mut tx = who.store(daemon).begin().await?;
        let may = glance(&mut tx, &who.person, number).await?.is_some_and(|it| it.may_reveal);
        if may {
            tx.audit(&who.person.signed(), "reveal", number, &json!({})).await?;
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok::<_, StoreError>(may)
    };
    match noted.await {
        Ok(true) => {
            let said = Said { revealed: true, ..Said::default() };
            shown(daemon, who, number, StatusCode::OK, fields, said).await
        }
        Ok(false) => not_theirs(&who.frame(daemon), "问题", number),
        Err(error) => unavailable(&error),
    }
}
