//! 入户抽查 (四(三)): who may record one, what is drawn, what is found, and whose affair a difference is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use zoufang::app::draws::{Drawn, NewDraw, draw_sample};
use zoufang::app::inspections::note;
use zoufang::clock::Chance;
use zoufang::db::{InspectionLine, StaffMember};
use zoufang::domain::duty::DutyKind;
use zoufang::domain::sampling::Size;

use crate::support::{Fixture, VISITS, on_both};

const INSPECTORS: &str = "人员编号,姓名,角色,所属区划\nD1,孙督,督导组,370481111000\nD2,李督,督导组、走访人员,370481111000\n";

/// Thirty households in two villages, all visited on 5 March, and two inspectors, one of whom visits some.
async fn visited(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    fixture.import("i.csv", INSPECTORS).await.unwrap();
    let (mut subjects, mut pairs, mut visits) = (String::new(), String::new(), String::new());
    for n in 10..40 {
        let (village, visitor) = if n < 30 { ("高桥村", "Z6") } else { ("杨桥村", "D2") };
        subjects.push_str(&format!("H{n},家庭,王{n},{village},\n"));
        pairs.push_str(&format!("H{n},{visitor}\n"));
        visits.push_str(&format!("2022-03-05,{visitor},H{n},王{n},,,无,,,\n"));
    }
    let header = "对象编号,对象类型,对象名称,所属村,地址";
    fixture.import("o2.csv", &format!("{header}\n{subjects}")).await.unwrap();
    fixture.import("f2.csv", &format!("对象编号,走访人员\n{pairs}")).await.unwrap();
    fixture.at(3, 7, 9);
    fixture.import("v.csv", &format!("{VISITS}\n{visits}")).await.unwrap();
    fixture
}

async fn draw(fixture: &Fixture, size: Size, seed: u64) -> Drawn {
    let mut tx = fixture.store.begin().await.unwrap();
    let staff = fixture.store.staff().await.unwrap();
    let by: &StaffMember = staff.iter().find(|person| person.number == "D1").unwrap();
    let chance = Chance::seeded(seed);
    let new = NewDraw { size, seed, due_on: date(2022, 3, 14) };
    let drawn = draw_sample(&mut tx, &new, by, &mut |end| chance.below(end)).await.unwrap();
    tx.commit().await.unwrap();
    drawn
}

async fn lines(fixture: &Fixture) -> Vec<InspectionLine> {
    let mut record = fixture.store.snapshot().await.unwrap();
    let lines = record.inspection_lines(i64::MIN, jiff::civil::date(2022, 12, 31)).await.unwrap();
    record.end().await.unwrap();
    lines
}

async fn open(fixture: &Fixture, kind: DutyKind) -> Vec<String> {
    let lines = fixture.store.duty_lines("", 10_000).await.unwrap();
    let open = lines.into_iter().filter(|line| line.kind == kind && line.state == "open");
    open.map(|line| format!("{} {}", line.role, line.due_on)).collect()
}

async fn is_sound(fixture: &Fixture) {
    assert_eq!(zoufang::app::doctor::examine(&fixture.store, None).await.unwrap(), []);
    assert_eq!(fixture.store.recount().await.unwrap(), []);
}

on_both!(a_sample_is_stratified_and_the_same_for_the_same_seed, async |fixture: Fixture| {
    let fixture = visited(fixture).await;
    let drawn = draw(&fixture, Size::InAll(6), 7).await;
    assert_eq!((drawn.numbers.len(), drawn.population), (6, 30));
    let lines = lines(&fixture).await;
    let mut by_visitor: BTreeMap<String, usize> = BTreeMap::new();
    let staff = fixture.store.staff().await.unwrap();
    let number = |id: &String| staff.iter().find(|p| p.id == *id).unwrap().number.clone();
    for line in &lines {
        *by_visitor.entry(number(line.visitor.as_ref().unwrap())).or_default() += 1;
        let inspector = number(&line.row.inspector_id);
        assert_ne!(Some(&line.row.inspector_id), line.visitor.as_ref(), "nobody checks their own");
        assert!(["D1", "D2"].contains(&inspector.as_str()));
    }
    assert_eq!(by_visitor, BTreeMap::from([("D2".to_owned(), 2), ("Z6".to_owned(), 4)]));
    // Which they are depends on the seed and on nothing else.
    let subjects: BTreeSet<&str> = lines.iter().map(|line| line.subject.as_str()).collect();
    let expected = drawn_by_hand(7);
    assert_eq!(subjects, expected.iter().map(String::as_str).collect());
    assert_ne!(drawn_by_hand(8), expected);
    assert_eq!(open(&fixture, DutyKind::SpotCheck).await.len(), 6 + 2, "each, and each village's");
    is_sound(&fixture).await;
});

