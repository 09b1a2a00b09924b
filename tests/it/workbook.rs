//! A portal that only people can use: workbooks out, workbooks back.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use calamine::{Reader, Xlsx, open_workbook};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use zoufang::daemon::{Daemon, handoff_rules};
use zoufang::domain::issue::State;
use zoufang::domain::referral::PlatformStatus;
use zoufang::settings::Settings;
use zoufang::web::status::Status;

use crate::support::{Fixture, VISITS, claim, notices, on_both};

pub struct Office {
    pub fixture: Fixture,
    pub daemon: Daemon,
    pub dir: TempDir,
}

pub async fn office(fixture: Fixture) -> Office {
    let statuses: BTreeMap<String, PlatformStatus> = [
        ("已受理", PlatformStatus::Accepted),
        ("处理中", PlatformStatus::InProgress),
        ("已办结", PlatformStatus::Resolved),
        ("退回", PlatformStatus::Refused),
    ]
    .map(|(word, status)| (word.to_owned(), status))
    .into();
    let fixture = fixture.within(|context| context.platform_statuses = statuses).await;
    let fixture = fixture.township().await;
    fixture.at(4, 20, 8);
    let dir = tempfile::tempdir().unwrap();
    let text = format!("[platform]\nadapter = 'workbook'\nfolder = '{}'", dir.path().display());
    let settings = Settings::from_text(&text, "test").unwrap();
    let daemon = Daemon::new(settings, fixture.store.clone(), CancellationToken::new()).unwrap();
    Office { fixture, daemon, dir }
}

impl Office {
    async fn visits(&self, name: &str, urgencies: &[&str]) {
        let line = |(n, urgency): (usize, &&str)| {
            format!("\n2022-04-20,Z6,H1,王建国,13800000001,{name}第{n}件,有,市直,其他,{urgency}")
        };
        let lines: String = urgencies.iter().enumerate().map(line).collect();
        self.fixture.import("v.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    }

    /// Some hours of the township's time.
    pub async fn hours(&self, hours: u64) {
        for _ in 0..hours {
            self.fixture.clock.set(self.fixture.clock.now() + Duration::from_secs(3600));
            self.daemon.settle().await.unwrap();
        }
    }

    pub fn handoffs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        let mut files: Vec<PathBuf> =
            entries.map(|e| e.unwrap().path()).filter(|path| path.is_file()).collect();
        files.sort();
        files
    }

    pub fn returned(&self, name: &str) -> bool {
        self.dir.path().join("returns").join(name).is_file()
    }

    /// A filled-in workbook, put where returns are looked for.
    pub fn give_back(&self, name: &str, rows: &[Vec<String>]) {
        let folder = self.dir.path().join("returns");
        std::fs::create_dir_all(&folder).unwrap();
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        for (row, cells) in rows.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                sheet.write_string(row as u32, column as u16, cell).unwrap();
            }
        }
        workbook.save(folder.join(name)).unwrap();
        rest(&folder.join(name));
    }

    pub async fn count(&self, state: State) -> usize {
        self.fixture.store.issues_in(state, 100).await.unwrap().len()
    }
}

/// As if nobody had written to it for long.
pub fn rest(file: &Path) {
    let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    std::fs::File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
}

pub fn rows(file: &Path) -> Vec<Vec<String>> {
    let mut workbook: Xlsx<_> = open_workbook(file).unwrap();
    let range = workbook.worksheet_range_at(0).unwrap().unwrap();
    range.rows().map(|cells| cells.iter().map(ToString::to_string).collect()).collect()
}

pub fn column(rows: &[Vec<String>], name: &str) -> usize {
    rows[0].iter().position(|header| header == name).unwrap_or_else(|| panic!("{name}"))
}

