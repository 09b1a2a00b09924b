//! The platform's answers, each kept once; how the referrals that they are about go by its numbers; and when what is asked.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::personal::{ANSWER_BODY, UNASKED_WHY};
use super::polls::next_look_back;
use super::projection::Projection;
use super::{Context, OpenReferral, Result, Store, StoreError, Tx, to_json, word};
use crate::domain::counted::Thing;
use crate::domain::following::{
    Answer, Consequences, Fault, Followed, Number, NumberState, Said, Trouble,
};
use crate::domain::issue::Issue;
use crate::domain::number_form::{known_as, plain};
use crate::domain::referral::PlatformStatus;

/// The columns of an [`AnswerRow`].
const ANSWER: [&str; 9] =
    ["id", "remote_id", "word", "status", "body", "at", "received_at", "successors", "update_id"];

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
    update_id: Option<String>,
}

impl AnswerRow {
    fn read(self, context: &Context) -> Result<Answer> {
        let status = |text: &str| word("referral_updates.status", text, PlatformStatus::read);
        let status = self.status.as_deref().map(status).transpose()?;
        let numbers = |text: String| {
            serde_json::from_str(&text).map_err(|_| StoreError::Corrupt {
                what: "referral_updates.successors",
                value: text,
            })
        };
        let answer = Answer {
            text: context.open(ANSWER_BODY, &self.id, &self.body)?,
            id: self.id,
            number: self.remote_id,
            word: self.word,
            status,
            at: self.at,
            successors: self.successors.map(numbers).transpose()?.unwrap_or_default(),
            update_id: self.update_id,
            heard_at: self.received_at,
        };
        Ok(answer)
    }
}

/// The columns of a [`FollowedRow`], before those of its issue.
const FOLLOWED: [&str; 10] = [
    "id",
    "issue_id",
    "of_round",
    "refused",
    "remote_id",
    "number_state",
    "said_at",
    "said_by",
    "heard_at",
    "came_from",
];

#[derive(Deserialize)]
struct FollowedRow {
    id: String,
    issue_id: String,
    of_round: i64,
    /// 1 where the platform has refused it.
    refused: i64,
    remote_id: String,
    number_state: String,
    said_at: Option<i64>,
    said_by: Option<String>,
    heard_at: Option<i64>,
    came_from: Option<String>,
    #[serde(flatten)]
    issue: Projection,
}

#[derive(Serialize)]
struct NumberRow<'n> {
    referral_id: &'n str,
    remote_id: &'n str,
    state: &'static str,
    said_at: Option<i64>,
    said_by: Option<&'n str>,
    heard_at: Option<i64>,
    came_from: Option<&'n str>,
}

