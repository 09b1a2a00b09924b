//! The record as it stood at the end of a day, within an area: read a page at a time, as whoever reads it may see it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::asked::plus_one;
use super::places::Place;
use super::{Asked, Result};
use crate::app::as_of::{AsOf, Course, Stood};
use crate::app::owners::everybody;
use crate::clock::township_date;
use crate::db::{
    AnswerLine, AreaTree, Context, IssueLine, MetLine, Snapshot, Span, Store, StoreError,
    SubjectLine,
};
use crate::domain::campaign::{Campaign, PhaseName};
use crate::domain::counted::campaign_of;
use crate::domain::duty::{DutyKind, DutyState, Warning};
use crate::domain::escalation::{DueGroup, Roster};
use crate::domain::holder::{Holder, holder};
use crate::domain::issue::{Issue, Level, State};
use crate::domain::ledger::is_late;
use crate::domain::mask;
use crate::domain::obligations::Duty;
use crate::domain::obligations::issue::IssueFacts;
use crate::domain::staff::Role;
use crate::domain::subject::SubjectKind;

/// How many subjects or issues are held at once.
const PAGE: i64 = 1_000;

/// The record at that day.
pub struct Reading {
    pub record: Snapshot,
    pub tree: Arc<AreaTree>,
    pub roster: Roster,
    pub plan: Arc<Campaign>,
    pub context: Arc<Context>,
    pub span: Span,
    pub reveals: bool,
    /// Whose it is: an area's full name, or a unit's.
    pub of: String,
    pub unit: Option<String>,
    pub phase: Option<PhaseName>,
    as_of: AsOf,
    areas: Vec<String>,
    phones: HashMap<String, String>,
}

/// How far lists have gone through the areas.
#[derive(Debug)]
pub struct Pages {
    areas: std::vec::IntoIter<String>,
    now: Option<String>,
    after: String,
}

/// An issue as it was heard and as it stood.
#[derive(Debug, Clone)]
pub struct Case {
    pub line: IssueLine,
    pub issue: Issue,
    pub due_on: Option<Date>,
    pub duties: Vec<Duty>,
    pub course: Course,
    pub events: Vec<crate::domain::obligations::issue::DatedEvent>,
}

/// Who answers for an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    Department(String),
    Village(Place),
}

impl Unit {
    pub fn name(&self) -> &str {
        match self {
            Unit::Department(name) => name,
            Unit::Village(place) => &place.village,
        }
    }

    /// Whether two are the same, whatever they're called.
    pub fn is(&self, other: &Unit) -> bool {
        match (self, other) {
            (Unit::Department(one), Unit::Department(other)) => one == other,
            (Unit::Village(one), Unit::Village(other)) => one.village_id == other.village_id,
            _ => false,
        }
    }
}

/// Everything of a page of subjects.
#[derive(Debug, Default)]
pub struct Met {
    pub subjects: Vec<SubjectLine>,
    pub met: HashMap<String, Vec<MetLine>>,
    pub answers: HashMap<String, Vec<AnswerLine>>,
}

impl Reading {
    /// Takes a snapshot for what is asked for.
    pub async fn begin(store: &Store, asked: &Asked) -> Result<Reading> {
        if let Some(why) = asked.of_earlier(store) {
            return Err(StoreError::Rule(why).into());
        }
        let on = asked.day(store);
        let mut record = store.snapshot().await?;
        let tree = record.area_tree().await?;
        let roster = everybody(&mut record).await?;
        let (plan, context) = (store.campaign(), record.shared_context());
        let midnight = plus_one(on).at(0, 0, 0, 0);
        let before = context.clock.instant(midnight).as_millisecond();
        let as_of = AsOf::before(&mut record, before).await?;
        let of = asked.whose(&tree, &plan.town);
        let areas = asked.areas(&tree);
        let phones = record.staff_phones().await?;
        Ok(Reading {
            span: Span { from: plan.starts_on(), on, before },
            of: asked.unit.clone().unwrap_or(of),
            unit: asked.unit.clone(),
            reveals: asked.reveals,
            phase: asked.phase,
            areas,
            record,
            tree,
            roster,
            plan,
            context,
            as_of,
            phones,
        })
    }

    /// The day on which it's read.
    pub fn today(&self) -> Date {
        self.record.today()
    }

    /// From the first area on.
    pub fn pages(&self) -> Pages {
        Pages { areas: self.areas.clone().into_iter(), now: None, after: String::new() }
    }

