//! What is owed to the platform: submitting it, finding it again, following it until it ends.
//!
//! Knows the record and the outbox's [`Carrier`](crate::outbox::Carrier); a platform's wire format is
//! known only by its adapter. Knows nothing of pages or the command line, and of people's notices only that the one
//! who uploads hears of a hand-off.

mod dispatch;
pub mod open311;
mod platform;
mod poll;
pub mod records;
pub mod rest;
mod templates;
pub mod workbook;

pub use dispatch::ReferralCarrier;
pub use platform::{Changed, Looks, NoContact, Platform, ServiceGap};
pub use poll::{Polled, poll, sweep};
