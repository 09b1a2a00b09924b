//! The record was restored from a backup: what it believes unsent may have been sent since, and what was told needn't be told
//! again.

use serde_json::json;
use tracing::warn;

use super::receive_updates::ask_about_all;
use crate::db::{Act, Restored, Store, StoreError, Tx};
use crate::domain::memory::{GivenNumber, Recall, UNSURE};

const PAST: &str = "数据库是从较早的备份恢复的：过去日子的通知不再重发";
const DONE: &str = "恢复备份以前已经做过";

/// Marks what is unsure of a record that has lost what came after `found`, by what is `remembered` of it and of
/// the numbers of its `lost` issues. What only people take to the platform (`by_people` is its lane) is theirs to look for.
///
/// # Errors
/// Where the record can't be written: it's marked at the next start then.
pub async fn mark_restored(
    store: &Store,
    found: &Recall,
    remembered: &Recall,
    lost: &[GivenNumber],
) -> Result<Restored, StoreError> {
    warn!(
        event = "record.restored",
        beats = found.beats,
        remembered = remembered.beats,
        "the record was restored from a backup"
    );
    // First, since it can be done again.
    ask_about_all(store).await?;
    let context = store.context();
    let (today, by_people) = (context.clock.today(), context.by_people);
    let mut tx = store.begin().await?;
    tx.drop_notices_before(&today.to_string(), PAST).await?;
    tx.commit().await?;
    let mut unsure = 0;
    loop {
        let mut tx = store.begin().await?;
        let hold = by_people.then_some(context.platform_lane.as_str());
        let marked = tx.mark_unsure(hold, UNSURE).await?;
        tx.commit().await?;
        if marked == 0 {
            break;
        }
        unsure += i64::try_from(marked).unwrap_or(i64::MAX);
    }
    let mut tx = store.begin().await?;
    go_on_from(&mut tx, remembered, lost).await?;
    let before = tx.restored().await?;
    let restored = Restored {
        at: tx.now(),
        from: if found.at > 0 { found.at } else { remembered.at.min(tx.now()) },
        unsure,
        in_order: lost.is_empty() && remembered.issues > found.issues,
        issues: remembered.issues.max(before.map_or(0, |before| before.issues)),
    };
    let lost = json!({ "until": restored.from, "unsure": unsure });
    tx.audit_act(Act {
        by: "zoufang",
        action: "restored",
        target: "record",
        detail: &lost,
        was: remembered.audit.as_ref().map(|anchor| json!(anchor)).as_ref(),
        became: found.audit.as_ref().map(|anchor| json!(anchor)).as_ref(),
    })
    .await?;
    tx.note_restored(&restored).await?;
    let name = if found.record.is_empty() { &remembered.record } else { &found.record };
    let beats = remembered.beats.max(found.beats) + 1;
    tx.name_record(name, beats).await?;
    tx.commit().await?;
    store.seen_beats(beats);
    Ok(restored)
}

/// Jobs and counters go on from where they were: no other hand-off gets a file's name that is there already, no other issue a
/// number that the platform knows.
async fn go_on_from(
    tx: &mut Tx,
    remembered: &Recall,
    lost: &[GivenNumber],
) -> Result<(), StoreError> {
    let reminders = remembered.reminded.map(|slot| ("reminders".to_owned(), slot));
    for (job, slot) in remembered.slots.clone().into_iter().chain(reminders) {
        tx.remember_slot(&job, slot, DONE).await?;
    }
    for (counter, value) in &remembered.counters {
        tx.count_from(counter, *value).await?;
    }
    if !lost.is_empty() {
        tx.lose_numbers(lost).await?;
        tx.count_from("issue", remembered.issues).await?;
    }
    tx.count_from("issue_numbers", remembered.entries).await
}
