//! What people write into a cell in which there's nothing to write yet: a placeholder, a word that says "not yet". Where a
//! cell's mere being filled does something, none of these may do it.

mod result;
mod takes_back;
mod verbs;
mod words;

pub use result::{of_result, takes_back};

/// What a text says of something that may be done or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saying {
    /// Nothing: a dash, 无, 暂无.
    Nothing,
    /// That it isn't done yet.
    NotYet,
    /// Something in which it's said that it isn't done, or not wholly.
    Doubtful,
    /// Something.
    Something,
}

/// What stands where nothing is to be said.
const NOTHING: &[&str] = &[
    "",
    "无",
    "没有",
    "暂无",
    "暂无结果",
    "无结果",
    "空",
    "空白",
    "略",
    "不详",
    "无内容",
    "none",
    "null",
    "n/a",
];

/// What says alone that it isn't done yet.
const NOT_YET: &[&str] = &[
    "否",
    "未",
    "没",
    "没办",
    "未办",
    "不",
    "待",
    "待定",
    "待办",
    "待处理",
    "待办理",
    "待解决",
    "待办结",
    "待落实",
    "待核实",
    "待确认",
    "待签收",
    "待回复",
    "未办结",
    "未办理",
    "未完成",
    "未解决",
    "未处理",
    "未落实",
    "未结",
    "未回复",
    "未确认",
    "未签收",
    "未开始",
    "未着手",
    "未开工",
    "尚未",
    "尚未办结",
    "尚未办理",
    "尚未解决",
    "尚未完成",
    "尚未处理",
    "还没有",
    "还没办",
    "还未办结",
    "还未办理",
    "没办结",
    "没办完",
    "没有办结",
    "没有办理",
    "没有解决",
    "没解决",
    "没完成",
    "暂未办理",
    "暂未办结",
    "暂未解决",
    "暂未处理",
    "暂缓",
    "办理中",
    "处理中",
    "解决中",
    "进行中",
    "推进中",
    "协调中",
    "整改中",
    "落实中",
    "跟进中",
    "施工中",
    "维修中",
    "核实中",
    "研究中",
    "正在办",
    "正在办理",
    "正在处理",
    "正在解决",
    "正在进行",
    "正在推进",
    "正在协调",
    "正在落实",
    "正在整改",
    "正在办理中",
    "正在处理中",
    "在办",
    "在办理",
    "继续办理",
    "跟进",
    "no",
    "x",
    "×",
    "todo",
    "pending",
];

/// What says in the midst of a text that it isn't done, or not wholly.
const SIGNS: &[&str] = &[
    "未办",
    "未完成",
    "未解决",
    "未处理",
    "未落实",
    "未结",
    "未能",
    "未修",
    "未通",
    "未到位",
    "未开",
    "尚未",
    "还未",
    "还没",
    "还在",
    "没有办",
    "没办",
    "没解决",
    "没完成",
    "没修",
    "没有解决",
    "没有完成",
    "没有修",
    "暂未",
    "暂缓",
    "暂不",
    "正在",
    "办理中",
    "处理中",
    "解决中",
    "进行中",
    "推进中",
    "协调中",
    "整改中",
    "落实中",
    "跟进中",
    "施工中",
    "维修中",
    "核实中",
    "研究中",
    "审批中",
    "跟进",
    "待办",
    "待处",
    "待解",
    "待定",
    "待批",
    "待修",
    "待落实",
    "待协调",
    "待核",
    "待回复",
    "有待",
    "等待",
    "预计",
    "计划",
    "准备",
    "拟于",
    "拟在",
    "下一步",
    "争取",
    "力争",
    "尽快",
    "即将",
    "将于",
    "排期",
    "列入",
    "部分",
    "基本完成",
    "基本办",
    "基本解决",
    "基本处理",
    "一半",
    "已上报",
    "已转",
    "已反映",
    "已报送",
    "已报市",
    "已报镇",
];

/// What begins like a sign and isn't one.
const NO_SIGNS: &[&str] = &["正在使用", "正在正常", "按计划完成", "已按计划", "列入并完成"];

/// A text without what stands around it and says nothing.
pub(super) fn bare(text: &str) -> String {
    let marks =
        |c: char| c.is_whitespace() || "。.、，,；;：:-—–_－~～/\\|…()（）[]【】?？!！".contains(c);
    text.trim_matches(marks).to_lowercase()
}

/// Whether a text only stands there because the cell must not be empty.
///
/// ```
/// use zoufang::domain::saying::is_nothing;
/// assert!(is_nothing(" / ") && is_nothing("暂无") && is_nothing("——"));
/// assert!(!is_nothing("无锡路1号"));
/// ```
pub fn is_nothing(text: &str) -> bool {
    NOTHING.contains(&bare(text).as_str())
}

