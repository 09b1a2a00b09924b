//! What answers make of referrals and their issues.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::issue::{Category, Class, Level, State, Urgency};

fn referred() -> Issue {
    let class = Class { level: Level::City, category: Category::Other, urgency: Urgency::Normal };
    Issue { state: State::Referred, class: Some(class), ..Issue::default() }
}

fn answer(at: i64, number: &str, status: PlatformStatus, text: &str) -> Answer {
    Answer {
        id: format!("{number}@{at}"),
        number: number.to_owned(),
        word: status.code().to_owned(),
        status: Some(status),
        text: text.to_owned(),
        at,
        successors: Vec::new(),
        update_id: None,
        heard_at: 0,
    }
}

fn replaced(at: i64, number: &str, by: &[&str]) -> Answer {
    let successors = by.iter().map(|number| (*number).to_owned()).collect();
    Answer { successors, ..answer(at, number, PlatformStatus::Replaced, "") }
}

/// A referral of round 1 for each number.
fn following(numbers: &[&str]) -> Following {
    let followed = |number: &&str| Followed {
        refused: false,
        id: format!("r{number}"),
        issue_id: format!("i{number}"),
        round: 1,
        numbers: vec![Number::new(number, None)],
    };
    let issues = numbers.iter().map(|number| (format!("i{number}"), referred())).collect();
    Following::new(numbers.iter().map(followed).collect(), issues, false)
}

fn after(mut following: Following, answers: &[Answer]) -> Consequences {
    for answer in answers {
        following.take(answer.clone()).unwrap();
    }
    following.end()
}

fn events(follows: &Consequences) -> Vec<&Event> {
    follows.events.iter().map(|(_, event)| event).collect()
}

use PlatformStatus::{Accepted, InProgress, Received, Refused, Resolved};

#[test]
fn answers_bring_the_issue_on_in_the_platforms_order() {
    let answers = [
        answer(1, "7", Accepted, ""),
        answer(2, "7", InProgress, ""),
        answer(3, "7", Resolved, "好"),
    ];
    let follows = after(following(&["7"]), &answers);
    let finished = Event::PlatformFinished { reply: "好".to_owned() };
    assert_eq!(events(&follows), [&Event::Accepted, &Event::Started, &finished]);
    let Said { state, at, .. } = &follows.referrals[0].1;
    assert_eq!((*state, *at, follows.taken.len()), (Standing::Ended, 3, 3));
    assert_eq!(follows.numbers[0].1.state, NumberState::Ended);
}

#[test]
fn an_older_answer_is_taken_and_moves_nothing() {
    let follows =
        after(following(&["7"]), &[answer(5, "7", InProgress, ""), answer(4, "7", Resolved, "")]);
    assert_eq!(events(&follows), [&Event::Started]);
    assert_eq!((follows.referrals[0].1.at, follows.taken.len()), (5, 2));
}

#[test]
fn a_word_that_says_nothing_is_noted_all_the_same() {
    let unknown = Answer { status: None, ..answer(1, "7", Received, "") };
    let follows = after(following(&["7"]), &[unknown]);
    assert_eq!((follows.events.len(), follows.referrals[0].1.state), (0, Standing::Open));
}

#[test]
fn what_came_before_its_number_was_known_is_taken_with_it() {
    let early = answer(1, "9", InProgress, "");
    let follows = after(following(&["7"]), &[early.clone(), replaced(2, "7", &["9"])]);
    assert_eq!(events(&follows), [&Event::Started]);
    assert_eq!(follows.taken, ["7@2", "9@1"]);
    assert_eq!(follows.referrals[0].1.number.as_deref(), Some("9"));
    // Nobody goes by it yet: it waits.
    let follows = after(following(&["7"]), &[early]);
    assert_eq!(follows, Consequences::default());
}

#[test]
fn a_number_that_was_replaced_leads_nowhere_any_more() {
    let answers = [replaced(1, "7", &["9"]), answer(2, "7", Resolved, "旧号关闭")];
    let follows = after(following(&["7"]), &answers);
    assert_eq!(
        (follows.events.len(), follows.taken),
        (0, vec!["7@1".to_owned(), "7@2".to_owned()])
    );
    // Back to its old number by a mistake of the platform's: nothing goes round in circles.
    let answers =
        [replaced(1, "7", &["9"]), replaced(2, "9", &["7"]), answer(3, "9", Resolved, "")];
    assert!(after(following(&["7"]), &answers).events.is_empty());
}

#[test]
fn a_split_request_ends_with_its_last_part() {
    let answers = [replaced(1, "7", &["8", "9"]), answer(2, "9", Resolved, "路面")];
    let follows = after(following(&["7"]), &answers);
    assert_eq!((follows.events.len(), follows.referrals[0].1.state), (0, Standing::Open));
    let last = [answers.as_slice(), &[answer(3, "8", Resolved, "路灯")]].concat();
    let follows = after(following(&["7"]), &last);
    let finished = Event::PlatformFinished { reply: "路灯".to_owned() };
    assert_eq!(
        (events(&follows), follows.referrals[0].1.state),
        (vec![&finished], Standing::Ended)
    );
}

