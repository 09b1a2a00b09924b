//! Any order of rows, any split into files, named in any order, gives the same record; and every table that is exported, taken into
//! an empty record and exported again, is equal cell by cell.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use zoufang::db::{AssignmentOut, Page, SubjectOut, VisitOut};
use zoufang::intake::{Incoming, Options, Order};

use crate::support::program::run;
use crate::support::{AREAS, ASSIGNMENTS, Fixture, STAFF, SUBJECTS, VISITS, areas};

const MORE_VISITS: &[&str] = &[
    "2022-03-05,Z6,H1,王建国,10000000101,路灯不亮,有,镇村自办,居住环境,急",
    "2022-03-05,褚走,H1,王建国,,低保没有批,有,市直单办,社会帮扶,一般",
    "2022-03-06,Z6,H1,李桂英,,,无,,,",
    "2022-03-08,Z6,H1,王建国,,,无,,,",
    "2022-03-06,Z6,H2,李秀英,10000000102,下水道堵,有,,,",
    "2022-03-07,Z7,H3,赵掌柜,,,无,,,",
    "2022-03-09,卫访,H3,赵掌柜,,电压不稳,有,市直,其他,长期",
];

const STATES: &str = "对象编号,状态,状态日期,状态说明";

/// The rows of all tables: which table each is of, and itself.
fn rows() -> Vec<(usize, String)> {
    let tables = tables();
    let rows = tables
        .iter()
        .enumerate()
        .flat_map(|(table, (_, rows))| rows.iter().map(move |row| (table, row.clone())));
    rows.collect()
}

/// Each table's header and rows.
fn tables() -> Vec<(String, Vec<String>)> {
    let split = |table: &str| {
        let mut lines = table.lines().map(str::to_owned);
        (lines.next().unwrap(), lines.collect())
    };
    let visits = MORE_VISITS.iter().map(|row| (*row).to_owned()).collect();
    [AREAS, STAFF, SUBJECTS, ASSIGNMENTS]
        .map(split)
        .into_iter()
        .chain([(VISITS.to_owned(), visits)])
        .chain([(STATES.to_owned(), vec!["H2,迁出,2022-03-19,搬到市里".to_owned()])])
        .collect()
}

async fn all<P: Page>(fixture: &Fixture, shown: impl Fn(&P) -> String) -> Vec<String> {
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let rows: Vec<P> = snapshot.page_of("", 10_000).await.unwrap();
    snapshot.end().await.unwrap();
    let mut shown: Vec<String> = rows.iter().map(shown).collect();
    shown.sort_unstable();
    shown
}

/// All that the record says, without the ids and numbers that it gave.
async fn record(fixture: &Fixture) -> Vec<String> {
    let context = fixture.store.context();
    let tree = areas(&fixture.store).await;
    let place = |id: &String| tree.iter().find(|area| area.id == *id).unwrap().name.clone();
    let mut said: Vec<String> = tree
        .iter()
        .map(|area| {
            format!("{:?} {} {:?}", area.code, area.name, area.parent_id.as_ref().map(place))
        })
        .collect();
    said.extend(
        all(fixture, |of: &SubjectOut| {
            format!(
                "{} {:?} {} {} {:?}",
                of.number,
                of.standing(context).unwrap(),
                of.kind,
                place(&of.area_id),
                of.open(context).unwrap()
            )
        })
        .await,
    );
    said.extend(all(fixture, |of: &AssignmentOut| format!("{} {}", of.subject, of.visitor)).await);
    said.extend(
        all(fixture, |of: &VisitOut| {
            let VisitOut { kind, visited_on, subject, visitor, level, category, urgency, .. } = of;
            let words = of.open(context).unwrap();
            format!("{kind} {visited_on} {subject} {visitor} {words:?} {level:?} {category:?} {urgency:?}")
        })
        .await,
    );
    said.push(format!("{:?}", fixture.store.figures().await.unwrap()));
    said
}

