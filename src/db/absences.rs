//! Who is away and who stands in; which addresses are dead; who needn't be told again.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use super::personal::{DEAD_REASON, STAFF_NAME, row_of};
use super::staff::SealedAddresses;
use super::{Addresses, Result, Session, StaffMember, Store, StoreError, Tx, Upsert, date};
use crate::domain::counted::Thing;

/// That a person is away, both days included.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct NewAbsence {
    pub staff_id: String,
    pub from: Date,
    pub until: Date,
    pub deputy_id: Option<String>,
}

/// A person whom a channel can't reach.
#[derive(Debug, Clone)]
pub struct DeadAddress {
    pub staff_number: String,
    pub staff_name: String,
    pub channel: String,
    pub reason: String,
}

struct AddressesOf {
    id: String,
    sealed: SealedAddresses,
}

from_row!(AddressesOf { ..sealed, id });

struct DeadRow {
    id: String,
    dead: DeadAddress,
}

from_row!(DeadAddress { staff_number, staff_name, channel, reason });
from_row!(DeadRow { ..dead, id });

impl Session {
    /// Who is away on `day`, with who stands in.
    pub async fn away_on(&mut self, day: Date) -> Result<HashMap<String, Option<String>>> {
        let rows: Vec<(String, Option<String>)> = sqlx::query_as(
            "SELECT staff_id, deputy_id FROM absences WHERE from_date <= $1 AND until_date >= $1 ORDER BY from_date",
        )
        .bind(day.to_string())
        .fetch_all(&mut self.db)
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// The absences that end on a day or later.
    pub async fn absences_since(&mut self, day: Date) -> Result<Vec<NewAbsence>> {
        let rows: Vec<(String, String, String, Option<String>)> = sqlx::query_as(
            "SELECT staff_id, from_date, until_date, deputy_id FROM absences WHERE until_date >= $1 ORDER BY from_date",
        )
        .bind(day.to_string())
        .fetch_all(&mut self.db)
        .await?;
        let absence =
            |(staff_id, from, until, deputy_id): (String, String, String, Option<String>)| {
                let (from, until) = (date("absences", &from)?, date("absences", &until)?);
                Ok(NewAbsence { staff_id, from, until, deputy_id })
            };
        rows.into_iter().map(absence).collect()
    }

    /// A person's number and name.
    pub async fn staff_called(&mut self, id: &str) -> Result<(String, String)> {
        let (number, name): (String, String) =
            sqlx::query_as("SELECT number, name FROM staff WHERE id = $1")
                .bind(id.to_owned())
                .fetch_one(&mut self.db)
                .await?;
        Ok((number, self.context.open(STAFF_NAME, id, &name)?))
    }

    /// Which person which channel can't reach.
    pub async fn dead_addresses(&mut self) -> Result<HashSet<(String, String)>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT staff_id, channel FROM dead_addresses")
                .fetch_all(&mut self.db)
                .await?;
        Ok(rows.into_iter().collect())
    }
}

impl Tx {
    /// Records an absence; the same first day again changes it.
    pub async fn put_absence(&mut self, new: &NewAbsence) -> Result<Upsert> {
        let known: Option<(String, Option<String>)> = sqlx::query_as(
            "SELECT until_date, deputy_id FROM absences WHERE staff_id = $1 AND from_date = $2",
        )
        .bind(&new.staff_id)
        .bind(new.from.to_string())
        .fetch_optional(&mut self.db)
        .await?;
        let put = match known {
            Some((until, deputy)) if until == new.until.to_string() && deputy == new.deputy_id => {
                return Ok(Upsert::Same);
            }
            Some(_) => Upsert::Changed,
            None => Upsert::Added,
        };
        let (id, now) = (self.context.id(), self.now());
        sqlx::query(
            "INSERT INTO absences (id, staff_id, from_date, until_date, deputy_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (staff_id, from_date) DO UPDATE
               SET until_date = excluded.until_date, deputy_id = excluded.deputy_id",
        )
        .bind(id)
        .bind(&new.staff_id)
        .bind(new.from.to_string())
        .bind(new.until.to_string())
        .bind(&new.deputy_id)
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(put)
    }

    /// A channel says that it can't reach a person.
    pub(super) async fn mark_dead(
        &mut self,
        staff: &str,
        channel: &str,
        reason: &str,
    ) -> Result<()> {
        self.retally(Thing::Staff, [staff]).await?;
        let now = self.now();
        sqlx::query(
            "INSERT INTO dead_addresses (staff_id, channel, since, reason) VALUES ($1, $2, $3, $4)
             ON CONFLICT (staff_id, channel) DO UPDATE SET reason = excluded.reason",
        )
        .bind(staff)
        .bind(channel)
        .bind(now)
        .bind(self.context.seal(DEAD_REASON, &row_of(staff, channel), reason)?)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// A person's addresses were brought up to date: every channel may try again.
    pub(crate) async fn forget_dead(&mut self, staff: &str) -> Result<()> {
        self.retally(Thing::Staff, [staff]).await?;
        sqlx::query("DELETE FROM dead_addresses WHERE staff_id = $1")
            .bind(staff)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Whom channels can't reach, for the operator.
    pub async fn unreachable(&self) -> Result<Vec<DeadAddress>> {
        let rows: Vec<DeadRow> = sqlx::query_as(
            "SELECT s.id, s.number AS staff_number, s.name AS staff_name, d.channel, d.reason
             FROM dead_addresses d JOIN staff s ON s.id = d.staff_id ORDER BY s.number, d.channel",
        )
        .fetch_all(&self.read)
        .await?;
        let opened = |DeadRow { id, dead }: DeadRow| {
            let row = row_of(&id, &dead.channel);
            Ok(DeadAddress {
                staff_name: self.context.open(STAFF_NAME, &id, &dead.staff_name)?,
                reason: self.context.open(DEAD_REASON, &row, &dead.reason)?,
                ..dead
            })
        };
        rows.into_iter().map(opened).collect()
    }

    /// Whom no channel reaches.
    pub async fn without_channel(&self) -> Result<Vec<StaffMember>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT staff_id, channel FROM dead_addresses")
                .fetch_all(&self.read)
                .await?;
        let dead: HashSet<(String, String)> = rows.into_iter().collect();
        let staff = self.staff().await?.into_iter();
        // Who left needn't be reached.
        let here = staff.filter(|person| !person.has_left());
        Ok(here.filter(|person| self.context.routes(person, &dead).is_empty()).collect())
    }

    /// A person's addresses, by their number.
    pub async fn addresses(&self, number: &str) -> Result<Addresses> {
        let sealed: Option<AddressesOf> = sqlx::query_as(
            "SELECT id, phone_sealed, email_sealed, wecom_sealed, feishu_sealed FROM staff WHERE number = $1",
        )
        .bind(number)
        .fetch_optional(&self.read)
        .await?;
        let none = || StoreError::Rule(format!("没有编号「{number}」的走访人员"));
        let AddressesOf { id, sealed } = sealed.ok_or_else(none)?;
        sealed.open(&id, &self.context)
    }
}
