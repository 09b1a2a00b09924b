//! What the record says, in a text that is read line by line: always plain words on one line, never a mark of the text's form.

use serde::Serialize;
use serde_json::Value;

/// The marks by which a text's form is read, each with what stands for it in a value: characters that no text has (Unicode
/// keeps them for a program's own use).
const MARKS: [(char, char); 7] = [
    ('#', '\u{fdd0}'),
    ('>', '\u{fdd1}'),
    ('|', '\u{fdd2}'),
    ('=', '\u{fdd3}'),
    ('【', '\u{fdd4}'),
    ('】', '\u{fdd5}'),
    ('-', '\u{fdd6}'),
];

/// Values for such a text, each of their texts on one line and without marks.
///
/// # Errors
/// Where they are no values.
pub fn shielded(values: impl Serialize) -> serde_json::Result<Value> {
    let mut values = serde_json::to_value(values)?;
    each_text(&mut values, &shield);
    Ok(values)
}

/// The words as they are read, once the text's form is known.
pub fn bare(words: &str) -> String {
    let mark = |c: char| MARKS.iter().find(|(_, stands)| *stands == c).map_or(c, |(mark, _)| *mark);
    words.chars().map(mark).collect()
}

/// Changes each text within values.
fn each_text(value: &mut Value, change: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(each) => each.iter_mut().for_each(|one| each_text(one, change)),
        Value::Object(each) => each.values_mut().for_each(|one| each_text(one, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn shield(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let lines: Vec<&str> = text.split(breaks).filter(|line| !line.is_empty()).collect();
    let unused = |c: &char| !matches!(c, '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}');
    let line: String = lines.join(" ").chars().filter(unused).collect();
    let rest = line.trim_start();
    // Hyphens stand within numbers and days; only before everything else they are a mark.
    let inner = rest.trim_start_matches('-');
    let (before, after) = line.split_at(line.len() - inner.len());
    let stands = |c: char, all: bool| {
        let found = MARKS.iter().find(|(mark, _)| *mark == c && (all || c != '-'));
        found.map_or(c, |(_, stands)| *stands)
    };
    let before = before.chars().map(|c| stands(c, true));
    before.chain(after.chars().map(|c| stands(c, false))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_of_plain_words() {
        let said =
            "\u{fdd0}--- 甲\r\n# 乙\u{2028}| 丙 |\u{85}> 丁\u{fdd0}【请写】\u{1}= 2022-03-01";
        let value = shielded(serde_json::json!([{ "text": said, "count": 3 }])).unwrap();
        let text = value[0]["text"].as_str().unwrap();
        assert!(
            !text.contains(['#', '|', '>', '【', '】', '=', '\n', '\u{85}', '\u{1}']),
            "{text}"
        );
        assert!(!text.starts_with('-') && text.ends_with("2022-03-01"), "{text}");
        assert_eq!(bare(text), "--- 甲 # 乙 | 丙 | > 丁【请写】 = 2022-03-01");
        assert_eq!(value[0]["count"], 3);
    }
}
