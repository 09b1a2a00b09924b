//! What must always hold of the derivation: from the facts, whatever the steps, the same duties.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::date;
use proptest::prelude::*;
use zoufang::clock::township_date;
use zoufang::domain::campaign::Campaign;
use zoufang::domain::duty::{DutyKind, DutyState};
use zoufang::domain::issue::*;
use zoufang::domain::obligations::issue::{DatedEvent, IssueFacts, IssueObligations};
use zoufang::domain::obligations::people::{ResidentFacts, SubjectFacts};
use zoufang::domain::obligations::{
    Department, Departments, Duty, DutyChange, Ladder, Plans, Rules, Standing, difference,
};
use zoufang::domain::workdays::Workdays;

use crate::domain::{campaign, event, workdays};

struct Town {
    plans: Plans,
    workdays: Workdays,
    departments: Departments,
}

impl Town {
    fn new() -> Town {
        let mut plan: Campaign = campaign();
        plan.departments.insert(Category::ALL[0], "城建办".to_owned());
        let person = Department { staff_id: "D1".to_owned(), area_id: "town".to_owned() };
        let departments = HashMap::from([("城建办".to_owned(), person)]);
        Town { plans: Plans::first(0, Arc::new(plan)), workdays: workdays(), departments }
    }

    fn rules(&self) -> Rules<'_> {
        let Town { plans, workdays, departments } = self;
        Rules { plans, workdays, departments }
    }

    fn ladder(&self) -> Ladder<'_> {
        let (plan, workdays) = (self.plans.now(), &self.workdays);
        Ladder { plan, before: None, workdays, today: date(2022, 4, 20) }
    }
}

fn facts() -> IssueFacts {
    IssueFacts {
        id: "i".to_owned(),
        number: "CHD2022-000001".to_owned(),
        subject_id: "s".to_owned(),
        area_id: "a".to_owned(),
        registered_on: date(2022, 3, 5),
    }
}

const APRIL: i64 = 1_649_000_000_000;

/// Those of the events that the state machine allows, one after the other, some hours apart.
fn history(events: Vec<Event>) -> Vec<DatedEvent> {
    let mut issue = Issue::default();
    let mut history: Vec<DatedEvent> = Vec::new();
    for event in events {
        if let Ok(next) = issue.apply(&event) {
            issue = next;
            let sequence = i64::try_from(history.len()).unwrap() + 1;
            let at = APRIL + sequence * 7 * 3_600_000;
            history.push(DatedEvent { sequence, at, on: township_date(at), event });
        }
    }
    history
}

/// The duties as they stand once changes are written.
fn written(standing: Vec<Standing>, changes: Vec<DutyChange>) -> Vec<Standing> {
    let mut standing = standing;
    for change in changes {
        match change {
            DutyChange::Add { duty, group } => standing.push(Standing {
                id: duty.key.clone(),
                key: duty.key.clone(),
                state: duty.state,
                since: APRIL,
                group_id: String::new(),
                group,
            }),
            DutyChange::Change { standing: changed, state, group } => {
                let stands = standing.iter_mut().find(|duty| duty.key == changed.key).unwrap();
                stands.state = state;
                stands.group = group.unwrap_or(changed.group);
            }
        }
    }
    standing
}

fn numbers(count: i64) -> Vec<String> {
    (1..=count).map(|n| format!("CHD2022-{n:06}")).collect()
}

/// How a subject and its two residents stand, at one of many moments.
fn moment() -> impl Strategy<Value = (SubjectFacts, Vec<ResidentFacts>)> {
    let counts = || (0..2_i64, 0..2_i64, 0..2_i64, 0..2_i64, 0..3_i64);
    let subject = (any::<bool>(), any::<bool>(), 0..2_i64);
    (subject, counts(), counts()).prop_map(|((ended, visitor, left), one, other)| {
        let resident = |id: &str, (heard, revisited, asked, unclassified, unended)| ResidentFacts {
            id: id.to_owned(),
            heard,
            revisited,
            in_person: revisited,
            asked,
            unclassified: numbers(asked * unclassified),
            // What isn't ended is worked on, or waits for their answer.
            unended: numbers(asked * i64::min(unended, 1)),
            waits: asked * unended == 2_i64,
            owed_since: Vec::new(),
        };
        let subject = SubjectFacts {
            id: "s".to_owned(),
            area_id: "a".to_owned(),
            visitor: visitor.then(|| "v".to_owned()),
            heard: one.0 + other.0,
            left,
            ended,
        };
        (subject, vec![resident("r1", one), resident("r2", other)])
    })
}

