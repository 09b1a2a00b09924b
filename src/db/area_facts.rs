//! What meets, or asks for, a duty of an area or a department.

use std::collections::HashSet;

use serde::Deserialize;

use super::{Result, Session};
use crate::domain::obligations::{Department, Departments};
use crate::domain::staff::Role;

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl Session {
    /// Who answers for each unit of the town: the first of it by number.
    pub async fn departments(&mut self) -> Result<Departments> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT s.unit, s.id, s.area_id FROM staff s JOIN staff_roles r ON r.staff_id = s.id
             WHERE r.role = $1 ORDER BY s.number DESC",
        )
        .bind(Role::Department.code())
        .fetch_all(&mut *self.db)
        .await?;
        let department = |(unit, staff_id, area_id)| (unit, Department { staff_id, area_id });
        Ok(rows.into_iter().map(department).collect())
    }

    /// Which of these areas somebody checked since a date.
    pub async fn spot_checked(&mut self, areas: &[&str], since: &str) -> Result<HashSet<String>> {
        let query = format!(
            "SELECT DISTINCT s.area_id AS id FROM visits v JOIN subjects s ON s.id = v.subject_id
             WHERE v.kind = 'spot_check' AND v.visited_on >= $2 AND s.area_id {}",
            self.dialect.among()
        );
        let rows: Vec<Id> = self.read_set(&["id"], &query, areas, &[since]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// In which of these areas work was asked for since an instant.
    pub async fn areas_with_work(&mut self, areas: &[&str], since: i64) -> Result<HashSet<String>> {
        let query = format!(
            "SELECT a.id FROM areas a WHERE a.id {} AND EXISTS (
               SELECT 1 FROM issues i JOIN issue_events e ON e.issue_id = i.id
               WHERE i.area_id = a.id AND e.kind IN ('classified', 'reopened') AND e.at >= {since}
                 AND i.level IS NOT NULL)",
            self.dialect.among()
        );
        let rows: Vec<Id> = self.read_set(&["id"], &query, areas, &[]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Which of these people were asked, as a department, to take note of an issue since an instant.
    pub async fn departments_with_work(
        &mut self,
        people: &[&str],
        since: i64,
    ) -> Result<HashSet<String>> {
        let query = format!(
            "SELECT DISTINCT g.staff_id AS id FROM duty_groups g JOIN issues i ON i.id = g.issue_id
             WHERE g.kind = 'acknowledge' AND g.role = 'department' AND g.created_at >= {since}
               AND g.staff_id {}",
            self.dialect.among()
        );
        let rows: Vec<Id> = self.read_set(&["id"], &query, people, &[]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// The keys of what somebody confirmed since an instant.
    pub async fn confirmed_since(&mut self, since: i64) -> Result<HashSet<String>> {
        let keys: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT target FROM audit WHERE action = 'confirm' AND at >= $1",
        )
        .bind(since)
        .fetch_all(&mut *self.db)
        .await?;
        Ok(keys.into_iter().collect())
    }
}
