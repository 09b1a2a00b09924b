//! WeCom's (企业微信) access token of an application: asked for once, and kept until it ends or WeCom says that it doesn't hold.
//!
//! Knows nothing of what it's used for.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Client;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::delivery::http::{Answer, NoAnswer, ask};

/// The token doesn't hold any more: 40014 wrong, 41001 missing, 42001 expired (developer.work.weixin.qq.com, 全局错误码).
const WORN: [i64; 3] = [40_014, 41_001, 42_001];
/// A token is asked for anew so long before it ends.
const RENEWED_BEFORE: Duration = Duration::from_secs(300);

pub struct AccessToken {
    clock: Clock,
    client: Client,
    endpoint: String,
    corp_id: String,
    secret: String,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    text: String,
    until: Timestamp,
}

/// Why there is no token.
#[derive(Debug)]
pub enum NoToken {
    Unanswered(NoAnswer),
    /// WeCom gave none, and says why.
    Ungiven(Answer),
}

/// A whole number, however it's written: a gateway before a vendor may make a text of it.
pub fn whole_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Whether WeCom says by its code that the token doesn't hold.
pub fn is_worn(answer: &Value) -> bool {
    whole_number(&answer["errcode"]).is_some_and(|code| WORN.contains(&code))
}

impl AccessToken {
    /// Of an application of a company, which has this secret.
    pub fn new(
        clock: Clock,
        client: Client,
        endpoint: &str,
        corp_id: String,
        secret: String,
    ) -> AccessToken {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        AccessToken { clock, client, endpoint, corp_id, secret, kept: Mutex::default() }
    }

    /// The token, as long as it holds; `worn` is one that was found not to.
    ///
    /// # Errors
    /// Where WeCom doesn't answer, or gives none.
    pub async fn get(&self, worn: Option<&str>) -> Result<String, NoToken> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        if let Some(token) = kept.as_ref().filter(|token| token.until > now)
            && worn != Some(&token.text)
        {
            return Ok(token.text.clone());
        }
        let url = format!("{}/cgi-bin/gettoken", self.endpoint);
        let query = [("corpid", &self.corp_id), ("corpsecret", &self.secret)];
        let answer = ask(self.client.get(url).query(&query)).await.map_err(NoToken::Unanswered)?;
        let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let Some(text) = value["access_token"].as_str().filter(|text| !text.is_empty()) else {
            return Err(NoToken::Ungiven(answer));
        };
        let holds = whole_number(&value["expires_in"]).and_then(|holds| holds.try_into().ok());
        let holds = Duration::from_secs(holds.unwrap_or(7200));
        let holds = self.clock.in_real_time(holds.saturating_sub(RENEWED_BEFORE));
        let until = now.checked_add(holds).unwrap_or(now);
        *kept = Some(Kept { text: text.to_owned(), until });
        Ok(text.to_owned())
    }
}
