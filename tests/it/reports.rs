//! What is handed in: tables that add up to what status says, to the unit; names only for who may see them; any area and day;
//! documents in their form; pages to print; and every exported table taken in again, equal cell by cell.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use calamine::{Data, Reader, Xlsx, open_workbook};
use jiff::civil::date;
use zoufang::app::draws::{NewDraw, draw_sample};
use zoufang::db::{By, Store};
use zoufang::domain::campaign::PhaseName;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::issue::{Category, Event};
use zoufang::domain::referral::{PlatformStatus, PlatformUpdate};
use zoufang::domain::sampling::Size;
use zoufang::reports::print::{Press, Print, code_of, write_print};
use zoufang::reports::{
    Asked, Book, Cell, Column, Document, Layout, Paper, Table, Templates, allow, middle, words,
    write_all, write_document, write_table,
};

use crate::db::{deliver, one_city_issue, receive, update};
use crate::support::program::run;
use crate::support::{AREAS, ASSIGNMENTS, Fixture, STAFF, SUBJECTS, on_both};

const MORE: &str = "H4,家庭,赵永福,高桥村,高桥村4号\nH5,企业,机械厂,杨桥村,\n";
const HEARD: &str =
    "走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,责任层级,类别,轻重缓急
2022-03-05,Z6,H1,王建国,13800000001,王建国家门口路灯不亮，电话13800000001,有,镇村自办,居住环境,急
2022-03-05,Z6,H1,王建国,13800000001,低保没有批,有,市直单办,社会帮扶,一般
2022-03-06,Z6,H2,李秀英,13800000002,,无,,,
2022-03-07,Z7,H3,赵掌柜,,电压不稳,有,镇市联动,其他,长期
2022-03-08,Z6,H2,李秀芳,,门口积水,有,,,
";

/// A township in the midst of its campaign: three issues of each level, one that isn't classified, one resolved and closed.
async fn in_the_midst(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    fixture.at(3, 9, 10);
    let header = "对象编号,对象类型,对象名称,所属村,地址\n";
    fixture.import("more.csv", &format!("{header}{MORE}")).await.unwrap();
    fixture.import("visits.csv", HEARD).await.unwrap();
    fixture.at(4, 20, 10);
    let done = "问题编号,办理结果,办理人\nCHD2022-000001,已更换灯泡,陈网\n";
    fixture.import("done.csv", done).await.unwrap();
    fixture.at(6, 5, 10);
    let again = "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,走访方式,反映问题\n2022-06-05,Z6,H2,李秀英,回访,基本满意,面对面,\n2022-06-05,Z7,H3,赵掌柜,回访,不满意,面对面,电压还是不稳\n";
    fixture.import("again.csv", again).await.unwrap();
    fixture
}

/// A sheet's rows as texts.
pub fn rows(file: &Path, sheet: &str) -> Vec<Vec<String>> {
    let mut workbook: Xlsx<_> = open_workbook(file).unwrap();
    let range = workbook.worksheet_range(sheet).unwrap();
    let text = |cell: &Data| match cell {
        Data::DateTime(at) => at.to_ymd_hms_milli_text(),
        other => other.to_string(),
    };
    range.rows().map(|row| row.iter().map(text).collect()).collect()
}

trait Shown {
    fn to_ymd_hms_milli_text(&self) -> String;
}

impl Shown for calamine::ExcelDateTime {
    fn to_ymd_hms_milli_text(&self) -> String {
        let (year, month, day, ..) = self.to_ymd_hms_milli();
        format!("{year:04}-{month:02}-{day:02}")
    }
}

/// The rows of the table itself: those with a number in the series, by the names of the columns.
pub fn body(file: &Path, sheet: &str) -> Vec<BTreeMap<String, String>> {
    let rows = rows(file, sheet);
    let names = rows[2].clone();
    let of = |row: &Vec<String>| names.iter().cloned().zip(row.iter().cloned()).collect();
    rows[3..].iter().filter(|row| row[0].parse::<i64>().is_ok()).map(of).collect()
}

pub async fn table(
    store: &Store,
    table: Table,
    asked: &Asked,
) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.xlsx");
    write_table(store, table, asked, &file).await.unwrap();
    (folder, file)
}

fn count(rows: &[BTreeMap<String, String>], column: &str, values: &[&str]) -> i64 {
    rows.iter().filter(|row| values.contains(&row[column].as_str())).count() as i64
}

