//! Things of one kind that come in together, by whatever way.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::absences;
use super::areas::{self, NewArea};
use super::assignments::{self, Assign, AssignArea};
use super::choices::Alike;
use super::confirm::{self, Confirmation};
use super::endings::{self, StateOf};
use super::inspections::{self, Inspected};
use super::issues::{self, Acknowledgement, Happening};
use super::mediations::{self, Mediation};
use super::problem::{About, Outcomes, Problem};
use super::registered::{self, Registered};
use super::staff::{self, NewStaff};
use super::subjects::{self, NewSubject};
use super::visits::{self, NewVisit};
use crate::db::{IssueRow, NewAbsence, Result, Session, Tx, Upsert};
use crate::domain::issue::{Class, Event, Issue, State};
use crate::domain::saying::{Saying, of_result};

/// A set of things of one kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Batch {
    Areas(Vec<NewArea>),
    Staff(Vec<NewStaff>),
    Subjects(Vec<NewSubject>),
    Assignments(Vec<Assign>),
    AreaAssignments(Vec<AssignArea>),
    Visits(Vec<NewVisit>),
    Residents(Vec<Registered>),
    States(Vec<StateOf>),
    Events(Vec<IssueChange>),
    Confirmations(Vec<Confirmation>),
    Acknowledgements(Vec<Acknowledgement>),
    Absences(Vec<NewAbsence>),
    Inspections(Vec<Inspected>),
    Mediations(Vec<Mediation>),
}

/// What a table says of the issue of a number: what the record says already is nothing new.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssueChange {
    pub number: String,
    pub event: Option<Event>,
    #[serde(default)]
    pub then: Option<Event>,
    /// The urgency wasn't told: one that is known stays.
    #[serde(default)]
    pub keeps_urgency: bool,
    /// How the table says that the issue stands: where it stands otherwise by now, the table is an old one.
    #[serde(default)]
    pub state: Option<State>,
    pub actor: String,
}

