//! What was drawn for a check, and what came of it (四(三)).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::dialect::Parameter;
use super::personal::{INSPECTION_ANSWER, INSPECTION_FOUND, INSPECTION_NOTE};
use super::sets::Columns;
use super::{Context, Result, Session, Tx, date, to_json, word};
use crate::domain::inspection::Finding;
use crate::domain::staff::Role;

/// A draw.
#[derive(Debug, Serialize, Deserialize)]
pub struct DrawRow {
    pub id: String,
    /// As text: it may be larger than the database's numbers.
    pub seed: String,
    /// What was asked for, as JSON.
    pub asked: String,
    /// How many it was drawn from.
    pub population: i64,
    pub due_on: String,
    pub drawn_by: String,
    pub drawn_at: i64,
}

/// What a draw drew.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DrawnSubject {
    pub inspection: String,
    pub subject: String,
}

/// One subject of a draw, to be added.
#[derive(Debug, Serialize)]
pub struct NewInspection {
    pub id: String,
    pub number: String,
    pub draw_id: String,
    pub subject_id: String,
    pub inspector_id: String,
    pub drawn_on: String,
    pub due_on: String,
    pub created_at: i64,
}

/// What was found of one, or what came of that: where nothing is told, what is known stays.
#[derive(Debug, Default, Serialize)]
pub struct InspectionCheck {
    pub id: String,
    pub checked_on: Option<String>,
    pub checked_by: Option<String>,
    pub finding: Option<&'static str>,
    pub found_sealed: Option<String>,
    pub recorded_at: Option<i64>,
    pub answer_role: Option<&'static str>,
    pub answered_by: Option<String>,
    pub answer_sealed: Option<String>,
    pub answered_at: Option<i64>,
}

/// One that was drawn, as it stands.
#[derive(Debug, Clone, Deserialize)]
pub struct InspectionRow {
    pub id: String,
    pub number: String,
    pub subject_id: String,
    pub inspector_id: String,
    drawn_on: String,
    due_on: String,
    pub checked_on: Option<String>,
    pub checked_by: Option<String>,
    finding: Option<String>,
    found_sealed: Option<String>,
    pub recorded_at: Option<i64>,
    answer_role: Option<String>,
    answer_sealed: Option<String>,
    pub answered_at: Option<i64>,
    /// 1 where a check there is recorded as a visit since it was drawn.
    pub visited: i64,
    /// Since when its subject isn't to be visited.
    ended_on: Option<String>,
}

/// One that was drawn, with what whoever checks it needs to know.
#[derive(Debug, Clone)]
pub struct InspectionLine {
    pub row: InspectionRow,
    pub area_id: String,
    pub subject: String,
    pub subject_kind: String,
    pub subject_name: String,
    pub visitor: Option<String>,
    /// When the visitor was there, and how many demands they wrote down.
    pub visited_on: Option<String>,
    pub demands: i64,
    pub answered_by: Option<String>,
}

#[derive(Deserialize)]
struct LineRow {
    #[serde(flatten)]
    row: InspectionRow,
    area_id: String,
    subject: String,
    subject_kind: String,
    subject_name: String,
    visitor: Option<String>,
    visited_on: Option<String>,
    demands: i64,
    answered_by: Option<String>,
}

impl LineRow {
    fn read(self, context: &Context) -> Result<InspectionLine> {
        let subject_name =
            context.masked_name(&self.row.subject_id, &self.subject_kind, &self.subject_name)?;
        Ok(InspectionLine {
            area_id: self.area_id,
            subject: self.subject,
            subject_name,
            subject_kind: self.subject_kind,
            visitor: self.visitor,
            visited_on: self.visited_on,
            demands: self.demands,
            answered_by: self.answered_by,
            row: self.row,
        })
    }
}

/// Which of them are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectionStanding {
    Any,
    /// Not checked yet.
    Open,
    /// Not as it was written, and nobody has answered that.
    Differs,
}

