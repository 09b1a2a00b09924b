//! 走访人员: who has duties, and in which role.

use std::collections::HashMap;

use super::area::AreaTree;
use crate::words;

words! {
    /// What a person does in the campaign (plan, 二(二) and 四(一)).
    Role {
        Visitor = "visitor", "走访人员" | "走访人" | "包户干部";
        GridMember = "grid_member", "网格员" | "专职网格员";
        VillageCadre = "village_cadre", "村两委" | "村“两委”" | "村干部";
        VillageLead = "village_lead", "包村干部" | "包村领导";
        BranchSecretary = "branch_secretary", "总支书记" | "党总支书记";
        Department = "department", "镇直部门" | "部门";
        Centre = "centre", "镇社会治理综合服务中心" | "服务中心" | "中心";
        OrganisationOffice = "organisation_office", "组织人事办公室" | "组织人事办" | "镇组织人事办公室";
        LeadingGroup = "leading_group", "领导小组";
        Inspector = "inspector", "督导组" | "督导员";
    }
}

impl Role {
    /// Whether it's held for the whole town, wherever its holder's place in the tree is.
    pub const fn is_of_the_town(self) -> bool {
        use Role::*;
        matches!(self, Department | Centre | OrganisationOffice | LeadingGroup | Inspector)
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
}

impl StaffMember {
    /// As what they did is signed: no other person has it.
    pub fn signed(&self) -> String {
        format!("{} {}", self.number, self.name)
    }
}

/// Who holds which role where.
#[derive(Debug)]
pub struct Holders {
    staff: HashMap<String, StaffMember>,
    by_place: HashMap<(String, Role), String>,
}

impl Holders {
    /// The first by number holds a role that several have in one area.
    pub fn new(staff: Vec<StaffMember>) -> Holders {
        let mut by_place = HashMap::new();
        for person in &staff {
            for role in &person.roles {
                by_place
                    .entry((person.area_id.clone(), *role))
                    .or_insert_with(|| person.id.clone());
            }
        }
        Holders { staff: staff.into_iter().map(|p| (p.id.clone(), p)).collect(), by_place }
    }

    /// The person of that id.
    pub fn person(&self, id: &str) -> Option<&StaffMember> {
        self.staff.get(id)
    }

    /// Who answers for a unit of the town.
    pub fn department(&self, unit: &str) -> Option<&StaffMember> {
        let of_unit = |p: &&StaffMember| p.unit == unit && p.roles.contains(&Role::Department);
        self.staff.values().filter(of_unit).min_by(|a, b| a.number.cmp(&b.number))
    }

    /// Who holds `role` over `area_id`: there, or in the nearest area above it.
    pub fn holder(&self, tree: &AreaTree, role: Role, area_id: &str) -> Option<&StaffMember> {
        tree.upward(area_id)
            .find_map(|area| self.by_place.get(&(area.id.clone(), role)))
            .and_then(|id| self.staff.get(id))
    }
}
