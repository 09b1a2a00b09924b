//! A year of days at full speed, with restarts, clock steps, absences and dead channels: what anybody is told is what a
//! naive reading of the plan says, which looks at every duty and every step each day and knows nothing of duty_groups.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday, date};
use tokio_util::sync::CancellationToken;
use zoufang::app::acknowledge::acknowledge_digest;
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::{Daemon, load_campaign};
use zoufang::db::{DutyLine, NewAbsence, StaffMember, Store};
use zoufang::domain::campaign::{Campaign, EscalationStep, Reach, Recipient};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::issue::{Event, State as IssueState};
use zoufang::domain::staff::{AddressKind, Role};
use zoufang::settings::Settings;

use crate::support::{Fixture, VISITS, areas, on_both, reach};

/// Who is told of which duty at which step.
type Reminder = (String, String, usize);

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
struct Naive {
    campaign: Campaign,
    days_off: HashSet<Date>,
    worked: HashSet<Date>,
    staff: Vec<StaffMember>,
    /// Each area's parent.
    parents: HashMap<String, Option<String>>,
    absences: Vec<NewAbsence>,
    /// How many steps of each duty are behind it.
    passed: HashMap<String, usize>,
    acknowledged: HashSet<(String, String, bool)>,
    told: HashSet<Reminder>,
    /// Who is late with which kind today.
    late: HashSet<(DutyKind, String)>,
}

impl Naive {
    async fn new(store: &Store) -> Naive {
        let calendar = include_str!("../../config/calendar/cn-workdays.csv");
        let of = |kind: &str| -> HashSet<Date> {
            let lines =
                calendar.lines().skip(1).filter(|line| line.split(',').nth(1) == Some(kind));
            lines.map(|line| line.split(',').next().unwrap().parse().unwrap()).collect()
        };
        let areas = areas(store).await;
        Naive {
            campaign: load_campaign("".as_ref()).unwrap(),
            days_off: of("holiday"),
            worked: of("workday"),
            staff: store.staff().await.unwrap(),
            parents: areas.into_iter().map(|area| (area.id, area.parent_id)).collect(),
            absences: Vec::new(),
            passed: HashMap::new(),
            acknowledged: HashSet::new(),
            told: HashSet::new(),
            late: HashSet::new(),
        }
    }

    fn is_workday(&self, day: Date) -> bool {
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

    fn steps(&self, kind: DutyKind) -> Vec<EscalationStep> {
        let ladder = self.campaign.ladder.iter().find(|ladder| ladder.duties.contains(&kind));
        ladder.unwrap().steps.clone()
    }

    /// What is to be told on `today`, duty by duty and step by step.
    fn tell(
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
                let of = |index: usize| (person.clone(), line.key.clone(), index);
                let heard_late =
                    (0..index).any(|at| steps[at].days > 0 && self.told.contains(&of(at)));
                let knows = self.acknowledged.contains(&(line.key.clone(), person.clone(), late));
                if knows || substitute && heard_late {
                    continue;
                }
                assert!(self.told.insert(of(index)), "the reading itself tells twice: {line:?}");
                told.insert(of(index));
            }
        }
        told
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
                let all = self.holding(role, &line.area_id).into_iter();
                all.filter(|person| !owing.contains(person)).collect()
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

