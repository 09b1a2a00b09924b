//! How a request says who sends it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use hmac::{KeyInit, Mac, SimpleHmac};
use jiff::{SignedDuration, Timestamp};
use minijinja::context;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Request};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sm3::Sm3;
use tokio::sync::Mutex;

use super::description::{Algorithm, Authentication, Encoding};
use crate::clock::{Chance, Clock};
use crate::delivery::Cause;
use crate::delivery::http::ask;
use crate::platform::NoContact;
use crate::platform::templates::Templates;
use crate::seal::hex;

/// A token is renewed this long before it ends.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// So long a token is good, whatever is answered.
const UNDOUBTED: Duration = Duration::from_secs(5);

/// Puts on each request what the platform knows us by.
pub(super) struct Authenticator {
    kind: Authentication,
    secret: String,
    templates: Arc<Templates>,
    client: Client,
    clock: Clock,
    chance: Chance,
    token: Mutex<Option<Token>>,
}

struct Token {
    text: String,
    /// Until then nobody doubts it.
    fresh_until: Timestamp,
    ends_at: Timestamp,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: serde_json::Value,
}

impl TokenAnswer {
    /// As RFC 6749, 5.1 has it, or the same below `data`, as frameworks wrap each of their answers.
    fn read(body: &str) -> serde_json::Result<TokenAnswer> {
        let value: serde_json::Value = serde_json::from_str(body)?;
        let wrapped = value.get("data").filter(|data| data.get("access_token").is_some());
        TokenAnswer::deserialize(wrapped.unwrap_or(&value))
    }

    /// How long it says that it lasts, as a number or as a text; a few minutes where it says nothing that can be read.
    fn lasts(&self) -> SignedDuration {
        let said = match &self.expires_in {
            serde_json::Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        SignedDuration::try_from_secs_f64(said.unwrap_or(300.0)).unwrap_or(SignedDuration::MAX)
    }
}

impl Authenticator {
    pub fn new(
        kind: Authentication,
        secret: String,
        templates: Arc<Templates>,
        client: Client,
        clock: Clock,
        chance: Chance,
    ) -> Authenticator {
        Authenticator { kind, secret, templates, client, clock, chance, token: Mutex::default() }
    }

    /// Puts it on. Gives the token that it went with, where it was one that ends.
    pub async fn put_on(&self, request: &mut Request) -> Result<Option<String>, NoContact> {
        match &self.kind {
            Authentication::Oauth2 { token_url, client_id, scope } => {
                let token = self.token(token_url, client_id, scope).await?;
                bearer(request, &token)?;
                return Ok(Some(token));
            }
            Authentication::None => Ok(()),
            Authentication::Bearer => bearer(request, &self.secret),
            Authentication::Basic { user } => {
                let both = STANDARD.encode(format!("{user}:{}", self.secret));
                header(request, "authorization", &format!("Basic {both}"))
            }
            Authentication::Header { name } => header(request, name, &self.secret),
            Authentication::Signed { .. } => self.sign(request),
        }?;
        Ok(None)
    }

    /// The platform no longer knows a token (401): another is asked for, unless somebody has since.
    pub async fn forget(&self, token: &str) {
        self.token.lock().await.take_if(|kept| kept.text == token);
    }

    /// An answer to a token may have meant that it's no longer good: another is asked for, unless it was just given.
    pub async fn doubt(&self, token: &str) {
        let now = self.clock.now();
        self.token.lock().await.take_if(|kept| kept.text == token && kept.fresh_until <= now);
    }

