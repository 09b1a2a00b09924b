//! The log.

use async_trait::async_trait;
use tracing::info;

use super::notice;
use crate::db::{Content, OutboxEntry, Receipt};
use crate::delivery::{LookUp, Outcome, Transport};

/// Writes notices to the log: for a first trial, and as a trace beside another channel.
pub struct LogChannel;

#[async_trait]
impl Transport for LogChannel {
    async fn send(&self, content: &Content) -> Outcome {
        match notice(content) {
            Ok(notice) => {
                info!(to = %notice.staff_number, title = %notice.title, body = %notice.body, "notice");
                Outcome::Delivered(Receipt::default())
            }
            Err(outcome) => outcome,
        }
    }

    async fn look(&self, _: &OutboxEntry, _: &Content) -> LookUp {
        LookUp::Repeatable
    }
}
