//! 入户抽查: what an inspector finds beside what the visitor wrote, and whose affair a difference is.

use super::area::AreaTree;
use super::rights::Right;
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

/// Whether a person may answer for what was found of what a visitor wrote: by their right over where it is, and never for
/// themselves nor for whoever stands as high as they do or above them.
pub fn may_answer(
    person: &StaffMember,
    visitor: Option<&StaffMember>,
    tree: &AreaTree,
    area: &str,
) -> bool {
    let of_the_town = || person.roles.iter().any(|role| role.is_of_the_town());
    let stands_above = |visitor: &StaffMember| {
        visitor.id != person.id && (person.rank() > visitor.rank() || of_the_town())
    };
    Right::AnswerInspection.is_of(person, tree, Some(area)) && visitor.is_none_or(stands_above)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::area::AreaKind;
    use crate::domain::samples::{area, person};

    #[test]
    fn whoever_stands_above_the_visitor_answers_where_it_is() {
        let tree = AreaTree::new([
            area("镇", AreaKind::Town, None),
            area("东村", AreaKind::Village, Some("镇")),
            area("西村", AreaKind::Village, Some("镇")),
        ]);
        let lead = person("包村", &[Role::VillageLead], "东村");
        let visitor = person("走访", &[Role::Visitor], "西村");
        let may = |who, visitor, at| may_answer(who, visitor, &tree, at);
        assert!(
            may(&lead, Some(&visitor), "东村"),
            "where it is, not where the visitor is at home"
        );
        assert!(!may(&lead, Some(&visitor), "西村"));
        assert!(may(&lead, None, "东村"));
        let both = person("兼", &[Role::VillageLead, Role::Visitor], "东村");
        assert!(!may(&both, Some(&both), "东村"), "never for themselves");
        assert!(!may(&lead, Some(&both), "东村"), "who stands beside them answers no more");
        let office = person("组", &[Role::OrganisationOffice], "镇");
        let secretary = person("书记", &[Role::Visitor, Role::BranchSecretary], "镇");
        assert!(may(&office, Some(&secretary), "西村"));
        assert!(!may(&visitor, None, "西村"), "without the right");
    }
}
