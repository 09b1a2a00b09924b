//! What is owed for an issue (plan, 三): taking note of it, uploading it, beginning it, resolving it; and what its events pay
//! of that.

use jiff::civil::Date;

use super::{Department, Duty, Rules};
use crate::domain::campaign::Campaign;
use crate::domain::duty::{self, DutyKind, DutyState};
use crate::domain::issue::{Class, Event, EventKind, Issue, Refusal, State};
use crate::domain::staff::Role;

/// An issue, as far as what is owed for it depends on more than its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueFacts {
    pub id: String,
    /// Opened by the code of its campaign, whose plan gives it its dates.
    pub number: String,
    pub subject_id: String,
    pub area_id: String,
    /// The township's date on which it was registered.
    pub registered_on: Date,
}

/// An event, its place among the issue's, and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedEvent {
    pub sequence: i64,
    /// In milliseconds, and the township's date of that.
    pub at: i64,
    pub on: Date,
    pub event: Event,
}

/// How an issue stands after some of its events, and what they made owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueObligations {
    pub issue: Issue,
    /// The last event's; 0 before the first.
    pub sequence: i64,
    /// When it's to be resolved, once it's classified.
    pub due_on: Option<Date>,
    pub duties: Vec<Duty>,
}

/// What an event asks for beyond the issue's own duties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Work was asked for: the village, and this department where one answers for it, report on it.
    pub work: bool,
    pub department: Option<Department>,
    /// What the event makes happen at once.
    pub consequence: Option<Event>,
}

/// What work on an issue is owed anew whenever it's classified or reopened.
const WORK: [DutyKind; 3] = [DutyKind::Upload, DutyKind::Begin, DutyKind::Resolve];

impl IssueObligations {
    /// As it's registered: the grid member is to take note of it (三(一) 及时向网格员以及镇相关部门反映).
    pub fn registered(facts: &IssueFacts, rules: &Rules<'_>) -> IssueObligations {
        let by = rules.workdays.plus(facts.registered_on, facts.plan(rules).acknowledge_within);
        let note = facts.note(Role::GridMember, &facts.area_id, by);
        IssueObligations { issue: Issue::default(), sequence: 0, due_on: None, duties: vec![note] }
    }

    /// All of its events at once.
    ///
    /// # Errors
    /// [`Refusal`] where they aren't a history of one issue.
    pub fn derive(
        facts: &IssueFacts,
        events: &[DatedEvent],
        rules: &Rules<'_>,
    ) -> Result<(IssueObligations, Vec<Asked>), Refusal> {
        let mut owed = IssueObligations::registered(facts, rules);
        let asked = events.iter().map(|event| owed.step(facts, event, rules));
        let asked = asked.collect::<Result<_, _>>()?;
        Ok((owed, asked))
    }

    /// One event: the issue moves, what it pays ends, what it asks for is owed. What isn't allowed changes nothing.
    ///
    /// # Errors
    /// [`Refusal`] where the state machine doesn't allow it.
    pub fn step(
        &mut self,
        facts: &IssueFacts,
        dated: &DatedEvent,
        rules: &Rules<'_>,
    ) -> Result<Asked, Refusal> {
        let event = &dated.event;
        let after = self.issue.apply(event)?;
        let mut asked = Asked { consequence: after.consequence(event), ..Asked::default() };
        self.pay(facts, event, &after);
        let asks = matches!(event, Event::Classified { .. } | Event::Reopened { .. });
        if matches!(event, Event::Refused { .. }) {
            let within = facts.plan(rules).returned_within;
            let by = rules.workdays.plus(dated.on, within);
            self.open(facts.work(DutyKind::Returned, dated.sequence, Role::Centre, by));
        }
        if matches!(event, Event::PlatformReopened { .. }) {
            self.owe_resolution(facts, dated, after.class, rules);
        }
        if let Some(class) = after.class.filter(|_| asks) {
            asked.work = true;
            asked.department = self.owe_work(facts, dated, class, rules);
        }
        self.issue = after;
        self.sequence = dated.sequence;
        Ok(asked)
    }

    /// Ends what an event meets or makes pointless.
    fn pay(&mut self, facts: &IssueFacts, event: &Event, after: &Issue) {
        use DutyState::{Cancelled, Met};
        match (event, after.state) {
            (_, State::Void) => self.end(Cancelled, |_| true),
            // What was asked for by mistake was never done.
            (Event::AnswerCorrected { .. }, _) => self.end(Cancelled, |_| true),
            (_, State::Resolved | State::Closed) => self.end(Met, |_| true),
            // The old dates no longer hold.
            (Event::Classified { .. } | Event::Reopened { .. }, _) => {
                self.end(Cancelled, |duty| WORK.contains(&duty.kind));
            }
            (Event::Referred, _) => self.end(Met, |duty| duty.kind == DutyKind::Upload),
            (Event::Started | Event::TownFinished { .. }, _) => {
                self.end(Met, |duty| duty.kind == DutyKind::Begin);
            }
            // What was given back before it was there is the centre's by now.
            (Event::PlatformOverridden { .. } | Event::Refused { .. }, _) => {
                self.end(Cancelled, |duty| duty.kind == DutyKind::Upload);
            }
            _ => {}
        }
        // Whatever is done with what the platform refused settles it.
        if after.state != State::Returned {
            self.end(Met, |duty| duty.kind == DutyKind::Returned);
        }
        if let Event::Acknowledged { role, .. } = event {
            let note = note_key(&facts.id, *role);
            self.end(Met, |duty| duty.key == note);
        }
    }

