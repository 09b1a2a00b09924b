//! Instants as platforms write them: with a zone, without one, with a wrong one, or by a format of their own.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Unit, fmt::rfc2822};
use serde::Deserialize;

use crate::clock::township_zone;

/// How the platform writes instants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum TimeFormat {
    /// 2022-04-20T09:00:00+08:00, and the usual variants of it.
    #[default]
    Usual,
    /// Since 1970-01-01T00:00:00Z.
    Seconds,
    Millis,
    /// yyyyMMddHHmmss and the like.
    Pattern(String),
}

impl TryFrom<String> for TimeFormat {
    type Error = String;

    fn try_from(text: String) -> Result<TimeFormat, String> {
        Ok(match text.as_str() {
            "rfc3339" | "local" => TimeFormat::Usual,
            "seconds" => TimeFormat::Seconds,
            "millis" => TimeFormat::Millis,
            pattern if ['y', 'M', 'd'].iter().all(|letter| pattern.contains(*letter)) => {
                TimeFormat::Pattern(text)
            }
            _ => {
                return Err(format!(
                    "「{text}」不是时间格式：应写 rfc3339、local、seconds、millis，或 yyyyMMddHHmmss 这样的格式"
                ));
            }
        })
    }
}

/// What else is understood where nothing is configured.
const USUAL: [&str; 7] = [
    "yyyyMMddHHmmss",
    "yyyy/M/d H:m:s",
    "yyyy/M/d H:m",
    "yyyy-M-d H:m:s",
    "yyyy-M-d H:m",
    "yyyy年M月d日 H:m:s",
    "yyyy年M月d日 H:m",
];

/// Reads a platform's instants.
#[derive(Debug, Clone, Default)]
pub struct Times {
    /// The zone of its clock on the wall, whatever zone it writes; without one, what it writes holds.
    zone: Option<TimeZone>,
}

impl Times {
    /// By the name of a zone; by what is written where there is none.
    ///
    /// # Errors
    /// Where there is no such zone.
    pub fn new(zone: &str) -> Result<Times, String> {
        if zone.is_empty() {
            return Ok(Times::default());
        }
        let found = TimeZone::get(zone).map_err(|_| {
            format!("没有「{zone}」这个时区：国内平台写 Asia/Shanghai，世界时写 UTC")
        })?;
        Ok(Times { zone: Some(found) })
    }

    /// Reads an instant; nothing where it isn't one.
    ///
    /// ```
    /// use zoufang::platform::times::{TimeFormat, Times};
    /// let local = Times::new("Asia/Shanghai").unwrap();
    /// let nine = "2022-04-20T01:00:00Z".parse().unwrap();
    /// // Local time that is labelled Z.
    /// assert_eq!(local.read("2022-04-20T09:00:00Z", &TimeFormat::Usual), Some(nine));
    /// let compact = TimeFormat::try_from("yyyyMMddHHmmss".to_owned()).unwrap();
    /// assert_eq!(Times::default().read("20220420090000", &compact), Some(nine));
    /// ```
    pub fn read(&self, text: &str, format: &TimeFormat) -> Option<Timestamp> {
        let text = text.trim();
        match format {
            TimeFormat::Seconds => Timestamp::from_second(whole(text)?).ok(),
            TimeFormat::Millis => Timestamp::from_millisecond(whole(text)?).ok(),
            TimeFormat::Pattern(pattern) => self.resolve(by_pattern(text, pattern)?),
            TimeFormat::Usual => {
                let written = usual(text)
                    .or_else(|| USUAL.iter().find_map(|pattern| by_pattern(text, pattern)));
                written.and_then(|written| self.resolve(written)).or_else(|| epoch(text))
            }
        }
    }

