//! Two outputs that tell of the same thing say the same, and none leaves anybody out: who owes what, who has no visitor, what is
//! missing, what is handed in; in a township with a branch, a village right under the town, and schools and organs of its own.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::ToSpan;
use zoufang::app::doctor::examine;
use zoufang::app::hand_ins::owed_of_kind;
use zoufang::app::owners::owners;
use zoufang::db::By;
use zoufang::domain::area::AreaKind;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::figures::Counts;
use zoufang::notify::{remind, tell_standing};
use zoufang::reports::missing::{Wanted, lines};
use zoufang::reports::print::Press;
use zoufang::reports::{Asked, Templates, write_all};

use crate::accounts::served;
use crate::reminders::rules;
use crate::support::browser::{Answer, Browser, signed_in};
use crate::support::program::run;
use crate::support::{
    AREAS, ASSIGNMENTS, Fixture, STAFF, SUBJECTS, VISITS, claim, notices, on_both,
};

/// Another village, in no branch; nobody holds any role there but one who sees to it.
const MORE_AREAS: &str =
    "区划代码,区划名称,区划类型,上级区划\n370481111202,西桥村委会,村,370481111000\n";
const MORE_STAFF: &str = "人员编号,姓名,角色,所属区划,工作单位,手机号\nS13,杨包,包村干部,西桥村,镇政府,10000000013\nO1,孙组,组织人事办公室,370481111000,组织人事办公室,\nD9,蒋查,督导组,370481111000,督导组,\n";
const MORE_SUBJECTS: &str = "对象编号,对象类型,对象名称,所属村,地址\nH7,家庭,孙无人,西桥村,\nP1,学校,镇中心小学,柴胡店镇,\nP2,机关,镇财政所,柴胡店镇,\n";
const MORE_ASSIGNMENTS: &str = "对象编号,走访人员\nP1,Z7\n";
const MORE_PEOPLE: &str = "对象编号,群众姓名,未走访原因\nH7,孙无人,\nH7,孙小小,\n";

async fn township(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    for (name, table) in [
        ("a2.csv", MORE_AREAS),
        ("s2.csv", MORE_STAFF),
        ("o2.csv", MORE_SUBJECTS),
        ("f2.csv", MORE_ASSIGNMENTS),
        ("r2.csv", MORE_PEOPLE),
    ] {
        fixture.import(name, table).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    fixture.at(3, 9, 10);
    for line in [
        "2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村自办,居住环境,急",
        "2022-03-05,Z7,P1,校长,,门口太挤,有,镇村自办,基础教育,一般",
    ] {
        fixture.visit(line).await.unwrap_or_else(|error| panic!("{error}"));
    }
    fixture
}

on_both!(who_has_no_visitor_is_named_to_whoever_is_over_them, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    // What is nobody's has its line, so that the people's add up to the total.
    let mut sum = Counts::default();
    let people = fixture.store.figures_by(By::Person).await.unwrap();
    people.iter().for_each(|line| sum += line.counts);
    assert_eq!(sum, fixture.store.counts().await.unwrap());
    let nobodys = people.iter().find(|line| line.name == "没有走访人").unwrap();
    assert_eq!(nobodys.counts, Counts { subjects: 2, ..Counts::default() });
    let tree = fixture.store.area_tree().await.unwrap();
    let id = |name: &str| tree.find(name).unwrap().id.clone();
    let url = served(&fixture.store, "").await;
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    let town = leader.get("/my/people").await;
    town.is(200).says("走访对象 6，已走访 2，没有走访人 2").says("H7 孙**").says("P2 镇财政所");
    town.says("暂由 S13 杨包 负责").says("暂由 Z1 周正 负责");
    // Each is told what they can do about it.
    town.says("1 个没有走访人")
        .says("请点开编号指定走访人，多的在走访安排表（附件2）里补上走访人再导入");
    leader.get(&format!("/my/wall?area={}", id("西桥村"))).await.is(200).says("H7 孙**");
    // Whoever is over the village sees whose they are, and nobody else's.
    let mut lead = signed_in(&fixture.store, &url, "S13").await;
    let village = lead.get("/my/people").await;
    village.is(200).says("H7 孙**").says("走访对象 1，").hides("P2");
    for page in ["/my/people", "/my/missing?kind=visit"] {
        let shown = lead.get(page).await;
        shown.is(200).says("请点开编号指定走访人").hides("再导入");
    }
    let mut branch = signed_in(&fixture.store, &url, "Z3").await;
    branch.get("/my/people").await.is(200).says("走访对象 3，").hides("没有走访人").hides("H7");
});

