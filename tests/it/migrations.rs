//! A record as each earlier version left it, with rows in every table, is upgraded and read by today's program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Connection};
use zoufang::clock::Chance;
use zoufang::db::{Dialect, Store, versions};
use zoufang::seal::Sealer;

use crate::support::postgres;
use crate::support::program::run;

/// What each version's tables hold that the version before hadn't. A new version's section is written in the names that
/// hold there.
const ROWS: &str = include_str!("migrations/rows.sql");
/// The bytes of the key, as a file's text.
const KEY: [u8; 32] = [7; 32];

/// Tables by their names of today, where those were others.
const RENAMED: &[(&str, &str)] =
    &[("bundles", "duty_groups"), ("tellings", "reminders"), ("notice_items", "reminders")];

/// Tables that the program itself fills from others, or empties by doing what stands in them.
const BY_ITSELF: &[&str] =
    &["derivations", "imports_under_way", "import_pieces", "owed_digests", "tallies"];

/// As versions before 0035 sealed: bound to nothing.
fn sealed_as_before(text: &str) -> String {
    let key: [u8; 32] =
        Sha256::new().chain_update("zoufang seal").chain_update(KEY).finalize().into();
    let mut nonce = [0; 24];
    Chance::system().fill(&mut nonce);
    let cipher = XChaCha20Poly1305::new(&key.into());
    let body = cipher.encrypt(&XNonce::from(nonce), text.as_bytes()).unwrap();
    format!("v1:{}", STANDARD_NO_PAD.encode([nonce.as_slice(), &body].concat()))
}

/// The statements of each section of [`ROWS`], with sealed text in the place of what is to be sealed.
fn sections() -> BTreeMap<i64, String> {
    let fingerprint = Sealer::new(&KEY).fingerprint();
    let sections = ROWS.split("-- version ").skip(1).map(|section| {
        let (version, rows) = section.split_once('\n').unwrap();
        let rows = rows.replace("{key}", &fingerprint);
        let mut parts = rows.split("{sealed:");
        let mut filled = parts.next().unwrap().to_owned();
        for part in parts {
            let (text, rest) = part.split_once('}').unwrap();
            filled.push_str(&sealed_as_before(text));
            filled.push_str(rest);
        }
        (version.parse().unwrap(), filled)
    });
    sections.collect()
}

/// Every table and how many rows it has.
async fn tables(db: &mut AnyConnection, dialect: Dialect) -> BTreeMap<String, i64> {
    let names = match dialect {
        Dialect::Sqlite => {
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        }
        Dialect::Postgres => {
            "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'"
        }
    };
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *db).await.unwrap();
    let mut counts = BTreeMap::new();
    let by_itself =
        |name: &String| name == "_sqlx_migrations" || BY_ITSELF.contains(&name.as_str());
    for name in names.into_iter().filter(|name| !by_itself(name)) {
        let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {name}"));
        counts.insert(name, sqlx::query_scalar(count).fetch_one(&mut *db).await.unwrap());
    }
    counts
}

/// Makes a record of `version` at `url`, and gives back what its tables hold.
async fn record_of(url: &str, dialect: Dialect, version: i64) -> BTreeMap<String, i64> {
    sqlx::any::install_default_drivers();
    let sections = sections();
    for step in versions(dialect).into_iter().filter(|step| *step <= version) {
        Store::migrate(url, step).await.unwrap();
        if let Some(rows) = sections.get(&step) {
            let mut db = AnyConnection::connect(url).await.unwrap();
            let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(rows.clone()));
            rows.execute(&mut db).await.unwrap_or_else(|error| panic!("version {step}: {error}"));
        }
    }
    let mut db = AnyConnection::connect(url).await.unwrap();
    let held = tables(&mut db, dialect).await;
    let empty: BTreeSet<_> = held.iter().filter(|(_, count)| **count == 0).collect();
    assert!(empty.is_empty(), "version {version}: no rows in {empty:?}: write some in rows.sql");
    held
}

/// What the program says of the record at `url`.
fn said(folder: &Path, url: &str, version: i64, command: &[&str]) -> String {
    let config = format!("[database]\nurl = '{url}'\n[privacy]\nkey_file = 'zoufang.key'\n");
    std::fs::write(folder.join("zoufang.toml"), config).unwrap();
    let arguments = [command, &["--config", "zoufang.toml"]].concat();
    let (code, out, error) = run(&arguments, folder);
    assert_eq!(code, 0, "version {version}, {command:?}: {error}");
    out
}

async fn upgraded_and_read(folder: &Path, url: &str, dialect: Dialect, version: i64) {
    let before = record_of(url, dialect, version).await;
    let issue = said(folder, url, version, &["issue", "show", "CHD2022-000001"]);
    for word in ["已上报", "第 1 轮", "分类", "列入上报"] {
        assert!(issue.contains(word), "version {version}: no {word} in {issue}");
    }
    let clear = ["issue", "show", "CHD2022-000001", "--reveal", "--by", "Z3"];
    let clear = said(folder, url, version, &clear);
    for word in ["路灯不亮", "H1（家庭，高桥村委会）", "市直单办"] {
        assert!(clear.contains(word), "version {version}: no {word} in {clear}");
    }
    let duties = said(folder, url, version, &["duties"]);
    assert!(duties.contains("入户走访,高桥村委会,Z6 褚走,2022-03-31"), "{duties}");
    assert!(duties.contains("问题办结,高桥村委会,"), "{duties}");
    let debts = said(folder, url, version, &["outbox", "list"]);
    assert!(debts.contains("notice:log:Z6:2022-03-28,log,"), "version {version}: {debts}");
    let figures = said(folder, url, version, &["figures"]);
    assert!(figures.contains("高桥村委会,50.0%"), "{figures}");
    let mut db = AnyConnection::connect(url).await.unwrap();
    let after = tables(&mut db, dialect).await;
    for (name, rows) in before {
        let today =
            RENAMED.iter().find(|(old, _)| *old == name).map_or(name.as_str(), |(_, new)| new);
        let kept = after.get(today).copied().unwrap_or_default();
        assert!(kept >= rows, "version {version}: {name} had {rows} rows, {today} has {kept}");
    }
    for count in CARRIED_OVER {
        let carried_over: i64 = sqlx::query_scalar(*count).fetch_one(&mut db).await.unwrap();
        assert_eq!(carried_over, 1, "version {version}: {count}");
    }
}

/// What was carried over to where it stands today.
const CARRIED_OVER: &[&str] = &[
    "SELECT COUNT(*) FROM referral_numbers WHERE remote_id = 'P77' AND referral_id = 'e1'",
    "SELECT COUNT(*) FROM outbox WHERE id = 'o2' AND state = 'ready'",
    "SELECT COUNT(*) FROM notices WHERE id = 't1' AND topic = 'digest'",
    "SELECT COUNT(*) FROM reminders r JOIN duties d ON d.group_id = r.group_id WHERE d.id = 'd2' AND r.staff_id = 'f2'",
    "SELECT COUNT(*) FROM duties d JOIN duty_groups g ON g.id = d.group_id WHERE d.id = 'd3' AND g.issue_id = 'i1'",
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let key: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(folder.path().join("zoufang.key"), key).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    for version in versions(Dialect::Sqlite) {
        let folder = folder();
        let url = format!("sqlite://{}/zoufang.db", folder.path().display());
        upgraded_and_read(folder.path(), &url, Dialect::Sqlite, version).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    for version in versions(Dialect::Postgres) {
        let Some(url) = postgres::database().await else { return };
        upgraded_and_read(folder().path(), &url, Dialect::Postgres, version).await;
    }
}
