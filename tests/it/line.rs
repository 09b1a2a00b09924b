//! The command line as a township's user meets it: which record it works with, in whose name, and that it speaks Chinese
//! whatever is typed.

use std::path::Path;
use std::process::Command;

use crate::support::program::{Running, run, zoufang};
use crate::support::{AREAS, ASSIGNMENTS, STAFF, SUBJECTS, VISITS};

/// A township's folder, with what is written into it besides.
fn township(visits: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(
        at("zoufang.toml"),
        "[http]\nlisten = '127.0.0.1:0'\n[database]\nurl = 'sqlite://town.db'\n",
    )
    .unwrap();
    let inspector = "D9,蒋查,督导组,370481111000,,\nZ8,陈网,网格员,杨桥村,杨桥村,\n";
    let tables = [
        ("a.csv", AREAS.to_owned()),
        ("s.csv", format!("{STAFF}{inspector}")),
        ("o.csv", SUBJECTS.to_owned()),
        ("f.csv", ASSIGNMENTS.to_owned()),
        ("v.csv", format!("{VISITS}\n{visits}")),
    ];
    assert_eq!(run(&["key", "zoufang.key"], dir.path()).0, 0);
    let mut import = vec!["import"];
    for (name, table) in &tables {
        std::fs::write(at(name), table).unwrap();
        import.push(name);
    }
    let (code, _, error) = run(&import, dir.path());
    assert_eq!(code, 0, "{error}");
    dir
}

const TWO: &str = "2022-03-05,Z6,H1,王建国,10000000101,王建国家门前路灯不亮,有,市直,其他,急\n\
                   2022-03-06,Z6,H2,李秀英,,水管漏水,有,镇村,居住环境,一般\n";

fn databases(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut found: Vec<String> = names.filter(|name| name.ends_with(".db")).collect();
    found.sort();
    found
}

#[test]
fn the_configuration_beside_the_command_is_found_and_said() {
    let dir = township(TWO);
    for words in [
        &["duties"][..],
        &["issue", "list", "--by", "Z1"],
        &["figures", "--json"],
        &["issue", "acknowledge", "CHD2022-000001", "--by", "Z5"],
        &["missing"],
    ] {
        let (code, _, said) = run(words, dir.path());
        assert_eq!(code, 0, "{words:?}: {said}");
        let (config, database) = (dir.path().join("zoufang.toml"), dir.path().join("town.db"));
        for file in [config, database] {
            assert!(said.contains(file.to_str().unwrap()), "{words:?}: {said}");
        }
    }
    assert_eq!(databases(dir.path()), ["town.db"]);
    let (_, out, _) = run(&["import", "--json", "a.csv"], dir.path());
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(report["database"].as_str().unwrap().ends_with("town.db"), "{report}");
}

#[test]
fn a_command_that_finds_no_record_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(&["key", "zoufang.key"], dir.path()).0, 0);
    for words in [
        &["duties"][..],
        &["figures"],
        &["issue", "list", "--by", "Z1"],
        &["staff", "list"],
        &["doctor"],
        &["campaign", "plan", "--file", "x.toml"],
        &["issue", "void", "CHD2022-000001", "--by", "Z1", "--reason", "重复"],
    ] {
        let (code, _, said) = run(words, dir.path());
        assert!(
            code == 2 && said.contains("还什么都没有") && said.contains("--config"),
            "{words:?}: {said}"
        );
    }
    assert!(databases(dir.path()).is_empty());
    // The one that begins a record says where.
    std::fs::write(dir.path().join("a.csv"), AREAS).unwrap();
    let (code, _, said) = run(&["import", "a.csv"], dir.path());
    assert!(
        code == 0 && said.contains("没有找到 zoufang.toml") && said.contains("（新建）"),
        "{said}"
    );
}

