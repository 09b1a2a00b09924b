//! Who left (离岗), or whose sign-in was closed: nothing that they were given shows a resident to them any more, nothing more is
//! sent to them or given to them, and what is still theirs is told until somebody else has it.

use jiff::civil::date;
use zoufang::app::accounts::end;
use zoufang::app::assignments::reassign;
use zoufang::app::links::give;
use zoufang::app::vacant::vacant;
use zoufang::notify::{calendar_link, digest_link, preview, remind};

use crate::accounts::served;
use crate::reminders::rules;
use crate::support::browser::{Browser, person};
use crate::support::{Fixture, on_both};

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
