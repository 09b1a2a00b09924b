//! The record, on both databases.

use std::collections::HashSet;
use std::time::Duration;

use jiff::SignedDuration;
use zoufang::app::assignments::reassign;
use zoufang::db::{Content, Holders, Receipt, Store, StoreError};
use zoufang::domain::audit::Flaw;
use zoufang::domain::delivery::Settlement;
use zoufang::domain::duty::DutyKind;
use zoufang::domain::issue::{Event, Issue, State};
use zoufang::domain::referral::{PlatformStatus, PlatformUpdate, Told};
use zoufang::domain::staff::Role;

use crate::support::{Fixture, claim, on_both, open, settle};

const LANE: &str = "ehushanying";
const LEASE: i64 = 120_000;

pub async fn one_city_issue(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    fixture
        .visit("2022-03-05,Z6,H1,王建国,13800000001,路灯不亮,有,市直单办,居住环境,急")
        .await
        .unwrap();
    fixture
}

pub async fn the_issue(store: &Store) -> zoufang::db::IssueCard {
    let mut cards = Vec::new();
    for state in State::ALL {
        cards.extend(store.issues_in(*state, 10).await.unwrap());
    }
    assert_eq!(cards.len(), 1);
    cards.remove(0)
}

pub async fn deliver(store: &Store, remote_id: &str) {
    let claimed = claim(store, LANE, "me", 10, LEASE).await.unwrap();
    let receipt = Receipt { remote_id: Some(remote_id.to_owned()), token: None };
    let batch: Vec<_> =
        claimed.into_iter().map(|entry| (entry, Settlement::Delivered(receipt.clone()))).collect();
    assert_eq!(batch.len(), 1);
    settle(store, LANE, "me", &batch).await.unwrap();
}

pub fn update(
    fixture: &Fixture,
    remote_id: &str,
    status: PlatformStatus,
    hours_ago: i64,
) -> PlatformUpdate {
    PlatformUpdate {
        successors: Vec::new(),
        update_id: None,
        told: Told::Now,
        remote_id: remote_id.to_owned(),
        word: status.code().to_owned(),
        status: Some(status),
        text: String::new(),
        at: Some(fixture.clock.now() - SignedDuration::from_hours(hours_ago)),
    }
}

pub async fn receive(store: &Store, update: &PlatformUpdate) -> bool {
    let mut tx = store.begin().await.unwrap();
    let new = zoufang::app::receive_updates::receive(&mut tx, std::slice::from_ref(update))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    new > 0
}

on_both!(
    a_classified_city_issue_is_owed_to_the_platform_in_the_same_transaction,
    async |fixture: Fixture| {
        let fixture = one_city_issue(fixture).await;
        let card = the_issue(&fixture.store).await;
        assert_eq!(card.issue.state, State::Queued);
        assert_eq!(card.text, "路灯不亮");
        let claimed = claim(&fixture.store, LANE, "me", 10, LEASE).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].debt_key, format!("referral:{}-R1", card.number));
        let mut contents = fixture.store.contents(&claimed).await.unwrap();
        let Some(Content::Referral(dispatch)) = contents.remove(&claimed[0].target_id) else {
            panic!("{contents:?}")
        };
        assert_eq!(
            (dispatch.resident.as_str(), dispatch.contact.as_deref()),
            ("王建国", Some("13800000001"))
        );
        let (tree, staff) = (fixture.store.area_tree().await, fixture.store.staff().await);
        let holders = Holders::new(staff.unwrap());
        let holder = |role| holders.holder(tree.as_ref().unwrap(), role, &card.area_id);
        let name = |role| holder(role).map(|person| person.name.clone());
        assert_eq!(dispatch.uploader, name(Role::GridMember));
        assert_eq!(dispatch.centre, name(Role::Centre));
        assert!(dispatch.uploader.is_some() && dispatch.centre.is_some());
    }
);

on_both!(what_is_taken_back_leaves_nothing, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    let card = the_issue(&fixture.store).await;
    deliver(&fixture.store, "1").await;
    let before = fixture.store.figures().await.unwrap();
    let mut tx = fixture.store.begin().await.unwrap();
    tx.issue_event(&card.id, &Event::Refused { reason: "x".into() }, "t").await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(format!("{:?}", fixture.store.figures().await.unwrap()), format!("{before:?}"));
});

