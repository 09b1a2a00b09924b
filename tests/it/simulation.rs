//! Thousands of histories: a platform that fails in every way at chosen moments, a process that dies between any
//! two of its steps, people who void, override and reopen issues in the midst of it, a clock that is moved by hand. After
//! each history the platform must hold each debt once, the record must know it, and nothing was sent after it stopped being
//! owed. `SIMULATIONS=5000 cargo test --test it simulation::` runs more of them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use zoufang::app::deliveries::Deliveries;
use zoufang::clock::{Chance, Clock};
use zoufang::db::{Debt, Decision, Dispatch, Message, Receipt, Store};
use zoufang::delivery::{Cause, Lane, LaneRules, OnUnknown, Outcome};
use zoufang::domain::delivery::search::{SearchResult, Sought};
use zoufang::domain::issue::{Category, Event, Level, State, Urgency};
use zoufang::domain::referral::reference;
use zoufang::platform::{
    Answers, Looks, NoContact, Platform, PlatformTransport, ServiceGap, Unanswered,
};

use crate::support::{Fixture, VISITS, lane_rules, list_lag, until_waking};

const LANE: &str = "ehushanying";
/// Histories that share one township, each with issues of its own.
const HISTORIES_A_TOWNSHIP: usize = 25;
const SETTLE_AFTER: Duration = Duration::from_secs(300);
/// What is said of one that the platform refused when it was sent again.
const REFUSED_AGAIN: &str = "重发时对方没有收";

fn histories() -> usize {
    std::env::var("SIMULATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(100)
}

/// What the platform offers to one who doesn't know whether something arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Offers {
    RepeatedKey,
    SearchByReference,
    /// Only what arrived between two instants, by its own clock, which is some minutes off.
    TimeWindow,
    Nothing,
}

struct Simulated {
    offers: Offers,
    clock: Clock,
    chance: Chance,
    store: Store,
    inner: Mutex<Inner>,
    crashed: Notify,
}

#[derive(Default)]
struct Inner {
    /// What the platform holds: reference, number, and from when on it's seen.
    held: Vec<(String, String, Timestamp)>,
    /// Steps until the process dies.
    fuse: Option<usize>,
    calm: bool,
    sent: usize,
    /// Which life it is, counted; and whether it makes one attempt at a time.
    life: usize,
    one_by_one: bool,
    /// What people withdrew, and in which life it could still be on its way past us: none where it couldn't.
    withdrawn: HashMap<String, Option<usize>>,
    /// What was sent though it had been withdrawn before.
    sent_late: Vec<String>,
    /// What was told, by its reference, and of which request.
    told: HashMap<String, (String, String)>,
}

/// How far the platform's clock is from ours.
const SKEW: Duration = Duration::from_secs(240);

impl Simulated {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// One step of the process's way; it may be its last.
    async fn step(&self) {
        let dies = {
            let mut inner = self.inner();
            match inner.fuse.as_mut() {
                Some(0) => true,
                Some(fuse) => {
                    *fuse -= 1;
                    false
                }
                None => false,
            }
        };
        if dies {
            self.crashed.notify_one();
            std::future::pending::<()>().await;
        }
        if !self.is_calm() && self.chance.fraction() < 0.06 {
            self.withdraw().await;
        }
    }

    /// A person voids or overrides an issue that waits for the platform, wherever its debt is on its way.
    async fn withdraw(&self) {
        let waiting = self.store.issues_in(State::Queued, 1000).await.unwrap();
        let Some(card) = waiting.get(self.chance.below(waiting.len())) else { return };
        let reason = "群众撤回".to_owned();
        let event = match self.chance.fraction() {
            x if x < 0.6 => Event::Voided { reason },
            _ => Event::PlatformOverridden { by: "周正".to_owned(), reason },
        };
        let mut tx = self.store.begin().await.unwrap();
        // It may have arrived since it was read.
        if tx.issue(&card.id).await.unwrap() != card.issue {
            return;
        }
        tx.issue_event(&card.id, &event, "周正").await.unwrap();
        tx.commit().await.unwrap();
        let mut inner = self.inner();
        // Others that were begun at the same time may be on the wire already.
        let on_the_wire = (!inner.one_by_one).then_some(inner.life);
        let reference = reference(&card.number, card.issue.round);
        inner.withdrawn.insert(reference, on_the_wire);
    }

