//! 区划: the tree of places, county > town > branch > village > grid.

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