    /// An instant as the platform's clock has it, to the second.
    pub(super) fn written(&self, at: Timestamp) -> String {
        let at = at.round(Unit::Second).unwrap_or(at);
        match &self.zone {
            Some(zone) => {
                let minutes = zone.to_offset(at).seconds() / 60;
                let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
                let civil = zone.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S");
                format!("{civil}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            None => at.to_string(),
        }
    }

    fn resolve(&self, (civil, offset): Written) -> Option<Timestamp> {
        let zone = match (&self.zone, offset) {
            (Some(zone), _) => zone.clone(),
            (None, Some(offset)) => offset.to_time_zone(),
            (None, None) => township_zone(),
        };
        zone.to_timestamp(civil).ok()
    }
}

/// A clock's reading, and the zone that is written behind it.
type Written = (DateTime, Option<Offset>);

/// A count since 1970; some write it with a fraction.
fn whole(text: &str) -> Option<i64> {
    text.split('.').next()?.parse().ok()
}

/// A count since 1970 by its length: seconds until the year 2286, milliseconds from 2001 on.
fn epoch(text: &str) -> Option<Timestamp> {
    let count = whole(text)?;
    match text.split('.').next().map(str::len) {
        Some(10) => Timestamp::from_second(count).ok(),
        Some(13) => Timestamp::from_millisecond(count).ok(),
        _ => None,
    }
}

/// ISO 8601 and RFC 2822.
fn usual(text: &str) -> Option<Written> {
    let upper = text.to_ascii_uppercase();
    if let Ok(pieces) = Pieces::parse(&upper) {
        let civil = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
        // A date alone is a day and no instant; at its beginning it's older than whatever happened on it.
        return Some((civil, pieces.to_numeric_offset()));
    }
    let zoned = rfc2822::parse(text).ok()?;
    Some((zoned.datetime(), Some(zoned.offset())))
}

/// By a pattern of letters as Java has them: y M d H m s S, X or Z for the zone, quotes around words.
fn by_pattern(text: &str, pattern: &str) -> Option<Written> {
    let (mut rest, mut pattern) = (text, pattern);
    let mut parts = Parts::default();
    let (mut offset, mut before) = (None, false);
    while let Some(letter) = pattern.chars().next() {
        let run = pattern.chars().take_while(|next| *next == letter).count();
        pattern = &pattern[run * letter.len_utf8()..];
        let beside = before || pattern.starts_with(FIELDS);
        before = FIELDS.contains(&letter);
        match letter {
            'y' | 'M' | 'd' | 'H' | 'm' | 's' | 'S' => {
                let most = if run > 1 { run } else { longest(letter) };
                let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
                // Where nothing stands between two, each is as long as its letters.
                if beside && digits != most {
                    return None;
                }
                let (number, after) = rest.split_at(digits);
                parts.put(letter, number)?;
                rest = after;
            }
            'X' | 'Z' => (offset, rest) = zone(rest)?,
            '\'' => {}
            literal => {
                for _ in 0..run {
                    rest = rest.strip_prefix(literal)?;
                }
            }
        }
    }
    rest.trim().is_empty().then_some(())?;
    Some((parts.civil()?, offset))
}

const FIELDS: [char; 7] = ['y', 'M', 'd', 'H', 'm', 's', 'S'];

const fn longest(letter: char) -> usize {
    match letter {
        'y' => 4,
        'S' => 9,
        _ => 2,
    }
}

/// A zone as `Z`, `+08:00` or `+0800`, and what follows it.
fn zone(text: &str) -> Option<(Option<Offset>, &str)> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return Some((Some(Offset::UTC), rest));
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let length = text.bytes().skip(1).take_while(|b| b.is_ascii_digit() || *b == b':').count();
    let (written, rest) = text[1..].split_at(length);
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes: i32 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
    let seconds = sign * (hours.parse::<i32>().ok()? * 3600 + minutes * 60);
    Some((Some(Offset::from_seconds(seconds).ok()?), rest))
}

/// The parts of a date and time, as far as they were read.
#[derive(Default)]
struct Parts {
    year: i16,
    month: i8,
    day: i8,
    clock: [i8; 3],
    nanos: i32,
}

impl Parts {
    fn put(&mut self, letter: char, digits: &str) -> Option<()> {
        match letter {
            'y' => {
                let year: i16 = digits.parse().ok()?;
                self.year = if digits.len() <= 2 { 2000 + year } else { year };
            }
            'M' => self.month = digits.parse().ok()?,
            'd' => self.day = digits.parse().ok()?,
            'H' => self.clock[0] = digits.parse().ok()?,
            'm' => self.clock[1] = digits.parse().ok()?,
            's' => self.clock[2] = digits.parse().ok()?,
            _ => self.nanos = format!("{digits:0<9}").parse().ok()?,
        }
        Some(())
    }

