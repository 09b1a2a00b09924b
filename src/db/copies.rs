//! Copies of a record, and looking one through: what a backup is made of and held against. Works on a database's address,
//! whatever its version, without a key, and changes nothing but what is said.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection, Executor};

use super::connect::{dialect_of, sqlite_file};
use super::in_use::Alone;
use super::{Dialect, Result, StoreError};
use crate::clock::pause;
use crate::domain::backup::{AuditHead, Contents};

/// A record by its address.
#[derive(Debug)]
pub struct Original {
    db: AnyConnection,
    dialect: Dialect,
    url: String,
}

/// What PostgreSQL shows of one instant to whoever names it, while this is held.
#[derive(Debug)]
pub struct Frozen {
    original: Original,
    /// The name of the instant.
    pub snapshot: String,
    /// The schema in which the tables stand, and the server's version.
    pub schema: String,
    pub version: u32,
    pub contents: Contents,
}

/// The address of a SQLite file.
pub fn sqlite_url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

/// The file of a SQLite record; nothing for a server's.
pub fn database_file(url: &str) -> Option<&str> {
    matches!(dialect_of(url), Ok(Dialect::Sqlite)).then(|| sqlite_file(url))
}

impl Original {
    /// The record at `url`, which is there.
    ///
    /// # Errors
    /// Where it can't be reached.
    pub async fn at(url: &str) -> Result<Original> {
        sqlx::any::install_default_drivers();
        let dialect = dialect_of(url)?;
        let db = AnyConnection::connect_with(&AnyConnectOptions::from_str(url)?).await?;
        Ok(Original { db, dialect, url: url.to_owned() })
    }

    /// Copies it into an empty file, as it stood at one instant, while others write on.
    pub async fn copy_to(&mut self, file: &Path) -> Result<()> {
        let copy = sqlx::query("VACUUM INTO $1").bind(file.display().to_string());
        copy.execute(&mut self.db).await?;
        Ok(())
    }

    /// What it holds, counted.
    pub async fn contents(&mut self) -> Result<Contents> {
        let tables: Vec<String> = sqlx::query_scalar(match self.dialect {
            Dialect::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            }
            Dialect::Postgres => {
                "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()"
            }
        })
        .fetch_all(&mut self.db)
        .await?;
        let mut rows = BTreeMap::new();
        for table in tables {
            let count = format!("SELECT COUNT(*) FROM \"{}\"", table.replace('"', "\"\""));
            let counted = sqlx::query_scalar(sqlx::AssertSqlSafe(count));
            let count: i64 = counted.fetch_one(&mut self.db).await?;
            rows.insert(table, count);
        }
        let schema: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
            .fetch_one(&mut self.db)
            .await?;
        let meta: Vec<(String, String)> =
            sqlx::query_as("SELECT name, value FROM meta WHERE name IN ('record', 'key')")
                .fetch_all(&mut self.db)
                .await?;
        let of = |name: &str| meta.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let head: Option<(i64, String)> =
            sqlx::query_as("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
                .fetch_optional(&mut self.db)
                .await?;
        Ok(Contents {
            schema: schema.unwrap_or(0),
            record: of("record").cloned().unwrap_or_default(),
            key: of("key").cloned().unwrap_or_default(),
            rows,
            audit: head.map(|(sequence, hash)| AuditHead { sequence, hash }),
        })
    }

    /// What is damaged in it, as the database itself says; nothing where all is well. Looked at `deep`, each index is held
    /// against its table too.
    pub async fn damage(&mut self, deep: bool) -> Result<Vec<String>> {
        let found = match self.dialect {
            Dialect::Sqlite => self.damaged_pages(deep).await,
            Dialect::Postgres => self.damaged_indexes(deep).await,
        };
        match found {
            Err(error) if error.is_damage() => Ok(vec![error.to_string()]),
            found => found,
        }
    }

