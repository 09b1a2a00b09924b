//! Issues that wait for somebody's desk, found by what is owed of them: those that the platform refused, and those that a unit of
//! the town answers for.

use serde::Deserialize;

use super::ledger::OPEN;
use super::{Result, Session};

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl Session {
    /// The issues that the platform refused and of which nobody has settled what becomes of them, the nearest first, at most
    /// `limit`.
    pub async fn issues_sent_back(&mut self, limit: i64) -> Result<Vec<String>> {
        let query = "SELECT b.issue_id AS id FROM duty_groups b
             WHERE b.kind = 'returned' AND EXISTS (SELECT 1 FROM duties d WHERE d.group_id = b.id AND d.state = 'open')
             ORDER BY b.due_on, b.id LIMIT $1";
        let rows: Vec<Id> = self.read_rows(&["id"], query, &[limit.into()]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// The issues of these categories, whenever they were classified: those that aren't done, the nearest first, or those that
    /// are, the newest first; at most `limit`.
    pub async fn issues_of_categories(
        &mut self,
        categories: &[&str],
        done: bool,
        limit: i64,
    ) -> Result<Vec<String>> {
        let (which, order) = match done {
            true => ("i.state IN ('resolved', 'closed', 'void')", "i.updated_at DESC, i.id"),
            // What is classified has a date.
            false => (OPEN, "i.due_on, i.number"),
        };
        let query = format!(
            "SELECT i.id AS id FROM issues i WHERE {which} AND i.category {} ORDER BY {order} LIMIT {limit}",
            self.dialect.among()
        );
        let rows: Vec<Id> = self.read_set(&["id"], &query, categories, &[]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }
}
