//! 任务: something one person owes by one date.

use jiff::civil::Date;

use super::holder::Holder;
use super::staff::Role;
use crate::words;

words! {
    /// What is owed; each is met by a fact in the record.
    DutyKind {
        /// 三(一): work cards, leaflets and contact cards.
        Materials = "materials", "走访材料准备";
        /// 二(一), 三(一): 镇不漏村、村不漏户、户不漏人.
        Visit = "visit", "入户走访";
        /// 三(一): what was heard is passed on to the grid member and the department, who take note of it.
        Acknowledge = "acknowledge", "诉求签收";
        /// 三(二)
        Classify = "classify", "群众分类";
        /// 三(二)
        Summary = "summary", "总支工作总结" | "总支小结";
        /// 三(三): joint and city issues are uploaded to the platform.
        Upload = "upload", "问题上报";
        /// 三(三): the platform refused an issue, or the centre gave it back, and it's settled what becomes of it.
        Returned = "returned", "退回处理" | "平台退回处理";
        /// 三(三), 倒排工期: work has begun.
        Begin = "begin", "着手办理" | "问题开工";
        /// 三(三)
        Resolve = "resolve", "问题办结";
        /// 三(三)
        Report = "report", "问题解决情况" | "办结情况上报" | "问题解决情况上报";
        /// 三(四): face to face where there was an issue.
        Revisit = "revisit", "回访";
        /// 三(四)
        SelfCheck = "self_check", "村级自查";
        /// 三(四)
        LookBack = "look_back", "回头看总结";
        /// 四(三)
        SpotCheck = "spot_check", "入户抽查";
        /// 四(三): on each workday.
        Inspection = "inspection", "日常督查";
        /// 四(三): what an inspector found isn't what the visitor wrote, and somebody above them sees to it.
        Finding = "finding", "抽查问题核实";
        /// 三(三): whether an agreement is kept that was mediated.
        FollowUp = "follow_up", "调解回访";
        /// A phase that the leading group added.
        Extra = "extra", "阶段任务";
    }
}

words! {
    /// How a duty stands.
    DutyState {
        Open = "open", "未完成";
        Met = "met", "已完成";
        /// Nothing asks for it any more.
        Cancelled = "cancelled", "已取消";
    }
}

impl DutyKind {
    /// The role that owes it where no one person is named.
    pub const fn role(self) -> Role {
        match self {
            DutyKind::Visit | DutyKind::Classify | DutyKind::Revisit => Role::Visitor,
            DutyKind::Materials | DutyKind::Report | DutyKind::LookBack | DutyKind::Extra => {
                Role::VillageLead
            }
            DutyKind::SelfCheck => Role::VillageCadre,
            DutyKind::Summary => Role::BranchSecretary,
            DutyKind::Acknowledge
            | DutyKind::Upload
            | DutyKind::Begin
            | DutyKind::Resolve
            | DutyKind::FollowUp => Role::GridMember,
            DutyKind::Returned => Role::Centre,
            DutyKind::SpotCheck | DutyKind::Inspection => Role::Inspector,
            // Or whoever else stands above the visitor.
            DutyKind::Finding => Role::VillageLead,
        }
    }

    /// Whose affair a visitor's duty is while nobody visits there.
    pub const FOR_WANT_OF_A_VISITOR: Role = Role::VillageLead;

    /// Whether it's a visitor's, and falls to another role for want of one (二(三) 一一对应).
    pub fn lacks_visitor(self, role: Role) -> bool {
        self.role() == Role::Visitor && role != Role::Visitor
    }

    /// Before which day's end it's due that somebody may miss by now; nothing where it's missing from when it's owed: what each
    /// day asks for isn't missing before that day.
    pub fn missing_by(self, today: Date) -> Option<Date> {
        (self == DutyKind::OF_EACH_DAY).then_some(today)
    }

    /// What each day asks for.
    pub const OF_EACH_DAY: DutyKind = DutyKind::Inspection;

    /// Whether one that is due on a day may be missing by now.
    pub fn is_there(self, due_on: Date, today: Date) -> bool {
        self.missing_by(today).is_none_or(|by| due_on <= by)
    }

    /// Whether someone confirms it, because no other fact in the record can show it.
    pub const fn is_confirmed(self) -> bool {
        use DutyKind::*;
        matches!(self, Materials | Summary | Report | SelfCheck | LookBack | Extra)
    }

    /// Whether an area owes it, or a department.
    pub const fn is_of_area(self) -> bool {
        matches!(self, DutyKind::SpotCheck | DutyKind::Inspection) || self.is_confirmed()
    }

    /// Whether it is about one issue, and so advances the ladder alone.
    pub const fn is_of_issue(self) -> bool {
        matches!(self, DutyKind::FollowUp) || self.comes_of_events()
    }

    /// Whether it's derived from an issue's events.
    pub const fn comes_of_events(self) -> bool {
        use DutyKind::*;
        matches!(self, Acknowledge | Upload | Returned | Begin | Resolve)
    }

    /// Whether reminders go to whoever has the ball, and not to a fixed role.
    pub const fn follows_the_ball(self) -> bool {
        matches!(self, DutyKind::Begin | DutyKind::Resolve)
    }

