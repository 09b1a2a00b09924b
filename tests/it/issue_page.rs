//! An issue's page: what the centre decides of what goes to the platform, what is merged, mediated and declared done; each once,
//! confirmed where it can't be taken back, and by whom it's for.

use std::time::Duration;

use zoufang::app::absences::put;
use zoufang::db::{NewAbsence, Store};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::issue::State;
use zoufang::domain::there::Place;

use crate::accounts::served;
use crate::support::browser::{Answer, Browser, person, signed_in};
use crate::support::{Fixture, on_both};

/// A person's browser on one issue's page.
struct Desk {
    browser: Browser,
    at: String,
}

impl Desk {
    async fn of(store: &Store, url: &str, who: &str, number: &str) -> Desk {
        Desk { browser: signed_in(store, url, who).await, at: format!("/my/issues/{number}") }
    }

    async fn page(&mut self) -> Answer {
        self.browser.get(&self.at).await
    }

    /// Sends what this form of the page would.
    async fn send(&mut self, page: &Answer, act: &str, more: &[(&str, &str)]) -> Answer {
        let (key, version) = (page.field("key"), page.field("version"));
        let mut fields = vec![("key", key.as_str()), ("version", version.as_str()), ("act", act)];
        fields.extend(more);
        self.browser.post(&self.at, &fields).await
    }
}

async fn state(store: &Store, number: &str) -> (State, i64) {
    let mut record = store.snapshot().await.unwrap();
    let id = record.issue_id(number).await.unwrap();
    let issue = record.issue(&id).await.unwrap();
    record.end().await.unwrap();
    (issue.state, issue.round)
}

/// How the outbox entry of a referral stands.
async fn debt(store: &Store, reference: &str) -> String {
    store.debt(&format!("referral:{reference}")).await.unwrap().state
}

/// The words that go to the platform as that referral.
async fn sent(store: &Store, reference: &str) -> String {
    let mut record = store.snapshot().await.unwrap();
    let issue = record.issue_id(ONE).await.unwrap();
    let referrals = record.issue_referrals(&issue).await.unwrap();
    record.end().await.unwrap();
    let one = referrals.iter().find(|one| one.reference == reference).unwrap();
    store.sent_words(&[&one.id]).await.unwrap().pop().unwrap().1
}

const ONE: &str = "CHD2022-000001";
const FOLLOWED: &str = "follow_up_mediation";
const CONFIRMED: (&str, &str) = ("confirmed", "yes");

/// What goes to the platform waits for the centre's review.
async fn in_review(fixture: Fixture) -> Fixture {
    let review = |context: &mut zoufang::db::Context| {
        context.review_within = Some(Duration::from_secs(48 * 3600));
    };
    let fixture = fixture.township().await.within(review).await;
    fixture.visit("2022-03-01,Z6,H1,王建国,,路灯不亮,有,市直,居住环境,急").await.unwrap();
    assert_eq!(debt(&fixture.store, "CHD2022-000001-R1").await, "review");
    fixture
}

on_both!(the_centre_lets_go_what_it_has_reviewed, async |fixture: Fixture| {
    let fixture = in_review(fixture).await;
    let url = served(&fixture.store, "").await;
    // Nobody else is offered it.
    let mut branch = Desk::of(&fixture.store, &url, "Z3", ONE).await;
    let page = branch.page().await;
    page.is(200).says("等服务中心审核").hides("审核通过，上报").hides("退回，不上报");
    branch.send(&page, "release", &[CONFIRMED]).await.is(403);
    let mut centre = Desk::of(&fixture.store, &url, "Z2", ONE).await;
    let page = centre.page().await;
    page.is(200).says("审核通过，上报").says("退回，不上报");
    centre.send(&page, "release", &[]).await.is(422).says("请勾选确认");
    assert_eq!(debt(&fixture.store, "CHD2022-000001-R1").await, "review");
    let done = centre.send(&page, "release", &[CONFIRMED]).await.is(303).to.clone();
    assert_eq!(debt(&fixture.store, "CHD2022-000001-R1").await, "ready");
    centre.browser.get(&done).await.is(200).says("已登记：审核通过，上报。");
    // Nobody else's words are shown.
    centre.browser.get("/my/issues/CHD2022-000001?did=作废了").await.is(200).hides("作废了");
    // Pressed twice it's let go once.
    centre.send(&page, "release", &[CONFIRMED]).await.is(303);
    let audit = fixture.store.audit_trail().await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == "outbox_release").count(), 1);
    centre.page().await.hides("审核通过，上报");
});

