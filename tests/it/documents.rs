//! What people said stays words in a document; templates, names and pictures that can't be used are refused or named.

use std::fs;
use std::path::Path;

use zoufang::db::Store;
use zoufang::reports::print::{Press, Print, write_print};
use zoufang::reports::{Asked, Document, Templates, flaws, write_document};

use crate::reports::part;
use crate::support::program::run;
use crate::support::{AREAS, ASSIGNMENTS, Fixture, STAFF, SUBJECTS, on_both};

const SAID: &str = "第一行\n# 假标题\n| 甲 | 乙 |\n> 假落款\n【请写假提示】";

/// A village's document, as its XML.
async fn document(store: &Store, document: Document, templates: &Templates) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("d.docx");
    let tree = store.area_tree().await.unwrap();
    let of = Asked::default().of(&tree.find("高桥村").unwrap().id);
    write_document(store, document, &of, templates, &file).await.unwrap();
    part(&file, "word/document.xml")
}

on_both!(what_people_said_is_no_markup, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 9, 10);
    let visit = |who: &str| {
        format!("2022-03-05,Z6,{who},王建国,13800000001,\"{SAID}\",有,镇村自办,居住环境,急")
    };
    fixture.visit(&visit("H1")).await.unwrap();
    let other = visit("H2").replace("王建国", "李秀英").replace("0001", "0002");
    fixture.visit(&other).await.unwrap();
    fixture.at(4, 20, 10);
    let done = format!("问题编号,办理结果,办理人\nCHD2022-000001,\"{SAID}，已办结\",陈网\n");
    fixture.import("done.csv", &done).await.unwrap();
    let templates = Templates::read(Path::new("")).unwrap();
    for kind in [Document::LookBack, Document::UnitReport, Document::SelfCheck] {
        let text = document(&fixture.store, kind, &templates).await;
        // It reads as it was said.
        let line = "# 假标题 | 甲 | 乙 | &gt; 假落款 【请写假提示】";
        assert!(text.contains(line), "{kind}: {text}");
        assert_eq!(text.matches("\"Title\"").count(), 2, "{kind}: the template's own");
        assert_eq!(text.matches("\"Sign\"").count(), 2, "{kind}");
        assert_eq!(text.matches("<w:tr>").count(), 2, "{kind}: the head and what is open");
        let mut prompts = text.split("w:highlight").skip(1).map(|one| one.split("</w:r>").next());
        assert!(prompts.all(|one| !one.unwrap().contains("假提示")), "{kind}: {text}");
        assert!(!text.chars().any(|c| ('\u{fdd0}'..='\u{fdef}').contains(&c)), "{kind}");
    }
});

on_both!(nothing_is_claimed_where_there_is_nothing, async |fixture: Fixture| {
    fixture.import("a.csv", AREAS).await.unwrap();
    fixture.at(4, 20, 10);
    let templates = Templates::read(Path::new("")).unwrap();
    let check = document(&fixture.store, Document::SelfCheck, &templates).await;
    assert!(check.contains("还没有登记走访对象"), "{check}");
    assert!(!check.contains("不漏户") && !check.contains("逐户自查"), "{check}");
    let back = document(&fixture.store, Document::LookBack, &templates).await;
    assert!(back.contains("还没有回访群众，不知道他们满不满意"), "{back}");
    assert!(!back.contains("没有不满意") && !back.contains("再次开展"), "{back}");
    let report = document(&fixture.store, Document::UnitReport, &templates).await;
    assert!(report.contains("还没有涉及的问题") && !report.contains("都解决了"), "{report}");
    for kind in [Document::BranchSummary, Document::TownSummary] {
        let text = document(&fixture.store, kind, &templates).await;
        assert!(
            text.contains("还没有登记走访对象") && !text.contains("深入走访"),
            "{kind}: {text}"
        );
        assert!(!text.contains("下沉到各村"), "{kind}: {text}");
    }
});

#[test]
fn the_built_in_templates_can_be_filled_in() {
    let flaws = flaws(&Templates::read(Path::new("")).unwrap());
    assert!(flaws.is_empty(), "{flaws:?}");
}

on_both!(a_template_may_begin_with_a_mark_and_make_no_other, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let folder = tempfile::tempdir().unwrap();
    let own = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    own("look_back.txt", "\u{feff}# 回头看\n甲{{ \"\\u0001\\ufffe\" }}乙\n");
    own("leaflet.txt", "\u{feff}# 明白纸\n");
    let templates = Templates::read(folder.path()).unwrap();
    assert!(flaws(&templates).is_empty(), "{:?}", flaws(&templates));
    let text = document(&fixture.store, Document::LookBack, &templates).await;
    assert!(text.contains("\"Title\"") && text.contains("甲乙"), "{text}");
    let file = folder.path().join("leaflet.out.html");
    let (asked, press) = (Asked::default(), Press::default());
    let with = (&templates, &press);
    write_print(&fixture.store, Print::Leaflet, &asked, with, &file).await.unwrap();
    assert!(fs::read_to_string(&file).unwrap().contains("<h1>明白纸</h1>"));
});

