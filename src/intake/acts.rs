//! What people call what an entry of the audit says: what was done (a table's coming in goes by its kind), and by whom.

use super::kinds::Kind;
use crate::db::AuditEntry;
use crate::domain::audit::action_in_words;
use crate::domain::issue::EventKind;

/// What was done.
pub fn done_in_words(entry: &AuditEntry) -> String {
    let code = entry.action.as_str();
    if entry.actor == "import"
        && let Some(kind) = Kind::read(code)
    {
        return format!("导入{}", kind.chinese());
    }
    let words = action_in_words(code).or_else(|| EventKind::read(code).map(EventKind::chinese));
    words.unwrap_or(code).to_owned()
}

/// By whom: a person as they're signed, or what of the program.
pub fn doer_in_words(entry: &AuditEntry) -> &str {
    match entry.actor.as_str() {
        "import" => "导入",
        "sign-in" => "登录",
        "operator" => "服务器上的操作人员",
        "zoufang" | "restore" => "本系统",
        "platform" => "平台",
        person => person,
    }
}
