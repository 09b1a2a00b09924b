//! Making a backup: the record is copied in the database's own way while it's written on, sealed into a file that has no
//! name yet, opened again and looked through; then it gets its name, and the oldest goes.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};

use super::archive::create;
use super::kept::rotate;
use super::stream::BackupKey;
use super::unpacked::{kind, look_through};
use super::{BackupError, Backups, postgres};
use crate::clock::{Chance, township_zone};
use crate::db::{Original, StoreError, database_file, sqlite_url};
use crate::domain::backup::{Contents, Manifest, name_of};
use crate::domain::reason::of_system;
use crate::private_file::{
    Existing, PrivateFile, belong_to_folder, claim, folder_beside, folder_of, free_bytes,
    make_folder, open_lock, sweep,
};

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct Made {
    pub file: PathBuf,
    pub bytes: u64,
    pub manifest: Manifest,
    /// How many older ones went.
    pub removed: usize,
}

/// What is left over of a process that was killed so long ago is swept away.
const LEFT_OVER_HOURS: i64 = 6;

/// Makes one now.
///
/// # Errors
/// Where there is none then: nothing is left of it, and none of the older ones has gone.
pub async fn make(backups: &Backups, now: Timestamp, chance: &Chance) -> Result<Made, BackupError> {
    let (key, folder) = (backups.key()?, backups.folder()?);
    make_folder(folder, 0o700).map_err(|why| BackupError::folder(folder, of_system(why.kind())))?;
    let _turn = turn(folder).await?;
    tidy(backups, folder, now);
    let to = free_name(folder, now)?;
    let part = PrivateFile::begin(&to, Existing::Keep);
    let part = part.map_err(|why| BackupError::folder(folder, why))?;
    belong_to_folder(part.path());
    let manifest = |contents: Contents| Manifest {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        database: kind(&backups.url).to_owned(),
        made_at: now.as_millisecond(),
        contents,
    };
    let (part, manifest) = match database_file(&backups.url) {
        Some(database) => {
            room(Path::new(database), folder)?;
            seal_file(&backups.url, part, &key, chance, manifest).await?
        }
        None => postgres::seal(&backups.url, part, &key, chance, manifest).await?,
    };
    let found = look_through(backups, part.path(), &key).await?;
    if found != manifest {
        return Err(BackupError::Damaged(to.display().to_string()));
    }
    let bytes = part.path().metadata().map_or(0, |about| about.len());
    part.finish(Existing::Keep).map_err(|why| BackupError::folder(folder, why))?;
    let removed = rotate(folder, backups.keep)?;
    Ok(Made { file: to, bytes, manifest, removed })
}

/// Opens a backup and looks it through.
///
/// # Errors
/// Where it doesn't open, or isn't what it says of itself.
pub async fn verify(backups: &Backups, file: &Path) -> Result<Manifest, BackupError> {
    look_through(backups, file, &backups.key()?).await
}

/// One is made after the other: the service and a command may want one at the same time.
async fn turn(folder: &Path) -> Result<File, BackupError> {
    let (file, folder) = (folder.join(".zoufang-backup.lock"), folder.to_owned());
    let lock = move || open_lock(&file).and_then(|lock| lock.lock().map(|()| lock));
    let lock = tokio::task::spawn_blocking(lock).await;
    let lock = lock.map_err(|panic| BackupError::Rule(panic.to_string()))?;
    lock.map_err(|why| BackupError::folder(&folder, of_system(why.kind())))
}

fn tidy(backups: &Backups, folder: &Path, now: Timestamp) {
    let before = now.checked_sub(LEFT_OVER_HOURS.hours()).unwrap_or(Timestamp::MIN);
    sweep(folder, before);
    if let Some(database) = database_file(&backups.url) {
        sweep(folder_of(Path::new(database)), before);
    }
}

/// A name that nothing has yet: that of this second, or of the next that is free.
fn free_name(folder: &Path, now: Timestamp) -> Result<PathBuf, BackupError> {
    let at = |second: i64| now.checked_add(second.seconds()).unwrap_or(now);
    let named = |at: Timestamp| folder.join(name_of(township_zone().to_datetime(at)));
    let mut names = (0..60).map(|second| named(at(second)));
    let free = names.find(|name| name.symlink_metadata().is_err());
    free.ok_or_else(|| BackupError::folder(folder, "这一分钟里已经有太多备份"))
}

/// Whether there's room for the copy beside the record and for what is sealed of it.
fn room(database: &Path, folder: &Path) -> Result<(), BackupError> {
    let of = |end: &str| {
        let name = format!("{}{end}", database.display());
        std::fs::metadata(name).map_or(0, |about| about.len())
    };
    let needed = of("") + of("-wal");
    let beside = folder_of(database);
    for (place, needed) in [(beside, needed), (folder, needed)] {
        let Ok(free) = free_bytes(place) else { continue };
        // Both may lie on one disk.
        let needed = needed.saturating_mul(2);
        if free < needed {
            return Err(BackupError::NoRoom { place: place.display().to_string(), needed, free });
        }
    }
    Ok(())
}

/// Copies a SQLite record beside itself, and seals the copy.
async fn seal_file(
    url: &str,
    mut part: PrivateFile,
    key: &BackupKey,
    chance: &Chance,
    manifest: impl FnOnce(Contents) -> Manifest,
) -> Result<(PrivateFile, Manifest), BackupError> {
    let database = PathBuf::from(database_file(url).unwrap_or_default());
    let failed = |why: io::Error| {
        BackupError::Rule(format!(
            "{} 旁边放不下备份的副本：{}",
            database.display(),
            of_system(why.kind())
        ))
    };
    let aside = folder_beside(&database).map_err(failed)?;
    let copy = aside.path().join("zoufang.db");
    claim(&copy).map_err(failed)?;
    let mut original = Original::at(url).await.map_err(damaged)?;
    let copied = original.copy_to(&copy).await;
    original.close().await?;
    copied.map_err(damaged)?;
    let mut copied = Original::at(&sqlite_url(&copy)).await?;
    if let Some(damage) = copied.damage(true).await?.first() {
        return Err(BackupError::RecordDamaged(damage.clone()));
    }
    let manifest = manifest(copied.contents().await.map_err(damaged)?);
    copied.close().await?;
    let (key, chance, own) = (key.clone(), chance.clone(), manifest.clone());
    let sealed = tokio::task::spawn_blocking(move || {
        let mut from = File::open(&copy)?;
        let mut sealing = create(&mut part, &key, &chance, &own)?;
        io::copy(&mut from, &mut sealing)?;
        sealing.finish()?.flush()?;
        // The copy goes once it's sealed.
        drop(aside);
        Ok(part)
    });
    let sealed = sealed.await.map_err(|panic| BackupError::Rule(panic.to_string()))?;
    let sealed = sealed.map_err(|why: io::Error| {
        BackupError::Rule(format!("备份没有写完：{}", of_system(why.kind())))
    });
    Ok((sealed?, manifest))
}

/// That the record itself is damaged is another matter than that it can't be read.
fn damaged(error: StoreError) -> BackupError {
    if error.is_damage() { BackupError::RecordDamaged(error.to_string()) } else { error.into() }
}
