//! Reads the plans that were applied, by whichever process.

use std::sync::Arc;

use super::connection::Connection;
use super::{Result, StoreError};
use crate::domain::campaign::Campaign;
use crate::domain::obligations::Plans;

/// All of them; none where none was applied yet.
pub(super) async fn all(db: &mut Connection) -> Result<Option<Plans>> {
    let read = sqlx::query_as("SELECT applied_at, body FROM plans ORDER BY version");
    let rows: Vec<(i64, String)> = read.fetch_all(db).await?;
    let mut plans: Option<Plans> = None;
    for (at, body) in rows {
        let plan = Arc::new(read_plan(body)?);
        plans = Some(match plans {
            None => Plans::first(at, plan),
            Some(plans) => plans.followed_by(at, plan),
        });
    }
    Ok(plans)
}

/// What a turn goes by, whichever process changed it: all plans where these aren't all, and the fingerprint of the key.
pub(super) async fn others(
    db: &mut Connection,
    known: &Plans,
) -> Result<(Option<Plans>, Option<String>)> {
    let read =
        "SELECT (SELECT MAX(version) FROM plans), (SELECT value FROM meta WHERE name = 'key')";
    let (last, key): (Option<i64>, Option<String>) =
        sqlx::query_as(read).fetch_one(&mut *db).await?;
    let plans =
        if last.is_none_or(|last| last == known.version()) { None } else { all(db).await? };
    Ok((plans, key))
}

/// A plan as it was applied.
fn read_plan(body: String) -> Result<Campaign> {
    serde_json::from_str(&body).map_err(|_| StoreError::Corrupt { what: "plans.body", value: body })
}
