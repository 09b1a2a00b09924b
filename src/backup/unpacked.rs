//! A backup that was opened: into a folder of its own, for a SQLite record, or read through, for a server's; and held
//! against what it says of itself.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::archive::{self, Copy, unreadable};
use super::stream::BackupKey;
use super::{BackupError, Backups, postgres};
use crate::db::{Original, database_file, sqlite_url};
use crate::domain::backup::Manifest;
use crate::domain::reason::of_system;
use crate::private_file::{claim, folder_beside};

/// A SQLite record out of a backup, in a folder that goes with it.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    pub manifest: Manifest,
}

impl Scratch {
    /// Where it lies.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("zoufang.db")
    }

    /// Its address.
    pub fn url(&self) -> String {
        sqlite_url(&self.file())
    }
}

/// What a backup is called in a database's address.
const SQLITE: &str = "sqlite";
const POSTGRES: &str = "postgres";

/// Which database the record at `url` stands in.
pub(super) fn kind(url: &str) -> &'static str {
    if database_file(url).is_some() { SQLITE } else { POSTGRES }
}

/// Opens a backup that is to be of the same kind as the record.
pub(super) fn open(
    backups: &Backups,
    file: &Path,
    key: &BackupKey,
) -> Result<(Manifest, Copy), BackupError> {
    let (manifest, copy) = archive::open(file, key)?;
    let own = kind(&backups.url);
    if manifest.database != own {
        let (file, of) = (file.display(), name(&manifest.database));
        return Err(BackupError::Rule(format!(
            "{file} 是 {of} 数据库的备份，而 database.url 写的是 {}：两种不能互相恢复，请改 database.url 或换一份备份",
            name(own)
        )));
    }
    Ok((manifest, copy))
}

fn name(kind: &str) -> &str {
    if kind == POSTGRES { "PostgreSQL" } else { "SQLite" }
}

/// Opens a backup, reads it to its end, and holds it against what it says of itself.
pub(super) async fn look_through(
    backups: &Backups,
    file: &Path,
    key: &BackupKey,
) -> Result<Manifest, BackupError> {
    if kind(&backups.url) == SQLITE {
        return Ok(unpack(backups, file, key).await?.manifest);
    }
    let (manifest, copy) = open(backups, file, key)?;
    let version = postgres::version(&backups.url).await?;
    let found = postgres::look_through(copy, version).await.map_err(|error| named(error, file))?;
    same(file, manifest.contents.differences(&found))?;
    Ok(manifest)
}

/// A SQLite record out of a backup, beside the one that is there, and whole.
pub(super) async fn unpack(
    backups: &Backups,
    file: &Path,
    key: &BackupKey,
) -> Result<Scratch, BackupError> {
    let (manifest, mut copy) = open(backups, file, key)?;
    let database = PathBuf::from(database_file(&backups.url).unwrap_or_default());
    let beside = |why: io::Error| {
        BackupError::Rule(format!(
            "{} 旁边放不下临时文件：{}",
            database.display(),
            of_system(why.kind())
        ))
    };
    let folder = folder_beside(&database).map_err(beside)?;
    let scratch = Scratch { folder, manifest };
    let to = scratch.file();
    let from = file.to_owned();
    let unpacked = tokio::task::spawn_blocking(move || {
        claim(&to)?;
        let mut out = File::options().write(true).open(&to)?;
        io::copy(&mut copy, &mut out)?;
        out.sync_all()
    });
    let unpacked = unpacked.await.map_err(|panic| BackupError::Rule(panic.to_string()))?;
    unpacked.map_err(|why| match why.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => unreadable(&from, &why),
        _ => beside(why),
    })?;
    let mut record = Original::at(&scratch.url()).await?;
    let damage = record.damage(true).await?;
    if !damage.is_empty() {
        return Err(BackupError::Damaged(file.display().to_string()));
    }
    let found = record.contents().await?;
    record.close().await?;
    same(file, scratch.manifest.contents.differences(&found))?;
    Ok(scratch)
}

fn same(file: &Path, differences: Vec<String>) -> Result<(), BackupError> {
    match differences.is_empty() {
        true => Ok(()),
        false => Err(BackupError::Differs { file: file.display().to_string(), differences }),
    }
}

/// Says which file it's about.
fn named(error: BackupError, file: &Path) -> BackupError {
    match error {
        BackupError::Damaged(_) => BackupError::Damaged(file.display().to_string()),
        other => other,
    }
}
