//! Forms that do something once, however often they are sent: by the id that each was shown with.

use serde_json::json;

use crate::db::{StaffMember, StoreError, Submission, Tx};
use crate::web::my::who::Fields;

/// Whether a person's form of this id did something before; where not, it's noted that it does now, with its caller's turn.
///
/// # Errors
/// [`StoreError::Rule`] for a form that wasn't shown by us; or where the record can't be read or written.
pub(super) async fn is_first(
    tx: &mut Tx,
    person: &StaffMember,
    fields: &Fields,
) -> Result<bool, StoreError> {
    let form = fields.text("form");
    if form.is_empty() {
        return Err(StoreError::Rule("表单不完整，没有登记。请重新打开页面再填".to_owned()));
    }
    if tx.submission(form).await?.is_some() {
        return Ok(false);
    }
    let content_key = tx.context().sealer.index(&["form", &person.id, fields.text("act")]);
    let said = json!({}).to_string();
    let submission = Submission { staff_id: person.id.clone(), content_key, said };
    tx.put_submission(form, &submission).await?;
    Ok(true)
}
