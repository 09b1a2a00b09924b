//! What a table says of something that is kept: nothing, that it's blank, or what it is. A column that isn't there changes
//! nothing; a blank over something known is asked about.

use serde::{Deserialize, Serialize};

/// What is said of something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(
    from = "Kept<T>",
    into = "Kept<T>",
    bound(serialize = "T: Clone + Serialize", deserialize = "T: Deserialize<'de>")
)]
pub enum Told<T> {
    /// Nothing: what is known stays.
    #[default]
    Nothing,
    /// A blank: well where nothing is known.
    Blank,
    /// That it's gone, by whoever knows.
    Cleared,
    Is(T),
}

/// As it's kept with a long file's pieces; before there were blanks, a text or null.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept<T> {
    Word(Word),
    Text(Option<T>),
}

#[derive(Serialize, Deserialize)]
enum Word {
    #[serde(rename = "\u{0}blank")]
    Blank,
    #[serde(rename = "\u{0}cleared")]
    Cleared,
}

impl<T> From<Kept<T>> for Told<T> {
    fn from(kept: Kept<T>) -> Told<T> {
        match kept {
            Kept::Word(Word::Blank) => Told::Blank,
            Kept::Word(Word::Cleared) => Told::Cleared,
            Kept::Text(Some(text)) => Told::Is(text),
            Kept::Text(None) => Told::Nothing,
        }
    }
}

impl<T> From<Told<T>> for Kept<T> {
    fn from(told: Told<T>) -> Kept<T> {
        match told {
            Told::Nothing => Kept::Text(None),
            Told::Blank => Kept::Word(Word::Blank),
            Told::Cleared => Kept::Word(Word::Cleared),
            Told::Is(text) => Kept::Text(Some(text)),
        }
    }
}

impl<T: Clone> Told<T> {
    /// What is known then; nothing where a blank stands over something known.
    pub fn over(&self, known: Option<&T>) -> Option<Option<T>> {
        match (self, known) {
            (Told::Nothing, known) => Some(known.cloned()),
            (Told::Blank, Some(_)) => None,
            (Told::Blank | Told::Cleared, _) => Some(None),
            (Told::Is(text), _) => Some(Some(text.clone())),
        }
    }

    /// What was said, of something new.
    pub fn of_new(&self) -> Option<T> {
        match self {
            Told::Is(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The same, with blanks meant.
    #[must_use]
    pub fn cleared(self) -> Told<T> {
        match self {
            Told::Blank => Told::Cleared,
            told => told,
        }
    }
}

/// What is asked where a blank stands over something known.
pub fn blank_over(what: &str) -> String {
    format!(
        "{what}原来登记过，这里是空的：不改的话请删掉这一列或填上原来的，确实要清掉请在导入命令后加 --clear"
    )
}
