//! What is owed of an area itself: materials, reports, checks, and the phases that the leading group added; and what a
//! department reports.

use std::collections::HashSet;

use super::{Department, Duty, Plans};
use crate::domain::area::AreaKind;
use crate::domain::duty::{self, DutyKind};

/// An area, as far as it makes anything owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaFacts {
    pub id: String,
    pub kind: AreaKind,
    /// Whether it lies in the town whose campaign this is.
    pub in_campaign: bool,
    /// Whether somebody checked there (入户抽查) since the campaign began.
    pub spot_checked: bool,
    /// Whether work was asked for there since the campaign began: an issue was classified or reopened.
    pub has_work: bool,
}

/// What somebody confirmed since the campaign began, by the duty's key.
pub type Confirmed = HashSet<String>;

/// What the campaign wants of an area itself.
pub fn duties(area: &AreaFacts, confirmed: &Confirmed, plans: &Plans) -> Vec<Duty> {
    let plan = plans.now();
    let of_kind: &[DutyKind] = match area.kind {
        AreaKind::Village => {
            &[DutyKind::Materials, DutyKind::SelfCheck, DutyKind::LookBack, DutyKind::SpotCheck]
        }
        AreaKind::Branch => &[DutyKind::Summary],
        _ => &[],
    };
    let of_kind = of_kind.iter().filter(|_| area.in_campaign);
    let of_kind = of_kind.map(|kind| Duty::new(*kind, &area.id, &area.id, plan.due_on(*kind)));
    let is_village = area.in_campaign && area.kind == AreaKind::Village;
    let extra = plan.extra.iter().filter(|_| is_village).map(|phase| {
        let of = extra_of(&area.id, &phase.code);
        let duty = Duty::new(DutyKind::Extra, &of, &area.id, phase.ends_on);
        Duty { role: phase.owed_by, ..duty }
    });
    let report = area
        .has_work
        .then(|| Duty::new(DutyKind::Report, &area.id, &area.id, plan.due_on(DutyKind::Report)));
    let met = |duty: &Duty| match duty.kind {
        // 四(三): one check in a village meets what is owed for it.
        DutyKind::SpotCheck => area.spot_checked,
        _ => confirmed.contains(&duty.key),
    };
    let owed = of_kind.chain(extra).chain(report);
    owed.map(|duty| {
        let met = met(&duty);
        duty.met_if(met)
    })
    .collect()
}

/// What a department reports (三(三)), once work was asked for in what it answers for.
pub fn report(department: &Department, confirmed: &Confirmed, plans: &Plans) -> Duty {
    let due_on = plans.now().due_on(DutyKind::Report);
    let Department { staff_id, area_id } = department;
    let report = Duty::new(DutyKind::Report, staff_id, area_id, due_on);
    let report = Duty {
        role: crate::domain::staff::Role::Department,
        staff_id: Some(staff_id.clone()),
        ..report
    };
    let met = confirmed.contains(&report.key);
    report.met_if(met)
}

/// The key of what a person confirms for an area, or for a department by whoever answers for it: a kind of duty, or the code of a phase that was added.
pub fn confirmed_key(kind: DutyKind, area_id: &str, extra: Option<&str>) -> String {
    match extra {
        Some(code) => duty::key(DutyKind::Extra, &extra_of(area_id, code), 1),
        None => duty::key(kind, area_id, 1),
    }
}

fn extra_of(area_id: &str, code: &str) -> String {
    format!("{area_id}/{code}")
}
