//! What a page takes while import and delivery run, with a small record and with a large one; what one visit and one
//! confirmation cost.

use std::path::Path;
use std::time::{Duration, Instant};

use zoufang::app::choices::{Alike, Choices};
use zoufang::intake::{Incoming, Options, import};

use crate::engine::DESCRIPTION;
use crate::intake::{subjects, township, villages, visits};
use crate::program::Running;
use crate::sink::sink;
use crate::{median, support};

const PAGES: [&str; 4] = ["/", "/status", "/metrics", "/figures?by=village"];
const LATENCY: Duration = Duration::from_millis(10);
/// 50 requests a second.
const EVERY: Duration = Duration::from_millis(20);
const LASTS: Duration = Duration::from_secs(20);
/// Before anything is timed: a service that just started reads everything for the first time.
const WARM: Duration = Duration::from_secs(3);
const SMALL: usize = 1_000;
/// Visits of a file.
const FILE: usize = 50_000;
/// Commands of a kind.
const COMMANDS: usize = 20;

/// A record with so many issues, three to ten households each; every fourth is the city's.
async fn record(url: &str, issues: usize) -> anyhow::Result<()> {
    let store = township(url, "ehushanying").await?;
    let households = (issues * 3 / 10).max(300);
    for from in (0..households).step_by(FILE) {
        for table in subjects(from, FILE.min(households - from)) {
            import(&store, "o.csv", table.as_bytes(), false, &|_, _| {}).await?;
        }
    }
    for (file, from) in (0..issues).step_by(FILE).enumerate() {
        let table = visits(&format!("{file}-"), households, FILE.min(issues - from), 1);
        import(&store, "v.csv", table.as_bytes(), false, &|_, _| {}).await?;
    }
    store.close().await;
    Ok(())
}

/// The median time of a visit with an issue and of a confirmation, in milliseconds.
async fn commands(url: &str) -> anyhow::Result<[f64; 2]> {
    let store = township(url, "ehushanying").await?;
    let (mut a_visit, mut a_confirmation) = (Vec::new(), Vec::new());
    // They are much alike, and each is another matter.
    let choices = Choices { alike: Alike::Another, ..Choices::default() };
    let options = Options { choices, ..Options::default() };
    for n in 0..COMMANDS {
        let table = visits(&format!("单件{n}"), 1, 1, 1);
        let began = Instant::now();
        let incoming = Incoming::look("one.csv", table.into_bytes(), &options).await?;
        incoming.import(&store, &options, &|_, _| {}).await?;
        a_visit.push(began.elapsed().as_secs_f64() * 1000.0);
        let table = format!("任务,所属区划,确认人\n走访材料准备,{},B{n}\n", villages()[n]);
        let began = Instant::now();
        import(&store, "confirm.csv", table.as_bytes(), false, &|_, _| {}).await?;
        a_confirmation.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    store.close().await;
    Ok([median(a_visit), median(a_confirmation)])
}

fn configure(folder: &Path, url: &str, platform: &str) -> anyhow::Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let listen = listener.local_addr()?.to_string();
    std::fs::write(folder.join("platform.toml"), DESCRIPTION)?;
    std::fs::write(folder.join("zoufang.key"), "07".repeat(32))?;
    let campaign =
        include_str!("../../config/campaign.toml").replace("370481111000", "370481000000");
    std::fs::write(folder.join("campaign.toml"), campaign)?;
    let config = format!(
        "[database]\nurl = '{url}'\n[http]\nlisten = '{listen}'\n[campaign]\nfile = 'campaign.toml'\n[platform]\nadapter = 'rest'\n\
         endpoint = '{platform}'\nfile = 'platform.toml'\n"
    );
    std::fs::write(folder.join("zoufang.toml"), config)?;
    Ok(listen)
}

/// Asks for the pages turn about, 50 a second whether or not they answer; gives back the milliseconds of each page, and
/// how many answers only said that there is none.
async fn asked(listen: &str, lasts: Duration) -> anyhow::Result<Vec<(Vec<f64>, usize)>> {
    let client = zoufang::delivery::http::client(
        Duration::from_secs(120),
        &zoufang::delivery::http::Tls::default(),
    )?;
    let mut ticks = tokio::time::interval(EVERY);
    let (began, mut answers) = (Instant::now(), Vec::new());
    while began.elapsed() < lasts {
        ticks.tick().await;
        let place = answers.len() % PAGES.len();
        let request = client.get(format!("http://{listen}{}", PAGES[place]));
        answers.push(tokio::spawn(async move {
            let began = Instant::now();
            let answer = request.send().await?;
            let status = answer.status();
            answer.bytes().await?;
            Ok::<_, reqwest::Error>((place, status, began.elapsed().as_secs_f64() * 1000.0))
        }));
    }
    let mut times = vec![(Vec::new(), 0); PAGES.len()];
    for answer in answers {
        let (place, status, time) = answer.await??;
        times[place].0.push(time);
        times[place].1 += usize::from(!status.is_success());
    }
    Ok(times)
}

fn percentile(times: &[f64], part: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * part).round() as usize]
}

async fn until_ready(listen: &str) -> anyhow::Result<()> {
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if reqwest::get(format!("http://{listen}/healthz")).await.is_ok() {
            return Ok(());
        }
    }
    anyhow::bail!("the service didn't start")
}

async fn measure(name: &str, url: &str, issues: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    record(url, issues).await?;
    let [a_visit, a_confirmation] = commands(url).await?;
    let platform = sink(LATENCY).await?;
    let listen = configure(folder, url, &platform)?;
    let serving = Running::start(folder, &["serve"])?;
    until_ready(&listen).await?;
    asked(&listen, WARM).await?;
    std::fs::write(folder.join("beside.csv"), visits("旁", 300, FILE, 4))?;
    let mut importing = Running::start(folder, &["import", "beside.csv"])?;
    let times = asked(&listen, LASTS).await?;
    let beside = if importing.ended()? { "ended" } else { "still coming in" };
    for (page, (times, without)) in PAGES.iter().zip(&times) {
        println!(
            "| {name} | {issues} | {page} | {:.1} ms | {:.1} ms | {:.1} ms | {without} of {} |",
            percentile(times, 0.5),
            percentile(times, 0.99),
            percentile(times, 1.0),
            times.len()
        );
    }
    println!(
        "| {name} | {issues} | memory {:.0} MiB, at most {:.0}; import {beside}; one visit {a_visit:.1} ms, one confirmation {a_confirmation:.1} ms | | | | |",
        serving.memory("VmRSS")?,
        serving.memory("VmHWM")?
    );
    Ok(())
}

/// The whole table.
pub async fn table(issues: usize) -> anyhow::Result<()> {
    println!(
        "\nPages at 50 requests a second for {} s, turn about, while a file of {FILE} visits comes in and delivery runs at 10 ms of latency\n",
        LASTS.as_secs()
    );
    println!(
        "| database | issues | page | p50 | p99 | longest | 503 |\n|---|---|---|---|---|---|---|"
    );
    for issues in [SMALL, issues] {
        let folder = tempfile::tempdir()?;
        let sqlite = format!("sqlite://{}", folder.path().join("bench.db").display());
        measure("SQLite FULL", &sqlite, issues).await?;
        if let Some(postgres) = support::postgres::database().await {
            measure("PostgreSQL", &postgres, issues).await?;
        }
    }
    Ok(())
}
