//! Who may take note of a demand (签收; plan, 三(一) 及时向网格员以及镇相关部门反映): whoever it's asked of, who stands in for them, or
//! who stands above them and was shown its words. Who recorded it reports it: their own note would say nothing.

use super::issue_glance::{Glance, Next, open_duties, owed};
use crate::db::{Result, Session};
use crate::domain::duty::DutyKind;
use crate::domain::rights::Right;
use crate::domain::staff::{Role, StaffMember};

/// As whom a person takes note.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note {
    /// As whom it's asked of.
    pub role: Role,
    /// Whether it's asked of somebody below them: they sign for what they were shown.
    pub from_above: bool,
}

/// As whom this person may take note of it now; nothing where it's none of theirs.
pub(super) async fn note_of(
    session: &mut Session,
    person: &StaffMember,
    glance: &Glance,
    next: &[Next],
) -> Result<Option<Note>> {
    let asked: Vec<&Next> = next.iter().filter(|next| next.kind == DutyKind::Acknowledge).collect();
    if asked.is_empty() {
        return Ok(None);
    }
    let away = session.away_on(session.today()).await?;
    let is_asked = |next: &&&Next| {
        next.owners.iter().any(|(id, _)| {
            *id == person.id
                || away.get(id).is_some_and(|deputy| deputy.as_ref() == Some(&person.id))
        })
    };
    if let Some(own) = asked.iter().find(is_asked) {
        return Ok(Some(Note { role: own.role, from_above: false }));
    }
    let tree = session.area_tree().await?;
    let recorded_it = glance.row.visitor.as_ref() == Some(&person.id);
    let is_above =
        |next: &&&Next| Right::Acknowledge.is_above(person, &tree, &glance.matter(), next.rank);
    let below = asked.iter().filter(|_| !recorded_it).find(is_above);
    Ok(below.map(|below| Note { role: below.role, from_above: true }))
}

/// Whether a person acts on an issue that they see, so that who asked for what is shown to them.
///
/// # Errors
/// Where the record can't be read.
pub async fn is_theirs(
    session: &mut Session,
    person: &StaffMember,
    glance: &Glance,
) -> Result<bool> {
    // What a resident is owed is their visitor's.
    if glance.row.visitor.as_ref() == Some(&person.id) {
        return Ok(true);
    }
    let open = open_duties(session, &glance.row).await?;
    let next = owed(session, &glance.issue, glance.unit.is_some(), &open).await?;
    let note = note_of(session, person, glance, &next).await?;
    Ok(acts_on_it(person, &next, note))
}

/// Whether it's theirs to do, or to take note of.
pub(super) fn acts_on_it(person: &StaffMember, next: &[Next], note: Option<Note>) -> bool {
    next.iter().any(|next| next.is_of(person)) || note.is_some_and(|note| !note.from_above)
}
