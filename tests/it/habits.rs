//! What people and their programs write that was taken as it stands, or refused for another reason: each as it's meant.

use rust_xlsxwriter::{Format, Workbook};
use zoufang::domain::issue::State;

use crate::awkward::{at_work, refused, taken};
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
