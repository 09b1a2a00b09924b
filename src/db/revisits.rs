//! Residents who can be visited again.

use super::personal::RESIDENT_NAME;
use super::{Result, Store};

/// A resident who can be visited again: all of their issues are resolved.
#[derive(Debug, Clone)]
pub struct RevisitDue {
    pub subject_number: String,
    pub resident: String,
    pub staff_number: String,
    /// How many issues wait for their answer, and the highest round among them.
    pub resolved: i64,
    pub round: i64,
}

impl Store {
    /// The residents who owe us an answer and can give it now, at most `limit`.
    pub async fn revisits_due(&self, limit: i64) -> Result<Vec<RevisitDue>> {
        let rows: Vec<(String, String, String, String, i64, i64)> = sqlx::query_as(
            "SELECT s.number, r.id, r.name_sealed, f.number,
               COUNT(CASE WHEN i.state = 'resolved' THEN 1 END), COALESCE(MAX(i.round), 1)
             FROM duties d JOIN duty_groups b ON b.id = d.group_id JOIN residents r ON r.id = d.resident_id
             JOIN subjects s ON s.id = d.subject_id JOIN staff f ON f.id = b.staff_id LEFT JOIN issues i ON i.resident_id = r.id
             WHERE d.kind = 'revisit' AND d.state = 'open'
             GROUP BY d.id, s.number, r.id, r.name_sealed, f.number
             HAVING COUNT(CASE WHEN i.state NOT IN ('resolved', 'closed', 'void') THEN 1 END) = 0
             ORDER BY s.number, d.id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(subject_number, id, resident, staff_number, resolved, round)| {
                let resident = self.context.open(RESIDENT_NAME, &id, &resident)?;
                Ok(RevisitDue { subject_number, resident, staff_number, resolved, round })
            })
            .collect()
    }

    /// Who visits what: each subject's number with its visitor's.
    pub async fn visitors(&self) -> Result<Vec<(String, String)>> {
        Ok(sqlx::query_as(
            "SELECT s.number, f.number FROM assignments a JOIN subjects s ON s.id = a.subject_id
             JOIN staff f ON f.id = a.staff_id ORDER BY s.number",
        )
        .fetch_all(&self.read)
        .await?)
    }
}
