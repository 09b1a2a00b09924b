//! The kept figures: after any history they are what a naive reading of the record counts, and reading them reads
//! nothing else.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::{Date, date};
use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;
use sqlx::AnyPool;
use zoufang::app::deliveries::{Deliveries, Outbox};
use zoufang::app::{assignments, doctor, hand_off, plan, receive_updates};
use zoufang::clock::Chance;
use zoufang::daemon::load_campaign;
use zoufang::db::{By, Decision, LaneFigures, NewNotice, Receipt, Return, Store, StoreError, Tx};
use zoufang::domain::counted::{
    CountedDuty, CountedEntry, CountedIssue, CountedReferral, CountedResident, CountedSubject,
    Note, Reach,
};
use zoufang::domain::delivery::{Claim, Settlement};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::figures::{Counted, Counts, Tally};
use zoufang::domain::holder::holder;
use zoufang::domain::issue::{Category, Class, Event, Issue, Level, State, Urgency};
use zoufang::domain::referral::{PlatformStatus, PlatformUpdate, Told};
use zoufang::domain::staff::AddressKind;

use crate::support::{Fixture, STAFF, SUBJECTS, VISITS, claim, on_both, reach};

const LANE: &str = "ehushanying";
const LANES: [&str; 3] = [LANE, "sms", "email"];

/// A township in which anything may happen.
struct Town {
    fixture: Fixture,
    raw: AnyPool,
    chance: Chance,
    /// So many things have happened.
    happened: usize,
}

impl Town {
    async fn new(fixture: Fixture, seed: u64) -> Town {
        let fixture = fixture
            .within(|context| {
                context.channels = vec![
                    reach("sms", Some(AddressKind::Phone)),
                    reach("email", Some(AddressKind::Email)),
                ];
                context.close_needs_answer = true;
                context.messages = true;
            })
            .await
            .township()
            .await;
        let department = "人员编号,姓名,角色,所属区划,工作单位,邮箱\nD1,蒋建,镇直部门,370481111000,城建办,d1@example.com\n";
        fixture.import("d.csv", department).await.unwrap();
        sqlx::any::install_default_drivers();
        let raw = AnyPool::connect(&fixture.url).await.unwrap();
        Town { fixture, raw, chance: Chance::seeded(seed), happened: 0 }
    }

