//! Duties 任务: opened and met in the transaction of the event that causes it.
//!
//! Who owes it, by when, and how far up the ladder it is, stands in its group (duty_groups.rs).

use jiff::civil::Date;
use serde::Serialize;

use super::duty_groups::GroupKey;
use super::{Result, Store, StoreError, Tx, date, to_json, word};
use crate::domain::campaign::ExtraPhase;
use crate::domain::duty::{self, DutyKind, DutyState};
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
    /// The first visit of a subject by its visitor.
    pub fn visit(subject_id: &str, area_id: &str, staff_id: &str) -> NewDuty {
        NewDuty {
            of: subject_id.to_owned(),
            staff_id: Some(staff_id.to_owned()),
            subject_id: Some(subject_id.to_owned()),
            ..NewDuty::of_area(DutyKind::Visit, area_id)
        }
    }

    /// What a village owes in a phase that was added.
    pub fn of_phase(phase: &ExtraPhase, area_id: &str) -> NewDuty {
        NewDuty {
            of: format!("{area_id}/{}", phase.code),
            role: phase.owed_by,
            due_on: Some(phase.ends_on),
            ..NewDuty::of_area(DutyKind::Extra, area_id)
        }
    }

    /// The key that makes it once.
    pub(super) fn key(&self) -> String {
        duty::key(self.kind, &self.of, self.round)
    }

    /// What it shares with the others of its group, before the first step.
    pub(super) fn group_key(&self, due_on: Date) -> GroupKey {
        GroupKey {
            kind: self.kind,
            staff_id: self.staff_id.clone(),
            role: self.role,
            area_id: self.area_id.clone(),
            issue_id: self.issue_id.clone(),
            due_on,
            next_step: 0,
        }
    }

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

/// That an issue's duty of a kind has ended.
#[derive(Debug, Serialize)]
pub(super) struct IssueDutyEnd<'e> {
    pub issue: &'e str,
    pub kind: DutyKind,
    /// Met or cancelled.
    pub state: DutyState,
    pub fact: &'static str,
}

