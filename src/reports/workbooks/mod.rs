//! The tables, each from the record into a workbook: one file for each, or for two that are one.

mod casework;
mod frame;
mod inspections;
mod issue_list;
mod missing;
mod rectification;
mod referrals;
pub mod satisfaction;
mod subjects;
pub mod units;

use std::path::Path;

use super::reading::Reading;
use super::sheet::Book;
use super::{Asked, Result, Table};
use crate::db::Store;

/// Writes a table to a file, and says how many rows it has.
///
/// # Errors
/// Where the record can't be read, or the file can't be written.
pub async fn write_table(store: &Store, table: Table, asked: &Asked, to: &Path) -> Result<i64> {
    let mut reading = Reading::begin(store, asked).await?;
    let mut book = Book::new(table.chinese(), reading.span.on)?;
    let (reads, writes) = (&mut reading, &mut book);
    let rows = match table {
        Table::Arrangement => subjects::arrangement(reads, writes).await?,
        Table::WithoutIssues => subjects::without_issues(reads, writes).await?,
        Table::Opinions => casework::opinions(reads, writes).await?,
        Table::Issues => issue_list::issues(reads, writes).await?,
        Table::Rectification => rectification::rectification(reads, writes).await?,
        Table::Referrals => referrals::referrals(reads, writes).await?,
        Table::Units => units::units(reads, writes).await?,
        Table::Satisfaction => satisfaction::satisfaction(reads, writes).await?,
        Table::Inspections => inspections::inspections(reads, writes).await?,
        Table::Discipline => inspections::discipline(store, reads, writes).await?,
        Table::Missing => missing::missing(store, reads, writes, asked).await?,
    };
    reading.record.end().await?;
    book.save(to)?;
    Ok(rows)
}