#[test]
fn whoever_is_named_is_known_and_may() {
    let dir = township(TWO);
    let void = |by: &str| {
        run(&["issue", "void", "CHD2022-000002", "--by", by, "--reason", "重复"], dir.path())
    };
    for (by, why) in [
        ("", "没有写是谁"),
        ("  ", "没有写是谁"),
        ("nobody", "没有「nobody」"),
        ("Z99", "没有「Z99」"),
        ("陈网", "不止一人"),
        ("Z6", "不能认定办结"),
        ("Z8", "不能认定办结"),
    ] {
        let (code, _, said) = void(by);
        assert!(code == 2 && said.contains(why) && said.contains("Z1（周正）"), "{by}: {said}");
    }
    let (code, _, said) =
        run(&["issue", "void", "CHD2022-000002", "--by", "Z1", "--reason", "  "], dir.path());
    assert!(code == 2 && said.contains("--reason"), "{said}");
    for words in [
        &["issue", "begin", "CHD2022-000002", "--by", "x"][..],
        &["issue", "acknowledge", "CHD2022-000002", "--by", "x"],
        &["issue", "reopen", "CHD2022-000002", "--by", "x", "--reason", "误"],
        &["issue", "override", "CHD2022-000001", "--by", "x", "--reason", "误"],
        &["issue", "photo", "CHD2022-000002", "v.csv", "--by", "x"],
        &["issue", "show", "CHD2022-000002", "--reveal", "--by", "x"],
        &["outbox", "hold", "referral:CHD2022-000001-R1", "--by", "x", "--reason", "等"],
        &["outbox", "retry", "referral:CHD2022-000001-R1", "--by", "x", "--reason", "等"],
        &[
            "outbox",
            "resolve",
            "referral:CHD2022-000001-R1",
            "--absent",
            "--by",
            "x",
            "--reason",
            "等",
        ],
        &["reassign", "H1", "--to", "Z7", "--by", "x", "--reason", "病"],
        &["reassign", "H1", "--to", "x", "--by", "Z1", "--reason", "病"],
        &["campaign", "apply", "--file", "c.toml", "--by", "x", "--reason", "改"],
        &["doctor", "--repair", "--by", "x"],
        &["export", "visits", "--reveal", "--by", "x"],
        &["missing", "--reveal", "--by", "x"],
        &["staff", "away", "Z5", "--from", "2022-03-08", "--until", "2022-03-09", "--by", "x"],
        &["staff", "away", "x", "--from", "2022-03-08", "--until", "2022-03-09", "--by", "Z1"],
        &["staff", "card", "x"],
        &["staff", "calendar", "Z5", "--by", "x"],
        &["issue", "list", "--by", "x"],
        &["notify", "test", "log", "--to", "Z5", "--by", "x"],
        &["discipline", "list", "--inspector", "x"],
        &["notify", "preview", "--to", "x"],
    ] {
        std::fs::write(dir.path().join("c.toml"), include_str!("../../config/campaign.toml"))
            .unwrap();
        let (code, out, said) = run(words, dir.path());
        assert!(
            code == 2 && said.contains("没有「x」") && said.contains("zoufang staff list"),
            "{words:?}: {code} {out}{said}"
        );
    }
    let (_, out, _) = run(&["staff", "list", "--role", "网格员"], dir.path());
    assert!(out.contains("Z5,陈网,网格员,高桥村委会") && !out.contains("周正"), "{out}");
    let (code, out, _) = void("Z2");
    assert!(code == 0 && out.contains("作废"), "{out}");
}

