//! Every sentence of the plan that makes somebody owe something: when it's owed, to when, and what meets it.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use zoufang::app::breaches;
use zoufang::app::people::acting;
use zoufang::daemon::load_campaign;
use zoufang::db::{By, DutyLine, NewBreach, What};
use zoufang::domain::breach::BreachKind;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::holder::{Holder, Holding, holdings};
use zoufang::domain::issue::{Category, Event, Level, Urgency};
use zoufang::domain::rights::Right;
use zoufang::domain::staff::Role;
use zoufang::notify::remind;

use crate::reminders::rules;
use crate::support::{Fixture, VISITS, claim, notices, on_both, settle};

async fn lines(fixture: &Fixture, kind: DutyKind) -> Vec<DutyLine> {
    let all = fixture.store.duty_lines("", 10_000).await.unwrap();
    all.into_iter().filter(|line| line.kind == kind).collect()
}

pub async fn open(fixture: &Fixture, kind: DutyKind) -> usize {
    lines(fixture, kind).await.iter().filter(|line| line.state == "open").count()
}

async fn due(fixture: &Fixture, kind: DutyKind) -> Vec<Date> {
    lines(fixture, kind).await.iter().filter(|l| l.state == "open").map(|l| l.due_on).collect()
}

on_both!(a_household_counts_when_everybody_registered_there_was_heard, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 10, 9);
    let visits = async || {
        let lines = lines(&fixture, DutyKind::Visit).await;
        lines.into_iter().filter(|line| line.state == "met").count()
    };
    let register = "对象编号,群众姓名,未走访原因\nH1,王建国,\nH1,王小妹,\n";
    fixture.import("r.csv", register).await.unwrap();
    fixture.visit("2022-03-10,Z6,H1,王建国,,,无,,,").await.unwrap();
    assert_eq!(visits().await, 0, "王小妹 wasn't heard");
    fixture.import("r2.csv", "对象编号,群众姓名,未走访原因\nH1,王小妹,外出务工\n").await.unwrap();
    assert_eq!(visits().await, 1);
    // Where nobody is registered, whoever was met is enough; somebody who turns out to live there isn't.
    fixture.visit("2022-03-10,Z6,H2,李秀英,,,无,,,").await.unwrap();
    assert_eq!(visits().await, 2);
    fixture.import("r3.csv", "对象编号,群众姓名,未走访原因\nH2,李老汉,\n").await.unwrap();
    assert_eq!(visits().await, 1);
});

on_both!(
    what_was_heard_is_taken_note_of_by_grid_member_and_department,
    async |fixture: Fixture| {
        let fixture = fixture.township().await;
        let department =
            "人员编号,姓名,角色,所属区划,工作单位\nD1,何城,镇直部门,370481111000,城建办\n";
        fixture.import("d.csv", department).await.unwrap();
        let mut plan = load_campaign("".as_ref()).unwrap();
        plan.departments.insert(Category::LivingEnvironment, "城建办".to_owned());
        zoufang::app::plan::apply(&fixture.store, &plan, "周正", "部门分工").await.unwrap();
        fixture.at(4, 1, 9);
        fixture.visit("2022-04-01,Z6,H1,王建国,,路灯不亮,有,镇村,居住环境,急").await.unwrap();
        // Three workdays on: 2 April is worked, 3 to 5 April are days off.
        assert_eq!(due(&fixture, DutyKind::Acknowledge).await, [date(2022, 4, 7); 2]);
        assert_eq!(
            due(&fixture, DutyKind::Report).await.len(),
            2,
            "the village's and the department's"
        );
        let note = |by: &str| format!("问题编号,签收人\nCHD2022-000001,{by}\n");
        fixture.import("n.csv", &note("Z5")).await.unwrap();
        assert_eq!(open(&fixture, DutyKind::Acknowledge).await, 1);
        fixture.import("n2.csv", &note("何城")).await.unwrap();
        assert_eq!(open(&fixture, DutyKind::Acknowledge).await, 0);
        assert_eq!(fixture.import("n3.csv", &note("D1")).await.unwrap().same, 1);
        // Begun seven days before its date, the eleventh: on the first workday from there, 3 to 5 April being days off.
        assert_eq!(due(&fixture, DutyKind::Resolve).await, [date(2022, 4, 11)]);
        assert_eq!(due(&fixture, DutyKind::Begin).await, [date(2022, 4, 6)]);
        let begun = "问题编号,承办人\nCHD2022-000001,何城\n";
        assert_eq!(fixture.import("b.csv", begun).await.unwrap().added, 1);
        assert_eq!(open(&fixture, DutyKind::Begin).await, 0);
        assert_eq!(fixture.import("b2.csv", &format!("{begun}\n")).await.unwrap().same, 1);
        let timeline = fixture.store.timeline("CHD2022-000001").await.unwrap();
        assert_eq!(timeline.holdings.last().unwrap().holder, Holder::Department);
        // Both reports are handed in: the village's by its name, the department's by its unit.
        let report = |of: &str| format!("任务,所属区划,确认人\n办结情况上报,{of},周正\n");
        let wrong = fixture.import("r.csv", &report("规划办")).await.unwrap_err();
        assert!(wrong.to_string().contains("镇直部门填工作单位：城建办"), "{wrong}");
        fixture.import("r1.csv", &report("城建办")).await.unwrap();
        assert_eq!(due(&fixture, DutyKind::Report).await.len(), 1, "the village's is left");
        fixture.import("r2.csv", &report("高桥村")).await.unwrap();
        assert!(due(&fixture, DutyKind::Report).await.is_empty());
        let again = format!("{}\n", report("城建办"));
        assert_eq!(fixture.import("r3.csv", &again).await.unwrap().same, 1);
        assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
    }
);

