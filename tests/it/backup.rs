//! Backups: made while the record is written, worth nothing once a byte is changed, taken back without anything being sent
//! again.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::postgres::free_port;
use crate::support::program::{Running, run};
use crate::support::{AREAS, ASSIGNMENTS, Fixture, STAFF, SUBJECTS, VISITS, client, on_both};

static PLATFORMS: AtomicU8 = AtomicU8::new(0);

/// A folder with a configuration, both keys and a place for backups.
struct Home {
    dir: TempDir,
    listen: String,
    platform: String,
}

impl Home {
    fn of(url: &str) -> Home {
        let dir = tempfile::tempdir().unwrap();
        let listen = format!("127.0.0.1:{}", free_port());
        // Nobody listens there for a while: another test mustn't come by the same address.
        let platform =
            format!("127.0.{}.1:{}", 1 + PLATFORMS.fetch_add(1, Ordering::Relaxed), free_port());
        let text = format!(
            "[database]\nurl = '{url}'\n[http]\nlisten = '{listen}'\n[backup]\nfolder = 'backups'\nkeep = 2\n\
             [platform]\nadapter = 'open311'\nendpoint = 'http://{platform}'\ntimeout = '2s'\nsettle_after = '2s'\n\
             [outbox]\nlease = '5s'\nretry_first = '1s'\nretry_cap = '2s'\nbreaker_pause = '1s'\n"
        );
        std::fs::write(dir.path().join("zoufang.toml"), text).unwrap();
        let home = Home { dir, listen, platform };
        home.write("zoufang.key", &"07".repeat(32));
        home.write("zoufang-backup.key", &"08".repeat(32));
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.at(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        run(&[arguments, &["--config", "zoufang.toml"]].concat(), self.dir.path())
    }

    fn well(&self, arguments: &[&str]) -> String {
        let (code, said, error) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}{error}");
        said
    }

    /// It's refused, with these words.
    fn refused(&self, arguments: &[&str], words: &[&str]) {
        let (code, said, error) = self.run(arguments);
        assert_eq!(code, 2, "{arguments:?}: {said}{error}");
        for word in words {
            assert!(error.contains(word), "{word}: {error}");
        }
    }

