//! Files as people really make them: each kind of trouble, with what must come of it.

use rust_xlsxwriter::{Format, Workbook};
use zoufang::app::choices::{Alike, Choices};
use zoufang::intake::{Bounds, ImportError, Incoming, Options, Report};

use crate::support::{Fixture, STAFF, VISITS, on_both};

pub async fn take(
    fixture: &Fixture,
    name: &str,
    bytes: impl AsRef<[u8]>,
    options: &Options,
) -> Result<Report, ImportError> {
    let file = Incoming::look(name, bytes.as_ref().to_vec(), options).await?;
    file.import(&fixture.store, options, &|_, _| {}).await
}

pub async fn taken(fixture: &Fixture, name: &str, bytes: impl AsRef<[u8]>) -> Report {
    take(fixture, name, bytes, &Options::default()).await.unwrap_or_else(|error| panic!("{error}"))
}

pub async fn refused(fixture: &Fixture, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let before = format!("{:?}", fixture.store.figures().await.unwrap());
    let outcome = take(fixture, name, bytes, &Options::default()).await;
    let after = format!("{:?}", fixture.store.figures().await.unwrap());
    assert_eq!(before, after, "{name} changed the record");
    match outcome {
        Err(error) => error.to_string(),
        Ok(report) => panic!("{name} was taken: {report:?}"),
    }
}

pub async fn at_work() -> Fixture {
    let fixture = Fixture::sqlite().await.township().await;
    fixture.at(3, 20, 10);
    fixture
}

type Rows<'r> = &'r [&'r [&'r str]];

fn sheet(workbook: &mut Workbook, name: &str, rows: Rows<'_>) {
    let sheet = workbook.add_worksheet().set_name(name).unwrap();
    for (row, cells) in rows.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            sheet.write_string(row as u32, column as u16, *cell).unwrap();
        }
    }
}

