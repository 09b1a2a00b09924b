//! What the examinations of both adapters hold against the configuration alike.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::interface::Remark;
use crate::domain::referral::{PlatformStatus, meaning};

/// How far back one looks for things to hold the configuration against.
pub(super) const FAR_BACK: SignedDuration = SignedDuration::from_hours(90 * 24);
/// A list of just so many is likely cut.
pub(super) const ROUND: [usize; 9] = [10, 20, 25, 30, 50, 100, 200, 500, 1000];

/// What is remarked of the platform's words for how a matter stands: those that polling wouldn't understand.
pub(super) fn unknown_words(
    key: &str,
    statuses: &BTreeMap<String, PlatformStatus>,
    words: impl Iterator<Item = String>,
) -> Option<Remark> {
    let unknown: BTreeSet<String> =
        words.filter(|word| meaning(statuses, word).is_none()).collect();
    let listed: Vec<String> = unknown.into_iter().collect();
    let text = format!("平台用了这里没有写的状态：{}", listed.join("、"));
    (!listed.is_empty()).then(|| Remark::wrong(key, text))
}
