//! 查证: looking for what may have arrived, and when not seeing it proves that it isn't there.
//!
//! A platform's silence isn't absence. What it lists may be cut at a length that nobody told us, be in another order, have
//! no pages or give the last one for ever, be shortened, empty, or cut out by another clock than ours. So absence is proved
//! by two things: what was asked for was read to its true end, and the same question has shown a control, something of ours
//! that is known to be there. Pure: [`Search`] says what to ask next and is handed what came; adapters ask.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

mod gaps;
mod question;

pub use question::{
    Control, Gap, KnownGaps, Lag, Listed, Pages, Query, Reply, SearchResult, Sought, Subject, Ways,
};

use super::{NO_CONTROL, Receipt};
use crate::domain::number_form::is_same;
use crate::domain::recognition::{Sent, Shown};

/// So many questions for one look at the most: whatever a platform lists, it's asked no more than this.
pub const MOST_QUESTIONS: usize = 200;
/// So many more are put where it was seen, to see whether it's there more than once.
const MOST_MORE: usize = 5;
/// A count that is a multiple of this may be where the platform stops counting.
const ROUND: usize = 50;
/// No window is made narrower.
const NARROWEST: SignedDuration = SignedDuration::from_secs(2);
/// GeoReport v2, GET Service Requests: "limited to a span of 90 days".
const WIDEST: SignedDuration = SignedDuration::from_hours(80 * 24);
/// A window is asked for with a day more on each side: some read it in their local time.
pub const ZONES: Duration = Duration::from_secs(24 * 3600);
/// How far back a list is asked for to see how long one may be.
const FURTHER_BACK: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a question is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    Sought,
    /// To see how long a list may be.
    Length,
    /// To see the control of that place.
    Control(usize),
}

/// How the pages of a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Another would show nothing new.
    Whole,
    /// There's only the one.
    OnePage,
}

#[derive(Debug, Clone, Copy)]
struct Task {
    aim: Aim,
    from: Timestamp,
    to: Timestamp,
    /// How many its one page held, where it's not known yet whether that is all.
    held: Option<usize>,
}

/// One look, from the first question to its end.
#[derive(Debug)]
pub struct Search<'s> {
    sought: &'s Sought,
    sent: Sent,
    ways: Ways,
    /// What is still to be asked; the last is under way.
    tasks: Vec<Task>,
    /// What the pages of the one under way have shown, and which page is next.
    keys: HashSet<String>,
    page: Option<usize>,
    /// Its pages from 1 on have come to this end; page 0 is asked for too, in case they are counted from there.
    before_zero: Option<End>,
    /// Page 0 is none of its own.
    from_one: bool,
    /// The longest answer so far: a shorter one isn't cut.
    longest: usize,
    /// Whether another page is another page, once that is known.
    pages: Option<bool>,
    asked_for_length: bool,
    shown: Vec<bool>,
    asked_control: Vec<bool>,
    /// What is asked for isn't all that it answers with: it's a list, and must show all that it has.
    is_list: bool,
    /// What couldn't be told from ours, and what had no words at all.
    doubtful: bool,
    wordless: usize,
    /// Whether the platform's own count has confirmed each list.
    counted: bool,
    questions: usize,
    /// The age of the oldest answer to what is sought.
    oldest: Duration,
    /// What is sought, each time that it was seen, by its number; and how many questions are still put to see whether it's there more
    /// than once.
    copies: Vec<Option<String>>,
    more: usize,
    end: Option<SearchResult>,
}

