//! What stands beside a number, numbers and names that are nearly known ones, and columns that nobody reads: held against the
//! record, asked about, never dropped.

use rust_xlsxwriter::Workbook;
use zoufang::app::choices::{Alike, Choices};
use zoufang::app::doctor::examine;
use zoufang::intake::{Incoming, Options, Report};

use crate::awkward::{refused, take, taken};
use crate::support::{Fixture, VISITS, on_both};

const ONE: &str = "CHD2022-000001";

async fn at_work(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    fixture
}

/// Two issues: a lamp at H1, gas at H2.
async fn with_issues(fixture: Fixture) -> Fixture {
    let fixture = at_work(fixture).await;
    let table = format!(
        "{VISITS}\n2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村自办,其他,一般\n2022-03-06,Z6,H2,李秀英,,煤气泄漏,有,镇村自办,其他,急\n"
    );
    taken(&fixture, "v.csv", table).await;
    fixture
}

fn told(report: &Report) -> String {
    report.understood().join("\n")
}

fn alike(alike: Alike) -> Options {
    let choices = Choices { alike, ..Choices::default() };
    Options { choices, ..Options::default() }
}

fn ignoring(column: &str) -> Options {
    Options { ignored: vec![column.to_owned()], ..Options::default() }
}

async fn state(fixture: &Fixture, number: &str) -> String {
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let row = snapshot.issue_numbered(number).await.unwrap();
    snapshot.end().await.unwrap();
    row.issue().unwrap().state.to_string()
}

on_both!(what_stands_beside_a_number_must_be_its_own, async |fixture: Fixture| {
    let fixture = with_issues(fixture).await;
    for (beside, told, column, known) in [
        ("反映问题", "煤气泄漏", 2, "「路灯不亮」"),
        ("存在的问题", "煤气泄漏", 2, "「路灯不亮」"),
        ("群众反映的问题", "煤气泄漏", 2, "「路灯不亮」"),
        ("意见建议内容", "煤气泄漏", 2, "「路灯不亮」"),
        ("问题内容", "煤气泄漏", 2, "「路灯不亮」"),
        ("对象编号", "H2", 2, "「H1」"),
        ("户主姓名", "李秀英", 2, "「王建国」"),
        ("群众姓名", "李秀英", 2, "「王建国」"),
        ("村", "杨桥村", 2, "「高桥村委会」"),
        ("走访人员", "卫访", 2, "「褚走」"),
        ("走访日期", "2022-03-06", 2, "「2022-03-05」"),
    ] {
        let table = format!("问题编号,{beside},办理结果\n{ONE},{told},已更换灯泡\n");
        let error = refused(&fixture, "k.csv", &table).await;
        let place = format!("第 2 行第 {column} 列「{beside}」");
        for named in [place.as_str(), known, told, "「问题编号」", "--ignore-column"] {
            assert!(error.contains(named), "{beside}: {named} in {error}");
        }
        assert_eq!(state(&fixture, ONE).await, "已分类");
    }
    for (table, known) in [
        ("对象编号,户主,走访人员\nH1,便民超市,褚走\n", "「王建国」"),
        ("对象编号,所属村,走访人员\nH1,杨桥村,褚走\n", "「高桥村委会」"),
        ("对象编号,人员编号,走访人员\nH1,Z7,褚走\n", "人员编号是「Z6」"),
        ("走访区域,区划代码,走访人员\n高桥村,370481111201,褚走\n", "「370481111200」"),
        ("对象编号,地址,群众姓名,未走访原因\nH1,高桥村2号,王小红,外出务工\n", "「高桥村1号」"),
        ("请假人,人员编号,开始日期,结束日期\n褚走,Z7,2022-03-21,2022-03-22\n", "是「Z6」"),
    ] {
        let error = refused(&fixture, "k.csv", table).await;
        assert!(error.contains(known) && error.contains("请核对"), "{known} in {error}");
    }
    let visit = format!("{VISITS},对象类型\n2022-03-07,Z6,H1,王建国,,,无,,,,学校\n");
    assert!(refused(&fixture, "v.csv", &visit).await.contains("登记的是「家庭」"));
});

