//! What people and their programs write that was taken as it stands, or refused for another reason: each as it's meant.

use rust_xlsxwriter::{Format, Workbook};
use zoufang::domain::issue::State;
use zoufang::intake::Options;
use zoufang::reports::{Asked, Table, write_table};

use crate::awkward::{at_work, refused, take, taken};
use crate::support::VISITS;

fn visit(name: &str, contact: &str, rest: &str) -> String {
    format!("{VISITS}\n2022-03-05,Z6,H1,{name},{contact},{rest}\n")
}

#[tokio::test]
async fn a_table_of_text_is_one_whatever_it_is_called() {
    let fixture = at_work().await;
    let table = visit("王建国", "10000000101", ",无,,,").replace(',', "\t");
    let (bytes, ..) = encoding_rs::GBK.encode(&table);
    assert_eq!(taken(&fixture, "导出.xls", &bytes).await.added, 1);
    assert_eq!(taken(&fixture, "导出.xlsx", table.replace("03-05", "03-06")).await.added, 1);
    let error = refused(&fixture, "坏.xls", "只有一句话").await;
    assert!(error.contains("读不出来"), "{error}");
}

#[tokio::test]
async fn files_that_were_put_together_and_rows_of_sums_are_no_visits() {
    let fixture = at_work().await;
    let one = visit("王建国", "", ",无,,,");
    let other = one.replace("03-05", "03-06");
    let both =
        taken(&fixture, "both.csv", format!("\u{feff}{one}\u{feff}{other}汇总,,,,,,2\n")).await;
    assert_eq!((both.rows, both.added), (2, 2));
    assert!(both.understood().join("").contains("又是表头"), "{:?}", both.understood());
}

