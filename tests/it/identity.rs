//! Signing in by an identity provider, OpenID Connect: held against stand-ins that do as the standards say, and against such that
//! don't.

use std::time::Duration;

use serde_json::{Value, json};
use zoufang::app::accounts::{end, invite};

use crate::accounts::served;
use crate::second::{begun, half_a_minute, shown_by};
use crate::support::browser::{Answer, Browser, PASSWORD, person, signed_in};
use crate::support::provider::{Lie, Provider};
use crate::support::{Fixture, client, on_both};

const OIDC: &str = "/my/sign-in/oidc?next=%2Fmy%2Fhouseholds";

fn named(number: &str) -> Value {
    json!({ "preferred_username": number })
}

/// Goes to the provider; where its answer leads.
async fn went(browser: &mut Browser, provider: &Provider, claims: Value) -> String {
    let answer = browser.get(OIDC).await;
    provider.agreed(&answer.is(303).to, claims)
}

/// Goes there and comes back.
async fn came_back(browser: &mut Browser, provider: &Provider, claims: Value) -> Answer {
    let back = went(browser, provider, claims).await;
    browser.get(&back).await
}

/// That nobody is signed in there.
pub async fn is_out(browser: &mut Browser) {
    assert!(browser.get("/my").await.is(303).to.starts_with("/my/sign-in"));
}

on_both!(
    whoever_the_provider_vouches_for_is_in_and_each_answer_is_good_once,
    async |fixture: Fixture| {
        let fixture = fixture.township().await;
        let (_server, provider) = Provider::start(fixture.clock.clone()).await;
        let url = served(&fixture.store, &provider.settings()).await;
        let mut browser = Browser::at(&url);
        browser
            .get("/my/sign-in?next=/my/households")
            .await
            .is(200)
            .says("用统一身份认证登录")
            .says("/my/sign-in/oidc?next=");
        let gone = browser.get(OIDC).await;
        let kept = gone.cookies[0].clone();
        for part in
            ["zoufang-provider=v3:", "; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=600"]
        {
            assert!(kept.contains(part), "{kept}");
        }
        let flow = browser.cookies["zoufang-provider"].clone();
        let back = provider.agreed(&gone.to, named("Z6"));
        // Another browser, or none that began: nobody is signed in, and the code isn't used up.
        let mut other = Browser::at(&url);
        other.get(&back).await.is(403).says("不是这个浏览器刚才开始的登录");
        went(&mut other, &provider, named("Z7")).await;
        other.get(&back).await.is(403);
        is_out(&mut other).await;
        assert_eq!(provider.asked("/token"), 0);
        let entered = browser.get(&back).await;
        assert_eq!(entered.is(303).to, "/my/households");
        assert!(
            entered
                .cookies
                .iter()
                .any(|cookie| cookie.starts_with("zoufang-provider=;")
                    && cookie.contains("Max-Age=0"))
        );
        browser.get("/my").await.is(200).says("褚走");
        // Again, by the button that goes back, or by whoever has both.
        Browser { cookies: [("zoufang-provider".to_owned(), flow)].into(), ..Browser::at(&url) }
            .get(&back)
            .await
            .is(403)
            .says("已经用过");
        browser.get(&back).await.is(403);
        assert_eq!(provider.asked("/token"), 1);
        // In the trail by its way; the operator sees it and ends it.
        let audit = fixture.store.audit_trail().await.unwrap();
        let entry = audit.iter().find(|entry| entry.action == "sign_in").unwrap();
        assert!(entry.detail.contains(r#""way":"oidc""#), "{entry:?}");
        assert!(!format!("{audit:?}").contains("code-1"));
        let mut leader = signed_in(&fixture.store, &url, "Z1").await;
        leader.get("/my/desk/accounts/Z6").await.says("没有密码，用统一身份认证登录");
        let (of, by) = (person(&fixture.store, "Z6").await, person(&fixture.store, "Z1").await);
        let mut tx = fixture.store.begin().await.unwrap();
        assert_eq!(end(&mut tx, &of, true, &by, "换人").await.unwrap(), 1);
        tx.commit().await.unwrap();
        is_out(&mut browser).await;
        // Closed is closed, by whichever way, until another link is given.
        came_back(&mut browser, &provider, named("Z6")).await.is(401).says("已停用");
        leader.get("/my/desk/accounts/Z6").await.says("已停用");
        let mut tx = fixture.store.begin().await.unwrap();
        invite(&mut tx, &of, &by).await.unwrap();
        tx.commit().await.unwrap();
        came_back(&mut browser, &provider, named("Z6")).await.is(303);
        // Whoever was never here can be shut out before they come.
        let at = "/my/desk/accounts/Z7";
        let page = leader.get(at).await;
        page.is(200).says("没有登录过，可以用统一身份认证登录").hides("全部退出</button>");
        let key = page.field("key");
        let fields =
            [("key", key.as_str()), ("act", "close"), ("reason", "借调"), ("confirmed", "yes")];
        leader.post(at, &fields).await.is(303);
        leader.get(at).await.says("已停用");
        came_back(&mut Browser::at(&url), &provider, named("Z7")).await.is(401).says("已停用");
        // Who came by the provider and was given a link counts, and who was only shut out doesn't.
        leader.get("/my/desk/accounts").await.says("2 人开通过登录");
    }
);

on_both!(whoever_is_unknown_here_or_left_or_is_locked_is_told_so, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let (_server, provider) = Provider::start(fixture.clock.clone()).await;
    let url = served(&fixture.store, &provider.settings()).await;
    let mut browser = Browser::at(&url);
    came_back(&mut browser, &provider, named("Z99<b>"))
        .await
        .is(401)
        .says("Z99&lt;b&gt;")
        .says("没有这个人");
    // Written otherwise, it may be somebody else's there.
    came_back(&mut browser, &provider, named("z6")).await.is(401).says("没有这个人");
    came_back(&mut browser, &provider, json!({ "preferred_username": ["Z6"] }))
        .await
        .is(502)
        .says("sign_in.oidc.claim");
    let staff = "人员编号,姓名,角色,所属区划,工作单位,手机号\n";
    fixture
        .import("left.csv", &format!("{staff}Z7,卫访,离岗,杨桥村,杨桥村,10000000007\n"))
        .await
        .unwrap();
    came_back(&mut browser, &provider, named("Z7")).await.is(401).says("离岗");
    signed_in(&fixture.store, &url, "Z6").await;
    for _ in 0..5 {
        Browser::at(&url).sign_in("Z6", "不是这个密码").await.is(401);
    }
    came_back(&mut browser, &provider, named("Z6")).await.is(401).says("锁定").says("15 分钟");
    is_out(&mut browser).await;
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(16 * 60));
    came_back(&mut browser, &provider, named("Z6")).await.is(303);
    Browser::at(&url).sign_in("Z6", PASSWORD).await.is(303);
});

