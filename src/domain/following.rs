//! 跟踪: what the platform's answers make of referrals, of the numbers by which it knows them, and of their issues.
//!
//! Answers count in the platform's order, by its own numbering of them or by its time: one that is older than the last one
//! taken for a number moves nothing.

mod answer;
mod number;
mod order;
mod silence;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::issue::{Event, Issue, Refusal};
use super::referral::{PlatformStatus, event_for, refusal_taken_back, taken_up_again};
use crate::words;
pub use answer::Answer;
pub use number::names_one;
use order::update_order;
pub use order::{by_update_ids, in_order};
pub use silence::{Fault, Silence, Trouble};

words! {
    /// How a number of the platform's stands for a referral.
    NumberState {
        Current = "current", "在用";
        /// What goes by it is done.
        Ended = "ended", "已办结";
        /// The platform goes on under other numbers: this one leads nowhere any more.
        Replaced = "replaced", "已改号";
        /// It had taken another's place, and the platform has taken that back.
        Left = "left", "已拆开";
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
    /// When that answer came, by our clock.
    pub heard_at: Option<i64>,
    /// The number whose place it took.
    pub came_from: Option<String>,
}

impl Number {
    fn new(number: &str, came_from: Option<&str>) -> Number {
        Number {
            number: number.to_owned(),
            state: NumberState::Current,
            said_at: None,
            said_by: None,
            heard_at: None,
            came_from: came_from.map(str::to_owned),
        }
    }

    /// Whether what is said of it counts.
    const fn leads(&self) -> bool {
        !matches!(self.state, NumberState::Left)
    }
}

/// A referral, with every number that it goes or went by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    pub id: String,
    pub issue_id: String,
    pub round: i64,
    /// The platform has refused it.
    pub refused: bool,
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
    /// What the platform had refused and is at now, though something else was begun with it here: the referral's id and the
    /// number.
    pub taken_back: Vec<(String, String)>,
    /// The answers that were taken. One for a number that isn't known yet waits, and isn't among them.
    pub taken: Vec<String>,
}

/// Within so many milliseconds one call of the platform's may overtake another.
const OVERTAKE: i64 = 5 * 60_000;
const DAY: i64 = 24 * 3_600_000;
/// When a day begins in the township, after midnight in Greenwich.
const MIDNIGHT: i64 = 16 * 3_600_000;

