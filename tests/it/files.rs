//! The files that the program makes have their rights whatever the umask; and a record whose file is damaged or taken away is
//! said to be.

use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{AnyConnection, Connection};

use crate::support::postgres::free_port;
use crate::support::program::{Running, run, zoufang};
use crate::support::{AREAS, STAFF, SUBJECTS, client};

fn configured(dir: &Path) -> String {
    let listen = format!("127.0.0.1:{}", free_port());
    let text = format!(
        "[database]\nurl = 'sqlite://zoufang.db'\n[http]\nlisten = '{listen}'\n[backup]\nfolder = 'backups'\n"
    );
    std::fs::write(dir.join("zoufang.toml"), text).unwrap();
    for (name, table) in [("a.csv", AREAS), ("s.csv", STAFF), ("o.csv", SUBJECTS)] {
        std::fs::write(dir.join(name), table).unwrap();
    }
    listen
}

/// What status says, once it's so.
async fn until(listen: &str, seconds: u64, so: impl Fn(&str) -> bool) -> String {
    let began = Instant::now();
    loop {
        let answer = client().get(format!("http://{listen}/status")).send().await;
        let text = match answer {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        };
        if so(&text) {
            return text;
        }
        assert!(began.elapsed() < Duration::from_secs(seconds), "{text}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Every file below a folder, with its rights.
fn rights(folder: &Path, found: &mut Vec<(String, u32)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.symlink_metadata().unwrap().permissions().mode() & 0o7777;
        found.push((path.file_name().unwrap().to_str().unwrap().to_owned(), mode));
        if path.is_dir() {
            rights(&path, found);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_under_an_open_umask_leaves_nothing_open() {
    let dir = tempfile::tempdir().unwrap();
    let listen = configured(dir.path());
    let own: Vec<String> =
        ["zoufang.toml", "a.csv", "s.csv", "o.csv", "serve.log"].map(str::to_owned).to_vec();
    let under = |umask: &str, words: &str| {
        let mut shell = Command::new("sh");
        let script = format!("umask {umask}; exec \"$0\" {words} --config zoufang.toml");
        shell.args(["-c", &script]).arg(zoufang().get_program()).current_dir(dir.path());
        shell
    };
    for words in [
        "key zoufang.key",
        "key zoufang-backup.key",
        "import a.csv s.csv o.csv",
        "export 走访人员表 -o out.csv",
    ] {
        let done = under("0", words).output().unwrap();
        assert!(done.status.success(), "{words}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let log = std::fs::File::create(dir.path().join("serve.log")).unwrap();
    let mut serve = under("0", "serve");
    let mut serving = Running(serve.stderr(log).spawn().unwrap());
    until(&listen, 120, |text| text.contains("\"made_at\"")).await;
    let mut found = Vec::new();
    rights(dir.path(), &mut found);
    for name in [
        "zoufang.db",
        "zoufang.db-wal",
        "zoufang.db-shm",
        "zoufang.db.lock",
        "zoufang.db.in-use",
        "zoufang.key",
        "zoufang.key.memory",
    ] {
        assert!(found.contains(&(name.to_owned(), 0o600)), "{name}: {found:?}");
    }
    for (name, mode) in found.iter().filter(|(name, _)| !own.contains(name)) {
        assert_eq!(mode & 0o077, 0, "{name} {mode:o}");
    }
    assert_eq!(serving.terminate(), 0);
    // What was open before is shut at the next start.
    let open = std::fs::Permissions::from_mode(0o644);
    for name in ["zoufang.db", "zoufang.key"] {
        std::fs::set_permissions(dir.path().join(name), open.clone()).unwrap();
    }
    let (_, said, _) = run(&["check", "--config", "zoufang.toml"], dir.path());
    assert!(said.contains("！ privacy.key_file") && said.contains("chmod 600"), "{said}");
    assert!(under("022", "staff list").output().unwrap().status.success());
    for name in ["zoufang.db", "zoufang.key"] {
        let mode = dir.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let dir = tempfile::tempdir().unwrap();
    configured(dir.path());
    let victim = dir.path().join("victim");
    std::fs::write(&victim, "mine").unwrap();
    let program =
        |words: &[&str]| run(&[words, &["--config", "zoufang.toml"]].concat(), dir.path());
    for name in ["zoufang.key", "out.csv", "plan.toml", "zoufang.db.lock"] {
        std::os::unix::fs::symlink(&victim, dir.path().join(name)).unwrap();
    }
    assert_eq!(program(&["key", "zoufang.key"]).0, 2);
    std::fs::remove_file(dir.path().join("zoufang.key")).unwrap();
    assert_eq!(program(&["key", "zoufang.key"]).0, 0);
    let (code, _, error) = program(&["import", "a.csv"]);
    assert!(code != 0 && error.contains("锁文件"), "{error}");
    std::fs::remove_file(dir.path().join("zoufang.db.lock")).unwrap();
    // A database that would be made where a link points to.
    std::fs::remove_file(dir.path().join("zoufang.db")).unwrap();
    std::os::unix::fs::symlink("nowhere.db", dir.path().join("zoufang.db")).unwrap();
    let (code, _, error) = program(&["import", "a.csv"]);
    assert!(code != 0 && error.contains("链接"), "{error}");
    assert!(!dir.path().join("nowhere.db").exists());
    std::fs::remove_file(dir.path().join("zoufang.db")).unwrap();
    assert_eq!(program(&["import", "a.csv", "s.csv"]).0, 0);
    assert_eq!(program(&["export", "走访人员表", "-o", "out.csv"]).0, 2);
    assert_eq!(std::fs::read(&victim).unwrap(), b"mine");
}

/// Overwrites a table's root page, as a failing disk would.
async fn damage(database: &Path, table: &str) {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", database.display());
    let mut db = AnyConnection::connect(&url).await.unwrap();
    let page: i64 = sqlx::query_scalar("SELECT rootpage FROM sqlite_master WHERE name = $1")
        .bind(table.to_owned())
        .fetch_one(&mut db)
        .await
        .unwrap();
    let size: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut db).await.unwrap();
    db.close().await.unwrap();
    let mut file = std::fs::File::options().write(true).open(database).unwrap();
    file.seek(SeekFrom::Start(u64::try_from((page - 1) * size).unwrap())).unwrap();
    file.write_all(&vec![0xff; usize::try_from(size).unwrap()]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_is_said_by_the_doctor_by_status_and_by_the_backup() {
    let dir = tempfile::tempdir().unwrap();
    let listen = configured(dir.path());
    let program =
        |words: &[&str]| run(&[words, &["--config", "zoufang.toml"]].concat(), dir.path());
    for words in [
        &["key", "zoufang.key"][..],
        &["key", "zoufang-backup.key"],
        &["import", "a.csv", "s.csv", "o.csv"],
    ] {
        assert_eq!(program(words).0, 0, "{words:?}");
    }
    damage(&dir.path().join("zoufang.db"), "breaches").await;
    let (code, said, error) = program(&["doctor"]);
    assert!(code == 1 && said.contains("数据库文件损坏"), "{said}{error}");
    let (code, _, error) = program(&["backup"]);
    assert!(code == 2 && error.contains("已经损坏"), "{error}");
    let left = std::fs::read_dir(dir.path().join("backups")).unwrap().count();
    assert_eq!(left, 1, "nothing but the lock: no backup is made of what is damaged");
    let mut serving =
        Running::start(&["serve", "--config", "zoufang.toml"], dir.path(), "serve.log");
    let text = until(&listen, 120, |text| text.contains("数据库文件损坏")).await;
    let status: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["verdict"], "red");
    assert!(text.contains("zoufang restore"), "{text}");
    serving.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_taken_away_under_the_service_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let listen = configured(dir.path());
    let program =
        |words: &[&str]| run(&[words, &["--config", "zoufang.toml"]].concat(), dir.path());
    for words in [
        &["key", "zoufang.key"][..],
        &["key", "zoufang-backup.key"],
        &["import", "a.csv", "s.csv", "o.csv"],
    ] {
        assert_eq!(program(words).0, 0, "{words:?}");
    }
    let mut serving =
        Running::start(&["serve", "--config", "zoufang.toml"], dir.path(), "serve.log");
    until(&listen, 120, |text| text.contains("\"made_at\"")).await;
    let at = dir.path().join("zoufang.db");
    let away = dir.path().join("away.db");
    std::fs::rename(&at, &away).unwrap();
    std::fs::copy(&away, &at).unwrap();
    // Whoever writes finds it, and so does the watch, each in its own time.
    let both = |text: &str| text.contains("被删掉或换掉") && text.contains("\"lost\":true");
    let text = until(&listen, 120, both).await;
    assert!(text.contains("\"red\""), "{text}");
    serving.kill();
}
