//! What is handed in: tables as workbooks, and summaries as documents.

use crate::domain::area::AreaKind;
use crate::words;

words! {
    /// A table that is handed in as a workbook.
    Table {
        /// 二(三)
        Arrangement = "arrangement", "附件2走访活动安排表" | "附件2" | "走访活动安排表" | "大走访活动安排表";
        /// 三(一)
        Opinions = "opinions", "附件4群众意见建议记录表" | "附件4" | "意见建议";
        /// 三(二)
        WithoutIssues = "without_issues", "附件5没有问题群众清单" | "附件5" | "没有问题群众清单";
        /// 三(二)
        Issues = "issues", "附件6问题清单" | "附件6" | "问题清单";
        /// 三(三)
        Rectification = "rectification", "整改台账";
        /// 三(三)
        Referrals = "referrals", "上报台账";
        /// 三(三)
        Units = "units", "各单位问题解决情况";
        /// 三(四)
        Satisfaction = "satisfaction", "群众满意度情况表" | "满意度" | "满意度表";
        /// 四(三)
        Inspections = "inspections", "督查抽查记录" | "抽查" | "入户抽查记录";
        /// 四(二): for the inspection group only.
        Discipline = "discipline", "工作纪律记录" | "纪律";
        /// 三(一) 镇不漏村、村不漏户、户不漏人.
        Missing = "missing", "缺项清单" | "缺什么";
    }
}

words! {
    /// A summary that is handed in as a document.
    Document {
        /// 三(二): of a branch, by 15 April.
        BranchSummary = "branch_summary", "工作开展情况总结" | "总支工作总结";
        /// 三(三): of a unit or a village, by 31 May.
        UnitReport = "unit_report", "问题解决情况";
        /// 三(四): of a village.
        SelfCheck = "self_check", "自查总结";
        /// 三(四): of a village.
        LookBack = "look_back", "回头看总结" | "回头看";
        /// Of the township.
        TownSummary = "town_summary", "大走访活动总结" | "镇总结";
    }
}

words! {
    /// What is printed (三(一)).
    Print {
        Badges = "badges", "工作牌" | "走访人员工作牌";
        Leaflet = "leaflet", "明白纸" | "民生工作宣传明白纸";
        Cards = "cards", "联系服务群众卡" | "联系卡";
        Forms = "forms", "走访登记表" | "走访表";
    }
}

impl Document {
    /// Whether it can be of an area of this kind, and then only of what is that area's own.
    pub fn is_of(self, kind: AreaKind) -> Option<bool> {
        match self {
            Document::BranchSummary => (kind == AreaKind::Branch).then_some(false),
            // A village's; and what is a town's or a branch's own owes it too.
            Document::UnitReport => match kind {
                AreaKind::Village => Some(false),
                AreaKind::Town | AreaKind::Branch => Some(true),
                AreaKind::County | AreaKind::Grid => None,
            },
            Document::SelfCheck | Document::LookBack => {
                (kind == AreaKind::Village).then_some(false)
            }
            Document::TownSummary => Some(false),
        }
    }

    /// The template in which its text stands.
    pub const fn template(self) -> &'static str {
        match self {
            Document::BranchSummary => "branch_summary.txt",
            Document::UnitReport => "unit_report.txt",
            Document::SelfCheck => "self_check.txt",
            Document::LookBack => "look_back.txt",
            Document::TownSummary => "town_summary.txt",
        }
    }
}
