//! Files that hold personal data: whole or not there at all, for their owner alone, never through a link.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// What becomes of a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written: somebody may have filled it in.
    Keep,
    /// It was written here before, and is written again.
    Replace,
}

/// Why a file isn't there.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    #[error("已经有这个文件，不会覆盖它；请另起一个名字")]
    Exists,
    #[error("这个名字是一个链接，不会写到它指的地方；请删掉链接，或另起一个名字")]
    Link,
    #[error("写不进去，请看看文件夹在不在、有没有权限、磁盘满没满")]
    Folder(#[source] io::Error),
}

/// A file as it's being written, beside its place.
#[derive(Debug)]
pub struct PrivateFile {
    part: NamedTempFile,
    to: PathBuf,
}

impl PrivateFile {
    /// Begins one that is to be there under this name.
    pub fn begin(to: &Path, existing: Existing) -> Result<PrivateFile, Unwritten> {
        check_place(to, existing)?;
        let folder = to.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        let mut part = tempfile::Builder::new();
        part.prefix(".zoufang-").suffix(".part");
        #[cfg(unix)]
        part.permissions(permissions(folder));
        let part = part.tempfile_in(folder).map_err(Unwritten::Folder)?;
        Ok(PrivateFile { part, to: to.to_owned() })
    }

    /// It's whole: from here on it's there under its name.
    pub fn finish(self, existing: Existing) -> Result<(), Unwritten> {
        let PrivateFile { part, to } = self;
        part.as_file().sync_all().map_err(Unwritten::Folder)?;
        check_place(&to, existing)?;
        #[cfg(unix)]
        keep_owner(part.as_file(), &to);
        let persisted = match existing {
            Existing::Keep => part.persist_noclobber(&to),
            Existing::Replace => part.persist(&to),
        };
        match persisted {
            Ok(_) => Ok(()),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Unwritten::Exists)
            }
            Err(failed) => Err(Unwritten::Folder(failed.error)),
        }
    }
}

impl Write for PrivateFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.part.flush()
    }
}

/// Writes a file at once.
pub fn write(to: &Path, bytes: &[u8], existing: Existing) -> Result<(), Unwritten> {
    let mut file = PrivateFile::begin(to, existing)?;
    file.write_all(bytes).map_err(Unwritten::Folder)?;
    file.finish(existing)
}

/// What is written again stays whose it was, and as open as it was, also where root writes it.
#[cfg(unix)]
fn keep_owner(file: &std::fs::File, to: &Path) {
    use std::os::unix::fs::{MetadataExt, fchown};

    if let Ok(there) = to.metadata() {
        // Nobody but root can give it away, and for anybody else it's theirs already.
        let _ = fchown(file, Some(there.uid()), Some(there.gid()));
        let _ = file.set_permissions(there.permissions());
    }
}

fn check_place(to: &Path, existing: Existing) -> Result<(), Unwritten> {
    match (to.symlink_metadata(), existing) {
        (Ok(there), _) if there.is_symlink() => Err(Unwritten::Link),
        (Ok(_), Existing::Keep) => Err(Unwritten::Exists),
        _ => Ok(()),
    }
}

/// For the owner; where a folder was given to a group (its files are the group's: setgid), for that group to read too.
#[cfg(unix)]
pub fn permissions(folder: &Path) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    let is_shared = folder.metadata().is_ok_and(|folder| folder.permissions().mode() & 0o2000 != 0);
    std::fs::Permissions::from_mode(if is_shared { 0o640 } else { 0o600 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_written_is_its_owners_and_goes_through_no_link() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("一.csv");
        write(&file, b"1", Existing::Keep).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(write(&file, b"2", Existing::Keep), Err(Unwritten::Exists)));
        write(&file, b"3", Existing::Replace).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"3");
        let link = dir.path().join("二.csv");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for existing in [Existing::Keep, Existing::Replace] {
            assert!(matches!(write(&link, b"4", existing), Err(Unwritten::Link)));
        }
        assert_eq!(std::fs::read(&file).unwrap(), b"3");
        // What isn't finished leaves nothing.
        drop(PrivateFile::begin(&dir.path().join("三.csv"), Existing::Keep).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        let gone = dir.path().join("没有/四.csv");
        assert!(matches!(write(&gone, b"", Existing::Keep), Err(Unwritten::Folder(_))));
    }
}
