//! A rehearsal of one's own campaign: what it tells is what a naive reading of the plan says, all that is owed can be met, nothing
//! leaves the machine and nothing enters the record.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::civil::{Date, date};
use zoufang::db::DutyLine;
use zoufang::domain::campaign::{PhaseName, Recipient};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::issue::Category;
use zoufang::rehearsal::{Message, Options, Report, Visits, rehearse};
use zoufang::sandbox::{Behaviour, Faults};
use zoufang::settings::Settings;

use crate::support::naive::Naive;
use crate::support::program::run;
use crate::support::{Fixture, on_both};

const FROM: Date = date(2025, 9, 1);
const UNTIL: Date = date(2026, 1, 31);
const TOWN: &str = "370481112000";
/// Four branches of eight villages.
const VILLAGES: usize = 32;

/// Another town than the built-in plan's, in another year: its files.
fn files() -> [(&'static str, String); 4] {
    let mut areas = format!("区划代码,区划名称,区划类型,上级区划\n{TOWN},示例镇,镇,370481000000\n");
    let branches = ["一", "二", "三", "四"].map(|n| format!("第{n}总支"));
    branches.iter().for_each(|branch| areas += &format!(",{branch},总支,{TOWN}\n"));
    let village = |n: usize| (format!("370481112{:03}", 200 + n), format!("示例{n}村"));
    for n in 0..VILLAGES {
        let (code, name) = village(n);
        areas += &format!("{code},{name},村,{}\n", branches[n / 8]);
    }
    let mut staff = "人员编号,姓名,角色,所属区划,工作单位,手机号\n".to_owned();
    let mut count = 0;
    let mut add = |name: &str, roles: &str, area: &str, unit: &str| {
        count += 1;
        staff += &format!(
            "Z{count:03},{name}{count},{roles},{area},{unit},{}\n",
            10_000_000_000_u64 + count
        );
        format!("Z{count:03}")
    };
    // Nobody is the secretary of the fourth branch.
    for (name, roles, unit) in [
        ("组长", "领导小组", "镇党委"),
        ("组员", "领导小组", "镇政府"),
        ("中心", "镇社会治理综合服务中心", "服务中心"),
        ("组办", "组织人事办公室", "组织人事办公室"),
        ("督导", "督导组", "督导组"),
        ("督查", "督导组", "督导组"),
        ("副书记", "分管领导", "镇党委"),
        ("副镇长", "分管领导", "城建办、民政办"),
        ("民政", "镇直部门", "民政办"),
    ] {
        add(name, roles, TOWN, unit);
    }
    let builder = add("城建", "镇直部门、走访人员", TOWN, "城建办");
    branches[..3].iter().for_each(|branch| drop(add("书记", "总支书记", branch, branch)));
    for n in 0..15 {
        add("包村", "包村干部", &branches[n % 4], "镇政府");
    }
    let mut subjects = "对象编号,对象类型,对象名称,所属村,地址\n".to_owned();
    let mut pairs = "对象编号,走访人员\n".to_owned();
    for n in 0..VILLAGES {
        let (code, name) = village(n);
        let visitor = add("村干", "网格员、村两委、走访人员", &code, &name);
        for house in 0..3 {
            subjects += &format!("H{n:02}{house},家庭,示例户{n}{house},{code},\n");
            pairs += &format!("H{n:02}{house},{visitor}\n");
        }
    }
    subjects += &format!("S1,学校,示例中学,{},\n", village(0).0);
    pairs += &format!("S1,{builder}\n");
    assert_eq!(count, 60);
    [("a.csv", areas), ("s.csv", staff), ("o.csv", subjects), ("f.csv", pairs)]
}

const PLAN: &str = r#"
code = "SLZ2025"
name = "示例镇秋季大走访"
town = "370481112000"
materials_due_on = "2025-09-10"
[[phases]]
name = "visit"
starts_on = "2025-09-01"
ends_on = "2025-09-30"
[[phases]]
name = "classify"
starts_on = "2025-10-09"
ends_on = "2025-10-20"
[[phases]]
name = "resolve"
starts_on = "2025-10-21"
ends_on = "2025-12-10"
[[phases]]
name = "feedback"
starts_on = "2025-12-11"
ends_on = "2026-01-15"
[departments]
living_environment = "城建办"
social_assistance = "民政办"
"#;

/// The town in a record of its own, with the operator's configuration of it.
async fn town(fixture: Fixture, folder: &Path) -> (Fixture, Settings) {
    std::fs::write(folder.join("plan.toml"), PLAN).unwrap();
    std::fs::write(folder.join("zoufang.key"), "07".repeat(32)).unwrap();
    let plan = zoufang::daemon::load_campaign(&folder.join("plan.toml")).unwrap();
    fixture.clock.set(fixture.clock.instant(date(2025, 8, 25).at(9, 0, 0, 0)));
    let fixture = fixture.within(|context| context.campaign = plan.clone()).await;
    zoufang::app::plan::apply(&fixture.store, &plan, "组长", "秋季").await.unwrap();
    for (name, table) in files() {
        fixture.import(name, &table).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let text = format!(
        "[database]\nurl = '{}'\n[privacy]\nkey_file = '{folder}/zoufang.key'\n[campaign]\nfile = '{folder}/plan.toml'\n\
         [notify]\nchannels = ['webhook']\n[notify.webhook]\nurl = 'http://127.0.0.1:9/'\n",
        fixture.url,
        folder = folder.display()
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    (fixture, settings)
}

fn options(visits: Visits, fault: &str) -> Options {
    Options {
        from: Some(FROM),
        until: Some(UNTIL),
        platform: Behaviour::default(),
        faults: Faults::read(fault).unwrap(),
        visits,
        demands: 0.5,
        seed: 3,
    }
}

/// Who is told how many of which kind in which part of their digest, by day.
type Told = BTreeMap<(String, String, &'static str, String), i64>;

const PARTS: [&str; 3] = ["需要您办理：", "需要您督办：", "请您知悉："];

/// What a digest says, as text that a person reads.
fn read(message: &Message, told: &mut Told) {
    let mut part = "";
    for line in message.text.lines() {
        if let Some(heading) = PARTS.iter().find(|heading| line.contains(**heading)) {
            part = heading;
        }
        let colour = ["[红]", "[黄]", "[绿]"].into_iter().find(|colour| line.contains(colour));
        let Some(colour) = colour else { continue };
        let rest = line.split(colour).nth(1).unwrap().trim();
        let (kind, rest) = rest.split_once(' ').unwrap();
        let count: i64 = rest.split('项').next().unwrap().parse().unwrap();
        let key = (message.on.to_string(), message.number.clone(), part, kind.to_owned());
        *told.entry(key).or_default() += count;
    }
}

/// What the plan says that everybody is told, read naively: no part of the program but the list of what is owed is asked.
async fn expected(fixture: &Fixture) -> Told {
    let mut naive = Naive::new(&fixture.store).await;
    let lines = fixture.store.duty_lines("", 100_000).await.unwrap();
    let of: HashMap<&str, &DutyLine> = lines.iter().map(|line| (line.key.as_str(), line)).collect();
    let numbers: HashMap<String, String> =
        naive.staff.iter().map(|p| (p.id.clone(), p.number.clone())).collect();
    let mut told = Told::new();
    let mut day = FROM;
    while day <= UNTIL {
        if naive.is_workday(day) {
            // Of one thing what is theirs comes before what they watch over.
            let mut parts: BTreeMap<(String, String), usize> = BTreeMap::new();
            for (person, duty, step) in naive.tell(day, &lines, &HashMap::new()) {
                let step = naive.steps(of[duty.as_str()].kind)[step].clone();
                let part = match step.who {
                    Recipient::Owner => 0,
                    Recipient::Role(_) if step.days > 0 => 1,
                    Recipient::Role(_) => 2,
                };
                let known = parts.entry((person, duty)).or_insert(part);
                *known = part.min(*known);
            }
            for ((person, duty), part) in parts {
                let kind = of[duty.as_str()].kind.to_string();
                let key = (day.to_string(), numbers[&person].clone(), PARTS[part], kind);
                *told.entry(key).or_default() += 1;
            }
        }
        day = day.tomorrow().unwrap();
    }
    told
}

/// No message twice, none that a person can't read.
fn are_readable(report: &Report) {
    let mut seen = BTreeSet::new();
    for message in &report.messages {
        let Message { on, number, name, topic, title, text, .. } = message;
        assert!(seen.insert((on, number, topic)), "twice: {message:?}");
        assert!(!name.is_empty() && title.starts_with("【走访】"), "{message:?}");
        for bad in ["{{", "}}", "Some(", "None", "null", "：\n\n", "digests/"] {
            assert!(!text.contains(bad), "{bad}: {text}");
        }
        let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 3);
        let foreign: Vec<&str> = words.filter(|word| *word != "zoufang").collect();
        assert!(foreign.is_empty(), "{foreign:?}: {text}");
        assert!(!text.trim().is_empty(), "{message:?}");
    }
}

on_both!(
    a_rehearsal_tells_what_a_naive_reading_of_another_towns_plan_says,
    async |fixture: Fixture| {
        let folder = tempfile::tempdir().unwrap();
        let (fixture, settings) = town(fixture, folder.path()).await;
        let expected = expected(&fixture).await;
        let before = fixture.store.duty_lines("", 100_000).await.unwrap();
        let report =
            rehearse(&settings, &options(Visits::AsRecorded, "none"), |_, _| {}).await.unwrap();
        are_readable(&report);
        let mut told = Told::new();
        let digests = report.messages.iter().filter(|message| message.topic == "digest");
        digests.for_each(|message| read(message, &mut told));
        for (key, count) in &expected {
            assert_eq!(told.get(key), Some(count), "{key:?}");
        }
        assert_eq!(
            told.len(),
            expected.len(),
            "{:?}",
            told.keys().find(|key| !expected.contains_key(key))
        );
        assert!(told.len() > 400, "{}", told.len());
        // What is late is all that falls due and that nobody did.
        let late: usize = report.late.iter().map(|late| late.count).sum();
        let due = before.iter().filter(|line| line.state == "open" && line.due_on < UNTIL).count();
        assert_eq!(late, due);
        assert!(report.late.iter().all(|late| late.done_late == 0));
        assert!(report.unheard.is_empty() && report.refused.is_empty(), "{report:?}");
        let vacant = report.unreachable.iter().find(|line| line.contains("第四总支"));
        assert!(
            vacant.is_some_and(|line| line.contains("没有人担任总支书记")),
            "{:?}",
            report.unreachable
        );
        // The record is as it was.
        assert_eq!(fixture.store.duty_lines("", 100_000).await.unwrap(), before);
        assert!(fixture.store.messages_since(FROM).await.unwrap().is_empty());
    }
);

#[tokio::test(flavor = "multi_thread")]
async fn every_duty_of_another_towns_plan_can_be_met_and_is() {
    let folder = tempfile::tempdir().unwrap();
    let (_fixture, settings) = town(Fixture::sqlite().await, folder.path()).await;
    let report =
        rehearse(&settings, &options(Visits::OnTime, "refuse=0.3"), |_, _| {}).await.unwrap();
    are_readable(&report);
    assert_eq!(report.refused, Vec::<String>::new());
    assert_eq!(report.impossible, Vec::<String>::new());
    let never: Vec<_> = report.late.iter().filter(|late| late.done_late < late.count).collect();
    assert!(never.is_empty(), "{never:?}");
    // Whoever takes note of everything in time answers all of it; but for the few that the platform closes in the first night.
    let weekly = report.messages.iter().filter(|message| message.title.contains("每周进展"));
    let answered = weekly.filter_map(|message| {
        let rate = message.text.split("响应率 ").nth(1)?.split('%').next()?;
        rate.parse::<f64>().ok()
    });
    let answered: Vec<f64> = answered.collect();
    assert!(answered.len() > 10 && answered.iter().all(|rate| *rate >= 97.0), "{answered:?}");
    // The platform refused something in most weeks, and the centre heard each at once.
    let returned = report.messages.iter().filter(|message| message.topic.starts_with("returned"));
    let weeks: BTreeSet<_> = returned.clone().map(|m| m.on.iso_week_date().week()).collect();
    assert!(weeks.len() >= 4, "{weeks:?}");
    assert!(returned.clone().all(|message| message.roles == "镇社会治理综合服务中心"));
    let departments = report.messages.iter().filter(|message| message.roles.contains("镇直部门"));
    assert!(departments.count() > 2);
    assert!(report.silent.iter().all(|person| !person.contains("服务中心")), "{:?}", report.silent);
}

/// Somebody who must not be called; counts who does.
fn trap() -> (String, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&calls);
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counting.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, calls)
}

/// Every file of a folder with its bytes.
fn bytes_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.is_file());
    files
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())
        })
        .collect()
}