impl Batch {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Batch::Areas(rows) => rows.len(),
            Batch::Staff(rows) => rows.len(),
            Batch::Subjects(rows) => rows.len(),
            Batch::Assignments(rows) => rows.len(),
            Batch::AreaAssignments(rows) => rows.len(),
            Batch::Visits(rows) => rows.len(),
            Batch::Residents(rows) => rows.len(),
            Batch::States(rows) => rows.len(),
            Batch::Events(rows) => rows.len(),
            Batch::Confirmations(rows) => rows.len(),
            Batch::Acknowledgements(rows) => rows.len(),
            Batch::Absences(rows) => rows.len(),
            Batch::Inspections(rows) => rows.len(),
            Batch::Mediations(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they would do, as the record is now.
    pub async fn check(&self, session: &mut Session) -> Result<Outcomes> {
        match self {
            Batch::Areas(rows) => areas::check(session, rows).await,
            Batch::Staff(rows) => staff::check(session, rows).await,
            Batch::Subjects(rows) => subjects::check(session, rows).await,
            Batch::Assignments(rows) => assignments::check(session, rows).await,
            Batch::AreaAssignments(rows) => assignments::check_areas(session, rows).await,
            Batch::Visits(rows) => visits::check(session, rows).await,
            Batch::Residents(rows) => registered::check_registered(session, rows).await,
            Batch::States(rows) => endings::check(session, rows).await,
            Batch::Events(rows) => {
                let told = Told::of(session, rows).await?;
                let outcomes = issues::check(session, &told.happenings).await?;
                Ok(told.outcomes(outcomes))
            }
            Batch::Confirmations(rows) => confirm::check(session, rows).await,
            Batch::Acknowledgements(rows) => issues::check_acknowledgements(session, rows).await,
            Batch::Absences(rows) => absences::check(session, rows).await,
            Batch::Inspections(rows) => inspections::check(session, rows).await,
            Batch::Mediations(rows) => mediations::check(session, rows).await,
        }
    }

    /// Writes them with all that follows; nothing where any is wrong.
    pub async fn put(&self, tx: &mut Tx) -> Result<Outcomes> {
        match self {
            Batch::Areas(rows) => areas::put(tx, rows).await,
            Batch::Staff(rows) => staff::put(tx, rows).await,
            Batch::Subjects(rows) => subjects::put(tx, rows).await,
            Batch::Assignments(rows) => assignments::put(tx, rows).await,
            Batch::AreaAssignments(rows) => assignments::put_areas(tx, rows).await,
            Batch::Visits(rows) => visits::record(tx, rows).await,
            Batch::Residents(rows) => registered::register(tx, rows).await,
            Batch::States(rows) => endings::put(tx, rows, "import").await,
            Batch::Events(rows) => {
                let told = Told::of(tx, rows).await?;
                let outcomes = if told.each.iter().all(Result::is_ok) {
                    issues::put(tx, &told.happenings).await?
                } else {
                    issues::check(tx, &told.happenings).await?
                };
                Ok(told.outcomes(outcomes))
            }
            Batch::Confirmations(rows) => confirm::put(tx, rows).await,
            Batch::Acknowledgements(rows) => issues::acknowledge(tx, rows).await,
            Batch::Absences(rows) => absences::put(tx, rows).await,
            Batch::Inspections(rows) => inspections::put(tx, rows).await,
            Batch::Mediations(rows) => mediations::put(tx, rows).await,
        }
    }

    /// What was asked about is decided: what is like something that another piece of the same file brings is another.
    pub fn decided(&mut self) {
        if let Batch::Visits(rows) = self {
            for row in rows.iter_mut().filter(|row| row.choices.alike == Alike::Ask) {
                row.choices.alike = Alike::Another;
            }
        }
    }

    /// Leaves out what something is wrong with.
    pub fn without(&mut self, outcomes: &Outcomes) {
        fn retain<T>(rows: &mut Vec<T>, outcomes: &Outcomes) {
            let mut well = outcomes.iter().map(Result::is_ok);
            rows.retain(|_| well.next().unwrap_or(true));
        }
        match self {
            Batch::Areas(rows) => retain(rows, outcomes),
            Batch::Staff(rows) => retain(rows, outcomes),
            Batch::Subjects(rows) => retain(rows, outcomes),
            Batch::Assignments(rows) => retain(rows, outcomes),
            Batch::AreaAssignments(rows) => retain(rows, outcomes),
            Batch::Visits(rows) => retain(rows, outcomes),
            Batch::Residents(rows) => retain(rows, outcomes),
            Batch::States(rows) => retain(rows, outcomes),
            Batch::Events(rows) => retain(rows, outcomes),
            Batch::Confirmations(rows) => retain(rows, outcomes),
            Batch::Acknowledgements(rows) => retain(rows, outcomes),
            Batch::Absences(rows) => retain(rows, outcomes),
            Batch::Inspections(rows) => retain(rows, outcomes),
            Batch::Mediations(rows) => retain(rows, outcomes),
        }
    }
}

/// What a table says of issues, as what happens to them.
struct Told {
    happenings: Vec<Happening>,
    /// How many of them each row is, or what is wrong with it.
    each: Vec<std::result::Result<usize, Problem>>,
}

impl Told {
    async fn of(session: &mut Session, rows: &[IssueChange]) -> Result<Told> {
        let numbers: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
        let issues = session.issues_numbered(&numbers).await?;
        let known: HashMap<&str, &IssueRow> =
            issues.iter().map(|row| (row.number.as_str(), row)).collect();
        let heard = heard_of(session, rows, &known).await?;
        let mut told = Told { happenings: Vec::new(), each: Vec::new() };
        for row in rows {
            let Some(issue) = known.get(row.number.as_str()) else {
                told.each.push(Err(issues::no_issue(&row.number)));
                continue;
            };
            let standing = issue.issue()?;
            if let Some(problem) = not_ours_to_begin(row, &standing) {
                told.each.push(Err(problem));
                continue;
            }
            if let Some(problem) = is_outdated(row, &standing) {
                told.each.push(Err(problem));
                continue;
            }
            let said = heard.get(&issue.id);
            let is_old = said.and_then(|said| said_before(row, &standing, said));
            if let Some(problem) = is_old.or_else(|| no_end(row, said)) {
                told.each.push(Err(problem));
                continue;
            }
            let events = news(row, &standing, said);
            told.each.push(Ok(events.len()));
            told.happenings.extend(events.into_iter().map(|event| Happening {
                issue_id: issue.id.clone(),
                event,
                actor: row.actor.clone(),
            }));
        }
        Ok(told)
    }

