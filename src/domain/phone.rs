//! Telephone numbers as people tell them.

/// What is wrong with the first of the numbers in a text that isn't a whole one: a mobile's 11 digits, 7 or 8 of a fixed line or
/// these with its area code. What isn't a number at all (邻居代转) is well.
///
/// ```
/// use zoufang::domain::phone::wrong;
/// assert_eq!(wrong("13800000001、0632-5510001"), None);
/// assert_eq!(wrong("邻居代转"), None);
/// assert_eq!(wrong("0632-5510001-801"), None);
/// assert!(wrong("138000000").is_some_and(|why| why.contains("有 9 位")));
/// assert!(wrong("138OOOO0001").is_some_and(|why| why.contains("字母")));
/// assert_eq!(wrong("wx_lol1380000"), None);
/// for card in ["370481198001011234", "37048119800101123X", "370481 19800101 123x"] {
///     assert!(wrong(card).is_some_and(|why| why.contains("身份证号") && !why.contains("1980")), "{card}");
/// }
/// for made_up in ["00000000000", "0000000", "11111111111", "000-0000-0000"] {
///     assert!(wrong(made_up).is_some_and(|why| why.contains("不是真的电话")), "{made_up}");
/// }
/// assert_eq!(wrong("88888888"), None);
/// ```
pub fn wrong(text: &str) -> Option<String> {
    if let Some(number) = apart(text).find(|number| has_letters_for_digits(number)) {
        let shown: String = number.chars().take(SHOWN).collect();
        return Some(format!(
            "「{shown}」里把字母当成了数字（O 和 0、I 或 l 和 1 很像）：请改成数字"
        ));
    }
    if let Some(number) = apart(text).find(|number| is_of_a_card(number)) {
        // Whose it is isn't shown.
        let shown: String = number.trim().chars().take(6).collect();
        return Some(format!(
            "「{shown}…」像是身份证号，不是电话：请改填电话，没有电话请留空；身份证号不要填在这里"
        ));
    }
    if let Some(number) = apart(text).find(|number| is_made_up(number)) {
        let shown: String = number.trim().chars().take(SHOWN).collect();
        return Some(format!("「{shown}」不是真的电话：请填上真正的号码，没有电话请留空"));
    }
    let number = apart(text).find(|number| is_broken(number))?;
    let count = number.chars().filter(char::is_ascii_digit).count();
    let shown: String = number.chars().take(SHOWN).collect();
    Some(format!(
        "「{shown}」有 {count} 位，不是完整的电话：手机号 11 位，固定电话 7、8 位或加区号；请核对，没有电话请留空"
    ))
}

/// The numbers in a text.
fn apart(text: &str) -> impl Iterator<Item = &str> {
    text.split(['、', ',', '，', ';', '；', '/'])
}

/// A mobile's number but for letters that look like digits.
fn has_letters_for_digits(number: &str) -> bool {
    let digit = |c: char| match c {
        'O' | 'o' => Some('0'),
        'I' | 'l' | '|' => Some('1'),
        c => c.is_ascii_digit().then_some(c),
    };
    let marks = |c: &char| !" -—".contains(*c);
    let digits: Option<String> = number.chars().filter(marks).map(digit).collect();
    let is_mobile = digits.is_some_and(|digits| digits.len() == 11 && digits.starts_with('1'));
    is_mobile && number.contains(|c: char| digit(c).is_some() && !c.is_ascii_digit())
}

/// An identity card's number: 17 digits and one more, or an X.
fn is_of_a_card(number: &str) -> bool {
    let bare: String = number.chars().filter(|c| !c.is_whitespace()).collect();
    let last = bare.len().saturating_sub(1);
    bare.len() == 18
        && bare.is_ascii()
        && bare.bytes().take(last).all(|byte| byte.is_ascii_digit())
        && bare.ends_with(|c: char| c.is_ascii_digit() || matches!(c, 'X' | 'x'))
}

/// What is written where a number must stand and there is none: zeros, one digit eleven times.
fn is_made_up(number: &str) -> bool {
    let marks = |c: char| c.is_ascii_digit() || c.is_whitespace() || "-—".contains(c);
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let all = |digit: char| digits.chars().all(|other| other == digit);
    let is_one_digit = digits.len() == 11 && digits.chars().next().is_some_and(all);
    number.chars().all(marks) && digits.len() >= 7 && (all('0') || is_one_digit)
}

/// So many characters of it are shown.
const SHOWN: usize = 30;

/// Numbers that only stand behind or below each other, parted as numbers are.
///
/// ```
/// use zoufang::domain::phone::parted;
/// assert_eq!(parted("13800000001\n13800000002"), "13800000001、13800000002");
/// assert_eq!(parted("138 0000 0001"), "138 0000 0001");
/// ```
pub fn parted(text: &str) -> std::borrow::Cow<'_, str> {
    let digits = |part: &str| part.chars().filter(char::is_ascii_digit).count();
    let parts: Vec<&str> = text.split_whitespace().collect();
    match parts.len() > 1 && parts.iter().all(|part| digits(part) >= 7) {
        true => parts.join("、").into(),
        false => text.into(),
    }
}

/// Without the extension behind a fixed line's number.
fn without_extension(number: &str) -> &str {
    match number.rsplit_once(['-', '—']) {
        Some((line, extension)) if (1..=5).contains(&extension.len()) && line.len() >= 7 => line,
        _ => number,
    }
}

fn is_broken(number: &str) -> bool {
    let is_mobile = number.trim_start_matches("+86").starts_with('1');
    let number = if is_mobile { number } else { without_extension(number) };
    let marks = |c: char| c.is_ascii_digit() || "+-()（）—.".contains(c);
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("86").filter(|rest| rest.len() == 11).unwrap_or(&digits);
    let is_whole = match digits.len() {
        7 | 8 => true,
        10 => digits.starts_with(['0', '4']),
        11 => digits.starts_with(['0', '1']),
        12 => digits.starts_with('0'),
        _ => false,
    };
    !digits.is_empty() && number.chars().all(marks) && !is_whole
}