    fn backups(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.at("backups")).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "backup"));
        files.sort();
        files
    }

    /// Makes one; where it lies.
    fn backup(&self) -> PathBuf {
        let said = self.well(&["backup"]);
        let (file, _) = said.strip_prefix("已备份到 ").unwrap().split_once('（').unwrap();
        self.at(file)
    }

    fn import(&self, name: &str, table: &str) {
        self.write(name, table);
        self.well(&["import", name]);
    }

    async fn get(&self, address: &str, path: &str) -> Option<Value> {
        client().get(format!("http://{address}{path}")).send().await.ok()?.json().await.ok()
    }

    /// Waits until the service has written its first heartbeat.
    async fn until_ready(&self, seconds: u64) {
        let (began, address) = (Instant::now(), format!("http://{}/readyz", self.listen));
        while !client().get(&address).send().await.is_ok_and(|ready| ready.status().is_success()) {
            assert!(began.elapsed() < Duration::from_secs(seconds), "it doesn't become ready");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits, in real time since these are real processes, until status is so.
    async fn until(&self, seconds: u64, so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let status = self.get(&self.listen, "/status").await.unwrap_or_default();
            if so(&status) {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(seconds), "{status:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn shown(file: &Path) -> &str {
    file.to_str().unwrap()
}

on_both!(one_is_made_while_the_record_is_written, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 20, 9);
    fixture.visit("2022-04-20,Z6,H1,王建国,,第一件,有,市直,其他,急").await.unwrap();
    let home = Home::of(&fixture.url);
    let (store, stop) = (fixture.store.clone(), Arc::new(AtomicBool::new(false)));
    let told = Arc::clone(&stop);
    let writing = tokio::spawn(async move {
        let (mut beats, mut longest) = (0, Duration::ZERO);
        while !told.load(Ordering::Relaxed) {
            let began = Instant::now();
            store.beat().await.unwrap();
            (beats, longest) = (beats + 1, longest.max(began.elapsed()));
        }
        (beats, longest)
    });
    let home = tokio::task::spawn_blocking(move || {
        home.backup();
        home
    });
    let home = home.await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let (beats, longest) = writing.await.unwrap();
    assert!(beats > 10 && longest < Duration::from_secs(30), "{beats} {longest:?}");
    let [file] = home.backups().try_into().unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = std::fs::read(&file).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    for text in ["SQLite format", "PGDMP", "杨桥村", "CHD2022", "rows"] {
        assert!(!holds(text), "{text} can be read");
    }
    assert!(home.well(&["backup", "verify"]).contains("完好"));
    let listed = home.well(&["backup", "list"]);
    assert!(listed.contains(file.file_name().unwrap().to_str().unwrap()), "{listed}");
});

on_both!(one_that_was_changed_is_refused_and_so_is_another_key, async |fixture: Fixture| {
    let Fixture { store, url, .. } = &fixture.township().await;
    let home = Home::of(url);
    let file = home.backup();
    store.close().await;
    let good = std::fs::read(&file).unwrap();
    let wrong = home.at("wrong.backup");
    for at in [60, 200, good.len() / 2, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        std::fs::write(&wrong, bytes).unwrap();
        home.refused(&["backup", "verify", "wrong.backup"], &["wrong.backup", "损坏"]);
    }
    home.refused(&["restore", "wrong.backup"], &["损坏"]);
    std::fs::write(&wrong, &good[..good.len() - 20]).unwrap();
    home.refused(&["restore", "wrong.backup"], &["损坏"]);
    home.write("wrong.backup", "对象编号,走访人员\n");
    home.refused(&["restore", "wrong.backup"], &["不是 zoufang 的备份"]);
    let file = file.strip_prefix(home.dir.path()).unwrap_or(&file).to_owned();
    home.write("zoufang-backup.key", &"09".repeat(32));
    home.refused(&["restore", shown(&file)], &["另一把备份密钥", "指纹"]);
    home.write("zoufang-backup.key", &"08".repeat(32));
    // The other key is another record's.
    home.write("zoufang.key", &"05".repeat(32));
    let (code, _, error) = home.run(&["restore", shown(&file)]);
    assert!(code != 0 && error.contains("指纹"), "{error}");
    std::fs::remove_file(home.at("zoufang-backup.key")).unwrap();
    home.refused(&["backup"], &["backup.key_file", "zoufang key"]);
    // Nothing of all that has touched the record, and nothing is left of it.
    home.write("zoufang.key", &"07".repeat(32));
    assert!(home.well(&["staff", "list"]).contains("Z6"));
    assert_eq!(home.backups().len(), 1);
});

on_both!(the_last_ones_are_kept_and_nothing_else_is_touched, async |fixture: Fixture| {
    let Fixture { url, .. } = &fixture.township().await;
    let home = Home::of(url);
    let first = home.backup();
    home.write("backups/注意.txt", "我的");
    let second = home.backup();
    let third = home.backup();
    let left = home.backups();
    assert!(!left.contains(&first) && left.contains(&second) && left.contains(&third));
    assert!(home.at("backups/注意.txt").exists());
    let mode = home.at("backups").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
});

on_both!(a_drill_takes_one_back_and_leaves_nothing, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 20, 9);
    fixture.visit("2022-04-20,Z6,H1,王建国,,第一件,有,市直,其他,急").await.unwrap();
    // Commands go by its clock.
    fixture.store.beat().await.unwrap();
    let home = Home::of(&fixture.url);
    home.backup();
    fixture.visit("2022-04-20,Z6,H1,王建国,,第二件,有,市直,其他,急").await.unwrap();
    let said = home.well(&["backup", "drill"]);
    for word in ["用了", "比备份多", "这份备份能用"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let said: Value = serde_json::from_str(&home.well(&["backup", "drill", "--json"])).unwrap();
    assert!(said["rows_now"].as_i64() > said["rows"].as_i64(), "{said}");
    assert_eq!(said["wrong"], serde_json::json!([]));
    if fixture.url.starts_with("sqlite") {
        let file = zoufang::db::database_file(&fixture.url).unwrap();
        let beside = std::fs::read_dir(Path::new(file).parent().unwrap()).unwrap();
        let left = beside.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(left.into_iter().all(|name| !name.starts_with('.')));
    }
});

