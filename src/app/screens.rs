//! 大屏链接: who may show the wall chart on a television gives it an address of its own, and ends it.

use serde_json::json;

use crate::db::{Result, Tx};
use crate::domain::staff::StaffMember;

/// Gives an address: its secret, which is shown once and kept nowhere.
///
/// # Errors
/// Where the record can't be written.
pub async fn make(tx: &mut Tx, place: &str, by: &StaffMember) -> Result<String> {
    let token = tx.context().link_token();
    let now = real(tx);
    let number = tx.add_screen(&token, place, &by.id, now).await?;
    let detail = json!({ "place": place });
    tx.audit(&by.signed(), "make_screen", &format!("screen:{number}"), &detail).await?;
    Ok(token)
}

/// Ends one. Whether it was open.
///
/// # Errors
/// Where the record can't be written.
pub async fn end(tx: &mut Tx, number: i64, by: &StaffMember) -> Result<bool> {
    let now = real(tx);
    let ended = tx.end_screen(number, now).await?;
    if ended {
        let screen = format!("screen:{number}");
        tx.audit(&by.signed(), "end_screen", &screen, &json!({})).await?;
    }
    Ok(ended)
}

/// Real time, in a rehearsal too.
fn real(tx: &Tx) -> i64 {
    tx.context().clock.wire_millis()
}