on_both!(whoever_answers_for_two_units_is_asked_for_each, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let staff = "人员编号,姓名,角色,所属区划,工作单位\nD1,何城,镇直部门,370481111000,城建办\nD2,赵管,镇直部门,370481111000,城建办、民政办\n";
    fixture.import("d.csv", staff).await.unwrap();
    let mut plan = load_campaign("".as_ref()).unwrap();
    plan.departments.insert(Category::LivingEnvironment, "城建办".to_owned());
    plan.departments.insert(Category::BasicEducation, "民政办".to_owned());
    zoufang::app::plan::apply(&fixture.store, &plan, "周正", "部门分工").await.unwrap();
    fixture.at(4, 1, 9);
    fixture.visit("2022-04-01,Z6,H1,王建国,,路灯不亮,有,镇村,居住环境,急").await.unwrap();
    fixture.visit("2022-04-01,Z6,H2,李秀英,,学校太远,有,镇村,基础教育,急").await.unwrap();
    // Of a unit that two name, the first by number; each beside the grid member.
    let noted = "问题编号,签收人\nCHD2022-000001,D1\nCHD2022-000002,D2\n";
    fixture.import("n.csv", noted).await.unwrap();
    assert_eq!(open(&fixture, DutyKind::Acknowledge).await, 2);
    // What two units owe isn't handed in by one word of both; what is one person's is.
    let report = |of: &str| format!("任务,所属区划,确认人\n办结情况上报,\"{of}\",周正\n");
    let owed = due(&fixture, DutyKind::Report).await.len();
    let both = fixture.import("r.csv", &report("城建办、民政办")).await.unwrap_err();
    assert!(both.to_string().contains("镇直部门填工作单位：城建办、民政办"), "{both}");
    fixture.import("r1.csv", &report("民政办")).await.unwrap();
    assert_eq!(due(&fixture, DutyKind::Report).await.len(), owed - 1);
    let moved =
        "人员编号,姓名,角色,所属区划,工作单位\nD1,何城,镇直部门,370481111000,规划办，城建办\n";
    fixture.import("d2.csv", moved).await.unwrap();
    zoufang::app::rederive::go_on(&fixture.store).await.unwrap();
    fixture.import("r2.csv", &report("规划办、城建办")).await.unwrap();
    assert_eq!(due(&fixture, DutyKind::Report).await.len(), owed - 2);
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(a_referred_issue_is_uploaded_within_its_limit, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 20, 9);
    fixture.visit("2022-04-20,Z6,H1,王建国,,路灯不亮,有,市直,其他,一般").await.unwrap();
    assert_eq!(
        due(&fixture, DutyKind::Upload).await,
        [date(2022, 4, 24)],
        "a Sunday that is worked"
    );
    let entries = claim(&fixture.store, "ehushanying", "t", 10, 60_000).await.unwrap();
    let receipt = zoufang::db::Receipt { remote_id: Some("P1".to_owned()), token: None };
    let settled = entries
        .into_iter()
        .map(|entry| (entry, zoufang::domain::delivery::Settlement::Delivered(receipt.clone())));
    let settled: Vec<_> = settled.collect();
    settle(&fixture.store, "ehushanying", "t", &settled).await.unwrap();
    assert_eq!(open(&fixture, DutyKind::Upload).await, 0);
    assert_eq!(open(&fixture, DutyKind::Resolve).await, 1);
});

