//! A person confirms what no other fact in the record can show: a report, the materials, a phase that was added.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::people::{Doers, with_roles};
use super::problem::{About, Outcomes, Problem, all_well};
use super::subjects::area_of;
use crate::db::{AreaTree, Result, Session, Standing, Tx, Upsert};
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::obligations::area::confirmed_key;
use crate::domain::obligations::{Department, Departments, Plans};
use crate::domain::rights::Right;
use crate::domain::staff::{StaffMember, units_of};

/// That a person confirms something for an area.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Confirmation {
    /// A kind of duty, or the title of a phase that was added.
    pub what: String,
    /// An area; for the report of a department, its unit.
    pub area: String,
    pub by: String,
}

/// A confirmation that changes something.
pub(super) struct Confirmed {
    pub key: String,
    pub kind: DutyKind,
    pub area_id: String,
    /// The area, or the unit of the town.
    pub of: String,
    pub by: String,
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
    confirmed(tx, new).await?;
    Ok(outcomes)
}

/// Writes down what is confirmed: what it meets is met.
pub(super) async fn confirmed(tx: &mut Tx, new: Vec<Confirmed>) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    for Confirmed { key, kind, of, by, .. } in &new {
        let detail = serde_json::json!({"area": of, "kind": kind.code()});
        tx.audit(by, "confirm", key, &detail).await?;
    }
    // A department's report stands under its person, and is derived with the whole.
    let reports = new.iter().any(|confirmed| confirmed.kind == DutyKind::Report);
    let areas: Vec<String> = new.into_iter().map(|confirmed| confirmed.area_id).collect();
    super::areas::rederive(tx, (!reports).then_some(&areas[..])).await
}

fn outcomes(decided: &Decided) -> Outcomes {
    let outcome = |one: &std::result::Result<Option<Confirmed>, Problem>| match one {
        Ok(Some(_)) => Ok(Upsert::Added.into()),
        Ok(None) => Ok(Upsert::Same.into()),
        Err(problem) => Err(problem.clone()),
    };
    decided.iter().map(outcome).collect()
}

/// By who hands in there, who owes it, or who stands in for one of them.
fn by_whom_it_may(
    doers: &Doers,
    one: &Confirmed,
    duty: &Standing,
) -> std::result::Result<(), Problem> {
    let hands_in =
        |person: &StaffMember| Right::HandIn.is_of(person, &doers.tree, Some(&one.area_id));
    let Some(person) = doers.holders.numbered(&one.by) else { return Ok(()) };
    doers.may_meet(&duty.group, person, hands_in).map_err(|owing| {
        let (who, Confirmed { of, kind, .. }) = (with_roles(person), one);
        let text = format!("{who}，不能确认「{of}」的{kind}：由{owing}或镇组织人事办公室确认");
        Problem::new(About::Confirmer, text)
    })
}

/// Where what is confirmed may stand: areas, units of the town, and phases that were added.
struct Places {
    tree: Arc<AreaTree>,
    departments: Departments,
    plans: Arc<Plans>,
}

impl Places {
    /// What the row names.
    fn find(&self, row: &Confirmation) -> std::result::Result<Confirmed, Problem> {
        let extra = self.plans.now().extra.iter().find(|extra| extra.title == row.what);
        let (kind, extra) = match (extra, DutyKind::read(&row.what)) {
            (Some(extra), _) => (DutyKind::Extra, Some(extra.code.as_str())),
            (None, Some(kind)) if kind.is_confirmed() => (kind, None),
            (None, Some(kind)) => {
                let text = format!("「{kind}」由记录自动认定，不能手工确认");
                return Err(Problem::new(About::Duty, text));
            }
            (None, None) => {
                let text = format!("没有「{}」这项任务；应为：{}", row.what, DutyKind::choices());
                return Err(Problem::new(About::Duty, text));
            }
        };
        if kind == DutyKind::Report
            && let Some(Department { staff_id, area_id }) = self.answers_for(&row.area)
        {
            return Ok(Confirmed {
                key: confirmed_key(kind, staff_id, None),
                kind,
                area_id: area_id.clone(),
                of: row.area.clone(),
                by: row.by.clone(),
            });
        }
        let area_id = match kind {
            // Of what is an area's own, by either name.
            DutyKind::Report => match self.tree.find_part(&row.area) {
                Ok((area, _)) => Ok(area.id.clone()),
                Err(text) => Err(self.nor_a_unit(&Problem::new(About::Area, text))),
            },
            _ => area_of(&self.tree, &row.area),
        }?;
        let of = self.tree.get(&area_id).map(|area| area.name.clone()).unwrap_or_default();
        let key = confirmed_key(kind, &area_id, extra);
        Ok(Confirmed { key, kind, area_id, of, by: row.by.clone() })
    }

    /// Who answers for a unit, or for all of several that are one person's (城建办、民政办).
    fn answers_for(&self, units: &str) -> Option<&Department> {
        let mut found = units_of(units).map(|unit| self.departments.get(unit));
        let first = found.next()??;
        found.all(|other| other == Some(first)).then_some(first)
    }

    fn nor_a_unit(&self, problem: &Problem) -> Problem {
        let mut units: Vec<&str> = self.departments.keys().map(String::as_str).collect();
        units.sort_unstable();
        let text = match units.is_empty() {
            true => format!("{}；人员表里也没有镇直部门", problem.text),
            false => format!("{}；镇直部门填工作单位：{}", problem.text, units.join("、")),
        };
        Problem::new(About::Area, text)
    }
}

async fn decide(session: &mut Session, rows: &[Confirmation]) -> Result<Decided> {
    let places = Places {
        tree: session.area_tree().await?,
        departments: session.departments().await?,
        plans: session.plans(),
    };
    let named = |row| places.find(row);
    let named: Vec<std::result::Result<Confirmed, Problem>> = rows.iter().map(named).collect();
    let keys: Vec<&str> =
        named.iter().filter_map(|one| one.as_ref().ok()).map(|one| one.key.as_str()).collect();
    let standing: HashMap<String, Standing> = session
        .duties_of_keys(&keys)
        .await?
        .into_iter()
        .map(|duty| (duty.key.clone(), duty))
        .collect();
    let doers = Doers::read(session).await?;
    let stands = |one: Confirmed, row: &Confirmation| match standing.get(&one.key) {
        None => {
            let text = format!("「{}」没有「{}」这项任务", one.of, row.what);
            Err(Problem::new(About::Duty, text))
        }
        Some(duty) if duty.state == DutyState::Open => {
            by_whom_it_may(&doers, &one, duty).map(|()| Some(one))
        }
        Some(_) => Ok(None),
    };
    Ok(named.into_iter().zip(rows).map(|(one, row)| stands(one?, row)).collect())
}
