//! The platform's answers, each kept once; how the referrals that they are about go by its numbers; and when what is asked.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::projection::Projection;
use super::referrals::next_poll;
use super::sets::Columns;
use super::{OpenReferral, Result, Store, StoreError, Tx, to_json, word};
use crate::domain::counted::{Thing, UnknownWord};
use crate::domain::following::{Answer, Consequences, Followed, Number, NumberState, Said};
use crate::domain::issue::Issue;
use crate::domain::referral::{PlatformStatus, PlatformUpdate};
use crate::seal::hex;

/// An answer on its way in.
#[derive(Serialize)]
struct NewRow<'u> {
    id: String,
    remote_id: &'u str,
    digest: String,
    word: &'u str,
    status: Option<&'static str>,
    body: &'u str,
    at: i64,
    successors: Option<String>,
}

/// The columns of an [`AnswerRow`].
const ANSWER: [&str; 8] =
    ["id", "remote_id", "word", "status", "body", "at", "received_at", "successors"];

#[derive(Deserialize)]
struct AnswerRow {
    id: String,
    remote_id: String,
    word: String,
    status: Option<String>,
    body: String,
    at: i64,
    received_at: i64,
    successors: Option<String>,
}

impl AnswerRow {
    fn read(self) -> Result<(i64, Answer)> {
        let status = |text: &str| word("referral_updates.status", text, PlatformStatus::read);
        let status = self.status.as_deref().map(status).transpose()?;
        let numbers = |text: String| {
            serde_json::from_str(&text).map_err(|_| StoreError::Corrupt {
                what: "referral_updates.successors",
                value: text,
            })
        };
        let answer = Answer {
            id: self.id,
            number: self.remote_id,
            word: self.word,
            status,
            text: self.body,
            at: self.at,
            successors: self.successors.map(numbers).transpose()?.unwrap_or_default(),
        };
        Ok((self.received_at, answer))
    }
}

/// The columns of a [`FollowedRow`].
const FOLLOWED: [&str; 13] = [
    "id",
    "issue_id",
    "of_round",
    "remote_id",
    "number_state",
    "said_at",
    "state",
    "round",
    "level",
    "category",
    "urgency",
    "town_finished",
    "platform_finished",
];

#[derive(Deserialize)]
struct FollowedRow {
    id: String,
    issue_id: String,
    of_round: i64,
    remote_id: String,
    number_state: String,
    said_at: Option<i64>,
    #[serde(flatten)]
    issue: Projection,
}

#[derive(Serialize)]
struct NumberRow<'n> {
    referral_id: &'n str,
    remote_id: &'n str,
    state: &'static str,
    said_at: Option<i64>,
}

#[derive(Serialize)]
struct SaidRow<'s> {
    id: &'s str,
    state: &'static str,
    word: &'s str,
    at: i64,
    number: Option<&'s str>,
}

/// What was last said of a number: its word, its text, when.
type Last = (String, String, i64);

