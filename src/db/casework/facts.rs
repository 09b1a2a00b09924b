//! Subjects, residents and visits.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::db::sets::{Columns, last_of_each};
use crate::db::{Result, Session, Tx};
use crate::domain::counted::Thing;
use crate::domain::visit::VisitKind;

/// Where a subject lies, and who visits it.
#[derive(Debug, Clone, Deserialize)]
pub struct SubjectPlace {
    pub id: String,
    pub number: String,
    pub area_id: String,
    /// Its visitor, once assigned.
    pub visitor: Option<String>,
    /// Since when it isn't to be visited any more.
    pub ended_on: Option<String>,
}

/// What a subject is known by when it comes in again.
#[derive(Debug, Clone, Deserialize)]
pub struct SubjectKeys {
    pub id: String,
    pub number: String,
    pub kind: String,
    pub area_id: String,
    pub content_key: String,
    pub name_sealed: String,
    pub address_sealed: Option<String>,
    pub ended_on: Option<String>,
    pub ended_why: Option<String>,
    pub ended_words_sealed: Option<String>,
}

/// That a subject isn't to be visited any more; nothing in all three: that it is.
#[derive(Debug, Serialize)]
pub struct SubjectEnding {
    pub id: String,
    pub ended_on: Option<String>,
    pub ended_why: Option<&'static str>,
    pub ended_words_sealed: Option<String>,
}

/// A resident, without what is personal of them.
#[derive(Debug, Clone, Deserialize)]
pub struct ResidentRow {
    pub id: String,
    pub subject_id: String,
    pub natural_key: String,
    /// 1 where they are registered there, and where it's recorded why they couldn't be heard.
    pub registered: i64,
    pub excused: i64,
    /// What they said at their last revisit of the campaign, and on which day.
    pub answer: Option<String>,
    pub answered_on: Option<String>,
}

/// A resident's visits since a date.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct VisitCounts {
    pub resident_id: String,
    pub heard: i64,
    pub revisited: i64,
    pub in_person: i64,
}

/// A subject to be added.
#[derive(Debug, Serialize)]
pub struct NewSubjectRow {
    pub id: String,
    pub number: String,
    /// By which it's found where somebody writes it nearly so.
    pub near_number: String,
    pub kind: &'static str,
    pub area_id: String,
    pub name_sealed: String,
    pub address_sealed: Option<String>,
    pub content_key: String,
    pub created_at: i64,
}

/// What is known of a subject now.
#[derive(Debug, Serialize)]
pub struct SubjectChange {
    pub id: String,
    pub kind: &'static str,
    pub area_id: String,
    pub name_sealed: String,
    pub address_sealed: Option<String>,
    pub content_key: String,
}

/// A resident to be added.
#[derive(Debug, Serialize)]
pub struct NewResident {
    pub id: String,
    pub subject_id: String,
    pub natural_key: String,
    pub name_sealed: String,
    /// By which they are found.
    pub name_key: String,
    pub contact_key: Option<String>,
    pub contact_sealed: Option<String>,
    pub registered: i64,
    pub unheard_sealed: Option<String>,
    pub created_at: i64,
}

/// What is known of a resident now.
#[derive(Debug, Default, Serialize)]
pub struct ResidentChange {
    pub id: String,
    /// Nothing: the contact as last told stays, unless it's cleared: 1.
    pub contact_sealed: Option<String>,
    pub contact_key: Option<String>,
    pub clears_contact: i64,
    /// Set where the registration was handed in: 1, and why they couldn't be heard.
    pub registered: Option<i64>,
    pub unheard_sealed: Option<String>,
}

/// A visit to be added.
#[derive(Debug, Serialize)]
pub struct NewVisitRow {
    pub id: String,
    pub natural_key: String,
    pub kind: &'static str,
    pub subject_id: String,
    pub resident_id: String,
    pub staff_id: String,
    pub visited_on: String,
    pub satisfaction: Option<&'static str>,
    pub face_to_face: i64,
    pub created_at: i64,
}

/// A row known by a key.
#[derive(Debug, Deserialize)]
struct Keyed {
    id: String,
    natural_key: String,
}

const PLACE: &str =
    "SELECT s.id, s.number, s.area_id, a.staff_id AS visitor, s.ended_on FROM subjects s
   LEFT JOIN assignments a ON a.subject_id = s.id";
const PLACE_COLUMNS: [&str; 5] = ["id", "number", "area_id", "visitor", "ended_on"];

/// The columns of [`SubjectKeys`].
const KEYS: [&str; 10] = [
    "id",
    "number",
    "kind",
    "area_id",
    "content_key",
    "name_sealed",
    "address_sealed",
    "ended_on",
    "ended_why",
    "ended_words_sealed",
];

/// When somebody was last heard at a subject.
#[derive(Deserialize)]
struct LastHeard {
    subject_id: String,
    visited_on: String,
}