on_both!(who_asked_for_something_is_told_in_person, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(6, 10, 9);
    fixture.visit("2022-06-01,Z6,H1,王建国,,路灯不亮,有,镇村,其他,急").await.unwrap();
    fixture.visit("2022-06-01,Z6,H2,李秀英,,,无,,,").await.unwrap();
    fixture.import("h.csv", "问题编号,办理结果\nCHD2022-000001,已修好\n").await.unwrap();
    let revisit = |on: &str, subject: &str, resident: &str, how: &str| {
        format!(
            "{VISITS},走访类型,满意度,走访方式\n{on},Z6,{subject},{resident},,,,,,,回访,满意,{how}\n"
        )
    };
    fixture.import("t.csv", &revisit("2022-06-08", "H1", "王建国", "电话")).await.unwrap();
    fixture.import("t2.csv", &revisit("2022-06-08", "H2", "李秀英", "电话")).await.unwrap();
    assert_eq!(open(&fixture, DutyKind::Revisit).await, 1, "a telephone call isn't face to face");
    fixture.import("t3.csv", &revisit("2022-06-09", "H1", "王建国", "面对面")).await.unwrap();
    assert_eq!(open(&fixture, DutyKind::Revisit).await, 0);
    let inspector = "人员编号,姓名,角色,所属区划\nZ9,孙督,督导组,370481111000\n";
    fixture.import("i.csv", inspector).await.unwrap();
    let spot = format!("{VISITS},走访类型\n2022-06-10,Z9,H1,王建国,,,无,,,,入户抽查\n");
    assert_eq!(open(&fixture, DutyKind::SpotCheck).await, 2);
    fixture.import("s.csv", &spot).await.unwrap();
    assert_eq!(open(&fixture, DutyKind::SpotCheck).await, 1, "the other village's");
});

on_both!(the_figures_are_the_same_wherever_they_stand, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 1, 9);
    fixture.visit("2022-04-01,Z6,H1,王建国,,路灯不亮,有,镇村,其他,急").await.unwrap();
    fixture.visit("2022-04-01,Z7,H3,卫群众,,水压低,有,镇村,其他,急").await.unwrap();
    fixture.import("n.csv", "问题编号,签收人\nCHD2022-000001,Z5\n").await.unwrap();
    fixture.at(4, 20, 9);
    fixture
        .import("h.csv", "问题编号,办理结果\nCHD2022-000001,已修好\nCHD2022-000002,已修好\n")
        .await
        .unwrap();
    let answers = format!(
        "{VISITS},走访类型,满意度\n2022-04-19,Z6,H1,王建国,,,,,,,回访,满意\n2022-04-19,Z7,H3,卫群众,,水压还是低,,,,,回访,不满意\n"
    );
    fixture.import("a.csv", &answers).await.unwrap();
    let total = fixture.store.counts().await.unwrap();
    let rates = total.rates();
    assert_eq!((total.subjects, total.visited), (3, 2));
    assert_eq!(
        (rates.response, rates.resolution, rates.satisfaction),
        (Some(0.5), Some(0.5), Some(0.5))
    );
    for by in [By::Village, By::Branch, By::Person] {
        let lines = fixture.store.figures_by(by).await.unwrap();
        let mut sum = zoufang::domain::figures::Counts::default();
        lines.iter().for_each(|line| sum += line.counts);
        assert_eq!(sum, total, "{by:?}: {lines:?}");
    }
    let villages = fixture.store.figures_by(By::Village).await.unwrap();
    let names: Vec<_> =
        villages.iter().map(|line| (line.name.as_str(), line.counts.satisfied)).collect();
    assert_eq!(names, [("杨桥村委会", 0), ("高桥村委会", 1)]);
});

