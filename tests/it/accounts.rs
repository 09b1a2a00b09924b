//! Signing in: the first time by a link, then by number and password; guessing; the ends of it; and who may open what.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use sqlx::{AnyConnection, Connection};
use tokio_util::sync::CancellationToken;
use zoufang::app::accounts::end;
use zoufang::daemon::Daemon;
use zoufang::db::Store;
use zoufang::domain::staff::{Role, StaffMember};
use zoufang::settings::Settings;
use zoufang::web::my::{Needs, ROUTES, Route};
use zoufang::web::serve;

use crate::support::browser::{Answer, Browser, PASSWORD, invited, person, signed_in};
use crate::support::pictures::photo;
use crate::support::{Fixture, client, on_both};

/// The service at an address of its own, with these settings.
pub async fn served(store: &Store, settings: &str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let settings = Settings::from_text(settings, "test").unwrap();
    let daemon = Arc::new(Daemon::new(settings, store.clone(), CancellationToken::new()).unwrap());
    tokio::spawn(serve(listener, daemon, CancellationToken::new()));
    url
}

on_both!(a_first_sign_in_is_by_a_link_that_is_used_once, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, "").await;
    let (old, token) = (invited(&fixture.store, "Z6").await, invited(&fixture.store, "Z6").await);
    let mut browser = Browser::at(&url);
    browser.get(&format!("/my/welcome/{old}")).await.is(410).says("已经用过或过期");
    browser.get("/my/welcome/nobodys").await.is(404);
    let welcome = format!("/my/welcome/{token}");
    browser.get(&welcome).await.is(200).says("褚走，请设自己的密码").says("Z6");
    for (password, again, said) in [
        ("短", "短", "密码至少 8 个字符"),
        ("12345678", "12345678", "太容易猜到"),
        ("10000000006", "10000000006", "不能就是人员编号或手机号"),
        (PASSWORD, "路灯 修好 四月", "两次填的密码不一样"),
    ] {
        let fields = [("password", password), ("again", again)];
        browser.post(&welcome, &fields).await.is(422).says(said);
    }
    let entered = browser.post(&welcome, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!((entered.status, entered.to.as_str()), (303, "/my"));
    let cookie = &entered.cookies[0];
    for flag in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "not by plain HTTP: {cookie}");
    browser.get("/my").await.is(200).says("褚走（村两委、走访人员）").says("我的任务");
    browser.get(&welcome).await.is(410);
    let fields = [("password", PASSWORD), ("again", PASSWORD)];
    browser.post(&welcome, &fields).await.says("已经用过或过期");

    // By number and password in another browser; both are signed in until one signs out.
    let mut other = Browser::at(&url);
    let to_household = other.get("/my/households/H1?done=1").await;
    assert_eq!(to_household.status, 303);
    assert_eq!(to_household.to, "/my/sign-in?next=%2Fmy%2Fhouseholds%2FH1%3Fdone%3D1");
    let form = other.get(&to_household.to).await;
    assert_eq!(form.field("next"), "/my/households/H1?done=1");
    assert_eq!(other.get("/my/sign-in?next=https://evil.example/").await.field("next"), "/my");
    assert_eq!(other.get("/my/sign-in?next=//evil.example/my").await.field("next"), "/my");
    assert_eq!(other.sign_in("z6", PASSWORD).await.is(303).to, "/my");
    let key = other.get("/my").await.is(200).field("key");
    assert_eq!(other.post("/my/sign-out", &[("key", &key)]).await.is(303).to, "/my/sign-in");
    assert_eq!(other.get("/my").await.status, 303);
    browser.get("/my").await.is(200);

    // Nothing secret stands in the record, and each step does, by whom.
    let secrets = [&token, &browser.cookies["zoufang"], PASSWORD];
    let audit = fixture.store.audit_trail().await.unwrap();
    let acts: Vec<&str> = audit.iter().map(|entry| entry.action.as_str()).collect();
    for act in ["invite", "set_password", "sign_in"] {
        assert!(acts.contains(&act), "{acts:?}");
    }
    for entry in &audit {
        let line = format!("{entry:?}");
        assert!(secrets.iter().all(|secret| !line.contains(*secret)), "{line}");
    }
    assert_eq!(fixture.store.broken_audit().await.unwrap(), None);
});

