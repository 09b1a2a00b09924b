//! Who calls, and by which name: behind proxies of ours the one that they name, and by no name but our own.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::warn;

use super::server::Wire;
use crate::daemon::Daemon;
use crate::settings::{Network, Settings};

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller(pub IpAddr);

const FORWARDED: &str = "x-forwarded-for";

/// Lets a request in that calls us by a name of ours, and notes whose it is.
pub(super) async fn known(
    State(daemon): State<Arc<Daemon>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(wire) = request.extensions().get::<Wire>().copied() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let caller = caller(wire.peer, request.headers(), &daemon.settings.http.trusted_proxies);
    match called(&request) {
        Ok(hosts) => {
            if let Some(foreign) =
                hosts.iter().find(|host| !is_own(host, wire.own, &daemon.settings))
            {
                warn!(event = "http.foreign_host", address = %caller.0, "called by a name that isn't ours");
                metrics::counter!("zoufang_foreign_host_total").increment(1);
                return misdirected(foreign);
            }
        }
        Err(why) => return (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn misdirected(foreign: &str) -> Response {
    let said = format!(
        "这里不以「{foreign}」的名义提供服务：请用本机地址访问；确实要用这个名字的，请管理员写进 http.allowed_hosts\n"
    );
    (StatusCode::MISDIRECTED_REQUEST, said).into_response()
}

/// Every name by which a request calls us (RFC 9112, 3.2): none where an old client gives none, which no browser is.
fn called(request: &Request) -> Result<Vec<String>, &'static str> {
    let mut given = request.headers().get_all(header::HOST).iter();
    let host = given.next();
    if given.next().is_some() {
        return Err("请求里有两个 Host");
    }
    let named = request.uri().authority().map(|authority| name(authority.as_str()));
    let host = match host {
        Some(host) => Some(host.to_str().map_err(|_| "请求里的 Host 看不懂")?),
        None if request.version() > Version::HTTP_10 && named.is_none() => {
            return Err("请求里没有 Host");
        }
        None => None,
    };
    let host = host.map(name);
    named.into_iter().chain(host).map(|name| name.ok_or("请求里的 Host 看不懂")).collect()
}

/// A host without its port, in small letters and without a dot at its end.
fn name(host: &str) -> Option<String> {
    let authority: Authority = host.parse().ok()?;
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    (!host.is_empty() && !authority.as_str().contains('@')).then_some(host)
}

/// Whether a name is ours: this machine's, the address that was called, or a configured one.
fn is_own(host: &str, own: IpAddr, settings: &Settings) -> bool {
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    if let Ok(address) = literal {
        let address = address.to_canonical();
        return address.is_loopback()
            || address == own
            || settings
                .http
                .allowed_hosts
                .iter()
                .any(|allowed| allowed.parse::<IpAddr>() == Ok(address));
    }
    let configured = [&settings.notify.public_url, &settings.platform.media_url];
    let configured = configured.into_iter().any(|url| {
        let url = reqwest::Url::parse(url).ok();
        url.and_then(|url| url.host_str().map(|named| named.eq_ignore_ascii_case(host)))
            .unwrap_or(false)
    });
    let allowed = &settings.http.allowed_hosts;
    host == "localhost"
        || configured
        || allowed.iter().any(|name| name.trim_end_matches('.').eq_ignore_ascii_case(host))
}

/// Whose request it is: the peer's, or the one for whom a proxy of ours says that it asks. Of those that are named the
/// nearest that isn't a proxy of ours: what stands before it, anybody may have written.
fn caller(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> Caller {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.has(address));
    let mut nearest = peer;
    let named = headers.get_all(FORWARDED).iter().rev();
    let named = named.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    for name in named {
        if !is_proxy(nearest) {
            break;
        }
        match address(name) {
            Some(before) => nearest = before,
            None => break,
        }
    }
    Caller(nearest)
}

/// As proxies write them: 10.0.0.7, 10.0.0.7:4711, fd00::1, [fd00::1]:4711.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let alone = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|at| at.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    alone.or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proxies_of_ours_say_who_calls() {
        let proxies: Vec<Network> =
            ["127.0.0.1", "10.0.0.0/8"].iter().map(|one| one.parse().unwrap()).collect();
        for (peer, forwarded, caller_is) in [
            ("203.0.113.5", vec!["198.51.100.1"], "203.0.113.5"),
            ("127.0.0.1", vec![], "127.0.0.1"),
            ("127.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            // What a caller wrote stands before what our proxy added.
            ("127.0.0.1", vec!["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", vec!["1.2.3.4", "198.51.100.1, 10.1.1.1"], "198.51.100.1"),
            ("127.0.0.1", vec!["198.51.100.1:4711"], "198.51.100.1"),
            ("127.0.0.1", vec!["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", vec!["unknown"], "127.0.0.1"),
            ("127.0.0.1", vec!["198.51.100.1, "], "127.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in &forwarded {
                headers.append(FORWARDED, line.parse().unwrap());
            }
            let found = caller(peer.parse().unwrap(), &headers, &proxies);
            assert_eq!(found, Caller(caller_is.parse().unwrap()), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn a_name_is_ours_where_it_is_this_machine_or_configured() {
        let text = "[http]\nallowed_hosts = ['wall.example.cn', '10.0.0.9']\n[notify]\npublic_url = 'https://Zoufang.example.cn/a'\n";
        let settings = Settings::from_text(text, "test").unwrap();
        for (host, own, is) in [
            ("localhost", "127.0.0.1", true),
            ("localhost:8380", "127.0.0.1", true),
            ("LOCALHOST.", "127.0.0.1", true),
            ("127.0.0.1:80", "127.0.0.1", true),
            ("127.0.0.2", "127.0.0.1", true),
            ("[::1]:8380", "::1", true),
            ("127.0.0.1", "10.0.0.5", true),
            ("10.0.0.5:8380", "10.0.0.5", true),
            ("10.0.0.9", "10.0.0.5", true),
            ("10.0.0.6", "10.0.0.5", false),
            ("0.0.0.0:8380", "127.0.0.1", false),
            ("wall.example.cn", "10.0.0.5", true),
            ("zoufang.EXAMPLE.cn:443", "10.0.0.5", true),
            ("evil.example", "127.0.0.1", false),
            ("localhost.evil.example", "127.0.0.1", false),
            ("evil@localhost", "127.0.0.1", false),
            ("", "127.0.0.1", false),
        ] {
            let own = own.parse().unwrap();
            let found = name(host).is_some_and(|name| is_own(&name, own, &settings));
            assert_eq!(found, is, "{host}");
        }
    }
}
