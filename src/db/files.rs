//! Files that came by a browser, sealed in pieces, so that no turn is long and nothing of them lies anywhere in clear.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::personal::{FILE_NAME, FILE_PIECE, row_of};
use super::{Result, Session, StoreError, Tx};

/// A file that is here.
#[derive(Clone)]
pub struct KeptFile {
    pub id: String,
    pub name: String,
    pub size: i64,
    /// In how many pieces; none while it's on its way.
    pub pieces: i64,
}

impl std::fmt::Debug for KeptFile {
    /// Its name may be somebody's: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptFile").field("id", &self.id).finish_non_exhaustive()
    }
}

struct Row {
    id: String,
    name_sealed: String,
    size: i64,
    pieces: i64,
}

from_row!(Row { id, name_sealed, size, pieces });

impl Session {
    /// A file, if it's here.
    pub async fn file(&mut self, id: &str) -> Result<Option<KeptFile>> {
        let row: Option<Row> =
            sqlx::query_as("SELECT id, name_sealed, size, pieces FROM files WHERE id = $1")
                .bind(id.to_owned())
                .fetch_optional(&mut self.db)
                .await?;
        let opened = |Row { id, name_sealed, size, pieces }| {
            let name = self.context.open(FILE_NAME, &id, &name_sealed)?;
            Ok(KeptFile { id, name, size, pieces })
        };
        row.map(opened).transpose()
    }

    /// One piece of a file.
    pub async fn file_piece(&mut self, id: &str, sequence: i64) -> Result<Vec<u8>> {
        let sealed: Option<String> = sqlx::query_scalar(
            "SELECT body_sealed FROM file_pieces WHERE file_id = $1 AND sequence = $2",
        )
        .bind(id.to_owned())
        .bind(sequence)
        .fetch_optional(&mut self.db)
        .await?;
        let corrupt = || StoreError::Corrupt { what: "file_pieces", value: row_of(id, sequence) };
        let coded =
            self.context.open(FILE_PIECE, &row_of(id, sequence), &sealed.ok_or_else(corrupt)?)?;
        STANDARD.decode(coded).map_err(|_| corrupt())
    }

    /// Files that nothing names and that came before an instant, at most `limit`.
    pub async fn unnamed_files(&mut self, before: i64, limit: i64) -> Result<Vec<String>> {
        let found = "SELECT f.id FROM files f WHERE f.created_at < $1
               AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.file_id = f.id)
               AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.copy_id = f.id)
               AND NOT EXISTS (SELECT 1 FROM hand_ins h WHERE h.file_id = f.id)
             ORDER BY f.created_at LIMIT $2";
        Ok(sqlx::query_scalar(found).bind(before).bind(limit).fetch_all(&mut self.db).await?)
    }
}

impl Tx {
    /// Begins a file; its pieces follow.
    pub async fn put_file(&mut self, id: &str, name: &str, size: i64) -> Result<()> {
        let now = self.context.clock.wire_millis();
        let sealed = self.context.seal(FILE_NAME, id, name)?;
        sqlx::query(
            "INSERT INTO files (id, name_sealed, size, pieces, created_at) VALUES ($1, $2, $3, 0, $4)",
        )
        .bind(id.to_owned())
        .bind(sealed)
        .bind(size)
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// A piece of it.
    pub async fn put_file_piece(&mut self, id: &str, sequence: i64, bytes: &[u8]) -> Result<()> {
        let coded = STANDARD.encode(bytes);
        let sealed = self.context.seal(FILE_PIECE, &row_of(id, sequence), &coded)?;
        sqlx::query("INSERT INTO file_pieces (file_id, sequence, body_sealed) VALUES ($1, $2, $3)")
            .bind(id.to_owned())
            .bind(sequence)
            .bind(sealed)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// All of it is there.
    pub async fn end_file(&mut self, id: &str, pieces: i64) -> Result<()> {
        sqlx::query("UPDATE files SET pieces = $1 WHERE id = $2")
            .bind(pieces)
            .bind(id.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// Forgets a file that nothing names any more.
    pub async fn drop_file(&mut self, id: &str) -> Result<()> {
        for statement in
            ["DELETE FROM file_pieces WHERE file_id = $1", "DELETE FROM files WHERE id = $1"]
        {
            sqlx::query(statement).bind(id.to_owned()).execute(&mut self.db).await?;
        }
        Ok(())
    }
}