on_both!(guessing_is_slowed_and_locked, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, "[http]\ntrusted_proxies = ['127.0.0.1']\n").await;
    signed_in(&fixture.store, &url, "Z6").await;
    let mut browser = Browser::at(&url);
    let mut said = Vec::new();
    for number in ["Z6", "Z7", "Z99", "Z6", "Z6", "Z6", "Z6"] {
        let answer = browser.sign_in(number, "不是这个密码").await;
        answer.is(401);
        said.push(
            answer.text[answer.text.find("没有登录").unwrap()..]
                .split('<')
                .next()
                .unwrap()
                .to_owned(),
        );
    }
    said.dedup();
    assert_eq!(said.len(), 1, "nobody learns who has an account: {said:?}");
    // Locked: the right one doesn't help, until its time is over.
    browser.sign_in("Z6", PASSWORD).await.is(401);
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(14 * 60));
    browser.sign_in("Z6", PASSWORD).await.is(401);
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(2 * 60));
    browser.sign_in("Z6", PASSWORD).await.is(303);
    let audit = fixture.store.audit_trail().await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == "lock_account").count(), 1);
    // An address that goes on is slowed, whoever it tries; a proxy on this machine says for whom it asks.
    let mut guesser = Browser::at(&url);
    guesser.headers.push(("x-forwarded-for", "198.51.100.7".to_owned()));
    for _ in 0..20 {
        guesser.sign_in("Z98", "x").await.is(401);
    }
    guesser.sign_in("Z98", "x").await.is(429).says("秒后再试");
    browser.sign_in("Z6", PASSWORD).await.is(303);
});

on_both!(a_sign_in_ends_by_itself_and_everywhere_at_once, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, "[accounts]\nidle = '2h'\nlongest = '9h'\n").await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    let hours = |hours: u64| {
        fixture.clock.set(fixture.clock.now() + Duration::from_secs(hours * 3600 - 60));
    };
    sqlx::any::install_default_drivers();
    let mut db = AnyConnection::connect(&fixture.url).await.unwrap();
    let mut seen = async || -> i64 {
        let seen = sqlx::query_scalar("SELECT MAX(seen_at) FROM sign_ins");
        seen.fetch_one(&mut db).await.unwrap()
    };
    for _ in 0..4 {
        hours(2);
        let before = seen().await;
        browser.get("/my").await.is(200);
        // It's noted beside the answer.
        while seen().await == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    hours(2);
    browser.get("/my").await.is(303);
    browser.sign_in("Z6", PASSWORD).await.is(303);
    hours(3);
    browser.get("/my").await.is(303);

    let mut first = Browser::at(&url);
    first.sign_in("Z6", PASSWORD).await.is(303);
    browser.sign_in("Z6", PASSWORD).await.is(303);
    let key = browser.get("/my").await.is(200).field("key");
    let (of, by) = (person(&fixture.store, "Z6").await, person(&fixture.store, "Z1").await);
    let mut tx = fixture.store.begin().await.unwrap();
    assert_eq!(end(&mut tx, &of, true, &by, "换人").await.unwrap(), 2);
    tx.commit().await.unwrap();
    for browser in [&mut first, &mut browser] {
        browser.get("/my").await.is(303);
        browser.sign_in("Z6", PASSWORD).await.is(401);
    }
    let posted = browser.post("/my/households/H1/visit", &[("key", &key)]).await;
    posted.is(401).says("登录已结束").says("返回键");
    // Another link, another password: whoever was signed in by the old one isn't any more.
    let mut again = signed_in(&fixture.store, &url, "Z6").await;
    again.get("/my").await.is(200);
    let mut anew = signed_in(&fixture.store, &url, "Z6").await;
    anew.get("/my").await.is(200);
    again.get("/my").await.is(303);
});

on_both!(behind_tls_the_cookie_is_for_tls_only, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, "[notify]\npublic_url = 'https://zoufang.example.cn'\n").await;
    let token = invited(&fixture.store, "Z6").await;
    for (name, value) in [("x-forwarded-proto", "https"), ("host", "zoufang.example.cn")] {
        let token =
            if name == "host" { invited(&fixture.store, "Z6").await } else { token.clone() };
        let mut browser = Browser::at(&url);
        browser.headers.push((name, value.to_owned()));
        let request = client()
            .post(format!("{url}/my/welcome/{token}"))
            .header("origin", "https://zoufang.example.cn")
            .form(&[("password", PASSWORD), ("again", PASSWORD)]);
        let entered = browser.send(request).await;
        assert_eq!(entered.status, 303, "{}", entered.text);
        assert!(entered.cookies[0].starts_with("__Host-zoufang="), "{:?}", entered.cookies);
        assert!(entered.cookies[0].contains("; Secure"), "{:?}", entered.cookies);
        browser.get("/my").await.is(200);
    }
});

