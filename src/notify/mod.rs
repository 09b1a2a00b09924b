//! What is owed to people: each day's digest of what they owe, once, through their channels.
//!
//! Knows the record and the outbox's [`Transport`](crate::delivery::Transport); nothing of the platform. A digest
//! names residents and households only masked.

mod calendar;
mod channels;
mod details;
mod digest;
mod links;
mod messages;
mod page;
mod recipients;
mod remind;
mod standing;
mod upcoming;
mod waiting;

pub use calendar::{Calendar, calendar};
pub use channels::{
    Channel, ChannelTransport, DingtalkRobot, EmailChannel, FeishuRobot, LogChannel, SmsChannel,
    WebhookChannel, WecomApp, WecomRobot, fit, gist, short,
};
pub use links::{calendar as calendar_link, digest as digest_link};
pub use messages::{MessageError, Messages};
pub use page::{Shown, acknowledge, note_reading, page};
pub use remind::{Reminded, ReminderRules, preview, remind};
pub use standing::tell_standing;
pub use upcoming::{Upcoming, upcoming};
pub use waiting::{Reworded, WAITED, reword};
