//! What was handed in (报送): each time anew, with its file, and the word with which it was sent back.

use serde::Deserialize;

use super::personal::HAND_IN_WORD;
use super::{Result, Session, Tx};

/// Something that was handed in.
#[derive(Debug, Clone)]
pub struct HandIn {
    pub id: String,
    /// The duty that it meets.
    pub duty_key: String,
    /// From 1, for each duty.
    pub version: i64,
    pub file_id: Option<String>,
    pub handed_by: String,
    pub handed_at: i64,
    pub returned_by: Option<String>,
    pub returned_at: Option<i64>,
    /// Why it was sent back.
    pub word: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    duty_key: String,
    version: i64,
    file_id: Option<String>,
    handed_by: String,
    handed_at: i64,
    returned_by: Option<String>,
    returned_at: Option<i64>,
    word_sealed: Option<String>,
}

const COLUMNS: [&str; 9] = [
    "id",
    "duty_key",
    "version",
    "file_id",
    "handed_by",
    "handed_at",
    "returned_by",
    "returned_at",
    "word_sealed",
];

impl Session {
    /// What was handed in for these duties, the newest of each first.
    pub async fn hand_ins(&mut self, duties: &[&str]) -> Result<Vec<HandIn>> {
        let query = format!(
            "SELECT {} FROM hand_ins WHERE duty_key {} ORDER BY duty_key, version DESC",
            COLUMNS.join(", "),
            self.dialect.among()
        );
        let rows: Vec<Row> = self.read_set(&COLUMNS, &query, duties, &[]).await?;
        let read = |row: Row| {
            let word = self.context.open_optional(HAND_IN_WORD, &row.id, row.word_sealed)?;
            Ok(HandIn {
                word,
                id: row.id,
                duty_key: row.duty_key,
                version: row.version,
                file_id: row.file_id,
                handed_by: row.handed_by,
                handed_at: row.handed_at,
                returned_by: row.returned_by,
                returned_at: row.returned_at,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// The duty for which something of that id was handed in.
    pub async fn hand_in_duty(&mut self, id: &str) -> Result<Option<String>> {
        let found = "SELECT duty_key FROM hand_ins WHERE id = $1";
        let id = id.to_owned();
        Ok(sqlx::query_scalar(found).bind(id).fetch_optional(&mut self.db).await?)
    }
}

impl Tx {
    /// Keeps what was handed in now.
    pub async fn put_hand_in(
        &mut self,
        duty_key: &str,
        version: i64,
        file_id: Option<&str>,
        by: &str,
    ) -> Result<()> {
        let (id, now) = (self.context.id(), self.now());
        sqlx::query(
            "INSERT INTO hand_ins (id, duty_key, version, file_id, handed_by, handed_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id)
        .bind(duty_key.to_owned())
        .bind(version)
        .bind(file_id.map(str::to_owned))
        .bind(by.to_owned())
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// It's sent back, with a word.
    pub async fn send_back_hand_in(&mut self, id: &str, by: &str, word: &str) -> Result<()> {
        let now = self.now();
        let sealed = self.context.seal(HAND_IN_WORD, id, word)?;
        sqlx::query(
            "UPDATE hand_ins SET returned_by = $1, returned_at = $2, word_sealed = $3 WHERE id = $4",
        )
        .bind(by.to_owned())
        .bind(now)
        .bind(sealed)
        .bind(id.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