    fn one<'t, T: ?Sized>(&self, of: &[&'t T]) -> &'t T {
        of[self.chance.below(of.len())]
    }

    async fn any(&self, of: &str) -> Option<String> {
        let all: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(of.to_owned()))
            .fetch_all(&self.raw)
            .await
            .unwrap();
        (!all.is_empty()).then(|| all[self.chance.below(all.len())].clone())
    }

    async fn issue(&self) -> String {
        let issue = self.any("SELECT number FROM issues ORDER BY number").await;
        issue.unwrap_or_else(|| "CHD2022-000001".to_owned())
    }

    /// What the record refuses changes nothing.
    async fn import(&mut self, table: String) {
        let name = format!("{}.csv", self.happened);
        let _ = self.fixture.import(&name, &table).await;
    }

    async fn turn<T>(&self, what: impl AsyncFnOnce(&mut Tx) -> Result<T, StoreError>) {
        let mut tx = self.fixture.store.begin().await.unwrap();
        match what(&mut tx).await {
            Ok(_) => tx.commit().await.unwrap(),
            Err(StoreError::Refused(_) | StoreError::Rule(_)) => tx.rollback().await.unwrap(),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Something happens.
    async fn step(&mut self) {
        self.happened += 1;
        match self.chance.below(20) {
            0..=3 => self.visit().await,
            4 => self.classify().await,
            5 => {
                let who = self.one(&["Z5", "D1"]);
                let table = format!("问题编号,签收人\n{},{who}\n", self.issue().await);
                self.import(table).await;
            }
            6 => {
                let table = format!("问题编号,办理结果\n{},已修好\n", self.issue().await);
                self.import(table).await;
            }
            7 | 8 => self.revisit().await,
            9 => self.event().await,
            10 | 11 => self.send().await,
            12 | 13 => self.answer().await,
            14 => self.tell().await,
            15 => self.master_data().await,
            16 => self.decide().await,
            17 => self.by_hand().await,
            18 => self.plan().await,
            _ => {
                let minutes = [1, 90, 60 * 30, 60 * 24 * 4][self.chance.below(4)];
                let now = self.fixture.clock.now() + SignedDuration::from_mins(minutes);
                self.fixture.clock.set(now);
            }
        }
    }

    fn today(&self) -> Date {
        self.fixture.clock.today()
    }

    async fn subject_and_visitor(&self) -> (&'static str, String) {
        let subject = self.one(&["H1", "H2", "H3"]);
        let visitor = format!(
            "SELECT f.number FROM subjects s JOIN assignments a ON a.subject_id = s.id JOIN staff f ON f.id = a.staff_id
             WHERE s.number = '{subject}'"
        );
        (subject, self.any(&visitor).await.unwrap())
    }

    async fn visit(&mut self) {
        let (subject, visitor) = self.subject_and_visitor().await;
        let (today, resident) = (self.today(), self.one(&["甲", "乙"]));
        let level = self.one(&["", "镇村", "联动", "市直"]);
        let category = self.one(&["居住环境", "其他"]);
        let class =
            if level.is_empty() { ",,".to_owned() } else { format!("{level},{category},急") };
        let heard = self.one(&["无", "有"]);
        let text = if heard == "有" { format!("第{}件", self.happened) } else { String::new() };
        let class = if heard == "有" { class } else { ",,".to_owned() };
        self.import(format!(
            "{VISITS}\n{today},{visitor},{subject},{resident},,{text},{heard},{class}\n"
        ))
        .await;
        if self.chance.below(4) == 0 {
            let unheard = self.one(&["", "外出务工"]);
            self.import(format!(
                "对象编号,群众姓名,未走访原因\n{subject},丙{},{unheard}\n",
                self.happened
            ))
            .await;
        }
    }

    async fn classify(&mut self) {
        let level = self.one(&["镇村", "联动", "市直"]);
        let category = self.one(&["居住环境", "其他"]);
        self.import(format!(
            "问题编号,责任层级,类别,轻重缓急\n{},{level},{category},一般\n",
            self.issue().await
        ))
        .await;
    }

    async fn revisit(&mut self) {
        let (subject, visitor) = self.subject_and_visitor().await;
        let on = self.today() - i64::try_from(self.chance.below(3)).unwrap().days();
        let answer = self.one(&["满意", "基本满意", "不满意"]);
        let resident = self.one(&["甲", "乙"]);
        self.import(format!(
            "{VISITS},走访类型,满意度\n{on},{visitor},{subject},{resident},,又坏了,,,,,回访,{answer}\n"
        ))
        .await;
    }

    async fn event(&mut self) {
        let issue = self.fixture.store.issue_id(&self.issue().await).await;
        let Ok(issue) = issue else { return };
        let reason = "有原因".to_owned();
        let event = match self.chance.below(4) {
            0 => Event::Voided { reason },
            1 => Event::Reopened { reason },
            2 => Event::PlatformOverridden { by: "周正".to_owned(), reason },
            _ => Event::Started,
        };
        self.turn(async |tx| tx.issue_event(&issue, &event, "周正").await).await;
    }

    /// A lane takes some and settles none, some or all of them.
    async fn send(&mut self) {
        let lane = self.one(&LANES);
        let claimed = claim(&self.fixture.store, lane, "me", 3, 60_000).await.unwrap();
        let now = self.fixture.clock.millis();
        let mut batch = Vec::new();
        for (place, entry) in claimed.into_iter().enumerate() {
            let reason = self.one(&["no_address", "oops"]).to_owned();
            let number = format!("N{}-{place}", self.happened);
            let settlement = match self.chance.below(9) {
                0 => continue,
                1 => Settlement::Refused { reason },
                2 => Settlement::NotSent { reason, not_before: now },
                3 => Settlement::Unknown { reason, not_before: now },
                4 => Settlement::Held { reason },
                5 => Settlement::Released,
                6 => Settlement::Delivered(Receipt { remote_id: None, token: Some(number) }),
                _ => Settlement::Delivered(Receipt { remote_id: Some(number), token: None }),
            };
            batch.push((entry, settlement));
        }
        let held: Vec<String> = batch.iter().map(|(entry, _)| entry.id.clone()).collect();
        let holds = (self.chance.below(3) == 0).then_some(held.as_slice());
        let claim = Claim {
            lane,
            owner: "me",
            limit: 1,
            lease: 60_000,
            settle_after: 0,
            rate_per_minute: None,
            probes: false,
            holds,
        };
        let outbox = Deliveries::new(self.fixture.store.clone());
        outbox.settle_and_claim(&claim, &batch).await.unwrap();
    }

    /// The platform says something of one of its numbers, or gives one.
    async fn answer(&mut self) {
        let waiting =
            self.any("SELECT id FROM referrals WHERE state = 'waiting' ORDER BY id").await;
        if let Some(waiting) = waiting.filter(|_| self.chance.below(2) == 0) {
            let number = format!("T{}", self.happened);
            let numbered = [(waiting.as_str(), number.as_str())];
            self.turn(async |tx| receive_updates::referrals_numbered(tx, &numbered).await).await;
        }
        let number = self.any("SELECT remote_id FROM referral_numbers ORDER BY remote_id").await;
        let status = [
            Some(PlatformStatus::Accepted),
            Some(PlatformStatus::InProgress),
            Some(PlatformStatus::Resolved),
            Some(PlatformStatus::Resolved),
            Some(PlatformStatus::Refused),
            Some(PlatformStatus::Replaced),
            None,
        ][self.chance.below(7)];
        let successor = format!("S{}", self.happened);
        let update = PlatformUpdate {
            remote_id: number.unwrap_or_else(|| "N1-0".to_owned()),
            word: status.map_or("怪", PlatformStatus::code).to_owned(),
            status,
            text: self.one(&["", "已修好"]).to_owned(),
            at: (self.chance.below(3) > 0).then(|| self.fixture.clock.now()),
            successors: if status == Some(PlatformStatus::Replaced) {
                vec![successor]
            } else {
                Vec::new()
            },
            update_id: None,
            told: if self.chance.below(2) == 0 { Told::Now } else { Told::Then },
        };
        self.turn(async |tx| receive_updates::receive(tx, &[update]).await).await;
    }

    async fn tell(&mut self) {
        let staff = self.any("SELECT id FROM staff ORDER BY number").await.unwrap();
        let on = self.today();
        let notice = |channel: &str| NewNotice {
            staff_id: staff.clone(),
            channel: channel.to_owned(),
            on,
            topic: "digest".to_owned(),
            title: "题".to_owned(),
            body: "文".to_owned(),
            html: None,
            several: None,
            link: None,
        };
        let notices = [notice("sms"), notice("email")];
        self.turn(async |tx| tx.put_notices(&notices).await).await;
    }

    async fn master_data(&mut self) {
        let (village, phone) = (self.one(&["高桥村", "杨桥村"]), self.happened);
        match self.chance.below(6) {
            4 | 5 => {
                let (subject, _) = self.subject_and_visitor().await;
                let ended = if subject == "H3" { "停业" } else { "去世" };
                let state = self.one(&["迁出", ended, "在册", "在册"]);
                self.import(format!("对象编号,状态\n{subject},{state}\n")).await;
            }
            0 => self.import(SUBJECTS.replace("王建国,高桥村", &format!("王建国,{village}"))).await,
            1 => {
                let changed = STAFF.replace("10000000005", &format!("1000{phone:07}"));
                self.import(changed.replace("10000000006", "")).await;
            }
            2 => {
                let (subject, _) = self.subject_and_visitor().await;
                let number = self.one(&["Z6", "Z7"]);
                let to = self
                    .any(&format!("SELECT id FROM staff WHERE number = '{number}'"))
                    .await
                    .unwrap();
                self.turn(async |tx| assignments::reassign(tx, subject, &to, "周正", "调动").await)
                    .await;
            }
            _ => {
                let row = ("H9", village);
                self.import(format!(
                    "对象编号,对象类型,对象名称,所属村,地址\n{},学校,小学,{},\n",
                    row.0, row.1
                ))
                .await;
            }
        }
    }

    async fn decide(&mut self) {
        let entry = self.any("SELECT debt_key FROM outbox ORDER BY debt_key").await;
        let Some(key) = entry else { return };
        let remote_id = Some(format!("A{}", self.happened));
        let decision = match self.chance.below(5) {
            0 => Decision::Retry,
            1 => Decision::Hold,
            2 => Decision::Absent,
            3 => Decision::Release,
            _ => Decision::Arrived { remote_id },
        };
        self.turn(async |tx| tx.decide_debt(&key, &decision, "吴心", "看过").await).await;
    }

    /// The centre enters referrals into a portal, and brings back what it shows.
    async fn by_hand(&mut self) {
        let on = self.today();
        self.turn(async |tx| tx.hand_off(on, 2).await).await;
        let reference = self.any("SELECT reference FROM referrals ORDER BY reference").await;
        let row = Return {
            reference,
            remote_id: Some(format!("H{}", self.happened)),
            word: Some(self.one(&["怪", "退回"]).to_owned()),
            text: "不归我们管".to_owned(),
            ..Return::default()
        };
        self.turn(async |tx| hand_off::take_return(tx, &row).await).await;
        let village = self.one(&["高桥村", "杨桥村"]);
        self.import(format!("任务,区划,确认人\n村级自查,{village},冯包\n")).await;
    }

    async fn plan(&mut self) {
        let mut plan = load_campaign("".as_ref()).unwrap();
        if self.chance.below(2) == 0 {
            plan.departments.insert(Category::LivingEnvironment, "城建办".to_owned());
        }
        if self.chance.below(2) == 0 {
            plan.phases[0].ends_on = date(2022, 4, 8);
        }
        if self.happened > 150 {
            plan.code = "NEXT".to_owned();
            plan.phases[0].starts_on = date(2022, 3, 20);
        }
        plan::apply_ending_current(&self.fixture.store, &plan, "周正", "推迟").await.unwrap();
        if self.chance.below(2) == 0 {
            doctor::examine(&self.fixture.store, Some("周正")).await.unwrap();
        }
    }

    async fn rows(&self, query: &str) -> Vec<(String, i64)> {
        sqlx::query_as(sqlx::AssertSqlSafe(query.to_owned())).fetch_all(&self.raw).await.unwrap()
    }

    async fn map(&self, query: &str) -> BTreeMap<String, i64> {
        self.rows(query).await.into_iter().collect()
    }

    /// What a naive reading of the whole record counts, beside what is kept.
    async fn check(&self) {
        let store = &self.fixture.store;
        let differences = store.recount().await.unwrap();
        assert!(differences.is_empty(), "after {}: {differences:?}", self.happened);
        let figures = store.figures().await.unwrap();
        let code = store.campaign().code.clone();
        let own = format!("FROM issues WHERE number LIKE '{code}-%'");
        let states = format!("SELECT state, COUNT(*) {own} GROUP BY state");
        assert_eq!(figures.issues_by_state, self.map(&states).await);
        let levels =
            format!("SELECT COALESCE(level, 'unclassified'), COUNT(*) {own} GROUP BY level");
        assert_eq!(figures.issues_by_level, self.map(&levels).await);
        let earlier = format!(
            "SELECT 'all', COUNT(*) FROM issues WHERE number NOT LIKE '{code}-%' AND state NOT IN ('resolved', 'closed', 'void')"
        );
        assert_eq!(figures.earlier_open.values().sum::<i64>(), self.map(&earlier).await["all"]);
        let referrals = "SELECT state, COUNT(*) FROM referrals GROUP BY state";
        assert_eq!(figures.referrals_by_state, self.map(referrals).await);
        let from = store.campaign().starts_on();
        let others = self
            .map(&format!(
                "SELECT 'residents', COUNT(DISTINCT resident_id) FROM visits WHERE kind = 'first' AND visited_on >= '{from}'
                 UNION SELECT 'revisited', COUNT(DISTINCT resident_id) FROM visits WHERE kind = 'revisit' AND visited_on >= '{from}'
                 UNION SELECT 'reopened', COUNT(DISTINCT e.issue_id) FROM issue_events e JOIN issues i ON i.id = e.issue_id
                   WHERE e.kind = 'reopened' AND i.number LIKE '{code}-%'
                 UNION SELECT 'notices', COUNT(*) FROM notices WHERE delivered_at IS NOT NULL
                 UNION SELECT 'unanswered', COUNT(DISTINCT n.referral_id) FROM referral_updates u
                   JOIN referral_numbers n ON n.lane = u.lane AND n.remote_id = u.remote_id AND n.said_at = u.at
                   JOIN referrals r ON r.id = n.referral_id
                   WHERE r.state = 'open' AND n.state = 'current' AND u.status = 'resolved' AND TRIM(u.body) = ''",
            ))
            .await;
        let kept = [figures.residents, figures.revisited, figures.reopened, figures.notices];
        assert_eq!(
            kept,
            ["residents", "revisited", "reopened", "notices"].map(|name| others[name])
        );
        assert_eq!(store.closed_without_answer().await.unwrap(), others["unanswered"]);
        let words = "SELECT word, COUNT(*) FROM referral_updates WHERE status IS NULL GROUP BY word ORDER BY word";
        assert_eq!(store.unknown_words().await.unwrap(), self.rows(words).await);
        let nobody =
            store.unreachable().await.unwrap().len() + store.without_channel().await.unwrap().len();
        assert_eq!(store.unreachable_count().await.unwrap(), i64::try_from(nobody).unwrap());
        self.check_lanes().await;
        self.check_dates().await;
        self.check_rates().await;
    }

    async fn check_lanes(&self) {
        for stuck_millis in [0, 3_600_000, 86_400_000] {
            let before = self.fixture.clock.millis() - stuck_millis;
            let mut naive: Vec<LaneFigures> = Vec::new();
            let rows: Vec<(String, String, i64, i64, i64)> = sqlx::query_as(
                "SELECT lane, state, CASE WHEN lease_until IS NULL THEN 0 ELSE 1 END,
                   CASE WHEN unknown_since IS NULL THEN 0 ELSE 1 END, created_at FROM outbox ORDER BY lane",
            )
            .fetch_all(&self.raw)
            .await
            .unwrap();
            for (lane, state, leased, unknown, created_at) in rows {
                if naive.last().is_none_or(|last| last.lane != lane) {
                    naive.push(LaneFigures { lane, ..LaneFigures::default() });
                }
                let figures = naive.last_mut().unwrap();
                match (state.as_str(), leased, unknown) {
                    (_, 1, _) => figures.in_flight += 1,
                    ("ready", _, 1) => figures.unknown += 1,
                    ("ready" | "review", ..) => figures.queued += 1,
                    ("handed", ..) => figures.handed += 1,
                    ("held", ..) => figures.held += 1,
                    ("refused", ..) => figures.refused += 1,
                    ("delivered", ..) => figures.delivered += 1,
                    _ => {}
                }
                if matches!(state.as_str(), "ready" | "handed" | "held") {
                    let minute = created_at / 60_000 * 60_000;
                    figures.stuck += i64::from(minute <= before / 60_000 * 60_000);
                    figures.oldest =
                        Some(figures.oldest.map_or(minute, |oldest| oldest.min(minute)));
                }
            }
            let counts = |lanes: &[LaneFigures]| -> Vec<_> {
                let count = |of: &LaneFigures| {
                    let counts = [
                        of.queued,
                        of.in_flight,
                        of.handed,
                        of.unknown,
                        of.held,
                        of.refused,
                        of.delivered,
                    ];
                    (of.lane.clone(), counts, of.stuck, of.oldest)
                };
                lanes.iter().map(count).collect()
            };
            let kept = self.fixture.store.lane_figures(stuck_millis).await.unwrap();
            let kept: Vec<_> =
                kept.into_iter().filter(|lane| naive.iter().any(|n| n.lane == lane.lane)).collect();
            assert_eq!(counts(&kept), counts(&naive));
        }
    }

    /// What is open and what is late, by kind of duty and by who holds the issue.
    async fn check_dates(&self) {
        let (store, today) = (&self.fixture.store, self.today());
        let open: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT d.kind, COUNT(*), COUNT(CASE WHEN b.due_on < $1 THEN 1 END) FROM duties d
             JOIN duty_groups b ON b.id = d.group_id WHERE d.state = 'open' AND NOT (d.kind = 'inspection' AND b.due_on > $1)
             GROUP BY d.kind ORDER BY d.kind",
        )
        .bind(today.to_string())
        .fetch_all(&self.raw)
        .await
        .unwrap();
        let kept = store.open_duties(today).await.unwrap().into_iter();
        assert_eq!(
            kept.map(|(kind, open, late)| (kind.code().to_owned(), open, late)).collect::<Vec<_>>(),
            open
        );
        let mut late = BTreeMap::new();
        let departments = store.campaign().departments.clone();
        for state in State::ALL {
            let cards = store.issues_in(*state, 10_000).await.unwrap().into_iter();
            let own = format!("{}-", store.campaign().code);
            for card in cards.filter(|card| card.number.starts_with(&own)) {
                let department =
                    card.issue.class.is_some_and(|class| departments.contains_key(&class.category));
                let ended = matches!(state, State::Resolved | State::Closed | State::Void);
                if let (Some(holder), false) = (holder(&card.issue, department), ended) {
                    let is_late = card.due_on.is_some_and(|due_on| due_on < today);
                    *late.entry(holder).or_insert(0) += i64::from(is_late);
                }
            }
        }
        late.retain(|_, count| *count > 0);
        assert_eq!(store.late_by_holder().await.unwrap(), late);
    }

    /// The rates' counts, by village, person and in all.
    async fn check_rates(&self) {
        let (store, plan) = (&self.fixture.store, self.fixture.store.campaign());
        let (today, start) = (self.today(), plan.starts_on().to_string());
        let mut lines: BTreeMap<(By, String), Counts> = BTreeMap::new();
        let staff = store.staff().await.unwrap().into_iter();
        let signed: BTreeMap<String, String> =
            staff.map(|person| (person.number.clone(), person.signed())).collect();
        let mut add =
            |village: &str, person: Option<&String>, category: Option<&String>, counts: Counts| {
                *lines.entry((By::Village, village.to_owned())).or_default() += counts;
                let whose =
                    person.map_or("没有走访人".to_owned(), |person| signed[person].clone());
                *lines.entry((By::Person, whose)).or_default() += counts;
                let category = category.and_then(|category| Category::read(category));
                if let Some(department) =
                    category.and_then(|category| plan.departments.get(&category))
                {
                    *lines.entry((By::Department, department.clone())).or_default() += counts;
                }
            };
        let subjects: Vec<(String, Option<String>, i64, Option<String>)> = sqlx::query_as(
            "SELECT v.name, f.number, CASE WHEN d.state = 'met' THEN 1 ELSE 0 END, s.ended_on FROM subjects s
             JOIN areas v ON v.id = s.area_id LEFT JOIN assignments a ON a.subject_id = s.id LEFT JOIN staff f ON f.id = a.staff_id
             LEFT JOIN duties d ON d.duty_key = 'visit:' || s.id",
        )
        .fetch_all(&self.raw)
        .await
        .unwrap();
        for (village, person, visited, ended_on) in subjects {
            let counts = match ended_on {
                Some(on) if visited == 0 => {
                    Counts { ended: i64::from(on >= start), ..Counts::default() }
                }
                _ => Counts { subjects: 1, visited, ..Counts::default() },
            };
            add(&village, person.as_ref(), None, counts);
        }
        let dropped: Vec<(String, Option<String>, String, Option<String>)> = sqlx::query_as(
            "SELECT v.name, f.number, MAX(w.visited_on),
               (SELECT MAX(x.visited_on) FROM visits x WHERE x.resident_id = r.id AND x.kind = 'revisit') FROM residents r JOIN subjects s ON s.id = r.subject_id
             JOIN visits w ON w.resident_id = r.id AND w.kind = 'first' JOIN areas v ON v.id = s.area_id
             LEFT JOIN assignments a ON a.subject_id = s.id LEFT JOIN staff f ON f.id = a.staff_id
             LEFT JOIN duties d ON d.duty_key = 'revisit:' || r.id AND d.state <> 'cancelled'
             WHERE s.ended_on IS NOT NULL AND d.id IS NULL GROUP BY r.id, v.name, f.number",
        )
        .fetch_all(&self.raw)
        .await
        .unwrap();
        for (village, person, heard_on, revisited_on) in dropped {
            let was_revisited = revisited_on.is_some_and(|on| on >= start);
            let revisit_ended = i64::from(heard_on >= start && !was_revisited);
            add(&village, person.as_ref(), None, Counts { revisit_ended, ..Counts::default() });
        }
        type IssueRow = (
            String,
            Option<String>,
            Option<String>,
            String,
            Option<String>,
            Option<String>,
            Option<i64>,
        );
        let issues: Vec<IssueRow> = sqlx::query_as(
            "SELECT v.name, f.number, i.category, i.state, i.due_on, b.due_on,
               (SELECT MIN(e.at) FROM issue_events e WHERE e.issue_id = i.id AND e.kind = 'acknowledged'
                 AND e.role = 'grid_member') FROM issues i
             JOIN areas v ON v.id = i.area_id LEFT JOIN assignments a ON a.subject_id = i.subject_id
             LEFT JOIN staff f ON f.id = a.staff_id LEFT JOIN duties d ON d.duty_key = 'acknowledge:' || i.id || '/grid_member'
             LEFT JOIN duty_groups b ON b.id = d.group_id WHERE i.state <> 'void' AND i.number LIKE $1",
        )
        .bind(format!("{}-%", plan.code))
        .fetch_all(&self.raw)
        .await
        .unwrap();
        let day = |at: i64| {
            let at = jiff::Timestamp::from_millisecond(at).unwrap();
            zoufang::clock::township_zone().to_datetime(at).date().to_string()
        };
        for (village, person, category, state, resolve_by, due_on, noted_at) in issues {
            let noted_on = noted_at.map(day);
            let resolved = matches!(state.as_str(), "resolved" | "closed");
            let overdue = resolve_by.is_some_and(|by| by < today.to_string());
            let late = due_on.as_ref().is_some_and(|due_on| *due_on < today.to_string());
            let counts = Counts {
                issues: 1,
                to_respond: i64::from(noted_on.is_some() || late),
                responded: i64::from(noted_on.zip(due_on).is_some_and(|(on, due_on)| on <= due_on)),
                resolved: i64::from(resolved),
                unclassified: i64::from(category.is_none()),
                late: i64::from(overdue && !resolved),
                ..Counts::default()
            };
            add(&village, person.as_ref(), category.as_ref(), counts);
        }
        let revisits: Vec<(String, Option<String>, i64)> = sqlx::query_as(
            "SELECT v.name, f.number, CASE WHEN d.state = 'met' THEN 1 ELSE 0 END FROM duties d
             JOIN residents r ON d.duty_key = 'revisit:' || r.id JOIN subjects s ON s.id = r.subject_id
             JOIN areas v ON v.id = s.area_id LEFT JOIN assignments a ON a.subject_id = s.id
             LEFT JOIN staff f ON f.id = a.staff_id WHERE d.state <> 'cancelled'",
        )
        .fetch_all(&self.raw)
        .await
        .unwrap();
        for (village, person, revisit_done) in revisits {
            let counts = Counts { to_revisit: 1, revisit_done, ..Counts::default() };
            add(&village, person.as_ref(), None, counts);
        }
        let mut last: BTreeMap<String, (String, Option<String>, String, String)> = BTreeMap::new();
        let answers: Vec<(String, String, Option<String>, String, String)> = sqlx::query_as(
            "SELECT w.resident_id, v.name, f.number, w.visited_on, w.satisfaction FROM visits w
             JOIN subjects s ON s.id = w.subject_id JOIN areas v ON v.id = s.area_id
             LEFT JOIN assignments a ON a.subject_id = s.id LEFT JOIN staff f ON f.id = a.staff_id
             WHERE w.kind = 'revisit' ORDER BY w.visited_on, w.id",
        )
        .fetch_all(&self.raw)
        .await
        .unwrap();
        for (resident, village, person, on, answer) in answers {
            last.insert(resident, (village, person, on, answer));
        }
        let mut of_departments = Vec::new();
        for (resident, (village, person, on, answer)) in last {
            if on < start {
                continue;
            }
            let satisfied = i64::from(answer != "dissatisfied");
            let counts = Counts { asked: 1, satisfied, ..Counts::default() };
            add(&village, person.as_ref(), None, counts);
            let categories: Vec<String> = sqlx::query_scalar(
                "SELECT DISTINCT category FROM issues WHERE resident_id = $1 AND category IS NOT NULL AND state <> 'void'",
            )
            .bind(resident)
            .fetch_all(&self.raw)
            .await
            .unwrap();
            of_departments.extend(categories.into_iter().map(|category| (category, counts)));
        }
        for (category, counts) in of_departments {
            let department = plan.departments.get(&Category::read(&category).unwrap());
            if let Some(department) = department {
                *lines.entry((By::Department, department.clone())).or_default() += counts;
            }
        }
        let mut total = Counts::default();
        for by in [By::Village, By::Person, By::Department] {
            let kept = store.figures_by(by).await.unwrap().into_iter();
            let kept: Vec<_> = kept.map(|line| (line.name, line.counts)).collect();
            let naive = lines.iter().filter(|((of, _), _)| *of == by);
            let naive: Vec<_> = naive.map(|((_, name), counts)| (name.clone(), *counts)).collect();
            assert_eq!(kept, naive, "after {}", self.happened);
            if by == By::Village {
                naive.iter().for_each(|(_, counts)| total += *counts);
            }
        }
        assert_eq!(store.counts().await.unwrap(), total);
    }
}