on_both!(what_is_given_back_never_leaves_and_may_go_again, async |fixture: Fixture| {
    let fixture = in_review(fixture).await;
    let url = served(&fixture.store, "").await;
    let mut centre = Desk::of(&fixture.store, &url, "Z2", ONE).await;
    let page = centre.page().await;
    centre.send(&page, "return", &[CONFIRMED]).await.is(422).says("请写明原因");
    let why = ("said", "镇里自己能办");
    centre.send(&page, "return", &[why]).await.is(422).says("请勾选确认").says("镇里自己能办");
    centre.send(&page, "return", &[why, CONFIRMED]).await.is(303);
    assert_eq!(state(&fixture.store, ONE).await, (State::Returned, 2));
    assert_eq!(debt(&fixture.store, "CHD2022-000001-R1").await, "cancelled");
    // The grid member can't upload it any more.
    let owed = fixture.store.duty_lines("", 10_000).await.unwrap();
    let of = |kind| owed.iter().find(|line| line.kind == kind).map(|line| line.state.as_str());
    let [upload, returned] = [DutyKind::Upload, DutyKind::Returned].map(of);
    assert_eq!((upload, returned), (Some("cancelled"), Some("open")));
    centre.send(&page, "return", &[why, CONFIRMED]).await.is(303);
    assert_eq!(state(&fixture.store, ONE).await, (State::Returned, 2));
    // It's said whose doing it was, and the centre isn't told its own.
    let page = centre.page().await;
    page.says("审核退回，没有上报")
        .says("镇里自己能办")
        .hides("平台退回</strong>")
        .says("退回处理");
    let told = fixture.store.told().await.unwrap();
    assert!(told.is_empty());
    // Somebody else's older page does nothing.
    let old = page.text.replace("name=\"version\" value=\"", "name=\"version\" value=\"9");
    let old = Answer { text: old, ..page.clone() };
    centre.send(&old, "resubmit", &[CONFIRMED]).await.is(409);
    centre.send(&page, "resubmit", &[]).await.is(422);
    let more = ("said", "灯杆编号 17，在村委会东侧");
    page.says("补充说明");
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(60));
    centre.send(&page, "resubmit", &[more, CONFIRMED]).await.is(303);
    assert_eq!(state(&fixture.store, ONE).await, (State::Queued, 2));
    centre.send(&page, "resubmit", &[more, CONFIRMED]).await.is(303);
    // It goes with the next round and not with the one before, and stays with the issue.
    assert!(sent(&fixture.store, "CHD2022-000001-R2").await.contains("灯杆编号 17"));
    assert!(!sent(&fixture.store, "CHD2022-000001-R1").await.contains("灯杆编号 17"));
    assert_eq!(debt(&fixture.store, "CHD2022-000001-R2").await, "review");
    let page = centre.page().await;
    page.says("CHD2022-000001-R2").says("（第 2 轮）").says("补充说明</strong>");
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(a_duplicate_is_merged_into_the_other, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.visit("2022-03-01,Z6,H1,王建国,,路灯不亮,有,镇村,居住环境,急").await.unwrap();
    fixture.visit("2022-03-01,Z6,H2,李秀英,,路灯坏了,有,镇村,居住环境,急").await.unwrap();
    fixture.visit("2022-03-01,Z7,H3,店主,,垃圾没人收,有,镇村,居住环境,急").await.unwrap();
    let url = served(&fixture.store, "").await;
    let mut lead = Desk::of(&fixture.store, &url, "Z4", "CHD2022-000002").await;
    let page = lead.page().await;
    page.is(200).says("并入另一个问题");
    for (other, said) in [
        ("", "请填并入哪一个"),
        ("CHD2022-000002", "不能并入它自己"),
        ("CHD2022-000099", "没有编号"),
        // In another village.
        ("CHD2022-000003", "不在您负责的范围内"),
    ] {
        lead.send(&page, "merge", &[("other", other), CONFIRMED]).await.is(422).says(said);
    }
    lead.send(&page, "merge", &[("other", ONE)]).await.is(422).says("请勾选确认").says(ONE);
    let into = [("other", "chd2022-000001"), ("said", "同一盏灯"), CONFIRMED];
    lead.send(&page, "merge", &into).await.is(303);
    lead.send(&page, "merge", &into).await.is(303);
    assert_eq!(state(&fixture.store, "CHD2022-000002").await.0, State::Void);
    lead.page().await.says("与 CHD2022-000001 重复，并入该件：同一盏灯");
    lead.at = "/my/issues/CHD2022-000001".to_owned();
    let page = lead.page().await;
    let back = [("other", "CHD2022-000002"), CONFIRMED];
    lead.send(&page, "merge", &back).await.is(422).says("已经作废");
    let audit = fixture.store.audit_trail().await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == "merge").count(), 1);
});

