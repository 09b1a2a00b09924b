//! A file's way in: a short one in one turn; a long one checked whole on snapshots, piece by piece, then applied in turns.

use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::cells::Days;
use super::kinds::Kind;
use super::options::Options;
use super::people::People;
use super::pieces::Pieces;
use super::refusal::{ImportError, MOST_ERRORS, RowError};
use super::repeated::Seen;
use super::report::{MOST_REMARKS, Report};
use super::rows::{Desk, Piece, row_error};
use super::survey::Survey;
use super::{Progress, returns};
use crate::app::imports::{Done, Import, Incoming};
use crate::app::problem::{About, Outcomes, Problem};
use crate::clock::Clock;
use crate::db::{Session, Store, StoreError, Tx, Upsert};
use crate::domain::campaign::{PhaseName, plus};
use crate::seal::hex;

/// So many rows are one turn.
const ONE_TURN: usize = 400;
/// So many are one turn where some tables of a file need what others bring.
const ONE_MIXED_TURN: usize = 4_000;
/// So many rows of several files are tried in one turn that is taken back.
const ONE_TRIAL: usize = 20_000;
/// For so many days before and after the campaign a date may be true.
const A_YEAR: i64 = 366;

/// A file and where it goes.
pub(super) struct Intake<'i> {
    store: &'i Store,
    survey: &'i Arc<Survey>,
    options: &'i Options,
    progress: Progress<'i>,
    digest: String,
    file: String,
}

/// Why a file goes no further.
pub(super) enum Stop {
    File(ImportError),
    Store(StoreError),
    Rows(Vec<RowError>),
}

impl From<ImportError> for Stop {
    fn from(error: ImportError) -> Stop {
        Stop::File(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Store(error)
    }
}

/// What rows did so far.
pub(super) struct Tally {
    report: Report,
    errors: Vec<RowError>,
}

impl Tally {
    fn of(survey: &Survey) -> Tally {
        Tally { report: Report::of(survey), errors: Vec::new() }
    }

    fn add(&mut self, survey: &Survey, table: usize, piece: &mut Piece, outcomes: &Outcomes) {
        let table = &survey.tables[table].table;
        self.count(outcomes);
        self.errors.append(&mut piece.errors);
        let room = MOST_REMARKS.saturating_sub(self.report.remarks.len());
        self.report.remarks.extend(piece.remarks.drain(..).take(room));
        for (row, outcome) in piece.rows.iter().zip(outcomes) {
            match outcome {
                Err(problem) => self.errors.push(row_error(table, row, problem)),
                Ok(Upsert::Left) if self.report.remarks.len() < MOST_REMARKS => {
                    self.report.remarks.push(row_error(table, row, &left(table.kind)));
                }
                Ok(_) => {}
            }
        }
        self.errors.sort_by_key(|error| (error.place.sheet, error.row));
    }

    fn count(&mut self, outcomes: &Outcomes) {
        let report = &mut self.report;
        for outcome in outcomes.iter().flatten() {
            match outcome {
                Upsert::Added => report.added += 1,
                Upsert::Changed => report.changed += 1,
                Upsert::Same | Upsert::Left => report.same += 1,
            }
        }
    }

    fn end(mut self) -> Result<Report, Stop> {
        if self.errors.is_empty() {
            return Ok(self.report);
        }
        self.errors.truncate(MOST_ERRORS);
        Err(Stop::Rows(self.errors))
    }
}

/// What the record has otherwise, and keeps.
fn left(kind: Kind) -> Problem {
    match kind {
        Kind::AreaAssignments => {
            let text = "里面的对象都已固定由别人走访，一访到底，没有改动";
            Problem::new(About::Area, text)
        }
        _ => Problem::new(
            About::Level,
            "与已登记的责任层级、类别或轻重缓急不同，没有改动；要改请用问题分类表（附件6）",
        ),
    }
}

impl<'i> Intake<'i> {
    pub fn new(
        store: &'i Store,
        survey: &'i Arc<Survey>,
        options: &'i Options,
        progress: Progress<'i>,
    ) -> Intake<'i> {
        let original = &survey.book.original;
        let digest = hex(&Sha256::digest(original.bytes.as_slice()));
        let file = original.file.clone();
        Intake { store, survey, options, progress, digest, file }
    }

    /// Takes the file, or says what is wrong with it.
    pub async fn import(&self) -> Result<Report, ImportError> {
        let taken = self.take().await;
        taken.map_err(|stop| self.refused(stop))
    }

    fn refused(&self, stop: Stop) -> ImportError {
        match stop {
            Stop::File(error) => error,
            Stop::Store(error) => ImportError::Store { file: self.file.clone(), error },
            Stop::Rows(errors) => {
                let sheet = Box::new(self.survey.book.original.clone());
                ImportError::Rows { file: self.file.clone(), errors, sheet }
            }
        }
    }

