//! Acknowledges 已知晓: whoever got a digest needn't be told of it again, and takes note of the issues in it that wait for
//! that (签收).

use serde_json::json;

use super::issues::{Happening, happen};
use crate::db::{Store, StoreError, ToldGroup, Tx};
use crate::domain::campaign::Campaign;
use crate::domain::issue::Event;

/// How many groups a turn takes.
const GROUPS: usize = 500;

/// A person acknowledges what they were told on `day`. How much of it was new.
///
/// # Errors
/// Where the record can't be written; what was noted until then stays noted, and asking again notes the rest.
pub async fn acknowledge_digest(
    store: &Store,
    staff_id: &str,
    day: &str,
) -> Result<usize, StoreError> {
    let mut snapshot = store.snapshot().await?;
    let told = snapshot.told_to(staff_id, day).await?;
    snapshot.end().await?;
    let campaign = store.campaign();
    let mut groups: Vec<(&str, bool)> =
        told.iter().map(|told| (told.group.id.as_str(), is_late(&campaign, told))).collect();
    groups.dedup();
    let mut noted = 0;
    for chunk in groups.chunks(GROUPS) {
        let mut tx = store.begin().await?;
        noted += acknowledge(&mut tx, staff_id, day, chunk).await?;
        tx.commit().await?;
    }
    Ok(noted)
}

/// Whether it was told after its date.
fn is_late(campaign: &Campaign, told: &ToldGroup) -> bool {
    let step = usize::try_from(told.step).ok();
    step.and_then(|step| campaign.steps(told.group.kind).get(step))
        .is_some_and(|step| step.days > 0)
}

async fn acknowledge(
    tx: &mut Tx,
    staff_id: &str,
    day: &str,
    groups: &[(&str, bool)],
) -> Result<usize, StoreError> {
    let noted = tx.put_acknowledgements(staff_id, groups).await?;
    let ids: Vec<&str> = groups.iter().map(|(group, _)| *group).collect();
    let unnoted = tx.unnoted_issues(&ids).await?;
    if !unnoted.is_empty() {
        let (_, by) = tx.staff_called(staff_id).await?;
        let note = |(issue_id, role)| Happening {
            issue_id,
            event: Event::Acknowledged { by: by.clone(), role },
            actor: by.clone(),
        };
        happen(tx, &unnoted.into_iter().map(note).collect::<Vec<_>>()).await?;
    }
    if noted > 0 {
        let detail = json!({ "day": day, "groups": noted });
        let (number, _) = tx.staff_called(staff_id).await?;
        tx.audit(&number, "acknowledge", "digest", &detail).await?;
    }
    Ok(noted)
}
