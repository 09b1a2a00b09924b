//! `zoufang staff`: who there is; a name put right; a person's absence and deputy, their contact card, and the private address of their calendar.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::json;

use super::record::ConfigFile;
use super::table::Table;
use super::{Approval, acting, person, read_date, refused, wrong_input};
use crate::app::accounts::still_here;
use crate::app::problem::only;
use crate::app::{absences, staff};
use crate::db::{NewAbsence, Store};
use crate::domain::rights::Right;
use crate::domain::staff::{AddressKind, Role};
use crate::notify::{Messages, calendar_link};
use crate::settings::Settings;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 列出走访人员：编号、姓名、角色、所属区划、有哪些联系方式
    List {
        /// 只列这个角色的，如 网格员
        #[arg(long)]
        role: Option<Role>,
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 登记某人外出（首尾两天都算），由代办人代为接收提醒（记入审计）
    Away {
        /// 人员编号
        number: String,
        /// 第一天，如 2022-03-08
        #[arg(long, value_parser = read_date)]
        from: Date,
        /// 最后一天
        #[arg(long, value_parser = read_date)]
        until: Date,
        /// 代办人编号；不写则转给上一级
        #[arg(long)]
        deputy: Option<String>,
        /// 经办人编号
        #[arg(long)]
        by: String,
    },
    /// 改正登记时写错的姓名（记入审计）；换了人的不用这个，请给他另一个编号
    Rename {
        /// 人员编号
        number: String,
        /// 正确的姓名
        #[arg(long)]
        to: String,
        #[command(flatten)]
        approval: Approval,
    },
    /// 显示某人的联系服务群众卡：姓名、电话、负责区域、纪律要求和监督电话（方案里的 hotline）
    Card {
        /// 人员编号
        number: String,
    },
    /// 显示某人的任务日历的订阅地址：本人要，或由能开通登录的人转交（记入审计）
    Calendar {
        /// 人员编号
        number: String,
        /// 换一个新地址，旧的作废
        #[arg(long)]
        renew: bool,
        /// 本人的编号，或经办人编号
        #[arg(long)]
        by: Option<String>,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let store = arguments.config.open(&settings).await?;
    match arguments.action {
        Action::List { role, json } => list(&store, role, json).await?,
        Action::Away { number, from, until, deputy, by } => {
            away(&store, &number, from, until, deputy.as_deref(), &by).await?;
        }
        Action::Rename { number, to, approval } => rename(&store, &number, &to, &approval).await?,
        Action::Card { number } => card(&settings, &store, &number).await?,
        Action::Calendar { number, renew, by } => {
            calendar(&settings, &store, &number, renew, by.as_deref()).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The card is handed to households, with the telephone by which its person is reached.
async fn card(settings: &Settings, store: &Store, number: &str) -> anyhow::Result<()> {
    let person = person(store, number).await?;
    let (tree, campaign) = (store.area_tree().await?, store.campaign());
    let values = json!({
        "campaign": campaign.name,
        "hotline": campaign.hotline,
        "name": person.name,
        "unit": person.unit,
        "phone": store.addresses(&person.number).await?.phone,
        "area": tree.get(&person.area_id).map(|area| area.name.clone()),
    });
    let messages = Messages::read(&settings.notify.templates)?;
    say!("{}", messages.render("card.txt", values)?);
    Ok(())
}

/// The address is as good as its person's sign-in to their duties: it's theirs, or given by who gives sign-ins.
async fn calendar(
    settings: &Settings,
    store: &Store,
    number: &str,
    renew: bool,
    by: Option<&str>,
) -> anyhow::Result<()> {
    let of = person(store, number).await?;
    still_here(&of).map_err(refused)?;
    let mut tx = store.begin().await?;
    // Where nobody is named it's whoever runs the command.
    let by = match by {
        None => "operator".to_owned(),
        Some(by) => match person(store, by).await? {
            own if own.id == of.id => own.number,
            other => acting(&mut tx, &other.number, Right::Account, None).await?.number,
        },
    };
    let url = &settings.notify.public_url;
    if url.is_empty() {
        return Err(wrong_input("请先设 notify.public_url：手机能访问到的本服务地址"));
    }
    if renew {
        tx.renew_calendar(&of.id).await?;
    }
    let act = if renew { "renew_calendar" } else { "give_calendar" };
    tx.audit(&by, act, &of.number, &json!({})).await?;
    tx.commit().await?;
    let of = person(store, &of.number).await?;
    say!("{}", calendar_link(store.context(), url, &of));
    Ok(())
}

async fn away(
    store: &Store,
    number: &str,
    from: Date,
    until: Date,
    deputy: Option<&str>,
    by: &str,
) -> anyhow::Result<()> {
    let who = person(store, number).await?;
    let deputy = match deputy {
        Some(deputy) => Some(person(store, deputy).await?),
        None => None,
    };
    let deputy_id = deputy.as_ref().map(|deputy| deputy.id.clone());
    let mut tx = store.begin().await?;
    let by = acting(&mut tx, by, Right::Absence, None).await?;
    let absence = NewAbsence { staff_id: who.id.clone(), from, until, deputy_id };
    let put = absences::put(&mut tx, &[absence]).await?;
    only(put).map_err(refused)?;
    let detail =
        json!({ "from": from, "until": until, "deputy": deputy.as_ref().map(|d| &d.number) });
    tx.audit(&by.number, "away", &who.number, &detail).await?;
    tx.commit().await?;
    let to = deputy.map_or("上一级".to_owned(), |deputy| format!("「{}」", deputy.name));
    say!("「{}」{from} 至 {until} 外出，提醒转给{to}，已记入审计", who.name);
    Ok(())
}

async fn rename(store: &Store, number: &str, to: &str, approval: &Approval) -> anyhow::Result<()> {
    let was = person(store, number).await?;
    let mut tx = store.begin().await?;
    let (by, reason) = approval.given(&mut tx, Right::Account, None).await?;
    let renamed =
        staff::rename(&mut tx, &was.number, to, (&by.number, reason)).await.map_err(refused)?;
    tx.commit().await?;
    say!("「{}」（{}）改为「{}」，已记入审计", was.name, was.number, renamed.name);
    Ok(())
}

/// Who there is.
async fn list(store: &Store, role: Option<Role>, json: bool) -> anyhow::Result<()> {
    let tree = store.area_tree().await?;
    let names = ["人员编号", "姓名", "角色", "所属区划", "工作单位", "联系方式"];
    let mut table = Table::new(names, json)?;
    for person in store.staff().await? {
        if role.is_some_and(|role| !person.roles.contains(&role)) {
            continue;
        }
        let roles: Vec<&str> = person.roles.iter().map(|role| role.chinese()).collect();
        let reach: Vec<&str> =
            person.addresses.iter().map(|kind: &AddressKind| kind.chinese()).collect();
        let area = tree.get(&person.area_id).map(|area| area.name.as_str()).unwrap_or_default();
        let (roles, reach) = (roles.join("、"), reach.join("、"));
        table.row([&person.number, &person.name, &roles, area, &person.unit, &reach])?;
    }
    Ok(table.end()?)
}
