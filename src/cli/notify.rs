//! `zoufang notify`: what will be sent, a trial of a channel, who can't be reached.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::{ConfigFile, wrong_input};
use crate::clock::{Chance, Clock};
use crate::daemon::{open_channel, open_store, reminder_rules};
use crate::db::{Notice, Store};
use crate::delivery::Outcome;
use crate::domain::staff::AddressKind;
use crate::notify::preview;
use crate::settings::Settings;
use crate::settings::channels::ChannelKind;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 预览某一天要发的提醒（默认下一个工作日），不真的发
    Preview {
        /// 哪一天，如 2022-03-28
        #[arg(long)]
        on: Option<Date>,
        /// 只看这位人员（编号）的
        #[arg(long)]
        to: Option<String>,
    },
    /// 通过一个通道给一位人员发一条测试消息
    Test {
        /// 通道，如 wecom_app、email
        channel: String,
        /// 人员编号
        #[arg(long)]
        to: String,
    },
    /// 列出哪些人哪个通道找不到，以及没有任何通道的人
    Unreachable,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let store = open_store(&settings, Clock::system(), Chance::system()).await?;
    match arguments.action {
        Action::Preview { on, to } => show(&settings, &store, on, to.as_deref()).await,
        Action::Test { channel, to } => test(&settings, &store, &channel, &to).await,
        Action::Unreachable => unreachable(&store).await,
    }
}

async fn show(
    settings: &Settings,
    store: &Store,
    on: Option<Date>,
    to: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let context = store.context();
    let tomorrow = context.clock.today().tomorrow().context("no day after today")?;
    let day = on.unwrap_or_else(|| context.workdays.on_or_after(tomorrow));
    let staff = store.staff().await?;
    let notices = preview(store, &reminder_rules(settings)?, day).await?;
    let mut shown = 0;
    for notice in &notices {
        let person = staff.iter().find(|person| person.id == notice.staff_id);
        let (number, name) = person.map_or(("", ""), |p| (&p.number, &p.name));
        if to.is_some_and(|to| to != number) {
            continue;
        }
        shown += 1;
        say!("— {name}（{number}），经 {}\n{}\n{}\n", notice.channel, notice.title, notice.body);
    }
    say!("{day}：共 {shown} 条");
    Ok(ExitCode::SUCCESS)
}

async fn test(
    settings: &Settings,
    store: &Store,
    channel: &str,
    to: &str,
) -> anyhow::Result<ExitCode> {
    let Some(kind) = settings.notify.all().find(|kind| kind.lane() == channel) else {
        let all: Vec<&str> = settings.notify.all().map(ChannelKind::lane).collect();
        let text = format!("没有配置通道「{channel}」；notify.channels 里有：{}", all.join("、"));
        return Err(wrong_input(text));
    };
    let way = open_channel(kind, settings, &store.context().clock)?;
    let addresses = store.addresses(to).await.map_err(wrong_input)?;
    let staff = store.staff().await?;
    let name = staff.iter().find(|person| person.number == to).map(|person| person.name.clone());
    let title = "【走访】测试消息".to_owned();
    let body = "这是走访系统的测试消息，收到即说明通道可用，不用回复。".to_owned();
    let html = (kind == ChannelKind::Email).then(|| format!("<p>{body}</p>"));
    let context = store.context();
    let notice = Notice {
        id: context.id(),
        on_date: context.clock.today().to_string(),
        staff_number: to.to_owned(),
        staff_name: name.unwrap_or_default(),
        title,
        body,
        html,
        addresses,
    };
    match way.send(&notice).await {
        Outcome::Delivered(_) => {
            say!("{channel}：已发给 {to}");
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Refused { reason } => failed(channel, "对方不收", &reason),
        Outcome::NotSent { reason, .. } => failed(channel, "没有发出", &reason),
        Outcome::Unknown { reason } | Outcome::Errored { reason } => {
            failed(channel, "不知道是否送达", &reason)
        }
    }
}

fn failed(channel: &str, what: &str, reason: &str) -> anyhow::Result<ExitCode> {
    eprintln!("{channel}：{what}（{reason}）");
    Ok(ExitCode::FAILURE)
}

async fn unreachable(store: &Store) -> anyhow::Result<ExitCode> {
    let dead = store.unreachable().await?;
    for person in &dead {
        say!(
            "{}（{}）：{} 找不到（{}）",
            person.staff_name,
            person.staff_number,
            person.channel,
            person.reason
        );
    }
    let none = store.without_channel().await?;
    for person in &none {
        let has: Vec<&str> =
            person.addresses.iter().map(|kind: &AddressKind| kind.chinese()).collect();
        let has = if has.is_empty() {
            "没有任何联系方式".to_owned()
        } else {
            format!("只有{}", has.join("、"))
        };
        say!("{}（{}）：没有可用的通道，{has}；提醒转给代办人或上一级", person.name, person.number);
    }
    say!("共 {} 条", dead.len() + none.len());
    Ok(ExitCode::SUCCESS)
}
