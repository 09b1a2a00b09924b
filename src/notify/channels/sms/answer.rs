//! How a gateway's answer is read, whatever it's written in: where its code and words stand, and what the codes mean.

use serde::Deserialize;
use serde_json::Value;

use super::super::misconfigured;
use crate::db::{ADDRESS, Receipt};
use crate::delivery::Outcome;
use crate::delivery::http::{Answer, failed, too_many};
use crate::delivery::{json, xml};

/// The part of a gateway's file that says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerRules {
    #[serde(default)]
    format: Format,
    /// What stands between the pieces of a text.
    #[serde(default = "between")]
    between: String,
    code: Places,
    message: Places,
    done: Vec<String>,
    #[serde(default)]
    no_address: Vec<String>,
    #[serde(default)]
    refused: Vec<String>,
    #[serde(default)]
    busy: Vec<String>,
    /// The key, the address or the account isn't right, or there's no money left: only the operator can mend it.
    #[serde(default)]
    misconfigured: Vec<String>,
}

/// What a gateway answers in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Json,
    Xml,
    /// A line such as `0,12345`: its pieces are /0, /1 and so on.
    Text,
}

/// Pointers to one thing, which stands elsewhere in an error than in a success: the first that meets it counts.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "位置要写成 \"/code\"，或几个位置的列表，如 [\"/a\", \"/b\"]")]
enum Places {
    One(String),
    Several(Vec<String>),
}

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Done,
    NoAddress,
    Refused,
    Busy,
    Misconfigured,
}

fn between() -> String {
    ",".to_owned()
}

impl Places {
    fn all(&self) -> &[String] {
        match self {
            Places::One(place) => std::slice::from_ref(place),
            Places::Several(places) => places,
        }
    }

    /// What stands at the first of them where anything does.
    fn text(&self, value: &Value) -> Option<String> {
        let found = || self.all().iter().filter_map(|at| value.pointer(at).and_then(json::scalar));
        found().find(|text| !text.is_empty()).or_else(|| found().next())
    }
}

/// How closely a code in the file fits: itself, all that begins with what stands before `*`, or any number, `#`.
fn fits(written: &str, code: &str) -> Option<usize> {
    let is_number = || !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
    match written.strip_suffix('*') {
        _ if written == code => Some(usize::MAX),
        Some(start) => code.starts_with(start).then(|| start.chars().count()),
        None => (written == "#" && is_number()).then_some(0),
    }
}

impl AnswerRules {
    fn lists(&self) -> [(&'static str, Meaning, &[String]); 5] {
        [
            ("done", Meaning::Done, &self.done),
            ("no_address", Meaning::NoAddress, &self.no_address),
            ("refused", Meaning::Refused, &self.refused),
            ("busy", Meaning::Busy, &self.busy),
            ("misconfigured", Meaning::Misconfigured, &self.misconfigured),
        ]
    }

    /// What a code means: as the file's closest says.
    fn meaning(&self, code: &str) -> Option<Meaning> {
        let all = self.lists().into_iter();
        let all = all.flat_map(|(_, meaning, codes)| codes.iter().map(move |code| (code, meaning)));
        all.filter_map(|(written, meaning)| Some((fits(written, code)?, meaning)))
            .max_by_key(|(closeness, _)| *closeness)
            .map(|(_, meaning)| meaning)
    }

    /// What in it can't be meant so.
    pub(super) fn mistake(&self) -> Option<String> {
        for (name, places) in [("code", &self.code), ("message", &self.message)] {
            if places.all().is_empty() {
                return Some(format!("answer.{name}：至少写一个位置"));
            }
            if let Some(wrong) = places.all().iter().find(|at| !self.may_point(at)) {
                return Some(match self.format {
                    Format::Text => format!(
                        "answer.{name}：不能写「{wrong}」，纯文本的答复按段数：第一段写 /0，第二段写 /1"
                    ),
                    Format::Json | Format::Xml => {
                        format!("answer.{name}：「{wrong}」不是位置，要以 / 开头，如 /code")
                    }
                });
            }
        }
        if self.format == Format::Text && self.between.is_empty() {
            return Some("answer.between：要写各段之间的符号，如 \",\"".to_owned());
        }
        if self.done.is_empty() {
            return Some("answer.done：至少写一个表示成功的代码".to_owned());
        }
        let mut known: Vec<(&str, &str)> = Vec::new();
        for (name, _, codes) in self.lists() {
            for code in codes {
                if code == "*" {
                    return Some(format!(
                        "answer.{name}：不能只写「*」：星号前面要有代码开头的几个字"
                    ));
                }
                if let Some((other, _)) = known.iter().find(|(_, known)| known == code) {
                    return Some(format!(
                        "answer：代码「{code}」在 {other} 和 {name} 里都有，只能留一处"
                    ));
                }
                known.push((name, code));
            }
        }
        None
    }

    fn may_point(&self, at: &str) -> bool {
        let Some(rest) = at.strip_prefix('/') else { return false };
        self.format != Format::Text || rest.parse::<u8>().is_ok()
    }

    /// A body as a tree; where it isn't what it should be, the name of that.
    fn read(&self, body: &str) -> Result<Value, &'static str> {
        match self.format {
            Format::Json => json::read(body).map_err(|_| "not_json"),
            Format::Xml => xml::as_json(body).map_err(|_| "not_xml"),
            Format::Text => {
                let text = unwrapped(body);
                let pieces = text.split(|c: char| self.between.contains(c)).map(str::trim);
                Ok(pieces.collect())
            }
        }
    }

