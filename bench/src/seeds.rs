//! Records with what is owed, made once: each round works on a copy.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;

use crate::engine::{DESCRIPTION, settings, township};
use crate::support;

const FILE: &str = "seed.db";

pub struct Seeds {
    folder: TempDir,
    /// Nothing where there is no PostgreSQL.
    postgres: Option<String>,
    copies: AtomicUsize,
}

impl Seeds {
    /// A township's record on each database, with so many `issues` owed to the platform.
    pub async fn make(issues: usize) -> anyhow::Result<Seeds> {
        let folder = tempfile::tempdir()?;
        let lane = settings("http://127.0.0.1", DESCRIPTION, folder.path())?.platform.name;
        let sqlite = format!("sqlite://{}", folder.path().join(FILE).display());
        let postgres = support::postgres::database().await;
        for url in [Some(&sqlite), postgres.as_ref()].into_iter().flatten() {
            township(url, &lane, issues).await?.close().await;
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
