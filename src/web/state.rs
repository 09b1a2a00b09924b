//! What the pages share.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::FromRef;
use axum::http::{HeaderMap, header};
use tokio::sync::Mutex;

use super::bodies::Room;
use super::caller::Caller;
use super::gate::{Gate, Refusal, bearer, unshown};
use super::shared::Shared;
use super::status::Status;
use super::unavailable::unavailable;
use crate::app::tokens::{self, PREFIX};
use crate::clock::Stopwatch;
use crate::daemon::Daemon;
use crate::db::{By, StoreError};
use crate::domain::scope::Scope;
use crate::domain::staff::StaffMember;
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
    /// When a push that wasn't let in was last noted.
    pub refused_push: Arc<std::sync::Mutex<Option<Stopwatch>>>,
}

impl Web {
    pub fn new(daemon: Arc<Daemon>) -> Web {
        let (status, overview, screen, figures, gate, uploading) = Default::default();
        let pass = operators_pass(&daemon.store.context().sealer).into();
        let (updates, returns) = (Room::for_updates(), Room::for_returns());
        let refused_push = Arc::default();
        Web {
            daemon,
            status,
            overview,
            screen,
            figures,
            gate,
            pass,
            updates,
            returns,
            uploading,
            refused_push,
        }
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

    /// Whether the operator asks, or a program that shows a token for this; whoever shows nothing isn't.
    ///
    /// # Errors
    /// The answer for one who shows a wrong one.
    pub async fn may_read(
        &self,
        scope: Scope,
        caller: Caller,
        headers: &HeaderMap,
    ) -> Result<bool, Refusal> {
        let route = scope.code();
        let Some(token) = bearer(headers).filter(|token| token.starts_with(PREFIX)) else {
            return self.is_operator(route, caller, headers);
        };
        self.given(token, scope, caller).await.map(|_| true)
    }

    /// As whom a program with this token acts.
    ///
    /// # Errors
    /// The answer for one whose token isn't good for this.
    pub async fn acts_as(
        &self,
        scope: Scope,
        caller: Caller,
        headers: &HeaderMap,
    ) -> Result<StaffMember, Refusal> {
        match bearer(headers) {
            Some(token) => self.given(token, scope, caller).await,
            None => {
                self.gate.may_try(scope.code(), caller)?;
                Err(Box::new(unshown(scope.code(), caller)))
            }
        }
    }

    /// As whom whoever shows this token acts, where it's good for this and they have the right; a wrong one is counted.
    async fn given(
        &self,
        token: &str,
        scope: Scope,
        caller: Caller,
    ) -> Result<StaffMember, Refusal> {
        let route = scope.code();
        self.gate.may_try(route, caller)?;
        match self.person_of(token, scope).await {
            Ok(Some(person)) => {
                self.gate.right(caller);
                Ok(person)
            }
            Ok(None) => {
                let said = "这个令牌不对、已过期、已作废，或者不能用在这里\n";
                Err(Box::new(self.gate.wrong(route, caller, "token", said)))
            }
            Err(error) => Err(Box::new(unavailable(&error))),
        }
    }

    /// As whom a program's token acts, where it's good for this.
    async fn person_of(
        &self,
        token: &str,
        scope: Scope,
    ) -> Result<Option<StaffMember>, StoreError> {
        let mut record = self.daemon.pages.snapshot().await?;
        let found = tokens::shown(&mut record, token, scope).await?;
        record.end().await?;
        let Some((person, seen)) = found else { return Ok(None) };
        if let Some(id) = seen {
            let daemon = Arc::clone(&self.daemon);
            // Whoever reads waits for no turn.
            tokio::spawn(async move {
                if let Err(error) = tokens::seen(&daemon.store, &id).await {
                    let error = error.for_log();
                    tracing::warn!(event = "token.unnoted", error, "a token's use can't be noted");
                }
            });
        }
        Ok(Some(person))
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
