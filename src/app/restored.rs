//! The record was restored from a backup: what it believes unsent may have been sent since, and what was told needn't be told
//! again.

use serde_json::json;
use tracing::warn;

use super::receive_updates::ask_about_all;
use crate::db::{Act, Restored, Store, StoreError};
use crate::domain::memory::Recall;

const UNSURE: &str = "数据库是从较早的备份恢复的，这一件可能在那以后已经送出：先核实，再发送";
const PAST: &str = "数据库是从较早的备份恢复的：过去日子的通知不再重发";
const REMINDED: &str = "恢复备份以前已经提醒过";

/// Marks what is unsure of a record that has lost what came after `found`, by what is `remembered` of it. What only
/// people take to the platform (`by_people` is its lane) is theirs to look for.
///
/// # Errors
/// Where the record can't be written: it's marked at the next start then.
pub async fn mark_restored(
    store: &Store,
    found: &Recall,
    remembered: &Recall,
    by_people: Option<&str>,
) -> Result<Restored, StoreError> {
    warn!(
        beats = found.beats,
        remembered = remembered.beats,
        "the record was restored from a backup"
    );
    let today = store.context().clock.today();
    let mut tx = store.begin().await?;
    tx.drop_notices_before(&today.to_string(), PAST).await?;
    tx.commit().await?;
    let mut unsure = 0;
    loop {
        let mut tx = store.begin().await?;
        let marked = tx.mark_unsure(by_people, UNSURE).await?;
        tx.commit().await?;
        if marked == 0 {
            break;
        }
        unsure += i64::try_from(marked).unwrap_or(i64::MAX);
    }
    let mut tx = store.begin().await?;
    if let Some(slot) = remembered.reminded {
        tx.remember_slot("reminders", slot, REMINDED).await?;
    }
    let before = store.restored().await?;
    let restored = Restored {
        at: tx.now(),
        from: if found.at > 0 { found.at } else { remembered.at.min(tx.now()) },
        unsure,
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
    tx.name_record(name, remembered.beats.max(found.beats) + 1).await?;
    tx.commit().await?;
    ask_about_all(store).await?;
    Ok(restored)
}
