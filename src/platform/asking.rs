//! What is asked of a platform about referrals, list by list and one by one, and what came of it: one that it can't answer is that
//! one's outcome.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tracing::warn;

use super::others::{OF_OTHERS, of_others};
use super::{Answers, NoContact, Platform, Unanswered};
use crate::db::{OpenReferral, Store, StoreError};
use crate::domain::following::{Fault, Trouble, names_one};
use crate::domain::number_form::known_as;
use crate::domain::reason::name_of;

/// How long the part of an address may be that lists numbers: servers take some two thousand characters.
const LONGEST_LIST: usize = 1_500;
/// So many refusals in a row, and no answer in between, aren't about what was asked.
const MOST_REFUSALS: usize = 20;
/// What the platform told of referrals that were asked about.
#[derive(Default)]
pub(super) struct Told {
    pub answers: Answers,
    /// The numbers that it gave for tokens, by the referral's id.
    pub numbers: HashMap<String, String>,
    /// Why it gave no answer about some, by the referral's id.
    pub troubles: HashMap<String, Trouble>,
    /// The referrals that were asked about to their end.
    pub asked: HashSet<String>,
}

/// What is said of one that has neither number nor token.
const UNNAMED: &str = "没有编号：平台回答 已收下，没有给编号，也没有凭证，无从跟踪。请在平台上查出编号，再运行 zoufang outbox resolve 写明";

/// What is said of one whose token has had no number for long.
const UNNUMBERED: &str = "已经三天还没有给编号，接着问";
/// So long a platform is given, in milliseconds, to number what it has a token for.
const NUMBER_WITHIN: i64 = 3 * 24 * 3_600_000;

/// The referrals that go by a number.
type OfNumber<'o> = HashMap<&'o str, Vec<&'o OpenReferral>>;

impl Told {
    /// Takes the answers about some numbers. What was left out of a list is to be asked alone; alone, it's that number's
    /// outcome.
    fn take(
        &mut self,
        part: &[String],
        mut answers: Answers,
        of_number: &OfNumber<'_>,
    ) -> Vec<Vec<String>> {
        as_asked(part, &mut answers);
        let told_of: HashSet<&str> =
            answers.updates.iter().map(|update| update.remote_id.as_str()).collect();
        let (done, missing): (Vec<&String>, Vec<&String>) =
            part.iter().partition(|number| told_of.contains(number.as_str()));
        let opens = done.iter().filter_map(|number| of_number.get(number.as_str())).flatten();
        self.asked.extend(opens.map(|open| open.id.clone()));
        let alone = match (part, missing.as_slice()) {
            ([number], [_]) => {
                let other = told_of.iter().next().map(|other| format!("，却答了「{other}」"));
                let why = format!("平台的答复里没有这个编号{}", other.unwrap_or_default());
                let opens = of_number.get(number.as_str()).map_or(&[][..], Vec::as_slice);
                self.trouble(opens, &why, Fault::Its);
                Vec::new()
            }
            (_, missing) => missing.iter().map(|number| vec![(*number).clone()]).collect(),
        };
        self.answers.updates.extend(answers.updates);
        self.answers.unread.extend(answers.unread);
        self.answers.shown.extend(answers.shown);
        alone
    }

    /// Under a number that was given away anew, as after the platform itself was restored, stands somebody else's matter: how
    /// that goes says nothing of ours.
    pub async fn leave_out_others(
        &mut self,
        store: &Store,
        due: &[OpenReferral],
    ) -> Result<(), StoreError> {
        let shown = std::mem::take(&mut self.answers.shown);
        for (number, opens) in of_others(store, due, shown).await? {
            self.answers.updates.retain(|update| update.remote_id != number);
            self.trouble(&opens, &format!("编号 {number}：平台回答 {OF_OTHERS}"), Fault::Its);
        }
        Ok(())
    }

    /// It has neither number nor token: somebody has to look it up, where anybody follows by that.
    fn unnamed(&mut self, open: &OpenReferral, platform: &dyn Platform) {
        if platform.answers_questions() || platform.has_feed() {
            self.trouble(&[open], UNNAMED, Fault::Its);
        } else {
            self.asked.insert(open.id.clone());
        }
    }

