//! A subject that ends: a household moves away, a shop closes, one was entered twice. Nothing of it is owed from then on, what was
//! asked for there goes on, and it can be taken back.

use jiff::civil::{Date, date};
use zoufang::app::assignments::reassign;
use zoufang::app::doctor::examine;
use zoufang::app::endings::{StateOf, ToldState, check, put_one};
use zoufang::app::plan;
use zoufang::app::told::Told;
use zoufang::daemon::load_campaign;
use zoufang::db::{By, Span};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::issue::Event;
use zoufang::domain::subject::{Seen, SubjectState};
use zoufang::reports::missing::{Wanted, ended};
use zoufang::reports::{Asked, Table};

use crate::reports::{body, rows, table};
use crate::support::{Fixture, VISITS, on_both};

const STATES: &str = "对象编号,状态,状态日期,状态说明";

/// The kinds of what is owed at the subject of a number, sorted.
pub async fn owed_at(fixture: &Fixture, number: &str) -> Vec<DutyKind> {
    let mut record = fixture.store.snapshot().await.unwrap();
    let id = record.subject_keys(&[number]).await.unwrap().remove(0).id;
    record.end().await.unwrap();
    let lines = fixture.store.duty_lines("", 10_000).await.unwrap();
    let own =
        lines.iter().filter(|line| line.state == "open" && line.subject_id.as_ref() == Some(&id));
    let mut kinds: Vec<DutyKind> = own.map(|line| line.kind).collect();
    kinds.sort_by_key(|kind| kind.code());
    kinds
}

pub async fn says(fixture: &Fixture, row: &str) -> String {
    let table = format!("{STATES}\n{row}\n");
    match fixture.import("states.csv", &table).await {
        Ok(report) => format!("{report:?}"),
        Err(error) => error.to_string(),
    }
}

on_both!(nothing_more_is_owed_of_what_ended, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    assert_eq!(owed_at(&fixture, "H2").await, [DutyKind::Visit]);
    let said = says(&fixture, "H2,迁出,2022-03-10,整户迁往市里").await;
    assert!(said.contains("2022-03-10 起不再走访"), "{said}");
    assert_eq!(owed_at(&fixture, "H2").await, []);
    let counts = fixture.store.counts().await.unwrap();
    assert_eq!((counts.subjects, counts.visited, counts.ended), (2, 0, 1));
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
    // The same again is nothing new; nor is a table that doesn't speak of it.
    let said = says(&fixture, "H2,迁出,,").await;
    assert!(said.contains("--clear"), "a blank over words is asked about: {said}");
    let again = "对象编号,状态\nH2,迁出\n";
    fixture.import("again.csv", again).await.unwrap();
    let subjects = "对象编号,对象类型,对象名称,所属村,地址\nH2,家庭,李秀英,高桥村,高桥村2号\n";
    fixture.import("subjects.csv", subjects).await.unwrap();
    assert_eq!(owed_at(&fixture, "H2").await, []);
    // Another visitor, another village: still nothing.
    let mut tx = fixture.store.begin().await.unwrap();
    let staff = tx.staff().await.unwrap();
    let other = staff.iter().find(|person| person.number == "Z7").unwrap();
    reassign(&mut tx, "H2", &other.id, "Z1", "调离").await.unwrap();
    tx.commit().await.unwrap();
    fixture.import("moved.csv", &subjects.replace("李秀英,高桥村", "李秀英,杨桥村")).await.unwrap();
    assert_eq!(owed_at(&fixture, "H2").await, []);
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
    // It comes back.
    fixture.import("back.csv", "对象编号,状态\nH2,在册\n").await.unwrap();
    assert_eq!(owed_at(&fixture, "H2").await, [DutyKind::Visit]);
    let counts = fixture.store.counts().await.unwrap();
    assert_eq!((counts.subjects, counts.ended), (3, 0));
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
    let audit = fixture.store.audit_trail().await.unwrap();
    let acts: Vec<(&str, &str)> =
        audit.iter().map(|one| (one.action.as_str(), one.target.as_str())).collect();
    assert!(acts.contains(&("end_subject", "H2")) && acts.contains(&("resume_subject", "H2")));
});

