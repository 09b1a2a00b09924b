//! Duties 任务: opened and met in the transaction of the event that causes it.
//!
//! Each open duty carries the date of its next rung, so a day's reminders are found by an index and
//! not by scanning what is owed.

use jiff::civil::Date;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Tx, date, word};
use crate::domain::duty::{self, DutyKind};
use crate::domain::staff::Role;
use crate::domain::visit::VisitKind;

/// Something to be owed.
#[derive(Debug, Clone)]
pub struct NewDuty {
    pub kind: DutyKind,
    /// What it is about: part of the key that makes it once.
    pub of: String,
    pub round: i64,
    /// Who owes it; without a person, whoever holds `role` over the area.
    pub staff_id: Option<String>,
    pub role: Role,
    pub area_id: String,
    pub subject_id: Option<String>,
    pub resident_id: Option<String>,
    pub issue_id: Option<String>,
    /// Its own date; without it, the plan's for its kind.
    pub due_on: Option<Date>,
}

impl NewDuty {
    /// A duty of an area itself.
    pub fn of_area(kind: DutyKind, area_id: &str) -> NewDuty {
        NewDuty {
            kind,
            of: area_id.to_owned(),
            round: 1,
            staff_id: None,
            role: kind.role(),
            area_id: area_id.to_owned(),
            subject_id: None,
            resident_id: None,
            issue_id: None,
            due_on: None,
        }
    }
}

/// An open duty whose next rung is due.
#[derive(Debug, Clone)]
pub struct DueRung {
    pub id: String,
    pub kind: DutyKind,
    pub staff_id: Option<String>,
    pub role: Role,
    pub area_id: String,
    pub subject_id: Option<String>,
    pub due_on: Date,
    pub next_rung: i64,
}

#[derive(FromRow)]
struct DueRow {
    id: String,
    kind: String,
    staff_id: Option<String>,
    role: String,
    area_id: String,
    subject_id: Option<String>,
    due_on: String,
    next_rung: i64,
}

impl DueRow {
    fn read(self) -> Result<DueRung> {
        Ok(DueRung {
            kind: word("duties.kind", &self.kind, DutyKind::read)?,
            role: word("duties.role", &self.role, Role::read)?,
            due_on: date("duties.due_on", &self.due_on)?,
            id: self.id,
            staff_id: self.staff_id,
            area_id: self.area_id,
            subject_id: self.subject_id,
            next_rung: self.next_rung,
        })
    }
}

