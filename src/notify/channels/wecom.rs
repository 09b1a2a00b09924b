//! WeCom (企业微信): a group's robot, and messages of an application to one person.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Client;
use serde_json::{Value, json};

use super::{Channel, Codes, fit, for_group, judge};
use crate::clock::{Clock, span_millis};
use crate::db::{ADDRESS, Notice};
use crate::delivery::http::{Answer, ask};
use crate::delivery::{Cause, Entry, LookUp, Outcome};
use crate::wecom::{AccessToken, NoToken, is_worn};

/// The longest text that either takes, in bytes.
const LONGEST: usize = 2_048;

/// 45009: faster than 20 a minute. 45002: too long. -1: busy. 93000 (no such robot) is for the operator to mend.
const CODES: Codes = Codes {
    code: &["/errcode"],
    message: "/errmsg",
    busy: &[-1, 45_009, 45_033],
    busy_by_words: &[],
    // 81013: nobody of those named is known or may see the application. 60111: no such user.
    no_address: &[81_013, 60_111],
    refused: &[45_002],
};

/// One group's robot.
pub struct WecomRobot {
    client: Client,
    url: String,
}

impl WecomRobot {
    pub fn new(client: Client, url: String) -> WecomRobot {
        WecomRobot { client, url }
    }
}

#[async_trait]
impl Channel for WecomRobot {
    async fn send(&self, notice: &Notice) -> Outcome {
        let users: Vec<&String> = notice.addresses.wecom.iter().collect();
        let mobiles: Vec<&String> =
            notice.addresses.phone.iter().filter(|_| users.is_empty()).collect();
        let body = json!({
            "msgtype": "text",
            "text": {
                "content": fit(&for_group(notice), LONGEST),
                "mentioned_list": users,
                "mentioned_mobile_list": mobiles,
            },
        });
        match ask(self.client.post(&self.url).json(&body)).await {
            Ok(answer) => judge(&CODES, &answer),
            Err(none) => none.into(),
        }
    }
}

/// An application's messages to a person.
pub struct WecomApp {
    clock: Clock,
    client: Client,
    endpoint: String,
    agent_id: i64,
    token: AccessToken,
}

/// The same message isn't given to the same person twice within so many seconds: the most that WeCom allows.
const ONCE_WITHIN: i64 = 4 * 3600;

impl WecomApp {
    pub fn new(
        clock: Clock,
        client: Client,
        endpoint: &str,
        corp_id: String,
        agent_id: i64,
        secret: String,
    ) -> WecomApp {
        let token = AccessToken::new(clock.clone(), client.clone(), endpoint, corp_id, secret);
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        WecomApp { clock, client, endpoint, agent_id, token }
    }

    /// The token; where there is none, no message has left yet.
    async fn token(&self, worn: Option<&str>) -> Result<String, Outcome> {
        self.token.get(worn).await.map_err(|none| match none {
            NoToken::Unanswered(none) => {
                Outcome::NotSent { reason: none.reason, retry_after: None, cause: none.cause }
            }
            NoToken::Ungiven(answer) => match judge(&CODES, &answer) {
                outcome @ Outcome::NotSent { .. } => outcome,
                other => {
                    let reason = format!("no_token: {other:?}");
                    Outcome::NotSent { reason, retry_after: None, cause: Cause::Receiver }
                }
            },
        })
    }

    async fn post(&self, token: &str, body: &Value) -> Result<Answer, Outcome> {
        let url = format!("{}/cgi-bin/message/send", self.endpoint);
        let request = self.client.post(url).query(&[("access_token", token)]).json(body);
        ask(request).await.map_err(Outcome::from)
    }

    async fn deliver(&self, notice: &Notice) -> Result<Outcome, Outcome> {
        let Some(user) = &notice.addresses.wecom else {
            return Err(Outcome::Refused { reason: format!("{ADDRESS}: no WeCom account") });
        };
        let body = json!({
            "touser": user,
            "msgtype": "text",
            "agentid": self.agent_id,
            "text": { "content": fit(&format!("{}\n{}", notice.title, notice.body), LONGEST) },
            "enable_duplicate_check": 1,
            "duplicate_check_interval": ONCE_WITHIN,
        });
        let token = self.token(None).await?;
        let mut answer = self.post(&token, &body).await?;
        let read =
            |answer: &Answer| serde_json::from_str::<Value>(&answer.body).unwrap_or_default();
        if is_worn(&read(&answer)) {
            let token = self.token(Some(&token)).await?;
            answer = self.post(&token, &body).await?;
        }
        // Done, but not for this person: not known, or without a licence.
        let value = read(&answer);
        let named = |name: &&str| value[*name].as_str().is_some_and(|users| !users.is_empty());
        let without = ["invaliduser", "unlicenseduser"].into_iter().find(|name| named(name));
        match (judge(&CODES, &answer), without) {
            (Outcome::Delivered(_), Some(why)) => {
                Err(Outcome::Refused { reason: format!("{ADDRESS}: {why}") })
            }
            (outcome, _) => Ok(outcome),
        }
    }
}

#[async_trait]
impl Channel for WecomApp {
    async fn send(&self, notice: &Notice) -> Outcome {
        self.deliver(notice).await.unwrap_or_else(|outcome| outcome)
    }

    /// The same message is given once by WeCom itself, for some hours.
    fn look(&self, entry: &Entry) -> LookUp {
        let since = entry.first_attempt_at.unwrap_or(0);
        let once_within = self.clock.in_real_time(Duration::from_secs(ONCE_WITHIN.unsigned_abs()));
        let within = self.clock.millis().saturating_sub(since) < span_millis(once_within);
        if within { LookUp::Repeatable } else { LookUp::Blind }
    }
}
