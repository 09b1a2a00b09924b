//! 问题: one demand of one resident, as one pure state machine.
//!
//! Events are append-only and the issue is their projection: [`Issue::apply`] is the only way that
//! a state changes, and [`MOVES`] is the whole of what is allowed.

use serde::{Deserialize, Serialize};

use super::staff::Role;
use crate::words;

words! {
    /// 责任层级: who must act (plan, 三(二)).
    Level {
        Town = "town", "镇村自办" | "镇和村解决" | "镇和村解决的问题" | "镇和村解决问题" | "镇村解决" | "镇村";
        Joint = "joint", "镇市联动" | "镇和市直部门联动解决" | "镇和市直部门联动解决问题" | "镇和市直部门联动解决的问题" | "联动解决" | "联动";
        City = "city", "市直单办" | "市直部门单独解决" | "市直部门单独解决问题" | "市直部门单独解决的问题" | "市直部门解决" | "市直";
    }
}

words! {
    /// 类别: the plan's seven categories.
    Category {
        LivingEnvironment = "living_environment", "居住环境";
        PublicSecurity = "public_security", "社会治安";
        BasicHealthcare = "basic_healthcare", "基本医疗";
        CultureSports = "culture_sports", "文体生活";
        BasicEducation = "basic_education", "基础教育";
        SocialAssistance = "social_assistance", "社会帮扶";
        Other = "other", "其他" | "其它";
    }
}

words! {
    /// 轻重缓急: 先急后缓.
    Urgency {
        Urgent = "urgent", "急" | "紧急" | "急办";
        Normal = "normal", "一般" | "普通" | "缓";
        LongTerm = "long_term", "长期" | "逐步化解";
    }
}

words! {
    /// Where an issue stands.
    State {
        Registered = "registered", "已登记";
        Classified = "classified", "已分类";
        Queued = "queued", "待上报";
        Referred = "referred", "已上报";
        Accepted = "accepted", "已受理";
        InProgress = "in_progress", "办理中";
        Resolved = "resolved", "已办结";
        Closed = "closed", "已销号";
        Returned = "returned", "退回";
        Reopened = "reopened", "重新办理";
        Void = "void", "作废";
    }
}

impl Level {
    /// Whether issues of this level go to the platform.
    pub const fn is_referred(self) -> bool {
        matches!(self, Level::Joint | Level::City)
    }

    /// Whether the town has a part of its own.
    pub const fn has_town_part(self) -> bool {
        matches!(self, Level::Town | Level::Joint)
    }
}

/// Something that happened to an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Its level, category and urgency were decided.
    Classified { level: Level, category: Category, urgency: Urgency },
    /// It is owed to the platform.
    Queued,
    /// The platform has it.
    Referred,
    /// The platform took it on.
    Accepted,
    /// The grid member or the department took note of it.
    Acknowledged { by: String, role: Role },
    /// Somebody works on it: the town on its own issue, or the platform.
    Started,
    /// The town's part is done.
    TownFinished { result: String },
    /// The platform says that its part is done.
    PlatformFinished { reply: String },
    /// A named person declares the platform's part done without the platform's word.
    PlatformOverridden { by: String, reason: String },
    /// The platform takes up again what it had said was done; it's the same request still.
    PlatformReopened { reason: String },
    /// The platform would not have it.
    Refused { reason: String },
    /// What the platform asked for besides, before it goes there again.
    Supplemented { text: String },
    /// Its resident is satisfied.
    Satisfied,
    /// Its resident is not satisfied, or it was ended by mistake: a new round.
    Reopened { reason: String },
    /// That its resident isn't satisfied was heard by mistake: what was asked anew isn't owed.
    AnswerCorrected { reason: String },
    /// A duplicate of another, or withdrawn.
    Voided { reason: String },
}

/// Who did something, as people read it: a person's name as it is, whoever isn't one by what it is.
pub fn by_whom(actor: &str) -> &str {
    match actor {
        "visitor" => "走访人员",
        "platform" => "平台",
        "resident" => "群众",
        "import" => "导入的表",
        "zoufang" => "系统",
        person => person,
    }
}

impl Event {
    /// What somebody said with it: a result, an answer, a reason.
    pub fn said(&self) -> Option<&str> {
        match self {
            Event::TownFinished { result: said }
            | Event::PlatformFinished { reply: said }
            | Event::PlatformOverridden { reason: said, .. }
            | Event::PlatformReopened { reason: said }
            | Event::Refused { reason: said }
            | Event::Supplemented { text: said }
            | Event::Reopened { reason: said }
            | Event::AnswerCorrected { reason: said }
            | Event::Voided { reason: said } => Some(said),
            _ => None,
        }
    }

