//! What cameras write beside a picture (Exif 2.3, in TIFF's form): of all of it only which side is up is known, and kept.

use super::parts::{Bytes, Unusable};

/// TIFF's tag for which side is up, and its kind of number.
const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;
/// A directory has no more entries than that.
const MOST_ENTRIES: u16 = 512;

/// Which side is up, from 1 to 8; 1 where nothing says otherwise, or what is said can't be understood.
pub fn orientation(exif: &[u8]) -> u8 {
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    read(exif).ok().filter(|side| (1..=8).contains(side)).unwrap_or(1)
}

fn read(tiff: &[u8]) -> Result<u8, Unusable> {
    let big = match tiff.get(..4) {
        Some(b"MM\0*") => true,
        Some(b"II*\0") => false,
        _ => return Err(Unusable::Broken),
    };
    let short = |bytes: [u8; 2]| {
        if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    };
    let long = |bytes: [u8; 4]| {
        if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    let first = long(Bytes(&tiff[4..]).array()?) as usize;
    let mut entries = Bytes(tiff.get(first..).ok_or(Unusable::Broken)?);
    for _ in 0..short(entries.array()?).min(MOST_ENTRIES) {
        let (tag, kind) = (short(entries.array()?), short(entries.array()?));
        let (count, value) = (long(entries.array()?), entries.array::<4>()?);
        if (tag, kind, count) == (ORIENTATION, SHORT, 1) {
            return u8::try_from(short([value[0], value[1]])).map_err(|_| Unusable::Broken);
        }
    }
    Ok(1)
}

/// That side up and nothing else; nothing where it's as it stands.
pub fn only(side: u8) -> Option<[u8; 26]> {
    let tiff = [
        b'M', b'M', 0, b'*', 0, 0, 0, 8, // the directory follows at once
        0, 1, // of one entry
        0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, side, 0, 0, //
        0, 0, 0, 0, // and no other directory
    ];
    (side != 1).then_some(tiff)
}
