//! JSON that isn't quite, as many a server writes it and most readers take it.

/// A text in which what JSON doesn't know is written as JSON has it: control characters, unknown escapes and half characters
/// within texts; NaN and Infinity, which say no number; and a comma behind the last of several.
pub(super) fn mended(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find('"') {
        outside(&rest[..begin], &mut out);
        let end = begin + 1 + length(&rest[begin + 1..]);
        out.push('"');
        within(&rest[begin + 1..end], &mut out);
        let closes = rest[end..].starts_with('"');
        if closes {
            out.push('"');
        }
        rest = &rest[end + usize::from(closes)..];
    }
    outside(rest, &mut out);
    out
}

/// How long a text is, up to the quotation mark that ends it.
fn length(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

fn outside(part: &str, out: &mut String) {
    let mut rest = part;
    while let Some(next) = rest.chars().next() {
        let none = ["-Infinity", "Infinity", "NaN"].into_iter().find(|name| rest.starts_with(name));
        if let Some(name) = none {
            out.push_str("null");
            rest = &rest[name.len()..];
            continue;
        }
        rest = &rest[next.len_utf8()..];
        let is_last = next == ',' && rest.trim_start().starts_with([']', '}']);
        if !is_last {
            out.push(next);
        }
    }
}

fn within(part: &str, out: &mut String) {
    let mut rest = part;
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        match next {
            '\\' => rest = escape(rest, out),
            next if next < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(next))),
            next => out.push(next),
        }
    }
}

/// An escape, without the character that opens it; what follows.
fn escape<'t>(rest: &'t str, out: &mut String) -> &'t str {
    match rest.chars().next() {
        Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => {
            out.push('\\');
            out.push_str(&rest[..1]);
            &rest[1..]
        }
        Some('\'') => rest,
        Some('u') => match unit(&rest[1..]) {
            Some(high @ 0xd800..=0xdbff) => match rest[5..].strip_prefix("\\u").and_then(unit) {
                Some(low @ 0xdc00..=0xdfff) => {
                    out.push_str(&format!("\\u{high:04x}\\u{low:04x}"));
                    &rest[11..]
                }
                _ => lost(&rest[5..], out),
            },
            Some(0xdc00..=0xdfff) => lost(&rest[5..], out),
            Some(unit) => {
                out.push_str(&format!("\\u{unit:04x}"));
                &rest[5..]
            }
            None => literal(rest, out),
        },
        _ => literal(rest, out),
    }
}

/// The four digits of a unit of UTF-16.
fn unit(text: &str) -> Option<u16> {
    let digits = text.get(..4).filter(|four| four.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

/// Half of a character.
fn lost<'t>(rest: &'t str, out: &mut String) -> &'t str {
    out.push(char::REPLACEMENT_CHARACTER);
    rest
}

/// It opened no escape.
fn literal<'t>(rest: &'t str, out: &mut String) -> &'t str {
    out.push_str("\\\\");
    rest
}
