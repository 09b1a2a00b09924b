//! The rest adapter, with the two platforms under config/platforms/, against real HTTP servers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::{Daemon, platform};
use zoufang::db::{Dispatch, Message, Photo, Receipt};
use zoufang::delivery::Outcome;
use zoufang::domain::delivery::search::{Control, SearchResult, Sought, Subject};
use zoufang::domain::issue::State;
use zoufang::domain::referral::PlatformStatus;
use zoufang::platform::{Looks, Platform};
use zoufang::settings::Settings;

use crate::support::{Fixture, VISITS, on_both, sought};

/// What must come in time comes on a busy machine too.
const PATIENCE: &str = "20s";

fn settings(server: &MockServer, file: &str, dir: &Path, timeout: &str) -> Settings {
    let given = format!("{}/config/platforms/{file}", env!("CARGO_MANIFEST_DIR"));
    // The example's token address is the only thing that a township must write for itself.
    let text = std::fs::read_to_string(given).unwrap().replace("http://127.0.0.1:9", &server.uri());
    std::fs::write(dir.join(file), text).unwrap();
    let text = format!(
        "[platform]\nadapter = 'rest'\nendpoint = '{}'\nfile = '{}'\napi_key = 's3cret'\ntimeout = '{timeout}'",
        server.uri(),
        dir.join(file).display()
    );
    Settings::from_text(&text, "test").unwrap()
}

async fn adapter(server: &MockServer, file: &str) -> Arc<dyn Platform> {
    adapter_within(PATIENCE, server, file).await
}

async fn adapter_within(timeout: &str, server: &MockServer, file: &str) -> Arc<dyn Platform> {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual("2022-04-20T01:00:00Z".parse().unwrap());
    let settings = settings(server, file, dir.path(), timeout);
    platform(&settings, &clock, &Chance::seeded(1)).unwrap().unwrap()
}

async fn submitted(template: ResponseTemplate) -> Outcome {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(template).mount(&server).await;
    adapter(&server, "gateway.toml").await.submit(&Dispatch::example()).await
}

fn json_answer(value: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(value)
}

/// Answers as a gateway does that checks the signature as its manual says.
struct Signed;

impl Respond for Signed {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        use base64::Engine;
        use hmac::{KeyInit, Mac};
        use sha2::Digest;
        let given = |name: &str| request.headers[name].to_str().unwrap().to_owned();
        let digest = sha2::Sha256::digest(&request.body);
        let body: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!(
            "zoufang\n{}\n{}\n{}\n{}\n{body}",
            given("x-timestamp"),
            given("x-nonce"),
            request.method,
            request.url.path()
        );
        let mut mac = <hmac::SimpleHmac<sm3::Sm3> as KeyInit>::new_from_slice(b"s3cret").unwrap();
        mac.update(text.as_bytes());
        let signature =
            base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        if given("x-signature") != signature || given("x-nonce").len() != 32 {
            return ResponseTemplate::new(401);
        }
        json_answer(json!({"code": 0, "msg": "ok", "data": {"eventId": 880123}}))
    }
}

#[tokio::test]
async fn a_signed_submission_is_taken_by_a_gateway_that_checks_it() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/event/report"))
        .and(body_partial_json(json!({
            "externalNo": "CHD2022-000001-R1",
            "content": "示例：[CHD2022-000001-R1]\"路灯\"不亮\n请修[CHD2022-000001-R1]",
            "eventType": "9999",
            "areaCode": "TZ-CHD",
        })))
        .respond_with(Signed)
        .expect(1)
        .mount(&server)
        .await;
    let outcome = adapter(&server, "gateway.toml").await.submit(&Dispatch::example()).await;
    // A number that is a number is a number all the same.
    let Outcome::Delivered(receipt) = outcome else { panic!("{outcome:?}") };
    assert_eq!(receipt.remote_id.as_deref(), Some("880123"));
}