on_both!(
    a_word_may_be_an_address_of_ours_and_is_nobodys_where_two_have_it,
    async |fixture: Fixture| {
        let fixture = fixture.township().await;
        let staff = "人员编号,姓名,角色,所属区划,工作单位,手机号,邮箱\n";
        let rows = "E1,甲一,走访人员,高桥村,,10000000011,one@example.cn\nE2,甲二,走访人员,高桥村,,10000000012,two@example.cn\nE3,甲三,走访人员,高桥村,,10000000013,two@example.cn\n";
        fixture.import("e.csv", &format!("{staff}{rows}")).await.unwrap();
        let (_server, provider) = Provider::start(fixture.clock.clone()).await;
        let settings = format!("{}claim = 'email'\nknown_by = 'email'\n", provider.settings());
        let url = served(&fixture.store, &settings).await;
        let mut browser = Browser::at(&url);
        // 5.3: not in the ID token, and asked for.
        provider.tells(json!({ "sub": "u1", "email": "One@Example.cn", "email_verified": true }));
        came_back(&mut browser, &provider, json!({})).await.is(303);
        browser.get("/my").await.says("甲一");
        // 5.3.2: of somebody else; 5.1: not verified.
        provider.tells(json!({ "sub": "u2", "email": "one@example.cn" }));
        came_back(&mut browser, &provider, json!({})).await.is(502).says("不合规矩");
        provider.tells(json!({ "sub": "u1", "email": "one@example.cn", "email_verified": false }));
        came_back(&mut browser, &provider, json!({})).await.is(401).says("还没有核实");
        // Said in the ID token, and that it isn't verified elsewhere.
        let one = json!({ "email": "one@example.cn" });
        came_back(&mut browser, &provider, one).await.is(401).says("还没有核实");
        provider.tells(json!({ "sub": "u1" }));
        came_back(&mut browser, &provider, json!({})).await.is(502).says("sign_in.oidc.claim");
        came_back(&mut browser, &provider, json!({ "email": "two@example.cn" }))
            .await
            .is(401)
            .says("不止一个人");
        came_back(&mut browser, &provider, json!({ "email": "E1" }))
            .await
            .is(401)
            .says("没有这个人");
    }
);