on_both!(what_was_resolved_unseen_was_not_responded_to, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 19, 9);
    fixture.visit("2022-04-19,Z6,H1,王建国,,路灯不亮,有,镇村,其他,急").await.unwrap();
    fixture.visit("2022-04-19,Z6,H2,李秀英,,水压低,有,镇村,其他,急").await.unwrap();
    fixture.import("n.csv", "问题编号,签收人\nCHD2022-000001,Z5\n").await.unwrap();
    let done = "问题编号,办理结果\nCHD2022-000001,已修好\nCHD2022-000002,已修好\n";
    fixture.import("h.csv", done).await.unwrap();
    let counts = async || {
        let counts = fixture.store.counts().await.unwrap();
        (counts.responded, counts.to_respond, counts.resolved)
    };
    assert_eq!(counts().await, (1, 1, 2), "the other's day hasn't come");
    fixture.at(4, 26, 9);
    assert_eq!(counts().await, (1, 2, 2));
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(lines_add_up_to_the_total_whatever_lies_where, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let areas = "区划代码,区划名称,区划类型,上级区划\n,第二总支,总支,370481111000\n370481111205,高桥村委会,村,第二总支\n";
    fixture.import("a2.csv", areas).await.unwrap();
    let subjects = "对象编号,对象类型,对象名称,所属村,地址\nX1,学校,镇中心小学,370481111000,\nX2,医院,卫生院,370481111000,\nX3,家庭,赵六,370481111205,\n";
    fixture.import("o2.csv", subjects).await.unwrap();
    fixture.at(4, 1, 9);
    fixture.visit("2022-04-01,Z6,H1,王建国,,路灯不亮,有,镇村,其他,急").await.unwrap();
    fixture.at(6, 1, 9);
    let total = fixture.store.counts().await.unwrap();
    assert_eq!((total.subjects, total.late), (6, 1));
    for (by, names) in [
        (
            By::Village,
            &["柴胡店镇直属", "杨桥村委会", "高桥村委会（第一总支）", "高桥村委会（第二总支）"][..],
        ),
        (By::Branch, &["柴胡店镇直属", "第一总支", "第二总支"]),
    ] {
        let lines = fixture.store.figures_by(by).await.unwrap();
        let mut found: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
        found.sort_unstable();
        let mut names = names.to_vec();
        names.sort_unstable();
        assert_eq!(found, names);
        let mut sum = zoufang::domain::figures::Counts::default();
        lines.iter().for_each(|line| sum += line.counts);
        assert_eq!(sum, total, "{by:?}: {lines:?}");
    }
});

on_both!(a_breach_of_discipline_is_the_inspectors_alone, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let new = NewBreach {
        kind: BreachKind::Meal,
        happened_on: date(2022, 3, 1),
        area: "高桥村".to_owned(),
        text: "在村里吃饭".to_owned(),
        about: Some("冯包".to_owned()),
        reporter: None,
    };
    let mut tx = fixture.store.begin().await.unwrap();
    let error = breaches::record(&mut tx, &new, "周正").await.unwrap_err().to_string();
    assert!(error.contains("没有督导组人员"), "{error}");
    tx.rollback().await.unwrap();
    let inspector = "人员编号,姓名,角色,所属区划\nD9,蒋查,督导组,370481111000\n";
    fixture.import("i.csv", inspector).await.unwrap();
    let mut tx = fixture.store.begin().await.unwrap();
    assert_eq!(breaches::record(&mut tx, &new, "周正").await.unwrap(), ("WJ-000001".to_owned(), 1));
    acting(&mut tx, "D9", Right::Inspect, None).await.unwrap();
    let error = acting(&mut tx, "Z1", Right::Inspect, None).await.unwrap_err().to_string();
    assert!(error.contains("能做的有：D9（蒋查）"), "{error}");
    tx.commit().await.unwrap();
    let told = claim(&fixture.store, "log", "t", 10, 60_000).await.unwrap();
    let contents = notices(&fixture.store, &told).await;
    assert_eq!(contents.len(), 1);
    let said = format!("{contents:?}");
    assert!(said.contains("D9") && said.contains("WJ-000001"), "{said}");
    for secret in ["冯包", "吃饭", "高桥"] {
        assert!(!said.contains(secret), "{said}");
    }
    let mut tx = fixture.store.begin().await.unwrap();
    breaches::close(&mut tx, "WJ-000001", "已核实", "D9").await.unwrap();
    assert!(breaches::close(&mut tx, "WJ-000001", "又", "D9").await.is_err());
    tx.commit().await.unwrap();
    let breaches = fixture.store.breaches().await.unwrap();
    assert_eq!((breaches[0].closed, breaches[0].about.as_deref()), (true, Some("冯包")));
});

