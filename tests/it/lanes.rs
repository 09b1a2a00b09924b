//! What a lane owes its receiver and its debts: one bad debt stops no other, a rate holds for all replicas together, what
//! concerns the wire takes real time in a rehearsal, and one number is one referral's.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use zoufang::app::deliveries::Deliveries;
use zoufang::clock::{Chance, Clock};
use zoufang::db::{Decision, Receipt, Store, StoreError};
use zoufang::delivery::{Attempt, Cause, GateState, Lane, LaneRules, LookUp, Outcome, Transport};
use zoufang::domain::delivery::{Entry, Settlement};

use crate::outbox::{LANE, owing};
use crate::support::{Fixture, claim, context, lane_rules, on_both, settle};

/// How a receiver treats one debt.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Treats {
    Takes,
    Forbids,
    /// Takes it only the second time: a mailbox behind a greylist.
    Greylists,
    /// Is to come back in a day.
    PutsOff,
    PanicsAtReading,
}

/// A receiver that counts what it gets and treats some debts badly.
#[derive(Clone)]
struct Receiver {
    sent: Arc<Mutex<Vec<String>>>,
    looked: Arc<Mutex<Vec<String>>>,
    treats: Arc<dyn Fn(&str) -> Treats + Send + Sync>,
    takes_time: Duration,
}

impl Receiver {
    fn new(treats: impl Fn(&str) -> Treats + Send + Sync + 'static) -> Receiver {
        Receiver {
            sent: Arc::default(),
            looked: Arc::default(),
            treats: Arc::new(treats),
            takes_time: Duration::ZERO,
        }
    }

    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }
}

struct One {
    receiver: Receiver,
    debt: String,
}

#[async_trait]
impl Transport for Receiver {
    async fn load(
        &self,
        entries: &[Entry],
    ) -> Result<HashMap<String, Box<dyn Attempt>>, StoreError> {
        let attempt = |entry: &Entry| {
            assert!(
                (self.treats)(&entry.debt_key) != Treats::PanicsAtReading,
                "a reading that panics"
            );
            let one = One { receiver: self.clone(), debt: entry.debt_key.clone() };
            (entry.target_id.clone(), Box::new(one) as Box<dyn Attempt>)
        };
        Ok(entries.iter().map(attempt).collect())
    }
}

#[async_trait]
impl Attempt for One {
    async fn send(&self) -> Outcome {
        let (sent, tried) = {
            let mut sent = self.receiver.sent.lock().unwrap();
            sent.push(self.debt.clone());
            (sent.len(), sent.iter().filter(|debt| **debt == self.debt).count())
        };
        let not_sent = |reason: &str, retry_after, cause| Outcome::NotSent {
            reason: reason.to_owned(),
            retry_after,
            cause,
        };
        tokio::time::sleep(self.receiver.takes_time).await;
        match (self.receiver.treats)(&self.debt) {
            Treats::Forbids => not_sent("HTTP 403", None, Cause::Thing),
            Treats::Greylists if tried < 2 => not_sent("mailbox: 451", None, Cause::Alone),
            Treats::PutsOff => {
                not_sent("HTTP 503", Some(Duration::from_secs(86_400)), Cause::Thing)
            }
            _ => Outcome::Delivered(Receipt { remote_id: Some(format!("P{sent}")), token: None }),
        }
    }

    async fn look(&self, _: &Entry) -> LookUp {
        self.receiver.looked.lock().unwrap().push(self.debt.clone());
        LookUp::Absent
    }
}

fn lane(store: &Store, clock: &Clock, receiver: &Receiver, rules: LaneRules, seed: u64) -> Lane {
    let outbox = Arc::new(Deliveries::new(store.clone()));
    let with = (clock.clone(), Chance::seeded(seed));
    Lane::new(LANE, outbox, Arc::new(receiver.clone()), with, rules, CancellationToken::new())
}

async fn keys(store: &Store) -> Vec<String> {
    let debts = store.debts(Some(LANE), None, 100).await.unwrap();
    debts.into_iter().map(|debt| debt.debt_key).collect()
}

