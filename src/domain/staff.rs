//! 走访人员: who has duties, and in which role.

use std::collections::HashMap;

use super::area::AreaTree;
use crate::words;

/// What stands in the place of a role where somebody has left.
pub const LEFT: &str = "离岗";

words! {
    /// What a person does in the campaign (plan, 二(二) and 四(一)).
    Role {
        Visitor = "visitor", "走访人员" | "走访人" | "包户干部";
        GridMember = "grid_member", "网格员" | "专职网格员";
        VillageCadre = "village_cadre", "村两委" | "村“两委”" | "村“两委”干部" | "村“两委”成员" | "村\"两委\"干部" | "村两委干部" | "村两委成员" | "村干部";
        VillageLead = "village_lead", "包村干部" | "包村领导";
        BranchSecretary = "branch_secretary", "总支书记" | "党总支书记";
        Department = "department", "镇直部门" | "部门";
        Centre = "centre", "镇社会治理综合服务中心" | "服务中心" | "中心";
        OrganisationOffice = "organisation_office", "组织人事办公室" | "组织人事办" | "镇组织人事办公室";
        SupervisingLeader = "supervising_leader", "分管领导" | "分管负责人" | "副组长";
        LeadingGroup = "leading_group", "领导小组";
        Inspector = "inspector", "督导组" | "督导员";
    }
}

/// The line upward (四(一)): what nobody at one level can hear of or do comes to the next.
const LINE: [Role; 5] = [
    Role::VillageCadre,
    Role::VillageLead,
    Role::BranchSecretary,
    Role::SupervisingLeader,
    Role::LeadingGroup,
];

impl Role {
    /// The roles of the line that stand above a rank, the nearest first.
    pub fn line_above(rank: u8) -> impl Iterator<Item = Role> {
        LINE.into_iter().filter(move |role| role.rank() > rank)
    }

    /// Whether it's held for the whole town, wherever its holder's place in the tree is.
    pub const fn is_of_the_town(self) -> bool {
        use Role::*;
        matches!(self, Department | Centre | OrganisationOffice | LeadingGroup | Inspector)
    }

    /// How high it stands (四(一)): who is told of another's lateness stands above them.
    pub const fn rank(self) -> u8 {
        match self {
            Role::Visitor | Role::GridMember => 0,
            Role::VillageCadre => 1,
            Role::VillageLead => 2,
            Role::BranchSecretary
            | Role::Department
            | Role::Centre
            | Role::OrganisationOffice
            | Role::Inspector => 3,
            Role::SupervisingLeader => 4,
            Role::LeadingGroup => 5,
        }
    }
}

words! {
    /// How a person is reached.
    AddressKind {
        Phone = "phone", "手机号";
        Email = "email", "邮箱";
        WeCom = "wecom", "企业微信账号";
        Feishu = "feishu", "飞书账号";
    }
}

/// A person with duties.
#[derive(Debug, Clone)]
pub struct StaffMember {
    pub id: String,
    pub number: String,
    pub name: String,
    pub area_id: String,
    pub unit: String,
    pub roles: Vec<Role>,
    /// How they can be reached.
    pub addresses: Vec<AddressKind>,
    /// Part of their calendar's address: raised to make it a new one.
    pub calendar_version: i64,
    /// Who acts for them while they're away, as that one signs; nobody where they act themselves.
    pub stood_in_by: Option<Deputy>,
}

/// Who acts for somebody who is away.
#[derive(Debug, Clone)]
pub struct Deputy {
    pub number: String,
    pub name: String,
}

impl StaffMember {
    /// As what they did is signed: no other person has it.
    pub fn signed(&self) -> String {
        let own = format!("{} {}", self.number, self.name);
        match &self.stood_in_by {
            Some(Deputy { number, name }) => format!("{number} {name}（代{own}）"),
            None => own,
        }
    }

    /// The same by name, as people read it.
    pub fn called(&self) -> String {
        let deputy = self.stood_in_by.as_ref();
        deputy.map_or(self.name.clone(), |deputy| format!("{}（代{}）", deputy.name, self.name))
    }

    /// The same by number.
    pub fn numbered(&self) -> String {
        let deputy = self.stood_in_by.as_ref();
        deputy.map_or(self.number.clone(), |by| format!("{}（代{}）", by.number, self.number))
    }

    /// The same person, for whom that one acts.
    pub fn by_deputy(self, deputy: &StaffMember) -> StaffMember {
        let deputy = Deputy { number: deputy.number.clone(), name: deputy.name.clone() };
        StaffMember { stood_in_by: Some(deputy), ..self }
    }

