//! Platforms as they are: however one lists, what is there is never called absent.

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;
use crate::domain::referral::described;

mod gaps;

/// How a platform turns pages.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Turns {
    /// It doesn't know the parameter, and gives the first.
    Ignored,
    /// Counted from 1, or from 0.
    FromOne,
    FromZero,
    /// After the last comes the last again, for ever.
    LastForEver,
    /// It refuses a parameter that it doesn't know.
    Refused,
}

const TURNS: [Turns; 5] =
    [Turns::Ignored, Turns::FromOne, Turns::FromZero, Turns::LastForEver, Turns::Refused];

#[derive(Debug, Clone)]
struct Kept {
    number: String,
    text: Option<String>,
    reference: String,
    at: Timestamp,
}

#[derive(Debug, Clone)]
struct Platform {
    kept: Vec<Kept>,
    newest_first: bool,
    cut: usize,
    pages: Turns,
    /// It reads the window as its local time, so many hours off.
    zone: i64,
    /// It finds by reference; else it doesn't know that parameter.
    by_reference: bool,
    /// What is asked for by reference is never found, be it there or not.
    finds_nothing: bool,
    counts: bool,
    /// Its texts are no longer than this, in characters.
    longest: usize,
}

impl Platform {
    fn answer(&self, query: &Query, ways: Ways) -> Reply {
        let shift = SignedDuration::from_hours(self.zone);
        let (from, to) = (query.from - shift, query.to - shift);
        let within = |kept: &&Kept| !ways.window || (from <= kept.at && kept.at <= to);
        let asked = |kept: &&Kept| {
            let is_asked = !self.finds_nothing && kept.reference == query.subject.reference;
            !(ways.by_subject && self.by_reference) || is_asked
        };
        let mut found: Vec<&Kept> = self.kept.iter().filter(within).filter(asked).collect();
        found.sort_by_key(|kept| (kept.at, kept.number.clone()));
        if self.newest_first {
            found.reverse();
        }
        let last = found.len().div_ceil(self.cut).max(1);
        let place = match (self.pages, query.page) {
            (Turns::Refused, Some(_)) | (_, Some(0)) if self.pages != Turns::FromZero => {
                return Reply::Refused { why: "400".to_owned(), by_itself: true };
            }
            (Turns::Ignored, _) | (_, None) => 0,
            (Turns::FromZero, Some(page)) => page,
            (Turns::LastForEver, Some(page)) => page.min(last) - 1,
            (_, Some(page)) => page.saturating_sub(1),
        };
        let shown = found.iter().skip(place * self.cut).take(self.cut);
        let listed = |kept: &&Kept| Listed {
            key: kept.number.clone(),
            number: Some(kept.number.clone()),
            words: kept.text.as_ref().map(|text| text.chars().take(self.longest).collect()),
        };
        let total = self.counts.then_some(found.len());
        Reply::Page { things: shown.map(listed).collect(), total, age: Duration::ZERO }
    }

    /// What a look for `sought` comes to, and how many questions it took.
    fn look(&self, sought: &Sought, ways: Ways) -> (SearchResult, usize) {
        let (mut search, mut questions) = (Search::new(sought, ways), 0);
        while let Some(query) = search.query() {
            questions += 1;
            search.take(self.answer(&query, ways));
        }
        (search.result(), questions)
    }
}

const LISTS: Ways =
    Ways { by_subject: false, pages: Pages::Optional, window: true, shortest_cut: 10 };
const TEXT: &str = "东头的路灯不亮已经三个月了，一直没有人来修";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_650_000_000 + seconds).unwrap()
}

fn of_others(number: usize, seconds: i64) -> Kept {
    let text = Some(format!("别的单位上报的 {number} 号，见[CHD2022-000001-R1]"));
    Kept { number: format!("B{number}"), text, reference: String::new(), at: at(seconds) }
}

fn ours(number: usize, seconds: i64) -> Kept {
    let reference = format!("CHD2022-{number:06}-R1");
    let text = Some(described(TEXT, "（高桥村）", &reference));
    Kept { number: format!("P{number}"), text, reference, at: at(seconds) }
}

fn control(number: usize, seconds: i64) -> Control {
    let Kept { number, reference, at, .. } = ours(number, seconds);
    Control {
        subject: Subject { reference, ..Subject::default() },
        category: None,
        is_open: true,
        number: Some(number),
        since: at,
        at,
    }
}

