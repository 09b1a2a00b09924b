//! Columns that nobody reads and that say something of what a row is about: what each says, by its name.

use super::kinds::{Field, Kind};
use crate::app::beside::What;

/// What a column that isn't read says of what its row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    Of(What),
    /// The number of the person whom the row names.
    Person,
    /// The number of the issue that was heard at the visit.
    Issue,
}

/// The column that names what a row of this kind is about.
pub(super) const fn key_of(kind: Kind) -> Option<Field> {
    match kind {
        Kind::Assignments | Kind::Visits | Kind::Residents | Kind::States => Some(Field::Subject),
        Kind::Classifications
        | Kind::Handlings
        | Kind::IssueList
        | Kind::Beginnings
        | Kind::Acknowledgements
        | Kind::Mediations => Some(Field::Issue),
        Kind::Inspections => Some(Field::Inspection),
        Kind::Returns => Some(Field::RemoteNumber),
        Kind::AreaAssignments => Some(Field::Area),
        _ => None,
    }
}

/// The column that names a person of whom a number may stand beside.
pub(super) const fn person_of(kind: Kind) -> Option<Field> {
    match kind {
        Kind::Assignments | Kind::AreaAssignments | Kind::Visits => Some(Field::Visitor),
        Kind::Absences => Some(Field::Absentee),
        Kind::Confirmations => Some(Field::By),
        Kind::Acknowledgements => Some(Field::Acknowledger),
        Kind::Beginnings => Some(Field::Beginner),
        _ => None,
    }
}

impl Beside {
    /// What a column of that name says in a table of this kind, where it isn't read.
    pub fn of(kind: Kind, name: &str) -> Option<Beside> {
        let is = |field: Field| field.names().any(|known| known == name);
        if matches!(name, "人员编号" | "工号" | "走访人员编号") {
            return person_of(kind).map(|_| Beside::Person);
        }
        if kind == Kind::Visits && is(Field::Issue) {
            return Some(Beside::Issue);
        }
        if kind == Kind::Returns {
            return of_return(name).map(Beside::Of);
        }
        let key = key_of(kind)?;
        let of_issue = key == Field::Issue;
        let what = match name {
            _ if key == Field::Area => What::AreaCode,
            _ if key != Field::Subject && is(Field::Subject) => What::SubjectNumber,
            _ if is(Field::SubjectName) => What::SubjectName,
            _ if is(Field::SubjectKind) => What::SubjectKind,
            "行政村" | "村庄" | "村名" => What::Area,
            _ if is(Field::Area) => What::Area,
            "详细住址" => What::Address,
            _ if is(Field::Address) => What::Address,
            _ if of_issue && (is(Field::Text) || is_the_matter(name)) => What::Text,
            _ if of_issue && is(Field::Resident) => What::Resident,
            _ if of_issue && is(Field::Visitor) => What::Visitor,
            "走访日期" | "走访时间" if of_issue => What::VisitedOn,
            "办结期限" if of_issue => What::DueOn,
            _ => return None,
        };
        let is_code = is(Field::AreaCode);
        (what != What::AreaCode || is_code).then_some(Beside::Of(what))
    }
}

/// What a column of a table that came back from a portal says: of our own hand-off, or of the portal's list.
fn of_return(name: &str) -> Option<What> {
    let is = |field: Field| field.names().any(|known| known == name);
    Some(match name {
        "问题编号" => What::IssueNumber,
        "标题" | "事件标题" | "诉求标题" | "工单标题" | "问题标题" | "主题" | "事件名称" => {
            What::Title
        }
        "诉求描述" | "事件内容" | "工单内容" | "问题内容" | "反映内容" | "主要内容" | "诉求" => {
            What::Description
        }
        "诉求人" | "诉求人姓名" | "反映人" | "反映人姓名" | "来电人" | "群众" | "联系人" => {
            What::Resident
        }
        "行政村" | "村庄" | "村名" => What::Area,
        _ if is(Field::Reference) || is(Field::Text) => What::Description,
        _ if is(Field::Resident) => What::Resident,
        _ if is(Field::Subject) => What::SubjectNumber,
        _ if is(Field::SubjectName) => What::SubjectName,
        _ if is(Field::Area) => What::Area,
        _ if is(Field::AreaCode) => What::AreaCode,
        _ if is(Field::Address) => What::Address,
        _ => return None,
    })
}

/// Whether a heading says that what was asked for stands below it: 存在的问题, 群众反映的诉求, 问题具体内容, 意见和建议. What is
/// said of it besides is another column: 问题类别, 处理意见, 问题解决情况.
fn is_the_matter(name: &str) -> bool {
    const WHAT: [&str; 12] = [
        "问题",
        "诉求",
        "意见建议",
        "意见和建议",
        "意见与建议",
        "意见及建议",
        "需求",
        "困难",
        "反映内容",
        "反映事项",
        "反映情况",
        "诉求事项",
    ];
    const AROUND: [&str; 32] = [
        "群众",
        "居民",
        "村民",
        "受访人",
        "走访",
        "收集",
        "征求",
        "了解",
        "反馈",
        "反映",
        "存在",
        "登记",
        "提出",
        "主要",
        "具体",
        "所",
        "的",
        "和",
        "与",
        "及",
        "、",
        "建议",
        "内容",
        "描述",
        "详情",
        "详细",
        "摘要",
        "简述",
        "概述",
        "原文",
        "事项",
        "情况说明",
    ];
    let (mut rest, mut says_what) = (name, false);
    while !rest.is_empty() {
        let strip = |words: &[&str]| words.iter().find_map(|word| rest.strip_prefix(word));
        match (strip(&WHAT), strip(&AROUND)) {
            (Some(left), _) => (rest, says_what) = (left, true),
            (None, Some(left)) => rest = left,
            (None, None) => return false,
        }
    }
    says_what
}

#[cfg(test)]
mod tests {
    use super::{Beside, Kind, What};

    #[test]
    fn a_heading_says_whether_the_matter_stands_below_it() {
        let of = |name| Beside::of(Kind::Handlings, name);
        for name in [
            "问题",
            "反映问题",
            "反映的问题",
            "群众反映的问题",
            "存在的问题",
            "存在问题",
            "存在的主要问题",
            "问题内容",
            "问题描述",
            "问题具体内容",
            "问题详情",
            "登记的问题",
            "诉求",
            "诉求内容",
            "群众诉求",
            "群众诉求内容",
            "问题诉求",
            "意见建议",
            "意见建议内容",
            "群众意见建议",
            "意见和建议",
            "收集的意见建议",
            "反映内容",
            "反映事项",
            "问题及建议",
        ] {
            assert_eq!(of(name), Some(Beside::Of(What::Text)), "{name}");
        }
        for name in [
            "问题类别",
            "问题来源",
            "问题状态",
            "问题数",
            "问题解决情况",
            "未解决问题原因",
            "处理意见",
            "领导意见",
            "整改建议",
            "建议",
            "内容",
            "办理内容",
            "备注",
            "情况说明",
        ] {
            assert_ne!(of(name), Some(Beside::Of(What::Text)), "{name}");
        }
        assert_eq!(Beside::of(Kind::States, "存在的问题"), None);
    }
}
