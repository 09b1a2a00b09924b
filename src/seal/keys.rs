//! What is derived from the keys of a file: ciphers, the subkey of the index, those of the audit trail.

use sm3::{Digest, Sm3};

use super::cipher::{Ciphers, NONCE};
use super::derive::{ID, audit_of, derive, fingerprint_of, id_of, index_of};
use super::key_file::{Index, KeyFile};
use super::mark::DigestKind;
use super::place::{HEAD, Place};

/// A key that opens, and perhaps seals.
pub(super) struct Key {
    pub id: [u8; ID],
    pub fingerprint: String,
    pub ciphers: Ciphers,
    /// For what the second version sealed.
    pub second: Ciphers,
    /// Makes nonces of places and texts.
    nonces: [u8; 32],
}

/// The keys of a file.
pub(super) struct Keys {
    /// The present one first.
    pub keys: Vec<Key>,
    pub index: Index,
    pub index_key: [u8; 32],
    /// The present one first, by their keys' ids.
    pub audit: Vec<(String, [u8; 32])>,
}

impl Key {
    fn new(key: &[u8; 32]) -> Key {
        let mut sm4 = [0; 16];
        let whole = Sm3::new().chain_update("zoufang seal sm4").chain_update(key).finalize();
        sm4.copy_from_slice(&whole[..16]);
        Key {
            id: id_of(key),
            fingerprint: fingerprint_of(key),
            ciphers: Ciphers::new(derive("zoufang seal", key), sm4),
            second: Ciphers::new(derive("zoufang seal v2", key), sm4),
            nonces: derive("zoufang seal nonce", key),
        }
    }

    /// The nonce of a text in its place: the head, then what only a holder of the key can make of them.
    pub fn nonce(&self, head: [u8; HEAD], place: Place<'_>, text: &[u8]) -> [u8; NONCE] {
        let [table, column, row] = [place.table, place.column, place.row].map(str::as_bytes);
        let made = DigestKind::Sha256.keyed(&self.nonces, &[&head, table, column, row, text]);
        let mut nonce = [0; NONCE];
        nonce[..HEAD].copy_from_slice(&head);
        nonce[HEAD..].copy_from_slice(&made[..NONCE - HEAD]);
        nonce
    }
}

impl Keys {
    pub fn of(file: &KeyFile) -> Keys {
        let mut audit = vec![audit_of(&file.current)];
        audit.extend(file.audit.iter().cloned());
        Keys {
            keys: std::iter::once(&file.current).chain(&file.previous).map(Key::new).collect(),
            index: file.index,
            index_key: file.index.key.unwrap_or_else(|| index_of(&file.current)),
            audit,
        }
    }

    /// The key that seals.
    pub fn present(&self) -> Option<&Key> {
        self.keys.first()
    }
}
