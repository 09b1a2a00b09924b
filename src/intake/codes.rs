//! Numbers, names and addresses that a program took for something else, a date, a measure, a sum: mended where it's sure what
//! was meant, else named.

use super::kinds::Field;
use super::row::{Cell, Held};
use super::text::{Sort, is_scientific, lost_digits, short};
use crate::domain::saying::is_nothing;

/// What a program made of a number, a name or an address, which was something else when it was typed.
pub(super) fn taken_for_another(cell: &Cell, field: Field) -> Option<String> {
    if !is_of_words(field) && field.sort() != Sort::Code {
        return None;
    }
    let text = short(&cell.text);
    match cell.held {
        Held::Time => Some(format!(
            "表格把这一格当成了日期（{text}），原来填的是什么看不出来；请把这一列设成文本格式，重新填写"
        )),
        Held::Truth => Some(format!(
            "这一格是判断真假的结果（{text}），不是文字；请把这一列设成文本格式，重新填写"
        )),
        Held::Disguised(_) => Some(format!(
            "这一格存的数字是 {text}，但按它的数字格式显示成了别的样子；请把这一列设成文本格式，照该有的样子重新填写"
        )),
        Held::Number(number) if number.fract() != 0.0 && is_own_number(field) => Some(format!(
            "这一格是带小数的数字（{text}），不像编号；请把这一列设成文本格式，照该有的样子重新填写"
        )),
        Held::Text | Held::Number(_) => None,
    }
}

/// Whether a column holds names or addresses: words, at least in part.
const fn is_of_words(field: Field) -> bool {
    use Field::*;
    matches!(
        field,
        AreaName
            | StaffName
            | SubjectName
            | Resident
            | Visitor
            | Area
            | AreaParent
            | Acknowledger
            | Beginner
            | Absentee
            | Deputy
            | By
            | Address
    )
}

/// An area by its code, without what a program puts to a column of numbers.
fn as_area(text: String) -> String {
    let code = text.strip_suffix(".0").filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
    code.map_or(text.clone(), str::to_owned)
}

/// Whether a column holds numbers that the township itself gives.
const fn is_own_number(field: Field) -> bool {
    use Field::*;
    matches!(field, Subject | StaffNumber | Issue | Inspection | AreaCode)
}

/// The number of a telephone that was kept as a number: its digits, with the zeros that are shown before them.
pub(super) fn kept_phone(shown: &str, number: f64) -> String {
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    let kept = number.to_string();
    if digits.trim_start_matches('0') == kept { digits } else { kept }
}

/// 3月5日, 2022-03-05: what a spreadsheet makes of a number like 3-5.
fn is_like_a_date(text: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // 3-10 in another language's spreadsheet: 10-Mar, Mar-10.
    if let Some((one, other)) = text.split_once('-') {
        let is_number =
            |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let is_month = |text: &str| MONTHS.contains(&text);
        let month =
            other.split_once('-').filter(|(_, year)| is_number(year)).map_or(other, |at| at.0);
        if is_number(one) && is_month(month) || is_month(one) && is_number(other) {
            return true;
        }
    }
    let parts: Vec<&str> = text.split(['年', '月', '-', '/']).collect();
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match parts.as_slice() {
        [month, day] => {
            text.contains('月')
                && digits(month)
                && day.strip_suffix('日').as_ref().is_some_and(digits)
        }
        [year, month, day] => {
            let day = day.strip_suffix('日').unwrap_or(day);
            let is_short = month.len() <= 2 && day.len() <= 2;
            year.len() == 4
                && year.starts_with(['1', '2'])
                && is_short
                && [*year, *month, day].iter().all(digits)
        }
        _ => false,
    }
}

/// A number of something without what spreadsheets put to it.
pub(super) fn as_code(text: String, field: Field) -> Result<String, String> {
    if is_of_words(field) && is_like_a_date(&text) {
        return Err(format!(
            "「{text}」像是表格把原来填的（如 3-5）当成了日期；请核对原表，把这一列设成文本格式，重新填写"
        ));
    }
    if matches!(field, Field::Area | Field::AreaParent) {
        if is_scientific(&text) {
            return Err(lost_digits(&text));
        }
        return Ok(as_area(text));
    }
    if field.sort() != Sort::Code {
        return Ok(text);
    }
    // A platform numbers as it likes.
    let is_own = !matches!(field, Field::RemoteNumber | Field::Issue);
    if is_own && is_like_a_date(&text) {
        return Err(format!(
            "「{text}」像是表格把号码当成了日期；请把这一列设成文本格式，重新填写"
        ));
    }
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_telephone = matches!(field, Field::Contact | Field::StaffPhone);
    if is_telephone && text.contains('.') && text.parse::<f64>().is_ok() {
        return Err(format!("「{}」不像号码；请填上真正的号码", short(&text)));
    }
    let has_number = is_nothing(&text) || text.bytes().any(|b| b.is_ascii_alphanumeric());
    if is_telephone && !has_number {
        let text = short(&text);
        return Err(format!("「{text}」里没有号码：请填上真正的号码，没有电话请留空"));
    }
    if field == Field::RemoteNumber && !has_number {
        let text = short(&text);
        return Err(format!("「{text}」不是平台编号：平台还没有给编号的请留空"));
    }
    let fraction = text.split_once('.').filter(|(whole, _)| all_digits(whole)).map(|at| at.1);
    if is_own_number(field) {
        match fraction {
            // What a program makes of a column of numbers in which some are missing.
            Some("0") => return Ok(text.trim_end_matches(".0").to_owned()),
            Some(digits) if digits.len() > 5 && all_digits(digits) => {
                return Err(format!(
                    "「{}」不像编号：像是算出来的小数；请填上真正的编号",
                    short(&text)
                ));
            }
            _ => {}
        }
    }
    // A mark by which people keep a number as text.
    match text.strip_prefix('`').filter(|rest| all_digits(rest)) {
        Some(rest) => Ok(rest.to_owned()),
        None => Ok(text),
    }
}
