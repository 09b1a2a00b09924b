//! The platform's answers on their way in: each is kept once, however it's dated and however often it's told.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::personal::ANSWER_BODY;
use super::{Result, Session, Tx, to_json};
use crate::clock::local_text;
use crate::domain::counted::UnknownWord;
use crate::domain::referral::{PlatformStatus, PlatformUpdate, Told};
use crate::seal::hex;

/// An answer on its way in.
#[derive(Serialize)]
struct NewRow<'u> {
    id: String,
    remote_id: &'u str,
    digest: String,
    /// As an earlier version of this program would know it again.
    #[serde(skip)]
    formerly: Option<String>,
    word: &'u str,
    status: Option<&'static str>,
    body: String,
    at: i64,
    successors: Option<String>,
    update_id: Option<&'u str>,
}

/// What was last said of a number.
#[derive(Clone, PartialEq)]
struct Last {
    word: String,
    text: String,
    status: Option<String>,
    at: i64,
}

impl Last {
    fn says(&self, update: &PlatformUpdate) -> bool {
        let status = update.status.map(PlatformStatus::code);
        self.word == update.word && self.text == update.text && self.status.as_deref() == status
    }
}

impl Session {
    /// Answers that were heard before an instant, of numbers that nobody here has, in the order of their ids: those after
    /// the one of id `after`.
    pub async fn answers_of_nobody(
        &mut self,
        before: i64,
        after: &str,
        limit: i64,
    ) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT u.id FROM referral_updates u WHERE u.applied_at IS NULL AND u.id > $2 AND u.received_at < $1 AND NOT EXISTS (
               SELECT 1 FROM referral_numbers n WHERE n.lane = u.lane AND n.remote_id = u.remote_id)
             ORDER BY u.id LIMIT $3",
        )
        .bind(before)
        .bind(after.to_owned())
        .bind(limit)
        .fetch_all(&mut self.db)
        .await?)
    }
}

