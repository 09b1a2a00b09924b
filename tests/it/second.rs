//! The second step of signing in, and the tokens of programs.

use std::time::Duration;

use zoufang::app::accounts;
use zoufang::app::tokens::{NewToken, end, give};
use zoufang::db::Store;
use zoufang::domain::password::WRONG;
use zoufang::domain::scope::Scope;
use zoufang::domain::second::{STEP, code};

use crate::accounts::served;
use crate::support::browser::{Browser, PASSWORD, person, signed_in};
use crate::support::{Fixture, client, on_both};

const LONG: &str = "[accounts]\nidle = '90d'\nlongest = '180d'\n";

/// What an authenticator shows now that was given a secret as the page has it.
pub fn shown_by(fixture: &Fixture, written: &str) -> String {
    let mut bits = String::new();
    for letter in written.chars().filter(char::is_ascii_alphanumeric) {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
        bits.push_str(&format!("{value:05b}"));
    }
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|eight| u8::from_str_radix(std::str::from_utf8(eight).unwrap(), 2).unwrap())
        .collect();
    code(&bytes, fixture.clock.now().as_millisecond() / STEP).unwrap()
}

/// Begins with a second factor in a browser; the secret.
pub async fn begun(fixture: &Fixture, browser: &mut Browser) -> String {
    let key = browser.get("/my/security").await.is(200).field("key");
    let post = async |browser: &mut Browser, act: &str, code: &str| {
        browser.post("/my/security", &[("key", &key), ("act", act), ("code", code)]).await
    };
    post(browser, "begin", "").await.is(303);
    let shown = browser.get("/my/security").await;
    let secret =
        shown.text.split("text typed\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    post(browser, "confirm", "000000").await.is(422).says("验证码不对");
    post(browser, "confirm", &shown_by(fixture, &secret)).await.is(303);
    browser.get("/my/security").await.says("登录要填手机验证码").hides(&secret);
    secret
}

pub fn half_a_minute(fixture: &Fixture) {
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(30));
}

on_both!(
    whoever_has_a_second_factor_shows_it_each_time_and_each_code_once,
    async |fixture: Fixture| {
        let fixture = fixture.township().await;
        let url = served(&fixture.store, LONG).await;
        let mut browser = signed_in(&fixture.store, &url, "Z1").await;
        let secret = begun(&fixture, &mut browser).await;
        let mut other = Browser::at(&url);
        let half = other.sign_in("Z1", PASSWORD).await;
        assert_eq!((half.status, half.to.as_str()), (303, "/my/second?next=%2Fmy"));
        // Not in before the code is given, whatever is opened.
        for path in ["/my", "/my/security", "/my/desk", "/my/households"] {
            other.get(path).await.is(303);
        }
        let form = other.get(&half.to).await.is(200).field("form");
        let enter = async |browser: &mut Browser, code: &str| {
            browser.post("/my/second", &[("form", &form), ("next", "/my"), ("code", code)]).await
        };
        enter(&mut other, "123456").await.is(401).says("验证码不对");
        enter(&mut other, &shown_by(&fixture, &secret)).await.is(401).says("只能用一次");
        half_a_minute(&fixture);
        assert_eq!(enter(&mut other, &shown_by(&fixture, &secret)).await.is(303).to, "/my");
        other.get("/my").await.is(200);
        // Guessing codes locks as guessing passwords does.
        let mut guesser = Browser::at(&url);
        let to = guesser.sign_in("Z1", PASSWORD).await.to;
        let form = guesser.get(&to).await.field("form");
        for _ in 0..5 {
            let fields = [("form", form.as_str()), ("next", "/my"), ("code", "654321")];
            guesser.post("/my/second", &fields).await.is(401);
        }
        half_a_minute(&fixture);
        let right = shown_by(&fixture, &secret);
        let fields = [("form", form.as_str()), ("next", "/my"), ("code", right.as_str())];
        guesser.post("/my/second", &fields).await.is(401);
        guesser.sign_in("Z1", PASSWORD).await.is(401);
        let audit = fixture.store.audit_trail().await.unwrap();
        let acts: Vec<&str> = audit.iter().map(|entry| entry.action.as_str()).collect();
        assert!(
            acts.contains(&"begin_second_factor") && acts.contains(&"lock_account"),
            "{acts:?}"
        );
        let bare: String = secret.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(!format!("{audit:?}").contains(&bare));
    }
);

on_both!(
    it_is_required_of_whoever_sees_everything_and_forgotten_by_the_office,
    async |fixture: Fixture| {
        let fixture = fixture.township().await;
        let staff = "人员编号,姓名,角色,所属区划,工作单位,手机号\nO1,孙组,组织人事办公室,370481111000,组织人事办公室,\n";
        fixture.import("o.csv", staff).await.unwrap();
        let url = served(&fixture.store, &format!("{LONG}second_factor = 'required'\n")).await;
        let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
        visitor.get("/my").await.is(200);
        let mut leader = signed_in(&fixture.store, &url, "Z1").await;
        for path in ["/my", "/my/desk", "/my/imports"] {
            assert_eq!(leader.get(path).await.is(303).to, "/my/security", "{path}");
        }
        begun(&fixture, &mut leader).await;
        leader.get("/my/desk").await.is(200);
        leader.get("/my/security").await.hides("不再用验证码");
        // The telephone is lost.
        let mut office = signed_in(&fixture.store, &url, "O1").await;
        half_a_minute(&fixture);
        begun(&fixture, &mut office).await;
        let key =
            office.get("/my/desk/accounts/Z1").await.is(200).says("取消手机验证码").field("key");
        let forget = [("key", key.as_str()), ("act", "forget"), ("reason", "手机丢了")];
        office.post("/my/desk/accounts/Z1", &forget).await.is(303);
        let mut again = Browser::at(&url);
        assert_eq!(again.sign_in("Z1", PASSWORD).await.is(303).to, "/my");
        assert_eq!(again.get("/my").await.is(303).to, "/my/security");
    }
);

