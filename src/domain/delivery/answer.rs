//! What a receiver's answer means for what was sent, and for a look: by HTTP's code, where its own codes don't say.
//! docs/outcomes.md is this as a table, and a test holds the two together.

use serde::Deserialize;

/// What an answer's code says of what was sent with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It's there.
    Done,
    /// The receiver's no to this very thing.
    Refused,
    /// It certainly isn't there: we aren't known, or not at the right address, or it was too early.
    NotSent,
    /// It certainly isn't there, as we are too fast.
    TooMany,
    /// It may be there; whoever could still put it there has ended.
    Errored,
    /// It may be there, or come to be.
    Unknown,
}

/// What a code says of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    Answered,
    /// It isn't answered at all, now or later: the receiver doesn't know such a question.
    Refused,
    /// Not this time.
    Failed,
}

/// Codes of HTTP's that mean something of their own on one platform: 409 may be "already there", "still at it" or no.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpCodes {
    /// It's there, now or already.
    pub done: Vec<u16>,
    /// It refuses this very thing.
    pub refused: Vec<u16>,
    /// It certainly wasn't stored: later again.
    pub busy: Vec<u16>,
}

impl HttpCodes {
    fn meaning(&self, code: u16) -> Option<Meaning> {
        let lists = [
            (&self.done, Meaning::Done),
            (&self.refused, Meaning::Refused),
            (&self.busy, Meaning::NotSent),
        ];
        lists.into_iter().find(|(codes, _)| codes.contains(&code)).map(|(_, meaning)| meaning)
    }
}

/// What else an answer says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said {
    pub has_retry_after: bool,
    /// Its body is a page for people, as proxies and gateways write them.
    pub is_for_people: bool,
}

/// What a code says of what was sent. Where one isn't certain, nothing is: only 400, 410, 413 and 422 are a no to this very
/// thing, and only where the interface itself says so and no page for people, which is of something between; and only what
/// says that nothing was taken is taken to say so.
pub fn meaning(code: u16, said: Said, own: &HttpCodes) -> Meaning {
    let Said { has_retry_after, is_for_people } = said;
    own.meaning(code).unwrap_or(match code {
        200..=299 => Meaning::Done,
        400 | 410 | 413 | 422 if is_for_people => Meaning::Errored,
        400 | 410 | 413 | 422 => Meaning::Refused,
        429 => Meaning::TooMany,
        503 if has_retry_after && !is_for_people => Meaning::NotSent,
        // The server itself has failed and ended, perhaps only with its answer: 406 comes after the work as well; and caches say
        // 503 with Retry-After on a page of theirs for whatever went wrong behind them. 502 and 504 speak for one behind them
        // that may go on.
        406 | 500 | 503 => Meaning::Errored,
        // 409: already there, still at it, or no. 408 and 499: somebody between gave up waiting.
        408 | 409 | 499 => Meaning::Unknown,
        401..=499 => Meaning::NotSent,
        // A redirect after the body was sent: it may be stored where we're sent to.
        _ => Meaning::Unknown,
    })
}

/// Whether a no says that the receiver has it already: somebody between may have sent the first one on twice.
///
/// ```
/// use zoufang::domain::delivery::answer::says_it_is_there;
/// assert!(says_it_is_there("externalNo 已存在，请勿重复提交") && says_it_is_there("Reference has already been taken"));
/// assert!(!says_it_is_there("请补充后重报") && !says_it_is_there("已不属我单位职责"));
/// ```
pub fn says_it_is_there(words: &str) -> bool {
    const SAID: [&str; 10] = [
        "已存在",
        "已经存在",
        "重复提交",
        "重复上报",
        "重复请求",
        "已提交过",
        "already exist",
        "already been",
        "already submitted",
        "duplicate",
    ];
    let words = words.to_ascii_lowercase();
    SAID.iter().any(|said| words.contains(said))
}

/// What a code says of a question.
pub const fn hearing(code: u16) -> Hearing {
    match code {
        200..=299 => Hearing::Answered,
        400 | 404 | 405 | 406 | 410 | 414 | 422 | 501 => Hearing::Refused,
        _ => Hearing::Failed,
    }
}