impl Tx {
    /// Forgets these answers, as far as they're still nobody's.
    pub async fn forget_answers(&mut self, ids: &[String]) -> Result<()> {
        let forget = format!(
            "DELETE FROM referral_updates WHERE id {} AND applied_at IS NULL AND NOT EXISTS (
               SELECT 1 FROM referral_numbers n
               WHERE n.lane = referral_updates.lane AND n.remote_id = referral_updates.remote_id)
             RETURNING word, COALESCE(status, '')",
            self.dialect.among()
        );
        let gone: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(forget))
            .bind(to_json(&ids)?)
            .fetch_all(&mut self.db)
            .await?;
        for (word, _) in gone.iter().filter(|(_, status)| status.is_empty()) {
            self.tally.change(Some(&UnknownWord(word)), None);
        }
        Ok(())
    }

    /// Keeps answers, each once, all heard by one reading; gives the id and the number of each that is new, in their order.
    pub async fn keep_updates(
        &mut self,
        updates: &[&PlatformUpdate],
        heard_at: i64,
    ) -> Result<Vec<(String, String)>> {
        let rows = self.new_rows(updates).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.retally_followers(rows.iter().map(|row| row.remote_id)).await?;
        for row in rows.iter().filter(|row| row.status.is_none()) {
            self.tally.change(None, Some(&UnknownWord(row.word)));
        }
        let texts =
            ["id", "remote_id", "digest", "word", "status", "body", "successors", "update_id"];
        let write = format!(
            "INSERT INTO referral_updates (id, lane, remote_id, digest, word, status, body, at, received_at, successors,
               update_id)
             SELECT id, $2, remote_id, digest, word, status, body, at, $3, successors, update_id FROM {} AS j",
            self.dialect.rows(&texts, &["at"])
        );
        sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&rows)?)
            .bind(self.context.platform_lane.clone())
            .bind(heard_at)
            .execute(&mut self.db)
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.remote_id.to_owned())).collect())
    }

    /// The rows of what is new. An answer with the platform's own number is known by that. One without says nothing new
    /// where it says what was last said of its request, whenever it's dated; and what says how a request stands now is
    /// news where that differs, though it was said before.
    async fn new_rows<'u>(&mut self, updates: &[&'u PlatformUpdate]) -> Result<Vec<NewRow<'u>>> {
        let nameless = updates.iter().filter(|update| update.update_id.is_none());
        let nameless: HashSet<&str> = nameless.map(|update| update.remote_id.as_str()).collect();
        let mut last = self.last_said(&nameless.iter().copied().collect::<Vec<_>>()).await?;
        let rows = updates.iter().map(|update| self.new_row(update)).collect::<Result<Vec<_>>>()?;
        // What says how one stands now, dated before what was last said: perhaps an old reading of the platform's own. Told
        // again a while later it holds: where its time is no order of the platform's own, or where it's an end that was never
        // told before, dated by another clock, by when it was asked for, or by no day at all.
        let contradicts = |row: &NewRow<'_>, update: &PlatformUpdate| {
            let before = last.get(row.remote_id)?;
            let ends =
                matches!(update.status, Some(PlatformStatus::Resolved | PlatformStatus::Refused));
            let is_now = update.told == Told::Now
                && update.update_id.is_none()
                && (is_vague(update) || ends);
            let mark = digest(&[&row.digest, "before", &before.at.to_string()]);
            (is_now && row.at < before.at).then_some(mark)
        };
        let marks: Vec<Option<String>> =
            rows.iter().zip(updates).map(|(row, update)| contradicts(row, update)).collect();
        let mut known = self.known_digests(&rows, &marks).await?;
        let now = self.now();
        let mut new = Vec::with_capacity(rows.len());
        for ((mut row, update), mark) in rows.into_iter().zip(updates).zip(marks) {
            let before = last.get(row.remote_id);
            if update.update_id.is_none() && before.is_some_and(|before| before.says(update)) {
                continue;
            }
            let was_told = !is_vague(update) && known.contains_key(&row.digest);
            if let (Some(mark), Some(before)) = (mark.filter(|_| !was_told), before) {
                match known.get(&mark) {
                    Some(first) if now - first < PERSISTS => continue,
                    Some(_) => {
                        row.at = before.at;
                        if is_vague(update) {
                            row.digest = digest(&[&mark, &now.to_string()]);
                        }
                    }
                    None => row.digest = mark,
                }
            }
            let told = known.contains_key(&row.digest)
                || row.formerly.as_ref().is_some_and(|formerly| known.contains_key(formerly));
            let moves_on = before.is_some_and(|before| row.at >= before.at);
            if told && update.update_id.is_none() && update.told == Told::Now && moves_on {
                // It was so before, then otherwise, and is so again: its time doesn't move, so it's known by ours.
                row.digest = digest(&[&row.digest, &now.to_string()]);
            } else if told {
                continue;
            }
            known.insert(row.digest.clone(), now);
            if nameless.contains(row.remote_id) && before.is_none_or(|before| row.at >= before.at) {
                let status = row.status.map(str::to_owned);
                let (word, text) = (update.word.clone(), update.text.clone());
                last.insert(row.remote_id.to_owned(), Last { word, text, status, at: row.at });
            }
            new.push(row);
        }
        Ok(new)
    }

    fn new_row<'u>(&self, update: &'u PlatformUpdate) -> Result<NewRow<'u>> {
        let (lane, now) = (&self.context.platform_lane, self.now());
        let PlatformUpdate { remote_id, word, text, .. } = update;
        let said_at = update.at.map_or(now, Timestamp::as_millisecond);
        let successors = match update.successors.as_slice() {
            [] => None,
            numbers => Some(to_json(&numbers)?),
        };
        let more = successors.as_deref();
        // What happened at no time that is told is known by what is said of it.
        let at = match (update.at, update.told) {
            (None, Told::Then) => String::new(),
            _ => said_at.to_string(),
        };
        let known_by = |marks: &[&str]| {
            let content = [lane.as_str(), remote_id, word, text];
            digest(&content.iter().chain(marks).copied().chain(more).collect::<Vec<_>>())
        };
        let by_content = known_by(&[&at]);
        let by_id = update.update_id.as_deref().map(|id| known_by(&["update_id", id]));
        let (digest, formerly) = match by_id {
            Some(by_id) => (by_id, Some(by_content)),
            None => (by_content, None),
        };
        let id = self.context.id();
        Ok(NewRow {
            body: self.context.seal(ANSWER_BODY, &id, text)?,
            id,
            remote_id,
            digest,
            formerly,
            word,
            status: update.status.map(PlatformStatus::code),
            // One dated after today would keep all that follows from counting.
            at: said_at.min(now),
            successors,
            update_id: update.update_id.as_deref(),
        })
    }

    /// What was last said of each of these numbers.
    async fn last_said(&mut self, numbers: &[&str]) -> Result<HashMap<String, Last>> {
        if numbers.is_empty() {
            return Ok(HashMap::new());
        }
        let read = format!(
            "SELECT id, remote_id, word, body, status, at FROM referral_updates WHERE remote_id {} AND lane = $2
             ORDER BY at, received_at, id",
            self.dialect.among()
        );
        type Row = (String, String, String, String, Option<String>, i64);
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(to_json(&numbers)?)
            .bind(self.context.platform_lane.clone())
            .fetch_all(&mut self.db)
            .await?;
        // The last comes last and stays.
        let last = |(id, number, word, body, status, at): Row| {
            let text = self.context.open(ANSWER_BODY, &id, &body)?;
            Ok((number, Last { word, text, status, at }))
        };
        rows.into_iter().map(last).collect()
    }

    /// Which of these were kept before, and when they were heard.
    async fn known_digests(
        &mut self,
        rows: &[NewRow<'_>],
        marks: &[Option<String>],
    ) -> Result<HashMap<String, i64>> {
        let digests: Vec<&str> = rows
            .iter()
            .flat_map(|row| std::iter::once(&row.digest).chain(&row.formerly))
            .chain(marks.iter().flatten())
            .map(String::as_str)
            .collect();
        let read = format!(
            "SELECT digest, received_at FROM referral_updates WHERE digest {}",
            self.dialect.among()
        );
        let known: Vec<(String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(to_json(&digests)?)
            .fetch_all(&mut self.db)
            .await?;
        Ok(known.into_iter().collect())
    }
}

/// So long, in milliseconds, what contradicts a later word must be told to hold.
const PERSISTS: i64 = 30 * 60_000;

/// Whether its time is no order of the platform's: one of the day is; without one, nothing says which came first.
fn is_vague(update: &PlatformUpdate) -> bool {
    update.at.is_none_or(|at| local_text(at).ends_with("00:00:00"))
}

/// By what an answer is known again.
fn digest(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    hex(&digest.finalize())
}
