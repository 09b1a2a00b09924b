//! Dates and times in the ways in which people and programs write them; only where no doubt is left: year first.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, date};
use unicode_normalization::UnicodeNormalization;

/// How many days later a workbook of older Macs begins to count.
pub(super) const DAYS_TO_1904: i64 = 1_462;

/// Reads a date, also one with a time of day.
///
/// ```
/// use zoufang::intake::read_date;
/// use jiff::civil::date;
/// for text in ["2022-03-05", "2022/3/5", "2022.3.5", "2022年3月5日", "20220305", "44625", "2022/3/5 9:30", "2022 年 3 月 5 号 周六"] {
///     assert_eq!(read_date(text), Some(date(2022, 3, 5)), "{text}");
/// }
/// assert_eq!(read_date("3/5/2022"), None); // 5 March or 3 May
/// ```
pub fn read_date(text: &str) -> Option<Date> {
    read_time(text).map(|at| at.date())
}

/// Reads a date, with or without a time of day.
pub(super) fn read_time(text: &str) -> Option<DateTime> {
    let text: String = text.nfkc().map(plain).filter(|c| *c != '\u{feff}').collect();
    let text = text.trim();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if let Some(at) = is_number.then(|| of_digits(text)).flatten() {
        return Some(at);
    }
    let arabic;
    let text = if text.starts_with(|c: char| c.is_ascii_digit()) {
        text
    } else {
        arabic = in_arabic(text)?;
        arabic.as_str()
    };
    let mut rest = Rest(text);
    let on = rest.date()?;
    let before = rest.weekday();
    let at = if rest.0.is_empty() { on.at(0, 0, 0, 0) } else { rest.time_on(on)? };
    let behind = rest.weekday();
    let is_so = [before, behind].iter().flatten().all(|day| is_weekday_of(day, on));
    (rest.0.is_empty() && is_so).then_some(at)
}

fn is_weekday_of(day: &str, on: Date) -> bool {
    let at = "一二三四五六日".find(day.replace('天', "日").as_str());
    at.is_some_and(|at| usize::try_from(on.weekday().to_monday_one_offset()) == Ok(at / 3 + 1))
}

/// One hyphen for all, one full stop for all.
fn plain(c: char) -> char {
    match c {
        '‐' | '‑' | '‒' | '–' | '—' | '−' | '﹣' => '-',
        '。' => '.',
        '（' => '(',
        '）' => ')',
        c => c,
    }
}

/// 20220305, 20220305083000, or a workbook's day number.
fn of_digits(text: &str) -> Option<DateTime> {
    match (text.contains('.'), text.len()) {
        (false, 8) => Some(text.parse::<Date>().ok()?.at(0, 0, 0, 0)),
        (false, 12 | 14) => {
            let on: Date = text[..8].parse().ok()?;
            let part = |from: usize| text.get(from..from + 2).unwrap_or("00").parse().ok();
            Some(on.to_datetime(Time::new(part(8)?, part(10)?, part(12)?, 0).ok()?))
        }
        (_, 5) | (true, 7..) if text.split('.').next()?.len() == 5 => {
            serial_time(text.parse().ok()?)
        }
        _ => None,
    }
}

/// The instant of a workbook's day number (day 1 is 1900-01-01; the format's leap-year mistake lies before anything that
/// matters here).
pub(super) fn serial_time(serial: f64) -> Option<DateTime> {
    if !(1.0..200_000.0).contains(&serial) {
        return None;
    }
    let seconds = (serial * 86_400.0).round() as i64;
    date(1899, 12, 30).at(0, 0, 0, 0).checked_add(seconds.seconds()).ok()
}

/// 二〇二二年三月五日 in digits.
fn in_arabic(text: &str) -> Option<String> {
    let (year, rest) = text.split_once('年')?;
    let (month, rest) = rest.split_once('月')?;
    let (day, rest) = rest.split_once(['日', '号'])?;
    let year: Option<String> =
        year.trim().chars().map(|c| digit(c).map(|n| n.to_string())).collect();
    Some(format!("{}年{}月{}日{rest}", year?, number(month.trim())?, number(day.trim())?))
}

fn digit(c: char) -> Option<u32> {
    let at = "零一二三四五六七八九".chars().position(|known| known == c);
    match (c, at) {
        ('〇' | '○' | '０', _) => Some(0),
        (_, at) => at.and_then(|at| u32::try_from(at).ok()),
    }
}

/// 三, 十, 十二, 二十, 二十一, 三十一.
fn number(text: &str) -> Option<u32> {
    let Some((tens, ones)) = text.split_once('十') else {
        let mut digits = text.chars();
        return digits.next().and_then(digit).filter(|_| digits.next().is_none());
    };
    let one = |text: &str, none: u32| match text {
        "" => Some(none),
        text => number(text).filter(|n| *n < 10),
    };
    Some(one(tens, 1)? * 10 + one(ones, 0)?)
}

