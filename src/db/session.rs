//! One connection at one instant: what both a change and a snapshot read through.

use std::sync::Arc;

use jiff::civil::Date;

use super::connection::Connection;
use super::last_tree::LastTree;
use super::{AreaTree, Context, Dialect};
use crate::clock::township_date;
use crate::domain::audit::Origin;
use crate::domain::campaign::Campaign;
use crate::domain::obligations::Plans;

/// What reads need: a connection within a transaction, the time at which it began, and what the record was handed.
#[derive(Debug)]
pub struct Session {
    pub(super) db: Connection,
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
