//! What a unit of the town answers for: the issues of its categories, the nearest first; each is answered on its page.

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
    let plan = record.campaign().clone();
    let mut units: Vec<Value> = Vec::new();
    for unit in who.person.units() {
        // As the right over an issue has it: by its class and the plan in effect, whenever it was classified.
        let own = plan.categories_of(unit);
        let categories: Vec<&str> = own.iter().map(|category| category.code()).collect();
        let ids = record.issues_of_categories(&categories, done, SHOWN).await?;
        let names: Vec<&str> = own.iter().map(|category| category.chinese()).collect();
        let lines = lines(&mut record, &ids).await?;
        units.push(context! { unit, categories => names.join("、"), lines });
    }
    record.end().await?;
    Ok(context! { units, done, most => SHOWN, place => "unit" })
}
