//! The second thing that whoever signs in shows: its secret, sealed. Instants are real time.

use super::personal::SECOND_SECRET;
use super::{Result, Session, Tx};

/// A person's second factor.
#[derive(Clone)]
pub struct SecondFactor {
    /// Its bytes, as base 64.
    pub secret: String,
    /// Whether a first code was given: until then it's asked of nobody.
    pub confirmed: bool,
    /// The last step of time whose code was taken.
    pub last_step: i64,
}

impl std::fmt::Debug for SecondFactor {
    /// Secret: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactor").field("confirmed", &self.confirmed).finish_non_exhaustive()
    }
}

impl Session {
    /// A person's second factor, if they began with one.
    pub async fn second_factor(&mut self, staff_id: &str) -> Result<Option<SecondFactor>> {
        let row: Option<(String, Option<i64>, i64)> = sqlx::query_as(
            "SELECT secret_sealed, confirmed_at, last_step FROM second_factors WHERE staff_id = $1",
        )
        .bind(staff_id.to_owned())
        .fetch_optional(&mut self.db)
        .await?;
        let opened = |(sealed, confirmed_at, last_step): (String, Option<i64>, i64)| {
            let secret = self.context.open(SECOND_SECRET, staff_id, &sealed)?;
            Ok(SecondFactor { secret, confirmed: confirmed_at.is_some(), last_step })
        };
        row.map(opened).transpose()
    }
}

impl Tx {
    /// Begins a second factor in the place of one that was there.
    pub async fn begin_second_factor(&mut self, staff_id: &str, secret: &str) -> Result<()> {
        let sealed = self.context.seal(SECOND_SECRET, staff_id, secret)?;
        sqlx::query(
            "INSERT INTO second_factors (staff_id, secret_sealed, confirmed_at, last_step) VALUES ($1, $2, NULL, 0)
             ON CONFLICT (staff_id) DO UPDATE SET secret_sealed = $2, confirmed_at = NULL, last_step = 0",
        )
        .bind(staff_id.to_owned())
        .bind(sealed)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// A code of this step was given, and is good no more.
    pub async fn take_second_factor(&mut self, staff_id: &str, step: i64, now: i64) -> Result<()> {
        sqlx::query(
            "UPDATE second_factors SET last_step = $1, confirmed_at = COALESCE(confirmed_at, $2) WHERE staff_id = $3",
        )
        .bind(step)
        .bind(now)
        .bind(staff_id.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Takes a person's second factor away. Whether there was one.
    pub async fn end_second_factor(&mut self, staff_id: &str) -> Result<bool> {
        let ended = sqlx::query("DELETE FROM second_factors WHERE staff_id = $1")
            .bind(staff_id.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(ended.rows_affected() > 0)
    }
}
