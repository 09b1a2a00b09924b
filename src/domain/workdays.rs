//! The workday calendar: weekends, public holidays, and the weekend days worked in exchange (调休).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime, Time, Weekday};

/// A day as people say it who know the year.
///
/// ```
/// use zoufang::domain::workdays::month_and_day;
/// assert_eq!(month_and_day(jiff::civil::date(2022, 3, 5)), "3月5日");
/// ```
pub fn month_and_day(on: Date) -> String {
    format!("{}月{}日", on.month(), on.day())
}

/// Which days are worked. A year that the table lacks falls back to weekends.
#[derive(Debug, Clone, Default)]
pub struct Workdays {
    exceptions: BTreeMap<Date, bool>,
    years: BTreeSet<i16>,
}

/// When people may be disturbed: on workdays, from one time until another.
#[derive(Debug, Clone)]
pub struct WorkingTime {
    pub workdays: Workdays,
    pub from: Time,
    pub until: Time,
}

impl WorkingTime {
    /// Whether `at` lies in it.
    pub fn contains(&self, at: DateTime) -> bool {
        self.workdays.is_workday(at.date()) && self.from <= at.time() && at.time() < self.until
    }
}

/// A line of the calendar file that can't be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("日历第 {line} 行看不懂：{text}（应为 日期,holiday|workday,名称）")]
pub struct CalendarError {
    pub line: usize,
    pub text: String,
}

impl Workdays {
    /// Reads `date,kind,name` lines, as in config/calendar/cn-workdays.csv.
    ///
    /// ```
    /// use zoufang::domain::workdays::Workdays;
    /// use jiff::civil::date;
    /// let days = Workdays::read("date,kind,name\n2022-04-02,workday,清明节\n2022-04-04,holiday,清明节\n").unwrap();
    /// assert!(days.is_workday(date(2022, 4, 2)));  // a Saturday, worked
    /// assert!(!days.is_workday(date(2022, 4, 4))); // a Monday, off
    /// ```
    pub fn read(table: &str) -> Result<Workdays, CalendarError> {
        let mut workdays = Workdays::default();
        for (index, text) in table.lines().enumerate().skip(1) {
            if text.trim().is_empty() {
                continue;
            }
            let wrong = || CalendarError { line: index + 1, text: text.to_owned() };
            let mut fields = text.split(',').map(str::trim);
            let date: Date = fields.next().and_then(|f| f.parse().ok()).ok_or_else(wrong)?;
            let worked = match fields.next() {
                Some("workday") => true,
                Some("holiday") => false,
                _ => return Err(wrong()),
            };
            workdays.exceptions.insert(date, worked);
            workdays.years.insert(date.year());
        }
        Ok(workdays)
    }

    /// Whether `date` is worked.
    pub fn is_workday(&self, date: Date) -> bool {
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.exceptions.get(&date).copied().unwrap_or(!weekend)
    }

    /// Whether the table knows the holidays of `date`'s year.
    pub fn knows(&self, date: Date) -> bool {
        self.years.contains(&date.year())
    }

    /// The last workday that is not after `date`.
    pub fn on_or_before(&self, date: Date) -> Date {
        self.nearest(date, Date::yesterday)
    }

    /// The first workday that is not before `date`.
    pub fn on_or_after(&self, date: Date) -> Date {
        self.nearest(date, Date::tomorrow)
    }

    /// The workday that is `days` workdays after `date`.
    pub fn plus(&self, date: Date, days: i64) -> Date {
        (0..days).fold(date, |day, _| self.on_or_after(day.tomorrow().unwrap_or(day)))
    }

    /// Steps from `date` until a day is worked; at the calendar's end, `date` itself.
    fn nearest(&self, date: Date, step: fn(Date) -> Result<Date, jiff::Error>) -> Date {
        let mut day = date;
        while !self.is_workday(day) {
            match step(day) {
                Ok(next) => day = next,
                Err(_) => return date,
            }
        }
        day
    }
}