on_both!(whatever_happens_what_is_kept_is_what_is_counted, async |fixture: Fixture| {
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut town = Town::new(fixture, seed).await;
    for _ in 0..240 {
        town.step().await;
        if town.happened % 3 == 0 {
            town.check().await;
        }
    }
});

/// All that a view shows.
async fn read_all(store: &Store) {
    store.figures().await.unwrap();
    store.counts().await.unwrap();
    for by in [By::Village, By::Branch, By::Department, By::Person] {
        store.figures_by(by).await.unwrap();
    }
    store.lane_figures(0).await.unwrap();
    store.open_duties(date(2022, 4, 1)).await.unwrap();
    store.late_by_holder().await.unwrap();
    store.unknown_words().await.unwrap();
    store.closed_without_answer().await.unwrap();
    store.unreachable_count().await.unwrap();
}

on_both!(a_view_reads_nothing_but_what_is_kept, async |fixture: Fixture| {
    let mut town = Town::new(fixture, 7).await;
    for _ in 0..20 {
        town.step().await;
    }
    read_all(&town.fixture.store).await;
    // What isn't there can't be read through.
    for table in [
        "issues",
        "issue_events",
        "duties",
        "duty_groups",
        "visits",
        "residents",
        "subjects",
        "assignments",
        "outbox",
        "referrals",
        "referral_updates",
        "referral_numbers",
        "notices",
        "dead_addresses",
    ] {
        let away = format!("ALTER TABLE {table} RENAME TO {table}_away");
        sqlx::query(sqlx::AssertSqlSafe(away)).execute(&town.raw).await.unwrap();
    }
    read_all(&town.fixture.store).await;
});

