//! The resident's page: by a card's code and the end of a telephone number, and nothing of anybody on it.

use std::time::Duration;

use jiff::civil::date;
use zoufang::app::cards::{address, code, forget_guesses};
use zoufang::domain::issue::State;

use crate::accounts::served;
use crate::support::browser::{Answer, Browser, signed_in};
use crate::support::program::run;
use crate::support::{AREAS, ASSIGNMENTS, Fixture, STAFF, SUBJECTS, on_both};

const LONG: &str =
    "[accounts]\nidle = '150d'\nlongest = '180d'\n[http]\ntrusted_proxies = ['127.0.0.1']\n";

async fn look(browser: &mut Browser, at: &str, digits: &str) -> Answer {
    browser.post(at, &[("digits", digits)]).await
}

on_both!(a_resident_sees_how_their_matter_stands_and_nothing_else, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    let table = "2022-03-01,Z6,H1,王建国,13800000011,路灯不亮,有,镇村,居住环境,急";
    fixture.visit(table).await.unwrap();
    fixture.visit("2022-03-01,Z6,H1,李芳,13900000022,门口积水,有,,,").await.unwrap();
    let at = address(fixture.store.context(), "", "H1");
    assert_eq!(at, format!("/card/H1/{}", code(fixture.store.context(), "H1")));
    // The visitor has the address for the card.
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    visitor.get("/my/households/H1").await.says(&at);
    let mut resident = Browser::at(&url);
    let asked = resident.get(&at).await;
    asked.is(200).says("您的手机号后 4 位").hides("王").hides("路灯").hides("高桥");
    resident.get(&at.to_lowercase().replace("/card/h1", "/card/H1")).await.is(200);
    let shown = look(&mut resident, &at, "0011").await;
    shown
        .is(200)
        .says("2022年3月1日登记的（居住环境）")
        .says("已经确定由谁来办")
        .says("CHD2022-000001");
    for hidden in
        ["王建国", "李芳", "路灯", "积水", "高桥", "褚走", "138", "CHD2022-000002", "满意吗"]
    {
        shown.hides(hidden);
    }
    look(&mut resident, &at, "0022").await.says("CHD2022-000002").hides("CHD2022-000001");
    // A date that is past isn't told as one to come.
    shown.says("计划在3月11日前办好");
    fixture.at(4, 12, 9);
    let late = look(&mut resident, &at, "0011").await;
    late.says("原来计划在3月11日前办好，已经过了这一天，正在催办");
    fixture.clock.set(fixture.clock.instant(date(2023, 1, 3).at(9, 0, 0, 0)));
    look(&mut resident, &at, "0011").await.says("原来计划在2022年3月11日前办好");
    fixture.at(4, 12, 9);
    // Done, they are asked; their word helps, and closes nothing.
    fixture.import("r.csv", "问题编号,办理结果\nCHD2022-000001,换了灯泡\n").await.unwrap();
    fixture.at(6, 2, 9);
    look(&mut resident, &at, "0011").await.says("已经办好").says("换了灯泡").says("满意吗");
    let word = |issue: &'static str, answer: &'static str| {
        [("digits", "0011"), ("issue", issue), ("answer", answer)]
    };
    let said = resident.post(&at, &word("CHD2022-000001", "dissatisfied")).await;
    said.is(200).says("您的意见记下了").says("您说过：<strong>不满意");
    resident.post(&at, &word("CHD2022-000001", "fairly")).await.says("您说过：<strong>基本满意");
    // A word about what isn't theirs, or doesn't wait for it, isn't kept, and isn't thanked for.
    let other = resident.post(&at, &word("CHD2022-000002", "satisfied")).await;
    other.is(200).says("这次的意见没有记下").hides("您的意见记下了");
    visitor.get("/my/households/H1").await.says("群众自己在网上说：<strong>基本满意");
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    for (number, state) in
        [("CHD2022-000001", State::Resolved), ("CHD2022-000002", State::Registered)]
    {
        let id = snapshot.issue_id(number).await.unwrap();
        assert_eq!(snapshot.issue(&id).await.unwrap().state, state);
        let words = snapshot.resident_words(&[&id]).await.unwrap();
        assert_eq!(words.len(), usize::from(state == State::Resolved), "of their own alone");
    }
});

on_both!(a_household_cannot_be_guessed, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    fixture.visit("2022-03-01,Z6,H1,王建国,13800000011,路灯不亮,有,,,").await.unwrap();
    let at = address(fixture.store.context(), "", "H1");
    let from = |nth: u8| {
        let mut browser = Browser::at(&url);
        browser.headers.push(("x-forwarded-for", format!("198.51.100.{nth}")));
        browser
    };
    // Not without its code, nor with another's; one that guesses codes waits.
    let mut guesser = from(1);
    let others = code(fixture.store.context(), "H2");
    for path in [
        "/card/H1/00000000".to_owned(),
        format!("/card/H1/{others}"),
        format!("/card/H99/{others}"),
    ] {
        guesser.get(&path).await.is(404).hides("王");
    }
    for _ in 0..17 {
        guesser.get("/card/H1/00000000").await;
    }
    guesser.get(&at).await.is(429).says("秒后再试");
    // Each from an address of its own: the household itself is locked, for the right one too.
    for nth in 2..7 {
        let wrong = look(&mut from(nth), &at, "0012").await;
        wrong.is(401).says("没有查到");
    }
    look(&mut from(8), &at, "0011").await.is(429).says("请过一天再试").hides("CHD2022");
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(3_700));
    look(&mut from(9), &at, "0011").await.is(200).says("CHD2022-000001");
    // A right one forgets no wrong ones: whoever knows one number may be after another's. A night does.
    look(&mut from(9), &at, "9999").await.is(401);
    look(&mut from(9), &at, "0011").await.is(429);
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(25 * 3_600));
    forget_guesses(&fixture.store).await.unwrap();
    look(&mut from(9), &at, "9999").await.is(401);
    look(&mut from(9), &at, "0011").await.is(200);
    for digits in ["", "11", "00110011", "abcd", "１１１１"] {
        look(&mut from(10), &at, digits).await.is(401);
    }
    // From another site's form it isn't taken.
    let request = crate::support::client().post(format!("{url}{at}"));
    let request = request.header("origin", "https://evil.example").form(&[("digits", "0011")]);
    Browser::at(&url).send(request).await.is(403);
});

#[test]
fn a_printed_card_has_room_for_long_names() {
    let folder = tempfile::tempdir().unwrap();
    let name = "青岛市城阳区城阳街道小寨子社区便民服务超市第三分店";
    let subjects = SUBJECTS.replace("便民超市", name);
    let tables = [("a.csv", AREAS), ("s.csv", STAFF), ("o.csv", &subjects), ("f.csv", ASSIGNMENTS)];
    assert_eq!(run(&["key", "zoufang.key"], folder.path()).0, 0);
    for (file, table) in tables {
        std::fs::write(folder.path().join(file), table).unwrap();
        assert_eq!(run(&["import", file], folder.path()).0, 0, "{file}");
    }
    let (code, _, error) = run(&["print", "联系服务群众卡", "-o", "cards.html"], folder.path());
    assert_eq!(code, 0, "{error}");
    let printed = std::fs::read_to_string(folder.path().join("cards.html")).unwrap();
    let (class, rest) = ("<article class=\"card long\">", printed.split(name).next().unwrap());
    assert_eq!(printed.matches(class).count(), 1, "{printed}");
    assert!(rest.rsplit("<article").next().unwrap().starts_with(&class[8..]), "{printed}");
}
