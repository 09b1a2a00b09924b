//! A file's way in: a short one in one turn; a long one checked whole on snapshots, piece by piece, then applied in turns.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::columns::{self, Kind, Table};
use super::rows::{People, Piece, RowReader, row_error};
use super::{ImportError, Progress, Report, RowError, Sheet, returns};
use crate::app::imports::{Done, Import, Incoming};
use crate::app::problem::Outcomes;
use crate::db::{Session, Store, StoreError, Tx, Upsert};
use crate::seal::hex;

/// So many rows are one turn.
const ONE_TURN: usize = 400;

/// A file and where it goes.
struct Intake<'i> {
    store: &'i Store,
    name: &'i str,
    digest: String,
    table: &'i Table<'i>,
    progress: Progress<'i>,
}

pub(super) async fn import_sheet(
    store: &Store,
    name: &str,
    bytes: &[u8],
    sheet: Sheet,
    dry_run: bool,
    progress: Progress<'_>,
) -> Result<Report, ImportError> {
    let table = columns::recognise(&sheet)?;
    let intake = Intake { store, name, digest: digest_of(bytes), table: &table, progress };
    let in_store = |error| ImportError::Store { file: name.to_owned(), error };
    let outcome = intake.import(dry_run).await.map_err(in_store)?;
    drop(table);
    match outcome {
        Ok(report) => {
            let sheet = (!report.unmatched.is_empty()).then_some(sheet);
            Ok(Report { sheet, ..report })
        }
        Err(errors) => {
            Err(ImportError::Rows { file: name.to_owned(), errors, sheet: Box::new(sheet) })
        }
    }
}

fn digest_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// What a file did, or all that is wrong with it.
type Outcome = Result<Result<Report, Vec<RowError>>, StoreError>;

