//! What is owed for an issue (plan, 三): taking note of it, uploading it, beginning it, resolving it, reporting it; and
//! what its events pay of that.

use std::sync::Arc;

use jiff::civil::Date;

use super::duties::IssueDutyEnd;
use super::{NewDuty, Result, Store, StoreError, Tx, Upsert, word};
use crate::domain::campaign::Campaign;
use crate::domain::duty::{self, DutyKind, DutyState};
use crate::domain::issue::{Category, Class, Event, Issue, State};
use crate::domain::staff::Role;
use crate::domain::workdays::Workdays;

/// What work on an issue is owed anew whenever it's classified or reopened.
const WORK: [DutyKind; 3] = [DutyKind::Upload, DutyKind::Begin, DutyKind::Resolve];

/// The open duties that an event ends: `met` by it or `cancelled`.
pub(super) fn ends<'e>(issue: &'e str, event: &Event, after: &Issue) -> Vec<IssueDutyEnd<'e>> {
    let fact = event.kind().code();
    let end = |state| move |kind| IssueDutyEnd { issue, kind, state, fact };
    match (event, after.state) {
        (_, State::Void) => DutyKind::ALL
            .iter()
            .copied()
            .filter(|kind| kind.is_of_issue())
            .map(end(DutyState::Cancelled))
            .collect(),
        (_, State::Resolved | State::Closed) => DutyKind::ALL
            .iter()
            .copied()
            .filter(|kind| kind.is_of_issue())
            .map(end(DutyState::Met))
            .collect(),
        // The old dates no longer hold.
        (Event::Classified { .. } | Event::Reopened { .. }, _) => {
            WORK.into_iter().map(end(DutyState::Cancelled)).collect()
        }
        (Event::Referred, _) => vec![end(DutyState::Met)(DutyKind::Upload)],
        (Event::Started | Event::TownFinished { .. }, _) => {
            vec![end(DutyState::Met)(DutyKind::Begin)]
        }
        (Event::PlatformOverridden { .. }, _) => vec![end(DutyState::Cancelled)(DutyKind::Upload)],
        _ => Vec::new(),
    }
}

/// Work on an issue, as a classification or a reopening asks for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work<'w> {
    pub issue: &'w str,
    pub area_id: &'w str,
    pub class: Class,
    /// That event's: another one owes anew.
    pub sequence: i64,
    pub on: Date,
}

impl Work<'_> {
    fn step(&self, kind: DutyKind, role: Role, due_on: Date) -> NewDuty {
        NewDuty {
            of: self.issue.to_owned(),
            round: self.sequence,
            role,
            due_on: Some(due_on),
            issue_id: Some(self.issue.to_owned()),
            ..NewDuty::of_area(kind, self.area_id)
        }
    }
}

/// That somebody is to take note of an issue (三(一) 及时向网格员以及镇相关部门反映).
fn acknowledgement(issue: &str, role: Role, area_id: &str, by: Date) -> NewDuty {
    NewDuty {
        of: acknowledgement_of(issue, role),
        role,
        due_on: Some(by),
        issue_id: Some(issue.to_owned()),
        ..NewDuty::of_area(DutyKind::Acknowledge, area_id)
    }
}

/// That the grid member is to take note of an issue that was registered on this day.
pub(super) fn first_note(
    plan: &Campaign,
    workdays: &Workdays,
    issue: &str,
    area_id: &str,
    on: Date,
) -> NewDuty {
    let by = workdays.plus(on, plan.acknowledge_within);
    acknowledgement(issue, Role::GridMember, area_id, by)
}

pub(super) fn acknowledgement_of(issue: &str, role: Role) -> String {
    format!("{issue}/{}", role.code())
}

impl Store {
    /// The issues of which the grid member hasn't taken note, by number, with their villages' codes.
    pub async fn unacknowledged(&self) -> Result<Vec<(String, String)>> {
        Ok(sqlx::query_as(
            "SELECT i.number, COALESCE(a.code, a.name) FROM duties d JOIN issues i ON i.id = d.issue_id
             JOIN duty_groups b ON b.id = d.group_id JOIN areas a ON a.id = b.area_id
             WHERE d.kind = $1 AND d.state = 'open' AND b.role = $2 ORDER BY i.number",
        )
        .bind(DutyKind::Acknowledge.code())
        .bind(Role::GridMember.code())
        .fetch_all(&self.read)
        .await?)
    }
}

