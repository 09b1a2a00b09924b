//! JSON as platforms write it: every number a text, to its last digit. A request's number of twenty digits is no number
//! that a computer counts with.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::mended::mended;
use super::sample::sample;

/// No answer is nested deeper.
const DEEPEST: usize = 64;

/// Reads a text; what was a number is a text of its digits.
///
/// # Errors
/// What stands there in JSON's place, and where.
///
/// ```
/// use zoufang::delivery::json::read;
/// let value = read(r#"{"id": 20220420153012340001, "open": true}"#).unwrap();
/// assert_eq!(value["id"], "20220420153012340001");
/// assert!(read("<html>维护中</html>").unwrap_err().contains("第 1 行第 1 个字起"));
/// ```
pub fn read(text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    // What is wrong is said of what stood there.
    strictly(text).or_else(|why| strictly(&mended(text)).map_err(|_| why))
}

fn strictly(text: &str) -> Result<Value, String> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| unreadable(text, &error))?;
    value(raw, 0)
}

fn value(raw: &RawValue, depth: usize) -> Result<Value, String> {
    let text = raw.get();
    if depth > DEEPEST {
        return Err(format!("答复嵌套超过 {DEEPEST} 层，不像是业务数据"));
    }
    let wrong = |error: serde_json::Error| unreadable(text, &error);
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(wrong)?;
            let fields = fields.into_iter().map(|(name, raw)| Ok((name, value(raw, depth + 1)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
        Some(b'[') => {
            let things: Vec<&RawValue> = serde_json::from_str(text).map_err(wrong)?;
            let things = things.into_iter().map(|raw| value(raw, depth + 1));
            Value::Array(things.collect::<Result<_, String>>()?)
        }
        Some(b'-' | b'0'..=b'9') => Value::String(text.to_owned()),
        _ => serde_json::from_str(text).map_err(wrong)?,
    })
}

/// What stands where JSON was expected.
fn unreadable(text: &str, error: &serde_json::Error) -> String {
    if text.trim().is_empty() {
        return "答复是空的，应是 JSON".to_owned();
    }
    let before = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    // The column counts bytes.
    let bytes = error.column().saturating_sub(1);
    let place = before.char_indices().take_while(|(at, _)| *at < bytes).count();
    let rest: String = before.chars().skip(place).collect();
    let what = if error.is_eof() {
        "答复没有写完就断了".to_owned()
    } else {
        format!("写着「{}」", sample(&rest))
    };
    let begins = sample(text);
    format!(
        "答复不是 JSON：第 {} 行第 {} 个字起，{what}（答复开头是「{begins}」）",
        error.line(),
        place + 1
    )
}

/// Whether an object is a list: its names are all numerals.
pub(crate) fn is_list(fields: &Map<String, Value>) -> bool {
    let is_numeral =
        |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    !fields.is_empty() && fields.keys().all(is_numeral)
}

/// The things of a list: of an array, or of an object whose names are all numerals, as PHP writes a list with gaps.
///
/// ```
/// use zoufang::delivery::json::{list, read};
/// assert_eq!(list(&read(r#"{"0": {"id": 1}, "2": {"id": 3}}"#).unwrap()).unwrap().len(), 2);
/// assert!(list(&read(r#"{"id": 1}"#).unwrap()).is_none() && list(&read("{}").unwrap()).is_none());
/// ```
pub fn list(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Array(things) => Some(things.iter().collect()),
        Value::Object(fields) if is_list(fields) => Some(fields.values().collect()),
        _ => None,
    }
}

/// A text or number; nothing where it's neither. What no text has in it (U+0000, which PostgreSQL won't keep) is left out.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.replace('\0', "").trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn numbers_keep_every_digit_however_long_and_however_written() {
        let text = r#"[18446744073709551617, -7, 1e3, 0.10, "x\u4e00", {"a": [20220420153012340001]}, null, false]"#;
        let value = read(text).unwrap();
        for (at, digits) in ["18446744073709551617", "-7", "1e3", "0.10", "x一"].iter().enumerate()
        {
            assert_eq!(value[at], *digits);
        }
        assert_eq!(value[5]["a"][0], "20220420153012340001");
        assert_eq!((scalar(&value[6]), scalar(&value[7])), (None, Some("false".to_owned())));
    }

    #[test]
    fn what_most_readers_take_is_read_too() {
        for (text, read_as) in [
            ("{\"a\": \"一\n二\t三\u{1}\"}", "一\n二\t三\u{1}"),
            (r#"{"a": "x\ud83d y"}"#, "x\u{fffd} y"),
            (r#"{"a": "\ud83d\ude00\ude00"}"#, "😀\u{fffd}"),
            (r#"{"lat": NaN, "x": [-Infinity, Infinity,], "a": "NaN,]",}"#, "NaN,]"),
            (r#"{"a": "it\'s C:\dir\"", "b": 1 , }"#, "it's C:\\dir\""),
        ] {
            assert_eq!(read(text).unwrap()["a"], read_as, "{text}");
        }
        for wrong in [r#"{"a": "\uzzzz"#, "{'a': 1}", "[1] <!-- 0.02s -->", "{\"a\": NaNo}"] {
            assert!(read(wrong).unwrap_err().contains("答复"), "{wrong}");
        }
    }

    #[test]
    fn what_isnt_json_is_said_with_its_place() {
        let error = read("{\"a\": 1,\n \"状态\" = 2}").unwrap_err();
        assert!(error.contains("第 2 行第 7 个字起，写着「= 2}」"), "{error}");
        assert!(read("{\"a\": ").unwrap_err().contains("没有写完就断了"));
        assert!(read("  ").unwrap_err().contains("是空的"));
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(read(&deep).unwrap_err().contains("嵌套"));
    }
}