on_both!(a_mediation_is_recorded_once_and_followed_up, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.visit("2022-03-01,Z6,H1,王建国,,与邻居争滴水,有,镇村,其他,一般").await.unwrap();
    fixture.at(3, 5, 9);
    let url = served(&fixture.store, "").await;
    let mut grid = Desk::of(&fixture.store, &url, "Z5", ONE).await;
    let page = grid.page().await;
    let mut said = vec![
        ("on", "2022-03-04"),
        ("mediator", "司法所 赵六"),
        ("parties", "王建国、李四"),
        ("agreement", "以滴水线为界"),
    ];
    grid.send(&page, "mediate", &said[1..]).await.is(422).says("请填调解日期").says("司法所 赵六");
    grid.send(&page, "mediate", &said[..1]).await.is(422).says("请填调解人");
    grid.send(&page, "mediate", &said).await.is(422).says("要约定回访日期");
    said.push(("follow_up_on", "2022-04-04"));
    grid.send(&page, "mediate", &said).await.is(303);
    grid.send(&page, "mediate", &said).await.is(303);
    let page = grid.page().await;
    page.says("2022-03-04，达成协议")
        .says("司法所 赵六")
        .says("以滴水线为界")
        .says("约定 2022-04-04 回访");
    page.says("调解回访");
    let audit = fixture.store.audit_trail().await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == "mediate").count(), 1);
    // Another of the same day, from a page that was opened before, isn't said to be recorded.
    let mut village = Desk::of(&fixture.store, &url, "Z6", ONE).await;
    let old = village.page().await;
    let again = [&said[..3], &[("heard", "0")]].concat();
    village.send(&old, "mediate", &again).await.is(409).says("有了变化");
    // It's seen to again on the same page, once.
    fixture.at(4, 4, 9);
    let mut grid = Desk::of(&fixture.store, &url, "Z5", ONE).await;
    let mut village = Desk::of(&fixture.store, &url, "Z6", ONE).await;
    grid.browser.get("/my").await.is(200).says("调解回访").says(&grid.at);
    let page = grid.page().await;
    let heard = page.field("heard");
    let old = village.page().await;
    page.says("登记调解回访").says("2022-03-04 的调解");
    let seen = vec![
        ("heard", heard.as_str()),
        ("of", "2022-03-04"),
        ("on", "2022-04-04"),
        ("kept", "yes"),
        ("said", "双方都照办"),
    ];
    grid.send(&page, FOLLOWED, &seen[..3]).await.is(422).says("请选协议履行了没有");
    grid.send(&page, FOLLOWED, &seen[..4]).await.is(422).says("请写回访看到的情况");
    let done = grid.send(&page, FOLLOWED, &seen).await.is(303).to.clone();
    grid.browser.get(&done).await.says("已登记：登记调解回访").says("2022-04-04 已回访，履行");
    grid.send(&page, FOLLOWED, &seen).await.is(303);
    let mut other = seen.clone();
    other[3] = ("kept", "no");
    village.send(&old, FOLLOWED, &other).await.is(409).says("有了变化");
    grid.page().await.hides("登记回访</button>");
    grid.browser.get("/my").await.is(200).hides("调解回访");
    let audit = fixture.store.audit_trail().await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == FOLLOWED).count(), 1);
    // Whoever doesn't act on it sees that there was one, and not of whom.
    let mut branch = Desk::of(&fixture.store, &url, "Z3", ONE).await;
    branch.page().await.says("达成协议").hides("李四").hides("滴水线");
});

on_both!(the_platforms_part_is_declared_done_with_a_reason, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.visit("2022-03-01,Z6,H1,王建国,,路灯不亮,有,市直,居住环境,急").await.unwrap();
    let url = served(&fixture.store, "").await;
    let mut grid = Desk::of(&fixture.store, &url, "Z5", ONE).await;
    let page = grid.page().await;
    page.hides("认定平台已办结");
    let why = [("said", "平台已修好路灯，一直没有回复"), CONFIRMED];
    grid.send(&page, "override", &why).await.is(403);
    let mut centre = Desk::of(&fixture.store, &url, "Z2", ONE).await;
    let page = centre.page().await;
    page.says("接下来").says("问题上报").says("问题办结");
    centre.send(&page, "override", &why[..1]).await.is(422).says("请勾选确认");
    centre.send(&page, "override", &why).await.is(303);
    centre.send(&page, "override", &why).await.is(303);
    assert_eq!(state(&fixture.store, ONE).await.0, State::Resolved);
    centre.page().await.says("人工认定平台办结").says("回访").says("在群众手里");
    let mut record = fixture.store.snapshot().await.unwrap();
    let id = record.issue_id(ONE).await.unwrap();
    let referrals = record.issue_referrals(&id).await.unwrap();
    assert_eq!(referrals[0].place, Place::Here);
    record.end().await.unwrap();
});

