//! What is owed, derived: the one place where facts become duties.
//!
//! Facts (assignments, visits, an issue's events, confirmations, the plans that were applied) are recorded; everything that
//! anybody owes follows from them here. A command, an import, another plan, a subject that moved and the doctor all go the
//! same way: load the facts of a set, derive, write the difference. For an issue the derivation is a fold of one
//! [`step`](issue::IssueObligations::step), so that a single event costs a single step.
//!
//! Knows nothing of SQL, of how facts are stored, or of the time: each fact bears its own.

pub mod area;
pub mod checks;
mod difference;
pub mod issue;
pub mod people;
mod plans;

pub use difference::{DutyChange, GroupKey, Ladder, Standing, Whose, difference, going_on};
pub use plans::{PlanFile, Plans, Unapplied};

use jiff::civil::Date;

use super::duty::{self, DutyKind, DutyState};
use super::staff::Role;
use super::workdays::Workdays;

/// Something that one person, or whoever holds a role over an area, owes by one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// What makes it once.
    pub key: String,
    pub kind: DutyKind,
    /// Who owes it; without a person, whoever holds `role` over the area.
    pub staff_id: Option<String>,
    pub role: Role,
    pub area_id: String,
    pub subject_id: Option<String>,
    pub resident_id: Option<String>,
    pub issue_id: Option<String>,
    pub due_on: Date,
    pub state: DutyState,
}

impl Duty {
    /// One of an area itself, or of what lies in it: `of` is part of its key.
    fn new(kind: DutyKind, of: &str, area_id: &str, due_on: Date) -> Duty {
        Duty {
            key: duty::key(kind, of, 1),
            kind,
            staff_id: None,
            role: kind.role(),
            area_id: area_id.to_owned(),
            subject_id: None,
            resident_id: None,
            issue_id: None,
            due_on,
            state: DutyState::Open,
        }
    }

    fn met_if(mut self, met: bool) -> Duty {
        self.state = if met { DutyState::Met } else { DutyState::Open };
        self
    }
}

/// What the rules need besides the facts of the case.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'r> {
    pub plans: &'r Plans,
    pub workdays: &'r Workdays,
    /// Who answers for each unit of the town (镇直部门).
    pub departments: &'r Departments,
}

/// Who answers for each unit of the town, and their area.
pub type Departments = std::collections::HashMap<String, Department>;

/// Whoever answers for a unit of the town.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    pub staff_id: String,
    pub area_id: String,
}
