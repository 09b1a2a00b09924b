//! `check` asks: each key of a right description, changed, is named, or a run shows that it's harmless.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wiremock::{Mock, MockServer, ResponseTemplate};
use zoufang::app::deliveries::Deliveries;
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::platform;
use zoufang::delivery::{Lane, LaneRules};
use zoufang::domain::issue::State;
use zoufang::platform::{Platform, PlatformTransport, Remark, Verdict};
use zoufang::sandbox::{Faults, Profile, Sandbox};
use zoufang::settings::Settings;

use crate::support::gateway::{Gateway, SECRET};
use crate::support::program::{run, zoufang};
use crate::support::{Fixture, VISITS, lane_rules, list_lag};

/// The description in docs/connecting.md.
fn description() -> String {
    let page = include_str!("../../docs/connecting.md");
    let blocks = page.split("```toml\n").skip(1).filter_map(|block| block.split_once("```"));
    let found = blocks.map(|(block, _)| block).find(|block| block.starts_with("name = "));
    found.unwrap().to_owned()
}

fn connect(
    text: &str,
    endpoint: &str,
    clock: &Clock,
    dir: &Path,
) -> Result<Arc<dyn Platform>, String> {
    let file = dir.join("platform.toml");
    std::fs::write(&file, text).unwrap();
    let settings = format!(
        "[platform]\nadapter = 'rest'\nendpoint = '{endpoint}'\nfile = '{}'\napi_key = '{SECRET}'\ntimeout = '20s'\n",
        file.display()
    );
    let settings = Settings::from_text(&settings, "test").map_err(|error| error.to_string())?;
    platform(&settings, clock, &Chance::seeded(1))
        .map(Option::unwrap)
        .map_err(|error| error.to_string())
}

fn wrong(remarks: &[Remark]) -> Vec<&Remark> {
    remarks.iter().filter(|remark| remark.verdict != Verdict::Well).collect()
}

