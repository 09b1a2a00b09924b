//! What is wrong with a configuration file, in words for whoever writes it: where, what stands there, and what may.

use std::ops::Range;

use crate::domain::reason::is_chinese;

/// A mistake in a TOML file: line and column, and what is wrong.
pub fn in_toml(text: &str, error: &toml::de::Error) -> String {
    let wrong = in_chinese(error.message());
    match error.span() {
        Some(Range { start, .. }) => {
            let before = text.get(..start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            format!("第 {line} 行第 {column} 列：{wrong}")
        }
        None => wrong,
    }
}

/// What serde and its formats say of a value that doesn't fit.
///
/// ```
/// use zoufang::settings::mistakes::in_chinese;
/// let said = in_chinese("unknown variant `closd`, expected one of `closed`, `open`");
/// assert_eq!(said, "不能写「closd」，可以写：closed、open；是不是「closed」？");
/// ```
pub fn in_chinese(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let nearest = |given: &str, allowed: &[&str]| {
        let near = nearest(given, allowed.iter().copied());
        near.map(|near| format!("；是不是「{near}」？")).unwrap_or_default()
    };
    match (&quoted[..], message) {
        ([given, allowed @ ..], said) if said.starts_with("unknown variant") => {
            format!("不能写「{given}」，可以写：{}{}", allowed.join("、"), nearest(given, allowed))
        }
        ([given, allowed @ ..], said) if said.starts_with("unknown field") => {
            format!(
                "没有「{given}」这一项，可以写：{}{}",
                allowed.join("、"),
                nearest(given, allowed)
            )
        }
        ([field], said) if said.starts_with("missing field") => format!("缺少「{field}」这一项"),
        ([field], said) if said.starts_with("duplicate") => format!("「{field}」写了两次"),
        (_, said) if said.starts_with("invalid type") || said.starts_with("invalid value") => {
            wrong_type(said).unwrap_or_else(|| unread(said))
        }
        (_, said) => unread(said),
    }
}

/// The same without the value that was written, which is the first that is quoted.
///
/// ```
/// use zoufang::settings::mistakes::without_value;
/// assert_eq!(without_value("「geheim」的类型不对，应写整数"), "写的值的类型不对，应写整数");
/// assert_eq!(without_value("不能写「ja」，可以写：a、b；是不是「a」？"), "不能写这样的值，可以写：a、b");
/// ```
pub fn without_value(said: &str) -> String {
    // The nearest tells of it too.
    let said = said.split("；是不是「").next().unwrap_or_default();
    let ends = ["」的类型不对", "」不是", "」，", "」"];
    let cut = said.split_once('「').and_then(|(before, rest)| {
        let at = ends.iter().find_map(|end| rest.rfind(end))?;
        Some((before, &rest[at + '」'.len_utf8()..]))
    });
    match cut {
        Some(("", rest)) => format!("写的值{rest}"),
        Some((before, rest)) => format!("{before}这样的值{rest}"),
        None if said.contains('「') => "写的值不对".to_owned(),
        None => said.to_owned(),
    }
}

/// The one of `known` that is nearest to what was written, where any is near.
pub fn nearest<'k>(given: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let far = |known: &&str| strsim::damerau_levenshtein(known, given);
    known.min_by_key(far).filter(|near| far(near) <= given.chars().count().div_ceil(2))
}

/// `invalid type: integer `3`, expected a map` and its like.
fn wrong_type(said: &str) -> Option<String> {
    let (given, expected) = said.split_once(": ")?.1.split_once(", expected ")?;
    let value = given.split(['`', '"']).nth(1).map(|value| format!("「{value}」"));
    let kinds = [
        ("map", "表，如 { 名称 = \"值\" }"),
        ("struct", "表，如 { 名称 = \"值\" }"),
        ("sequence", "列表，如 [\"值\", \"值\"]"),
        ("string", "引号里的文字"),
        ("bool", "true 或 false"),
        ("unsigned", "不小于 0 的整数"),
        ("usize", "不小于 0 的整数"),
        ("u32", "不小于 0 的整数"),
        ("integer", "整数"),
        ("float", "数"),
    ];
    let kind = kinds.iter().find(|(name, _)| expected.contains(name)).map(|(_, kind)| *kind)?;
    Some(format!("{}的类型不对，应写{kind}", value.unwrap_or_else(|| "写的值".to_owned())))
}

