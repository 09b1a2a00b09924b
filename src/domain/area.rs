//! 区划: the tree of places, county > town > branch > village > grid.

use std::collections::{HashMap, HashSet};

use crate::words;

words! {
    /// What an area is in the tree.
    AreaKind {
        County = "county", "县市" | "县" | "市" | "区";
        Town = "town", "镇街" | "镇" | "街道" | "乡";
        Branch = "branch", "总支" | "党总支";
        Village = "village", "村" | "村居" | "社区";
        Grid = "grid", "网格";
    }
}

/// Whether `code` has the form of a statistical area code: twelve digits (GB/T 10114).
///
/// ```
/// use zoufang::domain::area::is_area_code;
/// assert!(is_area_code("370481111200"));
/// assert!(!is_area_code("37048111120"));
/// ```
pub fn is_area_code(code: &str) -> bool {
    code.len() == 12 && code.bytes().all(|b| b.is_ascii_digit())
}

/// A code in its full length: lists of towns have nine digits, lists of counties six, and the rest is zeros.
///
/// ```
/// use zoufang::domain::area::full_code;
/// assert_eq!(full_code("370481111"), "370481111000");
/// assert_eq!(full_code("370481"), "370481000000");
/// assert_eq!(full_code("高桥村"), "高桥村");
/// ```
pub fn full_code(code: &str) -> std::borrow::Cow<'_, str> {
    match matches!(code.len(), 6 | 9) && code.bytes().all(|b| b.is_ascii_digit()) {
        true => format!("{code:0<12}").into(),
        false => code.into(),
    }
}

/// What an area is by its statistical code: six digits are a county's, three more a town's, the last three a village's.
/// Nothing for a province, a prefecture, and what is no such code.
///
/// ```
/// use zoufang::domain::area::{AreaKind, kind_of_code};
/// assert_eq!(kind_of_code("370481111200"), Some(AreaKind::Village));
/// assert_eq!(kind_of_code("370481111"), Some(AreaKind::Town));
/// assert_eq!(kind_of_code("370481"), Some(AreaKind::County));
/// assert_eq!(kind_of_code("441900003000"), Some(AreaKind::Town));
/// assert_eq!(kind_of_code("370400000000"), None);
/// assert_eq!(kind_of_code("37048111120"), None);
/// ```
pub fn kind_of_code(code: &str) -> Option<AreaKind> {
    let code = full_code(code);
    let is_there =
        |range| code.get(range).is_some_and(|digits: &str| digits.contains(|c| c != '0'));
    let kinds = [(9..12, AreaKind::Village), (6..9, AreaKind::Town), (4..6, AreaKind::County)];
    let found = kinds.into_iter().find(|(range, _)| is_there(range.clone())).map(|(_, kind)| kind);
    // A village without a town is none.
    let is_whole = found != Some(AreaKind::Village) || is_there(6..9);
    found.filter(|_| is_whole && is_area_code(&code) && is_there(0..2))
}

/// The code of what lies above, by a statistical code of a village or a town.
///
/// ```
/// use zoufang::domain::area::code_above;
/// assert_eq!(code_above("370481111200").as_deref(), Some("370481111000"));
/// assert_eq!(code_above("370481111000").as_deref(), Some("370481000000"));
/// assert_eq!(code_above("370481000000"), None);
/// ```
pub fn code_above(code: &str) -> Option<String> {
    let length = match kind_of_code(code)? {
        AreaKind::Village => 9,
        AreaKind::Town => 6,
        _ => return None,
    };
    Some(format!("{:0<12}", code.get(..length)?))
}

/// What an area is by how its name ends, where that is sure.
pub fn kind_of_name(name: &str) -> Option<AreaKind> {
    const TOWN: [&str; 5] = ["镇", "乡", "街道", "街道办事处", "街道办"];
    const VILLAGE: [&str; 6] = ["村", "村委会", "村民委员会", "社区", "居委会", "居民委员会"];
    let ends = |with: &[&str]| with.iter().any(|end| name.ends_with(end));
    match (ends(&TOWN), ends(&VILLAGE)) {
        (true, false) => Some(AreaKind::Town),
        (false, true) => Some(AreaKind::Village),
        _ => None,
    }
}

