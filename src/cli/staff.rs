//! `zoufang staff`: a person's absence and deputy, their contact card, and the private address of their calendar.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::json;

use super::{ConfigFile, wrong_input};
use crate::app::absences;
use crate::app::problem::only;
use crate::clock::{Chance, Clock};
use crate::daemon::open_store;
use crate::db::{NewAbsence, StaffMember, Store};
use crate::notify::{Messages, calendar_link};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// 登记某人外出（首尾两天都算），由代办人代为接收提醒（记入审计）
    Away {
        /// 人员编号
        number: String,
        #[arg(long)]
        from: Date,
        #[arg(long)]
        until: Date,
        /// 代办人编号；不写则转给上一级
        #[arg(long)]
        deputy: Option<String>,
        /// 经办人
        #[arg(long)]
        by: String,
    },
    /// 显示某人的联系服务群众卡：姓名、电话、负责区域、纪律要求和监督电话（方案里的 hotline）
    Card {
        /// 人员编号
        number: String,
    },
    /// 显示某人的任务日历的订阅地址（只给本人）
    Calendar {
        /// 人员编号
        number: String,
        /// 换一个新地址，旧的作废
        #[arg(long)]
        renew: bool,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let store = open_store(&settings, Clock::system(), Chance::system()).await?;
    match arguments.action {
        Action::Away { number, from, until, deputy, by } => {
            away(&store, &number, from, until, deputy.as_deref(), &by).await?;
        }
        Action::Card { number } => {
            let person = person(&store, &number).await?;
            let (tree, campaign) = (store.area_tree().await?, store.campaign());
            let values = json!({
                "campaign": campaign.name,
                "hotline": campaign.hotline,
                "name": person.name,
                "unit": person.unit,
                "phone": store.addresses(&number).await?.phone,
                "area": tree.get(&person.area_id).map(|area| area.name.clone()),
            });
            let messages = Messages::read(&settings.notify.templates)?;
            say!("{}", messages.render("card.txt", values)?);
        }
        Action::Calendar { number, renew } => {
            let url = &settings.notify.public_url;
            if url.is_empty() {
                return Err(wrong_input("请先设 notify.public_url：手机能访问到的本服务地址"));
            }
            let person = person(&store, &number).await?;
            if renew {
                let mut tx = store.begin().await?;
                tx.renew_calendar(&person.id).await?;
                tx.audit("cli", "renew_calendar", &number, &json!({})).await?;
                tx.commit().await?;
            }
            let person = self::person(&store, &number).await?;
            say!("{}", calendar_link(store.context(), url, &person));
        }
    }
    Ok(ExitCode::SUCCESS)
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
    let absence = NewAbsence { staff_id: who.id, from, until, deputy_id };
    let put = absences::put(&mut tx, &[absence]).await?;
    only(put).map_err(wrong_input)?;
    let detail =
        json!({ "from": from, "until": until, "deputy": deputy.as_ref().map(|d| &d.number) });
    tx.audit(by, "away", number, &detail).await?;
    tx.commit().await?;
    let to = deputy.map_or("上一级".to_owned(), |deputy| format!("「{}」", deputy.name));
    say!("「{}」{from} 至 {until} 外出，提醒转给{to}，已记入审计", who.name);
    Ok(())
}

async fn person(store: &Store, number: &str) -> anyhow::Result<StaffMember> {
    let staff = store.staff().await?;
    let found = staff.into_iter().find(|person| person.number == number);
    found.ok_or_else(|| wrong_input(format!("没有编号「{number}」的走访人员")))
}