impl<'s> Search<'s> {
    /// Begins a look.
    pub fn new(sought: &'s Sought, ways: Ways) -> Search<'s> {
        let tasks = match ways.window {
            true => spans(sought.from, sought.to),
            false => vec![(sought.from, sought.to)],
        };
        let task = |(from, to)| Task { aim: Aim::Sought, from, to, held: None };
        Search {
            sought,
            sent: Sent::new(&sought.subject.reference, &sought.words),
            ways,
            tasks: tasks.into_iter().map(task).collect(),
            keys: HashSet::new(),
            page: first_page(ways),
            before_zero: None,
            from_one: false,
            longest: 0,
            pages: if ways.pages == Pages::None { Some(false) } else { None },
            asked_for_length: false,
            shown: vec![false; sought.controls.len()],
            asked_control: vec![false; sought.controls.len()],
            is_list: !ways.by_subject,
            doubtful: false,
            wordless: 0,
            counted: true,
            questions: 0,
            oldest: Duration::ZERO,
            copies: Vec::new(),
            more: MOST_MORE,
            end: None,
        }
    }

    /// What to ask next; nothing once the look has ended.
    pub fn query(&self) -> Option<Query> {
        let task = self.tasks.last().filter(|_| self.end.is_none())?;
        let subject = match task.aim {
            Aim::Control(place) => self.sought.controls.get(place).map(|c| &c.subject),
            Aim::Sought | Aim::Length => Some(&self.sought.subject),
        };
        let subject = subject.cloned().unwrap_or_default();
        Some(Query { subject, from: task.from, to: task.to, page: self.page })
    }

    /// What it came to, once nothing is left to ask.
    pub fn result(self) -> SearchResult {
        let unfinished = || SearchResult::Unproven(NOT_FINISHED.to_owned());
        match &self.end {
            None if self.has_found() => self.found(),
            _ => self.end.unwrap_or_else(unfinished),
        }
    }

    /// Takes the answer to what [`Search::query`] asked.
    pub fn take(&mut self, reply: Reply) {
        self.questions += 1;
        let Some(task) = self.tasks.last().copied() else { return };
        let is_first = self.page == first_page(self.ways);
        match reply {
            Reply::Page { things, total, age } => {
                if task.aim == Aim::Sought {
                    self.oldest = self.oldest.max(age);
                }
                self.read(task, &things, total);
            }
            Reply::Refused { .. } if self.before_zero.is_some() => self.after_zero(task),
            Reply::Refused { .. } if !is_first => self.close(task, End::OnePage),
            Reply::Refused { why, by_itself } if task.aim == Aim::Sought => {
                self.end = Some(SearchResult::Mute { why, by_itself });
            }
            Reply::TooLong if task.aim == Aim::Sought => self.narrow(task),
            Reply::Refused { .. } | Reply::TooLong => self.done(),
        }
        if self.end.is_none() && self.questions >= MOST_QUESTIONS {
            self.unproven(format!("问了平台 {MOST_QUESTIONS} 次还没有读完清单"));
        }
        if self.has_found() {
            let is_last = self.more == 0 || self.end.is_some();
            self.more = self.more.saturating_sub(1);
            self.end = is_last.then(|| self.found());
        }
    }

    /// Whether it was seen: what is still asked may only show it once more.
    pub const fn has_found(&self) -> bool {
        !self.copies.is_empty()
    }

    fn found(&self) -> SearchResult {
        let numbers: Vec<String> = self.copies.iter().flatten().cloned().collect();
        let receipt = Receipt { remote_id: numbers.first().cloned(), token: None };
        if numbers.len() > 1 {
            SearchResult::Several(receipt, numbers)
        } else {
            SearchResult::Found(receipt)
        }
    }

    fn read(&mut self, task: Task, things: &[Listed], total: Option<usize>) {
        for number in self.ours(things) {
            if !self.copies.contains(&number) {
                self.copies.push(number);
            }
        }
        self.note(task, things);
        let distinct: HashSet<&str> = things.iter().map(|thing| thing.key.as_str()).collect();
        self.longest = self.longest.max(distinct.len());
        let before = self.keys.len();
        self.keys.extend(distinct.iter().map(|key| (*key).to_owned()));
        let is_new = self.keys.len() > before;
        // A count of what is on one page says nothing of what isn't.
        // Nor does a round one, which may be no more than what is counted at the most.
        let counts = |total: usize| {
            total < self.ways.shortest_cut || total > distinct.len() && !total.is_multiple_of(ROUND)
        };
        let all = total.is_some_and(|total| self.keys.len() >= total && counts(total));
        match task.aim {
            Aim::Control(place) if self.shown[place] => self.done(),
            Aim::Length => self.done(),
            _ if all => self.done(),
            _ => self.turn(task, distinct.is_empty(), is_new),
        }
    }

    /// Which page is next, after one that was empty, or showed something new.
    fn turn(&mut self, task: Task, is_empty: bool, is_new: bool) {
        match self.page {
            _ if self.before_zero.is_some() && is_new => {
                self.pages = Some(true);
                self.ended(task, End::Whole);
            }
            _ if self.before_zero.is_some() => self.after_zero(task),
            _ if is_empty => self.close(task, End::Whole),
            _ if self.pages == Some(false) => self.close(task, End::OnePage),
            None => self.page = Some(1),
            // The first, perhaps once more; the second where they are counted from 0.
            Some(1) => self.page = Some(2),
            Some(_) if !is_new && self.pages == Some(true) => self.close(task, End::Whole),
            Some(_) if !is_new => {
                self.pages = Some(false);
                self.close(task, End::OnePage);
            }
            Some(page) => {
                self.pages = Some(true);
                self.page = Some(page + 1);
            }
        }
    }

    /// The pages from 1 on have ended. Where each is asked for by its number there may be one before.
    fn close(&mut self, task: Task, end: End) {
        if self.ways.pages == Pages::Always && !self.from_one && task.aim == Aim::Sought {
            self.before_zero = Some(end);
            self.page = Some(0);
        } else {
            self.ended(task, end);
        }
    }

    fn after_zero(&mut self, task: Task) {
        self.from_one = true;
        let end = self.before_zero.unwrap_or(End::OnePage);
        self.ended(task, end);
    }

    fn ended(&mut self, task: Task, end: End) {
        if task.aim == Aim::Sought {
            self.counted = false;
        }
        match end {
            End::Whole => self.done(),
            End::OnePage => self.one_page(task, self.keys.len()),
        }
    }

    /// What is sought, where it's there: by what number.
    fn ours(&self, things: &[Listed]) -> Vec<Option<String>> {
        let is_ours =
            |thing: &&Listed| Shown::of(thing.words.as_deref().unwrap_or_default()).is(&self.sent);
        things.iter().filter(is_ours).map(|thing| thing.number.clone()).collect()
    }

    /// Notes what an answer shows of ours beside that.
    fn note(&mut self, task: Task, things: &[Listed]) {
        let Sought { subject, controls, .. } = self.sought;
        for thing in things {
            let text = thing.words.as_deref().unwrap_or_default();
            let words = Shown::of(text);
            for (control, shown) in controls.iter().zip(&mut self.shown) {
                let named = control.number.is_none() || goes_by(control, thing);
                *shown |= named && words.carries(&control.subject.reference);
            }
            if task.aim == Aim::Sought {
                let known = controls.iter().any(|control| goes_by(control, thing));
                // What is said of another request isn't it.
                let about_it = subject.remote_id.is_empty()
                    || thing
                        .number
                        .as_ref()
                        .is_none_or(|number| is_same(number, &subject.remote_id));
                self.wordless += usize::from(text.trim().is_empty() && about_it && !known);
                self.doubtful |= !known && words.may_be(&self.sent);
                self.doubtful |= !known && about_it && words.is_withheld();
                self.is_list |= !words.carries(&subject.reference);
            }
        }
    }

    /// Whether a page that is the only one of its window may leave something out.
    fn one_page(&mut self, task: Task, held: usize) {
        if held < self.ways.shortest_cut || held < self.longest || self.has_found() {
            self.done();
        } else if !self.ways.window {
            match task.aim {
                Aim::Sought => self.unproven(format!(
                    "平台一次列出 {held} 件，不知道后面还有没有，也不能翻页或按时间查"
                )),
                _ => self.done(),
            }
        } else if !self.asked_for_length {
            self.asked_for_length = true;
            if let Some(task) = self.tasks.last_mut() {
                task.held = Some(held);
            }
            let from = task.from.checked_sub(FURTHER_BACK).unwrap_or(Timestamp::MIN);
            self.tasks.push(Task { aim: Aim::Length, from, to: task.to, held: None });
            self.turn_over();
        } else {
            self.narrow(task);
        }
    }

    /// Asks for each half of a window whose list may be cut; first for the one in which it was sent.
    fn narrow(&mut self, task: Task) {
        let length = task.to.duration_since(task.from);
        if !self.ways.window || length <= NARROWEST {
            return match task.aim {
                Aim::Sought => self.unproven("平台的清单列不全，按时间也分不开".to_owned()),
                _ => self.done(),
            };
        }
        let middle = task.from.checked_add(length / 2).unwrap_or(task.to);
        let first = Task { to: middle, held: None, ..task };
        let second = Task { from: middle, held: None, ..task };
        self.tasks.pop();
        match self.sought.sent >= middle {
            true => self.tasks.extend([first, second]),
            false => self.tasks.extend([second, first]),
        }
        self.turn_over();
    }

    /// The one under way has been read.
    fn done(&mut self) {
        self.tasks.pop();
        self.turn_over();
        let Some(task) = self.tasks.last_mut() else { return self.conclude() };
        if let Some(held) = task.held.take() {
            let task = *task;
            self.one_page(task, held);
        }
    }

    fn turn_over(&mut self) {
        self.keys.clear();
        self.page = first_page(self.ways);
        self.before_zero = None;
    }

    /// All was read and it wasn't there: whether that proves anything.
    fn conclude(&mut self) {
        if self.has_found() {
            self.end = Some(self.found());
            return;
        }
        if self.doubtful {
            self.unproven(DOUBTFUL.to_owned());
            return;
        }
        if let Some(nothing) = self.kept_before().or_else(|| self.leaves_out()) {
            self.end = Some(nothing);
            return;
        }
        let sees = |(control, shown): (&Control, &bool)| {
            *shown && (self.wordless == 0 || control.at >= self.sought.sent)
        };
        let seen = self.sought.controls.iter().zip(&self.shown).filter(|pair| sees(*pair));
        if let Some(newest) = seen.map(|(control, _)| control.since).max() {
            match self.own_kind() {
                Ok(Some(place)) => self.ask_for(place),
                Ok(None) => self.end = Some(self.unless_behind(newest)),
                Err(unproven) => self.end = Some(unproven),
            }
            return;
        }
        match self.asked_control.iter().zip(&self.shown).position(|(asked, shown)| !asked && !shown)
        {
            Some(place) => self.ask_for(place),
            // Its own count proves only where nothing is known that it would have to show.
            None if self.counted && self.wordless == 0 && self.sought.controls.is_empty() => {
                // Nothing of ours was ever there to be behind with.
                self.end = Some(SearchResult::Absent);
            }
            None => self.without_control(),
        }
    }

    fn ask_for(&mut self, place: usize) {
        self.asked_control[place] = true;
        let at = self.sought.controls[place].at;
        let (from, to) = (at.checked_sub(ZONES), at.checked_add(ZONES));
        let (from, to) = (from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX));
        self.tasks.push(Task { aim: Aim::Control(place), from, to, held: None });
        self.turn_over();
    }

