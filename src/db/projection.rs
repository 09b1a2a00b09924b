//! The columns of an issue's row that hold the state machine's view of it.

use serde::Deserialize;

use super::{Result, word};
use crate::domain::issue::{Category, Class, Issue, Level, State, Urgency};

/// The columns that hold the state machine's view.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Projection {
    pub state: String,
    pub round: i64,
    pub level: Option<String>,
    pub category: Option<String>,
    pub urgency: Option<String>,
    pub town_finished: i64,
    pub platform_finished: i64,
}

from_row!(Projection { state, round, level, category, urgency, town_finished, platform_finished });

impl Projection {
    /// The columns' names.
    pub const COLUMNS: [&str; 7] =
        ["state", "round", "level", "category", "urgency", "town_finished", "platform_finished"];

    pub fn issue(&self) -> Result<Issue> {
        let class = match (&self.level, &self.category, &self.urgency) {
            (Some(level), Some(category), Some(urgency)) => Some(Class {
                level: word("issues.level", level, Level::read)?,
                category: word("issues.category", category, Category::read)?,
                urgency: word("issues.urgency", urgency, Urgency::read)?,
            }),
            _ => None,
        };
        Ok(Issue {
            state: word("issues.state", &self.state, State::read)?,
            round: self.round,
            class,
            town_finished: self.town_finished != 0,
            platform_finished: self.platform_finished != 0,
        })
    }
}
