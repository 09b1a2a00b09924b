//! Subjects 走访对象 and the residents 群众 met there, beyond what the casework reads by sets.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::personal::{
    RESIDENT_CONTACT, RESIDENT_NAME, RESIDENT_UNHEARD, SUBJECT_ENDED, SUBJECT_NAME,
};
use super::sets::{Columns, last_of_each};
use super::{Context, Result, Session, SubjectKeys, Tx, date, word};
use crate::domain::counted::Thing;
use crate::domain::duty::{self, DutyKind};
use crate::domain::mask;
use crate::domain::subject::{Ended, Endings, Seen, SubjectKind, SubjectState};

impl Context {
    /// A subject's name as a notice may show it: a household's masked, a shop's or a school's as it hangs over the
    /// door.
    pub(super) fn masked_name(&self, id: &str, kind: &str, sealed: &str) -> Result<String> {
        let name = self.open(SUBJECT_NAME, id, sealed)?;
        Ok(if kind == SubjectKind::Household.code() { mask::name(&name) } else { name })
    }
}

impl Session {
    /// What was told by and of the residents of the subjects of these numbers, sealed, by their ids.
    pub async fn told_at(&mut self, numbers: &[&str]) -> Result<HashMap<String, ResidentWords>> {
        let query = format!(
            "SELECT r.id, r.name_sealed, r.contact_sealed, r.unheard_sealed FROM residents r
             JOIN subjects s ON s.id = r.subject_id WHERE s.number {}",
            self.dialect.among()
        );
        let columns = ["id", "name_sealed", "contact_sealed", "unheard_sealed"];
        let rows: Vec<ResidentWords> = self.read_set(&columns, &query, numbers, &[]).await?;
        Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
    }

    /// The issues of these residents, with their words sealed and the visits at which they were told.
    pub async fn issues_of_residents(&mut self, residents: &[&str]) -> Result<Vec<IssueWords>> {
        let query = format!(
            "SELECT i.id, i.number, i.visit_id, i.resident_id, i.state, i.text_sealed, v.kind AS visit_kind, v.visited_on
             FROM issues i JOIN visits v ON v.id = i.visit_id WHERE i.resident_id {} ORDER BY i.number",
            self.dialect.among()
        );
        let columns = [
            "id",
            "number",
            "visit_id",
            "resident_id",
            "state",
            "text_sealed",
            "visit_kind",
            "visited_on",
        ];
        self.read_set(&columns, &query, residents, &[]).await
    }

    /// Whoever's name has one of these keys, and where they live.
    pub async fn residents_called(&mut self, keys: &[&str]) -> Result<Vec<CalledSo>> {
        let query = format!(
            "SELECT r.id, r.name_key, r.contact_key, (SELECT s.number FROM subjects s WHERE s.id = r.subject_id) AS number,
               (SELECT a.staff_id FROM assignments a WHERE a.subject_id = r.subject_id) AS visitor
             FROM residents r WHERE r.name_key {}",
            self.dialect.among()
        );
        self.read_set(&["id", "name_key", "contact_key", "number", "visitor"], &query, keys, &[])
            .await
    }

    /// Who visits what is there in these areas, by id.
    pub async fn visitors_in(&mut self, areas: &[&str]) -> Result<HashSet<String>> {
        #[derive(Deserialize)]
        struct Visitor {
            staff_id: String,
        }
        let query = format!(
            "SELECT DISTINCT a.staff_id FROM subjects s JOIN assignments a ON a.subject_id = s.id
             WHERE s.area_id {} AND s.ended_on IS NULL",
            self.dialect.among()
        );
        let rows: Vec<Visitor> = self.read_set(&["staff_id"], &query, areas, &[]).await?;
        Ok(rows.into_iter().map(|row| row.staff_id).collect())
    }

