//! What was odd about a platform's answers, and of whose requests it gives none: what the status page says of following.

use super::outbox_named::COUNTED;
use super::personal::{NOTE_SAMPLE, UNASKED_WHY, row_of};
use super::{Result, Store, Tx};

/// Something odd, as it's said, how it stood there last, and how often it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformNote {
    pub what: String,
    pub sample: String,
    pub first_at: i64,
    pub times: i64,
}

from_row!(PlatformNote { what, sample, first_at, times });

/// A referral about which the platform gives no answer, for a reason of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unasked {
    pub reference: String,
    /// Its number, or the token in its place.
    pub number: String,
    pub since: i64,
    pub why: String,
    /// How many there are in all, up to a limit.
    pub count: i64,
}

from_row!(Unasked { reference, number, since, why, count });

struct UnaskedRow {
    id: String,
    unasked: Unasked,
}

from_row!(UnaskedRow { ..unasked, id });

impl Tx {
    /// Notes what was odd about answers.
    pub async fn note_platform(&mut self, notes: &[(String, String)]) -> Result<()> {
        let (lane, now) = (self.context.platform_lane.clone(), self.now());
        for (what, sample) in notes {
            sqlx::query(
                "INSERT INTO platform_notes (lane, what, sample, first_at, last_at, times) VALUES ($1, $2, $3, $4, $4, 1)
                 ON CONFLICT (lane, what) DO UPDATE SET sample = excluded.sample, last_at = excluded.last_at,
                   times = platform_notes.times + 1",
            )
            .bind(lane.clone())
            .bind(what.clone())
            .bind(self.context.seal(NOTE_SAMPLE, &row_of(&lane, what), sample)?)
            .bind(now)
            .execute(&mut self.db)
            .await?;
        }
        Ok(())
    }
}

impl Store {
    /// What was odd about the platform's answers since then.
    pub async fn platform_notes(&self, since: i64) -> Result<Vec<PlatformNote>> {
        let lane = &self.context.platform_lane;
        let mut notes: Vec<PlatformNote> = sqlx::query_as(
            "SELECT what, sample, first_at, times FROM platform_notes WHERE lane = $1 AND last_at >= $2
             ORDER BY first_at, what LIMIT 20",
        )
        .bind(self.context.platform_lane.clone())
        .bind(since)
        .fetch_all(&self.read)
        .await?;
        for note in &mut notes {
            let row = row_of(lane, &note.what);
            note.sample = self.context.open(NOTE_SAMPLE, &row, &note.sample)?;
        }
        Ok(notes)
    }

    /// The referral about which the platform has longest given no answer, and how many there are.
    pub async fn unasked(&self) -> Result<Option<Unasked>> {
        let found: Option<UnaskedRow> = sqlx::query_as(
            "SELECT r.id, r.reference, COALESCE(r.remote_id, r.token, '') AS number, r.unasked_since AS since,
               COALESCE(r.unasked_why, '') AS why,
               (SELECT COUNT(*) FROM (SELECT 1 FROM referrals WHERE lane = $1 AND unasked_since IS NOT NULL LIMIT $2) AS few)
                 AS count
             FROM referrals r WHERE r.lane = $1 AND r.unasked_since IS NOT NULL ORDER BY r.unasked_since, r.id LIMIT 1",
        )
        .bind(self.context.platform_lane.clone())
        .bind(COUNTED)
        .fetch_optional(&self.read)
        .await?;
        let opened = |UnaskedRow { id, unasked }: UnaskedRow| {
            let why = self.context.open(UNASKED_WHY, &id, &unasked.why)?;
            Ok(Unasked { why, ..unasked })
        };
        found.map(opened).transpose()
    }
}
