//! A record that was restored from a backup: what may have been sent since is looked for, and nobody is told again.

use std::path::Path;

use zoufang::app::restored::mark_restored;
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::open_store;
use zoufang::db::{DebtState, Store};
use zoufang::domain::delivery::{Settlement, Step, first_step};
use zoufang::domain::memory::{Memory, Recall, lost_numbers};
use zoufang::settings::Settings;

use crate::support::{Fixture, VISITS, claim, on_both, settle};

const LANE: &str = "ehushanying";

async fn owing(fixture: Fixture, issues: usize) -> Fixture {
    let fixture = fixture.township().await;
    fixture.at(4, 20, 9);
    let lines: String = (0..issues)
        .map(|n| format!("\n2022-04-20,Z6,H1,王建国,,第{n}件事,有,市直,其他,急"))
        .collect();
    fixture.import("v.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    fixture
}

async fn unsure(store: &Store) -> usize {
    store.debts(Some(LANE), Some(DebtState::Unknown.code()), 100).await.unwrap().len()
}

on_both!(what_may_have_been_sent_since_is_looked_for_first, async |fixture: Fixture| {
    let fixture = owing(fixture, 3).await;
    let store = &fixture.store;
    let found = store.recall().await.unwrap();
    assert_eq!(found.issues, 3);
    let remembered = Recall {
        record: "a".to_owned(),
        beats: 40,
        issues: 5,
        at: fixture.clock.millis(),
        ..Recall::default()
    };
    fixture.at(4, 23, 9);
    let restored = mark_restored(store, &found, &remembered, &[]).await.unwrap();
    assert_eq!((restored.unsure, unsure(store).await), (3, 3));
    let figures = store.lane_figures(0).await.unwrap();
    assert_eq!(figures.iter().find(|lane| lane.lane == LANE).unwrap().unknown, 3);
    // Once: the record goes on from where the memory was.
    let now = store.recall().await.unwrap();
    let memory = Memory { records: vec![remembered] };
    assert!(memory.lost_by(&now).is_none());
    let entries = claim(store, LANE, "me", 10, 60_000).await.unwrap();
    assert!(entries.iter().all(|entry| first_step(entry) == Step::Look));
    assert!(entries.iter().all(|entry| entry.first_attempt_at.is_some()));
    let ended: Vec<_> = entries.into_iter().map(|entry| (entry, Settlement::Absent)).collect();
    settle(store, LANE, "me", &ended).await.unwrap();
    assert_eq!(unsure(store).await, 0);
    // What was lost and comes in again has its old number, and may have been sent under it; what is new hasn't.
    let lines: String =
        (3..7).map(|n| format!("\n2022-04-23,Z6,H1,王建国,,第{n}件事,有,市直,其他,急")).collect();
    fixture.import("w.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    assert_eq!(unsure(store).await, 2);
    assert!(store.recount().await.unwrap().is_empty());
});

on_both!(what_was_lost_gets_its_own_number_in_whatever_order_it_comes, async |fixture: Fixture| {
    let line = |n: usize| format!("\n2022-04-23,Z6,H1,王建国,,第{n}件事,有,市直,其他,急");
    let table = |order: &[usize]| {
        let lines: String = order.iter().copied().map(line).collect();
        format!("{VISITS}{lines}\n")
    };
    let before = owing(Fixture::sqlite().await, 3).await;
    before.at(4, 23, 9);
    before.import("w.csv", &table(&[3, 4])).await.unwrap();
    let known = before.store.numbers_given(0).await.unwrap();
    assert_eq!(known.iter().map(|given| given.entry).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let fixture = owing(fixture, 3).await;
    let found = fixture.store.recall().await.unwrap();
    let remembered = Recall { beats: 9, ..before.store.recall().await.unwrap() };
    let lost = lost_numbers(&known, &found, &remembered);
    assert_eq!(lost, known[3..]);
    fixture.at(4, 23, 9);
    mark_restored(&fixture.store, &found, &remembered, &lost).await.unwrap();
    let unsure_before = unsure(&fixture.store).await;
    fixture.import("x.csv", &table(&[4, 7])).await.unwrap();
    assert_eq!(fixture.store.missing_numbers().await.unwrap(), 1);
    fixture.import("y.csv", &table(&[3])).await.unwrap();
    assert_eq!(fixture.store.missing_numbers().await.unwrap(), 0);
    fixture.import("z.csv", &table(&[8])).await.unwrap();
    let now = fixture.store.numbers_given(5).await.unwrap();
    let of = |identity: &str| {
        now.iter().find(|given| given.identity == identity).unwrap().number.clone()
    };
    for given in &lost {
        assert_eq!(of(&given.identity), given.number);
    }
    assert!(now.iter().any(|given| given.number.ends_with("-000006")), "what is new has a new one");
    // What was lost is looked for, and so is what is new where something is missing that may have been told in other words.
    assert_eq!(unsure(&fixture.store).await, unsure_before + 3);
    assert!(fixture.store.recount().await.unwrap().is_empty());
});

on_both!(what_people_carry_over_is_theirs_to_look_for, async |fixture: Fixture| {
    let fixture = owing(fixture, 2).await.within(|context| context.by_people = true).await;
    let (found, remembered) = (Recall::default(), Recall { beats: 9, ..Recall::default() });
    mark_restored(&fixture.store, &found, &remembered, &[]).await.unwrap();
    let held = fixture.store.debts(Some(LANE), Some("held"), 10).await.unwrap();
    assert_eq!(held.len(), 2);
    assert!(held[0].last_error.as_deref().unwrap().contains("备份"));
});

/// The record's files, as a backup has them.
fn copy(from: &Path, to: &Path) {
    for end in ["", "-wal", "-shm"] {
        let name = |folder: &Path| folder.join(format!("zoufang.db{end}"));
        let _ = std::fs::remove_file(name(to));
        if name(from).exists() {
            std::fs::copy(name(from), name(to)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_known_by_what_is_remembered_beside_the_key() {
    let (home, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = |file: &str| home.path().join(file).display().to_string();
    std::fs::write(at("k"), "07".repeat(32)).unwrap();
    let text = format!(
        "[database]\nurl = 'sqlite://{}'\n[privacy]\nkey_file = '{}'",
        at("zoufang.db"),
        at("k")
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    let open = async || open_store(&settings, Clock::system(), Chance::system()).await.unwrap();
    let store = open().await;
    let name = store.recall().await.unwrap().record;
    assert!(!name.is_empty());
    store.close().await;
    copy(home.path(), backup.path());
    // It's served for a while.
    let store = open().await;
    store.beat().await.unwrap();
    store.beat().await.unwrap();
    let recall = store.recall().await.unwrap();
    assert_eq!((recall.beats, &recall.record), (2, &name));
    std::fs::write(
        at("k.memory"),
        serde_json::to_string(&Memory { records: vec![recall] }).unwrap(),
    )
    .unwrap();
    store.close().await;
    let store = open().await;
    assert!(store.restored().await.unwrap().is_none(), "a restart is no restored backup");
    store.close().await;
    copy(backup.path(), home.path());
    let store = open().await;
    assert!(store.restored().await.unwrap().is_some());
    assert_eq!(store.recall().await.unwrap().record, name);
    store.close().await;
    let store = open().await;
    let at = store.restored().await.unwrap().unwrap().at;
    store.close().await;
    let store = open().await;
    assert_eq!(store.restored().await.unwrap().unwrap().at, at, "it's noticed once");
}

on_both!(
    a_record_that_is_restored_under_the_running_service_sends_nothing_unseen,
    async |fixture: Fixture| {
        let fixture = owing(fixture, 3).await;
        let store = &fixture.store;
        let folder = tempfile::tempdir().unwrap();
        let text = format!("[privacy]\nkey_file = '{}/k'", folder.path().display());
        let settings = Settings::from_text(&text, "test").unwrap();
        std::fs::write(folder.path().join("k"), "07".repeat(32)).unwrap();
        let memory = zoufang::daemon::MemoryFile::of(&settings);
        memory.compare(store).await.unwrap();
        for _ in 0..3 {
            store.beat().await.unwrap();
            memory.note(store).await;
        }
        assert_eq!(memory.trouble(), None);
        // Another puts an older state of it in its place: the count goes back.
        let pool = sqlx::AnyPool::connect(&fixture.url).await.unwrap();
        sqlx::query("UPDATE meta SET value = '1' WHERE name = 'beats'")
            .execute(&pool)
            .await
            .unwrap();
        let claimed = claim(store, LANE, "me", 10, 60_000).await;
        assert!(claimed.is_err(), "nothing is claimed from it: {claimed:?}");
        assert!(store.beat().await.is_err());
        memory.note(store).await;
        assert_eq!(memory.trouble(), None);
        assert_eq!(unsure(store).await, 3);
        store.beat().await.unwrap();
        let entries = claim(store, LANE, "me", 10, 60_000).await.unwrap();
        assert!(entries.iter().all(|entry| first_step(entry) == Step::Look));
        // A memory that can't be read is no memory of nothing.
        std::fs::write(folder.path().join("k.memory"), "{").unwrap();
        assert!(memory.compare(store).await.is_err());
    }
);

on_both!(what_people_carry_is_held_where_it_comes_in_again, async |fixture: Fixture| {
    let fixture = owing(fixture, 1).await.within(|context| context.by_people = true).await;
    let found = fixture.store.recall().await.unwrap();
    let remembered = Recall { beats: 9, issues: 2, ..found.clone() };
    mark_restored(&fixture.store, &found, &remembered, &[]).await.unwrap();
    let table = format!("{VISITS}\n2022-04-20,Z6,H1,王建国,,又一件事,有,市直,其他,急\n");
    fixture.import("w.csv", &table).await.unwrap();
    let held = fixture.store.debts(Some(LANE), Some("held"), 10).await.unwrap();
    assert_eq!(held.len(), 2, "neither is handed off before a person has looked");
    assert!(fixture.store.recount().await.unwrap().is_empty());
});
