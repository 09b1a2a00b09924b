//! Lists that leave things out, are out of order, show a matter twice, or come from a cache.

use super::*;

#[test]
fn what_a_cache_had_kept_since_before_it_was_sent_proves_nothing() {
    let shows = platform(vec![ours(2, -60)]);
    for (age, absent) in [(0, true), (89_999, true), (90_000, false), (u64::MAX, false)] {
        let sought = sought(vec![control(2, -60)]);
        let mut search = Search::new(&sought, LISTS);
        while let Some(query) = search.query() {
            let Reply::Page { things, total, .. } = shows.answer(&query, LISTS) else { break };
            search.take(Reply::Page { things, total, age: Duration::from_secs(age) });
        }
        let result = search.result();
        assert_eq!(result == SearchResult::Absent, absent, "{age} {result:?}");
    }
}

/// A look 1,000 seconds after the attempt, where these are known to be there and those of them with `true` are listed.
fn with_gaps(known: &[(i64, bool)], gaps: KnownGaps) -> SearchResult {
    let listed = known.iter().enumerate().filter(|(_, (_, listed))| *listed);
    let kept = listed.map(|(place, (sent, _))| ours(place + 2, *sent)).collect();
    let controls =
        known.iter().enumerate().rev().map(|(place, (sent, _))| control(place + 2, *sent));
    let longest = SignedDuration::from_hours(2);
    let sought = Sought {
        lag: Lag { now: at(1_000), shown: None, longest, gaps },
        ..sought(controls.collect())
    };
    platform(kept).look(&sought, LISTS).0
}

#[test]
fn a_list_out_of_order_is_seen_and_waited_for() {
    // The one that was sent 60 seconds after it isn't listed, though one after that is.
    let result =
        with_gaps(&[(-60, true), (60, false), (70, false), (200, true)], KnownGaps::default());
    let SearchResult::LeavesOut { gap, why } = result else { panic!("{result:?}") };
    assert_eq!((&*gap.reference, gap.behind.as_secs()), ("CHD2022-000003-R1", 940));
    assert!(why.contains('P'), "{why}");
    // What is only the newest isn't out of order, it's late; and where only the newest are listed, they are cut.
    let result = with_gaps(&[(60, false), (200, true)], KnownGaps::default());
    assert!(matches!(result, SearchResult::Unproven(_)), "{result:?}");
    let result = with_gaps(&[(60, true), (200, false)], KnownGaps::default());
    assert!(matches!(result, SearchResult::Unproven(_)), "{result:?}");
    // Once that is known, what comes later proves nothing for twice as long.
    let known = |seconds| {
        let gaps = KnownGaps { behind: SignedDuration::from_secs(seconds), omits: false };
        with_gaps(&[(200, true)], gaps)
    };
    assert_eq!(known(0), SearchResult::Absent);
    assert_eq!(known(500), SearchResult::Absent);
    assert!(matches!(known(501), SearchResult::TooEarly { .. }));
}

#[test]
fn a_category_that_is_never_listed_proves_no_absence() {
    use crate::domain::issue::Category::{Other, PublicSecurity};
    let month = 30 * 24 * 3600;
    let of = |number, seconds, category| Control {
        category: Some(category),
        ..control(number, seconds)
    };
    let look = |listed: &[(usize, i64)], controls: Vec<Control>, omits| {
        let kept = listed.iter().map(|(number, seconds)| ours(*number, *seconds)).collect();
        let gaps = KnownGaps { omits, ..KnownGaps::default() };
        let lag = Lag { gaps, ..sought(Vec::new()).lag };
        platform(kept).look(&Sought { category: Some(Other), lag, ..sought(controls) }, LISTS).0
    };
    let both = || vec![of(2, 60, PublicSecurity), of(3, -month, Other)];
    let unproven = |result: SearchResult| matches!(result, SearchResult::Unproven(_));
    assert!(unproven(look(&[(2, 60)], both(), false)));
    assert_eq!(look(&[(2, 60), (3, -month)], both(), false), SearchResult::Absent);
    // Where none of its own is known, or only what is closed, any shows that the list is one; but where it's known to be omitted.
    let closed = Control { is_open: false, ..of(3, -month, Other) };
    for controls in [vec![of(2, 60, PublicSecurity)], vec![of(2, 60, PublicSecurity), closed]] {
        assert_eq!(look(&[(2, 60)], controls.clone(), false), SearchResult::Absent);
        assert!(unproven(look(&[(2, 60)], controls, true)));
    }
}

#[test]
fn what_is_there_twice_on_two_pages_is_seen_twice() {
    let twin = Kept { number: "P9".to_owned(), ..ours(1, 40) };
    let kept = (0..30).map(|n| of_others(n, 20)).chain([ours(1, 4), twin]).collect();
    let pages = Platform { cut: 20, pages: Turns::FromOne, ..platform(kept) };
    let result = pages.look(&sought(vec![control(2, 60)]), LISTS).0;
    let SearchResult::Several(receipt, numbers) = result else { panic!("{result:?}") };
    assert_eq!((receipt.remote_id.as_deref(), numbers.len()), (Some("P9"), 2));
}
