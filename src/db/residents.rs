//! One resident: found by name or number through keyed digests, with all that is kept of them, and erased.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::dialect::Parameter;
use super::personal::{
    ANSWER_BODY, ERASED_KEY, EVENT_BODY, ISSUE_TEXT, RESIDENT_CONTACT, RESIDENT_NAME,
    RESIDENT_UNHEARD, row_of,
};
use super::sets::Columns;
use super::{Context, Result, Session, Store, StoreError, Tx, date, to_json, word};
use crate::domain::visit::Satisfaction;

/// How much of a digest is kept: as much as tells a county's residents apart.
const KEY: usize = 12;
/// What stands in the place of what was erased.
pub const ERASED: &str = "（已删除）";
/// How many residents are indexed in a turn.
const INDEXED_AT_ONCE: i64 = 500;

/// A resident, opened.
#[derive(Clone)]
pub struct FoundResident {
    pub id: String,
    pub subject_id: String,
    /// Its number.
    pub subject: String,
    pub area_id: String,
    pub name: String,
    pub contact: Option<String>,
    pub unheard: Option<String>,
}

impl std::fmt::Debug for FoundResident {
    /// Personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FoundResident").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A revisit at which a resident answered.
#[derive(Debug, Deserialize)]
pub struct AnsweredVisit {
    pub visited_on: String,
    pub staff_id: String,
    satisfaction: String,
    pub face_to_face: i64,
}

impl AnsweredVisit {
    /// What they answered.
    ///
    /// # Errors
    /// Where the record has something else there.
    pub fn answer(&self) -> Result<Satisfaction> {
        word("visits.satisfaction", &self.satisfaction, Satisfaction::read)
    }

    /// The day.
    ///
    /// # Errors
    /// Where the record has something else there.
    pub fn on(&self) -> Result<Date> {
        date("visits.visited_on", &self.visited_on)
    }
}

/// What a resident asked for, opened.
#[derive(Debug, Clone)]
pub struct ResidentIssue {
    pub id: String,
    pub number: String,
    pub state: String,
    pub text: String,
    pub visited_on: String,
}

/// How much of a resident was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Erased {
    pub issues: usize,
    pub events: usize,
    pub answers: usize,
    pub mediations: usize,
    pub photos: u64,
}

#[derive(Deserialize)]
struct ResidentRow {
    id: String,
    subject_id: String,
    subject: String,
    area_id: String,
    name_sealed: String,
    contact_sealed: Option<String>,
    unheard_sealed: Option<String>,
}

const COLUMNS: [&str; 7] =
    ["id", "subject_id", "subject", "area_id", "name_sealed", "contact_sealed", "unheard_sealed"];
const READ: &str =
    "SELECT r.id, r.subject_id, s.number AS subject, s.area_id, r.name_sealed, r.contact_sealed, r.unheard_sealed
   FROM residents r JOIN subjects s ON s.id = r.subject_id";

#[derive(Deserialize)]
struct IssueRow {
    id: String,
    number: String,
    state: String,
    text_sealed: String,
    visited_on: String,
}

#[derive(Deserialize)]
struct IdRow {
    id: String,
}

#[derive(Serialize)]
struct KeyRow {
    id: String,
    name_key: String,
    contact_key: Option<String>,
}

#[derive(Serialize)]
struct TextRow {
    id: String,
    natural_key: String,
    text_sealed: String,
}

#[derive(Serialize)]
struct BodyRow {
    id: String,
    sequence: i64,
    body: String,
}

/// A name as it's looked for: by its characters alone.
fn plain_name(name: &str) -> String {
    name.nfkc().filter(|character| !character.is_whitespace()).collect()
}

/// A number as it's looked for: its digits, without the country's; nothing where there are hardly any.
fn plain_number(contact: &str) -> Option<String> {
    let digits: String = contact.nfkc().filter(char::is_ascii_digit).collect();
    let digits = match digits.strip_prefix("86") {
        Some(national) if national.len() == 11 => national.to_owned(),
        _ => digits,
    };
    (digits.len() >= 7).then_some(digits)
}