on_both!(tables_add_up_to_status_to_the_unit, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    let store = &fixture.store;
    let asked = Asked::default();
    let figures = store.figures().await.unwrap();
    let counts = figures.counts;
    let (_at, file) = table(store, Table::Arrangement, &asked).await;
    let arranged = body(&file, "走访活动安排表");
    assert_eq!(arranged.len() as i64, counts.subjects);
    assert_eq!(count(&arranged, "走访进度", &["已走访"]), counts.visited);
    assert_eq!(count(&arranged, "走访人员", &["（没有）"]), 2);

    let (_at, file) = table(store, Table::Issues, &asked).await;
    let issues = body(&file, "问题清单");
    assert_eq!((issues.len() as i64, issues.len()), (counts.issues, 4));
    assert_eq!(count(&issues, "状态", &["已办结", "已销号"]), counts.resolved);
    for (level, word) in [("town", "镇村自办"), ("joint", "镇市联动"), ("city", "市直单办")]
    {
        let kept = figures.issues_by_level.get(level).copied().unwrap_or(0);
        assert_eq!(count(&issues, "责任层级", &[word]), kept, "{word}");
    }
    let tiers = body(&file, "分类统计");
    let all = tiers.last().unwrap();
    for category in Category::ALL {
        let each = count(&issues, "类别", &[category.chinese()]);
        assert_eq!(all[category.chinese()], each.to_string(), "{category}");
    }

    let (_at, file) = table(store, Table::Rectification, &asked).await;
    let ledger = body(&file, "整改台账");
    assert_eq!(ledger.len() as i64, counts.issues);
    assert_eq!(count(&ledger, "预警", &["超期"]), counts.late);
    let first = &ledger[0];
    assert_eq!(
        (first["整改措施"].as_str(), first["责任人"].as_str()),
        ("镇村：已更换灯泡", "陈网"),
        "{first:?}"
    );
    assert_eq!(first["办结日期"], "2022-04-20");
    let last = ledger.last().unwrap();
    assert!(last["整改措施"].contains("联动"), "by places: {last:?}");

    let (_at, file) = table(store, Table::Units, &asked).await;
    let units = body(&file, "各单位问题解决情况");
    let total = units.last().unwrap();
    assert_eq!(total["责任单位"], "合计");
    assert_eq!(total["问题数"], counts.issues.to_string());
    assert_eq!(
        (&total["已解决"], &total["其中超期"]),
        (&counts.resolved.to_string(), &counts.late.to_string())
    );
    let sum: i64 =
        units[..units.len() - 1].iter().map(|row| row["问题数"].parse::<i64>().unwrap()).sum();
    assert_eq!(sum, counts.issues);

    let (_at, file) = table(store, Table::Referrals, &asked).await;
    let referrals = body(&file, "上报台账");
    assert_eq!(referrals.len() as i64, figures.referrals_by_state.values().sum::<i64>());
    assert_eq!(count(&referrals, "办理状态", &["待上报"]), 2, "{referrals:?}");

    let (_at, file) = table(store, Table::Satisfaction, &asked).await;
    let answers = body(&file, "逐人情况");
    assert_eq!(answers.len() as i64, counts.asked);
    assert_eq!(count(&answers, "满意度", &["满意", "基本满意"]), counts.satisfied);
    let by_village = body(&file, "满意度");
    let of_village: i64 =
        store.figures_by(By::Village).await.unwrap().iter().map(|line| line.counts.asked).sum();
    assert_eq!(by_village.last().unwrap()["已回访"], of_village.to_string());

    let (_at, file) = table(store, Table::WithoutIssues, &asked).await;
    let quiet = body(&file, "没有问题群众清单");
    assert_eq!(quiet.len(), 1, "{quiet:?}");
    let (_at, file) = table(store, Table::Opinions, &asked).await;
    assert_eq!(body(&file, "群众意见建议记录表").len() as i64, counts.issues);
    let (_at, file) = table(store, Table::Missing, &asked).await;
    assert!(!body(&file, "缺项清单").is_empty());
});

on_both!(names_stand_in_full_only_for_who_may_see_them, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    let (_at, file) = table(&fixture.store, Table::Opinions, &Asked::default()).await;
    let first = &body(&file, "群众意见建议记录表")[0];
    assert_eq!((first["群众姓名"].as_str(), first["联系方式"].as_str()), ("王**", "138****0001"));
    assert_eq!(first["意见建议（反映的问题）"], "王**家门口路灯不亮，电话***********");
    let text = format!("{:?}", rows(&file, "群众意见建议记录表"));
    assert!(text.contains("个人信息已隐去") && !text.contains("李秀"), "{text}");
    let asked = Asked { reveals: true, ..Asked::default() };
    let refused =
        allow(&fixture.store, Some("Z6"), "opinions", &asked).await.unwrap_err().to_string();
    assert!(
        refused.contains("褚走") && refused.contains("不能写出带个人信息的上报材料"),
        "{refused}"
    );
    allow(&fixture.store, Some("Z1"), "opinions", &asked).await.unwrap();
    let (_at, file) = table(&fixture.store, Table::Opinions, &asked).await;
    let first = &body(&file, "群众意见建议记录表")[0];
    assert_eq!((first["群众姓名"].as_str(), first["联系方式"].as_str()), ("王建国", "13800000001"));
    // A branch's own secretary, of their branch.
    let tree = fixture.store.area_tree().await.unwrap();
    let branch = tree.find("第一总支").unwrap().id.clone();
    allow(&fixture.store, Some("Z3"), "opinions", &asked.of(&branch)).await.unwrap();
    assert!(allow(&fixture.store, Some("Z3"), "opinions", &asked).await.is_err());
});