    fn note_sending(&self, reference: &str) {
        let mut inner = self.inner();
        inner.sent += 1;
        let life = inner.life;
        if inner.withdrawn.get(reference).is_some_and(|on_the_wire| *on_the_wire != Some(life)) {
            inner.sent_late.push(reference.to_owned());
        }
    }

    fn store(&self, reference: &str, after: Duration) -> String {
        let mut inner = self.inner();
        let known = inner.held.iter().find(|(known, ..)| known == reference);
        if let (Offers::RepeatedKey, Some((_, number, _))) = (self.offers, known) {
            return number.clone();
        }
        let number = format!("P{}", inner.held.len());
        inner.held.push((reference.to_owned(), number.clone(), self.clock.now() + after));
        number
    }

    /// Under which number it's there, as one reads who looks at the platform.
    fn number_at(&self, reference: &str) -> Option<String> {
        let inner = self.inner();
        let there = inner.held.iter().find(|(known, ..)| known == reference);
        there.map(|(_, number, _)| number.clone())
    }

    fn is_calm(&self) -> bool {
        self.inner().calm
    }
}

fn unknown() -> Outcome {
    Outcome::Unknown { reason: "cut_off".to_owned() }
}

#[async_trait]
impl Platform for Simulated {
    fn looks(&self) -> Looks {
        match self.offers {
            Offers::RepeatedKey => Looks::RepeatedKey { searches: false },
            Offers::SearchByReference | Offers::TimeWindow => Looks::Search,
            Offers::Nothing => Looks::Nothing,
        }
    }

    fn looks_for_messages(&self) -> Option<Looks> {
        Some(Looks::RepeatedKey { searches: false })
    }

    async fn append(&self, message: &Message) -> Outcome {
        self.step().await;
        let fate = if self.is_calm() { 1.0 } else { self.chance.fraction() };
        if fate > 0.1 {
            let told = (message.remote_id.clone(), message.text.clone());
            self.inner().told.insert(message.reference.clone(), told);
        }
        self.step().await;
        if fate < 0.2 { unknown() } else { Outcome::Delivered(Receipt::default()) }
    }

    async fn submit(&self, dispatch: &Dispatch) -> Outcome {
        self.note_sending(&dispatch.reference);
        self.step().await;
        let reference = &dispatch.reference;
        let (fate, late) = (self.chance.fraction(), self.chance.fraction());
        let fate = if self.is_calm() { 1.0 } else { fate };
        let outcome = match fate {
            x if x < 0.1 => {
                let retry_after = (late < 0.5).then(|| Duration::from_secs(90));
                Outcome::NotSent { reason: "busy".to_owned(), retry_after, cause: Cause::Thing }
            }
            x if x < 0.2 => unknown(),
            x if x < 0.3 => {
                self.store(reference, Duration::ZERO);
                unknown()
            }
            // It went into a queue of the platform's own, and is seen within the time that we wait.
            x if x < 0.4 => {
                self.store(reference, SETTLE_AFTER.mul_f64(late * 0.9));
                unknown()
            }
            x if x < 0.45 => Outcome::Refused { reason: "情况不明".to_owned() },
            _ => {
                let remote_id = Some(self.store(reference, Duration::ZERO));
                Outcome::Delivered(Receipt { remote_id, token: None })
            }
        };
        self.step().await;
        outcome
    }

    async fn find(&self, sought: &Sought) -> Result<SearchResult, NoContact> {
        let Sought { subject, from, to, .. } = sought;
        let (reference, from, to) = (&subject.reference, *from, *to);
        self.step().await;
        if !self.is_calm() && self.chance.fraction() < 0.2 {
            return Err(NoContact::because("timeout".to_owned()));
        }
        let now = self.clock.now();
        let found = {
            let inner = self.inner();
            let seen = |(_, _, at): &&(String, String, Timestamp)| *at <= now;
            let within = |at: Timestamp| {
                let stamped = at + SKEW;
                self.offers != Offers::TimeWindow || (from <= stamped && stamped <= to)
            };
            inner
                .held
                .iter()
                .filter(seen)
                .find(|(known, _, at)| known == reference && within(*at))
                .map(|(_, number, _)| number.clone())
        };
        self.step().await;
        Ok(match found {
            Some(number) => SearchResult::Found(Receipt { remote_id: Some(number), token: None }),
            None => SearchResult::Absent,
        })
    }

