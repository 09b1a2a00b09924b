//! What comes in: workbooks and text tables, each sheet known by its header, all of a file or nothing of it.
//!
//! Knows the record and the domain. Every row ends in the same commands of the record that any other
//! way in would use; nothing here decides what follows from a visit.
//!
//! A file's way: its form by its bytes (`form`), its parts looked through before the library reads them (`package`, `scan`,
//! `xls`), its cells as rows within bounds (`delimited`, `workbook`, `xlsb`, `open_document` through `assemble`),
//! numbers as they are shown (`number_format`), what its sheets are (`survey`, `header`, `kinds`), its rows in pieces (`pieces`),
//! cleaned (`text`, `dates`) and understood (`cells`, `rows`), then into the record (`pipeline`).

mod acts;
mod area_rows;
mod assemble;
mod below;
mod beside;
mod bounds;
mod cells;
mod check_rows;
mod claims;
mod codes;
mod comments;
mod compound;
mod copy;
mod dates;
mod delimited;
mod denied;
mod form;
mod guard;
mod header;
mod issue_rows;
mod kinds;
mod marked;
mod met;
mod names;
mod number_format;
mod open_cell;
mod open_document;
mod open_styles;
mod options;
mod order;
mod original;
mod package;
mod passed;
mod people;
mod people_rows;
mod pieces;
mod pipeline;
mod refusal;
mod repeated;
mod report;
mod returns;
mod row;
mod rows;
mod scan;
mod struck;
mod survey;
mod tally;
mod template;
mod text;
mod ticks;
mod together;
mod unassigned;
pub mod uploaded;
mod visit_rows;
mod workbook;
mod xls;
mod xlsb;

use std::path::Path;
use std::sync::Arc;

pub use acts::{doer_in_words, done_in_words};
pub use bounds::Bounds;
pub use copy::write_error_copy;
pub use dates::read_date;
pub use kinds::{Field, Kind};
pub use options::Options;
pub use order::Order;
pub use original::Original;
pub use refusal::{ImportError, RowError};
pub use report::{Report, TableReport};
pub use template::{template, template_name};
pub use text::{Sort, clean, is_invisible, written};

use crate::db::{Store, StoreError};

/// How far an import has come, told to whoever shows it.
pub type Progress<'p> = &'p (dyn Fn(usize, usize) + Send + Sync);

/// A file that was looked through.
#[derive(Debug, Clone)]
pub struct Incoming(Arc<survey::Survey>);

impl Incoming {
    /// Looks a file through, beside whoever else runs.
    pub async fn look(
        name: &str,
        bytes: Vec<u8>,
        options: &Options,
    ) -> Result<Incoming, ImportError> {
        let (file, name) = (name.to_owned(), name.to_owned());
        let (bounds, ignored) = (options.bounds, options.ignored.clone());
        let look = move || {
            guard::guarded(&name, || {
                let original = form::original(&name, bytes, bounds)?;
                survey::Survey::of(original, &ignored)
            })
        };
        let looked = tokio::task::spawn_blocking(look).await;
        let looked = looked.unwrap_or_else(|panic| Err(ImportError::broken(&file, panic)));
        if let Err(ImportError::BrokenWorkbook { .. }) = &looked {
            tracing::warn!(event = "import.broken", "a workbook can't be read");
        }
        Ok(Incoming(Arc::new(looked?)))
    }

    /// As it lies there.
    pub async fn open(path: &Path, options: &Options) -> Result<Incoming, ImportError> {
        let (name, bytes) = read_file(path, &options.bounds)?;
        Incoming::look(&name, bytes, options).await
    }

    /// What its tables are.
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.0.tables.iter().map(|of| of.table.kind)
    }

    /// Takes it, or says what is wrong with it.
    pub async fn import(
        &self,
        store: &Store,
        options: &Options,
        progress: Progress<'_>,
    ) -> Result<Report, ImportError> {
        pipeline::Intake::new(store, &self.0, options, progress).import().await
    }
}

/// What a file would do, by its place among those that were named.
pub type Tried = (usize, Result<Report, ImportError>);

/// What files that build on each other would do, one after the other, to the first that is refused; nothing where they are
/// too long to be tried together.
pub async fn try_together(
    store: &Store,
    files: &[&Incoming],
    options: &Options,
) -> Result<Option<Vec<Tried>>, StoreError> {
    let mut intakes = Vec::new();
    for file in files {
        intakes.push(pipeline::Intake::new(store, &file.0, options, &|_, _| {}));
    }
    together::try_together(store, &intakes, Order::of(files)).await
}

/// A file's name for messages, and its bytes.
pub fn read_file(file: &Path, bounds: &Bounds) -> Result<(String, Vec<u8>), ImportError> {
    let name = file.display().to_string();
    let bytes = form::read_bounded(file, &name, bounds)?;
    Ok((name, bytes))
}

/// Imports the bytes of a file called `name`.
pub async fn import(
    store: &Store,
    name: &str,
    bytes: &[u8],
    dry_run: bool,
    progress: Progress<'_>,
) -> Result<Report, ImportError> {
    let options = Options { dry_run, ..Options::default() };
    Incoming::look(name, bytes.to_vec(), &options).await?.import(store, &options, progress).await
}

/// Imports what came back from a portal, and no other kind of file.
pub async fn import_returns(
    store: &Store,
    name: &str,
    bytes: &[u8],
    bounds: Bounds,
) -> Result<Report, ImportError> {
    let options = Options { bounds, ..Options::default() };
    let file = Incoming::look(name, bytes.to_vec(), &options).await?;
    let only = Kind::Returns;
    let other = file.0.tables.iter().map(|table| table.table.kind).find(|kind| *kind != only);
    if let Some(kind) = other {
        return Err(ImportError::OtherKind { file: name.to_owned(), kind, only });
    }
    file.import(store, &options, &|_, _| {}).await
}
