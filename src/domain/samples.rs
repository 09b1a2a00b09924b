//! People and areas for the tests of the rules.

use super::area::{Area, AreaKind};
use super::staff::{Role, StaffMember};

/// Somebody whom everything calls by one name.
pub fn person(id: &str, roles: &[Role], area: &str) -> StaffMember {
    StaffMember {
        id: id.to_owned(),
        number: id.to_owned(),
        name: id.to_owned(),
        area_id: area.to_owned(),
        unit: String::new(),
        roles: roles.to_vec(),
        addresses: Vec::new(),
        calendar_version: 0,
        stood_in_by: None,
    }
}

/// An area without a code, within another.
pub fn area(id: &str, kind: AreaKind, parent: Option<&str>) -> Area {
    let parent_id = parent.map(str::to_owned);
    Area { id: id.to_owned(), code: None, name: id.to_owned(), kind, parent_id }
}
