//! What each thing of the record counts for in the figures. What depends on the day it's read (late, to be answered by
//! now) is kept by its date; what depends on the plan that is in effect when it's read is kept by what the plan asks.

use jiff::civil::Date;

use super::duty::DutyKind;
use super::figures::{Counted, Counter, Dimension, Figure, Tally};
use super::holder::{Holder, holder};
use super::issue::{Category, Issue, State};
use super::staff::AddressKind;

/// What counts for something, one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thing {
    Subject,
    Resident,
    Issue,
    Entry,
    Referral,
    Staff,
}

/// A subject: where it lies, whose it is, whether its first visit is complete, and since when it isn't to be visited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedSubject {
    pub area: String,
    pub visitor: Option<String>,
    pub visited: bool,
    pub ended: Option<Date>,
}

/// The places where what concerns a subject is counted.
fn places(area: &str, visitor: Option<&str>) -> Vec<(Dimension, String)> {
    let person = visitor.map(|visitor| (Dimension::Person, visitor.to_owned()));
    std::iter::once((Dimension::Area, area.to_owned())).chain(person).collect()
}

impl Counted for CountedSubject {
    fn count(&self, into: &mut Tally, times: i64) {
        for (dimension, of) in places(&self.area, self.visitor.as_deref()) {
            // One that ended before it was visited counts as neither visited nor missing.
            if let Some(day) = self.ended.filter(|_| !self.visited) {
                into.add(Counter::new(dimension, of, Figure::Ended).on(day), times);
                continue;
            }
            into.add(Counter::new(dimension, of.clone(), Figure::Subjects), times);
            if self.visited {
                into.add(Counter::new(dimension, of, Figure::Visited), times);
            }
        }
    }
}

/// A resident: where they live, whose they are, and what they last answered at a revisit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedResident {
    pub area: String,
    pub visitor: Option<String>,
    /// The day on which they were last heard at a first visit, and at a revisit.
    pub met: Option<Date>,
    pub revisited: Option<Date>,
    /// Whether the revisit that they are owed is done; nothing where none is.
    pub revisit: Option<bool>,
    /// Where their subject ended before what is owed them was done: the day of that, if it was owed in this campaign, or else the
    /// one on which they were last heard.
    pub ended: Option<Date>,
    /// The day of their last answer, and whether it was satisfied or fairly satisfied.
    pub answer: Option<(Date, bool)>,
    /// In which they asked for something that isn't void, each once.
    pub categories: Vec<Category>,
}

impl CountedResident {
    /// The days from which they count as not revisited, and from which they don't: a campaign counts what it has since its first
    /// day, and who was revisited in it, by whatever way, isn't one of them.
    fn left(&self, times: i64) -> impl Iterator<Item = (Date, i64)> {
        let ended = self.ended.filter(|ended| self.revisited.is_none_or(|on| on < *ended));
        let revisited = self.revisited.filter(|_| ended.is_some());
        ended.map(|on| (on, times)).into_iter().chain(revisited.map(|on| (on, -times)))
    }
}

impl Counted for CountedResident {
    fn count(&self, into: &mut Tally, times: i64) {
        for (figure, day) in [(Figure::Residents, self.met), (Figure::Revisited, self.revisited)] {
            let Some(day) = day else { continue };
            into.add(Counter::new(Dimension::All, "", figure).on(day), times);
        }
        for (dimension, of) in places(&self.area, self.visitor.as_deref()) {
            for (day, times) in self.left(times) {
                into.add(Counter::new(dimension, of.clone(), Figure::RevisitEnded).on(day), times);
            }
        }
        for (dimension, of) in places(&self.area, self.visitor.as_deref()) {
            let Some(done) = self.revisit else { break };
            into.add(Counter::new(dimension, of.clone(), Figure::ToRevisit), times);
            if done {
                into.add(Counter::new(dimension, of, Figure::RevisitDone), times);
            }
        }
        let Some((day, satisfied)) = self.answer else { return };
        let categories =
            self.categories.iter().map(|of| (Dimension::Category, of.code().to_owned()));
        for (dimension, of) in
            places(&self.area, self.visitor.as_deref()).into_iter().chain(categories)
        {
            into.add(Counter::new(dimension, of.clone(), Figure::Asked).on(day), times);
            if satisfied {
                into.add(Counter::new(dimension, of, Figure::Satisfied).on(day), times);
            }
        }
    }
}

/// The grid member's note of an issue: by when it's due, and when it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    pub due_on: Date,
    pub noted_on: Option<Date>,
}

/// An issue: where it arose, whose it is, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedIssue {
    /// The code of its campaign: see [`campaign_of`].
    pub campaign: String,
    pub area: String,
    /// The visitor of its subject.
    pub visitor: Option<String>,
    pub issue: Issue,
    pub due_on: Option<Date>,
    pub note: Option<Note>,
    /// At least once.
    pub reopened: bool,
    /// Whether it was mediated, and whether the parties agreed.
    pub mediated: bool,
    pub agreed: bool,
}