    /// Those of a role who may press whoever owes it.
    fn pressing(&self, role: Role, line: &DutyLine, owing: &[String]) -> Vec<String> {
        let at = self.highest(owing).unwrap_or(level(line.role));
        let mut people = self.holding(role, &line.area_id);
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
        for role in UPWARD.into_iter().filter(|role| level(*role) > level(line.role)) {
            let mut people = self.holding(role, &line.area_id);
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

/// Takes notices, unless it's dead; notes when each came.
#[derive(Clone)]
struct Receiver {
    clock: Clock,
    dead: Arc<AtomicBool>,
    taken: Arc<Mutex<Vec<(String, DateTime)>>>,
}

impl Receiver {
    async fn start(clock: Clock) -> (Receiver, String) {
        let receiver = Receiver { clock, dead: Arc::default(), taken: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, url)
    }

    fn taken(&self) -> MutexGuard<'_, Vec<(String, DateTime)>> {
        self.taken.lock().unwrap()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap) -> StatusCode {
    if receiver.dead.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    receiver.taken().push((id, receiver.clock.local()));
    StatusCode::OK
}

/// The people of the year, by chance.
struct Year {
    fixture: Fixture,
    chance: Chance,
    naive: Naive,
    receiver: Receiver,
    settings: Settings,
    unvisited: Vec<(String, &'static str)>,
    unassigned: Vec<&'static str>,
    files: usize,
    runs: usize,
}

impl Year {
    async fn new(fixture: Fixture, seed: u64) -> Year {
        let fixture = fixture
            .within(|context| context.channels = vec![reach("sms", Some(AddressKind::Phone))])
            .await;
        let fixture = fixture.township().await;
        // Nobody reaches the village lead. Two are in the leading group, one is also the visitor of a household; two hold the
        // centre's role; the branch has a leader over it, who visits too.
        let more = "人员编号,姓名,角色,所属区划,工作单位,手机号\nZ81,齐二,领导小组、走访人员,370481111000,镇党委,10000000081\nZ82,吴二,镇社会治理综合服务中心,370481111000,服务中心,10000000082\nZ83,尤分,分管领导、走访人员,第一总支,镇政府,10000000083\n";
        fixture.import("lead.csv", more).await.unwrap();
        let (mut subjects, mut assignments) = (String::new(), String::new());
        let mut unvisited =
            vec![("H1".to_owned(), "Z6"), ("H2".to_owned(), "Z6"), ("H3".to_owned(), "Z7")];
        for n in 10..34 {
            let to = [("高桥村", "Z6"), ("杨桥村", "Z7"), ("高桥村", "Z81"), ("杨桥村", "Z83")];
            let (village, visitor) = to[if n < 26 { n % 2 } else { n % 4 }];
            subjects.push_str(&format!("H{n},家庭,王{n},{village},\n"));
            assignments.push_str(&format!("H{n},{visitor}\n"));
            unvisited.push((format!("H{n}"), visitor));
        }
        fixture
            .import("more.csv", &format!("对象编号,对象类型,对象名称,所属村,地址\n{subjects}"))
            .await
            .unwrap();
        fixture.import("pairs.csv", &format!("对象编号,走访人员\n{assignments}")).await.unwrap();
        // Nobody is assigned to these yet.
        let header = "对象编号,对象类型,对象名称,所属村";
        let left =
            format!("{header}\nH90,家庭,王九,高桥村\nH91,商铺,小店,杨桥村\nH92,家庭,王十,杨桥村\n");
        fixture.import("left.csv", &left).await.unwrap();
        let unassigned = vec!["H90", "H91", "H92"];
        let (receiver, url) = Receiver::start(fixture.clock.clone()).await;
        let text = format!(
            "[outbox]\nretry_first = '1s'\nretry_cap = '1m'\nbreaker_pause = '1s'\n[notify]\nchannels = ['webhook']\n[notify.webhook]\nurl = '{url}'\n"
        );
        let naive = Naive::new(&fixture.store).await;
        let settings = Settings::from_text(&text, "test").unwrap();
        let chance = Chance::seeded(seed);
        Year {
            fixture,
            chance,
            naive,
            receiver,
            settings,
            unvisited,
            unassigned,
            files: 0,
            runs: 0,
        }
    }

    /// A daemon as after a start.
    async fn restarted(&self) -> Daemon {
        let channels = vec![zoufang::db::ChannelReach {
            copy: false,
            ..reach("webhook", Some(AddressKind::Phone))
        }];
        let store = self.fixture.reopened_within(|context| context.channels = channels).await;
        Daemon::new(self.settings.clone(), store, CancellationToken::new()).unwrap()
    }

    fn maybe(&self, likely: f64) -> bool {
        self.chance.fraction() < likely
    }

    async fn import(&mut self, table: &str) {
        self.files += 1;
        let name = format!("{}.csv", self.files);
        self.fixture.import(&name, table).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// What people do before the working day: visits, results, confirmations, absences.
    async fn facts(&mut self, day: Date) {
        for _ in 0..self.chance.below(3) {
            if self.unvisited.is_empty() || !self.maybe(0.25) {
                continue;
            }
            let (subject, visitor) = self.unvisited.remove(self.chance.below(self.unvisited.len()));
            let heard =
                ["无,,,", "有,,,", "有,镇村,其他,急", "有,镇村,居住环境,一般", "有,市直,其他,长期"];
            let heard = heard[self.chance.below(heard.len())];
            let text = if heard.starts_with('有') { "路灯不亮" } else { "" };
            self.import(&format!(
                "{VISITS}\n{day},{visitor},{subject},王{subject},,{text},{heard}\n"
            ))
            .await;
        }
        for (state, header, rest) in [
            (IssueState::Registered, "问题编号,责任层级,类别", "镇村,其他"),
            (IssueState::Classified, "问题编号,办理结果", "已办"),
        ] {
            for card in self.fixture.store.issues_in(state, 100).await.unwrap() {
                if self.maybe(0.03) {
                    self.import(
                        &format!("{header}\n{},{rest}{day}\n", card.number)
                            .replace(&format!("其他{day}"), "其他"),
                    )
                    .await;
                }
            }
        }
        for due in self.fixture.store.revisits_due(100).await.unwrap() {
            if self.maybe(0.02) {
                let line = format!(
                    "{day},{},{},{},,,,,,,回访,满意",
                    due.staff_number, due.subject_number, due.resident
                );
                self.import(&format!("{VISITS},走访类型,满意度\n{line}\n")).await;
            }
        }
        let kinds = DutyKind::ALL.iter().filter(|kind| kind.is_confirmed());
        for kind in kinds.collect::<Vec<_>>() {
            for area in self.fixture.store.areas_owing(*kind).await.unwrap() {
                if self.maybe(0.01) {
                    self.import(&format!("任务,区划,确认人,备注\n{kind},{area},Z1,{day}\n")).await;
                }
            }
        }
        if !self.unassigned.is_empty() && self.maybe(0.015) {
            let subject = self.unassigned.remove(0);
            self.import(&format!("对象编号,走访人员\n{subject},Z7\n")).await;
            self.unvisited.push((subject.to_owned(), "Z7"));
        }
        self.refusals(day).await;
        if self.maybe(0.08) {
            self.absence(day).await;
        }
    }

    /// The platform refuses some, and what it refused is sent again or done at home.
    async fn refusals(&mut self, day: Date) {
        for card in self.fixture.store.issues_in(IssueState::Queued, 100).await.unwrap() {
            if self.maybe(0.02) {
                let mut tx = self.fixture.store.begin().await.unwrap();
                let event = Event::Refused { reason: format!("不属于受理范围{day}") };
                tx.issue_event(&card.id, &event, "platform").await.unwrap();
                tx.commit().await.unwrap();
            }
        }
        for card in self.fixture.store.issues_in(IssueState::Returned, 100).await.unwrap() {
            if self.maybe(0.05) {
                let level = ["市直", "镇村"][self.chance.below(2)];
                let table = "问题编号,责任层级,类别";
                let unlike = "\n".repeat(self.files % 97);
                self.import(&format!("{table}\n{},{level},其他\n{unlike}", card.number)).await;
            }
        }
    }

    async fn absence(&mut self, day: Date) {
        let staff = &self.naive.staff;
        let who = staff[self.chance.below(staff.len())].id.clone();
        let from = day.checked_add(i64::try_from(self.chance.below(5)).unwrap().days()).unwrap();
        let until = from.checked_add(i64::try_from(self.chance.below(12)).unwrap().days()).unwrap();
        // Two that overlap would be a question of which holds.
        if self
            .naive
            .absences
            .iter()
            .any(|a| a.staff_id == who && a.from <= until && from <= a.until)
        {
            return;
        }
        let deputy = staff[self.chance.below(staff.len())].id.clone();
        let deputy_id = Some(deputy).filter(|deputy| *deputy != who && self.maybe(0.6));
        let absence = NewAbsence { staff_id: who, from, until, deputy_id };
        let mut tx = self.fixture.store.begin().await.unwrap();
        tx.put_absence(&absence).await.unwrap();
        tx.commit().await.unwrap();
        self.naive.absences.push(absence);
    }

    /// Who has the ball of each issue, as the plan has it: the village's grid member, or the centre.
    async fn balls(&self) -> HashMap<String, Role> {
        let mut balls = HashMap::new();
        for state in IssueState::ALL {
            for card in self.fixture.store.issues_in(*state, 1000).await.unwrap() {
                let role = match state {
                    IssueState::Queued | IssueState::Returned => Role::Centre,
                    IssueState::Resolved => Role::Visitor,
                    _ => Role::GridMember,
                };
                balls.insert(card.id, role);
            }
        }
        balls
    }

    /// Settles at an instant, and holds what was told against the naive reading.
    async fn settle(&mut self, daemon: &Daemon, at: DateTime, runs: bool) {
        self.fixture.clock.set(self.fixture.clock.instant(at));
        let day = at.date();
        let lines = self.fixture.store.duty_lines("", 100_000).await.unwrap();
        let balls = self.balls().await;
        let before = self.told_on(day).await;
        daemon.settle().await.unwrap();
        let told: BTreeSet<Reminder> =
            self.told_on(day).await.difference(&before).cloned().collect();
        if !runs {
            assert!(told.is_empty(), "told at {at}: {told:?}");
            return;
        }
        let expected = self.naive.tell(day, &lines, &balls);
        assert_eq!(told, expected, "{day}");
        self.runs += usize::from(!told.is_empty());
        self.acknowledge(day, &told).await;
    }

    async fn told_on(&self, day: Date) -> BTreeSet<Reminder> {
        let told = self.fixture.store.told().await.unwrap();
        let today = told.into_iter().filter(|told| told.on_date == day.to_string());
        let id =
            |number: &str| self.naive.staff.iter().find(|p| p.number == number).unwrap().id.clone();
        today.map(|t| (id(&t.staff_number), t.duty_key, usize::try_from(t.step).unwrap())).collect()
    }

    /// Some of those who were told press the button.
    async fn acknowledge(&mut self, day: Date, told: &BTreeSet<Reminder>) {
        let mut by_person: BTreeMap<&String, Vec<&Reminder>> = BTreeMap::new();
        for reminder in told {
            by_person.entry(&reminder.0).or_default().push(reminder);
        }
        for (person, reminders) in by_person {
            if !self.maybe(0.1) {
                continue;
            }
            let day = day.to_string();
            acknowledge_digest(&self.fixture.store, person, &day).await.unwrap();
            for (person, duty, step) in reminders {
                let kind = DutyKind::read(duty.split(':').next().unwrap()).unwrap();
                let late = self.naive.steps(kind)[*step].days > 0;
                self.naive.acknowledged.insert((duty.clone(), person.clone(), late));
            }
        }
    }

    async fn live(&mut self, days: i64) {
        let mut daemon = self.restarted().await;
        let mut day = date(2022, 3, 1);
        for _ in 0..days {
            self.receiver.dead.store(self.maybe(0.15), Ordering::SeqCst);
            self.fixture.clock.set(self.fixture.clock.instant(day.at(2, 0, 0, 0)));
            self.facts(day).await;
            if self.maybe(0.2) {
                daemon = self.restarted().await;
            }
            let workday = self.naive.is_workday(day);
            let hour = i8::try_from(9 + self.chance.below(8)).unwrap();
            self.settle(&daemon, day.at(3, 0, 0, 0), false).await;
            // On some days the machine is off until the evening.
            if !self.maybe(0.05) {
                self.settle(&daemon, day.at(hour, 20, 0, 0), workday).await;
                if self.maybe(0.1) {
                    // The clock steps back, and comes to the same hour again.
                    self.settle(&daemon, day.at(7, 0, 0, 0), false).await;
                    self.settle(&daemon, day.at(hour, 40, 0, 0), false).await;
                }
                self.settle(&daemon, day.at(17, 55, 0, 0), false).await;
            }
            if self.maybe(0.02) {
                // At night the clock is years ahead for a while.
                self.settle(&daemon, date(2031, 5, 5).at(4, 0, 0, 0), false).await;
            }
            self.settle(&daemon, day.at(22, 0, 0, 0), false).await;
            day = day.tomorrow().unwrap();
        }
        self.receiver.dead.store(false, Ordering::SeqCst);
        while !self.naive.is_workday(day) {
            day = day.tomorrow().unwrap();
        }
        self.settle(&daemon, day.at(12, 0, 0, 0), true).await;
        for minute in 1..30 {
            self.settle(&daemon, day.at(12, minute, 0, 0), false).await;
        }
    }

    /// Each notice came once, in hours, on a workday.
    async fn check_deliveries(&self) {
        let lanes = self.fixture.store.lane_figures(i64::MAX).await.unwrap();
        let lane = lanes.iter().find(|lane| lane.lane == "webhook").unwrap();
        let taken = self.receiver.taken();
        let once: HashSet<&String> = taken.iter().map(|(id, _)| id).collect();
        assert_eq!((once.len(), lane.queued, lane.unknown), (taken.len(), 0, 0));
        assert_eq!(i64::try_from(once.len()).unwrap(), lane.delivered);
        for (id, at) in taken.iter() {
            assert!(
                self.naive.is_workday(at.date()) && (8..18).contains(&at.hour()),
                "{id} at {at}"
            );
        }
        assert!(
            self.runs > 40 && self.naive.told.len() > 200,
            "{} {}",
            self.runs,
            self.naive.told.len()
        );
    }
}

on_both!(a_years_tellings_are_those_of_a_naive_reading, async |fixture: Fixture| {
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut year = Year::new(fixture, seed).await;
    year.live(366).await;
    year.check_deliveries().await;
    assert_eq!(
        zoufang::app::doctor::examine(&year.fixture.store, None).await.unwrap(),
        [],
        "a year's duties, done again"
    );
    assert_eq!(year.fixture.store.recount().await.unwrap(), [], "a year's figures, counted again");
});
