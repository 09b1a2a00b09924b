//! Who hears which step: all or the first, superiors above the late person, who stands in, what waits.

#![allow(clippy::unwrap_used)]

use jiff::civil::date;

use super::*;
use crate::domain::area::AreaKind;
use crate::domain::samples::{self, area};

fn plan() -> Campaign {
    toml::from_str(include_str!("../../../config/campaign.toml")).unwrap()
}

fn person(id: &str, role: Role, area: &str) -> StaffMember {
    StaffMember { unit: id.to_owned(), ..samples::person(id, &[role], area) }
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
    Roster { tree: Arc::new(tree), holders: Holders::new(staff), routes, late: Late::new() }
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

fn with(world: &mut World, more: Vec<StaffMember>) {
    let staff = world.roster.holders.all().into_iter().cloned().chain(more.clone());
    world.roster.holders = Holders::new(staff.collect());
    let routes = more.into_iter().map(|person| (person.id, vec!["log".to_owned()]));
    world.roster.routes.extend(routes);
}

/// On the day on which the ladder's last step is told, all of it passed.
const LAST: Date = date(2022, 4, 7);

#[test]
fn all_who_hold_a_role_hear_or_the_first_who_can() {
    let mut world = World::new(&[]);
    with(
        &mut world,
        vec![
            person("leader2", Role::LeadingGroup, "town"),
            person("secretary2", Role::BranchSecretary, "branch"),
        ],
    );
    let last = DueGroup { next_step: 4, ..visits() };
    let all = names(&[("secretary", None), ("leader", None), ("leader2", None)]);
    assert_eq!(world.told(LAST, &last), all);
    // The first who is here, in whose place; and each of all has a deputy of their own.
    world.away.insert("secretary".to_owned(), None);
    world.away.insert("leader2".to_owned(), Some("centre".to_owned()));
    let stood_in =
        [("secretary2", Some("secretary")), ("leader", None), ("centre", Some("leader2"))];
    assert_eq!(world.told(LAST, &last), names(&stood_in));
}

#[test]
fn nobody_hears_of_their_own_lateness_as_somebodys_superior() {
    let world = World::new(&[]);
    // Owed by the branch secretary: not they, and not whoever stands below them.
    let summary = DueGroup {
        kind: DutyKind::Summary,
        staff_id: None,
        role: Role::BranchSecretary,
        area_id: "branch".to_owned(),
        next_step: 3,
        ..visits()
    };
    assert_eq!(world.told(LAST, &summary), names(&[("leader", None)]));
    // One of the leading group visits too: the other of them hears, and nobody below.
    let mut world = World::new(&[]);
    let late = DueGroup { staff_id: Some("leader".to_owned()), next_step: 3, ..visits() };
    assert!(world.told(LAST, &late).is_empty());
    with(&mut world, vec![person("leader2", Role::LeadingGroup, "town")]);
    assert_eq!(world.told(LAST, &late), names(&[("leader2", None)]));
    // A deputy who is the late one stands in for nobody who presses them.
    let mut world = World::new(&[]);
    world.away.insert("secretary".to_owned(), Some("visitor".to_owned()));
    let fifth = DueGroup { next_step: 4, ..visits() };
    let told = world.told(date(2022, 4, 5), &fifth);
    assert_eq!(told, names(&[("leader", Some("secretary"))]));
}

#[test]
fn who_is_late_with_the_same_presses_nobody() {
    let mut world = World::new(&[]);
    world.roster.late.insert((DutyKind::Visit, "secretary".to_owned()));
    let on = date(2022, 4, 5);
    let fifth = DueGroup { next_step: 4, ..visits() };
    assert_eq!(world.told(on, &fifth), names(&[("leader", None)]));
    let other = DueGroup { kind: DutyKind::Classify, ..fifth };
    assert_eq!(world.told(on, &other), names(&[("secretary", None)]));
    // What came to the leader for want of another is told once; their own step is told again.
    world.heard.told.insert(("g".into(), 4, "leader".into()));
    assert!(world.told(on, &DueGroup { next_step: 4, ..visits() }).is_empty());
    let last = DueGroup { next_step: 5, ..visits() };
    assert_eq!(world.told(LAST, &last), names(&[("leader", None)]));
}

#[test]
fn a_leader_is_over_a_branch_or_over_a_unit() {
    let mut world = World::new(&[]);
    let leader = |id: &str, area: &str, unit: &str| StaffMember {
        unit: unit.to_owned(),
        ..person(id, Role::SupervisingLeader, area)
    };
    let of_two = person("of-two", Role::Department, "town");
    let of_two = StaffMember { unit: "规划办，works".to_owned(), ..of_two };
    let over_works = leader("over-works", "town", "works、民政办");
    with(&mut world, vec![leader("over-branch", "branch", ""), over_works, of_two]);
    let report = DueGroup {
        kind: DutyKind::Report,
        staff_id: Some("works".to_owned()),
        role: Role::Department,
        area_id: "town".to_owned(),
        next_step: 3,
        ..visits()
    };
    let told = |group: &DueGroup| -> Vec<String> {
        world.told(LAST, group).into_iter().map(|(who, _)| who).collect()
    };
    assert_eq!(told(&report), ["over-works", "leader"]);
    let of_two = DueGroup { staff_id: Some("of-two".to_owned()), ..report };
    assert_eq!(told(&of_two), ["over-works", "leader"]);
    let visits = DueGroup { next_step: 5, ..visits() };
    assert_eq!(told(&visits), ["over-branch", "leader"]);
}

#[test]
fn a_role_that_nobody_holds_is_the_next_ones_affair() {
    let world = World::new(&[]);
    let materials = DueGroup {
        kind: DutyKind::Materials,
        staff_id: None,
        role: Role::VillageLead,
        next_step: 0,
        ..visits()
    };
    assert!(world.roster.is_vacant(&materials, &world.plan));
    assert_eq!(world.told(date(2022, 3, 28), &materials), names(&[("secretary", None)]));
    // Then they are the late one, and the next above is told.
    let third = DueGroup { next_step: 3, ..materials };
    assert_eq!(world.told(date(2022, 4, 4), &third), names(&[("leader", None)]));
}

#[test]
fn before_its_date_a_role_only_hears_of_it() {
    let world = World::new(&[]);
    let returned = DueGroup {
        kind: DutyKind::Returned,
        staff_id: None,
        role: Role::Centre,
        holder: Some(Holder::Centre),
        ..visits()
    };
    let told = world.told(date(2022, 3, 28), &returned);
    assert_eq!(told, names(&[("centre", None), ("grid", None)]));
    // Where nobody holds that role, whoever does its work for want of them.
    let elsewhere = DueGroup { area_id: "branch".to_owned(), ..returned };
    let told = world.told(date(2022, 3, 28), &elsewhere);
    assert_eq!(told, names(&[("centre", None), ("secretary", None)]));
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

#[test]
fn what_a_person_owes_by_role_is_what_they_are_an_owner_of() {
    let world = World::new(&[]);
    for person in world.roster.holders.all() {
        let owes = world.roster.may_owe_by_role(person);
        for (role, area) in Role::ALL.iter().flat_map(|role| {
            ["town", "branch", "village"].into_iter().map(move |area| (*role, area))
        }) {
            let area_id = area.to_owned();
            let group = DueGroup { staff_id: None, role, area_id, ..visits() };
            let owners = world.roster.owners(&group, &world.plan);
            let is_owner = owners.iter().any(|owner| owner.id == person.id);
            // What the centre owes by role may be a grid member's ball, too.
            let may = is_owner || role == Role::Centre && owes.contains(&(Role::GridMember, area));
            assert!(may || !owes.contains(&(role, area)), "{} {role} {area}", person.id);
            assert!(!is_owner || owes.contains(&(role, area)), "{} {role} {area}", person.id);
            // Whoever has the ball of an issue finds it among what they may owe.
            let with_ball = [DutyKind::Begin, DutyKind::Resolve].into_iter().flat_map(|kind| {
                [Holder::Village, Holder::Centre, Holder::Platform].map(|holder| (kind, holder))
            });
            for (kind, holder) in with_ball.filter(|_| OF_BALL.contains(&role)) {
                let group = DueGroup { kind, holder: Some(holder), ..group.clone() };
                let owners = world.roster.owners(&group, &world.plan);
                let is_owner = owners.iter().any(|owner| owner.id == person.id);
                let found = Roster::may_have_any_ball(person) || owes.contains(&(role, area));
                assert!(!is_owner || found, "{} {kind} {holder:?} {area}", person.id);
            }
        }
    }
    // Nobody holds that role: branch's secretary stands next above.
    let secretary = world.roster.holders.person("secretary").unwrap();
    assert!(world.roster.may_owe_by_role(secretary).contains(&(Role::VillageLead, "village")));
    assert!(!Roster::may_have_any_ball(secretary));
}
