//! Readers never wait: for whoever writes, nor for a database that is gone; and what is said of it meanwhile.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AnyConnection, Connection, Executor};
use tokio_util::sync::CancellationToken;
use zoufang::clock::Stopwatch;
use zoufang::daemon::Daemon;
use zoufang::db::{NewLink, Store};
use zoufang::delivery::http;
use zoufang::domain::health::Verdict;
use zoufang::notify::calendar_link;
use zoufang::settings::Settings;
use zoufang::web::serve;
use zoufang::web::status::{Status, Unreadable};

use crate::support::proxy::{Proxy, Way};
use crate::support::{Fixture, on_both, open};

/// A reader gives up after 2 s; a busy machine may take longer to say so, but never as long as a turn is held.
const PATIENCE: Duration = Duration::from_secs(15);
/// What comes back by itself comes back within seconds where nothing else runs.
const LONG: Duration = Duration::from_secs(90);

struct Service {
    url: String,
    daemon: Arc<Daemon>,
    stop: CancellationToken,
    client: reqwest::Client,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Service {
    async fn of(store: &Store) -> Service {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let text = format!("[notify]\npublic_url = '{url}'\n");
        let settings = Settings::from_text(&text, "test").unwrap();
        let stop = CancellationToken::new();
        let daemon = Arc::new(Daemon::new(settings, store.clone(), stop.clone()).unwrap());
        tokio::spawn(serve(listener, Arc::clone(&daemon), stop.clone()));
        let client = http::client(Duration::from_secs(60), &http::Tls::default()).unwrap();
        Service { url, daemon, stop, client }
    }

    fn run(&self) {
        let daemon = Arc::clone(&self.daemon);
        tokio::spawn(async move { daemon.run().await });
    }

    /// The answer to a GET, which comes in time.
    async fn get(&self, path: &str) -> (u16, String) {
        let asked = Stopwatch::start();
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let answer = self.client.get(url).send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(asked.elapsed() < PATIENCE, "{path}: {:?}", asked.elapsed());
        (status, text)
    }

    /// Asks until it's so, which a busy machine may put off.
    async fn until(&self, path: &str, so: impl Fn(u16, &str) -> bool) -> String {
        let began = Stopwatch::start();
        loop {
            let (status, text) = self.get(path).await;
            if so(status, &text) {
                return text;
            }
            assert!(began.elapsed() < LONG, "{path}: {status} {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Every page, and two that are one person's.
async fn pages(store: &Store, service: &Service) -> Vec<String> {
    let staff = store.staff().await.unwrap();
    let person = staff.iter().find(|person| person.number == "Z6").unwrap();
    let link = NewLink { token: store.context().link_token(), asks: false };
    let mut tx = store.begin().await.unwrap();
    tx.put_links(&[(&link, &person.id, "2022-03-28".to_owned())]).await.unwrap();
    tx.commit().await.unwrap();
    let mut pages: Vec<String> =
        ["/", "/status", "/metrics", "/figures?by=village", "/figures?by=department"]
            .map(str::to_owned)
            .to_vec();
    pages.push(format!("/digests/{}", link.token));
    pages.push(calendar_link(store.context(), &service.url, person));
    pages
}

/// Holds the writer from outside of the program, as an import in another process does.
async fn lock(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let lock = if url.starts_with("sqlite") {
        "BEGIN IMMEDIATE"
    } else {
        "SELECT pg_advisory_lock(810311)"
    };
    connection.execute(lock).await.unwrap();
    connection
}

on_both!(pages_come_while_somebody_else_holds_the_writer, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 28, 9);
    zoufang::notify::remind(&fixture.store, &crate::reminders::rules()).await.unwrap();
    let service = Service::of(&fixture.store).await;
    let pages = pages(&fixture.store, &service).await;
    let own = fixture.store.begin().await.unwrap();
    for page in &pages {
        service.until(page, |status, _| status == 200).await;
    }
    own.rollback().await.unwrap();
    let other = lock(&fixture.url).await;
    for page in &pages {
        service.until(page, |status, _| status == 200).await;
    }
    // Whoever presses a button is told that it may not have been kept.
    let digest = pages.iter().find(|page| page.starts_with("/digests")).unwrap();
    let pressed = service.client.post(format!("{}{digest}", service.url)).send().await.unwrap();
    assert_eq!(pressed.status().as_u16(), 503);
    assert!(pressed.text().await.unwrap().contains("没有确认成功"));
    other.close().await.unwrap();
});

on_both!(it_is_ready_only_while_it_can_write, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let service = Service::of(&fixture.store).await;
    let (status, text) = service.get("/readyz").await;
    assert!(status == 503 && text.contains("正在启动"), "{text}");
    // A record that wasn't tried yet is no reason for an alarm.
    let read = Status::read(&service.daemon).await.unwrap();
    assert!(!read.reasons.iter().any(|reason| reason.contains("写不进去")), "{:?}", read.reasons);
    service.run();
    service.until("/readyz", |status, _| status == 200).await;
    let other = lock(&fixture.url).await;
    let text = service.until("/readyz", |status, _| status == 503).await;
    assert!(text.contains("写不进去") && text.contains("等它结束"), "{text}");
    let read: Status = serde_json::from_str(&service.get("/status").await.1).unwrap();
    assert_eq!(read.verdict, Verdict::Red);
    assert!(read.reasons[0].contains("数据库被占着"), "{:?}", read.reasons);
    assert!(service.get("/").await.1.contains("数据库被占着"));
    other.close().await.unwrap();
    service.until("/readyz", |status, _| status == 200).await;
    let read: Status = serde_json::from_str(&service.get("/status").await.1).unwrap();
    assert!(!read.reasons.iter().any(|reason| reason.contains("写不进去")), "{:?}", read.reasons);
    assert!(read.heartbeat_seconds.is_some_and(|seconds| seconds < 60.0));
});

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_a_page_says_so_soon_and_comes_back_by_itself() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let fixture = fixture.township().await;
    let (before, database) = fixture.url.rsplit_once('/').unwrap();
    let port = before.rsplit_once(':').unwrap().1.parse().unwrap();
    let proxy = Proxy::to(port).await;
    let url = format!("postgres://zoufang@127.0.0.1:{}/{database}", proxy.port);
    let store = open(&url, fixture.clock.clone(), 7).await.unwrap();
    let service = Service::of(&store).await;
    service.run();
    service.until("/readyz", |status, _| status == 200).await;
    let pages = pages(&fixture.store, &service).await;
    for way in [Way::Closed, Way::Silent] {
        for page in &pages {
            service.until(page, |status, _| status == 200).await;
        }
        proxy.set(way);
        // Many at once, so that every connection there is has been tried.
        futures_util::future::join_all((0..8).map(|_| service.get("/status"))).await;
        for page in &pages {
            assert_eq!(service.get(page).await.0, 503, "{way:?} {page}");
        }
        let page = service.get("/").await.1;
        for part in ["http-equiv=\"refresh\"", "暂时打不开", "没有丢失", "database.url"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let status: Unreadable = serde_json::from_str(&service.get("/status").await.1).unwrap();
        assert!(status.verdict == Verdict::Red && status.reasons.len() == 1);
        let text = service.get("/metrics").await.1;
        assert!(text.starts_with("数据库") && !text.contains('<'), "{text}");
        let ready = service.until("/readyz", |status, _| status == 503).await;
        assert!(ready.contains("没有回答"), "{ready}");
        proxy.set(Way::Open);
        service.until("/", |status, _| status == 200).await;
        service.until("/readyz", |status, _| status == 200).await;
    }
}

on_both!(metrics_show_what_the_status_shows_and_nothing_else, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    // Somebody for each role: what nobody holds is a reason.
    let rest = "人员编号,姓名,角色,所属区划\nZ8,齐组,组织人事办公室、督导组,370481111000\nZ9,全能,网格员、村两委、包村干部,杨桥村\nZ10,尤分,分管领导,370481111000\n";
    fixture.import("rest.csv", rest).await.unwrap();
    let service = Service::of(&fixture.store).await;
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z6,H1,王建国,,路灯不亮,有,,,").await.unwrap();
    let states = async || -> Vec<String> {
        let text = service.get("/metrics").await.1;
        text.lines().filter(|line| line.starts_with("zoufang_issues{")).map(str::to_owned).collect()
    };
    assert_eq!(states().await, ["zoufang_issues{state=\"registered\"} 1"]);
    let number =
        fixture.store.issues_in(zoufang::domain::issue::State::Registered, 1).await.unwrap()[0]
            .number
            .clone();
    let classified = format!("问题编号,责任层级,类别,轻重缓急\n{number},镇村自办,居住环境,急\n");
    fixture.import("c.csv", &classified).await.unwrap();
    // No series outlives what it shows.
    assert_eq!(states().await, ["zoufang_issues{state=\"classified\"} 1"]);
    let text = service.get("/metrics").await.1;
    for line in [
        "# TYPE zoufang_duties_open gauge",
        "# HELP zoufang_issues Issues by state.",
        "zoufang_duties_open{kind=\"visit\"} 2",
        "zoufang_verdict 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let turn = text.lines().find_map(|line| line.strip_prefix("zoufang_longest_turn_seconds "));
    assert!(turn.unwrap().parse::<f64>().unwrap() > 0.0, "{text}");
});
