//! What a platform does with its numbers: it renumbers, joins, splits, and closes without a word.

use zoufang::db::Store;
use zoufang::domain::issue::State;
use zoufang::domain::referral::{PlatformStatus, PlatformUpdate};

use crate::db::{deliver, one_city_issue, receive, the_issue, update};
use crate::support::{Fixture, on_both};

async fn delivered_issue(fixture: Fixture, number: &str) -> Fixture {
    let fixture = one_city_issue(fixture).await;
    deliver(&fixture.store, number).await;
    fixture
}

/// An answer with words, and with the numbers that took its number's place.
fn told(
    fixture: &Fixture,
    remote_id: &str,
    status: PlatformStatus,
    hours_ago: i64,
    text: &str,
    successors: &[&str],
) -> PlatformUpdate {
    PlatformUpdate {
        text: text.to_owned(),
        successors: successors.iter().map(|number| (*number).to_owned()).collect(),
        ..update(fixture, remote_id, status, hours_ago)
    }
}

/// The numbers that would be asked about now.
async fn asked(store: &Store) -> Vec<String> {
    let mut tx = store.begin().await.unwrap();
    tx.poll_all_now().await.unwrap();
    tx.commit().await.unwrap();
    let due = store.due_polls(100).await.unwrap();
    due.into_iter().filter_map(|open| open.remote_id).collect()
}

on_both!(a_renumbered_request_is_followed_under_its_new_number, async |fixture: Fixture| {
    use PlatformStatus::{Accepted, InProgress, Replaced, Resolved};
    let fixture = delivered_issue(fixture, "7").await;
    let store = &fixture.store;
    // The new number's answer comes before it is known whose number that is.
    receive(store, &told(&fixture, "9", InProgress, 1, "", &[])).await;
    receive(store, &told(&fixture, "7", Accepted, 3, "", &[])).await;
    receive(store, &told(&fixture, "7", Replaced, 2, "已改号", &["9"])).await;
    assert_eq!(the_issue(store).await.issue.state, State::InProgress);
    assert_eq!(asked(store).await, ["9"]);
    assert_eq!(store.platform_debts().await.unwrap()[0].1.as_deref(), Some("9"));
    // What is still said of the old number moves nothing.
    receive(store, &told(&fixture, "7", Resolved, 0, "旧号关闭", &[])).await;
    assert_eq!(the_issue(store).await.issue.state, State::InProgress);
    receive(store, &told(&fixture, "9", Resolved, 0, "已修好", &[])).await;
    assert_eq!(the_issue(store).await.issue.state, State::Resolved);
});

on_both!(a_split_request_ends_with_its_last_part, async |fixture: Fixture| {
    use PlatformStatus::{Replaced, Resolved};
    let fixture = delivered_issue(fixture, "7").await;
    let store = &fixture.store;
    receive(store, &told(&fixture, "7", Replaced, 5, "分两件办", &["8", "9"])).await;
    assert_eq!(asked(store).await, ["8", "9"]);
    receive(store, &told(&fixture, "9", Resolved, 1, "路面已修", &[])).await;
    assert_eq!(the_issue(store).await.issue.state, State::Referred);
    assert_eq!(asked(store).await, ["8"]);
    // The other part ended earlier and was told later.
    receive(store, &told(&fixture, "8", Resolved, 2, "路灯已修", &[])).await;
    assert_eq!(the_issue(store).await.issue.state, State::Resolved);
});

on_both!(requests_joined_into_one_end_together, async |fixture: Fixture| {
    use PlatformStatus::{Replaced, Resolved};
    let fixture = fixture.township().await;
    for (text, number) in [("路灯不亮", "7"), ("路灯坏了", "8")] {
        let line = format!("2022-03-01,Z6,H1,王建国,,{text},有,市直,其他,急");
        fixture.visit(&line).await.unwrap();
        deliver(&fixture.store, number).await;
    }
    let store = &fixture.store;
    receive(store, &told(&fixture, "8", Replaced, 2, "并入 7", &["7"])).await;
    receive(store, &told(&fixture, "7", Resolved, 1, "已修好", &[])).await;
    assert_eq!(store.issues_in(State::Resolved, 10).await.unwrap().len(), 2);
    assert!(asked(store).await.is_empty());
});

on_both!(a_close_without_an_answer_waits_for_one_where_that_is_asked, async |fixture: Fixture| {
    use PlatformStatus::Resolved;
    let fixture = fixture.within(|context| context.close_needs_answer = true).await;
    let fixture = delivered_issue(fixture, "7").await;
    let store = &fixture.store;
    receive(store, &told(&fixture, "7", Resolved, 2, " ", &[])).await;
    assert_eq!(the_issue(store).await.issue.state, State::Referred);
    assert_eq!(store.closed_without_answer().await.unwrap(), 1);
    assert_eq!(asked(store).await, ["7"], "it's asked about on");
    receive(store, &told(&fixture, "7", Resolved, 1, "路灯已换", &[])).await;
    assert_eq!(the_issue(store).await.issue.state, State::Resolved);
    assert_eq!(store.closed_without_answer().await.unwrap(), 0);
});
