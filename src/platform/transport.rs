//! The way to the platform: what the outbox carries there, sent and looked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::NoContact;
use super::absence::Absence;
use super::{Looks, Platform};
use crate::db::{Content, ListGap, Receipt, Store, StoreError};
use crate::delivery::{Attempt, Entry, LookUp, Outcome, Transport};
use crate::domain::delivery::search::{Gap, KnownGaps, Lag, SearchResult, Sought, Subject, ZONES};
use crate::domain::issue::Category;
use crate::domain::referral::PHOTO;

/// Takes referrals, messages and photos to one platform.
pub struct PlatformTransport {
    store: Store,
    platform: Arc<dyn Platform>,
    clock_skew: Duration,
    list_lag: Duration,
    absence: Absence,
}

impl PlatformTransport {
    /// `clock_skew` is how far the platform's clock may be from ours, `list_lag` how far its lists may be behind at the most.
    pub fn new(
        store: Store,
        platform: Arc<dyn Platform>,
        clock_skew: Duration,
        list_lag: Duration,
    ) -> PlatformTransport {
        PlatformTransport { store, platform, clock_skew, list_lag, absence: Absence::default() }
    }

    /// By which it's told that whoever runs this was away.
    pub fn absence(&self) -> Absence {
        self.absence.clone()
    }
}

#[async_trait]
impl Transport for PlatformTransport {
    async fn load(
        &self,
        entries: &[Entry],
    ) -> Result<HashMap<String, Box<dyn Attempt>>, StoreError> {
        let contents = self.store.contents(entries).await?;
        let attempt = |(target, content)| {
            let attempt = PlatformAttempt {
                store: self.store.clone(),
                platform: Arc::clone(&self.platform),
                clock_skew: self.clock_skew,
                list_lag: self.list_lag,
                absence: self.absence.clone(),
                entry: entries.iter().find(|entry| entry.target_id == target).cloned(),
                content,
            };
            (target, Box::new(attempt) as Box<dyn Attempt>)
        };
        Ok(contents.into_iter().map(attempt).collect())
    }
}

/// For so long, in milliseconds, a platform that knows repetitions is trusted to know one.
const KEYS_LAST: i64 = 20 * 3_600_000;

/// What is said of a referral that the platform has more than once.
const SEVERAL: &str = "平台上有的上报不止一件，多半是中间的网关发了两次：系统跟踪先列出的那一件，请到平台上核对，撤销多出的";
/// What is said of a platform's lists that leave out what is known to be there, and show what is later.
const LEAVES_OUT: &str = "平台的清单不按先后、或者有的不列出来：确知送达的没有列出，更晚的却列出了。没列出来的要多等一段时间、或由人核对，才重发；请到平台上核对有没有没列出的、为什么";
/// For so long, in milliseconds, what was seen of its lists is held against them.
const REMEMBERED: i64 = 30 * 24 * 3_600_000;
/// What is said of one that the platform has though the record believes that it was never sent.
const PUT_BACK: &str = "平台上已有本系统以为还没有发出的上报，没有重发：这台机器多半恢复成了较早的样子，请核对恢复以后有没有少了导入的表和办理记录";

/// Puts something onto the status page; that it can't be isn't worth a failure.
pub async fn note(store: &Store, what: &str, sample: String) {
    let noted = async {
        let mut tx = store.begin().await?;
        tx.note_platform(&[(what.to_owned(), sample)]).await?;
        tx.commit().await
    };
    if let Err(error) = noted.await {
        let error = error.for_log();
        warn!(event = "platform.not_noted", error, "what was odd can't be written");
    }
}

struct PlatformAttempt {
    store: Store,
    platform: Arc<dyn Platform>,
    clock_skew: Duration,
    list_lag: Duration,
    absence: Absence,
    entry: Option<Entry>,
    content: Content,
}

