//! Who may do what in the record: by role, and over which area. One table for every command and every page.

use super::area::AreaTree;
use super::staff::{Role, StaffMember};
use crate::words;

words! {
    /// What is done in a person's name.
    Right {
        Acknowledge = "acknowledge", "签收";
        Begin = "begin", "登记着手办理";
        Finish = "finish", "登记办理结果";
        Classify = "classify", "给问题分类";
        /// Its course, with what is personal hidden.
        SeeIssue = "see_issue", "查看问题";
        /// At the subjects that are assigned to them.
        RecordVisit = "record_visit", "登记走访";
        Photo = "photo", "给问题加照片";
        /// Void, override, reopen.
        DecideIssue = "decide_issue", "认定办结、作废或重新办理";
        /// What a resident answered at a revisit.
        CorrectAnswer = "correct_answer", "更正回访结果";
        DecideDebt = "decide_debt", "处置上报和通知";
        Reassign = "reassign", "更换走访人";
        Apply = "apply", "使方案生效";
        Repair = "repair", "按记录改正任务";
        /// Everything in clear, as an export.
        Reveal = "reveal", "导出个人信息";
        /// What an area hands in, in clear.
        RevealReport = "reveal_report", "写出带个人信息的上报材料";
        /// One issue in clear.
        RevealIssue = "reveal_issue", "查看群众的个人信息";
        Erase = "erase", "删除群众的个人信息";
        Import = "import", "导入表格";
        Account = "account", "开通和停用登录";
        Absence = "absence", "登记外出、作废链接";
        ReportBreach = "report_breach", "登记违纪反映";
        Inspect = "inspect", "查看和办理违纪反映";
        Draw = "draw", "抽样";
        InspectDaily = "inspect_daily", "登记督查情况";
        AnswerInspection = "answer_inspection", "核实抽查发现";
        Mediate = "mediate", "登记调解";
        /// By the words in which residents said it.
        SearchWords = "search_words", "按内容查找问题";
        /// Who has done how much, person by person.
        SeeProgress = "see_progress", "查看各走访人的进度";
        /// A read-only address of the wall chart.
        Screen = "screen", "开通和停用大屏链接";
        /// Health, lanes, jobs, what came in.
        Operate = "operate", "查看系统运行情况";
        ReadAudit = "read_audit", "查看审计记录";
        SeeMissing = "see_missing", "查看还缺什么";
        SeeHandIns = "see_hand_ins", "查看材料报送情况";
        HandIn = "hand_in", "报送材料";
        /// Receive what was handed in, or send it back.
        Receive = "receive", "登记收到或退回材料";
        SeePeople = "see_people", "查看人员和进度";
        /// What a unit of the town answers for.
        SeeUnit = "see_unit", "查看本单位承办的问题";
        SeeInspections = "see_inspections", "查看入户抽查";
        /// That one isn't to be visited any more, or is again.
        EndSubject = "end_subject", "登记走访对象不再走访、恢复走访";
    }
}

/// Who sees to the whole campaign.
const HEADS: &[Role] = &[Role::LeadingGroup, Role::OrganisationOffice];

/// Who may see everything in clear.
const SEE_ALL: &[Role] =
    &[Role::LeadingGroup, Role::OrganisationOffice, Role::Centre, Role::Inspector];

/// Who answers for what others do.
const LEAD_OTHERS: &[Role] = &[
    Role::VillageCadre,
    Role::VillageLead,
    Role::BranchSecretary,
    Role::SupervisingLeader,
    Role::Centre,
    Role::OrganisationOffice,
    Role::LeadingGroup,
    Role::Inspector,
];

/// Who sees others' work: how far each is, and what is missing.
const OVERSEERS: &[Role] = &[
    Role::VillageLead,
    Role::BranchSecretary,
    Role::SupervisingLeader,
    Role::Centre,
    Role::OrganisationOffice,
    Role::LeadingGroup,
    Role::Inspector,
];

/// Who hands something in, or receives it.
const REPORTERS: &[Role] = &[
    Role::VillageCadre,
    Role::VillageLead,
    Role::BranchSecretary,
    Role::Department,
    Role::SupervisingLeader,
    Role::OrganisationOffice,
    Role::LeadingGroup,
];

/// Who draws, makes or answers a spot check.
const INSPECTED: &[Role] = &[
    Role::VillageLead,
    Role::BranchSecretary,
    Role::SupervisingLeader,
    Role::OrganisationOffice,
    Role::LeadingGroup,
    Role::Inspector,
];

