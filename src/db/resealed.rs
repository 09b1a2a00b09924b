//! Sealing anew what lies in the record: what earlier versions kept in clear or sealed otherwise, and all of it where another
//! key takes the place of one. A few rows in a turn, so that nobody waits; from where it was, after a kill.

use serde_json::{Map, Value};

use super::dialect::Parameter;
use super::personal::{Column, Kept, Table};
use super::{Context, Dialect, Result, Session, Store, Tx};
use crate::seal::{MARK, Sealer};

/// How all of the record is sealed, once that is so.
const SEALED: &str = "sealed";

/// A row by its key.
type Key = Vec<Value>;
type Row = Map<String, Value>;

impl Table {
    fn keys(&self) -> String {
        quoted(self.key.iter().copied())
    }

    fn placeholders(&self) -> String {
        let each: Vec<String> = (1..=self.key.len()).map(|place| format!("${place}")).collect();
        each.join(", ")
    }

    /// The condition that something in a row isn't sealed as the mark says that follows the key among the parameters.
    fn is_stale(&self) -> String {
        let mark = self.key.len() + 1;
        let each = self.columns.iter().map(|Column { name, kept, .. }| match kept {
            Kept::Plain => format!("SUBSTR(\"{name}\", 1, 3) IN ('v1:', 'v2:', 'v3:')"),
            _ => format!("(TRIM(\"{name}\") <> '' AND SUBSTR(\"{name}\", 1, {MARK}) <> ${mark})"),
        });
        each.collect::<Vec<_>>().join(" OR ")
    }

    /// What rows are bound to.
    fn row_of(&self, key: &Key) -> String {
        let parts = key.iter().map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Before every row.
    fn start(&self) -> Key {
        let least = |name: &&str| match self.numbers.contains(name) {
            true => Value::from(i64::MIN),
            false => Value::from(""),
        };
        self.key.iter().map(least).collect()
    }

    fn key_of(&self, row: &Row) -> Key {
        self.key.iter().map(|name| row.get(*name).cloned().unwrap_or_default()).collect()
    }

    fn bound(&self, key: &Key, more: impl Into<Parameter>) -> Vec<Parameter> {
        let each = key.iter().map(|value| match value {
            Value::Number(number) => Parameter::from(number.as_i64().unwrap_or_default()),
            other => Parameter::from(other.as_str().unwrap_or_default()),
        });
        each.chain([more.into()]).collect()
    }
}

fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

impl Session {
    /// The first row after that one in which something isn't sealed as it would be now.
    async fn next_stale(&mut self, table: &Table, after: &Key) -> Result<Option<Key>> {
        let keys = table.keys();
        let read = format!(
            "SELECT {keys} FROM {} WHERE ({keys}) > ({}) AND ({}) ORDER BY {keys} LIMIT 1",
            table.name,
            table.placeholders(),
            table.is_stale()
        );
        let mark = self.context.sealer.mark();
        let rows: Vec<Row> = self.read_rows(table.key, &read, &table.bound(after, mark)).await?;
        Ok(rows.first().map(|row| table.key_of(row)))
    }
}

impl Store {
    /// How all of the record is sealed; nothing where some of it may be sealed otherwise.
    pub async fn sealed_as(&self) -> Result<Option<String>> {
        let sealed = sqlx::query_scalar("SELECT value FROM meta WHERE name = $1").bind(SEALED);
        Ok(sealed.fetch_optional(&self.read).await?)
    }

    /// Seals a table's rows anew where they aren't sealed as they would be now; how many. `progress` is told of each turn.
    pub async fn reseal(&self, table: &Table, progress: &impl Fn(u64)) -> Result<u64> {
        let (mut after, mut rows) = (table.start(), 0);
        loop {
            let mut snapshot = self.snapshot().await?;
            let next = snapshot.next_stale(table, &after).await?;
            snapshot.end().await?;
            let Some(first) = next else { return Ok(rows) };
            let mut tx = self.begin().await?;
            let (last, resealed) = tx.reseal_page(table, &first).await?;
            tx.commit().await?;
            after = last;
            rows += resealed;
            progress(resealed);
        }
    }
}

impl Tx {
    /// All of the record is sealed so.
    pub async fn note_sealed(&mut self, mark: &str) -> Result<()> {
        self.put_meta(SEALED, mark).await
    }

