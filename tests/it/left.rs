//! Who left (离岗), or whose sign-in was closed: nothing that they were given shows a resident to them any more, nothing more is
//! sent to them or given to them, and what is still theirs is told until somebody else has it.

use jiff::civil::date;
use zoufang::app::accounts::{end, invite};
use zoufang::app::assignments::reassign;
use zoufang::app::links::give;
use zoufang::app::tokens::{self, NewToken};
use zoufang::app::vacant::vacant;
use zoufang::db::Manner;
use zoufang::domain::identity::Way;
use zoufang::domain::scope::Scope;
use zoufang::notify::{calendar_link, digest_link, preview, remind};

use crate::accounts::served;
use crate::reminders::rules;
use crate::support::browser::{Browser, PASSWORD, invited, person, signed_in};
use crate::support::{Fixture, client, on_both};

const LEAVES: &str = "人员编号,姓名,角色,所属区划\nZ6,褚走,离岗,高桥村\n";

/// What Z6 was given: their digest's address, and their calendar's.
async fn given(fixture: &Fixture, url: &str) -> [String; 2] {
    let own = person(&fixture.store, "Z6").await;
    let mut tx = fixture.store.begin().await.unwrap();
    let link = give(&mut tx, &own, "Z1").await.unwrap();
    tx.commit().await.unwrap();
    let calendar = calendar_link(fixture.store.context(), url, &own);
    [digest_link(url, &link.token), calendar].map(|link| link[url.len()..].to_owned())
}

on_both!(what_they_were_given_shows_nothing_any_more, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 28, 9);
    fixture
        .visit("2022-03-28,Z6,H1,王小二,13900000000,路灯不亮,有,镇村,居住环境,急")
        .await
        .unwrap();
    remind(&fixture.store, &rules()).await.unwrap();
    let url = served(&fixture.store, "").await;
    for closes in [true, false] {
        let addresses = given(&fixture, &url).await;
        let mut browser = Browser::at(&url);
        for address in &addresses {
            browser.get(address).await.is(200);
        }
        if closes {
            let (of, by) = (person(&fixture.store, "Z6").await, person(&fixture.store, "Z1").await);
            let mut tx = fixture.store.begin().await.unwrap();
            end(&mut tx, &of, true, &by, "手机丢了").await.unwrap();
            tx.commit().await.unwrap();
        } else {
            fixture.import("left.csv", LEAVES).await.unwrap();
        }
        browser.get(&addresses[0]).await.is(410).says("已经作废").hides("王小二");
        browser.get(&addresses[1]).await.is(404);
    }
});

on_both!(nothing_is_sent_or_given_to_who_left, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 7, 9);
    let told = async || {
        let all = preview(&fixture.store, &rules(), date(2022, 3, 28)).await.unwrap();
        let heard = all.iter().filter(|one| one.body.contains("入户走访 2项"));
        let heard: Vec<&String> = heard.map(|one| &one.staff_id).collect();
        let staff = fixture.store.staff().await.unwrap().into_iter();
        let numbers =
            staff.filter(|person| heard.contains(&&person.id)).map(|person| person.number);
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(told().await, ["Z6"]);
    fixture.import("left.csv", LEAVES).await.unwrap();
    assert_eq!(told().await, ["Z4"], "whoever stands above them hears in their place");
    let mut record = fixture.store.snapshot().await.unwrap();
    assert_eq!(vacant(&mut record).await.unwrap().left, [("Z6 褚走".to_owned(), 2)]);
    record.end().await.unwrap();
    // By no way anything is given to them: by hand, by subject, by area.
    let left = person(&fixture.store, "Z6").await;
    let mut tx = fixture.store.begin().await.unwrap();
    let error = reassign(&mut tx, "H3", &left.id, "Z1", "换人").await.unwrap_err().to_string();
    assert!(error.contains("已经离岗"), "{error}");
    let same = reassign(&mut tx, "H1", &left.id, "Z1", "换人").await.unwrap_err().to_string();
    assert!(same.contains("本来就由他走访"), "{same}");
    tx.rollback().await.unwrap();
    let more = "对象编号,对象类型,对象名称,所属村,地址\nH9,家庭,赵九,高桥村,\n";
    fixture.import("more.csv", more).await.unwrap();
    for table in ["对象编号,走访人员\nH9,Z6\n", "走访区域,走访人员\n高桥村,Z6\n"]
    {
        let error = fixture.import("f2.csv", table).await.unwrap_err().to_string();
        assert!(error.contains("第 2 行") && error.contains("已经离岗"), "{error}");
    }
    // Given to somebody else, nothing is left of it.
    let other = person(&fixture.store, "Z7").await;
    let mut tx = fixture.store.begin().await.unwrap();
    for number in ["H1", "H2"] {
        reassign(&mut tx, number, &other.id, "Z1", "离岗").await.unwrap();
    }
    assert_eq!(vacant(&mut tx).await.unwrap().left, []);
    tx.commit().await.unwrap();
});