/// The first of ours, sent at 0.
fn sought(controls: Vec<Control>) -> Sought {
    Sought {
        subject: Subject { reference: "CHD2022-000001-R1".to_owned(), ..Subject::default() },
        category: None,
        words: TEXT.to_owned(),
        from: at(-90_000),
        to: at(90_000),
        sent: at(0),
        controls,
        // No list of these is behind; the others have tests of their own.
        lag: Lag {
            now: at(90_000),
            shown: None,
            longest: SignedDuration::ZERO,
            gaps: KnownGaps::default(),
        },
    }
}

fn platform(kept: Vec<Kept>) -> Platform {
    Platform {
        kept,
        newest_first: true,
        cut: 1000,
        pages: Turns::Ignored,
        zone: 0,
        by_reference: false,
        finds_nothing: false,
        counts: false,
        longest: 1000,
    }
}

fn found(result: &SearchResult) -> bool {
    matches!(result, SearchResult::Found(receipt) if receipt.remote_id.as_deref() == Some("P1"))
}

#[test]
fn a_control_beside_it_proves_absence_and_nothing_else_does() {
    let empty = platform(Vec::new());
    assert!(matches!(empty.look(&sought(Vec::new()), LISTS).0, SearchResult::Unproven(_)));
    let controls = vec![control(2, 60)];
    // The control isn't listed either.
    assert!(matches!(empty.look(&sought(controls.clone()), LISTS).0, SearchResult::Unproven(_)));
    let shows = platform(vec![ours(2, 60), of_others(1, 5)]);
    assert_eq!(shows.look(&sought(controls.clone()), LISTS).0, SearchResult::Absent);
    // It's shown under its number, without our mark: so would be what is sought.
    let unmarked = Kept { text: None, ..ours(2, 60) };
    let (result, _) = platform(vec![unmarked]).look(&sought(controls), LISTS);
    assert!(matches!(result, SearchResult::Unproven(_)), "{result:?}");
}

#[test]
fn a_control_from_another_time_is_asked_for_at_its_own() {
    let month = 30 * 24 * 3600;
    let shows = platform(vec![ours(2, -month)]);
    assert_eq!(shows.look(&sought(vec![control(2, -month)]), LISTS).0, SearchResult::Absent);
}

#[test]
fn without_a_control_the_platforms_own_count_proves() {
    let counts = Platform { counts: true, ..platform(vec![of_others(1, 5)]) };
    assert_eq!(counts.look(&sought(Vec::new()), LISTS).0, SearchResult::Absent);
    let more = (0..60).map(|n| of_others(n, 5)).chain([ours(1, 5)]).collect();
    let cut = Platform { counts: true, cut: 50, ..platform(more) };
    let (result, _) = cut.look(&sought(Vec::new()), LISTS);
    assert!(!matches!(result, SearchResult::Absent), "{result:?}");
}

#[test]
fn a_list_that_is_cut_is_turned_over_or_narrowed() {
    let kept: Vec<Kept> =
        (0..300).map(|n| of_others(n, n as i64 * 7)).chain([ours(1, 4), ours(2, 900)]).collect();
    for pages in TURNS {
        for (newest_first, cut) in [(true, 20), (false, 20), (true, 50), (true, 100)] {
            let cut = Platform { newest_first, cut, pages, ..platform(kept.clone()) };
            for named in [Pages::Optional, Pages::Always] {
                if (pages, named) == (Turns::Refused, Pages::Always) {
                    continue;
                }
                let ways = Ways { pages: named, ..LISTS };
                let (result, questions) = cut.look(&sought(vec![control(2, 900)]), ways);
                assert!(found(&result), "{pages:?} {named:?} {result:?}");
                assert!(questions <= 40, "{questions} questions");
            }
        }
    }
    // All within one second: by time nobody can tell them apart.
    let burst: Vec<Kept> = (0..60).map(|n| of_others(n, 5)).chain([ours(1, 5)]).collect();
    let burst = Platform { cut: 50, newest_first: false, ..platform(burst) };
    let (result, _) = burst.look(&sought(vec![control(2, 900)]), LISTS);
    assert!(matches!(result, SearchResult::Unproven(_)), "{result:?}");
}

#[test]
fn a_window_read_in_another_zone_still_holds_it() {
    for zone in [-8, 8, 14] {
        let shifted = Platform { zone, ..platform(vec![ours(1, 4), ours(2, 60)]) };
        assert!(found(&shifted.look(&sought(vec![control(2, 60)]), LISTS).0));
    }
}

