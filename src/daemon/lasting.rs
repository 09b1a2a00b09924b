//! What goes on as long as the service does: each task is started again where it panics, and the others never notice.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::error;

use super::{Daemon, unfinished};

/// One such task, from its beginning.
pub(super) type Lasting = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// After a panic it's waited so long.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// A task that panicked is started again after a pause; the others never notice.
pub(super) async fn keep_running(
    name: String,
    work: Lasting,
    shutdown: CancellationToken,
    pause: Duration,
) {
    while !shutdown.is_cancelled() {
        // Where this is given up, so is the task.
        if AbortOnDropHandle::new(tokio::spawn(work())).await.is_err() {
            error!(event = "task.panicked", task = name, "a task panicked and is started again");
            crate::clock::pause(pause).await;
        }
    }
}

impl Daemon {
    /// All of them, with their names in logs.
    pub(super) fn lasting(&self) -> Vec<(String, Lasting)> {
        let (store, shutdown) = (self.store.clone(), self.shutdown.clone());
        let bounds = self.settings.intake;
        let go_on = move || unfinished::keep_going_on(store.clone(), bounds, shutdown.clone());
        let mut all: Vec<(String, Lasting)> = vec![
            ("heartbeat".to_owned(), self.beating()),
            ("watch".to_owned(), self.watching()),
            ("unfinished".to_owned(), Box::new(move || Box::pin(go_on()))),
        ];
        all.extend(self.lanes.iter().map(|lane| {
            let (name, lane) = (lane.name().to_owned(), Arc::clone(lane));
            let work: Lasting = Box::new(move || {
                let lane = Arc::clone(&lane);
                Box::pin(async move { lane.run().await })
            });
            (name, work)
        }));
        all
    }

    /// The heartbeat, until told to stop.
    fn beating(&self) -> Lasting {
        let (store, pages) = (self.store.clone(), self.pages.clone());
        let (heartbeat, shutdown) = (Arc::clone(&self.heartbeat), self.shutdown.clone());
        let memory = Arc::clone(&self.memory);
        Box::new(move || {
            let (store, pages, shutdown) = (store.clone(), pages.clone(), shutdown.clone());
            let (heartbeat, memory) = (Arc::clone(&heartbeat), Arc::clone(&memory));
            Box::pin(async move { heartbeat.run(&store, &pages, &memory, &shutdown).await })
        })
    }

    /// The watch, until told to stop.
    fn watching(&self) -> Lasting {
        let (settings, store) = (self.settings.clone(), self.store.clone());
        let (watch, shutdown) = (Arc::clone(&self.watch), self.shutdown.clone());
        Box::new(move || {
            let (settings, store) = (settings.clone(), store.clone());
            let (watch, shutdown) = (Arc::clone(&watch), shutdown.clone());
            Box::pin(async move { watch.run(&settings, &store, &shutdown).await })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_panics_is_started_again_until_told_to_stop() {
        let (runs, shutdown) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let (counted, stop) = (Arc::clone(&runs), shutdown.clone());
        let work: Lasting = Box::new(move || {
            let (run, stop) = (counted.fetch_add(1, Ordering::SeqCst), stop.clone());
            Box::pin(async move {
                assert!(run > 0, "the first run panics");
                stop.cancel();
            })
        });
        keep_running("test".to_owned(), work, shutdown, Duration::ZERO).await;
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }
}