fn workbook(sheets: &[(&str, Rows<'_>)]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    for (name, rows) in sheets {
        sheet(&mut workbook, name, rows);
    }
    workbook.save_to_buffer().unwrap()
}

fn visit(on: &str, subject: &str, name: &str, rest: &str) -> String {
    format!("{VISITS}\n{on},Z6,{subject},{name},{rest}\n")
}

#[tokio::test]
async fn every_sheet_is_read_as_what_it_is() {
    let fixture = Fixture::sqlite().await;
    fixture.at(3, 20, 10);
    let header: &[&str] = &["走访日期", "走访人员", "对象编号", "群众姓名", "有无问题", "反映问题"];
    let book = workbook(&[
        ("封面", &[&["大走访汇总"], &["填报单位", "第一总支"]]),
        ("高桥村", &[header, &["2022-03-05", "褚走", "H1", "王建国", "有", "路灯不亮"]]),
        ("杨桥村", &[&["杨桥村"], header, &["2022-03-06", "褚走", "H2", "李秀英", "无"]]),
        ("安排", &[&["对象编号", "走访人员"], &["H1", "褚走"], &["H2", "褚走"]]),
        (
            "对象",
            &[
                &["对象编号", "对象类型", "对象名称", "所属村"],
                &["H1", "家庭", "王建国", "高桥村"],
                &["H2", "家庭", "李秀英", "高桥村"],
            ],
        ),
        (
            "人员",
            &[&["人员编号", "姓名", "角色", "所属区划"], &["Z6", "褚走", "走访人员", "高桥村"]],
        ),
        (
            "区划",
            &[
                &["区划代码", "区划名称", "区划类型", "上级区划"],
                &["370481111000", "柴胡店镇", "镇", "370481000000"],
                &["370481111200", "高桥村", "村", "柴胡店镇"],
            ],
        ),
    ]);
    let tried = Options { dry_run: true, ..Options::default() };
    let report = take(&fixture, "all.xlsx", &book, &tried).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((report.rows, report.added), (9, 9));
    assert!(fixture.store.area_tree().await.unwrap().all().next().is_none());
    let report = taken(&fixture, "all.xlsx", &book).await;
    assert_eq!((report.rows, report.added), (9, 9));
    let told = report.understood().join("\n");
    assert!(told.contains("工作表「封面」不是能导入的表，没有读"), "{told}");
    assert!(told.contains("工作表「杨桥村」：走访记录表（附件4） 1 行，表头在第 2 行"), "{told}");
    assert_eq!(fixture.store.figures().await.unwrap().counts.visited, 2);
}

#[tokio::test]
async fn what_is_hidden_is_named() {
    let fixture = at_work().await;
    let mut book = Workbook::new();
    sheet(&mut book, "去年", &[&["对象编号", "走访人员"], &["H3", "褚走"]]);
    sheet(
        &mut book,
        "今年",
        &[&["对象编号", "备注", "走访人员"], &["H1", "", "褚走"], &["H2", "重点", "褚走"]],
    );
    book.worksheet_from_index(0).unwrap().set_hidden(true);
    let this_year = book.worksheet_from_index(1).unwrap();
    this_year.set_active(true);
    this_year.set_row_hidden(2).unwrap();
    this_year.set_column_hidden(1).unwrap();
    let report = taken(&fixture, "hidden.xlsx", book.save_to_buffer().unwrap()).await;
    let told = report.understood().join("\n");
    for expected in [
        "工作表「去年」是隐藏的，没有读",
        "隐藏的行也读了：第 3 行",
        "没有用到的列：备注",
        "隐藏的列也在表里：备注",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    assert_eq!(report.rows, 2);
}

#[tokio::test]
async fn merged_cells_say_it_of_each_row_and_two_rows_of_names_are_one() {
    let fixture = at_work().await;
    let mut book = Workbook::new();
    sheet(
        &mut book,
        "记录",
        &[
            &["", "", "", "", "", "", ""],
            &["", "", "", "姓名", "电话", "有无问题", "反映问题"],
            &["", "", "H1", "王建国", "", "有", "路灯不亮"],
            &["", "", "H2", "李秀英", "", "有", "下水道堵"],
        ],
    );
    let plain = Format::new();
    let only = book.worksheet_from_index(0).unwrap();
    for (column, name) in [(0, "走访日期"), (1, "走访人员"), (2, "对象编号")] {
        only.merge_range(0, column, 1, column, name, &plain).unwrap();
    }
    only.merge_range(0, 3, 0, 4, "群众", &plain).unwrap();
    only.merge_range(0, 5, 0, 6, "诉求", &plain).unwrap();
    only.merge_range(2, 0, 3, 0, "2022-03-05", &plain).unwrap();
    only.merge_range(2, 1, 3, 1, "褚走", &plain).unwrap();
    let report = taken(&fixture, "merged.xlsx", book.save_to_buffer().unwrap()).await;
    assert_eq!((report.rows, report.added), (2, 2));
    let figures = fixture.store.figures().await.unwrap();
    assert_eq!((figures.counts.visited, figures.residents), (2, 2));
}

#[tokio::test]
async fn rows_that_are_none_are_passed_over_and_named() {
    let fixture = at_work().await;
    let table = "序号,对象编号,走访人员\n1,H1,褚走\n2,H2,褚走\n3,,\n4,,\n序号,对象编号,走访人员\n合计,2户,1人\n填表人：冯包,,\n";
    let report = taken(&fixture, "rows.csv", table).await;
    let told = report.understood().join("\n");
    for expected in [
        "没有用到的列：序号",
        "第 4–5 行没有读",
        "第 6 行没有读（又是表头）",
        "第 7 行没有读（「合计」）",
        "第 8 行没有读",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    assert_eq!(report.rows, 2);
}

#[tokio::test]
async fn a_far_cell_and_a_large_table_cost_nothing() {
    let fixture = at_work().await;
    let mut book = Workbook::new();
    sheet(&mut book, "安排", &[&["对象编号", "走访人员"], &["H1", "褚走"]]);
    let only = book.worksheet_from_index(0).unwrap();
    only.write_string(1_048_575, 16_383, "x").unwrap();
    let error = refused(&fixture, "far.xlsx", book.save_to_buffer().unwrap()).await;
    assert!(error.contains("XFD1048576"), "{error}");

    let mut book = Workbook::new();
    sheet(&mut book, "安排", &[&["对象编号", "走访人员"], &["H1", "褚走"]]);
    let border = Format::new().set_border(rust_xlsxwriter::FormatBorder::Thin);
    let only = book.worksheet_from_index(0).unwrap();
    for row in 2..60_000 {
        only.write_blank(row, 0, &border).unwrap();
    }
    let styled = book.save_to_buffer().unwrap();
    assert_eq!(taken(&fixture, "styled.xlsx", &styled).await.rows, 1);

    let narrow =
        Options { bounds: Bounds { unpacked_mib: 1, ..Bounds::default() }, ..Options::default() };
    let error = take(&fixture, "styled2.xlsx", &styled, &narrow).await.unwrap_err().to_string();
    assert!(error.contains("解开后") && error.contains("上限 1 MB"), "{error}");
    let few = Options { bounds: Bounds { rows: 2, ..Bounds::default() }, ..Options::default() };
    let table = "对象编号,走访人员\nH1,褚走\nH2,褚走\n";
    let error = take(&fixture, "long.csv", table, &few).await.unwrap_err().to_string();
    assert!(error.contains("超过 2 行"), "{error}");
}

on_both!(a_column_that_is_not_there_changes_nothing, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    let phone = async || {
        let snapshot = fixture.store.snapshot().await.unwrap();
        let mut snapshot = snapshot;
        let known = snapshot.known_staff().await.unwrap();
        let known = known.into_iter().find(|known| known.person.number == "Z6").unwrap();
        snapshot.end().await.unwrap();
        (known.addresses.phone, known.person.unit)
    };
    let known = (Some("10000000006".to_owned()), "高桥村".to_owned());
    let without = "人员编号,姓名,角色,所属区划\nZ6,褚走,走访人员、村两委,高桥村\n";
    assert_eq!(taken(&fixture, "without.csv", without).await.same, 1);
    assert_eq!(phone().await, known);
    let blank = "人员编号,姓名,角色,所属区划,手机号\nZ6,褚走,走访人员、村两委,高桥村,\n";
    let error = refused(&fixture, "blank.csv", blank).await;
    assert!(error.contains("第 2 行第 5 列「手机号」") && error.contains("--clear"), "{error}");
    assert_eq!(phone().await, known);
    let clear = Options { clear: true, ..Options::default() };
    assert_eq!(take(&fixture, "blank.csv", blank, &clear).await.unwrap().changed, 1);
    assert_eq!(phone().await, (None, "高桥村".to_owned()));

    let subjects = "对象编号,对象类型,对象名称,所属村\nH1,家庭,王建国,高桥村\n";
    assert_eq!(taken(&fixture, "subjects.csv", subjects).await.same, 1);
    let subjects = "对象编号,对象类型,对象名称,所属村,地址\nH1,家庭,王建国,高桥村,\n";
    assert!(refused(&fixture, "blank-address.csv", subjects).await.contains("「地址」"));
    let areas = "区划代码,区划名称,区划类型\n370481111200,高桥村委会,村\n";
    let report = taken(&fixture, "areas.csv", areas).await;
    assert_eq!(report.same, 1);
    assert!(!report.understood().join("").contains("上级区划"), "where it lies is known");
    // The roster says it of people: an excuse stays where its column is blank and nobody clears it.
    let roster = "对象编号,群众姓名,未走访原因,联系方式\nH1,王建国,外出务工,10000000101\n";
    assert_eq!(taken(&fixture, "roster.csv", roster).await.added, 1);
    let roster = "对象编号,群众姓名,未走访原因\nH1,王建国,\n";
    assert!(refused(&fixture, "roster2.csv", roster).await.contains("「未走访原因」"));
    assert_eq!(take(&fixture, "roster2.csv", roster, &clear).await.unwrap().changed, 1);
});

on_both!(a_visit_record_again_says_what_is_new, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    taken(&fixture, "1.csv", visit("2022-03-05", "H1", "王建国", "10000000101,下水道堵,有,,,"))
        .await;
    // The level filled in classifies.
    let classified =
        visit("2022-03-05", "H1", "王建国", "10000000101,下水道堵,有,镇村自办,居住环境,急");
    assert_eq!(taken(&fixture, "2.csv", &classified).await.changed, 1);
    let figures = fixture.store.figures().await.unwrap();
    assert_eq!((figures.issues_by_level["town"], figures.residents), (1, 1));
    // Another level is left alone, and said.
    let other = visit("2022-03-05", "H1", "王建国", "10000000101,下水道堵,有,市直,居住环境,急");
    let report = taken(&fixture, "3.csv", &other).await;
    assert_eq!((report.same, report.remarks.len()), (1, 1));
    // A mended text is asked about; what counts or points makes another thing.
    let mended = visit("2022-03-05", "H1", "王建国", ",下水道堵塞,有,,,");
    let error = refused(&fixture, "4.csv", &mended).await;
    assert!(error.contains("CHD2022-000001") && error.contains("--alike"), "{error}");
    let correction = Options {
        choices: Choices { alike: Alike::Correction, ..Choices::default() },
        ..Options::default()
    };
    assert_eq!(take(&fixture, "4.csv", &mended, &correction).await.unwrap().changed, 1);
    assert_eq!(fixture.store.figures().await.unwrap().counts.issues, 1);
    let report = taken(&fixture, "5.csv", format!("{mended}\n")).await;
    assert_eq!((report.same, report.added), (1, 0));
    let two = visit("2022-03-06", "H2", "李秀英", ",3号楼路灯不亮,有,,,");
    taken(&fixture, "6.csv", &two).await;
    let two = visit("2022-03-06", "H2", "李秀英", ",5号楼路灯不亮,有,,,");
    assert_eq!(taken(&fixture, "7.csv", &two).await.added, 1);
    assert_eq!(fixture.store.figures().await.unwrap().counts.issues, 3);
});

on_both!(two_people_of_one_name_are_asked_about, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    let lines =
        "2022-03-05,Z6,H1,王伟,10000000111,,无,,,\n2022-03-05,Z6,H1,王伟,10000000112,,无,,,";
    let error = refused(&fixture, "two.csv", format!("{VISITS}\n{lines}\n")).await;
    assert!(
        error.contains("第 3 行第 5 列「联系方式」") && error.contains("--same-person"),
        "{error}"
    );
    taken(&fixture, "one.csv", visit("2022-03-05", "H1", "王伟", "10000000111,,无,,,")).await;
    let moved = visit("2022-03-06", "H1", "王伟", "10000000112,,无,,,");
    assert!(refused(&fixture, "moved.csv", &moved).await.contains("换了号码"));
    let same = Options {
        choices: Choices { same_person: true, ..Choices::default() },
        ..Options::default()
    };
    assert_eq!(take(&fixture, "moved.csv", &moved, &same).await.unwrap().added, 1);
    // Written with blanks it's the same number.
    let spaced = visit("2022-03-07", "H1", "王　伟", "100 0000 0112,,无,,,");
    assert_eq!(taken(&fixture, "spaced.csv", &spaced).await.added, 1);
    assert_eq!(fixture.store.figures().await.unwrap().residents, 1);
});