async fn given(store: &Store, scopes: &[Scope], days: i64) -> (String, String) {
    let by = person(store, "Z1").await;
    let new = NewToken {
        title: "监控大屏".to_owned(),
        scopes: scopes.to_vec(),
        days,
        acts_as: by.clone(),
    };
    let mut tx = store.begin().await.unwrap();
    let given = give(&mut tx, &new, &by).await.unwrap();
    tx.commit().await.unwrap();
    given
}

on_both!(a_program_reads_what_its_token_is_for_until_it_ends, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, "[http]\ntrusted_proxies = ['127.0.0.1']\n").await;
    let nth = std::cell::Cell::new(0);
    let ask = async |path: &str, token: &str| {
        nth.set(nth.get() + 1);
        let from = format!("198.51.100.{}", nth.get());
        let request = client().get(format!("{url}{path}")).header("x-forwarded-for", from);
        let answer = request.bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (id, token) = given(&fixture.store, &[Scope::Status], 30).await;
    assert!(token.starts_with("zft_") && !token.contains(&id), "{token}");
    let (status, text) = ask("/status", &token).await;
    assert!(status == 200 && text.contains("\"whole\":true"), "{status} {text}");
    assert_eq!(ask("/figures?by=person", &token).await.0, 401, "not for that");
    assert_eq!(ask("/status", &format!("{token}x")).await.0, 401);
    let (_, both) = given(&fixture.store, &[Scope::Status, Scope::Figures], 1).await;
    assert_eq!(ask("/figures?by=person", &both).await.0, 200);
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(25 * 3_600));
    assert_eq!(ask("/status", &both).await.0, 401, "expired");
    assert_eq!(ask("/status", &token).await.0, 200);
    let by = person(&fixture.store, "Z1").await;
    let mut tx = fixture.store.begin().await.unwrap();
    end(&mut tx, &id, &by, "换了程序").await.unwrap();
    assert!(end(&mut tx, &id, &by, "再来").await.is_err());
    tx.commit().await.unwrap();
    assert_eq!(ask("/status", &token).await.0, 401, "ended");
    for (scopes, days) in [(&[][..], 30), (&[Scope::Status][..], 0), (&[Scope::Status][..], 4_000)]
    {
        let new = NewToken {
            title: "大屏".to_owned(),
            scopes: scopes.to_vec(),
            days,
            acts_as: by.clone(),
        };
        let mut tx = fixture.store.begin().await.unwrap();
        assert!(give(&mut tx, &new, &by).await.is_err());
        tx.rollback().await.unwrap();
    }
    // Nothing of it stands in the record but its digest.
    let audit = format!("{:?}", fixture.store.audit_trail().await.unwrap());
    assert!(audit.contains("give_token") && !audit.contains(&token) && !audit.contains(&both));
});

on_both!(a_token_gives_no_more_than_its_person_has_and_ends_with_them, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, "[http]\ntrusted_proxies = ['127.0.0.1']\n").await;
    let by = person(&fixture.store, "Z1").await;
    let give_as = async |number: &str, scope: Scope| {
        let acts_as = person(&fixture.store, number).await;
        let new = NewToken { title: "程序".to_owned(), scopes: vec![scope], days: 30, acts_as };
        let mut tx = fixture.store.begin().await.unwrap();
        let (_, token) = give(&mut tx, &new, &by).await.unwrap();
        tx.commit().await.unwrap();
        token
    };
    let ask = async |path: &str, token: &str| {
        let request = client().get(format!("{url}{path}"));
        let answer = request.bearer_auth(token).send().await.unwrap();
        answer.status().as_u16()
    };
    let (visitors, centres) =
        (give_as("Z6", Scope::Status).await, give_as("Z2", Scope::Status).await);
    assert_eq!(ask("/status", &visitors).await, 401, "a visitor sees no status");
    assert_eq!(ask("/status", &centres).await, 200);
    assert_eq!(ask("/figures?by=person", &give_as("Z6", Scope::Figures).await).await, 401);
    // Whose sign-in is closed, theirs are closed too.
    let centre = person(&fixture.store, "Z2").await;
    let mut tx = fixture.store.begin().await.unwrap();
    accounts::end(&mut tx, &centre, true, &by, "调离").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ask("/status", &centres).await, 401, "ended with the person");
});

on_both!(codes_are_not_guessed_by_whoever_is_signed_in, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "Z1").await;
    let secret = begun(&fixture, &mut browser).await;
    half_a_minute(&fixture);
    let key = browser.get("/my/security").await.field("key");
    for _ in 0..WRONG {
        let end = [("key", key.as_str()), ("act", "end"), ("code", "000000")];
        browser.post("/my/security", &end).await.is(422);
    }
    let code = shown_by(&fixture, &secret);
    let right = [("key", key.as_str()), ("act", "end"), ("code", code.as_str())];
    browser.post("/my/security", &right).await.is(422);
    browser.get("/my/security").await.says("登录要填手机验证码");
    // Nor is it given up without one, at one's own desk.
    let forget = [("key", key.as_str()), ("act", "forget"), ("reason", "不要了")];
    browser.post("/my/desk/accounts/Z1", &forget).await.is(422).says("登录安全");
});