on_both!(what_was_asked_for_goes_on, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村,其他,急").await.unwrap();
    fixture.visit("2022-03-05,Z6,H1,李桂英,,低保没有批,有,市直,社会帮扶,一般").await.unwrap();
    fixture.visit("2022-03-05,Z6,H2,李秀英,,,无,,,").await.unwrap();
    fixture.at(3, 20, 10);
    let before = owed_at(&fixture, "H1").await;
    assert_eq!(before.iter().filter(|kind| **kind == DutyKind::Revisit).count(), 2);
    let referred = fixture.store.figures().await.unwrap().referrals_by_state;
    let said = says(&fixture, "H1,迁出,2022-03-19,").await;
    assert!(said.contains("还有 2 件问题没有办结，照常办理"), "{said}");
    says(&fixture, "H2,去世,2022-03-19,").await;
    let mut still = before.clone();
    still.retain(|kind| *kind != DutyKind::Revisit);
    assert_eq!(owed_at(&fixture, "H1").await, still, "only the revisits are dropped");
    assert_eq!(
        fixture.store.figures().await.unwrap().referrals_by_state,
        referred,
        "nothing is withdrawn"
    );
    let counts = fixture.store.counts().await.unwrap();
    assert_eq!((counts.subjects, counts.visited, counts.ended), (3, 2, 0), "what was done counts");
    assert_eq!((counts.to_revisit, counts.revisit_ended, counts.issues), (0, 3, 2));
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
    // The work goes on to its end; who can be asked all the same is heard, and that closes it.
    fixture.import("done.csv", "问题编号,办理结果\nCHD2022-000001,已修好\n").await.unwrap();
    let revisit = format!(
        "{VISITS},走访类型,满意度,走访方式\n2022-03-20,Z6,H1,王建国,,,,,,,回访,满意,电话\n"
    );
    fixture.import("revisit.csv", &revisit).await.unwrap();
    let figures = fixture.store.figures().await.unwrap();
    let told = (figures.revisited, figures.counts.revisit_ended, figures.counts.satisfied);
    assert_eq!(told, (1, 2, 1), "who was revisited all the same isn't one who wasn't");
    assert_eq!(fixture.store.figures().await.unwrap().issues_by_state["closed"], 1);
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
    // A resident who comes to it later is owed none either; nor is a drawn check.
    let event = Event::Reopened { reason: "又不亮了".to_owned() };
    let mut tx = fixture.store.begin().await.unwrap();
    let issue = tx.issues_numbered(&["CHD2022-000001"]).await.unwrap().remove(0).id;
    tx.issue_event(&issue, &event, "Z1").await.unwrap();
    tx.commit().await.unwrap();
    assert!(!owed_at(&fixture, "H1").await.contains(&DutyKind::Revisit));
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(what_contradicts_it_is_said, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    for (row, why) in [
        ("H1,迁出,2022-03-21,", "还没有到"),
        ("H1,重复,2022-03-10,", "写明与哪个对象编号重复"),
        ("H1,其他,2022-03-10,", "写明是什么原因"),
        ("H1,走了,2022-03-10,", "看不懂，应为：在册、迁出、去世、停业、重复、其他"),
        ("H1,,2022-03-10,", "却没有写状态"),
        ("H7,迁出,2022-03-10,", "H7"),
    ] {
        let said = says(&fixture, row).await;
        assert!(said.contains(why), "{row}: {said}");
    }
    assert_eq!(owed_at(&fixture, "H1").await, [DutyKind::Visit], "nothing of that was taken");
    // A visit after it, whichever comes first.
    says(&fixture, "H1,迁出,2022-03-10,").await;
    let visit = |on: &str, subject: &str| format!("2022-03-{on},Z6,{subject},某人,,,无,,,");
    let error = fixture.visit(&visit("11", "H1")).await.unwrap_err().to_string();
    assert!(error.contains("2022-03-10 起已不再走访"), "{error}");
    assert!(
        error.contains("请告诉包村干部（镇直属的告诉镇组织人事办公室）恢复走访")
            && !error.contains("zoufang"),
        "{error}"
    );
    fixture.visit(&visit("10", "H1")).await.unwrap();
    fixture.visit(&visit("11", "H2")).await.unwrap();
    let said = says(&fixture, "H2,迁出,2022-03-10,").await;
    assert!(said.contains("2022-03-11 还登记过走访"), "{said}");
    says(&fixture, "H2,迁出,2022-03-11,").await;
    assert_eq!(owed_at(&fixture, "H2").await, []);
    let said = says(&fixture, "H2,,,").await;
    assert!(said.contains("恢复走访的请填「在册」"), "{said}");
});

