//! What the sandbox shows of what it has, by the habits of its kind.

use jiff::Timestamp;
use quick_xml::escape::escape;
use serde_json::{Value, json};

use super::behaviour::{Behaviour, Description, Numbers, Times, Words};
use super::ledger::{Message, Step, Stored};
use super::wire::Thing;
use crate::clock::local_text;
use crate::domain::issue::Category;

/// Where a request is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Among others.
    List,
    /// Alone.
    Alone,
}

/// A request as it stood at one step of its course.
pub fn request(stored: &Stored, step: &Step, place: Place, behaviour: &Behaviour) -> Thing {
    let field = |name: &str| json!(stored.form.get(name).cloned().unwrap_or_default());
    let times = behaviour.times;
    vec![
        ("service_request_id", number(&stored.service_request_id, behaviour)),
        ("status", json!(word(step.word, behaviour.words))),
        ("status_notes", json!(step.notes)),
        ("service_code", field("service_code")),
        ("description", description(stored, place, behaviour.description)),
        ("address", field("address_string")),
        ("requested_datetime", json!(instant(stored.requested_datetime, times))),
        ("updated_datetime", json!(instant(step.from, times))),
    ]
}

/// One step of a request's course as an update of its own.
pub fn update(stored: &Stored, place: usize, step: &Step, behaviour: &Behaviour) -> Thing {
    vec![
        ("update_id", json!(format!("{}-{place}", stored.service_request_id))),
        ("service_request_id", number(&stored.service_request_id, behaviour)),
        ("status", json!(word(step.word, behaviour.words))),
        ("description", json!(step.notes)),
        ("updated_datetime", json!(instant(step.from, behaviour.times))),
    ]
}

/// A message of ours, which the feed shows with the rest.
pub fn message(message: &Message, behaviour: &Behaviour) -> Thing {
    let given = |name: &'static str| Some((name, message.form.get(name)?));
    let mut thing: Thing = ["update_id", "description", "media_url"]
        .into_iter()
        .filter_map(given)
        .map(|(name, value)| (name, json!(value)))
        .collect();
    let field = |name: &str| message.form.get(name).map(String::as_str).unwrap_or_default();
    thing.extend([
        ("service_request_id", number(field("service_request_id"), behaviour)),
        ("status", json!(word(&field("status").to_lowercase(), behaviour.words))),
        ("updated_datetime", json!(instant(message.at, behaviour.times))),
    ]);
    thing
}

/// The platform's service list: one service for each of the plan's categories.
pub fn services(behaviour: &Behaviour) -> Vec<Thing> {
    let metadata = behaviour.attributes.is_some();
    let service = |category: &Category| {
        vec![
            ("service_code", json!(category.code())),
            ("service_name", json!(category.chinese())),
            ("metadata", json!(metadata.to_string())),
            ("type", json!("realtime")),
        ]
    };
    Category::ALL.iter().map(service).collect()
}

/// The attributes of a service.
pub fn attributes(behaviour: &Behaviour) -> Vec<Thing> {
    let attributes = behaviour.attributes.unwrap_or_default();
    let thing = |(order, attribute): (usize, &super::behaviour::Attribute)| {
        vec![
            ("code", json!(attribute.code)),
            ("order", json!(order + 1)),
            ("variable", json!(attribute.variable.to_string())),
            ("required", json!("true")),
            ("datatype", json!(attribute.datatype)),
            ("description", json!(attribute.code)),
        ]
    };
    attributes.iter().enumerate().map(thing).collect()
}

/// A number as it is written.
pub fn number(number: &str, behaviour: &Behaviour) -> Value {
    match behaviour.numbers {
        Some(Numbers::Long) => number.parse::<u64>().map_or(json!(number), Value::from),
        _ => json!(number),
    }
}

fn description(stored: &Stored, place: Place, kept: Option<Description>) -> Value {
    let whole = stored.form.get("description").map(String::as_str).unwrap_or_default();
    let first = |count: usize| json!(whole.chars().take(count).collect::<String>());
    match (kept, place) {
        (Some(Description::Kept(count)), _) => first(count),
        (Some(Description::Listed(count)), Place::List) => first(count),
        (Some(Description::Null), Place::List) => Value::Null,
        (Some(Description::Escaped), _) => json!(escape(whole)),
        (Some(Description::Titled), _) => json!(format!("来访诉求: {whole}")),
        _ => json!(whole),
    }
}

fn instant(at: Timestamp, times: Option<Times>) -> String {
    let at = at.round(jiff::Unit::Second).unwrap_or(at);
    match times {
        None => at.to_string(),
        Some(Times::WithoutZone) => local_text(at),
        Some(Times::LocalCalledUtc) => local_text(at).replace(' ', "T") + "Z",
        Some(Times::Offset) => local_text(at).replace(' ', "T") + "+08:00",
    }
}

fn word(word: &str, words: Option<Words>) -> String {
    match words {
        None => word.to_owned(),
        Some(Words::Upper) => word.to_uppercase(),
        Some(Words::TwoOnly) => match word {
            "closed" | "rejected" => "closed".to_owned(),
            _ => "open".to_owned(),
        },
        Some(Words::Titled) => {
            let titled = |part: &str| {
                let mut letters = part.chars();
                let first = letters.next().map(|letter| letter.to_ascii_uppercase());
                first.into_iter().chain(letters).collect::<String>()
            };
            word.split('_').map(titled).collect::<Vec<_>>().join(" ")
        }
    }
}
