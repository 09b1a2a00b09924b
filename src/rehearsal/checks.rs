//! What inspectors do on a day, and whoever answers them; and who sees whether what was mediated is kept.

use std::collections::HashMap;

use super::today::{SOMEBODY, Today, VISITS};
use crate::clock::Chance;
use crate::db::{Missing, Store, StoreError};
use crate::domain::campaign::plus;
use crate::domain::duty::DutyKind;
use crate::domain::inspection::Finding;
use crate::domain::staff::Role;
use crate::domain::workdays::month_and_day;

/// Each village is checked in the last days of the campaign.
const CHECKED_BEFORE: i64 = 10;

/// One house of each village in time, and one somewhere on each day on which they inspect.
pub(super) async fn visits(
    today: &Today,
    store: &Store,
    chance: &Chance,
) -> Result<String, StoreError> {
    let by = plus(today.on, CHECKED_BEFORE);
    let of_village = |duty: &&Missing| duty.subject.is_none() && duty.due_on <= by;
    let due = today.open(DutyKind::SpotCheck).filter(of_village);
    let mut areas: Vec<&str> = due.map(|duty| duty.area_id.as_str()).collect();
    let is_due = today.open(DutyKind::Inspection).any(|duty| duty.due_on == today.on);
    let mut lines = format!("{VISITS}\n");
    if areas.is_empty() && !is_due {
        return Ok(lines);
    }
    let everywhere: Vec<&str> = today.tree.all().map(|area| area.id.as_str()).collect();
    let mut record = store.snapshot().await?;
    let mut subjects = record.subjects_in(&everywhere).await?;
    record.end().await?;
    subjects.retain(|subject| subject.visitor.is_some());
    if areas.is_empty() && !subjects.is_empty() {
        areas.push(&subjects[chance.below(subjects.len())].area_id);
    }
    for area in areas {
        let there = subjects.iter().filter(|subject| subject.area_id == area);
        let inspector = today.holder(Role::Inspector, area);
        if let (Some(subject), Some(inspector)) = (there.min_by_key(|s| &s.number), inspector) {
            let (on, by, number) = (today.on, &inspector.number, &subject.number);
            lines.push_str(&format!("{on},{by},{number},{SOMEBODY},,无,,,,入户抽查,\n"));
        }
    }
    Ok(lines)
}

/// What was drawn is checked by whom it was given to, and a difference is answered by whoever it's the affair of.
pub(super) async fn of_drawn(today: &Today, store: &Store) -> Result<String, StoreError> {
    let mut lines = String::from("抽查编号,抽查结论,抽查日期,抽查人,核实人,核实结果\n");
    let drawn = today.open(DutyKind::SpotCheck).any(|duty| duty.subject.is_some());
    if !drawn && today.open(DutyKind::Finding).next().is_none() {
        return Ok(lines);
    }
    let findings: HashMap<&str, &Missing> = today
        .open(DutyKind::Finding)
        .filter_map(|duty| Some((duty.subject.as_deref()?, duty)))
        .collect();
    let mut record = store.snapshot().await?;
    let inspections = record.inspection_lines(store.plans().began(), today.on).await?;
    record.end().await?;
    for line in inspections {
        let (on, number) = (today.on, &line.row.number);
        let inspector = today.person(&line.row.inspector_id);
        let answers = findings.get(line.subject.as_str()).and_then(|duty| today.doer(duty));
        match (line.row.checked_on.is_some(), inspector, answers) {
            (false, Some(by), _) => {
                let found = Finding::True;
                lines.push_str(&format!("{number},{found},{on},{},,\n", by.number));
            }
            (true, _, Some(by)) if line.row.answered_at.is_none() => {
                let by = &by.number;
                lines.push_str(&format!("{number},,,,{by},{}核实\n", month_and_day(on)));
            }
            _ => {}
        }
    }
    Ok(lines)
}

/// What was agreed on is kept, where it's due to be seen.
pub(super) async fn follow_ups(today: &Today, store: &Store) -> Result<String, StoreError> {
    let mut lines = String::from(
        "问题编号,调解日期,调解人,当事人,调解协议,约定回访日期,实际回访日期,是否履行,履行情况,回访人\n",
    );
    let due: HashMap<&str, &Missing> = today
        .open(DutyKind::FollowUp)
        .filter(|duty| duty.due_on <= today.on)
        .filter_map(|duty| Some((duty.issue.as_deref()?, duty)))
        .collect();
    if due.is_empty() {
        return Ok(lines);
    }
    let mut record = store.snapshot().await?;
    let mediations = record.mediations_since(store.campaign().starts_on()).await?;
    let context = record.shared_context();
    record.end().await?;
    for (issue, row) in mediations.iter().filter(|(_, row)| row.followed_on.is_none()) {
        let by = due.get(issue.as_str()).and_then(|duty| today.doer(duty));
        let (Some(by), Some(follow_up)) = (by, row.follow_up_on()?) else { continue };
        let said = row.open(&context)?;
        let cells = [
            issue.clone(),
            row.mediated_on.clone(),
            said.mediator,
            said.parties,
            said.agreement.unwrap_or_default(),
            follow_up.to_string(),
            today.on.to_string(),
            "履行".to_owned(),
            "双方都照办".to_owned(),
            by.number.clone(),
        ];
        let quoted = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        lines.push_str(&format!("{}\n", quoted.join(",")));
    }
    Ok(lines)
}
