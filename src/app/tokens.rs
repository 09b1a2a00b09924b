//! Tokens of programs: given for what a program reads, for so many days, in somebody's name; ended by anybody who may.

use serde_json::json;

use super::accounts::{is_let_in, real, still_here};
use crate::db::{ProgramToken, Result, Session, Store, StoreError, Tx};
use crate::domain::scope::Scope;
use crate::domain::staff::StaffMember;

/// How each begins, so that one that lies somewhere is known for what it is.
pub const PREFIX: &str = "zft_";
/// Nothing is given for longer.
pub const MOST_DAYS: i64 = 400;
const DAY: i64 = 24 * 3_600 * 1_000;
/// That one is used is noted so often, in milliseconds.
const SEEN_EVERY: i64 = 10 * 60 * 1_000;

/// What is to be given.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Which program has it.
    pub title: String,
    pub scopes: Vec<Scope>,
    pub days: i64,
    /// In whose name it acts: within their rights.
    pub acts_as: StaffMember,
}

/// Gives one: its name, and what the program shows, which is told once.
///
/// # Errors
/// [`StoreError::Rule`] without a title or anything that it's for, for too long, or for who left; or where the record can't be written.
pub async fn give(tx: &mut Tx, new: &NewToken, by: &StaffMember) -> Result<(String, String)> {
    still_here(&new.acts_as)?;
    let title = new.title.trim();
    if title.is_empty() || new.scopes.is_empty() {
        return Err(StoreError::Rule("请写明给哪个程序、能看什么".to_owned()));
    }
    if !(1..=MOST_DAYS).contains(&new.days) {
        return Err(StoreError::Rule(format!("有效期应为 1 到 {MOST_DAYS} 天")));
    }
    let (token, now) = (format!("{PREFIX}{}", tx.context().secret()), real(tx.context()));
    // Short enough to be typed, and no secret.
    let id: String =
        tx.context().secret().chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let given = ProgramToken {
        id: id.clone(),
        title: title.to_owned(),
        scopes: new.scopes.clone(),
        given_by: by.number.clone(),
        acts_as: new.acts_as.number.clone(),
        created_at: now,
        until_at: now + new.days * DAY,
        seen_at: None,
        ended_at: None,
    };
    tx.put_program_token(&token, &given, &by.id, &new.acts_as.id).await?;
    let detail = json!({ "title": title, "scopes": Scope::kept(&new.scopes), "days": new.days, "acts_as": new.acts_as.number });
    tx.audit(&by.signed(), "give_token", &id, &detail).await?;
    Ok((id, token))
}

/// Ends one.
///
/// # Errors
/// [`StoreError::Rule`] where there is none of that name, or it has ended; or where the record can't be written.
pub async fn end(tx: &mut Tx, id: &str, by: &StaffMember, reason: &str) -> Result<()> {
    let now = real(tx.context());
    if !tx.end_program_token(id, now).await? {
        let text = format!("没有编号「{id}」的程序令牌，或者已经作废");
        return Err(StoreError::Rule(text));
    }
    tx.audit(&by.signed(), "end_token", id, &json!({ "reason": reason })).await
}

/// As whom a program that shows this token acts, where it's good for this now and they have the right that it takes; and its
/// name, where its use is to be noted by [`seen`].
///
/// # Errors
/// Where the record can't be read.
pub async fn shown(
    session: &mut Session,
    token: &str,
    scope: Scope,
) -> Result<Option<(StaffMember, Option<String>)>> {
    let now = real(session.context());
    let found = session.program_token(token).await?;
    let good = |found: &ProgramToken| {
        found.ended_at.is_none() && found.until_at > now && found.scopes.contains(&scope)
    };
    let Some(found) = found.filter(good) else { return Ok(None) };
    let tree = session.area_tree().await?;
    let may =
        |person: &StaffMember| scope.right().is_none_or(|right| right.is_of(person, &tree, None));
    let person = session.staff_numbered(&found.acts_as).await?;
    let is_named = |person: &StaffMember| person.number == found.acts_as && is_let_in(person);
    let person = person.filter(is_named).filter(may);
    let is_news = found.seen_at.is_none_or(|seen| seen + SEEN_EVERY <= now);
    Ok(person.map(|person| (person, is_news.then_some(found.id))))
}

/// A token is in use.
///
/// # Errors
/// Where the record can't be written.
pub async fn seen(store: &Store, id: &str) -> Result<()> {
    let mut tx = store.begin().await?;
    let now = real(tx.context());
    tx.see_program_token(id, now).await?;
    tx.commit().await
}
