//! Receives the platform's answers: each kept once, and applied by the platform's time to the referrals that it is about.

use std::collections::{HashMap, HashSet};

use super::issues::{Happening, happen};
use crate::db::{OpenReferral, Receipt, Store, StoreError, Tx};
use crate::domain::following::{Answer, Following};
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
    /// These referrals were asked about; the platform gave these numbers for tokens, by the referral's id.
    Asked {
        referrals: &'e [OpenReferral],
        numbers: &'e HashMap<&'e str, String>,
    },
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
    let (mut news, mut rest) = (0, updates);
    loop {
        let (now, later) = rest.split_at(rest.len().min(ANSWERS));
        let mut tx = store.begin().await?;
        news += receive(&mut tx, now).await?;
        if later.is_empty() {
            note_end(&mut tx, end).await?;
        }
        tx.commit().await?;
        if later.is_empty() {
            return Ok(news);
        }
        rest = later;
    }
}

async fn note_end(tx: &mut Tx, end: End<'_>) -> Result<(), StoreError> {
    match end {
        End::Nothing => Ok(()),
        End::Feed(cursor) => tx.keep_cursor(cursor).await,
        End::Push(id) => tx.keep_push(id).await,
        End::Asked { referrals, numbers } => {
            let numbered: Vec<(&str, &str)> =
                numbers.iter().map(|(id, number)| (*id, number.as_str())).collect();
            referrals_numbered(tx, &numbered).await?;
            let asked = referrals.iter().filter(|open| !numbers.contains_key(open.id.as_str()));
            tx.polled(&asked.collect::<Vec<_>>()).await
        }
    }
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

/// Takes the platform's own call, once; how many of its updates were new.
///
/// # Errors
/// Where the record can't be written: the platform calls again then.
pub async fn receive_push(
    store: &Store,
    id: &str,
    updates: &[PlatformUpdate],
) -> Result<usize, StoreError> {
    if store.knows_push(id).await? {
        return Ok(0);
    }
    receive_all(store, updates, End::Push(id)).await
}

/// Keeps answers, each once, and applies them. How many of them were new.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn receive(tx: &mut Tx, updates: &[PlatformUpdate]) -> Result<usize, StoreError> {
    let theirs: Vec<&PlatformUpdate> =
        updates.iter().filter(|update| !is_own_message(&update.text)).collect();
    let news = tx.keep_updates(&theirs).await?;
    let ids: Vec<&str> = news.iter().map(|(id, _)| id.as_str()).collect();
    let numbers: HashSet<&str> = news.iter().map(|(_, number)| number.as_str()).collect();
    apply(tx, &numbers, &ids).await?;
    Ok(news.len())
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
    let mut answers: Vec<(i64, Answer)> = Vec::new();
    let mut asked: Vec<String> = numbers.iter().cloned().collect();
    // What an answer names in its number's place may itself have been spoken of.
    while !asked.is_empty() {
        let waiting = tx.waiting_answers(&asked).await?;
        let named = waiting.iter().flat_map(|(_, answer)| answer.successors.iter());
        asked = named.filter(|number| numbers.insert((*number).clone())).cloned().collect();
        answers.extend(waiting);
    }
    if answers.is_empty() {
        return Ok(());
    }
    let place: HashMap<&str, usize> =
        order.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    answers.sort_by_key(|(received, answer)| {
        (answer.at, *received, place.get(answer.id.as_str()).copied())
    });
    let numbers: Vec<String> = numbers.into_iter().collect();
    let (referrals, issues) = tx.followed(&numbers).await?;
    let mut following = Following::new(referrals, issues, tx.context().close_needs_answer);
    for (_, answer) in answers {
        following.take(answer)?;
    }
    let follows = following.end();
    tx.write_followed(&follows).await?;
    let said = |(issue_id, event)| Happening { issue_id, event, actor: "platform".to_owned() };
    happen(tx, &follows.events.into_iter().map(said).collect::<Vec<_>>()).await
}
