//! What any platform must be able to do for us.

use std::fmt::Display;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;

use super::marks::ShowsMarks;
use crate::db::{Dispatch, Message, Photo};
use crate::delivery::http::{Answer, MISCONFIGURED, NoAnswer};
use crate::delivery::{LookUp, Outcome};
use crate::domain::delivery::Cause;
use crate::domain::delivery::search::{SearchResult, Sought};
use crate::domain::issue::Category;
use crate::domain::number_form::is_same;
use crate::domain::referral::PlatformUpdate;

/// A question that got no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct NoContact {
    pub reason: String,
    pub retry_after: Option<Duration>,
    pub cause: Cause,
}

impl NoContact {
    /// One that shows nothing of other questions.
    pub const fn because(reason: String) -> NoContact {
        NoContact { reason, retry_after: None, cause: Cause::Thing }
    }

    /// An answer that isn't a success.
    pub fn of_answer(answer: &Answer, words: &str) -> NoContact {
        let reason = format!("HTTP {} {words}", answer.status.as_u16()).trim_end().to_owned();
        NoContact { retry_after: answer.retry_after, ..NoContact::because(reason) }
    }

    /// What only configuration can mend.
    pub fn misconfigured(reason: impl Display) -> NoContact {
        let reason = format!("{MISCONFIGURED}: {reason}");
        NoContact { cause: Cause::Ours, ..NoContact::because(reason) }
    }

    /// Whether another question would fare no better now.
    pub fn is_of_the_platform(&self) -> bool {
        self.retry_after.is_some() || self.cause != Cause::Thing
    }

    /// What is wrong, without the word that says whose it is.
    pub fn own_fault(&self) -> &str {
        let wrong = self.reason.strip_prefix(MISCONFIGURED);
        wrong.map_or(&*self.reason, |wrong| wrong.trim_start_matches(": "))
    }
}

impl From<NoContact> for Outcome {
    /// Nothing was sent.
    fn from(NoContact { reason, retry_after, cause }: NoContact) -> Outcome {
        Outcome::NotSent { reason, retry_after, cause }
    }
}

impl From<NoContact> for LookUp {
    fn from(NoContact { reason, retry_after, cause }: NoContact) -> LookUp {
        LookUp::Failed { reason, retry_after, cause }
    }
}

impl From<Outcome> for NoContact {
    /// A question has no debt behind it: how it failed is all that counts.
    fn from(outcome: Outcome) -> NoContact {
        match outcome {
            Outcome::NotSent { reason, retry_after, cause } => {
                NoContact { reason, retry_after, cause }
            }
            Outcome::Refused { reason }
            | Outcome::Unknown { reason }
            | Outcome::Errored { reason }
            | Outcome::Accepted { reason }
            | Outcome::Unread { reason } => NoContact::because(reason),
            Outcome::Delivered(_) => NoContact::because(String::new()),
        }
    }
}

impl From<Unanswered> for NoContact {
    fn from(unanswered: Unanswered) -> NoContact {
        match unanswered {
            Unanswered::This(reason) => NoContact::because(reason),
            Unanswered::At(none) => none,
        }
    }
}

impl From<NoAnswer> for NoContact {
    fn from(none: NoAnswer) -> NoContact {
        NoContact { cause: none.cause, ..NoContact::because(none.reason) }
    }
}

/// What the platform's service list and definitions ask for and configuration doesn't give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceGap {
    pub category: Category,
    pub code: String,
    /// The attribute that the service requires; without one, the service itself isn't there.
    pub attribute: Option<String>,
}

impl ServiceGap {
    /// Where it's mended.
    pub const fn key(&self) -> &'static str {
        match self.attribute {
            None => "platform.services",
            Some(_) => "platform.attributes",
        }
    }
}

impl std::fmt::Display for ServiceGap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ServiceGap { category, code, attribute } = self;
        match attribute {
            None => {
                write!(f, "平台没有服务代码「{code}」：请改 platform.services.{}", category.code())
            }
            Some(attribute) => write!(
                f,
                "平台的服务「{code}」（{category}）要求填「{attribute}」：请在 platform.attributes 里写上；确实不用填的，值写成空"
            ),
        }
    }
}

