//! What the pages share.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::FromRef;
use axum::http::{HeaderMap, header};
use tokio::sync::Mutex;

use super::bodies::Room;
use super::caller::Caller;
use super::gate::{Gate, Refusal};
use super::shared::Shared;
use super::status::Status;
use crate::daemon::Daemon;
use crate::db::{By, StoreError};
use crate::seal::Sealer;

/// The service, what was read last, and whom it lets in.
#[derive(Clone)]
pub(super) struct Web {
    pub daemon: Arc<Daemon>,
    status: Arc<Shared<Arc<Status>>>,
    pub overview: Arc<Shared<Bytes>>,
    /// As televisions show it.
    pub screen: Arc<Shared<Bytes>>,
    /// By each of [`By::ALL`], in its order.
    pub figures: [Arc<Shared<Bytes>>; By::ALL.len()],
    pub gate: Arc<Gate>,
    /// What the operator's own commands show, who have the key.
    pass: Arc<str>,
    pub updates: Room,
    pub returns: Room,
    pub uploading: Arc<Mutex<()>>,
}

impl Web {
    pub fn new(daemon: Arc<Daemon>) -> Web {
        let (status, overview, screen, figures, gate, uploading) = Default::default();
        let pass = operators_pass(&daemon.store.context().sealer).into();
        let (updates, returns) = (Room::for_updates(), Room::for_returns());
        Web { daemon, status, overview, screen, figures, gate, pass, updates, returns, uploading }
    }

    /// Whether it's the operator who asks: whoever shows no pass isn't.
    ///
    /// # Errors
    /// The answer for one who shows a wrong one.
    pub fn is_operator(
        &self,
        route: &'static str,
        caller: Caller,
        headers: &HeaderMap,
    ) -> Result<bool, Refusal> {
        if !headers.contains_key(header::AUTHORIZATION) {
            return Ok(false);
        }
        self.gate.bearer(route, caller, headers, self.pass.as_bytes()).map(|()| true)
    }

    /// `/metrics` and `/status` show the same.
    pub async fn status(&self) -> Result<Arc<Status>, StoreError> {
        let daemon = Arc::clone(&self.daemon);
        self.status.get(async move { Status::read(&daemon).await.map(Arc::new) }).await
    }
}

impl FromRef<Web> for Arc<Daemon> {
    fn from_ref(web: &Web) -> Arc<Daemon> {
        Arc::clone(&web.daemon)
    }
}

/// What a command of the operator's shows to the service as bearer token: whoever has the key that seals the record.
pub fn operators_pass(sealer: &Sealer) -> String {
    sealer.index(&["operator's pass"])
}