    /// Who has no visitor in these areas: the first of each area, with how many there are.
    pub async fn unassigned(&mut self, areas: &[&str]) -> Result<Vec<Unvisited>> {
        let query = format!(
            "SELECT id, area_id, number, kind, name_sealed, total FROM (
               SELECT s.id, s.area_id, s.number, s.kind, s.name_sealed, COUNT(*) OVER (PARTITION BY s.area_id) AS total,
                 ROW_NUMBER() OVER (PARTITION BY s.area_id ORDER BY s.number) AS place
               FROM subjects s LEFT JOIN assignments a ON a.subject_id = s.id
               WHERE s.area_id {} AND a.id IS NULL AND s.ended_on IS NULL) AS u
             WHERE place <= 200 ORDER BY area_id, number",
            self.dialect.among()
        );
        let columns = ["id", "area_id", "number", "kind", "name_sealed", "total"];
        self.read_set(&columns, &query, areas, &[]).await
    }

    /// Those in these areas that aren't to be visited any more, by area and number; households' names masked.
    pub async fn ended_in(&mut self, areas: &[&str]) -> Result<Vec<EndedSubject>> {
        let query = format!(
            "SELECT s.id, s.number, s.kind, s.area_id, s.name_sealed, a.staff_id AS visitor, s.ended_on, s.ended_why,
               CASE WHEN d.state = 'met' THEN 1 ELSE 0 END AS visited,
               (SELECT MAX(v.visited_on) FROM visits v WHERE v.subject_id = s.id AND v.kind = 'first') AS heard_on
             FROM subjects s LEFT JOIN assignments a ON a.subject_id = s.id LEFT JOIN duties d ON d.duty_key = '{}' || s.id
             WHERE s.area_id {} AND s.ended_on IS NOT NULL ORDER BY s.area_id, s.number",
            duty::key(DutyKind::Visit, "", 1),
            self.dialect.among()
        );
        let rows: Vec<EndedRow> = self.read_set(&ENDED, &query, areas, &[]).await?;
        let starts_on = self.campaign().starts_on();
        rows.into_iter().map(|row| row.read(&self.context, starts_on)).collect()
    }

    /// How many in these areas ended in this campaign before they were visited, and why.
    pub async fn dropped_in(&mut self, areas: &[&str]) -> Result<Endings> {
        #[derive(Deserialize)]
        struct Dropped {
            why: String,
            total: i64,
        }
        let query = format!(
            "SELECT s.ended_why AS why, COUNT(*) AS total FROM subjects s
             LEFT JOIN duties d ON d.duty_key = '{}' || s.id AND d.state = 'met'
             WHERE s.area_id {} AND s.ended_on IS NOT NULL AND s.ended_on >= $2 AND d.id IS NULL GROUP BY s.ended_why",
            duty::key(DutyKind::Visit, "", 1),
            self.dialect.among()
        );
        let start = self.campaign().starts_on().to_string();
        let rows: Vec<Dropped> = self.read_set(&["why", "total"], &query, areas, &[&start]).await?;
        let mut endings = Endings::default();
        for Dropped { why, total } in rows {
            endings.add_all(word("subjects.ended_why", &why, SubjectState::read)?, total);
        }
        Ok(endings)
    }

    /// The one of that number, with how it stands; a household's name is masked.
    pub async fn subject_sheet(&mut self, number: &str) -> Result<Option<SubjectSheet>> {
        let Some(keys) = self.subject_keys(&[number]).await?.pop() else { return Ok(None) };
        let open = self.issues_of(&[keys.id.as_str()]).await?;
        let open = open.iter().map(super::IssueRow::issue).collect::<Result<Vec<_>>>()?;
        let standing = keys.standing(&self.context)?;
        let mut names = Vec::new();
        if standing.words.is_some() {
            names.push(self.context.open(SUBJECT_NAME, &keys.id, &keys.name_sealed)?);
            for (_, told) in self.told_at(&[number]).await? {
                names.push(told.open(&self.context)?.name);
            }
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(Some(SubjectSheet {
            words: standing.words.as_deref().map(|words| mask::said(words, &names)),
            standing,
            name: self.context.masked_name(&keys.id, &keys.kind, &keys.name_sealed)?,
            kind: SubjectKind::read(&keys.kind),
            open_issues: open.iter().filter(|issue| !issue.needs_no_work()).count(),
            number: keys.number,
            area_id: keys.area_id,
        }))
    }

    /// The subjects that lie in these areas, by what is told of each but its number: that, and the number.
    pub async fn told_in(&mut self, areas: &[&str]) -> Result<Vec<(String, String)>> {
        let mut told: Vec<(String, String)> = Vec::new();
        // One area after the other: each is a small part of them all, as the database can tell.
        let read =
            "SELECT content_key, number FROM subjects WHERE area_id = $1 AND ended_on IS NULL";
        for area in areas {
            let own: Vec<(String, String)> =
                sqlx::query_as(read).bind((*area).to_owned()).fetch_all(&mut self.db).await?;
            told.extend(own);
        }
        told.sort_by(|one, other| one.1.cmp(&other.1));
        Ok(told)
    }

    /// The subjects that lie in these areas: number, kind, area and visitor, and whether they ended.
    pub async fn subjects_in(&mut self, areas: &[&str]) -> Result<Vec<SubjectIn>> {
        let query = format!(
            "SELECT s.id, s.number, s.kind, s.area_id, a.staff_id AS visitor, s.ended_on FROM subjects s
             LEFT JOIN assignments a ON a.subject_id = s.id WHERE s.area_id {} ORDER BY s.number",
            self.dialect.among()
        );
        let columns = ["id", "number", "kind", "area_id", "visitor", "ended_on"];
        self.read_set(&columns, &query, areas, &[]).await
    }
}

