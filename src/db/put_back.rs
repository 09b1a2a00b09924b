//! The clock was ahead and has been put back: what was written by it lies in the future, and would rest until then.

use super::{Result, Tx};

/// A time that lies ahead ($1 is now), as it would have been written by a clock that wasn't ahead by $2.
fn put_back(column: &str) -> String {
    format!(
        "{column} = CASE WHEN {column} IS NULL OR {column} <= $1 THEN {column} WHEN {column} - $2 < $1 THEN {column} - $2 ELSE $1 END"
    )
}

/// A sending isn't known to the hour then: the time in which it's looked for begins so much earlier, in milliseconds.
const EARLIER: i64 = 24 * 3_600_000;

/// Where it's kept when something was said, or how a lane did.
const TOLD: [(&str, [&str; 2]); 3] = [
    ("referral_numbers", ["said_at", "heard_at"]),
    ("referral_updates", ["at", "received_at"]),
    ("lanes", ["good_at", "failed_at"]),
];

impl Tx {
    /// Puts back what waits, by a clock that was ahead by so many milliseconds: debts, what is asked about next, and when
    /// something was said. What was taken then is nobody's any more.
    pub async fn put_back_times(&mut self, ahead: i64) -> Result<()> {
        let waiting = format!(
            "UPDATE outbox SET
               not_before = CASE WHEN not_before <= $1 OR (state = 'review' AND created_at <= $1) THEN not_before
                 WHEN not_before - $2 > $1 THEN not_before - $2 ELSE $1 END,
               lease_until = CASE WHEN lease_until >= $1 + $2 THEN $1 ELSE lease_until END,
               first_attempt_at = CASE WHEN first_attempt_at > $1 THEN
                 CASE WHEN first_attempt_at - $2 < $1 THEN first_attempt_at - $2 ELSE $1 END - {EARLIER} ELSE first_attempt_at END,
               {}, {}, {}
             WHERE state IN ('ready', 'review', 'held')",
            put_back("unknown_since"),
            put_back("last_attempt_at"),
            put_back("accepted_at"),
        );
        let asked = format!(
            "UPDATE referrals SET poll_at = $1, {}, {} WHERE poll_at > $1",
            put_back("delivered_at"),
            put_back("remote_at")
        );
        let told = TOLD.iter().map(|(table, [one, other])| {
            let (first, second) = (put_back(one), put_back(other));
            format!("UPDATE {table} SET {first}, {second} WHERE {one} > $1 OR {other} > $1")
        });
        let now = self.now();
        for write in [waiting, asked].into_iter().chain(told) {
            sqlx::query(sqlx::AssertSqlSafe(write))
                .bind(now)
                .bind(ahead)
                .execute(&mut self.db)
                .await?;
        }
        Ok(())
    }
}
