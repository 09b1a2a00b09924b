//! The plan read naively: every duty and every step each day, with nothing of duty groups. What the program tells is held
//! against it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use zoufang::db::{DutyLine, NewAbsence, StaffMember, Store};
use zoufang::domain::campaign::{Campaign, EscalationStep, Reach, Recipient};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::staff::{AddressKind, Role};

use super::areas;

/// Who is told of which duty at which step.
pub type Reminder = (String, String, usize);

/// What a person knows of a duty: whose it was, by when. Once it's somebody else's, or due on another day, it's another matter.
type Matter = (String, Option<String>, Date);

fn matter(line: &DutyLine) -> Matter {
    (line.key.clone(), line.staff_id.clone(), line.due_on)
}

/// Who stands above whom, as the plan has it (四(一)).
const UPWARD: [Role; 5] = [
    Role::VillageCadre,
    Role::VillageLead,
    Role::BranchSecretary,
    Role::SupervisingLeader,
    Role::LeadingGroup,
];

fn level(role: Role) -> usize {
    match role {
        Role::Visitor | Role::GridMember => 0,
        Role::VillageCadre => 1,
        Role::VillageLead => 2,
        Role::SupervisingLeader => 4,
        Role::LeadingGroup => 5,
        _ => 3,
    }
}

/// The plan read naively.
pub struct Naive {
    campaign: Campaign,
    days_off: HashSet<Date>,
    worked: HashSet<Date>,
    pub staff: Vec<StaffMember>,
    /// Each area's parent.
    parents: HashMap<String, Option<String>>,
    pub absences: Vec<NewAbsence>,
    /// How many steps of each duty are behind it.
    passed: HashMap<String, usize>,
    /// Who said that they know, before its date (false) or after it.
    acknowledged: HashSet<(Matter, String, bool)>,
    pub told: HashSet<Reminder>,
    /// Who was told of which matter at which step.
    heard: HashSet<(Matter, String, usize)>,
    /// Who is late with which kind today.
    late: HashSet<(DutyKind, String)>,
}

impl Naive {
    pub async fn new(store: &Store) -> Naive {
        let calendar = include_str!("../../../config/calendar/cn-workdays.csv");
        let of = |kind: &str| -> HashSet<Date> {
            let lines =
                calendar.lines().skip(1).filter(|line| line.split(',').nth(1) == Some(kind));
            lines.map(|line| line.split(',').next().unwrap().parse().unwrap()).collect()
        };
        let areas = areas(store).await;
        Naive {
            campaign: store.campaign().as_ref().clone(),
            days_off: of("holiday"),
            worked: of("workday"),
            staff: store.staff().await.unwrap(),
            parents: areas.into_iter().map(|area| (area.id, area.parent_id)).collect(),
            absences: Vec::new(),
            passed: HashMap::new(),
            acknowledged: HashSet::new(),
            told: HashSet::new(),
            heard: HashSet::new(),
            late: HashSet::new(),
        }
    }

    pub fn is_workday(&self, day: Date) -> bool {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.worked.contains(&day) || !weekend && !self.days_off.contains(&day)
    }

    /// Before the date and on it, the last workday until then; after it, the first from then on.
    fn day_of(&self, step: &EscalationStep, due_on: Date) -> Date {
        let mut day = due_on.checked_add(step.days.days()).unwrap();
        while !self.is_workday(day) {
            day = if step.days <= 0 { day.yesterday().unwrap() } else { day.tomorrow().unwrap() };
        }
        day
    }

    pub fn steps(&self, kind: DutyKind) -> Vec<EscalationStep> {
        let ladder = self.campaign.ladder.iter().find(|ladder| ladder.duties.contains(&kind));
        ladder.unwrap().steps.clone()
    }

    /// What is to be told on `today`, duty by duty and step by step.
    pub fn tell(
        &mut self,
        today: Date,
        lines: &[DutyLine],
        issues: &HashMap<String, Role>,
    ) -> BTreeSet<Reminder> {
        self.late = HashSet::new();
        for line in lines {
            if line.state == "open" && line.due_on < today && line.issue_id.is_none() {
                for person in self.owing(line, issues) {
                    self.late.insert((line.kind, person));
                }
            }
        }
        let mut told = BTreeSet::new();
        for line in lines {
            let steps = self.steps(line.kind);
            let first = self.passed.get(&line.key).copied().unwrap_or(0);
            let now = steps.iter().filter(|step| self.day_of(step, line.due_on) <= today).count();
            self.passed.insert(line.key.clone(), now.max(first));
            if line.state != "open" {
                continue;
            }
            // Several that passed while nobody was there to tell: the last for each who hears, as owner or otherwise.
            let mut last: BTreeMap<(String, bool), (usize, bool)> = BTreeMap::new();
            for (index, step) in steps.iter().enumerate().take(now).skip(first) {
                for (person, substitute) in self.recipients(today, line, step, issues) {
                    last.insert((person, step.who == Recipient::Owner), (index, substitute));
                }
            }
            for ((person, _), (index, substitute)) in last {
                let late = steps[index].days > 0;
                let of = |index: usize| (matter(line), person.clone(), index);
                let heard_late =
                    (0..index).any(|at| steps[at].days > 0 && self.heard.contains(&of(at)));
                let knows = self.acknowledged.contains(&(matter(line), person.clone(), late));
                if knows || substitute && heard_late {
                    continue;
                }
                self.heard.insert(of(index));
                let reminder = (person, line.key.clone(), index);
                assert!(
                    self.told.insert(reminder.clone()),
                    "the reading itself tells twice: {line:?}"
                );
                told.insert(reminder);
            }
        }
        told
    }