    /// What each row did, by what each of its events did.
    fn outcomes(self, outcomes: Outcomes) -> Outcomes {
        let mut outcomes = outcomes.into_iter();
        let outcome = |each: std::result::Result<usize, Problem>| {
            let own: Outcomes = outcomes.by_ref().take(each?).collect();
            let did = own.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
            Ok(if did.is_empty() { Upsert::Same.into() } else { Upsert::Added.into() })
        };
        self.each.into_iter().map(outcome).collect()
    }
}

/// What was said of these issues, where the rows may say it again. Of one that was never classified nothing was.
async fn heard_of(
    session: &mut Session,
    rows: &[IssueChange],
    known: &HashMap<&str, &IssueRow>,
) -> Result<HashMap<String, SaidOf>> {
    let mut ids = Vec::new();
    for issue in rows.iter().filter_map(|row| known.get(row.number.as_str())) {
        if issue.issue()?.class.is_some() {
            ids.push(issue.id.as_str());
        }
    }
    said_of(session, &ids).await
}

/// What the town said of an issue.
#[derive(Debug, Default)]
struct SaidOf {
    /// What came of its work.
    result: Words,
    /// Who began it.
    begun: Words,
    /// How it was classified, one after the other.
    classes: Vec<Class>,
}

/// What stands, and who said it; and what was said before the issue was begun anew.
#[derive(Debug, Default)]
struct Words {
    now: Option<(String, String)>,
    before: Vec<String>,
}

impl Words {
    fn begin_anew(&mut self) {
        self.before.extend(self.now.take().map(|(words, _)| words));
    }

    fn is_old(&self, told: &str) -> bool {
        self.now.is_none() && self.before.iter().any(|before| before == told)
    }

