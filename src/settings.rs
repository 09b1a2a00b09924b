//! Typed configuration: built-in defaults < the operator's file < `ZOUFANG__` environment.
//!
//! The defaults are the annotated config/zoufang.toml itself, so what it documents is what holds, and
//! a key that isn't in it is a mistake that can be named.

mod accounts;
mod address;
mod backup;
pub mod channels;
mod environment;
mod given;
mod http;
mod keys;
pub mod mistakes;
mod reading;
mod secrets;
pub mod sign_in;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Time;
use serde::{Deserialize, Deserializer};

pub use self::address::shown_url;
pub use self::backup::BackupSettings;
use self::channels::NotifySettings;
use self::environment::Environment;
use self::given::secret;
pub use self::given::{Given, all_given};
pub use self::http::{Http, Network};
pub use self::secrets::{PushSettings, ReturnsSettings, Secrets};
use crate::delivery::OnUnknown;
use crate::delivery::charset::Charset;
use crate::delivery::http::{Proxy, Tls};
use crate::domain::delivery::answer::HttpCodes;
use crate::domain::issue::Category;
use crate::domain::reason::of_system;
use crate::domain::referral::PlatformStatus;
use crate::intake::Bounds;
use crate::seal::{Cipher, DigestKind, Suite};

const DEFAULTS: &str = include_str!("../config/zoufang.toml");

/// All of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub database: Database,
    pub privacy: Privacy,
    pub backup: BackupSettings,
    pub campaign: CampaignFiles,
    pub http: Http,
    pub accounts: accounts::Accounts,
    pub sign_in: sign_in::SignInSettings,
    pub log: Log,
    pub intake: Bounds,
    pub platform: PlatformSettings,
    pub outbox: OutboxSettings,
    pub notify: NotifySettings,
    pub reports: ReportSettings,
    pub schedule: ScheduleSettings,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    pub key_file: PathBuf,
    /// Empty: beside the key, with `.memory` behind its name.
    pub memory_file: PathBuf,
    pub cipher: Cipher,
    pub digest: DigestKind,
    /// 0: never.
    #[serde(deserialize_with = "span")]
    pub erase_after: Duration,
}

impl Privacy {
    /// What seals and vouches from now on.
    pub const fn suite(&self) -> Suite {
        Suite { cipher: self.cipher, digest: self.digest }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignFiles {
    pub file: PathBuf,
    pub calendar_file: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
    /// Empty for standard error.
    pub file: PathBuf,
    pub file_mib: u64,
    /// So many of the files before it stay.
    pub keep: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Auto,
    Text,
    Json,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformSettings {
    pub name: String,
    pub adapter: Adapter,
    pub endpoint: String,
    pub jurisdiction_id: String,
    pub api_key_file: PathBuf,
    pub api_key: String,
    pub api_key_in: KeyIn,
    pub format: WireFormat,
    #[serde(deserialize_with = "span")]
    pub timeout: Duration,
    pub concurrency: usize,
    #[serde(deserialize_with = "span")]
    pub settle_after: Duration,
    #[serde(deserialize_with = "span")]
    pub list_lag: Duration,
    #[serde(deserialize_with = "span")]
    pub clock_skew: Duration,
    pub poll_batch: usize,
    pub file: PathBuf,
    pub ca_file: PathBuf,
    pub client_certificate_file: PathBuf,
    /// Empty, `environment`, or its address.
    pub proxy: String,
    #[serde(deserialize_with = "span")]
    pub feed_overlap: Duration,
    /// The zone of the platform's clock, whatever zone it writes; empty where what it writes holds.
    pub times: String,
    /// The character set of its answers, where they don't say it or say it wrongly.
    pub charset: String,
    /// Whether an Open311 platform has the service request updates extension.
    pub service_request_updates: bool,
    pub close_needs_answer: bool,
    pub folder: PathBuf,
    pub handoff_at: Time,
    pub messages: bool,
    pub photos: bool,
    pub media_url: String,
    /// 0: never.
    #[serde(deserialize_with = "span")]
    pub upgrade_after: Duration,
    pub review: Review,
    #[serde(deserialize_with = "span")]
    pub review_within: Duration,
    pub on_unknown: OnUnknown,
    /// 0: as many as it takes.
    pub rate_per_minute: u32,
    pub push: PushSettings,
    pub returns: ReturnsSettings,
    /// open311: codes of HTTP's that mean something of their own.
    pub http: HttpCodes,
    pub attributes: Vec<AttributeSettings>,
    pub services: BTreeMap<Category, String>,
    pub statuses: BTreeMap<String, PlatformStatus>,
}

/// An attribute that an Open311 service asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeSettings {
    pub code: String,
    /// A template, as in a rest platform's description.
    pub value: String,
}

impl std::fmt::Debug for PlatformSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlatformSettings")
            .field("name", &self.name)
            .field("adapter", &self.adapter)
            .field("endpoint", &shown_url(&self.endpoint))
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adapter {
    None,
    Open311,
    Rest,
    /// A portal for people: hand-offs as workbooks.
    Workbook,
}

impl Adapter {
    /// Whether it speaks with the platform itself.
    pub const fn is_by_wire(self) -> bool {
        matches!(self, Adapter::Open311 | Adapter::Rest)
    }
}

/// Who looks at an issue before it goes to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    None,
    /// 镇社会治理综合服务中心.
    Centre,
}

/// What carries an Open311 platform's API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyIn {
    /// What is submitted, as GeoReport v2 asks.
    Submissions,
    /// Questions too.
    Everywhere,
}