#[test]
fn check_names_what_is_wrong_with_a_template() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("own");
    let toml = "[http]\nlisten = '127.0.0.1:0'\n[reports]\ntemplates = 'own'\n";
    fs::write(dir.path().join("zoufang.toml"), toml).unwrap();
    let found = || {
        let (_, out, _) = run(&["check", "--config", "zoufang.toml"], dir.path());
        let lines = out.lines().filter(|line| line.contains("reports.templates"));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert!(found().contains("没有这个文件夹"), "{}", found());
    fs::create_dir(&folder).unwrap();
    assert!(found().contains("✓ reports.templates"), "{}", found());
    for (file, text, said) in [
        ("look_back.txt", "# 甲\n{{ visits.foo }}\n", "look_back.txt 不对：第 2 行用了没有的变量"),
        ("look_back.txt", "\n{% for one in open %}{{ one.foo }}{% endfor %}", "第 2 行用了没有"),
        ("look_back.txt", " \n", "look_back.txt 不对：是空的"),
        ("leaflet.txt", "\u{feff}\n", "leaflet.txt 不对：是空的"),
        ("cards.html", "{% for s in sheets %}{{ s[0].foo }}{% endfor %}", "第 1 行用了没有的变量"),
        (
            "self_check.txt",
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
            "循环太多",
        ),
    ] {
        fs::write(folder.join(file), text).unwrap();
        let all = found();
        assert!(all.contains("✗ reports.templates") && all.contains(said), "{file}: {all}");
        fs::remove_file(folder.join(file)).unwrap();
    }
}

/// A township in a folder, by the program's own commands.
fn township(dir: &Path) {
    assert_eq!(run(&["key", "zoufang.key"], dir).0, 0);
    for (name, table) in
        [("a.csv", AREAS), ("s.csv", STAFF), ("o.csv", SUBJECTS), ("f.csv", ASSIGNMENTS)]
    {
        fs::write(dir.join(name), table).unwrap();
    }
    let (code, _, said) = run(&["import", "a.csv", "s.csv", "o.csv", "f.csv"], dir);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_report_is_of_a_unit_that_there_is_and_named_as_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    for (words, said) in [
        (vec!["report", "附件6", "--unit", "民政所"], "没有这个单位"),
        (vec!["report", "整改台账", "--unit", "民政所"], "没有这个单位"),
        (vec!["report", "问题解决情况", "--unit", "民政所"], "没有这个单位"),
        (vec!["report", "--unit", "民政所"], "没有这个单位"),
        (vec!["report", "附件6", "-o", "x.pdf"], "要以 .xlsx 结尾"),
        (vec!["report", "附件6", "-o", "x.docx"], "要以 .xlsx 结尾"),
        (vec!["report", "镇总结", "-o", "x.xlsx"], "要以 .docx 结尾"),
        (vec!["report", "镇总结", "-o", "x"], "要以 .docx 结尾"),
        (vec!["print", "明白纸", "-o", "x.pdf"], "要以 .html 结尾"),
        (vec!["print", "明白纸", "--photos", "."], "只用于「工作牌」"),
    ] {
        let (code, out, error) = run(&words, dir.path());
        assert!(code == 2 && error.contains(said), "{words:?}: {out}{error}");
    }
    assert!(!dir.path().join("x.pdf").exists());
    assert_eq!(run(&["report", "附件6", "-o", "x.XLSX"], dir.path()).0, 0);
}

#[test]
fn who_has_no_photo_and_which_files_are_nobodys_is_said() {
    let dir = tempfile::tempdir().unwrap();
    township(dir.path());
    let print = |file: &str| run(&["print", "工作牌", "--photos", "p", "-o", file], dir.path());
    let (code, out, error) = print("none.html");
    assert!(code == 2 && error.contains("没有这个文件或文件夹"), "{out}{error}");
    let photos = dir.path().join("p");
    fs::create_dir(&photos).unwrap();
    let jpeg = [0xFF, 0xD8, 0xFF, 0xE0];
    for (name, bytes) in [
        ("Z6.JPG", &jpeg[..]),
        ("Z6.png", &jpeg[..]),
        ("Z4.bmp", b"BM"),
        ("Z4.jpg", b"text"),
        ("Z5.jpg", b""),
        ("Z99.jpg", &jpeg[..]),
    ] {
        fs::write(photos.join(name), bytes).unwrap();
    }
    std::os::unix::fs::symlink(photos.join("Z6.JPG"), photos.join("Z7.jpg")).unwrap();
    let (code, out, error) = print("badges.html");
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("有照片的 1 份，没有照片的 3 份"), "{out}");
    for said in [
        "褚走",
        "Z6.png：这个编号已经有一张照片了",
        "Z4.bmp：名字不是以",
        "Z4.jpg：不是图片",
        "Z5.jpg：是空的",
        "Z99.jpg：没有这个编号的工作牌",
        "Z7.jpg：是一个链接",
    ] {
        assert!(error.contains(said) != (said == "褚走"), "{said}: {error}");
    }
    assert!(error.contains("没有照片：") && error.contains("（Z4）"), "{error}");
}

/// A device that has no room, as a full disk has none.
#[test]
fn a_full_disk_is_said_in_our_words() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        println!("skipped: there is no /dev/full");
        return;
    }
    let book = zoufang::reports::Book::new("表", jiff::civil::date(2022, 3, 1)).unwrap();
    let said = book.save(full).unwrap_err().to_string();
    assert!(said.contains("磁盘满了"), "{said}");
}