/// What a change makes of an ID token, and what it's called.
type Told = (&'static str, fn(&mut Value));

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_is_believed_only_where_all_of_it_holds() {
    let fixture = Fixture::sqlite().await.township().await;
    let (_server, provider) = Provider::start(fixture.clock.clone()).await;
    let settings =
        provider.settings().replace("[sign_in.oidc]", "[sign_in]\ntimeout = '3s'\n[sign_in.oidc]");
    let url = served(&fixture.store, &settings).await;
    // Core 3.1.3.7, by its numbers.
    let told: [Told; 10] = [
        ("签发者", |claims| claims["iss"] = json!("https://evil.example")),
        ("不是签发给本系统", |claims| claims["aud"] = json!("other")),
        ("不是签发给本系统", |claims| claims["aud"] = json!(["zoufang", "other"])),
        ("别的系统", |claims| claims["azp"] = json!("other")),
        ("过期", |claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 600)),
        ("过期", |claims| claims["exp"] = Value::Null),
        ("时间不对", |claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 600)),
        ("时间不对", |claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 86_400)),
        ("不是这一次登录", |claims| claims["nonce"] = json!("another")),
        ("不是这一次登录", |claims| claims["nonce"] = Value::Null),
    ];
    for (why, change) in told {
        provider.says(change);
        let mut browser = Browser::at(&url);
        came_back(&mut browser, &provider, named("Z6")).await.is(502).says(why);
        is_out(&mut browser).await;
    }
    provider.says(|_| ());
    for (lie, status, why) in [
        (Lie::None, 502, "签名的算法本系统不认"),
        (Lie::HashedByPublic, 502, "签名的算法本系统不认"),
        (Lie::OthersKey, 502, "签名不对"),
        (Lie::Cut, 502, "签名不对"),
        (Lie::UnknownKey, 502, "不在对方公布的里面"),
        (Lie::Huge, 502, "太长"),
        (Lie::Slow, 502, "没有及时回答"),
        (Lie::Redirects, 502, "没有给身份令牌（HTTP 307）"),
        (Lie::NoIdToken, 502, "不合规矩"),
        (Lie::NotJson, 502, "不合规矩"),
        (Lie::InvalidClient, 502, "sign_in.oidc.client_secret_file"),
        (Lie::InvalidGrant, 401, "已经用过或过期"),
        (Lie::Broken, 502, "HTTP 500"),
    ] {
        provider.lies(Some(lie));
        let mut browser = Browser::at(&url);
        let answer = came_back(&mut browser, &provider, named("Z6")).await;
        answer.is(status).says("没有登录").says(why).hides("张三");
        is_out(&mut browser).await;
    }
    // What its document allows besides is taken: even there never these (RFC 8725, 3.1).
    provider.lies(None);
    came_back(&mut Browser::at(&url), &provider, named("Z6")).await.is(303);
    let acts = fixture.store.audit_trail().await.unwrap();
    assert_eq!(acts.iter().filter(|entry| entry.action == "sign_in").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_change_are_asked_for_and_not_without_end() {
    let fixture = Fixture::sqlite().await.township().await;
    let (_server, provider) = Provider::start(fixture.clock.clone()).await;
    let url = served(&fixture.store, &provider.settings()).await;
    let mut browser = Browser::at(&url);
    for _ in 0..3 {
        came_back(&mut browser, &provider, named("Z6")).await.is(303);
    }
    assert_eq!(
        (provider.asked("/keys"), provider.asked("/.well-known/openid-configuration")),
        (1, 1)
    );
    provider.rotate("key-2");
    came_back(&mut browser, &provider, named("Z6")).await.is(303);
    assert_eq!(provider.asked("/keys"), 2);
    provider.lies(Some(Lie::UnknownKey));
    for nth in 0..9 {
        let mut from = Browser::at(&url);
        from.headers.push(("x-forwarded-for", format!("198.51.100.{nth}")));
        came_back(&mut from, &provider, named("Z6")).await.is(502);
    }
    assert_eq!(provider.asked("/keys"), 7, "once each, six in a minute");
    // Key and document are asked for again by themselves.
    provider.lies(None);
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(3_601));
    came_back(&mut browser, &provider, named("Z6")).await.is(303);
    assert_eq!(
        (provider.asked("/keys"), provider.asked("/.well-known/openid-configuration")),
        (8, 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_otherwise_signs_nobody_in_and_is_slowed() {
    let fixture = Fixture::sqlite().await.township().await;
    let (_server, provider) = Provider::start(fixture.clock.clone()).await;
    let url = served(&fixture.store, &provider.settings()).await;
    let mut browser = Browser::at(&url);
    // Core 3.1.2.6, RFC 6749, 4.1.2.1: in words, and nothing that it wrote itself.
    for (error, status, said) in [
        ("access_denied", 401, "您点了取消"),
        ("login_required", 401, "要您先在它的页面上登录"),
        ("temporarily_unavailable", 502, "现在不能用"),
        ("invalid_scope", 502, "sign_in.oidc.client_id"),
        ("<script>alert(1)</script>", 502, "没有说明原因"),
    ] {
        let back = went(&mut browser, &provider, named("Z6")).await;
        let denied = back.split("code=").next().unwrap().to_owned()
            + &format!("error={error}&error_description=XX&")
            + back.split_once('&').unwrap().1;
        browser.get(&denied).await.is(status).says(said).hides("alert(").hides("XX");
        is_out(&mut browser).await;
    }
    // RFC 9207: by another issuer, or by none where each is to be named.
    for iss in ["&iss=https://evil.example", ""] {
        let back = went(&mut browser, &provider, named("Z6")).await;
        let back = format!("{}{iss}", back.split("&iss=").next().unwrap());
        browser.get(&back).await.is(401);
    }
    // Too late; of the other way; what can't be read.
    let back = went(&mut browser, &provider, named("Z6")).await;
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(601));
    browser.get(&back).await.is(403);
    let back = went(&mut browser, &provider, named("Z6")).await;
    browser.get(&back.replace("/oidc/", "/wecom/")).await.is(404).says("没有开通");
    browser.get(&format!("{back}&state=1&code=2")).await.is(403);
    assert_eq!(provider.asked("/token"), 0);
    // Back leads into the site alone, whatever was asked for.
    for next in [
        "https://evil.example",
        "//evil.example",
        "/my/../..//evil.example\\",
        "/my/../..//evil.example",
        "/my/%2E./evil",
        "/my//evil.example",
        "/my/./../status",
        "/my/sign-in/oidc",
        "/status",
        "javascript:1",
    ] {
        let coded: String = next.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let mut browser = Browser::at(&url);
        let gone = browser.get(&format!("/my/sign-in/oidc?next={coded}")).await;
        let back = provider.agreed(&gone.is(303).to, named("Z6"));
        assert_eq!(browser.get(&back).await.is(303).to, "/my", "{next}");
    }
    // What this browser didn't ask for guesses nothing: nobody is slowed by it, and it takes nothing from who is on the way.
    let mut sent_there = Browser::at(&url);
    sent_there.headers.push(("x-forwarded-for", "198.51.100.8".to_owned()));
    let back = went(&mut sent_there, &provider, named("Z6")).await;
    for nth in 0..40 {
        let foreign = format!("/my/sign-in/oidc/back?code={nth}&state={nth}");
        let answer = sent_there.get(&foreign).await;
        assert!(answer.is(403).cookies.iter().all(|kept| !kept.contains("zoufang-provider")));
    }
    sent_there.get(&back).await.is(303);
    // Guessing is slowed as at the password, and takes nothing either; and not whoever comes from elsewhere.
    let mut guesser = Browser::at(&url);
    guesser.headers.push(("x-forwarded-for", "198.51.100.7".to_owned()));
    let mut slowed = false;
    for nth in 0..40 {
        let answer = came_back(&mut guesser, &provider, named("Z99")).await;
        slowed |= answer.status == 429;
        assert!(nth < 20 && answer.status == 401 || [401, 429].contains(&answer.status));
        assert_eq!(answer.status == 429, guesser.cookies.contains_key("zoufang-provider"));
    }
    assert!(slowed);
    came_back(&mut browser, &provider, named("Z6")).await.is(303);
    // Without the provider, nothing of it.
    let bare = served(&fixture.store, "").await;
    Browser::at(&bare).get("/my/sign-in").await.is(200).hides("不用密码");
    for path in [
        "/my/sign-in/oidc",
        "/my/sign-in/oidc/back",
        "/my/sign-in/wecom",
        "/my/sign-in/password",
        "/my/sign-in/x",
    ] {
        Browser::at(&bare).get(path).await.is(404);
    }
}

on_both!(a_code_is_asked_for_unless_the_provider_did, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let (_server, provider) = Provider::start(fixture.clock.clone()).await;
    let settings = format!(
        "[accounts]\nidle = '90d'\nlongest = '180d'\nsecond_factor = 'required'\n{}",
        provider.settings()
    );
    let url = served(&fixture.store, &settings).await;
    let with = |number: &str, amr: &[&str]| json!({ "preferred_username": number, "amr": amr });
    // Required of who sees everything, and not begun yet.
    let mut leader = Browser::at(&url);
    came_back(&mut leader, &provider, with("Z1", &["pwd"])).await.is(303);
    assert_eq!(leader.get("/my/desk").await.is(303).to, "/my/security");
    came_back(&mut leader, &provider, with("Z1", &["pwd", "mfa"])).await.is(303);
    leader.get("/my/desk").await.is(200);
    let secret = begun(&fixture, &mut leader).await;
    // Begun: asked for, and the way stays the way.
    let mut again = Browser::at(&url);
    let half = came_back(&mut again, &provider, with("Z1", &["pwd"])).await;
    assert_eq!(half.is(303).to, "/my/second?next=%2Fmy%2Fhouseholds");
    is_out(&mut again).await;
    half_a_minute(&fixture);
    let form = again.get(&half.to).await.is(200).field("form");
    let code = shown_by(&fixture, &secret);
    again.post("/my/second", &[("form", &form), ("next", "/my"), ("code", &code)]).await.is(303);
    again.get("/my/desk").await.is(200);
    let mut third = Browser::at(&url);
    came_back(&mut third, &provider, with("Z1", &["mfa"])).await.is(303);
    third.get("/my/desk").await.is(200);
    let audit = fixture.store.audit_trail().await.unwrap();
    let ways: Vec<&str> = audit
        .iter()
        .filter(|entry| entry.action == "sign_in")
        .map(|entry| entry.detail.as_str())
        .collect();
    assert_eq!(ways.len(), 4, "{ways:?}");
    assert!(ways.iter().all(|way| way.contains(r#""way":"oidc""#)), "{ways:?}");
    assert_eq!(ways.iter().filter(|way| way.contains("second_elsewhere")).count(), 2, "{ways:?}");
});

on_both!(behind_tls_what_a_browser_keeps_is_for_tls_only, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let (_server, provider) = Provider::start(fixture.clock.clone()).await;
    let url = served(&fixture.store, &provider.settings()).await;
    let answer = client()
        .get(format!("{url}{OIDC}"))
        .header("x-forwarded-proto", "https")
        .send()
        .await
        .unwrap();
    let kept = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(kept.starts_with("__Host-zoufang-provider=v3:") && kept.contains("; Secure"), "{kept}");
    // Nothing of the page's own policy is given up for it.
    let page = client().get(format!("{url}/my/sign-in")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("form-action 'self'") && policy.contains("default-src 'none'"),
        "{policy}"
    );
});
