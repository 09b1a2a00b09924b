//! `zoufang account`: who may sign in to the pages, by a one-time link to be handed over; and who is signed in no longer.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::record::ConfigFile;
use super::table::Table;
use super::{Approval, acting, person, refused};
use crate::app::accounts::{INVITED_DAYS, end, invite};
use crate::app::second::forget;
use crate::app::tokens::{self, NewToken};
use crate::clock::local_text;
use crate::db::{AccountLine, Store};
use crate::domain::rights::Right;
use crate::domain::scope::Scope;
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
    /// 给出一次性的登录链接：本人打开后自己设密码；再给一次旧的作废，忘了密码也用它（记入审计）
    Invite {
        /// 人员编号
        number: String,
        /// 经办人编号
        #[arg(long)]
        by: String,
    },
    /// 列出开通过或停用了登录的人：设了密码没有、链接有效到什么时候、在几处登录着
    List {
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 让某人在所有地方退出登录（记入审计）
    End {
        /// 人员编号
        number: String,
        /// 同时停用：密码和没用过的链接一并作废，以后要重新邀请
        #[arg(long)]
        close: bool,
        #[command(flatten)]
        approval: Approval,
    },
    /// 取消某人的手机验证码：手机丢了、换了（记入审计）
    ForgetCode {
        /// 人员编号
        number: String,
        #[command(flatten)]
        approval: Approval,
    },
    /// 程序令牌：让别的程序读运行情况或比率，有期限，可以作废
    #[command(subcommand)]
    Token(TokenAction),
}