on_both!(a_seed_draws_once_and_shows_whoever_asks_again_the_same, async |fixture: Fixture| {
    let fixture = visited(fixture).await;
    let first = draw(&fixture, Size::InAll(6), 7).await;
    // Others are drawn, one is checked: what the seed drew stays what it would draw.
    fixture.at(3, 8, 9);
    assert!(draw(&fixture, Size::InAll(6), 8).await.before.is_none());
    let check =
        format!("抽查编号,抽查结论,抽查日期,抽查人\n{},属实,2022-03-08,D1\n", first.numbers[0]);
    let of_d2 = check.replace(",D1", ",D2");
    if fixture.import("c.csv", &check).await.is_err() {
        fixture.import("c.csv", &of_d2).await.unwrap();
    }
    let again = draw(&fixture, Size::InAll(6), 7).await;
    assert_eq!((&again.numbers, again.population), (&first.numbers, 30));
    let said = again.repeated(7).unwrap();
    assert!(said.contains("抽出的一样") && said.contains("D1"), "{said}");
    assert_eq!(lines(&fixture).await.len(), 12, "nothing more is drawn");
    // As many others aren't what that seed drew.
    let mut tx = fixture.store.begin().await.unwrap();
    let staff = fixture.store.staff().await.unwrap();
    let new = NewDraw { size: Size::InAll(5), seed: 7, due_on: date(2022, 3, 14) };
    let error = draw_sample(&mut tx, &new, &staff[0], &mut |_| 0).await.unwrap_err().to_string();
    assert!(error.contains("换一个种子"), "{error}");
    tx.rollback().await.unwrap();
    // One that isn't somebody's any more: what has changed is said.
    fixture.import("h.csv", "对象编号,群众姓名,未走访原因\nH10,王小,\n").await.unwrap();
    let said = draw(&fixture, Size::InAll(6), 7).await.repeated(7).unwrap();
    assert!(said.contains("30 个，现在算出来是 29 个"), "{said}");
    is_sound(&fixture).await;
});

/// What that seed draws of the villages' lists, without the record.
fn drawn_by_hand(seed: u64) -> BTreeSet<String> {
    use zoufang::domain::sampling::{Stratum, draw};
    let of = |area: &str, from: usize, until: usize| Stratum {
        area: area.to_owned(),
        members: (from..until).map(|n| format!("H{n}")).collect(),
    };
    let strata = [of("370481111200", 10, 30), of("370481111201", 30, 40)];
    let chance = Chance::seeded(seed);
    let drawn = draw(&strata, Size::InAll(6), &mut |end| chance.below(end));
    drawn.into_iter().flat_map(|of| of.members).collect()
}

