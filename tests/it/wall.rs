//! 挂图作战: its figures are the status', to the unit; who sees what of it; a television's address.

use serde_json::Value;

use crate::accounts::served;
use crate::support::browser::{Browser, signed_in};
use crate::support::{Fixture, areas, on_both};

/// Something of everything: visited and not, classified and not, resolved, late, revisited.
async fn in_full_swing(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    fixture.visit("2022-03-01,Z6,H1,王建国,,路灯不亮,有,镇村,居住环境,急").await.unwrap();
    fixture.visit("2022-03-01,Z6,H1,王小妹,,井盖坏了,有,镇村,其他,一般").await.unwrap();
    fixture.visit("2022-03-01,Z7,H3,店主,,垃圾没人收,有,,,").await.unwrap();
    let done = "问题编号,办理结果,办理人\nCHD2022-000001,已修好路灯,陈网\n";
    fixture.import("r.csv", done).await.unwrap();
    let revisit = "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,有无问题\n2022-03-01,Z6,H1,王建国,回访,满意,无\n";
    fixture.import("b.csv", revisit).await.unwrap();
    fixture.at(6, 20, 9);
    fixture
}

/// A television's chart is counts alone, and ends.
fn figures(text: &str, title: &str) -> (i64, i64) {
    let at = text.find(&format!("<h2>{title}</h2>")).unwrap_or_else(|| panic!("{title}: {text}"));
    let big = text[at..].split("<p class=\"big\">").nth(1).unwrap();
    let (done, rest) = big.split_once("<span>/").unwrap();
    (done.parse().unwrap(), rest.split("</span>").next().unwrap().parse().unwrap())
}

/// An address for a television, as its page shows it.
async fn screen(leader: &mut Browser, at: &str) -> String {
    let key = leader.get("/my/screens").await.is(200).field("key");
    let made = leader.post("/my/screens", &[("key", &key), ("act", "make"), ("at", at)]).await;
    made.is(200).says("只显示这一次");
    let address = made.text.split("<p class=\"address\">").nth(1).unwrap();
    address.split('<').next().unwrap().to_owned()
}

/// As somebody who isn't signed in; a record that isn't read in time is asked again.
async fn get(url: &str) -> (u16, String) {
    let answer = Browser::default().get(url).await;
    (answer.status, answer.text)
}

on_both!(the_chart_says_what_the_status_says, async |fixture: Fixture| {
    let fixture = in_full_swing(fixture).await;
    let url = served(&fixture.store, "").await;
    let status: Value = serde_json::from_str(&get(&format!("{url}/status")).await.1).unwrap();
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    let (code, chart) = get(&screen(&mut leader, "一楼大厅").await).await;
    assert_eq!(code, 200, "{chart}");
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    let state = |of: &str| number(&status["figures"]["issues"][of]);
    let issues: i64 = status["figures"]["issues"].as_object().unwrap().values().map(number).sum();
    let open = |kind: &str| {
        let duties = status["duties"].as_array().unwrap().iter();
        duties.filter(|duty| duty["kind"] == kind).map(|duty| number(&duty["open"])).sum::<i64>()
    };
    let visited = (number(&status["figures"]["visited"]), number(&status["figures"]["subjects"]));
    assert_eq!(figures(&chart, "走访排查"), visited);
    assert_eq!(figures(&chart, "问题分类"), (issues - state("registered"), issues - state("void")));
    let resolved = state("resolved") + state("closed");
    assert_eq!(figures(&chart, "集中办结"), (resolved, issues - state("void")));
    let (done, whole) = figures(&chart, "回访反馈");
    assert_eq!((whole - done, done), (open("revisit"), 1));
    assert!(visited.0 > 0 && resolved == 1 && state("registered") == 1, "{status}");
    // The villages' lines add up to it, and so do the figures counted anew.
    let counted = fixture.store.recount().await.unwrap();
    assert!(counted.is_empty(), "{counted:?}");
    let tree = fixture.store.figures_by_area().await.unwrap();
    let mut sum = zoufang::domain::figures::Counts::default();
    for (_, line) in tree.within(zoufang::domain::area::AreaKind::Village, None) {
        sum += line.counts;
    }
    assert_eq!(sum, tree.whole(None));
    assert_eq!(sum, fixture.store.counts().await.unwrap());
    // Late is what the status says is late.
    let late: i64 = status["late_issues"].as_object().unwrap().values().map(number).sum();
    assert_eq!(sum.late, late);
    assert!(late > 0 && chart.contains(&format!("超期 {late}")), "{chart}");
});

