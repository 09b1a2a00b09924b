//! The file of a backup: a head in the clear (what it is, and which key opens it), then, sealed, what it says of itself and
//! the copy of the record.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use super::BackupError;
use super::stream::{BackupKey, NONCE, Opening, Sealing};
use crate::clock::Chance;
use crate::domain::backup::Manifest;
use crate::domain::reason::of_system;

/// What each begins with.
const MAGIC: &[u8] = b"zoufang backup 1\n";
const FINGERPRINT: usize = 16;
const HEAD: usize = MAGIC.len() + FINGERPRINT + NONCE;
/// A manifest is a few kilobytes.
const LONGEST_MANIFEST: u32 = 1 << 20;

/// Begins a backup: what is written into what is given back is its copy of the record.
pub(super) fn create<W: Write>(
    mut to: W,
    key: &BackupKey,
    chance: &Chance,
    manifest: &Manifest,
) -> io::Result<Sealing<W>> {
    let mut nonce = [0; NONCE];
    chance.fill(&mut nonce);
    let head = [MAGIC, key.fingerprint().as_bytes(), &nonce].concat();
    to.write_all(&head)?;
    let mut sealing = Sealing::begin(to, key, &nonce, &head);
    let manifest = serde_json::to_vec(manifest)?;
    let length = u32::try_from(manifest.len()).map_err(io::Error::other)?;
    sealing.write_all(&length.to_be_bytes())?;
    sealing.write_all(&manifest)?;
    Ok(sealing)
}

/// The copy of the record within a backup.
pub(super) type Copy = Opening<BufReader<File>>;

/// Opens a backup: what it says of itself, and its copy of the record.
pub(super) fn open(file: &Path, key: &BackupKey) -> Result<(Manifest, Copy), BackupError> {
    let unreadable = |why: io::Error| unreadable(file, &why);
    let mut from = BufReader::new(File::open(file).map_err(unreadable)?);
    let mut head = [0; HEAD];
    from.read_exact(&mut head).map_err(|why| match why.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::NoBackup(file.display().to_string()),
        _ => unreadable(why),
    })?;
    let rest = head.strip_prefix(MAGIC);
    let rest = rest.ok_or_else(|| BackupError::NoBackup(file.display().to_string()))?;
    let (fingerprint, nonce) = rest.split_at(FINGERPRINT);
    if fingerprint != key.fingerprint().as_bytes() {
        return Err(BackupError::OtherKey {
            file: file.display().to_string(),
            expected: String::from_utf8_lossy(fingerprint).into_owned(),
            found: key.fingerprint().to_owned(),
        });
    }
    let mut own = [0; NONCE];
    own.copy_from_slice(nonce);
    let mut copy = Opening::begin(from, key, &own, &head).map_err(unreadable)?;
    let manifest = manifest(&mut copy).map_err(unreadable)?;
    Ok((manifest, copy))
}

fn manifest(copy: &mut impl Read) -> io::Result<Manifest> {
    let mut length = [0; 4];
    copy.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length).min(LONGEST_MANIFEST);
    let mut text = Vec::new();
    copy.take(length.into()).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// A backup's file can't be read, or isn't what was written.
pub(super) fn unreadable(file: &Path, why: &io::Error) -> BackupError {
    let file = file.display().to_string();
    match why.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => BackupError::Damaged(file),
        kind => BackupError::Unreadable { file, why: of_system(kind) },
    }
}