on_both!(escalations_stand_on_the_issues_timeline, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 1, 9);
    fixture.visit("2022-04-01,Z6,H1,王建国,,路灯不亮,有,镇村,其他,急").await.unwrap();
    let rules = crate::reminders::rules();
    for day in 1..=30 {
        fixture.at(4, day, 10);
        zoufang::notify::remind(&fixture.store, &rules).await.unwrap();
    }
    let timeline = fixture.store.timeline("CHD2022-000001").await.unwrap();
    let told: Vec<(DutyKind, i64, String)> = timeline
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Told { kind, person, days, .. } => Some((*kind, *days, person.clone())),
            What::Happened { .. } => None,
        })
        .collect();
    let resolve: Vec<_> = told.iter().filter(|(kind, ..)| *kind == DutyKind::Resolve).collect();
    let people: Vec<_> = resolve.iter().map(|(_, days, person)| (*days, person.as_str())).collect();
    // The fifth day after it is a day off: they are told on the seventh.
    let expected = [(-3, "陈网"), (0, "陈网"), (1, "陈网"), (3, "冯包"), (7, "郑书"), (7, "周正")];
    assert_eq!(people, expected, "each late duty reaches each step");
});

on_both!(lateness_is_counted_against_whoever_holds, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 1, 9);
    fixture.visit("2022-04-01,Z6,H1,王建国,,路灯不亮,有,镇村,其他,急").await.unwrap();
    fixture.visit("2022-04-01,Z6,H2,李秀英,,水压低,有,市直,其他,急").await.unwrap();
    // Due on the eleventh; three days late.
    fixture.at(4, 15, 0);
    let held = fixture.store.held().await.unwrap();
    let of = |holder| held.iter().find(|held| held.holder == holder).unwrap().clone();
    let (village, centre) = (of(Holder::Village), of(Holder::Centre));
    assert_eq!((village.now, village.late_now, village.days_late), (1, 1, 3.0));
    assert_eq!((centre.now, centre.late_now, centre.days_late), (1, 1, 3.0));
    fixture.import("h.csv", "问题编号,办理结果\nCHD2022-000001,已修好\n").await.unwrap();
    fixture.at(4, 20, 0);
    let held = fixture.store.held().await.unwrap();
    let of = |holder| held.iter().find(|held| held.holder == holder).unwrap().clone();
    assert_eq!((of(Holder::Village).now, of(Holder::Village).days_late), (0, 3.0));
    assert_eq!((of(Holder::Resident).now, of(Holder::Resident).days_late), (1, 5.0));
});

#[test]
fn time_with_the_platform_is_not_the_villages() {
    let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
    let class = Event::Classified {
        level: Level::Joint,
        category: Category::Other,
        urgency: Urgency::Normal,
    };
    let events = [
        (class, at(10)),
        (Event::Queued, at(10)),
        (Event::Referred, at(12)),
        (Event::TownFinished { result: "好".to_owned() }, at(20)),
        (Event::Accepted, at(30)),
        (Event::Refused { reason: "不归我管".to_owned() }, at(40)),
    ];
    let held = holdings(at(0), events.iter().map(|(e, at)| (e, *at)), |_| false).unwrap();
    let hours: Vec<(Holder, i64)> =
        held.iter().map(|h: &Holding| (h.holder, h.span(at(45)).as_hours())).collect();
    let expected = [
        (Holder::Village, 10),
        (Holder::Centre, 2),
        (Holder::Village, 8),
        (Holder::Platform, 20),
        (Holder::Centre, 5),
    ];
    assert_eq!(hours, expected);
    let role = DutyKind::Acknowledge.role();
    assert_eq!(role, Role::GridMember);
}