on_both!(a_column_of_the_subjects_says_it_too, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    let table = "对象编号,对象类型,对象名称,所属村,地址,状态,状态日期,状态说明
H2,家庭,李秀英,杨桥村,高桥村2号,迁出,2022-03-10,
H8,商铺,小卖部,高桥村,,停业,2022-03-11,
H9,商铺,粮油店,高桥村,,,,
";
    fixture.import("subjects.csv", table).await.unwrap();
    assert_eq!(owed_at(&fixture, "H2").await, [], "moved and ended in one row");
    assert_eq!(owed_at(&fixture, "H8").await, [], "it had ended before it came in");
    assert_eq!(owed_at(&fixture, "H9").await, [DutyKind::Visit]);
    let counts = fixture.store.counts().await.unwrap();
    assert_eq!((counts.subjects, counts.ended), (3, 2));
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
    // Nobody need be found for what isn't visited.
    let mut record = fixture.store.snapshot().await.unwrap();
    let unassigned = record.unassigned_by_area().await.unwrap();
    record.end().await.unwrap();
    assert_eq!(unassigned.values().sum::<i64>(), 1, "H9 alone");
    // A table that doesn't speak of it changes nothing of it, and says so; what had ended before the campaign is no part of it.
    let table = "对象编号,对象类型,对象名称,所属村,地址\nH8,商铺,小卖部,高桥村,\n";
    let said = format!("{:?}", fixture.import("again.csv", table).await.unwrap());
    assert!(said.contains("「H8」2022-03-11 起已不再走访，状态不变"), "{said}");
    let table = "对象编号,对象类型,对象名称,所属村,地址,状态,状态日期\nH10,商铺,老店,高桥村,,停业,2021-03-11\n";
    let said = format!("{:?}", fixture.import("old.csv", table).await.unwrap());
    assert!(said.contains("不算作这次活动的走访对象"), "{said}");
    assert_eq!(fixture.store.counts().await.unwrap().ended, 2);
});

