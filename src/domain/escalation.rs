//! 督办: which steps of the ladder are due on a day, who hears each, who stands in for whom, and what waits for tomorrow.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;

use super::area::AreaTree;
use super::campaign::{Campaign, EscalationStep, Recipient};
use super::duty::DutyKind;
use super::holder::Holder;
use super::issue::Category;
use super::staff::{Holders, Role, StaffMember};
use super::workdays::Workdays;

/// Whoever stands above all, where nobody else can be told.
const LAST_RESORT: Role = Role::LeadingGroup;

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

/// Who is who: the places, who holds which role there, and by which channels they hear.
#[derive(Debug)]
pub struct Roster {
    pub tree: Arc<AreaTree>,
    pub holders: Holders,
    pub routes: Routes,
}

impl Roster {
    fn holder(&self, role: Role, area: &str) -> Option<&StaffMember> {
        self.holders.holder(&self.tree, role, area)
    }

    /// Who owes a group, whether here or away.
    pub fn owner(&self, group: &DueGroup, plan: &Campaign) -> Option<&StaffMember> {
        self.meant(group, Recipient::Owner, plan)
    }

    /// Whom a step means.
    fn meant(&self, group: &DueGroup, who: Recipient, plan: &Campaign) -> Option<&StaffMember> {
        let role = match who {
            Recipient::Role(role) => role,
            Recipient::Owner => match (&group.staff_id, self.has_ball(group, plan)) {
                (Some(owner), _) => return self.holders.person(owner),
                (None, Some(person)) => return Some(person),
                (None, None) => group.role,
            },
        };
        self.holder(role, &group.area_id)
    }

    /// Whoever has the ball: reminders go to whoever can act.
    fn has_ball(&self, group: &DueGroup, plan: &Campaign) -> Option<&StaffMember> {
        if !group.kind.follows_the_ball() {
            return None;
        }
        let of_role = |role| self.holder(role, &group.area_id);
        match group.holder? {
            Holder::Department => self.holders.department(plan.departments.get(&group.category?)?),
            Holder::Village => of_role(Role::GridMember),
            // The centre can press the platform; nobody here can do its work.
            Holder::Centre | Holder::Platform => of_role(Role::Centre),
            Holder::Resident => of_role(Role::Visitor),
        }
    }
}

/// Who hears a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    pub person: String,
    pub instead_of: Option<String>,
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
            for index in latest_for_each(&steps[first..first + passed], first) {
                match self.step(group, steps, index, heard) {
                    Step::Told(reminder) => reminders.push(reminder),
                    Step::Known => {}
                    Step::Waits => postponed = true,
                    Step::Nobody => unheard.push(steps[index].who),
                }
            }
        }
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
        heard: &Heard,
    ) -> Step {
        let Some(Reached { person, instead_of }) = self.recipient(group, steps, index) else {
            return Step::Nobody;
        };
        let (id, late, step) = (&group.id, steps[index].days > 0, number(index));
        if heard.acknowledged.contains(&(id.clone(), person.clone(), late))
            || heard.told.contains(&(id.clone(), step, person.clone()))
        {
            return Step::Known;
        }
        if self.told_today.contains(&person) {
            return Step::Waits;
        }
        let (group, duties) = (id.clone(), group.open);
        Step::Told(Reminder { group, step, staff: person, instead_of, duties })
    }

    /// Who hears the step at `index` of a group: its person; where they are away or out of reach, their deputy; else
    /// whoever would hear next. `None` where nobody can be told.
    pub fn recipient(
        &self,
        group: &DueGroup,
        steps: &[EscalationStep],
        index: usize,
    ) -> Option<Reached> {
        let person = |who| self.roster.meant(group, who, self.plan);
        let meant = person(steps.get(index)?.who);
        let later = steps[index + 1..].iter().filter(|step| step.who != Recipient::Owner);
        let above = later.map(|step| step.who).chain([Recipient::Role(LAST_RESORT)]);
        let candidates = std::iter::once(meant).chain(above.map(person)).flatten();
        let heard = candidates.flat_map(|person| [Some(&person.id), self.deputy(&person.id)]);
        let person = heard.flatten().find(|person| self.can_hear(person))?.clone();
        let instead_of = meant.map(|meant| meant.id.clone()).filter(|meant| *meant != person);
        Some(Reached { person, instead_of })
    }

    fn can_hear(&self, person: &str) -> bool {
        !self.away.contains_key(person) && self.roster.routes.contains_key(person)
    }

    fn deputy(&self, person: &str) -> Option<&String> {
        self.away.get(person)?.as_ref()
    }
}