    async fn take(&self) -> Result<Report, Stop> {
        let mut snapshot = self.store.snapshot().await?;
        let before = self.imported_before(&mut snapshot).await?;
        snapshot.end().await?;
        if let Some(report) = before {
            return Ok(report);
        }
        let first = self.survey.tables.first().map(|first| first.table.kind);
        if first == Some(Kind::Returns) {
            return self.take_returns().await;
        }
        let several = self.survey.tables.iter().any(|other| Some(other.table.kind) != first);
        let rows = self.survey.rows();
        if several && rows > ONE_MIXED_TURN {
            return Err(self.too_mixed().into());
        }
        match (self.options.dry_run, several || rows <= ONE_TURN) {
            (true, _) if several => self.try_in_a_turn().await,
            (true, _) => self.check(None).await?.end(),
            (false, true) => self.at_once().await,
            (false, false) => self.in_pieces().await,
        }
    }

    fn too_mixed(&self) -> ImportError {
        let mut kinds: Vec<&str> =
            self.survey.tables.iter().map(|other| other.table.kind.chinese()).collect();
        kinds.dedup();
        let (file, rows) = (self.file.clone(), self.survey.rows());
        ImportError::TooMixed { file, kinds: kinds.join("、"), rows }
    }

    /// That this very file has come in before.
    async fn imported_before(&self, session: &mut Session) -> Result<Option<Report>, StoreError> {
        let before = session.imported_at(&self.digest).await?;
        Ok(before.map(|_| Report { imported_before: before, ..Report::of(self.survey) }))
    }

    fn pieces(&self) -> Pieces {
        // Of these each may need any before it.
        let whole = |kind| matches!(kind, Kind::Areas | Kind::AreaAssignments);
        let kinds: Vec<bool> =
            self.survey.tables.iter().map(|other| whole(other.table.kind)).collect();
        Pieces::of(self.survey, move |table| if kinds[table] { usize::MAX } else { ONE_TURN })
    }

    fn days(&self, session: &Session, clock: &Clock) -> Days {
        let plans = session.plans();
        let (starts, ends) = (plans.now().starts_on(), plans.now().ends_on(PhaseName::Feedback));
        let first = if starts == Date::MIN { starts } else { plus(starts, -A_YEAR) };
        let last = if ends == Date::MAX { ends } else { plus(ends, A_YEAR) };
        Days { first, last, today: clock.today(), campaign_starts: starts }
    }

    /// A short file: one turn.
    async fn at_once(&self) -> Result<Report, Stop> {
        let mut tx = self.store.begin().await?;
        // By another process meanwhile.
        if let Some(report) = self.imported_before(&mut tx).await? {
            tx.rollback().await?;
            return Ok(report);
        }
        let tally = self.put_all(&mut tx).await?;
        if !tally.errors.is_empty() {
            tx.rollback().await?;
            return tally.end();
        }
        let report = tally.end()?;
        self.remember(tx, &report).await?;
        (self.progress)(report.rows, report.rows);
        crate::app::rederive::go_on(self.store).await?;
        Ok(report)
    }

    /// A file of which some tables need others, tried in a turn that is taken back.
    async fn try_in_a_turn(&self) -> Result<Report, Stop> {
        let mut tx = self.store.begin().await?;
        let tally = self.put_all(&mut tx).await?;
        tx.rollback().await?;
        tally.end()
    }

    /// Puts all rows that are well; once one is wrong the others are only checked.
    pub async fn put_all(&self, tx: &mut Tx) -> Result<Tally, Stop> {
        let (mut tally, mut seen) = (Tally::of(self.survey), Seen::new());
        let clock = self.store.context().clock.clone();
        let days = self.days(tx, &clock);
        let mut pieces = self.pieces();
        let mut people = (usize::MAX, People::new(Vec::new()));
        while let Some(read) = pieces.next().await? {
            if people.0 != read.table {
                people = (read.table, People::new(tx.staff().await?));
            }
            let desk = Desk { people: &people.1, clock: &clock, days, options: self.options };
            let table = &self.survey.tables[read.table].table;
            let mut piece = desk.read(table, read.rows, &mut seen);
            let outcomes = if piece.errors.is_empty() && tally.errors.is_empty() {
                piece.batch.put(tx).await?
            } else {
                piece.batch.check(tx).await?
            };
            tally.add(self.survey, read.table, &mut piece, &outcomes);
            if tally.errors.len() >= MOST_ERRORS {
                break;
            }
        }
        Ok(tally)
    }

    async fn remember(&self, mut tx: Tx, report: &Report) -> Result<(), StoreError> {
        let rows = i64::try_from(report.rows).unwrap_or(i64::MAX);
        let (file, kind) = (file_name(&self.file), report.kind.code());
        tx.put_import(&self.digest, &file, kind, rows).await?;
        let detail = serde_json::json!({
            "added": report.added, "changed": report.changed, "digest": self.digest,
        });
        tx.audit("import", kind, &file, &detail).await?;
        tx.commit().await
    }

