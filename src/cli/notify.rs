//! `zoufang notify`: what will be sent, a trial of a channel, who can't be reached.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::json;

use super::record::ConfigFile;
use super::table::Table;
use super::{Approval, acting, noted, read_date, refused, wrong_input};
use crate::app::links::{give, revoke};
use crate::app::vacant::vacant;
use crate::daemon::{open_channel, reminder_rules};
use crate::db::{DeadAddress, LINK_DAYS, NewNotice, Notice, Store};
use crate::delivery::Outcome;
use crate::domain::campaign::{Campaign, PhaseName};
use crate::domain::reason::in_words;
use crate::domain::rights::Right;
use crate::domain::staff::AddressKind;
use crate::notify::{digest_link, preview};
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
        #[arg(long, value_parser = read_date)]
        on: Option<Date>,
        /// 只看这位人员（编号）的
        #[arg(long)]
        to: Option<String>,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 通过一个通道给一位人员发一条测试消息（记入审计）
    Test {
        /// 通道，如 wecom_app、email
        channel: String,
        /// 人员编号
        #[arg(long)]
        to: String,
        /// 经办人编号
        #[arg(long)]
        by: Option<String>,
    },
    /// 给一位人员一个新的本人链接（看最近一次提醒的详情、签收）；经手转交的，签收时要再填身份
    Link {
        /// 人员编号
        #[arg(long)]
        to: String,
        /// 经手人（记入审计）
        #[arg(long)]
        by: String,
    },
    /// 作废一位人员手里所有的链接（手机丢了、发错了人；记入审计）
    Revoke {
        /// 人员编号
        #[arg(long)]
        to: String,
        #[command(flatten)]
        approval: Approval,
    },
    /// 列出哪些人哪个通道找不到，以及没有任何通道的人
    Unreachable {
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let store = arguments.config.open(&settings).await?;
    match arguments.action {
        Action::Preview { on, to, json } => {
            let to = match to {
                Some(to) => Some(super::person(&store, &to).await?.number),
                None => None,
            };
            show(&settings, &store, on, to.as_deref(), json).await
        }
        Action::Test { channel, to, by } => {
            test(&settings, &store, &channel, (&to, by.as_deref())).await
        }
        Action::Link { to, by } => give_link(&settings, &store, &to, &by).await,
        Action::Revoke { to, approval } => {
            let person = super::person(&store, &to).await?;
            let mut tx = store.begin().await?;
            let (by, reason) = approval.given(&mut tx, Right::Absence, None).await?;
            let revoked = revoke(&mut tx, &person, &by.number, reason).await?;
            tx.commit().await?;
            say!("{}：{revoked} 个链接已作废", person.name);
            Ok(ExitCode::SUCCESS)
        }
        Action::Unreachable { json } => unreachable(&store, json).await,
    }
}

async fn show(
    settings: &Settings,
    store: &Store,
    on: Option<Date>,
    to: Option<&str>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let context = store.context();
    let tomorrow = context.clock.today().tomorrow().context("日历到头了")?;
    let asked = on.unwrap_or(tomorrow);
    let day = context.workdays.on_or_after(asked);
    let staff = store.staff().await?;
    let notices = preview(store, &reminder_rules(settings)?, day).await?;
    let who = |notice: &NewNotice| {
        let person = staff.iter().find(|person| person.id == notice.staff_id);
        person.map_or(("", ""), |person| (person.number.as_str(), person.name.as_str()))
    };
    let shown = notices.iter().filter(|notice| to.is_none_or(|to| to == who(notice).0));
    if json {
        let mut table = Table::new(["日期", "人员编号", "姓名", "通道", "标题", "内容"], true)?;
        for notice in shown {
            let (on, (number, name)) = (day.to_string(), who(notice));
            table.row([&on, number, name, &notice.channel, &notice.title, &notice.body])?;
        }
        table.end()?;
        return Ok(ExitCode::SUCCESS);
    }
    if on.is_some_and(|on| on != day) {
        say!("{asked} 是休息日，不发提醒；下一个工作日 {day} 要发的是：");
    }
    let mut count = 0;
    for notice in shown {
        let (number, name) = who(notice);
        count += 1;
        say!("— {name}（{number}），经 {}\n{}\n{}\n", notice.channel, notice.title, notice.body);
    }
    say!("{day}：共 {count} 条");
    if count == 0 {
        say!("{}", why_nothing(&store.campaign(), day));
    }
    Ok(ExitCode::SUCCESS)
}

/// Why nobody would hear anything on a day.
fn why_nothing(plan: &Campaign, day: Date) -> String {
    let (from, until) = (plan.starts_on(), plan.ends_on(PhaseName::Feedback));
    if day < from || day > until {
        let other = "要看活动期间的某一天，请加 --on 日期";
        return format!("方案「{}」的活动期间是 {from} 至 {until}：{other}", plan.name);
    }
    "这一天没有到期要提醒的任务，或要提醒的人当天已经收到；全部任务用 zoufang duties 查看"
        .to_owned()
}

