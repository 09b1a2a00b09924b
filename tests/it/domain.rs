//! What must always hold of the campaign's rules.

use jiff::civil::{Date, date};
use proptest::prelude::*;
use zoufang::domain::campaign::{Campaign, EscalationStep, PhaseName};
use zoufang::domain::issue::*;
use zoufang::domain::workdays::Workdays;

pub fn campaign() -> Campaign {
    toml::from_str(include_str!("../../config/campaign.toml")).unwrap()
}

pub fn workdays() -> Workdays {
    Workdays::read(include_str!("../../config/calendar/cn-workdays.csv")).unwrap()
}

pub fn event() -> impl Strategy<Value = Event> {
    let class = (0..3usize, 0..7usize, 0..3usize).prop_map(|(l, c, u)| Event::Classified {
        level: Level::ALL[l],
        category: Category::ALL[c],
        urgency: Urgency::ALL[u],
    });
    let words = prop_oneof![Just(String::new()), Just("缘由".to_owned())];
    prop_oneof![
        3 => class,
        3 => Just(Event::Queued),
        3 => Just(Event::Referred),
        2 => Just(Event::Accepted),
        2 => Just(Event::Started),
        2 => Just(Event::TownFinished { result: "已修".into() }),
        2 => Just(Event::PlatformFinished { reply: "已办".into() }),
        1 => (words.clone(), words.clone()).prop_map(|(by, reason)| Event::PlatformOverridden { by, reason }),
        1 => Just(Event::Refused { reason: "不归我管".into() }),
        2 => Just(Event::Satisfied),
        1 => words.clone().prop_map(|reason| Event::Reopened { reason }),
        1 => words.clone().prop_map(|reason| Event::AnswerCorrected { reason }),
        1 => words.prop_map(|reason| Event::Voided { reason }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_history_replayed_gives_the_same_row(events in proptest::collection::vec(event(), 0..60)) {
        let mut issue = Issue::default();
        let mut kept = Vec::new();
        for event in events {
            if let Ok(next) = issue.apply(&event) {
                issue = next;
                kept.push(event);
            }
        }
        let written: Vec<String> = kept.iter().map(|e| serde_json::to_string(e).unwrap()).collect();
        let read: Vec<Event> = written.iter().map(|e| serde_json::from_str(e).unwrap()).collect();
        prop_assert_eq!(Issue::replay(&read).unwrap(), issue);
    }

    #[test]
    fn an_ended_issue_moves_only_by_reopening(events in proptest::collection::vec(event(), 0..60)) {
        let mut issue = Issue::default();
        for event in events {
            let before = issue.clone();
            if let Ok(next) = issue.apply(&event) {
                if before.is_ended() {
                    prop_assert_eq!(event.kind(), EventKind::Reopened);
                    prop_assert_eq!(next.round, before.round + 1);
                }
                issue = next;
            }
        }
    }

    #[test]
    fn a_referred_level_closes_only_on_the_platforms_word_or_an_override(events in proptest::collection::vec(event(), 0..60)) {
        let mut issue = Issue::default();
        let mut word_this_round = false;
        // That somebody wasn't satisfied is taken back only where nothing but that has moved it (app/answered_before.rs).
        let mut word_before = None;
        for event in events {
            if event.kind() == EventKind::AnswerCorrected && word_before.is_none() {
                continue;
            }
            let was = issue.state;
            if let Ok(next) = issue.apply(&event) {
                match event.kind() {
                    EventKind::PlatformFinished | EventKind::PlatformOverridden => word_this_round = true,
                    EventKind::Reopened => {
                        word_before = (was != State::Void).then_some(word_this_round);
                        word_this_round = false;
                    }
                    EventKind::AnswerCorrected => word_this_round = word_before.take().unwrap_or_default(),
                    EventKind::Queued => {}
                    _ => word_before = None,
                }
                if let Event::PlatformOverridden { by, reason } = &event {
                    prop_assert!(!by.is_empty() && !reason.is_empty());
                }
                if next.state == State::Closed && next.level().unwrap().is_referred() {
                    prop_assert!(word_this_round);
                }
                issue = next;
            }
        }
    }
}

#[test]
fn a_joint_issue_waits_for_both_parts() {
    let class = Event::Classified {
        level: Level::Joint,
        category: Category::LivingEnvironment,
        urgency: Urgency::Urgent,
    };
    let mut issue = Issue::replay([&class, &Event::Queued, &Event::Referred]).unwrap();
    issue = issue.apply(&Event::TownFinished { result: "村里的一段已修".into() }).unwrap();
    assert_eq!(issue.state, State::Referred);
    issue = issue.apply(&Event::PlatformFinished { reply: "其余已修".into() }).unwrap();
    assert_eq!(issue.state, State::Resolved);
}

#[test]
fn the_plan_is_whole_and_its_dates_are_the_papers() {
    let plan = campaign();
    plan.check().unwrap();
    assert_eq!(plan.ends_on(PhaseName::Visit), date(2022, 3, 31));
    assert_eq!(plan.ends_on(PhaseName::Classify), date(2022, 4, 15));
    assert_eq!(plan.ends_on(PhaseName::Resolve), date(2022, 5, 31));
    assert_eq!(plan.ends_on(PhaseName::Feedback), date(2022, 6, 30));
    assert_eq!(plan.resolve_by(Urgency::Urgent, date(2022, 4, 10)), date(2022, 4, 20));
    assert_eq!(plan.resolve_by(Urgency::LongTerm, date(2022, 4, 10)), date(2022, 5, 31));
    assert_eq!(plan.resolve_by(Urgency::LongTerm, date(2022, 6, 5)), date(2022, 6, 30));
}

#[test]
fn work_begins_on_a_workday_and_on_nothing_before_what_is_more_urgent() {
    let table = include_str!("../../config/calendar/cn-workdays.csv");
    let (plan, days) = (campaign(), Workdays::read(table).unwrap());
    // By hand: three, ten and twenty days after it, and in proportion where the phase's end cuts that short.
    let of = |day| Urgency::ALL.iter().map(move |urgency| (*urgency, day));
    let begins = |day| of(day).map(|(urgency, day)| plan.begin_by(urgency, day, &days).to_string());
    let texts = |day| begins(day).collect::<Vec<_>>();
    assert_eq!(texts(date(2022, 4, 1)), ["2022-04-06", "2022-04-11", "2022-04-21"]);
    assert_eq!(texts(date(2022, 5, 10)), ["2022-05-13", "2022-05-17", "2022-05-17"]);
    assert_eq!(texts(date(2022, 5, 25)), ["2022-05-26", "2022-05-27", "2022-05-27"]);
    let mut day = date(2022, 3, 1);
    while day <= date(2022, 6, 30) {
        let found: Vec<_> = of(day).map(|(of, day)| plan.begin_by(of, day, &days)).collect();
        assert!(found.is_sorted(), "{day}: {found:?}");
        for ((urgency, _), begins) in of(day).zip(&found) {
            let due_on = plan.resolve_by(urgency, day);
            assert!(day <= *begins && *begins <= due_on, "{day}: {begins}");
            let worked =
                days.is_workday(*begins) || days.on_or_after(day.tomorrow().unwrap()) > due_on;
            assert!(worked, "{day}: {begins}");
        }
        day = day.tomorrow().unwrap();
    }
}

#[test]
fn the_calendar_answers_as_its_table_for_every_day_of_its_years() {
    let table = include_str!("../../config/calendar/cn-workdays.csv");
    let days = workdays();
    let mut day = date(2021, 1, 1);
    while day <= date(2026, 12, 31) {
        let listed = table.lines().find(|line| line.starts_with(&day.to_string()));
        let weekday = day.weekday().to_monday_zero_offset() < 5;
        let expected = listed.map_or(weekday, |line| line.contains(",workday,"));
        assert_eq!(days.is_workday(day), expected, "{day}");
        day = day.tomorrow().unwrap();
    }
    assert!(!days.knows(date(2027, 1, 1)));
}

proptest! {
    #[test]
    fn a_rung_is_told_on_a_workday_and_never_past_its_date(offset in 0i64..2000, days in -30i64..30) {
        let workdays = workdays();
        let due_on: Date = zoufang::domain::campaign::plus(date(2021, 1, 1), offset);
        let step = EscalationStep {
            days,
            who: zoufang::domain::campaign::Recipient::Owner,
            tell: zoufang::domain::campaign::Reach::First,
        };
        let told_on = step.told_on(due_on, &workdays);
        prop_assert!(workdays.is_workday(told_on));
        let in_time = if days <= 0 { told_on <= due_on } else { told_on > due_on };
        prop_assert!(in_time);
    }
}
