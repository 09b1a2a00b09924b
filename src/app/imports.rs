//! A long file comes in: checked whole, then applied piece by piece, each a turn that others pass between. All of it or
//! nothing: once it's being applied it goes on to its end, whoever was killed in the midst of it.

use std::time::Duration;

use tracing::{info, warn};

use super::batch::Batch;
use super::problem::Outcomes;
use crate::clock::{Stopwatch, pause, real_millis, span_millis};
use crate::db::personal::{self, row_of};
use crate::db::{
    APPLYING, CHECKING, DISCARDING, ImportUnderWay, Imported, Result, Store, StoreError, Upsert,
};

/// For how long a process that applies a file is believed to be alive after its last turn.
const LEASE: Duration = Duration::from_secs(20);
/// How often somebody who waits for another's file looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// The longest that is waited between two pieces, so that another process gets its turn.
const LONGEST_PAUSE: Duration = Duration::from_millis(30);

/// A file before it's checked.
#[derive(Debug, Clone)]
pub struct Incoming {
    pub digest: String,
    pub file_name: String,
    pub kind: String,
    pub rows: usize,
}

/// A file that is being checked: its pieces are kept as they are found well.
#[derive(Debug)]
pub struct Import {
    store: Store,
    head: ImportUnderWay,
}

/// What a file did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    pub added: usize,
    pub changed: usize,
    pub same: usize,
    /// What had become wrong between the check and its turn, and was left out.
    pub skipped: usize,
}

/// How an import begins.
#[derive(Debug)]
pub enum Begun {
    New(Box<Import>),
    /// This very file had been interrupted, and was brought to its end now.
    Finished(Done),
    /// This very file came in before; or meanwhile, by another process.
    Before {
        meanwhile: bool,
    },
}

impl Import {
    /// Begins, once no other file is on its way: one that nobody goes on with is brought to its end first.
    pub async fn begin(store: &Store, incoming: &Incoming) -> Result<Begun> {
        let mut meanwhile = false;
        loop {
            if let WentOn::Ended(digest, done) = end_interrupted(store).await?
                && digest == incoming.digest
            {
                return Ok(Begun::Finished(done));
            }
            let mut tx = store.begin().await?;
            if let Some(other) = tx.import_on_its_way().await? {
                meanwhile |= other.digest == incoming.digest;
                tx.rollback().await?;
                pause(LOOK_AGAIN).await;
                continue;
            }
            if tx.imported_at(&incoming.digest).await?.is_some() {
                tx.rollback().await?;
                return Ok(Begun::Before { meanwhile });
            }
            let Incoming { digest, file_name, kind, rows } = incoming.clone();
            let head = ImportUnderWay {
                id: tx.context().id(),
                digest,
                file_name,
                kind,
                row_count: i64::try_from(rows).unwrap_or(i64::MAX),
                state: CHECKING.to_owned(),
                lease_until: lease(),
                pieces: 0,
                applied: 0,
                added: 0,
                changed: 0,
                same: 0,
                skipped: 0,
                told: String::new(),
                brought_by: store.brought_by().map(str::to_owned),
            };
            tx.begin_import(&head).await?;
            tx.commit().await?;
            return Ok(Begun::New(Box::new(Import { store: store.clone(), head })));
        }
    }

    /// Keeps a piece that is well.
    pub async fn keep(&mut self, piece: Batch) -> Result<()> {
        let context = self.store.shared_context();
        let row = row_of(&self.head.id, self.head.pieces);
        let sealing = move || {
            let body = serde_json::to_string(&piece);
            let body = body.map_err(|error| StoreError::of_json("import", &error))?;
            context.seal(personal::IMPORT_PIECE, &row, &body)
        };
        let sealed = blocking(sealing).await??;
        let mut tx = self.store.begin().await?;
        let sequence = self.head.pieces;
        self.head.pieces += 1;
        self.head.lease_until = lease();
        tx.note_import(&self.head).await?;
        tx.put_import_piece(&self.head.id, sequence, &sealed).await?;
        tx.commit().await?;
        self.store.checkpoint().await
    }

    /// Nothing of it is wanted: something in it was wrong.
    pub async fn give_up(self) -> Result<()> {
        discard(&self.store, self.head).await
    }

    /// Everything in it is well: from here on it goes on to its end. `progress` is told how many rows are applied.
    /// `told` is what its rows do.
    pub async fn apply(
        mut self,
        told: String,
        progress: &(dyn Fn(usize) + Send + Sync),
    ) -> Result<Done> {
        let mut tx = self.store.begin().await?;
        APPLYING.clone_into(&mut self.head.state);
        self.head.told = told;
        self.head.lease_until = lease();
        tx.note_import(&self.head).await?;
        tx.commit().await?;
        apply(&self.store, self.head, progress).await
    }
}

/// What became of a file that was on its way.
enum WentOn {
    /// There was none, or it was forgotten.
    Nothing,
    /// It was brought to its end: its digest, and what it did in all.
    Ended(String, Done),
    /// Another process is at it.
    Others,
}

/// Goes on with a file whose process was killed: one that was being checked is forgotten, one that was being applied is
/// applied to its end. False where another process is at it.
pub async fn go_on(store: &Store) -> Result<bool> {
    Ok(!matches!(end_interrupted(store).await?, WentOn::Others))
}

async fn end_interrupted(store: &Store) -> Result<WentOn> {
    let Some(head) = store.import_under_way().await? else { return Ok(WentOn::Nothing) };
    if head.lease_until > real_millis() {
        return Ok(WentOn::Others);
    }
    info!(
        event = "import.goes_on",
        import = head.id,
        state = head.state,
        "an import was interrupted: it goes on"
    );
    if head.state != APPLYING {
        discard(store, head).await?;
        return Ok(WentOn::Nothing);
    }
    let digest = head.digest.clone();
    Ok(WentOn::Ended(digest, apply(store, head, &|_| {}).await?))
}