#[test]
fn what_is_cut_short_is_known_by_its_opening_clause_and_its_mark() {
    for longest in [45, 60, 200] {
        let short = Platform { longest, ..platform(vec![ours(1, 4), ours(2, 60)]) };
        assert!(found(&short.look(&sought(vec![control(2, 60)]), LISTS).0), "{longest}");
    }
    // Sent by an earlier version, which wrote its mark only at the end.
    let text = Some(format!("{TEXT}（高桥村）[CHD2022-000001-R1]"));
    let old = Kept { text, ..ours(1, 4) };
    let whole = platform(vec![old.clone(), ours(2, 60)]);
    assert!(found(&whole.look(&sought(vec![control(2, 60)]), LISTS).0));
    let cut = Platform { longest: 30, ..platform(vec![old, ours(2, 60)]) };
    let (result, _) = cut.look(&sought(vec![control(2, 60)]), LISTS);
    assert!(matches!(result, SearchResult::Unproven(_)), "{result:?}");
}

#[test]
fn what_is_listed_without_words_might_be_it_unless_a_later_one_is_shown() {
    let wordless = Kept { text: None, ..of_others(1, 5) };
    let with = |seconds| platform(vec![wordless.clone(), ours(2, seconds)]);
    let (result, _) = with(-60).look(&sought(vec![control(2, -60)]), LISTS);
    assert!(matches!(result, SearchResult::Unproven(_)), "{result:?}");
    assert_eq!(with(60).look(&sought(vec![control(2, 60)]), LISTS).0, SearchResult::Absent);
}

#[test]
fn a_search_by_reference_is_tried_on_the_control() {
    let ways = Ways { by_subject: true, pages: Pages::None, window: false, shortest_cut: 10 };
    let controls = vec![control(2, 60)];
    let finds = |kept| Platform { by_reference: true, ..platform(kept) };
    assert!(found(&finds(vec![ours(1, 4)]).look(&sought(controls.clone()), ways).0));
    assert_eq!(
        finds(vec![ours(2, 60)]).look(&sought(controls.clone()), ways).0,
        SearchResult::Absent
    );
    let (result, _) = finds(Vec::new()).look(&sought(controls.clone()), ways);
    assert!(matches!(result, SearchResult::Unproven(_)), "{result:?}");
    // It doesn't know the parameter and lists the newest twenty of all.
    let many = (0..30).map(|n| of_others(n, 30)).chain([ours(1, 4), ours(2, 60)]).collect();
    let ignores = Platform { cut: 20, ..platform(many) };
    let (result, _) = ignores.look(&sought(controls), ways);
    assert!(matches!(result, SearchResult::Unproven(_)), "{result:?}");
}

#[test]
fn a_count_of_what_a_filter_never_finds_proves_nothing() {
    let ways = Ways { by_subject: true, ..LISTS };
    let kept = vec![ours(1, 5), ours(2, 60)];
    let misses =
        Platform { counts: true, by_reference: true, finds_nothing: true, ..platform(kept) };
    let (result, _) = misses.look(&sought(vec![control(2, 60)]), ways);
    assert!(matches!(result, SearchResult::Unproven(_)), "{result:?}");
}

#[test]
fn one_that_refuses_to_answer_is_mute() {
    let sought = sought(vec![control(2, 60)]);
    let mut search = Search::new(&sought, LISTS);
    search.take(Reply::Refused { why: "404".to_owned(), by_itself: true });
    assert_eq!(search.result(), SearchResult::Mute { why: "404".to_owned(), by_itself: true });
}

