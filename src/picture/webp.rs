//! WebP (RFC 9649): chunks in a RIFF. Those stay that draw the picture and say how colours are meant.

use super::exif;
use super::parts::{Bytes, Cleaned, Unusable};

/// Of the extended header: that Exif and XMP follow.
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;

pub fn cleaned(bytes: &[u8]) -> Cleaned {
    let mut rest = Bytes(bytes);
    rest.take(4)?;
    let length = u32::from_le_bytes(rest.array()?) as usize;
    let mut rest = Bytes(rest.take(length)?);
    rest.take(4)?;
    let (mut kept, mut size, mut drawn, mut side) = (Vec::new(), None, None, 1);
    while !rest.0.is_empty() {
        let kind = rest.array::<4>()?;
        let length = u32::from_le_bytes(rest.array()?) as usize;
        let body = rest.take(length)?;
        if length % 2 == 1 {
            // The last may lack what fills it up.
            let _ = rest.byte();
        }
        match &kind {
            b"VP8X" => size = Some(canvas(body)?),
            b"VP8 " => drawn = Some(lossy(body)?),
            b"VP8L" => drawn = Some(lossless(body)?),
            b"ANIM" | b"ANMF" => return Err(Unusable::Moves),
            b"EXIF" => side = exif::orientation(body),
            _ => {}
        }
        if [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP"].contains(&&kind) {
            put(&mut kept, &kind, body);
        }
    }
    let drawn = drawn.ok_or(Unusable::Broken)?;
    // Where there's room for it.
    let exif = exif::only(side).filter(|_| kept.starts_with(b"VP8X"));
    if kept.starts_with(b"VP8X") {
        kept[8] &= !(HAS_EXIF | HAS_XMP);
        kept[8] |= if exif.is_some() { HAS_EXIF } else { 0 };
    }
    if let Some(tiff) = exif {
        put(&mut kept, b"EXIF", &tiff);
    }
    let mut whole = Vec::with_capacity(kept.len() + 12);
    whole.extend(b"RIFF");
    whole.extend(u32::try_from(kept.len() + 4).unwrap_or(u32::MAX).to_le_bytes());
    whole.extend(b"WEBP");
    whole.extend(kept);
    Ok((whole, size.unwrap_or(drawn)))
}

/// An extended header's size.
fn canvas(body: &[u8]) -> Result<(u32, u32), Unusable> {
    let mut body = Bytes(body);
    body.take(4)?;
    let mut side = || -> Result<u32, Unusable> {
        Ok(u32::from_le_bytes([body.byte()?, body.byte()?, body.byte()?, 0]) + 1)
    };
    Ok((side()?, side()?))
}

/// A key frame's size (RFC 6386, 9.1).
fn lossy(body: &[u8]) -> Result<(u32, u32), Unusable> {
    let mut body = Bytes(body);
    let is_key = body.array::<3>()?[0] & 1 == 0;
    if !is_key || body.array::<3>()? != [0x9D, 0x01, 0x2A] {
        return Err(Unusable::Broken);
    }
    let mut side =
        || -> Result<u32, Unusable> { Ok(u32::from(u16::from_le_bytes(body.array()?) & 0x3FFF)) };
    Ok((side()?, side()?))
}

fn lossless(body: &[u8]) -> Result<(u32, u32), Unusable> {
    let mut body = Bytes(body);
    if body.byte()? != 0x2F {
        return Err(Unusable::Broken);
    }
    let bits = u32::from_le_bytes(body.array()?);
    Ok(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
}

fn put(kept: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    kept.extend(kind);
    kept.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    kept.extend_from_slice(body);
    if body.len() % 2 == 1 {
        kept.push(0);
    }
}
