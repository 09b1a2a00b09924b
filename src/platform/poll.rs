//! Follows what the platform has: by its feed of changes, else young referrals often and old ones seldom;
//! all of them each night. What it can't say of one is that one's outcome, and the others are followed on.

use std::collections::{HashMap, HashSet};

use tracing::{debug, warn};

use super::asking::{Questions, Told};
use super::others::{keep, recall};
use super::{Changed, NoContact, Platform, Unanswered, Unread};
use crate::app::receive_updates::{End, ask_about_all, forget_answers_of_nobody, receive_all};
use crate::db::{OpenReferral, Store, StoreError};
use crate::delivery::http::TOO_LONG;
use crate::domain::reason::{in_words, name_of};
use crate::domain::referral::PlatformUpdate;

/// What a poll did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Polled {
    pub asked: usize,
    pub answers: usize,
    pub news: usize,
}

/// What of a platform is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Referrals whose time it is.
    All,
    /// Of those, only the ones that have no number yet: a feed tells of the others.
    Numbers,
}

/// No reading of a feed turns more pages; the next one goes on from there.
const MOST_PAGES: usize = 200;

/// Learns what changed: by the platform's feed where it has one, so that the cost grows with what changed and
/// not with what is open; else by asking about every referral that is due, `batch` at a time. What wasn't asked because
/// the platform didn't answer stays due.
pub async fn poll(
    store: &Store,
    platform: &dyn Platform,
    batch: usize,
) -> Result<Polled, StoreError> {
    let mut polled = Polled::default();
    let due = match platform.has_feed() {
        true => match read_feed(store, platform, &mut polled).await? {
            Feed::Silent => return Ok(polled),
            Feed::Read => Due::Numbers,
            Feed::Doubtful => Due::All,
        },
        false => Due::All,
    };
    ask_due(store, platform, batch, due, &mut polled).await?;
    if polled.asked == 0 && !platform.has_feed() {
        greet(store, platform).await?;
    }
    Ok(polled)
}

/// A platform that nobody has to ask anything is greeted: one that is gone is seen before it's needed.
async fn greet(store: &Store, platform: &dyn Platform) -> Result<(), StoreError> {
    let lane = store.context().platform_lane.clone();
    match platform.greet().await {
        Ok(()) => store.mark_asked(&lane, None).await.map(drop),
        Err(none) => silent(store, &lane, &none).await,
    }
}

/// How the reading of a feed went.
enum Feed {
    /// The platform didn't answer.
    Silent,
    Read,
    /// It may not have told all.
    Doubtful,
}

/// Reads the feed to its end. What a page told and where the next one begins are kept together.
async fn read_feed(
    store: &Store,
    platform: &dyn Platform,
    polled: &mut Polled,
) -> Result<Feed, StoreError> {
    let lane = store.context().platform_lane.clone();
    let mut cursor = store.feed_cursor().await?;
    // A cursor that comes again leads round in a circle.
    let (mut read_from, mut feed) = (HashSet::from([cursor.clone()]), Feed::Read);
    let mut before = Vec::new();
    for _ in 0..MOST_PAGES {
        let changed = match changes(store, platform, cursor.as_deref()).await? {
            Ok(changed) => changed,
            Err(none) => {
                silent(store, &lane, &none).await?;
                return Ok(Feed::Silent);
            }
        };
        feed = if changed.unsure { Feed::Doubtful } else { feed };
        polled.answers += changed.updates.len();
        note(store, &changed.unread, &changed.updates).await?;
        let end = changed.cursor.as_deref().map_or(End::Nothing, End::Feed);
        polled.news += receive_all(store, &changed.updates, end).await?;
        store.mark_asked(&lane, None).await?;
        cursor = changed.cursor;
        // So does a last page that is given again under ever new cursors.
        let is_again = !changed.updates.is_empty() && changed.updates == before;
        if !changed.more || is_again || !read_from.insert(cursor.clone()) {
            return Ok(feed);
        }
        before = changed.updates;
    }
    warn!(event = "poll.endless", %lane, "the feed of changes has no end; it's gone on with at the next poll");
    let sample = format!("读了 {MOST_PAGES} 页还没有读完，下次接着读");
    let endless = Unread { what: "平台的更新清单读不到头".to_owned(), sample };
    note(store, &[endless], &[]).await?;
    Ok(feed)
}

