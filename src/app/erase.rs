//! 删除: a resident's personal data goes, where nothing is owed of it any more; what stays, and why, is said.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde_json::json;

use super::casework::{From, rederive};
use crate::db::{ERASED, Erased, MediationRow, Result, Store, StoreError, Tx};
use crate::domain::issue::State;

/// Erases a resident, on whose word and why.
///
/// # Errors
/// [`StoreError::Rule`] where an issue of theirs is still being handled, or an agreement is to be seen to: whoever does must know
/// whose it is.
pub async fn erase_resident(tx: &mut Tx, id: &str, by: &str, reason: &str) -> Result<Erased> {
    let resident = tx.resident(id).await?;
    if resident.name == ERASED {
        return Err(StoreError::Rule("这个人的信息已经删除过了".to_owned()));
    }
    let is_over = |state: &str| matches!(State::read(state), Some(State::Closed | State::Void));
    let issues = tx.issues_of_resident(id).await?;
    let open = issues.iter().filter(|issue| !is_over(&issue.state));
    let open: Vec<&str> = open.map(|issue| issue.number.as_str()).collect();
    if !open.is_empty() {
        return Err(StoreError::Rule(format!(
            "还有没销号的问题（{}），办理的人要知道是谁的，现在不能删除：办结回访以后再删，或者先作废",
            open.join("、")
        )));
    }
    let issues: Vec<&str> = issues.iter().map(|issue| issue.id.as_str()).collect();
    if tx.mediations_of_issues(&issues).await?.iter().any(MediationRow::is_open) {
        return Err(StoreError::Rule(
            "还有约定好、没做过的调解回访，去的人要知道是谁，现在不能删除：把回访情况填在矛盾调解表里导入以后再删".to_owned(),
        ));
    }
    let erased = tx.erase_resident(id).await?;
    rederive(tx, &[&resident.subject_id], From::Events, "record").await?;
    let detail = json!({ "reason": reason, "subject": resident.subject, "erased": erased });
    tx.audit(by, "erase", id, &detail).await?;
    Ok(erased)
}

/// How many are erased in a turn.
const AT_ONCE: i64 = 50;

/// Erases whoever was last visited before that day and of whom nothing is open. How many.
pub async fn erase_old(store: &Store, before: Date) -> Result<usize> {
    let mut erased = 0;
    loop {
        let mut tx = store.begin().await?;
        let old = tx.residents_not_seen_since(before, AT_ONCE).await?;
        if old.is_empty() {
            tx.rollback().await?;
            return Ok(erased);
        }
        for (id, _) in &old {
            tx.erase_resident(id).await?;
            let detail = json!({ "reason": "保存期限已到", "before": before });
            tx.audit("zoufang", "erase", id, &detail).await?;
        }
        let subjects: BTreeSet<&str> = old.iter().map(|(_, subject)| subject.as_str()).collect();
        let subjects: Vec<&str> = subjects.into_iter().collect();
        rederive(&mut tx, &subjects, From::Events, "record").await?;
        tx.commit().await?;
        erased += old.len();
    }
}

/// What stays of them, and why.
pub const REMAINS: &[&str] = &[
    "走访的日期、走访人和满意度，问题的编号、类别和办理日期：是走访活动的工作记录，已认不出是谁",
    "走访对象的名称和地址：属于这一户，不属于某一个人；要改的，改在走访对象表里再导入",
    "审计记录（包括谁查看过、为什么删除）：法律要求留存日志，加了密，不能改",
    "已经发给平台和各通道的内容：在对方那里，请向对方提出",
    "以前的备份：到期轮换以后才没有",
];
