//! Tables that somebody brought by their browser, from looking through them to their end. Instants are real time.

use super::personal::{UPLOAD_FILE, UPLOAD_TOLD};
use super::{Context, Result, Session, Tx, word};
use crate::words;

words! {
    /// How far one is.
    UploadState {
        Checking = "checking", "正在核对";
        Well = "well", "可以导入，等您确认";
        Wrong = "wrong", "没有导入，要先改正";
        Taking = "taking", "正在导入";
        Taken = "taken", "已经导入";
        Dropped = "dropped", "已经放弃";
    }
}

impl UploadState {
    /// Whether the service is at it.
    pub const fn is_at_work(self) -> bool {
        matches!(self, UploadState::Checking | UploadState::Taking)
    }

    /// Whether nothing more comes of it.
    pub const fn is_over(self) -> bool {
        matches!(self, UploadState::Taken | UploadState::Dropped)
    }
}

/// A table that was brought.
#[derive(Clone)]
pub struct Upload {
    pub id: String,
    pub staff_id: String,
    /// The file itself, until it's over; and its marked copy, where it's wrong.
    pub file_id: Option<String>,
    pub copy_id: Option<String>,
    /// What it's called.
    pub file: String,
    /// How it's taken, as JSON.
    pub options: String,
    pub state: UploadState,
    /// Goes up with each step.
    pub version: i64,
    /// What was understood of it, as JSON.
    pub told: Option<String>,
    pub lease_until: i64,
    /// How often a process has begun with this step of it.
    pub attempts: i64,
    pub created_at: i64,
}

impl std::fmt::Debug for Upload {
    /// Personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Upload { id, state, .. } = self;
        f.debug_struct("Upload").field("id", id).field("state", state).finish_non_exhaustive()
    }
}

struct Row {
    id: String,
    staff_id: String,
    file_id: Option<String>,
    copy_id: Option<String>,
    file_sealed: String,
    options: String,
    state: String,
    version: i64,
    told_sealed: Option<String>,
    lease_until: i64,
    attempts: i64,
    created_at: i64,
}

from_row!(Row {
    id,
    staff_id,
    file_id,
    copy_id,
    file_sealed,
    options,
    state,
    version,
    told_sealed,
    lease_until,
    attempts,
    created_at
});

impl Row {
    fn opened(self, context: &Context) -> Result<Upload> {
        Ok(Upload {
            file: context.open(UPLOAD_FILE, &self.id, &self.file_sealed)?,
            told: context.open_optional(UPLOAD_TOLD, &self.id, self.told_sealed)?,
            state: word("uploads.state", &self.state, UploadState::read)?,
            id: self.id,
            staff_id: self.staff_id,
            file_id: self.file_id,
            copy_id: self.copy_id,
            options: self.options,
            version: self.version,
            lease_until: self.lease_until,
            attempts: self.attempts,
            created_at: self.created_at,
        })
    }
}

const ROW: &str = "SELECT id, staff_id, file_id, copy_id, file_sealed, options, state, version, told_sealed, lease_until,
   attempts, created_at FROM uploads";

impl Session {
    /// One of them.
    pub async fn upload(&mut self, id: &str) -> Result<Option<Upload>> {
        let found = format!("{ROW} WHERE id = $1");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(found))
            .bind(id.to_owned())
            .fetch_optional(&mut self.db)
            .await?;
        row.map(|row| row.opened(&self.context)).transpose()
    }

    /// A person's, the newest first, at most `limit`.
    pub async fn uploads_of(&mut self, staff_id: &str, limit: i64) -> Result<Vec<Upload>> {
        let found = format!("{ROW} WHERE staff_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2");
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(found))
            .bind(staff_id.to_owned())
            .bind(limit)
            .fetch_all(&mut self.db)
            .await?;
        rows.into_iter().map(|row| row.opened(&self.context)).collect()
    }

    /// Those that came between two instants and that nobody is at by now though somebody was to be, at most `limit`.
    pub async fn uploads_left(
        &mut self,
        (from, to): (i64, i64),
        now: i64,
        limit: i64,
    ) -> Result<Vec<Upload>> {
        let found = format!(
            "{ROW} WHERE created_at >= $1 AND created_at <= $2 AND state IN ('checking', 'taking') AND lease_until <= $3
             ORDER BY created_at LIMIT $4"
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(found))
            .bind(from)
            .bind(to)
            .bind(now)
            .bind(limit)
            .fetch_all(&mut self.db)
            .await?;
        rows.into_iter().map(|row| row.opened(&self.context)).collect()
    }

    /// Those that came before an instant, at most `limit`.
    pub async fn uploads_before(&mut self, before: i64, limit: i64) -> Result<Vec<String>> {
        let found = "SELECT id FROM uploads WHERE created_at < $1 ORDER BY created_at LIMIT $2";
        Ok(sqlx::query_scalar(found).bind(before).bind(limit).fetch_all(&mut self.db).await?)
    }
}

impl Tx {
    /// One that has come.
    pub async fn put_upload(&mut self, upload: &Upload) -> Result<()> {
        let file = self.context.seal(UPLOAD_FILE, &upload.id, &upload.file)?;
        sqlx::query(
            "INSERT INTO uploads (id, staff_id, file_id, copy_id, file_sealed, options, state, version, told_sealed, lease_until,
               created_at) VALUES ($1, $2, $3, NULL, $4, $5, $6, $7, NULL, $8, $9)",
        )
        .bind(upload.id.clone())
        .bind(upload.staff_id.clone())
        .bind(upload.file_id.clone())
        .bind(file)
        .bind(upload.options.clone())
        .bind(upload.state.code())
        .bind(upload.version)
        .bind(upload.lease_until)
        .bind(upload.created_at)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// How it stands now.
    pub async fn note_upload(&mut self, upload: &Upload) -> Result<()> {
        let told = self.context.seal_optional(UPLOAD_TOLD, &upload.id, upload.told.as_deref())?;
        sqlx::query(
            "UPDATE uploads SET file_id = $1, copy_id = $2, options = $3, state = $4, version = $5, told_sealed = $6,
               lease_until = $7, attempts = $8 WHERE id = $9",
        )
        .bind(upload.file_id.clone())
        .bind(upload.copy_id.clone())
        .bind(upload.options.clone())
        .bind(upload.state.code())
        .bind(upload.version)
        .bind(told)
        .bind(upload.lease_until)
        .bind(upload.attempts)
        .bind(upload.id.clone())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Forgets one.
    pub async fn drop_upload(&mut self, id: &str) -> Result<()> {
        sqlx::query("DELETE FROM uploads WHERE id = $1")
            .bind(id.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }
}