#[test]
fn what_is_a_persons_own_is_shown_to_them_or_to_whoever_may() {
    let dir = township(TWO);
    let config = "[http]\nlisten = '127.0.0.1:0'\n[database]\nurl = 'sqlite://town.db'\n[notify]\npublic_url = 'https://z.example.cn'\n";
    std::fs::write(dir.path().join("zoufang.toml"), config).unwrap();
    let say = |words: &[&str]| run(words, dir.path());
    let (code, out, said) = say(&["staff", "card", "Z5"]);
    assert!(code == 0 && out.contains("陈网") && out.contains("10000000005"), "{out}{said}");
    // Nobody's address by another's name; one's own, by whoever gives sign-ins, and by whoever runs the machine.
    let (code, out, said) = say(&["staff", "calendar", "Z5", "--by", "Z6"]);
    assert!(code == 2 && out.is_empty() && said.contains("Z1（周正）"), "{out}{said}");
    for by in ["Z5", "Z1"] {
        let (code, out, said) = say(&["staff", "calendar", "Z5", "--by", by]);
        assert!(code == 0 && out.contains("/calendar/"), "{out}{said}");
    }
    let (_, trail, _) = say(&["audit", "list", "--target", "Z5"]);
    assert_eq!(trail.matches("给出日历地址").count(), 2, "{trail}");
    let (code, out, said) = say(&["staff", "calendar", "Z5"]);
    assert!(code == 0 && out.contains("/calendar/"), "{out}{said}");
    let (_, trail, _) = say(&["audit", "list", "--target", "Z5"]);
    assert_eq!(trail.matches("给出日历地址").count(), 3, "{trail}");
    // Whoever is named is somebody, also where nothing is shown to them in clear.
    let (code, _, said) = say(&["missing", "--by", "x"]);
    assert!(code == 2 && said.contains("没有「x」"), "{said}");
    let (code, out, said) = say(&["issue", "list", "--by", "Z5"]);
    assert!(code == 2 && out.is_empty(), "{out}{said}");
    let (code, out, said) = say(&["issue", "list"]);
    assert!(code == 0 && out.starts_with('\u{feff}'), "{out}{said}");
    let (_, trail, _) = say(&["audit", "list", "--target", "issues"]);
    assert!(trail.contains("operator"), "{trail}");
}

#[test]
fn tables_read_people_as_commands_do() {
    let dir = township(TWO);
    for (table, column) in [
        ("任务,所属区划,确认人\n走访材料准备,高桥村,某某\n", "确认人"),
        ("问题编号,办理结果,办理人\nCHD2022-000002,已修好,某某\n", "办理人"),
        ("问题编号,签收人\nCHD2022-000002,某某\n", "签收人"),
        ("问题编号,承办人\nCHD2022-000002,某某\n", "承办人"),
        ("请假人,开始日期,结束日期,代办人\nZ6,2022-03-08,2022-03-09,某某\n", "代办人"),
    ] {
        std::fs::write(dir.path().join("t.csv"), table).unwrap();
        let (code, _, said) = run(&["import", "t.csv"], dir.path());
        assert!(
            code == 2 && said.contains(column) && said.contains("没有「某某」"),
            "{table}: {said}"
        );
    }
}

#[test]
fn who_began_it_is_who_is_named_when_somebody_begins_it_again() {
    let dir = township(TWO);
    let begin = |by: &str| run(&["issue", "begin", "CHD2022-000002", "--by", by], dir.path()).1;
    assert!(begin("Z5").contains("Z5 陈网 已着手办理"));
    let again = begin("Z4");
    assert!(
        again.contains("Z5 陈网") && again.contains("没有改动") && !again.contains("冯包"),
        "{again}"
    );
}

#[test]
fn the_key_is_held_against_the_record_and_no_new_one_is_advised() {
    let dir = township(TWO);
    let key = dir.path().join("zoufang.key");
    let kept = std::fs::read_to_string(&key).unwrap();
    let (code, out, _) = run(&["check"], dir.path());
    assert!(code == 0 && out.contains("密钥与数据库相符"), "{out}");
    std::fs::write(&key, "ab".repeat(32)).unwrap();
    let (code, out, _) = run(&["check"], dir.path());
    assert!(code == 2 && out.contains("✗ privacy.key_file：密钥与数据库不符"), "{out}");
    std::fs::remove_file(&key).unwrap();
    for words in [&["check"][..], &["duties"]] {
        let (code, out, error) = run(words, dir.path());
        let said = out + &error;
        assert!(
            code != 0 && said.contains("不要生成新密钥") && said.contains("另存的那一份"),
            "{said}"
        );
        assert!(!said.contains("zoufang key zoufang.key"), "{said}");
    }
    let (code, _, said) = run(&["key", "zoufang.key"], dir.path());
    assert!(code == 2 && said.contains("没有生成") && !key.exists(), "{said}");
    std::fs::write(&key, kept).unwrap();
    assert_eq!(run(&["duties"], dir.path()).0, 0);
}

