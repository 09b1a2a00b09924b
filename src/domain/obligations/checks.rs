//! What is owed of checks (四(三)) and of mediations (三(三)): the check of what was drawn, the answer to what differs, the daily
//! inspection, and the visit at which it's seen whether an agreement is kept.

use std::collections::HashSet;

use jiff::civil::Date;

use super::people::SubjectFacts;
use super::{Duty, Plans};
use crate::domain::campaign::{Campaign, PhaseName};
use crate::domain::duty::DutyKind;
use crate::domain::staff::Role;
use crate::domain::workdays::Workdays;

/// A subject that was drawn, as far as it makes anything owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectionFacts {
    pub id: String,
    /// Who checks it, and by when.
    pub inspector: String,
    pub drawn_on: Date,
    pub due_on: Date,
    /// Whether an inspector's record of it is there.
    pub checked: bool,
    pub difference: Option<Difference>,
}

/// What was found differs from what the visitor wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    pub found_on: Date,
    /// Who stands above the visitor.
    pub role: Role,
    pub answered: bool,
}

impl InspectionFacts {
    /// What it makes owed at its subject: a check of one that ended before it isn't; an answer to what was found is.
    pub fn duties(&self, subject: &SubjectFacts, plans: &Plans, workdays: &Workdays) -> Vec<Duty> {
        let at = |kind, due_on| Duty {
            subject_id: Some(subject.id.clone()),
            ..Duty::new(kind, &self.id, &subject.area_id, due_on)
        };
        let check = at(DutyKind::SpotCheck, self.due_on).met_if(self.checked);
        let check = Duty { staff_id: Some(self.inspector.clone()), ..check };
        let answer = self.difference.map(|difference| {
            let by = workdays.plus(difference.found_on, plans.now().finding_within);
            let answer = at(DutyKind::Finding, by).met_if(difference.answered);
            Duty { role: difference.role, ..answer }
        });
        subject.still(check).into_iter().chain(answer).collect()
    }
}

/// A mediation with a date at which it's seen whether the agreement is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediationFacts {
    pub id: String,
    pub issue_id: String,
    pub follow_up_on: Date,
    pub followed: bool,
}

impl MediationFacts {
    /// The visit that is owed of it, also where the subject ended: the other party is still there.
    pub fn duty(&self, subject: &SubjectFacts) -> Duty {
        let duty = Duty::new(DutyKind::FollowUp, &self.id, &subject.area_id, self.follow_up_on);
        let (subject_id, issue_id) = (Some(subject.id.clone()), Some(self.issue_id.clone()));
        Duty { subject_id, issue_id, ..duty.met_if(self.followed) }
    }
}

/// The daily inspection of a town, on each workday of the campaign from that day on; `inspected`: on which days an inspector
/// recorded anything.
pub fn daily(
    town: &str,
    since: Date,
    inspected: &HashSet<Date>,
    plan: &Campaign,
    workdays: &Workdays,
) -> Vec<Duty> {
    let (first, last) = (plan.starts_on().max(since), plan.ends_on(PhaseName::Feedback));
    let days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
    let days = days.take_while(|day| *day <= last).filter(|day| workdays.is_workday(*day));
    let duty = |day: Date| {
        let duty = Duty::new(DutyKind::Inspection, &format!("{town}/{day}"), town, day);
        duty.met_if(inspected.contains(&day))
    };
    days.map(duty).collect()
}