    fn trouble(&mut self, opens: &[&OpenReferral], why: &str, fault: Fault) {
        self.asked.extend(opens.iter().map(|open| open.id.clone()));
        for open in opens.iter().filter(|open| open.replaced == 0) {
            let name = name_of(why);
            warn!(event = "poll.not_of_this", referral = %open.id, why = name, "the platform gives no answer about this one");
            let why = why.chars().take(300).collect();
            self.troubles.insert(open.id.clone(), Trouble { why, fault });
        }
    }
}

/// Calls by the number that was asked for what the platform answers under another form of it.
fn as_asked(part: &[String], answers: &mut Answers) {
    let asked = |number: &str| known_as(number, part.iter().map(String::as_str));
    let told = answers.updates.iter_mut().map(|update| &mut update.remote_id);
    for number in told.chain(answers.shown.iter_mut().map(|(number, _)| number)) {
        if let Some(asked) = asked(number) {
            asked.clone_into(number);
        }
    }
}

/// Asks one platform in one poll.
pub(super) struct Questions<'p> {
    platform: &'p dyn Platform,
    batch: usize,
    /// How many questions in a row had no answer, and how many were refused.
    in_a_row: usize,
    refused: usize,
    /// Whether any had one.
    answered: bool,
    /// Whether any was put at all: a platform that nobody asks shows nothing of itself.
    put: bool,
    /// When it's asked, in epoch milliseconds.
    now: i64,
}

