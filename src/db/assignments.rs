//! Assignments 责任田.

use serde::{Deserialize, Serialize};

use super::personal::{OVERRIDDEN_BY, OVERRIDE_REASON, STAFF_NAME};
use super::sets::Columns;
use super::staff::HAVE_LEFT;
use super::{Result, Session, Store, Tx};

/// An assignment to be added.
#[derive(Debug, Serialize)]
pub struct NewAssignment {
    pub id: String,
    pub subject_id: String,
    pub staff_id: String,
    pub created_at: i64,
}

#[derive(Deserialize)]
struct LeftRow {
    id: String,
    number: String,
    name: String,
    subjects: i64,
}

impl Session {
    /// Who left and still has subjects that are to be visited, as they sign, and how many.
    pub async fn left_behind(&mut self) -> Result<Vec<(String, i64)>> {
        // By the people: a plain join would begin at the subjects.
        let read = format!(
            "SELECT t.id, t.number, t.name, COUNT(*) AS subjects FROM staff t JOIN assignments a ON a.staff_id = t.id
             LEFT JOIN subjects s ON s.id = a.subject_id WHERE s.ended_on IS NULL AND {HAVE_LEFT}
             GROUP BY t.id, t.number, t.name ORDER BY t.number"
        );
        let rows: Vec<LeftRow> =
            self.read_rows(&["id", "number", "name", "subjects"], &read, &[]).await?;
        let signed = |row: LeftRow| {
            let name = self.context.open(STAFF_NAME, &row.id, &row.name)?;
            Ok((format!("{} {name}", row.number), row.subjects))
        };
        rows.into_iter().map(signed).collect()
    }
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
        let id: Option<String> =
            sqlx::query_scalar(of).bind(subject_id.to_owned()).fetch_optional(&mut self.db).await?;
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
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}

/// What lies in an area itself, and in none of those below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaHolds {
    pub area_id: String,
    /// Subjects that are to be visited, or were.
    pub subjects: i64,
    /// The same with those that ended unvisited, in whatever campaign: whether anything was ever registered.
    pub registered: i64,
    /// Of this campaign.
    pub issues: i64,
}

from_row!(AreaHolds { area_id, subjects, registered, issues });

impl Store {
    /// What lies in each area in which anything does, as it's kept.
    pub async fn held_by_areas(&self) -> Result<Vec<AreaHolds>> {
        Ok(sqlx::query_as(
            "SELECT of_id AS area_id, CAST(SUM(CASE WHEN name = 'subjects' THEN total ELSE 0 END) AS BIGINT) AS subjects,
               CAST(SUM(CASE WHEN name = 'issues' THEN 0 ELSE total END) AS BIGINT) AS registered,
               CAST(SUM(CASE WHEN name = 'issues' THEN total ELSE 0 END) AS BIGINT) AS issues
             FROM tallies WHERE dimension = 'area' AND total > 0
               AND (name IN ('subjects', 'ended') OR name = 'issues' AND campaign = $1) GROUP BY of_id",
        )
        .bind(self.campaign().code.clone())
        .fetch_all(&self.read)
        .await?)
    }
}
