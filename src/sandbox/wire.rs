//! GeoReport v2's answers as the sandbox writes them, in JSON or XML.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use quick_xml::escape::escape;

use super::ledger::{Message, Step, Stored};
use crate::domain::issue::Category;

/// One thing of an answer.
pub type Thing = Vec<(&'static str, String)>;

/// The form that a path asks for: `requests.xml` or `requests.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Xml,
}

/// Splits `293944.json` into its name and form.
pub fn form_of(file: &str) -> Option<(&str, Form)> {
    match file.rsplit_once('.')? {
        (name, "json") => Some((name, Form::Json)),
        (name, "xml") => Some((name, Form::Xml)),
        _ => None,
    }
}

/// A list of things under GeoReport v2's element names.
pub fn answer(
    status: StatusCode,
    form: Form,
    list: &str,
    item: &str,
    things: &[Thing],
) -> Response {
    let (body, content_type) = match form {
        Form::Json => {
            let maps: Vec<BTreeMap<_, _>> =
                things.iter().map(|thing| thing.iter().cloned().collect()).collect();
            (serde_json::json!(maps).to_string(), "application/json; charset=utf-8")
        }
        Form::Xml => (xml(list, item, things), "text/xml; charset=utf-8"),
    };
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
}

fn xml(list: &str, item: &str, things: &[Thing]) -> String {
    let mut text = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<{list}>");
    for thing in things {
        text.push_str(&format!("<{item}>"));
        for (name, value) in thing {
            text.push_str(&format!("<{name}>{}</{name}>", escape(value.as_str())));
        }
        text.push_str(&format!("</{item}>"));
    }
    text + &format!("</{list}>\n")
}

/// An error as GeoReport v2 lists it.
pub fn error(status: StatusCode, form: Form, words: &str) -> Response {
    let thing = vec![("code", status.as_u16().to_string()), ("description", words.to_owned())];
    answer(status, form, "errors", "error", &[thing])
}

/// A request as it stood at one step of its course.
pub fn request(stored: &Stored, step: &Step) -> Thing {
    let field = |name: &str| stored.form.get(name).cloned().unwrap_or_default();
    let whole = |at: Timestamp| at.round(jiff::Unit::Second).unwrap_or(at).to_string();
    vec![
        ("service_request_id", stored.service_request_id.clone()),
        ("status", step.word.to_owned()),
        ("status_notes", step.notes.to_owned()),
        ("service_code", field("service_code")),
        ("description", field("description")),
        ("address", field("address_string")),
        ("requested_datetime", whole(stored.requested_datetime)),
        ("updated_datetime", whole(step.from)),
    ]
}

/// One step of a request's course as an update of its own.
pub fn update(stored: &Stored, number: usize, step: &Step) -> Thing {
    let whole = step.from.round(jiff::Unit::Second).unwrap_or(step.from).to_string();
    vec![
        ("update_id", format!("{}-{number}", stored.service_request_id)),
        ("service_request_id", stored.service_request_id.clone()),
        ("status", step.word.to_owned()),
        ("description", step.notes.to_owned()),
        ("updated_datetime", whole),
    ]
}

/// A message of ours, which the feed shows with the rest.
pub fn message(message: &Message) -> Thing {
    let names = ["update_id", "service_request_id", "status", "description", "media_url"];
    let mut thing: Thing = names
        .into_iter()
        .filter_map(|name| Some((name, message.form.get(name)?.clone())))
        .collect();
    let whole = message.at.round(jiff::Unit::Second).unwrap_or(message.at);
    thing.push(("updated_datetime", whole.to_string()));
    thing
}

/// The platform's service list: one service for each of the plan's categories.
pub fn services() -> Vec<Thing> {
    let service = |category: &Category| {
        vec![
            ("service_code", category.code().to_owned()),
            ("service_name", category.chinese().to_owned()),
            ("metadata", "false".to_owned()),
            ("type", "realtime".to_owned()),
        ]
    };
    Category::ALL.iter().map(service).collect()
}
