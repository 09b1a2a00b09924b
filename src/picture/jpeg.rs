//! JPEG (ITU-T T.81): a row of segments, each with its marker. Those stay that draw the picture; of what programs add (segments
//! of their own, comments) only how colours are meant and which side is up.

use super::exif;
use super::parts::{Bytes, Cleaned, Unusable};

const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;

/// What is read of a picture.
struct Picture {
    kept: Vec<u8>,
    side: u8,
    size: Option<(u32, u32)>,
    scans: usize,
}

pub fn cleaned(bytes: &[u8]) -> Cleaned {
    let mut rest = Bytes(bytes);
    rest.take(2)?;
    let mut picture =
        Picture { kept: Vec::with_capacity(bytes.len()), side: 1, size: None, scans: 0 };
    loop {
        let marker = marker(&mut rest)?;
        if marker == END {
            break;
        }
        let length = usize::from(rest.short()?).checked_sub(2).ok_or(Unusable::Broken)?;
        picture.segment(marker, rest.take(length)?)?;
        if marker == SCAN {
            let drawn = drawn(rest.0)?;
            picture.kept.extend_from_slice(rest.take(drawn)?);
            picture.scans += 1;
        }
    }
    // What lies behind its end isn't the picture.
    let size = picture.size.filter(|_| picture.scans > 0).ok_or(Unusable::Broken)?;
    Ok((picture.whole(), size))
}

/// The next segment's marker; bytes that fill up may stand before it.
fn marker(rest: &mut Bytes<'_>) -> Result<u8, Unusable> {
    if rest.byte()? != 0xFF {
        return Err(Unusable::Broken);
    }
    loop {
        match rest.byte()? {
            0xFF => {}
            marker => return Ok(marker),
        }
    }
}

/// How long what a scan draws is: to the next marker that isn't one of its own.
fn drawn(bytes: &[u8]) -> Result<usize, Unusable> {
    let mut marks = bytes.windows(2).enumerate();
    let is_end = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF);
    marks.find(|(_, pair)| is_end(pair)).map(|(at, _)| at).ok_or(Unusable::Broken)
}

impl Picture {
    fn segment(&mut self, marker: u8, body: &[u8]) -> Result<(), Unusable> {
        match marker {
            // How large it is, and how it's drawn.
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let mut head = Bytes(body);
                head.byte()?;
                let (height, width) = (head.short()?, head.short()?);
                if self.size.replace((width.into(), height.into())).is_some() {
                    return Err(Unusable::Broken);
                }
                self.keep(marker, body);
            }
            // Tables, how often it begins anew, a scan.
            0xC4 | 0xCC | 0xDB | 0xDD | SCAN => self.keep(marker, body),
            // JFIF's densities, without its preview.
            0xE0 if body.starts_with(b"JFIF\0") && body.len() >= 14 => {
                self.keep(marker, &[&body[..12], &[0, 0]].concat());
            }
            0xE1 if body.starts_with(b"Exif\0\0") => self.side = exif::orientation(body),
            0xE2 if body.starts_with(b"ICC_PROFILE\0") => self.keep(marker, body),
            // Which colours the numbers are.
            0xEE if body.starts_with(b"Adobe") => self.keep(marker, body),
            // Programs' own, and comments.
            0xE0..=0xEF | 0xFE => {}
            _ => return Err(Unusable::Broken),
        }
        Ok(())
    }

    fn keep(&mut self, marker: u8, body: &[u8]) {
        put(&mut self.kept, marker, body);
    }

    fn whole(self) -> Vec<u8> {
        let mut whole = vec![0xFF, 0xD8];
        if let Some(tiff) = exif::only(self.side) {
            put(&mut whole, 0xE1, &[b"Exif\0\0", &tiff[..]].concat());
        }
        whole.extend(self.kept);
        whole.extend([0xFF, END]);
        whole
    }
}

fn put(whole: &mut Vec<u8>, marker: u8, body: &[u8]) {
    // It was as long when it was read.
    let length = u16::try_from(body.len() + 2).unwrap_or(u16::MAX);
    whole.extend([0xFF, marker]);
    whole.extend(length.to_be_bytes());
    whole.extend_from_slice(body);
}