#[tokio::test]
async fn each_bad_answer_is_a_named_outcome() {
    let unknown = |outcome: &Outcome, name: &str| matches!(outcome, Outcome::Unknown { reason } if reason.starts_with(name));
    let not_sent = |outcome: &Outcome, name: &str| matches!(outcome, Outcome::NotSent { reason, .. } if reason.starts_with(name));
    let html = ResponseTemplate::new(200).set_body_string("<html>维护中</html>");
    let outcome = submitted(html).await;
    assert!(unknown(&outcome, "not_json"), "{outcome:?}");
    let outcome = submitted(ResponseTemplate::new(200).set_body_string("{\"code\": 0, \"da")).await;
    assert!(unknown(&outcome, "not_json"), "{outcome:?}");
    let outcome = submitted(json_answer(json!({"code": 40001, "msg": "地址不明"}))).await;
    assert!(
        matches!(&outcome, Outcome::Refused { reason } if reason.contains("地址不明")),
        "{outcome:?}"
    );
    let outcome = submitted(json_answer(json!({"code": "42900"}))).await;
    assert!(not_sent(&outcome, "too_many"), "{outcome:?}");
    let outcome = submitted(json_answer(json!({"code": 99, "msg": "?"}))).await;
    assert!(unknown(&outcome, "unexpected_code: 99"), "{outcome:?}");
    let outcome = submitted(json_answer(json!({"code": 0, "data": {}}))).await;
    let accepted = |outcome: &Outcome| matches!(outcome, Outcome::Accepted { reason } if reason.starts_with("no_number"));
    assert!(accepted(&outcome), "{outcome:?}");
    for code in [200, 201, 202, 204] {
        let outcome = submitted(ResponseTemplate::new(code)).await;
        assert!(accepted(&outcome), "{code}: {outcome:?}");
    }
    let long = ResponseTemplate::new(200).set_body_bytes(vec![b' '; 50 << 20]);
    let outcome = submitted(long).await;
    assert!(unknown(&outcome, "too_long") || unknown(&outcome, "timeout"), "{outcome:?}");
    let (gb, _, _) = encoding_rs::GB18030.encode("{\"code\": 40002, \"msg\": \"重复上报\"}");
    let unnamed = ResponseTemplate::new(200).set_body_bytes(gb.to_vec());
    let outcome = submitted(unnamed).await;
    assert!(unknown(&outcome, "wrong_charset"), "{outcome:?}");
    let named =
        ResponseTemplate::new(200).set_body_raw(gb.to_vec(), "application/json;charset=GBK");
    let outcome = submitted(named).await;
    // Somebody between may have sent it on twice: the first one is looked for.
    assert!(
        matches!(&outcome, Outcome::Accepted { reason } if reason.contains("重复上报")),
        "{outcome:?}"
    );
    let moved = ResponseTemplate::new(302).insert_header("location", "/login");
    let outcome = submitted(moved).await;
    assert!(unknown(&outcome, "redirected"), "{outcome:?}");
    let server = MockServer::start().await;
    let slow = json_answer(json!({"code": 0})).set_delay(Duration::from_secs(60));
    Mock::given(method("POST")).respond_with(slow).mount(&server).await;
    let hasty = adapter_within("500ms", &server, "gateway.toml").await;
    let outcome = hasty.submit(&Dispatch::example()).await;
    assert!(unknown(&outcome, "timeout"), "{outcome:?}");
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_when_a_401_says_so() {
    let server = MockServer::start().await;
    let given = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&given);
    Mock::given(method("POST"))
        .and(path("/oauth/token"))
        .respond_with(move |_: &Request| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            json_answer(json!({"access_token": format!("t{number}"), "expires_in": 3600}))
        })
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/v1/cases"))
        .and(header("authorization", "Bearer t0"))
        .respond_with(json_answer(json!({"id": "C-1"})))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/v1/cases"))
        .and(header("authorization", "Bearer t1"))
        .respond_with(json_answer(json!({"id": "C-2"})))
        .mount(&server)
        .await;
    Mock::given(path("/v1/cases")).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let platform = adapter(&server, "oauth-feed.toml").await;
    for _ in 0..2 {
        let outcome = platform.submit(&Dispatch::example()).await;
        assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
    }
    assert_eq!(given.load(Ordering::SeqCst), 1);
    let outcome = platform.submit(&Dispatch::example()).await;
    let Outcome::Delivered(receipt) = outcome else { panic!("{outcome:?}") };
    assert_eq!(receipt.remote_id.as_deref(), Some("C-2"));
    assert_eq!(given.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_look_reads_every_page_of_the_window() {
    let server = MockServer::start().await;
    Mock::given(path("/oauth/token"))
        .respond_with(json_answer(json!({"access_token": "t"})))
        .mount(&server)
        .await;
    let case =
        |n: usize| json!({"id": format!("C-{n}"), "description": format!("别的事 [X-R{n}]")});
    let full: Vec<Value> = (0..100).map(case).collect();
    Mock::given(path("/v1/cases"))
        .and(query_param("page", "1"))
        .respond_with(json_answer(json!({"items": full})))
        .mount(&server)
        .await;
    let last = json!({"items": [{"id": 7, "description": "路灯 [CHD2022-000001-R1]"}]});
    let known = [("CHD2022-000001-R1", "7")];
    // The last page is given again for ever.
    Mock::given(path("/v1/cases")).respond_with(json_answer(last)).mount(&server).await;
    let platform = adapter(&server, "oauth-feed.toml").await;
    assert_eq!(platform.looks(), Looks::Search);
    let (from, to) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + Duration::from_secs(60));
    let look = async |reference: &str| {
        platform.find(&sought(reference, "路灯", from, to, &known)).await.unwrap()
    };
    let found = look("CHD2022-000001-R1").await;
    assert!(
        matches!(found, SearchResult::Found(receipt) if receipt.remote_id.as_deref() == Some("7"))
    );
    assert_eq!(look("CHD2022-000001-R12").await, SearchResult::Absent);
}

