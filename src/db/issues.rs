//! Issues 问题 and their events: the row is the projection, written with the event that changed it.

use jiff::civil::Date;
use serde::Deserialize;

use super::personal::{ISSUE_TEXT, row_of};
use super::projection::Projection;
use super::{Result, Session, Store, StoreError};
use crate::domain::issue::{Event, Issue, State};

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

impl Store {
    /// Every event of an issue, oldest first.
    pub async fn issue_history(&self, id: &str) -> Result<Vec<Event>> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT sequence, body FROM issue_events WHERE issue_id = $1 ORDER BY sequence",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        let event =
            |(sequence, body): (i64, String)| self.context.event(&row_of(id, sequence), &body);
        rows.into_iter().map(event).collect()
    }

    /// The issue's id by its number.
    pub async fn issue_id(&self, number: &str) -> Result<String> {
        let id: Option<String> = sqlx::query_scalar("SELECT id FROM issues WHERE number = $1")
            .bind(number)
            .fetch_optional(&self.read)
            .await?;
        id.ok_or_else(|| StoreError::no_issue(number))
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

    fn issue_card(&self, row: CardRow) -> Result<IssueCard> {
        Ok(IssueCard {
            issue: row.projection.issue()?,
            text: self.context.open(ISSUE_TEXT, &row.id, &row.text_sealed)?,
            due_on: row.due_on.map(|on| super::date("issues.due_on", &on)).transpose()?,
            id: row.id,
            number: row.number,
            area_id: row.area_id,
            subject_number: row.subject_number,
        })
    }
}

impl Store {
    /// The issues of which the grid member hasn't taken note, by number, with their villages' codes.
    pub async fn unacknowledged(&self) -> Result<Vec<(String, String)>> {
        Ok(sqlx::query_as(
            "SELECT i.number, COALESCE(a.code, a.name) FROM duties d JOIN issues i ON i.id = d.issue_id
             JOIN duty_groups b ON b.id = d.group_id JOIN areas a ON a.id = b.area_id
             WHERE d.kind = 'acknowledge' AND d.state = 'open' AND b.role = 'grid_member' ORDER BY i.number",
        )
        .fetch_all(&self.read)
        .await?)
    }
}

impl Session {
    /// The issue's id by its number, as it's seen here.
    pub async fn issue_id(&mut self, number: &str) -> Result<String> {
        Ok(self.issue_numbered(number).await?.id)
    }

    /// The issue as it stands.
    pub async fn issue(&mut self, id: &str) -> Result<Issue> {
        let row = self.issue_rows(&[id]).await?.pop();
        row.ok_or_else(|| StoreError::no_issue(id))?.issue()
    }

    /// The issues that wait for these referrals (by their ids), each in its present round.
    pub async fn issues_waiting_for(&mut self, referrals: &[&str]) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Id {
            id: String,
        }
        let waiting = format!(
            "SELECT i.id FROM issues i JOIN referrals r ON r.issue_id = i.id AND r.round = i.round
             WHERE i.state = 'queued' AND r.id {}",
            self.dialect.among()
        );
        let rows: Vec<Id> = self.read_set(&["id"], &waiting, referrals, &[]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }
}