#[test]
fn an_issue_shows_all_of_itself_and_hides_who_it_is_about() {
    let dir = township(TWO);
    std::fs::write(
        dir.path().join("h.csv"),
        "问题编号,办理结果\nCHD2022-000002,已告知李秀英，电话10000000102\n",
    )
    .unwrap();
    assert_eq!(run(&["import", "h.csv"], dir.path()).0, 0);
    let (_, out, _) = run(&["issue", "show", "CHD2022-000002"], dir.path());
    for shown in [
        "已办结",
        "镇村自办",
        "居住环境",
        "一般",
        "2022-03-06",
        "办结期限",
        "Z6 褚走",
        "已告知李**",
    ] {
        assert!(out.contains(shown), "{shown}: {out}");
    }
    for hidden in ["水管", "李秀英", "10000000102"] {
        assert!(!out.contains(hidden), "{hidden}: {out}");
    }
    let (code, _, said) = run(&["issue", "show", "CHD2022-000002", "--reveal"], dir.path());
    assert!(code == 2 && said.contains("--by"), "{said}");
    let (_, out, _) =
        run(&["issue", "show", "CHD2022-000002", "--reveal", "--by", "Z5"], dir.path());
    assert!(
        out.contains("水管漏水") && out.contains("李秀英") && out.contains("10000000102"),
        "{out}"
    );
    let (_, out, _) = run(&["issue", "show", "CHD2022-000002", "--json"], dir.path());
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (shown["level"].as_str(), shown["state"].as_str()),
        (Some("town"), Some("resolved"))
    );
    let missing = run(&["missing", "--area", "高桥村", "--kind", "回访"], dir.path()).1;
    assert!(missing.contains("第一总支,高桥村委会,H2") && !missing.contains("李秀英"), "{missing}");
}

#[test]
fn every_list_and_check_is_json_where_asked() {
    let dir = township(TWO);
    for words in [
        &["duties"][..],
        &["missing"],
        &["issue", "list", "--by", "Z1"],
        &["issue", "show", "CHD2022-000001"],
        &["outbox", "list"],
        &["outbox", "show", "referral:CHD2022-000001-R1"],
        &["handoff", "list"],
        &["figures"],
        &["figures", "--held"],
        &["staff", "list"],
        &["notify", "preview"],
        &["notify", "unreachable"],
        &["campaign", "plan"],
        &["check"],
        &["doctor"],
        &["discipline", "list", "--inspector", "D9"],
        &["sandbox", "--list"],
    ] {
        let all: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        let (code, out, said) = run(&all, dir.path());
        assert!(code == 0, "{words:?}: {out}{said}");
        let read: Result<serde_json::Value, _> = serde_json::from_str(&out);
        assert!(read.is_ok_and(|json| json.is_array() || json.is_object()), "{words:?}: {out}");
    }
}

#[test]
fn what_is_on_the_platform_is_said_when_it_is_withdrawn_here() {
    let dir = township(TWO);
    let number = "CHD2022-000001";
    let resolve = [
        "outbox",
        "resolve",
        "referral:CHD2022-000001-R1",
        "--arrived",
        "P-2201",
        "--by",
        "Z2",
        "--reason",
        "平台上看到了",
    ];
    let (code, _, said) = run(&resolve, dir.path());
    assert_eq!(code, 0, "{said}");
    let (_, out, _) = run(&["issue", "show", number], dir.path());
    assert!(out.contains("平台编号 P-2201"), "{out}");
    let (_, out, _) = run(&["issue", "void", number, "--by", "Z2", "--reason", "重复"], dir.path());
    for said in ["P-2201", "还在平台上", "请到平台上撤销"] {
        assert!(out.contains(said), "{out}");
    }
    // What never left needs nothing there.
    let (_, out, _) =
        run(&["issue", "void", "CHD2022-000002", "--by", "Z2", "--reason", "重复"], dir.path());
    assert!(!out.contains("注意"), "{out}");
}

