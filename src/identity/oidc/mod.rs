//! OpenID Connect: the authorization code flow (Core 1.0, 3.1) with PKCE (RFC 7636), state and nonce; what the provider says of
//! itself, and its keys, are asked for when they're needed and kept for a while.

mod id_token;
mod jws;
mod metadata;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Url};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use self::id_token::{Expected, judge};
use self::jws::{Jws, Keys, Unsigned};
use self::metadata::Metadata;
use super::{Fault, Flow, Returned, Trouble};
use crate::clock::{Clock, span_millis};
use crate::delivery::http::{Answer, ask};
use crate::domain::identity::{Claimed, KnownBy, Way};
use crate::settings::sign_in::OidcSettings;
use crate::settings::{SettingsError, shown_url};

const ISSUER: &str = "sign_in.oidc.issuer";
const WHO: &str = "统一身份认证";
const MEND_KEYS: &str = "请与对方核对说明文件里的 jwks_uri";
/// What the provider says of itself, and its keys, are asked for again after so long.
const KEPT: Duration = Duration::from_secs(3_600);
/// Keys that aren't known are asked for at once, but in a minute no oftener than so.
const RENEWALS: usize = 6;
const MINUTE: i64 = 60_000;
/// Nobody is known by a longer word.
const LONGEST_CLAIM: usize = 200;

pub struct Oidc {
    clock: Clock,
    client: Client,
    settings: OidcSettings,
    secret: String,
    /// Where browsers come back to.
    back: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    metadata: Option<(i64, Arc<Metadata>)>,
    keys: Option<(i64, Arc<Keys>)>,
    /// When keys were asked for before their time.
    renewed: Vec<i64>,
}

impl Oidc {
    /// As it's configured.
    ///
    /// # Errors
    /// Where the secret can't be read.
    pub(super) fn new(
        clock: Clock,
        client: Client,
        settings: &OidcSettings,
        back: String,
    ) -> Result<Oidc, SettingsError> {
        let (settings, secret) = (settings.clone(), settings.secret()?);
        Ok(Oidc { clock, client, settings, secret, back, kept: Mutex::default() })
    }

    pub(super) fn button(&self) -> &str {
        &self.settings.button
    }

    fn now(&self) -> i64 {
        self.clock.wire_millis()
    }

    /// What the provider says of itself, and what is doubtful about it: for the operator. Its keys are asked for too.
    ///
    /// # Errors
    /// Why nobody could sign in by it.
    pub async fn examine(&self) -> Result<Vec<String>, String> {
        let metadata = self.metadata().await.map_err(|trouble| trouble.detail)?;
        let keys = self.keys(false).await.map_err(|trouble| trouble.detail)?;
        if keys.is_empty() {
            let at = shown_url(&metadata.jwks_uri);
            return Err(format!("公钥（jwks_uri）{at} 里没有能用的公钥；{MEND_KEYS}"));
        }
        let mut doubts = metadata.doubts();
        if !verified_by(self.settings.known_by).is_empty() {
            doubts.push(format!(
                "按{}认人：对方没有写它核实过没有（{}）时也认。请与对方确认它不能由本人随意改，或者改用人员编号（sign_in.oidc.known_by）",
                self.settings.known_by,
                verified_by(self.settings.known_by)
            ));
        }
        Ok(doubts)
    }

