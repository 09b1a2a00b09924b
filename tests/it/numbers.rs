//! What a platform does with its numbers: it renumbers, joins, splits, and closes without a word.

use zoufang::app::receive_updates::{self, End, receive_all};
use zoufang::db::{Receipt, Store};
use zoufang::domain::delivery::Settlement;
use zoufang::domain::issue::{Event, State};
use zoufang::domain::referral::{PlatformStatus, PlatformUpdate};

use crate::db::{deliver, one_city_issue, receive, the_issue, update};
use crate::support::{Fixture, VISITS, claim, on_both, settle};

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
    receive_updates::ask_about_all(store).await.unwrap();
    let due = store.due_polls(100, false).await.unwrap();
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
    for (text, number) in [("路灯不亮", "7"), ("下水道堵", "8")] {
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

/// What the platform says of each number in a page of its feed, newest first, as some platforms have it.
fn page(fixture: &Fixture, numbers: &[String]) -> Vec<PlatformUpdate> {
    use PlatformStatus::{Accepted, InProgress, Resolved};
    let said = [(Resolved, 1), (InProgress, 2), (Accepted, 3)];
    let of = |number: &String| said.map(|(status, hours)| update(fixture, number, status, hours));
    numbers.iter().flat_map(of).collect()
}

/// City issues in their subjects' names, each on the platform under a number.
async fn referred(fixture: Fixture, issues: usize) -> (Fixture, Vec<String>) {
    let fixture = fixture.township().await;
    fixture.at(3, 5, 10);
    let lines: String = (0..issues)
        .map(|n| format!("\n2022-03-05,Z6,H{},王建国,,第{n}件事,有,市直,其他,急", 1 + n % 2))
        .collect();
    fixture.import("v.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    let mut numbers = Vec::new();
    while numbers.len() < issues {
        let entries = claim(&fixture.store, "ehushanying", "me", 100, 60_000).await.unwrap();
        let batch: Vec<_> = entries
            .into_iter()
            .map(|entry| {
                numbers.push(format!("N{}", numbers.len()));
                let receipt = Receipt { remote_id: numbers.last().cloned(), token: None };
                (entry, Settlement::Delivered(receipt))
            })
            .collect();
        settle(&fixture.store, "ehushanying", "me", &batch).await.unwrap();
    }
    (fixture, numbers)
}

on_both!(a_page_is_taken_in_the_platforms_order_and_once, async |fixture: Fixture| {
    let (fixture, numbers) = referred(fixture, 12).await;
    let store = &fixture.store;
    let page = page(&fixture, &numbers);
    // Died after the first of its turns: the page is read again.
    let mut tx = store.begin().await.unwrap();
    assert_eq!(receive_updates::receive(&mut tx, &page[..10]).await.unwrap(), 10);
    tx.commit().await.unwrap();
    let taken = receive_all(store, &page, End::Feed("next")).await.unwrap();
    assert_eq!((taken, store.feed_cursor().await.unwrap().as_deref()), (26, Some("next")));
    assert_eq!(receive_all(store, &page, End::Feed("next")).await.unwrap(), 0);
    let resolved = store.issues_in(State::Resolved, 100).await.unwrap();
    assert_eq!(resolved.len(), numbers.len());
    let mut whole = 0;
    for card in resolved {
        let history = store.issue_history(&card.id).await.unwrap();
        let said = history.iter().skip_while(|event| **event != Event::Referred).skip(1);
        let said: Vec<&Event> = said.collect();
        let finished = Event::PlatformFinished { reply: String::new() };
        whole += usize::from(said == [&Event::Accepted, &Event::Started, &finished]);
    }
    // All but the one whose answers the first turn parted.
    assert_eq!(whole, numbers.len() - 1);
});

on_both!(a_page_of_a_thousand_answers_takes_short_turns, async |fixture: Fixture| {
    let issues = if std::env::var("COUNTY").is_ok() { 400 } else { 40 };
    let (fixture, numbers) = referred(fixture, issues).await;
    fixture.store.analyze().await.unwrap();
    let store = fixture.reopened().await;
    let page = page(&fixture, &numbers);
    let began = std::time::Instant::now();
    assert_eq!(receive_all(&store, &page, End::Nothing).await.unwrap(), page.len());
    let (took, turn) = (began.elapsed(), store.longest_turn());
    eprintln!("{:?}: {} answers, {took:?}, longest turn {turn:?}", store.dialect(), page.len());
    assert_eq!(store.issues_in(State::Resolved, 1_000).await.unwrap().len(), numbers.len());
    // A machine that does much else besides is no measure: short all the same, or beside the whole.
    assert!(turn < (took / 2).max(std::time::Duration::from_secs(10)), "{turn:?} of {took:?}");
});
