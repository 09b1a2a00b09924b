//! Subjects 走访对象 and the residents 群众 met there.

use super::{Context, Result, Session, StoreError, Tx, Upsert, word};
use crate::domain::mask;
use crate::domain::subject::SubjectKind;

/// A subject as it comes in.
#[derive(Debug, Clone)]
pub struct NewSubject {
    pub number: String,
    pub kind: SubjectKind,
    pub name: String,
    pub area: String,
    pub address: Option<String>,
}

/// Somebody who is registered at a subject.
#[derive(Debug, Clone)]
pub struct Registered {
    pub subject_number: String,
    pub name: String,
    pub contact: Option<String>,
    /// Why they couldn't be heard.
    pub unheard: Option<String>,
}

/// A subject, without what is personal of it.
#[derive(Debug, Clone)]
pub struct SubjectRow {
    pub id: String,
    pub number: String,
    pub kind: SubjectKind,
    pub area_id: String,
    /// Its visitor, once assigned.
    pub staff_id: Option<String>,
}

struct Row {
    id: String,
    number: String,
    kind: String,
    area_id: String,
    staff_id: Option<String>,
}

from_row!(Row { id, number, kind, area_id, staff_id });

impl Row {
    fn read(self) -> Result<SubjectRow> {
        Ok(SubjectRow {
            kind: word("subjects.kind", &self.kind, SubjectKind::read)?,
            id: self.id,
            number: self.number,
            area_id: self.area_id,
            staff_id: self.staff_id,
        })
    }
}

impl Context {
    /// A subject's name as a notice may show it: a household's masked, a shop's or a school's as it hangs over the
    /// door.
    pub(super) fn masked_name(&self, kind: &str, sealed: &str) -> Result<String> {
        let name = self.sealer.open(sealed)?;
        Ok(if kind == SubjectKind::Household.code() { mask::name(&name) } else { name })
    }
}

impl Session {
    /// The subject of that number.
    pub async fn subject(&mut self, number: &str) -> Result<SubjectRow> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT s.id, s.number, s.kind, s.area_id, a.staff_id FROM subjects s
             LEFT JOIN assignments a ON a.subject_id = s.id WHERE s.number = $1",
        )
        .bind(number)
        .fetch_optional(&mut *self.db)
        .await?;
        row.ok_or_else(|| StoreError::Rule(format!("没有编号「{number}」的走访对象")))?.read()
    }
}

impl Tx {
    /// Adds a subject, or brings what is known of it up to date.
    pub async fn put_subject(&mut self, new: &NewSubject) -> Result<Upsert> {
        let area_id = self.area_tree().await?.find(&new.area)?.id.clone();
        let address = new.address.as_deref();
        let content = self.context.sealer.index(&[
            new.kind.code(),
            &area_id,
            &new.name,
            address.unwrap_or_default(),
        ]);
        let known: Option<(String, String)> =
            sqlx::query_as("SELECT id, content_key FROM subjects WHERE number = $1")
                .bind(&new.number)
                .fetch_optional(&mut *self.db)
                .await?;
        if known.as_ref().is_some_and(|(_, key)| *key == content) {
            return Ok(Upsert::Same);
        }
        let name = self.context.seal(&new.name)?;
        let address = self.context.seal_optional(address)?;
        let (id, put) = match known {
            Some((id, _)) => (id, Upsert::Changed),
            None => (self.context.id(), Upsert::Added),
        };
        let now = self.now();
        sqlx::query(
            "INSERT INTO subjects (id, number, kind, area_id, name_sealed, address_sealed, content_key, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, area_id = excluded.area_id,
               name_sealed = excluded.name_sealed, address_sealed = excluded.address_sealed,
               content_key = excluded.content_key",
        )
        .bind(id)
        .bind(&new.number)
        .bind(new.kind.code())
        .bind(&area_id)
        .bind(name)
        .bind(address)
        .bind(content)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(put)
    }

    /// Registers somebody at a subject, and why they couldn't be heard where that is known: a household counts as
    /// visited when everybody registered there was heard, or it's recorded why not.
    pub async fn register_resident(&mut self, new: &Registered) -> Result<Upsert> {
        let subject = self.subject(&new.subject_number).await?;
        let id = self.put_resident(&subject.id, &new.name, new.contact.as_deref()).await?;
        let (registered, unheard): (i64, Option<String>) =
            sqlx::query_as("SELECT registered, unheard_sealed FROM residents WHERE id = $1")
                .bind(&id)
                .fetch_one(&mut *self.db)
                .await?;
        let known = self.context.open_sealed(unheard)?;
        if registered != 0 && known == new.unheard {
            return Ok(Upsert::Same);
        }
        let unheard = self.context.seal_optional(new.unheard.as_deref())?;
        sqlx::query("UPDATE residents SET registered = 1, unheard_sealed = $1 WHERE id = $2")
            .bind(unheard)
            .bind(&id)
            .execute(&mut *self.db)
            .await?;
        self.settle_subject(&subject.id).await?;
        Ok(if registered == 0 { Upsert::Added } else { Upsert::Changed })
    }

    /// The id of a resident met at a subject: known by name there, with the contact as last told.
    pub(super) async fn put_resident(
        &mut self,
        subject_id: &str,
        name: &str,
        contact: Option<&str>,
    ) -> Result<String> {
        let key = self.context.sealer.index(&[subject_id, name]);
        let id = self.context.id();
        let now = self.now();
        let contact = self.context.seal_optional(contact)?;
        let name = self.context.seal(name)?;
        Ok(sqlx::query_scalar(
            "INSERT INTO residents (id, subject_id, natural_key, name_sealed, contact_sealed, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (natural_key) DO UPDATE
               SET contact_sealed = COALESCE(excluded.contact_sealed, residents.contact_sealed)
             RETURNING id",
        )
        .bind(id)
        .bind(subject_id)
        .bind(key)
        .bind(name)
        .bind(contact)
        .bind(now)
        .fetch_one(&mut *self.db)
        .await?)
    }
}
