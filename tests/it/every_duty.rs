//! Every duty that the plan makes can be met by each way that a message names: a duty that nobody could meet would be late for
//! ever, and every red mark would be doubted.

use jiff::civil::date;
use zoufang::app::batch::{Batch, IssueChange};
use zoufang::app::draws::{NewDraw, draw_sample};
use zoufang::app::inspections::note;
use zoufang::db::{Receipt, Store};
use zoufang::domain::campaign::ExtraPhase;
use zoufang::domain::delivery::Settlement;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::holder::Holder;
use zoufang::domain::issue::{Category, Event};
use zoufang::domain::sampling::Size;
use zoufang::domain::staff::Role;
use zoufang::notify::preview;

use crate::reminders::rules;
use crate::support::{Fixture, claim, settle};

const LANE: &str = "ehushanying";

/// How a duty comes to be owed, beyond the small township itself.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Owed {
    AtOnce,
    /// Somebody was heard, who asked for nothing.
    Heard,
    /// Somebody asked for something, which isn't classified yet.
    Asked,
    /// The town's own, which its department answers for.
    Town,
    /// The city's.
    City,
    /// The city's, and the platform refused it.
    Refused,
    /// The town's own, and done.
    Done,
    /// A household was visited, and drawn for a check.
    Drawn,
    /// What the inspector found there isn't as the visitor wrote it.
    Differs,
    /// A mediated agreement is to be seen to again.
    Mediated,
}

