//! What is to be written so that what stands is what is owed.

use std::collections::HashMap;

use jiff::civil::Date;

use super::{Duty, Plans};
use crate::domain::campaign::{Campaign, EscalationStep};
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::staff::Role;
use crate::domain::workdays::Workdays;

/// What the duties of a group share: they climb the ladder together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupKey {
    pub kind: DutyKind,
    /// Who owes it; without a person, whoever holds `role` over the area.
    pub staff_id: Option<String>,
    pub role: Role,
    pub area_id: String,
    /// Set for the duties of an issue: each climbs alone.
    pub issue_id: Option<String>,
    pub due_on: Date,
    /// How far up the ladder it is.
    pub next_step: i64,
}

/// Who owes something: a person, or whoever holds a role over an area.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Whose {
    Person(String),
    Role(Role, String),
}

/// A duty as it stands in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub id: String,
    pub key: String,
    pub state: DutyState,
    /// Since when, in milliseconds.
    pub since: i64,
    pub group_id: String,
    pub group: GroupKey,
}

impl Standing {
    /// Whether it's of a campaign that is over: an issue's goes on.
    pub fn is_over(&self, plans: &Plans) -> bool {
        self.group.issue_id.is_none() && self.since < plans.began()
    }

    /// Who owes it.
    pub fn whose(&self) -> Whose {
        match &self.group.staff_id {
            Some(person) => Whose::Person(person.clone()),
            None => Whose::Role(self.group.role, self.group.area_id.clone()),
        }
    }

    /// Whether one that is over is still owed as this one, by the same date: an unclassified issue's classification.
    pub fn goes_on_as(&self, owed: &Duty) -> bool {
        let are_open = self.state == DutyState::Open && owed.state == DutyState::Open;
        are_open && self.key == owed.key && self.group.due_on == owed.due_on
    }
}

/// One thing to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DutyChange {
    /// It wasn't owed before.
    Add { duty: Duty, group: GroupKey },
    /// It stands, but not as it should.
    Change {
        standing: Standing,
        state: DutyState,
        /// Where it belongs, if that's another group than the one in which it is.
        group: Option<GroupKey>,
    },
}

impl DutyChange {
    /// The group to which it comes; nothing where it stays in its own.
    pub fn goes_to(&self) -> Option<&GroupKey> {
        match self {
            DutyChange::Add { group, .. } => Some(group),
            DutyChange::Change { group, .. } => group.as_ref(),
        }
    }

    /// What wasn't owed before, by its key.
    pub fn adds(&self) -> Option<(&str, &Duty)> {
        match self {
            DutyChange::Add { duty, .. } => Some((&duty.key, duty)),
            DutyChange::Change { .. } => None,
        }
    }

    /// The kind of duty.
    pub fn kind(&self) -> DutyKind {
        match self {
            DutyChange::Add { duty, .. } => duty.kind,
            DutyChange::Change { standing, .. } => standing.group.kind,
        }
    }
}

/// How what is owed climbs: the plan's steps, the days on which people are told, and where a climb goes on that moves.
#[derive(Debug, Clone, Copy)]
pub struct Ladder<'l> {
    pub plan: &'l Campaign,
    /// The plan before it, where another one is being applied.
    pub before: Option<&'l Campaign>,
    pub workdays: &'l Workdays,
    pub today: Date,
}