/// Who puts right what a resident answered: who recorded it, or whoever stands above.
const ANSWERED: &[Role] = &[
    Role::Visitor,
    Role::VillageLead,
    Role::BranchSecretary,
    Role::SupervisingLeader,
    Role::OrganisationOffice,
    Role::LeadingGroup,
];

const MEDIATORS: &[Role] = &[
    Role::GridMember,
    Role::VillageCadre,
    Role::VillageLead,
    Role::BranchSecretary,
    Role::Department,
    Role::SupervisingLeader,
    Role::Centre,
    Role::OrganisationOffice,
    Role::LeadingGroup,
];

impl Right {
    /// The roles that have it; none where everybody does who is here.
    const fn roles(self) -> &'static [Role] {
        use Role::*;
        match self {
            Right::Photo | Right::Absence | Right::ReportBreach | Right::RecordVisit => &[],
            Right::Classify => &[
                Visitor,
                GridMember,
                VillageCadre,
                VillageLead,
                BranchSecretary,
                SupervisingLeader,
                Centre,
                LeadingGroup,
            ],
            Right::Acknowledge | Right::Begin | Right::Finish => &[
                GridMember,
                VillageCadre,
                VillageLead,
                BranchSecretary,
                Department,
                SupervisingLeader,
                Centre,
                LeadingGroup,
            ],
            Right::DecideIssue => &[
                Centre,
                LeadingGroup,
                SupervisingLeader,
                OrganisationOffice,
                BranchSecretary,
                VillageLead,
            ],
            Right::CorrectAnswer => ANSWERED,
            Right::DecideDebt | Right::Repair => &[Centre, LeadingGroup, OrganisationOffice],
            Right::Reassign => {
                &[LeadingGroup, SupervisingLeader, OrganisationOffice, BranchSecretary]
            }
            Right::Apply | Right::Account | Right::Erase | Right::Screen => HEADS,
            Right::ReadAudit | Right::Receive => HEADS,
            Right::Import | Right::Operate => &[LeadingGroup, OrganisationOffice, Centre],
            Right::Reveal | Right::SearchWords => SEE_ALL,
            Right::SeeProgress => LEAD_OTHERS,
            Right::SeeMissing | Right::SeePeople | Right::RevealReport => OVERSEERS,
            Right::SeeHandIns | Right::HandIn => REPORTERS,
            Right::SeeUnit => &[Department],
            Right::SeeInspections => INSPECTED,
            Right::RevealIssue | Right::SeeIssue => Role::ALL,
            Right::Inspect | Right::InspectDaily => &[Inspector],
            Right::Draw => &[Inspector, OrganisationOffice, LeadingGroup],
            Right::AnswerInspection => {
                &[VillageLead, BranchSecretary, SupervisingLeader, OrganisationOffice, LeadingGroup]
            }
            Right::Mediate => MEDIATORS,
            // Not the visitor, whose own debt would end by it.
            Right::EndSubject => {
                &[VillageLead, BranchSecretary, SupervisingLeader, OrganisationOffice, LeadingGroup]
            }
        }
    }

    /// Whether this person has it over `area`; nothing stands for the town.
    pub fn is_of(self, person: &StaffMember, tree: &AreaTree, area: Option<&str>) -> bool {
        let roles = self.roles();
        roles.is_empty() && !person.has_left()
            || person.roles.iter().any(|role| {
                roles.contains(role)
                    && (role.is_of_the_town()
                        || area.is_some_and(|area| lies_in(tree, area, &person.area_id)))
            })
    }

    /// Whether this person has it anywhere.
    pub fn is_held_by(self, person: &StaffMember) -> bool {
        let roles = self.roles();
        roles.is_empty() && !person.has_left()
            || person.roles.iter().any(|role| roles.contains(role))
    }

    /// Whether this person has it over a matter: a visitor where they visit, a department where it answers, the others where it
    /// lies.
    pub fn is_over(self, person: &StaffMember, tree: &AreaTree, matter: &Matter<'_>) -> bool {
        let roles = self.roles();
        let holds = |role: &Role| {
            (roles.is_empty() || roles.contains(role))
                && match role {
                    Role::Visitor => matter.visitor == Some(person.id.as_str()),
                    Role::Department => matter.unit.is_some_and(|unit| person.is_of_unit(unit)),
                    role => role.is_of_the_town() || lies_in(tree, matter.area, &person.area_id),
                }
        };
        person.roles.iter().any(holds)
    }

    /// Whether this person has it over a matter by a role that stands above a rank.
    pub fn is_above(
        self,
        person: &StaffMember,
        tree: &AreaTree,
        matter: &Matter<'_>,
        rank: u8,
    ) -> bool {
        let mut above = person.clone();
        above.roles.retain(|role| role.rank() > rank);
        self.is_over(&above, tree, matter)
    }

    /// Where a person has it, so that a list is read from there; what of it is listed, [`Right::is_over`] says.
    pub fn reach(self, person: &StaffMember) -> Reach {
        let roles = self.roles();
        let mut reach = Reach::default();
        for role in person.roles.iter().filter(|role| roles.is_empty() || roles.contains(role)) {
            match role {
                Role::Visitor => reach.own = true,
                Role::Department => reach.unit = true,
                role if role.is_of_the_town() => reach.everywhere = true,
                _ => reach.area = true,
            }
        }
        reach
    }

    /// The roles that have it, for whoever lacks them.
    pub fn roles_in_words(self) -> String {
        let names: Vec<&str> = self.roles().iter().map(|role| role.chinese()).collect();
        names.join("或")
    }
}

