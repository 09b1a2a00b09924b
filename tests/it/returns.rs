//! What comes back from a portal's people: held against the record by what stands beside the number, and files that grow or
//! come twice.

use std::path::Path;
use std::time::Duration;

use zoufang::daemon::handoff_rules;
use zoufang::domain::issue::State;
use zoufang::intake::Options;
use zoufang::platform::workbook::{Returned, take_returns};

use crate::awkward::{refused, take, taken};
use crate::support::{Fixture, VISITS, claim, notices, on_both};
use crate::workbook::{Office, column, filled, office, rest, rows};

/// A lamp at H1 and gas at H2, handed off.
async fn handed(fixture: Fixture) -> (Office, Vec<Vec<String>>) {
    let office = office(fixture).await;
    let visits = format!(
        "{VISITS}\n2022-04-20,Z6,H1,王建国,,村口路灯不亮,有,市直,其他,急\n2022-04-20,Z6,H2,李秀英,,煤气泄漏,有,市直,其他,一般\n"
    );
    office.fixture.import("v.csv", &visits).await.unwrap();
    office.hours(2).await;
    let first = rows(&office.handoffs()[0]);
    (office, first)
}

async fn pass(office: &Office) -> Returned {
    take_returns(&office.fixture.store, &handoff_rules(&office.daemon.settings)).await.unwrap()
}

on_both!(what_stands_beside_a_platforms_number_must_be_its_own, async |fixture: Fixture| {
    let (office, first) = handed(fixture).await;
    // One column of the hand-off that was sorted alone.
    for name in ["诉求内容", "问题编号", "群众姓名", "详细地址"] {
        let (mut back, at) =
            (filled(&first, |row| format!("E{row}"), "已受理"), column(&first, name));
        let (one, other) = (back[1][at].clone(), back[2][at].clone());
        assert_ne!(one, other, "{name}");
        (back[1][at], back[2][at]) = (other, one);
        office.give_back("错.xlsx", &back);
        office.hours(1).await;
        let noted = rows(&office.dir.path().join("returns/failed/错.错误.xlsx"));
        let said = noted[1].last().unwrap();
        assert!(said.contains(name) && said.contains("请核对这一行的「平台编号」"), "{said}");
        std::fs::remove_dir_all(office.dir.path().join("returns/failed")).unwrap();
        assert_eq!(office.count(State::Queued).await, 2, "{name}: nothing was kept");
    }
    let entries = claim(&office.fixture.store, "log", "t", 100, 60_000).await.unwrap();
    for notice in notices(&office.fixture.store, &entries).await {
        let told = format!("{}{}", notice.title, notice.body);
        let is_about = notice.title.contains("回执");
        assert!(
            !is_about || !["王建国", "李秀英", "煤气"].iter().any(|word| told.contains(word)),
            "{told}"
        );
    }
    office.give_back("对.xlsx", &filled(&first, |row| format!("E{row}"), "已受理"));
    office.hours(1).await;
    assert_eq!(office.count(State::Accepted).await, 2);
    // The portal's own list by its numbers.
    for (name, told) in [
        ("标题", "高桥村煤气泄漏"),
        ("反映人", "李秀英"),
        ("诉求内容", "煤气泄漏"),
        ("所属村", "杨桥村"),
        ("对象编号", "H2"),
        ("户主", "李秀英"),
    ] {
        let list = format!("事件编号,事件状态,{name}\nE1,已办结,{told}\n");
        let error = refused(&office.fixture, "l.csv", &list).await;
        assert!(error.contains(&format!("第 2 行第 3 列「{name}」")), "{name}: {error}");
        assert!(error.contains("请核对"), "{error}");
    }
    assert_eq!(office.count(State::Resolved).await, 0);
    let list = "事件编号,事件状态,标题,反映人,诉求内容,所属村,户主\nE1,处理中,关于路灯的诉求,王**,【柴胡店镇】村口路灯不亮，请处理,柴胡店镇高桥村,王建国\n";
    assert_eq!(taken(&office.fixture, "l.csv", list).await.changed, 1);
    let list = "事件编号,事件状态,标题\nE1,已办结,亮化工程\n";
    let ignored = Options { ignored: vec!["标题".to_owned()], ..Options::default() };
    assert_eq!(take(&office.fixture, "l.csv", list, &ignored).await.unwrap().changed, 1);
    assert_eq!(office.count(State::Resolved).await, 1);
});