    /// From now on the record goes by that key.
    pub async fn note_key(&mut self, fingerprint: &str) -> Result<()> {
        self.put_meta("key", fingerprint).await
    }

    /// One page of a table from that row on: the last row of it, and how many were sealed anew.
    async fn reseal_page(&mut self, table: &Table, first: &Key) -> Result<(Key, u64)> {
        let keys = table.keys();
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let read = format!(
            "SELECT {keys}, {} FROM {} WHERE ({keys}) >= ({}) ORDER BY {keys} LIMIT ${}",
            quoted(columns.iter().copied()),
            table.name,
            table.placeholders(),
            table.key.len() + 1
        );
        let all: Vec<&str> = table.key.iter().chain(&columns).copied().collect();
        let page: Vec<Row> =
            self.read_rows(&all, &read, &table.bound(first, table.at_once)).await?;
        let last = page.last().map_or_else(|| first.clone(), |row| table.key_of(row));
        let context = self.shared_context();
        let mark = context.sealer.mark();
        let resealed = page.into_iter().filter_map(|row| resealed(&context, table, row, &mark));
        let resealed = resealed.collect::<Result<Vec<_>>>()?;
        self.write_set(&rewrite(self.dialect, table), &resealed).await?;
        Ok((last, resealed.len() as u64))
    }
}

/// A row with what isn't sealed so sealed anew, and nothing else but its key; nothing where all of it is.
fn resealed(context: &Context, table: &Table, row: Row, mark: &str) -> Option<Result<Row>> {
    let key = table.key_of(&row);
    let name = table.row_of(&key);
    let mut anew = Row::new();
    for column in table.columns {
        let Some(Value::String(text)) = row.get(column.name) else { continue };
        if is_settled(*column, text, mark) {
            continue;
        }
        match sealed_again(context, *column, &name, text) {
            Ok(sealed) => drop(anew.insert(column.name.to_owned(), sealed.into())),
            Err(error) => return Some(Err(error)),
        }
    }
    if anew.is_empty() {
        return None;
    }
    anew.extend(table.key.iter().map(|name| (*name).to_owned()).zip(key));
    Some(Ok(anew))
}

/// Whether a text is kept as it would be now.
fn is_settled(column: Column, text: &str, mark: &str) -> bool {
    match column.kept {
        Kept::Plain => !Sealer::is_sealed(text),
        _ => text.trim().is_empty() || text.starts_with(mark),
    }
}

fn sealed_again(context: &Context, column: Column, row: &str, text: &str) -> Result<String> {
    let opened = context.open(column, row, text)?;
    context.seal(column, row, &opened)
}

/// Takes resealed rows: what one doesn't have stays.
fn rewrite(dialect: Dialect, table: &Table) -> String {
    let texts: Vec<&str> = table
        .key
        .iter()
        .filter(|name| !table.numbers.contains(name))
        .copied()
        .chain(table.columns.iter().map(|column| column.name))
        .collect();
    let set = table.columns.iter().map(|column| {
        let (table, name) = (table.name, column.name);
        format!("\"{name}\" = COALESCE(j.\"{name}\", {table}.\"{name}\")")
    });
    let same = table.key.iter().map(|name| format!("{}.\"{name}\" = j.\"{name}\"", table.name));
    format!(
        "UPDATE {} SET {} FROM {} AS j WHERE {}",
        table.name,
        set.collect::<Vec<_>>().join(", "),
        dialect.rows(&texts, table.numbers),
        same.collect::<Vec<_>>().join(" AND ")
    )
}