on_both!(any_area_and_any_day, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    let tree = fixture.store.area_tree().await.unwrap();
    let of = Asked::default().of(&tree.find("杨桥村").unwrap().id);
    let (_at, file) = table(&fixture.store, Table::Issues, &of).await;
    let issues = body(&file, "问题清单");
    assert_eq!((issues.len(), issues[0]["问题编号"].as_str()), (1, "CHD2022-000003"));
    assert!(rows(&file, "问题清单")[1][0].starts_with("填报单位：柴胡店镇第一总支杨桥村委会"));
    // As it stood: on 6 March two issues had been heard; before 20 April nothing was done.
    let early = Asked { on: Some(date(2022, 3, 5)), ..Asked::default() };
    let (_at, file) = table(&fixture.store, Table::Opinions, &early).await;
    assert_eq!(body(&file, "群众意见建议记录表").len(), 2);
    let phase = Asked { phase: Some(PhaseName::Classify), ..Asked::default() };
    let (_at, file) = table(&fixture.store, Table::Rectification, &phase).await;
    let ledger = body(&file, "整改台账");
    assert_eq!(
        (ledger.len(), ledger[0]["进度"].as_str(), ledger[0]["办结日期"].as_str()),
        (4, "已分类", ""),
        "{:?}",
        ledger[0]
    );
    assert!(rows(&file, "整改台账")[1].join("").contains("2022年4月15日"));
    let (_at, file) = table(&fixture.store, Table::Satisfaction, &phase).await;
    assert!(body(&file, "逐人情况").is_empty());
});

/// The text of a document's part.
pub fn part(file: &Path, name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(file).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

on_both!(documents_are_filled_in_and_marked, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    let folder = tempfile::tempdir().unwrap();
    let templates = Templates::read(Path::new("")).unwrap();
    let tree = fixture.store.area_tree().await.unwrap();
    let of = Asked::default().of(&tree.find("第一总支").unwrap().id);
    for document in Document::ALL {
        let file = folder.path().join(format!("{document}.docx"));
        write_document(&fixture.store, *document, &of, &templates, &file).await.unwrap();
        let text = part(&file, "word/document.xml");
        assert!(text.contains("【请写"), "{document}: what a person writes is marked");
        assert!(!text.contains("王建国") && !text.contains("13800000001"), "{document}");
        assert!(text.contains("w:top=\"2098\"") && text.contains("第一总支"), "{document}");
    }
    let text = part(&folder.path().join("工作开展情况总结.docx"), "word/document.xml");
    assert!(text.contains("应走访对象5个，已走访3个") && text.contains("共收集问题4件"), "{text}");
    assert!(text.contains("处理结果：已更换灯泡"), "{text}");
    // An operator's own words.
    std::fs::write(folder.path().join("look_back.txt"), "# 回头看\n回访{{ answers.asked }}人\n")
        .unwrap();
    let own = Templates::read(folder.path()).unwrap();
    let file = folder.path().join("own.docx");
    write_document(&fixture.store, Document::LookBack, &of, &own, &file).await.unwrap();
    assert!(part(&file, "word/document.xml").contains("回访2人"));
    std::fs::write(folder.path().join("look_back.txt"), "{% if %}").unwrap();
    let wrong = Templates::read(folder.path()).unwrap_err().to_string();
    assert!(wrong.contains("look_back.txt") && wrong.contains("第 1 行看不懂"), "{wrong}");
});

