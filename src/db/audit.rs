//! The audit trail: who changed what, from where, what was before and what after. Each entry is chained to the one before by a
//! mark that only a holder of the key can make; the last one is remembered outside of the record (docs/decisions/0035).

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::personal::{AUDIT_BECAME, AUDIT_DETAIL, AUDIT_WAS};
use super::{Context, Result, Session, Store, Tx};
use crate::domain::audit::{Anchor, Flaw, doer_called};
use crate::seal::{Sealer, hex};

/// One entry, opened.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    pub sequence: i64,
    pub at: i64,
    pub actor: String,
    pub via: String,
    pub os_user: String,
    pub action: String,
    pub target: String,
    pub detail: String,
    pub was: Option<String>,
    pub became: Option<String>,
    pub previous_hash: String,
    pub hash: String,
}

from_row!(AuditEntry {
    sequence,
    at,
    actor,
    via,
    os_user,
    action,
    target,
    detail,
    was,
    became,
    previous_hash,
    hash
});

/// What is done, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// A person's number, or what of the program it is.
    pub by: &'a str,
    pub action: &'a str,
    pub target: &'a str,
    pub detail: &'a Value,
    /// How it stood before, and how after.
    pub was: Option<&'a Value>,
    pub became: Option<&'a Value>,
}

/// Which entries are wanted; empty texts for all.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub actor: String,
    pub action: String,
    pub target: String,
    /// In milliseconds, both included.
    pub since: i64,
    pub until: i64,
    /// The last so many.
    pub limit: i64,
}

const COLUMNS: &str =
    "sequence, at, actor, via, os_user, action, target, detail, was, became, previous_hash, hash";
/// How many entries are read together.
const PAGE: i64 = 2_000;

impl AuditEntry {
    /// As versions before this one chained: by a digest that needs no key.
    fn unkeyed_hash(&self) -> String {
        let mut hash = Sha256::new();
        let (sequence, at) = (self.sequence.to_string(), self.at.to_string());
        for part in [
            &sequence,
            &at,
            &self.actor,
            &self.action,
            &self.target,
            &self.detail,
            &self.previous_hash,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hex(&hash.finalize())
    }

    /// Everything that it says, as it's vouched for.
    fn parts<T>(&self, then: impl FnOnce(&[&str]) -> T) -> T {
        // Nothing and an empty text are told apart.
        let given = |value: &Option<String>| match value {
            Some(value) => format!("={value}"),
            None => String::new(),
        };
        let (sequence, at) = (self.sequence.to_string(), self.at.to_string());
        let (was, became) = (given(&self.was), given(&self.became));
        then(&[
            &sequence,
            &at,
            &self.actor,
            &self.via,
            &self.os_user,
            &self.action,
            &self.target,
            &self.detail,
            &was,
            &became,
            &self.previous_hash,
        ])
    }

    /// Whether its hash is a mark of the key's.
    fn is_keyed(&self) -> bool {
        self.hash.contains(':')
    }

    /// Whether its words are sealed, as it stands in the record.
    fn is_sealed(&self) -> bool {
        let words = [Some(&self.detail), self.was.as_ref(), self.became.as_ref()];
        words.into_iter().flatten().all(|words| Sealer::is_sealed(words))
    }

    /// Whether it says what it said when it was written.
    fn is_whole(&self, sealer: &Sealer) -> bool {
        if self.is_keyed() {
            return self.parts(|parts| sealer.vouches(parts, &self.hash));
        }
        let has_nothing_more = self.via.is_empty()
            && self.os_user.is_empty()
            && self.was.is_none()
            && self.became.is_none();
        has_nothing_more && self.hash == self.unkeyed_hash()
    }

    /// The same with its words opened.
    fn opened(mut self, context: &Context) -> Result<AuditEntry> {
        let row = self.sequence.to_string();
        self.detail = context.open(AUDIT_DETAIL, &row, &self.detail)?;
        self.was = context.open_optional(AUDIT_WAS, &row, self.was)?;
        self.became = context.open_optional(AUDIT_BECAME, &row, self.became)?;
        Ok(self)
    }
}

/// Follows the chain from its beginning.
#[derive(Debug, Default)]
struct Chain {
    last: Option<Anchor>,
    keyed: bool,
    /// What is remembered of it outside, until it's found.
    remembered: Option<Anchor>,
}

impl Chain {
    /// The next entry as it stands in the record.
    fn follow(&mut self, entry: AuditEntry, context: &Context) -> Result<(), Flaw> {
        let at = self.last.as_ref().map_or(1, |last| last.sequence + 1);
        if entry.sequence != at {
            return Err(if entry.sequence > at { Flaw::Missing(at) } else { Flaw::Changed(at) });
        }
        if entry.is_keyed() && !entry.is_sealed() {
            return Err(Flaw::Changed(at));
        }
        let entry = entry.opened(context).map_err(|_| Flaw::Changed(at))?;
        let previous = self.last.as_ref().map_or("", |last| last.hash.as_str());
        if entry.previous_hash != previous || !entry.is_whole(&context.sealer) {
            return Err(Flaw::Changed(at));
        }
        if self.keyed && !entry.is_keyed() {
            return Err(Flaw::Unkeyed(at));
        }
        self.keyed = entry.is_keyed();
        if let Some(known) = self.remembered.take_if(|known| known.sequence == at)
            && known.hash != entry.hash
        {
            return Err(Flaw::Changed(at));
        }
        self.last = Some(Anchor { sequence: at, hash: entry.hash });
        Ok(())
    }

