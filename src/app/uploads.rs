//! A table that somebody brings by their browser: looked through first, and taken only once they have seen what it would do.
//! What a table says is read in `intake`; here is how far each is, and who may do what with it.

use std::time::Duration;

use serde_json::json;

use super::files;
use crate::clock::{real_millis, span_millis};
use crate::db::{Result, Store, StoreError, Tx, Upload, UploadState};
use crate::domain::staff::StaffMember;

/// For how long a process that is at one is believed to be alive after it last said so.
pub const LEASE: Duration = Duration::from_secs(60);

/// Of a person's, so many of the last are looked at: of those before nothing is left.
const LAST: i64 = 20;

/// Keeps a table that was brought; what was brought before by the same person and isn't taken is dropped. Its id.
///
/// # Errors
/// [`StoreError::Rule`] while the service is still at their last one.
pub async fn receive(
    store: &Store,
    person: &StaffMember,
    name: &str,
    bytes: &[u8],
) -> Result<String> {
    let mut record = store.snapshot().await?;
    let before = record.uploads_of(&person.id, LAST).await?;
    record.end().await?;
    if before.iter().any(|before| before.state.is_at_work()) {
        return Err(busy());
    }
    let file_id = files::keep(store, name, bytes).await?;
    let mut tx = store.begin().await?;
    let before = tx.uploads_of(&person.id, LAST).await?;
    for mut before in before.into_iter().filter(|before| !before.state.is_over()) {
        // Sent twice at once.
        if before.state.is_at_work() {
            tx.rollback().await?;
            return Err(busy());
        }
        end(&mut tx, &mut before, UploadState::Dropped).await?;
    }
    let id = tx.context().secret();
    let upload = Upload {
        id: id.clone(),
        staff_id: person.id.clone(),
        file_id: Some(file_id),
        copy_id: None,
        file: name.to_owned(),
        options: "{}".to_owned(),
        state: UploadState::Checking,
        version: 1,
        told: None,
        lease_until: 0,
        attempts: 0,
        created_at: tx.context().clock.wire_millis(),
    };
    tx.put_upload(&upload).await?;
    let detail = json!({ "file": name, "bytes": bytes.len() });
    tx.audit(&person.signed(), "upload_table", &id, &detail).await?;
    tx.commit().await?;
    Ok(id)
}

fn busy() -> StoreError {
    StoreError::Rule(
        "您上一个文件还在核对或导入，请等它做完再传下一个；一次只能处理一个文件".to_owned(),
    )
}

/// What its person wants done with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Look it through again, taken so.
    Again {
        options: String,
    },
    Take,
    Drop,
}

/// What became of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// The service is to go to work.
    AtWork,
    Over,
    /// It has gone on since the page was shown: nothing was done.
    Stale,
}

/// Does what its person wants with a table.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn decide(
    store: &Store,
    person: &StaffMember,
    (id, version): (&str, i64),
    wanted: Wanted,
) -> Result<Became> {
    let mut tx = store.begin().await?;
    let found = tx.upload(id).await?.filter(|upload| upload.staff_id == person.id);
    let fits = |upload: &Upload| {
        upload.version == version
            && match wanted {
                Wanted::Take => upload.state == UploadState::Well,
                Wanted::Again { .. } | Wanted::Drop => {
                    matches!(upload.state, UploadState::Well | UploadState::Wrong)
                }
            }
    };
    let Some(mut upload) = found.filter(fits) else {
        tx.rollback().await?;
        return Ok(Became::Stale);
    };
    upload.version += 1;
    (upload.lease_until, upload.attempts) = (0, 0);
    let became = match wanted {
        Wanted::Take => {
            upload.state = UploadState::Taking;
            let detail = json!({ "file": upload.file, "options": upload.options });
            tx.audit(&person.signed(), "take_table", id, &detail).await?;
            Became::AtWork
        }
        Wanted::Again { options } => {
            upload.state = UploadState::Checking;
            upload.options = options;
            Became::AtWork
        }
        Wanted::Drop => {
            end(&mut tx, &mut upload, UploadState::Dropped).await?;
            tx.commit().await?;
            return Ok(Became::Over);
        }
    };
    tx.note_upload(&upload).await?;
    tx.commit().await?;
    Ok(became)
}

/// Older ones are forgotten.
const NO_OLDER: Duration = Duration::from_hours(48);

/// Those that whoever was at them left half done, being killed. One that just came waits for its turn.
///
/// # Errors
/// Where the record can't be read.
pub async fn left(store: &Store) -> Result<Vec<Upload>> {
    const AT_ONCE: i64 = 10;
    let now = store.context().clock.wire_millis();
    let came = (now - span_millis(NO_OLDER), now - span_millis(LEASE));
    let mut record = store.snapshot().await?;
    let left = record.uploads_left(came, real_millis(), AT_ONCE).await?;
    record.end().await?;
    Ok(left)
}

/// Takes the lease of one that the service is to be at; nothing where it isn't, or another process is.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn claim(store: &Store, id: &str) -> Result<Option<Upload>> {
    let mut tx = store.begin().await?;
    let now = real_millis();
    let free = |upload: &Upload| upload.state.is_at_work() && upload.lease_until <= now;
    let Some(mut upload) = tx.upload(id).await?.filter(free) else {
        tx.rollback().await?;
        return Ok(None);
    };
    upload.lease_until = now + span_millis(LEASE);
    upload.attempts += 1;
    tx.note_upload(&upload).await?;
    tx.commit().await?;
    Ok(Some(upload))
}

/// The process that is at one is still alive.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn renew(store: &Store, id: &str) -> Result<()> {
    let mut tx = store.begin().await?;
    if let Some(mut upload) = tx.upload(id).await?.filter(|upload| upload.state.is_at_work()) {
        upload.lease_until = real_millis() + span_millis(LEASE);
        tx.note_upload(&upload).await?;
    }
    tx.commit().await
}

/// How the service came to the end of a step: how it stands, what is told, and the copy with what is wrong.
#[derive(Debug)]
pub struct Settled {
    pub state: UploadState,
    pub told: String,
    pub copy_id: Option<String>,
}

/// Notes that, where it still stands as it was claimed.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn settle(store: &Store, claimed: &Upload, settled: Settled) -> Result<()> {
    let mut tx = store.begin().await?;
    let same = |upload: &Upload| upload.version == claimed.version;
    let Some(mut upload) = tx.upload(&claimed.id).await?.filter(same) else {
        return tx.rollback().await;
    };
    upload.version += 1;
    upload.lease_until = 0;
    upload.told = Some(settled.told);
    let copy_before = std::mem::replace(&mut upload.copy_id, settled.copy_id);
    if settled.state.is_over() {
        end(&mut tx, &mut upload, settled.state).await?;
    } else {
        upload.state = settled.state;
        tx.note_upload(&upload).await?;
    }
    if let Some(copy) = copy_before {
        tx.drop_file(&copy).await?;
    }
    tx.commit().await
}

/// Nothing more comes of it: its files are forgotten.
async fn end(tx: &mut Tx, upload: &mut Upload, state: UploadState) -> Result<()> {
    let files = [upload.file_id.take(), upload.copy_id.take()];
    upload.state = state;
    tx.note_upload(upload).await?;
    for file in files.into_iter().flatten() {
        tx.drop_file(&file).await?;
    }
    Ok(())
}
