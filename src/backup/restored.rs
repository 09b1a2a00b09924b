//! Taking a backup back. It's opened and looked through before anything is touched; what is there now is put aside, never
//! written over; and what was put in place can be looked at before it stands.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::unpacked::{Scratch, look_through, unpack};
use super::{BackupError, Backups, postgres};
use crate::clock::{Chance, township_zone};
use crate::db::{Alone, Original, database_file};
use crate::domain::backup::Manifest;
use crate::domain::reason::of_system;
use crate::private_file::{belong_to_folder, folder_of, sync_folder};

/// A backup on its way into its place. It can be opened at its address already.
#[derive(Debug)]
pub struct Restoring {
    pub manifest: Manifest,
    /// Where it stands until it's in place.
    pub url: String,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// Beside the record, which nobody opens meanwhile.
    File { scratch: Box<Scratch>, place: PathBuf, stamp: String, _alone: Alone },
    /// In its place already, the tables of before in a schema of their own.
    Server { aside: Option<String> },
}

/// What was there before, and where it is now; nothing where there was none.
pub type PutAside = Option<String>;

impl Restoring {
    /// Opens a backup and brings it near to its place.
    ///
    /// # Errors
    /// Where somebody has the record open, or the backup isn't one that helps. Nothing is changed then.
    pub async fn begin(
        backups: &Backups,
        file: &Path,
        fits: impl Fn(&Manifest) -> Result<(), BackupError>,
        now: Timestamp,
    ) -> Result<Restoring, BackupError> {
        let key = backups.key()?;
        let Some(alone) = Original::alone(&backups.url).await? else {
            return Err(BackupError::Rule(
                "数据库正由服务或别的 zoufang 命令开着，没有恢复：请先停下服务（systemctl stop zoufang），等别的命令结束，再执行一次"
                    .to_owned(),
            ));
        };
        let stamp = township_zone().to_datetime(now).strftime("%Y%m%d-%H%M%S").to_string();
        if let Some(database) = database_file(&backups.url) {
            let place = PathBuf::from(database);
            let scratch = unpack(backups, file, &key).await?;
            fits(&scratch.manifest)?;
            let (manifest, url) = (scratch.manifest.clone(), scratch.url());
            let scratch = Box::new(scratch);
            let way = Way::File { scratch, place, stamp, _alone: alone };
            return Ok(Restoring { manifest, url, way });
        }
        let manifest = look_through(backups, file, &key).await?;
        fits(&manifest)?;
        let url = backups.url.clone();
        let mut server = Original::at(&url).await?;
        let schema = format!("{BEFORE}{}", stamp.replace('-', "_"));
        let aside = server.put_aside(&schema).await?;
        let way = Way::Server { aside };
        let restoring = Restoring { manifest, url: url.clone(), way };
        if let Err(why) = postgres::put_into(&url, file, &key).await {
            restoring.undo().await?;
            return Err(why);
        }
        server.close().await?;
        Ok(restoring)
    }

    /// Puts it in its place; what was there is put aside.
    pub fn finish(self) -> Result<PutAside, BackupError> {
        match self.way {
            Way::Server { aside } => Ok(aside.map(|schema| format!("同一数据库的模式 {schema}"))),
            Way::File { scratch, place, stamp, _alone } => {
                let aside = put_aside(&place, &stamp)?;
                if let Err(why) = std::fs::rename(scratch.file(), &place) {
                    if let Some(aside) = &aside {
                        move_all(aside, &place)?;
                    }
                    return Err(unmoved(&place, &why));
                }
                belong_to_folder(&place);
                sync_folder(folder_of(&place));
                Ok(aside.map(|file| file.display().to_string()))
            }
        }
    }

    /// Leaves everything as it was.
    pub async fn undo(self) -> Result<(), BackupError> {
        if let Way::Server { aside } = self.way {
            let mut server = Original::at(&self.url).await?;
            server.bring_back(aside.as_deref()).await?;
            server.close().await?;
        }
        Ok(())
    }
}