on_both!(whoever_answers_for_it_gives_it_a_visitor_on_a_page, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let url = served(&fixture.store, "").await;
    let mut lead = signed_in(&fixture.store, &url, "S13").await;
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    let give = async |browser: &mut Browser, page: &Answer, visitor: &str, words: &str| {
        let (key, form, seen) = (page.field("key"), page.field("form"), page.field("seen"));
        let fields = [
            ("key", key.as_str()),
            ("form", &form),
            ("seen", &seen),
            ("act", "give"),
            ("visitor", visitor),
            ("words", words),
        ];
        browser.post("/my/subjects/H7", &fields).await
    };
    let shown = lead.get("/my/subjects/H7").await;
    shown.is(200).says("走访人：还没有").says("登记走访人");
    give(&mut lead, &shown, "没有这个人", "").await.is(422).says("没有「没有这个人」");
    let done = give(&mut lead, &shown, "z6", "").await.is(303).to.clone();
    lead.get(&done).await.is(200).says("已登记").says("走访人：Z6").hides("更换走访人");
    lead.get("/my/people").await.is(200).hides("没有走访人的");
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
    // From then on it stays theirs, but on the word of whoever may change it, who says why.
    let shown = lead.get("/my/subjects/H7").await;
    give(&mut lead, &shown, "Z7", "他忙").await.is(422).says("更换走访人要由").says("总支书记来做");
    let shown = leader.get("/my/subjects/H7").await;
    shown.is(200).says("更换走访人");
    give(&mut leader, &shown, "Z7", "").await.is(422).says("原因");
    give(&mut leader, &shown, "Z7", "长期外出").await.is(303);
    leader.get("/my/subjects/H7").await.says("走访人：Z7");
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
    let audit = fixture.store.audit_trail().await.unwrap();
    let acts = ["assign_visitor", "override_assignment"];
    let of = audit.iter().filter(|entry| acts.contains(&entry.action.as_str()));
    let by: Vec<&str> = of.map(|entry| &entry.actor[..2]).collect();
    assert_eq!(by, ["S1", "Z1"]);
});

on_both!(several_of_a_visitors_subjects_go_to_another_at_once, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let url = served(&fixture.store, "").await;
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    let mut branch = signed_in(&fixture.store, &url, "Z3").await;
    // The way is where one looks for a person.
    for page in ["/my/people", "/my/wall/people/Z6", "/my/subjects/H1"] {
        leader.get(page).await.is(200).says("/my/people/Z6");
    }
    // Whoever may not isn't shown it.
    let mut lead = signed_in(&fixture.store, &url, "S13").await;
    lead.get("/my/people").await.is(200).hides("更换走访人");
    lead.get("/my/people/Z6").await.is(403);
    let give = async |browser: &mut Browser, page: &Answer, more: &[(&str, &str)]| {
        let (key, form, seen) = (page.field("key"), page.field("form"), page.field("seen"));
        let fields = [("key", key.as_str()), ("form", &form), ("seen", &seen), ("visitor", "z7")];
        browser.post("/my/people/Z6", &[&fields[..], more].concat()).await
    };
    let shown = branch.get("/my/people/Z6").await;
    shown.is(200).says("H1").says("H2").hides("王建国");
    let changed = async || {
        let audit = fixture.store.audit_trail().await.unwrap();
        let acts = audit.into_iter().filter(|entry| entry.action == "override_assignment");
        acts.map(|entry| entry.target).collect::<Vec<_>>()
    };
    let some = ("which", "some");
    give(&mut branch, &shown, &[some, ("words", "病假")]).await.is(422).says("请勾选");
    give(&mut branch, &shown, &[some, ("of:H1", "yes"), ("words", "")]).await.is(422).says("原因");
    assert!(changed().await.is_empty());
    let one = [some, ("of:H1", "yes"), ("words", "病假")];
    give(&mut branch, &shown, &one).await.is(303);
    // Pressed twice it's done once.
    give(&mut branch, &shown, &one).await.is(303);
    assert_eq!(changed().await, ["H1"]);
    // Of a list that has changed since it was shown nothing is given.
    let again = leader.get("/my/people/Z6").await;
    let (key, form) = (again.field("key"), again.field("form"));
    let stale = [("key", key.as_str()), ("form", &form), ("seen", "old"), ("visitor", "Z7")];
    let all = [("which", "all"), ("words", "调离")];
    leader.post("/my/people/Z6", &[&stale[..], &all].concat()).await.is(409).says("名单有了变化");
    let shown = leader.get("/my/people/Z6").await;
    give(&mut leader, &shown, &all).await.is(303);
    let each = changed().await;
    assert!(each.contains(&"H2".to_owned()) && each.iter().filter(|of| *of == "H1").count() == 1);
    leader.get("/my/people/Z6").await.is(404);
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(peoples_lines_and_nobodys_add_up_where_something_ended, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let add_up = async || {
        let people = fixture.store.figures_by(By::Person).await.unwrap();
        let mut sum = Counts::default();
        people.iter().for_each(|line| sum += line.counts);
        let counts = fixture.store.counts().await.unwrap();
        assert_eq!(sum, counts, "{people:?}");
        let nobodys = people.into_iter().find(|line| line.name == "没有走访人");
        (counts.ended, nobodys.map(|line| line.counts))
    };
    // Somebody's.
    fixture.import("e1.csv", "对象编号,状态\nH2,迁出\n").await.unwrap();
    let two = Counts { subjects: 2, ..Counts::default() };
    assert_eq!(add_up().await, (1, Some(two)), "what was somebody's isn't nobody's");
    // All that was nobody's.
    fixture.import("e2.csv", "对象编号,状态\nH7,迁出\nP2,停业\n").await.unwrap();
    let ended = Counts { ended: 2, ..Counts::default() };
    assert_eq!(add_up().await, (3, Some(ended)));
});

