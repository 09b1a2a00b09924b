//! What is derived from the keys of a file: ciphers, the subkey of the index, those of the audit trail.

use sm3::{Digest, Sm3};

use super::cipher::Ciphers;
use super::derive::{ID, audit_of, derive, fingerprint_of, id_of, index_of};
use super::key_file::{Index, KeyFile};

/// A key that opens, and perhaps seals.
pub(super) struct Key {
    pub id: [u8; ID],
    pub fingerprint: String,
    pub ciphers: Ciphers,
    /// What was sealed by versions before carries no key's id and isn't bound to its place.
    pub first: Ciphers,
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
            ciphers: Ciphers::new(derive("zoufang seal v2", key), sm4),
            first: Ciphers::new(derive("zoufang seal", key), sm4),
        }
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
