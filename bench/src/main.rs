//! Delivery's rate against a bare HTTP client: the same payload, sink and concurrency, turn about in one run, with
//! the record durable (SQLite at synchronous=FULL, or PostgreSQL at ZOUFANG_BENCH_POSTGRES).
//!
//! `cargo run --release -p zoufang-bench [ISSUES]`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::routing::post;
use axum::{Json, Router};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::{load_campaign, load_workdays, platform};
use zoufang::intake::import;
use zoufang::outbox::{Lane, LaneRules, OnUnknown};
use zoufang::referral::ReferralCarrier;
use zoufang::seal::Sealer;
use zoufang::settings::Settings;
use zoufang::store::{Store, Surroundings};

const CONCURRENCY: usize = 64;
const ROUNDS: usize = 3;

const AREAS: &str = "区划名称,区划类型,区划代码,上级区划\n柴胡店镇,镇,370481111000,\n高桥村,村,370481111200,370481111000\n";
const STAFF: &str = "人员编号,姓名,角色,所属区划\nZ1,示例走访人,走访人员,高桥村\n";
const SUBJECTS: &str = "对象编号,对象类型,对象名称,所属村\nH1,家庭,示例户,高桥村\n";
const ASSIGNMENTS: &str = "对象编号,走访人员\nH1,Z1\n";
const VISITS: &str = "走访日期,走访人员,对象编号,群众姓名,反映问题,有无问题,责任层级,类别,轻重缓急";

const DESCRIPTION: &str = r#"
name = "sink"
[submit]
method = "POST"
path = "/submit"
body = '{"reference": {{ reference | tojson }}, "text": {{ (text ~ mark) | tojson }}, "area": {{ area_code | tojson }}, "resident": {{ resident | tojson }}}'
[submit.answer]
id = "/id"
[categories]
other = "other"
[statuses]
new = "received"
"#;

/// Answers each submission with a number after `latency`.
async fn sink(latency: Duration) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let next = Arc::new(AtomicUsize::new(0));
    let router = Router::new().route(
        "/submit",
        post(move |Json(_): Json<Value>| {
            let id = next.fetch_add(1, Ordering::Relaxed);
            async move {
                if !latency.is_zero() {
                    tokio::time::sleep(latency).await;
                }
                Json(json!({ "id": id.to_string() }))
            }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Submissions in a second by reqwest alone.
async fn bare(address: &str, issues: usize) -> anyhow::Result<f64> {
    let client = reqwest::Client::new();
    let began = Instant::now();
    let sent = stream::iter(0..issues).map(|n| {
        let body = json!({"reference": format!("B-{n:06}-R1"), "text": format!("示例问题{n}[B-{n:06}-R1]"),
            "area": "370481111200", "resident": "示例"});
        let request = client.post(format!("{address}/submit")).json(&body);
        tokio::spawn(async move { request.send().await?.json::<Value>().await })
    });
    let answers: Vec<_> = sent.buffer_unordered(CONCURRENCY).collect().await;
    for answer in answers {
        answer??;
    }
    Ok(rate(issues, began))
}

/// Referrals in a second by the engine: from owed in the record to referred in the record.
async fn engine(address: &str, issues: usize, url: &str) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir()?;
    let url = url.replace("{dir}", &dir.path().display().to_string());
    let file = dir.path().join("sink.toml");
    std::fs::write(&file, DESCRIPTION)?;
    let text = format!(
        "[platform]\nadapter = 'rest'\nendpoint = '{address}'\nfile = '{}'",
        file.display()
    );
    let settings = Settings::from_text(&text, "bench")?;
    let around = Surroundings {
        clock: Clock::system(),
        chance: Chance::system(),
        sealer: Sealer::new(&[7; 32]),
        campaign: load_campaign("".as_ref())?,
        workdays: load_workdays("".as_ref())?,
        platform_lane: settings.platform.name.clone(),
        review_within: None,
        messages: false,
        close_needs_answer: false,
        platform_statuses: std::collections::BTreeMap::new(),
    };
    let store = Store::open(&url, around).await?;
    let lines: String = (0..issues)
        .map(|n| format!("\n2022-03-01,Z1,H1,示例{n},示例问题{n},有,市直,其他,急"))
        .collect();
    let visits = format!("{VISITS}{lines}\n");
    for table in [AREAS, STAFF, SUBJECTS, ASSIGNMENTS, &visits] {
        import(&store, "bench.csv", table.as_bytes(), false, &|_, _| {}).await?;
    }
    let around = store.around();
    let sink = platform(&settings, &around.clock, &around.chance)?.context("no platform")?;
    let carrier = Arc::new(ReferralCarrier::new(around.clock.clone(), sink, Duration::ZERO));
    let rules = LaneRules {
        concurrency: CONCURRENCY,
        lease: Duration::from_secs(120),
        settle_after: Duration::from_secs(300),
        retry_first: Duration::from_secs(5),
        retry_cap: Duration::from_secs(60),
        rate_per_minute: None,
        breaker_failures: 5,
        breaker_pause: Duration::from_secs(30),
        on_unknown: OnUnknown::Hold,
    };
    let lane =
        Lane::new(&settings.platform.name, store.clone(), carrier, rules, CancellationToken::new());
    let began = Instant::now();
    Arc::new(lane).drain().await?;
    let rate = rate(issues, began);
    let referred = store.platform_debts().await?.iter().filter(|(_, id)| id.is_some()).count();
    anyhow::ensure!(referred == issues, "{referred} of {issues} were referred");
    store.close().await;
    Ok(rate)
}

fn rate(count: usize, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let issues: usize = std::env::args().nth(1).map_or(Ok(2000), |n| n.parse())?;
    let mut engines = vec![("SQLite, FULL", "sqlite://{dir}/bench.db".to_owned())];
    // An empty database: each run takes one round.
    if let Ok(url) = std::env::var("ZOUFANG_BENCH_POSTGRES") {
        engines.push(("PostgreSQL", url));
    }
    println!(
        "{issues} referrals, concurrency {CONCURRENCY}, median of {ROUNDS} rounds, turn about"
    );
    println!("| latency | engine | bare/s | engine/s | ratio |\n|---|---|---|---|---|");
    for latency in [0, 10, 100] {
        let address = sink(Duration::from_millis(latency)).await?;
        for (name, url) in &engines {
            let rounds = if url.starts_with("sqlite") { ROUNDS } else { 1 };
            let (mut plain, mut ours) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                plain.push(bare(&address, issues).await?);
                ours.push(engine(&address, issues, url).await?);
            }
            let (plain, ours) = (median(plain), median(ours));
            println!("| {latency} ms | {name} | {plain:.0} | {ours:.0} | {:.2} |", ours / plain);
        }
    }
    Ok(())
}
