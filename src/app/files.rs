//! Files that came by a browser: kept sealed, in short turns, and forgotten once nothing names them.

use crate::clock::span_millis;
use crate::db::{KeptFile, Result, Session, Store};

/// So much of a file is one turn.
const PIECE: usize = 512 << 10;
/// So many are forgotten in one turn, each perhaps of many pieces.
const AT_ONCE: i64 = 5;
/// After so long nobody goes on with what came: a day.
const FORGOTTEN_AFTER: std::time::Duration = std::time::Duration::from_secs(24 * 3_600);

/// Keeps a file; its id.
///
/// # Errors
/// Where the record can't be written.
pub async fn keep(store: &Store, name: &str, bytes: &[u8]) -> Result<String> {
    let id = store.context().id();
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let mut tx = store.begin().await?;
    tx.put_file(&id, name, size).await?;
    tx.commit().await?;
    let mut pieces = 0;
    for piece in bytes.chunks(PIECE) {
        let mut tx = store.begin().await?;
        tx.put_file_piece(&id, pieces, piece).await?;
        tx.commit().await?;
        pieces += 1;
    }
    let mut tx = store.begin().await?;
    // An empty file is there too.
    tx.end_file(&id, pieces.max(1)).await?;
    if pieces == 0 {
        tx.put_file_piece(&id, 0, &[]).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// A file and what stands in it; nothing where it isn't there, or not whole.
///
/// # Errors
/// Where the record can't be read.
pub async fn read(session: &mut Session, id: &str) -> Result<Option<(KeptFile, Vec<u8>)>> {
    let Some(file) = session.file(id).await?.filter(|file| file.pieces > 0) else {
        return Ok(None);
    };
    let mut bytes = Vec::with_capacity(usize::try_from(file.size).unwrap_or_default());
    for sequence in 0..file.pieces {
        bytes.extend(session.file_piece(id, sequence).await?);
    }
    Ok(Some((file, bytes)))
}

/// Forgets what nobody went on with for a day: tables that were brought and neither taken nor dropped, and files that nothing
/// names. How many.
///
/// # Errors
/// Where the record can't be written.
pub async fn forget_old(store: &Store) -> Result<usize> {
    let before = store.context().clock.wire_millis() - span_millis(FORGOTTEN_AFTER);
    let mut forgotten = 0;
    loop {
        let mut tx = store.begin().await?;
        let uploads = tx.uploads_before(before, AT_ONCE).await?;
        for id in &uploads {
            tx.drop_upload(id).await?;
        }
        let files = tx.unnamed_files(before, AT_ONCE).await?;
        for id in &files {
            tx.drop_file(id).await?;
        }
        tx.commit().await?;
        if uploads.is_empty() && files.is_empty() {
            return Ok(forgotten);
        }
        forgotten += files.len();
    }
}
