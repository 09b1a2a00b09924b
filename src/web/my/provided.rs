//! Signing in by an identity provider: the browser goes there, and comes back with what only this browser can have begun.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;

use super::frame::say;
use super::links::with;
use super::routes::{SECOND, TASKS};
use super::sign_in::{Next, address, entered, form, own};
use super::who::{at_the_door, flow_cookie, set_flow_cookie, shown_secret, stay};
use crate::app::accounts::Entered;
use crate::app::claimed::{sign_in, take_state};
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::domain::identity::Way;
use crate::identity::{Fault, Flow, Returned, Trouble};
use crate::web::guesses::Guesses;
use crate::web::unavailable::unavailable;

/// A longer address of ours isn't gone to afterwards: a browser keeps it while it's away.
const LONGEST_NEXT: usize = 512;

/// A configured way, by its name in the address.
fn way(daemon: &Daemon, name: &str) -> Option<Way> {
    Way::ALL.iter().copied().find(|way| way.code() == name && daemon.providers.has(*way))
}

fn unconfigured(daemon: &Daemon) -> Response {
    say(daemon, StatusCode::NOT_FOUND, "没有开通这种登录方式：请从登录页面登录")
}

/// GET /my/sign-in/{way}
pub(super) async fn begin(
    State(daemon): State<Arc<Daemon>>,
    Path(name): Path<String>,
    Query(Next { next }): Query<Next>,
    headers: HeaderMap,
) -> Response {
    let Some(way) = way(&daemon, &name) else { return unconfigured(&daemon) };
    let next = if next.len() > LONGEST_NEXT { TASKS } else { own(&next) };
    let context = daemon.store.context();
    let flow = Flow::begin(way, next, &context.chance, context.clock.wire_millis());
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let to = match daemon.providers.begin(&flow, agent.unwrap_or_default()).await {
        Ok(to) => to,
        Err(trouble) => {
            failed(way, &trouble);
            let values = context! { next, wrong => trouble.said };
            return form(&daemon, &headers, StatusCode::BAD_GATEWAY, values);
        }
    };
    match flow.seal(&context.sealer) {
        Ok(kept) => {
            let kept = set_flow_cookie(&headers, &daemon, &kept);
            ([(header::SET_COOKIE, kept)], Redirect::to(&to)).into_response()
        }
        Err(error) => unavailable(&error.into()),
    }
}

/// A provider doesn't do what it should; who tried isn't at fault.
fn failed(way: Way, trouble: &Trouble) {
    tracing::warn!(
        event = "sign_in.provider_failed",
        way = way.code(),
        why = trouble.name,
        detail = trouble.detail,
        "nobody was signed in by the provider"
    );
}

/// GET /my/sign-in/{way}/back
pub(super) async fn finish(
    State(daemon): State<Arc<Daemon>>,
    Extension(guesses): Extension<Arc<Guesses>>,
    Path(name): Path<String>,
    returned: Result<Query<Returned>, QueryRejection>,
    request: Request,
) -> Response {
    let Some(way) = way(&daemon, &name) else { return unconfigured(&daemon) };
    let returned = returned.map(|Query(returned)| returned).unwrap_or_default();
    let door = Door { guesses: &guesses, address: address(&request), way };
    let headers = request.headers();
    let flow = match door.begun(&daemon, headers, &returned) {
        Ok(flow) => flow,
        Err(answer) => return *answer,
    };
    let mut answer = door.let_in(&daemon, headers, (&flow, &returned)).await;
    // What it kept is good once; what came of another way takes nothing from it.
    answer.headers_mut().append(header::SET_COOKIE, set_flow_cookie(headers, &daemon, ""));
    answer
}

/// Where somebody comes back.
struct Door<'d> {
    guesses: &'d Guesses,
    address: IpAddr,
    way: Way,
}

