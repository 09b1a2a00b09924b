//! Notices that wait: written, and certainly not sent yet. What they say can still be changed, or needn't be said any more.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::Serialize;

use super::duty_groups::OPEN;
use super::personal::{NOTICE_BODY, NOTICE_HTML, NOTICE_SEVERAL, NOTICE_TITLE};
use super::{DIGEST, NewNotice, Result, Session, Tx, date, to_json};
use crate::domain::counted::Thing;

/// Which debts certainly haven't left, and are nobody's at the moment.
const WAITS: &str =
    "o.kind = 'notice' AND o.state = 'ready' AND o.unknown_since IS NULL AND o.lease_until IS NULL";

/// Why a digest isn't sent, where all that it told of was met meanwhile.
const NOTHING_LEFT: &str = "要提醒的都已办好；没有发出";

/// Of how many things a digest tells its reader, by a group and its step.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    pub group_id: String,
    pub step: i64,
    pub staff: String,
    pub duties: i64,
}

#[derive(Serialize)]
struct Worded {
    id: String,
    title: String,
    body: String,
    html: Option<String>,
    several: Option<String>,
}

impl Session {
    /// Whose digest of which day waits for a channel since before then, and has more than is still open: of one day, at most
    /// `limit`, with the channels for which it waits.
    pub async fn outdated_digests(
        &mut self,
        before: i64,
        limit: i64,
    ) -> Result<Option<(Date, HashMap<String, Vec<String>>)>> {
        // Both states, as the index of what is still owed has them.
        let read = format!(
            "SELECT n.on_date, n.staff_id FROM outbox o JOIN notices n ON n.id = o.target_id
             WHERE o.lane = $1 AND o.state IN ('ready', 'review') AND {WAITS} AND n.topic = $2 AND n.created_at < $3 AND EXISTS (
               SELECT 1 FROM reminders t JOIN duty_groups b ON b.id = t.group_id
               WHERE t.staff_id = n.staff_id AND t.on_date = n.on_date AND t.duties > {OPEN})
             ORDER BY n.on_date, n.staff_id LIMIT $4"
        );
        let lanes: Vec<String> = self.context.channels.iter().map(|c| c.lane.clone()).collect();
        let (mut day, mut waiting) = (None, HashMap::<String, Vec<String>>::new());
        for lane in lanes {
            let rows: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(read.clone()))
                .bind(lane.clone())
                .bind(DIGEST)
                .bind(before)
                .bind(limit)
                .fetch_all(&mut self.db)
                .await?;
            for (on, person) in rows {
                if day.get_or_insert_with(|| on.clone()) == &on {
                    waiting.entry(person).or_default().push(lane.clone());
                }
            }
        }
        let day = day.map(|day| date("notices.on_date", &day)).transpose()?;
        Ok(day.map(|day| (day, waiting)))
    }
}

impl Tx {
    /// Words anew what these people's digests of a day say, by which channel they still wait for; where one has nothing left
    /// to say, it isn't sent. How many were worded anew, and how many aren't sent.
    pub async fn reword_digests(
        &mut self,
        day: Date,
        people: &[&str],
        notices: &[NewNotice],
        said: &[Said],
    ) -> Result<(usize, usize)> {
        let read = format!(
            "SELECT o.id, n.id, n.staff_id, n.channel FROM notices n JOIN outbox o ON o.target_id = n.id
             WHERE n.on_date = $2 AND n.topic = $3 AND n.staff_id {} AND {WAITS}",
            self.dialect.among()
        );
        let waiting: Vec<(String, String, String, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(read))
                .bind(to_json(&people)?)
                .bind(day.to_string())
                .bind(DIGEST)
                .fetch_all(&mut self.db)
                .await?;
        let (mut worded, mut nothing, mut links) = (Vec::new(), Vec::new(), Vec::new());
        for (debt, id, person, channel) in waiting {
            match notices.iter().find(|new| new.staff_id == person && new.channel == channel) {
                Some(new) => {
                    links.extend(
                        new.link
                            .as_ref()
                            .map(|link| (link, new.staff_id.as_str(), day.to_string())),
                    );
                    worded.push(self.worded(id, new)?);
                }
                None => nothing.push(debt),
            }
        }
        self.put_links(&links).await?;
        self.put_worded(&worded).await?;
        self.cancel_notices(&nothing, NOTHING_LEFT).await?;
        self.put_what_is_said(said).await?;
        Ok((worded.len(), nothing.len()))
    }

    fn worded(&self, id: String, new: &NewNotice) -> Result<Worded> {
        Ok(Worded {
            title: self.context.seal(NOTICE_TITLE, &id, &new.title)?,
            body: self.context.seal(NOTICE_BODY, &id, &new.body)?,
            html: self.context.seal_optional(NOTICE_HTML, &id, new.html.as_deref())?,
            several: self.context.seal_optional(NOTICE_SEVERAL, &id, new.several.as_deref())?,
            id,
        })
    }

    async fn put_worded(&mut self, worded: &[Worded]) -> Result<()> {
        let write = format!(
            "UPDATE notices SET title = j.title, body = j.body, html = j.html, several = j.several
             FROM {} AS j WHERE notices.id = j.id",
            self.dialect.rows(&["id", "title", "body", "html", "several"], &[])
        );
        sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&worded)?)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// What was told is what the digest says.
    async fn put_what_is_said(&mut self, said: &[Said]) -> Result<()> {
        let write = format!(
            "UPDATE reminders SET duties = j.duties FROM {} AS j
             WHERE reminders.group_id = j.group_id AND reminders.step = j.step AND reminders.staff_id = j.staff",
            self.dialect.rows(&["group_id", "staff"], &["step", "duties"])
        );
        sqlx::query(sqlx::AssertSqlSafe(write)).bind(to_json(&said)?).execute(&mut self.db).await?;
        Ok(())
    }

    /// What somebody would still be told, and what certainly hasn't left, isn't sent to them any more.
    pub async fn drop_notices_of(&mut self, staff_id: &str, reason: &str) -> Result<()> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT o.id FROM notices n JOIN outbox o ON o.target_id = n.id
             WHERE n.staff_id = $1 AND o.kind = 'notice' AND o.state IN ('ready', 'held') AND o.unknown_since IS NULL
               AND o.lease_until IS NULL",
        )
        .bind(staff_id.to_owned())
        .fetch_all(&mut self.db)
        .await?;
        self.cancel_notices(&ids, reason).await
    }

    pub(super) async fn cancel_notices(&mut self, ids: &[String], reason: &str) -> Result<()> {
        self.retally(Thing::Entry, ids.iter().map(String::as_str)).await?;
        let drop = format!(
            "UPDATE outbox SET state = 'cancelled', settled_at = $2, last_error = $3, lease_owner = NULL, lease_until = NULL
             WHERE id {}",
            self.dialect.among()
        );
        let now = self.now();
        sqlx::query(sqlx::AssertSqlSafe(drop))
            .bind(to_json(&ids)?)
            .bind(now)
            .bind(reason.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }
}
