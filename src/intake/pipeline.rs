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
use super::refusal::{ImportError, MOST_ERRORS, Stop};
use super::repeated::Seen;
use super::report::{Report, Unassigned};
use super::rows::Desk;
use super::survey::Survey;
use super::tally::Tally;
use super::unassigned::unassigned;
use super::{Progress, returns};
use crate::app::imports::{Begun, Done, Import, Incoming};
use crate::clock::Clock;
use crate::db::{Imported, Session, Store, StoreError, Tx};
use crate::domain::campaign::{PhaseName, plus};
use crate::seal::hex;

/// So many rows are one turn.
const ONE_TURN: usize = 400;
/// So many are one turn where some tables of a file need what others bring.
const ONE_MIXED_TURN: usize = 4_000;
/// So many rows of several files are tried in one turn that is taken back: as many as a township has.
pub(super) const ONE_TRIAL: usize = 60_000;
/// So many rows of one turn are read at a time.
const ONE_PIECE: usize = 20_000;
/// For so many days before and after the campaign a date may be true.
const A_YEAR: i64 = 366;

/// A file and where it goes.
pub(super) struct Intake<'i> {
    store: &'i Store,
    pub survey: &'i Arc<Survey>,
    options: &'i Options,
    progress: Progress<'i>,
    digest: String,
    file: String,
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

    pub fn refused(&self, stop: Stop) -> ImportError {
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
        self.store.index_subjects().await?;
        let mut snapshot = self.store.snapshot().await?;
        let before = self.imported_before(&mut snapshot).await?;
        snapshot.end().await?;
        if let Some(report) = before {
            if !self.would_change().await? {
                return Ok(report);
            }
            self.forget().await?;
        }
        let first = self.survey.tables.first().map(|first| first.table.kind);
        let several = self.is_of_several_kinds();
        if first == Some(Kind::Returns) && !several {
            return self.take_returns().await;
        }
        let rows = self.survey.rows();
        if several && rows > ONE_MIXED_TURN {
            return Err(self.too_mixed().into());
        }
        match (self.options.dry_run, several || rows <= ONE_TURN) {
            // Who is left without a visitor is seen once all have theirs.
            (true, _) if several || self.is_about_visitors() && rows <= ONE_MIXED_TURN => {
                self.try_in_a_turn().await
            }
            (true, _) => self.check(None).await?.end(),
            (false, true) => self.at_once().await,
            (false, false) => self.in_pieces().await,
        }
    }

    /// Whether a file that came in before would change anything now: what it says may have been changed since, or be about more
    /// than there was. What contradicts the record by now changes nothing.
    async fn would_change(&self) -> Result<bool, Stop> {
        let first = self.survey.tables.first().map(|first| first.table.kind);
        let tried = match self.is_of_several_kinds() {
            true => self.try_in_a_turn().await,
            false if first == Some(Kind::Returns) => self.returned(false).await?.end(),
            false => self.check(None).await.and_then(Tally::end),
        };
        match tried {
            Ok(report) => Ok(report.added + report.changed > 0),
            Err(Stop::Rows(_) | Stop::File(_)) => Ok(false),
            Err(stop) => Err(stop),
        }
    }

    /// That it came in before is forgotten, as it's to come in again.
    async fn forget(&self) -> Result<(), StoreError> {
        if self.options.dry_run {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        tx.forget_import(&self.digest).await?;
        tx.commit().await
    }

    fn is_of_several_kinds(&self) -> bool {
        let mut kinds = self.survey.tables.iter().map(|other| other.table.kind);
        let first = kinds.next();
        kinds.any(|kind| Some(kind) != first)
    }

    /// Whether some of it may have been put where another part of it is refused.
    pub fn goes_in_parts(&self) -> bool {
        let tables = &self.survey.tables;
        tables.len() > 1
            || self.survey.rows() > ONE_PIECE
            || tables.iter().any(|of| of.table.kind == Kind::Returns)
    }

    fn is_about_visitors(&self) -> bool {
        let mut kinds = self.survey.tables.iter().map(|other| other.table.kind);
        kinds.any(|kind| matches!(kind, Kind::Assignments | Kind::AreaAssignments))
    }

    /// Who has no visitor yet, where the file is about that.
    async fn left_without_visitor(
        &self,
        session: &mut Session,
    ) -> Result<Vec<Unassigned>, StoreError> {
        match self.is_about_visitors() {
            true => unassigned(session).await,
            false => Ok(Vec::new()),
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
    pub async fn imported_before(
        &self,
        session: &mut Session,
    ) -> Result<Option<Report>, StoreError> {
        let before = session.imported_at(&self.digest).await?;
        Ok(before.map(|_| Report { imported_before: before, ..Report::of(self.survey) }))
    }

    /// The rows of each table in pieces of so many.
    fn pieces(&self, size: usize) -> Pieces {
        // Of these each may need any before it.
        let whole = |kind| matches!(kind, Kind::Areas | Kind::AreaAssignments);
        let kinds: Vec<bool> =
            self.survey.tables.iter().map(|other| whole(other.table.kind)).collect();
        Pieces::of(self.survey, move |table| if kinds[table] { usize::MAX } else { size })
    }

    fn days(&self, session: &Session, clock: &Clock) -> Days {
        let plans = session.plans();
        let (starts, ends) = (plans.now().starts_on(), plans.now().ends_on(PhaseName::Feedback));
        let first = if starts == Date::MIN { starts } else { plus(starts, -A_YEAR) };
        let last = if ends == Date::MAX { ends } else { plus(ends, A_YEAR) };
        let today = clock.today();
        Days { first, last, today, latest: today, campaign_starts: starts, campaign_ends: ends }
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
        let mut report = tally.end()?;
        report.unassigned = self.left_without_visitor(&mut tx).await?;
        self.remember(tx, &report).await?;
        self.log(&report);
        (self.progress)(report.rows, report.rows);
        crate::app::rederive::go_on(self.store).await?;
        Ok(report)
    }

    /// A file of which some tables need others, tried in a turn that is taken back.
    async fn try_in_a_turn(&self) -> Result<Report, Stop> {
        let mut tx = self.store.begin().await?;
        let tried = self.try_in(&mut tx).await;
        tx.rollback().await?;
        tried
    }

    /// What it would do, in a turn that is taken back by the caller.
    pub async fn try_in(&self, tx: &mut Tx) -> Result<Report, Stop> {
        let mut report = self.put_all(tx).await?.end()?;
        report.unassigned = self.left_without_visitor(tx).await?;
        Ok(report)
    }

    /// What a file did is written down beside the record, without what stands in it.
    fn log(&self, report: &Report) {
        let Report { rows, added, changed, same, idle, skipped, .. } = report;
        let kind = report.kind.code();
        tracing::info!(
            event = "import.done",
            kind,
            rows,
            added,
            changed,
            same,
            idle,
            skipped,
            "a file came in"
        );
    }

    /// Puts all rows that are well; once one is wrong the others are only checked.
    pub async fn put_all(&self, tx: &mut Tx) -> Result<Tally, Stop> {
        let (mut tally, mut seen) = (Tally::of(self.survey), Seen::default());
        let clock = self.store.context().clock.clone();
        let days = self.days(tx, &clock);
        let code = tx.plans().now().code.clone();
        let mut back = returns::Taken::default();
        let mut pieces = self.pieces(ONE_PIECE);
        let mut people = (usize::MAX, People::new(Vec::new()));
        while let Some(mut read) = pieces.next().await? {
            let table = &self.survey.tables[read.table].table;
            if table.kind == Kind::Returns {
                returns::take(tx, (table, &days), &mut read.rows, &mut seen, &mut back).await?;
                continue;
            }
            if people.0 != read.table {
                people = (read.table, People::new(tx.staff().await?));
            }
            let (people, options, code) = (&people.1, self.options, code.as_str());
            let desk = Desk { people, clock: &clock, days, options, code };
            let mut piece = desk.read(table, read.rows, &mut seen);
            piece.judge(tx).await?;
            let is_well = tally.errors.is_empty() && back.errors.is_empty();
            let outcomes = if piece.errors.is_empty() && is_well {
                piece.batch.put(tx).await?
            } else {
                piece.batch.check(tx).await?
            };
            tally.add(self.survey, read.table, &mut piece, &outcomes);
            if tally.errors.len() >= MOST_ERRORS {
                break;
            }
        }
        tally.add_returned(self.survey, back);
        Ok(tally)
    }

    async fn remember(&self, mut tx: Tx, report: &Report) -> Result<(), StoreError> {
        self.note(&mut tx, report).await?;
        tx.commit().await
    }

    /// Notes that it came in.
    pub async fn note(&self, tx: &mut Tx, report: &Report) -> Result<(), StoreError> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (file, kind) = (file_name(&self.file), report.kind.code());
        let import = Imported {
            digest: self.digest.clone(),
            file_name: file.clone(),
            kind: kind.to_owned(),
            row_count: count(report.rows),
            added: count(report.added),
            changed: count(report.changed),
            same: count(report.same),
            told: report.rows_told(),
            imported_at: tx.now(),
        };
        tx.put_import(&import).await?;
        let detail = serde_json::json!({
            "added": report.added, "changed": report.changed, "digest": self.digest, "rows": report.rows_told(),
            "file": file,
        });
        tx.audit("import", kind, &self.digest, &detail).await
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
        let mut import = match Import::begin(self.store, &incoming).await? {
            Begun::New(import) => import,
            Begun::Finished(done) => return self.finished(done, true).await,
            Begun::Before { meanwhile } => {
                let mut snapshot = self.store.snapshot().await?;
                let before = self.imported_before(&mut snapshot).await?;
                snapshot.end().await?;
                let report = before.unwrap_or_else(|| Report::of(self.survey));
                return Ok(Report { resumed: meanwhile, ..report });
            }
        };
        let report = match self.check(Some(&mut import)).await.and_then(Tally::end) {
            Ok(report) => report,
            Err(stop) => {
                import.give_up().await?;
                return Err(stop);
            }
        };
        let applied = |done: usize| (self.progress)(total + done, total * 2);
        let done = import.apply(report.rows_told(), &applied).await?;
        let told = self.finished(done, false).await?;
        let Report { idle, each, remarks, .. } = report;
        Ok(Report { idle, each, remarks, ..told })
    }

    /// A long file that is in.
    async fn finished(&self, done: Done, resumed: bool) -> Result<Report, Stop> {
        let mut snapshot = self.store.snapshot().await?;
        let unassigned = self.left_without_visitor(&mut snapshot).await?;
        snapshot.end().await?;
        let Done { added, changed, same, skipped } = done;
        let report = Report::of(self.survey);
        let report = Report { added, changed, same, skipped, resumed, unassigned, ..report };
        self.log(&report);
        Ok(report)
    }

    /// Everybody, as they are known now, and how the campaign's numbers begin.
    async fn people(&self) -> Result<(People, Days, String), StoreError> {
        let mut snapshot = self.store.snapshot().await?;
        let people = People::new(snapshot.staff().await?);
        let days = self.days(&snapshot, &self.store.context().clock);
        let code = snapshot.plans().now().code.clone();
        snapshot.end().await?;
        Ok((people, days, code))
    }

    /// Reads and checks the rows piece by piece, each on a snapshot of its own; keeps those that are well for `import`.
    async fn check(&self, mut import: Option<&mut Import>) -> Result<Tally, Stop> {
        let total = self.survey.rows();
        let clock = self.store.context().clock.clone();
        let (people, days, code) = self.people().await?;
        let (people, options, code) = (&people, self.options, code.as_str());
        let desk = Desk { people, clock: &clock, days, options, code };
        let (mut tally, mut seen, mut done) = (Tally::of(self.survey), Seen::default(), 0);
        let mut pieces = self.pieces(ONE_TURN);
        while let Some(read) = pieces.next().await? {
            done += read.rows.len();
            let table = &self.survey.tables[read.table].table;
            let mut piece = desk.read(table, read.rows, &mut seen);
            let mut snapshot = self.store.snapshot().await?;
            piece.judge(&mut snapshot).await?;
            let outcomes = piece.batch.check(&mut snapshot).await?;
            snapshot.end().await?;
            tally.add(self.survey, read.table, &mut piece, &outcomes);
            if tally.errors.len() >= MOST_ERRORS {
                break;
            }
            if let Some(import) = import.as_deref_mut().filter(|_| tally.errors.is_empty()) {
                piece.batch.decided();
                import.keep(piece.batch).await?;
            }
            (self.progress)(done, total * 2);
        }
        Ok(tally)
    }

    /// What came back from a portal. Each piece is one turn; where there are several, all are tried before any is kept.
    async fn take_returns(&self) -> Result<Report, Stop> {
        let mut tally = Tally::of(self.survey);
        if self.options.dry_run || self.survey.rows() > ONE_TURN {
            tally = self.returned(false).await?;
        }
        if !self.options.dry_run && tally.errors.is_empty() {
            tally = self.returned(true).await?;
        }
        let report = tally.end()?;
        self.log(&report);
        if !self.options.dry_run {
            self.remember(self.store.begin().await?, &report).await?;
        }
        Ok(report)
    }

    /// Takes what came back piece by piece, and keeps each that is well, or none.
    async fn returned(&self, keep: bool) -> Result<Tally, Stop> {
        let (mut taken, mut seen, mut done) = (returns::Taken::default(), Seen::default(), 0);
        let mut pieces = self.pieces(ONE_TURN);
        while let Some(mut read) = pieces.next().await? {
            let table = &self.survey.tables[read.table].table;
            let mut tx = self.store.begin().await?;
            let days = self.days(&tx, &self.store.context().clock);
            returns::take(&mut tx, (table, &days), &mut read.rows, &mut seen, &mut taken).await?;
            match keep && taken.errors.is_empty() {
                true => tx.commit().await?,
                false => tx.rollback().await?,
            }
            done += read.rows.len();
            (self.progress)(done, self.survey.rows());
        }
        let mut tally = Tally::of(self.survey);
        tally.add_returned(self.survey, taken);
        Ok(tally)
    }
}

fn file_name(name: &str) -> String {
    let file = Path::new(name).file_name();
    file.map_or_else(|| name.to_owned(), |file| file.to_string_lossy().into_owned())
}
