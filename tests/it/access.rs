//! Who may what: every cell of docs/access.md.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, RequestBuilder, Response};
use sqlx::Connection;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use zoufang::daemon::Daemon;
use zoufang::db::NewLink;
use zoufang::notify::calendar_link;
use zoufang::settings::Settings;
use zoufang::web;

use crate::db::{one_city_issue, the_issue};
use crate::support::{Fixture, client};

const SIGNS: &str = "9Q0rT2mZk4Lw8XyB1vNs";
const UPLOADS: &str = "h7Jd2KpVw0sQz5RtYb3M";
const UPDATE: &str = r#"[{"service_request_id": 7, "status": "accepted"}]"#;

/// How a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Nobody,
    Wrong,
    Right,
    Foreign,
}

/// A route of the table, and what it answers to each.
struct Row {
    method: Method,
    route: String,
    cells: [(As, Option<u16>); 4],
}

fn table() -> Vec<Row> {
    let page = include_str!("../../docs/access.md");
    let lines = page.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [route, _, _, nobody, wrong, right, foreign] = cells[..] else { panic!("{line}") };
        let (method, route) = route.trim_matches('`').split_once(' ').unwrap();
        let code = |text: &str| (text != "–").then(|| text.parse().unwrap());
        Row {
            method: method.parse().unwrap(),
            route: route.to_owned(),
            cells: [
                (As::Nobody, code(nobody)),
                (As::Wrong, code(wrong)),
                (As::Right, code(right)),
                (As::Foreign, code(foreign)),
            ],
        }
    };
    lines.map(row).collect()
}

/// A service that has everything that a route may be about.
struct Service {
    fixture: Fixture,
    daemon: Arc<Daemon>,
    url: String,
    pass: String,
    calendar: String,
    stop: CancellationToken,
}

impl Service {
    async fn new() -> Service {
        let fixture = one_city_issue(Fixture::sqlite().await).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let text = format!(
            "[platform]\nadapter = 'open311'\nendpoint = 'http://127.0.0.1:9'\nmedia_url = '{url}/photos'\n\
             [platform.push]\nsecret = '{SIGNS}'\n[platform.returns]\nsecret = '{UPLOADS}'\n[notify]\npublic_url = '{url}'\n\
             [http]\ntrusted_proxies = ['127.0.0.1']\n"
        );
        let settings = Settings::from_text(&text, "test").unwrap();
        let stop = CancellationToken::new();
        let daemon = Daemon::new(settings, fixture.store.clone(), stop.clone()).unwrap();
        let daemon = Arc::new(daemon);
        let number = the_issue(&fixture.store).await.number;
        let mut tx = fixture.store.begin().await.unwrap();
        tx.add_photo(&number, "a.jpg", b"\xFF\xD8\xFF\xE0 a lamp").await.unwrap();
        tx.commit().await.unwrap();
        let mut db = sqlx::AnyConnection::connect(&fixture.url).await.unwrap();
        // As it's owed to the platform.
        let owed = "INSERT INTO referral_photos (id, referral_id, photo_id) SELECT 'photo-7', r.id, p.id FROM referrals r, photos p";
        sqlx::query(owed).execute(&mut db).await.unwrap();
        sqlx::query("UPDATE referrals SET remote_id = '9'").execute(&mut db).await.unwrap();
        let staff = fixture.store.staff().await.unwrap();
        let person = staff.iter().find(|person| person.number == "Z6").unwrap();
        let calendar = calendar_link(fixture.store.context(), &url, person);
        let pass = web::operators_pass(&fixture.store.context().sealer);
        tokio::spawn(web::serve(listener, Arc::clone(&daemon), stop.clone()));
        let running = Arc::clone(&daemon);
        tokio::spawn(async move { running.run().await });
        let service = Service { fixture, daemon, url, pass, calendar, stop };
        while service.ask(&Method::GET, "/readyz", As::Nobody, 0).await.status() != 200 {
            zoufang::clock::pause(Duration::from_millis(20)).await;
        }
        service
    }

    /// A link that wasn't used yet.
    async fn link(&self) -> String {
        let staff = self.fixture.store.staff().await.unwrap();
        let person = staff.iter().find(|person| person.number == "Z6").unwrap();
        let token = self.fixture.store.context().link_token();
        let link = NewLink { token, asks: false };
        let mut tx = self.fixture.store.begin().await.unwrap();
        tx.put_links(&[(&link, &person.id, self.fixture.clock.today().to_string())]).await.unwrap();
        tx.commit().await.unwrap();
        link.token
    }

    /// A television's address.
    async fn screen(&self) -> String {
        let staff = self.fixture.store.staff().await.unwrap();
        let leader = staff.iter().find(|person| person.number == "Z1").unwrap();
        let mut tx = self.fixture.store.begin().await.unwrap();
        let token = zoufang::app::screens::make(&mut tx, "大厅", leader).await.unwrap();
        tx.commit().await.unwrap();
        format!("/screen/{token}")
    }

    /// The address that a route stands at for whoever knows it, or for whoever doesn't.
    async fn place(&self, route: &str, knows: bool) -> String {
        match (route, knows) {
            ("/photos/{id}", true) => "/photos/photo-7".to_owned(),
            ("/digests/{token}", true) => format!("/digests/{}", self.link().await),
            ("/screen/{token}", true) => self.screen().await,
            ("/calendar/{staff}/{file}", true) => {
                self.calendar.strip_prefix(&self.url).unwrap().to_owned()
            }
            ("/calendar/{staff}/{file}", false) => {
                let right = self.calendar.strip_prefix(&self.url).unwrap();
                format!("{}/0000.ics", right.rsplit_once('/').unwrap().0)
            }
            _ => route.replace(['{', '}'], ""),
        }
    }

