//! Files that build on each other, tried together: what the trial says is what the import does. And official lists of areas.

use zoufang::intake::{Incoming, Options, Order, Report, try_together};

use crate::awkward::{refused, taken};
use crate::support::{AREAS, ASSIGNMENTS, Fixture, STAFF, SUBJECTS, VISITS, on_both};

/// A township in files, each of which needs those before it.
fn files() -> Vec<(&'static str, String)> {
    let visit = format!("{VISITS}\n2022-03-05,褚走,H1,王建国,,路灯不亮,有,,,\n");
    vec![
        ("a.csv", AREAS.to_owned()),
        ("s.csv", STAFF.to_owned()),
        ("o.csv", SUBJECTS.to_owned()),
        ("f.csv", ASSIGNMENTS.to_owned()),
        ("v.csv", visit),
        ("c.csv", "问题编号,责任层级,类别,轻重缓急\nCHD2022-000001,镇市联动,其他,急\n".to_owned()),
        ("h.csv", "问题编号,办理结果\nCHD2022-000001,已更换灯泡\n".to_owned()),
        ("r.csv", "上报编号,平台编号,办理状态,标题\nCHD2022-000001-R1,E1,已办结,路灯\n".to_owned()),
    ]
}

fn counts(report: &Report) -> (usize, usize, usize, usize, String, bool) {
    let Report { added, changed, same, unmatched, .. } = report;
    let before = report.imported_before.is_some();
    (*added, *changed, *same, unmatched.len(), report.rows_told(), before)
}

/// What the files would do, and what they do then, one after the other; to the first that is refused.
async fn both_ways(fixture: &Fixture, files: &[(&str, String)]) -> Vec<Result<Report, String>> {
    let options = Options::default();
    let mut all = Vec::new();
    for (name, text) in files {
        all.push(Incoming::look(name, text.clone().into_bytes(), &options).await.unwrap());
    }
    let all: Vec<&Incoming> = all.iter().collect();
    let before = format!("{:?}", fixture.store.figures().await.unwrap());
    let tried = try_together(&fixture.store, &all, &options).await.unwrap().unwrap();
    assert_eq!(before, format!("{:?}", fixture.store.figures().await.unwrap()));
    let (mut order, mut done) = (Order::of(&all), Vec::new());
    while let Some(at) = order.next_file() {
        let taken = all[at].import(&fixture.store, &options, &|_, _| {}).await;
        match &taken {
            Ok(_) => order.came_in(),
            Err(_) if order.waits(at) => continue,
            Err(_) => {}
        }
        done.push((at, taken));
        if done.last().is_some_and(|(_, taken)| taken.is_err()) {
            break;
        }
    }
    let shown = |(at, taken): &(usize, Result<Report, _>)| {
        (*at, taken.as_ref().map(counts).map_err(ToString::to_string))
    };
    let (said, did): (Vec<_>, Vec<_>) =
        (tried.iter().map(shown).collect(), done.iter().map(shown).collect());
    assert_eq!(said, did);
    done.into_iter().map(|(_, taken)| taken.map_err(|error| error.to_string())).collect()
}

on_both!(every_file_of_a_chain_does_what_its_trial_said, async |fixture: Fixture| {
    fixture.at(3, 20, 10);
    let mut files = files();
    files.reverse();
    let done = both_ways(&fixture, &files).await;
    assert_eq!(done.len(), files.len());
    let changed: usize =
        done.iter().map(|report| report.as_ref().unwrap()).map(|of| of.added + of.changed).sum();
    assert_eq!(changed, 4 + 7 + 3 + 3 + 1 + 1 + 1 + 1, "each row did something");
    // Once more, with a number put right in one of them and another file twice.
    files[4].1 = files[4].1.replace("Z6", "褚走");
    files.push(("again.csv", files[2].1.clone()));
    assert!(both_ways(&fixture, &files).await.iter().all(Result::is_ok));
});

on_both!(every_pair_of_files_does_what_its_trial_said, async |fixture: Fixture| {
    fixture.at(3, 20, 10);
    let files = files();
    for pair in files.windows(2) {
        assert!(both_ways(&fixture, pair).await.iter().all(Result::is_ok), "{}", pair[1].0);
    }
});