on_both!(what_ended_in_a_campaign_before_is_none_of_this_ones, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 10, 9);
    fixture.visit("2022-03-10,Z6,H1,王建国,,,无,,,").await.unwrap();
    fixture.at(3, 20, 10);
    says(&fixture, "H1,迁出,2022-03-12,").await;
    says(&fixture, "H2,去世,2022-03-12,").await;
    assert_eq!(ended(&fixture.store, &Wanted::default()).await.unwrap().to_string(), "去世 1");
    let mut next = load_campaign("".as_ref()).unwrap();
    next.code = "CHD2023".to_owned();
    for phase in &mut next.phases {
        phase.starts_on = Date::new(2023, phase.starts_on.month(), phase.starts_on.day()).unwrap();
        phase.ends_on = Date::new(2023, phase.ends_on.month(), phase.ends_on.day()).unwrap();
    }
    next.materials_due_on = date(2023, 3, 10);
    fixture.clock.set(fixture.clock.instant(date(2023, 3, 1).at(9, 0, 0, 0)));
    plan::apply(&fixture.store, &next, "周正", "第二年").await.unwrap();
    fixture.store.refresh_plan().await.unwrap();
    // As the figures have it, so have the lists and the tables.
    let counts = fixture.store.counts().await.unwrap();
    assert_eq!((counts.subjects, counts.visited, counts.ended), (1, 0, 0));
    assert_eq!(ended(&fixture.store, &Wanted::default()).await.unwrap().count(), 0);
    let span = Span { from: date(2023, 3, 1), on: date(2023, 3, 1), before: i64::MAX };
    let mut record = fixture.store.snapshot().await.unwrap();
    let tree = record.area_tree().await.unwrap();
    let mut listed = Vec::new();
    for area in tree.all() {
        listed.extend(record.subject_lines(&area.id, "", &span, 10).await.unwrap());
    }
    record.end().await.unwrap();
    let numbers: Vec<&str> = listed.iter().map(|line| line.number.as_str()).collect();
    assert_eq!(numbers, ["H3"]);
    // One that comes back is this one's.
    says(&fixture, "H2,在册,,").await;
    assert_eq!(owed_at(&fixture, "H2").await, [DutyKind::Visit]);
    assert_eq!(fixture.store.counts().await.unwrap().subjects, 2);
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(nobody_says_it_of_what_is_theirs_to_visit, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    let mut tx = fixture.store.begin().await.unwrap();
    let staff = tx.staff().await.unwrap();
    let of = |number: &str| staff.iter().find(|person| person.number == number).unwrap();
    reassign(&mut tx, "H2", &of("Z4").id, "Z1", "调离").await.unwrap();
    let say = |state| StateOf {
        subject_number: "H2".to_owned(),
        told: ToldState { state: Told::Is(state), ..ToldState::default() },
    };
    let error = put_one(&mut tx, say(SubjectState::MovedAway), (of("Z4"), "Z4")).await.unwrap_err();
    assert!(error.to_string().contains("您自己负责走访"), "{error}");
    put_one(&mut tx, say(SubjectState::MovedAway), (of("Z3"), "Z3")).await.unwrap();
    // That it's to be visited again they may say.
    put_one(&mut tx, say(SubjectState::InPlace), (of("Z4"), "Z4")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(owed_at(&fixture, "H2").await, [DutyKind::Visit]);
    // Nor of what is their affair for want of a visitor.
    let unassigned = "对象编号,对象类型,对象名称,所属村,地址\nH9,家庭,孙九,高桥村,9号\n";
    fixture.import("more.csv", unassigned).await.unwrap();
    let say = || StateOf {
        subject_number: "H9".to_owned(),
        told: ToldState { state: Told::Is(SubjectState::MovedAway), ..ToldState::default() },
    };
    let mut tx = fixture.store.begin().await.unwrap();
    let error = put_one(&mut tx, say(), (of("Z4"), "Z4")).await.unwrap_err();
    assert!(error.to_string().contains("您自己负责走访"), "{error}");
    put_one(&mut tx, say(), (of("Z3"), "Z3")).await.unwrap();
    tx.commit().await.unwrap();
});