on_both!(whoever_comes_from_elsewhere_is_among_a_villages_people, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    fixture.import("f3.csv", "对象编号,走访人员\nH7,Z6\n").await.unwrap();
    let url = served(&fixture.store, "").await;
    let mut lead = signed_in(&fixture.store, &url, "S13").await;
    lead.get("/my/people").await.is(200).says("褚走").says("2 人").hides("没有走访人");
});

on_both!(what_is_missing_is_listed_once, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let of = async |wanted: Wanted| lines(&fixture.store, &wanted).await.unwrap();
    let clear = of(Wanted { reveals: true, ..Wanted::default() }).await;
    let mut times: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (_, cells, _) in &clear {
        // Where, who, what, of which issue, by when: whoever else owes it, it's the same.
        let mut thing = cells.clone();
        thing.remove(7);
        thing.remove(3);
        *times.entry(thing).or_default() += 1;
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let cells = |number: &str| {
        let of: Vec<&Vec<String>> =
            clear.iter().map(|(_, cells, _)| cells).filter(|cells| cells[2] == number).collect();
        of.into_iter().map(|cells| (cells[4].clone(), cells[7].clone())).collect::<Vec<_>>()
    };
    // Each resident who wasn't heard, with whose affair it is.
    let by = "没有走访人，暂由S13 杨包负责".to_owned();
    assert_eq!(cells("H7"), [("孙小小".to_owned(), by.clone()), ("孙无人".to_owned(), by)]);
    assert_eq!(cells("P2"), [(String::new(), "没有走访人，暂由Z1 周正负责".to_owned())]);
    // A day's inspection isn't missing before its day.
    let days = clear.iter().filter(|(_, cells, _)| cells[5] == "日常督查");
    let last = days.map(|(_, cells, _)| cells[8].as_str()).max();
    assert_eq!(last, Some("2022-03-09"));
    // What is the town's own alone, and only what is late.
    let town = fixture.store.area_tree().await.unwrap().find("柴胡店镇").unwrap().id.clone();
    let own = Wanted { within: Some(town), own: true, ..Wanted::default() };
    for (_, cells, _) in of(own).await {
        let place = if cells[5] == "日常督查" { "柴胡店镇" } else { "柴胡店镇直属" };
        assert_eq!(cells[1], place, "{cells:?}");
    }
    let summary = clear.iter().find(|(_, cells, _)| cells[5] == "总支工作总结").unwrap();
    assert_eq!(summary.1[..3], ["第一总支", "", ""]);
    fixture.import("a3.csv", &MORE_AREAS.replace("202,西桥", "203,空")).await.unwrap();
    let unnamed = of(Wanted::default()).await;
    assert!(
        unnamed.iter().any(|(_, cells, _)| cells[5] == "走访对象名单" && cells[1] == "空村委会")
    );
    let late = of(Wanted { late: true, ..Wanted::default() }).await;
    assert!(late.iter().all(|(_, cells, _)| cells[9] == "超期"), "{late:?}");
});

