//! An import against inserting bare the very same rows of all tables; and delivery while an import comes in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::any::{AnyRow, AnyTypeInfoKind};
use sqlx::{Any, AnyConnection, AssertSqlSafe, Column, Connection, Executor, Row};
use zoufang::db::{Store, versions};
use zoufang::intake::{Bounds, import, read_file};

use crate::engine::{DESCRIPTION, context, lane, settings};
use crate::program::memory_of;
use crate::seeds::Seeds;
use crate::sink::counting_sink;
use crate::support;

const AREAS: &str = include_str!("../../config/areas/tengzhou-areas.csv");
const LATENCY: Duration = Duration::from_millis(10);
/// Rows of a multi-row INSERT.
const SET: usize = 500;

pub fn villages() -> Vec<&'static str> {
    let fields = AREAS.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    fields.filter(|fields| fields[2] == "village").map(|fields| fields[0]).collect()
}

/// A visitor, a grid member and a cadre for each village.
pub fn staff() -> String {
    let mut table = String::from("人员编号,姓名,角色,所属区划\n");
    for (n, village) in villages().into_iter().enumerate() {
        let _ = write!(
            table,
            "V{n},示例走访{n},走访人员,{village}\nG{n},示例网格{n},网格员,{village}\nB{n},示例包村{n},包村干部,{village}\n"
        );
    }
    table
}

/// So many subjects over the villages, from number `from` on, and their assignments.
pub fn subjects(from: usize, count: usize) -> [String; 2] {
    let villages = villages();
    let mut subjects = String::from("对象编号,对象类型,对象名称,所属村,地址\n");
    let mut assignments = String::from("对象编号,走访人员\n");
    for n in from..from + count {
        let village = n % villages.len();
        let code = villages[village];
        let _ = writeln!(subjects, "H{n},家庭,示例户{n},{code},示例路{n}号");
        let _ = writeln!(assignments, "H{n},V{village}");
    }
    [subjects, assignments]
}

/// So many visits to `subjects` subjects, of which every `issue_each`th has an issue and every fourth of those is the city's.
pub fn visits(name: &str, subjects: usize, count: usize, issue_each: usize) -> String {
    let villages = villages().len();
    let mut table = String::from(
        "走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,责任层级,类别,轻重缓急\n",
    );
    for n in 0..count {
        let subject = n % subjects;
        let visitor = subject % villages;
        let _ = write!(table, "2022-03-05,V{visitor},H{subject},示例{n},,");
        let _ = if n % issue_each == 0 {
            let level = ["市直单办", "镇村自办", "镇村自办", "镇市联动"][n / issue_each % 4];
            writeln!(table, "示例问题{name}{n},有,{level},其他,一般")
        } else {
            writeln!(table, ",无,,,")
        };
    }
    table
}

/// A record with the county's areas and staff.
pub async fn township(url: &str, lane: &str) -> anyhow::Result<Store> {
    let mut context = context(lane)?;
    "370481000000".clone_into(&mut context.campaign.town);
    let store = Store::open(url, context).await?;
    for (name, table) in [("areas.csv", AREAS), ("staff.csv", &staff())] {
        import(&store, name, table.as_bytes(), false, &|_, _| {}).await?;
    }
    Ok(store)
}

async fn reopened(url: &str) -> anyhow::Result<Store> {
    let mut context = context("ehushanying")?;
    "370481000000".clone_into(&mut context.campaign.town);
    Ok(Store::open(url, context).await?)
}

/// Run in a process of its own: imports the files one after the other and says what it took.
pub async fn import_alone(url: &str, files: &[String]) -> anyhow::Result<()> {
    let store = reopened(url).await?;
    // Counts its highest memory from here on.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let began = Instant::now();
    for file in files {
        let (name, bytes) = read_file(Path::new(file), &Bounds::default())?;
        import(&store, &name, &bytes, false, &|_, _| {}).await?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let turn = store.longest_turn().as_secs_f64() * 1000.0;
    store.close().await;
    println!("{seconds} {} {turn}", memory_of("self", "VmHWM")?);
    Ok(())
}

/// What an import took.
struct Took {
    seconds: f64,
    memory: f64,
    longest_turn: f64,
}

/// Imports tables as files in a process of its own.
async fn imported(folder: &Path, url: &str, tables: &[(&str, &str)]) -> anyhow::Result<Took> {
    let mut child = std::process::Command::new(std::env::current_exe()?);
    child.args(["import-alone", url]);
    for (name, table) in tables {
        let file = folder.join(name);
        std::fs::write(&file, table)?;
        child.arg(file);
    }
    let output = tokio::task::spawn_blocking(move || child.output()).await??;
    let said = String::from_utf8(output.stdout)?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "the import failed: {complaint}");
    let figures: Vec<f64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    Ok(Took { seconds: figures[0], memory: figures[1], longest_turn: figures[2] })
}

/// A table's rows.
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

