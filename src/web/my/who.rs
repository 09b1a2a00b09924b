//! Who opens a page, and whether they may: by the cookie of whoever signed in and the table of routes. What changes something
//! comes from a form of ours, or isn't taken.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequest, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

pub(crate) use super::fields::Fields;
pub(super) use super::fields::fields;
use super::fields::{Sent, Upload, sent};
use super::frame::{Frame, apart, say};
use super::links::DID;
use super::routes::{Needs, SECURITY, SIGN_IN, SIGN_OUT, STAND_IN, needs};
use super::words::said_of;
use crate::app::absences::stood_in_for;
use crate::app::accounts::{SignedIn, Stay, seen, whose};
use crate::app::second::{Standing, standing};
use crate::daemon::Daemon;
use crate::db::{Session, Store, StoreError};
use crate::domain::staff::StaffMember;
use crate::identity::LASTS;
use crate::web::bodies::Taken;
use crate::web::unavailable::unavailable;

/// Whoever is signed in.
#[derive(Debug, Clone)]
pub(super) struct Who {
    /// In whose place: their own, or that of somebody who is away.
    pub person: StaffMember,
    /// Who is signed in themselves.
    pub own: StaffMember,
    /// What their browser shows.
    pub secret: String,
    /// What their forms show; and those about themselves, for whomever they act.
    pub key: String,
    pub own_key: String,
    /// Whether whoever vouched for them asked for a second factor.
    second_elsewhere: bool,
    /// The page that they are on, without what it's about.
    page: String,
    /// What they just did there, in words.
    did: String,
}

impl Who {
    /// The record as it's changed from this page: the audit says so.
    pub fn store(&self, daemon: &Daemon) -> Store {
        daemon.store.coming_from(&format!("网页 {}", self.page))
    }

    /// The frame of their pages.
    pub fn frame(&self, daemon: &Daemon) -> Frame {
        let frame = Frame::of(daemon, Some((&self.person, &self.key))).after(&self.did);
        frame.signed_in(&self.own, &self.own_key)
    }
}

/// The record as it's changed by whoever isn't signed in yet.
pub(super) fn at_the_door(daemon: &Daemon) -> Store {
    daemon.store.coming_from("网页 /my/sign-in")
}

/// For how long people stay signed in.
pub(super) fn stay(daemon: &Daemon) -> Stay {
    let accounts = &daemon.settings.accounts;
    Stay { idle: accounts.idle, longest: accounts.longest }
}

