//! A number as its cell shows it: zeros before it, letters around it, decimals; what can't be told is named.

/// How a cell shows numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NumberFormat {
    sections: Vec<Section>,
    /// How it shows texts, where otherwise than as they're kept.
    text: Option<String>,
}

/// What numbers of one sign are shown by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Section {
    Time,
    Digits(Vec<Token>),
    /// Percent, fractions, conditions: what is shown isn't worked out here.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(String),
    /// A digit that is always shown.
    Zero,
    /// A digit that is shown where there is one.
    Digit,
    Point,
    /// The number as it is.
    General,
}

/// A number as it's shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// As it's kept.
    Plain,
    As(String),
    /// Otherwise than it's kept.
    Unclear,
}

impl NumberFormat {
    pub fn of(code: &str) -> NumberFormat {
        let mut parts = split(code);
        let has_text = |part: &str| part.split('"').step_by(2).any(|outside| outside.contains('@'));
        let of_text = parts.last().filter(|last| parts.len() == 4 || has_text(last)).cloned();
        parts.truncate(3);
        let sections = parts.iter().map(|section| Section::of(section)).collect();
        NumberFormat { sections, text: of_text.filter(|text| text != "@") }
    }

    /// A text as it's shown: "H"@ shows H1 where 1 is kept.
    pub fn show_text(&self, text: &str) -> Shown {
        let Some(format) = &self.text else { return Shown::Plain };
        let (mut shown, mut rest, mut has_text) = (String::new(), format.as_str(), false);
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            let (more, left) = match c {
                '"' => after.split_once('"').unwrap_or((after, "")),
                '[' => ("", after.split_once(']').map_or("", |(_, rest)| rest)),
                '\\' | '!' => after.split_at(first_length(after)),
                '_' | '*' => ("", after.get(first_length(after)..).unwrap_or("")),
                '@' => (text, after),
                _ => rest.split_at(c.len_utf8()),
            };
            has_text |= c == '@';
            shown.push_str(more);
            rest = left;
        }
        match shown.trim() {
            // General and the like: no section for texts at all.
            _ if !has_text && shown.eq_ignore_ascii_case("general") => Shown::Plain,
            _ if !has_text => Shown::Unclear,
            shown if shown == text.trim() => Shown::Plain,
            shown => Shown::As(shown.to_owned()),
        }
    }

    /// The formats that have a number of their own.
    pub fn builtin(id: u16) -> NumberFormat {
        NumberFormat::of(match id {
            1 => "0",
            2 => "0.00",
            3 | 37 | 38 | 41 | 42 => "#,##0",
            4 | 39 | 40 | 43 | 44 => "#,##0.00",
            9 | 10 => "0%",
            11 | 48 => "0E+0",
            12 | 13 => "# ?/?",
            14..=22 | 27..=36 | 45 | 47 | 50..=58 => "yyyy-mm-dd",
            _ => "General",
        })
    }

    pub fn is_time(&self) -> bool {
        self.sections.first() == Some(&Section::Time)
    }

    /// Whether it shows every number as it's kept.
    pub fn is_plain(&self) -> bool {
        self.sections.iter().all(|section| match section {
            Section::Digits(tokens) => {
                tokens.iter().all(|token| matches!(token, Token::General))
                    || tokens.iter().all(|token| matches!(token, Token::Zero | Token::Digit))
                        && tokens.iter().filter(|token| **token == Token::Zero).count() <= 1
            }
            _ => false,
        })
    }

    pub fn show(&self, number: f64) -> Shown {
        let (index, minus) = match self.sections.len() {
            0 => return Shown::Plain,
            1 => (0, number < 0.0),
            2 => (usize::from(number < 0.0), false),
            _ if number == 0.0 => (2, false),
            _ => (usize::from(number < 0.0), false),
        };
        match &self.sections[index] {
            Section::Time => Shown::Plain,
            Section::Other => Shown::Unclear,
            Section::Digits(tokens) => show(tokens, number, minus),
        }
    }
}