on_both!(where_nothing_is_registered_the_page_says_so_too, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    fixture.import("a3.csv", &MORE_AREAS.replace("202,西桥", "203,空")).await.unwrap();
    let bare = fixture.store.area_tree().await.unwrap().find("空村").unwrap().id.clone();
    let url = served(&fixture.store, "").await;
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    let village = |more: &str| format!("/my/missing?area={bare}{more}");
    leader
        .get("/my/missing")
        .await
        .is(200)
        .says("空村委会")
        .says("没有走访对象")
        .says("没走完 1 个");
    leader.get(&village("")).await.says("没有走访对象：请导入走访对象表").hides("没有缺的");
    leader.get(&village("&kind=classify")).await.says("没有缺的");
    // Nothing of it is late before visits are.
    leader.get(&village("&late=yes")).await.says("没有缺的");
    leader.get("/my/missing?late=yes").await.is(200).hides("没有走访对象").hides("没走完");
    fixture.at(4, 2, 10);
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    leader.get(&village("&late=yes")).await.says("没有走访对象").says("超期");
    leader.get("/my/missing?late=yes").await.says("空村委会").says("没走完 1 个").hides("没分类");
});

on_both!(whoever_owes_what_is_handed_in_is_one_person_everywhere, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let mut record = fixture.store.snapshot().await.unwrap();
    let tree = record.area_tree().await.unwrap();
    let mut all = Vec::new();
    for kind in DutyKind::ALL.iter().filter(|kind| kind.is_confirmed()) {
        all.extend(owed_of_kind(&mut record, *kind).await.unwrap());
    }
    let owners = owners(&mut record).await.unwrap();
    record.end().await.unwrap();
    let duties = fixture.store.duty_lines("", 1_000).await.unwrap();
    assert!(all.len() > 9, "{all:?}");
    for owed in &all {
        let duty = duties.iter().find(|duty| duty.key == owed.key).unwrap();
        let owner = owners.get(&duty.group_id).unwrap();
        assert!(owner.ends_with(&owed.who[0]), "{owner}: {owed:?}");
    }
    // Nobody of that village is a cadre: it's the affair of whoever sees to it. And the town's own report is in the list.
    let url = served(&fixture.store, "").await;
    let mut office = signed_in(&fixture.store, &url, "O1").await;
    let list = |kind: DutyKind| format!("/my/hand-ins?what={}", kind.chinese());
    let checks = office.get(&list(DutyKind::SelfCheck)).await;
    checks.is(200).says("西桥村委会").says("杨包").hides("没有人负责");
    office.get(&list(DutyKind::Report)).await.is(200).says("柴胡店镇").says("周正");
    let reports: Vec<&str> = all
        .iter()
        .filter(|owed| owed.kind == DutyKind::Report)
        .map(|owed| owed.of.as_str())
        .collect();
    assert_eq!(reports, ["柴胡店镇", "高桥村委会"]);
    let own = |id: &str| tree.get(id).is_some_and(|area| area.kind == AreaKind::Town);
    assert!(all.iter().any(|owed| own(&owed.area_id)));
});