on_both!(an_area_is_given_to_one_visitor, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let more = "对象编号,对象类型,对象名称,所属村\nH11,家庭,孙一,高桥村\nH12,商铺,百货,高桥村\nH13,家庭,钱二,杨桥村\n";
    taken(&fixture, "more.csv", more).await;
    let plan = "走访区域,对象类型,走访人员\n第一总支,,Z7\n高桥村,,Z6\n高桥村,商铺,Z5\n";
    let report = taken(&fixture, "plan.csv", plan).await;
    assert_eq!((report.rows, report.added), (3, 3));
    let visitors = async |numbers: &[&str]| {
        let mut snapshot = fixture.store.snapshot().await.unwrap();
        let staff = snapshot.staff().await.unwrap();
        let mut places = snapshot.subjects_numbered(numbers).await.unwrap();
        snapshot.end().await.unwrap();
        places.sort_by(|one, other| one.number.cmp(&other.number));
        let number =
            |id: &String| staff.iter().find(|person| person.id == *id).unwrap().number.clone();
        places
            .iter()
            .map(|place| place.visitor.as_ref().map(number).unwrap_or_default())
            .collect::<Vec<_>>()
    };
    assert_eq!(visitors(&["H1", "H11", "H12", "H13", "H3"]).await, ["Z6", "Z6", "Z5", "Z7", "Z7"]);
    let again = taken(&fixture, "again.csv", format!("{plan}\n")).await;
    assert_eq!(again.same, 3);
    let two = "走访区域,走访人员\n高桥村,Z6\n高桥村委会,Z7\n";
    let error = refused(&fixture, "two.csv", two).await;
    assert!(error.contains("第 3 行") && error.contains("只能有一个走访人"), "{error}");
});

