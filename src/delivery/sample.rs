//! How what another system wrote is shown where it wasn't understood: short, in one line, without numbers of people.

use crate::domain::mask;

/// As much of a text as is shown.
const SHOWN: usize = 24;

/// The beginning of a text, as it may be shown to whoever is to mend it.
pub(crate) fn sample(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = mask::numbers(&line);
    let mut shown: String = line.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    if line.chars().count() > SHOWN {
        shown.push('…');
    }
    shown
}