impl Door<'_> {
    /// The way to the provider that this browser set out on, where that's what comes back.
    fn begun(
        &self,
        daemon: &Daemon,
        headers: &HeaderMap,
        returned: &Returned,
    ) -> Result<Flow, Box<Response>> {
        let not = |status, said: &str| {
            Box::new(form(daemon, headers, status, context! { next => TASKS, wrong => said }))
        };
        if let Some(wait) = self.guesses.wait(self.address) {
            let said = format!("这里登录不成的次数太多，请 {} 秒后再试", wait.as_secs() + 1);
            return Err(not(StatusCode::TOO_MANY_REQUESTS, &said));
        }
        let context = daemon.store.context();
        let flow = flow_cookie(headers, daemon).and_then(|kept| {
            let now = context.clock.wire_millis();
            Flow::open(&kept, &context.sealer, (self.way, &returned.state, now))
        });
        flow.ok_or_else(|| {
            // Nothing is guessed by it: what opens the way is in the browser alone.
            self.note("foreign_state");
            not(StatusCode::FORBIDDEN, &astray(daemon))
        })
    }

    async fn let_in(
        &self,
        daemon: &Daemon,
        headers: &HeaderMap,
        (flow, returned): (&Flow, &Returned),
    ) -> Response {
        let again = |status, next: &str, said: &str| {
            form(daemon, headers, status, context! { next, wrong => said })
        };
        let store = at_the_door(daemon);
        // Without a code nothing is asked for, and nothing used up: nobody fills the record by coming back so.
        if returned.brings_code() {
            match take_state(&store, &flow.state, flow.until()).await {
                Ok(true) => {}
                Ok(false) => {
                    self.refused("state_used");
                    return again(StatusCode::FORBIDDEN, &flow.next, USED);
                }
                Err(error) => return unavailable(&error),
            }
        }
        let claimed = match daemon.providers.finish(flow, returned).await {
            Ok(claimed) => claimed,
            Err(trouble) => return again(self.not_in(&trouble), &flow.next, &trouble.said),
        };
        let before = shown_secret(headers, daemon);
        match sign_in(&store, &claimed, before.as_deref(), stay(daemon)).await {
            Ok(Entered::In(secret)) => entered(daemon, headers, &secret, &flow.next),
            Ok(Entered::Half(secret)) => {
                let to = with(SECOND, &[("next", &flow.next)]);
                entered(daemon, headers, &secret, &to)
            }
            Ok(Entered::Not(why)) => {
                self.refused("not_let_in");
                again(StatusCode::UNAUTHORIZED, &flow.next, &why)
            }
            Err(StoreError::Rule(why)) => again(StatusCode::SERVICE_UNAVAILABLE, TASKS, &why),
            Err(error) => unavailable(&error),
        }
    }

    /// The provider vouches for nobody.
    fn not_in(&self, trouble: &Trouble) -> StatusCode {
        match trouble.fault {
            Fault::Guess => self.refused(&trouble.name),
            Fault::Person | Fault::Provider => failed(self.way, trouble),
        }
        match trouble.fault {
            Fault::Guess | Fault::Person => StatusCode::UNAUTHORIZED,
            Fault::Provider => StatusCode::BAD_GATEWAY,
        }
    }

    /// Counts as a wrong password does.
    fn refused(&self, why: &str) {
        self.guesses.wrong(self.address);
        self.note(why);
    }

    fn note(&self, why: &str) {
        tracing::warn!(
            event = "sign_in.refused",
            address = %self.address,
            way = self.way.code(),
            why,
            "somebody couldn't sign in by a provider"
        );
    }
}

const USED: &str = "没有登录：这一次登录已经用过。请重新点登录按钮，不要刷新或退回";

/// Where what came back isn't what this browser went with.
fn astray(daemon: &Daemon) -> String {
    let public = daemon.settings.notify.public_url.trim_end_matches('/');
    format!(
        "没有登录：这不是这个浏览器刚才开始的登录，或者离开超过了 10 分钟，或者浏览器不让保存 Cookie。请允许 Cookie，从 {public}/my 打开登录页面，再点一次登录按钮"
    )
}
