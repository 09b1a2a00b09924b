//! Staff 走访人员 and their roles, and who holds a role over an area.

use std::collections::HashMap;

use sqlx::FromRow;

use super::areas::AreaTree;
use super::{Put, Result, Store, StoreError, Tx, word};
use crate::domain::staff::Role;

/// A person with duties.
#[derive(Debug, Clone)]
pub struct StaffMember {
    pub id: String,
    pub number: String,
    pub name: String,
    pub area_id: String,
    pub unit: String,
    pub roles: Vec<Role>,
}

/// A person as they come in. `number` tells two people of one name apart.
#[derive(Debug, Clone)]
pub struct NewStaff {
    pub number: String,
    pub name: String,
    pub roles: Vec<Role>,
    pub area: String,
    pub unit: String,
    pub phone: Option<String>,
}

#[derive(FromRow)]
struct Row {
    id: String,
    number: String,
    name: String,
    area_id: String,
    unit: String,
    phone_sealed: Option<String>,
}

const ALL: &str = "SELECT id, number, name, area_id, unit, phone_sealed FROM staff ORDER BY number";
const ROLES: &str = "SELECT staff_id, role FROM staff_roles ORDER BY staff_id, role";

fn join(rows: Vec<Row>, roles: Vec<(String, String)>) -> Result<Vec<StaffMember>> {
    let mut by_person: HashMap<String, Vec<Role>> = HashMap::new();
    for (staff_id, role) in roles {
        by_person.entry(staff_id).or_default().push(word("staff_roles.role", &role, Role::read)?);
    }
    let person = |row: Row| StaffMember {
        roles: by_person.remove(&row.id).unwrap_or_default(),
        id: row.id,
        number: row.number,
        name: row.name,
        area_id: row.area_id,
        unit: row.unit,
    };
    Ok(rows.into_iter().map(person).collect())
}

impl Store {
    /// Everyone.
    pub async fn staff(&self) -> Result<Vec<StaffMember>> {
        let rows = sqlx::query_as(ALL).fetch_all(&self.read).await?;
        join(rows, sqlx::query_as(ROLES).fetch_all(&self.read).await?)
    }
}

impl Tx {
    /// Everyone, as this transaction sees them.
    pub async fn staff(&mut self) -> Result<Vec<StaffMember>> {
        let rows = sqlx::query_as(ALL).fetch_all(&mut *self.db).await?;
        join(rows, sqlx::query_as(ROLES).fetch_all(&mut *self.db).await?)
    }

    /// Adds a person, or brings what is known of them up to date.
    pub async fn put_staff(&mut self, new: &NewStaff) -> Result<Put> {
        let area_id = self.area_tree().await?.find(&new.area)?.id.clone();
        let known: Option<Row> = sqlx::query_as(
            "SELECT id, number, name, area_id, unit, phone_sealed FROM staff WHERE number = $1",
        )
        .bind(&new.number)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(known) = known else {
            return self.add_staff(new, &area_id).await;
        };
        if known.name != new.name {
            return Err(StoreError::Rule(format!(
                "编号「{}」已经是「{}」，不能再给「{}」",
                new.number, known.name, new.name
            )));
        }
        let phone = self.around.open_sealed(known.phone_sealed)?;
        let mut changed = known.area_id != area_id || known.unit != new.unit || phone != new.phone;
        if changed {
            let phone = self.around.seal_optional(new.phone.as_deref())?;
            sqlx::query(
                "UPDATE staff SET area_id = $1, unit = $2, phone_sealed = $3 WHERE id = $4",
            )
            .bind(&area_id)
            .bind(&new.unit)
            .bind(phone)
            .bind(&known.id)
            .execute(&mut *self.db)
            .await?;
        }
        changed |= self.put_roles(&known.id, &new.roles).await?;
        Ok(if changed { Put::Changed } else { Put::Same })
    }

    async fn add_staff(&mut self, new: &NewStaff, area_id: &str) -> Result<Put> {
        let id = self.around.id();
        let phone = self.around.seal_optional(new.phone.as_deref())?;
        let now = self.now();
        sqlx::query(
            "INSERT INTO staff (id, number, name, area_id, unit, phone_sealed, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id)
        .bind(&new.number)
        .bind(&new.name)
        .bind(area_id)
        .bind(&new.unit)
        .bind(phone)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        self.put_roles(&id, &new.roles).await?;
        Ok(Put::Added)
    }

    /// Whether any role was new.
    async fn put_roles(&mut self, staff_id: &str, roles: &[Role]) -> Result<bool> {
        let mut added = 0;
        for role in roles {
            added += sqlx::query(
                "INSERT INTO staff_roles (staff_id, role) VALUES ($1, $2) ON CONFLICT (staff_id, role) DO NOTHING",
            )
            .bind(staff_id)
            .bind(role.code())
            .execute(&mut *self.db)
            .await?
            .rows_affected();
        }
        Ok(added > 0)
    }
}

/// Who holds which role where.
#[derive(Debug)]
pub struct Holders {
    staff: HashMap<String, StaffMember>,
    by_place: HashMap<(String, Role), String>,
}

impl Holders {
    /// The first by number holds a role that several have in one area.
    pub fn new(staff: Vec<StaffMember>) -> Holders {
        let mut by_place = HashMap::new();
        for person in &staff {
            for role in &person.roles {
                by_place
                    .entry((person.area_id.clone(), *role))
                    .or_insert_with(|| person.id.clone());
            }
        }
        Holders { staff: staff.into_iter().map(|p| (p.id.clone(), p)).collect(), by_place }
    }

    /// The person of that id.
    pub fn person(&self, id: &str) -> Option<&StaffMember> {
        self.staff.get(id)
    }

    /// Who holds `role` over `area_id`: there, or in the nearest area above it.
    pub fn holder(&self, tree: &AreaTree, role: Role, area_id: &str) -> Option<&StaffMember> {
        tree.upward(area_id)
            .find_map(|area| self.by_place.get(&(area.id.clone(), role)))
            .and_then(|id| self.staff.get(id))
    }
}
