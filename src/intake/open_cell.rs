//! A cell of an Open Document table, as it's put together: what it shows, what it keeps, what is remarked on it.

use quick_xml::events::BytesStart;

use super::package::attribute;
use super::row::{Cell, Held};
use super::workbook::{UNCOMPUTED, number_cell, truth_cell};

/// A cell as it opens.
pub(super) struct Opened {
    pub columns: usize,
    pub spans: (usize, usize),
    value: Option<Cell>,
    /// What it says where nothing is shown.
    said: Option<String>,
    is_error: bool,
    has_formula: bool,
    is_typed: bool,
    text: String,
    paragraphs: usize,
    /// Within a note or a drawing.
    pub aside: usize,
    /// What somebody remarked on it, and whether that goes on.
    pub note: String,
    is_noted: bool,
    pub is_noting: bool,
    pub is_struck: bool,
}

/// Whether an element stands in a cell and is none of its text: a note, what is drawn over it, how it's read aloud.
pub(super) fn is_aside(name: &str) -> bool {
    let (space, local) = name.split_once(':').unwrap_or(("", name));
    matches!(space, "draw" | "dr3d" | "chart")
        || matches!(local, "annotation" | "shapes" | "frame" | "ruby-text" | "note")
}

/// How often something is repeated or how far it spans: no more than any table has rows.
pub(super) fn count(tag: &BytesStart<'_>, name: &str) -> usize {
    const MOST: usize = 1 << 21;
    let text = attribute(tag, name).unwrap_or_default();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().unwrap_or(MOST).clamp(1, MOST)
    } else {
        1
    }
}

impl Opened {
    pub fn of(tag: &BytesStart<'_>, is_struck: bool) -> Opened {
        // The type stands twice, once in the program's own name space.
        let (mut kind, mut is_error) = (String::new(), false);
        for attribute in tag.attributes().with_checks(false).flatten() {
            let value = AsRef::<str>::as_ref(&attribute.value);
            match AsRef::<str>::as_ref(&attribute.key) {
                "office:value-type" => kind = value.to_owned(),
                "calcext:value-type" => is_error |= value == "error",
                _ => {}
            }
        }
        let value = match kind.as_str() {
            "float" | "currency" | "percentage" => attribute(tag, "value")
                .and_then(|value| value.parse().ok())
                .map(|value| number_cell(value, None)),
            "date" => attribute(tag, "date-value")
                .map(|at| Cell::of(at.replace('T', " ")).held(Held::Time)),
            "boolean" => attribute(tag, "boolean-value").map(|is| truth_cell(is == "true")),
            _ => None,
        };
        Opened {
            columns: count(tag, "number-columns-repeated"),
            spans: (count(tag, "number-columns-spanned"), count(tag, "number-rows-spanned")),
            value,
            said: attribute(tag, "string-value").filter(|_| kind == "string"),
            is_error,
            has_formula: attribute(tag, "formula").is_some(),
            is_typed: !kind.is_empty(),
            text: String::new(),
            paragraphs: 0,
            aside: 0,
            note: String::new(),
            is_noted: false,
            is_noting: false,
            is_struck,
        }
    }

    /// A text, as it goes on, while there's room.
    pub fn say(&mut self, text: &str, room: usize) {
        if self.is_noting && self.note.len() < room {
            self.note.push_str(text);
        }
        if self.aside == 0 && self.paragraphs > 0 && self.text.len() < room {
            self.text.push_str(text);
        }
    }

    pub fn paragraph(&mut self) {
        if self.aside == 0 {
            if self.paragraphs > 0 {
                self.text.push('\n');
            }
            self.paragraphs += 1;
        } else if self.is_noted {
            self.note.push('\n');
            self.is_noting = true;
        }
    }

    pub fn spaces(&mut self, count: usize) {
        if self.aside == 0 {
            self.text.extend(std::iter::repeat_n(' ', count.min(100)));
        }
    }

    /// Something begins that is none of its text.
    pub fn aside_begins(&mut self, name: &str) {
        self.aside += 1;
        self.is_noted |= name == "annotation";
    }

    pub fn aside_ends(&mut self, name: &str) {
        self.aside = self.aside.saturating_sub(1);
        self.is_noted &= name != "annotation";
    }

    /// What it says: a number as it's shown, everything else by its value.
    pub fn cell(self) -> Cell {
        // A result that is an empty text has its paragraph.
        if self.has_formula && !self.is_typed && self.paragraphs == 0 {
            return Cell::flawed("", UNCOMPUTED);
        }
        if self.is_error {
            return Cell::error(self.text.trim());
        }
        let Some(value) = self.value else {
            let is_said = self.paragraphs == 0;
            return Cell::of(self.said.filter(|_| is_said).unwrap_or(self.text));
        };
        match value.held {
            Held::Number(number) if value.flaw.is_none() => as_shown(value, number, &self.text),
            _ => value,
        }
    }
}

/// A number with the zeros and letters that are shown with it; where other digits are shown, that is noted.
fn as_shown(value: Cell, number: f64, shown: &str) -> Cell {
    let shown = shown.trim();
    let same = |text: &str| text.parse() == Ok(number);
    let ungrouped = shown.replace([',', '\u{a0}', '\u{202f}', ' '], "");
    if shown.is_empty() || shown == value.text || same(&ungrouped) && ungrouped == value.text {
        return value;
    }
    let digits = |text: &str| -> String {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.trim_start_matches('0').to_owned()
    };
    let (of_shown, of_value) = (digits(shown), digits(&value.text));
    let is_whole = number.fract() == 0.0 && of_shown == of_value;
    if is_whole || shown.contains('.') && same(shown) {
        return Cell::of(shown).held(Held::Number(number));
    }
    value.held(Held::Disguised(number))
}