impl InspectionStanding {
    const fn condition(self) -> &'static str {
        match self {
            InspectionStanding::Any => "",
            InspectionStanding::Open => "AND n.checked_on IS NULL AND s.ended_on IS NULL",
            InspectionStanding::Differs => {
                "AND n.answer_role IS NOT NULL AND n.answered_at IS NULL"
            }
        }
    }
}

/// Lines as a query begins that reads them, with what was visited and heard from the day $2 to the day $3.
fn lines() -> String {
    format!(
        "SELECT {ROW}, s.area_id, s.number AS subject, s.kind AS subject_kind, s.name_sealed AS subject_name,
           a.staff_id AS visitor, n.answered_by,
           (SELECT MAX(v.visited_on) FROM visits v WHERE v.subject_id = s.id AND v.kind = 'first'
             AND v.visited_on >= $2 AND v.visited_on <= $3) AS visited_on,
           (SELECT COUNT(*) FROM issues i JOIN visits w ON w.id = i.visit_id WHERE i.subject_id = s.id AND i.state <> 'void'
             AND w.visited_on <= $3) AS demands
         FROM inspections n JOIN subjects s ON s.id = n.subject_id LEFT JOIN assignments a ON a.subject_id = s.id"
    )
}

const COLUMNS: [&str; 16] = [
    "id",
    "number",
    "subject_id",
    "inspector_id",
    "drawn_on",
    "due_on",
    "checked_on",
    "checked_by",
    "finding",
    "found_sealed",
    "recorded_at",
    "answer_role",
    "answer_sealed",
    "answered_at",
    "visited",
    "ended_on",
];

const ROW: &str = "n.id, n.number, n.subject_id, n.inspector_id, n.drawn_on, n.due_on, n.checked_on, n.checked_by, n.finding,
   n.found_sealed, n.recorded_at, n.answer_role, n.answer_sealed, n.answered_at,
   CASE WHEN EXISTS (SELECT 1 FROM visits v WHERE v.subject_id = n.subject_id AND v.kind = 'spot_check'
     AND v.visited_on >= n.drawn_on) THEN 1 ELSE 0 END AS visited,
   (SELECT e.ended_on FROM subjects e WHERE e.id = n.subject_id) AS ended_on";

impl InspectionRow {
    pub fn drawn_on(&self) -> Result<Date> {
        date("inspections.drawn_on", &self.drawn_on)
    }

    pub fn due_on(&self) -> Result<Date> {
        date("inspections.due_on", &self.due_on)
    }

    pub fn finding(&self) -> Result<Option<Finding>> {
        let finding = self.finding.as_deref();
        finding.map(|text| word("inspections.finding", text, Finding::read)).transpose()
    }

    /// Whether it was checked by the end of a day.
    pub fn is_checked_by(&self, day: Date) -> bool {
        self.checked_on.as_ref().is_some_and(|on| *on <= day.to_string())
    }

    /// Whether nobody was to check it any more by the end of a day: its subject had ended before it was checked.
    pub fn is_dropped_by(&self, day: Date) -> bool {
        let ended = self.ended_on.as_ref().is_some_and(|on| *on <= day.to_string());
        ended && !self.is_checked_by(day)
    }

    /// Since when its subject isn't to be visited any more.
    pub fn ended_on(&self) -> Option<&str> {
        self.ended_on.as_deref()
    }

    /// Whose affair it is that something isn't as it was written.
    pub fn difference(&self) -> Result<Option<Role>> {
        let role = self.answer_role.as_deref();
        role.map(|text| word("inspections.answer_role", text, Role::read)).transpose()
    }

    /// What was found, and what was answered to it.
    pub fn open(&self, context: &Context) -> Result<(Option<String>, Option<String>)> {
        Ok((
            context.open_optional(INSPECTION_FOUND, &self.id, self.found_sealed.clone())?,
            context.open_optional(INSPECTION_ANSWER, &self.id, self.answer_sealed.clone())?,
        ))
    }
}

/// Of what a sample is drawn: a subject that was visited, where it lies, and by whom.
#[derive(Debug, Clone, Deserialize)]
pub struct VisitedSubject {
    pub area_id: String,
    pub subject_id: String,
    pub number: String,
    pub visitor: String,
}

