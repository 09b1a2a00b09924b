//! How much of a file is read: beyond these bounds it's refused before it costs memory.

use serde::Deserialize;

/// One mebibyte.
pub(super) const MIB: u64 = 1 << 20;

/// The bounds of a file, as `[intake]` gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// As it lies there, in MiB.
    pub file_mib: u64,
    /// Its tables as they are unpacked, which are read piece by piece, in MiB.
    pub unpacked_mib: u64,
    /// What of it is held in memory: texts that cells share, formats, and whole tables of the older forms, in MiB.
    pub held_mib: u64,
    pub rows: usize,
    pub columns: usize,
    /// The longest text in a cell, in characters.
    pub text: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            file_mib: 256,
            unpacked_mib: 1_024,
            held_mib: 256,
            rows: 1_200_000,
            columns: 256,
            text: 5_000,
        }
    }
}
