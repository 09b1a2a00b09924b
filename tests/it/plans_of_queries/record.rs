//! A record of some size: a small one that the program made, copied many times over.

use sqlx::{AnyConnection, Connection, Executor};
use zoufang::clock::Chance;
use zoufang::db::Dialect;
use zoufang::db::personal::TABLES;
use zoufang::seal::{Place, Sealer};

use crate::support::{AREAS, STAFF};

const SUBJECTS: usize = 50;
const ISSUES: usize = 100;
/// How many times each row is copied.
const COPIES: usize = 150;

/// What is large in a county's record.
pub const LARGE: &[&str] = &[
    "subjects",
    "assignments",
    "residents",
    "visits",
    "issues",
    "issue_events",
    "referrals",
    "referral_numbers",
    "outbox",
    "duty_groups",
    "duties",
];

/// Columns whose values a copy can't share; those that refer to what isn't copied can.
const OWN: &[&str] =
    &["id", "number", "natural_key", "duty_key", "debt_key", "reference", "remote_id", "digest"];
const SHARED: &[&str] =
    &["area_id", "staff_id", "deputy_id", "parent_id", "person_id", "owner_id", "visitor_id"];

/// What leaves most of the copies where most of a county's record is: done with, or not due yet.
const REST: &[&str] = &[
    "UPDATE referrals SET state = 'ended', poll_at = NULL WHERE id LIKE '%~%'",
    "UPDATE duty_groups SET next_step_on = '2022-06-30' WHERE id LIKE '%~%'",
];

/// The small record.
pub fn files() -> Vec<(String, String)> {
    let table = |header: &str, rows: usize, row: &dyn Fn(usize) -> String| {
        let rows: String = (1..=rows).map(|n| format!("\n{}", row(n))).collect();
        format!("{header}{rows}\n")
    };
    let subjects = table("对象编号,对象类型,对象名称,所属村", SUBJECTS, &|n| {
        format!("H{n},家庭,示例{n},高桥村")
    });
    let assignments = table("对象编号,走访人员", SUBJECTS, &|n| format!("H{n},Z6"));
    let visits = table(
        "走访日期,走访人员,对象编号,群众姓名,反映问题,有无问题,责任层级,类别,轻重缓急",
        ISSUES,
        &|n| {
            let level = ["市直单办", "镇村自办"][n % 2];
            format!(
                "2022-03-05,Z6,H{s},示例{s},示例问题{n},有,{level},其他,急",
                s = 1 + n % SUBJECTS
            )
        },
    );
    let files = [
        ("a", AREAS.to_owned()),
        ("s", STAFF.to_owned()),
        ("o", subjects),
        ("f", assignments),
        ("v", visits),
    ];
    files.into_iter().map(|(name, table)| (name.to_owned(), table)).collect()
}

/// Copies what is large.
pub async fn multiply(dialect: Dialect, url: &str) {
    sqlx::any::install_default_drivers();
    let mut db = AnyConnection::connect(url).await.unwrap();
    let unchecked = match dialect {
        Dialect::Sqlite => "PRAGMA foreign_keys = OFF",
        Dialect::Postgres => "SET session_replication_role = replica",
    };
    db.execute(unchecked).await.unwrap();
    unbind(&mut db).await;
    for table in LARGE {
        let columns = columns(&mut db, dialect, table).await;
        let copied = columns.iter().map(|column| {
            let own = OWN.contains(&column.as_str());
            let refers = column.ends_with("_id") && !SHARED.contains(&column.as_str());
            if own || refers { format!("{column} || '~' || n.i") } else { column.clone() }
        });
        let copied: Vec<String> = copied.collect();
        let copy = format!(
            "INSERT INTO {table} ({}) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {COPIES})
             SELECT {} FROM {table} CROSS JOIN n WHERE 1 = 1 ON CONFLICT DO NOTHING",
            columns.join(", "),
            copied.join(", ")
        );
        let copies = db.execute(sqlx::AssertSqlSafe(copy)).await.unwrap().rows_affected();
        assert!(
            copies >= 5_000,
            "{table}: only {copies} copies: which of {columns:?} must differ?"
        );
    }
    for rest in REST {
        db.execute(*rest).await.unwrap();
    }
    if dialect == Dialect::Postgres {
        db.execute("ANALYZE").await.unwrap();
    }
    db.close().await.unwrap();
}

/// Seals what will be copied as versions before did: bound to nothing, so that the copies open too.
async fn unbind(db: &mut AnyConnection) {
    let (sealer, chance) = (Sealer::new(&[7; 32]), Chance::system());
    for table in TABLES.iter().filter(|table| LARGE.contains(&table.name)) {
        // As text, whatever it is.
        let parts = table.key.iter().map(|name| format!("CAST(\"{name}\" AS TEXT)"));
        let row = parts.collect::<Vec<_>>().join(" || '/' || ");
        for column in table.columns {
            let (table, name) = (column.table, column.name);
            let read =
                format!("SELECT {row}, \"{name}\" FROM {table} WHERE \"{name}\" LIKE 'v3:%'");
            let rows: Vec<(String, String)> =
                sqlx::query_as(sqlx::AssertSqlSafe(read)).fetch_all(&mut *db).await.unwrap();
            for (key, sealed) in rows {
                let text = sealer.open(Place { table, column: name, row: &key }, &sealed).unwrap();
                let write = format!("UPDATE {table} SET \"{name}\" = $1 WHERE {row} = $2");
                let unbound = sealer.seal_as_before(&text, &chance).unwrap();
                let write = sqlx::query(sqlx::AssertSqlSafe(write)).bind(unbound).bind(key);
                write.execute(&mut *db).await.unwrap();
            }
        }
    }
}

async fn columns(db: &mut AnyConnection, dialect: Dialect, table: &str) -> Vec<String> {
    let columns = match dialect {
        Dialect::Sqlite => "SELECT name FROM pragma_table_info($1)",
        Dialect::Postgres => {
            "SELECT CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position"
        }
    };
    sqlx::query_scalar(columns).bind(table).fetch_all(db).await.unwrap()
}