on_both!(a_list_of_issues_comes_back, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 6, 10);
    taken(
        &fixture,
        "1.csv",
        visit("2022-03-05", "H1", "王建国", ",路灯不亮,有,镇村自办,居住环境,急"),
    )
    .await;
    taken(&fixture, "2.csv", visit("2022-03-05", "H2", "李秀英", ",下水道堵,有,,,")).await;
    let header = "问题编号,状态,村,对象编号,反映问题,责任层级,类别,轻重缓急,办结期限,办理结果";
    let one = "CHD2022-000001,已分类,高桥村委会,H1,路灯不亮,镇村自办,居住环境,急,2022-03-20";
    let two = "CHD2022-000002,已登记,高桥村委会,H2,下水道堵";
    let due = async || {
        let mut snapshot = fixture.store.snapshot().await.unwrap();
        let row = snapshot.issue_numbered("CHD2022-000001").await.unwrap();
        snapshot.end().await.unwrap();
        (row.due_on().unwrap(), row.version)
    };
    let before = due().await;
    fixture.at(3, 14, 10);
    let untouched = taken(&fixture, "l1.csv", format!("{header}\n{one},\n{two},,,,,\n")).await;
    assert_eq!((untouched.same, untouched.added), (2, 0));
    let level = format!("{header}\n{one},\n{two},镇村自办,居住环境,,,\n");
    let report = taken(&fixture, "l2.csv", &level).await;
    assert_eq!((report.same, report.added), (1, 1));
    assert_eq!(due().await, before, "a row that nobody touched moved");
    let result = format!("{header}\n{one},已换灯\n{two},镇村自办,居住环境,一般,,\n");
    let report = taken(&fixture, "l3.csv", &result).await;
    assert_eq!((report.same, report.added), (1, 1));
    let again = taken(&fixture, "l4.csv", format!("{result}\n")).await;
    assert_eq!((again.same, again.added), (2, 0));
});

