//! Each kind of platform that the sandbox can be does what its source says; kinds combine; docs/sandbox.md names them all.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use zoufang::clock::Clock;
use zoufang::sandbox::{Faults, PROFILES, Profile, Sandbox};

use crate::support::client;
use crate::support::program::run;

const START: &str = "2022-04-20T01:00:00Z";

/// A platform of one kind or several, and its address.
struct Platform {
    sandbox: Sandbox,
    clock: Clock,
    address: String,
    _stop: DropGuard,
}

impl Platform {
    async fn like(names: &str) -> Platform {
        let clock = Clock::manual(START.parse().unwrap());
        let behaviour = Profile::read(names).unwrap();
        let sandbox = Sandbox::like(clock.clone(), 1, Faults::default(), behaviour);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, serving) = (CancellationToken::new(), sandbox.clone());
        let stopped = stop.clone();
        tokio::spawn(async move { serving.serve(listener, stopped).await });
        Platform { sandbox, clock, address, _stop: stop.drop_guard() }
    }

    fn pass(&self, hours: i64) {
        self.clock.set(self.clock.now() + SignedDuration::from_hours(hours));
    }

    async fn submit(&self, description: &str, more: &[(&str, &str)]) -> reqwest::Response {
        let mut form = vec![
            ("service_code", "other"),
            ("address_string", "村口"),
            ("description", description),
        ];
        form.extend(more);
        client().post(format!("{}/requests.json", self.address)).form(&form).send().await.unwrap()
    }

    /// So many requests, a minute apart.
    async fn filled(self, requests: usize) -> Platform {
        for place in 1..=requests {
            self.submit(&format!("第{place}件"), &[]).await;
            self.clock.set(self.clock.now() + SignedDuration::from_mins(1));
        }
        self
    }

    async fn asked(&self, path: &str) -> reqwest::Response {
        client().get(format!("{}/{path}", self.address)).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        self.asked(path).await.json().await.unwrap()
    }

    /// The descriptions that a list shows.
    async fn listed(&self, query: &str) -> Vec<String> {
        let list = self.json(&format!("requests.json?{query}")).await;
        let text = |thing: &Value| thing["description"].as_str().unwrap_or("null").to_owned();
        list.as_array().unwrap().iter().map(text).collect()
    }

    async fn first(&self) -> Value {
        self.json("requests.json").await[0].clone()
    }
}

#[tokio::test]
async fn pages_are_cut_as_each_kind_cuts_them() {
    // Austin's page: 50 where nothing is said, at most 500, the newest first.
    let austin = Platform::like("connected-bits").await.filled(60).await;
    let (first, second) = (austin.listed("").await, austin.listed("page=2").await);
    assert_eq!((first.len(), &*first[0], second.len()), (50, "第60件", 10));
    assert_eq!(austin.listed("page_size=1000").await.len(), 60);
    assert_eq!(austin.listed("page=3").await.len(), 0);
    // Boston: page 4 of 250 is what comes after 1,000.
    let boston = Platform::like("boston").await.filled(60).await;
    assert_eq!(boston.listed("page=0&page_size=20").await, boston.listed("page_size=20").await);
    assert_eq!(boston.listed("page=2&page_size=20").await[0], "第20件");
    // SeeClickFix: 20, and per_page up to 100.
    let click = Platform::like("seeclickfix").await.filled(25).await;
    assert_eq!(click.listed("page_size=25").await.len(), 20);
    assert_eq!(click.listed("per_page=25").await.len(), 25);
    // Bloomington: the page after the last is the last, for ever.
    let bloomington = Platform::like("bloomington").await.filled(11).await;
    let last = bloomington.listed("page=2&page_size=10").await;
    assert_eq!(last, ["第11件"]);
    for page in [3, 100] {
        assert_eq!(bloomington.listed(&format!("page={page}&page_size=10")).await, last);
    }
}

