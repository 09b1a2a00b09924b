//! The kinds of file and the columns of each, as data: a file's kind is known by its header.

use std::collections::HashMap;

use super::{ImportError, Sheet};
use crate::words;

words! {
    /// What a file holds, in the order in which files build on each other.
    Kind {
        Areas = "areas", "区划表";
        Staff = "staff", "走访人员表";
        Subjects = "subjects", "走访对象表";
        Assignments = "assignments", "走访安排表（附件2）";
        Visits = "visits", "走访记录表（附件4）";
        Classifications = "classifications", "问题分类表（附件6）";
        Handlings = "handlings", "办理结果表";
        Confirmations = "confirmations", "任务确认表";
        Returns = "returns", "平台回执表";
        Residents = "residents", "群众名册";
        Acknowledgements = "acknowledgements", "诉求签收表";
        Absences = "absences", "请假表";
    }
}

words! {
    /// What a column holds; the first name is the usual one, the others are understood.
    Field {
        AreaCode = "code", "区划代码" | "代码" | "行政区划代码" | "统计用区划代码";
        AreaName = "name", "区划名称" | "名称" | "村名";
        AreaKind = "kind", "区划类型" | "类型" | "级别";
        AreaParent = "parent", "上级区划" | "上级" | "上级代码" | "所属总支";
        StaffNumber = "staff_number", "人员编号" | "工号" | "编号";
        StaffName = "staff_name", "姓名" | "人员姓名";
        StaffRoles = "roles", "角色" | "职务" | "身份";
        StaffPhone = "phone", "手机号" | "手机号码" | "电话" | "联系电话";
        StaffEmail = "email", "邮箱" | "电子邮箱";
        StaffWecom = "wecom", "企业微信账号" | "企业微信";
        StaffFeishu = "feishu", "飞书账号" | "飞书";
        StaffUnit = "unit", "工作单位" | "单位" | "部门";
        Area = "area", "所属村" | "村" | "所属区划" | "区划" | "村居" | "走访区域" | "总支或村";
        Subject = "subject", "对象编号" | "走访对象编号" | "户编号" | "走访对象";
        SubjectKind = "subject_kind", "对象类型" | "走访对象类型" | "对象类别";
        SubjectName = "subject_name", "对象名称" | "户主姓名" | "户主" | "户主姓名或名称";
        Address = "address", "地址" | "详细地址" | "住址";
        Visitor = "visitor", "走访人员" | "走访人" | "包保责任人" | "走访责任人";
        Date = "date", "走访日期" | "日期" | "走访时间" | "时间";
        Resident = "resident", "群众姓名" | "被走访人" | "被走访人姓名" | "访问群众姓名" | "受访人";
        Contact = "contact", "联系方式" | "群众电话" | "群众联系方式" | "被走访人电话";
        Text = "text", "反映问题" | "意见建议" | "反映诉求" | "诉求问题" | "问题描述" | "反映的诉求问题" | "群众意见建议";
        HasIssue = "has_issue", "有无问题" | "是否有问题" | "有无诉求";
        Level = "level", "责任层级" | "责任分类" | "办理层级";
        Category = "category", "类别" | "问题类别" | "小类";
        Urgency = "urgency", "轻重缓急" | "紧急程度" | "缓急";
        VisitKind = "visit_kind", "走访类型" | "轮次" | "走访轮次";
        Manner = "manner", "走访方式" | "回访方式";
        Unheard = "unheard", "未走访原因" | "未见原因";
        Acknowledger = "acknowledger", "签收人";
        Absentee = "absentee", "请假人" | "请假人员";
        From = "from", "开始日期" | "起始日期";
        Until = "until", "结束日期" | "截止日期";
        Deputy = "deputy", "代办人" | "代理人";
        Satisfaction = "satisfaction", "满意度" | "是否满意" | "群众满意度";
        Issue = "issue", "问题编号";
        Result = "result", "办理结果" | "办理情况" | "处理结果";
        By = "by", "责任人" | "办理人" | "确认人" | "经办人";
        Duty = "duty", "任务" | "任务名称" | "事项";
        Reference = "reference", "上报编号" | "诉求内容" | "事件描述";
        RemoteNumber = "remote_number", "平台编号" | "事件编号" | "工单编号" | "受理编号";
        RemoteStatus = "remote_status", "办理状态" | "状态" | "事件状态" | "工单状态";
        Reply = "reply", "办理答复" | "答复" | "回复" | "办理反馈" | "答复内容";
        Successors = "successors", "新平台编号" | "并入编号" | "拆分编号";
        AnsweredAt = "answered_at", "办理时间" | "答复时间" | "更新时间";
    }
}