on_both!(one_that_is_taken_back_puts_aside_what_was_there, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 20, 9);
    fixture.visit("2022-04-20,Z6,H1,王建国,,第一件,有,市直,其他,急").await.unwrap();
    fixture.store.beat().await.unwrap();
    let home = Home::of(&fixture.url);
    let file = home.backup();
    fixture.visit("2022-04-20,Z6,H1,王建国,,第二件,有,市直,其他,急").await.unwrap();
    let file = shown(&file).to_owned();
    home.refused(&["restore", &file], &["开着", "停下服务"]);
    assert_eq!(home.well(&["issue", "list", "--by", "Z1"]).lines().count(), 3);
    fixture.store.close().await;
    let said = home.well(&["restore", &file]);
    assert!(said.contains("原来的数据库没有删") && said.contains("可能已经送出的 1 件"), "{said}");
    assert!(said.contains("没有这个数据库的运行标记"), "{said}");
    assert_eq!(home.well(&["issue", "list", "--by", "Z1"]).lines().count(), 2);
    assert!(home.well(&["doctor"]).contains("一致"));
    // And again: neither the first that was put aside nor the second is written over.
    let said = home.well(&["restore", &file]);
    assert!(said.contains("原来的数据库没有删"), "{said}");
    if let Some(database) = zoufang::db::database_file(&fixture.url) {
        let beside = std::fs::read_dir(Path::new(database).parent().unwrap()).unwrap();
        let names = beside.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let aside: Vec<String> = names.filter(|name| name.contains(".before-")).collect();
        assert!(
            aside.iter().filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).count()
                == 2,
            "{aside:?}"
        );
        let mode = Path::new(database).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
});

/// The rehearsal's clock.
const SPEED: f64 = 60.0;

fn now(began: Instant) -> [String; 4] {
    let start: Timestamp = "2022-04-20T09:00:00+08:00".parse().unwrap();
    let now = start + Duration::from_secs_f64(began.elapsed().as_secs_f64() * SPEED);
    ["--clock-start".to_owned(), now.to_string(), "--clock-speed".to_owned(), SPEED.to_string()]
}

fn start(home: &Home, began: Instant, what: &[&str], log: &str) -> Running {
    let clock = now(began);
    let clock: Vec<&str> = clock.iter().map(String::as_str).collect();
    Running::start(&[what, &clock].concat(), home.dir.path(), log)
}

fn delivered(status: &Value) -> i64 {
    let lanes = status["lanes"].as_array().cloned().unwrap_or_default();
    let lane = lanes.iter().find(|lane| lane["name"] == "ehushanying");
    lane.and_then(|lane| lane["delivered"].as_i64()).unwrap_or(-1)
}

