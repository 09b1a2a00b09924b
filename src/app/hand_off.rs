//! Hands referrals to a person where the platform has no interface, and takes what comes back from there.

pub use super::centre::Word;
use super::centre::tell_centre;
use super::issues::referral_refused;
use super::receive_updates::{receive, referrals_delivered};
use crate::db::{Handoff, Receipt, Return, Returned, Store, StoreError, Tx, Upsert};
use crate::domain::following::Standing;
use crate::domain::number_form::is_same;
use crate::domain::referral::{PlatformStatus, PlatformUpdate, Told, meaning};

/// Puts what is owed now, at most `limit`, into a new hand-off, and tells the one who uploads in the words that `words`
/// gives; `None` where nothing is owed.
///
/// # Errors
/// Where the record can't be written: nothing was handed off then.
pub async fn hand_off(
    store: &Store,
    limit: i64,
    words: impl FnOnce(&Handoff) -> Word,
) -> Result<Option<Handoff>, StoreError> {
    let today = store.context().clock.today();
    let mut tx = store.begin().await?;
    let Some(handoff) = tx.hand_off(today, limit).await? else {
        tx.rollback().await?;
        return Ok(None);
    };
    tell_centre(&mut tx, &words(&handoff)).await?;
    tx.commit().await?;
    Ok(Some(handoff))
}

/// Tells the one who uploads of something besides.
///
/// # Errors
/// Where the record can't be written.
pub async fn tell_uploader(store: &Store, word: &Word) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    tell_centre(&mut tx, word).await?;
    tx.commit().await
}

/// What a row that came back was about, and what it did.
pub struct Came {
    pub reference: String,
    pub upsert: Upsert,
}

/// Takes a row that came back. `None` where it's about nothing that is known here.
///
/// # Errors
/// [`StoreError::Rule`] where it contradicts the record.
pub async fn take_return(tx: &mut Tx, row: &Return) -> Result<Option<Came>, StoreError> {
    let Some(known) = tx.returned_referral(row).await? else {
        return Ok(None);
    };
    if known.state == "cancelled" {
        return Err(StoreError::Rule(format!(
            "「{}」已经撤回，不该再录入平台；请与平台联系作废",
            known.reference
        )));
    }
    if takes_back_an_end(tx, &known, row) {
        return Err(StoreError::Rule(format!(
            "「{}」登记的是已办结，表里却是「{}」，又没有写办理时间：像是一份旧表。平台真的重新办理了，请填上办理时间；是旧表，请不要再交",
            known.reference,
            row.word.as_deref().unwrap_or_default()
        )));
    }
    let came = |upsert| Some(Came { reference: known.reference.clone(), upsert });
    let (number, numbered) = match (&known.remote_id, &row.remote_id) {
        (Some(number), None) => (number.clone(), false),
        (Some(_), Some(given)) if tx.goes_by(&known.id, given).await? => (given.clone(), false),
        (Some(number), Some(given)) if is_same(number, given) => (number.clone(), false),
        (Some(number), Some(given)) => {
            return Err(StoreError::Rule(format!(
                "「{}」的平台编号已经是「{number}」，表里却是「{given}」；如果平台改了号，请把新号填在「新平台编号」列",
                known.reference
            )));
        }
        (None, Some(given)) => {
            take_number(tx, &known, given).await?;
            (given.clone(), true)
        }
        (None, None) => return take_without_number(tx, &known, row).await.map(came),
    };
    let Some(word) = &row.word else {
        return Ok(came(if numbered { Upsert::Changed } else { Upsert::Same }));
    };
    let update = PlatformUpdate {
        remote_id: number,
        status: platform_status(tx, word),
        word: word.clone(),
        text: row.text.clone(),
        at: row.at,
        successors: row.successors.clone(),
        update_id: None,
        told: Told::Now,
    };
    let news = receive(tx, &[update]).await?;
    Ok(came(if news > 0 || numbered { Upsert::Changed } else { Upsert::Same }))
}

/// Whether a row says, of no time, that what has ended is still under way.
fn takes_back_an_end(tx: &Tx, known: &Returned, row: &Return) -> bool {
    use PlatformStatus::{Accepted, InProgress, Received};
    let status = row.word.as_deref().and_then(|word| platform_status(tx, word));
    let is_before = matches!(status, Some(Received | Accepted | InProgress));
    known.state == Standing::Ended.code() && row.at.is_none() && is_before
}

fn platform_status(tx: &Tx, word: &str) -> Option<PlatformStatus> {
    meaning(&tx.context().platform_statuses, word)
}

/// The portal has it, whether or not it was handed off.
async fn take_number(tx: &mut Tx, known: &Returned, number: &str) -> Result<(), StoreError> {
    if let Some(other) = tx.referral_of_number(number).await? {
        return Err(StoreError::Rule(format!(
            "平台编号「{number}」已经是「{}」的",
            other.reference
        )));
    }
    tx.settle_handed(&known.id, "delivered").await?;
    let receipt = Receipt { remote_id: Some(number.to_owned()), token: None };
    referrals_delivered(tx, &[(&known.id, &receipt)]).await
}

/// Not entered yet, or refused at the door.
async fn take_without_number(
    tx: &mut Tx,
    known: &Returned,
    row: &Return,
) -> Result<Upsert, StoreError> {
    let Some(word) = &row.word else {
        return Ok(Upsert::Same);
    };
    if known.state == "refused" {
        return Ok(Upsert::Same);
    }
    if platform_status(tx, word) != Some(PlatformStatus::Refused) {
        return Err(StoreError::Rule(format!("状态是「{word}」，却没有平台编号")));
    }
    tx.settle_handed(&known.id, "refused").await?;
    referral_refused(tx, &known.id, &row.text).await?;
    Ok(Upsert::Changed)
}