on_both!(figures_that_went_wrong_are_found_and_put_right, async |fixture: Fixture| {
    let mut town = Town::new(fixture, 3).await;
    for _ in 0..30 {
        town.step().await;
    }
    let by_hand =
        "UPDATE tallies SET total = total + 2 WHERE name = 'subjects' AND dimension = 'area'";
    sqlx::query(by_hand).execute(&town.raw).await.unwrap();
    let lost = "DELETE FROM tallies WHERE dimension = 'duty_kind' AND of_id = 'spot_check'";
    sqlx::query(lost).execute(&town.raw).await.unwrap();
    let store = &town.fixture.store;
    let mut snapshot = store.snapshot().await.unwrap();
    let mends = snapshot.figure_mends().await.unwrap();
    let found = snapshot.recount().await.unwrap();
    snapshot.end().await.unwrap();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|found| found.to_string().starts_with("走访对象 区划 ")), "{found:?}");
    // What happens between finding and mending counts besides.
    let subject = "对象编号,对象类型,对象名称,所属村,地址\nH7,学校,小学,高桥村,\n";
    town.fixture.import("h7.csv", subject).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert!(tx.mend_figures(&found, mends).await.unwrap());
    tx.commit().await.unwrap();
    town.check().await;
    // Another doctor had found the same.
    let mut tx = store.begin().await.unwrap();
    assert!(!tx.mend_figures(&found, mends).await.unwrap());
    tx.commit().await.unwrap();
    town.check().await;
});

