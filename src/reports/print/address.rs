//! Where a resident's page is found, for the code on their household's card: the one place here that makes its address. The page that
//! answers to it knows the same letters.

use crate::seal::Sealer;

/// Letters that nobody takes for others (Crockford's base 32), and how many of them make a code.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LONG: usize = 8;

/// The address of the page of a household's residents, under the address at which the service is reached.
pub fn resident_page(sealer: &Sealer, base: &str, number: &str) -> String {
    let digest = sealer.index(&["card", number]);
    let letter = |pair: &[u8]| {
        let byte =
            std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        byte.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]))
    };
    let code: String = digest.as_bytes().chunks(2).take(LONG).filter_map(letter).collect();
    format!("{}/card/{}/{code}", base.trim_end_matches('/'), escaped(number))
}

/// A number as a part of an address.
fn escaped(number: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    number
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
