//! What the platform is owed: read for all that were claimed together, so that each costs a part of a statement.

use std::collections::HashMap;

use serde::Deserialize;

use super::personal::{
    ISSUE_TEXT, RESIDENT_CONTACT, RESIDENT_NAME, STAFF_NAME, SUBJECT_ADDRESS, row_of,
};
use super::{Context, Message, Photo, Result, Store, StoreError, to_json};
use crate::domain::delivery::Entry;
use crate::domain::issue::{Category, Event, Urgency};
use crate::domain::staff::Role;

/// What is sent to the platform.
#[derive(Debug, Clone)]
pub enum Content {
    Referral(Box<Dispatch>),
    Message(Message),
    Photo(Photo),
}

/// What a platform is told of an issue.
#[derive(Debug, Clone)]
pub struct Dispatch {
    pub reference: String,
    pub issue_number: String,
    /// The platform's number of the round before, where there was one.
    pub previous: Option<String>,
    pub category: Category,
    pub urgency: Urgency,
    pub text: String,
    pub resident: String,
    pub contact: Option<String>,
    pub address: Option<String>,
    pub area_code: Option<String>,
    pub area_name: String,
    /// The grid member (网格员) who uploads it, and who passes it on at the centre (镇社会治理综合服务中心).
    pub uploader: Option<String>,
    pub centre: Option<String>,
}

impl Dispatch {
    /// One to try templates on.
    pub fn example() -> Dispatch {
        Dispatch {
            reference: "CHD2022-000001-R1".to_owned(),
            issue_number: "CHD2022-000001".to_owned(),
            previous: Some("1".to_owned()),
            category: Category::Other,
            urgency: Urgency::Normal,
            text: "示例：\"路灯\"不亮\n请修".to_owned(),
            resident: "示例".to_owned(),
            contact: Some("13800000000".to_owned()),
            address: Some("1号".to_owned()),
            area_code: Some("370481111000".to_owned()),
            area_name: "柴胡店镇".to_owned(),
            uploader: Some("示例".to_owned()),
            centre: Some("示例".to_owned()),
        }
    }
}

/// The columns of a [`DispatchRow`].
const DISPATCH: [&str; 18] = [
    "id",
    "issue",
    "resident",
    "subject",
    "reference",
    "previous",
    "number",
    "category",
    "urgency",
    "text_sealed",
    "name_sealed",
    "contact_sealed",
    "address_sealed",
    "area_id",
    "area_code",
    "area_name",
    "supplement",
    "supplemented",
];

#[derive(Deserialize)]
struct DispatchRow {
    id: String,
    issue: String,
    resident: String,
    subject: String,
    reference: String,
    previous: Option<String>,
    number: String,
    category: Option<String>,
    urgency: Option<String>,
    text_sealed: String,
    name_sealed: String,
    contact_sealed: Option<String>,
    address_sealed: Option<String>,
    area_id: String,
    area_code: Option<String>,
    area_name: String,
    /// What was added to it before it went there again, and the sequence of that event.
    supplement: Option<String>,
    supplemented: Option<i64>,
}

/// The names of the people who hold a role over an area.
type Names = HashMap<(String, String), String>;

/// What was asked for, with what was added to it since.
fn supplemented(context: &Context, row: &DispatchRow) -> Result<String> {
    let text = context.open(ISSUE_TEXT, &row.issue, &row.text_sealed)?;
    let (Some(body), Some(sequence)) = (&row.supplement, row.supplemented) else { return Ok(text) };
    Ok(match context.event(&row_of(&row.issue, sequence), body)? {
        Event::Supplemented { text: more } => format!("{text}。补充说明：{more}"),
        _ => text,
    })
}

impl Store {
    /// What each of these entries carries to the platform, by the entry's target.
    pub async fn contents(&self, entries: &[Entry]) -> Result<HashMap<String, Content>> {
        let of_kind = |kind: &str| -> Vec<&str> {
            let those = entries.iter().filter(|entry| entry.kind == kind);
            those.map(|entry| entry.target_id.as_str()).collect()
        };
        let mut contents = HashMap::new();
        for (id, dispatch) in self.dispatches(&of_kind("referral")).await? {
            contents.insert(id, Content::Referral(Box::new(dispatch)));
        }
        for (id, message) in self.messages(&of_kind("message")).await? {
            contents.insert(id, Content::Message(message));
        }
        for photo in self.photos(&of_kind("photo")).await? {
            contents.insert(photo.id.clone(), Content::Photo(photo));
        }
        Ok(contents)
    }

