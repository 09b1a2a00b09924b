//! Words for the digests of all who hold a role in the campaign's town, once since a day: a standing, what was handed in.

use jiff::civil::Date;
use tracing::warn;

use super::centre::Word;
use crate::db::{Result, Session, Store};
use crate::domain::area::AreaKind;
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::obligations::area::confirmed_key;
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
    let tree = tx.area_tree().await?;
    let holders = Holders::new(tx.staff().await?);
    let town = tree.find(&tx.campaign().town).map(|town| town.id.clone()).unwrap_or_default();
    let mut levels = roles.iter().map(|role| holders.holders(&tree, *role, &town));
    let people: Vec<&StaffMember> = levels.find(|level| !level.is_empty()).unwrap_or_default();
    let dead = tx.dead_addresses().await?;
    let reached = |person: &&&StaffMember| !tx.context().routes(person, &dead).is_empty();
    let hears: Vec<String> =
        people.iter().filter(reached).map(|person| person.id.clone()).collect();
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

/// What an area or a unit of the town hands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedIn {
    /// The area's name, or the unit's.
    pub of: String,
    /// Who owes it.
    pub who: Vec<String>,
    pub is_in: bool,
}

/// How it stands with what is handed in of a kind: each by its name.
///
/// # Errors
/// Where the record can't be read.
pub async fn handed_in(session: &mut Session, kind: DutyKind) -> Result<Vec<HandedIn>> {
    let tree = session.area_tree().await?;
    let holders = Holders::new(session.staff().await?);
    let of_kind = if kind == DutyKind::Summary { AreaKind::Branch } else { AreaKind::Village };
    let mut of: Vec<(String, String, Vec<String>)> = Vec::new();
    for area in tree.all().filter(|area| area.kind == of_kind) {
        let people = holders.holders(&tree, kind.role(), &area.id);
        let names = people.iter().map(|person| person.name.clone()).collect();
        of.push((confirmed_key(kind, &area.id, None), area.name.clone(), names));
    }
    if kind == DutyKind::Report {
        for (unit, department) in session.departments().await? {
            let person = holders.person(&department.staff_id).map(|person| person.name.clone());
            let key = confirmed_key(kind, &department.staff_id, None);
            of.push((key, unit, person.into_iter().collect()));
        }
    }
    let keys: Vec<&str> = of.iter().map(|(key, ..)| key.as_str()).collect();
    let standing = session.duties_of_keys(&keys).await?;
    let state = |key: &str| standing.iter().find(|duty| duty.key == key).map(|duty| duty.state);
    let mut found: Vec<HandedIn> = of
        .iter()
        .filter_map(|(key, of, who)| {
            let is_in = match state(key)? {
                DutyState::Open => false,
                DutyState::Met => true,
                DutyState::Cancelled => return None,
            };
            Some(HandedIn { of: of.clone(), who: who.clone(), is_in })
        })
        .collect();
    found.sort_by(|a, b| (a.is_in, &a.of).cmp(&(b.is_in, &b.of)));
    Ok(found)
}