    /// The same with other words in the place of what somebody said; nothing where nobody said anything.
    pub fn with_words(&self, words: &str) -> Option<Event> {
        let mut other = self.clone();
        match &mut other {
            Event::TownFinished { result: said }
            | Event::PlatformFinished { reply: said }
            | Event::PlatformOverridden { reason: said, .. }
            | Event::PlatformReopened { reason: said }
            | Event::Refused { reason: said }
            | Event::Supplemented { text: said }
            | Event::Reopened { reason: said }
            | Event::AnswerCorrected { reason: said }
            | Event::Voided { reason: said } => words.clone_into(said),
            _ => return None,
        }
        Some(other)
    }

    /// The kind of event, without what it carries.
    pub const fn kind(&self) -> EventKind {
        match self {
            Event::Classified { .. } => EventKind::Classified,
            Event::Queued => EventKind::Queued,
            Event::Referred => EventKind::Referred,
            Event::Accepted => EventKind::Accepted,
            Event::Acknowledged { .. } => EventKind::Acknowledged,
            Event::Started => EventKind::Started,
            Event::TownFinished { .. } => EventKind::TownFinished,
            Event::PlatformFinished { .. } => EventKind::PlatformFinished,
            Event::PlatformOverridden { .. } => EventKind::PlatformOverridden,
            Event::PlatformReopened { .. } => EventKind::PlatformReopened,
            Event::Refused { .. } => EventKind::Refused,
            Event::Supplemented { .. } => EventKind::Supplemented,
            Event::Satisfied => EventKind::Satisfied,
            Event::Reopened { .. } => EventKind::Reopened,
            Event::AnswerCorrected { .. } => EventKind::AnswerCorrected,
            Event::Voided { .. } => EventKind::Voided,
        }
    }
}

words! {
    /// The kinds of event.
    EventKind {
        Classified = "classified", "分类";
        Queued = "queued", "列入上报";
        Referred = "referred", "上报";
        Accepted = "accepted", "平台受理";
        Acknowledged = "acknowledged", "签收";
        Started = "started", "开始办理";
        TownFinished = "town_finished", "镇村办结";
        PlatformFinished = "platform_finished", "平台办结";
        PlatformOverridden = "platform_overridden", "人工认定平台办结";
        PlatformReopened = "platform_reopened", "平台重新办理";
        Refused = "refused", "退回";
        Supplemented = "supplemented", "补充说明";
        Satisfied = "satisfied", "群众满意";
        Reopened = "reopened", "重新办理";
        AnswerCorrected = "answer_corrected", "更正回访结果";
        Voided = "voided", "作废";
    }
}

/// Which event may happen in which states. What isn't here is refused.
pub const MOVES: &[(EventKind, &[State])] = {
    use State::*;
    &[
        (EventKind::Classified, &[Registered, Classified, Returned, Reopened]),
        (EventKind::Queued, &[Classified, Returned, Reopened]),
        (EventKind::Referred, &[Queued]),
        (EventKind::Accepted, &[Referred]),
        (
            EventKind::Acknowledged,
            &[
                Registered, Classified, Queued, Referred, Accepted, InProgress, Returned, Reopened,
                Resolved,
            ],
        ),
        (EventKind::Started, &[Classified, Reopened, Referred, Accepted]),
        (
            EventKind::TownFinished,
            &[Classified, Reopened, Queued, Referred, Accepted, InProgress, Returned],
        ),
        (EventKind::PlatformFinished, &[Referred, Accepted, InProgress]),
        (EventKind::PlatformOverridden, &[Queued, Referred, Accepted, InProgress, Returned]),
        (EventKind::PlatformReopened, &[InProgress, Resolved, Closed, Returned]),
        (EventKind::Refused, &[Queued, Referred, Accepted, InProgress]),
        (EventKind::Supplemented, &[Returned]),
        (EventKind::Satisfied, &[Resolved]),
        (EventKind::Reopened, &[Resolved, Closed, Void]),
        (EventKind::AnswerCorrected, &[Reopened, Queued, InProgress]),
        (
            EventKind::Voided,
            &[
                Registered, Classified, Queued, Referred, Accepted, InProgress, Returned, Reopened,
                Resolved,
            ],
        ),
    ]
};