    fn end(&mut self, state: DutyState, which: impl Fn(&Duty) -> bool) {
        let open = self.duties.iter_mut().filter(|duty| duty.state == DutyState::Open);
        open.filter(|duty| which(duty)).for_each(|duty| duty.state = state);
    }

    /// What the platform took up again is to be resolved anew, where that had been done.
    fn owe_resolution(
        &mut self,
        facts: &IssueFacts,
        dated: &DatedEvent,
        class: Option<Class>,
        rules: &Rules<'_>,
    ) {
        let open = |duty: &Duty| duty.kind == DutyKind::Resolve && duty.state == DutyState::Open;
        let Some(class) = class.filter(|_| !self.duties.iter().any(open)) else { return };
        let due_on = facts.plan(rules).resolve_by(class.urgency, dated.on);
        self.due_on = Some(due_on);
        self.open(facts.work(DutyKind::Resolve, dated.sequence, Role::Centre, due_on));
    }

    /// What a classification or a reopening makes owed; returns who answers for it besides the village.
    fn owe_work(
        &mut self,
        facts: &IssueFacts,
        dated: &DatedEvent,
        class: Class,
        rules: &Rules<'_>,
    ) -> Option<Department> {
        let (plan, workdays, on) = (facts.plan(rules), rules.workdays, dated.on);
        let due_on = plan.resolve_by(class.urgency, on);
        self.due_on = Some(due_on);
        let step = |kind, role, due_on| facts.work(kind, dated.sequence, role, due_on);
        if class.level.is_referred() {
            let upload_by = workdays.plus(on, plan.upload_within).min(due_on);
            self.open(step(DutyKind::Resolve, Role::Centre, due_on));
            self.open(step(DutyKind::Upload, Role::GridMember, upload_by));
        } else {
            let begin_by = plan.begin_by(class.urgency, on, workdays);
            self.open(step(DutyKind::Resolve, Role::GridMember, due_on));
            self.open(step(DutyKind::Begin, Role::GridMember, begin_by));
        }
        // Who answered for what when the work was asked for.
        let unit = rules.plans.at(dated.at).unit_of_category(class.category)?;
        let department = rules.departments.get(unit)?.clone();
        let by = workdays.plus(on, plan.acknowledge_within);
        let note = facts.note(Role::Department, &department.area_id, by);
        self.open(Duty { staff_id: Some(department.staff_id.clone()), ..note });
        Some(department)
    }

    /// Once: the same key again changes nothing.
    fn open(&mut self, duty: Duty) {
        if self.duties.iter().all(|known| known.key != duty.key) {
            self.duties.push(duty);
        }
    }
}

impl IssueFacts {
    fn plan<'r>(&self, rules: &Rules<'r>) -> &'r Campaign {
        rules.plans.of_issue(&self.number)
    }

    fn duty(&self, kind: DutyKind, key: String, role: Role, area_id: &str, due_on: Date) -> Duty {
        Duty {
            key,
            role,
            subject_id: Some(self.subject_id.clone()),
            issue_id: Some(self.id.clone()),
            ..Duty::new(kind, "", area_id, due_on)
        }
    }

    /// A step of the work that the event of that sequence asked for: another one asks anew.
    fn work(&self, kind: DutyKind, sequence: i64, role: Role, due_on: Date) -> Duty {
        self.duty(kind, duty::key(kind, &self.id, sequence), role, &self.area_id, due_on)
    }

    /// That somebody is to take note of it.
    fn note(&self, role: Role, area_id: &str, by: Date) -> Duty {
        self.duty(DutyKind::Acknowledge, note_key(&self.id, role), role, area_id, by)
    }
}

/// The key of the duty to take note of an issue, as grid member or as department.
pub fn note_key(issue: &str, role: Role) -> String {
    duty::key(DutyKind::Acknowledge, &format!("{issue}/{}", role.code()), 1)
}

/// Whether a kind of event changes what a resident is owed, by what it may change of the issue: whether it's classified, whether
/// it waits for their answer, and whether it has ended.
pub const fn concerns_resident(kind: EventKind) -> bool {
    use EventKind::*;
    matches!(
        kind,
        Classified
            | TownFinished
            | PlatformFinished
            | PlatformOverridden
            | Satisfied
            | Reopened
            | AnswerCorrected
            | PlatformReopened
            | Voided
    )
}
