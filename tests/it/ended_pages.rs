//! What pages say of a subject that ended: who may say it, and that nothing more is owed there.

use jiff::civil::Date;
use serde_json::Value;
use zoufang::app::doctor::examine;
use zoufang::app::draws::{NewDraw, draw_sample};
use zoufang::db::InspectionStanding;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::sampling::Size;
use zoufang::reports::{Asked, Table};

use crate::accounts::served;
use crate::ended::{next_year, owed_at, says};
use crate::reports::{body, table};
use crate::support::browser::signed_in;
use crate::support::{Fixture, on_both};

on_both!(whoever_stands_above_the_visitor_says_it_on_a_page, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    let url = served(&fixture.store, "").await;
    let mut lead = signed_in(&fixture.store, &url, "Z4").await;
    lead.get("/my/subjects").await.is(200).says("没有不再走访的对象");
    assert_eq!(lead.get("/my/subjects?number=H2").await.is(303).to, "/my/subjects/H2");
    lead.get("/my/subjects/H3").await.is(404);
    let shown = lead.get("/my/subjects/H2").await;
    shown.is(200).says("在册，要走访").says("李**").hides("李秀英");
    let (key, form, seen) = (shown.field("key"), shown.field("form"), shown.field("seen"));
    let fields = |form: &str, on: &str| {
        [
            ("key", key.clone()),
            ("form", form.to_owned()),
            ("seen", seen.clone()),
            ("act", "end".to_owned()),
            ("why", "moved_away".to_owned()),
            ("on", on.to_owned()),
            ("words", "李秀英家整户迁往市里，电话 13812345678".to_owned()),
        ]
    };
    let mut send = async |fields: &[(&str, String)]| {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        lead.post("/my/subjects/H2", &fields).await
    };
    send(&fields("other", "2022-03-21")).await.is(422).says("还没有到");
    send(&fields(&form, "2022-03-10")).await.is(303);
    send(&fields(&form, "2022-03-10")).await.is(303);
    send(&fields("third", "2022-03-11")).await.is(409).says("有了变化");
    assert_eq!(owed_at(&fixture, "H2").await, []);
    says(&fixture, "H1,去世,2021-12-01,").await;
    let listed = lead.get("/my/subjects").await;
    listed.is(200).says("共 2 个（迁出 1，去世 1），其中本次活动没走访就不再走访的 1 个（迁出 1）");
    listed.says("H2").says("H1");
    lead.get("/my/missing?kind=visit").await.is(200).says("不再走访的 1 个（迁出 1）");
    // Its visitor sees it, and may not say it.
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    visitor.get("/my/subjects/H2").await.is(403);
    visitor.get("/my/households/H2").await.is(200).says("2022-03-10 起不再走访");
    visitor.get("/my/households").await.is(200).says("2022-03-10 起不再走访");
    // Taken back.
    let shown = lead.get("/my/subjects/H2").await;
    // Her name and her telephone are as hidden as everywhere where nobody asked for them by name.
    shown.is(200).says("李**家整户迁往市里").hides("李秀英").hides("13812345678");
    let (form, seen) = (shown.field("form"), shown.field("seen"));
    let back = [
        ("key", key.as_str()),
        ("form", &form),
        ("seen", &seen),
        ("act", "resume"),
        ("words", "又搬回来了"),
    ];
    lead.post("/my/subjects/H2", &back).await.is(303);
    assert_eq!(owed_at(&fixture, "H2").await, [DutyKind::Visit]);
    let audit = fixture.store.audit_trail().await.unwrap();
    let entry = audit.iter().find(|entry| entry.action == "end_subject").unwrap();
    assert_eq!(entry.actor, "Z4 冯包");
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(who_was_heard_in_part_before_it_ended_isnt_shown_as_visited, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture
        .import("roster.csv", "对象编号,群众姓名,未走访原因\nH2,李秀英,\nH2,李四,\n")
        .await
        .unwrap();
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z6,H2,李秀英,,,无,,,").await.unwrap();
    fixture.at(3, 20, 10);
    says(&fixture, "H2,迁出,2022-03-10,").await;
    let counts = fixture.store.counts().await.unwrap();
    assert_eq!((counts.subjects, counts.visited, counts.ended), (2, 0, 1));
    let url = served(&fixture.store, "").await;
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    let shown = visitor.get("/my/households/H2").await;
    shown.is(200).says("2022-03-10 起不再走访").hides("还没走访");
    // Of who was heard, and not of the household.
    assert_eq!(shown.text.matches("■ 已走访").count(), 1, "{}", shown.text);
});

