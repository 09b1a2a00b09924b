//! What is owed for an issue (plan, 三): taking note of it, uploading it, beginning it, resolving it, reporting it; and
//! what its events pay of that.

use jiff::civil::Date;

use super::duties::IssueDutyEnd;
use super::{NewDuty, Put, Result, Store, StoreError, Tx, word};
use crate::domain::duty::{self, DutyKind};
use crate::domain::issue::{Category, Class, Event, Issue, Level, State};
use crate::domain::staff::Role;

/// What work on an issue is owed anew whenever it's classified or reopened.
const WORK: [DutyKind; 3] = [DutyKind::Upload, DutyKind::Begin, DutyKind::Resolve];

/// The open duties that an event ends: `met` by it or `cancelled`.
pub(super) fn ends<'e>(issue: &'e str, event: &Event, after: &Issue) -> Vec<IssueDutyEnd<'e>> {
    let fact = event.kind().code();
    let end = |state| move |kind: DutyKind| IssueDutyEnd { issue, kind: kind.code(), state, fact };
    match (event, after.state) {
        (_, State::Void) => DutyKind::ALL
            .iter()
            .copied()
            .filter(|kind| kind.is_of_issue())
            .map(end("cancelled"))
            .collect(),
        (_, State::Resolved | State::Closed) => DutyKind::ALL
            .iter()
            .copied()
            .filter(|kind| kind.is_of_issue())
            .map(end("met"))
            .collect(),
        // The old dates no longer hold.
        (Event::Classified { .. } | Event::Reopened { .. }, _) => {
            WORK.into_iter().map(end("cancelled")).collect()
        }
        (Event::Referred, _) => vec![end("met")(DutyKind::Upload)],
        (Event::Started | Event::TownFinished { .. }, _) => vec![end("met")(DutyKind::Begin)],
        (Event::PlatformOverridden { .. }, _) => vec![end("cancelled")(DutyKind::Upload)],
        _ => Vec::new(),
    }
}

fn acknowledgement_of(issue: &str, role: Role) -> String {
    format!("{issue}/{}", role.code())
}

impl Store {
    /// The issues of which the grid member hasn't taken note, by number, with their villages' codes.
    pub async fn unacknowledged(&self) -> Result<Vec<(String, String)>> {
        Ok(sqlx::query_as(
            "SELECT i.number, COALESCE(a.code, a.name) FROM duties d JOIN issues i ON i.id = d.issue_id
             JOIN bundles b ON b.id = d.bundle_id JOIN areas a ON a.id = b.area_id
             WHERE d.kind = $1 AND d.state = 'open' AND b.role = $2 ORDER BY i.number",
        )
        .bind(DutyKind::Acknowledge.code())
        .bind(Role::GridMember.code())
        .fetch_all(&self.read)
        .await?)
    }
}

impl Tx {
    /// Passes an issue on (三(一) 及时向网格员以及镇相关部门反映): the grid member is to take note of it.
    pub(super) async fn owe_acknowledgement(
        &mut self,
        issue: &str,
        area_id: &str,
        role: Role,
        person: Option<(String, String)>,
    ) -> Result<()> {
        let (around, plan) = (&self.around, &self.plan);
        let within = plan.acknowledge_within;
        let due_on = around.workdays.plus(around.clock.today(), within);
        let (staff_id, area_id) = match person {
            Some((staff, area)) => (Some(staff), area),
            None => (None, area_id.to_owned()),
        };
        self.open_duty(&NewDuty {
            of: acknowledgement_of(issue, role),
            role,
            staff_id,
            due_on: Some(due_on),
            issue_id: Some(issue.to_owned()),
            ..NewDuty::of_area(DutyKind::Acknowledge, &area_id)
        })
        .await
    }

    /// A person takes note of an issue (签收): as the department that answers for it, else as its grid member.
    pub async fn acknowledge_issue(&mut self, number: &str, staff_id: &str) -> Result<Put> {
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
            Some(_) => return Ok(Put::Same),
            None => return Err(StoreError::Rule(format!("「{number}」不需要{role}签收"))),
        }
        let by = roles.into_iter().next().map(|(name, _)| name).unwrap_or_default();
        let event = Event::Acknowledged { by: by.clone(), role };
        self.issue_event(&issue, &event, &by).await?;
        Ok(Put::Added)
    }

    /// Whoever acknowledges a bundle of an issue that waits for being taken note of takes note of it.
    pub(super) async fn acknowledge_bundle(&mut self, bundle: &str, staff_id: &str) -> Result<()> {
        let open: Option<(String, String)> = sqlx::query_as(
            "SELECT b.issue_id, b.role FROM duties d JOIN bundles b ON b.id = d.bundle_id
             WHERE d.bundle_id = $1 AND d.kind = $2 AND d.state = 'open' LIMIT 1",
        )
        .bind(bundle)
        .bind(DutyKind::Acknowledge.code())
        .fetch_optional(&mut *self.db)
        .await?;
        let Some((issue, role)) = open else { return Ok(()) };
        let role = word("bundles.role", &role, Role::read)?;
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

    /// What a classification or a reopening makes owed. `sequence` is that event's: another one owes anew.
    pub(super) async fn owe_work(
        &mut self,
        issue: &str,
        area_id: &str,
        class: Class,
        sequence: i64,
    ) -> Result<()> {
        let (around, plan) = (&self.around, &self.plan);
        let today = around.clock.today();
        let due_on = plan.resolve_by(class.urgency, today);
        let begin_by = plan.begin_by(class.urgency, today, due_on);
        let upload_by = around.workdays.plus(today, plan.upload_within).min(due_on);
        sqlx::query("UPDATE issues SET due_on = $1 WHERE id = $2")
            .bind(due_on.to_string())
            .bind(issue)
            .execute(&mut *self.db)
            .await?;
        let role = if class.level.is_referred() { Role::Centre } else { Role::GridMember };
        self.owe_step(DutyKind::Resolve, issue, area_id, role, sequence, due_on).await?;
        if class.level.is_referred() {
            self.owe_step(DutyKind::Upload, issue, area_id, Role::GridMember, sequence, upload_by)
                .await?;
        }
        if class.level == Level::Town {
            self.owe_step(DutyKind::Begin, issue, area_id, Role::GridMember, sequence, begin_by)
                .await?;
        }
        self.open_duty(&NewDuty::of_area(DutyKind::Report, area_id)).await?;
        if let Some((department, its_area)) = self.department_of(class.category).await? {
            let report = NewDuty {
                of: department.clone(),
                role: Role::Department,
                staff_id: Some(department.clone()),
                ..NewDuty::of_area(DutyKind::Report, &its_area)
            };
            self.open_duty(&report).await?;
            self.owe_acknowledgement(
                issue,
                area_id,
                Role::Department,
                Some((department, its_area)),
            )
            .await?;
        }
        Ok(())
    }

    async fn owe_step(
        &mut self,
        kind: DutyKind,
        issue: &str,
        area_id: &str,
        role: Role,
        sequence: i64,
        due_on: Date,
    ) -> Result<()> {
        self.open_duty(&NewDuty {
            of: issue.to_owned(),
            round: sequence,
            role,
            due_on: Some(due_on),
            issue_id: Some(issue.to_owned()),
            ..NewDuty::of_area(kind, area_id)
        })
        .await
    }

    /// Who answers for a category at the town's departments, and their area.
    async fn department_of(&mut self, category: Category) -> Result<Option<(String, String)>> {
        let Some(unit) = self.plan.departments.get(&category).cloned() else {
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