    /// A long file: nothing is applied before all of it is well.
    async fn in_pieces(&self) -> Result<Report, Stop> {
        let total = self.survey.rows();
        let incoming = Incoming {
            digest: self.digest.clone(),
            file_name: file_name(&self.file),
            kind: Report::of(self.survey).kind.code().to_owned(),
            rows: total,
        };
        let Some(mut import) = Import::begin(self.store, &incoming).await? else {
            let mut snapshot = self.store.snapshot().await?;
            let before = self.imported_before(&mut snapshot).await?;
            snapshot.end().await?;
            return Ok(before.unwrap_or_else(|| Report::of(self.survey)));
        };
        let report = match self.check(Some(&mut import)).await.and_then(Tally::end) {
            Ok(report) => report,
            Err(stop) => {
                import.give_up().await?;
                return Err(stop);
            }
        };
        let applied = |done: usize| (self.progress)(total + done, total * 2);
        let Done { added, changed, same, skipped } = import.apply(&applied).await?;
        Ok(Report { added, changed, same, skipped, ..report })
    }

    /// Everybody, as they are known now.
    async fn people(&self) -> Result<(People, Days), StoreError> {
        let mut snapshot = self.store.snapshot().await?;
        let people = People::new(snapshot.staff().await?);
        let days = self.days(&snapshot, &self.store.context().clock);
        snapshot.end().await?;
        Ok((people, days))
    }

    /// Reads and checks the rows piece by piece, each on a snapshot of its own; keeps those that are well for `import`.
    async fn check(&self, mut import: Option<&mut Import>) -> Result<Tally, Stop> {
        let total = self.survey.rows();
        let clock = self.store.context().clock.clone();
        let (people, days) = self.people().await?;
        let desk = Desk { people: &people, clock: &clock, days, options: self.options };
        let (mut tally, mut seen, mut done) = (Tally::of(self.survey), Seen::new(), 0);
        let mut pieces = self.pieces();
        while let Some(read) = pieces.next().await? {
            done += read.rows.len();
            let table = &self.survey.tables[read.table].table;
            let mut piece = desk.read(table, read.rows, &mut seen);
            let mut snapshot = self.store.snapshot().await?;
            let outcomes = piece.batch.check(&mut snapshot).await?;
            snapshot.end().await?;
            tally.add(self.survey, read.table, &mut piece, &outcomes);
            if tally.errors.len() >= MOST_ERRORS {
                break;
            }
            if let Some(import) = import.as_deref_mut().filter(|_| tally.errors.is_empty()) {
                import.keep(piece.batch).await?;
            }
            (self.progress)(done, total * 2);
        }
        Ok(tally)
    }

    async fn take_returns(&self) -> Result<Report, Stop> {
        let (mut taken, mut seen, mut done) = (returns::Taken::default(), Seen::new(), 0);
        let mut tx = self.store.begin().await?;
        let mut pieces = self.pieces();
        while let Some(mut read) = pieces.next().await? {
            let table = &self.survey.tables[read.table].table;
            returns::take(&mut tx, table, &mut read.rows, &mut seen, &mut taken).await?;
            done += read.rows.len();
            (self.progress)(done, self.survey.rows());
        }
        let returns::Taken { outcomes, unmatched, errors } = taken;
        if !errors.is_empty() {
            tx.rollback().await?;
            return Err(Stop::Rows(errors));
        }
        let mut tally = Tally::of(self.survey);
        tally.count(&outcomes);
        let sheet = (!unmatched.is_empty()).then(|| self.survey.book.original.clone());
        let report = Report { unmatched, sheet, ..tally.report };
        if self.options.dry_run {
            tx.rollback().await?
        } else {
            self.remember(tx, &report).await?
        }
        Ok(report)
    }
}

/// Tries files that build on each other, in their order, in one turn that is taken back; nothing where they are too long for
/// that.
pub(super) async fn try_together(
    store: &Store,
    intakes: &[Intake<'_>],
) -> Result<Option<Vec<Result<Report, ImportError>>>, StoreError> {
    if intakes.iter().map(|intake| intake.survey.rows()).sum::<usize>() > ONE_TRIAL {
        return Ok(None);
    }
    let (mut tx, mut tried) = (store.begin().await?, Vec::new());
    for intake in intakes {
        let taken = match intake.imported_before(&mut tx).await? {
            Some(report) => Ok(report),
            None => intake.put_all(&mut tx).await.and_then(Tally::end),
        };
        tried.push(taken.map_err(|stop| intake.refused(stop)));
    }
    tx.rollback().await?;
    Ok(Some(tried))
}

fn file_name(name: &str) -> String {
    let file = Path::new(name).file_name();
    file.map_or_else(|| name.to_owned(), |file| file.to_string_lossy().into_owned())
}