impl Context {
    /// By what a resident's name is found.
    pub(crate) fn name_key(&self, name: &str) -> String {
        self.short_key("resident name", &plain_name(name))
    }

    /// By what a resident's number is found.
    pub(crate) fn contact_key(&self, contact: Option<&str>) -> Option<String> {
        Some(self.short_key("resident number", &plain_number(contact?)?))
    }

    fn short_key(&self, of: &str, text: &str) -> String {
        let mut key = self.sealer.index(&[of, text]);
        key.truncate(KEY);
        key
    }
}

impl Session {
    fn found(&self, row: ResidentRow) -> Result<FoundResident> {
        let ResidentRow {
            id,
            subject_id,
            subject,
            area_id,
            name_sealed,
            contact_sealed,
            unheard_sealed,
        } = row;
        let context = &self.context;
        Ok(FoundResident {
            subject_id,
            name: context.open(RESIDENT_NAME, &id, &name_sealed)?,
            contact: context.open_optional(RESIDENT_CONTACT, &id, contact_sealed)?,
            unheard: context.open_optional(RESIDENT_UNHEARD, &id, unheard_sealed)?,
            id,
            subject,
            area_id,
        })
    }

    /// Who is called so, or has this number.
    pub async fn residents_found(&mut self, text: &str) -> Result<Vec<FoundResident>> {
        let name = self.context.name_key(text);
        let number = self.context.contact_key(Some(text)).unwrap_or_default();
        let read =
            format!("{READ} WHERE r.name_key = $1 OR r.contact_key = $2 ORDER BY s.number, r.id");
        let rows: Vec<ResidentRow> =
            self.read_rows(&COLUMNS, &read, &[name.into(), number.as_str().into()]).await?;
        let found = rows.into_iter().map(|row| self.found(row)).collect::<Result<Vec<_>>>()?;
        // A short digest may be another's too.
        let (name, number) = (plain_name(text), plain_number(text));
        let is_meant = |found: &FoundResident| {
            let theirs = found.contact.as_deref().and_then(plain_number);
            plain_name(&found.name) == name || theirs.is_some() && theirs == number
        };
        Ok(found.into_iter().filter(is_meant).collect())
    }

    /// A resident by id.
    ///
    /// # Errors
    /// [`StoreError::Rule`] where there is none.
    pub async fn resident(&mut self, id: &str) -> Result<FoundResident> {
        let rows: Vec<ResidentRow> =
            self.read_rows(&COLUMNS, &format!("{READ} WHERE r.id = $1"), &[id.into()]).await?;
        let none = || {
            StoreError::Rule(format!("没有编号「{id}」的群众，请先用 zoufang resident find 查找"))
        };
        let row = rows.into_iter().next().ok_or_else(none)?;
        self.found(row)
    }

    /// What a resident asked for.
    pub async fn issues_of_resident(&mut self, id: &str) -> Result<Vec<ResidentIssue>> {
        let read = "SELECT i.id, i.number, i.state, i.text_sealed, v.visited_on FROM issues i JOIN visits v ON v.id = i.visit_id
           WHERE i.resident_id = $1 ORDER BY i.number";
        let columns = ["id", "number", "state", "text_sealed", "visited_on"];
        let rows: Vec<IssueRow> = self.read_rows(&columns, read, &[id.into()]).await?;
        let issue = |row: IssueRow| {
            Ok(ResidentIssue {
                text: self.context.open(ISSUE_TEXT, &row.id, &row.text_sealed)?,
                id: row.id,
                number: row.number,
                state: row.state,
                visited_on: row.visited_on,
            })
        };
        rows.into_iter().map(issue).collect()
    }

