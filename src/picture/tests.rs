//! Pictures of each kind with all that telephones put beside them.

use proptest::prelude::*;

use super::*;

/// Where it was taken, in words that are looked for.
const PLACE: &[u8] = b"GPS 34.81N 117.21E";

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, marker], &length[..], body].concat()
}

/// Exif with which side is up, in either order of bytes, and a place behind it.
fn tiff(big: bool, side: u8) -> Vec<u8> {
    let mut tiff = if big { b"MM\0*\0\0\0\x08".to_vec() } else { b"II*\0\x08\0\0\0".to_vec() };
    let (two, four) = (
        |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() },
        |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() },
    );
    tiff.extend(two(2));
    for (tag, kind, value) in [(0x0112, 3, u32::from(side)), (0x8825, 4, 38)] {
        tiff.extend([two(tag), two(kind)].concat());
        tiff.extend(four(1));
        match kind {
            3 => tiff.extend([two(u16::from(side)), two(0)].concat()),
            _ => tiff.extend(four(value)),
        }
    }
    tiff.extend(four(0));
    tiff.extend(PLACE);
    tiff
}

fn jpeg(side: u8) -> Vec<u8> {
    let exif = [b"Exif\0\0", &tiff(side.is_multiple_of(2), side)[..]].concat();
    let preview = [b"JFIF\0\x01\x02\0\0\x48\0\x48\x01\x01", &[9, 9, 9][..]].concat();
    [
        vec![0xFF, 0xD8],
        segment(0xE0, &preview),
        segment(0xE1, &exif),
        segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", PLACE].concat()),
        segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", &b"colours"[..]].concat()),
        segment(0xE2, &[b"MPF\0", PLACE].concat()),
        segment(0xED, &[b"Photoshop 3.0\0", PLACE].concat()),
        segment(0xFE, PLACE),
        segment(0xDB, &[0; 65]),
        segment(0xC2, &[8, 0, 30, 0, 40, 1, 1, 0x11, 0]),
        segment(0xC4, &[0; 20]),
        segment(0xDA, &[1, 1, 0, 0, 0, 0]),
        vec![1, 2, 0xFF, 0, 3, 0xFF, 0xD0, 4],
        segment(0xC4, &[1; 20]),
        segment(0xDA, &[1, 1, 0, 1, 63, 0]),
        vec![5, 6, 7, 0xFF, 0xD9],
        [b"a film behind it ", PLACE].concat(),
    ]
    .concat()
}

fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(body);
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[..], kind, body, &sum.sum().to_be_bytes()].concat()
}

fn png(side: u8) -> Vec<u8> {
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &[0, 0, 0, 40, 0, 0, 0, 30, 8, 2, 0, 0, 0]),
        chunk(b"gAMA", &[0, 0, 177, 143]),
        chunk(b"tEXt", &[b"Comment\0", PLACE].concat()),
        chunk(b"eXIf", &tiff(true, side)),
        chunk(b"tIME", &[7, 230, 3, 5, 9, 30, 0]),
        chunk(b"IDAT", &[1, 2, 3]),
        chunk(b"IDAT", &[4, 5]),
        chunk(b"iTXt", PLACE),
        chunk(b"IEND", &[]),
        PLACE.to_vec(),
    ]
    .concat()
}

fn riff(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, content) in chunks {
        body.extend(*kind);
        body.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        body.extend(content);
        body.extend(vec![0; content.len() % 2]);
    }
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [b"RIFF", &length[..], &body].concat()
}

