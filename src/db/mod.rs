//! The record: all the SQL of the program, one file for each aggregate.
//!
//! Knows `domain` and what it is handed (clock, chance, sealer, the campaign); nothing of files,
//! platforms, channels or pages. A change happens in a [`Tx`]: everything that follows from an
//! event (duties, referrals, outbox rows) is written in the transaction of that event.

/// Reads a row's columns into the fields of the same names; `..field` is read from the same row's columns by itself.
macro_rules! from_row {
    ($row:ident { $(..$flat:ident,)* $($field:ident),* $(,)? }) => {
        impl sqlx::FromRow<'_, sqlx::any::AnyRow> for $row {
            fn from_row(row: &sqlx::any::AnyRow) -> sqlx::Result<$row> {
                use sqlx::Row as _;
                Ok($row {
                    $($flat: sqlx::FromRow::from_row(row)?,)*
                    $($field: row.try_get(stringify!($field))?,)*
                })
            }
        }
    };
}

mod absences;
mod accounts;
mod answers;
mod applied;
mod area_facts;
mod areas;
mod assigned;
mod assignments;
mod audit;
mod beside;
mod breaches;
mod casework;
mod connect;
mod connection;
mod contents;
mod context;
mod controls;
mod copies;
mod copy;
mod counted;
mod derivations;
mod dialect;
mod duties;
mod duty_groups;
mod duty_list;
mod earlier;
mod error;
mod export;
mod figures;
mod files;
mod hand_ins;
mod handoffs;
mod heartbeat;
mod holding_times;
mod imports;
mod in_use;
mod inspections;
mod issue_sheet;
mod issues;
mod jobs;
mod last_tree;
mod late;
mod ledger;
mod links;
mod list_gaps;
mod looked;
mod matters;
mod mediations;
mod memory;
mod messages;
mod migrations;
mod missing;
mod near_numbers;
mod notices;
mod numbers;
mod outbox;
mod outbox_decisions;
mod outbox_named;
mod outbox_oldest;
mod papers;
pub mod personal;
mod photos;
mod plans;
mod platform_notes;
mod played;
mod polls;
mod pooler;
mod projection;
mod put_back;
mod queues;
mod rates;
mod reader;
mod recount;
mod referral_lines;
mod referrals;
mod reminders;
mod resealed;
mod resident_words;
mod residents;
mod revisits;
mod screens;
mod second;
mod session;
mod sets;
mod staff;
mod subjects;
mod submissions;
mod tallies;
mod timeline;
mod tokens;
mod updates;
mod uploads;
mod waiting;
mod words;
mod writer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use jiff::Timestamp;
use jiff::civil::Date;

