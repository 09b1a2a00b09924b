//! Signing in by an identity provider: OpenID Connect, and WeCom's OAuth. Where none is configured, nobody does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{SettingsError, is_http, secret, span};
use crate::domain::identity::{KnownBy, Way};

/// Whoever signs in waits no longer, however it's configured.
const LONGEST: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInSettings {
    /// All that a provider is asked for one sign-in.
    #[serde(deserialize_with = "span")]
    pub timeout: Duration,
    pub proxy: String,
    pub oidc: OidcSettings,
    pub wecom: WecomSignInSettings,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    pub issuer: String,
    pub client_id: String,
    pub client_secret_file: PathBuf,
    pub client_secret: String,
    pub scopes: String,
    pub claim: String,
    pub known_by: KnownBy,
    /// Values of `amr` by which the provider says that it asked for a second factor.
    pub second_factor: Vec<String>,
    pub button: String,
    pub ca_file: PathBuf,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WecomSignInSettings {
    pub corp_id: String,
    pub agent_id: i64,
    pub secret_file: PathBuf,
    pub secret: String,
    pub known_by: KnownBy,
    /// Whether WeCom's word is as good as a code.
    pub second_factor: bool,
    pub button: String,
    pub endpoint: String,
    /// Where a browser within WeCom is sent, and where any other one.
    pub authorize_url: String,
    pub qr_url: String,
}

/// These hold secrets: they are never printed.
impl std::fmt::Debug for OidcSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcSettings").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for WecomSignInSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WecomSignInSettings")
            .field("corp_id", &self.corp_id)
            .finish_non_exhaustive()
    }
}

impl SignInSettings {
    /// The identity providers that are configured.
    pub fn ways(&self) -> Vec<Way> {
        let oidc = self.oidc.is_on().then_some(Way::Oidc);
        oidc.into_iter().chain(self.wecom.is_on().then_some(Way::WeCom)).collect()
    }
}

fn wrong(text: &str) -> SettingsError {
    SettingsError::Wrong(text.to_owned())
}

fn lacks_secret(given: &str, file: &Path) -> bool {
    given.is_empty() && file.as_os_str().is_empty()
}

impl SignInSettings {
    /// What the types can't say.
    pub(super) fn check(&self, public_url: &str) -> Result<(), SettingsError> {
        super::proxy(&self.proxy, "sign_in.proxy")?;
        if self.timeout.is_zero() || self.timeout > LONGEST {
            return Err(wrong("sign_in.timeout 要大于 0，最长 15s：登录的人在等"));
        }
        self.oidc.check()?;
        self.wecom.check()?;
        if (self.oidc.is_on() || self.wecom.is_on()) && public_url.is_empty() {
            return Err(wrong(
                "notify.public_url 要写大家打开本系统的地址：统一身份认证和企业微信登录完要回到这里",
            ));
        }
        Ok(())
    }
}

impl OidcSettings {
    /// Whether people sign in by it.
    pub fn is_on(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// The client's secret; empty where it has none.
    ///
    /// # Errors
    /// Where its file can't be read.
    pub fn secret(&self) -> Result<String, SettingsError> {
        secret(&self.client_secret, &self.client_secret_file, "sign_in.oidc.client_secret_file")
    }

    fn check(&self) -> Result<(), SettingsError> {
        if !self.is_on() {
            let alone = !self.client_id.is_empty()
                || !lacks_secret(&self.client_secret, &self.client_secret_file);
            let text = "sign_in.oidc.issuer 要写统一身份认证的签发者地址（issuer）；不用的话 client_id 和密钥也留空";
            return if alone { Err(wrong(text)) } else { Ok(()) };
        }
        let url = reqwest::Url::parse(&self.issuer).ok().filter(|_| is_http(&self.issuer));
        // OpenID Connect Core 1.0, 2: no query and no fragment.
        if url.is_none_or(|url| url.query().is_some() || url.fragment().is_some()) {
            return Err(wrong(
                "sign_in.oidc.issuer 要写 https:// 地址，不带 ? 和 #，与对方给的一字不差",
            ));
        }
        if self.client_id.is_empty() {
            return Err(wrong("sign_in.oidc.client_id 要写在统一身份认证登记的客户端编号"));
        }
        if !self.scopes.split_whitespace().any(|scope| scope == "openid") {
            return Err(wrong("sign_in.oidc.scopes 里要有 openid，用空格分开"));
        }
        if self.claim.trim().is_empty() {
            return Err(wrong(
                "sign_in.oidc.claim 要写对方用哪一项说明是谁，如 preferred_username",
            ));
        }
        if self.button.trim().is_empty() {
            return Err(wrong("sign_in.oidc.button 要写按钮上的字"));
        }
        Ok(())
    }
}

impl WecomSignInSettings {
    /// Whether people sign in by it.
    pub fn is_on(&self) -> bool {
        !self.corp_id.is_empty()
    }