on_both!(pages_are_printed_with_their_codes, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    let folder = tempfile::tempdir().unwrap();
    let templates = Templates::read(Path::new("")).unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    std::fs::write(photos.join("Z6.jpg"), [0xFF, 0xD8, 0xFF, 0xE0]).unwrap();
    let press = Press { public_url: "https://zoufang.example.cn".to_owned(), photos: Some(photos) };
    let asked = Asked { reveals: true, ..Asked::default() };
    let mut pages = BTreeMap::new();
    for print in Print::ALL {
        let file = folder.path().join(format!("{print}.html"));
        let with = (&templates, &press);
        let printed = write_print(&fixture.store, *print, &asked, with, &file).await.unwrap();
        let html = std::fs::read_to_string(&file).unwrap();
        assert!(!html.contains("http-equiv") && !html.contains("<script"), "{print}");
        pages.insert(print.code(), (printed.count, html));
    }
    let (badges, html) = &pages["badges"];
    assert_eq!((*badges, html.matches("class=\"card\"").count()), (4, 4), "Z4 to Z7 visit");
    assert!(html.contains("data:image/jpeg;base64,") && html.contains("褚走"));
    let (cards, html) = &pages["cards"];
    assert_eq!((*cards, html.matches("<svg").count()), (5, 5));
    assert!(html.contains("10000000006") && html.contains("赵永福"), "{html}");
    let (forms, html) = &pages["forms"];
    assert!(*forms == 5 && html.contains("CHD2022-H1") && html.contains("高桥村1号"), "{html}");
    for aspect in ["居住环境", "社会治安", "基本医疗", "文体生活", "基础教育", "社会帮扶"]
    {
        assert!(pages["leaflet"].1.contains(aspect), "{aspect}");
    }
    assert_eq!(pages["leaflet"].1.matches("class=\"side\"").count(), 2, "both sides of a sheet");
    // One code for a subject, whoever asks; another for another.
    let context = fixture.store.context();
    let page =
        |number| zoufang::app::cards::address(context, "https://zoufang.example.cn/", number);
    assert!(page("H 1").starts_with("https://zoufang.example.cn/card/H%201/"), "{}", page("H 1"));
    assert!(page("H1") == page("H1") && page("H1")[36..] != page("H2")[36..]);
    assert!(code_of(&page("H1")).is_some());
});

on_both!(a_folder_has_everything_once, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("上报材料");
    let templates = Templates::read(Path::new("")).unwrap();
    let press = Press::default();
    let asked = Asked::default();
    let write = || write_all(&fixture.store, &asked, (&templates, &press), &to, false);
    let written = write().await.unwrap();
    // Tables but the inspection group's; a branch, two villages and the town; two prints, and two for each village.
    assert_eq!(written.len(), Table::ALL.len() - 1 + 1 + 2 * 3 + 1 + 2 + 2 * 2);
    assert!(written.iter().all(|one| one.file.is_file()));
    assert!(!to.join("工作纪律记录.xlsx").exists());
    let again = write().await.unwrap_err().to_string();
    assert!(again.contains("不会覆盖"), "{again}");
});

on_both!(what_is_only_known_of_today_says_so, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    let early = Asked { on: Some(date(2022, 3, 20)), ..Asked::default() };
    let (_at, file) = table(&fixture.store, Table::Missing, &early).await;
    let shown = rows(&file, "缺项清单");
    let last = shown.iter().rev().find(|row| row[0].starts_with("注")).unwrap();
    assert!(last[0].contains("缺什么只有今天的"), "{last:?}");
    assert!(shown[1].join("").contains("2022年6月5日") && !shown[1].join("").contains("3月20日"));
    let (_at, file) = table(&fixture.store, Table::Arrangement, &early).await;
    let shown = format!("{:?}", rows(&file, "走访活动安排表"));
    assert!(shown.contains("走访人员、职务和电话是2022年6月5日的，不是2022年3月20日的"), "{shown}");
    let (_at, file) = table(&fixture.store, Table::Arrangement, &Asked::default()).await;
    assert!(!format!("{:?}", rows(&file, "走访活动安排表")).contains("注："));
});