/// Lets in who may, as the table of routes says.
pub(super) async fn let_in(
    State(daemon): State<Arc<Daemon>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let path = path.unwrap_or_default();
    let Some(needs) = needs(request.method(), &path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && !is_of_ours(request.headers(), &daemon) {
        return say(
            &daemon,
            StatusCode::FORBIDDEN,
            "这个请求不是从本系统的页面发出的，没有处理。请重新打开页面再操作",
        );
    }
    if needs == Needs::Nobody {
        return next.run(request).await;
    }
    let who = match who(&daemon, request.headers(), &path).await {
        Ok(Some(who)) if changes => who,
        Ok(Some(who)) => Who { did: just_done(request.uri()), ..who },
        Ok(None) if changes => {
            let said = "登录已结束，这次填的内容没有登记。请在新页面登录，再用浏览器的返回键回到刚才的表单，重新提交";
            return say(&daemon, StatusCode::UNAUTHORIZED, said);
        }
        Ok(None) => {
            let path = request.uri().path_and_query().map_or("/my", |path| path.as_str());
            let next = reqwest::Url::parse_with_params("http://own/", &[("next", path)]);
            let query =
                next.ok().and_then(|url| url.query().map(str::to_owned)).unwrap_or_default();
            return Redirect::to(&format!("{SIGN_IN}?{query}")).into_response();
        }
        Err(error) => return unavailable(&error),
    };
    match lacks_second(&daemon, &who, path.as_str()).await {
        Ok(false) => {}
        Ok(true) => return Redirect::to(SECURITY).into_response(),
        Err(error) => return unavailable(&error),
    }
    if let Needs::Right(right) = needs
        && !right.is_held_by(&who.person)
    {
        return apart(&who.frame(&daemon), right);
    }
    request.extensions_mut().insert(who);
    next.run(request).await
}

/// What was just done on the page of an address, in words.
fn just_done(address: &Uri) -> String {
    let query = address.query().unwrap_or_default().split('&');
    let did = query.filter_map(|asked| asked.strip_prefix(DID)?.strip_prefix('=')).next();
    did.map(said_of).unwrap_or_default()
}

/// Whether a person is to begin with a second factor before they open anything else.
async fn lacks_second(daemon: &Daemon, who: &Who, path: &str) -> Result<bool, StoreError> {
    if who.second_elsewhere
        || [SECURITY, SIGN_OUT].contains(&path)
        || ![&who.own, &who.person].iter().any(|one| daemon.settings.accounts.asks_second_of(one))
    {
        return Ok(false);
    }
    let mut record = daemon.pages.snapshot().await?;
    let standing = standing(&mut record, &who.own).await?;
    record.end().await?;
    Ok(standing != Standing::On)
}

/// Who is signed in where the request comes from.
async fn who(
    daemon: &Arc<Daemon>,
    headers: &HeaderMap,
    path: &str,
) -> Result<Option<Who>, StoreError> {
    let Some(secret) = shown_secret(headers, daemon) else { return Ok(None) };
    let mut record = daemon.pages.snapshot().await?;
    let found = whose(&mut record, &secret, stay(daemon)).await?;
    let Some(SignedIn { person: own, manner, is_news }) = found else {
        record.end().await?;
        return Ok(None);
    };
    let absent = absent(&mut record, daemon, headers, (&own, path)).await?;
    record.end().await?;
    if is_news {
        let (daemon, secret) = (Arc::clone(daemon), secret.clone());
        // Whoever reads waits for no turn.
        tokio::spawn(async move {
            if let Err(error) = seen(&daemon.store, &secret).await {
                let error = error.for_log();
                tracing::warn!(
                    event = "sign_in.unnoted",
                    error,
                    "that somebody is there can't be noted"
                );
            }
        });
    }
    let own_key = form_key(daemon, "person", &own.id);
    let key = match &absent {
        Some(absent) => form_key(daemon, "deputy", &format!("{} {}", own.id, absent.id)),
        None => own_key.clone(),
    };
    let person = absent.unwrap_or_else(|| own.clone());
    let page = path.split("/{").next().unwrap_or_default().to_owned();
    Ok(Some(Who {
        person,
        own,
        secret,
        key,
        own_key,
        second_elsewhere: manner.second_elsewhere,
        page,
        did: String::new(),
    }))
}

/// What is everybody's own, for whomever they act.
const OWN: [&str; 3] = [SECURITY, SIGN_OUT, STAND_IN];

/// In whose place a browser acts, where whoever is signed in stands in for them today. The cookie gives nothing: it says whom,
/// and that they stand in is read from the record each time.
async fn absent(
    session: &mut Session,
    daemon: &Daemon,
    headers: &HeaderMap,
    (own, path): (&StaffMember, &str),
) -> Result<Option<StaffMember>, StoreError> {
    let place = cookie(headers, place_name(is_behind_tls(headers, daemon)));
    let Some(id) = place.filter(|_| !OWN.contains(&path)) else { return Ok(None) };
    let absent = stood_in_for(session, own).await?.into_iter().map(|(absent, _)| absent);
    Ok(absent.into_iter().find(|absent| absent.id == id))
}

const fn place_name(behind_tls: bool) -> &'static str {
    if behind_tls { "__Host-zoufang-for" } else { "zoufang-for" }
}

/// The header that says in whose place a browser acts, by their id; with nothing it's for oneself again.
pub(super) fn set_place_cookie(headers: &HeaderMap, daemon: &Daemon, id: &str) -> HeaderValue {
    let behind_tls = is_behind_tls(headers, daemon);
    let (name, secure) = (place_name(behind_tls), if behind_tls { "; Secure" } else { "" });
    let ends = if id.is_empty() { "; Max-Age=0" } else { "" };
    let text = format!("{name}={id}; Path=/{ends}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// What a form of ours shows that this person, or this browser, was given it.
pub(super) fn form_key(daemon: &Daemon, whose: &str, of: &str) -> String {
    daemon.store.context().sealer.index(&["form", whose, of])
}

/// Whether a form shows its key.
pub(super) fn is_key(daemon: &Daemon, given: &str, key: &str) -> bool {
    daemon.store.context().sealer.is_same(given, key)
}

/// What was sent by a form of ours.
#[derive(Debug)]
pub(super) struct Posted {
    pub who: Who,
    pub fields: Fields,
}

/// The same by a form that may bring photos.
#[derive(Debug)]
pub(super) struct PostedPhotos {
    pub who: Who,
    pub fields: Fields,
    pub files: Vec<Upload>,
    /// Whether a script of ours sent it, which shows the answer itself.
    pub by_script: bool,
    /// What all of it takes, until it's done with.
    pub room: Taken,
}

impl<S> FromRequest<S> for Posted
where
    S: Send + Sync,
    Arc<Daemon>: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Posted, Response> {
        let daemon: Arc<Daemon> = FromRef::from_ref(state);
        let who = signed_in(&request).map_err(|refused| *refused)?;
        let fields = fields(request, state)
            .await
            .map_err(|said| say(&daemon, StatusCode::BAD_REQUEST, said))?;
        of_ours(&daemon, &who, &fields).map_err(|refused| *refused)?;
        Ok(Posted { who, fields })
    }
}

impl<S> FromRequest<S> for PostedPhotos
where
    S: Send + Sync,
    Arc<Daemon>: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<PostedPhotos, Response> {
        let daemon: Arc<Daemon> = FromRef::from_ref(state);
        let who = signed_in(&request).map_err(|refused| *refused)?;
        let by_script = text(request.headers(), "accept") == Some("application/json");
        let Sent { fields, files, room } =
            sent(request, state).await.map_err(|(status, said)| say(&daemon, status, said))?;
        of_ours(&daemon, &who, &fields).map_err(|refused| *refused)?;
        Ok(PostedPhotos { who, fields, files, by_script, room })
    }
}

