//! Every file that is made here: whole or not there at all, with the rights that it's to have whatever the umask, under a
//! name that can't be guessed until it's whole, never through a link.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{Mode, OFlags};
use tempfile::NamedTempFile;

/// What becomes of a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written: somebody may have filled it in.
    Keep,
    /// It was written here before, and is written again.
    Replace,
}

/// Who may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Keys, and the record itself.
    Owner,
    /// Its owner; where its folder was given to a group (its files are the group's: setgid), that group too.
    Folder,
    /// What holds nobody's data: a plan, a manual page.
    All,
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

/// What the files and folders that this process makes are at the most, where they aren't told their rights: nobody else's.
pub fn shut_out_others() {
    rustix::process::umask(Mode::from_raw_mode(0o007));
}

/// A file as it's being written, beside its place.
#[derive(Debug)]
pub struct PrivateFile {
    part: NamedTempFile,
    to: PathBuf,
}

impl PrivateFile {
    /// Begins one that is to be there under this name, for its folder's readers.
    pub fn begin(to: &Path, existing: Existing) -> Result<PrivateFile, Unwritten> {
        PrivateFile::begin_for(to, existing, Readers::Folder)
    }

    /// Begins one for these readers.
    pub fn begin_for(
        to: &Path,
        existing: Existing,
        readers: Readers,
    ) -> Result<PrivateFile, Unwritten> {
        check_place(to, existing)?;
        let folder = folder_of(to);
        let mut part = tempfile::Builder::new();
        part.prefix(".zoufang-").suffix(".part");
        let part = part.tempfile_in(folder).map_err(Unwritten::Folder)?;
        // After it's there: a umask would take from what it's made with.
        let rights = permissions(mode_for(readers, folder));
        part.as_file().set_permissions(rights).map_err(Unwritten::Folder)?;
        if readers == Readers::Owner {
            belong_to_folder(part.path());
        }
        Ok(PrivateFile { part, to: to.to_owned() })
    }

    /// Where it lies until it's whole.
    pub fn path(&self) -> &Path {
        self.part.path()
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
            // The name too is to outlive a power cut; not every file system can be asked for it.
            Ok(_) => {
                sync_folder(folder_of(&to));
                Ok(())
            }
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
    write_for(to, bytes, existing, Readers::Folder)
}

/// Writes a file for these readers at once.
pub fn write_for(
    to: &Path,
    bytes: &[u8],
    existing: Existing,
    readers: Readers,
) -> Result<(), Unwritten> {
    let mut file = PrivateFile::begin_for(to, existing, readers)?;
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

/// Makes a folder with these rights, where it isn't there; below one that is a group's it's that group's too.
pub fn make_folder(folder: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder_of(folder))?;
    match fs::DirBuilder::new().mode(mode).create(folder) {
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        made => made?,
    }
    let made = fs::metadata(folder)?.permissions().mode() & 0o7777;
    let wanted = made & 0o7000 | mode;
    if made != wanted {
        // A service may be forbidden to touch what has the group's mark; its own umask lets through what is needed.
        let _ = fs::set_permissions(folder, permissions(wanted));
    }
    belong_to_folder(folder);
    Ok(())
}

/// A folder of our own beside a file, for what is to be under its name only once it's whole; it goes with what is given back.
pub fn folder_beside(file: &Path) -> io::Result<tempfile::TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix(ASIDE).permissions(permissions(0o700));
    folder.tempdir_in(folder_of(file))
}

/// How the folders that [`folder_beside`] makes begin.
const ASIDE: &str = ".zoufang-aside-";

/// Removes such folders, and files that were never finished, of processes that were killed before then.
pub fn sweep(folder: &Path, before: Timestamp) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let part = name.starts_with(".zoufang-") && name.ends_with(".part");
        if !(part || name.starts_with(ASIDE)) {
            continue;
        }
        let Ok(about) = entry.metadata() else { continue };
        let changed = about.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
        if changed.is_none_or(|changed| changed >= before) {
            continue;
        }
        let _ = if about.is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
    }
}

/// A file that is only locked, never written: made for its owner where it isn't there, not through a link.
pub fn open_lock(file: &Path) -> io::Result<File> {
    let mut how = OpenOptions::new();
    open_own(file, how.read(true).write(true).truncate(false))
}

/// A file to which lines are added: made for its owner where it isn't there, not through a link.
pub fn open_to_append(file: &Path) -> io::Result<File> {
    open_own(file, OpenOptions::new().read(true).append(true))
}

fn open_own(file: &Path, how: &mut OpenOptions) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let opened = how.create(true).mode(0o600).custom_flags(no_link).open(file)?;
    // One that isn't ours stays as it is.
    let _ = tighten(file);
    belong_to_folder(file);
    Ok(opened)
}

/// Makes an empty file for its owner, where there is none; one that others can read is made its owner's alone.
pub fn claim(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(made) => {
            belong_to_folder(file);
            made.set_permissions(permissions(0o600))
        }
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists && file.exists() => {
            tighten(file).map(drop)
        }
        Err(why) => Err(why),
    }
}

