//! What is owed to people: each day's digest of what they owe, once, through their channels.
//!
//! Knows the record and the outbox's [`Carrier`](crate::outbox::Carrier); nothing of the platform. A digest
//! names residents and households only masked.

mod channels;
mod digest;
mod hearers;
mod messages;
mod remind;

pub use channels::{
    DingtalkRobot, EmailChannel, FeishuRobot, LogChannel, SmsChannel, WebhookChannel, WecomApp,
    WecomRobot,
};
pub use messages::{MessageError, Messages};
pub use remind::{Reminded, ReminderRules, link, link_code, preview, remind};
