//! Numbers of platforms in addresses: whatever characters they have, they stay one number.

/// A text as one part of an address (RFC 3986, 2.3).
///
/// ```
/// assert_eq!(zoufang::platform::encode::encode("滕/7,8?"), "%E6%BB%95%2F7%2C8%3F");
/// ```
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Whether a text can stand as one part of a path: dots alone lead elsewhere, however they are written.
pub(super) fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
}
