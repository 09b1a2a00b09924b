//! What residents answer at revisits: why they aren't satisfied, what follows from it, and an answer that was heard by mistake.

use zoufang::app::doctor::examine;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::issue::{Event, State};
use zoufang::domain::referral::PlatformStatus;

use crate::accounts::served;
use crate::db::{deliver, one_city_issue, receive, the_issue, update};
use crate::duties::open;
use crate::support::browser::{Answer, Browser, signed_in};
use crate::support::{Fixture, on_both};

const HEADER: &str = "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,反映问题\n";
const ONE: &str = "CHD2022-000001";

/// A row of 附件4 that tells of a revisit.
fn revisit(on: &str, answer: &str, why: &str) -> String {
    format!("{HEADER}2022-03-{on},Z6,H1,王建国,回访,{answer},{why}\n")
}

/// A city issue that the platform has ended.
async fn resolved(fixture: Fixture) -> Fixture {
    let fixture = one_city_issue(fixture).await;
    deliver(&fixture.store, "77").await;
    receive(&fixture.store, &update(&fixture, "77", PlatformStatus::Resolved, 0)).await;
    fixture.at(3, 9, 10);
    fixture
}

async fn stands(fixture: &Fixture) -> (State, i64) {
    let card = the_issue(&fixture.store).await;
    (card.issue.state, card.issue.round)
}

/// The last event's words.
async fn last_words(fixture: &Fixture) -> Vec<(&'static str, String)> {
    let mut record = fixture.store.snapshot().await.unwrap();
    let id = record.issue_id(ONE).await.unwrap();
    let events = record.events_of(&[&id]).await.unwrap();
    record.end().await.unwrap();
    let said = |event: Event| (event.kind().code(), event.said().unwrap_or_default().to_owned());
    events.iter().filter_map(|row| row.event()).map(said).collect()
}

async fn refused(fixture: &Fixture, table: &str) -> String {
    fixture.import("again.csv", table).await.unwrap_err().to_string()
}

async fn debt(fixture: &Fixture, reference: &str) -> String {
    fixture.store.debt(&format!("referral:{reference}")).await.unwrap().state
}

async fn owes_a_revisit(fixture: &Fixture) -> bool {
    open(fixture, DutyKind::Revisit).await > 0
}

on_both!(what_is_done_anew_has_the_residents_words, async |fixture: Fixture| {
    let fixture = resolved(fixture).await;
    let table = revisit("09", "不满意", "修好两天又不亮");
    fixture.import("r.csv", &table).await.unwrap();
    assert_eq!(stands(&fixture).await, (State::Queued, 2));
    let words = last_words(&fixture).await;
    assert!(
        words.contains(&("reopened", "群众回访时不满意：修好两天又不亮".to_owned())),
        "{words:?}"
    );
    assert_eq!(fixture.import("r.csv", &format!("{table}\n")).await.unwrap().same, 1);
    // What wasn't done anew by it isn't kept, and that's said.
    fixture.at(3, 10, 10);
    let report = fixture.import("r.csv", &revisit("10", "不满意", "水压低")).await.unwrap();
    let said = format!("{:?}", report.remarks);
    assert!(said.contains("水压低") && said.contains("没有登记"), "{said}");
});

on_both!(a_table_may_have_no_words_and_is_told_so, async |fixture: Fixture| {
    let fixture = resolved(fixture).await;
    let report = fixture.import("r.csv", &revisit("09", "不满意", "无")).await.unwrap();
    assert!(format!("{:?}", report.remarks).contains("没有写为什么"), "{:?}", report.remarks);
    assert_eq!(stands(&fixture).await, (State::Queued, 2));
});