on_both!(a_check_stands_as_it_stood_on_the_day, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    fixture.at(3, 10, 10);
    let group =
        "人员编号,姓名,角色,所属区划,工作单位,手机号\nI1,钱督,督导组,370481111000,督导组,\n";
    fixture.import("group.csv", group).await.unwrap();
    let by = crate::support::browser::person(&fixture.store, "I1").await;
    let new = NewDraw { size: Size::InAll(1), seed: 7, due_on: date(2022, 3, 20) };
    let mut tx = fixture.store.begin().await.unwrap();
    draw_sample(&mut tx, &new, &by, &mut |_| 0).await.unwrap();
    tx.commit().await.unwrap();
    fixture.at(3, 15, 10);
    let header = "抽查编号,抽查结论,抽查日期,抽查人,抽查情况,核实人,核实结果";
    let found = format!("{header}\nCHD2022-C0001,没有走访,2022-03-15,I1,家里没人来过,,\n");
    fixture.import("found.csv", &found).await.unwrap();
    fixture.at(3, 18, 10);
    let answer = format!("{header}\nCHD2022-C0001,,,,,Z1,已补走访\n");
    fixture.import("answer.csv", &answer).await.unwrap();
    let stood = async |day: i8| {
        let asked = Asked { on: Some(date(2022, 3, day)), reveals: true, ..Asked::default() };
        let (_at, file) = table(&fixture.store, Table::Inspections, &asked).await;
        let row = body(&file, "入户抽查").remove(0);
        (row["抽查日期"].clone(), row["结论"].clone(), row["核实整改"].clone())
    };
    let of =
        |on: &str, found: &str, answer: &str| (on.to_owned(), found.to_owned(), answer.to_owned());
    assert_eq!(stood(14).await, of("没有查", "", ""));
    assert_eq!(stood(16).await, of("2022-03-15", "没有走访", ""));
    assert_eq!(stood(18).await, of("2022-03-15", "没有走访", "已补走访"));
});

on_both!(
    the_inspectors_report_has_all_by_which_a_day_was_inspected,
    |fixture: Fixture| async move {
        let fixture = in_the_midst(fixture).await;
        fixture.at(3, 10, 10);
        let group =
            "人员编号,姓名,角色,所属区划,工作单位,手机号\nI1,钱督,督导组,370481111000,督导组,\n";
        fixture.import("group.csv", group).await.unwrap();
        let by = crate::support::browser::person(&fixture.store, "I1").await;
        let spot = "走访日期,走访人员,对象编号,群众姓名,有无问题,走访类型\n2022-03-10,I1,H3,赵掌柜,无,入户抽查\n";
        fixture.import("spot.csv", spot).await.unwrap();
        let new = NewDraw { size: Size::InAll(1), seed: 7, due_on: date(2022, 3, 20) };
        let mut tx = fixture.store.begin().await.unwrap();
        zoufang::app::inspections::note(&mut tx, date(2022, 3, 9), &by, "到高桥村看了公示栏")
            .await
            .unwrap();
        draw_sample(&mut tx, &new, &by, &mut |_| 0).await.unwrap();
        tx.commit().await.unwrap();
        fixture.at(3, 15, 10);
        let found = "抽查编号,抽查结论,抽查日期,抽查人\nCHD2022-C0001,属实,2022-03-15,I1\n";
        fixture.import("found.csv", found).await.unwrap();
        let daily = async |asked: &Asked| {
            let (_at, file) = table(&fixture.store, Table::Inspections, asked).await;
            let of = |row: &BTreeMap<String, String>| (row["日期"].clone(), row["方式"].clone());
            body(&file, "日常督查").iter().map(of).collect::<Vec<_>>()
        };
        let of = |on: &str, how: &str| (on.to_owned(), how.to_owned());
        let three = [
            of("2022-03-09", "督查情况"),
            of("2022-03-10", "入户抽查"),
            of("2022-03-15", "抽样检查"),
        ];
        assert_eq!(daily(&Asked::default()).await, three);
        let early = Asked { on: Some(date(2022, 3, 14)), ..Asked::default() };
        assert_eq!(daily(&early).await, three[..2]);
    }
);

on_both!(the_ledger_names_whom_the_page_names, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    let more = "人员编号,姓名,角色,所属区划,工作单位\nD1,何城,镇直部门,370481111000,城建办\n";
    fixture.import("d.csv", more).await.unwrap();
    fixture.visit("2022-06-05,Z6,H2,李秀英,,路灯又坏了,有,镇村自办,居住环境,一般").await.unwrap();
    let mut plan = zoufang::daemon::load_campaign("".as_ref()).unwrap();
    for category in [Category::LivingEnvironment, Category::SocialAssistance, Category::Other] {
        plan.departments.insert(category, "城建办".to_owned());
    }
    zoufang::app::plan::apply(&fixture.store, &plan, "周正", "部门分工").await.unwrap();
    let (_at, file) = table(&fixture.store, Table::Rectification, &Asked::default()).await;
    let person = crate::support::browser::person(&fixture.store, "Z1").await;
    let staff = fixture.store.staff().await.unwrap();
    let mut record = fixture.store.snapshot().await.unwrap();
    let mut open = Vec::new();
    for row in body(&file, "整改台账") {
        let number = row["问题编号"].as_str();
        let page =
            zoufang::app::issue_acts::standpoint(&mut record, &person, number).await.unwrap();
        let asked = [DutyKind::Resolve, DutyKind::Classify];
        let Some(next) = page.unwrap().next.into_iter().find(|next| asked.contains(&next.kind))
        else {
            continue;
        };
        let name = |(id, _): &(String, String)| {
            staff.iter().find(|person| person.id == *id).unwrap().name.clone()
        };
        let named: Vec<String> = next.owners.iter().map(name).collect();
        assert_eq!(row["责任人"], named.join("、"), "{number}");
        open.push(row["责任人"].clone());
    }
    record.end().await.unwrap();
    // The centre for what waits for the platform, the unit for its own part, the visitor for what isn't classified.
    open.sort();
    open.dedup();
    assert_eq!(open, ["何城", "吴心", "褚走"]);
});

