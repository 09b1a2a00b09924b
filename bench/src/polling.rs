//! What it costs to follow what is open: with a feed, in proportion to what changed and not to what is open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::net::TcpListener;
use zoufang::daemon::platform;
use zoufang::platform::poll;

use crate::engine::{settings, township};
use crate::median;

const OPEN: [usize; 3] = [10_000, 100_000, 1_000_000];
const CHANGED: usize = 1_000;
const PAGE: usize = 500;
/// Each changes other referrals.
const ROUNDS: usize = 3;

const DESCRIPTION: &str = r#"
name = "feed"
[submit]
method = "POST"
path = "/submit"
body = '{"reference": {{ reference | tojson }}}'
[submit.answer]
id = "/id"
[changes]
path = "/changes?after={{ cursor | urlencode }}"
next_cursor = "/next"
[changes.answer]
items = "/items"
id = "/id"
status = "/status"
time = "/at"
[categories]
other = "other"
[statuses]
accepted = "accepted"
"#;

#[derive(Clone)]
struct Feed {
    open: usize,
    requests: Arc<AtomicUsize>,
}

#[derive(Deserialize)]
struct After {
    after: String,
}

/// A feed of `ROUNDS` times `CHANGED` changes; each round's are spread over all that is open.
async fn changes(State(feed): State<Feed>, Query(after): Query<After>) -> Json<Value> {
    feed.requests.fetch_add(1, Ordering::Relaxed);
    let from: usize = after.after.parse().unwrap_or(0);
    let round = from / CHANGED;
    let end = (round * CHANGED + CHANGED).min(from + PAGE);
    let item = |n: usize| {
        let place = (n % CHANGED) * (feed.open / CHANGED) + round;
        json!({"id": format!("P{place}"), "status": "accepted", "at": "2022-04-20T02:00:00Z"})
    };
    // A page that ends a round is followed by an empty one, which says: nothing more now.
    let items: Vec<Value> =
        if feed.paused(from) { Vec::new() } else { (from..end).map(item).collect() };
    Json(json!({"items": items, "next": (from + items.len()).to_string()}))
}

impl Feed {
    fn paused(&self, from: usize) -> bool {
        from > 0 && from.is_multiple_of(CHANGED) && self.requests.load(Ordering::Relaxed) > 1
    }
}

/// Makes the one referral that there is into `open` of them, as the platform has them.
async fn multiply(file: &std::path::Path, open: usize) -> anyhow::Result<()> {
    let mut db = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?;
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {})",
        open - 1
    );
    let copies = [
        "INSERT INTO issues (id, number, natural_key, visit_id, resident_id, subject_id, area_id, text_sealed, state,
           round, level, category, urgency, town_finished, platform_finished, due_on, version, created_at, updated_at)
         SELECT 'i' || n.i, 'CHD2022-1' || n.i, 'k' || n.i, visit_id, resident_id, subject_id, area_id,
           text_sealed, 'referred', 1, level, category, urgency, 0, 0, due_on, 3, created_at, updated_at
         FROM n, issues WHERE number = 'CHD2022-000001'",
        "INSERT INTO referrals (id, issue_id, round, lane, reference, state, remote_id, queued_at, delivered_at, poll_at)
         SELECT 'r' || n.i, 'i' || n.i, 1, lane, 'X' || n.i, 'open', 'P' || n.i, queued_at, queued_at, queued_at + 1000000000
         FROM n, referrals WHERE reference = 'CHD2022-000001-R1'",
        "INSERT INTO referral_numbers (lane, remote_id, referral_id, state)
         SELECT lane, 'P' || n.i, 'r' || n.i, 'current' FROM n, referrals WHERE reference = 'CHD2022-000001-R1'",
    ];
    for copy in copies {
        let statement = match copy.split_once(" SELECT ") {
            Some((into, select)) => format!("{into} {numbers} SELECT {select}"),
            None => copy.to_owned(),
        };
        db.execute(sqlx::AssertSqlSafe(statement)).await?;
    }
    db.close().await?;
    Ok(())
}

/// The time that following takes in milliseconds, and the requests, for each round.
async fn follow(open: usize) -> anyhow::Result<(f64, usize)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.db");
    let feed = Feed { open, requests: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/changes", get(changes)).with_state(feed.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = settings(&address, DESCRIPTION, folder.path())?;
    let lane = settings.platform.name.clone();
    let store = township(&format!("sqlite://{}", file.display()), &lane, 1).await?;
    multiply(&file, open).await?;
    let context = store.context();
    let platform = platform(&settings, &context.clock, &context.chance)?.context("no platform")?;
    let (mut times, mut requests) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        feed.requests.store(0, Ordering::Relaxed);
        let began = Instant::now();
        let polled = poll(&store, platform.as_ref(), 50).await?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        anyhow::ensure!(polled.news == CHANGED, "{} of {CHANGED} changes were seen", polled.news);
        requests = feed.requests.load(Ordering::Relaxed);
    }
    store.close().await;
    Ok((median(times), requests))
}

/// The whole table.
pub async fn table() -> anyhow::Result<()> {
    println!(
        "\n{CHANGED} of the open referrals changed, read from a feed {PAGE} at a time, SQLite FULL, median of {ROUNDS} rounds\n"
    );
    println!("| open | time | ratio | requests |\n|---|---|---|---|");
    let mut least = None;
    for open in OPEN {
        let (time, requests) = follow(open).await?;
        let ratio = time / *least.get_or_insert(time);
        println!("| {open} | {time:.0} ms | {ratio:.2} | {requests} |");
    }
    Ok(())
}