on_both!(an_answer_that_was_heard_by_mistake_is_put_right, async |fixture: Fixture| {
    let fixture = resolved(fixture).await;
    fixture.import("r.csv", &revisit("09", "不满意", "听成不满意")).await.unwrap();
    assert_eq!(
        (stands(&fixture).await, debt(&fixture, "CHD2022-000001-R2").await),
        ((State::Queued, 2), "ready".to_owned())
    );
    let said = refused(&fixture, &revisit("09", "满意", "")).await;
    assert!(said.contains("登记过「不满意」") && said.contains("写明原因"), "{said}");
    fixture.at(3, 9, 11);
    let right = revisit("09", "满意", "点错了，群众说的是满意");
    let report = fixture.import("r.csv", &right).await.unwrap();
    assert!(format!("{:?}", report.remarks).contains("已更正为「满意」"), "{:?}", report.remarks);
    assert_eq!(stands(&fixture).await.0, State::Closed);
    assert_eq!(debt(&fixture, "CHD2022-000001-R2").await, "cancelled", "nothing more goes there");
    assert_eq!(fixture.import("r.csv", &format!("{right}\n")).await.unwrap().same, 1, "once");
    // The first table again takes nothing back, and says so.
    let first = format!("{}\n", revisit("09", "不满意", "听成不满意"));
    let report = fixture.import("r.csv", &first).await.unwrap();
    assert!(format!("{:?}", report.remarks).contains("后来更正为「满意」"), "{:?}", report.remarks);
    assert_eq!(stands(&fixture).await.0, State::Closed);
    let audit = fixture.store.audit_trail().await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == "correct_answer").count(), 1);
    // Later they are dissatisfied after all: a round of its own.
    fixture.at(3, 12, 10);
    let other = revisit("09", "基本满意", "群众说基本满意");
    fixture.import("r.csv", &other).await.unwrap();
    assert_eq!(stands(&fixture).await.0, State::Closed);
    assert!(!owes_a_revisit(&fixture).await);
});

on_both!(a_mistaken_satisfaction_is_done_anew, async |fixture: Fixture| {
    let fixture = resolved(fixture).await;
    fixture.import("r.csv", &revisit("09", "满意", "")).await.unwrap();
    assert_eq!(stands(&fixture).await, (State::Closed, 1));
    fixture.at(3, 10, 10);
    fixture.import("r.csv", &revisit("09", "不满意", "点错了，路灯又不亮")).await.unwrap();
    assert_eq!(stands(&fixture).await, (State::Queued, 2));
    assert_eq!(debt(&fixture, "CHD2022-000001-R2").await, "ready");
});

on_both!(what_has_gone_to_the_platform_is_not_put_right, async |fixture: Fixture| {
    let fixture = resolved(fixture).await;
    fixture.import("r.csv", &revisit("09", "不满意", "听错了")).await.unwrap();
    deliver(&fixture.store, "78").await;
    let said = refused(&fixture, &revisit("09", "满意", "点错了")).await;
    assert!(said.contains(ONE) && said.contains("收不回来"), "{said}");
    assert!(said.contains("办结以后再回访一次"), "{said}");
    assert_eq!(stands(&fixture).await, (State::Referred, 2));
});

