//! GeoReport v2's answers, JSON or XML, as flat records: both forms hold a list of things that each
//! have named scalars.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::settings::WireFormat;

/// One thing of an answer.
pub type Record = BTreeMap<String, String>;

/// Reads an answer.
///
/// # Errors
/// What is wrong with it, for a log.
///
/// ```
/// use zoufang::{platform::records::read, settings::WireFormat};
/// let json = read(r#"[{"service_request_id": 293944, "status": "open"}]"#, WireFormat::Json).unwrap();
/// let xml = "<service_requests><request><service_request_id>293944</service_request_id>\
///            <status>open</status></request></service_requests>";
/// assert_eq!(read(xml, WireFormat::Xml).unwrap(), json);
/// ```
pub fn read(body: &str, format: WireFormat) -> Result<Vec<Record>, String> {
    match format {
        WireFormat::Json => read_json(body),
        WireFormat::Xml => read_xml(body, 2),
    }
}

/// Reads the attributes of a service definition.
///
/// ```
/// use zoufang::{platform::records::attributes, settings::WireFormat};
/// let json = r#"{"service_code": "1", "attributes": [{"code": "LIT", "required": true, "values": [{"key": 1}]}]}"#;
/// let xml = "<service_definition><service_code>1</service_code><attributes><attribute><code>LIT</code>\
///            <required>true</required><values><value><key>1</key></value></values></attribute></attributes></service_definition>";
/// assert_eq!(attributes(xml, WireFormat::Xml).unwrap(), attributes(json, WireFormat::Json).unwrap());
/// ```
pub fn attributes(body: &str, format: WireFormat) -> Result<Vec<Record>, String> {
    match format {
        WireFormat::Xml => read_xml(body, 3),
        WireFormat::Json => {
            let value: Value = serde_json::from_str(body)
                .map_err(|error| format!("the answer isn't JSON: {error}"))?;
            // Some servers answer a list of one definition.
            let definition = value.get(0).unwrap_or(&value);
            match definition.get("attributes") {
                None | Some(Value::Null) => Ok(Vec::new()),
                Some(attributes) => read_json(&attributes.to_string()),
            }
        }
    }
}

fn read_json(body: &str) -> Result<Vec<Record>, String> {
    let value: Value =
        serde_json::from_str(body).map_err(|error| format!("the answer isn't JSON: {error}"))?;
    let things = match value {
        Value::Array(things) => things,
        // Some servers answer a single thing bare.
        thing @ Value::Object(_) => vec![thing],
        _ => return Err("the answer is neither a list nor an object".to_owned()),
    };
    things
        .into_iter()
        .map(|thing| match thing {
            Value::Object(fields) => Ok(fields
                .into_iter()
                .filter_map(|(name, value)| Some((name, scalar(value)?)))
                .collect()),
            _ => Err("the answer's list holds something that isn't an object".to_owned()),
        })
        .collect()
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// root > … > thing > field > text, with things `at` levels down; what lies deeper belongs to no field that is read.
fn read_xml(body: &str, at: usize) -> Result<Vec<Record>, String> {
    let wrong = |why: String| format!("the answer isn't XML: {why}");
    let mut reader = Reader::from_str(body);
    let mut records = Vec::new();
    let (mut depth, mut field, mut text) = (0usize, String::new(), String::new());
    let mut record = Record::new();
    loop {
        match reader.read_event().map_err(|error| wrong(error.to_string()))? {
            Event::Start(tag) => {
                depth += 1;
                if depth == at + 1 {
                    field = tag.local_name().as_ref().to_owned();
                    text.clear();
                }
            }
            Event::Text(part) if depth == at + 1 => {
                text.push_str(&part);
            }
            Event::CData(part) if depth == at + 1 => text.push_str(&part),
            Event::GeneralRef(name) if depth == at + 1 => {
                let character = name.resolve_char_ref().ok().flatten();
                let name: &str = &name;
                let entity = quick_xml::escape::resolve_xml_entity(name).map(str::to_owned);
                let resolved = character.map(String::from).or(entity);
                text.push_str(&resolved.ok_or_else(|| wrong(format!("&{name};")))?);
            }
            Event::End(_) => {
                match depth {
                    _ if depth == at + 1 && !text.trim().is_empty() => {
                        record.insert(std::mem::take(&mut field), text.trim().to_owned());
                    }
                    _ if depth == at => records.push(std::mem::take(&mut record)),
                    _ => {}
                }
                depth = depth.saturating_sub(1);
            }
            Event::Eof if depth == 0 && !body.trim().is_empty() => return Ok(records),
            Event::Eof => return Err(wrong("it ends too early".to_owned())),
            _ => {}
        }
    }
}
