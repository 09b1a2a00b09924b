//! The events of issues, and what they make of their rows.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::IssueRow;
use crate::db::personal::{EVENT_ACTOR, EVENT_BODY, row_of};
use crate::db::sets::Columns;
use crate::db::{Context, Result, Session, Tx, to_json};
use crate::domain::counted::{Standing, Thing, campaign_of};
use crate::domain::issue::{Event, EventKind, Issue};
use crate::domain::visit::Satisfaction;

/// An event as it's kept.
#[derive(Debug, Deserialize)]
pub struct EventRow {
    pub issue_id: String,
    pub sequence: i64,
    pub at: i64,
    pub actor: String,
    body: String,
}

impl EventRow {
    /// What happened; nothing where it can't be read.
    pub fn event(&self) -> Option<Event> {
        serde_json::from_str(&self.body).ok()
    }

    /// As it's read: opened.
    fn opened(mut self, context: &Context) -> Result<EventRow> {
        let row = row_of(&self.issue_id, self.sequence);
        self.actor = context.open(EVENT_ACTOR, &row, &self.actor)?;
        // What doesn't open can't be read: that's the doctor's to say.
        self.body = context.open(EVENT_BODY, &row, &self.body).unwrap_or_default();
        Ok(self)
    }
}

/// What came of a revisit's answer, with the visit.
#[derive(Deserialize)]
struct AnswerRow {
    visit_id: String,
    satisfaction: Option<String>,
    #[serde(flatten)]
    event: EventRow,
}

#[derive(Serialize)]
struct NewEvent {
    issue_id: String,
    sequence: i64,
    kind: &'static str,
    /// In whose role an issue was acknowledged.
    role: Option<&'static str>,
    body: String,
    actor: String,
    at: i64,
}

/// A part of the program, such as `platform`, is nobody's name.
fn sealed_actor(context: &Context, row: &str, actor: &str) -> Result<String> {
    let is_code = actor.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_code { Ok(actor.to_owned()) } else { context.seal(EVENT_ACTOR, row, actor) }
}

/// What an issue's row becomes.
#[derive(Debug, Serialize)]
pub struct IssueProjection {
    id: String,
    /// The same, for the figures.
    #[serde(skip)]
    after: (Issue, Option<jiff::civil::Date>),
    state: &'static str,
    round: i64,
    level: Option<&'static str>,
    category: Option<&'static str>,
    urgency: Option<&'static str>,
    town_finished: i64,
    platform_finished: i64,
    due_on: Option<String>,
    version: i64,
    updated_at: i64,
}

impl IssueProjection {
    /// Of an issue as it stands after its event of that sequence.
    pub fn of(
        id: &str,
        issue: &Issue,
        due_on: Option<jiff::civil::Date>,
        sequence: i64,
        at: i64,
    ) -> IssueProjection {
        let Issue { state, round, class, town_finished, platform_finished } = issue;
        IssueProjection {
            id: id.to_owned(),
            after: (issue.clone(), due_on),
            state: state.code(),
            round: *round,
            level: class.map(|class| class.level.code()),
            category: class.map(|class| class.category.code()),
            urgency: class.map(|class| class.urgency.code()),
            town_finished: i64::from(*town_finished),
            platform_finished: i64::from(*platform_finished),
            due_on: due_on.map(|on| on.to_string()),
            version: sequence,
            updated_at: at,
        }
    }
}

impl Session {
    /// Every event of these issues, each issue's in its order.
    pub async fn events_of(&mut self, issues: &[&str]) -> Result<Vec<EventRow>> {
        let query = format!(
            "SELECT issue_id, sequence, at, actor, body FROM issue_events WHERE issue_id {} ORDER BY issue_id, sequence",
            self.dialect.among()
        );
        let columns = ["issue_id", "sequence", "at", "actor", "body"];
        let rows: Vec<EventRow> = self.read_set(&columns, &query, issues, &[]).await?;
        rows.into_iter().map(|row| row.opened(&self.context)).collect()
    }