on_both!(a_record_of_an_earlier_version_is_counted_at_its_first_start, async |fixture: Fixture| {
    let mut town = Town::new(fixture, 5).await;
    for _ in 0..60 {
        town.step().await;
    }
    for older in ["DELETE FROM tallies", "DELETE FROM meta WHERE name = 'figures'"] {
        sqlx::query(older).execute(&town.raw).await.unwrap();
    }
    assert!(!town.fixture.store.recount().await.unwrap().is_empty());
    town.fixture.reopened().await;
    town.check().await;
});

fn some_date() -> impl Strategy<Value = Date> {
    (0..200_i64).prop_map(|days| date(2022, 3, 1) + days.days())
}

fn some_issue() -> impl Strategy<Value = CountedIssue> {
    let class = (0..3_usize, 0..7_usize).prop_map(|(level, category)| Class {
        level: Level::ALL[level],
        category: Category::ALL[category],
        urgency: Urgency::Normal,
    });
    let issue = (0..State::ALL.len(), proptest::option::of(class), any::<bool>());
    let note = proptest::option::of((some_date(), proptest::option::of(some_date())));
    let flags = any::<[bool; 3]>();
    (issue, note, proptest::option::of(some_date()), 0..3_usize, flags).prop_map(
        |((state, class, town_finished), note, due_on, place, flags)| CountedIssue {
            campaign: "C".to_owned(),
            area: ["a", "b", "c"][place].to_owned(),
            visitor: (place > 0).then(|| "v".to_owned()),
            issue: Issue { state: State::ALL[state], class, town_finished, ..Issue::default() },
            due_on,
            note: note.map(|(due_on, noted_on)| Note { due_on, noted_on }),
            reopened: flags[0],
            mediated: flags[1],
            agreed: flags[1] && flags[2],
        },
    )
}

