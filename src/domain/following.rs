//! 跟踪: what the platform's answers make of referrals, of the numbers by which it knows them, and of their issues.
//!
//! Answers count in the platform's order, by its own numbering of them or by its time: one that is older than the last one
//! taken for a number moves nothing.

mod answer;
mod order;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::issue::{Event, Issue, Refusal};
use super::referral::{PlatformStatus, event_for, taken_up_again};
use crate::words;
pub use answer::Answer;
use order::update_order;
pub use order::{by_update_ids, in_order};

words! {
    /// How a number of the platform's stands for a referral.
    NumberState {
        Current = "current", "在用";
        /// What goes by it is done.
        Ended = "ended", "已办结";
        /// The platform goes on under other numbers: this one leads nowhere any more.
        Replaced = "replaced", "已改号";
    }
}

words! {
    /// How a referral stands after an answer.
    Standing {
        Open = "open", "办理中";
        Ended = "ended", "已办结";
        Refused = "refused", "退回";
    }
}

/// A number by which the platform knows a referral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    pub number: String,
    pub state: NumberState,
    /// The time of the last answer that was taken for it, and the platform's own number of that.
    pub said_at: Option<i64>,
    pub said_by: Option<String>,
}

/// A referral, with every number that it goes or went by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    pub id: String,
    pub issue_id: String,
    pub round: i64,
    pub numbers: Vec<Number>,
}

/// What an answer makes of a referral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub state: Standing,
    pub word: String,
    pub at: i64,
    /// The number that it goes by from now on, where that changed.
    pub number: Option<String>,
}

/// What follows from answers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Consequences {
    /// Numbers that are new or changed, with the referral of each.
    pub numbers: Vec<(String, Number)>,
    /// What was last said of a referral.
    pub referrals: Vec<(String, Said)>,
    /// What happened to issues, in order.
    pub events: Vec<(String, Event)>,
    /// The answers that were taken. One for a number that isn't known yet waits, and isn't among them.
    pub taken: Vec<String>,
}

/// Referrals and their issues while answers are taken.
#[derive(Debug)]
pub struct Following {
    referrals: BTreeMap<String, Followed>,
    issues: HashMap<String, Issue>,
    /// Closed without a word for the resident, it's asked about on, until there is one.
    close_needs_answer: bool,
    /// Who goes, or went, by a number.
    by_number: HashMap<String, BTreeSet<String>>,
    /// What came before its number was known.
    early: HashMap<String, Vec<Answer>>,
    changed: BTreeSet<(String, String)>,
    said: BTreeMap<String, Said>,
    events: Vec<(String, Event)>,
    taken: Vec<String>,
}

