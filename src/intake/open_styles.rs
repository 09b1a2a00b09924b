//! The styles of an Open Document table: which hide a sheet, and which strike a text through, by themselves or by what they
//! come of.

use std::collections::HashMap;

use quick_xml::events::BytesStart;

use super::package::attribute;

const MOST_STYLES: usize = 100_000;
/// So many styles come of one another.
const DEEPEST: usize = 20;

/// What a style says of itself.
#[derive(Debug, Default)]
struct Style {
    parent: Option<String>,
    is_struck: Option<bool>,
    is_hidden: bool,
}

/// The styles by what they're for (a cell, a paragraph, a part of a text, a sheet) and their names.
#[derive(Debug, Default)]
pub(super) struct Styles {
    known: HashMap<(String, String), Style>,
    open: (String, String),
}

/// What a style is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Cell,
    Paragraph,
    Text,
    Sheet,
}

impl For {
    const fn family(self) -> &'static str {
        match self {
            For::Cell => "table-cell",
            For::Paragraph => "paragraph",
            For::Text => "text",
            For::Sheet => "table",
        }
    }
}

impl Styles {
    /// Notes what a tag says of a style.
    pub fn look_at(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            "style" | "default-style" => {
                let family = attribute(tag, "family").unwrap_or_default();
                self.open = (family, attribute(tag, "name").unwrap_or_default());
                if let Some(parent) = attribute(tag, "parent-style-name") {
                    self.note(|style| style.parent = Some(parent));
                }
            }
            "table-properties" if attribute(tag, "display").as_deref() == Some("false") => {
                self.note(|style| style.is_hidden = true);
            }
            "text-properties" => {
                // The style counts where it's said; the type may stand alone, as in a part of a text.
                let line = attribute(tag, "text-line-through-style")
                    .or_else(|| attribute(tag, "text-line-through-type"));
                if let Some(line) = line {
                    self.note(|style| style.is_struck = Some(line != "none"));
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, say: impl FnOnce(&mut Style)) {
        if self.known.len() < MOST_STYLES || self.known.contains_key(&self.open) {
            say(self.known.entry(self.open.clone()).or_default());
        }
    }

    fn get(&self, of: For, name: &str) -> Option<&Style> {
        self.known.get(&(of.family().to_owned(), name.to_owned()))
    }

    /// Whether a sheet of this style is hidden.
    pub fn hides(&self, name: &str) -> bool {
        self.get(For::Sheet, name).is_some_and(|style| style.is_hidden)
    }

    /// Whether what has this style is struck through.
    pub fn strikes(&self, of: For, name: &str) -> bool {
        let first = self.get(of, name);
        let mut line = std::iter::successors(first, |style| {
            style.parent.as_deref().and_then(|parent| self.get(of, parent))
        });
        line.by_ref().take(DEEPEST).find_map(|style| style.is_struck).unwrap_or(false)
    }
}