#[test]
fn commands_beside_a_rehearsal_go_by_its_clock() {
    let dir = township(TWO);
    let serve = ["serve", "--clock-start", "2022-03-28T09:00", "--clock-speed", "60"];
    let mut service = Running::start(&serve, dir.path(), "log");
    let said = (0..600).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let (_, _, said) = run(&["duties"], dir.path());
        said.contains("演练中，现在是 2022-03-28").then_some(said)
    });
    assert!(said.is_some(), "{}", run(&["duties"], dir.path()).2);
    let (_, out, _) = run(&["notify", "preview"], dir.path());
    assert!(out.contains("2022-03-29："), "{out}");
    assert_eq!(service.terminate(), 0);
    // The clock stands where the service left it.
    let (_, _, said) = run(&["duties"], dir.path());
    assert!(said.contains("演练中，现在是 2022-03-28"), "{said}");
}

#[test]
fn a_preview_of_a_day_off_shows_the_next_workday() {
    let dir = township(TWO);
    let (code, out, _) = run(&["notify", "preview", "--on", "2022-03-26"], dir.path());
    assert!(
        code == 0 && out.contains("2022-03-26 是休息日") && out.contains("2022-03-28："),
        "{out}"
    );
    let (_, out, _) = run(&["notify", "preview", "--on", "2021-03-01"], dir.path());
    assert!(out.contains("活动期间是 2022-03-01 至 2022-06-30"), "{out}");
}

#[test]
fn completions_and_manual_pages_come_from_the_command_itself() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = run(&["completions", shell], dir.path());
        assert!(code == 0 && out.contains("acknowledge") && out.contains("missing"), "{shell}");
    }
    let (code, out, _) = run(&["man"], dir.path());
    assert!(code == 0 && out.contains(".SH 用法"), "{out}");
    let (code, _, said) = run(&["man", "--dir", "man"], dir.path());
    assert_eq!(code, 0, "{said}");
    let page = std::fs::read_to_string(dir.path().join("man/zoufang-issue-void.1")).unwrap();
    assert!(page.contains("作废") && page.contains(".SH 选项"), "{page}");
}

#[test]
fn a_campaign_file_is_asked_for_and_written_once() {
    let dir = township(TWO);
    let new = [
        "campaign",
        "new",
        "next.toml",
        "--name",
        "某镇2023年大走访",
        "--code",
        "CHD2023",
        "--town",
        "370481111000",
        "--start",
        "2023-03-01",
        "--hotline",
        "0632-0000000",
    ];
    let (code, out, said) = run(&new, dir.path());
    assert!(code == 0 && out.contains("next.toml"), "{said}");
    let (code, _, said) = run(&new, dir.path());
    assert!(code == 2 && said.contains("不会覆盖"), "{said}");
    let (code, out, said) = run(&["campaign", "plan", "--file", "next.toml"], dir.path());
    assert!(code == 0 && out.contains("新的活动 CHD2023") && out.contains("提醒 "), "{out}{said}");
    // It's looked at before it holds.
    assert!(out.contains("注意 走访人员表：没有人担任"), "{out}");
    assert!(out.contains("注意 campaign.ladder：活动 2023-06-30 结束以后还有提醒和督办"), "{out}");
    let winter = std::fs::read_to_string(dir.path().join("next.toml")).unwrap();
    let winter = winter.replace("2023-06-30", "2031-01-31").replace("CHD2023", "CHD2031");
    std::fs::write(dir.path().join("winter.toml"), winter).unwrap();
    let (code, out, said) = run(&["campaign", "plan", "--file", "winter.toml"], dir.path());
    assert!(
        code == 0 && out.contains("没有 2027、2028、2029、2030、2031 年的节假日"),
        "{out}{said}"
    );
    let apply = ["campaign", "apply", "--file", "next.toml", "--by", "Z1", "--reason", "新一年"];
    let (code, out, said) = run(&apply, dir.path());
    assert!(code == 0 && out.contains("提醒 ") && out.contains("人"), "{out}{said}");
    let (code, _, said) =
        run(&["campaign", "new", "other.toml", "--name", "甲", "--code", "甲 乙"], dir.path());
    assert!(code == 2 && said.contains("只能用字母和数字"), "{said}");
}

/// A campaign's file, from March of a year on.
fn plan_of(dir: &Path, code: &str, year: &str) -> String {
    let (file, start) = (format!("{code}.toml"), format!("{year}-03-01"));
    let new = ["campaign", "new", &file, "--name", "某镇大走访", "--code", code];
    let of = ["--town", "370481111000", "--start", &start, "--hotline", "0632-0000000"];
    let (code, _, said) = run(&[&new[..], &of].concat(), dir);
    assert_eq!(code, 0, "{said}");
    file
}

