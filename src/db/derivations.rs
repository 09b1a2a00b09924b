//! What is to be derived again, subject by subject: a plan was applied, or a department has another person. Each stretch is a
//! turn of its own, and whoever is killed in it leaves the place where the next goes on.

use super::{Result, Session, Tx};

/// A derivation that isn't finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    pub id: String,
    pub reason: String,
    /// The subject up to which all is done.
    pub done_to: String,
}

from_row!(Derivation { id, reason, done_to });

/// Why all is derived again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Another plan was applied.
    Plan,
    /// Somebody else answers for a department.
    Departments,
    /// The doctor was asked to put right what it found.
    Repair,
}

impl Reason {
    const fn code(self) -> &'static str {
        match self {
            Reason::Plan => "plan",
            Reason::Departments => "departments",
            Reason::Repair => "repair",
        }
    }
}

impl Derivation {
    /// Whether what stands may still be as the plan before had it.
    pub fn is_of_another_plan(&self) -> bool {
        self.reason == Reason::Plan.code()
    }
}

impl Session {
    /// The derivation to go on with, the oldest first.
    pub async fn next_derivation(&mut self) -> Result<Option<Derivation>> {
        let next = "SELECT id, reason, done_to FROM derivations ORDER BY created_at, id LIMIT 1";
        Ok(sqlx::query_as(next).fetch_optional(&mut self.db).await?)
    }
}

impl Tx {
    /// Asks for all subjects to be derived again; one that was asked for and hasn't begun does for this too.
    pub async fn ask_derivation(&mut self, reason: Reason) -> Result<()> {
        let (id, now) = (self.context.id(), self.now());
        sqlx::query(
            "INSERT INTO derivations (id, reason, done_to, created_at) SELECT $1, $2, '', $3
             WHERE NOT EXISTS (SELECT 1 FROM derivations WHERE reason = $2 AND done_to = '')",
        )
        .bind(id)
        .bind(reason.code())
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Notes how far a derivation has come.
    pub async fn derived_to(&mut self, id: &str, subject: &str) -> Result<()> {
        sqlx::query("UPDATE derivations SET done_to = $1 WHERE id = $2")
            .bind(subject.to_owned())
            .bind(id.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// A derivation is finished.
    pub async fn derived(&mut self, id: &str) -> Result<()> {
        sqlx::query("DELETE FROM derivations WHERE id = $1")
            .bind(id.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }
}
