//! The kept figures: numbers that change in the transaction of what they count, and are written at its end.

use serde::{Deserialize, Serialize};

use super::{Result, Tx, to_json};
use crate::domain::counted::{CountedDuty, CountedEntry, Thing};
use crate::domain::figures::Counter;

/// How many things one statement is handed.
const AT_ONCE: usize = 5_000;

/// A number of a table's row, or by how much it changes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CounterRow {
    #[serde(flatten)]
    pub counter: Counter,
    pub total: i64,
}

/// What singles out a number, in the order of the table's key.
pub(super) const KEY: [&str; 5] = ["dimension", "of_id", "name", "campaign", "day"];

impl Tx {
    /// Keeps what was changed, and what it changed of the figures.
    ///
    /// # Errors
    /// Where it may not have been kept: whoever needs to know looks again.
    pub async fn commit(mut self) -> Result<()> {
        self.flush_tally().await?;
        self.keep().await
    }

    /// These things are about to change: what they count for now is taken away, and what they count for then is added at
    /// the end of this transaction. Where whoever changes them knows both, [`Tally::change`](crate::domain::figures::Tally)
    /// does the same without reading anything; not for a thing that was handed to this.
    pub(super) async fn retally<'i>(
        &mut self,
        thing: Thing,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> Result<()> {
        let known = self.retallied.entry(thing).or_default();
        let mut news = Vec::new();
        for id in ids {
            if known.insert(id.to_owned()) {
                news.push(id);
            }
        }
        if news.is_empty() {
            return Ok(());
        }
        let mut tally = std::mem::take(&mut self.tally);
        for ids in news.chunks(AT_ONCE) {
            self.count_among(thing, &to_json(&ids)?, &mut tally, -1).await?;
        }
        self.tally = tally;
        Ok(())
    }

    /// Whether what it counts for is added at the end of this transaction.
    pub(super) fn is_retallied(&self, thing: Thing, id: &str) -> bool {
        self.retallied.get(&thing).is_some_and(|ids| ids.contains(id))
    }

    /// This thing has just come: what it counts for is added at the end of this transaction.
    pub(super) fn tally_new(&mut self, thing: Thing, id: &str) {
        self.retallied.entry(thing).or_default().insert(id.to_owned());
    }

    /// Subjects are about to change their places or their visitors: they are counted elsewhere, and so is what was heard
    /// there.
    pub(super) async fn retally_around(&mut self, subjects: &[&str]) -> Result<()> {
        self.retally(Thing::Subject, subjects.iter().copied()).await?;
        for (thing, read) in [
            (Thing::Resident, "SELECT id FROM residents WHERE subject_id"),
            (Thing::Issue, "SELECT id FROM issues WHERE subject_id"),
        ] {
            for subjects in subjects.chunks(AT_ONCE) {
                let read = sqlx::AssertSqlSafe(format!("{read} {}", self.dialect.among()));
                let ids: Vec<String> = sqlx::query_scalar(read)
                    .bind(to_json(&subjects)?)
                    .fetch_all(&mut self.db)
                    .await?;
                self.retally(thing, ids.iter().map(String::as_str)).await?;
            }
        }
        Ok(())
    }

    /// An open duty came or went.
    pub(super) fn tally_duty(&mut self, before: Option<CountedDuty>, after: Option<CountedDuty>) {
        self.tally.change(before.as_ref(), after.as_ref());
    }

    /// An outbox entry became another.
    pub(super) fn tally_entry(&mut self, id: &str, before: &CountedEntry, after: &CountedEntry) {
        if !self.is_retallied(Thing::Entry, id) {
            self.tally.change(Some(before), Some(after));
        }
    }

    /// Writes by how much the figures changed.
    async fn flush_tally(&mut self) -> Result<()> {
        let mut tally = std::mem::take(&mut self.tally);
        for (thing, ids) in std::mem::take(&mut self.retallied) {
            let ids: Vec<String> = ids.into_iter().collect();
            for ids in ids.chunks(AT_ONCE) {
                self.count_among(thing, &to_json(&ids)?, &mut tally, 1).await?;
            }
        }
        let changes: Vec<CounterRow> = tally
            .take()
            .into_iter()
            .map(|(counter, total)| CounterRow { counter, total })
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        let (key, source) = (KEY.join(", "), self.dialect.rows(&KEY, &["total"]));
        let add = format!(
            "INSERT INTO tallies ({key}, total) SELECT {key}, total FROM {source} AS j WHERE true
             ON CONFLICT ({key}) DO UPDATE SET total = tallies.total + excluded.total"
        );
        sqlx::query(sqlx::AssertSqlSafe(add))
            .bind(to_json(&changes)?)
            .execute(&mut self.db)
            .await?;
        // Days pass: one of which nothing is left is kept no longer.
        let less = |change: &&CounterRow| change.total < 0 && !change.counter.day.is_empty();
        let less: Vec<&CounterRow> = changes.iter().filter(less).collect();
        if !less.is_empty() {
            let drop = format!(
                "DELETE FROM tallies WHERE total = 0 AND ({key}) IN (SELECT {key} FROM {} AS j)",
                self.dialect.rows(&KEY, &[])
            );
            sqlx::query(sqlx::AssertSqlSafe(drop))
                .bind(to_json(&less)?)
                .execute(&mut self.db)
                .await?;
        }
        Ok(())
    }
}