    /// Residents whom nobody has visited since that day, and of whom nothing is open; at most `limit`. Each with the subject's id.
    pub async fn residents_not_seen_since(
        &mut self,
        day: Date,
        limit: i64,
    ) -> Result<Vec<(String, String)>> {
        let read = "SELECT r.id, r.subject_id FROM residents r WHERE r.name_key <> '' AND EXISTS (SELECT 1 FROM visits v WHERE v.resident_id = r.id)
             AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.resident_id = r.id AND v.visited_on >= $1)
             AND NOT EXISTS (SELECT 1 FROM issues i WHERE i.resident_id = r.id AND i.state NOT IN ('closed', 'void'))
             AND NOT EXISTS (SELECT 1 FROM issues i JOIN mediations m ON m.issue_id = i.id
               WHERE i.resident_id = r.id AND m.follow_up_on IS NOT NULL AND m.followed_on IS NULL)
           LIMIT $2";
        Ok(sqlx::query_as(read).bind(day.to_string()).bind(limit).fetch_all(&mut self.db).await?)
    }

    /// The last revisit at which a resident answered.
    pub async fn last_answer(&mut self, id: &str) -> Result<Option<AnsweredVisit>> {
        let columns = ["visited_on", "staff_id", "satisfaction", "face_to_face"];
        let read = "SELECT visited_on, staff_id, satisfaction, face_to_face FROM visits
             WHERE resident_id = $1 AND kind = 'revisit' AND satisfaction IS NOT NULL ORDER BY visited_on DESC, id DESC LIMIT 1";
        let rows: Vec<AnsweredVisit> =
            self.read_rows(&columns, read, &[Parameter::from(id)]).await?;
        Ok(rows.into_iter().next())
    }

    /// The visits of a resident: day, kind, and what they answered.
    pub async fn visits_of_resident(
        &mut self,
        id: &str,
    ) -> Result<Vec<(String, String, Option<String>)>> {
        let read = "SELECT visited_on, kind, satisfaction FROM visits WHERE resident_id = $1 ORDER BY visited_on, id";
        Ok(sqlx::query_as(read).bind(id.to_owned()).fetch_all(&mut self.db).await?)
    }
}

impl Store {
    /// Indexes residents of whom an earlier version kept no digests.
    pub async fn index_residents(&self) -> Result<()> {
        loop {
            let mut tx = self.begin().await?;
            let read = format!("{READ} WHERE r.name_key IS NULL LIMIT {INDEXED_AT_ONCE}");
            let rows: Vec<ResidentRow> = tx.read_rows(&COLUMNS, &read, &[]).await?;
            if rows.is_empty() {
                return tx.rollback().await;
            }
            let keys = |row: ResidentRow| {
                let found = tx.found(row)?;
                Ok(KeyRow {
                    name_key: tx.context.name_key(&found.name),
                    contact_key: tx.context.contact_key(found.contact.as_deref()),
                    id: found.id,
                })
            };
            let rows = rows.into_iter().map(keys).collect::<Result<Vec<_>>>()?;
            let columns = Columns { texts: &["id", "name_key", "contact_key"], numbers: &[] };
            tx.update_set("residents", &columns, &rows).await?;
            tx.commit().await?;
        }
    }
}

