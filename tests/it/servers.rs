//! Servers of other kinds. Behind a real PgBouncer: by the session it works as without one; by the transaction or the statement
//! it's refused at the start, with the reason, and nothing of the record is touched. And any server that speaks PostgreSQL's
//! protocol, by its address.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Url;
use zoufang::clock::Clock;
use zoufang::db::StoreError;
use zoufang::domain::issue::State;

use crate::db::{deliver, one_city_issue, the_issue};
use crate::support::postgres::{self, free_port, is_root};
use crate::support::{Fixture, open};

const PROGRAM: &str = "/usr/sbin/pgbouncer";

struct Pooler {
    url: String,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pooler {
    /// One before a new database; nothing where the machine has none.
    async fn by(mode: &str, more: &str) -> Option<Pooler> {
        if !Path::new(PROGRAM).exists() {
            let _ = writeln!(std::io::stderr(), "SKIPPED behind PgBouncer: no {PROGRAM}");
            return None;
        }
        let server = Url::parse(&postgres::database().await?).unwrap();
        let (port, name) = (server.port().unwrap(), server.path().trim_matches('/'));
        let folder = tempfile::tempdir().unwrap();
        let own = free_port();
        let file = folder.path().join("pgbouncer.ini");
        let settings = format!(
            "[databases]\n{name} = host=127.0.0.1 port={port} user=zoufang\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {own}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\nignore_startup_parameters = extra_float_digits\n{more}"
        );
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("-q");
        if is_root() {
            // It refuses to run as root.
            command.args(["-u", "postgres"]);
        }
        let child = command.arg(&file).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..1200 {
            if std::net::TcpStream::connect(("127.0.0.1", own)).is_ok() {
                break;
            }
            // Another process: its start is waited for in real time.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let url = format!("postgres://zoufang@127.0.0.1:{own}/{name}");
        Some(Pooler { url, child, _folder: folder })
    }
}

/// From an empty database to a referral that was taken.
async fn works_at(url: &str) {
    let fixture = one_city_issue(Fixture::at_url(url.to_owned()).await).await;
    let store = &fixture.store;
    deliver(store, "R-1").await;
    assert_ne!(the_issue(store).await.issue.state, State::Queued);
    assert!(store.recount().await.unwrap().is_empty());
}

/// Whether a server that is said to be like PostgreSQL is like it in what the program needs (docs/postgresql.md):
/// `ZOUFANG_SERVER=postgres://… cargo test --test it servers::` with the address of an empty database.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_named_works() {
    if let Ok(url) = std::env::var("ZOUFANG_SERVER") {
        works_at(&url).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_session_it_works() {
    if let Some(pooler) = Pooler::by("session", "").await {
        works_at(&pooler.url).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_transaction_or_the_statement_it_is_refused() {
    for (mode, more, cure) in [
        ("transaction", "", "pool_mode"),
        ("transaction", "server_round_robin = 1\n", "pool_mode"),
        ("transaction", "default_pool_size = 1\n", "default_pool_size"),
        ("session", "default_pool_size = 1\n", "default_pool_size"),
        ("statement", "", "pool_mode"),
    ] {
        let Some(pooler) = Pooler::by(mode, more).await else { return };
        let refused = open(&pooler.url, Clock::system(), 7).await.err().unwrap();
        assert!(matches!(refused, StoreError::Rule(_)), "{mode} {more}: {refused:?}");
        assert!(refused.to_string().contains(cure), "{refused}");
    }
}
