//! Deliveries when things go wrong on our own side: a turn that isn't kept, or whose answer is lost, an attempt that
//! panics, an end that the record can't take; and what stops being owed, at each point of an attempt's life.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use zoufang::app::deliveries::{Deliveries, Ended, Outbox};
use zoufang::clock::Chance;
use zoufang::db::{Decision, Receipt, StoreError};
use zoufang::delivery::{Attempt, Lane, LaneRules, LookUp, Outcome, Transport};
use zoufang::domain::delivery::{Claim, Entry, Settlement, Withdrawal};
use zoufang::domain::issue::{Event, State};

use crate::outbox::{LANE, owing};
use crate::support::{Fixture, claim, lane_rules, on_both, settle};

/// What goes wrong with a turn.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// Nothing was written.
    NotKept,
    /// It was written, and the answer got lost.
    AnswerLost,
    Panics,
}

/// An outbox whose turns fail, one after the other.
struct Failing {
    record: Deliveries,
    faults: Mutex<Vec<Fault>>,
}

#[async_trait]
impl Outbox for Failing {
    async fn settle_and_claim(
        &self,
        claim: &Claim<'_>,
        ended: &[Ended],
    ) -> Result<Vec<Entry>, StoreError> {
        let fault = self.faults.lock().unwrap().pop();
        let lost = || Err(StoreError::Migrate("gone".to_owned()));
        match fault {
            Some(Fault::NotKept) => lost(),
            Some(Fault::Panics) => panic!("a turn that panics"),
            Some(Fault::AnswerLost) => {
                self.record.settle_and_claim(claim, ended).await?;
                lost()
            }
            None => self.record.settle_and_claim(claim, ended).await,
        }
    }

    async fn next_attempt(&self, lane: &str) -> Result<Option<i64>, StoreError> {
        self.record.next_attempt(lane).await
    }

    async fn withdrawn(&self, ids: &[&str]) -> Result<HashMap<String, Withdrawal>, StoreError> {
        self.record.withdrawn(ids).await
    }
}

/// A receiver that counts what it gets, can't be asked about anything, and panics at the debt of this key.
struct Counting {
    sent: Arc<Mutex<Vec<String>>>,
    /// Each that is sent takes a permit.
    open: Arc<Semaphore>,
    panics_at: Option<String>,
}

impl Default for Counting {
    fn default() -> Counting {
        Counting { sent: Arc::default(), open: Semaphore::new(1000).into(), panics_at: None }
    }
}

struct Counted {
    sent: Arc<Mutex<Vec<String>>>,
    open: Arc<Semaphore>,
    debt: String,
    panics: bool,
}

#[async_trait]
impl Transport for Counting {
    async fn load(
        &self,
        entries: &[Entry],
    ) -> Result<HashMap<String, Box<dyn Attempt>>, StoreError> {
        let attempt = |entry: &Entry| {
            let debt = entry.debt_key.clone();
            let panics = self.panics_at.as_ref() == Some(&debt);
            let (sent, open) = (Arc::clone(&self.sent), Arc::clone(&self.open));
            let counted = Counted { sent, open, debt, panics };
            (entry.target_id.clone(), Box::new(counted) as Box<dyn Attempt>)
        };
        Ok(entries.iter().map(attempt).collect())
    }
}

#[async_trait]
impl Attempt for Counted {
    async fn send(&self) -> Outcome {
        let sent = {
            let mut sent = self.sent.lock().unwrap();
            sent.push(self.debt.clone());
            sent.len()
        };
        assert!(!self.panics, "an attempt that panics");
        self.open.acquire().await.unwrap().forget();
        Outcome::Delivered(Receipt { remote_id: Some(format!("P{sent}")), token: None })
    }

    async fn look(&self, _: &Entry) -> LookUp {
        LookUp::Blind
    }
}

fn lane(fixture: &Fixture, outbox: Arc<dyn Outbox>, receiver: Counting) -> Lane {
    let rules = LaneRules { concurrency: 2, settle_after: Duration::ZERO, ..lane_rules() };
    let with = (fixture.clock.clone(), Chance::seeded(1));
    Lane::new(LANE, outbox, Arc::new(receiver), with, rules, CancellationToken::new())
}

