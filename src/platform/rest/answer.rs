//! Reads a platform's answers by its description.

use serde_json::Value;

use super::description::AnswerRules;
use crate::delivery::http::{Answer, judged, too_many};
use crate::delivery::json;
pub(super) use crate::delivery::json::scalar;
use crate::delivery::said_no::says_no;
use crate::delivery::sample::sample;
use crate::delivery::{Cause, Outcome};
use crate::platform::NoContact;

/// What the platform made of a call.
#[derive(Debug)]
pub(super) enum Verdict {
    Done(Value),
    /// Not done, and how that stands for a submission.
    NotDone(Outcome),
}

/// The platform's own code for how a call went.
fn code_in(rules: &AnswerRules, value: &Value) -> Option<String> {
    scalar(value.pointer(rules.code.as_ref()?)?)
}

/// What an answer says of the token that it was asked with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OfToken {
    Good,
    /// It isn't known (any more): nothing was stored.
    Ended,
    /// It has a code of the platform's own that isn't in the description.
    Doubtful,
}

/// What an answer says of the token that it was asked with.
pub(super) fn of_token(rules: &AnswerRules, answer: &Answer) -> OfToken {
    let read = json::read(&answer.body).ok();
    let code = read.as_ref().and_then(|value| code_in(rules, value));
    // Whatever HTTP says beside it.
    if code.as_ref().is_some_and(|code| rules.done.contains(code)) {
        return OfToken::Good;
    }
    if answer.status.as_u16() == 401 || read.as_ref().is_some_and(is_of_a_dead_token) {
        return OfToken::Ended;
    }
    // A page for people, or a no to all of it, may be all that is said to who isn't known any more.
    let is_a_page = read.is_none() && !answer.body.trim().is_empty();
    // 419 and 440 are some servers' own for a session that has ended.
    let sends_away = matches!(answer.status.as_u16(), 300..=399 | 403 | 419 | 440);
    if is_a_page || sends_away {
        return OfToken::Doubtful;
    }
    let Some(code) = code.filter(|_| rules.code.is_some()) else { return OfToken::Good };
    if rules.unauthenticated.contains(&code) {
        return OfToken::Ended;
    }
    let known = [&rules.done, &rules.refused, &rules.busy];
    if known.iter().any(|codes| codes.contains(&code)) { OfToken::Good } else { OfToken::Doubtful }
}

/// Whether an answer says that the token is no longer good, under whatever status (RFC 6750, 3.1).
fn is_of_a_dead_token(value: &Value) -> bool {
    let said = value.get("error").and_then(Value::as_str).unwrap_or_default();
    matches!(said, "invalid_token" | "expired_token" | "token_expired")
}

/// Judges an answer: by HTTP's code, then by the platform's own.
pub(super) fn judge(rules: &AnswerRules, answer: &Answer) -> Verdict {
    let read = json::read(&answer.body);
    let code = read.as_ref().ok().and_then(|value| code_in(rules, value));
    let words = read
        .as_ref()
        .ok()
        .and_then(|value| scalar(value.pointer(rules.message.as_ref()?)?))
        .unwrap_or_default();
    let words: String = words.chars().take(300).collect();
    if let Some(code) = &code {
        if rules.refused.contains(code) {
            let reason = format!("refused: code {code} {words}");
            return Verdict::NotDone(Outcome::Refused { reason });
        }
        if rules.unauthenticated.contains(code) {
            let reason = format!("not_known: code {code} {words}");
            let cause = Cause::Receiver;
            return Verdict::NotDone(Outcome::NotSent { reason, retry_after: None, cause });
        }
        if rules.busy.contains(code) {
            let why = format!("code {code} {words}");
            return Verdict::NotDone(too_many(why, answer.retry_after));
        }
    }
    // Whatever HTTP says beside it; a failure whose code kept its first value is looked into.
    if code.as_ref().is_some_and(|code| rules.done.contains(code))
        && !answer.status.is_server_error()
    {
        return Verdict::Done(read.unwrap_or_default());
    }
    if read.as_ref().is_ok_and(is_of_a_dead_token) {
        let reason = format!("not_known: invalid_token {words}");
        let cause = Cause::Receiver;
        return Verdict::NotDone(Outcome::NotSent { reason, retry_after: None, cause });
    }
    if let Some(outcome) = judged(answer, &words, &rules.http) {
        return Verdict::NotDone(outcome);
    }
    // What a code of HTTP's own calls done may say nothing else.
    if !answer.status.is_success() {
        return Verdict::Done(read.unwrap_or_default());
    }
    // Where nothing is to be read, nothing need be there.
    if rules.code.is_none() && answer.body.trim().is_empty() {
        return Verdict::Done(Value::Null);
    }
    let unknown = |reason: String| Verdict::NotDone(Outcome::Unknown { reason });
    let value = match read {
        Ok(value) => value,
        Err(error) => return unknown(format!("not_json: {error}")),
    };
    if rules.code.is_none() {
        return Verdict::Done(value);
    }
    // A code that isn't in the description may mean anything, that it was stored too.
    unknown(format!("unexpected_code: {} {words}", code.unwrap_or_default()))
}

