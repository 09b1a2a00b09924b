//! Counts all figures again from the record, and says which kept ones differ: after a hand in the database, a restored
//! backup, or a mistake in this program.

use std::collections::BTreeMap;
use std::fmt;

use super::tallies::{CounterRow, KEY};
use super::{Result, Session, Store, Tx, date, word};
use crate::domain::counted::{CountedDuty, DeliveredNotice, UnknownWord};
use crate::domain::duty::DutyKind;
use crate::domain::figures::{Counted, Counter, Tally};

/// A kept number that isn't what the record makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureDifference {
    pub counter: Counter,
    pub kept: i64,
    pub counted: i64,
}

impl fmt::Display for FigureDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}：记为 {}，应为 {}", self.counter, self.kept, self.counted)
    }
}

impl Store {
    /// Which kept figures differ from those counted again, as the record stood at one instant. Nobody waits for it.
    ///
    /// # Errors
    /// Where the database fails, or what it holds can't be understood.
    pub async fn recount(&self) -> Result<Vec<FigureDifference>> {
        let mut snapshot = self.snapshot().await?;
        let differences = snapshot.recount().await?;
        snapshot.end().await?;
        Ok(differences)
    }

    /// Counts once what a record of an earlier version holds already.
    pub(super) async fn count_first(&self) -> Result<()> {
        let counted: Option<String> =
            sqlx::query_scalar("SELECT value FROM meta WHERE name = 'figures'")
                .fetch_optional(&self.read)
                .await?;
        if counted.is_some() {
            return Ok(());
        }
        let differences = self.recount().await?;
        let mut tx = self.begin().await?;
        let first = sqlx::query(
            "INSERT INTO meta (name, value) VALUES ('figures', 'counted') ON CONFLICT (name) DO NOTHING",
        )
        .execute(&mut tx.db)
        .await?;
        // Another process may have been faster.
        if first.rows_affected() > 0 {
            tx.add_to_figures(&differences);
        }
        tx.commit().await
    }
}

impl Tx {
    /// Puts kept figures right: adds what they lack. What changed since they were found to differ counts besides. False,
    /// and nothing done, where others have put them right since `mends`, which was read with the differences.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn mend_figures(
        &mut self,
        differences: &[FigureDifference],
        mends: i64,
    ) -> Result<bool> {
        if self.figure_mends().await? != mends {
            return Ok(false);
        }
        self.next_value(MENDS).await?;
        self.add_to_figures(differences);
        Ok(true)
    }

    fn add_to_figures(&mut self, differences: &[FigureDifference]) {
        for FigureDifference { counter, kept, counted } in differences {
            self.tally.add(counter.clone(), counted - kept);
        }
    }
}

/// The counter of how often kept figures were put right.
const MENDS: &str = "figure_mends";

impl Session {
    /// Which kept figures differ from those counted again. Within a change, before it's written what it changes.
    ///
    /// # Errors
    /// Where the database fails, or what it holds can't be understood.
    pub async fn recount(&mut self) -> Result<Vec<FigureDifference>> {
        let mut tally = Tally::default();
        self.count_all_things(&mut tally).await?;
        self.count_entries(&mut tally).await?;
        self.count_duties(&mut tally).await?;
        self.count_rest(&mut tally).await?;
        let query = format!("SELECT {}, total FROM tallies WHERE total <> 0", KEY.join(", "));
        let columns: Vec<&str> = KEY.into_iter().chain(["total"]).collect();
        let kept: Vec<CounterRow> = self.read_rows(&columns, &query, &[]).await?;
        let mut both: BTreeMap<Counter, (i64, i64)> = BTreeMap::new();
        for CounterRow { counter, total } in kept {
            both.entry(counter).or_default().0 = total;
        }
        for (counter, total) in tally.take() {
            both.entry(counter).or_default().1 = total;
        }
        let differs = both.into_iter().filter(|(_, (kept, counted))| kept != counted);
        Ok(differs
            .map(|(counter, (kept, counted))| FigureDifference { counter, kept, counted })
            .collect())
    }

    /// How often kept figures were put right.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn figure_mends(&mut self) -> Result<i64> {
        let read = sqlx::query_scalar("SELECT value FROM counters WHERE name = $1");
        let mends: Option<i64> = read.bind(MENDS).fetch_optional(&mut self.db).await?;
        Ok(mends.unwrap_or(0))
    }

    /// Open duties, as many of each kind and day as there are.
    async fn count_duties(&mut self, tally: &mut Tally) -> Result<()> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT b.kind, b.due_on, CAST(SUM(o.open) AS BIGINT)
             FROM (SELECT group_id, COUNT(*) AS open FROM duties WHERE state = 'open' GROUP BY group_id) o
             JOIN duty_groups b ON b.id = o.group_id GROUP BY b.kind, b.due_on",
        )
        .fetch_all(&mut self.db)
        .await?;
        for (kind, due_on, open) in rows {
            let kind = word("duty_groups.kind", &kind, DutyKind::read)?;
            let due_on = date("duty_groups.due_on", &due_on)?;
            CountedDuty { kind, due_on }.count(tally, open);
        }
        Ok(())
    }

    /// Notices that were delivered, and answers whose word nobody knows.
    async fn count_rest(&mut self, tally: &mut Tally) -> Result<()> {
        let delivered: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM notices WHERE delivered_at IS NOT NULL")
                .fetch_one(&mut self.db)
                .await?;
        DeliveredNotice.count(tally, delivered);
        let words: Vec<(String, i64)> = sqlx::query_as(
            "SELECT word, COUNT(*) FROM referral_updates WHERE status IS NULL GROUP BY word",
        )
        .fetch_all(&mut self.db)
        .await?;
        for (word, times) in words {
            UnknownWord(&word).count(tally, times);
        }
        Ok(())
    }
}
