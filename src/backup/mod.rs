//! Backups of the record: sealed under a second key, opened again and looked through before they count, kept by number;
//! and what takes one back.
//!
//! Knows the database's own ways of copying, and files. Knows nothing of what the record is for, of when a backup is due,
//! or of what must be looked for after one was restored: that is the daemon's.

mod archive;
mod dump;
mod kept;
mod made;
mod postgres;
mod restored;
mod stream;
mod tools;
mod unpacked;

use std::path::{Path, PathBuf};

pub use kept::{Kept, all, newest};
pub use made::{Made, make, verify};
pub use restored::{PutAside, Restoring, Trial};
pub use stream::BackupKey;
pub use tools::tool;

use crate::db::StoreError;
use crate::domain::health::size;
use crate::seal::{SealError, key_in};

/// Where a record's backups lie, and how they're sealed.
#[derive(Debug, Clone)]
pub struct Backups {
    /// The record's address.
    pub url: String,
    /// Empty: none are planned.
    pub folder: PathBuf,
    pub key_file: PathBuf,
    /// How many are kept.
    pub keep: usize,
}

/// Why there is no backup, or none that helps.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("没有设 backup.folder（备份放在哪个文件夹）；请在配置里写上，或用 --folder 指定")]
    NoFolder,
    #[error(
        "{why}。配置项 backup.key_file：第一次使用请用 zoufang key {file} 生成，并把它另存到不放备份的地方；以前用过的，把另存的那一份放回去"
    )]
    Key { file: String, why: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{file} 读不出来：{why}")]
    Unreadable { file: String, why: &'static str },
    #[error("备份文件夹 {folder} 用不了：{why}")]
    Folder { folder: String, why: String },
    #[error("{0} 不是 zoufang 的备份")]
    NoBackup(String),
    #[error(
        "{file} 是用另一把备份密钥（指纹 {expected}）加密的，backup.key_file 现在这把的指纹是 {found}：请换回做这份备份时的那一把"
    )]
    OtherKey { file: String, expected: String, found: String },
    #[error("{0} 损坏或被改动过，打不开：请换一份备份")]
    Damaged(String),
    #[error("{file} 与做备份时不符：{}。请换一份备份", differences.join("；"))]
    Differs { file: String, differences: Vec<String> },
    #[error(
        "数据库本身已经损坏，没有做备份：{0}。请停下服务，用 zoufang restore 恢复最近一份好的备份"
    )]
    RecordDamaged(String),
    #[error("{place} 的空间不够：要 {}，只剩 {}；请腾出空间", size(*needed), size(*free))]
    NoRoom { place: String, needed: u64, free: u64 },
    #[error("{0}")]
    Tool(String),
    #[error("{0}")]
    Rule(String),
}

impl BackupError {
    /// With what only a technician reads kept behind it.
    pub(crate) fn folder(folder: &Path, why: impl std::fmt::Display) -> BackupError {
        BackupError::Folder { folder: folder.display().to_string(), why: why.to_string() }
    }
}

impl From<BackupError> for StoreError {
    fn from(error: BackupError) -> StoreError {
        match error {
            BackupError::Store(error) => error,
            other => StoreError::Rule(other.to_string()),
        }
    }
}

impl Backups {
    /// The second key.
    pub fn key(&self) -> Result<BackupKey, BackupError> {
        let file = self.key_file.display().to_string();
        let key = key_in(&self.key_file);
        let key = key.map_err(|why: SealError| BackupError::Key { file, why: why.what() })?;
        Ok(BackupKey::new(&key))
    }

    /// Where they lie.
    pub fn folder(&self) -> Result<&Path, BackupError> {
        match self.folder.as_os_str().is_empty() {
            true => Err(BackupError::NoFolder),
            false => Ok(&self.folder),
        }
    }
}
