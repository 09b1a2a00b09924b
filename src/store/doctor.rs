//! Recomputes from the record what is owed, and finds what differs: after a hand in the database, a restored backup, or a
//! mistake in this program.

use std::collections::BTreeMap;

use super::{NewDuty, Result, Store, Tx, word};
use crate::domain::area::AreaKind;
use crate::domain::duty::{self, DutyKind};
use crate::domain::issue::{Event, Issue, State};

/// A duty, or an issue, that isn't what the record makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The duty's key, or the issue's number.
    pub what: String,
    /// What kind of duty; nothing for an issue itself.
    pub kind: Option<DutyKind>,
    /// How it stands, and how the record says that it should; nothing where it isn't there at all.
    pub found: Option<String>,
    pub expected: Option<String>,
    /// What in the record says so.
    pub because: &'static str,
}

/// A duty's state, date and owner, as text.
type Snapshot = BTreeMap<String, (DutyKind, String)>;

impl Store {
    /// What differs. With `repair`, the name of who asked for it, duties are put right; issues never are: their events are
    /// what happened.
    pub async fn doctor(&self, repair: Option<&str>) -> Result<Vec<Difference>> {
        let mut tx = self.begin().await?;
        let mut differences = tx.misprojected().await?;
        let before = tx.snapshot().await?;
        tx.recompute().await?;
        let after = tx.snapshot().await?;
        differences.extend(compare(&before, &after));
        match repair {
            Some(by) if !differences.is_empty() => {
                let detail = serde_json::json!({ "differences": differences.len() });
                tx.audit(by, "repair", "duties", &detail).await?;
                tx.commit().await?;
            }
            _ => tx.rollback().await?,
        }
        Ok(differences)
    }
}

fn compare(before: &Snapshot, after: &Snapshot) -> Vec<Difference> {
    let changed = after.iter().filter(|(key, line)| before.get(*key) != Some(line));
    changed
        .map(|(key, (kind, expected))| Difference {
            what: key.clone(),
            kind: Some(*kind),
            found: before.get(key).map(|(_, found)| found.clone()),
            expected: Some(expected.clone()),
            because: because(*kind),
        })
        .collect()
}

/// By which fact a kind of duty is met.
const fn because(kind: DutyKind) -> &'static str {
    match kind {
        DutyKind::Visit => "走访记录、群众名册和走访安排",
        DutyKind::Classify => "该群众的问题是否都已分类",
        DutyKind::Revisit => "该群众的回访记录和问题是否都已销号",
        DutyKind::Acknowledge => "问题的签收记录",
        DutyKind::Upload | DutyKind::Begin | DutyKind::Resolve => "问题的办理过程",
        DutyKind::SpotCheck => "督导组的抽查记录",
        DutyKind::Materials
        | DutyKind::Summary
        | DutyKind::Report
        | DutyKind::SelfCheck
        | DutyKind::LookBack
        | DutyKind::Extra => "方案对该村或总支的要求，由人确认",
    }
}

impl Tx {
    async fn snapshot(&mut self) -> Result<Snapshot> {
        let rows: Vec<(String, String, String, String, Option<String>)> = sqlx::query_as(
            "SELECT d.duty_key, d.kind, d.state, b.due_on, f.number FROM duties d JOIN bundles b ON b.id = d.bundle_id
             LEFT JOIN staff f ON f.id = b.staff_id",
        )
        .fetch_all(&mut *self.db)
        .await?;
        rows.into_iter()
            .map(|(key, kind, state, due_on, staff)| {
                let state = match state.as_str() {
                    "open" => "未完成",
                    "met" => "已完成",
                    _ => "已取消",
                };
                let owner = staff.map(|number| format!("，责任人 {number}")).unwrap_or_default();
                let kind = word("duties.kind", &kind, DutyKind::read)?;
                Ok((key, (kind, format!("{state}，期限 {due_on}{owner}"))))
            })
            .collect()
    }