#[tokio::test]
async fn what_lies_beyond_the_first_can_not_be_had_where_there_are_no_pages() {
    let newest = Platform::like("newest-20").await.filled(25).await;
    let first = newest.listed("").await;
    assert_eq!((first.len(), &*first[0], &*first[19]), (20, "第25件", "第6件"));
    assert_eq!(newest.listed("page=2&page_size=100").await, first);
    // Its windows hold all the same.
    let early =
        newest.listed("start_date=2022-04-20T01:00:00Z&end_date=2022-04-20T01:02:30Z").await;
    assert_eq!(early, ["第3件", "第2件", "第1件"]);
    let oldest = Platform::like("oldest-50").await.filled(55).await;
    let first = oldest.listed("page=2").await;
    assert_eq!((first.len(), &*first[0]), (50, "第1件"));
}

#[tokio::test]
async fn windows_are_read_as_each_kind_reads_them() {
    let asked = "start_date=2022-04-20T00:59:00Z&end_date=2022-04-20T01:10:00Z";
    let local = "start_date=2022-04-20T08:59:00Z&end_date=2022-04-20T09:10:00Z";
    let honest = Platform::like("georeport").await.filled(3).await;
    assert_eq!((honest.listed(asked).await.len(), honest.listed(local).await.len()), (3, 0));
    for name in ["local-window", "fixmystreet,bom"] {
        let platform = Platform::like(name).await.filled(3).await;
        let count = |query: &'static str| {
            let address = format!("{}/requests.xml?{query}", platform.address);
            async move {
                let text = client().get(address).send().await.unwrap().text().await.unwrap();
                text.matches("<request>").count()
            }
        };
        assert_eq!((count(asked).await, count(local).await), (0, 3), "{name}");
    }
    let deaf = Platform::like("window-ignored").await.filled(3).await;
    assert_eq!(
        deaf.listed("start_date=2000-01-01T00:00:00Z&end_date=2000-01-02T00:00:00Z").await.len(),
        3
    );
}

#[tokio::test]
async fn times_are_written_as_each_kind_writes_them() {
    for (name, written) in [
        ("georeport", "2022-04-20T01:00:00Z"),
        ("no-zone", "2022-04-20 09:00:00"),
        ("local-called-utc", "2022-04-20T09:00:00Z"),
    ] {
        let platform = Platform::like(name).await.filled(1).await;
        assert_eq!(platform.first().await["requested_datetime"], written, "{name}");
    }
    let fixmystreet = Platform::like("fixmystreet").await.filled(1).await;
    let wrapped = fixmystreet.json("requests.json?end_date=2022-04-21T01:00:00Z").await;
    let first = &wrapped["service_requests"][0];
    assert_eq!(first["requested_datetime"], "2022-04-20T09:00:00+08:00");
}

#[tokio::test]
async fn descriptions_are_shown_as_each_kind_shows_them() {
    let long = "长".repeat(300);
    for (name, in_list, alone) in [("listed-128", 128, 300), ("kept-200", 200, 200)] {
        let platform = Platform::like(name).await;
        platform.submit(&long, &[]).await;
        assert_eq!(platform.listed("").await[0].chars().count(), in_list, "{name}");
        let one = platform.json("requests/0000001.json").await;
        assert_eq!(one[0]["description"].as_str().unwrap().chars().count(), alone, "{name}");
    }
    let accela = Platform::like("accela").await;
    accela.submit(&long, &[]).await;
    let first = accela.first().await;
    assert!(first["description"].is_null() && first["status"] == "Open", "{first}");
    let number = first["service_request_id"].as_str().unwrap();
    let one = accela.json(&format!("requests/{number}.json")).await;
    assert_eq!(
        (number, &one[0]["description"]),
        ("ISLANDTON-14CAP-00000-00001", &Value::from(long))
    );
}

