//! Pictures as people's telephones make them, looked through before they're kept: whether it's one, whole, of a kind that every
//! browser shows; and nothing of it but the picture. Where and when and with what it was taken, a preview, words, a film
//! behind it: all of that is left out, and only what isn't known to be needed to show it is. The picture itself isn't made
//! anew (docs/decisions/0043).
//!
//! Knows bytes and nothing else.

mod exif;
mod jpeg;
mod parts;
mod png;
mod webp;

pub use parts::Unusable;

/// A picture, and nothing but that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
}

/// So many points a picture may have: telephones take up to a hundred million and some.
const MOST_POINTS: u64 = 120_000_000;

/// What is left of these bytes once all is left out that isn't the picture.
///
/// ```
/// use zoufang::picture::{Unusable, cleaned};
/// assert_eq!(cleaned(b"MZ"), Err(Unusable::NoPicture));
/// ```
///
/// # Errors
/// Why they can't be taken.
pub fn cleaned(bytes: &[u8]) -> Result<Picture, Unusable> {
    let (media_type, read) = match bytes {
        [0xFF, 0xD8, 0xFF, ..] => ("image/jpeg", jpeg::cleaned(bytes)),
        [0x89, b'P', b'N', b'G', ..] => ("image/png", png::cleaned(bytes)),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            ("image/webp", webp::cleaned(bytes))
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => return Err(Unusable::NotForBrowsers),
        _ => return Err(Unusable::NoPicture),
    };
    let (bytes, (width, height)) = read?;
    let points = u64::from(width) * u64::from(height);
    match points {
        0 => Err(Unusable::Broken),
        points if points > MOST_POINTS => Err(Unusable::TooManyPoints),
        _ => Ok(Picture { media_type, bytes, width, height }),
    }
}

#[cfg(test)]
mod tests;
