//! Which referrals are asked about next, and where the feed of changes was read to.

use jiff::{SignedDuration, Timestamp};

use super::personal::UNASKED_WHY;
use super::{Result, Store, Tx, to_json};
use crate::domain::following::Silence;

/// A referral that the platform has and hasn't ended.
#[derive(Debug, Clone)]
pub struct OpenReferral {
    pub id: String,
    /// By which it's found again on any platform.
    pub reference: String,
    pub remote_id: Option<String>,
    pub token: Option<String>,
    pub delivered_at: i64,
    /// When the platform said that it was done; it may take it up again.
    pub ended_at: Option<i64>,
    /// Since when it has given no answer about it; since when that is said, and why.
    pub unanswered_since: Option<i64>,
    pub unasked_since: Option<i64>,
    pub unasked_why: Option<String>,
    /// 1 where it goes on under another number: the platform may take that back.
    pub replaced: i64,
}

from_row!(OpenReferral {
    id,
    reference,
    remote_id,
    token,
    delivered_at,
    ended_at,
    unanswered_since,
    unasked_since,
    unasked_why,
    replaced
});

impl OpenReferral {
    /// What is known of it as one about which the platform gives no answer.
    pub(super) fn silence(&self) -> Silence {
        Silence {
            since: self.unanswered_since,
            said_since: self.unasked_since,
            why: self.unasked_why.clone(),
        }
    }

    /// After which time it's asked about next, where it's open then, and where it has ended; nothing where it isn't any more.
    pub(super) fn next_poll(&self, now: Timestamp) -> (SignedDuration, Option<SignedDuration>) {
        let age =
            |since: i64| now.duration_since(Timestamp::from_millisecond(since).unwrap_or(now));
        match self.ended_at {
            // What was taken up again is young.
            Some(ended_at) => (next_poll(SignedDuration::ZERO), next_look_back(age(ended_at))),
            None => (next_poll(age(self.delivered_at)), next_look_back(SignedDuration::ZERO)),
        }
    }
}

/// How a referral of the given age is polled: an hour-old one is asked about again in minutes, a
/// month-old one twice a day.
pub(super) fn next_poll(age: SignedDuration) -> SignedDuration {
    (age / 10).clamp(SignedDuration::from_mins(5), SignedDuration::from_hours(12))
}

/// How long what has ended is asked about on.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How one that ended so long ago is polled: the platform may take it up again. Each time it's left alone for as long as it
/// has been ended, so that in all it costs some twenty questions.
pub(super) fn next_look_back(age: SignedDuration) -> Option<SignedDuration> {
    let next = age.clamp(SignedDuration::from_mins(10), SignedDuration::from_hours(7 * 24));
    (age < LOOKED_BACK).then_some(next)
}

/// The address of the platform that is known to show our marks, by its digest.
const MARKS_SHOWN_AT: &str = "marks_shown_at";

impl Tx {
    /// Where the feed of changes was last read to.
    pub async fn keep_cursor(&mut self, cursor: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO feeds (lane, cursor, read_at) VALUES ($1, $2, $3)
             ON CONFLICT (lane) DO UPDATE SET cursor = excluded.cursor, read_at = excluded.read_at",
        )
        .bind(&self.context.platform_lane)
        .bind(cursor)
        .bind(self.now())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Makes open referrals due for a look now, at most `limit`; how many weren't yet.
    pub async fn poll_now(&mut self, limit: i64) -> Result<u64> {
        let now = self.now();
        let due = sqlx::query(
            "UPDATE referrals SET poll_at = $1 WHERE id IN (
               SELECT id FROM referrals WHERE lane = $2 AND state IN ('open', 'waiting') AND poll_at > $1 LIMIT $3)",
        )
        .bind(now)
        .bind(self.context.platform_lane.clone())
        .bind(limit)
        .execute(&mut self.db)
        .await?;
        Ok(due.rows_affected())
    }

    /// The platform there shows our marks.
    pub async fn note_marks_shown_at(&mut self, place: &str) -> Result<()> {
        self.put_meta(MARKS_SHOWN_AT, place).await
    }
}

impl Store {
    /// Which platform is known to show our marks.
    pub async fn marks_shown_at(&self) -> Result<Option<String>> {
        let place = "SELECT value FROM meta WHERE name = $1";
        let place = sqlx::query_scalar(place).bind(MARKS_SHOWN_AT);
        Ok(place.fetch_optional(&self.read).await?)
    }

