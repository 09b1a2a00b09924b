//! Texts are cleaned once, at the door: what is surely meant is mended, what can't be known is refused.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::ticks::ticked;
use crate::domain::reason::is_common_hanzi;

/// What sort of text stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Names, words, dates: on one line, no blanks between hanzi.
    Short,
    /// Numbers and accounts: no blanks at all.
    Code,
    /// What somebody said or wrote: its punctuation and its lines stay.
    Free,
}

/// The text without what nobody meant, or what was seen that can't be mended.
///
/// # Errors
/// What was seen.
pub fn clean(text: &str, sort: Sort) -> Result<String, String> {
    let text = unwrapped(text.trim(), sort);
    if is_plain(text) && !(sort == Sort::Short && text.contains('.')) {
        return check(unquoted(text), sort);
    }
    let mended: String = match sort {
        Sort::Free => text.chars().flat_map(free).nfc().collect(),
        Sort::Short | Sort::Code => text.chars().flat_map(standard).nfkc().collect(),
    };
    if let Some(unknown) = mended.chars().find(|c| is_unknown(*c)) {
        return Err(unreadable(unknown));
    }
    let mended = match sort {
        Sort::Free => lines(&mended),
        Sort::Short => with_points_of_names(&without_blanks_between_hanzi(&mended)),
        Sort::Code => mended.chars().filter(|c| !c.is_whitespace()).collect(),
    };
    check(unquoted(mended.trim()), sort)
}

/// Ordinary characters of ASCII and unified hanzi without blanks within: nothing to mend.
fn is_plain(text: &str) -> bool {
    text.trim().chars().all(|c| c.is_ascii_graphic() || is_common_hanzi(c))
}

/// A number as people write it that a spreadsheet may keep its digits: ="00051" and '00051 are 00051.
fn unwrapped(text: &str, sort: Sort) -> &str {
    let formula = |text| str::strip_prefix(text, "=\"")?.strip_suffix('"');
    match sort {
        Sort::Free => text,
        Sort::Short => formula(text).filter(|inner| !inner.contains('"')).unwrap_or(text),
        Sort::Code => {
            let number = |rest: &&str| rest.bytes().all(|byte| byte.is_ascii_digit());
            let bare = text.strip_prefix('=').filter(number);
            formula(text).or(bare).unwrap_or(text).trim_start_matches('\'')
        }
    }
}

/// A cell that a spreadsheet would have evaluated is written with a mark before it: the mark goes again.
fn unquoted(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if is_evaluated(rest.trim_start_matches('\'')) => rest,
        _ => text,
    }
}

/// Whether a spreadsheet takes the text for a formula.
fn is_evaluated(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let number = number.strip_suffix('%').unwrap_or(number);
    let is_number = number.starts_with(|c: char| c.is_ascii_digit())
        && number.parse::<f64>().is_ok()
        && !number.contains(['e', 'E']);
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number
}

/// A cell as it's written into a table: a mark before what a spreadsheet would evaluate, which goes again when it's read.
pub fn written(text: &str) -> Cow<'_, str> {
    if is_evaluated(text.trim_start_matches('\'')) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

fn check(text: &str, sort: Sort) -> Result<String, String> {
    const ERRORS: [&str; 18] = [
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#名称?",
        "#NULL!",
        "#NUM!",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BUSY!",
        "#CONNECT!",
        "#BLOCKED!",
        "#UNKNOWN!",
        "#EXTERNAL!",
        "#PYTHON!",
        "#GETTING_DATA",
    ];
    let numbered = text.strip_prefix("Err:").or_else(|| text.strip_prefix("错误:"));
    let is_numbered = numbered
        .is_some_and(|number| number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()));
    if is_numbered || ERRORS.iter().any(|error| text.eq_ignore_ascii_case(error)) {
        return Err(format!("「{text}」是公式出错的标记，请填上真正的内容"));
    }
    if text.len() >= 3 && text.bytes().all(|byte| byte == b'#') {
        return Err("只有「###」：列太窄时另存丢了内容，请加宽列再另存".to_owned());
    }
    if sort == Sort::Code && is_scientific(text) {
        return Err(lost_digits(text));
    }
    if sort != Sort::Code {
        return Ok(text.to_owned());
    }
    if text.parse().is_ok_and(|number: f64| number < 0.0 || !number.is_finite()) {
        return Err(format!("「{text}」不是编号或号码，请核对原表，把这一列设成文本格式重新填写"));
    }
    // A long number that a program took for a measure: 13800000001.0, 13,800,000,001.00.
    let whole = text.trim_end_matches('0').strip_suffix('.').filter(|_| text.contains('.'));
    let whole = whole.unwrap_or(text);
    let number = ungrouped(whole).unwrap_or_else(|| whole.to_owned());
    let is_long = number.len() > 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    Ok(if is_long { number } else { text.to_owned() })
}

