//! Issues 问题 and their events: the row is the projection, written with the event that changed it.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::issue_duties::{Work, ends, first_note};
use super::{Result, Session, Store, StoreError, SubjectRow, Tx, Upsert, to_json, word};
use crate::domain::issue::{Category, Class, Event, Issue, Level, State, Urgency};
use crate::domain::referral;

/// A demand as it was recorded; classified at once, or later.
#[derive(Debug, Clone)]
pub struct NewIssue {
    pub text: String,
    pub class: Option<Class>,
}

/// An issue as the ledger (附件6) shows it.
#[derive(Debug, Clone)]
pub struct IssueCard {
    pub id: String,
    pub number: String,
    pub issue: Issue,
    pub area_id: String,
    pub subject_number: String,
    pub text: String,
    pub due_on: Option<Date>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    projection: Projection,
    id: String,
    version: i64,
    area_id: String,
    resident_id: String,
}

struct CardRow {
    projection: Projection,
    id: String,
    number: String,
    area_id: String,
    text_sealed: String,
    due_on: Option<String>,
    subject_number: String,
}

from_row!(CardRow { ..projection, id, number, area_id, text_sealed, due_on, subject_number });

/// The columns that hold the state machine's view.
#[derive(Deserialize)]
pub(super) struct Projection {
    state: String,
    round: i64,
    level: Option<String>,
    category: Option<String>,
    urgency: Option<String>,
    town_finished: i64,
    platform_finished: i64,
}

from_row!(Projection { state, round, level, category, urgency, town_finished, platform_finished });

impl Projection {
    pub(super) fn issue(&self) -> Result<Issue> {
        let class = match (&self.level, &self.category, &self.urgency) {
            (Some(level), Some(category), Some(urgency)) => Some(Class {
                level: word("issues.level", level, Level::read)?,
                category: word("issues.category", category, Category::read)?,
                urgency: word("issues.urgency", urgency, Urgency::read)?,
            }),
            _ => None,
        };
        Ok(Issue {
            state: word("issues.state", &self.state, State::read)?,
            round: self.round,
            class,
            town_finished: self.town_finished != 0,
            platform_finished: self.platform_finished != 0,
        })
    }
}

const ROW: [&str; 11] = [
    "id",
    "state",
    "round",
    "level",
    "category",
    "urgency",
    "town_finished",
    "platform_finished",
    "version",
    "area_id",
    "resident_id",
];

/// Rows by the issue's id.
type Rows = HashMap<String, Row>;

/// An event on its issue, before and after.
struct Step<'s> {
    id: &'s String,
    event: &'s Event,
    row: &'s Row,
    before: Issue,
    after: Issue,
}

#[derive(Serialize)]
struct StepRow<'s> {
    id: &'s str,
    version: i64,
    kind: &'static str,
    body: String,
    state: &'static str,
    round: i64,
    level: Option<&'static str>,
    category: Option<&'static str>,
    urgency: Option<&'static str>,
    town: i64,
    platform: i64,
}

impl StepRow<'_> {
    fn of<'s>(step: &'s Step<'_>) -> Result<StepRow<'s>> {
        let Issue { state, round, class, town_finished, platform_finished } = &step.after;
        Ok(StepRow {
            id: step.id,
            version: step.row.version + 1,
            kind: step.event.kind().code(),
            body: to_json(step.event)?,
            state: state.code(),
            round: *round,
            level: class.map(|class| class.level.code()),
            category: class.map(|class| class.category.code()),
            urgency: class.map(|class| class.urgency.code()),
            town: i64::from(*town_finished),
            platform: i64::from(*platform_finished),
        })
    }
}

