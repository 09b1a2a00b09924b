//! Referrals 上报 and the platform's answers to them.

use std::collections::HashMap;

use serde::Serialize;

use super::{Context, Receipt, Result, Store, Tx, to_json};
use crate::clock::span_millis;
use crate::domain::counted::{CountedEntry, CountedReferral, Thing};
use crate::domain::delivery::Withdrawal;
use crate::domain::issue::{State, Urgency};
use crate::domain::memory::UNSURE;
use crate::domain::referral;

/// What isn't owed of an issue any more, and what is said of what hasn't left, stands in a hand-off, or may have left.
#[derive(Serialize)]
struct Withdrawn<'w> {
    issue_id: &'w str,
    why: &'static str,
    unsent: String,
    handed: String,
    doubtful: String,
}

impl Withdrawn<'_> {
    fn of((issue_id, why): &(String, Withdrawal)) -> Withdrawn<'_> {
        Withdrawn {
            issue_id,
            why: why.code(),
            unsent: format!("{why}；没有发出"),
            handed: format!("{why}；已列入交接表：请不要再录入平台，已录入的请平台撤销"),
            doubtful: format!("{why}；此前发出的可能已送达，正在核实"),
        }
    }
}

/// The condition of an outbox entry that certainly hasn't left.
const STILL_HERE: &str = "state <> 'handed' AND unknown_since IS NULL AND lease_until IS NULL";

#[derive(Serialize)]
struct DeliveredRow<'r> {
    id: &'r str,
    remote_id: &'r Option<String>,
    token: &'r Option<String>,
}

/// An issue that is owed to the platform, in its round.
#[derive(Debug, Clone)]
pub struct NewReferral {
    pub issue_id: String,
    /// The issue's number.
    pub number: String,
    pub round: i64,
    pub urgency: Option<Urgency>,
}

#[derive(Serialize)]
struct OwedReferral<'r> {
    id: String,
    entry_id: String,
    issue_id: &'r str,
    debt_key: String,
    reference: String,
    round: i64,
    priority: i64,
    state: &'static str,
    /// Since now, and from when on, where it may have been referred before.
    unknown: Option<i64>,
    first: Option<i64>,
}

impl OwedReferral<'_> {
    fn of<'r>(new: &'r NewReferral, context: &Context) -> OwedReferral<'r> {
        let reference = referral::reference(&new.number, new.round);
        OwedReferral {
            id: context.id(),
            entry_id: context.id(),
            issue_id: &new.issue_id,
            debt_key: format!("referral:{reference}"),
            reference,
            round: new.round,
            priority: match new.urgency {
                Some(Urgency::Urgent) => 0,
                Some(Urgency::Normal) | None => 1,
                Some(Urgency::LongTerm) => 2,
            },
            state: "ready",
            unknown: None,
            first: None,
        }
    }
}

