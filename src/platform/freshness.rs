//! Whether an answer is as new as it looks: a cache on the way gives what it kept, and what that says was so then.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::interface::{Answers, NoContact, Remark};
use crate::clock::{Stopwatch, real_millis};
use crate::delivery::http::Answer;
use crate::delivery::kept::FOR_HOW_LONG;

/// Clocks on the wall are read by the second, and an answer takes its time to come.
const READ_BY: SignedDuration = SignedDuration::from_secs(5);
/// For so long what a server's clock said is held against it: it may be set back.
const HOLDS: Duration = Duration::from_secs(1800);
/// So many readings of its clock are kept.
const READINGS: usize = 16;

/// What is said of how things stand where the answer was kept by a cache for nobody knows how long.
const OLD: &str = "kept_by_a_cache: 平台的答复没有自己的时间";

/// A server's clock, as its answers have shown it.
#[derive(Debug)]
pub(super) struct ServerClock {
    /// No further behind ours than this.
    skew: SignedDuration,
    /// How far it was ahead of ours in its last answers.
    ahead: Mutex<VecDeque<(SignedDuration, Stopwatch)>>,
}

impl ServerClock {
    pub fn new(skew: Duration) -> ServerClock {
        let skew = SignedDuration::try_from(skew).unwrap_or(SignedDuration::MAX);
        ServerClock { skew, ahead: Mutex::default() }
    }

    /// An answer with its age: where caches don't say it, its `Date` does, against what the same server said lately.
    pub fn dated(&self, answer: Answer) -> Answer {
        let Some(date) = answer.date else { return answer };
        let now = Timestamp::from_millisecond(real_millis()).unwrap_or(date);
        let ahead = date.duration_since(now);
        let mut known = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(_, since)| since.elapsed() < HOLDS);
        let newest = known.iter().map(|(ahead, _)| *ahead).max();
        let behind = newest.unwrap_or(SignedDuration::MIN).max(-self.skew).saturating_sub(ahead);
        if known.len() >= READINGS {
            known.pop_front();
        }
        known.push_back((ahead, Stopwatch::start()));
        let by_date = Duration::try_from(behind).ok().filter(|_| behind > READ_BY);
        Answer { age: answer.age.max(by_date.unwrap_or_default()), ..answer }
    }
}

/// How things stand, as an answer of that age tells: what it gives no time of its own for was so when it was made. Where nobody knows
/// when that was, it says nothing.
///
/// # Errors
/// Where nobody does.
pub(super) fn as_of(
    mut answers: Answers,
    age: Duration,
    now: Timestamp,
) -> Result<Answers, NoContact> {
    let undated = answers.updates.iter_mut().filter(|update| update.at.is_none());
    if age == FOR_HOW_LONG {
        return match undated.count() {
            0 => Ok(answers),
            _ => Err(NoContact::because(OLD.to_owned())),
        };
    }
    if age > Duration::ZERO {
        let made = now.checked_sub(age).ok();
        undated.for_each(|update| update.at = made);
    }
    Ok(answers)
}

/// What is remarked of an answer that a cache on the way had kept.
pub(super) fn cache_remark(answer: &Answer) -> Option<Remark> {
    let text = "平台的答复是中间的缓存留下的，不是平台现在的：没列出来的不能断定没收到，进展也会晚到。请让缓存放过这个接口";
    (!answer.age.is_zero()).then(|| Remark::doubtful("platform.endpoint", text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reqwest::StatusCode;

    use super::*;
    use crate::domain::referral::{PlatformStatus, PlatformUpdate, Told};

    fn answer(behind: i64) -> Answer {
        let date = Timestamp::from_millisecond(real_millis() - behind * 1000).ok();
        let (body, age) = (String::new(), Duration::ZERO);
        Answer { status: StatusCode::OK, body, retry_after: None, date, age }
    }

    #[test]
    fn an_answer_is_as_old_as_the_same_servers_clock_says() {
        let clock = ServerClock::new(Duration::from_secs(600));
        let age = |behind| clock.dated(answer(behind)).age.as_secs();
        // Nothing is known of it but how far it may be behind.
        assert_eq!(age(590), 0);
        assert!((290..=310).contains(&age(900)));
        // It's two minutes behind, as it turns out: an answer of its own is fresh, and what it said before is old.
        assert_eq!(age(120), 0);
        assert_eq!(age(122), 0);
        assert!((470..=490).contains(&age(600)));
    }

    #[test]
    fn what_has_no_time_of_its_own_was_so_when_the_answer_was_made() {
        let now: Timestamp = "2022-04-20T09:00:00Z".parse().unwrap();
        let told = |at| {
            let update = PlatformUpdate {
                remote_id: "7".to_owned(),
                word: "open".to_owned(),
                status: Some(PlatformStatus::InProgress),
                text: String::new(),
                at,
                successors: Vec::new(),
                update_id: None,
                told: Told::Now,
            };
            Answers { updates: vec![update], ..Answers::default() }
        };
        let at = |answers: Answers| answers.updates[0].at;
        let minute = Duration::from_secs(60);
        assert_eq!(at(as_of(told(None), Duration::ZERO, now).unwrap()), None);
        assert_eq!(at(as_of(told(None), minute, now).unwrap()), now.checked_sub(minute).ok());
        assert_eq!(at(as_of(told(Some(now)), minute, now).unwrap()), Some(now));
        assert_eq!(at(as_of(told(Some(now)), FOR_HOW_LONG, now).unwrap()), Some(now));
        assert!(as_of(told(None), FOR_HOW_LONG, now).is_err());
    }
}
