//! Staff 走访人员 and their roles, and who holds a role over an area.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::personal::{STAFF_EMAIL, STAFF_FEISHU, STAFF_NAME, STAFF_PHONE, STAFF_WECOM};
use super::sets::Columns;
use super::{Context, Result, Session, Store, Tx, to_json, word};
use crate::domain::counted::Thing;
use crate::domain::staff::{AddressKind, Role, StaffMember};

/// A person's addresses, opened.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Those of the person with this id.
    pub(super) fn open(self, id: &str, context: &Context) -> Result<Addresses> {
        Ok(Addresses {
            phone: context.open_optional(STAFF_PHONE, id, self.phone_sealed)?,
            email: context.open_optional(STAFF_EMAIL, id, self.email_sealed)?,
            wecom: context.open_optional(STAFF_WECOM, id, self.wecom_sealed)?,
            feishu: context.open_optional(STAFF_FEISHU, id, self.feishu_sealed)?,
        })
    }

    fn seal(addresses: &Addresses, id: &str, context: &Context) -> Result<SealedAddresses> {
        let Addresses { phone, email, wecom, feishu } = addresses;
        Ok(SealedAddresses {
            phone_sealed: context.seal_optional(STAFF_PHONE, id, phone.as_deref())?,
            email_sealed: context.seal_optional(STAFF_EMAIL, id, email.as_deref())?,
            wecom_sealed: context.seal_optional(STAFF_WECOM, id, wecom.as_deref())?,
            feishu_sealed: context.seal_optional(STAFF_FEISHU, id, feishu.as_deref())?,
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
const ONE: &str = "SELECT id, number, name, area_id, unit, calendar_version, phone_sealed, email_sealed, wecom_sealed, feishu_sealed
   FROM staff WHERE id = $1";
const ROLES_OF_ONE: &str =
    "SELECT staff_id, role FROM staff_roles WHERE staff_id = $1 ORDER BY role";
const ROLES: &str = "SELECT staff_id, role FROM staff_roles ORDER BY staff_id, role";

fn join(
    rows: Vec<Row>,
    roles: Vec<(String, String)>,
    context: &Context,
) -> Result<Vec<StaffMember>> {
    let mut by_person: HashMap<String, Vec<Role>> = HashMap::new();
    for (staff_id, role) in roles {
        by_person.entry(staff_id).or_default().push(word("staff_roles.role", &role, Role::read)?);
    }
    let person = |row: Row| {
        Ok(StaffMember {
            roles: by_person.remove(&row.id).unwrap_or_default(),
            name: context.open(STAFF_NAME, &row.id, &row.name)?,
            id: row.id,
            number: row.number,
            area_id: row.area_id,
            unit: row.unit,
            addresses: row.sealed.kinds(),
            calendar_version: row.calendar_version,
            stood_in_by: None,
        })
    };
    rows.into_iter().map(person).collect()
}

impl Store {
    /// Everyone.
    pub async fn staff(&self) -> Result<Vec<StaffMember>> {
        let rows = sqlx::query_as(ALL).fetch_all(&self.read).await?;
        join(rows, sqlx::query_as(ROLES).fetch_all(&self.read).await?, &self.context)
    }
}

impl Session {
    /// Everyone, as this transaction sees them.
    pub async fn staff(&mut self) -> Result<Vec<StaffMember>> {
        let rows = sqlx::query_as(ALL).fetch_all(&mut self.db).await?;
        join(rows, sqlx::query_as(ROLES).fetch_all(&mut self.db).await?, &self.context)
    }
}

impl Session {
    /// The person of that id, and nobody else.
    pub async fn staff_member(&mut self, id: &str) -> Result<Option<StaffMember>> {
        let row: Option<Row> =
            sqlx::query_as(ONE).bind(id.to_owned()).fetch_optional(&mut self.db).await?;
        let Some(row) = row else { return Ok(None) };
        let roles = sqlx::query_as(ROLES_OF_ONE).bind(id.to_owned());
        let roles = roles.fetch_all(&mut self.db).await?;
        Ok(join(vec![row], roles, &self.context)?.pop())
    }

    /// The person of that number, however its letters are written, and nobody else.
    pub async fn staff_numbered(&mut self, number: &str) -> Result<Option<StaffMember>> {
        // As it's written first: two may differ by nothing else, and it's found by an index.
        let mut id = None;
        for same in ["number = $1", "LOWER(number) = LOWER($1)"] {
            if id.is_none() {
                let found = format!("SELECT id FROM staff WHERE {same} ORDER BY number LIMIT 1");
                let found = sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(found));
                id = found.bind(number.to_owned()).fetch_optional(&mut self.db).await?;
            }
        }
        match id {
            Some(id) => self.staff_member(&id).await,
            None => Ok(None),
        }
    }
}

/// That people `t` left: they hold no role any more.
pub(super) const HAVE_LEFT: &str =
    "NOT EXISTS (SELECT 1 FROM staff_roles r WHERE r.staff_id = t.id)";

/// Somebody's address of one kind.
#[derive(Debug)]
pub struct AddressOf {
    pub staff_id: String,
    pub address: String,
    /// Whether they hold no role any more.
    pub left: bool,
}

/// A person with all that is known of them, addresses opened.
#[derive(Debug)]
pub struct KnownStaff {
    pub person: StaffMember,
    pub addresses: Addresses,
}

/// A person's row to be written.
#[derive(Debug, Serialize)]
pub struct StaffRow {
    id: String,
    number: String,
    name: String,
    area_id: String,
    unit: String,
    phone_sealed: Option<String>,
    email_sealed: Option<String>,
    wecom_sealed: Option<String>,
    feishu_sealed: Option<String>,
    created_at: i64,
}

/// What a person's row says of them.
#[derive(Debug)]
pub struct StaffEntry<'e> {
    pub id: String,
    pub number: &'e str,
    pub name: &'e str,
    pub area_id: String,
    pub unit: &'e str,
    pub addresses: &'e Addresses,
}

impl Session {
    /// A person's row, sealed.
    pub fn staff_row(&self, entry: StaffEntry<'_>) -> Result<StaffRow> {
        let sealed = SealedAddresses::seal(entry.addresses, &entry.id, &self.context)?;
        Ok(StaffRow {
            name: self.context.seal(STAFF_NAME, &entry.id, entry.name)?,
            id: entry.id,
            number: entry.number.to_owned(),
            area_id: entry.area_id,
            unit: entry.unit.to_owned(),
            phone_sealed: sealed.phone_sealed,
            email_sealed: sealed.email_sealed,
            wecom_sealed: sealed.wecom_sealed,
            feishu_sealed: sealed.feishu_sealed,
            created_at: self.now,
        })
    }

    /// Who has an address that somebody else has too.
    pub async fn sharing_addresses(&mut self) -> Result<HashSet<String>> {
        let known = self.known_staff().await?;
        let mut by_address: HashMap<&str, Vec<&str>> = HashMap::new();
        for KnownStaff { person, addresses } in &known {
            let Addresses { phone, email, wecom, feishu } = addresses;
            for address in [phone, email, wecom, feishu].into_iter().flatten() {
                by_address.entry(address).or_default().push(&person.id);
            }
        }
        let shared = by_address.into_values().filter(|people| people.len() > 1);
        Ok(shared.flatten().map(str::to_owned).collect())
    }

    /// Everyone's address of one kind; nothing else is opened.
    pub async fn addresses(&mut self, kind: AddressKind) -> Result<Vec<AddressOf>> {
        let (column, field) = match kind {
            AddressKind::Phone => ("phone_sealed", STAFF_PHONE),
            AddressKind::Email => ("email_sealed", STAFF_EMAIL),
            AddressKind::WeCom => ("wecom_sealed", STAFF_WECOM),
            AddressKind::Feishu => ("feishu_sealed", STAFF_FEISHU),
        };
        let all = format!(
            "SELECT t.id, t.{column}, CASE WHEN {HAVE_LEFT} THEN 1 ELSE 0 END
             FROM staff t WHERE t.{column} IS NOT NULL ORDER BY t.number"
        );
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as(sqlx::AssertSqlSafe(all)).fetch_all(&mut self.db).await?;
        let opened = |(staff_id, sealed, left): (String, String, i64)| {
            let address = self.context.open(field, &staff_id, &sealed)?;
            Ok(AddressOf { staff_id, address, left: left != 0 })
        };
        rows.into_iter().map(opened).collect()
    }

    /// Who of these left.
    pub async fn left_among(&mut self, people: &[&str]) -> Result<HashSet<String>> {
        #[derive(Deserialize)]
        struct Left {
            id: String,
        }
        let read =
            format!("SELECT t.id FROM staff t WHERE t.id {} AND {HAVE_LEFT}", self.dialect.among());
        let rows: Vec<Left> = self.read_set(&["id"], &read, people, &[]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Everyone, with their addresses.
    pub async fn known_staff(&mut self) -> Result<Vec<KnownStaff>> {
        let rows: Vec<Row> = sqlx::query_as(ALL).fetch_all(&mut self.db).await?;
        let opened = rows.iter().map(|row| row.sealed.clone().open(&row.id, &self.context));
        let opened = opened.collect::<Result<Vec<_>>>()?;
        let roles = sqlx::query_as(ROLES).fetch_all(&mut self.db).await?;
        let people = join(rows, roles, &self.context)?;
        let known = people.into_iter().zip(opened);
        Ok(known.map(|(person, addresses)| KnownStaff { person, addresses }).collect())
    }
}

const TEXTS: [&str; 9] = [
    "id",
    "number",
    "name",
    "area_id",
    "unit",
    "phone_sealed",
    "email_sealed",
    "wecom_sealed",
    "feishu_sealed",
];

impl Tx {
    /// Adds people, and brings others up to date.
    pub async fn write_staff(&mut self, added: &[StaffRow], changed: &[StaffRow]) -> Result<()> {
        self.retally(Thing::Staff, changed.iter().map(|row| row.id.as_str())).await?;
        added.iter().for_each(|row| self.tally_new(Thing::Staff, &row.id));
        let columns = Columns { texts: &TEXTS, numbers: &["created_at"] };
        self.insert_set("staff", &columns, added).await?;
        self.update_set("staff", &Columns { texts: &TEXTS, numbers: &[] }, changed).await
    }

    /// Makes these the roles of people.
    pub async fn set_roles(&mut self, roles: &[(String, Vec<Role>)]) -> Result<()> {
        #[derive(Serialize)]
        struct RoleRow<'r> {
            staff_id: &'r str,
            role: &'static str,
        }
        let people: Vec<&str> = roles.iter().map(|(person, _)| person.as_str()).collect();
        let clear = format!("DELETE FROM staff_roles WHERE staff_id {}", self.dialect.among());
        sqlx::query(sqlx::AssertSqlSafe(clear))
            .bind(to_json(&people)?)
            .execute(&mut self.db)
            .await?;
        let mut rows: Vec<RoleRow<'_>> = Vec::new();
        for (staff_id, roles) in roles {
            for (at, role) in roles.iter().enumerate() {
                if !roles[..at].contains(role) {
                    rows.push(RoleRow { staff_id, role: role.code() });
                }
            }
        }
        let columns = Columns { texts: &["staff_id", "role"], numbers: &[] };
        self.insert_set("staff_roles", &columns, &rows).await
    }

    /// Gives a person's calendar another address: the one before leads nowhere from now on.
    pub async fn renew_calendar(&mut self, staff_id: &str) -> Result<()> {
        sqlx::query("UPDATE staff SET calendar_version = calendar_version + 1 WHERE id = $1")
            .bind(staff_id)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }
}