on_both!(an_urgent_one_that_is_always_forbidden_stops_no_other, async |fixture: Fixture| {
    let (fixture, _server, daemon) = owing(fixture, 21, "").await;
    let (store, clock) = (&fixture.store, &fixture.clock);
    // 急 is every third: more of them are forbidden than open the breaker.
    let forbidden: Vec<String> = keys(store).await.into_iter().skip(2).step_by(3).take(4).collect();
    let bad = forbidden.clone();
    let treats = move |debt: &str| match bad.iter().any(|bad| bad == debt) {
        true => Treats::Forbids,
        false => Treats::Takes,
    };
    let receiver = Receiver::new(treats);
    let lane = lane(store, clock, &receiver, lane_rules(), 1);
    for _ in 0..20 {
        lane.drain().await.unwrap();
        clock.set(clock.now() + Duration::from_secs(20));
    }
    let delivered = store.debts(Some(LANE), Some("delivered"), 100).await.unwrap();
    assert_eq!(delivered.len(), 17, "the others arrive within minutes");
    let tried = |debt: &String| receiver.sent().iter().filter(|sent| *sent == debt).count();
    assert!(forbidden.iter().all(|debt| tried(debt) > 2), "and they are tried on");
    // What fails for itself is named, though others arrived since.
    let status = zoufang::web::status::Status::read(&daemon).await.unwrap();
    let named = |reason: &String| reason.contains("4 件发不出去") && reason.contains("403");
    let of_lane = status.lanes.iter().find(|lane| lane.name == LANE).unwrap();
    assert!(of_lane.failure.is_some() || status.reasons.iter().any(named), "{:?}", status.reasons);
});

on_both!(a_mailbox_of_ones_own_holds_up_no_other, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 40, "").await;
    let (store, clock) = (&fixture.store, &fixture.clock);
    let receiver = Receiver::new(|_| Treats::Greylists);
    let lane = lane(store, clock, &receiver, lane_rules(), 1);
    for _ in 0..20 {
        lane.drain().await.unwrap();
        assert!(!matches!(lane.gate(), GateState::Open { .. }), "the server is there");
        clock.set(clock.now() + Duration::from_secs(20));
    }
    assert_eq!(store.debts(Some(LANE), Some("delivered"), 100).await.unwrap().len(), 40);
});

on_both!(what_is_to_come_back_in_a_day_is_said, async |fixture: Fixture| {
    let (fixture, _server, daemon) = owing(fixture, 3, "").await;
    let (store, clock) = (&fixture.store, &fixture.clock);
    let key = keys(store).await[1].clone();
    let bad = key.clone();
    let receiver = Receiver::new(move |debt| match debt == bad {
        true => Treats::PutsOff,
        false => Treats::Takes,
    });
    let lane = lane(store, clock, &receiver, LaneRules { concurrency: 1, ..lane_rules() }, 1);
    for _ in 0..6 {
        lane.drain().await.unwrap();
        clock.set(clock.now() + Duration::from_secs(60));
    }
    assert_eq!(store.debts(Some(LANE), Some("delivered"), 100).await.unwrap().len(), 2);
    let status = zoufang::web::status::Status::read(&daemon).await.unwrap();
    let named = |reason: &String| reason.contains(&key) && reason.contains("503");
    let of_lane = status.lanes.iter().find(|lane| lane.name == LANE).unwrap();
    assert!(of_lane.failure.is_some() || status.reasons.iter().any(named), "{:?}", status.reasons);
});

on_both!(who_shows_that_the_receiver_is_back_is_not_always_the_same, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 12, "").await;
    let (store, clock) = (&fixture.store, &fixture.clock);
    let receiver = Receiver::new(|_| Treats::Forbids);
    let lane = lane(store, clock, &receiver, LaneRules { concurrency: 1, ..lane_rules() }, 1);
    lane.drain().await.unwrap();
    assert!(matches!(lane.gate(), GateState::Open { .. }));
    let first = receiver.sent().len();
    for _ in 0..4 {
        clock.set(clock.now() + Duration::from_secs(200));
        lane.drain().await.unwrap();
    }
    let mut probes = receiver.sent()[first..].to_vec();
    let count = probes.len();
    probes.sort();
    probes.dedup();
    assert_eq!((count, probes.len()), (4, 4), "each is another");
});

on_both!(one_that_panics_when_it_is_read_stops_no_other, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 6, "").await;
    let (store, clock) = (&fixture.store, &fixture.clock);
    let key = keys(store).await[2].clone();
    let bad = key.clone();
    let receiver = Receiver::new(move |debt| match debt == bad {
        true => Treats::PanicsAtReading,
        false => Treats::Takes,
    });
    lane(store, clock, &receiver, lane_rules(), 1).drain().await.unwrap();
    assert_eq!(store.debts(Some(LANE), Some("delivered"), 100).await.unwrap().len(), 5);
    let left = store.debt(&key).await.unwrap();
    assert!(left.last_error.unwrap().contains("读不出来"));
});

