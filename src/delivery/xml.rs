//! XML as a tree of names and texts. Nothing in it is fetched or expanded: an entity that XML itself doesn't know stands as
//! it was written, and a document type says nothing.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};
use serde_json::{Map, Value};

use super::sample::sample;

/// No answer is nested deeper.
const DEEPEST: usize = 64;

/// An element: its local name, the text right within it, and the elements within it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub text: String,
    pub children: Vec<Element>,
}

/// Reads a document's root.
///
/// # Errors
/// What stands there in XML's place, and where.
///
/// ```
/// use zoufang::delivery::xml::read;
/// let bomb = r#"<!DOCTYPE a [<!ENTITY b "bomb">]><a><c>x &amp; &b;&nbsp;&#26085;</c></a>"#;
/// assert_eq!(read(bomb).unwrap().children[0].text, "x & &b; 日");
/// ```
pub fn read(text: &str) -> Result<Element, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::from_str(text);
    // Some servers close `<br>` by nothing at all; where tags don't fit, the answer can't be trusted.
    reader.config_mut().allow_unmatched_ends = false;
    let mut open: Vec<Element> = vec![Element::default()];
    loop {
        let place = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|_| unreadable(text, place))?;
        let depth = open.len();
        let Some(current) = open.last_mut() else { return Err(unreadable(text, place)) };
        match event {
            Event::Start(tag) if depth > DEEPEST => {
                let name = sample(tag.local_name().as_ref());
                return Err(format!("答复嵌套超过 {DEEPEST} 层（在 <{name}>），不像是业务数据"));
            }
            Event::Start(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                open.push(Element { name, ..Element::default() });
            }
            Event::Empty(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                current.children.push(Element { name, ..Element::default() });
            }
            Event::Text(part) => current.text.push_str(&part),
            Event::CData(part) => current.text.push_str(&part),
            Event::GeneralRef(entity) => current.text.push_str(&resolved(&entity)),
            Event::End(_) => {
                let Some(mut ended) = open.pop() else { continue };
                ended.text = ended.text.trim().to_owned();
                match open.last_mut() {
                    Some(parent) => parent.children.push(ended),
                    None => return Err(unreadable(text, place)),
                }
            }
            Event::Eof => return end(open, text),
            _ => {}
        }
    }
}

/// A document as JSON would have it: under its root's name its elements by their names, those of one name as a list.
///
/// # Errors
/// What stands there in XML's place, and where.
///
/// ```
/// use zoufang::delivery::xml::as_json;
/// let value = as_json("<r><s>Success</s><to>1</to><to>2</to></r>").unwrap();
/// assert_eq!(value, serde_json::json!({"r": {"s": "Success", "to": ["1", "2"]}}));
/// ```
pub fn as_json(text: &str) -> Result<Value, String> {
    let Element { name, text, children } = read(text)?;
    Ok(Value::Object(Map::from_iter([(name, value(text, children))])))
}

fn value(text: String, children: Vec<Element>) -> Value {
    if children.is_empty() {
        return Value::String(text);
    }
    let mut fields = Map::new();
    for child in children {
        let new = value(child.text, child.children);
        match fields.get_mut(&child.name) {
            None => {
                fields.insert(child.name, Value::Array(vec![new]));
            }
            Some(Value::Array(those)) => those.push(new),
            Some(_) => {}
        }
    }
    let alone = |(name, those): (String, Value)| match those {
        Value::Array(mut those) if those.len() == 1 => (name, those.remove(0)),
        those => (name, those),
    };
    Value::Object(fields.into_iter().map(alone).collect())
}

fn end(mut open: Vec<Element>, text: &str) -> Result<Element, String> {
    if text.trim().is_empty() {
        return Err("答复是空的，应是 XML".to_owned());
    }
    let document = open.pop().filter(|_| open.is_empty());
    match document.map(|document| document.children.into_iter().next()) {
        Some(Some(root)) => Ok(root),
        Some(None) => Err(unreadable(text, 0)),
        None => Err(format!("答复没有写完就断了（开头是「{}」）", sample(text))),
    }
}

/// What a reference stands for; one that XML itself doesn't know stands for itself.
fn resolved(entity: &BytesRef<'_>) -> String {
    let name: &str = entity;
    if let Ok(Some(character)) = entity.resolve_char_ref() {
        return character.to_string();
    }
    match name {
        "nbsp" => " ".to_owned(),
        _ => resolve_xml_entity(name).map_or_else(|| format!("&{name};"), str::to_owned),
    }
}

fn unreadable(text: &str, place: usize) -> String {
    let before = text.get(..place).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let there = sample(text.get(place..).unwrap_or_default());
    let begins = sample(text);
    format!(
        "答复不是 XML：第 {line} 行第 {column} 个字起，写着「{there}」（答复开头是「{begins}」）"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_isnt_xml_is_said_with_its_place() {
        for (text, said) in [
            ("{\"code\": 1}", "不是 XML"),
            ("<a><b>1</c></a>", "写着「</c></a>」"),
            ("<a><b>1", "没有写完就断了"),
            (" ", "是空的"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        let deep = "<a>".repeat(100_000);
        assert!(read(&deep).unwrap_err().contains("嵌套"));
    }

    #[test]
    fn entities_that_expand_into_one_another_expand_into_nothing() {
        let bomb = r#"<?xml version="1.0" encoding="GBK"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">
          <!ENTITY f SYSTEM "file:///etc/passwd">]><l><r>&b;&f;</r><s><![CDATA[<办结>]]></s></l>"#;
        let root = read(bomb).unwrap();
        assert_eq!(
            (root.children[0].text.as_str(), root.children[1].text.as_str()),
            ("&b;&f;", "<办结>")
        );
    }
}