pub use absences::{DeadAddress, NewAbsence};
pub use accounts::{Account, AccountLine, Invitation, Manner, SignIn};
pub use area_facts::ConfirmedBy;
pub use assigned::Assigned;
pub use assignments::{AreaHolds, NewAssignment};
pub use audit::{Act, AuditEntry, AuditFilter, AuditVerdict};
pub use beside::IssueBeside;
pub use breaches::{Breach, NewBreach};
pub use casework::{
    EventRow, IssueProjection, IssueRow, NewIssueRow, NewResident, NewSubjectRow, NewVisitRow,
    ResidentChange, ResidentRow, SubjectChange, SubjectEnding, SubjectKeys, SubjectPlace,
    VisitCounts,
};
pub use contents::{Content, Dispatch};
pub use context::{ChannelReach, Context, Form};
pub use copies::{Frozen, Original, database_file, sqlite_url};
pub use derivations::{Derivation, Reason};
pub use dialect::Dialect;
pub use duty_list::DutyLine;
pub(crate) use error::Result;
pub use error::{StoreError, Upsert};
pub use export::{
    AbsenceOut, AssignmentOut, EndedOut, HeardOut, Page, QuietOut, ResidentOut, SubjectOut,
    VisitOut,
};
pub use figures::{Figures, LaneFigures};
pub use files::KeptFile;
pub use hand_ins::HandIn;
pub use handoffs::{Handoff, Return, Returned};
pub use holding_times::HoldingTime;
pub use imports::{APPLYING, CHECKING, DISCARDING, ImportUnderWay, Imported};
pub use in_use::Alone;
pub use inspections::{
    DrawRow, DrawnSubject, InspectionCheck, InspectionLine, InspectionRow, InspectionStanding,
    NewInspection, VisitedSubject,
};
pub use issue_sheet::{IssueAnswer, IssueReferral, IssueSheet, Sending};
pub use issues::IssueCard;
pub use jobs::{CLOCKS_APART, Ended, JobRun};
pub use ledger::{LedgerRow, ListPlace, Stretch};
pub use links::{LINK_DAYS, Link, LinkEnd, NewLink};
pub use list_gaps::ListGap;
pub use looked::{Looked, Standard, shown_address};
pub use matters::{Household, IssueMatter, Matter, Person};
pub use mediations::{FollowedRow, MediationLine, MediationRow, NewMediationRow};
pub use memory::Restored;
pub use messages::Message;
pub use migrations::{versions, versions_known};
pub use missing::{Missing, Unheard};
pub use notices::{ADDRESS, DIGEST, NewNotice, Notice};
pub use numbers::{NumberOf, place};
pub use outbox_decisions::{Debt, DebtState, Decision};
pub use outbox_named::NamedDebts;
pub use papers::{AnswerLine, IssueLine, MetLine, NoteLine, Span, SpotLine, SubjectLine};
pub use personal::ERASED_KEY;
pub use photos::{LARGEST_PHOTO, Photo, Photographed, media_type};
pub use platform_notes::{PlatformNote, Unasked};
pub use played::{LateDuty, ToldMessage};
pub use polls::OpenReferral;
pub use rates::{AreaFigures, By, FiguresLine, PersonLine};
pub use reader::Snapshot;
pub use recount::FigureDifference;
pub use referral_lines::{EndingWord, ReferralLine};
pub use referrals::NewReferral;
pub use reminders::{Open, Told, ToldGroup};
pub use resident_words::{CardGuesses, ResidentWord};
pub use residents::{AnsweredVisit, ERASED, Erased, FoundResident, ResidentIssue};
pub use revisits::RevisitDue;
pub use screens::Screen;
pub use second::SecondFactor;
pub use session::Session;
pub use staff::{AddressOf, Addresses, KnownStaff, StaffEntry, StaffRow};
pub use subjects::{
    CalledSo, CorrectedIssue, CorrectedVisit, EndedSubject, IssueWords, OpenWords, RenamedResident,
    ResidentWords, SubjectIn, SubjectSheet, SubjectStanding, Unvisited,
};
pub use submissions::Submission;
pub use timeline::{Entry, Timeline, What};
pub use tokens::ProgramToken;
pub use uploads::{Upload, UploadState};
pub use waiting::Said;
pub use words::Word;
pub use writer::{IssueChange, Tx};

pub use crate::domain::delivery::Receipt;

use connection::{Connection, Pool};
use dialect::to_json;
use in_use::InUse;
use last_tree::LastTree;
use writer::Turns;

pub use crate::domain::area::{Area, AreaTree};
use crate::domain::audit::Origin;
use crate::domain::health::Lost;
use crate::domain::issue::Event;
use crate::domain::obligations::Plans;
pub use crate::domain::obligations::Standing;
pub use crate::domain::staff::{Holders, StaffMember};

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    read: Pool,
    /// What pages read through: see [`Store::for_pages`].
    pages: Pool,
    write: Pool,
    turns: Turns,
    dialect: Dialect,
    context: Arc<Context>,
    /// The plans that were applied.
    plans: Arc<RwLock<Arc<Plans>>>,
    contacts: Contacts,
    last_tree: LastTree,
    /// From where it is changed, as the audit says it.
    origin: Arc<Origin>,
    /// A SQLite record is held open beside whoever else has it.
    in_use: Option<Arc<InUse>>,
}