    async fn damaged_pages(&mut self, deep: bool) -> Result<Vec<String>> {
        let look = if deep { "PRAGMA integrity_check(20)" } else { "PRAGMA quick_check(20)" };
        let mut said: Vec<String> = sqlx::query_scalar(look).fetch_all(&mut self.db).await?;
        said.retain(|line| line != "ok");
        Ok(said)
    }

    /// Pages whose checksums were wrong, where the server keeps such; and each index, where amcheck is there.
    async fn damaged_indexes(&mut self, deep: bool) -> Result<Vec<String>> {
        let failures: Option<i64> = sqlx::query_scalar(
            "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()",
        )
        .fetch_optional(&mut self.db)
        .await?
        .flatten();
        let mut found: Vec<String> = failures
            .filter(|failures| *failures > 0)
            .map(|failures| format!("checksum failures: {failures}"))
            .into_iter()
            .collect();
        let amcheck = sqlx::query("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'");
        if !deep || amcheck.fetch_optional(&mut self.db).await?.is_none() {
            return Ok(found);
        }
        let indexes: Vec<String> = sqlx::query_scalar(
            "SELECT CAST(c.oid AS TEXT) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             JOIN pg_am a ON a.oid = c.relam JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE a.amname = 'btree' AND n.nspname = current_schema() AND i.indisready AND i.indisvalid",
        )
        .fetch_all(&mut self.db)
        .await?;
        for index in indexes {
            let look = "SELECT CAST(bt_index_check(CAST(CAST($1 AS TEXT) AS oid)::regclass, true) AS TEXT)";
            match self.db.execute(sqlx::query(look).bind(index)).await.map_err(StoreError::from) {
                Err(error) if error.is_damage() => found.push(error.to_string()),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(found)
    }

    /// Ends it.
    pub async fn close(self) -> Result<()> {
        Ok(self.db.close().await?)
    }

    /// Takes the record for oneself, so that it can be put aside; nothing where somebody has it open.
    pub async fn alone(url: &str) -> Result<Option<Alone>> {
        if let Some(file) = database_file(url) {
            return Alone::with(file);
        }
        let mut own = Original::at(url).await?;
        let mut others = own.others().await?;
        // A connection that was just closed is still listed for a moment.
        for _ in 0..10 {
            if others == 0 {
                break;
            }
            pause(Duration::from_millis(200)).await;
            others = own.others().await?;
        }
        own.close().await?;
        Ok((others == 0).then(Alone::on_a_server))
    }

    /// How many others are connected to a server's record.
    async fn others(&mut self) -> Result<i64> {
        let count = sqlx::query_scalar(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        Ok(count.fetch_one(&mut self.db).await?)
    }

    /// Holds what a server's record is at this instant.
    pub async fn freeze(mut self) -> Result<Frozen> {
        self.db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let snapshot = text(&mut self.db, "SELECT pg_export_snapshot()").await?;
        let schema = text(&mut self.db, "SELECT CAST(current_schema() AS TEXT)").await?;
        let version = self.server_version().await?;
        let contents = self.contents().await?;
        Ok(Frozen { original: self, snapshot, schema, version, contents })
    }

    /// A server's version, such as 17.
    pub async fn server_version(&mut self) -> Result<u32> {
        let version = text(&mut self.db, "SELECT current_setting('server_version_num')").await?;
        Ok(version.parse::<u32>().unwrap_or(0) / 10_000)
    }

    /// The schema in which a server's tables stand.
    pub async fn schema(&mut self) -> Result<String> {
        text(&mut self.db, "SELECT CAST(current_schema() AS TEXT)").await
    }

    /// Moves a server's tables into a schema of its own, out of everybody's way, at once; how that is called, where there
    /// were any tables.
    pub async fn put_aside(&mut self, named: &str) -> Result<Option<String>> {
        let from = self.schema().await?;
        let mut turn = self.db.begin().await?;
        let tables = tables_of(&mut turn, &from).await?;
        if tables.is_empty() {
            turn.rollback().await?;
            return Ok(None);
        }
        let mut into = named.to_owned();
        for n in 2.. {
            let read = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_namespace WHERE nspname = $1";
            let taken = sqlx::query_scalar::<_, i64>(read).bind(into.clone());
            if taken.fetch_one(&mut *turn).await? == 0 {
                break;
            }
            into = format!("{named}_{n}");
        }
        let make = format!("CREATE SCHEMA \"{into}\"");
        turn.execute(sqlx::AssertSqlSafe(make)).await?;
        move_tables(&mut turn, &tables, (&from, &into)).await?;
        turn.commit().await?;
        Ok(Some(into))
    }

    /// Removes what took their place, and brings them back, where some were put aside.
    pub async fn bring_back(&mut self, from: Option<&str>) -> Result<()> {
        let own = self.schema().await?;
        let mut turn = self.db.begin().await?;
        for table in tables_of(&mut turn, &own).await? {
            let drop = format!("DROP TABLE \"{own}\".\"{table}\" CASCADE");
            turn.execute(sqlx::AssertSqlSafe(drop)).await?;
        }
        if let Some(from) = from {
            let tables = tables_of(&mut turn, from).await?;
            move_tables(&mut turn, &tables, (from, &own)).await?;
            let drop = format!("DROP SCHEMA \"{from}\"");
            turn.execute(sqlx::AssertSqlSafe(drop)).await?;
        }
        Ok(turn.commit().await?)
    }

    /// The hash of one entry of the audit, where it's there.
    pub async fn audit_hash(&mut self, sequence: i64) -> Result<Option<String>> {
        let read = sqlx::query_scalar("SELECT hash FROM audit WHERE sequence = $1").bind(sequence);
        Ok(read.fetch_optional(&mut self.db).await?)
    }

    /// Makes a database beside a server's own, for a trial, and gives back its address.
    pub async fn make_scratch(&mut self, name: &str) -> Result<String> {
        let make =
            format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
        self.db.execute(sqlx::AssertSqlSafe(make)).await?;
        Ok(with_database(&self.url, name))
    }

    /// Removes it.
    pub async fn drop_scratch(&mut self, name: &str) -> Result<()> {
        let drop = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
        self.db.execute(sqlx::AssertSqlSafe(drop)).await?;
        Ok(())
    }
}

impl Frozen {
    /// Lets the instant go.
    pub async fn end(mut self) -> Result<()> {
        self.original.db.execute("ROLLBACK").await?;
        self.original.close().await
    }
}

async fn text(db: &mut AnyConnection, query: &'static str) -> Result<String> {
    Ok(sqlx::query_scalar(query).fetch_one(db).await?)
}

async fn tables_of(db: &mut AnyConnection, schema: &str) -> Result<Vec<String>> {
    let read = "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = $1";
    Ok(sqlx::query_scalar(read).bind(schema.to_owned()).fetch_all(db).await?)
}

async fn move_tables(
    turn: &mut AnyConnection,
    tables: &[String],
    (from, to): (&str, &str),
) -> Result<()> {
    for table in tables {
        let move_it = format!("ALTER TABLE \"{from}\".\"{table}\" SET SCHEMA \"{to}\"");
        turn.execute(sqlx::AssertSqlSafe(move_it)).await?;
    }
    Ok(())
}

/// The same server, another of its databases.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(a, q)| (a, Some(q)));
    let server =
        match address.find("://").and_then(|at| address[at + 3..].find('/').map(|s| at + 3 + s)) {
            Some(slash) => &address[..slash],
            None => address,
        };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{server}/{name}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server() {
        for (url, other) in [
            ("postgres://a:b@h:5/town?sslmode=require", "postgres://a:b@h:5/x?sslmode=require"),
            ("postgres://h", "postgres://h/x"),
        ] {
            assert_eq!(with_database(url, "x"), other);
        }
    }
}
