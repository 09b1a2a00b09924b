//! PostgreSQL's own programs: found, asked for their version, and told how to reach the server without showing a password.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use super::BackupError;
use super::archive::unreadable;
use crate::domain::reason::of_system;

/// Where Debian puts each version's programs, whichever of them is on the path.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A program of PostgreSQL's that is at least as new as the server.
///
/// # Errors
/// Where there is none, or only an older one.
pub fn tool(name: &str, server: u32) -> Result<PathBuf, BackupError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let beside = versions.map(|version| version.path().join("bin"));
    let found = std::env::split_paths(&path).chain(beside).filter_map(|folder| {
        let program = folder.join(name);
        Some((version_of(&program)?, program))
    });
    let (new, old): (Vec<_>, Vec<_>) = found.partition(|(version, _)| *version >= server);
    // The nearest: a newer one may write what an older server doesn't understand.
    if let Some((_, program)) = new.into_iter().min_by_key(|(version, _)| *version) {
        return Ok(program);
    }
    let newest = old.into_iter().map(|(version, _)| version).max();
    Err(BackupError::Tool(match newest {
        Some(found) => format!(
            "{name} 是 {found} 版的，比数据库服务器（{server} 版）旧，不能用它备份：请安装 {server} 版的客户端（Debian：apt-get install postgresql-client-{server}）"
        ),
        None => format!(
            "这台机器上没有 {name}，PostgreSQL 的备份和恢复要用它：请安装 {server} 版的客户端（Debian：apt-get install postgresql-client-{server}）"
        ),
    }))
}

/// `pg_dump (PostgreSQL) 17.2 (Debian 17.2-1)`
fn version_of(program: &PathBuf) -> Option<u32> {
    if !program.is_file() {
        return None;
    }
    let said = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let after = said.split_once(") ")?.1;
    let major: String = after.chars().take_while(char::is_ascii_digit).collect();
    major.parse().ok()
}

/// A program that is told where the record is: its address without the password, which goes by the environment, where no
/// other user of the machine sees it.
pub(super) fn for_server(program: PathBuf, url: &str) -> Command {
    let (address, password) = parted(url);
    let mut command = Command::new(program);
    // What it says is ours to put into words.
    command.env("LC_ALL", "C").arg("--dbname").arg(address);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    command
}

/// Runs a program to its end: it's fed from `feed`, and what it gives is read by `read`.
///
/// # Errors
/// What the feed couldn't give, as it says it; else what the program itself says.
pub(super) fn run<T: Send>(
    command: &mut Command,
    feed: Option<&mut (dyn Read + Send)>,
    read: impl FnOnce(ChildStdout) -> io::Result<T> + Send,
) -> Result<T, BackupError> {
    let name = command.get_program().to_string_lossy();
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    let input = if feed.is_some() { Stdio::piped() } else { Stdio::null() };
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |why: io::Error| {
        BackupError::Tool(format!("{name} 没有运行成功：{}", of_system(why.kind())))
    };
    let mut child = command.spawn().map_err(failed)?;
    let (fed, given, said) = talk(&mut child, feed, read);
    let status = child.wait().map_err(failed)?;
    // One that stopped reading says why itself.
    if let Err(why) = fed.as_ref().map_err(io::Error::kind)
        && why != io::ErrorKind::BrokenPipe
    {
        return Err(unreadable(Path::new("备份"), &why.into()));
    }
    if !status.success() {
        let said = said.lines().next().unwrap_or_default();
        return Err(BackupError::Tool(format!(
            "{name} 没有成功，请核对数据库的地址、账号和权限，以及数据库的日志。它说：{said}"
        )));
    }
    given.map_err(failed)
}

/// Feeds, reads and listens at once, so that neither waits for the other.
fn talk<T: Send>(
    child: &mut Child,
    feed: Option<&mut (dyn Read + Send)>,
    read: impl FnOnce(ChildStdout) -> io::Result<T> + Send,
) -> (io::Result<u64>, io::Result<T>, String) {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
    thread::scope(|scope| {
        let feeding = feed
            .zip(input)
            .map(|(from, mut input)| scope.spawn(move || io::copy(from, &mut input)));
        let listening = scope.spawn(move || {
            let mut said = Vec::new();
            // What it says without end is read, not kept.
            if let Some(mut errors) = errors {
                let _ = (&mut errors).take(64 << 10).read_to_end(&mut said);
                let _ = io::copy(&mut errors, &mut io::sink());
            }
            String::from_utf8_lossy(&said).into_owned()
        });
        let given = output.ok_or_else(broken).and_then(read);
        let fed = feeding.map_or(Ok(0), |feeding| feeding.join().unwrap_or_else(|_| Err(broken())));
        (fed, given, listening.join().unwrap_or_default())
    })
}

/// What PostgreSQL's own library understands of an address; the rest is this program's driver's.
const KNOWN: &[(&str, &str)] = &[
    ("host", "host"),
    ("hostaddr", "hostaddr"),
    ("port", "port"),
    ("dbname", "dbname"),
    ("user", "user"),
    ("options", "options"),
    ("sslmode", "sslmode"),
    ("ssl-mode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("ssl-root-cert", "sslrootcert"),
    ("ssl-ca", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("ssl-cert", "sslcert"),
    ("sslkey", "sslkey"),
    ("ssl-key", "sslkey"),
];

fn parted(url: &str) -> (String, Option<String>) {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let (login, place) = rest.rsplit_once('@').map_or((None, rest), |(l, p)| (Some(l), p));
    let (user, mut password) = match login.map(|login| login.split_once(':').unwrap_or((login, "")))
    {
        Some((user, password)) => {
            (format!("{user}@"), (!password.is_empty()).then(|| decoded(password)))
        }
        None => (String::new(), None),
    };
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name == "password" {
            password = Some(decoded(value));
        }
        let known = KNOWN.iter().find(|(ours, _)| *ours == name);
        kept.extend(known.map(|(_, theirs)| format!("{theirs}={value}")));
    }
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    (format!("{scheme}://{user}{place}{query}"), password)
}

/// `%40` is `@` (RFC 3986, 2.1).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        rest = match (byte, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                &after[2..]
            }
            _ => {
                bytes.push(*byte);
                after
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_by_the_environment_only() {
        for (url, address, password) in [
            (
                "postgres://z:ge%40heim@h:5432/town?sslmode=require&statement-cache-capacity=9",
                "postgres://z@h:5432/town?sslmode=require",
                Some("ge@heim"),
            ),
            ("postgres://h/town?user=z&password=x", "postgres://h/town?user=z", Some("x")),
            ("postgresql://z@127.0.0.1:5/t0", "postgresql://z@127.0.0.1:5/t0", None),
        ] {
            let (found, secret) = parted(url);
            assert_eq!((found.as_str(), secret.as_deref()), (address, password));
        }
    }

    #[test]
    fn what_isnt_installed_is_said_with_what_to_install() {
        let said = tool("pg_nothing", 17).unwrap_err().to_string();
        assert!(
            said.contains("没有 pg_nothing") && said.contains("postgresql-client-17"),
            "{said}"
        );
        if tool("pg_dump", 1).is_ok() {
            let said = tool("pg_dump", 9_999).unwrap_err().to_string();
            assert!(said.contains("比数据库服务器（9999 版）旧"), "{said}");
        }
    }
}
