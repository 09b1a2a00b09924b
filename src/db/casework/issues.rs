//! Issues as they stand.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::db::projection::Projection;
use crate::db::sets::Columns;
use crate::db::{Result, Session, StoreError, Tx, date};
use crate::domain::counted::Thing;
use crate::domain::issue::Issue;

/// An issue's row, without its words.
#[derive(Debug, Clone, Deserialize)]
pub struct IssueRow {
    pub id: String,
    pub number: String,
    pub subject_id: String,
    pub resident_id: String,
    pub area_id: String,
    /// Of its subject, once assigned.
    pub visitor: Option<String>,
    /// The last event's sequence.
    pub version: i64,
    pub created_at: i64,
    due_on: Option<String>,
    #[serde(flatten)]
    projection: Projection,
}

const COLUMNS: [&str; 9] = [
    "id",
    "number",
    "subject_id",
    "resident_id",
    "area_id",
    "visitor",
    "version",
    "created_at",
    "due_on",
];

fn columns() -> Vec<&'static str> {
    [&COLUMNS[..], &Projection::COLUMNS].concat()
}

const ROWS: &str = "SELECT i.id, i.number, i.subject_id, i.resident_id, i.area_id, a.staff_id AS visitor, i.version,
   i.created_at, i.due_on, i.state, i.round, i.level, i.category, i.urgency, i.town_finished, i.platform_finished
 FROM issues i LEFT JOIN assignments a ON a.subject_id = i.subject_id";

/// An issue to be added, as it's registered.
#[derive(Debug, Serialize)]
pub struct NewIssueRow {
    pub id: String,
    pub number: String,
    pub natural_key: String,
    /// By what it's known again in a record that has lost it.
    #[serde(skip)]
    pub identity: String,
    #[serde(skip)]
    pub place: String,
    pub visit_id: String,
    pub resident_id: String,
    pub subject_id: String,
    pub area_id: String,
    pub text_sealed: String,
    pub state: &'static str,
    pub round: i64,
    pub town_finished: i64,
    pub platform_finished: i64,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

impl IssueRow {
    /// What the state machine knows of it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where a column holds a word that isn't known.
    pub fn issue(&self) -> Result<Issue> {
        self.projection.issue()
    }

    /// When it's to be resolved, once it's classified.
    pub fn due_on(&self) -> Result<Option<Date>> {
        self.due_on.as_deref().map(|on| date("issues.due_on", on)).transpose()
    }
}

impl Session {
    /// The issues of these ids.
    pub async fn issue_rows(&mut self, ids: &[&str]) -> Result<Vec<IssueRow>> {
        let query = format!("{ROWS} WHERE i.id {}", self.dialect.among());
        self.read_set(&columns(), &query, ids, &[]).await
    }

    /// The issues of these numbers.
    pub async fn issues_numbered(&mut self, numbers: &[&str]) -> Result<Vec<IssueRow>> {
        let query = format!("{ROWS} WHERE i.number {}", self.dialect.among());
        self.read_set(&columns(), &query, numbers, &[]).await
    }

    /// The issues of these subjects.
    pub async fn issues_of(&mut self, subjects: &[&str]) -> Result<Vec<IssueRow>> {
        let query = format!("{ROWS} WHERE i.subject_id {} ORDER BY i.number", self.dialect.among());
        self.read_set(&columns(), &query, subjects, &[]).await
    }

    /// The issue of that number.
    ///
    /// # Errors
    /// [`StoreError::Rule`] where there is none.
    pub async fn issue_numbered(&mut self, number: &str) -> Result<IssueRow> {
        let found = self.issues_numbered(&[number]).await?.pop();
        found.ok_or_else(|| StoreError::no_issue(number))
    }

    /// The ids of the town's own issues that were due before a date and that nobody has begun.
    pub async fn overdue_and_not_begun(
        &mut self,
        due_before: Date,
        limit: i64,
    ) -> Result<Vec<String>> {
        let ids = sqlx::query_scalar(
            "SELECT id FROM issues WHERE state IN ('classified', 'reopened') AND level = 'town' AND town_finished = 0
               AND due_on < $1 ORDER BY number LIMIT $2",
        );
        Ok(ids.bind(due_before.to_string()).bind(limit).fetch_all(&mut self.db).await?)
    }
}

impl Tx {
    /// Adds issues.
    pub async fn add_issues(&mut self, rows: &[NewIssueRow]) -> Result<()> {
        rows.iter().for_each(|row| self.tally_new(Thing::Issue, &row.id));
        let texts = [
            "id",
            "number",
            "natural_key",
            "visit_id",
            "resident_id",
            "subject_id",
            "area_id",
            "text_sealed",
            "state",
        ];
        let numbers =
            ["round", "town_finished", "platform_finished", "version", "created_at", "updated_at"];
        self.insert_set("issues", &Columns { texts: &texts, numbers: &numbers }, rows).await?;
        self.new_issues.extend(rows.iter().map(|row| row.id.clone()));
        Ok(())
    }

    /// Gives issues other dates: each by its id.
    pub async fn date_issues(&mut self, dates: &[(String, String)]) -> Result<()> {
        #[derive(Serialize)]
        struct Dated<'d> {
            id: &'d str,
            due_on: &'d str,
        }
        self.retally(Thing::Issue, dates.iter().map(|(id, _)| id.as_str())).await?;
        let rows: Vec<Dated<'_>> = dates.iter().map(|(id, due_on)| Dated { id, due_on }).collect();
        let columns = Columns { texts: &["id", "due_on"], numbers: &[] };
        self.update_set("issues", &columns, &rows).await
    }

    /// Lets the issues of subjects lie where their subjects do: pairs of a subject's id and its area's.
    pub async fn move_issues(&mut self, subjects: &[(String, String)]) -> Result<()> {
        #[derive(Serialize)]
        struct Move<'m> {
            subject: &'m str,
            area: &'m str,
        }
        let moved: Vec<&str> = subjects.iter().map(|(subject, _)| subject.as_str()).collect();
        self.retally_around(&moved).await?;
        let rows: Vec<Move<'_>> =
            subjects.iter().map(|(subject, area)| Move { subject, area }).collect();
        let source = self.dialect.rows(&["subject", "area"], &[]);
        let change = format!(
            "UPDATE issues SET area_id = j.area FROM {source} AS j WHERE issues.subject_id = j.subject"
        );
        self.write_set(&change, &rows).await
    }
}
