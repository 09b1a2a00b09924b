//! 督办: which steps of the ladder are due on a day, who hears each, who stands in for whom, and what waits for tomorrow.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;

use super::area::AreaTree;
use super::campaign::{Campaign, EscalationStep, Reach, Recipient};
use super::duty::DutyKind;
use super::holder::Holder;
use super::issue::Category;
use super::staff::{Holders, Role, StaffMember};
use super::workdays::Workdays;

/// The roles that owe the steps of an issue of which somebody else may have the ball.
const OF_BALL: [Role; 2] = [Role::GridMember, Role::Centre];

/// A duty group whose next step is due: what one person owes of one kind, in one area, by one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueGroup {
    pub id: String,
    pub kind: DutyKind,
    pub staff_id: Option<String>,
    pub role: Role,
    pub area_id: String,
    pub due_on: Date,
    pub next_step: i64,
    /// How many of its duties are open.
    pub open: i64,
    /// Whose issue it is about, and its category: reminders go to whoever has the ball.
    pub holder: Option<Holder>,
    pub category: Option<Category>,
}

impl DueGroup {
    /// What whoever owes it is to do, as a message says it.
    pub fn what_to_do(&self) -> &'static str {
        match self.kind.lacks_visitor(self.role) {
            true => DutyKind::TO_ASSIGN,
            false => self.kind.what_to_do(self.holder),
        }
    }

    /// The same on a page.
    pub fn what_to_do_here(&self) -> &'static str {
        match self.kind.lacks_visitor(self.role) {
            true => DutyKind::TO_ASSIGN_HERE,
            false => self.kind.what_to_do_here(self.holder),
        }
    }
}

/// That a person is told of a group at a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reminder {
    #[serde(rename = "group_id")]
    pub group: String,
    pub step: i64,
    pub staff: String,
    /// Who would have heard it, were they here and in reach.
    pub instead_of: Option<String>,
    pub duties: i64,
}

/// Where a group stands after its steps were told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advance {
    #[serde(rename = "group_id")]
    pub group: String,
    pub next_step: i64,
    /// When the next step is told; nothing at the ladder's end.
    pub on: Option<Date>,
}

/// Who is away, with who stands in.
pub type Away = HashMap<String, Option<String>>;

/// For each person, the channels by which they are told, the preferred one first; who isn't here is out of reach.
pub type Routes = HashMap<String, Vec<String>>;

/// Who is late with which kind of duty.
pub type Late = HashSet<(DutyKind, String)>;

/// Who is who: the places, who holds which role there, by which channels they hear, and who is late with what.
#[derive(Debug)]
pub struct Roster {
    pub tree: Arc<AreaTree>,
    pub holders: Holders,
    pub routes: Routes,
    pub late: Late,
}

impl Roster {
    /// Who owes a group, whether here or away: of several, the first.
    pub fn owner(&self, group: &DueGroup, plan: &Campaign) -> Option<&StaffMember> {
        self.owners(group, plan).into_iter().next()
    }

    /// Everybody who owes a group: its person, whoever has the ball, or all who hold the role; where nobody holds it, it's the
    /// affair of whoever stands next above.
    pub fn owners(&self, group: &DueGroup, plan: &Campaign) -> Vec<&StaffMember> {
        let person = group.staff_id.as_deref();
        match self.has_ball(group, plan) {
            holders if person.is_none() && !holders.is_empty() => holders,
            _ => self.holders.owing(&self.tree, person, (group.role, &group.area_id)),
        }
    }

