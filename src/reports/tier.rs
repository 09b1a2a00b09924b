//! 三大类七小类: issues counted by level and category (三(二)).

use std::collections::BTreeMap;

use super::reading::Case;
use crate::domain::issue::{Category, Level};

/// How many there are of each level and category, those that aren't classified under neither.
#[derive(Debug, Clone, Default)]
pub struct Tiers(BTreeMap<(Option<Level>, Option<Category>), i64>);

impl Tiers {
    pub fn add(&mut self, case: &Case) {
        let class = case.issue.class;
        let key = (class.map(|class| class.level), class.map(|class| class.category));
        *self.0.entry(key).or_default() += 1;
    }

    /// How many of a level, or of all, and of a category, or of all.
    pub fn count(&self, level: Option<Level>, category: Option<Category>) -> i64 {
        let of = |(key, count): (&(Option<Level>, Option<Category>), &i64)| {
            let fits = level.is_none_or(|level| key.0 == Some(level))
                && category.is_none_or(|category| key.1 == Some(category));
            if fits { *count } else { 0 }
        };
        self.0.iter().map(of).sum()
    }

    pub fn unclassified(&self) -> i64 {
        self.0.get(&(None, None)).copied().unwrap_or(0)
    }
}