#[tokio::test]
async fn whoever_has_no_number_column_is_asked_what_the_column_is() {
    let fixture = at_work().await;
    let table = "走访日期,走访人员,对象编号,群众姓名,联系电话号码,反映问题,有无问题,责任层次,问题类型,紧急度\n2022-03-05,Z6,H1,王建国,,漏气,有,市直,居住环境,急\n";
    let error = refused(&fixture, "names.csv", table).await;
    for name in ["联系电话号码", "责任层次", "问题类型", "紧急度"] {
        assert!(error.contains(&format!("「{name}」不认识")), "{name} in {error}");
    }
    let ignored = ["联系电话号码", "责任层次", "问题类型", "紧急度"].map(str::to_owned).to_vec();
    let options = Options { ignored, ..Options::default() };
    let report = take(&fixture, "names.csv", table, &options).await.unwrap();
    assert_eq!(report.added, 1);
    assert!(report.understood().join("").contains("没有用到的列：联系电话号码"));
}

/// The same two visits as other programs write them: each gives the same record.
#[tokio::test]
async fn every_programs_habits_give_the_same() {
    let canonical = format!(
        "{VISITS}\n2022-03-05,Z6,H1,王建国,10000000101,路灯不亮,有,镇村自办,居住环境,急\n\
         2022-03-06,Z6,H2,李秀英,,,无,,,\n"
    );
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/habits");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 12, "{files:?}");
    for file in files {
        let fixture = at_work().await;
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let report = taken(&fixture, &name, std::fs::read(&file).unwrap()).await;
        assert_eq!((report.rows, report.added), (2, 2), "{name}");
        let again = taken(&fixture, "canonical.csv", &canonical).await;
        assert_eq!(
            (again.same, again.added, again.changed, again.remarks.len()),
            (2, 0, 0, 0),
            "{name}"
        );
    }
}