    fn stands(&self, told: &str) -> bool {
        self.now.as_ref().is_some_and(|(now, _)| now == told)
    }
}

/// What the town last said came of its work on these issues, and who said it, where that stands.
pub async fn results_of(
    session: &mut Session,
    ids: &[&str],
) -> Result<HashMap<String, (String, String)>> {
    let said = said_of(session, ids).await?;
    Ok(said.into_iter().filter_map(|(id, said)| Some((id, said.result.now?))).collect())
}

async fn said_of(session: &mut Session, ids: &[&str]) -> Result<HashMap<String, SaidOf>> {
    let mut all: HashMap<String, SaidOf> = HashMap::new();
    if ids.is_empty() {
        return Ok(all);
    }
    for row in session.events_of(ids).await? {
        let (event, actor) = (row.event(), row.actor);
        let said = all.entry(row.issue_id).or_default();
        match event {
            Some(Event::TownFinished { result }) => said.result.now = Some((result, actor)),
            Some(Event::Started) => said.begun.now = Some((actor.clone(), actor)),
            Some(Event::Reopened { .. }) => said.begin_anew(),
            Some(Event::Classified { level, category, urgency }) => {
                said.begin_anew();
                said.classes.push(Class { level, category, urgency });
            }
            _ => {}
        }
    }
    Ok(all)
}

impl SaidOf {
    fn begin_anew(&mut self) {
        self.result.begin_anew();
        self.begun.begin_anew();
    }
}

/// What of a row the record doesn't say already.
fn news(row: &IssueChange, issue: &Issue, said: Option<&SaidOf>) -> Vec<Event> {
    let stands = |words: fn(&SaidOf) -> &Words, told: &str| {
        said.is_some_and(|said| words(said).stands(told))
    };
    let is_begun = issue.state == State::InProgress || stands(|said| &said.begun, &row.actor);
    let mut news = Vec::new();
    for event in [&row.event, &row.then].into_iter().flatten() {
        match event {
            Event::Classified { .. } => {
                news.extend(new_class(row, event, issue).map(
                    |Class { level, category, urgency }| Event::Classified {
                        level,
                        category,
                        urgency,
                    },
                ));
            }
            Event::TownFinished { result } if stands(|said| &said.result, result) => {}
            Event::Started if is_begun => {}
            event => news.push(event.clone()),
        }
    }
    news
}

/// The class that a row gives an issue, where it isn't the one that stands.
fn new_class(row: &IssueChange, event: &Event, issue: &Issue) -> Option<Class> {
    let Event::Classified { level, category, urgency } = *event else { return None };
    let known = issue.class.filter(|_| row.keeps_urgency);
    let urgency = known.map_or(urgency, |class| class.urgency);
    let class = Class { level, category, urgency };
    let asks = asks_for_class(issue) && row.state.is_none_or(|told| told == issue.state);
    (issue.class != Some(class) || asks).then_some(class)
}

/// A list that was made before the issue moved on must not take it back.
fn is_outdated(row: &IssueChange, issue: &Issue) -> Option<Problem> {
    let (Some(told), Some(Event::Classified { level, category, urgency })) =
        (row.state, &row.event)
    else {
        return None;
    };
    let known = issue.class?;
    let differs = known.level != *level
        || known.category != *category
        || !row.keeps_urgency && known.urgency != *urgency;
    (told != issue.state && differs).then(|| {
        let text = format!(
            "这张表是旧的：「{}」表里是「{told}」，现在是「{}」，登记的是{}、{}、{}。请重新导出清单再改",
            row.number, issue.state, known.level, known.category, known.urgency
        );
        Problem::new(About::State, text)
    })
}

/// The very words of what didn't last are of an old table, not of what was done since: a result, who began it, a class. A table
/// that says how the issue stands now is none.
fn said_before(row: &IssueChange, issue: &Issue, said: &SaidOf) -> Option<Problem> {
    const OLD: &str = "这一行像是旧表里的，请删去";
    let number = &row.number;
    if result_in(row).is_some_and(|told| said.result.is_old(told)) {
        let text = format!(
            "「{number}」上一次的办理结果就是这几个字，后来又重新办理了：{OLD}；这一次又办好了的，请写这一次办了什么"
        );
        return Some(Problem::new(About::Result, text));
    }
    if row.state == Some(issue.state) {
        return None;
    }
    let is_begun = row.event == Some(Event::Started) && issue.state != State::InProgress;
    if is_begun && said.begun.is_old(&row.actor) {
        let text = format!(
            "「{number}」上一次就是{}着手办理的，后来又重新办理了：{OLD}；这一次又着手办理了的，请加「状态」列，填它现在的状态「{}」，再导入，或在问题的页面上登记，或用 zoufang issue begin {number} --by 承办人编号",
            row.actor, issue.state
        );
        return Some(Problem::new(About::Issue, text));
    }
    let class = row.event.as_ref().and_then(|event| new_class(row, event, issue));
    let Class { level, category, urgency } = class?;
    let is_same = |class: &Class| {
        class.level == level
            && class.category == category
            && (row.keeps_urgency || class.urgency == urgency)
    };
    let known = issue.class.filter(|_| said.classes.iter().any(is_same))?;
    // What was given back goes again as it was.
    if issue.state == State::Returned && is_same(&known) {
        return None;
    }
    let since = match is_same(&known) {
        true => format!("现在是「{}」", issue.state),
        false => format!("后来改成了{}、{}、{}", known.level, known.category, known.urgency),
    };
    let text = format!(
        "「{number}」以前就是这样分类的，{since}：{OLD}；确实要这样分类的，请加「状态」列，填它现在的状态「{}」，再导入",
        issue.state
    );
    Some(Problem::new(About::Level, text))
}

/// A result must say that it's done; what stands in the record already is no news, whatever it says.
fn no_end(row: &IssueChange, said: Option<&SaidOf>) -> Option<Problem> {
    let told = result_in(row)?;
    let stands = said.is_some_and(|said| said.result.stands(told));
    (!stands && of_result(told) == Saying::Doubtful).then(|| {
        let shown: String = told.chars().take(SHOWN).collect();
        let text = format!("「{shown}」看不出办结了没有：{HOW_DONE}");
        Problem::new(About::Result, text)
    })
}

/// So much of a text is shown of what is wrong with it.
const SHOWN: usize = 40;
/// What is written where something is done, and where it isn't.
pub const HOW_DONE: &str =
    "办结了请写办了什么（如「已更换灯泡」），或在后面加「，已办结」；没有办结请留空";

fn result_in(row: &IssueChange) -> Option<&String> {
    [&row.event, &row.then].into_iter().flatten().find_map(|event| match event {
        Event::TownFinished { result } => Some(result),
        _ => None,
    })
}

/// Nobody here begins what the platform works on.
fn not_ours_to_begin(row: &IssueChange, issue: &Issue) -> Option<Problem> {
    let level = issue.level().filter(|level| level.is_referred())?;
    matches!(row.event, Some(Event::Started)).then(|| {
        let text =
            format!("「{}」是{level}的问题，由平台开始办理，不用登记：请删去这一行", row.number);
        Problem::new(About::Issue, text)
    })
}

/// Whether an issue that was classified waits to be classified again.
pub fn asks_for_class(issue: &Issue) -> bool {
    matches!(issue.state, State::Returned | State::Reopened)
}
