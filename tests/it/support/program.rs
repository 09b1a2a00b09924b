//! The program itself, as a process.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

pub fn zoufang() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zoufang"));
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn run(arguments: &[&str], folder: &Path) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        zoufang().args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// A process that dies with its test.
pub struct Running(pub Child);

impl Running {
    pub fn start(arguments: &[&str], folder: &Path, log: &str) -> Running {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(folder.join(log)).unwrap();
        let child = zoufang()
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Running(child)
    }

    /// SIGKILL: no time to finish anything.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// What it holds: memory, and open files.
    pub fn load(&self) -> String {
        let own = format!("/proc/{}", self.0.id());
        let status = std::fs::read_to_string(format!("{own}/status")).unwrap();
        let memory = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        format!("{memory}, {} files", std::fs::read_dir(format!("{own}/fd")).unwrap().count())
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(&mut self) -> i32 {
        self.signal("-TERM");
        self.0.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