/// A no that an answer says in a form of its own, where the description names no code by which it would be known.
pub(super) fn no_in(rules: &AnswerRules, answer: &Answer, value: &Value) -> Option<Outcome> {
    let says = |name: &str| match value.get(name)? {
        Value::Bool(said) => Some(if *said { "true" } else { "false" }),
        Value::String(said) => Some(said.as_str()),
        Value::Object(fields) if !fields.is_empty() => Some("{}"),
        Value::Array(things) if !things.is_empty() => Some("[]"),
        _ => None,
    };
    let reason = || format!("unexpected_answer: {}", sample(&value.to_string()));
    let says_so = rules.code.is_none() && answer.status.is_success() && says_no(says);
    says_so.then(|| Outcome::Unknown { reason: reason() })
}

/// Whether an answer is the interface's own, by its form, and not some server's on the way: it has the platform's code or words
/// in their places, or is JSON where the description names no such place.
pub(super) fn speaks(rules: &AnswerRules, answer: &Answer) -> bool {
    let Ok(value) = json::read(&answer.body) else { return false };
    let places = [rules.code.as_ref(), rules.message.as_ref()];
    let mut named = places.into_iter().flatten().peekable();
    named.peek().is_none() || named.any(|at| value.pointer(at).is_some_and(|v| !v.is_null()))
}

/// The things of an answer. A pointer that meets nothing in it is a mistake in the description, not an empty list; null on
/// the way is how some write that there is none.
pub(super) fn items<'v>(
    rules: &AnswerRules,
    value: &'v Value,
) -> Result<Vec<&'v Value>, NoContact> {
    let found = match &rules.items {
        Some(at) => value.pointer(at),
        None => Some(value),
    };
    if let Some(things) = found.and_then(json::list) {
        return Ok(things);
    }
    match (found, &rules.items) {
        (Some(Value::Null), _) => Ok(Vec::new()),
        (Some(thing), _) => Ok(vec![thing]),
        (None, Some(at)) if ends_in_null(value, at) => Ok(Vec::new()),
        (None, at) => Err(meets_nothing("items", at.as_deref().unwrap_or_default())),
    }
}

/// Whether what a pointer leads along ends in null.
fn ends_in_null(value: &Value, at: &str) -> bool {
    let ends = at.char_indices().filter(|(_, character)| *character == '/').map(|(end, _)| end);
    ends.skip(1).any(|end| value.pointer(&at[..end]).is_some_and(Value::is_null))
}

/// A pointer of the description that doesn't fit what the platform answers.
pub(super) fn meets_nothing(key: &str, at: &str) -> NoContact {
    let wrong = format!("{key} = \"{at}\" 在平台的答复里没有对应的内容：请改描述文件");
    NoContact::misconfigured(wrong)
}

/// A text or number at a pointer; nothing where it's absent or empty.
pub(super) fn field(thing: &Value, at: Option<&String>) -> Option<String> {
    scalar(thing.pointer(at?)?).filter(|text| !text.is_empty())
}

/// The texts or numbers at a pointer: one, or a list of them.
pub(super) fn list(thing: &Value, at: Option<&String>) -> Vec<String> {
    let found = at.and_then(|at| thing.pointer(at));
    let things = match found {
        Some(Value::Array(things)) => things.iter().collect(),
        Some(thing) => vec![thing],
        None => Vec::new(),
    };
    things.into_iter().filter_map(scalar).filter(|text| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use reqwest::StatusCode;

    use super::*;

    #[test]
    fn a_no_is_one_where_no_code_says_otherwise() {
        let no = |rules: &AnswerRules, status: StatusCode, body: &str| {
            let (body, age) = (body.to_owned(), std::time::Duration::ZERO);
            let answer = Answer { status, body, retry_after: None, date: None, age };
            no_in(rules, &answer, &json::read(&answer.body).unwrap()).is_some()
        };
        let (plain, ok) = (AnswerRules::default(), StatusCode::OK);
        assert!(no(&plain, ok, r#"{"success": false, "message": "系统繁忙"}"#));
        assert!(no(&plain, ok, r#"{"error": {"message": "已关闭"}}"#));
        for body in [r#"{"success": true, "error": null}"#, r#"{"error": 0}"#, r#"{"errors": []}"#]
        {
            assert!(!no(&plain, ok, body), "{body}");
        }
        // One that is said to mean "already there"; and one whose own code says how it went.
        assert!(!no(&plain, StatusCode::CONFLICT, r#"{"error": "already processed"}"#));
        let coded = AnswerRules { code: Some("/code".to_owned()), ..AnswerRules::default() };
        assert!(!no(&coded, ok, r#"{"code": 0, "error": "x"}"#));
    }
}