    /// Where a browser goes (Core 3.1.2.1).
    pub(super) async fn begin(&self, flow: &Flow) -> Result<String, Trouble> {
        let metadata = self.metadata().await?;
        let mut url = Url::parse(&metadata.authorization_endpoint).map_err(|_| odd("endpoint"))?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(flow.verifier.as_bytes()));
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.back),
            ("scope", &self.settings.scopes),
            ("state", &flow.state),
            ("nonce", &flow.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok(url.into())
    }

    /// Whom the provider says that it is, by what a browser of this flow brought back.
    pub(super) async fn finish(
        &self,
        flow: &Flow,
        returned: &Returned,
    ) -> Result<Claimed, Trouble> {
        let metadata = self.metadata().await?;
        // RFC 9207, 2.4: by whom it was sent back.
        let is_theirs = match &returned.iss {
            Some(iss) => *iss == self.settings.issuer,
            None => !metadata.authorization_response_iss_parameter_supported,
        };
        if !is_theirs {
            return Err(odd("answer_of_another_issuer").of(Fault::Guess));
        }
        if !returned.error.is_empty() {
            return Err(refused(&returned.error));
        }
        if returned.code.is_empty() {
            return Err(odd("no_code").of(Fault::Guess));
        }
        let tokens = self.tokens(&metadata, flow, &returned.code).await?;
        let claims = self.believed(&metadata, flow, &tokens).await?;
        let value = self.claimed(&metadata, &tokens, &claims).await?;
        let given = claims["amr"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let wanted = &self.settings.second_factor;
        let second = given.into_iter().any(|by| wanted.iter().any(|wanted| wanted == by));
        Ok(Claimed { way: Way::Oidc, known_by: self.settings.known_by, value, second })
    }

    /// Changes the code for tokens (Core 3.1.3.1).
    async fn tokens(&self, metadata: &Metadata, flow: &Flow, code: &str) -> Result<Value, Trouble> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.back),
            ("code_verifier", &flow.verifier),
        ];
        let client_id = self.settings.client_id.as_str();
        let mut request = self.client.post(&metadata.token_endpoint);
        if self.secret.is_empty() {
            form.push(("client_id", client_id));
        } else if metadata.takes_secret_in_form() {
            form.extend([("client_id", client_id), ("client_secret", &self.secret)]);
        } else {
            // RFC 6749, 2.3.1: each as a form has it.
            request = request.basic_auth(as_in_a_form(client_id), Some(as_in_a_form(&self.secret)));
        }
        let request = request.header("accept", "application/json").form(&form);
        let answer = self.ask(request, &metadata.token_endpoint).await?;
        let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        if !answer.status.is_success() {
            return Err(ungiven(&answer, value["error"].as_str().unwrap_or_default()));
        }
        Ok(value)
    }

    /// What the ID token says, once all of it holds (Core 3.1.3.7).
    async fn believed(
        &self,
        metadata: &Metadata,
        flow: &Flow,
        tokens: &Value,
    ) -> Result<Value, Trouble> {
        let token = tokens["id_token"].as_str().ok_or_else(|| odd("no_id_token"))?;
        let jws = Jws::read(token).map_err(unsigned)?;
        if !metadata.signs_by(jws.algorithm()) {
            return Err(unsigned(Unsigned::Algorithm));
        }
        let claims = match jws.verified(&*self.keys(false).await?) {
            Err(Unsigned::NoKey) => jws.verified(&*self.keys(true).await?),
            // Who doesn't name keys may have changed them (Core 10.1.1).
            Err(Unsigned::Signature) if !jws.names_its_key() => {
                jws.verified(&*self.keys(true).await?)
            }
            judged => judged,
        };
        let claims = claims.map_err(unsigned)?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce: &flow.nonce,
            begun_at: flow.begun_at.div_euclid(1_000),
            now: self.now().div_euclid(1_000),
        };
        judge(&claims, &expected).map_err(|flaw| {
            let said = format!(
                "没有登录：统一身份认证给的身份令牌没有通过核对（{}）。请重新登录；还是这样，请告诉管理员",
                flaw.chinese()
            );
            Trouble::new(flaw.name(), said)
        })?;
        Ok(claims)
    }

    /// The word by which somebody is known here: of the ID token, else of the userinfo endpoint (Core 5.3).
    async fn claimed(
        &self,
        metadata: &Metadata,
        tokens: &Value,
        claims: &Value,
    ) -> Result<String, Trouble> {
        let name = self.settings.claim.as_str();
        let verified = verified_by(self.settings.known_by);
        let is_told =
            !claims[name].is_null() && (verified.is_empty() || !claims[verified].is_null());
        let asked = match &metadata.userinfo_endpoint {
            Some(endpoint) if !is_told => self.userinfo(endpoint, tokens, claims).await?,
            _ => Value::Null,
        };
        let told = |name: &str| if claims[name].is_null() { &asked[name] } else { &claims[name] };
        if is_denied(told(verified)) {
            let said = "没有登录：统一身份认证还没有核实您的邮箱或手机号，请先在那里核实，再来登录";
            return Err(Trouble::new("claim_unverified", said).of(Fault::Person));
        }
        let value = match told(name) {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        if value.is_empty() || value.len() > LONGEST_CLAIM {
            let said = format!(
                "没有登录：统一身份认证没有说明您是谁（缺「{name}」）。请告诉管理员核对 sign_in.oidc.claim 和 sign_in.oidc.scopes"
            );
            return Err(Trouble::new("no_claim", said));
        }
        Ok(value)
    }

    async fn userinfo(
        &self,
        endpoint: &str,
        tokens: &Value,
        claims: &Value,
    ) -> Result<Value, Trouble> {
        let token = tokens["access_token"].as_str().ok_or_else(|| odd("no_access_token"))?;
        let request = self.client.get(endpoint).header("accept", "application/json");
        let answer = self.ask(request.bearer_auth(token), endpoint).await?;
        let unread = |why: &str| {
            let (at, code) = (shown_url(endpoint), answer.status.as_u16());
            let detail = format!(
                "用户信息（userinfo_endpoint）{at} {why}（HTTP {code}）；请与对方核对本系统的权限和回答的格式"
            );
            Trouble::unusable("userinfo", WHO, detail)
        };
        if !answer.status.is_success() {
            return Err(unread("取不到"));
        }
        let value: Value =
            serde_json::from_str(&answer.body).map_err(|_| unread("有回答，读不懂"))?;
        // Core 5.3.2: of the same one.
        if value["sub"] != claims["sub"] {
            return Err(odd("userinfo_of_another"));
        }
        Ok(value)
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, Trouble> {
        let mut kept = self.kept.lock().await;
        let now = self.now();
        if let Some((at, metadata)) = &kept.metadata
            && is_kept(*at, now)
        {
            return Ok(Arc::clone(metadata));
        }
        let address = metadata::address(&self.settings.issuer);
        let answer = self.ask(self.client.get(&address), &address).await?;
        let read = if answer.status.is_success() {
            Metadata::read(&answer.body, &self.settings.issuer)
        } else {
            Err(format!("取不到（HTTP {}）", answer.status.as_u16()))
        };
        let metadata = read.map_err(|why| {
            let at = shown_url(&address);
            Trouble::unusable("metadata", WHO, format!("说明文件 {at} {why}；请核对 {ISSUER}"))
        })?;
        let metadata = Arc::new(metadata);
        kept.metadata = Some((now, Arc::clone(&metadata)));
        Ok(metadata)
    }

    /// The provider's keys; `anew` where those that are known don't fit, bounded.
    async fn keys(&self, anew: bool) -> Result<Arc<Keys>, Trouble> {
        let metadata = self.metadata().await?;
        let mut kept = self.kept.lock().await;
        let now = self.now();
        kept.renewed.retain(|at| (now - MINUTE..=now).contains(at));
        if let Some((at, keys)) = &kept.keys
            && is_kept(*at, now)
            && (!anew || kept.renewed.len() >= RENEWALS)
        {
            return Ok(Arc::clone(keys));
        }
        if anew {
            kept.renewed.push(now);
        }
        let answer = self.ask(self.client.get(&metadata.jwks_uri), &metadata.jwks_uri).await?;
        let keys = Arc::new(read_keys(&answer).map_err(|why| {
            let at = shown_url(&metadata.jwks_uri);
            Trouble::unusable("keys", WHO, format!("公钥（jwks_uri）{at} {why}；{MEND_KEYS}"))
        })?);
        kept.keys = Some((now, Arc::clone(&keys)));
        Ok(keys)
    }

    async fn ask(&self, request: reqwest::RequestBuilder, at: &str) -> Result<Answer, Trouble> {
        ask(request).await.map_err(|none| Trouble::unanswered(WHO, (ISSUER, at), &none))
    }
}

/// The keys, or why there are none, for the operator.
fn read_keys(answer: &Answer) -> Result<Keys, String> {
    if !answer.status.is_success() {
        return Err(format!("取不到（HTTP {}）", answer.status.as_u16()));
    }
    let code = answer.status.as_u16();
    Keys::read(&answer.body).ok_or_else(|| format!("有回答（HTTP {code}），里面不是公钥"))
}

/// Whether what was had at an instant is still good.
fn is_kept(at: i64, now: i64) -> bool {
    (at..at + span_millis(KEPT)).contains(&now)
}

/// The claim that says whether that by which somebody is known was verified (Core 5.1); empty where there's none.
fn verified_by(known_by: KnownBy) -> &'static str {
    match known_by {
        KnownBy::Email => "email_verified",
        KnownBy::Phone => "phone_number_verified",
        KnownBy::Number | KnownBy::WeCom => "",
    }
}

