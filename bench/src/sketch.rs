//! The least that a queue can do: a table of ready-made payloads, claimed and settled in batches; nothing else is written,
//! looked up, rendered or followed. What the engine takes longer is the price of the record.

use std::path::Path;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::{CONCURRENCY, payload, rate};

/// How many are claimed at once.
const BATCH: i64 = 1_024;

const MAKE: &str = "CREATE TABLE jobs (id INTEGER PRIMARY KEY, payload TEXT NOT NULL, state TEXT NOT NULL, remote_id TEXT);
 CREATE INDEX jobs_ready ON jobs (id) WHERE state = 'ready'";
const QUEUE: &str = "INSERT INTO jobs SELECT key, value, 'ready', NULL FROM json_each($1)";
const CLAIM: &str = "UPDATE jobs SET state = 'leased' WHERE id IN (SELECT id FROM jobs WHERE state = 'ready' ORDER BY id LIMIT $1)
 RETURNING id, payload";
const SETTLE: &str = "UPDATE jobs SET state = 'delivered', remote_id = j.value ->> 1 FROM json_each($1) AS j WHERE jobs.id = j.value ->> 0";

/// Submissions in a second with SQLite at synchronous=FULL.
pub async fn sketch(address: &str, issues: usize, file: &Path) -> anyhow::Result<f64> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    let mut queue = options.connect().await?;
    sqlx::raw_sql(MAKE).execute(&mut queue).await?;
    let payloads: Vec<Value> = (0..issues).map(payload).collect();
    sqlx::query(QUEUE).bind(json!(payloads).to_string()).execute(&mut queue).await?;
    let client = reqwest::Client::new();
    let began = std::time::Instant::now();
    let mut sent = Vec::new();
    loop {
        let claimed = turn(&mut queue, &sent).await?;
        if claimed.is_empty() {
            break;
        }
        let attempts = stream::iter(claimed).map(|(id, payload)| {
            let request = client.post(format!("{address}/submit"));
            let request = request.header("content-type", "application/json").body(payload);
            tokio::spawn(async move {
                let answer: Value = request.send().await?.json().await?;
                Ok::<_, reqwest::Error>((id, answer["id"].as_str().map(str::to_owned)))
            })
        });
        let answers: Vec<_> = attempts.buffer_unordered(CONCURRENCY).collect().await;
        sent = answers.into_iter().map(|answer| Ok(answer??)).collect::<anyhow::Result<_>>()?;
    }
    Ok(rate(issues, began))
}

/// Settles what was sent and claims the next, in one commit.
async fn turn(
    queue: &mut SqliteConnection,
    sent: &[(i64, Option<String>)],
) -> anyhow::Result<Vec<(i64, String)>> {
    let mut tx = queue.begin().await?;
    sqlx::query(SETTLE).bind(json!(sent).to_string()).execute(&mut *tx).await?;
    let claimed = sqlx::query_as(CLAIM).bind(BATCH).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(claimed)
}
