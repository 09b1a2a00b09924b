//! The numbers that issues were given, remembered beside the record, a line each: an issue that a restored record has lost gets
//! its own number again, in whatever order it comes in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};

use crate::db::Store;
use crate::domain::memory::GivenNumber;
use crate::private_file::{Existing, PrivateFile, Readers, open_to_append};

/// The file, and up to where it was filled; -1 while nobody has looked.
#[derive(Debug)]
pub(super) struct NumbersFile {
    path: PathBuf,
    filled: AtomicI64,
}

/// A number of one of the records that were served.
#[derive(Serialize, Deserialize)]
struct Line {
    record: String,
    #[serde(flatten)]
    given: GivenNumber,
}

impl NumbersFile {
    /// Beside the memory.
    pub fn beside(memory: &Path) -> NumbersFile {
        let mut name = memory.as_os_str().to_owned();
        name.push(".numbers");
        NumbersFile { path: PathBuf::from(name), filled: AtomicI64::new(-1) }
    }

    /// Adds what was given since, of the record of this name.
    ///
    /// # Errors
    /// Why it couldn't, for whoever can mend it.
    pub async fn fill(&self, store: &Store, record: &str) -> Result<(), String> {
        let mut filled = self.filled.load(Ordering::Relaxed);
        if filled < 0 {
            filled = self.known(record).await?.iter().map(|given| given.entry).max().unwrap_or(0);
        }
        loop {
            let given = store.numbers_given(filled).await.map_err(|error| error.to_string())?;
            let Some(last) = given.last().map(|given| given.entry) else { break };
            let (path, record) = (self.path.clone(), record.to_owned());
            let written = tokio::task::spawn_blocking(move || append(&path, &record, given)).await;
            written.map_err(|panic| panic.to_string())?.map_err(|error| self.trouble(&error))?;
            filled = last;
        }
        self.filled.store(filled, Ordering::Relaxed);
        Ok(())
    }

    /// What is remembered of the record of this name.
    ///
    /// # Errors
    /// Why it can't be read, for whoever can mend it.
    pub async fn known(&self, record: &str) -> Result<Vec<GivenNumber>, String> {
        let (path, record) = (self.path.clone(), record.to_owned());
        let read = tokio::task::spawn_blocking(move || read(&path, &record)).await;
        read.map_err(|panic| panic.to_string())?.map_err(|error| self.trouble(&error))
    }

    /// Forgets what was given after that entry.
    ///
    /// # Errors
    /// Why it couldn't, for whoever can mend it.
    pub async fn forget(&self, record: &str, after: i64) -> Result<(), String> {
        let (path, record) = (self.path.clone(), record.to_owned());
        let cut = tokio::task::spawn_blocking(move || forget(&path, &record, after)).await;
        cut.map_err(|panic| panic.to_string())?.map_err(|error| self.trouble(&error))?;
        self.filled.store(-1, Ordering::Relaxed);
        Ok(())
    }

    fn trouble(&self, error: &io::Error) -> String {
        format!("{}：{error}", self.path.display())
    }
}

/// Lines that were cut by a crash are left out: what they named is added again.
fn read(path: &Path, record: &str) -> io::Result<Vec<GivenNumber>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut known = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        match serde_json::from_slice::<Line>(&line?) {
            Ok(line) if line.record == record => known.push(line.given),
            _ => {}
        }
    }
    Ok(known)
}

/// Writes it again without those lines.
fn forget(path: &Path, record: &str, after: i64) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let kept = PrivateFile::begin_for(path, Existing::Replace, Readers::Owner);
    let kept = kept.map_err(io::Error::other)?;
    let mut out = BufWriter::new(kept);
    for line in BufReader::new(file).split(b'\n') {
        let line = line?;
        let keeps = serde_json::from_slice::<Line>(&line)
            .is_ok_and(|line| line.record != record || line.given.entry <= after);
        if keeps {
            out.write_all(&line)?;
            out.write_all(b"\n")?;
        }
    }
    let kept = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    kept.finish(Existing::Replace).map_err(io::Error::other)
}

/// Adds lines behind what is there, and a new one behind what was cut.
fn append(path: &Path, record: &str, given: Vec<GivenNumber>) -> io::Result<()> {
    let mut file = open_to_append(path)?;
    let mut text = Vec::new();
    if ends_in_a_line(&mut file)? {
        text.push(b'\n');
    }
    for given in given {
        serde_json::to_writer(&mut text, &Line { record: record.to_owned(), given })?;
        text.push(b'\n');
    }
    file.write_all(&text)?;
    file.sync_data()
}

fn ends_in_a_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_spoils_none_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        let given = |entry| GivenNumber {
            entry,
            number: format!("A-{entry}"),
            identity: "i".into(),
            place: "p".into(),
        };
        append(&path, "a", vec![given(1), given(2)]).unwrap();
        let mut file = open_to_append(&path).unwrap();
        file.write_all(b"{\"record\":\"a\",\"ent").unwrap();
        append(&path, "a", vec![given(3)]).unwrap();
        append(&path, "b", vec![given(4)]).unwrap();
        assert_eq!(read(&path, "a").unwrap(), [given(1), given(2), given(3)]);
        forget(&path, "a", 1).unwrap();
        assert_eq!(read(&path, "a").unwrap(), [given(1)]);
        assert_eq!(read(&path, "b").unwrap(), [given(4)]);
    }
}