/// Whether a claim says no; some write it as a text.
fn is_denied(claim: &Value) -> bool {
    match claim {
        Value::Bool(is) => !is,
        Value::String(text) => text.trim().eq_ignore_ascii_case("false"),
        _ => false,
    }
}

/// A word as a form has it.
fn as_in_a_form(word: &str) -> String {
    let url = Url::parse_with_params("http://own/", [("w", word)]).ok();
    let query = url.as_ref().and_then(Url::query).and_then(|query| query.strip_prefix("w="));
    query.unwrap_or_default().to_owned()
}

/// An answer that isn't as the standard has it.
fn odd(name: &str) -> Trouble {
    let said = "没有登录：统一身份认证的回答不合规矩。请重新登录；还是这样，请告诉管理员查看日志";
    Trouble::new(format!("odd_{name}"), said)
}

fn unsigned(why: Unsigned) -> Trouble {
    let (name, why) = match why {
        Unsigned::Malformed => ("id_token_malformed", "读不懂"),
        Unsigned::Algorithm => ("id_token_algorithm", "签名的算法本系统不认"),
        Unsigned::Critical => ("id_token_critical", "要求了本系统不懂的内容"),
        Unsigned::NoKey => ("id_token_key", "签名的密钥不在对方公布的里面"),
        Unsigned::Signature => ("id_token_signature", "签名不对"),
    };
    let said = format!(
        "没有登录：统一身份认证给的身份令牌没有通过核对（{why}）。请重新登录；还是这样，请告诉管理员"
    );
    Trouble::new(name, said)
}

