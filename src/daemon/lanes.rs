//! The lanes: each receiver's part of the outbox, with its own limits.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::deliveries::Deliveries;
use crate::clock::Clock;
use crate::db::Store;
use crate::delivery::http::{Tls, client};
use crate::delivery::{Lane, LaneRules, OnUnknown, Transport};
use crate::domain::workdays::WorkingTime;
use crate::notify::{
    Channel, ChannelTransport, DingtalkRobot, EmailChannel, FeishuRobot, LogChannel, SmsChannel,
    WebhookChannel, WecomApp, WecomRobot,
};
use crate::platform::{Absence, Platform, PlatformTransport};
use crate::settings::channels::{ChannelKind, channel_secret};
use crate::settings::{PlatformSettings, PushSettings, Settings, SettingsError, proxy};

/// The platform's lane, and by which it's told of an absence.
pub(super) fn platform(
    settings: &Settings,
    store: &Store,
    platform: &Arc<dyn Platform>,
    shutdown: &CancellationToken,
) -> (Arc<Lane>, Absence) {
    let PlatformSettings {
        concurrency,
        rate_per_minute,
        settle_after,
        on_unknown,
        clock_skew,
        list_lag,
        ..
    } = settings.platform;
    let transport =
        PlatformTransport::new(store.clone(), Arc::clone(platform), clock_skew, list_lag);
    let rules =
        LaneRules { settle_after, ..rules(settings, concurrency, rate_per_minute, on_unknown) };
    let absence = transport.absence();
    (lane(&settings.platform.name, store, Arc::new(transport), rules, shutdown), absence)
}

/// Where what a channel carries really goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    People,
    /// Into the log, whatever the channel: a rehearsal disturbs nobody.
    Log,
}

/// The lane of a channel to people: it rests outside of working hours.
pub(super) fn channel(
    kind: ChannelKind,
    to: To,
    settings: &Settings,
    store: &Store,
    shutdown: &CancellationToken,
) -> Result<Arc<Lane>, SettingsError> {
    let context = store.context();
    let notify = &settings.notify;
    let hours =
        WorkingTime { workdays: context.workdays.clone(), from: notify.from, until: notify.until };
    // A log disturbs nobody.
    let hours = (kind != ChannelKind::Log).then_some(hours);
    let (concurrency, rate) = match kind {
        ChannelKind::Log => (1, 0),
        ChannelKind::Webhook => (notify.webhook.concurrency, notify.webhook.rate_per_minute),
        ChannelKind::WecomRobot => (1, notify.wecom_robot.rate_per_minute),
        ChannelKind::DingtalkRobot => (1, notify.dingtalk_robot.rate_per_minute),
        ChannelKind::FeishuRobot => (1, notify.feishu_robot.rate_per_minute),
        ChannelKind::WecomApp => (4, notify.wecom_app.rate_per_minute),
        ChannelKind::Email => (2, notify.email.rate_per_minute),
        ChannelKind::Sms => (2, notify.sms.rate_per_minute),
    };
    let (rate, channel) = match to {
        To::People => (rate, open(kind, settings, &context.clock)?),
        To::Log => (0, Arc::new(LogChannel) as Arc<dyn Channel>),
    };
    let rules = LaneRules { hours, ..rules(settings, concurrency, rate, notify.on_unknown) };
    let transport = ChannelTransport::new(store.clone(), channel);
    Ok(lane(kind.lane(), store, Arc::new(transport), rules, shutdown))
}

/// A channel by configuration.
///
/// # Errors
/// Where a secret or a file can't be read.
pub fn open(
    kind: ChannelKind,
    settings: &Settings,
    clock: &Clock,
) -> Result<Arc<dyn Channel>, SettingsError> {
    let clock = clock.clone();
    let notify = &settings.notify;
    let tls = Tls { proxy: proxy(&notify.proxy, "notify.proxy")?, ..Tls::default() };
    let client =
        client(notify.timeout, &tls).map_err(|error| SettingsError::Wrong(error.to_string()))?;
    Ok(match kind {
        ChannelKind::Log => Arc::new(LogChannel),
        ChannelKind::Webhook => {
            let webhook = &notify.webhook;
            let key = "notify.webhook.secret_file";
            let secret = channel_secret(&webhook.secret, &webhook.secret_file, key)?;
            let secret = PushSettings::bytes(&secret)?;
            Arc::new(WebhookChannel::new(clock, client, webhook.url.clone(), secret))
        }
        ChannelKind::WecomRobot => {
            let (url, _) = notify.wecom_robot.open("notify.wecom_robot.url_file")?;
            Arc::new(WecomRobot::new(client, url))
        }
        ChannelKind::DingtalkRobot => {
            let (url, secret) = notify.dingtalk_robot.open("notify.dingtalk_robot.url_file")?;
            Arc::new(DingtalkRobot::new(clock, client, url, secret))
        }
        ChannelKind::FeishuRobot => {
            let (url, secret) = notify.feishu_robot.open("notify.feishu_robot.url_file")?;
            Arc::new(FeishuRobot::new(clock, client, url, secret))
        }
        ChannelKind::WecomApp => {
            let app = &notify.wecom_app;
            let key = "notify.wecom_app.secret_file";
            let secret = channel_secret(&app.secret, &app.secret_file, key)?;
            let (corp_id, agent_id) = (app.corp_id.clone(), app.agent_id);
            Arc::new(WecomApp::new(clock, client, &app.endpoint, corp_id, agent_id, secret))
        }
        ChannelKind::Email => Arc::new(EmailChannel::new(&notify.email, notify.timeout)?),
        ChannelKind::Sms => {
            let sms = &notify.sms;
            let secret = channel_secret(&sms.secret, &sms.secret_file, "notify.sms.secret_file")?;
            Arc::new(SmsChannel::new(clock, client, &sms.file, secret)?)
        }
    })
}

/// The outbox's rules, with a receiver's own limits.
fn rules(
    settings: &Settings,
    concurrency: usize,
    rate_per_minute: u32,
    on_unknown: OnUnknown,
) -> LaneRules {
    let outbox = &settings.outbox;
    LaneRules {
        concurrency,
        lease: outbox.lease,
        settle_after: Duration::ZERO,
        retry_first: outbox.retry_first,
        retry_cap: outbox.retry_cap,
        rate_per_minute: (rate_per_minute > 0).then_some(rate_per_minute),
        breaker_failures: outbox.breaker_failures,
        breaker_pause: outbox.breaker_pause,
        on_unknown,
        prove_within: outbox.stuck_after,
        hours: None,
        recheck_after: RECHECK_AFTER,
    }
}

/// What was read longer ago than this is asked about again before it's sent.
const RECHECK_AFTER: Duration = Duration::from_millis(200);

fn lane(
    name: &str,
    store: &Store,
    transport: Arc<dyn Transport>,
    rules: LaneRules,
    shutdown: &CancellationToken,
) -> Arc<Lane> {
    let outbox = Arc::new(Deliveries::new(store.clone()));
    let with = (store.context().clock.clone(), store.context().chance.clone());
    Arc::new(Lane::new(name, outbox, transport, with, rules, shutdown.clone()))
}