/// The parts for numbers above, below and at zero, and for texts.
fn split(code: &str) -> Vec<String> {
    let (mut sections, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in code.chars() {
        if c == ';' && !quoted && !escaped {
            sections.push(String::new());
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = !escaped && !quoted && matches!(c, '\\' | '_' | '*' | '!');
        if let Some(last) = sections.last_mut() {
            last.push(c);
        }
    }
    sections.truncate(4);
    sections
}

impl Section {
    fn of(text: &str) -> Section {
        let (mut tokens, mut rest) = (Vec::new(), text);
        if text == "@" {
            return Section::Digits(vec![Token::General]);
        }
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            let starts = |word: &str| {
                rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            };
            rest = match c {
                '"' => {
                    let (text, rest) = after.split_once('"').unwrap_or((after, ""));
                    tokens.push(Token::Literal(text.to_owned()));
                    rest
                }
                '\\' | '!' => literal(&mut tokens, after),
                '_' | '*' => after.get(first_length(after)..).unwrap_or(""),
                '[' => {
                    let (text, rest) = after.split_once(']').unwrap_or((after, ""));
                    match text.strip_prefix('$') {
                        Some(of) => {
                            let of = of.split('-').next().unwrap_or("");
                            tokens.push(Token::Literal(of.to_owned()));
                        }
                        None if text.starts_with(['<', '>', '=']) || text.starts_with("DBNum") => {
                            return Section::Other;
                        }
                        None => {}
                    }
                    rest
                }
                '0' => push(&mut tokens, Token::Zero, after),
                '#' | '?' => push(&mut tokens, Token::Digit, after),
                '.' => push(&mut tokens, Token::Point, after),
                ',' if after.starts_with(['0', '#', '?']) => after,
                ',' | '%' | '/' | '@' => return Section::Other,
                _ if starts("General") => push(&mut tokens, Token::General, &rest[7..]),
                _ if starts("G/通用格式") => {
                    push(&mut tokens, Token::General, &rest["G/通用格式".len()..])
                }
                // Powers show less than is kept, as a narrow column does.
                'e' | 'E' if after.starts_with(['+', '-']) => {
                    return Section::Digits(vec![Token::General]);
                }
                'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' | 'e' | 'E' => {
                    return Section::Time;
                }
                _ => literal(&mut tokens, rest),
            };
        }
        Section::Digits(tokens)
    }
}

fn first_length(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

fn literal<'t>(tokens: &mut Vec<Token>, text: &'t str) -> &'t str {
    let (first, rest) = text.split_at(first_length(text));
    push(tokens, Token::Literal(first.to_owned()), rest)
}

fn push<'t>(tokens: &mut Vec<Token>, token: Token, rest: &'t str) -> &'t str {
    tokens.push(token);
    rest
}