/// Every refusal, to be read aloud.
#[tokio::test]
async fn every_refusal_says_where_what_and_what_to_do() {
    let fixture = at_work().await;
    let mut said = Vec::new();
    for (name, bytes) in wrong_files().into_iter().chain(crate::packages::wrong_files()) {
        said.push(refused(&fixture, name, bytes).await);
    }
    // What contradicts the record.
    let issue = visit("2022-03-05", "H1", "王建国", ",路灯不亮,有,镇村自办,居住环境,急");
    taken(&fixture, "v.csv", issue).await;
    for (name, text) in contradicting_files() {
        said.push(refused(&fixture, name, text).await);
    }
    insta::assert_snapshot!(said.join("\n\n"));
    for text in &said {
        let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 2);
        let own = [
            "xlsx",
            "xls",
            "csv",
            "pdf",
            "png",
            "zip",
            "numbers",
            "zoufang",
            "import",
            "ignore",
            "column",
            "clear",
            "same",
            "person",
            "subject",
            "area",
            "reveal",
            "alike",
            "correction",
            "another",
            "Excel",
            "WPS",
            "Numbers",
            "PDF",
            "issue",
            "void",
            "reason",
            "CHD",
            "qian",
            "name",
            "example",
            "REF",
            "NUM",
            "SPILL",
            "ods",
            "ofd",
            "heic",
            "tar",
        ];
        let words: Vec<&str> = words.filter(|word| !own.contains(word)).collect();
        assert!(words.is_empty(), "{words:?} in {text}");
    }
}

