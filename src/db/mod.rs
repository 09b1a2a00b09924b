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
mod areas;
mod assignments;
mod audit;
mod breaches;
mod connect;
mod contents;
mod doctor;
mod duties;
mod duty_groups;
mod duty_list;
mod figures;
mod handoffs;
mod holding_times;
mod imports;
mod issue_duties;
mod issues;
mod jobs;
mod messages;
mod migrations;
mod notices;
mod outbox;
mod outbox_decisions;
mod photos;
mod plans;
mod rates;
mod recompute;
mod referrals;
mod staff;
mod subjects;
mod timeline;
mod updates;
mod visits;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use jiff::civil::Date;
use serde::de::DeserializeOwned;
use sqlx::{Any, AnyPool, Executor, Transaction};

pub use absences::{DeadAddress, NewAbsence};
pub use areas::{Area, AreaTree, NewArea};
pub use audit::AuditEntry;
pub use breaches::{Breach, BreachKind, NewBreach};
pub use contents::{Content, Dispatch};
pub use doctor::Difference;
pub use duties::NewDuty;
pub use duty_groups::{Advance, DueGroup, Reminder, Told, ToldGroup};
pub use duty_list::DutyLine;
pub use figures::{Figures, LaneFigures};
pub use handoffs::{Handoff, Return};
pub use holding_times::Held;
pub use issues::{IssueCard, NewIssue};
pub use jobs::{CLOCKS_APART, JobRun};
pub use messages::Message;
pub use notices::{ADDRESS, DIGEST, NewNotice, Notice};
pub use outbox::{Claim, OutboxEntry, Receipt, Settlement};
pub use outbox_decisions::{Debt, DebtState, Decision};
pub use photos::{LARGEST_PHOTO, Photo, media_type};
pub use plans::PlanChange;
pub use rates::{By, FiguresLine};
pub use referrals::OpenReferral;
pub use staff::{Addresses, Holders, NewStaff, StaffMember};
pub use subjects::{NewSubject, Registered, SubjectRow};
pub use timeline::{Entry, Timeline, What};
pub use visits::{Heard, NewVisit, RevisitDue};

use crate::clock::{Chance, Clock};
use crate::domain::campaign::Campaign;
use crate::domain::issue::Refusal;
use crate::domain::referral::PlatformStatus;
use crate::domain::staff::AddressKind;
use crate::domain::workdays::Workdays;
use crate::seal::{SealError, Sealer};

/// Which database stands behind the same SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// A channel, and whom it reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelReach {
    pub lane: String,
    /// The address without which it can't reach a person.
    pub needs: Option<AddressKind>,
    /// Whether it gets every notice besides, wherever else it goes.
    pub copy: bool,
    /// How long it may be, and whether it may be more than text.
    pub form: Form,
}

/// The form in which a channel takes a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    /// A line, as for a text message.
    Short,
    /// Text, and the same as HTML.
    Mail,
}

/// What the record needs from outside to apply the plan.
#[derive(Debug)]
pub struct Context {
    pub clock: Clock,
    pub chance: Chance,
    pub sealer: Sealer,
    /// The plan as the file has it: in effect once it was applied.
    pub campaign: Campaign,
    pub workdays: Workdays,
    /// The lane to which joint and city issues are owed.
    pub platform_lane: String,
    /// How notices reach people, in order of preference.
    pub channels: Vec<ChannelReach>,
    /// For how long the centre may review what goes there before it goes by itself; `None` where it
    /// goes at once.
    pub review_within: Option<Duration>,
    /// Whether the platform is told what the town does and what residents say.
    pub messages: bool,
    /// Whether the platform gets the photos of what it has.
    pub photos: bool,
    /// What the platform's words mean, in lower case, where people bring them.
    pub platform_statuses: BTreeMap<String, PlatformStatus>,
    /// Whether an issue counts as done on the platform only with a word for the resident.
    pub close_needs_answer: bool,
}