    fn without_control(&mut self) {
        let (wordless, known) = (self.wordless, self.sought.controls.len());
        self.unproven(match (known, self.shown.iter().any(|shown| *shown)) {
            (0, _) => NO_CONTROL.to_owned(),
            (_, true) => format!("平台列出的有 {wordless} 件没有内容，看不出是不是这一件"),
            (_, false) => format!("平台没有列出确知送达的 {known} 件，所以没列出不等于没收到"),
        });
    }

    fn unproven(&mut self, why: String) {
        self.end = Some(SearchResult::Unproven(why));
    }
}

/// Whether a thing has the number of a control, in whichever form.
fn goes_by(control: &Control, thing: &Listed) -> bool {
    let numbers = control.number.as_ref().zip(thing.number.as_ref());
    numbers.is_some_and(|(own, shown)| is_same(own, shown))
}

const DOUBTFUL: &str = "平台上有像是这一件的，内容或编号被改过或截断了，认不准：请到平台上核对";
const BEHIND: &str =
    "平台的清单里没有，但清单可能还没有跟上：有比这一件更晚的列出来，或再等一段时间，就能断定";
const NOT_FINISHED: &str = "查证没有做完";

/// The page that is asked for first.
fn first_page(ways: Ways) -> Option<usize> {
    (ways.pages == Pages::Always).then_some(1)
}

/// A window in pieces that a platform answers for, the newest to be asked first.
fn spans(from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let mut spans = vec![(from, to)];
    while let Some((from, to)) = spans.last().copied()
        && to.duration_since(from) > WIDEST
    {
        let middle = from.checked_add(WIDEST).unwrap_or(to);
        spans.pop();
        spans.extend([(from, middle), (middle, to)]);
    }
    spans
}

#[cfg(test)]
mod tests;