on_both!(two_pages_of_one_issue_lose_nothing, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.visit("2022-03-01,Z6,H1,王建国,,路灯不亮,有,,,").await.unwrap();
    let url = served(&fixture.store, "").await;
    let mut grid = Desk::of(&fixture.store, &url, "Z5", ONE).await;
    let (first, second) = (grid.page().await, grid.page().await);
    let class = |category| [("level", "town"), ("category", category), ("urgency", "normal")];
    let said = "在您打开页面之后，这个问题有了变化";
    grid.send(&first, "classify", &class("living_environment")).await.is(303);
    // Pressed twice it was recorded; chosen otherwise it wasn't, and what was chosen isn't lost.
    grid.send(&second, "classify", &class("living_environment")).await.is(303);
    let refused = grid.send(&second, "classify", &class("basic_healthcare")).await;
    refused
        .is(409)
        .says(said)
        .says("value=\"basic_healthcare\" selected")
        .says("镇村自办，居住环境，一般");
    // So it is with what comes after it: classified anew, begun, finished.
    let (first, second) = (grid.page().await, grid.page().await);
    grid.send(&first, "classify", &class("basic_healthcare")).await.is(303);
    grid.send(&second, "classify", &class("public_security")).await.is(409).says(said);
    for (act, more) in [("begin", vec![]), ("finish", vec![("said", "已更换灯泡")])] {
        grid.send(&second, act, &more).await.is(409).says(said);
    }
    grid.page().await.says("镇村自办，基本医疗，一般");
    // What somebody else changed meanwhile isn't said to stand.
    let own = grid.page().await;
    grid.send(&own, "classify", &class("living_environment")).await.is(303);
    let mut lead = Desk::of(&fixture.store, &url, "Z4", ONE).await;
    let page = lead.page().await;
    lead.send(&page, "classify", &class("other")).await.is(303);
    grid.send(&own, "classify", &class("living_environment")).await.is(409).says(said);
});

on_both!(only_who_is_to_take_note_of_it_does, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.visit("2022-03-01,Z6,H1,王建国,,路灯不亮,有,,,").await.unwrap();
    let url = served(&fixture.store, "").await;
    let signs = "<button>签收</button>";
    // Not who recorded it, though they stand above the grid member.
    let mut visitor = Desk::of(&fixture.store, &url, "Z6", ONE).await;
    let page = visitor.page().await;
    page.is(200).hides(signs);
    visitor.send(&page, "take_note", &[]).await.is(403);
    // Nor whoever stands above, before they were shown what they sign for.
    let mut lead = Desk::of(&fixture.store, &url, "Z4", ONE).await;
    let page = lead.page().await;
    page.is(200).says("已隐去").hides(signs);
    lead.send(&page, "take_note", &[]).await.is(422).says("请先查看内容");
    let shown = lead.send(&page, "reveal", &[]).await;
    shown.is(200).says("路灯不亮").says(signs);
    // Who stands in for who is away sees it and signs, in whichever role.
    let village = "人员编号,姓名,角色,所属区划\nZ8,尤代,村两委,高桥村\n";
    fixture.import("deputy.csv", village).await.unwrap();
    let mut deputy = Desk::of(&fixture.store, &url, "Z8", ONE).await;
    deputy.page().await.is(200).says("已隐去").hides(signs);
    let [of, deputy_id] =
        [person(&fixture.store, "Z5").await.id, person(&fixture.store, "Z8").await.id];
    let on = fixture.clock.today();
    let absence = NewAbsence { staff_id: of, from: on, until: on, deputy_id: Some(deputy_id) };
    let mut tx = fixture.store.begin().await.unwrap();
    put(&mut tx, &[absence]).await.unwrap();
    tx.commit().await.unwrap();
    deputy.page().await.is(200).says("路灯不亮").says(signs);
    let mut grid = Desk::of(&fixture.store, &url, "Z5", ONE).await;
    grid.page().await.is(200).says("路灯不亮").says(signs);
    let pass = shown.field("shown");
    lead.send(&page, "take_note", &[("shown", &pass)]).await.is(303);
    grid.page().await.hides(signs).says("签收</strong>");
});