#[test]
fn whatever_a_platform_does_to_texts_what_is_there_is_never_absent() {
    let said = "老王13912341234来电反映，东头的“路灯”坏了：三个月没人修，\n😀请快些";
    let sent = |number: usize| described(said, "（高桥村）", &format!("CHD2022-{number:06}-R1"));
    let cut = |text: &str, length| text.chars().take(length).collect::<String>();
    let alterations: [(&str, &dyn Fn(String) -> String); 11] = [
        ("words before it", &|text| format!("来源走访：{text}")),
        ("words around it", &|text| format!("<p>转办件：{text}</p> 请速办")),
        ("entities", &|text| {
            text.replace('“', "&ldquo;").replace('”', "&#8221;").replace('[', "&#x5B;")
        }),
        ("entities of entities, as wide as letters", &|text| {
            text.replace('“', "&amp;ldquo;").replace('[', "&amp;#xFF3B;").replace('：', "&amp;#58;")
        }),
        ("masked", &|text| text.replace("13912341234", "139****1234")),
        ("as wide as letters", &|text| text.nfkc().collect()),
        ("paragraphs", &|text| text.split('\n').map(|line| format!("<p>{line}</p>")).collect()),
        ("wrapped", &|text| {
            let chars: Vec<char> = text.chars().collect();
            chars.chunks(11).map(String::from_iter).collect::<Vec<_>>().join("\r\n")
        }),
        ("cut within the mark", &|text| cut(&text, 20) + "…"),
        ("cut where it can't store a character", &|text| {
            text.split_once('😀')
                .map_or(text.clone(), |(before, _)| before.replace("[CHD2022-000001-R1]", ""))
        }),
        ("as it is", &|text| text),
    ];
    for (what, alter) in alterations {
        let kept = |number: usize, seconds| Kept {
            text: Some(alter(sent(number))),
            ..ours(number, seconds)
        };
        let whole = Kept { text: Some(sent(2)), ..ours(2, 60) };
        for control_too in [false, true] {
            let control_kept = if control_too { kept(2, 60) } else { whole.clone() };
            let platform = platform(vec![kept(1, 4), control_kept]);
            let sought = Sought { words: said.to_owned(), ..sought(vec![control(2, 60)]) };
            let (result, _) = platform.look(&sought, LISTS);
            assert_ne!(result, SearchResult::Absent, "{what}");
        }
    }
}

#[test]
fn one_control_that_is_left_out_outweighs_one_that_is_shown() {
    // Moderated: what is new is listed late.
    let late = platform(vec![ours(2, -100_000)]);
    let controls = vec![control(3, 60), control(2, -100_000)];
    let (result, _) = late.look(&sought(controls), LISTS);
    assert!(matches!(&result, SearchResult::Unproven(why) if why.contains("P3")), "{result:?}");
    // Sent long before and found only now, it lies where nobody looked.
    let shows = platform(vec![ours(2, 60)]);
    let found_late = Control { since: at(-200_000), ..control(3, 30) };
    let controls = vec![control(2, 60), found_late];
    assert_eq!(shows.look(&sought(controls), LISTS).0, SearchResult::Absent);
    // The newest few, whatever is asked for.
    let ways = Ways { by_subject: true, pages: Pages::None, window: false, shortest_cut: 5 };
    let kept = (1..9).map(|n| ours(n, n as i64 * 60)).collect();
    let newest = Platform { cut: 4, ..platform(kept) };
    let controls = (2..9).map(|n| control(n, n as i64 * 60)).collect();
    let (result, _) = newest.look(&sought(controls), ways);
    assert!(matches!(result, SearchResult::Unproven(_)), "{result:?}");
}

#[test]
fn a_count_of_one_page_is_no_count() {
    let more = (0..60).map(|n| of_others(n, 30)).chain([ours(1, 5)]).collect();
    let cut = Platform { cut: 20, ..platform(more) };
    let (sought, ways) = (sought(Vec::new()), Ways { pages: Pages::None, ..LISTS });
    let mut search = Search::new(&sought, ways);
    while let Some(query) = search.query() {
        let Reply::Page { things, age, .. } = cut.answer(&query, ways) else { break };
        let total = Some(things.len());
        search.take(Reply::Page { things, total, age });
    }
    assert_ne!(search.result(), SearchResult::Absent);
}