on_both!(its_pages_say_that_it_ended, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture
        .import("i.csv", "人员编号,姓名,角色,所属区划\nD1,孙督,督导组,370481111000\n")
        .await
        .unwrap();
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z6,H1,王建国,,,无,,,").await.unwrap();
    let staff = fixture.store.staff().await.unwrap();
    let by = staff.iter().find(|person| person.number == "D1").unwrap();
    let new = NewDraw { size: Size::InAll(1), seed: 7, due_on: Date::constant(2022, 3, 14) };
    let mut tx = fixture.store.begin().await.unwrap();
    draw_sample(&mut tx, &new, by, &mut |_| 0).await.unwrap();
    tx.commit().await.unwrap();
    fixture.at(3, 20, 10);
    says(&fixture, "H1,迁出,2022-03-10,").await;
    says(&fixture, "H2,去世,2022-03-10,").await;
    let mut record = fixture.store.snapshot().await.unwrap();
    let tree = record.area_tree().await.unwrap();
    let areas: Vec<&str> = tree.all().map(|area| area.id.as_str()).collect();
    let open = InspectionStanding::Open;
    let within = (&areas[..], i64::MIN);
    let count = record.inspections_count(within, open, 10).await.unwrap();
    let any = InspectionStanding::Any;
    let number =
        record.inspections_standing(within, any, "", 1).await.unwrap().remove(0).row.number;
    record.end().await.unwrap();
    assert_eq!(count, 0, "nobody is to check it any more");
    let asked = Asked::default();
    let (_at, file) = table(&fixture.store, Table::Inspections, &asked).await;
    assert_eq!(body(&file, "入户抽查")[0]["抽查日期"], "不再走访");
    let url = served(&fixture.store, "").await;
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    let shown = visitor.get("/my/households/H1").await;
    shown.is(200).says("已走访").says("迁出，2022-03-10 起不再走访");
    // A first visit until then can still be recorded, and none after it; a revisit can.
    let form = visitor.get("/my/households/H2/visit").await;
    form.is(200).says("2022-03-10 起不再走访").says("max=\"2022-03-10\"");
    let form = visitor.get("/my/households/H1/revisit").await;
    form.is(200).says("max=\"2022-03-20\"").hides("不再走访");
    let pack = visitor.get("/my/offline/pack").await;
    let pack: Value = serde_json::from_str(&pack.is(200).text).unwrap();
    let kept = pack["subjects"].as_array().unwrap().iter();
    assert!(kept.clone().count() == 2 && kept.clone().all(|one| one["ended"] == "2022-03-10"));
    let mut lead = signed_in(&fixture.store, &url, "Z1").await;
    let person = lead.get("/my/wall/people/Z6").await;
    person.is(200).says("走访对象 0 个，另有 2 个不再走访").says("2022-03-10 起不再走访");
    person.hides("都完成了");
    lead.get("/my/wall").await.is(200).says("走访对象另有 1 个没走访就不再走访");
    let mut inspector = signed_in(&fixture.store, &url, "D1").await;
    inspector.get("/my/inspections").await.is(200).says("不再走访，不用查").hides("没有查到");
    let check = inspector.get(&format!("/my/inspections/{number}")).await;
    check.is(200).says("2022-03-10 起不再走访，不用查").hides("前查完");
    check.says("那以前查过").says("max=\"2022-03-10\"");
});

on_both!(what_ended_before_the_campaign_is_in_nobodys_list, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z6,H1,王建国,,路灯不亮,有,,,").await.unwrap();
    fixture.at(3, 20, 10);
    says(&fixture, "H1,迁出,2022-03-12,").await;
    says(&fixture, "H2,去世,2022-03-12,").await;
    let url = served(&fixture.store, "").await;
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    visitor.get("/my").await.is(200).says("我的走访对象（2）");
    let of = |roles: &str| {
        format!(
            "人员编号,姓名,角色,所属区划,工作单位,手机号\nZ6,褚走,{roles},高桥村,高桥村,10000000006\n"
        )
    };
    // What is still theirs is what is there, and where something is left: H1's matter isn't classified.
    let said = format!("{:?}", fixture.import("left.csv", &of("离岗")).await.unwrap());
    assert!(said.contains("还有 1 个走访对象在他名下"), "{said}");
    // Somebody who comes back is told to be shut out until they're given a link.
    let said = format!("{:?}", fixture.import("back.csv", &of("走访人员")).await.unwrap());
    assert!(said.contains("「褚走」回岗：登录仍停用"), "{said}");
    let said = format!("{:?}", fixture.import("again.csv", &of("走访人员、村两委")).await.unwrap());
    assert!(!said.contains("回岗"), "{said}");
    next_year(&fixture).await;
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    visitor.get("/my").await.is(200).says("我的走访对象（1）");
    // H1's matter of before is still theirs to classify; of H2 there's nothing.
    visitor.get("/my/households").await.is(200).says("H1").hides("H2");
    let mut lead = signed_in(&fixture.store, &url, "Z1").await;
    let person = lead.get("/my/wall/people/Z6").await;
    person.is(200).says("走访对象 0 个，另有 1 个不再走访").hides("H2");
    // Whose last subject there ended visits there no more.
    says(&fixture, "H3,停业,2023-03-01,").await;
    let mut record = fixture.store.snapshot().await.unwrap();
    let tree = record.area_tree().await.unwrap();
    let areas: Vec<&str> = tree.all().map(|area| area.id.as_str()).collect();
    assert!(record.visitors_in(&areas).await.unwrap().is_empty());
    record.end().await.unwrap();
});
