//! In which areas a person sees others' work: those where their right holds, from the top.

use minijinja::{Value, context};

use crate::db::{Area, AreaTree};
use crate::domain::area::AreaKind;
use crate::domain::rights::Right;
use crate::domain::staff::StaffMember;
use crate::web::my::links::with;

/// The area that is asked for, where it's theirs; else their own town, or the highest that is.
pub(super) fn chosen<'t>(
    tree: &'t AreaTree,
    right: Right,
    person: &StaffMember,
    asked: &str,
) -> Option<&'t Area> {
    let theirs = |area: &&Area| right.is_of(person, tree, Some(&area.id));
    let wanted = tree.get(asked).filter(theirs);
    let town = || tree.get(&person.area_id).filter(|area| area.kind == AreaKind::Town);
    wanted.or_else(|| town().filter(theirs)).or_else(|| {
        let depth = |area: &Area| tree.upward(&area.id).count();
        let mut all: Vec<&Area> = tree.all().filter(theirs).collect();
        all.sort_by(|one, other| {
            (depth(one), &one.name, &one.id).cmp(&(depth(other), &other.name, &other.id))
        });
        all.first().copied()
    })
}

/// The ids of an area and of all below it.
pub(super) fn below<'t>(tree: &'t AreaTree, area: &Area) -> Vec<&'t str> {
    let inside = |id: &str| tree.upward(id).any(|above| above.id == area.id);
    tree.all().map(|one| one.id.as_str()).filter(|id| inside(id)).collect()
}

/// The ways from an area to those that lie right below it, and back up to those above it that are theirs too.
pub(super) fn ways(
    tree: &AreaTree,
    right: Right,
    person: &StaffMember,
    area: &Area,
    page: &str,
    rest: &[(&str, &str)],
) -> Value {
    let to = |one: &Area| {
        let query = [&[("area", one.id.as_str())], rest].concat();
        context! { to => with(page, &query), name => one.name }
    };
    let mut inner: Vec<&Area> =
        tree.all().filter(|one| one.parent_id.as_ref() == Some(&area.id)).collect();
    inner.retain(|one| one.kind != AreaKind::Grid);
    inner.sort_by(|one, other| one.name.cmp(&other.name));
    let mut outer: Vec<&Area> = tree.upward(&area.id).skip(1).collect();
    outer.retain(|one| right.is_of(person, tree, Some(&one.id)));
    outer.reverse();
    context! {
        name => area.name, inner => inner.into_iter().map(to).collect::<Vec<_>>(),
        outer => outer.into_iter().map(to).collect::<Vec<_>>(),
    }
}