/// As if it had been written to some seconds ago.
fn written_just_now(file: &Path) {
    let now = std::fs::metadata(file).unwrap().modified().unwrap();
    let file = std::fs::File::options().write(true).open(file).unwrap();
    file.set_modified(now - Duration::from_secs(10)).unwrap();
}

const HEAD: &str = "平台编号,办理状态,上报编号\n";
const ONE: &str = "E1,已受理,CHD2022-000001-R1\n";
const TWO: &str = "E2,已受理,CHD2022-000002-R1\n";

on_both!(a_return_that_grows_is_taken_again_and_each_row_once, async |fixture: Fixture| {
    let (office, _) = handed(fixture).await;
    let returns = office.dir.path().join("returns");
    std::fs::create_dir_all(&returns).unwrap();
    let put = |name: &str, text: &str| {
        std::fs::write(returns.join(name), text).unwrap();
        written_just_now(&returns.join(name));
    };
    // Still being copied: left alone, whatever of it is there.
    std::fs::write(returns.join("r.csv"), HEAD).unwrap();
    assert_eq!(pass(&office).await.workbooks, 0);
    put("r.csv", &format!("{HEAD}{ONE}"));
    assert_eq!(pass(&office).await.changed, 1);
    // Whoever had it open goes on writing where it lies by now.
    let done = returns.join("done/r.csv");
    std::fs::write(&done, format!("{HEAD}{ONE}{TWO}")).unwrap();
    assert_eq!(pass(&office).await.workbooks, 0, "it isn't at rest");
    written_just_now(&done);
    let again = pass(&office).await;
    assert_eq!((again.workbooks, again.changed, again.refused), (1, 1, 0));
    assert_eq!(office.count(State::Accepted).await, 2);
    assert_eq!(pass(&office).await, Returned::default());
    // The same once more, under another name, and under the same with a row twice.
    put("r (1).csv", &format!("{HEAD}{ONE}{TWO}"));
    put("r.csv", &format!("{HEAD}{ONE}{TWO}{ONE}"));
    let again = pass(&office).await;
    assert_eq!((again.workbooks, again.changed), (2, 0));
    assert_eq!(office.count(State::Accepted).await, 2);
});

on_both!(half_a_return_is_refused_and_the_whole_one_taken, async |fixture: Fixture| {
    let (office, first) = handed(fixture).await;
    office.give_back("回执.xlsx", &filled(&first, |row| format!("E{row}"), "已受理"));
    let file = office.dir.path().join("returns/回执.xlsx");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    rest(&file);
    let half = pass(&office).await;
    assert_eq!((half.workbooks, half.refused, half.changed), (1, 1, 0));
    assert!(office.returned("failed/回执.xlsx"));
    std::fs::write(&file, &whole).unwrap();
    rest(&file);
    assert_eq!(pass(&office).await.changed, 2);
    // A list that broke off, and the whole one.
    let csv = office.dir.path().join("returns/续.csv");
    let whole =
        "平台编号,办理状态,上报编号\nE1,已办结,CHD2022-000001-R1\nE2,已办结,CHD2022-000002-R1\n";
    for end in [whole.len() - 10, whole.len()] {
        std::fs::write(&csv, &whole[..end]).unwrap();
        rest(&csv);
        assert_eq!(pass(&office).await.workbooks, 1);
    }
    assert_eq!(office.count(State::Resolved).await, 2);
});

on_both!(a_return_that_met_nothing_is_taken_once_its_issue_is_there, async |fixture: Fixture| {
    let office = office(fixture).await;
    let list = format!("{HEAD}{ONE}");
    assert_eq!(taken(&office.fixture, "r.csv", &list).await.unmatched.len(), 1);
    let visit = format!("{VISITS}\n2022-04-20,Z6,H1,王建国,,村口路灯不亮,有,市直,其他,急\n");
    office.fixture.import("v.csv", &visit).await.unwrap();
    assert_eq!(taken(&office.fixture, "r.csv", &list).await.changed, 1);
    assert!(taken(&office.fixture, "r.csv", &list).await.imported_before.is_some());
});

