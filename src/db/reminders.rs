//! Reminders: who was told of which group at which step, the digest that each is owed of it, and what people acknowledged.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;
use serde::Deserialize;

use super::duty_groups::{DUE, DueRow, OPEN, groups};
use super::sets::AT_ONCE;
use super::{Result, Session, Store, Tx, to_json, word};
use crate::domain::duty::DutyKind;
use crate::domain::escalation::{DueGroup, Heard, Reminder};
use crate::domain::staff::Role;

/// A group that somebody was told of.
#[derive(Debug, Clone)]
pub struct ToldGroup {
    pub group: DueGroup,
    pub step: i64,
    pub instead_of: Option<String>,
}

#[derive(Deserialize)]
struct ToldRow {
    #[serde(flatten)]
    due: DueRow,
    told: String,
    step: i64,
    instead_of: Option<String>,
}

#[derive(Deserialize)]
struct ToldStep {
    group_id: String,
    step: i64,
    staff_id: String,
}

/// How much in a group counts as open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// What was open when it was told.
    Then,
    /// What is open.
    Now,
}

/// That somebody heard of a step of a duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub duty_key: String,
    pub due_on: String,
    pub step: i64,
    pub staff_number: String,
    pub on_date: String,
}

from_row!(Told { duty_key, due_on, step, staff_number, on_date });

impl Session {
    /// What a person was told on a day, as it is now, each once for each of its steps.
    pub async fn told_to(&mut self, staff_id: &str, day: &str) -> Result<Vec<ToldGroup>> {
        let told = self.told_to_each(&[staff_id], day, Open::Now).await?.remove(staff_id);
        Ok(told.unwrap_or_default())
    }

    /// What each of these people was told on a day, by group and step.
    pub async fn told_to_each(
        &mut self,
        people: &[&str],
        day: &str,
        open: Open,
    ) -> Result<BTreeMap<String, Vec<ToldGroup>>> {
        let open = match open {
            Open::Then => "t.duties",
            Open::Now => OPEN,
        };
        let read = format!(
            "{} JOIN reminders t ON t.group_id = b.id WHERE t.staff_id {} AND t.on_date = $2 ORDER BY t.group_id, t.step",
            groups(open, ", t.staff_id AS told, t.step, t.instead_of"),
            self.dialect.among()
        );
        let columns = [DUE.as_slice(), &["told", "step", "instead_of"]].concat();
        let rows: Vec<ToldRow> = self.read_set(&columns, &read, people, &[day]).await?;
        let mut told: BTreeMap<String, Vec<ToldGroup>> = BTreeMap::new();
        for ToldRow { due, told: person, step, instead_of } in rows {
            let group = self.read_group(due)?;
            told.entry(person).or_default().push(ToldGroup { group, step, instead_of });
        }
        Ok(told)
    }

    /// What earlier days have said of these groups.
    pub async fn heard(&mut self, groups: &[DueGroup]) -> Result<Heard> {
        let ids: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
        let among = self.dialect.among();
        let told = format!("SELECT group_id, step, staff_id FROM reminders WHERE group_id {among}");
        let told: Vec<ToldStep> =
            self.read_set(&["group_id", "step", "staff_id"], &told, &ids, &[]).await?;
        let noted =
            format!("SELECT group_id, staff_id, late FROM acknowledgements WHERE group_id {among}");
        let noted: Vec<(String, String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(noted))
            .bind(to_json(&ids)?)
            .fetch_all(&mut self.db)
            .await?;
        let told = told.into_iter().map(|told| (told.group_id, told.step, told.staff_id));
        let acknowledged = noted.into_iter().map(|(group, staff, late)| (group, staff, late != 0));
        Ok(Heard { told: told.collect(), acknowledged: acknowledged.collect() })
    }

    /// Who is still owed the digest of what they were told by `day`, in the order of their ids: those after the one of
    /// id `after`, at most `limit`.
    pub async fn owed_digests(
        &mut self,
        day: Date,
        after: &str,
        limit: i64,
    ) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT staff_id FROM owed_digests WHERE on_date <= $1 AND staff_id > $2 ORDER BY staff_id LIMIT $3",
        )
        .bind(day.to_string())
        .bind(after.to_owned())
        .bind(limit)
        .fetch_all(&mut self.db)
        .await?)
    }
}