    /// Whether they left (离岗): who is here has a role.
    pub fn has_left(&self) -> bool {
        self.roles.is_empty()
    }

    /// How high they stand: by the highest of their roles.
    pub fn rank(&self) -> u8 {
        self.roles.iter().map(|role| role.rank()).max().unwrap_or(0)
    }

    /// The units of the town that are theirs; one person may have several (城建办、民政办).
    pub fn units(&self) -> impl Iterator<Item = &str> {
        units_of(&self.unit)
    }

    /// Whether a unit of the town is theirs.
    pub fn is_of_unit(&self, unit: &str) -> bool {
        self.units().any(|of| of == unit)
    }
}

/// Each unit of the town of those that stand in one text.
pub fn units_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(['、', '，', ',', ';', '；']).map(str::trim).filter(|unit| !unit.is_empty())
}

/// Who holds which role where.
#[derive(Debug)]
pub struct Holders {
    staff: HashMap<String, StaffMember>,
    by_place: HashMap<(String, Role), Vec<String>>,
}

impl Holders {
    /// Of several who hold a role in one area, the first by number comes first.
    pub fn new(mut staff: Vec<StaffMember>) -> Holders {
        staff.sort_by(|a, b| a.number.cmp(&b.number));
        let mut by_place: HashMap<(String, Role), Vec<String>> = HashMap::new();
        for person in &staff {
            for role in &person.roles {
                let there = by_place.entry((person.area_id.clone(), *role)).or_default();
                there.push(person.id.clone());
            }
        }
        Holders { staff: staff.into_iter().map(|p| (p.id.clone(), p)).collect(), by_place }
    }

    /// The person of that id.
    pub fn person(&self, id: &str) -> Option<&StaffMember> {
        self.staff.get(id)
    }

    /// The person of that number.
    pub fn numbered(&self, number: &str) -> Option<&StaffMember> {
        self.staff.values().find(|person| person.number == number)
    }

    /// Everyone, by number.
    pub fn all(&self) -> Vec<&StaffMember> {
        let mut all: Vec<&StaffMember> = self.staff.values().collect();
        all.sort_by(|a, b| a.number.cmp(&b.number));
        all
    }

    /// Who answers for a unit of the town.
    pub fn department(&self, unit: &str) -> Option<&StaffMember> {
        self.of_a_unit(Role::Department, &[unit]).into_iter().next()
    }

    /// Which leaders the units of this person are under (分管领导).
    pub fn leaders_of(&self, owner: &StaffMember) -> Vec<&StaffMember> {
        self.of_a_unit(Role::SupervisingLeader, &owner.units().collect::<Vec<_>>())
    }

    fn of_a_unit(&self, role: Role, units: &[&str]) -> Vec<&StaffMember> {
        let of_unit = |p: &&StaffMember| {
            p.roles.contains(&role) && units.iter().any(|unit| p.is_of_unit(unit))
        };
        let mut found: Vec<&StaffMember> = self.staff.values().filter(of_unit).collect();
        found.sort_by(|a, b| a.number.cmp(&b.number));
        found
    }

    /// Whoever holds `role` over `area_id`, the first by number first: there, or in the nearest area above it.
    pub fn holders(&self, tree: &AreaTree, role: Role, area_id: &str) -> Vec<&StaffMember> {
        let held =
            tree.upward(area_id).find_map(|area| self.by_place.get(&(area.id.clone(), role)));
        held.into_iter().flatten().filter_map(|id| self.staff.get(id)).collect()
    }

    /// Who owes what is a person's by name, or else a role's over an area: where nobody holds that, it's the affair of whoever
    /// stands next above. Wherever it's told who owes something, it's by this.
    pub fn owing(
        &self,
        tree: &AreaTree,
        person: Option<&str>,
        (role, area): (Role, &str),
    ) -> Vec<&StaffMember> {
        if let Some(person) = person {
            return self.person(person).into_iter().collect();
        }
        let of_role = |role| self.holders(tree, role, area);
        let first = |role| of_role(role).into_iter().take(1).collect();
        let above = Role::line_above(role.rank()).map(first);
        let mut levels = std::iter::once(of_role(role)).chain(above);
        levels.find(|level: &Vec<_>| !level.is_empty()).unwrap_or_default()
    }

    /// The first of these.
    pub fn holder(&self, tree: &AreaTree, role: Role, area_id: &str) -> Option<&StaffMember> {
        self.holders(tree, role, area_id).into_iter().next()
    }
}
