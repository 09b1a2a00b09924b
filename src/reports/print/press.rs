//! What pages are made with.

use std::path::PathBuf;

use super::super::reading::Reading;

/// What pages are made with.
#[derive(Debug, Clone, Default)]
pub struct Press {
    /// Where residents reach their pages; empty for no code on the card.
    pub public_url: String,
    /// A folder with photos for badges, named by the person's number.
    pub photos: Option<PathBuf>,
}

/// The campaign's town, by name.
pub fn town(reading: &Reading) -> String {
    let town = reading.tree.find(&reading.plan.town);
    town.map(|town| town.name.clone()).unwrap_or_default()
}
