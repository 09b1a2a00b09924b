//! Codes that a telephone reads, as pictures within a page.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

/// The code of a text, with the quiet border that it needs; nothing where the text is too long for one.
///
/// ```
/// let svg = zoufang::reports::print::code_of("CHD2022-H0001").unwrap();
/// assert!(svg.starts_with("<svg") && !svg.contains("CHD2022"));
/// ```
pub fn code_of(text: &str) -> Option<String> {
    const BORDER: i32 = 4;
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size() + 2 * BORDER;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _ = write!(path, "M{},{}h1v1h-1z", x + BORDER, y + BORDER);
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0,0h{size}v{size}h-{size}z\"/><path d=\"{path}\"/></svg>"
    ))
}
