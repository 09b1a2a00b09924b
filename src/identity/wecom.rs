//! WeCom (企业微信): 网页授权登录 within its own browser, 企业微信扫码登录 in any other (developer.work.weixin.qq.com, 身份验证).

use reqwest::{Client, Url};
use serde_json::Value;

use super::{Fault, Flow, Returned, Trouble};
use crate::clock::Clock;
use crate::delivery::http::{Answer, NoAnswer, ask};
use crate::domain::identity::{Claimed, Way};
use crate::settings::SettingsError;
use crate::settings::sign_in::WecomSignInSettings;
use crate::wecom::{AccessToken, NoToken, is_worn, whole_number};

const SECRET: &str = "sign_in.wecom.secret_file";
const ENDPOINT: &str = "sign_in.wecom.endpoint";

/// What WeCom's codes (全局错误码) mean at signing in: their name for logs, what is said to whoever tried, and to the operator.
const CODES: &[(&[i64], &str, &str, &str)] = &[
    (
        &[40_029, 40_163, 41_008],
        "invalid_code",
        "这一次登录已经用过或过期，请重新点登录按钮，不要刷新或退回",
        "这一次登录的 code 已经用过或过期",
    ),
    (
        &[40_001, 40_091, 41_004],
        "wrong_secret",
        "企业微信不认本系统的应用密钥，请告诉管理员核对 sign_in.wecom.secret_file（应用的 Secret）",
        "企业微信不认应用密钥；请核对 sign_in.wecom.secret_file（应用的 Secret）",
    ),
    (
        &[40_013, 41_002],
        "wrong_corp",
        "企业微信不认企业 ID，请告诉管理员核对 sign_in.wecom.corp_id",
        "企业微信不认企业 ID；请核对 sign_in.wecom.corp_id",
    ),
    (
        &[40_056, 301_002],
        "wrong_agent",
        "企业微信不认这个应用，请告诉管理员核对 sign_in.wecom.agent_id 和应用的 Secret 是不是一对",
        "企业微信不认这个应用；请核对 sign_in.wecom.agent_id 和应用的 Secret 是不是一对",
    ),
    (
        &[60_020],
        "untrusted_address",
        "企业微信不让这台服务器调用，请管理员在企业微信后台把服务器的出口地址加进应用的「企业可信 IP」",
        "企业微信不让这台服务器调用；请在企业微信后台把服务器的出口地址加进应用的「企业可信 IP」",
    ),
    (
        &[50_001],
        "untrusted_host",
        "回来的网址不在应用的可信域名里，请管理员在企业微信后台的应用里登记 notify.public_url 的域名",
        "回来的网址不在应用的可信域名里；请在企业微信后台的应用里登记 notify.public_url 的域名",
    ),
    (
        &[48_002, 50_002, 50_003, 60_011],
        "not_permitted",
        "这个应用没有权限，或者您不在应用的可见范围里，请管理员在企业微信后台核对应用的可见范围和权限",
        "这个应用没有权限；请在企业微信后台核对应用的可见范围和权限",
    ),
    (
        &[45_009, 45_033],
        "too_many",
        "企业微信说调用太快，请过几分钟再试，或者用密码登录",
        "企业微信说调用太快；请过几分钟再查",
    ),
    (
        &[-1],
        "busy",
        "企业微信说它现在忙，请过几分钟再试，或者用密码登录",
        "企业微信说它现在忙；请过几分钟再查",
    ),
];

pub struct WecomOauth {
    client: Client,
    settings: WecomSignInSettings,
    back: String,
    token: AccessToken,
}

impl WecomOauth {
    /// As it's configured.
    ///
    /// # Errors
    /// Where the secret can't be read.
    pub(super) fn new(
        clock: &Clock,
        client: Client,
        settings: &WecomSignInSettings,
        back: String,
    ) -> Result<WecomOauth, SettingsError> {
        let (settings, secret) = (settings.clone(), settings.secret()?);
        let corp_id = settings.corp_id.clone();
        let token =
            AccessToken::new(clock.clone(), client.clone(), &settings.endpoint, corp_id, secret);
        Ok(WecomOauth { client, settings, back, token })
    }

    pub(super) fn button(&self) -> &str {
        &self.settings.button
    }

    /// Whether a token is given: for the operator.
    ///
    /// # Errors
    /// Why not.
    pub async fn examine(&self) -> Result<(), String> {
        self.token(None).await.map(drop).map_err(|trouble| trouble.detail)
    }

