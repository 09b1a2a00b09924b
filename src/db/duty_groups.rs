//! Bundles 任务单: what one person owes of one kind, in one area, by one date, advances the ladder as one. A day's
//! evaluation reads the groups whose step is due, by an index, whatever else is owed.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use serde::Serialize;

use super::{Result, Session, StaffMember, Store, Tx, date, to_json, word};
use crate::domain::duty::DutyKind;
use crate::domain::holder::{Holder, holder};
use crate::domain::issue::{Category, Class, Issue, Level, State, Urgency};
use crate::domain::staff::Role;

/// A group whose next step is due.
#[derive(Debug, Clone)]
pub struct DueGroup {
    pub id: String,
    pub kind: DutyKind,
    pub staff_id: Option<String>,
    pub role: Role,
    pub area_id: String,
    pub due_on: Date,
    pub next_step: i64,
    /// How many of its duties are open.
    pub open: i64,
    /// Whose issue it is about, and its category: reminders go to whoever has the ball.
    pub holder: Option<Holder>,
    pub category: Option<Category>,
}

struct DueRow {
    id: String,
    kind: String,
    staff_id: Option<String>,
    role: String,
    area_id: String,
    due_on: String,
    next_step: i64,
    open: i64,
    state: Option<String>,
    round: Option<i64>,
    level: Option<String>,
    category: Option<String>,
    urgency: Option<String>,
    town_finished: Option<i64>,
    platform_finished: Option<i64>,
}

from_row!(DueRow {
    id,
    kind,
    staff_id,
    role,
    area_id,
    due_on,
    next_step,
    open,
    state,
    round,
    level,
    category,
    urgency,
    town_finished,
    platform_finished
});

/// That a person is told of a group at a step.
#[derive(Debug, Clone, Serialize)]
pub struct Reminder {
    #[serde(rename = "group_id")]
    pub group: String,
    pub step: i64,
    pub staff: String,
    /// Who would have heard it, were they here and in reach.
    pub instead_of: Option<String>,
    pub duties: i64,
}

/// A group that somebody was told of.
#[derive(Debug, Clone)]
pub struct ToldGroup {
    pub group: DueGroup,
    pub step: i64,
    pub instead_of: Option<String>,
}

/// Where a group stands after its steps were told.
#[derive(Debug, Clone, Serialize)]
pub struct Advance {
    #[serde(rename = "group_id")]
    pub group: String,
    pub next_step: i64,
    /// When the next step is told; nothing at the ladder's end.
    pub on: Option<Date>,
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

/// A group, a duty of it, and that one's issue, as a label names it, or its subject's kind and sealed name.
type Label = (String, String, Option<String>, Option<String>, Option<String>);

const GROUPS: &str = "SELECT b.id, b.kind, b.staff_id, b.role, b.area_id, b.due_on, b.next_step,
   (SELECT COUNT(*) FROM duties d WHERE d.group_id = b.id AND d.state = 'open') AS open,
   i.state, i.round, i.level, i.category, i.urgency, i.town_finished, i.platform_finished
 FROM duty_groups b LEFT JOIN issues i ON i.id = b.issue_id";

/// How many rows one statement is handed, so that memory stays flat.
const AT_ONCE: usize = 2_000;

impl Session {
    /// The groups whose next step is due by `day`, with how much in each is open: those after the one of id `after`, a
    /// page of at most `limit`.
    pub async fn due_groups(
        &mut self,
        day: Date,
        after: &str,
        limit: i64,
    ) -> Result<Vec<DueGroup>> {
        let read = format!(
            "{GROUPS} WHERE b.id IN (SELECT id FROM duty_groups WHERE next_step_on <= $1 AND id > $2 ORDER BY id LIMIT $3)
             ORDER BY b.id"
        );
        let rows: Vec<DueRow> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(day.to_string())
            .bind(after.to_owned())
            .bind(limit)
            .fetch_all(&mut *self.db)
            .await?;
        self.read_groups(rows)
    }

    fn read_groups(&self, rows: Vec<DueRow>) -> Result<Vec<DueGroup>> {
        let departments = &self.campaign().departments;
        rows.into_iter().map(|row| row.read(|of| departments.contains_key(&of))).collect()
    }

