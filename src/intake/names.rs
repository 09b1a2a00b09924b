//! Names of columns as they are compared: without the stars, numbers, brackets and hints that people put around them.

use super::kinds::{Field, is_a_name};
use super::text::{Sort, clean};
use crate::domain::reason::is_chinese;

/// What may open and close around a whole name.
const BRACKETS: [(char, char); 5] =
    [('【', '】'), ('[', ']'), ('(', ')'), ('《', '》'), ('<', '>')];

/// What parts a name from what stands beside it.
const AROUND: [char; 11] = ['(', ')', '（', '）', '【', '】', '[', ']', '〔', '〕', '\n'];

/// So many characters of a cell may be a name with what stands around it.
const LONGEST: usize = 120;

/// A name without what people add to it: *走访日期, 【走访日期】, 1、走访日期, (必填)走访日期, 走访日期（如 2022-03-05）, and what
/// stands in a second line.
pub(super) fn plain(text: &str) -> String {
    // What is longer is none.
    let text: &str = &text.chars().take(LONGEST).collect::<String>();
    if let Some(changed) = changed(text) {
        return changed;
    }
    let whole = bare(text);
    if is_a_name(&whole) {
        return whole;
    }
    let first = text.trim().lines().next().unwrap_or_default();
    let parts = [first, before_hint(first)];
    let known = parts.iter().map(|part| bare(part)).find(|name| is_a_name(name));
    known.unwrap_or(whole)
}

/// What stands beside a name and makes the column another one: of what is planned, guessed, was once or is over.
const OTHERWISE: [&str; 33] = [
    "计划",
    "拟",
    "预",
    "建议",
    "意向",
    "暂定",
    "待定",
    "初步",
    "初定",
    "目标",
    "去年",
    "上年",
    "往年",
    "历年",
    "历史",
    "上次",
    "上一",
    "上轮",
    "上季",
    "上半年",
    "以前",
    "此前",
    "过去",
    "明年",
    "下次",
    "下一",
    "旧",
    "已解决",
    "已办",
    "已处理",
    "备用",
    "作废",
    "停用",
];
/// Whose a telephone is, where it's not of whom was met.
const OF_OTHERS: [&str; 12] = [
    "干部",
    "网格员",
    "走访人",
    "工作人员",
    "责任人",
    "联系人",
    "书记",
    "家属",
    "亲属",
    "子女",
    "邻居",
    "包保",
];
/// So long is what makes a column another one; what is longer explains.
const LONGEST_WORD: usize = 12;

/// Whether what stands beside a name says that the column isn't what the name alone would say. What only explains how to
/// fill it in doesn't: 必填, 如…, 请填…, 走访前填写, 原话.
fn says_otherwise(beside: &str) -> bool {
    const HINTS: [&str; 5] = ["填", "必", "选", "格式", "例"];
    const AS_SAID: [&str; 5] = ["原话", "原文", "原样", "原件", "原始"];
    let explains = beside.starts_with(['如', '请', '见', '以', '按', '须', '可'])
        || beside.chars().count() > LONGEST_WORD
        || HINTS.iter().any(|word| beside.contains(word))
        || AS_SAID.iter().any(|word| beside.starts_with(word));
    let was = beside.starts_with(['原', '曾']) || beside.ends_with(['前', '原']);
    let is_other = || OTHERWISE.iter().any(|word| beside.contains(word));
    !explains && (was || beside.ends_with("参考") || is_other())
}

/// Whether what stands beside a telephone says that it's of somebody else than whom was met: 联系电话（干部）.
fn is_of_others(beside: &str) -> bool {
    let of_met = ["本人", "群众", "户主", "或", "填"].iter().any(|word| beside.contains(word));
    !of_met && OF_OTHERS.iter().any(|word| beside.contains(word))
}