impl Tx {
    /// A person takes note of an issue (签收): as the department that answers for it, else as its grid member.
    pub async fn acknowledge_issue(&mut self, number: &str, staff_id: &str) -> Result<Upsert> {
        let issue = self.issue_id(number).await?;
        let roles: Vec<(String, String)> = sqlx::query_as(
            "SELECT s.name, r.role FROM staff s LEFT JOIN staff_roles r ON r.staff_id = s.id WHERE s.id = $1",
        )
        .bind(staff_id)
        .fetch_all(&mut *self.db)
        .await?;
        let department = roles.iter().any(|(_, role)| role == Role::Department.code());
        let role = if department { Role::Department } else { Role::GridMember };
        let key = duty::key(DutyKind::Acknowledge, &acknowledgement_of(&issue, role), 1);
        let state: Option<String> =
            sqlx::query_scalar("SELECT state FROM duties WHERE duty_key = $1")
                .bind(key)
                .fetch_optional(&mut *self.db)
                .await?;
        match state.as_deref() {
            Some("open") => {}
            Some(_) => return Ok(Upsert::Same),
            None => return Err(StoreError::Rule(format!("「{number}」不需要{role}签收"))),
        }
        let by = roles.into_iter().next().map(|(name, _)| name).unwrap_or_default();
        let event = Event::Acknowledged { by: by.clone(), role };
        self.issue_event(&issue, &event, &by).await?;
        Ok(Upsert::Added)
    }

    /// Whoever acknowledges a group of an issue that waits for being taken note of takes note of it.
    pub(super) async fn acknowledge_group(&mut self, group: &str, staff_id: &str) -> Result<()> {
        let open: Option<(String, String)> = sqlx::query_as(
            "SELECT b.issue_id, b.role FROM duties d JOIN duty_groups b ON b.id = d.group_id
             WHERE d.group_id = $1 AND d.kind = $2 AND d.state = 'open' LIMIT 1",
        )
        .bind(group)
        .bind(DutyKind::Acknowledge.code())
        .fetch_optional(&mut *self.db)
        .await?;
        let Some((issue, role)) = open else { return Ok(()) };
        let role = word("duty_groups.role", &role, Role::read)?;
        let by: String = sqlx::query_scalar("SELECT name FROM staff WHERE id = $1")
            .bind(staff_id)
            .fetch_one(&mut *self.db)
            .await?;
        self.issue_event(&issue, &Event::Acknowledged { by: by.clone(), role }, &by).await?;
        Ok(())
    }

    /// The grid member or the department took note.
    pub(super) async fn acknowledgement_met(&mut self, issue: &str, role: Role) -> Result<()> {
        let key = duty::key(DutyKind::Acknowledge, &acknowledgement_of(issue, role), 1);
        self.meet_duty(&key, "acknowledged").await?;
        Ok(())
    }

    /// What a classification or a reopening makes owed, by the plan in effect.
    pub(super) async fn owe_work(&mut self, work: &Work<'_>) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        sqlx::query("UPDATE issues SET due_on = $1 WHERE id = $2")
            .bind(plan.resolve_by(work.class.urgency, work.on).to_string())
            .bind(work.issue.to_owned())
            .execute(&mut *self.db)
            .await?;
        for duty in self.work_owed(&plan, work).await? {
            self.open_duty(&duty).await?;
        }
        Ok(())
    }

    /// What a classification or a reopening makes owed, by `plan`: the issue's own duties, then what its village and its
    /// department owe.
    pub(super) async fn work_owed(
        &mut self,
        plan: &Campaign,
        work: &Work<'_>,
    ) -> Result<Vec<NewDuty>> {
        let workdays = &self.context.workdays;
        let Work { class, on, area_id, .. } = *work;
        let due_on = plan.resolve_by(class.urgency, on);
        let mut owed = if class.level.is_referred() {
            let upload_by = workdays.plus(on, plan.upload_within).min(due_on);
            vec![
                work.step(DutyKind::Resolve, Role::Centre, due_on),
                work.step(DutyKind::Upload, Role::GridMember, upload_by),
            ]
        } else {
            let begin_by = plan.begin_by(class.urgency, on, due_on);
            vec![
                work.step(DutyKind::Resolve, Role::GridMember, due_on),
                work.step(DutyKind::Begin, Role::GridMember, begin_by),
            ]
        };
        owed.push(NewDuty::of_area(DutyKind::Report, area_id));
        let note_by = workdays.plus(on, plan.acknowledge_within);
        if let Some((department, its_area)) = self.department_of(plan, class.category).await? {
            owed.push(NewDuty {
                of: department.clone(),
                role: Role::Department,
                staff_id: Some(department.clone()),
                ..NewDuty::of_area(DutyKind::Report, &its_area)
            });
            owed.push(NewDuty {
                staff_id: Some(department),
                ..acknowledgement(work.issue, Role::Department, &its_area, note_by)
            });
        }
        Ok(owed)
    }

    /// Who answers for a category at the town's departments, and their area.
    async fn department_of(
        &mut self,
        plan: &Campaign,
        category: Category,
    ) -> Result<Option<(String, String)>> {
        let Some(unit) = plan.departments.get(&category).cloned() else {
            return Ok(None);
        };
        Ok(sqlx::query_as(
            "SELECT s.id, s.area_id FROM staff s JOIN staff_roles r ON r.staff_id = s.id
             WHERE r.role = $1 AND s.unit = $2 ORDER BY s.number LIMIT 1",
        )
        .bind(Role::Department.code())
        .bind(unit)
        .fetch_optional(&mut *self.db)
        .await?)
    }
}
