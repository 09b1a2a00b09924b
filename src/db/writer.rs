//! Turns: whatever changes the record does so one after the other, and each for a moment only.

use std::collections::{HashMap, HashSet};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tracing::info;

use super::connection::within;
use super::session::Session;
use super::{Contacts, Dialect, Result, Store, StoreError, applied};
use crate::clock::Stopwatch;
use crate::domain::counted::Thing;
use crate::domain::figures::Tally;
use crate::domain::obligations::GroupKey;

/// Begins a transaction of PostgreSQL's that waits for its turn. Where the network swallows its holder, the server ends it, so that
/// nobody waits longer than that for a turn that never ends; and a statement before the program gives it up, which would leave the
/// server at it with the turn in its hand.
const POSTGRES_TURN: &str = "BEGIN; SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = '50s'; SET LOCAL idle_in_transaction_session_timeout = '10s'; DO $$ BEGIN PERFORM pg_advisory_xact_lock(810311); END $$";

/// How long the database is waited for where a turn begins: somewhat longer than another process's turn is.
const BEGINNING: Duration = Duration::from_secs(40);

/// Who changes the record next in this process, in the order of asking; and how long the longest turn was.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    order: Arc<Mutex<()>>,
    longest: Arc<AtomicU64>,
    /// How many heartbeats this process has seen in the record.
    pub(super) beats: Arc<AtomicI64>,
}

/// That something happened to an issue, as the log has it: nobody's name, and nothing that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueChange {
    pub id: String,
    pub number: String,
    pub what: &'static str,
    /// The state that it has after that.
    pub state: &'static str,
    /// Who did it: the program, the platform, or a person.
    pub by: &'static str,
}

/// One transaction that changes the record.
#[derive(Debug)]
pub struct Tx {
    session: Session,
    pub(super) contacts: Contacts,
    /// Duty groups that this transaction found or made.
    pub(super) groups: HashMap<GroupKey, String>,
    /// Issues that came in with this transaction.
    pub(super) new_issues: HashSet<String>,
    /// By how much it changes the figures.
    pub(super) tally: Tally,
    /// What is counted once more at its end: see [`Tx::retally`].
    pub(super) retallied: HashMap<Thing, HashSet<String>>,
    /// What it did to issues, told once it's kept.
    issue_changes: Vec<IssueChange>,
    began: Stopwatch,
    longest: Arc<AtomicU64>,
    pub(super) beats: Arc<AtomicI64>,
    /// Given back after the connection.
    _turn: OwnedMutexGuard<()>,
}

impl Store {
    /// Begins a change; changes take turns. On SQLite the write lock is taken at once, so nothing read
    /// can grow stale; on PostgreSQL an advisory lock does the same for all replicas
    /// (docs/decisions/0004).
    ///
    /// # Errors
    /// Where another process keeps the turn for longer than half a minute, or the database is gone.
    pub async fn begin(&self) -> Result<Tx> {
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => POSTGRES_TURN,
        };
        let turn = Arc::clone(&self.turns.order).lock_owned().await;
        let db = within(BEGINNING, self.write.begin(begin)).await?;
        let mut tx = Tx {
            session: self.session(db),
            contacts: Arc::clone(&self.contacts),
            groups: HashMap::new(),
            new_issues: HashSet::new(),
            tally: Tally::default(),
            retallied: HashMap::new(),
            issue_changes: Vec::new(),
            began: Stopwatch::start(),
            longest: Arc::clone(&self.turns.longest),
            beats: Arc::clone(&self.turns.beats),
            _turn: turn,
        };
        // It goes by the plan of its own instant, whichever process applied it.
        let (plans, key) = applied::others(&mut tx.session.db, &tx.session.plans).await?;
        self.go_by_key(key)?;
        if let Some(plans) = plans {
            tx.session.plans = Arc::new(plans);
            let last = Arc::clone(&tx.session.plans);
            *self.plans.write().unwrap_or_else(PoisonError::into_inner) = last;
        }
        Ok(tx)
    }

    /// Where another process has begun to replace the key, what this one writes is sealed with the new one too.
    fn go_by_key(&self, key: Option<String>) -> Result<()> {
        let sealer = &self.context.sealer;
        let Some(expected) = key.filter(|key| !sealer.knows(key)) else { return Ok(()) };
        sealer.refresh();
        if sealer.knows(&expected) {
            return Ok(());
        }
        Err(StoreError::WrongKey { expected, found: sealer.fingerprint() })
    }

    /// How long the longest turn of this process was.
    pub fn longest_turn(&self) -> Duration {
        Duration::from_micros(self.turns.longest.load(Ordering::Relaxed))
    }
}

impl Tx {
    /// Ends it, with what was changed.
    pub(super) async fn keep(self) -> Result<()> {
        self.session.db.end("COMMIT").await?;
        let took = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.longest.fetch_max(took, Ordering::Relaxed);
        for IssueChange { number, what, state, by, .. } in &self.issue_changes {
            info!(event = "issue.changed", issue = number, what, state, by, "an issue has changed");
        }
        Ok(())
    }

    /// Notes what it did to issues.
    pub fn did_to_issues(&mut self, changes: impl IntoIterator<Item = IssueChange>) {
        self.issue_changes.extend(changes);
    }

    /// Forgets what was changed.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.session.db.end("ROLLBACK").await?)
    }

    /// The next value of a named counter, from 1.
    pub(super) async fn next_value(&mut self, counter: &str) -> Result<i64> {
        self.next_values(counter, 1).await
    }

    /// The first of the next `count` values of a named counter.
    pub async fn next_values(&mut self, counter: &str, count: i64) -> Result<i64> {
        let last: i64 = sqlx::query_scalar(
            "INSERT INTO counters (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = counters.value + $2 RETURNING value",
        )
        .bind(counter.to_owned())
        .bind(count)
        .fetch_one(&mut self.db)
        .await?;
        Ok(last - count + 1)
    }
}

impl Deref for Tx {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
