//! Whether templates can be filled in, tried before there's anything to hand in.

use serde::Serialize;
use serde_json::Value;

use super::{ReportError, Templates};

/// Fills a template in with values of that form: with something in each, and with nothing in any.
pub fn try_out(
    templates: &Templates,
    name: &str,
    full: impl Serialize,
    empty: impl Serialize,
) -> Option<ReportError> {
    let value = |form: serde_json::Result<Value>| form.unwrap_or_default();
    let mut full = value(serde_json::to_value(full));
    fill(&mut full);
    let empty = value(serde_json::to_value(empty));
    [full, empty].into_iter().find_map(|values| templates.render(name, values).err())
}

/// Puts something where there's nothing.
fn fill(value: &mut Value) {
    match value {
        Value::Null => *value = "例".into(),
        Value::String(text) if text.is_empty() => "例".clone_into(text),
        Value::Bool(is) => *is = true,
        Value::Number(number) if number.as_i64() == Some(0) => *value = 1.into(),
        Value::Array(each) => each.iter_mut().for_each(fill),
        Value::Object(each) => each.values_mut().for_each(fill),
        Value::String(_) | Value::Number(_) => {}
    }
}
