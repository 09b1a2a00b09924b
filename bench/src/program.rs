//! The program itself as a process of its own, for memory and times that are its alone: this very binary, told to be it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

const AS_PROGRAM: &str = "ZOUFANG_BENCH_AS_PROGRAM";

/// Runs as the program where a bench started this process for that.
pub fn told_to_be_it() -> Option<ExitCode> {
    std::env::var_os(AS_PROGRAM).map(|_| zoufang::cli::main())
}

fn command(folder: &Path, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(arguments)
        .args(["--config", "zoufang.toml"])
        .env(AS_PROGRAM, "1")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Ok(command)
}

/// A process of the program that ends with its holder.
pub struct Running {
    process: Child,
    log: PathBuf,
}

impl Running {
    pub fn start(folder: &Path, arguments: &[&str]) -> anyhow::Result<Running> {
        let log = folder.join(format!("{}.log", arguments[0]));
        let process = command(folder, arguments)?.stderr(std::fs::File::create(&log)?).spawn()?;
        Ok(Running { process, log })
    }

    /// Whether it has ended; an error where it failed.
    pub fn ended(&mut self) -> anyhow::Result<bool> {
        let Some(status) = self.process.try_wait()? else { return Ok(false) };
        anyhow::ensure!(status.success(), "it failed: {}", std::fs::read_to_string(&self.log)?);
        Ok(true)
    }

    /// A figure of its memory in MiB: `VmRSS`, `VmHWM`.
    pub fn memory(&self, figure: &str) -> anyhow::Result<f64> {
        memory_of(&self.process.id().to_string(), figure)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A figure of a process's memory in MiB.
pub fn memory_of(process: &str, figure: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with(figure)).unwrap_or_default();
    let kib: f64 = line.split_whitespace().nth(1).unwrap_or("0").parse()?;
    Ok(kib / 1024.0)
}