fn webp(side: u8) -> Vec<u8> {
    let frame = vec![0x10, 0, 0, 0x9D, 0x01, 0x2A, 40, 0, 30, 0, 7];
    let canvas = vec![0x2C, 0, 0, 0, 39, 0, 0, 29, 0, 0];
    let mut whole = riff(&[
        (b"VP8X", canvas),
        (b"ICCP", b"colours".to_vec()),
        (b"VP8 ", frame),
        (b"EXIF", tiff(false, side)),
        (b"XMP ", PLACE.to_vec()),
    ]);
    whole.extend(PLACE);
    whole
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn only_the_picture_stays_and_which_side_is_up() {
    for (kind, make) in [
        ("image/jpeg", jpeg as fn(u8) -> Vec<u8>),
        ("image/png", png as fn(u8) -> Vec<u8>),
        ("image/webp", webp as fn(u8) -> Vec<u8>),
    ] {
        for side in 1..=8 {
            let before = make(side);
            assert!(holds(&before, PLACE));
            let picture = cleaned(&before).unwrap();
            assert_eq!((picture.media_type, picture.width, picture.height), (kind, 40, 30));
            for part in [PLACE, b"GPS", b"Photoshop", b"xap", b"film", &[0x88, 0x25], &[0x25, 0x88]]
            {
                assert!(!holds(&picture.bytes, part), "{kind}: {part:?}");
            }
            // Still with its side, and its colours; cleaned again it's the same.
            let sideways = if side == 1 { None } else { exif::only(side) };
            assert_eq!(holds(&picture.bytes, b"MM\0*"), sideways.is_some(), "{kind} {side}");
            assert!(sideways.is_none_or(|tiff| holds(&picture.bytes, &tiff)), "{kind} {side}");
            assert!(kind == "image/png" || holds(&picture.bytes, b"colours"));
            assert_eq!(cleaned(&picture.bytes).as_ref(), Ok(&picture));
        }
    }
    // What draws it is there to the last byte.
    let scans: &[u8] = &[1, 2, 0xFF, 0, 3, 0xFF, 0xD0, 4, 0xFF, 0xC4];
    assert!(holds(&cleaned(&jpeg(1)).unwrap().bytes, scans));
    assert!(cleaned(&jpeg(1)).unwrap().bytes.ends_with(&[5, 6, 7, 0xFF, 0xD9]));
}

#[test]
fn what_is_no_picture_is_refused_with_its_reason() {
    let cut = |bytes: Vec<u8>, off: usize| bytes[..bytes.len() - off].to_vec();
    let huge = [0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 8, 2, 0, 0, 0];
    let huge = [&png(1)[..8], &chunk(b"IHDR", &huge), &chunk(b"IDAT", &[0]), &chunk(b"IEND", &[])];
    let mut damaged = png(1);
    damaged[40] ^= 1;
    for (bytes, why) in [
        (b"".to_vec(), Unusable::NoPicture),
        (b"<svg onload=alert(1)>".to_vec(), Unusable::NoPicture),
        (b"GIF89a\x01\0\x01\0".to_vec(), Unusable::NoPicture),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(), Unusable::NotForBrowsers),
        (b"\xFF\xD8\xFF\xE0 a lamp that is out".to_vec(), Unusable::Broken),
        (b"\xFF\xD8\xFF\xD9".to_vec(), Unusable::Broken),
        (cut(jpeg(1), 40), Unusable::Broken),
        (cut(png(1), 60), Unusable::Broken),
        (cut(webp(1), 60), Unusable::Broken),
        (damaged, Unusable::Broken),
        (huge.concat(), Unusable::TooManyPoints),
        (riff(&[(b"VP8X", vec![2; 10]), (b"ANIM", vec![0; 6])]), Unusable::Moves),
    ] {
        assert_eq!(cleaned(&bytes), Err(why), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn whatever_the_bytes_it_ends_well(
        kind in 0..3_usize, side in 0..=9_u8, at in any::<prop::sample::Index>(), bits in 1..=255_u8, length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = [jpeg, png, webp][kind](side);
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        bytes.truncate(length.index(bytes.len()) + 1);
        if let Ok(picture) = cleaned(&bytes) {
            prop_assert_eq!(cleaned(&picture.bytes), Ok(picture));
        }
    }
}