on_both!(what_contradicts_an_ending_is_asked, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 15, 10);
    fixture.visit("2022-03-15,Z6,H2,李秀英,,,无,,,").await.unwrap();
    fixture.at(3, 20, 10);
    says(&fixture, "H2,其他,2022-03-20,长期在外打工").await;
    // Its day alone, before somebody was heard there.
    let on = Some(date(2022, 3, 10));
    let row =
        StateOf { subject_number: "H2".to_owned(), told: ToldState { on, ..ToldState::default() } };
    let mut record = fixture.store.snapshot().await.unwrap();
    let outcome = check(&mut record, &[row]).await.unwrap().remove(0);
    record.end().await.unwrap();
    assert!(outcome.unwrap_err().text.contains("2022-03-15 还登记过走访"));
    // What was said of one reason isn't said of another.
    let other = fixture.import("why.csv", "对象编号,状态\nH2,重复\n").await.unwrap_err();
    assert!(other.to_string().contains("与哪个对象编号重复"), "{other}");
    let said = says(&fixture, "H2,在册,2022-03-20,").await;
    assert!(said.contains("在册：不写状态日期"), "{said}");
    // A row of 附件2 by area, over nothing but what ended.
    let hospital = "对象编号,对象类型,对象名称,所属村,地址\nY1,医院,高桥村卫生室,高桥村,\n";
    fixture.import("hospital.csv", hospital).await.unwrap();
    says(&fixture, "Y1,停业,2022-03-10,").await;
    let by_area = "走访区域,对象类型,走访人员\n高桥村,医院,Z6\n";
    let report = fixture.import("areas.csv", by_area).await.unwrap();
    assert!(format!("{report:?}").contains("都已不再走访，没有要分的"), "{report:?}");
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(a_revisit_of_before_that_ends_is_counted_as_such, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村,其他,急").await.unwrap();
    next_year(&fixture).await;
    let told = async || {
        let counts = fixture.store.counts().await.unwrap();
        (counts.to_revisit, counts.revisit_ended)
    };
    assert_eq!(told().await, (1, 0));
    says(&fixture, "H1,迁出,2023-03-01,").await;
    assert_eq!(told().await, (0, 1));
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
    says(&fixture, "H1,在册,,").await;
    assert_eq!(told().await, (1, 0));
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

/// Next year's campaign takes the place of this one's.
pub async fn next_year(fixture: &Fixture) {
    let mut next = load_campaign("".as_ref()).unwrap();
    next.code = "CHD2023".to_owned();
    let moved = |on: Date| Date::new(2023, on.month(), on.day()).unwrap();
    for phase in &mut next.phases {
        (phase.starts_on, phase.ends_on) = (moved(phase.starts_on), moved(phase.ends_on));
    }
    next.materials_due_on = moved(next.materials_due_on);
    let at = moved(next.phases[0].starts_on).at(9, 0, 0, 0);
    fixture.clock.set(fixture.clock.instant(at));
    plan::apply(&fixture.store, &next, "周正", "新的一年").await.unwrap();
    fixture.store.refresh_plan().await.unwrap();
}

on_both!(what_ended_before_a_campaign_is_no_part_of_it, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    let said = says(&fixture, "H2,迁出,2021-03-10,").await;
    assert!(said.contains("2021-03-10 在本次活动开始（2022-03-01）以前"), "{said}");
    assert!(said.contains("不算作这次活动的走访对象"), "{said}");
    let counts = fixture.store.counts().await.unwrap();
    assert_eq!((counts.subjects, counts.ended), (2, 0));
    let store = &fixture.store;
    assert_eq!(ended(store, &Wanted::default()).await.unwrap().count(), 0);
    let (_at, file) = table(store, Table::Arrangement, &Asked::default()).await;
    assert_eq!(body(&file, "走访活动安排表").len(), 2);
    let said = says(&fixture, "H2,迁出,2022-03-10,").await;
    assert!(!said.contains("不算作"), "{said}");
    assert_eq!(ended(store, &Wanted::default()).await.unwrap().count(), 1);
    let (_at, file) = table(store, Table::Arrangement, &Asked::default()).await;
    assert_eq!(body(&file, "走访活动安排表").len(), 3);
});

