//! Which files have come in, so that the same file twice changes nothing; and what of a long one is still to be applied.

use super::personal::{IMPORT_FILE, IMPORT_TOLD, UNDER_WAY_FILE, UNDER_WAY_TOLD};
use super::{Context, Result, Session, Store, StoreError, Tx};

/// A file that is being checked: nothing of it is applied.
pub const CHECKING: &str = "checking";
/// One that was found well: it's applied to its end.
pub const APPLYING: &str = "applying";
/// One of which nothing was applied, and nothing will be.
pub const DISCARDING: &str = "discarding";

/// A file that is on its way in.
#[derive(Debug, Clone)]
pub struct ImportUnderWay {
    pub id: String,
    pub digest: String,
    pub file_name: String,
    pub kind: String,
    pub row_count: i64,
    /// [`CHECKING`], [`APPLYING`] or [`DISCARDING`]
    pub state: String,
    /// Until when its process may be believed to be alive, in real milliseconds.
    pub lease_until: i64,
    /// How many pieces there are, and how many of them are applied.
    pub pieces: i64,
    pub applied: i64,
    pub added: i64,
    pub changed: i64,
    pub same: i64,
    pub skipped: i64,
    /// What its rows do, as it was checked.
    pub told: String,
    /// Who brought it by a browser.
    pub brought_by: Option<String>,
}

/// A file that came in, and what it did.
#[derive(Debug, Clone)]
pub struct Imported {
    pub digest: String,
    pub file_name: String,
    pub kind: String,
    pub row_count: i64,
    pub added: i64,
    pub changed: i64,
    pub same: i64,
    /// What its rows did.
    pub told: String,
    pub imported_at: i64,
}

from_row!(Imported { digest, file_name, kind, row_count, added, changed, same, told, imported_at });

impl ImportUnderWay {
    fn opened(self, context: &Context) -> Result<ImportUnderWay> {
        Ok(ImportUnderWay {
            file_name: context.open(UNDER_WAY_FILE, &self.id, &self.file_name)?,
            told: context.open(UNDER_WAY_TOLD, &self.id, &self.told)?,
            ..self
        })
    }

    /// Whether nothing of it is applied yet.
    pub fn is_being_checked(&self) -> bool {
        self.state == CHECKING
    }
}

from_row!(ImportUnderWay {
    id,
    digest,
    file_name,
    kind,
    row_count,
    state,
    lease_until,
    pieces,
    applied,
    added,
    changed,
    same,
    skipped,
    told,
    brought_by
});

const UNDER_WAY: &str = "SELECT id, digest, file_name, kind, row_count, state, lease_until, pieces, applied, added, changed,
   same, skipped, told, brought_by FROM imports_under_way ORDER BY created_at, id LIMIT 1";

impl Store {
    /// The file that is on its way in.
    pub async fn import_under_way(&self) -> Result<Option<ImportUnderWay>> {
        let found: Option<ImportUnderWay> =
            sqlx::query_as(UNDER_WAY).fetch_optional(&self.read).await?;
        found.map(|import| import.opened(&self.context)).transpose()
    }

    /// The files that came in last, the newest first.
    pub async fn last_imports(&self, limit: i64) -> Result<Vec<Imported>> {
        let last = "SELECT digest, file_name, kind, row_count, added, changed, same, told, imported_at FROM imports
           ORDER BY imported_at DESC LIMIT $1";
        let imports: Vec<Imported> = sqlx::query_as(last).bind(limit).fetch_all(&self.read).await?;
        let opened = |import: Imported| {
            let context = &self.context;
            Ok(Imported {
                file_name: context.open(IMPORT_FILE, &import.digest, &import.file_name)?,
                told: context.open(IMPORT_TOLD, &import.digest, &import.told)?,
                ..import
            })
        };
        imports.into_iter().map(opened).collect()
    }

    /// A piece of it, sealed.
    pub async fn import_piece(&self, import: &str, sequence: i64) -> Result<Option<String>> {
        let piece = "SELECT body_sealed FROM import_pieces WHERE import_id = $1 AND sequence = $2";
        Ok(sqlx::query_scalar(piece)
            .bind(import.to_owned())
            .bind(sequence)
            .fetch_optional(&self.read)
            .await?)
    }
}

