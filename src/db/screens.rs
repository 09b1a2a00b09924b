//! 大屏链接: the addresses by which televisions show the wall chart. Each is kept as a digest under the key, until somebody ends it.

use super::{Context, Result, Session, Tx, instant};
use jiff::Timestamp;

/// An address that was given.
#[derive(Debug, Clone)]
pub struct Screen {
    pub number: i64,
    /// Where it hangs.
    pub place: String,
    /// The number of whoever gave it.
    pub by: String,
    pub created_at: Timestamp,
    pub ended: bool,
}

struct Row {
    number: i64,
    place: String,
    by_number: String,
    created_at: i64,
    ended_at: Option<i64>,
}

from_row!(Row { number, place, by_number, created_at, ended_at });

impl Context {
    fn screen_hash(&self, token: &str) -> String {
        self.sealer.index(&["screen", token])
    }
}

impl Session {
    /// Whether the address with this secret shows anything.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn is_screen(&mut self, token: &str) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT number FROM screens WHERE token_hash = $1 AND ended_at IS NULL",
        )
        .bind(self.context.screen_hash(token))
        .fetch_optional(&mut self.db)
        .await?;
        Ok(found.is_some())
    }

    /// All that were given, the newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn screens(&mut self) -> Result<Vec<Screen>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT c.number, c.place, s.number AS by_number, c.created_at, c.ended_at
             FROM screens c JOIN staff s ON s.id = c.made_by ORDER BY c.number DESC",
        )
        .fetch_all(&mut self.db)
        .await?;
        let screen = |Row { number, place, by_number, created_at, ended_at }| Screen {
            number,
            place,
            by: by_number,
            created_at: instant(created_at),
            ended: ended_at.is_some(),
        };
        Ok(rows.into_iter().map(screen).collect())
    }
}

impl Tx {
    /// Keeps an address: its secret, where it hangs, and who gave it, at an instant of real time. Its number.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn add_screen(
        &mut self,
        token: &str,
        place: &str,
        by: &str,
        now: i64,
    ) -> Result<i64> {
        let number = self.next_value("screens").await?;
        let hash = self.context.screen_hash(token);
        sqlx::query(
            "INSERT INTO screens (token_hash, number, place, made_by, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(hash)
        .bind(number)
        .bind(place.to_owned())
        .bind(by.to_owned())
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(number)
    }

    /// It shows nothing any more. Whether it did.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn end_screen(&mut self, number: i64, now: i64) -> Result<bool> {
        let ended =
            sqlx::query("UPDATE screens SET ended_at = $1 WHERE number = $2 AND ended_at IS NULL")
                .bind(now)
                .bind(number)
                .execute(&mut self.db)
                .await?;
        Ok(ended.rows_affected() > 0)
    }
}
