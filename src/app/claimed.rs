//! Signing in by the word of an identity provider: whom it means here, and whether they may. All by real time, in a rehearsal too.

use super::accounts::{Entered, Stay, begin_or_half, is_let_in, locked, real};
use crate::db::{AddressOf, Manner, Result, Session, Store};
use crate::domain::identity::Claimed;

/// Takes what a browser brought back from a provider, which is good once. Whether it was.
///
/// # Errors
/// Where the record can't be written.
pub async fn take_state(store: &Store, state: &str, until: i64) -> Result<bool> {
    let mut tx = store.begin().await?;
    let now = real(tx.context());
    let taken = tx.take_state(state, now, until).await?;
    tx.commit().await?;
    Ok(taken)
}

/// Whom a provider's word means here.
#[derive(Debug)]
enum Meant {
    /// Of that id.
    Person(String),
    Nobody,
    Several,
}

/// Signs in whom a provider vouches for; who was signed in in this browser `before` is no more. They have shown who they are, so
/// that whoever can't is told why.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn sign_in(
    store: &Store,
    claimed: &Claimed,
    before: Option<&str>,
    stay: Stay,
) -> Result<Entered> {
    // Everybody's address may have to be opened: no other turn waits for that.
    let mut snapshot = store.snapshot().await?;
    let meant = meant(&mut snapshot, claimed).await?;
    snapshot.end().await?;
    let Meant::Person(id) = &meant else { return Ok(Entered::Not(unmeant(&meant, claimed))) };
    let mut tx = store.begin().await?;
    let Some(person) = tx.staff_member(id).await? else {
        tx.rollback().await?;
        return Ok(Entered::Not(unmeant(&Meant::Nobody, claimed)));
    };
    let (account, now) = (tx.account(&person.id).await?, real(tx.context()));
    let way = claimed.way;
    let refused = if !is_let_in(&person) {
        Some(format!(
            "没有登录：{way}认出了您，但走访人员表里您已离岗。有误请向镇组织人事办公室说明"
        ))
    } else if account.closed {
        Some(format!(
            "没有登录：{way}认出了您，但您在本系统的登录已停用。需要的话，请向镇组织人事办公室要新的登录链接"
        ))
    } else if account.locked_until > now {
        Some(locked(account.locked_until - now))
    } else {
        None
    };
    if let Some(why) = refused {
        tx.rollback().await?;
        return Ok(Entered::Not(why));
    }
    if let Some(before) = before {
        tx.end_sign_in(before, now).await?;
    }
    tx.ensure_account(&person.id).await?;
    let manner = Manner { way, second_elsewhere: claimed.second };
    let entered = begin_or_half(&mut tx, &person, stay, ("sign_in", manner)).await?;
    tx.commit().await?;
    Ok(entered)
}

fn unmeant(meant: &Meant, claimed: &Claimed) -> String {
    let Claimed { way, known_by, value, .. } = claimed;
    let shown: String = value.chars().take(80).collect();
    match meant {
        Meant::Several => format!(
            "没有登录：{way}说您的{known_by}是「{shown}」，走访人员表里有不止一个人写着它，分不清是谁。请向镇组织人事办公室说明，由他们改正表里的{known_by}"
        ),
        _ => format!(
            "没有登录：{way}说您的{known_by}是「{shown}」，走访人员表里没有这个人。请向镇组织人事办公室说明，由他们把它补进走访人员表"
        ),
    }
}

async fn meant(session: &mut Session, claimed: &Claimed) -> Result<Meant> {
    let Claimed { known_by, value, .. } = claimed;
    let Some(kind) = known_by.address() else {
        let value = value.trim();
        let found = session.staff_numbered(value).await?;
        // Written otherwise, it may be somebody else's at the provider.
        let found = found.filter(|person| known_by.is_same(&person.number, value));
        return Ok(found.map_or(Meant::Nobody, |person| Meant::Person(person.id)));
    };
    let (mut here, mut left): (Vec<AddressOf>, Vec<AddressOf>) = session
        .addresses(kind)
        .await?
        .into_iter()
        .filter(|ours| known_by.is_same(&ours.address, value))
        .partition(|ours| !ours.left);
    // Whose address passed to somebody else who is here isn't meant any more.
    let found = if here.is_empty() { &mut left } else { &mut here };
    Ok(match (found.pop(), found.is_empty()) {
        (None, _) => Meant::Nobody,
        (Some(ours), true) => Meant::Person(ours.staff_id),
        (Some(_), false) => Meant::Several,
    })
}
