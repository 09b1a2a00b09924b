//! Pages as a PDF, by a Chromium that is at hand.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::{ReportError, Result};

/// What it's called, in order.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "microsoft-edge"];

/// Prints a page to a PDF.
///
/// # Errors
/// Where there's no Chromium, or it doesn't print.
pub fn to_pdf(page: &Path, pdf: &Path) -> Result<()> {
    let wrong = |why: &str| {
        let why = format!("{why}；请去掉 --pdf 写成网页，用浏览器打开后打印");
        ReportError::File { file: pdf.display().to_string(), why }
    };
    let program = program().ok_or_else(|| wrong("这台机器没有谷歌浏览器一类的程序，做不成"))?;
    let profile = tempfile::tempdir().map_err(|_| wrong("建不了临时文件夹"))?;
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut to = std::ffi::OsString::from("--print-to-pdf=");
    to.push(whole(pdf));
    let mut from = std::ffi::OsString::from("file://");
    from.push(whole(page));
    let mut command = Command::new(program);
    command.args([
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ]);
    command.args(["--disable-component-update", "--disable-sync", "--no-pdf-header-footer"]);
    // Chromium's own walls don't stand under root; the page is ours and asks for nothing.
    if rustix::process::geteuid().is_root() {
        command.arg("--no-sandbox");
    }
    let mut folder = std::ffi::OsString::from("--user-data-dir=");
    folder.push(profile.path());
    let ended = command
        .args([folder.as_os_str(), to.as_os_str(), from.as_os_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match ended {
        Ok(status) if status.success() && pdf.is_file() => Ok(()),
        _ => Err(wrong("浏览器没有写成")),
    }
}

/// The first of them on the path; what `CHROMIUM` names goes before.
fn program() -> Option<std::path::PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(std::path::PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path)
        .flat_map(|folder| NAMES.map(|name| folder.join(OsStr::new(name))));
    named.filter(|file| file.is_file()).or_else(|| found.find(|file| file.is_file()))
}
