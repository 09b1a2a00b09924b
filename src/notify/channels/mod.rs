//! The channels: how a notice reaches a person. One file for each vendor; each knows its body, its signature, its
//! limits and its codes, as the vendor's documents have them.

mod dingtalk;
mod email;
mod feishu;
mod fit;
mod log;
mod mail_server;
mod sms;
mod webhook;
mod wecom;

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

pub use dingtalk::DingtalkRobot;
pub use email::EmailChannel;
pub use feishu::FeishuRobot;
pub use log::LogChannel;
pub use sms::SmsChannel;
pub use webhook::WebhookChannel;
pub use wecom::{WecomApp, WecomRobot};

pub use fit::{fit, gist, short};

use crate::db::{ADDRESS, Notice, Receipt, Store, StoreError};
use crate::delivery::http::{Answer, MISCONFIGURED, failed, too_many};
use crate::delivery::json;
use crate::delivery::{Attempt, Cause, Entry, LookUp, Outcome, Transport};
use crate::wecom::whole_number;

/// One way to people.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Sends a notice to its reader.
    async fn send(&self, notice: &Notice) -> Outcome;

    /// How it can be known whether an earlier attempt arrived. Most can't be asked.
    fn look(&self, _: &Entry) -> LookUp {
        LookUp::Blind
    }
}

/// Takes notices to people by one channel.
pub struct ChannelTransport {
    store: Store,
    channel: Arc<dyn Channel>,
}

impl ChannelTransport {
    pub fn new(store: Store, channel: Arc<dyn Channel>) -> ChannelTransport {
        ChannelTransport { store, channel }
    }
}

#[async_trait]
impl Transport for ChannelTransport {
    async fn load(
        &self,
        entries: &[Entry],
    ) -> Result<HashMap<String, Box<dyn Attempt>>, StoreError> {
        let those = entries.iter().filter(|entry| entry.kind == "notice");
        let ids: Vec<&str> = those.map(|entry| entry.target_id.as_str()).collect();
        let attempt = |notice: Notice| {
            let (id, channel) = (notice.id.clone(), Arc::clone(&self.channel));
            (id, Box::new(NoticeAttempt { channel, notice }) as Box<dyn Attempt>)
        };
        Ok(self.store.notices(&ids).await?.into_iter().map(attempt).collect())
    }
}

struct NoticeAttempt {
    channel: Arc<dyn Channel>,
    notice: Notice,
}

#[async_trait]
impl Attempt for NoticeAttempt {
    async fn send(&self) -> Outcome {
        self.channel.send(&self.notice).await
    }

    async fn look(&self, entry: &Entry) -> LookUp {
        self.channel.look(entry)
    }
}

/// What a vendor's codes mean.
struct Codes {
    /// Where the code, by whichever of its names, and its words stand in the answer: JSON pointers.
    code: &'static [&'static str],
    message: &'static str,
    /// Too fast: later.
    busy: &'static [i64],
    /// The same where these words stand beside the code, which has other meanings too.
    busy_by_words: &'static [(i64, &'static str)],
    /// The person isn't known there.
    no_address: &'static [i64],
    /// This very message isn't taken.
    refused: &'static [i64],
}

/// Judges a vendor's answer: by its own code, where it says one, before HTTP's. A code that isn't known means that the
/// robot, the key or the configuration isn't right: it's for the operator to mend, and the notice stays owed.
fn judge(codes: &Codes, answer: &Answer) -> Outcome {
    let read = json::read(&answer.body);
    let code_in = |value: &Value| codes.code.iter().find_map(|at| whole_number(value.pointer(at)?));
    let code = read.as_ref().ok().and_then(code_in);
    let (value, code) = match (read, code) {
        // 0 beside a failure of HTTP's is somebody else's.
        (Ok(value), Some(code)) if code != 0 || answer.status.is_success() => (value, code),
        _ if !answer.status.is_success() => return failed(answer, ""),
        (Err(error), _) => return Outcome::Unread { reason: format!("not_json: {error}") },
        (Ok(_), _) => return Outcome::Unread { reason: "unexpected_answer: no code".to_owned() },
    };
    let words = value.pointer(codes.message).and_then(Value::as_str).unwrap_or_default();
    let words: String = words.chars().take(200).collect();
    let reason = |name: &str| format!("{name}: code {code} {words}");
    match code {
        0 => Outcome::Delivered(Receipt::default()),
        code if codes.are_busy(code, &words) => {
            too_many(format!("code {code} {words}"), answer.retry_after)
        }
        code if codes.no_address.contains(&code) => Outcome::Refused { reason: reason(ADDRESS) },
        code if codes.refused.contains(&code) => Outcome::Refused { reason: reason("refused") },
        _ => misconfigured(format!("code {code} {words}")),
    }
}

impl Codes {
    /// Whether the vendor says by this that we are too fast.
    fn are_busy(&self, code: i64, words: &str) -> bool {
        let words = words.to_ascii_lowercase();
        let by_words = |(of, said): &(i64, &str)| *of == code && words.contains(said);
        self.busy.contains(&code) || self.busy_by_words.iter().any(by_words)
    }
}

/// What only the operator can mend: the notice stays owed.
fn misconfigured(why: impl Display) -> Outcome {
    let reason = format!("{MISCONFIGURED}: {why}");
    Outcome::NotSent { reason, retry_after: None, cause: Cause::Ours }
}

/// For a group: whom it is for, then what.
fn for_group(notice: &Notice) -> String {
    format!("{}：\n{}\n{}", notice.staff_name, notice.title, notice.body)
}