impl Tx {
    /// Opens a duty, once: the same key again changes nothing.
    pub async fn open_duty(&mut self, new: &NewDuty) -> Result<()> {
        let key = new.key();
        let known: Option<String> = sqlx::query_scalar("SELECT id FROM duties WHERE duty_key = $1")
            .bind(&key)
            .fetch_optional(&mut *self.db)
            .await?;
        if known.is_some() {
            return Ok(());
        }
        let due_on = new.due_on.unwrap_or_else(|| self.plan.due_on(new.kind));
        let group = self.group(&new.group_key(due_on)).await?;
        let (id, now) = (self.context.id(), self.now());
        sqlx::query(
            "INSERT INTO duties (id, duty_key, kind, group_id, subject_id, resident_id, issue_id, state, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8)",
        )
        .bind(id)
        .bind(key)
        .bind(new.kind.code())
        .bind(group)
        .bind(&new.subject_id)
        .bind(&new.resident_id)
        .bind(&new.issue_id)
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

    /// Confirms a report or the materials of an area, or a phase that was added, by its title: what no other fact in the
    /// record can show.
    ///
    /// # Errors
    /// [`StoreError::Rule`] where nothing of that name is confirmed, or the area doesn't owe it.
    pub async fn confirm(&mut self, what: &str, area: &str, by: &str) -> Result<super::Upsert> {
        let area = self.area_tree().await?.find(area)?.clone();
        let extra = self.plan.extra.iter().find(|extra| extra.title == what);
        let (kind, of) = match (extra, DutyKind::read(what)) {
            (Some(extra), _) => (DutyKind::Extra, format!("{}/{}", area.id, extra.code)),
            (None, Some(kind)) if kind.is_confirmed() => (kind, area.id.clone()),
            (None, Some(kind)) => {
                return Err(StoreError::Rule(format!("「{kind}」由记录自动认定，不能手工确认")));
            }
            (None, None) => {
                return Err(StoreError::Rule(format!(
                    "没有「{what}」这项任务；应为：{}",
                    DutyKind::choices()
                )));
            }
        };
        let key = duty::key(kind, &of, 1);
        let state: Option<String> =
            sqlx::query_scalar("SELECT state FROM duties WHERE duty_key = $1")
                .bind(&key)
                .fetch_optional(&mut *self.db)
                .await?;
        match state.as_deref() {
            None => Err(StoreError::Rule(format!("「{}」没有「{what}」这项任务", area.name))),
            Some("open") => {
                self.meet_duty(&key, by).await?;
                let detail = serde_json::json!({"area": area.name, "kind": kind.code()});
                self.audit(by, "confirm", &key, &detail).await?;
                Ok(super::Upsert::Added)
            }
            Some(_) => Ok(super::Upsert::Same),
        }
    }

    /// Ends open duties of issues, however many, in one statement.
    pub(super) async fn end_issue_duties(&mut self, ends: &[IssueDutyEnd<'_>]) -> Result<()> {
        if ends.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let write = format!(
            "UPDATE duties SET state = j.state, met_at = $2, met_by = j.fact
             FROM {} AS j WHERE issue_id = j.issue AND duties.kind = j.kind AND duties.state = 'open'",
            self.dialect.rows(&["issue", "kind", "state", "fact"], &[])
        );
        sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&ends)?)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Hands what is owed for a subject from one person to another, as far up the ladder as it is.
    pub(super) async fn hand_over_duties(
        &mut self,
        subject: &str,
        from: &str,
        to: &str,
    ) -> Result<()> {
        let groups: Vec<(String, String, String, String, String, i64)> = sqlx::query_as(
            "SELECT DISTINCT b.id, b.kind, b.role, b.area_id, b.due_on, b.next_step
             FROM duties d JOIN duty_groups b ON b.id = d.group_id
             WHERE d.subject_id = $1 AND d.state = 'open' AND b.staff_id = $2",
        )
        .bind(subject)
        .bind(from)
        .fetch_all(&mut *self.db)
        .await?;
        for (id, kind, role, area_id, due_on, next_step) in groups {
            let group = self
                .group(&GroupKey {
                    kind: word("duty_groups.kind", &kind, DutyKind::read)?,
                    staff_id: Some(to.to_owned()),
                    role: word("duty_groups.role", &role, Role::read)?,
                    area_id,
                    issue_id: None,
                    due_on: date("duty_groups.due_on", &due_on)?,
                    next_step,
                })
                .await?;
            sqlx::query(
                "UPDATE duties SET group_id = $1 WHERE group_id = $2 AND subject_id = $3 AND state = 'open'",
            )
            .bind(group)
            .bind(id)
            .bind(subject)
            .execute(&mut *self.db)
            .await?;
        }
        Ok(())
    }

    /// Brings what is owed for a resident in line with the record.
    pub(super) async fn settle_resident(&mut self, resident: &str) -> Result<()> {
        for (duty, met) in self.owed_for_resident(resident).await? {
            self.hold_duty(&duty, met_if(met)).await?;
        }
        Ok(())
    }

    /// What is owed for a resident, and whether it's met: classified when no issue of theirs is unclassified, revisited
    /// when they were revisited and nothing of theirs is left unended.
    pub(super) async fn owed_for_resident(
        &mut self,
        resident: &str,
    ) -> Result<Vec<(NewDuty, bool)>> {
        let (subject_id, area_id, staff_id): (String, String, Option<String>) = sqlx::query_as(
            "SELECT s.id, s.area_id, a.staff_id FROM residents r JOIN subjects s ON s.id = r.subject_id
             LEFT JOIN assignments a ON a.subject_id = s.id WHERE r.id = $1",
        )
        .bind(resident)
        .fetch_one(&mut *self.db)
        .await?;
        let (unclassified, unended, asked): (i64, i64, i64) = sqlx::query_as(
            "SELECT COUNT(CASE WHEN level IS NULL AND state <> 'void' THEN 1 END),
               COUNT(CASE WHEN state NOT IN ('closed', 'void') THEN 1 END), COUNT(CASE WHEN state <> 'void' THEN 1 END)
             FROM issues WHERE resident_id = $1",
        )
        .bind(resident)
        .fetch_one(&mut *self.db)
        .await?;
        let (heard, revisited, in_person): (i64, i64, i64) = sqlx::query_as(
            "SELECT COUNT(CASE WHEN kind = $1 THEN 1 END), COUNT(CASE WHEN kind = $2 THEN 1 END),
               COUNT(CASE WHEN kind = $2 AND face_to_face = 1 THEN 1 END)
             FROM visits WHERE resident_id = $3 AND visited_on >= $4",
        )
        .bind(VisitKind::First.code())
        .bind(VisitKind::Revisit.code())
        .bind(resident)
        .bind(self.campaign_start())
        .fetch_one(&mut *self.db)
        .await?;
        // 三(四) 重点面对面反馈: who asked for something is told in person.
        let answered = if asked > 0 { in_person > 0 } else { revisited > 0 };
        let owed = [
            (DutyKind::Classify, heard > 0, unclassified == 0),
            (DutyKind::Revisit, heard > 0 || unended > 0, answered && unended == 0),
        ];
        let duty = |kind| NewDuty {
            kind,
            of: resident.to_owned(),
            staff_id: staff_id.clone(),
            subject_id: Some(subject_id.clone()),
            resident_id: Some(resident.to_owned()),
            ..NewDuty::of_area(kind, &area_id)
        };
        let owed = owed.into_iter().filter(|(_, owed, _)| *owed);
        Ok(owed.map(|(kind, _, met)| (duty(kind), met)).collect())
    }

    /// 四(三): one check in a village meets what is owed for it.
    pub(super) async fn settle_spot_check(&mut self, area: &str) -> Result<()> {
        let checks: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM visits v JOIN subjects s ON s.id = v.subject_id
             WHERE s.area_id = $1 AND v.kind = $2 AND v.visited_on >= $3",
        )
        .bind(area)
        .bind(VisitKind::SpotCheck.code())
        .bind(self.campaign_start())
        .fetch_one(&mut *self.db)
        .await?;
        self.set_duty(&duty::key(DutyKind::SpotCheck, area, 1), met_if(checks > 0)).await
    }