/// What a text says of whether something is done.
///
/// ```
/// use zoufang::domain::saying::{Saying, of};
/// assert_eq!(of("/"), Saying::Nothing);
/// assert_eq!(of("正在办理。"), Saying::NotYet);
/// assert_eq!(of("已联系供电所，预计月底修好"), Saying::Doubtful);
/// assert_eq!(of("已更换灯泡，正在使用"), Saying::Something);
/// ```
pub fn of(text: &str) -> Saying {
    let bare = bare(text);
    if NOTHING.contains(&bare.as_str()) {
        return Saying::Nothing;
    }
    if NOT_YET.contains(&bare.as_str()) {
        return Saying::NotYet;
    }
    let without = NO_SIGNS.iter().fold(bare, |text, known| text.replace(known, ""));
    if SIGNS.iter().any(|sign| without.contains(sign)) || is_less_than_all(&without) {
        return Saying::Doubtful;
    }
    Saying::Something
}

/// Whether a text in the place of an agreement says that there is none.
///
/// ```
/// use zoufang::domain::saying::is_no_agreement;
/// for text in ["", "未达成", "调解失败", "正在调解中", "双方均不同意调解方案", "多次调解未达成一致意见"] {
///     assert!(is_no_agreement(text), "{text}");
/// }
/// assert!(!is_no_agreement("甲方同意赔偿200元，乙方不再追究；不同意的另行起诉"));
/// ```
pub fn is_no_agreement(text: &str) -> bool {
    const NO: [&str; 24] = [
        "未达成",
        "没有达成",
        "没达成",
        "未能达成",
        "无法达成",
        "达不成",
        "不成",
        "未成",
        "失败",
        "正在调解",
        "调解中",
        "不同意",
        "未同意",
        "不接受",
        "拒绝",
        "未签",
        "没有签",
        "没签",
        "谈不拢",
        "破裂",
        "终止",
        "待调解",
        "继续调解",
        "再调解",
    ];
    // A longer text may say so of what is agreed on.
    const SHORT: usize = 16;
    let bare = bare(text);
    let is_short = bare.chars().count() <= SHORT;
    let says = |no: &&str| bare.starts_with(*no) || is_short && bare.contains(*no);
    matches!(of(text), Saying::Nothing | Saying::NotYet) || NO.iter().any(says)
}

/// Whether a share is told that isn't all: 完成80%, 已解决2/3, 三分之二, 九成.
pub fn is_less_than_all(text: &str) -> bool {
    let shares = text.split(['%', '％']).rev().skip(1).map(|before| {
        let digits = before.rsplit(|c: char| !c.is_ascii_digit() && c != '.').next();
        digits.and_then(|digits| digits.parse::<f64>().ok())
    });
    shares.flatten().any(|share| share < 100.0) || is_a_fraction(text) || is_in_tenths(text)
}

/// 2/3 behind a word of work; 4/20 before it is a day.
fn is_a_fraction(text: &str) -> bool {
    const WORK: [&str; 8] = ["解决", "完成", "办结", "修", "换", "装", "理", "好"];
    let is_digit = |c: char| c.is_ascii_digit();
    let mut parts = text.match_indices('/').map(|(at, _)| (&text[..at], &text[at + 1..]));
    let is_share = |(before, behind): (&str, &str)| {
        let stem = before.trim_end_matches(is_digit);
        let part = before[stem.len()..].parse::<u32>();
        let whole =
            behind[..behind.len() - behind.trim_start_matches(is_digit).len()].parse::<u32>();
        let is_less = part.ok().zip(whole.ok()).is_some_and(|(part, whole)| part < whole);
        is_less && WORK.iter().any(|word| stem.ends_with(word))
    };
    parts.any(is_share) || text.contains("分之") && !text.contains("百分之百")
}

/// 九成, but not 完成 or 成功.
fn is_in_tenths(text: &str) -> bool {
    ["一成", "二成", "两成", "三成", "四成", "五成", "六成", "七成", "八成", "九成"]
        .iter()
        .any(|share| text.contains(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_told_from_what_is_not() {
        for text in ["", "/", "-", "——", "无", "暂无", "没有。", "N/A", "（无）", "\\"]
        {
            assert_eq!(of(text), Saying::Nothing, "{text}");
        }
        for text in ["未办结", "正在办理", "待办", "尚未解决！", "办理中...", "否", "没办完", "×"]
        {
            assert_eq!(of(text), Saying::NotYet, "{text}");
        }
        for text in [
            "已联系供电所，正在维修",
            "路面未修，等待材料",
            "已完成80%",
            "部分解决",
            "计划5月底前完成",
            "已上报市住建局",
        ] {
            assert_eq!(of(text), Saying::Doubtful, "{text}");
        }
        for text in [
            "已更换灯泡",
            "已办结",
            "完成100%",
            "已修好，接待群众三次",
            "水压正常",
            "已将垃圾清走",
            "已办1",
        ] {
            assert_eq!(of(text), Saying::Something, "{text}");
            assert_eq!(of_result(text), Saying::Something, "{text}");
        }
    }
}
