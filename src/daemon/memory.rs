//! What the program remembers beside the record, in a small file next to the key: by it a record is known that was restored
//! from a backup.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::{error, warn};

use crate::app::restored::mark_restored;
use crate::db::{Store, StoreError};
use crate::domain::memory::Memory;
use crate::settings::{Adapter, Settings};

/// The file, and why it couldn't be written last.
#[derive(Debug)]
pub(super) struct MemoryFile {
    path: PathBuf,
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
        MemoryFile { path, trouble: Mutex::default() }
    }

    /// Why it can't be written, for whoever can mend it.
    pub fn trouble(&self) -> Option<String> {
        self.known().clone()
    }

    fn known(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers how far the record has come.
    pub async fn note(&self, store: &Store) {
        let recall = match store.recall().await {
            Ok(recall) if !recall.record.is_empty() => recall,
            Ok(_) => return,
            Err(error) => return warn!(%error, "how far the record has come can't be read"),
        };
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
        if let Some(why) = trouble.as_ref().filter(|_| self.known().is_none()) {
            error!(%why, "what is remembered beside the record can't be written");
        }
        *self.known() = trouble;
    }
}

/// Looks whether a record that was just opened is older than what is remembered of it; gives it a name where it has none.
///
/// # Errors
/// Where the record can't be read or written.
pub(super) async fn compare(settings: &Settings, store: &Store) -> Result<(), StoreError> {
    let file = MemoryFile::of(settings);
    // Read first: whoever serves the record now counts on meanwhile.
    let memory = read(&file.path);
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
        file.note(store).await;
    } else if found.record.is_empty() {
        let mut tx = store.begin().await?;
        let name = tx.context().id();
        tx.name_record(&name, 0).await?;
        tx.commit().await?;
    }
    Ok(())
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