/// Five are owed when the backup is made, and are delivered after it.
async fn doubles_nothing(url: String, remembers: bool) {
    let (home, began) = (Home::of(&url), Instant::now());
    for (name, table) in
        [("a.csv", AREAS), ("s.csv", STAFF), ("o.csv", SUBJECTS), ("f.csv", ASSIGNMENTS)]
    {
        home.import(name, table);
    }
    let serve = ["serve", "--config", "zoufang.toml"];
    let mut serving = start(&home, began, &serve, "serve.log");
    // Commands beside it go by its clock from its first heartbeat on.
    home.until_ready(120).await;
    let visits: String =
        (0..5).map(|n| format!("\n2022-04-20,Z6,H1,王建国,,第{n}件事,有,市直,其他,急")).collect();
    home.import("v.csv", &format!("{VISITS}{visits}\n"));
    let file = home.backup();
    let sandbox = ["sandbox", "--listen", &home.platform, "--seed", "5"];
    let _sandbox = start(&home, began, &sandbox, "sandbox.log");
    home.until(180, |status| delivered(status) == 5).await;
    assert_eq!(serving.terminate(), 0);
    if !remembers {
        std::fs::remove_file(home.at("zoufang.key.memory")).unwrap();
    }
    let said = home.well(&["restore", shown(&file)]);
    // One may have been under way already when the backup was made: it was in doubt without it.
    assert!(["5", "4"].iter().any(|n| said.contains(&format!("可能已经送出的 {n} 件"))), "{said}");
    assert_eq!(said.contains("没有这个数据库的运行标记"), !remembers, "{said}");
    let mut serving = start(&home, began, &serve, "serve.log");
    home.until(180, |status| delivered(status) == 5).await;
    let requests = home.get(&home.platform, "/sandbox/requests").await.unwrap();
    assert_eq!(requests.as_array().unwrap().len(), 5, "something came twice");
    // What is new after it goes as ever.
    home.import("w.csv", &format!("{VISITS}\n2022-04-20,Z6,H2,李秀英,,新的事,有,市直,其他,急\n"));
    let status = home.until(180, |status| delivered(status) == 6).await;
    assert!(status["reasons"].to_string().contains("较早的备份"), "{status:#}");
    assert_eq!(serving.terminate(), 0);
}

mod nothing_is_doubled_after_one_was_taken_back {
    use super::doubles_nothing;

    #[tokio::test(flavor = "multi_thread")]
    async fn sqlite() {
        let dir = tempfile::tempdir().unwrap();
        for remembers in [true, false] {
            let url = format!("sqlite://{}/{remembers}.db", dir.path().display());
            doubles_nothing(url, remembers).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn postgres() {
        let Some(url) = crate::support::postgres::database().await else { return };
        doubles_nothing(url, true).await;
    }
}

on_both!(a_backup_is_planned_and_its_age_is_shown, async |fixture: Fixture| {
    let Fixture { url, .. } = &fixture.township().await;
    let home = Home::of(url);
    let (_, said, _) = home.run(&["check"]);
    assert!(said.contains("！ backup.folder") && said.contains("还没有备份"), "{said}");
    let mut serving =
        Running::start(&["serve", "--config", "zoufang.toml"], home.dir.path(), "serve.log");
    // The slot of today, or of yesterday, is made up.
    let status = home.until(180, |status| status["machine"]["backup"].is_object()).await;
    assert!(status["machine"]["backup"]["age_seconds"].as_i64().unwrap() < 60);
    let metrics = client().get(format!("http://{}/metrics", home.listen)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        "# HELP zoufang_backup_age_seconds ",
        "zoufang_backup_age_seconds ",
        "zoufang_backup_bytes ",
        "zoufang_disk_free_bytes{place=",
        "zoufang_damaged 0",
    ] {
        assert!(metrics.lines().any(|found| found.starts_with(line)), "{line}: {metrics}");
    }
    assert_eq!(serving.terminate(), 0);
    let (_, said, _) = home.run(&["check"]);
    assert!(said.contains("✓ backup.folder"), "{said}");
    // Older than planned.
    let [file] = home.backups().try_into().unwrap();
    let old = file.with_file_name("zoufang-20220420-024000.backup");
    assert!(home.at("backups").read_dir().unwrap().count() <= 2, "it and the lock");
    std::fs::rename(&file, old).unwrap();
    let (_, said, _) = home.run(&["check"]);
    assert!(said.contains("比计划的旧"), "{said}");
});