impl Dialect {
    /// Many rows in one statement: a table in brackets of the JSON objects in the list that is its first parameter, with
    /// these members as columns of text and of whole numbers.
    fn rows(self, texts: &[&str], numbers: &[&str]) -> String {
        let typed = texts.iter().map(|name| (name, false));
        let columns = typed.chain(numbers.iter().map(|name| (name, true)));
        let columns: Vec<String> =
            columns.map(|(name, number)| self.member(name, number)).collect();
        let columns = columns.join(", ");
        match self {
            // Both read each object once, where `->>` on text would read it anew for each member.
            Dialect::Sqlite => format!("(SELECT {columns} FROM jsonb_each($1))"),
            Dialect::Postgres => {
                format!("(SELECT * FROM json_to_recordset(CAST($1 AS json)) AS rows ({columns}))")
            }
        }
    }

    fn member(self, name: &str, number: bool) -> String {
        match (self, number) {
            (Dialect::Sqlite, false) => format!("value ->> '{name}' AS \"{name}\""),
            (Dialect::Sqlite, true) => format!("CAST(value ->> '{name}' AS BIGINT) AS \"{name}\""),
            (Dialect::Postgres, false) => format!("\"{name}\" TEXT"),
            (Dialect::Postgres, true) => format!("\"{name}\" BIGINT"),
        }
    }

    /// The condition, after a column's name, that it's one of the texts in the JSON list that is the statement's first
    /// parameter.
    const fn among(self) -> &'static str {
        match self {
            Dialect::Sqlite => "IN (SELECT value FROM json_each($1))",
            // As an array PostgreSQL looks each up by an index; as a query it reads the whole table to join it.
            Dialect::Postgres => {
                "= ANY (ARRAY (SELECT json_array_elements_text(CAST($1 AS json))))"
            }
        }
    }

    /// All rows of a query with these columns as one value: a JSON list of objects, for [`from_json`]. A row of its own
    /// for each costs a hand-over between threads, and its values an allocation each.
    fn as_one(self, columns: &[&str], query: &str) -> String {
        match self {
            Dialect::Sqlite => {
                let member = |name: &&str| format!("'{name}', {name}");
                let members: Vec<String> = columns.iter().map(member).collect();
                format!(
                    "SELECT json_group_array(json_object({})) FROM ({query})",
                    members.join(", ")
                )
            }
            Dialect::Postgres => {
                format!("SELECT CAST(COALESCE(json_agg(j), '[]') AS TEXT) FROM ({query}) AS j")
            }
        }
    }

    /// The rows of a query with these columns, whose one parameter is a JSON list: see [`Dialect::among`].
    async fn read_among<'e, T: DeserializeOwned>(
        self,
        db: impl Executor<'e, Database = Any>,
        columns: &[&str],
        query: &str,
        list: String,
    ) -> Result<Vec<T>> {
        let read = sqlx::AssertSqlSafe(self.as_one(columns, query));
        let rows: String = sqlx::query_scalar(read).bind(list).fetch_one(db).await?;
        from_json(&rows)
    }
}

impl Context {
    /// A new id.
    pub fn id(&self) -> String {
        self.chance.id(self.clock.now())
    }

    fn seal(&self, text: &str) -> Result<String, StoreError> {
        Ok(self.sealer.seal(text, &self.chance)?)
    }

    fn seal_optional(&self, text: Option<&str>) -> Result<Option<String>, StoreError> {
        text.map(|text| self.seal(text)).transpose()
    }

    fn open_sealed(&self, sealed: Option<String>) -> Result<Option<String>, StoreError> {
        sealed.map(|sealed| self.sealer.open(&sealed)).transpose().map_err(StoreError::from)
    }
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    read: AnyPool,
    write: AnyPool,
    dialect: Dialect,
    context: Arc<Context>,
    /// The plan in effect.
    plan: Arc<RwLock<Arc<Campaign>>>,
    contacts: Contacts,
}

/// One transaction that changes the record.
#[derive(Debug)]
pub struct Tx {
    db: Transaction<'static, Any>,
    /// When it began, in milliseconds: all that it changes, changes at once.
    now: i64,
    dialect: Dialect,
    context: Arc<Context>,
    plan: Arc<Campaign>,
    contacts: Contacts,
    areas: Option<Arc<areas::AreaTree>>,
    /// Bundles that this transaction found or made.
    groups: HashMap<duty_groups::GroupKey, String>,
}

/// When each lane's good contact was last written: another within a second says nothing new.
type Contacts = Arc<Mutex<HashMap<String, i64>>>;

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upsert {
    Added,
    Changed,
    Same,
}

