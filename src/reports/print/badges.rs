//! 工作牌: one for each who visits, with a place for the photo.

use serde::Serialize;

use super::super::qr::code_of;
use super::super::reading::Reading;
use super::press::town;
use crate::db::StaffMember;
use crate::domain::staff::Role;

/// What stands on a badge.
#[derive(Debug, Default, Serialize)]
pub struct Badge {
    pub(super) number: String,
    pub(super) name: String,
    unit: String,
    roles: String,
    /// The photo, as it's put into a page; nothing where there's none yet.
    pub(super) photo: Option<String>,
    code: Option<String>,
}

pub fn badges(reading: &Reading) -> Vec<Badge> {
    let areas = reading.areas();
    let visits = |person: &&StaffMember| {
        let roles = [Role::Visitor, Role::GridMember, Role::VillageCadre, Role::VillageLead];
        areas.contains(&person.area_id) && person.roles.iter().any(|role| roles.contains(role))
    };
    let people = reading.roster.holders.all().into_iter().filter(visits);
    people.map(|person| badge(reading, person)).collect()
}

fn badge(reading: &Reading, person: &StaffMember) -> Badge {
    let roles: Vec<&str> = person.roles.iter().map(|role| role.chinese()).collect();
    // What it says can be read where there's no network.
    let said = format!(
        "{}大走访 {} {} {}",
        town(reading),
        person.name,
        person.number,
        reading.plan.hotline
    );
    Badge {
        number: person.number.clone(),
        name: person.name.clone(),
        unit: person.unit.clone(),
        roles: roles.join("、"),
        photo: None,
        code: code_of(said.trim_end()),
    }
}
