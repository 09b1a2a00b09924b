//! The delivery engine: claim, look, send, settle.
//!
//! Knows debts ([`OutboxEntry`]), how to pay one ([`Transport`]) and the record; not what a debt says, nor
//! which platform or channel takes it. What may have arrived is never sent again before a look.

mod delay;
mod gate;
pub mod http;
mod lane;

use std::time::Duration;

use async_trait::async_trait;

use crate::db::{Content, OutboxEntry, Receipt};
pub use gate::GateState;
pub use lane::{Lane, LaneRules};

/// How an attempt to send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Delivered(Receipt),
    /// The receiver's own no.
    Refused {
        reason: String,
    },
    /// It certainly did not arrive.
    NotSent {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// It may have arrived.
    Unknown {
        reason: String,
    },
}

impl Outcome {
    /// For a lane whose receiver has no use for such a debt.
    pub fn not_for_this_lane() -> Outcome {
        let reason = "misconfigured: this lane doesn't take such a debt".to_owned();
        Outcome::NotSent { reason, retry_after: None }
    }
}

/// What a look for an earlier attempt showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUp {
    Found(Receipt),
    Absent,
    /// The receiver knows a repeated key: sending again is safe.
    Repeatable,
    /// The receiver can neither be looked at nor knows a repeated key.
    Blind,
    /// The look itself failed.
    Failed {
        reason: String,
        retry_after: Option<Duration>,
    },
}

/// What is done with a debt of unknown fate where the receiver can't be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// It waits for a person: never twice, perhaps late.
    Hold,
    /// It is sent again: never lost, perhaps twice.
    Resend,
}

/// Takes debts to one receiver.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a debt that isn't there yet.
    async fn send(&self, content: &Content) -> Outcome;
    /// Looks whether an earlier attempt arrived.
    async fn look(&self, entry: &OutboxEntry, content: &Content) -> LookUp;
}
