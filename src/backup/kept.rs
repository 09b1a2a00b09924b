//! The backups that lie in a folder: which is the newest, and which make room for it.

use std::path::{Path, PathBuf};

use jiff::civil::DateTime;

use super::BackupError;
use crate::domain::backup::{made_at, superfluous};
use crate::domain::reason::of_system;

/// A backup in its folder. It has its name only since it was opened and looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub file: PathBuf,
    /// On the township's clock.
    pub made_at: DateTime,
    pub bytes: u64,
}

/// Those of a folder, the newest last; none where there's no such folder.
pub fn all(folder: &Path) -> Result<Vec<Kept>, BackupError> {
    let unusable = |why: std::io::Error| BackupError::folder(folder, of_system(why.kind()));
    let entries = match std::fs::read_dir(folder) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unusable)?,
    };
    let mut kept = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unusable)?;
        let Some(made_at) = made_at(&entry.file_name().to_string_lossy()) else { continue };
        // Never through a link.
        let Ok(about) = entry.metadata() else { continue };
        if about.is_file() {
            kept.push(Kept { file: entry.path(), made_at, bytes: about.len() });
        }
    }
    kept.sort_by_key(|kept| kept.made_at);
    Ok(kept)
}

/// The newest of a folder.
pub fn newest(folder: &Path) -> Result<Option<Kept>, BackupError> {
    Ok(all(folder)?.pop())
}

/// Removes the oldest, so that so many are left; how many went.
pub(super) fn rotate(folder: &Path, keep: usize) -> Result<usize, BackupError> {
    let kept = all(folder)?;
    let name = |kept: &Kept| kept.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let names: Vec<String> = kept.iter().filter_map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let old = superfluous(&names, keep);
    for name in &old {
        let removed = std::fs::remove_file(folder.join(name));
        removed.map_err(|why| BackupError::folder(folder, of_system(why.kind())))?;
    }
    Ok(old.len())
}
