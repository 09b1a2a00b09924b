//! GeoReport v2's answers as the sandbox writes them, in JSON or XML and in whatever character set.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use quick_xml::escape::escape;
use serde_json::{Map, Value, json};

use super::behaviour::{Charset, Shape};

/// One thing of an answer.
pub type Thing = Vec<(&'static str, Value)>;

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

/// How one answer is written.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    pub form: Form,
    pub charset: Option<Charset>,
    pub shape: Option<Shape>,
}

impl Wire {
    /// A list of things under GeoReport v2's element names.
    pub fn list(self, status: StatusCode, list: &str, item: &str, things: &[Thing]) -> Response {
        let body = match (self.form, self.shape) {
            (Form::Json, Some(Shape::Wrapped)) => json!({ list: objects(things) }).to_string(),
            (Form::Json, Some(Shape::NullForNone)) if things.is_empty() => "null".to_owned(),
            (Form::Json, None | Some(Shape::NullForNone)) => objects(things).to_string(),
            (Form::Xml, _) => {
                let inner: String =
                    things.iter().map(|thing| element(item, &fields(thing))).collect();
                self.document(&element(list, &inner))
            }
        };
        self.answer(status, body)
    }

    /// One thing with a list below it, such as a service's definition.
    pub fn nested(
        self,
        name: &str,
        thing: &Thing,
        list: &str,
        item: &str,
        below: &[Thing],
    ) -> Response {
        let body = match self.form {
            Form::Json => {
                let mut object = object(thing);
                object.insert(list.to_owned(), objects(below));
                Value::Object(object).to_string()
            }
            Form::Xml => {
                let inner: String =
                    below.iter().map(|thing| element(item, &fields(thing))).collect();
                self.document(&element(name, &(fields(thing) + &element(list, &inner))))
            }
        };
        self.answer(StatusCode::OK, body)
    }

    /// An error as GeoReport v2 lists it.
    pub fn error(self, status: StatusCode, words: &str) -> Response {
        let thing = vec![("code", json!(status.as_u16())), ("description", json!(words))];
        self.list(status, "errors", "error", &[thing])
    }

    fn document(self, root: &str) -> String {
        let encoding = match self.charset {
            Some(Charset::Gbk | Charset::GbkUnsaid) => "GBK",
            _ => "utf-8",
        };
        format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n{root}\n")
    }

    fn answer(self, status: StatusCode, body: String) -> Response {
        let bytes = match self.charset {
            None => body.into_bytes(),
            Some(Charset::Marked) => ["\u{feff}".as_bytes(), body.as_bytes()].concat(),
            Some(Charset::Gbk | Charset::GbkUnsaid) => {
                encoding_rs::GBK.encode(&body).0.into_owned()
            }
        };
        let content_type = match (self.form, self.charset) {
            (Form::Json, Some(Charset::Gbk)) => "application/json;charset=GBK",
            (Form::Json, Some(Charset::GbkUnsaid)) => "application/json",
            (Form::Json, _) => "application/json; charset=utf-8",
            (Form::Xml, Some(Charset::Gbk)) => "text/xml;charset=GBK",
            (Form::Xml, Some(Charset::GbkUnsaid)) => "text/xml",
            (Form::Xml, _) => "text/xml; charset=utf-8",
        };
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
        (status, kind, bytes).into_response()
    }
}

fn object(thing: &Thing) -> Map<String, Value> {
    thing.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn objects(things: &[Thing]) -> Value {
    Value::Array(things.iter().map(|thing| Value::Object(object(thing))).collect())
}

fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

fn fields(thing: &Thing) -> String {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    thing.iter().map(|(name, value)| element(name, &escape(text(value).as_str()))).collect()
}
