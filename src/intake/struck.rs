//! What is struck through in a workbook: whoever struck it out took it back, and whoever reads its cells alone doesn't see it.

use std::collections::HashSet;

use quick_xml::events::{BytesStart, Event};

use super::package::attribute;

/// Which formats of cells and which shared texts are struck through, in the order of their parts.
#[derive(Debug, Default)]
pub(super) struct Struck {
    fonts: HashSet<usize>,
    styles: HashSet<usize>,
    texts: HashSet<usize>,
    /// The lists that are open, the innermost last.
    within: Vec<String>,
    font: usize,
    style: usize,
    text: usize,
}

impl Struck {
    /// Whether a cell with this tag is shown struck through.
    pub fn is_style_of(&self, cell: &BytesStart<'_>) -> bool {
        let style = attribute(cell, "s").and_then(|style| style.parse().ok());
        style.is_some_and(|style: usize| self.styles.contains(&style))
    }

    /// Whether a part of a shared text is.
    pub fn is_text(&self, index: &str) -> bool {
        index.parse().is_ok_and(|index: usize| self.texts.contains(&index))
    }

    /// Goes through the fonts and the formats of cells.
    pub fn look_at_styles(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(tag) => {
                self.style_begins(tag);
                self.within.push(tag.local_name().as_ref().to_owned());
            }
            Event::Empty(tag) => {
                self.style_begins(tag);
                self.style_ends(tag.local_name().as_ref());
            }
            Event::End(tag) => {
                self.within.pop();
                self.style_ends(tag.local_name().as_ref());
            }
            _ => {}
        }
    }

    fn is_in(&self, list: &str) -> bool {
        self.within.iter().any(|open| open == list)
    }

    fn style_begins(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            "strike" if self.is_in("fonts") && is_on(tag) => {
                self.fonts.insert(self.font);
            }
            "xf" if self.is_in("cellXfs") => {
                let font = attribute(tag, "fontId").and_then(|font| font.parse().ok());
                if font.is_some_and(|font: usize| self.fonts.contains(&font)) {
                    self.styles.insert(self.style);
                }
            }
            _ => {}
        }
    }

    fn style_ends(&mut self, name: &str) {
        match name {
            "font" if self.is_in("fonts") => self.font += 1,
            "xf" if self.is_in("cellXfs") => self.style += 1,
            _ => {}
        }
    }

    /// Goes through the shared texts.
    pub fn look_at_texts(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "si" => self.text += 1,
                "strike" if is_on(tag) => {
                    self.texts.insert(self.text.saturating_sub(1));
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// Whether a tag says so: it may also say that it's not.
pub(super) fn is_on(tag: &BytesStart<'_>) -> bool {
    !attribute(tag, "val").is_some_and(|value| matches!(value.as_str(), "0" | "false"))
}
