//! 走访对象: what is visited.

use crate::words;

words! {
    /// The kinds of subject that the plan's scope names (二(一)).
    SubjectKind {
        Household = "household", "家庭" | "户" | "农户" | "住户" | "村家庭";
        Shop = "shop", "商铺" | "门店" | "商户";
        Enterprise = "enterprise", "企业";
        School = "school", "学校";
        Hospital = "hospital", "医院" | "卫生室" | "卫生院";
        Market = "market", "市场" | "集贸市场";
        Organ = "organ", "机关";
        Institution = "institution", "事业单位";
    }
}
