//! PNG (W3C, third edition): a row of chunks, each with its check sum. Those stay that draw the picture and say how colours are
//! meant; words, times and what cameras add go.

use flate2::Crc;

use super::exif;
use super::parts::{Bytes, Cleaned, Unusable};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What draws it, what its colours mean.
const KEPT: [&[u8; 4]; 10] =
    [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP"];

pub fn cleaned(bytes: &[u8]) -> Cleaned {
    let mut rest = Bytes(bytes.strip_prefix(SIGNATURE).ok_or(Unusable::Broken)?);
    let (mut whole, mut size, mut drawn) = (SIGNATURE.to_vec(), None, false);
    loop {
        let length = u32::from_be_bytes(rest.array()?) as usize;
        let (kind, body) = (rest.array::<4>()?, rest.take(length)?);
        if u32::from_be_bytes(rest.array()?) != sum(&kind, body)
            || (size.is_none() && &kind != b"IHDR")
        {
            return Err(Unusable::Broken);
        }
        match &kind {
            b"IHDR" if size.is_none() && length == 13 => {
                let mut head = Bytes(body);
                size = Some((u32::from_be_bytes(head.array()?), u32::from_be_bytes(head.array()?)));
            }
            b"IHDR" => return Err(Unusable::Broken),
            b"IDAT" => drawn = true,
            b"eXIf" => {
                if let Some(tiff) = exif::only(exif::orientation(body)).filter(|_| !drawn) {
                    put(&mut whole, b"eXIf", &tiff);
                }
            }
            b"IEND" => break,
            // One that a program must understand, and we don't.
            other if other[0].is_ascii_uppercase() && !KEPT.contains(&other) => {
                return Err(Unusable::Broken);
            }
            _ => {}
        }
        if KEPT.contains(&&kind) {
            put(&mut whole, &kind, body);
        }
    }
    put(&mut whole, b"IEND", &[]);
    let size = size.filter(|_| drawn).ok_or(Unusable::Broken)?;
    Ok((whole, size))
}

fn sum(kind: &[u8; 4], body: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(kind);
    sum.update(body);
    sum.sum()
}

fn put(whole: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    whole.extend(length.to_be_bytes());
    whole.extend(kind);
    whole.extend_from_slice(body);
    whole.extend(sum(kind, body).to_be_bytes());
}
