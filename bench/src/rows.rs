//! Sets of rows by sqlx::Any as JSON, as the record has it, against the native drivers: as JSON too, with typed columns
//! and arrays, and row by row. Which of them the record should be written by is docs/decisions/0013.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use sqlx::{
    AnyConnection, AssertSqlSafe, Connection, Executor, PgConnection, QueryBuilder,
    SqliteConnection,
};

use crate::{median, support};

/// Rows of a set.
const SET: usize = 1_000;
/// Rows in the table before anything is measured.
const ROWS: usize = 200_000;
const ROUNDS: usize = 21;

const SCHEMA: [&str; 2] = [
    "CREATE TABLE things (id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE, area_id TEXT NOT NULL, state TEXT NOT NULL,
       body TEXT NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL, due_at BIGINT)",
    "CREATE INDEX things_area ON things (area_id, state)",
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Thing {
    id: String,
    number: String,
    area_id: String,
    state: String,
    body: String,
    version: i64,
    created_at: i64,
    due_at: Option<i64>,
}

type Columns = (String, String, String, String, String, i64, i64, Option<i64>);

impl From<Columns> for Thing {
    fn from(columns: Columns) -> Thing {
        let (id, number, area_id, state, body, version, created_at, due_at) = columns;
        Thing { id, number, area_id, state, body, version, created_at, due_at }
    }
}

fn thing(n: usize) -> Thing {
    Thing {
        id: format!("01a21533-ea7d-7ebe-9bf7-{n:012}"),
        number: format!("CHD2022-{n:07}"),
        area_id: format!("area-{}", n % 1_180),
        state: "queued".to_owned(),
        body: format!("v1:RIbJ47idvtN11edBQSxCIKCjk3Vd3+Oc5yy7naF/BZQJ98KM6uRE6hgDj8dZzr{n}"),
        version: 1,
        created_at: 1_646_445_600_000,
        due_at: n.is_multiple_of(3).then_some(1_650_000_000_000),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Insert,
    Update,
    LookUp,
}

impl Op {
    const ALL: [(Op, &str); 3] =
        [(Op::Insert, "insert"), (Op::Update, "update"), (Op::LookUp, "look up")];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    AnyJson,
    NativeJson,
    NativeTyped,
    RowByRow,
}

impl Way {
    const ALL: [(Way, &str); 4] = [
        (Way::AnyJson, "sqlx::Any, JSON"),
        (Way::NativeJson, "native, JSON"),
        (Way::NativeTyped, "native, typed columns"),
        (Way::RowByRow, "native, row by row"),
    ];
}

const NAMES: &str = "id, number, area_id, state, body, version, created_at, due_at";
const INSERT: &str =
    "INSERT INTO things (id, number, area_id, state, body, version, created_at, due_at)";

/// What is asked of each database in JSON.
struct Json {
    insert: String,
    update: String,
    look_up: String,
}

fn json_of(postgres: bool) -> Json {
    let (rows, list, all) = if postgres {
        (
            "(SELECT * FROM json_to_recordset(CAST($1 AS json)) AS r (id TEXT, number TEXT, area_id TEXT, state TEXT, body TEXT,
               version BIGINT, created_at BIGINT, due_at BIGINT))",
            "= ANY (ARRAY (SELECT json_array_elements_text(CAST($1 AS json))))",
            format!("SELECT CAST(COALESCE(json_agg(j), '[]') AS TEXT) FROM (SELECT {NAMES} FROM things WHERE id LIST) AS j"),
        )
    } else {
        let members: Vec<String> =
            NAMES.split(", ").map(|name| format!("'{name}', {name}")).collect();
        (
            "(SELECT value ->> 'id' AS id, value ->> 'number' AS number, value ->> 'area_id' AS area_id, value ->> 'state' AS state,
               value ->> 'body' AS body, CAST(value ->> 'version' AS BIGINT) AS version,
               CAST(value ->> 'created_at' AS BIGINT) AS created_at, CAST(value ->> 'due_at' AS BIGINT) AS due_at FROM jsonb_each($1))",
            "IN (SELECT value FROM json_each($1))",
            format!(
                "SELECT json_group_array(json_object({})) FROM (SELECT {NAMES} FROM things WHERE id LIST)",
                members.join(", ")
            ),
        )
    };
    Json {
        insert: format!("{INSERT} SELECT {NAMES} FROM {rows} AS n WHERE 1 = 1"),
        update: format!(
            "UPDATE things SET state = n.state, version = n.version, due_at = n.due_at FROM {rows} AS n WHERE things.id = n.id"
        ),
        look_up: all.replace("LIST", list),
    }
}

