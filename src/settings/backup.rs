//! Where backups are put, and when.

use std::path::PathBuf;

use jiff::civil::Time;
use serde::Deserialize;

use super::SettingsError;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupSettings {
    /// Empty: none are planned.
    pub folder: PathBuf,
    pub key_file: PathBuf,
    pub at: Time,
    pub keep: usize,
}

impl BackupSettings {
    /// What the types can't say.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        match self.keep {
            0 => Err(SettingsError::Wrong("backup.keep 至少为 1".to_owned())),
            _ => Ok(()),
        }
    }
}
