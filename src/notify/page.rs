//! The page of a person's digest of one day, as it stands now, with what it is about; and its acknowledgement (签收, 已阅).

use std::collections::BTreeSet;

use minijinja::context;
use serde_json::json;

use super::details::{Details, details};
use super::digest::{Audience, Draft, items};
use super::messages::Messages;
use super::recipients::Recipients;
use crate::app::acknowledge::acknowledge_digest;
use crate::app::links::found;
use crate::db::{LINK_DAYS, Link, LinkEnd, Session, Store, StoreError};
use crate::domain::duty::DutyKind;

/// What an address shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    Page(String),
    /// It leads nowhere any more: why, and what to do.
    Ended(String),
    /// It was never given to anybody.
    Unknown,
}

/// How the page came to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Reading,
    /// Who signed wasn't who the address is for.
    Mistaken,
    /// They signed: how much of it was new.
    Signed(usize),
}

/// What is still open of what the reader of this address was told on its day. Takes no turn of the writer's.
///
/// # Errors
/// Where the record can't be read.
pub async fn page(store: &Store, messages: &Messages, token: &str) -> Result<Shown, StoreError> {
    let mut record = store.snapshot().await?;
    let link = found(&mut record, token).await?;
    record.end().await?;
    match link {
        None => Ok(Shown::Unknown),
        Some(Link { ended: Some(end), .. }) => Ok(Shown::Ended(why_ended(end))),
        Some(link) => Ok(Shown::Page(show(store, messages, &link, Asked::Reading).await?)),
    }
}

/// Once in so many milliseconds it's written down that somebody read their page.
const READING_NOTED_EVERY: i64 = 3_600_000;

/// Writes down that whoever this address is for saw what it shows.
///
/// # Errors
/// Where the record can't be written.
pub async fn note_reading(store: &Store, token: &str) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let Some(link) = found(&mut tx, token).await?.filter(|link| link.ended.is_none()) else {
        return tx.rollback().await;
    };
    let (number, _) = tx.staff_called(&link.staff_id).await?;
    let since = tx.now() - READING_NOTED_EVERY;
    if tx.has_audited(&number, READ, since).await? {
        return tx.rollback().await;
    }
    let detail = json!({ "day": link.on_date, "several_could": link.asks });
    tx.audit(&number, READ, "digest", &detail).await?;
    tx.commit().await
}

/// That somebody read the page of their digest, in the audit.
const READ: &str = "read_digest";

/// 签收, 已阅: they needn't be told again of what that day's digest had; the address has done its work and ends. Where several
/// could read it, `who` says who signs: their number, or the last four digits of their telephone.
///
/// # Errors
/// Where the record can't be read or written; what was noted until then stays noted.
pub async fn acknowledge(
    store: &Store,
    messages: &Messages,
    token: &str,
    who: &str,
) -> Result<Shown, StoreError> {
    let mut record = store.snapshot().await?;
    let link = found(&mut record, token).await?;
    record.end().await?;
    let link = match link {
        None => return Ok(Shown::Unknown),
        Some(Link { ended: Some(end), .. }) => return Ok(Shown::Ended(why_ended(end))),
        Some(link) => link,
    };
    if link.asks {
        // As it stands in this turn: many may have tried at once.
        let mut tx = store.begin().await?;
        let end = found(&mut tx, token).await?.and_then(|link| link.ended);
        if let Some(end) = end {
            tx.rollback().await?;
            return Ok(Shown::Ended(why_ended(end)));
        }
        if !is_theirs(&mut tx, &link.staff_id, who).await? {
            tx.wrong_answer(token).await?;
            tx.commit().await?;
            return Ok(Shown::Page(show(store, messages, &link, Asked::Mistaken).await?));
        }
        tx.rollback().await?;
    }
    let noted = acknowledge_digest(store, &link.staff_id, &link.on_date).await?;
    let mut tx = store.begin().await?;
    tx.use_link(token).await?;
    tx.commit().await?;
    Ok(Shown::Page(show(store, messages, &link, Asked::Signed(noted)).await?))
}

fn why_ended(end: LinkEnd) -> String {
    let why = match end {
        LinkEnd::Used => "这个链接已经用过：当天的事项已签收".to_owned(),
        LinkEnd::Revoked => "这个链接已经作废".to_owned(),
        LinkEnd::Guessed => "这个链接因多次填错身份已经作废".to_owned(),
        LinkEnd::Expired => format!("这个链接已过{LINK_DAYS}天，不再有效"),
    };
    format!("{why}。请打开最近一次提醒里的链接；急用的，请向镇组织人事办公室索取新的链接")
}

async fn is_theirs(session: &mut Session, staff_id: &str, who: &str) -> Result<bool, StoreError> {
    let staff = session.staff().await?;
    let phones = session.phones(&[staff_id]).await?;
    let who = who.trim();
    let number = staff.iter().find(|person| person.id == staff_id).map(|person| &person.number);
    let last_four = phones.get(staff_id).and_then(|phone| phone.get(phone.len().checked_sub(4)?..));
    Ok(!who.is_empty()
        && (number.is_some_and(|number| number.eq_ignore_ascii_case(who))
            || last_four == Some(who)))
}

async fn show(
    store: &Store,
    messages: &Messages,
    link: &Link,
    asked: Asked,
) -> Result<String, StoreError> {
    let today = store.context().clock.today();
    let mut record = store.snapshot().await?;
    let recipients = Recipients::on(&mut record, today).await?;
    let told = record.told_to(&link.staff_id, &link.on_date).await?;
    let ended: BTreeSet<String> =
        told.iter().filter(|told| told.group.open == 0).map(|told| told.group.id.clone()).collect();
    let signed_for = told.iter().any(|told| told.group.kind == DutyKind::Acknowledge);
    let items = items(&recipients, told);
    let details: Details = details(&mut record, &items).await?;
    let mut words = record.words_of(&[&link.staff_id], &link.on_date).await?;
    let words = words.remove(&link.staff_id).unwrap_or_default();
    let mut draft = Draft::new(&recipients, &link.staff_id, items, words);
    draft.name(&mut record).await?;
    record.end().await?;
    let digest = draft.digest(&recipients.plan, today, String::new(), Audience::Reader);
    let (signed, noted) = match asked {
        Asked::Signed(noted) => (true, noted),
        _ => (false, 0),
    };
    let values = context! {
        digest, details, noted, signed,
        // As templates of before have it.
        acknowledged => signed.then_some(noted),
        said => if signed_for { "已签收" } else { "已记为已阅" },
        on => link.on_date,
        done => ended.len(),
        asks => link.asks,
        mistaken => asked == Asked::Mistaken,
    };
    Ok(messages.render("page.html", values)?)
}