#[tokio::test]
async fn statuses_are_read_in_batches_in_the_platforms_own_words() {
    let server = MockServer::start().await;
    let list = json!([
        {"eventId": 1, "state": "处理中", "reply": null, "handleTime": "2022-04-21 08:30:00"},
        {"eventId": "2", "state": "已挂起", "reply": "等材料", "handleTime": "2022-04-21 09:00:00"},
    ]);
    Mock::given(path("/api/event/status"))
        .and(body_partial_json(json!({"ids": ["1", "2"]})))
        .respond_with(json_answer(json!({"code": 0, "data": {"list": list}})))
        .expect(1)
        .mount(&server)
        .await;
    let platform = adapter(&server, "gateway.toml").await;
    let updates = platform.fetch(&["1".to_owned(), "2".to_owned()]).await.unwrap().updates;
    assert_eq!(updates[0].status, Some(PlatformStatus::InProgress));
    assert_eq!(updates[0].at, Some("2022-04-21T00:30:00Z".parse().unwrap()));
    assert_eq!((updates[1].status, updates[1].word.as_str()), (None, "已挂起"));
}

/// A look for a message or photo of request 1, beside one that is known to be there.
fn part(reference: &str, words: &str, known: &str) -> Sought {
    let at = Timestamp::UNIX_EPOCH;
    let subject =
        |reference: &str| Subject { reference: reference.to_owned(), remote_id: "1".to_owned() };
    let controls = vec![Control {
        subject: subject(known),
        category: None,
        is_open: true,
        number: None,
        since: at,
        at,
    }];
    Sought { subject: subject(reference), controls, ..sought("", words, at, at, &[]) }
}

