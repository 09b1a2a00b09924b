//! Why the record can't do what was asked, and what a change did.

use crate::domain::issue::Refusal;
use crate::seal::SealError;

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
    Lock { file: String, why: &'static str },
    #[error(
        "密钥与数据库不符：数据库里的个人信息是用另一把密钥（指纹 {expected}）加密的，现在这把的指纹是 {found}。请把另存的那一份放到 privacy.key_file 写的位置；数据没有改动"
    )]
    WrongKey { expected: String, found: String },
    #[error("数据库刚才从较早的备份恢复过：先标出可能已经送出的，再接着发送")]
    Older,
    #[error("最近一次写数据库时，本机的时钟比现在快：要先把按那时安排的时间拨回来")]
    Ahead {
        /// By how many milliseconds.
        by: i64,
    },
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Rule(String),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("数据库里的「{what}」看不懂：{value}")]
    Corrupt { what: &'static str, value: String },
}

impl StoreError {
    /// There is no issue of this number.
    pub(in crate::db) fn no_issue(number: &str) -> StoreError {
        StoreError::Rule(format!("没有编号「{number}」的问题：请照导出的问题清单核对编号"))
    }

    /// That JSON can't be understood, and where. Not what stands there: it may be somebody's words.
    pub(crate) fn of_json(what: &'static str, error: &serde_json::Error) -> StoreError {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        StoreError::Corrupt { what, value: format!("{kind:?} {line}:{column}") }
    }

    /// As logs have it: what is wrong, without anything that stands in the record.
    pub fn for_log(&self) -> String {
        match self {
            StoreError::Database(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                format!("database {code} {}", error.constraint().unwrap_or_default())
                    .trim()
                    .to_owned()
            }
            StoreError::Database(sqlx::Error::Io(error)) => format!("io {:?}", error.kind()),
            StoreError::Database(sqlx::Error::PoolTimedOut) => "pool_timed_out".to_owned(),
            StoreError::Database(sqlx::Error::PoolClosed) => "pool_closed".to_owned(),
            StoreError::Database(sqlx::Error::RowNotFound) => "row_not_found".to_owned(),
            StoreError::Database(sqlx::Error::Tls(_)) => "tls".to_owned(),
            StoreError::Database(sqlx::Error::Protocol(_)) => "protocol".to_owned(),
            StoreError::Database(_) => "database".to_owned(),
            StoreError::Migrate(_) => "migrate".to_owned(),
            StoreError::NewerDatabase(version) => format!("newer_database {version}"),
            StoreError::Lock { .. } => "lock".to_owned(),
            StoreError::Older => "older".to_owned(),
            StoreError::Ahead { .. } => "ahead".to_owned(),
            StoreError::WrongKey { expected, found } => format!("wrong_key {expected} {found}"),
            StoreError::Refused(_) => "refused".to_owned(),
            StoreError::Rule(_) => "rule".to_owned(),
            StoreError::Seal(_) => "seal".to_owned(),
            StoreError::Corrupt { what, .. } => format!("corrupt {what}"),
        }
    }

    /// Whether it comes of what was read or written, and not of the database's state: trying again will not help, and
    /// leaving that one out will.
    pub fn is_of_the_data(&self) -> bool {
        match self {
            StoreError::Database(sqlx::Error::Database(error)) => {
                let of_the_data = |code: &str| code.len() == 5 && DATA.contains(&&code[..2]);
                !matches!(error.kind(), sqlx::error::ErrorKind::Other)
                    || error.code().is_some_and(|code| of_the_data(&code))
            }
            StoreError::Database(error) => matches!(
                error,
                sqlx::Error::RowNotFound
                    | sqlx::Error::ColumnDecode { .. }
                    | sqlx::Error::Decode(_)
                    | sqlx::Error::Encode(_)
            ),
            StoreError::Refused(_)
            | StoreError::Rule(_)
            | StoreError::Seal(_)
            | StoreError::Corrupt { .. } => true,
            StoreError::Migrate(_)
            | StoreError::Older
            | StoreError::Ahead { .. }
            | StoreError::NewerDatabase(_)
            | StoreError::Lock { .. }
            | StoreError::WrongKey { .. } => false,
        }
    }
}

/// SQLSTATE's classes of what is wrong with a value, and of what contradicts what is there.
const DATA: [&str; 2] = ["22", "23"];

pub(crate) type Result<T, E = StoreError> = std::result::Result<T, E>;

impl From<String> for StoreError {
    /// A rule's own words.
    fn from(rule: String) -> StoreError {
        StoreError::Rule(rule)
    }
}
