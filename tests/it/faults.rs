//! A month of faults: the real process on either database, over a platform that misbehaves, while whatever can go wrong
//! around it does, in an order drawn by seed. Nothing is lost or doubled, nothing is owed wrongly, and it never says that it's
//! well while its record can't be written. `FAULT_ROUNDS` and `FAULT_SEED` make it as long as one likes.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, Connection, Executor};
use zoufang::clock::Chance;

use crate::support::VISITS;
use crate::support::own_server::OwnServer;
use crate::support::postgres::is_root;
use crate::support::program::{Running, run};
use crate::support::proxy::{Proxy, Way};
use crate::support::real_process::Township;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Killed,
    /// The machine stands still for longer than a lease.
    Paused,
    /// Another holds the turn.
    Locked,
    FullDisk,
    /// The database's server is cut off and comes back.
    Cut,
    /// The network swallows everything.
    Silent,
    /// A standby takes over that has all, or not all, that was kept.
    TakenOver,
    TakenOverBehind,
    Restored,
    Hostile,
    /// It stands an hour ahead, and then is right again.
    ClockAhead,
}

const EITHER: &[Fault] = &[
    Fault::Killed,
    Fault::Paused,
    Fault::Locked,
    Fault::Restored,
    Fault::Hostile,
    Fault::ClockAhead,
];
const OF_FILES: &[Fault] = &[Fault::FullDisk];
const OF_SERVERS: &[Fault] = &[Fault::Cut, Fault::Silent, Fault::TakenOver, Fault::TakenOverBehind];

const ISSUES_A_ROUND: usize = 5;

fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Each kind once before any comes twice.
fn drawn(kinds: &[Fault]) -> Vec<Fault> {
    let chance = Chance::seeded(told("FAULT_SEED").unwrap_or(1));
    let rounds = told("FAULT_ROUNDS").map_or(kinds.len(), |rounds| rounds as usize);
    let mut order = Vec::new();
    while order.len() < rounds {
        let mut left = kinds.to_vec();
        while !left.is_empty() {
            order.push(left.swap_remove(chance.below(left.len())));
        }
    }
    order.truncate(rounds);
    order
}

/// Where the record is.
enum Place {
    /// In a folder; of its own small disk where one can be had.
    File {
        folder: PathBuf,
        is_disk: bool,
    },
    Server {
        first: OwnServer,
        standby: Option<OwnServer>,
        proxy: Proxy,
    },
}

impl Place {
    fn file(dir: &Path) -> Place {
        let folder = dir.join("data");
        std::fs::create_dir(&folder).unwrap();
        let mut mount = Command::new("mount");
        let mount = mount.args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"]).arg(&folder);
        let is_disk = is_root() && mount.status().is_ok_and(|status| status.success());
        Place::File { folder, is_disk }
    }

    async fn server() -> Option<Place> {
        let first = OwnServer::start().await?;
        let proxy = Proxy::to(first.port).await;
        Some(Place::Server { first, standby: None, proxy })
    }

    /// The record's address as a test reads it, and as the service comes to it.
    fn urls(&self) -> (String, String) {
        match self {
            Place::File { folder, .. } => {
                let url = format!("sqlite://{}/zoufang.db", folder.display());
                (url.clone(), url)
            }
            Place::Server { first, proxy, .. } => {
                let url = |port| format!("postgres://zoufang@127.0.0.1:{port}/postgres");
                (url(first.port), url(proxy.port))
            }
        }
    }

    fn kinds(&self) -> Vec<Fault> {
        match self {
            Place::File { is_disk: true, .. } => [EITHER, OF_FILES].concat(),
            Place::File { .. } => EITHER.to_vec(),
            Place::Server { .. } => [EITHER, OF_SERVERS].concat(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Place::File { folder, is_disk: true } = self {
            let _ = Command::new("umount").arg("-l").arg(folder).status();
        }
    }
}

/// A township that lives through it.
struct Month<'d> {
    township: Township<'d>,
    place: Place,
    serving: Running,
    tables: Vec<String>,
}

impl Month<'_> {
    fn import(&mut self, round: usize) {
        let lines: String = (0..ISSUES_A_ROUND)
            .map(|n| {
                let level = ["市直", "联动"][n % 2];
                format!(
                    "\n2022-04-20,Z6,H{},王建国,,第{round}天第{n}件,有,{level},其他,急",
                    1 + n % 2
                )
            })
            .collect();
        let name = format!("v{round}.csv");
        self.township.import(&name, &format!("{VISITS}{lines}\n"));
        self.tables.push(name);
    }