fn show(tokens: &[Token], number: f64, minus: bool) -> Shown {
    let is_digit = |token: &Token| matches!(token, Token::Zero | Token::Digit);
    let plain = number.to_string();
    if !tokens.iter().any(|token| is_digit(token) || *token == Token::General) {
        return Shown::Unclear;
    }
    let point = tokens.iter().position(|token| *token == Token::Point).unwrap_or(tokens.len());
    let (before, after) = tokens.split_at(point);
    let decimals = after.iter().filter(|token| is_digit(token)).count();
    let value = number.abs();
    let has_general = tokens.contains(&Token::General);
    let digits = if has_general { value.to_string() } else { format!("{value:.decimals$}") };
    // What is rounded away would be lost.
    if digits.parse() != Ok(value) {
        return Shown::Plain;
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut text = if has_general {
        let shown = tokens.iter().map(|token| match token {
            Token::Literal(text) => text.as_str(),
            Token::General => digits.as_str(),
            _ => "",
        });
        shown.collect()
    } else {
        filled_before(before, whole) + &filled_after(after, fraction)
    };
    if minus {
        text.insert(0, '-');
    }
    let text = text.trim();
    if text == plain { Shown::Plain } else { Shown::As(text.to_owned()) }
}

/// Digits fill their places from the right; what is left stands before them.
fn filled_before(tokens: &[Token], whole: &str) -> String {
    let mut left: Vec<char> = whole.trim_start_matches('0').chars().collect();
    let mut places = tokens.iter().filter(|token| !matches!(token, Token::Literal(_))).count();
    let mut shown = Vec::new();
    for token in tokens.iter().rev() {
        match token {
            Token::Literal(text) => shown.push(text.clone()),
            _ => {
                places -= 1;
                let digit = left.pop().or((*token == Token::Zero).then_some('0'));
                let more = if places == 0 { std::mem::take(&mut left) } else { Vec::new() };
                shown.push(more.into_iter().chain(digit).collect());
            }
        }
    }
    shown.reverse();
    shown.concat()
}

fn filled_after(tokens: &[Token], fraction: &str) -> String {
    let mut digits = fraction.chars();
    let (mut shown, mut is_needed) = (Vec::new(), false);
    for token in tokens {
        match token {
            Token::Literal(text) => shown.push((text.clone(), false)),
            Token::Point => shown.push((".".to_owned(), true)),
            token => {
                let digit = digits.next().unwrap_or('0');
                let may_go = *token == Token::Digit && digits.as_str().bytes().all(|b| b == b'0');
                let is_zero = digit == '0' && may_go;
                is_needed |= !is_zero;
                shown.push((if is_zero { String::new() } else { digit.to_string() }, false));
            }
        }
    }
    let kept = shown.into_iter().filter(|(_, is_point)| is_needed || !is_point);
    kept.map(|(text, _)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_its_format_shows_it() {
        let shown = |text: &str| Shown::As(text.to_owned());
        for (code, expected) in [
            ("General", Shown::Plain),
            ("@", Shown::Plain),
            ("0", Shown::Plain),
            ("yyyy/m/d;@", Shown::Plain),
            ("_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)", Shown::Plain),
            ("\"H\"@", shown("H1")),
            ("0;0;0;\\H@", shown("H1")),
            ("@\"号\"", shown("1号")),
            ("0\"@\"", Shown::Plain),
            (";;;", Shown::Unclear),
        ] {
            assert_eq!(NumberFormat::of(code).show_text("1"), expected, "{code}");
        }
    }

    #[test]
    fn a_number_is_read_as_its_format_shows_it() {
        let shown = |text: &str| Shown::As(text.to_owned());
        for (code, number, expected) in [
            ("General", 51.0, Shown::Plain),
            ("G/通用格式", 51.5, Shown::Plain),
            ("@", 51.0, Shown::Plain),
            ("0", 51.0, Shown::Plain),
            ("#,##0", 1_234_567.0, Shown::Plain),
            ("0000", 7.0, shown("0007")),
            ("000", 12_345.0, Shown::Plain),
            ("\"杨桥\"00", 7.0, shown("杨桥07")),
            ("00\"户\"", 7.0, shown("07户")),
            ("[$-409]000", 7.0, shown("007")),
            ("000_)", 7.0, shown("007")),
            ("000;-000;;@", 7.0, shown("007")),
            ("00\"-\"00", 712.0, shown("07-12")),
            ("\\Y000", 7.0, shown("Y007")),
            ("000-000", 10_203.0, shown("010-203")),
            ("General\"号\"", 7.0, shown("7号")),
            ("0.00", 3.1, shown("3.10")),
            ("0.##", 3.1, Shown::Plain),
            ("0.##", 3.0, Shown::Plain),
            ("0", 3.4, Shown::Plain),
            ("0;(0)", -3.0, shown("(3)")),
            ("00", -3.0, shown("-03")),
            (";;;", 3.0, Shown::Unclear),
            ("0.00E+00", 370_481_111_200.0, Shown::Plain),
            ("0%", 3.0, Shown::Unclear),
            ("[>9]000;0", 3.0, Shown::Unclear),
        ] {
            assert_eq!(NumberFormat::of(code).show(number), expected, "{code} {number}");
        }
        for code in ["yyyy-mm-dd", "m\"月\"d\"日\"", "[$-804]aaaa;@", "h:mm"] {
            let is_time = NumberFormat::of(code).is_time();
            assert_eq!(is_time, !code.contains("aaaa"), "{code}");
        }
    }
}
