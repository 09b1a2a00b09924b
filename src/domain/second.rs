//! A code that changes every half minute, by a secret that two share (TOTP, RFC 6238, as every authenticator on a telephone makes
//! them): six digits, HMAC-SHA-1, thirty seconds. Pure.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// A step of time, in milliseconds.
pub const STEP: i64 = 30_000;
/// So many steps before and after a clock may be off.
const OFF: i64 = 1;
const DIGITS: usize = 6;
/// So many bytes has a secret: as many as the digest (RFC 4226, 4).
pub const SECRET: usize = 20;

/// The code of a step of time.
pub fn code(secret: &[u8], step: i64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    // Four bytes from where the last one points (RFC 4226, 5.3).
    let at = usize::from(digest.last()? & 0xF);
    let four: [u8; 4] = digest.get(at..at + 4)?.try_into().ok()?;
    let number = u32::from_be_bytes(four) & 0x7FFF_FFFF;
    Some(format!("{:0DIGITS$}", number % 1_000_000))
}

/// The step of a code that is right at an instant and later than the last one that was taken: a code is good once.
pub fn accepted(secret: &[u8], given: &str, now_millis: i64, last_step: i64) -> Option<i64> {
    let given: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    let now = now_millis.div_euclid(STEP);
    let right = |step: &i64| *step > last_step && code(secret, *step).is_some_and(|c| c == given);
    (now - OFF..=now + OFF).find(right)
}

/// A secret as it's typed into an authenticator (RFC 4648, base 32).
pub fn written(secret: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for five in secret.chunks(5) {
        let mut bytes = [0; 8];
        bytes[3..3 + five.len()].copy_from_slice(five);
        let bits = u64::from_be_bytes(bytes);
        for place in 0..(five.len() * 8).div_ceil(5) {
            let letter = usize::try_from(bits >> (35 - 5 * place) & 31).unwrap_or(0);
            text.push(char::from(LETTERS[letter]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_THE_RFC: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, whose codes have eight digits: the last six.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(OF_THE_RFC, seconds / 30).unwrap(), expected, "{seconds}");
            let step = accepted(OF_THE_RFC, expected, seconds * 1_000, 0).unwrap();
            assert_eq!(step, seconds / 30);
            assert_eq!(accepted(OF_THE_RFC, expected, seconds * 1_000, step), None, "good once");
        }
    }

    #[test]
    fn a_clock_may_be_off_by_half_a_minute_and_no_more() {
        let code = code(OF_THE_RFC, 1_000).unwrap();
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        let taken = |step: i64| accepted(OF_THE_RFC, &spaced, step * STEP, 0).is_some();
        assert_eq!([998, 999, 1_000, 1_001, 1_002].map(taken), [false, true, true, true, false]);
        assert_eq!(accepted(OF_THE_RFC, "", 1_000 * STEP, 0), None);
    }

    #[test]
    fn a_secret_is_written_as_authenticators_read_it() {
        // RFC 4648, 10, without its filling.
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(written(bytes.as_bytes()), text);
        }
    }
}