/// What a look comes to where the description is changed so, of a platform that holds one referral and lists it.
async fn looked(change: impl Fn(String) -> String, answer: ResponseTemplate) -> String {
    let server = MockServer::start().await;
    Mock::given(path("/api/event/search")).respond_with(answer).mount(&server).await;
    let dir = tempfile::tempdir().unwrap();
    let given = format!("{}/config/platforms/gateway.toml", env!("CARGO_MANIFEST_DIR"));
    let text = change(std::fs::read_to_string(given).unwrap());
    std::fs::write(dir.path().join("p.toml"), text).unwrap();
    let text = format!(
        "[platform]\nadapter = 'rest'\nendpoint = '{}'\nfile = '{}/p.toml'\napi_key = 'k'",
        server.uri(),
        dir.path().display()
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    let platform = platform(&settings, &Clock::system(), &Chance::system()).unwrap().unwrap();
    let at = Timestamp::UNIX_EPOCH;
    let known = [("CHD2022-000002-R1", "2")];
    match platform.find(&sought("CHD2022-000001-R1", "灯", at, at, &known)).await {
        Ok(result) => format!("{result:?}"),
        Err(none) => format!("失败：{none}"),
    }
}

#[tokio::test]
async fn a_pointer_that_meets_nothing_is_a_failed_look_and_never_an_empty_one() {
    let listed = || {
        json_answer(json!({"code": 0, "data": {"list": [
            {"eventId": 1, "externalNo": "CHD2022-000001-R1"}, {"eventId": 2, "externalNo": "CHD2022-000002-R1"}]}}))
    };
    let same = |text: String| text;
    assert!(looked(same, listed()).await.starts_with("Found"));
    for (key, right, wrong) in [
        ("items", "items = \"/data/list\"", "items = \"/data/rows\""),
        ("items", "items = \"/data/list\"", "items = \"/body/list\""),
        ("reference", "reference = \"/externalNo\"", "reference = \"/outerNo\""),
        ("id", "id = \"/eventId\"", "id = \"/event_id\""),
    ] {
        // Of [find.answer] alone.
        let change = |text: String| {
            let (before, after) = text.split_once("[find.answer]").unwrap();
            format!("{before}[find.answer]{}", after.replacen(right, wrong, 1))
        };
        let seen = looked(change, listed()).await;
        assert!(seen.starts_with("失败") && seen.contains("[find.answer]"), "{wrong}: {seen}");
        assert!(seen.contains(key), "{wrong}: {seen}");
    }
    // Null on the way is how some write that there is none; alone it proves nothing.
    for none in [
        json!({"code": 0, "data": null}),
        json!({"code": 0, "data": {"list": null}}),
        json!({"code": 0, "data": {"list": []}}),
    ] {
        let seen = looked(same, json_answer(none)).await;
        assert!(seen.starts_with("Unproven"), "{seen}");
    }
    // The platform's own count proves nothing either where it doesn't find what it surely has; nor does it hide an item.
    let counts =
        |text: String| text.replacen("[find.answer]", "[find.answer]\ntotal = \"/data/total\"", 1);
    let none = json!({"code": 0, "data": {"list": [], "total": "0"}});
    assert!(looked(counts, json_answer(none)).await.starts_with("Unproven"));
    let seen = looked(counts, listed()).await;
    assert!(seen.starts_with("失败") && seen.contains("total"), "{seen}");
    // It doesn't know such a question.
    assert!(looked(same, ResponseTemplate::new(404)).await.starts_with("Mute"));
}

#[tokio::test]
async fn a_message_is_appended_and_found_again() {
    let server = MockServer::start().await;
    Mock::given(path("/api/event/feedback"))
        .and(body_partial_json(json!({
            "eventId": "1",
            "feedbackNo": "CHD2022-000001-R1-M5",
            "satisfied": "1",
            "content": "示例：[CHD2022-000001-R1-M5]\"路灯\"亮了[CHD2022-000001-R1-M5]",
        })))
        .respond_with(json_answer(json!({"code": 0})))
        .expect(1)
        .mount(&server)
        .await;
    let listed = |numbers: &[&str]| {
        let list: Vec<_> = numbers.iter().map(|number| json!({"feedbackNo": number})).collect();
        json_answer(json!({"code": "0", "data": {"list": list}}))
    };
    Mock::given(path("/api/event/feedback/list"))
        .and(query_param("eventId", "1"))
        .respond_with(listed(&["CHD2022-000001-R1-M4", "CHD2022-000001-R1-M5"]))
        .mount(&server)
        .await;
    let platform = adapter(&server, "gateway.toml").await;
    assert_eq!(platform.looks_for_messages(), Some(Looks::Search));
    let mut message = Message::example();
    assert_eq!(platform.append(&message).await, Outcome::Delivered(Receipt::default()));
    let look = async |message: &Message| {
        let sought = part(&message.reference, &message.text, "CHD2022-000001-R1-M4");
        platform.find_message(message, &sought).await.unwrap()
    };
    assert_eq!(look(&message).await, SearchResult::Found(Receipt::default()));
    message.reference = "CHD2022-000001-R1-M6".to_owned();
    assert_eq!(look(&message).await, SearchResult::Absent);
    let other = adapter(&server, "oauth-feed.toml").await;
    assert_eq!(other.looks_for_messages(), Some(Looks::RepeatedKey { searches: false }));
}

#[tokio::test]
async fn a_photo_goes_as_a_form_or_in_a_text() {
    let server = MockServer::start().await;
    Mock::given(path("/api/event/attachment"))
        .respond_with(json_answer(json!({"code": 0})))
        .mount(&server)
        .await;
    Mock::given(path("/api/event/attachment/list"))
        .respond_with(json_answer(
            json!({"code": 0, "data": {"list": [{"attachmentNo": "CHD2022-000001-R1-P1"}]}}),
        ))
        .mount(&server)
        .await;
    let platform = adapter(&server, "gateway.toml").await;
    let photo = Photo::example();
    assert_eq!(platform.upload(&photo).await, Outcome::Delivered(Receipt::default()));
    let received = server.received_requests().await.unwrap();
    let content_type = received[0].headers["content-type"].to_str().unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = String::from_utf8_lossy(&received[0].body).into_owned();
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 5, "{body}");
    assert!(parts[1].contains("name=\"attachmentNo\"\r\n\r\nCHD2022-000001-R1-P1\r\n"));
    assert!(parts[3].contains("name=\"file\"; filename=\"示例.jpg\"\r\nContent-Type: image/jpeg"));
    assert_eq!(parts[4], "--\r\n");
    let bytes = [b"\r\n\r\n".as_slice(), &photo.bytes, b"\r\n--"].concat();
    assert!(received[0].body.windows(bytes.len()).any(|window| window == bytes));
    assert_eq!(platform.looks_for_photos(), Some(Looks::Search));
    let look = async |photo: &Photo| {
        let sought = part(&photo.reference, "照片：", "CHD2022-000001-R1-P1");
        platform.find_photo(photo, &sought).await.unwrap()
    };
    assert_eq!(look(&photo).await, SearchResult::Found(Receipt::default()));
    let other = Photo { reference: "CHD2022-000001-R1-P2".to_owned(), ..photo };
    assert_eq!(look(&other).await, SearchResult::Absent);
    // The other example platform takes it in a text.
    let server = MockServer::start().await;
    Mock::given(path("/oauth/token"))
        .respond_with(json_answer(json!({"access_token": "t", "expires_in": 60})))
        .mount(&server)
        .await;
    Mock::given(path("/v1/cases/1/pictures"))
        .and(body_partial_json(
            json!({"name": "示例.jpg", "type": "image/jpeg", "content": "/9j/"}),
        ))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({})))
        .expect(1)
        .mount(&server)
        .await;
    let platform = adapter(&server, "oauth-feed.toml").await;
    let outcome = platform.upload(&Photo::example()).await;
    assert_eq!(outcome, Outcome::Delivered(Receipt::default()));
    assert_eq!(platform.looks_for_photos(), Some(Looks::RepeatedKey { searches: false }));
}

