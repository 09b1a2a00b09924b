//! 镇不漏村: the campaign's villages in which nothing is registered. No duty says so, as nobody is to be visited there yet.

use std::collections::HashSet;

use jiff::civil::Date;

use crate::db::{Area, AreaTree, Result, Store};
use crate::domain::area::AreaKind;
use crate::domain::duty::DutyKind;
use crate::domain::township::in_campaign;

/// These, by when somebody is to be visited everywhere, and whether that's past.
#[derive(Debug)]
pub struct WithoutSubjects<'t> {
    pub villages: Vec<&'t Area>,
    pub due_on: Date,
    pub is_late: bool,
}

/// Those of the tree, where what is missing of a kind (or of any) is asked for: they miss visits. Of what is late they are no
/// part before visits are.
///
/// # Errors
/// Where the record can't be read.
pub async fn without_subjects<'t>(
    store: &Store,
    tree: &'t AreaTree,
    kind: Option<DutyKind>,
    late: bool,
) -> Result<WithoutSubjects<'t>> {
    let plan = store.campaign();
    let due_on = plan.due_on(DutyKind::Visit);
    let is_late = due_on < store.context().clock.today();
    let mut found = WithoutSubjects { villages: Vec::new(), due_on, is_late };
    if kind.is_some_and(|kind| kind != DutyKind::Visit) || late && !is_late {
        return Ok(found);
    }
    let held = store.held_by_areas().await?;
    let registered = held.iter().filter(|of| of.registered > 0);
    let known: HashSet<&str> = registered
        .filter_map(|of| tree.upward(&of.area_id).find(|above| above.kind == AreaKind::Village))
        .map(|village| village.id.as_str())
        .collect();
    found.villages = in_campaign(tree, &plan, AreaKind::Village);
    found.villages.retain(|village| !known.contains(village.id.as_str()));
    Ok(found)
}