on_both!(what_agrees_or_says_nothing_is_taken, async |fixture: Fixture| {
    let fixture = with_issues(fixture).await;
    for (columns, cells) in [
        ("反映问题,村,对象编号", "路灯不亮。,高桥村,H1"),
        ("户主,所属村,群众姓名", "王建国（户主）,柴胡店镇高桥村,王*国"),
        ("反映问题,走访人员", ",Z6 褚走"),
        ("存在的问题,处理意见", "路灯不亮,尽快更换"),
    ] {
        let table = format!("问题编号,{columns},承办人\n{ONE},{cells},褚走\n");
        taken(&fixture, "k.csv", &table).await;
    }
    let table = format!("问题编号,反映问题,办理结果\n{ONE},路灯已坏三天无人修,已更换灯泡\n");
    assert!(refused(&fixture, "k.csv", &table).await.contains("--ignore-column 反映问题"));
    let report = take(&fixture, "k.csv", &table, &ignoring("反映问题")).await.unwrap();
    assert_eq!((report.added, state(&fixture, ONE).await.as_str()), (1, "已办结"));
});

on_both!(a_state_that_was_set_by_hand_is_not_believed, async |fixture: Fixture| {
    let fixture = with_issues(fixture).await;
    let list = |state: &str, level: &str, due: &str, result: &str| {
        format!(
            "村,问题编号,状态,对象编号,反映问题,责任层级,类别,轻重缓急,办结期限,办理结果\n高桥村委会,{ONE},{state},H1,路灯不亮,{level},其他,一般,{due},{result}\n"
        )
    };
    for (set, why) in [("已办结", "办理结果"), ("已销号", "不能直接改"), ("作废", "issue void")]
    {
        let error = refused(&fixture, "l.csv", list(set, "镇村自办", "", "")).await;
        assert!(error.contains("第 2 行第 3 列「状态」") && error.contains(why), "{error}");
    }
    let error = refused(&fixture, "l.csv", list("已分类", "", "", "")).await;
    assert!(error.contains("「责任层级」：原来登记过，这里是空的"), "{error}");
    let report = taken(&fixture, "l.csv", list("已分类", "镇村自办", "2022-12-31", "")).await;
    assert!(report.same == 1 && told(&report).contains("没有改"), "{}", told(&report));
    // Of an old list, and with what was done.
    taken(&fixture, "l.csv", list("已登记", "镇村自办", "", "")).await;
    taken(&fixture, "l.csv", list("已办结", "镇村自办", "", "已更换灯泡")).await;
    assert_eq!(state(&fixture, ONE).await, "已办结");
});

