//! A copy of a record in a SQLite file of its own, whichever database it's in: all of it as it stood at one instant, read in a
//! transaction that can only read. A rehearsal plays on it.

use std::str::FromStr;

use futures_util::TryStreamExt;
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};

use super::connect::dialect_of;
use super::{Dialect, Result, Store, StoreError, to_json};

/// How many rows are handed on at once.
const AT_ONCE: usize = 1_000;

impl Store {
    /// Copies the record at `from` into the SQLite file at `to`, which isn't there yet. What `from` points to isn't changed, not
    /// even brought up to date: the copy is of the same version.
    ///
    /// # Errors
    /// Where there is no record at `from`, it was made by a newer program, or the copy can't be written.
    pub async fn copy(from: &str, to: &str) -> Result<()> {
        sqlx::any::install_default_drivers();
        let dialect = dialect_of(from)?;
        let mut source = AnyConnection::connect_with(&reading(from, dialect)?).await?;
        let begin = match dialect {
            Dialect::Sqlite => "BEGIN",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        sqlx::raw_sql(begin).execute(&mut source).await?;
        let version = version(&mut source, dialect).await?;
        Store::migrate(to, version).await?;
        let mut copy = AnyConnection::connect(to).await?;
        // All of it comes or nothing does, and what refers to what comes in any order.
        sqlx::raw_sql("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; BEGIN")
            .execute(&mut copy)
            .await?;
        for table in tables(&mut copy).await? {
            let columns = columns(&mut copy, &table).await?;
            copy_table(&mut source, dialect, &mut copy, &table, &columns).await?;
        }
        sqlx::raw_sql("COMMIT").execute(&mut copy).await?;
        copy.close().await?;
        sqlx::raw_sql("ROLLBACK").execute(&mut source).await?;
        source.close().await?;
        Ok(())
    }
}

/// A connection that can't write.
fn reading(url: &str, dialect: Dialect) -> Result<AnyConnectOptions> {
    let url = match dialect {
        Dialect::Sqlite => format!("{}?mode=ro", url.split('?').next().unwrap_or(url)),
        Dialect::Postgres => url.to_owned(),
    };
    Ok(AnyConnectOptions::from_str(&url)?)
}

/// The version of the record's schema that a SQLite file can have too.
async fn version(source: &mut AnyConnection, dialect: Dialect) -> Result<i64> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
        .fetch_one(&mut *source)
        .await?;
    match newest {
        Some(newest) if newest > super::migrations::newest(dialect) => {
            Err(StoreError::NewerDatabase(newest))
        }
        Some(newest) => Ok(newest),
        None => Err(StoreError::Rule("数据库里还什么都没有".to_owned())),
    }
}

async fn tables(copy: &mut AnyConnection) -> Result<Vec<String>> {
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
       AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name";
    Ok(sqlx::query_scalar(tables).fetch_all(copy).await?)
}

async fn columns(copy: &mut AnyConnection, table: &str) -> Result<Vec<String>> {
    let columns = sqlx::query_scalar("SELECT name FROM pragma_table_info($1) ORDER BY cid");
    Ok(columns.bind(table.to_owned()).fetch_all(copy).await?)
}

/// All rows of a table, some at a time, each as a JSON object.
async fn copy_table(
    source: &mut AnyConnection,
    dialect: Dialect,
    copy: &mut AnyConnection,
    table: &str,
    columns: &[String],
) -> Result<()> {
    let quoted: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    let quoted = quoted.join(", ");
    let read = match dialect {
        Dialect::Sqlite => {
            let member = |name: &String| format!("'{name}', \"{name}\"");
            let members: Vec<String> = columns.iter().map(member).collect();
            format!("SELECT json_object({}) FROM {table}", members.join(", "))
        }
        Dialect::Postgres => {
            format!("SELECT CAST(row_to_json(j) AS TEXT) FROM (SELECT {quoted} FROM {table}) AS j")
        }
    };
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    // Each value comes out of its JSON as what it is there, a text or a number.
    let source_of = Dialect::Sqlite.rows(&names, &[]);
    let write =
        format!("INSERT INTO {table} ({quoted}) SELECT {quoted} FROM {source_of} AS j WHERE true");
    // What a new record begins with gives way to what was there.
    sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *copy).await?;
    let mut rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(read)).fetch(source);
    let mut some: Vec<Box<serde_json::value::RawValue>> = Vec::new();
    loop {
        let row = rows.try_next().await?;
        let is_last = row.is_none();
        if let Some(row) = row {
            let row = serde_json::value::RawValue::from_string(row);
            some.push(
                row.map_err(|error| StoreError::Corrupt {
                    what: "json",
                    value: error.to_string(),
                })?,
            );
        }
        if some.len() >= AT_ONCE || is_last && !some.is_empty() {
            sqlx::query(AssertSqlSafe(write.clone()))
                .bind(to_json(&some)?)
                .execute(&mut *copy)
                .await?;
            some.clear();
        }
        if is_last {
            return Ok(());
        }
    }
}