impl Following {
    /// Begins with what is known of them.
    pub fn new(
        referrals: Vec<Followed>,
        issues: HashMap<String, Issue>,
        close_needs_answer: bool,
    ) -> Following {
        let mut by_number: HashMap<String, BTreeSet<String>> = HashMap::new();
        for referral in &referrals {
            for Number { number, .. } in &referral.numbers {
                by_number.entry(number.clone()).or_default().insert(referral.id.clone());
            }
        }
        let referrals = referrals.into_iter().map(|known| (known.id.clone(), known)).collect();
        Following {
            referrals,
            issues,
            close_needs_answer,
            by_number,
            early: HashMap::new(),
            changed: BTreeSet::new(),
            said: BTreeMap::new(),
            events: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Takes an answer, and then those that had waited for the numbers that it names. They are to come in the order of
    /// their time.
    ///
    /// # Errors
    /// Where the state machine refuses an event that follows.
    pub fn take(&mut self, answer: Answer) -> Result<(), Refusal> {
        let mut waiting = vec![answer];
        while let Some(answer) = waiting.pop() {
            let followers = self.followers(&answer.number);
            if followers.is_empty() {
                self.early.entry(answer.number.clone()).or_default().push(answer);
                continue;
            }
            for referral in &followers {
                self.say(referral, &answer)?;
            }
            let freed = answer.successors.iter().filter_map(|number| self.early.remove(number));
            waiting.extend(freed.flatten().collect::<Vec<_>>().into_iter().rev());
            self.taken.push(answer.id);
        }
        Ok(())
    }

    /// What followed from all that was taken.
    pub fn end(self) -> Consequences {
        let number = |(referral, number): (String, String)| {
            let known = self.referrals.get(&referral)?;
            let found = known.numbers.iter().find(|known| known.number == number)?;
            Some((referral, found.clone()))
        };
        Consequences {
            numbers: self.changed.into_iter().filter_map(number).collect(),
            referrals: self.said.into_iter().collect(),
            events: self.events,
            taken: self.taken,
        }
    }

    /// The referrals that go by a number now; one that was replaced leads nowhere any more.
    fn followers(&self, number: &str) -> Vec<String> {
        let ids = self.by_number.get(number).into_iter().flatten();
        let led = |id: &&String| {
            self.number(id, number).is_some_and(|known| known.state != NumberState::Replaced)
        };
        ids.filter(led).cloned().collect()
    }

    fn number(&self, referral: &str, number: &str) -> Option<&Number> {
        self.referrals.get(referral)?.numbers.iter().find(|known| known.number == number)
    }

    /// How an answer stands to the last one that was taken for its number.
    fn against_last(&self, referral: &str, answer: &Answer) -> Ordering {
        let Some(known) = self.number(referral, &answer.number) else { return Ordering::Greater };
        let Some(said_at) = known.said_at else { return Ordering::Greater };
        let by_id = update_order(answer.update_id.as_deref(), known.said_by.as_deref());
        by_id.unwrap_or_else(|| answer.at.cmp(&said_at))
    }

    fn say(&mut self, id: &str, answer: &Answer) -> Result<(), Refusal> {
        let order = self.against_last(id, answer);
        if order == Ordering::Less {
            return Ok(());
        }
        if !answer.successors.is_empty() {
            self.mark(id, answer, NumberState::Replaced);
            for number in &answer.successors {
                self.put_number(id, number);
            }
            self.note(id, answer, Standing::Open, answer.successors.first());
            return Ok(());
        }
        let needs_answer = self.close_needs_answer && answer.text.trim().is_empty();
        let status =
            answer.status.filter(|status| !(needs_answer && *status == PlatformStatus::Resolved));
        let resolved = status == Some(PlatformStatus::Resolved);
        let had_ended =
            self.number(id, &answer.number).is_some_and(|known| known.state == NumberState::Ended);
        // Of two that can't be told apart in time the one that ends it holds; a word that says nothing ends nothing, and takes
        // no end back.
        if had_ended && !resolved && (order == Ordering::Equal || status.is_none()) {
            return Ok(());
        }
        let state = if resolved { NumberState::Ended } else { NumberState::Current };
        self.mark(id, answer, state);
        // Of one that was split, the last part ends it.
        let ended = resolved && !self.has_open_number(id);
        let standing = match status {
            Some(PlatformStatus::Refused) => Standing::Refused,
            Some(PlatformStatus::Resolved) if ended => Standing::Ended,
            _ => Standing::Open,
        };
        self.note(id, answer, standing, None);
        match status {
            Some(status) if ended || !resolved => {
                self.tell_issue(id, status, &answer.text, had_ended)
            }
            _ => Ok(()),
        }
    }

    /// Brings the referral's issue to where the platform says it is, where this is still the issue's round. What had
    /// ended may be taken up again.
    fn tell_issue(
        &mut self,
        id: &str,
        status: PlatformStatus,
        text: &str,
        had_ended: bool,
    ) -> Result<(), Refusal> {
        let Some(Followed { issue_id, round, .. }) = self.referrals.get(id) else { return Ok(()) };
        let issue = self.issues.get_mut(issue_id).filter(|issue| issue.round == *round);
        let Some(issue) = issue else { return Ok(()) };
        let again = if had_ended { taken_up_again(issue, status, text) } else { None };
        let mut next = again.or_else(|| event_for(issue, status, text));
        if let Some(event) = &next {
            self.events.push((issue_id.clone(), event.clone()));
        }
        while let Some(event) = next {
            *issue = issue.apply(&event)?;
            next = issue.consequence(&event);
        }
        Ok(())
    }

    fn mark(&mut self, id: &str, answer: &Answer, state: NumberState) {
        let numbers = self.referrals.get_mut(id).map(|known| &mut known.numbers);
        let of_it = |known: &&mut Number| known.number == answer.number;
        if let Some(number) = numbers.into_iter().flatten().find(of_it) {
            (number.state, number.said_at) = (state, Some(answer.at));
            number.said_by.clone_from(&answer.update_id);
            self.changed.insert((id.to_owned(), answer.number.clone()));
        }
    }

    fn put_number(&mut self, id: &str, new: &str) {
        let Some(referral) = self.referrals.get_mut(id) else { return };
        if referral.numbers.iter().any(|known| known.number == new) {
            return;
        }
        let (state, number) = (NumberState::Current, new.to_owned());
        referral.numbers.push(Number { number, state, said_at: None, said_by: None });
        self.by_number.entry(new.to_owned()).or_default().insert(id.to_owned());
        self.changed.insert((id.to_owned(), new.to_owned()));
    }

    fn note(&mut self, id: &str, answer: &Answer, state: Standing, number: Option<&String>) {
        let before = self.said.remove(id).and_then(|said| said.number);
        let number = number.cloned().or(before);
        let said = Said { state, word: answer.word.clone(), at: answer.at, number };
        self.said.insert(id.to_owned(), said);
    }

    fn has_open_number(&self, id: &str) -> bool {
        let numbers = self.referrals.get(id).into_iter().flat_map(|known| &known.numbers);
        numbers.into_iter().any(|number| number.state == NumberState::Current)
    }
}

#[cfg(test)]
mod tests;
