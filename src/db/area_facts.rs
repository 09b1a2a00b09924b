//! What meets, or asks for, a duty of an area or a department.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use serde::Deserialize;

use super::{Result, Session, Tx, date};
use crate::domain::obligations::{Department, Departments};
use crate::domain::staff::{Role, units_of};

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// That somebody confirmed something.
#[derive(Debug, Clone, Deserialize)]
pub struct ConfirmedBy {
    #[serde(rename = "actor")]
    pub by: String,
    pub at: i64,
}

/// What somebody did is undone by what was sent back later.
const STANDS: &str = "NOT EXISTS (
   SELECT 1 FROM audit b WHERE b.action = 'send_back' AND b.target = a.target AND b.sequence > a.sequence)";

/// The name under which it's kept since when there is an inspection group.
const INSPECTORS: &str = "inspectors_since";

impl Tx {
    /// Notes that there is an inspection group from this day on, where somebody is of it and that wasn't known. Whether it was
    /// news.
    pub async fn begin_inspecting(&mut self, on: Date) -> Result<bool> {
        let noted = sqlx::query(
            "INSERT INTO meta (name, value) SELECT $1, $2
             WHERE EXISTS (SELECT 1 FROM staff_roles WHERE role = $3) ON CONFLICT (name) DO NOTHING",
        )
        .bind(INSPECTORS)
        .bind(on.to_string())
        .bind(Role::Inspector.code())
        .execute(&mut self.db)
        .await?;
        Ok(noted.rows_affected() > 0)
    }

    /// The inspection group was there on that day already.
    pub async fn inspected_from(&mut self, on: Date) -> Result<()> {
        self.put_meta(INSPECTORS, &on.to_string()).await
    }
}

impl Session {
    /// Who answers for each unit of the town: the first of it by number.
    pub async fn departments(&mut self) -> Result<Departments> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT s.unit, s.id, s.area_id FROM staff s JOIN staff_roles r ON r.staff_id = s.id
             WHERE r.role = $1 ORDER BY s.number DESC",
        )
        .bind(Role::Department.code())
        .fetch_all(&mut self.db)
        .await?;
        let mut departments = Departments::new();
        for (units, staff_id, area_id) in rows {
            for unit in units_of(&units) {
                let department =
                    Department { staff_id: staff_id.clone(), area_id: area_id.clone() };
                departments.insert(unit.to_owned(), department);
            }
        }
        Ok(departments)
    }

    /// Which of these areas somebody checked since a date.
    pub async fn spot_checked(&mut self, areas: &[&str], since: &str) -> Result<HashSet<String>> {
        let query = format!(
            "SELECT DISTINCT s.area_id AS id FROM subjects s WHERE s.area_id {} AND (
               EXISTS (SELECT 1 FROM visits v WHERE v.subject_id = s.id AND v.kind = 'spot_check' AND v.visited_on >= $2)
               OR EXISTS (SELECT 1 FROM inspections n WHERE n.subject_id = s.id AND n.checked_on >= $2))",
            self.dialect.among()
        );
        let rows: Vec<Id> = self.read_set(&["id"], &query, areas, &[since]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// On which days since a date an inspector recorded anything.
    pub async fn inspected_days(&mut self, since: &str) -> Result<HashSet<Date>> {
        let days: Vec<String> = sqlx::query_scalar(
            "SELECT visited_on FROM visits WHERE kind = 'spot_check' AND visited_on >= $1
             UNION SELECT checked_on FROM inspections WHERE checked_on >= $1
             UNION SELECT on_date FROM inspection_notes WHERE on_date >= $1",
        )
        .bind(since.to_owned())
        .fetch_all(&mut self.db)
        .await?;
        days.iter().map(|day| date("visits.visited_on", day)).collect()
    }

    /// Since when there is an inspection group (督导组), if there ever was one.
    pub async fn inspectors_since(&mut self) -> Result<Option<Date>> {
        let since: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(INSPECTORS)
            .fetch_optional(&mut self.db)
            .await?;
        since.map(|day| date("meta.inspectors_since", &day)).transpose()
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

    /// The keys of what somebody confirmed since an instant, and nobody sent back since.
    pub async fn confirmed_since(&mut self, since: i64) -> Result<HashSet<String>> {
        let read = format!(
            "SELECT DISTINCT a.target FROM audit a WHERE a.action = 'confirm' AND a.at >= $1 AND {STANDS}"
        );
        let keys: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(read))
            .bind(since)
            .fetch_all(&mut self.db)
            .await?;
        Ok(keys.into_iter().collect())
    }

    /// By whom and when what has these keys was confirmed since an instant, where nobody sent it back since.
    pub async fn confirmations(
        &mut self,
        keys: &[&str],
        since: i64,
    ) -> Result<HashMap<String, ConfirmedBy>> {
        #[derive(Deserialize)]
        struct Row {
            target: String,
            #[serde(flatten)]
            confirmed: ConfirmedBy,
        }
        let query = format!(
            "SELECT a.target, a.actor, a.at FROM audit a
             WHERE a.action = 'confirm' AND a.at >= {since} AND {STANDS} AND a.target {} ORDER BY a.sequence",
            self.dialect.among()
        );
        let rows: Vec<Row> = self.read_set(&["target", "actor", "at"], &query, keys, &[]).await?;
        let mut first = HashMap::new();
        for Row { target, confirmed } in rows {
            first.entry(target).or_insert(confirmed);
        }
        Ok(first)
    }
}