impl Tx {
    /// Owes these to the platform: each a referral and its outbox entry, once for an issue's round.
    pub async fn owe_referrals(&mut self, new: &[NewReferral]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let (now, lane) = (self.now(), self.context.platform_lane.clone());
        let review = self.context.review_within;
        let review_until = review.map(|within| now.saturating_add(span_millis(within)));
        // What comes in again after a backup was restored may have been referred before that: it's looked for first, where
        // only people look, by them.
        let unsure = self.unsure().await?;
        let places = match &unsure {
            Some(_) => {
                let ids: Vec<&str> = new.iter().map(|new| new.issue_id.as_str()).collect();
                self.places_of_issues(&ids).await?
            }
            None => HashMap::new(),
        };
        let waiting = review_until.map_or("ready", |_| "review");
        let by_people = self.context.by_people;
        let row = |new| {
            let row = OwedReferral::of(new, &self.context);
            let place = places.get(row.issue_id).map(String::as_str);
            let first = unsure.as_ref().and_then(|unsure| unsure.since(&new.number, place));
            let state = if first.is_some() && by_people { "held" } else { waiting };
            OwedReferral { unknown: first.map(|_| now), first, state, ..row }
        };
        let rows: Vec<OwedReferral<'_>> = new.iter().map(row).collect();
        let texts = ["id", "entry_id", "issue_id", "debt_key", "reference", "state"];
        let source = self.dialect.rows(&texts, &["round", "priority", "unknown", "first"]);
        let lane = lane.replace('\'', "''");
        let referrals = format!(
            "INSERT INTO referrals (id, issue_id, round, lane, reference, state, queued_at, poll_at)
             SELECT id, issue_id, \"round\", '{lane}', reference, 'queued', {now}, 0 FROM {source} AS j"
        );
        self.write_set(&referrals, &rows).await?;
        for _ in new {
            self.tally.change(None, Some(&CountedReferral::of("queued")));
        }
        let not_before = review_until.unwrap_or(0);
        let entries = format!(
            "INSERT INTO outbox (id, lane, kind, debt_key, target_id, priority, state, attempts, not_before, created_at,
               unknown_since, first_attempt_at, last_error)
             SELECT entry_id, '{lane}', 'referral', debt_key, id, priority, state, 0, {not_before}, {now}, \"unknown\",
               \"first\", CASE WHEN state = 'held' THEN '{UNSURE}' END FROM {source} AS j WHERE true ON CONFLICT (debt_key) DO NOTHING"
        );
        // Each is the first of its key, as its referral is the first of its issue's round.
        for row in &rows {
            let entry = CountedEntry::owed(&*self.context.platform_lane, row.state, now);
            let unknown = row.unknown.is_some();
            self.tally.change(None, Some(&CountedEntry { unknown, ..entry }));
        }
        self.write_set(&entries, &rows).await
    }

    /// What is withdrawn of these issues counts otherwise then.
    async fn retally_withdrawn(&mut self, withdrawn: &[(String, Withdrawal)]) -> Result<()> {
        #[derive(serde::Deserialize)]
        struct Owed {
            referral: String,
            entry: String,
        }
        let issues: Vec<&str> = withdrawn.iter().map(|(issue, _)| issue.as_str()).collect();
        let referrals = format!(
            "SELECT r.id AS referral, r.id AS target FROM referrals r WHERE r.issue_id {0}
             UNION ALL SELECT r.id, s.id FROM referrals r JOIN referral_photos s ON s.referral_id = r.id WHERE r.issue_id {0}",
            self.dialect.among()
        );
        let read = format!(
            "SELECT t.referral, o.id AS entry FROM ({referrals}) AS t JOIN outbox o ON o.target_id = t.target"
        );
        let owed: Vec<Owed> = self.read_set(&["referral", "entry"], &read, &issues, &[]).await?;
        self.retally(Thing::Referral, owed.iter().map(|owed| owed.referral.as_str())).await?;
        self.retally(Thing::Entry, owed.iter().map(|owed| owed.entry.as_str())).await
    }

    /// What is owed to the platform of these issues isn't any more: referrals and photos, and why. What certainly hasn't
    /// left is cancelled; what may have, and what is under way, is marked, and whoever settles it goes by that.
    pub async fn withdraw_referrals(&mut self, withdrawn: &[(String, Withdrawal)]) -> Result<()> {
        self.retally_withdrawn(withdrawn).await?;
        let rows: Vec<Withdrawn<'_>> = withdrawn.iter().map(Withdrawn::of).collect();
        let texts = ["issue_id", "why", "unsent", "handed", "doubtful"];
        let source = self.dialect.rows(&texts, &[]);
        let withdraw = format!(
            "UPDATE outbox SET state = CASE WHEN {STILL_HERE} THEN 'cancelled' ELSE state END, withdrawn = j.why,
               last_error = CASE WHEN {STILL_HERE} THEN j.unsent WHEN state = 'handed' THEN j.handed ELSE j.doubtful END
             FROM (SELECT r.id AS target, j.* FROM {source} AS j JOIN referrals r ON r.issue_id = j.issue_id
               UNION ALL SELECT s.id AS target, j.* FROM {source} AS j JOIN referrals r ON r.issue_id = j.issue_id
                 JOIN referral_photos s ON s.referral_id = r.id) AS j
             WHERE outbox.target_id = j.target AND withdrawn IS NULL AND state IN ('ready', 'review', 'held', 'handed')"
        );
        self.write_set(&withdraw, &rows).await?;
        let cancel = format!(
            "UPDATE referrals SET state = 'cancelled', poll_at = NULL WHERE state = 'queued' AND id IN (
               SELECT r.id FROM {source} AS j JOIN referrals r ON r.issue_id = j.issue_id
               JOIN outbox o ON o.target_id = r.id WHERE o.state = 'cancelled')"
        );
        self.write_set(&cancel, &rows).await
    }

    /// These referrals never reached the platform and aren't owed any more.
    pub(crate) async fn referrals_cancelled(&mut self, ids: &[&str]) -> Result<()> {
        self.retally(Thing::Referral, ids.iter().copied()).await?;
        let write = format!(
            "UPDATE referrals SET state = 'cancelled', poll_at = NULL WHERE state = 'queued' AND id {}",
            self.dialect.among()
        );
        sqlx::query(sqlx::AssertSqlSafe(write)).bind(to_json(&ids)?).execute(&mut self.db).await?;
        Ok(())
    }

    /// The platform has these: each with its number, or with a token for which the number will follow. They are asked
    /// about at once, as it was set when they were queued: with its number none changes a column that an index knows.
    pub async fn put_delivered(&mut self, delivered: &[(&str, &Receipt)]) -> Result<()> {
        if delivered.is_empty() {
            return Ok(());
        }
        self.tally_delivered(delivered).await?;
        let now = self.now();
        let source = self.dialect.rows(&["id", "remote_id", "token"], &[]);
        let rows: Vec<DeliveredRow<'_>> = delivered
            .iter()
            .map(|(id, Receipt { remote_id, token })| DeliveredRow { id, remote_id, token })
            .collect();
        let rows = to_json(&rows)?;
        let write = format!(
            "UPDATE referrals SET state = CASE WHEN j.remote_id IS NULL THEN 'waiting' ELSE 'open' END,
               remote_id = j.remote_id, token = j.token, delivered_at = $2
             FROM {source} AS j WHERE referrals.id = j.id"
        );
        sqlx::query(sqlx::AssertSqlSafe(write)).bind(&rows).bind(now).execute(&mut self.db).await?;
        // What was said under it of an earlier round is older than whatever is said of this one.
        let numbers = format!(
            "INSERT INTO referral_numbers (lane, remote_id, referral_id, state, said_at)
             SELECT $2, j.remote_id, j.id, 'current', (
               SELECT MAX(n.said_at) FROM referral_numbers n JOIN referrals r ON r.id = n.referral_id
               JOIN referrals own ON own.id = j.id AND own.issue_id = r.issue_id
               WHERE n.lane = $2 AND n.remote_id = j.remote_id)
             FROM {source} AS j WHERE j.remote_id IS NOT NULL
             ON CONFLICT (lane, remote_id, referral_id) DO NOTHING"
        );
        sqlx::query(sqlx::AssertSqlSafe(numbers))
            .bind(&rows)
            .bind(self.context.platform_lane.clone())
            .execute(&mut self.db)
            .await?;
        let ids: Vec<&str> = delivered.iter().map(|(id, _)| *id).collect();
        let ids = to_json(&ids)?;
        self.owe_photos_of(&ids).await?;
        self.owe_messages_of(&ids).await
    }

    /// Which of these referrals are given a number that is another issue's already, by their ids, and whose. What the platform
    /// takes up again under the number of an earlier round is the same issue's.
    pub(crate) async fn numbers_of_others(
        &mut self,
        given: &[(&str, &str)],
    ) -> Result<HashMap<String, String>> {
        #[derive(Serialize)]
        struct Given<'g> {
            id: &'g str,
            remote_id: &'g str,
        }
        if given.is_empty() {
            return Ok(HashMap::new());
        }
        let given: Vec<_> = given.iter().map(|(id, remote_id)| Given { id, remote_id }).collect();
        let read = format!(
            "SELECT j.id, r.reference FROM {} AS j
             JOIN referral_numbers n ON n.lane = $2 AND n.remote_id = j.remote_id AND n.referral_id <> j.id
             JOIN referrals r ON r.id = n.referral_id
             JOIN referrals own ON own.id = j.id AND (own.issue_id <> r.issue_id OR r.round > own.round)",
            self.dialect.rows(&["id", "remote_id"], &[])
        );
        let others: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(to_json(&given)?)
            .bind(self.context.platform_lane.clone())
            .fetch_all(&mut self.db)
            .await?;
        Ok(others.into_iter().collect())
    }

    /// By which a referral is known on the platform.
    pub async fn reference_of(&mut self, id: &str) -> Result<String> {
        let read = sqlx::query_scalar("SELECT reference FROM referrals WHERE id = $1");
        Ok(read.bind(id.to_owned()).fetch_one(&mut self.db).await?)
    }

    /// What hadn't been there was queued, but for a few.
    async fn tally_delivered(&mut self, delivered: &[(&str, &Receipt)]) -> Result<()> {
        let ids: Vec<&str> = delivered.iter().map(|(id, _)| *id).collect();
        let others = format!(
            "SELECT id FROM referrals WHERE state <> 'queued' AND id {}",
            self.dialect.among()
        );
        let others: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(others))
            .bind(to_json(&ids)?)
            .fetch_all(&mut self.db)
            .await?;
        for (id, receipt) in delivered {
            let other = others.iter().any(|other| other == id);
            if !other && !self.is_retallied(Thing::Referral, id) {
                let state = if receipt.remote_id.is_some() { "open" } else { "waiting" };
                let (before, after) = (CountedReferral::of("queued"), CountedReferral::of(state));
                self.tally.change(Some(&before), Some(&after));
            }
        }
        self.retally(Thing::Referral, others.iter().map(String::as_str)).await
    }

    /// The platform's own no at the door. Returns the issue that waited for it, if it still does.
    pub async fn refuse_referral(&mut self, id: &str) -> Result<Option<String>> {
        self.retally(Thing::Referral, [id]).await?;
        let issue_id: String = sqlx::query_scalar(
            "UPDATE referrals SET state = 'refused', poll_at = NULL WHERE id = $1 RETURNING issue_id",
        )
        .bind(id.to_owned())
        .fetch_one(&mut self.db)
        .await?;
        let waits = self.is_current(id, &issue_id).await?
            && self.issue(&issue_id).await?.state == State::Queued;
        Ok(waits.then_some(issue_id))
    }

    /// Whether this referral is the issue's present round.
    pub(super) async fn is_current(&mut self, id: &str, issue_id: &str) -> Result<bool> {
        let rounds: (i64, i64) = sqlx::query_as(
            "SELECT r.round, i.round FROM referrals r, issues i WHERE r.id = $1 AND i.id = $2",
        )
        .bind(id)
        .bind(issue_id)
        .fetch_one(&mut self.db)
        .await?;
        Ok(rounds.0 == rounds.1)
    }
}

impl Store {
    /// The reference of every debt to the platform that wasn't taken back or refused at the door,
    /// with the platform's number where it is known.
    pub async fn platform_debts(&self) -> Result<Vec<(String, Option<String>)>> {
        Ok(sqlx::query_as(
            "SELECT reference, remote_id FROM referrals
             WHERE state <> 'cancelled' AND NOT (state = 'refused' AND remote_id IS NULL) ORDER BY reference",
        )
        .fetch_all(&self.read)
        .await?)
    }

    /// The platform's words that configuration doesn't know, and how often each came.
    pub async fn unknown_words(&self) -> Result<Vec<(String, i64)>> {
        Ok(sqlx::query_as(
            "SELECT of_id, total FROM tallies WHERE dimension = 'word' AND total <> 0 ORDER BY of_id",
        )
        .fetch_all(&self.read)
        .await?)
    }
}