fn wrong_files() -> Vec<(&'static str, Vec<u8>)> {
    let visits = |rows: &str| format!("{VISITS}\n{rows}\n").into_bytes();
    let table = |text: &str| text.as_bytes().to_vec();
    let ole = |name: &str| crate::packages::container(name, b"");
    let mut numbers = Workbook::new();
    let only = numbers.add_worksheet();
    for (column, name) in ["平台编号", "办理状态", "上报编号"].iter().enumerate() {
        only.write_string(0, column as u16, *name).unwrap();
    }
    only.write_number(1, 0, 202_204_210_830_001_234.0).unwrap();
    only.write_string(1, 1, "已受理").unwrap();
    let whole = workbook(&[("安排", &[&["对象编号", "走访人员"], &["H1", "褚走"]])]);
    vec![
        ("a1.csv", Vec::new()),
        ("a2.xlsx", whole[..whole.len() / 2].to_vec()),
        ("a3.pdf", table("%PDF-1.7\n")),
        ("a4.xls", table("<html><table><tr><td>对象编号</td></tr></table></html>")),
        ("a5.xlsx", ole("EncryptedPackage")),
        ("a6.xlsx", ole("WordDocument")),
        ("a7.png", b"\x89PNG\r\n".to_vec()),
        ("a8.zip", zip_of("其他/文件.txt")),
        ("a9.numbers", zip_of("Index/Document.iwa")),
        ("b1.csv", table("甲,乙\n1,2\n")),
        (
            "b2.csv",
            table(
                "走访日期,走访人员,对象编号,姓名,反映问题,有无问题\n2022-03-05,Z6,H1,王建国,漏气,有\n",
            ),
        ),
        ("b3.csv", table("对象编号,走访人员,走访人\nH1,褚走,卫访\n")),
        (
            "b4.csv",
            table(
                "走访日期,走访人员,对象编号,群众姓名,有无问题,反映问题,责任层次\n2022-03-05,Z6,H1,王建国,有,漏气,市直\n",
            ),
        ),
        (
            "b5.xlsx",
            workbook(&[
                ("高桥", &[&["对象编号", "走访人员"], &["H1", "褚走"]]),
                ("杨桥", &[&["对象编号", "走访人", "走访人员"], &["H3", "卫访", "卫访"]]),
            ]),
        ),
        ("c1.csv", table("对象编号,走访人员,备注\nH1,褚走,\"甲\nH2,褚走,\n")),
        ("c2.csv", table("对象编号,走访人员\nH1,王\u{e000}\nH2,#N/A\n3.70481E+11,褚走\n")),
        (
            "c3.csv",
            [&encoding_rs::GB18030.encode("对象编号,走访人员\nH1,褚").0[..], b"\x90\n"].concat(),
        ),
        ("c4.xlsx", numbers.save_to_buffer().unwrap()),
        (
            "d1.csv",
            visits(
                "昨天,Z6,H1,王建国,,,无,,,\n2012-03-05,Z6,H1,王建国,,,无,,,\n2022-03-25,Z6,H1,王建国,,,无,,,",
            ),
        ),
        (
            "d2.csv",
            visits(
                "2022-03-05,张没有,H1,王建国,,,无,,,\n2022-03-05,Z7,H1,王建国,,,无,,,\n2022-03-05,Z6,H99,王建国,,,无,,,",
            ),
        ),
        (
            "d3.csv",
            visits(
                "2022-03-05,Z6,H1,,,,也许,,,\n2022-03-05,Z6,H1,王建国,,水管漏,无,,,\n2022-03-05,Z6,H1,王建国,,,有,省里,,",
            ),
        ),
        ("d4.csv", visits("2022-03-05,Z6,H1,王建国,,,无,,,\n2022-03-05,Z6,H1,王建国,,,无,,,")),
        (
            "d5.csv",
            table(
                "人员编号,姓名,角色,所属区划,邮箱\nZ9,钱九,村长,高桥村,qian\nZ9,孙十,走访人员,高山村,\n",
            ),
        ),
        ("d6.csv", table("区划代码,区划名称,区划类型,上级区划\n3704811112,新村,村,高山镇\n")),
        ("d7.csv", table("问题编号,责任层级,类别\nCHD2022-999999,市直,其他\n")),
        ("d8.csv", STAFF.replace("10000000006", "").into_bytes()),
    ]
}