    /// What came of the answers at these revisits and was recorded with them: the visit's id, its answer, and the event.
    pub async fn events_at_revisits(
        &mut self,
        visits: &[&str],
    ) -> Result<Vec<(String, Satisfaction, EventRow)>> {
        let query = format!(
            "SELECT v.id AS visit_id, v.satisfaction, e.issue_id, e.sequence, e.at, e.actor, e.body FROM visits v
             JOIN issues i ON i.resident_id = v.resident_id
             JOIN issue_events e ON e.issue_id = i.id AND e.at = v.created_at
             WHERE v.kind = 'revisit' AND v.id {} ORDER BY v.id, e.issue_id, e.sequence",
            self.dialect.among()
        );
        let columns = ["visit_id", "satisfaction", "issue_id", "sequence", "at", "actor", "body"];
        let rows: Vec<AnswerRow> = self.read_set(&columns, &query, visits, &[]).await?;
        let answered =
            rows.into_iter().filter_map(|AnswerRow { visit_id, satisfaction, event }| {
                let answer = Satisfaction::read(satisfaction.as_deref()?)?;
                Some(event.opened(&self.context).map(|event| (visit_id, answer, event)))
            });
        answered.collect()
    }
}

impl Tx {
    /// Adds events: the issue's id, the event's sequence, itself, and who did it.
    pub async fn add_events(&mut self, events: &[(String, i64, Event, String)]) -> Result<()> {
        use EventKind::{Acknowledged, PlatformReopened, Reopened};
        let counts = |kind| matches!(kind, Acknowledged | Reopened | PlatformReopened);
        let counted = events.iter().filter(|(_, _, event, _)| counts(event.kind()));
        self.retally(Thing::Issue, counted.map(|(id, ..)| id.as_str())).await?;
        let (at, context) = (self.now, &self.context);
        let row = |(issue_id, sequence, event, actor): &'_ (String, i64, Event, String)| {
            let row = row_of(issue_id, sequence);
            Ok(NewEvent {
                issue_id: issue_id.clone(),
                sequence: *sequence,
                kind: event.kind().code(),
                role: match event {
                    Event::Acknowledged { role, .. } => Some(role.code()),
                    _ => None,
                },
                body: context.seal(EVENT_BODY, &row, &to_json(event)?)?,
                actor: sealed_actor(context, &row, actor)?,
                at,
            })
        };
        let rows = events.iter().map(row).collect::<Result<Vec<_>>>()?;
        let texts = ["issue_id", "kind", "role", "body", "actor"];
        self.insert_set(
            "issue_events",
            &Columns { texts: &texts, numbers: &["sequence", "at"] },
            &rows,
        )
        .await
    }

    /// What these change of the figures. What only moves on is counted by what moves, and nothing else is read for it.
    async fn tally_projected(&mut self, rows: &[IssueProjection]) -> Result<()> {
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let known = ids.iter().filter(|id| !self.is_retallied(Thing::Issue, id));
        let known: Vec<&str> = known.copied().collect();
        let before = self.issue_rows(&known).await?;
        let before: HashMap<&str, &IssueRow> =
            before.iter().map(|row| (row.id.as_str(), row)).collect();
        let (mut issues, mut asked) = (Vec::new(), Vec::new());
        for IssueProjection { id, after, .. } in rows {
            let Some(row) = before.get(id.as_str()) else {
                asked.push(id.as_str());
                continue;
            };
            let campaign = campaign_of(&row.number).to_owned();
            let standing = Standing { campaign, issue: row.issue()?, due_on: row.due_on()? };
            let (issue, due_on) = after.clone();
            if standing.due_on == due_on && standing.only_moves_to(&issue) {
                let after = Standing { issue, ..standing.clone() };
                self.tally.change(Some(&standing), Some(&after));
            } else {
                issues.push(id.as_str());
                asked.push(id.as_str());
            }
        }
        self.retally(Thing::Issue, issues).await?;
        // In what their residents asked for something may change with these.
        let residents: Vec<String> =
            self.issue_rows(&asked).await?.into_iter().map(|row| row.resident_id).collect();
        self.retally(Thing::Resident, residents.iter().map(String::as_str)).await
    }

    /// Makes rows what the events made of their issues.
    pub async fn project_issues(&mut self, rows: &[IssueProjection]) -> Result<()> {
        self.tally_projected(rows).await?;
        let texts = ["id", "state", "level", "category", "urgency", "due_on"];
        let numbers = ["round", "town_finished", "platform_finished", "version", "updated_at"];
        self.update_set("issues", &Columns { texts: &texts, numbers: &numbers }, rows).await
    }
}
