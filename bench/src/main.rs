//! Delivery's rate against a bare HTTP client and against job queues: the same payload, sink and concurrency, turn about
//! in one run, with the record durable (SQLite at synchronous=FULL, PostgreSQL with fsync). Then the cost of following
//! what is open, and of a county's reminders; imports against inserting the same rows bare; a workbook read against openpyxl, and one that is handed in against its writer alone; pages while import and delivery
//! run; and the databases' drivers.
//!
//! `cargo run --release -p zoufang-bench [deliver|poll|county|intake|pages|papers|read|rows] [NUMBER] [LATENCY ...]`, a latency as `10ms`.

#![allow(clippy::disallowed_methods, reason = "what is measured is real time")]

mod county;
mod engine;
mod intake;
mod pages;
mod papers;
#[cfg(feature = "peers")]
mod peers;
mod polling;
mod program;
mod reading;
mod rows;
mod seeds;
mod sink;
mod sketch;
mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use engine::engine;
#[cfg(feature = "peers")]
use peers::{apalis_postgres, apalis_sqlite};
use seeds::Seeds;
use sink::sink;
use sketch::sketch;

const CONCURRENCY: usize = 64;
const ROUNDS: usize = 3;

/// What is submitted.
fn payload(n: usize) -> Value {
    json!({"reference": format!("B-{n:06}-R1"), "text": format!("示例问题{n}[B-{n:06}-R1]"),
        "area": "370481111200", "resident": "示例"})
}

/// Submissions in a second by reqwest alone.
async fn bare(address: &str, issues: usize) -> anyhow::Result<f64> {
    let client = reqwest::Client::new();
    let began = Instant::now();
    let sent = stream::iter(0..issues).map(|n| {
        let request = client.post(format!("{address}/submit")).json(&payload(n));
        tokio::spawn(async move { request.send().await?.json::<Value>().await })
    });
    let answers: Vec<_> = sent.buffer_unordered(CONCURRENCY).collect().await;
    for answer in answers {
        answer??;
    }
    Ok(rate(issues, began))
}

fn rate(count: usize, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Who delivers.
#[derive(Clone, Copy)]
enum Who {
    Bare,
    EngineSqlite,
    EnginePostgres,
    Sketch,
    #[cfg(feature = "peers")]
    ApalisSqlite,
    #[cfg(feature = "peers")]
    ApalisPostgres,
}

impl Who {
    const ALL: &[(Who, &str)] = &[
        (Who::Bare, "reqwest alone"),
        (Who::EngineSqlite, "zoufang, SQLite FULL"),
        (Who::EnginePostgres, "zoufang, PostgreSQL"),
        (Who::Sketch, "a queue and nothing else, SQLite FULL"),
        #[cfg(feature = "peers")]
        (Who::ApalisSqlite, "apalis, SQLite FULL"),
        #[cfg(feature = "peers")]
        (Who::ApalisPostgres, "apalis, PostgreSQL"),
    ];

    /// Submissions in a second; nothing where there is no PostgreSQL.
    async fn deliver(
        self,
        address: &str,
        issues: usize,
        seeds: &Seeds,
    ) -> anyhow::Result<Option<f64>> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path();
        Ok(match self {
            Who::Bare => Some(bare(address, issues).await?),
            Who::EngineSqlite => {
                Some(engine(address, issues, &seeds.on_sqlite(folder)?, folder).await?)
            }
            Who::Sketch => Some(sketch(address, issues, &folder.join("bench.db")).await?),
            #[cfg(feature = "peers")]
            Who::ApalisSqlite => {
                Some(apalis_sqlite(address, issues, &folder.join("bench.db")).await?)
            }
            Who::EnginePostgres => match seeds.on_postgres().await? {
                Some(url) => Some(engine(address, issues, &url, folder).await?),
                None => None,
            },
            #[cfg(feature = "peers")]
            Who::ApalisPostgres => match support::postgres::database().await {
                Some(url) => Some(apalis_postgres(address, issues, &url).await?),
                None => None,
            },
        })
    }
}

async fn deliver(issues: usize, latencies: &[u64]) -> anyhow::Result<()> {
    println!(
        "{issues} submissions, concurrency {CONCURRENCY}, median of {ROUNDS} rounds, turn about\n"
    );
    let seeds = Seeds::make(issues).await?;
    println!("| latency | who | per second | ratio to reqwest alone |\n|---|---|---|---|");
    for latency in latencies {
        let address = sink(Duration::from_millis(*latency)).await?;
        let mut rates = vec![Vec::new(); Who::ALL.len()];
        for _ in 0..ROUNDS {
            for ((who, _), rates) in Who::ALL.iter().zip(&mut rates) {
                rates.extend(who.deliver(&address, issues, &seeds).await?);
            }
        }
        let alone = median(rates[0].clone());
        for ((_, name), rates) in Who::ALL.iter().zip(rates) {
            if !rates.is_empty() {
                let rate = median(rates);
                println!("| {latency} ms | {name} | {rate:.0} | {:.2} |", rate / alone);
            }
        }
    }
    Ok(())
}

/// What there is to measure; those of the first list where none is named.
const USUAL: [&str; 3] = ["deliver", "poll", "county"];
const MORE: [&str; 5] = ["intake", "pages", "papers", "rows", "read"];

fn main() -> anyhow::Result<ExitCode> {
    if let Some(code) = program::told_to_be_it() {
        return Ok(code);
    }
    // Whoever makes a client before the program does finds the ciphers chosen.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(std::env::args().skip(1).collect()))?;
    Ok(ExitCode::SUCCESS)
}

async fn run(arguments: Vec<String>) -> anyhow::Result<()> {
    if let [first, url, files @ ..] = arguments.as_slice()
        && first == "import-alone"
    {
        return intake::import_alone(url, files).await;
    }
    if let [first, file] = arguments.as_slice()
        && first == "look-alone"
    {
        return reading::look_alone(file).await;
    }
    match arguments.as_slice() {
        [first, record, to] if first == "write-alone" => {
            return papers::write_alone(record, to).await;
        }
        [first, rows, to] if first == "write-bare" => return papers::write_bare(rows.parse()?, to),
        _ => {}
    }
    let named = |what: &str| arguments.iter().any(|argument| argument == what);
    let any = USUAL.iter().chain(&MORE).any(|what| named(what));
    let wants = |what: &str| named(what) || (!any && USUAL.contains(&what));
    let number: Option<usize> = arguments.iter().find_map(|argument| argument.parse().ok());
    if wants("deliver") {
        let named = arguments.iter().filter_map(|a| a.strip_suffix("ms")?.parse().ok());
        let named: Vec<u64> = named.collect();
        let latencies = if named.is_empty() { &[0, 10, 100] } else { named.as_slice() };
        deliver(number.unwrap_or(10_000), latencies).await?;
    }
    if wants("poll") {
        polling::table().await?;
    }
    if wants("county") {
        county::table().await?;
    }
    if wants("intake") {
        intake::table(number.unwrap_or(20_000)).await?;
    }
    if wants("pages") {
        pages::table(number.unwrap_or(20_000)).await?;
    }
    if wants("papers") {
        papers::table(number.unwrap_or(100_000)).await?;
    }
    if wants("read") {
        reading::reading(number.unwrap_or(100_000))?;
    }
    if wants("rows") {
        rows::table().await?;
    }
    Ok(())
}