/// Stands in the copy of a file before what can't be shown there as it was wrong.
pub(super) const TO_CHECK: &str = "（请核对）";

/// A cleaned text that says something by itself: no mark for the cell above, nothing that a program wrote for nothing, nothing
/// that was lost on the way.
///
/// # Errors
/// What was seen.
pub(super) fn whole(text: String, sort: Sort) -> Result<String, String> {
    const EMPTY: [&str; 6] = ["undefined", "nan", "\\n", "<na>", "nat", "[object object]"];
    if let Some(left) = text.strip_prefix(TO_CHECK).or_else(|| text.strip_prefix("(请核对)")) {
        return Err(format!(
            "「{}」还没有核对：请看这一行的「问题说明」，把这一格改成真正的内容，去掉「（请核对）」",
            short(left)
        ));
    }
    let lower = text.to_lowercase();
    if is_ditto(&lower) {
        return Err(format!("「{text}」要看上面一格才懂：请把内容写完整"));
    }
    if EMPTY.contains(&lower.as_str()) {
        return Err(format!("「{text}」是程序写空白的标记：没有内容请清空，有的请填上"));
    }
    if ["锟斤拷", "烫烫烫", "锘", "ï»¿", "Ã", "ä¸"].iter().any(|mark| text.contains(mark))
    {
        return Err("有的字已经损坏（存文件时选错了编码），请从原表重新另存".to_owned());
    }
    if is_of_a_web_page(&text) {
        return Err(format!("「{}」带着网页的写法，请换成原来的字", short(&text)));
    }
    if let Some(choice) = ticked(&text).filter(|_| sort == Sort::Short) {
        return choice.map_err(|why| format!("「{}」{why}", short(&text)));
    }
    let lost = text.chars().filter(|c| *c == '?').count();
    let is_lost = match sort {
        Sort::Free => lost >= 3 && lost * 2 >= text.chars().count(),
        Sort::Short | Sort::Code => lost > 0,
    };
    if is_lost || sort != Sort::Free && text.contains(['□', '■']) {
        return Err(format!("「{}」里有的字丢了，只剩问号或方框：请填上原来的字", short(&text)));
    }
    Ok(text)
}

/// Whether a text says to look at another cell: 同上, 同 上, 〃, 同3行.
fn is_ditto(lower: &str) -> bool {
    const DITTO: [&str; 20] = [
        "同上",
        "同前",
        "同左",
        "同右",
        "〃",
        "″",
        "\"",
        "''",
        "“",
        "”",
        "々",
        "仝",
        "同上行",
        "〞",
        "′′",
        "´´",
        "如上",
        "同上户",
        "同上一户",
        "同上所述",
    ];
    let bare: String = lower
        .trim_matches(|c: char| "。.、，（）()".contains(c) || c.is_whitespace())
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let row = bare.strip_prefix('同').map(|rest| rest.trim_matches(|c| "第行号格户条".contains(c)));
    DITTO.contains(&bare.as_str())
        || row.is_some_and(|row| !row.is_empty() && row.bytes().all(|byte| byte.is_ascii_digit()))
}

/// &#40858; &nbsp; &lt;br&gt;
fn is_of_a_web_page(text: &str) -> bool {
    text.split('&').skip(1).any(|rest| {
        let Some((name, _)) = rest.split_once(';') else { return false };
        let number = name.strip_prefix('#').map(|number| number.trim_start_matches(['x', 'X']));
        matches!(name, "nbsp" | "lt" | "gt" | "amp" | "quot" | "apos" | "middot" | "emsp" | "ensp")
            || number.is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
    })
}

/// 10,000,000,101: a number as a spreadsheet groups it.
fn ungrouped(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let right = (1..=3).contains(&first.len()) && digits(first) && text.contains(',');
    (right && groups.all(|group| group.len() == 3 && digits(group))).then(|| text.replace(',', ""))
}

/// What is said of one that [`is_scientific`].
pub(super) fn lost_digits(text: &str) -> String {
    format!("「{text}」是科学记数法，末尾的数字已经丢了；请把这一列设成文本格式，重新填写")
}