    /// Does again what every fact of the record did.
    async fn recompute(&mut self) -> Result<()> {
        let areas: Vec<(String, String)> =
            sqlx::query_as("SELECT id, kind FROM areas").fetch_all(&mut *self.db).await?;
        for (area, kind) in areas {
            self.owe_of_area(&area, word("areas.kind", &kind, AreaKind::read)?).await?;
        }
        let pairs: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT s.id, s.area_id, a.staff_id FROM assignments a JOIN subjects s ON s.id = a.subject_id",
        )
        .fetch_all(&mut *self.db)
        .await?;
        for (subject, area, staff) in pairs {
            self.open_duty(&NewDuty::visit(&subject, &area, &staff)).await?;
            self.return_duties(&subject, &staff).await?;
            self.settle_subject(&subject).await?;
        }
        let residents: Vec<String> =
            sqlx::query_scalar("SELECT id FROM residents").fetch_all(&mut *self.db).await?;
        for resident in residents {
            self.settle_resident(&resident).await?;
        }
        let checked: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT s.area_id FROM visits v JOIN subjects s ON s.id = v.subject_id
             WHERE v.kind = 'spot_check' AND v.visited_on >= $1",
        )
        .bind(self.campaign_start())
        .fetch_all(&mut *self.db)
        .await?;
        for area in checked {
            self.meet_duty(&duty::key(DutyKind::SpotCheck, &area, 1), "record").await?;
        }
        self.recompute_issues().await
    }

    /// What is open of a subject's and isn't its visitor's goes to them.
    async fn return_duties(&mut self, subject: &str, staff: &str) -> Result<()> {
        let others: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT b.staff_id FROM duties d JOIN bundles b ON b.id = d.bundle_id
             WHERE d.subject_id = $1 AND d.state = 'open' AND b.staff_id <> $2",
        )
        .bind(subject)
        .bind(staff)
        .fetch_all(&mut *self.db)
        .await?;
        for other in others {
            self.hand_over_duties(subject, &other, staff).await?;
        }
        Ok(())
    }

    /// Each issue's open duties, by how it stands: none where it has ended, its resolution where it's under way.
    async fn recompute_issues(&mut self) -> Result<()> {
        let issues: Vec<(String, String)> =
            sqlx::query_as("SELECT id, area_id FROM issues").fetch_all(&mut *self.db).await?;
        for (id, area_id) in issues {
            let issue = self.issue(&id).await?;
            let open: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM duties WHERE issue_id = $1 AND kind = $2 AND state = 'open'",
            )
            .bind(&id)
            .bind(DutyKind::Resolve.code())
            .fetch_one(&mut *self.db)
            .await?;
            let ended = matches!(issue.state, State::Resolved | State::Closed | State::Void);
            if ended {
                self.end_all_of_issue(&id, issue.state == State::Void).await?;
            } else if let (Some(class), 0) = (issue.class, open) {
                let sequence: i64 = sqlx::query_scalar(
                    "SELECT COALESCE(MAX(sequence), 0) FROM issue_events WHERE issue_id = $1",
                )
                .bind(&id)
                .fetch_one(&mut *self.db)
                .await?;
                self.owe_work(&id, &area_id, class, sequence + 1_000).await?;
            }
        }
        Ok(())
    }

    async fn end_all_of_issue(&mut self, issue: &str, void: bool) -> Result<()> {
        let now = self.now();
        sqlx::query(
            "UPDATE duties SET state = $1, met_at = $2, met_by = 'record' WHERE issue_id = $3 AND state = 'open'",
        )
        .bind(if void { "cancelled" } else { "met" })
        .bind(now)
        .bind(issue)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// The issues whose row isn't what their events make of it.
    async fn misprojected(&mut self) -> Result<Vec<Difference>> {
        let issues: Vec<(String, String)> =
            sqlx::query_as("SELECT id, number FROM issues ORDER BY number")
                .fetch_all(&mut *self.db)
                .await?;
        let mut wrong = Vec::new();
        for (id, number) in issues {
            let bodies: Vec<String> = sqlx::query_scalar(
                "SELECT body FROM issue_events WHERE issue_id = $1 ORDER BY sequence",
            )
            .bind(&id)
            .fetch_all(&mut *self.db)
            .await?;
            let events: Option<Vec<Event>> =
                bodies.iter().map(|body| serde_json::from_str(body).ok()).collect();
            let replayed = events.map(|events| Issue::replay(&events));
            let found = self.issue(&id).await?;
            let expected = match replayed {
                Some(Ok(replayed)) if replayed == found => continue,
                Some(Ok(replayed)) => replayed.state.to_string(),
                Some(Err(refusal)) => refusal.to_string(),
                None => "事件读不出来".to_owned(),
            };
            wrong.push(Difference {
                what: number,
                kind: None,
                found: Some(found.state.to_string()),
                expected: Some(expected),
                because: "问题的全部事件重放一遍",
            });
        }
        Ok(wrong)
    }
}
