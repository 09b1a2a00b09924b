//! Following a platform that answers badly: what it can't say of one stops no other, and nothing of it goes unsaid.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sqlx::Connection;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};
use zoufang::app::receive_updates::forget_answers_of_nobody;
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::{Daemon, platform};
use zoufang::db::{Dispatch, Receipt};
use zoufang::delivery::Outcome;
use zoufang::domain::delivery::Settlement;
use zoufang::domain::delivery::search::{SearchResult, Sought};
use zoufang::domain::issue::State;
use zoufang::domain::referral::{PlatformStatus, PlatformUpdate, Told};
use zoufang::platform::{
    Answers, Changed, NoContact, Platform, ServiceGap, ShowsMarks, Unanswered, poll, sweep,
};
use zoufang::settings::Settings;
use zoufang::web::status::Status;

use crate::db::{deliver, one_city_issue, update};
use crate::support::{Fixture, VISITS, claim, on_both, settle};

/// What a platform does with a number that it's asked about.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Say(PlatformStatus),
    Gone,
    Hang,
    Panic,
    LeaveOut,
    /// Give this number for a token.
    Number(&'static str),
}

/// A platform that is told what to do with each number; a list with one that it can't answer it doesn't answer at all.
#[derive(Default)]
struct Scripted {
    does: Mutex<BTreeMap<String, Does>>,
    asked: Mutex<Vec<Vec<String>>>,
    /// Its feed, page by page by the cursor, where it has one.
    feed: Option<fn(Option<&str>) -> Changed>,
    turned: AtomicUsize,
    down: Mutex<bool>,
    /// What it shows under its numbers, and whether it's known by its marks.
    texts: Mutex<BTreeMap<String, String>>,
    marks: Option<ShowsMarks>,
}

impl Scripted {
    fn will(&self, number: &str, does: Does) {
        self.does.lock().unwrap().insert(number.to_owned(), does);
    }

