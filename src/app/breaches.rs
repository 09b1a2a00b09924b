//! A report of a breach of discipline 违纪反映 (plan, 四(二)): the inspection group (督导组) is told that there is one, and finds
//! out what is in it.

use serde_json::json;

use crate::db::{NewBreach, Result, StoreError, Tx};
use crate::domain::staff::Role;

/// Records a report and tells the inspectors that there is one, and nothing of what it says. Returns its number, and how
/// many were told.
///
/// # Errors
/// Where its day is outside the campaign, its area isn't known, or there is no inspector who could look into it.
pub async fn record(tx: &mut Tx, new: &NewBreach, by: &str) -> Result<(String, usize)> {
    tx.campaign().has_been(new.happened_on, tx.today()).map_err(StoreError::Rule)?;
    let area = tx.area_tree().await?.find(&new.area)?.id.clone();
    let staff = tx.staff().await?;
    let inspectors: Vec<_> =
        staff.into_iter().filter(|person| person.roles.contains(&Role::Inspector)).collect();
    if inspectors.is_empty() {
        return Err(StoreError::Rule(
            "没有督导组人员，没有人可以受理违纪反映；请先导入角色为督导组的人员".to_owned(),
        ));
    }
    let number = tx.put_breach(new, &area).await?;
    let title = format!("【走访督导】收到违纪反映 {number}");
    let body = "请督导组登录走访系统，打开“违纪反映”查看并核实。请勿转发。";
    let topic = format!("breach-{number}");
    let mut told = 0;
    for inspector in &inspectors {
        told += usize::from(tx.tell(inspector, &topic, &title, body).await?);
    }
    // The audit says that there is one, not of what.
    tx.audit(by, "record_breach", &number, &json!({})).await?;
    Ok((number, told))
}

/// What the inspectors found.
///
/// # Errors
/// Where no report of that number waits for it.
pub async fn close(tx: &mut Tx, number: &str, result: &str, by: &str) -> Result<()> {
    if !tx.close_breach(number, result).await? {
        return Err(StoreError::Rule(format!("没有待核实的违纪反映「{number}」")));
    }
    tx.audit(by, "close_breach", number, &json!({})).await
}