fn owed_at((subject, residents): &(SubjectFacts, Vec<ResidentFacts>), plans: &Plans) -> Vec<Duty> {
    let of_residents = residents.iter().flat_map(|one| one.duties(subject, plans));
    subject.visit(plans).into_iter().chain(of_residents).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn step_by_step_from_what_stands_equals_all_at_once(
        events in proptest::collection::vec(event(), 0..40), cut in 0..40usize
    ) {
        let (town, facts, events) = (Town::new(), facts(), history(events));
        let (whole, _) = IssueObligations::derive(&facts, &events, &town.rules()).unwrap();
        let cut = cut.min(events.len());
        let (mut owed, _) = IssueObligations::derive(&facts, &events[..cut], &town.rules()).unwrap();
        let mut standing = written(Vec::new(), difference(Vec::new(), owed.duties.clone(), &town.ladder()));
        for event in &events[cut..] {
            owed.step(&facts, event, &town.rules()).unwrap();
            let changes = difference(standing.clone(), owed.duties.clone(), &town.ladder());
            standing = written(standing, changes);
        }
        prop_assert_eq!(&owed, &whole);
        let again = difference(standing, whole.duties, &town.ladder());
        prop_assert_eq!(again, vec![], "nothing differs once it's written");
    }

    /// Whatever came before, also where a subject ended and came back, what stands is what the last moment makes owed.
    #[test]
    fn a_subject_that_ends_or_comes_back_stands_as_it_is(moments in proptest::collection::vec(moment(), 1..8)) {
        let town = Town::new();
        let mut standing = Vec::new();
        for moment in &moments {
            let changes = difference(standing.clone(), owed_at(moment, &town.plans), &town.ladder());
            standing = written(standing, changes);
        }
        let last = moments.last().unwrap();
        let owed = owed_at(last, &town.plans);
        prop_assert_eq!(difference(standing.clone(), owed.clone(), &town.ladder()), vec![]);
        let mut open: Vec<&str> = standing.iter().filter(|one| one.state == DutyState::Open).map(|one| one.key.as_str()).collect();
        let mut expected: Vec<&str> = owed.iter().filter(|one| one.state == DutyState::Open).map(|one| one.key.as_str()).collect();
        open.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(&open, &expected);
        if last.0.ended {
            prop_assert!(owed.iter().all(|one| one.state == DutyState::Met || one.kind == DutyKind::Classify), "{owed:?}");
        }
    }

    #[test]
    fn what_has_ended_owes_nothing(events in proptest::collection::vec(event(), 0..40)) {
        let (town, facts, events) = (Town::new(), facts(), history(events));
        let (owed, _) = IssueObligations::derive(&facts, &events, &town.rules()).unwrap();
        let open: Vec<_> = owed.duties.iter().filter(|duty| duty.state == DutyState::Open).collect();
        if owed.issue.is_ended() || owed.issue.state == State::Resolved {
            prop_assert!(open.is_empty(), "{open:?}");
        } else if let Some(class) = owed.issue.class {
            let kinds: Vec<_> = open.iter().map(|duty| duty.kind).collect();
            let resolve = kinds.iter().filter(|k| **k == zoufang::domain::duty::DutyKind::Resolve);
            prop_assert_eq!(resolve.count(), 1, "{:?} {:?}", class, kinds);
        }
    }

    #[test]
    fn a_refused_event_changes_nothing(events in proptest::collection::vec(event(), 0..30), next in event()) {
        let (town, facts, events) = (Town::new(), facts(), history(events));
        let (mut owed, _) = IssueObligations::derive(&facts, &events, &town.rules()).unwrap();
        let before = owed.clone();
        let sequence = owed.sequence + 1;
        let at = APRIL + 1_000 * 3_600_000;
        let dated = DatedEvent { sequence, at, on: township_date(at), event: next };
        if owed.step(&facts, &dated, &town.rules()).is_err() {
            prop_assert_eq!(owed, before);
        }
    }
}