impl Session {
    /// What was drawn of these subjects since an instant.
    pub async fn inspections_of(
        &mut self,
        subjects: &[&str],
        since: i64,
    ) -> Result<Vec<InspectionRow>> {
        let query = format!(
            "SELECT {ROW} FROM inspections n WHERE n.subject_id {} AND n.created_at >= {since} ORDER BY n.id",
            self.dialect.among()
        );
        self.read_set(&COLUMNS, &query, subjects, &[]).await
    }

    /// Those of these numbers.
    pub async fn inspections_numbered(&mut self, numbers: &[&str]) -> Result<Vec<InspectionRow>> {
        let query =
            format!("SELECT {ROW} FROM inspections n WHERE n.number {}", self.dialect.among());
        self.read_set(&COLUMNS, &query, numbers, &[]).await
    }

    /// All that were drawn since an instant, with what whoever checks them needs to know, as it stood at the end of a day.
    pub async fn inspection_lines(
        &mut self,
        since: i64,
        until: Date,
    ) -> Result<Vec<InspectionLine>> {
        let query = format!("{} WHERE n.created_at >= $1 ORDER BY n.number", lines());
        let began = self.campaign().starts_on().to_string();
        let parameters = [since.into(), began.into(), until.to_string().into()];
        self.read_lines(&query, &parameters).await
    }

    /// Of these areas, what was drawn since an instant and stands so, after the one of number `after`, at most `limit`.
    pub async fn inspections_standing(
        &mut self,
        (areas, since): (&[&str], i64),
        standing: InspectionStanding,
        after: &str,
        limit: i64,
    ) -> Result<Vec<InspectionLine>> {
        let query = format!(
            "{} WHERE s.area_id {} AND n.created_at >= {since} AND n.number > $4 {} ORDER BY n.number LIMIT {limit}",
            lines(),
            self.dialect.among(),
            standing.condition()
        );
        let (began, today) = (self.campaign().starts_on(), self.today());
        let parameters = [
            to_json(&areas)?.into(),
            began.to_string().into(),
            today.to_string().into(),
            after.into(),
        ];
        self.read_lines(&query, &parameters).await
    }