    async fn token(
        &self,
        token_url: &str,
        client_id: &str,
        scope: &str,
    ) -> Result<String, NoContact> {
        // Held while asking: many requests at once ask for one token.
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| self.clock.now() < token.ends_at) {
            return Ok(token.text.clone());
        }
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", &self.secret),
        ];
        if !scope.is_empty() {
            form.push(("scope", scope));
        }
        let answer = ask(self.client.post(token_url).form(&form)).await?;
        let failed = |why: String| NoContact {
            reason: format!("no_token: HTTP {} {why}", answer.status.as_u16()),
            retry_after: answer.retry_after,
            cause: Cause::Receiver,
        };
        if !answer.status.is_success() {
            return Err(failed(String::new()));
        }
        let given = TokenAnswer::read(&answer.body).map_err(|error| failed(error.to_string()))?;
        let lasts = given.lasts().saturating_sub(RENEW_BEFORE);
        let lasts = lasts.max(SignedDuration::from_secs(1)).unsigned_abs();
        let now = self.clock.now();
        let after =
            |lasts| now.saturating_add(self.clock.in_real_time(lasts)).unwrap_or(Timestamp::MAX);
        let text = given.access_token;
        let (fresh_until, ends_at) = (after(UNDOUBTED), after(lasts));
        *kept = Some(Token { text: text.clone(), fresh_until, ends_at });
        Ok(text)
    }

    fn sign(&self, request: &mut Request) -> Result<(), NoContact> {
        let Authentication::Signed { algorithm, key_id, text, encoding, headers } = &self.kind
        else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut nonce = [0; 16];
        self.chance.fill(&mut nonce);
        let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        let parts = context! {
            method => request.method().as_str(),
            path => request.url().path(),
            query => request.url().query().unwrap_or_default(),
            body => String::from_utf8_lossy(body),
            body_sha256 => hex(&Sha256::digest(body)),
            timestamp => now.as_second(),
            timestamp_millis => now.as_millisecond(),
            nonce => hex(&nonce),
            key_id,
        };
        let signature =
            signature(*algorithm, *encoding, &self.secret, &self.templates.render(text, &parts)?)?;
        let parts = context! { signature, ..parts };
        for (name, template) in headers {
            let value = self.templates.render(template, &parts)?;
            header(request, name, &value)?;
        }
        Ok(())
    }
}

/// The signature of a text.
pub(super) fn signature(
    algorithm: Algorithm,
    encoding: Encoding,
    secret: &str,
    text: &str,
) -> Result<String, NoContact> {
    let mac = match algorithm {
        Algorithm::HmacSha256 => mac::<SimpleHmac<Sha256>>(secret, text),
        Algorithm::HmacSm3 => mac::<SimpleHmac<Sm3>>(secret, text),
    }
    .ok_or_else(|| NoContact::misconfigured("the secret can't be used as a key"))?;
    Ok(match encoding {
        Encoding::Hex => hex(&mac),
        Encoding::Base64 => STANDARD.encode(mac),
    })
}

fn mac<M: Mac + KeyInit>(secret: &str, text: &str) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

fn bearer(request: &mut Request, token: &str) -> Result<(), NoContact> {
    header(request, "authorization", &format!("Bearer {token}"))
}

fn header(request: &mut Request, name: &str, value: &str) -> Result<(), NoContact> {
    let wrong = |_| NoContact::misconfigured(format!("the header {name} can't be written"));
    let name: HeaderName = name.parse().map_err(|_| wrong(()))?;
    let mut value = HeaderValue::from_str(value).map_err(|_| wrong(()))?;
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_published_vectors() {
        // RFC 4231, test case 2.
        let signed = |algorithm| {
            signature(algorithm, Encoding::Hex, "Jefe", "what do ya want for nothing?")
                .unwrap_or_default()
        };
        assert_eq!(
            signed(Algorithm::HmacSha256),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        // Computed with OpenSSL 3: openssl dgst -sm3 -hmac Jefe
        assert_eq!(
            signed(Algorithm::HmacSm3),
            "2e87f1d16862e6d964b50a5200bf2b10b764faa9680a296a2405f24bec39f882"
        );
    }

    #[test]
    fn a_token_lasts_as_long_as_it_says_in_whatever_way() {
        for (said, seconds) in [
            ("7200", 7200),
            ("\"7200\"", 7200),
            ("\" 3600 \"", 3600),
            ("3599.5", 3599),
            ("null", 300),
            ("\"\"", 300),
            ("\"soon\"", 300),
        ] {
            let answer = format!(r#"{{"access_token": "t", "expires_in": {said}}}"#);
            let answer: TokenAnswer = serde_json::from_str(&answer).unwrap();
            assert_eq!(answer.lasts().as_secs(), seconds, "{said}");
        }
        let wrapped = TokenAnswer::read(r#"{"code": 200, "data": {"access_token": "t"}}"#).unwrap();
        assert_eq!(wrapped.access_token, "t");
        let without: TokenAnswer = serde_json::from_str(r#"{"access_token": "t"}"#).unwrap();
        assert_eq!(without.lasts().as_secs(), 300);
    }
}