    async fn ask(&self, method: &Method, route: &str, who: As, nth: usize) -> Response {
        let knows = matches!(who, As::Right | As::Foreign);
        let place = self.place(route, knows).await;
        let mut request = client()
            .request(method.clone(), format!("{}{place}", self.url))
            // Each from an address of its own: nobody has to wait for another's mistakes.
            .header("x-forwarded-for", format!("198.51.100.{nth}"));
        if who == As::Foreign {
            request = request.header("host", "evil.example");
        }
        self.with_secret(request, route, who).send().await.unwrap()
    }

    fn with_secret(&self, request: RequestBuilder, route: &str, who: As) -> RequestBuilder {
        let table = "平台编号,办理状态\n8,accepted\n";
        match (route, who) {
            ("/platform/updates", As::Nobody) => request.body(UPDATE),
            ("/platform/updates", As::Wrong) => self.signed(request, b"another secret than ours"),
            ("/platform/updates", _) => self.signed(request, SIGNS.as_bytes()),
            ("/platform/returns", As::Nobody) => request.body(table),
            ("/platform/returns", As::Wrong) => request.bearer_auth(SIGNS).body(table),
            ("/platform/returns", _) => request.bearer_auth(UPLOADS).body(table),
            (_, As::Nobody) => request,
            (_, As::Wrong) => request.bearer_auth("another"),
            ("/status" | "/figures?by=person", _) => request.bearer_auth(&self.pass),
            _ => request,
        }
    }

    fn signed(&self, request: RequestBuilder, secret: &[u8]) -> RequestBuilder {
        let at = self.fixture.clock.now().as_second().to_string();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
        mac.update(format!("m1.{at}.{UPDATE}").as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        request
            .header("webhook-id", "m1")
            .header("webhook-timestamp", at)
            .header("webhook-signature", format!("v1,{signature}"))
            .body(UPDATE)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_as_the_table_says() {
    let service = Service::new().await;
    let mut nth = 0;
    for Row { method, route, cells } in table() {
        for (who, expected) in cells {
            let Some(expected) = expected else { continue };
            nth += 1;
            let answer = service.ask(&method, &route, who, nth).await;
            assert_eq!(answer.status().as_u16(), expected, "{method} {route} as {who:?}");
            guarded(&answer, &route);
            let said = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
            let personal = ["王建国", "褚走", "Z6"].iter().any(|name| said.contains(name));
            // Only who knows a secret reads a name.
            assert!(!personal || who == As::Right, "{method} {route} as {who:?}: {said}");
            if who == As::Foreign {
                assert!(said.contains("http.allowed_hosts"), "{said}");
            }
        }
    }
    assert!(service.daemon.schedule.jobs().len() > 1);
    service.stop.cancel();
}

/// What every answer says of itself.
fn guarded(answer: &Response, route: &str) {
    let header = |name: &str| {
        answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let policy = header("content-security-policy");
    // A television's page renews itself, by a script of ours alone.
    let script = policy.contains("script-src");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-eval"), "{route}");
    assert!(
        !script || route == "/screen/{token}" && policy.contains("script-src 'self';"),
        "{route}"
    );
    assert!(policy.contains("frame-ancestors 'none'"), "{route}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{route}");
    assert_eq!(header("referrer-policy"), "no-referrer", "{route}");
    assert!(header("cache-control").contains("no-store"), "{route}");
}

/// The table has every route that there is.
#[test]
fn no_route_is_missing_from_the_table() {
    let source = include_str!("../../src/web/mod.rs");
    let routes = source.split(".route(").skip(1).filter_map(|rest| rest.split('"').nth(1));
    let routes: BTreeSet<&str> = routes.collect();
    let rows = table();
    let documented = rows.iter().map(|row| row.route.split('?').next().unwrap());
    let documented: BTreeSet<&str> =
        documented.filter(|route| *route != "/anything-else").collect();
    assert_eq!(routes, documented);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_reads_the_platforms_words_and_nobody_else_does() {
    let service = Service::new().await;
    let mut db = sqlx::AnyConnection::connect(&service.fixture.url).await.unwrap();
    let word = "INSERT INTO tallies (dimension, of_id, name, campaign, day, total) VALUES ('word', '王小二已登记', '', '', '', 3)";
    sqlx::query(word).execute(&mut db).await.unwrap();
    let read =
        async |path: &str, who| service.ask(&Method::GET, path, who, 1).await.text().await.unwrap();
    let whole = read("/status", As::Right).await;
    assert!(whole.contains("王小二已登记"), "{whole}");
    for path in ["/", "/status", "/metrics"] {
        let public = read(path, As::Nobody).await;
        assert!(!public.contains("王小二"), "{path}: {public}");
    }
    assert!(read("/status", As::Nobody).await.contains("平台的一个状态不认识"));
    service.stop.cancel();
}

#[test]
fn weak_and_shared_secrets_are_refused() {
    let refused = |text: &str| {
        let settings = Settings::from_text(text, "test").unwrap();
        settings.platform.secrets().err().unwrap().to_string()
    };
    let weak = refused("[platform.push]\nsecret = 'changeme'");
    assert!(weak.contains("platform.push.secret_file") && weak.contains("太弱"), "{weak}");
    let weak = refused("[platform.returns]\nsecret = '123456789012345678'");
    assert!(weak.contains("platform.returns.secret_file"), "{weak}");
    let shared = refused(&format!(
        "[platform.push]\nsecret = '{SIGNS}'\n[platform.returns]\nsecret = '{SIGNS}'"
    ));
    assert!(shared.contains("同一个密钥") && shared.contains("openssl rand"), "{shared}");
}