/// A name and what stands beside it in brackets or on another line, where that makes it another column: 走访日期(计划).
fn changed(text: &str) -> Option<String> {
    let parts = || text.split(AROUND).map(str::trim);
    parts().nth(1)?;
    let (at, name) = parts().map(bare).enumerate().find(|(_, name)| is_a_name(name))?;
    let is_contact = Field::Contact.is_meant_by(&name, Field::read(&name));
    let changes = |part: &str| says_otherwise(part) || is_contact && is_of_others(part);
    let (_, beside) = parts().enumerate().find(|(place, part)| *place != at && changes(part))?;
    Some(format!("{name}({beside})"))
}

/// The name alone, of one that something beside it changes.
pub(super) fn unchanged(name: &str) -> &str {
    before(name, &['('])
}

/// What stands before a hint of how to fill it in, or another language's name.
fn before_hint(text: &str) -> &str {
    const MARKS: &str = ":：；;，,/|、";
    let mark = text.find(|c| MARKS.contains(c));
    let Some((name, hint)) = mark.map(|at| text.split_at(at)) else { return text };
    let hint = hint.trim_start_matches(|c: char| c.is_whitespace() || MARKS.contains(c));
    let begins = |c: char| c.is_ascii_alphabetic() || "如例格请见填选以按须必可".contains(c);
    if hint.starts_with(begins) { name } else { text }
}

fn before<'t>(text: &'t str, marks: &[char]) -> &'t str {
    text.split(marks).next().unwrap_or(text)
}

fn bare(text: &str) -> String {
    let text = clean(text, Sort::Short).unwrap_or_default();
    let text = unwrapped(without_number(unstarred(&text)));
    let text = before(text, &['(', '【', '[', '（', '<']);
    let marks = |c: char| c.is_whitespace() || "*:：★☆●•#!?".contains(c);
    let name: String = text.chars().filter(|c| !marks(*c)).collect();
    let hints = ["必填项", "必填", "选填", "可不填"];
    let short = hints.iter().find_map(|hint| name.strip_suffix(hint).filter(|n| !n.is_empty()));
    short.map_or(name.clone(), str::to_owned)
}

fn unstarred(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || "*★☆●•#".contains(c))
}

/// 1、 1. (1) 一、 before a name.
fn without_number(text: &str) -> &str {
    let is_number = |c: char| c.is_ascii_digit() || "一二三四五六七八九十".contains(c);
    let inner = text.strip_prefix('(').unwrap_or(text);
    let rest = inner.trim_start_matches(is_number);
    if rest.len() == inner.len() {
        return text;
    }
    let cut = rest.strip_prefix(['、', '.', ')', '．', ',']).map(unstarred);
    cut.filter(|rest| !rest.is_empty()).unwrap_or(text)
}

/// 【走访日期】 is 走访日期; (必填)走访日期 too.
fn unwrapped(text: &str) -> &str {
    for (open, close) in BRACKETS {
        let Some(rest) = text.strip_prefix(open) else { continue };
        let Some((inner, behind)) = rest.split_once(close) else { continue };
        let behind = unstarred(behind);
        return if behind.is_empty() || is_a_name(inner) { inner } else { behind };
    }
    text
}

/// What some names mean by what stands beside them: 走访对象 beside its number is its name; 姓名 in a list of leaves is who's
/// away; whose a telephone is matters only where somebody is met.
pub(super) fn settled(names: &mut [[String; 2]]) {
    const SUBJECT: &str = "走访对象";
    let has = |is: &dyn Fn(&str) -> bool| names.iter().any(|[_, own]| is(own));
    let is_number = |name: &str| name != SUBJECT && Field::Subject.names().any(|of| of == name);
    let is_absentee = |name: &str| Field::Absentee.names().any(|of| of == name);
    let is_numbered = has(&is_number);
    let names_of = |field: Field| has(&|name| field.names().any(|of| of == name));
    let is_of_leaves = has(&|name| name.contains("请假"))
        && !has(&is_absentee)
        && names_of(Field::From)
        && names_of(Field::Until);
    let names_met = names_of(Field::Resident);
    for name in names.iter_mut().flatten() {
        let own = name
            .split_once('(')
            .filter(|(_, beside)| !names_met && !says_otherwise(beside.trim_end_matches(')')));
        if let Some((own, _)) = own {
            *name = own.to_owned();
            continue;
        }
        let meant = match name.as_str() {
            SUBJECT if is_numbered => Field::SubjectName,
            "姓名" | "人员姓名" if is_of_leaves => Field::Absentee,
            _ => continue,
        };
        *name = meant.chinese().to_owned();
    }
}

