//! The subjects that a person visits in this campaign, opened for them, with what is left to do at each.

use serde::Deserialize;

use super::personal::{SUBJECT_ADDRESS, SUBJECT_NAME};
use super::{Result, Session};
use crate::domain::subject::SubjectKind;

/// A subject of a person's.
#[derive(Debug, Clone)]
pub struct Assigned {
    pub number: String,
    pub kind: String,
    pub name: String,
    pub address: String,
    pub area_id: String,
    /// Open there: the first visit, residents to be classified, residents to be visited again.
    pub visits: i64,
    pub unclassified: i64,
    pub revisits: i64,
    /// Since when it isn't to be visited any more.
    pub ended_on: Option<String>,
}

impl Assigned {
    /// Whether anything is left to do there.
    pub const fn is_left(&self) -> bool {
        self.visits + self.unclassified + self.revisits > 0
    }

    /// Whether it's still to be looked after: it's there, or something of it is left.
    pub const fn is_to_be_seen_to(&self) -> bool {
        self.ended_on.is_none() || self.is_left()
    }
}

#[derive(Deserialize)]
struct Row {
    id: String,
    number: String,
    kind: String,
    name_sealed: String,
    address_sealed: Option<String>,
    area_id: String,
    visits: i64,
    unclassified: i64,
    revisits: i64,
    ended_on: Option<String>,
}

const COLUMNS: [&str; 10] = [
    "id",
    "number",
    "kind",
    "name_sealed",
    "address_sealed",
    "area_id",
    "visits",
    "unclassified",
    "revisits",
    "ended_on",
];

impl Session {
    /// The subjects that a person visits, by number: without those that ended before this campaign, unless something is left there.
    pub async fn assigned_to(&mut self, staff_id: &str) -> Result<Vec<Assigned>> {
        let query = "SELECT s.id, s.number, s.kind, s.name_sealed, s.address_sealed, s.area_id, s.ended_on,
               COUNT(CASE WHEN d.kind = 'visit' THEN 1 END) AS visits,
               COUNT(CASE WHEN d.kind = 'classify' THEN 1 END) AS unclassified,
               COUNT(CASE WHEN d.kind = 'revisit' THEN 1 END) AS revisits
             FROM assignments a JOIN subjects s ON s.id = a.subject_id
             LEFT JOIN duties d ON d.subject_id = s.id AND d.state = 'open'
             WHERE a.staff_id = $1
             GROUP BY s.id, s.number, s.kind, s.name_sealed, s.address_sealed, s.area_id, s.ended_on
             HAVING s.ended_on IS NULL OR s.ended_on >= $2 OR COUNT(CASE WHEN d.kind IN ('visit', 'classify', 'revisit') THEN 1 END) > 0
             ORDER BY s.number";
        let start = self.campaign().starts_on().to_string();
        let rows: Vec<Row> =
            self.read_rows(&COLUMNS, query, &[staff_id.into(), start.into()]).await?;
        let context = self.shared_context();
        let open = |row: Row| {
            let kind = SubjectKind::read(&row.kind);
            Ok(Assigned {
                kind: kind.map_or(row.kind, |kind| kind.chinese().to_owned()),
                name: context.open(SUBJECT_NAME, &row.id, &row.name_sealed)?,
                address: context
                    .open_optional(SUBJECT_ADDRESS, &row.id, row.address_sealed)?
                    .unwrap_or_default(),
                number: row.number,
                area_id: row.area_id,
                visits: row.visits,
                unclassified: row.unclassified,
                revisits: row.revisits,
                ended_on: row.ended_on,
            })
        };
        rows.into_iter().map(open).collect()
    }
}
