//! A PostgreSQL server of a test's own: it may be cut off, started again, and have a standby.

use std::path::PathBuf;
use std::process::Child;

use sqlx::Executor;

use super::postgres::{Binaries, connect, free_port, well};

pub struct OwnServer {
    pub port: u16,
    binaries: Binaries,
    folder: PathBuf,
    keeper: Option<Child>,
}

impl OwnServer {
    pub async fn start() -> Option<OwnServer> {
        let binaries = Binaries::found()?;
        let folder = binaries.folder();
        binaries.empty(&folder);
        let mut own = OwnServer { port: free_port(), binaries, folder, keeper: None };
        own.go_on().await;
        Some(own)
    }

    /// Ends as at a power cut.
    pub fn cut(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        }
    }

    pub async fn go_on(&mut self) {
        self.keeper = Some(self.binaries.serve(&self.folder, self.port, "", "true"));
        connect(self.port).await;
    }

    /// A standby that follows it; with `waits` nothing is kept here before it's there too.
    pub async fn standby(&self, waits: bool) -> OwnServer {
        let binaries = Binaries { folder: self.binaries.folder.clone(), ..self.binaries };
        let folder = binaries.folder();
        well(&format!(
            "{} -D {}/data -h 127.0.0.1 -p {} -U zoufang -R -X stream -c fast",
            binaries.run("pg_basebackup"),
            folder.display(),
            self.port
        ));
        let mut standby = OwnServer { port: free_port(), binaries, folder, keeper: None };
        standby.go_on().await;
        if waits {
            let mut here = connect(self.port).await;
            here.execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await.unwrap();
            here.execute("SELECT pg_reload_conf()").await.unwrap();
        }
        standby
    }

    /// A standby becomes the first.
    pub fn promote(&self) {
        let data = self.folder.join("data");
        well(&format!("{} -D {} -w promote", self.binaries.run("pg_ctl"), data.display()));
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.cut();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