    /// Whether one of these referrals goes or went by a number, or the platform itself led to that.
    pub async fn goes_by(&self, number: &str, references: &[&str]) -> Result<bool> {
        let read = format!(
            "SELECT COUNT(*) FROM referral_numbers n JOIN referrals r ON r.id = n.referral_id
             WHERE n.lane = $2 AND n.remote_id = $3 AND (n.came_from IS NOT NULL OR r.reference {})",
            self.dialect.among()
        );
        let known: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(read))
            .bind(to_json(&references)?)
            .bind(&self.context.platform_lane)
            .bind(number)
            .fetch_one(&self.read)
            .await?;
        Ok(known > 0)
    }

    /// Where to go on reading the feed of changes.
    pub async fn feed_cursor(&self) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT cursor FROM feeds WHERE lane = $1")
            .bind(&self.context.platform_lane)
            .fetch_optional(&self.read)
            .await?)
    }

    /// The referrals that wait for their number, the longest due first, at most `limit`.
    pub async fn due_numbers(&self, limit: i64) -> Result<Vec<OpenReferral>> {
        let due: Vec<OpenReferral> = sqlx::query_as(
            "SELECT id, reference, remote_id, token, delivered_at, CAST(NULL AS BIGINT) AS ended_at, unanswered_since, unasked_since, unasked_why,
               CAST(0 AS BIGINT) AS replaced
             FROM referrals WHERE lane = $1 AND state = 'waiting' AND poll_at <= $2
             ORDER BY poll_at, id LIMIT $3",
        )
        .bind(&self.context.platform_lane)
        .bind(self.context.clock.millis())
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        self.with_whys(due)
    }

    /// The referrals to ask about now, the longest due first, at most `limit` that are open and as many that have ended; one
    /// for each number that it goes by, and where `went` for each that it went by.
    pub async fn due_polls(&self, limit: i64, went: bool) -> Result<Vec<OpenReferral>> {
        let mut due: Vec<OpenReferral> = sqlx::query_as(
            "SELECT r.id, r.reference, n.remote_id, r.token, r.delivered_at, CAST(NULL AS BIGINT) AS ended_at, r.unanswered_since, r.unasked_since, r.unasked_why,
               CAST(CASE n.state WHEN 'replaced' THEN 1 ELSE 0 END AS BIGINT) AS replaced
             FROM (SELECT id, reference, token, delivered_at, poll_at, unanswered_since, unasked_since, unasked_why FROM referrals
                   WHERE lane = $1 AND state IN ('open', 'waiting') AND poll_at <= $2
                   ORDER BY poll_at, id LIMIT $3) AS r
             LEFT JOIN referral_numbers n ON n.referral_id = r.id AND (n.state = 'current' OR (n.state = 'replaced' AND $4 = 1))
             ORDER BY r.poll_at, r.id, n.remote_id",
        )
        .bind(&self.context.platform_lane)
        .bind(self.context.clock.millis())
        .bind(limit)
        .bind(i64::from(went))
        .fetch_all(&self.read)
        .await?;
        due.extend(self.due_again(limit, went).await?);
        self.with_whys(due)
    }

    /// With the reasons for which they got no answer opened.
    fn with_whys(&self, mut due: Vec<OpenReferral>) -> Result<Vec<OpenReferral>> {
        for open in &mut due {
            let why = open.unasked_why.take();
            open.unasked_why = self.context.open_optional(UNASKED_WHY, &open.id, why)?;
        }
        Ok(due)
    }

    /// Those that have ended, or were refused, and are asked about again.
    async fn due_again(&self, limit: i64, went: bool) -> Result<Vec<OpenReferral>> {
        let ended: Vec<OpenReferral> = sqlx::query_as(
            "SELECT id, reference, remote_id, token, delivered_at, remote_at AS ended_at, unanswered_since, unasked_since, unasked_why,
               CAST(0 AS BIGINT) AS replaced FROM referrals
             WHERE lane = $1 AND state IN ('ended', 'refused') AND poll_at <= $2 ORDER BY poll_at, id LIMIT $3",
        )
        .bind(&self.context.platform_lane)
        .bind(self.context.clock.millis())
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        if ended.is_empty() {
            return Ok(ended);
        }
        // Looked up by what was found: joined, PostgreSQL would read all numbers through.
        let read = format!(
            "SELECT referral_id, remote_id, CAST(CASE state WHEN 'replaced' THEN 1 ELSE 0 END AS BIGINT) AS replaced
             FROM referral_numbers WHERE referral_id {} AND (state IN ('current', 'ended') OR (state = 'replaced' AND $2 = 1))
             ORDER BY referral_id, remote_id",
            self.dialect.among()
        );
        let ids: Vec<&str> = ended.iter().map(|open| open.id.as_str()).collect();
        let numbers: Vec<(String, String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(to_json(&ids)?)
            .bind(i64::from(went))
            .fetch_all(&self.read)
            .await?;
        let each = |(id, number, replaced): &(String, String, i64)| {
            let open = ended.iter().find(|open| open.id == *id)?;
            let (remote_id, replaced) = (Some(number.clone()), *replaced);
            Some(OpenReferral { remote_id, replaced, ..open.clone() })
        };
        Ok(numbers.iter().filter_map(each).collect())
    }
}
