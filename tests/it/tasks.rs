//! 我的任务: each line leads to where it's done, and there is what can be done by now.

use zoufang::notify::remind;

use crate::accounts::served;
use crate::reminders::rules;
use crate::support::browser::{Browser, signed_in};
use crate::support::{Fixture, on_both};

const INSPECTOR: &str = "人员编号,姓名,角色,所属区划\nD1,孙督,督导组,370481111000\n";

on_both!(what_is_handed_in_or_checked_leads_to_its_page, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.import("i.csv", INSPECTOR).await.unwrap();
    fixture.at(3, 8, 9);
    let url = served(&fixture.store, "").await;
    let mut lead = signed_in(&fixture.store, &url, "Z4").await;
    let tasks = lead.get("/my").await;
    tasks.is(200).says("走访材料准备 1项");
    let at =
        tasks.text.find("href=\"/my/hand-ins?what=").unwrap_or_else(|| panic!("{}", tasks.text));
    let to = &tasks.text[at + 6..];
    let to = to[..to.find('"').unwrap()].replace("&amp;", "&");
    lead.get(&to).await.is(200).says("走访材料准备").says("还没有报");
    let mut inspector = signed_in(&fixture.store, &url, "D1").await;
    let tasks = inspector.get("/my").await;
    tasks.is(200).says("href=\"/my/inspections\"");
    // 3/1 to 3/8 are six workdays; those to come are nobody's work yet.
    assert_eq!(tasks.text.matches("日常督查 1项").count(), 6, "{}", tasks.text);
});

on_both!(nobody_at_a_page_is_told_what_to_type, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.visit("2022-03-01,Z6,H1,王建国,,路灯不亮,有,市直,居住环境,急").await.unwrap();
    fixture.import("left.csv", "人员编号,姓名,角色,所属区划\nZ7,卫访,离岗,杨桥村\n").await.unwrap();
    fixture.at(5, 9, 9);
    let url = served(&fixture.store, "").await;
    let front = Browser::at(&url).get("/").await;
    front.is(200).says("超期").says("还缺什么").says("从他的名字下交给别人");
    let mut centre = signed_in(&fixture.store, &url, "Z2").await;
    for page in
        [front, centre.get("/my/centre").await, centre.get("/my/issues/CHD2022-000001").await]
    {
        for typed in ["zoufang ", " --late", " --arrived", "platform.", "通知 log"] {
            page.hides(typed);
        }
    }
});

on_both!(what_others_are_late_with_is_shown_to_whoever_presses_them, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.visit("2022-03-01,Z6,H1,王建国,,路灯不亮,有,镇村自办,居住环境,急").await.unwrap();
    fixture.at(5, 9, 9);
    let url = served(&fixture.store, "").await;
    let mut lead = signed_in(&fixture.store, &url, "Z4").await;
    lead.get("/my").await.hides("需要您督办");
    remind(&fixture.store, &rules()).await.unwrap();
    let tasks = lead.get("/my").await;
    tasks.is(200).says("需要您督办").says("已超").says("href=\"/my/issues/CHD2022-000001\"");
    let mut visitor = signed_in(&fixture.store, &url, "Z7").await;
    visitor.get("/my").await.hides("需要您督办");
});
