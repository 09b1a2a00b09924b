//! Keyed digests (HMAC, RFC 2104) by SHA-256 or by SM3 (GB/T 32905).

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use sm3::Sm3;

/// By which digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigestKind {
    #[default]
    Sha256,
    Sm3,
}

impl DigestKind {
    /// How files and marks name it.
    pub const fn name(self) -> &'static str {
        match self {
            DigestKind::Sha256 => "sha256",
            DigestKind::Sm3 => "sm3",
        }
    }

    pub(super) fn read(name: &str) -> Option<DigestKind> {
        [DigestKind::Sha256, DigestKind::Sm3].into_iter().find(|kind| kind.name() == name)
    }

    /// The keyed digest of parts, each behind its length.
    pub(super) fn keyed(self, key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
        match self {
            DigestKind::Sha256 => digest::<Hmac<Sha256>>(key, parts),
            DigestKind::Sm3 => digest::<Hmac<Sm3>>(key, parts),
        }
    }
}

fn digest<M: Mac + KeyInit>(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads a shorter key to its block with zeros, so that no key of 32 bytes is of the wrong length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    let mut whole = [0; 32];
    whole.copy_from_slice(&mac.finalize().into_bytes());
    whole
}

#[cfg(test)]
mod tests {
    use super::super::hexadecimal::hex;
    use super::*;

    /// GB/T 32905-2016, annex A.1.
    #[test]
    fn sm3_is_the_standards() {
        use sm3::Digest;
        let abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
        assert_eq!(hex(&Sm3::digest(b"abc")), abc);
    }

    #[test]
    fn parts_are_told_apart() {
        for kind in [DigestKind::Sha256, DigestKind::Sm3] {
            let of = |parts: &[&[u8]]| kind.keyed(&[1; 32], parts);
            assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
            assert_ne!(of(&[b"ab"]), kind.keyed(&[2; 32], &[b"ab"]));
            assert_eq!(DigestKind::read(kind.name()), Some(kind));
        }
    }
}
