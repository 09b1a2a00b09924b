//! The platform's answers: each kept once, and applied by the platform's time to the referrals that it is about.

use sha2::{Digest, Sha256};

use super::counted::Thing;
use super::{Result, Store, StoreError, Tx, to_json, word};
use crate::domain::counted::UnknownWord;
use crate::domain::referral::{self, PlatformStatus, PlatformUpdate};
use crate::seal::hex;

struct UpdateRow {
    id: String,
    status: Option<String>,
    body: String,
    at: i64,
    word: String,
    successors: Option<String>,
}

from_row!(UpdateRow { id, status, body, at, word, successors });

impl UpdateRow {
    fn status(&self) -> Result<Option<PlatformStatus>> {
        let read = |status| word("referral_updates.status", status, PlatformStatus::read);
        self.status.as_deref().map(read).transpose()
    }

    fn successors(&self) -> Result<Vec<String>> {
        let Some(text) = &self.successors else {
            return Ok(Vec::new());
        };
        serde_json::from_str(text).map_err(|_| StoreError::Corrupt {
            what: "referral_updates.successors",
            value: text.clone(),
        })
    }
}

/// A referral that goes by the number that an answer is about.
struct Follower {
    id: String,
    issue_id: String,
    said_at: Option<i64>,
}

from_row!(Follower { id, issue_id, said_at });

