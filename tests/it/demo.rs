//! The demo, small, over a harsh platform: every debt paid once, every issue closed.

use zoufang::demo::{HANDED_IN, Options, run};
use zoufang::reports::{Document, Table};
use zoufang::sandbox::Faults;

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
        demo.end().await;
    }
}