on_both!(the_row_is_the_projection_of_its_events, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    deliver(&fixture.store, "77").await;
    receive(&fixture.store, &update(&fixture, "77", PlatformStatus::Refused, 0)).await;
    let card = the_issue(&fixture.store).await;
    assert_eq!((card.issue.state, card.issue.round), (State::Returned, 2));
    let events = fixture.store.issue_history(&card.id).await.unwrap();
    assert_eq!(Issue::replay(&events).unwrap(), card.issue);
});

on_both!(a_refused_move_changes_nothing, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    let card = the_issue(&fixture.store).await;
    let mut tx = fixture.store.begin().await.unwrap();
    let refused = tx.issue_event(&card.id, &Event::Satisfied, "t").await;
    assert!(matches!(refused, Err(StoreError::Refused(_))));
    tx.commit().await.unwrap();
    assert_eq!(the_issue(&fixture.store).await.issue, card.issue);
});

on_both!(two_claimants_never_share_a_debt, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    let lines: String = (0..60)
        .map(|n| format!("\n2022-03-05,Z6,H1,王建国,,第{n}件事,有,市直单办,其他,急"))
        .collect();
    let table = format!("{}{lines}\n", crate::support::VISITS);
    fixture.import("many.csv", &table).await.unwrap();
    let claims = (0..8).map(|n| {
        let store = fixture.store.clone();
        tokio::spawn(
            async move { claim(&store, LANE, &format!("owner{n}"), 10, LEASE).await.unwrap() },
        )
    });
    let mut seen = HashSet::new();
    for claimed in claims {
        for entry in claimed.await.unwrap() {
            assert!(seen.insert(entry.id), "claimed twice");
        }
    }
    assert_eq!(seen.len(), 60);
});

on_both!(
    a_lease_that_expires_in_flight_is_unknown_and_no_longer_its_owners,
    async |fixture: Fixture| {
        let fixture = one_city_issue(fixture).await;
        let first = claim(&fixture.store, LANE, "dead", 10, LEASE).await.unwrap();
        assert!(first[0].unknown_since.is_none());
        fixture.at(3, 5, 11);
        let second = claim(&fixture.store, LANE, "alive", 10, LEASE).await.unwrap();
        assert!(second[0].unknown_since.is_some());
        // The look covers the dead one's attempt.
        assert!(second[0].first_attempt_at.unwrap() <= first[0].last_attempt_at.unwrap());
        let late = [(first[0].clone(), Settlement::Delivered(Receipt::default()))];
        settle(&fixture.store, LANE, "dead", &late).await.unwrap();
        assert_eq!(the_issue(&fixture.store).await.issue.state, State::Queued);
    }
);

on_both!(updates_are_kept_once_and_applied_by_the_platforms_time, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    // One that comes before its number is known waits for it.
    let accepted = update(&fixture, "77", PlatformStatus::Accepted, 3);
    assert!(receive(&fixture.store, &accepted).await);
    assert_eq!(the_issue(&fixture.store).await.issue.state, State::Queued);
    deliver(&fixture.store, "77").await;
    assert_eq!(the_issue(&fixture.store).await.issue.state, State::Accepted);
    assert!(!receive(&fixture.store, &accepted).await);
    receive(&fixture.store, &update(&fixture, "77", PlatformStatus::Resolved, 1)).await;
    assert_eq!(the_issue(&fixture.store).await.issue.state, State::Resolved);
    // An older one that comes late moves nothing back.
    assert!(receive(&fixture.store, &update(&fixture, "77", PlatformStatus::Refused, 2)).await);
    assert_eq!(the_issue(&fixture.store).await.issue.state, State::Resolved);
});

on_both!(a_returned_issue_goes_again_as_a_new_debt, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    deliver(&fixture.store, "77").await;
    receive(&fixture.store, &update(&fixture, "77", PlatformStatus::Refused, 0)).await;
    let number = the_issue(&fixture.store).await.number;
    let table = format!("问题编号,责任层级,类别\n{number},联动,居住环境\n");
    fixture.import("again.csv", &table).await.unwrap();
    let debts = fixture.store.platform_debts().await.unwrap();
    let references: Vec<_> = debts.iter().map(|(reference, _)| reference.clone()).collect();
    assert_eq!(references, [format!("{number}-R1"), format!("{number}-R2")]);
});

