//! Another key, another cipher, or an earlier version's record: what lies there is sealed anew while the service runs, in short
//! turns, and whoever is killed in it goes on.

use serde_json::json;

use crate::db::personal::TABLES;
use crate::db::{Act, Result, Store};

/// Goes on where something of the record may lie in clear or be sealed with a key that is being replaced. How many rows.
pub async fn go_on(store: &Store) -> Result<u64> {
    let sealer = &store.context().sealer;
    // Another process may have begun or ended it.
    sealer.refresh();
    let mark = sealer.mark();
    match store.sealed_as().await? {
        Some(sealed) if sealed == mark || !sealer.is_replacing() => Ok(0),
        _ => seal_anew(store, &|_| {}).await,
    }
}

/// Seals all of the record as it would be sealed now. `progress` is told of each turn.
pub async fn seal_anew(store: &Store, progress: &impl Fn(u64)) -> Result<u64> {
    let mark = store.context().sealer.mark();
    let mut rows = 0;
    loop {
        let mut found = 0;
        for table in TABLES {
            found += store.reseal(table, progress).await?;
        }
        rows += found;
        // What was written meanwhile is sealed so already; what was sealed before its turn came is found by the next walk.
        if found == 0 {
            break;
        }
    }
    store.index_residents().await?;
    let mut tx = store.begin().await?;
    tx.note_sealed(&mark).await?;
    tx.commit().await?;
    Ok(rows)
}

/// From here on the record goes by the sealer's present key; that it replaced another is audited.
pub async fn go_by_present_key(store: &Store) -> Result<()> {
    let sealer = &store.context().sealer;
    let known = store.key_of_record().await?;
    let present = sealer.fingerprint();
    if known.as_deref() == Some(&present) {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    tx.note_key(&present).await?;
    tx.audit_act(Act {
        by: "operator",
        action: "rotate_key",
        target: "key",
        detail: &json!({}),
        was: Some(&json!({ "fingerprint": known })),
        became: Some(&json!({ "fingerprint": present })),
    })
    .await?;
    tx.commit().await
}