on_both!(
    what_differs_is_the_affair_of_whoever_stands_above_the_visitor,
    async |fixture: Fixture| {
        let fixture = visited(fixture).await;
        draw(&fixture, Size::Each(1), 3).await;
        let drawn = lines(&fixture).await;
        let of_z6 = drawn.iter().find(|line| line.subject.as_str() < "H30").unwrap();
        let number = &of_z6.row.number;
        fixture.at(3, 9, 15);
        let header = "抽查编号,抽查结论,抽查日期,抽查人,抽查情况,核实人,核实结果";
        let row = |rest: &str| format!("{header}\n{number},{rest}\n");
        // Neither somebody else's word nor a difference without words.
        for (rest, why) in [
            ("没有走访,2022-03-09,Z4,家里没人来过,,", "督导组"),
            ("没有走访,2022-03-09,D1,,,", "抽查情况"),
            ("没有走访,2022-03-01,D1,家里没人来过,,", "早于抽样"),
            (",,,,Z4,已补", "不用核实"),
        ] {
            let error = fixture.import("c.csv", &row(rest)).await.unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
        }
        fixture.import("c.csv", &row("没有走访,2022-03-09,D1,家里没人来过,,")).await.unwrap();
        assert_eq!(open(&fixture, DutyKind::Finding).await, ["包村干部 2022-03-14"]);
        // The visitor isn't their own superior, and what was found isn't written over.
        let own = fixture.import("c2.csv", &row(",,,,Z6,去过了")).await.unwrap_err().to_string();
        assert!(own.contains("不能由走访人本人核实"), "{own}");
        let again =
            fixture.import("c3.csv", &row("属实,2022-03-09,D1,,,")).await.unwrap_err().to_string();
        assert!(again.contains("不能改写"), "{again}");
        is_sound(&fixture).await;
        fixture.import("c4.csv", &row(",,,,Z4,已重新走访")).await.unwrap();
        assert!(open(&fixture, DutyKind::Finding).await.is_empty());
        assert_eq!(open(&fixture, DutyKind::SpotCheck).await.len(), 2, "the other village, twice");
        is_sound(&fixture).await;
        // Sealed: what was found is nowhere in the clear.
        let mut record = fixture.store.snapshot().await.unwrap();
        let rows = record.inspections_numbered(&[number.as_str()]).await.unwrap();
        assert!(
            !format!("{rows:?}").contains("家里没人") && !format!("{rows:?}").contains("重新走访")
        );
        let (found, answer) = rows[0].open(record.context()).unwrap();
        assert_eq!(
            (found.as_deref(), answer.as_deref()),
            (Some("家里没人来过"), Some("已重新走访"))
        );
        record.end().await.unwrap();
    }
);

on_both!(only_an_inspectors_record_is_a_check, async |fixture: Fixture| {
    let fixture = visited(fixture).await;
    fixture.at(3, 9, 15);
    let check =
        |who: &str| format!("{VISITS},走访类型\n2022-03-09,{who},H1,王建国,,,无,,,,入户抽查\n");
    let error = fixture.import("s.csv", &check("Z6")).await.unwrap_err().to_string();
    assert!(error.contains("督导组"), "{error}");
    let before = open(&fixture, DutyKind::Inspection).await;
    fixture.import("s.csv", &check("D1")).await.unwrap();
    assert_eq!(
        open(&fixture, DutyKind::SpotCheck).await,
        ["督导组 2022-06-30"],
        "one village is left"
    );
    let after = open(&fixture, DutyKind::Inspection).await;
    assert_eq!(after.len() + 1, before.len(), "and that day's inspection is done");
    // A note of what was seen that day does the same.
    let staff = fixture.store.staff().await.unwrap();
    let by = staff.iter().find(|person| person.number == "D2").unwrap();
    let mut tx = fixture.store.begin().await.unwrap();
    assert!(note(&mut tx, date(2022, 3, 10), by, "明天").await.is_err(), "it isn't that day yet");
    note(&mut tx, date(2022, 3, 8), by, "到高桥村看了公示栏").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(open(&fixture, DutyKind::Inspection).await.len() + 2, before.len());
    is_sound(&fixture).await;
});