on_both!(an_assignment_is_fixed_and_its_override_is_audited, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let error =
        fixture.import("f2.csv", "对象编号,走访人员\nH1,卫访\n").await.unwrap_err().to_string();
    assert!(error.contains("一访到底") && error.contains("第 2 行"), "{error}");
    let staff = fixture.store.staff().await.unwrap();
    let other = staff.iter().find(|person| person.number == "Z7").unwrap();
    let mut tx = fixture.store.begin().await.unwrap();
    assert!(reassign(&mut tx, "H1", &other.id, "周正", " ").await.is_err());
    reassign(&mut tx, "H1", &other.id, "周正", "调离").await.unwrap();
    tx.commit().await.unwrap();
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z7,H1,王建国,,,无,,,").await.unwrap();
    let trail = fixture.store.audit_trail().await.unwrap();
    assert!(
        trail.iter().any(|entry| entry.action == "override_assignment" && entry.actor == "周正")
    );
    assert_eq!(fixture.store.broken_audit().await.unwrap(), None);
});

on_both!(an_altered_audit_entry_is_found, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    sqlx::any::install_default_drivers();
    let raw = sqlx::AnyPool::connect(&fixture.url).await.unwrap();
    sqlx::query("UPDATE audit SET actor = 'nobody' WHERE sequence = 2")
        .execute(&raw)
        .await
        .unwrap();
    raw.close().await;
    assert_eq!(fixture.store.broken_audit().await.unwrap(), Some(Flaw::Changed(2)));
});

on_both!(personal_data_is_nowhere_in_the_database_in_the_clear, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    sqlx::any::install_default_drivers();
    let raw = sqlx::AnyPool::connect(&fixture.url).await.unwrap();
    for (table, columns) in [
        ("subjects", "name_sealed || COALESCE(address_sealed, '') || number || content_key"),
        ("residents", "name_sealed || COALESCE(contact_sealed, '') || natural_key"),
        ("issues", "text_sealed || natural_key"),
        ("issue_events", "body"),
        ("outbox", "debt_key || target_id || COALESCE(last_error, '')"),
        ("audit", "target || detail"),
        ("staff", "COALESCE(phone_sealed, '')"),
    ] {
        let query = format!("SELECT {columns} FROM {table}");
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&raw).await.unwrap();
        assert!(!rows.is_empty(), "{table}");
        for secret in ["王建国", "13800000001", "路灯", "高桥村1号", "10000000006"] {
            assert!(rows.iter().all(|row| !row.contains(secret)), "{secret} in {table}");
        }
    }
});

on_both!(a_newer_database_and_another_key_are_refused, async |fixture: Fixture| {
    let clock = fixture.clock.clone();
    let other_key = open(&fixture.url, clock.clone(), 8).await.unwrap_err();
    assert!(matches!(other_key, StoreError::WrongKey { .. }), "{other_key}");
    sqlx::any::install_default_drivers();
    let raw = sqlx::AnyPool::connect(&fixture.url).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1")
        .execute(&raw)
        .await
        .unwrap();
    raw.close().await;
    let newer = open(&fixture.url, clock, 7).await.unwrap_err();
    assert!(matches!(newer, StoreError::NewerDatabase(9999)), "{newer}");
    assert!(newer.to_string().contains("换用新版"));
});

on_both!(a_slot_is_claimed_once, async |fixture: Fixture| {
    let claims = (0..8).map(|_| {
        let store = fixture.store.clone();
        tokio::spawn(async move { store.claim_slot("poll", 60_000, 600_000, None).await.unwrap() })
    });
    let mut claimed = 0;
    for claim in claims {
        claimed += usize::from(claim.await.unwrap());
    }
    assert_eq!(claimed, 1);
    // One that was killed in it is made up; one that finished is not.
    fixture.at(3, 1, 12);
    assert!(fixture.store.claim_slot("poll", 60_000, 600_000, None).await.unwrap());
    fixture
        .store
        .finish_slot("poll", 60_000, &zoufang::db::Ended::Done("好".to_owned()))
        .await
        .unwrap();
    fixture.at(3, 2, 12);
    assert!(!fixture.store.claim_slot("poll", 60_000, 600_000, None).await.unwrap());
});