/// Fills in as the one who uploads does.
pub fn filled(
    rows: &[Vec<String>],
    number: impl Fn(usize) -> String,
    status: &str,
) -> Vec<Vec<String>> {
    let (remote, word) = (column(rows, "平台编号"), column(rows, "办理状态"));
    let mut filled = rows.to_vec();
    for (row, cells) in filled.iter_mut().enumerate().skip(1) {
        cells.resize(rows[0].len(), String::new());
        (cells[remote], cells[word]) = (number(row), status.to_owned());
    }
    filled
}

on_both!(each_issue_goes_into_one_hand_off_and_comes_back, async |fixture: Fixture| {
    let office = office(fixture).await;
    office.visits("甲", &["一般", "急", "长期"]).await;
    office.hours(2).await;
    office.visits("乙", &["急"]).await;
    office.hours(24).await;
    let files = office.handoffs();
    let names: Vec<_> = files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["上报交接单-0001-2022-04-20.xlsx", "上报交接单-0002-2022-04-21.xlsx"]);
    let (first, second) = (rows(&files[0]), rows(&files[1]));
    let reference = column(&first, "上报编号");
    let texts: Vec<&str> =
        first[1..].iter().map(|cells| cells[column(&first, "诉求内容")].as_str()).collect();
    assert!(texts[0].starts_with("甲第1件[CHD2022-"), "the urgent one first: {texts:?}");
    let all: HashSet<&String> =
        first[1..].iter().chain(&second[1..]).map(|cells| &cells[reference]).collect();
    assert_eq!((first.len(), second.len(), all.len()), (4, 2, 4));
    assert!(!first[0].contains(&"平台类别代码".to_owned()), "nobody configured any");
    let status = Status::read(&office.daemon).await.unwrap();
    let lane = status.lanes.iter().find(|lane| lane.name == "ehushanying").unwrap();
    assert_eq!((lane.handed, lane.queued), (4, 0));
    // It comes back with numbers, later with answers; and once more, which changes nothing.
    office.give_back("回执1.xlsx", &filled(&first, |row| format!("E{row}"), "已受理"));
    office.hours(1).await;
    assert!(office.returned("done/回执1.xlsx") && !office.returned("回执1.xlsx"));
    assert_eq!((office.count(State::Accepted).await, office.count(State::Queued).await), (3, 1));
    office.give_back("回执2.xlsx", &filled(&first, |row| format!("E{row}"), "已办结"));
    office.hours(1).await;
    assert_eq!(office.count(State::Resolved).await, 3);
    // An old return, handed in again, takes no end back.
    office.give_back("回执1旧.xlsx", &filled(&first, |row| format!("E{row}"), "处理中"));
    office.hours(1).await;
    assert!(office.returned("failed/回执1旧.xlsx"));
    assert_eq!(office.count(State::Resolved).await, 3);
    // What the portal lists by its own numbers, with one of another town among them.
    let listed = [
        ["事件编号", "事件状态", "事件描述"].map(str::to_owned).to_vec(),
        ["E9", "处理中", &first[1][column(&first, "诉求内容")].replace("[CHD", "[XYZ")]
            .map(str::to_owned)
            .to_vec(),
        ["E4", "处理中", &second[1][column(&second, "诉求内容")]].map(str::to_owned).to_vec(),
    ];
    office.give_back("导出.xlsx", &listed);
    office.hours(1).await;
    assert_eq!(
        (office.count(State::InProgress).await, office.count(State::Resolved).await),
        (1, 3)
    );
    let noted = rows(&office.dir.path().join("returns/done/导出.错误.xlsx"));
    assert!(noted[1].last().unwrap().contains("对不上"), "{noted:?}");
    assert!(noted[2].last().unwrap().is_empty());
    let debts = office.fixture.store.platform_debts().await.unwrap();
    assert!(debts.iter().all(|(_, number)| number.is_some()));
});

