//! Who may sign in, who is signed in, and whom nobody reaches: as `zoufang account` and `zoufang notify unreachable` have it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use minijinja::{Value, context};
use serde::Deserialize;

use super::words::lane_name;
use crate::app::accounts::{INVITED_DAYS, end, invite, is_let_in};
use crate::app::second::{Standing, forget, standing};
use crate::app::vacant::vacant;
use crate::clock::local_text;
use crate::daemon::Daemon;
use crate::db::{AccountLine, StaffMember, StoreError};
use crate::domain::identity::Way;
use crate::domain::reason::in_words;
use crate::domain::staff::AddressKind;
use crate::web::my::frame::{page, say_in};
use crate::web::my::links::{after, of};
use crate::web::my::routes::ACCOUNTS;
use crate::web::my::who::{Posted, Who};
use crate::web::my::words::NOTED;
use crate::web::templates::{ACCOUNT, ACCOUNTS as LIST};
use crate::web::unavailable::unavailable;

/// So many people are listed.
const SHOWN: usize = 200;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// Part of a number or a name.
    #[serde(default)]
    find: String,
}

/// GET /my/desk/accounts
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(Asked { find }): Query<Asked>,
) -> Response {
    match listed(&daemon, find.trim()).await {
        Ok(values) => page(&who.frame(&daemon), LIST, StatusCode::OK, values),
        Err(error) => unavailable(&error),
    }
}

async fn listed(daemon: &Daemon, find: &str) -> Result<Value, StoreError> {
    let (now, ways) = (daemon.store.context().clock.wire_millis(), ways(daemon));
    let mut record = daemon.pages.snapshot().await?;
    let lines = record.account_lines(now).await?;
    let staff = record.staff().await?;
    let vacancies = vacant(&mut record).await?.roles;
    record.end().await?;
    let known: HashMap<&str, &AccountLine> =
        lines.iter().map(|line| (line.number.as_str(), line)).collect();
    let fits = |person: &&StaffMember| person.number.contains(find) || person.name.contains(find);
    let found: Vec<&StaffMember> = staff.iter().filter(fits).collect();
    let people = found.iter().take(SHOWN).map(|person| {
        let line = known.get(person.number.as_str()).copied();
        context! {
            to => of(ACCOUNTS, &person.number), number => person.number, name => person.name,
            roles => roles(person), account => account(person, line, (now, &ways)),
        }
    });
    let people: Vec<Value> = people.collect();
    let signed_in: i64 = lines.iter().map(|line| line.signed_in).sum();
    let unreached = unreached(daemon).await?;
    let vacancies: Vec<String> = vacancies.iter().map(ToString::to_string).collect();
    Ok(context! {
        people, more => found.len().saturating_sub(SHOWN), find, signed_in, unreached, vacancies,
        invited => lines.iter().filter(|line| line.was_opened()).count(), place => "desk",
    })
}

fn roles(person: &StaffMember) -> String {
    let roles: Vec<&str> = person.roles.iter().map(|role| role.chinese()).collect();
    roles.join("、")
}

/// The identity providers that let people in who were never given a link; empty where none is configured.
fn ways(daemon: &Daemon) -> String {
    let ways = daemon.providers.ways().into_iter().map(|(way, _)| way.chinese());
    ways.collect::<Vec<_>>().join("或")
}

/// How it stands with a person's signing in.
fn account(person: &StaffMember, line: Option<&AccountLine>, (now, ways): (i64, &str)) -> Value {
    if !is_let_in(person) {
        return context! { said => "已离岗，不能登录" };
    }
    let Some(line) = line else {
        let said = match ways {
            "" => "没有开通".to_owned(),
            ways => format!("没有登录过，可以用{ways}登录"),
        };
        return context! { said };
    };
    let at = |millis: i64| Timestamp::from_millisecond(millis).map(local_text).unwrap_or_default();
    let elsewhere = line.way.filter(|way| matches!(way, Way::Oidc | Way::WeCom));
    let said = match (line.has_password, line.invited_until, elsewhere) {
        _ if line.closed => "已停用".to_owned(),
        (true, _, Some(way)) => format!("已设密码，最近一次用{way}登录"),
        (true, ..) => "已设密码".to_owned(),
        (false, Some(until), _) => format!("链接还没有用，{} 前有效", at(until)),
        (false, None, Some(way)) => format!("没有密码，用{way}登录"),
        (false, None, None) if line.invited => "链接已过期，还没有设密码".to_owned(),
        (false, None, None) if ways.is_empty() => "没有开通".to_owned(),
        (false, None, None) => format!("没有密码，可以用{ways}登录"),
    };
    context! {
        said, signed_in => line.signed_in, seen => line.seen_at.map(at),
        locked => (line.locked_until > now).then(|| at(line.locked_until)),
    }
}