/// Behind an area's name: what lies in it and in none of the areas below it, such as a town's schools, hospitals and organs.
pub const OWN: &str = "直属";

/// A place.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Area {
    pub id: String,
    pub code: Option<String>,
    pub name: String,
    pub kind: AreaKind,
    pub parent_id: Option<String>,
}

/// All areas, for climbing.
#[derive(Debug, Clone, Default)]
pub struct AreaTree {
    areas: HashMap<String, Area>,
    /// How many areas have a name.
    names: HashMap<String, usize>,
}

impl AreaTree {
    /// The tree of these areas.
    pub fn new(areas: impl IntoIterator<Item = Area>) -> AreaTree {
        let mut tree = AreaTree::default();
        areas.into_iter().for_each(|area| tree.put(area));
        tree
    }

    /// Puts an area in, or in the place of what was known of it.
    pub fn put(&mut self, area: Area) {
        *self.names.entry(area.name.clone()).or_default() += 1;
        if let Some(known) = self.areas.insert(area.id.clone(), area)
            && let Some(count) = self.names.get_mut(&known.name)
        {
            *count -= 1;
        }
    }

    /// Every area, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Area> {
        self.areas.values()
    }

    /// The areas of these and all below them.
    pub fn below<'t>(&'t self, of: &'t HashSet<&str>) -> impl Iterator<Item = &'t Area> {
        self.all().filter(|area| self.upward(&area.id).any(|above| of.contains(above.id.as_str())))
    }

    /// The area and all that it lies in, nearest first.
    pub fn upward<'t>(&'t self, id: &str) -> impl Iterator<Item = &'t Area> {
        let first = self.areas.get(id);
        // A tree of areas is at most a handful deep; the bound makes a cycle harmless.
        std::iter::successors(first, |area| self.areas.get(area.parent_id.as_deref()?)).take(16)
    }

    /// Whether an area is that one, or lies in it; where only what is its own is meant, whether it's that one.
    pub fn is_in(&self, area: &str, within: &str, own: bool) -> bool {
        self.upward(area).take(if own { 1 } else { usize::MAX }).any(|above| above.id == within)
    }

    /// By id.
    pub fn get(&self, id: &str) -> Option<&Area> {
        self.areas.get(id)
    }

    /// An area's name as it's told from others of its kind: where another has the same, with the names above it by which they
    /// differ (高桥村（第一总支）), and where these don't tell them apart, with its code.
    pub fn distinct_name(&self, area: &Area) -> String {
        let is_twin = |other: &&Area| {
            other.id != area.id && other.kind == area.kind && other.name == area.name
        };
        if self.names.get(&area.name).is_none_or(|count| *count < 2) {
            return area.name.clone();
        }
        let mut twins: Vec<&Area> = self.all().filter(is_twin).collect();
        let mut within = String::new();
        for (step, above) in self.upward(&area.id).enumerate().skip(1) {
            if twins.is_empty() {
                break;
            }
            within.insert_str(0, &above.name);
            let name_of = |twin: &Area| self.upward(&twin.id).nth(step).map(|at| at.name.clone());
            twins.retain(|twin| name_of(twin).as_ref() == Some(&above.name));
        }
        if !twins.is_empty() {
            within.clone_from(area.code.as_ref().unwrap_or(&area.id));
        }
        let name = &area.name;
        if within.is_empty() { name.clone() } else { format!("{name}（{within}）") }
    }

    /// Where something is told that lies in an area, in a list by areas of a kind: the one of that kind in which it lies; where
    /// there is none, the highest below where such a one would be (a village without a branch), or the area itself (what is a
    /// town's own). All that lies in the tree is told somewhere, so that a list's lines add up.
    pub fn part(&self, id: &str, kind: AreaKind) -> Option<&Area> {
        let of_kind = self.upward(id).find(|area| area.kind == kind);
        let below = || self.upward(id).take_while(|area| area.kind > kind).last();
        of_kind.or_else(below).or_else(|| self.get(id))
    }

    /// How a [`part`](AreaTree::part) is called in such a list: of an area above that kind it's what is its own.
    pub fn part_name(&self, area: &Area, kind: AreaKind) -> String {
        let name = self.distinct_name(area);
        if area.kind < kind { format!("{name}{OWN}") } else { name }
    }

    /// By code or name, or with 直属 behind it: then only what is the area's own.
    ///
    /// # Errors
    /// What is wrong with the name, for whoever wrote it.
    pub fn find_part(&self, name: &str) -> Result<(&Area, bool), String> {
        let own = name.strip_suffix(OWN).filter(|_| self.named(name).next().is_none());
        match self.find(own.unwrap_or(name))? {
            area if own.is_some() && area.kind >= AreaKind::Village => {
                Err(format!("「{}」没有直属一项：请去掉「{OWN}」，写它本身", area.name))
            }
            area => Ok((area, own.is_some())),
        }
    }

    /// Those that answer to a code or a name.
    pub fn named<'t>(&'t self, name: &str) -> impl Iterator<Item = &'t Area> {
        let code = full_code(name).into_owned();
        let is_coded = move |area: &Area| area.code.as_ref() == Some(&code);
        self.areas.values().filter(move |area| is_coded(area) || answers_to(area, name))
    }

    /// By a name with those of the areas above before it: 柴胡店镇高桥村.
    fn find_below(&self, name: &str) -> Result<&Area, String> {
        let is_there = |area: &&Area| {
            if !name.contains(short_name(&area.name)) {
                return false;
            }
            let mut above: Vec<&Area> = self.upward(&area.id).skip(1).collect();
            above.reverse();
            let rest = behind(&above, name);
            !rest.is_empty() && rest != name && answers_to(area, rest)
        };
        let found: Vec<&Area> = self.areas.values().filter(is_there).collect();
        if let [area] = found.as_slice() {
            return Ok(area);
        }
        let is_one = |part: &str| !part.is_empty() && self.named(part).next().is_some();
        let parts: Vec<&str> = name.split(['、', '，', ',', ';', '/', ' ']).collect();
        if parts.len() > 1 && parts.iter().any(|part| is_one(part)) {
            return Err(format!("没有「{name}」这个区划：一格只写一个区划，请分成几行"));
        }
        let is_within = |area: &&Area| {
            let known = short_name(&area.name);
            known.chars().count() > 1 && name.contains(known)
        };
        let like = self.areas.values().filter(is_within).max_by_key(|area| (area.kind, &area.name));
        Err(match like {
            None => format!(
                "没有「{name}」这个区划：请照区划表里的名称或代码填写；新的区划，请先导入区划表"
            ),
            Some(like) => format!(
                "没有「{name}」这个区划：登记的有「{}」，就是它的话请照登记的写；新的区划，请先导入区划表",
                like.name
            ),
        })
    }

    /// By code, or by a name that only one area has (村委会 and the like may be left out).
    ///
    /// # Errors
    /// What is wrong with the name, for whoever wrote it.
    pub fn find(&self, name: &str) -> Result<&Area, String> {
        let found: Vec<&Area> = self.named(name).collect();
        match found.as_slice() {
            [area] => Ok(area),
            [] => self.find_below(name),
            _ => Err(format!("叫「{name}」的区划不止一个，请填区划代码")),
        }
    }
}