#[test]
fn nothing_leaves_the_machine_and_the_record_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let (trap, calls) = trap();
    std::fs::write(folder.join("plan.toml"), PLAN).unwrap();
    std::fs::write(folder.join("secret"), "geheim\n").unwrap();
    let config = format!(
        "[backup]\nfolder = 'backups'\n[campaign]\nfile = 'plan.toml'\n[platform]\nadapter = 'open311'\nendpoint = '{trap}'\nproxy = '{trap}'\napi_key_file = 'secret'\n\
         [notify]\nchannels = ['webhook']\ncopies = ['wecom_robot', 'log']\npublic_url = '{trap}'\nproxy = '{trap}'\n\
         [notify.webhook]\nurl = '{trap}'\nsecret_file = 'secret'\n[notify.wecom_robot]\nurl = '{trap}'\n"
    );
    std::fs::write(folder.join("zoufang.toml"), config).unwrap();
    for key in ["zoufang.key", "zoufang-backup.key"] {
        assert_eq!(run(&["key", key], folder).0, 0);
    }
    std::fs::create_dir(folder.join("backups")).unwrap();
    let mut arguments = vec!["import"];
    let files = files();
    for (name, table) in &files {
        std::fs::write(folder.join(name), table).unwrap();
        arguments.push(name);
    }
    let (code, _, error) = run(&arguments, folder);
    assert_eq!(code, 0, "{error}");
    let before = bytes_in(folder);
    let (code, out, error) = run(
        &[
            "rehearse",
            "--from",
            "2025-09-01",
            "--until",
            "2025-09-12",
            "--visits",
            "按时",
            "--demands",
            "90",
            "-o",
            "report.txt",
        ],
        folder,
    );
    assert!(code == 0 && out.is_empty(), "{out}{error}");
    let mut after = bytes_in(folder);
    let report = String::from_utf8(after.remove("report.txt").unwrap()).unwrap();
    // Reading a record by its own journal may leave an empty one beside it.
    after.retain(|name, bytes| {
        !(name.ends_with("-wal") && bytes.is_empty() || name.ends_with("-shm"))
    });
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    let mut known = before.clone();
    known.retain(|name, bytes| {
        !(name.ends_with("-wal") && bytes.is_empty() || name.ends_with("-shm"))
    });
    assert_eq!(names(&after), names(&known));
    let backups = std::fs::read_dir(folder.join("backups")).unwrap().count();
    assert_eq!(backups, 0, "a copy's backup would take the place of the record's");
    assert!(after == known, "the record isn't as it was");
    assert_eq!(calls.load(Ordering::SeqCst), 0, "somebody was called");
    for part in ["没有发给任何人，没有改动记录", "逐日消息", "【走访】", "经 webhook", "一、假定"]
    {
        assert!(report.contains(part), "{part}: {report}");
    }
    // Not over a file that is there, and no older day than what is told already.
    let (code, _, error) = run(&["rehearse", "--from", "2025-09-01", "-o", "report.txt"], folder);
    assert!(code == 2 && error.contains("不会覆盖"), "{error}");
    let (code, _, error) = run(&["rehearse", "--from", "2027-09-01"], folder);
    assert!(code == 2 && error.contains("--from"), "{error}");
    let (code, out, _) =
        run(&["rehearse", "--from", "2025-09-01", "--until", "2025-09-05", "--json"], folder);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(
        code == 0 && json["messages"].as_array().unwrap().iter().all(|m| m["text"].is_string()),
        "{out}"
    );
}

/// The plan's own dates and categories, so that what is tested is what is meant.
#[test]
fn the_other_towns_plan_is_another() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("plan.toml"), PLAN).unwrap();
    let plan = zoufang::daemon::load_campaign(&dir.path().join("plan.toml")).unwrap();
    assert_eq!(plan.ends_on(PhaseName::Feedback), date(2026, 1, 15));
    assert!(plan.departments.contains_key(&Category::SocialAssistance) && plan.daily_inspection);
    assert!(!plan.steps(DutyKind::Finding).is_empty());
}