    fn serve(&mut self) {
        self.serving = self.township.serve();
    }

    async fn is_ready(&self) -> bool {
        self.township.answers("/readyz").await == Some(200)
    }

    async fn becomes(&self, ready: bool, within: u64, what: &str) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(within) {
            if self.is_ready().await == ready {
                return;
            }
            pause(200).await;
        }
        panic!(
            "{what}: not {} within {within} s; {}",
            if ready { "ready" } else { "unwell" },
            self.township.log()
        );
    }

    /// Does it, sees that it's told while it lasts, and ends it.
    async fn suffer(&mut self, fault: Fault) {
        match fault {
            Fault::Killed => {
                self.serving.kill();
                self.serve();
            }
            Fault::Paused => {
                self.serving.signal("-STOP");
                pause(8_000).await;
                self.serving.signal("-CONT");
            }
            Fault::Locked => self.locked().await,
            Fault::FullDisk => self.full_disk().await,
            Fault::Cut | Fault::Silent | Fault::TakenOver | Fault::TakenOverBehind => {
                self.server_gone(fault).await;
            }
            Fault::Restored => self.restored(),
            Fault::Hostile => self.hostile().await,
            Fault::ClockAhead => {
                self.serving.kill();
                self.township.ahead(Duration::from_secs(3_600));
                self.serve();
                self.becomes(true, 180, "ahead").await;
                self.serving.kill();
                self.township.ahead(Duration::ZERO);
                self.serve();
            }
        }
        self.becomes(true, 180, &format!("after {fault:?}")).await;
    }

    async fn locked(&self) {
        sqlx::any::install_default_drivers();
        let mut holder = AnyConnection::connect(&self.place.urls().0).await.unwrap();
        let hold = match self.place {
            Place::File { .. } => "PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE",
            Place::Server { .. } => "SELECT pg_advisory_lock(810311)",
        };
        holder.execute(hold).await.unwrap();
        self.becomes(false, 180, "locked").await;
        holder.close().await.unwrap();
    }

    /// While the disk is full it may say that it's well only as long as it truly writes.
    async fn full_disk(&self) {
        let Place::File { folder, .. } = &self.place else { return };
        let filler = folder.join("filler");
        let mut file = std::fs::File::create(&filler).unwrap();
        for size in [1 << 20, 1 << 12] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
        let (mut beats, mut since) = (self.beats().await, Instant::now());
        for _ in 0..20 {
            pause(5_000).await;
            if !self.is_ready().await {
                break;
            }
            let now = self.beats().await;
            if now > beats {
                (beats, since) = (now, Instant::now());
            }
            assert!(since.elapsed() < Duration::from_secs(40), "it says that it's well");
            self.grow();
        }
        drop(file);
        std::fs::remove_file(&filler).unwrap();
    }

    /// Something more to be kept, which may fail.
    fn grow(&self) {
        let (code, _, error) = run(
            &["import", "--config", "zoufang.toml", "--clear", &self.tables[0]],
            self.township.dir,
        );
        assert!(code == 0 || !error.is_empty());
    }

    async fn beats(&self) -> i64 {
        sqlx::any::install_default_drivers();
        let mut reader = AnyConnection::connect(&self.place.urls().0).await.unwrap();
        let beats = "SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'beats'";
        let beats = sqlx::query_scalar(beats).fetch_optional(&mut reader).await.unwrap();
        beats.unwrap_or_default()
    }

    async fn server_gone(&mut self, fault: Fault) {
        let Place::Server { first, standby, proxy } = &mut self.place else { return };
        match fault {
            Fault::Silent => proxy.set(Way::Silent),
            Fault::Cut => {
                proxy.set(Way::Closed);
                first.cut();
            }
            _ => {
                *standby = Some(first.standby(fault == Fault::TakenOver).await);
                pause(2_000).await;
                proxy.set(Way::Closed);
                first.cut();
            }
        }
        self.becomes(false, 180, &format!("{fault:?}")).await;
        let Place::Server { first, standby, proxy } = &mut self.place else { return };
        match (fault, standby.take()) {
            (Fault::Cut, _) => first.go_on().await,
            (Fault::Silent, _) => proxy.set(Way::Closed),
            (_, Some(next)) => {
                next.promote();
                proxy.lead_to(next.port);
                *first = next;
            }
            _ => {}
        }
        proxy.set(Way::Open);
        self.township.url = self.place.urls().0;
    }

    /// Taken back from a backup of before the last tables, which come in once more.
    fn restored(&mut self) {
        let file = || {
            let entries = std::fs::read_dir(self.township.dir.join("backups")).unwrap();
            entries
                .map(|entry| entry.unwrap().path())
                .filter(|file| file.extension().is_some_and(|end| end == "backup"))
                .max()
        };
        let well = |words: &[&str]| {
            let (code, said, error) =
                run(&[words, &["--config", "zoufang.toml"]].concat(), self.township.dir);
            assert_eq!(code, 0, "{words:?}: {said}{error}");
        };
        well(&["backup"]);
        let file = file().unwrap();
        let late = 1_000 + self.tables.len();
        self.import(late);
        self.serving.terminate();
        well(&["restore", file.to_str().unwrap()]);
        self.serve();
        for name in &self.tables {
            well(&["import", name]);
        }
    }

    /// Half requests, huge ones, and nonsense; others are answered meanwhile.
    async fn hostile(&self) {
        let mut open = Vec::new();
        for n in 0..400 {
            let Ok(mut stream) = TcpStream::connect(&self.township.listen) else { continue };
            let _ = match n % 4 {
                0 => stream.write_all(b"GET /status HTTP/1.1\r\nHost: x\r\nX-Half: "),
                1 => stream.write_all(b"POST /my/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n"),
                2 => stream.write_all(&[0x16, 3, 1, 0, 200, 1, 0, 0, 255, 254]),
                _ => Ok(()),
            };
            open.push(stream);
        }
        self.becomes(true, 180, "hostile").await;
        drop(open);
    }
}

