//! 入户抽查: what an inspector finds beside what the visitor wrote, and whose affair a difference is.

use super::staff::{Role, StaffMember};
use crate::words;

words! {
    /// What came of a check.
    Finding {
        True = "true", "属实" | "与记录一致" | "一致";
        /// It's recorded, and nobody was there.
        NotVisited = "not_visited", "没有走访" | "未走访";
        /// Somebody asked for something that isn't in the record.
        Unrecorded = "unrecorded", "漏记诉求" | "漏记问题";
        /// Anything else that isn't as it was written.
        Differs = "differs", "与记录不符" | "不属实" | "不符";
    }
}

impl Finding {
    /// Whether it differs from what the visitor wrote.
    pub const fn is_difference(self) -> bool {
        !matches!(self, Finding::True)
    }
}

/// Who answers for what a visitor wrote, if it isn't so: the nearest role of the line (四(一)) that stands above them.
pub fn answers_for(visitor: Option<&StaffMember>) -> Role {
    let rank = visitor.map_or(0, StaffMember::rank);
    let line = [Role::VillageLead, Role::BranchSecretary, Role::SupervisingLeader];
    line.into_iter().find(|role| role.rank() > rank).unwrap_or(Role::LeadingGroup)
}