on_both!(what_changes_something_comes_from_a_form_of_ours, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, "").await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    let mut other = signed_in(&fixture.store, &url, "Z7").await;
    let (key, others) =
        (browser.get("/my").await.field("key"), other.get("/my").await.field("key"));
    let before = fixture.store.audit_trail().await.unwrap().len();
    let own = url.as_str();
    for route in
        ROUTES.iter().filter(|route| route.method == Method::POST && route.needs != Needs::Nobody)
    {
        let path = route.path.replace("{number}", "H1");
        for (header, value, key) in [
            ("origin", "https://evil.example", key.as_str()),
            ("origin", "null", key.as_str()),
            ("sec-fetch-site", "cross-site", key.as_str()),
            ("sec-fetch-site", "same-site", key.as_str()),
            ("origin", own, others.as_str()),
            ("origin", own, ""),
            ("accept", "*/*", "0"),
        ] {
            let request = client().post(format!("{url}{path}")).header(header, value);
            let answer = browser.send(request.form(&[("key", key)])).await;
            assert_eq!(answer.status, 403, "{path} {header} {value}: {}", answer.text);
        }
    }
    assert_eq!(fixture.store.audit_trail().await.unwrap().len(), before);
    // Signing in by somebody else's form neither.
    let form = Browser::at(&url).get("/my/sign-in").await.field("form");
    let fields = [("form", form.as_str()), ("number", "Z6"), ("password", PASSWORD)];
    Browser::at(&url).post("/my/sign-in", &fields).await.is(403).says("Cookie");
    // A page asks nobody else for anything, and no other may show it.
    let answer = client().get(format!("{url}/my/sign-in")).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
    assert_eq!(answer.headers()["referrer-policy"], "same-origin");
    assert!(answer.headers()["cache-control"].to_str().unwrap().contains("no-store"));
});

/// Everybody of each role, once over 高桥村 (inside) and once elsewhere; H1 and its issue lie in 高桥村.
const PEOPLE: &str = "人员编号,姓名,角色,所属区划,工作单位
V1,甲一,走访人员,高桥村,
V2,甲二,走访人员,西村,
G1,乙一,网格员,高桥村,
G2,乙二,网格员,西村,
C1,丙一,村两委,高桥村,
C2,丙二,村两委,西村,
L1,丁一,包村干部,高桥村,
L2,丁二,包村干部,西村,
B1,戊一,总支书记,第一总支,
B2,戊二,总支书记,第二总支,
D1,己一,镇直部门,370481111000,城建办
D2,己二,镇直部门,370481111000,民政办
S1,庚一,分管领导,第一总支,
S2,庚二,分管领导,第二总支,
X1,辛一,镇社会治理综合服务中心,370481111000,
O1,壬一,组织人事办公室,370481111000,
K1,癸一,领导小组,370481111000,
I1,子一,督导组,370481111000,
";
const ELSEWHERE: &str =
    "区划名称,区划类型,上级区划\n第二总支,总支,370481111000\n西村,村,第二总支\n";

/// What each person gets of a page that asks for more than its role: 200 inside, 404 where it's none of theirs.
fn expected(route: &Route, number: &str) -> u16 {
    let own = number == "V1";
    match route.path {
        // Whoever acts on it.
        "/my/issues/{number}/photos/{place}" => {
            if ["V1", "G1"].contains(&number) {
                200
            } else {
                404
            }
        }
        "/my/issues/{number}" => {
            let sees =
                ["V1", "G1", "C1", "L1", "B1", "S1", "X1", "O1", "K1", "I1"].contains(&number);
            if sees { 200 } else { 404 }
        }
        // Their own, or by the right over their village.
        "/my/wall/people/{number}" => {
            let sees = ["V1", "C1", "L1", "B1", "S1", "X1", "O1", "K1", "I1"].contains(&number);
            if sees { 200 } else { 404 }
        }
        // Whoever may give what they visit to somebody else.
        "/my/people/{number}" => {
            if ["B1", "S1", "O1", "K1"].contains(&number) {
                200
            } else {
                404
            }
        }
        // Whoever stands above its visitor.
        "/my/subjects/{number}" => {
            if ["L1", "B1", "S1", "O1", "K1"].contains(&number) {
                200
            } else {
                404
            }
        }
        path if path.contains("/households/") => {
            if own {
                200
            } else {
                404
            }
        }
        // Of what there is none.
        path if path.contains('{') => 404,
        _ => 200,
    }
}

