//! What comes in: good files in every spelling, and bad ones that change nothing.

use std::io::Write;

use zoufang::intake::{import, read_date};

use crate::support::{AREAS, Fixture, SUBJECTS, VISITS, areas, on_both};

async fn refused(fixture: &Fixture, name: &str, bytes: &[u8]) -> String {
    let before = format!("{:?}", fixture.store.figures().await.unwrap());
    let before_areas = areas(&fixture.store).await;
    let audit = fixture.store.audit_trail().await.unwrap().len();
    let error =
        import(&fixture.store, name, bytes, false, &|_, _| {}).await.unwrap_err().to_string();
    assert_eq!(
        format!("{:?}", fixture.store.figures().await.unwrap()),
        before,
        "{name} changed the record"
    );
    assert_eq!(areas(&fixture.store).await, before_areas, "{name} changed the record");
    assert_eq!(
        fixture.store.audit_trail().await.unwrap().len(),
        audit,
        "{name} changed the record"
    );
    assert!(error.contains(name), "{error}");
    error
}

fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in rows.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            sheet.write_string(row as u32, column as u16, *cell).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

on_both!(a_file_twice_changes_nothing_the_second_time, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    let line = "2022-03-05,褚走,H1,王建国,13800000001,路灯不亮,有,镇市联动,居住环境,急";
    let first = fixture.visit(line).await.unwrap();
    assert_eq!((first.added, first.imported_before), (1, None));
    let before = format!("{:?}", fixture.store.figures().await.unwrap());
    assert!(fixture.visit(line).await.unwrap().imported_before.is_some());
    // The same rows in another file are known as well.
    let again = fixture.import("other.csv", &format!("{VISITS}\n\n{line}\n")).await.unwrap();
    assert_eq!((again.added, again.changed, again.same), (0, 0, 1));
    assert_eq!(format!("{:?}", fixture.store.figures().await.unwrap()), before);
});