#[tokio::test]
async fn descriptions_are_escaped_titled_and_lists_null_where_there_is_none() {
    let escaped = Platform::like("escaped").await;
    escaped.submit("东街<路灯>&\"井盖\"", &[]).await;
    assert_eq!(escaped.listed("").await, ["东街&lt;路灯&gt;&amp;&quot;井盖&quot;"]);
    let titled = Platform::like("titled").await;
    titled.submit("路灯不亮", &[]).await;
    assert_eq!(titled.listed("").await, ["来访诉求: 路灯不亮"]);
    let none = Platform::like("null-for-none").await;
    assert_eq!(none.json("requests.json").await, Value::Null);
    none.submit("路灯不亮", &[]).await;
    assert_eq!(none.listed("").await, ["路灯不亮"]);
}

#[tokio::test]
async fn receipts_are_given_as_each_kind_gives_them() {
    let token = Platform::like("token").await;
    let given: Value = token.submit("一", &[]).await.json().await.unwrap();
    let name = given[0]["token"].as_str().unwrap();
    assert!(given[0].get("service_request_id").is_none());
    let ask = format!("tokens/{name}.json");
    token.pass(47);
    assert!(token.json(&ask).await[0].get("service_request_id").is_none());
    token.pass(2);
    assert_eq!(token.json(&ask).await[0]["service_request_id"], "0000001");
    let zero = Platform::like("token-zero").await;
    let given: Value = zero.submit("一", &[]).await.json().await.unwrap();
    let ask = format!("tokens/{}.json", given[0]["token"].as_str().unwrap());
    assert_eq!(zero.json(&ask).await[0]["service_request_id"], 0);
    zero.pass(49);
    assert_eq!(zero.json(&ask).await[0]["service_request_id"], "0000001");
    let redirect = Platform::like("redirect-303").await;
    let answer = redirect.submit("一", &[]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/requests/0000001.json");
    assert_eq!(redirect.sandbox.ledger().requests.len(), 1);
    let queue = Platform::like("accepted-202").await;
    let answer = queue.submit("一", &[]).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(answer.text().await.unwrap().is_empty());
    assert_eq!(queue.sandbox.ledger().requests.len(), 1);
}

#[tokio::test]
async fn a_list_that_is_behind_shows_what_came_two_hours_ago() {
    let platform = Platform::like("listed-late").await.filled(1).await;
    assert_eq!(platform.json("requests.json").await.as_array().unwrap().len(), 0);
    assert_eq!(platform.json("requests/0000001.json").await.as_array().unwrap().len(), 1);
    platform.pass(2);
    assert_eq!(platform.json("requests.json").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn numbers_of_twenty_digits_are_json_numbers() {
    let platform = Platform::like("long-numbers").await;
    let text = platform.submit("一", &[]).await.text().await.unwrap();
    assert!(text.contains(r#""service_request_id":18446744073700000001"#), "{text}");
    let one = platform.json("requests/18446744073700000001.json").await;
    assert_eq!(one[0]["description"], "一");
}

#[tokio::test]
async fn a_number_with_slashes_is_asked_about_as_one_part_of_a_path() {
    let platform = Platform::like("slashed-numbers").await.filled(1).await;
    assert_eq!(platform.first().await["service_request_id"], "CHD/22/0000001");
    let one = platform.json("requests/CHD%2F22%2F0000001.json").await;
    assert_eq!(one[0]["description"], "第1件");
    let bare = platform.asked("requests/CHD/22/0000001.json").await;
    assert_eq!(bare.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn answers_come_in_the_character_set_of_their_kind() {
    for (name, says) in [("gbk", true), ("gbk-unsaid", false)] {
        let platform = Platform::like(name).await.filled(1).await;
        for file in ["requests.json", "requests.xml"] {
            let answer = platform.asked(file).await;
            let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
            let bytes = answer.bytes().await.unwrap();
            assert_eq!(kind.contains("GBK"), says, "{kind}");
            let (text, _, wrong) = encoding_rs::GBK.decode(&bytes);
            assert!(!wrong && text.contains("第1件") && std::str::from_utf8(&bytes).is_err());
        }
    }
    let marked = Platform::like("bom").await.filled(1).await;
    assert!(
        marked.asked("requests.json").await.bytes().await.unwrap().starts_with(b"\xef\xbb\xbf[")
    );
}

#[tokio::test]
async fn one_submitted_again_is_known_where_the_kind_knows_it() {
    let conflict = Platform::like("conflict-409").await;
    assert_eq!(conflict.submit("一", &[]).await.status(), StatusCode::OK);
    assert_eq!(conflict.submit("一", &[]).await.status(), StatusCode::CONFLICT);
    let same = Platform::like("same-number").await;
    let first = same.submit("一", &[]).await.text().await.unwrap();
    assert_eq!(same.submit("一", &[]).await.text().await.unwrap(), first);
    for platform in [conflict, same] {
        assert_eq!(platform.sandbox.ledger().requests.len(), 1);
    }
}

#[tokio::test]
async fn a_firewall_turns_a_text_away() {
    let platform = Platform::like("firewall").await;
    let answer = platform.submit("群众说：Please POST 16.5.22\n", &[]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(platform.submit("路灯不亮", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn statuses_go_and_are_written_as_each_kind_has_them() {
    let day = 24;
    for (name, after, word) in [
        ("georeport", 0, "open"),
        ("upper-case", 0, "OPEN"),
        ("upper-case", 60 * day, "CLOSED"),
        ("seeclickfix", 60 * day, "Closed"),
        ("two-words", 60 * day, "closed"),
    ] {
        let platform = Platform::like(name).await.filled(1).await;
        platform.pass(after);
        let one = platform.json("requests/0000001.json").await;
        assert_eq!(one[0]["status"], word, "{name}");
    }
    let platform = Platform::like("reopened").await.filled(1).await;
    let mut words = Vec::new();
    for _ in 0..60 {
        platform.pass(6);
        for _ in 0..4 {
            let one = platform.json("requests/0000001.json").await;
            words.push(one[0]["status"].as_str().unwrap().to_owned());
        }
        words.dedup();
    }
    let way = ["accepted", "in_progress", "closed", "in_progress", "closed"];
    assert_eq!(words[words.len() - 5..], way);
    let updates = platform.json(&format!("servicerequestupdates.json?start_date={START}")).await;
    assert_eq!(updates.as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_strict_platform_takes_only_what_it_knows() {
    let platform = Platform::like("open311-adapter").await;
    let status = |path: &'static str| async { platform.asked(path).await.status() };
    assert_eq!(status("services.json").await, StatusCode::OK);
    for path in [
        "services.json?api_key=k",
        "services/other.json?api_key=k",
        "requests/1.json?api_key=k",
        "requests.json?page=2",
    ] {
        assert_eq!(status(path).await, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(status("requests.json?api_key=k").await, StatusCode::OK);
    let definition = platform.json("services/other.json").await;
    assert_eq!(definition["attributes"][2]["code"], "fixmystreet_id");
    assert_eq!(definition["attributes"][2]["variable"], "false");
    let key = ("api_key", "k");
    let council = [
        key,
        ("attribute[easting]", "1"),
        ("attribute[northing]", "2"),
        ("attribute[fixmystreet_id]", "3"),
    ];
    assert_eq!(platform.submit("一", &council[1..]).await.status(), StatusCode::BAD_REQUEST);
    let lacking = platform.submit("一", &council[..3]).await;
    assert!(lacking.text().await.unwrap().contains("attribute[fixmystreet_id]"));
    assert_eq!(platform.submit("一", &council).await.status(), StatusCode::OK);
    for (word, expected) in [("open", StatusCode::BAD_REQUEST), ("OPEN", StatusCode::OK)] {
        let form =
            [key, ("service_request_id", "0000001"), ("status", word), ("description", "好")];
        let address = format!("{}/servicerequestupdates.json", platform.address);
        let answer = client().post(address).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), expected);
    }
    let everywhere = Platform::like("key-everywhere").await;
    assert_eq!(everywhere.asked("services.json").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(everywhere.asked("services.json?api_key=k").await.status(), StatusCode::OK);
    assert_eq!(everywhere.submit("一", &[]).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn one_of_three_is_told_when_to_come_again() {
    for (name, status) in [
        ("retry-after-0", 503),
        ("retry-after-past", 503),
        ("retry-after-date", 503),
        ("san-francisco", 429),
    ] {
        let platform = Platform::like(name).await;
        let answer = platform.submit("一", &[]).await;
        assert_eq!(answer.status(), status, "{name}");
        let said = answer.headers()["retry-after"].to_str().unwrap().to_owned();
        for _ in 0..2 {
            assert_eq!(platform.submit("一", &[]).await.status(), StatusCode::OK);
        }
        assert_eq!(platform.submit("一", &[]).await.status(), status);
        match name {
            "retry-after-0" => assert_eq!(said, "0"),
            "san-francisco" => assert_eq!(said, "6"),
            _ => {
                let at = jiff::fmt::rfc2822::parse(&said).unwrap().timestamp();
                let now = Timestamp::try_from(SystemTime::now()).unwrap();
                let away = at.duration_since(now).abs();
                assert!(said.ends_with(" GMT") && away < SignedDuration::from_secs(90), "{said}");
                assert_eq!(at < now, name == "retry-after-past", "{said}");
            }
        }
    }
}

#[tokio::test]
async fn a_list_that_may_not_be_asked_for_is_refused_and_one_request_is_not() {
    for (name, status) in [("no-list-404", 404), ("no-list-400", 400), ("no-list-500", 500)] {
        let platform = Platform::like(name).await.filled(1).await;
        let asked = platform.asked("requests.json?start_date=2022-04-20T00:00:00Z").await;
        assert_eq!(asked.status(), status, "{name}");
        assert_eq!(platform.asked("requests/0000001.json").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn what_is_closed_is_listed_where_its_asked_for() {
    for (name, unasked) in [("open-only", 1), ("georeport", 2)] {
        let platform = Platform::like(name).await.filled(1).await;
        platform.pass(60 * 24);
        let platform = platform.filled(1).await;
        let listed = async |status: &str| {
            platform.listed(&format!("start_date=2022-01-01T00:00:00Z{status}")).await.len()
        };
        let all = [listed("").await, listed("&status=closed").await, listed("&status=open").await];
        assert_eq!(all, [unasked, 1, 1], "{name}");
        assert_eq!(listed("&status=open,closed").await, 2);
    }
}

#[tokio::test]
async fn kinds_combine() {
    let both = Platform::like("newest-20,gbk,long-numbers,upper-case").await.filled(22).await;
    let bytes = both.asked("requests.json").await.bytes().await.unwrap();
    let (text, _, _) = encoding_rs::GBK.decode(&bytes);
    let list: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 20);
    assert_eq!((&list[0]["status"], &list[0]["description"]), (&"OPEN".into(), &"第22件".into()));
    // Where two differ, the later one's habit holds.
    let paging = |names: &str| Profile::read(names).unwrap().paging.unwrap().size;
    assert_eq!((paging("newest-20,boston"), paging("boston,newest-20")), (50, 20));
}

#[test]
fn every_kind_is_named_once_with_its_source_here_and_in_the_docs() {
    let page = include_str!("../../docs/sandbox.md");
    for (place, profile) in PROFILES.iter().enumerate() {
        let Profile { name, source, chinese, .. } = profile;
        assert_eq!(PROFILES.iter().position(|other| other.name == *name), Some(place));
        assert!(source.starts_with("https://") && !chinese.is_empty(), "{name}");
        let line = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let address = source.split(' ').next().unwrap();
        let named = line.is_some_and(|line| line.contains(chinese) && line.contains(address));
        assert!(named, "docs/sandbox.md: {name}");
    }
    let known = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(known, PROFILES.len());
}

#[test]
fn the_command_lists_them_and_says_which_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, _) = run(&["sandbox", "--as", "list"], dir.path());
    assert_eq!(code, 0);
    assert!(
        PROFILES.iter().all(|profile| out.contains(profile.name) && out.contains(profile.source))
    );
    let (code, _, error) = run(&["sandbox", "--as", "georeport,nowhere"], dir.path());
    assert!(code == 2 && error.contains("「nowhere」") && error.contains("newest-20"), "{error}");
}
