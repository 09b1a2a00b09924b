//! The settings of the channels by which people are told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Time;
use serde::Deserialize;

use super::{SettingsError, is_http, secret, span};
use crate::db::{ChannelReach, Form};
use crate::delivery::OnUnknown;
use crate::domain::staff::AddressKind;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifySettings {
    pub channels: Vec<ChannelKind>,
    pub copies: Vec<ChannelKind>,
    pub from: Time,
    pub until: Time,
    pub templates: PathBuf,
    pub public_url: String,
    pub proxy: String,
    #[serde(deserialize_with = "span")]
    pub timeout: Duration,
    pub on_unknown: OnUnknown,
    pub webhook: WebhookSettings,
    pub wecom_robot: RobotSettings,
    pub wecom_app: WecomAppSettings,
    pub dingtalk_robot: RobotSettings,
    pub feishu_robot: RobotSettings,
    pub email: EmailSettings,
    pub sms: SmsSettings,
}

/// The ways to reach people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    Log,
    Webhook,
    WecomRobot,
    WecomApp,
    DingtalkRobot,
    FeishuRobot,
    Email,
    Sms,
}

impl ChannelKind {
    /// The lane that carries it.
    pub const fn lane(self) -> &'static str {
        match self {
            ChannelKind::Log => "log",
            ChannelKind::Webhook => "webhook",
            ChannelKind::WecomRobot => "wecom_robot",
            ChannelKind::WecomApp => "wecom_app",
            ChannelKind::DingtalkRobot => "dingtalk_robot",
            ChannelKind::FeishuRobot => "feishu_robot",
            ChannelKind::Email => "email",
            ChannelKind::Sms => "sms",
        }
    }

    /// Its table in the configuration.
    pub const fn key(self) -> &'static str {
        match self {
            ChannelKind::Log => "notify.channels",
            ChannelKind::Webhook => "notify.webhook",
            ChannelKind::WecomRobot => "notify.wecom_robot",
            ChannelKind::WecomApp => "notify.wecom_app",
            ChannelKind::DingtalkRobot => "notify.dingtalk_robot",
            ChannelKind::FeishuRobot => "notify.feishu_robot",
            ChannelKind::Email => "notify.email",
            ChannelKind::Sms => "notify.sms",
        }
    }

    /// The address without which it can't reach a person; a group's robot reaches whoever is in the group.
    pub const fn needs(self) -> Option<AddressKind> {
        match self {
            ChannelKind::WecomApp => Some(AddressKind::WeCom),
            ChannelKind::Email => Some(AddressKind::Email),
            ChannelKind::Sms => Some(AddressKind::Phone),
            _ => None,
        }
    }

    const fn form(self) -> Form {
        match self {
            ChannelKind::Email => Form::Mail,
            ChannelKind::Sms => Form::Short,
            ChannelKind::WecomRobot
            | ChannelKind::DingtalkRobot
            | ChannelKind::FeishuRobot
            | ChannelKind::Log => Form::Group,
            ChannelKind::WecomApp | ChannelKind::Webhook => Form::Text,
        }
    }
}

impl NotifySettings {
    /// Every channel, the preferred ones first.
    pub fn all(&self) -> impl Iterator<Item = ChannelKind> {
        self.channels.iter().chain(&self.copies).copied()
    }

    /// Whom they reach.
    pub fn reach(&self) -> Vec<ChannelReach> {
        let reach = |copy| {
            move |kind: &ChannelKind| ChannelReach {
                lane: kind.lane().to_owned(),
                needs: kind.needs(),
                copy,
                form: kind.form(),
            }
        };
        let preferred = self.channels.iter().map(reach(false));
        preferred.chain(self.copies.iter().map(reach(true))).collect()
    }