on_both!(the_list_of_what_is_missing_adds_up_to_duties, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    // Three who weren't heard are one visit that is owed.
    let register = "对象编号,群众姓名,未走访原因\nH4,赵永福,\nH4,赵大,\nH4,赵二,\n";
    fixture.import("register.csv", register).await.unwrap();
    let wanted = zoufang::reports::missing::Wanted::default();
    let lines = zoufang::reports::missing::lines(&fixture.store, &wanted).await.unwrap();
    let sums = zoufang::reports::missing::sums(&lines);
    let owed = fixture.store.duty_lines("", 10_000).await.unwrap();
    let today = date(2022, 6, 5).to_string();
    let open: Vec<_> = owed.iter().filter(|duty| duty.state == "open").collect();
    let late = open.iter().filter(|duty| duty.due_on.to_string() < today).count();
    assert_eq!((sums.open, sums.late), (open.len(), late));
    assert!(lines.len() > sums.open, "each of them has a line");
    let (_at, file) = table(&fixture.store, Table::Missing, &Asked::default()).await;
    let said = format!("没有完成的任务 {} 项，其中超期 {late} 项", open.len());
    assert!(rows(&file, "缺项清单").concat().iter().any(|cell| cell.contains(&said)));
});

on_both!(two_villages_of_one_name_stay_two, |fixture: Fixture| async move {
    let fixture = in_the_midst(fixture).await;
    fixture.at(4, 1, 10);
    let more = "区划代码,区划名称,区划类型,上级区划\n,第二总支,总支,370481111000\n370481111300,高桥村委会,村,第二总支\n";
    fixture.import("areas2.csv", more).await.unwrap();
    let subject = "对象编号,对象类型,对象名称,所属村,地址\nK1,家庭,郑新民,370481111300,\n";
    fixture.import("subject2.csv", subject).await.unwrap();
    fixture.import("who2.csv", "对象编号,走访人员\nK1,Z6\n").await.unwrap();
    let heard = HEARD.lines().next().unwrap().to_owned()
        + "\n2022-03-09,Z6,K1,郑新民,,没有路灯,有,镇村自办,居住环境,急\n";
    fixture.import("heard2.csv", &heard).await.unwrap();
    let store = &fixture.store;
    let (_at, file) = table(store, Table::Units, &Asked::default()).await;
    let units = body(&file, "各单位问题解决情况");
    let of = |unit: &str| {
        units.iter().find(|row| row["责任单位"] == unit).map(|row| row["问题数"].clone())
    };
    assert_eq!(of("高桥村委会（第一总支）").as_deref(), Some("3"), "{units:?}");
    assert_eq!(of("高桥村委会（第二总支）").as_deref(), Some("1"));
    assert_eq!(of("杨桥村委会").as_deref(), Some("1"), "named as before where it's alone");
    let folder = tempfile::tempdir().unwrap();
    let templates = Templates::read(Path::new("")).unwrap();
    let (to, press) = (folder.path().join("上报材料"), Press::default());
    let asked = Asked::default();
    let written = write_all(store, &asked, (&templates, &press), &to, false).await.unwrap();
    assert!(written.iter().all(|one| one.file.is_file()));
    for of in ["高桥村委会（第一总支）", "高桥村委会（第二总支）"] {
        assert!(to.join(format!("自查总结/{of}自查总结.docx")).is_file(), "{of}: {written:?}");
    }
    let text = part(&to.join("大走访活动总结/柴胡店镇大走访活动总结.docx"), "word/document.xml");
    assert!(
        text.contains("高桥村委会（第一总支）") && text.contains("高桥村委会（第二总支）"),
        "{text}"
    );
});

