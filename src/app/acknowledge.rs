//! Acknowledges 已知晓: whoever got a digest needn't be told of it again, and takes note of the issues in it that wait for
//! that (签收).

use std::collections::HashSet;

use serde_json::json;

use super::issues::{Happening, happen};
use crate::db::{Store, StoreError, ToldGroup, Tx};
use crate::domain::campaign::{Campaign, EscalationStep};
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
    // Whoever presses for what is another's has read of it, which doesn't sign for it.
    let own = told.iter().filter(|told| is_own(&campaign, told));
    let own: HashSet<&str> = own.map(|told| told.group.id.as_str()).collect();
    let mut noted = 0;
    for chunk in groups.chunks(GROUPS) {
        let mut tx = store.begin().await?;
        noted += acknowledge(&mut tx, staff_id, day, chunk, &own).await?;
        tx.commit().await?;
    }
    Ok(noted)
}

/// The step at which it was told; nothing where the ladder has become shorter.
fn step_of<'c>(campaign: &'c Campaign, told: &ToldGroup) -> Option<&'c EscalationStep> {
    campaign.steps(told.group.kind).get(usize::try_from(told.step).ok()?)
}

/// Whether it was told after its date.
fn is_late(campaign: &Campaign, told: &ToldGroup) -> bool {
    step_of(campaign, told).is_some_and(|step| step.days > 0)
}

/// Whether it's the reader's to do: as whose it is, in their place, or for want of them.
fn is_own(campaign: &Campaign, told: &ToldGroup) -> bool {
    step_of(campaign, told).is_some_and(EscalationStep::tells_the_owner)
}

async fn acknowledge(
    tx: &mut Tx,
    staff_id: &str,
    day: &str,
    groups: &[(&str, bool)],
    own: &HashSet<&str>,
) -> Result<usize, StoreError> {
    let noted = tx.put_acknowledgements(staff_id, groups).await?;
    let ids: Vec<&str> =
        groups.iter().map(|(group, _)| *group).filter(|group| own.contains(group)).collect();
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
