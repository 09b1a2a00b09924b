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
    let (_, out, _) = run(&["issue", "--config", "zoufang.toml", "list", "--by", "Z1"], dir.path());
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
    let (_, out, _) = run(
        &["issue", "--config", "zoufang.toml", "list", "--by", "Z1", "--state", "已办结"],
        dir.path(),
    );
    assert!(out.contains("CHD2022-000001") && out.contains("路灯不亮"), "{out}");
}

#[test]
fn what_was_asked_for_and_not_used_is_said() {
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    import(dir.path(), &["a.csv", "s.csv", "o.csv", "f.csv"]);
    let said = |words: &[&str], config: &str| {
        let (code, out, error) = run(&[words, &["--config", config]].concat(), dir.path());
        assert_eq!(code, 0, "{words:?}: {out}{error}");
        format!("{out}{error}")
    };
    let own = "zoufang.toml";
    let unused = "没有写 --reveal：个人信息没有写出，也不记 Z1 周正";
    for words in [vec!["missing", "--by", "Z1"], vec!["report", "附件2", "--by", "Z1"]] {
        let said = said(&words, own);
        assert!(said.contains(unused), "{words:?}: {said}");
    }
    let act = ["--by", "Z1", "--reason", "试一试"];
    let apply = [&["campaign", "apply", "--end-current"], &act[..]].concat();
    assert!(said(&apply, own).contains("--end-current 没有用上"));
    // What is closed is said by what is configured.
    let close = [&["account", "end", "Z7", "--close"], &act[..]].concat();
    let closed = said(&close, own);
    assert!(closed.contains("登录已停用（密码、没用过的链接作废）"), "{closed}");
    let file = std::fs::read_to_string(dir.path().join(own)).unwrap();
    let wecom = "[sign_in.wecom]\ncorp_id = 'ww1'\nagent_id = 1\nsecret = 's'\n[notify]\npublic_url = 'https://zoufang.example.cn'\n";
    std::fs::write(dir.path().join("wecom.toml"), format!("{file}\n{wecom}")).unwrap();
    let closed = said(&close, "wecom.toml");
    assert!(closed.contains("没用过的链接作废，用企业微信也不能登录"), "{closed}");
    let end = [&["subject", "end", "H2", "--why", "迁出"], &act[..]].concat();
    said(&end, own);
    let before = ["subject", "end", "H1", "--why", "去世", "--since", "2021-12-01"];
    said(&[&before[..], &act[..]].concat(), own);
    let ended = said(&["subject", "ended"], own);
    assert!(
        ended.contains(
            "不再走访的共 2 个：迁出 1，去世 1；其中本次活动没走访就不再走访的 1 个（迁出 1）"
        ),
        "{ended}"
    );
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
    assert!(out.contains("和生效的完全一样"), "it was applied: {out}");
}

