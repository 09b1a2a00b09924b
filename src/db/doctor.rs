//! Recomputes from the record what is owed, and finds what differs: after a hand in the database, a restored backup, or a
//! mistake in this program.

use std::collections::BTreeMap;
use std::fmt;

use super::{Result, Store, Tx, word};
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::issue::{Event, Issue};

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

/// How a duty stands, by its key.
type Snapshot = BTreeMap<String, Standing>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    kind: DutyKind,
    state: DutyState,
    due_on: String,
    /// The number of whoever owes it; nothing where a role does.
    owner: Option<String>,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}，期限 {}", self.state, self.due_on)?;
        self.owner.iter().try_for_each(|owner| write!(f, "，责任人 {owner}"))
    }
}

impl Store {
    /// What differs. With `repair`, the name of who asked for it, duties are put right; issues never are: their events are
    /// what happened.
    pub async fn doctor(&self, repair: Option<&str>) -> Result<Vec<Difference>> {
        let mut tx = self.begin().await?;
        let before = tx.snapshot().await?;
        let mut differences = tx.recompute().await?;
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
    let differs = |(key, expected): (&String, &Standing)| {
        let found = before.get(key);
        (found != Some(expected)).then(|| Difference {
            what: key.clone(),
            kind: Some(expected.kind),
            found: found.map(Standing::to_string),
            expected: Some(expected.to_string()),
            because: because(found, expected),
        })
    };
    after.iter().filter_map(differs).collect()
}

/// What in the record makes a duty as it's expected.
fn because(found: Option<&Standing>, expected: &Standing) -> &'static str {
    match found {
        _ if expected.state == DutyState::Cancelled => "记录中没有什么还要求这一项",
        Some(found) if found.state == expected.state && found.due_on != expected.due_on => {
            "现行方案的期限"
        }
        Some(found) if found.state == expected.state => "走访安排",
        _ => fact(expected.kind),
    }
}

/// By which fact a kind of duty is met.
const fn fact(kind: DutyKind) -> &'static str {
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
        | DutyKind::Extra => "方案对该村或总支的要求，和确认它的审计记录",
    }
}

impl Tx {
    async fn snapshot(&mut self) -> Result<Snapshot> {
        let rows: Vec<(String, String, String, String, Option<String>)> = sqlx::query_as(
            "SELECT d.duty_key, d.kind, d.state, b.due_on, f.number FROM duties d JOIN duty_groups b ON b.id = d.group_id
             LEFT JOIN staff f ON f.id = b.staff_id",
        )
        .fetch_all(&mut *self.db)
        .await?;
        rows.into_iter()
            .map(|(key, kind, state, due_on, owner)| {
                let kind = word("duties.kind", &kind, DutyKind::read)?;
                let state = word("duties.state", &state, DutyState::read)?;
                Ok((key, Standing { kind, state, due_on, owner }))
            })
            .collect()
    }
}

/// How an issue's row differs from what its events make of it.
pub(super) fn misprojected<'e>(
    number: &str,
    found: &Issue,
    events: Option<impl IntoIterator<Item = &'e Event>>,
) -> Option<Difference> {
    let expected = match events.map(Issue::replay) {
        Some(Ok(replayed)) if replayed == *found => return None,
        Some(Ok(replayed)) => replayed.state.to_string(),
        Some(Err(refusal)) => refusal.to_string(),
        None => "事件读不出来".to_owned(),
    };
    Some(Difference {
        what: number.to_owned(),
        kind: None,
        found: Some(found.state.to_string()),
        expected: Some(expected),
        because: "问题的全部事件重放一遍",
    })
}
