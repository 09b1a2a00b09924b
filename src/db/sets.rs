//! Rows by sets: one statement whatever their number.

use std::collections::HashSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::AssertSqlSafe;

use super::dialect::Parameter;
use super::{Result, Session, Tx, to_json};

/// How many rows one statement is handed, so that memory stays flat.
pub(super) const AT_ONCE: usize = 2_000;

impl Session {
    /// The rows of a query with these columns. Its `$1` is the list (after a column, see [`super::Dialect::among`]), and
    /// what follows are the texts.
    pub(super) async fn read_set<T: DeserializeOwned>(
        &mut self,
        columns: &[&str],
        query: &str,
        list: &(impl Serialize + ?Sized),
        texts: &[&str],
    ) -> Result<Vec<T>> {
        let mut parameters = vec![to_json(&list)?.into()];
        parameters.extend(texts.iter().map(|text| Parameter::from(*text)));
        self.read_rows(columns, query, &parameters).await
    }

    /// The rows of a query with these columns and parameters.
    pub(super) async fn read_rows<T: DeserializeOwned>(
        &mut self,
        columns: &[&str],
        query: &str,
        parameters: &[Parameter],
    ) -> Result<Vec<T>> {
        self.dialect.read(&mut self.db, columns, query, parameters).await
    }
}

/// Of rows of one id the last, in the order in which they came.
pub(super) fn last_of_each<T>(rows: &[T], id: impl Fn(&T) -> &str) -> Vec<&T> {
    let mut seen = HashSet::new();
    let mut last: Vec<&T> = rows.iter().rev().filter(|row| seen.insert(id(row))).collect();
    last.reverse();
    last
}

/// The columns of rows that are written: texts, and whole numbers.
pub(super) struct Columns<'c> {
    pub texts: &'c [&'c str],
    pub numbers: &'c [&'c str],
}

impl Tx {
    /// Adds rows to a table, whose columns have the names of the rows' members.
    pub(super) async fn insert_set(
        &mut self,
        table: &str,
        columns: &Columns<'_>,
        rows: &[impl Serialize],
    ) -> Result<()> {
        let names: Vec<String> =
            columns.texts.iter().chain(columns.numbers).map(|name| format!("\"{name}\"")).collect();
        let names = names.join(", ");
        let source = self.dialect.rows(columns.texts, columns.numbers);
        self.write_set(
            &format!("INSERT INTO {table} ({names}) SELECT {names} FROM {source} AS j"),
            rows,
        )
        .await
    }

    /// Changes rows of a table by their id: each column gets the member of its name. No id may
    /// come twice: which of two rows would hold is chance (see [`last_of_each`]).
    pub(super) async fn update_set(
        &mut self,
        table: &str,
        columns: &Columns<'_>,
        rows: &[impl Serialize],
    ) -> Result<()> {
        let set: Vec<String> = columns
            .texts
            .iter()
            .chain(columns.numbers)
            .filter(|name| **name != "id")
            .map(|name| format!("\"{name}\" = j.\"{name}\""))
            .collect();
        let source = self.dialect.rows(columns.texts, columns.numbers);
        let set = set.join(", ");
        self.write_set(
            &format!("UPDATE {table} SET {set} FROM {source} AS j WHERE {table}.id = j.id"),
            rows,
        )
        .await
    }

    /// Hands rows to a statement that takes them as its only parameter.
    pub(super) async fn write_set(
        &mut self,
        statement: &str,
        rows: &[impl Serialize],
    ) -> Result<()> {
        for rows in rows.chunks(AT_ONCE) {
            sqlx::query(AssertSqlSafe(statement.to_owned()))
                .bind(to_json(&rows)?)
                .execute(&mut self.db)
                .await?;
        }
        Ok(())
    }
}