#[tokio::test]
async fn a_ticked_box_is_the_choice() {
    let fixture = at_work().await;
    let ticked =
        visit("王建国", "", "路灯不亮,☑有 □无,□镇村自办 ☑镇市联动 □市直单办,其他,■急□一般□长期");
    assert_eq!(taken(&fixture, "v.csv", ticked).await.added, 1);
    let issue = fixture.store.issues_in(State::Classified, 9).await.unwrap();
    let queued = fixture.store.issues_in(State::Queued, 9).await.unwrap();
    assert_eq!(issue.len() + queued.len(), 1);
    for (box_, said) in [("□有□无", "一个也没有勾选"), ("☑有√无□其他", "勾选了「有」和「无」")]
    {
        let error = refused(&fixture, "w.csv", visit("李秀英", "", &format!(",{box_},,,"))).await;
        assert!(error.contains("第 7 列「有无问题」") && error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn whoever_was_met_is_one_person_with_a_name_and_a_number() {
    let fixture = at_work().await;
    for (name, contact, said) in [
        ("王建国、李秀英", "", "像是 2 个人"),
        ("王建国 李秀英", "", "像是 2 个人"),
        ("不在家", "", "未走访原因"),
        ("户主", "", "请填见到的那个人的姓名"),
        ("王建国", "同户主", "里没有号码"),
        ("王建国", "见附件", "里没有号码"),
    ] {
        let error = refused(&fixture, "v.csv", visit(name, contact, ",无,,,")).await;
        assert!(error.contains("第 2 行") && error.contains(said), "{error}");
    }
    let roster = "对象编号,群众姓名,未走访原因\nH1,王建国 李秀英,外出\n";
    assert!(refused(&fixture, "r.csv", roster).await.contains("像是 2 个人"));
    taken(&fixture, "v.csv", visit("王　强", "无", ",无,,,")).await;
}

#[tokio::test]
async fn no_demand_is_no_issue_however_it_is_put() {
    let fixture = at_work().await;
    let head = "走访日期,走访人员,对象编号,群众姓名,反映问题\n";
    for (day, text) in (1..).zip([
        "1.无",
        "暂无意见建议",
        "没什么问题",
        "没有需要解决的困难和问题。",
        "目前没有诉求",
    ]) {
        let table = format!("{head}2022-03-0{day},Z6,H1,王建国,{text}\n");
        assert_eq!(taken(&fixture, "v.csv", table).await.added, 1, "{text}");
    }
    assert_eq!(fixture.store.issues_in(State::Registered, 9).await.unwrap().len(), 0);
    for text in ["满意", "一切正常", "感谢党和政府！"] {
        let table = format!("{head}2022-03-09,Z6,H1,王建国,{text}\n");
        let error = refused(&fixture, "w.csv", table).await;
        assert!(error.contains("第 5 列「反映问题」") && error.contains("不像问题"), "{error}");
    }
    let table = format!("{head}2022-03-09,Z6,H1,王建国,没有自来水\n");
    taken(&fixture, "w.csv", table).await;
    assert_eq!(fixture.store.issues_in(State::Registered, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_column_beside_it_takes_back_is_asked_about() {
    let fixture = at_work().await;
    let visit = |column: &str, says: &str| {
        format!(
            "走访日期,走访人员,对象编号,群众姓名,反映问题,{column}\n2022-03-05,Z6,H1,王建国,无,{says}\n"
        )
    };
    for (column, says) in [("是否走访", "否"), ("走访状态", "未走访"), ("备注", "此行作废")]
    {
        let error = refused(&fixture, "v.csv", visit(column, says)).await;
        assert!(error.contains(column) && error.contains("--ignore-column"), "{error}");
    }
    taken(&fixture, "v.csv", visit("是否走访", "是")).await;
    let heard = "走访日期,走访人员,对象编号,群众姓名,反映问题\n2022-03-06,Z6,H1,王建国,路灯不亮\n";
    taken(&fixture, "i.csv", heard.to_owned()).await;
    let class = |column: &str, says: &str| {
        format!(
            "问题编号,责任层级,类别,轻重缓急,{column}\nCHD2022-000001,市直单办,居住环境,急,{says}\n"
        )
    };
    for (column, says) in [("是否属实", "否"), ("备注", "不属实"), ("是否上报", "否")]
    {
        let error = refused(&fixture, "c.csv", class(column, says)).await;
        assert!(error.contains(column) && error.contains("--ignore-column"), "{error}");
    }
    taken(&fixture, "c.csv", class("是否属实", "是").replace("市直单办", "镇村自办")).await;
    let done = |column: &str, says: &str| {
        format!("问题编号,办理结果,{column}\nCHD2022-000001,更换灯泡,{says}\n")
    };
    for (column, says) in [
        ("备注", "尚未完工"),
        ("完成时间", "预计6月底"),
        ("未办结原因", "资金不足"),
        ("销号", "否"),
    ] {
        let error = refused(&fixture, "r.csv", done(column, says)).await;
        assert!(error.contains(column) && error.contains("--ignore-column"), "{error}");
    }
    let staff = "人员编号,姓名,角色,所属区划,是否在岗\nZ6,褚走,走访人,高桥村,否\n";
    let error = refused(&fixture, "s.csv", staff.to_owned()).await;
    assert!(error.contains("离岗"), "{error}");
    let subject = "对象编号,对象类型,对象名称,所属村,备注\nH9,家庭,钱九,高桥村,已去世\n";
    let error = refused(&fixture, "o.csv", subject.to_owned()).await;
    assert!(error.contains("走访对象状态"), "{error}");
}

#[tokio::test]
async fn a_text_is_read_as_its_format_shows_it() {
    let fixture = at_work().await;
    let made = |format: &str| {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (column, name) in ["对象编号", "走访人员"].iter().enumerate() {
            sheet.write_string(0, column as u16, *name).unwrap();
        }
        let format = Format::new().set_num_format(format);
        sheet.write_string_with_format(1, 0, "1", &format).unwrap();
        sheet.write_string(1, 1, "褚走").unwrap();
        book.save_to_buffer().unwrap()
    };
    assert_eq!(taken(&fixture, "f.xlsx", made("\"H\"@")).await.same, 1, "it's H1");
    let error = refused(&fixture, "g.xlsx", made("0;0;0;")).await;
    assert!(error.contains("第 2 行第 1 列") && error.contains("别的样子"), "{error}");
}

#[tokio::test]
async fn a_number_and_a_name_of_one_person_are_that_person() {
    let fixture = at_work().await;
    for named in ["Z6褚走", "Z6 褚走", "褚走（Z6）"] {
        let table = format!("对象编号,走访人员\nH1,{named}\n");
        assert_eq!(taken(&fixture, "f.csv", table).await.same, 1, "{named}");
    }
    let error = refused(&fixture, "g.csv", "对象编号,走访人员\nH1,Z7褚走\n").await;
    assert!(error.contains("两个人（Z7、褚走）"), "{error}");
}

#[tokio::test]
async fn what_is_no_name_no_number_and_no_demand_is_refused_with_its_place() {
    let fixture = at_work().await;
    for (name, contact, rest, column, said) in [
        ("5", "", ",无,,,", "第 4 列「群众姓名」", "是数字，不是姓名"),
        ("3人", "", ",无,,,", "第 4 列「群众姓名」", "是数字，不是姓名"),
        ("3月5日", "", ",无,,,", "第 4 列「群众姓名」", "当成了日期"),
        ("王建国", "138OOOO0001", ",无,,,", "第 5 列「联系方式」", "把字母当成了数字"),
        ("王建国 13800000001", "", ",无,,,", "第 4 列「群众姓名」", "有号码"),
        ("王建国", "", "5,有,,,", "第 6 列「反映问题」", "看不出群众反映了什么"),
    ] {
        let error = refused(&fixture, "v.csv", visit(name, contact, rest)).await;
        assert!(error.contains(&format!("第 2 行{column}")) && error.contains(said), "{error}");
    }
    let subject = "对象编号,对象类型,对象名称,所属村,地址\nH9,家庭,张三,高桥村,3月5日\n";
    let error = refused(&fixture, "o.csv", subject).await;
    assert!(error.contains("第 2 行第 5 列「地址」") && error.contains("3-5"), "{error}");
}

#[tokio::test]
async fn several_matters_in_one_cell_are_told_of() {
    let fixture = at_work().await;
    let table = visit("王建国", "", "1.路灯不亮；2.水管漏水；3.路面破损,有,,,");
    let told = taken(&fixture, "v.csv", table).await.understood().join("\n");
    assert!(told.contains("第 2 行第 6 列「反映问题」：这一格像是写了 3 件事"), "{told}");
}

#[tokio::test]
async fn a_revisit_before_anything_is_resolved_says_that_it_closes_nothing() {
    let fixture = at_work().await;
    taken(&fixture, "v.csv", visit("王建国", "", "路灯不亮,有,,,")).await;
    let again =
        "走访类型,走访日期,走访人员,对象编号,群众姓名,满意度\n回访,2022-03-15,Z6,H1,王建国,满意\n";
    let told = taken(&fixture, "r.csv", again).await.understood().join("\n");
    assert!(told.contains("1 件问题还没有办结") && told.contains("没有销号"), "{told}");
    assert_eq!(fixture.store.issues_in(State::Registered, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_persons_number_is_nobody_elses_however_its_written_and_other_roles_are_said() {
    let fixture = at_work().await;
    let person = |number: &str, roles: &str| {
        format!("人员编号,姓名,角色,所属区划\n{number},褚走,{roles},高桥村\n")
    };
    let error = refused(&fixture, "s.csv", person("z6", "走访人员")).await;
    assert!(
        error.contains("第 2 行第 1 列「人员编号」") && error.contains("请写成「Z6」"),
        "{error}"
    );
    let both = person("008", "走访人员") + "8,尤新,走访人员,高桥村\n";
    let error = refused(&fixture, "t.csv", both).await;
    assert!(error.contains("第 3 行第 1 列") && error.contains("「008」写法相近"), "{error}");
    let told = taken(&fixture, "u.csv", person("Z6", "网格员")).await.understood().join("\n");
    assert!(told.contains("「褚走」的角色由「") && told.contains("改为「网格员」"), "{told}");
}

#[tokio::test]
async fn an_areas_code_and_place_agree_with_what_it_is() {
    let fixture = at_work().await;
    let area = |code: &str, kind: &str, parent: &str| {
        format!("区划代码,区划名称,区划类型,上级区划\n{code},新庄,{kind},{parent}\n")
    };
    let error = refused(&fixture, "a.csv", area("370481111277", "镇", "")).await;
    assert!(error.contains("第 3 列「区划类型」") && error.contains("村一级的代码"), "{error}");
    for (kind, parent) in [("镇街", "柴胡店镇"), ("总支", "高桥村")] {
        let error = refused(&fixture, "b.csv", area("", kind, parent)).await;
        assert!(error.contains("「上级区划」") && error.contains("不能放在它下面"), "{error}");
    }
    taken(&fixture, "c.csv", area("370481111277.0", "村", "370481111000.0")).await;
}

#[tokio::test]
async fn a_sheet_that_is_none_and_a_header_that_cant_be_read_are_told_with_their_cure() {
    let fixture = at_work().await;
    let mut book = Workbook::new();
    for (name, rows) in [
        ("走访", vec!["走访日期", "走访人员", "对象编号", "群众姓名", "有无问题"]),
        ("下拉", vec!["责任层级", "类别", "轻重缓急"]),
    ] {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        for (column, text) in (0_u16..).zip(rows) {
            sheet.write_string(0, column, text).unwrap();
        }
    }
    let error = refused(&fixture, "v.xlsx", book.save_to_buffer().unwrap()).await;
    assert!(error.contains("工作表「下拉」") && error.contains("请把它隐藏或删掉"), "{error}");
    let (garbled, ..) = encoding_rs::GBK.decode_without_bom_handling(VISITS.as_bytes());
    let error = refused(&fixture, "g.csv", garbled.as_bytes()).await;
    assert!(error.contains("第 1 行是乱码") && !error.contains("最接近"), "{error}");
}

#[tokio::test]
async fn whoever_is_named_nearly_so_is_named() {
    let fixture = at_work().await;
    for visitor in ["z6", "褚走主任", "禇走"] {
        let table = visit("王建国", "", ",无,,,").replace("Z6", visitor);
        let error = refused(&fixture, "v.csv", table).await;
        assert!(
            error.contains("第 2 行第 2 列") && error.contains("登记的有「褚走」（Z6）"),
            "{error}"
        );
    }
}

/// A workbook whose cells are texts; those of `wide` are one cell over several columns.
fn book(rows: &[&[&str]], wide: &[(u32, u16, u16)]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(*cells).filter(|(_, cell)| !cell.is_empty()) {
            sheet.write_string(row, column, *cell).unwrap();
        }
    }
    for (row, first, last) in wide {
        let text = rows[*row as usize][*first as usize];
        sheet.merge_range(*row, *first, *row, *last, text, &Format::new()).unwrap();
    }
    book.save_to_buffer().unwrap()
}

/// With the 问题编号 behind.
fn numbered(visit: &str, number: &str) -> String {
    let head = "走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,问题编号";
    format!("{head}\n2022-03-05,Z6,{visit},{number}\n")
}

#[tokio::test]
async fn a_visit_with_an_issues_number_is_the_one_at_which_it_was_heard() {
    let fixture = at_work().await;
    let heard = "H1,王建国,,路灯不亮,有";
    let report = taken(&fixture, "v.csv", numbered(heard, "")).await;
    assert_eq!(report.added, 1);
    assert!(report.understood().join("").contains("问题编号（空的）"), "{:?}", report.understood());
    for number in ["CHD2022-000001", "chd2022－000001", "无"] {
        let again = taken(&fixture, "w.csv", numbered(heard, number)).await;
        assert_eq!((again.rows, again.same), (1, 1), "{number}");
    }
    for (visit, number, said) in [
        ("H1,王建国,,水管漏水,有", "CHD2022-000001", "登记的反映问题是「路灯不亮」"),
        ("H2,王建国,,路灯不亮,有", "CHD2022-000001", "登记的对象编号是「H1」"),
        ("H1,李秀英,,路灯不亮,有", "CHD2022-000001", "登记的群众姓名是「王建国」"),
        ("H1,王建国,,,无", "CHD2022-000001", "登记的反映问题是「路灯不亮」"),
        ("H1,王建国,,水管漏水,有", "CHD2022-000009", "没有编号「CHD2022-000009」的问题"),
    ] {
        let error = refused(&fixture, "x.csv", numbered(visit, number)).await;
        assert!(error.contains("第 8 列「问题编号」") && error.contains(said), "{error}");
    }
    let ignored = Options { ignored: vec!["问题编号".to_owned()], ..Options::default() };
    let table = numbered("H1,王建国,,水管漏水,有", "CHD2022-000009");
    assert_eq!(take(&fixture, "y.csv", table, &ignored).await.unwrap().added, 1);
}

#[tokio::test]
async fn what_makes_a_table_another_kind_is_named_where_nothing_lacks() {
    let fixture = at_work().await;
    let table = "走访区域,走访人员,走访日期\n高桥村,Z6,2022-03-05\n";
    let error = refused(&fixture, "a.csv", table).await;
    assert!(!error.contains("还缺：。") && !error.trim_end().ends_with("还缺："), "{error}");
    assert!(
        error.contains("「走访日期」") && error.contains("--ignore-column 走访日期"),
        "{error}"
    );
    let ignored = Options { ignored: vec!["走访日期".to_owned()], ..Options::default() };
    assert_eq!(take(&fixture, "a.csv", table, &ignored).await.unwrap().same, 1);
}

#[tokio::test]
async fn what_the_program_reports_comes_back_unchanged() {
    let fixture = at_work().await;
    let header = "对象编号,对象类型,对象名称,所属村,地址\n";
    taken(&fixture, "o.csv", format!("{header}H4,家庭,赵永福,高桥村,高桥村4号\n")).await;
    let rows = [
        "2022-03-05,Z6,H1,王建国,13800000001,路灯不亮,有,镇村自办,居住环境,急",
        "2022-03-05,Z6,H2,李秀英,,门口积水,有,,,",
        "2022-03-06,Z7,H3,赵掌柜,,,无,,,",
    ];
    taken(&fixture, "v.csv", format!("{VISITS}\n{}\n", rows.join("\n"))).await;
    let folder = tempfile::tempdir().unwrap();
    let asked = Asked { reveals: true, ..Asked::default() };
    for (table, same, idle) in [
        (Table::Arrangement, 3, 1),
        (Table::Opinions, 2, 0),
        (Table::WithoutIssues, 1, 0),
        (Table::Issues, 1, 1),
        (Table::Rectification, 1, 1),
    ] {
        let file = folder.path().join(format!("{table}.xlsx"));
        write_table(&fixture.store, table, &asked, &file).await.unwrap();
        let report = taken(&fixture, "r.xlsx", std::fs::read(&file).unwrap()).await;
        let did = (report.added, report.changed, report.same, report.idle);
        assert_eq!(did, (0, 0, same, idle), "{table}: {:?}", report.understood());
    }
    // Some of them are classified there, the others stay.
    let list = "问题编号,责任层级,类别\nCHD2022-000001,镇村自办,居住环境\nCHD2022-000002,待分类,\n";
    assert_eq!(taken(&fixture, "k.csv", list).await.idle, 1);
    let half = list.replace("待分类,", "待分类,其他");
    assert!(refused(&fixture, "k.csv", half).await.contains("「待分类」看不懂"));
    let list = list.replace("待分类,", "镇村自办,其他");
    assert_eq!(taken(&fixture, "k.csv", list).await.added, 1);
}

#[tokio::test]
async fn where_people_sign_and_what_stands_on_each_page_are_no_rows() {
    let fixture = at_work().await;
    let header =
        &["走访日期", "走访人员", "对象编号", "群众姓名", "联系方式", "反映问题", "有无问题"];
    let visit = |day: &'static str| vec![day, "褚走", "H1", "王建国", "", "", "无"];
    let (first, second) = (visit("2022-03-05"), visit("2022-03-06"));
    let unit: &[&str] = &["填报单位：柴胡店镇", "", "", "填报日期：2022-03-09"];
    let pages = book(
        &[
            &["走访记录表"],
            unit,
            header,
            &["甲", "乙", "丙", "丁", "戊", "己", "庚"],
            &first,
            &["填表人：褚走", "审核人：", "", "", "填表日期：2022-03-09"],
            &["领导签字：                日期："],
            &["第 1 页 共 2 页"],
            &["走访记录表"],
            unit,
            header,
            &second,
        ],
        &[],
    );
    let report = taken(&fixture, "v.xlsx", pages).await;
    assert_eq!((report.rows, report.added), (2, 2));
    let said = report.understood().join("\n");
    for passed in ["是列的序号", "填表人", "领导签字", "第1页", "和表头上面的一样", "又是表头"]
    {
        assert!(said.contains(passed), "{passed}: {said}");
    }
    // What may be a row is asked about.
    let row = ["负责人：褚走", "褚走", "H1", "王建国", "", "填表人：路灯不亮", "有"];
    let error = refused(&fixture, "w.xlsx", book(&[header, &row], &[])).await;
    assert!(error.contains("第 2 行第 1 列"), "{error}");
    let goes_on = ["", "", "", "", "", "反映人：路灯也不亮", ""];
    let error = refused(&fixture, "x.xlsx", book(&[header, &first, &goes_on], &[])).await;
    assert!(error.contains("第 3 行"), "{error}");
}

#[tokio::test]
async fn a_header_in_two_rows_and_a_second_table_are_told_in_one_word() {
    let fixture = at_work().await;
    let head =
        &["走访日期", "走访人员", "对象编号", "群众姓名", "反映问题", "有无问题", "类别", "", ""];
    let words = &["", "", "", "", "", "", "居住环境", "社会治安", "其他"];
    let visit = &["2022-03-05", "褚走", "H1", "王建国", "路灯不亮", "有", "√", "", ""];
    for wide in [&[(0, 6, 8)][..], &[]] {
        let error = refused(&fixture, "v.xlsx", book(&[head, words, visit], wide)).await;
        assert!(error.contains("「类别」下面分成了 3 列（居住环境、社会治安、其他）"), "{error}");
        assert!(error.lines().count() == 1 && !error.contains("--ignore-column"), "{error}");
    }
    let two = format!("{VISITS}\n2022-03-05,Z6,H1,王建国,,,无,,,\n,\n对象编号,走访人员\nH1,Z6\n");
    let error = refused(&fixture, "w.csv", two).await;
    assert!(error.contains("第 4 行起像是另一张表（走访安排表（附件2））"), "{error}");
    assert!(error.contains("放到另一个工作表"), "{error}");
}

#[tokio::test]
async fn a_number_of_ours_is_known_in_whatever_letters_and_dashes() {
    let fixture = at_work().await;
    taken(&fixture, "v.csv", visit("王建国", "", "路灯不亮,有,,,")).await;
    for (number, day) in
        [("chd2022-000001", "急"), ("ＣＨＤ2022–000001", "一般"), ("CHD2022－000001", "长期")]
    {
        let table = format!("问题编号,责任层级,类别,轻重缓急\n{number},镇村自办,其他,{day}\n");
        let report = taken(&fixture, "k.csv", table).await;
        assert_eq!(report.added + report.changed, 1, "{number}");
    }
    let none = "问题编号,责任层级,类别\nCHD2022-000009,镇村自办,其他\n";
    assert!(refused(&fixture, "k.csv", none).await.contains("请照导出的问题清单核对"));
    let back = "平台编号,办理状态,上报编号\nE1,已受理,CHD2022-000001\n";
    let report = taken(&fixture, "r.csv", back).await;
    let said = report.unmatched[0].to_string();
    assert!(said.contains("第 3 列「上报编号」") && said.contains("上报交接单"), "{said}");
}

#[tokio::test]
async fn an_area_is_found_by_its_whole_address_and_else_hinted_at() {
    let fixture = at_work().await;
    let of = |area: &str| format!("对象编号,对象类型,对象名称,所属村\nH9,家庭,张三,\"{area}\"\n");
    assert_eq!(taken(&fixture, "o.csv", of("柴胡店镇高桥村")).await.added, 1);
    assert_eq!(taken(&fixture, "p.csv", of("柴胡店镇第一总支高桥村委会")).await.same, 1);
    for (area, said) in [
        ("某市高桥村", "登记的有「高桥村委会」"),
        ("李家庄", "请先导入区划表"),
        ("高桥村\n杨桥村", "没有「高桥村、杨桥村」这个区划：一格只写一个区划"),
    ] {
        let error = refused(&fixture, "q.csv", of(area)).await;
        assert!(error.contains("第 4 列「所属村」") && error.contains(said), "{error}");
    }
    let staff = |roles: &str| format!("人员编号,姓名,角色,所属区划\nZ80,张新,\"{roles}\",高桥村\n");
    assert_eq!(taken(&fixture, "s.csv", staff("走访人员\n网格员")).await.added, 1);
    let same = "走访区域,走访人员\n高桥村,褚走\n高桥,Z6\n";
    let report = taken(&fixture, "a.csv", same).await;
    assert_eq!((report.added, report.same), (1, 1));
    let other = "走访区域,走访人员\n高桥村,褚走\n高桥,Z7\n";
    assert!(refused(&fixture, "a.csv", other).await.contains("已经给了别人"));
}

#[tokio::test]
async fn what_stands_twice_and_who_is_away_are_read_as_they_are_meant() {
    let fixture = at_work().await;
    let head = "人员编号,姓名,角色,所属区划,走访区域";
    let table = format!("{head}\nZ70,张三,走访人员,高桥村,杨桥村\n");
    let error = refused(&fixture, "s.csv", &table).await;
    assert!(
        error.contains("--ignore-column 走访区域") && error.contains("「所属区划」"),
        "{error}"
    );
    let ignored = Options { ignored: vec!["走访区域".to_owned()], ..Options::default() };
    assert_eq!(take(&fixture, "s.csv", &table, &ignored).await.unwrap().added, 1);
    let typo = "人员编号,姓名,角色,所属区划\nZ6,禇走,走访人员,高桥村\n";
    assert!(refused(&fixture, "t.csv", typo).await.contains("请照登记的写"));
    let away = "姓名,请假类别,开始时间,结束时间\n褚走,事假,2022-03-21,2022-03-22\n";
    assert_eq!(taken(&fixture, "l.csv", away).await.added, 1);
    // Who is on watch isn't away.
    let error = refused(&fixture, "w.csv", away.replace("请假类别", "值班室")).await;
    assert!(error.contains("最接近的是「请假表」，还缺：请假人"), "{error}");
    let named = "对象编号,对象类型,走访对象,所属村\nH7,家庭,孙七,高桥村\n";
    assert_eq!(taken(&fixture, "o.csv", named).await.added, 1);
    let wide: Vec<u8> = VISITS.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let error = refused(&fixture, "u.csv", [&[0xff, 0xfe, 0, 0][..], &wide].concat()).await;
    assert!(error.contains("每个字占四个字节") && error.contains("另存为 .xlsx"), "{error}");
}