/// The two forms that GeoReport v2 speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireFormat {
    Json,
    Xml,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxSettings {
    #[serde(deserialize_with = "span")]
    pub lease: Duration,
    #[serde(deserialize_with = "span")]
    pub retry_first: Duration,
    #[serde(deserialize_with = "span")]
    pub retry_cap: Duration,
    #[serde(deserialize_with = "span")]
    pub stuck_after: Duration,
    pub breaker_failures: u32,
    #[serde(deserialize_with = "span")]
    pub breaker_pause: Duration,
}

/// What is handed in and handed out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportSettings {
    /// Templates of one's own.
    pub templates: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSettings {
    #[serde(deserialize_with = "span")]
    pub poll_every: Duration,
    pub sweep_at: Time,
    pub examine_at: Time,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("配置文件 {file} 读不出来：{why}")]
    Unreadable { file: String, why: &'static str },
    #[error(
        "配置文件 {file}：没有「{key}」这个配置项，是不是「{nearest}」？全部配置项见 config/zoufang.toml"
    )]
    UnknownKey { file: String, key: String, nearest: String },
    #[error("环境变量 {variable} 对应的配置项「{key}」不存在，是不是「{nearest}」？")]
    UnknownVariable { variable: String, key: String, nearest: String },
    #[error("配置不对：{0}")]
    Wrong(String),
    #[error("{key}：{file} 读不出来：{why}")]
    Secret { key: &'static str, file: String, why: &'static str },
    #[error("{key}：没有这个文件（这里写文件名，不写密钥本身）")]
    NoSecretFile { key: &'static str },
    #[error("{key}：文件是空的（{file}），请把密钥写进去，不用的话这一项留空")]
    EmptySecret { key: &'static str, file: String },
}

impl Settings {
    /// The defaults, with `file` over them and the environment over both.
    ///
    /// # Errors
    /// A key that doesn't exist is named with the nearest one that does; a value of the wrong form is
    /// named with its key.
    pub fn load(file: Option<&Path>) -> Result<Settings, SettingsError> {
        let written = match file {
            Some(file) => read_file(file)?,
            None => String::new(),
        };
        Settings::from_text(&written, &file.map(|f| f.display().to_string()).unwrap_or_default())
    }

    /// As [`Settings::load`], from the text of a file called `name`.
    pub fn from_text(written: &str, name: &str) -> Result<Settings, SettingsError> {
        let settings = reading::read(written, name, &Environment::read()?)?;
        settings.check()?;
        Ok(settings)
    }

    /// What the types can't say.
    fn check(&self) -> Result<(), SettingsError> {
        let wrong = |text: &str| Err(SettingsError::Wrong(text.to_owned()));
        if self.platform.adapter.is_by_wire() && !is_http(&self.platform.endpoint) {
            return wrong("platform.endpoint 要写平台的 http:// 或 https:// 地址");
        }
        if self.platform.concurrency == 0 {
            return wrong("platform.concurrency 至少为 1");
        }
        if self.platform.adapter == Adapter::Rest && self.platform.file.as_os_str().is_empty() {
            return wrong("platform.file 要写平台的描述文件，样例见 config/platforms/");
        }
        if self.platform.adapter == Adapter::Workbook
            && (self.platform.folder.as_os_str().is_empty()
                || self.platform.messages
                || self.platform.photos)
        {
            return wrong(
                "adapter = \"workbook\" 要写 platform.folder（交接单放在哪个文件夹），并且 platform.messages 和 platform.photos 都是 false",
            );
        }
        proxy(&self.platform.proxy, "platform.proxy")?;
        proxy(&self.notify.proxy, "notify.proxy")?;
        address::check(self)?;
        self.platform.charset()?;
        self.accounts.check()?;
        self.sign_in.check(&self.notify.public_url)?;
        self.http.check()?;
        if self.outbox.breaker_failures == 0 {
            return wrong("outbox.breaker_failures 至少为 1");
        }
        if self.platform.poll_batch == 0 {
            return wrong("platform.poll_batch 至少为 1");
        }
        self.backup.check()?;
        if self.outbox.lease < self.platform.timeout * 2 {
            return wrong(
                "outbox.lease 至少是 platform.timeout 的两倍，否则还在办的会被当作下落不明",
            );
        }
        self.notify.check()
    }
}

impl PlatformSettings {
    /// Certificates of our own for this platform.
    pub fn tls(&self) -> Result<Tls, SettingsError> {
        let read = |key: &str, file: &Path| -> Result<Option<Vec<u8>>, SettingsError> {
            if file.as_os_str().is_empty() {
                return Ok(None);
            }
            let wrong = |why: std::io::Error| {
                let why = of_system(why.kind());
                SettingsError::Wrong(format!("platform.{key}：{} 读不出来：{why}", file.display()))
            };
            std::fs::read(file).map(Some).map_err(wrong)
        };
        Ok(Tls {
            ca: read("ca_file", &self.ca_file)?,
            client_certificate: read("client_certificate_file", &self.client_certificate_file)?,
            proxy: proxy(&self.proxy, "platform.proxy")?,
        })
    }

    /// The secrets of the platform's calls and of uploads, where there are any.
    ///
    /// # Errors
    /// Where one can't be read or is easily guessed, or both are one.
    pub fn secrets(&self) -> Result<Secrets, SettingsError> {
        let secrets = secrets::both(&self.push, &self.returns)?;
        Ok(match self.adapter {
            Adapter::Workbook => secrets::of_workbooks(secrets),
            _ => secrets,
        })
    }

    /// The character set that its answers are read in.
    pub fn charset(&self) -> Result<Charset, SettingsError> {
        Charset::named(&self.charset)
            .map_err(|why| SettingsError::Wrong(format!("platform.charset：{why}")))
    }

    /// The API key, from the environment or its file; empty where there is none.
    pub fn key(&self) -> Result<String, SettingsError> {
        secret(&self.api_key, &self.api_key_file, "platform.api_key_file")
    }
}

/// Through which proxy, as the setting of that key says.
pub fn proxy(text: &str, key: &str) -> Result<Proxy, SettingsError> {
    match text {
        "" => Ok(Proxy::None),
        "environment" => Ok(Proxy::Environment),
        address if is_http(address) && reqwest::Url::parse(address).is_ok() => {
            Ok(Proxy::Address(address.to_owned()))
        }
        other => Err(SettingsError::Wrong(format!(
            "{key}：不能写「{}」，可以写：空（不用代理）、environment（照环境变量）、http:// 开头的代理地址",
            shown_url(other)
        ))),
    }
}

fn is_http(address: &str) -> bool {
    address.starts_with("http://") || address.starts_with("https://")
}

fn read_file(file: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(file).map_err(|why| SettingsError::Unreadable {
        file: file.display().to_string(),
        why: of_system(why.kind()),
    })
}

/// Reads 90s, 5m, 12h, 7d.
fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let wrong =
        || serde::de::Error::custom(format!("「{text}」不是时间长度，应写成 90s、5m、12h 或 7d"));
    let days = text.strip_suffix('d').and_then(|days| days.trim().parse::<u32>().ok());
    if let Some(days) = days {
        return Ok(Duration::from_secs(u64::from(days) * 86_400));
    }
    let span: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(span).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_annotated_file_is_the_defaults() {
        let settings = Settings::from_text("", "").unwrap();
        assert_eq!(settings.platform.settle_after, Duration::from_secs(300));
        assert_eq!(settings.platform.services.len(), Category::ALL.len());
    }

    #[test]
    fn a_wrong_key_is_named_with_the_nearest_right_one() {
        let error = Settings::from_text("[platform]\nendpiont = 'http://x'", "a.toml").unwrap_err();
        insta::assert_snapshot!(error, @"配置文件 a.toml：没有「platform.endpiont」这个配置项，是不是「platform.endpoint」？全部配置项见 config/zoufang.toml");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key() {
        let error =
            Settings::from_text("[outbox]\nlease = 'soon'", "a.toml").unwrap_err().to_string();
        assert!(error.contains("lease") && error.contains("soon"), "{error}");
        let error = Settings::from_text("[platform]\nadapter = 'open311'", "a.toml").unwrap_err();
        assert!(error.to_string().contains("platform.endpoint"));
    }
}
