//! Signing in: by number and password, the first time by a one-time link; and out.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Extension, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use serde::Deserialize;

use super::frame::{Frame, page, say};
use super::links::with;
use super::routes::{SECOND, SIGN_IN, TASKS};
use super::who::{
    Fields, Posted, at_the_door, cookie, fields, form_key, is_behind_tls, is_key, set_cookie,
    shown_secret, stay,
};
use crate::app::accounts::{self, Entered, Invited};
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::domain::password::{LONGEST, SHORTEST};
use crate::web::caller::Caller;
use crate::web::guesses::Guesses;
use crate::web::templates::{SIGNING_IN, WELCOMING};
use crate::web::unavailable::unavailable;

/// The cookie of a browser in which nobody is signed in yet: only a form that was shown there signs in there.
const BEFORE: &str = "zoufang-form";

#[derive(Debug, Default, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    pub next: String,
}

/// Where to go once signed in: to a page of ours, whoever wrote the link.
pub(super) fn own(next: &str) -> &str {
    let is_ours = next == TASKS || next.starts_with("/my/") || next.starts_with("/my?");
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // No step upward, however it's written, and no empty one.
    let path = next.split(['?', '#']).next().unwrap_or_default().to_lowercase().replace("%2e", ".");
    let is_straight = path.split('/').skip(1).all(|step| !["", ".", ".."].contains(&step));
    if is_ours && is_plain && is_straight && !next.starts_with(SIGN_IN) { next } else { TASKS }
}

/// GET /my/sign-in
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Query(Next { next }): Query<Next>,
    headers: HeaderMap,
) -> Response {
    form(&daemon, &headers, StatusCode::OK, context! { next => own(&next) })
}

pub(super) fn form(
    daemon: &Daemon,
    headers: &HeaderMap,
    status: StatusCode,
    values: minijinja::Value,
) -> Response {
    let known = cookie(headers, BEFORE);
    let secret = known.clone().unwrap_or_else(|| daemon.store.context().secret());
    let ways = daemon.providers.ways().into_iter();
    let ways: Vec<_> = ways.map(|(way, text)| context! { way => way.code(), text }).collect();
    let values = context! { key => form_key(daemon, "browser", &secret), ways, ..values };
    let mut answer = page(&Frame::of(daemon, None), SIGNING_IN, status, values);
    if known.is_none() {
        let secure = if is_behind_tls(headers, daemon) { "; Secure" } else { "" };
        let text = format!("{BEFORE}={secret}; Path=/my; HttpOnly; SameSite=Lax{secure}");
        if let Ok(cookie) = HeaderValue::try_from(text) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    answer
}

/// POST /my/sign-in
pub(super) async fn enter(
    State(daemon): State<Arc<Daemon>>,
    Extension(guesses): Extension<Arc<Guesses>>,
    request: Request,
) -> Response {
    let (headers, address) = (request.headers().clone(), address(&request));
    let sent = match fields(request, &()).await {
        Ok(sent) => sent,
        Err(said) => return say(&daemon, StatusCode::BAD_REQUEST, said),
    };
    let again = |status, said: &str| {
        let values = context! { next => own(sent.text("next")), number => sent.text("number"), wrong => said };
        form(&daemon, &headers, status, values)
    };
    let before = cookie(&headers, BEFORE).map(|secret| form_key(&daemon, "browser", &secret));
    if !before.is_some_and(|key| is_key(&daemon, sent.text("form"), &key)) {
        let said = "登录页面打开太久，或者浏览器不让保存 Cookie。请允许 Cookie，再填一次";
        return again(StatusCode::FORBIDDEN, said);
    }
    if let Some(wait) = guesses.wait(address) {
        let said = format!("这里填错的次数太多，请 {} 秒后再试", wait.as_secs() + 1);
        return again(StatusCode::TOO_MANY_REQUESTS, &said);
    }
    guesses.tries(address);
    // As it was typed: a password may begin or end with a blank.
    let password = sent.0.get("password").map(String::as_str).unwrap_or_default();
    let before = shown_secret(&headers, &daemon);
    let (number, stay) = (sent.text("number"), stay(&daemon));
    match accounts::sign_in(&at_the_door(&daemon), number, password, before.as_deref(), stay).await
    {
        Ok(Entered::In(secret)) => {
            // Whoever signs in as themselves hasn't guessed others' any less.
            guesses.was_no_mistake(address);
            entered(&daemon, &headers, &secret, own(sent.text("next")))
        }
        Ok(Entered::Half(secret)) => {
            guesses.was_no_mistake(address);
            let next = [("next", own(sent.text("next")))];
            entered(&daemon, &headers, &secret, &with(SECOND, &next))
        }
        Ok(Entered::Not(why)) => {
            tracing::warn!(event = "sign_in.refused", %address, "somebody couldn't sign in");
            again(StatusCode::UNAUTHORIZED, &why)
        }
        Err(error) => {
            guesses.was_no_mistake(address);
            match error {
                StoreError::Rule(why) => again(StatusCode::SERVICE_UNAVAILABLE, &why),
                error => unavailable(&error),
            }
        }
    }
}

pub(super) fn entered(daemon: &Daemon, headers: &HeaderMap, secret: &str, next: &str) -> Response {
    let cookie = set_cookie(headers, daemon, secret);
    ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()
}

/// Whose request it is, as it was seen at the door.
pub(super) fn address(request: &Request) -> IpAddr {
    let caller = request.extensions().get::<Caller>();
    caller.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |caller| caller.0)
}