    fn questions(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn said(number: &str, status: PlatformStatus, text: &str) -> PlatformUpdate {
    PlatformUpdate {
        remote_id: number.to_owned(),
        word: status.code().to_owned(),
        status: Some(status),
        text: text.to_owned(),
        at: None,
        successors: Vec::new(),
        update_id: None,
        told: Told::Now,
    }
}

fn none(reason: &str) -> NoContact {
    NoContact::because(reason.to_owned())
}

#[async_trait]
impl Platform for Scripted {
    fn has_feed(&self) -> bool {
        self.feed.is_some()
    }

    fn tells_successors(&self) -> bool {
        true
    }

    fn shows_marks(&self) -> Option<&ShowsMarks> {
        self.marks.as_ref()
    }

    async fn changes(&self, cursor: Option<&str>) -> Result<Changed, Unanswered> {
        self.turned.fetch_add(1, Ordering::Relaxed);
        if cursor.is_some_and(|cursor| cursor.starts_with("forgotten")) {
            return Err(Unanswered::This("HTTP 410 cursor expired".to_owned()));
        }
        Ok(self.feed.unwrap()(cursor))
    }

    async fn greet(&self) -> Result<(), NoContact> {
        if *self.down.lock().unwrap() { Err(none("not_connected: refused")) } else { Ok(()) }
    }

    async fn submit(&self, _: &Dispatch) -> Outcome {
        Outcome::Unknown { reason: "timeout".to_owned() }
    }

    async fn find(&self, _: &Sought) -> Result<SearchResult, NoContact> {
        Err(none("timeout"))
    }

    async fn fetch(&self, ids: &[String]) -> Result<Answers, Unanswered> {
        self.asked.lock().unwrap().push(ids.to_vec());
        let does = self.does.lock().unwrap().clone();
        let of = |id: &String| does.get(id).copied().unwrap_or(Does::Say(PlatformStatus::Resolved));
        let all: Vec<Does> = ids.iter().map(of).collect();
        assert!(!all.contains(&Does::Panic), "a fault of the program's own");
        if all.contains(&Does::Gone) {
            return Err(Unanswered::This("HTTP 404 not found".to_owned()));
        }
        if all.contains(&Does::Hang) {
            return Err(none("timeout: operation timed out").into());
        }
        let says = |(id, does): (&String, Does)| match does {
            Does::Say(status) => Some(said(id, status, "已修好")),
            _ => None,
        };
        let updates = ids.iter().zip(all).filter_map(says).collect();
        let mut answers = Answers { updates, ..Answers::default() };
        let texts = self.texts.lock().unwrap();
        let shown = ids.iter().filter_map(|id| Some((id.clone(), texts.get(id)?.clone())));
        if let Some(marks) = &self.marks {
            answers.note_shown(shown, marks);
        }
        Ok(answers)
    }

    async fn number_of(&self, token: &str) -> Result<Option<String>, Unanswered> {
        match self.does.lock().unwrap().get(token) {
            Some(Does::Gone) => Err(Unanswered::This("HTTP 404".to_owned())),
            Some(Does::Hang) => Err(none("timeout").into()),
            Some(Does::Number(number)) => Ok(Some((*number).to_owned())),
            _ => Ok(Some(format!("of-{token}"))),
        }
    }

    async fn service_gaps(&self) -> Result<Vec<ServiceGap>, NoContact> {
        Ok(Vec::new())
    }
}

/// City issues that the platform has, each by its number or token.
async fn referred(fixture: Fixture, receipts: &[(Option<&str>, Option<&str>)]) -> Fixture {
    let fixture = fixture.township().await;
    fixture.at(4, 20, 9);
    let lines: String = (0..receipts.len())
        .map(|n| format!("\n2022-04-20,Z6,H{},王建国,,第{n}件事,有,市直,其他,急", 1 + n % 2))
        .collect();
    fixture.import("v.csv", &format!("{VISITS}{lines}\n")).await.unwrap();
    let entries = claim(&fixture.store, "ehushanying", "me", 1_000, 60_000).await.unwrap();
    assert_eq!(entries.len(), receipts.len());
    let ended: Vec<_> = entries
        .into_iter()
        .zip(receipts)
        .map(|(entry, (number, token))| {
            let text = |text: &Option<&str>| text.map(str::to_owned);
            let receipt = Receipt { remote_id: text(number), token: text(token) };
            (entry, Settlement::Delivered(receipt))
        })
        .collect();
    settle(&fixture.store, "ehushanying", "me", &ended).await.unwrap();
    fixture
}

async fn numbered(fixture: Fixture, numbers: &[&str]) -> Fixture {
    let receipts: Vec<_> = numbers.iter().map(|number| (Some(*number), None)).collect();
    referred(fixture, &receipts).await
}

fn pass(fixture: &Fixture, minutes: i64) {
    fixture.clock.set(fixture.clock.now() + SignedDuration::from_mins(minutes));
}

async fn count(fixture: &Fixture, state: State) -> usize {
    fixture.store.issues_in(state, 1_000).await.unwrap().len()
}

on_both!(one_that_cant_be_answered_stops_no_other, async |fixture: Fixture| {
    for (place, bad) in [(0, Does::Gone), (5, Does::Hang), (9, Does::Panic), (3, Does::LeaveOut)] {
        let names: Vec<String> = (0..10).map(|n| format!("{}-{n}", place)).collect();
        let numbers: Vec<&str> = names.iter().map(String::as_str).collect();
        let fixture = match fixture.store.dialect() {
            zoufang::db::Dialect::Sqlite => Fixture::sqlite().await,
            zoufang::db::Dialect::Postgres => Fixture::postgres().await.unwrap(),
        };
        let fixture = numbered(fixture, &numbers).await;
        let platform = Scripted::default();
        platform.will(numbers[place], bad);
        poll(&fixture.store, &platform, 10).await.unwrap();
        assert_eq!(count(&fixture, State::Resolved).await, 9, "{place}");
        let questions = platform.questions();
        assert!(questions.len() <= 12, "{questions:?}");
        // It's asked about again later, and not at once.
        poll(&fixture.store, &platform, 10).await.unwrap();
        assert_eq!(platform.questions(), Vec::<Vec<String>>::new());
        let unasked = fixture.store.unasked().await.unwrap();
        match bad {
            Does::Gone | Does::LeaveOut => {
                let unasked = unasked.unwrap();
                assert_eq!((unasked.number.as_str(), unasked.count), (numbers[place], 1));
            }
            // It may be the platform's fault: it's asked again soon.
            _ => assert!(unasked.is_none()),
        }
        // As long as others are answered and it isn't, it's its own, and said.
        for _ in 0..8 {
            pass(&fixture, 11);
            platform.will(numbers[(place + 1) % 10], Does::Say(PlatformStatus::InProgress));
            poll(&fixture.store, &platform, 10).await.unwrap();
        }
        let unasked = fixture.store.unasked().await.unwrap().unwrap();
        assert_eq!((unasked.number.as_str(), unasked.count), (numbers[place], 1));
        pass(&fixture, 60);
        platform.will(numbers[(place + 1) % 10], Does::Say(PlatformStatus::Resolved));
        platform.will(numbers[place], Does::Say(PlatformStatus::Resolved));
        poll(&fixture.store, &platform, 10).await.unwrap();
        assert_eq!(count(&fixture, State::Resolved).await, 10, "{place}");
        assert!(fixture.store.unasked().await.unwrap().is_none());
    }
});

on_both!(a_dead_token_stops_no_other, async |fixture: Fixture| {
    let tokens = ["a", "b", "c", "d"].map(|token| (None, Some(token)));
    let fixture = referred(fixture, &tokens).await;
    let platform = Scripted::default();
    platform.will("a", Does::Gone);
    platform.will("b", Does::Hang);
    poll(&fixture.store, &platform, 50).await.unwrap();
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 2);
    let unasked = fixture.store.unasked().await.unwrap().unwrap();
    assert_eq!((unasked.number.as_str(), unasked.count), ("a", 1));
    assert!(unasked.why.contains("凭证 a") && unasked.why.contains("404"), "{}", unasked.why);
});

on_both!(a_platform_that_answers_nothing_is_asked_a_few_times_alone, async |fixture: Fixture| {
    let names: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    let numbers: Vec<&str> = names.iter().map(String::as_str).collect();
    let fixture = numbered(fixture, &numbers).await;
    for does in [Does::Hang, Does::Gone] {
        let platform = Scripted::default();
        names.iter().for_each(|name| platform.will(name, does));
        poll(&fixture.store, &platform, 50).await.unwrap();
        let asked = platform.questions().len();
        assert!(asked <= 30, "{asked} questions");
    }
});

/// At that address, showing these texts under these numbers.
fn showing(place: &str, texts: &[(&str, &str)]) -> Scripted {
    let texts = texts.iter().map(|(number, text)| ((*number).to_owned(), (*text).to_owned()));
    Scripted {
        texts: Mutex::new(texts.collect()),
        marks: Some(ShowsMarks::at(place)),
        ..Scripted::default()
    }
}

on_both!(under_a_number_that_was_given_away_anew_stands_anothers, async |fixture: Fixture| {
    let fixture = numbered(fixture, &["7", "8", "9"]).await;
    // Of the same words, and with another's mark: whose it is, the mark says.
    let mut debts = fixture.store.platform_debts().await.unwrap();
    debts.sort_by_key(|(_, number)| number.clone());
    let own = format!("[{}]", debts[1].0);
    let platform =
        showing("https://one.example", &[("7", "路灯不亮[CHD2021-000009-R1]"), ("8", &own)]);
    platform.will("9", Does::Say(PlatformStatus::InProgress));
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 1);
    let unasked = fixture.store.unasked().await.unwrap().unwrap();
    assert!(unasked.why.contains("别人的事"), "{}", unasked.why);
    // After a restart it's still known that this platform shows marks; of another it isn't.
    pass(&fixture, 60);
    let foreign = [("7", "[CHD2021-000009-R1]"), ("9", "健身器材坏了")];
    poll(&fixture.store, &showing("https://one.example", &foreign), 50).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 1);
    pass(&fixture, 60);
    poll(&fixture.store, &showing("https://two.example", &foreign[1..]), 50).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 3);
});

