//! One reading for many readers. Whoever asks gets the record as it stands now; where many ask at once (a wall of screens, a
//! scrape beside them), one of them reads it, once a second, and all get that.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::db::StoreError;

/// So many within a second are many.
const MANY: usize = 5;
const SECOND: Duration = Duration::from_secs(1);
/// While many ask, nobody is given what is older.
const OLDEST: Duration = Duration::from_secs(5);

/// What was last read, and who asks for it.
#[derive(Debug)]
pub(super) struct Shared<T> {
    last: Mutex<Option<Reading<T>>>,
    asked: Mutex<VecDeque<Stopwatch>>,
    /// Held by whoever reads while many ask.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Reading<T> {
    began: Stopwatch,
    what: T,
}

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared {
            last: Mutex::default(),
            asked: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Shared<T> {
    /// What `read` gives, or gave a moment ago.
    ///
    /// # Errors
    /// What `read` fails with.
    pub async fn get<F>(self: &Arc<Self>, read: F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        if !self.many_ask() {
            return self.read(read).await;
        }
        match self.last() {
            Some(last) if last.began.elapsed() < SECOND => Ok(last.what),
            Some(last) if last.began.elapsed() < OLDEST => {
                self.renew(read);
                Ok(last.what)
            }
            _ => {
                let _reading = self.reading.lock().await;
                match self.last() {
                    Some(last) if last.began.elapsed() < SECOND => Ok(last.what),
                    _ => self.read(read).await,
                }
            }
        }
    }

    /// Reads beside whoever was given the last reading, unless somebody does already.
    fn renew<F>(self: &Arc<Self>, read: F)
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(_reading) = shared.reading.try_lock() else { return };
            // Where it fails, whoever asks next waits for a reading, and is told.
            let _ = shared.read(read).await;
        });
    }

    async fn read<F>(&self, read: F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let began = Stopwatch::start();
        let what = read.await?;
        let reading = Reading { began, what: what.clone() };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
        Ok(what)
    }

    fn last(&self) -> Option<Reading<T>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that somebody asks, and whether many do.
    fn many_ask(&self) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        while asked.len() > MANY || asked.front().is_some_and(|first| first.elapsed() > SECOND) {
            asked.pop_front();
        }
        asked.push_back(Stopwatch::start());
        asked.len() > MANY
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static READ: AtomicUsize = AtomicUsize::new(0);

    async fn read() -> Result<usize, StoreError> {
        Ok(READ.fetch_add(1, Ordering::Relaxed) + 1)
    }

    #[tokio::test]
    async fn few_read_for_themselves_and_many_share() {
        let shared: Arc<Shared<usize>> = Arc::default();
        for asked in 1..=MANY {
            assert_eq!(shared.get(read()).await.unwrap(), asked, "each as it stands now");
        }
        let answers: Vec<_> = (0..200)
            .map(|_| Arc::clone(&shared))
            .map(|shared| tokio::spawn(async move { shared.get(read()).await }))
            .collect();
        for answer in answers {
            assert!(answer.await.unwrap().unwrap() >= MANY);
        }
        assert!(READ.load(Ordering::Relaxed) < 50, "one a second, however slow the machine is");
    }

    #[tokio::test]
    async fn a_failure_is_kept_by_nobody() {
        let shared: Arc<Shared<usize>> = Arc::default();
        for _ in 0..20 {
            let gone = async { Err(StoreError::Rule("没有".to_owned())) };
            assert!(shared.get(gone).await.is_err());
        }
        assert_eq!(shared.get(async { Ok(7) }).await.unwrap(), 7);
    }
}
