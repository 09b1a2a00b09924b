//! 台账: which issues somebody's list shows, and in which order. What an issue is at this moment (late, whose turn, in which
//! phase) is asked of the issue itself, so that a list never says otherwise than its page.

use jiff::civil::Date;

use super::campaign::PhaseName;
use super::holder::{Holder, holder};
use super::issue::{Category, Class, Issue, Level, State, Urgency};
use crate::words;

words! {
    /// Which comes first.
    Order {
        Newest = "newest", "最近登记的在前";
        Oldest = "oldest", "最早登记的在前";
        /// Only what has a date and isn't resolved: what is pressing.
        Due = "due", "先到期的在前";
    }
}

/// What of all issues is listed. Nothing said is everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    pub state: Option<State>,
    pub level: Option<Level>,
    pub category: Option<Category>,
    pub urgency: Option<Urgency>,
    pub holder: Option<Holder>,
    pub phase: Option<PhaseName>,
    /// Past its date and not resolved.
    pub late: bool,
}

/// The phase of the plan in which something is to be done with an issue now; nothing where it's ended.
pub fn phase_of(issue: &Issue) -> Option<PhaseName> {
    match issue.state {
        State::Closed | State::Void => None,
        State::Resolved => Some(PhaseName::Feedback),
        _ if issue.class.is_none() => Some(PhaseName::Classify),
        _ => Some(PhaseName::Resolve),
    }
}

/// Whether it's past its date and not resolved.
pub fn is_late(issue: &Issue, due_on: Option<Date>, today: Date) -> bool {
    is_unresolved(issue.state) && due_on.is_some_and(|due_on| due_on < today)
}

/// Whether something is left to be done until it's resolved.
pub const fn is_unresolved(state: State) -> bool {
    !matches!(state, State::Resolved | State::Closed | State::Void)
}

impl Filter {
    /// Whether an issue is listed.
    pub fn admits(
        &self,
        issue: &Issue,
        due_on: Option<Date>,
        has_department: bool,
        today: Date,
    ) -> bool {
        let class = issue.class;
        let is = |wanted: bool, found: bool| !wanted || found;
        self.may_stand_so(issue, has_department)
            && is(self.level.is_some(), class.map(|class| class.level) == self.level)
            && is(self.category.is_some(), class.map(|class| class.category) == self.category)
            && is(self.urgency.is_some(), class.map(|class| class.urgency) == self.urgency)
            && is(self.late, is_late(issue, due_on, today))
    }

    /// Whether it may be listed by where it stands alone.
    fn may_stand_so(&self, issue: &Issue, has_department: bool) -> bool {
        self.state.is_none_or(|state| issue.state == state)
            && self.phase.is_none_or(|phase| phase_of(issue) == Some(phase))
            && self.holder.is_none_or(|wanted| holder(issue, has_department) == Some(wanted))
            && (!self.late || is_unresolved(issue.state))
    }

    /// The states in which an issue that is listed may be; nothing where that may be any.
    pub fn states(&self) -> Option<Vec<State>> {
        let possible = |state: &State| {
            every_kind(*state).any(|issue| {
                [false, true].iter().any(|department| self.may_stand_so(&issue, *department))
            })
        };
        let states: Vec<State> = State::ALL.iter().copied().filter(possible).collect();
        (states.len() < State::ALL.len()).then_some(states)
    }
}

/// An issue of each kind that can be told apart in one state.
fn every_kind(state: State) -> impl Iterator<Item = Issue> {
    let class = |level: &Level| Class {
        level: *level,
        category: Category::Other,
        urgency: Urgency::Normal,
    };
    let classes: Vec<Option<Class>> =
        std::iter::once(None).chain(Level::ALL.iter().map(|level| Some(class(level)))).collect();
    classes.into_iter().flat_map(move |class| {
        [false, true].map(|town_finished| Issue { state, class, town_finished, ..Issue::default() })
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn issue(state: State, level: Option<Level>) -> Issue {
        let class =
            level.map(|level| Class { level, category: Category::Other, urgency: Urgency::Normal });
        Issue { state, class, ..Issue::default() }
    }

    #[test]
    fn a_filter_admits_what_it_says() {
        let (today, yesterday) = (date(2022, 5, 2), Some(date(2022, 5, 1)));
        let town = issue(State::InProgress, Some(Level::Town));
        let admits = |filter: Filter| filter.admits(&town, yesterday, false, today);
        let none = Filter::default();
        assert!(admits(none));
        assert!(admits(Filter { late: true, level: Some(Level::Town), ..none }));
        assert!(!admits(Filter { level: Some(Level::City), ..none }));
        assert!(!admits(Filter { category: Some(Category::BasicEducation), ..none }));
        assert!(!admits(Filter { urgency: Some(Urgency::Urgent), ..none }));
        assert!(admits(Filter { phase: Some(PhaseName::Resolve), ..none }));
        assert!(admits(Filter { holder: Some(Holder::Village), ..none }));
        assert!(!admits(Filter { holder: Some(Holder::Department), ..none }));
        assert!(
            Filter { holder: Some(Holder::Department), ..none }.admits(&town, None, true, today)
        );
        // On its date it isn't late yet; resolved it's late no more.
        assert!(!is_late(&town, Some(today), today));
        assert!(!is_late(&issue(State::Resolved, Some(Level::Town)), yesterday, today));
        assert!(!is_late(&issue(State::Void, None), yesterday, today));
    }

    #[test]
    fn what_can_be_listed_stands_in_these_states() {
        let none = Filter::default();
        assert_eq!(none.states(), None);
        assert_eq!(Filter { level: Some(Level::City), ..none }.states(), None);
        let of = |filter: Filter| filter.states().unwrap();
        assert_eq!(of(Filter { state: Some(State::Void), ..none }), [State::Void]);
        assert_eq!(
            of(Filter { holder: Some(Holder::Centre), ..none }),
            [State::Queued, State::Returned]
        );
        assert_eq!(of(Filter { holder: Some(Holder::Resident), ..none }), [State::Resolved]);
        assert_eq!(of(Filter { phase: Some(PhaseName::Feedback), ..none }), [State::Resolved]);
        assert!(!of(Filter { late: true, ..none }).contains(&State::Resolved));
        assert!(of(Filter { phase: Some(PhaseName::Visit), ..none }).is_empty());
        // Whatever is admitted stands in one of them.
        for holder in Holder::ALL {
            let filter = Filter { holder: Some(*holder), ..none };
            for state in State::ALL {
                for issue in every_kind(*state) {
                    for department in [false, true] {
                        if filter.admits(&issue, None, department, date(2022, 5, 2)) {
                            assert!(of(filter).contains(state), "{holder} {state}");
                        }
                    }
                }
            }
        }
    }
}