    /// What a person may owe where nobody is named: which roles' affairs, in which areas. Of issues also what its role owes while
    /// somebody else has the ball, where that may be them.
    pub fn may_owe_by_role<'r>(&'r self, person: &StaffMember) -> Vec<(Role, &'r str)> {
        let has_ball = person.roles.contains(&Role::GridMember);
        let may_come = |role: &&Role| {
            person.roles.contains(role)
                || Role::line_above(role.rank()).any(|above| person.roles.contains(&above))
                || has_ball && OF_BALL.contains(role)
        };
        let roles: Vec<Role> = Role::ALL.iter().filter(may_come).copied().collect();
        let is_below = |area: &&str| self.tree.upward(area).any(|up| up.id == person.area_id);
        let areas = self.tree.all().map(|area| area.id.as_str()).filter(is_below);
        let areas: Vec<&'r str> = areas.collect();
        let pairs = areas.iter().flat_map(|area| roles.iter().map(move |role| (*role, *area)));
        let is_of = |role: Role, area: &str| {
            let owing = self.holders.owing(&self.tree, None, (role, area));
            owing.iter().any(|owner| owner.id == person.id)
        };
        let owes = |(role, area): &(Role, &str)| {
            is_of(*role, area)
                || has_ball && OF_BALL.contains(role) && is_of(Role::GridMember, area)
        };
        pairs.filter(owes).collect()
    }

    /// Whether nobody holds the role that owes a group.
    pub fn is_vacant(&self, group: &DueGroup, plan: &Campaign) -> bool {
        group.staff_id.is_none()
            && self.has_ball(group, plan).is_empty()
            && self.holders.holder(&self.tree, group.role, &group.area_id).is_none()
    }

    /// Whether a person may have the ball of any issue of the town, whatever its area. Residents, whose visitors would hear for
    /// them, have it only of what is resolved, of which nothing is owed.
    pub fn may_have_any_ball(person: &StaffMember) -> bool {
        let with_it = [Role::Department, Role::Centre];
        person.roles.iter().any(|role| with_it.contains(role))
    }

    /// Whoever has the ball: reminders go to whoever can act.
    fn has_ball(&self, group: &DueGroup, plan: &Campaign) -> Vec<&StaffMember> {
        let holder = group.holder.filter(|_| group.kind.follows_the_ball());
        let Some(holder) = holder else { return Vec::new() };
        let role = match holder {
            Holder::Department => {
                let unit = group.category.and_then(|category| plan.unit_of_category(category));
                let person = unit.and_then(|unit| self.holders.department(unit));
                return person.into_iter().collect();
            }
            Holder::Village => Role::GridMember,
            // The centre can press the platform; nobody here can do its work.
            Holder::Centre | Holder::Platform => Role::Centre,
            Holder::Resident => Role::Visitor,
        };
        self.holders.holders(&self.tree, role, &group.area_id)
    }

    /// Who holds a role over what these people owe: a leader (分管领导) by their unit, else by the area.
    fn over(&self, group: &DueGroup, role: Role, owners: &[&StaffMember]) -> Vec<&StaffMember> {
        let unit = owners.iter().find(|owner| owner.roles.contains(&Role::Department));
        let by_unit = match (role, unit) {
            (Role::SupervisingLeader, Some(owner)) => self.holders.leaders_of(owner),
            _ => Vec::new(),
        };
        match by_unit.is_empty() {
            true => self.holders.holders(&self.tree, role, &group.area_id),
            false => by_unit,
        }
    }

    /// Of those who hold a role over what these people owe, the ones who can press them: who stands above them and isn't late
    /// with the same. Nobody stands above the leading group: there, it's the others.
    fn superiors(
        &self,
        group: &DueGroup,
        role: Role,
        owners: &[&StaffMember],
    ) -> Vec<&StaffMember> {
        let owing = owners.iter().map(|owner| owner.rank()).max().unwrap_or(group.role.rank());
        let is_last = role == Role::LeadingGroup;
        let mut found = self.over(group, role, owners);
        found.retain(|person| owners.iter().all(|owner| owner.id != person.id));
        found.retain(|person| {
            is_last || role.rank() > owing && !self.late.contains(&(group.kind, person.id.clone()))
        });
        found
    }
}

/// Who hears a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    pub person: String,
    pub instead_of: Option<String>,
    /// Nobody at the level that was meant can hear it: it came to the next.
    pub passed_up: bool,
}

/// What earlier days have said of groups.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Who was told of a group at which step.
    pub told: HashSet<(String, i64, String)>,
    /// Who needn't be told again of a group, before its date (false) or after it (true).
    pub acknowledged: HashSet<(String, String, bool)>,
}

/// What becomes of a group on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// How many open duties have a step due.
    pub duties: i64,
    pub reminders: Vec<Reminder>,
    pub advance: Advance,
    /// Steps at which nobody could be told.
    pub unheard: Vec<Recipient>,
}

/// A day, and all that decides who hears on it.
#[derive(Debug, Clone, Copy)]
pub struct Day<'d> {
    pub on: Date,
    pub plan: &'d Campaign,
    pub workdays: &'d Workdays,
    pub roster: &'d Roster,
    pub away: &'d Away,
    /// Who already has this day's digest: what else they are to hear waits for tomorrow.
    pub told_today: &'d HashSet<String>,
}

