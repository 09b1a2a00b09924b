//! The second thing that whoever sees everything shows at signing in: a code of their telephone's (TOTP). By real time, in a
//! rehearsal too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::json;

use super::accounts::{Entered, Stay, begin, let_in, locked, real, wrong_once};
use crate::db::{Manner, Result, SecondFactor, Session, Store, StoreError, Tx};
use crate::domain::second::{SECRET, accepted, written};
use crate::domain::staff::StaffMember;

/// How it stands with a person's second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    None,
    /// Begun, and no code was given yet: the secret as an authenticator takes it.
    Begun(String),
    On,
}

/// How it stands.
///
/// # Errors
/// Where the record can't be read.
pub async fn standing(session: &mut Session, person: &StaffMember) -> Result<Standing> {
    Ok(match session.second_factor(&person.id).await? {
        None => Standing::None,
        Some(found) if found.confirmed => Standing::On,
        Some(found) => Standing::Begun(written(&secret_of(&found)?)),
    })
}

fn secret_of(found: &SecondFactor) -> Result<Vec<u8>> {
    let decoded = STANDARD_NO_PAD.decode(&found.secret);
    let what = "second_factors.secret_sealed";
    decoded.map_err(|_| StoreError::Corrupt { what, value: String::new() })
}

/// Begins one, with a new secret; one that is on is left as it is.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn start(tx: &mut Tx, person: &StaffMember) -> Result<()> {
    if tx.second_factor(&person.id).await?.is_some_and(|found| found.confirmed) {
        return Ok(());
    }
    let mut secret = [0; SECRET];
    tx.context().chance.fill(&mut secret);
    tx.begin_second_factor(&person.id, &STANDARD_NO_PAD.encode(secret)).await
}

/// Takes a code. Whether it's right.
///
/// # Errors
/// Where the record can't be read or written.
async fn take(tx: &mut Tx, person: &StaffMember, given: &str) -> Result<bool> {
    let Some(found) = tx.second_factor(&person.id).await? else { return Ok(false) };
    let now = real(tx.context());
    let Some(step) = accepted(&secret_of(&found)?, given, now, found.last_step) else {
        return Ok(false);
    };
    tx.take_second_factor(&person.id, step, now).await?;
    if !found.confirmed {
        tx.audit(&person.signed(), "begin_second_factor", &person.number, &json!({})).await?;
    }
    Ok(true)
}

/// Takes a code of whoever is signed in, where one begins or ends it: a wrong one is counted as a wrong password is. Whether
/// it's right.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn prove(tx: &mut Tx, person: &StaffMember, given: &str) -> Result<bool> {
    let account = tx.account(&person.id).await?;
    if account.locked_until > real(tx.context()) {
        return Ok(false);
    }
    let right = take(tx, person, given).await?;
    if !right {
        wrong_once(tx, person, &account).await?;
    }
    Ok(right)
}

/// Takes a person's second factor away, in somebody's name.
///
/// # Errors
/// Where the record can't be written.
pub async fn forget(tx: &mut Tx, of: &StaffMember, by: &StaffMember, reason: &str) -> Result<bool> {
    let ended = tx.end_second_factor(&of.id).await?;
    if ended {
        let detail = json!({ "reason": reason });
        tx.audit(&by.signed(), "end_second_factor", &of.number, &detail).await?;
    }
    Ok(ended)
}

/// Goes on from a browser in which somebody is half signed in: the code is right, or counted as a wrong password is.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn enter(store: &Store, half: &str, given: &str, stay: Stay) -> Result<Entered> {
    let mut tx = store.begin().await?;
    let now = real(tx.context());
    let Some((person, manner)) = half_of(&mut tx, half).await? else {
        tx.rollback().await?;
        return Ok(Entered::Not("登录已经过了时间，请从头登录".to_owned()));
    };
    let account = tx.account(&person.id).await?;
    if account.locked_until > now {
        tx.rollback().await?;
        return Ok(Entered::Not(locked(account.locked_until - now)));
    }
    if !take(&mut tx, &person, given).await? {
        wrong_once(&mut tx, &person, &account).await?;
        tx.commit().await?;
        return Ok(Entered::Not(
            "没有登录：验证码不对。请看手机上现在显示的六位数字，每个只能用一次；连续填错会锁定"
                .to_owned(),
        ));
    }
    tx.count_wrong(&person.id, 0, 0).await?;
    tx.end_sign_in(half, now).await?;
    let secret = begin(&mut tx, &person, stay, ("sign_in", manner)).await?;
    tx.commit().await?;
    Ok(Entered::In(secret))
}

/// Who gave their password in a browser, or was vouched for, a moment ago, and no code yet.
///
/// # Errors
/// Where the record can't be read.
pub async fn half_in(session: &mut Session, half: &str) -> Result<Option<StaffMember>> {
    Ok(half_of(session, half).await?.map(|(person, _)| person))
}

async fn half_of(session: &mut Session, half: &str) -> Result<Option<(StaffMember, Manner)>> {
    let now = real(session.context());
    let found = session.half_signed_in(half).await?;
    let Some(found) = found.filter(|found| found.until_at > now) else { return Ok(None) };
    let person = let_in(session, &found.staff_id).await?;
    Ok(person.map(|person| (person, found.manner)))
}