/// How alike two names are that may be the same.
const ALIKE: f64 = 0.7;

/// Whether somebody may have meant this name.
pub(super) fn is_like(name: &str, known: &str) -> bool {
    let (length, of_known) = (name.chars().count(), known.chars().count());
    if length < 2 || of_known < 2 || known.is_ascii() {
        return false;
    }
    known.contains(name)
        || of_known >= 3 && name.contains(known)
        || strsim::normalized_levenshtein(name, known) >= ALIKE
}

/// Whether what stands in a row could be names of columns. Otherwise the file may be anything, such as a key, and nothing of it is
/// shown.
pub(super) fn could_be_names(row: &[String]) -> bool {
    row.iter().any(|name| is_chinese(name))
}

/// Whether a name is what becomes of another when it's read in the wrong encoding.
pub(super) fn is_garbled(name: &str) -> bool {
    let (bytes, ..) = encoding_rs::GB18030.encode(name);
    name.contains('\u{fffd}') || !name.is_ascii() && std::str::from_utf8(&bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{is_garbled, plain};

    #[test]
    fn what_was_read_in_the_wrong_encoding_is_known() {
        for name in ["瀵硅薄缂栧彿", "走访\u{fffd}期", "绫诲埆"] {
            assert!(is_garbled(name), "{name}");
        }
        for name in ["对象编号", "走访日期", "类别", "轻重缓急", "A列", "name"] {
            assert!(!is_garbled(name), "{name}");
        }
    }

    #[test]
    fn what_people_put_around_a_name_changes_nothing() {
        for written in [
            "走访日期",
            "*走访日期",
            "＊ 走访日期",
            "走访日期（必填）",
            "(必填)走访日期",
            "【走访日期】",
            "[走访日期]*",
            "1、走访日期",
            "（3）走访日期",
            "十、走访日期",
            "2.走访日期：",
            "走访\n日期",
            "走访日期\n格式：2022-03-05",
            "走访日期：如 2022-03-05",
            "走访日期 必填",
            "走访日期/Date",
            "★走访日期",
            "走访日期(年-月-日)",
        ] {
            assert_eq!(plain(written), "走访日期", "{written:?}");
        }
        for (written, name) in [
            ("走访日期（计划）", "走访日期(计划)"),
            ("【计划】走访日期", "走访日期(计划)"),
            ("走访日期（必填）（拟）", "走访日期(拟)"),
            ("走访日期\n计划", "走访日期(计划)"),
            ("反映问题（已解决）", "反映问题(已解决)"),
            ("对象编号(旧)", "对象编号(旧)"),
            ("角色（原）", "角色(原)"),
            ("反映问题（原话）", "反映问题"),
            ("走访日期（走访前填写）", "走访日期"),
            ("类别（参考附件6填写）", "类别"),
            ("类别（参考）", "类别(参考)"),
            ("联系电话（干部）", "联系电话(干部)"),
            ("联系电话（本人或家属）", "联系电话"),
            ("走访人员（镇村干部）", "走访人员"),
            ("2022年走访情况", "2022年走访情况"),
            ("", ""),
            ("一户一策", "一户一策"),
            ("日期：2022-03-05", "日期2022-03-05"),
        ] {
            assert_eq!(plain(written), name);
        }
    }
}
