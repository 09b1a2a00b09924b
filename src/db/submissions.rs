//! Forms that did something, by the id that each was shown with: sent again, they do nothing more and say the same.

use super::personal::SUBMISSION_SAID;
use super::{Result, Session, Tx};

/// A form that did something.
#[derive(Debug, Clone)]
pub struct Submission {
    pub staff_id: String,
    /// By which another form under the same id is told apart.
    pub content_key: String,
    /// What was said to whoever sent it.
    pub said: String,
}

impl Session {
    /// The form of that id, where it was sent before.
    pub async fn submission(&mut self, id: &str) -> Result<Option<Submission>> {
        let row: Option<(String, String, String)> = sqlx::query_as(
            "SELECT staff_id, content_key, said_sealed FROM submissions WHERE id = $1",
        )
        .bind(id.to_owned())
        .fetch_optional(&mut self.db)
        .await?;
        row.map(|(staff_id, content_key, sealed)| {
            let said = self.context.open(SUBMISSION_SAID, id, &sealed)?;
            Ok(Submission { staff_id, content_key, said })
        })
        .transpose()
    }
}

impl Tx {
    /// Forgets forms that were kept before an instant, at most `limit`; how many.
    pub async fn forget_submissions(&mut self, before: i64, limit: i64) -> Result<u64> {
        let gone = sqlx::query(
            "DELETE FROM submissions WHERE id IN (
               SELECT id FROM submissions WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
        )
        .bind(before)
        .bind(limit)
        .execute(&mut self.db)
        .await?;
        Ok(gone.rows_affected())
    }

    /// Keeps that a form did something.
    pub async fn put_submission(&mut self, id: &str, submission: &Submission) -> Result<()> {
        let (sealed, now) = (self.context.seal(SUBMISSION_SAID, id, &submission.said)?, self.now());
        sqlx::query(
            "INSERT INTO submissions (id, staff_id, content_key, said_sealed, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id.to_owned())
        .bind(submission.staff_id.clone())
        .bind(submission.content_key.clone())
        .bind(sealed)
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