on_both!(
    what_could_not_be_written_is_written_again_and_nothing_sent_twice,
    async |fixture: Fixture| {
        let (fixture, _server, _daemon) = owing(fixture, 12, "").await;
        // The last is the first to come.
        let faults = [
            [Fault::AnswerLost; 3],
            [Fault::Panics; 3],
            [Fault::NotKept, Fault::AnswerLost, Fault::Panics],
        ]
        .concat();
        let count = faults.len();
        let outbox = Arc::new(Failing {
            record: Deliveries::new(fixture.store.clone()),
            faults: Mutex::new(faults),
        });
        let receiver = Counting::default();
        let sent = Arc::clone(&receiver.sent);
        let lane = lane(&fixture, Arc::clone(&outbox) as Arc<dyn Outbox>, receiver);
        let mut failures = 0;
        while lane.drain().await.is_err() {
            failures += 1;
        }
        assert_eq!(failures, count, "each is told");
        let mut sent = sent.lock().unwrap().clone();
        assert_eq!(sent.len(), 12);
        sent.sort();
        sent.dedup();
        assert_eq!(sent.len(), 12, "each once");
        let delivered = fixture.store.debts(Some(LANE), Some("delivered"), 100).await.unwrap();
        assert_eq!(delivered.len(), 12);
        assert!(delivered.iter().all(|debt| debt.attempts == 1), "{delivered:?}");
        assert_eq!(fixture.store.issues_in(State::Referred, 100).await.unwrap().len(), 12);
    }
);

on_both!(an_attempt_that_panics_takes_nobody_with_it, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 6, "").await;
    let store = &fixture.store;
    let debts = store.debts(Some(LANE), None, 100).await.unwrap();
    let key = debts[2].debt_key.clone();
    let receiver = Counting { panics_at: Some(key.clone()), ..Counting::default() };
    let sent = Arc::clone(&receiver.sent);
    let lane = lane(&fixture, Arc::new(Deliveries::new(store.clone())), receiver);
    lane.drain().await.unwrap();
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(600));
    lane.drain().await.unwrap();
    assert_eq!(sent.lock().unwrap().len(), 6, "it isn't sent again");
    assert_eq!(store.debts(Some(LANE), Some("delivered"), 100).await.unwrap().len(), 5);
    let held = store.debt(&key).await.unwrap();
    assert_eq!((held.state.as_str(), held.unknown_since.is_some()), ("held", true));
    assert!(held.last_error.unwrap().contains("请核实"));
});

on_both!(one_end_that_the_record_cannot_take_stops_no_other, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 3, "").await;
    let store = &fixture.store;
    let taken = claim(store, LANE, "one", 10, 60_000).await.unwrap();
    let receipt = |n: usize| Receipt { remote_id: Some(format!("P{n}")), token: None };
    let mut ended: Vec<Ended> = taken
        .iter()
        .enumerate()
        .map(|(n, entry)| (entry.clone(), Settlement::Delivered(receipt(n))))
        .collect();
    // A refusal of a referral that isn't there any more can't be followed.
    ended[1].0.target_id = "nothing".to_owned();
    ended[1].1 = Settlement::Refused { reason: "不属于本部门".to_owned() };
    settle(store, LANE, "one", &ended).await.unwrap();
    let held = store.debt(&taken[1].debt_key).await.unwrap();
    assert_eq!((held.state.as_str(), held.unknown_since.is_some()), ("held", true));
    assert!(held.last_error.unwrap().contains("记不下来"));
    assert_eq!(store.debts(Some(LANE), Some("delivered"), 10).await.unwrap().len(), 2);
    // Written again, it changes nothing.
    settle(store, LANE, "one", &ended).await.unwrap();
    assert_eq!(store.debts(Some(LANE), Some("delivered"), 10).await.unwrap().len(), 2);
});

