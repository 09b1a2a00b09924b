//! The lanes: breaker, rate limit, order of urgency, a platform down for a week, and the operator's desk.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};
use zoufang::daemon::Daemon;
use zoufang::db::Decision;
use zoufang::delivery::GateState;
use zoufang::domain::delivery::Settlement;
use zoufang::domain::issue::{Event, State};
use zoufang::settings::Settings;

use crate::support::{Fixture, VISITS, claim, on_both, settle};

pub const LANE: &str = "ehushanying";

/// A township with issues of each urgency, and a platform that answers every submission as told.
pub async fn owing(
    fixture: Fixture,
    issues: usize,
    rules: &str,
) -> (Fixture, MockServer, Arc<Daemon>) {
    let fixture = fixture.township().await;
    fixture.at(4, 20, 9);
    let server = MockServer::start().await;
    let text = format!(
        "[platform]\nadapter = 'open311'\nendpoint = '{}'\nconcurrency = 4\n{rules}",
        server.uri()
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    let daemon = Daemon::new(settings, fixture.store.clone(), CancellationToken::new()).unwrap();
    let lines: String = (0..issues)
        .map(|n| {
            format!(
                "\n2022-04-20,Z6,H1,王建国,,第{n}件事,有,市直,其他,{}",
                ["长期", "一般", "急"][n % 3]
            )
        })
        .collect();
    fixture.import("v.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    (fixture, server, Arc::new(daemon))
}

async fn answer(server: &MockServer, template: ResponseTemplate) {
    server.reset().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_string("[]"))
        .mount(server)
        .await;
    Mock::given(method("POST")).respond_with(template).mount(server).await;
}

async fn submissions(server: &MockServer) -> Vec<String> {
    let received = server.received_requests().await.unwrap();
    let posted = received.into_iter().filter(|request| request.method.as_str() == "POST");
    posted.map(|request| String::from_utf8(request.body).unwrap()).collect()
}

fn taken() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string("[{\"token\": \"t\"}]")
}

on_both!(a_platform_that_is_down_for_a_week_is_not_stormed, async |fixture: Fixture| {
    let (fixture, server, daemon) = owing(fixture, 60, "rate_per_minute = 10\n").await;
    answer(&server, ResponseTemplate::new(503).insert_header("retry-after", "1")).await;
    for _ in 0..7 * 24 * 4 {
        fixture.clock.set(fixture.clock.now() + Duration::from_secs(900));
        daemon.settle().await.unwrap();
    }
    let asked = submissions(&server).await.len();
    // Every half hour one attempt, once the breaker's pause has grown to its cap.
    assert!((200..450).contains(&asked), "{asked} attempts in a week");
    assert!(matches!(daemon.gate_of(LANE).unwrap(), GateState::Open { .. } | GateState::HalfOpen));

    answer(&server, taken()).await;
    let mut busiest = 0;
    let mut before = 0;
    for _ in 0..120 {
        fixture.clock.set(fixture.clock.now() + Duration::from_secs(60));
        daemon.settle().await.unwrap();
        let now = submissions(&server).await.len();
        busiest = busiest.max(now - before);
        before = now;
    }
    let sent = submissions(&server).await;
    assert_eq!(sent.len(), 60, "each once");
    assert!(busiest <= 11, "{busiest} in one minute");
    // 急 20, then 一般 20, then 长期 20: what failed lately may wait its turn, so not to the last one.
    let first: Vec<_> = sent[..15].iter().map(|body| body.contains("%E6%80%A5%EF%BC%8C")).collect();
    assert!(first.iter().filter(|urgent| **urgent).count() >= 13, "{first:?}");
});

on_both!(
    a_platform_that_says_too_many_is_left_alone_as_long_as_it_asks,
    async |fixture: Fixture| {
        let (fixture, server, daemon) = owing(fixture, 20, "").await;
        answer(&server, ResponseTemplate::new(429).insert_header("retry-after", "3600")).await;
        daemon.settle().await.unwrap();
        let first = submissions(&server).await.len();
        assert!(first <= 8, "{first}");
        fixture.clock.set(fixture.clock.now() + Duration::from_secs(3500));
        daemon.settle().await.unwrap();
        assert_eq!(submissions(&server).await.len(), first);
        let status = zoufang::web::status::Status::read(&daemon).await.unwrap();
        let failure = status.lanes.iter().find(|lane| lane.name == LANE).unwrap().failure.clone();
        let failure = failure.unwrap();
        assert!(failure.starts_with("referral:") && failure.contains("too_many"), "{failure}");
        assert!(
            status.reasons.iter().any(|reason| reason.contains("暂停发送")),
            "{:?}",
            status.reasons
        );
    }
);

