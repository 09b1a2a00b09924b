//! Who owes what: of a duty group a person, whoever has the ball, or whoever holds the role there, as the reminders have it.

use std::collections::HashMap;

use crate::db::{Session, StoreError};
use crate::domain::duty::DutyKind;
use crate::domain::escalation::{DueGroup, Late, Roster, Routes};
use crate::domain::staff::{Holders, Role, StaffMember};

/// By a group's id, how its owner signs; a group that nobody owes isn't there.
pub type Owners = HashMap<String, String>;

/// How it's told in lists who owes a duty: who does, or whose affair it is for want of a visitor, or that nobody does.
pub fn told(owners: &Owners, group: &str, kind: DutyKind, role: Role) -> String {
    match owners.get(group) {
        Some(owner) if kind.lacks_visitor(role) => format!("没有走访人，暂由{owner}负责"),
        Some(owner) => owner.clone(),
        None if kind.lacks_visitor(role) => "没有走访人，也没有人代为负责".to_owned(),
        None => format!("没有人（{role}）"),
    }
}

/// Who is who, where nobody is told anything.
///
/// # Errors
/// Where the record can't be read.
pub async fn everybody(session: &mut Session) -> Result<Roster, StoreError> {
    let (tree, holders) = (session.area_tree().await?, Holders::new(session.staff().await?));
    Ok(Roster { tree, holders, routes: Routes::new(), late: Late::new() })
}

/// Who owes these groups.
///
/// # Errors
/// Where the record can't be read.
pub async fn owners_of(
    session: &mut Session,
    roster: &Roster,
    groups: &[&str],
) -> Result<Owners, StoreError> {
    let groups = session.groups_by_id(groups).await?;
    let plan = std::sync::Arc::clone(session.plans().now());
    let owner = |group: DueGroup| {
        let owner = roster.owner(&group, &plan)?.signed();
        Some((group.id, owner))
    };
    Ok(groups.into_iter().filter_map(owner).collect())
}

/// Who owes what is open in each group.
///
/// # Errors
/// Where the record can't be read.
pub async fn owners(session: &mut Session) -> Result<Owners, StoreError> {
    const PAGE: i64 = 5_000;
    let roster = everybody(session).await?;
    let plan = std::sync::Arc::clone(session.plans().now());
    let (mut owners, mut after) = (Owners::new(), String::new());
    loop {
        let groups = session.open_groups(&after, PAGE).await?;
        let Some((_, last)) = groups.last() else { return Ok(owners) };
        after.clone_from(&last.id);
        for (_, group) in groups {
            if let Some(owner) = roster.owner(&group, &plan) {
                owners.insert(group.id, owner.signed());
            }
        }
    }
}

/// The groups of which something is open and that this person owes, the nearest first.
///
/// # Errors
/// Where the record can't be read.
pub async fn owed_groups(
    session: &mut Session,
    roster: &Roster,
    person: &StaffMember,
) -> Result<Vec<DueGroup>, StoreError> {
    let mut groups = match Roster::may_have_any_ball(person) {
        true => session.groups_around(person).await?,
        // Of all that lies below them only a little is theirs.
        false => session.groups_of_roles(&person.id, &roster.may_owe_by_role(person)).await?,
    };
    let plan = std::sync::Arc::clone(session.plans().now());
    groups.retain(|group| roster.owners(group, &plan).iter().any(|owner| owner.id == person.id));
    Ok(groups)
}
