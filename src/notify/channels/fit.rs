//! A message within a channel's limit: what is too much is left out of its middle, line by line, and counted; who it's for, what
//! is asked, and the link stay.

/// A line of a digest that says what is owed; others are headings, or what is asked at the end.
const LINE: &str = "· ";

/// The text within so many bytes. Lines are left out from the last of those that say what is owed on backward, and with them the
/// headings under which nothing is left.
pub fn fit(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let lines: Vec<&str> = text.lines().collect();
    let Some(last) = lines.iter().rposition(|line| line.starts_with(LINE)) else {
        return cut(text, bytes);
    };
    let (middle, tail) = (&lines[..=last], &lines[last + 1..]);
    for kept in (0..middle.len()).rev() {
        let head = without_empty_headings(&middle[..kept]);
        let left: Vec<&str> =
            middle[kept..].iter().copied().filter(|line| line.starts_with(LINE)).collect();
        let more = format!("……另有{}条{}项没有列出", left.len(), items(&left));
        let shorter = [head, &[more.as_str()], tail].concat().join("\n");
        if shorter.len() <= bytes {
            return shorter;
        }
    }
    cut(text, bytes)
}

/// Headings at the end of what is left have nothing below them any more.
fn without_empty_headings<'l, 't>(lines: &'l [&'t str]) -> &'l [&'t str] {
    let is_heading = |line: &&&str| {
        line.starts_with('【') && line.ends_with('】')
            || ["需要您", "请您知悉"].iter().any(|opens| line.starts_with(opens))
    };
    let empty = lines.iter().rev().take_while(is_heading).count();
    &lines[..lines.len() - empty]
}

/// How many things these lines say are owed: the first number before 项 of each.
fn items(lines: &[&str]) -> u64 {
    let of = |line: &&str| -> Option<u64> {
        let before = &line[..line.find('项')?];
        let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    lines.iter().filter_map(of).sum()
}

/// A text without lines of that kind: its middle goes, its last line stays.
fn cut(text: &str, bytes: usize) -> String {
    const MORE: &str = "……";
    let (head, last) = text.rsplit_once('\n').map_or((text, ""), |(head, last)| (head, last));
    let mut kept: Vec<char> = head.chars().collect();
    loop {
        let start: String = kept.iter().collect();
        let shorter = match last {
            "" => format!("{start}{MORE}"),
            last => format!("{start}{MORE}\n{last}"),
        };
        if shorter.len() <= bytes || kept.pop().is_none() {
            return shorter;
        }
    }
}

/// What a text message says of something longer: its title, and the link at its end.
pub fn gist(title: &str, body: &str) -> String {
    let link = body.lines().last().and_then(|last| last.find("http").map(|at| &last[at..]));
    match link {
        _ if !body.contains('\n') => body.to_owned(),
        Some(link) => format!("{title} {link}"),
        None => title.to_owned(),
    }
}

/// A text message: one of 70 characters or, where that is too short, one that is sent in two parts; the signature once, at its
/// front, wherever it comes from.
pub fn short(text: &str, signature: &str, longest: usize) -> String {
    let bare = text.strip_prefix(signature).unwrap_or(text);
    let room = |parts: usize| parts.min(longest).saturating_sub(signature.chars().count());
    for most in [room(ONE_PART), room(TWO_PARTS)] {
        if bare.chars().count() <= most {
            return bare.to_owned();
        }
    }
    // The link is its last word, after a blank.
    let most = room(TWO_PARTS);
    let (said, link) = bare
        .rsplit_once(' ')
        .map_or((bare, String::new()), |(said, link)| (said, format!(" {link}")));
    let left = most.saturating_sub(link.chars().count() + 1);
    let mut start: String = said.chars().take(left).collect();
    // Between things, not within one.
    if let Some(at) = start.rfind(['，', '；', '、']) {
        start.truncate(at);
    }
    format!("{start}…{link}")
}

/// One message has 70 characters; a part of a longer one 67, for what joins them.
const ONE_PART: usize = 70;
const TWO_PARTS: usize = 134;

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "褚走：\n【走访】4月6日：入户走访9项\n需要您办理：\n【高桥村】\n· [红] 入户走访 2项，3月31日已到期\n【杨桥村】\n· [黄] 回访 3项，还有2天\n· [黄] 群众分类 4项\n需要您督办：\n【西村】\n· [红] 入户走访 20项：请督促办理\n看详情、签收：https://example.cn/digests/abc";

    #[test]
    fn what_is_left_out_is_counted_and_the_link_stays() {
        assert_eq!(fit(DIGEST, DIGEST.len()), DIGEST);
        let expected = "褚走：\n【走访】4月6日：入户走访9项\n需要您办理：\n【高桥村】\n· [红] 入户走访 2项，3月31日已到期\n……另有3条27项没有列出\n看详情、签收：https://example.cn/digests/abc";
        assert_eq!(fit(DIGEST, expected.len() + 20), expected);
        for most in 160..DIGEST.len() {
            let cut = fit(DIGEST, most);
            assert!(cut.len() <= most, "{most}: {cut}");
            assert!(cut.ends_with("看详情、签收：https://example.cn/digests/abc"), "{most}: {cut}");
        }
        assert!(fit(&"长".repeat(2000), 100).len() <= 100);
    }

    #[test]
    fn a_text_message_is_one_or_two_parts_with_one_signature() {
        let sign = "【走访】";
        assert_eq!(short("【走访】4月6日：回访1项", sign, 300), "4月6日：回访1项");
        let kinds: Vec<String> = (1..12).map(|n| format!("问题解决情况{n}项")).collect();
        let link = "https://zoufang.example.cn/digests/0123456789abcdefghijkl";
        let long = format!("{sign}4月6日：{} {link}", kinds.join("，"));
        let cut = short(&long, sign, 300);
        assert!(cut.chars().count() + 4 <= 134, "{cut}");
        assert!(cut.starts_with("4月6日：") && cut.ends_with(&format!("项… {link}")), "{cut}");
        assert!(short(&long, sign, 70).chars().count() + 4 <= 70);
    }
}
