//! Whether a platform shows our marks: known of its address, and kept in the record, so that a restart forgets nothing.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use sha2::{Digest, Sha256};

use crate::domain::referral::reference_in;
use crate::seal::hex;

/// Whether the platform at an address shows our marks.
#[derive(Debug)]
pub struct ShowsMarks {
    /// Stands for the address, which may hold what nobody is to read.
    place: String,
    known: AtomicBool,
    /// What the record has of it was read; it has it.
    recalled: AtomicBool,
    kept: AtomicBool,
}

impl ShowsMarks {
    /// Of the platform at that address.
    pub fn at(endpoint: &str) -> ShowsMarks {
        let place = hex(&Sha256::digest(endpoint));
        let [known, recalled, kept] = [false; 3].map(AtomicBool::new);
        ShowsMarks { place, known, recalled, kept }
    }

    /// Of what stands under numbers in the place of what we wrote, each a number and a text: what can be told by it whose it is.
    /// That's what bears somebody's mark, and what bears none where this platform is known to show ours.
    pub(super) fn telling(
        &self,
        shown: impl Iterator<Item = (String, String)>,
    ) -> Vec<(String, String)> {
        let (marked, unmarked): (Vec<_>, Vec<_>) =
            shown.partition(|(_, text)| reference_in(text).is_some());
        self.known.fetch_or(!marked.is_empty(), Relaxed);
        let is_known = self.known.load(Relaxed);
        let said = |(_, text): &(String, String)| is_known && !text.trim().is_empty();
        marked.into_iter().chain(unmarked.into_iter().filter(said)).collect()
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn is_recalled(&self) -> bool {
        self.recalled.load(Relaxed)
    }

    /// Takes what the record has: of which address it's known.
    pub(super) fn recall(&self, place: Option<&str>) {
        if place == Some(self.place.as_str()) {
            self.known.store(true, Relaxed);
            self.kept.store(true, Relaxed);
        }
        self.recalled.store(true, Relaxed);
    }

    /// Whether it's known, and the record doesn't have it.
    pub(super) fn is_news(&self) -> bool {
        self.known.load(Relaxed) && !self.kept.load(Relaxed)
    }

    pub(super) fn kept(&self) {
        self.kept.store(true, Relaxed);
    }
}
