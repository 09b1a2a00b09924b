//! 备份: what one holds, how it's called, which are kept, and whether one is what it was made of.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// What a record holds, counted: by it a copy is known to be whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The last change of the schema.
    pub schema: i64,
    /// The record's own name, and the fingerprint of the key that seals its personal data.
    pub record: String,
    pub key: String,
    /// The rows of each table.
    pub rows: BTreeMap<String, i64>,
    /// The head of the audit's chain.
    pub audit: Option<AuditHead>,
}

/// The last entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    pub sequence: i64,
    pub hash: String,
}

/// What a backup says of itself, sealed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the program that made it.
    pub program: String,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// When, in epoch milliseconds of the real time.
    pub made_at: i64,
    pub contents: Contents,
}

impl Contents {
    /// All rows.
    pub fn total(&self) -> i64 {
        self.rows.values().sum()
    }

    /// What is otherwise than it should be in a copy, in words.
    ///
    /// ```
    /// use zoufang::domain::backup::Contents;
    /// let one = |rows| Contents { rows: [("issues".to_owned(), rows)].into(), ..Contents::default() };
    /// assert!(one(7).differences(&one(7)).is_empty());
    /// assert_eq!(one(7).differences(&one(6)), ["表 issues 应有 7 行，读出 6 行"]);
    /// ```
    pub fn differences(&self, found: &Contents) -> Vec<String> {
        let mut differences = Vec::new();
        if self.schema != found.schema {
            let (own, other) = (self.schema, found.schema);
            differences.push(format!("数据库结构应为第 {own} 号，读出第 {other} 号"));
        }
        if (&self.record, &self.key) != (&found.record, &found.key) {
            differences.push("不是同一个数据库，或不是同一把密钥".to_owned());
        }
        let tables =
            self.rows.keys().chain(found.rows.keys().filter(|t| !self.rows.contains_key(*t)));
        for table in tables {
            let count = |of: &Contents| of.rows.get(table).copied().unwrap_or(0);
            let (own, other) = (count(self), count(found));
            if own != other {
                differences.push(format!("表 {table} 应有 {own} 行，读出 {other} 行"));
            }
        }
        if self.audit != found.audit {
            let at = |head: &Option<AuditHead>| head.as_ref().map_or(0, |head| head.sequence);
            let (own, other) = (at(&self.audit), at(&found.audit));
            differences
                .push(format!("审计记录的最后一条应为第 {own} 条，读出第 {other} 条，或内容不同"));
        }
        differences
    }
}

const BEGIN: &str = "zoufang-";
const END: &str = ".backup";
const FORM: &str = "%Y%m%d-%H%M%S";

/// The name of a backup of that moment, on the township's clock.
///
/// ```
/// use zoufang::domain::backup::{made_at, name_of};
/// let at = jiff::civil::date(2022, 4, 20).at(2, 40, 7, 0);
/// assert_eq!(name_of(at), "zoufang-20220420-024007.backup");
/// assert_eq!(made_at(&name_of(at)), Some(at));
/// assert_eq!(made_at("zoufang-20220420.backup"), None);
/// assert_eq!(made_at("我的-zoufang-20220420-024007.backup"), None);
/// ```
pub fn name_of(at: DateTime) -> String {
    format!("{BEGIN}{}{END}", at.strftime(FORM))
}

/// When a backup of that name was made; nothing for what isn't one of ours.
pub fn made_at(name: &str) -> Option<DateTime> {
    let at = name.strip_prefix(BEGIN)?.strip_suffix(END)?;
    // As it was written, to the last digit.
    DateTime::strptime(FORM, at).ok().filter(|read| name_of(*read) == name)
}

/// Which of a folder's files go, where so many backups are kept; what isn't one of ours stays.
///
/// ```
/// use zoufang::domain::backup::superfluous;
/// let names = ["zoufang-20220420-024000.backup", "注意.txt", "zoufang-20220422-024000.backup", "zoufang-20220421-024000.backup"];
/// assert_eq!(superfluous(&names, 2), ["zoufang-20220420-024000.backup"]);
/// assert!(superfluous(&names, 0).is_empty(), "none is kept by nobody's wish");
/// ```
pub fn superfluous<'n>(names: &[&'n str], keep: usize) -> Vec<&'n str> {
    let mut ours: Vec<(DateTime, &str)> =
        names.iter().filter_map(|name| Some((made_at(name)?, *name))).collect();
    ours.sort_unstable();
    let many = if keep == 0 { 0 } else { ours.len().saturating_sub(keep) };
    ours.into_iter().take(many).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        Contents {
            schema: 31,
            record: "a".to_owned(),
            key: "k".to_owned(),
            rows: [("issues".to_owned(), 2), ("visits".to_owned(), 0)].into(),
            audit: Some(AuditHead { sequence: 5, hash: "aa".to_owned() }),
        }
    }

    #[test]
    fn whatever_is_otherwise_is_named() {
        let own = contents();
        assert!(own.differences(&contents()).is_empty());
        let mut other = contents();
        other.schema = 30;
        other.rows.insert("photos".to_owned(), 1);
        other.rows.remove("issues");
        other.audit = None;
        let said = own.differences(&other).join("；");
        for part in [
            "第 31 号",
            "第 30 号",
            "表 issues 应有 2 行，读出 0 行",
            "表 photos 应有 0 行，读出 1 行",
            "第 5 条",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        // A table without a row may be missing from a list.
        other = contents();
        other.rows.remove("visits");
        assert!(own.differences(&other).is_empty());
        let another = Contents { key: "other".to_owned(), ..contents() };
        assert_eq!(own.differences(&another).len(), 1);
    }
}
