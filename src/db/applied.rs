//! Reads the plans that were applied, by whichever process.

use std::sync::Arc;

use sqlx::AnyConnection;

use super::{Result, StoreError};
use crate::domain::campaign::Campaign;
use crate::domain::obligations::Plans;

/// All of them; none where none was applied yet.
pub(super) async fn all(db: &mut AnyConnection) -> Result<Option<Plans>> {
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

/// All of them where these aren't all.
pub(super) async fn others(db: &mut AnyConnection, known: &Plans) -> Result<Option<Plans>> {
    let read = sqlx::query_scalar("SELECT MAX(version) FROM plans");
    let last: Option<i64> = read.fetch_one(&mut *db).await?;
    if last.is_none_or(|last| last == known.version()) { Ok(None) } else { all(db).await }
}

/// A plan as it was applied.
fn read_plan(body: String) -> Result<Campaign> {
    serde_json::from_str(&body).map_err(|_| StoreError::Corrupt { what: "plans.body", value: body })
}
