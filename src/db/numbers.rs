//! The numbers that issues were given, and by what each issue is known again: what is remembered of them beside the record,
//! and those whose issues were lost when a backup was restored.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use super::memory::NUMBERS;
use super::sets::Columns;
use super::{Restored, Result, Session, Store, Tx};
use crate::domain::memory::{GivenNumber, sequence_of};
use crate::seal::Sealer;

/// So many are read at once.
const AT_ONCE: i64 = 10_000;

/// That a lost number's issue hasn't come in again.
const MISSING: &str = "NOT EXISTS (SELECT 1 FROM issues i WHERE i.number = l.number)";
const COLUMNS: [&str; 3] = ["number", "identity", "place"];

/// A number with what its issue is known by.
#[derive(Debug, Serialize, Deserialize)]
pub struct NumberOf {
    pub number: String,
    pub identity: String,
    pub place: String,
}

from_row!(GivenNumber { entry, number, identity, place });

impl Store {
    /// Some of the numbers that were given after that one.
    pub async fn numbers_given(&self, after: i64) -> Result<Vec<GivenNumber>> {
        Ok(sqlx::query_as(
            "SELECT entry, number, identity, place FROM issue_numbers WHERE entry > $1 ORDER BY entry LIMIT $2",
        )
        .bind(after)
        .bind(AT_ONCE)
        .fetch_all(&self.read)
        .await?)
    }
}

impl Session {
    /// The numbers that issues of these identities had before a backup was restored, and that nobody has now, as they
    /// were given.
    pub async fn lost_numbers(&mut self, of: &[&str]) -> Result<HashMap<String, Vec<String>>> {
        if self.restored().await?.is_none() {
            return Ok(HashMap::new());
        }
        let query = format!(
            "SELECT l.number, l.identity, l.place FROM lost_numbers l WHERE l.identity {} AND {MISSING} ORDER BY l.number",
            self.dialect.among()
        );
        let mut lost: HashMap<String, Vec<String>> = HashMap::new();
        for found in self.read_set::<NumberOf>(&COLUMNS, &query, of, &[]).await? {
            lost.entry(found.identity).or_default().push(found.number);
        }
        Ok(lost)
    }
}

impl Tx {
    /// Notes what numbers were given.
    pub async fn note_numbers(&mut self, given: &[NumberOf]) -> Result<()> {
        if given.is_empty() {
            return Ok(());
        }
        let count = i64::try_from(given.len()).unwrap_or(i64::MAX);
        let first = self.next_values(NUMBERS, count).await?;
        let rows: Vec<GivenNumber> = given
            .iter()
            .zip(first..)
            .map(|(NumberOf { number, identity, place }, entry)| GivenNumber {
                entry,
                number: number.clone(),
                identity: identity.clone(),
                place: place.clone(),
            })
            .collect();
        let columns = Columns { texts: &COLUMNS, numbers: &["entry"] };
        self.insert_set("issue_numbers", &columns, &rows).await
    }

    /// Notes numbers that were given, and whose issues the record has lost.
    pub async fn lose_numbers(&mut self, lost: &[GivenNumber]) -> Result<()> {
        let source = self.dialect.rows(&COLUMNS, &["entry"]);
        let insert = format!(
            "INSERT INTO lost_numbers (number, identity, place) SELECT DISTINCT number, identity, place FROM {source} AS j
             WHERE true ON CONFLICT DO NOTHING"
        );
        self.write_set(&insert, lost).await
    }

    /// The next value of a counter is greater than that one.
    pub async fn count_from(&mut self, counter: &str, at_least: i64) -> Result<()> {
        sqlx::query(
            "INSERT INTO counters (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE counters.value < excluded.value",
        )
        .bind(counter.to_owned())
        .bind(at_least)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}

/// What may have been sent before a backup was restored, and is owed again.
#[derive(Debug)]
pub(super) struct Unsure {
    lost: Restored,
    /// Of where matters were told that the record has lost, and that haven't come in again.
    places: HashSet<String>,
}

impl Unsure {
    /// Since when it may have been sent, where it may: what is owed of an issue whose number was given before, or, in what
    /// words ever, of a place of which something is still missing (`place`).
    pub fn since(&self, number: &str, place: Option<&str>) -> Option<i64> {
        let known = sequence_of(number).is_some_and(|sequence| sequence <= self.lost.issues);
        let may_be_missing = place.is_some_and(|place| self.places.contains(place));
        (known || may_be_missing).then_some(self.lost.from)
    }
}

/// For how long after a backup was restored what was lost may come in again, in milliseconds.
const REPEATED_WITHIN: i64 = 30 * 24 * 3_600 * 1_000;

impl Session {
    /// What is unsure now; nothing where no backup was restored of late.
    pub(super) async fn unsure(&mut self) -> Result<Option<Unsure>> {
        let now = self.now;
        let lost = self.restored().await?.filter(|lost| now < lost.at + REPEATED_WITHIN);
        let Some(lost) = lost else { return Ok(None) };
        let places = format!("SELECT DISTINCT l.place FROM lost_numbers l WHERE {MISSING}");
        let places: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(places)).fetch_all(&mut self.db).await?;
        Ok(Some(Unsure { lost, places: places.into_iter().collect() }))
    }

    /// The places of these issues, as lost numbers name them, by the issues' ids.
    pub(super) async fn places_of_issues(
        &mut self,
        issues: &[&str],
    ) -> Result<HashMap<String, String>> {
        #[derive(Deserialize)]
        struct Of {
            id: String,
            number: String,
        }
        let read = format!(
            "SELECT i.id, s.number FROM issues i JOIN subjects s ON s.id = i.subject_id WHERE i.id {}",
            self.dialect.among()
        );
        let of: Vec<Of> = self.read_set(&["id", "number"], &read, issues, &[]).await?;
        let sealer = &self.context.sealer;
        Ok(of.into_iter().map(|of| (of.id, place(sealer, &of.number))).collect())
    }
}

impl Store {
    /// How many numbers were lost whose issues haven't come in again.
    pub async fn missing_numbers(&self) -> Result<i64> {
        let count = format!("SELECT COUNT(DISTINCT l.number) FROM lost_numbers l WHERE {MISSING}");
        Ok(sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&self.read).await?)
    }
}

/// By what a subject is known in what is remembered beside the record.
pub fn place(sealer: &Sealer, subject_number: &str) -> String {
    sealer.index(&["place", subject_number])
}
