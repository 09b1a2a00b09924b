//! Assignments 责任田.

use serde::Serialize;

use super::personal::{OVERRIDDEN_BY, OVERRIDE_REASON};
use super::sets::Columns;
use super::{Result, Store, Tx};

/// An assignment to be added.
#[derive(Debug, Serialize)]
pub struct NewAssignment {
    pub id: String,
    pub subject_id: String,
    pub staff_id: String,
    pub created_at: i64,
}

impl Tx {
    /// Adds assignments.
    pub async fn add_assignments(&mut self, rows: &[NewAssignment]) -> Result<()> {
        let subjects: Vec<&str> = rows.iter().map(|row| row.subject_id.as_str()).collect();
        self.retally_around(&subjects).await?;
        let texts = ["id", "subject_id", "staff_id"];
        self.insert_set("assignments", &Columns { texts: &texts, numbers: &["created_at"] }, rows)
            .await
    }

    /// Gives a subject another visitor, on whose word and why.
    pub async fn override_assignment(
        &mut self,
        subject_id: &str,
        staff_id: &str,
        by: &str,
        reason: &str,
    ) -> Result<()> {
        self.retally_around(&[subject_id]).await?;
        let now = self.now();
        let of = "SELECT id FROM assignments WHERE subject_id = $1";
        let id: Option<String> = sqlx::query_scalar(of)
            .bind(subject_id.to_owned())
            .fetch_optional(&mut *self.db)
            .await?;
        let Some(id) = id else { return Ok(()) };
        sqlx::query(
            "UPDATE assignments SET staff_id = $1, overridden_by = $2, override_reason = $3, overridden_at = $4
             WHERE subject_id = $5",
        )
        .bind(staff_id.to_owned())
        .bind(self.context.seal(OVERRIDDEN_BY, &id, by)?)
        .bind(self.context.seal(OVERRIDE_REASON, &id, reason)?)
        .bind(now)
        .bind(subject_id.to_owned())
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}

impl Store {
    /// How many subjects lie in each area, as it's kept.
    pub async fn subjects_by_area(&self) -> Result<Vec<(String, i64)>> {
        Ok(sqlx::query_as(
            "SELECT of_id, CAST(SUM(total) AS BIGINT) FROM tallies
             WHERE dimension = 'area' AND name IN ('subjects', 'ended') AND total > 0 GROUP BY of_id",
        )
        .fetch_all(&self.read)
        .await?)
    }
}
