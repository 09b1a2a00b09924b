//! What is logged: each event has a name that is documented, the main ones are said by the real program, and nothing personal
//! is, at any level.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::client;
use crate::support::postgres::free_port;
use crate::support::program::{Running, run};

/// All source files.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// Every call of a macro that logs.
fn calls(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for name in ["error!(", "warn!(", "info!(", "debug!(", "trace!("] {
        for (at, _) in source.match_indices(name) {
            let before = source[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let mut depth = 0_i32;
            let end = source[at..].char_indices().find(|(_, c)| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                *c == ')' && depth == 0
            });
            found.push(&source[at..at + end.unwrap().0]);
        }
    }
    found
}

#[test]
fn every_event_is_documented_and_every_documented_one_is_said() {
    let mut all = Vec::new();
    sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path(), &mut all);
    let mut said = BTreeSet::new();
    for call in all.iter().flat_map(|source| calls(source)) {
        let name = call.split_once("event = \"").and_then(|(_, rest)| rest.split('"').next());
        said.insert(name.unwrap_or_else(|| panic!("no event in {call}")).to_owned());
    }
    let page = include_str!("../../docs/logs.md");
    let documented = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<String> = documented.map(str::to_owned).collect();
    assert_eq!(said, documented);
}

const AREAS: &str = "区划代码,区划名称,区划类型,上级区划
370481111000,柴胡店镇,镇,370481000000
,第一总支,总支,370481111000
370481111200,高桥村委会,村,第一总支
";
const STAFF: &str = "人员编号,姓名,角色,所属区划,工作单位,手机号
Z1,周吴郑王,领导小组,370481111000,镇党委,13812340001
Z2,冯陈褚卫,镇社会治理综合服务中心,370481111000,服务中心,13812340002
Z4,蒋沈韩杨,包村干部,高桥村,镇政府,13812340004
Z5,朱秦尤许,网格员,高桥村,高桥村,13812340005
Z6,何吕施张,走访人员、村两委,高桥村,高桥村,13812340006
";
const SUBJECTS: &str = "对象编号,对象类型,对象名称,所属村,地址\nH1,家庭,赵钱孙李,高桥村,标记巷9号\nH2,家庭,孔曹严华,高桥村,标记巷8号\n";
const ASSIGNMENTS: &str = "对象编号,走访人员\nH1,Z6\nH2,Z6\n";
const VISITS: &str =
    "走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,责任层级,类别,轻重缓急
2022-04-18,Z6,H1,赵钱孙李,13987654321,标记路灯坏了,有,市直单办,居住环境,急
2022-04-18,Z6,H2,孔曹严华,13987654322,标记水管漏了,有,市直单办,居住环境,急
";

/// What stands in what goes in, and must stand in no line.
const MARKERS: &[&str] = &[
    "赵钱孙李",
    "孔曹严华",
    "周吴郑王",
    "何吕施张",
    "朱秦尤许",
    "1398765432",
    "1381234000",
    "标记",
    "%E6%A0%87%E8%AE%B0",
    "\\u6807\\u8bb0",
    "another-wrong-secret",
    "evil.example",
];

const UPLOADS: &str = "h7Jd2KpVw0sQz5RtYb3M";

/// A platform that has the first matter, and refuses the second in words of its own.
async fn platform() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let take = |body: String| async move {
        // The second's words, as a form has them.
        if body.contains("%E6%B0%B4%E7%AE%A1") {
            let words = r#"[{"code": 400, "description": "标记退回：赵钱孙李不归我们管"}]"#;
            return (StatusCode::BAD_REQUEST, words);
        }
        (StatusCode::OK, r#"[{"service_request_id": "7"}]"#)
    };
    let list = || async {
        r#"[{"service_request_id": "7", "status": "标记状态", "status_notes": "标记答复：赵钱孙李",
            "updated_datetime": "2022-04-20T10:30:00+08:00"}]"#
    };
    let router = Router::new()
        .route("/requests.json", get(list).post(take))
        .fallback(|| async { (StatusCode::NOT_FOUND, "标记没有") });
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

struct Township {
    dir: tempfile::TempDir,
    url: String,
    _serving: Running,
}

