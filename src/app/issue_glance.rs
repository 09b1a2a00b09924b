//! An issue before it's known what one person may do with it: whether they see it, and what is owed of it by whom.

use super::owners::everybody;
use crate::db::{IssueRow, Result, Session, Standing};
use crate::domain::duty::{DutyKind, DutyState, key};
use crate::domain::escalation::DueGroup;
use crate::domain::holder::{Holder, holder};
use crate::domain::issue::{Issue, State};
use crate::domain::rights::{Matter, Right};
use crate::domain::staff::{Role, StaffMember};

/// Something that is owed of an issue.
#[derive(Debug, Clone)]
pub struct Next {
    pub kind: DutyKind,
    pub due_on: jiff::civil::Date,
    pub holder: Option<Holder>,
    /// By which role it's owed, and how high stands who owes it.
    pub role: Role,
    pub rank: u8,
    /// Who owes it: ids and names; nobody where nobody holds the role.
    pub owners: Vec<(String, String)>,
}

impl Next {
    /// Whether it's this person's to do with the issue itself.
    pub(super) fn is_of(&self, person: &StaffMember) -> bool {
        self.kind.is_of_issue() && self.owners.iter().any(|(id, _)| *id == person.id)
    }
}

/// What a person sees of an issue before it's known what may be done with it.
#[derive(Debug)]
pub struct Glance {
    pub row: IssueRow,
    pub issue: Issue,
    /// Which unit of the town answers for it.
    pub(super) unit: Option<String>,
    /// Whether they may see what is hidden, which is written down.
    pub may_reveal: bool,
}

/// The issue of that number; nothing where there is none, or it's none of theirs to see.
///
/// # Errors
/// Where the record can't be read.
pub async fn glance(
    session: &mut Session,
    person: &StaffMember,
    number: &str,
) -> Result<Option<Glance>> {
    let Some(row) = session.issues_numbered(&[number]).await?.pop() else { return Ok(None) };
    let (issue, tree) = (row.issue()?, session.area_tree().await?);
    let unit = session.campaign().unit_of(&issue).map(str::to_owned);
    let glance = Glance { row, issue, unit, may_reveal: false };
    let may = |right: Right| right.is_over(person, &tree, &glance.matter());
    let (sees, may_reveal) = (may(Right::SeeIssue), may(Right::RevealIssue));
    Ok(sees.then_some(Glance { may_reveal, ..glance }))
}

impl Glance {
    pub(super) fn matter(&self) -> Matter<'_> {
        let (visitor, unit) = (self.row.visitor.as_deref(), self.unit.as_deref());
        Matter { area: &self.row.area_id, visitor, unit }
    }
}

/// What is open of an issue, and of its resident what it's about.
pub(super) async fn open_duties(session: &mut Session, row: &IssueRow) -> Result<Vec<Standing>> {
    let mut duties = session.duties_of_issues(&[&row.id]).await?;
    let state = row.issue()?.state;
    let of_resident = match state {
        State::Registered => Some(DutyKind::Classify),
        State::Resolved => Some(DutyKind::Revisit),
        _ => None,
    };
    if let Some(kind) = of_resident {
        let of = key(kind, &row.resident_id, 1);
        duties.extend(session.duties_of_keys(&[&of]).await?);
    }
    duties.retain(|duty| duty.state == DutyState::Open);
    Ok(duties)
}

/// Who owes what of it.
pub(super) async fn owed(
    session: &mut Session,
    issue: &Issue,
    has_department: bool,
    open: &[Standing],
) -> Result<Vec<Next>> {
    let roster = everybody(session).await?;
    let group = |duty: &Standing| DueGroup {
        id: duty.group_id.clone(),
        kind: duty.group.kind,
        staff_id: duty.group.staff_id.clone(),
        role: duty.group.role,
        area_id: duty.group.area_id.clone(),
        due_on: duty.group.due_on,
        next_step: duty.group.next_step,
        open: 1,
        holder: holder(issue, has_department),
        category: issue.class.map(|class| class.category),
    };
    let plan = session.campaign();
    let next = |duty: &Standing| {
        let group = group(duty);
        let owners = roster.owners(&group, plan);
        let ranks = owners.iter().map(|owner| owner.rank());
        let rank = ranks.max().unwrap_or(group.role.rank());
        let owners = owners.into_iter().map(|owner| (owner.id.clone(), owner.signed()));
        let owners = owners.collect();
        let DueGroup { kind, due_on, holder, role, .. } = group;
        Next { kind, due_on, holder, role, rank, owners }
    };
    let mut next: Vec<Next> = open.iter().map(next).collect();
    next.sort_by_key(|next| next.due_on);
    Ok(next)
}
