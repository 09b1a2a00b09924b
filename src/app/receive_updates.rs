//! Receives the platform's answers: each kept once, and applied by the platform's time to the referrals that it is about.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tracing::error;

use super::issues::{Happening, happen};
use crate::clock::{local_text, span_millis};
use crate::db::{OpenReferral, Receipt, Store, StoreError, Tx};
use crate::domain::following::{Answer, Fault, Following, Trouble, by_update_ids, in_order};
use crate::domain::referral::{PlatformUpdate, is_own_message};

/// How many answers a turn takes.
pub const ANSWERS: usize = 100;

/// What is noted in the turn of the last answers, so that whatever dies before that begins anew: what was kept is known.
#[derive(Debug, Clone, Copy)]
pub enum End<'e> {
    Nothing,
    /// Where the feed of changes is read from next.
    Feed(&'e str),
    /// The id of the platform's own call.
    Push(&'e str),
    /// These referrals were asked about; the platform gave these numbers for tokens, and no answer about some for a reason
    /// of their own, each by the referral's id.
    Asked {
        referrals: &'e [&'e OpenReferral],
        numbers: &'e HashMap<String, String>,
        troubles: &'e HashMap<String, Trouble>,
    },
}

/// What is about nobody here is kept so long, as its number may still come to be known: a feed tells of a whole city.
const OF_NOBODY: Duration = Duration::from_hours(90 * 24);
/// How many of these a turn forgets.
const FORGOTTEN: i64 = 500;

/// Forgets old answers that are about nobody here. How many.
///
/// # Errors
/// Where the record can't be read or written: the next night goes on.
pub async fn forget_answers_of_nobody(store: &Store) -> Result<usize, StoreError> {
    let before = store.context().clock.millis() - span_millis(OF_NOBODY);
    let (mut gone, mut after) = (0, String::new());
    loop {
        let mut snapshot = store.snapshot().await?;
        let found = snapshot.answers_of_nobody(before, &after, FORGOTTEN).await?;
        snapshot.end().await?;
        let Some(last) = found.last() else { return Ok(gone) };
        after.clone_from(last);
        let mut tx = store.begin().await?;
        tx.forget_answers(&found).await?;
        tx.commit().await?;
        gone += found.len();
    }
}

/// Keeps answers in short turns, however many, and notes their end with the last of them. How many of them were new.
///
/// # Errors
/// Where the record can't be written: the platform is asked again then, or calls again.
pub async fn receive_all(
    store: &Store,
    updates: &[PlatformUpdate],
    end: End<'_>,
) -> Result<usize, StoreError> {
    let ordered: Vec<PlatformUpdate> = in_order(updates).into_iter().cloned().collect();
    let heard_at = store.context().clock.millis();
    let (mut news, mut rest) = (0, ordered.as_slice());
    loop {
        let (now, later) = rest.split_at(rest.len().min(ANSWERS));
        let end = if later.is_empty() { end } else { End::Nothing };
        news += match receive_some(store, now, heard_at, end).await {
            Err(error) if error.is_of_the_data() => {
                let news = receive_each(store, now, heard_at).await?;
                receive_some(store, &[], heard_at, end).await?;
                news
            }
            done => done?,
        };
        if later.is_empty() {
            return Ok(news);
        }
        rest = later;
    }
}

/// Some answers in a turn of their own, with their end. A panic is a fault of what they say, and nothing of them is kept.
async fn receive_some(
    store: &Store,
    updates: &[PlatformUpdate],
    heard_at: i64,
    end: End<'_>,
) -> Result<usize, StoreError> {
    let turn = async {
        let mut tx = store.begin().await?;
        let news = hear(&mut tx, updates, heard_at).await?;
        note_end(&mut tx, end).await?;
        tx.commit().await?;
        Ok(news)
    };
    let broken = |_| Err(StoreError::Rule("处理答复时程序出错".to_owned()));
    AssertUnwindSafe(turn).catch_unwind().await.unwrap_or_else(broken)
}

