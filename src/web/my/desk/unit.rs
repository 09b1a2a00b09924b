//! What a unit of the town answers for: the issues that were passed on to it, the nearest first; each is answered on its page.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use serde::Deserialize;

use super::issue_lines::lines;
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::web::my::frame::page;
use crate::web::my::who::Who;
use crate::web::templates::UNIT;
use crate::web::unavailable::unavailable;

/// So many are shown.
const SHOWN: i64 = 200;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// Those that are done.
    #[serde(default)]
    done: String,
}

/// GET /my/unit
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(Asked { done }): Query<Asked>,
) -> Response {
    match read(&daemon, &who, done == "yes").await {
        Ok(values) => page(&who.frame(&daemon), UNIT, StatusCode::OK, values),
        Err(error) => unavailable(&error),
    }
}

async fn read(daemon: &Daemon, who: &Who, done: bool) -> Result<Value, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let tree = record.area_tree().await?;
    let areas: Vec<&str> = tree.all().map(|area| area.id.as_str()).collect();
    let mut units: Vec<(String, Vec<Value>)> = Vec::new();
    for (unit, department) in record.departments().await? {
        if who.person.is_of_unit(&unit) {
            let ids = record.issues_of_unit(&areas, &department.staff_id, done, SHOWN).await?;
            units.push((unit, lines(&mut record, &ids).await?));
        }
    }
    record.end().await?;
    units.sort_by(|(one, _), (other, _)| one.cmp(other));
    let units: Vec<Value> =
        units.into_iter().map(|(unit, lines)| context! { unit, lines }).collect();
    Ok(context! { units, done, most => SHOWN, place => "unit" })
}