on_both!(a_name_put_right_is_the_same_person, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let row = |subject: &str, name: &str, rest: &str| {
        format!("{VISITS}\n2022-03-05,Z6,{subject},{name},{rest}\n")
    };
    taken(&fixture, "v.csv", row("H1", "王建国", ",路灯不亮,有,,,")).await;
    // A character, another name for the same words, a revisit.
    for name in ["王健国", "王建囯"] {
        let error = refused(&fixture, "w.csv", row("H1", name, ",路灯不亮,有,,,")).await;
        assert!(error.contains("已登记的「王建国」") && error.contains("--alike"), "{error}");
    }
    let error = refused(&fixture, "w.csv", row("H1", "王大力", ",路灯不亮,有,,,")).await;
    assert!(error.contains("同一天说过同样的话"), "{error}");
    let revisit = "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,有无问题\n2022-03-12,Z6,H1,王健国,回访,满意,无\n";
    assert!(refused(&fixture, "r.csv", revisit).await.contains("王建国"));
    // At another household of the same visitor.
    let error = refused(&fixture, "w.csv", row("H2", "王建国", ",路灯不亮,有,,,")).await;
    assert!(error.contains("在「H1」已有") && error.contains("「对象编号」"), "{error}");
    // Who stands in the same table is somebody else, and so is whoever has another number.
    let both = format!(
        "{VISITS}\n2022-03-05,Z6,H1,王建国,,路灯不亮,有,,,\n2022-03-05,Z6,H1,王建军,,,无,,,\n"
    );
    assert_eq!(taken(&fixture, "w.csv", both).await.added, 1);
    let correction = alike(Alike::Correction);
    let mended = row("H1", "王健国", ",路灯不亮,有,,,");
    let report = take(&fixture, "w.csv", &mended, &correction).await.unwrap();
    assert_eq!((report.added, report.changed), (0, 1));
    assert!(told(&report).contains("登记的「王建国」改为「王健国」"), "{}", told(&report));
    assert_eq!(taken(&fixture, "w.csv", format!("{mended}\n")).await.same, 1);
    let counts = fixture.store.figures().await.unwrap().counts;
    assert_eq!(counts.issues, 1, "one issue of one person");
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(two_rows_that_say_nearly_the_same_are_asked_about, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let table = format!(
        "{VISITS}\n2022-03-05,Z6,H1,王建国,,下水道读塞,有,,,\n2022-03-05,Z6,H1,王建国,,下水道堵塞,有,,,\n"
    );
    let error = refused(&fixture, "v.csv", &table).await;
    assert!(error.contains("第 3 行第 6 列") && error.contains("与第 2 行"), "{error}");
    let report = take(&fixture, "v.csv", &table, &alike(Alike::Another)).await.unwrap();
    assert_eq!(report.added, 2);
});

on_both!(a_number_that_is_nearly_known_is_asked_about, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let header = "对象编号,对象类型,对象名称,所属村,地址";
    for number in ["h1", "H01", "Ｈ－1", "H 1.0", "HO1"] {
        let all_the_same = format!("{header}\n{number},家庭,王建国,高桥村,高桥村1号\n");
        let report = taken(&fixture, "s.csv", all_the_same).await;
        assert_eq!((report.added, report.same), (0, 1), "{number}");
        assert!(told(&report).contains("就是已登记的「H1」"), "{}", told(&report));
        let other = format!("{header}\n{number},家庭,赵九,高桥村,\n");
        let error = refused(&fixture, "s.csv", &other).await;
        assert!(error.contains("「H1」") && error.contains("--alike another"), "{error}");
    }
    // Another name in another village is another household.
    assert_eq!(
        taken(&fixture, "s.csv", format!("{header}\nH-2,家庭,钱六,杨桥村,\n")).await.added,
        1
    );
    let zeros = format!("{header}\n00051,家庭,孙七,高桥村,\n0012,家庭,周八,高桥村,\n");
    assert_eq!(taken(&fixture, "s.csv", zeros).await.added, 2);
    assert_eq!(taken(&fixture, "s.csv", format!("{header}\n51,家庭,孙七,高桥村,\n")).await.same, 1);
    let two = format!("{header}\n007,家庭,吴九,高桥村,\n07,家庭,郑十,高桥村,\n");
    assert!(refused(&fixture, "s.csv", two).await.contains("这张表里的「007」"));
    for table in [
        "对象编号,走访人员\n12,褚走\n".to_owned(),
        format!("{VISITS}\n2022-03-05,Z6,12,周八,,,无,,,\n"),
        "对象编号,群众姓名,未走访原因\n12,周八,外出\n".to_owned(),
    ] {
        let error = refused(&fixture, "t.csv", table).await;
        assert!(error.contains("没有编号「12」") && error.contains("「0012」"), "{error}");
    }
    let pandas = format!("{header}\n101.0,家庭,冯一,高桥村,\n");
    taken(&fixture, "s.csv", pandas).await;
    assert!(refused(&fixture, "a.csv", "对象编号,走访人员\n0101,褚走\n").await.contains("「101」"));
});

