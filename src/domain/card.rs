//! The card that a visitor leaves at each household (联系服务群众卡), by whose code a resident looks how their matters stand: what
//! they are told, in plain words, and how guessing whose household it is is slowed.

use std::time::Duration;

use super::issue::State;

/// So many digits of the telephone number are asked for.
pub const DIGITS: usize = 4;

/// For how long nobody may try at a household after so many wrong ends of a number in a row: ten thousand of them would
/// take years.
pub fn locked_for(wrong: i64) -> Option<Duration> {
    const HOUR: Duration = Duration::from_secs(3_600);
    match wrong {
        ..5 => None,
        5..10 => Some(HOUR),
        _ => Some(Duration::from_secs(24 * 3_600)),
    }
}

/// Whether these are as many digits as are asked for.
pub fn is_end(digits: &str) -> bool {
    digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether one of the numbers in a resident's contact ends so.
///
/// ```
/// use zoufang::domain::card::ends_so;
/// assert!(ends_so("0632-5510001、138 0000 0011", "0011") && ends_so("0632-5510001、13800000011", "0001"));
/// assert!(!ends_so("13800000011", "011") && !ends_so("邻居代转", ""));
/// ```
pub fn ends_so(contact: &str, digits: &str) -> bool {
    is_end(digits)
        && contact.split(['、', ',', '，', ';', '；', '/']).any(|number| {
            let number: String = number.chars().filter(char::is_ascii_digit).collect();
            number.len() > DIGITS && number.ends_with(digits)
        })
}

/// How a matter stands, for the one whose it is.
pub const fn in_plain_words(state: State) -> &'static str {
    match state {
        State::Registered => "已经登记，正在确定由谁来办",
        State::Classified => "已经确定由谁来办，就要开始办",
        State::Queued => "要由上级部门来办，正在上报",
        State::Referred => "已经报给上级部门，等他们受理",
        State::Accepted => "上级部门已经受理",
        State::InProgress => "正在办理",
        State::Resolved => "已经办好，走访人员会上门听您的意见",
        State::Closed => "已经办结",
        State::Returned => "被退了回来，正在重新安排由谁来办",
        State::Reopened => "正在重新办理",
        State::Void => "不再单独办理（与别的事合在一起，或者您不要办了），有疑问请问走访人员",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_takes_years() {
        let (mut wrong, mut time) = (0, Duration::ZERO);
        while wrong < 5_000 {
            wrong += 1;
            time += locked_for(wrong).unwrap_or_default();
        }
        assert!(time > Duration::from_secs(10 * 365 * 24 * 3_600));
        assert_eq!(locked_for(4), None);
    }
}