/// Who was heard at a visit: a resident counts by its day.
#[derive(Deserialize)]
struct Heard {
    resident_id: String,
}

impl Tx {
    /// Puts the words of issues right: id, natural key and words, sealed.
    pub async fn correct_issues(&mut self, rows: &[CorrectedIssue]) -> Result<()> {
        let columns = Columns { texts: &["id", "natural_key", "text_sealed"], numbers: &[] };
        self.update_set("issues", &columns, &last_of_each(rows, |row| &row.id)).await
    }

    /// Puts the names of residents right.
    pub async fn rename_residents(&mut self, rows: &[RenamedResident]) -> Result<()> {
        let texts = ["id", "natural_key", "name_sealed", "name_key"];
        let rows = last_of_each(rows, |row| &row.id);
        self.update_set("residents", &Columns { texts: &texts, numbers: &[] }, &rows).await
    }

    /// Puts the days and visitors of visits right.
    pub async fn correct_visits(&mut self, rows: &[CorrectedVisit]) -> Result<()> {
        let texts = ["id", "natural_key", "visited_on", "staff_id"];
        let rows = last_of_each(rows, |row| &row.id);
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let heard = format!("SELECT resident_id FROM visits WHERE id {}", self.dialect.among());
        let heard: Vec<Heard> = self.read_set(&["resident_id"], &heard, &ids, &[]).await?;
        self.retally(Thing::Resident, heard.iter().map(|one| one.resident_id.as_str())).await?;
        self.update_set("visits", &Columns { texts: &texts, numbers: &[] }, &rows).await
    }
}

impl SubjectKeys {
    /// Since when and why it isn't visited any more.
    pub fn ended(&self) -> Result<Option<Ended>> {
        ended_of(self.ended_on.as_deref(), self.ended_why.as_deref())
    }

    /// How it stands.
    pub fn standing(&self, context: &Context) -> Result<SubjectStanding> {
        let ended = (self.ended_on.as_deref(), self.ended_why.as_deref());
        SubjectStanding::open(context, &self.id, ended, self.ended_words_sealed.clone())
    }
}

/// Whether a subject isn't to be visited any more, and what was said of that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectStanding {
    pub ended: Option<Ended>,
    pub words: Option<String>,
}

impl SubjectStanding {
    /// As it's kept: since when, why, and the words, sealed.
    pub(super) fn open(
        context: &Context,
        id: &str,
        (on, why): (Option<&str>, Option<&str>),
        sealed: Option<String>,
    ) -> Result<SubjectStanding> {
        let Some(ended) = ended_of(on, why)? else { return Ok(SubjectStanding::default()) };
        let words = context.open_optional(SUBJECT_ENDED, id, sealed)?;
        Ok(SubjectStanding { ended: Some(ended), words })
    }
}

/// Since when and why a subject isn't visited any more, as its row has it.
pub(super) fn ended_of(on: Option<&str>, why: Option<&str>) -> Result<Option<Ended>> {
    on.zip(why).map(|(on, why)| ended(on, why)).transpose()
}

fn ended(on: &str, why: &str) -> Result<Ended> {
    let on = date("subjects.ended_on", on)?;
    Ok(Ended { on, why: word("subjects.ended_why", why, SubjectState::read)? })
}

/// What was told by and of a resident, sealed.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ResidentWords {
    id: String,
    name_sealed: String,
    contact_sealed: Option<String>,
    unheard_sealed: Option<String>,
}

/// The same, opened.
#[derive(Default)]
pub struct OpenWords {
    pub name: String,
    pub contact: Option<String>,
    pub unheard: Option<String>,
}

impl ResidentWords {
    /// Opens them.
    pub fn open(self, context: &Context) -> Result<OpenWords> {
        Ok(OpenWords {
            name: context.open(RESIDENT_NAME, &self.id, &self.name_sealed)?,
            contact: context.open_optional(RESIDENT_CONTACT, &self.id, self.contact_sealed)?,
            unheard: context.open_optional(RESIDENT_UNHEARD, &self.id, self.unheard_sealed)?,
        })
    }
}

/// An issue's words, sealed.
#[derive(Debug, Clone, Deserialize)]
pub struct IssueWords {
    pub id: String,
    pub number: String,
    pub visit_id: String,
    pub resident_id: String,
    pub state: String,
    pub text_sealed: String,
    /// Of the visit at which it was told.
    pub visit_kind: String,
    pub visited_on: String,
}

