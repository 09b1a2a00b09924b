//! 跟踪: what the platform's answers make of referrals, of the numbers by which it knows them, and of their issues.
//!
//! Answers count by the platform's time: one that is older than the last one taken for a number moves nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::issue::{Event, Issue, Refusal};
use super::referral::{PlatformStatus, event_for};
use crate::words;

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

/// An answer as it's kept; instants are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub id: String,
    /// The number that it is about.
    pub number: String,
    /// The platform's own word, and what it means where configuration knows it.
    pub word: String,
    pub status: Option<PlatformStatus>,
    /// What it tells the resident.
    pub text: String,
    /// When it happened, by the platform's clock.
    pub at: i64,
    /// The numbers that took its number's place.
    pub successors: Vec<String>,
}

/// A number by which the platform knows a referral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    pub number: String,
    pub state: NumberState,
    /// The time of the last answer that was taken for it.
    pub said_at: Option<i64>,
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
                if self.is_news(referral, &answer) {
                    self.say(referral, &answer)?;
                }
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

    fn is_news(&self, referral: &str, answer: &Answer) -> bool {
        let said_at = self.number(referral, &answer.number).and_then(|known| known.said_at);
        said_at.is_none_or(|said_at| answer.at >= said_at)
    }

    fn say(&mut self, id: &str, answer: &Answer) -> Result<(), Refusal> {
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
            Some(status) if ended || !resolved => self.tell_issue(id, status, &answer.text),
            _ => Ok(()),
        }
    }

    /// Brings the referral's issue to where the platform says it is, where this is still the issue's round.
    fn tell_issue(&mut self, id: &str, status: PlatformStatus, text: &str) -> Result<(), Refusal> {
        let Some(Followed { issue_id, round, .. }) = self.referrals.get(id) else { return Ok(()) };
        let issue = self.issues.get_mut(issue_id).filter(|issue| issue.round == *round);
        let Some(issue) = issue else { return Ok(()) };
        let mut next = event_for(issue, status, text);
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
            self.changed.insert((id.to_owned(), answer.number.clone()));
        }
    }

    fn put_number(&mut self, id: &str, number: &str) {
        let Some(referral) = self.referrals.get_mut(id) else { return };
        if referral.numbers.iter().any(|known| known.number == number) {
            return;
        }
        let state = NumberState::Current;
        referral.numbers.push(Number { number: number.to_owned(), state, said_at: None });
        self.by_number.entry(number.to_owned()).or_default().insert(id.to_owned());
        self.changed.insert((id.to_owned(), number.to_owned()));
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::domain::issue::{Category, Class, Level, State, Urgency};

    fn referred() -> Issue {
        let class =
            Class { level: Level::City, category: Category::Other, urgency: Urgency::Normal };
        Issue { state: State::Referred, class: Some(class), ..Issue::default() }
    }

    fn answer(at: i64, number: &str, status: PlatformStatus, text: &str) -> Answer {
        Answer {
            id: format!("{number}@{at}"),
            number: number.to_owned(),
            word: status.code().to_owned(),
            status: Some(status),
            text: text.to_owned(),
            at,
            successors: Vec::new(),
        }
    }

    fn replaced(at: i64, number: &str, by: &[&str]) -> Answer {
        let successors = by.iter().map(|number| (*number).to_owned()).collect();
        Answer { successors, ..answer(at, number, PlatformStatus::Replaced, "") }
    }

    /// A referral of round 1 for each number.
    fn following(numbers: &[&str]) -> Following {
        let followed = |number: &&str| Followed {
            id: format!("r{number}"),
            issue_id: format!("i{number}"),
            round: 1,
            numbers: vec![Number {
                number: (*number).to_owned(),
                state: NumberState::Current,
                said_at: None,
            }],
        };
        let issues = numbers.iter().map(|number| (format!("i{number}"), referred())).collect();
        Following::new(numbers.iter().map(followed).collect(), issues, false)
    }

    fn after(mut following: Following, answers: &[Answer]) -> Consequences {
        for answer in answers {
            following.take(answer.clone()).unwrap();
        }
        following.end()
    }

    fn events(follows: &Consequences) -> Vec<&Event> {
        follows.events.iter().map(|(_, event)| event).collect()
    }

    use PlatformStatus::{Accepted, InProgress, Received, Refused, Resolved};

    #[test]
    fn answers_bring_the_issue_on_in_the_platforms_order() {
        let answers = [
            answer(1, "7", Accepted, ""),
            answer(2, "7", InProgress, ""),
            answer(3, "7", Resolved, "好"),
        ];
        let follows = after(following(&["7"]), &answers);
        let finished = Event::PlatformFinished { reply: "好".to_owned() };
        assert_eq!(events(&follows), [&Event::Accepted, &Event::Started, &finished]);
        let Said { state, at, .. } = &follows.referrals[0].1;
        assert_eq!((*state, *at, follows.taken.len()), (Standing::Ended, 3, 3));
        assert_eq!(follows.numbers[0].1.state, NumberState::Ended);
    }

    #[test]
    fn an_older_answer_is_taken_and_moves_nothing() {
        let follows = after(
            following(&["7"]),
            &[answer(5, "7", InProgress, ""), answer(4, "7", Resolved, "")],
        );
        assert_eq!(events(&follows), [&Event::Started]);
        assert_eq!((follows.referrals[0].1.at, follows.taken.len()), (5, 2));
    }

    #[test]
    fn a_word_that_says_nothing_is_noted_all_the_same() {
        let unknown = Answer { status: None, ..answer(1, "7", Received, "") };
        let follows = after(following(&["7"]), &[unknown]);
        assert_eq!((follows.events.len(), follows.referrals[0].1.state), (0, Standing::Open));
    }

    #[test]
    fn what_came_before_its_number_was_known_is_taken_with_it() {
        let early = answer(1, "9", InProgress, "");
        let follows = after(following(&["7"]), &[early.clone(), replaced(2, "7", &["9"])]);
        assert_eq!(events(&follows), [&Event::Started]);
        assert_eq!(follows.taken, ["7@2", "9@1"]);
        assert_eq!(follows.referrals[0].1.number.as_deref(), Some("9"));
        // Nobody goes by it yet: it waits.
        let follows = after(following(&["7"]), &[early]);
        assert_eq!(follows, Consequences::default());
    }

    #[test]
    fn a_number_that_was_replaced_leads_nowhere_any_more() {
        let answers = [replaced(1, "7", &["9"]), answer(2, "7", Resolved, "旧号关闭")];
        let follows = after(following(&["7"]), &answers);
        assert_eq!((follows.events.len(), follows.taken), (0, vec!["7@1".to_owned()]));
        // Back to its old number by a mistake of the platform's: nothing goes round in circles.
        let answers =
            [replaced(1, "7", &["9"]), replaced(2, "9", &["7"]), answer(3, "9", Resolved, "")];
        assert!(after(following(&["7"]), &answers).events.is_empty());
    }

    #[test]
    fn a_split_request_ends_with_its_last_part() {
        let answers = [replaced(1, "7", &["8", "9"]), answer(2, "9", Resolved, "路面")];
        let follows = after(following(&["7"]), &answers);
        assert_eq!((follows.events.len(), follows.referrals[0].1.state), (0, Standing::Open));
        let last = [answers.as_slice(), &[answer(3, "8", Resolved, "路灯")]].concat();
        let follows = after(following(&["7"]), &last);
        let finished = Event::PlatformFinished { reply: "路灯".to_owned() };
        assert_eq!(
            (events(&follows), follows.referrals[0].1.state),
            (vec![&finished], Standing::Ended)
        );
    }

    #[test]
    fn requests_joined_into_one_end_together() {
        let answers = [replaced(1, "8", &["7"]), answer(2, "7", Resolved, "好")];
        let follows = after(following(&["7", "8"]), &answers);
        let issues: Vec<&str> = follows.events.iter().map(|(issue, _)| issue.as_str()).collect();
        assert_eq!(issues, ["i7", "i8"]);
    }

    #[test]
    fn a_close_without_a_word_waits_for_one_where_that_is_asked() {
        let asked = || Following { close_needs_answer: true, ..following(&["7"]) };
        let silent = answer(1, "7", Resolved, " ");
        let follows = after(asked(), std::slice::from_ref(&silent));
        assert_eq!((follows.events.len(), follows.referrals[0].1.state), (0, Standing::Open));
        assert_eq!(follows.numbers[0].1.state, NumberState::Current, "it's asked about on");
        let follows = after(asked(), &[silent, answer(2, "7", Resolved, "已换")]);
        assert_eq!(follows.events.len(), 1);
    }

    #[test]
    fn what_is_said_of_an_earlier_round_moves_the_referral_alone() {
        let answers = [answer(1, "7", Refused, "重复"), answer(2, "7", InProgress, "")];
        let follows = after(following(&["7"]), &answers);
        assert_eq!(events(&follows), [&Event::Refused { reason: "重复".to_owned() }]);
        assert_eq!(follows.referrals[0].1.state, Standing::Open);
    }
}