/// A part of a workbook.
fn part(file: &Path, name: &str) -> Vec<u8> {
    use std::io::Read;
    let mut zip = zip::ZipArchive::new(std::fs::File::open(file).unwrap()).unwrap();
    let mut bytes = Vec::new();
    zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_copy_with_notes_has_all_that_the_workbook_had() {
    use calamine::{Data, Reader};
    use rust_xlsxwriter::{Format, Workbook};
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    import(dir.path(), &["a.csv", "s.csv", "o.csv", "f.csv"]);
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("记录").unwrap();
    let names = ["走访日期", "走访人员", "对象编号", "群众姓名", "有无问题", "备注"];
    for (column, name) in names.iter().enumerate() {
        sheet.write_string(1, column as u16, *name).unwrap();
    }
    let date = Format::new().set_num_format("yyyy\"年\"m\"月\"d\"日\"").set_italic();
    let title = Format::new().set_bold();
    sheet.merge_range(0, 0, 0, 5, "附件4", &title).unwrap();
    sheet.set_column_width(0, 33).unwrap();
    for row in [2, 3] {
        sheet.write_number_with_format(row, 0, 44_625.0, &date).unwrap();
        sheet.write_string(row, 2, "H1").unwrap();
        sheet.write_string(row, 3, "王建国").unwrap();
        sheet.write_string_with_format(row, 4, "无", &title).unwrap();
    }
    sheet.write_string(2, 1, "Z6").unwrap();
    sheet.write_string_with_format(3, 1, "张没有", &title).unwrap();
    sheet.write_formula(3, 5, "=1+1").unwrap();
    workbook.add_worksheet().set_name("封面").unwrap().write_string(0, 0, "汇总").unwrap();
    let (file, copy) = (dir.path().join("v.xlsx"), dir.path().join("v.错误.xlsx"));
    workbook.save(&file).unwrap();
    let (code, _, error) = import(dir.path(), &["v.xlsx"]);
    assert!(code == 2 && error.contains("工作表「记录」第 4 行第 2 列「走访人员」"), "{error}");

    assert_eq!(part(&file, "xl/worksheets/sheet2.xml"), part(&copy, "xl/worksheets/sheet2.xml"));
    let sheet = String::from_utf8(part(&copy, "xl/worksheets/sheet1.xml")).unwrap();
    for kept in
        ["width=\"33", "mergeCell ref=\"A1:F1\"", "<f>1+1</f>", "r=\"G4\"", "min=\"7\" max=\"7\""]
    {
        assert!(sheet.contains(kept), "{kept} in {sheet}");
    }
    let styles = |file: &Path| String::from_utf8(part(file, "xl/styles.xml")).unwrap();
    assert!(styles(&copy).contains("FFFFC7CE") && !styles(&file).contains("FFFFC7CE"));
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(&copy).unwrap();
    assert_eq!(book.sheet_names(), ["记录", "封面"]);
    let range = book.worksheet_range("记录").unwrap();
    assert!(matches!(range.get_value((3, 0)), Some(Data::DateTime(_))), "{range:?}");
    let note = range.get_value((3, 6)).unwrap().to_string();
    assert!(note.contains("「走访人员」没有「张没有」"), "{note}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Mended, it comes in; once more wrong, it has one column of notes.
    let (code, _, error) = import(dir.path(), &["v.错误.xlsx"]);
    assert_eq!(code, 2, "{error}");
    let again = dir.path().join("v.错误.错误.xlsx");
    let sheet = String::from_utf8(part(&again, "xl/worksheets/sheet1.xml")).unwrap();
    assert!(!sheet.contains("r=\"H4\"") && sheet.contains("r=\"G4\""), "{sheet}");
    let staff = "人员编号,姓名,角色,所属区划\nZ9,张没有,督导组,高桥村\n";
    std::fs::write(dir.path().join("s9.csv"), staff).unwrap();
    let reassign = [
        "reassign",
        "--config",
        "zoufang.toml",
        "H1",
        "--to",
        "Z9",
        "--by",
        "周正",
        "--reason",
        "换",
    ];
    import(dir.path(), &["s9.csv"]);
    assert_eq!(run(&reassign, dir.path()).0, 0);
    let (code, _, error) = import(dir.path(), &["v.错误.错误.xlsx"]);
    assert!(code == 2 && error.contains("第 3 行"), "{error}");
}

#[test]
fn files_that_build_on_each_other_are_tried_and_taken_together() {
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    for (name, table) in [
        ("below.csv", "区划代码,区划名称,区划类型,上级区划\n370481111203,北桥村委会,村,第三总支\n"),
        ("above.csv", "区划名称,区划类型,上级区划\n第三总支,总支,柴胡店镇\n"),
        ("plan.csv", "走访区域,走访人员\n第一总支,Z6\n"),
        ("v.csv", "走访日期,走访人员,对象编号,群众姓名,有无问题\n2022-03-05,Z6,H3,赵掌柜,无\n"),
    ] {
        std::fs::write(dir.path().join(name), table).unwrap();
    }
    let files = ["v.csv", "plan.csv", "below.csv", "above.csv", "o.csv", "s.csv", "a.csv"];
    let tried: Vec<&str> = ["--dry-run"].into_iter().chain(files).collect();
    let (code, out, error) = import(dir.path(), &tried);
    assert!(code == 0 && out.lines().count() == 7, "{out}{error}");
    let (code, out, error) = import(dir.path(), &files);
    assert!(
        code == 0 && out.contains("v.csv：走访记录表（附件4） 1 行，已导入：新增 1"),
        "{out}{error}"
    );
    // What is wrong is still wrong, and those that need it aren't taken.
    std::fs::write(dir.path().join("c.csv"), "区划名称,区划类型,上级区划\n西村,村,没有总支\n")
        .unwrap();
    let (code, _, error) = import(dir.path(), &["c.csv", "f.csv"]);
    assert!(code == 2 && error.contains("没有总支") && error.contains("f.csv"), "{error}");
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
    // Issues in states that a table could move on: reopened, resolved, void.
    for (name, table) in [
        ("h.csv", "问题编号,办理结果\nCHD2022-000001,已更换灯泡\n"),
        (
            "w.csv",
            "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,反映问题\n2022-03-12,Z6,H1,王建国,回访,不满意,又不亮了\n",
        ),
        ("c.csv", "问题编号,责任层级,类别\nCHD2022-000002,镇村自办,其他\n"),
        ("i.csv", "问题编号,办理结果,办理人\nCHD2022-000002,已核减,冯包\n"),
    ] {
        std::fs::write(dir.path().join(name), table).unwrap();
        let (code, _, error) = import(dir.path(), &[name]);
        assert_eq!(code, 0, "{name}: {error}");
    }
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
        "办理结果表",
    ] {
        let hidden = export(&[kind]);
        for personal in ["王建国", "10000000", "高桥村1号", "SUM"] {
            assert!(!hidden.contains(personal), "{kind}: {hidden}");
        }
        // What was hidden isn't taken for what it hides.
        if hidden.contains('*') {
            std::fs::write(dir.path().join("hidden.csv"), &hidden).unwrap();
            let (code, _, error) = import(dir.path(), &["hidden.csv"]);
            assert!(code == 2 && error.contains("隐去") && error.contains("--reveal"), "{error}");
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
    let (_, list, _) =
        run(&["issue", "--config", "zoufang.toml", "list", "--by", "Z1"], dir.path());
    std::fs::write(dir.path().join("list.csv"), &list).unwrap();
    let (code, said, error) = import(dir.path(), &["list.csv"]);
    assert!(code == 0 && said.contains("新增 0，更新 0"), "{said}{error}");
    for kind in ["任务确认表", "签收", "着手", "平台回执表", "area_assignments"] {
        let (code, out, error) = run(&["export", "--config", "zoufang.toml", kind], dir.path());
        assert!(code == 2 && out.is_empty() && error.contains("zoufang"), "{kind}: {out}{error}");
    }
    let file = dir.path().join("out.csv");
    let to = ["export", "--config", "zoufang.toml", "areas", "-o", "out.csv"];
    assert_eq!(run(&to, dir.path()).0, 0);
    assert!(std::fs::read_to_string(&file).unwrap().contains("高桥村委会"));
    let (code, _, error) = run(&to, dir.path());
    assert!(code == 2 && error.contains("不会覆盖"), "{error}");
    let (code, _, error) =
        run(&["export", "--config", "zoufang.toml", "visits", "--reveal"], dir.path());
    assert!(code == 2 && error.contains("--by"), "{error}");
    let lines = export(&["visits", "--json"]);
    assert_eq!(lines.lines().count(), 4);
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
