//! An answer of the platform's, as it's kept.

use crate::domain::referral::PlatformStatus;

/// An answer as it's kept; instants are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub id: String,
    /// The number that it is about.
    pub number: String,
    /// The platform's own word, and what it means where configuration knows it.
    pub word: String,
    pub status: Option<PlatformStatus>,
    /// What it tells the resident.
    pub text: String,
    /// When it happened, by the platform's clock.
    pub at: i64,
    /// The numbers that took its number's place.
    pub successors: Vec<String>,
    /// The platform's own number of this answer.
    pub update_id: Option<String>,
}