impl Tx {
    /// 已知晓: a person needn't be told of these again, before their date (false) or after it (true). How many of them are new.
    pub async fn put_acknowledgements(
        &mut self,
        staff_id: &str,
        groups: &[(&str, bool)],
    ) -> Result<usize> {
        let row = |(group, late): &(&str, bool)| serde_json::json!({"group_id": group, "late": i64::from(*late)});
        let rows: Vec<_> = groups.iter().map(row).collect();
        let write = format!(
            "INSERT INTO acknowledgements (group_id, staff_id, late, at) SELECT group_id, $2, late, $3 FROM {} AS j WHERE true
             ON CONFLICT (group_id, staff_id, late) DO NOTHING",
            self.dialect.rows(&["group_id"], &["late"])
        );
        let now = self.now();
        let added = sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&rows)?)
            .bind(staff_id.to_owned())
            .bind(now)
            .execute(&mut self.db)
            .await?;
        Ok(usize::try_from(added.rows_affected()).unwrap_or(0))
    }

    /// Of these groups, those whose issue still waits for being taken note of (签收): the issue, and in which role.
    pub async fn unnoted_issues(&mut self, groups: &[&str]) -> Result<Vec<(String, Role)>> {
        let read = format!(
            "SELECT DISTINCT b.issue_id, b.role FROM duties d JOIN duty_groups b ON b.id = d.group_id
             WHERE d.group_id {} AND d.kind = $2 AND d.state = 'open' AND b.issue_id IS NOT NULL ORDER BY b.issue_id, b.role",
            self.dialect.among()
        );
        let rows: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(to_json(&groups)?)
            .bind(DutyKind::Acknowledge.code())
            .fetch_all(&mut self.db)
            .await?;
        let role = |role: String| word("duty_groups.role", &role, Role::read);
        rows.into_iter().map(|(issue, of)| Ok((issue, role(of)?))).collect()
    }

    /// Records who was told of what; each is owed the digest that says it.
    pub async fn put_reminders(&mut self, reminders: &[Reminder], on: Date) -> Result<()> {
        let now = self.now();
        let source = self.dialect.rows(&["group_id", "staff", "instead_of"], &["step", "duties"]);
        let write = format!(
            "INSERT INTO reminders (group_id, step, staff_id, instead_of, duties, on_date, at)
             SELECT group_id, step, staff, instead_of, duties, $2, $3 FROM {source} AS j"
        );
        let owe = format!(
            "INSERT INTO owed_digests (staff_id, on_date) SELECT DISTINCT staff, $2 FROM {source} AS j WHERE true
             ON CONFLICT (staff_id) DO NOTHING"
        );
        for rows in reminders.chunks(AT_ONCE) {
            let rows = to_json(&rows)?;
            sqlx::query(sqlx::AssertSqlSafe(write.clone()))
                .bind(rows.clone())
                .bind(on.to_string())
                .bind(now)
                .execute(&mut self.db)
                .await?;
            sqlx::query(sqlx::AssertSqlSafe(owe.clone()))
                .bind(rows)
                .bind(on.to_string())
                .execute(&mut self.db)
                .await?;
        }
        Ok(())
    }

    /// Moves what people were told before `day`, and never got the digest of, to that day's digest, at most `limit`.
    /// False where nothing is left.
    pub async fn carry_over(&mut self, day: Date, limit: i64) -> Result<bool> {
        let moved = sqlx::query(
            "UPDATE reminders SET on_date = $1 WHERE (group_id, step, staff_id) IN (
               SELECT t.group_id, t.step, t.staff_id FROM owed_digests o JOIN reminders t ON t.staff_id = o.staff_id
               WHERE o.on_date < $1 AND t.on_date >= o.on_date AND t.on_date < $1 LIMIT $2)",
        )
        .bind(day.to_string())
        .bind(limit)
        .execute(&mut self.db)
        .await?;
        if moved.rows_affected() > 0 {
            return Ok(true);
        }
        sqlx::query(
            "UPDATE words SET on_date = $1 WHERE on_date < $1 AND EXISTS (SELECT 1 FROM owed_digests o
               WHERE o.staff_id = words.staff_id AND o.on_date <= words.on_date)",
        )
        .bind(day.to_string())
        .execute(&mut self.db)
        .await?;
        sqlx::query("UPDATE owed_digests SET on_date = $1 WHERE on_date < $1")
            .bind(day.to_string())
            .execute(&mut self.db)
            .await?;
        Ok(false)
    }

    /// Takes these people's digests as paid; gives those that were still owed.
    pub async fn pay_digests(&mut self, people: &[&str]) -> Result<HashSet<String>> {
        let pay = format!(
            "DELETE FROM owed_digests WHERE staff_id {} RETURNING staff_id",
            self.dialect.among()
        );
        let paid: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(pay))
            .bind(to_json(&people)?)
            .fetch_all(&mut self.db)
            .await?;
        Ok(paid.into_iter().collect())
    }
}

impl Store {
    /// Everything that anybody was told, oldest first, of what was open then.
    pub async fn told(&self) -> Result<Vec<Told>> {
        Ok(sqlx::query_as(
            "SELECT d.duty_key, b.due_on, t.step, s.number AS staff_number, t.on_date
             FROM reminders t JOIN duty_groups b ON b.id = t.group_id JOIN duties d ON d.group_id = b.id
             JOIN staff s ON s.id = t.staff_id
             WHERE d.created_at <= t.at AND (d.met_at IS NULL OR d.met_at > t.at)
             ORDER BY t.on_date, d.duty_key, t.step, s.number",
        )
        .fetch_all(&self.read)
        .await?)
    }
}
