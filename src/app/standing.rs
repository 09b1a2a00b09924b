//! Words for the digests of all who hold a role in the campaign's town, once since a day: a standing, what is handed in.

use jiff::civil::Date;
use tracing::warn;

use super::centre::Word;
use crate::db::{Result, Session, Store};
use crate::domain::staff::{Holders, Role, StaffMember};

/// Puts a word into today's digest of all who hold the first of these roles that anybody holds, unless this was told since a
/// day. Where one of them had today's digest already, it waits for the next: nobody gets two a day. How many hear it.
///
/// # Errors
/// Where the record can't be written: nobody hears it then.
pub async fn tell_once(store: &Store, roles: &[Role], word: &Word, since: Date) -> Result<usize> {
    // Asked without a turn first: on most days it was.
    let mut snapshot = store.snapshot().await?;
    let was_told = snapshot.was_told(&word.topic, since).await?;
    snapshot.end().await?;
    if was_told {
        return Ok(0);
    }
    let mut tx = store.begin().await?;
    if tx.was_told(&word.topic, since).await? {
        tx.rollback().await?;
        return Ok(0);
    }
    let hears = hearing(&mut tx, roles).await?;
    let today = tx.today();
    let had_todays = tx.told_on(today).await?;
    if hears.iter().any(|person| had_todays.contains(person)) {
        tx.rollback().await?;
        return Ok(0);
    }
    for person in &hears {
        tx.put_word(person, word).await?;
    }
    if hears.is_empty() {
        warn!(event = "remind.nobody", topic = word.topic, "nobody can be told");
        tx.rollback().await?;
        return Ok(0);
    }
    tx.commit().await?;
    Ok(hears.len())
}

/// Who would hear a word; nobody where it was told since a day.
///
/// # Errors
/// Where the record can't be read.
pub async fn untold(
    store: &Store,
    roles: &[Role],
    word: &Word,
    since: Date,
) -> Result<Vec<String>> {
    let mut snapshot = store.snapshot().await?;
    let hears = match snapshot.was_told(&word.topic, since).await? {
        true => Vec::new(),
        false => hearing(&mut snapshot, roles).await?,
    };
    snapshot.end().await?;
    Ok(hears)
}

/// All in reach who hold the first of these roles that anybody holds in the campaign's town.
async fn hearing(session: &mut Session, roles: &[Role]) -> Result<Vec<String>> {
    let tree = session.area_tree().await?;
    let holders = Holders::new(session.staff().await?);
    let town = tree.find(&session.campaign().town).map(|town| town.id.clone()).unwrap_or_default();
    let mut levels = roles.iter().map(|role| holders.holders(&tree, *role, &town));
    let people: Vec<&StaffMember> = levels.find(|level| !level.is_empty()).unwrap_or_default();
    let dead = session.dead_addresses().await?;
    let reached = |person: &&&StaffMember| !session.context().routes(person, &dead).is_empty();
    Ok(people.iter().filter(reached).map(|person| person.id.clone()).collect())
}