fn some_resident() -> impl Strategy<Value = CountedResident> {
    let answer = proptest::option::of((some_date(), any::<bool>()));
    let revisit = proptest::option::of(any::<bool>());
    let all = (answer, proptest::option::of(some_date()), revisit, 0..7_usize, 0..3_usize);
    all.prop_map(|(answer, revisited, revisit, asked, place)| CountedResident {
        area: ["a", "b", "c"][place].to_owned(),
        visitor: (place > 0).then(|| "v".to_owned()),
        met: revisited,
        revisited,
        revisit,
        ended: revisited.filter(|_| revisit.is_none() && place == 1),
        answer,
        categories: Category::ALL[..asked].to_vec(),
    })
}

/// Things come, change and go: each history is of one kind.
fn changes_add_up<T: Counted + Clone>(history: &[(usize, Option<T>)]) {
    let mut now: HashMap<usize, T> = HashMap::new();
    let mut kept = Tally::default();
    for (which, after) in history {
        let before = match after {
            Some(thing) => now.insert(*which, thing.clone()),
            None => now.remove(which),
        };
        kept.change(before.as_ref(), after.as_ref());
    }
    let mut counted = Tally::default();
    counted.count(now.values(), 1);
    assert_eq!(kept.take(), counted.take());
}

fn history<S: Strategy>(of: S) -> impl Strategy<Value = Vec<(usize, Option<S::Value>)>> {
    proptest::collection::vec((0..4_usize, proptest::option::of(of)), 0..20)
}

