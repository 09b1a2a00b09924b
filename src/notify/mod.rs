//! What is owed to people: each day's digest of what they owe, once, through their channels.
//!
//! Knows the record and the outbox's [`Carrier`](crate::outbox::Carrier); nothing of the platform. A digest
//! names residents and households only masked.

mod channels;
mod digest;
mod remind;

pub use channels::{LogChannel, WebhookChannel};
pub use remind::{Reminded, ReminderRules, remind};
