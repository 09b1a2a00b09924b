//! A year of days at full speed, with restarts, clock steps, absences and dead channels: what anybody is told is what a
//! naive reading of the plan says, which looks at every duty and every step each day and knows nothing of duty_groups.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, date};
use tokio_util::sync::CancellationToken;
use zoufang::app::acknowledge::acknowledge_digest;
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::Daemon;
use zoufang::db::{DutyLine, NewAbsence};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::issue::{Event, State as IssueState};
use zoufang::domain::staff::{AddressKind, Role};
use zoufang::settings::Settings;

use crate::support::naive::{Naive, Reminder};
use crate::support::{Fixture, VISITS, on_both, reach};

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
    gone: Vec<(String, &'static str)>,
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
            gone: Vec::new(),
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
        // One is given to somebody on a day on which others heard of it the day before, and may have said that they know.
        let is_told_of = day == date(2022, 4, 7);
        if !self.unassigned.is_empty() && (self.maybe(0.015) || is_told_of) {
            let subject = self.unassigned.remove(0);
            self.import(&format!("对象编号,走访人员\n{subject},Z7\n")).await;
            self.unvisited.push((subject.to_owned(), "Z7"));
        }
        self.endings(day).await;
        self.refusals(day).await;
        if self.maybe(0.08) {
            self.absence(day).await;
        }
    }

    /// Some move away before they were visited, and one or the other comes back.
    async fn endings(&mut self, day: Date) {
        let header = "对象编号,状态,状态日期";
        if !self.unvisited.is_empty() && self.maybe(0.02) {
            let gone = self.unvisited.remove(self.chance.below(self.unvisited.len()));
            self.import(&format!("{header}\n{},迁出,{day}\n", gone.0)).await;
            self.gone.push(gone);
        }
        if !self.gone.is_empty() && self.maybe(0.01) {
            let back = self.gone.remove(0);
            self.import(&format!("{header}\n{},在册,\n", back.0)).await;
            self.unvisited.push(back);
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
        let lines = self.fixture.store.duty_lines("", 100_000).await.unwrap();
        let lines: HashMap<&str, &DutyLine> =
            lines.iter().map(|line| (line.key.as_str(), line)).collect();
        // By number: ids differ from run to run, and a seed is to give one history.
        for person in self.naive.staff.iter().map(|person| person.id.clone()).collect::<Vec<_>>() {
            let heard: Vec<&Reminder> = told.iter().filter(|told| told.0 == person).collect();
            if heard.is_empty() || !self.maybe(0.1) {
                continue;
            }
            acknowledge_digest(&self.fixture.store, &person, &day.to_string()).await.unwrap();
            for (_, duty, step) in heard {
                self.naive.acknowledge(&person, lines[duty.as_str()], *step);
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