/// Whether a time is a day's beginning: then it's dated by the day.
const fn is_a_day(at: i64) -> bool {
    at.rem_euclid(DAY) == MIDNIGHT
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
    taken_back: Vec<(String, String)>,
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
            taken_back: Vec::new(),
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
            let freed = answer.named().filter_map(|number| self.early.remove(number));
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
            taken_back: self.taken_back,
            taken: self.taken,
        }
    }

    /// The referrals that go, or went, by a number.
    fn followers(&self, number: &str) -> Vec<String> {
        let ids = self.by_number.get(number).into_iter().flatten();
        let led = |id: &&String| self.number(id, number).is_some_and(Number::leads);
        ids.filter(led).cloned().collect()
    }

    fn number(&self, referral: &str, number: &str) -> Option<&Number> {
        self.referrals.get(referral)?.numbers.iter().find(|known| known.number == number)
    }

    /// How an answer stands to the last one that was taken for its number. Of two that the platform dates alike, as by the
    /// day, the one that came by a later reading is later; but not where both happened in one moment and came within another, as
    /// calls do that overtake each other.
    fn against_last(&self, referral: &str, answer: &Answer) -> Ordering {
        let Some(known) = self.number(referral, &answer.number) else { return Ordering::Greater };
        let Some(said_at) = known.said_at else { return Ordering::Greater };
        let by_id = update_order(answer.update_id.as_deref(), known.said_by.as_deref());
        let by_time = answer.at.cmp(&said_at);
        let overtook = known.heard_at.is_some_and(|heard| answer.heard_at - heard < OVERTAKE);
        let by_reading = match overtook && !is_a_day(answer.at) {
            true => Ordering::Equal,
            false => Some(answer.heard_at).cmp(&known.heard_at),
        };
        by_id.unwrap_or_else(|| by_time.then(by_reading))
    }

    fn say(&mut self, id: &str, answer: &Answer) -> Result<(), Refusal> {
        let order = self.against_last(id, answer);
        if order == Ordering::Less {
            return Ok(());
        }
        let mut successors = answer.named().peekable();
        if let Some(first) = successors.peek().map(|first| (*first).to_owned()) {
            self.mark(id, answer, NumberState::Replaced);
            for number in successors {
                self.put_number(id, number, &answer.number);
            }
            self.note(id, answer, Standing::Open, Some(&first));
            return Ok(());
        }
        let replaced = self.is_elsewhere(id, &answer.number);
        // The old number of what goes on under another is closed, as a rule. Open again, it's its own again.
        if replaced && !(order == Ordering::Greater && answer.is_open()) {
            return Ok(());
        }
        if replaced {
            self.part(id, &answer.number);
        }
        let needs_answer = self.close_needs_answer && answer.text.trim().is_empty();
        let status =
            answer.status.filter(|status| !(needs_answer && *status == PlatformStatus::Resolved));
        let resolved = status == Some(PlatformStatus::Resolved);
        let had_ended = self.stands(id, &answer.number) == Some(NumberState::Ended);
        // Of two that can't be told apart in time the one that ends it holds; a word that says nothing ends nothing, and takes
        // no end back.
        if had_ended && !resolved && (order == Ordering::Equal || status.is_none()) {
            return Ok(());
        }
        let was_refused = self.referrals.get(id).is_some_and(|known| known.refused);
        // Only what is later takes a no back; and that what was refused is closed, as many a platform does, doesn't make it done.
        let stays_refused = was_refused && (order == Ordering::Equal || !answer.is_open());
        if stays_refused {
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
        self.note(id, answer, standing, replaced.then_some(&answer.number));
        if let Some(known) = self.referrals.get_mut(id) {
            known.refused = standing == Standing::Refused;
        }
        match status {
            Some(status) if was_refused => self.take_back_refusal(id, status, answer),
            Some(status) if ended || !resolved => {
                self.tell_issue(id, status, &answer.text, had_ended || replaced)
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

    /// The platform is at what it had refused: the issue goes on in that round, unless something else was begun with it.
    fn take_back_refusal(
        &mut self,
        id: &str,
        status: PlatformStatus,
        answer: &Answer,
    ) -> Result<(), Refusal> {
        let Some(Followed { issue_id, round, .. }) = self.referrals.get(id) else { return Ok(()) };
        let Some(issue) = self.issues.get_mut(issue_id) else { return Ok(()) };
        match refusal_taken_back(issue, *round, status, &answer.text) {
            Some(event) => {
                *issue = issue.apply(&event)?;
                self.events.push((issue_id.clone(), event));
            }
            None => self.taken_back.push((id.to_owned(), answer.number.clone())),
        }
        Ok(())
    }

    fn mark(&mut self, id: &str, answer: &Answer, state: NumberState) {
        let numbers = self.referrals.get_mut(id).map(|known| &mut known.numbers);
        let of_it = |known: &&mut Number| known.number == answer.number;
        if let Some(number) = numbers.into_iter().flatten().find(of_it) {
            (number.state, number.said_at) = (state, Some(answer.at));
            number.said_by.clone_from(&answer.update_id);
            number.heard_at = Some(answer.heard_at);
            self.changed.insert((id.to_owned(), answer.number.clone()));
        }
    }

    fn put_number(&mut self, id: &str, new: &str, came_from: &str) {
        let Some(referral) = self.referrals.get_mut(id) else { return };
        match referral.numbers.iter_mut().find(|known| known.number == new) {
            Some(known) => match known.state {
                NumberState::Current | NumberState::Ended => return,
                // Back to the one before.
                NumberState::Replaced => known.state = NumberState::Current,
                // Joined once more.
                NumberState::Left => {
                    known.state = NumberState::Current;
                    known.came_from = Some(came_from.to_owned());
                }
            },
            None => referral.numbers.push(Number::new(new, Some(came_from))),
        }
        self.by_number.entry(new.to_owned()).or_default().insert(id.to_owned());
        self.changed.insert((id.to_owned(), new.to_owned()));
    }

    fn note(&mut self, id: &str, answer: &Answer, state: Standing, number: Option<&String>) {
        let before = self.said.remove(id).and_then(|said| said.number);
        let number = number.cloned().or(before);
        let said = Said { state, word: answer.word.clone(), at: answer.at, number };
        self.said.insert(id.to_owned(), said);
    }

    /// What took a number's place is no part of the referral any more.
    fn part(&mut self, id: &str, from: &str) {
        let Some(referral) = self.referrals.get_mut(id) else { return };
        let mut parted = vec![from.to_owned()];
        while let Some(from) = parted.pop() {
            let came = |known: &&mut Number| {
                let of_it = known.came_from.as_ref() == Some(&from) || !names_one(&known.number);
                known.leads() && of_it
            };
            for number in referral.numbers.iter_mut().filter(came) {
                number.state = NumberState::Left;
                parted.push(number.number.clone());
                self.changed.insert((id.to_owned(), number.number.clone()));
            }
        }
    }

    /// Whether a referral goes on under other numbers than this one.
    fn is_elsewhere(&self, id: &str, number: &str) -> bool {
        let others = self.referrals.get(id).into_iter().flat_map(|known| &known.numbers);
        let go_on = [NumberState::Current, NumberState::Ended];
        self.stands(id, number) == Some(NumberState::Replaced)
            && others.into_iter().any(|other| go_on.contains(&other.state))
    }

    fn stands(&self, id: &str, number: &str) -> Option<NumberState> {
        self.number(id, number).map(|known| known.state)
    }

    fn has_open_number(&self, id: &str) -> bool {
        let numbers = self.referrals.get(id).into_iter().flat_map(|known| &known.numbers);
        numbers.into_iter().any(|number| number.state == NumberState::Current)
    }
}

#[cfg(test)]
mod tests;
