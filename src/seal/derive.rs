//! Subkeys: one for each purpose, of one key.

use sha2::{Digest, Sha256};

use super::hexadecimal::hex;

/// How many bytes of a key's fingerprint sealed values carry.
pub(super) const ID: usize = 5;

/// The subkey for a purpose.
pub(super) fn derive(purpose: &str, key: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(purpose).chain_update(key).finalize().into()
}

/// What tells a key apart without saying anything of it.
pub(super) fn fingerprint_of(key: &[u8; 32]) -> String {
    hex(&derive("zoufang fingerprint", key)[..8])
}

/// The beginning of the same, as bytes.
pub(super) fn id_of(key: &[u8; 32]) -> [u8; ID] {
    let mut id = [0; ID];
    id.copy_from_slice(&derive("zoufang fingerprint", key)[..ID]);
    id
}

/// The subkey by which rows are found.
pub(super) fn index_of(key: &[u8; 32]) -> [u8; 32] {
    derive("zoufang index", key)
}

/// The subkey that vouches for the audit trail, behind its key's id.
pub(super) fn audit_of(key: &[u8; 32]) -> (String, [u8; 32]) {
    (hex(&id_of(key)), derive("zoufang audit", key))
}