/// One set by JSON over whichever connection.
macro_rules! by_json {
    ($db:expr, $json:expr, $op:expr, $things:expr) => {{
        let (json, things): (&Json, &[Thing]) = ($json, $things);
        let sql = |sql: &String| AssertSqlSafe(sql.clone());
        match $op {
            Op::Insert | Op::Update => {
                let statement = if $op == Op::Insert { &json.insert } else { &json.update };
                let rows = serde_json::to_string(things)?;
                sqlx::query(sql(statement)).bind(rows).execute(&mut *$db).await?.rows_affected()
            }
            Op::LookUp => {
                let ids: Vec<&str> = things.iter().map(|thing| thing.id.as_str()).collect();
                let ids = serde_json::to_string(&ids)?;
                let found: String =
                    sqlx::query_scalar(sql(&json.look_up)).bind(ids).fetch_one(&mut *$db).await?;
                serde_json::from_str::<Vec<Thing>>(&found)?.len() as u64
            }
        }
    }};
}

/// One set row by row: a prepared statement for each.
macro_rules! row_by_row {
    ($db:expr, $op:expr, $things:expr) => {{
        let mut rows = 0;
        for thing in $things {
            rows += match $op {
                Op::Insert => sqlx::query(
                    "INSERT INTO things (id, number, area_id, state, body, version, created_at, due_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                )
                .bind(&thing.id)
                .bind(&thing.number)
                .bind(&thing.area_id)
                .bind(&thing.state)
                .bind(&thing.body)
                .bind(thing.version)
                .bind(thing.created_at)
                .bind(thing.due_at)
                .execute(&mut *$db)
                .await?
                .rows_affected(),
                Op::Update => sqlx::query(
                    "UPDATE things SET state = $1, version = $2, due_at = $3 WHERE id = $4",
                )
                .bind(&thing.state)
                .bind(thing.version)
                .bind(thing.due_at)
                .bind(&thing.id)
                .execute(&mut *$db)
                .await?
                .rows_affected(),
                Op::LookUp => {
                    let found: Columns = sqlx::query_as(
                        "SELECT id, number, area_id, state, body, version, created_at, due_at FROM things WHERE id = $1",
                    )
                    .bind(&thing.id)
                    .fetch_one(&mut *$db)
                    .await?;
                    u64::from(Thing::from(found).id == thing.id)
                }
            };
        }
        rows
    }};
}

/// One set with typed columns on SQLite: rows of values.
async fn typed_on_sqlite(
    db: &mut SqliteConnection,
    op: Op,
    things: &[Thing],
) -> anyhow::Result<u64> {
    Ok(match op {
        Op::Insert => {
            let mut query = QueryBuilder::new(format!("{INSERT} "));
            query.push_values(things, |mut row, thing| {
                row.push_bind(&thing.id)
                    .push_bind(&thing.number)
                    .push_bind(&thing.area_id)
                    .push_bind(&thing.state)
                    .push_bind(&thing.body)
                    .push_bind(thing.version)
                    .push_bind(thing.created_at)
                    .push_bind(thing.due_at);
            });
            query.build().execute(db).await?.rows_affected()
        }
        Op::Update => {
            let mut query = QueryBuilder::new("WITH n (id, state, version, due_at) AS (");
            query.push_values(things, |mut row, thing| {
                row.push_bind(&thing.id)
                    .push_bind(&thing.state)
                    .push_bind(thing.version)
                    .push_bind(thing.due_at);
            });
            query.push(
                ") UPDATE things SET state = n.state, version = n.version, due_at = n.due_at FROM n WHERE things.id = n.id",
            );
            query.build().execute(db).await?.rows_affected()
        }
        Op::LookUp => {
            let mut query = QueryBuilder::new(format!("SELECT {NAMES} FROM things WHERE id IN ("));
            let mut ids = query.separated(", ");
            for thing in things {
                ids.push_bind(&thing.id);
            }
            query.push(")");
            let found: Vec<Columns> = query.build_query_as().fetch_all(db).await?;
            found.into_iter().map(Thing::from).collect::<Vec<_>>().len() as u64
        }
    })
}

/// One set with typed columns on PostgreSQL: a list for each column.
async fn typed_on_postgres(db: &mut PgConnection, op: Op, things: &[Thing]) -> anyhow::Result<u64> {
    let texts = |of: fn(&Thing) -> &String| -> Vec<String> {
        things.iter().map(|thing| of(thing).clone()).collect()
    };
    let numbers = |of: fn(&Thing) -> i64| -> Vec<i64> { things.iter().map(of).collect() };
    let due: Vec<Option<i64>> = things.iter().map(|thing| thing.due_at).collect();
    Ok(match op {
        Op::Insert => sqlx::query(
            "INSERT INTO things (id, number, area_id, state, body, version, created_at, due_at)
             SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])",
        )
        .bind(texts(|t| &t.id))
        .bind(texts(|t| &t.number))
        .bind(texts(|t| &t.area_id))
        .bind(texts(|t| &t.state))
        .bind(texts(|t| &t.body))
        .bind(numbers(|t| t.version))
        .bind(numbers(|t| t.created_at))
        .bind(due)
        .execute(db)
        .await?
        .rows_affected(),
        Op::Update => sqlx::query(
            "UPDATE things SET state = n.state, version = n.version, due_at = n.due_at
             FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS n (id, state, version, due_at) WHERE things.id = n.id",
        )
        .bind(texts(|t| &t.id))
        .bind(texts(|t| &t.state))
        .bind(numbers(|t| t.version))
        .bind(due)
        .execute(db)
        .await?
        .rows_affected(),
        Op::LookUp => {
            let found: Vec<Columns> = sqlx::query_as(
                "SELECT id, number, area_id, state, body, version, created_at, due_at FROM things WHERE id = ANY ($1)",
            )
            .bind(texts(|t| &t.id))
            .fetch_all(db)
            .await?;
            found.into_iter().map(Thing::from).collect::<Vec<_>>().len() as u64
        }
    })
}