/// What is left to be read.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start();
    }

    /// At most so many digits as a number.
    fn number(&mut self, longest: usize) -> Option<i16> {
        self.skip_blanks();
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 || length > longest {
            return None;
        }
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        digits.parse().ok()
    }

    /// One of these, where it stands next.
    fn one_of(&mut self, words: &[&'static str]) -> Option<&'static str> {
        self.skip_blanks();
        let word = words.iter().find(|word| self.0.starts_with(**word))?;
        self.0 = &self.0[word.len()..];
        self.skip_blanks();
        Some(word)
    }

    fn date(&mut self) -> Option<Date> {
        if self.0.bytes().take_while(u8::is_ascii_digit).count() != 4 {
            return None;
        }
        let year = self.number(4)?;
        let between = self.one_of(&["-", "/", ".", "年"])?;
        let month = self.number(2)?;
        match between {
            "年" => self.one_of(&["月"])?,
            between => self.one_of(&[between])?,
        };
        let day = self.number(2)?;
        if between == "年" {
            self.one_of(&["日", "号"]);
        } else {
            self.one_of(&["日", "号", "."]);
        }
        Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
    }

    /// 星期六, 周六, (六): says nothing that the date doesn't, unless one of them is wrong.
    fn weekday(&mut self) -> Option<&'static str> {
        let before = self.0;
        let bracket = self.one_of(&["("]).is_some();
        let named = self.one_of(&["星期", "礼拜", "周"]).is_some();
        let day = self.one_of(&["一", "二", "三", "四", "五", "六", "日", "天"]);
        let closed = !bracket || self.one_of(&[")"]).is_some();
        let is_one = closed && (named || bracket);
        if day.is_none() || !is_one {
            self.0 = before;
        }
        self.skip_blanks();
        day.filter(|_| is_one)
    }

    fn time_on(&mut self, on: Date) -> Option<DateTime> {
        self.one_of(&["T"]);
        let half = self.half_of_day();
        let mut hour = self.number(2)?;
        self.one_of(&[":", "时", "点"])?;
        let minute = self.number(2).unwrap_or(0);
        self.one_of(&["分"]);
        let mut second = 0;
        if self.one_of(&[":"]).is_some() || self.0.starts_with(|c: char| c.is_ascii_digit()) {
            second = self.number(2)?;
            self.one_of(&["秒"]);
            if self.one_of(&["."]).is_some() {
                self.number(9).or_else(|| self.0.is_empty().then_some(0))?;
            }
        }
        match half.or_else(|| self.half_of_day()) {
            Some(true) if hour < 12 => hour += 12,
            Some(false) if hour == 12 => hour = 0,
            _ => {}
        }
        let time =
            Time::new(hour.try_into().ok()?, minute.try_into().ok()?, second.try_into().ok()?, 0);
        let at = on.to_datetime(time.ok()?);
        self.shifted(at)
    }

    /// Whether it's the day's second half, where that is said.
    fn half_of_day(&mut self) -> Option<bool> {
        let word = self.one_of(&[
            "凌晨", "早上", "上午", "中午", "下午", "晚上", "傍晚", "AM", "PM", "am", "pm",
        ])?;
        Some(matches!(word, "中午" | "下午" | "晚上" | "傍晚" | "PM" | "pm"))
    }

    /// Another zone's time as the township's.
    fn shifted(&mut self, at: DateTime) -> Option<DateTime> {
        if self.one_of(&["Z"]).is_some() {
            return at.checked_add(8.hours()).ok();
        }
        self.one_of(&["+08:00", "+0800"]);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_that_leaves_no_doubt_is_read() {
        for text in [
            "2022-03-05",
            "2022-3-5",
            "2022/03/05",
            "2022.3.5",
            "2022.03.05.",
            "2022。3。5",
            "20220305",
            "44625",
            "44625.39583333334",
            "２０２２－０３－０５",
            "２０２２年３月５日",
            "2022年3月5日星期六",
            "2022年3月5日（星期六）",
            "2022-03-05 周六",
            "2022-3-5(六)",
            "2022 年 3 月 5 日",
            "2022年3月5号",
            "2022年03月05",
            "二〇二二年三月五日",
            "二零二二年三月五号",
            "2022/3/5 9:30",
            "2022/3/5 9:30:05",
            "2022-03-05T09:30:00",
            "2022-03-05 00:00:00.0",
            "2022-03-05 00:00:00.000",
            "2022/3/5 上午 9:30",
            "2022/3/5 9:30 AM",
            "2022-03-05T09:30:00+08:00",
            "2022-03-04T20:00:00Z",
            "2022年3月5日 8时30分",
            "2022年3月5日8点",
            "20220305083000",
            "2022—03—05",
        ] {
            assert_eq!(read_date(text), Some(date(2022, 3, 5)), "{text}");
        }
        let afternoon = date(2022, 4, 21).at(20, 30, 5, 0);
        for text in [
            "2022/4/21 下午 8:30:05",
            "2022/4/21 8:30:05 PM",
            "2022年4月21日晚上8时30分05秒",
            "2022-04-21 20:30:05.7",
        ] {
            assert_eq!(read_time(text), Some(afternoon), "{text}");
        }
        assert_eq!(read_date("二〇二二年十二月二十一日"), Some(date(2022, 12, 21)));
        assert_eq!(read_time("2022/4/21 中午12:05"), Some(date(2022, 4, 21).at(12, 5, 0, 0)));
        assert_eq!(read_time("2022/4/21 上午12:05"), Some(date(2022, 4, 21).at(0, 5, 0, 0)));
    }

    #[test]
    fn a_doubt_is_not_guessed_away() {
        for text in [
            "",
            "2022",
            "3月5日",
            "3/5/2022",
            "05-03-2022",
            "22.3.5",
            "2022-13-01",
            "2022-02-29",
            "2022-03-05~2022-03-06",
            "2022-03-05、06",
            "2022-03-05 左右",
            "2022-03/05",
            "三月五日",
            "2022年3月",
            "2022-03-05 25:00",
            "2022-03-05 星期日",
            "2022-03-05 周一 9:30",
            "202235",
            "１",
            "2022-03-05 9",
            "9999999",
        ] {
            assert_eq!(read_date(text), None, "{text}");
        }
    }
}