impl Tx {
    /// Keeps an answer, once, and applies it. True where it was new.
    pub async fn receive_update(&mut self, update: &PlatformUpdate) -> Result<bool> {
        if referral::is_own_message(&update.text) {
            return Ok(false);
        }
        let lane = self.context.platform_lane.clone();
        let (id, now) = (self.context.id(), self.now());
        let said_at = match update.at {
            Some(at) => at.as_millisecond(),
            // Without a time of its own it's the same answer until another comes.
            None if self.last_update_says(update).await? => return Ok(false),
            None => now,
        };
        let successors = match update.successors.as_slice() {
            [] => None,
            numbers => Some(to_json(&numbers)?),
        };
        let (at, replaced) = (said_at.to_string(), successors.as_deref().unwrap_or_default());
        let mut digest = Sha256::new();
        for part in [lane.as_str(), &update.remote_id, &update.word, &update.text, &at]
            .into_iter()
            .chain(Some(replaced).filter(|numbers| !numbers.is_empty()))
        {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        self.retally_followers(&update.remote_id).await?;
        let added = sqlx::query(
            "INSERT INTO referral_updates (id, lane, remote_id, digest, word, status, body, at, received_at, successors)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (digest) DO NOTHING",
        )
        .bind(id)
        .bind(lane)
        .bind(&update.remote_id)
        .bind(hex(&digest.finalize()))
        .bind(&update.word)
        .bind(update.status.map(PlatformStatus::code))
        .bind(&update.text)
        // One dated after today would keep all that follows from counting.
        .bind(said_at.min(now))
        .bind(now)
        .bind(successors)
        .execute(&mut *self.db)
        .await?;
        if added.rows_affected() > 0 {
            if update.status.is_none() {
                self.tally.change(None, Some(&UnknownWord(&update.word)));
            }
            self.apply_waiting_updates(&update.remote_id).await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether the last answer kept for the number says the same.
    async fn last_update_says(&mut self, update: &PlatformUpdate) -> Result<bool> {
        let last: Option<(String, String)> = sqlx::query_as(
            "SELECT word, body FROM referral_updates WHERE lane = $1 AND remote_id = $2
             ORDER BY at DESC, received_at DESC LIMIT 1",
        )
        .bind(self.context.platform_lane.clone())
        .bind(&update.remote_id)
        .fetch_optional(&mut *self.db)
        .await?;
        Ok(last.is_some_and(|(word, body)| word == update.word && body == update.text))
    }

    /// Applies the answers that came before these numbers were known.
    pub(super) async fn apply_early_updates(&mut self, remote_ids: &[&str]) -> Result<()> {
        let early = format!(
            "SELECT DISTINCT remote_id FROM referral_updates
             WHERE lane = $2 AND applied_at IS NULL AND remote_id {}",
            self.dialect.among()
        );
        let early: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(early))
            .bind(to_json(&remote_ids)?)
            .bind(self.context.platform_lane.clone())
            .fetch_all(&mut *self.db)
            .await?;
        for remote_id in early {
            self.apply_waiting_updates(&remote_id).await?;
        }
        Ok(())
    }

    /// Applies what was kept for a number and not applied yet, by the platform's time; an older answer
    /// than the last one applied is kept and marked, and moves nothing. One for a number that isn't
    /// known yet waits.
    pub(super) async fn apply_waiting_updates(&mut self, remote_id: &str) -> Result<()> {
        let mut followers = self.followers(remote_id).await?;
        self.retally(Thing::Referral, followers.iter().map(|follower| follower.id.as_str()))
            .await?;
        if followers.is_empty() {
            return Ok(());
        }
        let waiting: Vec<UpdateRow> = sqlx::query_as(
            "SELECT id, status, body, at, word, successors FROM referral_updates
             WHERE lane = $1 AND remote_id = $2 AND applied_at IS NULL ORDER BY at, received_at",
        )
        .bind(self.context.platform_lane.clone())
        .bind(remote_id)
        .fetch_all(&mut *self.db)
        .await?;
        let now = self.now();
        for update in waiting {
            for follower in &mut followers {
                if follower.said_at.is_none_or(|said_at| update.at >= said_at) {
                    follower.said_at = Some(update.at);
                    self.apply_update(follower, remote_id, &update).await?;
                }
            }
            sqlx::query("UPDATE referral_updates SET applied_at = $1 WHERE id = $2")
                .bind(now)
                .bind(&update.id)
                .execute(&mut *self.db)
                .await?;
        }
        Ok(())
    }

    /// What the platform says of a number may change what its referrals count for.
    async fn retally_followers(&mut self, remote_id: &str) -> Result<()> {
        let followers = self.followers(remote_id).await?;
        self.retally(Thing::Referral, followers.iter().map(|follower| follower.id.as_str())).await
    }

    /// The referrals that go by a number now; one that was replaced leads nowhere any more.
    async fn followers(&mut self, remote_id: &str) -> Result<Vec<Follower>> {
        Ok(sqlx::query_as(
            "SELECT r.id, r.issue_id, n.said_at FROM referral_numbers n JOIN referrals r ON r.id = n.referral_id
             WHERE n.lane = $1 AND n.remote_id = $2 AND n.state <> 'replaced' ORDER BY r.id",
        )
        .bind(self.context.platform_lane.clone())
        .bind(remote_id)
        .fetch_all(&mut *self.db)
        .await?)
    }

    async fn apply_update(
        &mut self,
        follower: &Follower,
        remote_id: &str,
        update: &UpdateRow,
    ) -> Result<()> {
        let successors = update.successors()?;
        if !successors.is_empty() {
            return self.replace_number(follower, remote_id, update, &successors).await;
        }
        // Closed without a word for the resident: it's asked about on, until there is one.
        let needs_answer = self.context.close_needs_answer && update.body.trim().is_empty();
        let status = update
            .status()?
            .filter(|status| !(needs_answer && *status == PlatformStatus::Resolved));
        let ended = status == Some(PlatformStatus::Resolved);
        self.mark_number(follower, remote_id, if ended { "ended" } else { "current" }).await?;
        // Of one that was split, the last part ends it.
        let ended = ended && !self.has_open_number(&follower.id).await?;
        let state = match status {
            Some(PlatformStatus::Refused) => "refused",
            Some(PlatformStatus::Resolved) if ended => "ended",
            _ => "open",
        };
        self.mark_referral(follower, update, state).await?;
        let waits = status == Some(PlatformStatus::Resolved) && !ended;
        let current = self.is_current(&follower.id, &follower.issue_id).await?;
        let Some(status) = status.filter(|_| current && !waits) else {
            return Ok(());
        };
        let issue = self.issue(&follower.issue_id).await?;
        if let Some(event) = referral::event_for(&issue, status, &update.body) {
            self.issue_event(&follower.issue_id, &event, "platform").await?;
        }
        Ok(())
    }

    /// The platform goes on with it under other numbers: one where it was renumbered or joined to another, several
    /// where it was split.
    async fn replace_number(
        &mut self,
        follower: &Follower,
        remote_id: &str,
        update: &UpdateRow,
        successors: &[String],
    ) -> Result<()> {
        self.mark_number(follower, remote_id, "replaced").await?;
        for number in successors {
            self.put_number(&follower.id, number).await?;
        }
        self.mark_referral(follower, update, "open").await?;
        sqlx::query("UPDATE referrals SET remote_id = $1 WHERE id = $2")
            .bind(successors.first().cloned())
            .bind(&follower.id)
            .execute(&mut *self.db)
            .await?;
        // What the new numbers were said to be before this was known.
        for number in successors {
            Box::pin(self.apply_waiting_updates(number)).await?;
        }
        Ok(())
    }

    /// Notes a number by which the platform knows a referral.
    pub(super) async fn put_number(&mut self, referral: &str, remote_id: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO referral_numbers (lane, remote_id, referral_id, state) VALUES ($1, $2, $3, 'current')
             ON CONFLICT (lane, remote_id, referral_id) DO NOTHING",
        )
        .bind(self.context.platform_lane.clone())
        .bind(remote_id)
        .bind(referral)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    async fn mark_number(
        &mut self,
        follower: &Follower,
        remote_id: &str,
        state: &str,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE referral_numbers SET state = $1, said_at = $2
             WHERE lane = $3 AND remote_id = $4 AND referral_id = $5",
        )
        .bind(state)
        .bind(follower.said_at)
        .bind(self.context.platform_lane.clone())
        .bind(remote_id)
        .bind(&follower.id)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    async fn has_open_number(&mut self, referral: &str) -> Result<bool> {
        let open: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM referral_numbers WHERE referral_id = $1 AND state = 'current'",
        )
        .bind(referral)
        .fetch_one(&mut *self.db)
        .await?;
        Ok(open > 0)
    }

    async fn mark_referral(
        &mut self,
        follower: &Follower,
        update: &UpdateRow,
        state: &str,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE referrals SET state = $1, remote_word = $2, remote_at = $3,
               poll_at = CASE WHEN $1 = 'open' THEN COALESCE(poll_at, 0) END WHERE id = $4",
        )
        .bind(state)
        .bind(&update.word)
        .bind(update.at)
        .bind(&follower.id)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}

impl Store {
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
