//! Files that said one thing and were taken to say another: what is beside, beneath, drawn over, cut off or taken back.

use std::path::Path;

use rust_xlsxwriter::{Format, Workbook};
use zoufang::app::choices::{Alike, Choices};
use zoufang::intake::{ImportError, Incoming, Options, write_error_copy};

use crate::awkward::{at_work, refused, take, taken};
use crate::packages::{binary, label, labels, open_document, open_row, place};
use crate::support::{Fixture, VISITS};

const HEAD: [&str; 2] = ["对象编号", "走访人员"];

/// The copy of a file that was refused.
async fn copy_of(fixture: &Fixture, name: &str, bytes: Vec<u8>) -> Vec<u8> {
    let options = Options::default();
    let file = Incoming::look(name, bytes, &options).await.unwrap();
    let error = file.import(&fixture.store, &options, &|_, _| {}).await.unwrap_err();
    let ImportError::Rows { errors, sheet, .. } = error else { panic!("{error}") };
    let folder = tempfile::tempdir().unwrap();
    let copy = write_error_copy(Path::new(name), Some(folder.path()), &sheet, &errors).unwrap();
    std::fs::read(copy).unwrap()
}

#[tokio::test]
async fn a_copy_that_nobody_mended_is_refused_again() {
    let fixture = at_work().await;
    let number = |value: f64| (0x203, [place(1, 0, 0), value.to_le_bytes().to_vec()].concat());
    let truth = (0x205, [place(1, 1, 0), vec![1, 0]].concat());
    for (name, cells, wrong) in [
        ("long.xls", [number(370_481_111_200_000_128.0), label(1, 1, "褚走")], "第 1 列"),
        ("truth.xls", [label(1, 0, "H1"), truth], "第 2 列"),
        ("part.xls", [number(3.1), label(1, 1, "褚走")], "第 1 列"),
    ] {
        let sheet = [labels(0, &HEAD), cells.to_vec()].concat();
        let copy = copy_of(&fixture, name, binary(&[], &sheet)).await;
        let error = refused(&fixture, "copy.xlsx", copy).await;
        assert!(error.contains(wrong) && error.contains("还没有核对"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_comma_within_a_text_cuts_nothing_off_unsaid() {
    let fixture = at_work().await;
    let visit = "2022-03-05,Z6,H1,王建国,,欠工资10,000元,有,镇村自办,其他,急";
    for (table, rest) in [
        (format!("{VISITS}\n{visit}\n"), "第 2 行第 11 列"),
        ("对象编号,走访人员\nH1,褚走,卫访\n".to_owned(), "卫访"),
    ] {
        let error = refused(&fixture, "v.csv", table).await;
        assert!(error.contains(rest) && error.contains("双引号"), "{error}");
    }
    // The copy has room for what stood there, and a column more; nobody has mended it yet.
    let table = "对象编号,走访人员\nH1,褚走,卫访\n".as_bytes().to_vec();
    let copy = copy_of(&fixture, "v.csv", table).await;
    let error = refused(&fixture, "copy.csv", copy).await;
    assert!(error.contains("多出「卫访」"), "{error}");
    let meant = Options { ignored: vec!["C列".to_owned()], ..Options::default() };
    let file = Incoming::look("v.csv", "对象编号,走访人员\nH1,褚走,甲\n".into(), &meant).await;
    let report = file.unwrap().import(&fixture.store, &meant, &|_, _| {}).await.unwrap();
    assert_eq!(report.rows, 1);
}

#[tokio::test]
async fn what_lies_beneath_a_merged_cell_is_asked_about() {
    let fixture = at_work().await;
    let made = |beneath: &str, last_row: u32, last_column: u16| {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (row, cells) in [&HEAD, &["H1", "褚走"], &["H2", "褚走"]].iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                sheet.write_string(row as u32, column as u16, *cell).unwrap();
            }
        }
        let plain = Format::new();
        let (first, text) = if last_column > 0 { ((1, 0), "H1") } else { ((1, 1), "褚走") };
        sheet.merge_range(first.0, first.1, last_row, last_column.max(1), text, &plain).unwrap();
        sheet.write_string(last_row, last_column.max(1), beneath).unwrap();
        book.save_to_buffer().unwrap()
    };
    let error = refused(&fixture, "rows.xlsx", made("卫访", 2, 0)).await;
    assert!(error.contains("第 3 行第 2 列「走访人员」"), "{error}");
    assert!(error.contains("看得见的是「褚走」") && error.contains("还存着「卫访」"), "{error}");
    let error = refused(&fixture, "columns.xlsx", made("卫访", 1, 1)).await;
    assert!(error.contains("第 2 行第 2 列") && error.contains("看得见的是「H1」"), "{error}");
    assert_eq!(taken(&fixture, "same.xlsx", made("褚走", 2, 0)).await.rows, 2);
}

#[tokio::test]
async fn what_is_drawn_over_a_cell_is_none_of_its_text() {
    let fixture = at_work().await;
    for over in [
        "<draw:custom-shape><text:p>章</text:p></draw:custom-shape>",
        "<draw:g><draw:caption><text:p>13999999999</text:p></draw:caption></draw:g>",
        "<text:note><text:note-body><text:p>脚注</text:p></text:note-body></text:note>",
    ] {
        let cell =
            format!("<office:value-type=\"string\">{over}<text:p>褚走</text:p></table:table-cell>");
        let rows = open_row(&HEAD) + &open_row(&["H1", &cell]);
        let report = taken(&fixture, "d.ods", open_document(&rows)).await;
        assert_eq!((report.rows, report.same), (1, 1), "{over}");
    }
}

#[tokio::test]
async fn an_example_is_no_row() {
    let fixture = at_work().await;
    let table = "序号,对象编号,走访人员\n示例,H1,卫访\n1,H2,褚走\n";
    let report = taken(&fixture, "e.csv", table).await;
    assert_eq!(report.rows, 1);
    assert!(report.understood().join("\n").contains("是填写的例子"), "{:?}", report.understood());
}

#[tokio::test]
async fn sums_and_headings_of_blocks_are_passed_over_and_said() {
    let fixture = at_work().await;
    let table = "对象编号,对象名称,走访人员\n高桥村,,\nH1,王建国,褚走\nH2,李秀英,褚走\n,高桥村 汇总,2\n一、杨桥村（1户）,,\n杨桥村 小计,0,\n总计,2,\n";
    let report = taken(&fixture, "s.csv", table).await;
    assert_eq!(report.rows, 2);
    let told = report.understood().join("\n");
    for said in [
        "第 2 行没有读（「高桥村」，是小标题）",
        "第 5 行没有读（「高桥村汇总」）",
        "第 6 行没有读（「一、杨桥村(1户)」，是小标题）",
        "第 7 行没有读（「杨桥村小计」）",
    ] {
        assert!(told.contains(said), "{said} in {told}");
    }
    let visits = "走访日期,走访人员,对象编号,群众姓名,有无问题\n2022-03-05,褚走,H1,王建国,无\n褚走 计数,1,,,\n";
    assert_eq!(taken(&fixture, "v.csv", visits).await.rows, 1);
    // Whoever forgot the visitor of an area is still asked.
    let error = refused(&fixture, "a.csv", "走访区域,走访人员\n高桥村,\n").await;
    assert!(error.contains("不能为空"), "{error}");
}

#[tokio::test]
async fn who_isnt_there_any_more_is_no_part_of_a_name() {
    let fixture = at_work().await;
    let subject = "对象编号,对象类型,对象名称,所属村\nH91,家庭,王建国（已去世）,高桥村\n";
    let error = refused(&fixture, "s.csv", subject).await;
    assert!(error.contains("第 2 行第 3 列") && error.contains("名称请只填「王建国」"), "{error}");
    assert!(error.contains("在「状态」列写明"), "{error}");
    let shop = "对象编号,对象类型,对象名称,所属村\nS91,商铺,便民超市（高桥店）,高桥村\n";
    assert_eq!(taken(&fixture, "p.csv", shop).await.added, 1);
    let visit =
        "走访日期,走访人员,对象编号,群众姓名,联系方式,有无问题\n2022-03-05,褚走,H1,NAME,CALL,无\n";
    let visit = |name: &str, call: &str| visit.replace("NAME", name).replace("CALL", call);
    let error = refused(&fixture, "v.csv", visit("李四（已搬走）", "")).await;
    assert!(error.contains("第 2 行第 4 列") && error.contains("请只填「李四」"), "{error}");
    for call in ["37048119800101123X", "00000000000"] {
        let error = refused(&fixture, "v.csv", visit("王建国", call)).await;
        assert!(error.contains("第 2 行第 5 列「联系方式」"), "{error}");
    }
}

#[tokio::test]
async fn a_state_that_isnt_of_such_a_subject_is_asked_about() {
    let fixture = at_work().await;
    let state = |number: &str, state: &str, words: &str| {
        format!("对象编号,状态,状态说明\n{number},{state},{words}\n")
    };
    let shop = "对象编号,对象类型,对象名称,所属村\nS1,商铺,便民超市,高桥村\n";
    taken(&fixture, "p.csv", shop).await;
    for (number, told, words, said) in [
        ("H1", "停业", "", "登记的是家庭，状态不会是「停业」"),
        ("S1", "去世", "", "登记的是商铺，状态不会是「去世」"),
        ("H1", "迁出", "仍在村里常住", "两样对不上"),
        ("H1", "迁出", "已去世", "两样对不上"),
        ("H1", "在册", "全家已搬走", "两样对不上"),
    ] {
        let (table, plain) = (state(number, told, words), Options::default());
        match take(&fixture, "s.csv", &table, &plain).await {
            Err(error) => assert!(error.to_string().contains(said), "{error}"),
            // Where it stands so already, nothing is asked.
            Ok(report) => {
                assert!(told == "在册" && report.same == 1, "{told} {words}: {report:?}");
            }
        }
    }
    let moved = state("H1", "迁出", "户主去世，由女儿接到县城");
    assert_eq!(taken(&fixture, "m.csv", moved).await.changed, 1);
    let error = refused(&fixture, "b.csv", state("H1", "在册", "全家已搬走") + "\n").await;
    assert!(error.contains("两样对不上"), "{error}");
}

#[tokio::test]
async fn a_list_that_was_numbered_anew_is_asked_about() {
    let fixture = at_work().await;
    let list = |first: char, names: &[&str]| {
        let rows = names.iter().enumerate();
        let rows = rows.map(|(at, name)| format!("{first}{at},家庭,{name},杨桥村\n"));
        format!("对象编号,对象类型,对象名称,所属村\n{}", rows.collect::<String>())
    };
    let names = ["赵一", "钱二", "孙三", "李四", "周五"];
    assert_eq!(taken(&fixture, "a.csv", list('Y', &names)).await.added, 5);
    let again = list('P', &["赵一", "钱二", "孙三", "吴六"]);
    let error = refused(&fixture, "b.csv", again.clone()).await;
    assert!(error.contains("「P0」和已登记的「Y0」都叫「赵一」"), "{error}");
    assert!(error.contains("重新编了号") && !error.contains("吴六"), "{error}");
    let choices = Choices { alike: Alike::Another, ..Choices::default() };
    let meant = Options { choices, ..Options::default() };
    assert_eq!(take(&fixture, "b.csv", again, &meant).await.unwrap().added, 4);
    // A few of one name are people of one name.
    let few = list('Q', &["郑七", "卫八", "孙三", "冯九", "陈十"]);
    assert_eq!(taken(&fixture, "c.csv", few).await.added, 5);
}

#[tokio::test]
async fn a_name_in_letters_hides_nothing() {
    let fixture = at_work().await;
    let table = "人员编号,姓名,角色,所属区划,手机号,邮箱,企业微信\nZ91,尤新,走访人员,高桥村,10000000091,zhangxx@example.cn,wxx123\n";
    assert_eq!(taken(&fixture, "s.csv", table).await.added, 1);
    let table = "对象编号,对象类型,对象名称,所属村\nQ1,商铺,TKMaxx服装店,高桥村\n";
    assert_eq!(taken(&fixture, "o.csv", table).await.added, 1);
    for hidden in ["王XX", "王xx", "张某某"] {
        let table = format!("对象编号,对象类型,对象名称,所属村\nQ2,家庭,{hidden},高桥村\n");
        let error = refused(&fixture, "h.csv", table).await;
        assert!(error.contains("隐去"), "{hidden}: {error}");
    }
}

#[tokio::test]
async fn no_reason_excuses_nobody() {
    let fixture = at_work().await;
    for text in
        ["已于3月5日走访", "近期走访", "计划下周走访", "3月再访", "√", "在家", "H2", "同王建国"]
    {
        let table = format!("对象编号,群众姓名,未走访原因\nH1,赵四,{text}\n");
        let error = refused(&fixture, "r.csv", table).await;
        assert!(error.contains("不是没有走访到的原因"), "{text}: {error}");
    }
    let table = "对象编号,群众姓名,未走访原因\nH1,赵四,外出务工\nH2,钱五,同住子女照料，在外地\n";
    assert_eq!(taken(&fixture, "r.csv", table).await.rows, 2);
}

#[tokio::test]
async fn a_part_of_an_area_is_not_the_area() {
    let fixture = at_work().await;
    for (column, text) in [
        ("备注", "只负责1-3组"),
        ("备注", "不含李秀英"),
        ("户数", "1-50号"),
        ("走访户数", "1户（王建国家）"),
    ] {
        let table = format!("走访区域,走访人员,{column}\n高桥村,褚走,{text}\n");
        let error = refused(&fixture, "a.csv", table).await;
        assert!(error.contains("只走访一部分") && error.contains(text), "{error}");
    }
}

#[tokio::test]
async fn a_column_is_known_by_what_stands_in_it() {
    let fixture = at_work().await;
    for (column, text, meant) in
        [("办理主体", "市直单办", "责任层级"), ("怎么找他", "13800000001", "联系方式")]
    {
        let table = format!(
            "走访日期,走访人员,对象编号,群众姓名,反映问题,有无问题,{column}\n2022-03-05,Z6,H1,王建国,路灯不亮,有,{text}\n"
        );
        let error = refused(&fixture, "c.csv", table).await;
        assert!(error.contains(&format!("像是「{meant}」")), "{error}");
    }
}

/// The same subjects under other numbers, or with one column moved: it's asked, whatever is said besides.
#[tokio::test]
async fn a_register_whose_numbers_slipped_is_asked_about() {
    let fixture = at_work().await;
    let table =
        |rows: &[&str]| format!("对象编号,对象类型,对象名称,所属村,地址\n{}\n", rows.join("\n"));
    let known = ["H1,家庭,王建国,高桥村,高桥村1号", "H2,家庭,李秀英,高桥村,高桥村2号"];
    taken(&fixture, "s.csv", table(&known)).await;
    for (rows, says) in [
        // Numbered anew.
        (["高001,家庭,王建国,高桥村,高桥村1号"].as_slice(), "是同一个对象请写成「H1」"),
        (
            ["H80,家庭,赵六,高桥村,高桥村8号", "H81,家庭,赵六,高桥村,高桥村8号"].as_slice(),
            "请写成「H80」",
        ),
        (["C1,商铺,便民超市,高桥村,", "C2,商铺,便民超市,高桥村,"].as_slice(), "请写成「C1」"),
        // Names and addresses moved together, and each alone.
        (
            ["H1,家庭,李秀英,高桥村,高桥村2号", "H2,家庭,王建国,高桥村,高桥村1号"].as_slice(),
            "错了行",
        ),
        (
            ["H1,家庭,李秀英,高桥村,高桥村1号", "H2,家庭,王建国,高桥村,高桥村2号"].as_slice(),
            "名称「李秀英」是「H2」登记的",
        ),
        (
            ["H1,家庭,王建国,高桥村,高桥村2号", "H2,家庭,李秀英,高桥村,高桥村1号"].as_slice(),
            "这个地址是「H2」登记的",
        ),
    ] {
        let error = refused(&fixture, "s.csv", table(rows)).await;
        assert!(error.contains(says), "{rows:?}: {error}");
    }
    // One that is put right, and another of the same name without an address.
    taken(&fixture, "s.csv", table(&["H1,家庭,王建中,高桥村,高桥村1号"])).await;
    taken(&fixture, "s.csv", table(&["H90,家庭,王建中,高桥村,"])).await;
}

#[tokio::test]
async fn a_telephone_that_is_anothers_is_asked_about() {
    let fixture = at_work().await;
    let head = "人员编号,姓名,角色,所属区划,工作单位,手机号,邮箱";
    let table = |rows: &[&str]| format!("{head}\n{}\n", rows.join("\n"));
    let known = [
        "Z60,张一,走访人员,高桥村,,13900000001,",
        "Z61,张二,走访人员,高桥村,,13900000002,",
        "Z62,张三,走访人员,高桥村,,0632-5550001,",
    ];
    taken(&fixture, "p.csv", table(&known)).await;
    for (rows, says) in [
        (
            ["Z60,张一,走访人员,高桥村,,13900000002,", "Z61,张二,走访人员,高桥村,,13900000001,"]
                .as_slice(),
            "错了行",
        ),
        (["Z69,张一,走访人员,高桥村,,13900000001,"].as_slice(), "是同一个人请写成「Z60」"),
        (["Z63,张四,走访人员,高桥村,,,a@b.cn；c@d.cn"].as_slice(), "不是邮箱"),
        (["Z63,张四,走访人员,高桥村,,,mailto:a@b.cn"].as_slice(), "不是邮箱"),
        (["Z63,张四,走访人员,高桥村,,,张四<c@d.cn>"].as_slice(), "不是邮箱"),
    ] {
        let error = refused(&fixture, "p.csv", table(rows)).await;
        assert!(error.contains(says), "{rows:?}: {error}");
    }
    // One telephone of an office is several people's: that is said.
    let report =
        taken(&fixture, "p.csv", table(&["Z63,张四,走访人员,高桥村,,0632-5550001,"])).await;
    assert!(report.understood().join("\n").contains("是同一个号码"), "{:?}", report.remarks);
}

#[tokio::test]
async fn what_is_no_demand_makes_no_issue() {
    let fixture = at_work().await;
    let bare = "走访日期,走访人员,对象编号,群众姓名,反映问题";
    for (text, says) in [
        ("不在家", "没有见到人"),
        ("家中无人", "没有见到人"),
        ("拒访", "没有见到人"),
        ("√", "看不出群众反映了什么"),
        ("见附件", "看不出群众反映了什么"),
        ("满意，感谢政府", "不像问题"),
        ("同 上", "上面一格"),
        ("如上", "上面一格"),
    ] {
        let row = format!("2022-03-05,Z6,H1,王建国,{text}");
        let error = refused(&fixture, "v.csv", format!("{bare}\n{row}\n")).await;
        assert!(error.contains(says), "{text}: {error}");
        let row = format!("2022-03-05,Z6,H1,王建国,,{text},有,,,");
        let error = refused(&fixture, "v.csv", format!("{VISITS}\n{row}\n")).await;
        assert!(error.contains(says), "{text}: {error}");
    }
    for text in ["无，一切都好", "很满意，没有问题", "对政府工作满意，无诉求", "无无"]
    {
        let row = format!("2022-03-05,Z6,H1,王建国,{text}");
        taken(&fixture, "v.csv", format!("{bare}\n{row}\n")).await;
    }
    assert_eq!(fixture.store.counts().await.unwrap().issues, 0);
    // A row that says so and one that doesn't, of one visit.
    let rows = ["2022-03-05,Z6,H2,李秀英,路灯不亮", "2022-03-05,Z6,H2,李秀英,无"];
    let report = taken(&fixture, "v.csv", format!("{bare}\n{}\n", rows.join("\n"))).await;
    assert!(report.understood().join("\n").contains("前面有一行登记了"), "{:?}", report.remarks);
}

#[tokio::test]
async fn what_is_done_of_an_issue_comes_after_it() {
    let fixture = at_work().await;
    fixture.visit("2022-03-05,Z6,H1,王建国,,宅基地纠纷,有,镇村自办,其他,急").await.unwrap();
    let head = "问题编号,调解日期,调解人,当事人,调解协议,约定回访日期";
    let row = |on: &str, agreement: &str, again: &str| {
        format!("{head}\nCHD2022-000001,{on},赵六,甲、乙,{agreement},{again}\n")
    };
    let error = refused(&fixture, "m.csv", row("2022-02-08", "各让一尺", "2022-04-01")).await;
    assert!(error.contains("早于群众反映这个问题的日期"), "{error}");
    taken(&fixture, "m.csv", row("2022-03-08", "调解失败", "")).await;
    let mediated = fixture.store.counts().await.unwrap();
    assert_eq!((mediated.mediated, mediated.agreed), (1, 0));
}

#[tokio::test]
async fn what_stands_in_brackets_may_make_a_column_another_one() {
    let fixture = at_work().await;
    for (table, is_like) in [
        ("走访日期,走访人员,对象编号,群众姓名,有无问题,反映问题（去年）\n", "反映问题"),
        ("走访日期,走访人员,对象编号,群众姓名,有无问题,反映问题（已解决）\n", "反映问题"),
        ("走访日期,走访人员,对象编号,群众姓名,有无问题,联系电话（干部）\n", "联系方式"),
        ("走访日期,走访人员,对象编号,群众姓名,责任层级（建议）\n", "责任层级"),
        ("走访日期,走访人员,对象编号,群众姓名,小类（上年）\n", "类别"),
    ] {
        let name = table.trim().rsplit(',').next().unwrap();
        let error =
            refused(&fixture, "h.csv", format!("{table}2022-03-05,Z6,H1,王建国,无,\n")).await;
        let asked = format!("「{name}」不认识，像是「{is_like}」");
        assert!(error.contains(&asked) && error.contains("--ignore-column"), "{table}: {error}");
    }
    // Where the table needs the column, it's none without.
    for (table, name) in [
        ("走访日期（计划）,走访人员,对象编号,群众姓名\n", "走访日期"),
        ("走访日期,走访人员（建议）,对象编号,群众姓名\n", "走访人员"),
        ("走访日期,走访人员,对象编号（旧）,群众姓名\n", "对象编号"),
        ("问题编号,办理结果（预期）\n", "办理结果"),
        ("问题编号,承办人（拟）\n", "承办人"),
        ("问题编号,签收人（拟）\n", "签收人"),
        ("人员编号,姓名,角色（原）,所属区划\n", "角色"),
    ] {
        let error = refused(&fixture, "h.csv", format!("{table}2022-03-05,Z6,H1,王建国\n")).await;
        assert!(
            error.contains(&format!("「{name}（")) || error.contains(&format!("像是「{name}」")),
            "{table}: {error}"
        );
    }
    let table = "走访日期（必填）,走访人员（镇村干部）,对象编号,群众姓名,联系方式（如 138…）,反映问题（原话）,走访日期（计划）\n2022-03-05,Z6,H1,王建国,,无,2022-04-01\n";
    let report = taken(&fixture, "h.csv", table).await;
    assert!(
        report.understood().join("\n").contains("没有用到的列：走访日期（计划）（1 格有内容）")
    );
    let staff =
        "人员编号,姓名,角色,所属区划,联系电话（干部）\nZ91,尤新,走访人员,高桥村,10000000091\n";
    assert_eq!(taken(&fixture, "s.csv", staff).await.added, 1);
}