impl Township {
    async fn new() -> Township {
        let dir = tempfile::tempdir().unwrap();
        let (listen, endpoint) = (format!("127.0.0.1:{}", free_port()), platform().await);
        let text = format!(
            "[http]\nlisten = '{listen}'\n[log]\nfilter = 'trace'\nfile = 'zoufang.log'\n[schedule]\npoll_every = '1s'\n\
             [platform]\nadapter = 'open311'\nendpoint = '{endpoint}'\n[platform.returns]\nsecret = '{UPLOADS}'\n\
             [platform.push]\nsecret = '9Q0rT2mZk4Lw8XyB1vNs'\n"
        );
        std::fs::write(dir.path().join("zoufang.toml"), text).unwrap();
        std::fs::write(dir.path().join("zoufang.key"), "07".repeat(32)).unwrap();
        let start = ["serve", "--config", "zoufang.toml", "--clock-start", "2022-04-20T09:00"];
        let serving = Running::start(&start, dir.path(), "stderr");
        let township = Township { dir, url: format!("http://{listen}"), _serving: serving };
        township.until(|log| log.contains("service.started")).await;
        for (name, table) in [
            ("标记区划.csv", AREAS),
            ("标记人员.csv", STAFF),
            ("标记对象.csv", SUBJECTS),
            ("标记安排.csv", ASSIGNMENTS),
            ("标记走访.csv", VISITS),
        ] {
            std::fs::write(township.dir.path().join(name), table).unwrap();
            let words = ["import", "--config", "zoufang.toml", name];
            let (code, _, error) = run(&words, township.dir.path());
            assert_eq!(code, 0, "{error}");
        }
        township
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("zoufang.log")).unwrap_or_default()
    }

    async fn until(&self, so: impl Fn(&str) -> bool) {
        let began = Instant::now();
        while !so(&self.log()) {
            assert!(began.elapsed() < Duration::from_secs(120), "{}", self.log());
            zoufang::clock::pause(Duration::from_millis(100)).await;
        }
    }

    /// People, and others who aren't let in.
    async fn asked(&self) {
        for path in ["/%E6%A0%87%E8%AE%B0?a=%E6%A0%87%E8%AE%B0", "/digests/%E6%A0%87%E8%AE%B0", "/"]
        {
            client().get(format!("{}{path}", self.url)).send().await.unwrap();
        }
        let foreign = client().get(&self.url).header("host", "evil.example");
        foreign.send().await.unwrap();
        let push = client().post(format!("{}/platform/updates", self.url));
        push.header("webhook-id", "标记").body("标记").send().await.unwrap();
        let returns = format!("{}/platform/returns", self.url);
        for secret in ["another-wrong-secret", UPLOADS] {
            let table = "平台编号,办理状态,办理答复\n7,标记状态,标记答复\n标记编号9,accepted,\n";
            let upload = client().post(&returns).bearer_auth(secret).body(table);
            upload.send().await.unwrap();
        }
        let (code, ..) = run(
            &[
                "issue",
                "void",
                "CHD2022-000001",
                "--config",
                "zoufang.toml",
                "--by",
                "Z6",
                "--reason",
                "标记",
            ],
            self.dir.path(),
        );
        assert_ne!(code, 0, "a visitor may not");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_events_are_said_and_nothing_personal_is() {
    let township = Township::new().await;
    township.asked().await;
    let said = [
        "service.started",
        "issue.changed",
        "delivery.ended",
        "job.done",
        "notice.logged",
        "auth.refused",
        "http.foreign_host",
        "returns.taken",
        "poll.unknown_word",
        "action.refused",
        "import.done",
    ];
    let has = |log: &str, event: &str| log.contains(&format!("\"event\":\"{event}\""));
    township.until(|log| said.iter().all(|event| has(log, event))).await;
    let is_refused = |log: &str| {
        log.contains("\"outcome\":\"refused\"") && log.contains("\"outcome\":\"delivered\"")
    };
    township.until(is_refused).await;
    let log = township.log();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let target = line["target"].as_str().unwrap();
        assert!(target.starts_with("zoufang") && line["event"].is_string(), "{line}");
        let at = line["timestamp"].as_str().unwrap();
        assert!(
            at.ends_with("+08:00") && at.len() == "2022-04-20T09:00:00.123+08:00".len(),
            "{at}"
        );
    }
    for what in ["registered", "classified", "queued", "referred", "refused"] {
        let number = "\"issue\":\"CHD2022-00000";
        let line = log
            .lines()
            .find(|line| line.contains(number) && line.contains(&format!("\"what\":\"{what}\"")));
        assert!(line.is_some(), "{what}: {log}");
    }
    let stderr = std::fs::read_to_string(township.dir.path().join("stderr")).unwrap();
    for marker in MARKERS {
        assert!(!log.contains(marker), "{marker}: {log}");
        assert!(!stderr.contains(marker), "{marker}: {stderr}");
    }
    let mode = township.dir.path().join("zoufang.log").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// By default a service at rest says nothing again and again.
#[tokio::test(flavor = "multi_thread")]
async fn polls_without_news_are_not_heard_at_the_default_level() {
    let dir = tempfile::tempdir().unwrap();
    let (listen, endpoint) = (format!("127.0.0.1:{}", free_port()), platform().await);
    let text = format!(
        "[http]\nlisten = '{listen}'\n[log]\nfile = 'zoufang.log'\n[schedule]\npoll_every = '1s'\n\
         [platform]\nadapter = 'open311'\nendpoint = '{endpoint}'\n"
    );
    std::fs::write(dir.path().join("zoufang.toml"), text).unwrap();
    std::fs::write(dir.path().join("zoufang.key"), "07".repeat(32)).unwrap();
    let _serving = Running::start(&["serve", "--config", "zoufang.toml"], dir.path(), "stderr");
    let log = || std::fs::read_to_string(dir.path().join("zoufang.log")).unwrap_or_default();
    let began = Instant::now();
    while !log().contains("service.started") {
        assert!(began.elapsed() < Duration::from_secs(120));
        zoufang::clock::pause(Duration::from_millis(50)).await;
    }
    zoufang::clock::pause(Duration::from_secs(5)).await;
    assert!(!log().contains("\"job\":\"poll\""), "{}", log());
    assert!(!log().contains("hyper") && !log().contains("sqlx"), "{}", log());
}
