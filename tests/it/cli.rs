//! The program from outside: its exit codes and its words.

use std::path::Path;
use std::process::Stdio;

use crate::support::program::{run, zoufang};
use crate::support::{AREAS, ASSIGNMENTS, STAFF, SUBJECTS, VISITS};

fn township(dir: &Path) {
    std::fs::write(dir.join("zoufang.toml"), "[http]\nlisten = '127.0.0.1:0'\n").unwrap();
    let (code, out, _) = run(&["key", "zoufang.key"], dir);
    assert!(code == 0 && out.contains("另存一份"));
    for (name, table) in
        [("a.csv", AREAS), ("s.csv", STAFF), ("o.csv", SUBJECTS), ("f.csv", ASSIGNMENTS)]
    {
        std::fs::write(dir.join(name), table).unwrap();
    }
}

fn import(dir: &Path, files: &[&str]) -> (i32, String, String) {
    let arguments: Vec<&str> =
        ["import", "--config", "zoufang.toml"].into_iter().chain(files.iter().copied()).collect();
    run(&arguments, dir)
}

#[test]
fn files_come_in_whatever_order_they_are_named_in() {
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    let (code, out, error) = import(dir.path(), &["f.csv", "o.csv", "s.csv", "a.csv"]);
    assert_eq!(code, 0, "{error}");
    insta::assert_snapshot!(out, @r"
    a.csv：区划表 4 行，已导入：新增 4，更新 0，不变 0
    s.csv：走访人员表 7 行，已导入：新增 7，更新 0，不变 0
    o.csv：走访对象表 3 行，已导入：新增 3，更新 0，不变 0
    f.csv：走访安排表（附件2） 3 行，已导入：新增 3，更新 0，不变 0
    ");
    let (code, out, _) = import(dir.path(), &["o.csv"]);
    assert!(code == 0 && out.contains("没有改动"), "{out}");
}

#[test]
fn a_file_with_mistakes_comes_back_with_a_column_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    import(dir.path(), &["a.csv", "s.csv", "o.csv", "f.csv"]);
    let bad = format!("{VISITS}\n2022-03-05,Z6,H1,王建国,,,无,,,\n2022-03-05,Z6,H9,李,,,也许,,,\n");
    std::fs::write(dir.path().join("v.csv"), bad).unwrap();
    let (code, _, error) = import(dir.path(), &["v.csv"]);
    assert_eq!(code, 2);
    assert!(
        error.contains("v.csv 第 3 行第 7 列「有无问题」") && error.contains("v.错误.csv"),
        "{error}"
    );
    let copy = std::fs::read_to_string(dir.path().join("v.错误.csv")).unwrap();
    let lines: Vec<&str> = copy.lines().collect();
    assert!(
        lines[0].ends_with("问题说明")
            && lines[1].ends_with("无,,,,")
            && lines[2].contains("也许」看不懂"),
        "{copy}"
    );
    let (_, out, _) = run(&["issue", "--config", "zoufang.toml", "list"], dir.path());
    assert_eq!(out.lines().count(), 1);
}

#[test]
fn a_wrong_configuration_key_is_named_with_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("zoufang.toml"), "[htpt]\nlisten = 'x'\n").unwrap();
    let (code, _, error) = run(&["serve", "--config", "zoufang.toml"], dir.path());
    assert_eq!(code, 2);
    assert!(error.contains("「htpt.listen」") && error.contains("「http.listen」"), "{error}");
}

#[test]
fn check_names_the_key_behind_each_finding() {
    let dir = tempfile::tempdir().unwrap();
    let config = "[database]\nurl = 'sqlite://nowhere/zoufang.db'\n[platform]\nadapter = 'open311'\nendpoint = 'http://127.0.0.1:9'\n\
                  [notify]\nchannels = ['webhook']\n[notify.webhook]\nurl = 'http://127.0.0.1:9/hook'\n[http]\nlisten = '127.0.0.1:0'\n";
    std::fs::write(dir.path().join("zoufang.toml"), config).unwrap();
    let (code, out, _) = run(&["check", "--config", "zoufang.toml"], dir.path());
    assert_eq!(code, 2);
    insta::assert_snapshot!(out.replace(dir.path().to_str().unwrap(), "DIR"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "check made something");
}

#[test]
fn what_only_a_named_person_may_do_is_refused_without_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    import(dir.path(), &["a.csv", "s.csv", "o.csv", "f.csv"]);
    std::fs::write(
        dir.path().join("v.csv"),
        format!("{VISITS}\n2022-03-05,Z6,H1,王建国,,路灯不亮,有,市直,其他,急\n"),
    )
    .unwrap();
    import(dir.path(), &["v.csv"]);
    let issue = |by: &str, reason: &str| {
        run(
            &[
                "issue",
                "--config",
                "zoufang.toml",
                "override",
                "CHD2022-000001",
                "--by",
                by,
                "--reason",
                reason,
            ],
            dir.path(),
        )
    };
    let (code, _, error) = issue("周正", " ");
    assert_eq!(code, 2, "{error}");
    let (code, out, _) = issue("周正", "平台三个月没有答复，已电话核实");
    assert!(code == 0 && out.contains("已办结"), "{out}");
    let (_, out, _) =
        run(&["issue", "--config", "zoufang.toml", "list", "--state", "已办结"], dir.path());
    assert!(out.contains("CHD2022-000001") && out.contains("路灯不亮"), "{out}");
}

