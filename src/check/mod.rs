//! Everything that the service would need, before it's needed: `zoufang check`. Asks, and changes nothing.
//!
//! Knows configuration, the daemon's way of putting it together, and what answers; knows nothing of how findings are shown.

mod backup;
mod http;
mod platform;
mod secrets;
mod sign_in;
mod township;
mod wire;

use std::time::Duration;

use crate::clock::Clock;
use crate::daemon::{load_campaign, load_workdays, open_channel};
use crate::db::Store;
use crate::delivery::http::{Tls, ask, client};
use crate::domain::reason::in_words;
use crate::domain::township::{without_holidays, years_without_holidays};
use crate::notify::Messages;
use crate::platform::Remark;
use crate::settings::channels::ChannelKind;
use crate::settings::{Settings, proxy, shown_url};

/// What is well or wrong with a key.
fn finding(key: &str, result: Result<String, String>) -> Remark {
    match result {
        Ok(text) => Remark::well(key, text),
        Err(text) => Remark::wrong(key, text),
    }
}

pub use township::coming;

const CALENDAR: &str = "campaign.calendar_file";

/// What is found, each by its key.
pub async fn findings(settings: &Settings) -> Vec<Remark> {
    let looked = Store::look(&settings.database.url).await;
    let of_township = township::findings(settings, &looked).await;
    // Of a plan that isn't in effect yet it's said there.
    let is_coming = of_township.iter().any(|remark| remark.key == CALENDAR);
    let mut findings = vec![finding("campaign.file", plan(settings))];
    findings.extend((!is_coming).then(|| finding(CALENDAR, calendar(settings))));
    findings
        .extend([township::key(settings, &looked).await, township::database(settings, &looked)]);
    findings.extend(http::findings(settings).await);
    findings.extend(backup::findings(settings).await);
    findings.extend(of_township);
    findings.extend(report_templates(settings));
    findings.extend(platform::findings(settings).await);
    findings.extend(channels(settings).await);
    findings.extend(sign_in::findings(settings).await);
    findings.extend(secrets::findings(settings));
    findings.extend(wire::findings(settings).await);
    findings
}

/// The ways to reach people.
async fn channels(settings: &Settings) -> Vec<Remark> {
    let notify = &settings.notify;
    let mut findings = Vec::new();
    if notify.channels.is_empty() {
        let text = "一个通道也没有，谁都收不到提醒；至少写 [\"log\"]";
        findings.push(Remark::wrong("notify.channels", text));
    }
    if !notify.channels.is_empty() && notify.all().all(|kind| kind == ChannelKind::Log) {
        let text = "只有日志一个通道：提醒只记在日志里，谁也收不到。正式用以前请配置短信、企业微信、钉钉、飞书或邮件";
        findings.push(Remark::doubtful("notify.channels", text));
    }
    findings.push(finding("notify.templates", templates(settings)));
    for kind in notify.all().filter(|kind| *kind != ChannelKind::Log) {
        findings.push(finding(kind.key(), channel(kind, settings)));
    }
    if notify.all().any(|kind| kind == ChannelKind::Webhook) {
        findings.push(finding("notify.webhook.url", reach(&notify.webhook.url, settings).await));
    }
    findings
}

fn templates(settings: &Settings) -> Result<String, String> {
    Messages::read(&settings.notify.templates).map_err(|error| error.to_string())?;
    Ok("消息模板可用".to_owned())
}

/// The templates of what is handed in and printed: each that can't be filled in.
fn report_templates(settings: &Settings) -> Vec<Remark> {
    const KEY: &str = "reports.templates";
    let flaws = match crate::reports::Templates::read(&settings.reports.templates) {
        Ok(templates) => crate::reports::flaws(&templates),
        Err(error) => vec![error],
    };
    if flaws.is_empty() {
        return vec![Remark::well(KEY, "上报和印制的模板可用")];
    }
    flaws.iter().map(|flaw| Remark::wrong(KEY, flaw.to_string())).collect()
}

/// Whether it can be put together: its secrets are there, its description reads.
fn channel(kind: ChannelKind, settings: &Settings) -> Result<String, String> {
    open_channel(kind, settings, &Clock::system()).map_err(|error| error.to_string())?;
    let lane = kind.lane();
    Ok(format!("配置齐全；用 zoufang notify test {lane} --to 人员编号 --by 人员编号 试发一条"))
}

fn plan(settings: &Settings) -> Result<String, String> {
    let campaign = load_campaign(&settings.campaign.file).map_err(|error| error.to_string())?;
    Ok(format!("{}，{} 个阶段", campaign.name, campaign.phases.len()))
}

fn calendar(settings: &Settings) -> Result<String, String> {
    let workdays =
        load_workdays(&settings.campaign.calendar_file).map_err(|error| error.to_string())?;
    let campaign = load_campaign(&settings.campaign.file).map_err(|error| error.to_string())?;
    match years_without_holidays(&campaign, &workdays).as_slice() {
        [] => Ok("有活动期间各年的节假日和调休".to_owned()),
        years => Err(without_holidays(years)),
    }
}

/// Any answer shows that somebody is there.
async fn reach(url: &str, settings: &Settings) -> Result<String, String> {
    let proxy = proxy(&settings.notify.proxy, "notify.proxy").map_err(|error| error.to_string())?;
    let tls = Tls { proxy, ..Tls::default() };
    let client = client(Duration::from_secs(10), &tls).map_err(|error| error.to_string())?;
    let shown = shown_url(url);
    match ask(client.head(url)).await {
        Ok(answer) => Ok(format!("{shown} 有回答（HTTP {}）", answer.status.as_u16())),
        Err(none) => {
            Err(format!("{shown} 没有回答（{}）；请核对地址和网络", in_words(&none.reason).said))
        }
    }
}