on_both!(what_a_refused_file_brought_helps_none_behind_it, async |fixture: Fixture| {
    fixture.at(3, 20, 10);
    let mut book = rust_xlsxwriter::Workbook::new();
    for (name, table) in
        [("区划", AREAS), ("人员", "人员编号,姓名,角色,所属区划\nZ6,褚走,走访人员,没有村\n")]
    {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        for (row, line) in table.lines().enumerate() {
            for (column, cell) in line.split(',').enumerate() {
                sheet.write_string(row as u32, column as u16, cell).unwrap();
            }
        }
    }
    let (options, bytes) = (Options::default(), book.save_to_buffer().unwrap());
    let mixed = Incoming::look("m.xlsx", bytes, &options).await.unwrap();
    let subjects = Incoming::look("o.csv", SUBJECTS.into(), &options).await.unwrap();
    let more = "区划名称,区划类型,上级区划\n柴胡店镇,镇,\n";
    let more = Incoming::look("b.csv", more.into(), &options).await.unwrap();
    let tried = try_together(&fixture.store, &[&subjects, &mixed, &more], &options).await.unwrap();
    let tried = tried.unwrap();
    let (at, refused) = tried.last().unwrap();
    assert_eq!((tried.len(), *at, refused.is_err()), (2, 1, true), "{tried:?}");
});

on_both!(a_sheet_of_returns_beside_others_is_read_as_what_it_is, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(4, 20, 10);
    fixture.visit("2022-03-05,Z6,H1,王建国,,路灯不亮,有,市直单办,其他,急").await.unwrap();
    let mut book = rust_xlsxwriter::Workbook::new();
    for (name, table) in [
        ("回执", "上报编号,平台编号,办理状态\nCHD2022-000001-R1,E1,已受理\n"),
        ("请假", "请假人,开始日期,结束日期\n褚走,2022-04-21,2022-04-22\n"),
    ] {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        for (row, line) in table.lines().enumerate() {
            for (column, cell) in line.split(',').enumerate() {
                sheet.write_string(row as u32, column as u16, cell).unwrap();
            }
        }
    }
    let report = taken(&fixture, "m.xlsx", book.save_to_buffer().unwrap()).await;
    assert_eq!((report.added, report.changed, report.unmatched.len()), (1, 1, 0));
});

on_both!(an_official_list_of_codes_says_by_them_what_lies_where, async |fixture: Fixture| {
    for (header, name) in [
        ("统计用区划代码,城乡分类代码,名称", "a.csv"),
        ("行政区划代码,城乡分类代码,单位名称", "b.csv"),
        ("代码,城乡分类代码,名称", "c.csv"),
        ("code,城乡分类代码,name", "d.csv"),
    ] {
        let table = format!(
            "{header}\n370481111201,220,杨桥村委会\n370481111200,220,高桥村委会\n370481111,,柴胡店镇\n370481,,滕州市\n"
        );
        let report = taken(&fixture, name, &table).await;
        assert_eq!((report.rows, report.added + report.same), (4, 4), "{name}");
    }
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let tree = snapshot.area_tree().await.unwrap();
    snapshot.end().await.unwrap();
    let village = tree.find("370481111200").unwrap();
    let upward: Vec<String> =
        tree.upward(&village.id).map(|area| format!("{}{}", area.kind, area.name)).collect();
    assert_eq!(upward, ["村高桥村委会", "镇街柴胡店镇", "县市滕州市"]);
    for (table, said) in [
        (
            "统计用区划代码,名称\n370481111203,大王楼镇\n",
            "「370481111203」是村一级的代码，「大王楼镇」却像镇街",
        ),
        ("统计用区划代码,名称\n370400000000,枣庄市\n", "不收省、市两级：请删掉这一行"),
        ("统计用区划代码,名称\n3704,枣庄市\n", "不收省、市两级：请删掉这一行"),
        ("统计用区划代码,名称\n,北桥村\n", "「区划类型」"),
        ("代码,名称\nA-01,螺丝\n", "看不出是不是区划表"),
    ] {
        let error = refused(&fixture, "x.csv", table).await;
        assert!(error.contains(said), "{said} in {error}");
    }
    // Nearer than its code says: within what the code says.
    let nearer = "区划名称,区划类型,上级区划\n第一总支,总支,柴胡店镇\n高桥村委会,村,第一总支\n";
    let report = taken(&fixture, "m.csv", nearer).await;
    assert_eq!((report.added, report.changed), (1, 1));
    // And there it stays.
    let again = "统计用区划代码,名称\n370481111200,高桥村委会\n";
    assert_eq!(taken(&fixture, "again.csv", again).await.same, 1);
});
