//! Staff come in, or are put right: the file says which roles a person has, no more and no fewer.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::problem::{About, Outcomes, Problem, all_well};
use super::subjects::area_of;
use crate::db::{Addresses, KnownStaff, Reason, Result, Session, StaffEntry, StaffRow, Tx, Upsert};
use crate::domain::staff::Role;

/// A person as they come in. `number` tells two people of one name apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewStaff {
    pub number: String,
    pub name: String,
    pub roles: Vec<Role>,
    pub area: String,
    pub unit: String,
    pub addresses: Addresses,
}

#[derive(Default)]
struct Decided {
    outcomes: Outcomes,
    added: Vec<StaffRow>,
    changed: Vec<StaffRow>,
    /// Whom every channel may try again.
    reachable: Vec<String>,
    /// The roles of these people, by their ids.
    roles: Vec<(String, Vec<Role>)>,
    /// Somebody else may answer for a department.
    departments: bool,
}

/// What these people would do.
pub async fn check(session: &mut Session, rows: &[NewStaff]) -> Result<Outcomes> {
    Ok(decide(session, rows).await?.outcomes)
}

/// Adds people, or brings what is known of them up to date. Nothing where any is wrong.
pub async fn put(tx: &mut Tx, rows: &[NewStaff]) -> Result<Outcomes> {
    let decided = decide(tx, rows).await?;
    if !all_well(&decided.outcomes) {
        return Ok(decided.outcomes);
    }
    tx.write_staff(&decided.added, &decided.changed).await?;
    tx.set_roles(&decided.roles).await?;
    for person in &decided.reachable {
        tx.forget_dead(person).await?;
    }
    if decided.departments {
        tx.ask_derivation(Reason::Departments).await?;
    }
    Ok(decided.outcomes)
}

async fn decide(session: &mut Session, rows: &[NewStaff]) -> Result<Decided> {
    let tree = session.area_tree().await?;
    let known: HashMap<String, KnownStaff> = session
        .known_staff()
        .await?
        .into_iter()
        .map(|known| (known.person.number.clone(), known))
        .collect();
    let mut decided = Decided::default();
    for row in rows {
        let outcome = match area_of(&tree, &row.area) {
            Err(problem) => Err(problem),
            Ok(area_id) => match known.get(&row.number) {
                Some(known) if known.person.name != row.name => Err(Problem::new(
                    About::Person,
                    format!(
                        "编号「{}」已经是「{}」，不能再给「{}」",
                        row.number, known.person.name, row.name
                    ),
                )),
                Some(known) => Ok(decided.change(session, row, area_id, known)?),
                None => {
                    let id = session.context().id();
                    decided.added.push(row_of(session, row, id.clone(), area_id)?);
                    decided.departments |= row.roles.contains(&Role::Department);
                    decided.roles.push((id, row.roles.clone()));
                    Ok(Upsert::Added)
                }
            },
        };
        decided.outcomes.push(outcome);
    }
    Ok(decided)
}

impl Decided {
    fn change(
        &mut self,
        session: &Session,
        row: &NewStaff,
        area_id: String,
        known: &KnownStaff,
    ) -> Result<Upsert> {
        let person = &known.person;
        let moved = known.addresses != row.addresses;
        let mut changed = person.area_id != area_id || person.unit != row.unit || moved;
        let (mut has, mut wanted) = (person.roles.clone(), row.roles.clone());
        has.sort_unstable();
        wanted.sort_unstable();
        wanted.dedup();
        let department = [&has, &wanted].iter().any(|roles| roles.contains(&Role::Department));
        if changed {
            self.changed.push(row_of(session, row, person.id.clone(), area_id)?);
        }
        if moved {
            self.reachable.push(person.id.clone());
        }
        if has != wanted {
            self.roles.push((person.id.clone(), wanted));
            changed = true;
        }
        self.departments |= department && changed;
        Ok(if changed { Upsert::Changed } else { Upsert::Same })
    }
}

fn row_of(session: &Session, row: &NewStaff, id: String, area_id: String) -> Result<StaffRow> {
    let NewStaff { number, name, unit, addresses, .. } = row;
    session.staff_row(StaffEntry { id, number, name, area_id, unit, addresses })
}
