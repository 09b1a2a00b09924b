//! Whoever stands in for somebody who is away does what that one could, in their name, and no longer than they're away.

use zoufang::app::absences::put;
use zoufang::db::NewAbsence;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::issue::State;

use crate::accounts::served;
use crate::support::browser::{Answer, Browser, person, signed_in};
use crate::support::{Fixture, on_both};

const ONE: &str = "CHD2022-000001";

/// A township where 褚走 (Z6) is away on two days, and 卫访 (Z7) stands in.
async fn away(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    fixture.visit("2022-03-01,Z6,H1,王建国,,路灯不亮,有,,,").await.unwrap();
    let [of, deputy] = ["Z6", "Z7"].map(|number| (number, &fixture.store));
    let (of, deputy) = (person(of.1, of.0).await.id, person(deputy.1, deputy.0).await.id);
    let (from, until) = ("2022-03-08".parse().unwrap(), "2022-03-09".parse().unwrap());
    let mut tx = fixture.store.begin().await.unwrap();
    let row = NewAbsence { staff_id: of, from, until, deputy_id: Some(deputy) };
    put(&mut tx, &[row]).await.unwrap();
    tx.commit().await.unwrap();
    fixture.at(3, 8, 9);
    fixture
}

async fn stand_in(browser: &mut Browser, page: &Answer, number: &str) -> Answer {
    let key = page.field("key");
    browser.post("/my/stand-in", &[("key", &key), ("number", number)]).await
}

/// The key of a page's own form: those before it are about whoever is signed in.
fn form_key(page: &Answer) -> String {
    let last = page.text.rsplit("name=\"key\" value=\"").next().unwrap();
    last.split('"').next().unwrap().to_owned()
}

on_both!(a_deputy_does_what_the_absent_could_in_their_name, async |fixture: Fixture| {
    let fixture = away(fixture).await;
    let url = served(&fixture.store, "[accounts]\nidle = '90d'\nlongest = '180d'\n").await;
    let mut deputy = signed_in(&fixture.store, &url, "Z7").await;
    deputy.get("/my/households/H1").await.is(404);
    let tasks = deputy.get("/my").await;
    tasks.says("褚走请假到3月9日，由您代办").says("代褚走办理");
    stand_in(&mut deputy, &tasks, "Z5").await.is(404).says("不由您代办");
    stand_in(&mut deputy, &tasks, "Z6").await.is(303);
    deputy.get("/my").await.is(200).says("您在代褚走办理").says("褚走的任务");
    deputy.get("/my/households/H3").await.is(404);
    deputy.get("/my/households/H1").await.is(200).says("王建国");
    // A visit, and what the visitor may do with an issue.
    let form = deputy.get("/my/households/H2/visit").await;
    let kept = [form_key(&form), form.field("form")];
    let visit = [
        ("key", &*kept[0]),
        ("form", &*kept[1]),
        ("name", "李秀英"),
        ("on", "2022-03-08"),
        ("heard", "nothing"),
        ("pledge", "yes"),
    ];
    deputy.post("/my/households/H2/visit", &visit).await.is(303);
    let issue = format!("/my/issues/{ONE}");
    let page = deputy.get(&issue).await;
    page.is(200).says("路灯不亮");
    let class = [("level", "town"), ("category", "other"), ("urgency", "normal")];
    let (key, version) = (form_key(&page), page.field("version"));
    let mut fields = vec![("key", &*key), ("version", &*version), ("act", "classify")];
    fields.extend(class);
    deputy.post(&issue, &fields).await.is(303);
    assert_eq!(fixture.store.issues_in(State::Classified, 9).await.unwrap().len(), 1);
    let audit = fixture.store.audit_trail().await.unwrap();
    let by = |action: &str| {
        let mut all = audit.iter().filter(|entry| entry.action == action);
        all.next().map(|entry| entry.actor.clone()).unwrap_or_default()
    };
    for action in ["record_visit", "classify"] {
        assert_eq!(by(action), "Z7 卫访（代Z6 褚走）", "{action}");
    }
    assert_eq!(by("stand_in"), "Z7 卫访");
    // What is their own stays so, and they go back to it.
    deputy.get("/my/security").await.is(200).hides("您在代");
    let page = deputy.get("/my").await;
    let own = page.text.split("/my/stand-in").nth(1).unwrap();
    let own = own.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
    deputy.post("/my/stand-in", &[("key", own)]).await.is(303);
    deputy.get("/my").await.hides("您在代褚走办理");
    deputy.get("/my/households/H1").await.is(404);
    // A form that was opened in their place isn't taken afterwards as one's own.
    deputy.post("/my/households/H2/visit", &visit).await.is(403);
});

on_both!(standing_in_ends_with_the_absence, async |fixture: Fixture| {
    let fixture = away(fixture).await;
    let url = served(&fixture.store, "[accounts]\nidle = '90d'\nlongest = '180d'\n").await;
    let mut deputy = signed_in(&fixture.store, &url, "Z7").await;
    let tasks = deputy.get("/my").await;
    stand_in(&mut deputy, &tasks, "Z6").await.is(303);
    deputy.get("/my/households/H1").await.is(200);
    fixture.at(3, 10, 9);
    deputy.get("/my").await.is(200).hides("您在代").hides("由您代办");
    deputy.get("/my/households/H1").await.is(404);
    // Nor may anybody else, whatever their browser says.
    fixture.at(3, 9, 9);
    let mut other = signed_in(&fixture.store, &url, "Z4").await;
    let tasks = other.get("/my").await;
    stand_in(&mut other, &tasks, "Z6").await.is(404);
});

on_both!(a_table_is_signed_by_whom_it_may_be, async |fixture: Fixture| {
    let fixture = away(fixture).await;
    let more =
        "人员编号,姓名,角色,所属区划\nZ8,孙网,网格员,杨桥村\nZ9,齐组,组织人事办公室,370481111000\n";
    fixture.import("s2.csv", more).await.unwrap();
    let open = async |kind| crate::duties::open(&fixture, kind).await;
    // Another village's grid member is told whose it is; who stands above signs as by the command.
    let note = |by: &str| format!("问题编号,签收人\n{ONE},{by}\n");
    let wrong = fixture.import("n.csv", &note("Z8")).await.unwrap_err().to_string();
    let said = "第 2 行第 2 列「签收人」：Z8（孙网）是网格员，不能签收「CHD2022-000001」，这件由Z5 陈网签收";
    assert!(wrong.contains(said), "{wrong}");
    assert_eq!(open(DutyKind::Acknowledge).await, 1);
    fixture.import("n2.csv", &note("Z5")).await.unwrap();
    assert_eq!(open(DutyKind::Acknowledge).await, 0);
    // What is confirmed, by who hands in there, or the office; a deputy for whom they stand in for.
    let ready = |area: &str, by: &str| format!("任务,所属区划,确认人\n走访材料准备,{area},{by}\n");
    for by in ["Z8", "Z5"] {
        let wrong = fixture.import("c.csv", &ready("高桥村", by)).await.unwrap_err().to_string();
        assert!(wrong.contains("不能确认「高桥村委会」的走访材料准备"), "{wrong}");
        assert!(wrong.contains("或镇组织人事办公室确认"), "{wrong}");
    }
    assert_eq!(open(DutyKind::Materials).await, 2);
    fixture.import("c1.csv", &ready("高桥村", "Z7")).await.unwrap();
    fixture.import("c2.csv", &ready("杨桥村", "Z9")).await.unwrap();
    assert_eq!(open(DutyKind::Materials).await, 0);
});