/// What is left of a whole address behind the names of the areas that an area lies in, from the top.
fn behind<'n>(above: &[&Area], name: &'n str) -> &'n str {
    above.iter().fold(name, |rest, area| rest.strip_prefix(area.name.as_str()).unwrap_or(rest))
}

fn answers_to(area: &Area, name: &str) -> bool {
    area.name == name || are_one_place(&area.name, name)
}

/// Whether two names are the same place's: 高桥村委会 and 高桥村 are the same village.
pub fn are_one_place(one: &str, other: &str) -> bool {
    short_name(one) == short_name(other)
}

/// What is said of a place beside its name is left out.
fn short_name(name: &str) -> &str {
    ["村民委员会", "村委会", "居民委员会", "居委会"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name)
        .trim_end_matches('村')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_lies_in_the_tree_is_told_in_one_part() {
        let tree = AreaTree::new(
            [
                ("镇", AreaKind::Town, None),
                ("总支", AreaKind::Branch, Some("镇")),
                ("东村", AreaKind::Village, Some("总支")),
                ("西村", AreaKind::Village, Some("镇")),
                ("网格", AreaKind::Grid, Some("西村")),
                ("镇网格", AreaKind::Grid, Some("镇")),
            ]
            .map(|(id, kind, parent)| crate::domain::samples::area(id, kind, parent)),
        );
        let part = |id: &str, kind| {
            let area = tree.part(id, kind).unwrap_or_else(|| unreachable!());
            tree.part_name(area, kind)
        };
        let each = |kind| ["镇", "总支", "东村", "西村", "网格", "镇网格"].map(|id| part(id, kind));
        assert_eq!(
            each(AreaKind::Village),
            ["镇直属", "总支直属", "东村", "西村", "西村", "镇网格"]
        );
        assert_eq!(each(AreaKind::Branch), ["镇直属", "总支", "总支", "西村", "西村", "镇网格"]);
        let found = |name| tree.find_part(name).map(|(area, own)| (area.id.as_str(), own));
        assert_eq!(found("镇直属"), Ok(("镇", true)));
        assert_eq!(found("西村"), Ok(("西村", false)));
        assert!(found("北村直属").is_err());
        assert!(found("西村直属").is_err_and(|why| why.contains("没有直属一项")));
        assert!(tree.is_in("网格", "镇", false) && tree.is_in("镇", "镇", true));
        assert!(!tree.is_in("网格", "镇", true) && !tree.is_in("镇", "总支", false));
    }

    #[test]
    fn areas_of_one_name_are_told_apart_by_what_lies_above_them() {
        let area = |id: &str, kind, name: &str, parent: Option<&str>| Area {
            id: id.to_owned(),
            code: Some(format!("37048111{id}")),
            name: name.to_owned(),
            kind,
            parent_id: parent.map(str::to_owned),
        };
        let mut tree = AreaTree::new([
            area("1", AreaKind::Town, "镇", None),
            area("2", AreaKind::Branch, "东总支", Some("1")),
            area("3", AreaKind::Branch, "西总支", Some("1")),
            area("4", AreaKind::Village, "高桥村", Some("2")),
            area("5", AreaKind::Village, "高桥村", Some("3")),
            area("6", AreaKind::Village, "杨桥村", Some("3")),
            area("7", AreaKind::Branch, "杨桥村", Some("1")),
            area("8", AreaKind::Village, "李庄", Some("3")),
            area("9", AreaKind::Village, "李庄", Some("3")),
        ]);
        let named = |tree: &AreaTree, id: &str| {
            tree.distinct_name(tree.get(id).unwrap_or_else(|| unreachable!()))
        };
        assert_eq!(named(&tree, "4"), "高桥村（东总支）");
        assert_eq!(named(&tree, "5"), "高桥村（西总支）");
        assert_eq!(named(&tree, "6"), "杨桥村", "a branch of that name is no village");
        assert_eq!(named(&tree, "8"), "李庄（370481118）");
        tree.put(area("5", AreaKind::Village, "小桥村", Some("3")));
        assert_eq!(named(&tree, "4"), "高桥村", "renamed, the other isn't its twin any more");
    }
}
