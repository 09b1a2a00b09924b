//! What is owed at a subject: its first visit, and for each resident that was met there the classification and the revisit.

use jiff::civil::Date;

use super::{Duty, Plans};
use crate::domain::duty::{DutyKind, DutyState};

/// A subject, as far as it makes anything owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectFacts {
    pub id: String,
    pub area_id: String,
    /// Its visitor, once assigned.
    pub visitor: Option<String>,
    /// How often somebody was heard there since the campaign began.
    pub heard: i64,
    /// How many are registered there who weren't heard, nor is it recorded why not (三(一) 户不漏人).
    pub left: i64,
    /// It isn't to be visited any more: what wasn't done by then is owed by nobody.
    pub ended: bool,
}

/// A resident, as far as it makes anything owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResidentFacts {
    pub id: String,
    /// Since the campaign began: first visits, revisits, and those of them that were face to face.
    pub heard: i64,
    pub revisited: i64,
    pub in_person: i64,
    /// Their issues that aren't void.
    pub asked: i64,
    /// By their numbers: those of them without a class, and those of them that haven't ended.
    pub unclassified: Vec<String>,
    pub unended: Vec<String>,
    /// Whether any of these is resolved, and waits for their answer.
    pub waits: bool,
    /// What of theirs came to be owed since the campaign began, and wasn't cancelled: it's paid, though nobody heard them since.
    pub owed_since: Vec<DutyKind>,
}

impl SubjectFacts {
    /// Whether its first visit is complete: somebody was heard, and everybody who is registered there was or it's recorded
    /// why not.
    pub fn is_visited(&self) -> bool {
        self.heard > 0 && self.left == 0
    }

    /// The first visit, owed by its visitor; nothing where the subject ended before it.
    pub fn visit(&self, plans: &Plans) -> Option<Duty> {
        let due_on = plans.now().due_on(DutyKind::Visit);
        let visit = self.owed(Duty::new(DutyKind::Visit, &self.id, &self.area_id, due_on));
        self.still(visit.met_if(self.is_visited()))
    }

    /// Of what is done by going there, what was done or still is to be.
    pub(super) fn still(&self, duty: Duty) -> Option<Duty> {
        (!self.ended || duty.state == DutyState::Met).then_some(duty)
    }

    /// Something owed here: by its visitor; while nobody is assigned (二(三) 一一对应), it's the affair of whoever answers for
    /// the village.
    fn owed(&self, duty: Duty) -> Duty {
        let role = if self.visitor.is_some() { duty.role } else { DutyKind::FOR_WANT_OF_A_VISITOR };
        let (staff_id, subject_id) = (self.visitor.clone(), Some(self.id.clone()));
        Duty { role, staff_id, subject_id, ..duty }
    }
}

impl ResidentFacts {
    /// What is owed for a resident of `subject`: classified when no issue of theirs is unclassified, revisited when they were
    /// revisited and nothing of theirs waits for their answer: what is still worked on, or is again, is asked about once it's
    /// resolved. 三(四) 重点面对面反馈: who asked for something is told in person. An issue
    /// of an earlier campaign is still to be classified and answered, by that campaign's dates. Where the subject ended nobody is
    /// to be revisited; what was asked for is classified and worked on all the same.
    pub fn duties(&self, subject: &SubjectFacts, plans: &Plans) -> Vec<Duty> {
        let answered = if self.asked > 0 { self.in_person > 0 } else { self.revisited > 0 };
        let is_heard = self.heard > 0;
        let kinds = [
            (DutyKind::Classify, &self.unclassified, self.unclassified.is_empty()),
            (DutyKind::Revisit, &self.unended, answered && !self.waits),
        ];
        let owed = kinds.into_iter().filter_map(|(kind, issues, met)| {
            let was_owed = met && self.asked > 0 && self.owed_since.contains(&kind);
            (is_heard || !issues.is_empty() || was_owed).then(|| {
                let due_on = due_on(kind, issues, plans);
                let duty = subject.owed(Duty::new(kind, &self.id, &subject.area_id, due_on));
                Duty { resident_id: Some(self.id.clone()), ..duty }.met_if(met)
            })
        });
        let still = |duty: Duty| match duty.kind {
            DutyKind::Revisit => subject.still(duty),
            _ => Some(duty),
        };
        owed.filter_map(still).collect()
    }
}

/// By when something is owed for these issues: by the earliest date that their own campaigns give it; for none, by the present
/// one's.
fn due_on(kind: DutyKind, issues: &[String], plans: &Plans) -> Date {
    let of_issues = issues.iter().map(|number| plans.of_issue(number).due_on(kind));
    of_issues.min().unwrap_or_else(|| plans.now().due_on(kind))
}