    fn civil(&self) -> Option<DateTime> {
        let [hour, minute, second] = self.clock;
        let date = Date::new(self.year, self.month, self.day).ok()?;
        Some(date.to_datetime(Time::new(hour, minute, second, self.nanos).ok()?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn format(text: &str) -> TimeFormat {
        TimeFormat::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn the_usual_ways_to_write_nine_oclock_in_china_are_one_instant() {
        let nine: Timestamp = "2022-04-20T01:00:00Z".parse().unwrap();
        for text in [
            "2022-04-20T09:00:00+08:00",
            "2022-04-20T09:00:00+0800",
            "2022-04-20T01:00:00Z",
            "2022-04-20T09:00:00",
            "2022-04-20 09:00:00",
            "2022-04-20 09:00",
            "2022-4-20 9:00:00",
            "2022/4/20 9:00",
            "2022/04/20 09:00:00",
            "20220420090000",
            "2022年4月20日 9:00",
            "Wed, 20 Apr 2022 01:00:00 GMT",
            "1650416400",
            "1650416400000",
        ] {
            assert_eq!(Times::default().read(text, &TimeFormat::Usual), Some(nine), "{text}");
        }
    }

    #[test]
    fn a_wrong_zone_is_overruled_and_an_instant_is_not() {
        let local = Times::new("Asia/Shanghai").unwrap();
        let nine: Timestamp = "2022-04-20T01:00:00Z".parse().unwrap();
        for text in ["2022-04-20T09:00:00Z", "2022-04-20T09:00:00+00:00", "2022-04-20 09:00:00"] {
            assert_eq!(local.read(text, &TimeFormat::Usual), Some(nine), "{text}");
        }
        assert_eq!(local.read("1650416400", &format("seconds")), Some(nine));
        assert!(Times::new("北京").unwrap_err().contains("Asia/Shanghai"));
    }

    #[test]
    fn a_format_of_the_platforms_own_is_read_to_its_end() {
        let nine: Timestamp = "2022-04-20T01:00:00Z".parse().unwrap();
        for (text, pattern) in [
            ("20220420090000", "yyyyMMddHHmmss"),
            ("202204200900", "yyyyMMddHHmm"),
            ("20.04.2022 09:00", "dd.MM.yyyy HH:mm"),
            ("2022年04月20日09时00分", "yyyy年MM月dd日HH时mm分"),
            ("20220420T010000Z", "yyyyMMdd'T'HHmmssX"),
            ("2022-04-20 09:00:00.000 +0800", "yyyy-MM-dd HH:mm:ss.SSS Z"),
            ("22/4/20 9:00", "yy/M/d H:mm"),
        ] {
            assert_eq!(Times::default().read(text, &format(pattern)), Some(nine), "{text}");
        }
        let compact = format("yyyyMMddHHmmss");
        for wrong in ["", "2022042009000", "202204200900001", "20221320090000", "明天"] {
            assert_eq!(Times::default().read(wrong, &compact), None, "{wrong}");
        }
        assert!(TimeFormat::try_from("HH:mm".to_owned()).unwrap_err().contains("yyyyMMddHHmmss"));
    }
}
