//! GeoReport v2's answers, JSON or XML, as flat records: both forms hold a list of things that each
//! have named scalars.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::delivery::json::{self, scalar};
use crate::delivery::xml::{self, Element};
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
        WireFormat::Json => of_list(json::read(body)?),
        WireFormat::Xml => Ok(of_elements(&xml::read(body)?)),
    }
}

/// Reads the answer to a question for a list. Where there is none, many servers write `null`.
///
/// # Errors
/// What is wrong with it, for a log.
///
/// ```
/// use zoufang::{platform::records::read_list, settings::WireFormat};
/// assert_eq!(read_list("null", WireFormat::Json), Ok(Vec::new()));
/// assert!(read_list("true", WireFormat::Json).is_err());
/// ```
pub fn read_list(body: &str, format: WireFormat) -> Result<Vec<Record>, String> {
    match format {
        WireFormat::Json => match json::read(body)? {
            Value::Null => Ok(Vec::new()),
            value => of_list(value),
        },
        WireFormat::Xml => read(body, format),
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
        WireFormat::Xml => {
            let root = xml::read(body)?;
            // Some servers answer a list of one definition.
            let definitions = std::iter::once(&root).chain(&root.children);
            let attributes =
                definitions.flat_map(|of| &of.children).filter(|child| child.name == "attributes");
            Ok(attributes.flat_map(|list| &list.children).map(of_element).collect())
        }
        WireFormat::Json => {
            let value = json::read(body)?;
            let definition = value.get(0).unwrap_or(&value);
            match definition.get("attributes") {
                None | Some(Value::Null) => Ok(Vec::new()),
                Some(attributes) => of_list(attributes.clone()),
            }
        }
    }
}

/// A list of things, bare or in the only list that an object holds, or a single thing.
fn of_list(value: Value) -> Result<Vec<Record>, String> {
    let things = match value {
        Value::Array(things) => things,
        Value::Object(fields) if json::is_list(&fields) => {
            fields.into_iter().map(|(_, thing)| thing).collect()
        }
        Value::Object(fields) => {
            let lists = fields.values().filter(|value| value.is_array()).count();
            let named = fields.values().any(|value| scalar(value).is_some());
            match fields.values().find_map(Value::as_array) {
                Some(list) if lists == 1 && !named => list.clone(),
                _ => vec![Value::Object(fields)],
            }
        }
        _ => return Err("答复是 JSON，但既不是列表也不是对象".to_owned()),
    };
    let record = |(place, thing): (usize, Value)| match thing {
        Value::Object(fields) => Ok(fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, text_of(&value)?)))
            .collect()),
        _ => Err(format!("答复列表的第 {} 条不是对象", place + 1)),
    };
    things.into_iter().enumerate().map(record).collect()
}

/// A field's text; of a field that holds several, such as pictures, all of them.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Array(several) => {
            let texts: Option<Vec<String>> = several.iter().map(scalar).collect();
            texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join(" "))
        }
        one => scalar(one),
    }
}

/// The things below a root; a root that holds nothing but fields is one thing itself.
fn of_elements(root: &Element) -> Vec<Record> {
    let bare = !root.children.is_empty() && root.children.iter().all(|c| c.children.is_empty());
    if bare {
        return vec![of_element(root)];
    }
    root.children.iter().map(of_element).collect()
}

/// Its fields; what lies deeper belongs to no field that is read, but where a field holds several of its own kind.
fn of_element(thing: &Element) -> Record {
    let text = |field: &Element| {
        let several = field.children.iter().all(|one| one.name == field.name);
        let texts = field.children.iter().map(|one| one.text.as_str());
        if several && field.text.is_empty() {
            texts.collect::<Vec<_>>().join(" ")
        } else {
            field.text.clone()
        }
    };
    let fields = thing.children.iter().map(|field| (field.name.clone(), text(field)));
    fields.filter(|(_, text)| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ids(body: &str, format: WireFormat) -> Vec<String> {
        let records = read(body, format).unwrap();
        records.iter().map(|record| record["service_request_id"].clone()).collect()
    }

    #[test]
    fn a_list_is_read_however_it_is_wrapped() {
        use WireFormat::{Json, Xml};
        for (body, format) in [
            (r#"[{"service_request_id": 1}, {"service_request_id": "2"}]"#, Json),
            (r#"{"requests": [{"service_request_id": 1}, {"service_request_id": " 2 "}]}"#, Json),
            (
                "<a><b><service_request_id>1</service_request_id></b><b><service_request_id> 2\n</service_request_id></b></a>",
                Xml,
            ),
        ] {
            assert_eq!(ids(body, format), ["1", "2"], "{body}");
        }
        assert_eq!(ids(r#"{"service_request_id": 7, "notes": []}"#, Json), ["7"]);
        assert_eq!(ids("<r><service_request_id>7</service_request_id><token/></r>", Xml), ["7"]);
        assert!(read("<service_requests/>", Xml).unwrap().is_empty());
        // Several pictures, as open311-adapter gives them; and what servers nest besides.
        for (body, format) in [
            (
                r#"[{"media_url": ["http://a/1", "http://a/2"], "extended_attributes": {"ward": 3}}]"#,
                Json,
            ),
            (
                "<a><b><media_url><media_url>http://a/1</media_url><media_url>http://a/2</media_url></media_url>\
                 <extended_attributes><ward>3</ward></extended_attributes></b></a>",
                Xml,
            ),
        ] {
            let records = read(body, format).unwrap();
            assert_eq!(records[0]["media_url"], "http://a/1 http://a/2");
            assert_eq!(records[0].len(), 1);
        }
        assert!(read("[1]", Json).unwrap_err().contains("第 1 条"));
    }
}