impl<'p> Questions<'p> {
    pub fn new(platform: &'p dyn Platform, batch: usize, now: i64) -> Questions<'p> {
        Questions { platform, batch, in_a_row: 0, refused: 0, answered: false, put: false, now }
    }

    /// Whether any was put at all.
    pub const fn put(&self) -> bool {
        self.put
    }

    /// Asks about these; and why it wasn't asked further, where the platform doesn't answer at all.
    pub async fn ask(&mut self, due: &[OpenReferral]) -> (Told, Option<NoContact>) {
        let mut told = Told::default();
        // One that is there, as the platform or a person says, may have neither number nor token: there's nothing to ask by.
        for open in due.iter().filter(|open| open.remote_id.is_none()) {
            let Some(token) = &open.token else {
                told.unnamed(open, self.platform);
                continue;
            };
            self.put = true;
            let asked = AssertUnwindSafe(self.platform.number_of(token)).catch_unwind().await;
            match asked.unwrap_or_else(|_| Err(broken_off().into())) {
                Ok(number) => {
                    self.heard();
                    match number.filter(|number| names_one(number)) {
                        Some(number) => drop(told.numbers.insert(open.id.clone(), number)),
                        None if self.now.saturating_sub(open.delivered_at) > NUMBER_WITHIN => {
                            let why = format!("凭证 {token}：平台回答 {UNNUMBERED}");
                            told.trouble(&[open], &why, Fault::Its);
                        }
                        None => {}
                    }
                }
                Err(unanswered) => {
                    let why = format!("凭证 {token}");
                    if let Some(none) = self.unanswered(unanswered, &[open], &why, 1, &mut told) {
                        return (told, Some(none));
                    }
                }
            }
            told.asked.insert(open.id.clone());
        }
        let silence = self.ask_numbers(due, &mut told).await;
        (told, silence)
    }

    /// Whose fault it is that some had no answer: the platform's where it answers nothing else either, and then why.
    pub async fn blame(
        &mut self,
        told: &mut Told,
        mut silence: Option<NoContact>,
    ) -> Option<NoContact> {
        let doubtful = told.troubles.values_mut().filter(|one| one.fault == Fault::Perhaps);
        let doubtful: Vec<&mut Trouble> = doubtful.collect();
        if doubtful.is_empty() {
            return silence;
        }
        let mut is_away = silence.as_ref().is_some_and(NoContact::is_of_the_platform);
        if !is_away && !self.answered && self.refused == 0 {
            match self.platform.greet().await {
                Ok(()) => self.answered = true,
                Err(none) => (is_away, silence) = (true, silence.or(Some(none))),
            }
        }
        if is_away {
            doubtful.into_iter().for_each(|one| one.fault = Fault::Platforms);
        }
        silence
    }

    async fn ask_numbers(&mut self, due: &[OpenReferral], told: &mut Told) -> Option<NoContact> {
        let mut of_number = OfNumber::new();
        for open in due {
            if let Some(number) = open.remote_id.as_deref() {
                of_number.entry(number).or_default().push(open);
            }
        }
        if !self.platform.answers_questions() {
            told.asked.extend(of_number.values().flatten().map(|open| open.id.clone()));
            return None;
        }
        let mut parts = self.parts(due);
        while let Some(part) = parts.pop_front() {
            self.put = true;
            let asked = AssertUnwindSafe(self.platform.fetch(&part)).catch_unwind().await;
            let unanswered = match asked.unwrap_or_else(|_| Err(broken_off().into())) {
                Ok(answers) => {
                    self.heard();
                    // Not every server gives all that it's asked for at once.
                    parts.extend(told.take(&part, answers, &of_number));
                    continue;
                }
                Err(unanswered) => unanswered,
            };
            let opens = match part.as_slice() {
                [number] => of_number.get(number.as_str()).cloned().unwrap_or_default(),
                _ => Vec::new(),
            };
            let whose = format!("编号 {}", part.first().map_or("", String::as_str));
            let silent = self.unanswered(unanswered, &opens, &whose, part.len(), told);
            if silent.is_some() {
                return silent;
            }
            if part.len() > 1 {
                // One of them may be what it can't answer: the others are asked without it.
                let (left, right) = part.split_at(part.len() / 2);
                parts.push_front(right.to_vec());
                parts.push_front(left.to_vec());
            }
        }
        None
    }

    /// The numbers in lists that a server takes; one that can't stand in a list stands alone.
    fn parts(&self, due: &[OpenReferral]) -> VecDeque<Vec<String>> {
        let mut parts: VecDeque<Vec<String>> = VecDeque::new();
        let (mut listed, mut length, mut seen) = (Vec::new(), 0, HashSet::new());
        for open in due {
            let Some(number) = &open.remote_id else { continue };
            if !seen.insert(number) {
                continue;
            }
            // The old number of what was joined may be gone: it stands in nobody's way.
            if open.replaced == 1 || !self.platform.can_list(number) {
                parts.push_back(vec![number.clone()]);
                continue;
            }
            if listed.len() >= self.batch || length + number.len() > LONGEST_LIST {
                parts.extend((!listed.is_empty()).then(|| std::mem::take(&mut listed)));
                length = 0;
            }
            length += number.len() + 1;
            listed.push(number.clone());
        }
        parts.extend((!listed.is_empty()).then_some(listed));
        parts
    }

    fn heard(&mut self) {
        (self.in_a_row, self.refused, self.answered) = (0, 0, true);
    }

    /// A question has no answer: it's the fault of what was asked, or the platform's. Gives the platform's, where asking on
    /// wouldn't help.
    fn unanswered(
        &mut self,
        unanswered: Unanswered,
        opens: &[&OpenReferral],
        whose: &str,
        many: usize,
        told: &mut Told,
    ) -> Option<NoContact> {
        match unanswered {
            Unanswered::This(reason) => {
                self.in_a_row = 0;
                self.refused += 1;
                if self.refused > MOST_REFUSALS && !self.answered {
                    let reason = format!("对每个编号都回答 {reason}");
                    return Some(NoContact::because(reason));
                }
                told.trouble(opens, &format!("{whose}：平台回答 {reason}"), Fault::Its);
                None
            }
            Unanswered::At(none) if none.is_of_the_platform() => Some(none),
            Unanswered::At(none) => {
                self.in_a_row += 1;
                // A list is halved as often as it takes to find one that it can't answer.
                let most = 2 + usize::try_from(many.ilog2()).unwrap_or(0);
                let most =
                    if many == 1 { self.most_silent() } else { most.max(self.most_silent()) };
                if self.in_a_row > most {
                    return Some(none);
                }
                told.trouble(opens, &none.reason, Fault::Perhaps);
                None
            }
        }
    }

    /// How many questions in a row may have no answer before the platform is taken to be silent.
    fn most_silent(&self) -> usize {
        2 + usize::try_from(self.batch.max(1).ilog2()).unwrap_or(0)
    }
}

fn broken_off() -> NoContact {
    NoContact::because("broken_off: 处理答复时程序出错".to_owned())
}