on_both!(a_silence_is_laid_at_whose_door_it_is, async |fixture: Fixture| {
    let fixture = numbered(fixture, &["7", "8"]).await;
    let platform = Scripted::default();
    platform.will("7", Does::Hang);
    platform.will("8", Does::Hang);
    // Nobody is there: that is said of the platform, and of none of its numbers.
    *platform.down.lock().unwrap() = true;
    for _ in 0..10 {
        poll(&fixture.store, &platform, 50).await.unwrap();
        pass(&fixture, 11);
    }
    assert!(fixture.store.unasked().await.unwrap().is_none());
    let failure = async || {
        let lanes = fixture.store.lane_figures(0).await.unwrap();
        lanes.into_iter().find_map(|lane| lane.failure)
    };
    assert!(failure().await.is_some());
    // Somebody is, and answers all but what is asked.
    *platform.down.lock().unwrap() = false;
    for _ in 0..10 {
        poll(&fixture.store, &platform, 50).await.unwrap();
        pass(&fixture, 11);
    }
    assert_eq!(fixture.store.unasked().await.unwrap().unwrap().count, 2);
});

on_both!(a_token_without_a_number_is_said_after_days, async |fixture: Fixture| {
    let fixture = referred(fixture, &[(None, Some("a")), (None, Some("b"))]).await;
    let platform = Scripted::default();
    platform.will("a", Does::Number("0"));
    platform.will("b", Does::Number("501"));
    for _ in 0..60 {
        poll(&fixture.store, &platform, 50).await.unwrap();
        pass(&fixture, 60);
    }
    assert!(fixture.store.unasked().await.unwrap().is_none(), "some take two days");
    pass(&fixture, 24 * 60);
    poll(&fixture.store, &platform, 50).await.unwrap();
    let unasked = fixture.store.unasked().await.unwrap().unwrap();
    assert_eq!((unasked.number.as_str(), unasked.count), ("a", 1));
    assert!(unasked.why.contains("还没有给编号"), "{}", unasked.why);
    platform.will("a", Does::Number("502"));
    pass(&fixture, 24 * 60);
    // Once it has its number, it's asked by that.
    poll(&fixture.store, &platform, 50).await.unwrap();
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert!(fixture.store.unasked().await.unwrap().is_none());
});

on_both!(a_number_with_a_comma_or_of_great_length_is_asked_alone, async |fixture: Fixture| {
    let long = "9".repeat(900);
    let other = "8".repeat(900);
    let fixture = numbered(fixture, &["1", "2,3", &long, &other, "4"]).await;
    let platform = Scripted::default();
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 5);
    for question in platform.questions() {
        assert!(question.len() == 1 || question.iter().all(|number| !number.contains(',')));
        assert!(question.iter().map(String::len).sum::<usize>() <= 1_600);
    }
});

on_both!(what_the_platform_takes_up_again_is_found_without_a_feed, async |fixture: Fixture| {
    let fixture = numbered(fixture, &["7"]).await;
    let platform = Scripted::default();
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 1);
    platform.will("7", Does::Say(PlatformStatus::Received));
    pass(&fixture, 15);
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(count(&fixture, State::InProgress).await, 1);
    platform.will("7", Does::Say(PlatformStatus::Resolved));
    pass(&fixture, 10);
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 1);
    let number = fixture.store.issues_in(State::Resolved, 1).await.unwrap()[0].number.clone();
    let timeline = fixture.store.timeline(&number).await.unwrap();
    let told = format!("{timeline:?}");
    assert_eq!(told.matches("PlatformFinished").count(), 2, "{told}");
    assert_eq!(told.matches("PlatformReopened").count(), 1, "{told}");
    // What has ended is asked about less and less often, and at last not at all.
    platform.questions();
    for _ in 0..200 {
        pass(&fixture, 24 * 60);
        sweep(&fixture.store, &platform, 50).await.unwrap();
    }
    let asked = platform.questions().len();
    assert!((5..40).contains(&asked), "{asked}");
});