#[test]
fn what_cannot_be_applied_is_not_foreseen() {
    let dir = township(TWO);
    let (old, next) = (plan_of(dir.path(), "CHD2022", "2022"), plan_of(dir.path(), "A", "2040"));
    let far = plan_of(dir.path(), "B", "2041");
    let apply =
        |file| ["campaign", "apply", "--file", file, "--by", "Z1", "--reason", "新一年"].to_vec();
    // Which holidays a plan needs that isn't in effect yet is said once.
    let config = std::fs::read_to_string(dir.path().join("zoufang.toml")).unwrap();
    let config = format!("{config}[campaign]\nfile = '{next}'\n");
    std::fs::write(dir.path().join("next.conf.toml"), config).unwrap();
    let (_, out, _) = run(&["check", "--config", "next.conf.toml"], dir.path());
    let lines: Vec<_> = out.lines().filter(|line| line.contains("2040 年的节假日")).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("！ campaign.calendar_file"), "{out}");
    // The first campaign is over, so another may begin.
    let (code, _, said) = run(&apply(&next), dir.path());
    assert_eq!(code, 0, "{said}");
    let (code, out, said) = run(&["campaign", "plan", "--file", &old], dir.path());
    assert!(code == 2 && out.is_empty() && said.contains("已经结束"), "{out}{said}");
    let (code, _, said) = run(&["report", "附件4", "--on", "2022-04-01"], dir.path());
    assert!(code == 2 && said.contains("2022-04-01 属于以前的活动"), "{said}");
    // One that hasn't come to its end is ended by a word more.
    let (code, out, said) = run(&["campaign", "plan", "--file", &far], dir.path());
    assert!(code == 0 && out.contains("不能直接生效") && out.contains("--end-current"), "{said}");
    let (code, _, said) = run(&apply(&far), dir.path());
    assert!(code == 2 && said.contains("个责任人") && said.contains("--end-current"), "{said}");
    let (code, _, said) = run(&[apply(&far), vec!["--end-current"]].concat(), dir.path());
    assert_eq!(code, 0, "{said}");
}

/// What may stand in Latin letters in what is said: commands and options, keys, names of files and formats, what was typed.
const ALLOWED: &[&str] = &[
    "zoufang", "toml", "config", "by", "reason", "help", "details", "csv", "xlsx", "xls", "xlsb",
    "ods", "utf", "excel", "json", "http", "listen", "database", "url", "db", "key", "file",
    "serve", "import", "check", "staff", "list", "issue", "show", "outbox", "handoff", "campaign",
    "apply", "plan", "new", "export", "tmp", "sqlite", "postgres", "platform", "endpoint",
    "adapter", "notify", "channels", "log", "chd", "env", "name", "wps", "ctrl", "privacy",
    "filter", "off", "warn", "info", "debug", "restore",
];

/// The Latin words of a text that aren't allowed.
fn foreign(text: &str, typed: &[&str]) -> Vec<String> {
    let mut text = text.to_owned();
    // The names of kinds of platform and of faults are options.
    let profiles = zoufang::sandbox::PROFILES.iter().map(|profile| profile.name);
    let faults = [
        "no-answer",
        "reset-before",
        "reset-after",
        "slow",
        "duplicate",
        "reorder",
        "refuse",
        "none",
        "mild",
        "harsh",
    ];
    let mut names: Vec<&str> = profiles.chain(faults).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names {
        text = text.replace(name, " ");
    }
    // What was typed, and where the test's files lie, may be said back.
    for word in typed.iter().filter(|word| !word.is_empty()) {
        text = text.replace(word, " ");
    }
    // A key's fingerprint.
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words =
        words.filter(|word| !(word.len() == 16 && word.chars().all(|c| c.is_ascii_hexdigit())));
    let words = words.flat_map(|word| word.split(|c: char| !c.is_ascii_alphabetic()));
    let words = words.filter(|word| word.len() > 1).map(str::to_lowercase);
    let known = |word: &String| ALLOWED.contains(&word.as_str());
    let mut found: Vec<String> = words.filter(|word| !known(word)).collect();
    found.sort();
    found.dedup();
    found
}

