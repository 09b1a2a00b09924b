//! The character set of an answer: by its first bytes, by configuration, by its header, by what XML says of itself, else UTF-8.

use encoding_rs::{Encoding, GB18030, UTF_8};

/// The character set that configuration gives; none where the answer itself is to say it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Charset {
    given: Option<&'static Encoding>,
    /// What is tried where all else doesn't fit.
    last: Option<&'static Encoding>,
}

impl Charset {
    /// By a name as people and servers write it; none for an empty one.
    ///
    /// # Errors
    /// Where nobody knows it.
    pub fn named(name: &str) -> Result<Charset, String> {
        if name.trim().is_empty() {
            return Ok(Charset::default());
        }
        let found = encoding(name).ok_or_else(|| {
            format!("没有「{name}」这个字符集：国内平台一般是 utf-8、gb18030 或 gbk")
        })?;
        Ok(Charset { given: Some(found), last: None })
    }

    /// Of a Chinese receiver for whose answers nobody gives one: what isn't UTF-8 is GB 18030.
    ///
    /// ```
    /// use zoufang::delivery::charset::Charset;
    /// assert_eq!(Charset::chinese().read(b"0,\xb3\xc9\xb9\xa6", None).unwrap(), "0,成功");
    /// assert_eq!(Charset::chinese().read("0,成功".as_bytes(), None).unwrap(), "0,成功");
    /// let cut = &"0,提交成功".as_bytes()[..13];
    /// assert!(Charset::chinese().read(cut, None).unwrap().starts_with("0,提交成"), "cut within a character");
    /// ```
    pub const fn chinese() -> Charset {
        Charset { given: None, last: Some(GB18030) }
    }

    /// Reads the bytes of an answer with that content type.
    ///
    /// # Errors
    /// What doesn't fit, where.
    ///
    /// ```
    /// use zoufang::delivery::charset::Charset;
    /// let none = Charset::default();
    /// assert_eq!(none.read(b"\xb0\xec\xbd\xe1", Some("text/plain; Charset=\"GB-2312\"")).unwrap(), "办结");
    /// assert_eq!(Charset::named("gbk").unwrap().read(b"\xb0\xec\xbd\xe1", None).unwrap(), "办结");
    /// let xml = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>办结</a>";
    /// assert_eq!(none.read(xml.as_bytes(), None).unwrap(), xml);
    /// assert!(none.read(b"ok \xb0\xec", None).unwrap_err().contains("第 4 个字节"));
    /// ```
    pub fn read(self, body: &[u8], content_type: Option<&str>) -> Result<String, String> {
        if let Some((marked, length)) = Encoding::for_bom(body) {
            return strictly(marked, &body[length..]).ok_or_else(|| unfit(body, marked));
        }
        let header = content_type.and_then(named_in_header);
        let own = header.or_else(|| named_in_xml(body));
        // Latin is what servers say that were never asked: whoever writes Chinese doesn't mean it.
        let own = own.filter(|named| named.name() != "windows-1252");
        // Programs whose own texts are UTF-16 say so of what they write in UTF-8: its marks would have a byte of nothing each.
        let is_wide = body.iter().take(64).any(|byte| *byte == 0);
        let own = own.filter(|named| is_wide || !named.name().starts_with("UTF-16"));
        let tried: Vec<&'static Encoding> =
            [self.given, own, Some(UTF_8)].into_iter().flatten().collect();
        let found = tried.iter().find_map(|encoding| strictly(encoding, body));
        // No other text is nearly UTF-8, while UTF-8 may well be nearly GBK.
        let nearly =
            || [UTF_8].into_iter().chain(tried.iter().copied()).find_map(|e| nearly(e, body));
        let last = || self.last.and_then(|encoding| strictly(encoding, body));
        found
            .or_else(nearly)
            .or_else(last)
            .ok_or_else(|| unfit(body, tried.first().copied().unwrap_or(UTF_8)))
    }
}

/// In that character set, where all of it is.
fn strictly(encoding: &'static Encoding, body: &[u8]) -> Option<String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(body)?;
    Some(text.into_owned())
}

/// In that character set, where a few of its characters are broken: databases that cut a text by its bytes cut characters.
fn nearly(encoding: &'static Encoding, body: &[u8]) -> Option<String> {
    let (text, _) = encoding.decode_without_bom_handling(body);
    let broken = text.matches(char::REPLACEMENT_CHARACTER).count();
    let whole = text.chars().filter(|character| !character.is_ascii()).count() - broken;
    (whole >= broken * WHOLE_TO_BROKEN).then(|| text.into_owned())
}

/// So many whole characters for each broken one make it likely that the character set is right.
const WHOLE_TO_BROKEN: usize = 3;

