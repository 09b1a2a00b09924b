//! Who has nobody to visit them in an area, as pages show it.

use minijinja::{Value, context};

use super::links::with;
use super::routes::PEOPLE;
use crate::app::without_visitor::WithoutVisitor;

/// Each place; where they aren't named, the way to where they are.
pub(super) fn unvisited(places: &[WithoutVisitor]) -> Vec<Value> {
    let place = |of: &WithoutVisitor| {
        let WithoutVisitor { area_id, area, total, named, by } = of;
        let more = i64::try_from(named.len()).is_ok_and(|named| named < *total);
        context! { area, total, named, by, more, to => with(PEOPLE, &[("area", area_id)]) }
    };
    places.iter().map(place).collect()
}
