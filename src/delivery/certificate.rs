//! When a certificate ends: the one date that is wanted of it (RFC 5280, 4.1), for which a reader of the whole would add a
//! dozen crates to every build.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a certificate's validity.
pub fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = value(der).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, mut fields, _) = value(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    if let Some((VERSION, _, rest)) = value(fields) {
        fields = rest;
    }
    // The serial number, the algorithm, the issuer.
    for _ in 0..3 {
        (_, _, fields) = value(fields)?;
    }
    let (_, validity, _) = value(fields).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, _, after) = value(validity)?;
    let (tag, text, _) = value(after)?;
    instant(tag, std::str::from_utf8(text).ok()?)
}

/// A value's tag and content, and what comes behind it (X.690, 8.1).
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let add = |sum: usize, byte: &u8| sum.checked_mul(256)?.checked_add((*byte).into());
            (bytes.iter().try_fold(0, add)?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// 250101000000Z, which is of this century before 50; or 20500101000000Z.
fn instant(tag: u8, text: &str) -> Option<Timestamp> {
    let year = text.get(..2)?.parse::<u8>().ok()?;
    let whole = match tag {
        UTC_TIME if year < 50 => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let civil = DateTime::strptime("%Y%m%d%H%M%SZ", whole).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read_in_either_form() {
        for year in [2031, 2061] {
            let mut parameters = rcgen::CertificateParams::new(vec!["a.cn".to_owned()]).unwrap();
            parameters.not_after = rcgen::date_time_ymd(year, 3, 4);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = parameters.self_signed(&key).unwrap();
            let expected = format!("{year}-03-04T00:00:00Z").parse().unwrap();
            assert_eq!(not_after(certificate.der()), Some(expected));
        }
        assert_eq!(not_after(b"\x30\x03\x02\x01"), None);
    }
}
