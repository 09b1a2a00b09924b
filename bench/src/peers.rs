//! apalis, a job queue on the same databases at the same durability: each job is one submission.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::{CONCURRENCY, rate};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Submission {
    reference: String,
    text: String,
    area: String,
    resident: String,
}

/// What each job needs.
#[derive(Clone)]
struct Office {
    client: reqwest::Client,
    address: String,
    left: Arc<AtomicUsize>,
}

async fn submit(
    submission: Submission,
    office: Data<Office>,
    worker: WorkerContext,
) -> Result<(), BoxDynError> {
    let request = office.client.post(format!("{}/submit", office.address)).json(&submission);
    request.send().await?.json::<Value>().await?;
    if office.left.fetch_sub(1, Ordering::Relaxed) == 1 {
        worker.stop()?;
    }
    Ok(())
}

fn submissions(issues: usize) -> impl Iterator<Item = Submission> {
    (0..issues).map(|n| Submission {
        reference: format!("B-{n:06}-R1"),
        text: format!("示例问题{n}[B-{n:06}-R1]"),
        area: "370481111200".to_owned(),
        resident: json!("示例").to_string(),
    })
}

fn office(address: &str, issues: usize) -> Office {
    let client = reqwest::Client::new();
    Office { client, address: address.to_owned(), left: Arc::new(AtomicUsize::new(issues)) }
}

/// How often the queue is looked at: it is never empty while it is measured.
const LOOK: Duration = Duration::from_millis(1);

/// Queues the submissions and works them off; both storages have the same methods and no common type.
macro_rules! work_off {
    ($backend:expr, $address:expr, $issues:expr) => {{
        let (mut backend, address, issues) = ($backend, $address, $issues);
        backend
            .push_bulk(submissions(issues).collect())
            .await
            .map_err(|e| anyhow::anyhow!("{e}"))?;
        let worker = WorkerBuilder::new("bench")
            .backend(backend.poll_with_interval(LOOK))
            .data(office(address, issues))
            .concurrency(CONCURRENCY)
            .parallelize(tokio::spawn)
            .build(submit);
        let began = Instant::now();
        worker.run().await?;
        Ok(rate(issues, began))
    }};
}

/// Jobs in a second with SQLite at synchronous=FULL.
pub async fn apalis_sqlite(
    address: &str,
    issues: usize,
    file: &std::path::Path,
) -> anyhow::Result<f64> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await?;
    SqliteStorage::setup(&pool).await?;
    let config = apalis_sqlite::Config::default().queue("bench").batch_size(CONCURRENCY * 2);
    let backend = SqliteStorage::new(&pool).with_config(config);
    work_off!(backend, address, issues)
}

/// Jobs in a second with PostgreSQL.
pub async fn apalis_postgres(address: &str, issues: usize, url: &str) -> anyhow::Result<f64> {
    let pool = PgPoolOptions::new().max_connections(16).connect(url).await?;
    PostgresStorage::setup(&pool).await?;
    let config = apalis_postgres::Config::default().queue("bench").batch_size(CONCURRENCY * 2);
    let backend = PostgresStorage::new(&pool).with_config(config);
    work_off!(backend, address, issues)
}
