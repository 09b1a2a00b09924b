//! Histories over kinds of platform, and pairs of them, drawn by seed: the real adapter over HTTP against a sandbox that has
//! the habits of real platforms and fails besides, others who submit to it too, a process that dies between any two of its
//! steps. Wherever anything can be asked, each debt is there once, its number is known, and nothing counts as done that the
//! platform hasn't closed; where nothing can, it's held, and each one that is held is named with its reason.
//! `ZOO=1000 cargo test --test it zoo:: -- --nocapture` runs more of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use zoufang::app::deliveries::Deliveries;
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::platform;
use zoufang::db::Debt;
use zoufang::delivery::{Lane, LaneRules};
use zoufang::domain::issue::State;
use zoufang::domain::referral::reference;
use zoufang::platform::{Platform, PlatformTransport, sweep};
use zoufang::sandbox::{Faults, PROFILES, Profile, Sandbox};
use zoufang::settings::Settings;

use crate::support::kinds::{Kinds, configuration, description, telling};
use crate::support::{Fixture, VISITS, client, lane_rules, list_lag, until_waking};

const LANE: &str = "ehushanying";
const SETTLE_AFTER: Duration = Duration::from_secs(300);
const FAULTS: &str = "reset-before=0.1,reset-after=0.2,500=0.2,503=0.1,duplicate=0.2,reorder=0.2";

/// Histories; some where it isn't told otherwise.
fn histories() -> u64 {
    std::env::var("ZOO").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
}

/// A township, a platform of some kinds, and what stands between them.
struct Town {
    fixture: Fixture,
    sandbox: Sandbox,
    platform: Arc<dyn Platform>,
    endpoint: String,
    chance: Chance,
    owed: usize,
    others: usize,
    _stop: DropGuard,
}

impl Town {
    async fn new(fixture: Fixture, kinds: &str, seed: u64) -> Town {
        let fixture = fixture.township().await;
        fixture.at(4, 20, 9);
        let behaviour = Profile::read(kinds).unwrap();
        let faults = Faults::read(FAULTS).unwrap();
        let sandbox = Sandbox::like(fixture.clock.clone(), seed, faults, behaviour);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (stop, serving) = (CancellationToken::new(), sandbox.clone());
        let stopped = stop.clone();
        tokio::spawn(async move { serving.serve(listener, stopped).await });
        let chance = Chance::seeded(seed);
        let platform = adapter(&endpoint, kinds, &fixture.clock, &chance);
        Town {
            fixture,
            sandbox,
            platform,
            endpoint,
            chance,
            owed: 0,
            others: 0,
            _stop: stop.drop_guard(),
        }
    }

    fn pass(&self, span: Duration) {
        self.fixture.clock.set(self.fixture.clock.now() + span);
    }