impl Tx {
    /// Opens a duty, once: the same key again changes nothing.
    pub async fn open_duty(&mut self, new: &NewDuty) -> Result<()> {
        let around = &self.around;
        let due_on = new.due_on.unwrap_or_else(|| around.campaign.due_on(new.kind));
        let first = around.campaign.rungs(new.kind).first();
        let next_rung_on = first.map(|rung| rung.told_on(due_on, &around.workdays).to_string());
        let (id, now) = (around.id(), around.clock.millis());
        sqlx::query(
            "INSERT INTO duties (id, duty_key, kind, staff_id, role, area_id, subject_id, resident_id, issue_id,
               due_on, state, next_rung, next_rung_on, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open', 0, $11, $12)
             ON CONFLICT (duty_key) DO NOTHING",
        )
        .bind(id)
        .bind(duty::key(new.kind, &new.of, new.round))
        .bind(new.kind.code())
        .bind(&new.staff_id)
        .bind(new.role.code())
        .bind(&new.area_id)
        .bind(&new.subject_id)
        .bind(&new.resident_id)
        .bind(&new.issue_id)
        .bind(due_on.to_string())
        .bind(next_rung_on)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Marks a duty met by a fact; one that isn't open stays as it is.
    pub async fn meet_duty(&mut self, key: &str, fact: &str) -> Result<bool> {
        let now = self.now();
        let met = sqlx::query(
            "UPDATE duties SET state = 'met', met_at = $1, met_by = $2 WHERE duty_key = $3 AND state = 'open'",
        )
        .bind(now)
        .bind(fact)
        .bind(key)
        .execute(&mut *self.db)
        .await?;
        Ok(met.rows_affected() > 0)
    }

    /// Confirms a report or the materials of an area: what no other fact in the record can show.
    pub async fn confirm(&mut self, kind: DutyKind, area: &str, by: &str) -> Result<super::Put> {
        let area = self.area_tree().await?.find(area)?.clone();
        let key = duty::key(kind, &area.id, 1);
        let state: Option<String> =
            sqlx::query_scalar("SELECT state FROM duties WHERE duty_key = $1")
                .bind(&key)
                .fetch_optional(&mut *self.db)
                .await?;
        match state.as_deref() {
            None => Err(StoreError::Rule(format!("「{}」没有「{kind}」这项任务", area.name))),
            Some("open") => {
                self.meet_duty(&key, by).await?;
                let detail = serde_json::json!({"area": area.name, "kind": kind.code()});
                self.audit(by, "confirm", &key, &detail).await?;
                Ok(super::Put::Added)
            }
            Some(_) => Ok(super::Put::Same),
        }
    }

    /// Ends what is owed for an issue.
    pub(super) async fn end_issue_duties(
        &mut self,
        issue: &str,
        state: &str,
        fact: &str,
    ) -> Result<()> {
        let now = self.now();
        sqlx::query(
            "UPDATE duties SET state = $1, met_at = $2, met_by = $3 WHERE issue_id = $4 AND kind = $5 AND state = 'open'",
        )
        .bind(state)
        .bind(now)
        .bind(fact)
        .bind(issue)
        .bind(DutyKind::Resolve.code())
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Brings what is owed for a resident in line with the record: classified when no issue of theirs
    /// is unclassified, revisited when they were revisited and nothing of theirs is left unended.
    pub(super) async fn settle_resident(&mut self, resident: &str) -> Result<()> {
        let (subject_id, area_id, staff_id): (String, String, Option<String>) = sqlx::query_as(
            "SELECT s.id, s.area_id, a.staff_id FROM residents r JOIN subjects s ON s.id = r.subject_id
             LEFT JOIN assignments a ON a.subject_id = s.id WHERE r.id = $1",
        )
        .bind(resident)
        .fetch_one(&mut *self.db)
        .await?;
        let (unclassified, unended): (i64, i64) = sqlx::query_as(
            "SELECT CAST(COALESCE(SUM(CASE WHEN level IS NULL AND state <> 'void' THEN 1 ELSE 0 END), 0) AS BIGINT),
               CAST(COALESCE(SUM(CASE WHEN state NOT IN ('closed', 'void') THEN 1 ELSE 0 END), 0) AS BIGINT)
             FROM issues WHERE resident_id = $1",
        )
        .bind(resident)
        .fetch_one(&mut *self.db)
        .await?;
        let (heard, revisited): (i64, i64) = sqlx::query_as(
            "SELECT CAST(COALESCE(SUM(CASE WHEN kind = $1 THEN 1 ELSE 0 END), 0) AS BIGINT),
               CAST(COALESCE(SUM(CASE WHEN kind = $2 THEN 1 ELSE 0 END), 0) AS BIGINT)
             FROM visits WHERE resident_id = $3",
        )
        .bind(VisitKind::First.code())
        .bind(VisitKind::Revisit.code())
        .bind(resident)
        .fetch_one(&mut *self.db)
        .await?;
        let owed = [
            (DutyKind::Classify, heard > 0, unclassified == 0),
            (DutyKind::Revisit, heard > 0, revisited > 0 && unended == 0),
        ];
        for (kind, owed, met) in owed {
            if !owed {
                continue;
            }
            let duty = NewDuty {
                kind,
                of: resident.to_owned(),
                staff_id: staff_id.clone(),
                subject_id: Some(subject_id.clone()),
                resident_id: Some(resident.to_owned()),
                ..NewDuty::of_area(kind, &area_id)
            };
            self.hold_duty(&duty, met).await?;
        }
        Ok(())
    }

    /// Opens the duty if it was never owed, and makes its state what the record says.
    async fn hold_duty(&mut self, new: &NewDuty, met: bool) -> Result<()> {
        self.open_duty(new).await?;
        let key = duty::key(new.kind, &new.of, new.round);
        if met {
            self.meet_duty(&key, "record").await?;
            return Ok(());
        }
        sqlx::query(
            "UPDATE duties SET state = 'open', met_at = NULL, met_by = NULL WHERE duty_key = $1 AND state = 'met'",
        )
        .bind(key)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Moves a duty's ladder on to `rung`, told on `on`; without a date the ladder is at its end.
    pub async fn move_rung(&mut self, duty: &str, rung: i64, on: Option<Date>) -> Result<()> {
        sqlx::query("UPDATE duties SET next_rung = $1, next_rung_on = $2 WHERE id = $3")
            .bind(rung)
            .bind(on.map(|on| on.to_string()))
            .bind(duty)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// The open duties whose next rung is due by `day`, at most `limit`.
    pub async fn due_rungs(&mut self, day: Date, limit: i64) -> Result<Vec<DueRung>> {
        let rows: Vec<DueRow> = sqlx::query_as(
            "SELECT id, kind, staff_id, role, area_id, subject_id, due_on, next_rung FROM duties
             WHERE state = 'open' AND next_rung_on <= $1 ORDER BY next_rung_on, area_id, id LIMIT $2",
        )
        .bind(day.to_string())
        .bind(limit)
        .fetch_all(&mut *self.db)
        .await?;
        rows.into_iter().map(DueRow::read).collect()
    }
}

impl Store {
    /// The names of the areas that still owe a duty of their own.
    pub async fn areas_owing(&self, kind: DutyKind) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT COALESCE(a.code, a.name) FROM duties d JOIN areas a ON a.id = d.area_id
             WHERE d.kind = $1 AND d.state = 'open' ORDER BY a.code, a.name",
        )
        .bind(kind.code())
        .fetch_all(&self.read)
        .await?)
    }

    /// What is owed, by kind: open, and open past its date.
    pub async fn open_duties(&self, today: Date) -> Result<Vec<(DutyKind, i64, i64)>> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT kind, COUNT(*), CAST(SUM(CASE WHEN due_on < $1 THEN 1 ELSE 0 END) AS BIGINT)
             FROM duties WHERE state = 'open' GROUP BY kind ORDER BY kind",
        )
        .bind(today.to_string())
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(kind, open, late)| Ok((word("duties.kind", &kind, DutyKind::read)?, open, late)))
            .collect()
    }
}
