//! The watch: what goes wrong beside the record, looked at several times a minute of real time: room on the disks, the record's
//! file and its lock, damaged pages, the clock, certificates, the rights of keys, the age of the backup. What is seen stays in
//! memory, so that it can be told while nothing can be read or written.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::certificates;
use crate::backup::{Kept, newest};
use crate::clock::{Clock, Steadiness, Stopwatch, pause};
use crate::db::{Original, Store, StoreError, database_file};
use crate::domain::health::{CertificateFacts, ClockFacts, DiskFacts, Lost};
use crate::private_file::{folder_of, free_bytes, too_wide};
use crate::settings::Settings;

const EVERY: Duration = Duration::from_secs(10);
/// Pages are looked through about once a minute, and for at most a hundredth of the time where there are many.
const PAGES_EVERY: Duration = Duration::from_secs(45);
const PAGES_SHARE: u32 = 100;
const CERTIFICATES_EVERY: Duration = Duration::from_secs(6 * 3600);
/// For how long it's said that the clock was put.
const CLOCK_SAID: Duration = Duration::from_secs(24 * 3600);

/// What is known of the machine.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Watched>);

/// What was seen last.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    pub disks: Vec<DiskFacts>,
    pub lost: Option<Lost>,
    pub damage: Option<String>,
    pub clock: Option<ClockFacts>,
    pub certificates: Vec<CertificateFacts>,
    pub open_keys: Vec<(String, String)>,
    /// The newest backup, where any are planned.
    pub backup: Option<Kept>,
    /// For how long this process has watched.
    pub since: Option<Stopwatch>,
}

impl Watch {
    /// What was seen last.
    pub fn watched(&self) -> Watched {
        self.known().clone()
    }

    fn known(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches until told to stop.
    pub(super) async fn run(
        &self,
        settings: &Settings,
        store: &Store,
        shutdown: &CancellationToken,
    ) {
        self.known().since = Some(Stopwatch::start());
        let watching = async {
            tokio::join!(
                self.often(settings, store),
                self.pages(&settings.database.url),
                self.certificates(settings)
            )
        };
        tokio::select! {
            _ = watching => {}
            () = shutdown.cancelled() => {}
        }
    }

    async fn often(&self, settings: &Settings, store: &Store) {
        let (mut clock, mut said) = (Steadiness::start(), None::<(i64, Stopwatch)>);
        loop {
            let put = clock.off();
            if put != said.map(|(seconds, _)| seconds) {
                warn!(event = "clock.put", seconds = put.unwrap_or(0), "the clock was put");
                said = put.map(|seconds| (seconds, Stopwatch::start()));
                let clock =
                    said.map(|(seconds, _)| ClockFacts { seconds, at: Clock::system().local() });
                self.known().clock = clock;
            }
            if said.is_some_and(|(_, since)| since.elapsed() > CLOCK_SAID) {
                self.known().clock = None;
            }
            self.look(settings, store).await;
            pause(EVERY).await;
        }
    }

    /// Looks at what only costs a few questions to the system.
    pub(super) async fn look(&self, settings: &Settings, store: &Store) {
        let (settings, store) = (settings.clone(), store.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let lost = store.lost();
            (disks(&settings), lost, open_keys(&settings), last_backup(&settings))
        });
        let Ok((disks, lost, open_keys, backup)) = looked.await else { return };
        let mut known = self.known();
        if lost.is_some() && known.lost.is_none() {
            error!(event = "record.lost", ?lost, "what was opened isn't there any more");
        }
        (known.disks, known.lost, known.open_keys, known.backup) = (disks, lost, open_keys, backup);
    }

    /// Looks the record's pages through, again and again.
    async fn pages(&self, url: &str) {
        loop {
            let began = Stopwatch::start();
            match damage(url, false).await {
                Ok(found) => {
                    let found = found.into_iter().next();
                    if let Some(damage) = found.as_ref().filter(|_| self.known().damage.is_none()) {
                        error!(event = "record.damaged", %damage, "the record is damaged");
                    }
                    self.known().damage = found;
                }
                // That it can't be reached is the heartbeat's to say.
                Err(error) => {
                    let error = error.for_log();
                    warn!(
                        event = "record.unexamined",
                        error, "the record's pages can't be looked through"
                    );
                }
            }
            pause(PAGES_EVERY.max(began.elapsed() * PAGES_SHARE)).await;
        }
    }

    async fn certificates(&self, settings: &Settings) {
        loop {
            let found = certificates::ends(settings).await;
            self.known().certificates = found;
            pause(CERTIFICATES_EVERY).await;
        }
    }
}

/// What is damaged in the record at `url`; nothing where all is well.
pub async fn damage(url: &str, deep: bool) -> Result<Vec<String>, StoreError> {
    let mut record = match Original::at(url).await {
        Err(error) if error.is_damage() => return Ok(vec![error.to_string()]),
        record => record?,
    };
    let found = record.damage(deep).await;
    record.close().await?;
    found
}

/// The newest backup that is there.
fn last_backup(settings: &Settings) -> Option<Kept> {
    let folder = &settings.backup.folder;
    if folder.as_os_str().is_empty() {
        return None;
    }
    newest(folder).ok().flatten()
}

/// The disks on which something of ours lies, each once.
fn disks(settings: &Settings) -> Vec<DiskFacts> {
    let whole = |file: &Path| std::path::absolute(file).unwrap_or(file.to_owned());
    let database = database_file(&settings.database.url).map(|file| whole(Path::new(file)));
    let size = database.as_ref().map_or(0, |file| {
        ["", "-wal"].iter().map(|end| length(&format!("{}{end}", file.display()))).sum()
    });
    let planned = !settings.backup.folder.as_os_str().is_empty();
    let mut places: Vec<(&str, PathBuf, u64)> = Vec::new();
    if let Some(file) = &database {
        // A backup needs as much twice: its copy, and what is sealed of it.
        places.push(("数据库", folder_of(file).to_owned(), if planned { size * 2 } else { size }));
    }
    if planned {
        places.push(("备份", whole(&settings.backup.folder), size));
    }
    places.push(("密钥", folder_of(&whole(&settings.privacy.key_file)).to_owned(), 0));
    let mut seen: Vec<u64> = Vec::new();
    let mut disks = Vec::new();
    for (what, folder, needed) in places {
        // A folder that isn't made yet will lie on the disk of the one above it.
        let Some(folder) = folder.ancestors().find(|folder| folder.is_dir()) else { continue };
        let (Ok(about), Ok(free)) = (folder.metadata(), free_bytes(folder)) else { continue };
        if seen.contains(&about.dev()) {
            continue;
        }
        seen.push(about.dev());
        let (what, place) = (what.to_owned(), folder.display().to_string());
        disks.push(DiskFacts { what, place, free, needed });
    }
    disks
}

fn length(file: &str) -> u64 {
    std::fs::metadata(file).map_or(0, |about| about.len())
}

/// The keys that others can read.
fn open_keys(settings: &Settings) -> Vec<(String, String)> {
    [&settings.privacy.key_file, &settings.backup.key_file]
        .into_iter()
        .filter_map(|file| Some((file.display().to_string(), format!("{:04o}", too_wide(file)?))))
        .collect()
}
