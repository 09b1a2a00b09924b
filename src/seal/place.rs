//! What a sealed value begins with, and what it's bound to.

/// The cipher's code and the key's id: as base64 so many characters, whatever follows.
pub(super) const HEAD: usize = 6;

/// Where a sealed value stands: it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'p> {
    pub table: &'p str,
    pub column: &'p str,
    /// The row's own name: its primary key.
    pub row: &'p str,
}