impl Store {
    /// Every event of an issue, oldest first.
    pub async fn issue_history(&self, id: &str) -> Result<Vec<Event>> {
        let bodies: Vec<String> = sqlx::query_scalar(
            "SELECT body FROM issue_events WHERE issue_id = $1 ORDER BY sequence",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        bodies
            .iter()
            .map(|body| {
                serde_json::from_str(body).map_err(|_| StoreError::Corrupt {
                    what: "issue_events.body",
                    value: body.clone(),
                })
            })
            .collect()
    }

    /// The issue's id by its number.
    pub async fn issue_id(&self, number: &str) -> Result<String> {
        let id: Option<String> = sqlx::query_scalar("SELECT id FROM issues WHERE number = $1")
            .bind(number)
            .fetch_optional(&self.read)
            .await?;
        id.ok_or_else(|| no_issue(number))
    }

    /// The issues in `state`, oldest first, at most `limit`.
    pub async fn issues_in(&self, state: State, limit: i64) -> Result<Vec<IssueCard>> {
        let rows: Vec<CardRow> = sqlx::query_as(
            "SELECT i.id, i.number, i.state, i.round, i.level, i.category, i.urgency, i.town_finished,
               i.platform_finished, i.area_id, i.text_sealed, i.due_on, s.number AS subject_number
             FROM issues i JOIN subjects s ON s.id = i.subject_id WHERE i.state = $1 ORDER BY i.number LIMIT $2",
        )
        .bind(state.code())
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(|row| self.issue_card(row)).collect()
    }

    /// Moves the town's own issues that nobody has begun and that were due before `due_before` to joint handling:
    /// the platform is owed each. Returns their numbers.
    pub async fn upgrade_overdue(&self, due_before: Date) -> Result<Vec<String>> {
        let mut tx = self.begin().await?;
        let overdue: Vec<(String, String, String, String)> = sqlx::query_as(
            "SELECT id, number, category, urgency FROM issues WHERE state IN ('classified', 'reopened')
               AND level = 'town' AND town_finished = 0 AND due_on < $1 ORDER BY number",
        )
        .bind(due_before.to_string())
        .fetch_all(&mut *tx.db)
        .await?;
        let mut numbers = Vec::new();
        for (id, number, category, urgency) in overdue {
            let event = Event::Classified {
                level: Level::Joint,
                category: word("issues.category", &category, Category::read)?,
                urgency: word("issues.urgency", &urgency, Urgency::read)?,
            };
            tx.issue_event(&id, &event, "zoufang").await?;
            let detail = serde_json::json!({"reason": "overdue", "due_before": due_before});
            tx.audit("zoufang", "upgrade", &number, &detail).await?;
            numbers.push(number);
        }
        tx.commit().await?;
        Ok(numbers)
    }

    fn issue_card(&self, row: CardRow) -> Result<IssueCard> {
        Ok(IssueCard {
            issue: row.projection.issue()?,
            text: self.context.sealer.open(&row.text_sealed)?,
            due_on: row.due_on.map(|on| super::date("issues.due_on", &on)).transpose()?,
            id: row.id,
            number: row.number,
            area_id: row.area_id,
            subject_number: row.subject_number,
        })
    }
}

impl Session {
    /// The issue's id by its number, as this transaction sees it.
    pub async fn issue_id(&mut self, number: &str) -> Result<String> {
        let id: Option<String> = sqlx::query_scalar("SELECT id FROM issues WHERE number = $1")
            .bind(number)
            .fetch_optional(&mut *self.db)
            .await?;
        id.ok_or_else(|| no_issue(number))
    }

    /// The issue as it stands.
    pub async fn issue(&mut self, id: &str) -> Result<Issue> {
        let projection: Projection = sqlx::query_as(
            "SELECT state, round, level, category, urgency, town_finished, platform_finished FROM issues WHERE id = $1",
        )
        .bind(id)
        .fetch_one(&mut *self.db)
        .await?;
        projection.issue()
    }

    async fn issue_rows(&mut self, of: &[(String, Event)]) -> Result<Rows> {
        let ids: Vec<&str> = of.iter().map(|(id, _)| id.as_str()).collect();
        let whose = format!("WHERE i.id {}", self.dialect.among());
        self.rows_by(&whose, &to_json(&ids)?).await
    }

    /// The rows of issues by a condition on `i` whose one parameter is a JSON list.
    async fn rows_by(&mut self, condition: &str, list: &str) -> Result<Rows> {
        let columns = ROW.map(|column| format!("i.{column}")).join(", ");
        let read = format!("SELECT {columns} FROM issues i {condition}");
        let rows: Vec<Row> =
            self.dialect.read_among(&mut *self.db, &ROW, &read, list.to_owned()).await?;
        Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
    }
}

impl Tx {
    /// Registers what a resident asked for, and classifies it where the visitor already did.
    pub(super) async fn put_issue(
        &mut self,
        new: &NewIssue,
        visit: &str,
        resident: &str,
        subject: &SubjectRow,
    ) -> Result<Upsert> {
        let key = self.context.sealer.index(&[resident, visit, &new.text]);
        let known: Option<String> =
            sqlx::query_scalar("SELECT id FROM issues WHERE natural_key = $1")
                .bind(&key)
                .fetch_optional(&mut *self.db)
                .await?;
        if known.is_some() {
            return Ok(Upsert::Same);
        }
        let id = self.context.id();
        let sequence = self.next_value("issue").await?;
        let number = format!("{}-{sequence:06}", self.plan.code);
        let now = self.now();
        let start = Issue::default();
        sqlx::query(
            "INSERT INTO issues (id, number, natural_key, visit_id, resident_id, subject_id, area_id, text_sealed,
               state, round, town_finished, platform_finished, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, $11, $11)",
        )
        .bind(&id)
        .bind(number)
        .bind(key)
        .bind(visit)
        .bind(resident)
        .bind(&subject.id)
        .bind(&subject.area_id)
        .bind(self.context.seal(&new.text)?)
        .bind(start.state.code())
        .bind(start.round)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        let (workdays, area_id) = (&self.context.workdays, &subject.area_id);
        let note = first_note(&self.plan, workdays, &id, area_id, self.today());
        self.open_duty(&note).await?;
        if let Some(Class { level, category, urgency }) = new.class {
            self.issue_event(&id, &Event::Classified { level, category, urgency }, "visitor")
                .await?;
        }
        Ok(Upsert::Added)
    }

