//! The real process, killed in the middle, over a real platform that misbehaves.

use std::path::Path;
use std::time::Duration;

use crate::support::VISITS;
use crate::support::postgres::database;
use crate::support::program::zoufang;
use crate::support::real_process::Township;

/// By which the kinds of platform are drawn.
fn kind_seed() -> u64 {
    let told = std::env::var("KILL_SEED").ok().and_then(|seed| seed.parse().ok());
    told.unwrap_or(1)
}

const ISSUES_A_ROUND: usize = 6;

/// Kills in a run; a dozen where it isn't told otherwise.
fn rounds() -> usize {
    std::env::var("KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(12)
}

async fn survives_kills(url: String, dir: &Path) {
    let township = Township::new(dir, &url, &url, kind_seed()).await;
    for round in 0..rounds() {
        let lines: String = (0..ISSUES_A_ROUND)
            .map(|n| {
                format!(
                    "\n2022-04-20,Z6,H{},王建国,,第{round}轮第{n}件,有,{},其他,急",
                    1 + n % 2,
                    ["市直", "联动"][n % 2]
                )
            })
            .collect();
        let mut serving = township.serve();
        township.import(&format!("v{round}.csv"), &format!("{VISITS}{lines}\n"));
        // Anywhere between the start and well into the sending.
        tokio::time::sleep(Duration::from_millis(110 * (round as u64 * 7 % 13))).await;
        township.void(round * ISSUES_A_ROUND + 1 + round % ISSUES_A_ROUND);
        serving.kill();
    }
    let mut serving = township.serve();
    let status = township.quiet().await;
    assert_eq!(status["rehearsal"], true);

    let store = township.store().await;
    let debts = store.platform_debts().await.unwrap();
    // What was voided before it left isn't among them, nor on the platform.
    let all = rounds() * ISSUES_A_ROUND;
    assert!((all - rounds()..=all).contains(&debts.len()), "{} of {all}", debts.len());
    township.each_came_once(&debts).await;
    township.each_was_told_once().await;
    store.close().await;
    // Told to stop, it stops by itself and in order.
    assert_eq!(serving.terminate(), 0);
    let log = std::fs::read_to_string(dir.join("serve.log")).unwrap();
    assert!(log.contains("\"stopped\""));
    assert!(!log.contains("王建国") && !log.contains("13800000001"), "personal data in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_survives_kills() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/zoufang.db", dir.path().display());
    survives_kills(url, dir.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_survives_kills() {
    if let Some(url) = database().await {
        let dir = tempfile::tempdir().unwrap();
        survives_kills(url, dir.path()).await;
    }
}

#[test]
fn the_program_says_what_it_is() {
    let output = zoufang().arg("--version").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("zoufang "));
}