/// What root makes in a service's own folder is the service's: a command that was typed as root leaves nothing behind that the
/// service can't open.
pub fn belong_to_folder(file: &Path) {
    use std::os::unix::fs::{MetadataExt, lchown};
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (Ok(folder), Ok(own)) = (folder_of(file).metadata(), file.symlink_metadata()) else {
        return;
    };
    if folder.uid() != 0 && own.uid() == 0 && !own.is_symlink() {
        let _ = lchown(file, Some(folder.uid()), Some(folder.gid()));
    }
}

/// Takes from others what they may do with a file of ours; gives back what they could, where that was anything.
pub fn tighten(file: &Path) -> io::Result<Option<u32>> {
    let Some(mode) = too_wide(file) else { return Ok(None) };
    fs::set_permissions(file, permissions(0o600))?;
    Ok(Some(mode))
}

/// The rights of a file that everybody can read, or more than its owner can write.
pub fn too_wide(file: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(file).ok()?.permissions().mode() & 0o7777;
    (mode & 0o027 != 0).then_some(mode)
}

/// The folder in which a file lies.
pub fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// How many bytes may still be written on the disk of a folder.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let about = rustix::fs::statvfs(folder)?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

/// So that a name that was given outlives a power cut.
pub fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

fn check_place(to: &Path, existing: Existing) -> Result<(), Unwritten> {
    match (to.symlink_metadata(), existing) {
        (Ok(there), _) if there.is_symlink() => Err(Unwritten::Link),
        (Ok(_), Existing::Keep) => Err(Unwritten::Exists),
        _ => Ok(()),
    }
}

fn mode_for(readers: Readers, folder: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let shared = || folder.metadata().is_ok_and(|folder| folder.permissions().mode() & 0o2000 != 0);
    match readers {
        Readers::All => 0o644,
        Readers::Folder if shared() => 0o640,
        Readers::Folder | Readers::Owner => 0o600,
    }
}

/// What a file in this folder is given that whoever reads the folder reads.
pub fn permissions_in(folder: &Path) -> fs::Permissions {
    permissions(mode_for(Readers::Folder, folder))
}

fn permissions(mode: u32) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(mode)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(file: &Path) -> u32 {
        file.metadata().unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_is_written_is_its_owners_and_goes_through_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("一.csv");
        write(&file, b"1", Existing::Keep).unwrap();
        assert_eq!(mode(&file), 0o600);
        assert!(matches!(write(&file, b"2", Existing::Keep), Err(Unwritten::Exists)));
        write(&file, b"3", Existing::Replace).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"3");
        let link = dir.path().join("二.csv");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for existing in [Existing::Keep, Existing::Replace] {
            assert!(matches!(write(&link, b"4", existing), Err(Unwritten::Link)));
        }
        assert!(open_lock(&link).is_err());
        assert_eq!(fs::read(&file).unwrap(), b"3");
        // What isn't finished leaves nothing.
        drop(PrivateFile::begin(&dir.path().join("三.csv"), Existing::Keep).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        let gone = dir.path().join("没有/四.csv");
        assert!(matches!(write(&gone, b"", Existing::Keep), Err(Unwritten::Folder(_))));
    }

    #[test]
    fn each_has_its_readers() {
        let dir = tempfile::tempdir().unwrap();
        let shared = dir.path().join("shared");
        make_folder(&shared, 0o750).unwrap();
        fs::set_permissions(&shared, permissions(0o2750)).unwrap();
        let at = |folder: &Path, name: &str, readers| {
            let file = folder.join(name);
            write_for(&file, b"", Existing::Keep, readers).unwrap();
            mode(&file)
        };
        assert_eq!(at(&shared, "a", Readers::Folder), 0o640);
        assert_eq!(at(&shared, "b", Readers::Owner), 0o600);
        assert_eq!(at(dir.path(), "c", Readers::Folder), 0o600);
        assert_eq!(at(dir.path(), "d", Readers::All), 0o644);
        make_folder(&shared.join("returns"), 0o770).unwrap();
        assert_eq!(mode(&shared.join("returns")), 0o2770);
        assert_eq!(mode(folder_beside(&shared).unwrap().path()) & 0o777, 0o700);
    }

    #[test]
    fn what_was_open_to_others_is_shut() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("zoufang.db");
        claim(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        for (given, then) in [(0o644, 0o600), (0o666, 0o600), (0o640, 0o640), (0o400, 0o400)] {
            fs::set_permissions(&file, permissions(given)).unwrap();
            claim(&file).unwrap();
            assert_eq!(mode(&file), then, "{given:o}");
        }
        let link = dir.path().join("link.db");
        std::os::unix::fs::symlink(dir.path().join("nowhere"), &link).unwrap();
        assert!(claim(&link).is_err() && !dir.path().join("nowhere").exists());
    }

    #[test]
    fn only_what_was_left_over_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let left = folder_beside(&dir.path().join("x")).unwrap().keep();
        fs::write(dir.path().join("mine.part"), "").unwrap();
        sweep(dir.path(), "2000-01-01T00:00:00Z".parse().unwrap());
        assert!(left.exists());
        sweep(dir.path(), Timestamp::MAX);
        assert!(!left.exists() && dir.path().join("mine.part").exists());
    }
}
