//! How a database would run a statement, and which large table that reads through.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AnyConnection, Connection, Executor, PgConnection, Row};
use zoufang::db::Dialect;

use super::record::LARGE;

/// The statements that read a large table through, each with the line of its plan that says so.
pub async fn read_through(
    dialect: Dialect,
    url: &str,
    statements: &BTreeSet<String>,
) -> Vec<(String, String)> {
    let starts = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];
    let explained =
        statements.iter().filter(|sql| starts.iter().any(|start| sql.starts_with(start)));
    match dialect {
        Dialect::Sqlite => on_sqlite(url, explained).await,
        Dialect::Postgres => on_postgres(url, explained).await,
    }
}

/// The tables by the names that a statement gives them.
fn aliases(sql: &str) -> BTreeMap<&str, &'static str> {
    let words: Vec<&str> = sql
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let mut aliases = BTreeMap::new();
    for (at, word) in words.iter().enumerate() {
        let Some(table) = LARGE.iter().find(|table| **table == *word) else { continue };
        aliases.insert(*word, *table);
        let after = words.get(at + 1).filter(|next| **next != "AS").or(words.get(at + 2));
        if let Some(alias) =
            after.filter(|alias| alias.chars().all(|c| c.is_lowercase() || c == '_'))
        {
            aliases.insert(*alias, *table);
        }
    }
    aliases
}

async fn on_sqlite<'s>(
    url: &str,
    statements: impl Iterator<Item = &'s String>,
) -> Vec<(String, String)> {
    let mut db = AnyConnection::connect(url).await.unwrap();
    let partial = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'";
    let partial: Vec<String> = sqlx::query_scalar(partial).fetch_all(&mut db).await.unwrap();
    let mut found = Vec::new();
    for sql in statements {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan = db.fetch_all(sqlx::raw_sql(explain)).await;
        let plan = plan.unwrap_or_else(|error| panic!("{error}: {sql}"));
        let aliases = aliases(sql);
        for row in plan {
            let step: String = row.get("detail");
            let Some(scan) = step.strip_prefix("SCAN ") else { continue };
            let (name, how) = scan.split_once(' ').unwrap_or((scan, ""));
            let index = how.rsplit_once("INDEX ").map(|(_, index)| index);
            // An index of the few rows that wait, or the head of one.
            let short = index.is_some_and(|index| {
                partial.iter().any(|name| name == index) || sql.contains("LIMIT")
            });
            if let Some(table) = aliases.get(name).filter(|_| !short) {
                found.push((sql.clone(), format!("{table}: {step}")));
            }
        }
    }
    found
}

async fn on_postgres<'s>(
    url: &str,
    statements: impl Iterator<Item = &'s String>,
) -> Vec<(String, String)> {
    let mut db = PgConnection::connect(url).await.unwrap();
    // As the program's connections have it; and a plan that fits whatever is asked for.
    db.execute("SET random_page_cost = 1.1; SET plan_cache_mode = force_generic_plan")
        .await
        .unwrap();
    let partial =
        "SELECT CAST(indexrelid::regclass AS TEXT) FROM pg_index WHERE indpred IS NOT NULL";
    let partial: Vec<String> = sqlx::query_scalar(partial).fetch_all(&mut db).await.unwrap();
    let mut found = Vec::new();
    for (number, sql) in statements.enumerate() {
        let parameters = (1..100).rev().find(|n| sql.contains(&format!("${n}"))).unwrap_or(0);
        let prepare = sqlx::AssertSqlSafe(format!("PREPARE s{number} AS {sql}"));
        db.execute(sqlx::raw_sql(prepare)).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
        let nulls = vec!["NULL"; parameters].join(", ");
        let given = if parameters == 0 { String::new() } else { format!("({nulls})") };
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN EXECUTE s{number}{given}"));
        let plan = db.fetch_all(sqlx::raw_sql(explain)).await;
        let plan = plan.unwrap_or_else(|error| panic!("{error}: {sql}"));
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        found.extend(scans(&plan, &partial).into_iter().map(|scan| (sql.clone(), scan)));
    }
    found
}

/// The steps of a plan that go through a large table or the whole of an index of it.
fn scans(plan: &[String], partial: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, line) in plan.iter().enumerate() {
        let Some((_, scan)) = line.split_once("Scan") else { continue };
        let words: Vec<&str> = scan.split_whitespace().collect();
        let named = words.iter().skip_while(|word| **word != "on").nth(1);
        let Some(table) = named.filter(|name| LARGE.contains(name)) else { continue };
        let index = words.iter().skip_while(|word| **word != "using").nth(1);
        let whole = match index {
            // The rows that a heap scan by a bitmap reads were found by an index.
            None => line.contains("Seq Scan"),
            Some(index) => {
                let by_key = plan.get(at + 1).is_some_and(|next| next.contains("Index Cond:"));
                !by_key && !partial.iter().any(|name| name == index)
            }
        };
        let limited = plan[..at].iter().any(|above| above.contains("Limit  (cost"));
        if whole && !(limited && index.is_some()) {
            found.push(format!("{table}: {}", line.trim()));
        }
    }
    found
}
