//! Which pages of the desk a person is shown the way to: those that the table of routes opens to them.

use serde::Serialize;

use super::routes::{
    BREACHES, CENTRE, DESK, HAND_INS, INSPECTIONS, MISSING, PEOPLE, SUBJECTS, UNIT, UPLOADS,
};
use crate::domain::rights::Right;
use crate::domain::staff::StaffMember;

/// The way to a page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Link {
    to: &'static str,
    title: &'static str,
    place: &'static str,
}

const LINKS: &[(Right, &str, &str, &str)] = &[
    (Right::SeeUnit, UNIT, "本单位承办", "unit"),
    (Right::SeeHandIns, HAND_INS, "材料报送", "hand_ins"),
    (Right::SeeMissing, MISSING, "还缺什么", "missing"),
    (Right::EndSubject, SUBJECTS, "不再走访", "subjects"),
    (Right::SeePeople, PEOPLE, "人员进度", "people"),
    (Right::DecideDebt, CENTRE, "上报与退回", "centre"),
    (Right::SeeInspections, INSPECTIONS, "入户抽查", "inspections"),
    (Right::Inspect, BREACHES, "违纪反映", "breaches"),
    (Right::Import, UPLOADS, "导入表格", "uploads"),
    (Right::Operate, DESK, "运行情况", "desk"),
];

/// Those of a person.
pub(super) fn links(person: &StaffMember) -> Vec<Link> {
    let own = LINKS.iter().filter(|(right, ..)| right.is_held_by(person));
    own.map(|(_, to, title, place)| Link { to, title, place }).collect()
}
