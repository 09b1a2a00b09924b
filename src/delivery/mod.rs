//! The delivery engine: claim, look, send, settle.
//!
//! Knows outbox entries ([`Entry`]), the outbox they come from and go back to ([`Outbox`]) and how one is delivered
//! ([`Transport`]). It must not know what an entry carries, nor which platform or channel takes it. What may have arrived is
//! never sent again before a look, and what isn't owed any more is never sent.

mod attempt;
pub mod charset;
mod delay;
mod flow;
mod gate;
pub mod http;
pub mod json;
pub mod kept;
mod lane;
mod mended;
pub(crate) mod said_no;
pub(crate) mod sample;
pub mod xml;

use std::collections::HashMap;

use async_trait::async_trait;

pub use crate::app::deliveries::Outbox;
use crate::db::StoreError;
pub use crate::domain::delivery::{Cause, Entry, LookUp, OnUnknown, Outcome, Receipt};
pub use attempt::LaneRules;
pub use gate::GateState;
pub use lane::Lane;

/// The way to one receiver.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Reads what these entries carry, by their targets. What can't be read or isn't for this receiver is left out.
    ///
    /// # Errors
    /// Where none of them could be read.
    async fn load(
        &self,
        entries: &[Entry],
    ) -> Result<HashMap<String, Box<dyn Attempt>>, StoreError>;
}

/// An entry with what it carries, ready to go.
#[async_trait]
pub trait Attempt: Send + Sync {
    /// Sends what isn't there yet.
    async fn send(&self) -> Outcome;
    /// Looks whether an earlier attempt arrived.
    async fn look(&self, entry: &Entry) -> LookUp;
}