impl Session {
    /// The subjects of these numbers.
    pub async fn subjects_numbered(&mut self, numbers: &[&str]) -> Result<Vec<SubjectPlace>> {
        let query = format!("{PLACE} WHERE s.number {}", self.dialect.among());
        self.read_set(&PLACE_COLUMNS, &query, numbers, &[]).await
    }

    /// The subjects of these ids.
    pub async fn subject_places(&mut self, ids: &[&str]) -> Result<Vec<SubjectPlace>> {
        let query = format!("{PLACE} WHERE s.id {}", self.dialect.among());
        self.read_set(&PLACE_COLUMNS, &query, ids, &[]).await
    }

    /// What the subjects of these numbers are known by.
    pub async fn subject_keys(&mut self, numbers: &[&str]) -> Result<Vec<SubjectKeys>> {
        self.subjects_by("number", numbers).await
    }

    /// The same by another column of theirs.
    pub(in crate::db) async fn subjects_by(
        &mut self,
        column: &str,
        values: &[&str],
    ) -> Result<Vec<SubjectKeys>> {
        let query = format!(
            "SELECT {} FROM subjects WHERE {column} {}",
            KEYS.join(", "),
            self.dialect.among()
        );
        self.read_set(&KEYS, &query, values, &[]).await
    }

    /// The ids of subjects after the one of id `after`, in their order, at most `limit`.
    pub async fn subject_ids_after(&mut self, after: &str, limit: i64) -> Result<Vec<String>> {
        let ids = sqlx::query_scalar("SELECT id FROM subjects WHERE id > $1 ORDER BY id LIMIT $2");
        Ok(ids.bind(after.to_owned()).bind(limit).fetch_all(&mut self.db).await?)
    }

    /// The residents of these subjects.
    pub async fn residents_of(
        &mut self,
        subjects: &[&str],
        since: &str,
    ) -> Result<Vec<ResidentRow>> {
        let query = format!(
            "SELECT r.id, r.subject_id, r.natural_key, r.registered,
               CASE WHEN r.unheard_sealed IS NULL THEN 0 ELSE 1 END AS excused,
               (SELECT v.satisfaction FROM visits v WHERE v.resident_id = r.id AND v.kind = 'revisit' AND v.visited_on >= $2
                ORDER BY v.visited_on DESC, v.id DESC LIMIT 1) AS answer,
               (SELECT MAX(v.visited_on) FROM visits v WHERE v.resident_id = r.id AND v.kind = 'revisit'
                AND v.visited_on >= $2) AS answered_on
             FROM residents r WHERE r.subject_id {} ORDER BY r.id",
            self.dialect.among()
        );
        let columns =
            ["id", "subject_id", "natural_key", "registered", "excused", "answer", "answered_on"];
        self.read_set(&columns, &query, subjects, &[since]).await
    }

    /// The visits of these subjects' residents since a date; who wasn't visited isn't there.
    pub async fn visit_counts(
        &mut self,
        subjects: &[&str],
        since: &str,
    ) -> Result<Vec<VisitCounts>> {
        let query = format!(
            "SELECT resident_id, COUNT(CASE WHEN kind = 'first' THEN 1 END) AS heard,
               COUNT(CASE WHEN kind = 'revisit' THEN 1 END) AS revisited,
               COUNT(CASE WHEN kind = 'revisit' AND face_to_face = 1 THEN 1 END) AS in_person
             FROM visits WHERE subject_id {} AND visited_on >= $2 GROUP BY resident_id",
            self.dialect.among()
        );
        let columns = ["resident_id", "heard", "revisited", "in_person"];
        self.read_set(&columns, &query, subjects, &[since]).await
    }

    /// The day on which somebody was last heard at each of these subjects, by its id, where anybody was.
    pub async fn last_heard_at(&mut self, subjects: &[&str]) -> Result<HashMap<String, String>> {
        let query = format!(
            "SELECT subject_id, MAX(visited_on) AS visited_on FROM visits WHERE subject_id {} AND kind = 'first'
             GROUP BY subject_id",
            self.dialect.among()
        );
        let columns = ["subject_id", "visited_on"];
        let rows: Vec<LastHeard> = self.read_set(&columns, &query, subjects, &[]).await?;
        Ok(rows.into_iter().map(|row| (row.subject_id, row.visited_on)).collect())
    }

    /// Which of these visits are known, by their natural keys: key and id.
    pub async fn known_visits(&mut self, keys: &[&str]) -> Result<Vec<(String, String)>> {
        self.known("visits", keys).await
    }