impl Session {
    /// When a file of this digest was imported, in epoch milliseconds.
    pub async fn imported_at(&mut self, digest: &str) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar("SELECT imported_at FROM imports WHERE digest = $1")
            .bind(digest.to_owned())
            .fetch_optional(&mut self.db)
            .await?)
    }

    /// The file that is on its way in, as it's seen here.
    pub async fn import_on_its_way(&mut self) -> Result<Option<ImportUnderWay>> {
        let found: Option<ImportUnderWay> =
            sqlx::query_as(UNDER_WAY).fetch_optional(&mut self.db).await?;
        found.map(|import| import.opened(&self.context)).transpose()
    }
}

impl Tx {
    /// Remembers a file, as of now.
    pub async fn put_import(&mut self, import: &Imported) -> Result<()> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO imports (digest, file_name, kind, row_count, imported_at, added, changed, same, told)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (digest) DO NOTHING",
        )
        .bind(import.digest.clone())
        .bind(self.context.seal(IMPORT_FILE, &import.digest, &import.file_name)?)
        .bind(import.kind.clone())
        .bind(import.row_count)
        .bind(now)
        .bind(import.added)
        .bind(import.changed)
        .bind(import.same)
        .bind(self.context.seal(IMPORT_TOLD, &import.digest, &import.told)?)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Forgets that a file came in.
    pub async fn forget_import(&mut self, digest: &str) -> Result<()> {
        sqlx::query("DELETE FROM imports WHERE digest = $1")
            .bind(digest.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// A file is on its way in.
    pub async fn begin_import(&mut self, import: &ImportUnderWay) -> Result<()> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO imports_under_way (id, digest, file_name, kind, row_count, state, lease_until, pieces, applied,
               added, changed, same, skipped, created_at, brought_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, 0, 0, 0, $8, $9)",
        )
        .bind(import.id.clone())
        .bind(import.digest.clone())
        .bind(self.context.seal(UNDER_WAY_FILE, &import.id, &import.file_name)?)
        .bind(import.kind.clone())
        .bind(import.row_count)
        .bind(import.state.clone())
        .bind(import.lease_until)
        .bind(now)
        .bind(import.brought_by.clone())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Keeps a piece of it.
    pub async fn put_import_piece(
        &mut self,
        import: &str,
        sequence: i64,
        sealed: &str,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO import_pieces (import_id, sequence, body_sealed) VALUES ($1, $2, $3)",
        )
        .bind(import.to_owned())
        .bind(sequence)
        .bind(sealed.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Notes how it stands.
    ///
    /// # Errors
    /// [`StoreError::Rule`] where another process has taken it for dead and forgets it.
    pub async fn note_import(&mut self, import: &ImportUnderWay) -> Result<()> {
        let noted = sqlx::query(
            "UPDATE imports_under_way SET state = $1, lease_until = $2, pieces = $3, applied = $4, added = $5, changed = $6,
               same = $7, skipped = $8, told = $10 WHERE id = $9 AND (state <> 'discarding' OR $1 = 'discarding')",
        )
        .bind(import.state.clone())
        .bind(import.lease_until)
        .bind(import.pieces)
        .bind(import.applied)
        .bind(import.added)
        .bind(import.changed)
        .bind(import.same)
        .bind(import.skipped)
        .bind(import.id.clone())
        .bind(self.context.seal(UNDER_WAY_TOLD, &import.id, &import.told)?)
        .execute(&mut self.db)
        .await?;
        if noted.rows_affected() == 0 {
            return Err(StoreError::Rule(format!(
                "「{}」的导入停顿太久，已被放弃，什么也没有导入：请再导入一次",
                import.file_name
            )));
        }
        Ok(())
    }

    /// A piece is applied, or isn't wanted any more.
    pub async fn drop_import_piece(&mut self, import: &str, sequence: i64) -> Result<()> {
        sqlx::query("DELETE FROM import_pieces WHERE import_id = $1 AND sequence = $2")
            .bind(import.to_owned())
            .bind(sequence)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// It's in, or taken back.
    pub async fn end_import(&mut self, import: &str) -> Result<()> {
        sqlx::query("DELETE FROM imports_under_way WHERE id = $1")
            .bind(import.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }
}