    /// How many of these there are; of more than `most` that there are more.
    pub async fn inspections_count(
        &mut self,
        (areas, since): (&[&str], i64),
        standing: InspectionStanding,
        most: i64,
    ) -> Result<i64> {
        let query = format!(
            "SELECT COUNT(*) FROM (SELECT n.number FROM inspections n JOIN subjects s ON s.id = n.subject_id
               WHERE s.area_id {} AND n.created_at >= {since} {} ORDER BY n.number LIMIT {most}) AS few",
            self.dialect.among(),
            standing.condition()
        );
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(to_json(&areas)?);
        Ok(count.fetch_one(&mut self.db).await?)
    }

    /// The one of that number.
    pub async fn inspection_line(&mut self, number: &str) -> Result<Option<InspectionLine>> {
        let query = format!("{} WHERE n.number = $1", lines());
        let (began, today) = (self.campaign().starts_on(), self.today());
        let parameters = [number.into(), began.to_string().into(), today.to_string().into()];
        Ok(self.read_lines(&query, &parameters).await?.pop())
    }

    async fn read_lines(
        &mut self,
        query: &str,
        parameters: &[Parameter],
    ) -> Result<Vec<InspectionLine>> {
        let more = [
            "area_id",
            "subject",
            "subject_kind",
            "subject_name",
            "visitor",
            "visited_on",
            "demands",
            "answered_by",
        ];
        let columns = [&COLUMNS[..], &more].concat();
        let rows: Vec<LineRow> = self.read_rows(&columns, query, parameters).await?;
        rows.into_iter().map(|row| row.read(&self.context)).collect()
    }

    /// Every subject whose first visit was complete at an instant, of which nobody had said by then that it ended, and that
    /// wasn't drawn and unchecked then, in the campaign that began at `began`; by area and number, as if one draw hadn't been.
    pub async fn visited_subjects(
        &mut self,
        (at, began): (i64, i64),
        but: &str,
    ) -> Result<Vec<VisitedSubject>> {
        let query = "SELECT s.area_id, s.id AS subject_id, s.number, a.staff_id AS visitor
             FROM subjects s JOIN assignments a ON a.subject_id = s.id
             JOIN duties d ON d.duty_key = 'visit:' || s.id AND d.state = 'met' AND d.met_at <= $1
             WHERE (s.ended_at IS NULL OR s.ended_at > $1 OR s.resumed_at <= $1)
               AND (s.ended_on IS NULL OR s.ended_on > $3 OR s.ended_at IS NOT NULL)
               AND NOT EXISTS (SELECT 1 FROM inspections n WHERE n.subject_id = s.id AND n.created_at BETWEEN $4 AND $1
               AND n.draw_id <> $2 AND (n.checked_on IS NULL OR n.recorded_at > $1))
             ORDER BY s.area_id, s.number";
        let columns = ["area_id", "subject_id", "number", "visitor"];
        let on = crate::clock::township_date(at).to_string();
        let parameters = [at.into(), but.into(), on.into(), began.into()];
        self.read_rows(&columns, query, &parameters).await
    }

    /// The draw of that seed since an instant.
    pub async fn draw_of_seed(&mut self, seed: u64, since: i64) -> Result<Option<DrawRow>> {
        let query =
            "SELECT id, seed, asked, population, due_on, drawn_by, drawn_at FROM inspection_draws
             WHERE seed = $1 AND drawn_at >= $2 ORDER BY drawn_at, id LIMIT 1";
        let columns = ["id", "seed", "asked", "population", "due_on", "drawn_by", "drawn_at"];
        let parameters = [seed.to_string().into(), since.into()];
        Ok(self.read_rows(&columns, query, &parameters).await?.pop())
    }

    /// What a draw drew: the number of each and its subject's, by number.
    pub async fn drawn_by(&mut self, draw: &str) -> Result<Vec<DrawnSubject>> {
        let query = "SELECT n.number AS inspection, s.number AS subject FROM inspections n JOIN subjects s ON s.id = n.subject_id
             WHERE n.draw_id = $1 ORDER BY n.number";
        self.read_rows(&["inspection", "subject"], query, &[draw.into()]).await
    }
}

impl Tx {
    /// Adds a draw with what was drawn.
    pub async fn add_draw(&mut self, draw: &DrawRow, drawn: &[NewInspection]) -> Result<()> {
        let texts = ["id", "seed", "asked", "due_on", "drawn_by"];
        let columns = Columns { texts: &texts, numbers: &["population", "drawn_at"] };
        self.insert_set("inspection_draws", &columns, &[draw]).await?;
        let texts = ["id", "number", "draw_id", "subject_id", "inspector_id", "drawn_on", "due_on"];
        let columns = Columns { texts: &texts, numbers: &["created_at"] };
        self.insert_set("inspections", &columns, drawn).await
    }

    /// Writes what was found, and what came of it.
    pub async fn put_checks(&mut self, checks: &[InspectionCheck]) -> Result<()> {
        let texts = [
            "id",
            "checked_on",
            "checked_by",
            "finding",
            "found_sealed",
            "answer_role",
            "answered_by",
            "answer_sealed",
        ];
        let numbers = ["recorded_at", "answered_at"];
        let set: Vec<String> = texts[1..]
            .iter()
            .chain(&numbers)
            .map(|name| format!("{name} = COALESCE(j.{name}, inspections.{name})"))
            .collect();
        let change = format!(
            "UPDATE inspections SET {} FROM {} AS j WHERE inspections.id = j.id",
            set.join(", "),
            self.dialect.rows(&texts, &numbers)
        );
        self.write_set(&change, checks).await
    }

    /// Notes what an inspector saw on a day.
    pub async fn add_inspection_note(&mut self, on: Date, staff: &str, text: &str) -> Result<()> {
        let (id, now) = (self.context.id(), self.now());
        let sealed = self.context.seal(INSPECTION_NOTE, &id, text)?;
        sqlx::query(
            "INSERT INTO inspection_notes (id, on_date, staff_id, text_sealed, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(on.to_string())
        .bind(staff.to_owned())
        .bind(sealed)
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