on_both!(an_answer_is_kept_once_however_its_dated, async |fixture: Fixture| {
    let fixture = numbered(fixture, &["7"]).await;
    let receive = async |update: PlatformUpdate| {
        let mut tx = fixture.store.begin().await.unwrap();
        let news = zoufang::app::receive_updates::receive(&mut tx, &[update]).await.unwrap();
        tx.commit().await.unwrap();
        news
    };
    use PlatformStatus::{InProgress, Received, Resolved};
    let at = |hours| Some(fixture.clock.now() + SignedDuration::from_hours(hours));
    // By the platform's own number of it.
    let event = PlatformUpdate {
        update_id: Some("20220420153012340001".to_owned()),
        told: Told::Then,
        at: at(-5),
        ..said("7", InProgress, "已派单")
    };
    assert_eq!(receive(event.clone()).await, 1);
    assert_eq!(receive(PlatformUpdate { at: at(8), ..event.clone() }).await, 0);
    assert_eq!(receive(PlatformUpdate { at: None, ..event }).await, 0);
    // By what it says, where it says how it stands: each time it's asked it may be dated anew.
    assert_eq!(receive(PlatformUpdate { at: at(-1), ..said("7", Resolved, "好") }).await, 1);
    pass(&fixture, 60);
    assert_eq!(receive(PlatformUpdate { at: at(0), ..said("7", Resolved, "好") }).await, 0);
    assert_eq!(count(&fixture, State::Resolved).await, 1);
    // A time that never moves: what is said again after something else is news.
    let frozen = at(0);
    for (status, news) in [(Received, 1), (Resolved, 1), (Received, 1), (Received, 0)] {
        pass(&fixture, 10);
        let update = PlatformUpdate { at: frozen, ..said("7", status, "") };
        assert_eq!(receive(update).await, news, "{status}");
    }
    assert_eq!(count(&fixture, State::InProgress).await, 1);
    // What happened at no time is known by what is said of it: a feed that lists it again and again moves nothing.
    let then = |status| PlatformUpdate { told: Told::Then, ..said("7", status, "清单") };
    assert_eq!((receive(then(InProgress)).await, receive(then(Resolved)).await), (1, 1));
    assert_eq!((receive(then(InProgress)).await, receive(then(Resolved)).await), (0, 0));
    assert_eq!(count(&fixture, State::Resolved).await, 1);
});

on_both!(a_cursor_that_never_rests_ends, async |fixture: Fixture| {
    let fixture = numbered(fixture, &["7"]).await;
    let page = |cursor: Option<&str>| {
        let next = cursor.unwrap_or_default().parse().unwrap_or(0_u64) + 1;
        Changed { cursor: Some(next.to_string()), more: true, ..Changed::default() }
    };
    let endless = Scripted { feed: Some(page), ..Scripted::default() };
    poll(&fixture.store, &endless, 50).await.unwrap();
    assert!(endless.turned.load(Ordering::Relaxed) <= 1_000);
    let notes = fixture.store.platform_notes(0).await.unwrap();
    assert!(notes.iter().any(|note| note.what.contains("读不到头")), "{notes:?}");
    let circle = |cursor: Option<&str>| {
        let next = if cursor == Some("a") { "b" } else { "a" };
        Changed { cursor: Some(next.to_owned()), more: true, ..Changed::default() }
    };
    let circling = Scripted { feed: Some(circle), ..Scripted::default() };
    poll(&fixture.store, &circling, 50).await.unwrap();
    assert!(circling.turned.load(Ordering::Relaxed) <= 4);
});

on_both!(a_platform_that_is_gone_is_seen_while_nothing_is_owed, async |fixture: Fixture| {
    let text = "[platform]\nadapter = 'open311'\nendpoint = 'http://127.0.0.1:9'";
    let settings = Settings::from_text(text, "test").unwrap();
    let daemon = Daemon::new(settings, fixture.store.clone(), CancellationToken::new()).unwrap();
    let platform = Scripted::default();
    let reasons = async || Status::read(&daemon).await.unwrap().reasons.join("\n");
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert!(!reasons().await.contains("连不上"));
    *platform.down.lock().unwrap() = true;
    pass(&fixture, 5);
    poll(&fixture.store, &platform, 50).await.unwrap();
    let said = reasons().await;
    assert!(said.contains("查询时连不上对方") && said.contains("眼下没有要发的"), "{said}");
    *platform.down.lock().unwrap() = false;
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert!(!reasons().await.contains("连不上"));
});

on_both!(what_was_refused_is_a_reason_until_somebody_acts, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let line = "2022-03-01,Z6,H1,王建国,,路灯不亮,有,市直,其他,急";
    fixture.visit(line).await.unwrap();
    let entries = claim(&fixture.store, "ehushanying", "me", 9, 60_000).await.unwrap();
    let no = Settlement::Refused { reason: "HTTP 400 描述太长".to_owned() };
    let ended: Vec<_> = entries.into_iter().map(|entry| (entry, no.clone())).collect();
    settle(&fixture.store, "ehushanying", "me", &ended).await.unwrap();
    let text = "[platform]\nadapter = 'open311'\nendpoint = 'http://127.0.0.1:9'";
    let settings = Settings::from_text(text, "test").unwrap();
    let daemon = Daemon::new(settings, fixture.store.clone(), CancellationToken::new()).unwrap();
    let reasons = async || Status::read(&daemon).await.unwrap().reasons.join("\n");
    let said = reasons().await;
    assert!(said.contains("1 件上报被对方退回") && said.contains("-R1"), "{said}");
    assert!(said.contains("描述太长"), "{said}");
    let issue = fixture.store.issues_in(State::Returned, 1).await.unwrap().pop().unwrap();
    let table = format!("问题编号,责任层级,类别\n{},镇村自办,其他\n", issue.number);
    fixture.import("c.csv", &table).await.unwrap();
    assert!(!reasons().await.contains("退回"));
});