#[test]
fn a_text_longer_than_a_cell_fails_no_file() {
    let folder = tempfile::tempdir().unwrap();
    const COLUMNS: &[Column] = &[middle("序号", 6.0), words("内容", 30.0), middle("号", 8.0)];
    let file = folder.path().join("t.xlsx");
    let mut book = Book::new("表", date(2022, 3, 1)).unwrap();
    let layout = Layout {
        name: "表",
        title: "表".to_owned(),
        left: String::new(),
        right: String::new(),
        paper: Paper::A4,
        columns: COLUMNS,
    };
    let mut sheet = book.sheet(layout).unwrap();
    sheet.row(&[Cell::from("长".repeat(40_000)), Cell::from("甲")]).unwrap();
    sheet.row(&[Cell::from("短"), Cell::from("乙")]).unwrap();
    sheet.end(&["合计".to_owned()], "").unwrap();
    book.save(&file).unwrap();
    let rows = body(&file, "表");
    assert!(rows[0]["内容"].ends_with("全文请在程序里查看）") && rows[0]["号"] == "甲");
    assert_eq!((rows.len(), rows[1]["内容"].as_str()), (2, "短"));
}

#[test]
fn the_commands_say_what_they_wrote_and_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let say = |words: &[&str]| run(words, dir.path());
    assert_eq!(say(&["key", "zoufang.key"]).0, 0);
    for (name, table) in
        [("a.csv", AREAS), ("s.csv", STAFF), ("o.csv", SUBJECTS), ("f.csv", ASSIGNMENTS)]
    {
        std::fs::write(dir.path().join(name), table).unwrap();
        assert_eq!(say(&["import", name]).0, 0);
    }
    std::fs::write(dir.path().join("v.csv"), HEARD).unwrap();
    assert_eq!(say(&["import", "v.csv"]).0, 0);
    let (code, out, error) = say(&["report", "附件6", "--on", "2022-04-15"]);
    assert!(
        code == 0 && out.contains("附件6问题清单-柴胡店镇-2022-04-15.xlsx：4 行"),
        "{out}{error}"
    );
    for (words, said) in [
        (vec!["report", "附件6", "--on", "2022-04-15"], "不会覆盖"),
        (vec!["report", "附件9"], "附件2走访活动安排表、"),
        (vec!["report", "附件6", "--on", "2999-01-01"], "还没到"),
        (vec!["report", "附件6", "--area", "西桥村"], "没有「西桥村」"),
        (vec!["report", "附件6", "--reveal"], "--by"),
        (vec!["report", "附件6", "--reveal", "--by", "Z6"], "不能写出带个人信息的上报材料"),
        (vec!["report", "工作开展情况总结"], "请用 --area 写明是哪个总支"),
        (vec!["report", "问题解决情况"], "或用 --unit 写明镇直部门"),
        (vec!["report", "问题解决情况", "--unit", "民政办"], "没有这个单位"),
        (vec!["report", "纪律"], "督导组"),
        (vec!["report", "纪律", "--by", "Z1"], "查看和办理违纪反映"),
    ] {
        let (code, out, error) = say(&words);
        assert!(code == 2 && error.contains(said), "{words:?}: {out}{error}");
    }
    let (code, out, error) = say(&["report", "-o", "all"]);
    assert!(code == 0 && out.contains("个文件：all"), "{out}{error}");
    assert!(error.contains("工作纪律记录只给督导组人员，没有写"), "{error}");
    let (code, out, error) = say(&["print", "联系服务群众卡", "-o", "cards.html"]);
    assert!(
        code == 0 && out.contains("3 份") && error.contains("notify.public_url"),
        "{out}{error}"
    );
    // What was read is in the trail, with whose names were hidden.
    let (_, out, _) = say(&["audit", "list", "--action", "report"]);
    assert!(out.contains("issues") && out.contains("cards"), "{out}");
}

on_both!(a_list_of_a_day_that_is_past_has_what_was_void_then, async |fixture: Fixture| {
    let fixture = in_the_midst(fixture).await;
    let on = Asked { on: Some(date(2022, 4, 15)), ..Asked::default() };
    let lists = async |asked: &Asked| {
        let (_at, quiet) = table(&fixture.store, Table::WithoutIssues, asked).await;
        let (_at, demands) = table(&fixture.store, Table::Issues, asked).await;
        let quiet = body(&quiet, "没有问题群众清单").len();
        (quiet, body(&demands, "问题清单").len())
    };
    let then = lists(&on).await;
    let mut tx = fixture.store.begin().await.unwrap();
    let withdrawn = tx.issues_numbered(&["CHD2022-000004"]).await.unwrap().remove(0).id;
    let event = Event::Voided { reason: "群众撤回".to_owned() };
    tx.issue_event(&withdrawn, &event, "Z1").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(lists(&on).await, then, "withdrawn since, it wasn't then");
    assert_eq!(lists(&Asked::default()).await, (then.0 + 1, then.1 - 1));
    let event = Event::Reopened { reason: "不是撤回".to_owned() };
    let mut tx = fixture.store.begin().await.unwrap();
    tx.issue_event(&withdrawn, &event, "Z1").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(lists(&Asked::default()).await, then);
});

