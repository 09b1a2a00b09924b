//! What is a number of the platform's, and what only stands where one will.

/// What systems write where there is no number yet, or none at all.
const NONE: [&str; 14] = [
    "null",
    "nil",
    "none",
    "undefined",
    "nan",
    "n/a",
    "na",
    "tbd",
    "unassigned",
    "无",
    "暂无",
    "未分配",
    "待分配",
    "未编号",
];

/// Whether it names one thing of the platform's: neither nothing but zeros, nor a word for none.
///
/// ```
/// use zoufang::domain::following::names_one;
/// assert!(["7", "007", "20220420153012340001", "c1", "A-0"].iter().all(|text| names_one(text)));
/// let none = ["0", "000", "-1", " ", "00000000-0000-0000-0000-000000000000", "NULL", "暂无", "-", "0.0"];
/// assert!(none.iter().all(|text| !names_one(text)));
/// ```
pub fn names_one(text: &str) -> bool {
    let text = text.trim();
    let empty = text.chars().all(|c| c == '0' || c.is_ascii_punctuation());
    !empty && text != "-1" && !NONE.contains(&text.to_lowercase().as_str())
}