/// Why the record can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("数据库出错：{0}")]
    Database(#[from] sqlx::Error),
    #[error("数据库升级失败：{0}")]
    Migrate(String),
    #[error(
        "数据库比程序新（数据库里有本程序不认识的第 {0} 号升级）。请换用新版 zoufang，或恢复升级前的备份；数据没有改动"
    )]
    NewerDatabase(i64),
    #[error("数据库锁文件 {file} 用不了：{why}")]
    Lock { file: String, why: String },
    #[error(
        "密钥与数据库不符：数据库是用另一把密钥（指纹 {expected}）加密的，现在的指纹是 {found}。请检查 privacy.key_file"
    )]
    WrongKey { expected: String, found: String },
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Rule(String),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("数据库里的「{what}」看不懂：{value}")]
    Corrupt { what: &'static str, value: String },
}

pub(crate) type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Begins a transaction of PostgreSQL's that waits for its turn.
const POSTGRES_TURN: &str = "BEGIN; DO $$ BEGIN PERFORM pg_advisory_xact_lock(810311); END $$";

impl Store {
    /// What the record was handed.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Begins a change; changes take turns. On SQLite the write lock is taken at once, so nothing read
    /// can grow stale; on PostgreSQL an advisory lock does the same for all replicas
    /// (docs/decisions/0004).
    pub async fn begin(&self) -> Result<Tx> {
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => POSTGRES_TURN,
        };
        let db = self.write.begin_with(begin).await?;
        Ok(Tx {
            db,
            now: self.context.clock.millis(),
            dialect: self.dialect,
            context: Arc::clone(&self.context),
            plan: self.campaign(),
            contacts: Arc::clone(&self.contacts),
            areas: None,
            groups: HashMap::new(),
        })
    }

    /// Lets PostgreSQL count what the tables hold, after much has come in at once and before it would have noticed.
    /// SQLite is left without counts: it then trusts each index, whereas by yesterday's counts of a small table it
    /// looks through all of what has become a large one.
    pub async fn analyze(&self) -> Result<()> {
        if self.dialect == Dialect::Postgres {
            sqlx::query("ANALYZE").execute(&self.write).await?;
        }
        Ok(())
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.read).await?;
        Ok(())
    }

    /// Ends every connection; on SQLite the write-ahead log is folded in.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

impl Tx {
    /// Keeps what was changed.
    pub async fn commit(self) -> Result<()> {
        Ok(self.db.commit().await?)
    }

    /// Forgets what was changed.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.db.rollback().await?)
    }

    /// What the record was handed.
    pub fn context(&self) -> &Context {
        &self.context
    }

    fn now(&self) -> i64 {
        self.now
    }

    /// The township's date when it began.
    fn today(&self) -> Date {
        self.context.day_of(self.now).unwrap_or(Date::MAX)
    }

    /// The next value of a named counter, from 1.
    async fn next_value(&mut self, counter: &str) -> Result<i64> {
        Ok(sqlx::query_scalar(
            "INSERT INTO counters (name, value) VALUES ($1, 1)
             ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value",
        )
        .bind(counter)
        .fetch_one(&mut *self.db)
        .await?)
    }
}

/// As JSON, which is also how rows are handed to [`Dialect::rows`].
fn to_json(rows: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(rows)
        .map_err(|error| StoreError::Corrupt { what: "json", value: error.to_string() })
}

/// Reads what [`Dialect::as_one`] gives.
fn from_json<T: DeserializeOwned>(rows: &str) -> Result<Vec<T>> {
    serde_json::from_str(rows)
        .map_err(|error| StoreError::Corrupt { what: "json", value: error.to_string() })
}

/// Understands a stored word, or says which column is corrupt.
fn word<T>(what: &'static str, value: &str, read: fn(&str) -> Option<T>) -> Result<T> {
    read(value).ok_or_else(|| StoreError::Corrupt { what, value: value.to_owned() })
}

/// Understands a stored date.
fn date(what: &'static str, value: &str) -> Result<Date> {
    value.parse().map_err(|_| StoreError::Corrupt { what, value: value.to_owned() })
}

/// `(name, count)` rows as a map.
fn counts(rows: Vec<(String, i64)>) -> HashMap<String, i64> {
    rows.into_iter().collect()
}