/// What an examination of a platform found, by the key of the configuration or description that it's about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub key: String,
    pub verdict: Verdict,
    pub text: String,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Well,
    /// Worth a look; nothing goes wrong by it alone, or nobody can tell yet.
    Doubtful,
    Wrong,
}

impl Remark {
    pub fn well(key: impl Into<String>, text: impl Into<String>) -> Remark {
        Remark { key: key.into(), verdict: Verdict::Well, text: text.into() }
    }

    pub fn doubtful(key: impl Into<String>, text: impl Into<String>) -> Remark {
        Remark { key: key.into(), verdict: Verdict::Doubtful, text: text.into() }
    }

    pub fn wrong(key: impl Into<String>, text: impl Into<String>) -> Remark {
        Remark { key: key.into(), verdict: Verdict::Wrong, text: text.into() }
    }
}

/// What is remarked of a platform's clock that is so far ahead of ours.
pub(super) fn clock_remark(ahead: SignedDuration, allowed: Duration) -> Option<Remark> {
    let allowed = SignedDuration::try_from(allowed).unwrap_or(SignedDuration::MAX);
    let text = format!(
        "平台的时钟和本机差 {} 分钟，超过了这里写的：请对时，或把它写大",
        ahead.abs().as_mins()
    );
    (ahead.abs() > allowed).then(|| Remark::wrong("platform.clock_skew", text))
}

/// How it can be known whether an earlier attempt arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// The platform takes a repeated reference once: sending again is safe. It may be searched as well.
    RepeatedKey { searches: bool },
    /// [`Platform::find`] finds it.
    Search,
    /// It can't be known.
    Nothing,
}

/// What answers told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    pub updates: Vec<PlatformUpdate>,
    /// What of them couldn't be read.
    pub unread: Vec<Unread>,
    /// What stands under numbers in the place of what we wrote, where it can be told by it whose it is: the number, and that.
    pub shown: Vec<(String, String)>,
}

impl Answers {
    /// Notes what stands under numbers in the place of what we wrote.
    pub fn note_shown(
        &mut self,
        shown: impl Iterator<Item = (String, String)>,
        marks: &ShowsMarks,
    ) {
        self.shown.extend(marks.telling(shown));
    }
}

/// Something in an answer that couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What it is and where, in words that stay the same while the fault does.
    pub what: String,
    /// What stood there.
    pub sample: String,
}

/// Why a question about requests has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unanswered {
    /// The platform answers, and won't answer this: it doesn't know the number, or can't take it.
    #[error("{0}")]
    This(String),
    /// It didn't answer, or in a way that can't be used.
    #[error("{0}")]
    At(#[from] NoContact),
}

impl From<NoAnswer> for Unanswered {
    fn from(none: NoAnswer) -> Unanswered {
        Unanswered::At(none.into())
    }
}

impl Unanswered {
    /// What an answer means that isn't a success, by HTTP's code: whether it's about what was asked, or about us.
    pub(super) fn of_status(status: StatusCode, none: NoContact) -> Unanswered {
        match status.as_u16() {
            400 | 404 | 405 | 410 | 413 | 414 | 422 | 431 => Unanswered::This(none.reason),
            _ => Unanswered::At(none),
        }
    }
}

/// So many are all that a server gives, as a rule, and not all that there is.
pub(super) const CUTS: [usize; 11] = [10, 20, 25, 30, 50, 100, 200, 250, 300, 500, 1000];

/// What changed since a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    pub updates: Vec<PlatformUpdate>,
    pub unread: Vec<Unread>,
    /// From where to read next.
    pub cursor: Option<String>,
    /// There is more to read at once.
    pub more: bool,
    /// It may not have told all: what is due is asked about by number as well.
    pub unsure: bool,
}

/// From when on to read a feed whose cursor is a time: some way back before the last reading, and before now where
/// it was never read.
pub(super) fn read_from(cursor: Option<&str>, now: Timestamp, overlap: Duration) -> Timestamp {
    let last = cursor.and_then(|at| at.parse().ok()).unwrap_or(now);
    last.checked_sub(overlap).unwrap_or(Timestamp::MIN)
}

/// One platform, by whatever interface it has.
#[async_trait]
pub trait Platform: Send + Sync {
    /// How it can be looked at.
    fn looks(&self) -> Looks {
        Looks::Search
    }

