//! The frame of all pages for people who sign in, and what is said in it where there's nothing else to show.

use std::sync::LazyLock;

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use minijinja::context;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::nav::{Link, links};
use super::scripts::address;
use crate::daemon::Daemon;
use crate::domain::rights::Right;
use crate::domain::staff::StaffMember;
use crate::seal::hex;
use crate::web::templates::{self, HOUSEHOLD, HOUSEHOLDS, ISSUE, MESSAGE, OFFLINE, TASKS, VISIT};

pub(super) const STYLE: &str = concat!(include_str!("style.css"), include_str!("desk.css"));

/// Another style sheet has another address: browsers keep it.
static STYLE_VERSION: LazyLock<String> =
    LazyLock::new(|| hex(&Sha256::digest(STYLE.as_bytes())[..6]));

/// What such a page may do in a browser: show itself with the style of ours and pictures of ours, in nobody else's frame; its
/// forms come back here.
const MAY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// And a page with scripts of ours: they ask nobody but us, and show the pictures that somebody chose.
const MAY_WITH_SCRIPT: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The script of a page; nothing where it has none.
fn script_of(name: &str) -> Option<String> {
    match name {
        OFFLINE => Some(address("offline.js")),
        TASKS | HOUSEHOLDS | HOUSEHOLD | VISIT | ISSUE => Some(address("page.js")),
        _ => None,
    }
}

/// What every page shows around its own.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Frame {
    campaign: String,
    style: String,
    today: String,
    rehearsal: bool,
    /// Whoever is signed in.
    name: Option<String>,
    roles: String,
    key: String,
    /// Of forms about whoever is signed in, for whomever they act; and whose place that is.
    own_key: String,
    in_place_of: Option<String>,
    /// The pages that are theirs besides.
    links: Vec<Link>,
    /// What they just did, in words.
    did: String,
}

impl Frame {
    /// For whoever is signed in, with the key of their forms.
    pub fn of(daemon: &Daemon, who: Option<(&StaffMember, &str)>) -> Frame {
        let context = daemon.store.context();
        let roles = |person: &StaffMember| {
            let roles: Vec<&str> = person.roles.iter().map(|role| role.chinese()).collect();
            roles.join("、")
        };
        Frame {
            campaign: daemon.pages.campaign().name.clone(),
            style: STYLE_VERSION.clone(),
            today: context.clock.today().to_string(),
            rehearsal: context.clock.is_rehearsal(),
            name: who.map(|(person, _)| person.name.clone()),
            roles: who.map(|(person, _)| roles(person)).unwrap_or_default(),
            key: who.map(|(_, key)| key.to_owned()).unwrap_or_default(),
            own_key: who.map(|(_, key)| key.to_owned()).unwrap_or_default(),
            in_place_of: None,
            links: who.map(|(person, _)| links(person)).unwrap_or_default(),
            did: String::new(),
        }
    }
}

impl Frame {
    /// As whoever is signed in, where they act in somebody's place.
    pub fn signed_in(self, own: &StaffMember, own_key: &str) -> Frame {
        let in_place_of = self.name.clone().filter(|_| self.key != own_key);
        let name = Some(own.name.clone());
        Frame { name, own_key: own_key.to_owned(), in_place_of, ..self }
    }

    /// After they did something, in words.
    pub fn after(self, did: &str) -> Frame {
        Frame { did: did.to_owned(), ..self }
    }

    /// For nobody, and as on every other day.
    pub fn undated(daemon: &Daemon) -> Frame {
        Frame { today: String::new(), ..Frame::of(daemon, None) }
    }
}

/// A page in its frame.
pub(super) fn page(
    frame: &Frame,
    name: &str,
    status: StatusCode,
    values: impl Serialize,
) -> Response {
    match rendered(frame, name, values) {
        Ok(page) => {
            let may = if script_of(name).is_some() { MAY_WITH_SCRIPT } else { MAY };
            let headers = [
                (header::CONTENT_SECURITY_POLICY, may),
                // Its forms say where they come from.
                (header::REFERRER_POLICY, "same-origin"),
            ];
            (status, headers, Html(page)).into_response()
        }
        Err(error) => {
            tracing::error!(event = "page.unfilled", error, "a page can't be filled in");
            (StatusCode::INTERNAL_SERVER_ERROR, "页面出错了，已记入日志\n").into_response()
        }
    }
}

/// The text of a page in its frame.
pub(super) fn rendered(
    frame: &Frame,
    name: &str,
    values: impl Serialize,
) -> Result<String, String> {
    let script = script_of(name);
    let values = context! { frame, script, ..minijinja::Value::from_serialize(values) };
    templates::render(name, values)
}

/// The style sheet's address.
pub(super) fn style() -> String {
    format!("/my/style.css?v={}", *STYLE_VERSION)
}

/// Something that is said, where there's nothing else to show.
pub(super) fn say(daemon: &Daemon, status: StatusCode, said: &str) -> Response {
    say_in(&Frame::of(daemon, None), status, said)
}

/// The same to whoever is signed in.
pub(super) fn say_in(frame: &Frame, status: StatusCode, said: &str) -> Response {
    page(frame, MESSAGE, status, context! { said })
}

/// What a number names isn't there, or not for this person to see: they're told the same.
pub(super) fn not_theirs(frame: &Frame, what: &str, number: &str) -> Response {
    let said = format!("没有编号「{number}」的{what}，或者不在您负责的范围内");
    say_in(frame, StatusCode::NOT_FOUND, &said)
}

/// What isn't this person's to do.
pub(super) fn apart(frame: &Frame, right: Right) -> Response {
    let said = format!("您的角色不能{right}。需要的话，请向镇组织人事办公室说明");
    say_in(frame, StatusCode::FORBIDDEN, &said)
}
