//! The heartbeat: a small row that is written every few seconds, so that it's known whether the record can be written;
//! and what stands in the way where it can't.

use super::{CLOCKS_APART, Result, Session, Store, StoreError, Tx, to_json};
use crate::clock::{LastBeat, real_millis};
use crate::domain::health::Fault;

impl Store {
    /// Writes the heartbeat, in a turn like any other change.
    ///
    /// # Errors
    /// Where the record can't be written: see [`StoreError::fault`]; [`StoreError::Older`] where it was restored meanwhile;
    /// [`StoreError::Ahead`] where the last beat lies ahead of now.
    pub async fn beat(&self) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.refuse_older().await?;
        tx.refuse_ahead().await?;
        tx.note_beat().await?;
        let beats = tx.count_beat().await?;
        tx.note_rehearsal().await?;
        tx.commit().await?;
        self.seen_beats(beats);
        Ok(())
    }
}

/// The name under which a rehearsal's clock is kept, for commands beside the service.
pub(super) const REHEARSAL: &str = "rehearsal";

impl Session {
    /// When the last heartbeat was written, by the clock of then.
    pub async fn last_beat_at(&mut self) -> Result<Option<i64>> {
        let at = "SELECT value FROM meta WHERE name = 'heartbeat'";
        let at: Option<String> = sqlx::query_scalar(at).fetch_optional(&mut self.db).await?;
        Ok(at.and_then(|at| at.parse().ok()))
    }
}

impl Tx {
    /// Nothing goes on by a clock that was ahead: what it wrote would rest until then.
    async fn refuse_ahead(&mut self) -> Result<()> {
        let now = self.now();
        let by = self.last_beat_at().await?.map_or(0, |last| last.saturating_sub(now));
        if by > CLOCKS_APART { Err(StoreError::Ahead { by }) } else { Ok(()) }
    }

    /// Notes when it beat.
    pub async fn note_beat(&mut self) -> Result<()> {
        let now = self.now().to_string();
        self.put_meta("heartbeat", &now).await
    }

    /// Notes what time it is in a rehearsal; nothing is kept of the system's own.
    async fn note_rehearsal(&mut self) -> Result<()> {
        let clock = &self.context().clock;
        let Some(pace) = clock.pace() else {
            sqlx::query("DELETE FROM meta WHERE name = $1")
                .bind(REHEARSAL)
                .execute(&mut self.db)
                .await?;
            return Ok(());
        };
        let last = LastBeat { at: clock.millis(), real: real_millis(), pace };
        self.put_meta(REHEARSAL, &to_json(&last)?).await
    }
}

impl StoreError {
    /// Whether what the database holds can't be read any more.
    pub fn is_damage(&self) -> bool {
        self.fault() == Fault::Corrupt
    }

    /// What is wrong with the database, by the codes that the databases themselves give.
    pub fn fault(&self) -> Fault {
        match self {
            StoreError::Database(sqlx::Error::Database(error)) => match error.code() {
                Some(code) => by_code(&code).unwrap_or_else(|| Fault::Other(self.to_string())),
                None => Fault::Other(self.to_string()),
            },
            StoreError::Database(
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Protocol(_)
                | sqlx::Error::Tls(_),
            ) => Fault::Gone,
            other => Fault::Other(other.to_string()),
        }
    }
}

/// PostgreSQL's codes have five characters (SQLSTATE); SQLite's are numbers whose lowest byte is the kind.
fn by_code(code: &str) -> Option<Fault> {
    if code.len() == 5 {
        return match code {
            "53100" => Some(Fault::DiskFull),
            "55P03" | "57014" => Some(Fault::Locked),
            "25006" => Some(Fault::ReadOnly),
            "XX001" | "XX002" => Some(Fault::Corrupt),
            "58030" => Some(Fault::Disk),
            _ if code.starts_with("57P") || code.starts_with("08") => Some(Fault::Gone),
            _ => None,
        };
    }
    match code.parse::<i32>().ok()? & 0xff {
        5 | 6 => Some(Fault::Locked),
        8 => Some(Fault::ReadOnly),
        10 => Some(Fault::Disk),
        11 | 26 => Some(Fault::Corrupt),
        13 => Some(Fault::DiskFull),
        14 => Some(Fault::Gone),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_are_understood() {
        for (code, fault) in [
            ("13", Fault::DiskFull),
            ("53100", Fault::DiskFull),
            ("5", Fault::Locked),
            ("517", Fault::Locked),
            ("55P03", Fault::Locked),
            ("1032", Fault::ReadOnly),
            ("25006", Fault::ReadOnly),
            ("57P01", Fault::Gone),
            ("08006", Fault::Gone),
            ("11", Fault::Corrupt),
            ("267", Fault::Corrupt),
            ("26", Fault::Corrupt),
            ("XX001", Fault::Corrupt),
            ("266", Fault::Disk),
            ("58030", Fault::Disk),
        ] {
            assert_eq!(by_code(code), Some(fault), "{code}");
        }
        assert_eq!((by_code("1"), by_code("23505")), (None, None));
    }
}
