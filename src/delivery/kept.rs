//! How old an answer is that a cache on the way may have kept: what it says was so then, and not now.

use std::time::Duration;

use reqwest::header::{AGE, HeaderMap, WARNING};

/// Nobody says for how long it was kept.
pub const FOR_HOW_LONG: Duration = Duration::MAX;

/// Where caches say what they gave (RFC 9211, and what Squid, Varnish, nginx, Cloudflare and others write).
const SAID_IN: [&str; 6] = [
    "cache-status",
    "x-cache",
    "x-cache-status",
    "x-proxy-cache",
    "cf-cache-status",
    "x-varnish-cache",
];
/// Given from what was kept, without asking whether it's still so: `TCP_REFRESH_HIT`, `REVALIDATED` and the like did ask.
const GIVEN: [&str; 7] =
    ["hit", "stale", "updating", "tcp_hit", "tcp_mem_hit", "tcp_negative_hit", "tcp_stale_hit"];

/// How old an answer was when it came, as the caches on its way say: by its `Age`; where they only say that it was kept, or that
/// it's stale (RFC 7234, 5.5), nobody knows.
pub(super) fn kept(headers: &HeaderMap) -> Duration {
    let seconds = |value: &reqwest::header::HeaderValue| value.to_str().ok()?.trim().parse().ok();
    if let Some(age) = headers.get_all(AGE).iter().filter_map(seconds).max() {
        return Duration::from_secs(age);
    }
    let texts = |name: &str| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let is_stale = texts(WARNING.as_str())
        .flat_map(|text| text.split(','))
        .any(|warning| matches!(warning.split_whitespace().next(), Some("110" | "111")));
    let was_given = SAID_IN.iter().flat_map(|name| texts(name)).any(|text| {
        let text = text.to_ascii_lowercase();
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.any(|word| GIVEN.contains(&word))
    });
    if is_stale || was_given { FOR_HOW_LONG } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cache_says_how_old_an_answer_is_or_that_it_kept_it() {
        let of = |heads: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in heads {
                headers.append(*name, value.parse().unwrap());
            }
            kept(&headers)
        };
        for (heads, seconds) in [
            (&[][..], 0),
            (&[("age", "0")], 0),
            (&[("age", "90")], 90),
            (&[("age", "90"), ("x-cache", "HIT")], 90),
            (&[("age", "soon")], 0),
            (&[("x-cache", "MISS from squid")], 0),
            (&[("x-cache", "RefreshHit from cloudfront")], 0),
            (&[("x-cache", "TCP_REFRESH_HIT")], 0),
            (&[("x-cache-status", "REVALIDATED")], 0),
            (&[("cf-cache-status", "DYNAMIC")], 0),
            (&[("warning", "199 - \"since 110 days\"")], 0),
        ] {
            assert_eq!(of(heads), Duration::from_secs(seconds), "{heads:?}");
        }
        for head in [
            ("x-cache", "MISS from inner, HIT from outer"),
            ("x-cache", "TCP_HIT from a23-1"),
            ("x-cache-status", "STALE"),
            ("cache-status", "ExampleCache; hit; ttl=376"),
            ("warning", "110 squid \"Response is stale\""),
        ] {
            assert_eq!(of(&[head]), FOR_HOW_LONG, "{head:?}");
        }
    }
}