/// Somebody of a name, and where they live.
#[derive(Debug, Clone, Deserialize)]
pub struct CalledSo {
    pub id: String,
    pub name_key: String,
    pub contact_key: Option<String>,
    /// The subject's number and visitor.
    pub number: String,
    pub visitor: Option<String>,
}

/// A resident whose name was put right.
#[derive(Debug, Serialize)]
pub struct RenamedResident {
    pub id: String,
    pub natural_key: String,
    pub name_sealed: String,
    pub name_key: String,
    /// By what their issues are known again.
    #[serde(skip)]
    pub issues: Vec<super::NumberOf>,
    /// For the audit.
    #[serde(skip)]
    pub was: String,
    #[serde(skip)]
    pub became: String,
}

/// A visit whose day or visitor was put right.
#[derive(Debug, Serialize)]
pub struct CorrectedVisit {
    pub id: String,
    pub natural_key: String,
    pub visited_on: String,
    pub staff_id: String,
    /// For the audit.
    #[serde(skip)]
    pub was_on: String,
}

/// An issue whose words were put right.
#[derive(Serialize)]
pub struct CorrectedIssue {
    pub id: String,
    #[serde(skip)]
    pub number: String,
    /// By what it's known again in a record that has lost it.
    #[serde(skip)]
    pub identity: String,
    #[serde(skip)]
    pub place: String,
    pub natural_key: String,
    pub text_sealed: String,
    /// What it said, and what it says, for the audit.
    #[serde(skip)]
    pub was: String,
    #[serde(skip)]
    pub became: String,
}

/// A subject that nobody visits.
#[derive(Debug, Clone, Deserialize)]
pub struct Unvisited {
    id: String,
    pub area_id: String,
    pub number: String,
    kind: String,
    name_sealed: String,
    /// How many there are in its area.
    pub total: i64,
}

impl Unvisited {
    /// Its name: a household's masked.
    pub fn name(&self, context: &Context) -> Result<String> {
        context.masked_name(&self.id, &self.kind, &self.name_sealed)
    }
}

/// A subject, as whoever may say that it ended sees it.
#[derive(Debug, Clone)]
pub struct SubjectSheet {
    pub number: String,
    pub kind: Option<SubjectKind>,
    pub name: String,
    pub area_id: String,
    pub standing: SubjectStanding,
    /// What was said of its end, without names and numbers.
    pub words: Option<String>,
    pub open_issues: usize,
}

/// One that isn't to be visited any more.
#[derive(Debug, Clone)]
pub struct EndedSubject {
    pub number: String,
    pub kind: Option<SubjectKind>,
    pub name: String,
    pub area_id: String,
    pub visitor: Option<String>,
    /// Whether somebody was there before.
    pub seen: Seen,
    pub ended: Ended,
}

impl EndedSubject {
    /// Whether it ended in the campaign that began on that day, and before it was visited: what is missed by nothing for that.
    pub fn is_dropped(&self, starts_on: Date) -> bool {
        self.ended.is_since(starts_on) && self.seen != Seen::Visited
    }
}

const ENDED: [&str; 10] = [
    "id",
    "number",
    "kind",
    "area_id",
    "name_sealed",
    "visitor",
    "ended_on",
    "ended_why",
    "visited",
    "heard_on",
];

#[derive(Deserialize)]
struct EndedRow {
    id: String,
    number: String,
    kind: String,
    area_id: String,
    name_sealed: String,
    visitor: Option<String>,
    ended_on: String,
    ended_why: String,
    visited: i64,
    heard_on: Option<String>,
}

impl EndedRow {
    fn read(self, context: &Context, starts_on: Date) -> Result<EndedSubject> {
        let heard_on =
            self.heard_on.as_deref().map(|on| date("visits.visited_on", on)).transpose()?;
        let seen = Seen::of(self.visited != 0, heard_on, starts_on);
        Ok(EndedSubject {
            kind: SubjectKind::read(&self.kind),
            name: context.masked_name(&self.id, &self.kind, &self.name_sealed)?,
            ended: ended(&self.ended_on, &self.ended_why)?,
            number: self.number,
            area_id: self.area_id,
            visitor: self.visitor,
            seen,
        })
    }
}

/// A subject and who visits it.
#[derive(Debug, Clone, Deserialize)]
pub struct SubjectIn {
    pub id: String,
    pub number: String,
    pub kind: String,
    pub area_id: String,
    pub visitor: Option<String>,
    pub ended_on: Option<String>,
}
