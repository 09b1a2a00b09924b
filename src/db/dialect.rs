//! What differs between the two databases, and how rows come and go by sets: as JSON, one statement whatever their number.

use std::time::Duration;

use serde::de::DeserializeOwned;
use sqlx::{Any, Executor};

use super::{Result, StoreError};

/// Which database stands behind the same SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// How long a statement may say nothing, where a server has so long. Whoever waits for one can't tell one that is at work
    /// from one that the network swallowed; a file always answers.
    pub(super) fn silence(self, of_server: Duration) -> Duration {
        match self {
            Dialect::Sqlite => Duration::MAX,
            Dialect::Postgres => of_server,
        }
    }

    /// Many rows in one statement: a table in brackets of the JSON objects in the list that is its first parameter, with
    /// these members as columns of text and of whole numbers.
    pub(super) fn rows(self, texts: &[&str], numbers: &[&str]) -> String {
        let typed = texts.iter().map(|name| (name, false));
        let columns = typed.chain(numbers.iter().map(|name| (name, true)));
        let columns: Vec<String> =
            columns.map(|(name, number)| self.member(name, number)).collect();
        let columns = columns.join(", ");
        match self {
            // Both read each object once, where `->>` on text would read it anew for each member.
            Dialect::Sqlite => format!("(SELECT {columns} FROM jsonb_each($1))"),
            Dialect::Postgres => {
                format!("(SELECT * FROM json_to_recordset(CAST($1 AS json)) AS rows ({columns}))")
            }
        }
    }

    fn member(self, name: &str, number: bool) -> String {
        match (self, number) {
            (Dialect::Sqlite, false) => format!("value ->> '{name}' AS \"{name}\""),
            (Dialect::Sqlite, true) => format!("CAST(value ->> '{name}' AS BIGINT) AS \"{name}\""),
            (Dialect::Postgres, false) => format!("\"{name}\" TEXT"),
            (Dialect::Postgres, true) => format!("\"{name}\" BIGINT"),
        }
    }

    /// The condition, after a column's name, that it's one of the texts in the JSON list that is the statement's first
    /// parameter.
    pub(super) const fn among(self) -> &'static str {
        match self {
            Dialect::Sqlite => "IN (SELECT value FROM json_each($1))",
            // As an array PostgreSQL looks each up by an index; as a query it reads the whole table to join it.
            Dialect::Postgres => {
                "= ANY (ARRAY (SELECT json_array_elements_text(CAST($1 AS json))))"
            }
        }
    }

    /// All rows of a query with these columns as one value: a JSON list of objects, for [`from_json`]. A row of its own
    /// for each costs a hand-over between threads, and its values an allocation each.
    fn as_one(self, columns: &[&str], query: &str) -> String {
        match self {
            Dialect::Sqlite => {
                let member = |name: &&str| format!("'{name}', {name}");
                let members: Vec<String> = columns.iter().map(member).collect();
                format!(
                    "SELECT json_group_array(json_object({})) FROM ({query})",
                    members.join(", ")
                )
            }
            Dialect::Postgres => {
                format!("SELECT CAST(COALESCE(json_agg(j), '[]') AS TEXT) FROM ({query}) AS j")
            }
        }
    }

    /// The rows of a query with these columns and parameters.
    pub(super) async fn read<'e, T: DeserializeOwned>(
        self,
        db: impl Executor<'e, Database = Any>,
        columns: &[&str],
        query: &str,
        parameters: &[Parameter],
    ) -> Result<Vec<T>> {
        let mut read = sqlx::query_scalar(sqlx::AssertSqlSafe(self.as_one(columns, query)));
        for parameter in parameters {
            read = match parameter {
                Parameter::Text(text) => read.bind(text.clone()),
                Parameter::Number(number) => read.bind(*number),
            };
        }
        let rows: String = read.fetch_one(db).await?;
        from_json(&rows)
    }
}

/// What a statement is handed for its `$1`, `$2` and so on.
pub(super) enum Parameter {
    Text(String),
    Number(i64),
}

impl From<String> for Parameter {
    fn from(text: String) -> Parameter {
        Parameter::Text(text)
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Parameter {
        Parameter::Text(text.to_owned())
    }
}

impl From<i64> for Parameter {
    fn from(number: i64) -> Parameter {
        Parameter::Number(number)
    }
}

/// As JSON, which is also how rows are handed to [`Dialect::rows`].
pub(super) fn to_json(rows: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(rows).map_err(|error| StoreError::of_json("json", &error))
}

/// Reads what [`Dialect::as_one`] gives.
fn from_json<T: DeserializeOwned>(rows: &str) -> Result<Vec<T>> {
    serde_json::from_str(rows).map_err(|error| StoreError::of_json("json", &error))
}
