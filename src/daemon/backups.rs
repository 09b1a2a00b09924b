//! Backups as the service makes them, and what it does with one that is taken back: nothing that was delivered after it was
//! made is sent again.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::{AssembleError, MemoryFile, context, load_key};
use crate::app::doctor::examine;
use crate::backup::{BackupError, Backups, Made, PutAside, Restoring, Trial, make};
use crate::clock::{Chance, Clock, Stopwatch};
use crate::db::{Context, Original, Restored, Store};
use crate::domain::backup::Manifest;
use crate::domain::health::size;
use crate::domain::memory::Recall;
use crate::schedule::Work;
use crate::seal::Sealer;
use crate::settings::Settings;

/// Why a backup wasn't taken back or tried.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Assemble(#[from] AssembleError),
}

impl From<crate::db::StoreError> for RestoreError {
    fn from(error: crate::db::StoreError) -> RestoreError {
        RestoreError::Assemble(error.into())
    }
}

/// The backups as configured.
pub fn backups(settings: &Settings) -> Backups {
    let backup = &settings.backup;
    Backups {
        url: settings.database.url.clone(),
        folder: backup.folder.clone(),
        key_file: backup.key_file.clone(),
        keep: backup.keep,
    }
}

/// Makes one now.
pub async fn make_backup(backups: &Backups, chance: &Chance) -> Result<Made, BackupError> {
    // A rehearsal's clock is nothing to put a backup's age by.
    make(backups, Clock::system().now(), chance).await
}

/// What the schedule does each day.
pub(super) fn backing_up(backups: Backups, chance: Chance) -> Work {
    let backups = Arc::new(backups);
    Arc::new(move || {
        let (backups, chance) = (Arc::clone(&backups), chance.clone());
        Box::pin(async move { Ok(told(&make_backup(&backups, &chance).await?).into()) })
    })
}

/// A backup that was made, in words.
pub fn told(made: &Made) -> String {
    let Made { file, bytes, manifest, removed } = made;
    let (rows, bytes) = (manifest.contents.total(), size(*bytes));
    let removed = match removed {
        0 => String::new(),
        removed => format!("，删去更早的 {removed} 份"),
    };
    format!("已备份到 {}（{bytes}，{rows} 行，已重新打开核对）{removed}", file.display())
}

/// What came of taking a backup back.
#[derive(Debug)]
pub struct TakenBack {
    pub manifest: Manifest,
    pub aside: PutAside,
    pub restored: Restored,
    /// Whether it was known how far the record had come before.
    pub remembered: bool,
}

/// Takes a backup back into the record's place.
///
/// # Errors
/// Where it can't be; the record is then as it was.
pub async fn restore(settings: &Settings, file: &Path) -> Result<TakenBack, RestoreError> {
    let sealer = load_key(settings).await?;
    let fits = |manifest: &Manifest| fits(manifest, &sealer);
    let now = Clock::system().now();
    let restoring = Restoring::begin(&backups(settings), file, fits, now).await?;
    let url = restoring.url.clone();
    let (restored, remembered, recall) = match mark(settings, &url, file).await {
        Ok(marked) => marked,
        Err(why) => {
            restoring.undo().await?;
            return Err(why);
        }
    };
    let manifest = restoring.manifest.clone();
    let aside = restoring.finish()?;
    // The audit's trail goes on from where the backup ends.
    let noted = MemoryFile::of(settings).remember(recall).await;
    noted.map_err(BackupError::Rule)?;
    Ok(TakenBack { manifest, aside, restored, remembered })
}

/// Whether this program and its key can do anything with a backup.
fn fits(manifest: &Manifest, sealer: &Sealer) -> Result<(), BackupError> {
    let contents = &manifest.contents;
    if !contents.key.is_empty() && !sealer.knows(&contents.key) {
        let key = sealer.fingerprint();
        return Err(BackupError::Rule(format!(
            "这份备份里的个人信息是用指纹 {} 的密钥加密的，privacy.key_file 现在这把的指纹是 {key}：数据没有改动。换过密钥的，原来那把在密钥旁边、名字后面带着指纹的文件里：演练旧备份请另写一份配置，把 privacy.key_file 指向它，用 --config 带上；不要动正在用的密钥。要恢复旧备份的，停下服务以后才把那把密钥放到 privacy.key_file 的位置",
            contents.key
        )));
    }
    let known = crate::db::versions_known();
    if contents.schema > known {
        return Err(BackupError::Rule(format!(
            "这份备份比程序新（数据库结构第 {} 号，本程序只认到第 {known} 号）：请换用做备份的那一版 zoufang（{}）或更新的；数据没有改动",
            contents.schema, manifest.program
        )));
    }
    Ok(())
}

