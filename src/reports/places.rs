//! The areas in the order in which lists go through them: each before what lies in it, by code and name.

use std::collections::HashMap;

use crate::db::{Area, AreaTree};
use crate::domain::area::AreaKind;

/// An area with the names by which a list tells where it lies; of two of one name, with what tells them apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub area_id: String,
    pub branch: String,
    /// Of the village, or whatever `village` names.
    pub village_id: String,
    /// The village, or whatever the figures by village name in its place.
    pub village: String,
}

impl Place {
    /// Where an area lies.
    pub fn of(tree: &AreaTree, area: &str) -> Place {
        let branch = tree.upward(area).find(|above| above.kind == AreaKind::Branch);
        let village = tree.part(area, AreaKind::Village);
        let name = |area| tree.part_name(area, AreaKind::Village);
        Place {
            area_id: area.to_owned(),
            branch: branch.map(|branch| tree.distinct_name(branch)).unwrap_or_default(),
            village_id: village.map(|area| area.id.clone()).unwrap_or_default(),
            village: village.map(name).unwrap_or_default(),
        }
    }
}

/// An area and all that lies in it, or all areas, in their order.
pub fn in_order(tree: &AreaTree, within: Option<&str>) -> Vec<String> {
    let mut below: HashMap<Option<&str>, Vec<&Area>> = HashMap::new();
    for area in tree.all() {
        let parent = area.parent_id.as_deref().filter(|id| tree.get(id).is_some());
        below.entry(parent).or_default().push(area);
    }
    for areas in below.values_mut() {
        areas.sort_by_key(|area| (area.code.is_none(), &area.code, &area.name));
    }
    let mut next: Vec<&Area> = match within {
        Some(id) => tree.get(id).into_iter().collect(),
        None => below.get(&None).into_iter().flatten().rev().copied().collect(),
    };
    let mut ordered = Vec::new();
    while let Some(area) = next.pop() {
        ordered.push(area.id.clone());
        next.extend(below.get(&Some(area.id.as_str())).into_iter().flatten().rev());
    }
    ordered
}

/// An area's full name from the town on: 柴胡店镇第一总支高桥村委会.
pub fn full_name(tree: &AreaTree, area: &str) -> String {
    let mut names: Vec<&str> = tree
        .upward(area)
        .take_while(|area| area.kind != AreaKind::County)
        .map(|area| area.name.as_str())
        .collect();
    names.reverse();
    names.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_come_in_the_order_of_the_tree() {
        let area = |id: &str, kind, code: Option<&str>, parent: Option<&str>| Area {
            id: id.to_owned(),
            code: code.map(str::to_owned),
            name: id.to_owned(),
            kind,
            parent_id: parent.map(str::to_owned),
        };
        let tree = AreaTree::new([
            area("镇", AreaKind::Town, Some("1"), Some("市")),
            area("乙", AreaKind::Branch, None, Some("镇")),
            area("甲", AreaKind::Branch, None, Some("镇")),
            area("三村", AreaKind::Village, Some("13"), Some("甲")),
            area("二村", AreaKind::Village, Some("12"), Some("甲")),
            area("一村", AreaKind::Village, Some("11"), Some("乙")),
        ]);
        assert_eq!(in_order(&tree, None), ["镇", "乙", "一村", "甲", "二村", "三村"]);
        assert_eq!(in_order(&tree, Some("甲")), ["甲", "二村", "三村"]);
        assert_eq!(full_name(&tree, "二村"), "镇甲二村");
        let place = Place::of(&tree, "三村");
        assert_eq!((place.branch.as_str(), place.village.as_str()), ("甲", "三村"));
        assert_eq!(Place::of(&tree, "镇").village, "镇直属");
        assert_eq!(Place::of(&tree, "甲").village, "甲直属");
    }
}