/// By a name however it's spelt.
fn encoding(name: &str) -> Option<&'static Encoding> {
    let name = name.trim();
    if let Some(known) = Encoding::for_label(name.as_bytes()) {
        // The newest of them reads all that the others write.
        return Some(if known.name() == "GBK" { GB18030 } else { known });
    }
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.to_ascii_lowercase().as_str() {
        "gb2312" | "gbk" | "gb18030" | "gb180302000" | "gb180302005" | "gb180302022" | "cp936"
        | "ms936" | "windows936" | "936" | "euccn" | "gb231280" => Some(GB18030),
        "utf8" | "utf8mb4" | "unicode11utf8" | "cp65001" => Some(UTF_8),
        other => Encoding::for_label(other.as_bytes()),
    }
}

/// `charset` of a content type, in whatever case, with quotation marks or without.
fn named_in_header(content_type: &str) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    let after = lower.split("charset").nth(1)?.trim_start().strip_prefix('=')?;
    let name = after.split([';', ',']).next()?;
    encoding(name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')))
}

/// `encoding` of an XML declaration.
fn named_in_xml(body: &[u8]) -> Option<&'static Encoding> {
    let head = &body[..body.len().min(200)];
    let head = String::from_utf8_lossy(head);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split("?>").next()?;
    let after = declaration.split("encoding").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    encoding(after[1..].split(quote).next()?)
}

/// Where the bytes don't fit, and how they go on there.
fn unfit(body: &[u8], encoding: &'static Encoding) -> String {
    let place = match std::str::from_utf8(body) {
        Err(error) if encoding == UTF_8 => error.valid_up_to(),
        _ => 0,
    };
    let bytes: Vec<String> =
        body[place..].iter().take(6).map(|byte| format!("{byte:02X}")).collect();
    format!(
        "wrong_charset: 答复从第 {} 个字节起不是 {}（{}）：请在 platform.charset 里写明平台的字符集，如 gb18030",
        place + 1,
        encoding.name(),
        bytes.join(" ")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const DONE: &[u8] = b"\xb0\xec\xbd\xe1";

    #[test]
    fn every_spelling_of_a_header_is_understood() {
        for header in [
            "text/xml; charset=GBK",
            "text/xml;CHARSET = 'gb2312'",
            "application/json; Charset=\"GB18030\"; q=1",
            "text/plain; charset=GB-2312",
            "text/plain; charset=cp936",
            "text/plain; charset=gb_2312-80",
            "text/plain; charset=\"x-gbk\"",
        ] {
            assert_eq!(Charset::default().read(DONE, Some(header)).unwrap(), "办结", "{header}");
        }
        for header in
            ["application/json; charset=UTF8", "a/b; charset=utf8mb4", "a/b; charset=iso-8859-1"]
        {
            let read = Charset::default().read("办结".as_bytes(), Some(header)).unwrap();
            assert_eq!(read, "办结", "{header}");
        }
    }

    #[test]
    fn a_text_that_was_cut_within_a_character_is_read() {
        let none = Charset::default();
        let text = "{\"note\": \"已修好，请查看。\"}";
        let cut =
            |bytes: &[u8], at: usize, gone: usize| [&bytes[..at - gone], &bytes[at..]].concat();
        let utf_8 = cut(text.as_bytes(), text.len() - 2, 1);
        let read = "{\"note\": \"已修好，请查看\u{fffd}\"}";
        assert_eq!(none.read(&utf_8, Some("application/json; charset=utf-8")).unwrap(), read);
        let (gbk, ..) = encoding_rs::GBK.encode(text);
        let gbk = cut(&gbk, gbk.len() - 2, 1);
        assert_eq!(none.read(&gbk, Some("a/b; charset=gbk")).unwrap(), read);
        assert!(none.read(&gbk, None).unwrap_err().contains("platform.charset"));
    }

    #[test]
    fn marks_declarations_and_configuration_are_understood() {
        let none = Charset::default();
        assert_eq!(none.read("\u{feff}办结".as_bytes(), Some("a/b; charset=gbk")).unwrap(), "办结");
        assert_eq!(none.read(b"\xff\xfe\x9e\x52\xd3\x7e", None).unwrap(), "办结");
        let xml = [b"<?xml version='1.0' encoding = 'gb2312' ?><a>", DONE, b"</a>"].concat();
        assert!(none.read(&xml, Some("text/xml")).unwrap().ends_with("<a>办结</a>"));
        // The header lies, and configuration knows.
        let gbk = Charset::named("GB 18030").unwrap();
        assert_eq!(gbk.read(DONE, Some("a/b; charset=utf-8")).unwrap(), "办结");
        // Two bytes that are letters in both.
        assert_eq!(none.read(b"\xc1\xaa\xcd\xa8", Some("a/b; charset=gbk")).unwrap(), "联通");
        assert!(Charset::named("汉字").unwrap_err().contains("gb18030"));
    }
}