    /// The ids of the areas that are gone through.
    pub fn areas(&self) -> HashSet<String> {
        self.areas.iter().cloned().collect()
    }

    /// A person's name; nobody's is nothing.
    pub fn person(&self, id: Option<&str>) -> String {
        let person = id.and_then(|id| self.roster.holders.person(id));
        person.map(|person| person.name.clone()).unwrap_or_default()
    }

    /// A person's telephone, as it may be seen.
    pub fn phone(&self, id: Option<&str>) -> String {
        let phone = id.and_then(|id| self.phones.get(id));
        phone.map(|phone| self.contact(Some(phone))).unwrap_or_default()
    }

    /// A resident's name, as it may be seen.
    pub fn name(&self, name: &str) -> String {
        if self.reveals { name.to_owned() } else { mask::name(name) }
    }

    /// A subject's name: a household's is its head's.
    pub fn subject_name(&self, kind: Option<SubjectKind>, name: &str) -> String {
        match kind {
            Some(SubjectKind::Household) | None => self.name(name),
            Some(_) => name.to_owned(),
        }
    }

    /// How somebody is reached, as it may be seen.
    pub fn contact(&self, contact: Option<&str>) -> String {
        let contact = contact.unwrap_or_default();
        if self.reveals { contact.to_owned() } else { mask::contact(contact) }
    }

    /// An address, as it may be seen.
    pub fn address(&self, address: Option<&str>) -> String {
        let address = address.filter(|_| self.reveals).unwrap_or_default();
        address.to_owned()
    }

    /// What was said by or about these people, as it may be seen.
    pub fn said(&self, text: &str, names: &[&str]) -> String {
        if self.reveals { text.to_owned() } else { mask::said(text, names) }
    }

    /// What an issue says.
    pub fn text(&self, case: &Case) -> String {
        self.of_case(&case.line.text, case)
    }

    /// What was said of an issue.
    pub fn of_case(&self, text: &str, case: &Case) -> String {
        self.said(text, &[&case.line.resident, &case.line.subject_name])
    }

    /// Which unit answers for an issue: the department of its category, else its village.
    pub fn unit(&self, case: &Case) -> Unit {
        match self.plan.unit_of(&case.issue) {
            Some(unit) => Unit::Department(unit.to_owned()),
            None => Unit::Village(Place::of(&self.tree, &case.line.area_id)),
        }
    }

    /// The same by its name.
    pub fn unit_of(&self, case: &Case) -> String {
        self.unit(case).name().to_owned()
    }

    /// Who answers for an issue, as its page has it: while it's open whoever owes what is next, which follows the ball; once it's
    /// resolved whoever owed that, of whom nothing is asked any more.
    pub fn responsible(&self, case: &Case) -> String {
        let has_department = self.plan.unit_of(&case.issue).is_some();
        let visitor = case.line.visitor.clone();
        let unclassified = case.issue.class.is_none();
        let (role, staff_id) = match case.duty(DutyKind::Resolve) {
            Some(duty) => (duty.role, duty.staff_id.clone()),
            None if unclassified && visitor.is_some() => (Role::Visitor, visitor),
            None if unclassified => (DutyKind::FOR_WANT_OF_A_VISITOR, None),
            None => (Role::GridMember, None),
        };
        let is_towns = case.level().is_some_and(Level::has_town_part);
        let holder = match case.is_resolved() {
            true => (is_towns && has_department).then_some(Holder::Department),
            false => holder(&case.issue, has_department).filter(|_| !unclassified),
        };
        let group = DueGroup {
            id: String::new(),
            kind: DutyKind::Resolve,
            staff_id,
            role,
            area_id: case.line.area_id.clone(),
            due_on: case.due_on.unwrap_or(self.span.on),
            next_step: 0,
            open: 1,
            holder,
            category: case.issue.class.map(|class| class.category),
        };
        let owners = self.roster.owners(&group, &self.plan);
        let names: Vec<&str> = owners.iter().map(|person| person.name.as_str()).collect();
        if names.is_empty() { format!("没有人（{role}）") } else { names.join("、") }
    }

    /// Whether an issue is among what is asked for.
    fn is_asked(&self, case: &Case) -> bool {
        campaign_of(&case.line.number) == self.plan.code
            && self.unit.as_ref().is_none_or(|unit| *unit == self.unit_of(case))
    }
}

