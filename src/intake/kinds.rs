//! The kinds of table and the columns of each, as data: a table's kind is known by its header.

use super::text::Sort;
use crate::words;

words! {
    /// What a table holds, in the order in which tables build on each other.
    Kind {
        Areas = "areas", "区划表";
        Staff = "staff", "走访人员表";
        Subjects = "subjects", "走访对象表";
        Assignments = "assignments", "走访安排表（附件2）";
        AreaAssignments = "area_assignments", "走访安排表（附件2，按区域）";
        Residents = "residents", "群众名册";
        Visits = "visits", "走访记录表（附件4）";
        Classifications = "classifications", "问题分类表（附件6）";
        IssueList = "issue_list", "问题清单";
        Acknowledgements = "acknowledgements", "诉求签收表";
        Beginnings = "beginnings", "着手办理表";
        Handlings = "handlings", "办理结果表";
        Confirmations = "confirmations", "任务确认表";
        Returns = "returns", "平台回执表";
        Absences = "absences", "请假表";
        Inspections = "inspections", "入户抽查表";
        Mediations = "mediations", "矛盾调解表";
        States = "states", "走访对象状态表";
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
        Address = "address", "地址" | "详细地址" | "住址" | "家庭住址" | "家庭地址";
        Visitor = "visitor", "走访人员" | "走访人" | "包保责任人" | "走访责任人";
        Date = "date", "走访日期" | "日期" | "走访时间" | "时间";
        Resident = "resident", "群众姓名" | "被走访人" | "被走访人姓名" | "访问群众姓名" | "受访人";
        Contact = "contact", "联系方式" | "群众电话" | "群众联系方式" | "被走访人电话" | "电话号码" | "移动电话" | "联系号码" | "群众手机";
        Text = "text", "反映问题" | "意见建议" | "反映诉求" | "诉求问题" | "问题描述" | "反映的诉求问题" | "群众意见建议";
        IssueText = "issue_text", "登记的问题";
        HasIssue = "has_issue", "有无问题" | "是否有问题" | "有无诉求";
        Level = "level", "责任层级" | "责任分类" | "办理层级";
        Category = "category", "类别" | "问题类别" | "小类";
        Urgency = "urgency", "轻重缓急" | "紧急程度" | "缓急";
        VisitKind = "visit_kind", "走访类型" | "轮次" | "走访轮次";
        Manner = "manner", "走访方式" | "回访方式";
        Unheard = "unheard", "未走访原因" | "未见原因";
        Acknowledger = "acknowledger", "签收人";
        Beginner = "beginner", "承办人" | "开工人" | "着手办理人";
        Absentee = "absentee", "请假人" | "请假人员";
        From = "from", "开始日期" | "起始日期" | "开始时间" | "起始时间";
        Until = "until", "结束日期" | "截止日期" | "结束时间" | "截止时间";
        Deputy = "deputy", "代办人" | "代理人";
        Satisfaction = "satisfaction", "满意度" | "是否满意" | "群众满意度";
        Issue = "issue", "问题编号";
        State = "state", "问题状态";
        Result = "result", "办理结果" | "办理情况" | "处理结果";
        By = "by", "责任人" | "办理人" | "确认人" | "经办人" | "回访人" | "分类人";
        Duty = "duty", "任务" | "任务名称" | "事项";
        Reference = "reference", "上报编号" | "诉求内容" | "事件描述";
        RemoteNumber = "remote_number", "平台编号" | "事件编号" | "工单编号" | "受理编号";
        RemoteStatus = "remote_status", "办理状态" | "状态" | "事件状态" | "工单状态";
        Reply = "reply", "办理答复" | "答复" | "回复" | "办理反馈" | "答复内容";
        Successors = "successors", "新平台编号" | "并入编号" | "拆分编号";
        AnsweredAt = "answered_at", "办理时间" | "答复时间" | "更新时间";
        Inspection = "inspection", "抽查编号";
        CheckedOn = "checked_on", "抽查日期" | "抽查时间";
        Inspector = "inspector", "抽查人" | "抽查人员" | "督查人";
        Finding = "finding", "抽查结论";
        Found = "found", "抽查情况" | "抽查发现";
        Answerer = "answerer", "核实人";
        Answer = "answer", "核实结果" | "核实情况";
        MediatedOn = "mediated_on", "调解日期" | "调解时间";
        Mediator = "mediator", "调解人" | "调解员";
        Parties = "parties", "当事人" | "双方当事人";
        Agreement = "agreement", "调解协议" | "协议内容" | "调解结果";
        FollowUp = "follow_up", "约定回访日期";
        FollowedOn = "followed_on", "实际回访日期";
        Kept = "kept", "是否履行";
        Followed = "followed", "履行情况";
        SubjectState = "subject_state", "对象状态" | "走访对象状态" | "在册状态" | "现状";
        EndedOn = "ended_on", "状态日期" | "不再走访日期" | "迁出日期" | "停业日期" | "变动日期" | "变更日期";
        EndedWords = "ended_words", "状态说明" | "不再走访原因" | "变动原因" | "变更原因";
    }
}