/// The code of the campaign that an issue's number begins with.
///
/// ```
/// assert_eq!(zoufang::domain::counted::campaign_of("CHD2022-000017"), "CHD2022");
/// ```
pub fn campaign_of(number: &str) -> &str {
    number.rsplit_once('-').map_or("", |(code, _)| code)
}

impl CountedIssue {
    /// What it counts for wherever it's counted, by the day where that matters.
    fn figures(&self) -> Vec<(Figure, Option<Date>)> {
        let mut figures = vec![(Figure::Issues, None)];
        if is_resolved(self.issue.state) {
            figures.push((Figure::Resolved, None));
        } else if let Some(due_on) = self.due_on {
            figures.push((Figure::Unresolved, Some(due_on)));
        }
        figures.extend(self.issue.class.is_none().then_some((Figure::Unclassified, None)));
        figures.extend(self.mediated.then_some((Figure::Mediated, None)));
        figures.extend(self.agreed.then_some((Figure::Agreed, None)));
        match self.note {
            Some(Note { due_on, noted_on: Some(on) }) => {
                figures.push((Figure::Noted, None));
                figures.extend((on <= due_on).then_some((Figure::NotedInTime, None)));
            }
            Some(Note { due_on, noted_on: None }) => figures.push((Figure::Unnoted, Some(due_on))),
            None => {}
        }
        figures
    }
}

/// Whose turn an issue is, whatever plan is in effect: the holder, or the category whose department holds it where the
/// plan gives it to one.
pub fn turn_of(issue: &Issue) -> Option<String> {
    let holder = holder(issue, true)?;
    let category = issue.class.filter(|_| holder == Holder::Department);
    Some(category.map_or(holder.code(), |class| class.category.code()).to_owned())
}

/// Who holds what [`turn_of`] named, by the plan in effect.
pub fn holder_of(turn: &str, has_department: impl Fn(Category) -> bool) -> Option<Holder> {
    let by_category =
        |category| if has_department(category) { Holder::Department } else { Holder::Village };
    Holder::read(turn).or_else(|| Category::read(turn).map(by_category))
}

/// How an issue stands: what it counts for in its campaign, wherever it arose and whosever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The code of its campaign.
    pub campaign: String,
    pub issue: Issue,
    pub due_on: Option<Date>,
}

impl Standing {
    /// Whether an event that only moved the issue on, from here to `after`, changes nothing of it but how it stands: then
    /// this alone is counted anew, and not its [`CountedIssue`]. Its due date is the same, nobody took note of it, and it
    /// wasn't reopened.
    pub fn only_moves_to(&self, after: &Issue) -> bool {
        let figures = |of: &Issue| (of.state == State::Void, is_resolved(of.state), of.class);
        figures(&self.issue) == figures(after)
    }
}

impl Counted for Standing {
    fn count(&self, into: &mut Tally, times: i64) {
        let Issue { state, class, .. } = self.issue;
        let level = class.map_or(UNCLASSIFIED, |class| class.level.code());
        let own = |dimension, of: &str, figure| {
            Counter::new(dimension, of, figure).of_campaign(&self.campaign)
        };
        into.add(own(Dimension::State, state.code(), Figure::Issues), times);
        into.add(own(Dimension::Level, level, Figure::Issues), times);
        let turn = turn_of(&self.issue).filter(|_| !is_resolved(state));
        if let Some((turn, day)) = turn.zip(self.due_on) {
            into.add(own(Dimension::Turn, &turn, Figure::Unresolved).on(day), times);
        }
    }
}

fn is_resolved(state: State) -> bool {
    matches!(state, State::Resolved | State::Closed)
}

impl Counted for CountedIssue {
    fn count(&self, into: &mut Tally, times: i64) {
        let (campaign, issue) = (self.campaign.clone(), self.issue.clone());
        Standing { campaign, issue, due_on: self.due_on }.count(into, times);
        if self.reopened {
            let reopened = Counter::new(Dimension::All, "", Figure::Reopened);
            into.add(reopened.of_campaign(&self.campaign), times);
        }
        if self.issue.state == State::Void {
            return;
        }
        let category = self.issue.class.map(|class| class.category.code().to_owned());
        let category = category.map(|category| (Dimension::Category, category));
        let figures = self.figures();
        for (dimension, of) in
            places(&self.area, self.visitor.as_deref()).into_iter().chain(category)
        {
            for (figure, day) in &figures {
                let counter =
                    Counter::new(dimension, of.clone(), *figure).of_campaign(&self.campaign);
                into.add(day.map_or(counter.clone(), |day| counter.on(day)), times);
            }
        }
    }
}

/// In the place of a level where there is none yet.
pub const UNCLASSIFIED: &str = "unclassified";