    /// When these visits were recorded, by their ids.
    pub async fn visits_recorded_at(&mut self, ids: &[&str]) -> Result<Vec<(String, i64)>> {
        #[derive(Deserialize)]
        struct Recorded {
            id: String,
            created_at: i64,
        }
        let among = self.dialect.among();
        let query = format!("SELECT id, created_at FROM visits WHERE id {among}");
        let rows: Vec<Recorded> = self.read_set(&["id", "created_at"], &query, ids, &[]).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.created_at)).collect())
    }

    /// Which of these issues are known, by their natural keys: key and id.
    pub async fn known_issues(&mut self, keys: &[&str]) -> Result<Vec<(String, String)>> {
        self.known("issues", keys).await
    }

    async fn known(&mut self, table: &str, keys: &[&str]) -> Result<Vec<(String, String)>> {
        let query = format!(
            "SELECT id, natural_key FROM {table} WHERE natural_key {}",
            self.dialect.among()
        );
        let rows: Vec<Keyed> = self.read_set(&["id", "natural_key"], &query, keys, &[]).await?;
        Ok(rows.into_iter().map(|row| (row.natural_key, row.id)).collect())
    }
}

impl Tx {
    /// Adds subjects.
    pub async fn add_subjects(&mut self, rows: &[NewSubjectRow]) -> Result<()> {
        rows.iter().for_each(|row| self.tally_new(Thing::Subject, &row.id));
        let texts = [
            "id",
            "number",
            "near_number",
            "kind",
            "area_id",
            "name_sealed",
            "address_sealed",
            "content_key",
        ];
        self.insert_set("subjects", &Columns { texts: &texts, numbers: &["created_at"] }, rows)
            .await
    }

    /// Brings subjects up to date.
    pub async fn change_subjects(&mut self, rows: &[SubjectChange]) -> Result<()> {
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        self.retally_around(&ids).await?;
        let texts = ["id", "kind", "area_id", "name_sealed", "address_sealed", "content_key"];
        self.update_set("subjects", &Columns { texts: &texts, numbers: &[] }, rows).await
    }

    /// Subjects aren't to be visited any more, or are again.
    pub async fn end_subjects(&mut self, rows: &[SubjectEnding]) -> Result<()> {
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        self.retally_around(&ids).await?;
        let texts = ["id", "ended_on", "ended_why", "ended_words_sealed"];
        let (source, now) = (self.dialect.rows(&texts, &[]), self.now());
        let ends = "subjects.ended_on IS NULL AND j.ended_on IS NOT NULL";
        let resumes = "subjects.ended_on IS NOT NULL AND j.ended_on IS NULL";
        let change = format!(
            "UPDATE subjects SET ended_at = CASE WHEN {ends} THEN {now} ELSE subjects.ended_at END,
               resumed_at = CASE WHEN {ends} THEN NULL WHEN {resumes} THEN {now} ELSE subjects.resumed_at END,
               ended_on = j.ended_on, ended_why = j.ended_why, ended_words_sealed = j.ended_words_sealed
             FROM {source} AS j WHERE subjects.id = j.id"
        );
        self.write_set(&change, rows).await
    }

    /// Adds residents.
    pub async fn add_residents(&mut self, rows: &[NewResident]) -> Result<()> {
        rows.iter().for_each(|row| self.tally_new(Thing::Resident, &row.id));
        let texts = [
            "id",
            "subject_id",
            "natural_key",
            "name_sealed",
            "name_key",
            "contact_sealed",
            "contact_key",
            "unheard_sealed",
        ];
        let numbers = ["registered", "created_at"];
        self.insert_set("residents", &Columns { texts: &texts, numbers: &numbers }, rows).await
    }

    /// Brings residents up to date.
    pub async fn change_residents(&mut self, rows: &[ResidentChange]) -> Result<()> {
        let texts = ["id", "contact_sealed", "contact_key", "unheard_sealed"];
        let source = self.dialect.rows(&texts, &["registered", "clears_contact"]);
        let change = format!(
            "UPDATE residents SET contact_sealed = CASE WHEN j.clears_contact = 1 THEN NULL
                 ELSE COALESCE(j.contact_sealed, residents.contact_sealed) END,
               contact_key = CASE WHEN j.contact_sealed IS NOT NULL OR j.clears_contact = 1 THEN j.contact_key
                 ELSE residents.contact_key END,
               unheard_sealed = CASE WHEN j.registered IS NULL THEN residents.unheard_sealed ELSE j.unheard_sealed END,
               registered = COALESCE(j.registered, residents.registered)
             FROM {source} AS j WHERE residents.id = j.id"
        );
        self.write_set(&change, &last_of_each(rows, |row| &row.id)).await
    }

    /// Adds visits.
    pub async fn add_visits(&mut self, rows: &[NewVisitRow]) -> Result<()> {
        let heard = rows.iter().filter(|row| row.kind != VisitKind::SpotCheck.code());
        self.retally(Thing::Resident, heard.map(|row| row.resident_id.as_str())).await?;
        let texts = [
            "id",
            "natural_key",
            "kind",
            "subject_id",
            "resident_id",
            "staff_id",
            "visited_on",
            "satisfaction",
        ];
        let numbers = ["face_to_face", "created_at"];
        self.insert_set("visits", &Columns { texts: &texts, numbers: &numbers }, rows).await
    }
}
