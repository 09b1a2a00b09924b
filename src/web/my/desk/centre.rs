//! What the centre sees to: referrals that wait for its review, those that wait for a person, issues that the platform refused, and
//! the workbooks for a portal that only people can use.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use minijinja::{Value, context};
use serde_json::json;

use super::debts::line;
use super::download::download;
use super::issue_lines::lines;
use crate::clock::local_text;
use crate::daemon::{Daemon, handoff_rules};
use crate::db::{DebtState, Handoff, StoreError};
use crate::domain::rights::Right;
use crate::platform::workbook::{file_name, written};
use crate::settings::Adapter;
use crate::web::my::frame::{page, say_in};
use crate::web::my::links::of;
use crate::web::my::who::{Posted, Who};
use crate::web::templates::CENTRE;
use crate::web::unavailable::unavailable;

/// So many of each are shown.
const SHOWN: i64 = 60;

/// GET /my/centre
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
) -> Response {
    match read(&daemon, &who).await {
        Ok(values) => page(&who.frame(&daemon), CENTRE, StatusCode::OK, values),
        Err(error) => unavailable(&error),
    }
}

async fn read(daemon: &Daemon, who: &Who) -> Result<Value, StoreError> {
    let platform = daemon.settings.platform.name.as_str();
    let standing = async |state| {
        let debts = daemon.pages.debts_standing(platform, state, SHOWN).await?;
        Ok::<_, StoreError>(debts.iter().map(line).collect::<Vec<Value>>())
    };
    let review = standing(DebtState::Review).await?;
    let held = standing(DebtState::Held).await?;
    let unknown = standing(DebtState::Unknown).await?;
    let mut record = daemon.pages.snapshot().await?;
    let ids = record.issues_sent_back(SHOWN).await?;
    let returned = lines(&mut record, &ids).await?;
    record.end().await?;
    let by_people = daemon.settings.platform.adapter == Adapter::Workbook;
    let handoffs = match by_people {
        true => daemon.pages.handoffs(SHOWN).await?,
        false => Vec::new(),
    };
    let handoff = |one: &Handoff| {
        let written = one.written_at.and_then(|at| Timestamp::from_millisecond(at).ok());
        context! {
            to => of("/my/centre/handoffs", &one.number.to_string()), file => file_name(one), rows => one.row_count,
            at => written.map(local_text),
        }
    };
    let handoffs: Vec<Value> = handoffs.iter().map(handoff).collect();
    let imports = Right::Import.is_held_by(&who.person);
    Ok(
        context! { platform, review, held, unknown, returned, handoffs, by_people, imports, place => "centre" },
    )
}

/// POST /my/centre/handoffs/{number}: the workbook with what is asked for in clear, which is written down first.
pub(super) async fn handoff(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    Posted { who, .. }: Posted,
) -> Response {
    let made = async {
        let found = daemon.pages.handoff(number.parse().unwrap_or_default()).await?;
        let Some(handoff) = found else { return Ok(None) };
        let rows = daemon.pages.handoff_dispatches(handoff.number).await?;
        let store = who.store(&daemon);
        let mut tx = store.begin().await?;
        let detail = json!({ "rows": rows.len() });
        tx.audit(&who.person.signed(), "write_handoff", &number, &detail).await?;
        tx.commit().await?;
        let bytes = written(&rows, &handoff_rules(&daemon.settings)).map_err(StoreError::Rule)?;
        Ok::<_, StoreError>(Some((file_name(&handoff), bytes)))
    };
    match made.await {
        Ok(Some((name, bytes))) => download(&name, bytes),
        Ok(None) => {
            let said = format!("没有第 {number} 号交接单");
            say_in(&who.frame(&daemon), StatusCode::NOT_FOUND, &said)
        }
        Err(StoreError::Rule(why)) => {
            say_in(&who.frame(&daemon), StatusCode::INTERNAL_SERVER_ERROR, &why)
        }
        Err(error) => unavailable(&error),
    }
}
