//! Whoever stands in for somebody who is away sees and does what that one could, in their place, for as long as they're away. Which
//! of them is in a cookie, which gives nothing: that they stand in is read from the record each time.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

use super::frame::say_in;
use super::routes::TASKS;
use super::who::{Posted, set_place_cookie};
use crate::app::absences::stood_in_for;
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::web::unavailable::unavailable;

/// POST /my/stand-in: for whom, by number; without one, for oneself again.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    headers: HeaderMap,
    Posted { who, fields }: Posted,
) -> Response {
    let number = fields.text("number");
    let found = async {
        let mut tx = who.store(&daemon).begin().await?;
        let all = stood_in_for(&mut tx, &who.own).await?;
        let found = all.into_iter().find(|(absent, _)| absent.number == number);
        match &found {
            Some((absent, until)) => {
                let detail = json!({ "until": until });
                tx.audit(&who.own.signed(), "stand_in", &absent.number, &detail).await?;
                tx.commit().await?;
            }
            None => tx.rollback().await?,
        }
        Ok::<_, StoreError>(found)
    };
    let id = match found.await {
        Ok(Some((absent, _))) => absent.id,
        Ok(None) if number.is_empty() => String::new(),
        Ok(None) => {
            let said = format!("「{number}」今天没有请假，或者不由您代办：请回到「我的任务」查看");
            return say_in(&who.frame(&daemon), StatusCode::NOT_FOUND, &said);
        }
        Err(error) => return unavailable(&error),
    };
    let set = set_place_cookie(&headers, &daemon, &id);
    ([(header::SET_COOKIE, set)], Redirect::to(TASKS)).into_response()
}