/// The keys of a description that hold something, and what.
fn leaves(value: &toml::Value, at: &str, found: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => {
            for (name, inner) in table {
                let dot = if at.is_empty() { "" } else { "." };
                leaves(inner, &format!("{at}{dot}{name}"), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

/// The description with one key changed, as a slip of the hand would.
fn slipped(text: &str, key: &str) -> String {
    let mut table: toml::Value = toml::from_str(text).unwrap();
    let mut place = &mut table;
    for name in key.split('.') {
        place = place.get_mut(name).unwrap();
    }
    *place = match place.clone() {
        toml::Value::String(text) => toml::Value::String(format!("{text}x")),
        toml::Value::Integer(number) => toml::Value::Integer(number * 3),
        toml::Value::Array(_) => toml::Value::Array(vec!["x".into()]),
        other => panic!("{key}: {other}"),
    };
    toml::to_string(&table).unwrap()
}

#[tokio::test]
async fn a_right_description_is_found_right() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let (server, _) = Gateway::start(clock.clone(), None).await;
    assert!(description().lines().count() < 100);
    let platform = connect(&description(), &server.uri(), &clock, dir.path()).unwrap();
    let remarks = platform.examine().await;
    assert!(wrong(&remarks).is_empty(), "{remarks:#?}");
    assert!(remarks.iter().any(|remark| remark.key == "find" && remark.text.contains("30 件")));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_slip_is_named_or_harmless() {
    let mut keys = Vec::new();
    leaves(&toml::from_str(&description()).unwrap(), "", &mut keys);
    assert!(keys.len() > 50, "{keys:?}");
    let mut harmless = Vec::new();
    for key in keys {
        match named(&key).await {
            Ok(true) => {}
            Ok(false) => {
                runs_without_harm(&key).await;
                harmless.push(key);
            }
            Err(said) => panic!("{key}: {said}"),
        }
    }
    println!("only a run shows: {harmless:?}");
    // What is asked is all verified: only names, what is given, and words that nobody has used yet are left.
    let left = |key: &str| {
        ["submit", "categories", "statuses"].contains(&key.split('.').next().unwrap())
            || ["name", "status_batch"].contains(&key)
            // What asks to come again isn't met by asking once.
            || key.ends_with(".busy")
    };
    assert!(harmless.iter().all(|key| left(key)), "{harmless:?}");
}

#[tokio::test]
async fn what_is_not_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let (server, _) = Gateway::start(clock.clone(), None).await;
    let whole: toml::Value = toml::from_str(&description()).unwrap();
    let mut named = 0;
    for key in [
        "find.answer.id",
        "find.answer.reference",
        "status.answer.id",
        "status.answer.status",
        "changes.answer.id",
        "changes.answer.status",
        "submit.answer.done",
        "find.answer.done",
    ] {
        let mut table = whole.clone();
        let (place, last) = key.rsplit_once('.').unwrap();
        let within = place.split('.').try_fold(&mut table, |place, name| place.get_mut(name));
        let Some(within) = within.and_then(toml::Value::as_table_mut) else { continue };
        if within.remove(last).is_none() {
            continue;
        }
        let text = toml::to_string(&table).unwrap();
        let platform = connect(&text, &server.uri(), &clock, dir.path()).unwrap();
        let remarks = platform.examine().await;
        assert!(wrong(&remarks).iter().any(|remark| remark.key == key), "{key}: {remarks:#?}");
        named += 1;
    }
    assert!(named >= 5, "{named}");
}

/// Whether `check` names a key that was changed.
async fn named(key: &str) -> Result<bool, String> {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let (server, _) = Gateway::start(clock.clone(), None).await;
    let table = key.split('.').next().unwrap();
    let platform = match connect(&slipped(&description(), key), &server.uri(), &clock, dir.path()) {
        Ok(platform) => platform,
        // What can't even be read says where.
        Err(said) => {
            let last = key.rsplit('.').next().unwrap();
            let named = said.contains(&format!("[{table}]"))
                || said.contains(last)
                || said.contains(" 行第 ");
            return if named { Ok(true) } else { Err(said) };
        }
    };
    let remarks = platform.examine().await;
    let found = wrong(&remarks);
    // By its own key, by that of its table, or in words beside the key where it shows.
    let is_about = |remark: &&Remark| {
        let table = key.starts_with(&format!("{}.", remark.key));
        remark.key == key || table || remark.text.contains(key)
    };
    match found.iter().find(|remark| is_about(remark)) {
        Some(_) => Ok(true),
        None if found.is_empty() => Ok(false),
        None => Err(format!("{found:#?}")),
    }
}

/// A township refers to the platform by a description with a slip: nothing twice, nothing lost without a word.
async fn runs_without_harm(key: &str) {
    let fixture = Fixture::sqlite().await.township().await;
    fixture.at(4, 20, 9);
    let dir = tempfile::tempdir().unwrap();
    let (server, gateway) = Gateway::start(fixture.clock.clone(), Some(2)).await;
    let text = slipped(&description(), key);
    let platform = connect(&text, &server.uri(), &fixture.clock, dir.path()).unwrap();
    let lines: String = (0..4)
        .map(|place| format!("\n2022-04-20,Z6,H1,王建国,,第{place}件,有,市直,其他,急"))
        .collect();
    fixture.import("v.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    let store = fixture.store.clone();
    for _ in 0..12 {
        let rules = LaneRules {
            concurrency: 2,
            breaker_failures: 50,
            breaker_pause: Duration::from_secs(1),
            ..lane_rules()
        };
        let transport = Arc::new(PlatformTransport::new(
            store.clone(),
            Arc::clone(&platform),
            Duration::from_secs(600),
            list_lag(),
        ));
        let with = (store.context().clock.clone(), store.context().chance.clone());
        let outbox = Arc::new(Deliveries::new(store.clone()));
        Lane::new("ehushanying", outbox, transport, with, rules, CancellationToken::new())
            .drain()
            .await
            .unwrap();
        fixture.clock.set(fixture.clock.now() + Duration::from_secs(600));
    }
    let debts = store.platform_debts().await.unwrap();
    // What the platform says no to comes back to the centre, with its words.
    let returned = store.issues_in(State::Returned, 100).await.unwrap();
    assert_eq!(debts.len() + returned.len(), 4, "{key}");
    let undelivered = store.debts(Some("ehushanying"), None, 100).await.unwrap();
    for (reference, number) in debts {
        let mark = format!("[{reference}]");
        let copies: Vec<String> = gateway
            .events()
            .into_iter()
            .filter(|event| event.matter.contains(&mark))
            .map(|event| event.flow_no)
            .collect();
        assert!(copies.len() <= 1, "{key}: {reference} is there {} times", copies.len());
        let shown = undelivered
            .iter()
            .any(|debt| debt.debt_key.contains(&reference) && debt.last_error.is_some());
        let known = number.is_some() && copies.first() == number.as_ref();
        assert!(known || shown, "{key}: {reference} was lost without a word");
    }
}

#[test]
fn what_may_be_written_is_said_where_something_else_was() {
    let dir = tempfile::tempdir().unwrap();
    let said = |config: &str| {
        std::fs::write(dir.path().join("zoufang.toml"), config).unwrap();
        let (code, out, _) = run(&["check", "--config", "zoufang.toml"], dir.path());
        assert_eq!(code, 2, "{out}");
        out
    };
    let out = said("[platform]\nadapter = 'open-311'\n");
    assert!(out.contains("platform.adapter：不能写「open-311」，可以写：none、open311、rest、workbook；是不是「open311」？"), "{out}");
    let out = said("[platform]\npoll_batch = 'x'\n");
    assert!(out.contains("platform.poll_batch：「x」的类型不对，应写整数"), "{out}");
    let out = said("[platform]\nattributes = [{ cod = 'x', value = 'y' }]\n");
    assert!(out.contains("没有「cod」这一项，可以写：code、value"), "{out}");
    let out = said("[notify]\nproxy = 'yes'\n");
    assert!(out.contains("notify.proxy：不能写「yes」") && out.contains("environment"), "{out}");
    let out = said("[platform]\nname = \n");
    assert!(out.contains("第 2 行第 8 列"), "{out}");
    for (slip, wanted) in [
        ("{{ refrence }}", "是不是「reference」？"),
        ("{{ reference | urlencod }}", "没有「urlencod」这个过滤器"),
        ("{{ reference", "写法不对"),
    ] {
        let text = description().replace("{{ description | urlencode }}", slip);
        std::fs::write(dir.path().join("p.toml"), text).unwrap();
        let out = said(
            "[platform]\nadapter = 'rest'\nendpoint = 'http://127.0.0.1:9'\nfile = 'p.toml'\n",
        );
        assert!(
            out.contains("✗ platform.file") && out.contains("[submit]") || out.contains("模板"),
            "{out}"
        );
        assert!(out.contains(wanted), "{slip}: {out}");
    }
}

/// What `zoufang check` says of a configuration, in an environment.
fn checked(config: &str, environment: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("zoufang.toml"), config).unwrap();
    let mut command = zoufang();
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
        command.env_remove(name);
    }
    let command = command.args(["check", "--config", "zoufang.toml"]).envs(environment.to_vec());
    let output = command.current_dir(dir.path()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_obeyed_only_where_configuration_says_so() {
    let proxy = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_string("[]");
    Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&proxy).await;
    let config = |proxy: &str| {
        format!(
            "[platform]\nadapter = 'open311'\nendpoint = 'http://platform.invalid'\nproxy = '{proxy}'\ntimeout = '20s'\n"
        )
    };
    let environment = [("HTTP_PROXY", proxy.uri())];
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let asked = || async { proxy.received_requests().await.unwrap().len() };
    let out = checked(&config(""), &environment);
    assert!(out.contains("！ platform.proxy：环境里有 HTTP_PROXY，没有照着走"), "{out}");
    assert!(out.contains("！ platform.endpoint：http://platform.invalid 不加密"), "{out}");
    assert_eq!(asked().await, 0);
    let out = checked(&config("environment"), &environment);
    assert!(out.contains("✓ platform.proxy：照环境变量 HTTP_PROXY 走代理"), "{out}");
    let by_environment = asked().await;
    assert!(by_environment > 0);
    checked(&config(&proxy.uri()), &[]);
    assert!(asked().await > by_environment);
}

#[test]
fn mail_in_the_clear_is_remarked_unless_its_server_is_here() {
    let config = |host: &str, tls: &str| {
        format!(
            "[notify]\nchannels = ['email']\n[notify.email]\nhost = '{host}'\nfrom = 'a@b.cn'\ntls = '{tls}'\n"
        )
    };
    assert!(checked(&config("mail.example.cn", "none"), &[]).contains("！ notify.email.tls"));
    for (host, tls) in [("127.0.0.1", "none"), ("mail.example.cn", "starttls")] {
        assert!(!checked(&config(host, tls), &[]).contains("notify.email.tls"));
    }
}

#[cfg(unix)]
#[test]
fn a_folder_for_hand_offs_is_left_as_it_was_and_who_can_read_it_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("out");
    let config = format!("[platform]\nadapter = 'workbook'\nfolder = '{}'\n", folder.display());
    assert!(checked(&config, &[]).contains("✓ platform.folder"));
    assert!(!folder.exists(), "check made it");
    std::fs::create_dir(&folder).unwrap();
    for (mode, sign) in [(0o755, '！'), (0o750, '✓')] {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
        let out = checked(&config, &[]);
        assert!(out.contains(&format!("{sign} platform.folder")), "{mode:o}: {out}");
    }
    std::fs::write(dir.path().join("file"), "").unwrap();
    let nowhere =
        format!("[platform]\nadapter = 'workbook'\nfolder = '{}/file/out'\n", dir.path().display());
    assert!(checked(&nowhere, &[]).contains("✗ platform.folder"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_open311_platform_shows_is_held_against_the_configuration() {
    for (kinds, more, said) in [
        ("georeport", "api_key = 'k'", "✓ platform.endpoint：请求清单有 3 件，都看得懂"),
        ("georeport", "", "！ platform.api_key_file：没有密钥"),
        (
            "open311-adapter",
            "api_key = 'k'",
            "✗ platform.attributes：平台的服务「other」（其他）要求填「easting」",
        ),
        ("open311-adapter", "api_key = 'k'\napi_key_in = 'everywhere'", "✗ platform.endpoint"),
        (
            "no-list-404",
            "api_key = 'k'",
            "！ platform.on_unknown：平台不让按时间查请求清单（HTTP 404",
        ),
        ("accela", "api_key = 'k'", "！ platform.on_unknown：请求清单里没有描述"),
        (
            "seeclickfix",
            "api_key = 'k'\n[platform.statuses]\nopen = 'received'",
            "✓ platform.endpoint：请求清单有 3 件",
        ),
    ] {
        let clock = Clock::system();
        let sandbox = Sandbox::like(clock, 1, Faults::default(), Profile::read(kinds).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (stop, serving) = (CancellationToken::new(), sandbox.clone());
        let stopped = stop.clone();
        tokio::spawn(async move { serving.serve(listener, stopped).await });
        for place in 0..3 {
            let form = [
                ("service_code", "other"),
                ("address_string", "村口"),
                ("api_key", "k"),
                ("attribute[easting]", "1"),
                ("attribute[northing]", "1"),
                ("attribute[fixmystreet_id]", "1"),
                ("description", ["一", "二", "三"][place]),
            ];
            let request =
                crate::support::client().post(format!("{endpoint}/requests.json")).form(&form);
            assert!(request.send().await.unwrap().status().is_success());
        }
        let given = sandbox.ledger().given;
        let config = format!("[platform]\nadapter = 'open311'\nendpoint = '{endpoint}'\n{more}\n");
        let out = tokio::task::spawn_blocking(move || checked(&config, &[])).await.unwrap();
        assert!(out.contains(said), "{kinds}: {out}");
        assert_eq!(sandbox.ledger().given, given, "check gave something");
        stop.cancel();
    }
}

/// A platform with these forty matters, which lists them by a window of time and tells twenty of them at once.
const CASES: &str = r#"
name = "示例"
status_batch = 20
[submit]
method = "POST"
path = "/cases"
body = '{ "text": {{ description | tojson }} }'
[submit.answer]
id = "/id"
[find]
path = "/cases?from={{ from | urlencode }}&to={{ to | urlencode }}"
[find.answer]
items = "/items"
id = "/id"
reference = "/text"
[status]
path = "/cases?ids={{ ids | join(',') }}"
[status.answer]
items = "/items"
id = "/id"
status = "/status"
text = "/outcome"
time = "/at"
[categories]
living_environment = "1"
public_security = "1"
basic_healthcare = "1"
culture_sports = "1"
basic_education = "1"
social_assistance = "1"
other = "1"
[statuses]
new = "received"
"#;

#[tokio::test]
async fn how_real_matters_stand_is_asked_and_each_slip_in_it_named() {
    let server = MockServer::start().await;
    let case = |number: &str| {
        serde_json::json!({"id": number, "text": format!("别处第{number}号的事"), "status": "new", "outcome": "已派出",
            "at": "2026-03-20T09:00:00+08:00"})
    };
    Mock::given(wiremock::matchers::path("/cases"))
        .respond_with(move |request: &wiremock::Request| {
            let ids = request.url.query_pairs().find(|(name, _)| name == "ids");
            let numbers: Vec<String> = match &ids {
                Some((_, ids)) => ids.split(',').take(20).map(str::to_owned).collect(),
                None => (1..=41).map(|number| number.to_string()).collect(),
            };
            let items: Vec<_> = numbers.iter().map(|number| case(number)).collect();
            ResponseTemplate::new(200).set_body_json(serde_json::json!({"items": items}))
        })
        .mount(&server)
        .await;
    let dir = tempfile::tempdir().unwrap();
    let examined = async |text: &str| {
        let platform = connect(text, &server.uri(), &Clock::system(), dir.path()).unwrap();
        platform.examine().await
    };
    let remarks = examined(CASES).await;
    assert!(wrong(&remarks).is_empty(), "{remarks:#?}");
    assert!(remarks.iter().any(|remark| remark.key == "status" && remark.text.contains("20 件")));
    for (from, to, key) in [
        ("time = \"/at\"", "time = \"/at\"\nsuccessors = \"/id\"", "status.answer.successors"),
        ("text = \"/outcome\"", "text = \"/text\"", "status.answer.text"),
        ("time = \"/at\"", "time = \"/id\"", "status.answer.time_format"),
        ("status = \"/status\"", "status = \"/text\"", "statuses"),
        ("status_batch = 20", "status_batch = 30", "status_batch"),
        ("id = \"/id\"\nstatus", "id = \"/at\"\nstatus", "status.answer.id"),
    ] {
        assert!(CASES.contains(from), "{from}");
        let remarks = examined(&CASES.replace(from, to)).await;
        let named = wrong(&remarks).iter().any(|remark| remark.key == key);
        assert!(named, "{key}: {remarks:#?}");
    }
}

#[test]
fn a_value_of_the_environment_is_said_by_its_variable_and_not_shown() {
    for (variable, value, said) in [
        ("ZOUFANG__SIGN_IN__WECOM__AGENT_ID", "S3cretTOPleak77", "写的值的类型不对，应写整数"),
        ("ZOUFANG__SIGN_IN__TIMEOUT", "S3cretTOPleak77", "写的值不是时间长度"),
        ("ZOUFANG__PLATFORM__ADAPTER", "S3cretTOPleak77", "不能写这样的值，可以写：none、open311"),
    ] {
        let out = checked("", &[(variable, value)]);
        assert!(out.contains(&format!("环境变量 {variable}：{said}")), "{out}");
        for hidden in [value, "`", "in the environment", "zoufang.toml："] {
            assert!(!out.contains(hidden), "{hidden}: {out}");
        }
    }
}

#[test]
fn an_address_is_told_without_who_asks_and_with_what() {
    let config = "[platform]\nadapter = 'open311'\nendpoint = 'http://admin:S3cret@127.0.0.1:9/a'\ntimeout = '20s'\n\
                  [notify]\nchannels = ['webhook']\n[notify.webhook]\nurl = 'http://u:S3cret@127.0.0.1:9/h?token=S3cret'\nsecret = 'k'\n";
    let out = checked(config, &[]);
    assert!(out.contains("http://127.0.0.1:9/a") && out.contains("http://127.0.0.1:9/h "), "{out}");
    assert!(!out.contains("S3cret"), "{out}");
    let config = "[sign_in.oidc]\nissuer = 'http://admin:S3cret@127.0.0.1:9/'\nclient_id = 'z'\n[notify]\npublic_url = 'http://a.cn'\n";
    let out = checked(config, &[]);
    assert!(out.contains("sign_in.oidc.issuer：地址里不能写用户名和密码"), "{out}");
    assert!(!out.contains("S3cret"), "{out}");
}