on_both!(the_group_inspects_on_each_workday, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    // Where there is no group, that is told; nobody owes what it would.
    assert!(open(&fixture, DutyKind::Inspection).await.is_empty());
    fixture.import("i.csv", INSPECTORS).await.unwrap();
    let days: Vec<String> = fixture
        .store
        .duty_lines("", 10_000)
        .await
        .unwrap()
        .into_iter()
        .filter(|line| line.kind == DutyKind::Inspection)
        .map(|line| line.due_on.to_string())
        .collect();
    // March to June 2022 have 82 weekdays and weekend days that are worked, without the days off.
    let table = include_str!("../../config/calendar/cn-workdays.csv");
    let said =
        |day: &str, kind: &str| table.lines().any(|l| l.starts_with(&format!("{day},{kind}")));
    let mut expected = Vec::new();
    let mut day = date(2022, 3, 1);
    while day <= date(2022, 6, 30) {
        let weekend = day.weekday().to_monday_zero_offset() >= 5;
        let name = day.to_string();
        if said(&name, "workday") || !weekend && !said(&name, "holiday") {
            expected.push(name);
        }
        day = day.tomorrow().unwrap();
    }
    assert_eq!(days, expected);
    assert!(
        expected.contains(&"2022-04-02".to_owned()) && !days.contains(&"2022-06-03".to_owned())
    );
});

on_both!(a_sample_is_drawn_again_alike_whatever_ended_since, async |fixture: Fixture| {
    let fixture = visited(fixture).await;
    let first = draw(&fixture, Size::InAll(6), 7).await;
    fixture.at(3, 9, 9);
    // Said later, of a day before: when it was drawn nobody knew. What comes back is no other either.
    let states = "对象编号,状态,状态日期\nH12,迁出,2022-03-06\nH13,迁出,2022-03-06\n";
    fixture.import("e.csv", states).await.unwrap();
    let again = draw(&fixture, Size::InAll(6), 7).await;
    assert!(again.repeated(7).unwrap().contains("抽出的一样"), "{:?}", again.repeated(7));
    // What is drawn now is drawn without them.
    let after = draw(&fixture, Size::InAll(1), 8).await;
    assert_eq!(after.population, 30 - 6 - ended_undrawn(&fixture, &["H12", "H13"]).await);
    fixture.at(3, 10, 9);
    fixture.import("b.csv", "对象编号,状态\nH12,在册\n").await.unwrap();
    for (seed, size) in [(7, 6), (8, 1)] {
        let again = draw(&fixture, Size::InAll(size), seed).await;
        let said = again.repeated(seed).unwrap();
        assert!(said.contains("抽出的一样"), "{said}");
    }
    assert_eq!(first.population, 30);
    is_sound(&fixture).await;
});

/// How many of these the first sample didn't draw.
async fn ended_undrawn(fixture: &Fixture, numbers: &[&str]) -> usize {
    let lines = lines(fixture).await;
    let is_drawn = |number: &str| lines.iter().filter(|line| line.subject == number).count();
    // The last one is the second sample's own.
    numbers.iter().filter(|number| is_drawn(number) == 0).count()
}

on_both!(
    what_was_drawn_and_not_checked_in_a_campaign_before_is_drawn_again,
    async |fixture: Fixture| {
        let fixture = visited(fixture).await;
        draw(&fixture, Size::InAll(30), 7).await;
        fixture.at(7, 11, 9);
        let text = include_str!("../../config/campaign.toml").replace("2022", "2023");
        let next = toml::from_str(&text).unwrap();
        zoufang::app::plan::apply(&fixture.store, &next, "D1", "新一年").await.unwrap();
        fixture.clock.set(fixture.clock.instant(date(2023, 3, 6).at(9, 0, 0, 0)));
        let visit = format!("{VISITS}\n2023-03-05,Z6,H10,王10,,,无,,,\n");
        fixture.import("v.csv", &visit).await.unwrap();
        let mut tx = fixture.store.begin().await.unwrap();
        let by =
            tx.staff().await.unwrap().into_iter().find(|person| person.number == "D1").unwrap();
        let new = NewDraw { size: Size::InAll(1), seed: 9, due_on: date(2023, 3, 14) };
        let drawn = draw_sample(&mut tx, &new, &by, &mut |_| 0).await.unwrap();
        assert_eq!((drawn.numbers.len(), drawn.population), (1, 1));
        tx.commit().await.unwrap();
        is_sound(&fixture).await;
    }
);
