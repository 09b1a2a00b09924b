//! 走访人员: who has duties, and in which role.

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

words! {
    /// How a person is reached.
    AddressKind {
        Phone = "phone", "手机号";
        Email = "email", "邮箱";
        WeCom = "wecom", "企业微信账号";
        Feishu = "feishu", "飞书账号";
    }
}