    /// The application's secret.
    ///
    /// # Errors
    /// Where its file can't be read.
    pub fn secret(&self) -> Result<String, SettingsError> {
        secret(&self.secret, &self.secret_file, "sign_in.wecom.secret_file")
    }

    fn check(&self) -> Result<(), SettingsError> {
        let no_secret = lacks_secret(&self.secret, &self.secret_file);
        if !self.is_on() {
            let text =
                "sign_in.wecom.corp_id 要写企业 ID；不用企业微信登录的话 agent_id 留 0，密钥留空";
            return if no_secret && self.agent_id == 0 { Ok(()) } else { Err(wrong(text)) };
        }
        if self.agent_id <= 0 {
            return Err(wrong("sign_in.wecom.agent_id 要写自建应用的 AgentId"));
        }
        if no_secret {
            return Err(wrong("sign_in.wecom.secret_file 要写存着应用 Secret 的文件"));
        }
        if !matches!(self.known_by, KnownBy::WeCom | KnownBy::Number) {
            return Err(wrong(
                "sign_in.wecom.known_by 只能写 wecom（企业微信账号）或 number（人员编号）：企业微信只说账号",
            ));
        }
        for (key, url) in [
            ("endpoint", &self.endpoint),
            ("authorize_url", &self.authorize_url),
            ("qr_url", &self.qr_url),
        ] {
            if !is_http(url) || reqwest::Url::parse(url).is_err() {
                return Err(wrong(&format!("sign_in.wecom.{key} 要写 https:// 地址")));
            }
        }
        if self.button.trim().is_empty() {
            return Err(wrong("sign_in.wecom.button 要写按钮上的字"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::settings::Settings;

    #[test]
    fn nothing_configured_is_nothing_and_mistakes_are_named_by_key() {
        let of = |text: &str| Settings::from_text(text, "a.toml");
        let none = of("").unwrap().sign_in;
        assert!(!none.oidc.is_on() && !none.wecom.is_on());
        const PUBLIC: &str = "[notify]\npublic_url = 'https://zoufang.example.cn'\n";
        const OIDC: &str =
            "[sign_in.oidc]\nissuer = 'https://sso.example.cn'\nclient_id = 'zoufang'\n";
        const WECOM: &str = "[sign_in.wecom]\ncorp_id = 'ww1'\nagent_id = 1000002\nsecret = 'x'\n";
        assert!(of(&format!("{PUBLIC}{OIDC}{WECOM}")).unwrap().sign_in.oidc.is_on());
        for (text, key) in [
            (OIDC.to_owned(), "notify.public_url"),
            (WECOM.to_owned(), "notify.public_url"),
            (format!("{PUBLIC}[sign_in.oidc]\nclient_id = 'zoufang'\n"), "sign_in.oidc.issuer"),
            (format!("{PUBLIC}[sign_in.oidc]\nissuer = 'sso.example.cn'\n"), "sign_in.oidc.issuer"),
            (
                format!("{PUBLIC}[sign_in.oidc]\nissuer = 'https://a.cn/?x=1'\n"),
                "sign_in.oidc.issuer",
            ),
            (
                format!("{PUBLIC}[sign_in.oidc]\nissuer = 'https://a.cn'\n"),
                "sign_in.oidc.client_id",
            ),
            (format!("{PUBLIC}{OIDC}scopes = 'profile'\n"), "sign_in.oidc.scopes"),
            (format!("{PUBLIC}{OIDC}claim = ' '\n"), "sign_in.oidc.claim"),
            (format!("{PUBLIC}{OIDC}known_by = 'name'\n"), "sign_in.oidc.known_by"),
            (format!("{PUBLIC}{OIDC}button = ''\n"), "sign_in.oidc.button"),
            (format!("{PUBLIC}{OIDC}[sign_in]\ntimeout = '1m'\n"), "sign_in.timeout"),
            (format!("{PUBLIC}[sign_in.wecom]\nagent_id = 3\n"), "sign_in.wecom.corp_id"),
            (format!("{PUBLIC}[sign_in.wecom]\ncorp_id = 'ww1'\n"), "sign_in.wecom.agent_id"),
            (
                format!("{PUBLIC}[sign_in.wecom]\ncorp_id = 'ww1'\nagent_id = 3\n"),
                "sign_in.wecom.secret_file",
            ),
            (format!("{PUBLIC}{WECOM}qr_url = 'login'\n"), "sign_in.wecom.qr_url"),
            (format!("{PUBLIC}{WECOM}known_by = 'phone'\n"), "sign_in.wecom.known_by"),
        ] {
            let error = of(&text).unwrap_err().to_string();
            assert!(error.contains(key), "{key}: {error}");
            assert!(crate::domain::reason::is_chinese(&error), "{error}");
        }
    }
}
