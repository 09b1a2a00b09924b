//! Which files have come in, so that the same file twice changes nothing.

use super::{Result, Session, Tx};

impl Session {
    /// When a file of this digest was imported, in epoch milliseconds.
    pub async fn imported_at(&mut self, digest: &str) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar("SELECT imported_at FROM imports WHERE digest = $1")
            .bind(digest)
            .fetch_optional(&mut *self.db)
            .await?)
    }
}

impl Tx {
    /// Remembers a file.
    pub async fn put_import(
        &mut self,
        digest: &str,
        file: &str,
        kind: &str,
        rows: i64,
    ) -> Result<()> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO imports (digest, file_name, kind, row_count, imported_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(digest)
        .bind(file)
        .bind(kind)
        .bind(rows)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}
