//! What the program remembers beside the record, in a small file next to the key: by it a record is known that was restored
//! from a backup, and an audit trail that was cut or changed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{error, info, warn};

use crate::app::restored::mark_restored;
use crate::clock::Stopwatch;
use crate::db::{Store, StoreError};
use crate::domain::audit::{Anchor, Flaw};
use crate::domain::memory::{Memory, Recall};
use crate::settings::{Adapter, Settings};

/// How many entries of the trail there may be, or how long it may be, before its head is logged again.
const LOGGED_AFTER: i64 = 500;
const LOGGED_EVERY: Duration = Duration::from_secs(3_600);

/// The file, and why it couldn't be written last.
#[derive(Debug)]
pub(super) struct MemoryFile {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    trouble: Option<String>,
    /// What is wrong with the audit trail, as it was seen from outside.
    flaw: Option<Flaw>,
    /// The head that was logged last, and when.
    logged: Option<(i64, Stopwatch)>,
}

impl MemoryFile {
    pub fn of(settings: &Settings) -> MemoryFile {
        MemoryFile { path: path_of(settings), known: Mutex::default() }
    }

    /// Why it can't be written, for whoever can mend it.
    pub fn trouble(&self) -> Option<String> {
        self.known().trouble.clone()
    }

    /// What is wrong with the audit trail, by what is remembered of it.
    pub fn flaw(&self) -> Option<Flaw> {
        self.known().flaw
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers how far the record has come.
    pub async fn note(&self, store: &Store) {
        let recall = match store.recall().await {
            Ok(recall) if !recall.record.is_empty() => recall,
            Ok(_) => return,
            Err(error) => return warn!(%error, "how far the record has come can't be read"),
        };
        match self.flaw_of(store, &recall).await {
            Ok(None) => self.keep(recall).await,
            Ok(Some((flaw, anchor))) => {
                if self.known().flaw.is_none() {
                    error!(%flaw, "the audit trail isn't what it was");
                }
                self.known().flaw = Some(flaw);
                // What is remembered of the trail stays.
                self.keep(Recall { audit: Some(anchor), ..recall }).await;
            }
            Err(error) => warn!(%error, "the audit trail can't be read"),
        }
    }

    /// What of the trail isn't as it's remembered.
    async fn flaw_of(
        &self,
        store: &Store,
        recall: &Recall,
    ) -> Result<Option<(Flaw, Anchor)>, StoreError> {
        let Some(anchor) = read_beside(&self.path).await.anchor_of(&recall.record).cloned() else {
            return Ok(None);
        };
        if store.has_anchor(&anchor).await? {
            self.known().flaw = None;
            return Ok(None);
        }
        let last = recall.audit.as_ref().map_or(0, |last| last.sequence);
        let flaw = if last < anchor.sequence {
            Flaw::Cut(last + 1)
        } else {
            Flaw::Changed(anchor.sequence)
        };
        Ok(Some((flaw, anchor)))
    }

    /// Writes what is remembered from now on.
    async fn keep(&self, recall: Recall) {
        self.log_head(recall.audit.as_ref());
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut memory = read(&path);
            memory.keep(recall);
            write(&path, &memory)
        });
        let trouble = match written.await {
            Ok(Ok(())) => None,
            Ok(Err(why)) => Some(format!("{}：{why}", self.path.display())),
            Err(panic) => Some(panic.to_string()),
        };
        if let Some(why) = trouble.as_ref().filter(|_| self.known().trouble.is_none()) {
            error!(%why, "what is remembered beside the record can't be written");
        }
        self.known().trouble = trouble;
    }

    /// The log is outside of the record too, and often on another machine.
    fn log_head(&self, head: Option<&Anchor>) {
        let Some(head) = head else { return };
        let mut known = self.known();
        let is_due = known.logged.as_ref().is_none_or(|(sequence, since)| {
            head.sequence - sequence >= LOGGED_AFTER
                || head.sequence > *sequence && since.elapsed() >= LOGGED_EVERY
        });
        if is_due {
            info!(%head, "audit_head");
            known.logged = Some((head.sequence, Stopwatch::start()));
        }
    }
}

/// The file of these settings.
fn path_of(settings: &Settings) -> PathBuf {
    let given = &settings.privacy.memory_file;
    if !given.as_os_str().is_empty() {
        return given.clone();
    }
    let mut name = settings.privacy.key_file.clone().into_os_string();
    name.push(".memory");
    PathBuf::from(name)
}

/// The last entry of the record's audit trail, as far as it's remembered beside it.
///
/// # Errors
/// Where the record can't be read.
pub async fn remembered_anchor(
    settings: &Settings,
    store: &Store,
) -> Result<Option<Anchor>, StoreError> {
    let record = store.recall().await?.record;
    Ok(read_beside(&path_of(settings)).await.anchor_of(&record).cloned())
}

/// Looks whether a record that was just opened is older than what is remembered of it; gives it a name where it has none.
///
/// # Errors
/// Where the record can't be read or written.
pub(super) async fn compare(settings: &Settings, store: &Store) -> Result<(), StoreError> {
    let file = MemoryFile::of(settings);
    // Read first: whoever serves the record now counts on meanwhile.
    let memory = read_beside(&file.path).await;
    let found = store.recall().await?;
    let lost = memory.lost_by(&found);
    let lost = if lost.is_some() && found.record.is_empty() && !store.has_debts().await? {
        // Nothing was ever owed there: it's a new one.
        None
    } else {
        lost
    };
    if let Some(remembered) = lost {
        let platform = &settings.platform;
        let by_people = (platform.adapter == Adapter::Workbook).then_some(platform.name.as_str());
        mark_restored(store, &found, remembered, by_people).await?;
        // The trail goes on from where the backup ends, and says so.
        file.keep(store.recall().await?).await;
    } else if found.record.is_empty() {
        let mut tx = store.begin().await?;
        let name = tx.context().id();
        tx.name_record(&name, 0).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn read_beside(path: &Path) -> Memory {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || read(&path)).await.unwrap_or_default()
}

/// What is remembered; nothing where there is no such file, or none that can be read.
fn read(path: &Path) -> Memory {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// All of it or nothing.
fn write(path: &Path, memory: &Memory) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = std::fs::File::create(&new)?;
    file.write_all(serde_json::to_string(memory)?.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(new, path)
}