/// Takes rows as so many files, `at[n]` the file of the n-th.
async fn taken(rows: &[(usize, String)], at: &[usize]) -> Vec<String> {
    let fixture = Fixture::sqlite().await;
    fixture.at(3, 20, 10);
    let (tables, options) = (tables(), Options::default());
    let mut files: Vec<((usize, usize), String)> = Vec::new();
    for ((table, row), file) in rows.iter().zip(at) {
        // Areas that lie in each other stay together.
        let place = (*table, if *table == 0 { 0 } else { *file });
        if files.iter().all(|(of, _)| *of != place) {
            files.push((place, format!("{}\n", tables[*table].0)));
        }
        let file = files.iter_mut().find(|(of, _)| *of == place).unwrap();
        file.1.push_str(&format!("{row}\n"));
    }
    let mut looked = Vec::new();
    for (_, text) in &files {
        let file = Incoming::look("t.csv", text.clone().into_bytes(), &options).await.unwrap();
        looked.push(file);
    }
    let looked: Vec<&Incoming> = looked.iter().collect();
    let mut order = Order::of(&looked);
    while let Some(file) = order.next_file() {
        match looked[file].import(&fixture.store, &options, &|_, _| {}).await {
            Ok(_) => order.came_in(),
            Err(error) => assert!(order.waits(file), "{error}"),
        }
    }
    record(&fixture).await
}

#[test]
fn any_order_and_any_split_give_the_same_record() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rows = rows();
    let expected = runtime.block_on(taken(&rows, &vec![0; rows.len()]));
    let count = rows.len();
    let split = (Just(rows).prop_shuffle(), prop::collection::vec(0..3_usize, count));
    let cases = std::env::var("SPLITS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let same = |(rows, at): (Vec<(usize, String)>, Vec<usize>)| {
        prop_assert_eq!(&runtime.block_on(taken(&rows, &at)), &expected);
        Ok(())
    };
    runner.run(&split, same).unwrap();
}

/// The tables that are exported, each before what it needs.
const TABLES: [&str; 11] = [
    "areas",
    "staff",
    "subjects",
    "assignments",
    "residents",
    "visits",
    "absences",
    "classifications",
    "handlings",
    "issue_list",
    "states",
];

/// Everything that is exported, by kind; the rows in their order.
fn exported(folder: &Path) -> Vec<(&'static str, Vec<Vec<String>>)> {
    let table = |kind: &'static str| {
        let (code, out, error) = run(&["export", kind, "--reveal", "--by", "Z1"], folder);
        assert_eq!(code, 0, "{kind}: {error}");
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(out.as_bytes());
        let cells = |row: csv::Result<csv::StringRecord>| {
            row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let mut rows: Vec<Vec<String>> = rows.records().map(cells).collect();
        rows[1..].sort();
        (kind, rows)
    };
    TABLES.iter().map(|kind| table(kind)).collect()
}

fn take(folder: &Path, name: &str, table: &str) {
    std::fs::write(folder.join(name), table).unwrap();
    let (code, _, error) = run(&["import", name], folder);
    assert_eq!(code, 0, "{name}: {error}");
}

fn empty_record() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(&["key", "zoufang.key"], folder.path()).0, 0);
    folder
}

#[test]
fn every_table_comes_again_equal_cell_by_cell() {
    let first = empty_record();
    for (name, table) in [
        ("a.csv", AREAS.to_owned()),
        ("s.csv", STAFF.to_owned()),
        ("o.csv", SUBJECTS.to_owned()),
        ("f.csv", ASSIGNMENTS.to_owned()),
        (
            "r.csv",
            "对象编号,群众姓名,未走访原因,联系方式\nH2,李小军,外出务工,10000000109\nH1,王建国,,\n"
                .to_owned(),
        ),
        (
            "v.csv",
            format!(
                "{VISITS}\n{}\n2022-03-09,Z6,H1,王建国,,\"=1+1，\"\"急\"\"\n第二行\",有,,,\n",
                MORE_VISITS.join("\n")
            ),
        ),
        ("d.csv", "问题编号,办理结果,办理人\nCHD2022-000001,已更换灯泡,陈网\n".to_owned()),
        ("e.csv", format!("{STATES}\nH2,迁出,2022-03-19,\"搬到市里，与儿子住\"\n")),
        ("q.csv", "请假人,开始日期,结束日期,代办人\nZ6,2022-04-01,2022-04-03,Z5\n".to_owned()),
    ] {
        take(first.path(), name, &table);
    }
    let tables = exported(first.path());
    let second = empty_record();
    for kind in TABLES {
        let (code, out, error) = run(&["export", kind, "--reveal", "--by", "Z1"], first.path());
        assert_eq!(code, 0, "{kind}: {error}");
        take(second.path(), &format!("{kind}.csv"), &out);
    }
    for ((kind, before), (_, after)) in tables.iter().zip(exported(second.path())) {
        assert!(before.len() > 1, "{kind} holds something");
        assert_eq!(*before, after, "{kind}");
    }
}