/// What the provider says to a browser instead of a code: RFC 6749, 4.1.2.1; Core 3.1.2.6.
fn refused(error: &str) -> Trouble {
    let (name, said) = match error {
        "access_denied" => (
            "access_denied",
            "没有登录：统一身份认证没有同意（您点了取消，或者您在那里没有使用本系统的权限）。请重新登录，或者用密码登录",
        ),
        "login_required"
        | "interaction_required"
        | "consent_required"
        | "account_selection_required" => (
            "interaction_required",
            "没有登录：统一身份认证要您先在它的页面上登录或同意。请再点一次登录按钮",
        ),
        "server_error" | "temporarily_unavailable" => (
            "provider_unavailable",
            "没有登录：统一身份认证说它现在不能用。请过几分钟再试，或者用密码登录",
        ),
        "invalid_request"
        | "unauthorized_client"
        | "unsupported_response_type"
        | "invalid_scope" => (
            "client_refused",
            "没有登录：统一身份认证不接受本系统的请求。请告诉管理员核对 sign_in.oidc.client_id、sign_in.oidc.scopes，以及在对方登记的回调地址和权限",
        ),
        _ => (
            "refused",
            "没有登录：统一身份认证没有同意，也没有说明原因。请重新登录，或者用密码登录；还是这样，请告诉管理员",
        ),
    };
    let is_theirs = matches!(name, "access_denied" | "interaction_required");
    Trouble::new(name, said).of(if is_theirs { Fault::Person } else { Fault::Provider })
}

/// Why the token endpoint gives none: RFC 6749, 5.2.
fn ungiven(answer: &Answer, error: &str) -> Trouble {
    let (name, said) = match error {
        "invalid_grant" => (
            "invalid_grant",
            "没有登录：这一次登录已经用过或过期。请重新点登录按钮，不要刷新或退回".to_owned(),
        ),
        "invalid_client" | "unauthorized_client" => (
            "client_refused",
            "没有登录：统一身份认证不认本系统。请告诉管理员核对 sign_in.oidc.client_id 和 sign_in.oidc.client_secret_file"
                .to_owned(),
        ),
        _ => (
            "no_token",
            format!(
                "没有登录：统一身份认证没有给身份令牌（HTTP {}）。请过几分钟再试；还是这样，请告诉管理员核对 sign_in.oidc",
                answer.status.as_u16()
            ),
        ),
    };
    let is_guess = name == "invalid_grant";
    Trouble::new(name, said).of(if is_guess { Fault::Guess } else { Fault::Provider })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_isnt_verified_is_so_however_it_is_written() {
        for no in [json!(false), json!("false"), json!("False")] {
            assert!(is_denied(&no), "{no}");
        }
        for yes in [json!(true), json!("true"), Value::Null] {
            assert!(!is_denied(&yes), "{yes}");
        }
    }
}