    /// What a person may owe: their own groups, and those that somebody in their area or below it owes by role.
    pub async fn groups_around(&mut self, person: &StaffMember) -> Result<Vec<DueGroup>> {
        let read = format!(
            "WITH RECURSIVE below (id) AS (
               SELECT id FROM areas WHERE id = $1 UNION ALL SELECT a.id FROM below JOIN areas a ON a.parent_id = below.id)
             {GROUPS} WHERE (b.staff_id = $2 OR b.staff_id IS NULL AND b.area_id IN (SELECT id FROM below))
               AND EXISTS (SELECT 1 FROM duties d WHERE d.group_id = b.id AND d.state = 'open') ORDER BY b.due_on, b.id"
        );
        let rows: Vec<DueRow> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(person.area_id.clone())
            .bind(person.id.clone())
            .fetch_all(&mut *self.db)
            .await?;
        self.read_groups(rows)
    }

    /// What a person was told on a day, as it is now, each once for each of its steps.
    pub async fn told_to(&mut self, staff_id: &str, day: &str) -> Result<Vec<ToldGroup>> {
        let read = format!(
            "{GROUPS} JOIN reminders t ON t.group_id = b.id WHERE t.staff_id = $1 AND t.on_date = $2 ORDER BY b.id, t.step"
        );
        let rows: Vec<DueRow> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(staff_id.to_owned())
            .bind(day.to_owned())
            .fetch_all(&mut *self.db)
            .await?;
        let reminders: Vec<(i64, Option<String>)> = sqlx::query_as(
            "SELECT step, instead_of FROM reminders WHERE staff_id = $1 AND on_date = $2 ORDER BY group_id, step",
        )
        .bind(staff_id)
        .bind(day)
        .fetch_all(&mut *self.db)
        .await?;
        let told = self.read_groups(rows)?.into_iter().zip(reminders);
        Ok(told.map(|(group, (step, instead_of))| ToldGroup { group, step, instead_of }).collect())
    }

    /// Who was already told of due groups at steps that are due again, because another couldn't be told yet.
    pub async fn told_of_due(&mut self, day: Date) -> Result<HashSet<(String, i64, String)>> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT t.group_id, t.step, t.staff_id FROM duty_groups b JOIN reminders t ON t.group_id = b.id
             WHERE b.next_step_on <= $1 AND t.step >= b.next_step",
        )
        .bind(day.to_string())
        .fetch_all(&mut *self.db)
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// Who needn't be told again of which due group, before its date (false) or after it (true).
    pub async fn acknowledged(&mut self, day: Date) -> Result<HashSet<(String, String, bool)>> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT a.group_id, a.staff_id, a.late FROM duty_groups b JOIN acknowledgements a ON a.group_id = b.id
             WHERE b.next_step_on <= $1",
        )
        .bind(day.to_string())
        .fetch_all(&mut *self.db)
        .await?;
        Ok(rows.into_iter().map(|(group, staff, late)| (group, staff, late != 0)).collect())
    }

    /// What a few groups are about, as a notice may name it: an issue's number, a subject's masked name.
    pub async fn group_labels(&mut self, groups: &[&str]) -> Result<HashMap<String, Vec<String>>> {
        let read = format!(
            "SELECT d.group_id, d.duty_key, i.number, s.kind, s.name_sealed FROM duties d
             LEFT JOIN issues i ON i.id = d.issue_id LEFT JOIN subjects s ON s.id = d.subject_id
             WHERE d.state = 'open' AND d.group_id {} ORDER BY d.id",
            self.dialect.among()
        );
        let mut labels: HashMap<String, Vec<String>> = HashMap::new();
        for ids in groups.chunks(AT_ONCE) {
            let rows: Vec<Label> = sqlx::query_as(sqlx::AssertSqlSafe(read.clone()))
                .bind(to_json(&ids)?)
                .fetch_all(&mut *self.db)
                .await?;
            for (group, key, number, kind, sealed) in rows {
                let extra = self.campaign().extra_of(&key).map(|extra| extra.title.clone());
                let label = match (number, kind, sealed) {
                    (Some(number), ..) => number,
                    (None, Some(kind), Some(sealed)) => self.context.masked_name(&kind, &sealed)?,
                    _ => match extra {
                        Some(title) => title,
                        None => continue,
                    },
                };
                labels.entry(group).or_default().push(label);
            }
        }
        Ok(labels)
    }
}

