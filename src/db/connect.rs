//! Opening the database: pools, pragmas, migrations under a lock, and the key's fingerprint.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::MigrateError;
use sqlx::{AnyPool, Connection, Executor};

use crate::domain::obligations::Plans;
use crate::domain::reason::of_system;
use crate::private_file::{claim, open_lock};

use super::connection::{Pool, REST, within};
use super::in_use::InUse;
use super::last_tree::LastTree;
use super::pooler::refuse_shared;
use super::{Context, Dialect, Result, Store, StoreError};

const READERS: u32 = 4;
/// Whoever reads a page has a couple of seconds: a connection that isn't there within this time isn't waited for.
const PAGE_WAITS: Duration = Duration::from_secs(1);
/// And a server that hasn't read it by then needn't go on.
const PAGE_MILLIS: u32 = 1_500;
/// Nor is one that says nothing by then there any more.
const PAGE: Duration = Duration::from_secs(5);
/// All that is counted or handed in is read by statements of seconds.
const READING: Duration = Duration::from_secs(300);
/// No turn is nearly as long, and everybody waits for it.
const CHANGING: Duration = Duration::from_secs(60);
/// How long a writer waits for another process's transaction, such as an import beside the daemon.
const BUSY_MILLIS: u32 = 30_000;

impl Store {
    /// Opens the database at `url` (`sqlite://FILE` or `postgres://…`), makes it if it's a file that
    /// isn't there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::NewerDatabase`] where a newer program has already changed the schema,
    /// [`StoreError::WrongKey`] where the data was sealed with another key.
    pub async fn open(url: &str, context: Context) -> Result<Store> {
        sqlx::any::install_default_drivers();
        let dialect = dialect_of(url)?;
        make_file(url, dialect)?;
        let write = connect(url, dialect, 1).await?;
        if dialect == Dialect::Postgres {
            refuse_shared(url, &write).await?;
        }
        migrate(url, dialect, &write, i64::MAX).await?;
        let in_use = match dialect {
            Dialect::Sqlite => Some(Arc::new(InUse::of(sqlite_file(url))?)),
            Dialect::Postgres => None,
        };
        let read = Pool::new(connect(url, dialect, READERS).await?, dialect.silence(READING));
        let pages = pages(url, dialect)?;
        // What was applied before is taken up below.
        let file = Plans::first(i64::MIN, Arc::new(context.campaign.clone()));
        let plans = Arc::new(RwLock::new(Arc::new(file)));
        let store = Store {
            read,
            pages,
            write: Pool::new(write, dialect.silence(CHANGING)),
            turns: super::writer::Turns::default(),
            dialect,
            context: Arc::new(context),
            plans,
            contacts: Arc::default(),
            last_tree: LastTree::default(),
            origin: Arc::default(),
            in_use,
        };
        store.check_key().await?;
        store.refresh_plan().await?;
        store.count_first().await?;
        store.take_over_audit().await?;
        Ok(store)
    }

    /// Remembers the key's fingerprint the first time, and refuses any other key afterwards.
    async fn check_key(&self) -> Result<()> {
        let found = self.context.sealer.fingerprint();
        let expected = match self.known_key(&self.read).await? {
            Some(known) => known,
            None => self.remember_key(&found).await?,
        };
        let sealer = &self.context.sealer;
        if sealer.knows(&expected) { Ok(()) } else { Err(StoreError::WrongKey { expected, found }) }
    }

    /// The fingerprint of the key that the record goes by.
    pub async fn key_of_record(&self) -> Result<Option<String>> {
        self.known_key(&self.read).await
    }

    async fn known_key(&self, pool: &Pool) -> Result<Option<String>> {
        let known = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'key'");
        Ok(known.fetch_optional(pool).await?)
    }

    /// Unless another process was first, whose is given then.
    async fn remember_key(&self, found: &str) -> Result<String> {
        sqlx::query(
            "INSERT INTO meta (name, value) VALUES ('key', $1) ON CONFLICT (name) DO NOTHING",
        )
        .bind(found.to_owned())
        .execute(&self.write)
        .await?;
        Ok(self.known_key(&self.write).await?.unwrap_or_default())
    }
}

pub(super) fn dialect_of(url: &str) -> Result<Dialect> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Dialect::Sqlite),
        Some("postgres" | "postgresql") => Ok(Dialect::Postgres),
        _ => Err(StoreError::Rule(format!(
            "database.url 要以 sqlite:// 或 postgres:// 开头，现在是：{}",
            url.split(':').next().unwrap_or_default()
        ))),
    }
}

/// The file behind a `sqlite://` address.
pub(super) fn sqlite_file(url: &str) -> &str {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    path.split('?').next().unwrap_or(path)
}

/// Pages that a connection may keep, in KiB. A change that touches more than it may keep writes them out in its
/// midst and once more at its end: a thousand answers to a million referrals touch some twenty MiB.
const WRITER_CACHE: u32 = 32 << 10;
const READER_CACHE: u32 = 2 << 10;

