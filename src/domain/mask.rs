//! How personal data is shown where it needn't be known: logs, notices, other people's pages.

/// A name with all but its first character hidden.
///
/// ```
/// assert_eq!(zoufang::domain::mask::name("张三丰"), "张**");
/// ```
pub fn name(name: &str) -> String {
    let mut characters = name.chars();
    let first: String = characters.next().into_iter().collect();
    first + &"*".repeat(characters.count())
}

/// A contact with its middle hidden.
///
/// ```
/// assert_eq!(zoufang::domain::mask::contact("13812345678"), "138****5678");
/// assert_eq!(zoufang::domain::mask::contact("12345"), "*****");
/// ```
pub fn contact(contact: &str) -> String {
    let characters: Vec<char> = contact.chars().collect();
    match characters.len() {
        length if length >= 11 => {
            let head: String = characters[..3].iter().collect();
            let tail: String = characters[length - 4..].iter().collect();
            format!("{head}{}{tail}", "*".repeat(length - 7))
        }
        length => "*".repeat(length),
    }
}

/// A text of which only the first character is shown, and how long it is.
///
/// ```
/// assert_eq!(zoufang::domain::mask::text("路灯不亮"), "路…（4 字，已隐去）");
/// ```
pub fn text(text: &str) -> String {
    let first: String = text.chars().take(1).collect();
    format!("{first}…（{} 字，已隐去）", text.chars().count())
}

/// Whether it's what [`text`] made: a table that hides must not be taken for what it hid.
///
/// ```
/// use zoufang::domain::mask;
/// assert!(mask::is_hidden_text(&mask::text("路灯不亮")));
/// assert!(!mask::is_hidden_text("路灯不亮…（2 盏）"));
/// ```
pub fn is_hidden_text(text: &str) -> bool {
    let mut characters = text.chars();
    let after_first = characters.next().map_or("", |_| characters.as_str());
    after_first.starts_with("…（") && after_first.ends_with(" 字，已隐去）")
}

/// What was said by or about a resident, with their name, their contact and every long number hidden.
///
/// ```
/// assert_eq!(zoufang::domain::mask::said("已告知王建国，电话 13812345678", &["王建国"]), "已告知王**，电话 ***********");
/// ```
pub fn said(text: &str, names: &[&str]) -> String {
    let named = names.iter().filter(|known| known.chars().count() > 1);
    let text = named.fold(text.to_owned(), |text, known| text.replace(known, &name(known)));
    numbers(&text)
}

/// A text with every run of seven digits or more hidden: what others write back may quote a telephone
/// or identity number.
///
/// ```
/// assert_eq!(zoufang::domain::mask::numbers("电话 13812345678 无效, 2022-03-05"), "电话 *********** 无效, 2022-03-05");
/// ```
pub fn numbers(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut digits = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        if digits.len() >= 7 {
            masked.extend(std::iter::repeat_n('*', digits.len()));
        } else {
            masked.push_str(&digits);
        }
        digits.clear();
        masked.push(character);
    }
    masked.pop();
    masked
}
