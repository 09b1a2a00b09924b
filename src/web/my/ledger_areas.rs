//! Which areas somebody may choose: all of theirs where these are few, else the way to the one that is chosen and what lies in it.

use std::collections::HashMap;

use serde::Serialize;

use crate::db::{Area, AreaTree, StaffMember};
use crate::domain::rights::Right;

/// So many are offered at once.
const FEW: usize = 150;
/// No tree of areas is deeper; the bound makes a cycle harmless.
const DEEPEST: usize = 16;

/// An area as a list offers it.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct AreaOption {
    pub id: String,
    /// Drawn in by how deep it lies.
    pub name: String,
}

/// The areas that are offered to a person, each below what it lies in.
pub(super) fn options(tree: &AreaTree, person: &StaffMember, chosen: &str) -> Vec<AreaOption> {
    let reach = Right::SeeIssue.reach(person);
    let offer = Offer::new(tree);
    let roots: Vec<&Area> = if reach.everywhere || reach.unit {
        offer.below("").to_vec()
    } else {
        tree.get(&person.area_id).filter(|_| reach.area).into_iter().collect()
    };
    let mut all = Vec::new();
    for root in &roots {
        offer.walk(root, 0, &|_| true, &mut all);
    }
    if all.len() <= FEW {
        return all;
    }
    let is_root = |id: &str| roots.iter().any(|root| root.id == id);
    let on_the_way = |area: &Area| {
        let parent = area.parent_id.as_deref();
        is_root(&area.id)
            || parent.is_some_and(|parent| is_root(parent) || parent == chosen)
            || tree.upward(chosen).any(|above| above.id == area.id)
    };
    let mut few = Vec::new();
    for root in &roots {
        offer.walk(root, 0, &on_the_way, &mut few);
    }
    few
}

/// What lies in what, in its order.
struct Offer<'t>(HashMap<&'t str, Vec<&'t Area>>);

impl<'t> Offer<'t> {
    fn new(tree: &'t AreaTree) -> Offer<'t> {
        let mut below: HashMap<&str, Vec<&Area>> = HashMap::new();
        for area in tree.all() {
            below.entry(area.parent_id.as_deref().unwrap_or_default()).or_default().push(area);
        }
        for areas in below.values_mut() {
            areas.sort_by(|one, two| (&one.code, &one.name).cmp(&(&two.code, &two.name)));
        }
        Offer(below)
    }

    /// What lies in an area; what lies in none where it's empty.
    fn below(&self, id: &str) -> &[&'t Area] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }

    fn walk(
        &self,
        area: &Area,
        depth: usize,
        offered: &dyn Fn(&Area) -> bool,
        into: &mut Vec<AreaOption>,
    ) {
        if !offered(area) || depth > DEEPEST {
            return;
        }
        let name = format!("{}{}", "　".repeat(depth), area.name);
        into.push(AreaOption { id: area.id.clone(), name });
        for one in self.below(&area.id) {
            self.walk(one, depth + 1, offered, into);
        }
    }
}