on_both!(a_television_shows_counts_alone_until_its_address_ends, async |fixture: Fixture| {
    let fixture = in_full_swing(fixture).await;
    let url = served(&fixture.store, "").await;
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    let key = leader.get("/my/screens").await.field("key");
    leader.post("/my/screens", &[("key", &key), ("act", "make"), ("at", "无")]).await.is(422);
    let (one, two) = (screen(&mut leader, "一楼大厅").await, screen(&mut leader, "会议室").await);
    assert!(one.starts_with(&url) && one != two);
    let (code, chart) = get(&one).await;
    assert_eq!(code, 200);
    for village in ["高桥村委会", "杨桥村委会"] {
        assert!(chart.contains(village), "{chart}");
    }
    for personal in ["王建国", "王小妹", "便民超市", "路灯", "褚走", "Z6", "CHD2022-"]
    {
        assert!(!chart.contains(personal), "{personal}: {chart}");
    }
    let list = leader.get("/my/screens").await;
    list.says("一楼大厅").says("会议室");
    let token = one.rsplit('/').next().unwrap();
    list.hides(token);
    leader.post("/my/screens", &[("key", &key), ("act", "end"), ("number", "1")]).await.is(303);
    assert_eq!(get(&one).await.0, 404);
    assert_eq!(get(&two).await.0, 200);
    leader.post("/my/screens", &[("key", &key), ("act", "end"), ("number", "1")]).await.is(303);
    let audit = fixture.store.audit_trail().await.unwrap();
    let count = |act: &str| audit.iter().filter(|entry| entry.action == act).count();
    assert_eq!((count("make_screen"), count("end_screen")), (2, 1));
    assert!(audit.iter().all(|entry| !format!("{entry:?}").contains(token)));
    // Nobody else gives one.
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    visitor.get("/my/screens").await.is(403);
});

on_both!(it_leads_down_to_the_village_its_people_and_their_subjects, async |fixture: Fixture| {
    let fixture = in_full_swing(fixture).await;
    let url = served(&fixture.store, "").await;
    let area = async |name: &str| {
        let all = areas(&fixture.store).await;
        all.into_iter().find(|area| area.name.starts_with(name)).unwrap().id
    };
    let mut branch = signed_in(&fixture.store, &url, "Z3").await;
    let town = branch.get("/my/wall").await;
    town.is(200).says("各村").says("高桥村委会").says("▲").says("超期 ").hides("褚走");
    // What isn't classified, and what is late, leads to the list of just that.
    let village = area("高桥村").await;
    town.says(&format!("/my/wall?area={village}")).says("phase=resolve");
    let page = branch.get(&format!("/my/wall?area={village}")).await;
    page.is(200)
        .says("褚走（Z6）")
        .says("/my/wall/people/Z6")
        .says(&format!("/my/issues?area={village}"));
    let people = branch.get("/my/wall/people/Z6").await;
    people.is(200).says("H1").says("王**").hides("王建国").says("/my/issues?subject=H1");
    branch.get("/my/issues?subject=H1").await.is(200).says("CHD2022-000001");
    branch.get("/my/wall?area=none").await.is(404);
    // A visitor sees the villages' figures and their own, nobody else's.
    let mut visitor = signed_in(&fixture.store, &url, "Z7").await;
    visitor.get(&format!("/my/wall?area={village}")).await.is(200).hides("褚走");
    visitor.get("/my/wall/people/Z6").await.is(404);
    visitor.get("/my/wall/people/Z7").await.is(200).says("H3");
});

on_both!(it_is_printed_on_the_paper_that_is_asked_for, async |fixture: Fixture| {
    let fixture = in_full_swing(fixture).await;
    let url = served(&fixture.store, "").await;
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    let page = leader.get("/my/wall").await;
    page.is(200).says("<div class=\"chart  few\">").says("/my/wall?paper=a0");
    for (asked, paper) in [("a0", "a0"), ("A1", "a1"), ("a2", "a2"), ("a3", "a3"), ("b5", "a3")] {
        let page = leader.get(&format!("/my/wall?paper={asked}")).await;
        page.is(200).says(&format!("<div class=\"chart {paper} few\">")).says("已选 A");
    }
    let style = leader.get("/my/style.css").await;
    style.says("@page a0 { size: 1189mm 841mm").says("@media screen and (max-width: 47.99rem)");
});