/// What the visitor wrote, beside what an inspector finds.
const SHOWN_BESIDE_CHECKS: &[&str] = &[
    "村",
    "所属村",
    "对象编号",
    "对象名称",
    "对象类型",
    "走访人员",
    "走访日期",
    "登记的问题数",
    "抽查期限",
];

/// What stands beside a whole area and says nothing of a part of it.
const BESIDE_AREAS: &[&str] = &[
    "序号",
    "人员编号",
    "联系电话",
    "电话",
    "手机号",
    "手机号码",
    "联系方式",
    "职务",
    "角色",
    "单位",
    "工作单位",
    "总支",
    "所属总支",
    "党总支",
    "镇",
    "镇街",
    "乡镇",
    "包村领导",
    "包村干部",
    "带队领导",
    "负责人",
    "备注",
    "户数",
    "走访户数",
    "对象数",
    "人数",
    "区划代码",
];

impl Kind {
    /// The columns that make a table this kind, and those that it may have besides.
    pub const fn columns(self) -> (&'static [Field], &'static [Field]) {
        use Field::*;
        match self {
            Kind::Areas => (&[AreaName, AreaKind], &[AreaCode, AreaParent]),
            Kind::Staff => (
                &[StaffNumber, StaffName, StaffRoles, Area],
                &[StaffUnit, StaffPhone, StaffEmail, StaffWecom, StaffFeishu],
            ),
            Kind::Subjects => (
                &[Subject, SubjectKind, SubjectName, Area],
                &[Address, SubjectState, EndedOn, EndedWords],
            ),
            Kind::States => (&[Subject, SubjectState], &[EndedOn, EndedWords]),
            Kind::Assignments => (&[Subject, Visitor], &[]),
            Kind::AreaAssignments => (&[Area, Visitor], &[SubjectKind]),
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
            Kind::Classifications => (&[Issue, Level, Category], &[Urgency, By, State]),
            Kind::Handlings => (&[Issue, Result], &[By]),
            Kind::IssueList => (&[Issue, Level, Category, Result], &[Urgency, By, State]),
            Kind::Confirmations => (&[Duty, Area, By], &[]),
            // The reason's column stands there even where it's empty: it tells the list from a record of visits.
            Kind::Residents => (&[Subject, Resident, Unheard], &[Contact]),
            Kind::Acknowledgements => (&[Issue, Acknowledger], &[]),
            Kind::Beginnings => (&[Issue, Beginner], &[State]),
            Kind::Absences => (&[Absentee, From, Until], &[Deputy]),
            Kind::Inspections => {
                (&[Inspection, Finding], &[CheckedOn, Inspector, Found, Answerer, Answer])
            }
            Kind::Mediations => (
                &[Issue, MediatedOn, Mediator, Parties],
                &[Agreement, FollowUp, FollowedOn, Kept, Followed, By],
            ),
            Kind::Returns => {
                (&[RemoteNumber, RemoteStatus], &[Reference, Reply, AnsweredAt, Successors])
            }
        }
    }

    /// Whether these columns make a table this kind. A code says what an area is, as in official lists.
    pub(super) fn is_made_by(self, is_there: impl Fn(Field) -> bool) -> bool {
        let instead = |field| match (self, field) {
            (Kind::Areas, Field::AreaKind) => is_there(Field::AreaCode),
            _ => false,
        };
        self.columns().0.iter().all(|field| is_there(*field) || instead(*field))
    }

