//! Structured logs: on standard error, for people on a terminal and as JSON otherwise, or into a file of their own. By the
//! township's time, of this program alone, and with nothing personal (docs/logs.md).

use std::fmt;
use std::io::IsTerminal;
use std::sync::Mutex;

use tracing::error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::log_file::LogFile;
use super::wrong_input;
use crate::clock::township_stamp;
use crate::settings::{Log, LogFormat};

/// Starts the service's log; a second call changes nothing.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = filter(&log.filter)?;
    let writer = if log.file.as_os_str().is_empty() {
        BoxMakeWriter::new(std::io::stderr)
    } else {
        let file = LogFile::open(log).map_err(wrong_input)?;
        BoxMakeWriter::new(Mutex::new(file))
    };
    begin(log, filter, writer);
    Ok(())
}

/// A command is quiet, unless the environment asks to hear what it does; what it changes goes into the service's log file,
/// where there is one.
pub fn start_command(log: &Log) -> anyhow::Result<()> {
    if std::env::var_os("ZOUFANG__LOG__FILTER").is_some() {
        begin(log, filter(&log.filter)?, BoxMakeWriter::new(std::io::stderr));
    } else if let Some(file) = LogFile::open_for_command(log) {
        begin(log, filter(&log.filter)?, BoxMakeWriter::new(Mutex::new(file)));
    }
    Ok(())
}

fn begin(log: &Log, filter: EnvFilter, writer: BoxMakeWriter) {
    let on_terminal = log.file.as_os_str().is_empty() && std::io::stderr().is_terminal();
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !on_terminal,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(TownshipTime)
        .with_writer(writer);
    // Fails only where logging was already started.
    let _ = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_ansi(on_terminal).try_init()
    };
    // What a panic says may be a text that was at hand: where it happened is enough.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        error!(event = "program.panicked", at, "the program has a fault");
    }));
}

/// What is logged: of this program what is asked for, of libraries only their errors, and none of the wire's, which hold all
/// that is sent.
fn filter(asked: &str) -> anyhow::Result<EnvFilter> {
    let wrong = || {
        wrong_input(format!(
            "log.filter：看不懂「{asked}」，应写成 off、warn、info，或 info,zoufang=debug"
        ))
    };
    let mut directives = Vec::new();
    for directive in asked.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        match directive.split_once('=') {
            None if directive.eq_ignore_ascii_case("off") => directives.push("off".to_owned()),
            None if is_level(directive) => {
                directives.push(format!("error,zoufang={directive}"));
            }
            Some((target, level))
                if is_level(level) && (is_of(target, "zoufang") || is_of(target, "sqlx")) =>
            {
                directives.push(directive.to_owned());
            }
            _ => return Err(wrong()),
        }
    }
    EnvFilter::try_new(directives.join(",")).map_err(|_| wrong())
}

fn is_level(text: &str) -> bool {
    ["off", "error", "warn", "info", "debug", "trace"]
        .iter()
        .any(|level| text.eq_ignore_ascii_case(level))
}

fn is_of(target: &str, program: &str) -> bool {
    target.strip_prefix(program).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The real time, as a clock on the township's wall shows it, with its distance from UTC.
struct TownshipTime;

impl FormatTime for TownshipTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&township_stamp())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn libraries_are_not_heard_whatever_is_asked_for() {
        let directives = |asked: &str| {
            let text = filter(asked).unwrap().to_string();
            let mut all: Vec<String> = text.split(',').map(str::to_owned).collect();
            all.sort_unstable();
            all
        };
        assert_eq!(directives("trace"), ["error", "zoufang=trace"]);
        assert_eq!(directives("off,sqlx::query=debug"), ["off", "sqlx::query=debug"]);
        assert_eq!(directives("info, zoufang::web=debug").len(), 3);
        for wrong in ["loud", "hyper=trace", "zoufangs=info", "zoufang=loud", "trace,lettre=debug"]
        {
            assert!(filter(wrong).unwrap_err().to_string().contains("log.filter"), "{wrong}");
        }
    }
}
