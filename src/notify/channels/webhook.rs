//! A webhook in the form of Standard Webhooks (<https://www.standardwebhooks.com>).

use std::collections::HashMap;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, header};
use serde_json::json;
use sha2::Sha256;

use super::Channel;
use crate::clock::Clock;
use crate::db::{Notice, Receipt};
use crate::delivery::http::{ask, failed};
use crate::delivery::json;
use crate::delivery::said_no::says_no;
use crate::delivery::sample::sample;
use crate::delivery::{Entry, LookUp, Outcome};

/// Posts notices as JSON. `webhook-id` is the same whenever the same notice is sent, so that a receiver keeps it once.
pub struct WebhookChannel {
    clock: Clock,
    client: Client,
    url: String,
    /// Empty: not signed.
    secret: Vec<u8>,
}

impl WebhookChannel {
    pub fn new(clock: Clock, client: Client, url: String, secret: Vec<u8>) -> WebhookChannel {
        WebhookChannel { clock, client, url, secret }
    }

    /// `v1,` and the MAC of `id.timestamp.body`.
    fn signature(&self, id: &str, timestamp: &str, body: &str) -> Option<String> {
        if self.secret.is_empty() {
            return None;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// A success may say anything or nothing; a page for people and a no of the receiver's own aren't one.
fn judge(body: &str) -> Outcome {
    let unread = |reason: String| Outcome::Unread { reason };
    if body.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return unread(format!("not_json: {}", sample(body)));
    }
    let Ok(value) = json::read(body) else { return Outcome::Delivered(Receipt::default()) };
    let said: HashMap<&str, String> = ["success", "ok", "error", "errors", "errcode"]
        .into_iter()
        .filter_map(|name| Some((name, json::scalar(value.get(name)?)?)))
        .collect();
    let is_code = |code: &String| code.trim() != "0" && !code.trim().is_empty();
    if says_no(|name| said.get(name).map(String::as_str))
        || said.get("errcode").is_some_and(is_code)
    {
        return unread(format!("unexpected_answer: {}", sample(body)));
    }
    Outcome::Delivered(Receipt::default())
}

#[async_trait]
impl Channel for WebhookChannel {
    async fn send(&self, notice: &Notice) -> Outcome {
        let now = self.clock.now();
        let body = json!({
            // `digest`, or what is told besides it: each once for a person and day.
            "type": notice.topic,
            "timestamp": now.to_string(),
            "data": {
                "to": notice.staff_number,
                "name": notice.staff_name,
                "date": notice.on_date,
                "title": notice.title,
                "text": notice.body,
            },
        })
        .to_string();
        let timestamp = now.as_second().to_string();
        let mut request = self
            .client
            .post(&self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", &timestamp);
        if let Some(signature) = self.signature(&notice.id, &timestamp, &body) {
            request = request.header("webhook-signature", signature);
        }
        match ask(request.body(body)).await {
            Ok(answer) if answer.status.is_success() => judge(&answer.body),
            Ok(answer) => failed(&answer, ""),
            Err(none) => none.into(),
        }
    }

    fn look(&self, _: &Entry) -> LookUp {
        LookUp::Repeatable
    }
}
