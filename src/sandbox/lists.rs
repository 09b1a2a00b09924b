//! What a question about a list is answered with: which of what there is, in which order, and how much of it.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::behaviour::{Order, Pages, Paging, Window};
use super::ledger::Fields;
use crate::clock::Clock;

/// GeoReport v2: no more than this many requests in one answer, of the last 90 days where nothing is said.
const GEO_REPORT: Paging =
    Paging { size: 1000, largest: 1000, named: "", order: Order::OldestFirst, pages: Pages::None };
const NINETY_DAYS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The window that a query asks for, as the platform reads it.
pub fn window(query: &Fields, now: Timestamp, window: Option<Window>) -> (Timestamp, Timestamp) {
    let given = |name: &str| {
        let text = query.get(name)?;
        match window {
            Some(Window::Ignored) => None,
            Some(Window::Local) => {
                let local: DateTime = text.get(..19)?.parse().ok()?;
                Some(Clock::system().instant(local))
            }
            None => text.parse().ok(),
        }
    };
    let to = given("end_date").unwrap_or(now);
    let from = given("start_date").unwrap_or_else(|| match window {
        Some(Window::Ignored) => Timestamp::MIN,
        _ => to.checked_sub(NINETY_DAYS).unwrap_or(Timestamp::MIN),
    });
    (from, to)
}

/// The page that a query asks for, of things in the order in which they came.
pub fn page<T: Clone>(things: &[T], query: &Fields, paging: Option<Paging>) -> Vec<T> {
    let paging = paging.unwrap_or(GEO_REPORT);
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let size = number(paging.named).unwrap_or(paging.size).clamp(1, paging.largest);
    let last = things.len().saturating_sub(1) / size;
    let place = match paging.pages {
        Pages::None => 0,
        Pages::FromZero => number("page").unwrap_or(0),
        Pages::FromOne => number("page").unwrap_or(1).saturating_sub(1),
        Pages::LastAgain => number("page").unwrap_or(1).saturating_sub(1).min(last),
    };
    let chosen = |things: &mut dyn Iterator<Item = &T>| {
        things.skip(place.saturating_mul(size)).take(size).cloned().collect()
    };
    match paging.order {
        Order::OldestFirst => chosen(&mut things.iter()),
        Order::NewestFirst => chosen(&mut things.iter().rev()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(pages: Pages, order: Order, query: &[(&str, &str)]) -> Vec<usize> {
        let query = query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let paging = Paging { size: 2, largest: 3, named: "page_size", order, pages };
        page(&[1, 2, 3, 4, 5], &query, Some(paging))
    }

    #[test]
    fn each_kind_of_pages_gives_what_it_says() {
        use Order::{NewestFirst, OldestFirst};
        assert_eq!(of(Pages::None, NewestFirst, &[("page", "2")]), [5, 4]);
        assert_eq!(of(Pages::FromOne, OldestFirst, &[("page", "1")]), [1, 2]);
        assert_eq!(of(Pages::FromOne, OldestFirst, &[("page", "4")]), [0; 0]);
        assert_eq!(of(Pages::FromZero, OldestFirst, &[("page", "1")]), [3, 4]);
        assert_eq!(of(Pages::LastAgain, OldestFirst, &[("page", "9")]), [5]);
        assert_eq!(of(Pages::FromOne, NewestFirst, &[("page_size", "9")]), [5, 4, 3]);
    }

    #[test]
    fn a_window_read_as_local_time_lies_eight_hours_before_the_one_asked_for() {
        let asked = [("start_date", "2022-04-20T08:00:00Z"), ("end_date", "2022-04-20T09:00:00Z")];
        let query = asked.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let read = |how| {
            let (from, to) = window(&query, Timestamp::MAX, how);
            (from.to_string(), to.to_string())
        };
        assert_eq!(read(None), ("2022-04-20T08:00:00Z".into(), "2022-04-20T09:00:00Z".into()));
        let local = read(Some(Window::Local));
        assert_eq!(local, ("2022-04-20T00:00:00Z".into(), "2022-04-20T01:00:00Z".into()));
    }
}
