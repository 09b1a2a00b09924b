//! What a program sends: one object of plain values, read as the fields of the same form on a page are.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::Deserialize;

use super::answer::Problem;
use crate::web::my::Fields;

/// The fields by their names.
pub(super) type Given = BTreeMap<String, Scalar>;

/// A plain value.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Text(String),
    Yes(bool),
    Whole(i64),
}

impl Scalar {
    fn text(self) -> String {
        match self {
            Scalar::Text(text) => text,
            Scalar::Yes(true) => "yes".to_owned(),
            Scalar::Yes(false) => String::new(),
            Scalar::Whole(number) => number.to_string(),
        }
    }
}

/// The fields of a body.
///
/// # Errors
/// Where it's no object of plain values.
pub(super) fn fields_of(given: Result<Json<Given>, JsonRejection>) -> Result<Fields, Problem> {
    match given {
        Ok(Json(given)) => Ok(fields(given)),
        Err(JsonRejection::BytesRejection(_)) => {
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "内容太长，没有处理"))
        }
        Err(_) => {
            let said = "正文应为一个 JSON 对象，值为文字、整数或 true、false，并注明 Content-Type: application/json";
            Err(Problem::new(StatusCode::BAD_REQUEST, said))
        }
    }
}

/// What of an object is none of the fields that there are: it would be lost without a word.
///
/// # Errors
/// Each by its name.
pub(super) fn only(given: Fields, known: &[&str]) -> Result<Fields, Problem> {
    let unknown: Vec<&str> =
        given.0.keys().map(String::as_str).filter(|name| !known.contains(name)).collect();
    match unknown.is_empty() {
        true => Ok(given),
        false => Err(Problem::wrong(format!(
            "不认识这些字段，没有处理：{}；可以写的有：{}",
            unknown.join("、"),
            known.join("、")
        ))),
    }
}

pub(super) fn fields(given: Given) -> Fields {
    Fields(given.into_iter().map(|(name, value)| (name, value.text())).collect())
}
