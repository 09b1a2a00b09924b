//! Snapshots: the record as it stood at one instant, however many statements read it. Nobody who reads waits for whoever
//! writes, on neither database.

use std::ops::{Deref, DerefMut};

use super::session::Session;
use super::{Dialect, Result, Store};

/// The record at one instant, for reading.
#[derive(Debug)]
pub struct Snapshot(Session);

impl Store {
    /// Takes a snapshot.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Ok(Snapshot(self.session(self.read.begin(begin).await?)))
    }
}

impl Snapshot {
    /// Lets it go.
    pub async fn end(self) -> Result<()> {
        Ok(self.0.db.end("ROLLBACK").await?)
    }
}

impl Deref for Snapshot {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl DerefMut for Snapshot {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.0
    }
}
