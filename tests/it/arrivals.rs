//! What arrived otherwise than one would think: without a number, under a number that is known already, or by a clock that
//! was ahead.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use serde_json::json;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};
use zoufang::app::put_back::put_back_times;
use zoufang::app::receive_updates::receive;
use zoufang::daemon::platform;
use zoufang::db::{Content, DebtState, Decision, Dispatch, Receipt, Store, StoreError};
use zoufang::delivery::{LookUp, Outcome, Transport};
use zoufang::domain::delivery::search::{Gap, KnownGaps, SearchResult, Sought};
use zoufang::domain::delivery::{Entry, Settlement, Step, first_step};
use zoufang::domain::issue::{Category, Event, State};
use zoufang::domain::referral::{PlatformStatus, PlatformUpdate, Told, described};
use zoufang::platform::{
    Answers, Looks, NoContact, Platform, PlatformTransport, ServiceGap, Unanswered,
};
use zoufang::settings::Settings;

use crate::support::{Fixture, VISITS, claim, list_lag, on_both, settle};

const LANE: &str = "ehushanying";

/// City issues that are owed to the platform, claimed.
async fn claimed(fixture: Fixture, issues: usize) -> (Fixture, Vec<Entry>) {
    let fixture = fixture.township().await;
    fixture.at(4, 20, 9);
    let lines: String = (0..issues)
        .map(|n| format!("\n2022-04-20,Z6,H{},王建国,,第{n}件事,有,市直,其他,急", 1 + n % 2))
        .collect();
    fixture.import("v.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    let entries = take(&fixture).await;
    assert_eq!(entries.len(), issues);
    (fixture, entries)
}

async fn take(fixture: &Fixture) -> Vec<Entry> {
    claim(&fixture.store, LANE, "me", 100, 60_000).await.unwrap()
}

async fn ends(fixture: &Fixture, entry: &Entry, settlement: Settlement) {
    settle(&fixture.store, LANE, "me", &[(entry.clone(), settlement)]).await.unwrap();
}

fn under(number: &str) -> Settlement {
    Settlement::Delivered(Receipt { remote_id: Some(number.to_owned()), token: None })
}

async fn decide(store: &Store, debt: &str, decision: Decision) -> Result<(), StoreError> {
    let mut tx = store.begin().await.unwrap();
    tx.decide_debt(debt, &decision, "周正", "到平台上看过").await?;
    tx.commit().await
}

fn arrived(number: &str) -> Decision {
    Decision::Arrived { remote_id: Some(number.to_owned()) }
}

/// The platform says how a number stands now.
async fn says(fixture: &Fixture, number: &str, status: PlatformStatus) {
    fixture.clock.set(fixture.clock.now() + SignedDuration::from_mins(10));
    let update = PlatformUpdate {
        remote_id: number.to_owned(),
        word: status.code().to_owned(),
        status: Some(status),
        text: "已答复".to_owned(),
        at: Some(fixture.clock.now()),
        successors: Vec::new(),
        update_id: None,
        told: Told::Now,
    };
    let mut tx = fixture.store.begin().await.unwrap();
    receive(&mut tx, &[update]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn count(fixture: &Fixture, state: State) -> usize {
    fixture.store.issues_in(state, 100).await.unwrap().len()
}

on_both!(what_its_receiver_has_is_sent_again_by_a_persons_word_alone, async |fixture: Fixture| {
    let (fixture, entries) = claimed(fixture, 1).await;
    let said = Settlement::Accepted { reason: "no_number: none".to_owned(), not_before: 0 };
    ends(&fixture, &entries[0], said).await;
    let debt = entries[0].debt_key.clone();
    // However often it isn't seen, and though a person asks to try it.
    for _ in 0..3 {
        let again = take(&fixture).await;
        assert_eq!((first_step(&again[0]), again[0].accepted_at.is_some()), (Step::Look, true));
        let unseen = Settlement::NotSeen {
            reason: "accepted: 对方的清单里还没有".to_owned(),
            not_before: 0,
            answered: true,
            lag: Some(7_000),
        };
        ends(&fixture, &again[0], unseen).await;
        decide(&fixture.store, &debt, Decision::Retry).await.unwrap();
    }
    let again = take(&fixture).await;
    assert_eq!(again[0].list_lag, Some(7_000), "what a look has shown is kept");
    ends(&fixture, &again[0], Settlement::Held { reason: "请人查编号".to_owned() }).await;
    let held = fixture.store.oldest_held(LANE).await.unwrap().unwrap();
    assert_eq!((held.0.as_str(), held.2.as_str()), (debt.as_str(), "请人查编号"));
    decide(&fixture.store, &debt, Decision::Absent).await.unwrap();
    let again = take(&fixture).await;
    assert_eq!((first_step(&again[0]), again[0].accepted_at), (Step::Send, None));
});

on_both!(two_go_by_one_number_where_the_platform_and_a_person_say_so, async |fixture: Fixture| {
    let (fixture, entries) = claimed(fixture, 3).await;
    for (entry, number) in entries.iter().zip(["7", "8", "7"]) {
        ends(&fixture, entry, under(number)).await;
    }
    let third = &entries[2].debt_key;
    let debt = fixture.store.debt(third).await.unwrap();
    assert_eq!(debt.state, DebtState::Held.code());
    let why = debt.last_error.unwrap();
    assert!(why.contains("编号 7 已经是") && why.contains("--arrived 7"), "{why}");
    says(&fixture, "7", PlatformStatus::Resolved).await;
    assert_eq!(count(&fixture, State::Resolved).await, 1, "nothing closes the other");
    // Another's number that the platform didn't give for this one is a slip of the pen.
    assert!(decide(&fixture.store, third, arrived("8")).await.is_err());
    decide(&fixture.store, third, arrived("7")).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 2, "what was last said is said of both");
    says(&fixture, "7", PlatformStatus::InProgress).await;
    assert_eq!(count(&fixture, State::Resolved).await, 0);
});

on_both!(a_number_of_an_earlier_round_is_the_same_issues, async |fixture: Fixture| {
    let (fixture, entries) = claimed(fixture, 1).await;
    ends(&fixture, &entries[0], under("7")).await;
    says(&fixture, "7", PlatformStatus::Resolved).await;
    let issue = fixture.store.issues_in(State::Resolved, 1).await.unwrap().remove(0).id;
    let again = Event::Reopened { reason: "又坏了".to_owned() };
    let mut tx = fixture.store.begin().await.unwrap();
    tx.issue_event(&issue, &again, "周正").await.unwrap();
    tx.commit().await.unwrap();
    let second = take(&fixture).await;
    assert!(second[0].debt_key.ends_with("-R2"), "{}", second[0].debt_key);
    // It takes its old request up again.
    ends(&fixture, &second[0], under("7")).await;
    let state = |debt: String| async move { fixture.store.debt(&debt).await.unwrap().state };
    assert_eq!(state(second[0].debt_key.clone()).await, DebtState::Delivered.code());
});

on_both!(what_a_clock_wrote_that_was_ahead_doesnt_rest_until_then, async |fixture: Fixture| {
    let (fixture, entries) = claimed(fixture, 2).await;
    let (store, now) = (&fixture.store, fixture.clock.now());
    fixture.clock.set(now + SignedDuration::from_hours(400 * 24));
    let later = fixture.clock.millis() + 60_000;
    let busy = Settlement::NotSent { reason: "HTTP 503".to_owned(), not_before: later };
    ends(&fixture, &entries[0], busy).await;
    ends(&fixture, &entries[1], under("7")).await;
    store.beat().await.unwrap();
    store.beat().await.unwrap();
    fixture.clock.set(now + SignedDuration::from_mins(5));
    assert!(take(&fixture).await.is_empty(), "it rests for more than a year");
    let Err(StoreError::Ahead { by }) = store.beat().await else { panic!("nothing was noticed") };
    put_back_times(store, by).await.unwrap();
    store.beat().await.unwrap();
    let notes = store.platform_notes(0).await.unwrap();
    assert!(notes[0].what.contains("时钟") && notes[0].sample.contains("399 天"), "{notes:?}");
    fixture.clock.set(now + SignedDuration::from_mins(7));
    let again = take(&fixture).await;
    assert_eq!(again.len(), 1);
    assert!(again[0].accepted_at.is_none() && first_step(&again[0]) == Step::Send);
    assert_eq!(store.due_polls(10, false).await.unwrap().len(), 1);
    says(&fixture, "7", PlatformStatus::Resolved).await;
    assert_eq!(count(&fixture, State::Resolved).await, 1);
});

on_both!(what_a_list_was_seen_to_leave_out_is_remembered, async |fixture: Fixture| {
    let (fixture, entries) = claimed(fixture, 2).await;
    let store = &fixture.store;
    ends(&fixture, &entries[0], under("3")).await;
    let unknown = Settlement::Unknown { reason: "timeout".to_owned(), not_before: 0 };
    ends(&fixture, &entries[1], unknown).await;
    let entries = take(&fixture).await;
    let gap = Gap {
        reference: "CHD2022-000001-R1".to_owned(),
        category: Some(Category::Other),
        behind: SignedDuration::from_mins(9),
    };
    let why = "平台的清单不全".to_owned();
    let seen = SearchResult::LeavesOut { why: why.clone(), gap: gap.clone() };
    let asked = Arc::new(Remembers { seen, sought: Mutex::default() });
    let platform = Arc::<Remembers>::clone(&asked);
    let transport = PlatformTransport::new(store.clone(), platform, Duration::ZERO, list_lag());
    let look = async || {
        let loaded = transport.load(&entries).await.unwrap();
        loaded[&entries[0].target_id].look(&entries[0]).await;
        asked.sought.lock().unwrap().clone().unwrap()
    };
    let first = look().await;
    assert_eq!((first.lag.gaps, first.category), (KnownGaps::default(), Some(Category::Other)));
    let control = &first.controls[0];
    assert_eq!((control.category, control.is_open), (Some(Category::Other), true));
    let gaps = look().await.lag.gaps;
    assert_eq!(gaps, KnownGaps { behind: gap.behind, omits: false });
    let notes = store.platform_notes(0).await.unwrap();
    assert!(notes.iter().any(|note| note.sample.contains("9 分钟")), "{notes:?}");
    // Longer than any list is behind: perhaps none of the category is ever listed.
    for (hours, omits) in [(list_lag().as_secs() as i64 / 3600, true), (0, true)] {
        let behind = SignedDuration::from_hours(hours);
        let mut tx = store.begin().await.unwrap();
        tx.note_list_gap(&Gap { behind, ..gap.clone() }, 0).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(look().await.lag.gaps.omits, omits, "{hours}");
    }
    // And not for ever.
    fixture.at(5, 30, 9);
    assert_eq!(look().await.lag.gaps, KnownGaps::default());
});

/// A platform whose lists show this, and which remembers what was looked for.
struct Remembers {
    seen: SearchResult,
    sought: Mutex<Option<Sought>>,
}

#[async_trait]
impl Platform for Remembers {
    async fn submit(&self, _: &Dispatch) -> Outcome {
        Outcome::Unknown { reason: "timeout".to_owned() }
    }

    async fn find(&self, sought: &Sought) -> Result<SearchResult, NoContact> {
        *self.sought.lock().unwrap() = Some(sought.clone());
        Ok(self.seen.clone())
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

on_both!(
    after_an_absence_nothing_goes_before_the_platform_has_said_whether_it_has_it,
    async |fixture: Fixture| {
        let (fixture, entries) = claimed(fixture, 1).await;
        let (store, server) = (&fixture.store, MockServer::start().await);
        let contents = store.contents(&entries).await.unwrap();
        let Some(Content::Referral(dispatch)) = contents.get(&entries[0].target_id) else {
            panic!("a referral is owed");
        };
        let text = format!("[platform]\nadapter = 'open311'\nendpoint = '{}'", server.uri());
        let settings = Settings::from_text(&text, "test").unwrap();
        let (clock, chance) = (&store.context().clock, &store.context().chance);
        let platform = platform(&settings, clock, chance).unwrap().unwrap();
        let transport = PlatformTransport::new(store.clone(), platform, Duration::ZERO, list_lag());
        transport.absence().began(clock.millis() - 3_600_000);
        let send = async || {
            let loaded = transport.load(&entries).await.unwrap();
            loaded[&entries[0].target_id].send().await
        };
        Mock::given(method("POST"))
            .respond_with(
                ResponseTemplate::new(200).set_body_json(json!([{"service_request_id": "9"}])),
            )
            .mount(&server)
            .await;
        let posts = async || {
            let requests = server.received_requests().await.unwrap();
            requests.iter().filter(|request| request.method.as_str() == "POST").count()
        };
        // As often as it fails.
        {
            let failing = Mock::given(method("GET")).respond_with(ResponseTemplate::new(500));
            let _failing = failing.mount_as_scoped(&server).await;
            for _ in 0..4 {
                assert!(matches!(send().await, Outcome::NotSent { .. }));
            }
        }
        assert_eq!(posts().await, 0);
        {
            let shown = described(&dispatch.text, "", &dispatch.reference);
            let there = json!([{"service_request_id": "7", "description": shown}]);
            let there = ResponseTemplate::new(200).set_body_json(there);
            let _there =
                Mock::given(method("GET")).respond_with(there).mount_as_scoped(&server).await;
            let Outcome::Delivered(receipt) = send().await else { panic!("it's there") };
            assert_eq!(receipt.remote_id.as_deref(), Some("7"));
        }
        assert_eq!(posts().await, 0);
        let nothing = ResponseTemplate::new(200).set_body_json(json!([]));
        Mock::given(method("GET")).respond_with(nothing).mount(&server).await;
        let Outcome::Delivered(receipt) = send().await else { panic!("it isn't there, and goes") };
        assert_eq!((receipt.remote_id.as_deref(), posts().await), (Some("9"), 1));
    }
);

/// A platform of which it's said that it knows a repeated reference.
struct Claims(SearchResult);

#[async_trait]
impl Platform for Claims {
    fn looks(&self) -> Looks {
        Looks::RepeatedKey { searches: true }
    }

    async fn submit(&self, _: &Dispatch) -> Outcome {
        Outcome::Unknown { reason: "timeout".to_owned() }
    }

    async fn find(&self, _: &Sought) -> Result<SearchResult, NoContact> {
        Ok(self.0.clone())
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

on_both!(what_can_be_seen_isnt_sent_again_whatever_is_said_of_keys, async |fixture: Fixture| {
    let (fixture, entries) = claimed(fixture, 1).await;
    let store = &fixture.store;
    ends(
        &fixture,
        &entries[0],
        Settlement::Unknown { reason: "timeout".to_owned(), not_before: 0 },
    )
    .await;
    let entries = take(&fixture).await;
    let receipt = Receipt { remote_id: Some("7".to_owned()), token: None };
    for (seen, look) in [
        (SearchResult::Found(receipt.clone()), LookUp::Found(receipt)),
        (SearchResult::Absent, LookUp::Repeatable),
        (SearchResult::Unproven("没有对照".to_owned()), LookUp::Repeatable),
    ] {
        let platform = Arc::new(Claims(seen));
        let transport = PlatformTransport::new(store.clone(), platform, Duration::ZERO, list_lag());
        let loaded = transport.load(&entries).await.unwrap();
        assert_eq!(loaded[&entries[0].target_id].look(&entries[0]).await, look);
    }
});