#[test]
fn a_workbook_with_mistakes_comes_back_as_a_workbook() {
    use calamine::{Data, Reader};
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    import(dir.path(), &["a.csv", "s.csv", "o.csv"]);
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in [["附件2", ""], ["对象编号", "走访人员"], ["H1", "褚走"], ["H2", "张没有"]]
        .iter()
        .enumerate()
    {
        for (column, cell) in cells.iter().enumerate() {
            sheet.write_string(row as u32, column as u16, *cell).unwrap();
        }
    }
    workbook.save(dir.path().join("f.xlsx")).unwrap();
    let (code, _, error) = import(dir.path(), &["f.xlsx"]);
    assert!(code == 2 && error.contains("第 4 行第 2 列「走访人员」"), "{error}");
    let mut copy: calamine::Xlsx<_> =
        calamine::open_workbook(dir.path().join("f.错误.xlsx")).unwrap();
    let range = copy.worksheet_range("Sheet1").unwrap();
    let cell =
        |row, column| range.get_value((row, column)).map(Data::to_string).unwrap_or_default();
    assert_eq!((cell(1, 2).as_str(), cell(2, 2).as_str()), ("问题说明", ""));
    assert!(cell(3, 2).contains("没有「张没有」"));
}

#[test]
fn a_reader_who_stops_reading_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    import(dir.path(), &["a.csv", "s.csv", "o.csv", "f.csv"]);
    let plan = include_str!("../../config/campaign.toml").replace("2022-03-31", "2022-04-02");
    std::fs::write(dir.path().join("campaign.toml"), plan).unwrap();
    std::fs::write(
        dir.path().join("zoufang.toml"),
        "[http]\nlisten = '127.0.0.1:0'\n[campaign]\nfile = 'campaign.toml'\n",
    )
    .unwrap();
    let apply: &[&str] = &["campaign", "apply", "--by", "周正", "--reason", "推迟"];
    for arguments in [&["duties"], apply] {
        let mut child = zoufang()
            .args(arguments)
            .args(["--config", "zoufang.toml"])
            .current_dir(dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        // What is said for people besides doesn't say that something failed.
        assert!(output.status.success() && said.starts_with("配置："), "{arguments:?}: {said}");
    }
    let (_, out, _) = run(&["campaign", "plan", "--config", "zoufang.toml"], dir.path());
    assert!(out.contains("没有任务因此改变"), "it was applied: {out}");
}

#[test]
fn what_is_exported_comes_in_again_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    let visits = format!(
        "{VISITS}\n2022-03-05,Z6,H1,王建国,10000000101,=SUM(1+1),有,镇村自办,居住环境,急\n\
         2022-03-05,Z6,H1,王建国,10000000101,-2+3,有,,,\n2022-03-06,Z7,H3,赵掌柜,,,无,,,\n"
    );
    std::fs::write(dir.path().join("v.csv"), visits).unwrap();
    std::fs::write(
        dir.path().join("r.csv"),
        "对象编号,群众姓名,未走访原因,联系方式\nH2,李秀英,外出,\n",
    )
    .unwrap();
    std::fs::write(
        dir.path().join("q.csv"),
        "请假人,开始日期,结束日期,代办人\nZ6,2022-03-08,2022-03-09,Z7\n",
    )
    .unwrap();
    let (code, _, error) =
        import(dir.path(), &["a.csv", "s.csv", "o.csv", "f.csv", "v.csv", "r.csv", "q.csv"]);
    assert_eq!(code, 0, "{error}");
    let export = |words: &[&str]| {
        let all: Vec<&str> = ["export", "--config", "zoufang.toml"]
            .into_iter()
            .chain(words.iter().copied())
            .collect();
        let (code, out, error) = run(&all, dir.path());
        assert_eq!(code, 0, "{words:?}: {error}");
        out
    };
    for kind in [
        "areas",
        "staff",
        "走访对象表",
        "附件2",
        "附件4",
        "residents",
        "absences",
        "附件6",
        "issue_list",
    ] {
        let hidden = export(&[kind]);
        for personal in ["王建国", "10000000", "高桥村1号", "SUM"] {
            assert!(!hidden.contains(personal), "{kind}: {hidden}");
        }
        let out = export(&[kind, "--reveal", "--by", "周正"]);
        assert!(out.starts_with('\u{feff}') && out.lines().count() > 1, "{kind}: {out}");
        assert!(!out.contains(",=") && !out.contains(",-"), "{kind}: {out}");
        std::fs::write(dir.path().join("again.csv"), &out).unwrap();
        let (code, said, error) = import(dir.path(), &["again.csv"]);
        assert_eq!(code, 0, "{kind}: {error}\n{out}");
        let nothing = said.contains("新增 0，更新 0") || said.contains("没有改动");
        assert!(nothing && !said.contains("提醒"), "{kind}: {said}");
    }
    let (code, _, error) =
        run(&["export", "--config", "zoufang.toml", "visits", "--reveal"], dir.path());
    assert!(code == 2 && error.contains("--by"), "{error}");
    let lines = export(&["visits", "--json"]);
    assert_eq!(lines.lines().count(), 3);
}

#[test]
fn an_empty_table_is_filled_in_and_never_written_over() {
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    for kind in zoufang::intake::Kind::ALL {
        let file = format!("{}.xlsx", kind.code());
        let write = ["template", kind.code(), "-o", &file];
        let (code, _, error) = run(&write, dir.path());
        assert_eq!(code, 0, "{kind}: {error}");
        let (code, _, error) = run(&write, dir.path());
        assert!(code == 2 && error.contains("不会覆盖"), "{error}");
        // As it is, it's known for what it is and brings nothing.
        let (code, said, error) = import(dir.path(), &["--dry-run", &file]);
        assert!(code == 0 && said.contains(&format!("{kind} 0 行")), "{kind}: {said}{error}");
    }
}
