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
pub struct AreaTree(HashMap<String, Area>);

impl AreaTree {
    /// The tree of these areas.
    pub fn new(areas: impl IntoIterator<Item = Area>) -> AreaTree {
        AreaTree(areas.into_iter().map(|area| (area.id.clone(), area)).collect())
    }

    /// Puts an area in, or in the place of what was known of it.
    pub fn put(&mut self, area: Area) {
        self.0.insert(area.id.clone(), area);
    }

    /// Every area, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Area> {
        self.0.values()
    }

    /// The areas of these and all below them.
    pub fn below<'t>(&'t self, of: &'t HashSet<&str>) -> impl Iterator<Item = &'t Area> {
        self.all().filter(|area| self.upward(&area.id).any(|above| of.contains(above.id.as_str())))
    }

    /// The area and all that it lies in, nearest first.
    pub fn upward<'t>(&'t self, id: &str) -> impl Iterator<Item = &'t Area> {
        let first = self.0.get(id);
        // A tree of areas is at most a handful deep; the bound makes a cycle harmless.
        std::iter::successors(first, |area| self.0.get(area.parent_id.as_deref()?)).take(16)
    }

    /// By id.
    pub fn get(&self, id: &str) -> Option<&Area> {
        self.0.get(id)
    }

    /// Those that answer to a code or a name.
    pub fn named<'t>(&'t self, name: &str) -> impl Iterator<Item = &'t Area> {
        let code = full_code(name).into_owned();
        let is_coded = move |area: &Area| area.code.as_ref() == Some(&code);
        self.0.values().filter(move |area| is_coded(area) || answers_to(area, name))
    }

    /// By code, or by a name that only one area has (村委会 and the like may be left out).
    ///
    /// # Errors
    /// What is wrong with the name, for whoever wrote it.
    pub fn find(&self, name: &str) -> Result<&Area, String> {
        let found: Vec<&Area> = self.named(name).collect();
        match found.as_slice() {
            [area] => Ok(area),
            [] => Err(format!("没有「{name}」这个区划")),
            _ => Err(format!("叫「{name}」的区划不止一个，请填区划代码")),
        }
    }
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
