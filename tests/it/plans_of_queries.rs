//! No statement that the program runs often reads a large table through: the real program does each of the things below
//! over a record of some size and writes down its statements; each database then says how it would run them.
//!
//! To add what a new job, page, file or command runs: a line in [`FILES`], [`PAGES`], [`SIGNED`] or [`COMMANDS`]. Jobs run by
//! themselves.

mod plan;
mod record;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use zoufang::db::Dialect;

use crate::support::browser::{Browser, PASSWORD};
use crate::support::client;
use crate::support::postgres::{database, free_port};
use crate::support::program::{Running, zoufang};

/// A file of each kind, imported one after the other.
const FILES: &[(&str, &str)] = &[
    ("区划", "区划代码,区划名称,区划类型,上级区划\n370481111202,西桥村委会,村,第一总支\n"),
    (
        "人员",
        "人员编号,姓名,角色,所属区划,工作单位,手机号\nZ8,沈访,走访人员,杨桥村,杨桥村,10000000008\n",
    ),
    (
        "对象",
        "对象编号,对象类型,对象名称,所属村,地址\nH901,家庭,新户一,杨桥村,\nH902,家庭,新户二,杨桥村,\nH1,家庭,改名户,高桥村,\n",
    ),
    ("安排", "对象编号,走访人员\nH901,Z8\nH902,Z8\n"),
    (
        "走访",
        "走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,责任层级,类别,轻重缓急\n\
         2022-03-08,Z8,H901,新户一,,路坏,有,市直单办,居住环境,急\n2022-03-08,Z8,H902,新户二,,桥坏,有,,,\n2022-03-08,Z6,H3,示例3,,灯坏,有,镇村自办,其他,一般\n",
    ),
    (
        "回访",
        "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,有无问题\n2022-03-09,Z6,H2,示例2,回访,满意,无\n",
    ),
    ("分类", "问题编号,责任层级,类别,轻重缓急\nCHD2022-000102,镇村自办,其他,一般\n"),
    ("结果", "问题编号,办理结果,办理人\nCHD2022-000103,已修好,陈网\n"),
    ("签收", "问题编号,签收人\nCHD2022-000101,Z3\n"),
    ("确认", "任务,所属区划,确认人\n走访材料准备,高桥村,冯包\n"),
    ("名册", "对象编号,群众姓名,未走访原因\nH901,新户一,\nH901,新户二,外出务工\n"),
    ("状态", "对象编号,状态,状态日期\nH902,迁出,2022-03-09\n"),
    ("请假", "请假人,开始日期,结束日期,代办人\nZ8,2022-03-28,2022-03-29,Z6\n"),
    (
        "调解",
        "问题编号,调解日期,调解人,当事人,调解协议,约定回访日期\nCHD2022-000102,2022-03-09,赵六,甲、乙,各让一尺,2022-04-09\n",
    ),
];

const PAGES: &[&str] = &["/", "/status", "/metrics", "/figures?by=village", "/readyz"];

/// Pages of whoever signs in, and who opens them.
const SIGNED: &[(&str, &[&str])] = &[
    (
        "Z1",
        &[
            "/my",
            "/my/inspections?which=open",
            "/my/issues",
            "/my/issues?sort=due",
            "/my/issues?late=yes",
            "/my/issues?sort=oldest&state=registered&after=CHD2022-000050",
            "/my/issues?holder=centre",
            "/my/issues?subject=H1",
            "/my/issues/CHD2022-000101",
            "/my/wall",
            "/my/wall/people/Z6",
            "/my/screens",
            "/my/subjects",
            "/my/subjects/H1",
            "/my/missing?kind=visit",
        ],
    ),
    ("Z3", &["/my/issues", "/my/issues?sort=due", "/my/issues?category=other&level=city"]),
    ("Z6", &["/my/issues", "/my/issues?late=yes", "/my/households"]),
    ("Z7", &["/my"]),
];