/// Where a matter lies: in which area, who visits there, and which unit of the town answers for it.
#[derive(Debug, Clone, Copy)]
pub struct Matter<'m> {
    pub area: &'m str,
    pub visitor: Option<&'m str>,
    pub unit: Option<&'m str>,
}

/// Where a person has a right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    pub everywhere: bool,
    /// In their area and all that lies in it.
    pub area: bool,
    /// Where they visit.
    pub own: bool,
    /// Where their unit of the town answers.
    pub unit: bool,
}

fn lies_in(tree: &AreaTree, area: &str, within: &str) -> bool {
    tree.upward(area).any(|above| above.id == within)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::area::AreaKind;
    use crate::domain::samples::{self, area};

    fn person(roles: &[Role], area: &str) -> StaffMember {
        samples::person("1", roles, area)
    }

    #[test]
    fn a_right_is_held_by_role_and_over_an_area() {
        let tree = AreaTree::new([
            area("镇", AreaKind::Town, None),
            area("东", AreaKind::Branch, Some("镇")),
            area("西", AreaKind::Branch, Some("镇")),
            area("甲村", AreaKind::Village, Some("东")),
        ]);
        let (east, west) =
            (person(&[Role::BranchSecretary], "东"), person(&[Role::BranchSecretary], "西"));
        assert!(Right::DecideIssue.is_of(&east, &tree, Some("甲村")));
        assert!(!Right::DecideIssue.is_of(&west, &tree, Some("甲村")));
        let leader = person(&[Role::LeadingGroup], "东");
        assert!(Right::DecideIssue.is_of(&leader, &tree, Some("甲村")));
        let visitor = person(&[Role::Visitor], "甲村");
        assert!(!Right::DecideIssue.is_of(&visitor, &tree, Some("甲村")));
        assert!(!Right::DecideIssue.is_of(&east, &tree, None), "not over the whole town");
        assert!(Right::DecideIssue.is_of(&leader, &tree, None));
        assert!(Right::Photo.is_of(&visitor, &tree, Some("西")));
        // Who left may do nothing at all.
        let left = person(&[], "甲村");
        assert!(!Right::ALL.iter().any(|right| right.is_held_by(&left)));
        assert!(!Right::Photo.is_of(&left, &tree, Some("甲村")));
        let matter = Matter { area: "甲村", visitor: Some("2"), unit: Some("城建办") };
        assert!(Right::Classify.is_over(&east, &tree, &matter));
        assert!(!Right::Classify.is_over(&west, &tree, &matter));
        assert!(!Right::Classify.is_over(&visitor, &tree, &matter), "where somebody else visits");
        assert!(Right::Classify.is_over(&visitor, &tree, &Matter { visitor: Some("1"), ..matter }));
        let office = |unit: &str| StaffMember {
            unit: unit.to_owned(),
            ..person(&[Role::Department], "镇")
        };
        assert!(Right::Finish.is_over(&office("城建办"), &tree, &matter));
        assert!(!Right::Finish.is_over(&office("民政办"), &tree, &matter));
        assert!(
            !Right::Apply.is_of(&east, &tree, None) && Right::Apply.is_of(&leader, &tree, None)
        );
    }
}