type Rows = BTreeMap<String, Table>;

enum Cell {
    Text(Option<String>),
    Number(Option<i64>),
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres")
}

async fn tables(db: &mut AnyConnection, postgres: bool) -> anyhow::Result<Vec<String>> {
    let tables = if postgres {
        "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'"
    } else {
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations'"
    };
    Ok(sqlx::query_scalar(tables).fetch_all(db).await?)
}

/// Every row that the record at `url` has, but those whose keys are in `without`.
async fn rows(url: &str) -> anyhow::Result<Rows> {
    let mut db = AnyConnection::connect(url).await?;
    let mut all = Rows::new();
    for table in tables(&mut db, is_postgres(url)).await? {
        let rows = db.fetch_all(AssertSqlSafe(format!("SELECT * FROM {table}"))).await?;
        let Some(first) = rows.first() else { continue };
        let columns = first.columns().iter().map(|column| column.name().to_owned()).collect();
        let cell = |row: &AnyRow, place: usize| {
            let text = row.column(place).type_info().kind() == AnyTypeInfoKind::Text;
            match row.try_get(place) {
                Ok(number) if !text => Cell::Number(number),
                _ => Cell::Text(row.try_get(place).unwrap_or_default()),
            }
        };
        let cells = rows.iter().map(|row| (0..row.len()).map(|place| cell(row, place)).collect());
        let rows = cells.collect();
        all.insert(table, Table { columns, rows });
    }
    Ok(all)
}

fn count(rows: &Rows) -> usize {
    rows.values().map(|table| table.rows.len()).sum()
}

/// What `after` has that `before` hadn't: as many rows from each table's end.
fn new_rows(before: &BTreeMap<String, usize>, mut after: Rows) -> Rows {
    for (name, table) in &mut after {
        let old = before.get(name).copied().unwrap_or_default();
        table.rows.drain(..old.min(table.rows.len()));
    }
    after
}

fn counts(rows: &Rows) -> BTreeMap<String, usize> {
    rows.iter().map(|(name, table)| (name.clone(), table.rows.len())).collect()
}

/// Inserts the rows into an empty record in one transaction, so many in a statement; gives back the seconds.
async fn inserted_bare(url: &str, rows: &Rows, at_once: usize) -> anyhow::Result<f64> {
    let newest = versions(if is_postgres(url) {
        zoufang::db::Dialect::Postgres
    } else {
        zoufang::db::Dialect::Sqlite
    });
    Store::migrate(url, newest.last().copied().unwrap_or_default()).await?;
    let mut db = AnyConnection::connect(url).await?;
    // Rows come in any order: what they refer to may come later, or not at all.
    let setting = if is_postgres(url) {
        "SET session_replication_role = replica"
    } else {
        "PRAGMA foreign_keys = OFF; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768"
    };
    db.execute(setting).await?;
    for table in tables(&mut db, is_postgres(url)).await? {
        db.execute(AssertSqlSafe(format!("DELETE FROM {table}"))).await?;
    }
    let began = Instant::now();
    let mut tx = db.begin().await?;
    for (table, Table { columns, rows }) in rows {
        // PostgreSQL takes 65,535 parameters, SQLite 32,766.
        let at_once = at_once.min(32_000 / columns.len());
        for set in rows.chunks(at_once) {
            let mut place = 0;
            let row = |_: &Vec<Cell>| {
                let places: Vec<String> = columns
                    .iter()
                    .map(|_| {
                        place += 1;
                        format!("${place}")
                    })
                    .collect();
                format!("({})", places.join(", "))
            };
            let values: Vec<String> = set.iter().map(row).collect();
            let insert = format!(
                "INSERT INTO {table} ({}) VALUES {}",
                columns.join(", "),
                values.join(", ")
            );
            let mut query = sqlx::query::<Any>(AssertSqlSafe(insert));
            for cell in set.iter().flatten() {
                query = match cell {
                    Cell::Text(text) => query.bind(text.clone()),
                    Cell::Number(number) => query.bind(*number),
                };
            }
            query.execute(&mut *tx).await?;
        }
    }
    tx.commit().await?;
    Ok(began.elapsed().as_secs_f64())
}

/// Where records are made.
enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    /// The address of an empty one; nothing where there is no PostgreSQL.
    async fn empty(&self, folder: &Path, name: &str) -> Option<String> {
        match self {
            Database::Sqlite => {
                Some(format!("sqlite://{}?mode=rwc", folder.join(format!("{name}.db")).display()))
            }
            Database::Postgres => support::postgres::database().await,
        }
    }
}

