//! What any platform must be able to do for us.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::domain::issue::Category;
use crate::domain::referral::PlatformUpdate;
use crate::outbox::Outcome;
use crate::outbox::http::NoAnswer;
use crate::store::{Dispatch, Receipt};

/// A question that got no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct NoContact {
    pub reason: String,
    pub retry_after: Option<Duration>,
}

impl From<NoAnswer> for NoContact {
    fn from(none: NoAnswer) -> NoContact {
        NoContact { reason: none.reason, retry_after: None }
    }
}

/// A category whose configured service code the platform doesn't list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceGap {
    pub category: Category,
    pub code: String,
}

/// One platform, by whatever interface it has.
#[async_trait]
pub trait Platform: Send + Sync {
    /// Submits an issue. Its description carries the reference.
    async fn submit(&self, dispatch: &Dispatch) -> Outcome;

    /// Finds what carries `reference` among what was received between two instants (the platform's
    /// clock). `None` only where the platform has answered in full and it isn't there.
    async fn find(
        &self,
        reference: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<Receipt>, NoContact>;

    /// How the requests of these numbers stand. One that the platform doesn't mention is left out.
    async fn fetch(&self, remote_ids: &[String]) -> Result<Vec<PlatformUpdate>, NoContact>;

    /// The number that belongs to a token, once there is one.
    async fn number_of(&self, token: &str) -> Result<Option<String>, NoContact>;

    /// Which configured service codes the platform doesn't have.
    async fn service_gaps(&self) -> Result<Vec<ServiceGap>, NoContact>;
}