    /// Columns with which a table is something else, whatever else it has.
    const fn never_with(self) -> &'static [Field] {
        use Field::*;
        match self {
            Kind::AreaAssignments => &[
                Subject,
                Date,
                Resident,
                Text,
                HasIssue,
                Level,
                Category,
                Urgency,
                Satisfaction,
                VisitKind,
                Manner,
                Unheard,
                Issue,
                SubjectName,
                Result,
                Inspection,
            ],
            Kind::Assignments => &[
                Date,
                Resident,
                Text,
                HasIssue,
                Level,
                Category,
                Urgency,
                Satisfaction,
                VisitKind,
                Manner,
                Unheard,
                Issue,
                Result,
                Inspection,
            ],
            Kind::Areas => &[Subject, Visitor, Resident, Issue, StaffRoles],
            Kind::States => &[Visitor, Date, Resident, Text, Issue, Inspection, RemoteNumber],
            Kind::Subjects | Kind::Residents => &[Date, Text, HasIssue, VisitKind, Issue],
            Kind::Staff => &[Date, Text, Issue],
            _ => &[],
        }
    }

    /// Whether a table with a column of that name is rather another kind, where another fits.
    pub fn gives_way_to(self, name: &str) -> bool {
        match self {
            Kind::Visits => Field::Issue.is_unmistakable(name),
            // As in the list of who visits what, with how far they are.
            Kind::Subjects => name == "走访进度",
            _ => false,
        }
    }

    /// Columns that stand there to be read by people, as in the tables that the program itself writes.
    pub const fn shown(self) -> &'static [&'static str] {
        match self {
            Kind::Assignments => &[
                "对象名称",
                "对象类型",
                "所属村",
                "村",
                "走访区域",
                "地址",
                "人员编号",
                "总支",
                "户主",
                "户主姓名",
                "走访进度",
                "走访完成日期",
            ],
            Kind::AreaAssignments => BESIDE_AREAS,
            Kind::Visits | Kind::States => {
                &["对象名称", "对象类型", "所属村", "村", "户主", "户主姓名", "人员编号", "地址"]
            }
            Kind::Classifications | Kind::Handlings | Kind::IssueList | Kind::Beginnings => &[
                "状态",
                "村",
                "所属村",
                "对象编号",
                "对象名称",
                "反映问题",
                "办结期限",
                "登记日期",
                "群众姓名",
                "轮次",
                "走访人员",
                "走访日期",
                "日期",
                "办理日期",
                "办结日期",
            ],
            Kind::Areas => &["城乡分类代码", "城乡分类", "序号"],
            Kind::Confirmations => &["日期", "确认日期"],
            Kind::Inspections => SHOWN_BESIDE_CHECKS,
            Kind::Mediations => &["村", "所属村", "类别", "问题类别", "反映问题", "状态"],
            Kind::Returns => &[
                "问题编号",
                "此前平台编号",
                "类别",
                "平台类别代码",
                "轻重缓急",
                "群众姓名",
                "联系方式",
                "详细地址",
                "所属村",
                "区划代码",
                "上报网格员",
                "诉求内容",
            ],
            _ => &[],
        }
    }

    /// What a column is called in this kind of table, wherever the program names it: in templates, exports, messages.
    pub const fn name_of(self, field: Field) -> &'static str {
        match (self, field) {
            (Kind::AreaAssignments, Field::Area) => "走访区域",
            (Kind::Staff | Kind::Confirmations, Field::Area) => "所属区划",
            (Kind::Classifications, Field::By) => "分类人",
            (Kind::Handlings | Kind::IssueList, Field::By) => "办理人",
            (Kind::Confirmations, Field::By) => "确认人",
            (Kind::Mediations, Field::By) => "回访人",
            (_, Field::State) => "状态",
            (Kind::Subjects | Kind::States, Field::SubjectState) => "状态",
            (_, field) => field.chinese(),
        }
    }

    /// All columns that it knows.
    pub fn all_columns(self) -> impl Iterator<Item = Field> {
        let (required, optional) = self.columns();
        required.iter().chain(optional).copied()
    }

    /// The columns that people fill in.
    pub fn filled_in(self) -> impl Iterator<Item = Field> {
        self.all_columns().filter(|field| *field != Field::State)
    }

    /// What a column of that name holds; a name may mean different things in different kinds.
    pub fn field(self, name: &str) -> Option<Field> {
        match (self, name) {
            // Who is responsible for a task hasn't said by that that it's done.
            (Kind::Confirmations, "责任人") => return None,
            (Kind::States, "日期") => return Some(Field::EndedOn),
            (Kind::States, "说明" | "原因" | "备注") => return Some(Field::EndedWords),
            _ => {}
        }
        let read = Field::read(name);
        self.all_columns().find(|field| field.is_meant_by(name, read))
    }

    /// Words in a column's name that make it doubtful whether the table is this kind, and what the column seems to hold.
    pub(super) const fn doubtful(self) -> &'static [(&'static [&'static str], &'static str)] {
        const WHAT: &str = "群众反映的问题，有问题的表是「走访记录表（附件4）」";
        const ASKED: (&[&str], &str) = (&["问题", "诉求", "意见", "建议"], WHAT);
        const SAID: (&[&str], &str) = (&["问题", "诉求", "意见", "建议", "情况", "需求"], WHAT);
        const ONE: (&[&str], &str) = (
            &["名称", "户号", "户主", "编号", "学校", "医院", "企业"],
            "某一个对象；按区域安排会把整个区域都交给这个人，只安排这一个请加「对象编号」列",
        );
        const PLANNED: (&[&str], &str) = (
            &["时限", "计划", "期限", "截止", "拟", "要求"],
            "还没有做的安排，导入却会登记成已经做了",
        );
        // Whatever it's called: a part of the area, one person's name. An empty word is in every name.
        const PART: (&[&str], &str) = (
            &[""],
            "更细的范围（网格、小组、楼栋等）；按区域安排会把整个区域都交给这个人，只管其中一部分请按「对象编号」逐户安排",
        );
        match self {
            Kind::AreaAssignments => &[SAID, ONE, PART],
            Kind::Assignments => &[SAID],
            Kind::Subjects | Kind::Residents | Kind::Staff => &[ASKED],
            Kind::Confirmations
            | Kind::Beginnings
            | Kind::Acknowledgements
            | Kind::Handlings
            | Kind::Inspections => &[PLANNED],
            _ => &[],
        }
    }

    /// A column by which a table is known to be something else.
    pub fn excluded_by(self, name: &str) -> bool {
        self.field(name).is_none()
            && !self.shown().contains(&name)
            && self.never_with().iter().any(|field| field.is_unmistakable(name))
    }
}