/// What the state machine knows of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    pub state: State,
    /// Which attempt is owed now: 1, and one more after each refusal and each reopening.
    pub round: i64,
    pub class: Option<Class>,
    pub town_finished: bool,
    pub platform_finished: bool,
}

/// How an issue was classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    pub level: Level,
    pub category: Category,
    pub urgency: Urgency,
}

/// Why an event can't happen now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("问题处于「{state}」，不能「{event}」")]
    NotNow { state: State, event: EventKind },
    #[error("「{level}」的问题没有「{event}」这一步")]
    NotAtThisLevel { level: Level, event: EventKind },
    #[error("问题还没有分类，不能「{event}」")]
    Unclassified { event: EventKind },
    #[error("「{event}」必须写明原因和责任人")]
    NoReason { event: EventKind },
}

impl Refusal {
    /// What to do where a row of a table asks for it; nothing where that's said already.
    pub const fn cure(&self) -> Option<&'static str> {
        use EventKind::{Classified, Started, TownFinished};
        use State::*;
        const ENDED: &str = "已经办过的，请删去这一行；要改的，先重新办理（zoufang issue reopen 编号 --by 责任人编号 --reason 原因）";
        const VOIDED: &str = "作废了的，请删去这一行；作废错了的，先重新办理（zoufang issue reopen 编号 --by 责任人编号 --reason 原因）";
        const WITH_IT: &str = "不再改分类的，请删去这一行；要改的，先由服务中心退回，或等平台退回";
        const BEGUN: &str = "已经着手办理的不再改分类，请删去这一行；办好了交办理结果表";
        const FIRST: &str = "请先在问题分类表（附件6）里填上责任层级、类别并导入，再导入这张表";
        match self {
            Refusal::Unclassified { .. } => Some(FIRST),
            Refusal::NotNow { state: Registered, event: Started | TownFinished } => Some(FIRST),
            Refusal::NotNow { state: Void, .. } => Some(VOIDED),
            Refusal::NotNow {
                state: Resolved | Closed,
                event: Classified | Started | TownFinished,
            } => Some(ENDED),
            Refusal::NotNow { state: Queued | Referred | Accepted, event: Classified } => {
                Some(WITH_IT)
            }
            Refusal::NotNow { state: InProgress, event: Classified } => Some(BEGUN),
            Refusal::NotAtThisLevel { event: TownFinished | Started, .. } => {
                Some("由平台办理的，不在这张表里登记：请删去这一行")
            }
            _ => None,
        }
    }
}

impl Default for Issue {
    fn default() -> Self {
        Issue {
            state: State::Registered,
            round: 1,
            class: None,
            town_finished: false,
            platform_finished: false,
        }
    }
}

impl Issue {
    /// The level, once classified.
    pub fn level(&self) -> Option<Level> {
        self.class.map(|class| class.level)
    }