/// What changed since a cursor. Where the platform doesn't take that any more, having forgotten it or holding more since
/// then than can be read, the feed is begun anew, and all that is open is asked about: what lies between may be lost.
async fn changes(
    store: &Store,
    platform: &dyn Platform,
    cursor: Option<&str>,
) -> Result<Result<Changed, NoContact>, StoreError> {
    let refused = match platform.changes(cursor).await {
        Ok(changed) => return Ok(Ok(changed)),
        Err(Unanswered::This(reason)) => NoContact::because(reason),
        Err(Unanswered::At(none)) if none.reason.starts_with(TOO_LONG) => none,
        Err(Unanswered::At(none)) => return Ok(Err(none)),
    };
    if cursor.is_none() {
        return Ok(Err(refused));
    }
    let Ok(begun) = platform.changes(None).await else { return Ok(Err(refused)) };
    if begun.cursor.as_deref() != cursor {
        let why = name_of(&refused.reason);
        warn!(
            event = "poll.begun_anew",
            why, "the feed of changes is begun anew: its cursor isn't taken any more"
        );
        let sample = in_words(&refused.reason).said;
        note(store, &[Unread { what: BEGUN_ANEW.to_owned(), sample }], &[]).await?;
        ask_about_all(store).await?;
    }
    Ok(Ok(Changed { unsure: true, ..begun }))
}

/// What is said of a feed that had to be begun anew.
const BEGUN_ANEW: &str = "平台的更新清单接不上上次读到的地方，已从头读起，并逐件查问在办的；一再出现的，请平台查看清单保留多久";

async fn silent(store: &Store, lane: &str, none: &NoContact) -> Result<(), StoreError> {
    let why = name_of(&none.reason);
    if store.mark_asked(lane, Some(&none.reason)).await? {
        warn!(event = "poll.unanswered", %lane, why, "the platform didn't answer; asked again at the next poll");
    } else {
        debug!(event = "poll.unanswered", %lane, why, "the platform still doesn't answer");
    }
    Ok(())
}

/// Notes what couldn't be read.
async fn note(
    store: &Store,
    unread: &[Unread],
    updates: &[PlatformUpdate],
) -> Result<(), StoreError> {
    for update in updates.iter().filter(|update| update.status.is_none()) {
        warn!(
            event = "poll.unknown_word",
            letters = update.word.chars().count(),
            "a status that configuration doesn't know; kept, not applied"
        );
    }
    // One of each kind says what is wrong.
    let notes: HashMap<&str, &str> =
        unread.iter().map(|unread| (unread.what.as_str(), unread.sample.as_str())).collect();
    if notes.is_empty() {
        return Ok(());
    }
    let notes: Vec<(String, String)> =
        notes.into_iter().map(|(what, sample)| (what.to_owned(), sample.to_owned())).collect();
    let mut tx = store.begin().await?;
    tx.note_platform(&notes).await?;
    tx.commit().await
}

async fn ask_due(
    store: &Store,
    platform: &dyn Platform,
    batch: usize,
    what: Due,
    polled: &mut Polled,
) -> Result<(), StoreError> {
    let lane = store.context().platform_lane.clone();
    let batch = platform.batch().unwrap_or(batch).max(1);
    let limit = i64::try_from(batch).unwrap_or(i64::MAX);
    // What is due again before the poll has ended was asked by it.
    let mut seen = HashSet::new();
    let mut questions = Questions::new(platform, batch, store.context().clock.millis());
    recall(store, platform).await?;
    loop {
        let due = match what {
            Due::All => store.due_polls(limit, platform.tells_successors()).await?,
            Due::Numbers => store.due_numbers(limit).await?,
        };
        let mut more = false;
        for open in &due {
            more |= seen.insert(open.id.clone());
        }
        if !more {
            return Ok(());
        }
        let (mut told, silence) = questions.ask(&due).await;
        let silence = questions.blame(&mut told, silence).await;
        told.leave_out_others(store, &due).await?;
        keep(store, platform).await?;
        let Told { answers, numbers, troubles, asked } = told;
        polled.asked += if questions.put() { asked.len() } else { 0 };
        polled.answers += answers.updates.len();
        note(store, &answers.unread, &answers.updates).await?;
        let referrals: Vec<&OpenReferral> =
            due.iter().filter(|open| asked.contains(&open.id)).collect();
        let end = End::Asked { referrals: &referrals, numbers: &numbers, troubles: &troubles };
        polled.news += receive_all(store, &answers.updates, end).await?;
        debug!(event = "poll.done", asked = asked.len(), answers = answers.updates.len(), "polled");
        if let Some(none) = silence {
            return silent(store, &lane, &none).await;
        }
        if questions.put() {
            store.mark_asked(&lane, None).await?;
        }
    }
}

/// Makes every open referral due, then polls: what was missed for any reason is found within a day.
pub async fn sweep(
    store: &Store,
    platform: &dyn Platform,
    batch: usize,
) -> Result<Polled, StoreError> {
    ask_about_all(store).await?;
    let mut polled = Polled::default();
    ask_due(store, platform, batch, Due::All, &mut polled).await?;
    forget_answers_of_nobody(store).await?;
    Ok(polled)
}
