//! The demo, small, over a harsh platform: every debt paid once, every issue closed.

use std::path::Path;

use zoufang::demo::{HANDED_IN, Options, Plays, run};
use zoufang::reports::{Document, Table};
use zoufang::sandbox::Faults;

use crate::support::browser::Browser;

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_campaign_ends_with_nothing_lost_doubled_or_owed() {
    for seed in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            seed,
            households: 2,
            faults: Faults::read("reset-before=0.1,reset-after=0.15,500=0.1,503=0.1,duplicate=0.4,reorder=0.4,refuse=0.1,token=0.3,no-answer=0.005").unwrap(),
            folder: dir.path().join("demo"),
            listen: "127.0.0.1:0".to_owned(),
            plays: Plays::All,
        };
        let demo = run(options, |_, _| {}).await.unwrap();
        let outcome = demo.outcome.clone();
        assert!(outcome.is_exact(), "seed {seed}: {outcome:?}");
        assert_eq!(outcome.visited, outcome.subjects, "{outcome:?}");
        let issues = outcome.issues.town + outcome.issues.joint + outcome.issues.city;
        assert!(issues > 5 && outcome.owed > 1, "{outcome:?}");
        assert_eq!((outcome.closed, outcome.duties_open), (issues, 0), "{outcome:?}");
        let handed_in = dir.path().join("demo").join(HANDED_IN);
        for table in Table::ALL {
            assert!(handed_in.join(format!("{table}.xlsx")).is_file(), "{table}");
        }
        for document in Document::ALL {
            let mut written = std::fs::read_dir(handed_in.join(document.chinese())).unwrap();
            assert!(written.next().is_some(), "{document}");
        }
        is_in_the_list(&handed_in);
        demo.end().await;
    }
}

/// What stands in the folder, and in the list of docs/hand-in.md what it answers, is the same.
fn is_in_the_list(folder: &Path) {
    let list = include_str!("../../docs/hand-in.md");
    let rows: Vec<&str> = list.lines().filter(|line| line.starts_with("| ")).collect();
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let printed = names(&folder.join("印制")).into_iter().map(|name| format!("印制/{name}"));
    let written: Vec<String> =
        names(folder).into_iter().filter(|name| name != "印制").chain(printed).collect();
    for name in &written {
        assert!(rows.iter().any(|row| row.contains(name.as_str())), "{name} is in no row");
    }
    let files = rows.iter().filter_map(|row| row.split('|').nth(3));
    let words = files.flat_map(|file| file.split([' ', ',', ';']));
    for named in words.filter(|word| word.ends_with(".xlsx") || word.starts_with("印制/")) {
        let named = named.trim_end_matches('/');
        assert!(written.iter().any(|name| name == named), "{named} isn't in the folder");
    }
}

/// It opens while there is something to do for each role, and each can sign in.
#[tokio::test(flavor = "multi_thread")]
async fn it_opens_in_full_swing_for_whoever_signs_in() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        seed: 1,
        households: 4,
        faults: Faults::read("mild").unwrap(),
        folder: dir.path().join("demo"),
        listen: "127.0.0.1:0".to_owned(),
        plays: Plays::Until(None),
    };
    let demo = run(options, |_, _| {}).await.unwrap();
    let outcome = &demo.outcome;
    assert!(outcome.is_exact() && outcome.has_settled(), "{outcome:?}");
    assert!(outcome.visited > 0 && outcome.visited < outcome.subjects, "{outcome:?}");
    assert!(outcome.on_platform > 0 && outcome.duties_open > 50, "{outcome:?}");
    assert_eq!(demo.today().to_string(), "2022-03-25");
    for one in &demo.sign_ins.people {
        let mut browser = Browser::at(&demo.address);
        browser.sign_in(&one.number, &demo.sign_ins.password).await.is(303);
        browser.get("/my").await.is(200).says(&one.name);
    }
    assert_eq!(demo.sign_ins.people.len(), 7);
    demo.end().await;
}
