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
        assert!(error.contains("第 5 列「反映问题」") && error.contains("「有无问题」"), "{error}");
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