#[test]
fn requests_joined_into_one_end_together() {
    let answers = [replaced(1, "8", &["7"]), answer(2, "7", Resolved, "好")];
    let follows = after(following(&["7", "8"]), &answers);
    let issues: Vec<&str> = follows.events.iter().map(|(issue, _)| issue.as_str()).collect();
    assert_eq!(issues, ["i7", "i8"]);
}

#[test]
fn a_close_without_a_word_waits_for_one_where_that_is_asked() {
    let asked = || Following { close_needs_answer: true, ..following(&["7"]) };
    let silent = answer(1, "7", Resolved, " ");
    let follows = after(asked(), std::slice::from_ref(&silent));
    assert_eq!((follows.events.len(), follows.referrals[0].1.state), (0, Standing::Open));
    assert_eq!(follows.numbers[0].1.state, NumberState::Current, "it's asked about on");
    let follows = after(asked(), &[silent, answer(2, "7", Resolved, "已换")]);
    assert_eq!(follows.events.len(), 1);
}

#[test]
fn a_refusal_that_is_taken_back_goes_on_in_its_round_unless_something_else_was_begun() {
    let refused = answer(1, "7", Refused, "重复");
    let at_it = answer(2, "7", InProgress, "退错了");
    let no = Event::Refused { reason: "重复".to_owned() };
    let again = Event::PlatformReopened { reason: "退错了".to_owned() };
    let follows =
        after(following(&["7"]), &[refused.clone(), at_it.clone(), answer(3, "7", Resolved, "好")]);
    assert_eq!(events(&follows)[..2], [&no, &again]);
    assert_eq!((follows.events.len(), follows.referrals[0].1.state), (3, Standing::Ended));
    // What was refused is closed by many a platform, and what isn't later takes nothing back.
    for other in [answer(2, "7", Resolved, "已关闭"), Answer { at: 1, ..at_it.clone() }] {
        let follows = after(following(&["7"]), &[refused.clone(), other]);
        assert_eq!(events(&follows), [&no]);
        assert_eq!(follows.referrals[0].1.state, Standing::Refused);
    }
    // It was classified anew meanwhile.
    let mut begun = following(&["7"]);
    begun.referrals.get_mut("r7").unwrap().refused = true;
    let issue = begun.issues.get_mut("i7").unwrap();
    (issue.round, issue.state) = (2, crate::domain::issue::State::Queued);
    let follows = after(begun, &[at_it]);
    assert_eq!(follows.taken_back, [("r7".to_owned(), "7".to_owned())]);
    assert_eq!((follows.events.len(), follows.referrals[0].1.state), (0, Standing::Open));
}

#[test]
fn what_the_platform_takes_up_again_is_followed_again_and_keeps_both_answers() {
    let answers = [
        answer(1, "7", Resolved, "已修好"),
        answer(2, "7", Received, "又坏了"),
        answer(3, "7", InProgress, ""),
        answer(4, "7", Resolved, "再次修好"),
    ];
    let follows = after(following(&["7"]), &answers);
    let finished = |reply: &str| Event::PlatformFinished { reply: reply.to_owned() };
    let again = Event::PlatformReopened { reason: "又坏了".to_owned() };
    assert_eq!(events(&follows), [&finished("已修好"), &again, &finished("再次修好")]);
    assert_eq!(follows.referrals[0].1.state, Standing::Ended);
    // Until it ends again, it's open: somebody asks about it.
    let follows = after(following(&["7"]), &answers[..2]);
    assert_eq!(follows.referrals[0].1.state, Standing::Open);
    assert_eq!(follows.numbers[0].1.state, NumberState::Current);
}

#[test]
fn an_end_is_taken_back_by_what_is_later_alone() {
    let end = answer(5, "7", Resolved, "已修好");
    for other in [answer(5, "7", InProgress, ""), answer(4, "7", InProgress, "")] {
        for pair in [[end.clone(), other.clone()], [other.clone(), end.clone()]] {
            let follows = after(following(&["7"]), &pair);
            assert_eq!(follows.referrals[0].1.state, Standing::Ended, "{pair:?}");
        }
    }
    // A word that nobody knows takes no end back.
    let unknown = Answer { status: None, ..answer(6, "7", InProgress, "") };
    let follows = after(following(&["7"]), &[end, unknown]);
    assert_eq!((follows.events.len(), follows.referrals[0].1.state), (1, Standing::Ended));
}

