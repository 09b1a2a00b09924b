//! A person confirms what no other fact in the record can show: a report, the materials, a phase that was added.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::problem::{About, Outcomes, Problem, all_well};
use super::subjects::area_of;
use crate::db::{Result, Session, Standing, Tx, Upsert};
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::obligations::area::confirmed_key;

/// That a person confirms something for an area.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Confirmation {
    /// A kind of duty, or the title of a phase that was added.
    pub what: String,
    pub area: String,
    pub by: String,
}

/// A confirmation that changes something.
struct Confirmed {
    key: String,
    kind: DutyKind,
    area_id: String,
    area_name: String,
    by: String,
}

type Decided = Vec<std::result::Result<Option<Confirmed>, Problem>>;

/// What these confirmations would do.
pub async fn check(session: &mut Session, rows: &[Confirmation]) -> Result<Outcomes> {
    Ok(outcomes(&decide(session, rows).await?))
}

/// Confirms, each once. Nothing where any is wrong.
pub async fn put(tx: &mut Tx, rows: &[Confirmation]) -> Result<Outcomes> {
    let decided = decide(tx, rows).await?;
    let outcomes = outcomes(&decided);
    if !all_well(&outcomes) {
        return Ok(outcomes);
    }
    let new: Vec<Confirmed> =
        decided.into_iter().filter_map(std::result::Result::ok).flatten().collect();
    if new.is_empty() {
        return Ok(outcomes);
    }
    for Confirmed { key, kind, area_name, by, .. } in &new {
        let detail = serde_json::json!({"area": area_name, "kind": kind.code()});
        tx.audit(by, "confirm", key, &detail).await?;
    }
    let areas: Vec<String> = new.into_iter().map(|confirmed| confirmed.area_id).collect();
    super::areas::rederive(tx, Some(&areas)).await?;
    Ok(outcomes)
}

fn outcomes(decided: &Decided) -> Outcomes {
    let outcome = |one: &std::result::Result<Option<Confirmed>, Problem>| match one {
        Ok(Some(_)) => Ok(Upsert::Added),
        Ok(None) => Ok(Upsert::Same),
        Err(problem) => Err(problem.clone()),
    };
    decided.iter().map(outcome).collect()
}

async fn decide(session: &mut Session, rows: &[Confirmation]) -> Result<Decided> {
    let (tree, plans) = (session.area_tree().await?, session.plans());
    let named = |row: &Confirmation| {
        let area_id = area_of(&tree, &row.area)?;
        let area_name = tree.get(&area_id).map(|area| area.name.clone()).unwrap_or_default();
        let extra = plans.now().extra.iter().find(|extra| extra.title == row.what);
        let (kind, key) = match (extra, DutyKind::read(&row.what)) {
            (Some(extra), _) => {
                (DutyKind::Extra, confirmed_key(DutyKind::Extra, &area_id, Some(&extra.code)))
            }
            (None, Some(kind)) if kind.is_confirmed() => {
                (kind, confirmed_key(kind, &area_id, None))
            }
            (None, Some(kind)) => {
                let text = format!("「{kind}」由记录自动认定，不能手工确认");
                return Err(Problem::new(About::Duty, text));
            }
            (None, None) => {
                let text = format!("没有「{}」这项任务；应为：{}", row.what, DutyKind::choices());
                return Err(Problem::new(About::Duty, text));
            }
        };
        Ok(Confirmed { key, kind, area_id, area_name, by: row.by.clone() })
    };
    let named: Vec<std::result::Result<Confirmed, Problem>> = rows.iter().map(named).collect();
    let keys: Vec<&str> =
        named.iter().filter_map(|one| one.as_ref().ok()).map(|one| one.key.as_str()).collect();
    let standing: HashMap<String, Standing> = session
        .duties_of_keys(&keys)
        .await?
        .into_iter()
        .map(|duty| (duty.key.clone(), duty))
        .collect();
    let stands = |one: Confirmed, row: &Confirmation| match standing.get(&one.key) {
        None => {
            let text = format!("「{}」没有「{}」这项任务", one.area_name, row.what);
            Err(Problem::new(About::Duty, text))
        }
        Some(duty) if duty.state == DutyState::Open => Ok(Some(one)),
        Some(_) => Ok(None),
    };
    Ok(named.into_iter().zip(rows).map(|(one, row)| stands(one?, row)).collect())
}
