//! Passwords: which ones are taken, and how guessing is slowed. Pure.

use std::time::Duration;

/// So many characters at the least and at the most.
pub const SHORTEST: usize = 8;
pub const LONGEST: usize = 64;
/// So many wrong ones in a row lock an account,
pub const WRONG: i64 = 5;
/// for so long; each further one does again.
pub const LOCKED_FOR: Duration = Duration::from_secs(15 * 60);

/// What everybody tries first.
const COMMON: &[&str] = &[
    "12345678",
    "123456789",
    "1234567890",
    "87654321",
    "11223344",
    "12341234",
    "password",
    "passw0rd",
    "qwertyui",
    "qwerty123",
    "abcd1234",
    "a1234567",
    "asdfghjk",
    "zxcvbnm1",
    "iloveyou",
    "woaini1314",
    "woaini520",
    "zoufang1",
    "zoufang123",
    "zoufang2022",
    "admin123",
    "administrator",
    "1q2w3e4r",
    "1qaz2wsx",
    "5201314520",
    "147258369",
];

/// What is known of whoever chooses: none of it makes a password.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    pub number: &'k str,
    pub phone: Option<&'k str>,
}

/// Whether a password is taken.
///
/// # Errors
/// Why it isn't, and what to choose.
///
/// ```
/// use zoufang::domain::password::{Known, check};
/// let known = Known { number: "Z6", phone: Some("10000000006") };
/// assert!(check("路灯 修好 三月", known).is_ok());
/// for weak in ["短", "12345678", "aaaaaaaa", "10000000006", "23456789"] {
///     assert!(check(weak, known).is_err(), "{weak}");
/// }
/// ```
pub fn check(password: &str, known: Known<'_>) -> Result<(), String> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(format!("密码至少 {SHORTEST} 个字符，可以是一句话"));
    }
    if length > LONGEST {
        return Err(format!("密码最多 {LONGEST} 个字符"));
    }
    let small = password.to_lowercase();
    let digits: String = small.chars().filter(char::is_ascii_digit).collect();
    let is_own = !known.number.is_empty() && small == known.number.to_lowercase()
        || known.phone.is_some_and(|phone| !phone.is_empty() && digits.contains(phone));
    if is_own {
        return Err("密码不能就是人员编号或手机号".to_owned());
    }
    if COMMON.contains(&small.as_str()) || is_of_few(&small) || is_a_run(&small) {
        return Err("这个密码太容易猜到，请换一个：比如几个不相干的词连在一起".to_owned());
    }
    Ok(())
}

/// Whether it's made of one or two characters.
fn is_of_few(text: &str) -> bool {
    let mut distinct: Vec<char> = text.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() < 3
}

/// Whether each character follows the one before, upward or downward.
fn is_a_run(text: &str) -> bool {
    let codes: Vec<i64> = text.chars().map(|c| i64::from(u32::from(c))).collect();
    [1, -1].iter().any(|step| codes.windows(2).all(|pair| pair[1] - pair[0] == *step))
}

/// For how long nobody may try after `wrong` wrong ones in a row.
pub const fn locked_for(wrong: i64) -> Option<Duration> {
    if wrong >= WRONG { Some(LOCKED_FOR) } else { None }
}
