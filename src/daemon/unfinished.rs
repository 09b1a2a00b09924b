//! What a process that was killed left half done: a long file on its way in, a table that somebody brought, another plan, another key.
//! It goes on by itself.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::app::{imports, rederive, sealing};
use crate::clock::pause;
use crate::db::{Store, StoreError};
use crate::intake::{Bounds, uploaded};

/// How often it's looked whether anything was left.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Goes on with what was left, at the start and whenever another process is killed, until told to stop.
pub(super) async fn keep_going_on(store: Store, bounds: Bounds, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        if let Err(error) = go_on(&store, bounds).await {
            error!(
                event = "record.unavailable",
                error = error.for_log(),
                "what was left half done can't be gone on with; tried again"
            );
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = pause(LOOK_EVERY) => {}
        }
    }
}

async fn go_on(store: &Store, bounds: Bounds) -> Result<(), StoreError> {
    imports::go_on(store).await?;
    rederive::go_on(store).await?;
    sealing::go_on(store).await?;
    store.refresh_plan().await?;
    uploaded::go_on(store, bounds).await
}