on_both!(what_is_confirmed_by_a_table_says_when_and_by_whom, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    let owed = async |kind: DutyKind, area: &str| {
        let mut record = fixture.store.snapshot().await.unwrap();
        let all = owed_of_kind(&mut record, kind).await.unwrap();
        record.end().await.unwrap();
        all.into_iter().find(|owed| owed.of == area).unwrap()
    };
    // On its day, and days after it.
    for (kind, area, by, days, word) in [
        (DutyKind::Summary, "第一总支", "Z3", 5, "● 已收到，晚了"),
        (DutyKind::LookBack, "高桥村委会", "Z4", 0, "■ 已收到"),
    ] {
        let due_on = owed(kind, area).await.due_on;
        let day = due_on.checked_add(days.days()).unwrap();
        fixture.clock.set(fixture.clock.instant(day.at(10, 0, 0, 0)));
        let table = format!("任务,区划,确认人\n{kind},{area},{by}\n");
        fixture.import("c.csv", &table).await.unwrap_or_else(|error| panic!("{error}"));
        let one = owed(kind, area).await;
        assert_eq!((one.is_in, one.came_late()), (true, days > 0), "{one:?}");
        let staff = fixture.store.staff().await.unwrap();
        let who = staff.iter().find(|person| person.number == by).unwrap().signed();
        let said = format!("{day} 10:00:00 {who} 确认");
        let url = served(&fixture.store, "").await;
        let mut office = signed_in(&fixture.store, &url, "O1").await;
        office.get(&format!("/my/hand-ins?what={kind}")).await.is(200).says(word).says(&said);
        let page = office.get(&format!("/my/hand-ins/{}", one.key)).await;
        page.is(200).says(word).says(&said).says("没有留下文件");
    }
});

on_both!(lines_by_branch_and_village_name_each_place_once, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    for (by, names) in [
        (By::Branch, ["柴胡店镇直属", "第一总支", "西桥村委会"].as_slice()),
        (By::Village, &["杨桥村委会", "柴胡店镇直属", "西桥村委会", "高桥村委会"]),
    ] {
        let lines = fixture.store.figures_by(by).await.unwrap();
        let mut named: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
        named.sort_unstable();
        assert_eq!(named, names, "{by:?}");
        let mut sum = Counts::default();
        lines.iter().for_each(|line| sum += line.counts);
        assert_eq!(sum, fixture.store.counts().await.unwrap());
    }
});

on_both!(what_is_the_towns_own_is_reported_and_printed, async |fixture: Fixture| {
    let fixture = township(fixture).await;
    // What had closed before anybody came is nobody's to print or to report.
    let closed = "对象编号,对象类型,对象名称,所属村,地址,状态,状态日期\nB1,机关,总支办公室,第一总支,,停业,2022-03-08\n";
    fixture.import("b.csv", closed).await.unwrap();
    let branch = fixture.store.area_tree().await.unwrap().find("第一总支").unwrap().id.clone();
    let held = fixture.store.held_by_areas().await.unwrap();
    let of_branch = held.iter().find(|of| of.area_id == branch).unwrap();
    assert_eq!((of_branch.subjects, of_branch.registered, of_branch.issues), (0, 1, 0));
    let folder = tempfile::tempdir().unwrap();
    let templates = Templates::read(Path::new("")).unwrap();
    let press = Press { public_url: String::new(), photos: None };
    let (asked, with) = (Asked::default(), (&templates, &press));
    let to = folder.path().join("all");
    write_all(&fixture.store, &asked, with, &to, false).await.unwrap();
    assert!(to.join("问题解决情况/柴胡店镇直属问题解决情况.docx").exists());
    for print in ["联系服务群众卡", "走访登记表"] {
        let own =
            std::fs::read_to_string(to.join(format!("印制/{print}/柴胡店镇直属.html"))).unwrap();
        assert!(own.contains("镇中心小学") && own.contains("镇财政所"), "{print}");
        assert!(!own.contains("便民超市"), "{print} of a village's too");
        assert!(!to.join(format!("印制/{print}/第一总支直属.html")).exists());
    }
    assert!(!to.join("问题解决情况/第一总支直属问题解决情况.docx").exists());
    // Of the town's own alone there is no village's.
    let town = fixture.store.area_tree().await.unwrap().find("柴胡店镇").unwrap().id.clone();
    let to = folder.path().join("own");
    write_all(&fixture.store, &asked.of_own(&town), with, &to, false).await.unwrap();
    assert!(to.join("印制/联系服务群众卡/柴胡店镇直属.html").exists());
    assert!(!to.join("印制/联系服务群众卡/高桥村委会.html").exists());
    assert!(!to.join("大走访活动总结").exists());
});