on_both!(a_word_that_was_added_since_is_not_unknown_any_more, async |fixture: Fixture| {
    let mut db = sqlx::AnyConnection::connect(&fixture.url).await.unwrap();
    let word = "INSERT INTO tallies (dimension, of_id, name, campaign, day, total) VALUES ('word', '流转中', 'words', '', '', 2)";
    sqlx::query(word).execute(&mut db).await.unwrap();
    let base = "[platform]\nadapter = 'open311'\nendpoint = 'http://127.0.0.1:9'\n";
    let added = format!("{base}[platform.statuses]\n'流转中' = 'in_progress'\n");
    for (text, tells) in [(base, true), (added.as_str(), false)] {
        let settings = Settings::from_text(text, "test").unwrap();
        let shutdown = CancellationToken::new();
        let daemon = Daemon::new(settings, fixture.store.clone(), shutdown).unwrap();
        let reasons = Status::read(&daemon).await.unwrap().reasons.join("\n");
        assert_eq!(reasons.contains("「流转中」不认识"), tells, "{reasons}");
    }
});

fn open311(server: &MockServer, more: &str) -> Arc<dyn Platform> {
    let text = format!(
        "[platform]\nadapter = 'open311'\nendpoint = '{}'\ntimeout = '20s'\n{more}",
        server.uri()
    );
    let clock = Clock::manual("2022-04-20T01:00:00Z".parse().unwrap());
    let settings = Settings::from_text(&text, "test").unwrap();
    platform(&settings, &clock, &Chance::seeded(1)).unwrap().unwrap()
}