    /// That was all, and `counted` entries were ever written.
    fn end(&self, counted: i64) -> Result<(), Flaw> {
        let at = self.last.as_ref().map_or(0, |last| last.sequence);
        let ever = self.remembered.as_ref().map_or(counted, |known| counted.max(known.sequence));
        if ever > at {
            return Err(Flaw::Cut(at + 1));
        }
        if at > 0 && !self.keyed {
            return Err(Flaw::Unkeyed(at));
        }
        // More entries than were ever counted: the count was set back.
        if counted < at { Err(Flaw::Changed(counted + 1)) } else { Ok(()) }
    }
}

/// How the trail was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerdict {
    /// The last entry that holds, as all before it do.
    pub head: Option<Anchor>,
    pub flaw: Option<Flaw>,
}

impl Tx {
    /// Writes an entry of what has no before and after.
    pub async fn audit(
        &mut self,
        by: &str,
        action: &str,
        target: &str,
        detail: &Value,
    ) -> Result<()> {
        self.audit_act(Act { by, action, target, detail, was: None, became: None }).await
    }

    /// Writes an entry. The counter's row is locked until the end, so the chain has one order.
    pub async fn audit_act(&mut self, act: Act<'_>) -> Result<()> {
        let sequence = self.next_value("audit").await?;
        let previous: Option<String> =
            sqlx::query_scalar("SELECT hash FROM audit WHERE sequence = $1")
                .bind(sequence - 1)
                .fetch_optional(&mut self.db)
                .await?;
        let (actor, detail) = self.doer_of(&act);
        let mut entry = AuditEntry {
            sequence,
            at: self.now(),
            actor,
            via: self.origin.via.clone(),
            os_user: self.origin.os_user.clone(),
            action: act.action.to_owned(),
            target: act.target.to_owned(),
            detail: detail.to_string(),
            was: act.was.map(Value::to_string),
            became: act.became.map(Value::to_string),
            previous_hash: previous.unwrap_or_default(),
            hash: String::new(),
        };
        entry.hash = entry.parts(|parts| self.context.sealer.vouch(parts));
        self.put_audit(entry).await
    }

    /// Who did it: of what came by a table that somebody brought, that one, with whom its row names beside.
    fn doer_of(&self, act: &Act<'_>) -> (String, Value) {
        let mut detail = act.detail.clone();
        let Some(by) = self.origin.by.clone() else { return (act.by.to_owned(), detail) };
        // Named by number, or as they sign.
        let is_same = act.by == by || by.split(' ').next() == Some(act.by);
        if let Value::Object(said) = &mut detail
            && !is_same
            && doer_called(act.by).is_none()
        {
            said.insert("named".to_owned(), act.by.into());
        }
        (by, detail)
    }

