//! Duty groups 任务单: what one person owes of one kind, in one area, by one date, advances the ladder as one. A day's
//! evaluation reads the groups whose step is due, by an index, whatever else is owed.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::dialect::Parameter;
use super::projection::Projection;
use super::sets::AT_ONCE;
use super::{Result, Session, StaffMember, Tx, date, to_json, word};
use crate::domain::duty::DutyKind;
use crate::domain::escalation::{Advance, DueGroup};
use crate::domain::holder::holder;
use crate::domain::issue::{Category, Issue};
use crate::domain::obligations::GroupKey;
use crate::domain::staff::Role;

#[derive(Deserialize)]
pub(super) struct DueRow {
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

#[derive(Deserialize)]
struct OpenRow {
    issue_id: Option<String>,
    #[serde(flatten)]
    group: DueRow,
}

fn key_of(group: &DueGroup, issue_id: Option<String>) -> GroupKey {
    GroupKey {
        kind: group.kind,
        staff_id: group.staff_id.clone(),
        role: group.role,
        area_id: group.area_id.clone(),
        issue_id,
        due_on: group.due_on,
        next_step: group.next_step,
    }
}

/// A group, a duty of it, and that one's issue, as a label names it, or its subject's number, id, kind and sealed name.
type Label = (
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// The columns of a [`DueRow`].
pub(super) const DUE: [&str; 15] = [
    "id",
    "kind",
    "staff_id",
    "role",
    "area_id",
    "due_on",
    "next_step",
    "open",
    "state",
    "round",
    "level",
    "category",
    "urgency",
    "town_finished",
    "platform_finished",
];

/// How many of a group's duties are open.
pub(super) const OPEN: &str =
    "(SELECT COUNT(*) FROM duties d WHERE d.group_id = b.id AND d.state = 'open')";

/// Groups as a query begins that reads them, with how much in each is open as `open` says.
pub(super) fn groups(open: &str, more: &str) -> String {
    format!(
        "SELECT b.id, b.kind, b.staff_id, b.role, b.area_id, b.due_on, b.next_step, {open} AS open,
           i.state, i.round, i.level, i.category, i.urgency, i.town_finished, i.platform_finished{more}
         FROM duty_groups b LEFT JOIN issues i ON i.id = b.issue_id"
    )
}

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
            "{} WHERE b.id IN (SELECT id FROM duty_groups WHERE next_step_on <= $1 AND id > $2 ORDER BY id LIMIT $3)
             ORDER BY b.id",
            groups(OPEN, "")
        );
        let page = [day.to_string().into(), after.into(), limit.into()];
        self.read_groups(&read, &page).await
    }

    /// Some groups whose next step is due by `day`, at most `limit`: told, they are due no more.
    pub async fn some_due_groups(&mut self, day: Date, limit: i64) -> Result<Vec<DueGroup>> {
        let read = format!(
            "{} WHERE b.id IN (SELECT id FROM duty_groups WHERE next_step_on <= $1 LIMIT $2) ORDER BY b.id",
            groups(OPEN, "")
        );
        self.read_groups(&read, &[day.to_string().into(), limit.into()]).await
    }

    /// All groups of which something is open, each with what its duties share: those after the one of id `after`, a
    /// page of at most `limit`.
    pub async fn open_groups(
        &mut self,
        after: &str,
        limit: i64,
    ) -> Result<Vec<(GroupKey, DueGroup)>> {
        let read = format!(
            "{} WHERE b.id > $1 AND EXISTS (SELECT 1 FROM duties d WHERE d.group_id = b.id AND d.state = 'open')
             ORDER BY b.id LIMIT $2",
            groups(OPEN, ", b.issue_id")
        );
        let columns = [&DUE[..], &["issue_id"]].concat();
        let rows: Vec<OpenRow> =
            self.read_rows(&columns, &read, &[after.into(), limit.into()]).await?;
        let read = |OpenRow { issue_id, group }| {
            let group = self.read_group(group)?;
            Ok((key_of(&group, issue_id), group))
        };
        rows.into_iter().map(read).collect()
    }

    /// The groups of these ids.
    pub async fn groups_by_id(&mut self, ids: &[&str]) -> Result<Vec<DueGroup>> {
        let read = format!("{} WHERE b.id {}", groups(OPEN, ""), self.dialect.among());
        let rows: Vec<DueRow> = self.read_set(&DUE, &read, ids, &[]).await?;
        rows.into_iter().map(|row| self.read_group(row)).collect()
    }

    /// The late groups, the latest first, that somebody was told to see to: those of which something is open still.
    pub async fn groups_told_late(
        &mut self,
        staff_id: &str,
        before: Date,
        limit: i64,
    ) -> Result<Vec<DueGroup>> {
        let read = format!(
            "{} WHERE b.id IN (SELECT t.group_id FROM reminders t WHERE t.staff_id = $1) AND b.due_on < $2
               AND EXISTS (SELECT 1 FROM duties d WHERE d.group_id = b.id AND d.state = 'open') ORDER BY b.due_on, b.id LIMIT $3",
            groups(OPEN, "")
        );
        self.read_groups(&read, &[staff_id.into(), before.to_string().into(), limit.into()]).await
    }

    async fn read_groups(
        &mut self,
        query: &str,
        parameters: &[Parameter],
    ) -> Result<Vec<DueGroup>> {
        let rows: Vec<DueRow> = self.read_rows(&DUE, query, parameters).await?;
        rows.into_iter().map(|row| self.read_group(row)).collect()
    }

    /// What a row says of a group, by the plan in effect.
    pub(super) fn read_group(&self, row: DueRow) -> Result<DueGroup> {
        row.read(|of| self.campaign().unit_of_category(of).is_some())
    }

    /// What a person may owe: their own groups, and those that somebody in their area or below it owes by role.
    pub async fn groups_around(&mut self, person: &StaffMember) -> Result<Vec<DueGroup>> {
        let read = format!(
            "{} WHERE (b.staff_id = $2 OR b.staff_id IS NULL AND b.area_id IN (
                 WITH RECURSIVE below (id) AS (
                   SELECT id FROM areas WHERE id = $1 UNION ALL SELECT a.id FROM below JOIN areas a ON a.parent_id = below.id)
                 SELECT id FROM below))
               AND EXISTS (SELECT 1 FROM duties d WHERE d.group_id = b.id AND d.state = 'open') ORDER BY b.due_on, b.id",
            groups(OPEN, "")
        );
        let theirs = [person.area_id.as_str().into(), person.id.as_str().into()];
        self.read_groups(&read, &theirs).await
    }

    /// A person's own groups, and those that nobody is named for of these roles in these areas.
    pub async fn groups_of_roles(
        &mut self,
        person: &str,
        roles: &[(Role, &str)],
    ) -> Result<Vec<DueGroup>> {
        #[derive(serde::Serialize)]
        struct Of<'o> {
            role: &'static str,
            area_id: &'o str,
        }
        let read = format!(
            "{} WHERE b.id IN (SELECT g.id FROM duty_groups g WHERE g.staff_id = $2
               UNION SELECT g.id FROM {} AS j JOIN duty_groups g ON g.area_id = j.area_id AND g.role = j.role
               WHERE g.staff_id IS NULL)
               AND EXISTS (SELECT 1 FROM duties d WHERE d.group_id = b.id AND d.state = 'open') ORDER BY b.due_on, b.id",
            groups(OPEN, ""),
            self.dialect.rows(&["role", "area_id"], &[])
        );
        let of = roles.iter().map(|(role, area_id)| Of { role: role.code(), area_id });
        let of: Vec<Of<'_>> = of.collect();
        let rows: Vec<DueRow> = self.read_set(&DUE, &read, &of, &[person]).await?;
        rows.into_iter().map(|row| self.read_group(row)).collect()
    }

    /// What a few groups are about, as a notice may name it: an issue's number, a subject's masked name.
    pub async fn group_labels(&mut self, groups: &[&str]) -> Result<HashMap<String, Vec<String>>> {
        let read = format!(
            "SELECT d.group_id, d.duty_key, i.number, s.number, s.id, s.kind, s.name_sealed FROM duties d
             LEFT JOIN issues i ON i.id = d.issue_id LEFT JOIN subjects s ON s.id = d.subject_id
             WHERE d.state = 'open' AND d.group_id {} ORDER BY d.id",
            self.dialect.among()
        );
        let mut labels: HashMap<String, Vec<String>> = HashMap::new();
        for ids in groups.chunks(AT_ONCE) {
            let rows: Vec<Label> = sqlx::query_as(sqlx::AssertSqlSafe(read.clone()))
                .bind(to_json(&ids)?)
                .fetch_all(&mut self.db)
                .await?;
            for (group, key, issue, subject, id, kind, sealed) in rows {
                let extra = self.campaign().extra_of(&key).map(|extra| extra.title.clone());
                let label = match (issue, subject, id.zip(kind).zip(sealed)) {
                    (Some(issue), Some(subject), _) => format!("{issue}，{subject}"),
                    (None, Some(subject), Some(((id, kind), sealed))) => {
                        format!("{subject} {}", self.context.masked_name(&id, &kind, &sealed)?)
                    }
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
    /// Moves groups up the ladder.
    pub async fn advance(&mut self, advances: &[Advance]) -> Result<()> {
        let write = format!(
            "UPDATE duty_groups SET next_step = j.next_step, next_step_on = j.\"on\" FROM {} AS j WHERE id = j.group_id",
            self.dialect.rows(&["group_id", "on"], &["next_step"])
        );
        // What was known of how far groups are doesn't hold any more.
        self.groups.clear();
        self.write_set(&write, advances).await
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
        let issue = self.issue()?;
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

    /// The issue that it is about.
    fn issue(&self) -> Result<Option<Issue>> {
        let Some(state) = self.state.clone() else { return Ok(None) };
        let projection = Projection {
            state,
            round: self.round.unwrap_or(1),
            level: self.level.clone(),
            category: self.category.clone(),
            urgency: self.urgency.clone(),
            town_finished: self.town_finished.unwrap_or(0),
            platform_finished: self.platform_finished.unwrap_or(0),
        };
        projection.issue().map(Some)
    }
}