on_both!(a_run_that_takes_long_is_not_taken_over, async |fixture: Fixture| {
    const STALE: i64 = 600_000;
    let other = fixture.reopened().await;
    fixture.at(3, 1, 12);
    assert!(fixture.store.claim_slot("sweep", 60_000, STALE, None).await.unwrap());
    for _ in 0..4 {
        fixture.clock.set(fixture.clock.now() + Duration::from_secs(540));
        assert!(!other.claim_slot("sweep", 60_000, STALE, None).await.unwrap());
        fixture.store.keep_slot("sweep", 60_000).await.unwrap();
    }
    let run = &other.last_runs().await.unwrap()["sweep"];
    assert!(run.alive_at - run.started_at == 4 * 540_000 && run.finished_at.is_none(), "{run:?}");
    // Killed, it's taken over as before.
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(601));
    assert!(other.claim_slot("sweep", 60_000, STALE, None).await.unwrap());
});

on_both!(duties_arise_and_are_met_by_facts, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let open = |store: Store| async move {
        let duties = store.open_duties("2022-03-05".parse().unwrap()).await.unwrap();
        duties
            .into_iter()
            .map(|(kind, open, _)| (kind, open))
            .collect::<std::collections::HashMap<_, _>>()
    };
    let before = open(fixture.store.clone()).await;
    assert_eq!(before[&DutyKind::Visit], 3);
    assert_eq!(
        (before[&DutyKind::Materials], before[&DutyKind::LookBack], before[&DutyKind::Summary]),
        (2, 2, 1)
    );
    fixture.at(3, 5, 10);
    fixture.visit("2022-03-05,Z6,H1,王建国,,路灯不亮,有,,,").await.unwrap();
    let heard = open(fixture.store.clone()).await;
    assert_eq!(
        (heard[&DutyKind::Visit], heard[&DutyKind::Classify], heard[&DutyKind::Revisit]),
        (2, 1, 1)
    );
    let number = the_issue(&fixture.store).await.number;
    fixture
        .import(
            "c.csv",
            &format!("问题编号,责任层级,类别,轻重缓急\n{number},镇村自办,居住环境,急\n"),
        )
        .await
        .unwrap();
    let classified = open(fixture.store.clone()).await;
    assert!(!classified.contains_key(&DutyKind::Classify));
    assert_eq!((classified[&DutyKind::Resolve], classified[&DutyKind::Report]), (1, 1));
    fixture.import("h.csv", &format!("问题编号,办理结果\n{number},已修好\n")).await.unwrap();
    assert!(!open(fixture.store.clone()).await.contains_key(&DutyKind::Resolve));
    fixture.import("r.csv", "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度\n2022-03-05,Z6,H1,王建国,回访,满意\n").await.unwrap();
    assert!(!open(fixture.store.clone()).await.contains_key(&DutyKind::Revisit));
    assert_eq!(the_issue(&fixture.store).await.issue.state, State::Closed);
});

on_both!(a_dissatisfied_resident_reopens_the_issue_as_a_new_round, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    deliver(&fixture.store, "77").await;
    receive(&fixture.store, &update(&fixture, "77", PlatformStatus::Resolved, 0)).await;
    fixture.at(3, 9, 10);
    fixture.import("r.csv", "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,反映问题\n2022-03-09,Z6,H1,王建国,回访,不满意,又不亮了\n").await.unwrap();
    let card = the_issue(&fixture.store).await;
    assert_eq!((card.issue.state, card.issue.round), (State::Queued, 2));
    assert_eq!(fixture.store.platform_debts().await.unwrap().len(), 2);
});

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_open_and_migrate_one_new_database() {
    let mut urls = Vec::new();
    let dir = tempfile::tempdir().unwrap();
    urls.push(format!("sqlite://{}/new.db", dir.path().display()));
    urls.extend(crate::support::postgres::database().await);
    for url in urls {
        let opened = (0..6).map(|_| {
            let url = url.clone();
            tokio::spawn(
                async move { open(&url, zoufang::clock::Clock::system(), 7).await.map(|_| ()) },
            )
        });
        for open in opened {
            open.await.unwrap().unwrap();
        }
    }
}