/// At so many pages in SQLite's log whoever writes carries them into the database at the end of a turn. Mostly it has been
/// done before, beside the turns: see [`Store::checkpoint`].
const LONGEST_LOG: u32 = 16_000;

/// What lies in memory costs the same wherever it lies: PostgreSQL, which counts on a turning disk, would rather read a
/// whole table of some ten thousand rows than look up a hundred of them.
const CACHED: &str = "SET random_page_cost = 1.1";

/// The address, and what each connection is told first.
fn settings(url: &str, dialect: Dialect, cache: u32) -> (String, String) {
    let pragmas = format!(
        "PRAGMA busy_timeout = {BUSY_MILLIS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -{cache}; PRAGMA wal_autocheckpoint = {LONGEST_LOG};"
    );
    match dialect {
        Dialect::Postgres => (url.to_owned(), CACHED.to_owned()),
        Dialect::Sqlite if url.contains("mode=") => (url.to_owned(), pragmas),
        Dialect::Sqlite => (format!("{url}?mode=rwc"), pragmas),
    }
}

fn pool(connections: u32, dialect: Dialect, settings: String) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(60))
        // Asked here instead, within a bound. A SQLite connection has nothing to go stale, and opening one anew costs its statements.
        .test_before_acquire(false)
        .before_acquire(move |connection, _| {
            Box::pin(async move {
                if dialect == Dialect::Postgres {
                    within(REST, connection.ping()).await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move {
                connection.execute(sqlx::AssertSqlSafe(settings)).await?;
                Ok(())
            })
        })
}

async fn connect(url: &str, dialect: Dialect, connections: u32) -> Result<AnyPool> {
    let cache = if connections == 1 { WRITER_CACHE } else { READER_CACHE };
    let (url, settings) = settings(url, dialect, cache);
    Ok(pool(connections, dialect, settings).connect(&url).await?)
}

/// Connections for pages only, opened as they are needed. Nothing there is waited for: neither a connection, nor a
/// statement, nor one that somebody stopped waiting for.
fn pages(url: &str, dialect: Dialect) -> Result<Pool> {
    let (url, mut settings) = settings(url, dialect, READER_CACHE);
    if dialect == Dialect::Postgres {
        settings.push_str(&format!("; SET statement_timeout = {PAGE_MILLIS}"));
    }
    let pool = pool(READERS, dialect, settings).acquire_timeout(PAGE_WAITS);
    Ok(Pool::new(pool.connect_lazy(&url)?, dialect.silence(PAGE)))
}

impl Store {
    /// The same record, read for pages: by connections of their own, so that nothing else that reads makes them wait, and
    /// none of which is waited for longer than a reader does.
    pub fn for_pages(&self) -> Store {
        Store { read: self.pages.clone(), ..self.clone() }
    }
}

/// A new file is its owner's alone, and so are the ones that SQLite puts beside it, whatever the umask; what was open to
/// others is shut. What can't be made SQLite itself will say.
fn make_file(url: &str, dialect: Dialect) -> Result<()> {
    if dialect == Dialect::Postgres || url.contains("mode=") {
        return Ok(());
    }
    let file = sqlite_file(url);
    if Path::new(file).is_symlink() && !Path::new(file).exists() {
        return Err(StoreError::Rule(format!(
            "数据库 {file} 是一个链接，它指的文件不在：请把文件放回去，或删掉链接"
        )));
    }
    for end in ["", "-wal", "-shm"] {
        let name = format!("{file}{end}");
        if end.is_empty() || Path::new(&name).exists() {
            let _ = claim(Path::new(&name));
        }
    }
    Ok(())
}

/// PostgreSQL's migrator holds an advisory lock; for SQLite a lock file beside the database does.
async fn migrate(url: &str, dialect: Dialect, pool: &AnyPool, up_to: i64) -> Result<()> {
    let _lock = match dialect {
        Dialect::Sqlite => Some(lock_file(sqlite_file(url)).await?),
        Dialect::Postgres => None,
    };
    super::migrations::of(dialect, up_to).run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => StoreError::NewerDatabase(version),
        MigrateError::VersionTooNew(version, _) => StoreError::NewerDatabase(version),
        other => StoreError::Migrate(other.to_string()),
    })
}

async fn lock_file(database: &str) -> Result<File> {
    let file = format!("{database}.lock");
    let lock = move || {
        open_lock(Path::new(&file))
            .and_then(|lock| lock.lock().map(|()| lock))
            .map_err(|why| StoreError::Lock { file, why: of_system(why.kind()) })
    };
    tokio::task::spawn_blocking(lock).await.map_err(|why| StoreError::Migrate(why.to_string()))?
}

impl Store {
    /// Brings the schema of the database at `url` to a version and no further, as the program of that time left it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn migrate(url: &str, up_to: i64) -> Result<()> {
        sqlx::any::install_default_drivers();
        let dialect = dialect_of(url)?;
        make_file(url, dialect)?;
        let pool = connect(url, dialect, 1).await?;
        migrate(url, dialect, &pool, up_to).await?;
        pool.close().await;
        Ok(())
    }
}