/// Whom a channel doesn't reach any more, and whom none does.
async fn unreached(daemon: &Daemon) -> Result<Vec<Value>, StoreError> {
    let mut lines = Vec::new();
    for person in daemon.pages.unreachable().await? {
        let why = in_words(&person.reason).said;
        let said = format!("{} 找不到：{why}", lane_name(&person.channel));
        lines.push(context! { number => person.staff_number, name => person.staff_name, said });
    }
    for person in daemon.pages.without_channel().await? {
        let has: Vec<&str> =
            person.addresses.iter().map(|kind: &AddressKind| kind.chinese()).collect();
        let said = match has.is_empty() {
            true => "没有任何联系方式，请补到走访人员表里再导入".to_owned(),
            false => format!("只有{}，现在的通道都用不上", has.join("、")),
        };
        lines.push(context! { number => person.number, name => person.name, said });
    }
    Ok(lines)
}

/// GET /my/desk/accounts/{number}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Response {
    shown(&daemon, &who, &number, StatusCode::OK, Said::default()).await
}

/// What is said above the page.
#[derive(Debug, Default)]
struct Said {
    wrong: String,
    /// The one-time link, shown once.
    link: Option<String>,
    act: String,
}

async fn shown(
    daemon: &Daemon,
    who: &Who,
    number: &str,
    status: StatusCode,
    said: Said,
) -> Response {
    let now = daemon.store.context().clock.wire_millis();
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let lines = record.account_lines(now).await?;
        let staff = record.staff().await?;
        let person = staff.into_iter().find(|person| person.number == number);
        let code = match &person {
            Some(person) => standing(&mut record, person).await? == Standing::On,
            None => false,
        };
        record.end().await?;
        Ok::<_, StoreError>((lines, person, code))
    };
    let (lines, person, code) = match read.await {
        Ok(read) => read,
        Err(error) => return unavailable(&error),
    };
    let Some(person) = person else { return none(daemon, who, number) };
    let line = lines.iter().find(|line| line.number == number);
    let ways = ways(daemon);
    let values = context! {
        number, name => person.name, roles => roles(&person), account => account(&person, line, (now, &ways)),
        left => !is_let_in(&person), code, wrong => said.wrong, link => said.link, act => said.act, days => INVITED_DAYS, place => "desk",
        known => line.is_some(), ways,
    };
    page(&who.frame(daemon), ACCOUNT, status, values)
}

fn none(daemon: &Daemon, who: &Who, number: &str) -> Response {
    let said = format!("没有编号「{number}」的走访人员");
    say_in(&who.frame(daemon), StatusCode::NOT_FOUND, &said)
}

/// POST /my/desk/accounts/{number}: what is done stands in the field `act`.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    Posted { who, fields }: Posted,
) -> Response {
    let act = fields.text("act");
    let reason = fields.text("reason");
    let wrong = match act {
        "invite" => "",
        "end" | "close" | "forget" if reason.is_empty() => "请写原因：会记入审计",
        "close" if fields.text("confirmed") != "yes" => "请勾选确认",
        "forget" if number == who.person.number => "自己的请在「登录安全」里用验证码停用",
        "end" | "close" | "forget" => "",
        _ => "请从页面上的按钮选择要做什么",
    };
    if !wrong.is_empty() {
        let said = Said { wrong: wrong.to_owned(), act: act.to_owned(), ..Said::default() };
        return shown(&daemon, &who, &number, StatusCode::UNPROCESSABLE_ENTITY, said).await;
    }
    let done = async {
        let store = who.store(&daemon);
        let mut tx = store.begin().await?;
        let staff = tx.staff().await?;
        let Some(person) = staff.into_iter().find(|person| person.number == number) else {
            tx.rollback().await?;
            return Ok(None);
        };
        let token = match act {
            "invite" => Some(invite(&mut tx, &person, &who.person).await?),
            "forget" => {
                forget(&mut tx, &person, &who.person, reason).await?;
                None
            }
            _ => {
                end(&mut tx, &person, act == "close", &who.person, reason).await?;
                None
            }
        };
        tx.commit().await?;
        Ok::<_, StoreError>(Some(token))
    };
    match done.await {
        Ok(Some(Some(token))) => {
            let link = Some(format!(
                "{}/my/welcome/{token}",
                daemon.settings.http.address(&daemon.settings.notify.public_url)
            ));
            let said = Said { link, ..Said::default() };
            shown(&daemon, &who, &number, StatusCode::OK, said).await
        }
        Ok(Some(None)) => Redirect::to(&after(&of(ACCOUNTS, &number), NOTED)).into_response(),
        Ok(None) => none(&daemon, &who, &number),
        Err(StoreError::Rule(wrong)) => {
            let said = Said { wrong, act: act.to_owned(), ..Said::default() };
            shown(&daemon, &who, &number, StatusCode::UNPROCESSABLE_ENTITY, said).await
        }
        Err(error) => unavailable(&error),
    }
}