const COMMANDS: &[&[&str]] = &[
    &["campaign", "apply", "--by", "Z1", "--reason", "开始"],
    &["issue", "show", "CHD2022-000101"],
    &["issue", "acknowledge", "CHD2022-000103", "--by", "Z5"],
    &["issue", "void", "CHD2022-000100", "--by", "Z3", "--reason", "重复"],
    &["outbox", "show", "referral:CHD2022-000101-R1"],
    &["subject", "end", "H901", "--why", "迁出", "--by", "Z3", "--reason", "搬走"],
    &["subject", "ended"],
    &["figures", "--campaign", "CHD2022"],
    &["reassign", "H902", "--to", "Z7", "--by", "Z3", "--reason", "换人"],
];

/// Statements that may read a table through, by a part of their text, and why. One that the program no longer runs must
/// leave the list.
const MAY: &[(&str, &str)] = &[
    (
        "SELECT content_key, number FROM subjects WHERE area_id = $1",
        "new subjects are held against those of their own areas, each of which is a half of this record",
    ),
    (
        "SELECT 1 FROM issues i JOIN issue_events e ON e.issue_id = i.id",
        "the copies have a town's few areas, so the issues of the areas asked about are most of them",
    ),
    (
        "ROW_NUMBER() OVER (PARTITION BY s.area_id ORDER BY s.number)",
        "after each 附件2 all subjects of the campaign are asked about: whoever has no visitor is named",
    ),
    (
        "COUNT(CASE WHEN d.kind = 'revisit' THEN 1 END) AS revisits",
        "the copies are all one visitor's, so what is theirs is most of the record",
    ),
    (
        "JOIN duty_groups g ON g.area_id = j.area_id AND g.role = j.role",
        "the copies have four areas and are nearly all of one role: a county's are spread over thousands of areas",
    ),
];

struct Township<'d> {
    dir: &'d Path,
    listen: String,
    _sandbox: Running,
}

impl Township<'_> {
    fn new<'d>(dir: &'d Path, url: &str) -> Township<'d> {
        let (platform, listen) =
            (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let sandbox = Running::start(&["sandbox", "--listen", &platform], dir, "sandbox.log");
        let config = format!(
            "[database]\nurl = '{url}'\n[http]\nlisten = '{listen}'\n[log]\nformat = 'json'\nfilter = 'off,sqlx::query=debug'\n\
             [platform]\nadapter = 'open311'\nendpoint = 'http://{platform}'\n"
        );
        std::fs::write(dir.join("zoufang.toml"), config).unwrap();
        std::fs::write(dir.join("zoufang.key"), "07".repeat(32)).unwrap();
        Township { dir, listen, _sandbox: sandbox }
    }

    /// Runs a command and gives back what it wrote down.
    fn run(&self, command: &[&str]) -> String {
        let output = zoufang()
            .args(command)
            .args(["--config", "zoufang.toml"])
            .env("ZOUFANG__LOG__FILTER", "off,sqlx::query=debug")
            .current_dir(self.dir)
            .output()
            .unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{command:?}: {}", log.lines().last().unwrap_or_default());
        log
    }

    fn import(&self, name: &str, table: &str) -> String {
        let file = format!("{name}.csv");
        std::fs::write(self.dir.join(&file), table).unwrap();
        self.run(&["import", &file])
    }

    /// Opens the pages of whoever signs in, one after the other; and looks for a telephone.
    async fn open_as_people(&self) {
        for (who, pages) in SIGNED {
            let invited = zoufang()
                .args(["account", "invite", who, "--by", "Z1", "--config", "zoufang.toml"])
                .current_dir(self.dir)
                .output()
                .unwrap();
            let link = String::from_utf8(invited.stdout).unwrap();
            let at = link.find("/my/welcome/").unwrap_or_else(|| panic!("{link}"));
            let mut browser = Browser::at(&format!("http://{}", self.listen));
            let chosen = [("password", PASSWORD), ("again", PASSWORD)];
            browser.post(link[at..].trim(), &chosen).await.is(303);
            for page in *pages {
                let answer = browser.get(page).await;
                assert_eq!(answer.status, 200, "{who} {page}: {}", answer.text);
            }
            let key = browser.get("/my/issues").await.field("key");
            let sought = [("key", key.as_str()), ("phone", "13800000001")];
            browser.post("/my/issues", &sought).await.is(200);
        }
    }

    /// Serves from an hour of the campaign, as many times as fast, until `enough`, and gives back what it wrote down.
    async fn serve(&self, start: &str, speed: &str, enough: impl Fn(&Value) -> bool) -> String {
        let arguments =
            ["serve", "--config", "zoufang.toml", "--clock-start", start, "--clock-speed", speed];
        let log = format!("serve-{}.log", start.replace(':', ""));
        let mut serving = Running::start(&arguments, self.dir, &log);
        // What the pages show comes later.
        let mut signed = start.starts_with("2022-03-10");
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            for page in PAGES {
                let Ok(answer) = client().get(format!("http://{}{page}", self.listen)).send().await
                else {
                    break;
                };
                let text = answer.text().await.unwrap();
                if *page == "/status" && !signed {
                    signed = true;
                    self.open_as_people().await;
                }
                if *page == "/status" && enough(&serde_json::from_str(&text).unwrap()) {
                    assert_eq!(serving.terminate(), 0);
                    return std::fs::read_to_string(self.dir.join(log)).unwrap();
                }
            }
        }
        panic!("it never came to an end");
    }
}

