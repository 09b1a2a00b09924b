//! Staff 走访人员 and their roles, and who holds a role over an area.

use std::collections::HashMap;

use super::{Context, Result, Session, Store, StoreError, Tx, Upsert, word};
use crate::domain::staff::{AddressKind, Role, StaffMember};

/// A person's addresses, opened.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    pub phone: Option<String>,
    pub email: Option<String>,
    pub wecom: Option<String>,
    pub feishu: Option<String>,
}

impl std::fmt::Debug for Addresses {
    /// Personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Addresses").finish_non_exhaustive()
    }
}

/// The same, sealed, as the database holds them.
#[derive(Debug, Clone)]
pub(super) struct SealedAddresses {
    phone_sealed: Option<String>,
    email_sealed: Option<String>,
    wecom_sealed: Option<String>,
    feishu_sealed: Option<String>,
}

from_row!(SealedAddresses { phone_sealed, email_sealed, wecom_sealed, feishu_sealed });

impl SealedAddresses {
    pub(super) fn open(self, context: &Context) -> Result<Addresses> {
        Ok(Addresses {
            phone: context.open_sealed(self.phone_sealed)?,
            email: context.open_sealed(self.email_sealed)?,
            wecom: context.open_sealed(self.wecom_sealed)?,
            feishu: context.open_sealed(self.feishu_sealed)?,
        })
    }

    fn seal(addresses: &Addresses, context: &Context) -> Result<SealedAddresses> {
        Ok(SealedAddresses {
            phone_sealed: context.seal_optional(addresses.phone.as_deref())?,
            email_sealed: context.seal_optional(addresses.email.as_deref())?,
            wecom_sealed: context.seal_optional(addresses.wecom.as_deref())?,
            feishu_sealed: context.seal_optional(addresses.feishu.as_deref())?,
        })
    }

    fn kinds(&self) -> Vec<AddressKind> {
        let all = [
            (AddressKind::Phone, &self.phone_sealed),
            (AddressKind::Email, &self.email_sealed),
            (AddressKind::WeCom, &self.wecom_sealed),
            (AddressKind::Feishu, &self.feishu_sealed),
        ];
        all.into_iter().filter(|(_, sealed)| sealed.is_some()).map(|(kind, _)| kind).collect()
    }
}

/// A person as they come in. `number` tells two people of one name apart.
#[derive(Debug, Clone)]
pub struct NewStaff {
    pub number: String,
    pub name: String,
    pub roles: Vec<Role>,
    pub area: String,
    pub unit: String,
    pub addresses: Addresses,
}

struct Row {
    sealed: SealedAddresses,
    id: String,
    number: String,
    name: String,
    area_id: String,
    unit: String,
    calendar_version: i64,
}

from_row!(Row { ..sealed, id, number, name, area_id, unit, calendar_version });

const ALL: &str = "SELECT id, number, name, area_id, unit, calendar_version, phone_sealed, email_sealed, wecom_sealed, feishu_sealed
   FROM staff ORDER BY number";
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
        addresses: row.sealed.kinds(),
        calendar_version: row.calendar_version,
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

impl Session {
    /// Everyone, as this transaction sees them.
    pub async fn staff(&mut self) -> Result<Vec<StaffMember>> {
        let rows = sqlx::query_as(ALL).fetch_all(&mut *self.db).await?;
        join(rows, sqlx::query_as(ROLES).fetch_all(&mut *self.db).await?)
    }
}

impl Tx {
    /// Adds a person, or brings what is known of them up to date.
    pub async fn put_staff(&mut self, new: &NewStaff) -> Result<Upsert> {
        let area_id = self.area_tree().await?.find(&new.area)?.id.clone();
        let known: Option<Row> = sqlx::query_as(
            "SELECT id, number, name, area_id, unit, calendar_version, phone_sealed, email_sealed, wecom_sealed, feishu_sealed
             FROM staff WHERE number = $1",
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
        let moved = known.sealed.open(&self.context)? != new.addresses;
        let mut changed = known.area_id != area_id || known.unit != new.unit || moved;
        if changed {
            let sealed = SealedAddresses::seal(&new.addresses, &self.context)?;
            sqlx::query(
                "UPDATE staff SET area_id = $1, unit = $2, phone_sealed = $3, email_sealed = $4, wecom_sealed = $5,
                   feishu_sealed = $6 WHERE id = $7",
            )
            .bind(&area_id)
            .bind(&new.unit)
            .bind(sealed.phone_sealed)
            .bind(sealed.email_sealed)
            .bind(sealed.wecom_sealed)
            .bind(sealed.feishu_sealed)
            .bind(&known.id)
            .execute(&mut *self.db)
            .await?;
        }
        if moved {
            self.forget_dead(&known.id).await?;
        }
        changed |= self.put_roles(&known.id, &new.roles).await?;
        Ok(if changed { Upsert::Changed } else { Upsert::Same })
    }

    async fn add_staff(&mut self, new: &NewStaff, area_id: &str) -> Result<Upsert> {
        let id = self.context.id();
        let sealed = SealedAddresses::seal(&new.addresses, &self.context)?;
        let now = self.now();
        sqlx::query(
            "INSERT INTO staff (id, number, name, area_id, unit, phone_sealed, email_sealed, wecom_sealed, feishu_sealed,
               created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&id)
        .bind(&new.number)
        .bind(&new.name)
        .bind(area_id)
        .bind(&new.unit)
        .bind(sealed.phone_sealed)
        .bind(sealed.email_sealed)
        .bind(sealed.wecom_sealed)
        .bind(sealed.feishu_sealed)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        self.put_roles(&id, &new.roles).await?;
        Ok(Upsert::Added)
    }

    /// Gives a person's calendar another address: the one before leads nowhere from now on.
    pub async fn renew_calendar(&mut self, staff_id: &str) -> Result<()> {
        sqlx::query("UPDATE staff SET calendar_version = calendar_version + 1 WHERE id = $1")
            .bind(staff_id)
            .execute(&mut *self.db)
            .await?;
        Ok(())
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
