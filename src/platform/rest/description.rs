//! A platform described as data: which calls it has, what they carry, and where their answers say what.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::delivery::answer::HttpCodes;
use crate::domain::issue::Category;
use crate::domain::referral::PlatformStatus;
use crate::platform::times::TimeFormat;

/// A platform's file, such as those under config/platforms/.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    pub name: String,
    #[serde(default)]
    pub authentication: Authentication,
    /// Whether a submission repeated under the same reference is taken once by the platform itself.
    #[serde(default)]
    pub knows_repeated_reference: bool,
    pub submit: Call,
    /// Finds what may have arrived: by the reference, or by the window of time (templates have both).
    pub find: Option<Call>,
    /// Tells something of a request that the platform has.
    pub append: Option<Call>,
    /// Whether a message repeated under the same reference is taken once by the platform itself.
    #[serde(default)]
    pub knows_repeated_message: bool,
    /// Finds a message that may have arrived.
    pub find_message: Option<Call>,
    /// Gives the platform a photo.
    pub photo: Option<PhotoCall>,
    /// Whether a photo repeated under the same reference is taken once by the platform itself.
    #[serde(default)]
    pub knows_repeated_photo: bool,
    /// Finds a photo that may have arrived.
    pub find_photo: Option<Call>,
    /// How the requests of some numbers stand.
    pub status: Option<Call>,
    /// How many numbers one status call may name.
    #[serde(default = "one")]
    pub status_batch: usize,
    /// What changed since a cursor.
    pub changes: Option<Changes>,
    /// Where the platform's own calls say what.
    pub push: Option<AnswerRules>,
    /// Our area codes and the platform's; one that isn't here is sent as it is.
    #[serde(default)]
    pub areas: BTreeMap<String, String>,
    /// Our categories and the platform's codes.
    pub categories: BTreeMap<Category, String>,
    /// The platform's words, in lower case, and what they mean.
    pub statuses: BTreeMap<String, PlatformStatus>,
}

impl Description {
    /// Every call that it has, by the name of its table.
    pub fn calls(&self) -> impl Iterator<Item = (&'static str, &Call)> {
        let calls = [
            ("submit", Some(&self.submit)),
            ("find", self.find.as_ref()),
            ("append", self.append.as_ref()),
            ("find_message", self.find_message.as_ref()),
            ("photo", self.photo.as_ref().map(|photo| &photo.call)),
            ("find_photo", self.find_photo.as_ref()),
            ("status", self.status.as_ref()),
            ("changes", self.changes.as_ref().map(|changes| &changes.call)),
        ];
        calls.into_iter().filter_map(|(name, call)| Some((name, call?)))
    }

    /// Everything in it that is filled in.
    pub fn templates(&self) -> Vec<&str> {
        let calls = self.calls().flat_map(|(_, call)| call.templates());
        let fields = self.photo.iter().flat_map(PhotoCall::field_templates);
        calls.chain(fields).chain(self.authentication.templates()).collect()
    }
}

fn one() -> usize {
    1
}

/// One call: templates in minijinja's language, and how its answer is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    #[serde(default = "get")]
    pub method: String,
    /// Below the platform's endpoint.
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
    #[serde(default = "json")]
    pub content_type: String,
    #[serde(default)]
    pub answer: AnswerRules,
}

fn get() -> String {
    "GET".to_owned()
}

fn json() -> String {
    "application/json; charset=utf-8".to_owned()
}

impl Call {
    /// Everything in it that is filled in.
    pub fn templates(&self) -> impl Iterator<Item = &str> {
        [&self.path, &self.body].into_iter().chain(self.headers.values()).map(String::as_str)
    }
}

/// Where an answer says what: JSON pointers (RFC 6901), and the codes that mean something.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRules {
    /// The platform's own code for how the call went; without it HTTP's code says so.
    pub code: Option<String>,
    /// The codes that mean: done.
    #[serde(default)]
    pub done: Vec<String>,
    /// The codes by which it refuses this very request.
    #[serde(default)]
    pub refused: Vec<String>,
    /// The codes that ask to come again later: it was certainly not stored.
    #[serde(default)]
    pub busy: Vec<String>,
    /// The codes that say that it doesn't know us (any more), as where a token has ended: it was certainly not stored, and
    /// is asked once more with a new token.
    #[serde(default)]
    pub unauthenticated: Vec<String>,
    /// The same of HTTP's codes, where they mean something of their own.
    #[serde(default)]
    pub http: HttpCodes,
    /// The platform's words for how the call went.
    pub message: Option<String>,
    /// The list of things; without it the whole answer is one thing, or a list of them.
    pub items: Option<String>,
    /// Within a thing, from here on: the platform's number.
    pub id: Option<String>,
    /// What carries our reference.
    pub reference: Option<String>,
    pub status: Option<String>,
    pub text: Option<String>,
    /// The number, or numbers, under which the platform goes on with it: joined to another, split, renumbered.
    pub successors: Option<String>,
    /// The platform's own number of what it tells, where a feed has one: what it tells again is then known by it, and
    /// numbers that count tell the order.
    pub update_id: Option<String>,
    pub time: Option<String>,
    #[serde(default)]
    pub time_format: TimeFormat,
    /// How many things there are in all, by the platform's own count.
    pub total: Option<String>,
    /// How many things a page is said to hold.
    pub page_size: Option<usize>,
}

/// How a photo goes: in a body template by `base64`, or as a file among the fields of a form.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoCall {
    #[serde(flatten)]
    pub call: Call,
    /// The form's field that holds the file; without it the body template is sent.
    pub file_field: Option<String>,
    /// The form's other fields.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

impl PhotoCall {
    fn field_templates(&self) -> impl Iterator<Item = &str> {
        self.fields.values().map(String::as_str)
    }
}

/// A feed of changes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    #[serde(flatten)]
    pub call: Call,
    /// Where the answer gives the next cursor. Without it the cursor is the time, and each reading goes back
    /// by `platform.feed_overlap`.
    pub next_cursor: Option<String>,
}

/// How the platform knows us. Its secret is `platform.api_key` or `platform.api_key_file`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Authentication {
    #[default]
    None,
    Bearer,
    Basic {
        user: String,
    },
    /// The secret in a header.
    Header {
        name: String,
    },
    /// Client credentials (RFC 6749, 4.4).
    Oauth2 {
        token_url: String,
        client_id: String,
        #[serde(default)]
        scope: String,
    },
    /// A signature over a text of the request's parts.
    Signed {
        algorithm: Algorithm,
        #[serde(default)]
        key_id: String,
        /// What is signed; templates have method, path, query, body, body_sha256, timestamp,
        /// timestamp_millis, nonce and key_id.
        text: String,
        encoding: Encoding,
        /// The headers that carry it; templates have the same, and signature.
        headers: BTreeMap<String, String>,
    },
}

impl Authentication {
    fn templates(&self) -> Vec<&str> {
        match self {
            Authentication::Signed { text, headers, .. } => {
                headers.values().map(String::as_str).chain([text.as_str()]).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    HmacSha256,
    /// SM3 (GB/T 32905).
    HmacSm3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    Hex,
    Base64,
}