/// Every command with its own options: as the program's completion lists them.
fn commands(dir: &Path) -> Vec<(Vec<String>, Vec<String>)> {
    fn walk(path: &[String], dir: &Path, found: &mut Vec<(Vec<String>, Vec<String>)>) {
        let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let (code, out, _) = run(&words, dir);
        assert_eq!(code, 0, "{words:?}");
        let section = |title: &str| -> Vec<String> {
            let lines = out.lines().skip_while(|line| !line.starts_with(title)).skip(1);
            let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
            lines.map(|line| line.trim().to_owned()).collect()
        };
        let below = section("命令");
        let names = below.iter().filter_map(|line| line.split_whitespace().next());
        for name in names.filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '-')) {
            let path: Vec<String> = path.iter().cloned().chain([name.to_owned()]).collect();
            walk(&path, dir, found);
        }
        let options = out.split_whitespace().filter(|word| word.starts_with("--"));
        let options = options.map(|word| word.trim_end_matches(',').to_owned());
        found.push((path.to_vec(), options.collect()));
    }
    let mut found = Vec::new();
    walk(&[], dir, &mut found);
    found
}

#[test]
fn whatever_is_typed_is_answered_in_chinese() {
    let dir = township(TWO);
    let folder = dir.path().to_str().unwrap();
    let all = commands(dir.path());
    assert!(all.len() > 45, "{}", all.len());
    // Options that stand in usage lines, and names of commands, are no foreign words.
    let names: Vec<&str> = all
        .iter()
        .flat_map(|(path, options)| path.iter().chain(options))
        .map(|name| name.trim_start_matches('-'))
        .collect();
    let shells = ["bash", "elvish", "fish", "powershell", "zsh", "correction", "another"];
    let mut wrong = Vec::new();
    for (path, options) in &all {
        if path.first().is_some_and(|name| ["demo", "serve", "sandbox"].contains(&name.as_str()))
            && path.len() == 1
        {
            // They'd run: only what they refuse is asked.
        } else {
            wrong.push((path.clone(), vec![]));
        }
        wrong.push((path.clone(), vec!["--nosuch".to_owned()]));
        wrong.push((
            path.clone(),
            vec!["nosuch".to_owned(), "nosuch".to_owned(), "nosuch".to_owned()],
        ));
        for option in options
            .iter()
            .filter(|option| !["--help", "--version", "--details"].contains(&option.as_str()))
        {
            for value in ["nosuch", "", "-1", "2022-13-45", "甲，乙"] {
                wrong.push((path.clone(), vec![format!("{option}={value}")]));
            }
            wrong.push((path.clone(), vec![option.clone()]));
        }
    }
    let lasting = |path: &[String]| {
        path.first().is_some_and(|name| ["demo", "serve", "sandbox"].contains(&name.as_str()))
    };
    let mut failures = Vec::new();
    for (path, more) in &wrong {
        let words: Vec<&str> = path.iter().chain(more).map(String::as_str).collect();
        let (code, out, said) =
            if lasting(path) { for_a_moment(&words, dir.path()) } else { run(&words, dir.path()) };
        if code == 0 {
            continue;
        }
        let mut typed: Vec<&str> = words.iter().flat_map(|word| word.split('=')).collect();
        typed.extend([folder, "nosuch"]);
        typed.extend(&shells);
        let mut found = foreign(&said, &typed);
        found.extend(foreign(&out, &typed));
        found.retain(|word| !names.iter().any(|name| name.split('-').any(|part| part == word)));
        if !found.is_empty() || said.is_empty() && out.is_empty() {
            failures.push(format!("{words:?} ({code}): {found:?}\n{said}"));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), wrong.len(), failures.join("\n"));
}