on_both!(
    what_the_platform_refused_is_the_centres_by_a_date_of_its_own,
    async |fixture: Fixture| {
        let fixture = fixture.township().await;
        fixture.at(4, 6, 10);
        fixture.visit("2022-04-06,Z6,H1,王建国,,路灯不亮,有,市直,其他,一般").await.unwrap();
        let entries = claim(&fixture.store, "ehushanying", "t", 10, 60_000).await.unwrap();
        let reason = "refused: 不属于本级受理范围，请联系 13800000000".to_owned();
        let refused = zoufang::domain::delivery::Settlement::Refused { reason };
        let settled: Vec<_> = entries.into_iter().map(|entry| (entry, refused.clone())).collect();
        settle(&fixture.store, "ehushanying", "t", &settled).await.unwrap();
        // At once, in the turn that learnt of it: the platform's words, and what can be done.
        let at_once = claim(&fixture.store, "log", "t", 10, 60_000).await.unwrap();
        let said = notices(&fixture.store, &at_once).await;
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].staff_number, "Z2");
        assert_eq!(said[0].title, "【走访】平台退回：CHD2022-000001，4月11日前处理");
        for part in
            ["平台原话：不属于本级受理范围，请联系 ***********", "重新分类", "补正再报", "自行办结"]
        {
            assert!(said[0].body.contains(part), "{part}: {}", said[0].body);
        }
        // Three workdays on; the next morning the centre and the grid member have it in their digests.
        assert_eq!(due(&fixture, DutyKind::Returned).await, [date(2022, 4, 11)]);
        fixture.at(4, 7, 9);
        remind(&fixture.store, &rules()).await.unwrap();
        let told = fixture.store.told().await.unwrap();
        let told = told.iter().filter(|told| told.duty_key.starts_with("returned:"));
        let heard: Vec<(&str, &str)> =
            told.map(|told| (told.staff_number.as_str(), told.on_date.as_str())).collect();
        assert_eq!(heard, [("Z2", "2022-04-07"), ("Z5", "2022-04-07")]);
        let entries = claim(&fixture.store, "log", "t", 100, 60_000).await.unwrap();
        let bodies = notices(&fixture.store, &entries).await;
        let is_digest = |notice: &&zoufang::db::Notice| !notice.title.contains("CHD2022");
        let digests: Vec<_> = bodies.iter().filter(is_digest).collect();
        let of =
            |who: &str| &digests.iter().find(|notice| notice.staff_number == who).unwrap().body;
        assert!(
            of("Z2").contains("补正后再报") && of("Z2").contains("改由镇村自行办结"),
            "{}",
            of("Z2")
        );
        assert!(
            of("Z5").contains("请您知悉") && of("Z5").contains("上报的问题被退回"),
            "{}",
            of("Z5")
        );
        // Nobody asks the centre for the result of what the platform works on.
        assert!(!of("Z2").contains("办理结果表"), "{}", of("Z2"));
        // Sent again as it was: settled, and owed to the platform anew.
        let again = "问题编号,责任层级,类别\nCHD2022-000001,市直,其他\n";
        assert_eq!(fixture.import("c.csv", again).await.unwrap().added, 1);
        assert_eq!(open(&fixture, DutyKind::Returned).await, 0);
        let entries = claim(&fixture.store, "ehushanying", "t", 10, 60_000).await.unwrap();
        assert!(entries[0].debt_key.contains("R2"), "{}", entries[0].debt_key);
        // A second refusal is another duty; done at home, it's settled.
        let settled: Vec<_> = entries.into_iter().map(|entry| (entry, refused.clone())).collect();
        settle(&fixture.store, "ehushanying", "t", &settled).await.unwrap();
        assert_eq!(open(&fixture, DutyKind::Returned).await, 1);
        fixture
            .import("c2.csv", "问题编号,责任层级,类别\nCHD2022-000001,镇村,其他\n")
            .await
            .unwrap();
        assert_eq!(open(&fixture, DutyKind::Returned).await, 0);
        assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
    }
);

