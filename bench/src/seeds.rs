//! Records with what is owed, made once: each round works on a copy.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;
use zoufang::db::Store;

use crate::engine::{DESCRIPTION, context, settings, township};
use crate::support;

const FILE: &str = "seed.db";
/// Rows carried over at once.
const ROWS: usize = 1_000;

pub struct Seeds {
    folder: TempDir,
    /// Nothing where there is no PostgreSQL.
    postgres: Option<String>,
    copies: AtomicUsize,
}

impl Seeds {
    /// A township's record, with so many `issues` owed to the platform; the same on each database.
    pub async fn make(issues: usize) -> anyhow::Result<Seeds> {
        let folder = tempfile::tempdir()?;
        let lane = settings("http://127.0.0.1", DESCRIPTION, folder.path())?.platform.name;
        let sqlite = format!("sqlite://{}", folder.path().join(FILE).display());
        township(&sqlite, &lane, issues).await?.close().await;
        let postgres = support::postgres::database().await;
        if let Some(postgres) = &postgres {
            let store = Store::open(postgres, context(&lane)?).await?;
            carry_over(&sqlite, postgres).await?;
            store.analyze().await?;
            store.close().await;
        }
        Ok(Seeds { folder, postgres, copies: AtomicUsize::new(0) })
    }

    /// The address of a copy in `folder`.
    pub fn on_sqlite(&self, folder: &Path) -> anyhow::Result<String> {
        let copy = folder.join("bench.db");
        std::fs::copy(self.folder.path().join(FILE), &copy)?;
        Ok(format!("sqlite://{}", copy.display()))
    }

    /// The address of a copy; nothing where there is no PostgreSQL.
    pub async fn on_postgres(&self) -> anyhow::Result<Option<String>> {
        let Some(seed) = &self.postgres else { return Ok(None) };
        let (server, name) = seed.rsplit_once('/').context("an address without a database")?;
        let copy = format!("{name}_{}", self.copies.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await?;
        let create = format!("CREATE DATABASE {copy} TEMPLATE {name}");
        connection.execute(sqlx::AssertSqlSafe(create)).await?;
        connection.close().await?;
        Ok(Some(format!("{server}/{copy}")))
    }
}

const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations'";
/// A table's columns, as the members of an object.
const MEMBERS: &str =
    "SELECT group_concat(quote(name) || ', ' || name, ', ') FROM pragma_table_info($1)";

/// Makes the record at `postgres` the same as the one at `sqlite`, which costs less than importing it once more.
async fn carry_over(sqlite: &str, postgres: &str) -> anyhow::Result<()> {
    let mut from = SqliteConnection::connect(sqlite).await?;
    let mut to = PgConnection::connect(postgres).await?;
    // Tables come in any order: what they refer to may come later.
    to.execute("SET session_replication_role = replica").await?;
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut from).await?;
    for table in tables {
        let members: String = sqlx::query_scalar(MEMBERS).bind(&table).fetch_one(&mut from).await?;
        let read = format!(
            "SELECT json_group_array(json_object({members})) FROM {table} GROUP BY rowid / {ROWS}"
        );
        let write = format!(
            "INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, CAST($1 AS json))"
        );
        to.execute(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).await?;
        let batches: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(read)).fetch_all(&mut from).await?;
        for batch in batches {
            sqlx::query(sqlx::AssertSqlSafe(write.clone())).bind(batch).execute(&mut to).await?;
        }
    }
    Ok(())
}
