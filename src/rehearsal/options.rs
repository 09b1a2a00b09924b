//! How a rehearsal is played, and why it may not be.

use jiff::civil::Date;

use super::people::Doing;
use crate::sandbox::{Behaviour, Faults};
use crate::words;

words! {
    /// What people do while it's played.
    Visits {
        /// Nothing: only what is in the record counts.
        AsRecorded = "as_recorded", "按现状";
        /// Everything that they owe, in time.
        OnTime = "on_time", "按时";
        /// Everything but visits and revisits.
        None = "none", "都不做";
    }
}

/// How it's played.
#[derive(Debug, Clone)]
pub struct Options {
    /// The first day; nothing: today, or the plan's first day where that is still to come.
    pub from: Option<Date>,
    /// The last day; nothing: when what the plan asks for has climbed the ladder to its end.
    pub until: Option<Date>,
    pub platform: Behaviour,
    pub faults: Faults,
    pub visits: Visits,
    /// How many of those who are visited ask for something.
    pub demands: f64,
    pub seed: u64,
}

/// Why it isn't played at all.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotPlayed(pub String);

impl Options {
    pub(super) fn doing(&self) -> Doing {
        let Options { visits, demands, .. } = *self;
        let (visits, rest) = match visits {
            Visits::AsRecorded => (false, false),
            Visits::OnTime => (true, true),
            Visits::None => (false, true),
        };
        Doing { visits, rest, demands, dissatisfied: 0.1 }
    }
}