    async fn owe(&mut self, issues: usize) {
        let lines: String = (0..issues)
            .map(|n| {
                let text = format!("第{}件路灯<东&西>不亮", self.owed + n);
                format!("\n2022-04-20,Z6,H1,王建国,,{text},有,市直,其他,急")
            })
            .collect();
        self.owed += issues;
        self.fixture.import("v.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    }

    /// What others submit meanwhile pushes ours down every list.
    async fn others(&mut self, count: usize) {
        self.others += count;
        for place in 0..count {
            let text = format!("别处的事{}-{place}", self.sandbox.ledger().given);
            let form = [
                ("service_code", "other"),
                ("address_string", "别处"),
                ("api_key", "k"),
                ("attribute[easting]", "1"),
                ("attribute[northing]", "1"),
                ("attribute[fixmystreet_id]", "1"),
                ("description", &text),
            ];
            let request = client().post(format!("{}/requests.json", self.endpoint)).form(&form);
            drop(request.send().await);
            self.pass(Duration::from_secs(self.chance.below(20) as u64));
        }
    }

    fn lane(&self) -> Lane {
        let rules = LaneRules {
            concurrency: 1 + self.chance.below(4),
            settle_after: SETTLE_AFTER,
            retry_cap: Duration::from_secs(600),
            breaker_failures: 5,
            ..lane_rules()
        };
        let store = self.fixture.store.clone();
        let platform = Arc::clone(&self.platform);
        let skew = Duration::from_secs(600);
        let transport = Arc::new(PlatformTransport::new(store.clone(), platform, skew, list_lag()));
        let with = (store.context().clock.clone(), store.context().chance.clone());
        Lane::new(
            LANE,
            Arc::new(Deliveries::new(store)),
            transport,
            with,
            rules,
            CancellationToken::new(),
        )
    }

    /// One life of the process: it delivers until nothing is due, or dies on the way.
    async fn live(&self, wakings: usize) {
        if let Some(drained) = until_waking(self.lane().drain(), wakings).await {
            drained.unwrap();
        }
        self.fixture.store.begin().await.unwrap().rollback().await.unwrap();
    }

    /// A first referral that goes well and has its number: without anything that is known to be there, no platform's silence
    /// proves anything, and all that isn't known waits for a person.
    async fn begin_well(&mut self) {
        self.sandbox.calm(true);
        self.owe(1).await;
        for _ in 0..3 {
            self.live(usize::MAX).await;
            self.pass(Duration::from_secs(3600));
        }
        self.pass(Duration::from_secs(3 * 86_400));
        drop(sweep(&self.fixture.store, self.platform.as_ref(), 20).await);
        self.sandbox.calm(false);
    }

    async fn history(&mut self) {
        self.begin_well().await;
        for _ in 0..3 {
            let (issues, others) = (1 + self.chance.below(4), self.chance.below(45));
            self.owe(issues).await;
            let dies = self.chance.fraction() < 0.5;
            let wakings = if dies { 1 + self.chance.below(60) } else { usize::MAX };
            self.live(wakings).await;
            self.others(others).await;
            self.pass(Duration::from_secs(self.chance.below(900) as u64));
        }
        self.sandbox.calm(true);
        for _ in 0..30 {
            self.pass(Duration::from_secs(1800));
            self.live(usize::MAX).await;
        }
        // A month on, whatever was going to be closed is.
        for _ in 0..4 {
            self.pass(Duration::from_secs(10 * 86_400));
            drop(sweep(&self.fixture.store, self.platform.as_ref(), 20).await);
        }
    }

    async fn tally(&self) -> Tally {
        let store = &self.fixture.store;
        let mut tally = Tally::default();
        let held: HashMap<String, Debt> = store
            .debts(Some(LANE), None, 10_000)
            .await
            .unwrap()
            .into_iter()
            .filter_map(|debt| Some((debt.debt_key.strip_prefix("referral:")?.to_owned(), debt)))
            .collect();
        let requests = self.sandbox.ledger().requests.clone();
        for (reference, number) in store.platform_debts().await.unwrap() {
            tally.debts += 1;
            let mark = format!("[{reference}]");
            let copies: Vec<&str> = requests
                .iter()
                .filter(|request| request.form["description"].contains(&mark))
                .map(|request| request.service_request_id.as_str())
                .collect();
            tally.doubled += copies.len().saturating_sub(1);
            match held.get(&reference) {
                Some(Debt { last_error: Some(why), state, .. }) => {
                    tally.held += 1;
                    println!("{reference} is {state}: {why}");
                }
                Some(_) => tally.silent += 1,
                None if copies.is_empty() => tally.lost += 1,
                None => {
                    let known = number.as_deref().is_some_and(|number| copies.contains(&number));
                    tally.unknown += usize::from(!known);
                }
            }
        }
        for state in [State::Resolved, State::Closed] {
            for card in store.issues_in(state, 10_000).await.unwrap() {
                let mark = format!("[{}]", reference(&card.number, card.issue.round));
                let now = self.fixture.clock.now();
                let closed = requests.iter().any(|request| {
                    request.form["description"].contains(&mark)
                        && request.steps_until(now).iter().any(|step| step.word == "closed")
                });
                tally.wrongly_closed += usize::from(!closed);
                tally.closed += usize::from(closed);
            }
        }
        for card in store.issues_in(State::Returned, 10_000).await.unwrap() {
            let round = card.issue.round.max(2) - 1;
            for round in [round, card.issue.round] {
                let mark = format!("[{}]", reference(&card.number, round));
                let there = requests.iter().any(|request| {
                    request.form["description"].contains(&mark)
                        && !request.course.iter().any(|step| step.word == "rejected")
                });
                tally.wrongly_refused += usize::from(there);
            }
        }
        tally.others = self.others;
        tally.asked = self.sandbox.ledger().asked;
        tally.given = self.sandbox.ledger().given;
        tally
    }
}

/// The adapter by which a township speaks with a platform of these kinds: one of ours, in either form.
fn adapter(endpoint: &str, kinds: &str, clock: &Clock, chance: &Chance) -> Arc<dyn Platform> {
    let begin = format!("[platform]\nendpoint = '{endpoint}'\ntimeout = '5s'\n");
    let settings = |text: String| Settings::from_text(&text, "zoo").unwrap();
    if chance.fraction() < 0.4 {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), description(kinds)).unwrap();
        let path = file.path().display();
        let told = telling(kinds);
        let text = format!("{begin}adapter = 'rest'\nfile = '{path}'\napi_key = 'k'\n{told}");
        let chance = Chance::seeded(1);
        return platform(&settings(text), clock, &chance).unwrap().unwrap();
    }
    let format = ["json", "xml"][chance.below(2)];
    let text = format!("{begin}adapter = 'open311'\nformat = '{format}'\n{}", configuration(kinds));
    platform(&settings(text), clock, &Chance::seeded(1)).unwrap().unwrap()
}

