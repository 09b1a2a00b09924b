//! DingTalk's group robot (钉钉自定义机器人): signed by timestamp and secret, twenty messages a minute.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use serde_json::json;
use sha2::Sha256;

use super::{Channel, Codes, fit, for_group, judge};
use crate::clock::Clock;
use crate::db::Notice;
use crate::delivery::Outcome;
use crate::delivery::http::ask;

/// The longest body that it takes is 20,000 bytes; what stands around the text is part of it.
const LONGEST: usize = 18_000;

/// 130101 and 410100: faster than 20 a minute. 430101 to 430104: a link or a word isn't allowed.
/// 310000 (signature, keyword or address not allowed) and 300001 (no such robot) are for the operator to mend.
const CODES: Codes = Codes {
    code: &["/errcode"],
    message: "/errmsg",
    busy: &[-1, 130_101, 410_100],
    busy_by_words: &[],
    no_address: &[],
    refused: &[430_101, 430_102, 430_103, 430_104],
};

/// One group's robot.
pub struct DingtalkRobot {
    clock: Clock,
    client: Client,
    url: String,
    /// Empty: the robot goes by keyword or address instead.
    secret: String,
}

impl DingtalkRobot {
    pub fn new(clock: Clock, client: Client, url: String, secret: String) -> DingtalkRobot {
        DingtalkRobot { clock, client, url, secret }
    }

    /// The MAC, under the secret, of the timestamp in milliseconds, a line break and the secret.
    fn signature(&self) -> Option<[(&'static str, String); 2]> {
        if self.secret.is_empty() {
            return None;
        }
        let timestamp = self.clock.millis().to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).ok()?;
        mac.update(format!("{timestamp}\n{}", self.secret).as_bytes());
        Some([("timestamp", timestamp), ("sign", STANDARD.encode(mac.finalize().into_bytes()))])
    }
}

#[async_trait]
impl Channel for DingtalkRobot {
    async fn send(&self, notice: &Notice) -> Outcome {
        let mobiles: Vec<&String> = notice.addresses.phone.iter().collect();
        // Only who is named in the text too is called.
        let called: String = mobiles.iter().map(|mobile| format!("\n@{mobile}")).collect();
        let text = fit(&for_group(notice), LONGEST) + &called;
        let body = json!({
            "msgtype": "text",
            "text": { "content": text },
            "at": { "atMobiles": mobiles, "isAtAll": false },
        });
        let request = self.client.post(&self.url).json(&body);
        let request = match self.signature() {
            Some(signature) => request.query(&signature),
            None => request,
        };
        match ask(request).await {
            Ok(answer) => judge(&CODES, &answer),
            Err(none) => none.into(),
        }
    }
}
