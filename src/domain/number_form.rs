//! The platform's numbers, in whichever form it writes them: what went through a spreadsheet or a number's type comes back without
//! its leading zeros or as a fraction, and another program of the same platform writes a GUID in capitals.

/// What is the same in every form of a number: 0001001, 1001 and 1001.0; a GUID or letters before digits in whichever case. Of
/// other numbers nothing is known: `None`, as ab1 and aB1 may be two.
///
/// ```
/// use zoufang::domain::number_form::plain;
/// assert_eq!(plain("0001001"), plain("1001.0"));
/// assert_eq!(plain("SR-1001"), plain("sr-1001"));
/// assert_eq!(plain("aB3xQ"), None);
/// ```
pub fn plain(number: &str) -> Option<String> {
    let number = number.trim();
    let whole = number
        .split_once('.')
        .filter(|(_, rest)| only(rest, '0'))
        .map_or(number, |(whole, _)| whole);
    if is_digits(whole) {
        let significant = whole.trim_start_matches('0');
        return Some(if significant.is_empty() { "0" } else { significant }.to_owned());
    }
    (is_guid(number) || is_letters_then_digits(number)).then(|| number.to_ascii_lowercase())
}

/// Whether two are one number, perhaps in two forms.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || plain(one).is_some_and(|form| plain(other) == Some(form))
}

/// Of these, the one that is this number in another form; nothing where it's there itself, or where several are.
pub fn known_as<'k>(number: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let mut found = None;
    for known in known {
        if known == number {
            return None;
        }
        if is_same(known, number) && found.replace(known).is_some_and(|other| other != known) {
            return None;
        }
    }
    found
}

fn only(text: &str, letter: char) -> bool {
    !text.is_empty() && text.chars().all(|c| c == letter)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// 8-4-4-4-12 hexadecimal digits (RFC 9562, 4), or all 32 without dashes.
fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    (lengths == [8, 4, 4, 4, 12] || lengths == [32])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// SR-1001, GD20220310: one word in one case, then a count.
fn is_letters_then_digits(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = &text[..text.len() - digits.len()];
    let one_case = letters.bytes().all(|b| b.is_ascii_uppercase())
        || letters.bytes().all(|b| b.is_ascii_lowercase());
    !letters.is_empty() && one_case && is_digits(digits.trim_start_matches(['-', '_']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_several_forms() {
        for (one, other) in [
            ("0001001", "1001"),
            ("1001", "1001.0"),
            (" 1001", "1001.00"),
            ("000", "0"),
            ("SR-1001", "sr-1001"),
            ("GD20220310001", "gd20220310001"),
            ("3F2504E0-4F89-11D3-9A0C-0305E82C3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ] {
            assert!(is_same(one, other) && is_same(other, one), "{one} {other}");
        }
    }

    #[test]
    fn what_may_be_two_numbers_stays_two() {
        for (one, other) in [
            ("1001", "10010"),
            ("1001", "1001.5"),
            ("SR-1001", "SR-01001"),
            ("Sr1001", "SR1001"),
            ("aB3xQ", "ab3xq"),
            ("1001", "SR-1001"),
            ("1001.", "1001"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_number_is_known_in_one_other_form_only() {
        assert_eq!(known_as("1001", ["0001001", "7"]), Some("0001001"));
        assert_eq!(known_as("1001", ["0001001", "0001001"]), Some("0001001"));
        assert_eq!(known_as("1001", ["0001001", "01001"]), None, "two are");
        assert_eq!(known_as("1001", ["0001001", "1001"]), None, "it is there itself");
    }
}
