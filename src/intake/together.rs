//! Files that build on each other, tried before any of them comes in.

use super::Tried;
use super::order::Order;
use super::pipeline::{Intake, ONE_TRIAL, Stop};
use crate::db::{Store, StoreError};

/// Tries files that build on each other in one turn that is taken back; nothing where they are too long for that.
pub(super) async fn try_together(
    store: &Store,
    intakes: &[Intake<'_>],
    mut order: Order<'_>,
) -> Result<Option<Vec<Tried>>, StoreError> {
    if intakes.iter().map(|intake| intake.survey.rows()).sum::<usize>() > ONE_TRIAL {
        return Ok(None);
    }
    let (mut tx, mut tried) = (store.begin().await?, Vec::new());
    while let Some(at) = order.next_file() {
        let intake = &intakes[at];
        let taken = match intake.imported_before(&mut tx).await? {
            Some(report) => Ok(report),
            None => intake.try_in(&mut tx).await,
        };
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
