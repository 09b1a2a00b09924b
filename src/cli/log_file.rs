//! The log's own file, for machines without a journal: a new one each day and after so many bytes, of which the last are
//! kept. The crates for this count days by UTC and leave the rights to the umask.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::clock::{real_millis, township_date};
use crate::domain::reason::of_system;
use crate::private_file::permissions_in;
use crate::settings::Log;

/// A file that is written to its end, and then another.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    most: u64,
    keep: usize,
    /// Whether old files are put away: only the service does that.
    rotates: bool,
    file: File,
    size: u64,
    day: Date,
}

const KEY: &str = "log.file";

impl LogFile {
    /// The service's.
    ///
    /// # Errors
    /// Why it can't be written.
    pub fn open(log: &Log) -> Result<LogFile, String> {
        let path = &log.file;
        let wrong = |why: &str| format!("{KEY}：{} 写不了：{why}", path.display());
        if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Err(wrong("它是一个链接，不会写到它指的地方"));
        }
        let file = open(path, true).map_err(|why| wrong(of_system(why.kind())))?;
        LogFile::of(log, file, true).map_err(|why| wrong(of_system(why.kind())))
    }

    /// The same for a command that changes something: where there is one, and it may.
    pub fn open_for_command(log: &Log) -> Option<LogFile> {
        let path = &log.file;
        let is_file = path.symlink_metadata().is_ok_and(|found| found.is_file());
        let file = is_file.then(|| open(path, false).ok())??;
        LogFile::of(log, file, false).ok()
    }

    fn of(log: &Log, file: File, rotates: bool) -> io::Result<LogFile> {
        let found = file.metadata()?;
        // One that was left by yesterday's service is yesterday's.
        let written = found.modified().ok().and_then(|at| jiff::Timestamp::try_from(at).ok());
        let day = written
            .filter(|_| found.len() > 0)
            .map_or_else(today, |at| township_date(at.as_millisecond()));
        let most = log.file_mib.saturating_mul(1 << 20);
        let (path, keep) = (log.file.clone(), log.keep);
        Ok(LogFile { path, most, keep, rotates, file, size: found.len(), day })
    }

    /// Puts it away under its day, and begins another. Where that fails it's written on.
    fn rotate(&mut self) -> io::Result<()> {
        let mut nth = 0;
        let aside = loop {
            let suffix = if nth == 0 { String::new() } else { format!(".{nth:03}") };
            let aside = with_suffix(&self.path, &format!(".{}{suffix}", self.day));
            if !aside.exists() {
                break aside;
            }
            nth += 1;
        };
        std::fs::rename(&self.path, aside)?;
        self.file = open(&self.path, true)?;
        (self.size, self.day) = (0, today());
        self.prune();
        Ok(())
    }

    /// Only the last files stay.
    fn prune(&self) {
        let folder = self.path.parent().filter(|folder| *folder != Path::new(""));
        let Ok(files) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else { return };
        let own = with_suffix(&self.path, ".");
        let own = own.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_old = |name: &str| {
            let day = name.strip_prefix(&own).and_then(|rest| rest.get(..10));
            day.is_some_and(|day| day.parse::<Date>().is_ok())
        };
        let mut old: Vec<PathBuf> = files
            .flatten()
            .filter(|file| is_old(&file.file_name().to_string_lossy()))
            .map(|file| file.path())
            .collect();
        old.sort();
        for file in old.iter().rev().skip(self.keep) {
            // Tried again with the next one.
            let _ = std::fs::remove_file(file);
        }
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let full = self.size > 0 && self.size + bytes.len() as u64 > self.most;
        if self.rotates && (full || self.size > 0 && today() != self.day) {
            // A line that is a little late for its file is better than one that is lost.
            let _ = self.rotate();
        }
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn today() -> Date {
    township_date(real_millis())
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    let file = OpenOptions::new().create(create).append(true).mode(0o600).open(path)?;
    if create {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        file.set_permissions(permissions_in(folder.unwrap_or(Path::new("."))))?;
    }
    Ok(file)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::settings::Settings;

    fn names(folder: &Path) -> Vec<String> {
        let files = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_file_or_yesterdays_is_put_away_and_the_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zoufang.log");
        let text = format!("[log]\nfile = '{}'\nkeep = 2\n", path.display());
        let log = Settings::from_text(&text, "test").unwrap().log;
        let mut file = LogFile::open(&log).unwrap();
        file.most = 10;
        for line in ["one line\n", "another\n", "a third\n", "a fourth\n"] {
            file.write_all(line.as_bytes()).unwrap();
        }
        let day = today();
        let expected = [
            "zoufang.log".to_owned(),
            format!("zoufang.log.{day}.001"),
            format!("zoufang.log.{day}.002"),
        ];
        // The first was put away first, and is gone.
        assert_eq!(names(folder.path()), expected);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a fourth\n");
        for name in names(folder.path()) {
            let mode = folder.path().join(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        file.most = 1_000;
        file.day = day.yesterday().unwrap();
        file.write_all(b"today\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "today\n");
        // A command writes into it, and never begins one.
        let mut beside = LogFile::open_for_command(&log).unwrap();
        beside.most = 1;
        beside.write_all(b"command\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "today\ncommand\n");
        std::fs::remove_file(&path).unwrap();
        assert!(LogFile::open_for_command(&log).is_none());
        std::os::unix::fs::symlink(folder.path().join("x"), &path).unwrap();
        assert!(LogFile::open(&log).unwrap_err().contains("log.file"));
        assert!(LogFile::open_for_command(&log).is_none());
    }
}