#[test]
fn a_misspelt_template_is_named_with_its_file_and_call() {
    let dir = tempfile::tempdir().unwrap();
    let given = format!("{}/config/platforms/gateway.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(given)
        .unwrap()
        .replace("{{ address | tojson }}", "{{ adress | tojson }}");
    std::fs::write(dir.path().join("p.toml"), text).unwrap();
    let text = format!(
        "[platform]\nadapter = 'rest'\nendpoint = 'http://127.0.0.1:9'\nfile = '{}/p.toml'",
        dir.path().display()
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    let wrong = platform(&settings, &Clock::system(), &Chance::system()).err().unwrap().to_string();
    assert!(wrong.contains("p.toml") && wrong.contains("[submit]"), "{wrong}");
}

on_both!(a_feed_moves_issues_and_asks_about_nothing_else, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 20, 9);
    let server = MockServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    Mock::given(path("/oauth/token"))
        .respond_with(json_answer(json!({"access_token": "t", "expires_in": 86400})))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/v1/cases"))
        .respond_with(|request: &Request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            json_answer(json!({"id": format!("C-{}", body["reference"].as_str().unwrap())}))
        })
        .mount(&server)
        .await;
    let change = |number: usize, status: &str, at: &str| json!({"case_id": format!("C-CHD2022-{number:06}-R1"), "status": status, "outcome": "已修好", "at": at});
    // Two pages, one change told twice and one out of order; then nothing new.
    let first = json!({"items": [change(1, "accepted", "2022-04-20T02:00:00Z"), change(1, "done", "2022-04-20T05:00:00Z")], "next": "a"});
    let second = json!({"items": [change(1, "working", "2022-04-20T03:00:00Z"), change(1, "done", "2022-04-20T05:00:00Z"), change(2, "working", "2022-04-20T04:00:00Z")], "next": "b"});
    let idle = json!({"items": [], "next": "b"});
    for (cursor, page) in [("", first), ("a", second), ("b", idle)] {
        Mock::given(path("/v1/changes"))
            .and(query_param("after", cursor))
            .respond_with(json_answer(page))
            .mount(&server)
            .await;
    }
    let settings = settings(&server, "oauth-feed.toml", dir.path(), PATIENCE);
    let daemon = Daemon::new(settings, fixture.store.clone(), CancellationToken::new()).unwrap();
    let lines: String =
        (0..3).map(|n| format!("\n2022-04-20,Z6,H1,王建国,,第{n}件,有,市直,其他,急")).collect();
    fixture.import("v.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    for _ in 0..20 {
        fixture.clock.set(fixture.clock.now() + Duration::from_secs(1800));
        daemon.settle().await.unwrap();
    }
    let store = &fixture.store;
    let count = async |state| store.issues_in(state, 10).await.unwrap().len();
    assert_eq!(
        (
            count(State::Resolved).await,
            count(State::InProgress).await,
            count(State::Referred).await
        ),
        (1, 1, 1)
    );
    let received = server.received_requests().await.unwrap();
    let asked =
        received.iter().filter(|r| r.method.as_str() == "GET" && r.url.path() == "/v1/cases");
    assert_eq!(asked.count(), 0, "a feed leaves nothing to ask by number");
});

