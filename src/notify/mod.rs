//! What is owed to people: each day's digest of what they owe, once, through their channels.
//!
//! Knows the record and the outbox's [`Transport`](crate::delivery::Transport); nothing of the platform. A digest
//! names residents and households only masked.

mod calendar;
mod channels;
mod digest;
mod links;
mod messages;
mod page;
mod recipients;
mod remind;
mod upcoming;

pub use calendar::{Calendar, calendar};
pub use channels::{
    Channel, ChannelTransport, DingtalkRobot, EmailChannel, FeishuRobot, LogChannel, SmsChannel,
    WebhookChannel, WecomApp, WecomRobot,
};
pub use links::calendar as calendar_link;
pub use messages::{MessageError, Messages};
pub use page::{acknowledge, page};
pub use remind::{Reminded, ReminderRules, preview, remind};
pub use upcoming::{Upcoming, upcoming};
