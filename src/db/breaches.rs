//! Reports of a breach of discipline 违纪反映 (plan, 四(二)): meals, gifts. They go to the inspection group (督导组) only, and
//! are on no other page, figure or export.

use jiff::civil::Date;

use super::personal::{BREACH_ABOUT, BREACH_REPORTER, BREACH_RESULT, BREACH_TEXT};
use super::{Result, Store, Tx, word};
use crate::domain::breach::BreachKind;

/// A report as it comes in.
#[derive(Debug, Clone)]
pub struct NewBreach {
    pub kind: BreachKind,
    pub happened_on: Date,
    /// By code or name.
    pub area: String,
    pub text: String,
    /// Whom it is about, and who says so, where that's known.
    pub about: Option<String>,
    pub reporter: Option<String>,
}

/// A report, opened.
#[derive(Debug, Clone)]
pub struct Breach {
    pub number: String,
    pub kind: BreachKind,
    pub happened_on: String,
    pub area: String,
    pub area_id: String,
    pub text: String,
    pub about: Option<String>,
    pub reporter: Option<String>,
    pub closed: bool,
    pub closed_at: Option<i64>,
    pub result: Option<String>,
}

struct Row {
    id: String,
    number: String,
    kind: String,
    happened_on: String,
    area: String,
    area_id: String,
    text_sealed: String,
    about_sealed: Option<String>,
    reporter_sealed: Option<String>,
    state: String,
    result_sealed: Option<String>,
    closed_at: Option<i64>,
}

from_row!(Row {
    id,
    number,
    kind,
    happened_on,
    area,
    area_id,
    text_sealed,
    about_sealed,
    reporter_sealed,
    state,
    result_sealed,
    closed_at
});

impl Tx {
    /// Records a report. Returns its number.
    pub async fn put_breach(&mut self, new: &NewBreach, area_id: &str) -> Result<String> {
        let sequence = self.next_value("breach").await?;
        let number = format!("WJ-{sequence:06}");
        let (id, now) = (self.context.id(), self.now());
        sqlx::query(
            "INSERT INTO breaches (id, number, kind, happened_on, area_id, text_sealed, reporter_sealed, about_sealed,
               state, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9)",
        )
        .bind(&id)
        .bind(&number)
        .bind(new.kind.code())
        .bind(new.happened_on.to_string())
        .bind(area_id.to_owned())
        .bind(self.context.seal(BREACH_TEXT, &id, &new.text)?)
        .bind(self.context.seal_optional(BREACH_REPORTER, &id, new.reporter.as_deref())?)
        .bind(self.context.seal_optional(BREACH_ABOUT, &id, new.about.as_deref())?)
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(number)
    }

    /// Puts what the inspectors found on an open report; false where there is none of that number.
    pub async fn close_breach(&mut self, number: &str, result: &str) -> Result<bool> {
        let now = self.now();
        let open = "SELECT id FROM breaches WHERE number = $1 AND state = 'open'";
        let id: Option<String> =
            sqlx::query_scalar(open).bind(number.to_owned()).fetch_optional(&mut self.db).await?;
        let Some(id) = id else { return Ok(false) };
        sqlx::query(
            "UPDATE breaches SET state = 'closed', result_sealed = $1, closed_at = $2 WHERE id = $3",
        )
        .bind(self.context.seal(BREACH_RESULT, &id, result)?)
        .bind(now)
        .bind(&id)
        .execute(&mut self.db)
        .await?;
        Ok(true)
    }
}

impl Store {
    /// All reports, newest first.
    pub async fn breaches(&self) -> Result<Vec<Breach>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT b.id, b.number, b.kind, b.happened_on, a.name AS area, b.area_id, b.text_sealed, b.about_sealed,
               b.reporter_sealed, b.state, b.result_sealed, b.closed_at FROM breaches b JOIN areas a ON a.id = b.area_id ORDER BY b.number DESC",
        )
        .fetch_all(&self.read)
        .await?;
        let context = self.context();
        rows.into_iter()
            .map(|row| {
                Ok(Breach {
                    kind: word("breaches.kind", &row.kind, BreachKind::read)?,
                    text: context.open(BREACH_TEXT, &row.id, &row.text_sealed)?,
                    about: context.open_optional(BREACH_ABOUT, &row.id, row.about_sealed)?,
                    reporter: context.open_optional(
                        BREACH_REPORTER,
                        &row.id,
                        row.reporter_sealed,
                    )?,
                    result: context.open_optional(BREACH_RESULT, &row.id, row.result_sealed)?,
                    closed: row.state == "closed",
                    number: row.number,
                    happened_on: row.happened_on,
                    area: row.area,
                    area_id: row.area_id,
                    closed_at: row.closed_at,
                })
            })
            .collect()
    }
}