/// Each database's connections: by Any, and its own.
enum Native {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

struct Bench {
    any: AnyConnection,
    native: Native,
    json: Json,
}

impl Bench {
    async fn on(url: &str) -> anyhow::Result<Bench> {
        sqlx::any::install_default_drivers();
        let postgres = url.starts_with("postgres");
        let mut any = AnyConnection::connect(url).await?;
        let settings = if postgres {
            "SET random_page_cost = 1.1"
        } else {
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768; PRAGMA busy_timeout = 30000"
        };
        any.execute(settings).await?;
        let native = if postgres {
            let mut native = PgConnection::connect(url).await?;
            native.execute(settings).await?;
            Native::Postgres(native)
        } else {
            let mut native = SqliteConnection::connect(url).await?;
            native.execute(settings).await?;
            Native::Sqlite(native)
        };
        for statement in SCHEMA {
            any.execute(statement).await?;
        }
        let mut bench = Bench { any, native, json: json_of(postgres) };
        for set in 0..ROWS / SET {
            let things: Vec<Thing> = (set * SET..(set + 1) * SET).map(thing).collect();
            bench.set(Way::NativeJson, Op::Insert, &things).await?;
        }
        if postgres {
            bench.any.execute("ANALYZE things").await?;
        }
        Ok(bench)
    }

