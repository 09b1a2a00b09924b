//! Any order of rows, any split into files, named in any order, gives the same record.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use zoufang::db::{AssignmentOut, Page, SubjectOut, VisitOut};
use zoufang::intake::{Incoming, Options, Order};

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
                "{} {} {} {:?}",
                of.number,
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
