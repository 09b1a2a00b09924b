//! What a look is for, what it may ask, and what comes back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::delivery::Receipt;
use crate::domain::issue::Category;

/// By which a thing of ours is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    pub reference: String,
    /// The platform's number of the request that it belongs to; a referral has none yet.
    pub remote_id: String,
}

/// A thing of ours that the platform is known to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    pub subject: Subject,
    /// Where it's a referral: of which matter, and whether the platform is at it still.
    pub category: Option<Category>,
    pub is_open: bool,
    /// Its own number, where it has one: what is listed under it must carry its mark.
    pub number: Option<String>,
    /// When it was first sent: it isn't there for longer.
    pub since: Timestamp,
    /// When it was delivered, or found to be.
    pub at: Timestamp,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    pub subject: Subject,
    pub category: Option<Category>,
    /// What was written of it.
    pub words: String,
    /// The time in which it can have arrived.
    pub from: Timestamp,
    pub to: Timestamp,
    /// When it was last sent.
    pub sent: Timestamp,
    /// Those nearest to it, the newest first.
    pub controls: Vec<Control>,
    pub lag: Lag,
}

/// How far a list may be behind what its platform has: an index, a copy, what somebody must approve first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    pub now: Timestamp,
    /// No further than this, as earlier looks for the same have shown.
    pub shown: Option<SignedDuration>,
    /// No list is behind for longer.
    pub longest: SignedDuration,
    pub gaps: KnownGaps,
}

/// Something that is known to be there and wasn't listed, while something later was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub reference: String,
    pub category: Option<Category>,
    /// For how long it has been there.
    pub behind: SignedDuration,
}

/// What earlier looks have shown of a platform's lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KnownGaps {
    /// For so long something was there and not listed, while something later was.
    pub behind: SignedDuration,
    /// And so much longer than any list is behind was one of the category that is looked for: perhaps none of it is ever listed.
    pub omits: bool,
}

/// What a look showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchResult {
    Found(Receipt),
    /// It's there more than once: whoever stands between has sent it on again. The first, and the numbers of all.
    Several(Receipt, Vec<String>),
    /// Proved: it isn't there.
    Absent,
    /// It wasn't seen, and that proves nothing: why.
    Unproven(String),
    /// The same, and something that is known to be there wasn't listed while something later was.
    LeavesOut {
        why: String,
        gap: Gap,
    },
    /// It wasn't seen in a list that shows what it must; what came so late may not stand in it yet. It's behind by no more than
    /// this.
    TooEarly {
        why: String,
        lag: Option<SignedDuration>,
    },
    /// The platform refuses to answer the question; `by_itself`: and no page of something between says so.
    Mute {
        why: String,
        by_itself: bool,
    },
}

/// How a question names a page of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// It can't.
    None,
    /// It can, and needn't.
    Optional,
    /// It always does.
    Always,
}

/// What the question can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// Which thing is asked for, by its reference or its request's number.
    pub by_subject: bool,
    pub pages: Pages,
    /// From when to when.
    pub window: bool,
    /// No platform of its kind is known to list fewer at once than this: a shorter list isn't cut.
    pub shortest_cut: usize,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub subject: Subject,
    pub from: Timestamp,
    pub to: Timestamp,
    /// None: whichever is given where none is named.
    pub page: Option<usize>,
}

/// One thing of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// What tells it from the others.
    pub key: String,
    pub number: Option<String>,
    /// What stands where our mark does; nothing where that is empty.
    pub words: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Page {
        things: Vec<Listed>,
        /// How many the platform says that there are in all.
        total: Option<usize>,
        /// How old the answer was when it came: what has arrived since can't stand in it.
        age: Duration,
    },
    /// It doesn't answer such a question (400, 404, 405, 501 …); `by_itself`: and nothing between says so in its place, as
    /// while it's being changed.
    Refused { why: String, by_itself: bool },
    /// More than is ever read at once.
    TooLong,
}
