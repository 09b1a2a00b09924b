//! `zoufang check`: everything that the service would need, before it's needed. Changes nothing.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::{ConfigFile, shown};
use crate::clock::{Chance, Clock};
use crate::daemon::{load_campaign, load_workdays, open_channel, platform};
use crate::db::Store;
use crate::delivery::http::{Tls, ask, client};
use crate::notify::Messages;
use crate::seal::Sealer;
use crate::settings::channels::ChannelKind;
use crate::settings::{Adapter, Settings};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
}

/// One line: a key, and what is well or wrong with it.
type Finding = (&'static str, Result<String, String>);

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let name =
        arguments.config.config.as_deref().map_or_else(|| "（内置默认值）".to_owned(), shown);
    let settings = match arguments.config.settings() {
        Ok(settings) => settings,
        Err(error) => {
            say!("✗ 配置文件 {name}：{error}");
            return Ok(ExitCode::from(2));
        }
    };
    say!("✓ 配置文件 {name}：看得懂");
    let mut wrong = 0;
    for (key, finding) in findings(&settings).await {
        match finding {
            Ok(well) => say!("✓ {key}：{well}"),
            Err(error) => {
                wrong += 1;
                say!("✗ {key}：{error}");
            }
        }
    }
    if wrong > 0 {
        say!("有 {wrong} 处要改");
        return Ok(ExitCode::from(2));
    }
    Ok(ExitCode::SUCCESS)
}

async fn findings(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![
        ("campaign.file", plan(settings)),
        ("campaign.calendar_file", calendar(settings)),
        ("privacy.key_file", key_file(&settings.privacy.key_file)),
        (
            "database.url",
            Store::probe(&settings.database.url).await.map_err(|error| error.to_string()),
        ),
        ("http.listen", listen(&settings.http.listen).await),
    ];
    findings.extend(platform_findings(settings).await);
    if settings.notify.channels.is_empty() {
        findings.push((
            "notify.channels",
            Err("一个通道也没有，谁都收不到提醒；至少写 [\"log\"]".to_owned()),
        ));
    }
    findings.push(("notify.templates", templates(settings)));
    for kind in settings.notify.all().filter(|kind| *kind != ChannelKind::Log) {
        findings.push((kind.key(), channel(kind, settings)));
    }
    if settings.notify.all().any(|kind| kind == ChannelKind::Webhook) {
        findings.push(("notify.webhook.url", reach(&settings.notify.webhook.url).await));
    }
    findings
}

fn templates(settings: &Settings) -> Result<String, String> {
    Messages::read(&settings.notify.templates).map_err(|error| error.to_string())?;
    Ok("消息模板可用".to_owned())
}

/// Whether it can be put together: its secrets are there, its description reads.
fn channel(kind: ChannelKind, settings: &Settings) -> Result<String, String> {
    open_channel(kind, settings, &Clock::system()).map_err(|error| error.to_string())?;
    let lane = kind.lane();
    Ok(format!("配置齐全；用 zoufang notify test {lane} --to 人员编号 试发一条"))
}

fn plan(settings: &Settings) -> Result<String, String> {
    let campaign = load_campaign(&settings.campaign.file).map_err(|error| error.to_string())?;
    Ok(format!("{}，{} 个阶段", campaign.name, campaign.phases.len()))
}

fn calendar(settings: &Settings) -> Result<String, String> {
    let workdays =
        load_workdays(&settings.campaign.calendar_file).map_err(|error| error.to_string())?;
    let campaign = load_campaign(&settings.campaign.file).map_err(|error| error.to_string())?;
    match campaign.phases.iter().find(|phase| !workdays.knows(phase.ends_on)) {
        Some(phase) => {
            Err(format!("没有 {} 年的节假日，将按周末计算；请补一份日历文件", phase.ends_on.year()))
        }
        None => Ok("有活动期间各年的节假日和调休".to_owned()),
    }
}

fn key_file(file: &Path) -> Result<String, String> {
    let sealer = Sealer::from_file(file).map_err(|error| error.to_string())?;
    Ok(format!("密钥可用（指纹 {}），请确认另存了一份", sealer.fingerprint()))
}

async fn listen(address: &str) -> Result<String, String> {
    match TcpListener::bind(address).await {
        Ok(_) => Ok(format!("{address} 可以监听")),
        Err(why) if why.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(format!("{address} 已被占用：如果服务正在运行，这是正常的"))
        }
        Err(why) => Err(format!("{address} 不能监听（{why}）；应写成 127.0.0.1:8380 的样子")),
    }
}

async fn platform_findings(settings: &Settings) -> Vec<Finding> {
    let platform = match platform(settings, &Clock::system(), &Chance::system()) {
        Ok(Some(platform)) => platform,
        Ok(None) if settings.platform.adapter == Adapter::Workbook => {
            return vec![("platform.folder", check_folder(&settings.platform.folder))];
        }
        Ok(None) => {
            return vec![("platform.adapter", Ok("没有配置平台：要上报的问题会先存着".to_owned()))];
        }
        Err(error) => return vec![(platform_key(settings), Err(error.to_string()))],
    };
    match platform.service_gaps().await {
        Err(none) => {
            let endpoint = &settings.platform.endpoint;
            vec![(
                "platform.endpoint",
                Err(format!(
                    "{endpoint} 的服务清单取不到（{none}）；请核对地址、jurisdiction_id 和 api_key"
                )),
            )]
        }
        Ok(gaps) if gaps.is_empty() => {
            vec![(
                "platform.endpoint",
                Ok(format!("{} 有回答，服务代码都在", settings.platform.endpoint)),
            )]
        }
        Ok(gaps) => {
            gaps.into_iter().map(|gap| ("platform.services", Err(gap.to_string()))).collect()
        }
    }
}

/// Whether a hand-off could be written: by writing and removing a file.
fn check_folder(folder: &Path) -> Result<String, String> {
    let probe = folder.join(".zoufang-check");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, "").and_then(|()| std::fs::remove_file(&probe)))
        .map(|()| format!("上报交接单放在 {}", folder.display()))
        .map_err(|why| {
            format!("{} 写不进去（{why}）；请换一个文件夹，或改它的权限", folder.display())
        })
}

/// Where a platform that can't be put together has its fault.
fn platform_key(settings: &Settings) -> &'static str {
    match settings.platform.adapter {
        Adapter::Rest => "platform.file",
        Adapter::None | Adapter::Open311 | Adapter::Workbook => "platform.api_key_file",
    }
}

/// Any answer shows that somebody is there.
async fn reach(url: &str) -> Result<String, String> {
    let client =
        client(Duration::from_secs(10), &Tls::default()).map_err(|error| error.to_string())?;
    match ask(client.head(url)).await {
        Ok(answer) => Ok(format!("{url} 有回答（HTTP {}）", answer.status.as_u16())),
        Err(none) => Err(format!("{url} 连不上（{}）；请核对地址和网络", none.reason)),
    }
}