    /// What the types can't say.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let wrong = |text: &str| Err(SettingsError::Wrong(text.to_owned()));
        if self.until <= self.from {
            return wrong("notify.until 要晚于 notify.from");
        }
        if let Some(twice) = self.copies.iter().find(|copy| self.channels.contains(copy)) {
            let lane = twice.lane();
            return wrong(&format!(
                "{lane} 在 notify.channels 和 notify.copies 里都有，只能写一处"
            ));
        }
        if !self.public_url.is_empty() && !is_http(&self.public_url) {
            return wrong("notify.public_url 要写 http:// 或 https:// 地址，或留空");
        }
        for kind in self.all() {
            self.check_channel(kind)?;
        }
        Ok(())
    }

    fn check_channel(&self, kind: ChannelKind) -> Result<(), SettingsError> {
        let lane = kind.lane();
        let lacks = |what: &str| {
            let text = format!("notify.{lane}.{what}，或从 notify.channels 里去掉 {lane}");
            Err(SettingsError::Wrong(text))
        };
        let robot =
            |robot: &RobotSettings| robot.url.is_empty() && robot.url_file.as_os_str().is_empty();
        match kind {
            ChannelKind::Webhook if !is_http(&self.webhook.url) => {
                lacks("url 要写 http:// 或 https:// 地址")
            }
            ChannelKind::Webhook if self.webhook.concurrency == 0 => lacks("concurrency 至少为 1"),
            ChannelKind::WecomRobot if robot(&self.wecom_robot) => {
                lacks("url_file 要写机器人地址的文件")
            }
            ChannelKind::DingtalkRobot if robot(&self.dingtalk_robot) => {
                lacks("url_file 要写机器人地址的文件")
            }
            ChannelKind::FeishuRobot if robot(&self.feishu_robot) => {
                lacks("url_file 要写机器人地址的文件")
            }
            ChannelKind::WecomApp if self.wecom_app.corp_id.is_empty() => {
                lacks("corp_id 要写企业 ID")
            }
            ChannelKind::Email if self.email.host.is_empty() || self.email.from.is_empty() => {
                lacks("host 和 from 要写邮件服务器和发件人")
            }
            ChannelKind::Sms if self.sms.file.as_os_str().is_empty() => {
                lacks("file 要写短信网关的描述文件，样例见 config/sms/gateway.toml")
            }
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    pub url: String,
    pub secret_file: PathBuf,
    pub secret: String,
    pub concurrency: usize,
    /// 0: as many as it takes.
    pub rate_per_minute: u32,
}

/// A group's robot. Whoever has its address can write to the group: it's a secret.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RobotSettings {
    pub url_file: PathBuf,
    pub url: String,
    /// What it signs with, where the vendor has that.
    #[serde(default)]
    pub secret_file: PathBuf,
    #[serde(default)]
    pub secret: String,
    pub rate_per_minute: u32,
}

impl RobotSettings {
    /// Its address and secret; the secret is empty where it has none. `key` names the settings.
    pub fn open(&self, key: &'static str) -> Result<(String, String), SettingsError> {
        let url = secret(&self.url, &self.url_file, key)?;
        if !is_http(&url) {
            let text = format!("{key}：机器人地址要以 http:// 或 https:// 开头");
            return Err(SettingsError::Wrong(text));
        }
        Ok((url, secret(&self.secret, &self.secret_file, key)?))
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WecomAppSettings {
    pub endpoint: String,
    pub corp_id: String,
    pub agent_id: i64,
    pub secret_file: PathBuf,
    pub secret: String,
    pub rate_per_minute: u32,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailSettings {
    pub host: String,
    pub port: u16,
    pub tls: EmailTls,
    pub from: String,
    pub reply_to: String,
    pub user: String,
    pub password_file: PathBuf,
    pub password: String,
    pub ca_file: PathBuf,
    pub rate_per_minute: u32,
}

/// How the connection to the mail server is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailTls {
    /// From the first byte (RFC 8314), port 465.
    Implicit,
    /// STARTTLS, and not without it (RFC 3207), port 587.
    Starttls,
    /// None: for a server on this machine.
    None,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsSettings {
    pub file: PathBuf,
    pub secret_file: PathBuf,
    pub secret: String,
    pub rate_per_minute: u32,
}

/// A channel's secret, as it was given or from its file.
pub fn channel_secret(
    given: &str,
    file: &Path,
    key: &'static str,
) -> Result<String, SettingsError> {
    secret(given, file, key)
}

/// These hold secrets: they are never printed.
macro_rules! unprinted {
    ($($name:ident),+) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })+
    };
}
unprinted!(WebhookSettings, RobotSettings, WecomAppSettings, EmailSettings, SmsSettings);
