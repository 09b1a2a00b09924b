//! What a person owes now, the nearest first: as the digest would tell them, whether it told them or not.

use std::collections::HashMap;

use super::owners::owed_groups;
use crate::db::{Result, Session};
use crate::domain::duty::Warning;
use crate::domain::escalation::{DueGroup, Roster};
use crate::domain::staff::StaffMember;

/// So many are named; more are counted.
const LONGEST: usize = 200;
/// So many of a group are named.
const NAMED: i64 = 5;

/// Something that a person owes.
#[derive(Debug, Clone)]
pub struct Owed {
    pub group: DueGroup,
    pub warning: Warning,
    /// The number of the issue that it's about.
    pub issue: Option<String>,
    /// What few duties are about: an issue's number, a subject's masked name.
    pub about: Vec<String>,
}

/// All that a person owes.
#[derive(Debug, Clone, Default)]
pub struct OwedBy {
    pub named: Vec<Owed>,
    /// How many more there are.
    pub more: usize,
}

/// What a person owes: their own, what their role owes where nobody is named, and of issues what they have the ball of.
///
/// # Errors
/// Where the record can't be read.
pub async fn owed_by(
    session: &mut Session,
    roster: &Roster,
    person: &StaffMember,
) -> Result<OwedBy> {
    let (plan, today) = (session.campaign().clone(), session.today());
    let mut groups = owed_groups(session, roster, person).await?;
    // What each day asks for isn't there to be done before that day.
    groups.retain(|group| group.kind.is_there(group.due_on, today));
    let more = groups.len().saturating_sub(LONGEST);
    groups.truncate(LONGEST);
    let ids = |which: &dyn Fn(&DueGroup) -> bool| -> Vec<String> {
        groups.iter().filter(|group| which(group)).map(|group| group.id.clone()).collect()
    };
    let of_issues = ids(&|group| group.kind.is_of_issue());
    let few = ids(&|group| group.open <= NAMED && !group.kind.is_of_issue());
    let issues = issues_of(session, &of_issues).await?;
    let few: Vec<&str> = few.iter().map(String::as_str).collect();
    let mut labels = session.group_labels(&few).await?;
    let named = groups.into_iter().map(|group| Owed {
        warning: plan.warning(group.due_on, today),
        issue: issues.get(&group.id).cloned(),
        about: labels.remove(&group.id).unwrap_or_default(),
        group,
    });
    Ok(OwedBy { named: named.collect(), more })
}

/// Something that others are late with, and that a person is to press them for.
#[derive(Debug, Clone)]
pub struct Pressed {
    pub group: DueGroup,
    /// Who owes it, as they sign; nobody where nobody holds the role.
    pub owner: Option<String>,
    pub issue: Option<String>,
}

/// So many are read of what somebody was told; and so many are shown.
const READ: i64 = 300;
const PRESSED: usize = 20;

/// What a person was told to press others for (需要您督办) and is late still, the latest first; and how many more there are.
///
/// # Errors
/// Where the record can't be read.
pub async fn pressed_by(
    session: &mut Session,
    roster: &Roster,
    person: &StaffMember,
) -> Result<(Vec<Pressed>, usize)> {
    let today = session.today();
    let groups = session.groups_told_late(&person.id, today, READ).await?;
    let plan = std::sync::Arc::clone(session.plans().now());
    let owned = |group: DueGroup| {
        let owners = roster.owners(&group, &plan);
        let is_own = owners.iter().any(|owner| owner.id == person.id);
        let owner = owners.first().map(|owner| owner.signed());
        (!is_own).then_some((group, owner))
    };
    let mut others: Vec<_> = groups.into_iter().filter_map(owned).collect();
    let more = others.len().saturating_sub(PRESSED);
    others.truncate(PRESSED);
    let of_issues = others.iter().map(|(group, _)| group).filter(|one| one.kind.is_of_issue());
    let of_issues: Vec<String> = of_issues.map(|group| group.id.clone()).collect();
    let mut issues = issues_of(session, &of_issues).await?;
    let pressed = others.into_iter().map(|(group, owner)| {
        let issue = issues.remove(&group.id);
        Pressed { group, owner, issue }
    });
    Ok((pressed.collect(), more))
}

/// The numbers of the issues that these groups are about, by group.
async fn issues_of(session: &mut Session, groups: &[String]) -> Result<HashMap<String, String>> {
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let matters = session.matters(&groups, LONGEST).await?;
    let ids: Vec<&str> = matters.iter().filter_map(|matter| matter.issue_id.as_deref()).collect();
    let rows = session.issue_rows(&ids).await?;
    let numbers: HashMap<&str, &str> =
        rows.iter().map(|row| (row.id.as_str(), row.number.as_str())).collect();
    let number = |issue: &str| numbers.get(issue).map(|number| (*number).to_owned());
    let pairs = matters
        .iter()
        .filter_map(|matter| Some((matter.group_id.clone(), number(matter.issue_id.as_deref()?)?)));
    Ok(pairs.collect())
}