/// POST /my/sign-out
pub(super) async fn leave(
    State(daemon): State<Arc<Daemon>>,
    headers: HeaderMap,
    Posted { who, .. }: Posted,
) -> Response {
    match accounts::sign_out(&who.store(&daemon), &who.secret).await {
        Ok(()) => {
            // What the telephone kept ends with it.
            let gone = [(HeaderName::from_static("clear-site-data"), "\"storage\"")];
            (gone, entered(&daemon, &headers, "", SIGN_IN)).into_response()
        }
        Err(error) => unavailable(&error),
    }
}

/// GET /my/welcome/{token}
pub(super) async fn welcome(
    State(daemon): State<Arc<Daemon>>,
    Path(token): Path<String>,
) -> Response {
    welcomed(&daemon, &token, "").await
}

async fn welcomed(daemon: &Daemon, token: &str, wrong: &str) -> Response {
    let found = async {
        let mut record = daemon.pages.snapshot().await?;
        let found = accounts::invited(&mut record, token).await?;
        record.end().await?;
        Ok::<_, StoreError>(found)
    };
    match found.await {
        Ok(Invited::Person(person)) => {
            let status =
                if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            let values = context! {
                name => person.name, number => person.number, wrong, shortest => SHORTEST, longest => LONGEST,
            };
            page(&Frame::of(daemon, None), WELCOMING, status, values)
        }
        Ok(Invited::Ended) => {
            let said = "这个登录链接已经用过或过期。设过密码的请直接登录；没有的，请向镇组织人事办公室要新的链接";
            say(daemon, StatusCode::GONE, said)
        }
        Ok(Invited::Unknown) => {
            let said = "没有这个登录链接：请用收到的完整地址打开";
            say(daemon, StatusCode::NOT_FOUND, said)
        }
        Err(error) => unavailable(&error),
    }
}

/// POST /my/welcome/{token}
pub(super) async fn take_up(
    State(daemon): State<Arc<Daemon>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let sent: Fields = match fields(request, &()).await {
        Ok(sent) => sent,
        Err(said) => return say(&daemon, StatusCode::BAD_REQUEST, said),
    };
    let typed = |name: &str| sent.0.get(name).map(String::as_str).unwrap_or_default();
    if typed("password") != typed("again") {
        return welcomed(&daemon, &token, "两次填的密码不一样，请重新填").await;
    }
    match accounts::take_up(&at_the_door(&daemon), &token, typed("password"), stay(&daemon)).await {
        Ok(Entered::In(secret)) => entered(&daemon, &headers, &secret, TASKS),
        Ok(Entered::Half(secret)) => entered(&daemon, &headers, &secret, SECOND),
        Ok(Entered::Not(why)) | Err(StoreError::Rule(why)) => welcomed(&daemon, &token, &why).await,
        Err(error) => unavailable(&error),
    }
}