    /// Whether it tells what changed, so that nobody need ask about what didn't.
    fn has_feed(&self) -> bool {
        false
    }

    /// Whether it can be asked how a request of a number stands.
    fn answers_questions(&self) -> bool {
        true
    }

    /// Whether it says, when it's asked about a number, which others took its place: that, and that it was taken back.
    fn tells_successors(&self) -> bool {
        false
    }

    /// Whether it shows our marks, where it shows what was written at all.
    fn shows_marks(&self) -> Option<&ShowsMarks> {
        None
    }

    /// Whether a word for a request's status means something here.
    fn knows_status(&self, _word: &str) -> bool {
        false
    }

    /// Whether a number can stand in a list with others.
    fn can_list(&self, remote_id: &str) -> bool {
        !remote_id.contains(',')
    }

    /// Whether it's there at all: asked where nothing else is.
    async fn greet(&self) -> Result<(), NoContact> {
        Ok(())
    }

    /// About how many numbers it can be asked at once, where it sets a limit.
    fn batch(&self) -> Option<usize> {
        None
    }

    /// The platform's own word for how one of its requests stands now; nothing where it can't be asked.
    async fn word_now(&self, remote_id: &str) -> Option<String> {
        let told = self.fetch(&[remote_id.to_owned()]).await.ok()?;
        let of_it = told.updates.into_iter().find(|update| is_same(&update.remote_id, remote_id));
        of_it.map(|update| update.word)
    }

    /// What changed since `cursor`, oldest first; from now on where there is none.
    ///
    /// # Errors
    /// [`Unanswered::This`] where it answers, and doesn't take the cursor.
    async fn changes(&self, cursor: Option<&str>) -> Result<Changed, Unanswered> {
        Ok(Changed { cursor: cursor.map(str::to_owned), ..Changed::default() })
    }

    /// Submits an issue. Its description carries the reference.
    async fn submit(&self, dispatch: &Dispatch) -> Outcome;

    /// Looks for what was sent and may have arrived. [`SearchResult::Absent`] only with proof.
    async fn find(&self, sought: &Sought) -> Result<SearchResult, NoContact>;

    /// How it can be known whether a message arrived; `None` where it takes none.
    fn looks_for_messages(&self) -> Option<Looks> {
        None
    }

    /// Tells something of a request that it has. The text carries the message's reference.
    async fn append(&self, _message: &Message) -> Outcome {
        NoContact::misconfigured("this platform takes no messages").into()
    }

    /// Looks for a message of ours, as [`Platform::find`] does for a request.
    async fn find_message(
        &self,
        _message: &Message,
        _sought: &Sought,
    ) -> Result<SearchResult, NoContact> {
        Err(NoContact::misconfigured("messages can't be looked for"))
    }

    /// How it can be known whether a photo arrived; `None` where it takes none.
    fn looks_for_photos(&self) -> Option<Looks> {
        None
    }

    /// Gives it a photo of a request that it has.
    async fn upload(&self, _photo: &Photo) -> Outcome {
        NoContact::misconfigured("this platform takes no photos").into()
    }

    /// Looks for a photo of ours, as [`Platform::find`] does for a request.
    async fn find_photo(
        &self,
        _photo: &Photo,
        _sought: &Sought,
    ) -> Result<SearchResult, NoContact> {
        Err(NoContact::misconfigured("photos can't be looked for"))
    }

    /// How the requests of these numbers stand. One that the platform doesn't mention is left out.
    async fn fetch(&self, remote_ids: &[String]) -> Result<Answers, Unanswered>;

    /// Reads what the platform called us with.
    ///
    /// # Errors
    /// What is wrong with it, for the platform's operators.
    fn pushed(&self, _body: &str) -> Result<Answers, String> {
        Err("this platform isn't described as one that calls ([push])".to_owned())
    }

    /// The number that belongs to a token, once there is one.
    async fn number_of(&self, token: &str) -> Result<Option<String>, Unanswered>;

    /// Which configured service codes the platform doesn't have.
    async fn service_gaps(&self) -> Result<Vec<ServiceGap>, NoContact>;

    /// Asks it, changing nothing, and holds what comes back against the configuration: every pointer, code and rule.
    async fn examine(&self) -> Vec<Remark> {
        Vec::new()
    }
}
