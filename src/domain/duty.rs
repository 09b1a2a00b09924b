//! 任务: something one person owes by one date.

use super::staff::Role;
use crate::words;

words! {
    /// What is owed; each is met by a fact in the record.
    DutyKind {
        Materials = "materials", "走访材料准备";
        Visit = "visit", "入户走访";
        Classify = "classify", "群众分类";
        Summary = "summary", "总支小结";
        Resolve = "resolve", "问题办结";
        Report = "report", "办结情况上报";
        Revisit = "revisit", "回访";
        LookBack = "look_back", "回头看总结";
    }
}

impl DutyKind {
    /// The role that owes it where no one person is named.
    pub const fn role(self) -> Role {
        match self {
            DutyKind::Visit | DutyKind::Classify | DutyKind::Revisit => Role::Visitor,
            DutyKind::Materials | DutyKind::Report | DutyKind::LookBack => Role::VillageLead,
            DutyKind::Summary => Role::BranchSecretary,
            DutyKind::Resolve => Role::GridMember,
        }
    }
}

/// The key that names a duty, so that the same fact never makes two.
pub fn key(kind: DutyKind, of: &str, round: i64) -> String {
    match round {
        0 | 1 => format!("{}:{of}", kind.code()),
        _ => format!("{}:{of}:{round}", kind.code()),
    }
}