/// Runs one that would go on, for a moment.
fn for_a_moment(words: &[&str], dir: &Path) -> (i32, String, String) {
    let program = zoufang().get_program().to_owned();
    let output = Command::new("timeout")
        .arg("1")
        .arg(program)
        .args(words)
        .current_dir(dir)
        .output()
        .unwrap();
    let code = output.status.code().unwrap_or(-1);
    // Stopped by us: it was well.
    let code = if code == 124 { 0 } else { code };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (code, text(output.stdout), text(output.stderr))
}

#[test]
fn wrong_files_are_answered_in_chinese() {
    let dir = township(TWO);
    let folder = dir.path().to_str().unwrap().to_owned();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let mut failures = Vec::new();
    let mut answered = |words: &[&str], cure: &str| {
        let (code, out, said) = run(words, dir.path());
        let known = [
            "nosuch",
            "lease",
            "soon",
            "breaker_failures",
            "many",
            "mysql",
            "bad.toml",
            "notify.from",
            "town.db",
        ];
        let typed: Vec<&str> =
            words.iter().copied().chain([folder.as_str()]).chain(known).collect();
        let both = format!("{out}{said}");
        let found = foreign(&both, &typed);
        if code == 0 || !found.is_empty() || !both.contains(cure) {
            failures.push(format!("{words:?} ({code}): {found:?}\n{both}"));
        }
    };
    answered(&["duties", "--config", "nosuch.toml"], "没有这个文件");
    answered(&["duties", "--config", &folder], "这是文件夹");
    answered(&["import", "nosuch.csv"], "没有这个文件");
    answered(&["import", &folder], "文件夹");
    answered(&["status"], "服务在运行吗");
    answered(&["issue", "photo", "CHD2022-000001", "nosuch.jpg", "--by", "Z5"], "没有这个文件");
    for (name, text, cure) in [
        ("1.toml", "[http\nlisten = 'x'", "第 1 行"),
        ("2.toml", "[http]\nlisten = 127.0.0.1:80", "第 2 行"),
        ("3.toml", "[http]\nlisten", "第 2 行"),
        ("4.toml", "[http]\nlisten = 'x", "引号"),
        ("5.toml", "http = 3", "没有「http」"),
        ("6.toml", "[outbox]\nlease = 'soon'", "时间长度"),
        ("7.toml", "[outbox]\nbreaker_failures = 'many'", "整数"),
        ("8.toml", "[outbox]\nbreaker_failures = -1", "整数"),
        ("9.toml", "[notify]\nchannels = 'log'", "列表"),
        ("10.toml", "[http]\nlisten = 'a'\nlisten = 'b'", "第 3 行"),
        ("11.toml", "[database]\nurl = 'mysql://x'", "sqlite://"),
        ("12.toml", "[database]\nurl = 'sqlite://nosuch/x.db'", "先建好"),
        (
            "13.toml",
            "[privacy]\nkey_file = 'nosuch.key'\n[database]\nurl='sqlite://town.db'",
            "另存的那一份",
        ),
        (
            "14.toml",
            "[campaign]\nfile = 'nosuch.toml'\n[database]\nurl='sqlite://town.db'",
            "没有这个文件",
        ),
        ("15.toml", "[campaign]\nfile = 'bad.toml'\n[database]\nurl='sqlite://town.db'", "第 1 行"),
        ("16.toml", "[log]\nfilter = '=='", "filter"),
        ("17.toml", "[notify]\nfrom = '25:00'", "from"),
        ("18.toml", "[database]\nurl = 'postgres://127.0.0.1:9/x'", "没有回答"),
        ("19.toml", "[database]\nurl = 'sqlite://v.csv'", "数据库"),
    ] {
        write("bad.toml", "code = CHD");
        write(name, text);
        let command: &[&str] = if name == "16.toml" {
            &["serve", "--config", name]
        } else {
            &["duties", "--config", name]
        };
        answered(command, cure);
    }
    // What a service needs is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    write("20.toml", &format!("[http]\nlisten = '{address}'\n[database]\nurl='sqlite://town.db'"));
    answered(&["serve", "--config", "20.toml"], "已被占用");
    answered(&["sandbox", "--listen", &address], "已被占用");
    answered(&["sandbox", "--as", "nosuch，bom"], "不认识");
    assert!(failures.is_empty(), "{}:\n{}", failures.len(), failures.join("\n"));
}