/// One answer that can't be taken for a reason of its own stops no other: it's noted, and said on the status page.
async fn receive_each(
    store: &Store,
    updates: &[PlatformUpdate],
    heard_at: i64,
) -> Result<usize, StoreError> {
    let mut news = 0;
    for update in updates {
        match receive_some(store, std::slice::from_ref(update), heard_at, End::Nothing).await {
            Ok(more) => news += more,
            Err(error) if error.is_of_the_data() => {
                error!(event = "poll.untaken", error = error.for_log(), "an answer can't be taken");
                let mut tx = store.begin().await?;
                let sample = format!("编号 {}，状态「{}」", update.remote_id, update.word);
                tx.note_platform(&[(NOT_TAKEN.to_owned(), sample)]).await?;
                tx.commit().await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(news)
}

/// What is said of an answer that the record couldn't take.
const NOT_TAKEN: &str = "平台的答复记不下来，请把这一条告诉程序维护人员";
/// What is said of answers that are dated after now.
const DATED_LATER: &str = "平台写的办理时间比现在晚，多半是平台把当地时间标成了世界时：请设 platform.times = \"Asia/Shanghai\"，或请平台对时";
/// What is said of what the platform is at though it had refused it and something else was begun with it.
const TAKEN_BACK: &str = "平台重新受理了它退回过的上报，而这里已经另行处理：请与平台商定由谁办，不要办两遍，多出的请平台撤销";
/// A clock may go so far ahead before anything is said of it.
const AHEAD: SignedDuration = SignedDuration::from_hours(2);

/// Notes answers of which the platform says that they are still to come.
async fn note_later(tx: &mut Tx, updates: &[&PlatformUpdate]) -> Result<(), StoreError> {
    let now = Timestamp::from_millisecond(tx.now()).unwrap_or(Timestamp::MAX);
    let ahead =
        |update: &&&PlatformUpdate| update.at.is_some_and(|at| at.duration_since(now) > AHEAD);
    let Some((update, at)) = updates.iter().find(ahead).and_then(|u| Some((u, u.at?))) else {
        return Ok(());
    };
    let hours = at.duration_since(now).as_hours();
    let sample = format!("编号 {} 写的是 {}，晚 {hours} 小时", update.remote_id, local_text(at));
    tx.note_platform(&[(DATED_LATER.to_owned(), sample)]).await
}

/// Notes that the platform is at what it had refused, where something else was begun with it here.
async fn note_taken_back(tx: &mut Tx, taken_back: &[(String, String)]) -> Result<(), StoreError> {
    let Some((referral, number)) = taken_back.first() else { return Ok(()) };
    let reference = tx.reference_of(referral).await?;
    let sample = format!("{reference}，编号 {number}");
    tx.note_platform(&[(TAKEN_BACK.to_owned(), sample)]).await
}

async fn note_end(tx: &mut Tx, end: End<'_>) -> Result<(), StoreError> {
    match end {
        End::Nothing => Ok(()),
        End::Feed(cursor) => tx.keep_cursor(cursor).await,
        End::Push(id) => tx.keep_push(id).await,
        End::Asked { referrals, numbers, troubles } => {
            let mut troubles = troubles.clone();
            let own = own_numbers(tx, referrals, numbers, &mut troubles).await?;
            referrals_numbered(tx, &own).await?;
            let numbered: HashSet<&str> = own.iter().map(|(id, _)| *id).collect();
            let asked = referrals.iter().filter(|open| !numbered.contains(open.id.as_str()));
            tx.polled(&asked.copied().collect::<Vec<_>>(), &troubles).await
        }
    }
}

/// Of the numbers that the platform gave, by the referral's id, those that are that referral's own: one number is one
/// referral's. The others go on by their tokens, and it's said why.
async fn own_numbers<'n>(
    tx: &mut Tx,
    referrals: &[&OpenReferral],
    numbers: &'n HashMap<String, String>,
    troubles: &mut HashMap<String, Trouble>,
) -> Result<Vec<(&'n str, &'n str)>, StoreError> {
    let given: Vec<(&str, &str)> =
        numbers.iter().map(|(id, number)| (id.as_str(), number.as_str())).collect();
    let others = tx.numbers_of_others(&given).await?;
    let mut own = Vec::new();
    for (id, number) in given {
        let several = numbers.values().filter(|given| *given == number).count() > 1;
        let whose = match others.get(id) {
            Some(other) => format!("已经是 {other} 的"),
            None if several => "同时给了另一件".to_owned(),
            None => {
                own.push((id, number));
                continue;
            }
        };
        let token =
            referrals.iter().find(|open| open.id == id).and_then(|open| open.token.as_ref());
        let by = token.map_or_else(|| "没有编号".to_owned(), |token| format!("凭证 {token}"));
        let why = format!("{by}：平台回答 给的编号 {number} {whose}，一个编号只能属于一件");
        troubles.insert(id.to_owned(), Trouble { why, fault: Fault::Its });
    }
    Ok(own)
}

/// How many referrals a turn makes due.
const DUE: i64 = 2_000;

/// Makes every open referral due for a look now.
///
/// # Errors
/// Where the record can't be written.
pub async fn ask_about_all(store: &Store) -> Result<(), StoreError> {
    loop {
        let mut tx = store.begin().await?;
        let due = tx.poll_now(DUE).await?;
        tx.commit().await?;
        if due == 0 {
            return Ok(());
        }
    }
}

/// Takes the platform's own call, once where it has an id; how many of its updates were new.
///
/// # Errors
/// Where the record can't be written: the platform calls again then.
pub async fn receive_push(
    store: &Store,
    id: Option<&str>,
    updates: &[PlatformUpdate],
) -> Result<usize, StoreError> {
    match id {
        Some(id) if store.knows_push(id).await? => Ok(0),
        Some(id) => receive_all(store, updates, End::Push(id)).await,
        None => receive_all(store, updates, End::Nothing).await,
    }
}

/// Keeps answers, each once, and applies them. How many of them were new.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn receive(tx: &mut Tx, updates: &[PlatformUpdate]) -> Result<usize, StoreError> {
    let now = tx.now();
    hear(tx, updates, now).await
}

/// The same of a reading that was begun at `heard_at`.
async fn hear(tx: &mut Tx, updates: &[PlatformUpdate], heard_at: i64) -> Result<usize, StoreError> {
    let theirs: Vec<&PlatformUpdate> =
        updates.iter().filter(|update| !is_own_message(&update.text)).collect();
    note_later(tx, &theirs).await?;
    let theirs = in_known_forms(tx, &theirs).await?;
    let news =
        tx.keep_updates(&theirs.iter().map(Cow::as_ref).collect::<Vec<_>>(), heard_at).await?;
    let ids: Vec<&str> = news.iter().map(|(id, _)| id.as_str()).collect();
    let numbers: HashSet<&str> = news.iter().map(|(_, number)| number.as_str()).collect();
    apply(tx, &numbers, &ids).await?;
    Ok(news.len())
}

/// What is said of numbers that are known here in another form is said of those.
async fn in_known_forms<'u>(
    tx: &mut Tx,
    updates: &[&'u PlatformUpdate],
) -> Result<Vec<Cow<'u, PlatformUpdate>>, StoreError> {
    let named = |update: &&'u PlatformUpdate| -> Vec<&'u str> {
        let successors = update.successors.iter().map(String::as_str);
        std::iter::once(update.remote_id.as_str()).chain(successors).collect()
    };
    let known = tx.known_forms(&updates.iter().flat_map(named).collect::<Vec<_>>()).await?;
    let in_form = |update: &&'u PlatformUpdate| {
        if !named(update).iter().any(|number| known.contains_key(*number)) {
            return Cow::Borrowed(*update);
        }
        let own = |number: &String| known.get(number).unwrap_or(number).clone();
        let successors = update.successors.iter().map(own).collect();
        Cow::Owned(PlatformUpdate {
            remote_id: own(&update.remote_id),
            successors,
            ..(*update).clone()
        })
    };
    Ok(updates.iter().map(in_form).collect())
}