    /// Where a browser goes that calls itself so: within WeCom, or WeChat, nothing is to be scanned.
    pub(super) fn begin(&self, flow: &Flow, agent: &str) -> Result<String, Trouble> {
        let agent = agent.to_ascii_lowercase();
        let is_within = agent.contains("wxwork/") || agent.contains("micromessenger/");
        let (base, first) = match is_within {
            true => (&self.settings.authorize_url, None),
            false => (&self.settings.qr_url, Some(("login_type", "CorpApp"))),
        };
        let mut url = Url::parse(base).map_err(|_| odd("address"))?;
        let agent_id = self.settings.agent_id.to_string();
        let mut query = url.query_pairs_mut();
        query.extend_pairs(first);
        query.append_pair("appid", &self.settings.corp_id);
        query.append_pair("redirect_uri", &self.back);
        if is_within {
            query.append_pair("response_type", "code").append_pair("scope", "snsapi_base");
        }
        query.append_pair("state", &flow.state).append_pair("agentid", &agent_id);
        drop(query);
        url.set_fragment(is_within.then_some("wechat_redirect"));
        Ok(url.into())
    }

    /// Whom WeCom says that it is: 获取访问用户身份.
    pub(super) async fn finish(&self, returned: &Returned) -> Result<Claimed, Trouble> {
        // 若用户禁止授权，则重定向后不会带上code参数.
        if returned.code.is_empty() {
            let said = "没有登录：您在企业微信里没有同意。请重新点登录按钮并同意，或者用密码登录";
            return Err(Trouble::new("access_denied", said).of(Fault::Person));
        }
        let token = self.token(None).await?;
        let mut value = self.member(&token, &returned.code).await?;
        if is_worn(&value) {
            let token = self.token(Some(&token)).await?;
            value = self.member(&token, &returned.code).await?;
        }
        if whole_number(&value["errcode"]) != Some(0) {
            return Err(refused(&value));
        }
        // As the page has it, and as versions of it before had it.
        let user = value["userid"].as_str().or(value["UserId"].as_str()).unwrap_or_default();
        if user.is_empty() {
            let said = "没有登录：您的微信或企业微信账号不是本单位企业微信的成员。请用单位的企业微信，或者用密码登录";
            return Err(Trouble::new("no_member", said).of(Fault::Person));
        }
        Ok(Claimed {
            way: Way::WeCom,
            known_by: self.settings.known_by,
            value: user.chars().take(64).collect(),
            second: self.settings.second_factor,
        })
    }

    async fn member(&self, token: &str, code: &str) -> Result<Value, Trouble> {
        let endpoint = self.settings.endpoint.trim_end_matches('/');
        let url = format!("{endpoint}/cgi-bin/auth/getuserinfo");
        let request = self.client.get(url).query(&[("access_token", token), ("code", code)]);
        read(&ask(request).await.map_err(|none| self.unanswered(&none))?)
    }

    async fn token(&self, worn: Option<&str>) -> Result<String, Trouble> {
        self.token.get(worn).await.map_err(|none| match none {
            NoToken::Unanswered(none) => self.unanswered(&none),
            NoToken::Ungiven(answer) => match read(&answer) {
                Ok(value) => refused(&value),
                Err(trouble) => trouble,
            },
        })
    }

    fn unanswered(&self, none: &NoAnswer) -> Trouble {
        Trouble::unanswered("企业微信", (ENDPOINT, &self.settings.endpoint), none)
    }
}

fn read(answer: &Answer) -> Result<Value, Trouble> {
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let is_whole = answer.status.is_success() && value["errcode"].is_i64();
    if is_whole {
        return Ok(value);
    }
    let code = answer.status.as_u16();
    let detail = format!("企业微信的回答读不懂（HTTP {code}）；请核对 {ENDPOINT}");
    Err(odd("answer").detailed(detail))
}

/// An answer that isn't WeCom's.
fn odd(name: &str) -> Trouble {
    let said = format!(
        "没有登录：企业微信的回答读不懂。请过几分钟再试；还是这样，请告诉管理员核对 {ENDPOINT}"
    );
    Trouble::new(format!("odd_{name}"), said)
}

fn refused(value: &Value) -> Trouble {
    let code = whole_number(&value["errcode"]).unwrap_or(0);
    let known = CODES.iter().find(|(codes, ..)| codes.contains(&code));
    let (name, said, detail) = match known {
        Some((_, name, said, detail)) => (*name, (*said).to_owned(), (*detail).to_owned()),
        None => {
            let said = format!(
                "企业微信没有同意。请过几分钟再试，或者用密码登录；还是这样，请告诉管理员核对 {SECRET} 和应用的权限"
            );
            let detail = format!("企业微信没有同意；请核对 {SECRET} 和应用的权限");
            ("refused", said, detail)
        }
    };
    let is_guess = name == "invalid_code";
    Trouble::new(format!("{name}_{code}"), format!("没有登录：{said}（返回码 {code}）"))
        .detailed(format!("{detail}（返回码 {code}）"))
        .of(if is_guess { Fault::Guess } else { Fault::Provider })
}
