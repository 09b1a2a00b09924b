//! What an HTTP answer, or its absence, says about whether a debt arrived.

use std::fmt::Display;
use std::io::Read;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, PRAGMA,
    RETRY_AFTER,
};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode};

use super::Outcome;
use super::charset::Charset;
use super::kept::kept;
use crate::clock::real_millis;
use crate::domain::delivery::Cause;
use crate::domain::delivery::answer::{HttpCodes, Meaning, Said, meaning};
use crate::domain::mask;

/// Opens the reason of what only configuration can mend.
pub const MISCONFIGURED: &str = "misconfigured";
/// Opens the reason why an answer that is longer than is ever read wasn't.
pub const TOO_LONG: &str = "too_long";
/// The longest answer that is read.
const LONGEST_BODY: usize = 4 << 20;

/// Certificates beside those that every machine trusts, as PEM; and through which proxy.
#[derive(Clone, Default)]
pub struct Tls {
    pub ca: Option<Vec<u8>>,
    /// Our own, with its key.
    pub client_certificate: Option<Vec<u8>>,
    pub proxy: Proxy,
}

/// Through which proxy a connection goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Through none, whatever the environment says: it may be somebody's who logged in.
    #[default]
    None,
    /// As HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say.
    Environment,
    Address(String),
}

/// A client that follows no redirect: a referral sent to another address is not a referral sent.
pub fn client(timeout: Duration, tls: &Tls) -> Result<Client, reqwest::Error> {
    builder(timeout, tls)?.build()
}

/// The certificate that whoever answers at an address shows, as DER; nothing where nobody does.
pub async fn certificate(address: &str, timeout: Duration, tls: &Tls) -> Option<Vec<u8>> {
    let client = builder(timeout, tls).ok()?.tls_info(true).build().ok()?;
    let answer = client.head(address).send().await.ok()?;
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>()?;
    info.peer_certificate().map(<[u8]>::to_vec)
}

fn builder(timeout: Duration, tls: &Tls) -> Result<ClientBuilder, reqwest::Error> {
    // The first to come sets it for the whole process; whoever comes later finds it set.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder();
    if let Some(ca) = &tls.ca {
        builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(ca)?);
    }
    if let Some(certificate) = &tls.client_certificate {
        builder = builder.identity(reqwest::Identity::from_pem(certificate)?);
    }
    builder = match &tls.proxy {
        Proxy::None => builder.no_proxy(),
        Proxy::Environment => builder,
        Proxy::Address(address) => builder.no_proxy().proxy(reqwest::Proxy::all(address)?),
    };
    // What a cache kept of a list says nothing of what has arrived since (RFC 9111, 5.2.1.4).
    let fresh = [(CACHE_CONTROL, "no-cache"), (PRAGMA, "no-cache")];
    let fresh = fresh.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok(builder
        .default_headers(fresh.into_iter().collect())
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        // Heads as old servers write them: a name with a blank in it or behind it, a line that goes on in the next.
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("zoufang/", env!("CARGO_PKG_VERSION"))))
}

/// An answer that was read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub body: String,
    pub retry_after: Option<Duration>,
    /// What its sender's clock said.
    pub date: Option<jiff::Timestamp>,
    /// How old it was when it came: a cache on the way may have kept it.
    pub age: Duration,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub struct NoAnswer {
    pub reason: String,
    /// False only where the request certainly never left.
    pub may_have_arrived: bool,
    pub cause: Cause,
}

impl NoAnswer {
    /// One that was there, and couldn't be read.
    fn unread(reason: String) -> NoAnswer {
        NoAnswer { reason, may_have_arrived: true, cause: Cause::Thing }
    }
}

/// Sends a request and reads its answer, at most 4 MiB of it.
pub async fn ask(request: RequestBuilder) -> Result<Answer, NoAnswer> {
    ask_in(request, Charset::default()).await
}

/// As [`ask`], where it's known in which character set the receiver answers.
pub async fn ask_in(request: RequestBuilder, charset: Charset) -> Result<Answer, NoAnswer> {
    let mut response = request.send().await.map_err(|error| no_answer(&error))?;
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    let (date, age) = (date(response.headers()), kept(response.headers()));
    let body = read_body(&mut response).await?;
    let packing = response.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let bytes = unpacked(body, packing.unwrap_or_default())?;
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let body = charset.read(&bytes, content_type).map_err(NoAnswer::unread)?;
    Ok(Answer { status, body, retry_after, date, age })
}