impl<'n> NumberRow<'n> {
    fn of((referral_id, number): &'n (String, Number)) -> NumberRow<'n> {
        NumberRow {
            referral_id,
            remote_id: &number.number,
            state: number.state.code(),
            said_at: number.said_at,
            said_by: number.said_by.as_deref(),
            heard_at: number.heard_at,
            came_from: number.came_from.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct SaidRow<'s> {
    id: &'s str,
    state: &'static str,
    word: &'s str,
    at: i64,
    number: Option<&'s str>,
    /// When it's asked about next, where it ended: the platform may take it up again.
    again: i64,
}

/// When one is asked about again whose question failed and may not be to blame.
const AGAIN_SOON: SignedDuration = SignedDuration::from_mins(10);

impl Tx {
    /// The answers about these numbers that weren't applied yet.
    pub async fn waiting_answers(&mut self, numbers: &[String]) -> Result<Vec<Answer>> {
        let read = format!(
            "SELECT {} FROM referral_updates WHERE lane = $2 AND remote_id {} AND applied_at IS NULL",
            ANSWER.join(", "),
            self.dialect.among()
        );
        let lane = self.context.platform_lane.clone();
        let rows: Vec<AnswerRow> = self.read_set(&ANSWER, &read, numbers, &[&lane]).await?;
        rows.into_iter().map(|row| row.read(&self.context)).collect()
    }

    /// Of these numbers, those that aren't known as they are, but in one other form: by which they are.
    pub async fn known_forms(&mut self, numbers: &[&str]) -> Result<HashMap<String, String>> {
        let forms: HashSet<String> = numbers.iter().filter_map(|number| plain(number)).collect();
        if forms.is_empty() {
            return Ok(HashMap::new());
        }
        // As the index has them; what was kept as a fraction is looked for as one.
        let keys = forms.iter().map(|form| form.trim_start_matches('0'));
        let keys: Vec<String> = keys.flat_map(|key| [key.to_owned(), format!("{key}.0")]).collect();
        let read = format!(
            "SELECT DISTINCT remote_id FROM referral_numbers WHERE lane = $2 AND ltrim(lower(remote_id), '0') {}",
            self.dialect.among()
        );
        let known: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(read))
            .bind(to_json(&keys)?)
            .bind(self.context.platform_lane.clone())
            .fetch_all(&mut self.db)
            .await?;
        let form = |number: &&str| {
            let known = known_as(number, known.iter().map(String::as_str))?;
            Some(((*number).to_owned(), known.to_owned()))
        };
        Ok(numbers.iter().filter_map(form).collect())
    }

    /// What was last said of a number waits again: another referral turns out to go by it.
    pub async fn hear_again(&mut self, number: &str) -> Result<()> {
        sqlx::query(
            "UPDATE referral_updates SET applied_at = NULL WHERE id = (
               SELECT id FROM referral_updates WHERE lane = $1 AND remote_id = $2
               ORDER BY at DESC, received_at DESC, id DESC LIMIT 1)",
        )
        .bind(self.context.platform_lane.clone())
        .bind(number.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// The referrals that go by these numbers, with every number that each goes or went by, and their issues.
    pub async fn followed(
        &mut self,
        numbers: &[String],
    ) -> Result<(Vec<Followed>, HashMap<String, Issue>)> {
        let read = format!(
            "SELECT r.id, r.issue_id, r.round AS of_round,
               CAST(CASE r.state WHEN 'refused' THEN 1 ELSE 0 END AS BIGINT) AS refused, n.remote_id, n.state AS number_state, n.said_at, n.said_by,
               n.heard_at, n.came_from, i.state, i.round, i.level, i.category, i.urgency, i.town_finished, i.platform_finished
             FROM referrals r JOIN referral_numbers n ON n.referral_id = r.id JOIN issues i ON i.id = r.issue_id
             WHERE r.id IN (SELECT referral_id FROM referral_numbers WHERE lane = $2 AND remote_id {} AND state <> 'left')
             ORDER BY r.id, n.remote_id",
            self.dialect.among()
        );
        let lane = self.context.platform_lane.clone();
        let columns = [&FOLLOWED[..], &Projection::COLUMNS].concat();
        let rows: Vec<FollowedRow> = self.read_set(&columns, &read, numbers, &[&lane]).await?;
        let (mut referrals, mut issues) = (Vec::<Followed>::new(), HashMap::new());
        for row in rows {
            let FollowedRow {
                id,
                issue_id,
                of_round,
                refused,
                remote_id,
                number_state,
                said_at,
                said_by,
                heard_at,
                came_from,
                issue,
            } = row;
            let state = word("referral_numbers.state", &number_state, NumberState::read)?;
            let number = Number { number: remote_id, state, said_at, said_by, heard_at, came_from };
            issues.insert(issue_id.clone(), issue.issue()?);
            match referrals.last_mut().filter(|known| known.id == id) {
                Some(known) => known.numbers.push(number),
                None => {
                    referrals.push(Followed {
                        id,
                        issue_id,
                        round: of_round,
                        refused: refused != 0,
                        numbers: vec![number],
                    });
                }
            }
        }
        Ok((referrals, issues))
    }

    /// What the platform says of numbers may change what their referrals count for.
    pub(super) async fn retally_followers<'n>(
        &mut self,
        numbers: impl Iterator<Item = &'n str>,
    ) -> Result<()> {
        let numbers: Vec<&str> = numbers.collect();
        let read = format!(
            "SELECT DISTINCT referral_id FROM referral_numbers WHERE lane = $2 AND state <> 'left' AND remote_id {}",
            self.dialect.among()
        );
        let followers: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(read))
            .bind(to_json(&numbers)?)
            .bind(self.context.platform_lane.clone())
            .fetch_all(&mut self.db)
            .await?;
        self.retally(Thing::Referral, followers.iter().map(String::as_str)).await
    }

    /// Writes what answers made of numbers and referrals, and that they were applied; the events are the caller's.
    pub async fn write_followed(&mut self, follows: &Consequences) -> Result<()> {
        let numbered = follows.numbers.iter().map(|(referral, _)| referral.as_str());
        let said = follows.referrals.iter().map(|(referral, _)| referral.as_str());
        self.retally(Thing::Referral, numbered.chain(said)).await?;
        let numbers: Vec<NumberRow<'_>> = follows.numbers.iter().map(NumberRow::of).collect();
        self.put_numbers(&numbers).await?;
        let first = next_look_back(SignedDuration::ZERO).map_or(0, |span| span.as_millis());
        let again = self.now().saturating_add(i64::try_from(first).unwrap_or(0));
        let said: Vec<SaidRow<'_>> = follows
            .referrals
            .iter()
            .map(|(id, Said { state, word, at, number })| SaidRow {
                id,
                state: state.code(),
                word,
                at: *at,
                number: number.as_deref(),
                again,
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
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    async fn put_numbers(&mut self, numbers: &[NumberRow<'_>]) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let write = format!(
            "INSERT INTO referral_numbers (lane, remote_id, referral_id, state, said_at, said_by, heard_at, came_from)
             SELECT $2, remote_id, referral_id, state, said_at, said_by, heard_at, came_from FROM {} AS j WHERE true
             ON CONFLICT (lane, remote_id, referral_id) DO UPDATE SET state = excluded.state, said_at = excluded.said_at,
               said_by = excluded.said_by, heard_at = excluded.heard_at, came_from = excluded.came_from",
            self.dialect.rows(
                &["referral_id", "remote_id", "state", "said_by", "came_from"],
                &["said_at", "heard_at"]
            )
        );
        sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&numbers)?)
            .bind(self.context.platform_lane.clone())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    async fn put_said(&mut self, said: &[SaidRow<'_>]) -> Result<()> {
        let write = format!(
            "UPDATE referrals SET state = j.state, remote_word = j.word, remote_at = j.at,
               remote_id = COALESCE(j.number, referrals.remote_id),
               unasked_since = NULL, unasked_why = NULL,
               poll_at = CASE j.state WHEN 'open' THEN CASE WHEN referrals.state = 'open' THEN COALESCE(referrals.poll_at, 0)
                 ELSE 0 END WHEN 'ended' THEN j.again WHEN 'refused' THEN j.again END
             FROM {} AS j WHERE referrals.id = j.id",
            self.dialect.rows(&["id", "state", "word", "number"], &["at", "again"])
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
                said_by: None,
                heard_at: None,
                came_from: None,
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
        sqlx::query(sqlx::AssertSqlSafe(open)).bind(rows.clone()).execute(&mut self.db).await?;
        sqlx::query(sqlx::AssertSqlSafe(put))
            .bind(rows)
            .bind(self.context.platform_lane.clone())
            .execute(&mut self.db)
            .await?;
        let ids: Vec<&str> = numbered.iter().map(|(id, _)| *id).collect();
        let ids = to_json(&ids)?;
        self.owe_photos_of(&ids).await?;
        self.owe_messages_of(&ids).await
    }

    /// Sets when these referrals are asked about next, each by its age, and why one of them got no answer for a reason of its
    /// own.
    pub async fn polled(
        &mut self,
        asked: &[&OpenReferral],
        troubles: &HashMap<String, Trouble>,
    ) -> Result<()> {
        let now = self.context.clock.now();
        let context = self.shared_context();
        let row = |open: &&OpenReferral| {
            let trouble = troubles.get(&open.id);
            let known = open.silence().after(trouble, now.as_millisecond());
            // One of which it's said already is asked about by its age.
            let soon = trouble.is_some_and(|trouble| trouble.fault != Fault::Its);
            let at = |next: Option<SignedDuration>| {
                let next = match (soon, known.said_since) {
                    (true, None) => Some(AGAIN_SOON),
                    (true, Some(_)) => next.map(|next| next.max(AGAIN_SOON)),
                    (false, _) => next,
                };
                next.and_then(|next| now.saturating_add(next).ok()).map(Timestamp::as_millisecond)
            };
            let (while_open, once_ended) = open.next_poll(now);
            let why = context.seal_optional(UNASKED_WHY, &open.id, known.why.as_deref())?;
            Ok(serde_json::json!({
                "id": open.id, "while_open": at(Some(while_open)), "once_ended": at(once_ended),
                "unanswered": known.since, "since": known.said_since, "why": why,
            }))
        };
        // One with several numbers stands here for each of them.
        let mut seen = HashSet::new();
        let asked = asked.iter().filter(|open| seen.insert(open.id.as_str()));
        let rows = asked.map(row).collect::<Result<Vec<_>>>()?;
        // By how it stands after what was answered.
        let write = format!(
            "UPDATE referrals SET unanswered_since = CASE WHEN referrals.state <> 'refused' THEN j.unanswered END,
               unasked_since = CASE WHEN referrals.state <> 'refused' THEN j.since END,
               unasked_why = CASE WHEN referrals.state <> 'refused' THEN j.why END,
               poll_at = CASE WHEN referrals.state IN ('open', 'waiting') THEN j.while_open
                 WHEN referrals.state IN ('ended', 'refused') THEN j.once_ended END
             FROM {} AS j WHERE referrals.id = j.id",
            self.dialect.rows(&["id", "why"], &["while_open", "once_ended", "unanswered", "since"])
        );
        self.write_set(&write, &rows).await
    }

    /// Keeps the id of a call of the platform's.
    pub async fn keep_push(&mut self, id: &str) -> Result<()> {
        let now = self.now();
        sqlx::query("DELETE FROM pushes WHERE received_at < $1")
            .bind(now - PUSHES_KEPT)
            .execute(&mut self.db)
            .await?;
        sqlx::query(
            "INSERT INTO pushes (id, received_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.to_owned())
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
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