    /// Whether nothing more is owed for this issue unless it is reopened.
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Closed | State::Void)
    }

    /// Whether nobody need work on it any more: it's resolved, or has ended, void too.
    pub const fn needs_no_work(&self) -> bool {
        matches!(self.state, State::Resolved) || self.is_ended()
    }

    /// The issue after `event`, or why that can't be.
    ///
    /// ```
    /// use zoufang::domain::issue::*;
    /// let class = Event::Classified { level: Level::City, category: Category::Other, urgency: Urgency::Normal };
    /// let issue = Issue::default().apply(&class).unwrap().apply(&Event::Queued).unwrap();
    /// assert_eq!(issue.state, State::Queued);
    /// assert!(issue.apply(&Event::Satisfied).is_err());
    /// ```
    pub fn apply(&self, event: &Event) -> Result<Issue, Refusal> {
        self.allows(event)?;
        let mut next = self.clone();
        match event {
            Event::Classified { level, category, urgency } => {
                next.class = Some(Class { level: *level, category: *category, urgency: *urgency });
                next.state = State::Classified;
            }
            Event::Queued => next.state = State::Queued,
            Event::Referred => next.state = State::Referred,
            Event::Accepted => next.state = State::Accepted,
            Event::Acknowledged { .. } | Event::Supplemented { .. } => {}
            Event::Started => next.state = State::InProgress,
            Event::TownFinished { .. } => next.town_finished = true,
            Event::PlatformFinished { .. } | Event::PlatformOverridden { .. } => {
                next.platform_finished = true;
                next.state = State::InProgress;
            }
            Event::PlatformReopened { .. } => {
                // It takes back that it refused: the round goes on that it had ended by that.
                next.round -= i64::from(self.state == State::Returned);
                next.platform_finished = false;
                next.state = State::InProgress;
            }
            Event::Refused { .. } => {
                next.platform_finished = false;
                next.round += 1;
                next.state = State::Returned;
            }
            Event::Satisfied => next.state = State::Closed,
            Event::Reopened { .. } => {
                next.state = State::Reopened;
                next.round += 1;
                next.town_finished = false;
                next.platform_finished = false;
            }
            // The round stays counted: what was owed of it to the platform has its number.
            Event::AnswerCorrected { .. } => {
                next.town_finished = self.level().is_some_and(Level::has_town_part);
                next.platform_finished = self.level().is_some_and(Level::is_referred);
                next.state = State::Resolved;
            }
            Event::Voided { .. } => next.state = State::Void,
        }
        if matches!(
            event.kind(),
            EventKind::TownFinished | EventKind::PlatformFinished | EventKind::PlatformOverridden
        ) && next.parts_are_finished()
        {
            next.state = State::Resolved;
        }
        Ok(next)
    }

    /// What follows at once from `event`, which has just brought the issue here: a joint or city
    /// issue is owed to the platform without anyone's doing.
    pub fn consequence(&self, event: &Event) -> Option<Event> {
        let arises = matches!(event, Event::Classified { .. } | Event::Reopened { .. });
        (arises && self.level().is_some_and(Level::is_referred)).then_some(Event::Queued)
    }

    /// Replays a history from the beginning.
    pub fn replay<'e>(events: impl IntoIterator<Item = &'e Event>) -> Result<Issue, Refusal> {
        events.into_iter().try_fold(Issue::default(), |issue, event| issue.apply(event))
    }

    fn parts_are_finished(&self) -> bool {
        self.level().is_some_and(|level| {
            (!level.has_town_part() || self.town_finished)
                && (!level.is_referred() || self.platform_finished)
        })
    }

    fn allows(&self, event: &Event) -> Result<(), Refusal> {
        let kind = event.kind();
        let allowed = MOVES.iter().any(|(k, states)| *k == kind && states.contains(&self.state));
        if !allowed {
            return Err(Refusal::NotNow { state: self.state, event: kind });
        }
        match event {
            Event::PlatformOverridden { by, reason }
                if by.trim().is_empty() || reason.trim().is_empty() =>
            {
                return Err(Refusal::NoReason { event: kind });
            }
            // Progress after a person's or the platform's own end is an end taken back, and nothing else is; nor after its no.
            Event::PlatformReopened { .. }
                if !self.platform_finished && self.state != State::Returned =>
            {
                return Err(Refusal::NotNow { state: self.state, event: kind });
            }
            Event::Reopened { reason }
            | Event::AnswerCorrected { reason }
            | Event::Voided { reason }
                if reason.trim().is_empty() =>
            {
                return Err(Refusal::NoReason { event: kind });
            }
            // Only what was asked anew, and what the platform doesn't work on.
            Event::AnswerCorrected { .. }
                if self.round < 2
                    || self.state == State::InProgress
                        && self.level().is_some_and(Level::is_referred) =>
            {
                return Err(Refusal::NotNow { state: self.state, event: kind });
            }
            _ => {}
        }
        self.level_allows(kind)
    }

    fn level_allows(&self, event: EventKind) -> Result<(), Refusal> {
        use EventKind::*;
        let fits: fn(Level) -> bool = match event {
            Classified | Acknowledged | Reopened | Voided => return Ok(()),
            Queued | Referred | Accepted | PlatformFinished | PlatformOverridden
            | PlatformReopened | Refused | Supplemented => Level::is_referred,
            TownFinished => Level::has_town_part,
            Started | Satisfied | AnswerCorrected => |_| true,
        };
        let level = self.level().ok_or(Refusal::Unclassified { event })?;
        if !fits(level) {
            return Err(Refusal::NotAtThisLevel { level, event });
        }
        // The town starts its own issues; the platform starts those that it has.
        let with_platform = matches!(self.state, State::Referred | State::Accepted);
        if event == Started && level.is_referred() != with_platform {
            return Err(Refusal::NotAtThisLevel { level, event });
        }
        Ok(())
    }
}