/// What came of histories.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    debts: usize,
    doubled: usize,
    lost: usize,
    wrongly_closed: usize,
    /// Called returned by the platform, and it's there.
    wrongly_refused: usize,
    /// Delivered, and the record doesn't know its number; not delivered, and nothing says why.
    unknown: usize,
    silent: usize,
    held: usize,
    closed: usize,
    /// Questions and submissions that the platform had, and how many of these others made.
    asked: usize,
    given: usize,
    others: usize,
}

impl Tally {
    fn requests_per_debt(&self) -> usize {
        (self.asked + self.given - self.others) / self.debts.max(1)
    }

    fn add(&mut self, other: Tally) {
        self.debts += other.debts;
        self.doubled += other.doubled;
        self.lost += other.lost;
        self.wrongly_closed += other.wrongly_closed;
        self.unknown += other.unknown;
        self.silent += other.silent;
        self.held += other.held;
        self.closed += other.closed;
        self.asked += other.asked;
        self.given += other.given;
        self.others += other.others;
        self.wrongly_refused += other.wrongly_refused;
    }
}

async fn live_through(fixture: Fixture, kinds: &str, seed: u64) -> Tally {
    let mut town = Town::new(fixture, kinds, seed).await;
    town.history().await;
    town.tally().await
}

/// Histories of each seed from `first` on, by steps of two.
async fn each_once(first: u64, postgres: bool) {
    let mut sum = Tally::default();
    let only = std::env::var("ZOO_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let all = (first..histories()).step_by(2);
    for seed in all.filter(|seed| only.is_none_or(|only| only == *seed)) {
        let fixture = match postgres {
            false => Fixture::sqlite().await,
            true => match Fixture::postgres().await {
                Some(fixture) => fixture,
                None => return,
            },
        };
        let kinds = Kinds::drawn(seed);
        let names = kinds.names();
        let tally = live_through(fixture, &names, seed).await;
        let wrong = [tally.doubled, tally.lost, tally.wrongly_closed, tally.wrongly_refused];
        assert_eq!(wrong, [0; 4], "seed {seed}, {names}: {tally:?}");
        assert_eq!((tally.unknown, tally.silent), (0, 0), "seed {seed}, {names}: {tally:?}");
        if !kinds.are_blind() {
            assert_eq!(tally.held, 0, "seed {seed}, {names}: {tally:?}");
        }
        // A look asks no more than 200 times, and what can't be proved is looked for again until `prove_within`.
        let most = if kinds.are_blind() { 2_000 } else { 100 };
        assert!(tally.requests_per_debt() < most, "seed {seed}, {names}: {tally:?}");
        sum.add(tally);
    }
    println!("{}: {sum:?}", if postgres { "PostgreSQL" } else { "SQLite" });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_once_whatever_the_kind_sqlite() {
    each_once(0, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_once_whatever_the_kind_postgres() {
    each_once(1, true).await;
}

/// `ZOO=20 KINDS=newest cargo test --test it zoo::survey -- --ignored --nocapture`: what comes of each kind alone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a table for people, which asserts nothing"]
async fn survey() {
    let wanted = std::env::var("KINDS").unwrap_or_default();
    for profile in PROFILES.iter().filter(|profile| profile.name.contains(&wanted)) {
        let mut sum = Tally::default();
        for seed in 0..histories() {
            sum.add(live_through(Fixture::sqlite().await, profile.name, seed).await);
        }
        println!("{}: {sum:?}", profile.name);
    }
}