proptest! {
    #[test]
    fn changes_of_issues_add_up(history in history(some_issue())) {
        changes_add_up(&history);
    }

    #[test]
    fn changes_of_residents_add_up(history in history(some_resident())) {
        changes_add_up(&history);
    }

    #[test]
    fn changes_of_entries_add_up(
        history in history((0..7_usize, any::<bool>(), any::<bool>(), 0..10_i64).prop_map(|(state, unknown, leased, minutes)| {
            let states = ["ready", "review", "handed", "held", "refused", "delivered", "cancelled"];
            let owed = CountedEntry::owed("lane", states[state], minutes * 60_000);
            CountedEntry { unknown, leased, ..owed }
        }))
    ) {
        changes_add_up(&history);
    }

    #[test]
    fn changes_of_the_rest_add_up(
        subjects in history((any::<bool>(), proptest::option::of(some_date())).prop_map(|(visited, ended)| {
            CountedSubject { area: "a".to_owned(), visitor: None, visited, ended }
        })),
        duties in history(some_date().prop_map(|due_on| CountedDuty { kind: DutyKind::Visit, due_on })),
        referrals in history(any::<bool>().prop_map(|unanswered| CountedReferral { state: "open".to_owned(), unanswered })),
        reaches in history(0..3_usize).prop_map(|all| all.into_iter().map(|(which, after)| {
            let reach = |kinds| Reach { addresses: AddressKind::ALL[..kinds].to_vec(), dead: vec!["sms".to_owned()] };
            (which, after.map(reach))
        }).collect::<Vec<_>>())
    ) {
        changes_add_up(&subjects);
        changes_add_up(&duties);
        changes_add_up(&referrals);
        changes_add_up(&reaches);
    }
}