#[tokio::test]
async fn a_last_page_that_is_given_again_ends_a_feed_whatever_its_rows_say_of_when() {
    let (server, dir) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let served = AtomicUsize::new(0);
    Mock::given(path("/v1/changes"))
        .respond_with(move |_: &Request| {
            let at = served.fetch_add(1, Ordering::Relaxed);
            let row = |id: &str, status: &str| json!({"case_id": id, "status": status, "outcome": "", "served": at});
            json_answer(json!({"items": [row("c1", "working"), row("c1", "done"), row("c2", "done")]}))
        })
        .mount(&server)
        .await;
    Mock::given(path("/oauth/token"))
        .respond_with(json_answer(json!({"access_token": "t", "expires_in": 86400})))
        .mount(&server)
        .await;
    let settings = settings(&server, "oauth-feed.toml", dir.path(), PATIENCE);
    let file = dir.path().join("oauth-feed.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("[changes]").unwrap();
    let (line, rest) = after.split_once("path = ").unwrap();
    let rest = rest.split_once('\n').unwrap().1;
    let lines: Vec<&str> = rest.lines().filter(|line| !line.starts_with("next_cursor")).collect();
    let path = "path = \"/v1/changes?since={{ cursor | urlencode }}&page={{ page }}\"";
    std::fs::write(&file, format!("{before}[changes]{line}{path}\n{}\n", lines.join("\n")))
        .unwrap();
    let clock = Clock::manual("2022-04-20T01:00:00Z".parse().unwrap());
    let platform = platform(&settings, &clock, &Chance::seeded(1)).unwrap().unwrap();
    let changed = platform.changes(None).await.unwrap();
    assert_eq!(changed.updates.iter().filter(|update| update.remote_id == "c2").count(), 2);
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked.iter().filter(|request| request.url.path() == "/v1/changes").count(), 2);
}

#[tokio::test]
async fn a_platform_is_greeted_where_it_is_and_not_at_its_root() {
    let server = MockServer::start().await;
    Mock::given(path("/")).respond_with(ResponseTemplate::new(503)).mount(&server).await;
    let platform = adapter(&server, "gateway.toml").await;
    // All else is 404 here: somebody answers.
    platform.greet().await.unwrap();
    let asked = server.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| request.url.path() != "/"));
    server.reset().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(502))
        .mount(&server)
        .await;
    assert!(platform.greet().await.is_err());
}

/// Tokens are given there: t1, t2 and so on, for so many seconds.
async fn gives_tokens(server: &MockServer, seconds: u32) {
    let given = AtomicUsize::new(0);
    Mock::given(path("/oauth/token"))
        .respond_with(move |_: &Request| {
            let token = format!("t{}", given.fetch_add(1, Ordering::SeqCst) + 1);
            json_answer(json!({"access_token": token, "expires_in": seconds}))
        })
        .mount(server)
        .await;
}

