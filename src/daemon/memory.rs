//! What the program remembers beside the record, in a small file next to the key: by it a record is known that was restored
//! from a backup.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;
use tracing::error;

use super::numbers_file::NumbersFile;
use crate::app::restored::mark_restored;
use crate::db::{Store, StoreError};
use crate::domain::memory::{Memory, Recall, lost_numbers};
use crate::domain::reason::of_system;
use crate::settings::Settings;

/// The file, and why it couldn't be written last.
#[derive(Debug)]
pub struct MemoryFile {
    path: PathBuf,
    numbers: NumbersFile,
    trouble: Mutex<Option<String>>,
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
        MemoryFile { numbers: NumbersFile::beside(&path), path, trouble: Mutex::default() }
    }

    /// Why it can't be written, for whoever can mend it.
    pub fn trouble(&self) -> Option<String> {
        self.known().clone()
    }

    fn known(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers how far the record has come, and looks first whether it was restored since.
    pub async fn note(&self, store: &Store) {
        let trouble = self.noted(store).await.err();
        if let Some(why) = trouble.as_ref().filter(|_| self.known().is_none()) {
            error!(%why, "what is remembered beside the record can't be written");
        }
        *self.known() = trouble;
    }

    async fn noted(&self, store: &Store) -> Result<(), String> {
        let recall = store.recall().await.map_err(|error| error.to_string())?;
        if recall.record.is_empty() {
            return Ok(());
        }
        if self.read().await?.lost_by(&recall).is_some() {
            return self.compare(store).await.map_err(|error| error.to_string());
        }
        self.keep(store, recall).await
    }

    async fn keep(&self, store: &Store, recall: Recall) -> Result<(), String> {
        // The numbers first: the memory names none that isn't among them.
        self.numbers.fill(store, &recall.record).await?;
        let mut memory = self.read().await?;
        memory.keep(recall);
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || write(&path, &memory)).await;
        written.map_err(|panic| panic.to_string())?.map_err(|why| self.named(&why))
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
            let known = self.numbers.known(&remembered.record).await?;
            let numbers = lost_numbers(&known, &found, remembered);
            if numbers.is_empty() {
                // What comes in again gets its numbers by its order: the file doesn't know them any more.
                self.numbers.forget(&remembered.record, found.entries).await?;
            }
            mark_restored(store, &found, remembered, &numbers).await?;
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

/// All of it or nothing.
fn write(path: &Path, memory: &Memory) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(serde_json::to_string(memory)?.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