impl PlatformAttempt {
    /// What is looked for, with the time in which it can have arrived, by the platform's clock in whatever zone, and what
    /// is known to be there.
    async fn sought(&self, entry: &Entry) -> Result<Sought, StoreError> {
        let now = self.store.context().clock.now();
        let at = |millis: Option<i64>| {
            millis.and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or(now)
        };
        let (first, around) = (at(entry.first_attempt_at), self.clock_skew + ZONES);
        let (subject, words) = match &self.content {
            Content::Referral(dispatch) => (
                Subject { reference: dispatch.reference.clone(), ..Subject::default() },
                &*dispatch.text,
            ),
            Content::Message(message) => {
                let (reference, remote_id) = (message.reference.clone(), message.remote_id.clone());
                (Subject { reference, remote_id }, &*message.text)
            }
            Content::Photo(photo) => {
                let (reference, remote_id) = (photo.reference.clone(), photo.remote_id.clone());
                (Subject { reference, remote_id }, PHOTO)
            }
        };
        Ok(Sought {
            subject,
            category: self.category(),
            words: words.to_owned(),
            from: first.checked_sub(around).unwrap_or(Timestamp::MIN),
            to: now.checked_add(around).unwrap_or(Timestamp::MAX),
            // One that was never settled may have been sent as late as its lease ended.
            sent: at(entry.last_attempt_at.max(entry.unknown_since)),
            controls: self.store.controls(entry).await?,
            lag: Lag { gaps: self.known_gaps().await?, ..self.lag(entry, now) },
        })
    }

    /// What the platform has of one that the record believes was never sent, where the record may be an older memory. A look
    /// that fails says nothing: then it's not sent yet.
    async fn sent_before(&self) -> Result<Option<Receipt>, NoContact> {
        let (Content::Referral(dispatch), Some(entry), Some(since)) =
            (&self.content, &self.entry, self.absence.doubted_since())
        else {
            return Ok(None);
        };
        if entry.unknown_since.is_some() || self.platform.looks() != Looks::Search {
            return Ok(None);
        }
        let asked = Entry { first_attempt_at: Some(since), ..entry.clone() };
        let sought = self.sought(&asked).await;
        let sought = sought.map_err(|error| NoContact::because(error.for_log()))?;
        let found = match self.platform.find(&sought).await {
            Ok(SearchResult::Found(receipt) | SearchResult::Several(receipt, _)) => Some(receipt),
            Err(none) if self.absence.waits_for_an_answer() => return Err(none),
            Ok(_) | Err(_) => None,
        };
        self.absence.told(found.is_some());
        if found.is_some() {
            note(&self.store, PUT_BACK, dispatch.reference.clone()).await;
        }
        Ok(found)
    }

    /// How far the platform's list may be behind, by our clock.
    fn lag(&self, entry: &Entry, now: Timestamp) -> Lag {
        let shown = entry.list_lag.map(SignedDuration::from_millis);
        Lag { now, shown, longest: self.longest(), gaps: KnownGaps::default() }
    }

    fn longest(&self) -> SignedDuration {
        let longest = self.store.context().clock.in_real_time(self.list_lag);
        SignedDuration::try_from(longest).unwrap_or(SignedDuration::MAX)
    }

    const fn category(&self) -> Option<Category> {
        match &self.content {
            Content::Referral(dispatch) => Some(dispatch.category),
            Content::Message(_) | Content::Photo(_) => None,
        }
    }

    /// What earlier looks have shown of the platform's lists: of its requests, or of what is told about them.
    async fn known_gaps(&self) -> Result<KnownGaps, StoreError> {
        let own = self.category().map_or("", |category| category.code());
        let since = self.store.context().clock.millis() - REMEMBERED;
        let gaps = self.store.list_gaps(since).await?;
        let alike = gaps.iter().filter(|gap| gap.category.is_empty() == own.is_empty());
        let behind = alike.map(|gap| SignedDuration::from_millis(gap.behind)).max();
        let omits = |gap: &ListGap| {
            gap.category == own && SignedDuration::from_millis(gap.behind) >= self.longest()
        };
        Ok(KnownGaps {
            behind: behind.unwrap_or_default(),
            omits: !own.is_empty() && gaps.iter().any(omits),
        })
    }