#[tokio::test]
async fn bad_files_are_refused_with_their_place_and_change_nothing() {
    let fixture = Fixture::sqlite().await.township().await;
    fixture.at(3, 5, 10);

    let error = refused(&fixture, "unknown.csv", "甲,乙\n1,2\n".as_bytes()).await;
    assert!(
        error.contains("第 1 行")
            && error.contains("第 1 列「甲」")
            && error.contains("没有一列是知道的"),
        "{error}"
    );

    let error = refused(
        &fixture,
        "code.csv",
        "区划代码,区划名称,区划类型,上级\n3704811112,新村,村,370481111000\n".as_bytes(),
    )
    .await;
    assert!(error.contains("第 2 行第 1 列「区划代码」") && error.contains("12 位"), "{error}");

    let twice = "2022-03-05,Z6,H1,王建国,,路灯不亮,有,,,";
    let error =
        refused(&fixture, "twice.csv", format!("{VISITS}\n{twice}\n{twice}\n").as_bytes()).await;
    assert!(error.contains("第 3 行第 4 列「群众姓名」：「王建国」与第 2 行重复"), "{error}");

    for empty in [&b""[..], b"\n\n", "\u{feff}".as_bytes()] {
        assert!(refused(&fixture, "empty.csv", empty).await.contains("空的"));
    }

    let error =
        refused(&fixture, "old.xlsx", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 old workbook").await;
    assert!(error.contains(".xls"), "{error}");

    let whole = workbook(&[&["对象编号", "走访人员"], &["H1", "褚走"]]);
    let error = refused(&fixture, "cut.xlsx", &whole[..whole.len() / 2]).await;
    assert!(error.contains("损坏"), "{error}");

    let mut huge = format!("{VISITS}\n2022-03-05,Z6,H1,王建国,,").into_bytes();
    huge.resize(huge.len() + (100 << 20), b'x');
    huge.extend_from_slice(",有,,,\n".as_bytes());
    let error = refused(&fixture, "huge.csv", &huge).await;
    assert!(error.contains("第 2 行第 6 列") && error.contains("太长"), "{error}");

    let header = "对象编号,走访人员,对象编号\nH1,褚走,H2\n";
    let error = refused(&fixture, "header.csv", header.as_bytes()).await;
    assert!(error.contains("第 3 列「对象编号」与第 1 列重复"), "{error}");

    let wrong = [
        "昨天,Z6,H1,王建国,,,无,,,",
        "3/5/2022,Z6,H1,王建国,,,无,,,",
        "2022-03-09,Z6,H1,王建国,,,无,,,",
        "2022-03-05,张没有,H1,王建国,,,无,,,",
        "2022-03-05,Z7,H1,王建国,,,无,,,",
        "2022-03-05,Z6,H99,王建国,,,无,,,",
        "2022-03-05,Z6,H1,,,,无,,,",
        "2022-03-05,Z6,H1,王建国,,路灯,有,省里,居住环境,急",
        "2022-03-05,Z6,H1,王建国,,,有,,,",
    ];
    let error =
        refused(&fixture, "rows.csv", format!("{VISITS}\n{}\n", wrong.join("\n")).as_bytes()).await;
    insta::assert_snapshot!(error);
}

#[tokio::test]
async fn a_hundred_megabyte_cell_in_a_workbook_is_refused() {
    let fixture = Fixture::sqlite().await.township().await;
    let sheet = format!(
        "<?xml version=\"1.0\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>\
         <row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>对象编号</t></is></c><c r=\"B1\" t=\"inlineStr\"><is><t>{}</t></is></c></row>\
         </sheetData></worksheet>",
        "x".repeat(100 << 20)
    );
    // A real workbook whose sheet is put in the place of its own.
    let whole = workbook(&[&["a"]]);
    let mut from = zip::ZipArchive::new(std::io::Cursor::new(whole)).unwrap();
    let mut to = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for index in 0..from.len() {
        let mut entry = from.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        to.start_file(name.clone(), zip::write::SimpleFileOptions::default()).unwrap();
        if name == "xl/worksheets/sheet1.xml" {
            to.write_all(sheet.as_bytes()).unwrap();
        } else {
            std::io::copy(&mut entry, &mut to).unwrap();
        }
    }
    let bytes = to.finish().unwrap().into_inner();
    let error = refused(&fixture, "huge.xlsx", &bytes).await;
    assert!(error.contains("第 1 行第 2 列") && error.contains("太长"), "{error}");
}

#[tokio::test]
async fn the_usual_spellings_are_understood() {
    let fixture = Fixture::sqlite().await.township().await;
    fixture.at(3, 20, 10);
    let encoded = encoding_rs::GB18030.encode("走访时间,走访人,户编号,被走访人,群众电话,意见建议,是否有问题\n2022年3月5日,褚走,H1,王建国,13800000001,无,无\n").0.into_owned();
    let marked = "\u{feff}日期*,走访人员 ,对象编号,群众姓名（本人）,反映问题,有无问题\n2022/3/6,Z6,H2,李秀英,,否\n".as_bytes().to_vec();
    let titled = workbook(&[
        &["附件4"],
        &["走访记录表"],
        &[
            "序号",
            "走访日期",
            "走访人员",
            "对象编号",
            "群众姓名",
            "有无问题",
            "反映问题",
            "责任层级",
            "类别",
            "轻重缓急",
        ],
        &["1", "20220307", "卫访", "H3", "赵掌柜", "是", "水压低", "市直", "其它", "一般"],
    ]);
    for (name, bytes) in [("gb.csv", encoded), ("bom.csv", marked), ("titled.xlsx", titled)] {
        let report = import(&fixture.store, name, &bytes, false, &|_, _| {})
            .await
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(report.added, 1, "{name}");
    }
    let figures = fixture.store.figures().await.unwrap();
    assert_eq!(
        (figures.counts.visited, figures.residents, figures.issues_by_level["city"]),
        (3, 3, 1)
    );
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_writes_nothing() {
    let fixture = Fixture::sqlite().await;
    let report = import(&fixture.store, "a.csv", AREAS.as_bytes(), true, &|_, _| {}).await.unwrap();
    assert_eq!(report.added, 4);
    assert!(areas(&fixture.store).await.is_empty());
    assert!(fixture.store.audit_trail().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_real_areas_of_the_whole_city_come_in() {
    let fixture = Fixture::sqlite().await;
    let city = include_str!("../../config/areas/tengzhou-areas.csv");
    let report = fixture.import("tengzhou-areas.csv", city).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(report.added, 1 + 21 + 1180);
    let town = include_str!("../../config/areas/chaihudian-areas.csv");
    let report = fixture.import("chaihudian-areas.csv", town).await.unwrap();
    assert_eq!((report.added, report.same), (0, 42));
    // Only the campaign's own villages owe anything.
    let duties = fixture.store.open_duties("2022-03-01".parse().unwrap()).await.unwrap();
    assert!(duties.iter().all(|(_, open, _)| *open == 41), "{duties:?}");
}

#[tokio::test]
async fn a_change_of_a_known_row_is_a_change() {
    let fixture = Fixture::sqlite().await.township().await;
    let changed = SUBJECTS.replace("高桥村2号", "高桥村22号");
    let report = fixture.import("o2.csv", &changed).await.unwrap();
    assert_eq!((report.added, report.changed, report.same), (0, 1, 2));
}

#[test]
fn dates_that_leave_a_doubt_are_not_guessed() {
    for text in ["05-03-2022", "22.3.5", "2022-13-01", "2022-02-29", "三月五日", "", "2022", "１"]
    {
        assert_eq!(read_date(text), None, "{text}");
    }
}
