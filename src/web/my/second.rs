//! The second step of signing in: the code of one's telephone; and where one begins with it, or ends it.

use std::sync::Arc;

use axum::extract::{Extension, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use serde::Deserialize;

use super::frame::{Frame, page, say};
use super::links::after;
use super::routes::{SECURITY, SIGN_IN};
use super::sign_in::{address, entered, own};
use super::who::{Fields, Posted, Who, at_the_door, fields, form_key, is_key, shown_secret, stay};
use super::words::NOTED;
use crate::app::accounts::Entered;
use crate::app::second::{self, Standing};
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::web::guesses::Guesses;
use crate::web::templates::{SECOND, SECURITY as PAGE};
use crate::web::unavailable::unavailable;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// GET /my/second
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Query(Next { next }): Query<Next>,
    headers: HeaderMap,
) -> Response {
    form(&daemon, &headers, StatusCode::OK, own(&next), "").await
}

async fn form(
    daemon: &Daemon,
    headers: &HeaderMap,
    status: StatusCode,
    next: &str,
    wrong: &str,
) -> Response {
    let Some(half) = shown_secret(headers, daemon) else {
        return Redirect::to(SIGN_IN).into_response();
    };
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let found = second::half_in(&mut record, &half).await?;
        record.end().await?;
        Ok::<_, StoreError>(found)
    };
    match read.await {
        Ok(Some(person)) => {
            let values = context! { key => form_key(daemon, "half", &half), name => person.name, next, wrong };
            page(&Frame::of(daemon, None), SECOND, status, values)
        }
        Ok(None) => Redirect::to(SIGN_IN).into_response(),
        Err(error) => unavailable(&error),
    }
}

/// POST /my/second
pub(super) async fn enter(
    State(daemon): State<Arc<Daemon>>,
    Extension(guesses): Extension<Arc<Guesses>>,
    request: Request,
) -> Response {
    let (headers, address) = (request.headers().clone(), address(&request));
    let sent: Fields = match fields(request, &()).await {
        Ok(sent) => sent,
        Err(said) => return say(&daemon, StatusCode::BAD_REQUEST, said),
    };
    let next = own(sent.text("next"));
    let half = shown_secret(&headers, &daemon);
    let half =
        half.filter(|half| is_key(&daemon, sent.text("form"), &form_key(&daemon, "half", half)));
    let Some(half) = half else {
        let said = "登录已经过了时间，请从头登录";
        return say(&daemon, StatusCode::FORBIDDEN, said);
    };
    if let Some(wait) = guesses.wait(address) {
        let said = format!("这里填错的次数太多，请 {} 秒后再试", wait.as_secs() + 1);
        return form(&daemon, &headers, StatusCode::TOO_MANY_REQUESTS, next, &said).await;
    }
    match second::enter(&at_the_door(&daemon), &half, sent.text("code"), stay(&daemon)).await {
        Ok(Entered::In(secret)) => entered(&daemon, &headers, &secret, next),
        Ok(Entered::Half(_)) => Redirect::to(SIGN_IN).into_response(),
        Ok(Entered::Not(why)) => {
            guesses.wrong(address);
            form(&daemon, &headers, StatusCode::UNAUTHORIZED, next, &why).await
        }
        Err(error) => unavailable(&error),
    }
}

/// GET /my/security
pub(super) async fn settings(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
) -> Response {
    shown(&daemon, &who, StatusCode::OK, "").await
}

async fn shown(daemon: &Daemon, who: &Who, status: StatusCode, wrong: &str) -> Response {
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let standing = second::standing(&mut record, &who.person).await?;
        record.end().await?;
        Ok::<_, StoreError>(standing)
    };
    let standing = match read.await {
        Ok(standing) => standing,
        Err(error) => return unavailable(&error),
    };
    let secret = match &standing {
        Standing::Begun(secret) => Some(secret.as_str()),
        Standing::None | Standing::On => None,
    };
    let grouped = secret.map(|secret| {
        let groups: Vec<String> = secret
            .as_bytes()
            .chunks(4)
            .map(|four| String::from_utf8_lossy(four).into_owned())
            .collect();
        groups.join(" ")
    });
    let address = secret.map(|secret| otpauth(&who.person.number, secret));
    let required = daemon.settings.accounts.asks_second_of(&who.person);
    let values = context! {
        on => standing == Standing::On, secret => grouped, address, wrong, required, place => "security",
    };
    page(&who.frame(daemon), PAGE, status, values)
}

/// What an authenticator is opened with, on the telephone itself.
fn otpauth(number: &str, secret: &str) -> String {
    let query = [("secret", secret), ("issuer", "zoufang")];
    let asked = reqwest::Url::parse_with_params("otpauth://totp/", &query);
    let query = asked.ok().and_then(|url| url.query().map(str::to_owned)).unwrap_or_default();
    let number: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("otpauth://totp/zoufang:{number}?{query}")
}

/// POST /my/security: what is done stands in the field `act`.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Posted { who, fields }: Posted,
) -> Response {
    let done = async {
        let store = who.store(&daemon);
        let mut tx = store.begin().await?;
        let wrong = match fields.text("act") {
            "begin" => {
                second::start(&mut tx, &who.person).await?;
                ""
            }
            "confirm" if second::prove(&mut tx, &who.person, fields.text("code")).await? => "",
            "end" if second::prove(&mut tx, &who.person, fields.text("code")).await? => {
                second::forget(&mut tx, &who.person, &who.person, "").await?;
                ""
            }
            "confirm" | "end" => {
                "验证码不对。请看手机上现在显示的六位数字，每个只能用一次；手机的时间要准"
            }
            _ => "请从页面上的按钮选择要做什么",
        };
        // With what was given wrongly.
        tx.commit().await?;
        Ok::<_, StoreError>(wrong)
    };
    match done.await {
        Ok("") => Redirect::to(&after(SECURITY, NOTED)).into_response(),
        Ok(wrong) => shown(&daemon, &who, StatusCode::UNPROCESSABLE_ENTITY, wrong).await,
        Err(error) => unavailable(&error),
    }
}