/// An open duty. One that is met or cancelled counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedDuty {
    pub kind: DutyKind,
    pub due_on: Date,
}

impl Counted for CountedDuty {
    fn count(&self, into: &mut Tally, times: i64) {
        let counter = Counter::new(Dimension::DutyKind, self.kind.code(), Figure::Duties);
        into.add(counter.on(self.due_on), times);
    }
}

/// An outbox entry as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedEntry {
    pub lane: String,
    pub state: String,
    /// Whether an earlier attempt may have arrived.
    pub unknown: bool,
    /// Whether somebody holds its lease, or held it and never settled.
    pub leased: bool,
    /// In epoch milliseconds.
    pub created_at: i64,
}

impl CountedEntry {
    /// One that has just come to be owed.
    pub fn owed(lane: impl Into<String>, state: &str, created_at: i64) -> CountedEntry {
        let state = state.to_owned();
        CountedEntry { lane: lane.into(), state, unknown: false, leased: false, created_at }
    }

    /// As an operator sees it.
    fn shown(&self) -> Option<Figure> {
        Some(match self.state.as_str() {
            _ if self.leased => Figure::InFlight,
            "ready" if self.unknown => Figure::Unknown,
            "ready" | "review" => Figure::Queued,
            "handed" => Figure::Handed,
            "held" => Figure::Held,
            "refused" => Figure::Refused,
            "delivered" => Figure::Delivered,
            "cancelled" => Figure::Cancelled,
            _ => return None,
        })
    }
}

/// The beginning of an instant's minute or hour, both so many milliseconds, as the day of what isn't counted by days; its
/// order as text is that of time.
///
/// ```
/// use zoufang::domain::counted::{MINUTE, since};
/// assert_eq!(since(1_646_096_461_500, MINUTE), "1646096460000");
/// ```
pub fn since(millis: i64, span: i64) -> String {
    format!("{:013}", millis.max(0) / span * span)
}

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;

impl Counted for CountedEntry {
    fn count(&self, into: &mut Tally, times: i64) {
        if let Some(figure) = self.shown() {
            into.add(Counter::new(Dimension::Lane, self.lane.as_str(), figure), times);
        }
        if matches!(self.state.as_str(), "ready" | "handed" | "held") {
            for (figure, span) in [(Figure::OwedByHour, HOUR), (Figure::OwedByMinute, MINUTE)] {
                let counter = Counter::new(Dimension::LaneAge, self.lane.as_str(), figure);
                into.add(Counter { day: since(self.created_at, span), ..counter }, times);
            }
        }
    }
}

/// A referral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedReferral {
    pub state: String,
    /// Whether the platform closed it without a word for the resident, and has given none since.
    pub unanswered: bool,
}

impl CountedReferral {
    /// One in that state that isn't unanswered.
    pub fn of(state: &str) -> CountedReferral {
        CountedReferral { state: state.to_owned(), unanswered: false }
    }
}

impl Counted for CountedReferral {
    fn count(&self, into: &mut Tally, times: i64) {
        into.add(
            Counter::new(Dimension::ReferralState, self.state.as_str(), Figure::Referrals),
            times,
        );
        if self.unanswered {
            into.add(Counter::new(Dimension::All, "", Figure::Unanswered), times);
        }
    }
}

/// A notice that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveredNotice;

impl Counted for DeliveredNotice {
    fn count(&self, into: &mut Tally, times: i64) {
        into.add(Counter::new(Dimension::All, "", Figure::Notices), times);
    }
}

/// An answer whose word configuration didn't know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownWord<'w>(pub &'w str);

impl Counted for UnknownWord<'_> {
    fn count(&self, into: &mut Tally, times: i64) {
        into.add(Counter::new(Dimension::Word, self.0, Figure::Words), times);
    }
}

/// How a person can be reached: their addresses, and the channels that found theirs dead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    pub addresses: Vec<AddressKind>,
    pub dead: Vec<String>,
}

impl Reach {
    fn name(&self) -> String {
        let mut addresses: Vec<&str> = self.addresses.iter().map(|kind| kind.code()).collect();
        let mut dead: Vec<&str> = self.dead.iter().map(String::as_str).collect();
        addresses.sort_unstable();
        dead.sort_unstable();
        format!("{}|{}", addresses.join(","), dead.join(","))
    }

    /// Understands what a counter of it is named.
    pub fn read(name: &str) -> Reach {
        let (addresses, dead) = name.split_once('|').unwrap_or((name, ""));
        let parts = |text: &str| -> Vec<String> {
            text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let addresses = parts(addresses);
        let addresses = addresses.iter().filter_map(|code| AddressKind::read(code)).collect();
        Reach { addresses, dead: parts(dead) }
    }
}

impl Counted for Reach {
    fn count(&self, into: &mut Tally, times: i64) {
        into.add(Counter::new(Dimension::Reach, self.name(), Figure::Staff), times);
    }
}
