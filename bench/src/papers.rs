//! A table that is handed in (附件2) of a long record, against rust_xlsxwriter alone writing rows of the same cells and forms in
//! constant memory, turn about; and how much memory each took.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;
use rust_xlsxwriter::{Format, FormatBorder, Workbook};
use sqlx::{Connection, Executor, SqliteConnection};
use zoufang::db::Store;
use zoufang::reports::{Asked, Table, write_table};

use crate::county;
use crate::median;
use crate::program::memory_of;

const ROUNDS: usize = 3;

/// A county's areas and people, and so many subjects, village after village as they're entered, with their visitors and first
/// visits that are complete.
async fn fill(file: &Path, rows: usize) -> anyhow::Result<()> {
    let store = county::empty(file).await?;
    let context = store.context();
    let name = context.sealer.seal_as_before("示例", &context.chance)?;
    let mut db = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?;
    db.execute("PRAGMA foreign_keys = OFF").await?;
    db.execute(
        "CREATE TEMP TABLE v AS SELECT ROW_NUMBER() OVER (ORDER BY code) - 1 AS i, id AS area_id FROM areas WHERE kind = 'village'",
    )
    .await?;
    let villages: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM v").fetch_one(&mut db).await?;
    let person: String = sqlx::query_scalar("SELECT MIN(id) FROM staff").fetch_one(&mut db).await?;
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {})",
        rows.saturating_sub(1)
    );
    for statement in [
        format!(
            "INSERT INTO subjects (id, number, kind, area_id, name_sealed, address_sealed, content_key, created_at)
             {numbers} SELECT printf('s%08d', n.i), printf('S%08d', n.i), 'household', v.area_id, '{name}', NULL, 'k', 0
             FROM n JOIN v ON v.i = n.i * {villages} / {rows}"
        ),
        format!(
            "INSERT INTO assignments (id, subject_id, staff_id, created_at)
             {numbers} SELECT printf('a%08d', n.i), printf('s%08d', n.i), '{person}', 0 FROM n"
        ),
        format!(
            "INSERT INTO duties (id, duty_key, kind, group_id, subject_id, state, met_at, created_at)
             {numbers} SELECT printf('d%08d', n.i), printf('visit:s%08d', n.i), 'visit', 'g', printf('s%08d', n.i), 'met', 0, 0 FROM n"
        ),
    ] {
        db.execute(sqlx::AssertSqlSafe(statement)).await?;
    }
    db.close().await?;
    store.close().await;
    Ok(())
}

/// Run in a process of its own: writes the table, and says how long that took and how much memory there was at most, in MiB.
pub async fn write_alone(record: &str, to: &str) -> anyhow::Result<()> {
    let store: Store = county::open(Path::new(record)).await?;
    let began = Instant::now();
    write_table(&store, Table::Arrangement, &Asked::default(), Path::new(to)).await?;
    println!("{} {}", began.elapsed().as_secs_f64(), memory_of("self", "VmHWM")?);
    Ok(())
}

/// The same by rust_xlsxwriter alone, of cells that stand there already.
pub fn write_bare(rows: usize, to: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut workbook = Workbook::new();
    let form = Format::new().set_border(FormatBorder::Thin).set_text_wrap().set_font_name("仿宋");
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    let cells = [
        "",
        "示例镇",
        "示例村",
        "S00000001",
        "家庭",
        "示*",
        "示例走访人员1",
        "走访人员",
        "",
        "已走访",
        "2022-03-05",
    ];
    for row in 0..u32::try_from(rows)?.min(1_048_576) {
        sheet.write_number_with_format(row, 0, f64::from(row), &form)?;
        for (column, cell) in (0_u16..).zip(cells).skip(1) {
            sheet.write_string_with_format(row, column, cell, &form)?;
        }
    }
    workbook.save(to)?;
    println!("{} {}", began.elapsed().as_secs_f64(), memory_of("self", "VmHWM")?);
    Ok(())
}

/// Rows a second, and memory, as a process of its own says them.
fn alone(arguments: &[&str], rows: usize) -> anyhow::Result<(f64, f64)> {
    let said = Command::new(std::env::current_exe()?).args(arguments).output()?;
    let complaint = String::from_utf8_lossy(&said.stderr);
    anyhow::ensure!(said.status.success(), "{complaint}");
    let text = String::from_utf8(said.stdout)?;
    let mut figures = text.split_whitespace().map(str::parse::<f64>);
    let (seconds, most) =
        (figures.next().context("no time")??, figures.next().context("no memory")??);
    Ok((rows as f64 / seconds, most))
}

/// The table.
pub async fn table(rows: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let record = folder.path().join("zoufang.db");
    fill(&record, rows).await?;
    let (record, count) = (record.display().to_string(), rows.to_string());
    let to = folder.path().join("out.xlsx").display().to_string();
    let (mut ours, mut bare, mut memory) = (Vec::new(), Vec::new(), [0.0_f64; 2]);
    for _ in 0..ROUNDS {
        let (rate, most) = alone(&["write-alone", &record, &to], rows)?;
        ours.push(rate);
        memory[0] = memory[0].max(most);
        let (rate, most) = alone(&["write-bare", &count, &to], rows)?;
        bare.push(rate);
        memory[1] = memory[1].max(most);
    }
    let (ours, bare) = (median(ours), median(bare));
    println!(
        "| rows | 附件2 written, a second | rust_xlsxwriter alone, a second | ratio | memory at most | alone |"
    );
    println!("|---|---|---|---|---|---|");
    println!(
        "| {rows} | {ours:.0} | {bare:.0} | {:.2} | {:.0} MiB | {:.0} MiB |",
        ours / bare,
        memory[0],
        memory[1]
    );
    Ok(())
}
