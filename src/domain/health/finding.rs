//! A finding: what isn't as it should be, in words, and how grave it is.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::domain::reason::Reason;

/// Whether somebody must do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Green,
    Yellow,
    Red,
}

/// Something that isn't as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub verdict: Verdict,
    pub reason: String,
    /// What only a technician reads.
    pub detail: Option<String>,
    /// The reason for everybody's eyes, where it holds what the other side wrote.
    public: Option<String>,
}

/// A debt, by the key that commands take, and since when it is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    pub key: String,
    pub since: DateTime,
}

pub(super) fn red(reason: String) -> Finding {
    Finding { verdict: Verdict::Red, reason, detail: None, public: None }
}

pub(super) fn yellow(reason: String) -> Finding {
    Finding { verdict: Verdict::Yellow, reason, detail: None, public: None }
}

impl Finding {
    /// With what a technician reads, where that says more.
    pub(super) fn detailed(self, detail: Option<String>) -> Finding {
        let detail = detail.filter(|detail| !self.reason.contains(detail.as_str()));
        Finding { detail, ..self }
    }

    /// With why: a technician reads all of it, everybody none of what the other side wrote.
    pub(super) fn because(self, why: Reason) -> Finding {
        let Reason { said, plain, detail } = why;
        let public = (said != plain).then(|| self.reason.replace(&said, &plain));
        Finding { public, ..self.detailed(Some(detail)) }
    }

    /// With how it's said to everybody.
    pub(super) fn in_public(self, reason: String) -> Finding {
        Finding { public: Some(reason), ..self }
    }

    /// The reason without anything that the other side wrote.
    pub fn for_everybody(&self) -> &str {
        self.public.as_deref().unwrap_or(&self.reason)
    }
}

/// The oldest of several, as a reason names it.
pub(super) fn oldest(owed: Option<&Owed>) -> String {
    let shown = |owed: &Owed| format!("（最早的是 {}，{} 起）", owed.key, minute(owed.since));
    owed.map(shown).unwrap_or_default()
}

pub(super) fn minute(at: DateTime) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}
