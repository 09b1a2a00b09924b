//! What people call what an entry of the audit says: what was done (a table's coming in goes by its kind), and by whom.

use super::kinds::Kind;
use crate::db::AuditEntry;
use crate::domain::audit::{action_in_words, doer_called};
use crate::domain::issue::EventKind;

/// What was done.
pub fn done_in_words(entry: &AuditEntry) -> String {
    let code = entry.action.as_str();
    let table = || Kind::read(code).map(|kind| format!("导入{}", kind.chinese()));
    let act = || action_in_words(code).or_else(|| EventKind::read(code).map(EventKind::chinese));
    let said = match entry.actor == "import" {
        true => table(),
        // A table that somebody brought has the same name as nothing else that's done.
        false => act().map(str::to_owned).or_else(table),
    };
    said.unwrap_or_else(|| code.to_owned())
}

/// By whom: a person as they're signed, or what of the program.
pub fn doer_in_words(entry: &AuditEntry) -> &str {
    doer_called(&entry.actor).unwrap_or(&entry.actor)
}