/// What TOML's reader says of what isn't TOML.
const TOML: &[(&str, &str)] = &[
    ("string values must be quoted", "文字要写在引号里，如 \"值\""),
    ("missing opening quote", "文字要写在引号里，如 \"值\""),
    ("invalid basic string", "引号没有配对，或文字换了行"),
    ("invalid literal string", "引号没有配对，或文字换了行"),
    ("invalid string", "引号没有配对，或文字里有不能用的字"),
    ("missing value", "等号后面没有写值"),
    ("key with no value", "少了等号和值，应写成 名称 = 值"),
    ("expected `=`", "少了等号，应写成 名称 = 值"),
    ("extra `=`", "多了一个等号"),
    ("unclosed table", "方括号没有配对"),
    ("unclosed array", "列表的方括号没有配对"),
    ("unclosed inline table", "花括号没有配对"),
    ("invalid table header", "表头写得不对，应写成 [名称]"),
    ("invalid array", "列表写得不对，应写成 [\"值\", \"值\"]"),
    ("invalid inline table", "表写得不对，应写成 { 名称 = \"值\" }"),
    ("invalid key", "名称写得不对，只能用字母、数字、下划线和连字符"),
    ("invalid escape", "反斜杠后面的字不对，路径请用单引号"),
    ("invalid date", "日期要写成 2022-03-01"),
    ("invalid time", "时间要写成 08:30"),
    ("leading zero", "数前面不能有 0"),
    ("unexpected key or value", "一行里多写了内容，或少了换行"),
    ("expected newline", "一行里多写了内容，或少了换行"),
    ("unquoted", "文字要写在引号里，如 \"值\""),
    ("failed to parse date", "日期要写成 2022-03-01"),
    ("failed to parse", "日期或时间要写成 2022-03-01、08:30"),
    ("number too large", "数太大"),
    ("out of range", "数太大或太小"),
    ("duplicate key", "同一项写了两次"),
];

/// What is said in no form that is known here isn't for whoever writes the file: where it stands is.
fn unread(said: &str) -> String {
    if is_chinese(said) {
        return said.to_owned();
    }
    let known = TOML.iter().find(|(english, _)| said.contains(english));
    known.map_or("看不懂这里的写法".to_owned(), |(_, chinese)| (*chinese).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_said_in_chinese() {
        for (said, chinese) in [
            ("missing field `statuses`", "缺少「statuses」这一项"),
            (
                "invalid type: integer `3`, expected a map",
                "「3」的类型不对，应写表，如 { 名称 = \"值\" }",
            ),
            (
                "invalid type: string \"ja\", expected a boolean",
                "「ja」的类型不对，应写true 或 false",
            ),
            ("「soon」不是时间长度", "「soon」不是时间长度"),
            ("string values must be quoted", "文字要写在引号里，如 \"值\""),
            ("something new", "看不懂这里的写法"),
        ] {
            assert_eq!(in_chinese(said), chinese);
        }
        let unknown = in_chinese("unknown field `cod`, expected `code` or `value`");
        assert_eq!(unknown, "没有「cod」这一项，可以写：code、value；是不是「code」？");
    }

    #[test]
    fn a_mistake_in_toml_says_its_line_and_column() {
        let text = "甲 = 1\n乙 = ";
        let error = text.parse::<toml::Table>().map(|_| String::new());
        let said = error.unwrap_or_else(|error| in_toml(text, &error));
        assert!(said.starts_with("第 "), "{said}");
    }
}
