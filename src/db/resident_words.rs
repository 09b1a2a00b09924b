//! What residents say of what was done, on the page behind their household's card; and who tried to open it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Result, Session, Tx, instant, word};
use crate::domain::visit::Satisfaction;

/// What a resident said of an issue in its present round, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResidentWord {
    pub answer: Satisfaction,
    pub at: Timestamp,
}

/// How often the end of a number was given wrongly, and until when nobody may try.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CardGuesses {
    pub wrong: i64,
    pub locked_until: i64,
}

#[derive(Deserialize)]
struct Row {
    issue_id: String,
    answer: String,
    said_at: i64,
}

impl Session {
    /// What residents said of these issues in their present rounds, by the issues' ids.
    pub async fn resident_words(
        &mut self,
        issues: &[&str],
    ) -> Result<HashMap<String, ResidentWord>> {
        let query = format!(
            "SELECT w.issue_id, w.answer, w.said_at FROM resident_words w JOIN issues i ON i.id = w.issue_id AND i.round = w.round
             WHERE w.issue_id {}",
            self.dialect.among()
        );
        let columns = ["issue_id", "answer", "said_at"];
        let rows: Vec<Row> = self.read_set(&columns, &query, issues, &[]).await?;
        let said = |Row { issue_id, answer, said_at }: Row| {
            let answer = word("resident_words.answer", &answer, Satisfaction::read)?;
            Ok((issue_id, ResidentWord { answer, at: instant(said_at) }))
        };
        rows.into_iter().map(said).collect()
    }

    /// Who tried to open a household's page.
    pub async fn card_guesses(&mut self, subject_id: &str) -> Result<CardGuesses> {
        let row: Option<(i64, i64)> =
            sqlx::query_as("SELECT wrong, locked_until FROM card_guesses WHERE subject_id = $1")
                .bind(subject_id.to_owned())
                .fetch_optional(&mut self.db)
                .await?;
        Ok(row.map(|(wrong, locked_until)| CardGuesses { wrong, locked_until }).unwrap_or_default())
    }
}

impl Tx {
    /// Keeps who tried.
    pub async fn put_card_guesses(&mut self, subject_id: &str, guesses: CardGuesses) -> Result<()> {
        sqlx::query(
            "INSERT INTO card_guesses (subject_id, wrong, locked_until) VALUES ($1, $2, $3)
             ON CONFLICT (subject_id) DO UPDATE SET wrong = excluded.wrong, locked_until = excluded.locked_until",
        )
        .bind(subject_id.to_owned())
        .bind(guesses.wrong)
        .bind(guesses.locked_until)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Forgets who tried, where nothing is locked: once a night, so that mistakes of months don't add up.
    pub async fn forget_card_guesses(&mut self, now: i64) -> Result<()> {
        sqlx::query("DELETE FROM card_guesses WHERE locked_until <= $1")
            .bind(now)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// Keeps what a resident said of an issue in a round: the last word counts.
    pub async fn put_resident_word(
        &mut self,
        issue_id: &str,
        round: i64,
        answer: Satisfaction,
    ) -> Result<()> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO resident_words (issue_id, round, answer, said_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (issue_id, round) DO UPDATE SET answer = excluded.answer, said_at = excluded.said_at",
        )
        .bind(issue_id.to_owned())
        .bind(round)
        .bind(answer.code())
        .bind(now)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