    /// Applies an event and all that follows from it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the state machine doesn't allow it; nothing is changed then.
    pub async fn issue_event(&mut self, id: &str, event: &Event, actor: &str) -> Result<Issue> {
        let events = [(id.to_owned(), event.clone())];
        let rows = self.issue_rows(&events).await?;
        self.apply_and_follow(&rows, &events, actor).await?;
        self.issue(id).await
    }

    /// Applies events and all that follows from them, an event for each issue; `rows` are those issues as they stand.
    async fn apply_and_follow(
        &mut self,
        rows: &Rows,
        events: &[(String, Event)],
        actor: &str,
    ) -> Result<()> {
        let mut consequences = self.apply_events(rows, events, actor).await?;
        while !consequences.is_empty() {
            let rows = self.issue_rows(&consequences).await?;
            consequences = self.apply_events(&rows, &consequences, "zoufang").await?;
        }
        Ok(())
    }

    /// Returns what follows from them at once.
    async fn apply_events(
        &mut self,
        rows: &Rows,
        events: &[(String, Event)],
        actor: &str,
    ) -> Result<Vec<(String, Event)>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut steps = Vec::with_capacity(events.len());
        for (id, event) in events {
            let row = rows.get(id).ok_or_else(|| no_issue(id))?;
            let before = row.projection.issue()?;
            steps.push(Step { id, event, row, after: before.apply(event)?, before });
        }
        self.write_steps(&steps, actor).await?;
        let ends: Vec<_> =
            steps.iter().flat_map(|step| ends(step.id, step.event, &step.after)).collect();
        self.end_issue_duties(&ends).await?;
        let mut consequences = Vec::new();
        for Step { id, event, row, before, after } in &steps {
            self.follow_event(id, row, event, after).await?;
            self.owe_message(id, before.round, row.version + 1, event).await?;
            // What a resident is owed depends on these alone; a step on the platform's way changes neither.
            let standing = |issue: &Issue| (issue.class.is_some(), issue.is_ended());
            if standing(after) != standing(before) {
                self.settle_resident(&row.resident_id).await?;
            }
            consequences.extend(after.consequence(event).map(|event| ((*id).clone(), event)));
        }
        Ok(consequences)
    }

    /// The platform has these referrals (a JSON list): the issues that wait for that go on.
    pub(super) async fn issues_referred(&mut self, referral_ids: &str) -> Result<()> {
        let waiting = format!(
            "JOIN referrals r ON r.issue_id = i.id AND r.round = i.round WHERE i.state = 'queued' AND r.id {}",
            self.dialect.among()
        );
        let rows = self.rows_by(&waiting, referral_ids).await?;
        let events: Vec<_> = rows.keys().map(|id| (id.clone(), Event::Referred)).collect();
        self.apply_and_follow(&rows, &events, "platform").await
    }

    /// The events and what they make of their issues, however many, in two statements.
    async fn write_steps(&mut self, steps: &[Step<'_>], actor: &str) -> Result<()> {
        let now = self.now();
        let texts = ["id", "kind", "body", "state", "level", "category", "urgency"];
        let source = self.dialect.rows(&texts, &["version", "round", "town", "platform"]);
        let rows: Vec<StepRow<'_>> = steps.iter().map(StepRow::of).collect::<Result<_>>()?;
        let rows = to_json(&rows)?;
        let events = format!(
            "INSERT INTO issue_events (issue_id, sequence, kind, body, actor, at)
             SELECT id, version, kind, body, $2, $3 FROM {source} AS j"
        );
        sqlx::query(sqlx::AssertSqlSafe(events))
            .bind(&rows)
            .bind(actor.to_owned())
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        let projections = format!(
            "UPDATE issues SET state = j.state, round = j.round, level = j.level, category = j.category, urgency = j.urgency,
               town_finished = j.town, platform_finished = j.platform, version = j.version, updated_at = $2
             FROM {source} AS j WHERE issues.id = j.id"
        );
        sqlx::query(sqlx::AssertSqlSafe(projections))
            .bind(&rows)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// What an event makes owed, or pays.
    async fn follow_event(
        &mut self,
        id: &str,
        row: &Row,
        event: &Event,
        after: &Issue,
    ) -> Result<()> {
        match event {
            Event::Classified { .. } | Event::Reopened { .. } => {
                if let Some(class) = after.class {
                    let on = self.today();
                    let (area_id, sequence) = (&row.area_id, row.version + 1);
                    self.owe_work(&Work { issue: id, area_id, class, sequence, on }).await?;
                }
            }
            Event::Acknowledged { role, .. } => self.acknowledgement_met(id, *role).await?,
            Event::Queued => self.owe_referral(id, after).await?,
            _ => {}
        }
        match referral::withdrawal(event, after) {
            Some(why) => self.cancel_referrals(id, why).await,
            None => Ok(()),
        }
    }
}

fn no_issue(number: &str) -> StoreError {
    StoreError::Rule(format!("没有编号「{number}」的问题"))
}