/// What becomes of one step.
enum Step {
    Told(Reminder),
    /// They were told before, or said that they know.
    Known,
    /// They have today's digest: it waits for tomorrow's.
    Waits,
    Nobody,
}

/// Of steps that passed together (the service was down), the latest for each who hears, by their places in the ladder.
fn latest_for_each(passed: &[EscalationStep], first: usize) -> Vec<usize> {
    let mut latest: Vec<(Recipient, usize)> = Vec::new();
    for (offset, step) in passed.iter().enumerate() {
        latest.retain(|(earlier, _)| *earlier != step.who);
        latest.push((step.who, first + offset));
    }
    latest.into_iter().map(|(_, index)| index).collect()
}

fn number(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::civil::date;

    use super::*;
    use crate::domain::area::{Area, AreaKind};

    fn plan() -> Campaign {
        toml::from_str(include_str!("../../config/campaign.toml")).unwrap()
    }

    fn area(id: &str, kind: AreaKind, parent: Option<&str>) -> Area {
        let parent_id = parent.map(str::to_owned);
        Area { id: id.to_owned(), code: None, name: id.to_owned(), kind, parent_id }
    }

    fn person(id: &str, role: Role, area: &str) -> StaffMember {
        StaffMember {
            id: id.to_owned(),
            number: id.to_owned(),
            name: id.to_owned(),
            area_id: area.to_owned(),
            unit: id.to_owned(),
            roles: vec![role],
            addresses: Vec::new(),
            calendar_version: 0,
        }
    }

    /// A town, a branch, a village: who holds which role there, all in reach but those of `silent`.
    fn roster(silent: &[&str]) -> Roster {
        let staff = vec![
            person("centre", Role::Centre, "town"),
            person("grid", Role::GridMember, "village"),
            person("leader", Role::LeadingGroup, "town"),
            person("secretary", Role::BranchSecretary, "branch"),
            person("visitor", Role::Visitor, "village"),
            person("works", Role::Department, "town"),
        ];
        let in_reach = staff.iter().filter(|person| !silent.contains(&person.id.as_str()));
        let routes = in_reach.map(|person| (person.id.clone(), vec!["log".to_owned()])).collect();
        let tree = AreaTree::new([
            area("town", AreaKind::Town, None),
            area("branch", AreaKind::Branch, Some("town")),
            area("village", AreaKind::Village, Some("branch")),
        ]);
        Roster { tree: Arc::new(tree), holders: Holders::new(staff), routes }
    }

    fn visits() -> DueGroup {
        DueGroup {
            id: "g".to_owned(),
            kind: DutyKind::Visit,
            staff_id: Some("visitor".to_owned()),
            role: Role::Visitor,
            area_id: "village".to_owned(),
            due_on: date(2022, 3, 31),
            next_step: 0,
            open: 3,
            holder: None,
            category: None,
        }
    }

    struct World {
        plan: Campaign,
        workdays: Workdays,
        roster: Roster,
        away: Away,
        told_today: HashSet<String>,
        heard: Heard,
    }

    impl World {
        fn new(silent: &[&str]) -> World {
            World {
                plan: plan(),
                workdays: Workdays::default(),
                roster: roster(silent),
                away: Away::new(),
                told_today: HashSet::new(),
                heard: Heard::default(),
            }
        }

        fn decide(&self, on: Date, group: &DueGroup) -> Decision {
            let World { plan, workdays, roster, away, told_today, heard } = self;
            Day { on, plan, workdays, roster, away, told_today }.decide(group, heard)
        }

        /// Who is told on a day, and in place of whom.
        fn told(&self, on: Date, group: &DueGroup) -> Vec<(String, Option<String>)> {
            let told = self.decide(on, group).reminders.into_iter();
            told.map(|reminder| (reminder.staff, reminder.instead_of)).collect()
        }
    }

    fn names(told: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
        told.iter().map(|(who, of)| ((*who).to_owned(), of.map(str::to_owned))).collect()
    }

    #[test]
    fn a_step_is_told_on_its_day_and_the_group_moves_up() {
        let world = World::new(&[]);
        assert_eq!(world.decide(date(2022, 3, 25), &visits()).duties, 0, "not yet");
        let first = world.decide(date(2022, 3, 28), &visits());
        assert_eq!(first.reminders[0].staff, "visitor");
        assert_eq!((first.duties, first.reminders[0].duties), (3, 3));
        let advance = Advance { group: "g".into(), next_step: 1, on: Some(date(2022, 3, 31)) };
        assert_eq!(first.advance, advance);
        // What nobody owes any more is told to nobody, and moves up all the same.
        let done = world.decide(date(2022, 3, 28), &DueGroup { open: 0, ..visits() });
        assert_eq!((done.reminders.len(), done.advance), (0, advance));
    }

    #[test]
    fn after_silence_each_hears_their_latest_step_once() {
        let world = World::new(&[]);
        // Three days before, the date itself and the day after are one for the owner.
        let decision = world.decide(date(2022, 4, 4), &visits());
        let told: Vec<_> = decision.reminders.iter().map(|r| (r.staff.as_str(), r.step)).collect();
        assert_eq!(told, [("visitor", 2), ("secretary", 3)]);
    }

    #[test]
    fn whoever_is_away_or_out_of_reach_is_stood_in_for() {
        let on = date(2022, 3, 28);
        let mut world = World::new(&[]);
        world.away.insert("visitor".to_owned(), Some("grid".to_owned()));
        assert_eq!(world.told(on, &visits()), names(&[("grid", Some("visitor"))]));
        // A deputy who is away too isn't one: the next step's person hears.
        world.away.insert("grid".to_owned(), None);
        assert_eq!(world.told(on, &visits()), names(&[("secretary", Some("visitor"))]));
        let world = World::new(&["visitor", "secretary"]);
        assert_eq!(world.told(on, &visits()), names(&[("leader", Some("visitor"))]));
        let world = World::new(&["visitor", "secretary", "leader"]);
        let decision = world.decide(on, &visits());
        assert_eq!((decision.reminders.len(), decision.unheard.len()), (0, 1));
        assert_eq!(decision.advance.next_step, 1, "nobody to wait for");
    }

    #[test]
    fn an_acknowledgement_holds_until_the_date_and_another_after_it() {
        let mut world = World::new(&[]);
        world.heard.acknowledged.insert(("g".into(), "visitor".into(), false));
        assert!(world.told(date(2022, 3, 31), &DueGroup { next_step: 1, ..visits() }).is_empty());
        let late = DueGroup { next_step: 2, ..visits() };
        assert_eq!(world.told(date(2022, 4, 1), &late), names(&[("visitor", None)]));
        world.heard.acknowledged.insert(("g".into(), "visitor".into(), true));
        assert!(world.told(date(2022, 4, 1), &late).is_empty());
    }

    #[test]
    fn reminders_go_to_whoever_has_the_ball() {
        let mut world = World::new(&[]);
        world.plan.departments.insert(Category::Other, "works".to_owned());
        let resolve = |holder| DueGroup {
            kind: DutyKind::Resolve,
            staff_id: None,
            role: Role::GridMember,
            holder,
            category: Some(Category::Other),
            ..visits()
        };
        let cases = [
            (Some(Holder::Village), "grid"),
            (Some(Holder::Department), "works"),
            (Some(Holder::Centre), "centre"),
            (Some(Holder::Platform), "centre"),
            (Some(Holder::Resident), "visitor"),
            (None, "grid"),
        ];
        for (holder, who) in cases {
            let told = world.told(date(2022, 3, 28), &resolve(holder));
            assert_eq!(told, names(&[(who, None)]), "{holder:?}");
        }
        // What doesn't follow the ball stays with whoever owes it.
        let upload = DueGroup { kind: DutyKind::Upload, ..resolve(Some(Holder::Platform)) };
        let owner = world.roster.owner(&upload, &world.plan).map(|person| person.id.as_str());
        assert_eq!(owner, Some("grid"));
    }

    /// Whoever of several already has the day's digest, everybody hears each step once, today or tomorrow.
    #[test]
    fn waiting_for_tomorrow_loses_and_doubles_nothing() {
        let (today, tomorrow) = (date(2022, 4, 5), date(2022, 4, 6));
        let all = World::new(&[]).decide(today, &visits());
        for busy in 0..4u8 {
            let mut world = World::new(&[]);
            let mut group = visits();
            let mut told = Vec::new();
            for (index, who) in ["visitor", "secretary"].into_iter().enumerate() {
                if busy & (1 << index) != 0 {
                    world.told_today.insert(who.to_owned());
                }
            }
            for day in [today, tomorrow] {
                let decision = world.decide(day, &group);
                for Reminder { group, step, staff, .. } in &decision.reminders {
                    world.heard.told.insert((group.clone(), *step, staff.clone()));
                }
                told.extend(decision.reminders);
                group.next_step = decision.advance.next_step;
                world.told_today.clear();
            }
            told.sort_by_key(|reminder| reminder.step);
            assert_eq!(told, all.reminders, "{busy}");
            assert_eq!(group.next_step, all.advance.next_step, "{busy}");
        }
    }
}