/// Voids the issue of a debt.
async fn void(fixture: &Fixture, key: &str) {
    let number = key.trim_start_matches("referral:").trim_end_matches("-R1").to_owned();
    let id = fixture.store.issue_id(&number).await.unwrap();
    let mut tx = fixture.store.begin().await.unwrap();
    tx.issue_event(&id, &Event::Voided { reason: "误报".to_owned() }, "周正").await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(what_stops_being_owed_is_settled_by_where_it_was, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 7, "").await;
    let store = &fixture.store;
    let keys: Vec<String> = store
        .debts(Some(LANE), None, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|debt| debt.debt_key)
        .collect();
    let stands = async |key: &str| -> (String, bool, String) {
        let debt = store.debt(key).await.unwrap();
        (debt.state, debt.unknown_since.is_some(), debt.last_error.unwrap_or_default())
    };
    void(&fixture, &keys[0]).await;
    let (state, _, reason) = stands(&keys[0]).await;
    assert!(state == "cancelled" && reason == "问题已作废；没有发出", "{state} {reason}");
    // The rest is taken, and then voided: each ends in its own way.
    let taken = claim(store, LANE, "one", 10, 60_000).await.unwrap();
    assert_eq!(taken.len(), 6);
    for key in &keys[1..] {
        void(&fixture, key).await;
        assert_eq!(stands(key).await.0, "leased");
    }
    let reason = || "断开".to_owned();
    let settlements = [
        Settlement::Delivered(Receipt { remote_id: Some("P1".to_owned()), token: None }),
        Settlement::NotSent { reason: reason(), not_before: 0 },
        Settlement::Unknown { reason: reason(), not_before: 0 },
        Settlement::Refused { reason: reason() },
        Settlement::Released,
        Settlement::Held { reason: reason() },
    ];
    let entries: HashMap<_, _> = taken.into_iter().map(|e| (e.debt_key.clone(), e)).collect();
    let ended: Vec<Ended> =
        keys[1..].iter().zip(settlements).map(|(key, s)| (entries[key].clone(), s)).collect();
    settle(store, LANE, "one", &ended).await.unwrap();
    let expected = ["delivered", "cancelled", "ready", "cancelled", "cancelled", "held"];
    for (key, expected) in keys[1..].iter().zip(expected) {
        let (state, unknown, reason) = stands(key).await;
        assert_eq!((&*state, unknown), (expected, expected == "ready"), "{reason}");
        assert!(reason.starts_with("问题已作废"), "{key}: {reason}");
    }
    let (known, cancelled): (Vec<_>, Vec<_>) = (
        store.platform_debts().await.unwrap(),
        store.debts(Some(LANE), Some("cancelled"), 10).await.unwrap(),
    );
    assert_eq!((known.len(), cancelled.len()), (3, 4), "{known:?}");

    // What may be there is only looked for: where that can't be, a person looks.
    let receiver = Counting::default();
    let sent = Arc::clone(&receiver.sent);
    let lane = lane(&fixture, Arc::new(Deliveries::new(store.clone())), receiver);
    lane.drain().await.unwrap();
    assert_eq!(stands(&keys[3]).await.0, "held");
    let decide = async |key: &str, decision: Decision| {
        let mut tx = store.begin().await.unwrap();
        tx.decide_debt(key, &decision, "周正", "电话核实").await.unwrap();
        tx.commit().await.unwrap();
    };
    decide(&keys[3], Decision::Retry).await;
    lane.drain().await.unwrap();
    let (state, unknown, reason) = stands(&keys[3]).await;
    assert!(state == "held" && unknown && reason.contains("无法向对方查询"), "{state} {reason}");
    decide(&keys[3], Decision::Absent).await;
    assert_eq!(stands(&keys[3]).await.0, "cancelled");
    lane.drain().await.unwrap();
    assert_eq!(sent.lock().unwrap().len(), 0, "nothing of it was sent");
    assert_eq!(store.platform_debts().await.unwrap().len(), 2);
});

on_both!(what_waits_in_a_lane_is_not_sent_once_it_is_voided, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 5, "").await;
    let store = &fixture.store;
    let receiver = Counting { open: Semaphore::new(1).into(), ..Counting::default() };
    let (sent, open) = (Arc::clone(&receiver.sent), Arc::clone(&receiver.open));
    let lane = Arc::new(lane(&fixture, Arc::new(Deliveries::new(store.clone())), receiver));
    let delivering = tokio::spawn(async move { lane.drain().await });
    // One has shown that the receiver is there; two are on the wire, two are claimed, loaded and wait.
    let leased = async || store.debts(Some(LANE), Some("leased"), 10).await.unwrap();
    while sent.lock().unwrap().len() < 3 || leased().await.len() < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let on_the_wire = sent.lock().unwrap().clone();
    for debt in leased().await {
        void(&fixture, &debt.debt_key).await;
    }
    open.add_permits(10);
    delivering.await.unwrap().unwrap();
    assert_eq!(*sent.lock().unwrap(), on_the_wire, "nothing else was sent");
    assert_eq!(store.debts(Some(LANE), Some("cancelled"), 10).await.unwrap().len(), 2);
    for key in &on_the_wire[1..] {
        let debt = store.debt(key).await.unwrap();
        assert!(debt.state == "delivered" && debt.last_error.unwrap().contains("对方已收到"));
    }
});

on_both!(what_a_lane_never_knew_it_took_is_let_go_and_not_held, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 4, "").await;
    let store = &fixture.store;
    let outbox = Arc::new(Failing {
        record: Deliveries::new(store.clone()),
        faults: Mutex::new(vec![Fault::AnswerLost]),
    });
    let receiver = Counting::default();
    let sent = Arc::clone(&receiver.sent);
    let lane = lane(&fixture, outbox, receiver);
    lane.drain().await.unwrap_err();
    let leased = store.debts(Some(LANE), Some("leased"), 10).await.unwrap();
    assert_eq!(leased.len(), 1, "nobody knows yet whether the receiver is there");
    void(&fixture, &leased[0].debt_key).await;
    lane.drain().await.unwrap();
    assert_eq!(store.debt(&leased[0].debt_key).await.unwrap().state, "cancelled");
    assert_eq!(sent.lock().unwrap().len(), 3, "without waiting for the lease to end");
});
