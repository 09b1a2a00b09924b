//! Mediations 矛盾调解 of issues (三(三)): sealed but for their dates.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::personal::{
    MEDIATION_AGREEMENT, MEDIATION_FOLLOWED, MEDIATION_FOLLOWED_BY, MEDIATION_MEDIATOR,
    MEDIATION_PARTIES,
};
use super::sets::Columns;
use super::{Context, Result, Session, Tx, date};
use crate::domain::counted::Thing;

/// A mediation to be added.
#[derive(Debug, Serialize)]
pub struct NewMediationRow {
    pub id: String,
    pub issue_id: String,
    pub mediated_on: String,
    pub mediator_sealed: String,
    pub parties_sealed: String,
    pub agreement_sealed: Option<String>,
    pub follow_up_on: Option<String>,
    pub created_at: i64,
}

/// What was seen at the visit afterwards.
#[derive(Debug, Serialize)]
pub struct FollowedRow {
    pub id: String,
    pub followed_on: String,
    pub followed_by: String,
    /// 1 where the agreement is kept.
    pub kept: i64,
    pub followed_sealed: String,
}

#[derive(Debug, Serialize)]
struct ErasedRow {
    id: String,
    mediator_sealed: String,
    parties_sealed: String,
    agreement_sealed: Option<String>,
    followed_sealed: Option<String>,
}

/// A mediation as it stands.
#[derive(Debug, Clone, Deserialize)]
pub struct MediationRow {
    pub id: String,
    pub issue_id: String,
    pub subject_id: String,
    pub mediated_on: String,
    mediator_sealed: String,
    parties_sealed: String,
    agreement_sealed: Option<String>,
    follow_up_on: Option<String>,
    pub followed_on: Option<String>,
    pub kept: Option<i64>,
    followed_sealed: Option<String>,
    followed_by: Option<String>,
}

/// A mediation, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediationLine {
    pub mediator: String,
    pub parties: String,
    pub agreement: Option<String>,
    pub followed: Option<String>,
}

const COLUMNS: [&str; 12] = [
    "id",
    "issue_id",
    "subject_id",
    "mediated_on",
    "mediator_sealed",
    "parties_sealed",
    "agreement_sealed",
    "follow_up_on",
    "followed_on",
    "kept",
    "followed_sealed",
    "followed_by",
];

const ROWS: &str =
    "SELECT m.id, m.issue_id, i.subject_id, m.mediated_on, m.mediator_sealed, m.parties_sealed,
   m.agreement_sealed, m.follow_up_on, m.followed_on, m.kept, m.followed_sealed, m.followed_by
 FROM mediations m JOIN issues i ON i.id = m.issue_id";

impl MediationRow {
    pub fn follow_up_on(&self) -> Result<Option<Date>> {
        let on = self.follow_up_on.as_deref();
        on.map(|on| date("mediations.follow_up_on", on)).transpose()
    }

    /// Whether it's still to be seen if the agreement is kept.
    pub fn is_open(&self) -> bool {
        self.follow_up_on.is_some() && self.followed_on.is_none()
    }

    /// Whether they agreed on something.
    pub fn is_agreed(&self) -> bool {
        self.agreement_sealed.is_some()
    }

    /// Who saw to it afterwards, as they sign.
    pub fn followed_by(&self, context: &Context) -> Result<Option<String>> {
        context.open_optional(MEDIATION_FOLLOWED_BY, &self.id, self.followed_by.clone())
    }

    /// Who was heard and what they agreed on.
    pub fn open(&self, context: &Context) -> Result<MediationLine> {
        let id = self.id.as_str();
        Ok(MediationLine {
            mediator: context.open(MEDIATION_MEDIATOR, id, &self.mediator_sealed)?,
            parties: context.open(MEDIATION_PARTIES, id, &self.parties_sealed)?,
            agreement: context.open_optional(
                MEDIATION_AGREEMENT,
                id,
                self.agreement_sealed.clone(),
            )?,
            followed: context.open_optional(
                MEDIATION_FOLLOWED,
                id,
                self.followed_sealed.clone(),
            )?,
        })
    }
}

