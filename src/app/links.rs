//! Addresses of digests' pages, given by hand and revoked.

use serde_json::json;

use super::accounts::{let_in, still_here};
use crate::db::{Link, LinkEnd, NewLink, Result, Session, StoreError, Tx};
use crate::domain::staff::StaffMember;

/// Gives a person an address of the page of what they were told last. It went through somebody's hands, so whoever signs there
/// is asked who they are.
///
/// # Errors
/// Where they were told nothing yet, or left.
pub async fn give(tx: &mut Tx, person: &StaffMember, by: &str) -> Result<NewLink> {
    still_here(person)?;
    let number = &person.number;
    let nothing = || StoreError::Rule(format!("「{number}」还没有收到过提醒，没有可以打开的页面"));
    let on = tx.last_told_on(&person.id).await?.ok_or_else(nothing)?;
    let link = NewLink { token: tx.context().link_token(), asks: true };
    tx.put_links(&[(&link, &person.id, on.clone())]).await?;
    tx.audit(by, "give_link", number, &json!({ "day": on })).await?;
    Ok(link)
}

/// The address with this secret, if it was ever given: it leads nowhere where whose it was left.
///
/// # Errors
/// Where the record can't be read.
pub async fn found(session: &mut Session, token: &str) -> Result<Option<Link>> {
    let Some(link) = session.link(token).await? else { return Ok(None) };
    let gone = match let_in(session, &link.staff_id).await? {
        Some(_) => None,
        None => Some(LinkEnd::Revoked),
    };
    Ok(Some(Link { ended: link.ended.or(gone), ..link }))
}

/// Every address that a person was given leads nowhere from now on. How many still did.
///
/// # Errors
/// Where the record can't be written.
pub async fn revoke(tx: &mut Tx, person: &StaffMember, by: &str, reason: &str) -> Result<u64> {
    let number = &person.number;
    let revoked = tx.revoke_links(&person.id).await?;
    tx.audit(by, "revoke_links", number, &json!({ "reason": reason, "links": revoked })).await?;
    Ok(revoked)
}