impl Day<'_> {
    /// Tells the group's due steps to those who hear, and moves it up the ladder.
    pub fn decide(&self, group: &DueGroup, heard: &Heard) -> Decision {
        let steps = self.plan.steps(group.kind);
        let told_on: Vec<Date> =
            steps.iter().map(|step| step.told_on(group.due_on, self.workdays)).collect();
        let first = usize::try_from(group.next_step).unwrap_or(0).min(steps.len());
        let passed = told_on[first..].iter().take_while(|on| **on <= self.on).count();
        let (mut reminders, mut unheard, mut postponed) = (Vec::new(), Vec::new(), false);
        if group.open > 0 {
            let due = (first..first + passed).map(|index| {
                let reached = self.recipients(group, steps, index);
                if reached.is_empty() {
                    unheard.push(steps[index].who);
                }
                (index, reached)
            });
            let due: Vec<(usize, Vec<Reached>)> = due.collect();
            for (index, reached) in latest_for_each(steps, due) {
                match self.step(group, steps, index, reached, heard) {
                    Step::Told(reminder) => reminders.push(reminder),
                    Step::Known => {}
                    Step::Waits => postponed = true,
                }
            }
        }
        unheard.dedup();
        let (next, on) = if postponed {
            (first, self.on.tomorrow().ok())
        } else {
            (first + passed, told_on.get(first + passed).copied())
        };
        let advance = Advance { group: group.id.clone(), next_step: number(next), on };
        let duties = if passed > 0 { group.open } else { 0 };
        Decision { duties, reminders, advance, unheard }
    }

    fn step(
        &self,
        group: &DueGroup,
        steps: &[EscalationStep],
        index: usize,
        reached: Reached,
        heard: &Heard,
    ) -> Step {
        let Reached { person, instead_of, passed_up } = reached;
        let (id, late, step) = (&group.id, steps[index].days > 0, number(index));
        let was_told = |index| heard.told.contains(&(id.clone(), number(index), person.clone()));
        // What came to them for want of somebody else is told once after its date.
        let again =
            passed_up && (0..index).any(|earlier| steps[earlier].days > 0 && was_told(earlier));
        if again
            || was_told(index)
            || heard.acknowledged.contains(&(id.clone(), person.clone(), late))
        {
            return Step::Known;
        }
        if self.told_today.contains(&person) {
            return Step::Waits;
        }
        let (group, duties) = (id.clone(), group.open);
        Step::Told(Reminder { group, step, staff: person, instead_of, duties })
    }

    /// Who hears the step at `index` of a group: who is meant, all or the first of them; for whoever is away or out of reach
    /// their deputy; where none of these can be told, whoever stands next above. Nobody is told of their own lateness as
    /// somebody else's.
    pub fn recipients(
        &self,
        group: &DueGroup,
        steps: &[EscalationStep],
        index: usize,
    ) -> Vec<Reached> {
        let Some(EscalationStep { days, who, tell }) = steps.get(index) else { return Vec::new() };
        let owners = self.roster.owners(group, self.plan);
        let (meant, rank) = match who {
            Recipient::Owner => {
                let ranks = owners.iter().map(|owner| owner.rank());
                (owners.clone(), ranks.max().unwrap_or(group.role.rank()))
            }
            // Before the date nobody is late: they only hear of it.
            Recipient::Role(role) if *days <= 0 => {
                let mut holders = self.roster.over(group, *role, &owners);
                if holders.is_empty() {
                    // Who does that role's work there for want of anybody.
                    let whose = (*role, group.area_id.as_str());
                    holders = self.roster.holders.owing(&self.roster.tree, None, whose);
                }
                holders.retain(|person| owners.iter().all(|owner| owner.id != person.id));
                (holders, role.rank())
            }
            Recipient::Role(role) => (self.roster.superiors(group, *role, &owners), role.rank()),
        };
        let but: &[&StaffMember] = if *who == Recipient::Owner { &[] } else { &owners };
        let reached = self.reached(&meant, *tell, but);
        if !reached.is_empty() {
            return reached;
        }
        let mut above =
            Role::line_above(rank).map(|role| self.roster.superiors(group, role, &owners));
        let next = above.find_map(|level| self.reached(&level, Reach::First, &owners).pop());
        let instead_of = || meant.first().map(|meant| meant.id.clone());
        let passed = |next: Reached| Reached { instead_of: instead_of(), passed_up: true, ..next };
        next.map(passed).into_iter().collect()
    }

    /// Of those who are meant, who can be told: each, or their deputy, but for some.
    fn reached(&self, meant: &[&StaffMember], tell: Reach, but: &[&StaffMember]) -> Vec<Reached> {
        let first = meant.first().map(|person| &person.id);
        let mut reached: Vec<Reached> = Vec::new();
        for person in meant.iter().map(|person| &person.id) {
            let or_deputy = [Some(person), self.deputy(person)].into_iter().flatten();
            let mut told = or_deputy.filter(|one| but.iter().all(|but| but.id != **one));
            let Some(one) = told.find(|one| self.can_hear(one)) else { continue };
            let of = if tell == Reach::All { Some(person) } else { first };
            let instead_of = of.filter(|of| *of != one).cloned();
            if reached.iter().all(|known| known.person != *one) {
                reached.push(Reached { person: one.clone(), instead_of, passed_up: false });
            }
            if tell == Reach::First {
                break;
            }
        }
        reached
    }

    fn can_hear(&self, person: &str) -> bool {
        !self.away.contains_key(person) && self.roster.routes.contains_key(person)
    }

    fn deputy(&self, person: &str) -> Option<&String> {
        self.away.get(person)?.as_ref()
    }
}

/// What becomes of one step for one who hears it.
enum Step {
    Told(Reminder),
    /// They were told before, or said that they know.
    Known,
    /// They have today's digest: it waits for tomorrow's.
    Waits,
}

/// Of steps that passed together (the service was down), the latest for each who hears: as owner, and as somebody else.
fn latest_for_each(
    steps: &[EscalationStep],
    passed: Vec<(usize, Vec<Reached>)>,
) -> Vec<(usize, Reached)> {
    let mut latest: Vec<(usize, Reached)> = Vec::new();
    let as_owner = |index: usize| steps[index].who == Recipient::Owner;
    for (index, reached) in passed {
        for one in reached {
            latest.retain(|(earlier, known)| {
                known.person != one.person || as_owner(*earlier) != as_owner(index)
            });
            latest.push((index, one));
        }
    }
    latest
}

fn number(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