    /// Makes the visit owed at a subject what the record says: somebody was heard there, and everybody who is
    /// registered there was heard or it's recorded why not (三(一) 户不漏人).
    pub(super) async fn settle_subject(&mut self, subject: &str) -> Result<()> {
        let (heard, left): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM visits WHERE subject_id = $1 AND kind = 'first' AND visited_on >= $2),
               (SELECT COUNT(*) FROM residents r WHERE r.subject_id = $1 AND r.registered = 1 AND r.unheard_sealed IS NULL
                  AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.resident_id = r.id AND v.kind = 'first' AND v.visited_on >= $2))",
        )
        .bind(subject)
        .bind(self.campaign_start())
        .fetch_one(&mut *self.db)
        .await?;
        let met = heard > 0 && left == 0;
        self.set_duty(&duty::key(DutyKind::Visit, subject, 1), met_if(met)).await
    }

    /// Opens the duty if it was never owed, and makes its state what the record says.
    pub(super) async fn hold_duty(&mut self, new: &NewDuty, state: DutyState) -> Result<()> {
        self.open_duty(new).await?;
        self.set_duty(&new.key(), state).await
    }

    /// Makes a duty's state what the record says.
    pub(super) async fn set_duty(&mut self, key: &str, state: DutyState) -> Result<()> {
        let ended = (state != DutyState::Open).then(|| (self.now(), "record"));
        sqlx::query("UPDATE duties SET state = $1, met_at = $2, met_by = $3 WHERE duty_key = $4 AND state <> $1")
            .bind(state.code())
            .bind(ended.map(|(now, _)| now))
            .bind(ended.map(|(_, fact)| fact))
            .bind(key.to_owned())
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }
}

pub(super) const fn met_if(met: bool) -> DutyState {
    if met { DutyState::Met } else { DutyState::Open }
}

impl Store {
    /// The names of the areas that still owe a duty of their own.
    pub async fn areas_owing(&self, kind: DutyKind) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT COALESCE(a.code, a.name) FROM duties d JOIN duty_groups b ON b.id = d.group_id
             JOIN areas a ON a.id = b.area_id WHERE d.kind = $1 AND d.state = 'open' ORDER BY a.code, a.name",
        )
        .bind(kind.code())
        .fetch_all(&self.read)
        .await?)
    }

    /// What is owed, by kind: open, and open past its date.
    pub async fn open_duties(&self, today: Date) -> Result<Vec<(DutyKind, i64, i64)>> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT b.kind, CAST(SUM(o.open) AS BIGINT),
               CAST(SUM(CASE WHEN b.due_on < $1 THEN o.open ELSE 0 END) AS BIGINT)
             FROM (SELECT group_id, COUNT(*) AS open FROM duties WHERE state = 'open' GROUP BY group_id) o
             JOIN duty_groups b ON b.id = o.group_id GROUP BY b.kind ORDER BY b.kind",
        )
        .bind(today.to_string())
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(kind, open, late)| Ok((word("duties.kind", &kind, DutyKind::read)?, open, late)))
            .collect()
    }
}