    /// Remembers that the platform's list left something out, for the looks to come, and says so.
    async fn remember(&self, gap: &Gap) {
        let since = self.store.context().clock.millis() - REMEMBERED;
        let kept = async {
            let mut tx = self.store.begin().await?;
            tx.note_list_gap(gap, since).await?;
            tx.commit().await
        };
        if let Err(error) = kept.await {
            let error = error.for_log();
            warn!(event = "platform.not_noted", error, "what was odd can't be written");
        }
        let category = gap.category.map(|category| format!("（{}）", category.chinese()));
        let minutes = gap.behind.as_mins();
        let sample = format!(
            "{}{}送达已经 {minutes} 分钟，没有列出来",
            gap.reference,
            category.unwrap_or_default()
        );
        note(&self.store, LEAVES_OUT, sample).await;
    }

    /// How it can be looked for, where its receiver says that it has it: a repeated key would send it again.
    fn ways(&self, entry: &Entry) -> Looks {
        let platform = &self.platform;
        let looks = match self.content {
            Content::Referral(_) => platform.looks(),
            Content::Message(_) => platform.looks_for_messages().unwrap_or(Looks::Nothing),
            Content::Photo(_) => platform.looks_for_photos().unwrap_or(Looks::Nothing),
        };
        let since = entry.first_attempt_at.unwrap_or_default();
        let age = self.store.context().clock.millis().saturating_sub(since);
        match looks {
            // Whoever knows a repetition forgets the key, as a rule within a day.
            Looks::RepeatedKey { searches } if age >= KEYS_LAST || entry.accepted_at.is_some() => {
                if searches {
                    Looks::Search
                } else {
                    Looks::Nothing
                }
            }
            looks => looks,
        }
    }
}

#[async_trait]
impl Attempt for PlatformAttempt {
    async fn send(&self) -> Outcome {
        match self.sent_before().await {
            Ok(None) => {}
            Ok(Some(receipt)) => return Outcome::Delivered(receipt),
            Err(none) => return none.into(),
        }
        match &self.content {
            Content::Referral(dispatch) => self.platform.submit(dispatch).await,
            Content::Message(message) => self.platform.append(message).await,
            Content::Photo(photo) => self.platform.upload(photo).await,
        }
    }

    async fn look(&self, entry: &Entry) -> LookUp {
        match self.ways(entry) {
            Looks::RepeatedKey { searches: false } => LookUp::Repeatable,
            Looks::Nothing => LookUp::Blind,
            Looks::Search => self.search(entry).await,
            // That it knows repetitions is only what is said of it: what is seen there needn't be sent again.
            Looks::RepeatedKey { searches: true } => match self.search(entry).await {
                found @ LookUp::Found(_) => found,
                _ => LookUp::Repeatable,
            },
        }
    }
}

impl PlatformAttempt {
    async fn search(&self, entry: &Entry) -> LookUp {
        let platform = &self.platform;
        let sought = match self.sought(entry).await {
            Ok(sought) => sought,
            Err(error) => {
                return NoContact::because(error.to_string()).into();
            }
        };
        let seen = match &self.content {
            Content::Referral(_) => platform.find(&sought).await,
            Content::Message(message) => platform.find_message(message, &sought).await,
            Content::Photo(photo) => platform.find_photo(photo, &sought).await,
        };
        match seen {
            Ok(SearchResult::Found(receipt)) => LookUp::Found(receipt),
            Ok(SearchResult::Several(receipt, numbers)) => {
                let several = format!("{}：{}", sought.subject.reference, numbers.join("、"));
                note(&self.store, SEVERAL, several).await;
                LookUp::Found(receipt)
            }
            Ok(SearchResult::Absent) => LookUp::Absent,
            Ok(SearchResult::Unproven(reason)) => {
                let for_want_of_a_control = sought.controls.is_empty();
                LookUp::Unproven { reason, for_want_of_a_control, lag: None }
            }
            Ok(SearchResult::LeavesOut { why: reason, gap }) => {
                self.remember(&gap).await;
                LookUp::Unproven { reason, for_want_of_a_control: false, lag: None }
            }
            Ok(SearchResult::TooEarly { why: reason, lag }) => {
                let lag = lag.and_then(|lag| i64::try_from(lag.as_millis()).ok());
                LookUp::Unproven { reason, for_want_of_a_control: true, lag }
            }
            Ok(SearchResult::Mute { why: reason, by_itself }) => LookUp::Mute { reason, by_itself },
            Err(none) => none.into(),
        }
    }
}