impl<'l> Ladder<'l> {
    /// As the plan in effect has it.
    pub fn of(plans: &'l Plans, workdays: &'l Workdays, today: Date) -> Ladder<'l> {
        Ladder { plan: plans.now(), before: None, workdays, today }
    }

    /// The same, where what stands may still be as the plan before had it.
    pub fn after_another(plans: &'l Plans, workdays: &'l Workdays, today: Date) -> Ladder<'l> {
        Ladder { before: plans.before(), ..Ladder::of(plans, workdays, today) }
    }

    /// The day on which a step is told; nothing beyond the ladder's end.
    pub fn told_on(&self, group: &GroupKey) -> Option<Date> {
        let step = self.steps(group.kind).get(usize::try_from(group.next_step).ok()?)?;
        Some(step.told_on(group.due_on, self.workdays))
    }

    fn steps(&self, kind: DutyKind) -> &[EscalationStep] {
        self.plan.steps(kind)
    }

    /// Whether another campaign takes the place of the one before.
    pub fn begins_another(&self) -> bool {
        self.before.is_some_and(|before| before.code != self.plan.code)
    }

    /// Whether the plan before had another ladder for a kind of duty.
    pub fn is_new(&self, kind: DutyKind) -> bool {
        self.before.is_some_and(|before| before.steps(kind) != self.plan.steps(kind))
    }

    /// How far up the ladder a duty is that was `next_step` up by `from` and is now due on `due_on`. A step that was told
    /// is told again where the new date puts it in the future; where only the ladder changed, what has passed isn't.
    fn goes_on(&self, kind: DutyKind, next_step: i64, from: Date, due_on: Date) -> i64 {
        let told = |step: &&EscalationStep| step.told_on(due_on, self.workdays) < self.today;
        let passed = || {
            let passed = self.steps(kind).iter().take_while(told).count();
            i64::try_from(passed).unwrap_or(i64::MAX)
        };
        match (self.is_new(kind), from == due_on) {
            (false, true) => next_step,
            (false, false) => next_step.min(passed()),
            (true, _) => passed(),
        }
    }
}

/// What differs between the duties that stand in the record for some facts and those that the facts make owed. What has ended
/// stays as it was: whose it was, and by when, is history.
pub fn difference(
    standing: Vec<Standing>,
    owed: Vec<Duty>,
    ladder: &Ladder<'_>,
) -> Vec<DutyChange> {
    let mut standing: HashMap<String, Standing> =
        standing.into_iter().map(|duty| (duty.key.clone(), duty)).collect();
    let mut changes = Vec::new();
    for duty in owed {
        match standing.remove(&duty.key) {
            None => changes.push(DutyChange::Add { group: group_of(&duty, 0), duty }),
            Some(stands) => changes.extend(change(stands, &duty, ladder)),
        }
    }
    // What nothing asks for any more.
    let mut pointless: Vec<Standing> =
        standing.into_values().filter(|duty| duty.state == DutyState::Open).collect();
    pointless.sort_by(|a, b| a.key.cmp(&b.key));
    let cancel =
        |standing| DutyChange::Change { standing, state: DutyState::Cancelled, group: None };
    changes.extend(pointless.into_iter().map(cancel));
    changes
}

/// What is owed still by the date by which a campaign that is `over` had it is as far up the ladder as it was.
pub fn going_on(
    mut changes: Vec<DutyChange>,
    over: &[Standing],
    ladder: &Ladder<'_>,
) -> Vec<DutyChange> {
    for change in &mut changes {
        let DutyChange::Add { duty, group } = change else { continue };
        if let Some(Standing { group: was, .. }) = over.iter().find(|over| over.goes_on_as(duty)) {
            group.next_step = ladder.goes_on(duty.kind, was.next_step, was.due_on, duty.due_on);
        }
    }
    changes
}

fn change(standing: Standing, owed: &Duty, ladder: &Ladder<'_>) -> Option<DutyChange> {
    let at = &standing.group;
    let next_step = ladder.goes_on(owed.kind, at.next_step, at.due_on, owed.due_on);
    let belongs = group_of(owed, next_step);
    let open = owed.state == DutyState::Open;
    let group = (open && (belongs != *at || ladder.is_new(owed.kind))).then_some(belongs);
    let same = standing.state == owed.state && group.is_none();
    (!same).then_some(DutyChange::Change { state: owed.state, group, standing })
}

fn group_of(duty: &Duty, next_step: i64) -> GroupKey {
    GroupKey {
        kind: duty.kind,
        staff_id: duty.staff_id.clone(),
        role: duty.role,
        area_id: duty.area_id.clone(),
        issue_id: duty.issue_id.clone().filter(|_| duty.kind.is_of_issue()),
        due_on: duty.due_on,
        next_step,
    }
}