    /// What an answer means for the message.
    pub(super) fn judge(&self, answer: &Answer) -> Outcome {
        let is_success = answer.status.is_success();
        let value = self.read(&answer.body);
        let code = value.as_ref().ok().and_then(|value| self.code.text(value));
        if !is_success && code.is_none() {
            return failed(answer, "");
        }
        let value = match value {
            Ok(value) => value,
            Err(name) => return Outcome::Unread { reason: name.to_owned() },
        };
        let code = code.unwrap_or_default();
        let words: String =
            self.message.text(&value).unwrap_or_default().chars().take(200).collect();
        let said = format!("code {code} {words}");
        // Any page is text: beside a failure of HTTP's none of them says that it was taken.
        let counts = match self.format {
            Format::Text => is_success,
            Format::Json | Format::Xml => !answer.status.is_server_error(),
        };
        match self.meaning(&code) {
            Some(Meaning::Done) if counts => Outcome::Delivered(Receipt::default()),
            Some(Meaning::NoAddress) => Outcome::Refused { reason: format!("{ADDRESS}: {said}") },
            Some(Meaning::Refused) => Outcome::Refused { reason: format!("refused: {said}") },
            Some(Meaning::Busy) => too_many(said, answer.retry_after),
            Some(Meaning::Misconfigured) => misconfigured(said),
            _ if !is_success => failed(answer, &words),
            // A code that isn't in the file may mean anything, that it was sent too.
            _ => Outcome::Unread { reason: format!("unexpected_code: {said}") },
        }
    }
}

