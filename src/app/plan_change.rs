//! What deriving again changes of what is owed.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::Serialize;

use super::areas::AreaDuties;
use super::casework::{Files, RuleBook};
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::obligations::{Duty, DutyChange, GroupKey, Ladder, Standing};

/// What another plan changes of what is owed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlanChange {
    /// Open duties by kind whose date moves: from, to, how many.
    pub moved: Vec<(DutyKind, Date, Date, i64)>,
    /// Open duties by kind whose ladder changes and whose date doesn't.
    pub ladders: Vec<(DutyKind, i64)>,
    /// Open duties by kind that go on in another campaign, by the dates of their own: those of issues that were heard before.
    pub carried: Vec<(DutyKind, i64)>,
    /// Duties of the campaign before, or of a phase that was taken away, that end undone.
    pub ended: i64,
    /// Duties of the new campaign, or of a phase that was added.
    pub opened: i64,
}

impl PlanChange {
    /// Whether nothing that is owed changes.
    pub fn is_nothing(&self) -> bool {
        *self == PlanChange::default()
    }

    /// Adds what deriving these files again changes. Returns what ends.
    pub(super) fn take_files<'f>(
        &mut self,
        files: &'f Files,
        changes: &[DutyChange],
        (book, ladder): (&RuleBook, &Ladder<'_>),
    ) -> Vec<&'f Standing> {
        self.count(changes, ladder);
        let ended = self.end(files.over(&book.plans), changes);
        if ladder.begins_another() {
            self.carry(files.open_of_issues());
        }
        ended
    }

    /// The same of what areas owe.
    pub(super) fn take_areas<'d>(
        &mut self,
        duties: &'d AreaDuties,
        changes: &[DutyChange],
        ladder: &Ladder<'_>,
    ) -> Vec<&'d Standing> {
        self.count(changes, ladder);
        self.end(duties.over(), &[])
    }

    /// Adds what some changes do.
    fn count(&mut self, changes: &[DutyChange], ladder: &Ladder<'_>) {
        for change in changes {
            match change {
                DutyChange::Add { duty, .. } => {
                    self.opened += i64::from(duty.state == DutyState::Open);
                }
                DutyChange::Change { state: DutyState::Cancelled, .. } => self.ended += 1,
                DutyChange::Change { standing, state: DutyState::Open, .. }
                    if standing.state != DutyState::Open =>
                {
                    self.opened += 1;
                }
                DutyChange::Change { standing, group: Some(group), .. } => {
                    self.count_move(
                        standing.group.kind,
                        standing.group.due_on,
                        group.due_on,
                        ladder,
                    );
                }
                DutyChange::Change { .. } => {}
            }
        }
        self.moved.sort_unstable();
    }

    /// Adds that these are over, undone, but for what the changes open again as it was. Returns those that end.
    fn end<'s>(
        &mut self,
        over: impl Iterator<Item = &'s Standing>,
        changes: &[DutyChange],
    ) -> Vec<&'s Standing> {
        let added: HashMap<&str, &Duty> = changes.iter().filter_map(DutyChange::adds).collect();
        let goes_on = |duty: &Standing| {
            added.get(duty.key.as_str()).is_some_and(|added| duty.goes_on_as(added))
        };
        let (carried, ended): (Vec<&Standing>, Vec<&Standing>) =
            over.partition(|duty| goes_on(duty));
        let count = |duties: &[&Standing]| i64::try_from(duties.len()).unwrap_or(i64::MAX);
        self.opened -= count(&carried);
        self.ended += count(&ended);
        self.carry(carried.iter().map(|duty| duty.group.kind));
        ended
    }

    /// Adds that these go on in another campaign.
    fn carry(&mut self, kinds: impl IntoIterator<Item = DutyKind>) {
        for kind in kinds {
            match self.carried.iter_mut().find(|(known, _)| *known == kind) {
                Some(carried) => carried.1 += 1,
                None => self.carried.push((kind, 1)),
            }
        }
        self.carried.sort_unstable();
    }

    fn count_move(&mut self, kind: DutyKind, from: Date, to: Date, ladder: &Ladder<'_>) {
        if from != to {
            let same = |m: &&mut (DutyKind, Date, Date, i64)| (m.0, m.1, m.2) == (kind, from, to);
            match self.moved.iter_mut().find(same) {
                Some(moved) => moved.3 += 1,
                None => self.moved.push((kind, from, to, 1)),
            }
        } else if ladder.is_new(kind) {
            match self.ladders.iter_mut().find(|(known, _)| *known == kind) {
                Some(ladder) => ladder.1 += 1,
                None => self.ladders.push((kind, 1)),
            }
        }
    }
}

/// How many open duties each group would gain or lose.
#[derive(Debug, Clone, Default)]
pub struct Moves(HashMap<GroupKey, i64>);

impl Moves {
    /// Adds what some changes do, once these duties are over.
    pub(super) fn take<'s>(
        &mut self,
        over: impl Iterator<Item = &'s Standing>,
        changes: &[DutyChange],
    ) {
        over.for_each(|duty| self.add(&duty.group, duty.state, -1));
        for change in changes {
            match change {
                DutyChange::Add { duty, group } => self.add(group, duty.state, 1),
                DutyChange::Change { standing, state, group } => {
                    self.add(&standing.group, standing.state, -1);
                    self.add(group.as_ref().unwrap_or(&standing.group), *state, 1);
                }
            }
        }
    }

    fn add(&mut self, group: &GroupKey, state: DutyState, duties: i64) {
        if state == DutyState::Open {
            *self.0.entry(group.clone()).or_default() += duties;
        }
    }

    /// How many of a group's duties would be open of which `open` are. Of groups that are alike, each is asked once.
    pub fn of(&mut self, group: &GroupKey, open: i64) -> i64 {
        let Some(more) = self.0.get_mut(group) else { return open };
        let then = (open + *more).max(0);
        *more -= then - open;
        then
    }

    /// The groups that would come to be, once all that are have been asked: of each, how many duties are open.
    pub fn into_new(self) -> impl Iterator<Item = (GroupKey, i64)> {
        self.0.into_iter().filter(|(_, open)| *open > 0)
    }
}