#[tokio::test]
async fn a_fraction_is_no_number_of_a_household() {
    let fixture = at_work(Fixture::sqlite().await).await;
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in ["对象编号", "对象类型", "对象名称", "所属村"].iter().enumerate()
    {
        sheet.write_string(0, column as u16, *name).unwrap();
        sheet.write_string(1, column as u16, ["", "家庭", "赵", "高桥村"][column]).unwrap();
    }
    sheet.write_number(1, 0, 1.5).unwrap();
    let error = refused(&fixture, "b.xlsx", book.save_to_buffer().unwrap()).await;
    assert!(error.contains("第 2 行第 1 列「对象编号」") && error.contains("小数"), "{error}");
}

on_both!(what_stands_in_no_known_column_is_not_lost, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    for (column, named) in [
        ("备注", "「备注」"),
        ("其他情况", "「其他情况」"),
        ("", "「K列」"),
        ("反映问题2", "「反映问题2」"),
    ] {
        let table = format!("{VISITS},{column}\n2022-03-05,Z6,H1,王建国,,,无,,,,煤气泄漏\n");
        let error = refused(&fixture, "v.csv", &table).await;
        assert!(error.contains(named) && error.contains("煤气泄漏"), "{error}");
        let ignored = named.trim_matches(['「', '」']);
        let dry = Options { dry_run: true, ..ignoring(ignored) };
        let report = take(&fixture, "v.csv", &table, &dry).await.unwrap_or_else(|e| panic!("{e}"));
        assert!(told(&report).contains("1 格有内容"), "{}", told(&report));
    }
    for harmless in ["户主", "在家", "", "无", "3"] {
        let table = format!("{VISITS},备注\n2022-03-05,Z6,H1,王建国,,,无,,,,{harmless}\n");
        let dry = Options { dry_run: true, ..Options::default() };
        take(&fixture, "v.csv", &table, &dry).await.unwrap_or_else(|error| panic!("{error}"));
    }
    let absent = "请假人,开始日期,结束日期,审批结果\n褚走,2022-03-21,2022-03-22,未批准\n";
    assert!(refused(&fixture, "q.csv", absent).await.contains("未批准"));
});

on_both!(a_revisit_of_somebody_who_was_never_visited_is_remarked, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    fixture.at(6, 10, 9);
    let revisit = |name: &str| {
        format!(
            "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,有无问题\n2022-06-08,Z6,H1,{name},回访,满意,无\n"
        )
    };
    let report = taken(&fixture, "r.csv", revisit("王建国")).await;
    assert!(told(&report).contains("本次活动里还没有走访记录"), "{}", told(&report));
    let visit = format!("{VISITS}\n2022-03-05,Z6,H2,李秀英,,,无,,,\n");
    taken(&fixture, "v.csv", visit).await;
    let known = revisit("李秀英").replace(",H1,", ",H2,");
    assert!(!told(&taken(&fixture, "s.csv", known).await).contains("还没有走访记录"));
});

#[tokio::test]
async fn names_of_columns_are_known_whatever_stands_around_them() {
    let fixture = at_work(Fixture::sqlite().await).await;
    let row = ["2022-03-05", "Z6", "H1", "王建国", "10000000101\n10000000102", "路灯不亮", "有"];
    let names: Vec<&str> = VISITS.split(',').take(7).collect();
    for (mark, separator) in [("*{}", '\t'), ("{}(必填)", ';'), ("【{}】", ','), ("1、{}", '|')]
    {
        let separator = separator.to_string();
        let head: Vec<String> = names.iter().map(|name| mark.replace("{}", name)).collect();
        let cells: Vec<String> = row.iter().map(|cell| format!("\"{cell}\"")).collect();
        let table = format!("{}\n{}\n", head.join(&separator), cells.join(&separator));
        let dry = Options { dry_run: true, ..Options::default() };
        let report = take(&fixture, "v.csv", &table, &dry).await;
        assert_eq!(report.unwrap_or_else(|error| panic!("{mark}: {error}")).added, 1);
    }
    // Without the column that says whether there is any issue, the words say it.
    let table = |text: &str| {
        format!("走访日期,走访人员,对象编号,群众姓名,反映问题\n2022-03-05,Z6,H1,王建国,{text}\n")
    };
    let error = refused(&fixture, "v.csv", table("")).await;
    assert!(error.contains("没有「有无问题」这一列"), "{error}");
    taken(&fixture, "v.csv", table("路灯不亮")).await;
    assert_eq!(fixture.store.figures().await.unwrap().counts.issues, 1);
}