impl Kind {
    /// The columns that make a file this kind, and those that it may have besides.
    const fn columns(self) -> (&'static [Field], &'static [Field]) {
        use Field::*;
        match self {
            Kind::Areas => (&[AreaName, AreaKind], &[AreaCode, AreaParent]),
            Kind::Staff => (
                &[StaffNumber, StaffName, StaffRoles, Area],
                &[StaffUnit, StaffPhone, StaffEmail, StaffWecom, StaffFeishu],
            ),
            Kind::Subjects => (&[Subject, SubjectKind, SubjectName, Area], &[Address]),
            Kind::Assignments => (&[Subject, Visitor], &[Area]),
            Kind::Visits => (
                &[Date, Visitor, Subject, Resident],
                &[
                    Contact,
                    Text,
                    HasIssue,
                    Level,
                    Category,
                    Urgency,
                    VisitKind,
                    Satisfaction,
                    Manner,
                ],
            ),
            Kind::Classifications => (&[Issue, Level, Category], &[Urgency, By]),
            Kind::Handlings => (&[Issue, Result], &[By, Date]),
            Kind::Confirmations => (&[Duty, Area, By], &[Date]),
            // The reason's column stands there even where it's empty: it tells the list from a record of visits.
            Kind::Residents => (&[Subject, Resident, Unheard], &[Contact]),
            Kind::Acknowledgements => (&[Issue, Acknowledger], &[]),
            Kind::Absences => (&[Absentee, From, Until], &[Deputy]),
            Kind::Returns => {
                (&[RemoteNumber, RemoteStatus], &[Reference, Reply, AnsweredAt, Successors])
            }
        }
    }

    fn all_columns(self) -> impl Iterator<Item = Field> {
        let (required, optional) = self.columns();
        required.iter().chain(optional).copied()
    }

    /// Whether the header names `field`; a name may mean different fields in different kinds.
    fn find(self, names: &[String]) -> HashMap<Field, usize> {
        let mut found = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            if let Some(field) = self.all_columns().find(|field| field.answers_to(name)) {
                found.entry(field).or_insert(index);
            }
        }
        found
    }
}

impl Field {
    fn answers_to(self, name: &str) -> bool {
        // `read` knows each name once; 名称 and 编号 and the like are shared, so ask the field itself.
        Field::read(name) == Some(self) || self.also().contains(&name)
    }

    /// Names that mean this field in its own kind of file, though they mean another elsewhere.
    const fn also(self) -> &'static [&'static str] {
        match self {
            Field::SubjectKind => &["类型", "kind"],
            Field::SubjectName => &["名称", "姓名", "name"],
            Field::Subject => &["编号"],
            Field::StaffName => &["名称", "name"],
            Field::Contact => &["联系电话", "电话", "手机号"],
            Field::StaffPhone => &["联系方式"],
            Field::Text => &["问题"],
            _ => &[],
        }
    }
}

/// A recognised file.
#[derive(Debug)]
pub(super) struct Table<'s> {
    pub kind: Kind,
    pub header_row: usize,
    pub names: Vec<String>,
    pub columns: HashMap<Field, usize>,
    pub rows: &'s [(usize, Vec<String>)],
}

/// How far down a title, a unit and a date may stand above the header.
const HEADER_WITHIN: usize = 10;

/// Finds the header and what it makes the file.
pub(super) fn recognise(sheet: &Sheet) -> Result<Table<'_>, ImportError> {
    let candidates = sheet.rows.iter().take(HEADER_WITHIN).enumerate();
    for (index, (row, cells)) in candidates {
        let names: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
        let fits = Kind::ALL.iter().filter_map(|kind| {
            let columns = kind.find(&names);
            kind.columns()
                .0
                .iter()
                .all(|field| columns.contains_key(field))
                .then_some((*kind, columns))
        });
        if let Some((kind, columns)) = fits.max_by_key(|(_, columns)| columns.len()) {
            check_once(sheet, *row, &names, &columns)?;
            let rows = &sheet.rows[index + 1..];
            return Ok(Table { kind, header_row: *row, names: cells.clone(), columns, rows });
        }
    }
    Err(unknown_header(sheet))
}

/// A header cell without the blanks, stars and bracketed hints that people add.
fn plain(cell: &str) -> String {
    let before_bracket = cell.split(['（', '(', '【', '[']).next().unwrap_or(cell);
    before_bracket.chars().filter(|c| !c.is_whitespace() && !"*＊：:".contains(*c)).collect()
}

fn check_once(
    sheet: &Sheet,
    row: usize,
    names: &[String],
    columns: &HashMap<Field, usize>,
) -> Result<(), ImportError> {
    for (index, name) in names.iter().enumerate() {
        let first = columns.values().find(|first| **first < index && names[**first] == *name);
        if let Some(first) = first {
            let (column, first) = (index + 1, first + 1);
            return Err(ImportError::TwiceInHeader {
                file: sheet.file.clone(),
                row,
                column,
                first,
                name: name.clone(),
            });
        }
    }
    Ok(())
}

/// Names the kind whose columns are nearest, and what it still lacks.
fn unknown_header(sheet: &Sheet) -> ImportError {
    let (row, cells) = sheet.rows.first().cloned().unwrap_or_default();
    let names: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
    let lacking = |kind: &Kind| -> Vec<&str> {
        let found = kind.find(&names);
        kind.columns()
            .0
            .iter()
            .filter(|field| !found.contains_key(field))
            .map(|field| field.chinese())
            .collect()
    };
    let share = |kind: &&Kind| lacking(kind).len() * 100 / kind.columns().0.len();
    let nearest = Kind::ALL.iter().min_by_key(share).copied().unwrap_or(Kind::Visits);
    let columns = cells.iter().enumerate().map(|(index, cell)| {
        let cell: String = cell.chars().take(20).collect();
        format!("第 {} 列「{cell}」", index + 1)
    });
    ImportError::UnknownHeader {
        file: sheet.file.clone(),
        row,
        found: columns.take(12).collect::<Vec<_>>().join("、"),
        nearest: nearest.chinese(),
        missing: lacking(&nearest).join("、"),
    }
}