impl Intake<'_> {
    async fn import(&self, dry_run: bool) -> Outcome {
        let mut snapshot = self.store.snapshot().await?;
        let before = self.imported_before(&mut snapshot).await?;
        snapshot.end().await?;
        if let Some(report) = before {
            return Ok(Ok(report));
        }
        if self.table.kind == Kind::Returns {
            return self.take_returns(dry_run).await;
        }
        match (dry_run, self.table.rows.len() <= ONE_TURN) {
            (true, _) => self.try_out().await,
            (false, true) => self.at_once().await,
            (false, false) => self.in_pieces().await,
        }
    }

    /// That this very file has come in before.
    async fn imported_before(&self, session: &mut Session) -> Result<Option<Report>, StoreError> {
        let before = session.imported_at(&self.digest).await?;
        Ok(before.map(|_| Report { imported_before: before, ..self.report() }))
    }

    fn report(&self) -> Report {
        Report {
            kind: self.table.kind,
            rows: self.table.rows.len(),
            added: 0,
            changed: 0,
            same: 0,
            skipped: 0,
            imported_before: None,
            unmatched: Vec::new(),
            sheet: None,
        }
    }

    fn counted(&self, outcomes: &Outcomes) -> Report {
        let count = |what: Upsert| outcomes.iter().filter(|one| **one == Ok(what)).count();
        let [added, changed, same] = [Upsert::Added, Upsert::Changed, Upsert::Same].map(count);
        Report { added, changed, same, ..self.report() }
    }

    /// What is wrong with rows, in the order of the file.
    fn errors(&self, piece: &Piece, outcomes: &Outcomes) -> Vec<RowError> {
        let problems = piece.rows.iter().zip(outcomes);
        let problems = problems.filter_map(|(row, outcome)| {
            Some(row_error(self.table, *row, outcome.as_ref().err()?))
        });
        let mut errors: Vec<RowError> = piece.errors.iter().cloned().chain(problems).collect();
        errors.sort_by_key(|error| error.row);
        errors
    }

    /// A short file: one turn.
    async fn at_once(&self) -> Outcome {
        let people = self.people().await?;
        let mut reader = RowReader::new(self.table, &people, &self.store.context().clock);
        let piece = reader.read(0..self.table.rows.len());
        let mut tx = self.store.begin().await?;
        // By another process meanwhile.
        if let Some(report) = self.imported_before(&mut tx).await? {
            tx.rollback().await?;
            return Ok(Ok(report));
        }
        let outcomes = if piece.errors.is_empty() {
            piece.batch.put(&mut tx).await?
        } else {
            piece.batch.check(&mut tx).await?
        };
        let errors = self.errors(&piece, &outcomes);
        if !errors.is_empty() {
            tx.rollback().await?;
            return Ok(Err(errors));
        }
        let report = self.counted(&outcomes);
        self.remember(tx, &report).await?;
        (self.progress)(report.rows, report.rows);
        crate::app::rederive::go_on(self.store).await?;
        Ok(Ok(report))
    }

    async fn remember(&self, mut tx: Tx, report: &Report) -> Result<(), StoreError> {
        let rows = i64::try_from(report.rows).unwrap_or(i64::MAX);
        let (file, kind) = (file_name(self.name), report.kind.code());
        tx.put_import(&self.digest, &file, kind, rows).await?;
        let detail = serde_json::json!({
            "added": report.added, "changed": report.changed, "digest": self.digest,
        });
        tx.audit("import", kind, &file, &detail).await?;
        tx.commit().await
    }

    /// A long file: nothing is applied before all of it is well.
    async fn in_pieces(&self) -> Outcome {
        let total = self.table.rows.len();
        let incoming = Incoming {
            digest: self.digest.clone(),
            file_name: file_name(self.name),
            kind: self.table.kind.code().to_owned(),
            rows: total,
        };
        let Some(mut import) = Import::begin(self.store, &incoming).await? else {
            let mut snapshot = self.store.snapshot().await?;
            let before = self.imported_before(&mut snapshot).await?;
            snapshot.end().await?;
            return Ok(Ok(before.unwrap_or_else(|| self.report())));
        };
        let checked = self.check(Some(&mut import)).await;
        match checked {
            Ok((_, errors)) if errors.is_empty() => {}
            Ok((_, errors)) => {
                import.give_up().await?;
                return Ok(Err(errors));
            }
            Err(error) => {
                import.give_up().await?;
                return Err(error);
            }
        }
        let applied = |done: usize| (self.progress)(total + done, total * 2);
        let Done { added, changed, same, skipped } = import.apply(&applied).await?;
        Ok(Ok(Report { added, changed, same, skipped, ..self.report() }))
    }

    async fn try_out(&self) -> Outcome {
        let (report, errors) = self.check(None).await?;
        Ok(if errors.is_empty() { Ok(report) } else { Err(errors) })
    }

    /// Everybody, as they are known now.
    async fn people(&self) -> Result<People, StoreError> {
        let mut snapshot = self.store.snapshot().await?;
        let people = People::new(snapshot.staff().await?);
        snapshot.end().await?;
        Ok(people)
    }

    /// Reads and checks the rows piece by piece, each on a snapshot of its own; keeps those that are well for `import`.
    async fn check(
        &self,
        mut import: Option<&mut Import>,
    ) -> Result<(Report, Vec<RowError>), StoreError> {
        let total = self.table.rows.len();
        let at_once = if self.table.kind == Kind::Areas { total.max(1) } else { ONE_TURN };
        let clock = self.store.context().clock.clone();
        let people = self.people().await?;
        let mut reader = RowReader::new(self.table, &people, &clock);
        let (mut report, mut errors) = (self.report(), Vec::new());
        for from in (0..total).step_by(at_once) {
            let piece = reader.read(from..(from + at_once).min(total));
            let mut snapshot = self.store.snapshot().await?;
            let outcomes = piece.batch.check(&mut snapshot).await?;
            snapshot.end().await?;
            errors.extend(self.errors(&piece, &outcomes));
            let counted = self.counted(&outcomes);
            report.added += counted.added;
            report.changed += counted.changed;
            report.same += counted.same;
            if let Some(import) = import.as_deref_mut().filter(|_| errors.is_empty()) {
                import.keep(piece.batch).await?;
            }
            (self.progress)(from + at_once, total * 2);
        }
        Ok((report, errors))
    }

    async fn take_returns(&self, dry_run: bool) -> Outcome {
        let mut tx = self.store.begin().await?;
        let taken = returns::take(&mut tx, self.table, self.progress).await?;
        let (outcomes, unmatched) = match taken {
            Ok(taken) => taken,
            Err(errors) => {
                tx.rollback().await?;
                return Ok(Err(errors));
            }
        };
        let report = Report { unmatched, ..self.counted(&outcomes) };
        if dry_run {
            tx.rollback().await?
        } else {
            self.remember(tx, &report).await?
        }
        Ok(Ok(report))
    }
}

fn file_name(name: &str) -> String {
    let file = Path::new(name).file_name();
    file.map_or_else(|| name.to_owned(), |file| file.to_string_lossy().into_owned())
}
