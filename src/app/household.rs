//! One subject as whoever visits it sees it: who lives or works there, what they asked for, what came of it.

use std::collections::HashMap;

use crate::db::{
    Household, IssueMatter, IssueRow, OpenWords, ResidentRow, ResidentWord, Result, Session,
    SubjectKeys, SubjectPlace, VisitCounts,
};
use crate::domain::issue::Event;
use crate::domain::subject::Ended;
use crate::domain::visit::Satisfaction;

/// A subject, opened.
#[derive(Debug)]
pub struct HouseholdSheet {
    pub place: SubjectPlace,
    /// That it isn't to be visited any more.
    pub ended: Option<Ended>,
    pub household: Household,
    pub residents: Vec<ResidentSheet>,
}

/// A resident, opened.
#[derive(Debug)]
pub struct ResidentSheet {
    pub id: String,
    pub name: String,
    pub contact: Option<String>,
    /// Whether they are on the list of who is to be heard there, and why they couldn't be.
    pub registered: bool,
    pub unheard: Option<String>,
    /// Since the campaign began.
    pub heard: bool,
    pub revisited: bool,
    /// What they answered last.
    pub answer: Option<Satisfaction>,
    pub answered_on: Option<String>,
    pub issues: Vec<IssueMatter>,
    /// What they said themselves of what was done, by the issue's id.
    pub words: HashMap<String, ResidentWord>,
    /// How all of this stands: a form that was shown with another is a stale one.
    pub seen: String,
}

/// What is to be told of an issue: what was done, by whoever did it.
pub fn answer_to(issue: &IssueMatter) -> String {
    let finished = issue.history.iter().filter_map(|(_, event, _)| match event {
        Event::TownFinished { .. } | Event::PlatformFinished { .. } => event.said(),
        _ => None,
    });
    finished.collect::<Vec<_>>().join("；")
}

/// The subject of that number; nothing where there is none.
///
/// # Errors
/// Where the record can't be read.
pub async fn household(session: &mut Session, number: &str) -> Result<Option<HouseholdSheet>> {
    Ok(households(session, &[number]).await?.pop())
}

/// The subjects of these numbers, in no order.
///
/// # Errors
/// Where the record can't be read.
pub async fn households(session: &mut Session, numbers: &[&str]) -> Result<Vec<HouseholdSheet>> {
    let places = session.subjects_numbered(numbers).await?;
    let keys = session.subject_keys(numbers).await?;
    let subjects: Vec<&str> = places.iter().map(|place| place.id.as_str()).collect();
    let mut households = session.households(&subjects).await?;
    let since = session.campaign().starts_on().to_string();
    let mut rows: HashMap<String, Vec<ResidentRow>> = HashMap::new();
    for row in session.residents_of(&subjects, &since).await? {
        rows.entry(row.subject_id.clone()).or_default().push(row);
    }
    let mut told = session.told_at(numbers).await?;
    let counts = session.visit_counts(&subjects, &since).await?.into_iter();
    let mut counts: HashMap<String, VisitCounts> =
        counts.map(|counts| (counts.resident_id.clone(), counts)).collect();
    let mut issues: HashMap<String, Vec<IssueRow>> = HashMap::new();
    for issue in session.issues_of(&subjects).await? {
        issues.entry(issue.resident_id.clone()).or_default().push(issue);
    }
    let ids: Vec<&str> = issues.values().flatten().map(|issue| issue.id.as_str()).collect();
    let mut matters: HashMap<String, Vec<IssueMatter>> = HashMap::new();
    for matter in session.issue_matters(&ids).await? {
        matters.entry(matter.resident_id.clone()).or_default().push(matter);
    }
    let mut words = session.resident_words(&ids).await?;
    let context = session.shared_context();
    let mut sheets = Vec::new();
    for place in places {
        let Some(household) = households.remove(&place.id) else { continue };
        let mut residents = Vec::new();
        for row in rows.remove(&place.id).unwrap_or_default() {
            let counts = counts.remove(&row.id).unwrap_or_default();
            let own = issues.remove(&row.id).unwrap_or_default();
            let seen = context.sealer.index(&seen(&place, &row, &counts, &own).each());
            let told = told.remove(&row.id).unwrap_or_default().open(&context)?;
            let issues = matters.remove(&row.id).unwrap_or_default();
            let said = issues.iter().filter_map(|issue| words.remove_entry(&issue.id)).collect();
            residents.push(resident(row, &counts, told, (issues, said), seen));
        }
        let own = keys.iter().find(|keys| keys.id == place.id);
        let ended = own.map(SubjectKeys::ended).transpose()?.flatten();
        sheets.push(HouseholdSheet { place, ended, household, residents });
    }
    Ok(sheets)
}

fn resident(
    row: ResidentRow,
    counts: &VisitCounts,
    told: OpenWords,
    (issues, words): (Vec<IssueMatter>, HashMap<String, ResidentWord>),
    seen: String,
) -> ResidentSheet {
    ResidentSheet {
        name: told.name,
        contact: told.contact,
        registered: row.registered != 0,
        unheard: told.unheard,
        heard: counts.heard > 0,
        revisited: counts.revisited > 0,
        answer: row.answer.as_deref().and_then(Satisfaction::read),
        answered_on: row.answered_on,
        issues,
        words,
        id: row.id,
        seen,
    }
}

/// What a mark of how a resident stands is made of.
struct Seen(Vec<String>);

impl Seen {
    fn each(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

fn seen(
    place: &SubjectPlace,
    row: &ResidentRow,
    counts: &VisitCounts,
    issues: &[IssueRow],
) -> Seen {
    let mut parts = vec![
        "seen".to_owned(),
        row.id.clone(),
        place.visitor.clone().unwrap_or_default(),
        format!("{} {} {}", counts.heard, counts.revisited, counts.in_person),
        format!("{} {}", row.registered, row.excused),
        format!("{:?} {:?}", row.answer, row.answered_on),
    ];
    parts.extend(issues.iter().map(|issue| format!("{} {}", issue.number, issue.version)));
    Seen(parts)
}