/// A text without the lone element that services of .NET's put it in: `<string xmlns="…">0,12345</string>`.
fn unwrapped(body: &str) -> String {
    let text = body.trim_start_matches('\u{feff}').trim();
    let element = text.starts_with('<').then(|| xml::read(text).ok()).flatten();
    match element {
        Some(element) if element.children.is_empty() => element.text,
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use reqwest::StatusCode;

    use super::*;

    fn rules(text: &str) -> AnswerRules {
        toml::from_str(text).unwrap()
    }

    fn answered(rules: &AnswerRules, status: u16, body: &str) -> (&'static str, String) {
        let status = StatusCode::from_u16(status).unwrap();
        let body = body.to_owned();
        match rules.judge(&Answer {
            status,
            body,
            retry_after: None,
            date: None,
            age: Duration::ZERO,
        }) {
            Outcome::Delivered(_) => ("delivered", String::new()),
            Outcome::Refused { reason } => ("refused", reason),
            Outcome::NotSent { reason, .. } => ("not_sent", reason),
            Outcome::Unread { reason } => ("unread", reason),
            other => ("unknown", format!("{other:?}")),
        }
    }

    /// Each answer, its HTTP code, what it means and how the reason begins.
    fn all(rules: &AnswerRules, answers: &[(u16, &str, &str, &str)]) {
        assert_eq!(rules.mistake(), None);
        for (status, body, means, begins) in answers {
            let (found, reason) = answered(rules, *status, body);
            assert!(found == *means && reason.starts_with(begins), "{body}: {found} {reason}");
        }
    }

    #[test]
    fn an_errors_code_may_stand_elsewhere_than_a_successs() {
        let tencent = rules(
            r#"code = ["/Response/Error/Code", "/Response/SendStatusSet/0/Code"]
            message = ["/Response/Error/Message", "/Response/SendStatusSet/0/Message"]
            done = ["Ok"]
            no_address = ["FailedOperation.PhoneNumberInBlacklist", "InvalidParameterValue.IncorrectPhoneNumber"]
            refused = ["FailedOperation.*"]
            busy = ["LimitExceeded.*", "InternalError.*"]
            misconfigured = ["AuthFailure.*", "FailedOperation.InsufficientBalanceInSmsPackage"]"#,
        );
        let sent = |code: &str| {
            format!(
                r#"{{"Response": {{"SendStatusSet": [{{"Code": "{code}", "Message": "m"}}], "RequestId": "r"}}}}"#
            )
        };
        let error = |code: &str| {
            format!(
                r#"{{"Response": {{"Error": {{"Code": "{code}", "Message": "m"}}, "RequestId": "r"}}}}"#
            )
        };
        all(
            &tencent,
            &[
                (200, &sent("Ok"), "delivered", ""),
                (
                    200,
                    &sent("LimitExceeded.PhoneNumberDailyLimit"),
                    "not_sent",
                    "too_many: code LimitExceeded.Ph",
                ),
                (
                    200,
                    &error("AuthFailure.SignatureFailure"),
                    "not_sent",
                    "misconfigured: code AuthFailure",
                ),
                (
                    200,
                    &error("InvalidParameterValue.IncorrectPhoneNumber"),
                    "refused",
                    "no_address: ",
                ),
                // The closest counts, whichever list it's in.
                (200, &sent("FailedOperation.PhoneNumberInBlacklist"), "refused", "no_address: "),
                (
                    200,
                    &sent("FailedOperation.InsufficientBalanceInSmsPackage"),
                    "not_sent",
                    "misconfigured: ",
                ),
                (200, &sent("FailedOperation.ContainSensitiveWord"), "refused", "refused: "),
                (200, &error("Novel"), "unread", "unexpected_code: code Novel m"),
                (200, r#"{"Response": {}}"#, "unread", "unexpected_code: "),
            ],
        );
    }

    #[test]
    fn xml_is_pointed_into_like_json() {
        let gateway = rules(
            r#"format = "xml"
            code = ["/returnsms/returnstatus", "/error/code"]
            message = ["/returnsms/message", "/error/text"]
            done = ["Success"]
            refused = ["Faild"]
            busy = ["13"]"#,
        );
        let head = r#"<?xml version="1.0" encoding="utf-8"?>"#;
        let sent = |status: &str| {
            format!(
                "{head}\n<returnsms>\n<returnstatus>{status}</returnstatus><message>ok</message><taskID>7</taskID></returnsms>"
            )
        };
        all(
            &gateway,
            &[
                (200, &sent("Success"), "delivered", ""),
                (200, &sent(" Faild "), "refused", "refused: code Faild ok"),
                (
                    200,
                    "<error><code>13</code><text>快</text></error>",
                    "not_sent",
                    "too_many: code 13 快",
                ),
                (500, &sent("Success"), "unknown", ""),
                (200, "<returnsms/>", "unread", "unexpected_code"),
                (200, "0,12345", "unread", "not_xml"),
                (200, "<html><body>维护中<br></body></html>", "unread", "not_xml"),
            ],
        );
    }

    #[test]
    fn a_line_of_text_is_read_by_its_pieces() {
        let line = "format = \"text\"\ncode = \"/0\"\nmessage = \"/1\"\n";
        let gateway = rules(&format!("{line}done = ['0']\nno_address = ['107']\nbusy = ['10*']"));
        let net = r#"<?xml version="1.0"?><string xmlns="http://tempuri.org/">0,12345</string>"#;
        all(
            &gateway,
            &[
                (200, "0,12345", "delivered", ""),
                (200, "\u{feff} 0 \r\n", "delivered", ""),
                (200, net, "delivered", ""),
                (200, "107,号码错误", "refused", "no_address: code 107 号码错误"),
                (200, "108,", "not_sent", "too_many: code 108"),
                (200, "00,1", "unread", "unexpected_code: code 00 1"),
                (200, "", "unread", "unexpected_code"),
                (200, "<html><body>0,1</body></html>", "unread", "unexpected_code"),
            ],
        );
        // The message's number alone, or what is wrong as a negative one.
        let numbered =
            rules(&format!("{line}between = \"\\n|\"\ndone = ['#', 'OK:*']\nrefused = ['-4']"));
        all(
            &numbered,
            &[
                (200, "2215071230001", "delivered", ""),
                (200, "OK:77|x", "delivered", ""),
                (200, "-4", "refused", "refused: code -4"),
                (200, "-5", "unread", "unexpected_code: code -5"),
                (200, "404 page not found", "unread", "unexpected_code"),
                (502, "502", "unknown", ""),
            ],
        );
        assert_ne!(answered(&numbered, 404, "404").0, "delivered");
    }

    #[test]
    fn what_cannot_be_meant_so_is_named() {
        let good = "code = '/c'\nmessage = '/m'\ndone = ['0']\n";
        for (text, said) in [
            (good.replace("'/c'", "'c'"), "answer.code：「c」不是位置"),
            (good.replace("'/m'", "['/m', 'n']"), "answer.message：「n」不是位置"),
            (good.replace("'/c'", "[]"), "answer.code：至少写一个位置"),
            (good.replace("['0']", "[]"), "answer.done：至少写一个"),
            (format!("{good}busy = ['0']"), "代码「0」在 done 和 busy 里都有"),
            (format!("{good}refused = ['*']"), "answer.refused：不能只写「*」"),
            (format!("format = 'text'\n{good}"), "answer.code：不能写「/c」"),
            (
                format!(
                    "format = 'text'\nbetween = ''\n{}",
                    good.replace("/c", "/0").replace("/m", "/1")
                ),
                "answer.between",
            ),
        ] {
            let found = rules(&text).mistake().unwrap_or_default();
            assert!(found.contains(said), "{text}: {found}");
        }
        assert_eq!(rules(good).mistake(), None);
        let number = toml::from_str::<AnswerRules>(&good.replace("'/c'", "5")).unwrap_err();
        assert!(number.message().starts_with("位置要写成"), "{number}");
    }
}