impl Session {
    /// The mediations of these subjects' issues.
    pub async fn mediations_of(&mut self, subjects: &[&str]) -> Result<Vec<MediationRow>> {
        let query = format!("{ROWS} WHERE i.subject_id {} ORDER BY m.id", self.dialect.among());
        self.read_set(&COLUMNS, &query, subjects, &[]).await
    }

    /// The mediations of these issues.
    pub async fn mediations_of_issues(&mut self, issues: &[&str]) -> Result<Vec<MediationRow>> {
        let query = format!(
            "{ROWS} WHERE m.issue_id {} ORDER BY m.issue_id, m.mediated_on",
            self.dialect.among()
        );
        self.read_set(&COLUMNS, &query, issues, &[]).await
    }

    /// All mediations since a date, with their issues' numbers.
    pub async fn mediations_since(&mut self, day: Date) -> Result<Vec<(String, MediationRow)>> {
        #[derive(Deserialize)]
        struct Numbered {
            number: String,
            #[serde(flatten)]
            row: MediationRow,
        }
        let columns = [&COLUMNS[..], &["number"]].concat();
        let query = format!(
            "{} WHERE m.mediated_on >= $1 ORDER BY i.number, m.mediated_on",
            ROWS.replacen("SELECT ", "SELECT i.number, ", 1)
        );
        let rows: Vec<Numbered> =
            self.read_rows(&columns, &query, &[day.to_string().into()]).await?;
        Ok(rows.into_iter().map(|row| (row.number, row.row)).collect())
    }
}

impl Tx {
    /// Adds mediations.
    pub async fn add_mediations(&mut self, rows: &[NewMediationRow]) -> Result<()> {
        self.retally(Thing::Issue, rows.iter().map(|row| row.issue_id.as_str())).await?;
        let texts = [
            "id",
            "issue_id",
            "mediated_on",
            "mediator_sealed",
            "parties_sealed",
            "agreement_sealed",
            "follow_up_on",
        ];
        let columns = Columns { texts: &texts, numbers: &["created_at"] };
        self.insert_set("mediations", &columns, rows).await
    }

    /// Puts `instead` in the place of who was heard, what they agreed on and what came of it. How many mediations.
    pub(super) async fn erase_mediations(
        &mut self,
        issues: &[&str],
        instead: &str,
    ) -> Result<usize> {
        let context = self.shared_context();
        let row = |row: MediationRow| {
            let (id, sealed) = (row.id.as_str(), |place| context.seal(place, &row.id, instead));
            Ok(ErasedRow {
                mediator_sealed: sealed(MEDIATION_MEDIATOR)?,
                parties_sealed: sealed(MEDIATION_PARTIES)?,
                agreement_sealed: row
                    .agreement_sealed
                    .as_ref()
                    .map(|_| sealed(MEDIATION_AGREEMENT))
                    .transpose()?,
                followed_sealed: row
                    .followed_sealed
                    .as_ref()
                    .map(|_| sealed(MEDIATION_FOLLOWED))
                    .transpose()?,
                id: id.to_owned(),
            })
        };
        let rows = self.mediations_of_issues(issues).await?;
        let rows = rows.into_iter().map(row).collect::<Result<Vec<_>>>()?;
        let texts =
            ["id", "mediator_sealed", "parties_sealed", "agreement_sealed", "followed_sealed"];
        self.update_set("mediations", &Columns { texts: &texts, numbers: &[] }, &rows).await?;
        Ok(rows.len())
    }

    /// Notes what was seen afterwards.
    pub async fn put_followed(&mut self, rows: &[FollowedRow]) -> Result<()> {
        let texts = ["id", "followed_on", "followed_by", "followed_sealed"];
        self.update_set("mediations", &Columns { texts: &texts, numbers: &["kept"] }, rows).await
    }
}