/// How each referral stood on a day: its state, its number, the answer and the day of that.
async fn referred(fixture: &Fixture, day: i8) -> Vec<[String; 4]> {
    let asked = Asked { on: Some(date(2022, 3, day)), ..Asked::default() };
    let (_at, file) = table(&fixture.store, Table::Referrals, &asked).await;
    let columns = ["办理状态", "平台编号", "平台答复", "答复日期"];
    body(&file, "上报台账").iter().map(|row| columns.map(|column| row[column].clone())).collect()
}

on_both!(a_referral_stands_as_it_stood_on_the_day, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    fixture.visit("2022-03-05,Z6,H2,李秀英,,门口积水,有,市直单办,居住环境,急").await.unwrap();
    fixture.at(3, 20, 10);
    let mut tx = fixture.store.begin().await.unwrap();
    let withdrawn = tx.issues_numbered(&["CHD2022-000002"]).await.unwrap().remove(0).id;
    let event = Event::Voided { reason: "群众撤回".to_owned() };
    tx.issue_event(&withdrawn, &event, "Z1").await.unwrap();
    tx.commit().await.unwrap();
    fixture.at(3, 22, 10);
    deliver(&fixture.store, "E1").await;
    fixture.at(3, 24, 10);
    let refused = PlatformUpdate {
        text: "不属于受理范围".to_owned(),
        ..update(&fixture, "E1", PlatformStatus::Refused, 1)
    };
    assert!(receive(&fixture.store, &refused).await);
    let of = |rows: [[&str; 4]; 2]| rows.map(|row| row.map(str::to_owned));
    let (waits, gone) = (["待上报", "", "", ""], ["已撤回", "", "", ""]);
    assert_eq!(referred(&fixture, 12).await, of([waits, waits]));
    assert_eq!(referred(&fixture, 21).await, of([waits, gone]));
    assert_eq!(referred(&fixture, 23).await, of([["平台办理中", "E1", "", ""], gone]));
    let refused = ["退回", "E1", "不属于受理范围", "2022-03-24"];
    assert_eq!(referred(&fixture, 24).await, of([refused, gone]));
});

on_both!(an_answer_bears_the_platforms_own_day, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    deliver(&fixture.store, "E1").await;
    fixture.at(3, 30, 10);
    let done = PlatformUpdate {
        text: "路灯已修好".to_owned(),
        ..update(&fixture, "E1", PlatformStatus::Resolved, 72)
    };
    assert!(receive(&fixture.store, &done).await);
    let rows = referred(&fixture, 30).await;
    assert_eq!(rows, [["平台已办结", "E1", "路灯已修好", "2022-03-27"].map(str::to_owned)]);
    // It was known here on the 30th.
    assert_eq!(referred(&fixture, 28).await[0][0], "平台办理中");
});

on_both!(a_household_that_is_half_visited_is_not_finished, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 9, 10);
    let register = "对象编号,群众姓名,未走访原因\nH1,王建国,\nH1,王小宝,\n";
    fixture.import("register.csv", register).await.unwrap();
    fixture.visit("2022-03-05,Z6,H1,王建国,,,无,,,").await.unwrap();
    let arranged = async |asked: &Asked| {
        let (_at, file) = table(&fixture.store, Table::Arrangement, asked).await;
        let rows = body(&file, "走访活动安排表");
        let row = rows.into_iter().find(|row| row["对象编号"] == "H1").unwrap();
        (row["走访进度"].clone(), row["走访完成日期"].clone())
    };
    let of = |how: &str, on: &str| (how.to_owned(), on.to_owned());
    assert_eq!(arranged(&Asked::default()).await, of("未走访完（1/2）", ""));
    let (_at, file) = table(&fixture.store, Table::Arrangement, &Asked::default()).await;
    let total = rows(&file, "走访活动安排表").concat();
    assert!(total.iter().any(|cell| cell.contains("（其中未走访完 1 个）")), "{total:?}");
    fixture.at(3, 13, 10);
    fixture.visit("2022-03-12,Z6,H1,王小宝,,,无,,,").await.unwrap();
    // Complete with the last of them; and on the day before, as it stood then.
    assert_eq!(arranged(&Asked::default()).await, of("已走访", "2022-03-12"));
    let on = |day| Asked { on: Some(date(2022, 3, day)), ..Asked::default() };
    assert_eq!(arranged(&on(12)).await, of("已走访", "2022-03-12"));
    assert_eq!(arranged(&on(11)).await, of("未走访完（1/2）", ""));
    assert_eq!(arranged(&on(4)).await, of("未走访", ""));
});