/// When each lane's good contact was last written: another within a second says nothing new.
type Contacts = Arc<Mutex<HashMap<String, i64>>>;

/// Connections that end take no longer, unless their server is gone.
const LONGEST_CLOSE: std::time::Duration = std::time::Duration::from_secs(15);

impl Store {
    /// What the record was handed.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The same, to be kept beside the store.
    pub fn shared_context(&self) -> Arc<Context> {
        Arc::clone(&self.context)
    }

    /// The same record, changed from there.
    #[must_use]
    pub fn coming_from(&self, via: &str) -> Store {
        self.with_origin(Origin { via: via.to_owned(), ..(*self.origin).clone() })
    }

    /// The same record, changed by whoever brought a table, whomever its rows name: that is who did it; by nobody's table where
    /// nobody is named.
    #[must_use]
    pub fn done_by(&self, person: Option<String>) -> Store {
        self.with_origin(Origin { by: person, ..(*self.origin).clone() })
    }

    /// Who brought what it's changed by.
    pub fn brought_by(&self) -> Option<&str> {
        self.origin.by.as_deref()
    }

    /// The same record, changed from there by that user of the system's.
    #[must_use]
    pub fn with_origin(&self, origin: Origin) -> Store {
        Store { origin: Arc::new(origin), ..self.clone() }
    }

    fn session(&self, db: Connection) -> Session {
        Session {
            db,
            now: self.context.clock.millis(),
            dialect: self.dialect,
            context: Arc::clone(&self.context),
            plans: self.plans(),
            areas: None,
            last_tree: self.last_tree.clone(),
            origin: Arc::clone(&self.origin),
        }
    }

    /// Lets PostgreSQL count what the tables hold, after much has come in at once and before it would have noticed.
    /// SQLite is left without counts: it then trusts each index, whereas by yesterday's counts of a small table it
    /// looks through all of what has become a large one. It changes nothing that anybody sees, so nobody's turn waits for it.
    pub async fn analyze(&self) -> Result<()> {
        if self.dialect == Dialect::Postgres {
            sqlx::query("ANALYZE").execute(&self.read).await?;
        }
        Ok(())
    }

    /// Carries what SQLite's log holds into the database, as far as nobody reads it there, while others take their turns;
    /// left to the end of a turn it made a large one twice as long.
    ///
    /// # Errors
    /// Where the database can't be written: the turn that meets it next says so.
    pub async fn checkpoint(&self) -> Result<()> {
        if self.dialect == Dialect::Sqlite {
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&self.read).await?;
        }
        Ok(())
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What was taken away from under it.
    pub fn lost(&self) -> Option<Lost> {
        self.in_use.as_ref().and_then(|held| held.lost())
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.read).await?;
        Ok(())
    }

    /// Ends every connection; on SQLite the write-ahead log is folded in.
    pub async fn close(&self) {
        let closing =
            async { tokio::join!(self.pages.close(), self.read.close(), self.write.close()) };
        // A server that doesn't answer any more isn't waited for.
        let _ = tokio::time::timeout(LONGEST_CLOSE, closing).await;
        if let Some(held) = &self.in_use {
            held.end();
        }
    }
}

/// Understands a stored word, or says which column is corrupt.
fn word<T>(what: &'static str, value: &str, read: fn(&str) -> Option<T>) -> Result<T> {
    read(value).ok_or_else(|| StoreError::Corrupt { what, value: value.to_owned() })
}

impl Context {
    /// Understands what happened to an issue as it's stored.
    fn event(&self, row: &str, body: &str) -> Result<Event> {
        serde_json::from_str(&self.open(personal::EVENT_BODY, row, body)?)
            .map_err(|_| StoreError::Corrupt { what: "issue_events.body", value: row.to_owned() })
    }
}

/// A stored moment.
fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or_default()
}

/// Understands a stored date.
fn date(what: &'static str, value: &str) -> Result<Date> {
    value.parse().map_err(|_| StoreError::Corrupt { what, value: value.to_owned() })
}
