//! Feishu's group robot (飞书自定义机器人): signed by timestamp and secret, a hundred messages a minute.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Channel, Codes, fit, for_group, judge};
use crate::clock::Clock;
use crate::db::Notice;
use crate::delivery::Outcome;
use crate::delivery::http::ask;

/// The longest body that it takes is 20 KB; JSON may write a character of three bytes in six.
const LONGEST: usize = 9_000;

/// Older ones answer `StatusCode` alone. 11232: faster than 100 a minute or 5 a second. 9499 (with HTTP's 400) says "too many request" for the same, else that the
/// body isn't as it should be. 19021 (signature), 19022 (address), 19024 (keyword) and 19001 (no such robot) are for the
/// operator to mend.
const CODES: Codes = Codes {
    code: &["/code", "/StatusCode"],
    message: "/msg",
    busy: &[11_232],
    busy_by_words: &[(9_499, "too many"), (9_499, "frequen"), (9_499, "limit")],
    no_address: &[],
    refused: &[9_499],
};

/// One group's robot.
pub struct FeishuRobot {
    clock: Clock,
    client: Client,
    url: String,
    /// Empty: the robot goes by keyword or address instead.
    secret: String,
}

impl FeishuRobot {
    pub fn new(clock: Clock, client: Client, url: String, secret: String) -> FeishuRobot {
        FeishuRobot { clock, client, url, secret }
    }

    /// The MAC of nothing, under the timestamp in seconds, a line break and the secret.
    fn sign(&self, body: &mut Value) {
        if self.secret.is_empty() {
            return;
        }
        let timestamp = self.clock.now().as_second().to_string();
        let key = format!("{timestamp}\n{}", self.secret);
        if let Ok(mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) {
            body["sign"] = STANDARD.encode(mac.finalize().into_bytes()).into();
            body["timestamp"] = timestamp.into();
        }
    }
}

#[async_trait]
impl Channel for FeishuRobot {
    async fn send(&self, notice: &Notice) -> Outcome {
        let called = notice
            .addresses
            .feishu
            .as_ref()
            .map(|user| format!("<at user_id=\"{user}\">{}</at>\n", notice.staff_name));
        let text = called.unwrap_or_default() + &fit(&for_group(notice), LONGEST);
        let mut body = json!({ "msg_type": "text", "content": { "text": text } });
        self.sign(&mut body);
        match ask(self.client.post(&self.url).json(&body)).await {
            Ok(answer) => judge(&CODES, &answer),
            Err(none) => none.into(),
        }
    }
}