on_both!(a_revisit_rests_while_what_it_asked_for_is_done_anew, async |fixture: Fixture| {
    let fixture = resolved(fixture).await;
    assert!(owes_a_revisit(&fixture).await);
    fixture.import("r.csv", &revisit("09", "不满意", "又不亮了")).await.unwrap();
    assert!(!owes_a_revisit(&fixture).await, "it was made");
    deliver(&fixture.store, "78").await;
    assert!(!owes_a_revisit(&fixture).await);
    fixture.at(3, 15, 10);
    receive(&fixture.store, &update(&fixture, "78", PlatformStatus::Resolved, 0)).await;
    assert_eq!(stands(&fixture).await, (State::Resolved, 2));
    assert!(owes_a_revisit(&fixture).await, "resolved anew, they're asked anew");
    fixture.import("r.csv", &revisit("15", "满意", "")).await.unwrap();
    assert!(!owes_a_revisit(&fixture).await);
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

/// What the form of a revisit keeps, with an answer.
async fn answer(browser: &mut Browser, page: &Answer, more: &[(&str, &str)]) -> Answer {
    let kept = ["key", "form", "resident", "seen"].map(|name| (name, page.field(name)));
    let mut fields: Vec<(&str, &str)> =
        kept.iter().map(|(name, at)| (*name, at.as_str())).collect();
    fields.extend([("on", "2022-03-09"), ("pledge", "yes")]);
    fields.extend(more);
    browser.post("/my/households/H1/revisit", &fields).await
}

on_both!(a_page_says_what_follows_before_anything_is_done_anew, async |fixture: Fixture| {
    let fixture = resolved(fixture).await;
    let url = served(&fixture.store, "").await;
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    let household = visitor.get("/my/households/H1").await;
    let at = household.text.split("/revisit?resident=").nth(1).unwrap();
    let at = format!("/my/households/H1/revisit?resident={}", at.split('"').next().unwrap());
    let page = visitor.get(&at).await;
    let tap = answer(&mut visitor, &page, &[("answer", "dissatisfied")]).await;
    tap.is(422).says("群众为什么不满意");
    let with = [("answer", "dissatisfied"), ("why", "又不亮了")];
    let asked = answer(&mut visitor, &page, &with).await;
    asked.is(422).says("市直单办").says("再次上报平台").says("问清楚了，确实不满意").says("点错了");
    assert_eq!(stands(&fixture).await, (State::Resolved, 1), "nothing happened yet");
    let sure = [with[0], with[1], ("decided", "reopening")];
    answer(&mut visitor, &page, &sure).await.is(303);
    assert_eq!(stands(&fixture).await, (State::Queued, 2));
    // It was a mistake: the visitor puts it right on the same form, by its link.
    let household = visitor.get("/my/households/H1").await;
    household.says("更正回访结果");
    let page = visitor.get(&format!("{at}&on=2022-03-09")).await;
    page.says("登记过「不满意」").says("写明更正的原因");
    let right = [("answer", "satisfied"), ("why", "点错了")];
    answer(&mut visitor, &page, &right).await.is(303);
    assert_eq!(stands(&fixture).await.0, State::Closed);
});

on_both!(whoever_stands_above_puts_an_answer_right, async |fixture: Fixture| {
    let fixture = resolved(fixture).await;
    fixture.import("r.csv", &revisit("09", "不满意", "听成不满意")).await.unwrap();
    let url = served(&fixture.store, "").await;
    let at = format!("/my/issues/{ONE}");
    let mut centre = signed_in(&fixture.store, &url, "Z2").await;
    let mut secretary = signed_in(&fixture.store, &url, "Z4").await;
    let page = secretary.get(&at).await;
    page.is(200).says("更正回访结果").says("2022-03-09 的回访登记的是「不满意」");
    let (key, version) = (page.field("key"), page.field("version"));
    let mut fields = vec![("key", &*key), ("version", &*version), ("act", "correct_answer")];
    fields.push(("answer", "satisfied"));
    secretary.post(&at, &fields).await.is(422).says("请写明原因");
    fields.extend([("said", "电话核实过，群众满意"), ("confirmed", "yes")]);
    secretary.post(&at, &fields).await.is(303);
    assert_eq!(stands(&fixture).await.0, State::Closed);
    assert_eq!(debt(&fixture, "CHD2022-000001-R2").await, "cancelled");
    let audit = fixture.store.audit_trail().await.unwrap();
    let own: Vec<_> = audit.iter().filter(|entry| entry.action == "correct_answer").collect();
    assert!(own.len() == 1 && own[0].actor.starts_with("Z4 "), "{own:?}");
    // Whose it isn't can't.
    let page = centre.get(&at).await;
    let (key, version) = (page.field("key"), page.field("version"));
    let fields = [
        ("key", &*key),
        ("version", &*version),
        ("act", "correct_answer"),
        ("answer", "dissatisfied"),
        ("said", "再看看"),
        ("confirmed", "yes"),
    ];
    centre.post(&at, &fields).await.is(403);
});
