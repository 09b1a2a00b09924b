//! What people hear in their digests besides their duties.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::personal::{WORD_BODY, WORD_TITLE};
use super::{Result, Session, Tx};

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// One for each topic of a day.
    pub topic: String,
    pub title: String,
    pub body: String,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    staff_id: String,
    topic: String,
    title_sealed: String,
    body_sealed: String,
}

impl Session {
    /// Whether anybody was told of this topic since a day; before there were words in digests, by a message of its own.
    pub async fn was_told(&mut self, topic: &str, since: Date) -> Result<bool> {
        let told: Option<String> = sqlx::query_scalar(
            "SELECT staff_id FROM words WHERE on_date >= $1 AND topic = $2
             UNION ALL SELECT staff_id FROM notices WHERE on_date >= $1 AND topic = $2 LIMIT 1",
        )
        .bind(since.to_string())
        .bind(topic.to_owned())
        .fetch_optional(&mut self.db)
        .await?;
        Ok(told.is_some())
    }

    /// What each of these people hears in their digest of a day.
    pub async fn words_of(
        &mut self,
        people: &[&str],
        day: &str,
    ) -> Result<HashMap<String, Vec<Word>>> {
        let read = format!(
            "SELECT id, staff_id, topic, title_sealed, body_sealed FROM words
             WHERE staff_id {} AND on_date = $2 ORDER BY id",
            self.dialect.among()
        );
        let columns = ["id", "staff_id", "topic", "title_sealed", "body_sealed"];
        let rows: Vec<Row> = self.read_set(&columns, &read, people, &[day]).await?;
        let mut words: HashMap<String, Vec<Word>> = HashMap::new();
        for row in rows {
            let title = self.context.open(WORD_TITLE, &row.id, &row.title_sealed)?;
            let body = self.context.open(WORD_BODY, &row.id, &row.body_sealed)?;
            words.entry(row.staff_id).or_default().push(Word { topic: row.topic, title, body });
        }
        Ok(words)
    }
}

impl Tx {
    /// Gives a person a word for today's digest, which they are owed by it.
    pub async fn put_word(&mut self, staff_id: &str, word: &Word) -> Result<()> {
        let (id, on) = (self.context.id(), self.today().to_string());
        let title = self.context.seal(WORD_TITLE, &id, &word.title)?;
        let body = self.context.seal(WORD_BODY, &id, &word.body)?;
        sqlx::query(
            "INSERT INTO words (id, staff_id, topic, on_date, title_sealed, body_sealed) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id)
        .bind(staff_id.to_owned())
        .bind(word.topic.clone())
        .bind(on.clone())
        .bind(title)
        .bind(body)
        .execute(&mut self.db)
        .await?;
        self.owe_digest(staff_id, &on).await
    }

    async fn owe_digest(&mut self, staff_id: &str, on: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO owed_digests (staff_id, on_date) VALUES ($1, $2) ON CONFLICT (staff_id) DO NOTHING",
        )
        .bind(staff_id.to_owned())
        .bind(on.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