/// 3.70E+11: what a spreadsheet makes of a long number.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    digits(exponent) && exponent.len() <= 3 && digits(whole) && digits(fraction) && whole.len() == 1
}

/// A character in free text: punctuation stays as it was written.
fn free(c: char) -> impl Iterator<Item = char> {
    let compatible = match c {
        '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}' | '\u{2f00}'..='\u{2fdf}' => true,
        // Letters and digits as wide as hanzi, and half as wide as they should be.
        '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => true,
        '\u{ff65}'..='\u{ffdc}' => true,
        _ => false,
    };
    let standard = standard(c);
    match (standard, compatible) {
        (Some(c), true) => c.nfkc().next(),
        (standard, _) => standard,
    }
    .into_iter()
}

/// The character that is meant, whoever encoded it; nothing for what nobody sees.
fn standard(c: char) -> Option<char> {
    match c {
        '\n' | '\t' => Some(c),
        '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => Some('\n'),
        '\u{3000}' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => Some(' '),
        c if c.is_control() || is_invisible(c) => None,
        '\u{e815}'..='\u{e864}' => Some(of_old_standard(c)),
        '\u{2e80}'..='\u{2ef3}' => Some(of_radical(c)),
        // Points between the parts of a name.
        '\u{2022}' | '\u{2027}' | '\u{22c5}' | '\u{30fb}' | '\u{ff65}' | '\u{2219}'
        | '\u{25cf}' | '\u{a78f}' | '\u{2e31}' => Some('\u{b7}'),
        c => Some(c),
    }
}

/// Marks of direction, joiners, variants: they change nothing that anybody reads.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// GBK's eighty characters that had no place of their own when Windows gave them private ones, in GBK's order: today's
/// GB 18030 knows where they stand.
fn of_old_standard(c: char) -> char {
    let place = u32::from(c) - 0xe815 + 0x50;
    let trail = if place >= 0x7f { place + 1 } else { place };
    let trail = u8::try_from(trail).unwrap_or(0);
    let bytes = [0xfe, trail];
    let (text, _) = encoding_rs::GB18030.decode_without_bom_handling(&bytes);
    text.chars().next().map_or(c, |known| if is_radical(known) { of_radical(known) } else { known })
}

fn is_radical(c: char) -> bool {
    ('\u{2e80}'..='\u{2ef3}').contains(&c)
}

/// Radicals that are written like a hanzi, as some fonts and PDF files give them.
fn of_radical(c: char) -> char {
    const RADICALS: &str = "⺁厂⺇几⺌小⺎兀⺏尣⺐尢⺒巳⺓幺⺛旡⺝月⺟母⺠民⺢水⺣火⺩王⺬示⺭礻⺮竹⺰纟⺱网⺲罒⺳罓⺴网⺶羊⺷羊⺹耂⺼月⺽臼⺾艹⺿艹⻀艹⻁虎⻂衤⻃覀⻄西⻅见⻆角⻇角⻈讠⻉贝⻋车⻌辶⻍辶⻎辶⻏阝⻐钅⻑長⻒镸⻓长⻔门⻕阝⻖阝⻗雨⻘青⻙韦⻚页⻛风⻜飞⻝食⻞食⻟飠⻠饣⻡首⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻫斉⻬齐⻭歯⻮齿⻯竜⻰龙⻱龜⻲亀⻳龟";
    let mut pairs = RADICALS.chars();
    while let (Some(radical), Some(hanzi)) = (pairs.next(), pairs.next()) {
        if radical == c {
            return hanzi;
        }
    }
    c
}

/// What stands for something lost, or for what only its writer knew.
fn is_unknown(c: char) -> bool {
    matches!(c, '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
        || (u32::from(c) & 0xfffe) == 0xfffe
}

fn unreadable(c: char) -> String {
    match c {
        '\u{fffd}' => {
            "有一个字已经损坏（显示成「\u{fffd}」），原来是什么看不出来；请重新填写这一格"
                .to_owned()
        }
        _ => format!("有一个自造字（编码 {:04X}）认不出来；请换成通用的字", u32::from(c)),
    }
}

fn is_hanzi(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}' | '\u{b7}' | '〇')
}

/// 王　强 is 王强; between words of other scripts one blank stays.
fn without_blanks_between_hanzi(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        kept.push_str(word);
        let before = word.chars().next_back();
        let after = words.peek().and_then(|next| next.chars().next());
        let touches = before.is_some_and(is_hanzi) || after.is_none_or(is_hanzi);
        if !touches {
            kept.push(' ');
        }
    }
    kept
}

