//! The Open311 adapter against answers of every kind, and against the sandbox in both forms.

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{body_string_contains, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};
use zoufang::clock::Clock;
use zoufang::db::{Dispatch, Message, Receipt};
use zoufang::delivery::Outcome;
use zoufang::domain::delivery::search::SearchResult;
use zoufang::domain::issue::{Category, Urgency};
use zoufang::domain::referral::PlatformStatus;
use zoufang::platform::Platform;
use zoufang::platform::open311::Open311;
use zoufang::sandbox::{Faults, Profile, Sandbox};
use zoufang::settings::Settings;

use crate::support::sought;

fn adapter(endpoint: &str, format: &str) -> Open311 {
    // What must come in time comes on a busy machine too.
    adapter_within("20s", endpoint, format)
}

fn adapter_within(timeout: &str, endpoint: &str, format: &str) -> Open311 {
    let text = format!(
        "[platform]\nadapter = 'open311'\nendpoint = '{endpoint}'\nformat = '{format}'\ntimeout = '{timeout}'\n\
         jurisdiction_id = 'tengzhou.example'\napi_key = 'k&1'\n[outbox]\nlease = '1m'"
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    Open311::new(&settings.platform, Clock::system()).unwrap()
}

fn dispatch() -> Dispatch {
    Dispatch {
        reference: "CHD2022-000007-R1".to_owned(),
        issue_number: "CHD2022-000007".to_owned(),
        previous: None,
        category: Category::LivingEnvironment,
        urgency: Urgency::Urgent,
        text: "路灯不亮 <夜里> & \"黑\"".to_owned(),
        resident: "王建国".to_owned(),
        contact: Some("13800000001".to_owned()),
        address: Some("1号".to_owned()),
        area_code: Some("370481111200".to_owned()),
        area_name: "高桥村委会".to_owned(),
        uploader: Some("李网格".to_owned()),
        centre: Some("周正".to_owned()),
    }
}

/// Where this sandbox serves until it's told to stop.
async fn served(sandbox: &Sandbox) -> (String, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (stop, serving) = (CancellationToken::new(), sandbox.clone());
    let stopped = stop.clone();
    tokio::spawn(async move { serving.serve(listener, stopped).await });
    (endpoint, stop)
}

async fn answered(template: ResponseTemplate) -> Outcome {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/requests.json"))
        .respond_with(template)
        .mount(&server)
        .await;
    adapter(&server.uri(), "json").submit(&dispatch()).await
}

fn delivered(remote_id: Option<&str>, token: Option<&str>) -> Outcome {
    Outcome::Delivered(Receipt {
        remote_id: remote_id.map(str::to_owned),
        token: token.map(str::to_owned),
    })
}

#[tokio::test]
async fn a_submission_carries_what_geo_report_asks_for() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/requests.json"))
        .and(body_string_contains("service_code=living_environment"))
        .and(body_string_contains("jurisdiction_id=tengzhou.example"))
        .and(body_string_contains("api_key=k%261"))
        .and(body_string_contains("address_string="))
        .and(body_string_contains("%5BCHD2022-000007-R1%5D"))
        .respond_with(
            ResponseTemplate::new(201).set_body_string(r#"[{"service_request_id":"293944"}]"#),
        )
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(
        adapter(&server.uri(), "json").submit(&dispatch()).await,
        delivered(Some("293944"), None)
    );
}

#[tokio::test]
async fn every_kind_of_answer_has_its_outcome() {
    let body = |status: u16, body: &str| ResponseTemplate::new(status).set_body_string(body);
    // An id that is a number; a token; a bare object.
    assert_eq!(
        answered(body(200, r#"[{"service_request_id":293944}]"#)).await,
        delivered(Some("293944"), None)
    );
    assert_eq!(answered(body(200, r#"[{"token":"12345"}]"#)).await, delivered(None, Some("12345")));
    assert_eq!(
        answered(body(200, r#"{"service_request_id":"1"}"#)).await,
        delivered(Some("1"), None)
    );
    // The platform's own no, with its words, and no telephone number in them.
    let no =
        answered(body(400, r#"[{"code":400,"description":"service_code 不存在 13800000001"}]"#))
            .await;
    assert_eq!(
        no,
        Outcome::Refused { reason: "HTTP 400 service_code 不存在 ***********".to_owned() }
    );
    // GeoReport's own name for a failure of the platform's: no word about what was sent.
    let failed =
        answered(body(400, r#"[{"code":400,"description":"General Service Error: timeout"}]"#));
    assert!(matches!(failed.await, Outcome::Errored { .. }));
    // The same under a success; and a no in some form of its own, of which nobody knows what it means.
    let no = answered(body(200, r#"[{"code":"400","description":"地址不能为空"}]"#)).await;
    assert_eq!(no, Outcome::Refused { reason: "HTTP 400 地址不能为空".to_owned() });
    for unclear in [
        r#"{"success":false,"code":500,"message":"系统繁忙"}"#,
        r#"[{"error":"not now"}]"#,
        r#"[{"code":500,"description":"oops"}]"#,
    ] {
        let unclear = answered(body(200, unclear)).await;
        assert!(
            matches!(unclear, Outcome::Unknown { .. } | Outcome::Errored { .. }),
            "{unclear:?}"
        );
    }
    // Ours to mend: the issue isn't refused.
    for status in [401, 403, 404] {
        assert!(matches!(answered(body(status, "")).await, Outcome::NotSent { .. }), "{status}");
    }
    let busy = answered(ResponseTemplate::new(503).insert_header("retry-after", "120")).await;
    assert!(
        matches!(busy, Outcome::NotSent { retry_after: Some(wait), .. } if wait.as_secs() == 120),
        "{busy:?}"
    );
    // It may have arrived.
    for failed in [500, 503] {
        assert!(matches!(answered(body(failed, "")).await, Outcome::Errored { .. }), "{failed}");
    }
    for unsure in [
        body(301, ""),
        body(303, ""),
        body(307, ""),
        body(409, ""),
        body(502, "<html>"),
        body(200, "<html>ok</html>"),
        body(200, "[{\"service"),
    ] {
        assert!(matches!(answered(unsure).await, Outcome::Unknown { .. }));
    }
    // It has it, as it says, and names no number.
    for accepted in [body(200, "[]"), body(202, ""), body(201, "[]"), body(204, "")] {
        assert!(matches!(answered(accepted).await, Outcome::Accepted { .. }));
    }
    let endless = body(200, &format!("[\"{}\"]", "x".repeat(5 << 20)));
    assert!(matches!(answered(endless).await, Outcome::Unknown { .. }));
    let server = MockServer::start().await;
    let silent = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(60));
    Mock::given(method("POST")).respond_with(silent).mount(&server).await;
    let hasty = adapter_within("500ms", &server.uri(), "json").submit(&dispatch()).await;
    assert!(matches!(hasty, Outcome::Unknown { .. }));
    // Nobody there: it certainly didn't arrive.
    let nobody = adapter("http://127.0.0.1:9", "json").submit(&dispatch()).await;
    assert!(matches!(nobody, Outcome::NotSent { .. }), "{nobody:?}");
}

#[tokio::test]
async fn what_a_cache_gives_is_as_old_as_it_says() {
    let from: Timestamp = "2022-03-05T01:00:00Z".parse().unwrap();
    let known = [("CHD2022-000009-R1", "3")];
    let sought =
        sought("CHD2022-000008-R1", "灯", from, from + SignedDuration::from_hours(1), &known);
    let body =
        r#"[{"service_request_id":"3","description":"桥[CHD2022-000009-R1]","status":"open"}]"#;
    let date = |minutes: i64| {
        let at = Timestamp::now() - SignedDuration::from_mins(minutes);
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap()
    };
    for (name, value, absent, dated) in [
        ("age", "60".to_owned(), true, Some(true)),
        ("age", "3600".to_owned(), false, Some(true)),
        ("warning", "110 cache \"Response is stale\"".to_owned(), false, None),
        ("x-cache-status", "HIT".to_owned(), false, None),
        ("x-cache-status", "MISS".to_owned(), true, Some(false)),
        ("date", date(5), true, Some(false)),
        ("date", date(120), false, Some(true)),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).insert_header(name, &*value);
        Mock::given(method("GET")).respond_with(answer.set_body_string(body)).mount(&server).await;
        let adapter = adapter(&server.uri(), "json");
        let seen = adapter.find(&sought).await.unwrap();
        assert_eq!(seen == SearchResult::Absent, absent, "{name}: {value} {seen:?}");
        // How it stands now, without a time of its own: so it was when it was made.
        let told = adapter.fetch(&["3".to_owned()]).await;
        let told = told.ok().map(|told| told.updates[0].at.is_some());
        assert_eq!(told, dated, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_look_tells_absent_from_unseen() {
    let server = MockServer::start().await;
    let requests = r#"[{"service_request_id":"1","description":"灯[CHD2022-000007-R12]"},
                       {"service_request_id":"2","description":"灯 [CHD2022-000007-R1]"},
                       {"service_request_id":"3","description":"桥[CHD2022-000009-R1]"}]"#;
    let listed = Mock::given(method("GET"))
        .and(path("/requests.json"))
        .and(query_param("start_date", "2022-03-05T01:00:00Z"))
        .respond_with(ResponseTemplate::new(200).set_body_string(requests))
        .mount_as_scoped(&server)
        .await;
    let from: Timestamp = "2022-03-05T01:00:00Z".parse().unwrap();
    let to = from + SignedDuration::from_hours(1);
    let adapter = adapter(&server.uri(), "json");
    let known = [("CHD2022-000009-R1", "3")];
    let look = async |reference: &str, known: &[(&str, &str)]| {
        adapter.find(&sought(reference, "灯", from, to, known)).await
    };
    let found = look("CHD2022-000007-R1", &known).await.unwrap();
    assert!(
        matches!(found, SearchResult::Found(receipt) if receipt.remote_id.as_deref() == Some("2"))
    );
    assert_eq!(look("CHD2022-000008-R1", &known).await.unwrap(), SearchResult::Absent);
    let looked = server.received_requests().await.unwrap();
    assert!(looked.iter().all(|asked| asked.headers["cache-control"] == "no-cache"));
    // Nothing that is known to be there is listed: then what isn't listed may be there too.
    for known in [&[][..], &[("CHD2022-000010-R1", "4")], &[("CHD2022-000010-R1", "3")]] {
        let seen = look("CHD2022-000008-R1", known).await.unwrap();
        assert!(matches!(seen, SearchResult::Unproven(_)), "{seen:?}");
    }
    // No answer is not an absence, and a refusal to answer is neither.
    drop(listed);
    for (status, mute) in [
        (500, false),
        (503, false),
        (401, false),
        (303, false),
        (404, true),
        (400, true),
        (405, true),
        (501, true),
    ] {
        let refused = Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(status))
            .mount_as_scoped(&server)
            .await;
        let seen = look("CHD2022-000007-R1", &known).await;
        assert_eq!(matches!(seen, Ok(SearchResult::Mute { .. })), mute, "{status}: {seen:?}");
        assert_eq!(seen.is_err(), !mute, "{status}");
        drop(refused);
    }
}

#[tokio::test]
async fn what_was_closed_at_once_is_found_where_lists_show_what_is_open() {
    // And where nothing is closed, however that is written, what isn't there is absent.
    for kind in ["open-only", "null-for-none"] {
        among_the_closed(kind).await;
    }
}

/// Nothing was received on the day in question, and the last page holds nothing, either.
#[tokio::test]
async fn what_is_sought_is_absent_where_an_empty_list_is_null() {
    let start: Timestamp = "2022-04-20T01:00:00Z".parse().unwrap();
    let clock = Clock::manual(start);
    let behaviour = Profile::read("null-for-none").unwrap();
    let sandbox = Sandbox::like(clock.clone(), 1, Faults::default(), behaviour);
    let (endpoint, stop) = served(&sandbox).await;
    let adapter = adapter(&endpoint, "json");
    let mut number = None;
    for n in 0..25 {
        clock.set(start + SignedDuration::from_hours(10 * 24 + n));
        let later = Dispatch { reference: format!("CHD2022-0001{n:02}-R1"), ..dispatch() };
        let Outcome::Delivered(receipt) = adapter.submit(&later).await else {
            panic!("not delivered")
        };
        number = receipt.remote_id;
    }
    let known = [("CHD2022-000124-R1", number.as_deref().unwrap())];
    for to in [start + SignedDuration::from_hours(1), clock.now() + SignedDuration::from_hours(1)] {
        let mut sought = sought("CHD2022-000009-R1", "井盖不见了，快来人", start, to, &known);
        sought.controls[0].since = clock.now();
        sought.controls[0].at = clock.now();
        sought.lag.now = clock.now();
        assert_eq!(adapter.find(&sought).await.unwrap(), SearchResult::Absent, "until {to}");
    }
    stop.cancel();
}

async fn among_the_closed(kind: &str) {
    let start: Timestamp = "2022-04-20T01:00:00Z".parse().unwrap();
    let clock = Clock::manual(start);
    let behaviour = Profile::read(kind).unwrap();
    let sandbox = Sandbox::like(clock.clone(), 1, Faults::default(), behaviour);
    let (endpoint, stop) = served(&sandbox).await;
    let adapter = adapter(&endpoint, "json");
    adapter.submit(&dispatch()).await;
    clock.set(start + SignedDuration::from_hours(60 * 24));
    // A control that is open, and was sent later.
    let later = Dispatch { reference: "CHD2022-000008-R1".to_owned(), ..dispatch() };
    let Outcome::Delivered(known) = adapter.submit(&later).await else { panic!("not delivered") };
    let known = [("CHD2022-000008-R1", known.remote_id.as_deref().unwrap())];
    let to = clock.now() + SignedDuration::from_hours(1);
    let look = async |reference: &str, words: &str| {
        adapter.find(&sought(reference, words, start, to, &known)).await.unwrap()
    };
    let seen = look("CHD2022-000007-R1", &dispatch().text).await;
    assert!(matches!(seen, SearchResult::Found(_)), "{kind} {seen:?}");
    assert_eq!(
        look("CHD2022-000009-R1", "井盖不见了，快来人").await,
        SearchResult::Absent,
        "{kind}"
    );
    stop.cancel();
}

#[tokio::test]
async fn it_speaks_with_the_sandbox_in_both_forms() {
    for (format, faults) in
        [("json", "none"), ("xml", "none"), ("json", "token=1"), ("xml", "token=1")]
    {
        let clock = Clock::manual("2022-04-20T01:00:00Z".parse().unwrap());
        let sandbox = Sandbox::new(clock.clone(), 1, Faults::read(faults).unwrap());
        let (endpoint, stop) = served(&sandbox).await;
        let adapter = adapter(&endpoint, format);
        assert!(adapter.service_gaps().await.unwrap().is_empty());

        let Outcome::Delivered(receipt) = adapter.submit(&dispatch()).await else {
            panic!("{format}")
        };
        assert_eq!(sandbox.ledger().requests.len(), 1);
        let number = match receipt {
            Receipt { remote_id: Some(number), .. } => number,
            Receipt { token, .. } => {
                let token = token.unwrap();
                assert_eq!(adapter.number_of(&token).await.unwrap(), None);
                clock.set("2022-04-20T02:00:00Z".parse().unwrap());
                adapter.number_of(&token).await.unwrap().unwrap()
            }
        };
        let first = adapter.fetch(std::slice::from_ref(&number)).await.unwrap().updates;
        assert_eq!(first[0].status, Some(PlatformStatus::Received));
        clock.set("2022-06-20T02:00:00Z".parse().unwrap());
        let both = adapter.fetch(&[number.clone(), "none".to_owned()]).await.unwrap().updates;
        assert_eq!((both.len(), both[0].status), (1, Some(PlatformStatus::Resolved)));
        let (from, to) =
            ("2022-04-20T00:00:00Z".parse().unwrap(), "2022-04-20T03:00:00Z".parse().unwrap());
        let sought = sought("CHD2022-000007-R1", &dispatch().text, from, to, &[]);
        assert!(matches!(adapter.find(&sought).await.unwrap(), SearchResult::Found(_)));
        stop.cancel();
    }
}

#[tokio::test]
async fn a_service_code_that_the_platform_lacks_is_named() {
    // A list that is null holds none.
    for (listed, lacking) in [(r#"[{"service_code":"other"}]"#, 6), ("null", 7)] {
        let server = MockServer::start().await;
        Mock::given(path("/services.json"))
            .respond_with(ResponseTemplate::new(200).set_body_string(listed))
            .mount(&server)
            .await;
        let gaps = adapter(&server.uri(), "json").service_gaps().await.unwrap();
        assert_eq!(gaps.len(), lacking, "{listed}");
        assert_eq!(gaps[0].category, Category::LivingEnvironment);
    }
}

#[tokio::test]
async fn a_service_gets_the_attributes_that_it_defines() {
    let json = [
        r#"[{"service_code":"living_environment","metadata":true},{"service_code":"other","metadata":false}]"#,
        r#"{"service_code":"living_environment","attributes":[
            {"variable":true,"code":"URGENT","datatype":"singlevaluelist","required":true,"order":1,
             "values":[{"key":"1","name":"急"},{"key":"0","name":"不急"}]},
            {"variable":true,"code":"REPORTER","datatype":"string","required":true,"order":2},
            {"variable":false,"code":"NOTE","datatype":"text","required":true,"order":3}]}"#,
    ];
    let xml = [
        "<services><service><service_code>living_environment</service_code><metadata>true</metadata></service>\
         <service><service_code>other</service_code><metadata>false</metadata></service></services>",
        "<service_definition><service_code>living_environment</service_code><attributes>\
         <attribute><variable>true</variable><code>URGENT</code><required>true</required>\
         <values><value><key>1</key><name>急</name></value></values></attribute>\
         <attribute><variable>true</variable><code>REPORTER</code><required>true</required></attribute>\
         <attribute><variable>false</variable><code>NOTE</code><required>true</required></attribute>\
         </attributes></service_definition>",
    ];
    for (format, [services, definition]) in [("json", json), ("xml", xml)] {
        let server = MockServer::start().await;
        let given = |text: &str| ResponseTemplate::new(200).set_body_string(text);
        let receipt = match format {
            "json" => r#"[{"service_request_id":"1"}]"#,
            _ => {
                "<service_requests><request><service_request_id>1</service_request_id></request></service_requests>"
            }
        };
        Mock::given(path(format!("/services.{format}")))
            .respond_with(given(services))
            .mount(&server)
            .await;
        Mock::given(path(format!("/services/living_environment.{format}")))
            .respond_with(given(definition))
            .expect(2)
            .mount(&server)
            .await;
        Mock::given(method("POST"))
            .and(path(format!("/requests.{format}")))
            .respond_with(given(receipt))
            .mount(&server)
            .await;
        let text = format!(
            "[platform]\nadapter = 'open311'\nendpoint = '{}'\nformat = '{format}'\n\
             attributes = [{{ code = 'URGENT', value = \"{{{{ 1 if urgency == 'urgent' else 0 }}}}\" }}, \
             {{ code = 'ELSEWHERE', value = 'x' }}]",
            server.uri()
        );
        let settings = Settings::from_text(&text, "test").unwrap();
        let adapter = Open311::new(&settings.platform, Clock::system()).unwrap();
        let other = Dispatch { category: Category::Other, ..dispatch() };
        for dispatch in [&dispatch(), &dispatch(), &other] {
            assert_eq!(adapter.submit(dispatch).await, delivered(Some("1"), None));
        }
        let received = server.received_requests().await.unwrap();
        let posted: Vec<String> = received
            .iter()
            .filter(|request| request.method.as_str() == "POST")
            .map(|request| String::from_utf8(request.body.clone()).unwrap())
            .collect();
        let carries = |body: &String| body.contains("attribute%5BURGENT%5D=1");
        assert_eq!(posted.iter().map(carries).collect::<Vec<_>>(), [true, true, false]);
        assert!(!posted.iter().any(|body| body.contains("ELSEWHERE")));
        // What it requires and nobody configured is named.
        let gaps = adapter.service_gaps().await.unwrap();
        let lacking: Vec<_> = gaps.iter().filter_map(|gap| gap.attribute.as_deref()).collect();
        // What isn't a variable is asked for all the same by those who say that it's required.
        assert_eq!(lacking, ["REPORTER", "NOTE"]);
    }
}

#[test]
fn a_misspelt_attribute_template_is_named() {
    let text = "[platform]\nadapter = 'open311'\nendpoint = 'http://127.0.0.1:9'\n\
        attributes = [{ code = 'A', value = '{{ urgncy }}' }]";
    let settings = Settings::from_text(text, "test").unwrap();
    let wrong = Open311::new(&settings.platform, Clock::system()).err().unwrap().to_string();
    assert!(wrong.contains("platform.attributes") && wrong.contains("urgncy"), "{wrong}");
}

/// A township's platform as mysociety/open311-adapter publishes it, by configuration alone.
const COUNCIL: &str = "attributes = [{ code = 'easting', value = '420000' }, { code = 'northing', value = '3860000' }, \
    { code = 'fixmystreet_id', value = '{{ reference }}' }]\nservice_request_updates = true\nmessages = true";

async fn council(
    format: &str,
    kinds: &str,
    settings: &str,
) -> (Sandbox, Open311, CancellationToken) {
    let clock = Clock::manual("2022-04-20T01:00:00Z".parse().unwrap());
    let behaviour = Profile::read(kinds).unwrap();
    let sandbox = Sandbox::like(clock.clone(), 1, Faults::default(), behaviour);
    let (endpoint, stop) = served(&sandbox).await;
    let text = format!(
        "[platform]\nadapter = 'open311'\nendpoint = '{endpoint}'\nformat = '{format}'\napi_key = 'k'\n{settings}"
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    (sandbox, Open311::new(&settings.platform, clock).unwrap(), stop)
}

#[tokio::test]
async fn a_strict_platform_is_spoken_to_by_configuration_alone() {
    for format in ["json", "xml"] {
        let (sandbox, adapter, stop) = council(format, "open311-adapter", COUNCIL).await;
        assert!(adapter.service_gaps().await.unwrap().is_empty());
        let Outcome::Delivered(receipt) = adapter.submit(&dispatch()).await else { panic!() };
        let number = receipt.remote_id.unwrap();
        let stored = sandbox.ledger().requests[0].clone();
        assert_eq!(stored.form["attribute[fixmystreet_id]"], "CHD2022-000007-R1");
        let update = adapter.fetch(std::slice::from_ref(&number)).await.unwrap().updates;
        let message = Message {
            remote_id: number,
            // It gives its words in lower case and takes them in upper case.
            remote_word: Some(update[0].word.clone()),
            ..Message::example()
        };
        assert!(matches!(adapter.append(&message).await, Outcome::Delivered(_)));
        assert_eq!(sandbox.ledger().messages[0].form["status"], "OPEN");
        let changed = adapter.changes(None).await.unwrap();
        assert!(changed.updates.iter().any(|update| update.word == "open"), "{changed:?}");
        stop.cancel();
    }
    // What it requires and nobody configured is named, for each service.
    let (_, adapter, _stop) = council("json", "open311-adapter", "").await;
    let gaps = adapter.service_gaps().await.unwrap();
    assert_eq!(gaps.len(), 7 * 3);
    assert!(gaps[0].to_string().contains("「easting」"), "{}", gaps[0]);
}

#[tokio::test]
async fn a_key_goes_where_configuration_says() {
    let everywhere = "api_key_in = 'everywhere'";
    let (_, adapter, _stop) = council("json", "key-everywhere", everywhere).await;
    assert!(adapter.service_gaps().await.unwrap().is_empty());
    assert!(matches!(adapter.submit(&dispatch()).await, Outcome::Delivered(_)));
    assert!(adapter.fetch(&["0000001".to_owned()]).await.unwrap().updates.len() == 1);
    let (_, adapter, _stop) = council("json", "key-everywhere", "").await;
    assert!(adapter.service_gaps().await.is_err());
    let (_, adapter, _stop) = council("json", "open311-adapter", everywhere).await;
    assert!(adapter.service_gaps().await.is_err());
}

/// A feed of updates that answers each window by what lies in it.
async fn feed(
    answer: impl Fn(Vec<Timestamp>) -> ResponseTemplate + Send + Sync + 'static,
) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/servicerequestupdates.json"))
        .respond_with(move |request: &wiremock::Request| {
            let window = request.url.query_pairs().filter(|(name, _)| name.ends_with("_date"));
            answer(window.map(|(_, at)| at.parse().unwrap()).collect())
        })
        .mount(&server)
        .await;
    server
}

fn with_feed(server: &MockServer, clock: &Clock) -> Open311 {
    let text = format!(
        "[platform]\nadapter = 'open311'\nendpoint = '{}'\nservice_request_updates = true\ntimeout = '5s'\n\
         [outbox]\nlease = '1m'",
        server.uri()
    );
    Open311::new(&Settings::from_text(&text, "test").unwrap().platform, clock.clone()).unwrap()
}

fn update(number: usize, at: &str, more: &str) -> serde_json::Value {
    serde_json::json!({
        "update_id": format!("u{number}"), "service_request_id": number.to_string(), "status": "closed",
        "updated_datetime": at, "description": format!("好{more}"),
    })
}

#[tokio::test]
async fn a_window_that_holds_none_is_no_failure_however_thats_said() {
    let at = "2022-04-20T08:00:00Z";
    let clock = Clock::manual("2022-04-20T09:00:00Z".parse().unwrap());
    let not_found = |body: &str| ResponseTemplate::new(404).set_body_string(body);
    for empty in [
        ResponseTemplate::new(200).set_body_string("null"),
        ResponseTemplate::new(204),
        not_found(r#"[{"code": 404, "description": "No updates found"}]"#),
        not_found("[]"),
    ] {
        let says = empty.clone();
        let server = feed(move |window| {
            match window[0] <= at.parse().unwrap() && at.parse::<Timestamp>().unwrap() <= window[1]
            {
                true => ResponseTemplate::new(200).set_body_json(
                    (0..12).map(|number| update(number, at, "")).collect::<Vec<_>>(),
                ),
                false => says.clone(),
            }
        })
        .await;
        // Twelve at one moment: each half but one holds none.
        let adapter = with_feed(&server, &clock);
        let changed = adapter.changes(Some("2022-04-20T07:00:00Z")).await.unwrap();
        assert_eq!((changed.updates.len(), changed.more), (12, false));
        let nothing = adapter.changes(Some("2022-04-20T09:00:00Z")).await.unwrap();
        assert!(nothing.updates.len() <= 12 && !nothing.unsure);
    }
    // Twenty at one moment may be all that it gives at once.
    let server = feed(move |window| {
        let within =
            window[0] <= at.parse().unwrap() && at.parse::<Timestamp>().unwrap() <= window[1];
        let told: Vec<_> =
            (0..20).filter(|_| within).map(|number| update(number, at, "")).collect();
        ResponseTemplate::new(200).set_body_json(told)
    })
    .await;
    let changed = with_feed(&server, &clock).changes(Some("2022-04-20T07:00:00Z")).await.unwrap();
    assert_eq!((changed.updates.len(), changed.unsure), (20, true));
    // Where there never was a list, 404 may as well mean that there is none: what is open is asked about too.
    let server = feed(move |_| not_found(r#"[{"code": 404, "description": "not found"}]"#)).await;
    assert!(with_feed(&server, &clock).changes(None).await.unwrap().unsure);
    let server = feed(move |_| not_found("<html>404</html>")).await;
    assert!(with_feed(&server, &clock).changes(None).await.is_err());
}

#[tokio::test]
async fn an_error_under_a_success_is_no_empty_list() {
    let clock = Clock::manual("2022-04-20T09:00:00Z".parse().unwrap());
    let says = |body: &str| ResponseTemplate::new(200).set_body_string(body);
    for error in [
        r#"[{"code": 500, "description": "数据库繁忙"}]"#,
        r#"{"success": false, "message": "系统繁忙"}"#,
    ] {
        let answer = says(error);
        let server = feed(move |_| answer.clone()).await;
        assert!(with_feed(&server, &clock).changes(None).await.is_err(), "{error}");
        let requests = Mock::given(path("/requests.json")).respond_with(says(error));
        requests.mount(&server).await;
        let standing = with_feed(&server, &clock).fetch(&["1".to_owned(), "2".to_owned()]).await;
        assert!(standing.is_err(), "{error}");
    }
    let none = says(r#"[{"code": 404, "description": "No updates found"}]"#);
    let server = feed(move |_| none.clone()).await;
    assert!(with_feed(&server, &clock).changes(None).await.unwrap().updates.is_empty());
    // What can't be read in a feed isn't known: what is open is asked about too.
    let at = "2022-04-20T08:00:00Z";
    let told = vec![update(1, at, ""), serde_json::json!({"update_id": "u2", "status": "closed"})];
    let server = feed(move |_| ResponseTemplate::new(200).set_body_json(&told)).await;
    let changed = with_feed(&server, &clock).changes(None).await.unwrap();
    assert_eq!((changed.updates.len(), changed.unread.len(), changed.unsure), (1, 1, true));
}

#[tokio::test]
async fn a_feed_longer_than_is_read_at_once_is_read_in_parts() {
    let clock = Clock::manual("2022-04-20T20:00:00Z".parse().unwrap());
    let server = feed(|window| {
        let hours = (0..24).map(|hour| format!("2022-04-20T{hour:02}:00:00Z"));
        let within = hours.enumerate().filter(|(_, at)| {
            let at = at.parse::<Timestamp>().unwrap();
            window[0] <= at && at <= window[1]
        });
        let rows: Vec<_> =
            within.map(|(hour, at)| update(hour, &at, &"，办理情况".repeat(60_000))).collect();
        ResponseTemplate::new(200).set_body_json(rows)
    })
    .await;
    let adapter = with_feed(&server, &clock);
    let (mut cursor, mut told) =
        (Some("2022-04-20T00:00:00Z".to_owned()), std::collections::BTreeSet::new());
    for _ in 0..20 {
        let changed = adapter.changes(cursor.as_deref()).await.unwrap();
        told.extend(changed.updates.into_iter().map(|update| update.remote_id));
        cursor = changed.cursor;
        if !changed.more {
            break;
        }
    }
    assert_eq!(told.len(), 21, "{told:?}");
    assert_eq!(cursor.as_deref(), Some("2022-04-20T20:00:00Z"));
    // One that gives all of it whatever is asked for is asked a few times, and failed.
    let server =
        feed(|_| ResponseTemplate::new(200).set_body_string(" ".repeat((4 << 20) + 1))).await;
    assert!(with_feed(&server, &clock).changes(Some("2022-04-20T00:00:00Z")).await.is_err());
    assert!(server.received_requests().await.unwrap().len() < 60);
}

#[tokio::test]
async fn what_comes_compressed_though_nobody_asked_is_read() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(r#"[{"service_request_id":"7","status":"closed"}]"#.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let template = |bytes: &[u8]| {
        ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_bytes(bytes)
    };
    assert_eq!(answered(template(&packed)).await, delivered(Some("7"), None));
    let mut packed_so = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packed_so.write_all(r#"[{"service_request_id":"8"}]"#.as_bytes()).unwrap();
    let deflated = |bytes: &[u8]| {
        ResponseTemplate::new(200)
            .insert_header("content-encoding", "deflate")
            .set_body_bytes(bytes)
    };
    let packed_so = packed_so.finish().unwrap();
    assert_eq!(answered(deflated(&packed_so)).await, delivered(Some("8"), None));
    let bare = &packed_so[2..packed_so.len() - 4];
    assert_eq!(answered(deflated(bare)).await, delivered(Some("8"), None));
    let cut = answered(template(&packed[..packed.len() - 12])).await;
    assert!(
        matches!(&cut, Outcome::Unknown { reason } if reason.starts_with("compressed")),
        "{cut:?}"
    );
}

#[tokio::test]
async fn what_stands_where_there_is_no_number_yet_is_none() {
    for (body, outcome) in [
        (r#"[{"service_request_id": 0, "token": "t1"}]"#, delivered(None, Some("t1"))),
        (r#"[{"service_request_id": null, "token": "t1"}]"#, delivered(None, Some("t1"))),
        (r#"[{"service_request_id": "7", "token": 0}]"#, delivered(Some("7"), None)),
    ] {
        assert_eq!(answered(ResponseTemplate::new(201).set_body_string(body)).await, outcome);
    }
    let none =
        answered(ResponseTemplate::new(201).set_body_string(r#"[{"service_request_id": 0}]"#))
            .await;
    assert!(matches!(none, Outcome::Accepted { .. }), "{none:?}");
}