async fn give_link(
    settings: &Settings,
    store: &Store,
    to: &str,
    by: &str,
) -> anyhow::Result<ExitCode> {
    let public_url = &settings.notify.public_url;
    if public_url.is_empty() {
        return Err(wrong_input("notify.public_url 还没有设：人员打不开本机的页面"));
    }
    let person = super::person(store, to).await?;
    let mut tx = store.begin().await?;
    let by = acting(&mut tx, by, Right::Reveal, None).await?;
    let link = give(&mut tx, &person, &by.number).await.map_err(refused)?;
    tx.commit().await?;
    say!("{}", digest_link(public_url, &link.token));
    say!("只交给本人；用过一次，或过 {LINK_DAYS} 天，就不再有效");
    Ok(ExitCode::SUCCESS)
}

async fn test(
    settings: &Settings,
    store: &Store,
    channel: &str,
    (to, by): (&str, Option<&str>),
) -> anyhow::Result<ExitCode> {
    let Some(kind) = settings.notify.all().find(|kind| kind.lane() == channel) else {
        let all: Vec<&str> = settings.notify.all().map(ChannelKind::lane).collect();
        let text = format!("没有配置通道「{channel}」；notify.channels 里有：{}", all.join("、"));
        return Err(wrong_input(text));
    };
    let way = open_channel(kind, settings, &store.context().clock)?;
    let person = super::person(store, to).await?;
    let tried = ("test_channel", person.number.as_str(), json!({ "channel": channel }));
    noted(store, by, (Right::Operate, None), tried).await?;
    let addresses = store.addresses(&person.number).await?;
    let title = "【走访】测试消息".to_owned();
    let body = "这是走访系统的测试消息，收到即说明通道可用，不用回复。".to_owned();
    let html = (kind == ChannelKind::Email).then(|| format!("<p>{body}</p>"));
    let context = store.context();
    let notice = Notice {
        id: context.id(),
        topic: "test".to_owned(),
        on_date: context.clock.today().to_string(),
        staff_number: person.number.clone(),
        staff_name: person.name.clone(),
        title,
        body,
        html,
        addresses,
    };
    match way.send(&notice).await {
        Outcome::Delivered(_) | Outcome::Accepted { .. } => {
            say!("{channel}：已发给 {to}");
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Refused { reason } => failed(channel, "对方不收", &reason),
        Outcome::NotSent { reason, .. } => failed(channel, "没有发出", &reason),
        Outcome::Unknown { reason } | Outcome::Errored { reason } | Outcome::Unread { reason } => {
            failed(channel, "不知道是否送达", &reason)
        }
    }
}

fn failed(channel: &str, what: &str, reason: &str) -> anyhow::Result<ExitCode> {
    eprintln!("{channel}：{what}（{}）", in_words(reason).said);
    Ok(ExitCode::FAILURE)
}

async fn unreachable(store: &Store, json: bool) -> anyhow::Result<ExitCode> {
    let dead = store.unreachable().await?;
    let vacancies = vacancies(store).await?;
    if json {
        return as_json(store, &dead, &vacancies).await;
    }
    for person in &dead {
        say!(
            "{}（{}）：{} 找不到（{}）",
            person.staff_name,
            person.staff_number,
            person.channel,
            in_words(&person.reason).said
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
    for vacancy in &vacancies {
        say!("{vacancy}");
    }
    say!("共 {} 条", dead.len() + none.len() + vacancies.len());
    Ok(ExitCode::SUCCESS)
}

/// Whom nobody can reach because there is nobody: roles that the plan needs and nobody holds.
async fn vacancies(store: &Store) -> anyhow::Result<Vec<String>> {
    let mut snapshot = store.snapshot().await?;
    let found = vacant(&mut snapshot).await?;
    snapshot.end().await?;
    Ok(found.roles.iter().map(ToString::to_string).collect())
}

async fn as_json(
    store: &Store,
    dead: &[DeadAddress],
    vacancies: &[String],
) -> anyhow::Result<ExitCode> {
    let mut table = Table::new(["人员编号", "姓名", "通道", "原因"], true)?;
    for DeadAddress { staff_number, staff_name, channel, reason } in dead {
        table.row([staff_number, staff_name, channel, &in_words(reason).said])?;
    }
    for person in store.without_channel().await? {
        table.row([&person.number, &person.name, "", "没有可用的通道"])?;
    }
    for vacancy in vacancies {
        table.row(["", "", "", vacancy])?;
    }
    table.end()?;
    Ok(ExitCode::SUCCESS)
}
