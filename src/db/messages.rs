//! Messages 回告: what the platform is told of a referral that it has: the town's part is done, the resident is
//! satisfied or isn't, the matter is withdrawn.

use jiff::Timestamp;

use super::personal::row_of;
use super::{Context, Result, Store, StoreError, Tx, to_json};
use crate::domain::issue::{Event, EventKind};
use crate::domain::referral;

/// One message, as the platform gets it.
#[derive(Debug, Clone)]
pub struct Message {
    /// By which it's found again.
    pub reference: String,
    /// The platform's number of the request that it is about, and its last word for it.
    pub remote_id: String,
    pub remote_word: Option<String>,
    /// What happened, and its words.
    pub event: EventKind,
    pub text: String,
    pub at: Timestamp,
}

impl Message {
    /// One to try templates on.
    pub fn example() -> Message {
        Message {
            reference: "CHD2022-000001-R1-M5".to_owned(),
            remote_id: "1".to_owned(),
            remote_word: None,
            event: EventKind::Satisfied,
            text: "示例：\"路灯\"亮了".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }
    }
}

struct Row {
    id: String,
    issue: String,
    reference: String,
    sequence: i64,
    remote_id: String,
    remote_word: Option<String>,
    body: String,
    at: i64,
}

from_row!(Row { id, issue, reference, sequence, remote_id, remote_word, body, at });

impl Row {
    fn read(self, context: &Context) -> Result<(String, Message)> {
        let row = row_of(&self.issue, self.sequence);
        let corrupt = || StoreError::Corrupt { what: "issue_events.body", value: row.clone() };
        let event = context.event(&row, &self.body)?;
        let message = Message {
            text: referral::message(&event).ok_or_else(corrupt)?,
            event: event.kind(),
            at: Timestamp::from_millisecond(self.at).map_err(|_| corrupt())?,
            reference: referral::message_reference(&self.reference, self.sequence),
            remote_id: self.remote_id,
            remote_word: self.remote_word,
        };
        Ok((self.id, message))
    }
}

impl Tx {
    /// Writes that the platform is to be told of an event, where it has or will have the issue in that round. What
    /// it has no number for yet waits.
    pub(crate) async fn owe_message(
        &mut self,
        issue_id: &str,
        round: i64,
        sequence: i64,
        event: &Event,
    ) -> Result<()> {
        if !self.context.messages || referral::message(event).is_none() {
            return Ok(());
        }
        let referral: Option<(String, Option<String>)> = sqlx::query_as(
            "SELECT id, remote_id FROM referrals WHERE issue_id = $1 AND round = $2 AND state <> 'cancelled'",
        )
        .bind(issue_id)
        .bind(round)
        .fetch_optional(&mut self.db)
        .await?;
        let Some((referral, remote_id)) = referral else {
            return Ok(());
        };
        let (id, now) = (self.context.id(), self.now());
        sqlx::query(
            "INSERT INTO messages (id, referral_id, sequence, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(id)
        .bind(&referral)
        .bind(sequence)
        .bind(now)
        .execute(&mut self.db)
        .await?;
        match remote_id {
            Some(_) => self.owe_messages_of(&to_json(&[referral.as_str()])?).await,
            None => Ok(()),
        }
    }

    /// Owes what waited for these numbers (a JSON list).
    pub(super) async fn owe_messages_of(&mut self, referral_ids: &str) -> Result<()> {
        if !self.context.messages {
            return Ok(());
        }
        let read = format!(
            "SELECT m.id, r.reference, m.sequence FROM messages m JOIN referrals r ON r.id = m.referral_id
             WHERE m.delivered_at IS NULL AND r.remote_id IS NOT NULL AND r.id {}
             ORDER BY m.sequence",
            self.dialect.among()
        );
        let waiting: Vec<(String, String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(referral_ids.to_owned())
            .fetch_all(&mut self.db)
            .await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let unsure = self.unsure().await?;
        for (id, reference, sequence) in waiting {
            let key = format!("message:{}", referral::message_reference(&reference, sequence));
            let first = unsure.as_ref().and_then(|unsure| unsure.since(&reference, None));
            self.owe("message", &key, &id, PRIORITY, first).await?;
        }
        Ok(())
    }

    pub(crate) async fn message_delivered(&mut self, id: &str) -> Result<()> {
        let now = self.now();
        sqlx::query("UPDATE messages SET delivered_at = $1 WHERE id = $2")
            .bind(now)
            .bind(id)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }
}

/// After every referral: what isn't there yet goes before what is told of it.
pub(super) const PRIORITY: i64 = 3;

impl Store {
    pub(crate) async fn messages(&self, ids: &[&str]) -> Result<Vec<(String, Message)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let read = format!(
            "SELECT m.id, r.issue_id AS issue, r.reference, m.sequence, r.remote_id, r.remote_word, e.body, e.at FROM messages m
             JOIN referrals r ON r.id = m.referral_id
             JOIN issue_events e ON e.issue_id = r.issue_id AND e.sequence = m.sequence
             WHERE m.id {}",
            self.dialect.among()
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(to_json(&ids)?)
            .fetch_all(&self.read)
            .await?;
        rows.into_iter().map(|row| row.read(&self.context)).collect()
    }
}
