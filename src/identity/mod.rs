//! Identity providers (统一身份认证): who says who somebody is, asked by a browser that goes there and comes back. OpenID Connect, and
//! WeCom's OAuth.
//!
//! Knows the provider and the browser's [`Flow`]; nothing of the record, of who is known here, nor of pages. All calls are bounded
//! in time and length, follow no redirect, and go to configured addresses or to those that the issuer's own document names.

mod flow;
mod oidc;
mod wecom;

use std::time::Duration;

use serde::Deserialize;

pub use flow::{Flow, LASTS};
pub use oidc::Oidc;
pub use wecom::WecomOauth;

use crate::clock::Clock;
use crate::delivery::http::{NoAnswer, Tls};
use crate::domain::identity::{Claimed, Way};
use crate::domain::reason::{in_words, name_of, of_system};
use crate::settings::sign_in::SignInSettings;
use crate::settings::{Settings, SettingsError, proxy, shown_url};

/// Why nobody was signed in by a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// As logs have it: nothing in it was written by the other side.
    pub name: String,
    /// For whoever tried: no address stands in it.
    pub said: String,
    /// For whoever configures: in the log, and by `check`.
    pub detail: String,
    pub fault: Fault,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It was tried with what was never given, or not to this browser: it counts as a wrong password does.
    Guess,
    /// The provider doesn't let them, or they didn't agree.
    Person,
    /// The provider's, or the configuration's.
    Provider,
}

impl Trouble {
    fn new(name: impl Into<String>, said: impl Into<String>) -> Trouble {
        let said = said.into();
        let detail = said.strip_prefix("没有登录：").unwrap_or(&said).to_owned();
        Trouble { name: name.into(), said, detail, fault: Fault::Provider }
    }

    /// What only the operator can mend, and all of it is told to them alone.
    fn unusable(name: impl Into<String>, who: &str, detail: impl Into<String>) -> Trouble {
        let said = format!("没有登录：{who}现在用不了。请用密码登录，并告诉管理员");
        Trouble::new(name, said).detailed(detail)
    }

    fn detailed(self, detail: impl Into<String>) -> Trouble {
        Trouble { detail: detail.into(), ..self }
    }

    fn of(self, fault: Fault) -> Trouble {
        Trouble { fault, ..self }
    }

    /// The provider doesn't answer at this address. `key` is where the operator looks.
    fn unanswered(who: &str, (key, at): (&str, &str), none: &NoAnswer) -> Trouble {
        let why = in_words(&none.reason).plain;
        let said = format!(
            "没有登录：{who}现在问不到（{why}）。请过几分钟再试，或者用密码登录；一直这样，请告诉管理员核对 {key}"
        );
        let detail = format!("{} 问不到（{why}）；请核对 {key}、网络和防火墙", shown_url(at));
        Trouble::new(name_of(&none.reason), said).detailed(detail)
    }
}

/// What a browser brings back from a provider: OAuth 2.0 (RFC 6749, 4.1.2), RFC 9207.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Returned {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub error: String,
    pub iss: Option<String>,
}

impl Returned {
    /// Whether there's anything that could be changed for whoever it is.
    pub fn brings_code(&self) -> bool {
        self.error.is_empty() && !self.code.is_empty()
    }
}

/// The configured ones.
#[derive(Default)]
pub struct Providers {
    pub oidc: Option<Oidc>,
    pub wecom: Option<WecomOauth>,
    timeout: Duration,
}

impl Providers {
    /// As they're configured; none is asked anything yet.
    ///
    /// # Errors
    /// Where a secret or a certificate can't be read.
    pub fn open(settings: &Settings, clock: &Clock) -> Result<Providers, SettingsError> {
        let SignInSettings { timeout, oidc, wecom, .. } = &settings.sign_in;
        let public = settings.notify.public_url.trim_end_matches('/');
        let back = |way: Way| format!("{public}{}", back(way));
        let proxy = proxy(&settings.sign_in.proxy, "sign_in.proxy")?;
        let client = |ca: Option<Vec<u8>>, key: &str| {
            let tls = Tls { ca, proxy: proxy.clone(), ..Tls::default() };
            crate::delivery::http::client(*timeout, &tls)
                .map_err(|error| SettingsError::Wrong(format!("{key}：{error}")))
        };
        let oidc = match oidc.is_on() {
            true => {
                let key = "sign_in.oidc.ca_file";
                let client = client(authority(&oidc.ca_file, key)?, key)?;
                Some(Oidc::new(clock.clone(), client, oidc, back(Way::Oidc))?)
            }
            false => None,
        };
        let wecom = match wecom.is_on() {
            true => {
                let client = client(None, "sign_in.wecom")?;
                Some(WecomOauth::new(clock, client, wecom, back(Way::WeCom))?)
            }
            false => None,
        };
        Ok(Providers { oidc, wecom, timeout: *timeout })
    }

    /// The ways that are configured, with the text of each one's button.
    pub fn ways(&self) -> Vec<(Way, &str)> {
        let oidc = self.oidc.as_ref().map(|oidc| (Way::Oidc, oidc.button()));
        let wecom = self.wecom.as_ref().map(|wecom| (Way::WeCom, wecom.button()));
        oidc.into_iter().chain(wecom).collect()
    }

    /// Whether this way is configured.
    pub fn has(&self, way: Way) -> bool {
        self.ways().iter().any(|(known, _)| *known == way)
    }

    /// Where a browser goes, which calls itself so.
    ///
    /// # Errors
    /// Where the provider doesn't answer in time, or isn't what is configured.
    pub async fn begin(&self, flow: &Flow, agent: &str) -> Result<String, Trouble> {
        self.in_time(flow.way, async {
            match (flow.way, &self.oidc, &self.wecom) {
                (Way::Oidc, Some(oidc), _) => oidc.begin(flow).await,
                (Way::WeCom, _, Some(wecom)) => wecom.begin(flow, agent),
                _ => Err(unconfigured()),
            }
        })
        .await
    }

    /// Whom the provider says that it is, by what a browser brought back.
    ///
    /// # Errors
    /// Where it says nobody, doesn't answer in time, or what it says doesn't hold.
    pub async fn finish(&self, flow: &Flow, returned: &Returned) -> Result<Claimed, Trouble> {
        self.in_time(flow.way, async {
            match (flow.way, &self.oidc, &self.wecom) {
                (Way::Oidc, Some(oidc), _) => oidc.finish(flow, returned).await,
                (Way::WeCom, _, Some(wecom)) => wecom.finish(returned).await,
                _ => Err(unconfigured()),
            }
        })
        .await
    }

    async fn in_time<T>(
        &self,
        way: Way,
        asking: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        tokio::time::timeout(self.timeout, asking).await.unwrap_or_else(|_| {
            let said = format!(
                "没有登录：{way}没有及时回答。请过几分钟再试，或者用密码登录；一直这样，请告诉管理员"
            );
            Err(Trouble::new("timeout", said))
        })
    }
}

/// Where a browser comes back to.
pub fn back(way: Way) -> String {
    format!("/my/sign-in/{}/back", way.code())
}

fn unconfigured() -> Trouble {
    Trouble::new("unconfigured", "没有开通这种登录方式，请用密码登录")
}

/// A certificate authority's file, as PEM; nothing where there's none.
fn authority(file: &std::path::Path, key: &str) -> Result<Option<Vec<u8>>, SettingsError> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    std::fs::read(file).map(Some).map_err(|why| {
        let why = of_system(why.kind());
        SettingsError::Wrong(format!("{key}：{} 读不出来：{why}", file.display()))
    })
}