    async fn put_audit(&mut self, entry: AuditEntry) -> Result<()> {
        let row = entry.sequence.to_string();
        let context = &self.context;
        let detail = context.seal(AUDIT_DETAIL, &row, &entry.detail)?;
        let was = context.seal_optional(AUDIT_WAS, &row, entry.was.as_deref())?;
        let became = context.seal_optional(AUDIT_BECAME, &row, entry.became.as_deref())?;
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "INSERT INTO audit ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        )))
        .bind(entry.sequence)
        .bind(entry.at)
        .bind(entry.actor)
        .bind(entry.via)
        .bind(entry.os_user)
        .bind(entry.action)
        .bind(entry.target)
        .bind(detail)
        .bind(was)
        .bind(became)
        .bind(entry.previous_hash)
        .bind(entry.hash)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}

impl Session {
    /// Whether somebody did so since then.
    pub async fn has_audited(&mut self, by: &str, action: &str, since: i64) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM audit WHERE at >= $1 AND actor = $2 AND action = $3 LIMIT 1",
        )
        .bind(since)
        .bind(by.to_owned())
        .bind(action.to_owned())
        .fetch_optional(&mut self.db)
        .await?;
        Ok(found.is_some())
    }

    async fn audit_after(&mut self, after: i64) -> Result<Vec<AuditEntry>> {
        let page = format!(
            "SELECT {COLUMNS} FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT {PAGE}"
        );
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(page)).bind(after).fetch_all(&mut self.db).await?)
    }

    /// The entries before one, the newest first, at most `limit`.
    pub async fn audit_before(&mut self, before: i64, limit: i64) -> Result<Vec<AuditEntry>> {
        let page = format!(
            "SELECT {COLUMNS} FROM audit WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2"
        );
        let entries: Vec<AuditEntry> = sqlx::query_as(sqlx::AssertSqlSafe(page))
            .bind(before)
            .bind(limit)
            .fetch_all(&mut self.db)
            .await?;
        entries.into_iter().map(|entry| entry.opened(&self.context)).collect()
    }

    /// Follows the trail from its first entry to its last, and holds it against what is remembered of it outside.
    pub async fn verify_audit(&mut self, remembered: Option<Anchor>) -> Result<AuditVerdict> {
        let counted: Option<i64> =
            sqlx::query_scalar("SELECT value FROM counters WHERE name = 'audit'")
                .fetch_optional(&mut self.db)
                .await?;
        let context = self.shared_context();
        let mut chain = Chain { remembered, ..Chain::default() };
        let mut after = i64::MIN;
        let mut found = Ok(());
        while found.is_ok() {
            let page = self.audit_after(after).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            found = page.into_iter().try_for_each(|entry| chain.follow(entry, &context));
        }
        let flaw = found.and_then(|()| chain.end(counted.unwrap_or(0))).err();
        Ok(AuditVerdict { head: chain.last, flaw })
    }
}

impl Store {
    /// The whole trail, oldest first.
    pub async fn audit_trail(&self) -> Result<Vec<AuditEntry>> {
        self.audit_list(&AuditFilter { until: i64::MAX, limit: i64::MAX, ..AuditFilter::default() })
            .await
    }

    /// The entries that are wanted, oldest first.
    pub async fn audit_list(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>> {
        let read = format!(
            "SELECT {COLUMNS} FROM audit WHERE at >= $1 AND at <= $2 AND (actor = $3 OR $3 = '')
               AND (action = $4 OR $4 = '') AND (target = $5 OR $5 = '') ORDER BY sequence DESC LIMIT $6"
        );
        let mut entries: Vec<AuditEntry> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(filter.since)
            .bind(filter.until)
            .bind(filter.actor.clone())
            .bind(filter.action.clone())
            .bind(filter.target.clone())
            .bind(filter.limit)
            .fetch_all(&self.read)
            .await?;
        entries.reverse();
        entries.into_iter().map(|entry| entry.opened(&self.context)).collect()
    }

    /// The same of the whole trail, with nothing remembered: where it first doesn't hold.
    pub async fn broken_audit(&self) -> Result<Option<Flaw>> {
        Ok(self.verify_audit(None).await?.flaw)
    }

    /// As [`Session::verify_audit`], at one instant.
    pub async fn verify_audit(&self, remembered: Option<Anchor>) -> Result<AuditVerdict> {
        let mut snapshot = self.snapshot().await?;
        let verdict = snapshot.verify_audit(remembered).await?;
        snapshot.end().await?;
        Ok(verdict)
    }

    /// The trail's last entry.
    pub async fn audit_head(&self) -> Result<Option<Anchor>> {
        let last = "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1";
        let last: Option<(i64, String)> = sqlx::query_as(last).fetch_optional(&self.read).await?;
        Ok(last.map(|(sequence, hash)| Anchor { sequence, hash }))
    }

    /// Whether the trail still has the entry that is remembered outside.
    pub async fn has_anchor(&self, anchor: &Anchor) -> Result<bool> {
        let hash: Option<String> = sqlx::query_scalar("SELECT hash FROM audit WHERE sequence = $1")
            .bind(anchor.sequence)
            .fetch_optional(&self.read)
            .await?;
        Ok(hash.is_some_and(|hash| hash == anchor.hash))
    }

    /// A trail that a version before this one chained without the key is vouched for from here on: the first entry with a
    /// mark covers all before it.
    pub(super) async fn take_over_audit(&self) -> Result<()> {
        if self.audit_head().await?.is_none_or(|head| head.hash.contains(':')) {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        tx.audit("zoufang", "vouch", "audit", &Value::Null).await?;
        tx.commit().await
    }
}