#[test]
fn the_platforms_own_numbering_goes_before_its_times() {
    let numbered = |id: &str, at, status| Answer {
        update_id: Some(id.to_owned()),
        ..answer(at, "7", status, "")
    };
    // Twenty digits, and a clock that went back between the two.
    let mut answers = [
        numbered("20220420153012340010", 9, InProgress),
        numbered("20220420153012340009", 9, Accepted),
        numbered("20220420153012340011", 3, Resolved),
    ];
    super::by_update_ids(&mut answers);
    let follows = after(following(&["7"]), &answers);
    assert_eq!(events(&follows).len(), 3);
    assert_eq!(follows.referrals[0].1.state, Standing::Ended);
    // Names that don't count leave it to the times.
    let mut named = [numbered("b-7", 2, Resolved), numbered("a-9", 1, InProgress)];
    super::by_update_ids(&mut named);
    assert_eq!(named[0].at, 2);
}

#[test]
fn what_names_itself_or_nothing_in_its_place_goes_on_by_its_number() {
    for named in [&["7"][..], &["0"], &["null"], &["7", "0"]] {
        let first = Answer { status: Some(InProgress), ..replaced(1, "7", named) };
        let last = Answer { status: Some(Resolved), ..replaced(2, "7", named) };
        let follows = after(following(&["7"]), &[first, last]);
        assert_eq!(follows.referrals[0].1.state, Standing::Ended, "{named:?}");
        assert_eq!((follows.numbers.len(), follows.events.len()), (1, 2));
    }
    let follows = after(following(&["7"]), &[replaced(1, "7", &["7", "9"])]);
    assert_eq!(follows.referrals[0].1.number.as_deref(), Some("9"));
    // As an earlier version of this program may have left it: replaced, and by nothing.
    let mut lost = following(&["7"]);
    lost.referrals.get_mut("r7").unwrap().numbers[0].state = NumberState::Replaced;
    assert_eq!(after(lost, &[answer(2, "7", Resolved, "好")]).events.len(), 1);
}

#[test]
fn what_is_taken_apart_again_leaves_what_it_was_joined_to() {
    let joined =
        [answer(1, "7", InProgress, ""), replaced(2, "7", &["9"]), replaced(3, "9", &["10", "11"])];
    let apart = answer(5, "7", InProgress, "已拆出");
    let theirs = [answer(6, "10", Resolved, ""), answer(6, "11", Resolved, "")];
    let all = |more: &[Answer]| after(following(&["7"]), &[&joined[..], more].concat());
    let follows = all(&[std::slice::from_ref(&apart), &theirs].concat());
    assert_eq!((follows.events.len(), follows.referrals[0].1.state), (1, Standing::Open));
    assert_eq!(follows.referrals[0].1.number.as_deref(), Some("7"));
    let left = follows.numbers.iter().filter(|(_, number)| number.state == NumberState::Left);
    assert_eq!(left.count(), 3);
    // What it was joined to had ended before that was known: it's taken up again.
    let ended = theirs.clone().map(|theirs| Answer { at: 4, ..theirs });
    let follows = all(&[&ended, std::slice::from_ref(&apart)].concat());
    assert_eq!((follows.events.len(), follows.referrals[0].1.state), (3, Standing::Open));
    // Older, closed, or a word that says nothing: nothing is taken apart. Joined once more, it's theirs again.
    for other in [
        Answer { at: 1, ..apart.clone() },
        answer(5, "7", Resolved, "并案"),
        Answer { status: None, ..apart.clone() },
    ] {
        let follows = all(&[&[other], &theirs[..]].concat());
        assert_eq!(follows.referrals[0].1.state, Standing::Ended);
    }
    let again = [apart, replaced(7, "7", &["10"]), answer(8, "10", Resolved, "好")];
    assert_eq!(all(&again).referrals[0].1.state, Standing::Ended);
}

#[test]
fn of_what_is_dated_alike_the_later_reading_counts() {
    let end = answer(MIDNIGHT, "7", Resolved, "已修好");
    let open = |heard_at| Answer { heard_at, ..answer(MIDNIGHT, "7", InProgress, "没修好") };
    for (heard_at, state) in [(0, Standing::Ended), (1, Standing::Open)] {
        let follows = after(following(&["7"]), &[end.clone(), open(heard_at)]);
        assert_eq!(follows.referrals[0].1.state, state);
    }
    // Whatever is dated, what the platform's own numbers tell goes first.
    let counted = |answer: Answer, id: &str| Answer { update_id: Some(id.to_owned()), ..answer };
    let answers = [counted(end, "12"), counted(open(1), "11")];
    assert_eq!(after(following(&["7"]), &answers).referrals[0].1.state, Standing::Ended);
}

#[test]
fn calls_of_one_second_that_overtake_each_other_reopen_nothing() {
    let end = answer(5, "7", Resolved, "已修好");
    let open = |heard_at| Answer { heard_at, ..answer(5, "7", InProgress, "") };
    for (heard_at, state) in [(1_000, Standing::Ended), (OVERTAKE, Standing::Open)] {
        let follows = after(following(&["7"]), &[end.clone(), open(heard_at)]);
        assert_eq!(follows.referrals[0].1.state, state);
    }
    // In their order they are taken as they come.
    let follows = after(following(&["7"]), &[open(0), Answer { heard_at: 1_000, ..end }]);
    assert_eq!(follows.referrals[0].1.state, Standing::Ended);
}
