//! What a database is, found by looking: nothing is made, upgraded or changed, and no key is needed.

use std::path::Path;
use std::str::FromStr;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection};

use super::connect::{dialect_of, sqlite_file};
use super::heartbeat::REHEARSAL;
use super::{Dialect, Result, Store, StoreError};
use crate::clock::LastBeat;

/// How a database stands against this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    /// There is none yet: one will be made.
    Absent,
    /// It has no tables yet.
    Empty,
    Older,
    Same,
}

/// What was seen of a database.
#[derive(Debug, Clone)]
pub struct Looked {
    pub standard: Standard,
    /// The fingerprint of the key that its data was sealed with.
    pub key: Option<String>,
    /// The clock of the rehearsal that last ran over it.
    pub rehearsal: Option<LastBeat>,
}

impl Looked {
    const fn nothing(standard: Standard) -> Looked {
        Looked { standard, key: None, rehearsal: None }
    }
}

impl Store {
    /// Looks at the database at `url`.
    ///
    /// # Errors
    /// Where it can't be reached, where its file's folder isn't there, and [`StoreError::NewerDatabase`].
    pub async fn look(url: &str) -> Result<Looked> {
        sqlx::any::install_default_drivers();
        let dialect = dialect_of(url)?;
        if dialect == Dialect::Sqlite && !is_there(sqlite_file(url))? {
            return Ok(Looked::nothing(Standard::Absent));
        }
        let mut db = AnyConnection::connect_with(&AnyConnectOptions::from_str(url)?).await?;
        let looked = look(&mut db, dialect).await;
        db.close().await?;
        looked
    }
}

/// Whether a database's file is there.
fn is_there(file: &str) -> Result<bool> {
    let file = Path::new(file);
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        return Ok(file.exists());
    }
    Err(StoreError::Rule(format!("目录 {} 不存在，请先建好", folder.display())))
}

/// Whether a table isn't there, by what PostgreSQL (SQLSTATE 42P01) and SQLite say of it.
fn has_no_table(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.code().is_some_and(|code| code == "42P01") || error.message().contains("no such table")
}

async fn look(db: &mut AnyConnection, dialect: Dialect) -> Result<Looked> {
    let newest = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations");
    let newest: Option<i64> = match newest.fetch_one(&mut *db).await {
        Err(error) if has_no_table(&error) => None,
        read => read?,
    };
    let known = super::migrations::newest(dialect);
    let standard = match newest {
        None => return Ok(Looked::nothing(Standard::Empty)),
        Some(newest) if newest > known => return Err(StoreError::NewerDatabase(newest)),
        Some(newest) if newest == known => Standard::Same,
        Some(_) => Standard::Older,
    };
    let meta: Vec<(String, String)> =
        sqlx::query_as("SELECT name, value FROM meta WHERE name IN ('key', $1)")
            .bind(REHEARSAL)
            .fetch_all(&mut *db)
            .await?;
    let of = |name: &str| meta.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let rehearsal = of(REHEARSAL).and_then(|text| serde_json::from_str(text).ok());
    Ok(Looked { standard, key: of("key").cloned(), rehearsal })
}

/// A database's address for people: a file's whole path, a server's without its password.
pub fn shown_address(url: &str) -> String {
    if matches!(dialect_of(url), Ok(Dialect::Sqlite)) {
        let file = sqlite_file(url);
        return std::path::absolute(file)
            .map_or_else(|_| file.to_owned(), |path| path.display().to_string());
    }
    let Some((scheme, rest)) = url.split_once("://") else { return String::new() };
    let rest = rest.split('?').next().unwrap_or(rest);
    match rest.rsplit_once('@') {
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{place}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            (
                "postgres://zoufang:geheim@db.example:5432/town?sslmode=require",
                "postgres://zoufang@db.example:5432/town",
            ),
            ("postgres://db.example/town?password=geheim", "postgres://db.example/town"),
            ("sqlite:///var/lib/zoufang.db?mode=rwc", "/var/lib/zoufang.db"),
        ] {
            assert_eq!(shown_address(url), shown);
        }
    }
}
