//! A file as whoever packs a workbook writes it: once it fails, what comes after goes nowhere, so the packer's own end is quiet, and
//! why it failed is told here.

use std::fs::File;
use std::io::{self, ErrorKind, Write};

#[derive(Debug)]
pub struct UntilFull {
    file: File,
    /// Why nothing more was written.
    pub failed: Option<ErrorKind>,
}

impl UntilFull {
    pub const fn new(file: File) -> UntilFull {
        UntilFull { file, failed: None }
    }

    fn noting<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        if let Err(why) = &done
            && why.kind() != ErrorKind::Interrupted
        {
            self.failed = Some(why.kind());
        }
        done
    }
}

impl Write for UntilFull {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_some() {
            return Ok(bytes.len());
        }
        let done = self.file.write(bytes);
        self.noting(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.failed.is_some() {
            return Ok(());
        }
        let done = self.file.flush();
        self.noting(done)
    }
}
