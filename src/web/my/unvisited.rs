//! Who has nobody to visit them in an area, as pages show it.

use minijinja::{Value, context};

use super::links::{of, with};
use super::routes::{PEOPLE, SUBJECTS};
use crate::app::without_visitor::WithoutVisitor;
use crate::domain::rights::Right;
use crate::domain::staff::StaffMember;

/// Each place, with the way to each of them for whoever may give them somebody; where they aren't named, the way to where
/// they are.
pub(super) fn unvisited(places: &[WithoutVisitor], person: &StaffMember) -> Vec<Value> {
    let gives = Right::EndSubject.is_held_by(person);
    let place = |place: &WithoutVisitor| {
        let WithoutVisitor { area_id, area, total, named, by } = place;
        let more = i64::try_from(named.len()).is_ok_and(|named| named < *total);
        let one = |(number, name): &(String, String)| {
            context! { number, name, to => gives.then(|| of(SUBJECTS, number)) }
        };
        let named: Vec<Value> = named.iter().map(one).collect();
        context! { area, total, named, by, more, to => with(PEOPLE, &[("area", area_id)]) }
    };
    places.iter().map(place).collect()
}
