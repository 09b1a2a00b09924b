//! Who held issues for how long, and how much of that was late: time that one side held is not another's.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::personal::row_of;
use super::{Result, Store, date, instant};
use crate::domain::counted::holder_of;
use crate::domain::holder::{Holder, Holding, holdings};
use crate::domain::issue::{Event, Issue};

/// What one side holds and held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HoldingTime {
    pub holder: Holder,
    /// Issues that it holds now, and those of them that are past their date.
    pub now: i64,
    pub late_now: i64,
    /// For how many days it held issues altogether, and for how many of those they were past their date.
    pub days: f64,
    pub days_late: f64,
}

type HistoryRow = (String, i64, Option<String>, Option<i64>, Option<String>, Option<i64>);

/// An issue with its history.
struct History {
    registered_at: i64,
    due_on: Option<Date>,
    events: Vec<(Event, Timestamp)>,
}

impl Store {
    /// Each side's part in the time that the campaign's issues took, until now.
    pub async fn held(&self) -> Result<Vec<HoldingTime>> {
        let clock = &self.context.clock;
        let now = clock.now();
        let plan = self.campaign();
        let has_department = |issue: &Issue| plan.unit_of(issue).is_some();
        let mut sums: BTreeMap<Holder, HoldingTime> = BTreeMap::new();
        for history in self.histories().await? {
            let registered = instant(history.registered_at);
            let times = history.events.iter().map(|(event, at)| (event, *at));
            // Late from the first moment after its day.
            let late_from = history
                .due_on
                .and_then(|due_on| due_on.tomorrow().ok())
                .map(|day| clock.instant(day.to_datetime(Time::midnight())));
            for holding in holdings(registered, times, has_department)? {
                let none = HoldingTime {
                    holder: holding.holder,
                    now: 0,
                    late_now: 0,
                    days: 0.0,
                    days_late: 0.0,
                };
                let sum = sums.entry(holding.holder).or_insert(none);
                let late = late_span(&holding, late_from, now);
                sum.days += days(holding.span(now));
                sum.days_late += days(late);
                if holding.until.is_none() {
                    sum.now += 1;
                    sum.late_now += i64::from(late > SignedDuration::ZERO);
                }
            }
        }
        Ok(sums.into_values().collect())
    }

    /// How many issues of the campaign in effect are past their date and not resolved, by who holds them now.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn late_by_holder(&self) -> Result<BTreeMap<Holder, i64>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT of_id, CAST(SUM(total) AS BIGINT) FROM tallies WHERE dimension = 'turn' AND day < $1 AND campaign = $2
             GROUP BY of_id",
        )
        .bind(self.context.clock.today().to_string())
        .bind(self.campaign().code.clone())
        .fetch_all(&self.read)
        .await?;
        let plan = self.campaign();
        let mut late = BTreeMap::new();
        for (turn, issues) in rows.into_iter().filter(|(_, issues)| *issues != 0) {
            let holder = holder_of(&turn, |category| plan.unit_of_category(category).is_some());
            if let Some(holder) = holder {
                *late.entry(holder).or_insert(0) += issues;
            }
        }
        Ok(late)
    }

    async fn histories(&self) -> Result<Vec<History>> {
        let rows: Vec<HistoryRow> = sqlx::query_as(
            "SELECT i.id, i.created_at, i.due_on, e.sequence, e.body, e.at FROM issues i
             LEFT JOIN issue_events e ON e.issue_id = i.id WHERE i.number LIKE $1 ORDER BY i.id, e.sequence",
        )
        .bind(format!("{}-%", self.campaign().code))
        .fetch_all(&self.read)
        .await?;
        let mut histories: Vec<(String, History)> = Vec::new();
        for (id, registered_at, due_on, sequence, body, at) in rows {
            if histories.last().is_none_or(|(last, _)| *last != id) {
                let due_on = due_on.as_deref().map(|on| date("issues.due_on", on)).transpose()?;
                histories.push((id, History { registered_at, due_on, events: Vec::new() }));
            }
            let happened = sequence.zip(body).zip(at);
            if let (Some(((sequence, body), at)), Some((id, history))) =
                (happened, histories.last_mut())
            {
                let event = self.context.event(&row_of(id, sequence), &body)?;
                history.events.push((event, instant(at)));
            }
        }
        Ok(histories.into_iter().map(|(_, history)| history).collect())
    }
}

/// How much of a holding lay after the date.
fn late_span(holding: &Holding, late_from: Option<Timestamp>, now: Timestamp) -> SignedDuration {
    let Some(late_from) = late_from else { return SignedDuration::ZERO };
    let until = holding.until.unwrap_or(now);
    until.duration_since(holding.from.max(late_from)).max(SignedDuration::ZERO)
}

fn days(span: SignedDuration) -> f64 {
    // What lasted less than nothing for a clock that stepped lasted nothing.
    span.max(SignedDuration::ZERO).as_secs_f64() / 86_400.0
}