fn signed_in(request: &Request) -> Result<Who, Box<Response>> {
    let who = request.extensions().get::<Who>().cloned();
    who.ok_or_else(|| Box::new(StatusCode::UNAUTHORIZED.into_response()))
}

/// Whether a form shows its key.
fn of_ours(daemon: &Daemon, who: &Who, fields: &Fields) -> Result<(), Box<Response>> {
    if is_key(daemon, fields.text("key"), &who.key) {
        return Ok(());
    }
    let said = "这一页是为别人打开的，或者已经失效，没有登记。请重新打开页面再填";
    Err(Box::new(say(daemon, StatusCode::FORBIDDEN, said)))
}

/// The cookie's name: behind TLS one that no other name of the machine can set.
const fn name(behind_tls: bool) -> &'static str {
    if behind_tls { "__Host-zoufang" } else { "zoufang" }
}

/// A cookie of a request.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value.to_owned());
    found.next().filter(|value| !value.is_empty())
}

/// What a browser shows in which somebody may be signed in.
pub(super) fn shown_secret(headers: &HeaderMap, daemon: &Daemon) -> Option<String> {
    cookie(headers, name(is_behind_tls(headers, daemon)))
}

/// The header that gives a browser its cookie, or with an empty secret takes it away.
pub(super) fn set_cookie(headers: &HeaderMap, daemon: &Daemon, secret: &str) -> HeaderValue {
    let behind_tls = is_behind_tls(headers, daemon);
    let seconds = if secret.is_empty() { 0 } else { stay(daemon).longest.as_secs() };
    let secure = if behind_tls { "; Secure" } else { "" };
    let text = format!(
        "{}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
        name(behind_tls)
    );
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// The header that gives a browser what binds it to a provider until it comes back, or with nothing takes it away. It comes back
/// from another site: Lax is as strict as that allows.
pub(super) fn set_flow_cookie(headers: &HeaderMap, daemon: &Daemon, kept: &str) -> HeaderValue {
    let behind_tls = is_behind_tls(headers, daemon);
    let seconds = if kept.is_empty() { 0 } else { LASTS.as_secs() };
    let secure = if behind_tls { "; Secure" } else { "" };
    let name = flow_name(behind_tls);
    let text = format!("{name}={kept}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// What a browser kept while it was at a provider.
pub(super) fn flow_cookie(headers: &HeaderMap, daemon: &Daemon) -> Option<String> {
    cookie(headers, flow_name(is_behind_tls(headers, daemon)))
}

const fn flow_name(behind_tls: bool) -> &'static str {
    if behind_tls { "__Host-zoufang-provider" } else { "zoufang-provider" }
}

/// Whether the browser speaks with us, or with a proxy of ours, by TLS.
pub(super) fn is_behind_tls(headers: &HeaderMap, daemon: &Daemon) -> bool {
    let forwarded = text(headers, "x-forwarded-proto").is_some_and(|proto| proto == "https");
    let public = reqwest::Url::parse(&daemon.settings.notify.public_url).ok();
    let is_public = public.is_some_and(|url| {
        url.scheme() == "https" && text(headers, "host").is_some_and(|host| is_at(&url, host))
    });
    daemon.settings.http.is_tls() || forwarded || is_public
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether an address lies at a host, which may name its port.
fn is_at(url: &reqwest::Url, host: &str) -> bool {
    let (Some(named), port) = (url.host_str(), url.port_or_known_default()) else { return false };
    let named = named.to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    host == named && url.port().is_none()
        || port.is_some_and(|port| host == format!("{named}:{port}"))
}

/// Whether something that changes comes from a page of ours: as the browser says, and where it says nothing, by the key that
/// each form shows.
fn is_of_ours(headers: &HeaderMap, daemon: &Daemon) -> bool {
    if let Some(site) = text(headers, "sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(headers, "origin") else { return true };
    let Ok(origin) = reqwest::Url::parse(origin) else { return false };
    let public = reqwest::Url::parse(&daemon.settings.notify.public_url).ok();
    let is_public = public.is_some_and(|public| public.origin() == origin.origin());
    let mut hosts = ["host", "x-forwarded-host"].into_iter().filter_map(|name| text(headers, name));
    is_public || hosts.any(|host| is_at(&origin, host))
}