on_both!(a_campaign_of_before_still_tells_it, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z6,H1,王建国,,,无,,,").await.unwrap();
    fixture.visit("2022-03-05,Z6,H1,王小妹,,,无,,,").await.unwrap();
    fixture.visit("2022-03-05,Z7,H3,店主,,,无,,,").await.unwrap();
    fixture.at(4, 20, 10);
    let revisit = format!("{VISITS},走访类型,满意度\n2022-04-20,Z6,H1,王小妹,,,,,,,回访,满意\n");
    fixture.import("revisit.csv", &revisit).await.unwrap();
    says(&fixture, "H1,迁出,2022-04-20,").await;
    says(&fixture, "H2,去世,2022-04-20,").await;
    let store = &fixture.store;
    let told = |of: zoufang::domain::figures::Counts| {
        [of.subjects, of.visited, of.ended, of.to_revisit, of.revisit_ended, of.asked, of.satisfied]
    };
    let before = told(store.counts().await.unwrap());
    assert_eq!(before, [2, 2, 1, 2, 1, 1, 1]);
    next_year(&fixture).await;
    assert_eq!(told(store.earlier_counts("CHD2022").await.unwrap()), before);
    assert!(store.are_visits_kept("CHD2022").await.unwrap());
    let lines = store.earlier_figures_by(By::Village, "CHD2022").await.unwrap();
    let village = lines.iter().find(|line| line.name.starts_with("高桥村")).unwrap();
    assert_eq!(told(village.counts), [1, 1, 1, 1, 1, 1, 1]);
    // Those that ended in it are none of this year's; and that one was visited is still known.
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.subjects, counts.ended, counts.revisit_ended), (1, 0, 0));
    let mut record = store.snapshot().await.unwrap();
    let tree = record.area_tree().await.unwrap();
    let areas: Vec<&str> = tree.all().map(|area| area.id.as_str()).collect();
    let seen: Vec<Seen> =
        record.ended_in(&areas).await.unwrap().iter().map(|one| one.seen).collect();
    record.end().await.unwrap();
    assert_eq!(seen, [Seen::Earlier, Seen::Never]);
    assert_eq!(examine(store, None).await.unwrap(), []);
    // What comes back, ends or passes to somebody else later is none of its affair.
    let people = store.earlier_figures_by(By::Person, "CHD2022").await.unwrap();
    says(&fixture, "H2,在册,,").await;
    says(&fixture, "H3,停业,2023-03-01,").await;
    let late = "对象编号,对象类型,对象名称,所属村,地址,状态,状态日期,状态说明\nH8,家庭,孙八,高桥村,8号,迁出,2022-06-01,\n";
    fixture.import("late.csv", late).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let staff = tx.staff().await.unwrap();
    let other = staff.iter().find(|person| person.number == "Z7").unwrap();
    reassign(&mut tx, "H1", &other.id, "Z1", "调离").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(told(store.earlier_counts("CHD2022").await.unwrap()), before);
    assert_eq!(store.earlier_figures_by(By::Person, "CHD2022").await.unwrap(), people);
    assert_eq!(examine(store, None).await.unwrap(), []);
});

on_both!(who_was_not_asked_where_it_ended_is_counted_one_by_one, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村,其他,急").await.unwrap();
    fixture.at(4, 20, 10);
    // Another was asked there, whom nobody had visited before.
    let revisit = format!("{VISITS},走访类型,满意度\n2022-04-20,Z6,H1,王小妹,,,,,,,回访,满意\n");
    fixture.import("revisit.csv", &revisit).await.unwrap();
    says(&fixture, "H1,迁出,2022-04-20,").await;
    let (_at, file) = table(&fixture.store, Table::Satisfaction, &Asked::default()).await;
    let said: String = rows(&file, "满意度").concat().concat();
    assert!(said.contains("没有回访的群众 1 人（迁出 1）"), "{said}");
});

on_both!(a_towns_own_are_its_own_alone, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    let school = "对象编号,对象类型,对象名称,所属村,地址\nS1,学校,中心小学,柴胡店镇,\n";
    fixture.import("school.csv", school).await.unwrap();
    says(&fixture, "S1,停业,2022-03-10,").await;
    says(&fixture, "H2,迁出,2022-03-10,").await;
    let tree = fixture.store.area_tree().await.unwrap();
    let within = Some(tree.find("柴胡店镇").unwrap().id.clone());
    let of = async |own| {
        let wanted = Wanted { within: within.clone(), own, ..Wanted::default() };
        ended(&fixture.store, &wanted).await.unwrap().to_string()
    };
    assert_eq!((of(false).await, of(true).await), ("迁出 1，停业 1".into(), "停业 1".into()));
});
