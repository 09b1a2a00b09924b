//! Subjects by numbers that are nearly theirs.

use serde::{Deserialize, Serialize};

use super::sets::Columns;
use super::{Result, Session, Store, SubjectKeys};
use crate::domain::subject::near_number;

/// So many are filled in in one turn.
const AT_ONCE: i64 = 2_000;

#[derive(Deserialize)]
struct Numbered {
    id: String,
    number: String,
}

#[derive(Serialize)]
struct Near {
    id: String,
    near_number: String,
}

impl Store {
    /// Fills in what an earlier version didn't keep.
    pub async fn index_subjects(&self) -> Result<()> {
        let read =
            format!("SELECT id, number FROM subjects WHERE near_number IS NULL LIMIT {AT_ONCE}");
        let mut snapshot = self.snapshot().await?;
        let some: Vec<Numbered> = snapshot.read_rows(&["id", "number"], &read, &[]).await?;
        snapshot.end().await?;
        let mut is_left = !some.is_empty();
        while is_left {
            let mut tx = self.begin().await?;
            let rows: Vec<Numbered> = tx.read_rows(&["id", "number"], &read, &[]).await?;
            is_left = !rows.is_empty();
            let near = |row: Numbered| Near { near_number: near_number(&row.number), id: row.id };
            let rows: Vec<Near> = rows.into_iter().map(near).collect();
            let columns = Columns { texts: &["id", "near_number"], numbers: &[] };
            tx.update_set("subjects", &columns, &rows).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

impl Session {
    /// What the subjects are known by whose numbers are nearly these.
    pub async fn subjects_near(&mut self, near: &[&str]) -> Result<Vec<SubjectKeys>> {
        if near.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.subjects_by("near_number", near).await?;
        found.sort_by(|one, other| one.number.cmp(&other.number));
        Ok(found)
    }
}