impl Pages {
    /// The next subjects, and where they lie; nothing at the end.
    pub async fn subjects(
        &mut self,
        reading: &mut Reading,
    ) -> Result<Option<(Place, Vec<SubjectLine>)>> {
        loop {
            let Some(area) = self.area() else { return Ok(None) };
            let Reading { record, span, .. } = reading;
            let subjects = record.subject_lines(&area, &self.after, span, PAGE).await?;
            let Some(last) = subjects.last() else {
                self.now = None;
                continue;
            };
            self.after.clone_from(&last.number);
            return Ok(Some((Place::of(&reading.tree, &area), subjects)));
        }
    }

    /// The same with who was met there, and what they last answered.
    pub async fn people(&mut self, reading: &mut Reading) -> Result<Option<(Place, Met)>> {
        let Some((place, subjects)) = self.subjects(reading).await? else { return Ok(None) };
        let ids: Vec<&str> = subjects.iter().map(|subject| subject.id.as_str()).collect();
        let Reading { record, span, .. } = reading;
        let (met, answers) =
            (record.met_at(&ids, span).await?, record.answers_at(&ids, span).await?);
        let mut page = Met::default();
        for line in met {
            page.met.entry(line.subject_id.clone()).or_default().push(line);
        }
        for line in answers {
            page.answers.entry(line.subject_id.clone()).or_default().push(line);
        }
        page.subjects = subjects;
        Ok(Some((place, page)))
    }

    /// The next issues, also those that are void, and where they arose; nothing at the end.
    pub async fn issues(&mut self, reading: &mut Reading) -> Result<Option<(Place, Vec<Case>)>> {
        loop {
            let Some(area) = self.area() else { return Ok(None) };
            let Reading { record, span, as_of, .. } = reading;
            let lines = record.issue_lines(&area, &self.after, span, PAGE).await?;
            let Some(last) = lines.last() else {
                self.now = None;
                continue;
            };
            self.after.clone_from(&last.number);
            let facts: Vec<IssueFacts> = lines.iter().map(facts).collect();
            let mut stood = as_of.stood(record, &facts).await?;
            let cases = lines.into_iter().filter_map(|line| {
                let stood = stood.remove(&line.id)?;
                Some(Case::new(line, stood))
            });
            let cases = cases.filter(|case| reading.is_asked(case)).collect();
            return Ok(Some((Place::of(&reading.tree, &area), cases)));
        }
    }

    /// The area that is gone through, or the next.
    fn area(&mut self) -> Option<String> {
        if self.now.is_none() {
            self.now = self.areas.next();
            self.after.clear();
        }
        self.now.clone()
    }
}

fn facts(line: &IssueLine) -> IssueFacts {
    IssueFacts {
        id: line.id.clone(),
        number: line.number.clone(),
        subject_id: line.subject_id.clone(),
        area_id: line.area_id.clone(),
        registered_on: township_date(line.created_at),
    }
}

impl Case {
    fn new(line: IssueLine, stood: Stood) -> Case {
        let Stood { owed, course, events } = stood;
        Case { line, issue: owed.issue, due_on: owed.due_on, duties: owed.duties, course, events }
    }

    pub fn is_void(&self) -> bool {
        self.issue.state == State::Void
    }

    pub fn is_resolved(&self) -> bool {
        matches!(self.issue.state, State::Resolved | State::Closed)
    }

    /// Whether its day has passed and it isn't resolved.
    pub fn is_late(&self, on: Date) -> bool {
        is_late(&self.issue, self.due_on, on)
    }

    /// The last of its duties of a kind that wasn't cancelled.
    pub fn duty(&self, kind: DutyKind) -> Option<&Duty> {
        let stands = |duty: &&Duty| duty.kind == kind && duty.state != DutyState::Cancelled;
        self.duties.iter().rev().find(stands)
    }

    pub fn due(&self, kind: DutyKind) -> Option<Date> {
        self.duty(kind).map(|duty| duty.due_on)
    }

    pub fn level(&self) -> Option<Level> {
        self.issue.level()
    }

    /// 预警 of its date, and in words.
    pub fn warning(&self, plan: &Campaign, on: Date) -> (Warning, &'static str) {
        let warning = self.due_on.map_or(Warning::Green, |due_on| plan.warning(due_on, on));
        match (self.issue.state, warning) {
            (State::Closed, _) => (Warning::Green, "已销号"),
            (State::Resolved, _) => (Warning::Green, "已办结"),
            (State::Registered, Warning::Green) => (Warning::Yellow, "待分类"),
            (_, Warning::Red) => (Warning::Red, "超期"),
            (_, Warning::Yellow) => (Warning::Yellow, "临近期限"),
            (_, Warning::Green) => (Warning::Green, "正常"),
        }
    }
}