impl Tx {
    /// Keeps answers, each once; gives the id and the number of each that is new, in their order.
    pub async fn keep_updates(
        &mut self,
        updates: &[&PlatformUpdate],
    ) -> Result<Vec<(String, String)>> {
        let rows = self.new_rows(updates).await?;
        let known = self.known_digests(&rows).await?;
        let mut seen = HashSet::new();
        let is_new =
            |row: &NewRow<'_>| !known.contains(&row.digest) && seen.insert(row.digest.clone());
        let rows: Vec<NewRow<'_>> = rows.into_iter().filter(is_new).collect();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.retally_followers(rows.iter().map(|row| row.remote_id)).await?;
        for row in rows.iter().filter(|row| row.status.is_none()) {
            self.tally.change(None, Some(&UnknownWord(row.word)));
        }
        let texts = ["id", "remote_id", "digest", "word", "status", "body", "successors"];
        let write = format!(
            "INSERT INTO referral_updates (id, lane, remote_id, digest, word, status, body, at, received_at, successors)
             SELECT id, $2, remote_id, digest, word, status, body, at, $3, successors FROM {} AS j",
            self.dialect.rows(&texts, &["at"])
        );
        let now = self.now();
        sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&rows)?)
            .bind(self.context.platform_lane.clone())
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.remote_id.to_owned())).collect())
    }

    /// The rows of answers, without those of no time of their own that say what was last said of their number: such a
    /// one is the same answer until another comes.
    async fn new_rows<'u>(&mut self, updates: &[&'u PlatformUpdate]) -> Result<Vec<NewRow<'u>>> {
        let timeless = updates.iter().filter(|update| update.at.is_none());
        let timeless: HashSet<&str> = timeless.map(|update| update.remote_id.as_str()).collect();
        let mut last = self.last_said(&timeless.iter().copied().collect::<Vec<_>>()).await?;
        let (lane, now) = (self.context.platform_lane.clone(), self.now());
        let mut rows = Vec::with_capacity(updates.len());
        for update in updates {
            let PlatformUpdate { remote_id, word, text, .. } = *update;
            let before = last.get(remote_id);
            let says = |(before, its_text, _): &Last| before == word && its_text == text;
            if update.at.is_none() && before.is_some_and(says) {
                continue;
            }
            let said_at = update.at.map_or(now, Timestamp::as_millisecond);
            // One dated after today would keep all that follows from counting.
            let at = said_at.min(now);
            if timeless.contains(remote_id.as_str()) && before.is_none_or(|(.., then)| at >= *then)
            {
                last.insert(remote_id.clone(), (word.clone(), text.clone(), at));
            }
            let successors = match update.successors.as_slice() {
                [] => None,
                numbers => Some(to_json(&numbers)?),
            };
            let digest = digest(&lane, update, said_at, successors.as_deref());
            rows.push(NewRow {
                id: self.context.id(),
                remote_id,
                digest,
                word,
                status: update.status.map(PlatformStatus::code),
                body: text,
                at,
                successors,
            });
        }
        Ok(rows)
    }

    /// What was last said of each of these numbers.
    async fn last_said(&mut self, numbers: &[&str]) -> Result<HashMap<String, Last>> {
        if numbers.is_empty() {
            return Ok(HashMap::new());
        }
        let read = format!(
            "SELECT remote_id, word, body, at FROM referral_updates WHERE remote_id {} AND lane = $2
             ORDER BY at, received_at",
            self.dialect.among()
        );
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(to_json(&numbers)?)
            .bind(self.context.platform_lane.clone())
            .fetch_all(&mut *self.db)
            .await?;
        // The last comes last and stays.
        Ok(rows.into_iter().map(|(number, word, text, at)| (number, (word, text, at))).collect())
    }

    async fn known_digests(&mut self, rows: &[NewRow<'_>]) -> Result<HashSet<String>> {
        let digests: Vec<&str> = rows.iter().map(|row| row.digest.as_str()).collect();
        let read =
            format!("SELECT digest FROM referral_updates WHERE digest {}", self.dialect.among());
        let known: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(read))
            .bind(to_json(&digests)?)
            .fetch_all(&mut *self.db)
            .await?;
        Ok(known.into_iter().collect())
    }

    /// The answers about these numbers that weren't applied yet, each with when it was received.
    pub async fn waiting_answers(&mut self, numbers: &[String]) -> Result<Vec<(i64, Answer)>> {
        let read = format!(
            "SELECT {} FROM referral_updates WHERE lane = $2 AND remote_id {} AND applied_at IS NULL",
            ANSWER.join(", "),
            self.dialect.among()
        );
        let lane = self.context.platform_lane.clone();
        let rows: Vec<AnswerRow> = self.read_set(&ANSWER, &read, numbers, &[&lane]).await?;
        rows.into_iter().map(AnswerRow::read).collect()
    }

    /// The referrals that go by these numbers, with every number that each goes or went by, and their issues.
    pub async fn followed(
        &mut self,
        numbers: &[String],
    ) -> Result<(Vec<Followed>, HashMap<String, Issue>)> {
        let read = format!(
            "SELECT r.id, r.issue_id, r.round AS of_round, n.remote_id, n.state AS number_state, n.said_at,
               i.state, i.round, i.level, i.category, i.urgency, i.town_finished, i.platform_finished
             FROM referrals r JOIN referral_numbers n ON n.referral_id = r.id JOIN issues i ON i.id = r.issue_id
             WHERE r.id IN (SELECT referral_id FROM referral_numbers WHERE lane = $2 AND remote_id {} AND state <> 'replaced')
             ORDER BY r.id, n.remote_id",
            self.dialect.among()
        );
        let lane = self.context.platform_lane.clone();
        let rows: Vec<FollowedRow> = self.read_set(&FOLLOWED, &read, numbers, &[&lane]).await?;
        let (mut referrals, mut issues) = (Vec::<Followed>::new(), HashMap::new());
        for row in rows {
            let FollowedRow { id, issue_id, of_round, remote_id, number_state, said_at, issue } =
                row;
            let state = word("referral_numbers.state", &number_state, NumberState::read)?;
            let number = Number { number: remote_id, state, said_at };
            issues.insert(issue_id.clone(), issue.issue()?);
            match referrals.last_mut().filter(|known| known.id == id) {
                Some(known) => known.numbers.push(number),
                None => {
                    referrals.push(Followed {
                        id,
                        issue_id,
                        round: of_round,
                        numbers: vec![number],
                    });
                }
            }
        }
        Ok((referrals, issues))
    }

    /// What the platform says of numbers may change what their referrals count for.
    async fn retally_followers<'n>(
        &mut self,
        numbers: impl Iterator<Item = &'n str>,
    ) -> Result<()> {
        let numbers: Vec<&str> = numbers.collect();
        let read = format!(
            "SELECT DISTINCT referral_id FROM referral_numbers WHERE lane = $2 AND state <> 'replaced' AND remote_id {}",
            self.dialect.among()
        );
        let followers: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(read))
            .bind(to_json(&numbers)?)
            .bind(self.context.platform_lane.clone())
            .fetch_all(&mut *self.db)
            .await?;
        self.retally(Thing::Referral, followers.iter().map(String::as_str)).await
    }

    /// Writes what answers made of numbers and referrals, and that they were applied; the events are the caller's.
    pub async fn write_followed(&mut self, follows: &Consequences) -> Result<()> {
        let numbered = follows.numbers.iter().map(|(referral, _)| referral.as_str());
        let said = follows.referrals.iter().map(|(referral, _)| referral.as_str());
        self.retally(Thing::Referral, numbered.chain(said)).await?;
        let numbers: Vec<NumberRow<'_>> = follows
            .numbers
            .iter()
            .map(|(referral_id, Number { number, state, said_at })| NumberRow {
                referral_id,
                remote_id: number,
                state: state.code(),
                said_at: *said_at,
            })
            .collect();
        self.put_numbers(&numbers).await?;
        let said: Vec<SaidRow<'_>> = follows
            .referrals
            .iter()
            .map(|(id, Said { state, word, at, number })| SaidRow {
                id,
                state: state.code(),
                word,
                at: *at,
                number: number.as_deref(),
            })
            .collect();
        self.put_said(&said).await?;
        let applied = format!(
            "UPDATE referral_updates SET applied_at = $2 WHERE id {}",
            self.dialect.among()
        );
        let now = self.now();
        sqlx::query(sqlx::AssertSqlSafe(applied))
            .bind(to_json(&follows.taken)?)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    async fn put_numbers(&mut self, numbers: &[NumberRow<'_>]) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let write = format!(
            "INSERT INTO referral_numbers (lane, remote_id, referral_id, state, said_at)
             SELECT $2, remote_id, referral_id, state, said_at FROM {} AS j WHERE true
             ON CONFLICT (lane, remote_id, referral_id) DO UPDATE SET state = excluded.state, said_at = excluded.said_at",
            self.dialect.rows(&["referral_id", "remote_id", "state"], &["said_at"])
        );
        sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&numbers)?)
            .bind(self.context.platform_lane.clone())
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    async fn put_said(&mut self, said: &[SaidRow<'_>]) -> Result<()> {
        let write = format!(
            "UPDATE referrals SET state = j.state, remote_word = j.word, remote_at = j.at,
               remote_id = COALESCE(j.number, referrals.remote_id),
               poll_at = CASE WHEN j.state = 'open' THEN COALESCE(referrals.poll_at, 0) END
             FROM {} AS j WHERE referrals.id = j.id",
            self.dialect.rows(&["id", "state", "word", "number"], &["at"])
        );
        self.write_set(&write, said).await
    }

    /// The platform gave these referrals their numbers: what waited for that is owed.
    pub async fn number_referrals(&mut self, numbered: &[(&str, &str)]) -> Result<()> {
        self.retally(Thing::Referral, numbered.iter().map(|(referral, _)| *referral)).await?;
        let numbers: Vec<NumberRow<'_>> = numbered
            .iter()
            .map(|(referral_id, remote_id)| NumberRow {
                referral_id,
                remote_id,
                state: NumberState::Current.code(),
                said_at: None,
            })
            .collect();
        let rows = to_json(&numbers)?;
        let source = self.dialect.rows(&["referral_id", "remote_id"], &[]);
        let open = format!(
            "UPDATE referrals SET state = 'open', remote_id = j.remote_id, token = NULL FROM {source} AS j
             WHERE referrals.id = j.referral_id AND referrals.state = 'waiting'"
        );
        let put = format!(
            "INSERT INTO referral_numbers (lane, remote_id, referral_id, state)
             SELECT $2, remote_id, referral_id, 'current' FROM {source} AS j WHERE true
             ON CONFLICT (lane, remote_id, referral_id) DO NOTHING"
        );
        sqlx::query(sqlx::AssertSqlSafe(open)).bind(rows.clone()).execute(&mut *self.db).await?;
        sqlx::query(sqlx::AssertSqlSafe(put))
            .bind(rows)
            .bind(self.context.platform_lane.clone())
            .execute(&mut *self.db)
            .await?;
        let ids: Vec<&str> = numbered.iter().map(|(id, _)| *id).collect();
        let ids = to_json(&ids)?;
        self.owe_photos_of(&ids).await?;
        self.owe_messages_of(&ids).await
    }

    /// Sets when these referrals are asked about next, each by its age.
    pub async fn polled(&mut self, asked: &[&OpenReferral]) -> Result<()> {
        let now = self.context.clock.now();
        let row = |open: &&OpenReferral| {
            let delivered = Timestamp::from_millisecond(open.delivered_at).unwrap_or(now);
            let poll_at = now.saturating_add(next_poll(now.duration_since(delivered)));
            let poll_at = poll_at.map_or(i64::MAX, |at| at.as_millisecond());
            serde_json::json!({ "id": open.id, "poll_at": poll_at })
        };
        let rows: Vec<_> = asked.iter().map(row).collect();
        let columns = Columns { texts: &["id"], numbers: &["poll_at"] };
        self.update_set("referrals", &columns, &rows).await
    }

    /// Keeps the id of a call of the platform's.
    pub async fn keep_push(&mut self, id: &str) -> Result<()> {
        let now = self.now();
        sqlx::query("DELETE FROM pushes WHERE received_at < $1")
            .bind(now - PUSHES_KEPT)
            .execute(&mut *self.db)
            .await?;
        sqlx::query(
            "INSERT INTO pushes (id, received_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.to_owned())
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}

/// By what an answer is known again.
fn digest(lane: &str, update: &PlatformUpdate, said_at: i64, successors: Option<&str>) -> String {
    let at = said_at.to_string();
    let parts = [lane, &update.remote_id, &update.word, &update.text, &at];
    let mut digest = Sha256::new();
    for part in parts.into_iter().chain(successors) {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    hex(&digest.finalize())
}

/// A repeated call may come this long after the first, in milliseconds; fresh ones are minutes old.
const PUSHES_KEPT: i64 = 7 * 24 * 3600 * 1000;

impl Store {
    /// Whether a call of the platform's was taken before.
    pub async fn knows_push(&self, id: &str) -> Result<bool> {
        let known: Option<i64> = sqlx::query_scalar("SELECT received_at FROM pushes WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(&self.read)
            .await?;
        Ok(known.is_some())
    }

    /// How many referrals the platform closed without a word for the resident, and has given none since.
    pub async fn closed_without_answer(&self) -> Result<i64> {
        if !self.context.close_needs_answer {
            return Ok(0);
        }
        Ok(sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT) FROM tallies WHERE dimension = 'all' AND name = 'unanswered'",
        )
        .fetch_one(&self.read)
        .await?)
    }
}
