//! What a platform lists, as far as `check` asks about it afterwards.

use super::answer::field;
use super::description::AnswerRules;
use crate::domain::following::names_one;

/// A matter that the platform listed.
pub(super) struct There {
    number: String,
    /// What carries our reference where it's one of ours.
    words: String,
}

impl There {
    /// Those that have a number.
    pub fn listed(rules: &AnswerRules, things: &[&serde_json::Value]) -> Vec<There> {
        let there = |thing: &&serde_json::Value| {
            let number = field(thing, rules.id.as_ref()).filter(|number| names_one(number))?;
            let words = field(thing, rules.reference.as_ref()).unwrap_or_default();
            Some(There { number, words })
        };
        things.iter().filter_map(there).collect()
    }

    /// The platform's number of it.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// What carries our reference where it's one of ours.
    pub fn words(&self) -> &str {
        &self.words
    }
}
