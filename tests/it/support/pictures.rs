//! Photos as a telephone makes them: small, with a place written beside the picture.

/// Where they were taken, which nothing that's kept says.
pub const PLACE: &str = "GPS 34.81N 117.21E";

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, marker], &length[..], body].concat()
}

/// A photo; another one for each `what`.
pub fn photo(what: u8) -> Vec<u8> {
    let exif = [
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
        PLACE.as_bytes(),
    ];
    [
        vec![0xFF, 0xD8],
        segment(0xE1, &exif.concat()),
        segment(0xFE, PLACE.as_bytes()),
        segment(0xDB, &[1; 65]),
        segment(0xC0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]),
        segment(0xC4, &[0; 20]),
        segment(0xDA, &[1, 1, 0, 0, 63, 0]),
        vec![what, 1, 2, 3, 0xFF, 0xD9],
    ]
    .concat()
}