fn contradicting_files() -> Vec<(&'static str, String)> {
    let visits = |rows: &str| format!("{VISITS}\n{rows}\n");
    let table = |text: &str| text.to_owned();
    vec![
        ("e1.csv", table("对象编号,对象类型,对象名称,所属村\nH1,家庭,李四,杨桥村\n")),
        (
            "e2.csv",
            table("区划代码,区划名称,区划类型,上级区划\n370481111200,西桥村委会,村,第一总支\n"),
        ),
        ("e3.csv", table("问题编号,办理结果\nCHD2022-000001,已联系供电所，预计月底修好\n")),
        ("e4.csv", visits("2022-03-06,Z6,H1,王建国,,路灯不亮,有,,,")),
        ("e5.csv", visits("2022-03-05,Z6,H1,王建国,,路灯坏了,有,,,")),
        (
            "e6.csv",
            visits("2022-03-06,Z6,H2,李秀英,,停水,有,,,\n2022-03-07,Z6,H2,李秀英,,停水,有,,,"),
        ),
        (
            "e7.csv",
            table(
                "问题编号,状态,责任层级,类别,办理结果\nCHD2022-000001,已登记,市直单办,居住环境,\n",
            ),
        ),
        ("f1.csv", visits("2022-03-06,褚走、卫访,H2,李**,138,暂无,有,,桥,快")),
        (
            "f2.csv",
            table(
                "走访日期,走访人员,对象编号,群众,,诉求\n,,,姓名,电话,有无问题\n2022-03-05,Z6,H1,王建国,,无\n",
            ),
        ),
        (
            "f3.csv",
            table(
                "走访日期,走访人员,对象编号,群众姓名,有无问题,满意度\n2022-03-06,Z6,H2,李秀英,无,满意\n",
            ),
        ),
        (
            "f4.csv",
            table(
                "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,有无问题,反映问题\n2022-03-06,Z6,H2,李秀英,回访,满意,有,又停水了\n",
            ),
        ),
        ("f5.csv", table("任务,所属区划,确认人\n走访材料准备,高桥村,正在准备\n")),
        ("g1.csv", table("问题编号,反映问题,办理结果\nCHD2022-000001,煤气泄漏,已更换灯泡\n")),
        (
            "g2.csv",
            table("问题编号,状态,责任层级,类别,办理结果\nCHD2022-000001,已办结,,居住环境,\n"),
        ),
        ("g3.csv", table("对象编号,人员编号,走访人员\nH1,Z7,褚走\n")),
        (
            "g4.csv",
            visits(
                "2022-03-05,Z6,H1,王健国,,路灯不亮,有,,,\n2022-03-05,Z6,H2,王建国,,路灯不亮,有,,,",
            ),
        ),
        (
            "g5.csv",
            visits(
                "2022-03-08,Z6,H2,李秀英,,下水道读塞,有,,,\n2022-03-08,Z6,H2,李秀英,,下水道堵塞,有,,,",
            ),
        ),
        (
            "g6.csv",
            format!("{VISITS},备注,\n2022-03-05,Z6,H2,李秀英,,,无,,,,煤气泄漏,自来水发黄\n"),
        ),
        (
            "g7.csv",
            table(
                "对象编号,对象类型,对象名称,所属村\nH01,家庭,赵九,高桥村\n3.3000000000000003,家庭,钱,高桥村\n",
            ),
        ),
        ("g8.csv", table("对象编号,走访人员\nH-2,褚走\n")),
        ("g9.csv", table("区划代码,区划名称,区划类型,上级区划\n370481111299,高桥村,村,第一总支\n")),
        ("h1.csv", table("名称,级别,地址,电话\n柴胡店镇卫生院,镇,镇驻地,5510001\n")),
        (
            "h2.csv",
            table(
                "对象编号,走访人员,,请假人,开始日期,结束日期\nH1,褚走,,卫访,2022-03-21,2022-03-22\n",
            ),
        ),
        (
            "h3.csv",
            table("走访日期,走访人员,对象编号,群众姓名,反映问题\n2022-03-05,Z6,H2,李秀英,\n"),
        ),
        ("h4.csv", table("请假人,开始日期,结束日期,审批结果\n褚走,2022-03-21,2022-03-22,未批准\n")),
        ("h5.csv", visits("2022-03-05,Z6,H1,王建国、李秀英,同户主,,□有□无,,,")),
        (
            "h6.csv",
            visits("2022-03-05,Z6,H1,不在家,,,☑有☑无□其他,,,\n2022-03-05,Z6,H2,户主,,,无,,,"),
        ),
        (
            "h7.csv",
            table(
                "走访日期,走访人员,对象编号,群众姓名,反映问题\n2022-03-05,Z6,H1,王建国,一切正常\n",
            ),
        ),
        (
            "h8.csv",
            table(
                "统计用区划代码,城乡分类代码,名称\n370400000000,,枣庄市\n370481111203,220,大王楼镇\n370481112,,\n",
            ),
        ),
    ]
}

fn zip_of(name: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    zip.finish().unwrap().into_inner()
}