on_both!(
    what_cannot_be_of_a_portal_is_refused_and_what_is_not_known_is_said,
    async |fixture: Fixture| {
        let (office, _) = handed(fixture).await;
        let row = |number: &str, word: &str, reply: &str, at: &str| {
            format!(
                "上报编号,平台编号,办理状态,办理答复,办理时间\nCHD2022-000001-R1,{number},{word},{reply},{at}\n"
            )
        };
        for (table, place, said) in [
            (row("E1", "已办结", "", "1922-04-20"), "第 5 列「办理时间」", "请核对年份"),
            (row("E1", "已受理", "", "2062-04-20"), "第 5 列「办理时间」", "在将来"),
            (row("待分配", "已受理", "", ""), "第 2 列「平台编号」", "不是平台编号"),
            (row("已受理", "E1", "", ""), "第 2 列「平台编号」", "不是平台编号"),
            (row("", "", "已派人去修", ""), "第 4 列「办理答复」", "收不下"),
        ] {
            let error = refused(&office.fixture, "r.csv", &table).await;
            assert!(error.contains(&format!("第 2 行{place}")) && error.contains(said), "{error}");
            assert_eq!(office.count(State::Queued).await, 2);
        }
        let told = taken(&office.fixture, "r.csv", row("E1", "流转中", "", "")).await.understood();
        let told = told.join("\n");
        assert!(told.contains("第 2 行第 3 列「办理状态」：不知道「流转中」"), "{told}");
        assert_eq!(office.count(State::Referred).await, 1);
    }
);

on_both!(what_is_no_table_does_not_lie_there_unread, async |fixture: Fixture| {
    let (office, _) = handed(fixture).await;
    let returns = office.dir.path().join("returns");
    std::fs::create_dir_all(&returns).unwrap();
    let names = ["回执.zip", "照片.JPG", "打印.pdf", "没有后缀", "正在下载.tmp"];
    for (name, bytes) in
        names.into_iter().zip(["PK\u{5}\u{6}", "\u{7f}", "%PDF-1.7", "甲,乙\n", "甲,乙\n"])
    {
        std::fs::write(returns.join(name), bytes).unwrap();
        written_just_now(&returns.join(name));
    }
    let returned = pass(&office).await;
    assert_eq!((returned.workbooks, returned.refused), (4, 4));
    for name in ["回执.zip", "照片.jpg", "打印.pdf", "没有后缀"] {
        assert!(office.returned(&format!("failed/{name}")), "{name}");
    }
    assert!(office.returned("正在下载.tmp"));
});

on_both!(what_stands_behind_a_platforms_number_is_asked_about, async |fixture: Fixture| {
    let (office, first) = handed(fixture).await;
    let merged = filled(&first, |row| format!("P{row}（已并入P9）"), "已受理");
    office.give_back("并.xlsx", &merged);
    office.hours(1).await;
    let noted = rows(&office.dir.path().join("returns/failed/并.错误.xlsx"));
    let said = noted[1].last().unwrap();
    assert!(said.contains("里写着「已并入P9」") && said.contains("「新平台编号」"), "{said}");
    assert_eq!(office.count(State::Queued).await, 2);
    // A platform may number with brackets.
    office.give_back("号.xlsx", &filled(&first, |row| format!("滕信〔2022〕{row}号"), "已受理"));
    office.hours(1).await;
    assert_eq!(office.count(State::Accepted).await, 2);
});

on_both!(a_folder_among_the_returns_is_said, async |fixture: Fixture| {
    let (office, _) = handed(fixture).await;
    std::fs::create_dir_all(office.dir.path().join("returns/四月")).unwrap();
    pass(&office).await;
    pass(&office).await;
    let entries = claim(&office.fixture.store, "log", "t", 100, 60_000).await.unwrap();
    let notices = notices(&office.fixture.store, &entries).await;
    let told = notices.iter().filter(|notice| notice.title.contains("文件夹「四月」没有读"));
    assert_eq!(told.count(), 1);
});