fn all(status: &Value, list: &str, holds: impl Fn(&Value) -> bool) -> bool {
    status[list].as_array().is_some_and(|members| !members.is_empty() && members.iter().all(holds))
}

/// Everything owed has been sent.
fn sent(status: &Value) -> bool {
    all(status, "lanes", |lane| lane["queued"] == 0 && lane["in_flight"] == 0)
}

/// Everything owed has been sent, and it is known to have arrived.
fn arrived(status: &Value) -> bool {
    sent(status) && all(status, "lanes", |lane| lane["unknown"] == 0)
}

/// Every job has run.
fn worked(status: &Value) -> bool {
    all(status, "jobs", |job| job["last_outcome"].is_string() && job["failed"] == false)
}

/// The statements in a log.
fn statements(log: &str) -> BTreeSet<String> {
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_event = |event: Value| {
        let whole = event["db.statement"].as_str().unwrap_or_default().trim();
        let statement = if whole.is_empty() { event["summary"].as_str()? } else { whole };
        Some(statement.trim_end_matches(';').to_owned())
    };
    events.filter_map(of_event).collect()
}

async fn no_large_table_is_read_through(dialect: Dialect, url: &str) {
    let dir = tempfile::tempdir().unwrap();
    let township = Township::new(dir.path(), url);
    for (name, table) in record::files() {
        township.import(&name, &table);
    }
    township.serve("2022-03-10T09:00", "60", arrived).await;
    record::multiply(dialect, url).await;
    let mut log = String::new();
    for (name, table) in FILES {
        log.push_str(&township.import(name, table));
    }
    for command in COMMANDS {
        log.push_str(&township.run(command));
    }
    log.push_str(
        &township.serve("2022-03-28T01:50", "3600", |status| worked(status) && sent(status)).await,
    );
    let statements = statements(&log);
    assert!(statements.len() > 100, "only {} statements were written down", statements.len());
    let mut report = String::new();
    for (statement, through) in plan::read_through(dialect, url, &statements).await {
        if !MAY.iter().any(|(part, _)| statement.contains(part)) {
            report.push_str(&format!("{through}\n    {statement}\n"));
        }
    }
    for (part, why) in MAY {
        if !statements.iter().any(|statement| statement.contains(part)) {
            report.push_str(&format!("remove it from MAY: {part} ({why})\n"));
        }
    }
    assert!(report.is_empty(), "read through:\n{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/zoufang.db", dir.path().display());
    no_large_table_is_read_through(Dialect::Sqlite, &url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    if let Some(url) = database().await {
        no_large_table_is_read_through(Dialect::Postgres, &url).await;
    }
}