/// 买买提.艾力 is 买买提·艾力: between hanzi a full stop is the point of a name.
fn with_points_of_names(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_point = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| chars.get(before));
        chars[at] == '.'
            && [before, chars.get(at + 1)].iter().all(|c| c.is_some_and(|c| is_hanzi(*c)))
    };
    (0..chars.len()).map(|at| if is_point(at) { '\u{b7}' } else { chars[at] }).collect()
}

/// Lines without blanks at their ends.
fn lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// The first characters of a text that somebody is shown.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 20;
    let text = text.trim();
    if text.chars().count() <= LONGEST && !text.contains(['\n', '\r']) {
        return text.into();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_surely_meant_is_mended() {
        for (sort, written, meant) in [
            (Sort::Short, "王\u{3000}强", "王强"),
            (Sort::Short, " 赵 \u{200b}云\u{202e} ", "赵云"),
            (Sort::Short, "John  Smith", "John Smith"),
            (Sort::Short, "买买提•艾力", "买买提·艾力"),
            (Sort::Short, "\u{e863}某", "䶮某"),
            (Sort::Short, "⾼某", "高某"),
            (Sort::Short, "⻢某", "马某"),
            (Sort::Short, "\u{f9d1}", "六"),
            (Sort::Short, "２０２２－０３－０５", "2022-03-05"),
            (Sort::Short, "葛\u{e0100}某", "葛某"),
            (Sort::Code, "１３８ 0000\u{a0}0001", "13800000001"),
            (Sort::Code, "13800000001.0", "13800000001"),
            (Sort::Code, "13800000001.00", "13800000001"),
            (Sort::Code, "13,800,000,001.00", "13800000001"),
            (Sort::Code, "=\"00051\"", "00051"),
            (Sort::Code, "'00051", "00051"),
            (Sort::Code, "100", "100"),
            (Sort::Code, "3.10", "3.10"),
            (Sort::Short, "=\"王强\"", "王强"),
            (Sort::Short, "买买提．艾力", "买买提·艾力"),
            (Sort::Short, "买买提.艾力", "买买提·艾力"),
            (Sort::Short, "买买提●艾力", "买买提·艾力"),
            (Sort::Short, "2022.3.5", "2022.3.5"),
            (Sort::Short, "王\u{3164}强", "王强"),
            (Sort::Free, "路灯不亮，\r\n 请修（急）！\u{feff}", "路灯不亮，\n请修（急）！"),
            (Sort::Free, "ＡＢ３号楼", "AB3号楼"),
            (Sort::Free, "'=1+2", "=1+2"),
            (Sort::Free, "''=1+2", "'=1+2"),
            (Sort::Free, "'路灯'", "'路灯'"),
        ] {
            assert_eq!(clean(written, sort).as_deref(), Ok(meant), "{written:?}");
        }
    }

    #[test]
    fn what_was_lost_or_left_to_the_cell_above_is_refused() {
        for (sort, written) in [
            (Sort::Free, "同上。"),
            (Sort::Code, "〃"),
            (Sort::Short, "王?"),
            (Sort::Short, "王□"),
            (Sort::Free, "路灯??????"),
            (Sort::Short, "锟斤拷"),
            (Sort::Short, "王&#40858;"),
            (Sort::Free, "&lt;br&gt;坏了"),
            (Sort::Short, "nan"),
            (Sort::Code, "\\N"),
        ] {
            assert!(whole(written.to_owned(), sort).is_err(), "{written:?}");
        }
        for (sort, written) in [
            (Sort::Free, "什么时候修??"),
            (Sort::Free, "A&B公司；路灯"),
            (Sort::Free, "同上次一样，水管又破了"),
            (Sort::Short, "娜恩"),
        ] {
            assert_eq!(whole(written.to_owned(), sort).as_deref(), Ok(written));
        }
    }

    #[test]
    fn what_cannot_be_known_is_refused() {
        for (sort, written) in [
            (Sort::Short, "王\u{fffd}"),
            (Sort::Short, "\u{e000}某"),
            (Sort::Free, "#N/A"),
            (Sort::Free, "########"),
            (Sort::Code, "3.70481E+11"),
            (Sort::Code, "5E+10"),
            (Sort::Code, "NaN"),
            (Sort::Code, "-10000000101"),
        ] {
            assert!(clean(written, sort).is_err(), "{written:?}");
        }
        assert_eq!(clean("1E5号", Sort::Code).as_deref(), Ok("1E5号"));
    }
}
