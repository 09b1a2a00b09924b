//! Reports of a breach of discipline (四(二)): the inspection group's alone. What they say is shown as an act of its own, which is
//! written down.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use serde_json::json;

use super::once::is_first;
use crate::app::breaches;
use crate::daemon::Daemon;
use crate::db::{Breach, NewBreach, StoreError};
use crate::domain::breach::BreachKind;
use crate::web::my::frame::page;
use crate::web::my::links::after;
use crate::web::my::routes::BREACHES;
use crate::web::my::who::{Fields, Posted, Who};
use crate::web::my::words::{NOTED, on_a_page};
use crate::web::templates::BREACHES as PAGE;
use crate::web::unavailable::unavailable;

/// GET /my/breaches
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
) -> Response {
    shown(&daemon, &who, StatusCode::OK, &Fields::default(), ("", false)).await
}

async fn shown(
    daemon: &Daemon,
    who: &Who,
    status: StatusCode,
    fields: &Fields,
    (wrong, reads): (&str, bool),
) -> Response {
    let breaches = match daemon.pages.breaches().await {
        Ok(breaches) => breaches,
        Err(error) => return unavailable(&error),
    };
    let lines: Vec<Value> = breaches.iter().map(|breach| line(breach, reads)).collect();
    let kinds: Vec<_> = BreachKind::ALL.iter().map(|one| (one.code(), one.chinese())).collect();
    let context = daemon.store.context();
    let values = context! {
        lines, kinds, reads, wrong, f => fields.0, form => context.secret(), today => context.clock.today().to_string(),
        place => "breaches",
    };
    page(&who.frame(daemon), PAGE, status, values)
}

fn line(breach: &Breach, reads: bool) -> Value {
    let said = |text: Option<&String>| text.cloned().filter(|_| reads);
    context! {
        number => breach.number, kind => breach.kind.chinese(), on => breach.happened_on, area => breach.area,
        closed => breach.closed, text => said(Some(&breach.text)), about => said(breach.about.as_ref()),
        reporter => said(breach.reporter.as_ref()), result => said(breach.result.as_ref()),
    }
}

/// POST /my/breaches: what is done stands in the field `act`.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Posted { who, fields }: Posted,
) -> Response {
    let act = fields.text("act");
    let done = async {
        let store = who.store(&daemon);
        let mut tx = store.begin().await?;
        match act {
            "read" => {
                let by = who.person.signed();
                tx.audit(&by, "read_breaches", "breaches", &json!({})).await?;
            }
            "record" => {
                let new = new_breach(&fields)?;
                if !is_first(&mut tx, &who.person, &fields).await? {
                    return tx.rollback().await;
                }
                breaches::record(&mut tx, &new, &who.person.numbered()).await?;
            }
            "close" => {
                let (number, result) = (fields.text("number"), fields.text("result"));
                if result.is_empty() {
                    return Err(StoreError::Rule("请写核实结果".to_owned()));
                }
                breaches::close(&mut tx, number, result, &who.person.numbered()).await?;
            }
            _ => return Err(StoreError::Rule("请从页面上的按钮选择要做什么".to_owned())),
        }
        tx.commit().await
    };
    match done.await {
        Ok(()) if act == "read" => shown(&daemon, &who, StatusCode::OK, &fields, ("", true)).await,
        Ok(()) => {
            daemon.wake_lanes();
            Redirect::to(&after(BREACHES, NOTED)).into_response()
        }
        Err(StoreError::Rule(wrong)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            shown(&daemon, &who, status, &fields, (&on_a_page(&wrong), false)).await
        }
        Err(error) => unavailable(&error),
    }
}

fn new_breach(fields: &Fields) -> Result<NewBreach, StoreError> {
    let wrong = |said: &str| StoreError::Rule(said.to_owned());
    let optional = |name: &str| Some(fields.text(name).to_owned()).filter(|text| !text.is_empty());
    Ok(NewBreach {
        kind: BreachKind::read(fields.text("kind")).ok_or_else(|| wrong("请选是哪一类"))?,
        happened_on: fields.text("on").parse().map_err(|_| wrong("请选发生的日期"))?,
        area: optional("area").ok_or_else(|| wrong("请写是哪个村"))?,
        text: optional("text").ok_or_else(|| wrong("请写反映的内容"))?,
        about: optional("about"),
        reporter: optional("reporter"),
    })
}