/// A record of the small township in which somebody asked for something.
fn one_issue(heard: &str) -> tempfile::TempDir {
    let folder = empty_record();
    let base = [("a.csv", AREAS), ("s.csv", STAFF), ("o.csv", SUBJECTS), ("f.csv", ASSIGNMENTS)];
    for (name, table) in base {
        take(folder.path(), name, table);
    }
    take(folder.path(), "v.csv", heard);
    folder
}

fn told(folder: &Path, words: &[&str]) -> String {
    let (code, out, error) = run(&[words, &["--reveal", "--by", "Z1"]].concat(), folder);
    assert_eq!(code, 0, "{words:?}: {error}");
    out
}

#[test]
fn why_somebody_was_not_satisfied_comes_again() {
    let first = one_issue(&format!("{VISITS}\n{}\n", MORE_VISITS[0]));
    let done = "问题编号,办理结果,办理人\nCHD2022-000001,已更换灯泡,陈网\n";
    take(first.path(), "d.csv", done);
    let header = "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,反映问题";
    let why = "修好两天又不亮";
    let again = format!("{header}\n2022-03-12,Z6,H1,王建国,回访,不满意,{why}\n");
    take(first.path(), "b.csv", &again);
    let exported = told(first.path(), &["export", "visits"]);
    assert_eq!(exported.matches(why).count(), 1, "{exported}");
    let (_, hidden, _) = run(&["export", "visits"], first.path());
    assert!(!hidden.contains(why) && hidden.contains("***"), "{hidden}");
    let shown = |folder: &Path| told(folder, &["issue", "show", "CHD2022-000001"]);
    let words = format!("：群众回访时不满意：{why}\n");
    let before = shown(first.path());
    assert!(before.contains(&words), "{before}");
    // It's known here.
    take(first.path(), "again.csv", &exported);
    assert_eq!(told(first.path(), &["export", "visits"]), exported);
    assert_eq!(shown(first.path()).matches("群众回访时不满意").count(), 1);
    // Elsewhere it's done anew for the same words.
    let heard: Vec<&str> = exported.lines().filter(|line| !line.contains("回访,")).collect();
    let second = one_issue(&format!("{}\n", heard.join("\n")));
    take(second.path(), "d.csv", done);
    take(second.path(), "again.csv", &exported);
    let after = shown(second.path());
    assert!(after.contains(&words), "{after}");
    assert_eq!(told(second.path(), &["export", "visits"]), exported);
}

#[test]
fn mediations_come_again() {
    let heard = format!("{VISITS}\n{}\n", MORE_VISITS[0]);
    let first = one_issue(&heard);
    let header = "问题编号,调解日期,调解人,当事人,调解协议,约定回访日期,实际回访日期,是否履行,履行情况,回访人";
    let rows = "CHD2022-000001,2022-03-08,赵六,王建国、李四,以滴水线为界,2022-03-12,2022-03-12,履行,都照办,Z5\n\
                CHD2022-000001,2022-03-06,赵六,王建国、李四,,,,,,\n";
    take(first.path(), "m.csv", &format!("{header}\n{rows}"));
    let exported = told(first.path(), &["mediation", "list"]);
    assert!(exported.contains("都照办,Z5"), "{exported}");
    let second = one_issue(&heard);
    take(second.path(), "m.csv", &exported);
    // Whatever has one number for each row stands in its order.
    for kind in ["subjects", "assignments"] {
        let of = |folder: &Path| told(folder, &["export", kind]);
        assert_eq!(of(first.path()), of(second.path()), "{kind}");
    }
    assert_eq!(told(second.path(), &["mediation", "list"]), exported);
    take(second.path(), "again.csv", &format!("{exported}\n"));
    assert_eq!(told(second.path(), &["mediation", "list"]), exported);
}
