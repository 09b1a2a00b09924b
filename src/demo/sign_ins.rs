//! Whom one can sign in as while the demo stands open: one of each role, all with one password that's made for this demo.

use crate::app::accounts::{Entered, Stay, end, invite, take_up};
use crate::clock::Chance;
use crate::db::{DutyLine, Store};
use crate::domain::duty::DutyKind;
use crate::domain::staff::{Role, StaffMember};

/// What each role can try first.
const TO_TRY: [(Role, &str); 7] = [
    (Role::Visitor, "登记走访（断了网也能记），给群众反映的问题分类"),
    (Role::GridMember, "签收、着手办理、填办理结果"),
    (Role::VillageLead, "看村里还缺什么、谁落后了"),
    (Role::Centre, "在“台账”看报给平台的问题，在“上报与退回”看等审核、被退回的"),
    (Role::Inspector, "抽户核查，登记督查情况"),
    (Role::OrganisationOffice, "导入表格，收材料，开通登录"),
    (Role::LeadingGroup, "看全镇进度和材料报送"),
];
/// The password is a word and so many digits.
const WORD: &str = "zoufang-";
const DIGITS: usize = 1_000_000;
const AT_ONCE: Stay = Stay { idle: std::time::Duration::ZERO, longest: std::time::Duration::ZERO };

/// Who can sign in, and how.
#[derive(Debug, Clone)]
pub struct SignIns {
    pub password: String,
    pub people: Vec<SignIn>,
}

/// One of them, and what to try.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub number: String,
    pub name: String,
    pub role: Role,
    pub to_try: &'static str,
}

impl SignIns {
    /// Lets the first of each role sign in: by a link, as everybody does.
    ///
    /// # Errors
    /// Where the record can't be written.
    pub(super) async fn open(store: &Store, chance: &Chance) -> anyhow::Result<SignIns> {
        let staff = store.staff().await?;
        let owed = store.duty_lines("", i64::MAX).await?;
        let first = |role: Role| staff.iter().find(|person| person.roles.contains(&role));
        // Rather somebody who has something of all that they are to try.
        let busy = |role: Role| {
            let owes = |person: &StaffMember, kind: DutyKind| {
                let own = |duty: &&DutyLine| duty.state == "open" && is_of(person, role, duty);
                owed.iter().filter(own).any(|duty| duty.kind == kind)
            };
            staff.iter().find(|person| {
                person.roles.contains(&role) && to_have(role).iter().all(|kind| owes(person, *kind))
            })
        };
        let by = first(Role::OrganisationOffice);
        let password = format!("{WORD}{:06}", chance.below(DIGITS));
        let mut people = Vec::new();
        for (role, to_try) in TO_TRY {
            let person = busy(role).or_else(|| first(role));
            let (Some(person), Some(by)) = (person, by) else { continue };
            choose(store, person, by, &password).await?;
            let (number, name) = (person.number.clone(), person.name.clone());
            people.push(SignIn { number, name, role, to_try });
        }
        Ok(SignIns { password, people })
    }
}

/// What whoever tries a role ought to owe.
fn to_have(role: Role) -> &'static [DutyKind] {
    match role {
        Role::Visitor => &[DutyKind::Visit, DutyKind::Classify],
        Role::GridMember => &[DutyKind::Acknowledge, DutyKind::Begin],
        _ => &[],
    }
}

/// Whether it's a person's own: by name, or by the role in their area.
fn is_of(person: &StaffMember, role: Role, duty: &DutyLine) -> bool {
    match &duty.staff_id {
        Some(id) => *id == person.id,
        None => duty.role == role && duty.area_id == person.area_id,
    }
}

/// Somebody chooses the password, and is signed in nowhere yet.
async fn choose(
    store: &Store,
    person: &StaffMember,
    by: &StaffMember,
    password: &str,
) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let link = invite(&mut tx, person, by).await?;
    tx.commit().await?;
    if let Entered::Not(why) = take_up(store, &link, password, AT_ONCE).await? {
        anyhow::bail!(why);
    }
    let mut tx = store.begin().await?;
    end(&mut tx, person, false, by, "演示").await?;
    tx.commit().await?;
    Ok(())
}