async fn read_body(response: &mut Response) -> Result<Vec<u8>, NoAnswer> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(&error))? {
        if body.len() + chunk.len() > LONGEST_BODY {
            let reason = format!("{TOO_LONG}: the answer is longer than {LONGEST_BODY} bytes");
            return Err(NoAnswer::unread(reason));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Some compress for whoever didn't ask for it. No text begins as gzip does (RFC 1952, 2.3.1); what is called deflate is often
/// bare (RFC 9110, 8.4.1.2).
fn unpacked(bytes: Vec<u8>, packing: &str) -> Result<Vec<u8>, NoAnswer> {
    let packed = bytes.as_slice();
    if packed.starts_with(&[0x1f, 0x8b]) {
        return unpack(flate2::read::MultiGzDecoder::new(packed));
    }
    match packing.trim().to_ascii_lowercase().as_str() {
        "deflate" if packed.first().is_some_and(|first| first & 0x0f == 8) => {
            unpack(flate2::read::ZlibDecoder::new(packed))
        }
        "deflate" => unpack(flate2::read::DeflateDecoder::new(packed)),
        "br" | "zstd" | "compress" => Err(NoAnswer::unread(format!("compressed: {packing}"))),
        _ => Ok(bytes),
    }
}

fn unpack(unpacking: impl Read) -> Result<Vec<u8>, NoAnswer> {
    let mut body = Vec::new();
    let most = u64::try_from(LONGEST_BODY).unwrap_or(u64::MAX).saturating_add(1);
    match unpacking.take(most).read_to_end(&mut body) {
        Err(error) => Err(NoAnswer::unread(format!("compressed: {error}"))),
        Ok(_) if body.len() > LONGEST_BODY => {
            Err(NoAnswer::unread(format!("{TOO_LONG}: unpacked")))
        }
        Ok(_) => Ok(body),
    }
}

fn no_answer(error: &reqwest::Error) -> NoAnswer {
    let mut reason = String::new();
    let mut source: Option<&dyn std::error::Error> = Some(error);
    // The outermost message names the whole address, query and all; the causes say what happened.
    while let Some(cause) = source.and_then(std::error::Error::source) {
        reason = format!("{reason}{}{cause}", if reason.is_empty() { "" } else { ": " });
        source = Some(cause);
    }
    let name = if error.is_timeout() {
        "timeout"
    } else if reason.to_lowercase().contains("certificate") {
        "certificate"
    } else if error.is_connect() {
        "not_connected"
    } else {
        "cut_off"
    };
    let reason = if reason.is_empty() { name.to_owned() } else { format!("{name}: {reason}") };
    // Where either side's certificate isn't taken, nothing that was said reaches whoever would store it.
    let never_left = error.is_connect() || error.is_builder() || name == "certificate";
    let cause = match name {
        "certificate" | "not_connected" => Cause::Receiver,
        _ => Cause::Thing,
    };
    NoAnswer { reason, may_have_arrived: !never_left, cause }
}

/// `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3); a date by the clock of the one who wrote it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(text).ok()?.timestamp();
    let now = date(headers).or(Timestamp::from_millisecond(real_millis()).ok())?;
    Some(until.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Some(rfc2822::parse(text.trim()).ok()?.timestamp())
}

/// What a failure to get an answer means for a debt.
impl From<NoAnswer> for Outcome {
    fn from(none: NoAnswer) -> Outcome {
        if none.may_have_arrived {
            Outcome::Unknown { reason: none.reason }
        } else {
            Outcome::NotSent { reason: none.reason, retry_after: None, cause: none.cause }
        }
    }
}

/// The receiver says that we are too fast.
pub fn too_many(why: impl Display, retry_after: Option<Duration>) -> Outcome {
    Outcome::NotSent { reason: format!("too_many: {why}"), retry_after, cause: Cause::TooMany }
}

/// What an answer that isn't a success means for a debt.
pub fn failed(answer: &Answer, words: &str) -> Outcome {
    judged(answer, words, &HttpCodes::default()).unwrap_or_else(|| Outcome::Unknown {
        reason: format!("HTTP {} {}", answer.status.as_u16(), mask::numbers(words)),
    })
}

/// Whether an answer that is taken for done says so by HTTP's code alone.
pub fn says_no_more(answer: &Answer) -> bool {
    !answer.status.is_success() || answer.body.trim().is_empty()
}

/// Whether a body is a page for people, as proxies and gateways write them.
fn is_for_people(body: &str) -> bool {
    let start: String = body.trim_start().chars().take(60).collect::<String>().to_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// What an answer means for a debt by HTTP's code, where some have a meaning of their own; nothing where it's done.
pub fn judged(answer: &Answer, words: &str, own: &HttpCodes) -> Option<Outcome> {
    let code = answer.status.as_u16();
    let retry_after = answer.retry_after;
    let reason = match code {
        300..=399 => format!("redirected: HTTP {code}: mend the address"),
        code => format!("HTTP {code} {}", mask::numbers(words)),
    };
    let is_for_people = is_for_people(&answer.body);
    match meaning(code, Said { has_retry_after: retry_after.is_some(), is_for_people }, own) {
        Meaning::Done => None,
        Meaning::Refused => Some(Outcome::Refused { reason }),
        Meaning::NotSent => Some(Outcome::NotSent { reason, retry_after, cause: Cause::Thing }),
        Meaning::TooMany => Some(too_many(reason, retry_after)),
        Meaning::Errored => Some(Outcome::Errored { reason }),
        Meaning::Unknown => Some(Outcome::Unknown { reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_says_when_to_come_back_in_seconds_or_by_a_date() {
        let asked = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            retry_after(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(asked("120", None), Some(120));
        // By their own clock, whatever ours says.
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(asked("Sun, 06 Nov 1994 08:51:37 GMT", date), Some(120));
        assert_eq!(asked("Sun, 06 Nov 1994 08:40:00 GMT", date), Some(0), "it has passed");
        assert_eq!(asked("Sun, 06 Nov 1994 08:51:37 GMT", None), Some(0));
        assert_eq!(asked("soon", None), None);
    }
}
