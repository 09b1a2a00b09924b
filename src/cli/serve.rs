//! `zoufang serve`: the daemon, until SIGTERM or Ctrl-C.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::record::ConfigFile;
use super::{logging, read_instant, wrong_input};
use crate::clock::{Chance, Clock, local_text, pause};
use crate::daemon::{Daemon, open_store};
use crate::domain::reason::of_system;
use crate::tls::Looked;
use crate::web;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// 演练：时钟从这一刻开始，如 2022-03-01T08:00
    #[arg(long, value_name = "INSTANT", value_parser = read_instant)]
    clock_start: Option<jiff::Timestamp>,
    /// 演练：时钟快多少倍
    #[arg(long, value_name = "N", default_value_t = 1.0, requires = "clock_start")]
    clock_speed: f64,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.config.settings()?;
    logging::start(&settings.log)?;
    if !(arguments.clock_speed > 0.0 && arguments.clock_speed.is_finite()) {
        return Err(wrong_input("--clock-speed 要大于 0"));
    }
    let clock = match arguments.clock_start {
        Some(start) => Clock::scaled(start, arguments.clock_speed),
        None => Clock::system(),
    };
    web::metrics::record();
    let listen = settings.http.listen.clone();
    let listener = TcpListener::bind(&listen)
        .await
        .map_err(|why| cannot_listen("http.listen", &listen, why))?;
    let used = arguments.config.used(&settings);
    let store = open_store(&settings, clock, Chance::system()).await?;
    let shutdown = CancellationToken::new();
    let daemon = Arc::new(Daemon::new(settings, store.clone(), shutdown.clone())?);
    let pages =
        threads_of_pages()?.spawn(web::serve(listener, Arc::clone(&daemon), shutdown.clone()));
    tokio::spawn(stop_on_signal(shutdown.clone()));
    tokio::spawn(keep_certificate(Arc::clone(&daemon)));
    info!(event = "service.started", %listen, config = used.config.unwrap_or_default(), database = %used.database, version = env!("CARGO_PKG_VERSION"), rehearsal = store.context().clock.is_rehearsal(), "serving");
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]);
    daemon.run().await?;
    let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Stopping]);
    pages.await??;
    store.close().await;
    info!(event = "service.stopped", "stopped");
    Ok(ExitCode::SUCCESS)
}

/// Threads of the pages' own, so that an answer never stands in line behind what is sent and recorded. They end with the
/// program: others may use a connection to the database that was made there.
fn threads_of_pages() -> std::io::Result<&'static Runtime> {
    let own =
        Builder::new_multi_thread().worker_threads(2).thread_name("pages").enable_all().build()?;
    Ok(Box::leak(Box::new(own)))
}

/// That an address can't be listened on, and why.
pub(super) fn cannot_listen(key: &str, address: &str, why: std::io::Error) -> anyhow::Error {
    let said = of_system(why.kind());
    anyhow::Error::new(why).context(format!("{key}：{address} 不能监听：{said}"))
}

/// How often the certificate's files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Looks at the certificate's files now and then, and at SIGHUP, which ends nothing.
async fn keep_certificate(daemon: Arc<Daemon>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    loop {
        tokio::select! {
            _ = hangup.recv() => info!(event = "service.reload", "looking at the certificate's files"),
            () = pause(LOOK_EVERY) => {}
        }
        let Some(own) = daemon.certificate() else { continue };
        match own.look_again() {
            Looked::Same => {}
            Looked::Renewed => {
                let ends = own.ends().map(local_text).unwrap_or_default();
                info!(event = "tls.renewed", ends, "the certificate's new files hold");
            }
            Looked::Useless(why) => {
                warn!(event = "tls.useless", %why, "the certificate's new files can't be used");
            }
        }
    }
}

/// Gives the word to stop on SIGTERM or Ctrl-C.
pub async fn stop_on_signal(shutdown: CancellationToken) {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    shutdown.cancel();
}
