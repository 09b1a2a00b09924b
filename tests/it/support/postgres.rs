//! A temporary PostgreSQL from the installed binaries, one for the whole test program. It ends with the
//! program: its keeper reads a pipe that closes when the program does, however it ends.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};

struct Server {
    port: u16,
    /// Held so that its standard input stays open.
    _keeper: Child,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The address of a new, empty database.
pub async fn database() -> Option<String> {
    database_made("").await
}

/// The address of a new database, made as `how` says: `TEMPLATE NAME`.
pub async fn database_made(how: &str) -> Option<String> {
    let server =
        tokio::task::spawn_blocking(|| SERVER.get_or_init(start)).await.unwrap().as_ref()?;
    let name = format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let statement = format!("CREATE DATABASE {name} {how}");
    connect(server.port).await.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    Some(format!("postgres://zoufang@127.0.0.1:{}/{name}", server.port))
}

pub(super) async fn connect(port: u16) -> PgConnection {
    let url = format!("postgres://zoufang@127.0.0.1:{port}/postgres");
    for _ in 0..2400 {
        if let Ok(connection) = PgConnection::connect(&url).await {
            return connection;
        }
        // The server is another process: its start is waited for in real time.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the temporary PostgreSQL didn't start");
}

/// The installed programs, and how they're run: not as root.
pub(super) struct Binaries {
    pub(super) folder: PathBuf,
    pub(super) as_root: bool,
}

impl Binaries {
    pub(super) fn found() -> Option<Binaries> {
        let Some(folder) = binaries() else {
            // Written past the test harness, which hides what a passing test prints.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED on PostgreSQL: no initdb found under /usr/lib/postgresql or PATH"
            );
            return None;
        };
        Some(Binaries { folder, as_root: is_root() })
    }

    pub(super) fn run(&self, program: &str) -> String {
        let program = self.folder.join(program);
        let who = if self.as_root { "runuser -u postgres -- " } else { "" };
        format!("{who}{}", program.display())
    }

    /// A folder that the server may write.
    pub(super) fn folder(&self) -> PathBuf {
        let folder = tempfile::Builder::new().prefix("zoufang-pg-").tempdir().unwrap().keep();
        std::fs::create_dir(folder.join("socket")).unwrap();
        if self.as_root {
            let owned = Command::new("chown").args(["-R", "postgres"]).arg(&folder).status();
            assert!(owned.unwrap().success());
        }
        folder
    }

    pub(super) fn empty(&self, folder: &Path) {
        let data = folder.join("data");
        well(&format!(
            "{} -D {} -U zoufang -A trust -E UTF8 --locale=C -N",
            self.run("initdb"),
            data.display()
        ));
    }

    /// Serves until its standard input closes, at the latest with this program; `then` is run after it.
    pub(super) fn serve(&self, folder: &Path, port: u16, more: &str, then: &str) -> Child {
        let data = folder.join("data");
        let server = format!(
            "{} -D {} -p {port} -k {}/socket -c listen_addresses=127.0.0.1 -c fsync={} -c max_connections=200 {more}",
            self.run("postgres"),
            data.display(),
            folder.display(),
            super::FSYNC
        );
        let stop = format!("{} -D {} -m immediate stop", self.run("pg_ctl"), data.display());
        let script = format!("{server} & cat; {stop}; {then}");
        let mut keeper = shell(&script);
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

/// Runs it to its good end.
pub(super) fn well(script: &str) {
    let done = shell(script).stdout(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

fn start() -> Option<Server> {
    let binaries = Binaries::found()?;
    let folder = binaries.folder();
    binaries.empty(&folder);
    let port = free_port();
    let remove = format!("rm -rf {}", folder.display());
    let keeper = binaries.serve(&folder, port, "", &remove);
    Some(Server { port, _keeper: keeper })
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir("/");
    command
}

fn binaries() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let installed = installed.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    installed.chain(std::env::split_paths(&path)).find(|folder| folder.join("initdb").exists())
}

pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|me| me.uid() == 0)
}

/// A port that is free until whoever asked takes it: each is given once, and from below those that the system gives to
/// connections that go out, which would else be given it in the meantime.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 22_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Another test program beside this one begins elsewhere.
    let begin = std::process::id().wrapping_mul(101) % COUNT;
    loop {
        let port = FIRST + (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