on_both!(a_crash_before_the_file_is_written_loses_and_doubles_nothing, async |fixture: Fixture| {
    let office = office(fixture).await;
    office.visits("甲", &["急", "急"]).await;
    let mut tx = office.fixture.store.begin().await.unwrap();
    let handoff = tx.hand_off(jiff::civil::date(2022, 4, 20), 100).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!((handoff.number, handoff.row_count, office.handoffs().len()), (1, 2, 0));
    office.hours(1).await;
    assert_eq!(office.handoffs().len(), 1, "the next run writes it");
    let first = std::fs::read(&office.handoffs()[0]).unwrap();
    office.hours(24).await;
    assert_eq!(office.handoffs().len(), 1);
    // Lost, and written again with what it had.
    let rows = office.fixture.store.handoff_dispatches(1).await.unwrap();
    let again = office.dir.path().join("again.xlsx");
    let rules = handoff_rules(&office.daemon.settings);
    zoufang::platform::workbook::write(&again, &rows, &rules).unwrap();
    assert_eq!(self::rows(&again), self::rows(&office.handoffs()[1]));
    assert!(!first.is_empty());
});

on_both!(a_return_that_contradicts_the_record_changes_nothing, async |fixture: Fixture| {
    let office = office(fixture).await;
    office.visits("甲", &["急", "急"]).await;
    office.hours(2).await;
    let first = rows(&office.handoffs()[0]);
    // One number for two issues: the copy was filled in wrongly.
    office.give_back("错.xlsx", &filled(&first, |_| "E1".to_owned(), "已受理"));
    office.hours(1).await;
    assert!(office.returned("failed/错.xlsx"));
    let noted = rows(&office.dir.path().join("returns/failed/错.错误.xlsx"));
    assert!(noted[2].last().unwrap().contains("平台编号「E1」已经是"), "{noted:?}");
    assert_eq!(office.count(State::Queued).await, 2);
    // Refused at the counter: no number, and the reason goes back to the village.
    let mut refused = filled(&first, |_| String::new(), "退回");
    let reply = column(&first, "办理答复");
    refused[1][reply] = "属镇村事项".to_owned();
    refused[2][column(&first, "办理状态")] = String::new();
    office.give_back("退.xlsx", &refused);
    office.hours(1).await;
    assert_eq!((office.count(State::Returned).await, office.count(State::Queued).await), (1, 1));
});