on_both!(
    what_the_platform_has_is_pressed_and_never_asked_for_as_a_result,
    async |fixture: Fixture| {
        let fixture = fixture.township().await;
        fixture.at(4, 6, 10);
        fixture.visit("2022-04-06,Z6,H1,王建国,,路灯不亮,有,市直,其他,急").await.unwrap();
        let entries = claim(&fixture.store, "ehushanying", "t", 10, 60_000).await.unwrap();
        let receipt = zoufang::db::Receipt { remote_id: Some("P1".to_owned()), token: None };
        let delivered = zoufang::domain::delivery::Settlement::Delivered(receipt);
        let settled: Vec<_> = entries.into_iter().map(|entry| (entry, delivered.clone())).collect();
        settle(&fixture.store, "ehushanying", "t", &settled).await.unwrap();
        // Due on the sixteenth, a Saturday: the last day to say so is the fifteenth; a week late, the leaders press.
        for (day, who, said) in
            [(15, "Z2", "请向平台催办"), (24, "Z1", "请督促向平台催办；责任方：平台；责任人：吴心")]
        {
            fixture.at(4, day, 9);
            remind(&fixture.store, &rules()).await.unwrap();
            let entries = claim(&fixture.store, "log", "t", 100, 36_000_000).await.unwrap();
            let all = notices(&fixture.store, &entries).await;
            let own = all.iter().filter(|notice| notice.staff_number == who);
            let own = own.max_by_key(|notice| notice.on_date.clone()).unwrap();
            let line = own.body.lines().find(|line| line.contains("问题办结")).unwrap();
            assert!(line.contains(said) && !line.contains("办理结果表"), "{line}");
        }
    }
);

on_both!(what_nobody_is_assigned_to_is_somebodys_from_the_first_day, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let more = "对象编号,对象类型,对象名称,所属村\nH8,家庭,王八,高桥村\nH9,学校,小学,杨桥村\n";
    fixture.import("more.csv", more).await.unwrap();
    let unowned = lines(&fixture, DutyKind::Visit).await;
    let unowned: Vec<_> = unowned.into_iter().filter(|line| line.staff_id.is_none()).collect();
    assert_eq!(unowned.len(), 2);
    assert!(unowned.iter().all(|line| line.role == Role::VillageLead && line.state == "open"));
    let mut record = fixture.store.snapshot().await.unwrap();
    let vacant = zoufang::app::vacant::vacant(&mut record).await.unwrap();
    record.end().await.unwrap();
    let areas = [("杨桥村委会".to_owned(), 1), ("高桥村委会".to_owned(), 1)];
    assert_eq!(vacant.unassigned, areas);
    let said: Vec<String> = vacant.roles.iter().map(ToString::to_string).collect();
    let missing = ["网格员", "村两委", "包村干部", "组织人事办公室", "分管领导", "督导组"];
    assert_eq!(said.len(), missing.len(), "{said:?}");
    for (said, role) in said.iter().zip(missing) {
        assert!(said.contains(&format!("没有人担任{role}")), "{said}");
    }
    // 高桥's are the village lead's; 杨桥 has none, so they come to the branch.
    fixture.at(3, 28, 9);
    remind(&fixture.store, &rules()).await.unwrap();
    let told = fixture.store.told().await.unwrap();
    let of = |person: &str| told.iter().filter(|told| told.staff_number == person).count();
    assert!(of("Z4") >= 1 && of("Z3") >= 1, "{told:?}");
    let entries = claim(&fixture.store, "log", "t", 100, 60_000).await.unwrap();
    let bodies = notices(&fixture.store, &entries).await;
    let lead = bodies.iter().find(|notice| notice.staff_number == "Z4").unwrap();
    assert!(lead.body.contains("请指定走访人"), "{}", lead.body);
    // Assigned, they are the visitor's; somebody who visits meets it either way.
    fixture.import("f2.csv", "对象编号,走访人员\nH8,Z6\n").await.unwrap();
    let of = lines(&fixture, DutyKind::Visit).await.into_iter();
    assert_eq!(of.filter(|line| line.staff_id.is_none()).count(), 1);
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
});
