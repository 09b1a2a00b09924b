//! The platform's order of its answers: by its own numbering of them, by its time, or by its list.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::answer::Answer;
use crate::domain::referral::{PlatformStatus, PlatformUpdate};

/// The order of two of the platform's own numbers of answers; nothing where they don't count, or are the same.
pub(super) fn update_order(one: Option<&str>, other: Option<&str>) -> Option<Ordering> {
    let (one, other) = (counting(one?)?, counting(other?)?);
    Some(one.cmp(&other)).filter(|order| order.is_ne())
}

/// A number of any length, so that it can be compared.
fn counting(id: &str) -> Option<(usize, &str)> {
    let digits = id.trim_start_matches('0');
    let counts = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    counts.then_some((digits.len(), digits))
}

/// What one answer of the platform told, oldest first. Where its times don't tell, its list does: one whose times fall is read
/// from its end. Of what nothing tells, what is furthest on comes last.
///
/// ```
/// use zoufang::domain::{following::in_order, referral::*};
/// let told = |status, at: Option<&str>| PlatformUpdate {
///     remote_id: "7".to_owned(), word: String::new(), status: Some(status), text: String::new(),
///     at: at.map(|at| at.parse().unwrap()), successors: vec![], update_id: None, told: Told::Then,
/// };
/// use PlatformStatus::{Accepted, InProgress, Resolved};
/// let newest_first = [told(Resolved, Some("2022-04-20T09:00:00Z")), told(InProgress, None), told(Accepted, Some("2022-04-19T09:00:00Z"))];
/// let order: Vec<_> = in_order(&newest_first).iter().map(|update| update.status.unwrap()).collect();
/// assert_eq!(order, [Accepted, InProgress, Resolved]);
/// ```
pub fn in_order(updates: &[PlatformUpdate]) -> Vec<&PlatformUpdate> {
    let mut order: Vec<&PlatformUpdate> = updates.iter().collect();
    let times: Vec<_> = updates.iter().filter_map(|update| update.at).collect();
    let rises = times.windows(2).any(|pair| pair[0] < pair[1]);
    let falls = times.windows(2).any(|pair| pair[0] > pair[1]);
    if falls && !rises {
        order.reverse();
    }
    if !falls && !rises {
        order.sort_by_key(|update| rank(update.status));
    }
    // One without a time keeps its place between those that have one.
    let mut last = None;
    let mut keyed: Vec<_> = order
        .into_iter()
        .map(|update| {
            last = update.at.or(last);
            (last, update)
        })
        .collect();
    keyed.sort_by_key(|(at, _)| *at);
    keyed.into_iter().map(|(_, update)| update).collect()
}

/// How far on it is, where one list tells several of one request at the same time.
fn rank(status: Option<PlatformStatus>) -> usize {
    let all = [
        PlatformStatus::Received,
        PlatformStatus::Accepted,
        PlatformStatus::InProgress,
        PlatformStatus::Replaced,
        PlatformStatus::Refused,
        PlatformStatus::Resolved,
    ];
    status.and_then(|status| all.iter().position(|known| *known == status)).unwrap_or(0)
}

/// Puts the answers about each number that the platform numbers itself into that order; the others keep their places.
pub fn by_update_ids(answers: &mut [Answer]) {
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, answer) in answers.iter().enumerate() {
        places.entry(answer.number.clone()).or_default().push(place);
    }
    for places in places.values() {
        let count = |place: &usize| answers[*place].update_id.as_deref().and_then(counting);
        if places.len() < 2 || !places.iter().all(|place| count(place).is_some()) {
            continue;
        }
        let mut sorted: Vec<Answer> = places.iter().map(|place| answers[*place].clone()).collect();
        sorted.sort_by(|one, other| {
            let key = |answer: &'_ Answer| {
                answer.update_id.as_deref().and_then(counting).map(|(l, d)| (l, d.to_owned()))
            };
            key(one).cmp(&key(other))
        });
        for (place, answer) in places.iter().zip(sorted) {
            answers[*place] = answer;
        }
    }
}
