//! Visits 走访: what was heard, and what follows from it.

use jiff::civil::Date;

use super::{NewIssue, Result, Store, StoreError, Tx, Upsert};
use crate::domain::issue::{Event, State};
use crate::domain::visit::{Satisfaction, VisitKind};

/// One line of a visit record (附件4): one resident met at one subject.
#[derive(Debug, Clone)]
pub struct NewVisit {
    pub kind: VisitKind,
    pub visited_on: Date,
    pub staff_id: String,
    pub subject_number: String,
    pub resident: String,
    pub contact: Option<String>,
    /// In person, or by telephone.
    pub face_to_face: bool,
    pub heard: Heard,
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum Heard {
    /// Nothing to be done: 没有问题.
    Nothing,
    /// A demand.
    Issue(NewIssue),
    /// At a revisit: whether the resident is satisfied.
    Answer(Satisfaction),
}

impl Tx {
    /// Records a visit with what follows: duties met and owed, an issue, its referral, its end.
    pub async fn record_visit(&mut self, new: &NewVisit) -> Result<Upsert> {
        let subject = self.subject(&new.subject_number).await?;
        match &subject.staff_id {
            None => {
                return Err(StoreError::Rule(format!(
                    "「{}」还没有走访人，请先导入走访安排表（附件2）",
                    new.subject_number
                )));
            }
            Some(assigned) if *assigned != new.staff_id && new.kind != VisitKind::SpotCheck => {
                return Err(StoreError::Rule(format!(
                    "「{}」不由这位走访人负责（一访到底，中途不得更换）",
                    new.subject_number
                )));
            }
            Some(_) => {}
        }
        let resident =
            self.put_resident(&subject.id, &new.resident, new.contact.as_deref()).await?;
        let (visit, visit_put) = self.put_visit(new, &subject.id, &resident).await?;
        let put = match (&new.heard, visit_put) {
            (Heard::Issue(issue), _) => {
                self.put_issue(issue, &visit, &resident, &subject).await?.max_of(visit_put)
            }
            (Heard::Answer(answer), Upsert::Added) => {
                self.answer(&resident, *answer).await?;
                Upsert::Added
            }
            _ => visit_put,
        };
        if put == Upsert::Added {
            match new.kind {
                VisitKind::First => self.settle_subject(&subject.id).await?,
                // 四(三): one check in a village meets what is owed for it.
                VisitKind::SpotCheck => self.settle_spot_check(&subject.area_id).await?,
                VisitKind::Revisit => {}
            }
            self.settle_resident(&resident).await?;
        }
        Ok(put)
    }

    async fn put_visit(
        &mut self,
        new: &NewVisit,
        subject: &str,
        resident: &str,
    ) -> Result<(String, Upsert)> {
        let visited_on = new.visited_on.to_string();
        let answer = match &new.heard {
            Heard::Answer(answer) => Some(answer.code()),
            _ => None,
        };
        let key = self.context.sealer.index(&[
            new.kind.code(),
            &visited_on,
            &new.staff_id,
            resident,
            answer.unwrap_or_default(),
        ]);
        let known: Option<String> =
            sqlx::query_scalar("SELECT id FROM visits WHERE natural_key = $1")
                .bind(&key)
                .fetch_optional(&mut *self.db)
                .await?;
        if let Some(id) = known {
            return Ok((id, Upsert::Same));
        }
        let id = self.context.id();
        let now = self.now();
        sqlx::query(
            "INSERT INTO visits (id, natural_key, kind, subject_id, resident_id, staff_id, visited_on, satisfaction, face_to_face,
               created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&id)
        .bind(key)
        .bind(new.kind.code())
        .bind(subject)
        .bind(resident)
        .bind(&new.staff_id)
        .bind(visited_on)
        .bind(answer)
        .bind(i64::from(new.face_to_face))
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok((id, Upsert::Added))
    }

    /// Closes or reopens what was resolved for the resident, by their answer.
    async fn answer(&mut self, resident: &str, answer: Satisfaction) -> Result<()> {
        let resolved: Vec<String> =
            sqlx::query_scalar("SELECT id FROM issues WHERE resident_id = $1 AND state = $2")
                .bind(resident)
                .bind(State::Resolved.code())
                .fetch_all(&mut *self.db)
                .await?;
        let event = if answer.closes() {
            Event::Satisfied
        } else {
            Event::Reopened { reason: "群众回访时表示不满意".to_owned() }
        };
        for issue in resolved {
            self.issue_event(&issue, &event, "resident").await?;
        }
        Ok(())
    }
}

/// A resident who can be visited again: all of their issues are resolved.
#[derive(Debug, Clone)]
pub struct RevisitDue {
    pub subject_number: String,
    pub resident: String,
    pub staff_number: String,
    /// How many issues wait for their answer, and the highest round among them.
    pub resolved: i64,
    pub round: i64,
}

impl Store {
    /// The residents who owe us an answer and can give it now, at most `limit`.
    pub async fn revisits_due(&self, limit: i64) -> Result<Vec<RevisitDue>> {
        let rows: Vec<(String, String, String, i64, i64)> = sqlx::query_as(
            "SELECT s.number, r.name_sealed, f.number,
               COUNT(CASE WHEN i.state = 'resolved' THEN 1 END), COALESCE(MAX(i.round), 1)
             FROM duties d JOIN duty_groups b ON b.id = d.group_id JOIN residents r ON r.id = d.resident_id
             JOIN subjects s ON s.id = d.subject_id JOIN staff f ON f.id = b.staff_id LEFT JOIN issues i ON i.resident_id = r.id
             WHERE d.kind = 'revisit' AND d.state = 'open'
             GROUP BY d.id, s.number, r.name_sealed, f.number
             HAVING COUNT(CASE WHEN i.state NOT IN ('resolved', 'closed', 'void') THEN 1 END) = 0
             ORDER BY s.number, d.id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(subject_number, resident, staff_number, resolved, round)| {
                let resident = self.context.sealer.open(&resident)?;
                Ok(RevisitDue { subject_number, resident, staff_number, resolved, round })
            })
            .collect()
    }
}

impl Upsert {
    /// Added if either was.
    fn max_of(self, other: Upsert) -> Upsert {
        if other == Upsert::Added { other } else { self }
    }
}
