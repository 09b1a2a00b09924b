//! Files that build on each other, tried before any of them comes in.

use super::Tried;
use super::order::Order;
use super::pipeline::{Intake, ONE_TRIAL};
use super::refusal::Stop;
use super::report::Report;
use crate::db::{Store, StoreError, Tx};

/// Tries files that build on each other in one turn that is taken back; nothing where they are too long for that.
pub(super) async fn try_together(
    store: &Store,
    intakes: &[Intake<'_>],
    mut order: Order<'_>,
) -> Result<Option<Vec<Tried>>, StoreError> {
    if intakes.iter().map(|intake| intake.survey.rows()).sum::<usize>() > ONE_TRIAL {
        return Ok(None);
    }
    store.index_subjects().await?;
    let (mut tx, mut tried, mut came) = (store.begin().await?, Vec::new(), Vec::new());
    while let Some(at) = order.next_file() {
        let intake = &intakes[at];
        let (taken, is_in) = try_one(intake, &mut tx).await?;
        match is_in {
            true => came.push(intake),
            // It mustn't help those behind it.
            false if intake.goes_in_parts() => {
                tx.rollback().await?;
                tx = store.begin().await?;
                put_again(&came, &mut tx).await?;
            }
            false => {}
        }
        match taken {
            Ok(_) => order.came_in(),
            Err(Stop::Rows(_)) if order.waits(at) => continue,
            Err(_) => {}
        }
        let is_refused = taken.is_err();
        tried.push((at, taken.map_err(|stop| intake.refused(stop))));
        if is_refused {
            break;
        }
    }
    tx.rollback().await?;
    Ok(Some(tried))
}

/// What a file does after those before it, and whether it's in now: one that came in before only is where it changes something.
async fn try_one(
    intake: &Intake<'_>,
    tx: &mut Tx,
) -> Result<(Result<Report, Stop>, bool), StoreError> {
    let before = intake.imported_before(tx).await?;
    match (intake.try_in(tx).await, before) {
        (Err(Stop::Rows(_) | Stop::File(_)), Some(before)) => Ok((Ok(before), false)),
        (Err(stop), _) => Ok((Err(stop), false)),
        (Ok(report), Some(before)) if report.added + report.changed == 0 => Ok((Ok(before), false)),
        (Ok(report), _) => {
            intake.note(tx, &report).await?;
            Ok((Ok(report), true))
        }
    }
}

/// Puts once more what was well before.
async fn put_again(came: &[&Intake<'_>], tx: &mut Tx) -> Result<(), StoreError> {
    for intake in came {
        if let (Err(Stop::Store(error)), _) = try_one(intake, tx).await? {
            return Err(error);
        }
    }
    Ok(())
}
