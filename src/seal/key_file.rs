//! The file of the key: the key itself, and, once it took another's place, what is still needed of those before it.
//!
//! The first line is the key. Behind it may stand, a word before each: `previous`, a key that is being replaced; `index`, by
//! which digest and (where it isn't the present key's own) with which subkey rows are found; `audit`, subkeys of keys before,
//! which vouch for the audit trail of their time and open nothing.

use super::derive::{audit_of, index_of};
use super::hexadecimal::{hex, unhex};
use super::mark::DigestKind;
use crate::clock::Chance;

/// What the file says.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyFile {
    pub(super) current: [u8; 32],
    pub(super) previous: Option<[u8; 32]>,
    pub(super) index: Index,
    /// By the ids of the keys that they were of.
    pub(super) audit: Vec<(String, [u8; 32])>,
}

/// By what rows are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Index {
    pub kind: DigestKind,
    /// Nothing for the present key's own.
    pub key: Option<[u8; 32]>,
}

impl KeyFile {
    /// A new key.
    pub fn new(index: DigestKind, chance: &Chance) -> KeyFile {
        let mut file = KeyFile::of([0; 32]);
        chance.fill(&mut file.current);
        file.index.kind = index;
        file
    }

    /// This key and nothing else.
    pub(super) fn of(current: [u8; 32]) -> KeyFile {
        KeyFile { current, previous: None, index: Index::default(), audit: Vec::new() }
    }

    /// The key itself.
    pub(super) const fn key(&self) -> [u8; 32] {
        self.current
    }

    /// Reads the file's text; nothing where it isn't one.
    pub fn read(text: &str) -> Option<KeyFile> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut file = KeyFile::of(unhex(lines.next()?)?);
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["previous", key] => file.previous = Some(unhex(key)?),
                ["index", kind] => file.index.kind = DigestKind::read(kind)?,
                ["index", kind, key] => {
                    file.index = Index { kind: DigestKind::read(kind)?, key: Some(unhex(key)?) };
                }
                ["audit", id, key] => file.audit.push(((*id).to_owned(), unhex(key)?)),
                _ => return None,
            }
        }
        Some(file)
    }

    /// The same as text.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", hex(&self.current));
        if let Some(previous) = &self.previous {
            text.push_str(&format!("previous {}\n", hex(previous)));
        }
        match self.index {
            Index { kind, key: Some(key) } => {
                text.push_str(&format!("index {} {}\n", kind.name(), hex(&key)));
            }
            Index { kind: DigestKind::Sha256, key: None } => {}
            Index { kind, key: None } => text.push_str(&format!("index {}\n", kind.name())),
        }
        for (id, key) in &self.audit {
            text.push_str(&format!("audit {id} {}\n", hex(key)));
        }
        text
    }

    /// Another key in its place; this one stays readable behind it. What rows are found by stays as it is: it opens
    /// nothing, and addresses that people keep (their calendar) are made of it.
    #[must_use]
    pub fn replaced(&self, chance: &Chance) -> KeyFile {
        let mut next = KeyFile::new(self.index.kind, chance);
        next.previous = Some(self.current);
        next.index.key = Some(self.index.key.unwrap_or_else(|| index_of(&self.current)));
        next.audit.clone_from(&self.audit);
        next.audit.push(audit_of(&self.current));
        next
    }

    /// Whether a key is being replaced.
    pub fn is_being_replaced(&self) -> bool {
        self.previous.is_some()
    }

    /// Nothing is sealed with the one before any more: without it, and that one by itself, which old backups need.
    pub fn settled(&self) -> Option<(KeyFile, KeyFile)> {
        let mut before = KeyFile::of(self.previous?);
        before.index = self.index;
        before.audit.clone_from(&self.audit);
        Some((KeyFile { previous: None, ..self.clone() }, before))
    }
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFile").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_said() {
        let chance = Chance::seeded(3);
        let first = KeyFile::new(DigestKind::Sha256, &chance);
        assert_eq!(first.text().len(), 65, "as it always was");
        let second = first.replaced(&chance);
        let third = second.settled().unwrap().0.replaced(&chance);
        for file in [&first, &second, &third, &KeyFile::new(DigestKind::Sm3, &chance)] {
            assert_eq!(KeyFile::read(&file.text()).as_ref(), Some(file));
        }
        assert!(second.is_being_replaced() && !first.is_being_replaced());
        assert_eq!(second.settled().unwrap().1.current, first.current);
        assert_eq!(third.index, second.index, "rows are found as before");
        assert_eq!(third.audit.len(), 2);
        for wrong in ["", "abc", &format!("{}\nwhat 1\n", "07".repeat(32))] {
            assert_eq!(KeyFile::read(wrong), None);
        }
    }
}