    /// One set in a transaction of its own; gives back the milliseconds.
    async fn set(&mut self, way: Way, op: Op, things: &[Thing]) -> anyhow::Result<f64> {
        let began = Instant::now();
        let rows = match (way, &mut self.native) {
            (Way::AnyJson, _) => {
                let mut tx = self.any.begin().await?;
                let db: &mut AnyConnection = &mut tx;
                let rows = by_json!(db, &self.json, op, things);
                tx.commit().await?;
                rows
            }
            (_, Native::Sqlite(native)) => {
                let mut tx = native.begin().await?;
                let db: &mut SqliteConnection = &mut tx;
                let rows = match way {
                    Way::RowByRow => row_by_row!(db, op, things),
                    Way::NativeTyped => typed_on_sqlite(db, op, things).await?,
                    _ => by_json!(db, &self.json, op, things),
                };
                tx.commit().await?;
                rows
            }
            (_, Native::Postgres(native)) => {
                let mut tx = native.begin().await?;
                let db: &mut PgConnection = &mut tx;
                let rows = match way {
                    Way::RowByRow => row_by_row!(db, op, things),
                    Way::NativeTyped => typed_on_postgres(db, op, things).await?,
                    _ => by_json!(db, &self.json, op, things),
                };
                tx.commit().await?;
                rows
            }
        };
        anyhow::ensure!(rows == things.len() as u64, "{way:?} {op:?}: {rows} rows");
        Ok(began.elapsed().as_secs_f64() * 1000.0)
    }
}

async fn measure(name: &str, url: &str) -> anyhow::Result<()> {
    let mut bench = Bench::on(url).await?;
    let mut next = ROWS;
    let mut times = vec![[const { Vec::new() }; 3]; Way::ALL.len()];
    for round in 0..ROUNDS {
        // Each way is the first as often as the others, and changes rows that no other has changed.
        for turn in 0..Way::ALL.len() {
            let place = (turn + round) % Way::ALL.len();
            let (way, times) = (Way::ALL[place].0, &mut times[place]);
            let mut fresh: Vec<Thing> = (next..next + SET).map(thing).collect();
            next += SET;
            times[0].push(bench.set(way, Op::Insert, &fresh).await?);
            // Rows from all over the table, as a batch has them.
            let step = ROWS / SET;
            for (n, thing) in fresh.iter_mut().enumerate() {
                *thing = self::thing(n * step + round * Way::ALL.len() + place);
                thing.state = "referred".to_owned();
                thing.version += 1;
            }
            times[1].push(bench.set(way, Op::Update, &fresh).await?);
            times[2].push(bench.set(way, Op::LookUp, &fresh).await?);
        }
    }
    for (place, (_, op)) in Op::ALL.into_iter().enumerate() {
        let any = median(times[0][place].clone());
        for ((_, way), times) in Way::ALL.into_iter().zip(&times) {
            let time = median(times[place].clone());
            println!("| {name} | {op} | {way} | {time:.1} ms | {:.2} |", time / any);
        }
    }
    Ok(())
}

/// The whole table.
pub async fn table() -> anyhow::Result<()> {
    println!(
        "\nSets of {SET} rows of 8 columns over {ROWS} rows, each in a transaction of its own, median of {ROUNDS} rounds, turn about\n"
    );
    println!("| database | what | by | time | ratio to sqlx::Any |\n|---|---|---|---|---|");
    let folder = tempfile::tempdir()?;
    let sqlite = format!("sqlite://{}?mode=rwc", folder.path().join("rows.db").display());
    measure("SQLite FULL", &sqlite).await?;
    if let Some(postgres) = support::postgres::database().await {
        measure("PostgreSQL", &postgres).await?;
    }
    Ok(())
}
