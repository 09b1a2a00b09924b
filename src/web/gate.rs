//! Who may, before anything else of a request is looked at: whoever knows a route's secret. Who doesn't is counted, slowed, and
//! named in the log by route and address.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tracing::{info, warn};

use super::caller::Caller;
use super::guesses::Guesses;

/// The answer for one who may not.
pub(super) type Refusal = Box<Response>;

/// Counts who was wrong.
#[derive(Debug)]
pub(super) struct Gate(Guesses);

/// Whoever is mending a configuration makes some mistakes.
const FREE: u32 = 5;

impl Default for Gate {
    fn default() -> Gate {
        Gate(Guesses::after(FREE))
    }
}

impl Gate {
    /// Whether this caller may try now.
    ///
    /// # Errors
    /// The answer for one who was wrong too often.
    pub fn may_try(&self, route: &'static str, Caller(address): Caller) -> Result<(), Refusal> {
        match self.0.wait(address) {
            None => Ok(()),
            Some(wait) => Err(Box::new(slowed(route, address, wait))),
        }
    }

    /// Whether this caller shows the secret as bearer token.
    ///
    /// # Errors
    /// The answer for one who doesn't.
    pub fn bearer(
        &self,
        route: &'static str,
        caller: Caller,
        headers: &HeaderMap,
        secret: &[u8],
    ) -> Result<(), Refusal> {
        self.may_try(route, caller)?;
        let refused = match bearer(headers) {
            Some(given) if same(given.as_bytes(), secret) => {
                self.right(caller);
                return Ok(());
            }
            Some(_) => asking(self.wrong(route, caller, "secret", "密钥不对\n")),
            None => unshown(route, caller),
        };
        Err(Box::new(refused))
    }

    /// This caller was right.
    pub fn right(&self, Caller(address): Caller) {
        self.0.right(address);
    }

    /// This caller gave a wrong secret: it's counted.
    pub fn wrong(
        &self,
        route: &'static str,
        caller: Caller,
        why: &'static str,
        said: &str,
    ) -> Response {
        self.0.wrong(caller.0);
        refuse(route, caller, why, said)
    }
}

/// The answer for one who may not.
pub(super) fn refuse(
    route: &'static str,
    Caller(address): Caller,
    why: &'static str,
    said: &str,
) -> Response {
    note_refusal(route, address, why);
    (StatusCode::UNAUTHORIZED, said.to_owned()).into_response()
}

/// Notes that somebody wasn't let in.
pub(super) fn note_refusal(route: &'static str, address: IpAddr, why: &'static str) {
    metrics::counter!("zoufang_auth_refused_total", "route" => route).increment(1);
    warn!(event = "auth.refused", route, %address, why, "not who may do this");
}

fn slowed(route: &'static str, address: IpAddr, wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    metrics::counter!("zoufang_auth_slowed_total", "route" => route).increment(1);
    info!(event = "auth.slowed", route, %address, seconds, "was wrong too often, and waits");
    let said = format!("错得太多，请 {seconds} 秒后再试\n");
    let again = [(header::RETRY_AFTER, seconds.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, again, said).into_response()
}

/// The token that a request shows, if it shows one.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    given.strip_prefix("Bearer ").map(str::trim)
}

/// The answer for one who shows nothing. Nobody guesses by that.
pub(super) fn unshown(route: &'static str, caller: Caller) -> Response {
    let said = "没有带密钥：请用 Authorization: Bearer\n";
    asking(refuse(route, caller, "no_secret", said))
}

fn asking(mut refused: Response) -> Response {
    let ask = HeaderValue::from_static("Bearer");
    refused.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
    refused
}

/// Compared as MACs: how long it takes says nothing of the secret.
fn same(given: &[u8], own: &[u8]) -> bool {
    let mac = |text: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(own).ok()?;
        mac.update(text);
        Some(mac)
    };
    match (mac(given), mac(own)) {
        (Some(given), Some(own)) => given.verify_slice(&own.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}
