//! The audit trail: who changed what, each entry chained to the one before by its hash.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Result, Store, Tx};
use crate::seal::hex;

/// One entry.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    pub sequence: i64,
    pub at: i64,
    pub actor: String,
    pub action: String,
    pub target: String,
    pub detail: String,
    pub previous_hash: String,
    pub hash: String,
}

from_row!(AuditEntry { sequence, at, actor, action, target, detail, previous_hash, hash });

impl AuditEntry {
    fn expected_hash(&self) -> String {
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
}

impl Tx {
    /// Writes an entry. The counter's row is locked until the end, so the chain has one order.
    pub async fn audit(
        &mut self,
        actor: &str,
        action: &str,
        target: &str,
        detail: &Value,
    ) -> Result<()> {
        let sequence = self.next_value("audit").await?;
        let previous: Option<String> =
            sqlx::query_scalar("SELECT hash FROM audit WHERE sequence = $1")
                .bind(sequence - 1)
                .fetch_optional(&mut *self.db)
                .await?;
        let mut entry = AuditEntry {
            sequence,
            at: self.now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            target: target.to_owned(),
            detail: detail.to_string(),
            previous_hash: previous.unwrap_or_default(),
            hash: String::new(),
        };
        entry.hash = entry.expected_hash();
        sqlx::query(
            "INSERT INTO audit (sequence, at, actor, action, target, detail, previous_hash, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(entry.sequence)
        .bind(entry.at)
        .bind(entry.actor)
        .bind(entry.action)
        .bind(entry.target)
        .bind(entry.detail)
        .bind(entry.previous_hash)
        .bind(entry.hash)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}

impl Store {
    /// The whole trail, oldest first.
    pub async fn audit_trail(&self) -> Result<Vec<AuditEntry>> {
        Ok(sqlx::query_as("SELECT * FROM audit ORDER BY sequence").fetch_all(&self.read).await?)
    }

    /// The first entry whose chain doesn't hold: changed, removed or put in between.
    pub async fn broken_audit(&self) -> Result<Option<i64>> {
        let mut previous = String::new();
        for (entry, sequence) in self.audit_trail().await?.iter().zip(1..) {
            let holds = entry.sequence == sequence
                && entry.previous_hash == previous
                && entry.hash == entry.expected_hash();
            if !holds {
                return Ok(Some(sequence));
            }
            previous.clone_from(&entry.hash);
        }
        Ok(None)
    }
}