on_both!(a_rate_holds_for_all_replicas_together, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 90, "").await;
    let (store, clock) = (&fixture.store, &fixture.clock);
    let receiver = Receiver::new(|_| Treats::Takes);
    let rules = LaneRules { rate_per_minute: Some(30), ..lane_rules() };
    let replicas =
        [lane(store, clock, &receiver, rules.clone(), 1), lane(store, clock, &receiver, rules, 2)];
    for _ in 0..120 {
        for replica in &replicas {
            replica.drain().await.unwrap();
        }
        clock.set(clock.now() + Duration::from_millis(500));
    }
    let sent = receiver.sent().len();
    assert!((28..=31).contains(&sent), "{sent} in a minute, by two replicas at 30");
});

on_both!(a_number_is_one_referrals, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 4, "").await;
    let store = &fixture.store;
    let taken = claim(store, LANE, "one", 10, 60_000).await.unwrap();
    let delivered = |number: &str| {
        Settlement::Delivered(Receipt { remote_id: Some(number.to_owned()), token: None })
    };
    let first = vec![(taken[0].clone(), delivered("P1"))];
    settle(store, LANE, "one", &first).await.unwrap();
    // One number for two in one turn, and one that was another's before.
    let rest = vec![
        (taken[1].clone(), delivered("P2")),
        (taken[2].clone(), delivered("P2")),
        (taken[3].clone(), delivered("P1")),
    ];
    settle(store, LANE, "one", &rest).await.unwrap();
    let stands = async |entry: &Entry| store.debt(&entry.debt_key).await.unwrap();
    assert_eq!(stands(&taken[1]).await.state, "delivered");
    for entry in &taken[2..] {
        let held = stands(entry).await;
        assert_eq!((held.state.as_str(), held.unknown_since.is_some()), ("held", true));
        let reason = held.last_error.unwrap();
        assert!(reason.contains("编号 P") && reason.contains("CHD2022-"), "{reason}");
    }
    // Nor can a person give one away that the platform didn't give for it.
    let mut tx = store.begin().await.unwrap();
    let arrived = |number: &str| Decision::Arrived { remote_id: Some(number.to_owned()) };
    let refused = tx.decide_debt(&taken[3].debt_key, &arrived("P2"), "周正", "电话核实").await;
    assert!(refused.unwrap_err().to_string().contains("已经是"));
    tx.decide_debt(&taken[3].debt_key, &arrived("P3"), "周正", "电话核实").await.unwrap();
    tx.commit().await.unwrap();
});

/// A rehearsal at 3,600 times the speed: a second of the wire's is an hour of its clock.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_rehearsal_the_wire_takes_real_time() {
    let (fixture, _server, _daemon) = owing(Fixture::sqlite().await, 12, "").await;
    let clock = Clock::scaled(fixture.clock.now(), 3600.0);
    let context = context(clock.clone(), 7);
    let store = Store::open(&fixture.url, context).await.unwrap();
    let receiver = Receiver {
        takes_time: Duration::from_millis(600),
        ..Receiver::new(|debt| match debt.contains("000003") {
            true => Treats::Forbids,
            false => Treats::Takes,
        })
    };
    let rules = LaneRules { lease: Duration::from_secs(60), ..lane_rules() };
    let replicas = [
        Arc::new(lane(&store, &clock, &receiver, rules.clone(), 1)),
        Arc::new(lane(&store, &clock, &receiver, rules, 2)),
    ];
    let began = std::time::Instant::now();
    let all_went = || receiver.sent().iter().collect::<HashSet<_>>().len() == 12;
    while began.elapsed() < Duration::from_secs(4) || !all_went() {
        assert!(began.elapsed() < Duration::from_secs(120), "{:?}", receiver.sent());
        let [one, other] = replicas.clone();
        let (one, other) = tokio::join!(
            tokio::spawn(async move { one.drain().await }),
            tokio::spawn(async move { other.drain().await })
        );
        one.unwrap().unwrap();
        other.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (sent, took) = (receiver.sent(), began.elapsed().as_secs() as usize);
    let mut times: HashMap<&String, usize> = HashMap::new();
    sent.iter().for_each(|debt| *times.entry(debt).or_default() += 1);
    assert_eq!(times.len(), 12);
    for (debt, times) in times {
        // Within four seconds of the wire's one that is forbidden is tried once or twice, not for hours.
        let most = if debt.contains("000003") { 2 + took / 2 } else { 1 };
        assert!(times <= most, "{debt} was sent {times} times");
    }
    assert!(receiver.looked.lock().unwrap().is_empty(), "no lease ended in flight");
}