    async fn fetch(&self, _: &[String]) -> Result<Answers, Unanswered> {
        Ok(Answers::default())
    }

    async fn number_of(&self, _: &str) -> Result<Option<String>, Unanswered> {
        Ok(None)
    }

    async fn service_gaps(&self) -> Result<Vec<ServiceGap>, NoContact> {
        Ok(Vec::new())
    }
}

/// When a process dies.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// On its way to the platform or back, after so many steps.
    AtPlatform(usize),
    /// Wherever it waits, for the record or for an attempt, after it was woken so many times.
    AtWaking(usize),
}

struct Town {
    fixture: Fixture,
    chance: Chance,
    written: usize,
}

impl Town {
    async fn new(seed: u64) -> Town {
        let fixture = Fixture::sqlite().await.within(|context| context.messages = true).await;
        let fixture = fixture.township().await;
        fixture.at(4, 20, 9);
        Town { fixture, chance: Chance::seeded(seed), written: 0 }
    }

    fn pass(&self, longest: Duration) {
        let span = longest.mul_f64(self.chance.fraction());
        self.fixture.clock.set(self.fixture.clock.now() + span + Duration::from_millis(1));
    }

    async fn owe(&mut self, issues: usize) {
        let lines: String = (0..issues)
            .map(|n| {
                let urgency = ["急", "一般", "长期"][n % 3];
                format!(
                    "\n2022-04-20,Z6,H1,王建国,,第{}件,有,市直,其他,{urgency}",
                    self.written + n
                )
            })
            .collect();
        self.written += issues;
        self.fixture.import("v.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    }

    /// The centre sends back what was refused.
    async fn resubmit(&self) {
        let store = &self.fixture.store;
        for card in store.issues_in(State::Returned, 1000).await.unwrap() {
            let class = Event::Classified {
                level: Level::City,
                category: Category::Other,
                urgency: Urgency::Normal,
            };
            let mut tx = store.begin().await.unwrap();
            tx.issue_event(&card.id, &class, "服务中心").await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    /// A person looks at the platform for what it refused when it was sent again: whether the attempt before is there
    /// nobody else can know.
    async fn decide(&self, platform: &Simulated) {
        let store = &self.fixture.store;
        for debt in store.debts(Some(LANE), Some("held"), 1000).await.unwrap() {
            let asks = debt.last_error.as_deref().is_some_and(|why| why.contains(REFUSED_AGAIN));
            let Some(reference) = debt.debt_key.strip_prefix("referral:").filter(|_| asks) else {
                continue;
            };
            let decision = match platform.number_at(reference) {
                Some(number) => Decision::Arrived { remote_id: Some(number) },
                None => Decision::Absent,
            };
            let mut tx = store.begin().await.unwrap();
            tx.decide_debt(&debt.debt_key, &decision, "周正", "在平台上核实").await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    /// Some of what was voided or declared done wasn't.
    async fn reopen(&self) {
        let store = &self.fixture.store;
        for state in [State::Void, State::Resolved] {
            for card in store.issues_in(state, 1000).await.unwrap() {
                if self.chance.fraction() < 0.3 {
                    let again = Event::Reopened { reason: "未解决".to_owned() };
                    let mut tx = store.begin().await.unwrap();
                    tx.issue_event(&card.id, &again, "周正").await.unwrap();
                    tx.commit().await.unwrap();
                }
            }
        }
    }

    fn lane(&self, platform: &Arc<Simulated>, on_unknown: OnUnknown) -> Lane {
        let concurrency = 1 + self.chance.below(4);
        platform.inner().one_by_one = concurrency == 1;
        let rules = LaneRules {
            concurrency,
            settle_after: SETTLE_AFTER,
            retry_cap: Duration::from_secs(600),
            on_unknown,
            ..lane_rules()
        };
        let store = self.fixture.store.clone();
        let platform: Arc<dyn Platform> = Arc::clone(platform) as _;
        let transport =
            Arc::new(PlatformTransport::new(store.clone(), platform, 2 * SKEW, list_lag()));
        let with = (store.context().clock.clone(), store.context().chance.clone());
        let outbox = Arc::new(Deliveries::new(store));
        Lane::new(LANE, outbox, transport, with, rules, CancellationToken::new())
    }

    /// One life of the process: it delivers until nothing is due, or dies on the way. What a transaction
    /// had begun when it died is either whole or not there.
    async fn live(&self, platform: &Arc<Simulated>, on_unknown: OnUnknown, death: Option<Death>) {
        platform.inner().fuse = match death {
            Some(Death::AtPlatform(steps)) => Some(steps),
            _ => None,
        };
        let wakings = match death {
            Some(Death::AtWaking(last)) => last,
            _ => usize::MAX,
        };
        let lane = self.lane(platform, on_unknown);
        platform.inner().life += 1;
        tokio::select! {
            drained = until_waking(lane.drain(), wakings) => {
                if let Some(drained) = drained { drained.unwrap(); }
            }
            () = platform.crashed.notified() => {}
        }
        platform.inner().fuse = None;
        self.fixture.store.begin().await.unwrap().rollback().await.unwrap();
    }

    fn death(&self) -> Option<Death> {
        match self.chance.fraction() {
            x if x < 0.35 => Some(Death::AtPlatform(self.chance.below(12))),
            x if x < 0.7 => Some(Death::AtWaking(1 + self.chance.below(20))),
            _ => None,
        }
    }

    async fn history(&mut self, platform: &Arc<Simulated>, on_unknown: OnUnknown) {
        let lives = 2 + self.chance.below(5);
        for _ in 0..lives {
            let issues = self.chance.below(5);
            self.owe(issues).await;
            let death = self.death();
            self.live(platform, on_unknown, death).await;
            // Nobody is at work: what is withdrawn now isn't on the wire.
            platform.inner().one_by_one = true;
            for _ in 0..self.chance.below(3) {
                platform.withdraw().await;
            }
            self.reopen().await;
            self.resubmit().await;
            self.decide(platform).await;
            self.pass(Duration::from_secs(900));
        }
        platform.inner().calm = true;
        for _ in 0..60 {
            self.pass(Duration::from_secs(1800));
            self.resubmit().await;
            self.decide(platform).await;
            self.live(platform, on_unknown, None).await;
        }
        platform.inner().calm = false;
    }
}

/// What came of many histories.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    debts: usize,
    lost: usize,
    duplicated: usize,
    held: usize,
    not_known: usize,
    submissions: usize,
    withdrawn: usize,
    /// Of these, what was on its way and arrived.
    arrived_late: usize,
    /// Sent after it was withdrawn; called cancelled and yet there; there, and the platform not told; called delivered
    /// without a word of it; never settled.
    sent_late: usize,
    cancelled_but_there: usize,
    not_told: usize,
    without_a_word: usize,
    unsettled: usize,
}

impl Tally {
    /// What was withdrawn, against what the platform holds.
    fn count_withdrawn(&mut self, debts: &[Debt], inner: &Inner) {
        let there: HashMap<&str, &str> =
            inner.held.iter().map(|(reference, number, _)| (&**reference, &**number)).collect();
        self.sent_late += inner.sent_late.len();
        for debt in debts.iter().filter(|debt| debt.withdrawn.is_some()) {
            let Some(reference) = debt.debt_key.strip_prefix("referral:") else { continue };
            self.withdrawn += 1;
            let number = there.get(reference);
            match debt.state.as_str() {
                "cancelled" => self.cancelled_but_there += usize::from(number.is_some()),
                "delivered" => {
                    self.arrived_late += 1;
                    let told = inner.told.values().any(|(remote_id, text)| {
                        Some(&remote_id.as_str()) == number && text.starts_with("不再需要")
                    });
                    self.not_told += usize::from(!told);
                    let said =
                        debt.last_error.as_deref().is_some_and(|error| error.contains("已收到"));
                    self.without_a_word += usize::from(!said);
                }
                "held" => {}
                _ => self.unsettled += 1,
            }
        }
    }

    /// What must be nothing, whatever the platform offers.
    fn wrong(&self) -> [usize; 5] {
        [
            self.sent_late,
            self.cancelled_but_there,
            self.not_told,
            self.without_a_word,
            self.unsettled,
        ]
    }
}

async fn simulate(offers: Offers, on_unknown: OnUnknown) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..histories().div_ceil(HISTORIES_A_TOWNSHIP) {
        let mut town = Town::new(seed as u64).await;
        let platform = Arc::new(Simulated {
            offers,
            clock: town.fixture.clock.clone(),
            chance: Chance::seeded(seed as u64 ^ 0x5eed),
            store: town.fixture.store.clone(),
            inner: Mutex::default(),
            crashed: Notify::new(),
        });
        for _ in 0..HISTORIES_A_TOWNSHIP {
            town.history(&platform, on_unknown).await;
        }
        let store = &town.fixture.store;
        let mut all = store.debts(Some(LANE), None, 100_000).await.unwrap();
        for state in ["delivered", "cancelled"] {
            all.extend(store.debts(Some(LANE), Some(state), 100_000).await.unwrap());
        }
        let held: Vec<&Debt> = all.iter().filter(|debt| debt.state == "held").collect();
        tally.held += held.iter().filter(|debt| debt.withdrawn.is_none()).count();
        // What isn't owed and can't be asked about: a person looks.
        let left: HashSet<&str> = held
            .iter()
            .filter(|debt| debt.withdrawn.is_some())
            .filter_map(|debt| debt.debt_key.strip_prefix("referral:"))
            .collect();
        let inner = platform.inner();
        tally.count_withdrawn(&all, &inner);
        let mut numbers: HashMap<&str, Vec<&str>> = HashMap::new();
        for (reference, number, _) in &inner.held {
            numbers.entry(reference).or_default().push(number);
        }
        tally.submissions += inner.sent;
        tally.duplicated += inner.held.len() - numbers.len();
        for (reference, remote_id) in debts(&town) {
            tally.debts += 1;
            if left.contains(reference.as_str()) {
                continue;
            }
            match numbers.get(reference.as_str()) {
                None => tally.lost += 1,
                Some(there) => {
                    let knows = remote_id.as_deref().is_some_and(|id| there.contains(&id));
                    tally.not_known += usize::from(!knows);
                }
            }
        }
    }
    tally
}

fn debts(town: &Town) -> Vec<(String, Option<String>)> {
    let store = town.fixture.store.clone();
    tokio::task::block_in_place(|| {
        tokio::runtime::Handle::current()
            .block_on(async move { store.platform_debts().await.unwrap() })
    })
}

async fn exactly_once(offers: Offers) {
    let tally = simulate(offers, OnUnknown::Hold).await;
    println!("{offers:?}: {tally:?}");
    assert!(tally.debts > 100 && tally.submissions > tally.debts, "{tally:?}");
    let wrong = (tally.lost, tally.duplicated, tally.held, tally.not_known);
    assert_eq!(wrong, (0, 0, 0, 0), "{tally:?}");
    assert!(tally.withdrawn > tally.arrived_late && tally.arrived_late > 0, "{tally:?}");
    assert_eq!(tally.wrong(), [0; 5], "{tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_once_where_a_repeated_key_is_known() {
    exactly_once(Offers::RepeatedKey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_once_where_the_reference_can_be_searched() {
    exactly_once(Offers::SearchByReference).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_once_where_a_window_of_time_can_be_read() {
    exactly_once(Offers::TimeWindow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_known_it_is_held_never_doubled() {
    let tally = simulate(Offers::Nothing, OnUnknown::Hold).await;
    println!("hold: {tally:?}");
    assert_eq!(tally.wrong(), [0; 5], "{tally:?}");
    assert_eq!(tally.duplicated, 0, "{tally:?}");
    assert!(tally.held > 0 && tally.lost <= tally.held, "what isn't there is held: {tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_known_and_so_told_it_is_sent_again_never_lost() {
    let tally = simulate(Offers::Nothing, OnUnknown::Resend).await;
    println!("resend: {tally:?}");
    assert_eq!(tally.wrong(), [0; 5], "{tally:?}");
    assert_eq!((tally.lost, tally.held), (0, 0), "{tally:?}");
    assert!(tally.duplicated > 0, "a test of nothing: {tally:?}");
}