fn platforms() -> impl Strategy<Value = Platform> {
    let pages = proptest::sample::select(&TURNS[..]);
    let spread = prop_oneof![Just(1i64), Just(30), Just(3_000), Just(80_000)];
    let others = (0usize..150, spread, any::<u32>());
    let kind = (any::<bool>(), 10usize..120, pages, -12i64..14, any::<bool>(), any::<bool>());
    (others, kind, 45usize..300, any::<bool>()).prop_map(
        |((count, spread, seed), kind, longest, finds_nothing)| {
            let (newest_first, cut, pages, zone, by_reference, counts) = kind;
            // Spread in a way that only the seed knows.
            let place = |n: usize| (n as i64 * 7_919 + i64::from(seed)) % spread - spread / 3;
            let kept = (0..count).map(|n| of_others(n, place(n))).collect();
            Platform {
                kept,
                newest_first,
                cut,
                pages,
                zone,
                by_reference,
                finds_nothing,
                counts,
                longest,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// However a platform lists, what it has is never called absent, and no look asks without end.
    #[test]
    fn what_is_there_is_never_absent(
        mut platform in platforms(),
        stored in 0i64..600,
        known in proptest::collection::vec(-80_000i64..80_000, 0..4),
        by_subject in any::<bool>(),
        window in any::<bool>(),
        pages in proptest::sample::select(vec![Pages::None, Pages::Optional, Pages::Always]),
    ) {
        let controls: Vec<Control> =
            known.iter().enumerate().map(|(n, seconds)| control(n + 2, *seconds)).collect();
        platform.kept.extend(known.iter().enumerate().map(|(n, seconds)| ours(n + 2, *seconds)));
        platform.kept.push(ours(1, stored));
        // That a filter finds nothing can't be told where nothing is known that it must find.
        platform.finds_nothing &= !known.is_empty();
        let ways = Ways { by_subject, pages, window, shortest_cut: 10 };
        let (result, questions) = platform.look(&sought(controls), ways);
        prop_assert!(result != SearchResult::Absent, "{questions} questions");
        prop_assert!(questions <= MOST_QUESTIONS);
    }
}

/// What a look comes to so many seconds after the attempt, where the list is behind by so many, as earlier looks showed or not.
fn looked_at(now: i64, behind: i64, known: &[i64], shown: Option<i64>) -> SearchResult {
    let listed = known.iter().enumerate().filter(|(_, sent)| now - **sent >= behind);
    let kept = listed.map(|(place, sent)| ours(place + 2, *sent)).collect();
    let controls = known.iter().enumerate().rev().map(|(place, sent)| control(place + 2, *sent));
    let lag = Lag {
        now: at(now),
        shown: shown.map(SignedDuration::from_secs),
        longest: SignedDuration::from_hours(24),
        gaps: KnownGaps::default(),
    };
    let sought = Sought { lag, ..sought(controls.collect()) };
    platform(kept).look(&sought, LISTS).0
}

#[test]
fn a_list_that_may_be_behind_proves_nothing_yet() {
    let too_early = |result, seconds: Option<i64>| {
        let SearchResult::TooEarly { lag, .. } = result else { panic!("{result:?}") };
        assert_eq!(lag, seconds.map(SignedDuration::from_secs));
    };
    // Only what is an hour older is shown: the list may be an hour behind, and not more.
    too_early(looked_at(300, 3_600, &[-3_700], None), Some(4_000));
    too_early(looked_at(3_500, 3_600, &[-3_700], Some(4_000)), Some(4_000));
    assert_eq!(looked_at(4_000, 3_600, &[-3_700], Some(4_000)), SearchResult::Absent);
    // What came after it is shown.
    assert_eq!(looked_at(300, 0, &[-3_700, 10], None), SearchResult::Absent);
    // What came after it isn't, though it's known to be there.
    let left_out = looked_at(3_000, 3_600, &[-3_700, 10], None);
    assert!(matches!(left_out, SearchResult::Unproven(_)), "{left_out:?}");
    // Whatever is old: none is behind for longer than a day.
    too_early(looked_at(80_000, 0, &[-900_000], None), Some(86_400));
    assert_eq!(looked_at(86_400, 0, &[-900_000], None), SearchResult::Absent);
    // A clock that was ahead dates what is old after it.
    too_early(looked_at(300, -50_000_000, &[40_000_000], None), None);
}

#[test]
fn a_round_count_is_no_count() {
    // It shows no more than the first hundred of anything, page by page, and says that there are a hundred.
    let more: Vec<Kept> = (0..100).map(|n| of_others(n, 30)).chain([ours(1, 5)]).collect();
    let all = Platform { cut: 20, newest_first: true, counts: true, ..platform(more.clone()) };
    assert!(found(&all.look(&sought(Vec::new()), LISTS).0));
    let first = Platform { kept: more[..100].to_vec(), pages: Turns::FromOne, ..all };
    assert_ne!(first.look(&sought(Vec::new()), LISTS).0, SearchResult::Absent);
    let fewer = Platform { kept: more[..99].to_vec(), ..first };
    assert_eq!(fewer.look(&sought(Vec::new()), LISTS).0, SearchResult::Absent);
}