#[derive(Debug, Subcommand)]
enum TokenAction {
    /// 给出一个：只显示这一次（记入审计）
    Give {
        /// 给哪个程序，如 监控大屏
        #[arg(long, value_name = "名称")]
        title: String,
        /// 能做什么：status 看运行情况、figures 看各走访人的比率、issues 看问题台账、act 办理问题、visits 登记走访；可以写几次
        #[arg(long = "scope", value_name = "用途", required = true)]
        scopes: Vec<Scope>,
        /// 有效多少天
        #[arg(long, value_name = "天数", default_value_t = 90)]
        days: i64,
        /// 以谁的名义办事：人员编号，不写就是经办人；不超出此人的权限
        #[arg(long = "as", value_name = "人员编号")]
        acts_as: Option<String>,
        /// 经办人编号
        #[arg(long)]
        by: String,
    },
    /// 列出给出过的：给谁、能看什么、到什么时候、最近使用
    List {
        /// 以 JSON 输出
        #[arg(long)]
        json: bool,
    },
    /// 作废一个（记入审计）
    End {
        /// list 里的「编号」
        #[arg(value_name = "令牌编号")]
        id: String,
        #[command(flatten)]
        approval: Approval,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    let store = arguments.config.open(&settings).await?;
    match arguments.action {
        Action::Invite { number, by } => give(&store, &settings, &number, &by).await?,
        Action::List { json } => list(&store, json).await?,
        Action::End { number, close, approval } => {
            let of = person(&store, &number).await?;
            let mut tx = store.begin().await?;
            let (by, reason) = approval.given(&mut tx, Right::Account, None).await?;
            let ended = end(&mut tx, &of, close, &by, reason).await.map_err(refused)?;
            tx.commit().await?;
            let ways: Vec<&str> = settings.sign_in.ways().iter().map(|way| way.chinese()).collect();
            let ways = match ways.is_empty() {
                true => String::new(),
                false => format!("，用{}也不能登录", ways.join("或")),
            };
            let closed = match close {
                true => format!("，登录已停用（密码、没用过的链接作废{ways}）"),
                false => String::new(),
            };
            say!("{} 已在 {ended} 处退出登录{closed}，已记入审计", of.signed());
        }
        Action::ForgetCode { number, approval } => forget_code(&store, &number, &approval).await?,
        Action::Token(action) => token(&store, action).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn forget_code(store: &Store, number: &str, approval: &Approval) -> anyhow::Result<()> {
    let of = person(store, number).await?;
    let mut tx = store.begin().await?;
    let (by, reason) = approval.given(&mut tx, Right::Account, None).await?;
    let ended = forget(&mut tx, &of, &by, reason).await.map_err(refused)?;
    tx.commit().await?;
    match ended {
        true => say!("{} 的验证码已取消，已记入审计", of.signed()),
        false => say!("{} 没有用验证码", of.signed()),
    }
    Ok(())
}

async fn token(store: &Store, action: TokenAction) -> anyhow::Result<()> {
    match action {
        TokenAction::Give { title, scopes, days, acts_as, by } => {
            let acts_as = person(store, acts_as.as_deref().unwrap_or(&by)).await?;
            let mut tx = store.begin().await?;
            let by = acting(&mut tx, &by, Right::Account, None).await?;
            let new = NewToken { title, scopes, days, acts_as };
            let (id, token) = tokens::give(&mut tx, &new, &by).await.map_err(refused)?;
            tx.commit().await?;
            eprintln!(
                "程序令牌 {id}，{days} 天内有效，只显示这一次；用法：Authorization: Bearer 后面接它"
            );
            say!("{token}");
        }
        TokenAction::List { json } => list_tokens(store, json).await?,
        TokenAction::End { id, approval } => {
            let mut tx = store.begin().await?;
            let (by, reason) = approval.given(&mut tx, Right::Account, None).await?;
            tokens::end(&mut tx, &id, &by, reason).await.map_err(refused)?;
            tx.commit().await?;
            say!("程序令牌 {id} 已作废，已记入审计");
        }
    }
    Ok(())
}

async fn list_tokens(store: &Store, json: bool) -> anyhow::Result<()> {
    let now = store.context().clock.wire_millis();
    let mut snapshot = store.snapshot().await?;
    let tokens = snapshot.program_tokens().await?;
    snapshot.end().await?;
    let at = |millis: i64| local_text(Timestamp::from_millisecond(millis).unwrap_or_default());
    let names = ["编号", "给谁", "能看什么", "有效到", "状态", "最近使用", "经办人"];
    let mut table = Table::new(names, json)?;
    for token in tokens {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.chinese()).collect();
        let state = match token.ended_at {
            Some(_) => "已作废",
            None if token.until_at <= now => "已过期",
            None => "有效",
        };
        table.row([
            token.id,
            token.title,
            scopes.join("、"),
            at(token.until_at),
            state.to_owned(),
            token.seen_at.map(at).unwrap_or_default(),
            token.given_by,
        ])?;
    }
    Ok(table.end()?)
}

async fn give(store: &Store, settings: &Settings, number: &str, by: &str) -> anyhow::Result<()> {
    let of = person(store, number).await?;
    let mut tx = store.begin().await?;
    let by = acting(&mut tx, by, Right::Account, None).await?;
    let token = invite(&mut tx, &of, &by).await.map_err(refused)?;
    tx.commit().await?;
    let public = settings.notify.public_url.as_str();
    if public.is_empty() {
        eprintln!(
            "没有设 notify.public_url，下面是本机的地址：给别人用之前请设好（手机能访问到的 https 地址）"
        );
    }
    let url = settings.http.address(public);
    eprintln!("{} 的登录链接，只能用一次，{INVITED_DAYS} 天内有效，请只交给本人：", of.signed());
    say!("{url}/my/welcome/{token}");
    Ok(())
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let now = store.context().clock.wire_millis();
    let mut snapshot = store.snapshot().await?;
    let lines = snapshot.account_lines(now).await?;
    snapshot.end().await?;
    let at = |millis: i64| local_text(Timestamp::from_millisecond(millis).unwrap_or_default());
    let names = ["人员编号", "姓名", "密码", "链接有效到", "锁定到", "登录着", "最近使用", "停用"];
    let mut table = Table::new(names, json)?;
    for line in lines {
        let AccountLine { number, name, has_password, invited_until, locked_until, .. } = line;
        let locked = if locked_until > now { at(locked_until) } else { String::new() };
        table.row([
            number,
            name,
            if has_password { "已设" } else { "未设" }.to_owned(),
            invited_until.map(at).unwrap_or_default(),
            locked,
            line.signed_in.to_string(),
            line.seen_at.map(at).unwrap_or_default(),
            if line.closed { "已停用" } else { "" }.to_owned(),
        ])?;
    }
    Ok(table.end()?)
}