/// A platform that says under HTTP 200, by a code of its own, that a token has ended: the first does at once.
async fn forgetful(unauthenticated: bool) -> (MockServer, Arc<dyn Platform>, Clock) {
    let server = MockServer::start().await;
    gives_tokens(&server, 7_200).await;
    Mock::given(method("POST"))
        .and(path("/v1/cases"))
        .respond_with(|request: &Request| {
            match request.headers["authorization"].to_str().unwrap() {
                "Bearer t1" => json_answer(json!({"code": 40101, "msg": "token已失效"})),
                _ => json_answer(json!({"code": 0, "id": "7"})),
            }
        })
        .mount(&server)
        .await;
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&server, "oauth-feed.toml", dir.path(), PATIENCE);
    let file = dir.path().join("oauth-feed.toml");
    let codes = if unauthenticated { "unauthenticated = ['40101']\n" } else { "" };
    let answer = format!("[submit.answer]\ncode = '/code'\ndone = ['0']\n{codes}");
    let text = std::fs::read_to_string(&file).unwrap().replace("[submit.answer]\n", &answer);
    std::fs::write(&file, text).unwrap();
    let clock = Clock::manual("2022-04-20T01:00:00Z".parse().unwrap());
    let platform = platform(&settings, &clock, &Chance::seeded(1)).unwrap().unwrap();
    (server, platform, clock)
}

#[tokio::test]
async fn a_code_that_says_that_the_token_has_ended_is_met_by_a_new_token() {
    let delivered = Outcome::Delivered(Receipt { remote_id: Some("7".to_owned()), token: None });
    let (_server, platform, _) = forgetful(true).await;
    assert_eq!(platform.submit(&Dispatch::example()).await, delivered);
    // Where the description doesn't say so, nobody knows what it meant: the next goes with a new one, but not for ever.
    let (_server, platform, clock) = forgetful(false).await;
    for _ in 0..2 {
        let outcome = platform.submit(&Dispatch::example()).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    }
    clock.set(clock.now().checked_add(jiff::SignedDuration::from_secs(6)).unwrap());
    assert!(matches!(platform.submit(&Dispatch::example()).await, Outcome::Unknown { .. }));
    assert_eq!(platform.submit(&Dispatch::example()).await, delivered);
}

#[tokio::test]
async fn a_code_that_is_done_counts_whatever_http_says() {
    for status in [400, 401, 404, 429] {
        let server = MockServer::start().await;
        gives_tokens(&server, 604_800).await;
        let body = json!({"code": 0, "id": "7"});
        let answer = ResponseTemplate::new(status).set_body_json(body);
        let cases = Mock::given(method("POST")).and(path("/v1/cases"));
        cases.respond_with(answer).mount(&server).await;
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(&server, "oauth-feed.toml", dir.path(), PATIENCE);
        let file = dir.path().join("oauth-feed.toml");
        let answer = "[submit.answer]\ncode = '/code'\ndone = ['0']\n";
        let text = std::fs::read_to_string(&file).unwrap().replace("[submit.answer]\n", answer);
        std::fs::write(&file, text).unwrap();
        let clock = Clock::manual("2022-04-20T01:00:00Z".parse().unwrap());
        let platform = platform(&settings, &clock, &Chance::seeded(1)).unwrap().unwrap();
        let delivered =
            Outcome::Delivered(Receipt { remote_id: Some("7".to_owned()), token: None });
        assert_eq!(platform.submit(&Dispatch::example()).await, delivered, "{status}");
    }
}

/// Whatever status it stands under (RFC 6750, 3.1).
#[tokio::test]
async fn a_token_that_is_dead_is_no_refusal_of_the_matter() {
    let server = MockServer::start().await;
    gives_tokens(&server, 604_800).await;
    Mock::given(method("POST"))
        .and(path("/v1/cases"))
        .respond_with(|request: &Request| {
            match request.headers["authorization"].to_str().unwrap() {
                "Bearer t1" | "Bearer t3" | "Bearer t4" => {
                    ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_token"}))
                }
                _ => json_answer(json!({"id": "7"})),
            }
        })
        .mount(&server)
        .await;
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&server, "oauth-feed.toml", dir.path(), PATIENCE);
    let clock = Clock::manual("2022-04-20T01:00:00Z".parse().unwrap());
    let platform = platform(&settings, &clock, &Chance::seeded(1)).unwrap().unwrap();
    let delivered = Outcome::Delivered(Receipt { remote_id: Some("7".to_owned()), token: None });
    assert_eq!(platform.submit(&Dispatch::example()).await, delivered);
    clock.set(clock.now().checked_add(jiff::SignedDuration::from_hours(300)).unwrap());
    let outcome = platform.submit(&Dispatch::example()).await;
    assert!(matches!(outcome, Outcome::NotSent { .. }), "{outcome:?}");
}
