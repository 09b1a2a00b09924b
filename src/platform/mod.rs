//! What is owed to the platform: submitting it, finding it again, following it until it ends.
//!
//! Knows the record and the outbox's [`Transport`](crate::delivery::Transport); a platform's wire format is
//! known only by its adapter. Knows nothing of pages or the command line, and of people's notices only that the one
//! who uploads hears of a hand-off.

mod absence;
mod asking;
pub mod encode;
mod examine;
mod freshness;
mod interface;
mod look;
mod marks;
pub mod open311;
mod others;
mod poll;
pub mod records;
pub mod rest;
mod templates;
pub mod times;
mod transport;
pub mod workbook;

pub use absence::Absence;
pub use interface::{
    Answers, Changed, Looks, NoContact, Platform, Remark, ServiceGap, Unanswered, Unread, Verdict,
};
pub use marks::ShowsMarks;
pub use poll::{Polled, poll, sweep};
pub use transport::{PlatformTransport, note};
