//! A text as one cell of a workbook takes it.

use std::borrow::Cow;

/// So much text a cell takes, in UTF-16 units (ECMA-376; a longer one makes the whole file unreadable).
const MOST: usize = 32_767;
/// What is said where a text was cut.
const CUT: &str = "……（太长，一格放不下，后面的没有写出；全文请在程序里查看）";

/// The text, or where it's longer than a cell takes, as much of it as fits, which is said at its end.
pub fn fitted(text: &str) -> Cow<'_, str> {
    let units = |text: &str| text.chars().map(char::len_utf16).sum::<usize>();
    // No text has more units than bytes.
    if text.len() <= MOST || units(text) <= MOST {
        return Cow::Borrowed(text);
    }
    let mut room = MOST - units(CUT);
    let fits = |c: &char| match room.checked_sub(c.len_utf16()) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let kept: String = text.chars().take_while(fits).collect();
    Cow::Owned(kept + CUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_a_cell_ends_and_says_so() {
        let whole = "路".repeat(MOST);
        assert_eq!(fitted(&whole), whole);
        for over in ["路".repeat(MOST + 1), "𠮷".repeat(MOST), format!("a{}", "𠮷".repeat(MOST))]
        {
            let cut = fitted(&over);
            assert!(cut.ends_with(CUT));
            let units = cut.encode_utf16().count();
            assert!((MOST - 1..=MOST).contains(&units), "{units}");
        }
    }
}