    /// What whoever owes it is to do, as a digest says it; of an issue that depends on who has the ball.
    pub const fn what_to_do(self, holder: Option<Holder>) -> &'static str {
        match (self, holder) {
            (DutyKind::Resolve, Some(Holder::Platform)) => "问题在平台办理中，请向平台催办",
            (DutyKind::Resolve, Some(Holder::Centre)) => {
                "问题不在平台上（还没有上报，或者被退回），请核对后上报"
            }
            (DutyKind::Resolve, Some(Holder::Resident)) => "问题已办结，请当面回访，问清是否满意",
            _ => self.to_do(),
        }
    }

    /// What whoever a visit fell to for want of a visitor is to do: the visit itself is a visitor's.
    pub const TO_ASSIGN: &str = "请指定走访人，再由其入户走访：登录后在「人员进度」里点开走访对象指定，或把由谁走访报镇组织人事办公室补进走访安排表";

    /// The same on a page.
    pub const TO_ASSIGN_HERE: &str = "还没有走访人：在「人员进度」里点开走访对象，指定走访人";

    /// The same on a page, where a button does it and no table is brought.
    pub const fn what_to_do_here(self, holder: Option<Holder>) -> &'static str {
        match (self, holder) {
            (DutyKind::Resolve, Some(Holder::Platform | Holder::Centre | Holder::Resident)) => {
                self.what_to_do(holder)
            }
            (DutyKind::Resolve, _) => "办结后在问题页面登记办理结果，并告知群众",
            (DutyKind::Begin, _) => "着手办理后在问题页面登记",
            (DutyKind::Classify, _) => "在问题页面分清问题的层级和类别",
            (DutyKind::FollowUp, _) => "到双方家里回访调解协议履行得怎样，在问题页面登记",
            (DutyKind::Visit, _) => "入户走访，在走访对象页面登记",
            (DutyKind::Materials, _) => "备齐工作牌、明白纸和联系服务群众卡，在「材料报送」里报送",
            (DutyKind::Summary, _) => "写好总支工作总结，在「材料报送」里报送",
            (DutyKind::Report, _) => "把问题解决情况在「材料报送」里报送",
            (DutyKind::SelfCheck, _) => "对照走访对象名单逐户自查，查完在「材料报送」里报送",
            (DutyKind::LookBack, _) => "写好回头看总结，在「材料报送」里报送",
            (DutyKind::Extra, _) => "完成后在「材料报送」里报送",
            (DutyKind::SpotCheck, _) => "到村入户抽查，在「入户抽查」里登记结论",
            (DutyKind::Inspection, _) => "当天到村督查，在「入户抽查」里登记督查情况",
            (DutyKind::Finding, _) => {
                "抽查发现与走访记录不符，请核实整改，在「入户抽查」里登记核实结果"
            }
            _ => self.to_do(),
        }
    }

    const fn to_do(self) -> &'static str {
        match self {
            DutyKind::Materials => "备齐工作牌、明白纸和联系服务群众卡，报送任务确认表",
            DutyKind::Visit => "入户走访，交走访记录表",
            DutyKind::Acknowledge => "看过群众诉求后签收",
            DutyKind::Classify => "把群众反映的问题分清层级和类别",
            DutyKind::Summary => "把总支工作总结报镇组织人事办公室，由其报送任务确认表",
            DutyKind::Upload => {
                "问题要报到平台：由系统上报的一般几分钟内报出，过一天还没有报出的请找服务中心核对；由人上报的，报上后填平台回执表"
            }
            DutyKind::Returned => {
                "问题被退回：弄清原因，可重新分类、补正后再报、由专人认定平台办结，或者改由镇村自行办结"
            }
            DutyKind::Begin => "着手办理，交着手办理表",
            DutyKind::Resolve => "办结后交办理结果表，并告知群众",
            DutyKind::Report => "把问题解决情况报镇组织人事办公室，由其报送任务确认表",
            DutyKind::Revisit => "当面回访，问清是否满意",
            DutyKind::SelfCheck => "对照走访对象名单逐户自查，报送任务确认表",
            DutyKind::LookBack => "写好回头看总结，报送任务确认表",
            DutyKind::Extra => "完成后报送任务确认表",
            DutyKind::SpotCheck => {
                "到村入户抽查，交抽查记录（入户抽查表，或走访类型为入户抽查的走访记录表）"
            }
            DutyKind::Inspection => "当天到村督查，交抽查记录，或登记督查情况",
            DutyKind::Finding => {
                "抽查发现与走访记录不符，请核实整改，把核实结果填在入户抽查表里报送"
            }
            DutyKind::FollowUp => {
                "到双方家里回访调解协议履行得怎样，在问题页面登记，或填在矛盾调解表里报送"
            }
        }
    }
}

/// 预警: how near a date is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    Green,
    /// Within `yellow_within` days of its date.
    Yellow,
    /// Past its date.
    Red,
}

/// The key that names a duty, so that the same fact never makes two.
pub fn key(kind: DutyKind, of: &str, round: i64) -> String {
    match round {
        0 | 1 => format!("{}:{of}", kind.code()),
        _ => format!("{}:{of}:{round}", kind.code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_on_a_page_is_asked_for_a_table() {
        for kind in DutyKind::ALL {
            for holder in Holder::ALL.iter().copied().map(Some).chain([None]) {
                let said = kind.what_to_do_here(holder);
                // What a portal of people's answers is brought as a table alone.
                assert!(*kind == DutyKind::Upload || !said.contains('表'), "{kind}: {said}");
            }
        }
    }
}
