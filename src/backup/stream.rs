//! A stream that is sealed piece by piece (STREAM over XChaCha20-Poly1305), so that its length costs no memory: a piece that
//! was changed, moved, left out or cut off isn't opened.

use std::io::{self, Read, Write};

use aead_stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use sha2::{Digest, Sha256};

use crate::seal::hex;

const PIECE: usize = 64 << 10;
const TAG: usize = 16;
/// What is drawn for each stream; the rest of the nonce counts its pieces.
pub const NONCE: usize = 19;

/// The second key: a backup is sealed by it, and a copy of it lies where the backups don't.
#[derive(Clone)]
pub struct BackupKey {
    key: [u8; 32],
    fingerprint: String,
}

impl BackupKey {
    /// From 32 bytes.
    pub fn new(key: &[u8; 32]) -> BackupKey {
        let derive = |purpose: &str| -> [u8; 32] {
            Sha256::new().chain_update(purpose).chain_update(key).finalize().into()
        };
        BackupKey {
            key: derive("zoufang backup"),
            fingerprint: hex(&derive("zoufang backup fingerprint")[..8]),
        }
    }

    /// Tells two keys apart without showing either.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.key.into())
    }
}

impl std::fmt::Debug for BackupKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackupKey").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Seals what is written into it.
pub struct Sealing<W> {
    to: W,
    head: Vec<u8>,
    stream: EncryptorBE32<XChaCha20Poly1305>,
    piece: Vec<u8>,
}

impl<W: Write> Sealing<W> {
    /// Into `to`, bound to what stands open before it.
    pub fn begin(to: W, key: &BackupKey, nonce: &[u8; NONCE], head: &[u8]) -> Sealing<W> {
        let stream = EncryptorBE32::from_aead(key.cipher(), nonce.into());
        let piece = Vec::with_capacity(PIECE + TAG);
        Sealing { to, head: head.to_vec(), stream, piece }
    }

    /// Writes the last piece, by which its end is known to be one.
    pub fn finish(self) -> io::Result<W> {
        let Sealing { mut to, head, stream, mut piece } = self;
        stream.encrypt_last_in_place(&head, &mut piece).map_err(io::Error::other)?;
        to.write_all(&piece)?;
        to.flush()?;
        Ok(to)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece waits until it's known that it isn't the last.
        if self.piece.len() == PIECE {
            let sealed = self.stream.encrypt_next_in_place(&self.head, &mut self.piece);
            sealed.map_err(io::Error::other)?;
            self.to.write_all(&self.piece)?;
            self.piece.clear();
        }
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// A piece goes when it's full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens what is read from it. What doesn't open is [`io::ErrorKind::InvalidData`].
pub struct Opening<R> {
    from: R,
    head: Vec<u8>,
    /// Nothing after the last piece.
    stream: Option<DecryptorBE32<XChaCha20Poly1305>>,
    piece: Vec<u8>,
    read: usize,
    /// Still sealed.
    next: Vec<u8>,
}

impl<R: Read> Opening<R> {
    /// From `from`, which begins behind what stands open.
    pub fn begin(
        mut from: R,
        key: &BackupKey,
        nonce: &[u8; NONCE],
        head: &[u8],
    ) -> io::Result<Opening<R>> {
        let stream = Some(DecryptorBE32::from_aead(key.cipher(), nonce.into()));
        let next = sealed_piece(&mut from)?;
        Ok(Opening { from, head: head.to_vec(), stream, piece: Vec::new(), read: 0, next })
    }

    fn open_next(&mut self) -> io::Result<()> {
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        let after = sealed_piece(&mut self.from)?;
        let mut piece = std::mem::replace(&mut self.next, after);
        let damaged = |_| io::Error::from(io::ErrorKind::InvalidData);
        if self.next.is_empty() {
            stream.decrypt_last_in_place(&self.head, &mut piece).map_err(damaged)?;
        } else {
            stream.decrypt_next_in_place(&self.head, &mut piece).map_err(damaged)?;
            self.stream = Some(stream);
        }
        (self.piece, self.read) = (piece, 0);
        Ok(())
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() && self.stream.is_some() {
            self.open_next()?;
        }
        let count = into.len().min(self.piece.len() - self.read);
        into[..count].copy_from_slice(&self.piece[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

/// As much as one piece is when it's sealed; less only at the end.
fn sealed_piece(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE + TAG);
    from.take((PIECE + TAG) as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"head";
    const N: [u8; NONCE] = [3; NONCE];

    fn key(byte: u8) -> BackupKey {
        BackupKey::new(&[byte; 32])
    }

    fn sealed(text: &[u8]) -> Vec<u8> {
        let mut stream = Sealing::begin(Vec::new(), &key(1), &N, HEAD);
        stream.write_all(text).unwrap();
        stream.finish().unwrap()
    }

    fn opened(bytes: &[u8], key: &BackupKey, head: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        Opening::begin(bytes, key, &N, head)?.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn what_is_sealed_opens_whatever_its_length() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7] {
            let text: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            assert_eq!(opened(&sealed(&text), &key(1), HEAD).unwrap(), text, "{length}");
        }
    }

    #[test]
    fn a_changed_cut_moved_or_lengthened_stream_doesnt_open() {
        let text: Vec<u8> = (0..3 * PIECE + 7).map(|n| (n % 251) as u8).collect();
        let good = sealed(&text);
        let piece = PIECE + TAG;
        let mut wrong = vec![
            good[..3 * piece].to_vec(),
            good[..good.len() - 1].to_vec(),
            Vec::new(),
            [&good[piece..2 * piece], &good[..piece], &good[2 * piece..]].concat(),
            [&good[..piece], &good[2 * piece..]].concat(),
            [&good[..], b"x"].concat(),
        ];
        for at in [0, piece - 1, piece, 2 * piece + 100, good.len() - 1] {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            wrong.push(flipped);
        }
        for bytes in &wrong {
            let error = opened(bytes, &key(1), HEAD).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        assert!(opened(&good, &key(2), HEAD).is_err());
        assert!(opened(&good, &key(1), b"other").is_err());
    }
}