on_both!(what_still_waits_for_who_left_is_not_sent, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 28, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    let (store, own) = (&fixture.store, person(&fixture.store, "Z6").await);
    let waits = async |state: &str| {
        let debts = store.debts(None, Some(state), 100).await.unwrap();
        debts.iter().filter(|debt| debt.debt_key.contains(&own.id)).count()
    };
    assert!(waits("ready").await > 0);
    fixture.import("left.csv", LEAVES).await.unwrap();
    assert_eq!(waits("ready").await, 0);
    assert!(waits("cancelled").await > 0);
    // Whoever else was to be told still is.
    assert!(!store.debts(None, Some("ready"), 100).await.unwrap().is_empty());
});

/// What a browser, or a program, that shows this gets of the pages and of the ledger.
async fn is_shut_out(url: &str, cookie: &str, program: &str) {
    let mut browser = Browser::at(url);
    browser.cookies.insert("zoufang".to_owned(), cookie.to_owned());
    for page in ["/my", "/my/households", "/my/issues"] {
        assert!(browser.get(page).await.is(303).to.starts_with("/my/sign-in"));
    }
    let ledger = client().get(format!("{url}/api/v1/issues")).bearer_auth(program);
    assert_eq!(ledger.send().await.unwrap().status().as_u16(), 401);
}

on_both!(who_left_gets_in_by_nothing, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, "").await;
    let store = &fixture.store;
    let (of, by) = (person(store, "Z6").await, person(store, "Z1").await);
    let browser = signed_in(store, &url, "Z6").await;
    let before = invited(store, "Z6").await;
    let token = NewToken {
        title: "台账程序".to_owned(),
        scopes: vec![Scope::Issues],
        days: 30,
        acts_as: of.clone(),
    };
    let mut tx = store.begin().await.unwrap();
    let (_, program) = tokens::give(&mut tx, &token, &by).await.unwrap();
    let password = tx.account(&of.id).await.unwrap().password;
    tx.commit().await.unwrap();
    fixture.import("left.csv", LEAVES).await.unwrap();
    is_shut_out(&url, &browser.cookies["zoufang"], &program).await;
    // The office is offered nothing to give, and is given nothing, whatever it sends.
    let at = "/my/desk/accounts/Z6";
    let mut office = signed_in(store, &url, "Z1").await;
    let page = office.get(at).await;
    page.is(200).says("已离岗，不能登录").hides("给出一次性登录链接");
    let key = page.field("key");
    let asked = office.post(at, &[("key", key.as_str()), ("act", "invite")]).await;
    asked.is(422).says("已经离岗").hides("/my/welcome/");
    let left = person(store, "Z6").await;
    let mut tx = store.begin().await.unwrap();
    for refused in [
        invite(&mut tx, &left, &by).await.err(),
        give(&mut tx, &left, "Z1").await.err(),
        tokens::give(&mut tx, &NewToken { acts_as: left.clone(), ..token }, &by).await.err(),
    ] {
        assert!(refused.unwrap().to_string().contains("已经离岗"));
    }
    tx.rollback().await.unwrap();
    // Nor by what the record of before may still hold of them.
    let (now, later) = (store.context().clock.wire_millis(), i64::MAX / 2);
    let manner = Manner::own(Way::Password);
    let mut tx = store.begin().await.unwrap();
    tx.invite(&of.id, "kept", now, later).await.unwrap();
    tx.begin_sign_in("kept", &of.id, now, (later, false, manner)).await.unwrap();
    tx.set_password(&of.id, password.as_deref(), now).await.unwrap();
    tx.commit().await.unwrap();
    is_shut_out(&url, "kept", &program).await;
    for link in [before.as_str(), "kept"] {
        let welcome = format!("/my/welcome/{link}");
        let chosen = [("password", PASSWORD), ("again", PASSWORD)];
        Browser::at(&url).get(&welcome).await.is(410);
        Browser::at(&url).post(&welcome, &chosen).await.is(410);
    }
    Browser::at(&url).sign_in("Z6", PASSWORD).await.is(401);
});