    /// A person says that they know of a duty, as they were told of it at a step.
    pub fn acknowledge(&mut self, person: &str, line: &DutyLine, step: usize) {
        let late = self.steps(line.kind)[step].days > 0;
        self.acknowledged.insert((matter(line), person.to_owned(), late));
    }

    /// Who hears a step; true where they do only because nobody nearer can.
    fn recipients(
        &self,
        today: Date,
        line: &DutyLine,
        step: &EscalationStep,
        issues: &HashMap<String, Role>,
    ) -> Vec<(String, bool)> {
        let owing = self.owing(line, issues);
        let meant = match step.who {
            Recipient::Owner => owing.clone(),
            Recipient::Role(role) if step.days > 0 => self.pressing(role, line, &owing),
            Recipient::Role(role) => {
                let mut all = self.over(role, line, &owing);
                if all.is_empty() {
                    all = self.for_want_of(role, &line.area_id);
                }
                all.retain(|person| !owing.contains(person));
                all
            }
        };
        let is_own = step.who == Recipient::Owner;
        let hears = |person: &String| {
            let deputy = self.absence(today, person).and_then(|away| away.deputy_id.clone());
            let both = [Some(person.clone()), deputy].into_iter().flatten();
            both.filter(|one| is_own || !owing.contains(one)).find(|one| self.can_hear(today, one))
        };
        let mut heard: Vec<String> = meant.iter().filter_map(hears).collect();
        if step.tell == Reach::First {
            heard.truncate(1);
        }
        if !heard.is_empty() {
            return heard.into_iter().map(|person| (person, false)).collect();
        }
        let at = match step.who {
            Recipient::Owner => self.highest(&owing).unwrap_or(level(line.role)),
            Recipient::Role(role) => level(role),
        };
        for role in UPWARD.into_iter().filter(|role| level(*role) > at) {
            for person in self.pressing(role, line, &owing) {
                let deputy = self.absence(today, &person).and_then(|away| away.deputy_id.clone());
                for one in [Some(person), deputy].into_iter().flatten() {
                    if !owing.contains(&one) && self.can_hear(today, &one) {
                        return vec![(one, true)];
                    }
                }
            }
        }
        Vec::new()
    }

    /// Those of a role over what somebody owes: of a department its own leaders (分管领导), else those of the area.
    fn over(&self, role: Role, line: &DutyLine, owing: &[String]) -> Vec<String> {
        let mut departments = self.staff.iter().filter(|person| {
            owing.contains(&person.id) && person.roles.contains(&Role::Department)
        });
        if let Some(department) =
            departments.next_back().filter(|_| role == Role::SupervisingLeader)
        {
            let leads = |person: &&StaffMember| {
                person.roles.contains(&role)
                    && person.unit.split('、').any(|unit| unit == department.unit)
            };
            let leaders: Vec<String> =
                self.staff.iter().filter(leads).map(|leader| leader.id.clone()).collect();
            if !leaders.is_empty() {
                return leaders;
            }
        }
        self.holding(role, &line.area_id)
    }

    /// Those of a role who may press whoever owes it.
    fn pressing(&self, role: Role, line: &DutyLine, owing: &[String]) -> Vec<String> {
        let at = self.highest(owing).unwrap_or(level(line.role));
        let mut people = self.over(role, line, owing);
        people.retain(|person| !owing.contains(person));
        if role != Role::LeadingGroup {
            people.retain(|person| {
                level(role) > at && !self.late.contains(&(line.kind, person.clone()))
            });
        }
        people
    }

    fn highest(&self, people: &[String]) -> Option<usize> {
        let those = self.staff.iter().filter(|person| people.contains(&person.id));
        those.flat_map(|person| person.roles.iter().map(|role| level(*role))).max()
    }

    /// Who owes it: its person, whoever has the ball, all who hold the role, or the next above.
    fn owing(&self, line: &DutyLine, issues: &HashMap<String, Role>) -> Vec<String> {
        if let Some(person) = &line.staff_id {
            return vec![person.clone()];
        }
        let follows = matches!(line.kind, DutyKind::Begin | DutyKind::Resolve);
        let ball = line.issue_id.as_ref().and_then(|issue| issues.get(issue)).filter(|_| follows);
        for role in ball.into_iter().copied().chain([line.role]) {
            let people = self.holding(role, &line.area_id);
            if !people.is_empty() {
                return people;
            }
        }
        self.for_want_of(line.role, &line.area_id)
    }

    /// Whose a role's work is there where nobody holds it: the next above's.
    fn for_want_of(&self, role: Role, area: &str) -> Vec<String> {
        for above in UPWARD.into_iter().filter(|above| level(*above) > level(role)) {
            let mut people = self.holding(above, area);
            people.truncate(1);
            if !people.is_empty() {
                return people;
            }
        }
        Vec::new()
    }

    /// Who holds a role there, or in the nearest area above where anybody does.
    fn holding(&self, role: Role, area: &str) -> Vec<String> {
        let mut at = Some(area.to_owned());
        while let Some(area) = at {
            let here = self.staff.iter().filter(|p| p.area_id == area && p.roles.contains(&role));
            let here: Vec<String> = here.map(|person| person.id.clone()).collect();
            if !here.is_empty() {
                return here;
            }
            at = self.parents.get(&area).cloned().flatten();
        }
        Vec::new()
    }

    fn absence(&self, today: Date, person: &str) -> Option<&NewAbsence> {
        self.absences.iter().find(|a| a.staff_id == person && a.from <= today && today <= a.until)
    }

    fn can_hear(&self, today: Date, person: &str) -> bool {
        let here = self.staff.iter().find(|p| p.id == person).unwrap();
        here.addresses.contains(&AddressKind::Phone) && self.absence(today, person).is_none()
    }
}