/// Whether a column of that name stands in any kind of table.
pub(super) fn is_a_name(name: &str) -> bool {
    let also = || Kind::ALL.iter().any(|kind| kind.field(name).is_some());
    Field::read(name).is_some() || also()
}

impl Field {
    /// `read` is what it means anywhere; several share 名称, 编号 and the like, so the field is asked too.
    pub(super) fn is_meant_by(self, name: &str, read: Option<Field>) -> bool {
        read == Some(self) || self.also().contains(&name)
    }

    /// Whether a name means this field wherever it stands.
    fn is_unmistakable(self, name: &str) -> bool {
        Field::read(name) == Some(self) || self == Field::Text && self.also().contains(&name)
    }

    /// Names that mean this field in its own kind of table, though they mean another elsewhere.
    pub const fn also(self) -> &'static [&'static str] {
        match self {
            Field::SubjectKind => &["类型", "kind"],
            Field::SubjectName => &["名称", "姓名", "name"],
            Field::Subject => &["编号"],
            Field::StaffName => &["名称", "name"],
            Field::AreaName => &["单位名称", "行政区划名称"],
            Field::Contact => &["联系电话", "电话", "手机号"],
            Field::StaffPhone => &["联系方式"],
            Field::Text => &["问题"],
            Field::State | Field::SubjectState => &["状态"],
            _ => &[],
        }
    }

    /// Whether several columns may say it, of which the one named first counts.
    pub const fn may_stand_twice(self) -> bool {
        matches!(self, Field::Reference)
    }

    /// Whether a dash or 无 there says nothing: it stands for a blank.
    pub(super) const fn takes_placeholders(self) -> bool {
        use Field::*;
        !matches!(
            self,
            Text | HasIssue
                | Result
                | Reply
                | Unheard
                | By
                | Acknowledger
                | Beginner
                | Answer
                | Answerer
                | Followed
        )
    }

    /// What is only shown to whom a named person lets see it.
    pub const fn is_personal(self) -> bool {
        use Field::*;
        matches!(self, Resident | Contact | Text | Unheard | Address | SubjectName | Result)
            || matches!(self, EndedWords)
            || matches!(self, StaffPhone | StaffEmail | StaffWecom | StaffFeishu)
            || matches!(self, Found | Answer | Mediator | Parties | Agreement | Followed)
    }

    /// Whether a text could stand there, of columns by which that's seen.
    pub(super) fn fits(self, text: &str) -> Option<bool> {
        use Field::*;
        let text = text.trim();
        let is_number = || {
            text.len() <= 30 && text.contains(|c: char| c.is_ascii_digit()) && !text.contains(' ')
        };
        Some(match self {
            Date | From | Until | CheckedOn | MediatedOn | EndedOn => {
                super::dates::read_time(text).is_some()
            }
            AreaKind => crate::domain::area::AreaKind::read(text).is_some(),
            SubjectKind => crate::domain::subject::SubjectKind::read(text).is_some(),
            Level => crate::domain::issue::Level::read(text).is_some(),
            Category => crate::domain::issue::Category::read(text).is_some(),
            StaffRoles => crate::domain::staff::Role::read(text).is_some(),
            Subject | StaffNumber | Issue | Inspection | RemoteNumber => is_number(),
            _ => return None,
        })
    }

    /// What sort of text stands there.
    pub(super) const fn sort(self) -> Sort {
        use Field::*;
        match self {
            Text | IssueText | Result | Reply | Unheard | Reference | Address | Found | Answer
            | Parties | Agreement | Followed | EndedWords => Sort::Free,
            AreaCode | StaffNumber | StaffPhone | StaffEmail | StaffWecom | StaffFeishu
            | Subject | Issue | RemoteNumber | Contact | Inspection => Sort::Code,
            _ => Sort::Short,
        }
    }
}
