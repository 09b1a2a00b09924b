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
    let server =
        tokio::task::spawn_blocking(|| SERVER.get_or_init(start)).await.unwrap().as_ref()?;
    let name = format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut connection = connect(server.port).await;
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    Some(format!("postgres://zoufang@127.0.0.1:{}/{name}", server.port))
}

async fn connect(port: u16) -> PgConnection {
    let url = format!("postgres://zoufang@127.0.0.1:{port}/postgres");
    for _ in 0..600 {
        if let Ok(connection) = PgConnection::connect(&url).await {
            return connection;
        }
        // The server is another process: its start is waited for in real time.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the temporary PostgreSQL didn't start");
}

fn start() -> Option<Server> {
    let Some(binaries) = binaries() else {
        // Written past the test harness, which hides what a passing test prints.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED on PostgreSQL: no initdb found under /usr/lib/postgresql or PATH"
        );
        return None;
    };
    let folder = tempfile::Builder::new().prefix("zoufang-pg-").tempdir().unwrap().keep();
    let (data, socket) = (folder.join("data"), folder.join("socket"));
    std::fs::create_dir(&socket).unwrap();
    let as_root = is_root();
    if as_root {
        assert!(
            Command::new("chown").args(["-R", "postgres"]).arg(&folder).status().unwrap().success()
        );
    }
    let run = |program: &str| {
        let program = binaries.join(program);
        if as_root {
            format!("runuser -u postgres -- {}", program.display())
        } else {
            program.display().to_string()
        }
    };
    let initdb = format!(
        "{} -D {} -U zoufang -A trust -E UTF8 --locale=C -N",
        run("initdb"),
        data.display()
    );
    let made = shell(&initdb).stdout(Stdio::null()).output().unwrap();
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let port = free_port();
    let server = format!(
        "{} -D {} -p {port} -k {} -c listen_addresses=127.0.0.1 -c fsync={} -c max_connections=200",
        run("postgres"),
        data.display(),
        socket.display(),
        super::FSYNC
    );
    let stop = format!("{} -D {} -m immediate stop", run("pg_ctl"), data.display());
    let script = format!("{server} & cat; {stop}; rm -rf {}", folder.display());
    let keeper = shell(&script)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
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

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|me| me.uid() == 0)
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