/// The platform has given the numbers that belong to tokens: referrals with the number of each.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn referrals_numbered(tx: &mut Tx, numbered: &[(&str, &str)]) -> Result<(), StoreError> {
    if numbered.is_empty() {
        return Ok(());
    }
    tx.number_referrals(numbered).await?;
    apply_early(tx, &numbered.iter().map(|(_, number)| *number).collect::<Vec<_>>()).await
}

/// The platform has these referrals, each by its number or by a token: the issues that wait for that go on, and what was said
/// of the numbers before is applied.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn referrals_delivered(
    tx: &mut Tx,
    delivered: &[(&str, &Receipt)],
) -> Result<(), StoreError> {
    if delivered.is_empty() {
        return Ok(());
    }
    tx.put_delivered(delivered).await?;
    tx.issues_referred(&delivered.iter().map(|(id, _)| *id).collect::<Vec<_>>()).await?;
    let numbers = delivered.iter().filter_map(|(_, receipt)| receipt.remote_id.as_deref());
    apply_early(tx, &numbers.collect::<Vec<_>>()).await
}

/// Applies what was said of these numbers before they were known.
async fn apply_early(tx: &mut Tx, numbers: &[&str]) -> Result<(), StoreError> {
    apply(tx, &numbers.iter().copied().collect(), &[]).await
}

/// Applies what was kept for these numbers and not applied yet, in the order of the platform's time, and among equals
/// in the order in which it came (`order`, ids). What is about a number that isn't known yet waits.
async fn apply(tx: &mut Tx, numbers: &HashSet<&str>, order: &[&str]) -> Result<(), StoreError> {
    let mut numbers: HashSet<String> = numbers.iter().map(|number| (*number).to_owned()).collect();
    let mut answers: Vec<Answer> = Vec::new();
    let mut asked: Vec<String> = numbers.iter().cloned().collect();
    // What an answer names in its number's place may itself have been spoken of.
    while !asked.is_empty() {
        let waiting = tx.waiting_answers(&asked).await?;
        let named = waiting.iter().flat_map(Answer::named);
        asked = named.filter(|n| numbers.insert((*n).to_owned())).map(str::to_owned).collect();
        answers.extend(waiting);
    }
    if answers.is_empty() {
        return Ok(());
    }
    let place: HashMap<&str, usize> =
        order.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    answers
        .sort_by_key(|answer| (answer.at, answer.heard_at, place.get(answer.id.as_str()).copied()));
    by_update_ids(&mut answers);
    let numbers: Vec<String> = numbers.into_iter().collect();
    let (referrals, issues) = tx.followed(&numbers).await?;
    let mut following = Following::new(referrals, issues, tx.context().close_needs_answer);
    for answer in answers {
        following.take(answer)?;
    }
    let follows = following.end();
    tx.write_followed(&follows).await?;
    note_taken_back(tx, &follows.taken_back).await?;
    let said = |(issue_id, event)| Happening { issue_id, event, actor: "platform".to_owned() };
    happen(tx, &follows.events.into_iter().map(said).collect::<Vec<_>>()).await
}