async fn pause(millis: u64) {
    // Real processes: their time is real.
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

async fn live(place: Place, dir: &Path) {
    std::fs::write(dir.join("zoufang-backup.key"), "08".repeat(32)).unwrap();
    let (url, way) = place.urls();
    let township = Township::new(dir, &url, &way, told("FAULT_SEED").unwrap_or(1)).await;
    let order = drawn(&place.kinds());
    let serving = township.serve();
    let mut month = Month { township, place, serving, tables: Vec::new() };
    month.becomes(true, 180, "start").await;
    for (round, fault) in order.iter().enumerate() {
        println!("{round}: {fault:?}");
        month.import(round);
        pause(300 * (round as u64 % 5)).await;
        month.suffer(*fault).await;
    }
    month.township.quiet().await;
    println!("{}", month.serving.load());
    let store = month.township.store().await;
    let debts = store.platform_debts().await.unwrap();
    assert_eq!(debts.len(), month.tables.len() * ISSUES_A_ROUND);
    month.township.each_came_once(&debts).await;
    month.township.each_was_told_once().await;
    assert!(store.recount().await.unwrap().is_empty());
    store.close().await;
    assert_eq!(month.serving.terminate(), 0, "{}", month.township.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_faults_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    live(Place::file(dir.path()), dir.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_faults_on_postgres() {
    if let Some(place) = Place::server().await {
        let dir = tempfile::tempdir().unwrap();
        live(place, dir.path()).await;
    }
}
