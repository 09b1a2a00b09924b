//! What there is in an answer to point at, for whoever wrote a pointer that meets nothing. Names only: values may be about people.

use serde_json::Value;

/// How far down one looks.
const DEPTH: usize = 4;
/// So many are named.
const MOST: usize = 12;

/// The pointers at which a thing has a text, a number or a truth, in words.
pub(super) fn scalars(thing: &Value) -> String {
    named(thing, &|value| !matches!(value, Value::Null | Value::Array(_) | Value::Object(_)))
}

/// The pointers at which an answer has a list, in words.
pub(super) fn lists(answer: &Value) -> String {
    named(answer, &Value::is_array)
}

fn named(value: &Value, wanted: &dyn Fn(&Value) -> bool) -> String {
    let mut found = Vec::new();
    walk(value, "", DEPTH, wanted, &mut found);
    let more = if found.len() > MOST { "……" } else { "" };
    found.truncate(MOST);
    if found.is_empty() { "（没有）".to_owned() } else { found.join("、") + more }
}

fn walk(
    value: &Value,
    at: &str,
    depth: usize,
    wanted: &dyn Fn(&Value) -> bool,
    found: &mut Vec<String>,
) {
    if wanted(value) {
        found.push(if at.is_empty() { "整个回答".to_owned() } else { at.to_owned() });
    }
    if let (Value::Object(fields), true) = (value, depth > 0) {
        for (name, inner) in fields {
            // RFC 6901.
            let name = name.replace('~', "~0").replace('/', "~1");
            walk(inner, &format!("{at}/{name}"), depth - 1, wanted, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_can_be_pointed_at_is_named_and_no_value_is() {
        let answer = json!({"code": 0, "data": {"rows": [{"姓名": "王"}], "total": 1}});
        assert_eq!(scalars(&answer), "/code、/data/total");
        assert_eq!(lists(&answer), "/data/rows");
        assert_eq!(
            (scalars(&json!([])), lists(&json!([]))),
            ("（没有）".into(), "整个回答".into())
        );
    }
}
