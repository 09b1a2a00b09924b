//! The page of a person's digest of one day, as it stands now, and its acknowledgement (签收).

use std::collections::BTreeSet;

use jiff::civil::Date;
use minijinja::context;

use super::digest::{Draft, Item};
use super::hearers::Hearers;
use super::links::digest_code;
use super::messages::Messages;
use crate::domain::campaign::{Campaign, Hearer, Rung};
use crate::store::{Store, StoreError, ToldBundle, Tx};

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
    let around = store.around();
    let mut tx = store.begin().await?;
    let hearers = Hearers::on(&mut tx, around.clock.today()).await?;
    let told = tx.told_to(staff_id, day).await?;
    let (mut items, mut ended) = (Vec::new(), BTreeSet::new());
    for told in told {
        if told.bundle.open > 0 {
            let own = rung_of(tx.campaign(), &told).is_some_and(|rung| rung.who == Hearer::Owner);
            Item::mention(&mut items, &told.bundle, own, told.instead_of);
        } else {
            ended.insert(told.bundle.id);
        }
    }
    let mut draft = Draft::new(&hearers, staff_id, items);
    draft.name(&mut tx).await?;
    tx.rollback().await?;
    let digest = draft.digest(&store.campaign(), around.clock.today(), String::new());
    let values = context! { digest, on => on.to_string(), done => ended.len(), acknowledged };
    Ok(Some(messages.render("page.html", values)?))
}

/// The rung at which somebody was told; nothing where the ladder has become shorter.
fn rung_of<'c>(campaign: &'c Campaign, told: &ToldBundle) -> Option<&'c Rung> {
    campaign.rungs(told.bundle.kind).get(usize::try_from(told.rung).ok()?)
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
    let mut tx = store.begin().await?;
    let noted = acknowledge_told(&mut tx, staff_id, day).await?;
    tx.commit().await?;
    Ok(Some(noted))
}

async fn acknowledge_told(tx: &mut Tx, staff_id: &str, day: &str) -> Result<usize, StoreError> {
    let told = tx.told_to(staff_id, day).await?;
    let campaign = tx.campaign();
    let late = |told: &ToldBundle| {
        (told.bundle.id.clone(), rung_of(campaign, told).is_some_and(|rung| rung.days > 0))
    };
    let bundles: Vec<(String, bool)> = told.iter().map(late).collect();
    let noted = tx.acknowledge(staff_id, &bundles).await?;
    if noted > 0 {
        let detail = serde_json::json!({ "day": day, "bundles": noted });
        tx.audit(staff_id, "acknowledge", "digest", &detail).await?;
    }
    Ok(noted)
}

fn known_day(store: &Store, staff_id: &str, day: &str, code: &str) -> Option<Date> {
    let on = day.parse().ok()?;
    (digest_code(store.around(), staff_id, day) == code).then_some(on)
}