#[tokio::test]
async fn a_number_of_any_characters_is_one_part_of_an_address() {
    let server = MockServer::start().await;
    let number = "滕/7,8?x#y&z=1+2 3%25";
    let body = format!(r#"[{{"service_request_id": "{number}", "status": "OPEN"}}]"#);
    Mock::given(method("GET"))
        .respond_with(move |request: &Request| {
            let segments: Vec<&str> = request.url.path_segments().unwrap().collect();
            assert_eq!(segments.len(), 2, "{}", request.url);
            ResponseTemplate::new(200).set_body_string(body.clone())
        })
        .mount(&server)
        .await;
    let platform = open311(&server, "");
    let told = platform.fetch(&[number.to_owned()]).await.unwrap();
    assert_eq!(told.updates[0].remote_id, number);
    assert_eq!(told.updates[0].status, Some(PlatformStatus::Received));
    assert!(!platform.can_list(number));
}

#[tokio::test]
async fn a_feed_that_is_cut_off_at_any_length_is_read_whole() {
    for (page, newest_first) in [(50, true), (20, false), (1_000, true)] {
        let server = MockServer::start().await;
        let began: Timestamp = "2022-04-20T00:10:00Z".parse().unwrap();
        Mock::given(path("/servicerequestupdates.json"))
            .respond_with(move |request: &Request| {
                let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
                let at = |name: &str| query[name].parse::<Timestamp>().unwrap();
                let (from, to) = (at("start_date"), at("end_date"));
                let mut rows: Vec<String> = (0..170)
                    .map(|n| (n, began + SignedDuration::from_secs(n * 15)))
                    .filter(|(_, at)| from <= *at && *at <= to)
                    .map(|(n, at)| format!(r#"{{"update_id": {n}, "service_request_id": "{n}", "status": "closed", "updated_datetime": "{at}"}}"#))
                    .collect();
                if newest_first {
                    rows.reverse();
                }
                rows.truncate(page);
                ResponseTemplate::new(200).set_body_string(format!("[{}]", rows.join(",")))
            })
            .mount(&server)
            .await;
        let platform = open311(&server, "service_request_updates = true");
        let told = platform.changes(Some("2022-04-20T01:00:00Z")).await.unwrap();
        assert_eq!(told.updates.len(), 170, "{page}");
        let asked = server.received_requests().await.unwrap().len();
        assert!(asked <= 60, "{asked} for pages of {page}");
    }
}

#[tokio::test]
async fn local_time_labelled_z_in_a_chinese_character_set_is_read_as_configured() {
    let server = MockServer::start().await;
    let xml = "<?xml version='1.0' encoding='GBK'?><!DOCTYPE r [<!ENTITY x 'y'>]><requests><request><service_request_id>7</service_request_id>\
        <status>办结</status><status_notes>已修好 &amp; 拍照</status_notes><updated_datetime>2022-04-20T09:00:00Z</updated_datetime>\
        </request></requests>";
    let (body, ..) = encoding_rs::GBK.encode(xml);
    Mock::given(path("/requests/7.xml"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(body.into_owned()))
        .mount(&server)
        .await;
    let more = "format = 'xml'\ntimes = 'Asia/Shanghai'\n[platform.statuses]\n'办结' = 'resolved'";
    let told = open311(&server, more).fetch(&["7".to_owned()]).await.unwrap();
    let update = &told.updates[0];
    assert_eq!(
        (update.status, update.text.as_str()),
        (Some(PlatformStatus::Resolved), "已修好 & 拍照")
    );
    assert_eq!(update.at, Some("2022-04-20T01:00:00Z".parse().unwrap()));
    let settings = Settings::from_text("[platform]\ncharset = '汉字'", "test").unwrap_err();
    assert!(settings.to_string().contains("platform.charset"));
}

#[tokio::test]
async fn what_cant_be_read_says_what_stood_there() {
    let server = MockServer::start().await;
    let rows = r#"[{"service_request_id": 7, "status": "closed", "updated_datetime": "昨天下午"}, {"id": 8}]"#;
    Mock::given(query_param("service_request_id", "7,8"))
        .respond_with(ResponseTemplate::new(200).set_body_string(rows))
        .mount(&server)
        .await;
    Mock::given(path("/requests/9.json"))
        .respond_with(ResponseTemplate::new(200).set_body_string("<html>请登录</html>"))
        .mount(&server)
        .await;
    let platform = open311(&server, "");
    let told = platform.fetch(&["7".to_owned(), "8".to_owned()]).await.unwrap();
    let unread: Vec<String> =
        told.unread.iter().map(|unread| format!("{}：{}", unread.what, unread.sample)).collect();
    assert_eq!(told.updates.len(), 1);
    assert!(unread[0].contains("updated_datetime") && unread[0].contains("昨天下午"), "{unread:?}");
    assert!(unread[1].contains("service_request_id") && unread[1].contains("id"), "{unread:?}");
    let error = platform.fetch(&["9".to_owned()]).await.unwrap_err().to_string();
    assert!(error.contains("第 1 行第 1 个字起") && error.contains("请登录"), "{error}");
}

on_both!(a_number_is_one_referrals_for_tokens_too, async |fixture: Fixture| {
    let tokens = ["a", "b", "c", "d"].map(|token| (None, Some(token)));
    let fixture = referred(fixture, &tokens).await;
    let platform = Scripted::default();
    for (token, number) in [("a", "500"), ("b", "500"), ("c", "0"), ("d", "NULL")] {
        platform.will(token, Does::Number(number));
    }
    for _ in 0..3 {
        poll(&fixture.store, &platform, 50).await.unwrap();
        pass(&fixture, 30);
    }
    assert_eq!(count(&fixture, State::Resolved).await, 0);
    let unasked = fixture.store.unasked().await.unwrap().unwrap();
    assert_eq!(unasked.count, 2);
    assert!(unasked.why.contains("凭证") && unasked.why.contains("编号 500"), "{}", unasked.why);
    // Once each has its own, each is followed by it.
    platform.will("a", Does::Number("501"));
    platform.will("c", Does::Number("503"));
    for _ in 0..3 {
        poll(&fixture.store, &platform, 50).await.unwrap();
        pass(&fixture, 30);
    }
    // b's is nobody else's any more.
    assert_eq!(count(&fixture, State::Resolved).await, 3);
    assert!(fixture.store.unasked().await.unwrap().is_none());
    platform.will("d", Does::Number("501"));
    poll(&fixture.store, &platform, 50).await.unwrap();
    let unasked = fixture.store.unasked().await.unwrap().unwrap();
    assert!(unasked.why.contains("已经是 CHD2022-"), "{}", unasked.why);
    assert_eq!(count(&fixture, State::Resolved).await, 3);
});

on_both!(
    what_arrived_without_a_number_is_looked_for_and_a_person_may_give_one,
    async |fixture: Fixture| {
        let fixture = referred(fixture, &[(None, None)]).await;
        // Whoever has it may list it with its number.
        let issue = fixture.store.issues_in(State::Queued, 10).await.unwrap();
        assert_eq!(issue.len(), 1, "it isn't taken for referred yet");
        let again = claim(&fixture.store, "ehushanying", "me", 10, 60_000).await.unwrap();
        assert!(again[0].unknown_since.is_some());
        let debt = again[0].debt_key.clone();
        assert!(again[0].accepted_at.is_some(), "it's never sent again");
        let unnamed = Settlement::Delivered(Receipt::default());
        settle(&fixture.store, "ehushanying", "me", &[(again[0].clone(), unnamed)]).await.unwrap();
        let unknown = fixture.store.oldest_unknown("ehushanying").await.unwrap().unwrap();
        assert!(unknown.2.starts_with("unnamed"), "{}", unknown.2);
        // A person has seen it there, and no number.
        let unnumbered = zoufang::db::Decision::Arrived { remote_id: None };
        let mut tx = fixture.store.begin().await.unwrap();
        tx.decide_debt(&debt, &unnumbered, "周正", "平台上有，没有编号").await.unwrap();
        tx.commit().await.unwrap();
        let feed = |cursor: Option<&str>| Changed {
            cursor: cursor.map(str::to_owned),
            ..Changed::default()
        };
        for platform in [Scripted::default(), Scripted { feed: Some(feed), ..Scripted::default() }]
        {
            poll(&fixture.store, &platform, 50).await.unwrap();
            let unasked = fixture.store.unasked().await.unwrap().unwrap();
            assert!(unasked.why.contains("没有给编号"), "{}", unasked.why);
            pass(&fixture, 30);
        }
        let arrived = zoufang::db::Decision::Arrived { remote_id: Some("77".to_owned()) };
        let mut tx = fixture.store.begin().await.unwrap();
        tx.decide_debt(&debt, &arrived, "周正", "在平台上查到").await.unwrap();
        tx.commit().await.unwrap();
        let platform = Scripted::default();
        poll(&fixture.store, &platform, 50).await.unwrap();
        assert_eq!(platform.questions(), [["77"]]);
        assert_eq!(count(&fixture, State::Resolved).await, 1);
        assert!(fixture.store.unasked().await.unwrap().is_none());
        let mut tx = fixture.store.begin().await.unwrap();
        assert!(tx.decide_debt(&debt, &arrived, "周正", "再写一次").await.is_err());
    }
);

/// Takes answers in a turn of their own.
async fn receive(fixture: &Fixture, updates: &[PlatformUpdate]) {
    let mut tx = fixture.store.begin().await.unwrap();
    zoufang::app::receive_updates::receive(&mut tx, updates).await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(
    what_was_joined_and_is_taken_apart_again_is_followed_by_its_own_number,
    async |fixture: Fixture| {
        let fixture = numbered(fixture, &["7"]).await;
        let platform = Scripted::default();
        let joined = |by: &str| PlatformUpdate {
            successors: vec![by.to_owned()],
            ..said("7", PlatformStatus::Replaced, "并案")
        };
        receive(&fixture, &[joined("90")]).await;
        platform.will("90", Does::Say(PlatformStatus::InProgress));
        platform.will("7", Does::Say(PlatformStatus::Replaced));
        poll(&fixture.store, &platform, 50).await.unwrap();
        // The old number is asked about too, alone: it may be gone.
        let mut asked = platform.questions();
        asked.sort();
        assert_eq!(asked, [["7"], ["90"]]);
        platform.will("7", Does::Gone);
        pass(&fixture, 30);
        poll(&fixture.store, &platform, 50).await.unwrap();
        assert!(fixture.store.unasked().await.unwrap().is_none());
        // Taken apart; what it was joined to then ends, and isn't its own any more.
        platform.will("7", Does::Say(PlatformStatus::InProgress));
        pass(&fixture, 30);
        poll(&fixture.store, &platform, 50).await.unwrap();
        platform.questions();
        platform.will("90", Does::Say(PlatformStatus::Resolved));
        receive(&fixture, &[said("90", PlatformStatus::Resolved, "别处的好了")]).await;
        pass(&fixture, 30);
        poll(&fixture.store, &platform, 50).await.unwrap();
        assert_eq!(
            (platform.questions(), count(&fixture, State::Resolved).await),
            (vec![vec!["7".to_owned()]], 0)
        );
        platform.will("7", Does::Say(PlatformStatus::Resolved));
        pass(&fixture, 30);
        poll(&fixture.store, &platform, 50).await.unwrap();
        assert_eq!(count(&fixture, State::Resolved).await, 1);
    }
);

on_both!(what_is_dated_alike_counts_in_the_order_in_which_it_is_told, async |fixture: Fixture| {
    let fixture = numbered(fixture, &["7", "8"]).await;
    let day = Some("2022-04-20T00:00:00Z".parse().unwrap());
    let dated =
        |number, status, text, told| PlatformUpdate { at: day, told, ..said(number, status, text) };
    use PlatformStatus::{InProgress, Resolved};
    for (told, number) in [(Told::Now, "7"), (Told::Then, "8")] {
        let mut id = 0_u32;
        let mut told = |status, text| {
            id += 1;
            let update_id = (told == Told::Then).then(|| format!("{}-{id}", 9 - id));
            PlatformUpdate { update_id, ..dated(number, status, text, told) }
        };
        let closed = told(Resolved, "已修好");
        let taken_up = told(InProgress, "没修好，重新办理");
        let closed_again = told(Resolved, "已修好");
        let taken_up_again = told(InProgress, "还是不亮");
        for (update, resolved) in
            [(closed, 1), (taken_up, 0), (closed_again, 1), (taken_up_again, 0)]
        {
            pass(&fixture, 20);
            receive(&fixture, &[update]).await;
            assert_eq!(count(&fixture, State::Resolved).await, resolved, "{number}");
        }
    }
});

// Two machines' clocks, the time of the request itself, a date that is none: the end is dated before what was said last.
on_both!(an_end_that_is_dated_before_holds_where_its_told_on, async |fixture: Fixture| {
    let fixture = numbered(fixture, &["7"]).await;
    use PlatformStatus::{InProgress, Resolved};
    let start = fixture.clock.now();
    let before = |minutes| Some(start - SignedDuration::from_mins(minutes));
    let now = |at, status, text| PlatformUpdate { at, told: Told::Now, ..said("7", status, text) };
    receive(&fixture, &[now(before(61), InProgress, "在办")]).await;
    let closed = now(before(307), Resolved, "已修好");
    for resolved in [0, 0, 1, 1] {
        receive(&fixture, std::slice::from_ref(&closed)).await;
        assert_eq!(count(&fixture, State::Resolved).await, resolved);
        pass(&fixture, 20);
    }
    // It's taken up again; that it had been closed before, as an old copy may go on to tell, is no news.
    let again = now(Some(fixture.clock.now()), InProgress, "没修好，重新办理");
    receive(&fixture, &[again]).await;
    for _ in 0..4 {
        pass(&fixture, 20);
        receive(&fixture, std::slice::from_ref(&closed)).await;
        assert_eq!(count(&fixture, State::Resolved).await, 0);
    }
});

// The platform joined two of ours, or took one up again under its old number: the mark there is an earlier one's of ours.
on_both!(another_mark_of_ours_under_a_number_is_no_other_matter, async |fixture: Fixture| {
    let fixture = numbered(fixture, &["7", "8"]).await;
    let mut debts = fixture.store.platform_debts().await.unwrap();
    debts.sort_by_key(|(_, number)| number.clone());
    let mark = |nth: usize| format!("某某来电反映，[{}]第几件事", debts[nth].0);
    // Wrapped within, it's its own.
    let wrapped = mark(0).replace("-R1", "-\nR1");
    let platform = showing("https://one.example", &[("7", &wrapped), ("8", &mark(0))]);
    platform.will("8", Does::Say(PlatformStatus::InProgress));
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 1);
    assert_eq!(count(&fixture, State::InProgress).await, 0, "8 shows what goes by 7");
    assert!(fixture.store.unasked().await.unwrap().unwrap().why.contains("别人的事"));
    let mut db = sqlx::AnyConnection::connect(&fixture.url).await.unwrap();
    let joined = "INSERT INTO referral_numbers (lane, remote_id, referral_id, state)
         SELECT lane, '8', referral_id, 'ended' FROM referral_numbers WHERE remote_id = '7'";
    sqlx::query(joined).execute(&mut db).await.unwrap();
    pass(&fixture, 60);
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(count(&fixture, State::InProgress).await, 2, "what stands there is both's");
});

on_both!(a_feed_that_gives_its_last_page_again_and_again_ends, async |fixture: Fixture| {
    let fixture = numbered(fixture, &["7"]).await;
    // Under a new cursor each time, as one does that always reads some way back.
    let feed = |cursor: Option<&str>| {
        let page: u32 = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        Changed {
            updates: vec![said("7", PlatformStatus::InProgress, "在办")],
            cursor: Some((page + 1).to_string()),
            more: true,
            ..Changed::default()
        }
    };
    let platform = Scripted { feed: Some(feed), ..Scripted::default() };
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(platform.turned.load(Ordering::Relaxed), 2);
    assert_eq!(count(&fixture, State::InProgress).await, 1);
});

on_both!(a_feed_whose_cursor_is_forgotten_is_begun_anew, async |fixture: Fixture| {
    let fixture = numbered(fixture, &["7", "8"]).await;
    let feed = |cursor: Option<&str>| match cursor {
        None => Changed { cursor: Some("forgotten-1".to_owned()), ..Changed::default() },
        Some(_) => panic!("it's forgotten"),
    };
    let platform = Scripted { feed: Some(feed), ..Scripted::default() };
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(platform.questions(), Vec::<Vec<String>>::new());
    // What lies between is asked for by number. One that gives the same cursor anew has only nothing to tell.
    poll(&fixture.store, &platform, 50).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 2);
    assert!(fixture.store.platform_notes(0).await.unwrap().is_empty());
    let anew = |cursor: Option<&str>| match cursor {
        None => Changed { cursor: Some("b-1".to_owned()), ..Changed::default() },
        Some(cursor) => Changed { cursor: Some(cursor.to_owned()), ..Changed::default() },
    };
    let platform = Scripted { feed: Some(anew), ..Scripted::default() };
    poll(&fixture.store, &platform, 50).await.unwrap();
    let notes = fixture.store.platform_notes(0).await.unwrap();
    assert!(notes.iter().any(|note| note.what.contains("从头读起")), "{notes:?}");
    assert_eq!(fixture.store.feed_cursor().await.unwrap().as_deref(), Some("b-1"));
});

// A feed tells of a whole city: what is about nobody here goes after three months, and its strange words with it.
on_both!(what_is_about_nobody_here_is_forgotten_in_time, async |fixture: Fixture| {
    let fixture = one_city_issue(fixture).await;
    deliver(&fixture.store, "77").await;
    for number in ["77", "别处的"] {
        let said = PlatformUpdate {
            word: "转办中".to_owned(),
            status: None,
            ..update(&fixture, number, PlatformStatus::Accepted, 0)
        };
        receive(&fixture, &[said]).await;
    }
    let forget = async || forget_answers_of_nobody(&fixture.store).await.unwrap();
    fixture.clock.set(fixture.clock.now() + SignedDuration::from_hours(89 * 24));
    assert_eq!(forget().await, 0);
    fixture.clock.set(fixture.clock.now() + SignedDuration::from_hours(2 * 24));
    assert_eq!((forget().await, forget().await), (1, 0));
    let read = fixture.store.recount().await.unwrap();
    assert!(read.is_empty(), "the figures hold: {read:?}");
});

on_both!(a_number_is_followed_in_another_form, async |fixture: Fixture| {
    let guid = "3F2504E0-4F89-11D3-9A0C-0305E82C3301";
    let fixture = numbered(fixture, &["0001001", guid, "SR-7"]).await;
    // Asked about one, it answers of the same in another form.
    let server = MockServer::start().await;
    let records = [("0001001", "1001"), (guid, "3f2504e0-4f89-11d3-9a0c-0305e82c3301")];
    let records = records.map(|(_, number)| {
        format!(
            r#"{{"service_request_id": "{number}", "status": "closed", "description": "办好"}}"#
        )
    });
    let both = ResponseTemplate::new(200)
        .set_body_raw(format!("[{}]", records.join(",")), "application/json");
    Mock::given(path("/requests.json")).respond_with(both).mount(&server).await;
    let platform = open311(&server, "");
    poll(&fixture.store, platform.as_ref(), 50).await.unwrap();
    assert_eq!(count(&fixture, State::Resolved).await, 2);
    // A feed tells of a whole city: of ours in another form, and of another that is nearly one.
    for (number, resolved) in [("7", 2), ("SR-07", 2), ("sr-7", 3)] {
        let told = said(number, PlatformStatus::Resolved, "已修好");
        let mut tx = fixture.store.begin().await.unwrap();
        zoufang::app::receive_updates::receive(&mut tx, &[told]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(&fixture, State::Resolved).await, resolved, "{number}");
    }
});