impl Tx {
    /// 已知晓: a person needn't be told of these again, before their date (false) or after it (true). What is theirs to
    /// take note of (签收) is taken note of.
    pub async fn acknowledge(
        &mut self,
        staff_id: &str,
        groups: &[(String, bool)],
    ) -> Result<usize> {
        let now = self.now();
        let mut noted = 0;
        for (group, late) in groups {
            let added = sqlx::query(
                "INSERT INTO acknowledgements (group_id, staff_id, late, at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (group_id, staff_id, late) DO NOTHING",
            )
            .bind(group)
            .bind(staff_id)
            .bind(i64::from(*late))
            .bind(now)
            .execute(&mut *self.db)
            .await?;
            noted += usize::try_from(added.rows_affected()).unwrap_or(0);
            self.acknowledge_group(group, staff_id).await?;
        }
        Ok(noted)
    }

    /// Records who was told of what.
    pub async fn put_reminders(&mut self, reminders: &[Reminder], on: Date) -> Result<()> {
        let now = self.now();
        let write = format!(
            "INSERT INTO reminders (group_id, step, staff_id, instead_of, duties, on_date, at)
             SELECT group_id, step, staff, instead_of, duties, $2, $3 FROM {} AS j",
            self.dialect.rows(&["group_id", "staff", "instead_of"], &["step", "duties"])
        );
        for rows in reminders.chunks(AT_ONCE) {
            sqlx::query(sqlx::AssertSqlSafe(write.clone()))
                .bind(to_json(&rows)?)
                .bind(on.to_string())
                .bind(now)
                .execute(&mut *self.db)
                .await?;
        }
        Ok(())
    }

    /// Moves groups up the ladder.
    pub async fn advance(&mut self, advances: &[Advance]) -> Result<()> {
        let write = format!(
            "UPDATE duty_groups SET next_step = j.next_step, next_step_on = j.\"on\" FROM {} AS j WHERE id = j.group_id",
            self.dialect.rows(&["group_id", "on"], &["next_step"])
        );
        // What was known of how far groups are doesn't hold any more.
        self.groups.clear();
        for rows in advances.chunks(AT_ONCE) {
            sqlx::query(sqlx::AssertSqlSafe(write.clone()))
                .bind(to_json(&rows)?)
                .execute(&mut *self.db)
                .await?;
        }
        Ok(())
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

impl DueRow {
    fn read(self, has_department: impl Fn(Category) -> bool) -> Result<DueGroup> {
        let kind = word("duty_groups.kind", &self.kind, DutyKind::read)?;
        let category = self
            .category
            .as_deref()
            .map(|text| word("issues.category", text, Category::read))
            .transpose()?;
        let issue = self.issue(category)?;
        let has_department = category.is_some_and(has_department);
        Ok(DueGroup {
            kind,
            role: word("duty_groups.role", &self.role, Role::read)?,
            due_on: date("duty_groups.due_on", &self.due_on)?,
            holder: issue.and_then(|issue| holder(&issue, has_department)),
            category,
            id: self.id,
            staff_id: self.staff_id,
            area_id: self.area_id,
            next_step: self.next_step,
            open: self.open,
        })
    }

    fn issue(&self, category: Option<Category>) -> Result<Option<Issue>> {
        let Some(state) = &self.state else { return Ok(None) };
        let level = self.level.as_deref().map(|text| word("issues.level", text, Level::read));
        let urgency =
            self.urgency.as_deref().map(|text| word("issues.urgency", text, Urgency::read));
        let class = match (level.transpose()?, category, urgency.transpose()?) {
            (Some(level), Some(category), Some(urgency)) => {
                Some(Class { level, category, urgency })
            }
            _ => None,
        };
        Ok(Some(Issue {
            state: word("issues.state", state, State::read)?,
            round: self.round.unwrap_or(1),
            class,
            town_finished: self.town_finished.unwrap_or(0) != 0,
            platform_finished: self.platform_finished.unwrap_or(0) != 0,
        }))
    }
}