// A portal's whole export is longer than a turn: what contradicts itself far apart is seen before anything is kept.
on_both!(a_long_return_is_taken_whole_or_not_at_all, async |fixture: Fixture| {
    let office = office(fixture).await;
    office.visits("甲", &["急", "急"]).await;
    office.hours(2).await;
    let first = rows(&office.handoffs()[0]);
    let listed = |last: &str| {
        let text = |row: usize| first[row][column(&first, "诉求内容")].clone();
        let row = |number: String, text: String| vec![number, "已受理".to_owned(), text];
        let others = (0..900).map(|n| row(format!("F{n}"), format!("别的镇的第{n}件")));
        let header = ["事件编号", "事件状态", "事件描述"].map(str::to_owned).to_vec();
        let own = [row("E1".to_owned(), text(1))];
        let rows = [header].into_iter().chain(own).chain(others);
        rows.chain([row(last.to_owned(), text(2))]).collect::<Vec<_>>()
    };
    office.give_back("错.xlsx", &listed("E1"));
    office.hours(1).await;
    assert!(office.returned("failed/错.xlsx"));
    let noted = rows(&office.dir.path().join("returns/failed/错.错误.xlsx"));
    let said = noted.last().unwrap().last().unwrap();
    assert!(said.contains("平台编号「E1」在第 2 行"), "{said}");
    assert_eq!(office.count(State::Queued).await, 2, "nothing was kept");
    office.give_back("对.xlsx", &listed("E2"));
    office.hours(1).await;
    assert!(office.returned("done/对.xlsx"));
    assert_eq!(office.count(State::Accepted).await, 2);
});

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn whatever_lies_there_stops_nothing_and_is_one_notice() {
    let office = office(Fixture::sqlite().await).await;
    office.visits("甲", &["急"]).await;
    office.hours(2).await;
    let first = rows(&office.handoffs()[0]);
    let returns = office.dir.path().join("returns");
    std::fs::create_dir_all(returns.join("reading-again")).unwrap();
    std::fs::write(returns.join("a.csv"), "甲,乙\n1,2\n").unwrap();
    std::fs::write(returns.join("b.PDF.XLSX"), "%PDF-1.7").unwrap();
    std::fs::write(returns.join("reading-again").join("c.csv"), "twice the program died at it")
        .unwrap();
    std::os::unix::fs::symlink("/etc/hostname", returns.join("d.csv")).unwrap();
    let long = format!("{}.csv", "长".repeat(80));
    std::fs::write(returns.join(&long), "平台编号,办理状态\n").unwrap();
    for name in ["a.csv", "b.PDF.XLSX", &long] {
        rest(&returns.join(name));
    }
    // Somebody still copies it: it's left for the next pass.
    std::fs::write(returns.join("e.csv"), "平台编号,办理").unwrap();
    office.give_back("z.XLSX", &filled(&first, |_| "E1".to_owned(), "已受理"));
    let store = &office.fixture.store;
    let rules = handoff_rules(&office.daemon.settings);
    let returned = zoufang::platform::workbook::take_returns(store, &rules).await.unwrap();
    assert_eq!((returned.workbooks, returned.refused, returned.changed), (5, 3, 1));
    assert_eq!(office.count(State::Accepted).await, 1, "the good one behind them is taken");
    for name in ["failed/a.csv", "failed/b.PDF.xlsx", "failed/c.csv", "done/z.xlsx", "d.csv"] {
        assert!(office.returned(name), "{name}");
    }
    assert!(office.returned("e.csv"));
    assert!(office.returned(&format!("done/{}.csv", "长".repeat(60))));
    let entries = claim(store, "log", "t", 100, 60_000).await.unwrap();
    let told = notices(store, &entries).await;
    let of_returns: Vec<&str> = told
        .iter()
        .map(|notice| notice.title.as_str())
        .filter(|title| title.contains("回执"))
        .collect();
    assert!(of_returns.len() <= 1, "{of_returns:?}");
    assert!(of_returns.iter().all(|title| title.contains("等 3 个文件有问题")), "{of_returns:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_who_uploads_is_told() {
    let office = office(Fixture::sqlite().await).await;
    office.visits("甲", &["急"]).await;
    let rules = handoff_rules(&office.daemon.settings);
    office.fixture.at(4, 20, 9);
    zoufang::platform::workbook::hand_off(&office.fixture.store, &rules).await.unwrap();
    let store = &office.fixture.store;
    let entries = claim(store, "log", "t", 10, 60_000).await.unwrap();
    let notice = notices(store, &entries).await.remove(0);
    let folder = office.dir.path().display().to_string();
    let text = format!("{}\n{}\n{}", notice.staff_name, notice.title, notice.body);
    insta::assert_snapshot!(text.replace(&folder, "FOLDER"), @r"
    吴心
    上报交接单第 1 号：1 件请录入平台
    文件：FOLDER/上报交接单-0001-2022-04-20.xlsx
    1. 按表中次序（急的在前）逐件录入平台，「诉求内容」要连同方括号里的编号一起粘贴。
    2. 把平台给的编号、状态填进最后四列，另存后放到 FOLDER/returns，或用 zoufang import 导入。
    没有录入的留空，以后再填也可以；同一件不会出现在别的交接单里。
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_weekend_nothing_is_stuck() {
    let office = office(Fixture::sqlite().await).await;
    let stuck = async || {
        let status = Status::read(&office.daemon).await.unwrap();
        status.lanes.iter().map(|lane| lane.stuck).sum::<i64>()
    };
    // A Friday after the hand-off, the Sunday after it, and a Monday without one.
    office.fixture.at(5, 13, 10);
    office.visits("甲", &["急"]).await;
    office.fixture.at(5, 15, 12);
    assert_eq!(stuck().await, 0);
    office.fixture.at(5, 16, 9);
    assert_eq!(stuck().await, 1);
}