/// Forgets a file of which nothing is applied, where it still stands as it was seen to.
async fn discard(store: &Store, seen: ImportUnderWay) -> Result<()> {
    let mut tx = store.begin().await?;
    let stands = tx.import_on_its_way().await?.filter(|stands| {
        stands.id == seen.id && stands.state != APPLYING && stands.lease_until == seen.lease_until
    });
    let Some(mut head) = stands else { return tx.rollback().await };
    DISCARDING.clone_into(&mut head.state);
    head.lease_until = lease();
    tx.note_import(&head).await?;
    tx.commit().await?;
    for sequence in 0..head.pieces {
        let mut tx = store.begin().await?;
        tx.drop_import_piece(&head.id, sequence).await?;
        tx.commit().await?;
    }
    let mut tx = store.begin().await?;
    tx.end_import(&head.id).await?;
    tx.commit().await
}

async fn apply(
    store: &Store,
    mut head: ImportUnderWay,
    progress: &(dyn Fn(usize) + Send + Sync),
) -> Result<Done> {
    // Whoever goes on with it, it's done by who brought it.
    let store = &store.done_by(head.brought_by.clone());
    while head.applied < head.pieces {
        let watch = Stopwatch::start();
        apply_piece(store, &mut head).await?;
        // Each time there's twice as much, so that no piece is written by a plan for empty tables.
        if head.applied.count_ones() == 1 {
            store.analyze().await?;
        }
        store.checkpoint().await?;
        let done = head.added + head.changed + head.same + head.skipped;
        progress(usize::try_from(done).unwrap_or(usize::MAX));
        pause((watch.elapsed() / 4).min(LONGEST_PAUSE)).await;
    }
    finish(store, &head).await?;
    let count = |count: i64| usize::try_from(count).unwrap_or(0);
    Ok(Done {
        added: count(head.added),
        changed: count(head.changed),
        same: count(head.same),
        skipped: count(head.skipped),
    })
}

/// One turn. Where another process went on meanwhile, its standing is taken over.
async fn apply_piece(store: &Store, head: &mut ImportUnderWay) -> Result<()> {
    let sealed = store.import_piece(&head.id, head.applied).await?;
    let piece = match sealed {
        Some(sealed) => Some(opened(store, row_of(&head.id, head.applied), sealed).await?),
        None => None,
    };
    let mut tx = store.begin().await?;
    let stands = tx.import_on_its_way().await?.filter(|stands| stands.id == head.id);
    let Some(stands) = stands else {
        head.applied = head.pieces;
        return tx.rollback().await;
    };
    if stands.applied != head.applied {
        *head = stands;
        return tx.rollback().await;
    }
    let Some(mut piece) = piece else {
        return Err(StoreError::Corrupt { what: "import_pieces", value: head.file_name.clone() });
    };
    let mut outcomes = piece.put(&mut tx).await?;
    // What is left may need what was left out.
    while outcomes.iter().any(Result::is_err) {
        report_skipped(head, &outcomes);
        piece.without(&outcomes);
        outcomes = piece.put(&mut tx).await?;
    }
    let count = |what: Upsert| {
        let those = outcomes.iter().flatten().filter(|did| did.upsert == what).count();
        i64::try_from(those).unwrap_or(i64::MAX)
    };
    head.added += count(Upsert::Added);
    head.changed += count(Upsert::Changed);
    head.same += count(Upsert::Same);
    tx.drop_import_piece(&head.id, head.applied).await?;
    head.applied += 1;
    head.lease_until = lease();
    tx.note_import(head).await?;
    tx.commit().await
}

/// What was well when it was checked, and isn't any more.
fn report_skipped(head: &mut ImportUnderWay, outcomes: &Outcomes) {
    for _ in outcomes.iter().filter(|outcome| outcome.is_err()) {
        head.skipped += 1;
        warn!(
            event = "import.row_left_out",
            import = head.id,
            "a row isn't right any more and is left out"
        );
    }
}

async fn finish(store: &Store, head: &ImportUnderWay) -> Result<()> {
    let mut tx = store.begin().await?;
    if tx.import_on_its_way().await?.is_none_or(|stands| stands.id != head.id) {
        return tx.rollback().await;
    }
    let ImportUnderWay { digest, file_name, kind, row_count, added, changed, same, told, .. } =
        head.clone();
    let import = Imported {
        digest,
        file_name,
        kind,
        row_count,
        added,
        changed,
        same,
        told,
        imported_at: tx.now(),
    };
    tx.put_import(&import).await?;
    let detail = serde_json::json!({
        "added": head.added, "changed": head.changed, "skipped": head.skipped, "digest": head.digest,
        "rows": head.told, "file": head.file_name,
    });
    tx.audit("import", &head.kind, &head.digest, &detail).await?;
    tx.end_import(&head.id).await?;
    tx.commit().await?;
    super::rederive::go_on(store).await?;
    store.analyze().await
}

async fn opened(store: &Store, row: String, sealed: String) -> Result<Batch> {
    let context = store.shared_context();
    let open = move || {
        let body = context.open(personal::IMPORT_PIECE, &row, &sealed)?;
        serde_json::from_str(&body).map_err(|error| StoreError::of_json("import", &error))
    };
    blocking(open).await?
}

/// Work that would hold up whoever else runs.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| StoreError::Rule(format!("内部错误：{panic}")))
}

fn lease() -> i64 {
    real_millis().saturating_add(span_millis(LEASE))
}
