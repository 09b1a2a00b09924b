//! What is owed is derived again for the whole record, in turns: after another plan, after another person answers for a
//! department. Killed in the middle, it goes on where it was.

use super::areas::AreaDuties;
use super::casework::{Files, From, RuleBook};
use super::plan_change::PlanChange;
use crate::db::{Derivation, Result, Store, Tx};
use crate::domain::obligations::Ladder;

/// How many subjects are derived in one turn.
const AT_ONCE: i64 = 250;

/// Goes on with all that was asked for, to its end. Returns what it changed.
pub async fn go_on(store: &Store) -> Result<PlanChange> {
    let mut change = PlanChange::default();
    loop {
        let mut snapshot = store.snapshot().await?;
        let next = snapshot.next_derivation().await?;
        snapshot.end().await?;
        let Some(derivation) = next else { return Ok(change) };
        let mut at = derivation.done_to.clone();
        while let Some(to) = stretch(store, &derivation, &at, &mut change).await? {
            at = to;
            store.checkpoint().await?;
        }
    }
}

/// One turn; the subject up to which it came, or nothing where it was the last.
async fn stretch(
    store: &Store,
    derivation: &Derivation,
    after: &str,
    change: &mut PlanChange,
) -> Result<Option<String>> {
    let mut tx = store.begin().await?;
    // Another process may have gone on meanwhile.
    let stands = tx.next_derivation().await?;
    if stands.as_ref().is_none_or(|stands| stands.id != derivation.id || stands.done_to != after) {
        tx.rollback().await?;
        return Ok(None);
    }
    let ids = tx.subject_ids_after(after, AT_ONCE).await?;
    let to = ids.last().cloned();
    let book = RuleBook::read(&mut tx).await?;
    let ladder = if derivation.is_of_another_plan() { Ladder::after_another } else { Ladder::of };
    let ladder = ladder(&book.plans, &book.workdays, tx.today());
    match &to {
        Some(to) => {
            subjects(&mut tx, &ids, &book, &ladder, change).await?;
            tx.derived_to(&derivation.id, to).await?;
        }
        None => {
            areas(&mut tx, &book, &ladder, change).await?;
            tx.derived(&derivation.id).await?;
        }
    }
    tx.commit().await?;
    Ok(to)
}

async fn subjects(
    tx: &mut Tx,
    ids: &[String],
    book: &RuleBook,
    ladder: &Ladder<'_>,
    change: &mut PlanChange,
) -> Result<()> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let files = Files::load(tx, &ids, From::Events, book).await?;
    let changes = files.write_by(tx, book, ladder, "record").await?;
    change.take_files(&files, &changes, (book, ladder));
    Ok(())
}

async fn areas(
    tx: &mut Tx,
    book: &RuleBook,
    ladder: &Ladder<'_>,
    change: &mut PlanChange,
) -> Result<()> {
    let duties = AreaDuties::read(tx, &book.plans, None).await?;
    let changes = duties.write(tx, ladder).await?;
    change.take_areas(&duties, &changes, ladder);
    Ok(())
}