on_both!(an_operator_decides_by_name_and_it_is_audited, async |fixture: Fixture| {
    let (fixture, server, daemon) = owing(fixture, 2, "").await;
    answer(&server, taken()).await;
    let store = &fixture.store;
    let debts = store.debts(Some(LANE), None, 10).await.unwrap();
    let keys: Vec<String> = debts.into_iter().map(|debt| debt.debt_key).collect();
    let decide = async |key: &str, decision: Decision| {
        let mut tx = store.begin().await.unwrap();
        let decided = tx.decide_debt(key, &decision, "周正", "电话核实").await;
        tx.commit().await.unwrap();
        decided
    };
    decide(&keys[0], Decision::Hold).await.unwrap();
    let arrived = Decision::Arrived { remote_id: Some("E-1".to_owned()) };
    decide(&keys[1], arrived.clone()).await.unwrap();
    daemon.settle().await.unwrap();
    assert_eq!(submissions(&server).await.len(), 0);
    assert_eq!(store.issues_in(State::Referred, 10).await.unwrap().len(), 1);
    assert!(decide(&keys[1], arrived).await.is_err(), "what arrived can't be decided again");
    assert!(decide("referral:nothing", Decision::Retry).await.is_err());
    decide(&keys[0], Decision::Retry).await.unwrap();
    daemon.settle().await.unwrap();
    assert_eq!(submissions(&server).await.len(), 1);
    let audited = store.audit_trail().await.unwrap();
    let actions: Vec<_> = audited.iter().map(|entry| entry.action.as_str()).collect();
    for action in ["outbox_hold", "outbox_arrived", "outbox_retry"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
});

#[tokio::test]
async fn the_centre_reviews_and_what_nobody_reviews_goes_by_itself() {
    let limit = Duration::from_secs(48 * 3600);
    let fixture = Fixture::sqlite().await;
    let reviewed = fixture.within(|context| context.review_within = Some(limit)).await;
    let (fixture, server, daemon) = owing(reviewed, 2, "").await;
    answer(&server, taken()).await;
    let store = &fixture.store;
    daemon.settle().await.unwrap();
    assert_eq!(submissions(&server).await.len(), 0);
    let waiting = store.debts(Some(LANE), Some("review"), 10).await.unwrap();
    assert_eq!(waiting.len(), 2);
    let mut tx = store.begin().await.unwrap();
    let key = &waiting[0].debt_key;
    tx.decide_debt(key, &Decision::Release, "服务中心 孙主任", "属实").await.unwrap();
    tx.commit().await.unwrap();
    daemon.settle().await.unwrap();
    assert_eq!(submissions(&server).await.len(), 1);
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(49 * 3600));
    daemon.settle().await.unwrap();
    assert_eq!(submissions(&server).await.len(), 2);
}

#[tokio::test]
async fn debts_serialise_for_reports() {
    let (fixture, _server, _daemon) = owing(Fixture::sqlite().await, 1, "").await;
    let debts = fixture.store.debts(None, Some("ready"), 10).await.unwrap();
    let value: Value = serde_json::to_value(&debts[0]).unwrap();
    assert_eq!(value["state"], "ready");
}

on_both!(what_is_leased_is_nobody_elses_until_the_lease_ends, async |fixture: Fixture| {
    let (fixture, _server, _daemon) = owing(fixture, 2, "").await;
    let store = &fixture.store;
    let taken = claim(store, LANE, "one", 1, 60_000).await.unwrap();
    let key = taken[0].debt_key.clone();
    let listed = async |state: &str| -> Vec<String> {
        let debts = store.debts(Some(LANE), Some(state), 10).await.unwrap();
        debts.into_iter().map(|debt| debt.debt_key).collect()
    };
    assert_eq!(listed("leased").await, [&*key]);
    assert_eq!(listed("ready").await.len(), 1);
    let lanes = store.lane_figures(i64::MAX).await.unwrap();
    let lane = lanes.iter().find(|lane| lane.lane == LANE).unwrap();
    assert_eq!((lane.queued, lane.in_flight, lane.unknown), (1, 1, 0));
    let mut tx = store.begin().await.unwrap();
    let error = tx.decide_debt(&key, &Decision::Hold, "周正", "试").await.unwrap_err().to_string();
    assert!(error.contains("发送中"), "{error}");
    tx.rollback().await.unwrap();
    // What is in flight can't be taken back: the issue ends, and the attempt's answer is still awaited.
    let number = key.trim_start_matches("referral:").trim_end_matches("-R1").to_owned();
    let id = store.issue_id(&number).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.issue_event(&id, &Event::Voided { reason: "误报".to_owned() }, "周正").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(listed("leased").await, [&*key]);
    let other = claim(store, LANE, "two", 10, 60_000).await.unwrap();
    assert!(other.len() == 1 && other[0].debt_key != key);
    assert_eq!(store.next_attempt(LANE).await.unwrap(), None);
    // Its lease has ended: it may have arrived, and whoever takes it looks first.
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(61));
    assert!(store.next_attempt(LANE).await.unwrap().is_some());
    let again = claim(store, LANE, "two", 10, 60_000).await.unwrap();
    let unknown: Vec<bool> = again.iter().map(|entry| entry.unknown_since.is_some()).collect();
    assert_eq!(unknown, [true, true]);
    // The first owner's word on what it lost is not taken.
    let settled = taken.into_iter().map(|entry| (entry, Settlement::Absent));
    settle(store, LANE, "one", &settled.collect::<Vec<_>>()).await.unwrap();
    assert_eq!(listed("leased").await.len(), 2);
});