/// A way to meet a duty.
enum Way {
    /// A file is imported.
    File(&'static str),
    /// Somebody did it by command: the event that it makes.
    Command(Event),
    /// The platform has it.
    Arrives,
    /// The platform says that it's done.
    PlatformDone,
    /// An inspector notes what they saw that day.
    Noted,
}

/// The kind, what makes it owed, a word of the message that names the way, and the way.
fn ways() -> Vec<(DutyKind, Owed, &'static str, Way)> {
    use DutyKind::*;
    use Owed::*;
    let confirmed = |table| Way::File(table);
    let by = || "周正".to_owned();
    vec![
        (
            Materials,
            AtOnce,
            "任务确认表",
            confirmed("任务,区划,确认人\n走访材料准备,高桥村,郑书\n"),
        ),
        (
            Visit,
            AtOnce,
            "走访记录表",
            Way::File("走访日期,走访人员,对象编号,群众姓名,有无问题\n2022-03-05,Z6,H1,王建国,无\n"),
        ),
        (Acknowledge, Asked, "签收", Way::File("问题编号,签收人\nCHD2022-000001,Z5\n")),
        (
            Acknowledge,
            Asked,
            "签收",
            Way::Command(Event::Acknowledged { by: "陈网".to_owned(), role: Role::GridMember }),
        ),
        (
            Classify,
            Asked,
            "层级和类别",
            Way::File("问题编号,责任层级,类别\nCHD2022-000001,镇村,其他\n"),
        ),
        (
            Classify,
            Asked,
            "层级和类别",
            Way::File(
                "走访日期,走访人员,对象编号,群众姓名,反映问题,有无问题,责任层级,类别\n2022-04-06,Z6,H1,王建国,路灯不亮,有,镇村,其他\n",
            ),
        ),
        (
            Summary,
            AtOnce,
            "任务确认表",
            confirmed("任务,区划,确认人\n总支工作总结,第一总支,周正\n"),
        ),
        (Summary, AtOnce, "任务确认表", confirmed("任务,区划,确认人\n总支小结,第一总支,周正\n")),
        (Upload, City, "平台", Way::Arrives),
        (
            Returned,
            Refused,
            "重新分类",
            Way::File("问题编号,责任层级,类别\nCHD2022-000001,市直,社会治安\n"),
        ),
        (
            Returned,
            Refused,
            "补正后再报",
            Way::File("问题编号,责任层级,类别,轻重缓急\nCHD2022-000001,市直,其他,一般\n"),
        ),
        (
            Returned,
            Refused,
            "自行办结",
            Way::File("问题编号,责任层级,类别\nCHD2022-000001,镇村,其他\n"),
        ),
        (
            Returned,
            Refused,
            "认定平台办结",
            Way::Command(Event::PlatformOverridden {
                by: by(), reason: "平台已经办了".to_owned()
            }),
        ),
        (Returned, Refused, "", Way::Command(Event::Voided { reason: "群众撤回".to_owned() })),
        (Begin, Town, "着手办理表", Way::File("问题编号,承办人\nCHD2022-000001,何城\n")),
        (Begin, Town, "", Way::Command(Event::Started)),
        (Begin, Town, "", Way::File("问题编号,办理结果\nCHD2022-000001,已修好\n")),
        (Resolve, Town, "办理结果表", Way::File("问题编号,办理结果\nCHD2022-000001,已修好\n")),
        (Resolve, City, "", Way::PlatformDone),
        (
            Resolve,
            City,
            "",
            Way::Command(Event::PlatformOverridden {
                by: by(), reason: "平台已经办了".to_owned()
            }),
        ),
        (
            Report,
            Town,
            "任务确认表",
            confirmed(
                "任务,区划,确认人\n问题解决情况,高桥村,周正\n任务,区划,确认人\n问题解决情况,城建办,周正\n",
            ),
        ),
        (Report, Town, "任务确认表", confirmed("任务,区划,确认人\n办结情况上报,高桥村,周正\n")),
        (
            Revisit,
            Heard,
            "当面回访",
            Way::File(
                "走访日期,走访人员,对象编号,群众姓名,走访类型,走访方式,满意度\n2022-06-05,Z6,H1,王建国,回访,电话,满意\n",
            ),
        ),
        (
            Revisit,
            Done,
            "当面回访",
            Way::File(
                "走访日期,走访人员,对象编号,群众姓名,走访类型,走访方式,满意度\n2022-06-05,Z6,H1,王建国,回访,面对面,满意\n",
            ),
        ),
        (SelfCheck, AtOnce, "任务确认表", confirmed("任务,区划,确认人\n村级自查,高桥村,褚走\n")),
        (LookBack, AtOnce, "任务确认表", confirmed("任务,区划,确认人\n回头看总结,高桥村,周正\n")),
        (
            SpotCheck,
            AtOnce,
            "抽查记录",
            Way::File(
                "走访日期,走访人员,对象编号,群众姓名,有无问题,走访类型\n2022-06-05,D2,H1,王建国,无,入户抽查\n",
            ),
        ),
        (
            SpotCheck,
            Drawn,
            "入户抽查表",
            Way::File("抽查编号,抽查结论,抽查日期,抽查人\nCHD2022-C0001,属实,2022-06-06,D2\n"),
        ),
        (
            SpotCheck,
            Drawn,
            "走访类型为入户抽查的走访记录表",
            Way::File(
                "走访日期,走访人员,对象编号,群众姓名,有无问题,走访类型\n2022-06-06,D2,H1,王建国,无,入户抽查\n",
            ),
        ),
        (
            Inspection,
            AtOnce,
            "抽查记录",
            Way::File(
                "走访日期,走访人员,对象编号,群众姓名,有无问题,走访类型\n2022-06-06,D2,H1,王建国,无,入户抽查\n",
            ),
        ),
        (Inspection, AtOnce, "登记督查情况", Way::Noted),
        (
            Finding,
            Differs,
            "核实结果填在入户抽查表里",
            Way::File("抽查编号,抽查结论,核实人,核实结果\nCHD2022-C0001,,Z4,已重新走访\n"),
        ),
        (
            FollowUp,
            Mediated,
            "矛盾调解表",
            Way::File(
                "问题编号,调解日期,调解人,当事人,调解协议,约定回访日期,实际回访日期,是否履行,履行情况,回访人\nCHD2022-000001,2022-04-06,赵六,王建国、李四,以滴水线为界,2022-06-06,2022-06-06,履行,照办,Z5\n",
            ),
        ),
        (Extra, AtOnce, "任务确认表", confirmed("任务,区划,确认人\n二次回头看,高桥村,冯包\n")),
    ]
}

/// The small township, with a department and a phase that was added, in which the duty is owed.
async fn township(fixture: Fixture, owed: Owed) -> Fixture {
    let fixture = fixture.township().await;
    let department = "人员编号,姓名,角色,所属区划,工作单位\nD1,何城,镇直部门,370481111000,城建办\nD2,孙督,督导组,370481111000,督导组\n";
    fixture.import("d.csv", department).await.unwrap();
    let mut plan = fixture.store.campaign().as_ref().clone();
    plan.departments.insert(Category::LivingEnvironment, "城建办".to_owned());
    plan.extra.push(ExtraPhase {
        code: "second".to_owned(),
        title: "二次回头看".to_owned(),
        starts_on: date(2022, 7, 1),
        ends_on: date(2022, 7, 15),
        owed_by: Role::VillageLead,
    });
    zoufang::app::plan::apply(&fixture.store, &plan, "周正", "部门分工").await.unwrap();
    fixture.at(4, 6, 9);
    let visit = |rest: &str| format!("2022-04-06,Z6,H1,王建国,,{rest}");
    match owed {
        Owed::AtOnce => {}
        Owed::Heard | Owed::Drawn | Owed::Differs => {
            drop(fixture.visit(&visit(",无,,,")).await.unwrap())
        }
        Owed::Asked => drop(fixture.visit(&visit("路灯不亮,有,,,")).await.unwrap()),
        Owed::Town | Owed::Done | Owed::Mediated => {
            drop(fixture.visit(&visit("路灯不亮,有,镇村,居住环境,急")).await.unwrap())
        }
        Owed::City | Owed::Refused => {
            drop(fixture.visit(&visit("路灯不亮,有,市直,其他,一般")).await.unwrap())
        }
    }
    if owed == Owed::Done {
        fixture.import("h.csv", "问题编号,办理结果\nCHD2022-000001,已修好\n").await.unwrap();
    }
    if owed == Owed::Mediated {
        let agreed = "问题编号,调解日期,调解人,当事人,调解协议,约定回访日期\nCHD2022-000001,2022-04-06,赵六,王建国、李四,以滴水线为界,2022-06-06\n";
        fixture.import("m.csv", agreed).await.unwrap();
    }
    if matches!(owed, Owed::Drawn | Owed::Differs) {
        draw(&fixture).await;
    }
    if owed == Owed::Differs {
        let found = "抽查编号,抽查结论,抽查日期,抽查人,抽查情况\nCHD2022-C0001,没有走访,2022-04-06,D2,没人来过\n";
        fixture.import("found.csv", found).await.unwrap();
    }
    if owed == Owed::Refused {
        answer(&fixture, Settlement::Refused { reason: "refused: 不受理".to_owned() }).await;
    }
    fixture.at(6, 6, 9);
    fixture
}

/// The only household that was visited is drawn for a check.
async fn draw(fixture: &Fixture) {
    let mut tx = fixture.store.begin().await.unwrap();
    let staff = fixture.store.staff().await.unwrap();
    let by = staff.iter().find(|person| person.number == "D2").unwrap();
    let new = NewDraw { size: Size::Each(1), seed: 1, due_on: date(2022, 6, 10) };
    assert_eq!(draw_sample(&mut tx, &new, by, &mut |_| 0).await.unwrap().numbers.len(), 1);
    tx.commit().await.unwrap();
}

/// The platform answers what it was sent.
async fn answer(fixture: &Fixture, with: Settlement) {
    let entries = claim(&fixture.store, LANE, "t", 10, 60_000).await.unwrap();
    let settled: Vec<_> = entries.into_iter().map(|entry| (entry, with.clone())).collect();
    assert!(!settled.is_empty());
    settle(&fixture.store, LANE, "t", &settled).await.unwrap();
}

async fn go(fixture: &Fixture, way: &Way) {
    let event = match way {
        Way::File(table) => {
            // Two tables of one kind are two files.
            let header = table.lines().next().unwrap();
            for (at, rows) in table.split(header).skip(1).enumerate() {
                let file = format!("{header}{rows}");
                fixture.import(&format!("way{at}.csv"), &file).await.unwrap();
            }
            return;
        }
        Way::Arrives => {
            let receipt = Receipt { remote_id: Some("P1".to_owned()), token: None };
            return answer(fixture, Settlement::Delivered(receipt)).await;
        }
        Way::PlatformDone => {
            let receipt = Receipt { remote_id: Some("P1".to_owned()), token: None };
            answer(fixture, Settlement::Delivered(receipt)).await;
            Event::PlatformFinished { reply: "已修".to_owned() }
        }
        Way::Noted => {
            let staff = fixture.store.staff().await.unwrap();
            let by = staff.iter().find(|person| person.number == "D2").unwrap();
            let mut tx = fixture.store.begin().await.unwrap();
            note(&mut tx, date(2022, 6, 6), by, "看了公示栏").await.unwrap();
            return tx.commit().await.unwrap();
        }
        Way::Command(event) => event.clone(),
    };
    let row = IssueChange {
        number: "CHD2022-000001".to_owned(),
        event: Some(event),
        then: None,
        keeps_urgency: false,
        state: None,
        actor: "周正".to_owned(),
    };
    let mut tx = fixture.store.begin().await.unwrap();
    let outcomes = Batch::Events(vec![row]).put(&mut tx).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    tx.commit().await.unwrap();
}

async fn standing(store: &Store, kind: DutyKind, state: &str) -> usize {
    let lines = store.duty_lines("", 10_000).await.unwrap();
    lines.iter().filter(|line| line.kind == kind && line.state == state).count()
}

/// Opens a record of its own for each way.
async fn walk(new: impl AsyncFn() -> Option<Fixture>) {
    let ways = ways();
    for kind in DutyKind::ALL {
        assert!(ways.iter().any(|(of, ..)| of == kind), "no way to meet {kind}");
    }
    for (kind, owed, named, way) in ways {
        let said = kind.what_to_do(Some(Holder::Village));
        assert!(said.contains(named), "「{said}」 doesn't name {named}");
        let Some(fixture) = new().await else { return };
        let fixture = township(fixture, owed).await;
        let (open, met) = (
            standing(&fixture.store, kind, "open").await,
            standing(&fixture.store, kind, "met").await,
        );
        assert!(open > 0, "{kind} isn't owed: {owed:?}");
        go(&fixture, &way).await;
        let left = standing(&fixture.store, kind, "open").await;
        assert!(left < open, "{kind} can't be met by {named}: {owed:?}");
        // A class that is made anew cancels what stood under the old one; all else is met. What is void is owed by nobody.
        let ended = standing(&fixture.store, kind, "met").await
            + standing(&fixture.store, kind, "cancelled").await;
        assert!(ended > met, "{kind} {named}");
        assert_eq!(
            zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(),
            [],
            "{kind}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_duty_is_met_by_each_way_that_a_message_names() {
    walk(async || Some(Fixture::sqlite().await)).await;
}

/// What a digest says of a kind, and to whom, where nothing else is owed of that kind.
async fn told(kind: DutyKind, owed: Owed) -> String {
    let fixture = township(Fixture::sqlite().await, owed).await;
    let lines = fixture.store.duty_lines("", 10_000).await.unwrap();
    let own = lines.iter().filter(|line| line.kind == kind && line.state == "open");
    let day = own.map(|line| line.due_on).min().unwrap().max(date(2022, 6, 6));
    fixture.clock.set(fixture.clock.instant(day.at(9, 0, 0, 0)));
    let staff = fixture.store.staff().await.unwrap();
    let all = preview(&fixture.store, &rules(), day).await.unwrap();
    let mut told: Vec<String> = Vec::new();
    for notice in all.iter().filter(|notice| notice.channel == "log") {
        let said = notice
            .body
            .lines()
            .filter(|line| line.starts_with("· [") && line.contains(kind.chinese()));
        let who = staff.iter().find(|person| person.id == notice.staff_id).unwrap();
        told.extend(said.map(|line| format!("  {} {}：{line}", who.number, who.name)));
    }
    told.sort();
    told.dedup();
    assert!(!told.is_empty(), "{kind} {owed:?} on {day}: nobody hears");
    format!("{}，{day}\n{}\n", kind.chinese(), told.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_as_it_is_told() {
    let mut kinds: Vec<(DutyKind, Owed)> = Vec::new();
    let mut said = String::new();
    for (kind, owed, ..) in ways() {
        if !kinds.contains(&(kind, owed)) {
            kinds.push((kind, owed));
            said += &told(kind, owed).await;
        }
    }
    insta::assert_snapshot!("each_kind", said);
}

/// The table of the notice's clauses names tests that there are.
#[test]
fn the_table_of_clauses_names_tests_that_there_are() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    let mut folders = vec![root.join("tests/it"), root.join("src/domain")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(end) if end == "rs" => sources += &std::fs::read_to_string(path).unwrap(),
                _ => {}
            }
        }
    }
    let table = std::fs::read_to_string(root.join("docs/duties.md")).unwrap();
    let clauses: Vec<&str> = table
        .lines()
        .filter(|line| {
            line.starts_with("| 二") || line.starts_with("| 三") || line.starts_with("| 四")
        })
        .collect();
    assert!(clauses.len() >= 40, "{}", clauses.len());
    for clause in clauses {
        let test = clause.trim_end_matches(['|', ' ']).rsplit("| ").next().unwrap();
        let name = test.trim_matches('`');
        let there = [format!("fn {name}("), format!("{name},"), format!("({name},")];
        assert!(name == "–" || there.iter().any(|there| sources.contains(there)), "{clause}");
    }
    for kind in DutyKind::ALL.iter().filter(|kind| **kind != DutyKind::Extra) {
        assert!(table.contains(kind.chinese()), "{kind} has no clause");
    }
}