    /// By which each of these referrals is known, and the words that were sent of it.
    pub async fn sent_words(&self, referrals: &[&str]) -> Result<Vec<(String, String)>> {
        let dispatches = self.dispatches(referrals).await?;
        Ok(dispatches.into_iter().map(|(_, sent)| (sent.reference, sent.text)).collect())
    }

    pub(super) async fn dispatches(&self, ids: &[&str]) -> Result<Vec<(String, Dispatch)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let read = format!(
            "SELECT r.id, i.id AS issue, p.id AS resident, s.id AS subject, r.reference, CASE WHEN r.round > 1 THEN
                 (SELECT b.remote_id FROM referrals b WHERE b.issue_id = r.issue_id
                   AND b.round < r.round AND b.remote_id IS NOT NULL ORDER BY b.round DESC LIMIT 1) END AS previous,
               i.number, i.category, i.urgency, i.text_sealed, p.name_sealed, p.contact_sealed,
               s.address_sealed, a.id AS area_id, a.code AS area_code, a.name AS area_name,
               e.body AS supplement, e.sequence AS supplemented
             FROM referrals r JOIN issues i ON i.id = r.issue_id JOIN residents p ON p.id = i.resident_id
             JOIN subjects s ON s.id = i.subject_id JOIN areas a ON a.id = i.area_id
             LEFT JOIN issue_events e ON e.issue_id = i.id AND e.sequence = (SELECT MAX(f.sequence) FROM issue_events f
               WHERE f.issue_id = r.issue_id AND f.kind = 'supplemented' AND f.at <= r.queued_at)
             WHERE r.id {}",
            self.dialect.among()
        );
        let rows: Vec<DispatchRow> =
            self.dialect.read(&self.read, &DISPATCH, &read, &[to_json(&ids)?.into()]).await?;
        let mut areas: Vec<&str> = rows.iter().map(|row| row.area_id.as_str()).collect();
        areas.sort_unstable();
        areas.dedup();
        let names = self.names_over(&areas).await?;
        rows.into_iter().map(|row| self.read_dispatch(row, &names)).collect()
    }

    fn read_dispatch(&self, row: DispatchRow, names: &Names) -> Result<(String, Dispatch)> {
        let corrupt = |what| StoreError::Corrupt { what, value: row.number.clone() };
        let context = self.context();
        let text = supplemented(context, &row)?;
        let (category, urgency) = (row.category.as_deref(), row.urgency.as_deref());
        let named = |role: Role| names.get(&(row.area_id.clone(), role.code().to_owned())).cloned();
        let dispatch = Dispatch {
            category: category.and_then(Category::read).ok_or(corrupt("issues.category"))?,
            urgency: urgency.and_then(Urgency::read).ok_or(corrupt("issues.urgency"))?,
            uploader: named(Role::GridMember),
            centre: named(Role::Centre),
            reference: row.reference,
            issue_number: row.number,
            previous: row.previous,
            text,
            resident: context.open(RESIDENT_NAME, &row.resident, &row.name_sealed)?,
            contact: context.open_optional(RESIDENT_CONTACT, &row.resident, row.contact_sealed)?,
            address: context.open_optional(SUBJECT_ADDRESS, &row.subject, row.address_sealed)?,
            area_code: row.area_code,
            area_name: row.area_name,
        };
        Ok((row.id, dispatch))
    }

    /// Who holds each role over these areas, there or in the nearest area above: as
    /// [`super::Holders::holder`] has it, for a few areas without reading all of them.
    async fn names_over(&self, areas: &[&str]) -> Result<Names> {
        let read = format!(
            "WITH RECURSIVE up (lower_id, area_id, parent_id, height) AS (
               SELECT id, id, parent_id, 0 FROM areas WHERE id {}
               UNION ALL
               SELECT up.lower_id, a.id, a.parent_id, height + 1 FROM up JOIN areas a ON a.id = up.parent_id
               WHERE height < 16)
             SELECT up.lower_id, r.role, f.id, f.name FROM up JOIN staff f ON f.area_id = up.area_id
             JOIN staff_roles r ON r.staff_id = f.id WHERE r.role IN ($2, $3) ORDER BY up.height DESC, f.number DESC",
            self.dialect.among()
        );
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(to_json(&areas)?)
            .bind(Role::GridMember.code())
            .bind(Role::Centre.code())
            .fetch_all(&self.read)
            .await?;
        // The nearest comes last and stays.
        let named = |(area, role, id, name): (String, String, String, String)| {
            Ok(((area, role), self.context.open(STAFF_NAME, &id, &name)?))
        };
        rows.into_iter().map(named).collect()
    }
}