#[tokio::test]
async fn a_page_without_its_header_and_two_tables_side_by_side_are_asked_about() {
    let fixture = at_work(Fixture::sqlite().await).await;
    let names: Vec<&str> = VISITS.split(',').collect();
    let row = ["2022-03-05", "褚走", "H1", "王建国", "", "路灯不亮", "有"];
    let mut book = Workbook::new();
    for (sheet, rows) in [("第一页", vec![names.as_slice(), &row]), ("第二页", vec![&row[..]])]
    {
        let sheet = book.add_worksheet().set_name(sheet).unwrap();
        for (at, cells) in rows.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                sheet.write_string(at as u32, column as u16, *cell).unwrap();
            }
        }
    }
    let error = refused(&fixture, "b.xlsx", book.save_to_buffer().unwrap()).await;
    assert!(error.contains("工作表「第二页」没有表头"), "{error}");
    let two = "对象编号,走访人员,,请假人,开始日期,结束日期\nH1,褚走,,卫访,2022-03-21,2022-03-22\n";
    let error = refused(&fixture, "t.csv", two).await;
    assert!(error.contains("并排的两张表") && error.contains("请假表"), "{error}");
}

on_both!(an_area_in_another_form_is_the_same, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let areas = async || fixture.store.area_tree().await.unwrap().all().count();
    let before = areas().await;
    let report = taken(&fixture, "a.csv", "区划名称,区划类型,上级区划\n高桥村,村,第一总支\n").await;
    assert!(report.same == 1 && told(&report).contains("就是已登记的「高桥村委会」"));
    let header = "区划代码,区划名称,区划类型,上级区划";
    let other = format!("{header}\n370481111299,高桥村,村,第一总支\n");
    let error = refused(&fixture, "a.csv", &other).await;
    assert!(error.contains("370481111200") && error.contains("--same-area"), "{error}");
    let short =
        format!("{header}\n370481111,柴胡店镇,镇,370481\n370481111205,王官庄村委会,村,370481111\n");
    let report = taken(&fixture, "a.csv", short).await;
    assert_eq!((report.added, report.same), (1, 1));
    assert_eq!(areas().await, before + 1);
    for list in [
        "名称,级别,地址,电话\n柴胡店镇卫生院,镇,镇驻地,5510001\n",
        "名称,类型,负责人\n高桥村道路,村,张三\n",
    ] {
        assert!(refused(&fixture, "k.csv", list).await.contains("看不出是不是区划表"));
    }
});

#[tokio::test]
async fn a_workbook_of_many_sheets_takes_no_longer_than_one_of_as_many_rows() {
    let fixture = at_work(Fixture::sqlite().await).await;
    let mut book = Workbook::new();
    for sheet in 0..200 {
        let sheet = book.add_worksheet().set_name(format!("第{sheet}组")).unwrap();
        for (column, name) in ["对象编号", "走访人员"].iter().enumerate() {
            sheet.write_string(0, column as u16, *name).unwrap();
        }
    }
    let last = book.worksheet_from_index(199).unwrap();
    last.write_string(1, 0, "H1").unwrap().write_string(1, 1, "褚走").unwrap();
    let bytes = book.save_to_buffer().unwrap();
    let start = std::time::Instant::now();
    let file = Incoming::look("m.xlsx", bytes, &Options::default()).await.unwrap();
    let report = file.import(&fixture.store, &Options::default(), &|_, _| {}).await.unwrap();
    assert_eq!((report.rows, report.tables.len()), (1, 200));
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
