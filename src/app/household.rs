//! One subject as whoever visits it sees it: who lives or works there, what they asked for, what came of it.

use std::collections::HashMap;

use crate::db::{
    Household, IssueMatter, IssueRow, ResidentRow, Result, Session, SubjectPlace, VisitCounts,
};
use crate::domain::visit::Satisfaction;

/// A subject, opened.
#[derive(Debug)]
pub struct HouseholdSheet {
    pub place: SubjectPlace,
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
    pub issues: Vec<IssueMatter>,
    /// How all of this stands: a form that was shown with another is a stale one.
    pub seen: String,
}

/// The subject of that number; nothing where there is none.
///
/// # Errors
/// Where the record can't be read.
pub async fn household(session: &mut Session, number: &str) -> Result<Option<HouseholdSheet>> {
    let Some(place) = session.subjects_numbered(&[number]).await?.pop() else { return Ok(None) };
    let subject = [place.id.as_str()];
    let Some(household) = session.households(&subject).await?.remove(&place.id) else {
        return Ok(None);
    };
    let since = session.campaign().starts_on().to_string();
    let rows = session.residents_of(&subject, &since).await?;
    let mut words = session.told_at(&[number]).await?;
    let counts = session.visit_counts(&subject, &since).await?.into_iter();
    let mut counts: HashMap<String, VisitCounts> =
        counts.map(|counts| (counts.resident_id.clone(), counts)).collect();
    let issues = session.issues_of(&subject).await?;
    let ids: Vec<&str> = issues.iter().map(|issue| issue.id.as_str()).collect();
    let mut matters: HashMap<String, Vec<IssueMatter>> = HashMap::new();
    for matter in session.issue_matters(&ids).await? {
        matters.entry(matter.resident_id.clone()).or_default().push(matter);
    }
    let context = session.shared_context();
    let mut residents = Vec::new();
    for row in rows {
        let counts = counts.remove(&row.id).unwrap_or_default();
        let seen = context.sealer.index(&seen(&place, &row, &counts, &issues).each());
        let words = words.remove(&row.id).unwrap_or_default().open(&context)?;
        residents.push(ResidentSheet {
            name: words.name,
            contact: words.contact,
            registered: row.registered != 0,
            unheard: words.unheard,
            heard: counts.heard > 0,
            revisited: counts.revisited > 0,
            answer: row.answer.as_deref().and_then(Satisfaction::read),
            issues: matters.remove(&row.id).unwrap_or_default(),
            id: row.id,
            seen,
        });
    }
    Ok(Some(HouseholdSheet { place, household, residents }))
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
    let own = issues.iter().filter(|issue| issue.resident_id == row.id);
    parts.extend(own.map(|issue| format!("{} {}", issue.number, issue.version)));
    Seen(parts)
}