/// Brings a record that was taken back up to date, and marks what may have been delivered after it was made, before anybody
/// serves it.
async fn mark(
    settings: &Settings,
    url: &str,
    file: &Path,
) -> Result<(Restored, bool, Recall), RestoreError> {
    let looked = Store::look(url).await?;
    let clock = looked.rehearsal.map_or_else(Clock::system, Clock::beside);
    let store = Store::open(url, context(settings, clock, Chance::system()).await?).await?;
    let marked = MemoryFile::of(settings).mark_taken_back(&store).await;
    let noted = match &marked {
        Ok(_) => note(&store, file).await,
        Err(_) => Ok(()),
    };
    let recall = store.recall().await;
    store.close().await;
    noted?;
    let (restored, remembered) = marked?;
    Ok((restored, remembered, recall?))
}

async fn note(store: &Store, file: &Path) -> Result<(), RestoreError> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut tx = store.begin().await?;
    tx.audit("restore", "restore", &name.unwrap_or_default(), &json!({})).await?;
    Ok(tx.commit().await?)
}

/// What a trial of a backup showed.
#[derive(Debug)]
pub struct Drill {
    pub manifest: Manifest,
    /// How long it took until it could be worked with.
    pub seconds: f64,
    /// What isn't as it should be; nothing where all is well.
    pub wrong: Vec<String>,
    /// How many rows the record has now, and whether the backup's audit is a part of its own.
    pub rows_now: Option<i64>,
}

/// Takes a backup back into a place of its own, works with it as the service would, holds it against the record, and
/// removes it.
///
/// # Errors
/// Where it doesn't open or can't be taken back at all.
pub async fn drill(settings: &Settings, file: &Path) -> Result<Drill, RestoreError> {
    let began = Stopwatch::start();
    let sealer = load_key(settings).await?;
    let trial = Trial::begin(&backups(settings), file, &Chance::system()).await?;
    let manifest = trial.manifest.clone();
    let tried = match fits(&manifest, &sealer) {
        Ok(()) => work_with(settings, &trial.url).await,
        Err(why) => Err(why.into()),
    };
    let seconds = began.elapsed().as_secs_f64();
    trial.end().await?;
    let mut wrong = tried?;
    let rows_now = match against_record(settings, &manifest).await {
        Ok((rows, differences)) => {
            wrong.extend(differences);
            Some(rows)
        }
        Err(why) => {
            wrong.push(format!("现在的数据库读不出来，没有对照：{why}"));
            None
        }
    };
    Ok(Drill { manifest, seconds, wrong, rows_now })
}

/// As the service would, with its key; what is wrong with it.
async fn work_with(settings: &Settings, url: &str) -> Result<Vec<String>, RestoreError> {
    let looked = Store::look(url).await?;
    let clock = looked.rehearsal.map_or_else(Clock::system, Clock::beside);
    let context: Context = context(settings, clock, Chance::system()).await?;
    let store = Store::open(url, context).await?;
    let looked = look_through(&store).await;
    store.close().await;
    looked
}

async fn look_through(store: &Store) -> Result<Vec<String>, RestoreError> {
    let mut wrong = Vec::new();
    if let Some(sequence) = store.broken_audit().await? {
        wrong.push(format!("备份里的审计记录从第 {sequence} 条起接不上"));
    }
    let differences = examine(store, None).await?.len();
    if differences > 0 {
        wrong.push(format!(
            "备份里有 {differences} 处与记录不一致（恢复后可用 zoufang doctor 查看）"
        ));
    }
    Ok(wrong)
}

/// Whether the record that is there goes on from the backup.
async fn against_record(
    settings: &Settings,
    manifest: &Manifest,
) -> Result<(i64, Vec<String>), crate::db::StoreError> {
    let mut record = Original::at(&settings.database.url).await?;
    let now = record.contents().await?;
    let mut wrong = Vec::new();
    if now.record != manifest.contents.record {
        wrong.push("这份备份是另一个数据库的".to_owned());
    }
    if let Some(head) = &manifest.contents.audit
        && record.audit_hash(head.sequence).await?.as_ref() != Some(&head.hash)
    {
        let sequence = head.sequence;
        wrong.push(format!("现在的数据库里，审计记录第 {sequence} 条与备份时不同"));
    }
    record.close().await?;
    Ok((now.total(), wrong))
}

/// When it was made, for people.
pub fn made_at(manifest: &Manifest) -> String {
    crate::clock::local_text(Timestamp::from_millisecond(manifest.made_at).unwrap_or_default())
}
