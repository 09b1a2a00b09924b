//! One connection at one instant: what both a change and a snapshot read through.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use jiff::civil::Date;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection};

use super::last_tree::LastTree;
use super::{AreaTree, Context, Dialect};
use crate::clock::township_date;
use crate::domain::audit::Origin;
use crate::domain::campaign::Campaign;
use crate::domain::obligations::Plans;

/// What reads need: a connection within a transaction, the time at which it began, and what the record was handed.
#[derive(Debug)]
pub struct Session {
    pub(super) db: TxConnection,
    /// When it began, in milliseconds: all that it changes, changes at once.
    pub(super) now: i64,
    pub(super) dialect: Dialect,
    pub(super) context: Arc<Context>,
    pub(super) plans: Arc<Plans>,
    pub(super) areas: Option<Arc<AreaTree>>,
    pub(super) last_tree: LastTree,
    /// From where what it changes is changed.
    pub(super) origin: Arc<Origin>,
}

impl Session {
    /// What the record was handed.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The same, to be kept beside the session.
    pub fn shared_context(&self) -> Arc<Context> {
        Arc::clone(&self.context)
    }

    /// The plan in effect.
    pub fn campaign(&self) -> &Campaign {
        self.plans.now()
    }

    /// When it began, in milliseconds.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The township's date when it began.
    pub fn today(&self) -> Date {
        township_date(self.now)
    }
}

/// A pool's connection within a transaction. One that is let go before the transaction's end, or whose end failed, may
/// be in any state: it's closed, which takes back what it had changed, and never comes back to its pool.
#[derive(Debug)]
pub(super) struct TxConnection {
    connection: PoolConnection<Any>,
    ended: bool,
}

impl TxConnection {
    /// Begins a transaction by `begin`; a connection on which that fails is closed.
    pub async fn begin(
        connection: PoolConnection<Any>,
        begin: &'static str,
    ) -> sqlx::Result<TxConnection> {
        let mut held = TxConnection { connection, ended: false };
        sqlx::raw_sql(begin).execute(&mut *held).await?;
        Ok(held)
    }

    /// Ends it by `end`, and gives it back to its pool. Where that fails, whether it was kept isn't known.
    pub async fn end(mut self, end: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(end).execute(&mut *self).await?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for TxConnection {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

impl Deref for TxConnection {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for TxConnection {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}
