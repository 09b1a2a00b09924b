//! Who has nobody to visit them (二(三) 一一对应), by area and by name, with whose affair that is until somebody is assigned.

use crate::db::{Result, Session, Unvisited};
use crate::domain::escalation::Roster;
use crate::domain::staff::{Role, StaffMember};

/// In so many areas they are named; of more they are counted, and named an area at a time.
const NAMED_AREAS: usize = 12;

/// The subjects of an area that nobody visits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutVisitor {
    pub area_id: String,
    pub area: String,
    pub total: i64,
    /// Number and masked name of the first of them; none where there are too many areas.
    pub named: Vec<(String, String)>,
    /// Whose affair they are; nothing where nobody stands above.
    pub by: Option<String>,
}

/// Those of these areas.
///
/// # Errors
/// Where the record can't be read.
pub async fn without_visitor(
    session: &mut Session,
    roster: &Roster,
    areas: &[&str],
) -> Result<Vec<WithoutVisitor>> {
    let mut counts = session.unassigned_by_area().await?;
    counts.retain(|area, _| areas.contains(&area.as_str()));
    let mut found: Vec<WithoutVisitor> =
        counts.into_iter().map(|(area, total)| of_area(roster, &area, total)).collect();
    found.sort_by(|one, other| (&one.area, &one.area_id).cmp(&(&other.area, &other.area_id)));
    if found.len() > NAMED_AREAS {
        return Ok(found);
    }
    let ids: Vec<&str> = found.iter().map(|of| of.area_id.as_str()).collect();
    let context = session.shared_context();
    let named: Vec<Unvisited> = session.unassigned(&ids).await?;
    for one in named {
        let name = one.name(&context)?;
        if let Some(of) = found.iter_mut().find(|of| of.area_id == one.area_id) {
            of.named.push((one.number, name));
        }
    }
    Ok(found)
}

fn of_area(roster: &Roster, area: &str, total: i64) -> WithoutVisitor {
    let tree = &roster.tree;
    let by = roster.holders.owing(tree, None, (Role::VillageLead, area)).into_iter().next();
    WithoutVisitor {
        area_id: area.to_owned(),
        area: tree.get(area).map(|area| tree.distinct_name(area)).unwrap_or_default(),
        total,
        named: Vec::new(),
        by: by.map(StaffMember::signed),
    }
}