#[test]
fn the_report_that_the_town_owes_is_written_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("zoufang.toml"), "[http]\nlisten = '127.0.0.1:0'\n").unwrap();
    let say = |arguments: &[&str]| run(arguments, dir.path());
    assert_eq!(say(&["key", "zoufang.key"]).0, 0);
    let school = "2022-03-05,Z7,P1,校长,,门口太挤,有,镇村自办,基础教育,一般\n";
    let tables = [
        ("a.csv", format!("{AREAS},一网格,网格,370481111200\n")),
        ("s.csv", STAFF.to_owned()),
        ("o.csv", format!("{SUBJECTS}P1,学校,镇中心小学,柴胡店镇,\n")),
        ("f.csv", format!("{ASSIGNMENTS}P1,Z7\n")),
        ("v.csv", format!("{VISITS}\n{school}")),
    ];
    for (name, table) in &tables {
        std::fs::write(dir.path().join(name), table).unwrap();
    }
    let (code, _, said) = say(&["import", "a.csv", "s.csv", "o.csv", "f.csv", "v.csv"]);
    assert_eq!(code, 0, "{said}");
    for (area, file) in [("柴胡店镇", "one.docx"), ("柴胡店镇直属", "other.docx")] {
        let (code, out, said) = say(&["report", "问题解决情况", "--area", area, "-o", file]);
        assert!(code == 0 && dir.path().join(file).exists(), "{area}: {out}{said}");
    }
    let (code, out, said) = say(&["report", "问题解决情况", "--area", "柴胡店镇"]);
    assert!(code == 0 && out.contains("问题解决情况-柴胡店镇直属-"), "{out}{said}");
    // What a village alone hands in still is of a village.
    let (code, _, said) = say(&["report", "自查总结", "--area", "柴胡店镇"]);
    assert!(code == 2 && said.contains("请用 --area 写明是哪个村"), "{said}");
    let (code, _, said) = say(&["report", "问题解决情况", "--area", "一网格"]);
    assert!(code == 2 && said.contains("请用 --area 写明是哪个村"), "{said}");
    // What is of the whole isn't written of a part under its title.
    for (kind, area, whole) in [
        ("工作开展情况总结", "第一总支直属", "是整个总支的"),
        ("镇总结", "柴胡店镇直属", "是整个镇街的"),
    ] {
        let (code, out, said) = say(&["report", kind, "--area", area]);
        assert!(code == 2 && said.contains(whole) && said.contains("去掉「直属」"), "{out}{said}");
    }
    let (_, out, _) = say(&["audit", "list", "--action", "report", "--reveal", "--by", "Z1"]);
    assert!(out.contains("柴胡店镇直属"), "{out}");
    // Confirmed by either name.
    std::fs::write(
        dir.path().join("c.csv"),
        "任务,所属区划,确认人\n问题解决情况,柴胡店镇直属,Z1\n",
    )
    .unwrap();
    let (code, out, said) = say(&["import", "c.csv"]);
    assert!(code == 0 && out.contains("新增 1"), "{out}{said}");
}

on_both!(a_township_of_one_village_tells_of_no_branches, async |fixture: Fixture| {
    for (name, table) in [
        (
            "a.csv",
            "区划代码,区划名称,区划类型,上级区划\n370481111000,柴胡店镇,镇,370481000000\n370481111201,杨桥村委会,村,370481111000\n",
        ),
        (
            "s.csv",
            "人员编号,姓名,角色,所属区划,工作单位,手机号\nZ1,周正,领导小组,370481111000,镇党委,\nZ7,卫访,走访人员,杨桥村,杨桥村,\n",
        ),
        (
            "o.csv",
            "对象编号,对象类型,对象名称,所属村,地址\nH3,商铺,便民超市,杨桥村,\nP1,学校,镇中心小学,柴胡店镇,\n",
        ),
        ("f.csv", "对象编号,走访人员\nH3,Z7\nP1,Z7\n"),
    ] {
        fixture.import(name, table).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let url = served(&fixture.store, "").await;
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    for page in ["/my/wall", "/"] {
        let shown = leader.get(page).await;
        shown.is(200).says("各村").says("杨桥村委会").says("柴胡店镇直属").hides("各总支");
    }
    // Nor does a week's standing.
    fixture.at(3, 7, 9);
    tell_standing(&fixture.store, &rules().hours).await.unwrap();
    remind(&fixture.store, &rules()).await.unwrap();
    let entries = claim(&fixture.store, "log", "t", 1_000, 8_640_000_000).await.unwrap();
    let told = notices(&fixture.store, &entries).await;
    let week = told.iter().find(|notice| notice.body.contains("各村：")).unwrap();
    assert!(
        week.body.contains("· 柴胡店镇直属：走访率") && !week.body.contains("各总支"),
        "{week:?}"
    );
});
