//! What the program remembers beside the record, in a small file next to the key: by it a record is known that was restored
//! from a backup.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{error, info, warn};

use super::numbers_file::NumbersFile;
use crate::app::restored::mark_restored;
use crate::clock::Stopwatch;
use crate::db::{Restored, Store, StoreError};
use crate::domain::audit::{Anchor, Flaw};
use crate::domain::memory::{Memory, Recall, lost_numbers};
use crate::domain::reason::of_system;
use crate::private_file::{Existing, Readers, Unwritten, write_for};
use crate::settings::Settings;

/// How many entries of the trail there may be, or how long it may be, before its head is logged again.
const LOGGED_AFTER: i64 = 500;
const LOGGED_EVERY: Duration = Duration::from_secs(3_600);

/// The file, and what is known of it.
#[derive(Debug)]
pub struct MemoryFile {
    path: PathBuf,
    numbers: NumbersFile,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Why it couldn't be written last.
    trouble: Option<String>,
    /// What is wrong with the audit trail, as it was seen from outside.
    flaw: Option<Flaw>,
    /// The head that was logged last, and when.
    logged: Option<(i64, Stopwatch)>,
}

impl MemoryFile {
    pub fn of(settings: &Settings) -> MemoryFile {
        let given = &settings.privacy.memory_file;
        let path = if given.as_os_str().is_empty() {
            let mut name = settings.privacy.key_file.clone().into_os_string();
            name.push(".memory");
            PathBuf::from(name)
        } else {
            given.clone()
        };
        MemoryFile { numbers: NumbersFile::beside(&path), path, known: Mutex::default() }
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

    /// Remembers how far the record has come, and looks first whether it was restored since.
    pub async fn note(&self, store: &Store) {
        let trouble = self.noted(store).await.err();
        if trouble.is_some() && self.known().trouble.is_none() {
            error!(
                event = "memory.unwritten",
                "what is remembered beside the record can't be written"
            );
        }
        self.known().trouble = trouble;
    }

    async fn noted(&self, store: &Store) -> Result<(), String> {
        let recall = store.recall().await.map_err(|error| error.to_string())?;
        if recall.record.is_empty() {
            return Ok(());
        }
        let memory = self.read().await?;
        if memory.lost_by(&recall).is_some() {
            return self.compare(store).await.map_err(|error| error.to_string());
        }
        match self.flaw_of(store, &memory, &recall).await {
            Ok(None) => self.keep(store, recall).await,
            Ok(Some((flaw, anchor))) => {
                if self.known().flaw.is_none() {
                    error!(event = "audit.flaw", %flaw, "the audit trail isn't what it was");
                }
                self.known().flaw = Some(flaw);
                // What is remembered of the trail stays.
                self.keep(store, Recall { audit: Some(anchor), ..recall }).await
            }
            Err(error) => {
                let error = error.for_log();
                warn!(event = "audit.unread", error, "the audit trail can't be read");
                Ok(())
            }
        }
    }

    /// What of the trail isn't as it's remembered.
    async fn flaw_of(
        &self,
        store: &Store,
        memory: &Memory,
        recall: &Recall,
    ) -> Result<Option<(Flaw, Anchor)>, StoreError> {
        let Some(anchor) = memory.anchor_of(&recall.record).cloned() else { return Ok(None) };
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

    /// The log is outside of the record too, and often on another machine.
    fn log_head(&self, head: Option<&Anchor>) {
        let Some(head) = head else { return };
        let mut known = self.known();
        let is_due = known.logged.as_ref().is_none_or(|(sequence, since)| {
            head.sequence - sequence >= LOGGED_AFTER
                || head.sequence > *sequence && since.elapsed() >= LOGGED_EVERY
        });
        if is_due {
            info!(event = "audit.head", %head, "audit_head");
            known.logged = Some((head.sequence, Stopwatch::start()));
        }
    }

    async fn keep(&self, store: &Store, recall: Recall) -> Result<(), String> {
        self.log_head(recall.audit.as_ref());
        // The numbers first: the memory names none that isn't among them.
        self.numbers.fill(store, &recall.record).await?;
        self.remember(recall).await
    }

    /// Remembers it of that record.
    ///
    /// # Errors
    /// Why it couldn't, for whoever can mend it.
    pub async fn remember(&self, recall: Recall) -> Result<(), String> {
        let mut memory = self.read().await?;
        memory.keep(recall);
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || write(&path, &memory)).await;
        written.map_err(|panic| panic.to_string())?.map_err(|why| match why {
            Unwritten::Folder(why) => self.named(&why),
            other => format!("{} 用不了（{other}）", self.path.display()),
        })
    }

    /// Looks whether a record that was just opened, or has counted back, is older than what is remembered of it; gives it a
    /// name where it has none.
    ///
    /// # Errors
    /// Where the record can't be read or written, or the memory not be read.
    pub async fn compare(&self, store: &Store) -> Result<(), StoreError> {
        // Read first: whoever serves the record now counts on meanwhile.
        let memory = self.read().await?;
        let found = store.recall().await?;
        let lost = memory.lost_by(&found);
        let lost = if lost.is_some() && found.record.is_empty() && !store.has_debts().await? {
            // Nothing was ever owed there: it's a new one.
            None
        } else {
            lost
        };
        if let Some(remembered) = lost {
            self.mark(store, &found, remembered).await?;
            // The trail goes on from where the backup ends, and says so.
            let recall = store.recall().await?;
            self.keep(store, recall).await?;
        } else if found.record.is_empty() {
            let mut tx = store.begin().await?;
            let name = tx.context().id();
            tx.name_record(&name, 0).await?;
            tx.commit().await?;
        } else {
            store.seen_beats(found.beats);
        }
        Ok(())
    }

    /// Marks a record that was just taken back from a backup, whatever is remembered of it; and whether anything is. Where
    /// nothing is (a new machine), any number may have been given since, and each is looked for.
    ///
    /// # Errors
    /// Where the record can't be read or written, or the memory not be read.
    pub async fn mark_taken_back(&self, store: &Store) -> Result<(Restored, bool), StoreError> {
        let memory = self.read().await?;
        let mut found = store.recall().await?;
        let Some(remembered) = memory.of(&found.record) else {
            if found.record.is_empty() {
                found.record = store.context().id();
            }
            let any = Recall { issues: i64::MAX, ..found.clone() };
            return Ok((mark_restored(store, &found, &any, &[]).await?, false));
        };
        Ok((self.mark(store, &found, remembered).await?, true))
    }

    /// Marks what is unsure of a record that has lost what came after `found`, and gives it the numbers that it has lost.
    async fn mark(
        &self,
        store: &Store,
        found: &Recall,
        remembered: &Recall,
    ) -> Result<Restored, StoreError> {
        let known = self.numbers.known(&remembered.record).await?;
        let numbers = lost_numbers(&known, found, remembered);
        if numbers.is_empty() {
            // What comes in again gets its numbers by its order: the file doesn't know them any more.
            self.numbers.forget(&remembered.record, found.entries).await?;
        }
        mark_restored(store, found, remembered, &numbers).await
    }

    /// What is remembered; nothing where there is no such file.
    async fn read(&self) -> Result<Memory, String> {
        let text = match tokio::fs::read_to_string(&self.path).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Memory::default());
            }
            read => read.map_err(|why| self.named(&why))?,
        };
        serde_json::from_str(&text).map_err(|_| {
            let file = self.path.display();
            format!(
                "{file} 看不懂，可能损坏了：由它才能知道数据库是不是从较早的备份恢复的。数据库没有恢复过的，请删掉这个文件再启动"
            )
        })
    }

    fn named(&self, why: &std::io::Error) -> String {
        format!("{} 用不了（{}）", self.path.display(), of_system(why.kind()))
    }
}

/// The last entry of the record's audit trail, as far as it's remembered beside it.
///
/// # Errors
/// Where the record or what is remembered of it can't be read.
pub async fn remembered_anchor(
    settings: &Settings,
    store: &Store,
) -> Result<Option<Anchor>, StoreError> {
    let record = store.recall().await?.record;
    Ok(MemoryFile::of(settings).read().await?.anchor_of(&record).cloned())
}

/// All of it or nothing.
fn write(path: &Path, memory: &Memory) -> Result<(), Unwritten> {
    let text = serde_json::to_string(memory).map_err(|why| Unwritten::Folder(why.into()))?;
    write_for(path, text.as_bytes(), Existing::Replace, Readers::Owner)
}
