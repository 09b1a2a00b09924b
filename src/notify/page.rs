//! The page of a person's digest of one day, as it stands now, and its acknowledgement (签收).

use std::collections::BTreeSet;

use jiff::civil::Date;
use minijinja::context;

use super::digest::{Draft, Item, step_of};
use super::links::digest_code;
use super::messages::Messages;
use super::recipients::Recipients;
use crate::app::acknowledge::acknowledge_digest;
use crate::db::{Store, StoreError};
use crate::domain::campaign::Recipient;

/// What is still open of what they were told on `day`, as HTML; `None` where the address isn't one that was sent.
pub async fn page(
    store: &Store,
    messages: &Messages,
    staff_id: &str,
    day: &str,
    code: &str,
    acknowledged: Option<usize>,
) -> Result<Option<String>, StoreError> {
    let Some(on) = known_day(store, staff_id, day, code) else { return Ok(None) };
    let context = store.context();
    let mut record = store.snapshot().await?;
    let recipients = Recipients::on(&mut record, context.clock.today()).await?;
    let told = record.told_to(staff_id, day).await?;
    let (mut items, mut ended) = (Vec::new(), BTreeSet::new());
    for told in told {
        if told.group.open > 0 {
            let own =
                step_of(record.campaign(), &told).is_some_and(|step| step.who == Recipient::Owner);
            Item::mention(&mut items, &told.group, own, told.instead_of);
        } else {
            ended.insert(told.group.id);
        }
    }
    let mut draft = Draft::new(&recipients, staff_id, items);
    draft.name(&mut record).await?;
    record.end().await?;
    let digest = draft.digest(&store.campaign(), context.clock.today(), String::new());
    let values = context! { digest, on => on.to_string(), done => ended.len(), acknowledged };
    Ok(Some(messages.render("page.html", values)?))
}

/// 已知晓: they needn't be told again of what that day's digest had. Returns how much that was; `None` where the address
/// isn't one that was sent.
pub async fn acknowledge(
    store: &Store,
    staff_id: &str,
    day: &str,
    code: &str,
) -> Result<Option<usize>, StoreError> {
    if known_day(store, staff_id, day, code).is_none() {
        return Ok(None);
    }
    Ok(Some(acknowledge_digest(store, staff_id, day).await?))
}

fn known_day(store: &Store, staff_id: &str, day: &str, code: &str) -> Option<Date> {
    let on = day.parse().ok()?;
    (digest_code(store.context(), staff_id, day) == code).then_some(on)
}