on_both!(each_page_is_opened_by_whom_it_is_for, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    for (name, table) in [
        ("e.csv", ELSEWHERE),
        ("p.csv", PEOPLE),
        ("o.csv", "对象编号,对象类型,对象名称,所属村\nH9,家庭,赵九,高桥村\n"),
        ("f.csv", "对象编号,走访人员\nH9,V1\n"),
        (
            "v.csv",
            "走访日期,走访人员,对象编号,群众姓名,反映问题,有无问题\n2022-03-01,V1,H9,赵九,路灯不亮,有\n",
        ),
    ] {
        fixture.import(name, table).await.unwrap_or_else(|error| panic!("{error}"));
    }
    let url = served(&fixture.store, "").await;
    let numbered = |path: &str| {
        path.replace("/issues/{number}", "/issues/CHD2022-000001")
            .replace("/people/{number}", "/people/V1")
            .replace("{number}", "H9")
            .replace("{place}", "1")
    };
    let mut tx = fixture.store.begin().await.unwrap();
    tx.add_photo("CHD2022-000001", "1.jpg", &photo(1)).await.unwrap();
    tx.commit().await.unwrap();
    // Nobody: to the sign-in, or told so.
    for route in ROUTES.iter().filter(|route| route.needs != Needs::Nobody) {
        let mut nobody = Browser::at(&url);
        let path = numbered(route.path);
        let answer = match route.method {
            Method::GET => nobody.get(&path).await,
            _ => nobody.post(&path, &[("key", "")]).await,
        };
        let is = if route.method == Method::GET { 303 } else { 401 };
        assert_eq!(answer.status, is, "{} {path}", route.method);
    }
    let staff = fixture.store.staff().await.unwrap();
    let mut roles: Vec<Role> = Vec::new();
    for person in
        staff.iter().filter(|person| PEOPLE.contains(&format!("{},{}", person.number, person.name)))
    {
        roles.extend(&person.roles);
        let mut browser = signed_in(&fixture.store, &url, &person.number).await;
        let before = fixture.store.audit_trail().await.unwrap().len();
        for route in ROUTES
            .iter()
            .filter(|route| route.needs != Needs::Nobody && route.method == Method::GET)
        {
            let allowed = match route.needs {
                Needs::Right(right) => right.is_held_by(person),
                Needs::Nobody | Needs::Person => true,
            };
            let is = if allowed { expected(route, &person.number) } else { 403 };
            let answer = browser.get(&numbered(route.path)).await;
            assert_eq!(answer.status, is, "{} {}: {}", person.number, route.path, answer.text);
        }
        let after = fixture.store.audit_trail().await.unwrap().len();
        assert_eq!(after, before, "what answers a GET writes nothing: {}", person.number);
        downloads_as(&mut browser, person).await;
        posts_as(&mut browser, &person.number).await;
    }
    roles.sort_by_key(|role| role.code());
    roles.dedup();
    assert_eq!(roles.len(), Role::ALL.len(), "every role is walked");
    // Nothing that isn't on the list is served.
    let mut somebody = signed_in(&fixture.store, &url, "K1").await;
    somebody.get("/my/nothing").await.is(404);
});

/// What is written down when it's taken is for whom its route says; here there's nothing to take.
async fn downloads_as(browser: &mut Browser, person: &StaffMember) {
    let key = browser.get("/my").await.field("key");
    let downloads = ["/my/hand-ins/files/{id}", "/my/centre/handoffs/{number}"];
    for route in ROUTES.iter().filter(|route| downloads.contains(&route.path)) {
        let Needs::Right(right) = route.needs else { unreachable!("{}", route.path) };
        let is = if right.is_held_by(person) { 404 } else { 403 };
        let answer = browser.post(&route.path.replace(['{', '}'], ""), &[("key", &key)]).await;
        assert_eq!(answer.status, is, "{} {}: {}", person.number, route.path, answer.text);
    }
}

/// What changes something is refused to whoever it isn't for, whatever their forms say.
async fn posts_as(browser: &mut Browser, number: &str) {
    let key = browser.get("/my").await.field("key");
    let visit = [
        ("key", key.as_str()),
        ("form", number),
        ("name", "钱十"),
        ("on", "2022-03-01"),
        ("heard", "nothing"),
        ("pledge", "yes"),
    ];
    let recorded = browser.post("/my/households/H9/visit", &visit).await;
    let is = if number == "V1" { 303 } else { 404 };
    if number == "V1" {
        assert_eq!(recorded.status, is, "{}", recorded.text);
    } else {
        assert!([404, 422].contains(&recorded.status), "{number}: {}", recorded.status);
    }
    let decides = ["X1", "O1", "K1", "S1", "B1", "L1"].contains(&number);
    // Not confirmed: whoever may is told that, and nothing changes; whoever may not is told that.
    let void = [("key", key.as_str()), ("act", "void"), ("version", "0"), ("said", "重复登记")];
    let answer: Answer = browser.post("/my/issues/CHD2022-000001", &void).await;
    assert!(
        answer.status == if decides { 422 } else { answer.status },
        "{number}: {}",
        answer.text
    );
    assert!(decides || [403, 404].contains(&answer.status), "{number}: {}", answer.status);
}