impl Tx {
    /// Erases who a resident is, how they are reached, what they said and what was said to them; that somebody was visited
    /// and asked for something stays.
    pub async fn erase_resident(&mut self, id: &str) -> Result<Erased> {
        let context = self.shared_context();
        sqlx::query(
            "UPDATE residents SET natural_key = $2, name_sealed = $3, contact_sealed = NULL, unheard_sealed = NULL,
               name_key = '', contact_key = NULL WHERE id = $1",
        )
        .bind(id.to_owned())
        .bind(format!("{ERASED_KEY}{id}"))
        .bind(context.seal(RESIDENT_NAME, id, ERASED)?)
        .execute(&mut self.db)
        .await?;
        let issues = self.issues_of_resident(id).await?;
        let ids: Vec<&str> = issues.iter().map(|issue| issue.id.as_str()).collect();
        let text = |id: &&str| {
            Ok(TextRow {
                natural_key: format!("erased {id}"),
                text_sealed: context.seal(ISSUE_TEXT, id, ERASED)?,
                id: (*id).to_owned(),
            })
        };
        let texts = ids.iter().map(text).collect::<Result<Vec<_>>>()?;
        let columns = Columns { texts: &["id", "natural_key", "text_sealed"], numbers: &[] };
        self.update_set("issues", &columns, &texts).await?;
        let events = self.erase_events(&ids).await?;
        let answers = self.erase_answers(&ids).await?;
        let mediations = self.erase_mediations(&ids, ERASED).await?;
        let photos = self.erase_photos(&ids).await?;
        Ok(Erased { issues: ids.len(), events, answers, mediations, photos })
    }

    async fn erase_events(&mut self, issues: &[&str]) -> Result<usize> {
        let context = self.shared_context();
        let said = self.events_of(issues).await?.into_iter().filter_map(|row| {
            let event = row.event()?.with_words(ERASED)?;
            Some((row.issue_id, row.sequence, event))
        });
        let row = |(id, sequence, event): (String, i64, _)| {
            let body = context.seal(EVENT_BODY, &row_of(&id, sequence), &to_json(&event)?)?;
            Ok(BodyRow { id, sequence, body })
        };
        let rows = said.map(row).collect::<Result<Vec<_>>>()?;
        let write = format!(
            "UPDATE issue_events SET body = j.body FROM {} AS j
             WHERE issue_events.issue_id = j.id AND issue_events.sequence = j.sequence",
            self.dialect.rows(&["id", "body"], &["sequence"])
        );
        self.write_set(&write, &rows).await?;
        Ok(rows.len())
    }

    async fn erase_answers(&mut self, issues: &[&str]) -> Result<usize> {
        let context = self.shared_context();
        let read = format!(
            "SELECT DISTINCT u.id FROM referral_updates u JOIN referral_numbers n ON n.lane = u.lane AND n.remote_id = u.remote_id
             JOIN referrals r ON r.id = n.referral_id WHERE TRIM(u.body) <> '' AND r.issue_id {}",
            self.dialect.among()
        );
        let rows: Vec<IdRow> = self.read_set(&["id"], &read, issues, &[]).await?;
        let row = |IdRow { id }: IdRow| {
            let body = context.seal(ANSWER_BODY, &id, ERASED)?;
            Ok(BodyRow { id, sequence: 0, body })
        };
        let rows = rows.into_iter().map(row).collect::<Result<Vec<_>>>()?;
        self.update_set(
            "referral_updates",
            &Columns { texts: &["id", "body"], numbers: &[] },
            &rows,
        )
        .await?;
        Ok(rows.len())
    }

    async fn erase_photos(&mut self, issues: &[&str]) -> Result<u64> {
        let among = self.dialect.among();
        let links = format!(
            "DELETE FROM referral_photos WHERE photo_id IN (SELECT id FROM photos WHERE issue_id {among})"
        );
        let photos = format!("DELETE FROM photos WHERE issue_id {among}");
        let ids = to_json(&issues)?;
        sqlx::query(sqlx::AssertSqlSafe(links)).bind(&ids).execute(&mut self.db).await?;
        let gone =
            sqlx::query(sqlx::AssertSqlSafe(photos)).bind(&ids).execute(&mut self.db).await?;
        Ok(gone.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_digits_and_a_name_its_characters() {
        let number = Some("13800000001".to_owned());
        for written in
            ["13800000001", "138-0000-0001", "+86 138 0000 0001", "１３８０００００００１"]
        {
            assert_eq!(plain_number(written), number, "{written}");
        }
        assert_eq!(plain_number("无"), None);
        assert_eq!(plain_name(" 王 建国"), "王建国");
    }
}
