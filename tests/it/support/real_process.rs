//! The real process beside a real platform that misbehaves, for tests that are unkind to both.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use zoufang::clock::Clock;
use zoufang::db::Store;

use super::kinds::{Kinds, configuration};
use super::postgres::free_port;
use super::program::{Running, run};
use super::{AREAS, ASSIGNMENTS, STAFF, SUBJECTS, client, open};

/// The rehearsal's clock runs this many times as fast as the real one.
pub const SPEED: f64 = 120.0;

/// A township's service and its platform, as processes.
pub struct Township<'d> {
    pub dir: &'d Path,
    /// Where the record is, whatever lies on the way of the service.
    pub url: String,
    pub platform: String,
    pub listen: String,
    began: Instant,
    /// How far its clock stands ahead.
    ahead: Duration,
    _sandbox: Running,
}

impl Township<'_> {
    /// The service comes to its record by `way`.
    pub async fn new<'d>(dir: &'d Path, url: &str, way: &str, seed: u64) -> Township<'d> {
        let (platform, listen) =
            (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let began = Instant::now();
        // A look asks several questions, all of which must be answered: with half of them failing it would hardly ever end.
        let fault = "reset-before=0.05,reset-after=0.1,500=0.08,503=0.05,no-answer=0.01,duplicate=0.2,reorder=0.2,token=0.2";
        let speed = SPEED.to_string();
        // What nothing can be asked of is proved elsewhere: there, what isn't known is held.
        let mut seeds = seed..;
        let kinds = seeds.find_map(|seed| Some(Kinds::drawn(seed)).filter(|k| !k.are_blind()));
        let kinds = kinds.unwrap().names();
        println!("kinds of platform: {kinds}");
        let sandbox = Running::start(
            &[
                "sandbox",
                "--listen",
                &platform,
                "--seed",
                "5",
                "--fault",
                fault,
                "--as",
                &kinds,
                "--clock-start",
                "2022-04-20T09:00",
                "--clock-speed",
                &speed,
            ],
            dir,
            "sandbox.log",
        );
        let config = format!(
            "[database]\nurl = '{way}'\n[backup]\nfolder = 'backups'\n[http]\nlisten = '{listen}'\n[platform]\nadapter = 'open311'\n\
             endpoint = 'http://{platform}'\ntimeout = '2s'\nsettle_after = '2s'\n{}\
             [outbox]\nlease = '5s'\nretry_first = '1s'\nretry_cap = '2s'\nbreaker_pause = '1s'\n\
             [notify]\nchannels = ['webhook']\ncopies = ['log']\nfrom = '00:00'\nuntil = '23:59'\n[notify.webhook]\nurl = 'http://{platform}/sandbox/notices'\n",
            configuration(&kinds)
        );
        std::fs::write(dir.join("zoufang.toml"), config).unwrap();
        std::fs::write(dir.join("zoufang.key"), "07".repeat(32)).unwrap();
        let township = Township {
            dir,
            url: url.to_owned(),
            platform,
            listen,
            began,
            ahead: Duration::ZERO,
            _sandbox: sandbox,
        };
        for (name, table) in
            [("a.csv", AREAS), ("s.csv", STAFF), ("o.csv", SUBJECTS), ("f.csv", ASSIGNMENTS)]
        {
            township.import(name, table);
        }
        township
    }

    pub fn import(&self, name: &str, table: &str) {
        std::fs::write(self.dir.join(name), table).unwrap();
        let (code, _, error) = run(&["import", "--config", "zoufang.toml", name], self.dir);
        assert_eq!(code, 0, "{error}");
    }

    /// A person voids an issue, wherever its debt is on its way.
    pub fn void(&self, issue: usize) {
        let number = format!("CHD2022-{issue:06}");
        let by = ["--by", "周正", "--reason", "群众撤回"];
        let words = [&["issue", "void", "--config", "zoufang.toml", &number][..], &by].concat();
        let (code, _, error) = run(&words, self.dir);
        assert_eq!(code, 0, "{error}");
    }

    /// Starts the service at the present moment of the rehearsal.
    pub fn serve(&self) -> Running {
        let start: Timestamp = "2022-04-20T09:00:00+08:00".parse().unwrap();
        let now = start
            + Duration::from_secs_f64(self.began.elapsed().as_secs_f64() * SPEED)
            + self.ahead;
        let (now, speed) = (now.to_string(), SPEED.to_string());
        let arguments =
            ["serve", "--config", "zoufang.toml", "--clock-start", &now, "--clock-speed", &speed];
        Running::start(&arguments, self.dir, "serve.log")
    }

    /// From its next start on.
    pub fn ahead(&mut self, by: Duration) {
        self.ahead = by;
    }

    /// With which status the service answers, if it does.
    pub async fn answers(&self, path: &str) -> Option<u16> {
        let answer = client().get(format!("http://{}{path}", self.listen)).send().await;
        answer.ok().map(|answer| answer.status().as_u16())
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.dir.join("serve.log")).unwrap();
        let from = log.char_indices().rev().nth(3_000).map_or(0, |(at, _)| at);
        format!("the log ends: {}", &log[from..])
    }

    pub async fn get(&self, address: &str, path: &str) -> Option<Value> {
        client().get(format!("http://{address}{path}")).send().await.ok()?.json().await.ok()
    }

    /// Waits, in real time since these are real processes, until nothing is under way.
    pub async fn quiet(&self) -> Value {
        for _ in 0..4800 {
            let status = self.get(&self.listen, "/status").await.unwrap_or_default();
            // Nothing, where the record couldn't be read.
            let lanes = status["lanes"].as_array().into_iter().flatten();
            let counts =
                lanes.flat_map(|lane| ["queued", "in_flight", "unknown"].map(|s| &lane[s]));
            let mut counts = counts.map(|count| count.as_i64().unwrap()).peekable();
            if counts.peek().is_some() && counts.sum::<i64>() == 0 {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("still under way; {}", self.log());
    }

    pub async fn store(&self) -> Store {
        open(&self.url, Clock::system(), 7).await.unwrap()
    }

    /// Everything that is owed stands on the platform, once, and nothing else.
    pub async fn each_came_once(&self, debts: &[(String, Option<String>)]) {
        let requests = self.get(&self.platform, "/sandbox/requests").await.unwrap();
        let requests = requests.as_array().unwrap();
        let received: Vec<&str> =
            requests.iter().map(|r| r["form"]["description"].as_str().unwrap()).collect();
        for (reference, _) in debts {
            let mark = format!("[{reference}]");
            let times = received.iter().filter(|text| text.contains(&mark)).count();
            assert_eq!(times, 1, "{reference}");
        }
        assert_eq!(received.len(), debts.len(), "something came that wasn't owed");
    }

    /// Nobody heard the same twice.
    pub async fn each_was_told_once(&self) {
        let notices = self.get(&self.platform, "/sandbox/notices").await.unwrap();
        let mut digests = std::collections::HashMap::new();
        for notice in notices.as_array().unwrap() {
            let of = |what: &str| notice["body"]["data"][what].to_string();
            // A day's digest is one; what is told besides has a title of its own.
            let topic = notice["body"]["type"].to_string();
            let id = notice["webhook_id"].to_string();
            let known = digests.entry((of("to"), of("date"), topic)).or_insert_with(|| id.clone());
            assert_eq!(*known, id, "two digests for one person and day");
        }
    }
}
