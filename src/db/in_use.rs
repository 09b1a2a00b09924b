//! Who has a SQLite record open: each process holds a lock on a small file beside it, so that nobody puts another in its
//! place meanwhile; and whether what was opened still lies there.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{Result, StoreError};
use crate::domain::health::Lost;
use crate::domain::reason::of_system;
use crate::private_file::open_lock;

/// A record that is held open; given back with its end.
#[derive(Debug)]
pub(super) struct InUse {
    lock: Mutex<Option<File>>,
    path: PathBuf,
    database: PathBuf,
    /// Which file the database was when it was opened; nothing where it wasn't made yet.
    opened: Option<u64>,
}

/// Nobody else has the record open, and nobody opens it until this ends.
#[derive(Debug)]
pub struct Alone(#[allow(dead_code, reason = "held")] Option<File>);

impl InUse {
    /// Holds the record in that file, beside whoever else does.
    pub fn of(database: &str) -> Result<InUse> {
        let path = lock_of(database);
        let lock = open_lock(&path).and_then(|lock| lock.lock_shared().map(|()| lock));
        let lock = lock.map_err(|why| unusable(&path, &why))?;
        let database = PathBuf::from(database);
        let lock = Mutex::new(Some(lock));
        Ok(InUse { lock, path, opened: inode(&database), database })
    }

    /// It's closed.
    pub fn end(&self) {
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// What isn't there any more.
    pub fn lost(&self) -> Option<Lost> {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let own = lock.as_ref()?.metadata().ok().map(|own| own.ino());
        let is_ours = own == inode(&self.path);
        if self.opened.is_some() && self.opened != inode(&self.database) {
            return Some(Lost::Database(self.database.display().to_string()));
        }
        (!is_ours).then(|| Lost::Lock(self.path.display().to_string()))
    }
}

impl Alone {
    /// Takes the record in that file for oneself; nothing where somebody has it open.
    pub(super) fn with(database: &str) -> Result<Option<Alone>> {
        let path = lock_of(database);
        let lock = open_lock(&path).map_err(|why| unusable(&path, &why))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Alone(Some(lock)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(why)) => Err(unusable(&path, &why)),
        }
    }

    /// A server keeps its own lists.
    pub(super) const fn on_a_server() -> Alone {
        Alone(None)
    }
}

fn lock_of(database: &str) -> PathBuf {
    PathBuf::from(format!("{database}.in-use"))
}

fn inode(file: &Path) -> Option<u64> {
    file.metadata().ok().map(|about| about.ino())
}

fn unusable(file: &Path, why: &std::io::Error) -> StoreError {
    StoreError::Lock { file: file.display().to_string(), why: of_system(why.kind()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_open_is_nobodys_alone() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("zoufang.db").display().to_string();
        std::fs::write(&database, "").unwrap();
        let one = InUse::of(&database).unwrap();
        let two = InUse::of(&database).unwrap();
        assert!(Alone::with(&database).unwrap().is_none());
        drop(one);
        assert!(Alone::with(&database).unwrap().is_none());
        assert_eq!(two.lost(), None);
        drop(two);
        let alone = Alone::with(&database).unwrap();
        assert!(alone.is_some() && Alone::with(&database).unwrap().is_none());
    }

    #[test]
    fn what_was_taken_away_is_missed() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("zoufang.db");
        let database = at.display().to_string();
        std::fs::write(&at, "").unwrap();
        let held = InUse::of(&database).unwrap();
        std::fs::remove_file(dir.path().join("zoufang.db.in-use")).unwrap();
        assert!(matches!(held.lost(), Some(Lost::Lock(_))));
        let held = InUse::of(&database).unwrap();
        std::fs::rename(&at, dir.path().join("away")).unwrap();
        assert!(matches!(held.lost(), Some(Lost::Database(_))));
        std::fs::write(&at, "another").unwrap();
        assert!(matches!(held.lost(), Some(Lost::Database(_))));
    }
}