async fn against_bare(database: &Database, name: &str, n: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let Some(url) = database.empty(folder, "imported").await else { return Ok(()) };
    township(&url, "ehushanying").await?.close().await;
    let [subjects, assignments] = subjects(0, n);
    let visits = visits("", n, n, 4);
    let files: [(&str, Vec<(&str, &str)>); 2] = [
        ("subjects with assignments", vec![("o.csv", &subjects), ("f.csv", &assignments)]),
        ("visits, a quarter with an issue", vec![("v.csv", &visits)]),
    ];
    let mut before = counts(&rows(&url).await?);
    for (what, tables) in files {
        let took = imported(folder, &url, &tables).await?;
        let after = rows(&url).await?;
        let now = counts(&after);
        let new = new_rows(&before, after);
        before = now;
        let mut seconds = Vec::new();
        for at_once in [1, SET] {
            let Some(bare) = database.empty(folder, &format!("bare-{what}-{at_once}")).await else {
                return Ok(());
            };
            seconds.push(inserted_bare(&bare, &new, at_once).await?);
        }
        let rows = count(&new);
        let Took { seconds: by_import, memory, longest_turn } = took;
        println!(
            "| {name} | {n} {what} | {rows} | {by_import:.1} s | {:.0} | {:.0} | {:.2} | {:.0} | {:.2} | {memory:.0} MiB | {longest_turn:.0} ms |",
            rows as f64 / by_import,
            rows as f64 / seconds[0],
            seconds[0] / by_import,
            rows as f64 / seconds[1],
            seconds[1] / by_import,
        );
    }
    Ok(())
}

/// Referrals in a second while nothing else happens, and while subjects come in.
async fn beside_delivery(database: &Database, name: &str, n: usize) -> anyhow::Result<()> {
    let seeds = Seeds::make(n).await?;
    let lane_name =
        settings("http://127.0.0.1", DESCRIPTION, tempfile::tempdir()?.path())?.platform.name;
    let mut rates = Vec::new();
    for beside in [false, true] {
        let folder = tempfile::tempdir()?;
        let folder = folder.path();
        let url = match database {
            Database::Sqlite => Some(seeds.on_sqlite(folder)?),
            Database::Postgres => seeds.on_postgres().await?,
        };
        let Some(url) = url else { return Ok(()) };
        let received = Arc::new(AtomicUsize::new(0));
        let address = counting_sink(LATENCY, Arc::clone(&received)).await?;
        let store = Store::open(&url, context(&lane_name)?).await?;
        let lane = lane(&store, &address, folder)?;
        let began = Instant::now();
        let draining = tokio::spawn(async move {
            Arc::new(lane).drain().await?;
            Ok::<_, anyhow::Error>(began.elapsed().as_secs_f64())
        });
        let (rate, note) = if beside {
            // As many households of the seed's one village as it takes to be beside delivery all along.
            let lines: String = (0..n).map(|m| format!("\nB{m},家庭,示例户{m},高桥村")).collect();
            let table = format!("对象编号,对象类型,对象名称,所属村{lines}\n");
            let took = imported(folder, &url, &[("beside.csv", &table)]).await?;
            let (meanwhile, passed) = (received.load(Ordering::Relaxed), began.elapsed());
            let drained = draining.await??;
            let rate = if meanwhile < n {
                meanwhile as f64 / passed.as_secs_f64()
            } else {
                n as f64 / drained
            };
            let note = format!(
                "{meanwhile} sent when {n} subjects had come in after {:.1} s; longest turn {:.0} ms",
                took.seconds, took.longest_turn
            );
            (rate, note)
        } else {
            (n as f64 / draining.await??, String::new())
        };
        let sent = received.load(Ordering::Relaxed);
        anyhow::ensure!(sent == n, "{sent} messages for {n} debts");
        let referred = store.platform_debts().await?.iter().filter(|(_, id)| id.is_some()).count();
        anyhow::ensure!(referred == n, "{referred} of {n} were referred");
        store.close().await;
        rates.push(rate);
        let what = if beside { "while subjects come in" } else { "alone" };
        println!("| {name} | {what} | {rate:.0} | {:.2} | {note} |", rate / rates[0]);
    }
    Ok(())
}

/// The whole table.
pub async fn table(n: usize) -> anyhow::Result<()> {
    sqlx::any::install_default_drivers();
    println!(
        "\nImports against inserting the very same rows of all tables in one transaction by the same driver: row by row by a prepared statement, and {SET} in a statement\n"
    );
    println!(
        "| database | what | rows of all tables | import | rows a second | bare, row by row | ratio | bare, by sets | ratio | memory at most | longest turn |\n|---|---|---|---|---|---|---|---|---|---|---|"
    );
    let databases = [(Database::Sqlite, "SQLite FULL"), (Database::Postgres, "PostgreSQL")];
    for (database, name) in &databases {
        against_bare(database, name, n).await?;
    }
    println!("\nDelivery of {n} debts at 10 ms of latency, no message twice\n");
    println!("| database | delivery | per second | ratio | |\n|---|---|---|---|---|");
    for (database, name) in &databases {
        beside_delivery(database, name, n.min(50_000)).await?;
    }
    Ok(())
}
