//! Forms that do something once, however often they are sent, by the id that each was shown with; and not to what has changed
//! since it was shown.

use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::db::{StaffMember, StoreError, Submission, Tx};
use crate::seal::hex;
use crate::web::my::who::Fields;

/// What tells how far something was when its page was shown, for a form.
pub(super) fn version(of: &impl std::fmt::Debug) -> String {
    hex(&Sha256::digest(format!("{of:?}"))[..8])
}

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
    let content_key = content_key(tx, person, fields);
    if let Some(before) = tx.submission(form).await? {
        let same = before.staff_id == person.id && before.content_key == content_key;
        return match same {
            true => Ok(false),
            false => Err(StoreError::Rule(
                "这个表单已经登记过别的内容，这次的没有登记。请重新打开页面再填".to_owned(),
            )),
        };
    }
    let said = json!({}).to_string();
    let submission = Submission { staff_id: person.id.clone(), content_key, said };
    tx.put_submission(form, &submission).await?;
    Ok(true)
}

/// What is told apart of two forms under one id: all that was filled in.
fn content_key(tx: &Tx, person: &StaffMember, fields: &Fields) -> String {
    let filled: BTreeMap<&str, &str> =
        fields.0.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    tx.context().sealer.index(&["form", &person.id, &json!(filled).to_string()])
}
