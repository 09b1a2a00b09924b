//! Long files: all of one or nothing, in turns; whoever is killed in one leaves it to be gone on with.

use sqlx::{AnyConnection, Connection, Executor};
use zoufang::app::doctor::examine;
use zoufang::app::imports;
use zoufang::intake::{ImportError, import};

use crate::support::{Fixture, VISITS, on_both, until_waking};

/// A village of many households with their visits.
fn households(count: usize) -> (String, String, String) {
    let mut subjects = "对象编号,对象类型,对象名称,所属村,地址\n".to_owned();
    let mut assignments = "对象编号,走访人员\n".to_owned();
    let mut visits = format!("{VISITS}\n");
    for n in 0..count {
        subjects.push_str(&format!("N{n},家庭,户主{n},高桥村,高桥村{n}号\n"));
        assignments.push_str(&format!("N{n},Z6\n"));
        let heard = if n % 4 == 0 {
            format!("第{n}件,有,市直,其他,急")
        } else {
            ",无,,,".to_owned()
        };
        visits.push_str(&format!("2022-03-05,Z6,N{n},户主{n},,{heard}\n"));
    }
    (subjects, assignments, visits)
}

async fn with_households(fixture: Fixture, count: usize) -> (Fixture, String) {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    let (subjects, assignments, visits) = households(count);
    fixture.import("subjects.csv", &subjects).await.unwrap_or_else(|e| panic!("{e}"));
    fixture.import("assignments.csv", &assignments).await.unwrap_or_else(|e| panic!("{e}"));
    (fixture, visits)
}

on_both!(a_long_file_with_one_mistake_changes_nothing, async |fixture: Fixture| {
    let (fixture, visits) = with_households(fixture, 1_000).await;
    let wrong = visits.replace("2022-03-05,Z6,N900,", "2022-03-05,Z7,N900,");
    let before = fixture.store.figures().await.unwrap();
    let error = fixture.import("wrong.csv", &wrong).await.unwrap_err();
    let ImportError::Rows { errors, .. } = &error else { panic!("{error}") };
    assert_eq!((errors.len(), errors[0].row), (1, 902), "{error}");
    assert!(error.to_string().contains("走访人员"), "{error}");
    let after = fixture.store.figures().await.unwrap();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert!(fixture.store.import_under_way().await.unwrap().is_none());
    let report = fixture.import("right.csv", &visits).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((report.added, report.skipped), (1_000, 0));
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

/// The process that had it is dead for long enough.
async fn let_lease_end(fixture: &Fixture) {
    sqlx::any::install_default_drivers();
    let mut db = AnyConnection::connect(&fixture.url).await.unwrap();
    db.execute("UPDATE imports_under_way SET lease_until = 0").await.unwrap();
    db.close().await.unwrap();
}

on_both!(wherever_it_is_killed_a_file_is_in_whole_or_not_at_all, async |fixture: Fixture| {
    let (fixture, visits) = with_households(fixture, 1_300).await;
    let mut wakings = 12;
    loop {
        let whole = import(&fixture.store, "v.csv", visits.as_bytes(), false, &|_, _| {});
        let done = until_waking(whole, wakings).await;
        wakings += 23;
        if let Some(report) = done {
            report.unwrap_or_else(|error| panic!("{error}"));
            break;
        }
        let_lease_end(&fixture).await;
        assert!(imports::go_on(&fixture.store).await.unwrap());
        let visited = fixture.store.figures().await.unwrap().counts.visited;
        assert!(visited == 0 || visited == 1_300, "{visited} of 1,300");
        assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
        if visited > 0 {
            break;
        }
    }
    let again = fixture.import("v.csv", &visits).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(again.imported_before.is_some(), "the very same file");
    let debts = fixture.store.platform_debts().await.unwrap();
    assert_eq!(debts.len(), 325, "each issue is owed once");
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(the_very_same_file_twice_at_once_comes_in_once, async |fixture: Fixture| {
    let (fixture, visits) = with_households(fixture, 1_000).await;
    for rows in [1_000, 50] {
        let lines: Vec<&str> = visits.lines().take(rows + 1).collect();
        let file = lines.join("\n");
        let (one, two) =
            tokio::join!(fixture.import("a.csv", &file), fixture.import("b.csv", &file));
        let both = [one.unwrap(), two.unwrap()];
        assert_eq!(both.iter().filter(|report| report.imported_before.is_some()).count(), 1);
        assert!(fixture.store.import_under_way().await.unwrap().is_none());
    }
    let visited = fixture.store.figures().await.unwrap().counts.visited;
    assert_eq!(visited, 1_000);
});

on_both!(whoever_was_taken_for_dead_is_told, async |fixture: Fixture| {
    let (fixture, visits) = with_households(fixture, 1_300).await;
    let whole = import(&fixture.store, "v.csv", visits.as_bytes(), false, &|_, _| {});
    let mut whole = std::pin::pin!(whole);
    while fixture.store.import_under_way().await.unwrap().is_none_or(|head| head.pieces == 0) {
        assert!(until_waking(whole.as_mut(), 1).await.is_none());
    }
    let_lease_end(&fixture).await;
    let (gone_on, told) = tokio::join!(imports::go_on(&fixture.store), whole);
    assert!(gone_on.unwrap());
    // Either it was forgotten and says so, or it was quicker and came in whole.
    let visited = fixture.store.figures().await.unwrap().counts.visited;
    match told {
        Err(error) => {
            assert!(error.to_string().contains("请再导入一次"), "{error}");
            assert_eq!(visited, 0);
        }
        Ok(report) => assert_eq!((report.added, visited), (1_300, 1_300)),
    }
    assert!(fixture.store.import_under_way().await.unwrap().is_none());
    fixture.import("again.csv", &visits).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(fixture.store.figures().await.unwrap().counts.visited, 1_300);
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(a_second_file_waits_for_its_turn_and_changes_pass_between, async |fixture: Fixture| {
    let (fixture, visits) = with_households(fixture, 1_000).await;
    let lines: Vec<&str> = visits.lines().skip(1).collect();
    let half = |lines: &[&str]| format!("{VISITS}\n{}\n", lines.join("\n"));
    let (first, second) = (half(&lines[..500]), half(&lines[500..]));
    let between = async {
        let mut turns = 0;
        while fixture.store.figures().await.unwrap().counts.visited < 1_000 {
            let tx = fixture.store.begin().await.unwrap();
            tx.rollback().await.unwrap();
            turns += 1;
        }
        turns
    };
    let (one, two, turns) =
        tokio::join!(fixture.import("1.csv", &first), fixture.import("2.csv", &second), between);
    assert_eq!((one.unwrap().added, two.unwrap().added), (500, 500));
    assert!(turns > 4, "{turns} turns passed between");
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(
    whoever_runs_an_interrupted_import_again_is_told_that_it_went_on,
    async |fixture: Fixture| {
        let (fixture, visits) = with_households(fixture, 1_300).await;
        {
            let whole = import(&fixture.store, "v.csv", visits.as_bytes(), false, &|_, _| {});
            let mut whole = std::pin::pin!(whole);
            while fixture
                .store
                .import_under_way()
                .await
                .unwrap()
                .is_none_or(|head| head.applied == 0)
            {
                assert!(until_waking(whole.as_mut(), 1).await.is_none());
            }
        }
        let_lease_end(&fixture).await;
        let again =
            fixture.import("v.csv", &visits).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((again.resumed, again.imported_before, again.added), (true, None, 1_300));
        let before =
            fixture.import("v.csv", &visits).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(before.imported_before.is_some() && !before.resumed);
    }
);