/// How the schema is called in which the tables of before stand.
const BEFORE: &str = "zoufang_before_";

/// Gives the record that is there another name, with what SQLite keeps beside it: first that, since it belongs to no other.
fn put_aside(place: &Path, stamp: &str) -> Result<Option<PathBuf>, BackupError> {
    let mut names = std::iter::once(named(place, &format!(".before-{stamp}")))
        .chain((2..100).map(|n| named(place, &format!(".before-{stamp}.{n}"))));
    let is_free = |name: &PathBuf| {
        ["", "-wal", "-shm"].iter().all(|end| named(name, end).symlink_metadata().is_err())
    };
    let to = names.find(is_free).ok_or_else(|| {
        BackupError::Rule(format!("{} 旁边已经有太多以前的数据库", place.display()))
    })?;
    if let Err(why) = move_all(place, &to) {
        // What was moved already goes back to what it belongs to.
        move_all(&to, place)?;
        return Err(why);
    }
    Ok(to.exists().then_some(to))
}

/// A database's file and what SQLite keeps beside it, each of them that is there.
fn move_all(from: &Path, to: &Path) -> Result<(), BackupError> {
    for end in ["-wal", "-shm", ""] {
        let (from, to) = (named(from, end), named(to, end));
        if from.symlink_metadata().is_ok() {
            std::fs::rename(&from, to).map_err(|why| unmoved(&from, &why))?;
        }
    }
    Ok(())
}

fn named(base: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", base.display()))
}

fn unmoved(file: &Path, why: &std::io::Error) -> BackupError {
    BackupError::Rule(format!("{} 改不了名：{}", file.display(), of_system(why.kind())))
}

/// A backup that was taken back into a place of its own, for a trial.
#[derive(Debug)]
pub struct Trial {
    pub manifest: Manifest,
    /// Where it can be opened.
    pub url: String,
    way: TrialWay,
}

#[derive(Debug)]
enum TrialWay {
    File(#[allow(dead_code, reason = "held")] Scratch),
    /// A database of its own on the same server.
    Server {
        name: String,
        of: String,
    },
}

impl Trial {
    /// Takes a backup back.
    ///
    /// # Errors
    /// Where it doesn't open, isn't what it says of itself, or there's no place for it.
    pub async fn begin(
        backups: &Backups,
        file: &Path,
        chance: &Chance,
    ) -> Result<Trial, BackupError> {
        let key = backups.key()?;
        if database_file(&backups.url).is_some() {
            let scratch = unpack(backups, file, &key).await?;
            let (manifest, url) = (scratch.manifest.clone(), scratch.url());
            return Ok(Trial { manifest, url, way: TrialWay::File(scratch) });
        }
        let manifest = look_through(backups, file, &key).await?;
        let name = format!("zoufang_drill_{}", chance.below(1_000_000_000));
        let of = backups.url.clone();
        let mut server = Original::at(&of).await?;
        let made = server.make_scratch(&name).await;
        server.close().await?;
        let url = made.map_err(|why| BackupError::Rule(format!(
            "演练要在同一台数据库服务器上建一个临时的库，建不了：请让管理员给这个账号建库的权限（ALTER ROLE … CREATEDB），演练完再收回。数据库说：{why}"
        )))?;
        let trial = Trial { manifest, url: url.clone(), way: TrialWay::Server { name, of } };
        if let Err(why) = postgres::put_into(&url, file, &key).await {
            trial.end().await?;
            return Err(why);
        }
        Ok(trial)
    }

    /// Removes it.
    pub async fn end(self) -> Result<(), BackupError> {
        if let TrialWay::Server { name, of } = self.way {
            let mut server = Original::at(&of).await?;
            server.drop_scratch(&name).await?;
            server.close().await?;
        }
        Ok(())
    }
}
