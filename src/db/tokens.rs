//! Tokens of programs 程序令牌: each kept as a digest under the key, for what it's given for alone, with an end. Instants are real
//! time.

use super::personal::TOKEN_TITLE;
use super::{Context, Result, Session, Tx};
use crate::domain::scope::Scope;

/// A token, without what it is.
#[derive(Debug, Clone)]
pub struct ProgramToken {
    pub id: String,
    /// Which program has it.
    pub title: String,
    pub scopes: Vec<Scope>,
    /// The number of whoever gave it.
    pub given_by: String,
    /// The number of whoever it acts as.
    pub acts_as: String,
    pub created_at: i64,
    pub until_at: i64,
    pub seen_at: Option<i64>,
    pub ended_at: Option<i64>,
}

struct Row {
    id: String,
    title_sealed: String,
    scopes: String,
    given_by: String,
    acts_as: String,
    created_at: i64,
    until_at: i64,
    seen_at: Option<i64>,
    ended_at: Option<i64>,
}

from_row!(Row {
    id,
    title_sealed,
    scopes,
    given_by,
    acts_as,
    created_at,
    until_at,
    seen_at,
    ended_at
});

impl Row {
    fn opened(self, context: &Context) -> Result<ProgramToken> {
        Ok(ProgramToken {
            title: context.open(TOKEN_TITLE, &self.id, &self.title_sealed)?,
            scopes: Scope::of_kept(&self.scopes),
            id: self.id,
            given_by: self.given_by,
            acts_as: self.acts_as,
            created_at: self.created_at,
            until_at: self.until_at,
            seen_at: self.seen_at,
            ended_at: self.ended_at,
        })
    }
}

const ROW: &str = "SELECT t.id, t.title_sealed, t.scopes, s.number AS given_by, COALESCE(a.number, s.number) AS acts_as,
   t.created_at, t.until_at, t.seen_at, t.ended_at
   FROM program_tokens t JOIN staff s ON s.id = t.given_by LEFT JOIN staff a ON a.id = t.acts_as";

impl Context {
    fn token_hash(&self, token: &str) -> String {
        self.sealer.index(&["program-token", token])
    }
}

impl Session {
    /// The token with this secret, if it was ever given.
    pub async fn program_token(&mut self, token: &str) -> Result<Option<ProgramToken>> {
        let found = format!("{ROW} WHERE t.token_hash = $1");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(found))
            .bind(self.context.token_hash(token))
            .fetch_optional(&mut self.db)
            .await?;
        row.map(|row| row.opened(&self.context)).transpose()
    }

    /// All that were ever given, the newest first.
    pub async fn program_tokens(&mut self) -> Result<Vec<ProgramToken>> {
        let found = format!("{ROW} ORDER BY t.created_at DESC, t.id");
        let rows: Vec<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(found)).fetch_all(&mut self.db).await?;
        rows.into_iter().map(|row| row.opened(&self.context)).collect()
    }
}

impl Tx {
    /// Gives a token.
    pub async fn put_program_token(
        &mut self,
        token: &str,
        given: &ProgramToken,
        by: &str,
        acts_as: &str,
    ) -> Result<()> {
        let (hash, title) = (
            self.context.token_hash(token),
            self.context.seal(TOKEN_TITLE, &given.id, &given.title)?,
        );
        sqlx::query(
            "INSERT INTO program_tokens (id, token_hash, title_sealed, scopes, given_by, created_at, until_at, acts_as)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(given.id.clone())
        .bind(hash)
        .bind(title)
        .bind(Scope::kept(&given.scopes))
        .bind(by.to_owned())
        .bind(given.created_at)
        .bind(given.until_at)
        .bind(acts_as.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// A token was shown.
    pub async fn see_program_token(&mut self, id: &str, now: i64) -> Result<()> {
        sqlx::query("UPDATE program_tokens SET seen_at = $1 WHERE id = $2")
            .bind(now)
            .bind(id.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// The tokens that act as a person are good no more.
    pub async fn end_program_tokens_of(&mut self, staff_id: &str, now: i64) -> Result<()> {
        sqlx::query(
            "UPDATE program_tokens SET ended_at = $1 WHERE COALESCE(acts_as, given_by) = $2 AND ended_at IS NULL",
        )
        .bind(now)
        .bind(staff_id.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// A token is good no more. Whether it was.
    pub async fn end_program_token(&mut self, id: &str, now: i64) -> Result<bool> {
        let ended = sqlx::query(
            "UPDATE program_tokens SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL",
        )
        .bind(now)
        .bind(id.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(ended.rows_affected() > 0)
    }
}
